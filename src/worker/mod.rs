//! Scheduled refreshes, by background processes and by hand.
//!
//! The *launcher* sees to it that every database with the extension has a *worker*, which decides what to refresh and starts a *job* for
//! each view; an *upkeep* process looks after the views between refreshes, and leaves it to a *backfill*
//! process to fill a view from its source. A process that fails ends, and is started again later: what it was
//! at is in the ledger.
//!
//! `facts` reads what is known of all views, under a lock that makes whoever decides the only one; [`due`] decides and refreshes by hand.

pub mod due;
pub mod health;
pub mod show;

mod attempt;
mod backfill;
mod chores;
mod complain;
mod facts;
mod home;
mod job;
mod launcher;
mod upkeep;
#[allow(clippy::module_inception)]
mod worker;
