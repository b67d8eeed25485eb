-- Every supported aggregate over every type of its arguments, with removals of the extreme, of NaN, of everything.
\getenv inputs PG_ABS_SRCDIR
\set setup :inputs '/sql/views_setup.inc'
\set ECHO none
\i :setup
\set ECHO all
CREATE SCHEMA views_aggregates;
SET search_path = views_aggregates, public;
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN price AS numeric(12, 3);
CREATE TABLE t (id int PRIMARY KEY, k text, i2 int2, i4 int4, i8 int8, n numeric, f4 float4, f8 float8, iv interval,
  txt text, vc varchar(10), ch char(5), nm name, d date, ts timestamp, tz timestamptz, tm time, ttz timetz, b boolean, by bytea, u uuid, ip inet, m mood, ar int[], p pair, dm positive, pr price,
  mo money, bt bit(4), ls pg_lsn, o oid, j jsonb, mac macaddr, rg int4range);
INSERT INTO t SELECT i, 'k' || i % 4, i % 11 - 5, i * 100000, i * 10000000000 - 70, i / 8.0, i / 4.0, i / 16.0, make_interval(months => i % 3, days => i % 5, secs => i),
  'text ' || i % 13, 'v' || i % 7, 'c' || i % 6, ('n' || i % 5)::name, date '2024-01-01' + i % 40, timestamp '2024-01-01' + i * interval '1 hour', timestamptz '2024-01-01Z' + i * interval '1 hour',
  time '00:00' + i * interval '1 minute', timetz '00:00+00' + i * interval '1 minute', i % 3 = 0, decode(lpad(to_hex(i), 4, '0'), 'hex'), md5(i::text)::uuid, ('10.0.0.' || i % 200)::inet,
  (enum_range(NULL::mood))[1 + i % 3], ARRAY[i % 4, i], ROW(i % 4, 'p' || i)::pair, 1 + i % 9, i / 8.0, (i * 1.5)::numeric::money, (i % 16)::bit(4), ('0/' || to_hex(i))::pg_lsn, i::oid, to_jsonb(i), ('08:00:2b:00:00:' || lpad(to_hex(i % 256), 2, '0'))::macaddr, int4range(i % 5, i)
FROM generate_series(1, 60) i;

SELECT pg_temp.make('sums', 'SELECT k, sum(i2) AS i2, sum(i4) AS i4, sum(i8) AS i8, sum(n) AS n, sum(f4) AS f4, sum(f8) AS f8, sum(iv) AS iv, sum(dm) AS dm, sum(pr) AS pr, sum(mo) AS mo, sum(tm::interval) AS tm FROM t GROUP BY k');
SELECT pg_temp.make('avgs', 'SELECT k, avg(i2) AS i2, avg(i4) AS i4, avg(i8) AS i8, avg(n) AS n, avg(f4) AS f4, avg(f8) AS f8, avg(iv) AS iv, avg(dm) AS dm, avg(pr) AS pr FROM t GROUP BY k');
SELECT pg_temp.make('counts', 'SELECT k, count(*) AS n, count(i4) AS i4, count(txt) AS txt, count(p) AS p, count(1) AS one, count(NULL) AS none, count(*) FILTER (WHERE b) AS b, count(i2) FILTER (WHERE i2 > 0) AS i2, count(DISTINCT i2) AS dist FROM t GROUP BY k');
SELECT pg_temp.make('mins', 'SELECT k, min(i2) AS i2, min(i4) AS i4, min(i8) AS i8, min(n) AS n, min(f4) AS f4, min(f8) AS f8, min(iv) AS iv, min(txt) AS txt, min(vc) AS vc, min(ch) AS ch, min(d) AS d, min(ts) AS ts, min(tz) AS tz, min(tm) AS tm, min(ttz) AS ttz, min(ip) AS ip, min(m) AS m, min(ar) AS ar, min(dm) AS dm, min(pr) AS pr, min(mo) AS mo, min(ls) AS ls, min(o) AS o FROM t GROUP BY k');
SELECT pg_temp.make('maxs', 'SELECT k, max(i2) AS i2, max(i4) AS i4, max(i8) AS i8, max(n) AS n, max(f4) AS f4, max(f8) AS f8, max(iv) AS iv, max(txt) AS txt, max(vc) AS vc, max(ch) AS ch, max(d) AS d, max(ts) AS ts, max(tz) AS tz, max(tm) AS tm, max(ttz) AS ttz, max(ip) AS ip, max(m) AS m, max(ar) AS ar, max(dm) AS dm, max(pr) AS pr, max(mo) AS mo, max(ls) AS ls, max(o) AS o FROM t GROUP BY k');
SELECT pg_temp.make('uniqs', 'SELECT k, uniq(i2) AS i2, uniq(i8) AS i8, uniq(n) AS n, uniq(f4) AS f4, uniq(f8) AS f8, uniq(iv) AS iv, uniq(txt) AS txt, uniq(ch) AS ch, uniq(d) AS d, uniq(tz) AS tz, uniq(b) AS b, uniq(by) AS by, uniq(u) AS u, uniq(ip) AS ip, uniq(m) AS m, uniq(ar) AS ar, uniq(p) AS p, uniq(dm) AS dm, uniq(j) AS j, uniq(bt) AS bt, uniq(rg) AS rg, uniq(mac) AS mac, uniq(i2, txt) AS two, uniq(i2, txt, m, b) AS four FROM t GROUP BY k');
SELECT pg_temp.make('states', 'SELECT k, count_state(*) AS c, count_state(i4) AS c4, sum_state(i2) AS s2, sum_state(i8) AS s8, sum_state(n) AS n, sum_state(f8) AS f8, sum_state(iv) AS iv, avg_state(i4) AS a4, avg_state(f4) AS af, avg_state(iv) AS av, avg_state(pr) AS ap, min_state(txt) AS mn, max_state(tz) AS mx, uniq_state(u) AS u, uniq_state(i2, txt) AS two FROM t GROUP BY k',
  'k, c, c4, s2::text, s8::text, n::text, f8::text, iv::text, a4::text, af::text, av::text, ap::text, mn, mx, u::text, two::text');
