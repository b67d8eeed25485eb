//! What `tally.views` shows of one view.

use super::named::View;
use super::refreshable::Refreshable;
use super::registry::Registered;
use super::{storage, triggers};
use crate::pg::query::Query;
use crate::pg::sql;
use pg_tally_core::view as rules;
use pgrx::pg_sys::Oid;

/// Delta rows, groups in doubt, the view's status, and groups with states put in by hand.
pub fn of(view: Oid) -> Option<(i64, i64, String, i64)> {
    let view = match View::by_relation(view)? {
        View::Incremental(view) => view,
        View::Refreshable(view) => return Some((0, 0, of_refreshable(&view).into(), 0)),
    };
    let spec = storage::spec(&view)?;
    let rows = sql::as_superuser(|| sql::pinned(|| sql::rows(&rules::state(&spec))));
    let cell = |i: usize| rows.first().and_then(|r| r[i].clone());
    let number = |i: usize| cell(i).and_then(|t| t.parse().ok()).unwrap_or(0);
    let clean = cell(2).as_deref() == Some("t");
    Some((number(0), number(1), status(&view, clean).into(), number(3)))
}

fn of_refreshable(view: &Refreshable) -> &'static str {
    let failed = format!("SELECT EXISTS (SELECT FROM {}), EXISTS (SELECT FROM tally.progress p WHERE p.id = {} AND p.failures > 0)", rules::Storage { id: view.id }.filled(), view.id);
    let rows = sql::as_superuser(|| sql::pinned(|| sql::rows(&failed)));
    let is = |i: usize| rows.first().is_some_and(|r| r[i].as_deref() == Some("t"));
    match (is(0), is(1)) {
        (_, true) => "failed",
        (true, _) => "ok",
        (false, _) => "never refreshed",
    }
}

fn status(view: &Registered, clean: bool) -> &'static str {
    match (triggers::are_off(view.source), clean) {
        (true, _) => "triggers disabled",
        (_, true) => "ok",
        (_, false) => "read from source",
    }
}

/// The query as the user would write it today, after renames.
pub fn definition(view: Oid) -> Option<String> {
    Query::of_view(View::by_relation(view)?.query()).map(Query::deparse)
}
