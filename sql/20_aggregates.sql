-- Aggregates go to the extension's schema, their support functions to schema tally. For every family:
-- f_state(x) collects a state, f_merge(state) merges states to the final value, f_merge_state(state) to a state;
-- finalize(state) is the final value of one state, and state || state merges two.

-- What every state type has

-- sum_state
CREATE FUNCTION tally.merge(tally.sum_state, tally.sum_state) RETURNS tally.sum_state
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_merge';
COMMENT ON FUNCTION tally.merge(tally.sum_state, tally.sum_state) IS 'the state of both states'' rows; NULL is no rows';
CREATE FUNCTION tally.negate(tally.sum_state) RETURNS tally.sum_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_negate';
COMMENT ON FUNCTION tally.negate(tally.sum_state) IS 'the state that, merged, removes the rows of this state';
CREATE FUNCTION tally.is_empty(tally.sum_state) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_is_empty';
COMMENT ON FUNCTION tally.is_empty(tally.sum_state) IS 'is it the state of no rows?';
CREATE FUNCTION finalize(tally.sum_state) RETURNS numeric
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_finalize';
COMMENT ON FUNCTION finalize(tally.sum_state) IS 'final value of one state';
CREATE CAST (tally.sum_state AS numeric) WITH FUNCTION finalize(tally.sum_state) AS ASSIGNMENT;
CREATE OPERATOR || (LEFTARG = tally.sum_state, RIGHTARG = tally.sum_state, FUNCTION = tally.merge, COMMUTATOR = ||);
COMMENT ON OPERATOR || (tally.sum_state, tally.sum_state) IS 'merge two states';
CREATE FUNCTION tally.sum_combine(internal, internal) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_combine';
CREATE FUNCTION tally.sum_serialize(internal) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_serialize';
CREATE FUNCTION tally.sum_deserialize(bytea, internal) RETURNS internal
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_deserialize';
CREATE FUNCTION tally.sum_merge_trans(internal, tally.sum_state) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_merge_trans';
CREATE FUNCTION tally.sum_state_final(internal) RETURNS tally.sum_state
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_state_final';
CREATE FUNCTION tally.sum_final(internal) RETURNS numeric
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_final';

-- sum_float8_state
CREATE FUNCTION tally.merge(tally.sum_float8_state, tally.sum_float8_state) RETURNS tally.sum_float8_state
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_float8_merge';
COMMENT ON FUNCTION tally.merge(tally.sum_float8_state, tally.sum_float8_state) IS 'the state of both states'' rows; NULL is no rows';
CREATE FUNCTION tally.negate(tally.sum_float8_state) RETURNS tally.sum_float8_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_float8_negate';
COMMENT ON FUNCTION tally.negate(tally.sum_float8_state) IS 'the state that, merged, removes the rows of this state';
CREATE FUNCTION tally.is_empty(tally.sum_float8_state) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_float8_is_empty';
COMMENT ON FUNCTION tally.is_empty(tally.sum_float8_state) IS 'is it the state of no rows?';
CREATE FUNCTION finalize(tally.sum_float8_state) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_float8_finalize';
COMMENT ON FUNCTION finalize(tally.sum_float8_state) IS 'final value of one state';
CREATE CAST (tally.sum_float8_state AS float8) WITH FUNCTION finalize(tally.sum_float8_state) AS ASSIGNMENT;
CREATE OPERATOR || (LEFTARG = tally.sum_float8_state, RIGHTARG = tally.sum_float8_state, FUNCTION = tally.merge, COMMUTATOR = ||);
COMMENT ON OPERATOR || (tally.sum_float8_state, tally.sum_float8_state) IS 'merge two states';
CREATE FUNCTION tally.sum_float8_combine(internal, internal) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_float8_combine';
CREATE FUNCTION tally.sum_float8_serialize(internal) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_float8_serialize';
CREATE FUNCTION tally.sum_float8_deserialize(bytea, internal) RETURNS internal
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_float8_deserialize';
CREATE FUNCTION tally.sum_float8_merge_trans(internal, tally.sum_float8_state) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_float8_merge_trans';
CREATE FUNCTION tally.sum_float8_state_final(internal) RETURNS tally.sum_float8_state
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_float8_state_final';
CREATE FUNCTION tally.sum_float8_final(internal) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_float8_final';

