//! The background processes: what is due gets done, whatever happens to the server, its databases and the processes themselves.

use super::upkeep;
use super::{Count, Random, View, client_program, connect, replayed, same, until};
use crate::cluster::{self, Cluster, Options, Stop};
use crate::provision::Server;
use crate::sh;
use anyhow::{Context, Result, ensure};
use postgres::Client;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

const TABLES: &str = "CREATE TABLE src (k int, v numeric); CREATE TABLE flag (slow boolean); INSERT INTO flag VALUES (false)";
/// The second reads the first.
const VIEWS: &[View] = &[
    ("sums", "SELECT k, sum(v) AS s, count(*) AS n FROM src WHERE now() IS NOT NULL GROUP BY k"),
    ("above", "SELECT sum(s) AS s, sum(n) AS n FROM sums WHERE now() IS NOT NULL"),
];
/// Takes a minute if the flag says so.
const SLOW: View = ("slow", "SELECT count(*) AS n, (SELECT pg_sleep(CASE WHEN f.slow THEN 60 ELSE 0 END)::text FROM flag f) AS z FROM src");
const LOST: &str = "the process that refreshed the view ended before it was done";
const ROUNDS: u64 = 5;

pub fn run(server: &Server, count: &mut Count) {
    let mut nodes: Option<Cluster> = None;
    let mut test = |what: &str, f: fn(&mut Cluster) -> Result<()>| {
        let done = sh::step(what, || {
            if nodes.is_none() {
                nodes = Some(create(server)?);
            }
            let nodes = nodes.as_mut().context("just made")?;
            f(nodes)?;
            // what this one left would take the next one's jobs
            emptied(nodes)
        });
        if let Err(e) = &done {
            println!("  {e:#}");
            if let Some(nodes) = nodes.take() {
                println!("  the end of the log:\n{}", sh::tail(&nodes.log(), 12));
            }
        }
        count.add(done.is_ok());
    };
    test("the worker refreshes what is due, in order, and tells what fails", due);
    test("what reads a view that fails is refreshed with what there is, and once more when that is mended", behind);
    test("the acceptance of batches with a worker", accepted);
    test("missed refreshes are caught up once", missed);
    test("tally.worker off and on again", reloaded);
    test("fast shutdown during a refresh", shutdown);
    test("a refresh is cancelled, terminated, overdue", cancelled);
    test("kill -9 of each process", killed);
    test("databases that come and go", databases);
    test("an extension that is older, dropped, made again", extensions);
    test("a standby has no worker until it is promoted", promoted);
    test("no process to spare", exhausted);
    test("kill -9 of the server or of a job during refreshes", |c| crashes(c, ROUNDS, super::seed()));
    test("pending rows are folded, old rows go, files stay small", upkeep::looks_after);
    test("a view is filled while others are compacted", upkeep::fills_apart);
    test("upkeep that finds nothing to do writes nothing", upkeep::rests);
    test("kill -9 of the server or of the process at it during compaction, retention and backfill", |c| upkeep::crashes(c, 2, super::seed()));
}

pub fn create(server: &Server) -> Result<Cluster> {
    Cluster::create(server, &format!("worker{}", server.major), Options { preload: true, settings: settings("64"), ..Options::default() })
}

fn emptied(nodes: &Cluster) -> Result<()> {
    let mut c = connect(nodes, "postgres")?;
    for row in c.query("SELECT quote_ident(datname) FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'", &[])? {
        c.batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", row.get::<_, &str>(0)))?;
    }
    Ok(())
}

fn settings(processes: &str) -> Vec<(&'static str, String)> {
    vec![("fsync", "off".into()), ("timezone", "UTC".into()), ("max_worker_processes", processes.into()), ("wal_retrieve_retry_interval", "50ms".into())]
}

/// A database of this name with the tables and views, refreshed every second.
fn scheduled(c: &Cluster, name: &str, views: &[View]) -> Result<Client> {
    c.fresh_database(name)?;
    let mut client = connect(c, name)?;
    client.batch_execute("CREATE EXTENSION pg_tally")?;
    client.batch_execute(TABLES)?;
    for (view, query) in views {
        client.execute("SELECT tally.create_view($1, $2, schedule => '1 second', mode => 'refreshable')", &[view, query])?;
    }
    Ok(client)
}

