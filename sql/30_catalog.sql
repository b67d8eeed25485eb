-- Views are found through PostgreSQL's own dependencies, never through stored names or numbers: whatever is renamed, moved,
-- dumped or restored is still found.

CREATE SEQUENCE tally.view_id;
SELECT pg_catalog.pg_extension_config_dump('tally.view_id', '');

-- The relations behind each view, as far as they exist. This and what follows is read every second: each name is taken apart once, and dependencies are
-- looked up by their indexes.
CREATE VIEW tally.storage AS
SELECT r.id::bigint AS id,
       max(r.oid) FILTER (WHERE r.part = 'main') AS main,
       max(r.oid) FILTER (WHERE r.part = 'delta') AS delta,
       max(r.oid) FILTER (WHERE r.part = 'filled') AS filled,
       max(r.oid) FILTER (WHERE r.part = 'kept') AS kept,
       max(r.oid) FILTER (WHERE r.part = 'values') AS values,
       max(r.oid) FILTER (WHERE r.part = 'horizon') AS horizon,
       max(r.oid) FILTER (WHERE r.part = 'query') AS query,
       max(r.oid) FILTER (WHERE r.part = 'rows') AS rows,
       max(r.oid) FILTER (WHERE r.part = 'groups') AS groups
  FROM (SELECT c.oid, pg_catalog.substr(c.relname, 2, pg_catalog.strpos(c.relname, '_') - 2) AS id, pg_catalog.substr(c.relname, pg_catalog.strpos(c.relname, '_') + 1) AS part
          FROM pg_catalog.pg_class c
         WHERE c.relnamespace = 'tally_data'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND c.relname ~ '^v[0-9]+_' OFFSET 0) r
 WHERE r.part IN ('main', 'delta', 'filled', 'kept', 'values', 'horizon', 'query', 'rows', 'groups')
 GROUP BY 1;

-- Which views read which relations.
CREATE VIEW tally.readers AS
SELECT DISTINCT r.ev_class AS reader, d.refobjid AS relation
  FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid
 WHERE d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> r.ev_class;

-- Views that are whole: id, the relation that users read, the owner of the definition, as whom all is done, and the source.
CREATE VIEW tally.registry AS
SELECT s.id, v.view, qc.relowner AS owner, q.source, s.main, s.delta, s.filled, s.values, s.query, s.groups
  FROM tally.storage s
 CROSS JOIN LATERAL (
       -- a view that somebody made over the groups is not the one that create_view made: that one came first
       SELECT min(c.oid) AS view
         FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
        WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = s.groups AND d.classid = 'pg_catalog.pg_rewrite'::regclass
          AND r.ev_class <> s.groups AND c.relkind = 'v') v
  JOIN pg_catalog.pg_class qc ON qc.oid = s.query
 CROSS JOIN LATERAL (
       SELECT DISTINCT c.oid AS source
         FROM pg_catalog.pg_rewrite r JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid
         JOIN pg_catalog.pg_class c ON c.oid = d.refobjid
        WHERE r.ev_class = s.query AND d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid <> s.query AND c.relkind IN ('r', 'p')) q
 WHERE s.main IS NOT NULL AND s.delta IS NOT NULL AND s.filled IS NOT NULL AND v.view IS NOT NULL;

-- Refreshable views that are whole: id, the relation that users read, the owner of the definition, the rows behind it and the query that they come from.
CREATE VIEW tally.refreshables AS
SELECT s.id, v.view, qc.relowner AS owner, s.rows, s.filled, s.query
  FROM tally.storage s
 CROSS JOIN LATERAL (
       SELECT min(c.oid) AS view
         FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_rewrite r ON r.oid = d.objid JOIN pg_catalog.pg_class c ON c.oid = r.ev_class
        WHERE d.refclassid = 'pg_catalog.pg_class'::regclass AND d.refobjid = s.rows AND d.classid = 'pg_catalog.pg_rewrite'::regclass
          AND r.ev_class <> s.rows AND c.relkind = 'v') v
  JOIN pg_catalog.pg_class qc ON qc.oid = s.query
 WHERE s.filled IS NOT NULL AND v.view IS NOT NULL;

