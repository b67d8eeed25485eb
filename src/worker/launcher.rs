//! The one process of the server that sees to it that every database with the extension has a worker.
//!
//! It is connected to no database, so it cannot know which have the extension: it starts a worker in each, which ends at once where there is
//! none. CREATE EXTENSION starts one itself. So the launcher asks a database again only now and then, ever less often.

use super::complain::Complaint;
use crate::pg::process::{self, Sort, Started};
use crate::pg::{clock, databases, setting};
use pg_tally_core::schedule::Instant;
use pgrx::pg_sys::Oid;
use std::collections::{HashMap, HashSet};

const SECOND: i64 = 1_000_000;

/// Between two looks at the list of databases.
const NAP: i64 = 10 * SECOND;
/// From the end of a worker to the next one, doubled after each. A database that is being dropped is not to be entered again at once.
const FIRST_DELAY: i64 = 10 * SECOND;
const MOST_DELAY: i64 = 600 * SECOND;
/// A worker that stayed for so long works.
const SETTLED: i64 = 60 * SECOND;
/// One worker is started at a time, and waited for so long: a server with many databases has few processes to spare.
const STARTING: i64 = 5 * SECOND;
/// Between two looks whether it has come.
const LOOK: i64 = SECOND / 20;

crate::process!("launcher", |_database| {
    process::begin(None);
    let mut launcher = Launcher::default();
    loop {
        let nap = if setting::worker() {
            launcher.round(clock::now())
        } else {
            // Switched on again, it waits for nothing.
            launcher = Launcher::default();
            NAP
        };
        process::sleep(nap);
    }
});

struct Tried {
    /// When a worker was last started, or seen to have ended.
    at: Instant,
    delay: i64,
    served: bool,
}

#[derive(Default)]
struct Launcher {
    tried: HashMap<Oid, Tried>,
    starting: Option<(Oid, Instant, Started)>,
    complaint: Complaint,
}

impl Launcher {
    /// How long to sleep.
    fn round(&mut self, now: Instant) -> i64 {
        let all = databases::all();
        let served: HashSet<Oid> = process::databases_of(Sort::Worker).collect();
        self.tried.retain(|database, _| all.contains(database));
        self.tried.iter_mut().for_each(|(database, tried)| tried.see(served.contains(database), now));
        if let Some((database, at, started)) = &self.starting {
            if !started.has_ended() && !served.contains(database) && now.minus(*at) < STARTING {
                return LOOK;
            }
            self.starting = None;
        }
        let due = |database: &&Oid| self.tried.get(database).is_none_or(|tried| !tried.served && now.minus(tried.at) >= tried.delay);
        let Some(&database) = all.iter().filter(|d| !served.contains(d)).find(due) else { return NAP };
        let started = process::start(Sort::Worker, database, 0);
        let Some(started) = started else {
            self.complaint.no_room_for(Sort::Worker, now);
            return NAP;
        };
        let tried = self.tried.entry(database).or_insert(Tried { at: now, delay: FIRST_DELAY / 2, served: false });
        (tried.at, tried.delay) = (now, (tried.delay * 2).min(MOST_DELAY));
        self.starting = Some((database, now, started));
        LOOK
    }
}

impl Tried {
    fn see(&mut self, served: bool, now: Instant) {
        if self.served && !served {
            self.at = now;
        }
        if served && now.minus(self.at) > SETTLED {
            self.delay = FIRST_DELAY;
        }
        self.served = served;
    }
}
