//! `sessionize` beside what people write by hand, over rows that an index gives in order; and the memory that the backend takes.

use super::states::verdict;
use super::{Bench, run, text};
use crate::db;
use postgres::Client;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

const OURS: &str = "SELECT sum(s) FROM (SELECT sessionize(t) OVER (PARTITION BY u ORDER BY t) AS s FROM bench.e%) q";
const BY_HAND: &str = "SELECT sum(s) FROM (SELECT sum(opens) OVER (PARTITION BY u ORDER BY t) AS s FROM \
    (SELECT u, t, ((t - lag(t) OVER (PARTITION BY u ORDER BY t) < '30 minutes') IS NOT TRUE)::int AS opens FROM bench.e%) p) q";
/// The same for who knows that equal times cost a look ahead.
const BY_HAND_ROWS: &str = "SELECT sum(s) FROM (SELECT sum(opens) OVER (PARTITION BY u ORDER BY t ROWS UNBOUNDED PRECEDING) AS s FROM \
    (SELECT u, t, ((t - lag(t) OVER (PARTITION BY u ORDER BY t) < '30 minutes') IS NOT TRUE)::int AS opens FROM bench.e%) p) q";

const GOAL: f64 = 0.6;

/// Kilobytes of its own that a process has.
fn private(pid: &str) -> Result<u64, String> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).map_err(|e| format!("/proc/{pid}/status: {e}"))?;
    let line = status.lines().find_map(|l| l.strip_prefix("RssAnon:")).ok_or("the kernel does not say what memory a process has")?;
    line.trim().trim_end_matches(" kB").parse().map_err(|e| format!("{line}: {e}"))
}

/// Milliseconds, the most kilobytes above those at the beginning, and the answer, of a statement in a session of its own.
fn measured(sql: &str) -> Result<(f64, u64, String), String> {
    let mut c = session()?;
    let pid = db::value(&mut c, "SELECT pg_backend_pid()").map_err(text)?;
    // plans and catalogs are not what is measured
    run(&mut c, &format!("EXPLAIN {sql}"))?;
    let (before, done) = (private(&pid)?, AtomicBool::new(false));
    std::thread::scope(|scope| {
        let watch = scope.spawn(|| {
            let mut most = before;
            while !done.load(Relaxed) {
                most = most.max(private(&pid).unwrap_or(0));
                std::thread::sleep(Duration::from_millis(5));
            }
            most - before
        });
        let start = Instant::now();
        let answer = db::value(&mut c, sql).map_err(|e| format!("{}\n  in: {sql}", text(e)));
        let ms = start.elapsed().as_secs_f64() * 1000.0;
        done.store(true, Relaxed);
        let most = watch.join().map_err(|_| "nobody has watched the memory".to_string())?;
        Ok((ms, most, answer?))
    })
}

fn session() -> Result<Client, String> {
    let mut c = db::connect("bench sessions").map_err(text)?;
    run(&mut c, "SET jit = off; SET max_parallel_workers_per_gather = 0; SET enable_sort = off; SET enable_seqscan = off; SET enable_bitmapscan = off")?;
    Ok(c)
}

pub fn sessions(b: &Bench) -> Result<(), String> {
    let mut c = session()?;
    run(&mut c, "CREATE SCHEMA IF NOT EXISTS bench")?;
    let sizes = [("_tenth", b.rows as u64), ("", b.rows as u64 * 10)];
    for (name, rows) in sizes {
        run(
            &mut c,
            &format!(
                "DROP TABLE IF EXISTS bench.e{name}; CREATE UNLOGGED TABLE bench.e{name} (u bigint, t timestamptz);
                 INSERT INTO bench.e{name} SELECT i / 100, to_timestamp(1.7e9 + i % 100 * 1000 + i * 7919 % 1801) FROM generate_series(0::bigint, {rows} - 1) i;
                 CREATE INDEX ON bench.e{name} (u, t)"
            ),
        )?;
        run(&mut c, &format!("VACUUM ANALYZE bench.e{name}"))?;
    }
    println!("\nsessionize over rows in order, 100 of each user; best of interleaved rounds, memory that the backend takes for it:");
    for sql in [OURS, BY_HAND, BY_HAND_ROWS] {
        println!("  {}", sql.replace('%', ""));
    }
    for (name, rows) in sizes {
        let statements = [OURS, BY_HAND, BY_HAND_ROWS].map(|sql| sql.replace('%', name));
        let (mut best, mut most, mut answers) = ([f64::INFINITY; 3], [0; 3], vec![]);
        for _ in 0..b.runs.min(3) {
            for (i, sql) in statements.iter().enumerate() {
                let (ms, kb, answer) = measured(sql)?;
                best[i] = best[i].min(ms);
                most[i] = most[i].max(kb);
                answers.push(answer);
            }
        }
        if answers.iter().any(|a| *a != answers[0]) {
            return Err(format!("the statements do not agree: {answers:?}"));
        }
        for (i, what) in ["sessionize", "lag() and sum()", "lag() and sum() over ROWS"].into_iter().enumerate() {
            let ratio = best[0] / best[i];
            let beside = if i == 0 { String::new() } else { format!("   ratio {ratio:.3}{}", verdict(ratio, Some(GOAL))) };
            println!("  {rows:>9} rows   {what:<26} {:>9.1} ms {:>8} kB{beside}", best[i], most[i]);
        }
    }
    let scan = measured("SELECT count(t) FROM bench.e")?.0;
    println!("  {:>9} rows   {:<26} {scan:>9.1} ms", sizes[1].1, "count(t), below all of them");
    Ok(())
}
