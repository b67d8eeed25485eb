-- Aggregates of the user's own, and types of theirs.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE SCHEMA views_own;
SET search_path = views_own, public;
CREATE TYPE pair AS (x int, w float8);
CREATE TABLE t (id int, k int, x int, w float8);
INSERT INTO t SELECT i, i % 3, i, i / 4.0 FROM generate_series(1, 30) i;
CREATE FUNCTION mul(numeric, int) RETURNS numeric IMMUTABLE LANGUAGE sql AS 'SELECT $1 * coalesce($2, 1)';
CREATE AGGREGATE product(int) (SFUNC = mul, STYPE = numeric, INITCOND = '1');
-- of the same name as one of PostgreSQL's, and not the same
CREATE AGGREGATE views_own.max(int) (SFUNC = int4smaller, STYPE = int);
CREATE AGGREGATE views_own.sum_state(int) (SFUNC = int4larger, STYPE = int);
SELECT pg_temp.make('v', 'SELECT k, product(x) AS p, count(*) AS n, views_own.max(x + 0 * k) AS least, views_own.sum_state(x) AS most FROM t GROUP BY k');
SELECT pg_temp.kept('made', false);
INSERT INTO t VALUES (100, 1, 2), (101, 7, 5);
SELECT pg_temp.kept('inserted');
UPDATE t SET x = 1 WHERE x % 5 = 0;
DELETE FROM t WHERE k = 2;
SELECT pg_temp.kept('changed');
SELECT "column", "insert", "delete" FROM tally.explain_view('v');
-- an aggregate that is replaced by another follows, as far as a dropped one is refused
SELECT left(pg_temp.fails('DROP AGGREGATE product(int)'), 5);
-- functions of the user's in keys and arguments, with names that need the search_path
CREATE FUNCTION inner_one(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + 1';
CREATE FUNCTION outer_one(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN views_own.inner_one($1) % 4; END';
CREATE OPERATOR ### (FUNCTION = mul, LEFTARG = numeric, RIGHTARG = int);
SELECT pg_temp.make('f', 'SELECT outer_one(x) AS o, sum(x::numeric ### k) AS s, max(inner_one(x)) FROM t WHERE inner_one(k) > 1 GROUP BY outer_one(x)');
INSERT INTO t SELECT i, i % 5, i * 3 FROM generate_series(200, 230) i;
DELETE FROM t WHERE x = (SELECT max(x) FROM t);
SELECT pg_temp.kept('functions', NULL);
SET search_path = public;
INSERT INTO views_own.t VALUES (300, 1, 999);
SET search_path = views_own, public;
SELECT pg_temp.kept('functions, from another search_path');
-- a range, a multirange and a composite column as results
SELECT pg_temp.make('r', 'SELECT k, range_agg(int4range(x, x + 2)) AS ra, array_agg((x, w)::pair ORDER BY id, x) AS rows, max(ARRAY[x, k]) AS arr FROM t GROUP BY k');
DELETE FROM t WHERE x % 2 = 0;
SELECT pg_temp.kept('ranges and rows', NULL);
SET client_min_messages = warning;
DROP SCHEMA views_own CASCADE;
SELECT pg_temp.left_behind();
