-- Refreshable views: what is refused, who may do what, settings, options, and following DDL.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE ROLE regress_tally_owner;
CREATE ROLE regress_tally_heir;
CREATE ROLE regress_tally_other;
CREATE SCHEMA views_refreshable_ddl;
GRANT ALL ON SCHEMA views_refreshable_ddl TO regress_tally_owner, regress_tally_heir;
GRANT USAGE ON SCHEMA views_refreshable_ddl TO regress_tally_other;
SET search_path = views_refreshable_ddl, public;
CREATE TABLE t (id int, k text, at timestamptz, local timestamp);
INSERT INTO t SELECT i, 'k' || i % 3, timestamptz '2024-03-30Z' + i * interval '1 hour', timestamp '2024-03-30' + i * interval '1 hour' FROM generate_series(1, 48) i;
ALTER TABLE t OWNER TO regress_tally_owner;

-- what cannot be one
CREATE TEMP TABLE passing (x int);
SELECT pg_temp.fails($$SELECT tally.create_view('v', 'SELECT x FROM passing', mode => 'refreshable')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('v', 'WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d', mode => 'refreshable')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('v', 'SELECT $1', mode => 'refreshable')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('v', 'SELECT 1 AS a INTO x', mode => 'refreshable')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('v', 'DELETE FROM t', mode => 'refreshable')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('v', 'SELECT 1; SELECT 2', mode => 'refreshable')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('v', 'SELECT id, id FROM t', mode => 'refreshable')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('v', 'SELECT ROW(1, 2) AS r', mode => 'refreshable')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('v', 'SELECT nothing FROM t', mode => 'refreshable')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('t', 'SELECT 1 AS x', mode => 'refreshable')$$);
SELECT tally.create_view('t', 'SELECT 1 AS x', mode => 'refreshable', if_not_exists => true);
SELECT pg_temp.fails($$SELECT tally.create_view('pg_temp.v', 'SELECT 1 AS x', mode => 'refreshable')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('v', 'SELECT 1 AS x', mode => 'refreshable', retention => '1 day')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('v', 'SELECT 1 AS x', schedule => '1 hour', partition_by => 'month')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('v', 'SELECT 1 AS x', schedule => 'now and then')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('v', 'SELECT id, now() FROM t', mode => 'incremental', schedule => '1 hour')$$);
-- nor written to
SELECT tally.create_view('v', 'SELECT id, k FROM t', mode => 'refreshable');
SELECT pg_temp.fails('INSERT INTO v VALUES (1, 2)');
SELECT pg_temp.fails('UPDATE v SET id = 1');
SELECT pg_temp.fails('DELETE FROM v');
SELECT pg_temp.fails('TRUNCATE v');
SELECT tally.drop_view('v');

-- which schedule makes which mode
SELECT tally.create_view('by_schedule', 'SELECT k, count(*) AS n FROM t GROUP BY k', schedule => '10 minutes');
SELECT tally.create_view('both', 'SELECT k, count(*) AS n FROM t GROUP BY k', mode => 'incremental', schedule => '0 2 * * * Europe/Berlin');
SELECT tally.create_view('by_hand', 'SELECT k, count(*) AS n FROM t GROUP BY k', mode => 'refreshable');
SELECT view, mode, status, (SELECT options::jsonb - 'settings' - 'zone' FROM tally.options o JOIN tally.storage s USING (id) JOIN tally.readers p ON p.relation IN (s.groups, s.rows) WHERE p.reader = v.view) AS options
  FROM tally.views v ORDER BY view::text COLLATE "C";
SELECT v.view, p.satisfied IS NOT NULL AS satisfied, p.last_success IS NOT NULL AS refreshed, p.failures
  FROM (SELECT id, view::regclass FROM tally.registry UNION ALL SELECT id, view::regclass FROM tally.refreshables) v LEFT JOIN tally.progress p USING (id) ORDER BY v.view::text COLLATE "C";
SELECT "column", "insert", "update", "delete", note FROM tally.explain_view('by_schedule');
SELECT "column", note FROM tally.explain_view('by_hand');

