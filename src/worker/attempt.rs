//! One attempt to refresh a view, whoever makes it.

use super::facts::Known;
use crate::pg::{clock, timeout, xact};
use crate::view::ledger::{self, Entry};
use crate::view::refresh;
use pg_tally_core::schedule::Instant;
use pgrx::PgSqlErrorCode;

pub enum Outcome {
    Done,
    /// Nothing was refreshed; the ledger says why.
    Failed(String),
    /// Somebody cancelled it.
    Cancelled(String),
}

/// Refreshes the view and writes down how that went, in this transaction. Its job lock is held. `scheduled` is the tick that it satisfies.
pub fn run(view: &Known, entry: &Entry, scheduled: Instant) -> Outcome {
    let (result, over) = timeout::within(view.timeout, || xact::attempted(|| refresh::run(view.id)));
    match result {
        Ok(Some(done)) => {
            ledger::done(entry, Some(scheduled), &done, clock::now());
            Outcome::Done
        }
        Ok(None) => failed(entry, "the view is gone".into()),
        Err(failure) if failure.code != PgSqlErrorCode::ERRCODE_QUERY_CANCELED => failed(entry, failure.message),
        Err(_) if over => failed(entry, "canceling refresh due to its timeout".into()),
        Err(failure) => {
            ledger::failed(entry, &failure.message, clock::now());
            Outcome::Cancelled(failure.message)
        }
    }
}

fn failed(entry: &Entry, why: String) -> Outcome {
    ledger::failed(entry, &why, clock::now());
    Outcome::Failed(why)
}
