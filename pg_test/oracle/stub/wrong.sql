-- As exact.sql, but made of what a hand-written roll-up often is: filled once, refreshed by statement triggers of the
-- root table. It proves that the harness can fail: the differential test must find it wrong within seconds, and shrink
-- it to a few statements (a write straight into a leaf, a cascade, or another session's snapshot).
\ir exact.sql
CREATE TABLE tally_data.made (name text PRIMARY KEY, query text);
CREATE FUNCTION tally.fill(name text, query text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $f$
BEGIN EXECUTE format('DELETE FROM %s_rows', name); EXECUTE format('INSERT INTO %s_rows %s', name, query); END $f$;
CREATE FUNCTION tally.changed() RETURNS trigger LANGUAGE plpgsql AS $f$
BEGIN PERFORM tally.fill(m.name, m.query) FROM tally_data.made m WHERE m.name = TG_ARGV[0]; RETURN NULL; END $f$;
CREATE OR REPLACE FUNCTION tally.create_view(name text, query text, with_data boolean DEFAULT true) RETURNS regclass LANGUAGE plpgsql AS $f$
DECLARE shadow text := 'oracle.shadow' || (SELECT count(*) FROM tally_data.made); source regclass;
BEGIN
  EXECUTE format('CREATE TABLE %s_rows AS %s', shadow, query);
  EXECUTE format('CREATE VIEW %s AS SELECT * FROM %s_rows', name, shadow);
  INSERT INTO tally_data.made VALUES (shadow, query);
  FOR source IN SELECT oid FROM pg_class WHERE relnamespace::regnamespace::text = 'oracle' AND relkind IN ('r', 'p') AND relname ILIKE 'src%' LOOP
    EXECUTE format('CREATE TRIGGER a%s AFTER INSERT OR UPDATE OR DELETE ON %s FOR EACH STATEMENT EXECUTE FUNCTION tally.changed(%L)', md5(shadow), source, shadow);
  END LOOP;
  RETURN name::regclass;
END $f$;
