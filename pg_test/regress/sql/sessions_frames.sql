-- tally.sessions as a user sees it. Whether it is right: sessions_differential.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_tally;
RESET client_min_messages;
CREATE SCHEMA sessions;
SET search_path = sessions, public;
SET TimeZone = 'UTC';
CREATE TABLE "Page Views" ("User" text, "at" timestamptz, page text);
INSERT INTO "Page Views" VALUES
  ('a', '2024-01-01 23:40', '/'), ('a', '2024-01-01 23:55', '/x'), ('a', '2024-01-02 00:10', '/y'), ('a', '2024-01-02 00:40', '/'),
  ('b', '2024-01-01 12:00', '/'), ('b', '2024-01-01 12:00', '/'), ('b', NULL, '/'), (NULL, '2024-01-01 12:00', '/'), ('b', 'infinity', '/'), ('b', '-infinity', '/');
SELECT * FROM tally.sessions('"Page Views"', 'User', 'at') ORDER BY started, user_key;
-- a session belongs to the frame in which it begins, and is whole there
SELECT * FROM tally.sessions('"Page Views"', 'User', 'at', from_time => '2024-01-01', to_time => '2024-01-02') ORDER BY started, user_key;
SELECT * FROM tally.sessions('"Page Views"', 'User', 'at', from_time => '2024-01-02', to_time => '2024-01-03') ORDER BY started, user_key;
-- no frame, an empty one, one without end, one that begins at its end, and one at infinity
SELECT count(*) FROM tally.sessions('"Page Views"', 'User', 'at', '30 minutes', NULL, NULL);
SELECT count(*) FROM tally.sessions('"Page Views"', 'User', 'at', '30 minutes', '2024-01-03');
SELECT count(*) FROM tally.sessions('"Page Views"', 'User', 'at', '30 minutes', '2024-01-01 12:00', '2024-01-01 12:00');
SELECT count(*) FROM tally.sessions('"Page Views"', 'User', 'at', '30 minutes', '2024-01-02', '2024-01-01');
SELECT count(*) FROM tally.sessions('"Page Views"', 'User', 'at', '30 minutes', '-infinity', 'infinity');
SELECT count(*) FROM tally.sessions('"Page Views"', 'User', 'at', '30 minutes', 'infinity', '-infinity');
-- the first and the last times that there are
CREATE TABLE ends (u int, at timestamptz);
INSERT INTO ends VALUES (1, '294276-12-31 23:40Z'), (1, '294276-12-31 23:59:59Z'), (1, '2024-01-01Z'), (2, '4714-11-24 00:00Z BC'), (2, '4714-11-24 00:10Z BC'), (3, '2024-01-01 00:20Z');
SELECT * FROM tally.sessions('ends', 'u', 'at') ORDER BY started, user_key;
SELECT * FROM tally.sessions('ends', 'u', 'at', '30 minutes', '4714-11-24 00:05Z BC', '294276-12-31 23:50Z') ORDER BY started, user_key;
INSERT INTO ends SELECT i % 50 + 10, timestamptz '294276-01-01Z' + i * interval '25 seconds' FROM generate_series(1, 30000) i;
CREATE INDEX ends_at ON ends (at);
ANALYZE ends;
SELECT count(*), sum(events), max(upper(session)) FROM tally.sessions('ends', 'u', 'at', '30 minutes', '294276-01-01Z', '294276-01-02Z');
SELECT count(*), sum(events), max(upper(session)) FROM tally.sessions('ends', 'u', 'at', '2 months', '294276-01-01Z', '294276-01-02Z');
-- timestamp and date are times of the session's time zone, as PostgreSQL casts them
CREATE TABLE local AS SELECT 1 AS u, timestamp '2024-01-01 10:00' AS t, date '2024-01-01' AS d;
SET TimeZone = 'Europe/Berlin';
SELECT * FROM tally.sessions('local', 'u', 't');
SELECT * FROM tally.sessions('local', 'u', 'd', '1 day');
SET TimeZone = 'UTC';
-- users of other types: equality is the type's own, from wherever the search_path points
CREATE TYPE pair AS (a int, b int);
CREATE DOMAIN label AS text;
CREATE TABLE odd AS SELECT ARRAY[1, i] AS many, (i, 2)::pair AS two, ('l' || i)::label AS l, int4range(i, 9) AS r, i::numeric / 2 AS n, timestamptz '2024-01-01' + i * interval '1 hour' AS t FROM generate_series(1, 2) i;
CREATE INDEX ON odd (many, t);
CREATE INDEX ON odd (two, t);
CREATE INDEX ON odd (l, t);
CREATE INDEX ON odd (r, t);
CREATE INDEX ON odd (n, t);
SET search_path = pg_catalog;
SET enable_seqscan = off;
SELECT c, s.user_key, s.started FROM unnest('{many,two,l,r,n}'::name[]) c, tally.sessions('sessions.odd', c, 't', from_time => '2024-01-01 01:00', to_time => '2024-01-01 03:00') s ORDER BY 1, 3;
RESET enable_seqscan;
SET search_path = sessions, public;
-- the query that is run
SELECT tally.sessions_query('"Page Views"', 'User', 'at', '30 minutes', NULL, NULL);

-- with the caller's rights, also behind row-level security
CREATE ROLE sessions_reader;
GRANT USAGE ON SCHEMA sessions TO sessions_reader;
SET ROLE sessions_reader;
\set SHOW_CONTEXT never
SELECT * FROM tally.sessions('"Page Views"', 'User', 'at');
\echo :LAST_ERROR_SQLSTATE
RESET ROLE;
GRANT SELECT ON "Page Views" TO sessions_reader;
CREATE POLICY only_b ON "Page Views" TO sessions_reader USING ("User" = 'b');
ALTER TABLE "Page Views" ENABLE ROW LEVEL SECURITY;
SET ROLE sessions_reader;
SELECT user_key, count(*) FROM tally.sessions('"Page Views"', 'User', 'at') GROUP BY 1;
RESET ROLE;

-- refused
SELECT * FROM tally.sessions('"Page Views"', 'user', 'at');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM tally.sessions('"Page Views"', 'User', '"at"');
SELECT * FROM tally.sessions('"Page Views"', 'User', 'ctid');
SELECT * FROM tally.sessions('"Page Views"', 'User', 'page');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM tally.sessions('"Page Views"', 'User', 'at; DROP TABLE local');
CREATE SEQUENCE sequence;
SELECT * FROM tally.sessions('sequence', 'is_called', 'log_cnt');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM tally.sessions(0, 'u', 't');
CREATE TABLE unordered (u json, t timestamptz);
\set VERBOSITY terse
SELECT * FROM tally.sessions('unordered', 'u', 't');
\set VERBOSITY default
SELECT * FROM tally.sessions('local', 'u', 't', '0');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM tally.sessions('local', 'u', 't', '1 hour -1 day');
SELECT * FROM tally.sessions(NULL, 'u', 't');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM tally.sessions('local', NULL, 't');
SELECT * FROM tally.sessions('local', 'u', NULL);
SELECT * FROM tally.sessions('local', 'u', 't', NULL);
RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA sessions CASCADE;
DROP ROLE sessions_reader;
