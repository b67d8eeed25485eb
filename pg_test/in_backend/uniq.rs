#[pg_test]
fn uniq_counts_distinct_values() {
    for n in [0, 1, 2, 10, 100, 1000] {
        holds(&format!("(SELECT abs(uniq(i % {n0}) - {n}) <= 1 FROM generate_series(1, {n} * 3) i)", n0 = n.max(1)));
    }
    holds("(SELECT abs(uniq(i) - 100000) < 3000 FROM generate_series(1, 100000) i)");
    holds("(SELECT abs(uniq_p(10, i) - 20000) < 2600 FROM generate_series(1, 20000) i)");
    holds("(SELECT abs(uniq_p(18, i) - 50000) < 100 FROM generate_series(1, 50000) i)");
    same("0", "uniq(NULL::int)");
    same("0", "uniq(i) FROM (SELECT 1 i WHERE false) t");
    same("50", "uniq(i) FILTER (WHERE i <= 50) FROM generate_series(1, 100) i");
    same("10", "uniq(DISTINCT i % 10) FROM generate_series(1, 100) i");
    same("21", "uniq(i % 3, (i % 7)::text) FROM generate_series(1, 100) i");
    // A tuple with a NULL in it is not counted.
    same("1", "uniq(a, b) FROM (VALUES (1, 'x'), (NULL, 'x'), (2, NULL), (1, 'x')) v(a, b)");
    // Tuples do not run into each other.
    same("2", "uniq(a, b) FROM (VALUES ('a', 'bc'), ('ab', 'c')) v(a, b)");
}

#[pg_test]
fn uniq_goes_through_states() {
    run("CREATE TEMP TABLE u AS SELECT i, i % 13 g, (i * 7919) % 3001 v FROM generate_series(1, 20000) i");
    let own = text("uniq(v) FROM u");
    for sql in [
        "uniq_merge(s) FROM (SELECT uniq_state(v) s FROM u GROUP BY g) t",
        "finalize(uniq_merge_state(s)) FROM (SELECT uniq_state(v) s FROM u GROUP BY g) t",
        "finalize(uniq_state(v)) FROM u",
        "uniq_state(v)::bigint FROM u",
        "finalize(uniq_state(v) FILTER (WHERE g < 5) || uniq_state(v) FILTER (WHERE g >= 5)) FROM u",
        "uniq_merge(s::text::tally.uniq_state) FROM (SELECT uniq_state(v) s FROM u GROUP BY g) t",
    ] {
        assert_eq!(text(sql), own, "{sql}");
    }
    // The bytes depend on the set only.
    holds("(SELECT uniq_state(v)::text FROM u) = (SELECT uniq_merge_state(s)::text FROM (SELECT uniq_state(v) s FROM u GROUP BY g) t)");
    holds("(SELECT uniq_state(v)::text FROM u) = (SELECT uniq_state(v ORDER BY -i)::text FROM u)");
    holds("(SELECT uniq_state(v)::bytea || '' FROM u) = (SELECT uniq_state(v::int8)::bytea FROM u)");
    // Merging different precisions gives the smaller.
    holds("(SELECT (uniq_p_state(12, v) || uniq_p_state(16, v))::text = uniq_p_state(12, v)::text FROM u)");
    holds("(SELECT (uniq_p_state(16, v) || NULL)::text = uniq_p_state(16, v)::text FROM u)");
    holds("(SELECT uniq_merge_state(s)::text FROM (SELECT uniq_p_state(16, v) s FROM u) t) = (SELECT uniq_p_state(16, v)::text FROM u)");
    holds("(SELECT tally.is_empty(uniq_state(v)) FROM u WHERE false)");
    holds("(SELECT NOT tally.is_empty(uniq_state(v)) FROM u)");
    same("0", "uniq_merge(NULL::tally.uniq_state)");
}

