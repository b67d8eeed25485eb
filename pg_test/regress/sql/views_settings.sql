-- Nothing that a view shows depends on the settings of whoever writes or reads.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE SCHEMA views_settings;
SET search_path = views_settings, public;
CREATE TABLE t (id int, ts timestamptz, l timestamp, d date, k text, f8 float8, iv interval, by bytea);
INSERT INTO t SELECT i, timestamptz '2024-03-09Z' + i * interval '37 minutes', timestamp '2024-03-09' + i * interval '5 hours', date '2024-03-09' + i % 5, 'k' || i % 3, i / 10.0, i * interval '31 minutes', decode(lpad(to_hex(i), 4, '0'), 'hex') FROM generate_series(1, 60) i;
SET TimeZone = 'America/New_York';
-- the creator's zone is written down, and said
SELECT tally.create_view('daily', $$SELECT date_trunc('day', ts) AS day, count(*) AS n, min(ts) AS first FROM t GROUP BY 1$$);
SELECT tally.create_view('dates', $$SELECT ts::date AS d, max(ts::time) AS latest, count(*) FILTER (WHERE extract(hour FROM ts) < 12) AS mornings, sum(extract(dow FROM ts)) AS dows FROM t WHERE ts::timestamp > '2024-03-09 00:00' GROUP BY ts::date$$);
SELECT tally.create_view('locals', $$SELECT l::timestamptz AS at, d::timestamptz AS midnight, date_part('year', ts) AS y, count(*) FROM t WHERE ts + interval '1 day' > '2024-01-01' GROUP BY 1, 2, 3$$);
SELECT tally.create_view('having_zone', $$SELECT k, max(ts)::date AS last, date_trunc('month', min(ts)) AS month FROM t GROUP BY k HAVING max(ts)::date > '2024-03-01'$$);
SELECT tally.create_view('explicit', $$SELECT date_trunc('hour', ts, 'Asia/Tokyo') AS h, (ts AT TIME ZONE 'Europe/Berlin')::date AS d, extract(epoch FROM max(ts)) AS e, count(*) AS n, max(ts) - min(ts) AS span, count(*) FILTER (WHERE ts + interval '90 minutes' > '2024-03-10 00:00+00') AS late FROM t GROUP BY 1, 2$$);
SELECT pg_get_viewdef('having_zone') ~ 'America/New_York' AS written_down;
SELECT regexp_replace(query, '\mt\.', '', 'g') AS query FROM tally.views WHERE view = 'daily'::regclass;
INSERT INTO made (name, query, columns) VALUES
  ('daily', $$SELECT date_trunc('day', ts, 'America/New_York'), count(*), min(ts) FROM t GROUP BY 1$$, '*'),
  ('dates', $$SELECT (ts AT TIME ZONE 'America/New_York')::date, max((ts AT TIME ZONE 'America/New_York')::time), count(*) FILTER (WHERE extract(hour FROM ts AT TIME ZONE 'America/New_York') < 12), sum(extract(dow FROM ts AT TIME ZONE 'America/New_York')) FROM t WHERE ts AT TIME ZONE 'America/New_York' > '2024-03-09 00:00' GROUP BY 1$$, '*'),
  ('locals', $$SELECT l AT TIME ZONE 'America/New_York', d::timestamp AT TIME ZONE 'America/New_York', date_part('year', ts AT TIME ZONE 'America/New_York'), count(*) FROM t GROUP BY 1, 2, 3$$, '*'),
  ('having_zone', $$SELECT k, (max(ts) AT TIME ZONE 'America/New_York')::date, date_trunc('month', min(ts), 'America/New_York') FROM t GROUP BY k$$, '*'),
  ('explicit', $$SELECT date_trunc('hour', ts, 'Asia/Tokyo'), (ts AT TIME ZONE 'Europe/Berlin')::date, extract(epoch FROM max(ts)), count(*), max(ts) - min(ts), count(*) FILTER (WHERE ts + interval '90 minutes' > '2024-03-10 00:00+00') FROM t GROUP BY 1, 2$$, '*');
SELECT pg_temp.kept('made', false);
CREATE TEMP TABLE digest (what text, d text);
CREATE FUNCTION pg_temp.digest(what text) RETURNS void LANGUAGE sql SET TimeZone = 'UTC' SET DateStyle = 'ISO' SET IntervalStyle = 'postgres' SET extra_float_digits = 1 AS $$
  INSERT INTO pg_temp.digest SELECT what, md5((SELECT string_agg(x::text, ';' ORDER BY x::text) FROM views_settings.daily x) || (SELECT string_agg(x::text, ';' ORDER BY x::text) FROM views_settings.dates x) || (SELECT string_agg(x::text, ';' ORDER BY x::text) FROM views_settings.locals x)
    || (SELECT string_agg(x::text, ';' ORDER BY x::text) FROM views_settings.having_zone x) || (SELECT string_agg(x::text, ';' ORDER BY x::text) FROM views_settings.explicit x)) $$;
