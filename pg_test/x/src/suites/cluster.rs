//! What only whole servers show: crashes, a standby, logical replication, dumps that are restored.

mod dumps;
pub mod upkeep;
mod worker;

use super::Count;
use crate::cluster::{Cluster, Options};
use crate::provision::{self, Server};
use crate::sh;
use anyhow::{Context, Result, anyhow, bail, ensure};
use postgres::Client;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime};

const WRITERS: u64 = 3;
const ROUNDS: u64 = 5;

/// A view by its name and query.
type View = (&'static str, &'static str);
/// A table and its views.
type Source = (&'static str, &'static [View]);

const TABLE: &str = "CREATE TABLE t (id bigint PRIMARY KEY, k int, v numeric, b text)";
const VIEWS: &[View] = &[
    ("counts", "SELECT k, count(*) AS n, sum(v) AS s, min(v) AS mn, uniq(id) AS u FROM t GROUP BY k"),
    ("lists", "SELECT k, string_agg(b, ',' ORDER BY id) AS l FROM t GROUP BY k"),
];
const PARTITIONED: &str = "CREATE TABLE parts (id bigint, k int, v numeric, b text, PRIMARY KEY (id, k)) PARTITION BY LIST (k);
    CREATE TABLE parts_0 PARTITION OF parts FOR VALUES IN (0, 1);
    CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2, 3) PARTITION BY RANGE (id);
    CREATE TABLE parts_2a PARTITION OF parts_2 FOR VALUES FROM (MINVALUE) TO (50);
    CREATE TABLE parts_2b PARTITION OF parts_2 DEFAULT;
    CREATE TABLE parts_rest PARTITION OF parts DEFAULT";
const VIEWS_OF_PARTS: &[View] = &[
    ("part_counts", "SELECT k, count(*) AS n, sum(v) AS s, max(v) AS mx FROM parts GROUP BY k"),
    ("part_lists", "SELECT k / 2 AS h, array_agg(b ORDER BY id, k) AS l FROM parts GROUP BY 1"),
];

const SOURCES: [Source; 2] = [("t", VIEWS), ("parts", VIEWS_OF_PARTS)];

/// All of the suite, on a server that logs what every test here needs.
pub fn run(server: &Server) -> Result<Count> {
    let mut nodes: Option<Cluster> = None;
    let mut count = Count::default();
    let mut test = |what: &str, f: fn(&mut Cluster) -> Result<()>| {
        let done = sh::step(what, || match &mut nodes {
            Some(nodes) => f(nodes),
            none => f(none.insert(create(server)?)),
        });
        if let Err(e) = &done {
            println!("  {e:#}");
            // the next one is not to find what this one left
            if let Some(nodes) = nodes.take() {
                println!("  the end of the log:\n{}", sh::tail(&nodes.log(), 8));
            }
        }
        count.add(done.is_ok());
    };
    test("kill -9 while three write and one compacts", |c| crashes(c, ROUNDS, seed()));
    test("an unlogged source after a crash", unlogged);
    test("a standby, read and promoted", standby);
    test("pg_dump, pg_restore", dumps::dumps);
    test("a dump for another encoding", dumps::other_encoding);
    test("logical replication", replication);
    drop(nodes);
    worker::run(server, &mut count);
    Ok(count)
}

/// `cargo x crash`: those with crashes, for as many rounds as one likes.
pub fn main(args: &[String]) -> Result<bool> {
    let (mut major, mut rounds, mut seed, mut what) = (15, 100, seed(), "writes");
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let value = rest.next().with_context(|| format!("{arg} wants a value"))?;
        if arg == "--what" {
            what = value;
            continue;
        }
        let value = value.parse::<u64>().with_context(|| format!("{arg} wants a number"))?;
        match arg.as_str() {
            "--pg" => major = value.try_into()?,
            "--rounds" => rounds = value,
            "--seed" => seed = value,
            other => bail!("crash does not know {other}"),
        }
    }
    let server = provision::server(major, "test")?;
    provision::install_extension(&server, false)?;
    match what {
        "writes" => crashes(&mut create(&server)?, rounds, seed)?,
        "refresh" => worker::crashes(&mut worker::create(&server)?, rounds, seed)?,
        "upkeep" => upkeep::crashes(&mut worker::create(&server)?, rounds, seed)?,
        other => bail!("crash does not know what {other} is, only writes, refresh and upkeep"),
    }
    println!("{rounds} rounds, all exact");
    Ok(true)
}

