//! What to refresh now. The caller reads the state of all views under a lock, asks, and writes down what it starts
//! before the lock is released. The worker and `tally.run_due()` ask the same state, so nothing is run by both.
//!
//! # Due
//! A view is *due* when a tick has passed since the one that it `satisfied` last, or if it was never refreshed. One refresh
//! satisfies all ticks up to its start, unless a view that it reads is stuck. A paused view is never due; resumed, it catches up once, as after any downtime.
//! A due view waits for its place in the spread ([`super::pace`]) and, after failures, for its back-off.
//!
//! # Order
//! A view waits for the views that it reads, while they are due or running for a tick not later than its own. It does not wait for
//! - a view that is paused, backing off after a failure, or behind: it reads what that one has;
//! - a view whose attempt, good or bad, began after it became due itself and ended after its latest tick: it has waited for it already,
//!   and a fast view below a slow one would otherwise hold it back for ever. An attempt that was short and can be made good now does not count;
//! - a view that waits for it in turn: in a cycle nobody waits for the others.
//!
//! Who may start goes by how long it could have, then by id. So a view without a free job moves up, and none is overtaken for ever.
//!
//! # Behind
//! A view is *stuck* while it is due and fails, or reads one that is stuck for a tick not later than its own. A refresh that reads a stuck view is *short*:
//! it satisfies only what is before the first tick that is missing there. So the view stays due, and is refreshed again when nothing is stuck below.
//! Until then it is *behind*, and is left alone up to its own next tick. So for one tick it is refreshed well at most twice, if it does not fail itself
//! in between, however often something fails and recovers below; and what fails for ever below costs it none of its ticks.
//!
//! # Clocks
//! If the clock is set forward, ticks were missed, and are caught up once. If it is set back, a tick that is `satisfied` in the future is
//! not run again: the view waits for the tick after it, if that is the first or second tick from now. If it were later than
//! that, the record is from a clock that was wrong: [`Round::set_back`] names the view, the caller writes now as its `satisfied`, and
//! it goes by the ticks from now on. So nobody waits beyond the second tick from now, and a tick is run twice only
//! if the clock went back by more than a whole period. A failure in the future is not waited for.
//!
//! # Crashes
//! An attempt that was begun and not ended, with nobody at it any more, is *lost*: its server or worker crashed, perhaps because of it.
//! [`Round::lost`] names it and it is not started. The caller writes it down as a failure that ended now, and back-off does the rest.

use super::pace;
use super::rule::Schedule;
use super::zone::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// The view's OID.
pub type ViewId = u32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempt {
    pub started: Instant,
    pub finished: Option<Instant>,
}

/// What the caller knows of a view with a schedule.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    pub id: ViewId,
    pub schedule: &'a Schedule,
    /// The views with a schedule that it reads, also through views without one. Others in the list are passed over.
    pub reads: &'a [ViewId],
    pub paused: bool,
    /// The last one.
    pub attempt: Option<Attempt>,
    /// Up to when its ticks are satisfied: [`Start::scheduled`] of the last success, or the start of a refresh by hand or of
    /// the statement that filled it. None: never refreshed.
    pub satisfied: Option<Instant>,
    /// Failures since the last success.
    pub failures: u32,
    /// A living process is at it.
    pub running: bool,
    /// How long an attempt may take, in microseconds.
    pub timeout: Option<i64>,
}

