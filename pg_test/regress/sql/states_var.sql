-- Variance and standard deviation as states.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_tally;
RESET client_min_messages;
CREATE SCHEMA states_var;
SET search_path = states_var, public;
CREATE TABLE events (hour int, ms int, price numeric(10, 2), score float8);
INSERT INTO events SELECT i % 5, i * 7919 % 1000, i * 0.37, i / 8.0 FROM generate_series(1, 1000) i;
INSERT INTO events VALUES (0, NULL, NULL, NULL);

-- a roll-up, and from it what PostgreSQL gives from the events
CREATE TABLE hourly AS SELECT hour, var_state(ms) AS ms, var_state(price) AS price, var_state(score) AS score FROM events GROUP BY hour;
\d hourly
SELECT var_pop_merge(ms), var_samp_merge(ms), stddev_pop_merge(ms), stddev_samp_merge(ms) FROM hourly;
SELECT var_pop(ms), var_samp(ms), stddev_pop(ms), stddev_samp(ms) FROM events;
SELECT var_pop_merge(price), var_samp_merge(price), stddev_pop_merge(price), stddev_samp_merge(price) FROM hourly;
SELECT var_pop(price), var_samp(price), stddev_pop(price), stddev_samp(price) FROM events;
SELECT var_pop_merge(score), var_samp_merge(score), stddev_pop_merge(score), stddev_samp_merge(score) FROM hourly;
-- eighths are exact as numeric too
SELECT var_pop(score::numeric)::float8, var_samp(score::numeric)::float8, stddev_pop(score::numeric)::float8, stddev_samp(score::numeric)::float8 FROM events;
SELECT h.hour, stddev_samp(h.price) = e.price AS price, var_pop(h.ms) = e.ms AS ms
FROM hourly h JOIN (SELECT hour, stddev_samp(price) AS price, var_pop(ms) AS ms FROM events GROUP BY hour) e USING (hour) ORDER BY 1;
SELECT pg_typeof(var_pop_merge(ms)), pg_typeof(var_pop_merge(score)), var_samp(var_merge_state(ms)), round(stddev_pop(var_merge_state(score))::numeric, 6) FROM hourly;
SELECT var_samp(var_state(ms) FILTER (WHERE hour = 1)), var_samp(ms) FILTER (WHERE hour = 1),
       var_samp(var_state(DISTINCT ms % 7)), var_samp(DISTINCT ms % 7) FROM events;
SELECT string_agg(var_pop(s)::text, ' ') FROM (SELECT var_state(i) OVER (ORDER BY i) s FROM generate_series(1, 4) i) w;

-- removal leaves no trace, of display scales, NaN and infinities neither
SELECT var_pop(a || b || tally.negate(b)) AS removed, var_pop(a) AS never_there, tally.is_empty(b || tally.negate(b)) AS nothing_left
FROM (SELECT var_state(x) FILTER (WHERE i < 4) a, var_state(x) FILTER (WHERE i >= 4) b
      FROM (VALUES (1, 1.5), (2, 2), (3, 4), (4, 1e30), (5, 'NaN'), (6, 'Infinity'), (7, 0.00000001)) v(i, x)) t;
SELECT stddev_pop(a || b || tally.negate(b)) AS removed, stddev_pop(a) AS never_there
FROM (SELECT var_state(x) FILTER (WHERE i < 4) a, var_state(x) FILTER (WHERE i >= 4) b
      FROM (VALUES (1, 1.5::float8), (2, 2), (3, 4), (4, 1e300), (5, 'NaN'), (6, 'Infinity'), (7, 1e-300)) v(i, x)) t;

-- few rows, none, NULL
SELECT var_pop(var_state(5)), var_samp(var_state(5)), stddev_pop(var_state(5.00)), stddev_samp(var_state(5::float8));
SELECT var_pop(5), var_samp(5), stddev_pop(5.00), stddev_samp(5::float8);
SELECT var_state(x), var_pop(var_state(x)), var_state(x::float8), stddev_samp(var_state(x::float8)) FROM (VALUES (NULL::int)) v(x);
SELECT var_pop_merge(NULL::tally.var_state), var_merge_state(NULL::tally.var_float8_state), var_pop(NULL::tally.var_state),
       tally.merge(NULL::tally.var_state, NULL), var_state(1) || NULL;

-- bytes
SELECT var_state(x), var_state(x::numeric), var_state(x::float8), var_state(x::float4) FROM (VALUES (1), (2), (NULL)) v(x);
SELECT var_state(12.50), var_state('NaN'::numeric), var_state('-Infinity'::float8);
SELECT '\x1a00020a32'::tally.var_state, '\x1a00020a32'::text::tally.var_state, '\x1B02020005020019'::varchar::tally.var_float8_state, var_state(5)::bytea;
-- the aggregate, not a cast, even with the types in sight
SET search_path = states_var, public, tally;
SELECT var_pop(var_state(ms)) = var_pop(ms) FROM events;
SET search_path = states_var, public;

-- refused
\set SHOW_CONTEXT never
SELECT 'no state'::tally.var_state;
\echo :LAST_ERROR_SQLSTATE
SELECT '\x1a40'::tally.var_state;
SELECT '\x1b'::tally.var_state;
SELECT '\x1a0000'::bpchar::tally.var_state;
SELECT '\x1b000000'::tally.var_float8_state;
SELECT '\x2a'::tally.var_state;
\echo :LAST_ERROR_SQLSTATE
SELECT var_state('text'::text);
SELECT var_state(1) || var_state(1::float8);
SELECT finalize(var_state(1));
SELECT var_samp(var_state(x)) FROM (VALUES (1e200::float8), (-1e200)) v(x);
\echo :LAST_ERROR_SQLSTATE
SELECT var_pop(var_state(x)) FROM (VALUES (1e100000::numeric), (0)) v(x);
\echo :LAST_ERROR_SQLSTATE
SELECT var_state(1) = var_state(1);

SET client_min_messages = warning;
DROP SCHEMA states_var CASCADE;
