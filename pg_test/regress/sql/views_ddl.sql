-- What is done to sources and views by ordinary DDL is followed, or refused.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE SCHEMA views_ddl;
CREATE SCHEMA views_ddl_other;
SET search_path = views_ddl, public;
CREATE TABLE t (id int PRIMARY KEY, k text, x int, unused text, "when" timestamptz DEFAULT '2024-01-01Z', idle numeric);
INSERT INTO t SELECT i, 'k' || i % 3, i, 'u' FROM generate_series(1, 20) i;
SELECT pg_temp.make('v', 'SELECT k, count(*) AS n, sum(x) AS s, min(x) AS mn, uniq(id) AS u FROM t WHERE x > 0 GROUP BY k');
SELECT pg_temp.make('w', 'SELECT date_bin(''1 day'', "when", ''epoch'') AS day, string_agg(k, '''' ORDER BY id) AS ks FROM t GROUP BY 1');
-- renames
INSERT INTO t VALUES (100, 'pending', 1);
ALTER TABLE t RENAME COLUMN k TO "New Key";
ALTER TABLE t RENAME COLUMN x TO amount;
UPDATE made SET query = 'SELECT "New Key" AS k, count(*) AS n, sum(amount) AS s, min(amount) AS mn, uniq(id) AS u FROM t WHERE amount > 0 GROUP BY 1' WHERE name = 'v';
UPDATE made SET query = replace(query, '(k,', '("New Key",') WHERE name = 'w';
SELECT pg_temp.exact('columns renamed');
INSERT INTO t VALUES (101, 'k0', -1), (102, 'k0', 2);
SELECT pg_temp.kept('columns renamed');
SELECT regexp_replace(query, '\mt\.', '', 'g') AS query FROM tally.views WHERE view = 'v'::regclass;
ALTER TABLE t RENAME TO "T 2";
UPDATE made SET query = replace(query, 'FROM t ', 'FROM "T 2" ');
UPDATE "T 2" SET amount = amount + 1;
SELECT pg_temp.kept('table renamed');
ALTER TABLE "T 2" SET SCHEMA views_ddl_other;
UPDATE made SET query = replace(query, 'FROM "T 2"', 'FROM views_ddl_other."T 2"');
DELETE FROM views_ddl_other."T 2" WHERE id < 5;
SELECT pg_temp.kept('table moved');
ALTER SCHEMA views_ddl_other RENAME TO "Views ddl";
UPDATE made SET query = replace(query, 'views_ddl_other', '"Views ddl"');
INSERT INTO "Views ddl"."T 2" VALUES (103, 'k0', 7);
SELECT pg_temp.kept('schema renamed');
ALTER VIEW v RENAME TO "V 2";
ALTER VIEW "V 2" SET SCHEMA "Views ddl";
UPDATE made SET name = '"Views ddl"."V 2"' WHERE name = 'v';
ALTER VIEW w RENAME COLUMN ks TO letters;
UPDATE made SET query = replace(query, 'AS ks', 'AS letters') WHERE name = 'w';
INSERT INTO "Views ddl"."T 2" VALUES (104, 'k1', 8);
SELECT pg_temp.kept('views renamed and moved');
ALTER TABLE "Views ddl"."T 2" SET SCHEMA views_ddl;
ALTER TABLE "T 2" RENAME TO t;
ALTER TABLE t RENAME COLUMN "New Key" TO k;
ALTER TABLE t RENAME COLUMN amount TO x;
ALTER VIEW "Views ddl"."V 2" SET SCHEMA views_ddl;
ALTER VIEW "V 2" RENAME TO v;
UPDATE made SET name = 'v', query = 'SELECT k, count(*) AS n, sum(x) AS s, min(x) AS mn, uniq(id) AS u FROM t WHERE x > 0 GROUP BY k' WHERE name LIKE '%V 2%';
UPDATE made SET query = 'SELECT date_bin(''1 day'', "when", ''epoch'') AS day, string_agg(k, '''' ORDER BY id) AS letters FROM t GROUP BY 1' WHERE name = 'w';
INSERT INTO t VALUES (105, 'k1', 9);
SELECT pg_temp.kept('and all back');
DROP SCHEMA "Views ddl";
-- another query in the view's place: refused, or nothing of the old one stays
CREATE FUNCTION replaces() RETURNS text LANGUAGE plpgsql AS $$ DECLARE before text; after text; BEGIN
  before := pg_temp.left_behind();
  PERFORM tally.create_view('replaced', 'SELECT k, count(*) AS n FROM t GROUP BY k');
  BEGIN EXECUTE 'CREATE OR REPLACE VIEW replaced AS SELECT ''x''::text AS k, 1::bigint AS n'; EXCEPTION WHEN OTHERS THEN EXECUTE 'DROP VIEW replaced'; END;
  after := pg_temp.left_behind();
  RETURN CASE WHEN after = before THEN 'ok' ELSE before || ' before, ' || after || ' after' END; END $$;
SET client_min_messages = warning;
SELECT replaces();
DROP VIEW IF EXISTS replaced;
RESET client_min_messages;

-- columns
SELECT left(pg_temp.fails('ALTER TABLE t DROP COLUMN x'), 5);
SELECT left(pg_temp.fails('ALTER TABLE t ALTER COLUMN x TYPE bigint'), 5);
SELECT left(pg_temp.fails('ALTER TABLE t DROP CONSTRAINT t_pkey, DROP COLUMN k'), 5);
ALTER TABLE t DROP COLUMN unused;
INSERT INTO t VALUES (110, 'k0', 3);
SELECT pg_temp.kept('a column dropped');
ALTER TABLE t ADD COLUMN more int DEFAULT 5, ADD COLUMN gen int GENERATED ALWAYS AS (x + 1) STORED;
INSERT INTO t VALUES (111, 'k0', 4);
SELECT pg_temp.kept('columns added');
ALTER TABLE t ALTER COLUMN idle TYPE text;
INSERT INTO t VALUES (112, 'k0', 5);
UPDATE t SET idle = 'x';
SELECT pg_temp.kept('type of an unused column');
SELECT pg_temp.make('more', 'SELECT more, max(gen) AS mx FROM t GROUP BY more');
DELETE FROM t WHERE gen = (SELECT max(gen) FROM t);
SELECT pg_temp.kept('a view of the new columns', NULL);
ALTER TABLE t ALTER COLUMN more SET NOT NULL, ALTER COLUMN more DROP DEFAULT, ALTER COLUMN more SET STATISTICS 10, ADD CHECK (more > 0);
ALTER TABLE t DROP CONSTRAINT t_pkey;
INSERT INTO t (id, k, x, more) VALUES (113, 'k0', 6, 1), (113, 'k0', 6, 1);
SELECT pg_temp.kept('constraints');
-- rewrites
INSERT INTO t (id, k, x, more) VALUES (114, 'k1', 6, 1);
VACUUM FULL t;
CREATE INDEX t_id ON t (id);
CLUSTER t USING t_id;
REINDEX TABLE t;
ALTER TABLE t SET (fillfactor = 50);
SELECT pg_temp.exact('rewritten, pending');
DELETE FROM t WHERE x = 6;
SELECT pg_temp.kept('rewritten');
INSERT INTO t (id, k, x, more) VALUES (115, 'k1', 6, 1);
SELECT main::regclass AS main, delta::regclass AS delta FROM tally.registry WHERE view = 'v'::regclass \gset
VACUUM FULL :main;
VACUUM FULL :delta;
REINDEX TABLE :main;
ANALYZE :main;
UPDATE t SET x = 7 WHERE id = 115;
SELECT pg_temp.kept('the tables behind the view rewritten');
ALTER TABLE t SET UNLOGGED;
INSERT INTO t (id, k, x, more) VALUES (116, 'k1', 8, 1);
SELECT pg_temp.kept('SET UNLOGGED');
ALTER TABLE t SET LOGGED;

-- triggers that do not fire
INSERT INTO t (id, k, x, more) VALUES (120, 'k1', 8, 1);
ALTER TABLE t DISABLE TRIGGER ALL;
SELECT pg_temp.exact('triggers disabled');
INSERT INTO t (id, k, x, more) VALUES (121, 'unseen', 8, 1);
DELETE FROM t WHERE k = 'k2';
SELECT pg_temp.exact('unseen changes');
SELECT view, status FROM tally.views ORDER BY view::text;
SELECT count(tally.compact());
SELECT pg_temp.exact('unseen changes, after an attempt to compact');
SELECT pg_temp.fails($$SELECT tally.refresh_view('v')$$);
ALTER TABLE t ENABLE TRIGGER ALL;
INSERT INTO t (id, k, x, more) VALUES (122, 'k1', 8, 1);
SELECT pg_temp.exact('enabled');
SET session_replication_role = replica;
INSERT INTO t (id, k, x, more) VALUES (123, 'replica', 8, 1);
RESET session_replication_role;
SELECT pg_temp.exact('enabled for the origin only, written as a replica');
ALTER TABLE t ENABLE ALWAYS TRIGGER tally_insert, ENABLE ALWAYS TRIGGER tally_update, ENABLE ALWAYS TRIGGER tally_delete, ENABLE ALWAYS TRIGGER tally_truncate;
SELECT pg_temp.exact('enabled again');
INSERT INTO t (id, k, x, more) VALUES (124, 'k1', 8, 1);
SELECT pg_temp.kept('enabled again');
SET session_replication_role = replica;
INSERT INTO t (id, k, x, more) VALUES (125, 'replica', 8, 1);
UPDATE t SET x = x + 1;
DELETE FROM t WHERE id = 123;
RESET session_replication_role;
SELECT pg_temp.kept('written as a replica');
BEGIN;
ALTER TABLE t DISABLE TRIGGER tally_insert;
INSERT INTO t (id, k, x, more) VALUES (126, 'k1', 8, 1);
ALTER TABLE t ENABLE ALWAYS TRIGGER tally_insert;
COMMIT;
SELECT pg_temp.kept('one trigger off and on in one transaction');
ALTER TABLE t RENAME CONSTRAINT t_more_check TO c;
ALTER TRIGGER tally_insert ON t RENAME TO mine;
INSERT INTO t (id, k, x, more) VALUES (127, 'k1', 8, 1);
SELECT pg_temp.kept('a trigger renamed', NULL);
ALTER TRIGGER mine ON t RENAME TO tally_insert;
DROP TRIGGER tally_delete ON t;
DELETE FROM t WHERE k = 'k1';
SELECT pg_temp.exact('a trigger dropped');
INSERT INTO t (id, k, x, more) VALUES (128, 'k1', 8, 1);
SELECT pg_temp.exact('a trigger dropped, and written to');
SET client_min_messages = warning;
DROP SCHEMA views_ddl CASCADE;
SELECT pg_temp.left_behind();
