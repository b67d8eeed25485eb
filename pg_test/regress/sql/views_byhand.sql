-- States put into a view by hand: INSERT INTO view SELECT … states.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE SCHEMA views_byhand;
SET search_path = views_byhand, public;
CREATE TABLE t (id int, k text, x int, v numeric, at timestamptz);
CREATE TABLE old (LIKE t);
INSERT INTO t SELECT i, 'k' || i % 3, i, i / 4.0, timestamptz '2024-01-01Z' + i * interval '1 hour' FROM generate_series(1, 20) i;
INSERT INTO old SELECT i, 'k' || i % 4, -i, i / 8.0, timestamptz '2023-01-01Z' + i * interval '1 hour' FROM generate_series(1, 20) i;
SELECT tally.create_view('s', 'SELECT k, count_state(*) AS n, sum_state(v) AS v, avg_state(x) AS ax, uniq_state(id) AS u, min_state(x) AS mn, max_state(at) AS mx FROM t GROUP BY k');
SELECT tally.create_view('total', 'SELECT count_state(x) AS n, sum_state(v) AS v, uniq_state(x) AS u FROM t');
SELECT tally.create_view('expired', 'SELECT date_bin(''1 day'', at, ''epoch'') AS day, count(*) AS n, sum_state(x) AS x FROM t GROUP BY 1');
-- what each must be: the source and what was put in, as if they were one
CREATE TABLE kept (LIKE t);
CREATE VIEW both_tables AS SELECT * FROM t UNION ALL SELECT * FROM kept;
INSERT INTO made (name, query, columns) VALUES ('s', 'SELECT k, count_state(*) AS n, sum_state(v) AS v, avg_state(x) AS ax, uniq_state(id) AS u, min_state(x) AS mn, max_state(at) AS mx FROM both_tables GROUP BY k', 'k, n, v::text, ax::text, u::text, mn, mx'),
  ('total', 'SELECT count_state(x) AS n, sum_state(v) AS v, uniq_state(x) AS u FROM both_tables', 'n, v::text, u::text');
