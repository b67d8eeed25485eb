//! What `tally.views` shows of one view.

use super::named::View;
use super::refreshable::Refreshable;
use super::registry::Registered;
use super::{compact, storage, triggers};
use crate::pg::query::Query;
use crate::pg::{sql, xact};
use pg_tally_core::view as rules;
use pgrx::pg_sys::Oid;

/// Delta rows, groups in doubt, the view's status, groups with states put in by hand, and why nothing of this can be told.
pub type State = (Option<i64>, Option<i64>, String, Option<i64>, Option<String>);

pub fn of(view: Oid) -> Option<State> {
    let view = match View::by_relation(view)? {
        View::Incremental(view) => view,
        View::Refreshable(view) => return Some((Some(0), Some(0), of_refreshable(&view).into(), Some(0), None)),
    };
    let spec = storage::spec(&view)?;
    // Whether a group is in doubt is asked of its states. Whoever asks for all views must see the others too.
    let rows = match xact::isolated(|| compact::as_owner(&view, &rules::state(&spec))) {
        Ok(rows) => rows,
        Err(failure) => return Some((None, None, "unreadable".into(), None, Some(failure.message))),
    };
    let cell = |i: usize| rows.first().and_then(|r| r[i].clone());
    let number = |i: usize| cell(i).and_then(|t| t.parse().ok()).unwrap_or(0);
    let clean = cell(2).as_deref() == Some("t");
    Some((Some(number(0)), Some(number(1)), status(&view, clean).into(), Some(number(3)), None))
}

fn of_refreshable(view: &Refreshable) -> &'static str {
    let filled = format!("SELECT FROM {} LIMIT 1", rules::Storage { id: view.id }.filled());
    let filled = !sql::as_role(view.owner, || sql::pinned(|| sql::rows(&filled))).is_empty();
    let failed = format!("SELECT FROM tally.progress p WHERE p.id = {} AND p.failures > 0", view.id);
    let failed = !sql::as_superuser(|| sql::pinned(|| sql::rows(&failed))).is_empty();
    match (filled, failed) {
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
