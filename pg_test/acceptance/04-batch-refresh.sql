-- A nightly batch over an application's usage: views refreshed on a schedule or by hand, in order, with a log, a status, and a failure that is seen.
-- With the background worker and without: tally.run_due() does one round of its work.
\ir common.sql
DROP TABLE IF EXISTS usage CASCADE;
CREATE TABLE usage (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, day date, person int, tool text, cost numeric, parts int DEFAULT 1);
INSERT INTO usage (day, person, tool, cost) SELECT CURRENT_DATE - i % 30, i % 50, 'tool ' || i % 4, i / 10.0 FROM generate_series(1, 3000) i;

-- Until whoever refreshes has begun after this was called, with every view that is due every second and not paused.
CREATE PROCEDURE pg_temp.settled() LANGUAGE plpgsql AS $$
DECLARE since timestamptz := clock_timestamp();
BEGIN
  FOR i IN 1..400 LOOP
    PERFORM tally.run_due();
    COMMIT;
    EXIT WHEN NOT EXISTS (
      SELECT FROM tally.view_refreshes WHERE view::text NOT IN ('top_people') AND status <> 'paused' AND (status = 'running' OR last_refresh_time < since));
    PERFORM pg_sleep(0.02);
  END LOOP;
  IF clock_timestamp() > since + interval '20 seconds' THEN RAISE EXCEPTION 'not settled'; END IF;
END $$;

-- What goes by the clock cannot be incremental; the error says what and where, and the way out.
DO $$
BEGIN
  PERFORM tally.create_view('never', 'SELECT count(*) FROM usage WHERE day < CURRENT_DATE', mode => 'incremental');
  RAISE EXCEPTION 'not refused' USING ERRCODE = 'ZZ000';
EXCEPTION WHEN feature_not_supported OR invalid_object_definition THEN
  IF SQLERRM !~* 'current_date' THEN RAISE EXCEPTION 'the error does not name CURRENT_DATE: %', SQLERRM; END IF;
END $$;

\set daily 'SELECT day, tool, count(*) AS uses FROM usage WHERE day < CURRENT_DATE GROUP BY 1, 2'
\set monthly 'SELECT date_trunc(''month'', day) AS month, sum(uses) AS uses FROM daily GROUP BY 1'
\set monthly_anew 'SELECT date_trunc(''month'', day), count(*)::numeric FROM usage WHERE day < CURRENT_DATE GROUP BY 1'
\set top 'SELECT person, sum(cost) AS cost FROM usage WHERE day >= CURRENT_DATE - 7 GROUP BY 1 ORDER BY cost DESC, person LIMIT 10'
SELECT tally.create_view('daily', :'daily', schedule => '1 second');
SELECT tally.create_view('top_people', :'top', schedule => '0 2 * * *');
SELECT tally.create_view('monthly', :'monthly', schedule => '1 second');
SELECT pg_temp.equal('filled as it is made', 'TABLE daily', :'daily');
SELECT pg_temp.equal('a night away', $$SELECT next_refresh_time > now() AND next_refresh_time < now() + interval '25 hours' FROM tally.view_refreshes WHERE view = 'top_people'::regclass$$, 'SELECT true');

-- load, refresh in order, validate
INSERT INTO usage (day, person, tool, cost) SELECT CURRENT_DATE - 3, i, 'new tool', 5000 FROM generate_series(1, 20) i;
CALL pg_temp.settled();
SELECT pg_temp.equal('refreshed when due', 'TABLE daily', :'daily');
SELECT pg_temp.equal('after the view that it reads', 'TABLE monthly', :'monthly_anew');
SELECT pg_temp.equal('left alone until its hour', 'SELECT count(*) FROM top_people WHERE cost > 5000', 'SELECT 0::bigint');
SELECT tally.refresh_view('top_people');
SELECT pg_temp.equal('by hand', 'TABLE top_people', :'top');
SELECT pg_temp.equal('all of the new ones', 'SELECT count(*) FROM top_people WHERE cost > 5000', 'SELECT 10::bigint');

-- a view that fails keeps what it had, and says why
SELECT tally.create_view('shares', 'SELECT tool, sum(cost / parts) AS cost FROM usage WHERE day <= CURRENT_DATE GROUP BY 1', schedule => '1 second');
UPDATE usage SET parts = 0 WHERE id = 1;
INSERT INTO usage (day, tool) VALUES (CURRENT_DATE, 'another');
CALL pg_temp.settled();
SELECT pg_temp.equal('what it had', 'SELECT count(*) FROM shares', 'SELECT 5::bigint');
SELECT pg_temp.equal('shown', $$SELECT status, exception, retry > 0, last_success_time < last_refresh_time FROM tally.view_refreshes WHERE view = 'shares'::regclass$$, $$SELECT 'failed', 'division by zero', true, true$$);
SELECT pg_temp.equal('logged', $$SELECT DISTINCT kind, error FROM tally.view_log WHERE view = 'shares'::regclass AND status = 'failed'$$, $$SELECT 'refresh', 'division by zero'$$);
SELECT pg_temp.equal('and a problem', $$SELECT severity, problem LIKE '%division by zero%' FROM tally.health() WHERE view = 'shares'::regclass$$, $$SELECT 'error', true$$);
SELECT pg_temp.equal('the others go on', 'TABLE daily', :'daily');
UPDATE usage SET parts = 1;
SELECT tally.refresh_view('shares');
SELECT pg_temp.equal('mended', $$SELECT status, exception IS NULL, performance FROM tally.view_refreshes WHERE view = 'shares'::regclass$$, $$SELECT 'ok', true, 'fast'$$);
SELECT pg_temp.equal('and right', 'TABLE shares', 'SELECT tool, sum(cost / parts) FROM usage WHERE day <= CURRENT_DATE GROUP BY 1');

SELECT tally.alter_view('daily', paused => true);
INSERT INTO usage (day, person, tool, cost) VALUES (CURRENT_DATE - 1, 1, 'while paused', 1);
CALL pg_temp.settled();
SELECT pg_temp.equal('paused', $$SELECT count(*) FROM daily WHERE tool = 'while paused'$$, 'SELECT 0::bigint');
SELECT tally.alter_view('daily', paused => false);
CALL pg_temp.settled();
SELECT pg_temp.equal('resumed', 'TABLE daily', :'daily');
SELECT pg_temp.equal('and what reads it', 'TABLE monthly', :'monthly_anew');
-- the report: one line per view
SELECT pg_temp.equal('a report', $$SELECT view::text, status, performance FROM tally.view_refreshes$$, $$VALUES ('daily', 'ok', 'fast'), ('monthly', 'ok', 'fast'), ('shares', 'ok', 'fast'), ('top_people', 'ok', 'fast')$$);
SELECT tally.drop_view('monthly'), tally.drop_view('daily'), tally.drop_view('top_people'), tally.drop_view('shares');
DROP TABLE usage;
SELECT 1 / (count(*) = 0)::int FROM tally.view_refreshes;
\o
\echo 04 ok
