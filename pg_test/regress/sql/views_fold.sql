-- Writers fold the pending rows at commit once there are many, whatever way they commit.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE SCHEMA views_fold;
SET search_path = views_fold, public;
SET tally.delta_limit = '64kB';
CREATE TABLE t (id int, k int, x int);
INSERT INTO t SELECT i, i % 10, i FROM generate_series(1, 100) i;
SELECT pg_temp.make('v', 'SELECT k, count(*) AS n, sum(x) AS s, min(x) AS mn FROM t GROUP BY k');
SELECT pg_temp.make('w', 'SELECT k % 2 AS k, uniq(x) AS u, count(DISTINCT x) AS d FROM t GROUP BY 1');
SELECT pg_temp.make('total', 'SELECT count(*) AS n, max(x) AS mx, uniq(k) AS ks FROM t');
-- one statement each
DO $$ BEGIN FOR i IN 1..2500 LOOP INSERT INTO t VALUES (1000 + i, i % 10, i); END LOOP; END $$;
SELECT v.view, v.pending < 2500 AS folded FROM tally.views v JOIN made m ON m.name::regclass = v.view WHERE m.name <> 'w' ORDER BY m.place;
SELECT pg_temp.exact('many statements in one transaction');
-- a transaction each
DO $$ BEGIN FOR i IN 1..2500 LOOP INSERT INTO t VALUES (4000 + i, i % 10, i); COMMIT; END LOOP; END $$;
SELECT v.view, v.pending < 2500 AS folded FROM tally.views v JOIN made m ON m.name::regclass = v.view WHERE m.name <> 'w' ORDER BY m.place;
SELECT pg_temp.exact('many transactions');
CREATE PROCEDURE both_ways() LANGUAGE plpgsql AS $$ BEGIN
  FOR i IN 1..1500 LOOP
    BEGIN
      INSERT INTO t VALUES (7000 + i, i % 10, i);
      IF i % 3 = 0 THEN RAISE division_by_zero; END IF;
    EXCEPTION WHEN division_by_zero THEN NULL;
    END;
    IF i % 7 = 0 THEN ROLLBACK; ELSIF i % 5 = 0 THEN COMMIT AND CHAIN; END IF;
  END LOOP; END $$;
CALL both_ways();
SELECT pg_temp.exact('a procedure with COMMIT, ROLLBACK and subtransactions');
DO $$ BEGIN FOR i IN 1..1200 LOOP DELETE FROM t WHERE id = 1000 + i; COMMIT; END LOOP; END $$;
SELECT pg_temp.exact('removals');
SELECT pg_temp.kept('removals', NULL);
-- deferred triggers write at commit
CREATE FUNCTION more() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t SELECT NEW.id * 10 + i, i % 10, i FROM generate_series(1, 3) i; RETURN NULL; END $$;
CREATE TABLE other (id int);
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON other DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION more();
INSERT INTO other SELECT 10000 + i FROM generate_series(1, 1500) i;
SELECT pg_temp.exact('deferred triggers');
INSERT INTO other VALUES (20000);
SELECT pg_temp.exact('one more');
-- other isolation levels, read only, two-phase: nothing is folded, nothing fails
BEGIN ISOLATION LEVEL REPEATABLE READ;
DO $$ BEGIN FOR i IN 1..1100 LOOP INSERT INTO t VALUES (30000 + i, i % 10, i); END LOOP; END $$;
COMMIT;
BEGIN;
DO $$ BEGIN FOR i IN 1..1100 LOOP INSERT INTO t VALUES (32000 + i, i % 10, i); END LOOP; END $$;
PREPARE TRANSACTION 'views_fold';
COMMIT PREPARED 'views_fold';
SELECT pg_temp.exact('REPEATABLE READ and PREPARE TRANSACTION');
-- views and sources that go at the same commit
BEGIN;
SELECT tally.create_view('soon_gone', 'SELECT k, sum(x) AS s FROM t GROUP BY k');
DO $$ BEGIN FOR i IN 1..1100 LOOP INSERT INTO t VALUES (34000 + i, i % 10, i); END LOOP; END $$;
DROP VIEW soon_gone;
COMMIT;
BEGIN;
CREATE TABLE t2 (k int);
SELECT tally.create_view('of_t2', 'SELECT k, count(*) AS n FROM t2 GROUP BY k');
DO $$ BEGIN FOR i IN 1..1100 LOOP INSERT INTO t2 VALUES (i); END LOOP; END $$;
SET LOCAL client_min_messages = warning;
DROP TABLE t2 CASCADE;
COMMIT;
BEGIN;
DO $$ BEGIN FOR i IN 1..1100 LOOP UPDATE t SET x = x + 1 WHERE id = 4000 + i; END LOOP; END $$;
ALTER TABLE t RENAME COLUMN x TO y;
COMMIT;
ALTER TABLE t RENAME COLUMN y TO x;
SELECT pg_temp.exact('views and columns that go');
-- an open cursor holds what it saw
BEGIN;
DECLARE c CURSOR WITH HOLD FOR SELECT sum(n) FROM v;
DO $$ BEGIN FOR i IN 1..1100 LOOP INSERT INTO t VALUES (36000 + i, i % 10, i); END LOOP; END $$;
COMMIT;
SELECT count(*) FROM t \gset before_
FETCH c \gset held_
SELECT :before_count - :held_sum AS written_after_the_cursor_was_opened;
CLOSE c;
RESET tally.delta_limit;
INSERT INTO t VALUES (1, 1, 1);
SELECT pg_temp.kept('at the end', NULL);
SET client_min_messages = warning;
DROP SCHEMA views_fold CASCADE;
SELECT pg_temp.left_behind();
