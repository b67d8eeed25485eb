//! Executes a plan one statement at a time. A statement that waits for another session is left waiting, and what its
//! session should do next queues up behind it, so the same seed gives the same interleaving.

use crate::db;
use crate::finish;
use crate::plan::{Kind, Plan, Step};
use crate::session::{Failure, Report, Session};
use postgres::Client;
use std::collections::{BTreeMap, VecDeque};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

#[derive(Default)]
pub struct Outcome {
    pub checks: u64,
    /// Changes of the source that went through, and views made.
    pub changes: u64,
    pub views: u64,
    pub tolerated: BTreeMap<String, u64>,
    pub refused: Vec<String>,
    pub log: Vec<Report>,
    /// How often what was meant to be tested happened.
    pub paths: BTreeMap<&'static str, u64>,
    pub failure: Option<Failure>,
}

impl Outcome {
    pub fn take(&mut self, rep: Report) {
        self.checks += u64::from(rep.checked);
        self.changes += u64::from(rep.changed);
        self.views += u64::from(rep.made_view);
        if let Some(p) = rep.path {
            *self.paths.entry(p).or_default() += 1;
        }
        if let Some(t) = &rep.tolerated {
            *self.tolerated.entry(t.clone()).or_default() += 1;
        }
        if let Some(t) = &rep.refused {
            self.refused.push(t.clone());
        }
        if self.failure.is_none() {
            self.failure.clone_from(&rep.failure);
        }
        if !rep.sql.is_empty() {
            self.log.push(rep);
        }
    }
}

enum Job {
    Run(Box<Step>),
    Finish,
}

struct Worker {
    jobs: Sender<Job>,
    pid: i32,
    busy: Option<Kind>,
    number: u64,
    queue: VecDeque<Job>,
}

struct Runner<'a> {
    monitor: &'a mut Client,
    /// Numbers statements in the order in which they were sent.
    sent: u64,
    workers: Vec<Worker>,
    reports: Receiver<Report>,
    out: Outcome,
}

/// Runs `steps`: those of `plan`, or what is left of them.
pub fn run(plan: &Plan, steps: &[Step], stub: bool) -> Outcome {
    let mut monitor = match db::connect("oracle monitor") {
        Ok(c) => c,
        Err(e) => return failed(Failure::new("crash", format!("cannot connect: {e}"))),
    };
    if let Err(e) = finish::reset(&mut monitor) {
        return failed(Failure::new("reset", db::explain(&e).1));
    }
    let (tx, reports) = channel();
    let mut workers = vec![];
    let mut threads = vec![];
    for id in 0..plan.sessions {
        let mut s = match Session::open(id, &plan.settings[id]) {
            Ok(s) => s,
            Err(e) => return failed(Failure::new("crash", format!("cannot connect: {e}"))),
        };
        let (jobs, inbox) = channel::<Job>();
        workers.push(Worker { jobs, pid: s.pid, busy: None, number: 0, queue: VecDeque::new() });
        let tx = tx.clone();
        threads.push(std::thread::spawn(move || {
            for job in inbox {
                let rep = match job {
                    Job::Run(step) => s.exec(&step),
                    Job::Finish => s.finish(),
                };
                if tx.send(rep).is_err() {
                    return;
                }
            }
        }));
    }
    let mut r = Runner { monitor: &mut monitor, sent: 0, workers, reports, out: Outcome::default() };
    for step in steps {
        r.step(step);
        if r.out.failure.is_some() {
            break;
        }
    }
    if r.out.failure.is_none() {
        r.quiet();
    }
    let Runner { mut out, workers, .. } = r;
    out.log.sort_by_key(|r| r.number);
    drop(workers);
    for t in threads {
        let _ = t.join();
    }
    if out.failure.is_none() {
        finish::paths(&mut monitor, plan, &mut out.paths);
        match finish::check(&mut monitor, plan, stub) {
            Ok(n) => out.checks += n,
            Err(f) => out.failure = Some(f),
        }
    }
    out
}

