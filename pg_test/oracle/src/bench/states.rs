//! The aggregates and their states in SQL, beside PostgreSQL's own aggregates of the same meaning and beside postgresql-hll and
//! tdigest where they are installed: whole statements, the best of interleaved rounds, each figure with its goal.

use super::{Bench, run, text};
use crate::db;
use postgres::Client;
use std::collections::HashMap;
use std::time::{Duration, Instant};

/// One statement against another: `ours` may cost at most `goal` times `theirs`; without a goal the ratio is for information.
/// An expression that this server does not know is skipped, and said to be.
struct Pair {
    ours: &'static str,
    theirs: &'static str,
    goal: Option<f64>,
}

const fn pair(ours: &'static str, theirs: &'static str, goal: f64) -> Pair {
    Pair { ours, theirs, goal: Some(goal) }
}

const fn beside(ours: &'static str, theirs: &'static str) -> Pair {
    Pair { ours, theirs, goal: None }
}

/// Of a column that nobody reads, PostgreSQL would compute nothing.
const GROUPED: &str = "SELECT count(a) FROM (SELECT % AS a FROM bench.v GROUP BY g) s";

/// Of aggregates that say themselves what they are over.
const BARE: &str = "SELECT %";

const SAME: f64 = 1.3;
const TENTH: f64 = 0.1;

/// Over the rows of bench.v: g of 1,000 groups; x distinct, in no order; n numeric(12,2); f lognormal; k text, Zipf; d an interval.
const AGGREGATES: &[Pair] = &[
    pair("sum_state(x)", "sum(x)", SAME),
    pair("sum_state(n)", "sum(n)", SAME),
    pair("sum_state(f)", "sum(f)", SAME),
    pair("sum_state(d)", "sum(d)", SAME),
    pair("avg_state(x)", "avg(x)", SAME),
    pair("avg_state(n)", "avg(n)", SAME),
    pair("avg_state(f)", "avg(f)", SAME),
    pair("var_state(x)", "var_samp(x)", SAME),
    pair("var_state(g)", "var_samp(g)", SAME),
    pair("var_state(n)", "var_samp(n)", SAME),
    pair("var_state(f)", "var_samp(f)", SAME),
    pair("uniq(x)", "count(DISTINCT x)", TENTH),
    pair("uniq_p(16, x)", "count(DISTINCT x)", TENTH),
    pair("uniq(k)", "count(DISTINCT k)", TENTH),
    beside("count(x)", "count(DISTINCT x)"),
    beside("count(k)", "count(DISTINCT k)"),
    beside("uniq(x)", "hll_cardinality(hll_add_agg(hll_hash_bigint(x)))"),
    beside("uniq_state(x)", "hll_add_agg(hll_hash_bigint(x))"),
    pair("uniq_exact(x)", "count(DISTINCT x)", SAME),
    pair("quantile(f, 0.99)", "percentile_cont(0.99) WITHIN GROUP (ORDER BY f)", SAME),
    beside("quantile_state(f)", "tdigest(f, 100)"),
    pair("top_k(k, 10)", "mode() WITHIN GROUP (ORDER BY k)", SAME),
    pair("arg_min(x, f)", "(array_agg(x ORDER BY f))[1]", SAME),
    pair("arg_min(x, f)", "min(f)", SAME),
];

/// Over stored states: 100,000 of 50 rows each, and what PostgreSQL would have stored, each in a table of its own.
const MERGES: &[Pair] = &[
    pair("sum_merge(sum_x) FROM bench.sum_x", "sum(plain_x) FROM bench.plain_x", SAME),
    pair("sum_merge(sum_i) FROM bench.sum_i", "sum(plain_i) FROM bench.plain_i", SAME),
    pair("sum_merge(sum_n) FROM bench.sum_n", "sum(plain_n) FROM bench.plain_n", SAME),
    pair("sum_merge(sum_f) FROM bench.sum_f", "sum(plain_f) FROM bench.plain_f", SAME),
    pair("sum_merge_state(sum_x) FROM bench.sum_x", "sum(plain_x) FROM bench.plain_x", SAME),
    pair("avg_merge(avg_x) FROM bench.avg_x", "avg(plain_x) FROM bench.plain_x", SAME),
    pair("var_merge_state(var_x) FROM bench.var_x", "var_samp(plain_x) FROM bench.plain_x", SAME),
    pair("var_merge_state(var_i) FROM bench.var_i", "var_samp(plain_i) FROM bench.plain_i", SAME),
    pair("var_merge_state(var_n) FROM bench.var_n", "var_samp(plain_n) FROM bench.plain_n", SAME),
    pair("var_merge_state(var_f) FROM bench.var_f", "var_samp(plain_f) FROM bench.plain_f", SAME),
    beside("count(sum_x) FROM bench.sum_x", "count(plain_x) FROM bench.plain_x"),
    beside("count(sum_f) FROM bench.sum_f", "count(plain_f) FROM bench.plain_f"),
    beside("count(sum_i) FROM bench.sum_i", "count(plain_i) FROM bench.plain_i"),
    beside("count(var_f) FROM bench.var_f", "count(plain_f) FROM bench.plain_f"),
    pair("uniq_merge(uniq_x) FROM bench.uniq_x", "count(DISTINCT x) FROM bench.v", TENTH),
    beside("uniq_merge(uniq_x) FROM bench.uniq_x", "hll_cardinality(hll_union_agg(hll_x)) FROM bench.hll_x"),
    beside("uniq_merge_state(uniq_x) FROM bench.uniq_x", "hll_union_agg(hll_x) FROM bench.hll_x"),
    beside("uniq_exact_merge(exact_x) FROM bench.exact_x", "hll_cardinality(hll_union_agg(hll_x)) FROM bench.hll_x"),
    beside("quantile_merge(quantile_f, 0.99) FROM bench.quantile_f", "tdigest_percentile(tdigest_f, 0.99) FROM bench.tdigest_f"),
    beside("top_k_merge(top_k) FROM bench.top_k", "count(plain_x) FROM bench.plain_x"),
];

