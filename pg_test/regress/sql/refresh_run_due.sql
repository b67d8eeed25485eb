-- tally.run_due(): what is due, in order, each view by itself; tally.view_refreshes, tally.view_log.
-- What is due is decided by tally.progress: the tests write into it, nothing waits for a clock.
\pset format unaligned
\pset tuples_only on
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_tally;
RESET client_min_messages;
CREATE SCHEMA refresh_run_due;
SET search_path = refresh_run_due, public;
CREATE FUNCTION of(view regclass) RETURNS bigint LANGUAGE sql AS $$ SELECT a.id FROM tally.all_views a WHERE a.view = $1 $$;
-- as if the views had been refreshed so long ago for the last time
CREATE FUNCTION aged(ago interval, VARIADIC views regclass[]) RETURNS void LANGUAGE sql AS $$
  UPDATE tally.progress SET satisfied = now() - ago, started = now() - ago, finished = now() - ago WHERE id IN (SELECT of(v) FROM unnest(views) v) $$;
-- what was refreshed since it was last asked, in order
CREATE TABLE seen (upto bigint);
INSERT INTO seen SELECT coalesce(max(entry), 0) FROM tally.log;
CREATE FUNCTION news() RETURNS SETOF text LANGUAGE sql AS $$
  WITH new AS (UPDATE seen SET upto = coalesce((SELECT max(entry) FROM tally.log), 0) RETURNING (SELECT upto FROM seen) AS before)
  SELECT a.view::regclass || ' ' || l.kind || ' ' || l.status || coalesce(' read ' || l.rows_read, '') || coalesce(' written ' || l.rows_written, '') || coalesce(': ' || l.error, '')
    FROM tally.log l JOIN tally.all_views a USING (id), new WHERE l.entry > new.before ORDER BY l.entry $$;
CREATE VIEW shown AS
  SELECT view, status, retry, exception, performance, last_refresh_time <= clock_timestamp() AS refreshed, last_success_time >= last_refresh_time AS succeeded,
         next_refresh_time > clock_timestamp() AS to_come, next_refresh_time < clock_timestamp() + interval '25 hours' AS soon FROM tally.view_refreshes ORDER BY view::text;

CREATE TABLE t (k int, x int);
INSERT INTO t SELECT i % 3, i FROM generate_series(1, 9) i;
SELECT tally.create_view('days', 'SELECT k, sum(x) AS s FROM t WHERE x < 1000 GROUP BY k ORDER BY k LIMIT 10', schedule => '1 day');
CREATE VIEW plain AS SELECT k, s FROM days;
SELECT tally.create_view('above', 'SELECT max(s) AS m, count(*) AS n FROM plain', schedule => '1 day', mode => 'refreshable');
SELECT tally.create_view('kept', 'SELECT k, count(*) AS n FROM t GROUP BY k', schedule => '1 day', mode => 'incremental');
SELECT tally.create_view('plainly_kept', 'SELECT k, sum(x) AS s FROM t GROUP BY k');
SELECT * FROM shown;
SELECT * FROM news();
\echo nothing is due
SELECT tally.run_due();
SELECT * FROM news();
\echo the view below first, though the one above has waited for longer
INSERT INTO t VALUES (3, 100);
SELECT aged('2 days', 'days', 'kept'), aged('5 days', 'above');
SELECT view, next_refresh_time < now() AS late FROM tally.view_refreshes ORDER BY view::text;
SELECT tally.run_due();
SELECT * FROM news();
TABLE above;
SELECT tally.run_due();
SELECT * FROM shown;
\echo one below that is not due is not waited for
SELECT aged('2 days', 'above');
SELECT tally.run_due();
SELECT * FROM news();

\echo a view that fails keeps its rows, and stops nobody
SELECT tally.create_view('fragile', 'SELECT k, sum(100 / x) AS s FROM t WHERE x < 1000 GROUP BY k', schedule => '1 day', mode => 'refreshable');
SELECT tally.create_view('upon', 'SELECT count(*) AS n FROM fragile', schedule => '1 day', mode => 'refreshable');
INSERT INTO t VALUES (4, 0);
SELECT aged('2 days', 'fragile', 'days', 'above', 'upon');
SELECT * FROM news();
SELECT tally.run_due();
SELECT * FROM news();
SELECT count(*) FROM fragile;
SELECT * FROM shown;
SELECT view, status, error FROM tally.view_log WHERE status <> 'ok';
SELECT last_error FROM tally.views WHERE view = 'fragile'::regclass;
\echo it is not tried again at once
SELECT tally.run_due();
\echo but after a while
UPDATE tally.progress SET finished = now() - interval '1 hour' WHERE id = of('fragile');
SELECT tally.run_due();
SELECT view, status, retry FROM tally.view_refreshes WHERE view = 'fragile'::regclass;
\echo it is repaired by hand
UPDATE t SET x = 50 WHERE x = 0;
SELECT tally.refresh_view('fragile');
SELECT * FROM shown WHERE view = 'fragile'::regclass;
SELECT * FROM news();
\echo and what reads it is not behind any longer
SELECT view, next_refresh_time > now() AS to_come FROM tally.view_refreshes WHERE view IN ('fragile'::regclass, 'upon'::regclass) ORDER BY view::text;
SELECT tally.run_due();
SELECT * FROM news();
SELECT tally.run_due();

