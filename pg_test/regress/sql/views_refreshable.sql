-- Refreshable views: any query, brought up to date by the difference.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
-- Refreshes all views of `made`: each equals its query, row images and counts of duplicates, before, stale, and after.
CREATE FUNCTION pg_temp.refreshed(what text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE m record; d record; result text := '';
BEGIN
  FOR m IN SELECT * FROM pg_temp.made ORDER BY place LOOP
    PERFORM tally.refresh_view(m.name);
    SELECT * INTO d FROM tally.verify_view(m.name);
    IF (d.missing, d.extra, d.different) <> (0, 0, 0) THEN result := result || format(' verify_view finds %s wrong: %s', m.name, d); END IF;
    -- by their text, since not every type has an equality
    EXECUTE format('SELECT count(*) FROM ((SELECT x::text FROM %1$s x EXCEPT ALL SELECT x::text FROM (%2$s) x) UNION ALL (SELECT x::text FROM (%2$s) x EXCEPT ALL SELECT x::text FROM %1$s x)) y', m.name, m.query) INTO d;
    IF d.count > 0 THEN result := result || format(' %s differs from its query in %s rows', m.name, d.count); END IF;
  END LOOP;
  RETURN what || ':' || coalesce(nullif(result, ''), ' ok');
END $$;
CREATE FUNCTION pg_temp.make_refreshable(name text, query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE wrong text; shape text := $s$SELECT attnum, attname, format_type(atttypid, atttypmod), attcollation::regcollation FROM pg_attribute WHERE attrelid = %L::regclass AND attnum > 0$s$;
BEGIN
  PERFORM tally.create_view(name, query, mode => 'refreshable');
  INSERT INTO pg_temp.made (name, query) VALUES (name, query);
  EXECUTE 'CREATE TEMP VIEW shape_of_query AS ' || query;
  EXECUTE format('SELECT string_agg(x::text, '' '') FROM ((%1$s EXCEPT %2$s) UNION ALL (%2$s EXCEPT %1$s)) x', format(shape, name), format(shape, 'pg_temp.shape_of_query')) INTO wrong;
  DROP VIEW pg_temp.shape_of_query;
  RETURN name || coalesce(': columns differ: ' || wrong, ' made');
END $$;
CREATE FUNCTION pg_temp.plan(query text) RETURNS jsonb LANGUAGE plpgsql AS $$ DECLARE p jsonb; BEGIN EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO p; RETURN p; END $$;
\set ECHO all
CREATE SCHEMA views_refreshable;
SET search_path = views_refreshable, public;
CREATE TABLE t (id int PRIMARY KEY, k text, x int, v numeric(10, 2), at timestamptz, c varchar(7) COLLATE "C");
CREATE TABLE u (k text, name text);
INSERT INTO t SELECT i, 'k' || i % 5, i % 7, i / 4.0, timestamptz '2024-01-01Z' + i * interval '1 hour', 'c' || i FROM generate_series(1, 200) i;
INSERT INTO u SELECT 'k' || i, 'name ' || i FROM generate_series(0, 3) i;
CREATE MATERIALIZED VIEW mat AS SELECT k, count(*) AS n FROM t GROUP BY k;
SELECT tally.create_view('incremental', 'SELECT k, sum(v) AS s FROM t GROUP BY k');
-- any SELECT, with and without a schedule
SELECT pg_temp.make_refreshable('joined', 'SELECT t.id, t.c, u.name FROM t LEFT JOIN u USING (k)');
SELECT pg_temp.make_refreshable('windowed', 'SELECT id, row_number() OVER (PARTITION BY k ORDER BY id) AS nr, sum(v) OVER (PARTITION BY k) AS s FROM t');
SELECT pg_temp.make_refreshable('clock', 'SELECT count(*) AS n, current_date > ''2020-01-01'' AS late FROM t WHERE at < now()');
SELECT pg_temp.make_refreshable('top', 'SELECT k, sum(v) AS s FROM t GROUP BY k ORDER BY s DESC LIMIT 2');
SELECT pg_temp.make_refreshable('cte', 'WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 10) SELECT n, (SELECT count(*) FROM t WHERE x = n) AS of_n FROM r');
SELECT pg_temp.make_refreshable('set_operation', 'SELECT k FROM t EXCEPT SELECT k FROM u UNION ALL SELECT ''again'' FROM u');
SELECT pg_temp.make_refreshable('constants', 'VALUES (1, ''a'', NULL), (1, ''a'', NULL), (2, ''b'', 3.0)');
SELECT pg_temp.make_refreshable('over_views', 'SELECT i.k, i.s, m.n, w.nr FROM incremental i JOIN mat m USING (k) LEFT JOIN (SELECT k, max(nr) AS nr FROM windowed JOIN t USING (id) GROUP BY k) w USING (k)');
SELECT pg_temp.make_refreshable('odd', 'SELECT id AS "Column 1", k AS "select", x AS "a""b" FROM t WHERE false');
SELECT pg_temp.make_refreshable('no_columns', 'SELECT FROM t WHERE x = 1');
SELECT pg_temp.make_refreshable('sampled', 'SELECT k, jsonb_object_agg(id, x) AS o, array_agg(x ORDER BY id) AS a, string_agg(c, '','' ORDER BY id) AS s FROM ONLY t GROUP BY ROLLUP (k)');
SELECT view, mode, status, sources, pending, doubtful, kept, last_error FROM tally.views WHERE mode = 'refreshable' ORDER BY view::text COLLATE "C";
SELECT pg_temp.refreshed('at first');
UPDATE t SET v = v + 1, k = 'k' || (id + 1) % 6 WHERE id % 10 = 3;
DELETE FROM t WHERE id % 20 = 7;
INSERT INTO t SELECT i, NULL, 1, NULL, NULL, NULL FROM generate_series(300, 310) i;
DELETE FROM u WHERE k = 'k2';
-- stale until it is refreshed
SELECT count(*), count(*) FILTER (WHERE name IS NULL) FROM joined;
SELECT missing > 0 AS missing, extra > 0 AS extra, different FROM tally.verify_view('joined');
SELECT pg_temp.refreshed('changed');
SELECT count(*), count(*) FILTER (WHERE name IS NULL) FROM joined;
REFRESH MATERIALIZED VIEW mat;
SELECT pg_temp.refreshed('what it reads was refreshed');
TRUNCATE t;
SELECT pg_temp.refreshed('emptied');
SELECT pg_temp.refreshed('and again');

-- duplicates, NULLs, and types without an equality: by their bytes
CREATE TABLE odd_types (n int, j json, p point, b box, g polygon, l line, bits bit(5), chars char(4), nm name, cash money, a int[], r int4range, vec int2vector, d date, iv interval, f float8, bs bytea);
INSERT INTO odd_types SELECT i % 3, ('{"a":' || i % 2 || '}')::json, point(i % 2, 0), NULL, '((0,0),(1,1),(2,0))', '{1,2,3}', B'10101', 'x', 'nm', 1, ARRAY[i % 2, NULL], '[1,5)', '1 2', '2024-01-01', '1 day', 'NaN', '\x00ff' FROM generate_series(1, 12) i;
DELETE FROM made;
SELECT pg_temp.make_refreshable('types', 'SELECT * FROM odd_types');
SELECT pg_temp.make_refreshable('bag', 'SELECT n FROM odd_types');
SELECT pg_temp.refreshed('types');
UPDATE odd_types SET j = '{"a": 0}', b = '((0,0),(1,1))' WHERE n = 1;
DELETE FROM odd_types WHERE ctid = ANY (ARRAY(SELECT ctid FROM odd_types WHERE n = 2 LIMIT 2));
INSERT INTO odd_types (n) SELECT NULL FROM generate_series(1, 3);
INSERT INTO odd_types (n) SELECT 0 FROM generate_series(1, 5);
SELECT pg_temp.refreshed('types changed');
SELECT n, count(*) FROM bag GROUP BY n ORDER BY n;
-- equal by their operators, but other bytes: what the query gives is what the view shows
CREATE TABLE scales (v numeric, f float8);
INSERT INTO scales VALUES (1.0, '-0');
SELECT pg_temp.make_refreshable('scale', 'SELECT * FROM scales');
UPDATE scales SET v = 1.00, f = 0;
SELECT pg_temp.refreshed('other bytes');
SELECT * FROM scale;
-- values that are stored out of line
CREATE TABLE wide (id int, t text);
ALTER TABLE wide ALTER t SET STORAGE external;
INSERT INTO wide SELECT i, repeat('wide ' || i, 2000) FROM generate_series(1, 20) i;
SELECT pg_temp.make_refreshable('out_of_line', 'SELECT * FROM wide');
UPDATE wide SET t = t || '!' WHERE id % 5 = 0;
SELECT pg_temp.refreshed('out of line');

-- rows that are as they were are not written again
CREATE TABLE many (id int, x int);
INSERT INTO many SELECT i, i % 10 FROM generate_series(1, 1000) i;
SELECT pg_temp.make_refreshable('unchanged', 'SELECT id, x FROM many');
SELECT 'tally_data.v' || id || '_rows' AS rows FROM tally.refreshables WHERE view = 'unchanged'::regclass \gset
CREATE TEMP TABLE before AS SELECT ctid AS tid, xmin::text AS x, c1 FROM :rows;
UPDATE many SET x = x + 1 WHERE id % 100 = 0;
SELECT tally.refresh_view('unchanged');
SELECT count(*) AS as_they_were FROM :rows r JOIN before b ON r.ctid = b.tid AND r.xmin::text = b.x AND r.c1 = b.c1;
SELECT count(*) AS written FROM :rows WHERE (ctid, xmin::text) NOT IN (SELECT tid, x FROM before);
SELECT rows_read, rows_written, kind, status, error FROM tally.log l JOIN tally.refreshables r USING (id) WHERE r.view = 'unchanged'::regclass ORDER BY entry;
SELECT tally.refresh_view('unchanged');
SELECT rows_read, rows_written FROM tally.log l JOIN tally.refreshables r USING (id) WHERE r.view = 'unchanged'::regclass ORDER BY entry DESC LIMIT 1;
SELECT failures, exception, satisfied = started AS satisfied, last_success = finished AS succeeded FROM tally.progress JOIN tally.refreshables r USING (id) WHERE r.view = 'unchanged'::regclass;
SELECT tally.compact('unchanged');
-- more than fits into memory: compared part by part
SET maintenance_work_mem = '1MB';
SELECT pg_temp.make_refreshable('large', 'SELECT i % 70000 AS i, m.x FROM generate_series(1, 80000) i JOIN many m ON m.id = i % 1000 + 1');
UPDATE many SET x = x + 1 WHERE id % 100 = 1;
SELECT pg_temp.refreshed('in parts');
SELECT rows_read, rows_written FROM tally.log l JOIN tally.refreshables r USING (id) WHERE r.view = 'large'::regclass ORDER BY entry;
UPDATE many SET x = 0;
SELECT pg_temp.refreshed('many alike, in parts');
RESET maintenance_work_mem;

-- a query that fails leaves all as it was
CREATE TABLE fragile (x int);
INSERT INTO fragile VALUES (1), (2);
SELECT tally.create_view('inverse', 'SELECT x, 100 / x AS y FROM fragile', mode => 'refreshable');
INSERT INTO fragile VALUES (4), (0);
SELECT pg_temp.fails($$SELECT tally.refresh_view('inverse')$$);
SELECT * FROM inverse ORDER BY x;
DELETE FROM fragile WHERE x = 0;
BEGIN;
SELECT tally.refresh_view('inverse');
SELECT * FROM inverse ORDER BY x;
ROLLBACK;
SELECT * FROM inverse ORDER BY x;
SELECT tally.refresh_view('inverse');
SELECT * FROM inverse ORDER BY x;

-- nothing in it yet: as with a materialized view WITH NO DATA
SELECT tally.create_view('later', 'SELECT x FROM fragile', mode => 'refreshable', with_data => false);
SELECT pg_temp.fails('SELECT * FROM later');
SELECT view, status FROM tally.views WHERE view = 'later'::regclass;
SELECT pg_temp.fails($$SELECT tally.create_view('over_later', 'SELECT x FROM later', mode => 'refreshable')$$);
SELECT tally.refresh_view('later');
SELECT count(*) FROM later;
SELECT view, status FROM tally.views WHERE view = 'later'::regclass;
DELETE FROM fragile;
SELECT tally.refresh_view('later');
SELECT count(*) FROM later;
-- names in the functions that a query calls mean what they mean to whoever makes it, with and without data
CREATE TABLE most (x int);
INSERT INTO most VALUES (3);
CREATE FUNCTION most() RETURNS int STABLE LANGUAGE sql AS 'SELECT x FROM most';
DELETE FROM made;
SELECT pg_temp.make_refreshable('by_name', 'SELECT id, x FROM many WHERE id <= most()');
SELECT tally.create_view('by_name_later', 'SELECT id, x FROM many WHERE id <= most()', schedule => '1 hour', with_data => false);
INSERT INTO made (name, query) VALUES ('by_name_later', 'SELECT id, x FROM many WHERE id <= most()');
UPDATE most SET x = 5;
SET search_path = pg_catalog;
SELECT tally.refresh_view('views_refreshable.by_name'), tally.refresh_view('views_refreshable.by_name_later');
SELECT count(*) FROM views_refreshable.by_name;
SET search_path = views_refreshable, public;
SELECT pg_temp.refreshed('names in functions');
-- in a REPEATABLE READ transaction it can be made, but not refreshed
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT tally.create_view('repeatable', 'SELECT count(*) AS n FROM many', mode => 'refreshable');
SELECT * FROM repeatable;
COMMIT;
SELECT * FROM repeatable;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT pg_temp.fails($$SELECT tally.refresh_view('repeatable')$$);
COMMIT;
BEGIN READ ONLY;
SELECT pg_temp.fails($$SELECT tally.refresh_view('repeatable')$$);
SELECT * FROM repeatable;
COMMIT;
-- a query that refreshes its own view
CREATE FUNCTION again() RETURNS int LANGUAGE plpgsql AS $$ BEGIN IF to_regclass('views_refreshable.cycle') IS NOT NULL THEN PERFORM tally.refresh_view('views_refreshable.cycle'); END IF; RETURN 1; END $$;
SELECT tally.create_view('cycle', 'SELECT again() AS one', mode => 'refreshable', with_data => false);
SELECT pg_temp.fails($$SELECT tally.refresh_view('cycle')$$);
-- read in parallel, and by the index that order_by makes
SELECT tally.create_view('sorted', 'SELECT id, x FROM many', mode => 'refreshable', order_by => ARRAY['x', 'id']);
SELECT regexp_replace(pg_get_indexdef(indexrelid), 'v\d+', 'v0', 'g') FROM pg_index JOIN tally.refreshables r ON r.rows = indrelid WHERE r.view = 'sorted'::regclass;
SELECT pg_temp.fails($$SELECT tally.create_view('sorted2', 'SELECT id, x FROM many', mode => 'refreshable', order_by => ARRAY['y'])$$);
SET enable_seqscan = off; SET enable_bitmapscan = off;
SELECT jsonb_path_exists(pg_temp.plan('SELECT id FROM sorted WHERE x = 3'), '$.** ? (@."Node Type" starts with "Index")') AS by_index;
RESET enable_seqscan; RESET enable_bitmapscan;
-- a view and one that reads it, in one statement
SELECT tally.create_view('below', 'SELECT id FROM many WHERE now() IS NOT NULL', mode => 'refreshable'), tally.create_view('above', 'SELECT count(*) AS n FROM below', mode => 'refreshable');
SELECT n = (SELECT count(*) FROM many) AS all_there FROM above;
-- all that it brought goes with it
SET client_min_messages = warning;
DROP SCHEMA views_refreshable CASCADE;
SELECT pg_temp.left_behind(), (SELECT count(*) FROM tally.progress);
