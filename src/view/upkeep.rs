//! What the upkeep of a view looks at and does.

use super::compact;
use super::options::Options;
use super::refresh::Done;
use super::registry::{self, Registered};
use crate::pg::expr::Table;
use crate::pg::{catalog, lock, sql};
use pg_tally_core::view::Storage;
use pgrx::pg_sys::{self, Oid};

#[derive(Clone)]
pub struct View(Registered);

pub struct Seen {
    /// Rows in delta, up to as many as were asked for; as many if the view is to be made anew.
    pub pending: i64,
    /// Delta's size.
    pub pages: i64,
}

pub fn views() -> Vec<View> {
    registry::all().into_iter().map(View).collect()
}

impl View {
    pub fn id(&self) -> i64 {
        self.0.id
    }
    pub fn key(&self) -> u32 {
        self.0.view.to_u32()
    }
    pub fn delta(&self) -> Oid {
        self.0.delta
    }
    /// Whether the current user may do what its owner may.
    pub fn is_owned(&self) -> bool {
        catalog::may_act_for(self.0.owner)
    }
    /// Whether groups of it go, or main has partitions that are made ahead.
    pub fn has_retention(&self) -> bool {
        let options = Options::of(self.0.id);
        options.retention.is_some() || options.partition_by.is_some()
    }
    pub fn name(&self) -> String {
        catalog::qualified_name(self.0.view)
    }

    /// None if the view is gone.
    pub fn look(&self, most: i64) -> Option<Seen> {
        let delta = Table::try_open(self.0.delta, pg_sys::AccessShareLock)?;
        let pages = i64::from(delta.pages());
        let s = Storage { id: self.0.id };
        let filled = !sql::rows(&format!("SELECT FROM {} LIMIT 1", s.filled())).is_empty();
        let pending = match (filled, pages) {
            (false, _) => most,
            (true, 0) => 0,
            (true, _) => compact::count(sql::rows(&format!("SELECT pg_catalog.count(*) FROM (SELECT FROM {} LIMIT {most}) x", s.delta()))),
        };
        Some(Seen { pending, pages })
    }

    /// Folds what is pending and repairs what is in doubt. None if there was nothing to do or no way to do it now.
    pub fn compact(&self) -> Option<Done> {
        // First, as DROP TABLE does, which then comes to the views.
        drop(Table::try_open(self.0.source, pg_sys::AccessShareLock)?);
        // Whoever changes main now leaves less to do.
        if !lock::try_lock_folding(self.0.delta) {
            return None;
        }
        let view = registry::by_id(self.0.id)?;
        compact::allow(&view, "compact");
        compact::fold(&view).map(|rows| Done { read: Some(rows), written: rows })
    }
}
