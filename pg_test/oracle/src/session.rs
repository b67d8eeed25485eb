//! One connection that executes steps, and judges what comes back.

use crate::db;
use crate::plan::{Kind, Step};
use crate::value::quote;
use postgres::Client;
use std::io::Write;

/// What a failing run is recognised by while it is cut down: the same class must fail again.
#[derive(Clone, Debug)]
pub struct Failure {
    pub class: String,
    pub text: String,
}

impl Failure {
    pub fn new(class: impl Into<String>, text: impl Into<String>) -> Failure {
        Failure { class: class.into(), text: text.into() }
    }
}

#[derive(Default)]
pub struct Report {
    pub session: usize,
    pub sql: String,
    pub copy: Option<String>,
    pub result: String,
    pub checked: bool,
    pub changed: bool,
    /// Its place among the statements sent, and whether others were sent before it was done.
    pub number: u64,
    pub waited: bool,
    pub made_view: bool,
    pub millis: u64,
    /// A check whose verdict was correct refusal or an error of the user's own, by SQLSTATE.
    pub tolerated: Option<String>,
    pub refused: Option<String>,
    /// What it was meant to test, and did.
    pub path: Option<&'static str>,
    pub failure: Option<Failure>,
}

pub struct Session {
    pub id: usize,
    pub pid: i32,
    client: Client,
    in_transaction: bool,
    /// The transaction keeps the snapshot that it began with.
    keeps_snapshot: bool,
    saves: Vec<String>,
    errors: usize,
}

impl Session {
    pub fn open(id: usize, settings: &[String]) -> Result<Session, postgres::Error> {
        let mut client = db::connect(&format!("oracle session {id}"))?;
        client.batch_execute("SET lock_timeout = '2s'; SET statement_timeout = '60s'")?;
        let _ = client.batch_execute("SET deadlock_timeout = '50ms'");
        for s in settings {
            let _ = client.batch_execute(s);
        }
        let pid = db::value(&mut client, "SELECT pg_backend_pid()")?.parse().unwrap_or(0);
        Ok(Session { id, pid, client, in_transaction: false, keeps_snapshot: false, saves: vec![], errors: 0 })
    }

    /// Ends what is open, so that the session holds nothing.
    pub fn finish(&mut self) -> Report {
        if !self.in_transaction {
            return Report { session: self.id, ..Report::default() };
        }
        self.exec(&Step { session: self.id, kind: Kind::End, sql: "COMMIT".into(), copy: None })
    }

    pub fn exec(&mut self, step: &Step) -> Report {
        let start = std::time::Instant::now();
        let mut rep = Report { session: self.id, sql: step.sql.clone(), copy: step.copy.clone(), ..Report::default() };
        match self.send(step) {
            Ok(rows) => {
                self.note_success(step);
                rep.result = format!("{} rows", rows.len());
                rep.changed = matches!(step.kind, Kind::Dml | Kind::Truncate | Kind::Forget);
                rep.path = path(step, &rows);
                rep.made_view = matches!(step.kind, Kind::CreateView(_));
                // its functions answer, and what follows finds nothing wrong
                if step.kind == Kind::Settle {
                    rep.checked = true;
                    if rows.len() != step.sql.matches("SELECT tally.").count() {
                        rep.failure = Some(Failure::new("settle", show(&rows)));
                    }
                }
                let compares = step.sql.contains("CREATE TEMP TABLE before");
                if compares || matches!(step.kind, Kind::Check(_) | Kind::Fetch(_)) {
                    rep.checked = true;
                    if !rows.is_empty() {
                        rep.failure = Some(Failure::new("mismatch", show(&rows)));
                    }
                }
            }
            Err(e) => {
                let (code, text) = db::explain(&e);
                rep.result = format!("ERROR {code}: {text}");
                if self.client.is_closed() {
                    rep.failure = Some(Failure::new("crash", format!("connection lost: {text}")));
                    return rep;
                }
                let after = self.recover(step, &code);
                rep.result += &after;
                self.judge(step, &code, &text, &mut rep);
            }
        }
        rep.millis = start.elapsed().as_millis() as u64;
        rep
    }

