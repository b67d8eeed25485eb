//! What is known of the views that have a schedule, as of now, in the words of the rules that decide.

use crate::pg::error::Fail;
use crate::pg::{lock, setting, sql, xact};
use crate::view::options::Options;
use crate::view::{ledger, refreshable, schedule};
use pg_tally_core::schedule::decide::Attempt;
use pg_tally_core::schedule::{Instant, Interval, Schedule, View, ViewId};
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

const DAY: i64 = 86_400_000_000;

/// What an attempt left behind whose process is gone.
const LOST: &str = "the process that refreshed the view ended before it was done";

/// One view with a schedule.
pub struct Known {
    pub id: i64,
    pub view: Oid,
    pub owner: Oid,
    /// The view's definition, which stands for it among the locks and the rules.
    pub query: Oid,
    schedule: Schedule,
    reads: Vec<ViewId>,
    paused: bool,
    pub attempt: Option<Attempt>,
    satisfied: Option<Instant>,
    pub failures: u32,
    running: bool,
    pub timeout: Option<i64>,
    pub last_success: Option<Instant>,
    pub last_duration: Option<i64>,
    pub exception: Option<String>,
}

impl Known {
    pub fn key(&self) -> ViewId {
        self.query.to_u32()
    }

    pub fn is_running(&self) -> bool {
        self.running
    }

    pub fn rules(&self) -> View<'_> {
        View {
            id: self.key(),
            schedule: &self.schedule,
            reads: &self.reads,
            paused: self.paused,
            attempt: self.attempt,
            satisfied: self.satisfied,
            failures: self.failures,
            running: self.running,
            timeout: self.timeout,
        }
    }

    /// As users see it.
    pub fn failure(&self) -> Option<&str> {
        match &self.attempt {
            Some(attempt) if attempt.finished.is_none() && !self.running => Some(LOST),
            _ => self.exception.as_deref().filter(|_| self.failures > 0),
        }
    }
}

pub struct Facts {
    pub views: Vec<Known>,
    /// Views whose options say nothing, and why.
    pub unreadable: Vec<(Oid, String)>,
    /// The processes that have a slot for jobs, in all databases.
    pub slots: Vec<i32>,
}

impl Facts {
    /// `begun`: views that a process was started for, which may not have come to work yet.
    pub fn read(begun: &HashSet<ViewId>) -> Facts {
        // Who is at work is asked first: an attempt that ends meanwhile is then seen as ended, never as abandoned.
        let working = Working::read();
        let mut facts = Facts { views: vec![], unreadable: vec![], slots: working.slots.clone() };
        let (mut views, mut queries) = (vec![], vec![]);
        for row in rows(
            "SELECT id, view::pg_catalog.oid, owner::pg_catalog.oid, query::pg_catalog.oid, options, tally.micros(started), tally.micros(finished), tally.micros(satisfied), \
             failures, tally.micros(last_success), (EXTRACT(epoch FROM last_duration) * 1000000)::pg_catalog.int8, exception FROM tally.schedules ORDER BY id",
            &[],
        ) {
            let oid = |i: usize| number(&row[i]).unwrap_or_default() as u32;
            let (Some(id), view, key) = (number(&row[0]), oid(1), oid(3)) else { continue };
            views.push(view);
            queries.push(key);
            let given = match row[4].as_deref().map_or(Ok(None), Given::of) {
                Ok(Some(given)) => given,
                Ok(None) => continue,
                Err(why) => {
                    facts.unreadable.push((Oid::from(view), why));
                    continue;
                }
            };
            let at = |i: usize| number(&row[i]).map(Instant);
            let attempt = at(5).map(|started| Attempt { started, finished: at(6) });
            facts.views.push(Known {
                id,
                view: Oid::from(view),
                owner: Oid::from(oid(2)),
                query: Oid::from(key),
                schedule: given.schedule,
                reads: vec![],
                paused: given.paused,
                attempt,
                satisfied: at(7),
                failures: number(&row[8]).unwrap_or_default() as u32,
                running: working.on(key, attempt) || refreshable::is_refreshing(id) || begun.contains(&key),
                timeout: given.timeout.or_else(setting::refresh_timeout),
                last_success: at(9),
                last_duration: number(&row[10]),
                exception: row[11].clone(),
            });
        }
        facts.find_reads(&views, &queries);
        facts
    }

