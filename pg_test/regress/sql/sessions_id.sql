-- session_id: of the user and the first event.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_tally;
RESET client_min_messages;
SET TimeZone = 'UTC';
-- test vectors: these must never change. The bytes that are hashed are spelled out in docs/sessions.md.
SELECT session_id(42, timestamptz '2024-01-01 00:00+00') AS number, session_id('alice'::text, timestamptz '2024-01-01 00:00+00') AS text,
       session_id(uuid '00000000-0000-0000-0000-000000000001', timestamptz '2000-01-01 00:00+00') AS uuid \gx
-- of the first event only, in whatever zone; of the value, not its type's width
SELECT k, ok FROM (VALUES
  ('range', session_id(42, tstzrange('2024-01-01', '2024-01-02')) = session_id(42, timestamptz '2024-01-01')),
  ('end', session_id(42, tstzrange('2024-01-01', '2024-01-02')) = session_id(42, tstzrange('2024-01-01', NULL))),
  ('zone', session_id(42, timestamptz '2024-01-01 01:00+01') = session_id(42, timestamptz '2024-01-01')),
  ('width', session_id(42::smallint, timestamptz '2024-01-01') = session_id(42::bigint, timestamptz '2024-01-01')),
  ('scale', session_id(42.0, timestamptz '2024-01-01') = session_id(42.00, timestamptz '2024-01-01')),
  ('literal', session_id('alice', timestamptz '2024-01-01') = session_id('alice'::varchar, timestamptz '2024-01-01')),
  ('row', session_id(ROW(1, 'a'::text), timestamptz '2024-01-01') = session_id(ROW(1::bigint, 'a'::text), timestamptz '2024-01-01')),
  ('other user', session_id(43, timestamptz '2024-01-01') <> session_id(42, timestamptz '2024-01-01')),
  ('other start', session_id(42, timestamptz '2024-01-01 00:00:00.000001') <> session_id(42, timestamptz '2024-01-01')),
  ('version 8', substr(session_id(42, timestamptz '2024-01-01')::text, 15, 1) = '8'),
  ('variant', substr(session_id(42, timestamptz '2024-01-01')::text, 20, 1) IN ('8', '9', 'a', 'b'))) v(k, ok);
SELECT count(DISTINCT session_id(u, timestamptz '2024-01-01' + i * interval '1 second')) FROM generate_series(1, 300) u, generate_series(1, 300) i;
SELECT session_id(NULL::int, timestamptz '2024-01-01') IS NULL, session_id(1, NULL::timestamptz) IS NULL, session_id(1, NULL::tstzrange) IS NULL;
SELECT provolatile, proisstrict, proparallel, count(*) FROM pg_proc WHERE proname = 'session_id' GROUP BY 1, 2, 3;
-- as a generated column, and as an index
CREATE TABLE sessions_of (u int, s tstzrange, id uuid GENERATED ALWAYS AS (session_id(u, s)) STORED);
CREATE UNIQUE INDEX ON sessions_of (session_id(u, s));
INSERT INTO sessions_of VALUES (42, tstzrange('2024-01-01', '2024-01-02'));
SELECT id = session_id(42, timestamptz '2024-01-01') FROM sessions_of;
DROP TABLE sessions_of;

-- refused
\set SHOW_CONTEXT never
SELECT session_id(42, 'empty'::tstzrange);
\echo :LAST_ERROR_SQLSTATE
SELECT session_id(42, tstzrange(NULL, '2024-01-02'));
SELECT session_id(42, tstzrange('-infinity', '2024-01-02'));
SELECT session_id(42, tstzrange('2024-01-01', '2024-01-02', '(]'));
SELECT session_id(42, timestamptz 'infinity');
