//! The words of `tally.view_refreshes`.

use super::decide::{View, due, lost, retry_at, staggered, target};
use super::zone::Instant;

const SECOND: i64 = 1_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Ok,
    Failed,
    Running,
    Paused,
    Never,
}

impl Status {
    pub fn word(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Failed => "failed",
            Status::Running => "running",
            Status::Paused => "paused",
            Status::Never => "never",
        }
    }
}

/// A refresh at work is shown before a pause, which only keeps the next one from starting.
pub fn status(view: &View) -> Status {
    match () {
        _ if view.running => Status::Running,
        _ if view.paused => Status::Paused,
        _ if view.failures > 0 || lost(view) => Status::Failed,
        _ if view.satisfied.is_none() => Status::Never,
        _ => Status::Ok,
    }
}

/// How the last refresh took, in microseconds: `fast` under a minute, `acceptable` under five, else `slow`.
pub fn performance(duration: i64) -> &'static str {
    match duration {
        _ if duration < 60 * SECOND => "fast",
        _ if duration < 300 * SECOND => "acceptable",
        _ => "slow",
    }
}

/// When the next refresh starts if jobs are free and nothing that the view reads holds it back; now or earlier if it should have. None
/// while paused. While one runs, it is the one after it.
pub fn next_refresh_time(view: &View, now: Instant) -> Option<Instant> {
    if view.paused {
        return None;
    }
    let tick = if view.running { view.schedule.next_after(now) } else { target(view, due(view, now).pending, now) };
    let start = if tick == Instant::BEGIN { now } else { staggered(view, tick) };
    let retry = retry_at(view, now).filter(|_| !view.running);
    Some(start.max(retry.unwrap_or(start)))
}
