//! Connections, from the environment variables that every PostgreSQL client reads.

use postgres::{Client, Config, NoTls, SimpleQueryMessage};
use std::time::Duration;

pub type Rows = Vec<Vec<Option<String>>>;

pub fn config() -> Config {
    let var = |n: &str, d: &str| std::env::var(n).unwrap_or_else(|_| d.to_string());
    let mut c = Config::new();
    c.host(&var("PGHOST", "/var/run/postgresql"))
        .user(&var("PGUSER", "postgres"))
        .dbname(&var("PGDATABASE", "postgres"))
        .connect_timeout(Duration::from_secs(10))
        .notice_callback(|_| {});
    if let Ok(port) = var("PGPORT", "5432").parse() {
        c.port(port);
    }
    if let Ok(p) = std::env::var("PGPASSWORD") {
        c.password(p);
    }
    c
}

/// Waits for a server that recovers from a crash.
pub fn connect(name: &str) -> Result<Client, postgres::Error> {
    let mut tries = 0;
    let mut c = loop {
        match config().application_name(name).connect(NoTls) {
            Err(e) if tries < 120 && e.as_db_error().is_some_and(|d| d.code().code() == "57P03") => {
                tries += 1;
                std::thread::sleep(Duration::from_millis(500));
            }
            other => break other?,
        }
    };
    c.batch_execute("SET client_min_messages = warning; SET jit = off")?;
    Ok(c)
}

/// Rows as text, as the simple protocol sends them.
pub fn rows(c: &mut Client, sql: &str) -> Result<Rows, postgres::Error> {
    let mut out = vec![];
    for m in c.simple_query(sql)? {
        if let SimpleQueryMessage::Row(r) = m {
            out.push((0..r.len()).map(|i| r.get(i).map(str::to_string)).collect());
        }
    }
    Ok(out)
}

pub fn value(c: &mut Client, sql: &str) -> Result<String, postgres::Error> {
    Ok(rows(c, sql)?.first().and_then(|r| r.first().cloned().flatten()).unwrap_or_default())
}

/// SQLSTATE and everything that the server said.
pub fn explain(e: &postgres::Error) -> (String, String) {
    match e.as_db_error() {
        None => ("client".into(), e.to_string()),
        Some(d) => {
            let mut s = d.message().to_string();
            for (what, part) in [("DETAIL", d.detail()), ("HINT", d.hint()), ("CONTEXT", d.where_())] {
                // a panic brings its backtrace along, of which a report needs nothing
                let said: Vec<&str> = part.unwrap_or_default().lines().filter(|l| !is_frame(l)).collect();
                if !said.join("").trim().is_empty() {
                    s += &format!("\n  {what}: {}", said.join("\n    "));
                }
            }
            (d.code().code().to_string(), s)
        }
    }
}

fn is_frame(line: &str) -> bool {
    let l = line.trim_start();
    l.starts_with("at ./") || l.split_once(": ").is_some_and(|(n, _)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}
