//! Incremental views: made, kept, read, folded, verified and dropped.

pub mod alter;
pub mod compact;
pub mod create;
pub mod ddl;
pub mod explain;
pub mod fold;
pub mod maintain;
pub mod options;
pub mod refresh;
pub mod retain;
pub mod schedule;
pub mod state;
pub mod verify;

mod batch;
mod check;
mod compiled;
mod describe;
mod registry;
mod storage;
mod triggers;
