-- Random statements, with rows that leave the source and groups that go in between: views against the rows that ever counted.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE SCHEMA rr; SET search_path = rr, public;
SET client_min_messages = warning;
CREATE TABLE e (id int, ts timestamptz, k int, x int) PARTITION BY RANGE (ts);
CREATE TABLE e_rest PARTITION OF e DEFAULT;
CREATE TABLE shadow (LIKE e);
-- Sees what statements say, but not that rows left under tally.maintain = off.
CREATE FUNCTION follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' OR TG_OP = 'DELETE' AND current_setting('tally.maintain') <> 'off' THEN DELETE FROM rr.shadow s WHERE s.id = old.id; END IF;
  IF TG_OP IN ('UPDATE', 'INSERT') THEN INSERT INTO rr.shadow SELECT new.*; END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER follow AFTER INSERT OR UPDATE OR DELETE ON e FOR EACH ROW EXECUTE FUNCTION follow();
CREATE SEQUENCE ids;
CREATE TABLE kinds (name text, query text, bound boolean, unit text);
INSERT INTO kinds VALUES
('by_day', 'SELECT date_trunc(''day'', ts, ''UTC'') AS w, k, count(*) AS n, sum(x) AS s, count(DISTINCT x) AS d FROM e GROUP BY 1, 2', false, NULL),
('by_k', 'SELECT k, count(*) AS n, sum(x) AS s, count(DISTINCT x) AS d FROM e GROUP BY k', false, NULL),
('whole', 'SELECT count(*) AS n, sum(x) AS s, count(DISTINCT x) AS d FROM e', false, NULL),
('some', 'SELECT k, date_bin(''6 hours'', ts, ''epoch'') AS w, count(*) FILTER (WHERE x > 3) AS n, sum(x) AS s FROM e WHERE k <> 1 GROUP BY 1, 2', true, NULL),
('parts', 'SELECT (ts AT TIME ZONE ''UTC'')::date AS w, k, count(*) AS n, sum(x) AS s, count(DISTINCT x) AS d FROM e GROUP BY 1, 2', true, 'week');
SELECT count(tally.create_view(name, query, partition_by => unit, retention => CASE WHEN bound THEN interval '29 days' END)) FROM kinds;
-- What doubts: never wrong where the source has all.
SELECT tally.create_view('doubts', 'SELECT date_trunc(''day'', ts, ''UTC'') AS w, count(*) AS n, min(x) AS mn, uniq(x) AS u, string_agg(x::text, '','' ORDER BY x) AS s FROM e GROUP BY 1');
SELECT tally.set_source_retention('e', 'ts', '20 days');
CREATE FUNCTION wrong() RETURNS text LANGUAGE plpgsql AS $$
DECLARE v record; n bigint; q text; all_wrong text := '';
BEGIN
  FOR v IN SELECT kinds.*, r.id FROM kinds JOIN tally.registry r ON r.view = kinds.name::regclass LOOP
    q := replace(v.query, 'FROM e', 'FROM shadow');
    IF v.bound THEN q := format('SELECT * FROM (%s) q WHERE w >= (SELECT max(gone_before) FROM tally_data.v%s_horizon) OR w IS NULL', q, v.id); END IF;
    EXECUTE format('SELECT count(*) FROM ((TABLE %1$I EXCEPT ALL %2$s) UNION ALL (%2$s EXCEPT ALL TABLE %1$I)) x', v.name, q) INTO n;
    IF n > 0 THEN all_wrong := all_wrong || format(' %s: %s rows', v.name, n); END IF;
  END LOOP;
  FOR v IN SELECT name FROM kinds UNION ALL SELECT 'doubts' LOOP
    IF EXISTS (SELECT FROM tally.verify_view(v.name) d WHERE d.missing + d.extra + d.different > 0) THEN all_wrong := all_wrong || format(' %s: not verified', v.name); END IF;
  END LOOP;
  RETURN nullif(all_wrong, '');
