//! Compaction and rebuild: delta folded into main, groups in doubt repaired from the source.
//!
//! Each is one statement in one snapshot, under a lock that only such statements take. They read source and delta together,
//! so they must not run while the triggers of a statement on the source are still to fire, nor with an old snapshot.

use super::registry::{self, Registered};
use super::{storage, triggers};
use crate::pg::error::Fail;
use crate::pg::{lock, sql};
use pg_tally_core::view as rules;
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;

/// Folds the delta of one view or of all that the user owns; the delta rows folded.
pub fn compact(name: Option<&str>) -> i64 {
    let views = match name {
        Some(name) => vec![owned(name)],
        None => registry::all().into_iter().filter(|v| owns(v.view)).collect(),
    };
    super::ddl::clean_up();
    views.iter().map(compact_view).sum()
}

/// Rebuilds one view from its source.
pub fn refresh(name: &str) {
    let view = owned(name);
    allow(&view, "refresh");
    super::ddl::quietly(|| triggers::install(view.source));
    if triggers::are_off(view.source) {
        Fail::new(PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, format!("cannot refresh view \"{name}\" while triggers on its source are disabled"))
            .hint("Enable them with ALTER TABLE … ENABLE ALWAYS TRIGGER.")
            .raise();
    }
    if lock_folding(&view) {
        rebuild(&view);
    }
}

/// The lock of whatever changes main. Others may wait for a transaction that has written, so such a transaction waits for nobody here.
pub fn lock_folding(view: &Registered) -> bool {
    if !lock::has_written() {
        lock::lock_folding(view.delta);
        return true;
    }
    let free = lock::try_lock_folding(view.delta);
    if !free {
        let name = crate::pg::catalog::relation_name(view.view);
        Fail::new(PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE, format!("skipping view \"{name}\", which another transaction is compacting")).notice();
    }
    free
}

/// The view of that name, which must be one of ours and the user's own.
pub fn owned(name: &str) -> Registered {
    let view = find(name);
    if !owns(view.view) {
        Fail::new(PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE, format!("must be owner of view {name}")).raise();
    }
    view
}

pub fn find(name: &str) -> Registered {
    let rows = sql::rows(&format!("SELECT {}::pg_catalog.regclass::pg_catalog.oid", sql::literal(name)));
    let oid: Option<u32> = rows.into_iter().flatten().flatten().next().and_then(|t| t.parse().ok());
    oid.and_then(|oid| registry::by_view(Oid::from(oid))).unwrap_or_else(|| {
        Fail::new(PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE, format!("\"{name}\" is not a view made by tally.create_view"))
            .hint("tally.views lists the views that are maintained.")
            .raise()
    })
}

pub fn owns(view: Oid) -> bool {
    let rows = sql::rows_latest(&format!(
        "SELECT pg_catalog.pg_has_role(current_user, c.relowner, 'USAGE') FROM pg_catalog.pg_class c WHERE c.oid = {}",
        view.to_u32()
    ));
    rows.first().is_some_and(|r| r[0].as_deref() == Some("t"))
}

/// Raises an ERROR where the source and delta may not be read together.
pub fn allow(view: &Registered, action: &str) {
    if lock::has_transaction_snapshot() {
        Fail::new(PgSqlErrorCode::ERRCODE_ACTIVE_SQL_TRANSACTION, format!("cannot {action} a view in a REPEATABLE READ or SERIALIZABLE transaction"))
            .detail("The transaction's snapshot may be older than what has been committed to the view.")
            .hint("Use a READ COMMITTED transaction.")
            .raise();
    }
    if lock::is_read_only() {
        Fail::new(PgSqlErrorCode::ERRCODE_READ_ONLY_SQL_TRANSACTION, format!("cannot {action} a view in a read-only transaction")).raise();
    }
    check_not_in_use(view.source, &format!("{action} a view of"));
}

/// Raises an ERROR in the middle of a statement on the source, its partitions, children or ancestors.
pub fn check_not_in_use(source: Oid, action: &str) {
    let n = source.to_u32();
    let relatives = oids(&format!("SELECT m::pg_catalog.oid FROM tally.members({n}) m UNION SELECT a::pg_catalog.oid FROM tally.ancestors({n}) a"));
    relatives.into_iter().for_each(|table| lock::check_not_in_use(table, action));
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

pub fn compact_view(view: &Registered) -> i64 {
    allow(view, "compact");
    if !lock_folding(view) {
        return 0;
    }
    let Some(spec) = storage::spec(view) else { return 0 };
    let (delta, filled) = (spec.storage.delta(), spec.storage.filled());
    let state = as_owner(
        view,
        &format!(
            "SELECT NOT EXISTS (SELECT FROM {filled}) OR EXISTS (SELECT FROM {delta} WHERE doubt = 2), EXISTS (SELECT FROM {filled}) AND NOT EXISTS (SELECT FROM {delta})"
        ),
    );
    let is = |i: usize| state.first().is_some_and(|r| r[i].as_deref() == Some("t"));
    if is(1) {
        return 0;
    }
    if is(0) {
        // While changes of the source go unseen, the source is what readers must read.
        return if triggers::are_off(view.source) { 0 } else { rebuild(view) };
    }
    let folded = count(as_owner(view, &rules::compaction(&spec)));
    super::retain::horizon::tidy(view);
    folded
}

/// The lock is held. Gives the delta rows that went.
pub fn rebuild(view: &Registered) -> i64 {
    let Some(spec) = storage::spec(view) else { return 0 };
    if spec.horizon && spec.recomputes() {
        // What a kept group has of an aggregate without a state comes from main, so groups that are new go there first.
        as_owner(view, &rules::compaction(&spec));
    }
    let folded = count(as_owner(view, &rules::rebuild(&spec)));
    as_owner(view, &format!("ANALYZE {}", spec.storage.main()));
    if spec.counts_values() {
        as_owner(view, &format!("ANALYZE {}", spec.storage.values()));
    }
    folded
}

/// The number that is all the answer.
pub fn count(rows: sql::Rows) -> i64 {
    rows.into_iter().flatten().flatten().next().and_then(|t| t.parse().ok()).unwrap_or(0)
}

pub fn as_owner(view: &Registered, statement: &str) -> sql::Rows {
    sql::as_role(view.owner, || sql::pinned(|| sql::rows(statement)))
}