/// The columns of stored states, made where the server knows them.
const STATES: &[(&str, &str)] = &[
    ("plain_x", "sum(x)"),
    ("plain_i", "sum(g)"),
    ("plain_n", "sum(n)"),
    ("plain_f", "sum(f)"),
    ("sum_x", "sum_state(x)"),
    ("sum_i", "sum_state(g)"),
    ("sum_n", "sum_state(n)"),
    ("sum_f", "sum_state(f)"),
    ("avg_x", "avg_state(x)"),
    ("var_x", "var_state(x)"),
    ("var_i", "var_state(g)"),
    ("var_n", "var_state(n)"),
    ("var_f", "var_state(f)"),
    ("uniq_x", "uniq_state(x)"),
    ("exact_x", "uniq_exact_state(x)"),
    ("quantile_f", "quantile_state(f)"),
    ("top_k", "top_k_state(k, 10)"),
    ("hll_x", "hll_add_agg(hll_hash_bigint(x))"),
    ("tdigest_f", "tdigest(f, 100)"),
];

/// Sketches of the same meaning: a state column of ours, theirs, how two of theirs merge.
const SKETCHES: &[(&str, &str, &str)] =
    &[("uniq_state(x)", "hll_add_agg(hll_hash_bigint(x))", "hll_union(a.theirs, b.theirs)"), ("quantile_state(f)", "tdigest(f, 100)", "tdigest_union(a.theirs, b.theirs)")];

fn known(c: &mut Client, sql: &str) -> Result<bool, String> {
    match c.batch_execute(&format!("EXPLAIN {sql}")) {
        Ok(()) => Ok(true),
        // no such function, column, relation or type
        Err(e) if e.code().is_some_and(|code| ["42883", "42703", "42P01", "42704"].contains(&code.code())) => Ok(false),
        Err(e) => Err(format!("{}\n  in: {sql}", text(e))),
    }
}

/// How long to go on with statements that have been timed.
const ENOUGH: Duration = Duration::from_secs(2);
/// What takes so long needs no round to warm up.
const LONG: f64 = 500.0;

/// Milliseconds of each statement, the best of interleaved rounds; the first round warms up.
fn best(c: &mut Client, runs: u32, statements: &[&str]) -> Result<Vec<f64>, String> {
    let mut best = vec![f64::INFINITY; statements.len()];
    let begin = Instant::now();
    for round in 0..=runs {
        if best.iter().all(|ms| ms.is_finite()) && begin.elapsed() > ENOUGH {
            break;
        }
        for (sql, best) in statements.iter().zip(&mut best) {
            let start = Instant::now();
            db::rows(c, sql).map_err(|e| format!("{}\n  in: {sql}", text(e)))?;
            let ms = start.elapsed().as_secs_f64() * 1000.0;
            if round > 0 || ms > LONG {
                *best = best.min(ms);
            }
        }
    }
    Ok(best)
}

pub(super) fn verdict(value: f64, goal: Option<f64>) -> String {
    match goal {
        None => String::new(),
        Some(goal) if value > goal => format!("   goal {goal}   MISSED"),
        Some(goal) => format!("   goal {goal}"),
    }
}

fn setting(parallel: bool) -> &'static str {
    if parallel {
        "SET max_parallel_workers_per_gather = 2; SET min_parallel_table_scan_size = 0; SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0"
    } else {
        "SET max_parallel_workers_per_gather = 0"
    }
}