fn create(server: &Server) -> Result<Cluster> {
    let mut settings = vec![("fsync", "off".to_string()), ("wal_level", "logical".to_string()), ("timezone", "UTC".to_string())];
    // so that a test's transactions are streamed before they commit, and nothing waits before it is tried again
    settings.extend([("logical_decoding_work_mem", "64kB".to_string()), ("wal_retrieve_retry_interval", "50ms".to_string())]);
    Cluster::create(server, &format!("nodes{}", server.major), Options { settings, ..Options::default() })
}

fn seed() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(1, |d| d.as_millis() as u64)
}

// ---- what the tests share ----

/// A database of this name with these tables, and with the extension and views if there are any.
fn database(c: &Cluster, name: &str, tables: &str, views: &[View]) -> Result<Client> {
    c.fresh_database(name)?;
    let mut client = connect(c, name)?;
    client.batch_execute(tables)?;
    if !views.is_empty() {
        client.batch_execute("CREATE EXTENSION pg_tally")?;
    }
    for (view, query) in views {
        client.execute("SELECT tally.create_view($1, $2)", &[view, query])?;
    }
    Ok(client)
}

/// A session in which nothing waits for ever.
fn connect(c: &Cluster, database: &str) -> Result<Client> {
    let mut client = c.connect(database)?;
    client.batch_execute("SET statement_timeout = '20s'; SET client_min_messages = warning")?;
    Ok(client)
}

/// Rows that the view has and its query has not, and the other way round.
fn same(c: &mut Client, views: &[View]) -> Result<()> {
    for (view, query) in views {
        let missing = format!("SELECT 'missing' AS of, x::text FROM ({query} EXCEPT ALL SELECT * FROM {view}) x");
        let extra = format!("SELECT 'extra', x::text FROM (SELECT * FROM {view} EXCEPT ALL ({query})) x");
        let rows = c.query(&format!("{missing} UNION ALL {extra}"), &[])?;
        let told: Vec<String> = rows.iter().take(6).map(|r| format!("{} {}", r.get::<_, &str>(0), r.get::<_, &str>(1))).collect();
        ensure!(rows.is_empty(), "{view} is not what its query gives, {} rows: {}", rows.len(), told.join("; "));
    }
    Ok(())
}

fn exact(c: &mut Client, views: &[View], when: &str) -> Result<()> {
    same(c, views).context(when.to_string())?;
    for (view, _) in views {
        let row = c.query_one("SELECT missing, extra, different FROM tally.verify_view($1)", &[view])?;
        let found = [0, 1, 2].map(|i| row.get::<_, i64>(i));
        ensure!(found == [0; 3], "{when}: verify_view says {found:?} of {view}");
    }
    Ok(())
}

/// Compaction leaves nothing pending and nothing in doubt.
fn compacted(c: &mut Client, views: &[View], when: &str) -> Result<()> {
    c.execute("SELECT tally.compact()", &[]).with_context(|| format!("{when}: compact"))?;
    let row = c.query_one("SELECT count(*), coalesce(sum(pending), 0)::bigint, coalesce(sum(doubtful), 0)::bigint FROM tally.views", &[])?;
    let found = [0, 1, 2].map(|i| row.get::<_, i64>(i));
    ensure!(found == [views.len() as i64, 0, 0], "{when}: views, pending, in doubt after compaction: {found:?}");
    exact(c, views, &format!("{when}, compacted"))
}

/// A hundred rows, with ids from `from` on.
fn fill(table: &str, from: u32) -> String {
    format!("INSERT INTO {table} SELECT i, i % 8, i * 7 % 31, 'b' || i FROM generate_series({from}, {from} + 99) i")
}

/// One of each: new rows in old and new groups, values and groups changed, minima and maxima and a whole group removed.
fn writes(table: &str) -> [String; 6] {
    [
        format!("INSERT INTO {table} VALUES (1001, 1, -5, 'x'), (1002, 77, 3, NULL), (1003, 3, NULL, 'y'), (1004, 2, 1000, 'z')"),
        format!("UPDATE {table} SET v = v + 1, b = b || '!' WHERE id % 5 = 0"),
        format!("UPDATE {table} SET k = (k + 1) % 8 WHERE id % 9 = 0"),
        format!("DELETE FROM {table} t WHERE v = (SELECT min(v) FROM {table} s WHERE s.k = t.k)"),
        format!("DELETE FROM {table} t WHERE v = (SELECT max(v) FROM {table} s WHERE s.k = t.k)"),
        format!("DELETE FROM {table} WHERE k = 4"),
    ]
}