fn grow(c: &mut Client, rows: u32) -> Result<()> {
    Ok(c.batch_execute(&format!("INSERT INTO src SELECT i % 7, i FROM generate_series(1, {rows}) i"))?)
}

fn caught_up(c: &mut Client, views: &[View]) -> Result<()> {
    let done = until("the worker to refresh", || Ok(same(c, views).is_ok()));
    done.or_else(|e| same(c, views).context(format!("{e:#}")))
}

/// The process of this sort, of this database.
fn process(c: &mut Client, sort: &str) -> Result<Option<i32>> {
    let sql = "SELECT pid FROM pg_stat_activity WHERE backend_type = $1 AND coalesce(datname, current_database()) = current_database()";
    Ok(c.query(sql, &[&sort])?.first().map(|r| r.get(0)))
}

pub fn started(c: &mut Client, sort: &str) -> Result<i32> {
    let mut found = None;
    until(&format!("the process {sort}"), || {
        found = process(c, sort)?;
        Ok(found.is_some())
    })?;
    found.context("just found")
}

fn ended(c: &mut Client, sort: &str) -> Result<()> {
    until(&format!("the end of the process {sort}"), || Ok(process(c, sort)?.is_none()))
}

/// `tally.worker` is off, and whatever it had under way is over.
fn switched_off(c: &mut Client) -> Result<()> {
    c.batch_execute("ALTER SYSTEM SET tally.worker = off")?;
    c.batch_execute("SELECT pg_reload_conf()")?;
    ["pg_tally worker", "pg_tally upkeep", "pg_tally job"].iter().try_for_each(|sort| ended(c, sort))
}

fn status(c: &mut Client, view: &str) -> Result<(String, Option<String>)> {
    let row = c.query_one("SELECT status, exception FROM tally.view_refreshes WHERE view = $1::text::regclass", &[&view])?;
    Ok((row.get(0), row.get(1)))
}

fn becomes(c: &mut Client, view: &str, wanted: &str) -> Result<()> {
    until(&format!("{view} to be {wanted}"), || Ok(status(c, view)?.0 == wanted))
}

/// The log has a failure of the view with this error.
fn told(c: &mut Client, view: &str, error: &str) -> Result<()> {
    let sql = "SELECT EXISTS (SELECT FROM tally.view_log WHERE view = $1::text::regclass AND kind = 'refresh' AND status = 'failed' AND error = $2)";
    until(&format!("the log to tell of {view}: {error}"), || Ok(c.query_one(sql, &[&view, &error])?.get(0)))
}

/// Nothing is left running when nothing runs.
pub fn nothing_stuck(c: &mut Client) -> Result<()> {
    until("what is under way to end", || {
        Ok(c.query_one(
            "SELECT NOT EXISTS (SELECT FROM tally.log WHERE status = 'running' AND started < now() - interval '3 seconds')
                AND NOT EXISTS (SELECT FROM tally.progress WHERE finished IS NULL AND started < now() - interval '3 seconds')",
            &[],
        )?
        .get(0))
    })
}

fn slow(c: &mut Client, slow: bool) -> Result<()> {
    c.execute("UPDATE flag SET slow = $1", &[&slow])?;
    Ok(())
}

/// From now on, and until one of these is running: one that began before may be about to end.
fn slowly(c: &mut Client) -> Result<()> {
    slow(c, true)?;
    let since: SystemTime = c.query_one("SELECT clock_timestamp()", &[])?.get(0);
    let running = "SELECT EXISTS (SELECT FROM tally.view_progress WHERE view = 'slow'::regclass AND kind = 'refresh' AND started >= $1)";
    until("a slow refresh", || Ok(c.query_one(running, &[&since])?.get(0)))?;
    becomes(c, "slow", "running")
}

fn log_has(c: &Cluster, words: &str) -> Result<bool> {
    Ok(String::from_utf8_lossy(&fs::read(c.log())?).contains(words))
}

pub fn connected(c: &mut Cluster, database: &str) -> Result<Client> {
    let mut client = None;
    until("the server", || {
        client = connect(c, database).ok();
        Ok(client.is_some())
    })?;
    client.context("just connected")
}

// ---- the tests ----

