-- What users call.

CREATE FUNCTION tally.create_view(name text, query text, schedule text DEFAULT NULL, retention interval DEFAULT NULL,
  partition_by text DEFAULT NULL, order_by text[] DEFAULT NULL, with_data boolean DEFAULT true, if_not_exists boolean DEFAULT false, mode text DEFAULT 'auto')
  RETURNS regclass VOLATILE PARALLEL UNSAFE LANGUAGE c AS 'MODULE_PATHNAME', 'create_view_wrapper';
COMMENT ON FUNCTION tally.create_view IS 'make a view that is kept up to date by the transactions that write to its source, or one that is refreshed on a schedule';

CREATE FUNCTION tally.drop_view(name text, if_exists boolean DEFAULT false)
  RETURNS void VOLATILE STRICT PARALLEL UNSAFE LANGUAGE c AS 'MODULE_PATHNAME', 'drop_view_wrapper';
COMMENT ON FUNCTION tally.drop_view IS 'drop a view and all that it brought; DROP VIEW does the same';

CREATE FUNCTION tally.compact(view text DEFAULT NULL)
  RETURNS bigint VOLATILE PARALLEL UNSAFE LANGUAGE c AS 'MODULE_PATHNAME', 'compact_wrapper';
COMMENT ON FUNCTION tally.compact IS 'fold the pending rows of a view, or of all own views, into its main table; returns how many';

CREATE FUNCTION tally.refresh_view(name text, from_time timestamptz DEFAULT NULL, to_time timestamptz DEFAULT NULL)
  RETURNS void VOLATILE PARALLEL UNSAFE LANGUAGE c AS 'MODULE_PATHNAME', 'refresh_view_wrapper';
COMMENT ON FUNCTION tally.refresh_view IS 'rebuild a view from its source, or its buckets within a range of time; run the query of a refreshable view';

CREATE FUNCTION tally.alter_view(name text, schedule text DEFAULT NULL, retention interval DEFAULT NULL, paused boolean DEFAULT NULL,
  on_error text DEFAULT NULL, refresh_window interval DEFAULT NULL, timeout interval DEFAULT NULL, reset text[] DEFAULT NULL)
  RETURNS void VOLATILE PARALLEL UNSAFE LANGUAGE c AS 'MODULE_PATHNAME', 'alter_view_wrapper';
COMMENT ON FUNCTION tally.alter_view IS 'change what a view was made with; what is not given stays, what reset names goes';

CREATE FUNCTION tally.verify_view(name text, OUT missing bigint, OUT extra bigint, OUT different bigint)
  RETURNS SETOF record VOLATILE STRICT PARALLEL UNSAFE ROWS 1 LANGUAGE c AS 'MODULE_PATHNAME', 'verify_view_wrapper';
COMMENT ON FUNCTION tally.verify_view IS 'compare a view with its query run now: groups missing, groups too many, groups with other values';

CREATE FUNCTION tally.explain_query(query text, OUT "column" text, OUT "insert" text, OUT "update" text, OUT "delete" text, OUT note text)
  RETURNS SETOF record VOLATILE STRICT PARALLEL UNSAFE ROWS 10 LANGUAGE c AS 'MODULE_PATHNAME', 'explain_query_wrapper';
COMMENT ON FUNCTION tally.explain_query IS 'how each kind of change would reach each column of a view of this query';

CREATE FUNCTION tally.explain_view(name text, OUT "column" text, OUT "insert" text, OUT "update" text, OUT "delete" text, OUT note text)
  RETURNS SETOF record VOLATILE STRICT PARALLEL UNSAFE ROWS 10 LANGUAGE c AS 'MODULE_PATHNAME', 'explain_view_wrapper';
COMMENT ON FUNCTION tally.explain_view IS 'how each kind of change reaches each column of the view';

CREATE FUNCTION tally.view_state(view oid, OUT pending bigint, OUT doubtful bigint, OUT status text, OUT kept bigint, OUT error text)
  RETURNS SETOF record VOLATILE STRICT PARALLEL UNSAFE ROWS 1 LANGUAGE c AS 'MODULE_PATHNAME', 'view_state_wrapper';
