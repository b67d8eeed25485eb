//! What is done for views, written down: `tally.log` has an entry for each attempt, `tally.progress` how far a view's refreshes have come.
//!
//! Whoever works in a transaction of his own begins an entry and commits it first, so that an attempt that crashes is seen; what is
//! done in the caller's transaction is written when it is done, and a rollback takes it away with all the rest.

use super::refresh::Done;
use crate::pg::{clock, process, sql};
use pg_tally_core::schedule::Instant;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Refresh,
    Compaction,
    Backfill,
    Retention,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Refresh => "refresh",
            Kind::Compaction => "compaction",
            Kind::Backfill => "backfill",
            Kind::Retention => "retention",
        }
    }
}

/// An entry that has not ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    pub id: i64,
    pub kind: Kind,
    /// Its number in `tally.log`.
    pub number: i64,
    pub started: Instant,
}

/// Writes down that work on a view begins.
pub fn begin(id: i64, kind: Kind, now: Instant) -> Entry {
    let started = clock::literal(now);
    if kind == Kind::Refresh {
        write(&format!(
            "INSERT INTO tally.progress AS p (id, started) VALUES ({id}, {started}) \
             ON CONFLICT (id) DO UPDATE SET started = EXCLUDED.started, finished = NULL"
        ));
    }
    let kind_name = sql::literal(kind.name());
    let number = write(&format!("INSERT INTO tally.log (id, kind, started, status) VALUES ({id}, {kind_name}, {started}, 'running') RETURNING entry"));
    Entry { id, kind, number, started: now }
}

/// The work has succeeded. `satisfied`: up to when the schedule's ticks are satisfied, if that is not the start.
pub fn done(entry: &Entry, satisfied: Option<Instant>, done: &Done, now: Instant) {
    let finished = clock::literal(now);
    write(&format!(
        "UPDATE tally.log SET finished = {finished}, rows_read = {}, rows_written = {}, status = 'ok', error = NULL WHERE entry = {}",
        number(done.read),
        done.written,
        entry.number
    ));
    if entry.kind == Kind::Refresh {
        succeeded(entry.id, entry.started, satisfied.unwrap_or(entry.started), now);
    }
}

/// The work has failed, or whoever did it is gone.
pub fn failed(entry: &Entry, error: &str, now: Instant) {
    let (finished, error) = (clock::literal(now), sql::literal(error));
    write(&format!("UPDATE tally.log SET finished = {finished}, status = 'failed', error = {error} WHERE entry = {}", entry.number));
    if entry.kind == Kind::Refresh {
        write(&format!(
            "UPDATE tally.progress SET finished = {finished}, failures = failures + 1, last_duration = {finished} - started, exception = {error} WHERE id = {}",
            entry.id
        ));
    }
}

/// There was nothing to do.
pub fn nothing(entry: &Entry) {
    write(&format!("DELETE FROM tally.log WHERE entry = {}", entry.number));
}

/// Work of these kinds that was begun and that nobody is at any more has failed. Gives the views that were folded or filled, and how many
/// times in a row it has failed there: it may be what ends the process, or the server.
pub fn lost_upkeep(kinds: &[Kind], now: Instant) -> Vec<(i64, u32)> {
    let kinds = kinds.iter().map(|kind| sql::literal(kind.name())).collect::<Vec<_>>().join(", ");
    let lost = format!(
        "WITH lost AS (UPDATE tally.log SET finished = {}, status = 'failed', error = 'the process that did it is gone' \
         WHERE status = 'running' AND kind IN ({kinds}) RETURNING id, kind) SELECT id, kind FROM lost WHERE kind <> 'retention'",
        clock::literal(now)
    );
    let rows = sql::as_superuser(|| sql::pinned(|| sql::rows(&lost)));
    rows.iter().filter_map(|row| Some((row[0].as_deref()?.parse().ok()?, row[1].as_deref()?))).map(|(id, kind)| (id, failures(id, kind))).collect()
}

/// How many times in a row it has failed to fill a view.
pub fn failed_backfills(id: i64) -> u32 {
    failures(id, Kind::Backfill.name())
}

fn failures(id: i64, kind: &str) -> u32 {
    let kind = sql::literal(kind);
    let failed = write(&format!(
        "SELECT pg_catalog.count(*) FROM tally.log l WHERE l.id = {id} AND l.kind = {kind} AND l.status = 'failed' \
           AND l.started > ALL (SELECT g.started FROM tally.log g WHERE g.id = {id} AND g.kind = {kind} AND g.status = 'ok')"
    ));
    failed as u32
}