\echo an attempt that never ended is a failure
UPDATE tally.progress SET finished = NULL WHERE id = of('days');
INSERT INTO tally.log (id, kind, started, status) SELECT of('days'), 'refresh', now(), 'running';
SELECT view, status, retry, exception FROM tally.view_refreshes WHERE view = 'days'::regclass;
SELECT tally.run_due();
SELECT view, status, retry, exception FROM tally.view_refreshes WHERE view = 'days'::regclass;
SELECT * FROM news();
SELECT tally.refresh_view('days');
SELECT * FROM news();
\echo a clock that was wrong
UPDATE tally.progress SET satisfied = now() + interval '30 days' WHERE id = of('days');
SELECT tally.run_due();
SELECT satisfied <= clock_timestamp() FROM tally.progress WHERE id = of('days');
SELECT status, soon FROM shown WHERE view = 'days'::regclass;

\echo paused
SELECT tally.alter_view('days', paused => true);
SELECT aged('2 days', 'days', 'above');
SELECT * FROM shown WHERE view = 'days'::regclass;
SELECT tally.run_due();
SELECT * FROM news();
SELECT tally.alter_view('days', paused => false);
SELECT tally.run_due();
SELECT * FROM news();

\echo timeouts: the views own one is a failure of the view, the sessions is one of the statement
SELECT tally.create_view('slow', 'SELECT pg_sleep(CASE WHEN (SELECT count(*) FROM t) > 11 THEN 60 ELSE 0 END)::text AS z', schedule => '1 day');
INSERT INTO t VALUES (5, 60);
SELECT tally.alter_view('slow', timeout => '50 ms');
SELECT aged('2 days', 'slow');
SELECT tally.run_due();
SELECT view, status, exception FROM tally.view_refreshes WHERE view = 'slow'::regclass;
SELECT * FROM news();
SELECT tally.alter_view('slow', reset => ARRAY['timeout']);
SET tally.refresh_timeout = '60 ms';
UPDATE tally.progress SET failures = 0 WHERE id = of('slow');
SELECT tally.run_due();
RESET tally.refresh_timeout;
UPDATE tally.progress SET failures = 0 WHERE id = of('slow');
SET statement_timeout = '200 ms';
SELECT tally.run_due();
RESET statement_timeout;
SELECT * FROM news();
SELECT tally.drop_view('slow');

\echo a view that looks at how refreshes go sees itself running, as others do, and its failures as long as it has not succeeded
CREATE TABLE looks (n int GENERATED ALWAYS AS IDENTITY, what text);
CREATE FUNCTION look() RETURNS int LANGUAGE plpgsql AS $$ BEGIN
  INSERT INTO refresh_run_due.looks (what) SELECT concat_ws(' ', status, retry, exception) FROM tally.view_refreshes WHERE view = 'refresh_run_due.looking'::regclass;
  INSERT INTO refresh_run_due.looks (what) SELECT concat_ws(' ', severity, regexp_replace(problem, '\d+ minutes', 'some minutes'), hint) FROM tally.health() WHERE view = 'refresh_run_due.looking'::regclass;
  PERFORM tally.run_due();
  RETURN 1; END $$;
SELECT tally.create_view('looking', 'SELECT look() AS one', schedule => '1 day');
SELECT aged('2 days', 'looking');
SELECT tally.run_due();
SELECT tally.refresh_view('looking');
UPDATE tally.progress SET failures = 2, exception = 'division by zero', satisfied = now() - interval '3 days', finished = now() - interval '1 day' WHERE id = of('looking');
SELECT tally.run_due();
SELECT what FROM looks ORDER BY n;
SELECT * FROM shown WHERE view = 'looking'::regclass;
SELECT * FROM news();
(TABLE looking EXCEPT ALL SELECT 1) UNION ALL (SELECT 1 EXCEPT ALL TABLE looking);
\echo one that has been at work for longer than the time to the next
BEGIN;
SELECT tally.alter_view('looking', schedule => '1 hour');
UPDATE tally.progress SET started = now() - interval '5 hours', finished = NULL WHERE id = of('looking');
TRUNCATE looks;
SELECT tally.refresh_view('looking');
SELECT what FROM looks ORDER BY n;
ROLLBACK;
SELECT tally.drop_view('looking');
\echo a refresh in a prepared transaction is still at work
BEGIN;
SELECT tally.refresh_view('days');
PREPARE TRANSACTION 'refresh_run_due';
SELECT r.status, p.phase FROM tally.view_refreshes r JOIN tally.view_progress p USING (view) WHERE view = 'days'::regclass;
COMMIT PREPARED 'refresh_run_due';
SELECT status FROM tally.view_refreshes WHERE view = 'days'::regclass;
\echo where it is refused
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT tally.run_due();
ROLLBACK;
BEGIN READ ONLY;
SELECT tally.run_due();
ROLLBACK;
\echo a rollback takes all of it away
SELECT aged('2 days', 'days');
BEGIN;
SELECT tally.run_due();
ROLLBACK;
SELECT * FROM news();
SELECT next_refresh_time < now() AS still_due FROM tally.view_refreshes WHERE view = 'days'::regclass;

