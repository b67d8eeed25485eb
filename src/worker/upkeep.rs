//! The process of a database that looks after its views between refreshes: pending rows are folded before they are many, and
//! the place that they took is made free again.

use super::chores::{self, Chore, Outcome};
use super::complain::Complaint;
use super::home;
use crate::pg::process::{self, Sort, Started};
use crate::pg::{clock, lock, setting, vacuum};
use crate::view::ledger::{self, Kind};
use crate::view::upkeep::{self, View};
use pg_tally_core::schedule::Instant;
use pg_tally_core::schedule::upkeep::{MANY, MANY_DEAD, Memory, Rest, Task};
use std::collections::{HashMap, VecDeque};

const SECOND: i64 = 1_000_000;
/// For how long the list of views is taken to be as it was; one that is gone is noticed anyway. What is written to a new view is pending for so
/// long, and not to exceed what others have pending.
const LIST: i64 = 5 * SECOND;
/// Between two looks at what is too old.
const RETENTION: i64 = 60 * SECOND;
/// Until what was held up is tried again: autovacuum, which is at a table now, may come as regularly as we do.
const HELD_UP: i64 = 10 * SECOND;
/// For so long, and to the end of what is begun, old groups and rows are removed before the views are looked at again.
const PIECE: i64 = SECOND;
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
    /// What of retention is still to be looked after.
    retention: VecDeque<Chore>,
    retained: Option<Instant>,
    /// What of it was looked at in vain.
    resting: HashMap<String, Rest>,
    forgot: Option<Instant>,
    filling: Option<Filling>,
    complaint: Complaint,
}

/// A view that another process fills.
struct Filling {
    id: i64,
    process: Started,
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
        self.look_at_filling(now);
        if is_due(self.retained, RETENTION, now) && self.retention.is_empty() {
            self.retained = Some(now);
            self.resting.retain(|_, rest| !rest.is_over(now));
            self.retention = home::transaction("listing retentions", chores::of_retention).into();
            self.retention.retain(|chore| !self.resting.contains_key(&chore.what()));
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
        self.retain();
        if self.retention.is_empty() { setting::naptime() } else { 0 }
    }

    fn list(&mut self, now: Instant) {
        let first = self.listed.is_none();
        let (views, lost) = home::transaction("listing views", || (upkeep::views(), if first { lost(now) } else { vec![] }));
        self.memory.retain(|id, _| views.iter().any(|v| v.id() == *id));
        // What a crash cut short may have caused it.
        lost.into_iter().for_each(|(id, failures)| self.memory.entry(id).or_default().had_failed(failures, now));
        (self.views, self.listed) = (views, Some(now));
    }

    /// Some of what there is, since the views' pending rows do not wait meanwhile. One that failed is in the log, and tried again the next time.
    fn retain(&mut self) {
        let began = clock::now();
        while let Some(chore) = self.retention.pop_front() {
            let looked = clock::now();
            let filling = chore.views().into_iter().any(|id| self.is_filling(id));
            match if filling { Outcome::HeldUp } else { chore.run() } {
                Outcome::Done(_) => self.retention.push_front(chore),
                Outcome::HeldUp => self.retained = Some(began.plus(HELD_UP - RETENTION)),
                Outcome::Nothing => {
                    self.resting.insert(chore.what(), Rest::after(looked, clock::now()));
                }
                Outcome::Failed => {}
            }
            if !(0..PIECE).contains(&clock::now().minus(began)) {
                break;
            }
        }
    }

    /// Does what is to be done for a view; false if it is gone.
    fn keep(&mut self, view: &View) -> bool {
        if self.is_filling(view.id()) {
            return true;
        }
        loop {
            let memory = self.memory.entry(view.id()).or_default();
            let Some(seen) = process::transaction("looking at pending rows", || view.look(MANY)) else { return false };
            match memory.look(view.key(), seen.pending, seen.pages, clock::now()) {
                None => return true,
                Some(Task::Fold) if home::transaction("looking what there is to do", || view.is_to_be_filled()) => {
                    self.fill(view);
                    return true;
                }
                Some(Task::Fold) => {
                    let began = clock::now();
                    match Chore::Compact(view.clone()).run() {
                        Outcome::Failed => memory.failed(began, clock::now()),
                        Outcome::Done(done) => memory.folded(done.read.unwrap_or(0), began, clock::now()),
                        Outcome::Nothing | Outcome::HeldUp => memory.folded(0, began, clock::now()),
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

    /// Has a process fill the view, if none fills another and it can be done. Where there is no room for one, all have to wait.
    fn fill(&mut self, view: &View) {
        let is_busy = self.filling.is_some() || process::is_there(Sort::Backfill);
        if is_busy || !home::transaction("looking what there is to do", || view.can_be_filled()) {
            return;
        }
        if let Some(process) = process::start(Sort::Backfill, process::own_database(), view.id()) {
            self.filling = Some(Filling { id: view.id(), process });
            return;
        }
        let began = clock::now();
        self.complaint.no_room_for(Sort::Backfill, began);
        let outcome = Chore::Fill(view.clone()).run();
        let memory = self.memory.entry(view.id()).or_default();
        match outcome {
            Outcome::Failed => memory.failed(began, clock::now()),
            _ => memory.folded(MANY_DEAD, began, clock::now()),
        }
    }

    fn is_filling(&self, id: i64) -> bool {
        self.filling.as_ref().is_some_and(|filling| filling.id == id)
    }

    fn look_at_filling(&mut self, now: Instant) {
        let Some(Filling { id, .. }) = self.filling.take_if(|filling| filling.process.has_ended()) else { return };
        let failures = home::transaction("looking how a view was filled", || {
            ledger::lost_upkeep(&[Kind::Backfill], now);
            ledger::failed_backfills(id)
        });
        let memory = self.memory.entry(id).or_default();
        // Nobody has waited for it, so the view need not rest; what writers have appended meanwhile is dead now.
        if failures > 0 { memory.had_failed(failures, now) } else { memory.folded(MANY_DEAD, now, now) }
    }
}

/// What the process before this one left behind. It may have left a view to one that is still at it.
fn lost(now: Instant) -> Vec<(i64, u32)> {
    let mut kinds = vec![Kind::Compaction, Kind::Retention];
    if lock::try_lock_process(Sort::Backfill as u32) {
        kinds.push(Kind::Backfill);
    }
    ledger::lost_upkeep(&kinds, now)
}
