-- Values that are large, and types of every kind as keys.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE SCHEMA views_values;
SET search_path = views_values, public;
CREATE FUNCTION long(int, bytes int) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT string_agg(md5($1::text || i::text), '') FROM generate_series(1, bytes / 32) i $$;
-- what is stored out of line in the source must not be needed any more when it is gone
CREATE TABLE big (id int, k text, v text, b bytea, a text[]);
ALTER TABLE big ALTER COLUMN k SET STORAGE EXTERNAL, ALTER COLUMN v SET STORAGE EXTERNAL, ALTER COLUMN b SET STORAGE EXTERNAL;
SELECT pg_temp.make('by_big', 'SELECT k, count(*) AS n, min(v) AS mn, max(v) AS mx, uniq(v) AS u, max(a) AS a FROM big GROUP BY k');
SELECT pg_temp.make('by_bytes', 'SELECT b, a, count(*) AS n, max(k) AS k FROM big GROUP BY b, a');
SELECT pg_temp.make('all_big', 'SELECT min(v) AS mn, max(k || v) AS mx FROM big');
INSERT INTO big SELECT i, long(i % 3, 20000), long(i, 12000), convert_to(long(i % 2, 9000), 'UTF8'), ARRAY[long(i % 2, 5000), NULL, long(i % 4, 5000)] FROM generate_series(1, 12) i;
SELECT pg_temp.kept('long values');
INSERT INTO big SELECT i, long(i % 3, 20000), long(i, 12000), convert_to(long(i % 2, 9000), 'UTF8'), ARRAY[long(i % 2, 5000), NULL, long(i % 4, 5000)] FROM generate_series(13, 20) i;
UPDATE big SET v = long(99, 12000) WHERE id = 3;
UPDATE big SET k = long(77, 30000) WHERE id % 5 = 0;
DELETE FROM big WHERE id IN (13, 14);
VACUUM big;
SELECT pg_temp.exact('long values pending, their rows gone');
SELECT pg_temp.kept('long values pending, their rows gone');
UPDATE big SET id = id + 1;
SELECT pg_temp.kept('long values that stay', false);
DELETE FROM big WHERE v = (SELECT min(v) FROM big) OR v = (SELECT max(v) FROM big);
SELECT pg_temp.kept('long extremes');
DELETE FROM big;
SELECT pg_temp.kept('all gone');
INSERT INTO big VALUES (1, repeat('x', 100000), repeat('y', 100000), NULL, NULL), (2, '', '', '', '{}'), (3, NULL, NULL, NULL, NULL);
SELECT pg_temp.kept('compressible, empty, NULL');

