-- Variances subtract; booleans, bits and any_value are in doubt only if what was removed can matter.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE SCHEMA views_spread;
SET search_path = views_spread, public;
CREATE DOMAIN score AS numeric;
CREATE TABLE t (id int PRIMARY KEY, k text, i2 int2, i4 int4, i8 int8, n numeric, f4 float4, f8 float8, b boolean, u uuid, txt text, d score);
INSERT INTO t SELECT i, 'k' || i % 3, i % 7 - 3, i * 1000, i * 100000000000, i / 8.0, i / 4.0, sqrt(i), i % 5 > 0, md5((i % 9)::text)::uuid, 'x' || i % 6, i % 4 FROM generate_series(1, 60) i;
SELECT pg_temp.make('numbers', 'SELECT k, var_pop(i2) AS i2, var_samp(i4) AS i4, stddev_pop(i8) AS i8, stddev_samp(n) AS n, variance(i2) AS v, stddev(i4) AS s, var_pop(n) FILTER (WHERE b) AS nb, stddev(d) AS d, round(stddev(n) / nullif(avg(n), 0), 3) AS rel FROM t GROUP BY k');
-- PostgreSQL's own of floats depend on the order of rows in their last digits
SELECT pg_temp.make('floats', 'SELECT k, var_pop(f4) AS f4, stddev_samp(f8) AS f8, variance(f8) FILTER (WHERE b) AS fb FROM t GROUP BY k', 'k, round(f4::numeric, 9) AS f4, round(f8::numeric, 9) AS f8, round(fb::numeric, 9) AS fb');
SELECT pg_temp.make('states', 'SELECT k, var_state(i4) AS i4, var_state(n) AS n, var_state(f8) AS f8 FROM t GROUP BY k', 'k, i4::text, n::text, f8::text');
SELECT pg_temp.make('total', 'SELECT var_samp(i4) AS v, stddev_pop(n) AS s FROM t');
SELECT pg_temp.make('bools', 'SELECT k, bool_and(b) AS ba, bool_or(NOT b) AS bo, every(i2 > -9) AS ev, bool_and_state(b) AS bs FROM t GROUP BY k');
SELECT pg_temp.make('bits', 'SELECT k, bit_and(i2) AS a2, bit_or(i2) AS o2, bit_and(i4) AS a4, bit_or(i4) AS o4, bit_and(i8) AS a8, bit_or(i8) AS o8, bit_or_state(i4) AS s FROM t GROUP BY k');
SELECT pg_temp.make('one_of', 'SELECT k, any_value_state(txt) AS txt, any_value_state(u) AS u, any_value_state(b) AS b, any_value_state(n) AS n FROM t GROUP BY k');
SELECT v.name, e."column", e."delete" FROM (VALUES ('numbers'), ('floats'), ('states'), ('bools'), ('bits'), ('one_of')) v(name), tally.explain_view(v.name) e WHERE e."column" IS NULL ORDER BY 1;
DELETE FROM t WHERE id % 4 = 0;
UPDATE t SET i4 = i4 + 1, n = n * 1.10, f8 = -f8 WHERE id % 5 = 0;
UPDATE t SET k = 'k9' WHERE id % 11 = 0;
SELECT pg_temp.exact('pending');
SELECT doubtful FROM tally.views WHERE view IN ('numbers'::regclass, 'floats'::regclass, 'states'::regclass, 'total'::regclass);
SELECT pg_temp.kept('compacted', NULL);
SELECT (SELECT var_samp_merge(i4) FROM states) = (SELECT var_samp(i4) FROM t) AS merged;
-- NaN and infinities come and go, and so do display scales
INSERT INTO t (id, k, n, f8) VALUES (1000, 'k0', 'NaN', 'NaN'), (1001, 'k1', 'Infinity', '-Infinity'), (1002, 'k2', 1.00000, 1e100);
SELECT pg_temp.exact('special values');
SELECT pg_temp.kept('special values');
DELETE FROM t WHERE id >= 1000;
SELECT pg_temp.exact('special values gone');
SELECT pg_temp.kept('special values gone', NULL);
-- one row, none
DELETE FROM t WHERE k = 'k9' AND id <> (SELECT min(id) FROM t WHERE k = 'k9');
SELECT k, i2, n FROM numbers WHERE k = 'k9';
SELECT pg_temp.kept('a group of one');
UPDATE t SET i2 = NULL, n = NULL, f8 = NULL, b = NULL, txt = NULL, u = NULL WHERE k = 'k9';
SELECT pg_temp.kept('a group of NULLs');
-- a removal that cannot matter puts nothing in doubt
INSERT INTO t (id, k, b, i2, i4, txt) VALUES (2000, 'calm', true, -1, 0, 'b'), (2001, 'calm', false, 1, 7, 'a'), (2002, 'calm', true, -1, 0, 'c');
SELECT tally.compact() > 0 AS compacted;
DELETE FROM t WHERE id = 2002;
SELECT v.view, v.doubtful FROM tally.views v JOIN made m ON m.name::regclass = v.view WHERE m.name IN ('bools', 'one_of') ORDER BY m.place;
SELECT (SELECT doubtful FROM tally.views WHERE view = 'bits'::regclass) AS bits;
SELECT pg_temp.exact('what cannot matter');
-- the last value goes, though it has no bit that counts
INSERT INTO t (id, k, i2, i4) VALUES (3000, 'last', -1, 0), (3001, 'last', NULL, NULL);
SELECT pg_temp.kept('the last value is there');
DELETE FROM t WHERE id = 3000;
SELECT pg_temp.exact('the last value is gone');
SELECT pg_temp.kept('the last value is gone');
DELETE FROM t WHERE id = 2001;
SELECT v.view, v.doubtful FROM tally.views v JOIN made m ON m.name::regclass = v.view WHERE m.name IN ('bools', 'bits', 'one_of') ORDER BY m.place;
SELECT pg_temp.exact('what matters');
SELECT pg_temp.kept('what matters');
TRUNCATE t;
SELECT pg_temp.kept('truncated');
SET client_min_messages = warning;
DROP SCHEMA views_spread CASCADE;
SELECT pg_temp.left_behind();
