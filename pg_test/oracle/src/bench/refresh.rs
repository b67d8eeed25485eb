//! Refreshing a view of a million rows of which one in a hundred has changed, beside PostgreSQL's materialized views: time, and bytes of
//! WAL, right after a checkpoint, when every page that is touched is logged whole, and later.

use super::{Bench, run, table, text, verify};
use crate::db;
use postgres::Client;
use std::time::Instant;

const VARIANTS: [(&str, &str); 3] = [
    ("REFRESH … CONCURRENTLY", "REFRESH MATERIALIZED VIEW CONCURRENTLY bench.concurrent"),
    ("REFRESH", "REFRESH MATERIALIZED VIEW bench.plain"),
    ("tally.refresh_view", "SELECT tally.refresh_view('bench.kept')"),
];

/// Milliseconds, and megabytes of WAL.
fn measured(c: &mut Client, sql: &str) -> Result<(f64, f64), String> {
    let before = db::value(c, "SELECT pg_current_wal_insert_lsn()").map_err(text)?;
    let start = Instant::now();
    run(c, sql)?;
    let ms = start.elapsed().as_secs_f64() * 1000.0;
    let bytes = db::value(c, &format!("SELECT pg_current_wal_insert_lsn() - '{before}'")).map_err(text)?;
    Ok((ms, bytes.parse::<f64>().map_err(|e| e.to_string())? / 1e6))
}

fn compare(b: &Bench, c: &mut Client, checkpoint: bool) -> Result<(), String> {
    let (mut ms, mut mb) = (vec![vec![]; 3], vec![vec![]; 3]);
    for n in 0..=b.runs {
        // the same rows each time: later than the checkpoint their pages have been logged
        run(c, "UPDATE bench.src SET x = x + 1 WHERE id % 100 = 7")?;
        run(c, "VACUUM bench.src")?;
        for i in 0..3 {
            let v = (i + n as usize) % 3;
            if checkpoint {
                run(c, "CHECKPOINT")?;
            }
            let (t, w) = measured(c, VARIANTS[v].1)?;
            if n > 0 {
                ms[v].push(t);
                mb[v].push(w);
            }
        }
        // as autovacuum would
        run(c, "VACUUM ANALYZE bench.concurrent")?;
        let rows = db::value(c, "SELECT rows::regclass::text FROM tally.refreshables WHERE view = 'bench.kept'::regclass").map_err(text)?;
        run(c, &format!("VACUUM ANALYZE {rows}"))?;
    }
    println!("  {}:", if checkpoint { "right after a checkpoint" } else { "later than the checkpoint" });
    let names: Vec<&str> = VARIANTS.iter().map(|v| v.0).collect();
    table("ms", &names, &ms);
    table("MB of WAL", &names, &mb);
    Ok(())
}

pub fn refresh(b: &Bench) -> Result<(), String> {
    let mut c = db::connect("bench refresh").map_err(text)?;
    let query = "SELECT id, k, x, at FROM bench.src";
    run(&mut c, "DROP SCHEMA IF EXISTS bench CASCADE; CREATE SCHEMA bench; CREATE TABLE bench.src (id int PRIMARY KEY, k text, x numeric, at timestamptz)")?;
    run(&mut c, &format!("INSERT INTO bench.src SELECT i, md5(i::text), i * 1.5, '2024-01-01Z'::timestamptz + i * interval '1 second' FROM generate_series(1, {}) i", b.rows))?;
    run(&mut c, "VACUUM ANALYZE bench.src")?;
    run(&mut c, &format!("CREATE MATERIALIZED VIEW bench.concurrent AS {query}; CREATE UNIQUE INDEX ON bench.concurrent (id); CREATE MATERIALIZED VIEW bench.plain AS {query}"))?;
    run(&mut c, &format!("SELECT tally.create_view('bench.kept', '{query}', mode => 'refreshable')"))?;
    run(&mut c, "VACUUM ANALYZE bench.concurrent")?;
    println!("\n{query}: {} rows of which 1 % changed", b.rows);
    compare(b, &mut c, true)?;
    compare(b, &mut c, false)?;
    verify(&mut c, "bench.kept")
}
