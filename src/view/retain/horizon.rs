//! The horizon of a view: made when it is first needed, with conditions in the view's definition that others do not pay for.

use super::super::registry::Registered;
use super::super::{compact, ddl, storage};
use crate::pg::{catalog, lock, sql, xact};
use pg_tally_core::view as rules;
use pg_tally_core::view::Storage;
use pgrx::pg_sys::Oid;

pub fn oid(id: i64) -> Option<Oid> {
    catalog::relation_in(Storage::SCHEMA, &Storage { id }.name("horizon"))
}

/// Sees to it that the view has one.
pub fn make(view: &Registered) {
    if oid(view.id).is_some() {
        return;
    }
    let storage = Storage { id: view.id };
    let Some(groups) = catalog::relation_in(Storage::SCHEMA, &storage.name("groups")) else { return };
    // Readers of the view end first, as for any other change of its definition; of two who make it, one finds it made.
    lock::lock_exclusively(groups);
    if oid(view.id).is_some() {
        return;
    }
    let Some(spec) = storage::spec(view) else { return };
    xact::changes_views();
    ddl::quietly(|| {
        sql::as_superuser(|| {
            sql::pinned(|| {
                sql::execute(&rules::horizon_table(&spec));
                sql::execute(&format!("ALTER TABLE {} OWNER TO {}", storage.horizon(), catalog::role_name(view.owner)));
            })
        });
        let Some(spec) = storage::spec(view) else { return };
        sql::as_superuser(|| sql::pinned(|| sql::execute(&format!("CREATE OR REPLACE VIEW {} AS {}", storage.groups(), rules::groups_view(&spec)))));
    });
}

/// Rows that are so many are made one. The folding lock is held.
pub fn tidy(view: &Registered) {
    const MANY: i64 = 100;
    let horizon = Storage { id: view.id }.horizon();
    let Some(spec) = storage::spec(view).filter(|spec| spec.horizon) else { return };
    if compact::count(compact::as_owner(view, &format!("SELECT pg_catalog.count(*) FROM {horizon}"))) > MANY {
        compact::as_owner(view, &rules::tidy_horizon(&spec));
    }
}
