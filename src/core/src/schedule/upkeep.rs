//! When a view's pending rows are folded, and when the place that they took is made free.
//!
//! Few pending rows cost readers hardly anything, and each fold writes the rows of main that it touches. So few rows wait a
//! while, and many are folded at once, but never so often that folding is all that happens: after work that took a
//! while, the view rests twice as long. The bound that follows: with writers that append `r` rows a second, a fold that takes `f`
//! seconds and a look every second, no more than `MANY + r × (1 + f × (1 + REST))` rows are pending.

use super::decide::ViewId;
use super::pace;
use super::zone::Instant;

/// Rows that are folded as soon as they are seen. A reader of a million groups does not feel so many.
pub const MANY: i64 = 2_000;
/// How long fewer rows may wait.
pub const LONGEST_WAIT: i64 = 10_000_000;
/// How many times as long as a piece of work took the view rests after it.
pub const REST: i64 = 2;
/// Failed folds are tried again so many times sooner than failed refreshes: after two seconds, four, and so on, up to twelve minutes.
pub const SOONER: i64 = 5;
/// Dead rows for which it is worth to begin a VACUUM.
pub const MANY_DEAD: i64 = 2_000;
/// Pages that are not worth to give back.
pub const FEW_PAGES: i64 = 128;

/// How many times as long as a look for what is too old took it rests, if nothing could go.
pub const REST_IN_VAIN: i64 = 20;
/// But never longer than so.
pub const LONGEST_REST: i64 = 600_000_000;

/// What was looked at in vain: a table without an index on its time is read as a whole, and of old rows that a trigger keeps nobody knows whether it still does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rest {
    until: Instant,
}

impl Rest {
    pub fn after(began: Instant, ended: Instant) -> Rest {
        Rest { until: ended.plus(ended.minus(began).saturating_mul(REST_IN_VAIN).clamp(0, LONGEST_REST)) }
    }

    /// A clock that was set back must not make anybody wait.
    pub fn is_over(self, now: Instant) -> bool {
        !(1..=LONGEST_REST).contains(&self.until.minus(now))
    }
}

/// What is remembered of a view from one look to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Since when rows have been pending.
    pending_since: Option<Instant>,
    folded: Work,
    vacuumed: Work,
    /// Rows that folds have left dead since the last VACUUM.
    dead: i64,
    failures: u32,
    /// Nothing has been pending since the last VACUUM that gave pages back.
    given_back: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Work {
    ended: Option<Instant>,
    took: i64,
}

impl Work {
    fn rested(self, now: Instant) -> bool {
        self.ended.is_none_or(|ended| now < ended || now >= ended.plus(self.took.saturating_mul(REST)))
    }
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    Fold,
    /// `truncate`: give pages back to the system too.
    Vacuum { truncate: bool },
}

impl Memory {
    /// `pending` are the rows in delta, `pages` its size. To be asked until there is nothing to do.
    pub fn look(&mut self, id: ViewId, pending: i64, pages: i64, now: Instant) -> Option<Task> {
        if pending == 0 {
            self.pending_since = None;
            return self.free(pages, now);
        }
        self.given_back = false;
        // A clock that was set back must not make anybody wait.
        let since = self.pending_since.filter(|&since| since <= now).unwrap_or(now);
        self.pending_since = Some(since);
        let due = pending >= MANY || now.minus(since) >= LONGEST_WAIT;
        // However much there is to fold, it must not hold back what makes the place free.
        let first = self.dead >= pending.max(MANY_DEAD) && self.vacuumed.rested(now);
        if due && !first && self.folded.rested(now) && !self.backs_off(id, now) {
            return Some(Task::Fold);
        }
        self.free(pages, now)
    }

    fn backs_off(&self, id: ViewId, now: Instant) -> bool {
        let wait = pace::backoff(id, self.failures, super::civil::HOUR) / SOONER;
        self.failures > 0 && self.folded.ended.is_some_and(|ended| now >= ended && now < ended.plus(wait))
    }

    fn free(&self, pages: i64, now: Instant) -> Option<Task> {
        if !self.vacuumed.rested(now) {
            return None;
        }
        let idle = self.pending_since.is_none();
        let truncate = idle && !self.given_back && pages > FEW_PAGES;
        (self.dead >= MANY_DEAD || truncate).then_some(Task::Vacuum { truncate })
    }

    /// A fold has ended well.
    pub fn folded(&mut self, rows: i64, began: Instant, ended: Instant) {
        self.folded = Work { ended: Some(ended), took: ended.minus(began).max(0) };
        self.dead = self.dead.saturating_add(rows);
        self.failures = 0;
        self.pending_since = None;
    }

    /// A fold has failed.
    pub fn failed(&mut self, began: Instant, ended: Instant) {
        self.folded = Work { ended: Some(ended), took: ended.minus(began).max(0) };
        self.failures = self.failures.saturating_add(1);
    }

    /// So many folds in a row have failed before anything was remembered, the last one now.
    pub fn had_failed(&mut self, failures: u32, now: Instant) {
        self.folded = Work { ended: Some(now), took: 0 };
        self.failures = failures;
    }

    pub fn vacuumed(&mut self, truncated: bool, began: Instant, ended: Instant) {
        self.vacuumed = Work { ended: Some(ended), took: ended.minus(began).max(0) };
        self.dead = 0;
        self.given_back |= truncated;
    }
}