-- sum_interval_state
CREATE FUNCTION tally.merge(tally.sum_interval_state, tally.sum_interval_state) RETURNS tally.sum_interval_state
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_interval_merge';
COMMENT ON FUNCTION tally.merge(tally.sum_interval_state, tally.sum_interval_state) IS 'the state of both states'' rows; NULL is no rows';
CREATE FUNCTION tally.negate(tally.sum_interval_state) RETURNS tally.sum_interval_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_interval_negate';
COMMENT ON FUNCTION tally.negate(tally.sum_interval_state) IS 'the state that, merged, removes the rows of this state';
CREATE FUNCTION tally.is_empty(tally.sum_interval_state) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_interval_is_empty';
COMMENT ON FUNCTION tally.is_empty(tally.sum_interval_state) IS 'is it the state of no rows?';
CREATE FUNCTION finalize(tally.sum_interval_state) RETURNS interval
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_interval_finalize';
COMMENT ON FUNCTION finalize(tally.sum_interval_state) IS 'final value of one state';
CREATE CAST (tally.sum_interval_state AS interval) WITH FUNCTION finalize(tally.sum_interval_state) AS ASSIGNMENT;
CREATE OPERATOR || (LEFTARG = tally.sum_interval_state, RIGHTARG = tally.sum_interval_state, FUNCTION = tally.merge, COMMUTATOR = ||);
COMMENT ON OPERATOR || (tally.sum_interval_state, tally.sum_interval_state) IS 'merge two states';
CREATE FUNCTION tally.sum_interval_combine(internal, internal) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_interval_combine';
CREATE FUNCTION tally.sum_interval_serialize(internal) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_interval_serialize';
CREATE FUNCTION tally.sum_interval_deserialize(bytea, internal) RETURNS internal
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_interval_deserialize';
CREATE FUNCTION tally.sum_interval_merge_trans(internal, tally.sum_interval_state) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_interval_merge_trans';
CREATE FUNCTION tally.sum_interval_state_final(internal) RETURNS tally.sum_interval_state
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_interval_state_final';
CREATE FUNCTION tally.sum_interval_final(internal) RETURNS interval
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_interval_final';

-- avg_state
CREATE FUNCTION tally.merge(tally.avg_state, tally.avg_state) RETURNS tally.avg_state
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_merge';
COMMENT ON FUNCTION tally.merge(tally.avg_state, tally.avg_state) IS 'the state of both states'' rows; NULL is no rows';
CREATE FUNCTION tally.negate(tally.avg_state) RETURNS tally.avg_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_negate';
COMMENT ON FUNCTION tally.negate(tally.avg_state) IS 'the state that, merged, removes the rows of this state';
CREATE FUNCTION tally.is_empty(tally.avg_state) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_is_empty';
COMMENT ON FUNCTION tally.is_empty(tally.avg_state) IS 'is it the state of no rows?';
CREATE FUNCTION finalize(tally.avg_state) RETURNS numeric
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_finalize';
COMMENT ON FUNCTION finalize(tally.avg_state) IS 'final value of one state';
CREATE CAST (tally.avg_state AS numeric) WITH FUNCTION finalize(tally.avg_state) AS ASSIGNMENT;
CREATE OPERATOR || (LEFTARG = tally.avg_state, RIGHTARG = tally.avg_state, FUNCTION = tally.merge, COMMUTATOR = ||);
COMMENT ON OPERATOR || (tally.avg_state, tally.avg_state) IS 'merge two states';
CREATE FUNCTION tally.avg_combine(internal, internal) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_combine';
CREATE FUNCTION tally.avg_serialize(internal) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_serialize';
CREATE FUNCTION tally.avg_deserialize(bytea, internal) RETURNS internal
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_deserialize';
CREATE FUNCTION tally.avg_merge_trans(internal, tally.avg_state) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_merge_trans';
CREATE FUNCTION tally.avg_state_final(internal) RETURNS tally.avg_state
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_state_final';
CREATE FUNCTION tally.avg_final(internal) RETURNS numeric
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_final';

