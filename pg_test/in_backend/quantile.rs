/// Every quantile is within the bound of what percentile_disc gives over the same values.
fn quantiles_are_within_the_bound(values: &str) {
    run(&format!("CREATE TEMP TABLE q AS SELECT v::float8 v, row_number() OVER () % 7 g FROM ({values}) x(v)"));
    for q in ["0", "0.001", "0.1", "0.25", "0.5", "0.75", "0.9", "0.99", "0.999", "1"] {
        let near = format!(
            "SELECT bool_and(a IS NOT DISTINCT FROM e OR abs(a - e) <= 0.0099018 * abs(e) + 5e-324) FROM (SELECT percentile_disc({q}) WITHIN GROUP (ORDER BY v) e, quantile(v, {q}) a FROM q"
        );
        holds(&format!("({near}) t)"));
        holds(&format!("({near} GROUP BY g) t)"));
    }
    holds("(SELECT quantiles(v, ARRAY[0, 0.5, NULL, 1]) = ARRAY[quantile(v, 0), quantile(v, 0.5), NULL, quantile(v, 1)] FROM q)");
    holds("(SELECT quantile(v, 0) = min(v) AND quantile(v, 1) = max(v) FROM q)");
    run("DROP TABLE q");
}

#[pg_test]
fn quantiles_are_those_of_percentile_disc() {
    quantiles_are_within_the_bound("SELECT i FROM generate_series(1, 10000) i");
    quantiles_are_within_the_bound("SELECT -i * 1e300 FROM generate_series(1, 1000) i");
    quantiles_are_within_the_bound("SELECT exp(i / 500.0 - 5) * (1 - 2 * (i % 2)) FROM generate_series(1, 5000) i");
    quantiles_are_within_the_bound("SELECT i % 5 - 2 FROM generate_series(1, 999) i");
    quantiles_are_within_the_bound("SELECT 5e-324::float8 * i FROM generate_series(1, 999) i");
    quantiles_are_within_the_bound("SELECT i::float8 FROM generate_series(-99, 99) i UNION ALL SELECT unnest('{NaN,NaN,Infinity,-Infinity,1e308,-0,0}'::float8[])");
    quantiles_are_within_the_bound("VALUES (42)");
}

#[pg_test]
fn quantiles_take_what_percentile_functions_take() {
    for (ours, theirs) in [
        ("quantile(v, NULL)", "percentile_disc(NULL::float8) WITHIN GROUP (ORDER BY v)"),
        ("quantiles(v, NULL)", "percentile_disc(NULL::float8[]) WITHIN GROUP (ORDER BY v)"),
        ("quantiles(v, '{}')", "percentile_disc('{}'::float8[]) WITHIN GROUP (ORDER BY v)"),
        ("quantiles(v, '{NULL,1}')", "percentile_disc('{NULL,1}'::float8[]) WITHIN GROUP (ORDER BY v)"),
        ("quantiles(v, '{{0,1},{1,NULL}}')", "percentile_disc('{{0,1},{1,NULL}}'::float8[]) WITHIN GROUP (ORDER BY v)"),
        ("quantiles(v, '[3:4]={0,1}')", "percentile_disc('[3:4]={0,1}'::float8[]) WITHIN GROUP (ORDER BY v)"),
    ] {
        for rows in ["(VALUES (1.5::float8), (NULL), (3))", "(VALUES (NULL::float8))", "(SELECT 1::float8 WHERE false)"] {
            same(&format!("{ours} FROM {rows} x(v)"), &format!("{theirs} FROM {rows} x(v)"));
        }
    }
    for q in ["-0.1", "1.1", "'NaN'", "'Infinity'"] {
        refused("22003", &format!("SELECT quantile(v, {q}) FROM (VALUES (1)) x(v)"));
        refused("22003", &format!("SELECT percentile_disc({q}::float8) WITHIN GROUP (ORDER BY v) FROM (VALUES (1)) x(v)"));
        refused("22003", &format!("SELECT quantile(v, {q}) FROM (VALUES (NULL::int)) x(v)"));
        refused("22003", &format!("SELECT quantiles(v, ARRAY[0.5, {q}::float8]) FROM (VALUES (1)) x(v)"));
        refused("22003", &format!("SELECT finalize(quantile_state(v), {q}::float8) FROM (VALUES (1)) x(v)"));
    }
    refused("22023", "SELECT quantile(v, v) FROM (VALUES (0), (1)) x(v)");
    refused("22023", "SELECT quantiles(v, ARRAY[v]) FROM (VALUES (0), (1)) x(v)");
    same("quantile(i::int, 0.5) FROM generate_series(1, 9) i", "quantile(i::numeric, 0.5) FROM generate_series(1, 9) i");
}