/// `%` stands for the aggregate.
fn compare(b: &Bench, c: &mut Client, title: &str, shape: &str, pairs: &[Pair], parallel: bool) -> Result<(), String> {
    run(c, setting(parallel))?;
    println!("\n{title}, {}; {shape}", if parallel { "two workers" } else { "serial" });
    let mut long = HashMap::new();
    for p in pairs {
        let [ours, theirs] = [p.ours, p.theirs].map(|e| shape.replace('%', e));
        let missing = match (known(c, &ours)?, known(c, &theirs)?) {
            (true, true) => None,
            (false, _) => Some(p.ours),
            _ => Some(p.theirs),
        };
        let label = [p.ours, p.theirs].map(|e| e.split(" FROM ").next().unwrap_or(e)).join(" : ");
        if let Some(missing) = missing {
            println!("  {label:<72} this server has no {missing}");
            continue;
        }
        // What takes long is the other side of several pairs.
        let ms = match long.get(&theirs) {
            Some(theirs) => vec![best(c, b.runs, &[&ours])?[0], *theirs],
            None => best(c, b.runs, &[&ours, &theirs])?,
        };
        if ms[1] > LONG {
            long.insert(theirs, ms[1]);
        }
        // a parallel plan that is none is a figure of something else
        let serial = parallel && !db::rows(c, &format!("EXPLAIN {ours}")).map_err(text)?.iter().flatten().flatten().any(|l| l.contains("Gather"));
        let note = if serial { "   (ours is not parallel)" } else { "" };
        println!("  {label:<72} {:>9.1} {:>9.1} ms   ratio {:.3}{}{note}", ms[0], ms[1], ms[0] / ms[1], verdict(ms[0] / ms[1], p.goal));
    }
    Ok(())
}

/// Nanoseconds that a row costs above what count(x) costs.
fn inserts(b: &Bench, c: &mut Client, rows: f64) -> Result<(), String> {
    run(c, setting(false))?;
    println!("\nAbove count(x), per row, serial:");
    for (what, shape, goal) in [("1,000 groups", GROUPED, 30.0), ("one group", "SELECT % FROM bench.v", 10.0)] {
        for (expression, goal) in [("uniq_state(x)", Some(goal)), ("hll_add_agg(hll_hash_bigint(x))", None), ("quantile_state(f)", None), ("tdigest(f, 100)", None)] {
            let sql = shape.replace('%', expression);
            if !known(c, &sql)? {
                println!("  {expression:<34} {what:<13} this server has none");
                continue;
            }
            let ms = best(c, b.runs, &[&sql, &shape.replace('%', "count(x)")])?;
            let ns = (ms[0] - ms[1]) * 1e6 / rows;
            println!("  {expression:<34} {what:<13} {ns:>8.1} ns{}", verdict(ns, goal));
        }
    }
    Ok(())
}

/// Bytes, merging of two, and folding of 1,000, of stored sketches.
fn sketches(b: &Bench, c: &mut Client, rows: u64) -> Result<(), String> {
    run(c, setting(false))?;
    println!("\nStored sketches, 1,000 of n values each: bytes on disk; µs to merge two, and to fold one, above reading them:");
    for (ours, theirs, union) in SKETCHES {
        for n in [1, 10, 100, 1000, 5000].into_iter().filter(|n| *n <= rows / 1000) {
            for (name, expression, merge) in [("ours", *ours, "a.theirs || b.theirs"), ("theirs", *theirs, *union)] {
                let made = format!("SELECT g, {expression} AS theirs FROM bench.v WHERE r <= {n} GROUP BY g");
                if !known(c, &made)? {
                    println!("  {expression:<34} n = {n:<6} this server has none");
                    continue;
                }
                run(c, &format!("DROP TABLE IF EXISTS bench.made; CREATE TABLE bench.made AS {made}; ANALYZE bench.made"))?;
                let bytes = db::value(c, "SELECT round(avg(pg_column_size(theirs))) FROM bench.made").map_err(text)?;
                let pairs = "FROM bench.made a JOIN bench.made b ON b.g = a.g ^ 1";
                // length() of the text form would cost more than the merge; IS NULL computes it and looks at nothing
                let merging = format!("SELECT count(*) FILTER (WHERE ({merge}) IS NOT NULL) {pairs}");
                let reading = format!("SELECT count(*) FILTER (WHERE pg_column_size(a.theirs) + pg_column_size(b.theirs) > 0) {pairs}");
                let fold = match (name, *ours) {
                    ("ours", "uniq_state(x)") => "uniq_merge_state(theirs)",
                    ("ours", _) => "quantile_merge_state(theirs)",
                    (_, "uniq_state(x)") => "hll_union_agg(theirs)",
                    _ => "tdigest(theirs)",
                };
                let folding = format!("SELECT {fold} IS NULL FROM bench.made");
                let counting = "SELECT count(theirs) FROM bench.made";
                let ms = best(c, b.runs.max(5), &[&merging, &reading, &folding, counting])?;
                println!("  {expression:<34} n = {n:<6} {bytes:>7} B   merge {:>8.2} µs   fold {:>8.2} µs", ms[0] - ms[1], ms[2] - ms[3]);
            }
        }
    }
    println!("\nError of 1,000 groups of {} values, RMS:", rows / 1000);
    for expression in ["uniq(x)", "hll_cardinality(hll_add_agg(hll_hash_bigint(x)))"] {
        let sql = format!("SELECT round((100 * sqrt(avg((u / n - 1) ^ 2)))::numeric, 2) || ' %' FROM (SELECT {expression}::float8 AS u, count(x)::float8 AS n FROM bench.v GROUP BY g) s");
        let said = if known(c, &sql)? { db::value(c, &sql).map_err(text)? } else { "this server has none".into() };
        println!("  {expression:<56} {said}");
    }
    Ok(())
}

