-- Helpers of the acceptance scripts; each script includes it. Run one with: psql -X -v ON_ERROR_STOP=1 -f 01-….sql
\set QUIET on
\set ON_ERROR_STOP on
\pset pager off
\pset tuples_only on
\o /dev/null
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_tally;
SET search_path = public;

-- The oracle is recomputation: two queries give the same bag of rows, or the script ends.
CREATE OR REPLACE FUNCTION pg_temp.equal(what text, view_query text, source_query text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE too_many bigint; missing bigint;
BEGIN
  EXECUTE format('SELECT count(*) FILTER (WHERE extra), count(*) FILTER (WHERE NOT extra) FROM (
      SELECT true AS extra FROM ((%1$s) EXCEPT ALL (%2$s)) a UNION ALL SELECT false FROM ((%2$s) EXCEPT ALL (%1$s)) b) x', view_query, source_query)
    INTO too_many, missing;
  IF too_many + missing > 0 THEN RAISE EXCEPTION '%: % rows too many, % missing', what, too_many, missing; END IF;
END $$;

-- The view is maintained, not recomputed: writers left pending rows (if expected), compaction folds them, nothing stays
-- pending or in doubt, and a read of the compacted view scans none of the sources.
CREATE OR REPLACE FUNCTION pg_temp.maintained(view_name text, pending_expected boolean DEFAULT true) RETURNS void LANGUAGE plpgsql AS $$
DECLARE v record; folded bigint; plan json; scanned text;
BEGIN
  SELECT * INTO STRICT v FROM tally.views WHERE view = view_name::regclass;
  IF v.mode <> 'incremental' THEN RAISE EXCEPTION '% is %', view_name, v.mode; END IF;
  folded := tally.compact(view_name);
  IF pending_expected AND folded = 0 THEN RAISE EXCEPTION '% had nothing pending', view_name; END IF;
  SELECT * INTO STRICT v FROM tally.views WHERE view = view_name::regclass;
  IF v.pending + v.doubtful > 0 THEN RAISE EXCEPTION '% has % pending rows and % groups in doubt after compaction', view_name, v.pending, v.doubtful; END IF;
  EXECUTE format('EXPLAIN (ANALYZE, FORMAT JSON) SELECT count(*) FROM (SELECT * FROM %s OFFSET 0) x', view_name) INTO plan;
  SELECT string_agg(DISTINCT r, ', ') INTO scanned FROM unnest(v.sources) s
    JOIN LATERAL (SELECT s::text AS r UNION SELECT relid::text FROM pg_partition_tree(s)) p ON true
   WHERE EXISTS (SELECT 1 FROM jsonb_path_query(plan::jsonb, '$.** ? (@."Relation Name" == $s && @."Actual Loops" > 0)', jsonb_build_object('s', r)));
  IF scanned IS NOT NULL THEN RAISE EXCEPTION 'a read of % scans %', view_name, scanned; END IF;
  IF EXISTS (SELECT 1 FROM tally.verify_view(view_name) WHERE missing + extra + different > 0) THEN RAISE EXCEPTION 'verify_view finds % wrong', view_name; END IF;
END $$;
