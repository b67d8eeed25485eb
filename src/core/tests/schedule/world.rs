//! Months and years of a worker's life: refreshes of random length, failures, pauses, crashes, restarts, rounds by hand, and a clock
//! that is set both ways. The world below knows true time; the worker sees its clock only. What is checked, always against
//! ticks from the brute-force oracle:
//!
//! - **None lost**: whenever a job is free and a view has had a tick since the one it satisfied, is not paused, has nothing to wait
//!   for and is past the longest spread and back-off there may be, it has been started. In the end, all have all their ticks.
//! - **None doubled**: a refresh starts for the last tick that has passed, which is later than the one satisfied. No tick of a view is
//!   satisfied twice, unless the clock went back over two of its ticks at once.
//! - **None behind**: a refresh that satisfies ticks has read of each view below, unless that is paused, what satisfies the ticks of that one up to the
//!   first of them, and up to the last of them unless that one has had its turn. Where that cannot be, because one below is *stuck*, it satisfies
//!   what is before the first tick that is missing there, neither more nor less.
//! - **None in vain**: for each of its ticks a view is refreshed well at most twice: once with what there is, if something below is stuck then, and once
//!   when nothing is; more often only if it failed in between or the clock was set. A round by hand tries it once, and ends whatever is stuck.
//! - Never two refreshes of one view at once, never more than `max_workers` of the worker's, none of a paused view.
//! - A view does not start while one that it reads is due or at work for the same tick, if that one has not had its turn since.
//! - Failures in a row are followed by growing pauses, an attempt that died with its server among them.
//! - A view is never satisfied beyond the next tick but one.

use crate::oracle::MINUTE;
use crate::zones::Dice;
use pg_tally_core::schedule::decide::{Attempt, Jobs, Start};
use pg_tally_core::schedule::{Instant, Schedule, View, ViewId, decide, due_in_order};
use std::collections::HashSet;

pub const SECOND: i64 = 1_000_000;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

pub struct Kept {
    pub id: ViewId,
    pub schedule: Schedule,
    pub reads: Vec<ViewId>,
    pub paused: bool,
    pub attempt: Option<Attempt>,
    pub satisfied: Option<Instant>,
    pub failures: u32,
    pub running: bool,
    pub ticks: Vec<Instant>,
    /// How long a refresh takes at most, how often it takes longer than a second and how often it fails (once in so many), and until when it fails always.
    pub most: i64,
    pub lasts: u64,
    pub fails: u64,
    pub broken_until: i64,
    /// Whether it reads itself through others.
    pub in_cycle: bool,
    /// How often its record was set back, and what it satisfied since.
    pub epoch: u32,
    pub done: HashSet<(u32, Instant)>,
    /// For which ticks it was refreshed while something below was stuck, since the clock was set so often.
    pub short: HashSet<(u32, Instant)>,
}

impl Kept {
    pub fn view(&self) -> View<'_> {
        let Kept { id, paused, attempt, satisfied, failures, running, .. } = *self;
        View { id, schedule: &self.schedule, reads: &self.reads, paused, attempt, satisfied, failures, running, timeout: None }
    }

    pub fn last_tick(&self, at: Instant) -> Instant {
        self.ticks[self.ticks.partition_point(|&t| t <= at).checked_sub(1).expect("ticks begin early enough")]
    }

    fn tick_after(&self, at: Instant) -> Instant {
        self.ticks.get(self.ticks.partition_point(|&t| t <= at)).copied().unwrap_or(Instant::NEVER)
    }

    fn pending(&self) -> Instant {
        self.satisfied.map_or(Instant::BEGIN, |s| self.tick_after(s))
    }

    pub fn gap(&self, at: Instant) -> i64 {
        self.tick_after(at).minus(self.last_tick(at))
    }

    fn due(&self, now: Instant) -> bool {
        !self.paused && self.pending() <= now
    }

    /// When its last attempt began, if that was good, is not in the future, and left ticks before it.
    fn short(&self, now: Instant) -> Option<Instant> {
        let Attempt { started, finished } = self.attempt?;
        (finished.is_some() && self.failures == 0 && self.pending() <= started && started <= now).then_some(started)
    }

    fn fail(&mut self) {
        self.failures += 1;
        // Tried again, it may find something else stuck.
        self.short.clear();
    }

    /// The shortest that it may back off, if it does.
    fn retry(&self, now: Instant) -> Option<Instant> {
        let finished = self.attempt?.finished.filter(|&f| self.failures > 0 && f <= now)?;
        Some(finished.plus((10 * SECOND << (self.failures - 1).min(15)).min(HOUR).min(self.gap(finished)) * 7 / 10))
    }

    /// Past the longest spread and back-off from a tick on.
    fn must_start(&self, tick: Instant, now: Instant) -> bool {
        let spread = match tick {
            Instant::BEGIN => Instant::BEGIN,
            tick => tick.plus((self.gap(tick) / 20).min(MINUTE)),
        };
        let retry = match self.attempt {
            Some(Attempt { finished: Some(f), .. }) if self.failures > 0 && f <= now => f.plus(HOUR.min(self.gap(f))),
            _ => Instant::BEGIN,
        };
        self.due(now) && !self.running && spread <= now && retry <= now
    }
}

