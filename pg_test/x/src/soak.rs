//! `cargo x soak`: single-row writers for minutes on end beside the worker. Pending rows stay few, delta's files stay small, writers stay
//! as fast as they were, and the views stay exact.

use crate::cluster::{Cluster, Options};
use crate::{provision, sh};
use anyhow::{Context, Result, bail, ensure};
use postgres::Client;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const WRITERS: &str = "8";
/// What a view may have pending at any time: so many rows, and what the writers write in so many seconds.
const MOST_PENDING: (i64, f64) = (2_000, 10.0);
/// What delta's file may have grown to since the first minutes.
const MOST_GROWTH: f64 = 1.5;
/// What the last minutes' throughput must be of the first minutes', on a machine that does other things too.
const LEAST_THROUGHPUT: f64 = 0.7;

const TABLES: &str = "
    CREATE TABLE events (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ts timestamptz NOT NULL DEFAULT clock_timestamp(), kind int, user_id int, amount numeric);
    CREATE EXTENSION pg_tally";
const VIEWS: [(&str, &str); 3] = [
    ("by_minute", "SELECT date_bin('1 minute', ts, 'epoch') AS minute, kind, count(*) AS n, sum(amount) AS s, uniq(user_id) AS users FROM events GROUP BY 1, 2"),
    ("by_hour", "SELECT date_bin('1 hour', ts, 'epoch') AS hour, min(amount) AS least, max(amount) AS most, avg(amount) AS mean FROM events GROUP BY 1"),
    ("by_user", "SELECT user_id, count(*) AS n, count(DISTINCT kind) AS kinds, max(ts) AS last FROM events GROUP BY 1"),
];
/// One row in twenty is changed later, in a column that min and max of by_hour look at as well.
const SCRIPT: &str = "\\set kind random(1, 50)
\\set who random_zipfian(1, 20000, 1.1)
\\set amount random(100, 100000)
\\set change random(1, 20)
\\if :change = 1
UPDATE events SET amount = amount + 0.01 WHERE id = (SELECT max(id) - :kind * 10 FROM events);
\\else
INSERT INTO events (kind, user_id, amount) VALUES (:kind, :who, :amount / 100.0);
\\endif
";

pub fn main(args: &[String]) -> Result<bool> {
    let (mut major, mut minutes) = (15u32, 10u64);
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let value = rest.next().with_context(|| format!("{arg} wants a value"))?.parse::<u64>().with_context(|| format!("{arg} wants a number"))?;
        match arg.as_str() {
            "--pg" => major = value.try_into()?,
            "--minutes" => minutes = value.max(3),
            other => bail!("soak does not know {other}"),
        }
    }
    let server = provision::server(major, "perf")?;
    provision::install_extension(&server, true)?;
    let settings = vec![("shared_buffers", "512MB".to_string()), ("max_wal_size", "4GB".to_string()), ("autovacuum_naptime", "20s".to_string())];
    let cluster = Cluster::create(&server, "soak", Options { preload: true, settings, ..Options::default() })?;
    run(&cluster, minutes)
}

fn run(cluster: &Cluster, minutes: u64) -> Result<bool> {
    cluster.fresh_database("soak")?;
    let mut c = cluster.connect("soak")?;
    c.batch_execute(TABLES)?;
    for (view, query) in VIEWS {
        c.execute("SELECT tally.create_view($1, $2)", &[&view, &query])?;
    }
    let mut writers = Writers(pgbench(cluster, minutes * 60)?);
    println!("{WRITERS} writers of single rows, {} views, {minutes} minutes", VIEWS.len());
    println!("  minute | rows/s | most pending: {} | delta, kB: the same | delta rows folded | verify_view", VIEWS.map(|v| v.0).join(", "));
    let all = (1..=minutes).map(|minute| watch(&mut c, minute)).collect::<Result<Vec<Minute>>>()?;
    let ended = writers.0.wait()?;
    ensure!(ended.success(), "pgbench failed");
    Ok(judge(&all))
}

struct Writers(Child);

