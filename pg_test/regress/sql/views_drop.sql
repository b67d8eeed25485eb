-- However a view goes, nothing of it stays.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
\set SHOW_CONTEXT never
CREATE SCHEMA views_drop;
SET search_path = views_drop, public;
CREATE TABLE t (id int, k text, x int);
INSERT INTO t SELECT i, 'k' || i % 3, i FROM generate_series(1, 20) i;
\set query '''SELECT k, count(*) AS n, sum(x) AS s, min(x) AS mn, count_state(*) AS c FROM t GROUP BY k'''
SELECT tally.create_view('v', :query);
DROP VIEW v;
SELECT pg_temp.left_behind();
SELECT tally.create_view('v', :query);
INSERT INTO t VALUES (100, 'k0', 1);
SELECT tally.drop_view('v');
SELECT pg_temp.left_behind();
DROP VIEW IF EXISTS v;
SELECT tally.drop_view('v', if_exists => true);
-- several, one after the other
SELECT tally.create_view('a', :query), tally.create_view('b', :query), tally.create_view('c', :query);
DROP VIEW a, b;
SELECT view FROM tally.views;
INSERT INTO t VALUES (101, 'k0', 1);
SELECT tally.verify_view('c');
-- in transactions
BEGIN;
DROP VIEW c;
SELECT pg_temp.left_behind();
INSERT INTO t VALUES (102, 'k0', 1);
ROLLBACK;
INSERT INTO t VALUES (103, 'k0', 1);
SELECT tally.compact('c'), tally.verify_view('c');
BEGIN;
SELECT tally.create_view('d', :query);
INSERT INTO t VALUES (104, 'k0', 1);
SELECT tally.compact('d'), tally.verify_view('d');
SAVEPOINT s;
SELECT tally.drop_view('c');
INSERT INTO t VALUES (105, 'k0', 1);
ROLLBACK TO s;
INSERT INTO t VALUES (106, 'k0', 1);
SELECT tally.verify_view('c'), tally.verify_view('d');
ROLLBACK;
SELECT view FROM tally.views;
SELECT tally.verify_view('c');
BEGIN;
SELECT tally.create_view('e', :query);
DROP VIEW e;
SELECT tally.create_view('e', :query);
COMMIT;
SELECT tally.verify_view('e');
DROP VIEW c, e;
SELECT pg_temp.left_behind();
-- a view that is dropped and is not: what is written afterwards still reaches it
SELECT tally.create_view('a', :query), tally.create_view('b', :query);
BEGIN; DROP VIEW b; INSERT INTO t VALUES (200, 'k0', 1); ROLLBACK;
INSERT INTO t VALUES (201, 'k0', 1);
SELECT tally.verify_view('a'), tally.verify_view('b');
BEGIN; SAVEPOINT s; SELECT tally.drop_view('b'); INSERT INTO t VALUES (202, 'k0', 1); ROLLBACK TO s; INSERT INTO t VALUES (203, 'k0', 1); COMMIT;
SELECT tally.verify_view('a'), tally.verify_view('b');
-- and one that is made and is not
BEGIN; SAVEPOINT s; SELECT tally.create_view('c', :query); INSERT INTO t VALUES (204, 'k0', 1); ROLLBACK TO s; INSERT INTO t VALUES (205, 'k0', 1); COMMIT;
INSERT INTO t VALUES (206, 'k0', 1);
SELECT tally.refresh_view('a'), tally.verify_view('a'), tally.refresh_view('b'), tally.verify_view('b');
INSERT INTO t VALUES (207, 'k0', 1);
SELECT tally.verify_view('a'), tally.verify_view('b');
DROP VIEW a, b;
SELECT pg_temp.left_behind();
-- what stands on a view holds it, or goes with it
SELECT tally.create_view('v', :query);
CREATE VIEW over_v AS SELECT sum(n) AS n FROM v;
SELECT left(pg_temp.fails('DROP VIEW v'), 5), left(pg_temp.fails($$SELECT tally.drop_view('v')$$), 5);
SELECT left(pg_temp.fails('DROP TABLE t'), 5), left(pg_temp.fails('ALTER TABLE t DROP COLUMN k'), 5);
INSERT INTO t VALUES (107, 'k0', 1);
SELECT tally.verify_view('v');
SET client_min_messages = warning;
DROP VIEW v CASCADE;
SELECT pg_temp.left_behind(), to_regclass('over_v');
-- the source's end
SELECT tally.create_view('v', :query), tally.create_view('w', :query);
ALTER TABLE t DROP COLUMN x CASCADE;
SELECT pg_temp.left_behind(), to_regclass('v');
INSERT INTO t VALUES (108, 'k0');
ALTER TABLE t ADD COLUMN x int;
SELECT tally.create_view('v', :query), tally.create_view('w', 'SELECT count(*) FROM t');
DROP TABLE t CASCADE;
SELECT pg_temp.left_behind(), to_regclass('v');
CREATE TABLE t (id int, k text, x int) PARTITION BY LIST (k);
CREATE TABLE t_rest PARTITION OF t DEFAULT;
SELECT tally.create_view('v', :query);
ALTER TABLE t DROP COLUMN x CASCADE;
SELECT pg_temp.left_behind();
ALTER TABLE t ADD COLUMN x int;
SELECT tally.create_view('v', :query);
DROP TABLE t CASCADE;
SELECT pg_temp.left_behind();
-- schemas: of the view, of the source
CREATE SCHEMA views_drop_other;
CREATE TABLE t (id int, k text, x int);
SELECT tally.create_view('views_drop_other.v', :query), tally.create_view('stays', :query);
SELECT left(pg_temp.fails('DROP SCHEMA views_drop_other'), 5);
DROP SCHEMA views_drop_other CASCADE;
SELECT view FROM tally.views;
INSERT INTO t VALUES (1, 'k', 1);
SELECT tally.verify_view('stays');
CREATE SCHEMA views_drop_other;
CREATE TABLE views_drop_other.s (a int);
SELECT tally.create_view('of_other', 'SELECT count(*) AS n FROM views_drop_other.s');
DROP SCHEMA views_drop_other CASCADE;
SELECT view FROM tally.views;
-- types and functions that a view needs
CREATE TYPE mood AS ENUM ('a', 'b');
CREATE FUNCTION twice(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 * 2';
ALTER TABLE t ADD COLUMN m mood;
SELECT tally.create_view('of_mood', 'SELECT m, sum(twice(x)) AS s FROM t GROUP BY m');
SELECT left(pg_temp.fails('DROP TYPE mood'), 5), left(pg_temp.fails('DROP FUNCTION twice(int)'), 5);
INSERT INTO t VALUES (2, 'k', 2, 'a');
ALTER TYPE mood ADD VALUE 'c';
ALTER TYPE mood RENAME VALUE 'a' TO 'first';
ALTER TYPE mood RENAME TO "Mood 2";
ALTER FUNCTION twice(int) RENAME TO doubled;
INSERT INTO t VALUES (3, 'k', 3, 'c'), (4, 'k', 4, 'first');
SELECT tally.compact('of_mood'), tally.verify_view('of_mood');
SELECT * FROM of_mood ORDER BY m;
DROP FUNCTION doubled(int) CASCADE;
SELECT view FROM tally.views;
SELECT tally.create_view('of_mood', 'SELECT m, count(*) AS n FROM t GROUP BY m');
DROP TYPE "Mood 2" CASCADE;
SELECT view FROM tally.views;
INSERT INTO t VALUES (5, 'k', 5);
SELECT tally.compact('stays'), tally.verify_view('stays');
-- somebody takes away what is behind a view
SELECT groups::regclass AS groups, delta::regclass AS delta, main::regclass AS main, filled::regclass AS filled, query::regclass AS behind FROM tally.registry \gset
SELECT left(pg_temp.fails('DROP TABLE ' || :'delta'), 5) AS delta, left(pg_temp.fails('DROP TABLE ' || :'main'), 5) AS main, left(pg_temp.fails('DROP TABLE ' || :'filled'), 5) AS filled, left(pg_temp.fails('DROP VIEW ' || :'groups'), 5) AS groups;
DROP VIEW :behind;
INSERT INTO t VALUES (6, 'k', 6);
SELECT pg_temp.left_behind();
SELECT tally.create_view('v', :query);
SELECT delta::regclass AS delta FROM tally.registry WHERE view = 'v'::regclass \gset
DROP TABLE :delta CASCADE;
INSERT INTO t VALUES (7, 'k', 7);
SELECT pg_temp.left_behind();
-- DROP TABLE of a source whose views are in a schema that goes in the same statement
CREATE SCHEMA views_drop_other;
SELECT tally.create_view('views_drop_other.v', :query);
DROP SCHEMA views_drop, views_drop_other CASCADE;
SELECT pg_temp.left_behind();
