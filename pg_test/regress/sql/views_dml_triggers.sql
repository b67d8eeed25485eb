-- Changes that come through foreign keys, triggers and rules.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE SCHEMA views_dml_triggers;
SET search_path = views_dml_triggers, public;
-- foreign keys
CREATE TABLE parent (id int PRIMARY KEY, name text);
CREATE TABLE child (id int PRIMARY KEY, parent int REFERENCES parent ON DELETE CASCADE ON UPDATE CASCADE, x int);
CREATE TABLE grandchild (id int PRIMARY KEY, child int REFERENCES child ON DELETE CASCADE, x int);
CREATE TABLE loose (id int PRIMARY KEY, parent int DEFAULT 1 REFERENCES parent ON DELETE SET NULL ON UPDATE CASCADE, x int);
CREATE TABLE falling (id int PRIMARY KEY, parent int DEFAULT 1 REFERENCES parent ON DELETE SET DEFAULT, x int);
INSERT INTO parent SELECT i, 'p' || i FROM generate_series(1, 10) i;
INSERT INTO child SELECT i, 1 + i % 10, i FROM generate_series(1, 50) i;
INSERT INTO grandchild SELECT i, 1 + i % 50, i FROM generate_series(1, 100) i;
INSERT INTO loose SELECT i, 1 + i % 10, i FROM generate_series(1, 50) i;
INSERT INTO falling SELECT i, 1 + i % 10, i FROM generate_series(1, 50) i;
SELECT pg_temp.make('parents', 'SELECT count(*) AS n, max(name) AS last FROM parent');
SELECT pg_temp.make('children', 'SELECT parent, count(*) AS n, sum(x) AS x, min(x) AS least FROM child GROUP BY parent');
SELECT pg_temp.make('grandchildren', 'SELECT child % 7 AS c, count(*) AS n, max(x) AS most FROM grandchild GROUP BY 1');
SELECT pg_temp.make('loosely', 'SELECT parent, count(*) AS n, sum(x) AS x FROM loose GROUP BY parent');
SELECT pg_temp.make('fallen', 'SELECT parent, uniq(x) AS n FROM falling GROUP BY parent');
DELETE FROM parent WHERE id IN (3, 4);
SELECT pg_temp.kept('ON DELETE CASCADE, SET NULL, SET DEFAULT');
UPDATE parent SET id = id + 100 WHERE id BETWEEN 5 AND 6 AND NOT EXISTS (SELECT FROM falling f WHERE f.parent = parent.id);
DELETE FROM falling WHERE parent BETWEEN 5 AND 6;
UPDATE parent SET id = id + 100 WHERE id BETWEEN 5 AND 6;
SELECT pg_temp.kept('ON UPDATE CASCADE');
TRUNCATE parent CASCADE;
SELECT pg_temp.kept('TRUNCATE CASCADE');

-- triggers that change the row, or keep it out, or undo it
CREATE TABLE t (id int PRIMARY KEY, grp text, x int, note text);
CREATE FUNCTION changing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF TG_OP = 'DELETE' THEN RETURN CASE WHEN OLD.grp = 'stays' THEN NULL ELSE OLD END; END IF;
  IF NEW.x < 0 THEN RETURN NULL; END IF;
  NEW.grp := lower(NEW.grp); NEW.x := NEW.x * 10;
  RETURN NEW;
END $$;
CREATE TRIGGER before_row BEFORE INSERT OR UPDATE OR DELETE ON t FOR EACH ROW EXECUTE FUNCTION changing();
SELECT pg_temp.make('v', 'SELECT grp, count(*) AS n, sum(x) AS x, max(x) AS most FROM t GROUP BY grp');
INSERT INTO t VALUES (1, 'A', 1), (2, 'STAYS', 2), (3, 'A', -3);
TABLE v ORDER BY grp;
SELECT pg_temp.kept('BEFORE INSERT');
UPDATE t SET grp = 'B', x = 5 WHERE id = 1;
SELECT pg_temp.kept('BEFORE UPDATE');
UPDATE t SET x = -1;
SELECT pg_temp.kept('BEFORE UPDATE that keeps all as it was', false);
DELETE FROM t;
SELECT pg_temp.kept('BEFORE DELETE');
TABLE v ORDER BY grp;
DROP TRIGGER before_row ON t;

