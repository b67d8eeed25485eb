-- DDL that is rolled back, with writes before, in between and after: nothing that the session remembered meanwhile stays.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE SCHEMA views_rollback;
SET search_path = views_rollback, public;
CREATE TABLE t (id int, k text, x int, unused int) PARTITION BY RANGE (id);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (1000);
CREATE TABLE t2 (x int, k text, unused int, id int);
SET client_min_messages = warning;
SELECT pg_temp.make('v', 'SELECT k, count(*) AS n, sum(x) AS s, min(x) AS mn FROM t GROUP BY k');
SELECT pg_temp.make('w', 'SELECT count(*) AS n, max(k) AS mx FROM t WHERE x > 0');
\set between 'INSERT INTO t VALUES (1, ''a'', 1), (2, ''b'', 2); INSERT INTO t1 VALUES (3, ''a'', 3); DELETE FROM t WHERE id = 2;'
:between
BEGIN; DROP VIEW v; :between ROLLBACK;
:between
SELECT pg_temp.kept('DROP VIEW');
BEGIN; SELECT tally.drop_view('v'), tally.drop_view('w'); :between ROLLBACK;
:between
SELECT pg_temp.kept('drop_view of both');
BEGIN; DROP TABLE t CASCADE; ROLLBACK;
:between
SELECT pg_temp.kept('DROP TABLE');
BEGIN; SELECT tally.create_view('z', 'SELECT k, max(x) AS mx FROM t GROUP BY k'); :between ROLLBACK;
:between
SELECT pg_temp.kept('create_view');
BEGIN; ALTER TABLE t RENAME COLUMN x TO y; :between ALTER TABLE t RENAME TO u; INSERT INTO u VALUES (1, 'a', 1); ROLLBACK;
:between
SELECT pg_temp.kept('renames');
BEGIN; ALTER TABLE t DROP COLUMN unused; INSERT INTO t VALUES (1, 'a', 1); ALTER TABLE t ADD COLUMN more int; :between ROLLBACK;
:between
SELECT pg_temp.kept('columns');
BEGIN; ALTER TABLE t DISABLE TRIGGER ALL; :between ROLLBACK;
:between
SELECT pg_temp.kept('triggers disabled');
BEGIN; DROP TRIGGER tally_insert ON t; :between ROLLBACK;
:between
SELECT pg_temp.kept('a trigger dropped');
BEGIN; ALTER TABLE t ATTACH PARTITION t2 FOR VALUES FROM (1000) TO (2000); INSERT INTO t2 (id, k, x) VALUES (1001, 'p', 5); INSERT INTO t VALUES (1002, 'p', 6); SELECT pg_temp.exact('inside'); ROLLBACK;
:between
INSERT INTO t2 (id, k, x) VALUES (1003, 'not yet', 5);
SELECT pg_temp.kept('ATTACH');
BEGIN; ALTER TABLE t ATTACH PARTITION t2 FOR VALUES FROM (1000) TO (2000); SAVEPOINT s; ALTER TABLE t DETACH PARTITION t2; INSERT INTO t2 (id, k, x) VALUES (1004, 'out', 5); SELECT pg_temp.exact('attached and detached'); ROLLBACK TO s; INSERT INTO t2 (id, k, x) VALUES (1005, 'in', 5); SELECT pg_temp.exact('attached'); COMMIT;
INSERT INTO t2 (id, k, x) VALUES (1006, 'in', 6);
SELECT pg_temp.kept('ATTACH, and DETACH rolled back');
BEGIN; ALTER TABLE t DETACH PARTITION t2; INSERT INTO t2 (id, k, x) VALUES (1007, 'out', 7); :between ROLLBACK;
INSERT INTO t2 (id, k, x) VALUES (1008, 'in', 8);
UPDATE t SET x = x + 1;
SELECT pg_temp.kept('DETACH');
BEGIN; TRUNCATE t2; INSERT INTO t2 (id, k, x) VALUES (1009, 'after', 7); ROLLBACK;
DELETE FROM t2 WHERE id = 1008;
SELECT pg_temp.kept('TRUNCATE');
BEGIN; SELECT tally.compact() > 0; :between SAVEPOINT s; SELECT tally.compact() > 0; :between ROLLBACK TO s; SELECT pg_temp.exact('inside'); ROLLBACK;
SELECT pg_temp.exact('compaction');
:between
BEGIN; SELECT tally.compact() > 0; :between COMMIT;
SELECT pg_temp.kept('compaction');
BEGIN; SELECT tally.refresh_view('v'); :between ROLLBACK;
:between
SELECT pg_temp.kept('refresh');
BEGIN; ALTER VIEW v RENAME TO vv; ALTER VIEW w SET SCHEMA public; :between ROLLBACK;
:between
SELECT pg_temp.kept('views renamed');
-- all in one transaction, from nothing to nothing
BEGIN;
CREATE TABLE n (a int, b int);
SELECT tally.create_view('nv', 'SELECT a, sum(b) AS s, max(b) AS mx FROM n GROUP BY a');
INSERT INTO n VALUES (1, 1), (1, 2);
TRUNCATE n;
INSERT INTO n VALUES (2, 1), (2, 2);
ALTER TABLE n RENAME COLUMN b TO c;
DELETE FROM n WHERE c = 2;
TABLE nv;
SELECT tally.compact('nv') > 0, tally.verify_view('nv');
DROP TABLE n CASCADE;
CREATE TABLE n (a text, b text);
SELECT tally.create_view('nv', 'SELECT a, max(b) AS mx FROM n GROUP BY a');
INSERT INTO n VALUES ('x', 'y');
TABLE nv;
COMMIT;
INSERT INTO n VALUES ('x', 'z');
SELECT tally.verify_view('nv');
TABLE nv;
-- an error in the middle
BEGIN; INSERT INTO t VALUES (4, 'e', 4); SELECT tally.create_view('bad', 'SELECT k, sum(100 / (x - 4)) AS s FROM t GROUP BY k');
ROLLBACK;
SELECT pg_temp.fails($$SELECT tally.create_view('bad', 'SELECT k, sum(100 / (x - x)) AS s FROM t GROUP BY k')$$);
:between
SELECT pg_temp.kept('create_view that fails while it fills');
SELECT count(*) FROM tally.views;
SET client_min_messages = warning;
DROP SCHEMA views_rollback CASCADE;
SELECT pg_temp.left_behind();
