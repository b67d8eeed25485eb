-- The state types: bytes with a version, validated on the way in. Text form \x and hexadecimal digits; binary form
-- the bytes. They live apart from the aggregates of the same names (see interface.md), and casts from text go
-- through functions, so that sum_state(text_column) is never parsed as a cast.

-- sum_state
CREATE TYPE tally.sum_state;

CREATE FUNCTION tally.sum_state_in(cstring) RETURNS tally.sum_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_in';
CREATE FUNCTION tally.sum_state_out(tally.sum_state) RETURNS cstring
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_out';
CREATE FUNCTION tally.sum_state_recv(internal) RETURNS tally.sum_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_recv';
CREATE FUNCTION tally.sum_state_send(tally.sum_state) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_send';

CREATE TYPE tally.sum_state (
    INPUT = tally.sum_state_in,
    OUTPUT = tally.sum_state_out,
    RECEIVE = tally.sum_state_recv,
    SEND = tally.sum_state_send,
    INTERNALLENGTH = variable,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE tally.sum_state IS 'mergeable state of a sum over integers or numeric: exact, with counts of NaN, infinities and display scales';

CREATE FUNCTION tally.sum_state_parse(text) RETURNS tally.sum_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_parse';
CREATE FUNCTION tally.sum_state_parse(bpchar) RETURNS tally.sum_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_parse';
CREATE FUNCTION tally.sum_state_parse(name) RETURNS tally.sum_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_parse_name';
CREATE CAST (text AS tally.sum_state) WITH FUNCTION tally.sum_state_parse(text);
CREATE CAST (varchar AS tally.sum_state) WITH FUNCTION tally.sum_state_parse(text);
CREATE CAST (bpchar AS tally.sum_state) WITH FUNCTION tally.sum_state_parse(bpchar);
CREATE CAST (name AS tally.sum_state) WITH FUNCTION tally.sum_state_parse(name);
CREATE CAST (tally.sum_state AS bytea) WITHOUT FUNCTION;

-- sum_float8_state
CREATE TYPE tally.sum_float8_state;

CREATE FUNCTION tally.sum_float8_state_in(cstring) RETURNS tally.sum_float8_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_float8_in';
CREATE FUNCTION tally.sum_float8_state_out(tally.sum_float8_state) RETURNS cstring
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_float8_out';
CREATE FUNCTION tally.sum_float8_state_recv(internal) RETURNS tally.sum_float8_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_float8_recv';
CREATE FUNCTION tally.sum_float8_state_send(tally.sum_float8_state) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_float8_send';

CREATE TYPE tally.sum_float8_state (
    INPUT = tally.sum_float8_state_in,
    OUTPUT = tally.sum_float8_state_out,
    RECEIVE = tally.sum_float8_state_recv,
    SEND = tally.sum_float8_state_send,
    INTERNALLENGTH = variable,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE tally.sum_float8_state IS 'mergeable state of a sum over float4 or float8: exact arithmetic, rounded once at the end';

CREATE FUNCTION tally.sum_float8_state_parse(text) RETURNS tally.sum_float8_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_float8_parse';
CREATE FUNCTION tally.sum_float8_state_parse(bpchar) RETURNS tally.sum_float8_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_float8_parse';
CREATE FUNCTION tally.sum_float8_state_parse(name) RETURNS tally.sum_float8_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_float8_parse_name';
CREATE CAST (text AS tally.sum_float8_state) WITH FUNCTION tally.sum_float8_state_parse(text);
CREATE CAST (varchar AS tally.sum_float8_state) WITH FUNCTION tally.sum_float8_state_parse(text);
CREATE CAST (bpchar AS tally.sum_float8_state) WITH FUNCTION tally.sum_float8_state_parse(bpchar);
CREATE CAST (name AS tally.sum_float8_state) WITH FUNCTION tally.sum_float8_state_parse(name);
CREATE CAST (tally.sum_float8_state AS bytea) WITHOUT FUNCTION;

-- sum_interval_state
CREATE TYPE tally.sum_interval_state;

CREATE FUNCTION tally.sum_interval_state_in(cstring) RETURNS tally.sum_interval_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_interval_in';
CREATE FUNCTION tally.sum_interval_state_out(tally.sum_interval_state) RETURNS cstring
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_interval_out';
CREATE FUNCTION tally.sum_interval_state_recv(internal) RETURNS tally.sum_interval_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_interval_recv';
CREATE FUNCTION tally.sum_interval_state_send(tally.sum_interval_state) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_interval_send';

CREATE TYPE tally.sum_interval_state (
    INPUT = tally.sum_interval_state_in,
    OUTPUT = tally.sum_interval_state_out,
    RECEIVE = tally.sum_interval_state_recv,
    SEND = tally.sum_interval_state_send,
    INTERNALLENGTH = variable,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE tally.sum_interval_state IS 'mergeable state of a sum over intervals: months, days and microseconds apart';

CREATE FUNCTION tally.sum_interval_state_parse(text) RETURNS tally.sum_interval_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_interval_parse';
CREATE FUNCTION tally.sum_interval_state_parse(bpchar) RETURNS tally.sum_interval_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_interval_parse';
CREATE FUNCTION tally.sum_interval_state_parse(name) RETURNS tally.sum_interval_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_sum_interval_parse_name';
CREATE CAST (text AS tally.sum_interval_state) WITH FUNCTION tally.sum_interval_state_parse(text);
CREATE CAST (varchar AS tally.sum_interval_state) WITH FUNCTION tally.sum_interval_state_parse(text);
CREATE CAST (bpchar AS tally.sum_interval_state) WITH FUNCTION tally.sum_interval_state_parse(bpchar);
CREATE CAST (name AS tally.sum_interval_state) WITH FUNCTION tally.sum_interval_state_parse(name);
CREATE CAST (tally.sum_interval_state AS bytea) WITHOUT FUNCTION;

-- avg_state
CREATE TYPE tally.avg_state;

CREATE FUNCTION tally.avg_state_in(cstring) RETURNS tally.avg_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_in';
CREATE FUNCTION tally.avg_state_out(tally.avg_state) RETURNS cstring
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_out';
CREATE FUNCTION tally.avg_state_recv(internal) RETURNS tally.avg_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_recv';
CREATE FUNCTION tally.avg_state_send(tally.avg_state) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_send';

CREATE TYPE tally.avg_state (
    INPUT = tally.avg_state_in,
    OUTPUT = tally.avg_state_out,
    RECEIVE = tally.avg_state_recv,
    SEND = tally.avg_state_send,
    INTERNALLENGTH = variable,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE tally.avg_state IS 'mergeable state of a average over integers or numeric: exact sum and count of the non-NULL rows';

CREATE FUNCTION tally.avg_state_parse(text) RETURNS tally.avg_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_parse';
CREATE FUNCTION tally.avg_state_parse(bpchar) RETURNS tally.avg_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_parse';
CREATE FUNCTION tally.avg_state_parse(name) RETURNS tally.avg_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_parse_name';
CREATE CAST (text AS tally.avg_state) WITH FUNCTION tally.avg_state_parse(text);
CREATE CAST (varchar AS tally.avg_state) WITH FUNCTION tally.avg_state_parse(text);
CREATE CAST (bpchar AS tally.avg_state) WITH FUNCTION tally.avg_state_parse(bpchar);
CREATE CAST (name AS tally.avg_state) WITH FUNCTION tally.avg_state_parse(name);
CREATE CAST (tally.avg_state AS bytea) WITHOUT FUNCTION;

-- avg_float8_state
CREATE TYPE tally.avg_float8_state;

CREATE FUNCTION tally.avg_float8_state_in(cstring) RETURNS tally.avg_float8_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_float8_in';
CREATE FUNCTION tally.avg_float8_state_out(tally.avg_float8_state) RETURNS cstring
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_float8_out';
CREATE FUNCTION tally.avg_float8_state_recv(internal) RETURNS tally.avg_float8_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_float8_recv';
CREATE FUNCTION tally.avg_float8_state_send(tally.avg_float8_state) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_float8_send';

CREATE TYPE tally.avg_float8_state (
    INPUT = tally.avg_float8_state_in,
    OUTPUT = tally.avg_float8_state_out,
    RECEIVE = tally.avg_float8_state_recv,
    SEND = tally.avg_float8_state_send,
    INTERNALLENGTH = variable,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE tally.avg_float8_state IS 'mergeable state of a average over float4 or float8: exact sum and count, rounded once at the end';

CREATE FUNCTION tally.avg_float8_state_parse(text) RETURNS tally.avg_float8_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_float8_parse';
CREATE FUNCTION tally.avg_float8_state_parse(bpchar) RETURNS tally.avg_float8_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_float8_parse';
CREATE FUNCTION tally.avg_float8_state_parse(name) RETURNS tally.avg_float8_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_float8_parse_name';
CREATE CAST (text AS tally.avg_float8_state) WITH FUNCTION tally.avg_float8_state_parse(text);
CREATE CAST (varchar AS tally.avg_float8_state) WITH FUNCTION tally.avg_float8_state_parse(text);
CREATE CAST (bpchar AS tally.avg_float8_state) WITH FUNCTION tally.avg_float8_state_parse(bpchar);
CREATE CAST (name AS tally.avg_float8_state) WITH FUNCTION tally.avg_float8_state_parse(name);
CREATE CAST (tally.avg_float8_state AS bytea) WITHOUT FUNCTION;

-- avg_interval_state
CREATE TYPE tally.avg_interval_state;

CREATE FUNCTION tally.avg_interval_state_in(cstring) RETURNS tally.avg_interval_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_interval_in';
CREATE FUNCTION tally.avg_interval_state_out(tally.avg_interval_state) RETURNS cstring
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_interval_out';
CREATE FUNCTION tally.avg_interval_state_recv(internal) RETURNS tally.avg_interval_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_interval_recv';
CREATE FUNCTION tally.avg_interval_state_send(tally.avg_interval_state) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_interval_send';

CREATE TYPE tally.avg_interval_state (
    INPUT = tally.avg_interval_state_in,
    OUTPUT = tally.avg_interval_state_out,
    RECEIVE = tally.avg_interval_state_recv,
    SEND = tally.avg_interval_state_send,
    INTERNALLENGTH = variable,
    ALIGNMENT = int4,
    STORAGE = extended
);
COMMENT ON TYPE tally.avg_interval_state IS 'mergeable state of a average over intervals: sum and count of the non-NULL rows';

CREATE FUNCTION tally.avg_interval_state_parse(text) RETURNS tally.avg_interval_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_interval_parse';
CREATE FUNCTION tally.avg_interval_state_parse(bpchar) RETURNS tally.avg_interval_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_interval_parse';
CREATE FUNCTION tally.avg_interval_state_parse(name) RETURNS tally.avg_interval_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_avg_interval_parse_name';
CREATE CAST (text AS tally.avg_interval_state) WITH FUNCTION tally.avg_interval_state_parse(text);
CREATE CAST (varchar AS tally.avg_interval_state) WITH FUNCTION tally.avg_interval_state_parse(text);
CREATE CAST (bpchar AS tally.avg_interval_state) WITH FUNCTION tally.avg_interval_state_parse(bpchar);
CREATE CAST (name AS tally.avg_interval_state) WITH FUNCTION tally.avg_interval_state_parse(name);
CREATE CAST (tally.avg_interval_state AS bytea) WITHOUT FUNCTION;

-- uniq_state
CREATE TYPE tally.uniq_state;

CREATE FUNCTION tally.uniq_state_in(cstring) RETURNS tally.uniq_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_in';
CREATE FUNCTION tally.uniq_state_out(tally.uniq_state) RETURNS cstring
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_out';
CREATE FUNCTION tally.uniq_state_recv(internal) RETURNS tally.uniq_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_recv';
CREATE FUNCTION tally.uniq_state_send(tally.uniq_state) RETURNS bytea
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_send';

CREATE TYPE tally.uniq_state (
    INPUT = tally.uniq_state_in,
    OUTPUT = tally.uniq_state_out,
    RECEIVE = tally.uniq_state_recv,
    SEND = tally.uniq_state_send,
    INTERNALLENGTH = variable,
    ALIGNMENT = int4,
    STORAGE = external
);
COMMENT ON TYPE tally.uniq_state IS 'mergeable state of a distinct values: HyperLogLog++ registers over a fixed 64-bit hash';

CREATE FUNCTION tally.uniq_state_parse(text) RETURNS tally.uniq_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_parse';
CREATE FUNCTION tally.uniq_state_parse(bpchar) RETURNS tally.uniq_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_parse';
CREATE FUNCTION tally.uniq_state_parse(name) RETURNS tally.uniq_state
    IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_uniq_parse_name';
CREATE CAST (text AS tally.uniq_state) WITH FUNCTION tally.uniq_state_parse(text);
CREATE CAST (varchar AS tally.uniq_state) WITH FUNCTION tally.uniq_state_parse(text);
CREATE CAST (bpchar AS tally.uniq_state) WITH FUNCTION tally.uniq_state_parse(bpchar);
CREATE CAST (name AS tally.uniq_state) WITH FUNCTION tally.uniq_state_parse(name);
CREATE CAST (tally.uniq_state AS bytea) WITHOUT FUNCTION;