fn due(nodes: &mut Cluster) -> Result<()> {
    let mut c = scheduled(nodes, "due", VIEWS)?;
    for sort in ["pg_tally launcher", "pg_tally worker", "pg_tally upkeep"] {
        started(&mut c, sort)?;
    }
    for rows in [10, 100, 1000] {
        grow(&mut c, rows)?;
        caught_up(&mut c, VIEWS)?;
    }
    // a view that fails keeps its rows, the others go on
    c.execute("SELECT tally.create_view('fragile', 'SELECT k, sum(1 / k) AS s FROM src WHERE k > 0 OR v < 0 GROUP BY k', schedule => '1 second')", &[])?;
    c.batch_execute("INSERT INTO src VALUES (0, -1)")?;
    becomes(&mut c, "fragile", "failed")?;
    told(&mut c, "fragile", "division by zero")?;
    until("the log file to tell", || log_has(nodes, "refresh of view \"public.fragile\" failed"))?;
    caught_up(&mut c, VIEWS)?;
    let rows: i64 = c.query_one("SELECT count(*) FROM fragile", &[])?.get(0);
    ensure!(rows == 6, "a view that failed has {rows} rows instead of the 6 it had");
    c.batch_execute("DELETE FROM src WHERE v < 0")?;
    becomes(&mut c, "fragile", "ok")?;
    // what waits for another never begins while that one is at work
    let bad = "SELECT count(*) FROM tally.view_log a JOIN tally.view_log b ON a.view = 'above'::regclass AND b.view = 'sums'::regclass AND a.started > b.started AND a.started < b.finished";
    let bad: i64 = c.query_one(bad, &[])?.get(0);
    ensure!(bad == 0, "{bad} refreshes began during one of a view that they read");
    c.batch_execute("SELECT tally.alter_view('sums', paused => true)")?;
    until("the last refresh", || Ok(status(&mut c, "sums")?.0 == "paused"))?;
    grow(&mut c, 5)?;
    let before: i64 = c.query_one("SELECT sum(n)::bigint FROM sums", &[])?.get(0);
    let last = "SELECT last_success_time::text FROM tally.view_refreshes WHERE view = 'above'::regclass";
    let at: String = c.query_one(last, &[])?.get(0);
    until("another refresh of the view above", || Ok(c.query_one(last, &[])?.get::<_, &str>(0) != at))?;
    let after: i64 = c.query_one("SELECT sum(n)::bigint FROM sums", &[])?.get(0);
    ensure!(before == after, "a paused view was refreshed");
    c.batch_execute("SELECT tally.alter_view('sums', paused => false)")?;
    caught_up(&mut c, VIEWS)?;
    nothing_stuck(&mut c)
}

/// Views that read one which fails, on a schedule so long that nothing but its recovery brings them on.
fn behind(nodes: &mut Cluster) -> Result<()> {
    let chain: &[View] = &[
        ("fragile", "SELECT k, sum(1 / k) AS s, count(*) AS n FROM src WHERE now() IS NOT NULL GROUP BY k"),
        ("upon", "SELECT sum(n) AS n FROM fragile WHERE now() IS NOT NULL"),
        ("top", "SELECT max(n) AS n FROM upon WHERE now() IS NOT NULL"),
    ];
    let mut c = scheduled(nodes, "behind", chain)?;
    for (view, _) in chain {
        c.execute("SELECT tally.alter_view($1, schedule => '1 day')", &[view])?;
    }
    switched_off(&mut c)?;
    c.batch_execute("UPDATE tally.progress SET satisfied = now() - interval '2 days', started = now() - interval '2 days', finished = now() - interval '2 days'")?;
    let before: i64 = c.query_one("SELECT coalesce(max(entry), 0) FROM tally.log", &[])?.get(0);
    c.batch_execute("INSERT INTO src VALUES (1, 1), (0, 1)")?;
    c.batch_execute("ALTER SYSTEM RESET tally.worker")?;
    c.batch_execute("SELECT pg_reload_conf()")?;
    let refreshed = |c: &mut Client, times: i64| -> Result<bool> {
        let sql = "SELECT count(*) FILTER (WHERE v.view = 'upon'::regclass), count(*) FILTER (WHERE v.view = 'top'::regclass)
                     FROM tally.log l JOIN tally.all_views v USING (id) WHERE l.entry > $1 AND l.status = 'ok' AND l.kind = 'refresh'";
        let row = c.query_one(sql, &[&before])?;
        Ok((row.get::<_, i64>(0), row.get::<_, i64>(1)) == (times, times))
    };
    until("those above to be refreshed with what there is", || refreshed(&mut c, 1))?;
    let shown = "SELECT string_agg(status || ' ' || (next_refresh_time > now()), ', ' ORDER BY view::text) FROM tally.view_refreshes WHERE view <> 'fragile'::regclass";
    let shown: String = c.query_one(shown, &[])?.get(0);
    ensure!(shown == "ok true, ok true", "those above are {shown}");
    let wrong: String = c.query_one("SELECT string_agg(view::text || ': ' || problem, ', ') FROM tally.health()", &[])?.get(0);
    ensure!(wrong.starts_with("fragile: its last ") && !wrong.contains(','), "tally.health() says: {wrong}");
    c.batch_execute("UPDATE src SET k = 2 WHERE k = 0")?;
    c.batch_execute("SELECT tally.refresh_view('fragile')")?;
    caught_up(&mut c, chain)?;
    nothing_stuck(&mut c)?;
    ensure!(refreshed(&mut c, 2)?, "those above were refreshed more than twice");
    Ok(())
}