impl Drop for Writers {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn pgbench(cluster: &Cluster, seconds: u64) -> Result<Child> {
    let file = sh::base()?.join("soak.sql");
    std::fs::write(&file, SCRIPT)?;
    let mut pgbench = Command::new(cluster.server.bin("pgbench"));
    pgbench.args(["-n", "-c", WRITERS, "-j", "2", "-M", "prepared", "-T", &seconds.to_string(), "-f"]).arg(&file);
    cluster.aim(&mut pgbench, "soak").stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().context("starting pgbench")
}

/// What was seen in a minute.
struct Minute {
    rows_per_second: f64,
    most_pending: [i64; 3],
    largest: [i64; 3],
    exact: bool,
}

fn written(c: &mut Client) -> Result<i64> {
    Ok(c.query_one("SELECT n_tup_ins + n_tup_upd FROM pg_stat_user_tables WHERE relname = 'events'", &[])?.get(0))
}

fn watch(c: &mut Client, number: u64) -> Result<Minute> {
    let (began, before) = (Instant::now(), written(c)?);
    let mut minute = Minute { rows_per_second: 0.0, most_pending: [0; 3], largest: [0; 3], exact: true };
    let deltas: Vec<String> =
        c.query("SELECT r.delta::regclass::text FROM tally.registry r ORDER BY r.id", &[])?.iter().map(|r| r.get(0)).collect();
    while began.elapsed() < Duration::from_secs(58) {
        for (i, delta) in deltas.iter().enumerate() {
            let row = c.query_one(&format!("SELECT count(*), pg_relation_size('{delta}') / 1024 FROM {delta}"), &[])?;
            minute.most_pending[i] = minute.most_pending[i].max(row.get(0));
            minute.largest[i] = minute.largest[i].max(row.get(1));
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    minute.rows_per_second = (written(c)? - before) as f64 / began.elapsed().as_secs_f64();
    let mut verified = vec![];
    for (view, _) in VIEWS {
        let row = c.query_one("SELECT missing, extra, different FROM tally.verify_view($1)", &[&view])?;
        let found = [0, 1, 2].map(|i| row.get::<_, i64>(i));
        minute.exact &= found == [0; 3];
        verified.push(format!("{found:?}"));
    }
    let folded: i64 = c.query_one("SELECT coalesce(sum(rows_read), 0)::bigint FROM tally.log WHERE kind = 'compaction' AND status = 'ok'", &[])?.get(0);
    println!(
        "  {number:>6} | {:>6.0} | {:?} | {:?} | {folded} | {}",
        minute.rows_per_second,
        minute.most_pending,
        minute.largest,
        verified.join(" ")
    );
    while began.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(minute)
}

/// The first minute warms up.
fn judge(all: &[Minute]) -> bool {
    let mut good = true;
    let mut check = |what: &str, holds: bool| {
        println!("  {}: {what}", if holds { "good" } else { "NOT SO" });
        good &= holds;
    };
    let rest = &all[1..];
    let (early, late) = rest.split_at(rest.len() / 2);
    let pending = all.iter().flat_map(|m| m.most_pending).max().unwrap_or(0);
    let fastest = all.iter().map(|m| m.rows_per_second).fold(0.0, f64::max);
    // an update is a row that goes and a row that comes, often of two groups
    let bound = MOST_PENDING.0 + (MOST_PENDING.1 * fastest) as i64;
    check(&format!("never more than {bound} rows pending, which is {} s of writing (most: {pending})", MOST_PENDING.1), pending <= bound);
    for (i, (view, _)) in VIEWS.iter().enumerate() {
        let largest = |of: &[Minute]| of.iter().map(|m| m.largest[i]).max().unwrap_or(0);
        let (before, after) = (largest(early), largest(late));
        check(&format!("delta of {view} stays as it was ({before} kB, then {after} kB)"), after as f64 <= before as f64 * MOST_GROWTH);
    }
    let mean = |of: &[Minute]| of.iter().map(|m| m.rows_per_second).sum::<f64>() / of.len() as f64;
    let (before, after) = (mean(early), mean(late));
    check(&format!("writers are as fast as before ({before:.0} rows/s, then {after:.0})"), after >= before * LEAST_THROUGHPUT);
    check("verify_view is clean every minute", all.iter().all(|m| m.exact));
    good
}