END $$;
CREATE FUNCTION few(r float8, n int) RETURNS int[] STABLE LANGUAGE sql AS $$ SELECT coalesce(array_agg(id), '{}') FROM (SELECT id FROM rr.e ORDER BY hashint8(id::bigint * 7919 + (r * 1000000)::int) LIMIT n) x $$;
CREATE FUNCTION step(what int, r float8) RETURNS text LANGUAGE plpgsql AS $$
DECLARE keep interval;
BEGIN
  CASE
    WHEN what < 30 THEN INSERT INTO rr.e SELECT nextval('rr.ids'), now() - ((r * 1000)::int + i * 37) % 1000 / 1000.0 * interval '32 days', (r * 1000 + i)::int % 5, (r * 777 + i * i)::int % 20 FROM generate_series(1, (r * 40)::int) i; RETURN 'insert';
    WHEN what < 32 THEN INSERT INTO rr.e SELECT nextval('rr.ids'), t::timestamptz, 2, 5 FROM unnest(ARRAY[NULL, '-infinity', 'infinity']) t; RETURN 'odd times';
    WHEN what < 50 THEN DELETE FROM rr.e WHERE id = ANY (rr.few(r, 12)); RETURN 'delete';
    WHEN what < 65 THEN UPDATE rr.e SET x = x + 1, ts = CASE WHEN r < 0.5 THEN ts ELSE ts - interval '5 hours' END WHERE id = ANY (rr.few(r, 9)); RETURN 'update';
    WHEN what < 72 THEN PERFORM tally.compact(); RETURN 'compact';
    WHEN what < 80 THEN PERFORM tally.enforce_retention('rr.e'); RETURN 'enforce the source''s';
    WHEN what < 84 THEN PERFORM tally.enforce_retention('rr.some'), tally.enforce_retention('rr.parts'); RETURN 'enforce';
    WHEN what < 87 THEN
      SELECT interval '1 second' * (extract(epoch FROM (o.options::json->>'retention')::interval) - 7200) INTO keep FROM tally.options o JOIN tally.registry g USING (id) WHERE g.view = 'rr.some'::regclass;
      PERFORM tally.alter_view('rr.some', retention => keep); RETURN 'less';
    WHEN what < 92 THEN PERFORM tally.refresh_view(name) FROM rr.kinds WHERE hashtext(name) % 3 = (r * 3)::int - 1; RETURN 'refresh';
    WHEN what < 96 THEN
      -- a doubt that the source could still settle is settled before rows leave
      PERFORM tally.compact(); SET LOCAL tally.maintain = off;
      DELETE FROM rr.e WHERE id = ANY (rr.few(r, 3)) AND ts < now() - interval '15 days'; SET LOCAL tally.maintain = on; RETURN 'forget';
    ELSE
      INSERT INTO rr.e SELECT nextval('rr.ids'), now(), 1, 1; RAISE EXCEPTION 'undone';
  END CASE;
EXCEPTION WHEN raise_exception THEN RETURN 'undo';
END $$;
CREATE FUNCTION go(steps int) RETURNS text LANGUAGE plpgsql AS $$
DECLARE i int; did text; found text;
BEGIN
  FOR i IN 1..steps LOOP
    did := rr.step((random() * 99)::int, random());
    found := rr.wrong();
    IF found IS NOT NULL THEN RETURN format('step %s, %s: %s', i, did, found); END IF;
  END LOOP;
  RETURN 'ok';
END $$;
SELECT setseed(0.25);
SELECT go(40);
SELECT go(30);
SELECT setseed(0.75);
SELECT go(30);
SELECT sum(kept) > 0 AS kept FROM tally.views;
SELECT count(*) < (SELECT count(*) FROM shadow) AS fewer FROM e;
DROP SCHEMA rr CASCADE;
SELECT pg_temp.left_behind();
