-- Old rows leave a source, and its views keep what they counted.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE SCHEMA kept; SET search_path = kept, public;
SET client_min_messages = warning;
CREATE TABLE e (id int PRIMARY KEY, ts timestamptz, k int, x int);
-- The rows that ever counted, so what a view must show of sums and counts: a trigger of our own that does not see what retention does.
CREATE TABLE shadow (LIKE e);
CREATE TABLE forgetting (now boolean);
CREATE FUNCTION follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP IN ('UPDATE', 'DELETE') AND NOT EXISTS (SELECT FROM kept.forgetting) THEN DELETE FROM kept.shadow s WHERE s.id = old.id; END IF;
  IF TG_OP IN ('UPDATE', 'INSERT') THEN INSERT INTO kept.shadow SELECT new.*; END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER follow AFTER INSERT OR UPDATE OR DELETE ON e FOR EACH ROW EXECUTE FUNCTION follow();
INSERT INTO e SELECT i, timestamptz '2020-01-01Z' + i * interval '1 hour', i % 3, i % 50 FROM generate_series(0, 999) i;
INSERT INTO e VALUES (-1, NULL, 0, 1);
CREATE TABLE made_here (name text, query text);
INSERT INTO made_here VALUES
('by_day', 'SELECT date_trunc(''day'', ts, ''UTC'') AS w, k, count(*) AS n, sum(x) AS s, avg(x) AS a, var_pop(x) AS v, count(DISTINCT x) AS d FROM e GROUP BY 1, 2'),
('by_k', 'SELECT k, count(*) AS n, sum(x) AS s, count(DISTINCT x) AS d FROM e GROUP BY k'),
('whole', 'SELECT count(*) AS n, sum(x) AS s, count(DISTINCT x) AS d FROM e'),
('some', 'SELECT k, date_bin(''2 hours'', ts, ''epoch'') AS w, count(*) FILTER (WHERE x > 3) AS n FROM e WHERE k <> 1 GROUP BY 1, 2');
SELECT count(tally.create_view(name, query)) FROM made_here;
CREATE FUNCTION wrong(also boolean DEFAULT true) RETURNS text LANGUAGE plpgsql AS $$
DECLARE v record; n bigint; all_wrong text := '';
BEGIN
  FOR v IN SELECT name, replace(query, 'FROM e', 'FROM shadow') AS query FROM made_here LOOP
    EXECUTE format('SELECT count(*) FROM ((TABLE %1$I EXCEPT ALL %2$s) UNION ALL (%2$s EXCEPT ALL TABLE %1$I)) x', v.name, v.query) INTO n;
    IF n > 0 THEN all_wrong := all_wrong || format(' %s: %s rows', v.name, n); END IF;
    IF also AND EXISTS (SELECT FROM tally.verify_view(v.name) d WHERE d.missing + d.extra + d.different > 0) THEN all_wrong := all_wrong || format(' %s: not verified', v.name); END IF;
  END LOOP;
  RETURN coalesce(nullif(all_wrong, ''), 'ok');
