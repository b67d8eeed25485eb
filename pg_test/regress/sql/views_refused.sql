-- What cannot be maintained is refused, with what stands in the way, where it stands, and the way out.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
CREATE FUNCTION pg_temp.refused(query text) RETURNS text LANGUAGE sql AS $$ SELECT pg_temp.fails(format('SELECT tally.create_view(%L, %L)', 'refused', query)) $$;
\set ECHO all
CREATE SCHEMA views_refused;
SET search_path = views_refused, public;
CREATE TABLE t (id int PRIMARY KEY, a int, b text, x numeric);
CREATE TABLE u (id int);
CREATE VIEW plain_view AS SELECT * FROM t;
CREATE MATERIALIZED VIEW mat AS SELECT * FROM t;
CREATE SEQUENCE seq;
-- shapes
SELECT pg_temp.refused('SELECT a, count(*) FROM t GROUP BY a UNION ALL SELECT 1, 2');
SELECT pg_temp.refused('SELECT count(*) FROM t INTERSECT SELECT 1');
SELECT pg_temp.refused('WITH w AS (SELECT * FROM t) SELECT count(*) FROM w');
SELECT pg_temp.refused('WITH w AS (SELECT 1 AS one) SELECT count(*) FROM t');
SELECT pg_temp.refused('WITH RECURSIVE r AS (SELECT 1 UNION ALL SELECT 2) SELECT count(*) FROM r');
SELECT pg_temp.refused('SELECT DISTINCT a FROM t');
SELECT pg_temp.refused('SELECT DISTINCT a, count(*) FROM t GROUP BY a, b');
SELECT pg_temp.refused('SELECT DISTINCT ON (a) a, count(*) FROM t GROUP BY a, b');
SELECT pg_temp.refused('SELECT a, count(*), rank() OVER (ORDER BY count(*)) FROM t GROUP BY a');
SELECT pg_temp.refused('SELECT id, sum(x) OVER w FROM t WINDOW w AS (PARTITION BY a)') ~ 'cannot maintain window function sum incrementally' AS named;
SELECT pg_temp.refused('SELECT a, b, count(*) FROM t GROUP BY GROUPING SETS ((a), (b))');
SELECT pg_temp.refused('SELECT a, count(*) FROM t GROUP BY ROLLUP (a)');
SELECT pg_temp.refused('SELECT a, b, count(*) FROM t GROUP BY CUBE (a, b)');
SELECT pg_temp.refused('SELECT a, count(*) FROM t GROUP BY a ORDER BY a');
SELECT pg_temp.refused('SELECT a, count(*) FROM t GROUP BY a ORDER BY 2 DESC LIMIT 10');
SELECT pg_temp.refused('SELECT a, count(*) FROM t GROUP BY a OFFSET 3');
SELECT pg_temp.refused('SELECT a, count(*) FROM t GROUP BY a FETCH FIRST ROW ONLY');
SELECT pg_temp.refused('SELECT a, count(*), (SELECT max(id) FROM u) FROM t GROUP BY a');
SELECT pg_temp.refused('SELECT a, count(*) FROM t WHERE EXISTS (SELECT FROM u) GROUP BY a');
SELECT pg_temp.refused('SELECT a, count(*) FROM t WHERE id IN (SELECT id FROM u) GROUP BY a HAVING count(*) > ALL (SELECT id FROM u)');
SELECT pg_temp.refused('SELECT generate_series(1, a) AS g, count(*) FROM t GROUP BY 1');
SELECT pg_temp.refused('SELECT a FROM t FOR SHARE');
SELECT pg_temp.refused('SELECT count(*) FROM t JOIN u USING (id)');
SELECT pg_temp.refused('SELECT count(*) FROM t LEFT JOIN u USING (id)');
SELECT pg_temp.refused('SELECT count(*) FROM t, u');
SELECT pg_temp.refused('SELECT count(*) FROM t x, LATERAL (SELECT x.a) y');
SELECT pg_temp.refused('SELECT count(*) FROM (SELECT * FROM t) q');
SELECT pg_temp.refused('SELECT count(*) FROM generate_series(1, 3) g');
SELECT pg_temp.refused('SELECT count(*) FROM (VALUES (1), (2)) v');
SELECT pg_temp.refused('SELECT 1 AS one');
-- numbers that are others after a dump and restore
CREATE TYPE called AS (c regclass, n int);
CREATE TABLE regs (k regclass, ts regtype[], c called, r regrole, a int);
SELECT pg_temp.refused('SELECT a, arg_max(k, a) FROM regs GROUP BY a');
SELECT what, r ~ 'cannot maintain \w+ incrementally.*after a dump and restore' AS refused
  FROM unnest('{"arg_min(a, ts)","arg_max_state(c, a)",uniq(r),uniq_state(c),"uniq_p(12, (k, a))",uniq_exact_state(ts),"top_k(r, 3)",uniq(k::oid)}'::text[]) what, pg_temp.refused(format('SELECT %s FROM regs', what)) r;