-- a domain that does not allow NULLs, and others
CREATE DOMAIN required AS int NOT NULL;
CREATE DOMAIN checked AS text CHECK (VALUE IS NOT NULL AND VALUE <> '');
CREATE DOMAIN of_array AS int[] CHECK (array_length(VALUE, 1) > 0);
CREATE TABLE d (r required, c checked, a of_array, x int) PARTITION BY LIST (x);
CREATE TABLE d1 PARTITION OF d DEFAULT;
SELECT pg_temp.make('by_required', 'SELECT r, count(*) AS n, max(x) AS x FROM d GROUP BY r');
SELECT pg_temp.make('by_checked', 'SELECT c, a, count(*) AS n, min(r) AS r, max(a) AS mx, uniq(c, a) AS u, string_agg(c, '''' ORDER BY c) AS cs FROM d GROUP BY c, a');
SELECT pg_temp.make('of_domains', 'SELECT min(c) AS c, max(r) AS r, max(a) AS a, sum(r) AS s FROM d');
INSERT INTO d VALUES (1, 'a', '{1}', 1), (2, 'b', '{2}', 2), (1, 'a', '{1}', 3);
SELECT pg_temp.kept('domains');
DELETE FROM d WHERE x = 3;
UPDATE d SET r = 3 WHERE r = 2;
SELECT pg_temp.kept('domains, in doubt');
CREATE TABLE d2 (LIKE d);
INSERT INTO d2 VALUES (7, 'z', '{7}', 700);
ALTER TABLE d ATTACH PARTITION d2 FOR VALUES IN (700);
SELECT pg_temp.kept('domains, a partition attached');
DELETE FROM d;
SELECT pg_temp.kept('domains, all gone');
TRUNCATE d;
SELECT pg_temp.kept('domains, truncated');
-- the mark of a TRUNCATE goes through COPY, as pg_dump's does
INSERT INTO d VALUES (1, 'a', '{1}', 1);
TRUNCATE d;
SELECT delta::regclass AS delta FROM tally.registry WHERE view = 'by_required'::regclass \gset
CREATE TABLE copied (LIKE :delta);
\setenv DELTA :delta
\setenv DB :DBNAME
\! psql -X -q -d "$DB" -c "COPY $DELTA TO STDOUT" | psql -X -q -d "$DB" -c "COPY views_values.copied FROM STDIN" 2>&1
SELECT count(*) > 0 AS copied FROM copied;

-- keys of every other kind
CREATE TYPE holder AS (a int, t text, d numeric);
CREATE TABLE kinds (id int, c "char", n name, o oid, rc regclass, rt regtype, tv tsvector, u uuid, m8 macaddr8, cd cidr, nb bpchar, vb varbit, tm time, d date, ts timestamp, x8 xid8, ls pg_lsn, nr numrange, tr tstzrange, im int4multirange, ia int[], ta text[], fa float8[], ha holder[], h holder, jb jsonb, mo money, na numeric[]);
INSERT INTO kinds SELECT i, ('a'::"char"), 'n' || i % 2, i % 2, 'pg_class', 'int4', to_tsvector('simple', 'a b' || i % 2), md5((i % 2)::text)::uuid, '08:00:2b:01:02:03:04:05', '10.0.0.0/8', 'x', B'1', '01:02', '2024-01-01', '2024-01-01', '5', '0/1', numrange(i % 2, 5.0), tstzrange('2024-01-01Z', NULL), '{[1,3),[5,7)}', ARRAY[i % 2, NULL], ARRAY['a', NULL, ''], ARRAY['NaN', -0.0, i % 2]::float8[], ARRAY[ROW(i % 2, NULL, 1.0)]::holder[], ROW(i % 2, NULL, 1.00)::holder, '{"b": 1.0, "a": [1, null]}', 1.5, ARRAY[1.0, i % 2] FROM generate_series(1, 6) i;
SELECT pg_temp.make('k1', 'SELECT c, n, o, rc, rt, tv, u, m8, cd, nb, count(*) AS cnt, max(id) AS id FROM kinds GROUP BY c, n, o, rc, rt, tv, u, m8, cd, nb');
SELECT pg_temp.make('k2', 'SELECT vb, tm, d, ts, ls, nr, tr, im, mo, x8, count(*) AS cnt, min(id) AS id FROM kinds GROUP BY vb, tm, d, ts, ls, nr, tr, im, mo, x8');
SELECT pg_temp.make('k3', 'SELECT ia, ta, fa, ha, h, jb, na, count(*) AS cnt, min(id) AS id, max(ia) AS mx, max(na) AS mna, uniq(ha) AS uh, uniq(h, jb) AS uj, count(DISTINCT h) AS dh FROM kinds GROUP BY ia, ta, fa, ha, h, jb, na');
INSERT INTO kinds SELECT id + 10, c, n, o, rc, rt, tv, u, m8, cd, nb || '  ', vb, tm, d, ts, x8, ls, nr, tr, im, ia, ta, fa, ha, ROW(1, NULL, 1.000)::holder, '{"a": [1, null], "b": 1.00}', mo, ARRAY[1.000, 1.0] FROM kinds;
SELECT pg_temp.kept('keys of all kinds');
INSERT INTO kinds (id) VALUES (100), (101);
INSERT INTO kinds (id, ia, ta, h, ha, tv, nr, im, jb) VALUES (102, '{}', '{}', ROW(NULL, NULL, NULL)::holder, '{}', '', 'empty', '{}', 'null'), (103, '[0:1]={1,2}', '{{a},{b}}', NULL, ARRAY[NULL]::holder[], NULL, NULL, NULL, NULL), (104, '{1,2}', '{a,b}', NULL, NULL, NULL, NULL, NULL, NULL);
SELECT pg_temp.kept('empty ones and NULLs');
DELETE FROM kinds WHERE id IN (1, 2, 11, 12, 100, 102);
SELECT pg_temp.kept('least and greatest removed');
-- values without equality
CREATE TABLE odd (k int, j json, p point, x xml);
SELECT left(pg_temp.fails($$SELECT tally.create_view('o', 'SELECT j, count(*) FROM odd GROUP BY j')$$), 5), left(pg_temp.fails($$SELECT tally.create_view('o', 'SELECT p, count(*) FROM odd GROUP BY p')$$), 5), left(pg_temp.fails($$SELECT tally.create_view('o', 'SELECT k, min(p) FROM odd GROUP BY k')$$), 5);
SELECT pg_temp.make('odds', 'SELECT k, count(j) AS j, count(p) FILTER (WHERE p ~= ''(1,1)'') AS p, array_agg(k ORDER BY k) AS a FROM odd GROUP BY k');
INSERT INTO odd VALUES (1, '{}', '(1,1)'), (1, NULL, '(2,2)');
UPDATE odd SET j = '{"a":1}', p = '(3,3)';
SELECT pg_temp.kept('values without equality');
-- values that are equal and look different are one group, and one value for uniq
CREATE TYPE parts AS (f8 float8, i interval, c char(4));
CREATE TABLE eq (id int, ai interval[], nr numrange, ac char(4)[], c parts, cs parts[], ra numrange[], jb jsonb, af float4[]);
INSERT INTO eq VALUES (1, '{1 day}', '[1.0,2)', '{a}', '(0,1 day,a)', ARRAY['(0,1 day,a)'::parts], '{"[1.0,2)"}', '[1.0]', '{0}');
SELECT count(tally.create_view('by_' || n, format('SELECT %1$I AS k, count(*) AS n, min(id) AS mn FROM eq GROUP BY %1$I', n))), count(tally.create_view('uniq_' || n, format('SELECT uniq(%1$I) AS u FROM eq', n))) FROM unnest('{ai,nr,ac,c,cs,ra,jb,af}'::text[]) n;
INSERT INTO eq VALUES (2, '{24:00}', '[1.00,2.0)', '{"a  "}', '(-0,24:00,"a ")', ARRAY['(-0,24:00,"a ")'::parts], '{"[1.00,2.0)"}', '[1.00]', '{-0}');
CREATE FUNCTION counts(col text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE r text; BEGIN EXECUTE format('SELECT format(''%%s groups, %%s distinct, uniq %%s, least %%s'', (SELECT count(*) FROM by_%1$s), (SELECT count(DISTINCT %1$I) FROM eq), (SELECT u FROM uniq_%1$s), (SELECT min(mn) FROM by_%1$s))', col) INTO r; RETURN r; END $$;
SELECT n, counts(n) FROM unnest('{ai,nr,ac,c,cs,ra,jb,af}'::text[]) n;
SELECT tally.compact() > 0;
DELETE FROM eq WHERE id = 1;
SELECT n, counts(n) FROM unnest('{ai,nr,ac,c,cs,ra,jb,af}'::text[]) n;
-- many groups in one statement
SET work_mem = '64kB';
CREATE TABLE many (id int, g int);
SELECT pg_temp.make('by_g', 'SELECT g, count(*) AS n, max(id) AS mx FROM many GROUP BY g');
INSERT INTO many SELECT i, i % 3000 FROM generate_series(1, 6000) i;
UPDATE many SET g = g + 1 WHERE id % 2 = 0;
DELETE FROM many WHERE id > 4500;
SELECT pg_temp.kept('many groups');
SET client_min_messages = warning;
DROP SCHEMA views_values CASCADE;
SELECT pg_temp.left_behind();
