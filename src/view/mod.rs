//! Views, incremental and refreshable: made, kept, read, folded, refreshed, verified and dropped.

pub mod alter;
pub mod compact;
pub mod create;
pub mod ddl;
pub mod explain;
pub mod fold;
pub mod hold;
pub mod ledger;
pub mod maintain;
pub mod options;
pub mod refresh;
pub mod refreshable;
pub mod retain;
pub mod schedule;
pub mod state;
pub mod upkeep;
pub mod verify;

mod batch;
mod check;
mod compiled;
mod describe;
mod difference;
mod generated;
mod named;
mod registry;
mod storage;
mod triggers;
mod types;
