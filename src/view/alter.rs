//! `tally.alter_view`: what is given changes, what `reset` names goes, the rest stays.

use super::named::View;
use super::options::Options;
use super::{ledger, refresh, retain, schedule};
use crate::pg::{clock, lock};
use crate::pg::error::Fail;
use pg_tally_core::schedule::Interval;
use pgrx::PgSqlErrorCode;

pub struct Changes {
    pub schedule: Option<String>,
    pub retention: Option<Interval>,
    pub paused: Option<bool>,
    pub on_error: Option<String>,
    pub refresh_window: Option<Interval>,
    pub timeout: Option<Interval>,
    pub reset: Vec<String>,
}

/// The view of that name, the user's own, with its options locked: of two who alter them, the second sees what the first has done.
fn locked(name: &str) -> View {
    loop {
        let view = View::owned(name);
        lock::lock_options(view.query());
        // Whoever was waited for may have dropped it, and made another of that name.
        if View::owned(name).query() == view.query() {
            return view;
        }
    }
}

pub fn alter(name: &str, changes: &Changes) {
    let view = locked(name);
    check(&view, changes);
    let before = Options::of(view.id());
    let mut options = before.clone();
    changes.reset.iter().for_each(|option| reset(&mut options, option));
    if let Some(text) = &changes.schedule {
        schedule::set(&mut options, text);
    }
    if let Some(paused) = changes.paused {
        options.paused = paused;
    }
    if let (Some(interval), View::Incremental(view)) = (changes.retention, &view) {
        retain::groups::set(view, &mut options, interval);
    }
    if let Some(interval) = changes.timeout {
        options.timeout = Some(positive("timeout", interval));
    }
    if let Some(interval) = changes.refresh_window {
        options.refresh_window = Some(positive("refresh_window", interval));
    }
    check_schedule(&options);
    options.write(view.id());
    if before.schedule.is_none() && options.schedule.is_some() && matches!(view, View::Incremental(_)) {
        ledger::is_fresh(view.id(), clock::now());
    }
}

/// What goes together with this kind of view, and with what else is asked for.
fn check(view: &View, changes: &Changes) {
    let given = [
        (changes.schedule.is_some(), "schedule"),
        (changes.retention.is_some(), "retention"),
        (changes.paused.is_some(), "paused"),
        (changes.on_error.is_some(), "on_error"),
        (changes.refresh_window.is_some(), "refresh_window"),
        (changes.timeout.is_some(), "timeout"),
    ];
    let given = || given.iter().filter(|(given, _)| *given).map(|(_, name)| *name);
    if let Some(both) = given().find(|name| changes.reset.iter().any(|r| r == name)) {
        Fail::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, format!("{both} is given and reset at once")).raise();
    }
    if matches!(view, View::Refreshable(_)) {
        if let Some(option) = given().find(|name| matches!(*name, "retention" | "on_error" | "refresh_window")) {
            Fail::new(PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE, format!("a refreshable view cannot have {option}"))
                .detail("Its query is run as a whole.")
                .hint("Say in the query's WHERE what the view is to have, or make an incremental view.")
                .raise();
        }
    }
    if changes.on_error.is_some() {
        Fail::new(PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED, "on_error is not supported yet")
            .detail("An error while a view is maintained fails the statement that caused it, and nothing is lost.")
            .raise();
    }
    if changes.refresh_window.is_some() {
        refresh::check_range(view, "refresh a window of");
    }
}

/// What is about scheduled refreshes needs a schedule.
fn check_schedule(options: &Options) {
    if options.schedule.is_some() {
        return;
    }
    let about = [(options.paused, "paused"), (options.timeout.is_some(), "timeout"), (options.refresh_window.is_some(), "refresh_window")];
    if let Some((_, option)) = about.into_iter().find(|(set, _)| *set) {
        Fail::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, format!("{option} needs a schedule"))
            .hint(format!("Give a schedule, or reset \"{option}\" too."))
            .raise();
    }
}

fn reset(options: &mut Options, option: &str) {
    match option {
        "schedule" => (options.schedule, options.zone) = (None, None),
        "paused" => options.paused = false,
        "retention" => options.retention = None,
        "timeout" => options.timeout = None,
        "refresh_window" => options.refresh_window = None,
        other => Fail::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, format!("unrecognized option \"{other}\""))
            .hint("Options that can be reset are \"schedule\", \"retention\", \"paused\", \"timeout\" and \"refresh_window\".")
            .raise(),
    }
}

/// An interval that is longer than nothing, as it is kept.
pub fn positive(name: &str, interval: Interval) -> String {
    if !interval.is_positive() {
        Fail::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, format!("{name} must be a positive interval")).raise();
    }
    interval.to_string()
}
