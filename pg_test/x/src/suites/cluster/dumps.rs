//! Dumps that are restored, all at once or in parts, and into databases of another encoding.

use super::{PARTITIONED, SOURCES, TABLE, VIEWS, VIEWS_OF_PARTS, View, client_program, compacted, connect, database, exact, fill, maintained};
use crate::cluster::Cluster;
use crate::sh;
use anyhow::{Result, ensure};
use postgres::Client;
use std::fs;
use std::path::Path;
use std::process::Command;

pub fn dumps(nodes: &mut Cluster) -> Result<()> {
    let views: Vec<View> = [VIEWS, VIEWS_OF_PARTS].concat();
    let mut from = database(nodes, "dump_from", &format!("{TABLE}; {PARTITIONED}"), &views)?;
    for table in ["t", "parts"] {
        from.batch_execute(&fill(table, 0))?;
    }
    compacted(&mut from, &views, "before the dump")?;
    from.batch_execute("INSERT INTO t VALUES (901, 1, -9, 'p'); DELETE FROM t WHERE v < 3; UPDATE parts SET k = 1 WHERE k = 2; DELETE FROM parts WHERE v > 27")?;
    let dir = sh::base()?.join(format!("out/dump-{}", nodes.server.major));
    let _ = fs::remove_dir_all(&dir);
    sh::make_dir(&dir)?;
    let (custom, plain, schema) = (dir.join("custom"), dir.join("plain.sql"), dir.join("schema"));
    dump(nodes, "dump_from", &["-Fc"], &custom)?;
    dump(nodes, "dump_from", &["-Fp"], &plain)?;
    dump(nodes, "dump_from", &["-Fc", "--schema-only"], &schema)?;

    nodes.fresh_database("dump_custom")?;
    restore(nodes, "dump_custom", &["-j", "2"], &custom)?;
    nodes.fresh_database("dump_plain")?;
    sh::capture(nodes.psql("dump_plain").args(["-o", "/dev/null", "-f"]).arg(&plain))?;
    nodes.fresh_database("dump_data")?;
    restore(nodes, "dump_data", &[], &schema)?;
    restore(nodes, "dump_data", &["--data-only", "--disable-triggers"], &custom)?;
    restored(&mut connect(nodes, "dump_custom")?, &views, "pg_restore -j 2", true)?;
    restored(&mut connect(nodes, "dump_plain")?, &views, "a plain dump", true)?;
    restored(&mut connect(nodes, "dump_data")?, &views, "schema first, then data without triggers", false)
}

/// A whole dump brings views that need nothing done to them; data without triggers ones that are read from the source until compaction.
fn restored(c: &mut Client, views: &[View], how: &str, whole: bool) -> Result<()> {
    exact(c, views, how)?;
    if whole {
        all_ok(c, views, how)?;
    }
    for source in SOURCES {
        maintained(c, source, how)?;
    }
    as_replica(c, how)?;
    compacted(c, views, how)?;
    all_ok(c, views, how)?;
    for source in SOURCES {
        maintained(c, source, &format!("{how}, compacted"))?;
    }
    c.batch_execute("TRUNCATE t, parts")?;
    exact(c, views, &format!("{how}, truncated"))
}

/// Views of texts, whose hashes and states have them in the encoding of their database.
const VIEWS_OF_TEXTS: &[View] = &[
    ("by_text", "SELECT b, count(*) AS n, min(v) AS least FROM t GROUP BY b"),
    ("of_texts", "SELECT k, count(DISTINCT b) AS d, uniq(b) AS u, uniq_exact(b) AS e, top_k(b, 2) AS top, arg_max(b, v) AS last FROM t GROUP BY k"),
];
/// Of groups that the source does not have any more: SELECT k, n, v.
const KEPT: &str = "SELECT b, n, finalize(v) FROM kept ORDER BY b";