fn failed(f: Failure) -> Outcome {
    Outcome { failure: Some(f), ..Outcome::default() }
}

impl Runner<'_> {
    fn step(&mut self, step: &Step) {
        if step.kind.alone() {
            self.quiet();
            if step.sql.is_empty() {
                return;
            }
        }
        let job = Job::Run(Box::new(step.clone()));
        let w = &mut self.workers[step.session];
        if w.busy.is_some() {
            w.queue.push_back(job);
            // Everybody waits: a deadlock is found by now, or a prepared transaction holds the lock.
            if self.workers.iter().all(|w| w.busy.is_some()) {
                self.settle(Duration::from_millis(200));
                if self.workers.iter().all(|w| w.busy.is_some()) {
                    self.finish_prepared();
                    self.settle(Duration::from_millis(10));
                }
            }
            return;
        }
        self.dispatch(step.session, job);
        self.settle(Duration::from_millis(0));
    }

    fn dispatch(&mut self, session: usize, job: Job) {
        let w = &mut self.workers[session];
        self.sent += u64::from(matches!(job, Job::Run(_)));
        w.number = self.sent;
        w.busy = Some(match &job {
            Job::Run(s) => s.kind,
            Job::Finish => Kind::End,
        });
        let _ = w.jobs.send(job);
    }

    fn take(&mut self, mut rep: Report) {
        let s = rep.session;
        rep.number = self.workers[s].number;
        rep.waited = rep.number < self.sent;
        if rep.tolerated.as_deref().is_some_and(|t| t.ends_with("40P01")) {
            self.blame(&mut rep);
        }
        self.out.take(rep);
        self.workers[s].busy = None;
        if let Some(job) = self.workers[s].queue.pop_front() {
            self.dispatch(s, job);
        }
    }

    /// A deadlock's relations may be dropped before they can be looked up, so its parties tell too. Dropping a view and
    /// compaction deadlock with nobody where the view is an ordinary one. Making a view beside transactions that write a
    /// leaf and then the root does, but so does CREATE INDEX: that is counted by itself, not as caused by a view.
    fn blame(&self, rep: &mut Report) {
        // Rows of the user's own tables: what compaction and DDL of views wait for are locks on relations and objects.
        let waits = || rep.result.split(" waits for ").skip(1);
        if waits().all(|w| w.starts_with("ShareLock on transaction")) {
            return;
        }
        let party = |w: &Worker| rep.result.contains(&format!("Process {} waits", w.pid));
        let kinds: Vec<Kind> = self.workers.iter().filter(|w| party(w)).filter_map(|w| w.busy).collect();
        if kinds.iter().any(|k| matches!(k, Kind::DropView(_) | Kind::Compact)) {
            rep.tolerated = None;
            rep.failure = Some(Failure::new("deadlock", rep.result.clone()));
        } else if kinds.iter().any(|k| matches!(k, Kind::CreateView(_))) {
            rep.tolerated = Some("create_view 40P01".into());
        }
    }

    /// Until every session is idle or waits for another one; with `patience`, waits that long for those too.
    fn settle(&mut self, patience: Duration) {
        let start = Instant::now();
        let mut pause = Duration::from_millis(4);
        while self.workers.iter().any(|w| w.busy.is_some()) && self.out.failure.is_none() {
            match self.reports.recv_timeout(pause) {
                Ok(rep) => {
                    self.take(rep);
                    pause = Duration::from_millis(4);
                    continue;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            pause = Duration::from_millis(8);
            if self.all_busy_wait() && start.elapsed() >= patience {
                return;
            }
        }
    }

    fn all_busy_wait(&mut self) -> bool {
        let pids: Vec<String> = self.workers.iter().filter(|w| w.busy.is_some()).map(|w| w.pid.to_string()).collect();
        let sql = format!("SELECT count(*) FROM unnest(ARRAY[{}]) p WHERE cardinality(pg_blocking_pids(p)) = 0", pids.join(","));
        if db::value(self.monitor, &sql).unwrap_or_default() != "0" {
            return false;
        }
        let ddl = self.workers.iter().any(|w| matches!(w.busy, Some(Kind::CreateView(_) | Kind::DropView(_) | Kind::Truncate | Kind::Quiet | Kind::Settle)));
        if !ddl
            && let Some(f) = view_wait(self.monitor) {
                self.out.failure = Some(f);
            }
        true
    }

    fn finish_prepared(&mut self) {
        let sql = "SELECT gid FROM pg_prepared_xacts WHERE database = current_database() AND gid LIKE 'oracle%' ORDER BY 1";
        for row in db::rows(self.monitor, sql).unwrap_or_default() {
            let gid = row[0].clone().unwrap_or_default();
            let sql = format!("COMMIT PREPARED '{gid}'");
            let result = match db::rows(self.monitor, &sql) {
                Ok(_) => String::new(),
                Err(e) => db::explain(&e).1,
            };
            self.sent += 1;
            self.out.log.push(Report { session: 0, number: self.sent, sql, result, ..Report::default() });
        }
    }

    /// All transactions end, whatever they wait for.
    fn quiet(&mut self) {
        let start = Instant::now();
        loop {
            for s in 0..self.workers.len() {
                if self.workers[s].busy.is_none() {
                    self.dispatch(s, Job::Finish);
                }
            }
            self.settle(Duration::from_millis(0));
            self.finish_prepared();
            self.settle(Duration::from_millis(20));
            if self.out.failure.is_some() {
                return;
            }
            if self.workers.iter().all(|w| w.busy.is_none()) {
                for s in 0..self.workers.len() {
                    self.dispatch(s, Job::Finish);
                }
                self.settle(Duration::from_millis(0));
                self.finish_prepared();
                return;
            }
            if start.elapsed() > Duration::from_secs(60) {
                self.out.failure = Some(Failure::new("stuck", "sessions wait for each other for a minute"));
                return;
            }
        }
    }
}

/// Somebody who writes or reads waits for a lock on what is behind a view. Compaction and creation may wait; they may not.
pub fn view_wait(monitor: &mut Client) -> Option<Failure> {
    let sql = "SELECT l.locktype || ' ' || coalesce(l.mode, '') || ' ' || coalesce(c.relname, l.classid::text || '/' || l.objid::text, '') || ' wanted by: ' || left(a.query, 400) || ' // ' ||
          coalesce((SELECT string_agg(h.locktype || ' ' || h.mode || ' ' || h.relation::regclass, ', ') FROM pg_locks h WHERE h.pid = l.pid AND h.locktype = 'tuple' AND h.mode <> 'SIReadLock'), '')
        FROM pg_locks l JOIN pg_stat_activity a USING (pid) LEFT JOIN pg_class c ON c.oid = l.relation
        WHERE NOT l.granted AND a.application_name LIKE 'oracle session%'
          AND a.query !~* '^(select tally\\.|drop|alter|create|truncate)'
          AND ((l.locktype IN ('relation', 'tuple', 'page') AND c.relnamespace::regnamespace::text = 'tally_data') OR l.locktype = 'advisory'
            OR l.locktype = 'transactionid' AND EXISTS (SELECT 1 FROM pg_locks h JOIN pg_class hc ON hc.oid = h.relation
                 WHERE h.pid = l.pid AND h.locktype = 'tuple' AND h.mode <> 'SIReadLock' AND hc.relnamespace::regnamespace::text = 'tally_data'))";
    let rows = db::rows(monitor, sql).ok()?;
    let first = rows.first()?.first()?.clone()?;
    Some(Failure::new("wait", format!("a session waits because of a view: {first}")))
}
