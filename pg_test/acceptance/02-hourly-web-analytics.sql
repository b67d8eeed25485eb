-- Wide hourly roll-ups of events and sessions: twenty keys, most of them nullable or defaulted, states by the dozen.
\ir common.sql
DROP TABLE IF EXISTS web_events CASCADE; DROP TABLE IF EXISTS web_sessions CASCADE;
CREATE TABLE web_events (workspace text, project text, campaign text, environment text, at timestamptz NOT NULL, event_id text, session_id text, user_id text, amount numeric, currency text,
  seconds_on_page float8, device text, country text, city text, utm_source text, utm_medium text, referrer text, browser text, os text);
CREATE TABLE web_sessions (workspace text, project text, at timestamptz NOT NULL, session_id text, user_id text, is_returning int, duration float8, device text, is_mobile int, country text, landing_page text);
SELECT setseed(0.6);
CREATE FUNCTION pg_temp.fill(n int, day timestamptz) RETURNS void LANGUAGE sql AS $f$
INSERT INTO web_events SELECT 'w' || i % 3, 'p' || i % 4, CASE WHEN i % 5 > 0 THEN 'c' || i % 6 END, 'prod', day + random() * interval '22 hours', (ARRAY['view', 'leave', 'click', 'buy'])[1 + i % 4],
  's' || (random() * n / 8)::int, CASE WHEN i % 17 > 0 THEN 'u' || (random() * n / 20)::int END, CASE WHEN i % 4 = 3 THEN round((random() * 70)::numeric, i % 3) END, (ARRAY['USD', 'EUR', NULL])[1 + i % 3],
  CASE WHEN i % 4 = 1 THEN (random() * 300)::int END, (ARRAY['desktop', 'mobile', '', NULL])[1 + i % 4], (ARRAY['DE', 'US', 'IN', NULL])[1 + (i / 3) % 4], '', NULL, '', 'web', (ARRAY['Firefox', 'Chrome'])[1 + i % 2], 'Linux'
FROM generate_series(1, n) i;
INSERT INTO web_sessions SELECT 'w' || i % 3, 'p' || i % 4, day + random() * interval '22 hours', 's' || i, 'u' || (random() * n / 3)::int, (i % 3 = 0)::int, CASE WHEN i % 7 > 0 THEN (random() * 90)::int END, 'mobile', 1, 'DE', 'lp' || i % 5
FROM generate_series(1, n) i;
$f$;
SELECT pg_temp.fill(4000, '2024-05-10Z');
SELECT tally.create_view('web_hourly', $$
  SELECT workspace, project, campaign, environment, date_trunc('hour', at, 'UTC') AS hour, event_id,
         sum_state(1) AS events, uniq_state(session_id) AS sessions, uniq_state(user_id) AS users,
         sum_state(CASE WHEN currency = 'USD' THEN amount ELSE 0 END) AS usd, sum_state((event_id = 'leave')::int) AS leaves, sum_state(coalesce(seconds_on_page, 0)::numeric) AS seconds,
         coalesce(nullif(device, ''), 'Unknown') AS device, coalesce(nullif(country, ''), 'Unknown') AS country, coalesce(nullif(city, ''), 'Unknown') AS city,
         coalesce(nullif(utm_source, ''), 'Direct') AS utm_source, coalesce(nullif(utm_medium, ''), 'Direct') AS utm_medium, coalesce(nullif(referrer, ''), 'Direct') AS referrer, browser, os
  FROM web_events GROUP BY 1, 2, 3, 4, 5, 6, 13, 14, 15, 16, 17, 18, 19, 20 $$);
SELECT tally.create_view('sessions_by_hour', $$
  SELECT workspace, project, date_trunc('hour', at, 'UTC') AS hour, extract(hour FROM at AT TIME ZONE 'UTC') AS hour_of_day, extract(isodow FROM at AT TIME ZONE 'UTC') AS day_of_week, device, is_mobile, landing_page,
         sum_state(1) AS sessions, uniq_state(user_id) AS users, sum_state(CASE WHEN is_returning = 1 THEN 1 ELSE 0 END) AS returning_sessions, sum_state(coalesce(duration, 0)::numeric) AS duration,
         sum_state(CASE WHEN duration < 3 THEN 1 ELSE 0 END) AS bounced
  FROM web_sessions GROUP BY 1, 2, 3, 4, 5, 6, 7, 8 $$);
CREATE FUNCTION pg_temp.check(what text) RETURNS void LANGUAGE sql AS $f$
  SELECT pg_temp.equal(what || ': events', 'SELECT hour, country, sum_merge(events), uniq_merge(sessions), uniq_merge(users), sum_merge(usd)::text, sum_merge(leaves), sum_merge(seconds) FROM web_hourly GROUP BY 1, 2',
    'SELECT date_trunc(''hour'', at, ''UTC''), coalesce(nullif(country, ''''), ''Unknown''), count(*)::numeric, uniq(session_id), uniq(user_id), sum(CASE WHEN currency = ''USD'' THEN amount ELSE 0 END)::text, sum((event_id = ''leave'')::int)::numeric, sum(coalesce(seconds_on_page, 0)::numeric) FROM web_events GROUP BY 1, 2');
  SELECT pg_temp.equal(what || ': groups', 'SELECT count(*) FROM web_hourly',
    'SELECT count(*) FROM (SELECT DISTINCT workspace, project, campaign, date_trunc(''hour'', at, ''UTC''), event_id, nullif(device, ''''), country, browser FROM web_events) x');
  SELECT pg_temp.equal(what || ': sessions', 'SELECT workspace, hour_of_day, sum_merge(sessions), uniq_merge(users), sum_merge(returning_sessions), sum_merge(duration), sum_merge(bounced) FROM sessions_by_hour GROUP BY 1, 2',
    'SELECT workspace, extract(hour FROM at AT TIME ZONE ''UTC''), count(*)::numeric, uniq(user_id), sum((is_returning = 1)::int)::numeric, sum(coalesce(duration, 0)::numeric), sum(CASE WHEN duration < 3 THEN 1 ELSE 0 END)::numeric FROM web_sessions GROUP BY 1, 2');
$f$;
SELECT pg_temp.check('filled');
SELECT pg_temp.fill(1500, '2024-05-11Z');
SELECT pg_temp.check('going on');
SELECT pg_temp.maintained('web_hourly'), pg_temp.maintained('sessions_by_hour');
DELETE FROM web_sessions WHERE session_id LIKE '%3';
UPDATE web_events SET country = 'FR', device = NULL WHERE country = 'US' AND user_id LIKE '%1';
SELECT pg_temp.check('corrected');
SET timezone = 'Asia/Kathmandu';
SELECT pg_temp.check('read in another zone');
INSERT INTO web_events (workspace, at, event_id, user_id) VALUES ('w0', '2024-05-11 00:30:00Z', 'view', 'u0');
SELECT pg_temp.check('written in another zone');
SELECT tally.compact();
SELECT pg_temp.check('compacted');
DROP VIEW web_hourly;
DROP TABLE web_sessions CASCADE;
SELECT 1 / (count(*) = 0)::int FROM tally.views;
\o
\echo 02 ok
