//! Writers whose view's delta has grown large fold it when they commit, as GIN's pending list is.
//!
//! Folding reads main and delta only, never the source, so it may run at any time between statements. At commit the lock is
//! only tried, all happens in a subtransaction, and a failure is nothing but a line in the log.

use super::compact;
use super::compiled::Compiled;
use super::registry::{self, Registered};
use super::storage;
use crate::pg::expr::Table;
use crate::pg::setting::Limit;
use crate::pg::{catalog, lock, setting, sql, xact};
use pg_tally_core::view as rules;
use pgrx::pg_sys::{self, Oid};
use std::cell::RefCell;
use std::collections::HashMap;

/// Per delta table: the rows that this transaction has appended, and those of this session since it last looked.
#[derive(Default)]
struct Appended {
    now: HashMap<Oid, u64>,
    since_look: HashMap<Oid, u64>,
}

thread_local! {
    static APPENDED: RefCell<Appended> = RefCell::new(Appended::default());
}

/// About what a row of delta takes, in bytes.
const ROW: u64 = 100;

/// Rows that a session appends between two looks at delta.
const BETWEEN_LOOKS: u64 = 1000;

/// Pages that a look reads.
const LOOK: f64 = 64.0;

pub fn register() {
    xact::register(before_commit, at_end);
}

/// Notes that the transaction has appended rows to the view's delta.
pub fn appended(view: &Compiled, rows: u64) {
    APPENDED.with(|a| *a.borrow_mut().now.entry(view.delta).or_default() += rows);
}

fn at_end() {
    APPENDED.with(|a| a.borrow_mut().now.clear());
}

fn before_commit() {
    let appended = APPENDED.with(|a| std::mem::take(&mut a.borrow_mut().now));
    let Some(limit) = setting::delta_limit().filter(|_| !appended.is_empty()) else { return };
    if lock::has_transaction_snapshot() || lock::is_read_only() {
        return;
    }
    for (delta, rows) in appended {
        let due = APPENDED.with(|a| {
            let mut a = a.borrow_mut();
            let since = a.since_look.entry(delta).or_default();
            *since += rows;
            let due = *since * ROW > limit.bytes() || *since > BETWEEN_LOOKS;
            if due {
                *since = 0;
            }
            due
        });
        // The transaction has locked what it appended to.
        let pages = if due { Table::try_open(delta, pg_sys::NoLock).map_or(0, |table| table.pages()) } else { 0 };
        if pages > limit.pages() {
            xact::attempt("fold the pending rows of a view", || fold(delta, pages, limit));
        }
    }
}

fn fold(delta: Oid, pages: u32, limit: Limit) {
    if !is_alive(delta, pages, limit) || !lock::try_lock_folding(delta) {
        return;
    }
    if let Some(view) = registry::all().into_iter().find(|v| v.delta == delta) {
        run(&view);
    }
}

fn run(view: &Registered) {
    // States that nobody reads may be such as cannot be read.
    if !compact::is_exact(view) {
        return;
    }
    let Some(spec) = storage::spec(view) else { return };
    let sql = rules::fold(&spec);
    sql::as_role(view.owner, || sql::pinned(|| sql::rows(&sql)));
}

/// Whether more of delta is alive than the limit: it keeps its size until it is vacuumed, however little is left in it, and a
/// fold reads all of it. The server's statistics of live rows are a second old, in which every writer would fold again.
fn is_alive(delta: Oid, pages: u32, limit: Limit) -> bool {
    let share = (LOOK / f64::from(pages)).min(1.0);
    let look = format!("SELECT pg_catalog.count(*) FROM {} TABLESAMPLE SYSTEM ({})", catalog::qualified_name(delta), share * 100.0);
    let seen = compact::count(sql::as_role(catalog::owner(delta), || sql::pinned(|| sql::rows(&look))));
    seen as f64 / share * ROW as f64 > limit.bytes() as f64
}
