-- Databases whose encoding is not UTF-8: names, literals and messages are right there too, and views exact.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set body :inputs '/sql/views_encoding.inc'
\set ECHO none
SELECT current_database() AS regression \gset
\pset format unaligned
\pset tuples_only on
\set ECHO all
CREATE DATABASE pg_tally_latin1 ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0;
CREATE DATABASE pg_tally_euc_jp ENCODING 'EUC_JP' LOCALE 'C' TEMPLATE template0;
\c pg_tally_latin1
\set ECHO none
\i :setup
\set ECHO all
\i :body
-- what the client is told
RESET client_min_messages;
SELECT tally.create_view('"états"', 'SELECT count(*) FROM "tö"', if_not_exists => true);
SELECT tally.create_view('v', $$SELECT g, count(*) FROM "tö" GROUP BY g$$, order_by => ARRAY['ö']);
SELECT tally.create_view('v', $$SELECT count(*) FROM "nulle part é"$$);
INSERT INTO "tö" VALUES (99, 'é', 99, 'fin', '2024-01-02Z');
SET client_encoding = 'LATIN1';
SELECT pg_temp.kept('told', false);
-- two and three bytes for a character
\c pg_tally_euc_jp
\set ECHO none
\i :setup
\set ECHO all
\i :body
RESET client_min_messages;
INSERT INTO "tö" VALUES (99, 'é', 99, 'fin', '2024-01-02Z');
SELECT pg_temp.kept('told', false);
\c :regression
DROP DATABASE pg_tally_latin1;
DROP DATABASE pg_tally_euc_jp;