#[pg_test]
fn quantile_goes_through_states() {
    run("CREATE TEMP TABLE q AS SELECT i, i % 13 g, exp((i * 7919 % 3001) / 300.0) v FROM generate_series(1, 20000) i");
    let own = text("quantile(v, 0.9) FROM q");
    for sql in [
        "quantile_merge(s, 0.9) FROM (SELECT quantile_state(v) s FROM q GROUP BY g) t",
        "(quantiles_merge(s, '{0.1,0.9}'))[2] FROM (SELECT quantile_state(v) s FROM q GROUP BY g) t",
        "finalize(quantile_merge_state(s), 0.9) FROM (SELECT quantile_state(v) s FROM q GROUP BY g) t",
        "finalize(quantile_state(v), 0.9) FROM q",
        "(finalize(quantile_state(v), ARRAY[0.5, 0.9]))[2] FROM q",
        "finalize(quantile_state(v) FILTER (WHERE g < 5) || quantile_state(v) FILTER (WHERE g >= 5), 0.9) FROM q",
        "quantile_merge(s::text::tally.quantile_state, 0.9) FROM (SELECT quantile_state(v) s FROM q GROUP BY g) t",
    ] {
        assert_eq!(text(sql), own, "{sql}");
    }
    // The bytes depend on the values only.
    holds("(SELECT quantile_state(v)::text FROM q) = (SELECT quantile_merge_state(s)::text FROM (SELECT quantile_state(v) s FROM q GROUP BY g) t)");
    holds("(SELECT quantile_state(v)::text FROM q) = (SELECT quantile_state(v ORDER BY -i)::text FROM q)");
    holds("(SELECT tally.is_empty(quantile_state(v)) FROM q WHERE false) AND (SELECT NOT tally.is_empty(quantile_state(v)) FROM q)");
    holds("(SELECT tally.merge(NULL, s)::text = s::text AND (s || NULL)::text = s::text FROM (SELECT quantile_state(v) s FROM q) t)");
    holds("quantile_merge(NULL::tally.quantile_state, 0.5) IS NULL");
    holds("finalize(NULL::tally.quantile_state, 0.5) IS NULL AND finalize(quantile_state(1), NULL::float8) IS NULL");
    same("quantile(DISTINCT i % 10, 0.5) FROM q", "quantile(i, 0.5) FROM generate_series(0, 9) i");
}

/// Text, casts from text, binary, COPY: for a state that is made by `state` from n integers i.
fn state_bytes_round_trip(t: &str, state: &str) {
    for n in [0, 1, 3, 100, 3000] {
        run(&format!("CREATE TEMP TABLE one ON COMMIT DROP AS SELECT {state} s FROM generate_series(1, {n}) i"));
        for from in ["text", "varchar", "bpchar", "bpchar(20000)"] {
            holds(&format!("s::text::{from}::tally.{t}::text = s::text FROM one"));
        }
        holds(&format!("tests.from_binary('tally.{t}'::regtype, tally.{t}_send(s)) = s::text FROM one"));
        holds("s::text = '\\x' || encode(s::bytea, 'hex') FROM one");
        holds(&format!("tally.is_empty(s) = ({n} = 0) FROM one"));
        run("DROP TABLE one");
    }
    holds(&format!("s::text::name::tally.{t}::text = s::text FROM (SELECT {state} s FROM generate_series(1, 1) i) x"));
    run(&format!("CREATE TABLE states (g int, s tally.{t})"));
    run(&format!("INSERT INTO states SELECT i % 10, {state} FROM generate_series(1, 5000) i GROUP BY 1"));
    run("CREATE TABLE copies (LIKE states)");
    for format in ["text", "binary"] {
        let file = format!("/tmp/pg_tally_{}_{t}_{format}", std::process::id());
        run(&format!("COPY states TO '{file}' (FORMAT {format})"));
        run("TRUNCATE copies");
        run(&format!("COPY copies FROM '{file}' (FORMAT {format})"));
        holds("NOT EXISTS (SELECT g, s::text FROM states EXCEPT ALL SELECT g, s::text FROM copies)");
        let _ = std::fs::remove_file(file);
    }
    run("DROP TABLE states, copies");
    for bad in ["", "x", "\\x", "\\x1", "\\xgg", "0x10", "\\x10a1", "\\xff"] {
        let error = error_of(&format!("SELECT '{bad}'::tally.{t}"));
        assert!(error.starts_with("22P02") || error.starts_with("0A000"), "{t} {bad}: {error}");
    }
    for bad in ["", "\\x1d01", "\\x1e01", "\\x10a1"] {
        refused("22P03", &format!("SELECT tests.from_binary('tally.{t}'::regtype, '{bad}'::bytea)"));
    }
}

#[pg_test]
fn sketches_round_trip() {
    state_bytes_round_trip("quantile_state", "quantile_state(i * 0.7 - 100)");
    state_bytes_round_trip("top_k_state", "top_k_state('value ' || i % 300, 5)");
}

/// The same answers from parallel workers as without.
#[pg_test]
fn sketches_run_in_parallel_workers() {
    run("CREATE TABLE big AS SELECT i, exp(i % 999 / 100.0) v, 'key ' || i % 20 t, i % 9 g FROM generate_series(1, 60000) i");
    run("CREATE TABLE parts AS SELECT i % 500 p, g, quantile_state(v) q, top_k_state(t, 5) k FROM big GROUP BY 1, 2");
    run("ANALYZE big");
    run("ANALYZE parts");
    for query in [
        "SELECT quantile(v, 0.9), quantiles(v, '{0,NULL,0.5}'), quantile_state(v), top_k(t, 5), top_k_state(i % 30, 7), quantile(v, NULL) FROM big",
        "SELECT g, quantile(v, 0.9), quantile_state(v), top_k(t, 3) FROM big GROUP BY g",
        "SELECT quantile_merge(q, 0.9), quantiles_merge(q, '{0.1,1}'), quantile_merge_state(q), top_k_merge(k), top_k_merge_state(k) FROM parts",
    ] {
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
    refused("22023", "SELECT quantile(v, CASE WHEN i < 100 THEN 0 ELSE 1 END) FROM big");
}
