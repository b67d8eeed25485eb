-- Types that change under a view: what it has stored of their values follows.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE SCHEMA kinds; CREATE SCHEMA types; SET search_path = types, kinds, public;
SET client_min_messages = warning;
CREATE TYPE kinds.mood AS ENUM ('sad', 'ok', 'high');
CREATE DOMAIN kinds.feeling AS kinds.mood CHECK (value <> 'high');
CREATE TYPE kinds.span AS RANGE (subtype = kinds.mood);
CREATE TYPE kinds.pair AS (a int, b int);
CREATE TYPE kinds.nested AS (m kinds.mood, p kinds.pair[]);
CREATE TABLE t (id int, g int, c mood, f feeling, s span, p pair, n nested);
-- Rows of t, whatever its types are called now.
CREATE FUNCTION fill(since int) RETURNS void LANGUAGE sql AS $$
  INSERT INTO t SELECT r.* FROM generate_series(since, since + 19) i
   CROSS JOIN LATERAL (SELECT e.enumlabel AS l FROM pg_enum e JOIN pg_attribute a ON a.atttypid = e.enumtypid
                        WHERE a.attrelid = 't'::regclass AND a.attname = 'c' ORDER BY e.enumsortorder OFFSET i % 2 LIMIT 1) e
   CROSS JOIN LATERAL jsonb_populate_record(NULL::t, jsonb_build_object('id', i, 'g', i % 3, 'c', l, 'f', l, 's', format('[,%s]', l),
     'p', jsonb_build_object('a', i % 2, 'b', i % 4), 'n', jsonb_build_object('m', l, 'p', jsonb_build_array(jsonb_build_object('a', i % 2))))) r $$;