/// The script that runs without a worker elsewhere.
fn accepted(nodes: &mut Cluster) -> Result<()> {
    let mut c = scheduled(nodes, "accepted", &[])?;
    started(&mut c, "pg_tally worker")?;
    let script = sh::root().join("pg_test/acceptance/04-batch-refresh.sql");
    let said = sh::capture(nodes.psql("accepted").arg("-f").arg(script))?;
    ensure!(said.lines().any(|l| l.trim() == "04 ok"), "it says: {said}");
    Ok(())
}

fn missed(nodes: &mut Cluster) -> Result<()> {
    let mut c = scheduled(nodes, "missed", &VIEWS[..1])?;
    c.batch_execute("SELECT tally.alter_view('sums', schedule => '1 hour')")?;
    until("the last refresh", || Ok(status(&mut c, "sums")?.0 == "ok"))?;
    // or it would be caught up before the restart
    switched_off(&mut c)?;
    c.batch_execute("UPDATE tally.progress SET satisfied = now() - interval '5 hours', started = now() - interval '5 hours', finished = now() - interval '5 hours'")?;
    let before: i64 = c.query_one("SELECT coalesce(max(entry), 0) FROM tally.log", &[])?.get(0);
    grow(&mut c, 10)?;
    c.batch_execute("ALTER SYSTEM RESET tally.worker")?;
    drop(c);
    nodes.restart(Stop::Fast)?;
    let mut c = connect(nodes, "missed")?;
    caught_up(&mut c, &VIEWS[..1])?;
    becomes(&mut c, "sums", "ok")?;
    let row = c.query_one("SELECT (SELECT count(*) FROM tally.log WHERE entry > $1), next_refresh_time > now() FROM tally.view_refreshes", &[&before])?;
    ensure!(row.get::<_, i64>(0) == 1 && row.get::<_, bool>(1), "five missed refreshes were caught up by {} and the next is to come: {}", row.get::<_, i64>(0), row.get::<_, bool>(1));
    Ok(())
}

fn reloaded(nodes: &mut Cluster) -> Result<()> {
    let mut c = scheduled(nodes, "reloaded", VIEWS)?;
    started(&mut c, "pg_tally upkeep")?;
    switched_off(&mut c)?;
    grow(&mut c, 10)?;
    let problem: String = c.query_one("SELECT problem FROM tally.health() WHERE view IS NULL", &[])?.get(0);
    ensure!(problem.starts_with("tally.worker is off"), "tally.health() says: {problem}");
    // by hand it goes on
    until("the schedule to tick", || Ok(c.query_one("SELECT count(*) = 2 FROM tally.view_refreshes WHERE next_refresh_time < now()", &[])?.get(0)))?;
    let done: i64 = c.query_one("SELECT tally.run_due()", &[])?.get(0);
    ensure!(done == 2, "tally.run_due() refreshed {done}");
    same(&mut c, VIEWS)?;
    c.batch_execute("ALTER SYSTEM RESET tally.worker")?;
    c.batch_execute("SELECT pg_reload_conf()")?;
    grow(&mut c, 10)?;
    caught_up(&mut c, VIEWS)
}

