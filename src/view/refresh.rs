//! One refresh of a view, however it is kept.

use super::{compact, registry, triggers};

/// What a refresh did.
pub struct Done {
    /// Rows that the query gave, where it is known.
    pub read: Option<i64>,
    /// Rows inserted, changed and deleted.
    pub written: i64,
}

/// Refreshes the view with this id in the current transaction; None if there is no such view. The caller may run as anybody.
pub fn run(id: i64) -> Option<Done> {
    let view = registry::by_id(id)?;
    compact::allow(&view, "refresh");
    super::ddl::quietly(|| triggers::install(view.source));
    crate::pg::lock::lock_folding(view.delta);
    Some(Done { read: None, written: compact::rebuild(&view) })
}
