-- Ways of making a view: without data, if not there yet, over persistent and other tables.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE SCHEMA views_create;
SET search_path = views_create, public;
CREATE TABLE t (id int, k text, x int);
INSERT INTO t SELECT i, 'k' || i % 3, i FROM generate_series(1, 20) i;
-- without data: exact at once, filled by compaction or refresh
SELECT tally.create_view('empty', 'SELECT k, count(*) AS n, max(x) AS mx FROM t GROUP BY k', with_data => false);
SELECT tally.create_view('empty2', 'SELECT count(*) AS n, sum(x) AS s FROM t', with_data => false);
INSERT INTO made (name, query, columns) VALUES ('empty', 'SELECT k, count(*), max(x) FROM t GROUP BY k', '*'), ('empty2', 'SELECT count(*), sum(x) FROM t', '*');
SELECT view, status, pending FROM tally.views ORDER BY view::text;
SELECT pg_temp.exact('not filled');
INSERT INTO t VALUES (100, 'new', 1);
UPDATE t SET x = 0 WHERE k = 'k1';
DELETE FROM t WHERE x = 20;
SELECT pg_temp.exact('not filled, and written to');
BEGIN;
SELECT tally.refresh_view('empty');
SELECT pg_temp.exact('filled, inside');
ROLLBACK;
SELECT pg_temp.exact('not filled after all');
SELECT tally.refresh_view('empty');
SELECT tally.compact('empty2') > 0;
SELECT view, status, pending FROM tally.views ORDER BY view::text;
SELECT pg_temp.kept('filled', false);
INSERT INTO t VALUES (101, 'new', 2);
SELECT pg_temp.kept('and kept');
-- if_not_exists
SELECT tally.create_view('empty', 'SELECT 1', if_not_exists => true);
SELECT tally.create_view('fresh', 'SELECT k, min(x) AS mn FROM t GROUP BY k', if_not_exists => true);
-- named, qualified
SELECT tally.create_view('views_create.qualified', query => 'SELECT k, sum_state(x) AS s FROM views_create.t GROUP BY k;  ', order_by => ARRAY['k']);
SELECT tally.create_view('"Quoted.Name"', 'SELECT count(*) AS n FROM t -- a comment');
SELECT tally.create_view(' Folded ', 'SELECT /* in */ count(*) AS n FROM t;');
SELECT count(*) FROM "Quoted.Name", folded, qualified;
-- a long name
SELECT tally.create_view(repeat('long', 15), 'SELECT count(*) AS n FROM t');
SELECT tally.create_view(repeat('long', 20), 'SELECT count(*) AS n FROM t');
SELECT tally.drop_view(repeat('long', 15));
-- the same query twice, under an alias, with a column list
SELECT tally.create_view('twice1', 'SELECT z.key, sum(z.val) AS s FROM t AS z (nr, key, val) GROUP BY z.key'), tally.create_view('twice2', 'SELECT key, sum(val) AS s FROM t z (nr, key, val) GROUP BY key');
INSERT INTO t VALUES (102, 'twice', 2);
SELECT * FROM twice1 EXCEPT ALL SELECT * FROM twice2;
SELECT tally.verify_view('twice1'), tally.verify_view('twice2');
-- an unlogged table
CREATE UNLOGGED TABLE un (a int, b int);
INSERT INTO un VALUES (1, 1), (2, 2);
SELECT pg_temp.make('of_un', 'SELECT a, max(b) AS b FROM un GROUP BY a');
INSERT INTO un VALUES (1, 3), (3, 3);
DELETE FROM un WHERE b = 3 AND a = 1;
SELECT pg_temp.kept('unlogged', NULL);
SELECT count(*), string_agg(DISTINCT c.relpersistence, '') FROM tally.registry r JOIN pg_class c ON c.oid IN (r.main, r.delta, r.filled) WHERE r.view = 'of_un'::regclass;
-- readers of every kind
PREPARE q AS SELECT n, mx FROM empty WHERE k = $1;
EXECUTE q('new');
INSERT INTO t VALUES (103, 'new', 3);
EXECUTE q('new');
EXECUTE q('new'); EXECUTE q('new'); EXECUTE q('new'); EXECUTE q('new'); EXECUTE q('new');
DELETE FROM t WHERE id = 103;
EXECUTE q('new');
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT n FROM empty WHERE k = 'new';
FETCH c;
INSERT INTO t VALUES (104, 'new', 4);
FETCH BACKWARD ALL FROM c;
MOVE ABSOLUTE 0 FROM c;
FETCH ALL FROM c;
CLOSE c;
SELECT n FROM empty WHERE k = 'new';
COMMIT;
CREATE MATERIALIZED VIEW mat AS SELECT * FROM empty;
CREATE VIEW joined AS SELECT k, e.n, f.mn FROM empty e JOIN fresh f USING (k);
SELECT * FROM joined WHERE k = 'new';
SELECT (SELECT n FROM empty e WHERE e.k = t.k) AS n FROM t WHERE id = 104;
CREATE FUNCTION stable_reader(text) RETURNS bigint STABLE LANGUAGE sql AS 'SELECT n FROM views_create.empty WHERE k = $1';
CREATE FUNCTION volatile_reader(text) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN INSERT INTO views_create.t VALUES (105, $1, 1); RETURN (SELECT n FROM views_create.empty WHERE k = $1); END $$;
SELECT stable_reader('new'), volatile_reader('new'), stable_reader('new');
SET max_parallel_workers_per_gather = 2; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
SELECT pg_temp.exact('parallel');
UPDATE t SET x = -x;
SELECT pg_temp.exact('parallel, in doubt');
RESET max_parallel_workers_per_gather; RESET parallel_setup_cost; RESET parallel_tuple_cost; RESET min_parallel_table_scan_size;
SELECT pg_temp.kept('after parallel readers');
SET jit = off; SET enable_hashjoin = off; SET enable_hashagg = off; SET enable_nestloop = off;
UPDATE t SET x = -x, k = nullif(k, 'k2');
SELECT pg_temp.kept('other plans', NULL);
RESET jit; RESET enable_hashjoin; RESET enable_hashagg; RESET enable_nestloop;
SELECT * FROM empty WHERE k IS NULL OR n > 100;
-- tally.views is planned as the small query that it is: nothing is compiled for it
CREATE FUNCTION pg_temp.cost(query text) RETURNS float8 LANGUAGE plpgsql AS $$ DECLARE p jsonb; BEGIN EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO p; RETURN p->0->'Plan'->>'Total Cost'; END $$;
SELECT pg_temp.cost('SELECT * FROM tally.views') < current_setting('jit_above_cost')::float8 / 2 AS cheap;
SET client_min_messages = warning;
DROP SCHEMA views_create CASCADE;
SELECT pg_temp.left_behind();
