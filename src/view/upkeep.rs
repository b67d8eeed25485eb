//! What the upkeep of a view looks at and does.

use super::compact;
use super::options::Options;
use super::refresh::Done;
use super::registry::{self, Registered};
use super::triggers;
use crate::pg::expr::Table;
use crate::pg::{catalog, lock, probe, sql};
use pg_tally_core::view::Storage;
use pgrx::pg_sys::Oid;
use std::collections::HashSet;

#[derive(Clone)]
pub struct View(Registered);

pub struct Seen {
    /// Rows in delta, up to as many as were asked for; as many if the view is to be made anew.
    pub pending: i64,
    /// Delta's size.
    pub pages: i64,
}

enum Opened {
    Gone,
    Locked,
    Both { delta: Table, filled: Table },
}

pub fn views() -> Vec<View> {
    registry::all().into_iter().map(View).collect()
}

/// Views of which groups go, or whose main has partitions that are made ahead.
pub fn views_with_retention() -> Vec<View> {
    let rows = sql::as_superuser(|| sql::rows_latest_planned("SELECT id, options FROM tally.options WHERE options IS NOT NULL", &[]));
    // Options that cannot be read are the owner's to mend, and tally.health() tells of them.
    let has_retention = |text: &str| Options::parse(text).is_ok_and(|options| options.retention.is_some() || options.partition_by.is_some());
    let some: HashSet<i64> = rows.iter().filter(|row| row[1].as_deref().is_some_and(has_retention)).filter_map(|row| row[0].as_deref()?.parse().ok()).collect();
    if some.is_empty() { vec![] } else { views().into_iter().filter(|view| some.contains(&view.id())).collect() }
}

impl View {
    pub fn by_id(id: i64) -> Option<View> {
        registry::by_id(id).map(View)
    }

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
    pub fn name(&self) -> String {
        catalog::qualified_name(self.0.view)
    }

    /// Delta, and what says that the view is filled. Upkeep waits for nobody.
    fn open(&self) -> Opened {
        let filled = catalog::relation_in(Storage::SCHEMA, &Storage { id: self.0.id }.name("filled"));
        let Some(filled) = filled else { return Opened::Gone };
        if ![self.0.delta, filled].into_iter().all(lock::try_lock_to_read) {
            return Opened::Locked;
        }
        probe::open(self.0.delta, "delta").zip(probe::open(filled, "filled")).map_or(Opened::Gone, |(delta, filled)| Opened::Both { delta, filled })
    }

    /// None if the view is gone. Nothing is seen of one that somebody has locked. It is looked at every second, so no query is run.
    pub fn look(&self, most: i64) -> Option<Seen> {
        match self.open() {
            Opened::Gone => None,
            Opened::Locked => Some(Seen { pending: 0, pages: 0 }),
            Opened::Both { delta, filled } => {
                let pending = if probe::is_filled(&filled) { probe::count(&delta, most) } else { most };
                Some(Seen { pending, pages: i64::from(delta.pages()) })
            }
        }
    }

    /// Whether the view is read from its source, and so is to be filled from it.
    pub fn is_to_be_filled(&self) -> bool {
        matches!(self.open(), Opened::Both { delta, filled } if probe::reading(&delta, &filled, None) & probe::SOURCE != 0)
    }

    /// Whether nobody is at the view.
    pub fn is_free(&self) -> bool {
        lock::try_lock_folding(self.0.delta)
    }

    /// Whether the view can be filled: while changes of the source go unseen, the source is what readers must read.
    pub fn can_be_filled(&self) -> bool {
        self.is_free() && !triggers::are_off(self.0.source)
    }

    /// Folds what is pending and repairs what is in doubt. None if there was nothing to do or no way to do it now.
    pub fn compact(&self) -> Option<Done> {
        // Whoever changes main now leaves less to do.
        compact::fold_held(self.0.id, false).map(|folded| folded.done)
    }
}