/// All of that, with the table's views looked at after each.
fn maintained(c: &mut Client, (table, views): Source, when: &str) -> Result<()> {
    // what it inserted the last time
    c.batch_execute(&format!("DELETE FROM {table} WHERE id > 1000"))?;
    for sql in writes(table) {
        c.batch_execute(&sql).with_context(|| format!("{when}: {sql}"))?;
        exact(c, views, &format!("{when}: {sql}"))?;
    }
    Ok(())
}

/// Whether it became so within the time.
fn until_soon(patience: Duration, mut f: impl FnMut() -> Result<bool>) -> Result<bool> {
    let begin = Instant::now();
    while begin.elapsed() < patience {
        if f()? {
            return Ok(true);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(false)
}

fn until(what: &str, mut f: impl FnMut() -> Result<bool>) -> Result<()> {
    let begin = Instant::now();
    while !f()? {
        ensure!(begin.elapsed() < Duration::from_secs(20), "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Some builds lack some programs, or they do not start; another major's may do.
fn client_program(server: &Server, program: &str) -> Result<PathBuf> {
    let own = server.bin(program);
    if sh::succeeds(Command::new(&own).arg("--version")) {
        return Ok(own);
    }
    Ok(provision::server(15, "test")?.bin(program))
}

/// splitmix64
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e3779b97f4a7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d049bb133111eb);
        (z ^ (z >> 31)) % n
    }
}

// ---- crashes ----

fn crashes(nodes: &mut Cluster, rounds: u64, seed: u64) -> Result<()> {
    println!("  seed {seed}");
    database(nodes, "crash", TABLE, VIEWS)?.batch_execute(&fill("t", 0))?;
    // writers fold too
    connect(nodes, "crash")?.batch_execute("ALTER DATABASE crash SET tally.delta_limit = '64kB'")?;
    let mut random = Random(seed);
    let (mut commits, mut prepared) = (0, 0);
    for round in 1..=rounds {
        let when = format!("seed {seed}, round {round}");
        commits += crash_while_writing(nodes, &mut random, round).context(when.clone())?;
        prepared += recovered(nodes, &when).with_context(|| format!("{when}, after the restart"))?;
    }
    println!("  {rounds} rounds, {commits} commits, {prepared} prepared transactions found again");
    ensure!(commits > 0, "nothing was committed before the server was killed");
    Ok(())
}

/// The number of transactions that were committed.
fn crash_while_writing(nodes: &mut Cluster, random: &mut Random, round: u64) -> Result<u64> {
    let mut clients = (0..=WRITERS).map(|_| connect(nodes, "crash")).collect::<Result<Vec<_>>>()?;
    let mut compactor = clients.pop().context("one session more than writers")?;
    let after = Duration::from_millis(50 + random.below(850));
    std::thread::scope(|threads| {
        let running: Vec<_> = clients.into_iter().zip(0..).map(|(client, w)| (client, w, Random(random.below(u64::MAX)))).collect();
        let running: Vec<_> = running.into_iter().map(|(mut c, w, mut r)| threads.spawn(move || write(&mut c, w, round, &mut r))).collect();
        let folding = threads.spawn(move || -> Result<u64> {
            let mut n = 0;
            while alive(compactor.batch_execute("SELECT tally.compact()"))? {
                n += 1;
            }
            Ok(n)
        });
        std::thread::sleep(after);
        nodes.crash()?;
        let mut commits = 0;
        for thread in running {
            commits += thread.join().map_err(|_| anyhow!("a writer panicked"))??;
        }
        folding.join().map_err(|_| anyhow!("the compactor panicked"))?.context("compaction")?;
        Ok(commits)
    })
}

/// False once the server is gone; any other error is one.
fn alive(result: Result<(), postgres::Error>) -> Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(e) if e.as_db_error().is_none_or(|e| e.code().code().starts_with("57P")) => Ok(false),
        Err(e) => Err(e.into()),
    }
}

