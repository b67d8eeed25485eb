-- Variance and standard deviation: var_state collects, var_merge_state merges, and var_pop, var_samp, stddev_pop and stddev_samp are
-- final values, each of one state (var_pop) and as an aggregate over states (var_pop_merge). PostgreSQL's own aggregates of these
-- names take numbers and stay what they are.


-- var_state
CREATE TYPE tally.var_state;

CREATE FUNCTION tally.var_state_in(cstring) RETURNS tally.var_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_in';
CREATE FUNCTION tally.var_state_out(tally.var_state) RETURNS cstring
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_out';
CREATE FUNCTION tally.var_state_recv(internal) RETURNS tally.var_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_recv';
CREATE FUNCTION tally.var_state_send(tally.var_state) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_send';

CREATE TYPE tally.var_state (
    INPUT = tally.var_state_in,
    OUTPUT = tally.var_state_out,
    RECEIVE = tally.var_state_recv,
    SEND = tally.var_state_send,
    INTERNALLENGTH = variable,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE tally.var_state IS 'mergeable state of a variance over integers or numeric: exact sums of the values and their squares, with counts of NaN, infinities and display scales';

CREATE FUNCTION tally.var_state_parse(text) RETURNS tally.var_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_parse';
CREATE FUNCTION tally.var_state_parse(bpchar) RETURNS tally.var_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_parse';
CREATE FUNCTION tally.var_state_parse(name) RETURNS tally.var_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_parse_name';
CREATE CAST (text AS tally.var_state) WITH FUNCTION tally.var_state_parse(text);
CREATE CAST (varchar AS tally.var_state) WITH FUNCTION tally.var_state_parse(text);
CREATE CAST (bpchar AS tally.var_state) WITH FUNCTION tally.var_state_parse(bpchar);
CREATE CAST (name AS tally.var_state) WITH FUNCTION tally.var_state_parse(name);
CREATE CAST (tally.var_state AS bytea) WITHOUT FUNCTION;

CREATE FUNCTION tally.merge(tally.var_state, tally.var_state) RETURNS tally.var_state
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_merge';
COMMENT ON FUNCTION tally.merge(tally.var_state, tally.var_state) IS 'the state of both states'' rows; NULL is no rows';
CREATE FUNCTION tally.negate(tally.var_state) RETURNS tally.var_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_negate';
COMMENT ON FUNCTION tally.negate(tally.var_state) IS 'the state that, merged, removes the rows of this state';
CREATE FUNCTION tally.is_empty(tally.var_state) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_is_empty';
COMMENT ON FUNCTION tally.is_empty(tally.var_state) IS 'is it the state of no rows?';
CREATE OPERATOR || (LEFTARG = tally.var_state, RIGHTARG = tally.var_state, FUNCTION = tally.merge, COMMUTATOR = ||);
COMMENT ON OPERATOR || (tally.var_state, tally.var_state) IS 'merge two states';
CREATE FUNCTION tally.var_combine(internal, internal) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_combine';
CREATE FUNCTION tally.var_serialize(internal) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_serialize';
CREATE FUNCTION tally.var_deserialize(bytea, internal) RETURNS internal
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_deserialize';
CREATE FUNCTION tally.var_merge_trans(internal, tally.var_state) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_merge_trans';
CREATE FUNCTION tally.var_state_final(internal) RETURNS tally.var_state
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_state_final';
CREATE FUNCTION tally.var_trans(internal, smallint) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_trans_int2';
CREATE FUNCTION tally.var_trans(internal, integer) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_trans_int4';
CREATE FUNCTION tally.var_trans(internal, bigint) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_trans_int8';
CREATE FUNCTION tally.var_trans(internal, numeric) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_trans_numeric';
CREATE AGGREGATE var_state(smallint) (
    SFUNC = tally.var_trans, STYPE = internal, SSPACE = 256, FINALFUNC = tally.var_state_final,
    COMBINEFUNC = tally.var_combine, SERIALFUNC = tally.var_serialize, DESERIALFUNC = tally.var_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE var_state(smallint) IS 'variance and standard deviation of the smallint values, as a state that merges';
CREATE AGGREGATE var_state(integer) (
    SFUNC = tally.var_trans, STYPE = internal, SSPACE = 256, FINALFUNC = tally.var_state_final,
    COMBINEFUNC = tally.var_combine, SERIALFUNC = tally.var_serialize, DESERIALFUNC = tally.var_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE var_state(integer) IS 'variance and standard deviation of the integer values, as a state that merges';
CREATE AGGREGATE var_state(bigint) (
    SFUNC = tally.var_trans, STYPE = internal, SSPACE = 256, FINALFUNC = tally.var_state_final,
    COMBINEFUNC = tally.var_combine, SERIALFUNC = tally.var_serialize, DESERIALFUNC = tally.var_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE var_state(bigint) IS 'variance and standard deviation of the bigint values, as a state that merges';
CREATE AGGREGATE var_state(numeric) (
    SFUNC = tally.var_trans, STYPE = internal, SSPACE = 256, FINALFUNC = tally.var_state_final,
    COMBINEFUNC = tally.var_combine, SERIALFUNC = tally.var_serialize, DESERIALFUNC = tally.var_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE var_state(numeric) IS 'variance and standard deviation of the numeric values, as a state that merges';
CREATE AGGREGATE var_merge_state(tally.var_state) (
    SFUNC = tally.var_merge_trans, STYPE = internal, SSPACE = 256, FINALFUNC = tally.var_state_final,
    COMBINEFUNC = tally.var_combine, SERIALFUNC = tally.var_serialize, DESERIALFUNC = tally.var_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE var_merge_state(tally.var_state) IS 'state of the variance over the rows of all states';
CREATE FUNCTION var_pop(tally.var_state) RETURNS numeric
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_var_pop';
COMMENT ON FUNCTION var_pop(tally.var_state) IS 'population variance of one state''s rows';
CREATE FUNCTION tally.var_var_pop_final(internal) RETURNS numeric
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_var_pop_final';
CREATE AGGREGATE var_pop_merge(tally.var_state) (
    SFUNC = tally.var_merge_trans, STYPE = internal, SSPACE = 256, FINALFUNC = tally.var_var_pop_final,
    COMBINEFUNC = tally.var_combine, SERIALFUNC = tally.var_serialize, DESERIALFUNC = tally.var_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE var_pop_merge(tally.var_state) IS 'population variance over the rows of all states';
CREATE FUNCTION var_samp(tally.var_state) RETURNS numeric
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_var_samp';
COMMENT ON FUNCTION var_samp(tally.var_state) IS 'sample variance of one state''s rows';
CREATE FUNCTION tally.var_var_samp_final(internal) RETURNS numeric
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_var_samp_final';
CREATE AGGREGATE var_samp_merge(tally.var_state) (
    SFUNC = tally.var_merge_trans, STYPE = internal, SSPACE = 256, FINALFUNC = tally.var_var_samp_final,
    COMBINEFUNC = tally.var_combine, SERIALFUNC = tally.var_serialize, DESERIALFUNC = tally.var_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE var_samp_merge(tally.var_state) IS 'sample variance over the rows of all states';
CREATE FUNCTION stddev_pop(tally.var_state) RETURNS numeric
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_stddev_pop';
COMMENT ON FUNCTION stddev_pop(tally.var_state) IS 'population standard deviation of one state''s rows';
CREATE FUNCTION tally.var_stddev_pop_final(internal) RETURNS numeric
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_stddev_pop_final';
CREATE AGGREGATE stddev_pop_merge(tally.var_state) (
    SFUNC = tally.var_merge_trans, STYPE = internal, SSPACE = 256, FINALFUNC = tally.var_stddev_pop_final,
    COMBINEFUNC = tally.var_combine, SERIALFUNC = tally.var_serialize, DESERIALFUNC = tally.var_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE stddev_pop_merge(tally.var_state) IS 'population standard deviation over the rows of all states';
CREATE FUNCTION stddev_samp(tally.var_state) RETURNS numeric
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_stddev_samp';
COMMENT ON FUNCTION stddev_samp(tally.var_state) IS 'sample standard deviation of one state''s rows';
CREATE FUNCTION tally.var_stddev_samp_final(internal) RETURNS numeric
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_stddev_samp_final';
CREATE AGGREGATE stddev_samp_merge(tally.var_state) (
    SFUNC = tally.var_merge_trans, STYPE = internal, SSPACE = 256, FINALFUNC = tally.var_stddev_samp_final,
    COMBINEFUNC = tally.var_combine, SERIALFUNC = tally.var_serialize, DESERIALFUNC = tally.var_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE stddev_samp_merge(tally.var_state) IS 'sample standard deviation over the rows of all states';

-- var_float8_state
CREATE TYPE tally.var_float8_state;

CREATE FUNCTION tally.var_float8_state_in(cstring) RETURNS tally.var_float8_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_float8_in';
CREATE FUNCTION tally.var_float8_state_out(tally.var_float8_state) RETURNS cstring
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_float8_out';
CREATE FUNCTION tally.var_float8_state_recv(internal) RETURNS tally.var_float8_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_float8_recv';
CREATE FUNCTION tally.var_float8_state_send(tally.var_float8_state) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_float8_send';

CREATE TYPE tally.var_float8_state (
    INPUT = tally.var_float8_state_in,
    OUTPUT = tally.var_float8_state_out,
    RECEIVE = tally.var_float8_state_recv,
    SEND = tally.var_float8_state_send,
    INTERNALLENGTH = variable,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE tally.var_float8_state IS 'mergeable state of a variance over float4 or float8: exact arithmetic, rounded once at the end';

CREATE FUNCTION tally.var_float8_state_parse(text) RETURNS tally.var_float8_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_float8_parse';
CREATE FUNCTION tally.var_float8_state_parse(bpchar) RETURNS tally.var_float8_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_float8_parse';
CREATE FUNCTION tally.var_float8_state_parse(name) RETURNS tally.var_float8_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_float8_parse_name';
CREATE CAST (text AS tally.var_float8_state) WITH FUNCTION tally.var_float8_state_parse(text);
CREATE CAST (varchar AS tally.var_float8_state) WITH FUNCTION tally.var_float8_state_parse(text);
CREATE CAST (bpchar AS tally.var_float8_state) WITH FUNCTION tally.var_float8_state_parse(bpchar);
CREATE CAST (name AS tally.var_float8_state) WITH FUNCTION tally.var_float8_state_parse(name);
CREATE CAST (tally.var_float8_state AS bytea) WITHOUT FUNCTION;

CREATE FUNCTION tally.merge(tally.var_float8_state, tally.var_float8_state) RETURNS tally.var_float8_state
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_float8_merge';
COMMENT ON FUNCTION tally.merge(tally.var_float8_state, tally.var_float8_state) IS 'the state of both states'' rows; NULL is no rows';
CREATE FUNCTION tally.negate(tally.var_float8_state) RETURNS tally.var_float8_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_float8_negate';
COMMENT ON FUNCTION tally.negate(tally.var_float8_state) IS 'the state that, merged, removes the rows of this state';
CREATE FUNCTION tally.is_empty(tally.var_float8_state) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_float8_is_empty';
COMMENT ON FUNCTION tally.is_empty(tally.var_float8_state) IS 'is it the state of no rows?';
CREATE OPERATOR || (LEFTARG = tally.var_float8_state, RIGHTARG = tally.var_float8_state, FUNCTION = tally.merge, COMMUTATOR = ||);
COMMENT ON OPERATOR || (tally.var_float8_state, tally.var_float8_state) IS 'merge two states';
CREATE FUNCTION tally.var_float8_combine(internal, internal) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_float8_combine';
CREATE FUNCTION tally.var_float8_serialize(internal) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_float8_serialize';
CREATE FUNCTION tally.var_float8_deserialize(bytea, internal) RETURNS internal
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_float8_deserialize';
CREATE FUNCTION tally.var_float8_merge_trans(internal, tally.var_float8_state) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_float8_merge_trans';
CREATE FUNCTION tally.var_float8_state_final(internal) RETURNS tally.var_float8_state
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_float8_state_final';
CREATE FUNCTION tally.var_float8_trans(internal, real) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_float8_trans_float4';
CREATE FUNCTION tally.var_float8_trans(internal, double precision) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_float8_trans_float8';
CREATE AGGREGATE var_state(real) (
    SFUNC = tally.var_float8_trans, STYPE = internal, SSPACE = 512, FINALFUNC = tally.var_float8_state_final,
    COMBINEFUNC = tally.var_float8_combine, SERIALFUNC = tally.var_float8_serialize, DESERIALFUNC = tally.var_float8_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE var_state(real) IS 'variance and standard deviation of the real values, as a state that merges';
CREATE AGGREGATE var_state(double precision) (
    SFUNC = tally.var_float8_trans, STYPE = internal, SSPACE = 512, FINALFUNC = tally.var_float8_state_final,
    COMBINEFUNC = tally.var_float8_combine, SERIALFUNC = tally.var_float8_serialize, DESERIALFUNC = tally.var_float8_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE var_state(double precision) IS 'variance and standard deviation of the double precision values, as a state that merges';
CREATE AGGREGATE var_merge_state(tally.var_float8_state) (
    SFUNC = tally.var_float8_merge_trans, STYPE = internal, SSPACE = 512, FINALFUNC = tally.var_float8_state_final,
    COMBINEFUNC = tally.var_float8_combine, SERIALFUNC = tally.var_float8_serialize, DESERIALFUNC = tally.var_float8_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE var_merge_state(tally.var_float8_state) IS 'state of the variance over the rows of all states';
CREATE FUNCTION var_pop(tally.var_float8_state) RETURNS double precision
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_float8_var_pop';
COMMENT ON FUNCTION var_pop(tally.var_float8_state) IS 'population variance of one state''s rows';
CREATE FUNCTION tally.var_float8_var_pop_final(internal) RETURNS double precision
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_float8_var_pop_final';
CREATE AGGREGATE var_pop_merge(tally.var_float8_state) (
    SFUNC = tally.var_float8_merge_trans, STYPE = internal, SSPACE = 512, FINALFUNC = tally.var_float8_var_pop_final,
    COMBINEFUNC = tally.var_float8_combine, SERIALFUNC = tally.var_float8_serialize, DESERIALFUNC = tally.var_float8_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE var_pop_merge(tally.var_float8_state) IS 'population variance over the rows of all states';
CREATE FUNCTION var_samp(tally.var_float8_state) RETURNS double precision
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_float8_var_samp';
COMMENT ON FUNCTION var_samp(tally.var_float8_state) IS 'sample variance of one state''s rows';
CREATE FUNCTION tally.var_float8_var_samp_final(internal) RETURNS double precision
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_float8_var_samp_final';
CREATE AGGREGATE var_samp_merge(tally.var_float8_state) (
    SFUNC = tally.var_float8_merge_trans, STYPE = internal, SSPACE = 512, FINALFUNC = tally.var_float8_var_samp_final,
    COMBINEFUNC = tally.var_float8_combine, SERIALFUNC = tally.var_float8_serialize, DESERIALFUNC = tally.var_float8_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE var_samp_merge(tally.var_float8_state) IS 'sample variance over the rows of all states';
CREATE FUNCTION stddev_pop(tally.var_float8_state) RETURNS double precision
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_float8_stddev_pop';
COMMENT ON FUNCTION stddev_pop(tally.var_float8_state) IS 'population standard deviation of one state''s rows';
CREATE FUNCTION tally.var_float8_stddev_pop_final(internal) RETURNS double precision
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_float8_stddev_pop_final';
CREATE AGGREGATE stddev_pop_merge(tally.var_float8_state) (
    SFUNC = tally.var_float8_merge_trans, STYPE = internal, SSPACE = 512, FINALFUNC = tally.var_float8_stddev_pop_final,
    COMBINEFUNC = tally.var_float8_combine, SERIALFUNC = tally.var_float8_serialize, DESERIALFUNC = tally.var_float8_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE stddev_pop_merge(tally.var_float8_state) IS 'population standard deviation over the rows of all states';
CREATE FUNCTION stddev_samp(tally.var_float8_state) RETURNS double precision
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_float8_stddev_samp';
COMMENT ON FUNCTION stddev_samp(tally.var_float8_state) IS 'sample standard deviation of one state''s rows';
CREATE FUNCTION tally.var_float8_stddev_samp_final(internal) RETURNS double precision
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_var_float8_stddev_samp_final';
CREATE AGGREGATE stddev_samp_merge(tally.var_float8_state) (
    SFUNC = tally.var_float8_merge_trans, STYPE = internal, SSPACE = 512, FINALFUNC = tally.var_float8_stddev_samp_final,
    COMBINEFUNC = tally.var_float8_combine, SERIALFUNC = tally.var_float8_serialize, DESERIALFUNC = tally.var_float8_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE stddev_samp_merge(tally.var_float8_state) IS 'sample standard deviation over the rows of all states';