pub fn other_encoding(nodes: &mut Cluster) -> Result<()> {
    let mut c = connect(nodes, "postgres")?;
    c.batch_execute("DROP DATABASE IF EXISTS latin1 WITH (FORCE)")?;
    c.batch_execute("CREATE DATABASE latin1 TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")?;
    let mut from = connect(nodes, "latin1")?;
    from.batch_execute(&format!("{TABLE}; CREATE EXTENSION pg_tally"))?;
    let kept = ("kept", "SELECT b, count(*) AS n, sum_state(v) AS v FROM old GROUP BY b");
    from.batch_execute("CREATE TABLE old (at timestamptz, b text, v int); SELECT tally.create_view('days', 'SELECT date_bin(''1 day'', at, ''epoch'') AS day, b, count(*) AS n FROM old GROUP BY 1, 2')")?;
    for (view, query) in VIEWS_OF_TEXTS.iter().chain([&kept]) {
        from.execute("SELECT tally.create_view($1, $2)", &[view, query])?;
    }
    let texts = "SELECT i, i % 5, i % 31, CASE WHEN i % 2 = 0 THEN 'é' ELSE 'ü' END || i % 3";
    from.batch_execute(&format!("INSERT INTO t {texts} FROM generate_series(1, 100) i; SELECT tally.compact(); INSERT INTO t {texts} FROM generate_series(101, 140) i; DELETE FROM t WHERE v = 30"))?;
    // groups that stay without rows of the source, compacted and pending, and states put in by hand
    from.batch_execute("INSERT INTO old SELECT timestamptz '2024-01-01Z' + i * interval '1 hour', 'é' || i % 2, i FROM generate_series(1, 100) i; SELECT tally.compact()")?;
    from.batch_execute("INSERT INTO kept SELECT b, count_state(*), sum_state(v) FROM old GROUP BY b; SET tally.maintain = off; DELETE FROM old WHERE at < '2024-01-03Z'; RESET tally.maintain")?;
    let (shown, days) = (listed(&mut from, KEPT)?, "SELECT day::text, b, n FROM days ORDER BY day, b");
    let shown_days = listed(&mut from, days)?;
    let to = sh::base()?.join(format!("out/latin1-{}.sql", nodes.server.major));
    dump(nodes, "latin1", &["-Fp"], &to)?;
    nodes.fresh_database("utf8")?;
    sh::capture(nodes.psql("utf8").args(["-o", "/dev/null", "-f"]).arg(&to))?;

    let mut c = connect(nodes, "utf8")?;
    let encoding: String = c.query_one("SHOW server_encoding", &[])?.get(0);
    ensure!(encoding == "UTF8", "this server's databases are {encoding}");
    let status = listed(&mut c, "SELECT DISTINCT status FROM tally.views")?;
    ensure!(status == ["read from source"], "views of another encoding are {status:?}");
    for (when, from) in [("restored", 201), ("compacted", 301)] {
        exact(&mut c, VIEWS_OF_TEXTS, when)?;
        c.batch_execute(&format!("INSERT INTO t {texts} FROM generate_series({from}, {from} + 40) i; DELETE FROM t WHERE v = 29 OR b = 'é1'"))?;
        exact(&mut c, VIEWS_OF_TEXTS, &format!("{when}, written to"))?;
        c.batch_execute("SELECT tally.compact()")?;
        let status = listed(&mut c, "SELECT DISTINCT status FROM tally.views")?;
        ensure!(status == ["ok"], "views after compaction are {status:?}");
        exact(&mut c, VIEWS_OF_TEXTS, &format!("{when}, written to, compacted"))?;
    }
    let (again, again_days) = (listed(&mut c, KEPT)?, listed(&mut c, days)?);
    ensure!(again == shown && again_days == shown_days, "what is kept became {again:?}, {again_days:?}, and was {shown:?}, {shown_days:?}");
    c.batch_execute("INSERT INTO old VALUES ('2024-01-01Z', 'é1', 1000)")?;
    let one = |c: &mut Client| listed(c, "SELECT count(*) FROM days WHERE day = '2024-01-01Z' AND b = 'é1'");
    ensure!(one(&mut c)? == ["1"], "a kept group is there {:?} times", one(&mut c)?);
    c.batch_execute("SELECT tally.compact()")?;
    ensure!(one(&mut c)? == ["1"], "a kept group is there {:?} times, compacted", one(&mut c)?);
    Ok(())
}

/// Each row as one text.
fn listed(c: &mut Client, query: &str) -> Result<Vec<String>> {
    let rows = c.query(&format!("SELECT array_to_string(array(SELECT json_each_text.value FROM json_each_text(row_to_json(x))), '|') FROM ({query}) x"), &[])?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

pub fn all_ok(c: &mut Client, views: &[View], when: &str) -> Result<()> {
    let rows = c.query("SELECT view::text, status FROM tally.views", &[])?;
    let status: Vec<String> = rows.iter().map(|r| format!("{} {}", r.get::<_, &str>(0), r.get::<_, &str>(1))).collect();
    let ok = status.len() == views.len() && status.iter().all(|s| s.ends_with(" ok"));
    ensure!(ok, "{when}: views and their status are {}", status.join(", "));
    Ok(())
}

/// What a replication worker's session writes.
pub fn as_replica(c: &mut Client, how: &str) -> Result<()> {
    c.batch_execute("SET session_replication_role = replica")?;
    for (table, views) in SOURCES {
        c.batch_execute(&format!("DELETE FROM {table} WHERE id > 5000"))?;
        for sql in [
            format!("INSERT INTO {table} VALUES (5001, 1, -50, 'r'), (5002, 9, 50, 'r')"),
            format!("UPDATE {table} SET k = 3, v = v + 1 WHERE id % 4 = 1"),
            format!("DELETE FROM {table} WHERE id % 4 = 2"),
            format!("MERGE INTO {table} s USING (VALUES (5001), (5003)) q (id) ON s.id = q.id WHEN MATCHED THEN UPDATE SET v = 7 WHEN NOT MATCHED THEN INSERT VALUES (q.id, 0, 1, 'm')"),
        ] {
            c.batch_execute(&sql)?;
            exact(c, views, &format!("{how}, with session_replication_role = replica: {sql}"))?;
        }
    }
    Ok(c.batch_execute("RESET session_replication_role")?)
}

pub fn dump(nodes: &Cluster, database: &str, how: &[&str], to: &Path) -> Result<()> {
    let mut c = Command::new(client_program(&nodes.server, "pg_dump")?);
    sh::capture(nodes.aim(c.args(how).arg("-f").arg(to), database))?;
    Ok(())
}

pub fn restore(nodes: &Cluster, into: &str, how: &[&str], from: &Path) -> Result<()> {
    let mut c = Command::new(client_program(&nodes.server, "pg_restore")?);
    c.args(["--exit-on-error", "-d", into]).args(how).arg(from);
    sh::capture(nodes.aim(&mut c, into))?;
    Ok(())
}
