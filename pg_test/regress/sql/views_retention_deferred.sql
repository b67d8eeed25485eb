-- Rows that retention removes from a source with deferred constraints: these are checked at once, as the source's owner, and what they
-- refuse stays.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE SCHEMA rd; SET search_path = rd, public;
SET client_min_messages = warning;
CREATE ROLE rd_owner; GRANT USAGE, CREATE ON SCHEMA rd TO rd_owner;
SET ROLE rd_owner;
CREATE TABLE t (id int PRIMARY KEY, at timestamp, x int);
CREATE TABLE child (id int PRIMARY KEY, t int REFERENCES t DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE part (id int PRIMARY KEY, t int REFERENCES t ON DELETE CASCADE);
CREATE TABLE part_of_part (part int REFERENCES part DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE seen (id int, by_whom name);
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO rd.seen VALUES (OLD.id, current_user); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER see AFTER DELETE ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION see();
INSERT INTO t SELECT i, timestamp '2020-01-01' + i * interval '1 day', i FROM generate_series(0, 9) i;
INSERT INTO t VALUES (100, 'infinity', 100);
INSERT INTO part VALUES (1, 1), (2, 2);
SELECT tally.create_view('v', 'SELECT date_bin(''5 days'', at, ''2020-01-01'') AS w, count(*) AS n, min(x) AS mn FROM t GROUP BY 1');
SELECT tally.set_source_retention('t', 'at', '1 year');
CREATE TABLE all_rows AS TABLE t;
CREATE VIEW wanted AS SELECT date_bin('5 days', at, '2020-01-01') AS w, count(*) AS n, min(x) AS mn FROM all_rows GROUP BY 1;
RESET ROLE;
-- What is referenced stays, and all else with it.
INSERT INTO child VALUES (1, 3);
SELECT pg_temp.fails($$SELECT tally.enforce_retention('rd.t')$$);
SELECT count(*), (SELECT count(*) FROM seen) FROM t;
DELETE FROM child;
INSERT INTO part_of_part VALUES (2);
SELECT pg_temp.fails($$SELECT tally.enforce_retention('rd.t')$$);
DELETE FROM part_of_part;
-- What waits for the end of the caller's transaction is checked too, as SET CONSTRAINTS would.
BEGIN;
INSERT INTO part_of_part VALUES (77);
SAVEPOINT s;
SELECT tally.enforce_retention('t');
ROLLBACK TO s;
DELETE FROM part_of_part;
-- It has written, and still may.
SELECT tally.enforce_retention('t');
COMMIT;
SELECT count(*) FROM t;
SELECT DISTINCT by_whom, count(*) OVER () FROM seen;
SELECT count(*) FROM part;
SELECT tally.enforce_retention('t');
-- By a round of what is due.
INSERT INTO t VALUES (20, '2020-01-03', -1); INSERT INTO all_rows VALUES (20, '2020-01-03', -1);
SELECT tally.run_due() >= 0;
SELECT count(*) FROM t;
SELECT kind, status, error FROM tally.view_log WHERE view = 'v'::regclass AND kind = 'retention';
TABLE v EXCEPT ALL TABLE wanted;
TABLE wanted EXCEPT ALL TABLE v;
SELECT (tally.verify_view('v')).*;
DROP SCHEMA rd CASCADE; DROP ROLE rd_owner;
SELECT pg_temp.left_behind();