fn shutdown(nodes: &mut Cluster) -> Result<()> {
    let views = [VIEWS[0], SLOW];
    let mut c = scheduled(nodes, "shutdown", &views[..1])?;
    c.execute("SELECT tally.create_view($1, $2, schedule => '1 second')", &[&SLOW.0, &SLOW.1])?;
    slowly(&mut c)?;
    grow(&mut c, 10)?;
    drop(c);
    let begin = Instant::now();
    nodes.stop(Stop::Fast)?;
    let took = begin.elapsed();
    ensure!(took < Duration::from_secs(2), "the server took {took:?} to stop");
    nodes.start()?;
    let mut c = connect(nodes, "shutdown")?;
    slow(&mut c, false)?;
    told(&mut c, "slow", LOST)?;
    caught_up(&mut c, &views)?;
    becomes(&mut c, "slow", "ok")?;
    nothing_stuck(&mut c)
}

fn cancelled(nodes: &mut Cluster) -> Result<()> {
    let mut c = scheduled(nodes, "cancelled", &[SLOW])?;
    let shows = "SELECT count(*) FROM pg_stat_activity a JOIN tally.view_progress p USING (pid) WHERE a.backend_type = 'pg_tally job' AND a.query = 'refreshing public.slow' AND p.view = 'slow'::regclass";
    for (end, error) in [("pg_cancel_backend", "canceling statement due to user request"), ("pg_terminate_backend", LOST)] {
        slowly(&mut c)?;
        until("the process to show what it does", || Ok(c.query_one(shows, &[])?.get::<_, i64>(0) == 1))?;
        slow(&mut c, false)?;
        c.execute(&format!("SELECT {end}(pid) FROM tally.view_progress"), &[])?;
        told(&mut c, "slow", error)?;
        grow(&mut c, 3)?;
        caught_up(&mut c, &[SLOW])?;
        becomes(&mut c, "slow", "ok")?;
    }
    c.batch_execute("SELECT tally.alter_view('slow', timeout => '200 ms')")?;
    slow(&mut c, true)?;
    told(&mut c, "slow", "canceling refresh due to its timeout")?;
    slow(&mut c, false)?;
    caught_up(&mut c, &[SLOW])?;
    nothing_stuck(&mut c)
}

/// Each time the server ends all processes and starts anew.
fn killed(nodes: &mut Cluster) -> Result<()> {
    let views = [VIEWS[0], VIEWS[1], SLOW];
    drop(scheduled(nodes, "killed", &views)?);
    for sort in ["pg_tally job", "pg_tally worker", "pg_tally launcher", "pg_tally upkeep"] {
        let mut c = connected(nodes, "killed")?;
        slowly(&mut c)?;
        grow(&mut c, 10)?;
        let victim = if sort == "pg_tally job" {
            c.query_one("SELECT pid FROM tally.view_progress WHERE view = 'slow'::regclass", &[])?.get(0)
        } else {
            started(&mut c, sort)?
        };
        let failures = "SELECT count(*) FROM tally.view_log WHERE view = 'slow'::regclass AND status = 'failed'";
        let before: i64 = c.query_one(failures, &[])?.get(0);
        slow(&mut c, false)?;
        cluster::signal("KILL", &[victim as u32])?;
        until("the server to notice", || Ok(c.batch_execute("SELECT").is_err()))?;
        let mut c = connected(nodes, "killed")?;
        until("the attempt to be given up", || Ok(c.query_one(failures, &[])?.get::<_, i64>(0) > before)).context(sort)?;
        caught_up(&mut c, &views).context(sort)?;
        becomes(&mut c, "slow", "ok")?;
        nothing_stuck(&mut c)?;
    }
    ensure!(log_has(nodes, "refresh of view \"public.slow\" did not end")?, "the log file does not tell of the attempt that ended with its process");
    Ok(())
}

