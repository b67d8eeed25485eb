//! Writers whose view's delta has grown large fold it when they commit, as GIN's pending list is.
//!
//! Folding reads main and delta only, never the source, so it may run at any time between statements. At commit the lock is
//! only tried, all happens in a subtransaction, and a failure is nothing but a line in the log.

use super::compiled::Compiled;
use super::registry::{self, Registered};
use super::storage;
use crate::pg::expr::Table;
use crate::pg::{lock, setting, sql, xact};
use pg_tally_core::view as rules;
use pgrx::pg_sys::{self, Oid};
use std::cell::RefCell;
use std::collections::HashMap;

/// Per delta table: what this transaction has appended to, and how often this session has since it last tried to fold.
#[derive(Default)]
struct Appended {
    now: Vec<Oid>,
    since_try: HashMap<Oid, u32>,
}

thread_local! {
    static APPENDED: RefCell<Appended> = RefCell::new(Appended::default());
}

/// Statements to append between two attempts of one session: delta stays large until it is vacuumed, however little is in it.
const BETWEEN_TRIES: u32 = 1000;

pub fn register() {
    xact::register(before_commit, at_end);
}

/// Notes that the transaction has appended to the view's delta.
pub fn appended(view: &Compiled) {
    APPENDED.with(|a| {
        let mut a = a.borrow_mut();
        if !a.now.contains(&view.delta) {
            a.now.push(view.delta);
        }
        *a.since_try.entry(view.delta).or_insert(BETWEEN_TRIES) += 1;
    });
}

fn at_end() {
    APPENDED.with(|a| a.borrow_mut().now.clear());
}

fn before_commit() {
    let appended = APPENDED.with(|a| {
        let mut a = a.borrow_mut();
        let now = std::mem::take(&mut a.now);
        now.into_iter().filter(|delta| a.since_try.get(delta).is_some_and(|n| *n > BETWEEN_TRIES)).collect::<Vec<_>>()
    });
    let Some(limit) = setting::delta_limit().filter(|_| !appended.is_empty()) else { return };
    if lock::has_transaction_snapshot() || lock::is_read_only() {
        return;
    }
    // The transaction has locked what it appended to.
    let is_large = |delta: &Oid| Table::try_open(*delta, pg_sys::NoLock).is_some_and(|table| table.pages() > limit);
    for delta in appended.into_iter().filter(is_large) {
        APPENDED.with(|a| a.borrow_mut().since_try.insert(delta, 0));
        xact::attempt("fold the pending rows of a view", || fold(delta));
    }
}

fn fold(delta: Oid) {
    if !lock::try_lock_folding(delta) {
        return;
    }
    if let Some(view) = registry::all().into_iter().find(|v| v.delta == delta) {
        run(&view);
    }
}

fn run(view: &Registered) {
    let Some(spec) = storage::spec(view) else { return };
    let sql = rules::fold(&spec);
    sql::as_role(view.owner, || sql::pinned(|| sql::rows(&sql)));
}