/// Who asks.
#[derive(Clone, Copy, Debug)]
pub struct Jobs {
    pub max_workers: usize,
    /// Jobs of any kind that count towards `max_workers` and are at work now.
    pub running: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    pub id: ViewId,
    /// Up to when its ticks are satisfied if it succeeds: the last one that has passed, or before one that is missing below.
    pub scheduled: Instant,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Round {
    /// To be started, in this order.
    pub start: Vec<Start>,
    /// Begun, and nobody is at it: to be written down as failed now.
    pub lost: Vec<ViewId>,
    /// Satisfied too far in the future: now is to be written as `satisfied`.
    pub set_back: Vec<ViewId>,
    /// At work for longer than their timeout: to be cancelled.
    pub overdue: Vec<ViewId>,
    /// When to ask again, unless a job ends or a view changes before. None: only then.
    pub wake: Option<Instant>,
}

/// A sleeping process does not notice that the clock is set, so nobody sleeps longer.
pub const LONGEST_SLEEP: i64 = super::civil::MINUTE;

/// A view that was never refreshed misses everything since PostgreSQL's day zero, which has a text in every time zone.
const EPOCH: Instant = Instant(0);

impl Round {
    /// Microseconds to sleep. Nothing if there is something to write down: then the worker asks again at once.
    pub fn sleep(&self, now: Instant) -> i64 {
        if !self.lost.is_empty() || !self.set_back.is_empty() {
            return 0;
        }
        self.wake.map_or(LONGEST_SLEEP, |wake| wake.minus(now).clamp(0, LONGEST_SLEEP))
    }
}

/// What `tally.run_due()` is to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ByHand {
    /// What is due and waits for nobody at work, in order.
    pub start: Vec<Start>,
    /// Due, and somebody else is at it.
    pub elsewhere: Vec<ViewId>,
    pub lost: Vec<ViewId>,
    pub set_back: Vec<ViewId>,
}

/// A view's place in this round.
struct Place<'a> {
    view: View<'a>,
    /// The places of those that it reads.
    below: Vec<usize>,
    /// The first tick that is not satisfied.
    pending: Instant,
    /// The last tick that has passed, if the view is due or running.
    latest: Instant,
    /// The tick that it is to start for; see [`target`].
    target: Instant,
    due: bool,
    /// Its ticks cannot all be satisfied now: it fails, or this round by hand has tried it, or it reads one that is stuck.
    stuck: bool,
    /// Whether it takes part: due, nobody at it, not backing off, not behind.
    contends: bool,
    /// From when on it may start.
    ready: Instant,
    lost: bool,
    set_back: bool,
}

/// `due_by` is now, or when the round by hand was asked for.
fn places<'a>(views: &[View<'a>], now: Instant, due_by: Instant, by_hand: bool) -> Vec<Place<'a>> {
    let by_id: BTreeMap<ViewId, usize> = views.iter().enumerate().map(|(n, v)| (v.id, n)).collect();
    let below = |view: &View| view.reads.iter().filter(|&&id| id != view.id).filter_map(|id| by_id.get(id)).copied().collect();
    let mut places: Vec<Place> = views.iter().map(|view| place(*view, below(view), now, due_by, by_hand)).collect();
    let stuck_below = |places: &[Place], p: &Place| p.due && !p.stuck && missing(places, p).is_some();
    loop {
        let more: Vec<usize> = (0..places.len()).filter(|&n| stuck_below(&places, &places[n])).collect();
        if more.is_empty() {
            break;
        }
        more.into_iter().for_each(|n| places[n].stuck = true);
    }
    // Their last attempt was short and for the latest tick: they are behind while they are stuck, and then may start at once.
    for p in places.iter_mut().filter(|p| p.due && p.target > due_by) {
        p.contends &= !p.stuck;
        p.ready = if p.stuck { p.ready } else { p.pending };
    }
    places
}

fn place<'a>(view: View<'a>, below: Vec<usize>, now: Instant, due_by: Instant, by_hand: bool) -> Place<'a> {
    let Due { pending, set_back } = due(&view, now);
    let lost = lost(&view);
    let due = !view.paused && pending <= due_by;
    let latest = if due || view.running { view.schedule.last_until(due_by) } else { Instant::BEGIN };
    let target = target(&view, pending, now);
    let tick = if pending == Instant::BEGIN || by_hand { pending } else { staggered(&view, target) };
    let retry = retry_at(&view, now);
    // In one round by hand a view is tried once, whoever tries it.
    let tried = by_hand && !view.running && view.attempt.is_some_and(|a| a.started >= due_by);
    let stuck = due && (view.failures > 0 || lost || tried);
    let contends = due && !view.running && !lost && !tried && retry.is_none_or(|retry| retry <= now);
    let ready = tick.max(retry.unwrap_or(Instant::BEGIN));
    Place { view, below, pending, latest, target, due, stuck, contends, ready, lost, set_back }
}

