//! What users see of scheduled refreshes.

use super::facts::{Facts, Known};
use crate::pg::{catalog, clock};
use pg_tally_core::schedule::{Instant, show};
use pgrx::pg_sys::Oid;
use std::collections::HashSet;

/// A row of `tally.view_refreshes`.
pub struct Refresh {
    pub view: Oid,
    pub status: &'static str,
    pub last_refresh: Option<Instant>,
    pub last_success: Option<Instant>,
    pub last_duration: Option<i64>,
    pub next_refresh: Option<Instant>,
    pub retry: u32,
    pub exception: Option<String>,
    pub performance: Option<&'static str>,
}

pub fn refreshes() -> Vec<Refresh> {
    let now = clock::now();
    Facts::read(&HashSet::new()).views.iter().map(|view| shown(view, now)).collect()
}

fn shown(view: &Known, now: Instant) -> Refresh {
    Refresh {
        view: view.view,
        status: show::status(&view.rules()).word(),
        last_refresh: view.attempt.map(|a| a.started),
        last_success: view.last_success,
        last_duration: view.last_duration,
        next_refresh: show::next_refresh_time(&view.rules(), now).filter(|&at| at < Instant::NEVER),
        retry: view.failures,
        // It may tell of data.
        exception: view.failure().filter(|_| catalog::may_act_for(view.owner) || catalog::may_monitor()).map(Into::into),
        performance: view.last_duration.map(show::performance),
    }
}
