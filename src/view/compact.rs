//! Compaction and rebuild: delta folded into main, groups in doubt repaired from the source.
//!
//! Each is one statement in one snapshot, under a lock that only such statements take. They read source and delta together,
//! so they must not run while the triggers of a statement on the source are still to fire, nor with an old snapshot.

use super::hold::{self, What};
use super::ledger::{self, Kind};
use super::named::{View, owns};
use super::refresh::Done;
use super::registry::{self, Registered};
use super::{storage, triggers};
use crate::pg::error::Fail;
use crate::pg::{clock, lock, sql, xact};
use pg_tally_core::view as rules;
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;

/// Folds the delta of one view or of all that the user owns; the delta rows folded. A refreshable view has none.
pub fn compact(name: Option<&str>) -> i64 {
    let views = match name.map(View::owned) {
        Some(View::Incremental(view)) => vec![view],
        Some(View::Refreshable(_)) => vec![],
        None => registry::all().into_iter().filter(|v| owns(v.view)).collect(),
    };
    super::ddl::clean_up();
    let one = name.is_some();
    views.iter().map(|view| compact_noted(view, if one { compact_view } else { compact_if_possible })).sum()
}

fn compact_noted(view: &Registered, compact: fn(&Registered) -> Option<Folded>) -> i64 {
    let began = clock::now();
    compact(view).map_or(0, |folded| {
        ledger::did(view.id, folded.kind, began, &folded.done, clock::now());
        folded.rows
    })
}

/// What compaction did to a view.
pub struct Folded {
    /// Rows of delta that went.
    rows: i64,
    /// A compaction, or a backfill of a view that was read from its source.
    kind: Kind,
    pub done: Done,
}

/// Says so; false.
pub fn skipped(view: &Registered) -> bool {
    let name = crate::pg::catalog::relation_name(view.view);
    Fail::new(PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE, format!("skipping view \"{name}\", which another transaction is compacting")).notice();
    false
}

/// Raises an ERROR where the source and delta may not be read together.
pub fn allow(view: &Registered, action: &str) {
    allow_transaction(action);
    check_not_in_use(view.source, &format!("{action} a view of"));
}

/// Raises an ERROR in a transaction whose snapshot may be old, or that may not write.
pub fn allow_transaction(action: &str) {
    if lock::has_transaction_snapshot() {
        Fail::new(PgSqlErrorCode::ERRCODE_ACTIVE_SQL_TRANSACTION, format!("cannot {action} a view in a REPEATABLE READ or SERIALIZABLE transaction"))
            .detail("The transaction's snapshot may be older than what has been committed to the view.")
            .hint("Use a READ COMMITTED transaction.")
            .raise();
    }
    if lock::is_read_only() {
        Fail::new(PgSqlErrorCode::ERRCODE_READ_ONLY_SQL_TRANSACTION, format!("cannot {action} a view in a read-only transaction")).raise();
    }
}

/// Raises an ERROR in the middle of a statement on the source, its partitions, children or ancestors.
pub fn check_not_in_use(source: Oid, action: &str) {
    relatives(source).into_iter().for_each(|table| lock::check_not_in_use(table, action));
}

/// The same, and no lock is kept.
pub fn look_not_in_use(source: Oid, action: &str) {
    relatives(source).into_iter().for_each(|table| lock::look_not_in_use(table, action));
}

fn relatives(source: Oid) -> Vec<Oid> {
    let n = source.to_u32();
    oids(&format!("SELECT m::pg_catalog.oid FROM tally.members({n}) m UNION SELECT a::pg_catalog.oid FROM tally.ancestors({n}) a"))
}

/// Rows of one oid each, as of now.
pub fn oids(query: &str) -> Vec<Oid> {
    parse_oids(sql::as_superuser(|| sql::pinned(|| sql::rows_latest(query))))
}

/// The same as the current command sees it, for functions that belong to it.
pub fn oids_now(query: &str) -> Vec<Oid> {
    parse_oids(sql::as_superuser(|| sql::pinned(|| sql::rows(query))))
}

fn parse_oids(rows: sql::Rows) -> Vec<Oid> {
    rows.into_iter().flatten().flatten().filter_map(|t| t.parse::<u32>().ok()).map(Oid::from).collect()
}

/// One of many: if it fails it is told, and the others are not concerned.
fn compact_if_possible(view: &Registered) -> Option<Folded> {
    allow_to_compact(view);
    xact::isolated(|| fold_held(view.id, true)).unwrap_or_else(|failure| {
        let name = crate::pg::catalog::relation_name(view.view);
        Fail::new(failure.code, format!("could not compact view \"{name}\"")).detail(failure.message).warn();
        None
    })
}