/// Entries that are too old go. Of compactions, which are many, only those that failed are kept longer than a day.
pub fn forget(keep: Option<i64>, now: Instant) -> i64 {
    let day = 86_400_000_000;
    let older = |than: i64| format!("started < {} AND status <> 'running'", clock::literal(now.plus(-than)));
    let mut which = vec![format!("kind = 'compaction' AND status = 'ok' AND {}", older(keep.map_or(day, |keep| keep.min(day))))];
    which.extend(keep.map(older));
    which.push("id NOT IN (SELECT s.id FROM tally.storage s)".into());
    which.iter().map(|which| write(&format!("WITH d AS (DELETE FROM tally.log WHERE {which} RETURNING 1) SELECT pg_catalog.count(*) FROM d"))).sum()
}

/// A refresh that was begun and that nobody is at any more has failed.
pub fn lost(id: i64, error: &str, now: Instant) {
    let (finished, error) = (clock::literal(now), sql::literal(error));
    write(&format!("UPDATE tally.log SET finished = {finished}, status = 'failed', error = {error} WHERE id = {id} AND kind = 'refresh' AND status = 'running'"));
    write(&format!(
        "UPDATE tally.progress SET finished = {finished}, failures = failures + 1, last_duration = {finished} - started, exception = {error} \
         WHERE id = {id} AND finished IS NULL"
    ));
}

/// The clock was wrong when the view's ticks were last satisfied: they are up to now.
pub fn set_back(id: i64, now: Instant) {
    write(&format!("UPDATE tally.progress SET satisfied = {} WHERE id = {id}", clock::literal(now)));
}

/// A refresh that was done in the caller's transaction. That of a `whole` view satisfies what its schedule asked for until then.
pub fn did_refresh(id: i64, started: Instant, whole: bool, done: &Done, now: Instant) {
    did(id, Kind::Refresh, started, done, now);
    if whole {
        succeeded(id, started, started, now);
    }
}

/// Work that was done in the caller's transaction, all at once.
pub fn did(id: i64, kind: Kind, started: Instant, done: &Done, now: Instant) {
    write(&format!(
        "INSERT INTO tally.log (id, kind, started, finished, rows_read, rows_written, status) VALUES ({id}, {}, {}, {}, {}, {}, 'ok')",
        sql::literal(kind.name()),
        clock::literal(started),
        clock::literal(now),
        number(done.read),
        done.written
    ));
    // A worker's refreshes may wait for this one.
    process::wake_at_end();
}

/// A view that was never refreshed is as fresh as can be.
pub fn is_fresh(id: i64, now: Instant) {
    let now = clock::literal(now);
    write(&format!("INSERT INTO tally.progress (id, started, finished, satisfied) VALUES ({id}, {now}, {now}, {now}) ON CONFLICT DO NOTHING"));
}

/// Forgets how far views had come that are no more. Somebody else may be writing about one: then it is forgotten another time.
pub fn forget_dropped() {
    write("DELETE FROM tally.progress WHERE id IN (SELECT p.id FROM tally.progress p WHERE NOT EXISTS (SELECT FROM tally.storage s WHERE s.id = p.id) FOR UPDATE SKIP LOCKED)");
}

fn succeeded(id: i64, started: Instant, satisfied: Instant, now: Instant) {
    let (started, satisfied, finished) = (clock::literal(started), clock::literal(satisfied), clock::literal(now));
    write(&format!(
        "INSERT INTO tally.progress AS p (id, started, finished, satisfied, failures, last_success, last_duration) \
         VALUES ({id}, {started}, {finished}, {satisfied}, 0, {finished}, {finished} - {started}) \
         ON CONFLICT (id) DO UPDATE SET started = EXCLUDED.started, finished = EXCLUDED.finished, satisfied = EXCLUDED.satisfied, failures = 0, \
         last_success = EXCLUDED.last_success, last_duration = EXCLUDED.last_duration, exception = NULL"
    ));
}

fn number(n: Option<i64>) -> String {
    n.map_or("NULL".into(), |n| n.to_string())
}

/// Runs a statement on our own tables; the number that it returns, if any.
fn write(statement: &str) -> i64 {
    super::compact::count(sql::as_superuser(|| sql::pinned(|| sql::rows(statement))))
}
