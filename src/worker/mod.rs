//! Scheduled refreshes: by background workers, and by hand.

pub mod due;
pub mod show;

mod attempt;
mod facts;
