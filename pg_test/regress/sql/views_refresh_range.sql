-- tally.refresh_view with a range: only the buckets of that range are made anew.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE SCHEMA views_refresh_range;
SET search_path = views_refresh_range, public;
CREATE TABLE t (id int, at timestamptz, local timestamp, k text, x int, v numeric);
INSERT INTO t SELECT i, timestamptz '2024-03-29Z' + i * interval '20 minutes', timestamp '2024-03-29' + i * interval '20 minutes', nullif('k' || i % 3, 'k2'), i % 7, i / 4.0 FROM generate_series(1, 400) i;
INSERT INTO t VALUES (1000, NULL, NULL, 'k1', 1, 1), (1001, 'infinity', 'infinity', 'k1', 1, 1), (1002, '-infinity', '-infinity', 'k1', 1, 1);
CREATE INDEX ON t (at);
SELECT pg_temp.make('binned', 'SELECT date_bin(''6 hours'', at, ''2024-01-01 01:00Z'') AS b, k, count(*) AS n, sum(v) AS s, min(x) AS mn, count(DISTINCT x) AS d, string_agg(x::text, '','' ORDER BY id) AS xs FROM t GROUP BY 1, 2');
SELECT pg_temp.make('daily', 'SELECT date_trunc(''day'', at, ''Europe/Berlin'') AS day, count(*) AS n, max(x) AS mx FROM t WHERE x <> 3 GROUP BY 1');
SELECT pg_temp.make('hourly', 'SELECT date_trunc(''hour'', at, ''Europe/Berlin'') AS hour, date_trunc(''month'', at, ''UTC'') AS month, count(*) AS n, uniq_exact(k) AS u FROM t GROUP BY 1, 2');
SELECT pg_temp.make('locally', 'SELECT date_trunc(''week'', local) AS week, count(*) AS n FROM t GROUP BY 1');
SELECT pg_temp.make('by_state', 'SELECT date_bin(''1 day'', at, ''epoch'') AS b, sum_state(v) AS s, uniq_state(x) AS u FROM t GROUP BY 1', 'b, finalize(s)');
SELECT pg_temp.make('by_date', 'SELECT local::date AS day, count(*) AS n, max(x) AS mx FROM t GROUP BY 1');
SELECT pg_temp.make('there', 'SELECT date_trunc(''day'', at AT TIME ZONE ''America/New_York'')::date AS day, count(*) AS n, min(x) AS mn FROM t GROUP BY 1');
SELECT pg_temp.make('by_time', 'SELECT at, count(*) AS n, max(x) AS mx FROM t GROUP BY at');
SELECT pg_temp.kept('filled', false);

-- what goes on behind the triggers' back is what a refresh is for
SET session_replication_role = replica;
ALTER TABLE t DISABLE TRIGGER ALL;
SELECT pg_temp.fails($$SELECT tally.refresh_view('binned', '2024-04-01Z')$$);
ALTER TABLE t ENABLE ALWAYS TRIGGER tally_insert;
RESET session_replication_role;
ALTER TABLE t ENABLE ALWAYS TRIGGER tally_update; ALTER TABLE t ENABLE ALWAYS TRIGGER tally_delete; ALTER TABLE t ENABLE ALWAYS TRIGGER tally_truncate;
-- a mark on the whole view asks for more than a range
SELECT view, status FROM tally.views ORDER BY view::text COLLATE "C";
SELECT tally.refresh_view('binned', '2024-04-01Z');
SELECT view, status FROM tally.views ORDER BY view::text COLLATE "C";
SELECT tally.refresh_view('daily'), tally.refresh_view('hourly'), tally.refresh_view('locally'), tally.refresh_view('by_state'), tally.refresh_view('by_date'), tally.refresh_view('there'), tally.refresh_view('by_time');
SELECT pg_temp.kept('refreshed', false);