/// Transactions until the server is gone. Every writer has rows of its own and groups in common with the others.
fn write(c: &mut Client, writer: u64, round: u64, random: &mut Random) -> Result<u64> {
    let mut commits = 0;
    for n in 0.. {
        let mut sql = String::from("BEGIN;\n");
        for part in 0..1 + random.below(3) {
            sql += &statement(writer, (round * 100_000 + n) * 10 + part, random);
        }
        let gid = format!("w{writer}_{round}_{n}");
        let (end, then, counts) = match random.below(20) {
            0 => ("ROLLBACK".to_string(), None, false),
            1..4 => (format!("PREPARE TRANSACTION '{gid}'"), Some(format!("COMMIT PREPARED '{gid}'")), true),
            4 => (format!("PREPARE TRANSACTION '{gid}'"), Some(format!("ROLLBACK PREPARED '{gid}'")), false),
            _ => ("COMMIT".to_string(), None, true),
        };
        let sql = sql + &end;
        if !alive(c.batch_execute(&sql)).with_context(|| sql.clone())? {
            break;
        }
        if let Some(then) = then {
            // a moment for the crash to come in between
            let waited = alive(c.batch_execute("SELECT pg_sleep(0.02)"))?;
            if !waited || !alive(c.batch_execute(&then)).with_context(|| then.clone())? {
                break;
            }
        }
        commits += u64::from(counts);
    }
    Ok(commits)
}

/// Something done to the writer's own rows, which are those whose id modulo the number of writers is its number.
fn statement(writer: u64, n: u64, random: &mut Random) -> String {
    let own = format!("id % {WRITERS} = {writer}");
    let (k, z) = (random.below(8), random.below(40));
    match random.below(10) {
        0..4 => {
            let rows = 1 + random.below(20);
            format!("INSERT INTO t SELECT ({n}::bigint * 20 + i) * {WRITERS} + {writer}, (i + {k}) % 8, {z} + i, 'b' || i FROM generate_series(0, {rows} - 1) i;\n")
        }
        4 => format!("UPDATE t SET v = v + {z} - 20 WHERE {own} AND k = {k};\n"),
        5 => format!("UPDATE t SET k = (k + 1) % 8, b = b || 'k' WHERE {own} AND k = {k} AND v > {z};\n"),
        6 => format!("DELETE FROM t WHERE {own} AND k = {k} AND v <= (SELECT min(v) FROM t WHERE {own} AND k = {k});\n"),
        7 => format!("DELETE FROM t WHERE {own} AND v < {z};\n"),
        8 => format!("SAVEPOINT s; DELETE FROM t WHERE {own}; ROLLBACK TO s; UPDATE t SET b = 'c' WHERE {own} AND k = {k};\n"),
        _ => format!("SAVEPOINT s; INSERT INTO t VALUES (-({n}::bigint * {WRITERS} + {writer}) - 1, NULL, {z}, 'n'); RELEASE s;\n"),
    }
}

/// The number of prepared transactions that were there.
fn recovered(nodes: &mut Cluster, when: &str) -> Result<u64> {
    nodes.start()?;
    let mut c = connect(nodes, "crash")?;
    exact(&mut c, VIEWS, when)?;
    let prepared = c.query("SELECT gid FROM pg_prepared_xacts ORDER BY gid", &[])?;
    for (row, commit) in prepared.iter().zip([true, false].into_iter().cycle()) {
        let gid: &str = row.get(0);
        c.batch_execute(&format!("{} PREPARED '{gid}'", if commit { "COMMIT" } else { "ROLLBACK" }))?;
        exact(&mut c, VIEWS, &format!("{when}, {gid} ended"))?;
    }
    compacted(&mut c, VIEWS, when)?;
    Ok(prepared.len() as u64)
}

fn unlogged(nodes: &mut Cluster) -> Result<()> {
    let mut c = database(nodes, "unlogged", &TABLE.replace("TABLE", "UNLOGGED TABLE"), VIEWS)?;
    c.batch_execute(&fill("t", 0))?;
    compacted(&mut c, VIEWS, "before the crash")?;
    c.batch_execute(&fill("t", 100))?;
    exact(&mut c, VIEWS, "before the crash, with rows pending")?;
    nodes.crash()?;
    drop(c);
    nodes.start()?;
    let mut c = connect(nodes, "unlogged")?;
    let rows: i64 = c.query_one("SELECT count(*) FROM t", &[])?.get(0);
    ensure!(rows == 0, "an unlogged table has {rows} rows after a crash");
    exact(&mut c, VIEWS, "after the crash")?;
    c.batch_execute(&fill("t", 0))?;
    exact(&mut c, VIEWS, "filled again")?;
    maintained(&mut c, ("t", VIEWS), "after the crash")?;
    compacted(&mut c, VIEWS, "after the crash")?;
    maintained(&mut c, ("t", VIEWS), "after the crash, compacted")
}