#[pg_test]
fn uniq_of_any_type_counts_what_is_equal_once() {
    run("CREATE TYPE pg_temp.mood AS ENUM ('sad', 'ok')");
    run("CREATE DOMAIN pg_temp.positive AS int CHECK (VALUE > 0)");
    run("CREATE TYPE pg_temp.pair AS (a numeric, b text)");
    for (t, values, n) in [
        ("numeric", "('1'), ('1.0'), ('1.000'), ('NaN'), ('NaN'), ('-0'), ('0.00')", 3),
        ("float8", "('0'), ('-0'), ('NaN'), ('NaN'), ('Infinity')", 3),
        ("float4", "('0'), ('-0'), ('0.1')", 2),
        ("bpchar", "('a'), ('a  '), ('b')", 2),
        ("text", "('a'), ('a '), ('')", 3),
        ("name", "('a'), ('b'), ('a')", 2),
        ("bool", "('t'), ('f'), ('true')", 2),
        ("\"char\"", "('x'), ('y')", 2),
        ("bytea", "('\\x00'), ('\\x0000')", 2),
        ("uuid", "('00000000-0000-0000-0000-000000000001'), ('{00000000-0000-0000-0000-000000000001}')", 1),
        ("interval", "('1 month'), ('30 days'), ('720 hours'), ('1 day')", 2),
        ("timetz", "('12:00+00'), ('13:00+01'), ('12:00:00+00')", 2),
        ("timestamptz", "('2024-01-01 12:00+00'), ('2024-01-01 13:00+01')", 1),
        ("date", "('infinity'), ('2024-01-01')", 2),
        ("money", "('1'), ('1.00')", 1),
        ("inet", "('10.0.0.1'), ('10.0.0.1/32'), ('10.0.0.1/8'), ('::1')", 3),
        ("macaddr", "('08:00:2b:01:02:03'), ('08002b010203')", 1),
        ("varbit", "('1'), ('10'), ('100')", 3),
        ("int[]", "('{1,2}'), ('{1,2}'), ('[0:1]={1,2}'), ('{{1,2}}'), ('{1,NULL}')", 4),
        ("numeric[]", "('{1.0}'), ('{1.00}')", 1),
        ("int4range", "('[1,3)'), ('[1,2]'), ('empty'), ('(5,5)'), ('(,3)')", 3),
        ("numrange", "('[1.0,2]'), ('[1.00,2.0]'), ('[1,2)')", 2),
        ("pg_temp.mood", "('sad'), ('ok'), ('sad')", 2),
        ("pg_temp.positive", "('1'), ('2'), ('1')", 2),
        ("pg_temp.pair", "('(1.0,x)'), ('(1.00,x)'), ('(,x)'), ('(1,)')", 3),
        ("regclass", "('pg_class'), ('pg_catalog.pg_class')", 1),
        ("jsonb", "('{\"a\": 1, \"b\": 2}'), ('{\"b\":2,\"a\":1}')", 1),
        ("point", "('(1,2)'), ('(2,1)')", 2),
        ("tsvector", "('a b'), ('b a')", 1),
    ] {
        let input = format!("(SELECT x::{t} x FROM (VALUES {values}) v(x)) t");
        assert_eq!(text(&format!("uniq(x) FROM {input}")), Some(n.to_string()), "{t}");
        // In tables, with short headers and compressed or out of line, the same.
        run(&format!("CREATE TEMP TABLE stored ON COMMIT DROP AS SELECT x, 'k' k FROM {input}"));
        assert_eq!(text("uniq(x) FROM stored"), Some(n.to_string()), "{t}");
        assert_eq!(text("uniq(x, k) FROM stored"), Some(n.to_string()), "{t}");
        run("DROP TABLE stored");
    }
    holds("abs(uniq(s) - count(*)) <= 2 FROM pg_statistic s");
    same("2", "uniq(ROW(a, b)) FROM (VALUES (1, 1.0), (1, 1.00), (2, NULL)) v(a, b)");
    run("CREATE TEMP TABLE long AS SELECT string_agg(md5((i * j)::text), '') x FROM generate_series(1, 300) i, generate_series(1, 3) j GROUP BY j");
    same("3", "uniq(x) FROM long");
    same("3", "uniq(ARRAY[x]) FROM long");
    same("3", "uniq(ROW(x)) FROM long");
}

#[pg_test]
fn uniq_refuses_what_it_cannot_count() {
    if loose_collation() {
        refused("0A000", "SELECT uniq('a'::text COLLATE pg_temp.loose)");
        refused("0A000", "SELECT uniq(ARRAY['a'::text COLLATE pg_temp.loose])");
    }
    same("1", "uniq('a'::text COLLATE \"C\")");
    refused("22023", "SELECT uniq_p(9, 1)");
    refused("22023", "SELECT uniq_p(19, 1)");
    refused("22023", "SELECT uniq_p(NULL, 1)");
    refused("0A000", "SELECT uniq(VARIADIC ARRAY[1, 2])");
}

/// Many groups under a small work_mem: the hash aggregate spills, and the answers stay right.
#[pg_test]
fn many_groups_spill() {
    run("CREATE TEMP TABLE many AS SELECT i % 5000 g, i v FROM generate_series(1, 50000) i");
    run("ANALYZE many");
    run("SET LOCAL work_mem = '64kB'");
    run("SET LOCAL enable_sort = off");
    holds("(SELECT bool_and(u = 10 AND s = c) FROM (SELECT uniq(v) u, finalize(sum_state(v)) s, sum(v) c FROM many GROUP BY g) t)");
    let plan = text("(SELECT 1)");
    assert!(plan.is_some());
    run("CREATE FUNCTION pg_temp.batches() RETURNS bigint LANGUAGE plpgsql AS $$
         DECLARE j json; BEGIN
         EXECUTE 'EXPLAIN (ANALYZE, FORMAT JSON) SELECT g, uniq(v) FROM many GROUP BY g' INTO j;
         RETURN (j -> 0 -> 'Plan' ->> 'HashAgg Batches')::bigint; END $$");
    holds("pg_temp.batches() > 1");
}