\echo others do not see errors, and refresh only what is theirs
CREATE ROLE refresh_run_due_other;
GRANT ALL ON SCHEMA refresh_run_due TO refresh_run_due_other;
GRANT SELECT ON shown, t TO refresh_run_due_other;
ALTER TABLE t OWNER TO refresh_run_due_other;
UPDATE t SET x = 0 WHERE x = 50;
SELECT aged('2 days', 'fragile');
SELECT tally.run_due();
SET ROLE refresh_run_due_other;
SELECT tally.create_view('theirs', 'SELECT count(*) AS n FROM t WHERE now() IS NOT NULL', schedule => '1 day');
SELECT view, status, exception FROM tally.view_refreshes ORDER BY view::text;
SELECT view, status, error FROM tally.view_log WHERE view = 'fragile'::regclass AND status = 'failed' ORDER BY started DESC LIMIT 1;
SELECT severity, view, problem, hint FROM tally.health() WHERE view IS NOT NULL;
RESET ROLE;
SELECT aged('2 days', 'theirs', 'days');
SET ROLE refresh_run_due_other;
SELECT tally.run_due();
SELECT tally.start_worker();
TABLE tally.progress;
RESET ROLE;
SELECT * FROM news();
\echo one row per problem
SELECT tally.alter_view('days', schedule => '1 hour');
UPDATE tally.progress SET last_duration = interval '3 hours', satisfied = now() WHERE id = of('days');
SELECT aged('3 days', 'above');
SELECT format('COMMENT ON VIEW tally_data.v%s_query IS ''mine''', of('upon')) \gexec
ALTER TABLE t DISABLE TRIGGER ALL;
SELECT severity, view, regexp_replace(problem, '\d+ minutes', 'some minutes') AS problem, hint FROM tally.health() WHERE view IS NOT NULL;
SELECT count(*) FROM tally.health() WHERE view IS NULL AND problem LIKE '%only by hand';
SELECT view FROM tally.view_refreshes ORDER BY view::text;
SELECT format('COMMENT ON VIEW tally_data.v%s_query IS NULL', of('upon')) \gexec
ALTER TABLE t ENABLE TRIGGER ALL;
SELECT tally.alter_view('days', schedule => '1 day');
UPDATE t SET x = 50 WHERE x = 0;
SELECT * FROM tally.view_progress;
\echo every view is what its query gives
SELECT tally.refresh_view(view::text) FROM (SELECT unnest(ARRAY['days', 'above', 'theirs', 'kept', 'fragile']) AS view) v;
(TABLE days EXCEPT ALL SELECT k, sum(x) FROM t WHERE x < 1000 GROUP BY k) UNION ALL (SELECT k, sum(x) FROM t WHERE x < 1000 GROUP BY k EXCEPT ALL TABLE days);
(TABLE above EXCEPT ALL SELECT max(s), count(*) FROM plain) UNION ALL (SELECT max(s), count(*) FROM plain EXCEPT ALL TABLE above);
(TABLE theirs EXCEPT ALL SELECT count(*) FROM t) UNION ALL (SELECT count(*) FROM t EXCEPT ALL TABLE theirs);
(TABLE fragile EXCEPT ALL SELECT k, sum(100 / x) FROM t WHERE x < 1000 GROUP BY k) UNION ALL (SELECT k, sum(100 / x) FROM t WHERE x < 1000 GROUP BY k EXCEPT ALL TABLE fragile);
(TABLE kept EXCEPT ALL SELECT k, count(*) FROM t GROUP BY k) UNION ALL (SELECT k, count(*) FROM t GROUP BY k EXCEPT ALL TABLE kept);
SELECT * FROM tally.health() WHERE view IS NOT NULL;
SET client_min_messages = warning;
DROP SCHEMA refresh_run_due CASCADE;
DELETE FROM tally.log;
DROP OWNED BY refresh_run_due_other;
DROP ROLE refresh_run_due_other;
SELECT count(*) FROM tally.view_refreshes;
