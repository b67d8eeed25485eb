//! One refresh of a view, however it is kept.

use super::hold::{self, What};
use super::ledger;
use super::named::View;
use super::options::Options;
use super::registry::Registered;
use super::{compact, refreshable, storage, triggers};
use crate::pg::error::Fail;
use crate::pg::{catalog, clock, lock, sql};
use pg_tally_core::schedule::Instant;
use pg_tally_core::view::{self as rules, Bounds};
use pgrx::PgSqlErrorCode;

/// What a refresh did.
#[derive(Clone, Copy, Default, Debug)]
pub struct Done {
    /// Rows that the query gave, or that were read from the source.
    pub read: Option<i64>,
    /// Rows inserted, changed and deleted.
    pub written: i64,
}

impl Done {
    /// So many rows of delta were folded into main.
    pub fn folded(rows: i64) -> Done {
        Done { read: Some(rows), written: rows }
    }
}

/// Refreshes the view with this id in the current transaction, as its schedule asks for; None if there is no such view (any more). The caller
/// may run as anybody, and has written down that it begins.
pub fn run(id: i64) -> Option<Done> {
    let view = View::by_id(id)?;
    prepare(&view);
    if let View::Incremental(view) = &view {
        // Waited for even by a transaction that has written, as tally.run_due() has: who has the lock waits for nothing that such a one holds.
        lock::lock_folding(view.delta);
    }
    let held = hold(&view);
    if held.is_none() && View::by_id(id).is_some() {
        let name = catalog::relation_name(view.relation());
        Fail::new(PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE, format!("could not obtain lock on what is behind view \"{name}\"")).raise();
    }
    let view = held?;
    let window = Options::of(id).refresh_window;
    let bounds = window.map(|window| Bounds { from: Some(format!("{} - {}::pg_catalog.interval", clock::literal(clock::now()), sql::literal(&window))), to: None });
    // Columns without a zone are taken for UTC's, whoever refreshes.
    Some(sql::with_settings(&[("timezone", "UTC")], || refresh(&view, bounds.as_ref())))
}

/// Refreshes a view for its owner, who waits for it.
pub fn by_hand(name: &str, from: Option<Instant>, to: Option<Instant>) {
    let view = View::owned(name);
    if from.zip(to).is_some_and(|(from, to)| from >= to) {
        Fail::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, "from_time must be before to_time").raise();
    }
    let whole = from.is_none() && to.is_none();
    let bounds = (!whole).then(|| Bounds { from: from.map(clock::literal), to: to.map(clock::literal) });
    let started = clock::now();
    prepare(&view);
    if !lock_for(&view) {
        return;
    }
    let Some(view) = hold(&view) else {
        if View::by_id(view.id()).is_none() {
            Fail::new(PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE, format!("relation \"{name}\" does not exist")).raise();
        }
        return;
    };
    if bounds.is_some() {
        check_range(&view, "refresh a range of");
    }
    let done = refresh(&view, bounds.as_ref());
    // What was left out is still to be refreshed.
    ledger::did_refresh(view.id(), started, whole, &done, clock::now());
}

/// Raises an ERROR if only all of the view can be refreshed.
pub fn check_range(view: &View, action: &str) {
    let name = catalog::relation_name(view.relation());
    match view {
        View::Refreshable(_) => Fail::new(PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE, format!("cannot {action} view \"{name}\""))
            .detail("It is a refreshable view, whose query is run as a whole.")
            .hint("Leave the range out.")
            .raise(),
        View::Incremental(view) => {
            if storage::spec(view).is_none_or(|spec| spec.time_bucket().is_none()) {
                Fail::new(PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE, format!("cannot {action} view \"{name}\""))
                    .detail("Its query does not group by a time.")
                    .hint("Only a view that groups by a time or a bucket of it, such as date_trunc makes, can be refreshed in part.")
                    .raise();
            }
        }
    }
}

/// Raises an ERROR where the view may not be refreshed, and keeps no lock that the refresh would wait with.
fn prepare(view: &View) {
    compact::allow_transaction("refresh");
    if let View::Incremental(view) = view {
        compact::look_not_in_use(view.source, "refresh a view of");
    }
}

/// The same of a view that is held: with the triggers that it needs.
fn allow(view: &Registered) {
    compact::allow(view, "refresh");
    super::ddl::quietly(|| triggers::install(view.source));
    if triggers::are_off(view.source) {
        let name = catalog::relation_name(view.view);
        Fail::new(PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, format!("cannot refresh view \"{name}\" while triggers on its source are disabled"))
            .hint("Enable them with ALTER TABLE ... ENABLE ALWAYS TRIGGER.")
            .raise();
    }
}

/// Waits for whoever refreshes the view.
fn lock_for(view: &View) -> bool {
    match view {
        View::Incremental(view) if lock::has_written() => lock::try_lock_job(view.query) || compact::skipped(view),
        _ => {
            lock::lock_job(view.query());
            true
        }
    }
}

/// The view, with what is behind it held until the transaction ends: a DROP VIEW that came first is waited for. None: it has gone, or it cannot be
/// had by a transaction that may not wait, which is said.
fn hold(view: &View) -> Option<View> {
    match view {
        View::Refreshable(view) => {
            // As DROP VIEW goes about it, which waits for the readers of the definition.
            [view.query, view.rows].into_iter().for_each(lock::lock_to_read);
            refreshable::by_id(view.id).map(View::Refreshable)
        }
        View::Incremental(view) => {
            let view = hold::view(view.id, What::Tables, true)?;
            allow(&view);
            Some(View::Incremental(view))
        }
    }
}

/// The locks are held.
fn refresh(view: &View, bounds: Option<&Bounds>) -> Done {
    match view {
        View::Refreshable(view) => refreshable::refresh(view),
        // What is in doubt as a whole is not put right by a part.
        View::Incremental(view) => {
            let part = bounds.filter(|_| compact::is_exact(view)).and_then(|bounds| rebuild_range(view, bounds));
            part.unwrap_or_else(|| compact::rebuild(view).1)
        }
    }
}

fn rebuild_range(view: &Registered, bounds: &Bounds) -> Option<Done> {
    let statement = rules::rebuild_range(&storage::spec(view)?, bounds)?;
    Some(compact::rebuilt(compact::as_owner(view, &statement)).1)
}
