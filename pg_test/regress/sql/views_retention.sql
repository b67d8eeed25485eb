-- Groups that are too old go, and do not come back.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE SCHEMA retention; SET search_path = retention, public;
SET client_min_messages = warning;
CREATE FUNCTION ago(i interval) RETURNS timestamptz STABLE LANGUAGE sql AS $$ SELECT now() - i $$;
CREATE TABLE e (id int, ts timestamptz, k int, x int);
INSERT INTO e SELECT i, now() - i * interval '7 hours', i % 3, i FROM generate_series(0, 300) i;
INSERT INTO e VALUES (-1, NULL, 0, 1), (-2, 'infinity', 0, 2), (-3, '-infinity', 0, 3);
-- Views of all kinds of keys and aggregates, each with what its query restricted to what is kept must give; compared before and after compaction.
CREATE TABLE kinds (name text, query text, bound text, keep interval);
INSERT INTO kinds VALUES
('bins', 'SELECT date_bin(''1 hour'', ts, ''epoch'') AS w, k, count(*) AS n, min(x) AS mn, max(x) AS mx, count(DISTINCT x) AS d, string_agg(x::text, '','' ORDER BY x) AS s FROM e GROUP BY 1, 2', 'date_bin(''1 hour'', ago(%L), ''epoch'')', '20 days'),
('days', 'SELECT k, date_trunc(''day'', ts, ''Europe/Berlin'') AS w, sum(x) AS n, avg(x) AS a FROM e GROUP BY 1, 2', 'date_trunc(''day'', (ago(%1$L) AT TIME ZONE ''UTC'' AT TIME ZONE ''UTC''), ''Europe/Berlin'')', '240 hours'),
('dates', 'SELECT (ts AT TIME ZONE ''UTC'')::date AS w, bool_or(x > 10) AS b FROM e WHERE k <> 1 GROUP BY 1', '(ago(%L) AT TIME ZONE ''UTC'')::date', '1 month'),
('local', 'SELECT date_trunc(''week'', ts AT TIME ZONE ''UTC'') AS w, uniq(x) AS u FROM e GROUP BY 1', 'date_trunc(''week'', ago(%L) AT TIME ZONE ''UTC'')', '3 weeks'),
('plain', 'SELECT ts AS w, count(*) AS n FROM e GROUP BY 1', 'ago(%L)', '50 hours');
CREATE FUNCTION wrong() RETURNS text LANGUAGE plpgsql AS $$
DECLARE v record; n bigint; all_wrong text := '';
BEGIN
  FOR v IN SELECT *, format('SELECT * FROM (%s) q WHERE w >= %s OR w IS NULL', query, format(bound, keep)) AS kept FROM kinds LOOP
    EXECUTE format('SELECT count(*) FROM ((TABLE %1$I EXCEPT ALL %2$s) UNION ALL (%2$s EXCEPT ALL TABLE %1$I)) x', v.name, v.kept) INTO n;
    IF n > 0 THEN all_wrong := all_wrong || format(' %s: %s rows', v.name, n); END IF;
    IF EXISTS (SELECT FROM tally.verify_view(v.name) d WHERE d.missing + d.extra + d.different > 0) THEN all_wrong := all_wrong || format(' %s: not verified', v.name); END IF;
  END LOOP;
  RETURN coalesce(nullif(all_wrong, ''), 'ok');