-- options
SELECT tally.alter_view('by_schedule', schedule => '@daily Asia/Tokyo', paused => true, timeout => '5 minutes');
CREATE FUNCTION pg_temp.options(name text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT o.options::jsonb - 'settings' - 'zone' FROM tally.options o JOIN tally.storage s USING (id) JOIN tally.readers p ON p.relation IN (s.groups, s.rows) WHERE p.reader = name::regclass
$$;
SELECT pg_temp.options('by_schedule');
SELECT tally.alter_view('by_schedule', paused => false, reset => ARRAY['timeout']);
SELECT pg_temp.options('by_schedule');
SELECT pg_temp.fails($$SELECT tally.alter_view('by_schedule', refresh_window => '1 day')$$);
SELECT pg_temp.fails($$SELECT tally.alter_view('by_schedule', retention => '1 day')$$);
SELECT pg_temp.fails($$SELECT tally.alter_view('by_schedule', on_error => 'quarantine')$$);
SELECT pg_temp.fails($$SELECT tally.alter_view('by_schedule', schedule => '1 day', reset => ARRAY['schedule'])$$);
SELECT pg_temp.fails($$SELECT tally.alter_view('by_schedule', schedule => '61 * * * *')$$);
SELECT pg_temp.fails($$SELECT tally.alter_view('by_schedule', timeout => '-1 day')$$);
SELECT pg_temp.fails($$SELECT tally.alter_view('by_schedule', reset => ARRAY['x'])$$);
SELECT pg_temp.fails($$SELECT tally.alter_view('by_hand', paused => true)$$);
SELECT pg_temp.fails($$SELECT tally.alter_view('by_hand', timeout => '1 minute')$$);
SELECT pg_temp.fails($$SELECT tally.alter_view('both', refresh_window => '1 day')$$);
SELECT pg_temp.fails($$SELECT tally.alter_view('both', on_error => 'quarantine')$$);
SELECT pg_temp.fails($$SELECT tally.alter_view('t', schedule => '1 day')$$);
SELECT tally.create_view('bucketed', 'SELECT date_trunc(''day'', at, ''UTC'') AS day, count(*) AS n FROM t GROUP BY 1');
SELECT pg_temp.fails($$SELECT tally.alter_view('bucketed', refresh_window => '1 day')$$);
SELECT tally.alter_view('bucketed', schedule => '1 hour', refresh_window => '1 mon 3 days 04:05:06.5');
SELECT pg_temp.options('bucketed');
SELECT satisfied = started AS fresh, last_success FROM tally.progress JOIN tally.registry r USING (id) WHERE r.view = 'bucketed'::regclass;
SELECT pg_temp.fails($$SELECT tally.alter_view('bucketed', reset => ARRAY['schedule'])$$);
SELECT tally.alter_view('bucketed', reset => ARRAY['schedule', 'refresh_window']);
SELECT pg_temp.options('bucketed') IS NULL AS none;
SELECT pg_temp.fails($$SELECT tally.refresh_view('by_hand', '2024-01-01')$$);
BEGIN;
SELECT tally.alter_view('by_hand', schedule => '1 hour');
ROLLBACK;
SELECT pg_temp.options('by_hand');

-- rights
SET ROLE regress_tally_other;
SELECT pg_temp.fails($$SELECT tally.create_view('w', 'SELECT 1 AS x', mode => 'refreshable')$$);
SELECT pg_temp.fails($$SELECT tally.refresh_view('by_hand')$$);
SELECT pg_temp.fails($$SELECT tally.alter_view('by_hand', schedule => '1 day')$$);
SELECT pg_temp.fails($$SELECT * FROM tally.verify_view('by_hand')$$);
SELECT pg_temp.fails($$SELECT tally.compact('by_hand')$$);
SELECT pg_temp.fails($$SELECT tally.drop_view('by_hand')$$);
SELECT pg_temp.fails('SELECT * FROM by_hand');
SELECT pg_temp.fails('SELECT * FROM tally.progress');
SET ROLE regress_tally_heir;
SELECT pg_temp.fails($$SELECT tally.create_view('w', 'SELECT id FROM t', mode => 'refreshable')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('w', 'SELECT id FROM t', mode => 'refreshable', with_data => false)$$);
SET ROLE regress_tally_owner;
-- the query runs as the owner, restricted, whoever is at work
CREATE FUNCTION who() RETURNS text STABLE LANGUAGE sql AS 'SELECT current_user || '' '' || session_user';
CREATE FUNCTION looks() RETURNS bigint STABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM t); END';
SELECT tally.create_view('owned', 'SELECT current_user::text AS me, looks() AS n, current_setting(''search_path'') AS path', mode => 'refreshable');
GRANT SELECT ON owned TO regress_tally_other;
RESET ROLE;
-- neither the session's path nor its temporary tables are looked at
SET search_path = public;
CREATE TEMP TABLE t (x int);
SELECT tally.refresh_view('views_refreshable_ddl.owned');
SET ROLE regress_tally_other;
SELECT * FROM views_refreshable_ddl.owned;
RESET ROLE;
DROP TABLE pg_temp.t;
SET search_path = views_refreshable_ddl, public;
SET ROLE regress_tally_owner;
CREATE FUNCTION escape() RETURNS int LANGUAGE plpgsql AS $$ BEGIN SET ROLE regress_tally_other; RETURN 1; END $$;
SELECT left(pg_temp.fails($$SELECT tally.create_view('w', 'SELECT escape() AS x', mode => 'refreshable')$$), 5);
CREATE OR REPLACE FUNCTION escape() RETURNS int LANGUAGE plpgsql AS $$ BEGIN CREATE TEMP TABLE trap (x int); RETURN 1; END $$;
SELECT pg_temp.fails($$SELECT tally.create_view('w', 'SELECT escape() AS x', mode => 'refreshable')$$);
RESET ROLE;
-- row-level security is the owner's
CREATE TABLE secret (x int, who text);
INSERT INTO secret VALUES (1, 'regress_tally_owner'), (2, 'regress_tally_heir');
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON secret USING (who = current_user);
GRANT SELECT ON secret TO regress_tally_owner, regress_tally_heir;
SET ROLE regress_tally_owner;
SELECT tally.create_view('guarded', 'SELECT x FROM secret', mode => 'refreshable');
SELECT * FROM guarded;
RESET ROLE;
SET row_security = off;
SELECT tally.refresh_view('guarded');
RESET row_security;
SELECT * FROM guarded;

