#[pg_test]
fn uniq_exact_is_count_distinct() {
    run("CREATE TEMP TABLE e AS SELECT i, i % 13 g, nullif((i * 7919) % 3001, 0) v, (i * 31 % 701) / 10.0 n,
         nullif('user ' || i % 977, 'user 7') t, (i % 91) / 7.0::float8 f, timestamptz '2024-01-01 00:00Z' + (i % 333) * interval '1 s' ts,
         (lpad(to_hex(i % 555), 32, '0'))::uuid u, i % 2 = 0 b FROM generate_series(1, 40000) i");
    for column in ["v", "n", "t", "f", "ts", "u", "b", "i", "g::int2", "v::int8", "f::float4", "n::numeric(10,5)", "t::bytea", "substr(t, 1, 8)", "i * 1000000007::int8"] {
        same(&format!("uniq_exact({column}) FROM e"), &format!("count(DISTINCT {column}) FROM e"));
        same(&format!("uniq_exact({column}) FILTER (WHERE g < 3) FROM e"), &format!("count(DISTINCT {column}) FILTER (WHERE g < 3) FROM e"));
        same(&format!("string_agg(x, ' ' ORDER BY g) FROM (SELECT g, uniq_exact({column})::text x FROM e GROUP BY g) t"),
             &format!("string_agg(x, ' ' ORDER BY g) FROM (SELECT g, count(DISTINCT {column})::text x FROM e GROUP BY g) t"));
        let states = format!("(SELECT uniq_exact_state({column}) s FROM e GROUP BY g) t");
        same(&format!("uniq_exact_merge(s) FROM {states}"), &format!("count(DISTINCT {column}) FROM e"));
        // The bytes depend on the set only.
        same(&format!("uniq_exact_merge_state(s) FROM {states}"), &format!("uniq_exact_state({column} ORDER BY -i) FROM e"));
        same(&format!("uniq_exact_state({column}) FILTER (WHERE g < 7) || uniq_exact_state({column}) FILTER (WHERE g > 5) FROM e"),
             &format!("uniq_exact_state({column}) FROM e"));
    }
    same("uniq_exact(v, t) FROM e", "count(DISTINCT (v, t)) FROM e WHERE v IS NOT NULL AND t IS NOT NULL");
    same("uniq_exact(g, n, b) FROM e", "count(DISTINCT (g, n, b)) FROM e");
    same("2", "uniq_exact(a, b) FROM (VALUES ('a', 'bc'), ('ab', 'c'), ('a', 'bc')) v(a, b)");
    same("10", "uniq_exact(DISTINCT i % 10) FROM e");
    same("0", "uniq_exact(NULL::int)");
    same("0", "uniq_exact(v) FROM e WHERE false");
    same("0", "uniq_exact_merge(NULL::tally.uniq_exact_state)");
    same("uniq_exact_state(v)::bigint FROM e", "count(DISTINCT v) FROM e");
    same("finalize(uniq_exact_state(v)) FROM e", "count(DISTINCT v) FROM e");
    holds("(SELECT tally.is_empty(uniq_exact_state(v)) FROM e WHERE false)");
    holds("(SELECT uniq_exact_state(v)::text = uniq_exact_state(v::int8)::text FROM e)");
}

#[pg_test]
fn uniq_exact_of_any_type_counts_what_is_equal_once() {
    for (t, values, n) in [
        ("numeric", "('1'), ('1.0'), ('NaN'), ('NaN'), ('-0'), ('0.00')", 3),
        ("float8", "('0'), ('-0'), ('NaN'), ('NaN'), ('Infinity')", 3),
        ("bpchar", "('a'), ('a  '), ('b')", 2),
        ("text", "('a'), ('a '), (''), ('eight ch')", 4),
        ("interval", "('1 month'), ('30 days'), ('720 hours'), ('1 day')", 2),
        ("int[]", "('{1,2}'), ('{1,2}'), ('[0:1]={1,2}'), ('{{1,2}}'), ('{1,NULL}')", 4),
        ("int4range", "('[1,3)'), ('[1,2]'), ('empty'), ('(5,5)'), ('(,3)')", 3),
        ("jsonb", "('{\"a\": 1, \"b\": 2}'), ('{\"b\":2,\"a\":1.0}')", 1),
    ] {
        assert_eq!(text(&format!("uniq_exact(x::{t}) FROM (VALUES {values}) v(x)")), Some(n.to_string()), "{t}");
        assert_eq!(text(&format!("uniq_exact(x::{t}, 1) FROM (VALUES {values}) v(x)")), Some(n.to_string()), "{t}");
    }
    // Toasted, and compressed.
    run("CREATE TEMP TABLE long AS SELECT repeat(i::text, 3000) || i x FROM generate_series(1, 200) i, generate_series(1, 2)");
    same("200", "uniq_exact(x) FROM long");
    same("uniq_exact_state(x) FROM long", "uniq_exact_state(x ORDER BY x DESC) FROM long");
    run("CREATE TEMP TABLE kept AS SELECT uniq_exact_state(x) s FROM long");
    same("200", "uniq_exact_merge(s) FROM kept");
}

#[pg_test]
fn uniq_exact_refuses_what_it_cannot_count() {
    if loose_collation() {
        let error = error_of("SELECT uniq_exact('a'::text COLLATE pg_temp.loose)");
        assert_eq!(error, "0A000 uniq_exact does not support nondeterministic collations");
    }
    refused("0A000", "SELECT uniq_exact(VARIADIC ARRAY[1, 2])");
    refused("42883", "SELECT s = s FROM (SELECT uniq_exact_state(1) s) t");
}

#[pg_test]
fn uniq_exact_runs_in_parallel_workers() {
    run("CREATE TABLE shared_out AS SELECT i, 'page ' || i % 3000 t, i % 20 g FROM generate_series(1, 60000) i");
    run("CREATE TABLE parted AS SELECT i % 500 p, g, uniq_exact_state(t) u FROM shared_out GROUP BY 1, 2");
    run("ANALYZE shared_out, parted");
    let queries = [
        "SELECT uniq_exact(i), uniq_exact(t), uniq_exact(g, t), uniq_exact_state(t), uniq_exact(i) FILTER (WHERE g = 50) FROM shared_out",
        "SELECT g, uniq_exact(t), uniq_exact_state(i) FROM shared_out GROUP BY g",
        "SELECT uniq_exact_merge(u), uniq_exact_merge_state(u) FROM parted",
        "SELECT g, uniq_exact_merge(u) FROM parted GROUP BY g",
    ];
    for query in queries {
        run("SET LOCAL max_parallel_workers_per_gather = 0");
        let alone = text(&format!("(SELECT string_agg(t::text, ';' ORDER BY t::text) FROM ({query}) t)"));
        for setting in ["max_parallel_workers_per_gather = 3", "parallel_setup_cost = 0", "parallel_tuple_cost = 0",
                        "min_parallel_table_scan_size = 0", "parallel_leader_participation = off"] {
            run(&format!("SET LOCAL {setting}"));
        }
        let plan = explain(query);
        assert!(plan.contains("Partial") && plan.contains("Finalize"), "{plan}");
        assert!(plan.contains("Workers Launched: 3") || plan.contains("Workers Launched: 2"), "{plan}");
        let together = text(&format!("(SELECT string_agg(t::text, ';' ORDER BY t::text) FROM ({query}) t)"));
        assert_eq!(alone, together, "{query}");
    }
}
