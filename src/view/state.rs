//! What `tally.views` shows of one view.

use super::registry::Registered;
use super::{registry, storage, triggers};
use crate::pg::query::Query;
use crate::pg::sql;
use pg_tally_core::view as rules;
use pgrx::pg_sys::Oid;

/// Delta rows, groups in doubt, the view's status, and groups with states put in by hand.
pub fn of(view: Oid) -> Option<(i64, i64, String, i64)> {
    let view = registry::by_view(view)?;
    let spec = storage::spec(&view)?;
    let rows = sql::as_superuser(|| sql::pinned(|| sql::rows(&rules::state(&spec))));
    let cell = |i: usize| rows.first().and_then(|r| r[i].clone());
    let number = |i: usize| cell(i).and_then(|t| t.parse().ok()).unwrap_or(0);
    let clean = cell(2).as_deref() == Some("t");
    Some((number(0), number(1), status(&view, clean).into(), number(3)))
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
    let view = registry::by_view(view)?;
    Query::of_view(view.query).map(Query::deparse)
}