pub struct Job {
    view: usize,
    scheduled: Instant,
    /// The tick that it began for, and how often the clock had been set then.
    tick: Instant,
    sets: u32,
    end: i64,
    good: bool,
    by_hand: bool,
}

#[derive(Clone, Copy)]
pub enum Event {
    /// Look, without a reason.
    Probe,
    Down,
    Up,
    /// One job's process dies.
    Kill,
    Pause(usize),
    Resume(usize),
    /// `tally.refresh_view`
    Refresh(usize),
    Break(usize, i64),
    Set(i64),
    ByHand,
}

pub struct World {
    pub dice: Dice,
    pub real: i64,
    pub skew: i64,
    pub views: Vec<Kept>,
    pub jobs: Vec<Job>,
    pub max_workers: usize,
    pub up: bool,
    pub wake: i64,
    /// After the clock was set, the worker sleeps on for up to a minute.
    pub set_unnoticed: bool,
    pub sets: u32,
    /// When a round by hand was asked for, and whether the clock was set since; what it has tried.
    pub hand: Option<(Instant, bool)>,
    pub tried: HashSet<usize>,
    pub refreshes: u64,
}

impl World {
    pub fn now(&self) -> Instant {
        Instant(self.real + self.skew)
    }

    fn find(&self, id: ViewId) -> Option<usize> {
        self.views.iter().position(|v| v.id == id)
    }

    fn below(&self, n: usize) -> Vec<usize> {
        self.views[n].reads.iter().filter_map(|&id| self.find(id)).filter(|&b| b != n).collect()
    }

    fn workers(&self) -> usize {
        self.jobs.iter().filter(|j| !j.by_hand).count()
    }

    /// Whether the view cannot come to be up to date: a way leads down from it, over views for ticks that are not satisfied, to one that fails,
    /// or that a round by hand which was asked for at `hand` has tried.
    fn stuck(&self, n: usize, due_by: Instant, hand: Option<Instant>) -> bool {
        let (mut seen, mut stack) = (HashSet::new(), vec![n]);
        while let Some(n) = stack.pop() {
            let v = &self.views[n];
            if !v.due(due_by) || !seen.insert(n) {
                continue;
            }
            let lost = !v.running && v.attempt.is_some_and(|a| a.finished.is_none());
            let tried = !v.running && v.attempt.is_some_and(|a| hand.is_some_and(|called| a.started >= called));
            if v.failures > 0 || lost || tried {
                return true;
            }
            stack.extend(self.below(n).into_iter().filter(|&b| self.views[b].pending() <= v.last_tick(due_by)));
        }
        false
    }

    /// Whether it was refreshed for its last tick with what there is, and something below is stuck still.
    fn rests(&self, n: usize, due_by: Instant, hand: Option<Instant>) -> bool {
        self.views[n].short(self.now()).is_some_and(|started| started >= self.views[n].last_tick(due_by)) && self.stuck(n, due_by, hand)
    }

    /// Nobody sits idle who should have been started by `now`.
    fn check_idle(&self, now: Instant) {
        if !self.up || self.workers() >= self.max_workers {
            return;
        }
        for (n, v) in self.views.iter().enumerate().filter(|(_, v)| v.due(now) && !v.running) {
            let must = match v.short(now).map(|started| v.tick_after(started)) {
                Some(tick) if tick > now => !self.stuck(n, now, None),
                tick => v.must_start(tick.unwrap_or(v.pending()), now),
            };
            let held = || self.below(n).into_iter().map(|b| (b, &self.views[b])).any(|(b, v)| {
                v.running || (v.due(now) && !self.rests(b, now, None) && v.retry(now).is_none_or(|retry| retry <= now))
            });
            assert!(!must || held(), "view {} ({}) is idle at {now:?}: {:?}", v.id, v.schedule, v.view());
        }
    }

