-- The most frequent values as a user sees them.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_tally;
RESET client_min_messages;
CREATE SCHEMA states_top_k;
SET search_path = states_top_k, public;
CREATE TABLE visits AS
SELECT 'page ' || i * i % 17 AS page, i % 50 AS hour, i % 4 + 0.50 AS price FROM generate_series(1, 2000) i;

-- exact while there are few values
SELECT jsonb_pretty(top_k(page, 3)) FROM visits;
SELECT page, count(*) FROM visits GROUP BY page ORDER BY count(*) DESC, page COLLATE "C" LIMIT 3;
SELECT e.value, e.count, e.error FROM (SELECT top_k(price, 2) FROM visits) t(j), jsonb_to_recordset(j) AS e(value numeric, count bigint, error bigint);

-- one roll-up, and a roll-up of it
CREATE TABLE hours AS SELECT hour, top_k_state(page, 3) AS pages FROM visits GROUP BY hour;
\d hours
SELECT top_k_merge(pages) = (SELECT top_k(page, 3) FROM visits) AS same, finalize(top_k_merge_state(pages)) = top_k_merge(pages) AS state,
       (top_k_merge_state(pages))::jsonb = top_k_merge(pages) AS converted
FROM hours;

-- bytes
SELECT top_k_state(x, 2) FROM (VALUES (1), (2), (NULL), (2)) v(x);
SELECT top_k_state(x, 2), tally.is_empty(top_k_state(x, 2)), top_k(x, 2) FROM (VALUES (1)) v(x) WHERE false;
SELECT finalize(top_k_state('a'::text, 3) || top_k_state('b'::text, 1) || NULL) AS smaller_k,
       top_k_state('a'::text, 3)::text::tally.top_k_state::text = top_k_state('a'::text, 3)::text AS round_trip;

-- more values than are followed: the bounds hold
SELECT count(*) AS answers, bool_and(e.count - e.error <= n AND n <= e.count) AS bounded, max(e.error) <= 20000 / 30 AS limited
FROM (SELECT top_k(i * i % 1009 % (1 + i % 200), 10) FROM generate_series(1, 20000) i) t(j), jsonb_to_recordset(j) AS e(value int, count bigint, error bigint)
JOIN (SELECT i * i % 1009 % (1 + i % 200) AS v, count(*) AS n FROM generate_series(1, 20000) i GROUP BY 1) x ON v = e.value;

-- values as to_jsonb shows them, whatever the settings
SET TimeZone = 'Asia/Tokyo';
SET IntervalStyle = 'sql_standard';
SELECT top_k('2024-02-29 12:00+00'::timestamptz, 1), top_k('1 day 02:00'::interval, 1), top_k(true, 1), top_k(1.50, 1);
SELECT top_k(ARRAY[1, NULL], 1), top_k('{"b": 1, "a": null}'::jsonb, 1), top_k(E'tab\t"quoted"'::text, 1), top_k('\x00ff'::bytea, 1);
SELECT top_k(page, 1) FILTER (WHERE hour = 1), top_k(page, 1) FILTER (WHERE hour < 0), top_k(NULL::int, 1) FROM visits;
RESET TimeZone;
RESET IntervalStyle;

-- refused
\set SHOW_CONTEXT never
SELECT top_k(page, 0) FROM visits;
\echo :LAST_ERROR_SQLSTATE
SELECT top_k(page, 1001) FROM visits;
SELECT top_k(page, NULL) FROM visits;
SELECT top_k(page, 1 + hour) FROM visits;
\echo :LAST_ERROR_SQLSTATE
SELECT 'no state'::tally.top_k_state;
\echo :LAST_ERROR_SQLSTATE
SELECT '\x1e0a0105000100000000000000027b'::tally.top_k_state;
SELECT '\x1ee90701'::tally.top_k_state;
SELECT '\x1e0aff01'::tally.top_k_state;
SELECT '\x1d'::text::tally.top_k_state;
SELECT pages = pages FROM hours;
\echo :LAST_ERROR_SQLSTATE

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA states_top_k CASCADE;