    fn find_reads(&mut self, views: &[u32], queries: &[u32]) {
        if self.views.len() < 2 {
            return;
        }
        let some: Vec<u32> = self.views.iter().map(Known::key).collect();
        let array = |all: &[u32]| sql::oids(all.iter().copied());
        let reads = "SELECT reader, read FROM tally.schedule_reads($1::pg_catalog.oid[], $2::pg_catalog.oid[], $3::pg_catalog.oid[])";
        for row in rows(reads, &[&array(views), &array(queries), &array(&some)]) {
            let (Some(reader), Some(read)) = (number(&row[0]), number(&row[1])) else { continue };
            let reader = self.views.iter_mut().find(|v| i64::from(v.query.to_u32()) == reader);
            reader.into_iter().for_each(|v| v.reads.push(read as ViewId));
        }
    }

    pub fn rules(&self) -> Vec<View<'_>> {
        self.views.iter().map(Known::rules).collect()
    }

    pub fn get(&self, key: ViewId) -> Option<&Known> {
        self.views.iter().find(|v| v.key() == key)
    }

    /// As if somebody were at it.
    pub fn leave_alone(&mut self, key: ViewId) {
        self.views.iter_mut().filter(|v| v.key() == key).for_each(|v| v.running = true);
    }

    /// Writes down what the rules found out. Whoever holds a view's job lock writes what he does himself, and may not have
    /// committed it: such views are passed over.
    pub fn write_down(&self, lost: &[ViewId], set_back: &[ViewId], now: Instant) {
        for view in lost.iter().filter_map(|&key| self.get(key)).filter(|v| lock::try_lock_job(v.query)) {
            ledger::lost(view.id, LOST, now);
            Fail::new(PgSqlErrorCode::ERRCODE_WARNING, format!("refresh of view \"{}\" did not end", crate::pg::catalog::qualified_name(view.view)))
                .detail("The process that refreshed it, or the server, has crashed or was shut down.")
                .hint("It is tried again later.")
                .log();
        }
        for view in set_back.iter().filter_map(|&key| self.get(key)).filter(|v| !v.running && lock::try_lock_job(v.query)) {
            ledger::set_back(view.id, now);
        }
    }
}

/// Who is at work.
struct Working {
    views: HashSet<ViewId>,
    slots: Vec<i32>,
    /// A standby does not know.
    unknown: bool,
}

impl Working {
    fn read() -> Working {
        // A prepared transaction has no process. This one keeps the locks of what it has done until its transaction ends.
        let views = rows("SELECT query FROM tally.working WHERE pid IS DISTINCT FROM pg_catalog.pg_backend_pid()", &[]);
        let slots = rows("SELECT pid FROM tally.slots WHERE pid <> pg_catalog.pg_backend_pid()", &[]);
        Working {
            views: views.iter().filter_map(|r| number(&r[0])).map(|n| n as ViewId).collect(),
            slots: slots.iter().filter_map(|r| number(&r[0])).map(|n| n as i32).collect(),
            unknown: lock::in_recovery(),
        }
    }

    fn on(&self, key: ViewId, attempt: Option<Attempt>) -> bool {
        self.views.contains(&key) || (self.unknown && attempt.is_some_and(|a| a.finished.is_none()))
    }
}

/// What a view's options say of its refreshes.
#[derive(Clone)]
struct Given {
    schedule: Schedule,
    paused: bool,
    timeout: Option<i64>,
}

thread_local! {
    /// By the text of the options: a schedule is the same whenever it is read.
    static GIVEN: RefCell<HashMap<String, Option<Given>>> = RefCell::new(HashMap::new());
}

/// Views come and go, and a session may live for long.
const MOST_GIVEN: usize = 10_000;

impl Given {
    fn of(text: &str) -> Result<Option<Given>, String> {
        if let Some(known) = GIVEN.with(|g| g.borrow().get(text).cloned()) {
            return Ok(known);
        }
        // What cannot be read is not kept: it may be readable the next time.
        let given = Given::read(text)?;
        GIVEN.with(|g| {
            let mut g = g.borrow_mut();
            if g.len() >= MOST_GIVEN {
                g.clear();
            }
            g.insert(text.into(), given.clone());
        });
        Ok(given)
    }

    fn read(text: &str) -> Result<Option<Given>, String> {
        let options = Options::parse(text)?;
        let read = || {
            let timeout = options.timeout.as_deref().map(|t| length(schedule::interval(t)));
            schedule::of(&options).map(|schedule| Given { schedule, paused: options.paused, timeout })
        };
        xact::attempted(read).map_err(|failure| failure.message)
    }
}

/// As PostgreSQL compares intervals: a month has 30 days and a day has 24 hours.
fn length(interval: Interval) -> i64 {
    let days = i64::from(interval.months) * 30 + i64::from(interval.days);
    days.saturating_mul(DAY).saturating_add(interval.micros)
}

fn rows(query: &'static str, parameters: &[&str]) -> sql::Rows {
    sql::as_superuser(|| sql::rows_latest_planned(query, parameters))
}

fn number(text: &Option<String>) -> Option<i64> {
    text.as_deref()?.parse().ok()
}