    fn send(&mut self, step: &Step) -> Result<db::Rows, postgres::Error> {
        self.keeps_snapshot &= self.in_transaction;
        match &step.copy {
            None => db::rows(&mut self.client, &step.sql),
            Some(data) => {
                // The driver loses its place if COPY fails before it has begun; in a transaction it may fail by a deadlock.
                let table = step.sql.trim_start_matches("COPY ").split(" (").next().unwrap_or_default();
                db::rows(&mut self.client, &format!("SELECT {}::regclass", quote(table)))?;
                if self.in_transaction {
                    db::rows(&mut self.client, &format!("LOCK TABLE {table} IN ROW EXCLUSIVE MODE"))?;
                }
                let mut w = self.client.copy_in(step.sql.as_str())?;
                let _ = w.write_all(data.as_bytes());
                w.finish()?;
                Ok(vec![])
            }
        }
    }

    fn note_success(&mut self, step: &Step) {
        match step.kind {
            Kind::Begin => {
                self.in_transaction = true;
                self.keeps_snapshot = step.sql.contains("REPEATABLE READ") || step.sql.contains("SERIALIZABLE");
                self.saves.clear();
            }
            Kind::End | Kind::Prepare => self.in_transaction = false,
            Kind::Savepoint => self.saves.push(step.sql.trim_start_matches("SAVEPOINT ").to_string()),
            Kind::RollbackTo => {
                let name = step.sql.rsplit(' ').next().unwrap_or_default();
                if let Some(i) = self.saves.iter().rposition(|s| s == name) {
                    self.saves.truncate(if step.sql.starts_with("RELEASE") { i } else { i + 1 });
                }
            }
            _ => {}
        }
    }

    /// A failed transaction goes back to its last savepoint every other time, else it ends.
    fn recover(&mut self, step: &Step, code: &str) -> String {
        if matches!(step.kind, Kind::End | Kind::Prepare) {
            self.in_transaction = false;
            let _ = self.client.batch_execute("ROLLBACK");
            return String::new();
        }
        if !self.in_transaction {
            return String::new();
        }
        self.errors += 1;
        let back = match self.saves.last() {
            Some(s) if self.errors.is_multiple_of(2) && !code.starts_with("40") => format!("ROLLBACK TO {s}"),
            _ => {
                self.in_transaction = false;
                "ROLLBACK".to_string()
            }
        };
        match self.client.batch_execute(&back) {
            Ok(()) => format!("\n-- then {back}"),
            Err(e) => format!("\n-- then {back}: {}", db::explain(&e).1),
        }
    }

