//! Whether a process has anything to do in its database.

use crate::pg::error::Fail;
use crate::pg::process::{self, Sort};
use crate::pg::{catalog, lock, setting, sql};
use pgrx::PgSqlErrorCode;

/// The version that the library belongs to.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

const SECOND: i64 = 1_000_000;
const TRIES: usize = 10;
/// Until the next look at an extension that has to be updated; the update wakes the processes.
const UPDATE: i64 = 60 * SECOND;
/// Until the next look at a restore.
const RESTORE: i64 = 5 * SECOND;

/// Makes this the one process of its sort in the database, or ends it.
pub fn alone(sort: Sort) {
    let mut tries = 0;
    while !process::transaction("looking for another process like this", || lock::try_keep_process(sort as u32)) {
        // It may just be leaving.
        tries += 1;
        if tries == TRIES {
            process::leave();
        }
        process::sleep(SECOND / 10);
    }
}

/// Makes this the one process of its sort in the database, which has this work to do again and again: `round` runs in no transaction and
/// says how long to sleep.
pub fn live(sort: Sort, mut round: impl FnMut() -> i64) {
    alone(sort);
    // Of two processes one tells.
    let mut told = sort != Sort::Worker;
    loop {
        if !setting::worker() {
            process::leave();
        }
        let nap = match process::transaction("looking for the extension", || look(&mut told)) {
            Home::Gone => process::leave(),
            Home::Ready => round(),
            Home::Restoring => RESTORE,
            Home::Other => UPDATE,
        };
        process::sleep(nap);
    }
}

/// Runs `work` in a transaction that the extension outlives. Ends the process if it has gone.
pub fn transaction<R>(what: &str, work: impl FnOnce() -> R) -> R {
    process::transaction(what, || if catalog::hold_extension().is_some() { work() } else { process::leave() })
}

enum Home {
    Ready,
    /// The extension is not there any more.
    Gone,
    /// It is of another version than the library.
    Other,
    /// A dump is being restored: what is read now is not what it will be, and what is written now is written again.
    Restoring,
}

fn look(told: &mut bool) -> Home {
    match catalog::hold_extension() {
        None => Home::Gone,
        Some(version) if version != VERSION => {
            if !std::mem::replace(told, true) {
                tell(&version);
            }
            Home::Other
        }
        Some(_) if is_being_restored() => Home::Restoring,
        Some(_) => Home::Ready,
    }
}

/// Whether the transaction may rely on the extension until it ends.
pub fn is_ready() -> bool {
    matches!(look(&mut true), Home::Ready)
}

fn is_being_restored() -> bool {
    let asked = "SELECT FROM pg_catalog.pg_stat_activity a WHERE a.datname = pg_catalog.current_database() AND a.application_name = 'pg_restore' LIMIT 1";
    !sql::rows_latest_planned(asked, &[]).is_empty()
}

fn tell(version: &str) {
    Fail::new(
        PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format!("extension pg_tally in database \"{}\" is of version {version}, but its library of version {VERSION}", catalog::database_name()),
    )
    .detail("The background worker does nothing in this database until they agree.")
    .hint("Run ALTER EXTENSION pg_tally UPDATE in it.")
    .log();
}