-- avg_float8_state
CREATE FUNCTION tally.merge(tally.avg_float8_state, tally.avg_float8_state) RETURNS tally.avg_float8_state
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_float8_merge';
COMMENT ON FUNCTION tally.merge(tally.avg_float8_state, tally.avg_float8_state) IS 'the state of both states'' rows; NULL is no rows';
CREATE FUNCTION tally.negate(tally.avg_float8_state) RETURNS tally.avg_float8_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_float8_negate';
COMMENT ON FUNCTION tally.negate(tally.avg_float8_state) IS 'the state that, merged, removes the rows of this state';
CREATE FUNCTION tally.is_empty(tally.avg_float8_state) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_float8_is_empty';
COMMENT ON FUNCTION tally.is_empty(tally.avg_float8_state) IS 'is it the state of no rows?';
CREATE FUNCTION finalize(tally.avg_float8_state) RETURNS float8
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_float8_finalize';
COMMENT ON FUNCTION finalize(tally.avg_float8_state) IS 'final value of one state';
CREATE CAST (tally.avg_float8_state AS float8) WITH FUNCTION finalize(tally.avg_float8_state) AS ASSIGNMENT;
CREATE OPERATOR || (LEFTARG = tally.avg_float8_state, RIGHTARG = tally.avg_float8_state, FUNCTION = tally.merge, COMMUTATOR = ||);
COMMENT ON OPERATOR || (tally.avg_float8_state, tally.avg_float8_state) IS 'merge two states';
CREATE FUNCTION tally.avg_float8_combine(internal, internal) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_float8_combine';
CREATE FUNCTION tally.avg_float8_serialize(internal) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_float8_serialize';
CREATE FUNCTION tally.avg_float8_deserialize(bytea, internal) RETURNS internal
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_float8_deserialize';
CREATE FUNCTION tally.avg_float8_merge_trans(internal, tally.avg_float8_state) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_float8_merge_trans';
CREATE FUNCTION tally.avg_float8_state_final(internal) RETURNS tally.avg_float8_state
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_float8_state_final';
CREATE FUNCTION tally.avg_float8_final(internal) RETURNS float8
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_float8_final';

-- avg_interval_state
CREATE FUNCTION tally.merge(tally.avg_interval_state, tally.avg_interval_state) RETURNS tally.avg_interval_state
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_interval_merge';
COMMENT ON FUNCTION tally.merge(tally.avg_interval_state, tally.avg_interval_state) IS 'the state of both states'' rows; NULL is no rows';
CREATE FUNCTION tally.negate(tally.avg_interval_state) RETURNS tally.avg_interval_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_interval_negate';
COMMENT ON FUNCTION tally.negate(tally.avg_interval_state) IS 'the state that, merged, removes the rows of this state';
CREATE FUNCTION tally.is_empty(tally.avg_interval_state) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_interval_is_empty';
COMMENT ON FUNCTION tally.is_empty(tally.avg_interval_state) IS 'is it the state of no rows?';
CREATE FUNCTION finalize(tally.avg_interval_state) RETURNS interval
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_interval_finalize';
COMMENT ON FUNCTION finalize(tally.avg_interval_state) IS 'final value of one state';
CREATE CAST (tally.avg_interval_state AS interval) WITH FUNCTION finalize(tally.avg_interval_state) AS ASSIGNMENT;
CREATE OPERATOR || (LEFTARG = tally.avg_interval_state, RIGHTARG = tally.avg_interval_state, FUNCTION = tally.merge, COMMUTATOR = ||);
COMMENT ON OPERATOR || (tally.avg_interval_state, tally.avg_interval_state) IS 'merge two states';
CREATE FUNCTION tally.avg_interval_combine(internal, internal) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_interval_combine';
CREATE FUNCTION tally.avg_interval_serialize(internal) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_interval_serialize';
CREATE FUNCTION tally.avg_interval_deserialize(bytea, internal) RETURNS internal
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_interval_deserialize';
CREATE FUNCTION tally.avg_interval_merge_trans(internal, tally.avg_interval_state) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_interval_merge_trans';
CREATE FUNCTION tally.avg_interval_state_final(internal) RETURNS tally.avg_interval_state
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_interval_state_final';
CREATE FUNCTION tally.avg_interval_final(internal) RETURNS interval
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_interval_final';

