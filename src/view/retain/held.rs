//! Values of aggregates without a state, of groups that become kept: written down while somebody can still tell them.
//!
//! What is pending puts such a value in doubt, and its group's rows are about to go or have just gone. So whoever removes them appends to delta what the
//! view shows of it, in the snapshot in which the removal began: there the source still has the rows.

use crate::pg::expr::Table;
use crate::pg::probe;
use crate::pg::setting;
use crate::pg::store::{Place, Store};
use crate::pg::{catalog, sql, stream};
use crate::view::registry::Registered;
use crate::view::storage;
use pg_tally_core::view as rules;
use pg_tally_core::view::Storage;
use pgrx::pg_sys;

/// Appends the values that the active snapshot shows, for the groups that become kept.
pub fn hold(view: &Registered, kept: &rules::Kept) {
    let Some(delta) = Table::try_open(view.delta, pg_sys::RowExclusiveLock) else { return };
    let Some(filled) = catalog::relation_in(Storage::SCHEMA, &Storage { id: view.id }.name("filled")).and_then(|oid| Table::try_open(oid, pg_sys::AccessShareLock)) else { return };
    if probe::reading(&delta, &filled, None) & probe::DOUBT == 0 {
        return;
    }
    let Some(query) = storage::spec(view).and_then(|spec| rules::held_values(&spec, kept)) else { return };
    let mut held = Store::new(Place::here(), setting::work_mem());
    sql::as_role(view.owner, || {
        sql::pinned(|| {
            stream::rows_before(&query, &mut |row| held.put(row));
            if held.len() > 0 {
                held.execute_with("held", &delta, &format!("INSERT INTO {} SELECT * FROM held", Storage { id: view.id }.delta()));
            }
        })
    });
}
