//! The upkeep process: pending rows are folded, retention is enforced, and a process or server that is killed meanwhile leaves nothing wrong.

use super::worker::{connected, nothing_stuck, started};
use super::{Random, View, same, until};
use crate::cluster::{self, Cluster, Stop};
use anyhow::{Context, Result, ensure};
use postgres::Client;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// `counted` has every row that the views have to count, for as long as they show it.
const TABLES: &str = "CREATE EXTENSION pg_tally;
    CREATE TABLE src (ts timestamptz NOT NULL, k int, v numeric); CREATE TABLE counted (LIKE src);
    CREATE INDEX ON src (ts)";
const VIEWS: &[View] = &[
    ("hours", "SELECT date_bin('1 hour', ts, 'epoch') AS hour, k, count(*) AS n, sum(v) AS s, uniq(v) AS u FROM src GROUP BY 1, 2"),
    ("least", "SELECT date_bin('1 hour', ts, 'epoch') AS hour, min(v) AS least, count(DISTINCT k) AS kinds FROM src GROUP BY 1"),
];
/// Over `counted`, what the views must be.
const TRUTH: &[View] = &[
    ("hours", "SELECT date_bin('1 hour', ts, 'epoch') AS hour, k, count(*) AS n, sum(v) AS s, uniq(v) AS u FROM counted GROUP BY 1, 2"),
    ("least", "SELECT date_bin('1 hour', ts, 'epoch') AS hour, min(v) AS least, count(DISTINCT k) AS kinds FROM counted GROUP BY 1"),
];
/// What a killed process leaves in the log.
const LOST: &str = "the process that did it is gone";

fn made(c: &Cluster, name: &str, keep: &str) -> Result<Client> {
    c.fresh_database(name)?;
    let mut client = super::connect(c, name)?;
    client.batch_execute(TABLES)?;
    for (view, query) in VIEWS {
        client.execute("SELECT tally.create_view($1, $2)", &[view, query])?;
    }
    client.execute(&format!("SELECT tally.set_source_retention('src', 'ts', '{keep}')"), &[])?;
    Ok(client)
}

/// Some rows of today, and some that the source will not keep.
fn write(c: &mut Client, rows: u64, seed: u64) -> Result<()> {
    let sql = format!(
        "SELECT setseed(({seed} % 1000) / 1000.0);
         WITH new AS MATERIALIZED (SELECT now() - random() * interval '8 days' AS ts, (random() * 5)::int AS k, (random() * 1000)::int AS v FROM generate_series(1, {rows})),
           s AS (INSERT INTO src SELECT * FROM new)
         INSERT INTO counted SELECT * FROM new"
    );
    Ok(c.batch_execute(&sql)?)
}

fn pending(c: &mut Client) -> Result<i64> {
    Ok(c.query_one("SELECT sum(pending)::bigint FROM tally.views", &[])?.get(0))
}

/// What was written until then and is too old since. Rows grow old all the time: of those that have since then, some always wait for the next look.
fn old_rows(c: &mut Client, then: SystemTime) -> Result<i64> {
    Ok(c.query_one("SELECT count(*) FROM src WHERE ts < $1::timestamptz - interval '4 days'", &[&then])?.get(0))
}

fn entries(c: &mut Client, kind: &str, status: &str) -> Result<i64> {
    Ok(c.query_one("SELECT count(*) FROM tally.view_log WHERE kind = $1 AND status = $2", &[&kind, &status])?.get(0))
}

