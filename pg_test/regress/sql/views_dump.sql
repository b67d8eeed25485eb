-- pg_dump piped into a fresh database carries views that go on being maintained.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
SELECT current_database() AS regression \gset
-- the pg_dump of the server's own version, wherever that is
SELECT setting AS bindir FROM pg_config WHERE name = 'BINDIR' \gset
\setenv BINDIR :bindir
\pset format unaligned
\pset tuples_only on
\set ECHO all
CREATE DATABASE pg_tally_dump_from TEMPLATE template0;
CREATE DATABASE pg_tally_dump_to TEMPLATE template0;
CREATE DATABASE pg_tally_dump_schema TEMPLATE template0;
\c pg_tally_dump_from
\set ECHO none
\i :setup
\set ECHO all
CREATE SCHEMA app;
CREATE SCHEMA "Odd schema";
CREATE TYPE app.mood AS ENUM ('sad', 'happy');
CREATE FUNCTION app.halve(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 / 2';
CREATE TABLE app.t (id int PRIMARY KEY, k text, m app.mood, x int, v numeric, at timestamptz);
CREATE TABLE app.p (ts timestamptz NOT NULL, x int) PARTITION BY RANGE (ts);
CREATE TABLE app.p1 PARTITION OF app.p FOR VALUES FROM ('2024-01-01Z') TO ('2024-02-01Z');
CREATE TABLE app.p2 PARTITION OF app.p DEFAULT PARTITION BY LIST (x);
CREATE TABLE app.p3 PARTITION OF app.p2 DEFAULT;
CREATE TABLE "Odd schema"."Parent 1" (a int, b text);
CREATE TABLE "Odd schema"."Child 1" (c int) INHERITS ("Odd schema"."Parent 1");
INSERT INTO app.t SELECT i, 'k' || i % 3, (enum_range(NULL::app.mood))[1 + i % 2], i, i / 4.0, timestamptz '2024-01-01Z' + i * interval '1 hour' FROM generate_series(1, 60) i;
INSERT INTO app.p SELECT timestamptz '2024-01-01Z' + i * interval '1 day', i FROM generate_series(0, 60) i;
INSERT INTO "Odd schema"."Parent 1" SELECT i % 4, 'b' || i FROM generate_series(1, 20) i;
INSERT INTO "Odd schema"."Child 1" SELECT i % 4, 'c' || i FROM generate_series(1, 20) i;
-- what a dump has by name, and each database by a number of its own
CREATE TYPE app.called AS (c regclass, n int);
CREATE TYPE app.called_range AS RANGE (subtype = app.called);
CREATE DOMAIN app.some_type AS regtype;
CREATE TABLE app.regs (id int PRIMARY KEY, k regclass, ts app.some_type[], c app.called, r app.called_range, o oid);
INSERT INTO app.regs SELECT i, c, ARRAY['app.mood'::regtype, t], ROW(c, i % 2)::app.called, app.called_range(ROW(c, 0)::app.called, NULL), i % 3
FROM generate_series(1, 12) i, LATERAL (SELECT ('{app.t,app.p,app.p1}'::regclass[])[1 + i % 3] AS c, ('{app.mood,app.called}'::regtype[])[1 + i % 2] AS t) x;
SET TimeZone = 'America/New_York';
SET client_min_messages = warning;
SELECT tally.create_view('app.by_k', 'SELECT k, m, count(*) AS n, sum(v) AS v, min(x) AS mn, uniq(id) AS u, string_agg(k, '''' ORDER BY id) AS ks FROM app.t WHERE app.halve(x) <> 7 GROUP BY k, m', order_by => ARRAY['k']);
SELECT tally.create_view('app.states', 'SELECT date_trunc(''day'', at) AS day, count_state(*) AS n, sum_state(v) AS v, uniq_state(x) AS u FROM app.t GROUP BY 1');
SELECT tally.create_view('app.parts', 'SELECT date_bin(''7 days'', ts, ''epoch'') AS w, count(*) AS n, max(x) AS mx FROM app.p GROUP BY 1');
SELECT tally.create_view('"Odd schema"."View ""1"""', 'SELECT a, count(*) AS n, max(b) AS "Max b" FROM "Odd schema"."Parent 1" GROUP BY a');
SELECT tally.create_view('app.unfilled', 'SELECT count(*) AS n FROM app.t', with_data => false);
SELECT tally.create_view('app.by_reg', 'SELECT k, ts, c, r, o, count(*) AS n FROM app.regs GROUP BY k, ts, c, r, o');
SELECT tally.create_view('app.of_regs', 'SELECT id % 2 AS odd, count(DISTINCT k) AS k, count(DISTINCT ts) AS ts, count(DISTINCT c) AS c, count(DISTINCT r) AS r, count(DISTINCT o) AS o, uniq_exact(k, id % 3) AS two FROM app.regs GROUP BY 1');
RESET client_min_messages;
CREATE VIEW app.over_it AS SELECT k, sum(n) AS n FROM app.by_k GROUP BY k;
-- pending, in doubt, put in by hand
INSERT INTO app.t VALUES (100, 'new', NULL, 1, 1, '2024-02-01Z');
DELETE FROM app.t WHERE id IN (1, 2, 60);
DELETE FROM app.p1 WHERE x = 3;
DELETE FROM app.regs WHERE id = 12;
INSERT INTO "Odd schema"."Child 1" VALUES (1, 'zz', 1);
INSERT INTO app.states SELECT '2020-01-01Z', 7, sum_state(1), uniq_state(1);
SELECT view, mode, status, pending > 0 AS pending, kept FROM tally.views ORDER BY view::text COLLATE "C";
\! D="$BINDIR/pg_dump"; [ -x "$D" ] || D=pg_dump; "$D" -d pg_tally_dump_from | psql -X -q -v ON_ERROR_STOP=1 -d pg_tally_dump_to -o /dev/null 2>&1
\! D="$BINDIR/pg_dump"; [ -x "$D" ] || D=pg_dump; "$D" --schema-only -d pg_tally_dump_from | psql -X -q -v ON_ERROR_STOP=1 -d pg_tally_dump_schema -o /dev/null 2>&1
CREATE TEMP TABLE digest (d text);
\set digest 'SELECT md5((SELECT string_agg(x::text, '';'' ORDER BY x::text) FROM app.by_k x) || (SELECT string_agg(x::text, '';'' ORDER BY x::text) FROM app.states x) || (SELECT string_agg(x::text, '';'' ORDER BY x::text) FROM app.parts x) || (SELECT string_agg(x::text, '';'' ORDER BY x::text) FROM "Odd schema"."View ""1""" x) || (SELECT string_agg(x::text, '';'' ORDER BY x::text) FROM app.over_it x)) AS digest'
SET TimeZone = 'UTC';
:digest \gset from_
\c pg_tally_dump_to
\set ECHO none
\i :setup
\set ECHO all
SELECT view, mode, status, pending > 0 AS pending, kept FROM tally.views ORDER BY view::text COLLATE "C";
:digest \gset to_
SELECT :'from_digest' = :'to_digest' AS the_same;
SELECT v.view, d.* FROM tally.views v, tally.verify_view(v.view::text) d ORDER BY v.view::text COLLATE "C";
INSERT INTO made (name, query, columns) VALUES ('app.by_k', 'SELECT k, m, count(*) AS n, sum(v) AS v, min(x) AS mn, uniq(id) AS u, string_agg(k, '''' ORDER BY id) AS ks FROM app.t WHERE app.halve(x) <> 7 GROUP BY k, m', '*'),
  ('app.parts', 'SELECT date_bin(''7 days'', ts, ''epoch'') AS w, count(*) AS n, max(x) AS mx FROM app.p GROUP BY 1', '*'), ('"Odd schema"."View ""1"""', 'SELECT a, count(*) AS n, max(b) AS "Max b" FROM "Odd schema"."Parent 1" GROUP BY a', '*'), ('app.unfilled', 'SELECT count(*) AS n FROM app.t', '*');
INSERT INTO made (name, query, columns) VALUES ('app.by_reg', 'SELECT k, ts, c, r, o, count(*) AS n FROM app.regs GROUP BY k, ts, c, r, o', '*'), ('app.of_regs', 'SELECT id % 2 AS odd, count(DISTINCT k) AS k, count(DISTINCT ts) AS ts, count(DISTINCT c) AS c, count(DISTINCT r) AS r, count(DISTINCT o) AS o, uniq_exact(k, id % 3) AS two FROM app.regs GROUP BY 1', '*');
SELECT pg_temp.exact('restored');
INSERT INTO app.t VALUES (200, 'restored', 'happy', 1, 1, '2024-03-01Z');
UPDATE app.t SET x = x + 1 WHERE id < 20;
DELETE FROM app.t WHERE k = 'k1';
INSERT INTO app.regs SELECT id + 20, k, ts, c, r, o FROM app.regs;
SELECT pg_temp.exact('the same names again');
DELETE FROM app.regs WHERE id % 7 = 0;
INSERT INTO app.p VALUES ('2024-01-15Z', 99), ('2025-01-15Z', 100);
INSERT INTO app.p3 VALUES ('2024-06-15Z', 101);
DELETE FROM app.p1 WHERE x = 99;
INSERT INTO "Odd schema"."Child 1" VALUES (2, 'zzz', 1);
SELECT pg_temp.kept('restored, and written to');
SELECT view, kept FROM tally.views WHERE kept > 0;
CREATE TABLE app.p0 PARTITION OF app.p FOR VALUES FROM ('2026-01-01Z') TO ('2026-02-01Z');
INSERT INTO app.p0 VALUES ('2026-01-15Z', 102);
SELECT pg_temp.kept('a partition after the restore');
-- a new view takes a number of its own, and dropping goes on working
SELECT tally.create_view('app.another', 'SELECT k, max(x) AS mx FROM app.t GROUP BY k');
INSERT INTO app.t VALUES (201, 'another', 'happy', 1, 1, '2024-03-01Z');
SELECT tally.compact('app.another'), tally.verify_view('app.another');
ALTER TABLE app.t RENAME COLUMN x TO y;
UPDATE app.t SET y = 0;
SELECT tally.verify_view('app.by_k'), tally.verify_view('app.another');
SET client_min_messages = warning;
DROP VIEW app.over_it, app.states;
SELECT tally.drop_view('app.by_k');
DROP TABLE "Odd schema"."Parent 1", app.t, app.p, app.regs CASCADE;
SELECT pg_temp.left_behind();
-- the schema alone: views are exact over whatever is loaded
\c pg_tally_dump_schema
\set ECHO none
\i :setup
\set ECHO all
SELECT view, mode, pending, kept FROM tally.views ORDER BY view::text COLLATE "C";
INSERT INTO made (name, query, columns) VALUES ('app.by_k', 'SELECT k, m, count(*) AS n, sum(v) AS v, min(x) AS mn, uniq(id) AS u, string_agg(k, '''' ORDER BY id) AS ks FROM app.t WHERE app.halve(x) <> 7 GROUP BY k, m', '*'),
  ('app.states', 'SELECT date_trunc(''day'', at, ''America/New_York'') AS day, count_state(*) AS n, sum_state(v) AS v, uniq_state(x) AS u FROM app.t GROUP BY 1', 'day, n, v::text, u::text'),
  ('app.parts', 'SELECT date_bin(''7 days'', ts, ''epoch'') AS w, count(*) AS n, max(x) AS mx FROM app.p GROUP BY 1', '*'), ('"Odd schema"."View ""1"""', 'SELECT a, count(*) AS n, max(b) AS "Max b" FROM "Odd schema"."Parent 1" GROUP BY a', '*'), ('app.unfilled', 'SELECT count(*) AS n FROM app.t', '*');
SELECT pg_temp.exact('empty');
COPY app.t FROM STDIN;
1	k0	sad	1	1.5	2024-01-01 00:00:00Z
2	k1	\N	2	2.5	2024-01-02 00:00:00Z
\.
COPY app.p FROM STDIN;
2024-01-15 00:00:00Z	1
2026-01-15 00:00:00Z	2
\.
COPY "Odd schema"."Child 1" FROM STDIN;
1	x	2
\.
SELECT pg_temp.exact('loaded');
UPDATE app.t SET x = 3;
DELETE FROM app.p3;
SELECT pg_temp.kept('loaded and changed');
INSERT INTO app.t VALUES (3, 'k3', 'sad', 3, 3, '2024-01-03Z');
INSERT INTO app.p VALUES ('2024-01-16Z', 3);
INSERT INTO "Odd schema"."Parent 1" VALUES (3, 'y');
SELECT pg_temp.kept('and on', NULL);
\c :regression
DROP DATABASE pg_tally_dump_from;
DROP DATABASE pg_tally_dump_to;
DROP DATABASE pg_tally_dump_schema;
