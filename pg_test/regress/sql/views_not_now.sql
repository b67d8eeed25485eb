-- Where compaction and refresh would read the source and the pending rows at two different times, they are refused.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE SCHEMA views_not_now;
SET search_path = views_not_now, public;
CREATE TABLE t (id int PRIMARY KEY, k text, x int);
CREATE TABLE u (id int);
INSERT INTO t SELECT i, 'k' || i % 3, i FROM generate_series(1, 20) i;
SELECT pg_temp.make('v', 'SELECT k, count(*) AS n, min(x) AS mn, sum(x) AS s FROM t GROUP BY k');
-- isolation levels
BEGIN ISOLATION LEVEL REPEATABLE READ;
INSERT INTO t VALUES (100, 'k0', 1);
SELECT pg_temp.exact('REPEATABLE READ');
SELECT pg_temp.fails($$SELECT tally.compact('v')$$);
SELECT pg_temp.fails($$SELECT tally.compact()$$);
SELECT pg_temp.fails($$SELECT tally.refresh_view('v')$$);
SELECT tally.verify_view('v');
SELECT tally.create_view('late', 'SELECT k, max(x) AS mx FROM t GROUP BY k');
SELECT (SELECT count(*) FROM late) = (SELECT count(DISTINCT k) FROM t) AS exact;
DELETE FROM t WHERE k = 'k1';
SELECT pg_temp.exact('REPEATABLE READ');
COMMIT;
SELECT view, status FROM tally.views ORDER BY view::text;
INSERT INTO made (name, query, columns) VALUES ('late', 'SELECT k, max(x) FROM t GROUP BY k', '*');
SELECT pg_temp.exact('made in REPEATABLE READ');
SELECT tally.refresh_view('late');
SELECT pg_temp.kept('made in REPEATABLE READ, refreshed');
BEGIN ISOLATION LEVEL SERIALIZABLE;
UPDATE t SET x = x + 1;
SELECT pg_temp.exact('SERIALIZABLE');
SELECT pg_temp.fails($$SELECT tally.compact('v')$$);
SELECT pg_temp.fails($$SELECT tally.refresh_view('v')$$);
COMMIT;
BEGIN READ ONLY;
SELECT pg_temp.exact('READ ONLY');
SELECT pg_temp.fails($$SELECT tally.compact('v')$$);
SELECT pg_temp.fails($$SELECT tally.refresh_view('v')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('w', 'SELECT count(*) FROM t')$$);
SELECT pg_temp.fails($$SELECT tally.drop_view('v')$$);
SELECT tally.verify_view('v');
SELECT count(*) FROM tally.views;
COMMIT;
SELECT pg_temp.kept('isolation levels');
-- in the middle of a statement on the source
SELECT pg_temp.fails($$WITH i AS (INSERT INTO t VALUES (200, 'k0', 1) RETURNING 1) SELECT tally.compact('v') FROM i$$);
SELECT pg_temp.fails($$WITH i AS (DELETE FROM t RETURNING id) SELECT tally.refresh_view('v') FROM i LIMIT 1$$);
SELECT pg_temp.fails($$UPDATE t SET x = x + tally.compact('v')$$);
SELECT pg_temp.fails($$INSERT INTO t SELECT 300, 'k', tally.compact('v')$$);
SELECT pg_temp.fails($$INSERT INTO t VALUES (300, 'k', 1) RETURNING tally.compact('v')$$);
SELECT pg_temp.fails($$WITH i AS (INSERT INTO t VALUES (200, 'k0', 1) RETURNING 1) SELECT tally.create_view('w', 'SELECT count(*) FROM t') FROM i$$);
SELECT pg_temp.fails($$WITH i AS (INSERT INTO t VALUES (200, 'k0', 1) RETURNING 1) SELECT tally.drop_view('v') FROM i$$);
CREATE FUNCTION compacting() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM tally.compact('v'); RETURN NEW; END $$;
CREATE FUNCTION refreshing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM tally.refresh_view('v'); RETURN NEW; END $$;
CREATE TRIGGER b BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION compacting();
SELECT pg_temp.fails($$INSERT INTO t VALUES (300, 'k', 1)$$);
DROP TRIGGER b ON t;
CREATE TRIGGER a_statement AFTER INSERT ON t FOR EACH STATEMENT EXECUTE FUNCTION compacting();
SELECT pg_temp.fails($$INSERT INTO t VALUES (300, 'k', 1)$$);
DROP TRIGGER a_statement ON t;
CREATE TRIGGER zz_statement AFTER INSERT ON t FOR EACH STATEMENT EXECUTE FUNCTION refreshing();
SELECT pg_temp.fails($$INSERT INTO t VALUES (300, 'k', 1)$$);
DROP TRIGGER zz_statement ON t;
-- a cursor over the source is no statement that changes it, but is in the way as it is of ALTER TABLE
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM t;
MOVE 1 FROM c;
SELECT left(pg_temp.fails($$SELECT tally.compact('v')$$), 5);
CLOSE c;
INSERT INTO t VALUES (301, 'k', 1);
SELECT tally.compact('v');
COMMIT;
-- a deferred trigger is not in the way of what has been appended, but its events are of the same table
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION compacting();
BEGIN;
INSERT INTO t VALUES (302, 'k', 1);
SELECT pg_temp.fails($$SELECT tally.compact('v')$$);
SELECT pg_temp.exact('pending trigger events');
COMMIT;
SELECT pg_temp.exact('and committed');
DROP TRIGGER later ON t;
-- statements on other tables are not in the way
INSERT INTO t VALUES (303, 'k', 1);
WITH i AS (INSERT INTO u VALUES (1) RETURNING 1) SELECT tally.compact('v') > 0 FROM i;
CREATE TRIGGER other AFTER INSERT ON u FOR EACH STATEMENT EXECUTE FUNCTION compacting();
INSERT INTO t VALUES (304, 'k', 1);
INSERT INTO u VALUES (2);
SELECT pg_temp.pending();
-- a writable CTE over both: the source's part is in the way of the trigger's
SELECT left(pg_temp.fails($$WITH i AS (INSERT INTO t VALUES (305, 'k', 1) RETURNING id) INSERT INTO u SELECT id FROM i$$), 5) AS sqlstate;
SELECT pg_temp.exact('after all of it');
INSERT INTO t VALUES (306, 'k', 1);
SELECT pg_temp.kept('at the end', NULL);
SET client_min_messages = warning;
DROP SCHEMA views_not_now CASCADE;
SELECT pg_temp.left_behind();
