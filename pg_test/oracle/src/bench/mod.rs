//! Measurements, paired and interleaved.

pub mod load;
pub mod reads;
pub mod refresh;
pub mod sessions;
pub mod states;
pub mod writers;

use crate::db;
use postgres::Client;

pub struct Bench {
    pub runs: u32,
    pub seconds: u32,
    pub clients: u32,
    pub rows: u32,
    pub groups: u32,
}

/// The source that every benchmark writes, and the view over it: the five-minute roll-up of web events.
pub const COLUMNS: &str = "id bigint GENERATED ALWAYS AS IDENTITY, ts timestamptz NOT NULL, user_id bigint, event text, revenue numeric(18,4)";

pub fn five_minutes(source: &str) -> String {
    format!(
        "SELECT date_bin('5 minutes', ts, 'epoch') AS \"window\", event, sum_state(1) AS hits, uniq_state(user_id) AS uniq_users, sum_state(revenue) AS revenue FROM {source} GROUP BY 1, 2"
    )
}

pub fn text(e: postgres::Error) -> String {
    let (code, t) = db::explain(&e);
    format!("{code}: {t}")
}

pub fn run(c: &mut Client, sql: &str) -> Result<(), String> {
    c.batch_execute(sql).map_err(|e| format!("{}\n  in: {sql}", text(e)))
}

pub fn create_view(c: &mut Client, name: &str, query: &str) -> Result<(), String> {
    run(c, &format!("SELECT tally.create_view('{name}', $q${query}$q$)"))
}

/// Exact, or the figure is worth nothing.
pub fn verify(c: &mut Client, view: &str) -> Result<(), String> {
    let rows = db::rows(c, &format!("SELECT missing, extra, different FROM tally.verify_view('{view}')")).map_err(text)?;
    if rows.iter().flatten().all(|v| v.as_deref() == Some("0")) {
        Ok(())
    } else {
        Err(format!("{view} is wrong after the benchmark: {rows:?}"))
    }
}

pub fn median(values: &[f64]) -> f64 {
    let mut v = values.to_vec();
    v.sort_by(f64::total_cmp);
    match v.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => v[n / 2],
        n => f64::midpoint(v[n / 2 - 1], v[n / 2]),
    }
}

/// Interleaved series: `values[variant][run]`. Prints medians, and the median of each run's ratio to the first variant.
pub fn table(unit: &str, names: &[&str], values: &[Vec<f64>]) -> Vec<f64> {
    let mut out = vec![];
    for (name, v) in names.iter().zip(values) {
        let ratios: Vec<f64> = v.iter().zip(&values[0]).map(|(a, b)| a / b).collect();
        let ratio = median(&ratios);
        let (lo, hi) = ratios.iter().fold((f64::MAX, f64::MIN), |(l, h), r| (l.min(*r), h.max(*r)));
        println!("  {name:<34} {:>12.1} {unit}   ratio {ratio:.3}   ({lo:.3} to {hi:.3} over {} runs)", median(v), v.len());
        out.push(ratio);
    }
    out
}

impl Bench {
    pub fn describe(&self) -> Result<(), String> {
        let mut c = db::connect("bench").map_err(text)?;
        run(&mut c, "CREATE EXTENSION IF NOT EXISTS pg_tally")?;
        println!("{}", db::value(&mut c, "SELECT version()").map_err(text)?);
        let cpus = std::thread::available_parallelism().map_or(0, |n| n.get());
        let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
        println!("{cpus} CPUs, load before: {}", load.trim());
        let names = "'shared_buffers','fsync','synchronous_commit','max_wal_size','work_mem','max_parallel_workers_per_gather','shared_preload_libraries','autovacuum','jit'";
        for r in db::rows(&mut c, &format!("SELECT name || ' = ' || setting FROM pg_settings WHERE name IN ({names}) OR name LIKE 'tally.%' ORDER BY 1")).map_err(text)? {
            println!("  {}", r[0].clone().unwrap_or_default());
        }
        Ok(())
    }
}

/// User and system CPU seconds of one backend so far, in clock ticks of 10 ms.
pub fn cpu_seconds(pid: &str) -> Result<f64, String> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).map_err(|e| format!("/proc/{pid}/stat: {e}"))?;
    let after = stat.rsplit(')').next().unwrap_or_default();
    let f: Vec<&str> = after.split_whitespace().collect();
    let ticks = |i: usize| f.get(i).and_then(|v| v.parse::<f64>().ok()).unwrap_or(0.0);
    Ok((ticks(11) + ticks(12)) / 100.0)
}
