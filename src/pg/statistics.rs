//! What PostgreSQL's cumulative statistics know of a table.

use pgrx::pg_sys::{self, Oid};

/// The share of a table's rows that are alive; None if nothing is known.
pub fn alive(table: Oid) -> Option<f64> {
    unsafe {
        let entry = pg_sys::pgstat_fetch_stat_tabentry(table);
        if entry.is_null() {
            return None;
        }
        #[cfg(feature = "pg15")]
        let (live, dead) = ((*entry).n_live_tuples, (*entry).n_dead_tuples);
        #[cfg(not(feature = "pg15"))]
        let (live, dead) = ((*entry).live_tuples, (*entry).dead_tuples);
        (live + dead > 0).then(|| live as f64 / (live + dead) as f64)
    }
}
