-- arg_min(value, by), arg_max(value, by): the value of the row whose key is least or greatest. Rows whose key is NULL do not count, NULL
-- values do; of several values at that key the least is taken, NULL only if there is no other. A state names the types of value and key,
-- but PostgreSQL must know a function's result type beforehand: NULL::type tells it.

-- arg_state
CREATE TYPE tally.arg_state;

CREATE FUNCTION tally.arg_state_in(cstring) RETURNS tally.arg_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_arg_in';
CREATE FUNCTION tally.arg_state_out(tally.arg_state) RETURNS cstring
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_arg_out';
CREATE FUNCTION tally.arg_state_recv(internal) RETURNS tally.arg_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_arg_recv';
CREATE FUNCTION tally.arg_state_send(tally.arg_state) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_arg_send';

CREATE TYPE tally.arg_state (
    INPUT = tally.arg_state_in,
    OUTPUT = tally.arg_state_out,
    RECEIVE = tally.arg_state_recv,
    SEND = tally.arg_state_send,
    INTERNALLENGTH = variable,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE tally.arg_state IS 'mergeable state of arg_min or arg_max: a value and the key that it stands at, with their types';

CREATE FUNCTION tally.arg_state_parse(text) RETURNS tally.arg_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_arg_parse';
CREATE FUNCTION tally.arg_state_parse(bpchar) RETURNS tally.arg_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_arg_parse';
CREATE FUNCTION tally.arg_state_parse(name) RETURNS tally.arg_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_arg_parse_name';
CREATE CAST (text AS tally.arg_state) WITH FUNCTION tally.arg_state_parse(text);
CREATE CAST (varchar AS tally.arg_state) WITH FUNCTION tally.arg_state_parse(text);
CREATE CAST (bpchar AS tally.arg_state) WITH FUNCTION tally.arg_state_parse(bpchar);
CREATE CAST (name AS tally.arg_state) WITH FUNCTION tally.arg_state_parse(name);
CREATE CAST (tally.arg_state AS bytea) WITHOUT FUNCTION;

CREATE FUNCTION tally.merge(tally.arg_state, tally.arg_state) RETURNS tally.arg_state
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_arg_merge';
COMMENT ON FUNCTION tally.merge(tally.arg_state, tally.arg_state) IS 'the state of both states'' rows; NULL is no rows';
CREATE FUNCTION tally.is_empty(tally.arg_state) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_arg_is_empty';
COMMENT ON FUNCTION tally.is_empty(tally.arg_state) IS 'is it the state of no rows?';
CREATE OPERATOR || (LEFTARG = tally.arg_state, RIGHTARG = tally.arg_state, FUNCTION = tally.merge, COMMUTATOR = ||);
COMMENT ON OPERATOR || (tally.arg_state, tally.arg_state) IS 'merge two states';
CREATE FUNCTION tally.arg_combine(internal, internal) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_arg_combine';
CREATE FUNCTION tally.arg_serialize(internal) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_arg_serialize';
CREATE FUNCTION tally.arg_deserialize(bytea, internal) RETURNS internal
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_arg_deserialize';
CREATE FUNCTION tally.arg_state_final(internal) RETURNS tally.arg_state
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_arg_state_final';
CREATE FUNCTION tally.arg_reaches(removed tally.arg_state, known tally.arg_state) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_arg_reaches';
COMMENT ON FUNCTION tally.arg_reaches(tally.arg_state, tally.arg_state) IS 'may a group known by the second state be another without the rows of the first?';
CREATE FUNCTION tally.arg_fitting(tally.arg_state, of_greatest boolean, of_values regtype, of_keys regtype, of_collation regcollation) RETURNS tally.arg_state
    STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_arg_fitting';
COMMENT ON FUNCTION tally.arg_fitting(tally.arg_state, boolean, regtype, regtype, regcollation) IS 'the state, if it is of these types; an error otherwise';
CREATE FUNCTION finalize(tally.arg_state, anyelement) RETURNS anyelement
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_arg_finalize';
COMMENT ON FUNCTION finalize(tally.arg_state, anyelement) IS 'final value of one state; the second argument is NULL::type and names the type of the value';
CREATE FUNCTION tally.arg_final(internal, anyelement, anycompatible) RETURNS anyelement
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_arg_final';
CREATE FUNCTION tally.arg_merge_final(internal, tally.arg_state, anyelement) RETURNS anyelement
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_arg_merge_final';

-- arg_min
CREATE FUNCTION tally.arg_min_trans(internal, anyelement, anycompatible) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_arg_min_trans';
CREATE FUNCTION tally.arg_min_merge_trans(internal, tally.arg_state) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_arg_min_merge_trans';
CREATE FUNCTION tally.arg_min_merge_trans(internal, tally.arg_state, anyelement) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_arg_min_merge_trans';
CREATE AGGREGATE arg_min(anyelement, anycompatible) (
    SFUNC = tally.arg_min_trans, STYPE = internal, SSPACE = 200, FINALFUNC = tally.arg_final, FINALFUNC_EXTRA,
    COMBINEFUNC = tally.arg_combine, SERIALFUNC = tally.arg_serialize, DESERIALFUNC = tally.arg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE arg_min(anyelement, anycompatible) IS 'value of the row in which the second argument is least; of several the least value';
CREATE AGGREGATE arg_min_state(anyelement, anycompatible) (
    SFUNC = tally.arg_min_trans, STYPE = internal, SSPACE = 200, FINALFUNC = tally.arg_state_final,
    COMBINEFUNC = tally.arg_combine, SERIALFUNC = tally.arg_serialize, DESERIALFUNC = tally.arg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE arg_min_state(anyelement, anycompatible) IS 'state of arg_min, which merges';
CREATE AGGREGATE arg_min_merge(tally.arg_state, anyelement) (
    SFUNC = tally.arg_min_merge_trans, STYPE = internal, SSPACE = 200, FINALFUNC = tally.arg_merge_final, FINALFUNC_EXTRA,
    COMBINEFUNC = tally.arg_combine, SERIALFUNC = tally.arg_serialize, DESERIALFUNC = tally.arg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE arg_min_merge(tally.arg_state, anyelement) IS 'value at the least key of all states; the second argument is NULL::type and names the type of the value';
CREATE AGGREGATE arg_min_merge_state(tally.arg_state) (
    SFUNC = tally.arg_min_merge_trans, STYPE = internal, SSPACE = 200, FINALFUNC = tally.arg_state_final,
    COMBINEFUNC = tally.arg_combine, SERIALFUNC = tally.arg_serialize, DESERIALFUNC = tally.arg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE arg_min_merge_state(tally.arg_state) IS 'state of arg_min over the rows of all states';

-- arg_max
CREATE FUNCTION tally.arg_max_trans(internal, anyelement, anycompatible) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_arg_max_trans';
CREATE FUNCTION tally.arg_max_merge_trans(internal, tally.arg_state) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_arg_max_merge_trans';
CREATE FUNCTION tally.arg_max_merge_trans(internal, tally.arg_state, anyelement) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_arg_max_merge_trans';
CREATE AGGREGATE arg_max(anyelement, anycompatible) (
    SFUNC = tally.arg_max_trans, STYPE = internal, SSPACE = 200, FINALFUNC = tally.arg_final, FINALFUNC_EXTRA,
    COMBINEFUNC = tally.arg_combine, SERIALFUNC = tally.arg_serialize, DESERIALFUNC = tally.arg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE arg_max(anyelement, anycompatible) IS 'value of the row in which the second argument is greatest; of several the least value';
CREATE AGGREGATE arg_max_state(anyelement, anycompatible) (
    SFUNC = tally.arg_max_trans, STYPE = internal, SSPACE = 200, FINALFUNC = tally.arg_state_final,
    COMBINEFUNC = tally.arg_combine, SERIALFUNC = tally.arg_serialize, DESERIALFUNC = tally.arg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE arg_max_state(anyelement, anycompatible) IS 'state of arg_max, which merges';
CREATE AGGREGATE arg_max_merge(tally.arg_state, anyelement) (
    SFUNC = tally.arg_max_merge_trans, STYPE = internal, SSPACE = 200, FINALFUNC = tally.arg_merge_final, FINALFUNC_EXTRA,
    COMBINEFUNC = tally.arg_combine, SERIALFUNC = tally.arg_serialize, DESERIALFUNC = tally.arg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE arg_max_merge(tally.arg_state, anyelement) IS 'value at the greatest key of all states; the second argument is NULL::type and names the type of the value';
CREATE AGGREGATE arg_max_merge_state(tally.arg_state) (
    SFUNC = tally.arg_max_merge_trans, STYPE = internal, SSPACE = 200, FINALFUNC = tally.arg_state_final,
    COMBINEFUNC = tally.arg_combine, SERIALFUNC = tally.arg_serialize, DESERIALFUNC = tally.arg_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE arg_max_merge_state(tally.arg_state) IS 'state of arg_max over the rows of all states';