pub fn looks_after(nodes: &mut Cluster) -> Result<()> {
    let mut c = made(nodes, "upkeep", "4 days")?;
    for n in 0..40 {
        write(&mut c, 200, n)?;
    }
    until("pending rows to be folded", || Ok(pending(&mut c)? == 0))?;
    ensure!(entries(&mut c, "compaction", "ok")? >= 2, "the log does not tell of compactions");
    same(&mut c, TRUTH)?;
    let cost = "SELECT bool_and(statements > 0 AND mean_statement_time > 0) FROM tally.views WHERE mode = 'incremental'";
    ensure!(c.query_one(cost, &[])?.get::<_, bool>(0), "statements on the source are not counted");
    // a new process looks at what is too old at once
    let then = SystemTime::now();
    let upkeep = started(&mut c, "pg_tally upkeep")?;
    c.execute("SELECT pg_terminate_backend($1)", &[&upkeep])?;
    until("old rows to go", || Ok(old_rows(&mut c, then)? == 0))?;
    same(&mut c, TRUTH)?;
    until("the log to tell of retention", || Ok(entries(&mut c, "retention", "ok")? > 0))?;
    let vacuumed = "SELECT bool_and(s.vacuum_count > 0) FROM tally.registry r JOIN pg_stat_all_tables s ON s.relid = r.delta";
    for n in 0..40 {
        write(&mut c, 200, n)?;
    }
    until("deltas to be vacuumed", || Ok(c.query_one(vacuumed, &[])?.get(0)))?;
    nothing_stuck(&mut c)
}

