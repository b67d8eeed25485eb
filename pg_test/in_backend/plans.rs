/// The plan of a query, and what it gives.
fn explain(sql: &str) -> String {
    run("CREATE OR REPLACE FUNCTION pg_temp.plan_of(query text) RETURNS text LANGUAGE plpgsql AS $$
         DECLARE line text; plan text := ''; BEGIN
         FOR line IN EXECUTE 'EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) ' || query LOOP plan := plan || line || E'\\n'; END LOOP;
         RETURN plan; END $$");
    text(&format!("pg_temp.plan_of('{}')", sql.replace('\'', "''"))).unwrap_or_default()
}

/// The query runs in parallel workers, and gives what it gives without them.
fn same_in_parallel(query: &str) {
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

#[pg_test]
fn aggregates_run_in_parallel_workers() {
    run("CREATE TABLE big AS SELECT i, (i % 1000)::int2 i2, i::int8 i8, (i * 1.10)::numeric n, i::float4 f4, i / 3.0::float8 f8,
         make_interval(secs => i) iv, md5((i % 3000)::text) t, i % 20 g FROM generate_series(1, 60000) i");
    run("CREATE TABLE parts AS SELECT i % 500 p, i % 20 g, count_state(*) c, sum_state(n) sn, sum_state(f8) sf, sum_state(iv) si,
         avg_state(n) an, avg_state(f8) af, avg_state(iv) ai, min_state(t) mi, max_state(t) ma, uniq_state(t) u FROM big GROUP BY 1, 2");
    run("ANALYZE big");
    run("ANALYZE parts");
    let queries = [
        "SELECT count_state(*), count_state(t), finalize(sum_state(i2)), finalize(sum_state(i)), finalize(sum_state(i8)), finalize(sum_state(n)),
           finalize(sum_state(f4)), finalize(sum_state(f8)), finalize(sum_state(iv)), finalize(avg_state(i2)), finalize(avg_state(n)),
           finalize(avg_state(f8)), finalize(avg_state(iv)), min_state(t), max_merge(n), uniq(t), uniq(g, i2), uniq_p(12, t), uniq_state(t) FROM big",
        "SELECT g, finalize(sum_state(n)), finalize(avg_state(f8)), min_state(t), uniq(t), uniq_state(i2) FROM big GROUP BY g",
        "SELECT count_merge(c), sum_merge(sn), sum_merge(sf), sum_merge(si), avg_merge(an), avg_merge(af), avg_merge(ai), min_merge(mi), max_merge(ma),
           uniq_merge(u), sum_merge_state(sn), uniq_merge_state(u), count_merge_state(c), avg_merge_state(af) FROM parts",
        "SELECT g, count_merge(c), sum_merge(sn), avg_merge(an), uniq_merge(u), avg_merge_state(ai) FROM parts GROUP BY g",
    ];
    queries.into_iter().for_each(same_in_parallel);
}