SELECT pg_temp.make('args', 'SELECT g, arg_max(c, id) AS c, arg_min(f, id) AS f, arg_max(s, id) AS s, arg_max(ARRAY[c, NULL], id) AS a, arg_max(n, id) AS n FROM t GROUP BY g');
SELECT pg_temp.make('keys', 'SELECT g, arg_max(id, c) AS c, arg_max(id, p) AS p, arg_min(id, ARRAY[n]) AS n FROM t GROUP BY g');
SELECT pg_temp.make('tops', 'SELECT g, top_k(c, 3) AS c, uniq(c) AS u, uniq_exact(n, c) AS e, count(DISTINCT c) AS d, count(DISTINCT p) AS dp, uniq_exact(p) AS ep FROM t GROUP BY g');
SELECT pg_temp.make('shown', 'SELECT g, top_k(p, 3) AS p, top_k(n, 3) AS n FROM t GROUP BY g');
SELECT pg_temp.make('by_mood', 'SELECT c, count(*) AS n, min(c) AS f FROM t GROUP BY c');
SELECT pg_temp.make('by_pair', 'SELECT p, s, count(*) AS n, sum(id) AS i FROM t GROUP BY p, s');
SELECT pg_temp.make('by_nested', 'SELECT n, count(*) AS k FROM t GROUP BY n');
SELECT pg_temp.make('one', 'SELECT arg_max(c, id) AS c, count(*) AS k FROM t WHERE c < ''high''');
SELECT pg_temp.make('none', 'SELECT g, count(*) AS k FROM t GROUP BY g');
-- Each change is answered rightly in its transaction, after more rows, and after compaction.
CREATE FUNCTION follows(change text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE result text := ''; since int;
BEGIN
  SELECT coalesce(max(id), 0) + 1 FROM t INTO since;
  PERFORM fill(since);
  PERFORM tally.compact();
  PERFORM fill(since + 20);
  EXECUTE change;
  result := result || pg_temp.wrong();
  PERFORM fill(since + 40);
  DELETE FROM t WHERE id % 7 = 1;
  result := result || pg_temp.wrong();
  RETURN change || ':' || coalesce(nullif(result, ''), ' ok');
END $$;
SELECT follows('SELECT');
SELECT pg_temp.kept('as made');
SELECT follows('ALTER TYPE mood RENAME VALUE ''ok'' TO ''fine''');
-- Nothing is stored of the values of a view that is merely about them.
SELECT view, status FROM tally.views WHERE status <> 'ok' ORDER BY view::text;
SELECT pg_temp.kept('label');
SELECT follows('ALTER TYPE mood RENAME TO temper');
SELECT pg_temp.kept('type');
SELECT follows('ALTER TYPE temper RENAME TO mood');
SELECT pg_temp.kept('type, back');
SELECT follows('ALTER DOMAIN feeling RENAME TO sentiment');
SELECT follows('ALTER TYPE span RENAME TO stretch');
SELECT follows('ALTER TYPE nested RENAME TO nest');
SELECT follows('ALTER TYPE nest RENAME TO nested');
SELECT pg_temp.kept('domain, range, composite');
SELECT follows('ALTER TYPE mood SET SCHEMA types');
SELECT follows('ALTER SCHEMA kinds RENAME TO sorts');
SET search_path = types, sorts, public;
SELECT follows('ALTER TABLE t RENAME TO t2; ALTER TABLE t2 RENAME TO t');
SELECT pg_temp.kept('schemas');
SELECT follows('ALTER TYPE pair ADD ATTRIBUTE z int CASCADE');
SELECT pg_temp.kept('attribute added');
SELECT follows('ALTER TYPE pair RENAME ATTRIBUTE z TO y CASCADE');
SELECT pg_temp.kept('attribute renamed');
SELECT follows('ALTER TYPE pair DROP ATTRIBUTE b CASCADE');
SELECT pg_temp.kept('attribute dropped');
SELECT follows('ALTER TABLE t ADD COLUMN more int');
SELECT follows('ALTER TABLE t DROP COLUMN more');
SELECT pg_temp.kept('columns');
-- A type of its own in the composite, which goes with CASCADE.
CREATE TYPE flag AS ENUM ('up', 'down');
SELECT pg_temp.fails('ALTER TYPE pair ADD ATTRIBUTE w flag');
SELECT pg_temp.wrong();
DELETE FROM pg_temp.made WHERE name = 'tops';
DROP VIEW tops;
SELECT follows('ALTER TYPE pair ADD ATTRIBUTE w flag');
SELECT follows('DROP TYPE flag CASCADE');
SELECT pg_temp.kept('attribute gone with its type');
-- It is undone with its transaction.
BEGIN;
ALTER TYPE mood RENAME VALUE 'fine' TO 'good';
SELECT fill(10000);
SELECT pg_temp.exact('in it');
ROLLBACK;
SELECT fill(20000);
SELECT pg_temp.exact('after it');
SELECT pg_temp.kept('rolled back');
-- A new value changes nothing that is stored.
ALTER TYPE mood ADD VALUE 'bored' BEFORE 'fine';
SELECT count(*) FROM tally.views WHERE status <> 'ok';
SELECT pg_temp.exact('a value added');
-- Collations are named too.
CREATE COLLATION sorts.own FROM "C";
CREATE TABLE words (g int, w text COLLATE own, x text);
SELECT pg_temp.make('last_word', 'SELECT g, arg_max(x, w) AS x FROM words GROUP BY g');
INSERT INTO words VALUES (1, 'a', 'b');
ALTER COLLATION own RENAME TO mine;
INSERT INTO words VALUES (1, 'b', 'c');
SELECT pg_temp.exact('collation');
SELECT pg_temp.kept('collation');
-- Rows of tables are types too: they change with the table, what it inherits from, and what it is of. Whoever alters them needs no right on the view.
CREATE TABLE parent (a int);
CREATE TABLE child (m mood) INHERITS (parent);
CREATE TYPE rec AS (a int, b int);
CREATE TABLE typed OF rec;
CREATE TABLE r (id int, c child, y typed);
SELECT pg_temp.make('last_child', 'SELECT arg_max(c, id) AS c, arg_max(y, id) AS y, uniq(c) AS u, count(DISTINCT y) AS d FROM r');
SELECT pg_temp.make('by_child', 'SELECT c, y, count(*) AS n FROM r GROUP BY c, y');
INSERT INTO r VALUES (1, '(1,sad)', '(1,2)'), (2, '(1,sad)', '(1,2)');
SELECT tally.compact() > 0;
CREATE ROLE regress_types;
GRANT CREATE, USAGE ON SCHEMA types TO regress_types;
ALTER TABLE parent OWNER TO regress_types;
ALTER TABLE child OWNER TO regress_types;
SET ROLE regress_types;
ALTER TABLE parent ADD COLUMN z int;
RESET ROLE;
ALTER TYPE rec ADD ATTRIBUTE z int CASCADE;
INSERT INTO r VALUES (3, '(1,sad,)', '(1,2,)');
SELECT pg_temp.exact('columns of rows');
SELECT pg_temp.kept('columns of rows');
SET ROLE regress_types;
ALTER TABLE child RENAME TO kid;
RESET ROLE;
INSERT INTO r VALUES (4, '(2,sad,)', '(1,2,)');
SELECT pg_temp.exact('a name of rows');
SELECT pg_temp.kept('a name of rows');
ALTER TABLE parent DROP COLUMN a;
ALTER TYPE rec DROP ATTRIBUTE b CASCADE;
INSERT INTO r VALUES (5, '(sad,1)', '(1,1)');
SELECT pg_temp.exact('columns of rows gone');
SELECT pg_temp.kept('columns of rows gone');
-- A refreshable view has the rows as they are.
CREATE TABLE d (c mood, p pair);
INSERT INTO d VALUES ('fine', '(1,2)');
SELECT tally.create_view('fresh', 'SELECT c, p, count(*) AS n FROM d GROUP BY c, p', mode => 'refreshable');
ALTER TYPE mood RENAME VALUE 'fine' TO 'good';
ALTER TYPE pair ADD ATTRIBUTE last int;
ALTER TYPE mood RENAME TO humour;
TABLE fresh;
INSERT INTO d VALUES ('good', '(1,2,3)');
SELECT tally.refresh_view('fresh');
SELECT count(*) FROM ((TABLE fresh EXCEPT ALL SELECT c, p, count(*) FROM d GROUP BY c, p) UNION ALL (SELECT c, p, count(*) FROM d GROUP BY c, p EXCEPT ALL TABLE fresh)) x;
-- What cannot be made anew is not lost: kept groups, and states put in by hand.
CREATE TABLE k (day date, c humour, p pair, x int);
INSERT INTO k SELECT date '2026-01-01' + i % 3, 'sad', '(1,2,3)', i FROM generate_series(1, 9) i;
SELECT tally.create_view('last_mood', 'SELECT day, arg_max(c, x) AS c FROM k GROUP BY day');
SELECT tally.create_view('moods', 'SELECT day, c, count(*) AS n FROM k GROUP BY day, c');
SELECT tally.create_view('pairs', 'SELECT day, p, count(*) AS n FROM k GROUP BY day, p');
SELECT tally.create_view('some_days', 'SELECT day, count(*) AS n FROM k WHERE c = ''sad'' AND p <> ROW(0, 0, 0)::pair GROUP BY day');
SET tally.maintain = off;
DELETE FROM k WHERE day < '2026-01-03';
RESET tally.maintain;
SELECT pg_temp.fails('ALTER TYPE humour RENAME VALUE ''sad'' TO ''blue''');
SELECT pg_temp.fails('ALTER TYPE humour RENAME TO mood');
SELECT pg_temp.fails('ALTER SCHEMA types RENAME TO others');
SELECT pg_temp.fails('ALTER TYPE pair ADD ATTRIBUTE more int');
SELECT pg_temp.fails('ALTER TYPE pair DROP ATTRIBUTE a');
TABLE last_mood ORDER BY 1;
DROP VIEW last_mood, pairs;
ALTER TYPE humour RENAME TO mood;
ALTER TYPE mood RENAME VALUE 'sad' TO 'blue';
ALTER TYPE pair ADD ATTRIBUTE more int;
TABLE moods ORDER BY 1, 2;
TABLE some_days ORDER BY 1;
SELECT tally.compact() >= 0;
TABLE moods ORDER BY 1, 2;
TABLE some_days ORDER BY 1;
SELECT tally.create_view('by_hand', 'SELECT day, arg_max_state(c, x) AS c FROM k GROUP BY day');
INSERT INTO by_hand SELECT '2025-01-01', arg_max_state(c, x) FROM k;
SELECT pg_temp.fails('ALTER TYPE mood RENAME VALUE ''blue'' TO ''sad''');
SELECT pg_temp.exact('at last');
-- A view of which what is stored cannot be read, as after a change that was not told, leaves the others alone.
CREATE TYPE code AS ENUM ('x', 'y');
CREATE TABLE b (id int, c code);
SELECT tally.create_view('broken', 'SELECT arg_max(c, id) AS c FROM b');
SELECT tally.create_view('whole', 'SELECT count(*) AS n FROM b');
INSERT INTO b VALUES (1, 'x');
ALTER EVENT TRIGGER pg_tally_change DISABLE;
ALTER TYPE code RENAME VALUE 'x' TO 'z';
ALTER EVENT TRIGGER pg_tally_change ENABLE;
SELECT view, status, pending, doubtful, kept, last_error FROM tally.views WHERE view IN ('broken'::regclass, 'whole'::regclass) ORDER BY view::text;
SELECT severity, problem, hint FROM tally.health() WHERE view = 'broken'::regclass;
SELECT tally.compact() > 0;
SELECT pg_temp.fails('SELECT tally.compact(''broken'')');
SELECT view, status, pending FROM tally.views WHERE view IN ('broken'::regclass, 'whole'::regclass) ORDER BY view::text;
SELECT tally.refresh_view('broken');
(TABLE broken EXCEPT ALL SELECT arg_max(c, id) FROM b) UNION ALL (SELECT arg_max(c, id) FROM b EXCEPT ALL TABLE broken);
SELECT view, status, pending, last_error FROM tally.views WHERE view = 'broken'::regclass;
DROP SCHEMA types CASCADE;
DROP SCHEMA sorts CASCADE;
DROP ROLE regress_types;