/// The first tick that a refresh of it now would miss of what it reads.
fn missing(places: &[Place], reader: &Place) -> Option<Instant> {
    reader.below.iter().map(|&b| &places[b]).filter(|below| below.stuck && below.pending <= reader.latest).map(|below| below.pending).min()
}

/// When the last attempt began, if it was good and did not satisfy all ticks before it.
fn short(view: &View, pending: Instant) -> Option<Instant> {
    let Attempt { started, finished } = view.attempt?;
    (finished.is_some() && view.failures == 0 && pending <= started).then_some(started)
}

/// The tick to start for: after a short attempt it is the next one, which may be to come. An attempt in the future is none.
pub(super) fn target(view: &View, pending: Instant, now: Instant) -> Instant {
    short(view, pending).filter(|&started| started <= now).map_or(pending, |started| view.schedule.next_after(started))
}

pub(super) struct Due {
    pub pending: Instant,
    pub set_back: bool,
}

/// The first tick that is not satisfied.
pub(super) fn due(view: &View, now: Instant) -> Due {
    let Some(satisfied) = view.satisfied else { return Due { pending: Instant::BEGIN, set_back: false } };
    let pending = view.schedule.next_after(satisfied);
    if satisfied > now {
        let first = view.schedule.next_after(now);
        if satisfied >= view.schedule.next_after(first) {
            return Due { pending: first, set_back: true };
        }
    }
    Due { pending, set_back: false }
}

pub(super) fn staggered(view: &View, tick: Instant) -> Instant {
    tick.plus(pace::stagger(view.id, view.schedule.next_after(tick).minus(tick)))
}

/// Whether an attempt was begun and nobody is at it any more.
pub fn lost(view: &View) -> bool {
    !view.running && view.attempt.is_some_and(|a| a.finished.is_none())
}

/// When a view that failed may be tried again.
pub(super) fn retry_at(view: &View, now: Instant) -> Option<Instant> {
    let (failures, finished) = match view.attempt {
        Some(_) if lost(view) => (view.failures.saturating_add(1), now),
        Some(Attempt { finished: Some(finished), .. }) if view.failures > 0 && finished <= now => (view.failures, finished),
        _ => return None,
    };
    Some(finished.plus(pace::backoff(view.id, failures, view.schedule.period_at(finished))))
}

/// Whether `reader` has waited for an attempt of `below` already.
fn served(reader: &Place, below: &Place) -> bool {
    match below.view.attempt {
        Some(Attempt { started, finished: Some(finished) }) => {
            started >= reader.pending && finished >= reader.latest && (below.stuck || short(&below.view, below.pending).is_none())
        }
        _ => false,
    }
}

/// Whether `reader` waits for `below`, which it reads.
fn waits(reader: &Place, below: &Place) -> bool {
    (below.contends || below.view.running) && below.pending <= reader.latest && !served(reader, below)
}

/// What every contender waits for, by index: others that contend, and whether it waits for one that is at work.
struct Queue {
    waits_for: BTreeMap<usize, BTreeSet<usize>>,
    waits_for_work: BTreeSet<usize>,
}

fn queue(places: &[Place]) -> Queue {
    let mut queue = Queue { waits_for: BTreeMap::new(), waits_for_work: BTreeSet::new() };
    for (n, reader) in places.iter().enumerate().filter(|(_, p)| p.contends) {
        let below = || reader.below.iter().copied().filter(|&b| waits(reader, &places[b]));
        if below().any(|b| places[b].view.running) {
            queue.waits_for_work.insert(n);
        }
        queue.waits_for.insert(n, below().filter(|&b| places[b].contends).collect());
    }
    free_cycles(&mut queue.waits_for);
    queue
}

