-- Plain aggregates over an application's events: a summary, hourly statistics, per user, per user and day, and totals.
\ir common.sql
DROP TABLE IF EXISTS app_events CASCADE;
CREATE TABLE app_events (id text PRIMARY KEY, at timestamptz NOT NULL, user_id text, kind text, value float8);
CREATE INDEX ON app_events (user_id);
SELECT setseed(0.9);
INSERT INTO app_events SELECT 'e' || i, '2024-03-01Z'::timestamptz + random() * interval '3 days', 'u' || (random() * 60)::int, (ARRAY['view', 'buy', 'share'])[1 + i % 3], (random() * 1000)::int / 8.0 FROM generate_series(1, 3000) i;
\set summary 'SELECT kind, count(*) AS count, sum(value) AS total_value, max(at) AS last_seen FROM app_events GROUP BY kind'
\set hourly 'SELECT date_trunc(''hour'', at, ''UTC'') AS hour, kind, count(*) AS count, avg(value) AS avg_value FROM app_events GROUP BY 1, 2'
\set by_user 'SELECT user_id, count(*) AS events, sum(value) AS total_value, max(at) AS last_activity, max(at) - min(at) AS active_for FROM app_events GROUP BY user_id HAVING count(*) > 1'
\set activity 'SELECT user_id, (at AT TIME ZONE ''UTC'')::date AS date, count(*) AS events, count(DISTINCT kind) AS kinds, string_agg(DISTINCT kind, '','' ORDER BY kind) AS which FROM app_events GROUP BY 1, 2'
\set totals 'SELECT count(*) AS events, count(DISTINCT user_id) AS users, sum(value) AS total_value, avg(value) AS avg_value, count(*) FILTER (WHERE kind = ''buy'') AS bought FROM app_events'
SELECT tally.create_view('event_summary', :'summary', order_by => ARRAY['kind']);
SELECT tally.create_view('hourly_stats', :'hourly');
SELECT tally.create_view('user_stats', :'by_user');
SELECT tally.create_view('user_activity', :'activity');
SELECT tally.create_view('"Totals"', :'totals');
PREPARE checks(text) AS SELECT pg_temp.equal($1 || ': summary', 'TABLE event_summary', :'summary'), pg_temp.equal($1 || ': hourly', 'TABLE hourly_stats', :'hourly'),
  pg_temp.equal($1 || ': by user', 'TABLE user_stats', :'by_user'), pg_temp.equal($1 || ': activity', 'TABLE user_activity', :'activity'), pg_temp.equal($1 || ': totals', 'TABLE "Totals"', :'totals');
EXECUTE checks('history');
INSERT INTO app_events SELECT 'n' || i, '2024-03-04Z'::timestamptz + i * interval '1 minute', 'u' || i % 75, 'view', i / 4.0 FROM generate_series(1, 500) i;
EXECUTE checks('inserted');
SELECT pg_temp.maintained('event_summary'), pg_temp.maintained('hourly_stats'), pg_temp.maintained('user_stats'), pg_temp.maintained('user_activity'), pg_temp.maintained('"Totals"');
UPDATE app_events SET value = value * 2, at = at - interval '90 minutes' WHERE user_id IN ('u5', 'u6');
DELETE FROM app_events WHERE kind = 'share' AND user_id < 'u3';
EXECUTE checks('corrected and removed');
INSERT INTO app_events VALUES ('e1', now(), 'u1', 'buy', 1), ('e2', '2024-03-09Z', NULL, NULL, NULL) ON CONFLICT (id) DO UPDATE SET value = excluded.value, kind = 'upserted', at = '2024-03-08Z';
EXECUTE checks('upserted');
MERGE INTO app_events e USING (VALUES ('e3', 1.5), ('m1', 2.5), ('e4', NULL)) AS s(id, value) ON e.id = s.id
  WHEN MATCHED AND s.value IS NULL THEN DELETE WHEN MATCHED THEN UPDATE SET value = s.value WHEN NOT MATCHED THEN INSERT VALUES (s.id, '2024-03-03Z', 'merged', 'buy', s.value);
EXECUTE checks('merged');
WITH gone AS (DELETE FROM app_events WHERE user_id = 'u7' RETURNING *), back AS (INSERT INTO app_events SELECT id || 'x', at, 'u8', kind, value FROM gone RETURNING 1)
  UPDATE app_events SET kind = 'touched' WHERE user_id = 'u9';
EXECUTE checks('three changes in one statement');
COPY app_events FROM STDIN;
c1	2024-03-05 00:00:00Z	u1	copied	1.25
c2	2024-03-05 00:00:01Z	\N	copied	\N
\.
EXECUTE checks('copied');
ALTER TABLE app_events RENAME COLUMN value TO amount;
ALTER TABLE app_events RENAME TO application_events;
INSERT INTO application_events VALUES ('r1', '2024-03-05Z', 'u1', 'renamed', 3);
SELECT pg_temp.equal('renamed', 'TABLE event_summary', 'SELECT kind, count(*), sum(amount), max(at) FROM application_events GROUP BY kind');
SELECT pg_temp.maintained('event_summary');
DO $$ BEGIN ALTER TABLE application_events DROP COLUMN amount; RAISE EXCEPTION 'not refused' USING ERRCODE = 'ZZ000'; EXCEPTION WHEN dependent_objects_still_exist THEN NULL; END $$;
ALTER TABLE application_events RENAME TO app_events;
ALTER TABLE app_events RENAME COLUMN amount TO value;
TRUNCATE app_events;
EXECUTE checks('truncated');
INSERT INTO app_events VALUES ('a', '2024-03-05Z', 'u1', 'anew', 3);
EXECUTE checks('anew');
SELECT tally.compact();
EXECUTE checks('compacted');
DROP TABLE app_events CASCADE;
SELECT 1 / (count(*) = 0)::int FROM tally.views;
\o
\echo 03 ok