// ---- a standby ----

fn standby(nodes: &mut Cluster) -> Result<()> {
    let mut primary = database(nodes, "standby", TABLE, VIEWS)?;
    primary.batch_execute(&fill("t", 0))?;
    compacted(&mut primary, VIEWS, "on the primary")?;
    let name = format!("standby{}", nodes.server.major);
    let other = Cluster::standby(nodes, &name, &client_program(&nodes.server, "pg_basebackup")?)?;
    let mut c = connect(&other, "standby")?;
    same(&mut c, VIEWS).context("on the standby, nothing pending")?;
    for sql in writes("t") {
        primary.batch_execute(&sql)?;
        replayed(&mut primary, &mut c)?;
        exact(&mut c, VIEWS, &format!("on the standby, pending: {sql}"))?;
    }
    let row = primary.query_one("SELECT min(pending), sum(doubtful)::bigint FROM tally.views", &[])?;
    let (pending, doubtful): (i64, i64) = (row.get(0), row.get(1));
    ensure!(pending > 0 && doubtful > 0, "there is to be something pending and in doubt: {pending}, {doubtful}");
    for call in ["SELECT tally.compact()", "SELECT tally.compact('counts')", "SELECT tally.refresh_view('counts')"] {
        refused(&mut c, call)?;
    }
    primary.batch_execute("TRUNCATE t")?;
    replayed(&mut primary, &mut c)?;
    exact(&mut c, VIEWS, "on the standby, truncated")?;
    primary.batch_execute(&fill("t", 0))?;
    primary.batch_execute("DELETE FROM t WHERE v < 3")?;
    replayed(&mut primary, &mut c)?;
    c.batch_execute("SELECT pg_promote(true, 20)")?;
    let recovering: bool = c.query_one("SELECT pg_is_in_recovery()", &[])?.get(0);
    ensure!(!recovering, "the standby is not promoted");
    // the session of the standby goes on, and so does a new one
    exact(&mut c, VIEWS, "promoted")?;
    maintained(&mut c, ("t", VIEWS), "promoted")?;
    compacted(&mut connect(&other, "standby")?, VIEWS, "promoted")?;
    maintained(&mut c, ("t", VIEWS), "promoted, compacted")
}

/// By a message of ours, not by whatever of PostgreSQL comes first.
fn refused(c: &mut Client, call: &str) -> Result<()> {
    let error = c.batch_execute(call).err().with_context(|| format!("{call} goes through on a standby"))?;
    let error = error.as_db_error().with_context(|| format!("{call} ends the session"))?;
    let clear = error.code().code() == "25006" && error.message().contains(" a view in a read-only transaction");
    ensure!(clear, "{call} on a standby: {} {}", error.code().code(), error.message());
    Ok(())
}

fn replayed(primary: &mut Client, standby: &mut Client) -> Result<()> {
    let lsn: String = primary.query_one("SELECT pg_current_wal_lsn()::text", &[])?.get(0);
    until("the standby", || Ok(standby.query_one(&format!("SELECT pg_last_wal_replay_lsn() >= '{lsn}'"), &[])?.get(0)))
}

// ---- logical replication ----

fn replication(nodes: &mut Cluster) -> Result<()> {
    let views: Vec<View> = [VIEWS, VIEWS_OF_PARTS].concat();
    let mut c = database(nodes, "subscriber", &format!("{TABLE}; {PARTITIONED}"), &views)?;
    let schema = sh::base()?.join(format!("out/subscriber-{}", nodes.server.major));
    dumps::dump(nodes, "subscriber", &["-Fc", "--schema-only"], &schema)?;
    subscribed(nodes, &mut c, &views)?;
    // as subscribers are often made, and with the triggers off and on again
    nodes.fresh_database("subscriber2")?;
    dumps::restore(nodes, "subscriber2", &[], &schema)?;
    let mut c = connect(nodes, "subscriber2")?;
    for table in ["t", "parts"] {
        c.batch_execute(&format!("ALTER TABLE {table} DISABLE TRIGGER ALL; ALTER TABLE {table} ENABLE TRIGGER ALL"))?;
    }
    c.batch_execute("SELECT tally.compact()")?;
    dumps::all_ok(&mut c, &views, "a restored subscriber")?;
    subscribed(nodes, &mut c, &views).context("a restored subscriber")
}