-- settings are the creator's, in every session
SET TimeZone = 'Europe/Berlin'; SET DateStyle = 'German'; SET IntervalStyle = 'iso_8601'; SET extra_float_digits = 0; SET bytea_output = 'escape';
SELECT tally.create_view('by_settings', $$SELECT at::date AS day, at::text AS at, local::timestamptz AS moment, (at - timestamptz '2024-01-01Z')::text AS since, to_char(at, 'TZ') AS zone, (0.1::float8 + 0.2)::text AS f, '\x41ff'::bytea::text AS b FROM t WHERE id IN (2, 30)$$, mode => 'refreshable');
RESET TimeZone; RESET DateStyle; RESET IntervalStyle; RESET extra_float_digits; RESET bytea_output;
SET TimeZone = 'America/New_York'; SET DateStyle = 'ISO, MDY'; SET IntervalStyle = 'postgres';
SELECT tally.refresh_view('by_settings');
SELECT rows_written FROM tally.log JOIN tally.refreshables r USING (id) WHERE r.view = 'by_settings'::regclass ORDER BY entry;
SET TimeZone = 'UTC';
SELECT * FROM by_settings ORDER BY at;

-- renames, owners, DROP
ALTER TABLE t RENAME TO t2;
ALTER TABLE t2 RENAME k TO key;
ALTER VIEW by_hand RENAME TO renamed;
ALTER VIEW renamed RENAME n TO number;
INSERT INTO t2 VALUES (100, 'new');
SELECT tally.refresh_view('renamed');
SELECT * FROM renamed ORDER BY k;
SELECT query ~ 'FROM t2' AND query ~ 'key AS k' AS follows FROM tally.views WHERE view = 'renamed'::regclass;
SELECT tally.view_query('renamed'::regclass) IS NOT NULL AS known;
ALTER VIEW renamed OWNER TO regress_tally_heir;
SELECT DISTINCT relowner::regrole FROM pg_class c JOIN tally.storage s ON c.oid IN (s.query, s.rows, s.filled) JOIN tally.refreshables r USING (id) WHERE r.view = 'renamed'::regclass;
-- the heir may not read the source
SELECT pg_temp.fails($$SELECT tally.refresh_view('renamed')$$);
GRANT SELECT ON t2 TO regress_tally_heir;
SELECT tally.refresh_view('renamed');
SET ROLE regress_tally_heir;
SELECT tally.refresh_view('renamed');
SELECT tally.drop_view('renamed');
RESET ROLE;
SELECT left(pg_temp.fails('DROP TABLE t2'), 5);
SELECT left(pg_temp.fails('ALTER TABLE t2 DROP COLUMN key'), 5);
SELECT left(pg_temp.fails('DROP FUNCTION looks()'), 5);
CREATE VIEW over_it AS SELECT * FROM by_schedule;
SELECT pg_temp.fails('DROP VIEW by_schedule');
SELECT pg_temp.fails($$SELECT tally.drop_view('by_schedule')$$);
SET client_min_messages = warning;
DROP FUNCTION looks() CASCADE;
SELECT to_regclass('owned');
DROP VIEW by_schedule CASCADE;
ALTER TABLE t2 DROP COLUMN at CASCADE;
SELECT to_regclass('by_settings'), to_regclass('bucketed');
DROP VIEW guarded;
SELECT view, mode FROM tally.views ORDER BY view::text COLLATE "C";
-- a source that goes takes its views along, and what reads them
SELECT tally.create_view('low', 'SELECT key FROM t2', mode => 'refreshable');
SELECT tally.create_view('high', 'SELECT key, count(*) AS n FROM low GROUP BY key', schedule => '1 hour');
SELECT * FROM high ORDER BY key;
DROP TABLE t2 CASCADE;
SELECT pg_temp.left_behind(), (SELECT count(*) FROM tally.progress);
DROP SCHEMA views_refreshable_ddl CASCADE;
DROP ROLE regress_tally_owner, regress_tally_heir, regress_tally_other;
