//! When views are refreshed, and what is kept of them: pure decisions. Nothing here reads a clock, sleeps or
//! remembers; the time is a parameter and the state of every view comes from the caller, who reads it under a lock
//! and writes down what he does before he does it.
//!
//! - [`zone`]: wall clocks. The zones are the caller's, which in a server are PostgreSQL's own.
//! - [`cron`], [`rule`]: `'10 minutes'` and `'0 2 * * * Europe/Berlin'` as a [`Schedule`], which answers [`Schedule::next_after`].
//! - [`decide`]: which views to refresh now, in which order, and when to look again. [`pace`] spreads and backs off.
//! - [`show`]: the words that users see.
//! - [`retain`]: cut-off instants and partitions.
//! - [`upkeep`]: when pending rows are folded.
//!
//! # Ticks
//! A schedule is a set of instants, its *ticks*. It does not depend on when it was written, when anything ran or how
//! long it took, so a restart changes nothing. A view is due when a tick has passed since the one that it satisfied
//! last; a refresh satisfies all ticks up to its start, so that missed ticks are caught up by one refresh.
//!
//! # Daylight saving
//! A schedule that names times of day (and every interval of days or months) ticks *when the wall clock first reads
//! that time or a later one*. So a time that does not exist ticks once, at the first moment after the gap; a time that
//! exists twice ticks once, at the first; and two times that fall into the same gap are one tick.
//! A cron schedule whose minute or hour begins with `*` names no time of day: it ticks whenever the wall clock reads a
//! full minute that matches, which is real time through both changes.

pub mod civil;
pub mod cron;
pub mod decide;
pub mod pace;
pub mod retain;
pub mod rule;
pub mod show;
pub mod upkeep;
pub mod zone;

pub use decide::{Round, View, ViewId, decide, due_in_order};
pub use rule::{Interval, Schedule};
pub use zone::{Instant, Span, Utc, Wall, Zone, Zones};
