//! The horizon of a view. It is made with the view, for the definition that readers see has to ask it: whoever made it later would have to
//! replace that definition, and keep readers from the view until his transaction ends.

use super::super::registry::Registered;
use super::super::{compact, storage};
use crate::pg::catalog;
use crate::pg::expr::Table;
use pg_tally_core::view as rules;
use pg_tally_core::view::Storage;
use pgrx::pg_sys::Oid;

pub fn oid(id: i64) -> Option<Oid> {
    catalog::relation_in(Storage::SCHEMA, &Storage { id }.name("horizon"))
}

/// Whether any group is kept.
pub fn keeps_any(view: &Registered) -> bool {
    let horizon = Storage { id: view.id }.horizon();
    !compact::as_owner(view, &format!("SELECT WHERE tally.keeps('{horizon}'::regclass)")).is_empty()
}

/// Rows that are so many are made one. The folding lock is held.
pub fn tidy(view: &Registered) {
    const MANY: i64 = 100;
    let horizon = Storage { id: view.id }.horizon();
    // Most have none at all.
    let pages = oid(view.id).and_then(|oid| Table::glance(oid, Table::pages));
    let Some(spec) = storage::spec(view).filter(|_| pages > Some(0)) else { return };
    if compact::count(compact::as_owner(view, &format!("SELECT pg_catalog.count(*) FROM {horizon}"))) > MANY {
        compact::as_owner(view, &rules::tidy_horizon(&spec));
    }
}
