//! The process of a database that decides what to refresh, and starts a job for each view. It runs nobody's queries itself.

use super::complain::Complaint;
use super::facts::Facts;
use super::home;
use crate::pg::process::{self, Sort, Started};
use crate::pg::{clock, lock, setting};
use pg_tally_core::schedule::decide::{Jobs, LONGEST_SLEEP, Round, decide};
use pg_tally_core::schedule::{Instant, ViewId};
use std::collections::{HashMap, HashSet};

const SECOND: i64 = 1_000_000;
/// Until a process is started again that could not be started.
const AGAIN: i64 = 5 * SECOND;
const MOST_AGAIN: i64 = 600 * SECOND;
/// How long a view is left alone whose job ended before it came to anything, doubled each time: all slots may have been taken, or something is broken.
const UNLUCKY: i64 = SECOND / 2;
const MOST_UNLUCKY: i64 = 60 * SECOND;

crate::process!("worker", |database| {
    process::begin(Some(database));
    let mut worker = Worker::default();
    home::live(Sort::Worker, || worker.round());
});

struct Job {
    process: Started,
    /// The view's last attempt when it was started.
    before: Option<Instant>,
}

struct Worker {
    jobs: HashMap<ViewId, Job>,
    /// Views whose job came to nothing, until when they are left alone, and for how long that is.
    unlucky: HashMap<ViewId, (Instant, i64)>,
    /// When an upkeep process was last started, and how long to wait before the next.
    upkeep: (Instant, i64),
    complaint: Complaint,
}

impl Default for Worker {
    fn default() -> Worker {
        Worker { jobs: HashMap::new(), unlucky: HashMap::new(), upkeep: (Instant::BEGIN, AGAIN), complaint: Complaint::default() }
    }
}

impl Worker {
    fn round(&mut self) -> i64 {
        let now = clock::now();
        let upkeep = self.keep_upkeep(now);
        let ended: Vec<ViewId> = self.jobs.iter().filter(|(_, job)| job.process.has_ended()).map(|(&key, _)| key).collect();
        let ended: Vec<(ViewId, Job)> = ended.into_iter().filter_map(|key| self.jobs.remove_entry(&key)).collect();
        let Some((facts, round)) = process::transaction("deciding what to refresh", || self.decide(&ended)) else { return 0 };
        let mut nap = round.sleep(now).min(self.unlucky.values().map(|(until, _)| until.minus(now)).filter(|&rest| rest > 0).min().unwrap_or(LONGEST_SLEEP)).min(upkeep);
        for start in &round.start {
            let Some(view) = facts.get(start.id) else { continue };
            let process = process::start(Sort::Job, process::own_database(), view.id);
            let Some(process) = process else {
                self.complaint.no_room_for(Sort::Job, now);
                nap = nap.min(AGAIN);
                break;
            };
            self.jobs.insert(start.id, Job { process, before: view.attempt.map(|a| a.started) });
        }
        nap
    }

    /// Reads, decides and writes down in one transaction, in which nobody else does. None: the extension went meanwhile.
    fn decide(&mut self, ended: &[(ViewId, Job)]) -> Option<(Facts, Round)> {
        if !home::is_ready() {
            return None;
        }
        lock::lock_scheduler();
        let now = clock::now();
        let mut busy: HashSet<ViewId> = self.jobs.keys().copied().collect();
        busy.extend(self.unlucky.iter().filter(|(_, (until, _))| *until > now).map(|(key, _)| key));
        let mut facts = Facts::read(&busy);
        for (key, job) in ended {
            let came_to_nothing = facts.get(*key).is_some_and(|view| view.attempt.map(|a| a.started) == job.before);
            if came_to_nothing {
                let rest = self.unlucky.get(key).map_or(UNLUCKY, |(_, rest)| (rest * 2).min(MOST_UNLUCKY));
                self.unlucky.insert(*key, (now.plus(rest), rest));
                facts.leave_alone(*key);
            } else {
                self.unlucky.remove(key);
            }
        }
        let own: HashSet<i32> = self.jobs.values().filter_map(|job| job.process.id()).collect();
        let elsewhere = facts.slots.iter().filter(|id| !own.contains(id)).count();
        let jobs = Jobs { max_workers: setting::max_workers(), running: self.jobs.len() + elsewhere };
        let mut round = decide(&facts.rules(), now, jobs);
        // Who is at a view writes that down himself.
        round.set_back.retain(|&key| facts.get(key).is_some_and(|view| !view.is_running()));
        facts.write_down(&round.lost, &round.set_back, now);
        Some((facts, round))
    }

    /// One that ended is started again, ever later. How long to sleep at most, which is until then.
    fn keep_upkeep(&mut self, now: Instant) -> i64 {
        let (at, again) = self.upkeep;
        if process::is_there(Sort::Upkeep) {
            if now.minus(at) > MOST_AGAIN {
                self.upkeep.1 = AGAIN;
            }
            return LONGEST_SLEEP;
        }
        if now.minus(at) >= again {
            if process::start(Sort::Upkeep, process::own_database(), 0).is_none() {
                self.complaint.no_room_for(Sort::Upkeep, now);
            }
            self.upkeep = (now, (again * 2).min(MOST_AGAIN));
        }
        self.upkeep.1 - now.minus(self.upkeep.0)
    }
}