/// A view whose filling takes as long as somebody wants it to, and another that is compacted meanwhile.
pub fn fills_apart(nodes: &mut Cluster) -> Result<()> {
    nodes.fresh_database("fills")?;
    let mut c = super::connect(nodes, "fills")?;
    c.batch_execute(
        "CREATE EXTENSION pg_tally;
         CREATE TABLE big (k int, v int); INSERT INTO big SELECT i % 3, i FROM generate_series(1, 100) i;
         CREATE TABLE small (k int, v int);
         CREATE FUNCTION held(v int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
           'BEGIN WHILE NOT pg_try_advisory_xact_lock_shared(7) LOOP PERFORM pg_sleep(0.02); END LOOP; RETURN v; END'",
    )?;
    let mut holder = super::connect(nodes, "fills")?;
    holder.batch_execute("SELECT pg_advisory_lock(7)")?;
    c.batch_execute("SELECT tally.create_view('slow', 'SELECT k, sum(held(v)) AS s FROM big GROUP BY k', with_data => false)")?;
    c.batch_execute("SELECT tally.create_view('quick', 'SELECT k, sum(v) AS s FROM small GROUP BY k')")?;
    let shown = "SELECT count(*) FROM tally.view_progress p JOIN pg_stat_activity a USING (pid)
                  WHERE p.view = 'slow'::regclass AND p.kind = 'backfill' AND p.started < now() AND a.backend_type = 'pg_tally backfill' AND a.query = 'filling public.slow'";
    let filling = |c: &mut Client| until("the view to be filled", || Ok(c.query_one(shown, &[])?.get::<_, i64>(0) == 1));
    let quick: &[View] = &[("quick", "SELECT k, sum(v) AS s FROM small GROUP BY k")];
    let pending = "SELECT pending FROM tally.views WHERE view = 'quick'::regclass";
    let compacted = |c: &mut Client| -> Result<()> {
        for _ in 0..2 {
            c.batch_execute("INSERT INTO small SELECT i, i FROM generate_series(1, 3000) i")?;
            until("the other view to be compacted", || Ok(c.query_one(pending, &[])?.get::<_, i64>(0) == 0))?;
        }
        same(c, quick)
    };
    filling(&mut c)?;
    compacted(&mut c)?;
    ensure!(c.query_one(shown, &[])?.get::<_, i64>(0) == 1, "the view was not filled all the while");
    // one that is ended is written down as failed, and tried again
    c.batch_execute("SELECT pg_terminate_backend(pid) FROM tally.view_progress WHERE view = 'slow'::regclass")?;
    until("the log to tell of it", || Ok(entries(&mut c, "backfill", "failed")? == 1))?;
    let problem = "SELECT count(*) FROM tally.health() WHERE view = 'slow'::regclass AND problem = 'its last backfill failed: ' || $1";
    ensure!(c.query_one(problem, &[&LOST])?.get::<_, i64>(0) == 1, "tally.health() does not tell of it");
    filling(&mut c)?;
    // the upkeep process that comes next leaves alone what is still under way
    let upkeep = started(&mut c, "pg_tally upkeep")?;
    c.execute("SELECT pg_terminate_backend($1)", &[&upkeep])?;
    until("the end of the upkeep process", || Ok(c.query("SELECT FROM pg_stat_activity WHERE pid = $1", &[&upkeep])?.is_empty()))?;
    started(&mut c, "pg_tally upkeep")?;
    compacted(&mut c)?;
    ensure!(entries(&mut c, "backfill", "running")? == 1 && entries(&mut c, "backfill", "failed")? == 1, "a backfill that goes on was given up");
    // what VACUUM does is shown too
    let delta: String = c.query_one("SELECT delta::regclass::text FROM tally.registry WHERE view = 'quick'::regclass", &[])?.get(0);
    let mut vacuum = super::connect(nodes, "fills")?;
    let slowly = std::thread::spawn(move || vacuum.batch_execute("SET vacuum_cost_delay = 100; SET vacuum_cost_limit = 1;").and_then(|()| vacuum.batch_execute(&format!("VACUUM {delta}"))));
    let vacuuming = "SELECT count(*) FROM tally.view_progress WHERE view = 'quick'::regclass AND kind = 'vacuum' AND phase <> 'running' AND pid IS NOT NULL AND started < now()";
    until("VACUUM to be shown", || Ok(c.query_one(vacuuming, &[])?.get::<_, i64>(0) == 1 || slowly.is_finished()))?;
    let seen = !slowly.is_finished();
    c.batch_execute("SELECT pg_cancel_backend(pid) FROM tally.view_progress WHERE kind = 'vacuum'")?;
    let _ = slowly.join();
    ensure!(seen, "VACUUM is not shown");
    holder.batch_execute("SELECT pg_advisory_unlock(7)")?;
    until("the view to be filled", || Ok(entries(&mut c, "backfill", "ok")? == 1))?;
    let row = c.query_one("SELECT rows_read, rows_written FROM tally.view_log WHERE kind = 'backfill' AND status = 'ok'", &[])?;
    ensure!(row.get::<_, i64>(0) == 100 && row.get::<_, i64>(1) == 3, "the log tells of {} rows read and {} written", row.get::<_, i64>(0), row.get::<_, i64>(1));
    same(&mut c, &[("slow", "SELECT k, sum(v) AS s FROM big GROUP BY k")])?;
    let status: String = c.query_one("SELECT status FROM tally.views WHERE view = 'slow'::regclass", &[])?.get(0);
    ensure!(status == "ok", "a view that was filled is {status}");
    let problems: i64 = c.query_one("SELECT count(*) FROM tally.health() WHERE view IS NOT NULL", &[])?.get(0);
    ensure!(problems == 0, "tally.health() tells of {problems} problems when all is well");
    nothing_stuck(&mut c)
}

/// A new process looks at all there is, and a view with triggers off cannot be filled: the log is not touched.
pub fn rests(nodes: &mut Cluster) -> Result<()> {
    let mut c = made(nodes, "rests", "4 days")?;
    c.batch_execute("SELECT tally.alter_view('hours', retention => '5 days')")?;
    for n in 0..40 {
        write(&mut c, 200, n)?;
    }
    until("pending rows to be folded", || Ok(pending(&mut c)? == 0))?;
    // who is at the source as VACUUM is holds retention up, but not for as long as it takes until it is looked at again anyway
    let mut holder = connected(nodes, "rests")?;
    holder.batch_execute("BEGIN; LOCK TABLE src IN SHARE UPDATE EXCLUSIVE MODE")?;
    let upkeep = started(&mut c, "pg_tally upkeep")?;
    c.execute("SELECT pg_terminate_backend($1)", &[&upkeep])?;
    for n in 0..2 {
        // the first look at retention is over when rows are folded for the second time
        write(&mut c, 3000, n)?;
        until("pending rows to be folded", || Ok(pending(&mut c)? == 0))?;
    }
    let then = SystemTime::now();
    ensure!(old_rows(&mut c, then)? > 0, "rows went from a table that was locked");
    holder.batch_execute("ROLLBACK")?;
    until("old rows to go", || Ok(old_rows(&mut c, then)? == 0))?;
    c.batch_execute("CREATE TABLE off (k int); SELECT tally.create_view('unfilled', 'SELECT k, count(*) AS n FROM off GROUP BY k', with_data => false)")?;
    until("the view to be filled", || Ok(entries(&mut c, "backfill", "ok")? == 1))?;
    c.batch_execute("ALTER TABLE off DISABLE TRIGGER ALL; DELETE FROM off; INSERT INTO off VALUES (1)")?;
    nothing_stuck(&mut c)?;
    let written = "SELECT last_value FROM pg_sequences WHERE schemaname = 'tally' AND sequencename = 'log_entry_seq'";
    let before: i64 = c.query_one(written, &[])?.get(0);
    drop(c);
    nodes.restart(Stop::Fast)?;
    let mut c = connected(nodes, "rests")?;
    // longer than few pending rows may wait
    let rested = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'pg_tally upkeep' AND datname = 'rests' AND backend_start < clock_timestamp() - interval '12 seconds')";
    until("a new process to have looked at everything", || Ok(c.query_one(rested, &[])?.get(0)))?;
    let after: i64 = c.query_one(written, &[])?.get(0);
    ensure!(before == after, "{} entries were begun for nothing", after - before);
    Ok(())
}

