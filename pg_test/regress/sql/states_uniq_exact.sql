-- uniq_exact: exact counts of distinct values, as states that merge.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_tally;
RESET client_min_messages;
CREATE SCHEMA states_exact;
CREATE TABLE states_exact.visits AS
SELECT i, 'page ' || i % 7 AS page, nullif(i * 31 % 501, 0) AS usr, CASE WHEN i % 9 > 0 THEN 'camp ' || i % 5 END AS camp
FROM generate_series(1, 1000) i;

-- as PostgreSQL's own, tuples too, without those that have a NULL in them
SELECT page, uniq_exact(usr) = count(DISTINCT usr) AS users, uniq_exact(camp) = count(DISTINCT camp) AS camps,
       uniq_exact(usr, camp) = count(DISTINCT (usr, camp)) FILTER (WHERE usr IS NOT NULL AND camp IS NOT NULL) AS pairs,
       uniq_exact(usr) FILTER (WHERE i < 200) = count(DISTINCT usr) FILTER (WHERE i < 200) AS early
FROM states_exact.visits GROUP BY page ORDER BY page;

-- a roll-up, and a roll-up of it
CREATE TABLE states_exact.pages AS
SELECT page, i / 100 AS part, uniq_exact_state(usr) AS users, uniq_exact_state(usr, camp) AS pairs FROM states_exact.visits GROUP BY 1, 2;
\d states_exact.pages
SELECT page, uniq_exact_merge(users) AS users, uniq_exact_merge(pairs) AS pairs FROM states_exact.pages GROUP BY page ORDER BY page;
SELECT page, count(DISTINCT usr) AS users, count(DISTINCT (usr, camp)) FILTER (WHERE usr IS NOT NULL AND camp IS NOT NULL) AS pairs
FROM states_exact.visits GROUP BY page ORDER BY page;
SELECT finalize(uniq_exact_merge_state(u)), uniq_exact_merge_state(u)::bigint AS "cast", uniq_exact_merge(u) AS merged
FROM (SELECT uniq_exact_merge_state(users) AS u FROM states_exact.pages GROUP BY page) t;
SELECT count(DISTINCT usr) FROM states_exact.visits;
SELECT (SELECT uniq_exact_merge_state(users) FROM states_exact.pages)::bytea
     = (SELECT uniq_exact_state(usr ORDER BY -i) FROM states_exact.visits)::bytea AS same_set_same_bytes;

-- bytes: numbers, texts, and no rows
SELECT uniq_exact_state(x) AS ints, uniq_exact_state(x::numeric) AS numerics, uniq_exact_state('page ' || x) AS texts
FROM (VALUES (42), (40), (NULL), (42)) v(x);
SELECT uniq_exact(x), uniq_exact_state(x), uniq_exact_merge(NULL::tally.uniq_exact_state), uniq_exact_merge_state(NULL::tally.uniq_exact_state)
FROM (VALUES (1)) v(x) WHERE false;
SELECT uniq_exact_state(1) || uniq_exact_state(2) AS two, uniq_exact_state(1) || NULL AS one, NULL || uniq_exact_state('a'::text) AS other,
       (uniq_exact_state(1) || uniq_exact_state(1::bigint))::bigint AS width_does_not_count;
SELECT '\x1c'::tally.uniq_exact_state, finalize('\x1c02002801'::tally.uniq_exact_state),
       tally.is_empty('\x1c'::tally.uniq_exact_state), tally.is_empty('\x1c010005'::tally.uniq_exact_state);
SELECT '\x1C02002801'::text::tally.uniq_exact_state;

-- refused
\set SHOW_CONTEXT never
SELECT ''::tally.uniq_exact_state;
\echo :LAST_ERROR_SQLSTATE
SELECT '\x'::tally.uniq_exact_state;
SELECT '\x1c0000'::tally.uniq_exact_state;
SELECT '\x1c0200'::tally.uniq_exact_state;
SELECT '\x1c01000505'::tally.uniq_exact_state;
SELECT '\x1c0200ffffffffffffffffff0100'::tally.uniq_exact_state;
SELECT '\x1c000200026162010161'::tally.uniq_exact_state;
SELECT '\x2c'::tally.uniq_exact_state;
\echo :LAST_ERROR_SQLSTATE
SELECT (uniq_state(1))::text::tally.uniq_exact_state;
SELECT (uniq_exact_state(1))::text::tally.uniq_state;
SELECT uniq_merge(users) FROM states_exact.pages;
SELECT uniq_exact();
SELECT uniq_exact(VARIADIC ARRAY[1, 2]);
\echo :LAST_ERROR_SQLSTATE
SELECT users FROM states_exact.pages ORDER BY users;
\echo :LAST_ERROR_SQLSTATE

DROP SCHEMA states_exact CASCADE;