-- Spoils main and delta everywhere, refreshes a range, and lists which buckets are right again.
CREATE FUNCTION pg_temp.spoil(name text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE id bigint; BEGIN
  SELECT r.id INTO id FROM tally.registry r WHERE r.view = name::regclass;
  EXECUTE format('UPDATE tally_data.v%s_main SET n = n + 1000', id);
  EXECUTE format('INSERT INTO tally_data.v%1$s_delta SELECT kh, 7, 0, k1 FROM tally_data.v%1$s_main', id);
END $$;
BEGIN;
CREATE TABLE one (at timestamptz);
INSERT INTO one SELECT timestamptz '2024-03-30 12:00Z' + i * interval '6 hours' FROM generate_series(0, 8) i;
SELECT tally.create_view('spoilt', 'SELECT date_trunc(''day'', at, ''Europe/Berlin'') AS day, count(*) AS n FROM one GROUP BY 1');
SELECT pg_temp.spoil('spoilt');
SELECT * FROM spoilt ORDER BY 1;
SAVEPOINT s;
-- from the middle of one bucket to the end of another: 22:00Z begins a day in Berlin, after 23:00Z did
SELECT tally.refresh_view('spoilt', '2024-03-31 12:00Z', '2024-03-31 22:00Z');
SELECT * FROM spoilt ORDER BY 1;
ROLLBACK TO s;
SELECT tally.refresh_view('spoilt', '2024-03-31 12:00Z', '2024-03-31 22:00:00.000001Z');
SELECT * FROM spoilt ORDER BY 1;
ROLLBACK TO s;
SELECT tally.refresh_view('spoilt', from_time => '2024-03-31 22:00Z');
SELECT * FROM spoilt ORDER BY 1;
ROLLBACK TO s;
SELECT tally.refresh_view('spoilt', to_time => '2024-03-30 23:00Z');
SELECT * FROM spoilt ORDER BY 1;
ROLLBACK TO s;
SELECT tally.refresh_view('spoilt', '-infinity', 'infinity');
SELECT * FROM spoilt ORDER BY 1;
ROLLBACK TO s;
SELECT tally.refresh_view('spoilt');
SELECT * FROM spoilt ORDER BY 1;
ROLLBACK;
BEGIN;
-- what the wall clock shows there: the day begins at 04:00Z
CREATE TABLE one (at timestamptz, day date);
INSERT INTO one SELECT at, at FROM (SELECT timestamptz '2024-03-30 12:00Z' + i * interval '6 hours' FROM generate_series(0, 8) i) x(at);
SELECT tally.create_view('spoilt', 'SELECT (at AT TIME ZONE ''America/New_York'')::date AS there, count(*) AS n FROM one GROUP BY 1');
SELECT pg_temp.spoil('spoilt');
SELECT * FROM spoilt ORDER BY 1;
SAVEPOINT s;
SELECT tally.refresh_view('spoilt', '2024-04-01 03:00Z', '2024-04-01 04:00Z');
SELECT * FROM spoilt ORDER BY 1;
ROLLBACK TO s;
SELECT tally.refresh_view('spoilt', to_time => '2024-03-31 04:00:00.000001Z');
SELECT * FROM spoilt ORDER BY 1;
DROP VIEW spoilt;
-- a date as it is; beside a bucket the bucket counts
SELECT tally.create_view('spoilt', 'SELECT day, count(*) AS n FROM one GROUP BY 1');
SELECT pg_temp.spoil('spoilt');
SELECT tally.refresh_view('spoilt', '2024-03-31 12:00Z', '2024-03-31 13:00Z');
SELECT * FROM spoilt ORDER BY 1;
SELECT tally.refresh_view('spoilt', '2024-03-31 12:00Z', '2024-04-01 00:00:00.000001Z');
SELECT * FROM spoilt ORDER BY 1;
DROP VIEW spoilt;
SELECT tally.create_view('spoilt', 'SELECT day, date_trunc(''month'', at, ''UTC'') AS month, count(*) AS n FROM one GROUP BY 1, 2');
SELECT pg_temp.spoil('spoilt');
SELECT tally.refresh_view('spoilt', '2024-04-01 12:00Z');
SELECT * FROM spoilt ORDER BY 1;
ROLLBACK;

-- with rows pending and in doubt, within the range and without
INSERT INTO t SELECT i, timestamptz '2024-03-29Z' + i * interval '7 hours', timestamp '2024-03-29' + i * interval '7 hours', 'k' || i % 3, i % 7, i FROM generate_series(1, 30) i;
DELETE FROM t WHERE id % 11 = 0;
UPDATE t SET at = at + interval '1 day', x = x + 1 WHERE id % 13 = 0;
SELECT tally.refresh_view(name, '2024-03-30 13:17Z', '2024-04-01 03:33Z') FROM made;
SELECT pg_temp.exact('refreshed with rows pending');
SELECT pg_temp.pending() > 0 AS others_are_still_pending;
SELECT tally.refresh_view(name, from_time => '2024-04-02Z') FROM made;
SELECT pg_temp.exact('the end');
SELECT tally.refresh_view(name, to_time => '2024-03-29 12:00Z') FROM made;
SELECT pg_temp.exact('the beginning');
SELECT tally.refresh_view(name, '2030-01-01', '2031-01-01') FROM made;
SELECT pg_temp.kept('nothing there');
DELETE FROM t WHERE at < '2024-03-31Z';
SELECT tally.refresh_view(name, '2024-03-30Z', '2024-03-31Z') FROM made;
SELECT pg_temp.kept('groups that are gone');
SELECT DISTINCT kind, status, rows_read >= 0 AS read, rows_written >= 0 AS written, error FROM tally.log;
-- a part does not satisfy a schedule
SELECT tally.create_view('scheduled', 'SELECT date_bin(''1 day'', at, ''epoch'') AS b, count(*) AS n FROM t GROUP BY 1', mode => 'incremental', schedule => '1 hour');
SELECT satisfied AS before FROM tally.progress JOIN tally.registry r USING (id) WHERE r.view = 'scheduled'::regclass \gset
SELECT tally.refresh_view('scheduled', '2024-04-01Z');
SELECT satisfied = :'before' AS unsatisfied FROM tally.progress JOIN tally.registry r USING (id) WHERE r.view = 'scheduled'::regclass;
SELECT tally.refresh_view('scheduled');
SELECT satisfied > :'before' AS satisfied FROM tally.progress JOIN tally.registry r USING (id) WHERE r.view = 'scheduled'::regclass;
-- by an index on the time
SET enable_seqscan = off;
SELECT tally.refresh_view('binned', '2024-04-01Z', '2024-04-02Z');
RESET enable_seqscan;

-- groups in doubt are found by an index on the time, and may be the last that a timestamp can have
CREATE TABLE late (at timestamptz, local timestamp);
CREATE INDEX ON late (local);
INSERT INTO late SELECT '2024-01-01Z', timestamp '2024-01-01' + i * interval '1 hour' FROM generate_series(1, 5000) i;
INSERT INTO late SELECT at, at AT TIME ZONE 'UTC' FROM unnest('{294276-12-31 23:59:59Z,4714-11-24 00:00:00Z BC,infinity,-infinity}'::timestamptz[]) x(at) CROSS JOIN generate_series(1, 2);
ANALYZE late;
SELECT pg_temp.make('last_days', 'SELECT local::date AS day, max(local) AS last FROM late GROUP BY 1');
SELECT pg_temp.make('last_years', 'SELECT date_trunc(''year'', at, ''UTC'') AS year, max(local) AS last FROM late WHERE at > ''4000-01-01 BC'' GROUP BY 1');
SELECT pg_temp.make('last_hours', 'SELECT date_trunc(''hour'', local) AS hour, max(at) AS last FROM late GROUP BY 1');
SELECT pg_temp.make('last_bins', 'SELECT date_bin(''1 day'', local, ''2000-01-01'') AS bin, max(at) AS last FROM late GROUP BY 1');
CREATE FUNCTION pg_temp.reads(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE plan jsonb; BEGIN
  EXECUTE 'EXPLAIN (ANALYZE, FORMAT JSON) ' || query INTO plan;
  RETURN CASE WHEN bool_and(node ->> 'Node Type' <> 'Seq Scan') THEN 'by the index' ELSE 'all of it' END FROM jsonb_path_query(plan, '$.** ? (@."Relation Name" == "late" && @."Actual Loops" > 0)') node;
END $$;
DELETE FROM late WHERE local = '2024-01-02 23:00';
SET enable_seqscan = off;
SELECT pg_temp.reads('SELECT * FROM last_days');
RESET enable_seqscan;
SELECT pg_temp.kept('the last of a day');
DELETE FROM late WHERE ctid IN (SELECT DISTINCT ON (at) ctid FROM late WHERE at <> '2024-01-01Z');
SELECT pg_temp.kept('the last of all');

-- what has no range
SELECT tally.create_view('by_key', 'SELECT k, count(*) AS n FROM t GROUP BY k');
SELECT tally.create_view('by_function', 'SELECT at + interval ''1 hour'' AS later, date_trunc(''decade'', local) AS decade, count(*) AS n FROM t GROUP BY 1, 2');
SELECT tally.create_view('by_own_origin', 'SELECT date_bin(''1 day'', at, at) AS b, count(*) AS n FROM t GROUP BY 1');
SELECT tally.create_view('whole', 'SELECT count(*) AS n FROM t');
SELECT pg_temp.fails($$SELECT tally.refresh_view('by_key', '2024-01-01')$$);
SELECT pg_temp.fails($$SELECT tally.refresh_view('by_function', '2024-01-01')$$);
SELECT pg_temp.fails($$SELECT tally.refresh_view('by_own_origin', NULL, '2024-01-01')$$);
SELECT pg_temp.fails($$SELECT tally.refresh_view('whole', '2024-01-01')$$);
SELECT pg_temp.fails($$SELECT tally.refresh_view('binned', '2024-01-02', '2024-01-01')$$);
SELECT pg_temp.fails($$SELECT tally.refresh_view('binned', '2024-01-02', '2024-01-02')$$);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT pg_temp.fails($$SELECT tally.refresh_view('binned', '2024-01-02')$$);
ROLLBACK;
SET client_min_messages = warning;
DROP SCHEMA views_refresh_range CASCADE;
SELECT pg_temp.left_behind();
