-- A source keeps its rows for a while only; its views keep what they counted.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE SCHEMA sr; SET search_path = sr, public;
SET client_min_messages = warning;
CREATE TABLE e (id int, ts timestamptz, x int);
INSERT INTO e SELECT i, now() - i * interval '1 hour', i % 50 FROM generate_series(0, 999) i;
INSERT INTO e VALUES (-1, NULL, 1);
SELECT tally.create_view('by_day', 'SELECT date_trunc(''day'', ts, ''UTC'') AS w, count(*) AS n, sum(x) AS s, min(x) AS mn, uniq(x) AS u FROM e GROUP BY 1');
SELECT tally.create_view('whole', 'SELECT count(*) AS n, max(x) AS mx FROM e');
SELECT tally.set_source_retention('e', 'ts', '10 days');
TABLE tally.source_retention;
-- something is in doubt when the rows go
DELETE FROM e WHERE x = 0;
CREATE TEMP TABLE by_day_before AS TABLE by_day;
CREATE TEMP TABLE whole_before AS TABLE whole;
SELECT tally.enforce_retention('e') BETWEEN 730 AND 760;
SELECT count(*) BETWEEN 220 AND 250, min(ts) >= now() - interval '10 days 1 minute' FROM e;
TABLE by_day EXCEPT ALL TABLE by_day_before;
TABLE by_day_before EXCEPT ALL TABLE by_day;
TABLE whole EXCEPT ALL TABLE whole_before;
SELECT tally.enforce_retention('e');
SELECT view, pending, doubtful, kept > 0 AS kept, status FROM tally.views ORDER BY view::text;
SELECT (tally.verify_view('by_day')).*;
-- A view that is made now counts what is there.
SELECT tally.create_view('later', 'SELECT count(*) AS n FROM e');
SELECT n = (SELECT count(*) FROM e) FROM later;
-- It goes with the column's and the table's name, and with the last view.
ALTER TABLE e RENAME COLUMN ts TO "At";
ALTER TABLE e RENAME TO "E e";
TABLE tally.source_retention;
INSERT INTO "E e" VALUES (5000, now() - interval '1 year', 1);
SELECT tally.enforce_retention('"E e"');
SELECT sum(n) - (SELECT sum(n) FROM by_day_before) AS more FROM by_day;
SELECT tally.set_source_retention('"E e"', 'At', '20 days');
TABLE tally.source_retention;
SELECT tally.set_source_retention('"E e"', 'At', NULL);
TABLE tally.source_retention;
SELECT tally.enforce_retention('"E e"');
SELECT tally.set_source_retention('"E e"', 'At', '20 days');
DROP VIEW by_day, whole, later;
TABLE tally.source_retention;
-- Partitions that are wholly too old are dropped, of the others rows are deleted; date and timestamp columns, DEFAULT, and levels.
CREATE TABLE p (d date, x int) PARTITION BY RANGE (d);
DO $$ BEGIN FOR i IN 0..8 LOOP EXECUTE format('CREATE TABLE p%s PARTITION OF p FOR VALUES FROM (%L) TO (%L)', i, current_date - (i + 1) * 10, current_date - i * 10); END LOOP; END $$;
CREATE TABLE p_ahead PARTITION OF p FOR VALUES FROM (current_date) TO (current_date + 10) PARTITION BY LIST (x);
CREATE TABLE p_ahead_rest PARTITION OF p_ahead DEFAULT;
CREATE TABLE p_old PARTITION OF p FOR VALUES FROM (current_date - 200) TO (current_date - 100) PARTITION BY RANGE (x);
CREATE TABLE p_old_rest PARTITION OF p_old DEFAULT;
CREATE TABLE p_rest PARTITION OF p DEFAULT;
INSERT INTO p SELECT current_date - i, i FROM generate_series(0, 250) i;
SELECT tally.create_view('p_week', 'SELECT date_trunc(''week'', d::timestamp) AS w, count(*) AS n, min(x) AS mn FROM p GROUP BY 1');
SELECT tally.create_view('p_x', 'SELECT x / 10 AS x, count(*) AS n FROM p GROUP BY 1');
SELECT tally.set_source_retention('p', 'd', '35 days');
CREATE TEMP TABLE p_week_before AS TABLE p_week;
CREATE TEMP TABLE p_x_before AS TABLE p_x;
ANALYZE p;
SELECT tally.enforce_retention('p');
SELECT count(*), current_date - min(d) AS oldest FROM p;
SELECT c::regclass FROM tally.members('p'::regclass) c ORDER BY c::regclass::text;
(TABLE p_week EXCEPT ALL TABLE p_week_before) UNION ALL (TABLE p_week_before EXCEPT ALL TABLE p_week) UNION ALL SELECT NULL, n, x FROM (TABLE p_x EXCEPT ALL TABLE p_x_before) x;
SELECT view, pending, doubtful, kept > 0 AS kept, status FROM tally.views ORDER BY view::text;
-- Whoever attaches or detaches partitions puts all but the kept groups in doubt; with maintain off what leaves goes on counting.
CREATE TABLE comes (LIKE p); INSERT INTO comes VALUES (current_date + 30, 1000);
ALTER TABLE p ATTACH PARTITION comes FOR VALUES FROM (current_date + 20) TO (current_date + 40);
SELECT status FROM tally.views WHERE view = 'p_week'::regclass;
SELECT sum(n) - (SELECT sum(n) FROM p_week_before) AS more FROM p_week;
SELECT tally.compact() > 0;
SELECT sum(n) - (SELECT sum(n) FROM p_week_before) AS more FROM p_week;
SET tally.maintain = off;
ALTER TABLE p DETACH PARTITION comes;
DROP TABLE p1;
RESET tally.maintain;
SELECT status FROM tally.views WHERE view = 'p_week'::regclass;
SELECT sum(n) - (SELECT sum(n) FROM p_week_before) AS more FROM p_week;
SELECT tally.refresh_view('p_week');
SELECT sum(n) - (SELECT sum(n) FROM p_week_before) AS more FROM p_week;
-- Rows that a trigger does not let go stay.
CREATE TABLE t (ts timestamp, x int); INSERT INTO t SELECT timestamp '2001-01-01' + i * interval '1 day', i FROM generate_series(1, 20) i;
CREATE FUNCTION stay() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF old.x % 2 = 0 THEN RETURN NULL; END IF; RETURN old; END $$;
CREATE TRIGGER stay BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION stay();
SELECT tally.create_view('tv', 'SELECT ts, count(*) AS n FROM t GROUP BY 1');
SELECT tally.set_source_retention('t', 'ts', '1 year'), tally.enforce_retention('t'), tally.enforce_retention('t');
SELECT count(*), sum(n) FROM tv;
DELETE FROM t; DROP TRIGGER stay ON t; DELETE FROM t;
SELECT count(*), sum(n) FROM tv;
-- However many they are: the others go.
CREATE TABLE h (ts timestamptz NOT NULL, hold bool NOT NULL DEFAULT false);
CREATE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER stay BEFORE DELETE ON h FOR EACH ROW WHEN (old.hold) EXECUTE FUNCTION held();
INSERT INTO h SELECT now() - interval '30 days', true FROM generate_series(1, 20001);
INSERT INTO h SELECT now() - interval '20 days', false FROM generate_series(1, 500);
INSERT INTO h SELECT now(), false FROM generate_series(1, 5);
SELECT tally.create_view('hv', 'SELECT date_trunc(''day'', ts, ''UTC'') AS d, count(*) AS n FROM h GROUP BY 1');
CREATE TEMP TABLE hv_before AS TABLE hv;
SELECT tally.set_source_retention('h', 'ts', '5 days'), tally.enforce_retention('h'), tally.enforce_retention('h');
SELECT hold, ts < now() - interval '5 days' AS old, count(*) FROM h GROUP BY 1, 2 ORDER BY 1, 2;
(TABLE hv EXCEPT ALL TABLE hv_before) UNION ALL (TABLE hv_before EXCEPT ALL TABLE hv);
UPDATE h SET hold = false WHERE ctid = ANY (ARRAY(SELECT ctid FROM h WHERE hold LIMIT 15000));
SELECT tally.enforce_retention('h'), tally.enforce_retention('h');
(TABLE hv EXCEPT ALL TABLE hv_before) UNION ALL (TABLE hv_before EXCEPT ALL TABLE hv);
-- A trigger that only marks what it keeps ends the work too.
CREATE OR REPLACE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN UPDATE h SET hold = old.hold WHERE ctid = old.ctid; RETURN NULL; END';
INSERT INTO h SELECT now() - interval '10 days', false FROM generate_series(1, 7);
SELECT tally.enforce_retention('h');
SELECT sum(n) - (SELECT sum(n) FROM hv_before) AS more FROM hv;
SELECT * FROM tally.verify_view('hv');
-- Dropping the column ends it, refused as for anything that needs the column.
ALTER TABLE t ADD COLUMN other date;
SELECT tally.set_source_retention('t', 'other', '1 year');
SELECT pg_temp.fails('ALTER TABLE sr.t DROP COLUMN other');
-- Refusals.
SELECT pg_temp.fails($$SELECT tally.set_source_retention('sr.t', 'x', '1 year')$$);
SELECT pg_temp.fails($$SELECT tally.set_source_retention('sr.t', 'none', '1 year')$$);
SELECT pg_temp.fails($$SELECT tally.set_source_retention('sr.t', 'ts', '-1 year')$$);
SELECT pg_temp.fails($$SELECT tally.set_source_retention('sr.p0', 'd', '1 year')$$);
SELECT pg_temp.fails($$SELECT tally.set_source_retention('sr.tv', 'ts', '1 year')$$);
SELECT pg_temp.fails($$SELECT tally.set_source_retention(NULL, 'ts', '1 year')$$);
CREATE ROLE sr_other; GRANT USAGE ON SCHEMA sr TO sr_other; GRANT ALL ON t TO sr_other; SET ROLE sr_other;
SELECT pg_temp.fails($$SELECT tally.set_source_retention('sr.t', 'ts', '1 year')$$);
SELECT pg_temp.fails($$SELECT tally.enforce_retention('sr.t')$$);
SELECT pg_temp.fails($$CREATE TRIGGER mine AFTER UPDATE OF ts ON sr.t FOR EACH STATEMENT EXECUTE FUNCTION tally.keep('1 day')$$);
RESET ROLE;
ALTER TABLE p OWNER TO sr_other;
SELECT pg_temp.fails($$SELECT tally.enforce_retention('sr.p')$$);
ALTER TABLE p OWNER TO CURRENT_USER;
ALTER TABLE p DISABLE TRIGGER tally_delete;
SELECT pg_temp.fails($$SELECT tally.enforce_retention('sr.p')$$);
DROP OWNED BY sr_other; DROP ROLE sr_other;
DROP SCHEMA sr CASCADE;
SELECT pg_temp.left_behind();
