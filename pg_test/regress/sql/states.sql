-- The mergeable states as a user sees them.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_tally;
RESET client_min_messages;
CREATE SCHEMA states;
CREATE TABLE states.events (at timestamptz, page text, usr int, ms int, price numeric(10, 2), score float8, gap interval);
INSERT INTO states.events
SELECT timestamptz '2024-03-01 00:00+00' + i * interval '37 seconds', 'page ' || i % 7, i % 50, i % 13, i * 0.01, i / 8.0, i * interval '1 second'
FROM generate_series(1, 1000) i;

-- one roll-up, and a roll-up of it, and the same from the events
CREATE TABLE states.hourly AS
SELECT date_trunc('hour', at, 'UTC') AS hour, page, count_state(*) AS hits, uniq_state(usr) AS users, sum_state(price) AS price,
       avg_state(ms) AS ms, sum_state(score) AS score, avg_state(gap) AS gap, min_state(at) AS first, max_state(ms) AS slowest
FROM states.events GROUP BY 1, 2;
\d states.hourly
SELECT page, count_merge(hits) AS hits, uniq_merge(users) AS users, sum_merge(price) AS price, round(avg_merge(ms), 3) AS ms,
       sum_merge(score) AS score, avg_merge(gap) AS gap, min_merge(first) AS first, max_merge(slowest) AS slowest
FROM states.hourly GROUP BY page ORDER BY page;
SELECT page, count(*) AS hits, count(DISTINCT usr) AS users, sum(price) AS price, round(avg(ms), 3) AS ms,
       sum(score) AS score, avg(gap) AS gap, min(at) AS first, max(ms) AS slowest
FROM states.events GROUP BY page ORDER BY page;
CREATE TABLE states.total AS
SELECT count_merge_state(hits) AS hits, uniq_merge_state(users) AS users, sum_merge_state(price) AS price, avg_merge_state(ms) AS ms FROM states.hourly;
SELECT hits, users::bigint, price::numeric, finalize(ms) FROM states.total;

-- bytes
SELECT sum_state(x), avg_state(x), sum_state(x::float8), avg_state(x * interval '1 day'), uniq_state(x) FROM (VALUES (1), (2), (NULL)) v(x);
SELECT sum_state(x), avg_state(x), sum_state(x::float8), avg_state(x * interval '1 day'), uniq_state(x) FROM (VALUES (1)) v(x) WHERE false;
SELECT finalize(sum_state(1.50) || sum_state(2.2500)) AS sum,
       finalize(sum_state(1.50) || sum_state(2.2500) || tally.negate(sum_state(2.2500))) AS removed,
       tally.is_empty(sum_state(7) || tally.negate(sum_state(7))) AS nothing_left;

-- the aggregate, not a cast, even with the types in sight
SET search_path = public, tally;
SELECT uniq_state(page)::bigint, pg_typeof(uniq_state(page)) FROM states.events;
RESET search_path;

-- refused
\set SHOW_CONTEXT never
SELECT 'no state'::tally.uniq_state;
\echo :LAST_ERROR_SQLSTATE
SELECT '\x14zz'::tally.sum_state;
SELECT '\x15'::tally.sum_state;
SELECT '\x24'::tally.sum_state;
\echo :LAST_ERROR_SQLSTATE
SELECT '\x10a100'::text::tally.uniq_state;
SELECT sum_state(page) FROM states.events;
SELECT sum_merge(users) FROM states.hourly;
SELECT uniq_p(30, usr) FROM states.events;
\echo :LAST_ERROR_SQLSTATE
SELECT uniq(VARIADIC ARRAY[1, 2]);
\echo :LAST_ERROR_SQLSTATE
SELECT max_state('{}'::json);
\echo :LAST_ERROR_SQLSTATE
SELECT finalize(sum_state(x)) FROM (VALUES (1e308::float8), (1e308)) v(x);
\echo :LAST_ERROR_SQLSTATE
SELECT uniq_p_state(10 + i % 3, i) FROM generate_series(1, 9) i;
\echo :LAST_ERROR_SQLSTATE
SELECT users = users FROM states.hourly;
\echo :LAST_ERROR_SQLSTATE
SELECT users FROM states.hourly GROUP BY users;
\echo :LAST_ERROR_SQLSTATE

DROP SCHEMA states CASCADE;
