/// A small work_mem bounds what a hash aggregate of many groups takes, whatever its states hold outside PostgreSQL's own memory.
#[pg_test]
fn a_million_groups_stay_within_bounds() {
    run("SET LOCAL work_mem = '4MB'");
    run("SET LOCAL enable_sort = off");
    run("SET LOCAL max_parallel_workers_per_gather = 0");
    run("SET LOCAL jit = off");
    run("CREATE TEMP TABLE wide AS SELECT i::int8 * 7919 % 1000000 g, i v FROM generate_series(1, 1200000) i");
    run("CREATE TEMP TABLE deep AS SELECT i % 5000 g, i / 5000 v FROM generate_series(1, 1500000) i");
    run("ANALYZE wide");
    run("ANALYZE deep");
    run("CREATE FUNCTION pg_temp.node(query text) RETURNS json LANGUAGE plpgsql AS $$
         DECLARE j json; BEGIN EXECUTE 'EXPLAIN (ANALYZE, TIMING off, FORMAT JSON) ' || query INTO j; RETURN j -> 0 -> 'Plan'; END $$");
    for state in ["uniq_state(v)", "uniq_exact_state(v)", "sum_state(v::float8)", "avg_state(v * 1.5)"] {
        // Of 5,000 groups of 300 values those that came first grow on, as they do with PostgreSQL's own array_agg.
        for (table, groups, most) in [("wide", 1_000_000, 16 << 10), ("deep", 5000, 40 << 10)] {
            let before = crate::pg::testing::peak_memory(true);
            run(&format!("CREATE TEMP TABLE node AS SELECT pg_temp.node('SELECT g, {state} FROM {table} GROUP BY g') n"));
            let grown = crate::pg::testing::peak_memory(false) - before;
            holds("n ->> 'Strategy' = 'Hashed' FROM node");
            holds(&format!("(n ->> 'Actual Rows')::float = {groups} FROM node"));
            holds(&format!("(n ->> 'Peak Memory Usage')::int < {most} FROM node"));
            assert!(grown < (most as i64) * 3 / 2, "{state} of {table}: {grown} kB");
            if table == "wide" {
                holds("(n ->> 'HashAgg Batches')::int > 1 FROM node");
            }
            run("DROP TABLE node");
        }
    }
}

/// Without memory a statement ends with an error, and the session goes on.
#[cfg(target_os = "linux")]
#[pg_test]
fn out_of_memory_is_an_error() {
    run("SET LOCAL work_mem = '1GB'");
    run("SET LOCAL enable_sort = off");
    run("SET LOCAL max_parallel_workers_per_gather = 0");
    run("SET LOCAL jit = off");
    run("CREATE TEMP TABLE source AS SELECT i FROM generate_series(1, 3000000) i");
    run("CREATE TEMP TABLE long AS SELECT repeat('long ', 12000000) x");
    // So that no library is loaded and no function made under the limit.
    let all = "SELECT uniq_exact(i), uniq_exact(i::text), uniq(i), uniq_p(18, i), sum_state(i::float8), avg_state(i::numeric), uniq_exact_state(i) FROM source WHERE i < 10";
    assert_eq!(error_of(all), "00000");
    // Of the beginning, since what a statement has freed need not have gone back to the system, and is used again.
    let limit = crate::pg::testing::address_space() + (24 << 20);
    let error_within_limit = |sql: &str| {
        crate::pg::testing::limit_memory(Some(limit));
        let error = error_of(sql);
        crate::pg::testing::limit_memory(None);
        error
    };
    for _ in 0..3 {
        for sql in [
            // Large allocations, and many small ones; far more than what earlier statements left to be used again.
            "SELECT uniq_exact(i) FROM source",
            "SELECT uniq_exact(i::text) FROM source",
            "SELECT uniq_exact_state(i) FROM source",
            "SELECT count(a) FROM (SELECT i % 1000 g, uniq_p_state(18, i) a, uniq_p_state(17, i), uniq_p_state(16, i), uniq_p_state(15, -i) FROM source GROUP BY 1) t",
            "SELECT count(a) FROM (SELECT i % 60000 g, uniq_state(i) a, uniq_state(-i), uniq_state(i + 1), uniq_state(i + 2) FROM source GROUP BY 1) t",
            "SELECT count(a) FROM (SELECT i % 100000 g, uniq_exact_state(i) a, uniq_exact_state(-i), uniq_exact_state(i + 1) FROM source GROUP BY 1) t",
            "SELECT uniq(x) FROM long",
            "SELECT uniq_exact(x) FROM long",
        ] {
            let error = error_within_limit(sql);
            assert!(error.starts_with("53200"), "{sql}: {error}");
            assert_eq!(error_within_limit(all), "00000");
        }
    }
    same("3000000", "uniq_exact(i) FROM source");
    same("count(DISTINCT i % 1000) FROM source", "uniq_exact(i % 1000) FROM source");
}

/// Runs an INSERT of these values of (g text, k bigint, x text) into the source of a view, which may take so many MB. Gives how many rows delta has
/// for the statement.
fn insert_within(mb: i64, query: &str, values: &str) -> i64 {
    run("SET LOCAL work_mem = '4MB'");
    run("CREATE TABLE source (g text, k bigint, x text)");
    run(&format!("SELECT tally.create_view('kept', '{query}', mode => 'incremental')"));
    let delta = text("relname FROM pg_class WHERE relnamespace = 'tally_data'::regnamespace AND relname ~ '^v[0-9]+_delta$'").expect("a delta table");
    // What a session does once.
    run("INSERT INTO source VALUES ('', 0, '')");
    run(&format!("DELETE FROM tally_data.{delta}"));
    run("DELETE FROM source");
    run(&format!("DELETE FROM tally_data.{delta}"));
    let before = crate::pg::testing::peak_memory(true);
    run(&format!("INSERT INTO source {values}"));
    let grown = crate::pg::testing::peak_memory(false) - before;
    assert!(grown < mb << 10, "{query}: {grown} kB");
    let rows = text(&format!("count(*) FROM tally_data.{delta}")).and_then(|n| n.parse().ok()).expect("a number");
    for compacted in [false, true] {
        if compacted {
            run("SELECT tally.compact()");
            same("0", &format!("count(*) FROM tally_data.{delta}"));
        }
        same("0", &format!("count(*) FROM (TABLE kept EXCEPT ALL ({query})) t"));
        same("0", &format!("count(*) FROM (({query}) EXCEPT ALL TABLE kept) t"));
    }
    rows
}

/// A group costs what its key costs.
#[pg_test]
fn maintenance_of_wide_keys_stays_within_bounds() {
    // Each key twice, 40 MB apart.
    let rows = insert_within(40, "SELECT g, count(*) AS n FROM source GROUP BY g", "SELECT repeat(md5((i % 80)::text), 16384), i, NULL FROM generate_series(1, 160) i");
    assert_eq!(rows, 160);
}

/// The greatest value replaces the one before it.
#[pg_test]
fn maintenance_of_an_ascending_max_keeps_one_value() {
    let values = "SELECT NULL, i, lpad(i::text, 6, '0') || repeat('x', 500000) FROM generate_series(1, 160) i";
    assert_eq!(insert_within(20, "SELECT count(*) AS n, max(x) AS m FROM source", values), 1);
}

#[pg_test]
fn maintenance_of_a_max_of_many_groups_stays_within_bounds() {
    let values = "SELECT NULL, i % 80, lpad(i::text, 6, '0') || repeat('x', 500000) FROM generate_series(1, 160) i";
    assert_eq!(insert_within(40, "SELECT k, count(*) AS n, max(x) AS m FROM source GROUP BY k", values), 160);
}

#[pg_test]
fn maintenance_of_distinct_values_stays_within_bounds() {
    let values = "SELECT NULL, i % 2, repeat(md5((i % 40000)::text), 32) FROM generate_series(1, 60000) i";
    let rows = insert_within(50, "SELECT k, count(*) AS n, count(DISTINCT x) AS d FROM source GROUP BY k", values);
    assert!(rows > 4, "{rows}");
}

#[pg_test]
fn maintenance_of_frequent_values_stays_within_bounds() {
    let values = "SELECT NULL, i, lpad((i % 120)::text, 6, '0') || repeat('x', 500000) FROM generate_series(1, 160) i";
    let rows = insert_within(100, "SELECT count(*) AS n, top_k(x, 50) AS t FROM source", values);
    assert!(rows > 2, "{rows}");
}

#[pg_test]
fn maintenance_of_many_groups_stays_within_bounds() {
    let values = "SELECT NULL, i % 100000, lpad(i::text, 6, '0') FROM generate_series(1, 200000) i";
    let rows = insert_within(40, "SELECT k, count(*) AS n, sum(k) AS s, max(x) AS m, uniq(x) AS u FROM source GROUP BY k", values);
    assert_eq!(rows, 200_000);
}

/// Functions of types that are called for a row may leave something in memory.
#[pg_test]
fn maintenance_leaves_nothing_of_a_row() {
    let values = "SELECT NULL, i, NULL FROM generate_series(1, 50000) i";
    assert_eq!(insert_within(20, "SELECT count(*) AS n, uniq(int8multirange(int8range(k, k + 1))) AS u FROM source", values), 1);
}
