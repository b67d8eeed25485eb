-- count(DISTINCT x) is kept by counts per value: exact after removals, without a look at the source.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE SCHEMA views_distinct;
SET search_path = views_distinct, public;
CREATE DOMAIN amount AS numeric CHECK (VALUE < 1000000);
CREATE TABLE t (id int PRIMARY KEY, k text, i2 int2, n numeric, f float8, txt text, ch char(6), by bytea, iv interval, ar int[], dm amount, rg int4range, u uuid, long text);
INSERT INTO t SELECT i, 'k' || i % 3, i % 5, i % 4, i % 6 - 3, 'x' || i % 7, 'c' || i % 2, decode(lpad(to_hex(i % 9), 4, '0'), 'hex'), make_interval(hours => i % 50), ARRAY[i % 3, 1], i % 8, int4range(1, 2 + i % 4), md5((i % 10)::text)::uuid, repeat('long', 2000) || i % 3
FROM generate_series(1, 60) i;
SELECT pg_temp.make('all_types', 'SELECT k, count(DISTINCT i2) AS i2, count(DISTINCT n) AS n, count(DISTINCT f) AS f, count(DISTINCT txt) AS txt, count(DISTINCT ch) AS ch, count(DISTINCT by) AS by, count(DISTINCT iv) AS iv, count(DISTINCT ar) AS ar, count(DISTINCT dm) AS dm, count(DISTINCT rg) AS rg, count(DISTINCT u) AS u, count(DISTINCT long) AS long FROM t GROUP BY k');
SELECT pg_temp.make('total', 'SELECT count(DISTINCT txt) AS txt, count(DISTINCT i2 + n) AS sum, count(DISTINCT i2) FILTER (WHERE n > 1) AS some FROM t WHERE id <> 7');
SELECT pg_temp.make('beside', 'SELECT k, i2, count(DISTINCT txt) AS d, sum(n) AS s, min(f) AS least, string_agg(txt, '','' ORDER BY id) AS texts FROM t GROUP BY k, i2 HAVING count(DISTINCT txt) > 1');
SELECT pg_temp.make('none_kept', 'SELECT k, count(DISTINCT txt) AS d, string_agg(txt, '''' ORDER BY id) AS s FROM t GROUP BY k');
SELECT pg_temp.make('tuples', 'SELECT k, uniq_exact(i2, txt) AS two, uniq_exact(n) FILTER (WHERE f > 0) AS some, count(*) AS rows FROM t GROUP BY k');
SELECT pg_temp.make('sets', 'SELECT k, uniq_exact_state(txt) AS txt, uniq_exact_state(i2, n) AS two, sum_state(i2) AS s FROM t GROUP BY k', 'k, txt::text, two::text, s::text');
SELECT pg_temp.make('all_sets', 'SELECT uniq_exact_state(txt) AS txt, uniq_exact_state(i2) FILTER (WHERE n > 1) AS i2, min(f) AS least FROM t', 'txt::text, i2::text, least');
SELECT "column", "insert", "update", "delete" FROM tally.explain_view('all_types') WHERE "column" IN ('i2', 'long');
-- equal values with other bytes, and rows that come and go
INSERT INTO t SELECT id + 100, k, i2, n + 0.000, CASE WHEN f = 0 THEN '-0' ELSE f END, txt, ch || ' ', by, iv, ar, dm + 0.00, rg, u, long FROM t WHERE id <= 30;
SELECT pg_temp.exact('equal values');
UPDATE t SET f = 'NaN' WHERE id % 10 = 0;
UPDATE t SET iv = '1 day' WHERE id % 50 = 24;
SELECT pg_temp.kept('NaN, and an interval that equals another');
DELETE FROM t WHERE id > 130 OR f = 'NaN';
DELETE FROM t WHERE txt = 'x3';
UPDATE t SET i2 = NULL, txt = NULL WHERE id % 7 = 0;
UPDATE t SET k = 'k' || (id + 1) % 3 WHERE id % 4 = 0;
SELECT pg_temp.exact('removals, pending');
-- what is pending is read without the source: removals too
CREATE FUNCTION pg_temp.scans(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE plan jsonb;
BEGIN
  EXECUTE 'EXPLAIN (ANALYZE, FORMAT JSON) ' || query INTO plan;
  RETURN (SELECT coalesce(string_agg(DISTINCT r #>> '{}', ', '), 'no source') FROM jsonb_path_query(plan, '$.** ? (@."Actual Loops" > 0)."Relation Name"') r WHERE r #>> '{}' = 't');
END $$;
SELECT pending > 0 AS pending, doubtful FROM tally.views WHERE view = 'all_types'::regclass;
SELECT pg_temp.scans('SELECT * FROM all_types');
SELECT pg_temp.scans('SELECT * FROM total');
SELECT pg_temp.scans('SELECT * FROM tuples');
SELECT pg_temp.scans('SELECT * FROM sets');
SELECT pg_temp.scans('SELECT * FROM none_kept');
SELECT (SELECT uniq_exact_merge(txt) FROM sets) = (SELECT count(DISTINCT txt) FROM t) AS merged;
SELECT pg_temp.kept('removals, compacted', NULL);
-- a fold at commit brings the counts up to date for the groups that are not in doubt
SET tally.delta_limit = '8kB';
DO $$ BEGIN FOR i IN 1..400 LOOP INSERT INTO t (id, k, i2, n, txt) VALUES (1000 + i, 'k' || i % 5, i % 3, i % 6, 'y' || i % 50); COMMIT; END LOOP; END $$;
SELECT v.view, v.pending < 400 AS folded FROM tally.views v JOIN made m ON m.name::regclass = v.view WHERE m.name IN ('all_types', 'total') ORDER BY m.place;
SELECT pg_temp.exact('folded');
DO $$ BEGIN FOR i IN 1..380 LOOP DELETE FROM t WHERE id = 1000 + i; COMMIT; END LOOP; END $$;
SELECT pg_temp.exact('removed again, folded');
RESET tally.delta_limit;
SELECT pg_temp.kept('folded and compacted');
-- new groups without a value
INSERT INTO t (id, k) VALUES (5000, 'no values'), (5001, 'no values');
SELECT pg_temp.kept('new groups without a value');
-- many values in one statement, and all of them gone
INSERT INTO t (id, k, txt) SELECT 10000 + i, 'k1', 'many ' || i FROM generate_series(1, 20000) i;
SELECT pg_temp.kept('many values');
DELETE FROM t WHERE id >= 10000;
SELECT pg_temp.exact('many values gone');
BEGIN;
INSERT INTO t (id, k, txt) VALUES (9001, 'k0', 'once');
SAVEPOINT s;
INSERT INTO t (id, k, txt) VALUES (9002, 'k0', 'never');
SELECT pg_temp.exact('own rows');
ROLLBACK TO s;
SELECT pg_temp.exact('after a savepoint');
COMMIT;
SELECT pg_temp.kept('compacted');
DELETE FROM t;
SELECT pg_temp.kept('nothing left');
CREATE FUNCTION pg_temp.rows_of(relation regclass) RETURNS bigint LANGUAGE plpgsql AS $$ DECLARE n bigint; BEGIN EXECUTE format('SELECT count(*) FROM %s', relation) INTO n; RETURN n; END $$;
SELECT pg_temp.rows_of(r.values::regclass) FROM tally.registry r WHERE r.values IS NOT NULL ORDER BY r.id;
INSERT INTO t (id, k, txt) VALUES (1, 'k0', 'a'), (2, 'k0', 'a'), (3, 'k0', 'b');
TRUNCATE t;
SELECT pg_temp.exact('truncated');
INSERT INTO t (id, k, txt) VALUES (1, 'k0', 'a'), (2, 'k0', 'a'), (3, 'k1', 'b');
SELECT pg_temp.kept('after TRUNCATE');
SELECT tally.refresh_view('all_types'), tally.refresh_view('total');
SELECT pg_temp.kept('refreshed', false);
-- sets put in by hand stay, whatever goes from the source
INSERT INTO t (id, k, txt) SELECT 100 + i, 'k' || i % 2, 'z' || i % 4 FROM generate_series(1, 12) i;
INSERT INTO sets SELECT 'k0', uniq_exact_state('old ' || i), uniq_exact_state(i, i), NULL FROM generate_series(1, 3) i;
INSERT INTO sets SELECT 'only by hand', uniq_exact_state('z0'::text), NULL, NULL;
SELECT k, finalize(txt), finalize(two) FROM sets ORDER BY k;
DELETE FROM t WHERE txt IN ('z0', 'z1');
SELECT k, finalize(txt), finalize(two) FROM sets ORDER BY k;
SELECT tally.compact('sets') > 0 AS compacted;
SELECT k, finalize(txt), finalize(two) FROM sets ORDER BY k;
SELECT * FROM tally.verify_view('sets');
DROP VIEW sets;
DELETE FROM made WHERE name = 'sets';
-- what is not equal by its bytes is still right, from the source
CREATE TYPE color AS ENUM ('red', 'green', 'blue');
CREATE TABLE e (id int, k int, c color, j jsonb);
SELECT pg_temp.make('enums', 'SELECT k, count(DISTINCT c) AS c, count(DISTINCT j) AS j, count(DISTINCT (c, id)) AS r FROM e GROUP BY k');
SELECT "column", "delete" FROM tally.explain_view('enums');
INSERT INTO e SELECT i, i % 2, (enum_range(NULL::color))[1 + i % 3], to_jsonb(i % 4) FROM generate_series(1, 20) i;
SELECT pg_temp.kept('enums');
ALTER TYPE color RENAME VALUE 'red' TO 'crimson';
DELETE FROM e WHERE c = 'crimson' AND k = 0;
SELECT pg_temp.kept('a label renamed');
-- jsonb is equal by its canonical bytes: numbers by value, keys in any order
INSERT INTO e SELECT 100 + i, i % 2, 'blue', j::jsonb FROM generate_series(1, 3) i, unnest(ARRAY['{"a": 1.0, "b": [1, 2]}', '{"b": [1.00, 2], "a": 1}', '{"b": [2, 1], "a": 1}', '[]', '{}', '[[]]', 'null', '[null]', '"1"', '1', '[1]',
  '1.000', '-0.0', '0', '1e2', '100', 'true', '"true"', '{"a": {}}', '{"a": []}', '{"a": null}', '{"aa": 1, "b": 2}', '{"b": 2.0, "aa": 1}', '{"": ""}', '""', '12345678901234567890.10', '12345678901234567890.1']) j;
SELECT pg_temp.kept('jsonb came');
DELETE FROM e WHERE id = 102 OR j IN ('1', '{"a": 1, "b": [1, 2]}', '100.00') AND id > 101;
SELECT pg_temp.kept('jsonb went');
UPDATE e SET j = (j::text || ' ')::jsonb WHERE id = 101;
UPDATE e SET j = jsonb_build_array(j, 0.10) WHERE id = 103;
SELECT pg_temp.kept('jsonb changed');
SELECT count(*) FROM e a, e b WHERE (a.j = b.j) <> (tally.value_bytes(a.j) = tally.value_bytes(b.j));
SELECT pg_temp.make('renamed_after', 'SELECT count(DISTINCT id) AS ids FROM e');
-- types that compare in a way of their own: a composite one by its operator classes, a range by that of its subtype
CREATE TYPE word AS (t text);
CREATE FUNCTION cmp(text, text) RETURNS int IMMUTABLE LANGUAGE sql AS $$ SELECT bttextcmp(lower($1), lower($2)) $$;
CREATE FUNCTION lt(text, text) RETURNS boolean IMMUTABLE LANGUAGE sql AS $$ SELECT lower($1) < lower($2) $$;
CREATE FUNCTION le(text, text) RETURNS boolean IMMUTABLE LANGUAGE sql AS $$ SELECT lower($1) <= lower($2) $$;
CREATE FUNCTION eq(text, text) RETURNS boolean IMMUTABLE LANGUAGE sql AS $$ SELECT lower($1) = lower($2) $$;
CREATE FUNCTION ge(text, text) RETURNS boolean IMMUTABLE LANGUAGE sql AS $$ SELECT lower($1) >= lower($2) $$;
CREATE FUNCTION gt(text, text) RETURNS boolean IMMUTABLE LANGUAGE sql AS $$ SELECT lower($1) > lower($2) $$;
CREATE FUNCTION cmp(word, word) RETURNS int IMMUTABLE LANGUAGE sql AS $$ SELECT views_distinct.cmp(($1).t, ($2).t) $$;
CREATE FUNCTION lt(word, word) RETURNS boolean IMMUTABLE LANGUAGE sql AS $$ SELECT lower(($1).t) < lower(($2).t) $$;
CREATE FUNCTION le(word, word) RETURNS boolean IMMUTABLE LANGUAGE sql AS $$ SELECT lower(($1).t) <= lower(($2).t) $$;
CREATE FUNCTION eq(word, word) RETURNS boolean IMMUTABLE LANGUAGE sql AS $$ SELECT lower(($1).t) = lower(($2).t) $$;
CREATE FUNCTION ge(word, word) RETURNS boolean IMMUTABLE LANGUAGE sql AS $$ SELECT lower(($1).t) >= lower(($2).t) $$;
CREATE FUNCTION gt(word, word) RETURNS boolean IMMUTABLE LANGUAGE sql AS $$ SELECT lower(($1).t) > lower(($2).t) $$;
CREATE FUNCTION hash(word) RETURNS int IMMUTABLE LANGUAGE sql AS $$ SELECT hashtext(lower(($1).t)) $$;
CREATE OPERATOR <# (FUNCTION = lt, LEFTARG = text, RIGHTARG = text);
CREATE OPERATOR <=# (FUNCTION = le, LEFTARG = text, RIGHTARG = text);
CREATE OPERATOR =# (FUNCTION = eq, LEFTARG = text, RIGHTARG = text);
CREATE OPERATOR >=# (FUNCTION = ge, LEFTARG = text, RIGHTARG = text);
CREATE OPERATOR ># (FUNCTION = gt, LEFTARG = text, RIGHTARG = text);
CREATE OPERATOR CLASS lower_ops FOR TYPE text USING btree AS OPERATOR 1 <#, OPERATOR 2 <=#, OPERATOR 3 =#, OPERATOR 4 >=#, OPERATOR 5 >#, FUNCTION 1 cmp(text, text);
CREATE TYPE words AS RANGE (subtype = text, subtype_opclass = lower_ops);
CREATE OPERATOR < (FUNCTION = lt, LEFTARG = word, RIGHTARG = word);
CREATE OPERATOR <= (FUNCTION = le, LEFTARG = word, RIGHTARG = word);
CREATE OPERATOR = (FUNCTION = eq, LEFTARG = word, RIGHTARG = word, HASHES, MERGES);
CREATE OPERATOR >= (FUNCTION = ge, LEFTARG = word, RIGHTARG = word);
CREATE OPERATOR > (FUNCTION = gt, LEFTARG = word, RIGHTARG = word);
CREATE OPERATOR CLASS word_ops DEFAULT FOR TYPE word USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 cmp(word, word);
CREATE OPERATOR CLASS word_ops DEFAULT FOR TYPE word USING hash AS OPERATOR 1 =, FUNCTION 1 hash(word);
CREATE TYPE sentence AS (w word, n int);
CREATE TABLE own (id int, k int, w word, ws word[], s sentence, r words);
SELECT pg_temp.make('own_equality', 'SELECT k, count(DISTINCT w) AS w, count(DISTINCT ws) AS ws, count(DISTINCT s) AS s, count(DISTINCT r) AS r, uniq(s) AS u, uniq_exact_state(w)::text AS us FROM own GROUP BY k');
SELECT pg_temp.make('by_word', 'SELECT w, count(*) AS n, max(id) AS m FROM own GROUP BY w');
SELECT pg_temp.make('by_words', 'SELECT ws, s, count(*) AS n, max(id) AS m FROM own GROUP BY ws, s');
SELECT "column", "delete" FROM tally.explain_view('own_equality');
INSERT INTO own SELECT i, i % 2, ROW(t)::word, ARRAY[ROW(t)::word], ROW(ROW(t)::word, 1)::sentence, words(t, NULL) FROM generate_series(1, 12) i, LATERAL (SELECT ('{a,A,b,B,c}'::text[])[1 + i % 5] AS t) x;
SELECT pg_temp.exact('equal in a way of their own');
SELECT k, w, ws, s, r, u FROM own_equality ORDER BY k;
SELECT lower(w::text) AS w, n FROM by_word ORDER BY 1;
SELECT pg_temp.kept('equal in a way of their own');
UPDATE own SET w = ROW(upper((w).t)), ws = ARRAY[ROW(upper((w).t))::word], s = ROW(ROW(upper((w).t))::word, 1), r = words(upper((w).t), NULL) WHERE id % 3 = 0;
DELETE FROM own WHERE id IN (1, 2, 6);
SELECT pg_temp.exact('some go');
SELECT pg_temp.kept('some go', NULL);
DROP VIEW own_equality, by_word, by_words;
DELETE FROM made WHERE name IN ('own_equality', 'by_word', 'by_words');
DROP VIEW all_types, total, beside, none_kept, tuples, all_sets, enums, renamed_after;
SELECT tally.compact();
SELECT pg_temp.left_behind();
