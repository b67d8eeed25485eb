//! What stops a process from starting others is told once, not each time that it tries.

use crate::pg::error::Fail;
use crate::pg::process::Sort;
use pgrx::PgSqlErrorCode;

#[derive(Default)]
pub struct Complaint(bool);

impl Complaint {
    pub fn about(&mut self, no_room: bool, sort: Sort) {
        if no_room && !self.0 {
            Fail::new(PgSqlErrorCode::ERRCODE_CONFIGURATION_LIMIT_EXCEEDED, format!("could not start background process \"{}\"", sort.name().to_string_lossy()))
                .detail("The server runs as many background workers as it may. It is tried again later.")
                .hint("You might need to increase max_worker_processes.")
                .log();
        }
        self.0 = no_room;
    }
}