SELECT pg_temp.refused('SELECT k::oid AS o, max(k) FROM regs GROUP BY 1');
SELECT tally.create_view('compared', 'SELECT k = ''t''::regclass AS is_t, min(a) FILTER (WHERE k::oid > 5) AS a, count(DISTINCT k) AS ks FROM regs GROUP BY 1');
SELECT tally.drop_view('compared');
SELECT arg_max(k, a), uniq(k), uniq_exact(c) FROM (VALUES ('t'::regclass, 1, NULL::called), ('u', 2, NULL)) v(k, a, c);
SELECT pg_temp.refused('SELECT count(*) FROM t TABLESAMPLE SYSTEM (10)');
SELECT pg_temp.refused('SELECT count(*) FROM ONLY t');
SELECT pg_temp.refused('SELECT a, b FROM t');
SELECT pg_temp.refused('SELECT a, b FROM t WHERE x > 1');
SELECT pg_temp.refused('TABLE t');
SELECT pg_temp.refused('VALUES (1)');
SELECT pg_temp.refused('SELECT ctid, count(*) FROM t GROUP BY ctid');
SELECT pg_temp.refused('SELECT tableoid::regclass AS part, max(xmin::text) FROM t GROUP BY 1');
SELECT pg_temp.refused('SELECT t, count(*) FROM t GROUP BY t');
SELECT pg_temp.refused('SELECT a, count(t) FROM t GROUP BY a');
SELECT pg_temp.refused('SELECT count(*) FROM plain_view');
SELECT pg_temp.refused('SELECT count(*) FROM mat');
SELECT pg_temp.refused('SELECT max(last_value) FROM seq');
SELECT left(pg_temp.refused('SELECT count(*) FROM pg_class'), 5);
SELECT pg_temp.refused('SELECT count(*) FROM tally.views');
SELECT pg_temp.refused('SELECT random() AS r, count(*) FROM t GROUP BY 1');
SELECT pg_temp.refused('SELECT a, nextval(''seq''), count(*) FROM t GROUP BY a');
SELECT pg_temp.refused('SELECT a, count(*) FROM t WHERE now() > ''2024-01-01'' GROUP BY a');
-- positions are counted in characters, and everything is named
SELECT pg_temp.refused('SELECT ''äöü'' AS ä, a, count(*), random() FROM t GROUP BY a LIMIT 3') ~ 'LIMIT at character 66: .*random\(\) at character 33: ' AS named;
SELECT pg_temp.refused('SELECT DISTINCT t.a, count(*), (SELECT 1) FROM t, u GROUP BY t.a ORDER BY t.a LIMIT 1');
SELECT * FROM tally.explain_query('SELECT a, now(), count(*) FROM t GROUP BY a ORDER BY a LIMIT 1');
SELECT * FROM tally.explain_query('SELECT count(*) FROM t JOIN u USING (id)');
SELECT * FROM tally.explain_query('DELETE FROM t');
SELECT * FROM tally.explain_query('SELECT a + 1, count(*) + 1 AS n, max(x) - avg(x), uniq(b), string_agg(b, '''') AS s FROM t GROUP BY 1');

-- sources
CREATE TEMP TABLE tmp (a int);
SELECT pg_temp.refused('SELECT count(*) FROM tmp');
CREATE TABLE rls (a int);
ALTER TABLE rls ENABLE ROW LEVEL SECURITY;
SELECT pg_temp.refused('SELECT count(*) FROM rls');
ALTER TABLE rls DISABLE ROW LEVEL SECURITY;
SELECT tally.create_view('of_rls', 'SELECT count(*) FROM rls');
SELECT pg_temp.fails('ALTER TABLE rls ENABLE ROW LEVEL SECURITY');
CREATE TABLE child () INHERITS (rls);
SELECT pg_temp.refused('SELECT count(*) FROM child');
SELECT pg_temp.fails('CREATE TEMP TABLE temp_child () INHERITS (views_refused.rls)') ~ 'a temporary table is seen by one session only' AS named;
SELECT pg_temp.refused('SELECT count(*) FROM of_rls');
CREATE TABLE parted (a int) PARTITION BY LIST (a);
SELECT pg_temp.refused('SELECT sum(a) FROM parted GROUP BY GROUPING SETS (())');

-- what is not one SELECT
SELECT pg_temp.refused('');
SELECT pg_temp.refused('   -- nothing');
SELECT pg_temp.refused('SELECT count(*) FROM t; SELECT 1');
SELECT pg_temp.refused('DELETE FROM t RETURNING 1');
SELECT pg_temp.refused('SELECT count(*) INTO new_table FROM t');
SELECT pg_temp.refused('EXPLAIN SELECT count(*) FROM t');
SELECT pg_temp.refused('WITH d AS (DELETE FROM t RETURNING *) SELECT count(*) FROM d');
SELECT pg_temp.refused('SELEC count(*) FROM t');
SELECT pg_temp.refused('SELECT count(*) FROM nowhere');
SELECT pg_temp.refused('SELECT nothing, count(*) FROM t GROUP BY 1');
SELECT pg_temp.refused('SELECT a, count(*) FROM t');
SELECT pg_temp.refused('SELECT a, a, count(*) FROM t GROUP BY a');
SELECT pg_temp.refused('SELECT a, $1 FROM t GROUP BY a');
SELECT pg_temp.refused('SELECT sum(b) FROM t');
SELECT pg_temp.refused('SELECT sum(sum(x)) FROM t');
SELECT pg_temp.refused('SELECT ROW(a, b) AS r, count(*) FROM t GROUP BY a, b');
SELECT pg_temp.left_behind();

-- arguments
SELECT left(pg_temp.fails($$SELECT tally.create_view(NULL, 'SELECT count(*) FROM t')$$), 5);
SELECT left(pg_temp.fails($$SELECT tally.create_view('v', NULL)$$), 5);
SELECT pg_temp.fails($$SELECT tally.create_view('', 'SELECT count(*) FROM t')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('a.b.c.d', 'SELECT count(*) FROM t')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('no_schema.v', 'SELECT count(*) FROM t')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('t', 'SELECT count(*) FROM t')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('v', 'SELECT count(*) FROM t', mode => 'x')$$);
SELECT left(pg_temp.fails($$SELECT tally.create_view('v', 'SELECT count(*) FROM t', mode => NULL)$$), 5);
SELECT pg_temp.fails($$SELECT tally.create_view('v', 'SELECT count(*) FROM t', retention => '1 day')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('v', 'SELECT count(*) FROM t', partition_by => 'month')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('v', 'SELECT a, count(*) AS n FROM t GROUP BY a', order_by => ARRAY['nothing'])$$);
SELECT pg_temp.fails($$SELECT tally.create_view('v', 'SELECT a, count(*) AS n FROM t GROUP BY a', order_by => ARRAY['n'])$$);
SELECT pg_temp.fails($$SELECT tally.create_view('v', 'SELECT a, count(*) AS n FROM t GROUP BY a', order_by => ARRAY[NULL])$$);
SELECT left(pg_temp.fails($$SELECT tally.create_view('v', 'SELECT count(*) FROM t', with_data => NULL)$$), 5);
SELECT pg_temp.fails($$SELECT tally.create_view('pg_temp.v', 'SELECT count(*) FROM t')$$) ~ 'NOT REFUSED' AS made_in_a_temporary_schema;
SELECT pg_temp.fails($$SELECT tally.create_view('pg_catalog.v', 'SELECT count(*) FROM t')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('information_schema.' || repeat('x', 100), 'SELECT nothing FROM t')$$);
CREATE TABLE written (x int, b bytea, f float8, r real, p point);
SELECT pg_temp.fails($$SELECT tally.create_view('w', 'SELECT b::text, count(*) FROM written GROUP BY 1')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('w', 'SELECT count(*) AS n, min(f::text) AS m, sum(length(r::varchar)) AS l FROM written WHERE p::text <> ''x''')$$);
SELECT left(pg_temp.fails($$SELECT tally.create_view('w', 'SELECT xmlelement(name e, b)::text, count(*) FROM written GROUP BY 1')$$), 5);
-- by the reader, as of any query
SELECT tally.create_view('w', 'SELECT b, encode(b, ''hex'') AS h, b::text AS t, avg(f)::text AS a, f::numeric AS n FROM written GROUP BY b, f');
INSERT INTO written VALUES (1, '\x00ff', 0.1::float8 + 0.2::float8);
SET bytea_output = escape;
SET extra_float_digits = 0;
TABLE w;
DELETE FROM written;
RESET bytea_output;
RESET extra_float_digits;
TABLE w;
SELECT tally.drop_view('w');
SELECT tally.create_view('v', 'SELECT a, b, count(*) AS n FROM t GROUP BY a, b', order_by => ARRAY['b', 'a'], mode => 'incremental');
SELECT tally.create_view('V', 'SELECT count(*) FROM t', if_not_exists => true);
SELECT tally.create_view('t', 'SELECT count(*) FROM t', if_not_exists => true);
SELECT pg_temp.fails($$SELECT tally.create_view('v', 'SELECT count(*) FROM t')$$);
SELECT pg_temp.fails($$SELECT tally.compact('nowhere')$$);
SELECT pg_temp.fails($$SELECT tally.compact('t')$$);
SELECT pg_temp.fails($$SELECT tally.compact('')$$);
SELECT pg_temp.fails($$SELECT tally.refresh_view('plain_view')$$);
SELECT pg_temp.fails($$SELECT tally.refresh_view('nowhere')$$);
SELECT pg_temp.fails($$SELECT tally.verify_view('t')$$);
SELECT pg_temp.fails($$SELECT tally.explain_view('mat')$$);
SELECT pg_temp.fails($$SELECT tally.drop_view('nowhere')$$);
SELECT pg_temp.fails($$SELECT tally.drop_view('plain_view')$$);
SELECT pg_temp.fails($$SELECT tally.drop_view('plain_view', if_exists => true)$$);
SELECT tally.drop_view('nowhere', if_exists => true);
SELECT tally.drop_view('no_schema.nowhere', if_exists => true);
SELECT tally.drop_view(NULL), tally.refresh_view(NULL), (SELECT count(*) FROM tally.verify_view(NULL));
SELECT pg_temp.fails($$INSERT INTO v VALUES (1, 'x', 2), (1, 'y')$$);
SELECT left(pg_temp.fails($$UPDATE v SET n = 3$$), 5);
SELECT left(pg_temp.fails($$DELETE FROM v$$), 5);
SELECT pg_temp.fails($$TRUNCATE v$$);
CREATE TRIGGER wrong BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION tally.maintain();
SELECT pg_temp.fails($$INSERT INTO t VALUES (1)$$);
DROP TRIGGER IF EXISTS wrong ON t;
SELECT pg_temp.fails($$SELECT tally.maintain()$$);
SELECT pg_temp.fails($$SELECT tally.on_drop()$$);
SET client_min_messages = warning;
DROP SCHEMA views_refused CASCADE;
SELECT pg_temp.left_behind();
