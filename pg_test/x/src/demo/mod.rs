//! `cargo x demo`: a real roll-up kept exact while its source changes, for a stranger to watch.

mod events;
mod flights;
mod show;

use crate::cluster::{Cluster, Options};
use crate::sh::{self, step};
use crate::{provision, sh::bar};
use anyhow::{Context, Result, bail};
use postgres::Client;
use std::time::{Duration, Instant};

const DATABASE: &str = "demo";

/// What the demo tells about: one table, its views, and what happens to them.
pub struct Story {
    pub table: &'static str,
    /// (name, the query that the view answers)
    pub views: Vec<(&'static str, String)>,
    /// Statements that arrive one by one while the roll-up is watched.
    pub live: Vec<String>,
    /// What is watched: few rows, read from a view.
    pub watch: String,
    /// (what it means, the statement)
    pub changes: Vec<(&'static str, String)>,
    /// (what it asks, the same from a view, and from the table)
    pub questions: Vec<(&'static str, String, String)>,
}

pub fn main(args: &[String]) -> Result<bool> {
    let (mut events, mut stop) = (None, false);
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "--stop" => stop = true,
            "--events" => events = Some(rest.next().context("--events wants a number")?.replace([',', '_'], "").parse::<u64>().context("--events wants a number")?),
            other => bail!("demo does not know {other}"),
        }
    }
    let begin = Instant::now();
    println!("== What is needed");
    let server = provision::server(15, "demo")?;
    if stop {
        Cluster::at(&server, "demo", true)?.remove()?;
        println!("The demo's server is stopped and its data removed.");
        return Ok(true);
    }
    // a server of an earlier demo must not run while its library is replaced
    Cluster::at(&server, "demo", true)?.remove()?;
    provision::install_extension(&server, true)?;
    let settings = vec![("shared_buffers", "512MB".to_string()), ("max_wal_size", "4GB".to_string())];
    let cluster = step("a private PostgreSQL 15", || Cluster::create(&server, "demo", Options { preload: true, stay: true, settings }))?;
    let exact = tell(&cluster, events, Duration::from_secs(12))?;
    println!("\nAll of it took {:.0} s. Look around; `cargo x demo --stop` ends the server and removes its data.", begin.elapsed().as_secs_f64());
    println!("\n    psql -h {} -p {} -U postgres {DATABASE}\n", cluster.socket_dir().display(), crate::cluster::PORT);
    Ok(exact)
}

/// The same on a server of the tests, with little data and little waiting.
pub fn smoke(cluster: &Cluster) -> Result<bool> {
    tell(cluster, Some(20_000), Duration::from_secs(2))
}

fn tell(cluster: &Cluster, events: Option<u64>, live_for: Duration) -> Result<bool> {
    cluster.fresh_database(DATABASE)?;
    let mut db = cluster.connect(DATABASE)?;
    db.batch_execute("CREATE EXTENSION pg_tally")?;
    println!("\n== The data");
    let story = match events {
        Some(n) => events::load(&mut db, n)?,
        None => flights::load(&mut db)?,
    };
    db.batch_execute(&format!("VACUUM ANALYZE {}", story.table))?;
    println!("\n== The views");
    for (name, query) in &story.views {
        println!("SELECT tally.create_view('{name}', $$\n{query} $$);");
        step(&format!("{name}, filled"), || Ok(db.execute("SELECT tally.create_view($1, $2)", &[name, query])?))?;
    }
    println!("\n== {} rows arrive, in {} transactions, while the roll-up is read", show::grouped(arriving(&mut db, &story)?), story.live.len());
    live(cluster, &mut db, &story, live_for)?;
    println!("\n== Some rows are changed and deleted");
    for (what, sql) in &story.changes {
        let started = Instant::now();
        let rows = db.execute(sql.as_str(), &[]).with_context(|| sql.clone())?;
        println!("  {what}: {} rows in {:.0} ms", show::grouped(rows), started.elapsed().as_secs_f64() * 1e3);
    }
    println!();
    print!("{}", show::table(&mut db, &story.watch)?);
    println!("\n== Is it exact?");
    let mut exact = verified(&mut db, &story)?;
    let folded: i64 = db.query_one("SELECT tally.compact()", &[])?.get(0);
    println!("  tally.compact() folded {} rows; and now?", show::grouped(folded as u64));
    exact &= verified(&mut db, &story)?;
    println!("\n== How long does it take to ask? (median of five)");
    // what autovacuum does within a minute, for the table and for the views
    db.batch_execute("VACUUM ANALYZE")?;
    for (what, rollup, raw) in &story.questions {
        let (fast, slow) = (median(&mut db, rollup)?, median(&mut db, raw)?);
        println!("  {what}: the roll-up {fast:.1} ms, the raw table {slow:.1} ms, {:.1} times as long", slow / fast);
    }
    println!("\n{}", if exact { "Every view is exactly what its query gives." } else { "A VIEW IS NOT WHAT ITS QUERY GIVES." });
    Ok(exact)
}

fn arriving(db: &mut Client, story: &Story) -> Result<u64> {
    let rows: i64 = db.query_one(&format!("SELECT count(*) FROM {}_arriving", story.table), &[])?.get(0);
    Ok(rows as u64)
}

/// One connection writes, another reads.
fn live(cluster: &Cluster, db: &mut Client, story: &Story, live_for: Duration) -> Result<()> {
    let mut writer = cluster.connect(DATABASE)?;
    let statements = story.live.clone();
    let pause = live_for / statements.len().max(1) as u32;
    let writing = std::thread::spawn(move || -> Result<Duration> {
        let mut busy = Duration::ZERO;
        for sql in &statements {
            let started = Instant::now();
            writer.execute(sql.as_str(), &[]).with_context(|| sql.clone())?;
            busy += started.elapsed();
            std::thread::sleep(pause.saturating_sub(started.elapsed()));
        }
        Ok(busy)
    });
    let mut screen = show::Screen::default();
    loop {
        let done = writing.is_finished();
        screen.draw(&show::table(db, &story.watch)?);
        if done {
            break;
        }
        std::thread::sleep(Duration::from_millis(if sh::on_terminal() { 250 } else { 2000 }).min(live_for));
    }
    let busy = writing.join().map_err(|_| anyhow::anyhow!("the writer panicked"))??;
    let each = busy.as_secs_f64() * 1e3 / story.live.len().max(1) as f64;
    println!("  a transaction took {each:.1} ms on average, its share of the views included");
    Ok(())
}

fn verified(db: &mut Client, story: &Story) -> Result<bool> {
    let mut exact = true;
    for (name, _) in &story.views {
        let started = Instant::now();
        let row = db.query_one("SELECT missing, extra, different FROM tally.verify_view($1)", &[name])?;
        let (missing, extra, different): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
        println!("  tally.verify_view('{name}'): {missing} missing, {extra} extra, {different} different ({:.1} s)", started.elapsed().as_secs_f64());
        exact &= missing + extra + different == 0;
    }
    for (what, rollup, raw) in &story.questions {
        let (rollup, raw) = (rollup.trim_end(), raw.trim_end());
        let sql = format!(
            "SELECT (SELECT count(*) FROM ({rollup}) x), (SELECT count(*) FROM (({rollup}) EXCEPT ALL ({raw})) x), (SELECT count(*) FROM (({raw}) EXCEPT ALL ({rollup})) x)"
        );
        let row = db.query_one(&sql, &[]).with_context(|| sql.clone())?;
        let (all, extra, missing): (i64, i64, i64) = (row.get(0), row.get(1), row.get(2));
        println!("  {what}: {} rows from the roll-up, EXCEPT ALL against recomputation: {extra} and {missing}", show::grouped(all as u64));
        exact &= all > 0 && extra + missing == 0;
    }
    Ok(exact)
}

fn median(db: &mut Client, sql: &str) -> Result<f64> {
    let mut times = Vec::new();
    for _ in 0..5 {
        let started = Instant::now();
        db.simple_query(sql)?;
        times.push(started.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[times.len() / 2])
}

/// Runs statements that each do a part of something long, with a bar.
fn in_parts(db: &mut Client, what: &str, statements: &[(String, u64)]) -> Result<()> {
    let total: u64 = statements.iter().map(|s| s.1).sum();
    let started = Instant::now();
    let bar = bar(what, total);
    for (sql, rows) in statements {
        db.batch_execute(sql).with_context(|| sql.clone())?;
        bar.inc(*rows);
    }
    bar.finish_and_clear();
    println!("  {what}: {} rows in {:.1} s", show::grouped(total), started.elapsed().as_secs_f64());
    Ok(())
}