fn databases(nodes: &mut Cluster) -> Result<()> {
    let mut main = connect(nodes, "postgres")?;
    let gone = |c: &mut Cluster, what: &str, begin: Instant| -> Result<()> {
        ensure!(begin.elapsed() < Duration::from_secs(4), "{what} took {:?}", begin.elapsed());
        ensure!(!log_has(c, "database \"come\" does not exist")?, "a process looks for a database that is gone");
        Ok(())
    };
    // by force in the middle of a refresh, and as it is
    for how in [" WITH (FORCE)", ""] {
        let mut c = scheduled(nodes, "come", &[VIEWS[0], SLOW])?;
        started(&mut c, "pg_tally upkeep")?;
        slowly(&mut c)?;
        drop(c);
        let begin = Instant::now();
        until("the session to end", || Ok(main.query_one("SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = 'come' AND backend_type = 'client backend'", &[])?.get(0)))?;
        main.batch_execute(&format!("DROP DATABASE come{how}"))?;
        gone(nodes, &format!("DROP DATABASE{how}"), begin)?;
    }
    // one with views is copied and renamed, and its copy has a worker of its own
    let mut c = scheduled(nodes, "come", VIEWS)?;
    started(&mut c, "pg_tally upkeep")?;
    grow(&mut c, 10)?;
    caught_up(&mut c, VIEWS)?;
    drop(c);
    until("the session to end", || Ok(main.query_one("SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = 'come' AND backend_type = 'client backend'", &[])?.get(0)))?;
    main.batch_execute("DROP DATABASE IF EXISTS copy WITH (FORCE)")?;
    main.batch_execute("CREATE DATABASE copy TEMPLATE come")?;
    main.batch_execute("DROP DATABASE IF EXISTS renamed WITH (FORCE)")?;
    main.batch_execute("ALTER DATABASE come RENAME TO renamed")?;
    for database in ["copy", "renamed"] {
        let mut c = connect(nodes, database)?;
        grow(&mut c, 20)?;
        caught_up(&mut c, VIEWS).context(database)?;
    }
    // a database that nobody may connect to is left alone
    main.batch_execute("ALTER DATABASE copy ALLOW_CONNECTIONS false")?;
    main.batch_execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'copy'")?;
    until("its processes to end", || Ok(main.query_one("SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = 'copy'", &[])?.get(0)))?;
    main.batch_execute("ALTER DATABASE copy ALLOW_CONNECTIONS true")?;
    ensure!(!log_has(nodes, "is not currently accepting connections")?, "a process tried to connect to a database that allows none");
    Ok(())
}

fn extensions(nodes: &mut Cluster) -> Result<()> {
    let mut c = scheduled(nodes, "extensions", VIEWS)?;
    started(&mut c, "pg_tally worker")?;
    c.batch_execute("CREATE TABLE version AS SELECT extversion FROM pg_extension WHERE extname = 'pg_tally'; UPDATE pg_extension SET extversion = '0.0.1' WHERE extname = 'pg_tally'; SELECT tally.start_worker()")?;
    until("the log file to tell", || log_has(nodes, "extension pg_tally in database \"extensions\" is of version 0.0.1"))?;
    let hint: String = c.query_one("SELECT hint FROM tally.health() WHERE problem LIKE 'the extension is of version 0.0.1%'", &[])?.get(0);
    ensure!(hint.contains("ALTER EXTENSION"), "tally.health() says: {hint}");
    c.batch_execute("UPDATE pg_extension SET extversion = (SELECT extversion FROM version) WHERE extname = 'pg_tally'; SELECT tally.start_worker()")?;
    grow(&mut c, 10)?;
    caught_up(&mut c, VIEWS)?;
    c.batch_execute("DROP EXTENSION pg_tally CASCADE")?;
    ended(&mut c, "pg_tally worker")?;
    ended(&mut c, "pg_tally upkeep")?;
    c.batch_execute("CREATE EXTENSION pg_tally")?;
    for (view, query) in VIEWS {
        c.execute("SELECT tally.create_view($1, $2, schedule => '1 second', mode => 'refreshable')", &[view, query])?;
    }
    grow(&mut c, 10)?;
    caught_up(&mut c, VIEWS)
}

fn promoted(nodes: &mut Cluster) -> Result<()> {
    let mut primary = scheduled(nodes, "promoted", VIEWS)?;
    grow(&mut primary, 10)?;
    caught_up(&mut primary, VIEWS)?;
    let other = nodes.standby(&format!("worker{}-standby", nodes.server.major), &client_program(&nodes.server, "pg_basebackup")?)?;
    let mut c = connect(&other, "promoted")?;
    grow(&mut primary, 100)?;
    caught_up(&mut primary, VIEWS)?;
    replayed(&mut primary, &mut c)?;
    same(&mut c, VIEWS)?;
    let found: i64 = c.query_one("SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'pg_tally%'", &[])?.get(0);
    ensure!(found == 0, "a standby has {found} processes of ours");
    // what an operator looks at is there
    c.query("SELECT * FROM tally.view_refreshes", &[])?;
    c.query("SELECT * FROM tally.view_log", &[])?;
    c.query("SELECT * FROM tally.health()", &[])?;
    let refused = c.batch_execute("SELECT tally.run_due()").err().and_then(|e| Some(e.as_db_error()?.code().code().to_string()));
    ensure!(refused.as_deref() == Some("25006"), "tally.run_due() on a standby: {refused:?}");
    c.batch_execute("SELECT pg_promote(true, 20)")?;
    started(&mut c, "pg_tally worker")?;
    grow(&mut c, 100)?;
    caught_up(&mut c, VIEWS)?;
    nothing_stuck(&mut c)
}