-- uniq_state
CREATE FUNCTION tally.merge(tally.uniq_state, tally.uniq_state) RETURNS tally.uniq_state
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_merge';
COMMENT ON FUNCTION tally.merge(tally.uniq_state, tally.uniq_state) IS 'the state of both states'' rows; NULL is no rows';
CREATE FUNCTION tally.is_empty(tally.uniq_state) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_is_empty';
COMMENT ON FUNCTION tally.is_empty(tally.uniq_state) IS 'is it the state of no rows?';
CREATE FUNCTION finalize(tally.uniq_state) RETURNS bigint
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_finalize';
COMMENT ON FUNCTION finalize(tally.uniq_state) IS 'final value of one state';
CREATE CAST (tally.uniq_state AS bigint) WITH FUNCTION finalize(tally.uniq_state) AS ASSIGNMENT;
CREATE OPERATOR || (LEFTARG = tally.uniq_state, RIGHTARG = tally.uniq_state, FUNCTION = tally.merge, COMMUTATOR = ||);
COMMENT ON OPERATOR || (tally.uniq_state, tally.uniq_state) IS 'merge two states';
CREATE FUNCTION tally.uniq_combine(internal, internal) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_combine';
CREATE FUNCTION tally.uniq_serialize(internal) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_serialize';
CREATE FUNCTION tally.uniq_deserialize(bytea, internal) RETURNS internal
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_deserialize';
CREATE FUNCTION tally.uniq_merge_trans(internal, tally.uniq_state) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_merge_trans';
CREATE FUNCTION tally.uniq_state_final(internal) RETURNS tally.uniq_state
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_state_final';
CREATE FUNCTION tally.uniq_final(internal) RETURNS bigint
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_final';

-- count: the state is the number itself
CREATE AGGREGATE count_state(*) (
    SFUNC = int8inc, STYPE = bigint, INITCOND = '0', COMBINEFUNC = int8pl, PARALLEL = SAFE,
    MSFUNC = int8inc, MINVFUNC = int8dec, MSTYPE = bigint, MINITCOND = '0'
);
COMMENT ON AGGREGATE count_state(*) IS 'number of rows, as a state';
CREATE AGGREGATE count_state("any") (
    SFUNC = int8inc_any, STYPE = bigint, INITCOND = '0', COMBINEFUNC = int8pl, PARALLEL = SAFE,
    MSFUNC = int8inc_any, MINVFUNC = int8dec_any, MSTYPE = bigint, MINITCOND = '0'
);
COMMENT ON AGGREGATE count_state("any") IS 'number of rows in which the argument is not NULL, as a state';
CREATE AGGREGATE count_merge(bigint) (
    SFUNC = int8pl, STYPE = bigint, INITCOND = '0', COMBINEFUNC = int8pl, PARALLEL = SAFE
);
COMMENT ON AGGREGATE count_merge(bigint) IS 'number of rows of merged count states';
CREATE AGGREGATE count_merge_state(bigint) (
    SFUNC = int8pl, STYPE = bigint, INITCOND = '0', COMBINEFUNC = int8pl, PARALLEL = SAFE
);
COMMENT ON AGGREGATE count_merge_state(bigint) IS 'merged count states, as a state';

