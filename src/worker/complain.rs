//! What stops a process from starting others is told now and then, not each time that they try.

use crate::pg::error::Fail;
use crate::pg::process::Sort;
use pg_tally_core::schedule::Instant;
use pgrx::PgSqlErrorCode;

/// How long nothing more is said of it.
const AGAIN: i64 = 600_000_000;

#[derive(Default)]
pub struct Complaint(Option<Instant>);

impl Complaint {
    pub fn no_room_for(&mut self, sort: Sort, now: Instant) {
        if self.0.is_some_and(|told| (0..AGAIN).contains(&now.minus(told))) {
            return;
        }
        self.0 = Some(now);
        Fail::new(PgSqlErrorCode::ERRCODE_CONFIGURATION_LIMIT_EXCEEDED, format!("could not start background process \"{}\"", sort.name().to_string_lossy()))
            .detail("The server runs as many background workers as it may. It is tried again later.")
            .hint("You might need to increase max_worker_processes.")
            .log();
    }
}
