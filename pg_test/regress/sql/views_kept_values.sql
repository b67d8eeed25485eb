-- Aggregates without a state keep what they had when rows left that still count.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE SCHEMA values_kept; SET search_path = values_kept, public;
SET client_min_messages = warning;
CREATE TABLE f (id int PRIMARY KEY, ts timestamptz, k int, x int);
-- The rows that ever counted: the source, and what left it and still counts.
CREATE TABLE gone (LIKE f);
CREATE VIEW counted AS SELECT * FROM f UNION ALL SELECT * FROM gone;
CREATE TABLE made_here (name text, query text);
INSERT INTO made_here VALUES
('by_hour', 'SELECT date_trunc(''hour'', ts, ''UTC'') AS w, count(*) AS n, sum(x) AS s, count(DISTINCT x) AS d, string_agg(x::text, '','' ORDER BY x, id) AS l, array_agg(x ORDER BY x DESC) FILTER (WHERE x > 2) AS a FROM f GROUP BY 1'),
('by_hour_and_k', 'SELECT k, percentile_cont(0.5) WITHIN GROUP (ORDER BY x) AS m, date_bin(''1 hour'', ts, ''epoch'') AS w, count(*) AS n, min(x) AS mn FROM f GROUP BY 1, 3'),
('by_k', 'SELECT k, count(*) AS n, string_agg(x::text, '','' ORDER BY x, id) AS l, avg(x) AS av FROM f GROUP BY k'),
('whole', 'SELECT mode() WITHIN GROUP (ORDER BY x) AS m, count(*) AS n, sum(DISTINCT x) AS s FROM f');
SELECT count(tally.create_view(name, query)) FROM made_here;
CREATE FUNCTION wrong() RETURNS text LANGUAGE plpgsql AS $$
DECLARE v record; n bigint; all_wrong text := '';
BEGIN
  FOR v IN SELECT name, replace(query, 'FROM f', 'FROM counted') AS query FROM made_here LOOP
    EXECUTE format('SELECT count(*) FROM ((TABLE %1$I EXCEPT ALL %2$s) UNION ALL (%2$s EXCEPT ALL TABLE %1$I)) x', v.name, v.query) INTO n;
    IF n > 0 THEN all_wrong := all_wrong || format(' %s: %s rows', v.name, n); END IF;
    IF EXISTS (SELECT FROM tally.verify_view(v.name) d WHERE d.missing + d.extra + d.different > 0) THEN all_wrong := all_wrong || format(' %s: not verified', v.name); END IF;
  END LOOP;
  RETURN coalesce(nullif(all_wrong, ''), 'ok');
END $$;
-- Removes rows that still count.
CREATE FUNCTION forget(which text) RETURNS bigint LANGUAGE plpgsql SET tally.maintain = off AS $$
DECLARE n bigint;
BEGIN
  EXECUTE format('INSERT INTO values_kept.gone SELECT * FROM values_kept.f WHERE %s', which);
  IF which = 'true' THEN TRUNCATE values_kept.f; RETURN NULL; END IF;
  EXECUTE format('DELETE FROM values_kept.f WHERE %s', which); GET DIAGNOSTICS n = ROW_COUNT; RETURN n;
