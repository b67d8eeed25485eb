-- arg_min and arg_max.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_tally;
RESET client_min_messages;
CREATE SCHEMA states_arg;
SET search_path = states_arg, public;
CREATE TABLE visits (usr int, at timestamptz, page text, ms int);
INSERT INTO visits SELECT i % 4, timestamptz '2024-03-01 00:00+00' + i * 7919 % 1000 * interval '1 minute', 'page ' || i % 13, nullif(i % 17, 5) FROM generate_series(1, 200) i;
INSERT INTO visits VALUES (7, NULL, 'never', 1), (8, '2024-03-01', NULL, NULL);

SELECT usr, arg_min(page, at) AS landing, arg_max(page, at) AS last, arg_max(page, ms) AS slowest, arg_max(at, ms) AS at_slowest, arg_min(ms, page) FROM visits GROUP BY usr ORDER BY usr;
SELECT usr, (SELECT page FROM visits v WHERE v.usr = u.usr AND at IS NOT NULL ORDER BY at, page LIMIT 1) AS landing,
       (SELECT page FROM visits v WHERE v.usr = u.usr AND at IS NOT NULL ORDER BY at DESC, page LIMIT 1) AS last,
       (SELECT page FROM visits v WHERE v.usr = u.usr AND ms IS NOT NULL ORDER BY ms DESC, page LIMIT 1) AS slowest,
       (SELECT at FROM visits v WHERE v.usr = u.usr AND ms IS NOT NULL ORDER BY ms DESC, at LIMIT 1) AS at_slowest,
       (SELECT ms FROM visits v WHERE v.usr = u.usr AND page IS NOT NULL ORDER BY page, ms LIMIT 1) AS arg_min
FROM (SELECT DISTINCT usr FROM visits) u ORDER BY usr;

-- states, and their roll-up
CREATE TABLE daily AS SELECT usr, arg_min_state(page, at) AS landing, arg_max_state(ms, at) AS last FROM visits GROUP BY usr;
\d daily
SELECT arg_min_merge(landing, NULL::text), arg_max_merge(last, NULL::int), finalize(arg_min_merge_state(landing), NULL::text), finalize(arg_max_merge_state(last), NULL::int) FROM daily;
SELECT arg_min(page, at), arg_max(ms, at) FROM visits;
SELECT usr, finalize(landing, NULL::text), tally.is_empty(landing) FROM daily ORDER BY usr;