SELECT pg_temp.exact('made');
INSERT INTO s SELECT k, count_state(*), sum_state(v), avg_state(x), uniq_state(id), min_state(x), max_state(at) FROM old GROUP BY k;
INSERT INTO total SELECT count_state(x), sum_state(v), uniq_state(x) FROM old;
INSERT INTO kept TABLE old;
SELECT pg_temp.exact('put in');
SELECT view, kept FROM tally.views ORDER BY view::text;
SELECT tally.verify_view('s'), tally.verify_view('total');
INSERT INTO t VALUES (100, 'k0', 1, 1, '2024-05-01Z'), (101, 'k3', 2, 2, '2024-05-01Z'), (102, 'new', 3, 3, '2024-05-01Z');
SELECT pg_temp.exact('written to');
SELECT count(*) FROM (SELECT tally.compact('s'), tally.compact('total')) c;
SELECT pg_temp.exact('compacted');
DELETE FROM t WHERE k IN ('k0', 'k3') OR x = 4;
SELECT pg_temp.exact('removed from the source');
SELECT count(*) FROM (SELECT tally.compact('s'), tally.compact('total')) c;
SELECT pg_temp.exact('removed from the source, compacted');
-- the same group again, and in a transaction that is rolled back
INSERT INTO s SELECT k, count_state(*), sum_state(v), avg_state(x), uniq_state(id), min_state(x), max_state(at) FROM old WHERE id < 5 GROUP BY k;
INSERT INTO kept SELECT * FROM old WHERE id < 5;
BEGIN;
INSERT INTO s SELECT k, count_state(*), sum_state(v), avg_state(x), uniq_state(id), min_state(x), max_state(at) FROM old GROUP BY k;
ROLLBACK;
INSERT INTO total SELECT count_state(x), sum_state(v), uniq_state(x) FROM old WHERE id < 5;
SELECT pg_temp.exact('put in twice');
UPDATE t SET x = x - 1, k = 'k' || (id % 5);
SELECT pg_temp.exact('updated');
SELECT tally.refresh_view('s'), tally.refresh_view('total');
SELECT pg_temp.exact('refreshed');
TRUNCATE t;
SELECT pg_temp.exact('truncated');
INSERT INTO t SELECT id, k, x, v, at FROM old WHERE id % 2 = 0;
SELECT pg_temp.exact('filled anew');
SELECT count(*) FROM (SELECT tally.compact('s'), tally.compact('total')) c;
SELECT pg_temp.exact('filled anew, compacted');
SELECT tally.verify_view('s'), tally.verify_view('total');
DELETE FROM t WHERE x = (SELECT min(x) FROM t);
SELECT pg_temp.exact('an extreme that is not that of the kept');
-- VALUES, a column list in another order, NULLs, an empty state, a key that the source does not have
INSERT INTO s (mx, k, n, mn) VALUES ('2030-01-01Z', 'by hand', 5, 7), (NULL, NULL, 2, NULL);
SELECT k, n, finalize(v) AS v, u::bigint AS u, mn, mx FROM s WHERE k = 'by hand' OR k IS NULL ORDER BY k;
INSERT INTO t VALUES (300, 'by hand', 6, 1, '2024-01-01Z'), (301, NULL, 6, 1, '2024-01-01Z');
SELECT k, n, finalize(v) AS v, mn, mx FROM s WHERE k = 'by hand' OR k IS NULL ORDER BY k;
SELECT tally.compact('s') > 0;
SELECT k, n, finalize(v) AS v, mn, mx FROM s WHERE k = 'by hand' OR k IS NULL ORDER BY k;
DELETE FROM t WHERE id >= 300;
SELECT k, n, finalize(v) AS v, mn, mx FROM s WHERE k = 'by hand' OR k IS NULL ORDER BY k;
COPY (SELECT 1) TO STDOUT;
SELECT left(pg_temp.fails('COPY s FROM STDIN'), 5);
-- count(*) beside states counts as one
INSERT INTO expired SELECT date_bin('1 day', at, 'epoch'), count(*), sum_state(x) FROM old GROUP BY 1;
SELECT sum(n), sum_merge(x) FROM expired WHERE day < '2024-01-01Z';
SELECT (SELECT count(*) FROM old), (SELECT sum(x) FROM old);
-- views of final values, hidden keys, HAVING or expressions take nothing in
SELECT tally.create_view('finals', 'SELECT k, sum(x) AS s, avg(v) AS a FROM t GROUP BY k'), tally.create_view('hidden', 'SELECT sum_state(x) AS s FROM t GROUP BY k'),
  tally.create_view('with_having', 'SELECT k, sum_state(x) AS s FROM t GROUP BY k HAVING count(*) > 1'), tally.create_view('changed', 'SELECT upper(k) AS k, sum_state(x) AS s FROM t GROUP BY k'), tally.create_view('stateless', 'SELECT k, string_agg(k, '''') AS s FROM t GROUP BY k');
SELECT left(pg_temp.fails($$INSERT INTO finals VALUES ('x', 1, 1)$$), 5), left(pg_temp.fails($$INSERT INTO hidden SELECT sum_state(1)$$), 5), left(pg_temp.fails($$INSERT INTO with_having SELECT 'x', sum_state(1)$$), 5),
  left(pg_temp.fails($$INSERT INTO changed SELECT 'x', sum_state(1)$$), 5), left(pg_temp.fails($$INSERT INTO stateless VALUES ('x', 'y')$$), 5);
SELECT left(pg_temp.fails($$INSERT INTO s (k, n, v) VALUES ('x', 1, 'nonsense')$$), 5), left(pg_temp.fails($$INSERT INTO s (k, n, v) SELECT 'x', 1, avg_state(1)$$), 5), left(pg_temp.fails($$UPDATE s SET n = 1$$), 5), left(pg_temp.fails($$DELETE FROM s$$), 5);
-- keys of the source's types, dropped and made again
ALTER TABLE t RENAME COLUMN k TO "K";
INSERT INTO s SELECT 'renamed', 1, sum_state(1), avg_state(1), uniq_state(1), 1, NULL;
SELECT k, n, finalize(v) FROM s WHERE k = 'renamed';
ALTER VIEW s RENAME TO s2;
INSERT INTO s2 SELECT 'renamed', 1, sum_state(1), avg_state(1), uniq_state(1), 1, NULL;
SELECT k, n, finalize(v) FROM s2 WHERE k = 'renamed';
-- whoever may insert into the view may put in, nobody else
CREATE ROLE regress_tally_hand;
GRANT USAGE ON SCHEMA views_byhand TO regress_tally_hand;
SET ROLE regress_tally_hand;
SELECT left(pg_temp.fails($$INSERT INTO views_byhand.s2 (k, n) VALUES ('x', 1)$$), 5);
RESET ROLE;
GRANT INSERT ON s2 TO regress_tally_hand;
SET ROLE regress_tally_hand;
INSERT INTO views_byhand.s2 (k, n) VALUES ('hand', 1);
RESET ROLE;
SELECT k, n FROM s2 WHERE k = 'hand';
REVOKE ALL ON s2 FROM regress_tally_hand;
REVOKE ALL ON SCHEMA views_byhand FROM regress_tally_hand;
DROP ROLE regress_tally_hand;
-- values that are never the same twice are computed once
CREATE SEQUENCE numbers;
SELECT tally.create_view('numbered', 'SELECT x, count_state(*) AS n FROM t GROUP BY x');
TRUNCATE t;
INSERT INTO numbered VALUES (nextval('numbers')::int, 10);
INSERT INTO numbered VALUES (nextval('numbers')::int, 1), (nextval('numbers')::int, 2);
INSERT INTO numbered SELECT nextval('numbers')::int, 7 FROM generate_series(1, 2);
INSERT INTO t (x) VALUES (1), (2), (5);
SELECT * FROM numbered ORDER BY x;
SELECT tally.compact('numbered');
SELECT * FROM numbered ORDER BY x;
SELECT last_value FROM numbers;
SET client_min_messages = warning;
DROP SCHEMA views_byhand CASCADE;
SELECT pg_temp.left_behind();
