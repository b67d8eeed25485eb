//! What the upkeep of a view looks at and does.

use super::compact;
use super::options::Options;
use super::refresh::Done;
use super::registry::{self, Registered};
use crate::pg::expr::Table;
use crate::pg::{catalog, lock};
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
        // Options that cannot be read are the owner's to mend, and tally.health() tells of them.
        Options::readable(self.0.id).is_some_and(|options| options.retention.is_some() || options.partition_by.is_some())
    }
    pub fn name(&self) -> String {
        catalog::qualified_name(self.0.view)
    }

    /// None if the view is gone. Nothing is seen of one that somebody has locked.
    pub fn look(&self, most: i64) -> Option<Seen> {
        if !lock::try_lock_to_read(self.0.delta) {
            return Some(Seen { pending: 0, pages: 0 });
        }
        let delta = Table::try_open(self.0.delta, pg_sys::NoLock)?;
        let pages = i64::from(delta.pages());
        let s = Storage { id: self.0.id };
        let filled = !compact::as_owner(&self.0, &format!("SELECT FROM {} LIMIT 1", s.filled())).is_empty();
        let pending = match (filled, pages) {
            (false, _) => most,
            (true, 0) => 0,
            (true, _) => compact::count(compact::as_owner(&self.0, &format!("SELECT pg_catalog.count(*) FROM (SELECT FROM {} LIMIT {most}) x", s.delta()))),
        };
        Some(Seen { pending, pages })
    }

    /// Folds what is pending and repairs what is in doubt. None if there was nothing to do or no way to do it now.
    pub fn compact(&self) -> Option<Done> {
        // Whoever changes main now leaves less to do.
        compact::fold_held(self.0.id, false).map(Done::folded)
    }
}
