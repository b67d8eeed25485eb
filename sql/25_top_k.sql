-- top_k: the most frequent values, by Filtered Space-Saving.

CREATE TYPE tally.top_k_state;

CREATE FUNCTION tally.top_k_state_in(cstring) RETURNS tally.top_k_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_top_k_in';
CREATE FUNCTION tally.top_k_state_out(tally.top_k_state) RETURNS cstring
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_top_k_out';
CREATE FUNCTION tally.top_k_state_recv(internal) RETURNS tally.top_k_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_top_k_recv';
CREATE FUNCTION tally.top_k_state_send(tally.top_k_state) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_top_k_send';

CREATE TYPE tally.top_k_state (
    INPUT = tally.top_k_state_in,
    OUTPUT = tally.top_k_state_out,
    RECEIVE = tally.top_k_state_recv,
    SEND = tally.top_k_state_send,
    INTERNALLENGTH = variable,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE tally.top_k_state IS 'mergeable state of the most frequent values: counters with error bounds (Filtered Space-Saving)';

CREATE FUNCTION tally.top_k_state_parse(text) RETURNS tally.top_k_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_top_k_parse';
CREATE FUNCTION tally.top_k_state_parse(bpchar) RETURNS tally.top_k_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_top_k_parse';
CREATE FUNCTION tally.top_k_state_parse(name) RETURNS tally.top_k_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_top_k_parse_name';
CREATE CAST (text AS tally.top_k_state) WITH FUNCTION tally.top_k_state_parse(text);
CREATE CAST (varchar AS tally.top_k_state) WITH FUNCTION tally.top_k_state_parse(text);
CREATE CAST (bpchar AS tally.top_k_state) WITH FUNCTION tally.top_k_state_parse(bpchar);
CREATE CAST (name AS tally.top_k_state) WITH FUNCTION tally.top_k_state_parse(name);
CREATE CAST (tally.top_k_state AS bytea) WITHOUT FUNCTION;

CREATE FUNCTION tally.merge(tally.top_k_state, tally.top_k_state) RETURNS tally.top_k_state
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_top_k_merge';
COMMENT ON FUNCTION tally.merge(tally.top_k_state, tally.top_k_state) IS 'the state of both states'' rows; NULL is no rows';
CREATE FUNCTION tally.is_empty(tally.top_k_state) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_top_k_is_empty';
COMMENT ON FUNCTION tally.is_empty(tally.top_k_state) IS 'is it the state of no rows?';
CREATE OPERATOR || (LEFTARG = tally.top_k_state, RIGHTARG = tally.top_k_state, FUNCTION = tally.merge, COMMUTATOR = ||);
COMMENT ON OPERATOR || (tally.top_k_state, tally.top_k_state) IS 'merge two states';
CREATE FUNCTION finalize(tally.top_k_state) RETURNS jsonb
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_top_k_finalize';
COMMENT ON FUNCTION finalize(tally.top_k_state) IS 'the most frequent values of one state: an array of value, count and error';
CREATE CAST (tally.top_k_state AS jsonb) WITH FUNCTION finalize(tally.top_k_state) AS ASSIGNMENT;

CREATE FUNCTION tally.top_k_combine(internal, internal) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_top_k_combine';
CREATE FUNCTION tally.top_k_serialize(internal) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_top_k_serialize';
CREATE FUNCTION tally.top_k_deserialize(bytea, internal) RETURNS internal
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_top_k_deserialize';
-- Writes values as to_jsonb does, but under fixed settings, so it is IMMUTABLE.
CREATE FUNCTION tally.top_k_trans(internal, anyelement, integer) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_top_k_trans';
CREATE FUNCTION tally.top_k_merge_trans(internal, tally.top_k_state) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_top_k_merge_trans';
CREATE FUNCTION tally.top_k_state_final(internal) RETURNS tally.top_k_state
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_top_k_state_final';
CREATE FUNCTION tally.top_k_final(internal) RETURNS jsonb
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_top_k_final';

CREATE AGGREGATE top_k(anyelement, integer) (
    SFUNC = tally.top_k_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = tally.top_k_final,
    COMBINEFUNC = tally.top_k_combine, SERIALFUNC = tally.top_k_serialize, DESERIALFUNC = tally.top_k_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE top_k(anyelement, integer) IS 'the k most frequent values: a jsonb array of {"value", "count", "error"}, where count - error <= true count <= count; NULLs are not counted';
CREATE AGGREGATE top_k_state(anyelement, integer) (
    SFUNC = tally.top_k_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = tally.top_k_state_final,
    COMBINEFUNC = tally.top_k_combine, SERIALFUNC = tally.top_k_serialize, DESERIALFUNC = tally.top_k_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE top_k_state(anyelement, integer) IS 'state of top_k, which merges; merging different k gives the smaller';
CREATE AGGREGATE top_k_merge(tally.top_k_state) (
    SFUNC = tally.top_k_merge_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = tally.top_k_final,
    COMBINEFUNC = tally.top_k_combine, SERIALFUNC = tally.top_k_serialize, DESERIALFUNC = tally.top_k_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE top_k_merge(tally.top_k_state) IS 'the most frequent values of all states';
CREATE AGGREGATE top_k_merge_state(tally.top_k_state) (
    SFUNC = tally.top_k_merge_trans, STYPE = internal, SSPACE = 1024, FINALFUNC = tally.top_k_state_final,
    COMBINEFUNC = tally.top_k_combine, SERIALFUNC = tally.top_k_serialize, DESERIALFUNC = tally.top_k_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE top_k_merge_state(tally.top_k_state) IS 'state of the most frequent values of all states';