-- What was asked for each view by name: schedule, retention and so on. A comment of ours on the definition has it: dumps carry it, with data or without.
CREATE VIEW tally.options AS
SELECT s.id, o.description AS options
  FROM tally.storage s LEFT JOIN pg_catalog.pg_description o ON o.objoid = s.query AND o.classoid = 'pg_catalog.pg_class'::regclass AND o.objsubid = 0
 WHERE s.query IS NOT NULL;

-- How far each view with a schedule has come. Not dumped: a restored view is refreshed at once.
CREATE TABLE tally.progress (
  id bigint PRIMARY KEY,
  started timestamptz NOT NULL,
  finished timestamptz,
  -- Up to when its ticks are satisfied.
  satisfied timestamptz,
  -- Since the last success.
  failures integer NOT NULL DEFAULT 0,
  last_success timestamptz,
  last_duration interval,
  exception text
) WITH (fillfactor = 50);

-- What was done for each view, and how it went.
CREATE TABLE tally.log (
  entry bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id bigint NOT NULL,
  kind text NOT NULL,
  started timestamptz NOT NULL,
  finished timestamptz,
  rows_read bigint,
  rows_written bigint,
  status text NOT NULL,
  error text
);
CREATE INDEX log_id ON tally.log (id, started);
CREATE INDEX log_started ON tally.log (started);

-- What the query's snapshot sees: 0 nothing pending; else bits: 1 rows are pending, 2 groups may be in doubt, 4 a pending key is NULL,
-- 8 the source must be read. A stable function without a query's columns is asked once per scan, before anything is scanned.
CREATE FUNCTION tally.reading(delta regclass, filled regclass) RETURNS integer
  STABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_view_reading';
-- The same where states can be put in by hand, which are always pending.
CREATE FUNCTION tally.reading(delta regclass, filled regclass, kept regclass) RETURNS integer
  STABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_view_reading';

-- True once a refreshable view has been filled, an ERROR before: asked once per reading.
CREATE FUNCTION tally.populated(filled regclass) RETURNS boolean
  STABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_view_populated';

-- The one value that is not NULL: what main has for an aggregate that delta knows nothing of.
CREATE FUNCTION tally.first_trans(anyelement, anyelement) RETURNS anyelement
  IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_view_first';
CREATE AGGREGATE tally.main_value(anyelement) (sfunc = tally.first_trans, stype = anyelement, combinefunc = tally.first_trans, parallel = safe);
COMMENT ON AGGREGATE tally.main_value(anyelement) IS 'the value that is not NULL, of which there is one at most';

-- The canonical bytes of a value or a tuple, NULL if any of it is NULL; and a hash of them to find them by.
CREATE FUNCTION tally.value_bytes(VARIADIC "any") RETURNS bytea
  IMMUTABLE PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_value_bytes';
COMMENT ON FUNCTION tally.value_bytes(VARIADIC "any") IS 'canonical bytes of a value or a tuple, as uniq hashes them';
CREATE FUNCTION tally.value_hash(bytea) RETURNS bigint
  IMMUTABLE STRICT PARALLEL SAFE LANGUAGE c AS 'MODULE_PATHNAME', 'tally_value_hash';
COMMENT ON FUNCTION tally.value_hash(bytea) IS 'xxh3_64 of the bytes';

-- A table with all its partitions and inheritance children.
CREATE FUNCTION tally.members(source oid) RETURNS SETOF oid STABLE STRICT ROWS 10 LANGUAGE sql SET search_path = pg_catalog AS $$
  WITH RECURSIVE down(oid) AS (SELECT source UNION SELECT i.inhrelid FROM pg_inherits i JOIN down ON i.inhparent = down.oid) SELECT oid FROM down
$$;

-- A table with all that it is a partition or an inheritance child of.
CREATE FUNCTION tally.ancestors(member oid) RETURNS SETOF oid STABLE STRICT ROWS 2 LANGUAGE sql SET search_path = pg_catalog AS $$
  WITH RECURSIVE up(oid) AS (SELECT member UNION SELECT i.inhparent FROM pg_inherits i JOIN up ON i.inhrelid = up.oid) SELECT oid FROM up
$$;
