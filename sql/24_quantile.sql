-- quantile: DDSketch, within 1 % of percentile_disc's answer.

CREATE TYPE tally.quantile_state;

CREATE FUNCTION tally.quantile_state_in(cstring) RETURNS tally.quantile_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_quantile_in';
CREATE FUNCTION tally.quantile_state_out(tally.quantile_state) RETURNS cstring
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_quantile_out';
CREATE FUNCTION tally.quantile_state_recv(internal) RETURNS tally.quantile_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_quantile_recv';
CREATE FUNCTION tally.quantile_state_send(tally.quantile_state) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_quantile_send';

CREATE TYPE tally.quantile_state (
    INPUT = tally.quantile_state_in,
    OUTPUT = tally.quantile_state_out,
    RECEIVE = tally.quantile_state_recv,
    SEND = tally.quantile_state_send,
    INTERNALLENGTH = variable,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE tally.quantile_state IS 'mergeable state of quantiles: counts in bins of 1 % relative accuracy (DDSketch), with exact extremes';

CREATE FUNCTION tally.quantile_state_parse(text) RETURNS tally.quantile_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_quantile_parse';
CREATE FUNCTION tally.quantile_state_parse(bpchar) RETURNS tally.quantile_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_quantile_parse';
CREATE FUNCTION tally.quantile_state_parse(name) RETURNS tally.quantile_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_quantile_parse_name';
CREATE CAST (text AS tally.quantile_state) WITH FUNCTION tally.quantile_state_parse(text);
CREATE CAST (varchar AS tally.quantile_state) WITH FUNCTION tally.quantile_state_parse(text);
CREATE CAST (bpchar AS tally.quantile_state) WITH FUNCTION tally.quantile_state_parse(bpchar);
CREATE CAST (name AS tally.quantile_state) WITH FUNCTION tally.quantile_state_parse(name);
CREATE CAST (tally.quantile_state AS bytea) WITHOUT FUNCTION;

CREATE FUNCTION tally.merge(tally.quantile_state, tally.quantile_state) RETURNS tally.quantile_state
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_quantile_merge';
COMMENT ON FUNCTION tally.merge(tally.quantile_state, tally.quantile_state) IS 'the state of both states'' rows; NULL is no rows';
CREATE FUNCTION tally.is_empty(tally.quantile_state) RETURNS boolean
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_quantile_is_empty';
COMMENT ON FUNCTION tally.is_empty(tally.quantile_state) IS 'is it the state of no rows?';
CREATE OPERATOR || (LEFTARG = tally.quantile_state, RIGHTARG = tally.quantile_state, FUNCTION = tally.merge, COMMUTATOR = ||);
COMMENT ON OPERATOR || (tally.quantile_state, tally.quantile_state) IS 'merge two states';
CREATE FUNCTION finalize(tally.quantile_state, double precision) RETURNS double precision
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_quantile_finalize';
COMMENT ON FUNCTION finalize(tally.quantile_state, double precision) IS 'quantile of one state, between 0 (the least value) and 1 (the greatest)';
CREATE FUNCTION finalize(tally.quantile_state, double precision[]) RETURNS double precision[]
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_quantile_finalize_array';
COMMENT ON FUNCTION finalize(tally.quantile_state, double precision[]) IS 'quantiles of one state';

CREATE FUNCTION tally.quantile_combine(internal, internal) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_quantile_combine';
CREATE FUNCTION tally.quantile_serialize(internal) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_quantile_serialize';
CREATE FUNCTION tally.quantile_deserialize(bytea, internal) RETURNS internal
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_quantile_deserialize';
CREATE FUNCTION tally.quantile_trans(internal, double precision) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_quantile_trans';
CREATE FUNCTION tally.quantile_merge_trans(internal, tally.quantile_state) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_quantile_merge_trans';
CREATE FUNCTION tally.quantile_state_final(internal) RETURNS tally.quantile_state
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_quantile_state_final';

-- with what is asked kept beside the state
CREATE FUNCTION tally.quantile_at_combine(internal, internal) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_quantile_at_combine';
CREATE FUNCTION tally.quantile_at_serialize(internal) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_quantile_at_serialize';
CREATE FUNCTION tally.quantile_at_deserialize(bytea, internal) RETURNS internal
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_quantile_at_deserialize';
CREATE FUNCTION tally.quantile_at_trans(internal, double precision, double precision) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_quantile_at_trans';
CREATE FUNCTION tally.quantile_at_trans(internal, double precision, double precision[]) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_quantile_at_trans_array';
CREATE FUNCTION tally.quantile_at_merge_trans(internal, tally.quantile_state, double precision) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_quantile_at_merge_trans';
CREATE FUNCTION tally.quantile_at_merge_trans(internal, tally.quantile_state, double precision[]) RETURNS internal
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_quantile_at_merge_trans_array';
CREATE FUNCTION tally.quantile_at_final(internal) RETURNS double precision
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_quantile_at_final';
CREATE FUNCTION tally.quantile_at_final_array(internal) RETURNS double precision[]
    IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_quantile_at_final_array';

CREATE AGGREGATE quantile(double precision, double precision) (
    SFUNC = tally.quantile_at_trans, STYPE = internal, SSPACE = 512, FINALFUNC = tally.quantile_at_final,
    COMBINEFUNC = tally.quantile_at_combine, SERIALFUNC = tally.quantile_at_serialize, DESERIALFUNC = tally.quantile_at_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE quantile(double precision, double precision) IS 'value at a fraction of the ordered values, within 1 % of percentile_disc (DDSketch)';
CREATE AGGREGATE quantiles(double precision, double precision[]) (
    SFUNC = tally.quantile_at_trans, STYPE = internal, SSPACE = 512, FINALFUNC = tally.quantile_at_final_array,
    COMBINEFUNC = tally.quantile_at_combine, SERIALFUNC = tally.quantile_at_serialize, DESERIALFUNC = tally.quantile_at_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE quantiles(double precision, double precision[]) IS 'values at several fractions of the ordered values, each as quantile gives it';
CREATE AGGREGATE quantile_state(double precision) (
    SFUNC = tally.quantile_trans, STYPE = internal, SSPACE = 512, FINALFUNC = tally.quantile_state_final,
    COMBINEFUNC = tally.quantile_combine, SERIALFUNC = tally.quantile_serialize, DESERIALFUNC = tally.quantile_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE quantile_state(double precision) IS 'state of quantile, which merges';
CREATE AGGREGATE quantile_merge(tally.quantile_state, double precision) (
    SFUNC = tally.quantile_at_merge_trans, STYPE = internal, SSPACE = 512, FINALFUNC = tally.quantile_at_final,
    COMBINEFUNC = tally.quantile_at_combine, SERIALFUNC = tally.quantile_at_serialize, DESERIALFUNC = tally.quantile_at_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE quantile_merge(tally.quantile_state, double precision) IS 'value at a fraction of the ordered values of all states';
CREATE AGGREGATE quantiles_merge(tally.quantile_state, double precision[]) (
    SFUNC = tally.quantile_at_merge_trans, STYPE = internal, SSPACE = 512, FINALFUNC = tally.quantile_at_final_array,
    COMBINEFUNC = tally.quantile_at_combine, SERIALFUNC = tally.quantile_at_serialize, DESERIALFUNC = tally.quantile_at_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE quantiles_merge(tally.quantile_state, double precision[]) IS 'values at several fractions of the ordered values of all states';
CREATE AGGREGATE quantile_merge_state(tally.quantile_state) (
    SFUNC = tally.quantile_merge_trans, STYPE = internal, SSPACE = 512, FINALFUNC = tally.quantile_state_final,
    COMBINEFUNC = tally.quantile_combine, SERIALFUNC = tally.quantile_serialize, DESERIALFUNC = tally.quantile_deserialize,
    PARALLEL = SAFE
);
COMMENT ON AGGREGATE quantile_merge_state(tally.quantile_state) IS 'state of the values of all states';