    /// Against the state before anything of this round was started.
    fn check_order(&self, start: Start, due_by: Instant, hand: Option<Instant>) {
        let n = self.find(start.id).unwrap();
        let v = &self.views[n];
        let tick = v.last_tick(due_by);
        assert!(!self.rests(n, due_by, hand), "in vain: {:?}", v.view());
        let missing = self.below(n).into_iter().filter(|&b| self.stuck(b, due_by, hand)).map(|b| self.views[b].pending()).filter(|&p| p <= tick).min();
        let satisfies = missing.map_or(tick, |missing| Instant(missing.0.max(1) - 1)).max(v.satisfied.unwrap_or(Instant::BEGIN));
        // What was before the ticks that are known here is all one.
        let begin = self.views.iter().map(|v| v.ticks[0]).max().unwrap();
        assert_eq!(start.scheduled.max(begin), satisfies.max(begin), "{:?} at {due_by:?}, {missing:?} is missing below", v.view());
        for b in self.below(n).into_iter().filter(|_| !v.in_cycle) {
            let below = &self.views[b];
            let turn = below.attempt.filter(|a| a.started >= v.pending() && a.finished.is_some());
            let whole = turn.is_some_and(|a| below.failures == 0 && below.pending() > a.started);
            let ahead = below.running || (below.due(due_by) && below.failures == 0 && !self.rests(b, due_by, hand));
            let has_had_a_turn = whole || (turn.is_some() && self.stuck(b, due_by, hand));
            assert!(!ahead || has_had_a_turn || below.pending() > tick, "{:?} before {:?}", v.view(), below.view());
            let claims = v.tick_after(v.satisfied.unwrap_or(Instant::BEGIN)) <= start.scheduled && !below.paused;
            assert!(!claims || below.pending() > start.scheduled || whole, "{:?} is behind {:?}", v.view(), below.view());
        }
    }

    fn begin(&mut self, start: Start, by_hand: bool, due_by: Instant) {
        let now = self.now();
        let n = self.find(start.id).unwrap();
        let v = &self.views[n];
        let tick = v.last_tick(due_by);
        assert!(!v.running && !v.paused && self.up && v.pending() <= tick, "{v:?}", v = v.view());
        if let Some(Attempt { finished, .. }) = v.attempt {
            assert!(finished.is_some(), "a lost attempt is written down first");
            assert!(v.retry(now).is_none_or(|retry| retry <= now), "no back-off: {v:?}", v = v.view());
        }
        let length = if self.dice.one_in(self.views[n].lasts) { 1 + self.dice.below(self.views[n].most as u64) as i64 } else { 1 + self.dice.below(SECOND as u64) as i64 };
        let good = self.real >= self.views[n].broken_until && !self.dice.one_in(self.views[n].fails);
        let v = &mut self.views[n];
        v.attempt = Some(Attempt { started: now, finished: None });
        v.running = true;
        self.jobs.push(Job { view: n, scheduled: start.scheduled, tick, sets: self.sets, end: self.real + length, good, by_hand });
        assert!(self.workers() <= self.max_workers, "too many jobs");
        self.refreshes += 1;
    }

    fn end(&mut self, job: Job) {
        let now = self.now();
        let v = &mut self.views[job.view];
        v.running = false;
        v.attempt.as_mut().unwrap().finished = Some(now);
        if !job.good {
            v.fail();
            return;
        }
        v.failures = 0;
        v.satisfied = Some(job.scheduled);
        let first = if job.scheduled == job.tick { v.done.insert((v.epoch, job.tick)) } else { v.short.insert((job.sets, job.tick)) };
        assert!(first, "twice: {v:?}", v = v.view());
    }

    fn write_down(&mut self, lost: &[ViewId], set_back: &[ViewId]) {
        let now = self.now();
        for id in lost {
            let n = self.find(*id).unwrap();
            let v = &mut self.views[n];
            let attempt = v.attempt.as_mut().unwrap();
            assert!(!v.running && attempt.finished.is_none());
            attempt.finished = Some(now);
            v.fail();
        }
        for id in set_back {
            let n = self.find(*id).unwrap();
            let v = &mut self.views[n];
            let ahead = v.ticks.iter().filter(|&&t| t > now && t <= v.satisfied.unwrap()).count();
            assert!(ahead >= 2, "set back for nothing: {v:?}", v = v.view());
            v.satisfied = Some(now);
            v.epoch += 1;
        }
    }

    fn work(&mut self) {
        self.set_unnoticed = false;
        loop {
            let (now, running) = (self.now(), self.workers());
            let views: Vec<View> = self.views.iter().map(|v| v.view()).collect();
            let round = decide(&views, now, Jobs { max_workers: self.max_workers, running });
            self.write_down(&round.lost, &round.set_back);
            round.start.iter().for_each(|start| self.check_order(*start, now, None));
            round.start.iter().for_each(|start| self.begin(*start, false, now));
            if round.lost.is_empty() && round.set_back.is_empty() {
                self.wake = round.wake.map_or(i64::MAX, |wake| self.real + wake.minus(now));
                break;
            }
            assert_eq!(round.sleep(now), 0);
        }
        self.check_idle(self.now());
        for v in &self.views {
            let now = self.now();
            assert!(v.satisfied.is_none_or(|s| s < v.tick_after(v.tick_after(now))), "waits too long: {:?} at {now:?}", v.view());
        }
    }