/// None if there was nothing to do.
pub fn compact_view(view: &Registered) -> Option<Folded> {
    allow_to_compact(view);
    fold_held(view.id, true)
}

/// Before the subtransaction: a PostgreSQL with assertions takes amiss one that is rolled back by a deferred trigger at COMMIT.
fn allow_to_compact(view: &Registered) {
    allow_transaction("compact");
    look_not_in_use(view.source, "compact a view of");
}

/// Folds a view with what is behind it held. None if there was nothing to do, and no lock is kept then; or if it would have to wait and may not.
pub fn fold_held(id: i64, wait: bool) -> Option<Folded> {
    let fold = || {
        allow_transaction("compact");
        let view = hold::view(id, What::Tables, wait)?;
        allow(&view, "compact");
        fold(&view)
    };
    xact::tentatively(|| fold().ok_or(())).ok()
}

/// The lock is held, and the source and delta may be read together. None if there was nothing to do.
fn fold(view: &Registered) -> Option<Folded> {
    match state(view) {
        // While changes of the source go unseen, the source is what readers must read.
        State::Source if triggers::are_off(view.source) => None,
        State::Source => {
            lock::show_filling(view.delta);
            let (rows, done) = rebuild(view);
            Some(Folded { rows, kind: Kind::Backfill, done })
        }
        State::Clean => None,
        State::Pending => {
            let rows = count(as_owner(view, &rules::compaction(&storage::spec(view)?)));
            super::retain::horizon::tidy(view);
            Some(Folded { rows, kind: Kind::Compaction, done: Done::folded(rows) })
        }
    }
}

enum State {
    /// Not filled, or in doubt as a whole: readers read the source.
    Source,
    /// Nothing is pending.
    Clean,
    Pending,
}

fn state(view: &Registered) -> State {
    let storage = rules::Storage { id: view.id };
    let (delta, filled, elsewhere) = (storage.delta(), storage.filled(), rules::filled_elsewhere(&storage));
    let state = as_owner(
        view,
        &format!("SELECT NOT EXISTS (SELECT FROM {filled}) OR EXISTS ({elsewhere}) OR EXISTS (SELECT FROM {delta} WHERE doubt = 2), NOT EXISTS (SELECT FROM {delta})"),
    );
    let is = |i: usize| state.first().is_some_and(|r| r[i].as_deref() == Some("t"));
    match (is(0), is(1)) {
        (true, _) => State::Source,
        (_, true) => State::Clean,
        _ => State::Pending,
    }
}

/// Whether main and delta answer for the view.
pub fn is_exact(view: &Registered) -> bool {
    !matches!(state(view), State::Source)
}

/// The lock is held. Gives the delta rows that went, and what else was done.
pub fn rebuild(view: &Registered) -> (i64, Done) {
    let Some(spec) = storage::spec(view) else { return (0, Done::default()) };
    if !as_owner(view, &rules::filled_elsewhere(&spec.storage)).is_empty() {
        rules::adoption(&spec).iter().for_each(|statement| drop(as_owner(view, statement)));
    }
    if spec.recomputes() && super::retain::horizon::keeps_any(view) {
        // What a kept group has of an aggregate without a state comes from main, so groups that are new go there first.
        as_owner(view, &rules::compaction(&spec));
    }
    let rebuilt = rebuilt(as_owner(view, &rules::rebuild(&spec)));
    as_owner(view, &format!("ANALYZE {}", spec.storage.main()));
    if spec.counts_values() {
        as_owner(view, &format!("ANALYZE {}", spec.storage.values()));
    }
    rebuilt
}

/// What a rebuild says of itself.
pub fn rebuilt(rows: sql::Rows) -> (i64, Done) {
    let number = |i: usize| rows.first().and_then(|r| r[i].as_deref()?.parse().ok()).unwrap_or(0);
    (number(0), Done { read: Some(number(1)), written: number(2) })
}

/// The number that is all the answer.
pub fn count(rows: sql::Rows) -> i64 {
    rows.into_iter().flatten().flatten().next().and_then(|t| t.parse().ok()).unwrap_or(0)
}

pub fn as_owner(view: &Registered, statement: &str) -> sql::Rows {
    sql::as_role(view.owner, || sql::pinned(|| sql::rows(statement)))
}
