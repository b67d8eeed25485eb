-- The extension dropped under views, and made again. In a database of its own.
SELECT current_database() AS regression \gset
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
CREATE DATABASE pg_tally_extension TEMPLATE template0;
\c pg_tally_extension
\set ECHO none
\i :setup
\set ECHO all
CREATE TABLE t (k text, x int);
INSERT INTO t VALUES ('a', 1), ('b', 2);
SELECT pg_temp.make('v', 'SELECT k, count(*) AS n, sum(x) AS s, uniq(x) AS u, min(x) AS mn FROM t GROUP BY k');
INSERT INTO t VALUES ('a', 3);
SELECT pg_temp.kept('in another database');
SELECT left(pg_temp.fails('DROP EXTENSION pg_tally'), 5);
SELECT left(pg_temp.fails('DROP SCHEMA tally_data CASCADE'), 5), left(pg_temp.fails('DROP FUNCTION tally.maintain() CASCADE'), 5);
SET client_min_messages = warning;
DROP EXTENSION pg_tally CASCADE;
SELECT to_regclass('v'), (SELECT count(*) FROM pg_trigger WHERE tgrelid = 't'::regclass), (SELECT count(*) FROM pg_namespace WHERE nspname ~ 'tally'), (SELECT count(*) FROM pg_event_trigger);
INSERT INTO t VALUES ('c', 5);
DROP TABLE IF EXISTS nothing;
CREATE EXTENSION pg_tally;
SELECT tally.create_view('v', 'SELECT k, count(*) AS n FROM t GROUP BY k');
INSERT INTO t VALUES ('c', 6);
SELECT tally.compact('v'), tally.verify_view('v');
DROP EXTENSION pg_tally CASCADE;
\c :regression
DROP DATABASE pg_tally_extension;