END $$;
-- Both moments of a check are of the same now().
BEGIN;
SELECT count(tally.create_view(name, query, retention => keep)) FROM kinds;
SELECT wrong();
-- Late rows for what is gone are not seen, others are; removals likewise.
INSERT INTO e SELECT 1000 + i, now() - i * interval '5 hours', i % 3, 7 * i FROM generate_series(0, 300) i;
DELETE FROM e WHERE id % 5 = 0;
UPDATE e SET ts = ts - interval '1 day', x = x + 1 WHERE id % 7 = 0;
SELECT wrong();
COMMIT;
-- Without a rise of the horizon compaction drops what is pending for groups that are gone; and so does a rebuild.
SELECT tally.compact() > 0;
SELECT view, pending, doubtful, kept, status FROM tally.views ORDER BY view::text;
INSERT INTO e SELECT 2000 + i, now() - i * interval '2 days', i % 3, 7 * i FROM generate_series(0, 100) i;
TRUNCATE e;
INSERT INTO e SELECT i, now() - i * interval '11 hours', i % 3, i FROM generate_series(0, 300) i;
BEGIN;
SELECT count(tally.enforce_retention(name)) FROM kinds;
SELECT wrong();
SELECT tally.compact() > 0;
SELECT wrong();
INSERT INTO e SELECT 1000 + i, now() - i * interval '13 hours', i % 3, 7 * i FROM generate_series(0, 300) i;
SELECT wrong();
SELECT count(tally.refresh_view(name)) FROM kinds;
SELECT wrong();
-- Less is kept from now on; how many groups go is said.
UPDATE kinds SET keep = keep / 2 WHERE keep <> '1 month';
SELECT count(tally.alter_view(name, retention => keep)) FROM kinds;
CREATE TEMP TABLE before AS SELECT count(*) AS n FROM bins;
SELECT tally.enforce_retention('bins') AS went \gset
SELECT :went > 0 AS some, :went = (SELECT n FROM before) - (SELECT count(*) FROM bins) AS counted;
SELECT count(tally.enforce_retention(name)) FROM kinds WHERE name <> 'bins';
SELECT wrong();
SELECT sum(tally.enforce_retention(name)) AS nothing_more FROM kinds;
-- What is pending for groups that go, goes with them; in the same transaction too.
INSERT INTO e SELECT 3000 + i, now() - i * interval '1 hours', i % 3, 7 * i FROM generate_series(0, 300) i;
UPDATE kinds SET keep = keep / 2 WHERE keep <> '1 month';
SELECT count(tally.alter_view(name, retention => keep)) FROM kinds;
SELECT count(tally.enforce_retention(name)) FROM kinds;
SELECT wrong();
-- More is kept from now on, or all: what is gone stays gone.
SELECT tally.alter_view('bins', retention => '10 years');
SELECT tally.enforce_retention('bins');
SELECT tally.alter_view('days', reset => ARRAY['retention']);
SELECT tally.enforce_retention('days');
SELECT tally.refresh_view('bins'), tally.refresh_view('days');
SELECT wrong();
SELECT id > 0 AS id, options::json->>'retention' AS retention FROM tally.options ORDER BY 2;
COMMIT;
-- A rollback undoes all of it.
CREATE TEMP TABLE bins_before AS TABLE bins;
BEGIN;
SELECT tally.alter_view('bins', retention => '1 hour');
SELECT tally.enforce_retention('bins') > 0;
ROLLBACK;
TABLE bins_before EXCEPT ALL TABLE bins;
-- A view built on another is not touched.
CREATE VIEW over_bins AS SELECT w FROM bins;
-- Views made without data, with states put in by hand, and unlogged.
BEGIN;
SELECT tally.create_view('unfilled', 'SELECT date_trunc(''day'', ts, ''UTC'') AS w, count_state(*) AS n, sum_state(x) AS s FROM e GROUP BY 1', retention => '3 days', with_data => false);
SELECT count(*) = (SELECT count(DISTINCT date_trunc('day', ts, 'UTC')) FROM e WHERE ts >= date_trunc('day', now() - interval '3 days', 'UTC')) AS ok FROM unfilled;
INSERT INTO unfilled SELECT date_trunc('day', now(), 'UTC') - i * interval '1 day', 1, sum_state(1) FROM generate_series(0, 9) i GROUP BY i;
SELECT count(*) FROM unfilled;
SELECT kept FROM tally.views WHERE view = 'unfilled'::regclass;
SELECT tally.refresh_view('unfilled');
SELECT count(*), (SELECT kept FROM tally.views WHERE view = 'unfilled'::regclass) FROM unfilled;
SELECT tally.alter_view('unfilled', retention => '1 day'), tally.enforce_retention('unfilled');
SELECT count(*), (SELECT kept FROM tally.views WHERE view = 'unfilled'::regclass) FROM unfilled;
SELECT * FROM tally.verify_view('unfilled');
COMMIT;
CREATE UNLOGGED TABLE u (ts timestamptz); SELECT tally.create_view('uv', 'SELECT date_trunc(''day'', ts, ''UTC'') AS w, count(*) AS n FROM u GROUP BY 1', retention => '3 days');
SELECT DISTINCT relpersistence FROM pg_class c JOIN tally.storage s ON c.oid IN (s.main, s.delta, s.filled, s.horizon) JOIN tally.registry r USING (id) WHERE r.view = 'uv'::regclass;
ALTER TABLE u SET LOGGED;
SELECT DISTINCT relpersistence FROM pg_class c JOIN tally.storage s ON c.oid IN (s.main, s.delta, s.filled, s.horizon) JOIN tally.registry r USING (id) WHERE r.view = 'uv'::regclass;
-- Refusals.
SELECT pg_temp.fails($$SELECT tally.create_view('no', 'SELECT k, count(*) FROM e GROUP BY k', retention => '1 day')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('no', 'SELECT extract(hour FROM ts AT TIME ZONE ''UTC'') AS h, count(*) FROM e GROUP BY 1', retention => '1 day')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('no', 'SELECT ts - make_interval(days => k) AS w, count(*) FROM e GROUP BY 1', retention => '1 day')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('no', 'SELECT ts, count(*) FROM e GROUP BY 1', retention => '0')$$);
SELECT pg_temp.fails($$SELECT tally.alter_view('bins', retention => '-1 day')$$);
SELECT pg_temp.fails($$SELECT tally.alter_view('bins', retention => '1 month -1 day')$$);
SELECT pg_temp.fails($$SELECT tally.enforce_retention('over_bins')$$);
BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT tally.enforce_retention('bins'); ROLLBACK;
CREATE ROLE retention_other; GRANT USAGE ON SCHEMA retention TO retention_other; SET ROLE retention_other;
SELECT pg_temp.fails($$SELECT tally.enforce_retention('retention.bins')$$);
RESET ROLE;
DROP OWNED BY retention_other; DROP ROLE retention_other;
DROP SCHEMA retention CASCADE;
SELECT pg_temp.left_behind();
