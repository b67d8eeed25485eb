-- uniq_exact: the distinct values themselves, by their canonical bytes.

CREATE TYPE tally.uniq_exact_state;

CREATE FUNCTION tally.uniq_exact_state_in(cstring) RETURNS tally.uniq_exact_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_exact_in';
CREATE FUNCTION tally.uniq_exact_state_out(tally.uniq_exact_state) RETURNS cstring
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_exact_out';
CREATE FUNCTION tally.uniq_exact_state_recv(internal) RETURNS tally.uniq_exact_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_exact_recv';
CREATE FUNCTION tally.uniq_exact_state_send(tally.uniq_exact_state) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_exact_send';

CREATE TYPE tally.uniq_exact_state (
    INPUT = tally.uniq_exact_state_in,
    OUTPUT = tally.uniq_exact_state_out,
    RECEIVE = tally.uniq_exact_state_recv,
    SEND = tally.uniq_exact_state_send,
    INTERNALLENGTH = variable,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE tally.uniq_exact_state IS 'mergeable state of distinct values: the set of the values themselves';

CREATE FUNCTION tally.uniq_exact_state_parse(text) RETURNS tally.uniq_exact_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_exact_parse';
CREATE FUNCTION tally.uniq_exact_state_parse(bpchar) RETURNS tally.uniq_exact_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_exact_parse';
CREATE FUNCTION tally.uniq_exact_state_parse(name) RETURNS tally.uniq_exact_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_exact_parse_name';
CREATE CAST (text AS tally.uniq_exact_state) WITH FUNCTION tally.uniq_exact_state_parse(text);
CREATE CAST (varchar AS tally.uniq_exact_state) WITH FUNCTION tally.uniq_exact_state_parse(text);
CREATE CAST (bpchar AS tally.uniq_exact_state) WITH FUNCTION tally.uniq_exact_state_parse(bpchar);
CREATE CAST (name AS tally.uniq_exact_state) WITH FUNCTION tally.uniq_exact_state_parse(name);
CREATE CAST (tally.uniq_exact_state AS bytea) WITHOUT FUNCTION;

CREATE FUNCTION tally.merge(tally.uniq_exact_state, tally.uniq_exact_state) RETURNS tally.uniq_exact_state
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_exact_merge';
COMMENT ON FUNCTION tally.merge(tally.uniq_exact_state, tally.uniq_exact_state) IS 'the state of both states'' rows; NULL is no rows';
CREATE FUNCTION tally.difference(tally.uniq_exact_state, tally.uniq_exact_state) RETURNS tally.uniq_exact_state
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_exact_difference';
COMMENT ON FUNCTION tally.difference(tally.uniq_exact_state, tally.uniq_exact_state) IS 'the values of the first state that the second lacks; NULL is no values';
CREATE FUNCTION tally.is_empty(tally.uniq_exact_state) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_exact_is_empty';
COMMENT ON FUNCTION tally.is_empty(tally.uniq_exact_state) IS 'is it the state of no rows?';
CREATE FUNCTION finalize(tally.uniq_exact_state) RETURNS bigint
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_exact_finalize';
COMMENT ON FUNCTION finalize(tally.uniq_exact_state) IS 'final value of one state';
CREATE CAST (tally.uniq_exact_state AS bigint) WITH FUNCTION finalize(tally.uniq_exact_state) AS ASSIGNMENT;
CREATE OPERATOR || (LEFTARG = tally.uniq_exact_state, RIGHTARG = tally.uniq_exact_state, FUNCTION = tally.merge, COMMUTATOR = ||);
COMMENT ON OPERATOR || (tally.uniq_exact_state, tally.uniq_exact_state) IS 'merge two states';
CREATE FUNCTION tally.uniq_exact_combine(internal, internal) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_exact_combine';
CREATE FUNCTION tally.uniq_exact_serialize(internal) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_exact_serialize';
CREATE FUNCTION tally.uniq_exact_deserialize(bytea, internal) RETURNS internal
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_exact_deserialize';
CREATE FUNCTION tally.uniq_exact_merge_trans(internal, tally.uniq_exact_state) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_exact_merge_trans';
CREATE FUNCTION tally.uniq_exact_state_final(internal) RETURNS tally.uniq_exact_state
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_exact_state_final';
CREATE FUNCTION tally.uniq_exact_final(internal) RETURNS bigint
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_exact_final';

CREATE FUNCTION tally.uniq_exact_trans(internal, VARIADIC "any") RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_exact_trans';
CREATE AGGREGATE uniq_exact(VARIADIC "any") (
    SFUNC = tally.uniq_exact_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = tally.uniq_exact_final,
    COMBINEFUNC = tally.uniq_exact_combine, SERIALFUNC = tally.uniq_exact_serialize, DESERIALFUNC = tally.uniq_exact_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE uniq_exact(VARIADIC "any") IS 'number of distinct values, or of distinct tuples of several arguments, exactly; rows with a NULL among the arguments are not counted';
CREATE AGGREGATE uniq_exact_state(VARIADIC "any") (
    SFUNC = tally.uniq_exact_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = tally.uniq_exact_state_final,
    COMBINEFUNC = tally.uniq_exact_combine, SERIALFUNC = tally.uniq_exact_serialize, DESERIALFUNC = tally.uniq_exact_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE uniq_exact_state(VARIADIC "any") IS 'state of uniq_exact, which merges: the set of the values';
CREATE AGGREGATE uniq_exact_merge(tally.uniq_exact_state) (
    SFUNC = tally.uniq_exact_merge_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = tally.uniq_exact_final,
    COMBINEFUNC = tally.uniq_exact_combine, SERIALFUNC = tally.uniq_exact_serialize, DESERIALFUNC = tally.uniq_exact_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE uniq_exact_merge(tally.uniq_exact_state) IS 'number of distinct values of all states';
CREATE AGGREGATE uniq_exact_merge_state(tally.uniq_exact_state) (
    SFUNC = tally.uniq_exact_merge_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = tally.uniq_exact_state_final,
    COMBINEFUNC = tally.uniq_exact_combine, SERIALFUNC = tally.uniq_exact_serialize, DESERIALFUNC = tally.uniq_exact_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE uniq_exact_merge_state(tally.uniq_exact_state) IS 'state of the distinct values of all states';

-- Sets of what tally.value_bytes gives, for the SQL behind views.
CREATE FUNCTION tally.value_set_trans(internal, bytea) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_exact_bytes_trans';
CREATE AGGREGATE tally.value_set(bytea) (
    SFUNC = tally.value_set_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = tally.uniq_exact_state_final,
    COMBINEFUNC = tally.uniq_exact_combine, SERIALFUNC = tally.uniq_exact_serialize, DESERIALFUNC = tally.uniq_exact_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE tally.value_set(bytea) IS 'state of uniq_exact of values that are given by their canonical bytes';