    fn judge(&mut self, step: &Step, code: &str, text: &str, rep: &mut Report) {
        // Whoever the victim is: that DDL was chosen to die does not make the deadlock the user's.
        if code == "40P01" && self.names_a_view(text) {
            rep.failure = Some(Failure::new("deadlock", text));
            return;
        }
        if let Kind::CreateView(_) = step.kind
            && code == "0A000" {
                rep.refused = Some(format!("{text}\n  QUERY: {}", step.sql));
                return;
            }
        let class = &code[..2.min(code.len())];
        let ours = text.contains("tally");
        let fine = match code {
            "40001" | "40P01" | "55P03" | "25P02" | "21000" | "25P01" | "3B001" | "34000" | "P0001" | "42P03" => true,
            // the shrinker drops statements that others need; names of ours are never to be missing
            "42P01" | "42704" | "42P07" | "42710" => !text.contains("tally_data"),
            "42501" => matches!(step.kind, Kind::Compact | Kind::CreateView(_) | Kind::DropView(_) | Kind::FinishPrepared) || step.sql.contains("tally.compact"),
            "42809" if step.kind == Kind::Settle => text.contains("is not the source of a view"),
            "55000" if step.sql.contains("tally.maintain = off") => text.contains("with tally.maintain off while view"),
            // a snapshot from before the view was made
            "55000" if self.keeps_snapshot => text.contains("has not been populated"),
            _ if class == "23" => !text.contains("tally_data"),
            // a view without a bucket of time
            "42809" if matches!(step.kind, Kind::Compact) => text.contains("cannot refresh a range of"),
            _ if matches!(step.kind, Kind::Compact) => matches!(class, "25" | "55" | "0A"),
            _ if step.sql.contains("tally.compact()") => matches!(class, "25" | "55" | "0A"),
            _ if step.kind.alone() => !ours && class != "XX",
            "0A000" => text.contains("cannot move tuple across partitions") || text.contains("invalid ON UPDATE specification") || text.contains("moving row to another partition"),
            _ => false,
        };
        if fine {
            let compact = if matches!(step.kind, Kind::Compact) { "compact " } else { "" };
            rep.tolerated = Some(format!("{compact}{code}"));
        } else {
            rep.failure = Some(Failure::new(format!("error {code}"), text));
        }
    }

    /// Does a deadlock's report name a relation of ours, by name or by OID?
    fn names_a_view(&mut self, text: &str) -> bool {
        if text.contains("tally_data") || text.contains("_delta\"") || text.contains("_main\"") {
            return true;
        }
        // "relation 123 of database", and the lock that compaction holds: "object 123 of class 1259"
        let named = text.split("relation ").skip(1).chain(text.split("object ").skip(1));
        let oids: Vec<&str> = named.map(|s| s.split(|c: char| !c.is_ascii_digit()).next().unwrap_or("")).filter(|s| !s.is_empty()).collect();
        if oids.is_empty() || self.in_transaction {
            return false;
        }
        let sql = format!("SELECT 1 FROM pg_class WHERE oid IN ({}) AND relnamespace::regnamespace::text IN ('tally_data', 'tally')", oids.join(","));
        db::rows(&mut self.client, &sql).is_ok_and(|r| !r.is_empty())
    }
}

/// What a statement did of which there should be enough in a run.
fn path(step: &Step, rows: &db::Rows) -> Option<&'static str> {
    let went = |i: usize| rows.get(i).and_then(|r| r[0].as_deref()).is_some_and(|n| n != "0");
    let sql = &step.sql;
    match step.kind {
        Kind::Settle if went(1) && sql.contains("set_source_retention") => Some("source's rows left, alone"),
        Kind::Settle if sql.contains("refresh_view") => Some("views refreshed, alone"),
        Kind::Settle if went(2) && sql.contains("enforce_retention") => Some("view's groups left, alone"),
        Kind::Compact if went(0) && sql.contains("enforce_retention('oracle.src") || sql.contains("enforce_retention('oracle.\"Src") => Some("source's rows left"),
        Kind::Compact if went(0) && sql.contains("enforce_retention") => Some("view's groups left"),
        Kind::Compact if sql.contains("refresh_view") && sql.contains("timestamptz") => Some("ranges refreshed"),
        Kind::Compact if sql.contains("refresh_view") => Some("views refreshed"),
        Kind::Forget | Kind::Quiet if sql.contains("CREATE TEMP TABLE before") => Some("forgotten and nothing changed"),
        Kind::Forget | Kind::Quiet if sql.contains("SET tally.maintain = off") => Some("forgotten by statements"),
        _ => None,
    }
}

pub fn show(rows: &db::Rows) -> String {
    let mut s = format!("{} differing rows", rows.len());
    for r in rows.iter().take(12) {
        let cells: Vec<&str> = r.iter().map(|c| c.as_deref().unwrap_or("NULL")).collect();
        s += &format!("\n    {}", cells.join(": "));
    }
    s
}
