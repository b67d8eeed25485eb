-- Scheduled refreshes: what is known of each view, and what is shown of it.

-- All views, however they are kept. `stored` is what stands for a view where what it has is changed: its delta, or its rows.
CREATE VIEW tally.all_views AS
SELECT id, view, owner, query, delta AS stored FROM tally.registry UNION ALL SELECT id, view, owner, query, rows FROM tally.refreshables;

-- Who works on a refresh: the job lock on a view's definition (src/pg/lock.rs) says so.
CREATE VIEW tally.working AS
SELECT l.objid AS query, l.pid
  FROM pg_catalog.pg_locks l
 WHERE l.locktype = 'object' AND l.objsubid = 31250 AND l.granted
   AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database());

-- The slots for jobs that are taken, in all databases.
CREATE VIEW tally.slots AS
SELECT l.objid AS slot, l.pid FROM pg_catalog.pg_locks l WHERE l.locktype = 'object' AND l.objsubid = 31254 AND l.database = 0 AND l.granted;

-- Microseconds since 2000, as timestamptz counts them.
CREATE FUNCTION tally.micros(at timestamptz) RETURNS bigint IMMUTABLE STRICT PARALLEL SAFE LANGUAGE sql
  RETURN (pg_catalog.extract('epoch', at - '2000-01-01 00:00:00+00'::timestamptz) * 1000000)::bigint;

-- All views with what is known of their refreshes.
CREATE VIEW tally.schedules AS
SELECT v.id, v.view, v.owner, v.query, o.description AS options, p.started, p.finished, p.satisfied, p.failures, p.last_success, p.last_duration, p.exception
  FROM tally.all_views v
  LEFT JOIN pg_catalog.pg_description o ON o.objoid = v.query AND o.classoid = 'pg_catalog.pg_class'::regclass AND o.objsubid = 0
  LEFT JOIN tally.progress p ON p.id = v.id;

-- Which views of some read which others of them, directly or through others, by their definitions. `queries` are the definitions of `views`,
-- which are all; `chosen` are definitions too. Nothing is looked for below one of these.
CREATE FUNCTION tally.schedule_reads(views oid[], queries oid[], chosen oid[], OUT reader oid, OUT read oid) RETURNS SETOF record
  STABLE STRICT ROWS 10 LANGUAGE sql SET search_path = pg_catalog AS $$
  WITH RECURSIVE known AS MATERIALIZED (SELECT view, query, query = ANY (chosen) AS wanted FROM unnest(views, queries) k (view, query)),
    below(reader, relation) AS (
      SELECT query, query FROM known WHERE wanted
      UNION
      SELECT b.reader, n.relation FROM below b CROSS JOIN LATERAL (
        SELECT d.refobjid AS relation
          FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
         WHERE r.ev_class = b.relation AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> b.relation
        UNION ALL
        SELECT k.query FROM known k WHERE k.view = b.relation) n
       WHERE NOT EXISTS (SELECT FROM known k WHERE k.view = b.relation AND k.wanted))
  SELECT DISTINCT b.reader, k.query FROM below b JOIN known k ON k.view = b.relation WHERE k.wanted
$$;

CREATE FUNCTION tally.run_due()
  RETURNS bigint VOLATILE PARALLEL UNSAFE LANGUAGE c AS 'MODULE_PATHNAME', 'run_due_wrapper';
COMMENT ON FUNCTION tally.run_due IS 'refresh what is due among the own views, in order; returns how many were refreshed, when all that was due is done by this or by a worker';

CREATE FUNCTION tally.refreshes(OUT view oid, OUT status text, OUT last_refresh_time timestamptz, OUT last_success_time timestamptz, OUT last_duration interval,
  OUT next_refresh_time timestamptz, OUT retry integer, OUT exception text, OUT performance text)
  RETURNS SETOF record VOLATILE PARALLEL UNSAFE LANGUAGE c AS 'MODULE_PATHNAME', 'refreshes_wrapper' ROWS 10;

-- The names are those of ClickHouse's system.view_refreshes.
CREATE VIEW tally.view_refreshes AS
SELECT r.view::regclass AS view, r.status, r.last_refresh_time, r.last_success_time, r.last_duration, r.next_refresh_time, r.retry, r.exception, r.performance
  FROM tally.refreshes() r;

-- Errors may tell of data: they are for who may use the owner's role, and for monitoring.
CREATE VIEW tally.view_log AS
SELECT v.view::regclass AS view, l.kind, l.started, l.finished, l.rows_read, l.rows_written, l.status,
       CASE WHEN pg_catalog.pg_has_role(v.owner, 'USAGE') OR pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') THEN l.error END AS error
  FROM tally.log l JOIN tally.all_views v ON v.id = l.id;

GRANT SELECT ON tally.view_refreshes, tally.view_log TO PUBLIC;

-- Gives the database its worker when the transaction commits, if the library is loaded with the server. For this and for update scripts.
CREATE FUNCTION tally.start_worker() RETURNS void VOLATILE PARALLEL UNSAFE LANGUAGE c AS 'MODULE_PATHNAME', 'start_worker_wrapper';
REVOKE ALL ON FUNCTION tally.start_worker() FROM PUBLIC;
SELECT tally.start_worker();
