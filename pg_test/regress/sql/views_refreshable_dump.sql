-- pg_dump carries refreshable views: whole, the schema alone, and the data after the schema.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
SELECT current_database() AS regression \gset
SELECT setting AS bindir FROM pg_config WHERE name = 'BINDIR' \gset
\setenv BINDIR :bindir
\pset format unaligned
\pset tuples_only on
\set ECHO all
CREATE DATABASE pg_tally_refreshable_from TEMPLATE template0;
CREATE DATABASE pg_tally_refreshable_to TEMPLATE template0;
CREATE DATABASE pg_tally_refreshable_schema TEMPLATE template0;
\c pg_tally_refreshable_from
\set ECHO none
\i :setup
\set ECHO all
CREATE SCHEMA app;
CREATE TABLE app.t (id int PRIMARY KEY, k text, at timestamptz);
INSERT INTO app.t SELECT i, 'k' || i % 3, timestamptz '2024-01-01Z' + i * interval '1 hour' FROM generate_series(1, 30) i;
SET TimeZone = 'Asia/Tokyo';
SELECT tally.create_view('app."By day"', 'SELECT at::date AS "The day", k, count(*) AS n FROM app.t WHERE at < now() GROUP BY 1, 2', schedule => '0 2 * * * Europe/Berlin', order_by => ARRAY['The day']);
SELECT tally.create_view('app.over_it', 'SELECT "The day", sum(n) AS n FROM app."By day" GROUP BY 1', schedule => '0 3 * * * Europe/Berlin');
SELECT tally.create_view('app.empty', 'SELECT id FROM app.t WHERE false', schedule => '@hourly UTC');
SELECT tally.create_view('app.never', 'SELECT id FROM app.t', mode => 'refreshable', with_data => false);
SELECT tally.create_view('app.none', 'SELECT FROM app.t', mode => 'refreshable');
SELECT tally.alter_view('app.over_it', paused => true, timeout => '10 minutes');
SET TimeZone = 'UTC';
-- stale: what is dumped is what readers see
INSERT INTO app.t VALUES (100, 'new', '2024-01-01Z');
CREATE TABLE digest (d text);
\set digest 'SELECT md5((SELECT string_agg(x::text, '';'' ORDER BY x::text) FROM app."By day" x) || (SELECT string_agg(x::text, '';'' ORDER BY x::text) FROM app.over_it x) || (SELECT count(*) FROM app.empty) || (SELECT count(*) FROM app.none)) AS digest'
:digest \gset from_
\! D="$BINDIR/pg_dump"; [ -x "$D" ] || D=pg_dump; "$D" -d pg_tally_refreshable_from | psql -X -q -v ON_ERROR_STOP=1 -d pg_tally_refreshable_to -o /dev/null 2>&1
\! D="$BINDIR/pg_dump"; [ -x "$D" ] || D=pg_dump; "$D" --schema-only -d pg_tally_refreshable_from | psql -X -q -v ON_ERROR_STOP=1 -d pg_tally_refreshable_schema -o /dev/null 2>&1
\c pg_tally_refreshable_to
\set ECHO none
\i :setup
\set ECHO all
SELECT view, mode, status, sources FROM tally.views ORDER BY view::text COLLATE "C";
:digest \gset to_
SELECT :'from_digest' = :'to_digest' AS the_same;
SELECT pg_temp.fails('SELECT * FROM app.never');
SELECT r.view::regclass, o.options::jsonb - 'settings' - 'zone' AS options, o.options::jsonb -> 'settings' ->> 'TimeZone' AS zone FROM tally.refreshables r JOIN tally.options o USING (id) ORDER BY r.view::regclass::text COLLATE "C";
SELECT count(*) AS never_refreshed_here FROM tally.refreshables WHERE id NOT IN (SELECT id FROM tally.progress);
SELECT * FROM tally.verify_view('app."By day"');
SELECT tally.refresh_view('app."By day"'), tally.refresh_view('app.over_it'), tally.refresh_view('app.empty'), tally.refresh_view('app.never'), tally.refresh_view('app.none');
SELECT v.view, d.* FROM tally.views v, tally.verify_view(v.view::text) d ORDER BY v.view::text COLLATE "C";
SELECT rows_written FROM tally.log JOIN tally.refreshables r USING (id) WHERE r.view = 'app."By day"'::regclass;
SELECT tally.create_view('app.another', 'SELECT count(*) AS n FROM app.t', mode => 'refreshable');
SELECT * FROM app.another;
SET client_min_messages = warning;
DROP TABLE app.t CASCADE;
SELECT pg_temp.left_behind();
-- the schema alone: nothing in it, until it is refreshed or the data come
\c pg_tally_refreshable_schema
\set ECHO none
\i :setup
\set ECHO all
SELECT view, mode, status FROM tally.views ORDER BY view::text COLLATE "C";
SELECT pg_temp.fails('SELECT * FROM app."By day"');
\! D="$BINDIR/pg_dump"; [ -x "$D" ] || D=pg_dump; "$D" --data-only -d pg_tally_refreshable_from 2>/dev/null | psql -X -q -v ON_ERROR_STOP=1 -d pg_tally_refreshable_schema -o /dev/null 2>&1
SELECT view, mode, status FROM tally.views ORDER BY view::text COLLATE "C";
:digest \gset to_
SELECT :'from_digest' = :'to_digest' AS the_same;
SELECT tally.refresh_view('app."By day"');
SELECT * FROM tally.verify_view('app."By day"');
\c :regression
DROP DATABASE pg_tally_refreshable_from;
DROP DATABASE pg_tally_refreshable_to;
DROP DATABASE pg_tally_refreshable_schema;