-- NULL keys do not count, NULL values do; of several values the least, NULL last
SELECT arg_max(v, k), arg_min(v, k), arg_max_state(v, k), arg_min_state(v, k) FROM (VALUES (1, NULL::int), (NULL, 3), (7, 2), (NULL, 1), (4, 1), (9, 1)) v(v, k);
SELECT arg_max(v, k), arg_max_state(v, k) FROM (VALUES (1, NULL::int)) v(v, k);
SELECT arg_max(v, k), arg_max_state(v, k), arg_max_merge(NULL::tally.arg_state, NULL::int), arg_max_merge_state(NULL::tally.arg_state), finalize(NULL::tally.arg_state, 1)
FROM (VALUES (1, 1)) v(v, k) WHERE false;
SELECT arg_max(v, k) FILTER (WHERE v < 3), arg_min(DISTINCT v, k), string_agg(v::text, ',') FROM (VALUES (1, 10), (2, 20), (3, 30)) v(v, k);
SELECT v, arg_max(v, k) OVER (ORDER BY v ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM (VALUES (1, 10), (2, 5), (3, 2)) v(v, k);
-- equal keys that are not the same, and values without an order: the bytes decide, not the order of rows
SELECT arg_max_state(v, k ORDER BY i)::text = arg_max_state(v, k ORDER BY -i)::text AS same FROM (VALUES (1, 1, 1.0), (2, 1, 1.00)) v(i, v, k);
SELECT arg_max_state(v, k ORDER BY i)::text = arg_max_state(v, k ORDER BY -i)::text AS same, arg_max(v, k)::text FROM (VALUES (1, '{"b": 1}'::json, 1), (2, '{"a": 1}', 1)) v(i, v, k);

-- merging
SELECT finalize(arg_min_state('a'::text, 2) || arg_min_state('b'::text, 1), NULL::text), finalize(arg_max_state('a'::text, 2) || arg_max_state('b'::text, 1), NULL::text),
       finalize(arg_max_state('b'::text, 1) || arg_max_state('a'::text, 1), NULL::text), arg_max_state(1, 1) || NULL, tally.merge(NULL::tally.arg_state, NULL);
SELECT arg_max_state(1, 1) || arg_min_state(1, 1) FILTER (WHERE false), tally.is_empty(arg_min_state(1, 1) FILTER (WHERE false));
SELECT tally.arg_reaches(arg_max_state(1, 2), arg_max_state(1, 3)) AS before, tally.arg_reaches(arg_max_state(1, 3), arg_max_state(1, 3)) AS it,
       tally.arg_reaches(arg_max_state(2, 3), arg_max_state(1, 3)) AS tie, tally.arg_reaches(arg_max_state(1, 4), arg_max_state(1, 3)) AS behind,
       tally.arg_reaches(arg_max_state(1, 4) FILTER (WHERE false), arg_max_state(1, 3)) AS nothing_removed;

-- types: by name where OIDs differ from server to server, also within arrays and rows
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TYPE pair AS (m mood, ms mood[], t text);
CREATE DOMAIN positive AS int CHECK (value > 0);
SELECT arg_max_state(ROW('ok', '{sad,ok}', NULL)::pair, 'sad'::mood), arg_min_state(ARRAY['ok'::mood], 'a'::text COLLATE "C");
CREATE TABLE moods AS SELECT arg_max_state(ROW('ok', '{sad,ok}', NULL)::pair, 'sad'::mood) AS s, arg_max_state(ARRAY[ROW('ok', '{sad,NULL}', 'x')::pair], 1) AS a;
SELECT finalize(s, NULL::pair), finalize(a, NULL::pair[]) FROM moods;
DROP TYPE pair;
DROP TYPE mood;
CREATE TYPE mood AS ENUM ('ok', 'sad');
CREATE TYPE pair AS (m mood, ms mood[], t text);
SELECT finalize(s, NULL::pair), finalize(a, NULL::pair[]), finalize(s || (SELECT arg_max_state(ROW('sad', NULL, 'later')::pair, 'sad'::mood)), NULL::pair) FROM moods;
SELECT finalize(arg_max_state(5::positive, 1), NULL::int), finalize(arg_max_state(5, 1), NULL::positive), pg_typeof(arg_max(5::positive, 1));
SELECT arg_max(ROW(1, 'a'), 2), arg_max('(1,2)'::point, 'k'::text), arg_max(NULL::int, 1), arg_max('=r/postgres'::aclitem, 1);
SELECT finalize(arg_max_state('(1,2)'::point, '{3,4}'::int[]), NULL::point), finalize(arg_max_state('=r/postgres'::aclitem, 1), NULL::aclitem);
-- of types that have no binary form, in whatever they are: as text, which does not depend on settings
CREATE TYPE grants AS (a aclitem, d date, f float8);
CREATE TYPE grant_days AS (g grants[], at tstzrange);
SELECT arg_max(x, k), arg_min(x, k ORDER BY i) = arg_min(x, k ORDER BY -i) AS same FROM (VALUES (1, '{=r/postgres}'::aclitem[], 1), (2, '{=w/postgres}', 1)) v(i, x, k);
SELECT arg_max(x, k) FROM (VALUES (ROW('=r/postgres', '2024-02-01', 0.1)::grants, 1), (ROW('=r/postgres', '2024-01-02', 0.1)::grants, 1)) v(x, k);
CREATE TABLE granted AS SELECT arg_max_state(ARRAY['=r/postgres'::aclitem, NULL], 1) AS a, arg_max_state(g, 1) AS g, arg_max_state(ROW(ARRAY[g, NULL], tstzrange('2024-02-01 00:00+00', NULL))::grant_days, 1) AS d
  FROM (VALUES (ROW('=r/postgres', '2024-02-01', 0.1::float8 + 0.2::float8)::grants)) v(g);
SET DateStyle = 'German, DMY';
SET extra_float_digits = 0;
SET TimeZone = 'Asia/Kolkata';
SELECT (SELECT a::text || g::text || d::text FROM granted) = (SELECT arg_max_state(ARRAY['=r/postgres'::aclitem, NULL], 1)::text || arg_max_state(g, 1)::text || arg_max_state(ROW(ARRAY[g, NULL], tstzrange('2024-02-01 00:00+00', NULL))::grant_days, 1)::text) AS same
  FROM (VALUES (ROW('=r/postgres', '01.02.2024', 0.1::float8 + 0.2::float8)::grants)) v(g);
RESET DateStyle;
RESET extra_float_digits;
RESET TimeZone;
SELECT finalize(a, NULL::aclitem[]), finalize(g, NULL::grants), finalize(d, NULL::grant_days) FROM granted;
SELECT finalize(a || a, NULL::aclitem[]), tally.arg_reaches(g, g) FROM granted;
-- without the types' numbers, in ranges too
CREATE TYPE hue AS ENUM ('red', 'blue');
CREATE TYPE spot AS (a int, b hue[]);
CREATE TYPE spots AS RANGE (subtype = spot, multirange_type_name = spots_many);
CREATE TABLE spotted AS SELECT arg_max_state(spots(ROW(1, '{red}')::spot, ROW(3, NULL)::spot), 1) AS r, arg_max_state(ARRAY[spots(NULL, ROW(3, '{blue}')::spot), 'empty'], 1) AS ar, arg_max_state(spots_many(spots(ROW(1, '{red}')::spot, NULL)), 1) AS m;
DROP TYPE spots, spot, hue;
CREATE TYPE hue AS ENUM ('red', 'blue');
CREATE TYPE spot AS (a int, b hue[]);
CREATE TYPE spots AS RANGE (subtype = spot, multirange_type_name = spots_many);
SELECT finalize(r, NULL::spots), finalize(ar, NULL::spots[]), finalize(m, NULL::spots_many) FROM spotted;
SELECT r::text = arg_max_state(spots(ROW(1, '{red}')::spot, ROW(3, NULL)::spot), 1)::text AS r, ar::text = arg_max_state(ARRAY[spots(NULL, ROW(3, '{blue}')::spot), 'empty'], 1)::text AS ar,
       m::text = arg_max_state(spots_many(spots(ROW(1, '{red}')::spot, NULL)), 1)::text AS m FROM spotted GROUP BY r::text, ar::text, m::text;
-- a type of the same name that comes between two calls of one place
DO $$
DECLARE s tally.arg_state := (SELECT arg_max_state('red'::hue, 1));
BEGIN
  FOR i IN 1..3 LOOP
    s := s || s;
    DROP TYPE hue CASCADE;
    CREATE TYPE hue AS ENUM ('green', 'red');
  END LOOP;
  RAISE NOTICE '%', finalize(s, NULL::hue);
END $$;
SELECT arg_max_state(1, 2), '\x1f'::tally.arg_state, '\x1f'::name::tally.arg_state, arg_max_state(1, 2)::bytea;

-- refused
\set SHOW_CONTEXT never
SELECT arg_max(1, '{}'::json);
\echo :LAST_ERROR_SQLSTATE
SELECT arg_min_state(1, point '(1,2)');
SELECT arg_max_state(ROW(1, 'a'), 2);
\echo :LAST_ERROR_SQLSTATE
SELECT arg_min_state(1, 2) || arg_max_state(1, 2);
\echo :LAST_ERROR_SQLSTATE
SELECT arg_max_merge(landing, NULL::text) FROM daily;
SELECT arg_min_merge_state(last) FROM daily;
SELECT arg_min_merge(landing, NULL::int) FROM daily;
\echo :LAST_ERROR_SQLSTATE
SELECT finalize(last, NULL::text) FROM daily;
SELECT arg_min_state(1, 2) || arg_min_state('a'::text, 2);
\echo :LAST_ERROR_SQLSTATE
SELECT arg_min_state(1, 2::int8) || arg_min_state(1, 2);
SELECT arg_min_state(1, 'a' COLLATE "C") || arg_min_state(1, 'a' COLLATE "POSIX");
\echo :LAST_ERROR_SQLSTATE
SELECT arg_min(page COLLATE "C", page COLLATE "POSIX") FROM visits;
SELECT finalize(arg_max_state(-5, 1), NULL::positive);
SELECT '\x1f00'::tally.arg_state;
\echo :LAST_ERROR_SQLSTATE
SELECT '\x1f0417170400000002'::tally.arg_state;
SELECT '\x1f0117914e00040000000200000001'::text::tally.arg_state;
SELECT '\x1f0117904e0001610000'::tally.arg_state;
SELECT '\x1f011701924e'::tally.arg_state;
SELECT '\x1f0300170004000000020000'::tally.arg_state;
SELECT '\x1f031717000400000002ff'::tally.arg_state;
SELECT '\x1a'::tally.arg_state;
SELECT '\x2f'::tally.arg_state;
\echo :LAST_ERROR_SQLSTATE
-- well formed, but of no type or value that there is
SELECT finalize('\x1f0117904e0161016200040000000200000001'::tally.arg_state, NULL::int);
\echo :LAST_ERROR_SQLSTATE
SELECT finalize('\x1f0117914e904e01610162000400000002'::tally.arg_state, NULL::int);
SELECT finalize('\x1f011917e707016100000001'::tally.arg_state, NULL::int);
SELECT finalize('\x1f011917904e0161016200016100000001'::tally.arg_state, NULL::int);
SELECT finalize('\x1f0117c51100040000000200000001'::tally.arg_state, NULL::int);
SELECT finalize('\x1f01171700040000000200'::tally.arg_state, NULL::int);
SELECT finalize('\x1f0117170004000000020000000100'::tally.arg_state, NULL::int);
\echo :LAST_ERROR_SQLSTATE
SELECT finalize('\x1f0117ef070004000000020000'::tally.arg_state, NULL::int[]);
\echo :LAST_ERROR_SQLSTATE
SELECT finalize('\x1f01d804170010000000000000000000000000000000000000000001'::tally.arg_state, NULL::int);
\echo :LAST_ERROR_SQLSTATE

SET client_min_messages = warning;
DROP SCHEMA states_arg CASCADE;
