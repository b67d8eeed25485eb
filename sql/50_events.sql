-- DDL on sources and views is followed.

CREATE FUNCTION tally.on_drop() RETURNS event_trigger LANGUAGE c AS 'MODULE_PATHNAME', 'tally_view_on_drop';
CREATE FUNCTION tally.on_change() RETURNS event_trigger LANGUAGE c AS 'MODULE_PATHNAME', 'tally_view_on_change';

CREATE EVENT TRIGGER pg_tally_drop ON sql_drop EXECUTE FUNCTION tally.on_drop();
CREATE EVENT TRIGGER pg_tally_change ON ddl_command_end
  WHEN TAG IN ('ALTER TABLE', 'CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'ALTER VIEW', 'CREATE VIEW', 'CREATE FOREIGN TABLE', 'ALTER FOREIGN TABLE', 'IMPORT FOREIGN SCHEMA',
               'ALTER TYPE', 'ALTER DOMAIN', 'ALTER SCHEMA', 'ALTER COLLATION', 'ALTER EXTENSION', 'ALTER MATERIALIZED VIEW', 'ALTER INDEX')
  EXECUTE FUNCTION tally.on_change();