/// What share of the ten most frequent values is found.
fn recall(c: &mut Client) -> Result<(), String> {
    let frequent = "SELECT k FROM (SELECT k, count(*) AS n FROM bench.v GROUP BY k ORDER BY n DESC, k LIMIT 10) s";
    let found = "SELECT value->>'value' FROM (SELECT top_k(k, 10) AS t FROM bench.v) s, jsonb_array_elements(t) value";
    let sql = format!("SELECT count(*) || ' of 10' FROM ({found} INTERSECT {frequent}) s");
    let said = if known(c, &sql)? { db::value(c, &sql).map_err(text)? } else { "this server has none".into() };
    println!("\ntop_k(k, 10) finds of the most frequent: {said}");
    Ok(())
}

fn make(b: &Bench, c: &mut Client) -> Result<u64, String> {
    let rows = 5 * b.rows as u64;
    println!("\nThe states in SQL, over {rows} rows:");
    for name in ["hll", "tdigest"] {
        match db::value(c, &format!("SELECT default_version FROM pg_available_extensions WHERE name = '{name}'")).map_err(text)? {
            version if version.is_empty() => println!("  {name} is not installed here: nothing to compare with"),
            version => {
                run(c, &format!("CREATE EXTENSION IF NOT EXISTS {name}"))?;
                println!("  beside {name} {version}");
            }
        }
    }
    run(c, "DROP SCHEMA IF EXISTS bench CASCADE; CREATE SCHEMA bench; SELECT setseed(0.5)")?;
    run(c, "CREATE UNLOGGED TABLE bench.v (g int, r int, x bigint, n numeric(12,2), f float8, k text, d interval)")?;
    run(
        c,
        &format!(
            "INSERT INTO bench.v SELECT i % 1000, i / 1000 + 1, hashint8extended(i, 0), (i % 100000) / 100.0,
                exp(1.2 * sqrt(-2 * ln(1 - random())) * cos(6.283185307 * random())), 'k' || floor(100000 ^ random()), i % 1000 * interval '1 second'
             FROM generate_series(0::bigint, {rows} - 1) i"
        ),
    )?;
    run(c, "VACUUM ANALYZE bench.v")?;
    let mut columns = vec![];
    for (name, expression) in STATES {
        if known(c, &format!("SELECT {expression} FROM bench.v"))? {
            columns.push((name, format!("{expression} AS {name}")));
        }
    }
    let made: Vec<&str> = columns.iter().map(|c| c.1.as_str()).collect();
    run(c, &format!("CREATE UNLOGGED TABLE bench.s AS SELECT (r * 1000 + g) % 100000 AS h, {} FROM bench.v GROUP BY 1", made.join(", ")))?;
    for (name, _) in &columns {
        run(c, &format!("CREATE UNLOGGED TABLE bench.{name} AS SELECT h, {name} FROM bench.s"))?;
        run(c, &format!("VACUUM ANALYZE bench.{name}"))?;
    }
    run(c, "DROP TABLE bench.s")?;
    Ok(rows)
}

pub fn states(b: &Bench) -> Result<(), String> {
    let mut c = db::connect("bench states").map_err(text)?;
    let c = &mut c;
    run(c, "SET jit = off; SET work_mem = '256MB'")?;
    let rows = make(b, c)?;
    let one = "SELECT % FROM bench.v";
    for parallel in [false, true] {
        compare(b, c, "Whole statements, ours : PostgreSQL's", one, AGGREGATES, parallel)?;
        compare(b, c, "Whole statements, ours : PostgreSQL's, 1,000 groups", GROUPED, AGGREGATES, parallel)?;
        compare(b, c, "Stored states, 100,000", BARE, MERGES, parallel)?;
    }
    inserts(b, c, rows as f64)?;
    sketches(b, c, rows)?;
    recall(c)
}
