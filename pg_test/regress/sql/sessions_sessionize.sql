-- sessionize as a user sees it.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_tally;
RESET client_min_messages;
CREATE SCHEMA sessions;
SET search_path = sessions, public;
SET TimeZone = 'UTC';
CREATE TABLE visit (u int, t timestamptz);
INSERT INTO visit VALUES (1, '2024-01-01 10:00'), (1, '2024-01-01 10:29:59.999999'), (1, '2024-01-01 10:59:59.999999'), (1, NULL), (1, '2024-01-01 11:00'),
  (2, '2024-01-01 10:00'), (2, '2024-01-01 10:00'), (2, 'infinity'), (2, '-infinity'), (NULL, '2024-01-01 10:00'), (NULL, '2024-01-01 10:30');
-- half an hour by default; NULL and infinite times are no events; exactly the gap opens a session
SELECT u, t, sessionize(t) OVER (PARTITION BY u ORDER BY t), sessionize(t, '29 minutes 59.999999 seconds') OVER (PARTITION BY u ORDER BY t) AS shorter,
       sessionize(gap => '1 day', ts => t) OVER (PARTITION BY u ORDER BY t) AS named FROM visit ORDER BY u, t;
-- without partitions, with a frame that does not matter, twice in one window, in a view
SELECT t, sessionize(t) OVER (ORDER BY t ROWS CURRENT ROW) FROM visit WHERE t < 'infinity' ORDER BY t;
CREATE VIEW visits AS SELECT u, t, sessionize(t) OVER w AS s, row_number() OVER w AS n FROM visit WINDOW w AS (PARTITION BY u ORDER BY t);
SELECT * FROM visits WHERE u = 2 ORDER BY n;
-- a gap of the row's own; a NULL gap is no event
SELECT i, g, sessionize(i, g) OVER (ORDER BY i) FROM (VALUES (1, 5), (3, 5), (6, 3), (9, 4), (10, NULL), (13, 5)) v(i, g);
-- the overloads
SELECT pg_get_function_identity_arguments(oid), pg_get_function_arguments(oid), provolatile, proparallel, prokind
  FROM pg_proc WHERE proname = 'sessionize' ORDER BY 1;
SELECT sessionize(x, 2) OVER (ORDER BY x), sessionize(x::smallint, 2) OVER (ORDER BY x), sessionize(x::bigint, 2) OVER (ORDER BY x), sessionize(x::numeric, 2) OVER (ORDER BY x),
       sessionize(x::float8, 2) OVER (ORDER BY x), sessionize(x, 1.5) OVER (ORDER BY x) FROM (VALUES (1), (2), (4)) v(x);
SELECT sessionize(d) OVER (ORDER BY d), sessionize(d, '1 day') OVER (ORDER BY d), sessionize(d, '2 days') OVER (ORDER BY d)
  FROM (VALUES (date '2024-01-01'), ('2024-01-02'), ('2024-01-02'), ('2024-01-04')) v(d);
-- numbers at the ends of their types
SELECT x, sessionize(x, 9223372036854775807) OVER (ORDER BY x) FROM (VALUES (-9223372036854775808), (-1), (9223372036854775807)) v(x);
SELECT sessionize(x, 'Infinity') OVER (ORDER BY x), sessionize(x::numeric, 'Infinity') OVER (ORDER BY x) FROM (VALUES (float8 '-1e300'), (1e300)) v(x);
SELECT sessionize(x, 1000) OVER (ORDER BY x) FROM (VALUES (numeric '1e1000'), (1e1000 + 999.5), (1e1000 + 2000)) v(x);
SELECT sessionize(x, '290000 years') OVER (ORDER BY x) FROM (VALUES (timestamp '2024-01-01'), ('294276-12-31')) v(x);
-- days and months are the calendar's: in Berlin 2024-03-31 has 23 hours
SET TimeZone = 'Europe/Berlin';
SELECT t, sessionize(t, '1 day') OVER (ORDER BY t), sessionize(t, '24 hours') OVER (ORDER BY t), sessionize(t::timestamp, '1 day') OVER (ORDER BY t)
  FROM (VALUES (timestamptz '2024-03-30 12:00'), ('2024-03-31 12:00')) v(t);
SELECT t, sessionize(t, '1 month') OVER (ORDER BY t), sessionize(t, '30 days') OVER (ORDER BY t) FROM (VALUES (timestamptz '2023-01-31 12:00'), ('2023-02-28 12:00')) v(t);
SET TimeZone = 'UTC';
-- a window that spills nothing keeps no partition, however long
SET work_mem = '64kB';
SET max_parallel_workers_per_gather = 0;
SET jit = off;
CREATE TABLE long AS SELECT timestamptz '2024-01-01' + i * interval '1 minute' AS t FROM generate_series(1, 200000) i;
CREATE FUNCTION temporary_blocks(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
  EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT json) ' || query INTO plan;
  RETURN plan #>> '{0,Plan,Temp Written Blocks}';
END $$;
SELECT temporary_blocks('SELECT sessionize(t) OVER () FROM long') AS sessionize, temporary_blocks('SELECT ntile(2) OVER () FROM long') <> '0' AS what_keeps_it;
SELECT max(n) FROM (SELECT sessionize(t, '2 minutes') OVER () AS n FROM long) x;
RESET work_mem;

-- refused
\set SHOW_CONTEXT never
SELECT sessionize(t) OVER (ORDER BY t DESC) FROM visit WHERE u = 1;
\echo :LAST_ERROR_SQLSTATE
SELECT sessionize(x, 1) OVER (ORDER BY x DESC) FROM generate_series(1, 2) x;
SELECT sessionize(x, 1.0) OVER (ORDER BY x DESC) FROM generate_series(1, 2) x;
SELECT sessionize(t, '0') OVER (ORDER BY t) FROM visit;
\echo :LAST_ERROR_SQLSTATE
SELECT sessionize(t, '-1 second') OVER (ORDER BY t) FROM visit;
SELECT sessionize(t, '1 month -30 days') OVER (ORDER BY t) FROM visit;
SELECT sessionize(t, '1 day -1 hour') OVER (ORDER BY t) FROM visit;
SELECT sessionize(x, 0) OVER (ORDER BY x) FROM generate_series(1, 2) x;
SELECT sessionize(x::bigint, -1) OVER (ORDER BY x) FROM generate_series(1, 2) x;
SELECT sessionize(x, 0.0) OVER (ORDER BY x) FROM generate_series(1, 2) x;
SELECT sessionize(x, 'NaN'::numeric) OVER (ORDER BY x) FROM generate_series(1, 2) x;
SELECT sessionize(x, 'NaN'::float8) OVER (ORDER BY x) FROM generate_series(1, 2) x;
SELECT sessionize(d) OVER () FROM (VALUES (date '300000-01-01')) v(d);
\echo :LAST_ERROR_SQLSTATE
SELECT sessionize(t) FROM visit;
SELECT sessionize(u) OVER (ORDER BY u) FROM visit;
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA sessions CASCADE;
