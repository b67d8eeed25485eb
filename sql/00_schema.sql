-- Schemas of the extension. Aggregates go to the schema that CREATE EXTENSION is told (@extschema@), the rest here.
DO $$
BEGIN
    IF '@extschema@' IN ('tally', 'tally_data') THEN
        RAISE EXCEPTION 'extension pg_tally cannot be created in schema "@extschema@"'
            USING ERRCODE = 'invalid_parameter_value',
                  DETAIL = 'Schemas tally and tally_data belong to the extension, and types must not share a schema with aggregates of the same name.',
                  HINT = 'Leave SCHEMA out, or name the schema that shall hold the aggregates.';
    END IF;
END
$$;

CREATE SCHEMA tally;
COMMENT ON SCHEMA tally IS 'pg_tally: state types, management functions and monitoring views';
GRANT USAGE ON SCHEMA tally TO PUBLIC;

CREATE SCHEMA tally_data;
COMMENT ON SCHEMA tally_data IS 'pg_tally: the tables behind the views';
GRANT USAGE ON SCHEMA tally_data TO PUBLIC;
