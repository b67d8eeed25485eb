-- Whatever changes a source reaches its views, in the same transaction.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE SCHEMA views_dml;
SET search_path = views_dml, public;
CREATE TABLE t (id int PRIMARY KEY, grp text, x int, v numeric(10, 2), at timestamptz DEFAULT '2024-01-01Z', note text, twice int GENERATED ALWAYS AS (x * 2) STORED, unused text);
INSERT INTO t (id, grp, x, v, at, note) SELECT i, 'g' || i % 5, i % 7, i / 4.0, timestamptz '2024-01-01Z' + i * interval '1 hour', 'n' || i FROM generate_series(1, 40) i;
SELECT pg_temp.make('groups', 'SELECT grp, count(*) AS n, sum(x) AS sx, avg(v) AS av, min(v) AS least, max(at) AS last, uniq(x) AS u, sum(twice) AS twice FROM t GROUP BY grp');
SELECT pg_temp.make('notes', 'SELECT grp, string_agg(note, '','' ORDER BY id) AS notes, count(DISTINCT x) AS xs FROM t GROUP BY grp');
SELECT pg_temp.make('total', 'SELECT count(*) AS n, sum(x) AS sx, max(v) AS most, uniq(grp) AS grps FROM t');
SELECT pg_temp.make('states', 'SELECT x, count_state(*) AS n, sum_state(v) AS sv, uniq_state(note) AS notes, max_state(at) AS last FROM t WHERE x > 1 GROUP BY x', 'x, n, sv::text, notes::text, last');
SELECT pg_temp.kept('made', false);

-- INSERT
INSERT INTO t VALUES (101, 'g1', 3, 1.25);
SELECT pg_temp.kept('one row');
INSERT INTO t VALUES (102, 'new', 3, NULL, NULL), (103, NULL, NULL, 2.5, NULL), (104, 'g2', 0, -1, 'infinity');
SELECT pg_temp.kept('several rows, NULLs, new groups');
INSERT INTO t (id, grp, x, v, at, note) SELECT 200 + i, 'big' || i % 50, i % 11, i, '2024-02-01Z', 'x' FROM generate_series(0, 599) i;
SELECT pg_temp.kept('INSERT SELECT');
INSERT INTO t (id, grp) SELECT id, grp FROM t WHERE false;
SELECT pg_temp.kept('no row', false);
INSERT INTO t (id, grp, x) SELECT id + 10000, grp, x FROM t WHERE id < 50;
SELECT pg_temp.kept('from itself');
COPY t (id, grp, x, v, note) FROM STDIN;
301001	copied	4	1.5	a
301002	copied	\N	\N	\N
301003	g1	5	100	b
\.
SELECT pg_temp.kept('COPY');
COPY t (id, grp, x) FROM STDIN WHERE x > 4;
301004	copied	4
301005	copied	5
\.
SELECT pg_temp.kept('COPY WHERE');
COPY t (id, grp, x) FROM STDIN;
301006	copied	4
301005	copied	5
\.
SELECT pg_temp.kept('COPY that fails', false);

-- ON CONFLICT
INSERT INTO t VALUES (101, 'g1', 9, 7), (105, 'g1', 1, 1) ON CONFLICT (id) DO NOTHING;
SELECT pg_temp.kept('DO NOTHING');
INSERT INTO t VALUES (101, 'g1', 9, 7) ON CONFLICT (id) DO NOTHING;
SELECT pg_temp.kept('DO NOTHING that does nothing', false);
INSERT INTO t VALUES (101, 'g9', 9, 7), (106, 'g9', 1, 1) ON CONFLICT (id) DO UPDATE SET grp = excluded.grp, x = t.x + excluded.x;
SELECT pg_temp.kept('DO UPDATE and INSERT in one statement');
INSERT INTO t VALUES (101, 'g9', 9, 7) ON CONFLICT (id) DO UPDATE SET x = excluded.x WHERE t.x < 0;
SELECT pg_temp.kept('DO UPDATE WHERE, nothing done', false);