END $$;
-- Runs statements whose removals still count.
CREATE FUNCTION forget(statement text) RETURNS void LANGUAGE plpgsql SET tally.maintain = off AS $$
BEGIN INSERT INTO kept.forgetting VALUES (true); EXECUTE statement; DELETE FROM kept.forgetting; END $$;
SELECT wrong();
SELECT forget('DELETE FROM e WHERE ts < ''2020-01-10 05:00Z''');
SELECT count(*) FROM e;
SELECT wrong();
SELECT view, pending, doubtful, kept, status FROM tally.views ORDER BY view::text;
-- Rows go on coming and going, in kept groups too; pending, folded, and made anew.
INSERT INTO e SELECT 2000 + i, timestamptz '2020-01-01Z' + i * interval '1 hour', i % 5, i % 70 FROM generate_series(0, 999) i;
DELETE FROM e WHERE id % 4 = 1;
UPDATE e SET x = x + 3, ts = ts + interval '2 days' WHERE id % 7 = 2;
SELECT wrong();
SELECT tally.compact() > 0;
SELECT wrong();
INSERT INTO e SELECT 4000 + i, timestamptz '2019-12-30Z' + i * interval '1 hour', i % 6, i % 70 FROM generate_series(0, 499) i;
DELETE FROM e WHERE id % 4 = 2;
SELECT count(tally.refresh_view(name)) FROM made_here;
SELECT wrong();
SELECT view, pending, doubtful, kept, status FROM tally.views ORDER BY view::text;
-- An UPDATE or INSERT counts as ever, and so does what somebody else removes.
SET tally.maintain = off;
UPDATE e SET x = 60 WHERE id = 999;
INSERT INTO e VALUES (-2, '2020-03-01Z', 1, 1);
CREATE ROLE kept_other; GRANT USAGE ON SCHEMA kept TO kept_other; GRANT ALL ON e, shadow, forgetting TO kept_other;
SET client_min_messages = warning;
SET ROLE kept_other;
DELETE FROM e WHERE id = -2;
RESET ROLE;
RESET tally.maintain;
SELECT wrong();
-- A rollback.
BEGIN; SELECT forget('DELETE FROM e WHERE ts < ''2020-02-01Z'''); SAVEPOINT s; DELETE FROM e WHERE id % 3 = 0; ROLLBACK TO s; ROLLBACK;
SELECT wrong();
-- The whole is in doubt: what is kept is not asked of the source. A mark cannot be taken for removals of what the source still has of kept groups.
BEGIN;
ALTER TABLE e DISABLE TRIGGER tally_insert;
SELECT wrong();
ALTER TABLE e ENABLE TRIGGER tally_insert;
INSERT INTO e SELECT 6000 + i, timestamptz '2020-01-01Z' + i * interval '3 hour', i % 6, i % 70 FROM generate_series(0, 499) i;
DELETE FROM e WHERE id % 4 = 3;
SELECT wrong();
SELECT tally.compact() > 0;
SELECT wrong();
COMMIT;
SELECT view, pending, doubtful, kept, status FROM tally.views ORDER BY view::text;
-- All of it goes and stays counted.
SELECT forget('TRUNCATE e');
SELECT wrong();
INSERT INTO e SELECT 8000 + i, timestamptz '2020-01-20Z' + i * interval '3 hour', i % 6, i % 70 FROM generate_series(0, 499) i;
SELECT wrong();
SELECT tally.compact() > 0;
SELECT wrong();
-- What cannot subtract keeps its value; groups that are not kept are exact.
SELECT tally.create_view('least', 'SELECT date_trunc(''month'', ts, ''UTC'') AS w, count(*) AS n, min(x) AS mn, uniq(x) AS u, string_agg(DISTINCT x::text, '','') AS s FROM e GROUP BY 1');
SELECT w::date, n, mn, u FROM least ORDER BY 1;
SELECT forget('DELETE FROM e WHERE ts < ''2020-01-21Z''');
DELETE FROM e WHERE x < 5;
SELECT w::date, n, mn, u, s FROM least ORDER BY 1;
SELECT tally.compact() > 0;
SELECT w::date, n, mn, u FROM least ORDER BY 1;
SELECT * FROM tally.verify_view('least');
INSERT INTO e VALUES (9000, '2020-01-05Z', 1, 2), (9001, '2020-02-05Z', 1, 3), (9002, '2019-12-05Z', 1, 4);
SELECT w::date, n, mn, u FROM least ORDER BY 1;
SELECT tally.refresh_view('least');
SELECT w::date, n, mn, u FROM least ORDER BY 1;
-- A fold at commit takes kept groups in, in doubt or not.
SET tally.delta_limit = '8kB';
INSERT INTO e SELECT 10000 + i, timestamptz '2020-01-10Z' + i * interval '1 minute', i % 3, 4 FROM generate_series(1, 5000) i;
DELETE FROM e WHERE id > 10000 AND id % 2 = 0;
RESET tally.delta_limit;
SELECT w::date, n, mn FROM least ORDER BY 1 LIMIT 2;
SELECT wrong();
-- What the view has not counted itself cannot go on counting.
SELECT tally.create_view('unfilled', 'SELECT count(*) AS n FROM e', with_data => false);
SELECT pg_temp.fails($$SELECT kept.forget('DELETE FROM kept.e')$$);
DROP VIEW unfilled;
-- States put in by hand are there besides.
SELECT tally.create_view('states', 'SELECT date_trunc(''month'', ts, ''UTC'') AS w, count_state(*) AS n, uniq_exact_state(x) AS d FROM e GROUP BY 1');
CREATE TEMP TABLE states_before AS SELECT w, n, finalize(d) AS d FROM states;
INSERT INTO states SELECT '2020-01-01Z', 10, uniq_exact_state(1000);
SELECT forget('DELETE FROM e WHERE ts < ''2020-02-10Z''');
SELECT s.w::date, s.n - b.n AS more, finalize(s.d) - b.d AS others FROM states s JOIN states_before b USING (w) ORDER BY 1;
TRUNCATE e;
SELECT s.w::date, s.n - b.n AS more, finalize(s.d) - b.d AS others FROM states s JOIN states_before b USING (w) ORDER BY 1;
SELECT tally.compact() > 0;
SELECT s.w::date, s.n - b.n AS more, finalize(s.d) - b.d AS others FROM states s JOIN states_before b USING (w) ORDER BY 1;
SELECT kept FROM tally.views WHERE view = 'states'::regclass;
DROP OWNED BY kept_other; DROP ROLE kept_other;
DROP SCHEMA kept CASCADE;
SELECT pg_temp.left_behind();
