-- Sessions against plain SQL, over random events on a grid, so that many are exactly a gap apart. Nothing but "different" and "ways" is shown.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_tally;
RESET client_min_messages;
CREATE SCHEMA sessions_differential;
SET search_path = sessions_differential, public;
SET jit = off;
SELECT setseed(0.42);

-- The definition: an event later than the one before it by the gap or more opens a session.
CREATE FUNCTION by_definition(source regclass, user_column name, time_column name, gap interval, from_time timestamptz, to_time timestamptz)
  RETURNS TABLE (user_key text, session tstzrange, started timestamptz, ended timestamptz, events bigint) LANGUAGE plpgsql AS $$
BEGIN
  RETURN QUERY EXECUTE format('
    WITH event AS (SELECT %2$I AS u, %3$I::timestamptz AS t FROM %1$s WHERE %2$I IS NOT NULL AND isfinite(%3$I)),
         marked AS (SELECT u, t, lag(t) OVER w AS before FROM event WINDOW w AS (PARTITION BY u ORDER BY t)),
         numbered AS (SELECT u, t, count(*) FILTER (WHERE before IS NULL OR (t > before AND t >= before + $1)) OVER (PARTITION BY u ORDER BY t, before NULLS FIRST ROWS UNBOUNDED PRECEDING) AS n FROM marked)
    SELECT u::text, tstzrange(min(t), max(t) + $1), min(t), max(t), count(*) FROM numbered GROUP BY u, n
    HAVING min(t) >= coalesce($2, ''-infinity'') AND min(t) < coalesce($3, ''infinity'')', source, user_column, time_column)
    USING gap, from_time, to_time;
END $$;

-- How many rows differ in the frame, in whatever way it is asked for.
CREATE TABLE ways (way text, compared bigint);
CREATE FUNCTION different(source regclass, user_column name, time_column name, gap interval, from_time timestamptz, to_time timestamptz)
  RETURNS bigint LANGUAGE sql AS $$
  WITH ours AS (SELECT * FROM tally.sessions(source, user_column, time_column, gap, from_time, to_time)),
       theirs AS (SELECT * FROM by_definition(source, user_column, time_column, gap, from_time, to_time)),
       way AS (INSERT INTO ways SELECT CASE WHEN q ~ 'RECURSIVE u' THEN 'by user' WHEN q ~ 'RECURSIVE f' THEN 'ahead' WHEN q ~ 'LATERAL' THEN 'within' ELSE 'onward' END, (SELECT count(*) FROM theirs)
               FROM tally.sessions_query(source, user_column, time_column, gap, from_time, to_time) q)
  SELECT count(*) FROM ((TABLE ours EXCEPT ALL TABLE theirs) UNION ALL (TABLE theirs EXCEPT ALL TABLE ours)) d
$$;

-- Random frames over one source, some of them open, empty or backwards, with edges on the grid.
CREATE FUNCTION frames(source regclass, time_column name, gaps interval[], first timestamptz, step interval, steps integer, times integer)
  RETURNS TABLE (gap interval, from_time timestamptz, to_time timestamptz, different bigint) LANGUAGE plpgsql AS $$
DECLARE f record;
BEGIN
  FOR f IN SELECT gaps[1 + floor(random() * cardinality(gaps))::int] AS gap,
                  CASE WHEN random() < 0.85 THEN first + floor(random() * steps) * step END AS a,
                  CASE WHEN random() < 0.85 THEN first + floor(random() * steps) * step END AS b FROM generate_series(1, times) LOOP
    gap := f.gap; from_time := f.a; to_time := f.b;
    IF f.b < f.a AND random() < 0.9 THEN from_time := f.b; to_time := f.a; END IF;
    different := sessions_differential.different(source, 'u', time_column, gap, from_time, to_time);
    IF different > 0 THEN RETURN NEXT; END IF;
  END LOOP;
END $$;

-- 40 days of events every so many grid steps of ten minutes, with duplicates, NULLs and infinities
CREATE TABLE event AS
SELECT u, t, 'user ' || u AS name, t AT TIME ZONE 'UTC' AS tn, (t AT TIME ZONE 'UTC')::date AS d FROM (
SELECT CASE WHEN random() < 0.02 THEN NULL ELSE floor(random() * 12)::int END AS u,
       CASE WHEN random() < 0.02 THEN NULL WHEN random() < 0.01 THEN 'infinity' WHEN random() < 0.01 THEN '-infinity'
            ELSE timestamptz '2024-03-01 00:00+00' + floor(random() * 5760) * interval '10 minutes' END AS t
  FROM generate_series(1, 6000)) random;
ANALYZE event;
SET TimeZone = 'Europe/Berlin';
\set gaps '''{10 minutes, 30 minutes, 20 minutes 1 microsecond, 2 hours, 1 day, 1 month}'''
SELECT * FROM frames('event', 't', :gaps, '2024-03-01 00:00+00', '10 minutes', 5760, 25);
SELECT * FROM frames('event', 'tn', :gaps, '2024-03-01 00:00+00', '10 minutes', 5760, 25);
SELECT * FROM frames('event', 'd', '{1 day, 2 days, 1 month}', '2024-03-01 00:00+00', '6 hours', 160, 15);
-- around the hour that is not there: 2024-03-31 02:00 in Berlin
SELECT * FROM frames('event', 'tn', :gaps, '2024-03-31 00:00+00', '10 minutes', 20, 30);

-- the same where indexes are, and nothing else is as cheap
CREATE INDEX ON event (u, t);
CREATE INDEX ON event (u, tn);
CREATE INDEX ON event (u, d);
VACUUM ANALYZE event;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT * FROM frames('event', 't', :gaps, '2024-03-01 00:00+00', '10 minutes', 5760, 25);
SELECT * FROM frames('event', 'tn', :gaps, '2024-03-01 00:00+00', '10 minutes', 5760, 25);
SELECT * FROM frames('event', 'tn', :gaps, '2024-03-31 00:00+00', '10 minutes', 20, 30);
SELECT * FROM frames('event', 'd', '{1 day, 2 days, 1 month}', '2024-03-01 00:00+00', '6 hours', 160, 15);
-- one reads everything again
SET random_page_cost = 0.01;
SET cpu_index_tuple_cost = 0;
SELECT * FROM frames('event', 't', :gaps, '2024-03-01 00:00+00', '10 minutes', 5760, 25);
CREATE INDEX ON event (t);
CREATE INDEX ON event (tn);
SELECT * FROM frames('event', 't', :gaps, '2024-03-01 00:00+00', '10 minutes', 5760, 25);
SELECT * FROM frames('event', 'tn', :gaps, '2024-03-01 00:00+00', '10 minutes', 5760, 25);
RESET random_page_cost;
RESET cpu_index_tuple_cost;

-- a partitioned table, a view, an empty table
CREATE TABLE parts (LIKE event) PARTITION BY RANGE (t);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (MINVALUE) TO ('2024-03-11 00:00+00');
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM ('2024-03-11 00:00+00') TO ('2024-03-12 00:10+00');
CREATE TABLE parts_3 PARTITION OF parts DEFAULT;
INSERT INTO parts SELECT * FROM event;
CREATE INDEX ON parts (u, t);
ANALYZE parts;
CREATE VIEW seen AS SELECT name AS u, t FROM event WHERE u % 2 = 0;
CREATE TABLE nothing (LIKE event);
SELECT * FROM frames('parts', 't', :gaps, '2024-03-10 00:00+00', '10 minutes', 400, 25);
SELECT * FROM frames('seen', 't', :gaps, '2024-03-01 00:00+00', '10 minutes', 5760, 15);
SELECT * FROM frames('nothing', 't', :gaps, '2024-03-01 00:00+00', '10 minutes', 5760, 5);
-- the planner's costs, which differ from major to major, choose how often each is taken
SELECT way FROM ways GROUP BY way HAVING sum(compared) > 0 ORDER BY way;

-- sessionize against the same definition, for every kind of time
RESET enable_seqscan;
RESET enable_bitmapscan;
CREATE FUNCTION numbers_differ(kind text, gap text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE result bigint;
BEGIN
  EXECUTE format('
    WITH event AS (SELECT u, t::%1$s AS t FROM instants),
         marked AS (SELECT u, t, lag(t) OVER (PARTITION BY u, finite ORDER BY t) AS before, finite
                    FROM (SELECT *, t::text !~* ''infinity|NaN'' AND t IS NOT NULL AS finite FROM event) e),
         theirs AS (SELECT u, t, CASE WHEN finite THEN count(*) FILTER (WHERE before IS NULL OR (t > before AND t >= before + %2$s))
                    OVER (PARTITION BY u, finite ORDER BY t, before NULLS FIRST ROWS UNBOUNDED PRECEDING) END AS n FROM marked),
         ours AS (SELECT u, t, sessionize(t, %2$s) OVER (PARTITION BY u ORDER BY t) AS n FROM event)
    SELECT count(*) FROM ((TABLE ours EXCEPT ALL TABLE theirs) UNION ALL (TABLE theirs EXCEPT ALL TABLE ours)) d', kind, gap) INTO result;
  RETURN result;
END $$;
CREATE TABLE instants (u int, t text);
INSERT INTO instants SELECT u, t::text FROM event;
SELECT kind, gap, numbers_differ(kind, gap) AS different
  FROM (VALUES ('timestamptz'), ('timestamp'), ('date')) k(kind),
       (VALUES ('interval ''10 minutes'''), ('interval ''1 day'''), ('interval ''1 month 1 day'''), ('interval ''30 minutes''')) g(gap);
TRUNCATE instants;
INSERT INTO instants SELECT floor(random() * 5), CASE WHEN random() < 0.05 THEN NULL ELSE floor(random() * 3000 - 1500)::text END FROM generate_series(1, 4000);
SELECT kind, gap, numbers_differ(kind, gap) AS different FROM (VALUES ('bigint'), ('numeric'), ('float8')) k(kind), (VALUES ('1'), ('2'), ('7')) g(gap);
INSERT INTO instants SELECT 1 + i % 4, x FROM generate_series(1, 20) i, unnest('{NaN,Infinity,-Infinity,0.25,0.5}'::text[]) x;
SELECT kind, gap, numbers_differ(kind, gap) AS different FROM (VALUES ('numeric', '0.25'), ('numeric', '2.75'), ('float8', 'float8 ''0.25'''), ('float8', 'float8 ''2.75''')) k(kind, gap);
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA sessions_differential CASCADE;
