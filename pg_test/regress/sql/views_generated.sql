-- Stored generated columns of a partitioned source: of some partitions the transition tables show them as NULL.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE SCHEMA views_generated;
SET search_path = views_generated, public;
CREATE TABLE p (g int, x int, gone int, gen int GENERATED ALWAYS AS (x * 2) STORED, t text GENERATED ALWAYS AS ('t' || (x % 3)) STORED, UNIQUE (g, x)) PARTITION BY LIST (g);
CREATE TABLE p1 (t text GENERATED ALWAYS AS ('t' || (x % 3)) STORED, gen int GENERATED ALWAYS AS (x * 2) STORED, x int, gone int, g int);
ALTER TABLE p ATTACH PARTITION p1 FOR VALUES IN (1);
CREATE TABLE p2 PARTITION OF p FOR VALUES IN (2);
ALTER TABLE p DROP COLUMN gone;
-- made without the column that was dropped
CREATE TABLE p3 PARTITION OF p FOR VALUES IN (3) PARTITION BY RANGE (x);
CREATE TABLE p3_low PARTITION OF p3 FOR VALUES FROM (0) TO (100);
CREATE TABLE p3_high PARTITION OF p3 DEFAULT;
SELECT pg_temp.make('by_g', 'SELECT g, count(gen) AS n, sum(gen) AS s, min(t) AS least, count(DISTINCT gen) AS d, max(gen) FILTER (WHERE t = ''t1'') AS m FROM p GROUP BY g');
SELECT pg_temp.make('by_gen', 'SELECT t, gen, count(*) AS n FROM p WHERE gen < 1000 GROUP BY t, gen');
INSERT INTO p (g, x) SELECT 1 + i % 3, i * 20 FROM generate_series(0, 20) i;
SELECT pg_temp.kept('inserted');
COPY p (g, x) FROM STDIN;
1	7
2	8
3	9
3	109
\.
SELECT pg_temp.kept('copied', NULL);
INSERT INTO p3 (g, x) VALUES (3, 11), (3, 111);
INSERT INTO p1 (g, x) VALUES (1, 11);
SELECT pg_temp.kept('below the root');
INSERT INTO p (g, x) VALUES (1, 7), (1, 70), (3, 9), (3, 90) ON CONFLICT (g, x) DO UPDATE SET x = excluded.x + 1;
SELECT pg_temp.kept('ON CONFLICT');
MERGE INTO p USING (VALUES (1, 70), (1, 71), (3, 90), (3, 91)) s(g, x) ON p.g = s.g AND p.x = s.x
  WHEN MATCHED THEN UPDATE SET x = p.x + 1000 WHEN NOT MATCHED THEN INSERT (g, x) VALUES (s.g, s.x);
SELECT pg_temp.kept('MERGE');
UPDATE p SET g = 1 + g % 3, x = x + 1 WHERE x % 20 = 0;
UPDATE p SET x = x + 3;
SELECT pg_temp.kept('updated, moved', NULL);
DELETE FROM p WHERE x % 2 = 0;
WITH moved AS (DELETE FROM p WHERE g = 2 RETURNING x) INSERT INTO p (g, x) SELECT 1, x + 5000 FROM moved;
SELECT pg_temp.kept('deleted');
CREATE TABLE p4 (gen int GENERATED ALWAYS AS (x * 2) STORED, g int, x int, t text GENERATED ALWAYS AS ('t' || (x % 3)) STORED);
ALTER TABLE p ATTACH PARTITION p4 FOR VALUES IN (4);
INSERT INTO p (g, x) VALUES (4, 1), (4, 2);
SELECT pg_temp.kept('attached later');

-- What a function looks up by name may be found by the writer only: then the view is answered from its source for a while.
CREATE FUNCTION triple(x int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN x * 3; END $$;
CREATE TABLE q (g int, x int, gen int GENERATED ALWAYS AS (triple(x)) STORED) PARTITION BY LIST (g);
CREATE TABLE q1 (gen int GENERATED ALWAYS AS (triple(x)) STORED, x int, g int);
CREATE TABLE q2 PARTITION OF q FOR VALUES IN (2);
SELECT pg_temp.make('q_by_g', 'SELECT g, sum(gen) AS s FROM q GROUP BY g');
SELECT pg_temp.make('q_by_x', 'SELECT g, sum(x) AS s FROM q GROUP BY g');
INSERT INTO q (g, x) VALUES (2, 2);
SELECT v.name, w.status FROM (VALUES ('q_by_g'), ('q_by_x')) v(name) JOIN tally.views w ON w.view = v.name::regclass ORDER BY 1;
SELECT pg_temp.kept('all alike');
ALTER TABLE q ATTACH PARTITION q1 FOR VALUES IN (1);
SELECT pg_temp.kept('attached', NULL);
INSERT INTO q (g, x) VALUES (1, 10), (2, 20);
SELECT v.name, w.status FROM (VALUES ('q_by_g'), ('q_by_x')) v(name) JOIN tally.views w ON w.view = v.name::regclass ORDER BY 1;
SELECT pg_temp.kept('not alike');
UPDATE q SET g = 3 - g, x = x + 1;
SELECT pg_temp.kept('moved');
INSERT INTO q1 (g, x) VALUES (1, 5);
DELETE FROM q WHERE x < 10;
SELECT pg_temp.kept('straight', NULL);
SET client_min_messages = warning;
DROP SCHEMA views_generated CASCADE;
SELECT pg_temp.left_behind();