fn subscribed(nodes: &Cluster, c: &mut Client, views: &[View]) -> Result<()> {
    let plain = "CREATE TABLE parts (id bigint, k int, v numeric, b text, PRIMARY KEY (id, k))";
    let mut publisher = database(nodes, "publisher", &format!("{TABLE}; {plain}; CREATE PUBLICATION p FOR TABLE t, parts"), &[])?;
    for table in ["t", "parts"] {
        publisher.batch_execute(&fill(table, 0))?;
    }
    publisher.batch_execute("SELECT pg_create_logical_replication_slot('tally', 'pgoutput', false, true)")?;
    // the workers fold too
    let database: String = c.query_one("SELECT current_database()", &[])?.get(0);
    c.batch_execute(&format!("ALTER DATABASE {database} SET tally.delta_limit = '64kB'"))?;
    let at = format!("host={} port={} user=postgres dbname=publisher", nodes.socket_dir().display(), crate::cluster::PORT);
    c.batch_execute(&format!("CREATE SUBSCRIPTION s CONNECTION '{at}' PUBLICATION p WITH (create_slot = false, slot_name = 'tally', streaming = on, two_phase = true)"))?;
    applied(&mut publisher, c, views, "copied at first")?;
    for sql in ["t", "parts"].iter().flat_map(|t| writes(t)) {
        publisher.batch_execute(&sql)?;
        applied(&mut publisher, c, views, &sql)?;
    }
    compacted(c, views, "applied")?;
    for sql in [
        // more than the publisher keeps in memory: streamed before it ends
        "BEGIN; INSERT INTO t SELECT i, i % 50, i, 'much' FROM generate_series(10000, 12000) i; SAVEPOINT s; DELETE FROM t; ROLLBACK TO s; \
         UPDATE t SET v = v + 1 WHERE id < 11000; INSERT INTO parts SELECT * FROM t WHERE id >= 10000; COMMIT",
        "TRUNCATE parts",
        "BEGIN; TRUNCATE t, parts; INSERT INTO t VALUES (1, 1, 1, 'a'), (2, 2, 2, 'b'); INSERT INTO parts SELECT * FROM t; COMMIT",
        "UPDATE t SET k = 3, v = 2",
        "UPDATE parts SET k = 3, v = 2",
        "DELETE FROM parts WHERE id = 1; DELETE FROM t WHERE id = 1",
    ] {
        publisher.batch_execute(sql)?;
        applied(&mut publisher, c, views, sql)?;
    }
    compacted(c, views, "truncated and applied")?;
    publisher.batch_execute("BEGIN; INSERT INTO t VALUES (3, 3, -3, 'two'); DELETE FROM parts WHERE id = 2; PREPARE TRANSACTION 'both'")?;
    until("the prepared transaction", || Ok(c.query_one("SELECT count(*) = 1 FROM pg_prepared_xacts WHERE database = current_database()", &[])?.get(0)))?;
    exact(c, views, "prepared on the publisher")?;
    publisher.batch_execute("COMMIT PREPARED 'both'")?;
    applied(&mut publisher, c, views, "prepared and committed")?;
    publisher.batch_execute(&writes("t")[0])?;
    applied(&mut publisher, c, views, "after compaction")?;
    c.batch_execute("ALTER SUBSCRIPTION s DISABLE; ALTER SUBSCRIPTION s SET (slot_name = NONE); DROP SUBSCRIPTION s")?;
    until("the end of the subscription", || Ok(publisher.query_one("SELECT NOT active FROM pg_replication_slots WHERE slot_name = 'tally'", &[])?.get(0)))?;
    publisher.batch_execute("SELECT pg_drop_replication_slot('tally')")?;
    // from here on the subscriber has rows of its own
    for table in ["t", "parts"] {
        c.batch_execute(&fill(table, 100))?;
    }
    dumps::as_replica(c, "on a subscriber")?;
    compacted(c, views, "on a subscriber")
}

/// Once the subscriber has what the publisher has, the views are exact.
fn applied(publisher: &mut Client, subscriber: &mut Client, views: &[View], when: &str) -> Result<()> {
    let rows = "SELECT md5(coalesce(string_agg(x::text, ';' ORDER BY x::text), '')) FROM (SELECT 't' AS of, * FROM t UNION ALL SELECT 'parts', * FROM parts) x";
    let wanted: String = publisher.query_one(rows, &[])?.get(0);
    until("the subscriber", || Ok(subscriber.query_one(rows, &[])?.get::<_, &str>(0) == wanted)).context(when.to_string())?;
    exact(subscriber, views, &format!("on the subscriber: {when}"))
}
