-- What the owner of a view puts on the tables behind it never runs in another's name, and what anybody says of relations that are not ours is nothing.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE ROLE regress_tally_hostile;
CREATE SCHEMA hostile;
GRANT ALL ON SCHEMA hostile TO regress_tally_hostile;
SET search_path = hostile, public;
SET client_min_messages = warning;
SET ROLE regress_tally_hostile;
CREATE TABLE ran (who name, what text);
CREATE FUNCTION spy(what text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO hostile.ran VALUES (current_user, what); RETURN NULL; END $$;
CREATE TABLE t (at timestamptz, k int) PARTITION BY RANGE (at);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM ('2020-01-01Z') TO ('2021-01-01Z');
CREATE TABLE t2 PARTITION OF t FOR VALUES FROM ('2021-01-01Z') TO ('2022-01-01Z');
SELECT tally.create_view('v', 'SELECT k, count(*) AS n FROM t GROUP BY k');
SELECT tally.create_view('p', 'SELECT date_trunc(''day'', at, ''UTC'') AS d, count(*) AS n FROM t GROUP BY 1', partition_by => 'month');
RESET ROLE;
SELECT id AS v FROM tally.registry WHERE view = 'v'::regclass \gset
SELECT id AS p FROM tally.registry WHERE view = 'p'::regclass \gset
SELECT format('ALTER TABLE tally_data.v%s_delta ALTER k1 SET DEFAULT hostile.spy(''delta'')', :v) AS on_delta,
       format('ALTER TABLE tally_data.v%s_filled ADD seen int DEFAULT hostile.spy(''filled'')', :v) AS on_filled,
       format('CREATE TRIGGER spy BEFORE DELETE ON tally_data.v%s_main_rest FOR EACH STATEMENT EXECUTE FUNCTION hostile.spying()', :p) AS on_rest \gset
CREATE FUNCTION spying() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.spy(TG_OP); RETURN NULL; END $$;
SET ROLE regress_tally_hostile;
:on_delta;
:on_filled;
:on_rest;
DELETE FROM ran;
-- as a superuser: a partition that goes is a mark in delta; a range is refreshed; all is compacted, looked at, verified, retained
RESET ROLE;
ALTER TABLE t DETACH PARTITION t1;
INSERT INTO t VALUES ('2021-05-05Z', 1);
SELECT tally.compact();
SELECT count(*) FROM tally.views;
SELECT missing, extra, different FROM tally.verify_view('v');
SELECT tally.enforce_retention('p');
SELECT DISTINCT who FROM ran;
-- relations that are not ours
SELECT tally.reading('pg_class_oid_index', 'pg_class_oid_index'), tally.reading('ran', 'ran'), tally.reading('pg_class', 'pg_class'), tally.is_kept('pg_class_oid_index');
-- tally.maintain = off is not for those who call a function of the owner's
SET ROLE regress_tally_hostile;
CREATE FUNCTION forget() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'DELETE FROM hostile.t';
RESET ROLE;
CREATE ROLE regress_tally_caller;
GRANT USAGE ON SCHEMA hostile TO regress_tally_caller;
SET SESSION AUTHORIZATION regress_tally_caller;
SET client_min_messages = warning;
SET tally.maintain = off;
SELECT hostile.forget();
RESET tally.maintain;
RESET SESSION AUTHORIZATION;
SELECT * FROM v;
-- nor for what the transaction does not see
INSERT INTO t VALUES ('2021-05-05Z', 1);
SET tally.maintain = off;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT pg_temp.fails('TRUNCATE t');
ROLLBACK;
-- nor where it cannot be told which table lost its rows
CREATE TABLE other (at timestamptz) PARTITION BY RANGE (at);
CREATE TABLE other1 PARTITION OF other FOR VALUES FROM ('2021-01-01Z') TO ('2022-01-01Z');
SELECT tally.create_view('o', 'SELECT date_trunc(''day'', at, ''UTC'') AS d, count(*) AS n FROM other GROUP BY 1');
INSERT INTO other VALUES ('2021-05-05Z');
SELECT pg_temp.fails('DROP TABLE other1');
-- a partition that is detached is of one table only
SELECT tally.refresh_view('v'), tally.refresh_view('p');
ALTER TABLE other DETACH PARTITION other1;
SELECT view, kept FROM tally.views WHERE view <> 'v'::regclass ORDER BY view::text COLLATE "C";
RESET tally.maintain;
SELECT * FROM o;
SET client_min_messages = error;
DROP SCHEMA hostile CASCADE;
DROP OWNED BY regress_tally_hostile, regress_tally_caller CASCADE;
DROP ROLE regress_tally_hostile, regress_tally_caller;
SELECT pg_temp.left_behind();
