-- Partitioned and inherited sources, whichever relation the writer names.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE SCHEMA views_partitions;
SET search_path = views_partitions, public;
CREATE TABLE s (id int, ts timestamptz NOT NULL, k text, x numeric, m text) PARTITION BY RANGE (ts);
CREATE TABLE s_jan PARTITION OF s FOR VALUES FROM ('2024-01-01Z') TO ('2024-02-01Z');
-- other column order, dropped columns, sub-partitions
CREATE TABLE s_feb (junk int, x numeric, m text, gone text, k text, ts timestamptz NOT NULL, id int);
ALTER TABLE s_feb DROP COLUMN junk, DROP COLUMN gone;
ALTER TABLE s ATTACH PARTITION s_feb FOR VALUES FROM ('2024-02-01Z') TO ('2024-03-01Z');
CREATE TABLE s_mar (k text, junk int, ts timestamptz NOT NULL, x numeric, m text, id int) PARTITION BY LIST (k);
ALTER TABLE s_mar DROP COLUMN junk;
CREATE TABLE s_mar_a PARTITION OF s_mar FOR VALUES IN ('a', NULL);
CREATE TABLE s_mar_rest PARTITION OF s_mar DEFAULT PARTITION BY HASH (id);
CREATE TABLE s_mar_0 PARTITION OF s_mar_rest FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE s_mar_1 (id int, zz int, x numeric, m text, k text, ts timestamptz NOT NULL);
ALTER TABLE s_mar_1 DROP COLUMN zz;
ALTER TABLE s_mar_rest ATTACH PARTITION s_mar_1 FOR VALUES WITH (MODULUS 2, REMAINDER 1);
ALTER TABLE s ATTACH PARTITION s_mar FOR VALUES FROM ('2024-03-01Z') TO ('2024-04-01Z');
CREATE TABLE s_default PARTITION OF s DEFAULT;
INSERT INTO s SELECT i, timestamptz '2024-01-01Z' + i * interval '1 day', nullif((ARRAY['a','b','c'])[1 + i % 3], 'c'), i / 4.0, 'm' FROM generate_series(0, 120) i;
SELECT pg_temp.make('daily', 'SELECT date_bin(''7 days'', ts, ''2024-01-01Z'') AS w, k, count(*) AS n, sum(x) AS s, min(x) AS mn, max(id) AS mx FROM s WHERE m = ''m'' AND x IS DISTINCT FROM 3.25 GROUP BY 1, 2');
SELECT pg_temp.make('by_k', 'SELECT k, sum(x) FILTER (WHERE m IN (''m'', ''n'')) AS s, uniq(id) AS u, string_agg(m, '''' ORDER BY id) AS ms, count(DISTINCT x) AS d FROM s GROUP BY k');
SELECT pg_temp.kept('made', false);
INSERT INTO s VALUES (200, '2024-01-05Z', 'a', 1, 'm'), (201, '2024-02-05Z', 'b', 2, 'm'), (202, '2024-03-05Z', 'a', 3, 'n'), (203, '2024-03-05Z', 'z', 4, 'm'), (204, '2024-09-05Z', NULL, 5, 'm');
SELECT pg_temp.kept('through the root');
INSERT INTO s_jan VALUES (210, '2024-01-06Z', 'a', 1.5, 'm');
INSERT INTO s_feb (id, ts, k, x, m) VALUES (211, '2024-02-06Z', 'a', 2.5, 'm');
INSERT INTO s_mar (id, ts, k, x, m) VALUES (212, '2024-03-06Z', 'a', 3.5, 'm'), (213, '2024-03-06Z', 'q', 3.5, 'm');
INSERT INTO s_mar_a (id, ts, k, x, m) VALUES (214, '2024-03-06Z', NULL, 4.5, 'm');
INSERT INTO s_mar_rest (id, ts, k, x, m) SELECT i, '2024-03-07Z', 'r', 5.5, 'm' FROM generate_series(215, 219) i;
INSERT INTO s_default VALUES (220, '2023-01-06Z', 'a', 6.5, 'm');
SELECT pg_temp.kept('straight into each level');
COPY s_feb (id, k, ts, x, m) FROM STDIN;
230	b	2024-02-10 00:00:00Z	7.5	m
231	\N	2024-02-10 00:00:00Z	8.5	n
\.
COPY s (id, k, ts, x, m) FROM STDIN;
232	b	2024-02-10 00:00:00Z	7.5	m
233	\N	2024-03-10 00:00:00Z	8.5	n
\.
SELECT pg_temp.kept('COPY');
UPDATE s SET x = x + 1 WHERE id % 5 = 0;
UPDATE s_feb SET x = 0, k = 'new' WHERE id % 7 = 0;
UPDATE s_mar_1 SET x = -x;
SELECT pg_temp.kept('UPDATE of root, leaf');
UPDATE s SET ts = ts + interval '1 month' WHERE id BETWEEN 10 AND 60;
SELECT pg_temp.kept('from partition to partition');
UPDATE s_mar SET k = CASE k WHEN 'a' THEN 'b' ELSE 'a' END;
SELECT pg_temp.kept('from leaf to leaf below a branch');
DELETE FROM s WHERE id % 11 = 1;
DELETE FROM s_mar_rest WHERE id % 3 = 1;
DELETE FROM s_feb WHERE x = (SELECT min(x) FROM s_feb);
SELECT pg_temp.kept('DELETE');
MERGE INTO s USING (VALUES (200, 'mm'), (900, 'nn')) v(id, m) ON s.id = v.id WHEN MATCHED THEN UPDATE SET ts = '2024-02-20Z', m = v.m WHEN NOT MATCHED THEN INSERT VALUES (v.id, '2024-03-20Z', 'z', 1, v.m);
SELECT pg_temp.kept('MERGE across partitions');
UPDATE s SET m = m, x = x;
SELECT pg_temp.kept('no-op', false);

-- partitions that come and go
CREATE TABLE s_apr PARTITION OF s FOR VALUES FROM ('2025-04-01Z') TO ('2025-05-01Z');
INSERT INTO s_apr VALUES (300, '2025-04-01Z', 'a', 1, 'm');
INSERT INTO s VALUES (301, '2025-04-02Z', 'b', 2, 'm');
SELECT pg_temp.kept('made later');
CREATE TABLE s_may (m text, x numeric, k text, id int, ts timestamptz NOT NULL);
INSERT INTO s_may VALUES ('m', 9, 'a', 310, '2025-05-05Z'), ('m', 10, 'may', 311, '2025-05-06Z');
ALTER TABLE s ATTACH PARTITION s_may FOR VALUES FROM ('2025-05-01Z') TO ('2025-06-01Z');
SELECT pg_temp.exact('attached');
INSERT INTO s_may VALUES ('m', 11, 'b', 312, '2025-05-07Z');
INSERT INTO s VALUES (313, '2025-05-08Z', 'b', 12, 'm');
SELECT pg_temp.kept('attached, and written to', NULL);
ALTER TABLE s DETACH PARTITION s_may;
SELECT pg_temp.exact('detached');
INSERT INTO s_may VALUES ('m', 99, 'b', 314, '2025-05-09Z');
SELECT pg_temp.kept('detached, and written to');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 's_may'::regclass;
ALTER TABLE s ATTACH PARTITION s_may FOR VALUES FROM ('2025-05-01Z') TO ('2025-06-01Z');
SELECT pg_temp.kept('attached again');
BEGIN;
ALTER TABLE s DETACH PARTITION s_may;
DROP TABLE s_may;
SELECT pg_temp.exact('dropped, inside');
ROLLBACK;
SELECT pg_temp.kept('rolled back', false);
ALTER TABLE s DETACH PARTITION s_jan CONCURRENTLY;
\echo :LAST_ERROR_SQLSTATE
DROP TABLE s_apr;
SELECT pg_temp.kept('dropped');
-- a whole branch
CREATE TABLE s_jun (LIKE s) PARTITION BY LIST (k);
CREATE TABLE s_jun_a PARTITION OF s_jun DEFAULT;
INSERT INTO s_jun VALUES (320, '2025-06-05Z', 'a', 13, 'm');
ALTER TABLE s ATTACH PARTITION s_jun FOR VALUES FROM ('2025-06-01Z') TO ('2025-07-01Z');
SELECT pg_temp.exact('a branch attached');
INSERT INTO s_jun_a VALUES (321, '2025-06-06Z', 'a', 14, 'm');
SELECT pg_temp.kept('a branch attached');
CREATE TABLE s_jun_b PARTITION OF s_jun FOR VALUES IN ('b');
INSERT INTO s_jun_b VALUES (322, '2025-06-06Z', 'b', 14, 'm');
SELECT pg_temp.kept('a leaf of the branch made');
ALTER TABLE s DETACH PARTITION s_jun;
INSERT INTO s_jun VALUES (323, '2025-06-06Z', 'b', 14, 'm');
SELECT pg_temp.kept('a branch detached');
SELECT count(*) FROM pg_trigger WHERE tgrelid IN ('s_jun'::regclass, 's_jun_a'::regclass, 's_jun_b'::regclass);
TRUNCATE s_feb;
SELECT pg_temp.exact('TRUNCATE of a leaf');
INSERT INTO s_feb (id, ts, k, x, m) VALUES (400, '2024-02-06Z', 'a', 2.5, 'm');
SELECT pg_temp.kept('TRUNCATE of a leaf');
TRUNCATE s_mar;
SELECT pg_temp.kept('TRUNCATE of a branch');
BEGIN; TRUNCATE s; SELECT pg_temp.exact('TRUNCATE of the root, inside'); ROLLBACK;
TRUNCATE s;
INSERT INTO s VALUES (1, '2024-01-01Z', 'a', 1, 'm');
SELECT pg_temp.kept('TRUNCATE of the root');
-- a view of a leaf or a branch, and a source that is to become a partition
SELECT pg_temp.fails($$SELECT tally.create_view('leaf', 'SELECT count(*) FROM s_feb')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('branch', 'SELECT count(*) FROM s_mar')$$);
CREATE TABLE s_own (LIKE s);
SELECT pg_temp.make('own', 'SELECT count(*) AS n FROM s_own');
SELECT pg_temp.fails($$ALTER TABLE s ATTACH PARTITION s_own FOR VALUES FROM ('2026-01-01Z') TO ('2027-01-01Z')$$);
SELECT pg_temp.fails($$CREATE TABLE s_f PARTITION OF s_own FOR VALUES IN (1)$$);
CREATE FOREIGN DATA WRAPPER nothing;
CREATE SERVER nowhere FOREIGN DATA WRAPPER nothing;
SELECT pg_temp.fails($$CREATE FOREIGN TABLE s_foreign PARTITION OF s FOR VALUES FROM ('2026-01-01Z') TO ('2027-01-01Z') SERVER nowhere$$);
CREATE FOREIGN TABLE s_foreign (id int, ts timestamptz NOT NULL, k text, x numeric, m text) SERVER nowhere;
SELECT pg_temp.fails($$ALTER TABLE s ATTACH PARTITION s_foreign FOR VALUES FROM ('2026-01-01Z') TO ('2027-01-01Z')$$);
CREATE TABLE q (k int, x int) PARTITION BY LIST (k);
CREATE FOREIGN TABLE q_foreign PARTITION OF q DEFAULT SERVER nowhere;
SELECT pg_temp.fails($$SELECT tally.create_view('qv', 'SELECT count(*) FROM q')$$);
DROP FOREIGN DATA WRAPPER nothing CASCADE;
INSERT INTO s_default VALUES (2, '2024-08-01Z', 'a', 1, 'm');
SELECT pg_temp.kept('at the end', NULL);
-- a MERGE that inserts before it updates, into partitions of other shapes, and into one that it opens only then
CREATE TABLE mp (id int, p int, k text) PARTITION BY RANGE (p);
CREATE TABLE mp1 (gone int, k text, p int, id int);
ALTER TABLE mp1 DROP COLUMN gone;
ALTER TABLE mp ATTACH PARTITION mp1 FOR VALUES FROM (0) TO (10);
CREATE TABLE mp2 PARTITION OF mp FOR VALUES FROM (10) TO (20);
CREATE TABLE mp3 PARTITION OF mp FOR VALUES FROM (20) TO (30);
INSERT INTO mp VALUES (93, 1, 'x'), (94, 12, 'y'), (95, 2, 'z');
SELECT pg_temp.make('mpv', 'SELECT k, count(*) AS n, sum(id) AS s, min(p) AS p FROM mp GROUP BY k');
SET enable_hashjoin = off;
SET enable_mergejoin = off;
MERGE INTO mp o USING (VALUES (79, 12, 'ins'), (93, 1, 'upd'), (80, 1, 'ins'), (94, 12, 'upd'), (81, 22, 'ins'), (95, 2, 'moved')) s(id, p, k) ON o.id = s.id AND o.p = s.p
  WHEN MATCHED AND s.k = 'moved' THEN UPDATE SET k = s.k, p = 23 WHEN MATCHED THEN UPDATE SET k = s.k WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.p, s.k);
SELECT pg_temp.exact('MERGE that inserts before it updates');
SELECT status FROM tally.views WHERE view = 'mpv'::regclass;
SELECT pg_temp.kept('MERGE that inserts before it updates');
MERGE INTO mp o USING (VALUES (179, 22, 'ins'), (93, 1, 'upd 2'), (180, 22, 'ins'), (80, 1, 'upd 3')) s(id, p, k) ON o.id = s.id AND o.p = s.p AND o.p < 10
  WHEN MATCHED THEN UPDATE SET k = s.k WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.p, s.k);
SELECT pg_temp.exact('MERGE that opens a partition');
RESET enable_hashjoin;
RESET enable_mergejoin;
SELECT pg_temp.kept('MERGE that opens a partition', NULL);
SET client_min_messages = warning;
DROP SCHEMA views_partitions CASCADE;
SELECT pg_temp.left_behind();