-- every writer has other settings; the rows are the same as if one had written them
SET TimeZone = 'Asia/Kolkata'; SET DateStyle = 'German'; SET IntervalStyle = 'iso_8601';
INSERT INTO t SELECT 100 + id, ts + interval '1 hour', l, d, k FROM t;
SELECT pg_temp.kept('written in Kolkata');
SET TimeZone = 'Pacific/Auckland'; SET DateStyle = 'SQL, DMY'; SET IntervalStyle = 'sql_standard'; SET extra_float_digits = -15; SET bytea_output = 'escape'; SET lc_monetary = 'C'; SET standard_conforming_strings = off; SET search_path = pg_temp, views_settings, public;
UPDATE t SET ts = ts + interval '36 hours' WHERE id % 3 = 0;
SELECT pg_temp.kept('written in Auckland', NULL);
DELETE FROM t WHERE ts = (SELECT max(ts) FROM t) OR ts = (SELECT min(ts) FROM t);
SELECT pg_temp.exact('in doubt, read in Auckland');
-- one digest from the pending rows and the source read in doubt, and one for each zone of the reader
SELECT pg_temp.digest('a');
RESET standard_conforming_strings; RESET extra_float_digits; RESET bytea_output;
SET TimeZone = 'UTC'; SELECT pg_temp.digest('b');
SET TimeZone = 'America/Los_Angeles'; SELECT pg_temp.digest('c');
SELECT pg_temp.kept('compacted in Los Angeles');
SELECT pg_temp.digest('d');
SELECT count(DISTINCT d), count(*) FROM digest;
SET search_path = views_settings, public; SET DateStyle = 'ISO, YMD'; SET IntervalStyle = 'postgres';
TRUNCATE t;
SET TimeZone = 'UTC';
INSERT INTO t (id, ts, k) VALUES (1, '2024-03-10 04:59:59Z', 'x'), (2, '2024-03-10 05:00Z', 'x');
SELECT d, latest FROM dates ORDER BY d;
SELECT tally.refresh_view('dates');
SELECT d, latest FROM dates ORDER BY d;
SELECT pg_temp.kept('refreshed', NULL);
-- constants are what they were for the creator
SET TimeZone = 'America/New_York'; SET DateStyle = 'SQL, DMY'; SET IntervalStyle = 'sql_standard';
SELECT tally.create_view('constants', $$SELECT count(*) FILTER (WHERE ts > '02/03/2024 00:00') AS n, min(d - date '02/03/2024') AS days, max(iv) FILTER (WHERE iv > '1 2:03') AS iv FROM t$$);
SET TimeZone = 'UTC'; SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres';
INSERT INTO t (id, ts, d, iv) VALUES (3, '2024-03-02 04:30Z', '2024-03-05', '1 day 02:04'), (4, '2024-03-02 05:30Z', '2024-03-05', '1 day 02:02');
SELECT * FROM constants;
SELECT tally.verify_view('constants');
SELECT tally.drop_view('constants');

-- what has no explicit form is refused
SELECT pg_temp.fails($$SELECT tally.create_view('r', 'SELECT to_char(ts, ''YYYY'') AS y, count(*) FROM t GROUP BY 1')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('r', 'SELECT ts::text AS y, count(*) FROM t GROUP BY 1')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('r', 'SELECT concat(k, d) AS y, count(*) FROM t GROUP BY 1')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('r', 'SELECT d::text AS y, count(*) FROM t GROUP BY 1')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('r', 'SELECT k::date AS y, count(*) FROM t GROUP BY 1')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('r', 'SELECT k, max(ts + iv) FROM t GROUP BY k')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('r', 'SELECT k, count(*) FROM t WHERE ts > d GROUP BY k')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('r', 'SELECT k, count(*) FROM t WHERE ts > l GROUP BY k')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('r', 'SELECT extract(timezone FROM ts), count(*) FROM t GROUP BY 1')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('r', 'SELECT date_part(k, ts), count(*) FROM t GROUP BY 1')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('r', 'SELECT max(ts) + interval ''1 day 1 hour'' FROM t')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('r', 'SELECT json_agg(ts ORDER BY id) FROM t')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('r', 'SELECT count(*) FROM t WHERE current_setting(''a.b'') = k')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('r', 'SELECT count(*) FROM t WHERE k = current_user')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('r', 'SELECT to_tsvector(k), count(*) FROM t GROUP BY 1')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('r', 'SELECT now() - max(ts) AS age, count(*) FROM t')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('r', 'SELECT k, count(*) FROM t WHERE ts > CURRENT_DATE - 7 GROUP BY k')$$) ~ 'CURRENT_DATE at character 38: its value depends on when it is asked' AS named;
SELECT pg_temp.fails($$SELECT tally.create_view('r', 'SELECT age(ts), count(*) FROM t WHERE l < LOCALTIMESTAMP GROUP BY 1')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('r', 'SELECT k, count(*) FROM t WHERE random() < 0.5 OR clock_timestamp() > ts GROUP BY k HAVING count(*) > random() * 10')$$);
SET client_min_messages = warning;
DROP SCHEMA views_settings CASCADE;
SELECT pg_temp.left_behind();
