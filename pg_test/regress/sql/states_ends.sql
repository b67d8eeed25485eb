-- bool_and, bool_or, bit_and, bit_or and any_value: their state is a plain value.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS pg_tally;
RESET client_min_messages;
CREATE SCHEMA states_ends;
SET search_path = states_ends, public;
CREATE TABLE events (g int, b boolean, s int2, i int4, l int8, bits bit(8), t text);
INSERT INTO events SELECT x % 4, x % 9 <> 4 OR x % 4 = 1, x | 4, x * 3 | 1, x::int8 << 32 | 7, (x % 256)::bit(8) | B'00000001', 'row ' || x FROM generate_series(1, 60) x;
INSERT INTO events VALUES (9);

CREATE TABLE parts AS SELECT g, bool_and_state(b) AS every, bool_or_state(b) AS any, bit_and_state(s) AS sa, bit_or_state(s) AS so, bit_and_state(i) AS ia,
       bit_or_state(i) AS io, bit_and_state(l) AS la, bit_or_state(l) AS lo, bit_and_state(bits) AS ba, bit_or_state(bits) AS bo, any_value_state(t) AS v
FROM events GROUP BY g;
\d parts
SELECT * FROM parts ORDER BY g;
SELECT g, bool_and(b), bool_or(b), bit_and(s), bit_or(s), bit_and(i), bit_or(i), bit_and(l), bit_or(l), bit_and(bits), bit_or(bits), min(t) FROM events GROUP BY g ORDER BY g;
SELECT bool_and_merge(every), bool_or_merge("any"), bit_and_merge(sa), bit_or_merge(so), bit_and_merge(ia), bit_or_merge(io), bit_and_merge(la), bit_or_merge(lo),
       bit_and_merge(ba), bit_or_merge(bo), any_value_merge(v) FROM parts;
SELECT bool_and_merge_state(every), bool_or_merge_state("any"), bit_and_merge_state(sa), bit_or_merge_state(so), bit_and_merge_state(ia), bit_or_merge_state(io),
       bit_and_merge_state(la), bit_or_merge_state(lo), bit_and_merge_state(ba), bit_or_merge_state(bo), any_value_merge_state(v) FROM parts;
SELECT bool_and(b), bool_or(b), bit_and(s), bit_or(s), bit_and(i), bit_or(i), bit_and(l), bit_or(l), bit_and(bits), bit_or(bits), min(t) FROM events;
-- as windows
SELECT g, bool_and_state(b) OVER w AS every, bool_or_state(b) OVER w AS any, bit_or_state(i) OVER w AS io FROM events
WINDOW w AS (ORDER BY i ROWS BETWEEN 2 PRECEDING AND CURRENT ROW)
EXCEPT SELECT g, bool_and(b) OVER w, bool_or(b) OVER w, bit_or(i) OVER w FROM events WINDOW w AS (ORDER BY i ROWS BETWEEN 2 PRECEDING AND CURRENT ROW);

-- no rows, only NULL, FILTER
SELECT bool_and_state(b), bool_or_merge(b), bit_and_merge_state(s), bit_or_state(bits), any_value_state(t) FROM events WHERE false;
SELECT bool_and_state(b), bool_or_merge(b), bit_and_merge_state(s), bit_or_state(bits), any_value_state(t) FROM events WHERE g = 9;
SELECT bool_and_state(b) FILTER (WHERE g = 1), bit_or_state(s) FILTER (WHERE g = 9), any_value_state(t) FILTER (WHERE g = 2) FROM events;
SELECT any_value_state(x), pg_typeof(any_value_state(x)), any_value_merge(x::text COLLATE "C") FROM (VALUES (3), (NULL), (2)) v(x);
-- our own any_value where PostgreSQL has none
SELECT public.any_value(x), public.any_value(x) FILTER (WHERE x > 2), public.any_value(x) FILTER (WHERE false) FROM (VALUES (3), (NULL), (2)) v(x);

-- refused
\set SHOW_CONTEXT never
SELECT bool_and_state(1);
SELECT bit_and_state(1.5);
SELECT bit_or_state(b) FROM (VALUES (B'1'), (B'10')) v(b);
\echo :LAST_ERROR_SQLSTATE
SELECT any_value_state('{}'::json);
\echo :LAST_ERROR_SQLSTATE

SET client_min_messages = warning;
DROP SCHEMA states_ends CASCADE;