-- sum
CREATE FUNCTION tally.sum_trans(internal, smallint) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_trans_int2';
CREATE FUNCTION tally.sum_trans(internal, integer) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_trans_int4';
CREATE FUNCTION tally.sum_trans(internal, bigint) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_trans_int8';
CREATE FUNCTION tally.sum_trans(internal, numeric) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_trans_numeric';
CREATE FUNCTION tally.sum_float8_trans(internal, real) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_float8_trans_float4';
CREATE FUNCTION tally.sum_float8_trans(internal, double precision) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_float8_trans_float8';
CREATE FUNCTION tally.sum_interval_trans(internal, interval) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_interval_trans';
CREATE AGGREGATE sum_state(smallint) (
    SFUNC = tally.sum_trans, STYPE = internal, SSPACE = 160, FINALFUNC = tally.sum_state_final,
    COMBINEFUNC = tally.sum_combine, SERIALFUNC = tally.sum_serialize, DESERIALFUNC = tally.sum_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE sum_state(smallint) IS 'sum of the smallint values, as a state that merges';
CREATE AGGREGATE sum_state(integer) (
    SFUNC = tally.sum_trans, STYPE = internal, SSPACE = 160, FINALFUNC = tally.sum_state_final,
    COMBINEFUNC = tally.sum_combine, SERIALFUNC = tally.sum_serialize, DESERIALFUNC = tally.sum_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE sum_state(integer) IS 'sum of the integer values, as a state that merges';
CREATE AGGREGATE sum_state(bigint) (
    SFUNC = tally.sum_trans, STYPE = internal, SSPACE = 160, FINALFUNC = tally.sum_state_final,
    COMBINEFUNC = tally.sum_combine, SERIALFUNC = tally.sum_serialize, DESERIALFUNC = tally.sum_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE sum_state(bigint) IS 'sum of the bigint values, as a state that merges';
CREATE AGGREGATE sum_state(numeric) (
    SFUNC = tally.sum_trans, STYPE = internal, SSPACE = 160, FINALFUNC = tally.sum_state_final,
    COMBINEFUNC = tally.sum_combine, SERIALFUNC = tally.sum_serialize, DESERIALFUNC = tally.sum_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE sum_state(numeric) IS 'sum of the numeric values, as a state that merges';
CREATE AGGREGATE sum_state(real) (
    SFUNC = tally.sum_float8_trans, STYPE = internal, SSPACE = 320, FINALFUNC = tally.sum_float8_state_final,
    COMBINEFUNC = tally.sum_float8_combine, SERIALFUNC = tally.sum_float8_serialize, DESERIALFUNC = tally.sum_float8_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE sum_state(real) IS 'sum of the real values, as a state that merges';
CREATE AGGREGATE sum_state(double precision) (
    SFUNC = tally.sum_float8_trans, STYPE = internal, SSPACE = 320, FINALFUNC = tally.sum_float8_state_final,
    COMBINEFUNC = tally.sum_float8_combine, SERIALFUNC = tally.sum_float8_serialize, DESERIALFUNC = tally.sum_float8_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE sum_state(double precision) IS 'sum of the double precision values, as a state that merges';
CREATE AGGREGATE sum_state(interval) (
    SFUNC = tally.sum_interval_trans, STYPE = internal, SSPACE = 160, FINALFUNC = tally.sum_interval_state_final,
    COMBINEFUNC = tally.sum_interval_combine, SERIALFUNC = tally.sum_interval_serialize, DESERIALFUNC = tally.sum_interval_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE sum_state(interval) IS 'sum of the interval values, as a state that merges';
CREATE AGGREGATE sum_merge(tally.sum_state) (
    SFUNC = tally.sum_merge_trans, STYPE = internal, SSPACE = 160, FINALFUNC = tally.sum_final,
    COMBINEFUNC = tally.sum_combine, SERIALFUNC = tally.sum_serialize, DESERIALFUNC = tally.sum_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE sum_merge(tally.sum_state) IS 'sum over the rows of all states';
CREATE AGGREGATE sum_merge_state(tally.sum_state) (
    SFUNC = tally.sum_merge_trans, STYPE = internal, SSPACE = 160, FINALFUNC = tally.sum_state_final,
    COMBINEFUNC = tally.sum_combine, SERIALFUNC = tally.sum_serialize, DESERIALFUNC = tally.sum_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE sum_merge_state(tally.sum_state) IS 'state of the sum over the rows of all states';
CREATE AGGREGATE sum_merge(tally.sum_float8_state) (
    SFUNC = tally.sum_float8_merge_trans, STYPE = internal, SSPACE = 320, FINALFUNC = tally.sum_float8_final,
    COMBINEFUNC = tally.sum_float8_combine, SERIALFUNC = tally.sum_float8_serialize, DESERIALFUNC = tally.sum_float8_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE sum_merge(tally.sum_float8_state) IS 'sum over the rows of all states';
CREATE AGGREGATE sum_merge_state(tally.sum_float8_state) (
    SFUNC = tally.sum_float8_merge_trans, STYPE = internal, SSPACE = 320, FINALFUNC = tally.sum_float8_state_final,
    COMBINEFUNC = tally.sum_float8_combine, SERIALFUNC = tally.sum_float8_serialize, DESERIALFUNC = tally.sum_float8_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE sum_merge_state(tally.sum_float8_state) IS 'state of the sum over the rows of all states';
CREATE AGGREGATE sum_merge(tally.sum_interval_state) (
    SFUNC = tally.sum_interval_merge_trans, STYPE = internal, SSPACE = 160, FINALFUNC = tally.sum_interval_final,
    COMBINEFUNC = tally.sum_interval_combine, SERIALFUNC = tally.sum_interval_serialize, DESERIALFUNC = tally.sum_interval_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE sum_merge(tally.sum_interval_state) IS 'sum over the rows of all states';
CREATE AGGREGATE sum_merge_state(tally.sum_interval_state) (
    SFUNC = tally.sum_interval_merge_trans, STYPE = internal, SSPACE = 160, FINALFUNC = tally.sum_interval_state_final,
    COMBINEFUNC = tally.sum_interval_combine, SERIALFUNC = tally.sum_interval_serialize, DESERIALFUNC = tally.sum_interval_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE sum_merge_state(tally.sum_interval_state) IS 'state of the sum over the rows of all states';

-- avg
CREATE FUNCTION tally.avg_trans(internal, smallint) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_trans_int2';
CREATE FUNCTION tally.avg_trans(internal, integer) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_trans_int4';
CREATE FUNCTION tally.avg_trans(internal, bigint) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_trans_int8';
CREATE FUNCTION tally.avg_trans(internal, numeric) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_trans_numeric';
CREATE FUNCTION tally.avg_float8_trans(internal, real) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_float8_trans_float4';
CREATE FUNCTION tally.avg_float8_trans(internal, double precision) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_float8_trans_float8';
CREATE FUNCTION tally.avg_interval_trans(internal, interval) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_interval_trans';
CREATE AGGREGATE avg_state(smallint) (
    SFUNC = tally.avg_trans, STYPE = internal, SSPACE = 160, FINALFUNC = tally.avg_state_final,
    COMBINEFUNC = tally.avg_combine, SERIALFUNC = tally.avg_serialize, DESERIALFUNC = tally.avg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE avg_state(smallint) IS 'average (arithmetic mean) of the smallint values, as a state that merges';
CREATE AGGREGATE avg_state(integer) (
    SFUNC = tally.avg_trans, STYPE = internal, SSPACE = 160, FINALFUNC = tally.avg_state_final,
    COMBINEFUNC = tally.avg_combine, SERIALFUNC = tally.avg_serialize, DESERIALFUNC = tally.avg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE avg_state(integer) IS 'average (arithmetic mean) of the integer values, as a state that merges';
CREATE AGGREGATE avg_state(bigint) (
    SFUNC = tally.avg_trans, STYPE = internal, SSPACE = 160, FINALFUNC = tally.avg_state_final,
    COMBINEFUNC = tally.avg_combine, SERIALFUNC = tally.avg_serialize, DESERIALFUNC = tally.avg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE avg_state(bigint) IS 'average (arithmetic mean) of the bigint values, as a state that merges';
CREATE AGGREGATE avg_state(numeric) (
    SFUNC = tally.avg_trans, STYPE = internal, SSPACE = 160, FINALFUNC = tally.avg_state_final,
    COMBINEFUNC = tally.avg_combine, SERIALFUNC = tally.avg_serialize, DESERIALFUNC = tally.avg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE avg_state(numeric) IS 'average (arithmetic mean) of the numeric values, as a state that merges';
CREATE AGGREGATE avg_state(real) (
    SFUNC = tally.avg_float8_trans, STYPE = internal, SSPACE = 320, FINALFUNC = tally.avg_float8_state_final,
    COMBINEFUNC = tally.avg_float8_combine, SERIALFUNC = tally.avg_float8_serialize, DESERIALFUNC = tally.avg_float8_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE avg_state(real) IS 'average (arithmetic mean) of the real values, as a state that merges';
CREATE AGGREGATE avg_state(double precision) (
    SFUNC = tally.avg_float8_trans, STYPE = internal, SSPACE = 320, FINALFUNC = tally.avg_float8_state_final,
    COMBINEFUNC = tally.avg_float8_combine, SERIALFUNC = tally.avg_float8_serialize, DESERIALFUNC = tally.avg_float8_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE avg_state(double precision) IS 'average (arithmetic mean) of the double precision values, as a state that merges';
CREATE AGGREGATE avg_state(interval) (
    SFUNC = tally.avg_interval_trans, STYPE = internal, SSPACE = 160, FINALFUNC = tally.avg_interval_state_final,
    COMBINEFUNC = tally.avg_interval_combine, SERIALFUNC = tally.avg_interval_serialize, DESERIALFUNC = tally.avg_interval_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE avg_state(interval) IS 'average (arithmetic mean) of the interval values, as a state that merges';
CREATE AGGREGATE avg_merge(tally.avg_state) (
    SFUNC = tally.avg_merge_trans, STYPE = internal, SSPACE = 160, FINALFUNC = tally.avg_final,
    COMBINEFUNC = tally.avg_combine, SERIALFUNC = tally.avg_serialize, DESERIALFUNC = tally.avg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE avg_merge(tally.avg_state) IS 'average (arithmetic mean) over the rows of all states';
CREATE AGGREGATE avg_merge_state(tally.avg_state) (
    SFUNC = tally.avg_merge_trans, STYPE = internal, SSPACE = 160, FINALFUNC = tally.avg_state_final,
    COMBINEFUNC = tally.avg_combine, SERIALFUNC = tally.avg_serialize, DESERIALFUNC = tally.avg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE avg_merge_state(tally.avg_state) IS 'state of the average (arithmetic mean) over the rows of all states';
CREATE AGGREGATE avg_merge(tally.avg_float8_state) (
    SFUNC = tally.avg_float8_merge_trans, STYPE = internal, SSPACE = 320, FINALFUNC = tally.avg_float8_final,
    COMBINEFUNC = tally.avg_float8_combine, SERIALFUNC = tally.avg_float8_serialize, DESERIALFUNC = tally.avg_float8_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE avg_merge(tally.avg_float8_state) IS 'average (arithmetic mean) over the rows of all states';
CREATE AGGREGATE avg_merge_state(tally.avg_float8_state) (
    SFUNC = tally.avg_float8_merge_trans, STYPE = internal, SSPACE = 320, FINALFUNC = tally.avg_float8_state_final,
    COMBINEFUNC = tally.avg_float8_combine, SERIALFUNC = tally.avg_float8_serialize, DESERIALFUNC = tally.avg_float8_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE avg_merge_state(tally.avg_float8_state) IS 'state of the average (arithmetic mean) over the rows of all states';
CREATE AGGREGATE avg_merge(tally.avg_interval_state) (
    SFUNC = tally.avg_interval_merge_trans, STYPE = internal, SSPACE = 160, FINALFUNC = tally.avg_interval_final,
    COMBINEFUNC = tally.avg_interval_combine, SERIALFUNC = tally.avg_interval_serialize, DESERIALFUNC = tally.avg_interval_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE avg_merge(tally.avg_interval_state) IS 'average (arithmetic mean) over the rows of all states';
CREATE AGGREGATE avg_merge_state(tally.avg_interval_state) (
    SFUNC = tally.avg_interval_merge_trans, STYPE = internal, SSPACE = 160, FINALFUNC = tally.avg_interval_state_final,
    COMBINEFUNC = tally.avg_interval_combine, SERIALFUNC = tally.avg_interval_serialize, DESERIALFUNC = tally.avg_interval_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE avg_merge_state(tally.avg_interval_state) IS 'state of the average (arithmetic mean) over the rows of all states';

-- min, max: the state is the value itself
CREATE FUNCTION tally.min_trans(anyelement, anyelement) RETURNS anyelement
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_min_trans';
CREATE AGGREGATE min_state(anyelement) (
    SFUNC = tally.min_trans, STYPE = anyelement, COMBINEFUNC = tally.min_trans, PARALLEL = SAFE
);
COMMENT ON AGGREGATE min_state(anyelement) IS 'least of the values, as a state that merges';
CREATE AGGREGATE min_merge(anyelement) (
    SFUNC = tally.min_trans, STYPE = anyelement, COMBINEFUNC = tally.min_trans, PARALLEL = SAFE
);
COMMENT ON AGGREGATE min_merge(anyelement) IS 'least value of merged states';
CREATE AGGREGATE min_merge_state(anyelement) (
    SFUNC = tally.min_trans, STYPE = anyelement, COMBINEFUNC = tally.min_trans, PARALLEL = SAFE
);
COMMENT ON AGGREGATE min_merge_state(anyelement) IS 'least of merged states, as a state';
CREATE FUNCTION tally.max_trans(anyelement, anyelement) RETURNS anyelement
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_max_trans';
CREATE AGGREGATE max_state(anyelement) (
    SFUNC = tally.max_trans, STYPE = anyelement, COMBINEFUNC = tally.max_trans, PARALLEL = SAFE
);
COMMENT ON AGGREGATE max_state(anyelement) IS 'greatest of the values, as a state that merges';
CREATE AGGREGATE max_merge(anyelement) (
    SFUNC = tally.max_trans, STYPE = anyelement, COMBINEFUNC = tally.max_trans, PARALLEL = SAFE
);
COMMENT ON AGGREGATE max_merge(anyelement) IS 'greatest value of merged states';
CREATE AGGREGATE max_merge_state(anyelement) (
    SFUNC = tally.max_trans, STYPE = anyelement, COMBINEFUNC = tally.max_trans, PARALLEL = SAFE
);
COMMENT ON AGGREGATE max_merge_state(anyelement) IS 'greatest of merged states, as a state';

-- uniq
CREATE FUNCTION tally.uniq_trans(internal, VARIADIC "any") RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_trans';
CREATE FUNCTION tally.uniq_p_trans(internal, integer, VARIADIC "any") RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_p_trans';
CREATE AGGREGATE uniq(VARIADIC "any") (
    SFUNC = tally.uniq_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = tally.uniq_final,
    COMBINEFUNC = tally.uniq_combine, SERIALFUNC = tally.uniq_serialize, DESERIALFUNC = tally.uniq_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE uniq(VARIADIC "any") IS 'number of distinct values, or of distinct tuples of several arguments (HyperLogLog++, 0.8 % error); rows with a NULL among the arguments are not counted';
CREATE AGGREGATE uniq_state(VARIADIC "any") (
    SFUNC = tally.uniq_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = tally.uniq_state_final,
    COMBINEFUNC = tally.uniq_combine, SERIALFUNC = tally.uniq_serialize, DESERIALFUNC = tally.uniq_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE uniq_state(VARIADIC "any") IS 'state of uniq, which merges';
CREATE AGGREGATE uniq_p(integer, VARIADIC "any") (
    SFUNC = tally.uniq_p_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = tally.uniq_final,
    COMBINEFUNC = tally.uniq_combine, SERIALFUNC = tally.uniq_serialize, DESERIALFUNC = tally.uniq_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE uniq_p(integer, VARIADIC "any") IS 'as uniq, with 2^p registers, p from 10 to 18 (error about 1.04 / sqrt(2^p))';
CREATE AGGREGATE uniq_p_state(integer, VARIADIC "any") (
    SFUNC = tally.uniq_p_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = tally.uniq_state_final,
    COMBINEFUNC = tally.uniq_combine, SERIALFUNC = tally.uniq_serialize, DESERIALFUNC = tally.uniq_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE uniq_p_state(integer, VARIADIC "any") IS 'state of uniq_p, which merges; merging different p gives the smaller';
CREATE AGGREGATE uniq_merge(tally.uniq_state) (
    SFUNC = tally.uniq_merge_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = tally.uniq_final,
    COMBINEFUNC = tally.uniq_combine, SERIALFUNC = tally.uniq_serialize, DESERIALFUNC = tally.uniq_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE uniq_merge(tally.uniq_state) IS 'number of distinct values of all states';
CREATE AGGREGATE uniq_merge_state(tally.uniq_state) (
    SFUNC = tally.uniq_merge_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = tally.uniq_state_final,
    COMBINEFUNC = tally.uniq_combine, SERIALFUNC = tally.uniq_serialize, DESERIALFUNC = tally.uniq_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE uniq_merge_state(tally.uniq_state) IS 'state of the distinct values of all states';

-- The hash of a group's keys: of equal keys the same on every server and major.
CREATE FUNCTION tally.key_hash() RETURNS bigint
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_key_hash';
CREATE FUNCTION tally.key_hash(VARIADIC "any") RETURNS bigint
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_key_hash';
COMMENT ON FUNCTION tally.key_hash() IS '64-bit hash of no group keys: 0';
COMMENT ON FUNCTION tally.key_hash(VARIADIC "any") IS '64-bit hash of group keys; equal keys have equal hashes';
