//! The process that refreshes one view, once.

use super::attempt::{self, Outcome};
use super::facts::{Facts, Known};
use super::home;
use crate::pg::error::Fail;
use crate::pg::process::{self, Sort};
use crate::pg::{catalog, clock, lock, setting};
use crate::view::ledger::{self, Entry, Kind};
use pg_tally_core::schedule::Instant;
use pg_tally_core::schedule::decide::{Jobs, decide};
use pgrx::PgSqlErrorCode;
use std::collections::HashSet;

crate::process!("job", |database| {
    process::begin(Some(database));
    let id = process::argument();
    if let Some(claim) = process::transaction("looking whether a refresh is due", || claim(id)) {
        let what = process::transaction("looking for a view", || format!("refreshing {}", catalog::qualified_name(claim.view.view)));
        process::transaction(&what, || refresh(&claim));
        lock::release_kept();
        // Others may have waited for the slot.
        process::wake(Sort::Worker, true);
    }
    process::leave();
});

struct Claim {
    view: Known,
    entry: Entry,
    scheduled: Instant,
}

/// Decides again, now that nobody else does, and writes down that the refresh begins. It is committed before it begins, so that it is seen
/// if it never ends. The locks that say who is at work outlast the transaction.
fn claim(id: i64) -> Option<Claim> {
    if !home::is_ready() {
        return None;
    }
    lock::lock_scheduler();
    if !lock::try_keep_slot(setting::max_workers()) {
        return None;
    }
    let facts = Facts::read(&HashSet::new());
    let now = clock::now();
    let all = Jobs { max_workers: usize::MAX, running: 0 };
    let key = facts.views.iter().find(|v| v.id == id)?.key();
    let start = decide(&facts.rules(), now, all).start.into_iter().find(|s| s.id == key)?;
    let view = facts.views.into_iter().find(|v| v.id == id)?;
    if !lock::try_keep_job(view.query) {
        return None;
    }
    let entry = ledger::begin(id, Kind::Refresh, now);
    Some(Claim { view, entry, scheduled: start.scheduled })
}

fn refresh(claim: &Claim) {
    if catalog::hold_extension().is_none() {
        return;
    }
    match attempt::run(&claim.view, &claim.entry, claim.scheduled) {
        Outcome::Done => {}
        Outcome::Failed(why) | Outcome::Cancelled(why) => {
            Fail::new(PgSqlErrorCode::ERRCODE_WARNING, format!("refresh of view \"{}\" failed", catalog::qualified_name(claim.view.view))).detail(format!("{why}.")).log();
        }
    }
}
