-- Main in partitions by time: made ahead, dropped when they are too old.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE SCHEMA pm; SET search_path = pm, public;
SET client_min_messages = warning;
CREATE TABLE e (id int, ts timestamptz, k int, x int);
INSERT INTO e SELECT i, now() - i * interval '5 hours', i % 3, i FROM generate_series(0, 999) i;
INSERT INTO e VALUES (-1, NULL, 0, 1), (-2, 'infinity', 0, 2), (-3, '-infinity', 0, 3);
CREATE FUNCTION pg_temp.make_parts(name text, query text, unit text, columns text DEFAULT '*') RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM tally.create_view(name, query, partition_by => unit);
  INSERT INTO pg_temp.made (name, query, columns) VALUES (name, query, columns);
  RETURN name;
END $$;
SELECT pg_temp.make_parts('by_month', 'SELECT date_trunc(''day'', ts, ''America/New_York'') AS w, k, count(*) AS n, min(x) AS mn, avg(x) AS a, count(DISTINCT x) AS d, string_agg(x::text, '','' ORDER BY x, id) AS s FROM e GROUP BY 1, 2', 'month');
SELECT pg_temp.make_parts('by_week', 'SELECT k, date_bin(''6 hours'', ts, ''epoch'') AS w, max(x) AS mx, uniq(x) AS u FROM e GROUP BY 1, 2', 'week');
SELECT pg_temp.make_parts('by_year', 'SELECT (ts AT TIME ZONE ''Asia/Kolkata'')::date AS w, sum(x) AS s FROM e WHERE k < 2 GROUP BY 1', 'year');
SELECT pg_temp.make_parts('by_day', 'SELECT ts AT TIME ZONE ''UTC'' AS w, sum(x) AS s FROM e GROUP BY 1', 'day');
SELECT pg_temp.make_parts('by_hour', 'SELECT ts AS w, count(*) AS n FROM e GROUP BY 1', 'hour');
SELECT pg_temp.make_parts('by_quarter', 'SELECT date_trunc(''month'', ts AT TIME ZONE ''UTC'') AS w, bool_or(x > 3) AS n FROM e GROUP BY 1', 'quarter');
-- What each partition has lies within its bounds, or PostgreSQL would not have taken it; how many there are, with the rest.
CREATE VIEW parts AS SELECT v.view, s.main, i.inhrelid::regclass AS part, pg_get_expr(p.relpartbound, p.oid) AS bound FROM tally.registry v JOIN tally.storage s USING (id) JOIN pg_inherits i ON i.inhparent = s.main JOIN pg_class p ON p.oid = i.inhrelid;
SELECT view::regclass, count(*) BETWEEN CASE view::regclass::text WHEN 'by_month' THEN 11 WHEN 'by_week' THEN 33 WHEN 'by_year' THEN 5 WHEN 'by_quarter' THEN 6 ELSE 104 END AND CASE view::regclass::text WHEN 'by_month' THEN 13 WHEN 'by_week' THEN 36 WHEN 'by_year' THEN 6 WHEN 'by_quarter' THEN 8 ELSE 104 END AS ok,
  count(*) FILTER (WHERE bound = 'DEFAULT') AS rest FROM parts GROUP BY 1 ORDER BY view::regclass::text;