-- Statements on the source since the server was started, and how long they were busy with the view, in milliseconds. No row without the library preloaded.
CREATE FUNCTION tally.statement_cost(delta oid, OUT statements bigint, OUT total_time double precision)
  RETURNS SETOF record VOLATILE STRICT PARALLEL UNSAFE ROWS 1 LANGUAGE c AS 'MODULE_PATHNAME', 'statement_cost_wrapper';
CREATE FUNCTION tally.view_query(view oid)
  RETURNS text VOLATILE STRICT PARALLEL UNSAFE LANGUAGE c AS 'MODULE_PATHNAME', 'view_query_wrapper';

CREATE FUNCTION tally.maintain() RETURNS trigger LANGUAGE c AS 'MODULE_PATHNAME', 'tally_view_maintain';
COMMENT ON FUNCTION tally.maintain IS 'the trigger on the sources of views: appends what a statement changed to their pending rows';

-- Every view, how it is doing, and how each of its columns is kept. "groups" is the planner's estimate.
-- "lag" is how old a refreshable view's rows are; an incremental view is of now. "mean_statement_time" is what maintenance costs a statement on
-- the source, in milliseconds since the server was started; it is counted with the library preloaded.
-- What went wrong last is for the owner and for those who may read all statistics: an error can quote data.
CREATE VIEW tally.views AS
WITH progress AS (
  SELECT p.id, p.last_success,
         CASE WHEN pg_catalog.pg_has_role(q.relowner, 'USAGE') OR pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') THEN p.exception END AS exception
    FROM tally.progress p JOIN tally.storage s ON s.id = p.id JOIN pg_catalog.pg_class q ON q.oid = s.query)
SELECT r.view::regclass AS view, tally.view_query(r.view) AS query, 'incremental'::text AS mode, s.status,
       ARRAY[r.source::regclass] AS sources, m.groups, s.pending, s.doubtful, s.kept,
       (m.bytes + pg_catalog.pg_total_relation_size(r.delta)
         + coalesce(pg_catalog.pg_total_relation_size(r.values), 0))::bigint AS bytes,
       coalesce(CASE WHEN pg_catalog.pg_has_role(r.owner, 'USAGE') OR pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') THEN s.error END, f.exception) AS last_error,
       (SELECT pg_catalog.jsonb_object_agg(e."column", e."delete") FROM tally.explain_view(r.view::regclass::text) e WHERE e."column" IS NOT NULL) AS columns,
       interval '0' AS lag, w.statements, w.total_time / nullif(w.statements, 0) AS mean_statement_time
  FROM tally.registry r LEFT JOIN progress f ON f.id = r.id
  CROSS JOIN LATERAL (SELECT sum(c.reltuples) FILTER (WHERE c.reltuples > 0 AND c.relkind = 'r') AS tuples, sum(pg_catalog.pg_total_relation_size(c.oid)) AS size
                        FROM tally.members(r.main) o JOIN pg_catalog.pg_class c ON c.oid = o) p
  CROSS JOIN LATERAL (SELECT coalesce(p.tuples, 0)::bigint AS groups, p.size AS bytes) m
  CROSS JOIN LATERAL tally.view_state(r.view) s LEFT JOIN LATERAL tally.statement_cost(r.delta) w ON true
UNION ALL
SELECT r.view::regclass, tally.view_query(r.view), 'refreshable', s.status,
       ARRAY(SELECT d.relation::regclass FROM tally.readers d WHERE d.reader = r.query ORDER BY d.relation::regclass::text),
       greatest(m.reltuples, 0)::bigint, s.pending, s.doubtful, s.kept, pg_catalog.pg_total_relation_size(r.rows), f.exception,
       (SELECT pg_catalog.jsonb_object_agg(a.attname, 'refresh') FROM pg_catalog.pg_attribute a WHERE a.attrelid = r.view AND a.attnum > 0),
       pg_catalog.clock_timestamp() - f.last_success, NULL, NULL
  FROM tally.refreshables r JOIN pg_catalog.pg_class m ON m.oid = r.rows LEFT JOIN progress f ON f.id = r.id CROSS JOIN LATERAL tally.view_state(r.view) s;

GRANT SELECT ON tally.storage, tally.readers, tally.registry, tally.refreshables, tally.views TO PUBLIC;