-- UPDATE
UPDATE t SET x = x + 1 WHERE grp = 'g3';
SELECT pg_temp.kept('arguments');
UPDATE t SET grp = 'g4' WHERE grp = 'g3';
SELECT pg_temp.kept('a group that goes into another');
UPDATE t SET grp = CASE grp WHEN 'g1' THEN 'g2' WHEN 'g2' THEN 'g1' END WHERE grp IN ('g1', 'g2');
SELECT pg_temp.kept('two groups change places');
UPDATE t SET grp = NULL WHERE grp = 'copied';
SELECT pg_temp.kept('into the NULL group');
UPDATE t SET v = NULL, at = NULL, note = NULL WHERE id % 3 = 0;
SELECT pg_temp.kept('into NULLs');
UPDATE t SET x = 0 WHERE x = 5;
SELECT pg_temp.kept('out of WHERE');
UPDATE t SET x = 5 WHERE x = 0 AND id < 1000;
SELECT pg_temp.kept('into WHERE');
UPDATE t SET id = id + 1000000;
SELECT pg_temp.exact('the key that only the order depends on');
SELECT pg_temp.kept('the key that only the order depends on');
UPDATE t SET id = id - 1000000;
SELECT pg_temp.kept('and back');
UPDATE t o SET v = i.id / 2.0 FROM t i WHERE i.id = o.id - 1;
SELECT pg_temp.kept('UPDATE FROM itself', NULL);
-- what changes nothing of a view appends nothing
UPDATE t SET unused = 'changed', x = x, grp = grp || '';
UPDATE t SET v = v + 0.00, at = at AT TIME ZONE 'UTC' AT TIME ZONE 'UTC';
UPDATE t SET x = 1 WHERE false;
SELECT pg_temp.pending();
SELECT pg_temp.kept('no-op', false);
UPDATE t SET note = note || '!' WHERE id < 50;
SELECT v.view, v.pending > 0 AS pending FROM tally.views v JOIN made m ON m.name::regclass = v.view ORDER BY place;
SELECT pg_temp.kept('a column of some of the views');

-- DELETE
DELETE FROM t WHERE id % 10 = 1;
SELECT pg_temp.kept('some rows');
DELETE FROM t WHERE v = (SELECT min(v) FROM t);
DELETE FROM t WHERE at = (SELECT max(at) FROM t);
SELECT pg_temp.kept('the extremes');
DELETE FROM t WHERE grp LIKE 'big1%';
SELECT pg_temp.kept('whole groups');
DELETE FROM t o USING t i WHERE i.id = o.id + 1 AND i.id < 30;
SELECT pg_temp.kept('USING');
DELETE FROM t WHERE false;
SELECT pg_temp.kept('nothing', false);

-- MERGE
MERGE INTO t USING (VALUES (102, 'm'), (103, NULL), (104, 'm'), (400001, 'm'), (400002, 'm')) s(id, grp) ON t.id = s.id
  WHEN MATCHED AND s.grp IS NULL THEN DELETE WHEN MATCHED THEN UPDATE SET grp = s.grp, v = 3
  WHEN NOT MATCHED AND s.id = 400001 THEN DO NOTHING WHEN NOT MATCHED THEN INSERT (id, grp, x) VALUES (s.id, s.grp, 2);
SELECT pg_temp.kept('MERGE of three kinds');

-- several changes in one statement
WITH gone AS (DELETE FROM t WHERE grp = 'g0' RETURNING *), back AS (INSERT INTO t (id, grp, x, v) SELECT id + 500000, 'g0', x + 1, v FROM gone RETURNING 1)
  UPDATE t SET x = x + 1 WHERE grp = 'g1';
SELECT pg_temp.kept('three changes in one statement');
WITH a AS (INSERT INTO t (id, grp, x) VALUES (600001, 'cte', 1) RETURNING 1), b AS (INSERT INTO t (id, grp, x) VALUES (600002, 'cte', 2) RETURNING 1) SELECT 1;
SELECT pg_temp.kept('two inserts in one statement');

