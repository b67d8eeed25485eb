-- Where the extension may be created, and that it goes without a trace. In a database of its own.
SELECT current_database() AS regression \gset
CREATE DATABASE pg_tally_install;
\c pg_tally_install
\set SHOW_CONTEXT never
CREATE EXTENSION pg_tally SCHEMA tally;
CREATE SCHEMA tally;
CREATE EXTENSION pg_tally SCHEMA tally;
\echo :LAST_ERROR_SQLSTATE
-- a schema of that name that is somebody else's
CREATE EXTENSION pg_tally;
\echo :LAST_ERROR_SQLSTATE
DROP SCHEMA tally;
CREATE SCHEMA tally_data;
CREATE EXTENSION pg_tally SCHEMA tally_data;
\echo :LAST_ERROR_SQLSTATE
DROP SCHEMA tally_data;
CREATE SCHEMA apps;
CREATE EXTENSION pg_tally SCHEMA apps;
SELECT apps.finalize(apps.sum_state(x)) FROM generate_series(1, 10) x;
ALTER EXTENSION pg_tally SET SCHEMA public;
DROP EXTENSION pg_tally;
SELECT nspname FROM pg_namespace WHERE nspname ~ 'tally';
DROP SCHEMA apps;
\c :regression
DROP DATABASE pg_tally_install;
