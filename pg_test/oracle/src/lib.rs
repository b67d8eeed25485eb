//! The oracle is recomputation: whatever a view answers must be, in every snapshot, what its query answers.
//!
//! A *plan* (table, views, statements of several sessions) is a pure function of a seed, so a seed is a bug report.
//! `plan` makes it, `run` executes it one statement at a time over real connections (a statement that blocks is left
//! blocked while the others go on), `free` executes it in parallel, `shrink` cuts a failing one down to a script.

pub mod bench;
pub mod db;
pub mod dml;
pub mod finish;
pub mod free;
pub mod plan;
pub mod refreshable;
pub mod rng;
pub mod run;
pub mod script;
pub mod session;
pub mod shrink;
pub mod table;
pub mod truth;
pub mod value;
pub mod view;
pub mod view_agg;
