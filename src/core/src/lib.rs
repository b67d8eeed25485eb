//! The rules of pg_tally that need no PostgreSQL: aggregate states, their bytes, and the hash that `uniq` goes by.
//!
//! A *state* is the partial aggregate of some rows. States of disjoint row sets merge; the bytes of a state depend
//! on the multiset of rows only, never on the order or the grouping in which it was built.
#![forbid(unsafe_code)]

pub mod canon;
pub mod codec;
pub mod counters;
pub mod difference;
pub mod error;
pub mod exact;
pub mod hash;
pub mod memory;
pub mod numeric;
pub mod session;
pub mod quantile;
pub mod schedule;
pub mod state;
pub mod top_k;
pub mod uniq;
pub mod view;
mod wide;

pub use error::{Error, Kind};