    fn work_by_hand(&mut self) {
        while let Some((called, clock_was_set)) = self.hand {
            if self.jobs.iter().any(|j| j.by_hand) {
                return;
            }
            let now = self.now();
            let views: Vec<View> = self.views.iter().map(|v| v.view()).collect();
            let round = due_in_order(&views, called, now);
            self.write_down(&round.lost, &round.set_back);
            if let Some(&first) = round.start.first() {
                self.check_order(first, called.min(now), Some(called.min(now)));
                let n = self.find(first.id).unwrap();
                assert!(self.tried.insert(n) || clock_was_set, "tried twice by hand: {:?}", self.views[n].view());
                return self.begin(first, true, called.min(now));
            }
            if !round.lost.is_empty() || !round.set_back.is_empty() {
                continue;
            }
            if !round.elsewhere.is_empty() {
                return;
            }
            self.hand = None;
            for (n, v) in self.views.iter().enumerate().filter(|_| !clock_was_set) {
                assert!(!v.due(called) || self.stuck(n, called, Some(called)), "run_due is done, and there is {:?} from {called:?}", v.view());
            }
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Probe => self.wake = self.real,
            Event::Down => {
                self.up = false;
                self.hand = None;
                self.jobs.drain(..).for_each(|job| self.views[job.view].running = false);
            }
            Event::Up => {
                self.up = true;
                self.wake = self.real;
            }
            Event::Kill if !self.jobs.is_empty() => {
                let n = self.dice.below(self.jobs.len() as u64) as usize;
                let job = self.jobs.remove(n);
                self.views[job.view].running = false;
                // The end of any job wakes the worker.
                self.wake = self.real;
            }
            Event::Kill => {}
            Event::Pause(n) => {
                self.views[n].paused = true;
                self.wake = self.real;
            }
            Event::Resume(n) => {
                self.views[n].paused = false;
                self.wake = self.real;
            }
            Event::Refresh(n) if self.up && !self.views[n].running => {
                let now = self.now();
                let v = &mut self.views[n];
                // It may have been satisfied later than now, by a clock that was ahead.
                v.epoch += u32::from(v.satisfied > Some(now));
                (v.attempt, v.satisfied, v.failures) = (Some(Attempt { started: now, finished: Some(now) }), Some(now), 0);
                self.wake = self.real;
            }
            Event::Refresh(_) => {}
            Event::Break(n, length) => self.views[n].broken_until = self.real + length,
            Event::Set(by) => {
                self.skew += by;
                self.sets += 1;
                self.set_unnoticed = true;
                self.hand = self.hand.map(|(called, _)| (called, true));
                // It is noticed with the next look at the clock.
                self.wake = self.wake.min(self.real + self.dice.below(MINUTE as u64) as i64);
            }
            Event::ByHand if self.up && self.hand.is_none() => {
                self.hand = Some((self.now(), false));
                self.tried.clear();
            }
            Event::ByHand => {}
        }
    }

    pub fn live(&mut self, mut events: Vec<(i64, Event)>, until: i64) {
        events.sort_by_key(|&(time, _)| std::cmp::Reverse(time));
        loop {
            let job = self.jobs.iter().map(|j| j.end).min().unwrap_or(i64::MAX);
            let wake = if self.up { self.wake } else { i64::MAX };
            let next = job.min(events.last().map_or(i64::MAX, |e| e.0)).min(wake).min(until).max(self.real);
            // Until now nothing has happened, so nobody may have become idle unnoticed.
            let unnoticed = next > self.real && wake > next;
            self.real = next;
            if unnoticed && !self.set_unnoticed {
                self.check_idle(Instant(self.now().0 - 1));
            }
            if next == until {
                return;
            }
            let ended: Vec<Job> = self.jobs.extract_if(.., |j| j.end <= next).collect();
            let woken = !ended.is_empty() || wake <= next;
            ended.into_iter().for_each(|job| self.end(job));
            let mut looked = woken;
            while events.last().is_some_and(|e| e.0 <= next) {
                self.happen(events.pop().unwrap().1);
                looked |= self.wake <= next;
            }
            if self.up && looked {
                self.work();
            }
            if self.up {
                self.work_by_hand();
            }
        }
    }
}