/// In a cycle nobody waits for the others.
fn free_cycles(waits_for: &mut BTreeMap<usize, BTreeSet<usize>>) {
    // Without those that come to an end there are only cycles left, what leads to them and what lies between.
    let mut left = waits_for.clone();
    loop {
        let done: Vec<usize> = left.iter().filter(|(_, below)| !below.iter().any(|b| left.contains_key(b))).map(|(&n, _)| n).collect();
        if done.is_empty() {
            break;
        }
        done.iter().for_each(|n| {
            left.remove(n);
        });
    }
    let reached: BTreeMap<usize, BTreeSet<usize>> = left.keys().map(|&n| (n, reach(&left, n))).collect();
    for (n, below) in waits_for.iter_mut() {
        below.retain(|b| !reached.get(b).is_some_and(|r| r.contains(n)));
    }
}

fn reach(edges: &BTreeMap<usize, BTreeSet<usize>>, from: usize) -> BTreeSet<usize> {
    let (mut seen, mut stack) = (BTreeSet::new(), vec![from]);
    while let Some(n) = stack.pop() {
        stack.extend(edges.get(&n).into_iter().flatten().copied().filter(|&b| seen.insert(b)));
    }
    seen
}

fn start(places: &[Place], place: &Place) -> Start {
    let short = |missing: Instant| missing.max(EPOCH).plus(-1).max(place.view.satisfied.unwrap_or(EPOCH));
    Start { id: place.view.id, scheduled: missing(places, place).map_or(place.latest, short) }
}

fn ids<'a>(places: &[Place<'a>], which: impl Fn(&Place<'a>) -> bool) -> Vec<ViewId> {
    places.iter().filter(|p| which(p)).map(|p| p.view.id).collect()
}

/// What a worker does now.
pub fn decide(views: &[View], now: Instant, jobs: Jobs) -> Round {
    let places = places(views, now, now, false);
    let queue = queue(&places);
    let mut may: Vec<&Place> = queue
        .waits_for
        .iter()
        .filter(|(n, below)| below.is_empty() && !queue.waits_for_work.contains(n))
        .map(|(&n, _)| &places[n])
        .filter(|p| p.ready <= now)
        .collect();
    may.sort_by_key(|p| (p.ready, p.view.id));
    let limit = |view: &View| Some(view.attempt?.started.plus(view.timeout?)).filter(|_| view.running);
    let wakes = places.iter().filter_map(|p| match limit(&p.view) {
        _ if !p.view.paused && !p.view.running => Some(p.ready),
        limit => limit,
    });
    Round {
        start: may.into_iter().take(jobs.max_workers.saturating_sub(jobs.running)).map(|p| start(&places, p)).collect(),
        lost: ids(&places, |p| p.lost),
        set_back: ids(&places, |p| p.set_back),
        overdue: ids(&places, |p| limit(&p.view).is_some_and(|limit| limit <= now)),
        wake: wakes.filter(|&wake| wake > now && wake < Instant::NEVER).min(),
    }
}

/// What a round by hand that was asked for at `called` still has to do: all that was due then, not spread. The caller runs the first
/// of `start` and asks again, with `called` as before; if there is none, it waits for one of `elsewhere` to end; if there
/// is none of these either, the round is done.
pub fn due_in_order(views: &[View], called: Instant, now: Instant) -> ByHand {
    // If the clock was set back meanwhile, what was due then is not due now.
    let called = called.min(now);
    let places = places(views, now, called, true);
    let Queue { mut waits_for, waits_for_work } = queue(&places);
    let mut round = ByHand {
        // What is stuck may be tried again and again by others.
        elsewhere: ids(&places, |p| p.view.running && p.pending <= called && !(p.stuck && p.view.attempt.is_some_and(|a| a.started >= called))),
        lost: ids(&places, |p| p.lost),
        set_back: ids(&places, |p| p.set_back),
        ..ByHand::default()
    };
    let key = |n: &usize| (places[*n].ready, places[*n].view.id);
    while let Some(n) = waits_for.iter().filter(|(n, below)| below.is_empty() && !waits_for_work.contains(n)).map(|(&n, _)| n).min_by_key(key) {
        waits_for.remove(&n);
        waits_for.values_mut().for_each(|below| {
            below.remove(&n);
        });
        round.start.push(start(&places, &places[n]));
    }
    round
}
