-- Keys and arguments under collations. Nondeterministic ones need ICU: without it there is nothing to test (views_collations_1.out).
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
SELECT count(*) = 0 AS no_icu FROM pg_collation WHERE collprovider = 'i' AND collname = 'und-x-icu' \gset
\if :no_icu
\quit
\endif
\set ECHO all
CREATE SCHEMA views_collations;
SET search_path = views_collations, public;
CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE t (id int, ci text COLLATE nocase, c text COLLATE "C", un text COLLATE "und-x-icu", x int);
INSERT INTO t VALUES (1, 'Apple', 'Apple', 'Apple', 1), (2, 'APPLE', 'APPLE', 'APPLE', 2), (3, 'pear', 'pear', 'éclair', 3), (4, NULL, NULL, NULL, 4);
SELECT pg_temp.make('by_ci', 'SELECT ci, count(*) AS n, max(x) AS mx FROM t GROUP BY ci');
SELECT left(r, 5) AS sqlstate, r ~ 'nondeterministic' AS why, r ~ 'at character 11' AS place FROM pg_temp.fails($$SELECT tally.create_view('uniq_ci', 'SELECT x, uniq(ci) AS n FROM t GROUP BY x')$$) r;
SELECT a, left(r, 5) AS sqlstate, r ~ 'nondeterministic' AS why, r ~ 'at character 11' AS place
  FROM unnest('{uniq_state(ci),"uniq_p(12, ci)","uniq_p_state(12, ci)",uniq_exact(ci),uniq_exact_state(ci),"top_k(ci, 3)","top_k_state(ci, 3)"}'::text[]) a,
       pg_temp.fails(format($$SELECT tally.create_view('bytes_ci', 'SELECT x, %s AS n FROM t GROUP BY x')$$, a)) r;
SELECT pg_temp.make('in_array', 'SELECT ARRAY[ci] AS a, count(*) AS n, min(x) AS mn FROM t GROUP BY 1');
SELECT pg_temp.make('by_c', 'SELECT c, un, lower(un) AS l, count(*) AS n, min(un) AS mn, max(c) AS mx, min(c COLLATE "und-x-icu") AS mu FROM t GROUP BY c, un');
SELECT pg_temp.make('ends', 'SELECT x % 2 AS k, min(un) AS mn, max(un) AS mx, min(c) AS mc, max(un COLLATE "C") AS mxc FROM t GROUP BY 1');
SELECT pg_temp.make('ci_inside', 'SELECT ci = ''apple'' AS is_apple, min(x) AS x, count(*) FILTER (WHERE ci = ''PEAR'') AS pears FROM t WHERE ci <> ''none'' GROUP BY 1');
SELECT pg_temp.make('forced', 'SELECT ci COLLATE "C" AS ci, count(*) AS n, uniq(ci COLLATE "C") AS u FROM t GROUP BY 1');
INSERT INTO t VALUES (5, 'apple', 'apple', 'a', 5), (6, 'NONE', 'É', 'É', 6), (7, 'Pear', 'Z', 'z', 7);
SELECT pg_temp.kept('inserted');
UPDATE t SET ci = upper(ci), un = upper(un);
SELECT pg_temp.kept('updated');
UPDATE t SET ci = lower(ci);
SELECT pg_temp.kept('another form of the same');
DELETE FROM t WHERE un = (SELECT min(un) FROM t) OR c = (SELECT max(c) FROM t);
SELECT pg_temp.kept('extremes removed', NULL);
-- what a row that has no type of its own holds, only its values say
SELECT query, left(r, 5) AS sqlstate FROM (VALUES ('SELECT uniq(row(ci)) FROM t'), ('SELECT uniq_exact(row(1, ci)) FROM t'), ('SELECT top_k(row(ci), 3) FROM t')) q(query), pg_temp.fails(query) r;
SELECT pg_temp.fails('SELECT uniq(row(ci)) FROM t');
SELECT uniq(row(x)) = count(DISTINCT row(x)) AS deterministic FROM t;
-- as window functions, whose arguments' collations are not the call's where these are in conflict, or another argument's is explicit
SELECT call, left(r, 5) AS sqlstate, r ~ 'nondeterministic' AS why
  FROM unnest('{"uniq(ci, c)","uniq_p(12, c, ci)","uniq_exact(ci, c)","uniq_exact(ci, c COLLATE \"C\")","uniq_state(ci)","top_k(ci, 3)","uniq(row(ci), c)","uniq(ARRAY[ci], c)"}'::text[]) call,
       pg_temp.fails(format('SELECT %s OVER () FROM t', call)) r;
SELECT DISTINCT uniq(c, un) OVER () AS two, uniq_exact(c, un, x) OVER () AS three, uniq_exact(c COLLATE "C", x) OVER () AS explicit, uniq(ARRAY[c], un) OVER () AS arrays,
       uniq(c::name, un) OVER () AS names, uniq(c::"char", un) OVER () AS chars, uniq(ci COLLATE "C", c) OVER (PARTITION BY true ORDER BY x ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS forced FROM t;
-- extremes under a nondeterministic collation: any of the equal ones
SELECT tally.create_view('ci_ends', 'SELECT x % 2 AS k, min(ci) AS mn, max(ci) AS mx FROM t GROUP BY 1');
INSERT INTO t VALUES (8, 'aAa', 'c', 'd', 8), (9, 'zZz', 'c', 'd', 9);
UPDATE t SET ci = 'AAA' WHERE id = 8;
SELECT v.k, v.mn = q.mn AS mn, v.mx = q.mx AS mx FROM ci_ends v JOIN (SELECT x % 2 AS k, min(ci) AS mn, max(ci) AS mx FROM t GROUP BY 1) q USING (k) ORDER BY k;
DELETE FROM t WHERE id IN (8, 9);
SELECT v.k, v.mn = q.mn AS mn, v.mx = q.mx AS mx FROM ci_ends v JOIN (SELECT x % 2 AS k, min(ci) AS mn, max(ci) AS mx FROM t GROUP BY 1) q USING (k) ORDER BY k;
SELECT tally.compact('ci_ends') > 0, tally.verify_view('ci_ends');
SET client_min_messages = warning;
DROP SCHEMA views_collations CASCADE;
SELECT pg_temp.left_behind();
