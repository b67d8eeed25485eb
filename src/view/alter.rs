//! `tally.alter_view`: what is given changes, what `reset` names goes, the rest stays.

use super::compact;
use super::options::Options;
use super::retain;
use super::schedule;
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

pub fn alter(name: &str, changes: &Changes) {
    let view = compact::owned(name);
    let mut options = Options::of(view.id);
    changes.reset.iter().for_each(|option| reset(&mut options, option));
    if let Some(text) = &changes.schedule {
        schedule::set(&mut options, text);
    }
    if let Some(paused) = changes.paused {
        options.paused = paused;
    }
    if let Some(interval) = changes.retention {
        retain::groups::set(&view, &mut options, interval);
    }
    if let Some(interval) = changes.timeout {
        options.timeout = Some(positive("timeout", interval));
    }
    if let Some(interval) = changes.refresh_window {
        options.refresh_window = Some(positive("refresh_window", interval));
    }
    options.write(view.id);
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
