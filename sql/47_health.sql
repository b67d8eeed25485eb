-- What an operator looks at first.

-- Who works on views, as our locks tell (src/pg/lock.rs): a refresh has the job lock on the view's definition, all else that changes what a view has only the
-- folding lock on what stands for it, and, if it is more than a compaction, one more on the same that says what.
CREATE VIEW tally.work AS
WITH held AS MATERIALIZED (
  SELECT l.objid AS object, l.objsubid AS lock, l.pid FROM pg_catalog.pg_locks l
   WHERE l.locktype = 'object' AND l.objsubid IN (31249, 31250, 31255, 31256) AND l.granted
     AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database())),
folding AS (
  SELECT h.object, h.pid, CASE max(h.lock) WHEN 31249 THEN 'compaction' WHEN 31255 THEN 'backfill' ELSE 'retention' END AS kind
    FROM held h WHERE h.lock <> 31250 GROUP BY h.object, h.pid)
SELECT v.id, v.view, 'refresh' AS kind, h.pid, NULL AS step FROM held h JOIN tally.all_views v ON v.query = h.object WHERE h.lock = 31250
UNION ALL
SELECT v.id, v.view, f.kind, f.pid, NULL FROM folding f JOIN tally.all_views v ON v.stored = f.object
 WHERE NOT EXISTS (SELECT FROM held j WHERE j.lock = 31250 AND j.object = v.query AND j.pid IS NOT DISTINCT FROM f.pid)
UNION ALL
SELECT v.id, v.view, 'vacuum', p.pid, p.phase
  FROM pg_catalog.pg_stat_progress_vacuum p
  JOIN pg_catalog.pg_class c ON c.oid = p.relid AND c.relnamespace = 'tally_data'::regnamespace
  JOIN tally.all_views v ON v.id = substring(c.relname FROM '^v([0-9]+)_')::bigint
 WHERE p.datname = pg_catalog.current_database();

-- Only who may see what a process does sees since when and of VACUUM anything, as in PostgreSQL's own views.
CREATE VIEW tally.view_progress AS
SELECT w.view::regclass AS view, w.kind, coalesce(l.started, a.xact_start) AS started, w.pid,
       CASE WHEN w.pid IS NULL THEN 'prepared' WHEN a.wait_event_type = 'Lock' THEN 'waiting for a lock' ELSE coalesce(w.step, 'running') END AS phase
  FROM tally.work w
  LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = w.pid
  LEFT JOIN LATERAL (
    -- what is done by hand has no entry before it ends
    SELECT g.started FROM tally.log g
     WHERE g.id = w.id AND g.kind = w.kind AND g.status = 'running' AND (w.kind = 'refresh' OR a.xact_start IS NULL) ORDER BY g.started DESC LIMIT 1) l ON true;
COMMENT ON VIEW tally.view_progress IS 'what is at work on views now: refreshes, first fills, compactions, retention and VACUUM, by whomever';
COMMENT ON COLUMN tally.view_progress.view IS 'the view that is worked on';
COMMENT ON COLUMN tally.view_progress.kind IS 'refresh, backfill (the view is filled from its source), compaction, retention, or vacuum (of a table behind the view)';
COMMENT ON COLUMN tally.view_progress.started IS 'when it began; for work by hand, when its transaction did';
COMMENT ON COLUMN tally.view_progress.pid IS 'the process, as in pg_stat_activity; NULL in a prepared transaction';
COMMENT ON COLUMN tally.view_progress.phase IS 'running, waiting for a lock, or prepared; for vacuum the phase that pg_stat_progress_vacuum shows';
GRANT SELECT ON tally.view_progress TO PUBLIC;

-- Of schedules and of processes.
CREATE FUNCTION tally.refresh_problems(OUT severity text, OUT view oid, OUT problem text, OUT hint text)
  RETURNS SETOF record VOLATILE PARALLEL UNSAFE LANGUAGE c AS 'MODULE_PATHNAME', 'refresh_problems_wrapper' ROWS 10;

-- Of what is behind incremental views. Many pending rows, or a large delta table with few, are more than the worker and autovacuum leave.
CREATE VIEW tally.storage_problems AS
WITH behind AS (
  SELECT r.view, r.owner, r.view::regclass::text AS name, r.delta, s.status, s.pending, s.doubtful, s.error, pg_catalog.pg_relation_size(r.delta) AS size,
         pg_catalog.pg_stat_get_dead_tuples(r.delta) AS dead, greatest(pg_catalog.pg_size_bytes(pg_catalog.current_setting('tally.delta_limit')), 4194304) AS limit
    FROM tally.registry r CROSS JOIN LATERAL tally.view_state(r.view) s)
