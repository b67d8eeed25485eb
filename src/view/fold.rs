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
use pgrx::pg_sys::Oid;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;

/// Per delta table: statements that appended to it in this transaction, and bytes' worth of them since this session last tried.
#[derive(Default)]
struct Appended {
    now: HashMap<Oid, Oid>,
    since_try: HashMap<Oid, u32>,
}

thread_local! {
    static LOOKS: Cell<u32> = const { Cell::new(0) };
    static APPENDED: RefCell<Appended> = RefCell::new(Appended::default());
}

/// Statements to append between two attempts of one session: delta stays large until it is vacuumed, however little is in it.
const BETWEEN_TRIES: u32 = 1000;

pub fn register() {
    xact::register(before_commit, at_end);
}

/// Appends between two looks at delta's size, which is a system call.
const BETWEEN_LOOKS: u32 = 16;

/// Notes that the transaction has appended to the view's delta.
pub fn appended(view: &Compiled, delta: &Table) {
    let looks = LOOKS.get().wrapping_add(1);
    LOOKS.set(looks);
    if !looks.is_multiple_of(BETWEEN_LOOKS) {
        return;
    }
    let Some(limit) = setting::delta_limit() else { return };
    if delta.pages() <= limit {
        return;
    }
    APPENDED.with(|a| {
        let mut a = a.borrow_mut();
        a.now.insert(view.delta, view.query);
        *a.since_try.entry(view.delta).or_insert(BETWEEN_TRIES) += BETWEEN_LOOKS;
    });
}

fn at_end() {
    APPENDED.with(|a| a.borrow_mut().now.clear());
}

fn before_commit() {
    let large: Vec<Oid> = APPENDED.with(|a| {
        let mut a = a.borrow_mut();
        let now: Vec<Oid> = std::mem::take(&mut a.now).into_keys().collect();
        now.into_iter().filter(|delta| a.since_try.get(delta).is_some_and(|n| *n > BETWEEN_TRIES)).collect()
    });
    if large.is_empty() || lock::has_transaction_snapshot() || lock::is_read_only() {
        return;
    }
    for delta in large {
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