/// So many rounds share a database: all their rows are looked at after every kill.
const ROUNDS_OF_A_DATABASE: u64 = 20;

/// Rounds in which the process that is at it or the server is killed at a random moment of a compaction, of an enforcement of retention, and while a view is filled.
pub fn crashes(nodes: &mut Cluster, rounds: u64, seed: u64) -> Result<()> {
    println!("  seed {seed}");
    let mut random = Random(seed);
    let mut kills = [[0u64; 3]; 2];
    let mut lost = [0i64; 3];
    for first in (1..=rounds).step_by(ROUNDS_OF_A_DATABASE as usize) {
        drop(made(nodes, "crash", "4 days")?);
        let last = rounds.min(first + ROUNDS_OF_A_DATABASE - 1);
        let mut lost_here = [0i64; 3];
        for round in first..=last {
            for (n, (kind, what)) in [("compaction", "compacting %"), ("retention", "enforcing %"), ("backfill", "filling %")].into_iter().enumerate() {
                let when = format!("seed {seed}, round {round}, {kind}");
                let (of_process, then) = crash(nodes, &mut random, what).context(when.clone())?;
                kills[of_process as usize][n] += 1;
                lost_here[n] = recovered(nodes, kind, then).with_context(|| when.clone()).inspect_err(|_| evidence(nodes, &when))?;
            }
        }
        lost.iter_mut().zip(lost_here).for_each(|(all, here)| *all += here);
        let [server, process] = kills.map(|k| format!("{} compactions, {} enforcements of retention and {} backfills", k[0], k[1], k[2]));
        println!("  {last} rounds: the server was killed in {server}, the process in {process}");
    }
    println!("  written down as failed were {} compactions, {} enforcements of retention and {} backfills", lost[0], lost[1], lost[2]);
    ensure!(lost.iter().all(|n| *n > 0) || rounds < 10, "nothing was under way when a process was killed");
    Ok(())
}

