-- The five-minute roll-up of web events as states, filled from history and kept by every kind of write; read by merging.
\ir common.sql
DROP TABLE IF EXISTS events CASCADE;
CREATE TABLE events (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ts timestamptz NOT NULL, user_id bigint, event text, revenue numeric(18,4));
CREATE INDEX ON events (ts);
SELECT setseed(0.25);
INSERT INTO events (ts, user_id, event, revenue)
  SELECT '2024-02-01Z'::timestamptz + i * interval '9 seconds', (random() * 400)::bigint, (ARRAY['view', 'click', 'cart', 'purchase'])[1 + i % 4], CASE WHEN i % 4 = 3 THEN round((random() * 80)::numeric, 2) END
  FROM generate_series(1, 15000) i;
SELECT tally.create_view('events_5m', $$
  SELECT date_bin('5 minutes', ts, 'epoch') AS "window", event,
         sum_state(1) AS hits, uniq_state(user_id) AS uniq_users, sum_state(revenue) AS revenue, avg_state(revenue) AS mean
  FROM events GROUP BY 1, 2 $$);

CREATE FUNCTION pg_temp.check(what text) RETURNS void LANGUAGE sql AS $f$
  SELECT pg_temp.equal(what || ', one row per group', 'SELECT "window", event, finalize(hits), finalize(uniq_users), finalize(revenue)::text, finalize(mean)::text FROM events_5m',
    'SELECT date_bin(''5 minutes'', ts, ''epoch''), event, count(*)::numeric, uniq(user_id), sum(revenue)::text, avg(revenue)::text FROM events GROUP BY 1, 2');
  SELECT pg_temp.equal(what || ', rolled up to days', 'SELECT date_trunc(''day'', "window", ''UTC''), sum_merge(hits), uniq_merge(uniq_users), sum_merge(revenue)::text, avg_merge(mean)::text FROM events_5m GROUP BY 1',
    'SELECT date_trunc(''day'', ts, ''UTC''), count(*)::numeric, uniq(user_id), sum(revenue)::text, avg(revenue)::text FROM events GROUP BY 1');
  SELECT pg_temp.equal(what || ', merged twice', 'SELECT uniq_merge(u), sum_merge(r) FROM (SELECT event, uniq_merge_state(uniq_users) AS u, sum_merge_state(revenue) AS r FROM events_5m GROUP BY 1) x',
    'SELECT uniq(user_id), sum(revenue) FROM events');
$f$;
SELECT pg_temp.check('history');
INSERT INTO events (ts, user_id, event, revenue) SELECT '2024-02-02Z'::timestamptz + i * interval '1 second', i % 700, 'view', NULL FROM generate_series(1, 20000) i;
INSERT INTO events (ts, user_id, event, revenue) VALUES ('2024-02-01 00:00:01Z', 1, 'late', 0.5), ('1969-12-31 23:59Z', NULL, NULL, NULL);
SELECT pg_temp.check('bulk, late and NULL rows');
SELECT pg_temp.maintained('events_5m');
BEGIN;
UPDATE events SET event = 'refund', revenue = -revenue WHERE event = 'purchase' AND id % 40 = 3;
SELECT pg_temp.check('in the writer''s own transaction');
SAVEPOINT s;
DELETE FROM events WHERE id % 2 = 0;
SELECT pg_temp.check('after a savepoint');
ROLLBACK TO s;
SELECT pg_temp.check('and back');
COMMIT;
DELETE FROM events WHERE user_id % 13 = 5;
UPDATE events SET ts = ts + interval '7 minutes' WHERE id % 83 = 0;
SELECT pg_temp.check('removed and moved between windows');
SELECT pg_temp.maintained('events_5m');
SELECT pg_temp.check('compacted');
INSERT INTO events_5m SELECT date_bin('5 minutes', '2019-01-01Z'::timestamptz, 'epoch'), 'import', sum_state(1), uniq_state(x), sum_state(x::numeric), avg_state(x::numeric) FROM generate_series(1, 10) x;
SELECT pg_temp.equal('states put in by hand', $$SELECT event, finalize(hits), finalize(uniq_users), finalize(revenue) FROM events_5m WHERE "window" < '2020-01-01Z' AND event = 'import'$$, $$SELECT 'import', 10::numeric, 10::bigint, 55::numeric$$);
SELECT tally.drop_view('events_5m');
SELECT 1 / (count(*) = 0)::int FROM pg_class WHERE relnamespace = 'tally_data'::regnamespace AND relkind IN ('r', 'v');
\o
\echo 01 ok