SELECT pg_temp.exact('made');
SELECT view, groups = (SELECT count(*) FROM by_month) AS groups, bytes > 100000 AS bytes FROM tally.views WHERE view = 'by_month'::regclass;
INSERT INTO e SELECT 2000 + i, now() + interval '2 days' - i * interval '7 hours', i % 3, i FROM generate_series(0, 999) i;
SELECT pg_temp.kept('insert', true);
DELETE FROM e WHERE x % 3 = 0 OR id IN (-1, -2);
SELECT pg_temp.kept('delete', NULL);
UPDATE e SET ts = ts + interval '40 days', x = x + 1 WHERE id % 4 = 0;
SELECT pg_temp.kept('update', NULL);
INSERT INTO e VALUES (-4, now() - interval '300 years', 0, 4), (-5, NULL, 0, 1), (-6, 'infinity', 0, 2), (-7, '-infinity', 0, 3), (-8, now() + interval '300 years', 0, 4);
SELECT pg_temp.kept('far away', true);
DELETE FROM e WHERE ts > now() - interval '30 days';
SELECT pg_temp.kept('whole partitions', NULL);
SET tally.delta_limit = '8kB';
INSERT INTO e SELECT 5000 + i, now() - i * interval '3 hours', i % 3, i FROM generate_series(0, 1999) i;
UPDATE e SET x = x + 7 WHERE id > 5000;
RESET tally.delta_limit;
SELECT pg_temp.kept('folded', NULL);
SELECT count(tally.refresh_view(name)) FROM pg_temp.made;
SELECT pg_temp.kept('made anew', NULL);
TRUNCATE e;
INSERT INTO e SELECT i, now() - i * interval '5 hours', i % 3, i FROM generate_series(0, 999) i;
SELECT pg_temp.kept('truncated', NULL);
-- A key's predicate reads only the partitions concerned.
CREATE FUNCTION read_by(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE plan jsonb;
BEGIN
  EXECUTE 'EXPLAIN (ANALYZE, FORMAT JSON) ' || query INTO plan;
  RETURN (SELECT count(DISTINCT r) FROM jsonb_path_query(plan, '$.** ? (@."Actual Loops" > 0)."Relation Name"') r);
END $$;
SELECT read_by('SELECT * FROM by_month WHERE w = date_trunc(''day'', now() - interval ''60 days'', ''America/New_York'')');
-- Partitions that were missed are made, and get what the rest has of them.
CREATE FUNCTION lose(name regclass, at timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE part regclass;
BEGIN
  SELECT p.part INTO part FROM pm.parts p WHERE p.view = name AND p.bound LIKE format('FOR VALUES FROM (''%s%%', (date_trunc('month', at))::date);
  EXECUTE 'DROP TABLE ' || part; RETURN part IS NOT NULL;
END $$;
CREATE FUNCTION rest(name regclass) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE n bigint;
BEGIN EXECUTE 'SELECT count(*) FROM ' || (SELECT p.part FROM pm.parts p WHERE p.view = name AND p.bound = 'DEFAULT') INTO n; RETURN n; END $$;
SELECT count(*) AS parts FROM parts WHERE view = 'by_month'::regclass \gset
SELECT lose('by_month', now() + interval '2 months');
INSERT INTO e SELECT 9000 + i, date_trunc('month', now()) + interval '2 months 5 days' + i * interval '1 day', i % 3, i FROM generate_series(0, 9) i;
SELECT pg_temp.kept('into the rest', true);
SELECT rest('by_month'), (SELECT count(*) FROM parts WHERE view = 'by_month'::regclass) - :parts AS parts;
SELECT tally.enforce_retention('by_month');
SELECT rest('by_month'), (SELECT count(*) FROM parts WHERE view = 'by_month'::regclass) - :parts AS parts;
SELECT pg_temp.kept('out of the rest', NULL);
-- Retention drops whole partitions: groups go with them.
SELECT tally.alter_view('by_month', retention => '3 months');
SELECT tally.enforce_retention('by_month') > 0 AS went;
SELECT tally.enforce_retention('by_month');
DELETE FROM made WHERE name = 'by_month';
INSERT INTO made (name, query) VALUES ('by_month', 'SELECT date_trunc(''day'', ts, ''America/New_York'') AS w, k, count(*) AS n, min(x) AS mn, avg(x) AS a, count(DISTINCT x) AS d, string_agg(x::text, '','' ORDER BY x, id) AS s FROM e WHERE date_trunc(''day'', ts, ''America/New_York'') >= date_trunc(''month'', now() - interval ''3 months'', ''America/New_York'') GROUP BY 1, 2');
SELECT pg_temp.exact('partitions dropped');
SELECT count(*) FROM parts WHERE view = 'by_month'::regclass;
INSERT INTO e SELECT i, now() - i * interval '7 hours', i % 3, i FROM generate_series(0, 999) i;
DELETE FROM e WHERE id % 5 = 2;
SELECT pg_temp.kept('late rows', NULL);
SELECT rest('by_month');
SELECT count(tally.enforce_retention(name)) FROM made;
-- Rows of the source may go as well.
SELECT tally.set_source_retention('e', 'ts', '50 days');
CREATE TEMP TABLE before AS SELECT w, k, n, a, d FROM by_month;
SELECT tally.enforce_retention('e') > 0 AS went;
(SELECT w, k, n, a, d FROM by_month EXCEPT ALL TABLE before) UNION ALL (TABLE before EXCEPT ALL SELECT w, k, n, a, d FROM by_month);
INSERT INTO e SELECT i, now() - i * interval '7 hours', i % 3, -1 FROM generate_series(0, 999) i;
DELETE FROM e WHERE id % 5 = 2;
CREATE TEMP TABLE pending AS SELECT w, k, n, a, d FROM by_month;
SELECT tally.compact() > 0;
(SELECT w, k, n, a, d FROM by_month EXCEPT ALL TABLE pending) UNION ALL (TABLE pending EXCEPT ALL SELECT w, k, n, a, d FROM by_month);
SELECT tally.refresh_view('by_month');
(SELECT w, k, n, a, d FROM by_month EXCEPT ALL TABLE pending) UNION ALL (TABLE pending EXCEPT ALL SELECT w, k, n, a, d FROM by_month);
SELECT * FROM tally.verify_view('by_month');
-- With retention from the start there are no partitions for what is too old; unlogged sources; owners.
SELECT tally.create_view('short', 'SELECT date_trunc(''hour'', ts, ''UTC'') AS w, count(*) AS n FROM e GROUP BY 1', partition_by => 'day', retention => '3 days');
SELECT count(*) FROM parts WHERE view = 'short'::regclass;
SELECT min(w) >= date_trunc('day', now() - interval '3 days', 'UTC') FROM short;
CREATE ROLE pm_owner; GRANT CREATE, USAGE ON SCHEMA pm TO pm_owner; GRANT SELECT, TRIGGER ON e TO pm_owner;
ALTER VIEW short OWNER TO pm_owner;
SELECT DISTINCT relowner::regrole FROM pg_class c JOIN parts p ON c.oid IN (p.part, p.main) WHERE p.view = 'short'::regclass;
CREATE UNLOGGED TABLE u (ts timestamptz);
SELECT tally.create_view('uv', 'SELECT date_trunc(''day'', ts, ''UTC'') AS w, count(*) AS n FROM u GROUP BY 1', partition_by => 'month');
SELECT DISTINCT relpersistence FROM pg_class c JOIN parts p ON c.oid = p.part WHERE p.view = 'uv'::regclass;
ALTER TABLE u SET LOGGED;
SELECT DISTINCT relpersistence FROM pg_class c JOIN parts p ON c.oid = p.part WHERE p.view = 'uv'::regclass;
-- Refusals.
SELECT pg_temp.fails($$SELECT tally.create_view('no', 'SELECT k, count(*) FROM e GROUP BY k', partition_by => 'day')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('no', 'SELECT ts, count(*) FROM e GROUP BY ts', partition_by => 'minute')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('no', 'SELECT (ts AT TIME ZONE ''UTC'')::date, count(*) FROM e GROUP BY 1', partition_by => 'hour')$$);
DROP SCHEMA pm CASCADE;
DROP OWNED BY pm_owner; DROP ROLE pm_owner;
SELECT pg_temp.left_behind();
