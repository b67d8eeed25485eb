-- pg_dump carries retention of views and sources, partitions, and what is kept and gone.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
SELECT current_database() AS regression \gset
SELECT setting AS bindir FROM pg_config WHERE name = 'BINDIR' \gset
\setenv BINDIR :bindir
\pset format unaligned
\pset tuples_only on
\set ECHO all
CREATE DATABASE pg_tally_keep_from TEMPLATE template0;
CREATE DATABASE pg_tally_keep_to TEMPLATE template0;
CREATE DATABASE pg_tally_keep_schema TEMPLATE template0;
\c pg_tally_keep_from
\set ECHO none
\i :setup
\set ECHO all
SET client_min_messages = warning;
CREATE TABLE e (id int, "Time of it" timestamptz, x int);
INSERT INTO e SELECT i, now() - i * interval '1 day' + interval '1 hour', i % 10 FROM generate_series(1, 100) i;
SELECT tally.create_view('v', 'SELECT date_trunc(''day'', "Time of it", ''UTC'') AS w, count(*) AS n, count(DISTINCT x) AS d, min(x) AS mn FROM e GROUP BY 1', retention => '90 days', partition_by => 'quarter');
SELECT tally.create_view('whole', 'SELECT count(*) AS n, sum(x) AS s FROM e');
SELECT tally.set_source_retention('e', 'Time of it', '30 days'), tally.enforce_retention('e');
INSERT INTO e SELECT 200 + i, now() - i * interval '1 day', i % 7 FROM generate_series(1, 120) i;
DELETE FROM e WHERE id % 4 = 0;
SELECT pending > 0 AS pending, doubtful > 0 AS doubtful, kept > 0 AS kept, status FROM tally.views ORDER BY view::text;
\! D="$BINDIR/pg_dump"; [ -x "$D" ] || D=pg_dump; "$D" -d pg_tally_keep_from | psql -X -q -v ON_ERROR_STOP=1 -d pg_tally_keep_to -o /dev/null 2>&1
\! D="$BINDIR/pg_dump"; [ -x "$D" ] || D=pg_dump; "$D" --schema-only -d pg_tally_keep_from | psql -X -q -v ON_ERROR_STOP=1 -d pg_tally_keep_schema -o /dev/null 2>&1
\set digest 'SELECT md5((SELECT string_agg(x::text, '';'' ORDER BY x::text) FROM v x) || (SELECT string_agg(x::text, '';'') FROM whole x)) AS digest'
SET TimeZone = 'UTC';
:digest \gset from_
\c pg_tally_keep_to
\set ECHO none
\i :setup
\set ECHO all
SELECT pending > 0 AS pending, doubtful > 0 AS doubtful, kept > 0 AS kept, status FROM tally.views ORDER BY view::text;
SELECT tally.compact() > 0;
:digest \gset to_
SELECT :'from_digest' = :'to_digest' AS same;
TABLE tally.source_retention;
SELECT options::json->>'retention', options::json->>'partition_by' FROM tally.options WHERE options IS NOT NULL;
SELECT relkind FROM pg_class c JOIN tally.storage s ON c.oid = s.main ORDER BY 1;
-- it goes on
SELECT sum(n) AS n FROM whole \gset
SELECT tally.enforce_retention('e') > 0;
SELECT n = :n FROM whole;
SELECT tally.alter_view('v', retention => '1 year'), tally.enforce_retention('v');
:digest \gset to_
SELECT :'from_digest' = :'to_digest' AS same;
-- without data there is nothing to keep
\c pg_tally_keep_schema
\set ECHO none
\i :setup
\set ECHO all
TABLE tally.source_retention;
SELECT view, status, kept FROM tally.views ORDER BY view::text;
SET client_min_messages = warning;
INSERT INTO e SELECT i, now() - i * interval '1 day' + interval '1 hour', i % 10 FROM generate_series(1, 100) i;
SELECT tally.enforce_retention('v'), tally.enforce_retention('e');
SELECT (SELECT n FROM whole), (SELECT sum(n) BETWEEN 90 AND 100 FROM v), (SELECT count(*) FROM e);
SELECT view, status, kept > 0 AS kept FROM tally.views ORDER BY view::text;
\c :regression
DROP DATABASE pg_tally_keep_from;
DROP DATABASE pg_tally_keep_to;
DROP DATABASE pg_tally_keep_schema;