SELECT 'error' AS severity, b.view, b.owner, 'triggers on its source are disabled: it is answered from the source, slowly' AS problem,
       'Enable them with ALTER TABLE ... ENABLE ALWAYS TRIGGER, then run tally.refresh_view(''' || b.name || ''').' AS hint
  FROM behind b WHERE b.status = 'triggers disabled'
UNION ALL
SELECT 'error', b.view, b.owner, 'what is stored for it cannot be read: ' || b.error, 'Run tally.refresh_view(''' || b.name || ''').'
  FROM behind b WHERE b.status = 'unreadable'
UNION ALL
SELECT 'warning', b.view, b.owner, 'it is not filled, or all of it is in doubt: it is answered from the source, slowly', 'Run tally.refresh_view(''' || b.name || ''').'
  FROM behind b WHERE b.status = 'read from source'
UNION ALL
SELECT 'error', v.view, v.owner, 'its last ' || l.kind || ' failed: ' || l.error, 'It is tried again by itself. tally.view_log has the history.'
  FROM tally.all_views v CROSS JOIN (VALUES ('compaction'), ('backfill'), ('retention')) k (kind)
  CROSS JOIN LATERAL (SELECT g.kind, g.started, g.status, g.error FROM tally.log g WHERE g.id = v.id AND g.kind = k.kind AND g.status <> 'running' ORDER BY g.started DESC LIMIT 1) l
 WHERE l.status = 'failed'
   -- a view that is filled by other means needs no other backfill
   AND NOT (l.kind = 'backfill' AND EXISTS (SELECT FROM tally.log g WHERE g.id = v.id AND g.kind IN ('refresh', 'compaction') AND g.status = 'ok' AND g.started > l.started))
UNION ALL
SELECT 'warning', b.view, b.owner, b.pending || ' rows are pending and slow down reading it', 'Run tally.compact(''' || b.name || '''), or let the background worker do so.'
  FROM behind b WHERE b.status = 'ok' AND b.pending > 100000 AND b.size > 4 * b.limit
UNION ALL
SELECT 'warning', b.view, b.owner, 'its pending rows take ' || pg_catalog.pg_size_pretty(b.size) || ', nearly all of it free or dead space',
       CASE WHEN old.since IS NULL THEN 'Run VACUUM ' || b.delta::regclass || '.'
            ELSE 'A transaction that is open since ' || old.since || ' keeps VACUUM from removing dead rows: end it.' END
  FROM behind b LEFT JOIN LATERAL (
         SELECT min(a.xact_start) AS since FROM pg_catalog.pg_stat_activity a WHERE a.backend_xmin IS NOT NULL AND a.xact_start < now() - interval '10 minutes') old ON true
 WHERE b.size > 8 * b.limit AND b.pending * 1000 < b.size
UNION ALL
SELECT 'warning', NULL, NULL, 'the relations behind ' || count(*) || ' dropped views are still there, because they were in use', 'Run tally.compact().'
  FROM tally.storage s WHERE s.id NOT IN (SELECT v.id FROM tally.all_views v) HAVING count(*) > 0
UNION ALL
SELECT 'warning', NULL, NULL, 'autovacuum is off: the tables behind views grow and are read ever more slowly', 'Set autovacuum to on.'
 WHERE pg_catalog.current_setting('autovacuum') = 'off' AND EXISTS (SELECT FROM tally.all_views);

CREATE FUNCTION tally.health(OUT severity text, OUT view regclass, OUT problem text, OUT hint text) RETURNS SETOF record VOLATILE ROWS 10 LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
  SELECT h.severity, h.view::regclass, h.problem, h.hint
    FROM (SELECT p.severity, p.view, p.problem, p.hint FROM tally.refresh_problems() p
          UNION ALL
          SELECT p.severity, p.view, p.problem, p.hint FROM tally.storage_problems p
           WHERE p.owner IS NULL OR pg_has_role(p.owner, 'USAGE') OR pg_has_role('pg_read_all_stats', 'USAGE')) h
   ORDER BY h.severity, h.view IS NOT NULL, h.view::regclass::text COLLATE "C", h.problem COLLATE "C"
$$;
COMMENT ON FUNCTION tally.health IS 'what is wrong and what to do about it, one row per problem; no row if all is well';
GRANT SELECT ON tally.storage_problems TO PUBLIC;