/// What the killed one was at is done by the next, and all is as it must be. Gives how many attempts of this kind the log has as lost.
fn recovered(nodes: &mut Cluster, kind: &str, then: SystemTime) -> Result<i64> {
    let mut c = connected(nodes, "crash")?;
    until("pending rows to be folded", || Ok(pending(&mut c)? == 0))?;
    // what holds retention up it looks at again after ten seconds: VACUUM, and each view that is being filled
    ensure!(super::until_soon(Duration::from_secs(45), || Ok(old_rows(&mut c, then)? == 0))?, "old rows stay");
    same(&mut c, TRUTH)?;
    for (view, _) in VIEWS {
        let found = c.query_one("SELECT missing + extra + different FROM tally.verify_view($1)", &[&view])?.get::<_, i64>(0);
        ensure!(found == 0, "verify_view finds {found} groups of {view} wrong");
    }
    nothing_stuck(&mut c)?;
    Ok(c.query_one("SELECT count(*) FROM tally.view_log WHERE kind = $1 AND status = 'failed' AND error = $2", &[&kind, &LOST])?.get(0))
}

/// Who is at what, what the extension says of itself, and the end of the server's log, which the next server of this name would remove.
fn evidence(nodes: &mut Cluster, when: &str) {
    println!("  {when}: what there is to see");
    let locks = "SELECT concat_ws(' | ', l.pid, a.backend_type, a.state, l.locktype, l.relation::regclass, l.objid, l.objsubid, l.mode, l.granted, a.query)
                   FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid) WHERE l.pid <> pg_backend_pid() AND l.locktype NOT IN ('virtualxid', 'transactionid')";
    let log = "SELECT concat_ws(' | ', view, kind, started, finished, rows_read, rows_written, status, error) FROM tally.view_log ORDER BY started DESC LIMIT 30";
    let health = "SELECT concat_ws(' | ', severity, view, problem) FROM tally.health()";
    if let Ok(mut c) = connected(nodes, "crash") {
        for sql in [locks, log, health] {
            match c.query(sql, &[]) {
                Ok(rows) => rows.iter().for_each(|row| println!("    {}", row.get::<_, &str>(0))),
                Err(e) => println!("    {e:#}"),
            }
        }
    }
    println!("{}", crate::sh::tail(&nodes.log(), 120));
}

/// Whether it was the process, and not the server, that was killed; and a time before that, when all was written.
fn crash(nodes: &mut Cluster, random: &mut Random, what: &str) -> Result<(bool, SystemTime)> {
    let mut c = connected(nodes, "crash")?;
    started(&mut c, "pg_tally upkeep")?;
    let (retention, backfill) = (what.starts_with("enforcing"), what.starts_with("filling"));
    write(&mut c, if retention || backfill { 30_000 } else { 4000 }, random.below(u64::MAX))?;
    let then = SystemTime::now();
    if backfill {
        // what came and went with a child, no view can know
        c.batch_execute("CREATE TABLE child () INHERITS (src); DROP TABLE child")?;
    }
    if retention {
        // a new process begins with it
        drop(c);
        nodes.restart(Stop::Fast)?;
        c = connected(nodes, "crash")?;
    }
    let mut at = None;
    let sql = "SELECT pid FROM pg_stat_activity WHERE backend_type IN ('pg_tally upkeep', 'pg_tally backfill') AND state = 'active' AND query LIKE $1";
    let seen = super::until_soon(Duration::from_secs(12), || {
        at = c.query(sql, &[&what])?.first().map(|r| r.get::<_, i32>(0) as u32);
        Ok(at.is_some())
    })?;
    std::thread::sleep(Duration::from_micros(random.below(if retention { 200_000 } else { 30_000 })));
    let process = at.filter(|_| seen && random.below(2) == 0);
    match process {
        Some(process) => {
            cluster::signal("KILL", &[process])?;
            until("the server to notice", || Ok(!Path::new(&format!("/proc/{process}")).exists()))?;
        }
        // as it may have been too quick to be seen
        None => {
            nodes.crash()?;
            nodes.start()?;
        }
    }
    Ok((process.is_some(), then))
}