SELECT pg_temp.make('stateless', 'SELECT k, string_agg(txt, '','' ORDER BY id DESC) AS txt, array_agg(i4 ORDER BY id) AS i4, array_agg(DISTINCT i2) AS i2, percentile_cont(0.5) WITHIN GROUP (ORDER BY f8) AS med, percentile_disc(ARRAY[0.1, 0.9]) WITHIN GROUP (ORDER BY n) AS pd, mode() WITHIN GROUP (ORDER BY i2) AS mo, stddev(i4) AS sd, variance(n) AS va, stddev_pop(n) AS sp, stddev_samp(i8) AS co, bool_and(b) AS ba, bool_or(b) AS bo, every(b) AS ev, bit_and(i4) AS bi, bit_or(i4) AS bj, count(DISTINCT (i2, b)) AS cd, sum(DISTINCT i2) AS sdis, rank(3) WITHIN GROUP (ORDER BY i2) AS rk, regr_count(i2, i4) AS rc FROM t GROUP BY k');
SELECT pg_temp.make('filters', 'SELECT k, sum(n) FILTER (WHERE b) AS n, avg(f8) FILTER (WHERE i2 > 0) AS a, min(tz) FILTER (WHERE b IS NOT TRUE) AS mn, max(n) FILTER (WHERE txt LIKE ''text 1%'') AS mx, uniq(txt) FILTER (WHERE b) AS u, string_agg(txt, '''' ORDER BY id) FILTER (WHERE b) AS sa, count(DISTINCT i2) FILTER (WHERE i2 > 0) AS cd, min(DISTINCT i2) AS md FROM t GROUP BY k');
SELECT pg_temp.make('after', 'SELECT upper(k) || ''!'' AS uk, max(tz) - min(tz) AS span, round(avg(n), 2) AS avg2, sum(i4)::float8 / count(*) AS per, coalesce(sum(n) FILTER (WHERE false), 0) AS zero, CASE WHEN count(*) > 10 THEN ''many'' ELSE ''few'' END AS size, sum(i4) + sum(i4) AS twice, -min(i2) AS neg, (max(ar))[1] AS a1, count(*)::int4 AS c4, 7 AS seven, NULL::text AS nothing FROM t WHERE i4 % 3 <> 1 GROUP BY k', 'uk, span, avg2, per, zero, size, twice, neg, a1, c4, seven, nothing');
SELECT pg_temp.make('with_having', 'SELECT k, sum(i2) AS s FROM t WHERE i2 IS NOT NULL GROUP BY k HAVING sum(i2) > -3 AND count(DISTINCT txt) > 1');
SELECT pg_temp.kept('made', false);

INSERT INTO t (id, k) VALUES (100, 'k0'), (101, 'nulls only');
SELECT pg_temp.kept('rows of NULLs');
UPDATE t SET i2 = 5, i4 = 5, n = 1.500, f4 = 1, f8 = 1, iv = '1 mon', txt = 'zz', tz = '2030-01-01Z' WHERE id = 101;
SELECT pg_temp.kept('values where NULLs were');
DELETE FROM t WHERE id IN (SELECT min(id) FROM t GROUP BY k UNION SELECT max(id) FROM t WHERE id < 100 GROUP BY k);
SELECT pg_temp.kept('extremes removed');
-- NaN, infinities, scales, limits
INSERT INTO t (id, k, n, f4, f8, i8, iv, tz, d) VALUES (200, 'k0', 'NaN', 'NaN', 'NaN', 9223372036854775807, '-1 mon', 'infinity', '-infinity'), (201, 'k1', 'Infinity', 'Infinity', '-Infinity', -9223372036854775808, '1 year -3 days', '-infinity', 'infinity'),
  (202, 'k2', 'Infinity', 'Infinity', '-Infinity', NULL, NULL, NULL, NULL), (203, 'k2', '-Infinity', '-Infinity', 'Infinity', NULL, NULL, NULL, NULL), (204, 'k3', 1.00000000, '-0', '-0', 9223372036854775807, NULL, NULL, NULL), (205, 'k3', 1e30, 3e38, 1e100, 9223372036854775807, NULL, NULL, NULL);
SELECT pg_temp.kept('NaN, infinities, limits');
SELECT k, n, f8 FROM sums ORDER BY k;
UPDATE t SET n = n, f8 = f8, f4 = f4 WHERE id BETWEEN 200 AND 205;
SELECT pg_temp.kept('the same again', false);
DELETE FROM t WHERE id = 203;
SELECT pg_temp.kept('one of two infinities removed');
DELETE FROM t WHERE id BETWEEN 200 AND 205;
SELECT pg_temp.kept('all of them removed', NULL);
SELECT k, n, f8 FROM sums ORDER BY k;
UPDATE t SET n = 1.10 WHERE id = 20;
UPDATE t SET n = 1.1 WHERE id = 20;
SELECT pg_temp.exact('another display scale');
SELECT k, n::text = (SELECT sum(n)::text FROM t WHERE t.k = sums.k) AS same_digits FROM sums ORDER BY k;
SELECT pg_temp.kept('another display scale');
SELECT k, n::text = (SELECT sum(n)::text FROM t WHERE t.k = sums.k) AS same_digits FROM sums ORDER BY k;
DELETE FROM t WHERE k = 'k1';
UPDATE t SET k = 'k9' WHERE k = 'k2';
SELECT pg_temp.kept('groups go and come');
UPDATE t SET b = NOT b, txt = NULL WHERE id % 2 = 0;
SELECT pg_temp.kept('filters');
DELETE FROM t;
SELECT pg_temp.kept('everything removed');
INSERT INTO t (id, k, i4, n) SELECT i, 'k' || i % 2, i, i FROM generate_series(1, 5) i;
SELECT pg_temp.kept('and new rows');
-- what a bigint cannot hold
INSERT INTO t (id, k, i8) VALUES (10, 'k0', 9223372036854775807), (11, 'k0', 9223372036854775807);
SELECT pg_temp.kept('more than a bigint', NULL);
-- least and greatest of types for which PostgreSQL has no min and max
CREATE TYPE way AS (x int, y text);
CREATE TABLE ends (g int, u uuid, j jsonb, b bytea, v varbit, r int4range, m datemultirange, w tsvector, p way, c "char", e inet, o boolean);
SELECT pg_temp.make('least', 'SELECT g, min_state(u) AS u, min_state(j) AS j, min_state(b) AS b, min_state(v) AS v, min_state(r) AS r, min_state(m) AS m, min_state(w) AS w, min_state(p) AS p, min_state(c) AS c, min_state(e) AS e, min_state(o) AS o FROM ends GROUP BY g');
SELECT pg_temp.make('greatest', 'SELECT max_state(u) AS u, max_state(j) AS j, max_state(b) AS b, max_state(v) AS v, max_state(r) AS r, max_state(m) AS m, max_state(w) AS w, max_state(p) AS p, max_state(c) AS c, max_state(e) AS e, max_state(o) AS o FROM ends');
CREATE FUNCTION more(since int) RETURNS void LANGUAGE sql AS $$
  INSERT INTO ends SELECT i % 3, md5(i::text)::uuid, jsonb_build_object('i', i * 7 % 20), decode(md5(i::text), 'hex'), (i * 7 % 20)::bit(8)::varbit, int4range(i * 7 % 20, 99), datemultirange(daterange('2024-01-01', date '2024-01-02' + i * 7 % 20)),
    to_tsvector('simple', 'w' || i * 7 % 20), ROW(nullif(i * 7 % 20, 3), 'y')::way, chr(65 + i * 7 % 20)::"char", ('10.0.0.' || i * 7 % 20)::inet, i % 5 > 0 FROM generate_series(since, since + 19) i $$;
SELECT more(1);
SELECT pg_temp.kept('ends of all types');
SELECT more(21);
DELETE FROM ends WHERE (p).x < 5 OR c > 'P' OR p IS NULL;
SELECT pg_temp.exact('ends removed');
SELECT pg_temp.kept('ends removed');
SET client_min_messages = warning;
DROP SCHEMA views_aggregates CASCADE;
SELECT pg_temp.left_behind();
