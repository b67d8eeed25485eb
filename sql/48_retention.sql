-- How long views and their sources keep what they have.

-- What the query's snapshot sees of a view's horizon: whether any group is kept, whether the group of a bucket is, or whether it is gone.
CREATE FUNCTION tally.keeps(horizon regclass) RETURNS boolean
  STABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_view_keeps';
CREATE FUNCTION tally.is_kept(horizon regclass) RETURNS boolean
  STABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_view_is_kept';
CREATE FUNCTION tally.is_kept(horizon regclass, bucket anyelement) RETURNS boolean
  STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_view_is_kept';
CREATE FUNCTION tally.is_gone(horizon regclass, bucket anyelement) RETURNS boolean
  STABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_view_is_gone';

-- What a source keeps is said by a trigger that never fires: whatever is dumped, restored or renamed, it goes with the column.
CREATE FUNCTION tally.keep() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'tally_view_keep';
-- Whoever may put triggers on a table may not thereby have its rows deleted.
REVOKE EXECUTE ON FUNCTION tally.keep() FROM PUBLIC;
COMMENT ON FUNCTION tally.keep IS 'says, as a disabled trigger on a column, how long a source keeps its rows; its argument is an interval';

CREATE VIEW tally.source_retention AS
SELECT t.tgrelid::regclass AS source, a.attname AS time_column,
       pg_catalog.convert_from(pg_catalog.substr(t.tgargs, 1, pg_catalog.octet_length(t.tgargs) - 1), 'UTF8')::interval AS keep
  FROM pg_catalog.pg_trigger t JOIN pg_catalog.pg_attribute a ON a.attrelid = t.tgrelid AND a.attnum = t.tgattr[0]
 WHERE t.tgfoid = 'tally.keep'::regproc AND t.tgnargs = 1;
COMMENT ON VIEW tally.source_retention IS 'sources whose old rows are deleted while their views keep what they counted';

CREATE FUNCTION tally.set_source_retention(source regclass, time_column name, keep interval)
  RETURNS void VOLATILE PARALLEL UNSAFE LANGUAGE c AS 'MODULE_PATHNAME', 'set_source_retention_wrapper';
COMMENT ON FUNCTION tally.set_source_retention IS 'delete old rows of a source while its views keep what they counted; NULL for keep ends it';

CREATE FUNCTION tally.enforce_retention(name text)
  RETURNS bigint VOLATILE STRICT PARALLEL UNSAFE LANGUAGE c AS 'MODULE_PATHNAME', 'enforce_retention_wrapper';
COMMENT ON FUNCTION tally.enforce_retention IS 'do now what the retention of a view or of a source says; returns the groups or rows that went';

GRANT SELECT ON tally.source_retention TO PUBLIC;