-- the view as its own transaction sees it, savepoints, and rollback
BEGIN;
INSERT INTO t (id, grp, x) VALUES (700001, 'sp', 1);
SELECT pg_temp.exact('inside');
SAVEPOINT a;
DELETE FROM t WHERE grp IN ('g1', 'sp');
SELECT pg_temp.exact('inside a savepoint');
SAVEPOINT b;
INSERT INTO t (id, grp, x) VALUES (700002, 'sp', 1), (700002, 'sp', 1);
ROLLBACK TO b;
SELECT pg_temp.exact('after an error in the inner one');
ROLLBACK TO a;
SELECT pg_temp.exact('rolled back to the savepoint');
UPDATE t SET x = 3 WHERE grp = 'sp';
RELEASE a;
COMMIT;
SELECT pg_temp.kept('savepoints');
BEGIN;
DELETE FROM t;
SELECT pg_temp.exact('all gone');
ROLLBACK;
SELECT pg_temp.kept('rolled back', false);
DO $$ BEGIN
  FOR i IN 1..5 LOOP
    BEGIN
      INSERT INTO t (id, grp, x) VALUES (800000 + i, 'loop', i);
      IF i % 2 = 0 THEN RAISE division_by_zero; END IF;
    EXCEPTION WHEN division_by_zero THEN NULL;
    END;
  END LOOP;
END $$;
SELECT pg_temp.kept('a loop with exceptions');
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM t WHERE grp = 'loop' ORDER BY id FOR UPDATE;
FETCH c;
UPDATE t SET x = 77 WHERE CURRENT OF c;
FETCH c;
DELETE FROM t WHERE CURRENT OF c;
COMMIT;
SELECT pg_temp.kept('WHERE CURRENT OF');

-- two-phase commit
BEGIN;
INSERT INTO t (id, grp, x) VALUES (900001, 'two', 1);
DELETE FROM t WHERE grp = 'loop';
PREPARE TRANSACTION 'views_dml_1';
SELECT pg_temp.exact('prepared');
SELECT pg_temp.pending();
COMMIT PREPARED 'views_dml_1';
SELECT pg_temp.kept('COMMIT PREPARED');
BEGIN;
INSERT INTO t (id, grp, x) VALUES (900002, 'two', 1);
PREPARE TRANSACTION 'views_dml_2';
ROLLBACK PREPARED 'views_dml_2';
SELECT pg_temp.kept('ROLLBACK PREPARED', false);

-- TRUNCATE
BEGIN;
INSERT INTO t (id, grp, x) VALUES (1000001, 'before', 1);
TRUNCATE t;
SELECT pg_temp.exact('truncated, inside');
INSERT INTO t (id, grp, x, v, note) VALUES (1, 'after', 2, 3, 'a'), (2, 'after', 3, 4, 'b');
SELECT pg_temp.exact('and filled again, inside');
SAVEPOINT a;
TRUNCATE t;
ROLLBACK TO a;
SELECT pg_temp.exact('a TRUNCATE rolled back');
COMMIT;
SELECT pg_temp.kept('TRUNCATE and INSERT');
TRUNCATE t;
SELECT pg_temp.kept('TRUNCATE');
TABLE total;
TRUNCATE t;
SELECT pg_temp.kept('of nothing');
BEGIN;
INSERT INTO t (id, grp, x) VALUES (1, 'a', 2);
TRUNCATE t;
ROLLBACK;
SELECT pg_temp.kept('rolled back', false);
INSERT INTO t (id, grp, x) SELECT i, 'g' || i % 3, i FROM generate_series(1, 30) i;
SELECT pg_temp.kept('filled anew', NULL);
-- what others raise keeps all that it says
CREATE TABLE referred (id int PRIMARY KEY);
CREATE TABLE referring (id int CONSTRAINT known REFERENCES referred);
DO $$
DECLARE c text; t text; s text;
BEGIN
  INSERT INTO referring VALUES (1);
EXCEPTION WHEN foreign_key_violation THEN
  GET STACKED DIAGNOSTICS c = CONSTRAINT_NAME, t = TABLE_NAME, s = SCHEMA_NAME;
  RAISE NOTICE '% of %.%', c, s, t;
END $$;
SET client_min_messages = warning;
DROP SCHEMA views_dml CASCADE;
SELECT pg_temp.left_behind();
