-- tally.view_progress: what is at work on views, seen from the transaction that works. What others see is in the isolation test progress.
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_tally;
CREATE SCHEMA views_progress;
SET search_path = views_progress, public;
RESET client_min_messages;
CREATE TABLE t (ts timestamptz NOT NULL, k int, x int);
INSERT INTO t SELECT now() - interval '1 hour' * i, i % 3, i FROM generate_series(1, 100) i;
SELECT tally.create_view('v', $$ SELECT date_bin('1 hour', ts, 'epoch') AS hour, count(*) AS n, sum(x) AS s FROM t GROUP BY 1 $$, retention => '2 days');
SELECT tally.create_view('w', 'SELECT k, min(x) AS least FROM t GROUP BY k');
SELECT tally.create_view('r', 'SELECT k, count(*) AS n FROM t GROUP BY k', mode => 'refreshable');
CREATE VIEW shown AS SELECT view, kind, started = transaction_timestamp() AS since_now, pid = pg_backend_pid() AS own, phase FROM tally.view_progress ORDER BY view::text, kind;
\echo nothing is at work
TABLE shown;
\echo a compaction
INSERT INTO t VALUES (now(), 1, 1), (now(), 2, 2);
BEGIN;
SELECT tally.compact('v') > 0;
TABLE shown;
SELECT tally.compact() > 0;
TABLE shown;
ROLLBACK;
TABLE shown;
\echo a view that is filled from its source
TRUNCATE t;
INSERT INTO t SELECT now() - interval '1 hour' * i, i % 3, i FROM generate_series(1, 100) i;
BEGIN;
SELECT tally.compact('w') > 0;
TABLE shown;
COMMIT;
TABLE shown;
\echo refreshes, also of an incremental view, are refreshes only
BEGIN;
SELECT tally.refresh_view('w');
SELECT tally.refresh_view('r');
TABLE shown;
COMMIT;
\echo retention
INSERT INTO t VALUES (now() - interval '3 days', 1, 1);
BEGIN;
SELECT tally.enforce_retention('v') >= 0;
TABLE shown;
COMMIT;
SELECT tally.set_source_retention('t', 'ts', '3 days');
INSERT INTO t VALUES (now() - interval '6 days', 1, 1);
BEGIN;
SELECT tally.enforce_retention('t') > 0;
TABLE shown;
\echo who may not see what others do does not see since when they do it
SET LOCAL client_min_messages = warning;
CREATE ROLE views_progress_other;
GRANT USAGE ON SCHEMA views_progress TO views_progress_other;
SET LOCAL ROLE views_progress_other;
SELECT view, kind, started IS NULL, pid = pg_backend_pid(), phase FROM tally.view_progress ORDER BY view::text;
ROLLBACK;
\echo what the columns are
SELECT a.attname, pg_catalog.col_description(a.attrelid, a.attnum) FROM pg_attribute a WHERE a.attrelid = 'tally.view_progress'::regclass AND a.attnum > 0 ORDER BY a.attnum;
(TABLE w EXCEPT ALL SELECT k, min(x) FROM t GROUP BY k) UNION ALL (SELECT k, min(x) FROM t GROUP BY k EXCEPT ALL TABLE w);
SET client_min_messages = warning;
DROP SCHEMA views_progress CASCADE;
SELECT tally.compact();
