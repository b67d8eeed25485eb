-- What is NULL, and what only has NULLs in it; and domains that allow none.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE SCHEMA views_nulls;
SET search_path = views_nulls, public;
CREATE TYPE pair AS (a int, b int);
CREATE DOMAIN pairs AS pair;
CREATE TABLE t (id int, k pair, d pairs, x pair, n int);
SELECT pg_temp.make('by_pair', 'SELECT k, count(*) AS n, min(n) AS mn FROM t GROUP BY k');
SELECT pg_temp.make('by_domain', 'SELECT d, id % 2 AS odd, max(n) AS mx FROM t GROUP BY 1, 2');
SELECT pg_temp.make('value', 'SELECT id % 2 AS odd, public.any_value(x) AS x, arg_max(x, n) AS top, arg_min(n, x) AS least FROM t GROUP BY 1');
INSERT INTO t VALUES (1, '(,)', '(,)', '(,)', 1), (3, '(,)', '(,)', '(1,)', 2), (5, '(,)', '(,)', '(2,2)', 3), (7, NULL, NULL, NULL, 4), (9, '(1,)', '(1,)', NULL, 5), (11, '(1,2)', '(1,2)', '(0,0)', NULL);
SELECT pg_temp.exact('filled');
DELETE FROM t WHERE id = 1;
TABLE by_pair ORDER BY mn;
SELECT pg_temp.kept('a row of NULLs removed beside a NULL');
INSERT INTO t SELECT id + 20, k, d, x, n FROM t;
DELETE FROM t WHERE x = '(1,)'::pair OR x IS NOT DISTINCT FROM '(,)'::pair;
SELECT pg_temp.kept('rows with NULLs removed');
UPDATE t SET k = d, d = k, x = k, n = n - 7;
UPDATE t SET k = NULL WHERE k = '(1,2)'::pair;
DELETE FROM t WHERE k IS NOT DISTINCT FROM NULL AND id < 20;
SELECT pg_temp.kept('moved');
SELECT view, v.* FROM made JOIN tally.views ON view = name::regclass CROSS JOIN LATERAL tally.verify_view(name) v ORDER BY place;
-- a group that is there twice is one too many
BEGIN;
SELECT format('INSERT INTO tally_data.v%1$s_main SELECT * FROM tally_data.v%1$s_main LIMIT 1', id) AS twice FROM tally.registry WHERE view = 'by_pair'::regclass \gset
:twice;
SELECT * FROM tally.verify_view('by_pair');
ROLLBACK;

-- no value at all is none of a domain either, whatever that allows
CREATE DOMAIN always AS int NOT NULL;
CREATE DOMAIN few AS int CHECK (value IS NOT NULL AND value < 100);
CREATE TABLE d (g int, x always, y few, k int, b boolean);
SELECT pg_temp.make('domains', 'SELECT g, arg_max(x, k) AS x, public.any_value(y) FILTER (WHERE b) AS y, min(x) FILTER (WHERE b) AS mn, arg_min(y, k) AS least FROM d GROUP BY g');
SELECT pg_temp.make('domain_keys', 'SELECT x, y, public.any_value(x) FILTER (WHERE NOT b) AS v, count(*) AS n FROM d GROUP BY x, y');
INSERT INTO d VALUES (1, 1, 1, NULL, false), (2, 2, 2, 2, true), (2, 3, 3, 3, false);
TABLE domains ORDER BY g;
SELECT pg_temp.kept('domains');
DELETE FROM d WHERE b;
UPDATE d SET k = NULL;
SELECT pg_temp.kept('domains without values');

-- users of whom not all is known
CREATE TABLE ev (u pair, at timestamptz);
INSERT INTO ev SELECT ROW(i % 5, CASE WHEN i % 5 <> 2 THEN i % 3 END)::pair, timestamptz '2024-01-01Z' + i * interval '1 minute' FROM generate_series(0, 99) i;
INSERT INTO ev VALUES (NULL, '2024-01-01Z'), ('(,)', '2024-01-01Z');
CREATE TABLE expected AS SELECT u::text AS user_key, min(at) AS started, max(at) AS ended, count(*) AS events FROM (
  SELECT u, at, sum(opens) OVER (PARTITION BY u ORDER BY at) AS s FROM (
    SELECT u, at, (coalesce(at - lag(at) OVER (PARTITION BY u ORDER BY at), '1 day') >= '20 minutes')::int AS opens FROM ev WHERE u IS DISTINCT FROM NULL) x) y GROUP BY u, s;
SELECT count(*), count(DISTINCT user_key) FROM expected;
CREATE VIEW different AS SELECT count(*) FROM (
  (SELECT user_key, started, ended, events FROM tally.sessions('ev', 'u', 'at', '20 minutes') EXCEPT ALL TABLE expected) UNION ALL
  (TABLE expected EXCEPT ALL SELECT user_key, started, ended, events FROM tally.sessions('ev', 'u', 'at', '20 minutes'))) x;
TABLE different;
CREATE INDEX ON ev (u, at);
ANALYZE ev;
SET enable_seqscan = off;
TABLE different;
SELECT count(DISTINCT user_key) FROM tally.sessions('ev', 'u', 'at', '1 minute', '2024-01-01 00:30Z', '2024-01-01 01:00Z');
RESET enable_seqscan;
SET client_min_messages = warning;
DROP SCHEMA views_nulls CASCADE;
SELECT pg_temp.left_behind();
