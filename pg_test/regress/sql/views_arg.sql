-- arg_min and arg_max are in doubt only if the removed row can matter; quantiles after any removal.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE SCHEMA views_arg;
SET search_path = views_arg, public;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE t (id int PRIMARY KEY, k text, at timestamptz, page text COLLATE "C", n numeric, f float8, m mood, p pair, j json, ar int[], u uuid, d positive, b boolean);
INSERT INTO t SELECT i, 'k' || i % 3, timestamptz '2024-01-01Z' + i % 17 * interval '1 hour', 'page ' || i % 11, i / 8.0, i / 16.0, (enum_range(NULL::mood))[1 + i % 3], ROW(i % 4, 'p' || i)::pair, to_json(i), ARRAY[i % 3, i], md5((i % 9)::text)::uuid, 1 + i % 5, i % 2 = 0
FROM generate_series(1, 60) i;
SELECT pg_temp.make('pages', 'SELECT k, arg_min(page, at) AS landing, arg_max(page, at) AS exit, arg_max(at, page) AS latest, arg_min(n, f) AS n, arg_max(m, at) AS m, arg_min(p, at) AS p, arg_max(ar, n) AS ar, arg_max(u, m) AS u, arg_max(d, at) AS d, arg_min(id, p) AS by_pair, arg_max(page, page COLLATE "POSIX") AS c FROM t GROUP BY k');
SELECT pg_temp.make('part', 'SELECT k, arg_max(page, at) FILTER (WHERE b) AS exit, arg_max(upper(page), at + interval ''1 hour'') AS up, max(at) - min(at) AS span FROM t WHERE id <> 3 GROUP BY k');
SELECT pg_temp.make('total', 'SELECT arg_min(page, at) AS landing, arg_max(id, n) AS id FROM t');
SELECT pg_temp.make('without_order', 'SELECT k, arg_max(j, at)::text AS j FROM t GROUP BY k');
SELECT pg_temp.make('states', 'SELECT k, arg_min_state(page, at) AS landing, arg_max_state(n, at) AS n, quantile_state(f) AS q FROM t GROUP BY k', 'k, landing::text, n::text, q::text');
SELECT pg_temp.make('quantiles', 'SELECT k, quantile(f, 0.5) AS median, quantiles(n::float8, ARRAY[0, 0.25, 1]) AS qs, quantile(f, 0.9) FILTER (WHERE b) AS b FROM t GROUP BY k');
-- fewer values than are counted: the counts are exact, and nothing depends on the order of rows
SELECT pg_temp.make('tops', 'SELECT k, top_k(page, 5) AS pages, top_k(m, 2) FILTER (WHERE b) AS moods, top_k_state(id % 4, 3) AS st FROM t GROUP BY k', 'k, pages, moods, finalize(st) AS st');
SELECT "column", "delete" FROM tally.explain_view('tops');
SELECT "column", "insert", "delete" FROM tally.explain_view('states');
-- what is not the same for all rows cannot be told to a stored state
SELECT pg_temp.make('by_row', 'SELECT k, quantile(f, (id % 2)::float8) AS q FROM t WHERE id < 0 GROUP BY k');
SELECT "delete" FROM tally.explain_view('by_row') WHERE "column" = 'q';
INSERT INTO t (id, k, at, page, n, f) VALUES (100, 'k0', '2023-01-01Z', 'first of all', 1, 'NaN'), (101, 'k0', '2025-01-01Z', NULL, 1e10, 'Infinity'), (102, 'k1', NULL, 'no time', NULL, NULL), (103, 'new', NULL, 'x', NULL, NULL);
SELECT pg_temp.exact('rows that come');
SELECT pg_temp.kept('rows that come');
SELECT k, landing, exit FROM pages ORDER BY k;
SELECT k, arg_min_merge(landing, NULL::text) FROM states GROUP BY k ORDER BY k;
SELECT arg_min_merge(landing, NULL::text) = (SELECT landing FROM total) AS merged FROM states;
DELETE FROM t WHERE id IN (100, 101);
SELECT pg_temp.exact('the outermost go');
SELECT pg_temp.kept('the outermost go', NULL);
-- ties go to the least value, whatever comes or goes
INSERT INTO t (id, k, at, page) VALUES (200, 'tie', '2024-06-01Z', 'b'), (201, 'tie', '2024-06-01Z', 'a'), (202, 'tie', '2024-06-01Z', 'c'), (203, 'tie', '2024-05-01Z', 'z');
SELECT k, exit FROM pages WHERE k = 'tie';
DELETE FROM t WHERE id = 201;
SELECT k, exit FROM pages WHERE k = 'tie';
SELECT pg_temp.kept('ties');
-- a removal that cannot matter puts nothing in doubt
INSERT INTO t (id, k, at, page) VALUES (204, 'tie', '2024-05-15Z', 'middle');
SELECT tally.compact() > 0 AS compacted;
DELETE FROM t WHERE id = 204;
SELECT doubtful FROM tally.views WHERE view = 'total'::regclass;
UPDATE t SET page = page || '!' WHERE id % 7 = 0;
UPDATE t SET at = at + interval '3 hours' WHERE id % 5 = 0;
UPDATE t SET k = 'k' || (id + 1) % 3 WHERE id % 11 = 0;
SELECT pg_temp.exact('updates');
SELECT pg_temp.kept('updates', NULL);
-- states put in by hand
SELECT pg_temp.fails($$INSERT INTO states SELECT 'k0', arg_min_state('by hand'::text, now()), NULL, NULL$$);
SELECT pg_temp.fails($$INSERT INTO states SELECT 'k0', arg_min_state(1, now()), NULL, NULL$$);
SELECT pg_temp.fails($$INSERT INTO states SELECT 'k0', arg_min_state('by hand'::text COLLATE "C", 1), NULL, NULL$$);
SELECT pg_temp.fails($$INSERT INTO states SELECT 'k0', NULL, arg_min_state(1.0, now()), NULL$$);
INSERT INTO states SELECT 'k0', arg_min_state('by hand'::text COLLATE "C", '2000-01-01Z'::timestamptz), arg_max_state(7.5, '2000-01-01Z'::timestamptz), quantile_state(5);
SELECT k, finalize(landing, NULL::text), finalize(n, NULL::numeric) = (SELECT arg_max(n, at) FROM t WHERE k = 'k0') AS n FROM states WHERE k = 'k0';
SELECT * FROM tally.verify_view('states');
DROP VIEW states;
DELETE FROM made WHERE name = 'states';
DELETE FROM t WHERE k = 'k0';
SELECT pg_temp.exact('a group gone');
TRUNCATE t;
SELECT pg_temp.kept('truncated');
SET client_min_messages = warning;
DROP SCHEMA views_arg CASCADE;
SELECT pg_temp.left_behind();