/// PostgreSQL's launcher of logical replication, ours and one worker: then there is no room for jobs.
fn exhausted(nodes: &mut Cluster) -> Result<()> {
    let name = format!("worker{}-small", nodes.server.major);
    let mut small = Cluster::create(&nodes.server, &name, Options { preload: true, settings: settings("3"), ..Options::default() })?;
    let mut c = scheduled(&small, "small", VIEWS)?;
    started(&mut c, "pg_tally worker")?;
    until("the log file to tell", || log_has(&small, "could not start background process \"pg_tally"))?;
    ensure!(log_has(&small, "You might need to increase max_worker_processes.")?, "the log file gives no hint");
    grow(&mut c, 10)?;
    c.batch_execute("ALTER SYSTEM SET max_worker_processes = 8")?;
    drop(c);
    small.restart(Stop::Fast)?;
    caught_up(&mut connect(&small, "small")?, VIEWS)
}

// ---- crashes ----

/// So many more, until a refresh was lost: the first few of a fast machine may all come too late.
const MORE_ROUNDS: u64 = 20;

/// A process of the server, or all of it, is killed while views are refreshed; afterwards they come to be what their queries give. There are more
/// rounds if all of them were too late for a refresh to be lost.
pub fn crashes(nodes: &mut Cluster, rounds: u64, seed: u64) -> Result<()> {
    println!("  seed {seed}");
    let kept: View = ("kept", "SELECT k, sum(v) AS s, count(*) AS n FROM src GROUP BY k");
    let views = [VIEWS[0], VIEWS[1], kept];
    let mut c = scheduled(nodes, "crash", VIEWS)?;
    c.execute("SELECT tally.create_view($1, $2, schedule => '1 second', mode => 'incremental')", &[&kept.0, &kept.1])?;
    drop(c);
    let mut random = Random(seed);
    let mut lost: i64 = 0;
    let mut round = 0;
    while round < rounds || lost == 0 && round < rounds + MORE_ROUNDS {
        round += 1;
        let when = format!("seed {seed}, round {round}");
        let mut c = connected(nodes, "crash")?;
        c.batch_execute("INSERT INTO src SELECT i % 100, i FROM generate_series(1, 3000) i; DELETE FROM src WHERE random() < 0.3")?;
        // from the next refresh on, at a random moment of it
        let running = "SELECT pid FROM tally.view_progress LIMIT 1";
        let mut job = None;
        until("a refresh", || {
            job = c.query(running, &[])?.first().map(|r| r.get::<_, i32>(0) as u32);
            Ok(job.is_some())
        })
        .context(when.clone())?;
        std::thread::sleep(Duration::from_micros(random.below(8000)));
        if random.below(2) == 0 {
            nodes.crash()?;
            nodes.start()?;
        } else {
            let job = job.context("just found")?;
            cluster::signal("KILL", &[job])?;
            // once the server has taken note of its end it accepts nobody until all is anew
            until("the server to notice", || Ok(!Path::new(&format!("/proc/{job}")).exists()))?;
        }
        drop(c);
        let mut c = connected(nodes, "crash")?;
        caught_up(&mut c, &views).context(when.clone())?;
        nothing_stuck(&mut c).context(when.clone())?;
        for (view, _) in views {
            let found = c.query_one("SELECT missing + extra + coalesce(different, 0) FROM tally.verify_view($1)", &[&view])?.get::<_, i64>(0);
            ensure!(found == 0, "{when}: verify_view finds {found} rows of {view} wrong");
        }
        lost = c.query_one("SELECT count(*) FROM tally.view_log WHERE status = 'failed' AND error = $1", &[&LOST])?.get(0);
    }
    println!("  {round} rounds, {lost} refreshes ended by a crash were written down as failed");
    ensure!(lost > 0, "no refresh was under way when a process was killed");
    Ok(())
}
