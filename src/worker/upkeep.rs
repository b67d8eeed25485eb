//! The process of a database that looks after its views between refreshes: pending rows are folded before they are many, and
//! the place that they took is made free again.

use super::chores::{self, Chore};
use super::home;
use crate::pg::process::{self, Sort};
use crate::pg::{clock, setting, vacuum};
use crate::view::ledger;
use crate::view::upkeep::{self, View};
use pg_tally_core::schedule::Instant;
use pg_tally_core::schedule::upkeep::{Memory, Task};
use std::collections::HashMap;

const SECOND: i64 = 1_000_000;
/// For how long the list of views is taken to be as it was; one that is gone is noticed anyway.
const LIST: i64 = 10 * SECOND;
/// Between two looks at what is too old.
const RETENTION: i64 = 60 * SECOND;
/// Between two looks at old entries of the log.
const LOG: i64 = 600 * SECOND;

crate::process!("upkeep", |database| {
    process::begin(Some(database));
    // What is done here can be done again: nobody is to wait for it.
    setting::give_way();
    let mut keeper = Keeper::default();
    home::live(Sort::Upkeep, || keeper.round());
});

#[derive(Default)]
struct Keeper {
    views: Vec<View>,
    listed: Option<Instant>,
    memory: HashMap<i64, Memory>,
    retained: Option<Instant>,
    forgot: Option<Instant>,
}

fn is_due(last: Option<Instant>, every: i64, now: Instant) -> bool {
    last.is_none_or(|at| now < at || now.minus(at) >= every)
}

impl Keeper {
    fn round(&mut self) -> i64 {
        let now = clock::now();
        if is_due(self.listed, LIST, now) {
            self.list(now);
        }
        if is_due(self.retained, RETENTION, now) {
            self.retained = Some(now);
            let chores = home::transaction("listing retentions", chores::of_retention);
            // One that failed is in the log, and tried again the next time.
            chores.iter().for_each(Chore::run_on);
        }
        if is_due(self.forgot, LOG, now) {
            self.forgot = Some(now);
            home::transaction("removing old entries of the log", || ledger::forget(setting::log_retention(), now));
        }
        for view in std::mem::take(&mut self.views) {
            if self.keep(&view) {
                self.views.push(view);
            }
        }
        setting::naptime()
    }

    fn list(&mut self, now: Instant) {
        let first = self.listed.is_none();
        let (views, lost) = home::transaction("listing views", || (upkeep::views(), if first { ledger::lost_upkeep(now) } else { vec![] }));
        self.memory.retain(|id, _| views.iter().any(|v| v.id() == *id));
        // What a crash cut short may have caused it.
        lost.into_iter().for_each(|(id, failures)| self.memory.entry(id).or_default().had_failed(failures, now));
        (self.views, self.listed) = (views, Some(now));
    }

    /// Does what is to be done for a view; false if it is gone.
    fn keep(&mut self, view: &View) -> bool {
        let memory = self.memory.entry(view.id()).or_default();
        loop {
            let Some(seen) = process::transaction("looking at pending rows", || view.look(pg_tally_core::schedule::upkeep::MANY)) else { return false };
            match memory.look(view.key(), seen.pending, seen.pages, clock::now()) {
                None => return true,
                Some(Task::Fold) => {
                    let began = clock::now();
                    match Chore::Compact(view.clone()).run() {
                        Ok(done) => memory.folded(done.and_then(|done| done.read).unwrap_or(0), began, clock::now()),
                        Err(()) => memory.failed(began, clock::now()),
                    }
                }
                Some(Task::Vacuum { truncate }) => {
                    let began = clock::now();
                    vacuum::vacuum(view.delta(), truncate);
                    memory.vacuumed(truncate, began, clock::now());
                }
            }
        }
    }
}