END $$;
-- groups that only pending rows know of: all their rows go, some, none
INSERT INTO f SELECT i, timestamptz '2024-01-01Z' + i * interval '20 minutes', i % 3, i % 7 FROM generate_series(0, 29) i;
INSERT INTO f VALUES (-1, NULL, NULL, 1), (-2, NULL, 4, 5);
SELECT sum(pending) > 0, sum(doubtful), sum(kept) FROM tally.views;
SELECT forget('ts < ''2024-01-01 02:20Z'' OR id = 20 OR id = -1');
SELECT wrong();
SELECT sum(doubtful), sum(kept) FROM tally.views;
SELECT * FROM by_hour ORDER BY w LIMIT 3;
-- more of them go, before and after compaction
SELECT forget('ts < ''2024-01-01 03:20Z'' OR id = -2');
SELECT wrong();
BEGIN; SELECT forget('true'); SELECT wrong(); ROLLBACK;
SELECT wrong();
SELECT tally.compact() > 0;
SELECT wrong();
SELECT sum(pending), sum(doubtful) FROM tally.views;
SELECT forget('ts < ''2024-01-01 05:20Z''');
SELECT wrong();
-- a group that main has and that has changed since: what it had last, not what was compacted last
INSERT INTO f SELECT i, timestamptz '2024-01-01 09:00Z' + i * interval '1 minute', 1, i % 5 FROM generate_series(100, 130) i;
DELETE FROM f WHERE id = 29;
SELECT w AT TIME ZONE 'UTC' AS w, n, l FROM by_hour WHERE w >= '2024-01-01 09:00Z' ORDER BY w;
SELECT count(*) FROM (TABLE by_hour EXCEPT SELECT date_trunc('hour', ts, 'UTC'), count(*), sum(x), count(DISTINCT x), string_agg(x::text, ',' ORDER BY x, id), array_agg(x ORDER BY x DESC) FILTER (WHERE x > 2) FROM counted GROUP BY 1) x;
SELECT forget('id > 120 OR id = 28');
SELECT w AT TIME ZONE 'UTC' AS w, n, l FROM by_hour WHERE w >= '2024-01-01 09:00Z' ORDER BY w;
SELECT tally.compact() > 0;
SELECT w AT TIME ZONE 'UTC' AS w, n, l FROM by_hour WHERE w >= '2024-01-01 09:00Z' ORDER BY w;
-- in each of these ways a new group of a bucket that is kept gets its value: read, compacted, refreshed in part and as a whole, and while the whole is in doubt
CREATE FUNCTION pg_temp.news(what text) RETURNS TABLE (at text, w timestamp, n bigint, s numeric, l text) LANGUAGE sql AS $$ SELECT what, w AT TIME ZONE 'UTC', n, s, l FROM values_kept.by_hour WHERE w < '2023-12-02Z' ORDER BY w $$;
INSERT INTO f VALUES (201, '2023-12-01 01:00Z', 1, 3), (202, '2023-12-01 01:00Z', 1, 4);
SELECT * FROM pg_temp.news('read');
BEGIN; SELECT tally.compact('by_hour'); SELECT * FROM pg_temp.news('compacted'); ROLLBACK;
BEGIN; SELECT tally.refresh_view('by_hour', '2023-12-01Z', '2023-12-02Z'); SELECT * FROM pg_temp.news('refreshed in part'); ROLLBACK;
BEGIN; SELECT tally.refresh_view('by_hour'); SELECT * FROM pg_temp.news('refreshed'); SELECT sum(pending) FROM tally.views WHERE view = 'by_hour'::regclass; ROLLBACK;
BEGIN; ALTER TABLE f DISABLE TRIGGER tally_insert; ALTER TABLE f ENABLE ALWAYS TRIGGER tally_insert; SELECT status FROM tally.views WHERE view = 'by_hour'::regclass; SELECT * FROM pg_temp.news('in doubt'); ROLLBACK;
-- what a writer folds at commit leaves it alone
SET tally.delta_limit = '8kB';
INSERT INTO f SELECT 1000 + i, '2023-12-01 01:00Z', 1, 1 FROM generate_series(1, 2000) i;
DELETE FROM f WHERE id > 1000;
RESET tally.delta_limit;
SELECT * FROM pg_temp.news('folded');
DELETE FROM f WHERE id = 202;
SELECT * FROM pg_temp.news('deleted');
SELECT tally.compact() > 0;
DELETE FROM f WHERE id = 201;
INSERT INTO f VALUES (203, '2023-12-01 01:00Z', 1, 9);
SELECT * FROM pg_temp.news('kept');
-- A cursor and a statement from before the removal, and a statement that removes and inserts at once.
INSERT INTO f VALUES (301, '2023-11-01 01:00Z', 2, 3), (302, '2023-11-01 01:00Z', 2, 4);
BEGIN ISOLATION LEVEL REPEATABLE READ;
DECLARE c CURSOR FOR SELECT w AT TIME ZONE 'UTC' AS w, n, s, l FROM by_hour WHERE w < '2023-11-02Z';
SET LOCAL tally.maintain = off;
WITH r AS (DELETE FROM f WHERE id = 301 RETURNING *) INSERT INTO f SELECT id + 10, ts, k, x + 10 FROM r;
FETCH ALL FROM c;
SELECT w AT TIME ZONE 'UTC' AS w, n, s, l FROM by_hour WHERE w < '2023-11-02Z';
COMMIT;
SELECT w AT TIME ZONE 'UTC' AS w, n, s, l FROM by_hour WHERE w < '2023-11-02Z';
-- Retention, and TRUNCATE of a table that has other rules.
SELECT tally.compact() > 0;
INSERT INTO f VALUES (401, '2024-01-05Z', 2, 3), (402, '2024-01-06Z', 2, 4);
SELECT tally.set_source_retention('f', 'ts', now() - '2024-01-05 12:00Z');
SELECT tally.enforce_retention('f') > 0;
SELECT w AT TIME ZONE 'UTC' AS w, n, s, l FROM by_hour WHERE w > '2024-01-02Z' ORDER BY w;
-- Without the trigger that comes before a TRUNCATE, one that nobody could tell the values after is refused.
INSERT INTO f VALUES (501, '2024-01-07Z', 2, 3);
ALTER TABLE f DISABLE TRIGGER tally_truncate_before;
SELECT view, status FROM tally.views ORDER BY view::text;
SET tally.maintain = off;
SELECT pg_temp.fails('TRUNCATE f');
SELECT tally.compact() > 0;
TRUNCATE f;
RESET tally.maintain;
SELECT w AT TIME ZONE 'UTC' AS w, n, s, l FROM by_hour WHERE w > '2024-01-02Z' ORDER BY w;
-- Of a partition that went, too; where the source still has the rows, there is nothing to refuse.
CREATE TABLE p (ts timestamptz, x int) PARTITION BY RANGE (ts);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2024-01-01Z') TO ('2024-02-01Z');
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM ('2024-02-01Z') TO ('2024-03-01Z');
SELECT tally.create_view('parts', 'SELECT date_trunc(''day'', ts, ''UTC'') AS w, count(*) AS n, sum(x) AS s, string_agg(x::text, '','' ORDER BY x) AS l FROM p GROUP BY 1');
INSERT INTO p VALUES ('2024-01-02Z', 1), ('2024-01-02Z', 2);
SET tally.maintain = off;
SELECT pg_temp.fails('DROP TABLE p1');
SELECT pg_temp.fails('ALTER TABLE p DETACH PARTITION p1');
SELECT tally.compact('parts');
INSERT INTO p VALUES ('2024-02-02Z', 3);
DROP TABLE p1;
RESET tally.maintain;
SELECT w AT TIME ZONE 'UTC' AS w, n, s, l FROM parts ORDER BY w;
INSERT INTO p VALUES ('2024-02-02Z', 4), ('2024-02-03Z', 5);
SELECT tally.set_source_retention('p', 'ts', now() - '2024-03-01Z');
SELECT tally.enforce_retention('p');
SELECT w AT TIME ZONE 'UTC' AS w, n, s, l FROM parts ORDER BY w;
SELECT tally.compact('parts') >= 0;
SELECT w AT TIME ZONE 'UTC' AS w, n, s, l FROM parts ORDER BY w;
SELECT * FROM tally.verify_view('parts');
DROP SCHEMA values_kept CASCADE;
SELECT pg_temp.left_behind();
