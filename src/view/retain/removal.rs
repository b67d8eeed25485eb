//! Rows that leave a source and still count: what its triggers do about them.
//!
//! Nothing is appended to delta; instead the horizon gets a row in the same transaction, so every snapshot that misses the rows sees
//! that their groups are kept. It is appended, as everything that writers do is: they never wait for each other there.

use super::{held, horizon};
use crate::pg::append::Appender;
use crate::pg::error::Fail;
use crate::pg::expr::{Projector, Table};
use crate::pg::probe::{self, Horizon};
use crate::pg::transition::{Change, Event};
use crate::pg::{catalog, lock, setting, sql, value};
use crate::view::compiled::Compiled;
use crate::view::registry::{self, Registered};
use crate::view::{compact, ddl, named, storage};
use pg_tally_core::view as rules;
use pg_tally_core::view::Storage;
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::{self, Datum};

/// Whether what a statement removes from a table still counts.
pub fn still_counts(change: &Change, table: &Table) -> bool {
    if setting::maintain() || !matches!(change.event(), Event::Delete | Event::Truncate) {
        return false;
    }
    let owns = may_forget(table);
    if !owns {
        Fail::new(PgSqlErrorCode::ERRCODE_WARNING, format!("tally.maintain = off has no effect on table \"{}\"", catalog::relation_name(table.oid())))
            .detail("Only the owner of a table can remove rows that its views go on counting.")
            .warn();
    }
    owns
}

/// Whoever set it must own the table, not only a function of the owner's that he calls.
fn may_forget(table: &Table) -> bool {
    named::owns(table.oid()) && catalog::session_may_act_for(catalog::owner(table.oid()))
}

/// Runs statements whose removals still count.
pub fn still_counted<R>(work: impl FnOnce() -> R) -> R {
    sql::with_settings(&[("tally.maintain", "off")], work)
}

/// A TRUNCATE is about to take all rows, which go on counting if tally.maintain is off.
pub fn announce(table: &Table) {
    if setting::maintain() || !may_forget(table) {
        return;
    }
    refuse_old_snapshot();
    for view in registry::compiled(table).iter().filter_map(|view| registry::by_id(view.id)) {
        refuse_unfilled(&view);
        // The command's own snapshot is from before its locks.
        sql::with_snapshot(|| held::hold(&view, &rules::Kept::All));
    }
}

/// Keeps the groups of the rows that a statement removed.
pub fn keep(change: &Change, table: &Table, view: &Compiled) {
    let Some(registered) = registry::by_id(view.id) else { return };
    refuse_unfilled(&registered);
    if change.event() == Event::Truncate {
        refuse_old_snapshot();
        return keep_all_or_refuse(&registered);
    }
    let Some(horizon) = horizon::oid(view.id).and_then(|oid| Table::try_open(oid, pg_sys::RowExclusiveLock)) else { return };
    let (to, rest) = sql::as_role(view.owner, || if view.by_name { sql::pinned(|| extent(change, table, view)) } else { extent(change, table, view) });
    if to.is_none() && !rest {
        return;
    }
    held::hold(&registered, &rules::Kept::Some { to: to.map(|to| bucket_literal(&horizon, to)), rest });
    let known = Horizon::of(horizon.oid());
    if to.is_some_and(|to| !known.is_kept(Some(to))) || (rest && !known.is_kept(None)) {
        Appender::new(&horizon).append_row(&[None, to, Some(rest.into())]);
    }
}

/// The horizon has the bucket's type.
fn bucket_literal(horizon: &Table, bucket: Datum) -> String {
    let kind = catalog::column_type_oid(horizon.oid(), 2);
    format!("{}::{}", sql::literal(&sql::pinned(|| value::text(bucket, kind))), catalog::column_type(kind, -1, pg_sys::InvalidOid))
}

/// The greatest bucket of the rows that went, and whether any has none.
fn extent(change: &Change, table: &Table, view: &Compiled) -> (Option<Datum>, bool) {
    view.with_projector(table, |projector| removed(change, view.bucket, projector))
}

fn removed(change: &Change, bucket: Option<usize>, projector: &mut Projector) -> (Option<Datum>, bool) {
    let (mut to, mut rest) = (None::<i64>, false);
    if let Some(mut rows) = change.old_rows() {
        while let Some(row) = rows.next() {
            pgrx::check_for_interrupts!();
            let Some(values) = projector.project(row) else { continue };
            match bucket.filter(|i| !values.nulls[*i]) {
                Some(i) => to = to.max(Some(values.values[i].value() as i64)),
                None => rest = true,
            }
        }
    }
    (to.map(Datum::from), rest)
}

/// Rows of a source went in a way that no trigger sees: a mark, or, where they still count, all groups are kept.
pub fn lost(view: &Registered) {
    if setting::maintain() || !still_counts_for(view) {
        return ddl::doubt(view);
    }
    refuse_old_snapshot();
    refuse_unfilled(view);
    keep_all_or_refuse(view);
}

/// The rows have gone: an ERROR if there are values that only they could tell.
fn keep_all_or_refuse(view: &Registered) {
    keep_all(view);
    let Some(question) = storage::spec(view).as_ref().and_then(rules::lost_values) else { return };
    if compact::as_owner(view, &question).is_empty() {
        return;
    }
    let name = catalog::relation_name(view.view);
    Fail::new(PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, format!("cannot remove rows that still count while view \"{name}\" has new groups pending"))
        .detail("The view has an aggregate without a state, whose value for such a group only its rows can tell.")
        .hint(format!("Run tally.compact({}) first.", sql::literal(&name)))
        .raise();
}

/// Whether what the session removes from the view's source under `tally.maintain = off` still counts.
pub fn still_counts_for(view: &Registered) -> bool {
    named::owns(view.source) && catalog::session_may_act_for(catalog::owner(view.source))
}

/// TRUNCATE and DROP take what the transaction's snapshot does not see yet.
fn refuse_old_snapshot() {
    if lock::has_transaction_snapshot() {
        Fail::new(PgSqlErrorCode::ERRCODE_ACTIVE_SQL_TRANSACTION, "cannot remove all rows with tally.maintain off in a REPEATABLE READ or SERIALIZABLE transaction")
            .detail("Rows that the transaction does not see would go and not be counted any more.")
            .hint("Use a READ COMMITTED transaction.")
            .raise();
    }
}

/// Keeps every group that the view has now.
pub fn keep_all(view: &Registered) {
    let Some(spec) = storage::spec(view) else { return };
    compact::as_owner(view, &rules::keep_all(&spec));
}

/// Rows that the view has not counted cannot go on counting.
fn refuse_unfilled(view: &Registered) {
    let storage = Storage { id: view.id };
    let filled = catalog::relation_in(Storage::SCHEMA, &storage.name("filled"));
    let open = |oid| Table::try_open(oid, pg_sys::AccessShareLock);
    let (Some(delta), Some(filled)) = (open(view.delta), filled.and_then(open)) else { return };
    if probe::reading(&delta, &filled, None) & probe::SOURCE == 0 {
        return;
    }
    let name = catalog::relation_name(view.view);
    Fail::new(PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, format!("cannot remove rows with tally.maintain off while view \"{name}\" is read from its source"))
        .detail("The view has not counted all rows of its source itself.")
        .hint(format!("Fill it with tally.refresh_view({}) first.", sql::literal(&name)))
        .raise();
}