-- a trigger that writes to the same table again
CREATE FUNCTION echoing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF NEW.id < 1000 THEN INSERT INTO t VALUES (NEW.id + 1000, NEW.grp, NEW.x); UPDATE t SET x = x + 1 WHERE id = NEW.id; END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER after_row AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION echoing();
INSERT INTO t VALUES (10, 'again', 1), (11, 'again', 2);
SELECT pg_temp.kept('AFTER ROW trigger that inserts and updates');
DROP TRIGGER after_row ON t;

-- one that comes at the end of the transaction
CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.id < 1000) EXECUTE FUNCTION echoing();
BEGIN;
INSERT INTO t VALUES (20, 'late', 1), (21, 'late', 2);
SELECT pg_temp.exact('not yet');
COMMIT;
SELECT pg_temp.kept('a deferred trigger', NULL);
BEGIN;
INSERT INTO t VALUES (22, 'late', 1), (23, 'late', 2);
SET CONSTRAINTS ALL IMMEDIATE;
SELECT pg_temp.exact('at once');
ROLLBACK;
SELECT pg_temp.kept('rolled back', false);
DROP TRIGGER at_commit ON t;
CREATE TABLE u (id int UNIQUE DEFERRABLE INITIALLY DEFERRED, x int);
SELECT pg_temp.make('uv', 'SELECT id, sum(x) AS x FROM u GROUP BY id');
INSERT INTO u SELECT i, i FROM generate_series(1, 5) i;
UPDATE u SET id = id + 1;
SELECT pg_temp.kept('a deferred key');
BEGIN;
INSERT INTO u VALUES (3, 3);
SELECT pg_temp.exact('twice, inside');
COMMIT;
SELECT pg_temp.kept('refused at commit', false);

-- rules
CREATE RULE doubled AS ON INSERT TO u DO ALSO INSERT INTO t VALUES (NEW.id + 5000, 'rule', NEW.x);
CREATE RULE marked AS ON DELETE TO u WHERE OLD.x = 3 DO INSTEAD UPDATE u SET x = -3 WHERE id = OLD.id;
INSERT INTO u VALUES (100, 1), (101, 2);
DELETE FROM u;
SELECT pg_temp.kept('rules');
TABLE uv ORDER BY id;

-- an updatable view and a function over the source
CREATE VIEW some_of_t AS SELECT * FROM t WHERE grp = 'rule' WITH CHECK OPTION;
INSERT INTO some_of_t VALUES (6000, 'rule', 9);
UPDATE some_of_t SET x = x + 1;
DELETE FROM some_of_t WHERE id = 5100;
SELECT pg_temp.kept('an updatable view');
-- a trigger on another table writes to the source while that table's own statement runs
CREATE TABLE log_of (id int, x int);
CREATE FUNCTION forward() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t SELECT id + 7000, 'fwd', x FROM n; RETURN NULL; END $$;
CREATE TRIGGER fwd AFTER INSERT ON log_of REFERENCING NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION forward();
SELECT pg_temp.make('logged', 'SELECT count(*) AS n FROM log_of');
INSERT INTO log_of VALUES (1, 1), (2, 2);
SELECT pg_temp.kept('forwarded');
-- an error while maintaining fails the statement, and nothing of it stays
SELECT pg_temp.make('bad', 'SELECT count(*) AS n, sum(100 / x) AS y FROM log_of');
SELECT pg_temp.fails('INSERT INTO log_of VALUES (3, 5), (4, 0)');
SELECT count(*) FROM log_of;
SELECT pg_temp.kept('failed', NULL);
SET client_min_messages = warning;
DROP SCHEMA views_dml_triggers CASCADE;
SELECT pg_temp.left_behind();
