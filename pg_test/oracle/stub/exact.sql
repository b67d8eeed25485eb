-- The interface of pg_tally made of plain SQL views: trivially exact. It proves the harness: no check may fail on it.
-- oracle --stub --family stateless
DROP SCHEMA IF EXISTS tally CASCADE; DROP SCHEMA IF EXISTS tally_data CASCADE;
CREATE SCHEMA tally; CREATE SCHEMA tally_data;
CREATE FUNCTION tally.create_view(name text, query text, with_data boolean DEFAULT true) RETURNS regclass LANGUAGE plpgsql AS $f$
BEGIN EXECUTE format('CREATE VIEW %s AS %s', name, query); RETURN name::regclass; END $f$;
CREATE FUNCTION tally.drop_view(name text) RETURNS void LANGUAGE plpgsql AS $f$ BEGIN EXECUTE format('DROP VIEW %s', name); END $f$;
CREATE FUNCTION tally.compact(view text DEFAULT NULL) RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint';
CREATE FUNCTION tally.refresh_view(name text) RETURNS void LANGUAGE sql AS '';
CREATE FUNCTION tally.verify_view(name text) RETURNS TABLE (missing bigint, extra bigint, different bigint) LANGUAGE sql AS 'SELECT 0::bigint, 0::bigint, 0::bigint';
CREATE VIEW tally.views AS SELECT oid::regclass AS view, 'incremental'::text AS mode FROM pg_class WHERE relkind = 'v' AND relnamespace::regnamespace::text = 'oracle';
