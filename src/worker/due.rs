//! `tally.run_due()`: one round of what the worker does, in the caller's transaction.
//!
//! Each refresh is a subtransaction, so that one which fails takes nothing else with it. The views that are done stay locked until the
//! transaction ends, since nobody else can see that they are done before.

use super::attempt::{self, Outcome};
use super::chores::{self, Chore};
use super::facts::{Facts, Known};
use crate::pg::error::Fail;
use crate::pg::{catalog, clock, lock, process};
use crate::view::ledger::{self, Kind};
use crate::view::refreshable;
use pg_tally_core::schedule::{Instant, due_in_order};
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;
use std::collections::HashSet;

enum Next {
    Run(Box<Known>, Instant),
    /// Somebody else is at the view with this definition.
    Wait(Oid),
    Done,
}

/// The number of views refreshed here.
pub fn run() -> i64 {
    check();
    // What is done here, others may wait for.
    process::wake_at_end();
    let called = clock::now();
    // Who has nothing to do must make nobody wait.
    let has_any = !own(Facts::read(&HashSet::new())).views.is_empty();
    let refreshed = if has_any { refresh_all(called) } else { 0 };
    chores::all().iter().for_each(Chore::run_here);
    refreshed
}

/// Those of views that the current user may refresh. A query that asks for this round is not waited for by it.
fn own(mut facts: Facts) -> Facts {
    facts.views.retain(|v| catalog::may_act_for(v.owner) && !refreshable::is_refreshing(v.id));
    facts
}

fn refresh_all(called: Instant) -> i64 {
    lock::lock_round();
    let mut refreshed = 0;
    loop {
        match lock::scheduling(|| next(called)) {
            Next::Run(view, scheduled) => refreshed += i64::from(refresh(&view, scheduled)),
            Next::Wait(query) => lock::wait_for_job(query),
            Next::Done => return refreshed,
        }
    }
}

fn check() {
    let refuse = |code, what: &str| Fail::new(code, format!("cannot run tally.run_due() in a {what} transaction"));
    if lock::has_transaction_snapshot() {
        refuse(PgSqlErrorCode::ERRCODE_ACTIVE_SQL_TRANSACTION, "REPEATABLE READ or SERIALIZABLE")
            .detail("The transaction's snapshot may be older than what the views are refreshed from.")
            .hint("Use a READ COMMITTED transaction.")
            .raise();
    }
    if lock::is_read_only() {
        refuse(PgSqlErrorCode::ERRCODE_READ_ONLY_SQL_TRANSACTION, "read-only").raise();
    }
}

fn next(called: Instant) -> Next {
    let facts = own(Facts::read(&HashSet::new()));
    let now = clock::now();
    let round = due_in_order(&facts.rules(), called, now);
    facts.write_down(&round.lost, &round.set_back, now);
    let Some(start) = round.start.first() else {
        return round.elsewhere.first().map_or(Next::Done, |&key| Next::Wait(Oid::from(key)));
    };
    match facts.views.into_iter().find(|v| v.key() == start.id) {
        Some(view) if lock::try_lock_job(view.query) => Next::Run(Box::new(view), start.scheduled),
        _ => Next::Wait(Oid::from(start.id)),
    }
}

fn refresh(view: &Known, scheduled: Instant) -> bool {
    let entry = ledger::begin(view.id, Kind::Refresh, clock::now());
    match attempt::run(view, &entry, scheduled) {
        Outcome::Done => true,
        Outcome::Failed(why) => {
            Fail::new(PgSqlErrorCode::ERRCODE_WARNING, format!("could not refresh view \"{}\"", catalog::relation_name(view.view))).detail(format!("{why}.")).warn();
            false
        }
        Outcome::Cancelled(why) => Fail::new(PgSqlErrorCode::ERRCODE_QUERY_CANCELED, why).raise(),
    }
}
