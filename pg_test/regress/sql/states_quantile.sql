-- Quantiles as a user sees them.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_tally;
RESET client_min_messages;
CREATE SCHEMA states_quantile;
SET search_path = states_quantile, public;
CREATE TABLE requests AS
SELECT 'page ' || i % 3 AS page, i % 100 AS minute, (i * 7919 % 1000 + 1) * 0.5 AS ms FROM generate_series(1, 3000) i;

-- within 1 % of percentile_disc, whose answer it approximates; the extremes are exact
SELECT page, q, percentile_disc(q) WITHIN GROUP (ORDER BY ms) AS exact,
       abs(quantile(ms, q) / (percentile_disc(q) WITHIN GROUP (ORDER BY ms))::float8 - 1) < 0.01 AS near
FROM requests, unnest(ARRAY[0, 0.5, 0.95, 1]) q GROUP BY page, q ORDER BY page, q;
SELECT quantile(ms, 0) = min(ms) AS min, quantile(ms, 1) = max(ms) AS max, quantiles(ms, '{0,1,NULL}') FROM requests;

-- one roll-up, and a roll-up of it, and the same from the rows
CREATE TABLE minutes AS SELECT page, minute, quantile_state(ms) AS ms FROM requests GROUP BY page, minute;
\d minutes
SELECT page, quantile_merge(ms, 0.5) = (SELECT quantile(r.ms, 0.5) FROM requests r WHERE r.page = m.page) AS same,
       quantiles_merge(ms, ARRAY[0.1, 0.9]) = (SELECT quantiles(r.ms, ARRAY[0.1, 0.9]) FROM requests r WHERE r.page = m.page) AS both
FROM minutes m GROUP BY page ORDER BY page;
SELECT finalize(quantile_merge_state(ms), 1) AS max, finalize(quantile_merge_state(ms), ARRAY[0, 1]) AS ends FROM minutes;
SELECT (SELECT quantile_merge_state(ms)::bytea FROM minutes) = (SELECT quantile_state(ms)::bytea FROM requests) AS same_bytes;

-- bytes
SELECT quantile_state(x) FROM (VALUES (1), (2), (NULL), (2)) v(x);
SELECT quantile_state(x), tally.is_empty(quantile_state(x)) FROM (VALUES (1)) v(x) WHERE false;
SELECT finalize(quantile_state(1) || quantile_state(3) || NULL, 1) AS merged,
       (quantile_state(1.5))::text::tally.quantile_state::text = quantile_state(1.5)::text AS round_trip;
SELECT octet_length(quantile_state(ms)::bytea) < 1000 AS small FROM requests;

-- what has an order but no number
SELECT quantiles(x, '{0,0.3,0.6,1}') FROM unnest('{NaN,1,-Infinity,Infinity}'::float8[]) x;
SELECT quantile(x, 0.5), quantiles(x, '{0.5}') FROM (VALUES (NULL::int)) v(x);
SELECT quantile(x, 0.5), quantiles(x, '{0.5}') FROM (VALUES (1)) v(x) WHERE false;
SELECT quantile(x, NULL), quantiles(x, NULL), quantiles(x, '{}'), quantiles(x, '{{0,NULL},{1,0.5}}') FROM (VALUES (1), (5)) v(x);
SELECT quantile(ms, 1) FILTER (WHERE ms < 10), quantile(ms, 1) FILTER (WHERE ms < 0) FROM requests;

-- refused
\set SHOW_CONTEXT never
SELECT quantile(ms, 1.5) FROM requests;
\echo :LAST_ERROR_SQLSTATE
SELECT quantile(ms, 'NaN') FROM requests;
SELECT quantiles(ms, '{0.5,-1e20}') FROM requests;
SELECT quantile_merge(ms, 2) FROM minutes;
SELECT finalize(ms, -0.1) FROM minutes;
SELECT quantile(ms, minute / 100.0) FROM requests;
\echo :LAST_ERROR_SQLSTATE
SELECT quantile(page, 0.5) FROM requests;
SELECT 'no state'::tally.quantile_state;
\echo :LAST_ERROR_SQLSTATE
SELECT '\x1d1000'::tally.quantile_state;
SELECT '\x1d10f0000001'::tally.quantile_state;
SELECT '\x1d41'::tally.quantile_state;
\echo :LAST_ERROR_SQLSTATE
SELECT '\x14'::text::tally.quantile_state;
SELECT ms = ms FROM minutes;
\echo :LAST_ERROR_SQLSTATE

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA states_quantile CASCADE;
