//! What is wrong with scheduled refreshes and the processes behind them, and what to do about it.

use super::chores;
use super::facts::{Facts, Known};
use super::home;
use crate::pg::process::{self, Sort};
use crate::pg::{catalog, clock, lock, setting};
use pg_tally_core::schedule::show::{self, Status};
use pg_tally_core::schedule::Instant;
use pgrx::pg_sys::Oid;
use std::collections::HashSet;

const MINUTE: i64 = 60_000_000;

pub struct Problem {
    /// Nothing works; or something works worse than it could.
    pub is_error: bool,
    /// None: it concerns all of the database.
    pub view: Option<Oid>,
    pub problem: String,
    pub hint: String,
}

fn error(view: Option<Oid>, problem: impl Into<String>, hint: impl Into<String>) -> Problem {
    Problem { is_error: true, view, problem: problem.into(), hint: hint.into() }
}

fn warning(view: Option<Oid>, problem: impl Into<String>, hint: impl Into<String>) -> Problem {
    Problem { is_error: false, ..error(view, problem, hint) }
}

pub fn problems() -> Vec<Problem> {
    let facts = Facts::read(&HashSet::new());
    let mut all: Vec<Problem> = of_extension().into_iter().collect();
    // Without schedules and retention nobody misses a worker.
    if (!facts.views.is_empty() || !chores::of_retention().is_empty()) && !lock::in_recovery() {
        all.extend(of_processes());
    }
    let may_see = |owner: Oid| catalog::may_act_for(owner) || catalog::may_monitor();
    let now = clock::now();
    all.extend(facts.views.iter().filter(|v| may_see(v.owner)).filter_map(|v| of_view(v, now)));
    all.extend(facts.unreadable.iter().map(|(view, why)| {
        error(Some(*view), format!("the view's options cannot be read: {why}"), "They are a comment on the view's definition in schema tally_data: remove it with COMMENT ON VIEW ... IS NULL, and set them again with tally.alter_view.")
    }));
    all
}

fn of_extension() -> Option<Problem> {
    let version = catalog::hold_extension().filter(|version| version != home::VERSION)?;
    Some(error(None, format!("the extension is of version {version}, but its library of version {}", home::VERSION), "Run ALTER EXTENSION pg_tally UPDATE."))
}

fn of_processes() -> Option<Problem> {
    Some(match () {
        _ if !process::is_loaded_with_server() => warning(
            None,
            "the background worker is not loaded: views are refreshed only by hand",
            "Add pg_tally to shared_preload_libraries and restart the server, or call tally.run_due() again and again.",
        ),
        _ if !setting::worker() => warning(None, "tally.worker is off: views are refreshed only by hand", "Set tally.worker to on, or call tally.run_due() again and again."),
        _ if setting::max_workers() == 0 => {
            warning(None, "tally.max_workers is zero: views are refreshed only by hand", "Set tally.max_workers to more, or call tally.run_due() again and again.")
        }
        _ if !process::is_there(Sort::Launcher) => error(None, "the process \"pg_tally launcher\" does not run", "It is started again soon; the server's log tells why it ended."),
        _ if !process::is_there(Sort::Worker) => error(
            None,
            "there is no process \"pg_tally worker\" in this database",
            "It is started soon; the server's log tells if it ended, or if the server has no room for it: then you might need to increase max_worker_processes.",
        ),
        _ if !process::is_there(Sort::Upkeep) => error(
            None,
            "there is no process \"pg_tally upkeep\" in this database: pending rows and retention wait",
            "It is started again, ever later if it fails; the server's log tells why it ended.",
        ),
        _ => return None,
    })
}

/// The worst of it.
fn of_view(view: &Known, now: Instant) -> Option<Problem> {
    let rules = view.rules();
    let name = catalog::qualified_name(view.view);
    let some = |problem: Problem| Some(problem);
    let period = rules.schedule.period_at(now);
    match show::status(&rules) {
        // While the next attempt runs, nothing is mended yet.
        status if status == Status::Failed || (status == Status::Running && view.failures > 0) => {
            let why = view.failure().unwrap_or_default();
            let problem = if view.failures > 1 { format!("its last {} refreshes failed: {why}", view.failures) } else { format!("its last refresh failed: {why}") };
            some(error(Some(view.view), problem, format!("It is tried again by itself. Once its cause is mended, tally.refresh_view('{name}') does so at once.")))
        }
        Status::Ok | Status::Never => {
            let late = show::next_refresh_time(&rules, now).filter(|next| now.minus(*next) > period.max(MINUTE));
            if let Some(late) = late {
                let since = now.minus(late) / MINUTE;
                let hint = "It waits for a free job or for a view that it reads: see tally.view_progress, and tally.max_workers.";
                return some(warning(Some(view.view), format!("its refresh is late by {since} minutes"), hint));
            }
            let slow = view.last_duration.is_some_and(|duration| duration > period);
            slow.then(|| warning(Some(view.view), "its last refresh took longer than the time between two of its schedule", "Give it a longer schedule, or make it an incremental view."))
        }
        Status::Running => {
            let began = view.attempt.filter(|attempt| attempt.finished.is_none()).map(|attempt| attempt.started);
            let since = began.map(|began| now.minus(began)).filter(|since| *since > period.max(MINUTE))?;
            let hint = "tally.view_progress shows its process. Give it a timeout with tally.alter_view, or a longer schedule.";
            some(warning(Some(view.view), format!("its refresh has been at work for {} minutes, longer than the time between two of its schedule", since / MINUTE), hint))
        }
        Status::Failed | Status::Paused => None,
    }
}
