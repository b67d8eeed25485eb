//! How long views and sources keep what they have.
//!
//! - [`bucket`]: which key of a view is a bucket of time, and in which bucket an instant lies.
//! - [`horizon`]: the small table that says which groups are gone and which are kept.
//! - [`groups`]: old groups of a view go; [`parts`]: main in partitions, which go as a whole.
//! - [`source`], [`partitions`]: old rows of a source go, and what they counted stays.
//! - [`held`]: what kept groups show of aggregates without a state;
//! - [`removal`]: what triggers do then, and under `tally.maintain = off`.

pub mod bucket;
pub mod groups;
pub mod held;
pub mod horizon;
pub mod parts;
pub mod partitions;
pub mod removal;
pub mod source;

pub use source::{HeldUp, enforce_source};

use crate::pg::error::{Fail, raise};
use super::hold::{self, What};
use super::options::Options;
use super::refresh::Done;
use super::registry::Registered;
use crate::pg::clock::transaction_start;
use crate::pg::zone;
use pg_tally_core::schedule::retain::Unit;
use pg_tally_core::schedule::{Instant, Interval, Utc, Zone, retain};
use pgrx::PgSqlErrorCode;
use std::rc::Rc;

/// For a view that is being made: what is too old is never filled in.
pub fn begin(view: &Registered, keep: Option<Interval>, partition_by: Option<Unit>) {
    let mut options = Options::of(view.id);
    options.partition_by = partition_by.map(|unit| unit.word().to_string());
    if let Some(keep) = keep {
        groups::set(view, &mut options, keep);
    }
    options.write(view.id);
    if partition_by.is_some() {
        parts::begin(view, transaction_start());
    }
    if let Some(keep) = keep {
        groups::expire(view, keep, transaction_start());
    }
}

/// Takes away the groups of a view that its retention does not keep; None if it would have to wait and may not, or if there is no such view (any more).
pub fn enforce(id: i64, wait: bool) -> Option<Done> {
    Some(groups::enforce(&hold::view(id, What::All, wait)?))
}

/// Does now what the retention of a view or of a source says; the groups or rows that went.
pub fn enforce_by_name(name: &str) -> i64 {
    match source::named(name) {
        Some(table) => {
            source::refuse_others(table);
            enforce_source(table, None, true).map_or(0, |done| done.written)
        }
        None => enforce(super::named::View::owned(name).id(), true).map_or(0, |done| done.written),
    }
}

/// Shorter than the time after which deadlocks are looked for: who waits for us is not made to give up.
const PATIENCE: &str = "200ms";

fn zone_of(name: Option<&str>) -> Rc<dyn Zone> {
    name.map_or_else(|| Some(Rc::new(Utc) as Rc<dyn Zone>), zone::named).unwrap_or_else(|| {
        Fail::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, format!("time zone \"{}\" not recognized", name.unwrap_or_default())).raise()
    })
}

/// The instant before which all is too old.
fn cutoff(now: Instant, keep: Interval, zone: &dyn Zone) -> Instant {
    retain::cutoff(now, keep, zone).unwrap_or_else(|error| raise(error))
}
