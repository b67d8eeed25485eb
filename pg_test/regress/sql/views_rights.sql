-- Who may do what, and in whose name the work is done.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE ROLE regress_tally_owner;
CREATE ROLE regress_tally_writer;
CREATE ROLE regress_tally_other;
CREATE ROLE regress_tally_maker;
CREATE SCHEMA views_rights;
GRANT USAGE ON SCHEMA views_rights TO PUBLIC;
GRANT CREATE ON SCHEMA views_rights TO regress_tally_owner, regress_tally_maker;
SET search_path = views_rights, public;
SET ROLE regress_tally_owner;
CREATE TABLE t (id int, k text, x int);
INSERT INTO t SELECT i, 'k' || i % 3, i FROM generate_series(1, 20) i;
SELECT tally.create_view('v', 'SELECT k, count(*) AS n, sum(x) AS s, min(x) AS mn, uniq(id) AS u FROM t GROUP BY k');
GRANT INSERT ON t TO regress_tally_writer;
RESET ROLE;
INSERT INTO made (name, query, columns) VALUES ('v', 'SELECT k, count(*), sum(x), min(x), uniq(id) FROM t GROUP BY k', '*');
-- a role that may only insert
SET ROLE regress_tally_writer;
INSERT INTO t VALUES (100, 'k0', -5), (101, 'new', 1);
SELECT pg_temp.fails('TABLE v');
SELECT pg_temp.fails('TABLE t');
SELECT pg_temp.fails($$SELECT tally.compact('v')$$);
SELECT pg_temp.fails($$SELECT tally.refresh_view('v')$$);
SELECT pg_temp.fails($$SELECT * FROM tally.verify_view('v')$$);
SELECT pg_temp.fails($$SELECT tally.drop_view('v')$$);
SELECT pg_temp.fails('DROP VIEW v');
SELECT tally.compact();
SELECT pg_temp.fails($$SELECT tally.create_view('w', 'SELECT count(*) FROM t')$$);
SELECT view, mode, pending > 0 AS pending FROM tally.views;
COPY t FROM STDIN;
102	k1	7
\.
RESET ROLE;
SELECT pg_temp.kept('written by a role that may only insert');
-- a role that may change but not read, one that reads the view but not the source
GRANT SELECT (id), UPDATE (x), DELETE ON t TO regress_tally_writer;
GRANT SELECT ON v TO regress_tally_other;
SET ROLE regress_tally_writer;
UPDATE t SET x = 3 WHERE id < 5;
DELETE FROM t WHERE id = 101;
SET ROLE regress_tally_other;
SELECT k, n, s FROM v ORDER BY k;
SELECT pg_temp.fails('SELECT count(*) FROM t');
RESET ROLE;
SELECT pg_temp.kept('changed by another');
-- nothing behind the view is open to anyone else
SET ROLE regress_tally_other;
SELECT count(*) FROM pg_class WHERE relnamespace = 'tally_data'::regnamespace AND has_table_privilege(oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE');
SELECT has_schema_privilege('tally_data', 'CREATE'), has_schema_privilege('tally', 'CREATE');
RESET ROLE;
-- making a view: ownership, or TRIGGER and SELECT
SET ROLE regress_tally_maker;
SELECT pg_temp.fails($$SELECT tally.create_view('w', 'SELECT count(*) FROM t')$$);
SET ROLE regress_tally_owner;
GRANT SELECT ON t TO regress_tally_maker;
SET ROLE regress_tally_maker;
SELECT pg_temp.fails($$SELECT tally.create_view('w', 'SELECT count(*) FROM t')$$);
SET ROLE regress_tally_owner;
GRANT TRIGGER ON t TO regress_tally_maker;
REVOKE SELECT ON t FROM regress_tally_maker;
GRANT SELECT (k) ON t TO regress_tally_maker;
SET ROLE regress_tally_maker;
SELECT pg_temp.fails($$SELECT tally.create_view('w', 'SELECT k, sum(x) FROM t GROUP BY k')$$);
SELECT tally.create_view('w', 'SELECT k, count(*) AS n, max(k) AS mx FROM t GROUP BY k');
SELECT * FROM w ORDER BY k;
RESET ROLE;
INSERT INTO made (name, query, columns) VALUES ('w', 'SELECT k, count(*), max(k) FROM t GROUP BY k', '*');
SET ROLE regress_tally_writer;
INSERT INTO t VALUES (103, 'k2', 7);
RESET ROLE;
SELECT pg_temp.kept('two owners');
SET ROLE regress_tally_maker;
SELECT tally.compact() >= 0, tally.refresh_view('w');
SELECT pg_temp.fails($$SELECT tally.compact('v')$$);
SELECT tally.drop_view('w');
RESET ROLE;
DELETE FROM made WHERE name = 'w';
SELECT pg_temp.exact('dropped by an owner without the table');
-- the source's owner drops what others built on it
SET ROLE regress_tally_maker;
SELECT tally.create_view('w', 'SELECT k, count(*) AS n FROM t GROUP BY k');
DROP VIEW w;
SELECT tally.create_view('w', 'SELECT k, count(*) AS n FROM t GROUP BY k');
RESET ROLE;

-- the work is done in the owner's name, in a security-restricted operation
CREATE FUNCTION whoami(x int) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN current_user; END $$;
SET ROLE regress_tally_owner;
SELECT tally.create_view('by_whom', 'SELECT views_rights.whoami(x) AS who, count(*) AS n FROM t GROUP BY 1');
SET ROLE regress_tally_writer;
INSERT INTO t VALUES (110, 'k0', 1);
RESET ROLE;
SET ROLE regress_tally_owner;
SELECT tally.compact('by_whom');
RESET ROLE;
SELECT who FROM by_whom;
-- a function that turns evil cannot do with a superuser's rights what its owner could not
CREATE FUNCTION evil(x int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
  IF current_user = 'regress_tally_owner' THEN
    BEGIN EXECUTE 'RESET ROLE'; RAISE WARNING 'reset role'; EXCEPTION WHEN OTHERS THEN NULL; END;
    BEGIN EXECUTE 'SET SESSION AUTHORIZATION DEFAULT'; RAISE WARNING 'reset session'; EXCEPTION WHEN OTHERS THEN NULL; END;
    BEGIN EXECUTE 'CREATE TEMP TABLE evil (a int)'; RAISE WARNING 'made a temporary table'; EXCEPTION WHEN OTHERS THEN NULL; END;
  END IF;
  RETURN x; END $$;
SET ROLE regress_tally_owner;
SELECT tally.create_view('restricted', 'SELECT views_rights.evil(x) % 2 AS e, count(*) AS n FROM t GROUP BY 1');
RESET ROLE;
INSERT INTO t VALUES (111, 'k0', 1);
SELECT tally.compact('restricted');
SELECT tally.refresh_view('restricted');
SELECT to_regclass('pg_temp.evil') IS NULL AS nothing_made;
DROP VIEW restricted, by_whom;

-- names in the writer's and reader's schemas change nothing
CREATE SCHEMA regress_tally_evil;
GRANT USAGE ON SCHEMA regress_tally_evil TO PUBLIC;
CREATE FUNCTION regress_tally_evil.lower(text) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT 'evil'::text $$;
CREATE FUNCTION regress_tally_evil.int4_evil(int, int) RETURNS int IMMUTABLE LANGUAGE sql AS $$ SELECT -666 $$;
CREATE FUNCTION regress_tally_evil.texteq_evil(text, text) RETURNS bool IMMUTABLE LANGUAGE sql AS $$ SELECT true $$;
CREATE OPERATOR regress_tally_evil.+ (FUNCTION = regress_tally_evil.int4_evil, LEFTARG = int, RIGHTARG = int);
CREATE OPERATOR regress_tally_evil.= (FUNCTION = regress_tally_evil.texteq_evil, LEFTARG = text, RIGHTARG = text);
CREATE AGGREGATE regress_tally_evil.sum(int) (SFUNC = regress_tally_evil.int4_evil, STYPE = int, INITCOND = '0');
CREATE AGGREGATE regress_tally_evil.max(int) (SFUNC = regress_tally_evil.int4_evil, STYPE = int, INITCOND = '0');
CREATE TABLE regress_tally_evil.pg_class (oid oid);
CREATE TABLE regress_tally_evil.t (k text);
CREATE FUNCTION views_rights.helper(int) RETURNS int IMMUTABLE LANGUAGE sql AS $$ SELECT $1 * 2 $$;
CREATE FUNCTION views_rights.caller(int) RETURNS int IMMUTABLE LANGUAGE plpgsql SET search_path = views_rights AS $$ BEGIN RETURN helper($1); END $$;
CREATE FUNCTION views_rights.loose_caller(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RETURN helper($1); END $$;
CREATE FUNCTION views_rights.loose_inlined(int) RETURNS int IMMUTABLE LANGUAGE sql AS $$ SELECT helper($1) $$;
CREATE FUNCTION regress_tally_evil.helper(int) RETURNS int IMMUTABLE LANGUAGE sql AS $$ SELECT 13 $$;
SET ROLE regress_tally_owner;
SELECT tally.create_view('named', $$SELECT lower(k) AS k, sum(x + 1) AS s, max(x) AS mx, caller(x) % 5 AS c FROM t WHERE k = 'k0' OR lower(k) <> 'k9' GROUP BY lower(k), caller(x) % 5$$);
-- one that looks up its names in whatever search_path there is cannot be kept
SELECT pg_temp.fails($$SELECT tally.create_view('loose', 'SELECT loose_caller(x) AS c, count(*) AS n FROM t GROUP BY 1')$$);
SELECT pg_temp.fails($$SELECT tally.create_view('loose', 'SELECT loose_inlined(x) AS c, count(*) AS n FROM t GROUP BY 1', with_data => false)$$);
RESET ROLE;
INSERT INTO made (name, query) VALUES ('named', $$SELECT pg_catalog.lower(k) AS k, pg_catalog.sum(x OPERATOR(pg_catalog.+) 1) AS s, pg_catalog.max(x) AS mx, views_rights.caller(x) % 5 AS c FROM views_rights.t GROUP BY 1, 4$$);
UPDATE made SET columns = '*', name = 'views_rights.' || name, query = replace(query, ' FROM t ', ' FROM views_rights.t ');
SET search_path = regress_tally_evil, pg_catalog, public;
SET ROLE regress_tally_writer;
INSERT INTO views_rights.t SELECT i, 'K' || i % 3, i FROM generate_series(200, 210) i;
UPDATE views_rights.t SET x = 500 WHERE id = 3;
RESET ROLE;
SELECT n, s FROM views_rights.v WHERE k OPERATOR(pg_catalog.=) 'k0';
SET ROLE regress_tally_owner;
SELECT count(*) FROM tally.verify_view('views_rights.v') WHERE missing > 0;
SELECT tally.compact('views_rights.v') > 0, tally.compact('views_rights.named') > 0;
INSERT INTO views_rights.t VALUES (211, 'K3', 9);
SELECT tally.create_view('views_rights.made_here', 'SELECT k, pg_catalog.sum(x) AS s FROM views_rights.t GROUP BY k');
RESET ROLE;
SET search_path = views_rights, public;
INSERT INTO made (name, query, columns) VALUES ('views_rights.made_here', 'SELECT k, sum(x) FROM views_rights.t GROUP BY k', '*');
SELECT pg_temp.kept('under a hostile search_path', NULL);
SET client_min_messages = warning;
DROP SCHEMA regress_tally_evil CASCADE;
RESET client_min_messages;

-- a source's owner, no superuser, does to it what owners do, under the view of somebody else
SET ROLE regress_tally_owner;
CREATE TABLE pt (id int, k text) PARTITION BY RANGE (id);
CREATE TABLE pt1 PARTITION OF pt FOR VALUES FROM (0) TO (100);
GRANT SELECT, TRIGGER ON pt TO regress_tally_maker;
SET ROLE regress_tally_maker;
SELECT tally.create_view('views_rights.pv', 'SELECT k, count(*) AS n, max(id) AS mx FROM pt GROUP BY k');
RESET ROLE;
INSERT INTO made (name, query, columns) VALUES ('views_rights.pv', 'SELECT k, count(*), max(id) FROM views_rights.pt GROUP BY k', '*');
SET ROLE regress_tally_owner;
CREATE TABLE pt2 PARTITION OF pt FOR VALUES FROM (100) TO (200);
INSERT INTO pt SELECT i, 'k' || i % 3 FROM generate_series(1, 150) i;
CREATE TABLE pt3 (k text, id int);
INSERT INTO pt3 VALUES ('attached', 250);
ALTER TABLE pt ATTACH PARTITION pt3 FOR VALUES FROM (200) TO (300);
INSERT INTO pt3 VALUES ('k1', 251);
RESET ROLE;
SELECT pg_temp.exact('ATTACH by the owner of the source');
SET ROLE regress_tally_owner;
ALTER TABLE pt DETACH PARTITION pt2;
ALTER TABLE pt RENAME COLUMN k TO key;
ALTER TABLE pt RENAME COLUMN key TO k;
TRUNCATE pt3;
ALTER TABLE pt1 DISABLE TRIGGER tally_insert;
INSERT INTO pt1 VALUES (5, 'unseen');
ALTER TABLE pt1 ENABLE ALWAYS TRIGGER tally_insert;
UPDATE pt SET k = 'k9' WHERE id < 10;
RESET ROLE;
SELECT pg_temp.kept('DDL by the owner of the source');
DELETE FROM made WHERE name = 'views_rights.pv';
SET ROLE regress_tally_owner;
SET client_min_messages = warning;
ALTER TABLE pt DROP COLUMN k CASCADE;
RESET client_min_messages;
SELECT to_regclass('pv');
INSERT INTO pt VALUES (7);
DROP TABLE pt, pt2;
RESET ROLE;
SELECT view FROM tally.views ORDER BY view::text COLLATE "C";

-- owners that change, rights that go
ALTER VIEW v OWNER TO regress_tally_maker;
SELECT count(DISTINCT c.relowner::regrole::text), min(c.relowner::regrole::text) FROM tally.registry r JOIN pg_class c ON c.oid IN (r.view, r.main, r.delta, r.filled, r.query, r.groups) WHERE r.view = 'v'::regclass;
GRANT SELECT ON t TO regress_tally_maker;
SET ROLE regress_tally_writer;
INSERT INTO t VALUES (300, 'k0', 1);
RESET ROLE;
SELECT pg_temp.kept('another owner');
SET ROLE regress_tally_maker;
SELECT tally.compact('v');
RESET ROLE;
-- an operator of the caller's own cannot answer our questions about their rights
CREATE SCHEMA regress_tally_evil AUTHORIZATION regress_tally_writer;
SET ROLE regress_tally_writer;
CREATE FUNCTION regress_tally_evil.yes(oid, integer) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR regress_tally_evil.= (LEFTARG = oid, RIGHTARG = integer, FUNCTION = regress_tally_evil.yes);
SET search_path = regress_tally_evil, pg_catalog, views_rights, public;
SELECT count(*) > 1 AS operator_in_force FROM pg_class c WHERE c.oid = 1;
SELECT pg_temp.fails($$SELECT tally.compact('v')$$);
SELECT pg_temp.fails($$SELECT tally.refresh_view('v')$$);
SELECT pg_temp.fails($$SELECT tally.drop_view('v')$$);
RESET search_path;
RESET ROLE;
SET search_path = views_rights, public;
SET client_min_messages = warning;
DROP SCHEMA regress_tally_evil CASCADE;
RESET client_min_messages;
ALTER TABLE t OWNER TO regress_tally_other;
REVOKE ALL ON t FROM regress_tally_maker, regress_tally_owner;
SET ROLE regress_tally_writer;
INSERT INTO t VALUES (301, 'k0', 1), (302, 'k1', -9);
RESET ROLE;
SELECT n FROM v WHERE k = 'k0';
-- the owner of the view may not read the source any more: what needs it says so, writers go on
SET ROLE regress_tally_maker;
SELECT pg_temp.fails($$SELECT tally.refresh_view('v')$$);
RESET ROLE;
SET ROLE regress_tally_other;
DELETE FROM t WHERE id = 302;
GRANT SELECT ON t TO regress_tally_maker, regress_tally_owner;
RESET ROLE;
SELECT pg_temp.kept('rights taken and given');
-- row-level security that comes later
SELECT pg_temp.fails('ALTER TABLE t ENABLE ROW LEVEL SECURITY');
-- DROP OWNED
SET client_min_messages = warning;
DROP OWNED BY regress_tally_maker CASCADE;
SELECT view FROM tally.views ORDER BY view::text COLLATE "C";
DELETE FROM made WHERE name = 'views_rights.v';
SELECT pg_temp.exact('DROP OWNED');
REASSIGN OWNED BY regress_tally_owner TO regress_tally_other;
INSERT INTO t VALUES (400, 'K0', 5);
SELECT pg_temp.kept('REASSIGN OWNED', NULL);
SELECT DISTINCT c.relowner::regrole FROM tally.registry r JOIN pg_class c ON c.oid IN (r.view, r.main, r.delta, r.filled, r.query, r.groups);
DROP OWNED BY regress_tally_other CASCADE;
SELECT pg_temp.left_behind();
DROP SCHEMA views_rights CASCADE;
DROP OWNED BY regress_tally_owner, regress_tally_writer, regress_tally_maker, regress_tally_other CASCADE;
DROP ROLE regress_tally_owner, regress_tally_writer, regress_tally_maker, regress_tally_other;
SELECT pg_temp.left_behind();
