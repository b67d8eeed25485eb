//! Lives of [`World`], and what is to hold of all of them.

use crate::oracle::{MINUTE, Plan, Walk, change_after, full_minute};
use crate::world::{DAY, Event, HOUR, Kept, SECOND, World};
use crate::zones::{Dice, NAMES, at, iana, schedule};
use pg_tally_core::schedule::{Instant, ViewId};
use std::collections::HashSet;

/// What happens besides refreshes, how many times a day.
#[derive(Clone, Copy)]
struct Trouble {
    probes: u64,
    crashes: u64,
    kills: u64,
    pauses: u64,
    broken: u64,
    sets: u64,
    by_hand: u64,
    refreshes: u64,
    /// Refreshes fail once in so many.
    fails: u64,
    /// Refreshes take up to so many seconds.
    seconds: u64,
    workers: usize,
    cycles: bool,
}

const CALM: Trouble = Trouble {
    probes: 5,
    crashes: 0,
    kills: 0,
    pauses: 0,
    broken: 0,
    sets: 0,
    by_hand: 0,
    refreshes: 0,
    fails: u64::MAX,
    seconds: 300,
    workers: 100,
    cycles: false,
};

const ROUGH: Trouble =
    Trouble { crashes: 2, kills: 4, pauses: 3, broken: 2, sets: 4, by_hand: 3, refreshes: 1, fails: 20, seconds: 1200, workers: 3, ..CALM };

fn set_by(dice: &mut Dice) -> i64 {
    match dice.below(6) {
        0 => -(dice.below(36) as i64) * HOUR,
        1 => dice.below(36) as i64 * HOUR,
        2 => dice.below(600) as i64 * SECOND,
        3 => -(dice.below(20) as i64) * SECOND,
        _ => -(dice.below(600) as i64) * SECOND,
    }
}

fn events(dice: &mut Dice, trouble: Trouble, views: u64, from: i64, days: i64) -> Vec<(i64, Event)> {
    let (mut all, mut skew) = (Vec::new(), 0);
    let times = |dice: &mut Dice, a_day: u64| -> Vec<i64> {
        let mut times: Vec<i64> = (0..a_day * days as u64).map(|_| from + dice.below((days * DAY) as u64) as i64).collect();
        times.sort();
        times
    };
    for time in times(dice, trouble.probes) {
        all.push((time, Event::Probe));
    }
    for time in times(dice, trouble.crashes) {
        let length = if dice.one_in(6) { 3 * DAY } else { 5 * MINUTE };
        all.extend([(time, Event::Down), (time + 1 + dice.below(length as u64) as i64, Event::Up)]);
    }
    for time in times(dice, trouble.kills) {
        all.push((time, Event::Kill));
    }
    for time in times(dice, trouble.pauses) {
        let n = dice.below(views) as usize;
        all.extend([(time, Event::Pause(n)), (time + 1 + dice.below(DAY as u64) as i64, Event::Resume(n))]);
    }
    for time in times(dice, trouble.broken) {
        all.push((time, Event::Break(dice.below(views) as usize, dice.below(6 * HOUR as u64) as i64)));
    }
    for time in times(dice, trouble.sets) {
        let by = set_by(dice);
        if (skew + by).abs() < 3 * DAY {
            skew += by;
            all.push((time, Event::Set(by)));
        }
    }
    for time in times(dice, trouble.by_hand) {
        all.push((time, Event::ByHand));
    }
    for time in times(dice, trouble.refreshes) {
        all.push((time, Event::Refresh(dice.below(views) as usize)));
    }
    all
}

fn kept(id: ViewId, plan: &Plan, name: &'static str, walk: &Walk, trouble: Trouble) -> Kept {
    Kept {
        id,
        schedule: schedule(plan.text(), name),
        reads: Vec::new(),
        paused: false,
        attempt: None,
        satisfied: None,
        failures: 0,
        running: false,
        ticks: walk.ticks(plan),
        most: trouble.seconds as i64 * SECOND,
        lasts: 4,
        fails: trouble.fails,
        broken_until: 0,
        in_cycle: false,
        epoch: 0,
        done: HashSet::new(),
        short: HashSet::new(),
    }
}

/// Lives for `days` and then a week without trouble; in the end every view has its ticks.
fn live(mut world: World, events: Vec<(i64, Event)>, days: i64) -> u64 {
    let end = world.real + days * DAY;
    world.live(events, end);
    for v in &mut world.views {
        (v.paused, v.fails, v.broken_until) = (false, u64::MAX, 0);
    }
    world.up = true;
    world.wake = world.real;
    world.live(Vec::new(), end + 5 * DAY);
    let now = world.now();
    for v in &world.views {
        let last = v.last_tick(Instant(now.0 - 12 * HOUR));
        assert!(v.satisfied.is_some_and(|s| s >= last), "{last:?} is lost: {:?} at {now:?}", v.view());
    }
    world.refreshes
}

fn world(dice: Dice, start: Instant, views: Vec<Kept>, trouble: Trouble) -> World {
    World {
        dice,
        real: start.0,
        skew: 0,
        views,
        jobs: Vec::new(),
        max_workers: trouble.workers,
        up: true,
        wake: start.0,
        set_unnoticed: false,
        sets: 0,
        hand: None,
        tried: HashSet::new(),
        refreshes: 0,
    }
}

fn scenario(seed: u64, trouble: Trouble) -> u64 {
    let mut dice = Dice(seed);
    let name = *dice.pick(&NAMES);
    let zone = iana(name);
    let day = Instant(at("2012-01-01T00:00:00Z").0 + dice.below(24 * 365) as i64 * DAY);
    let start = full_minute(Instant(change_after(&zone, day).0 - 4 * DAY));
    let days = 8;
    let walk = Walk::new(&zone, Instant(start.0 - 18 * DAY), ((18 + days + 12) * 1440) as usize);
    let mut views: Vec<Kept> = Vec::new();
    let count = 1 + dice.below(7) as usize;
    while views.len() < count {
        let plan = match dice.below(8) {
            0 => Plan::minutes(1 + dice.below(30) as i64),
            1 => Plan::cron("*/10 * * * *"),
            _ => Plan::random(&mut dice),
        };
        let early = walk.ticks(&plan).first().is_some_and(|t| t.0 < start.0 - 5 * DAY);
        if early {
            let mut view = kept(100 + views.len() as ViewId, &plan, name, &walk, trouble);
            view.reads = views.iter().filter(|_| dice.one_in(3)).map(|v| v.id).collect();
            if dice.one_in(2) {
                view.satisfied = Some(start);
            }
            views.push(view);
        }
    }
    if trouble.cycles {
        let last = views.last().unwrap().id;
        views[0].reads.push(last);
        views.iter_mut().for_each(|v| v.in_cycle = true);
        let ids: Vec<ViewId> = views.iter().map(|v| v.id).collect();
        (1..count).for_each(|n| views[n].reads.push(ids[n - 1]));
    }
    let events = events(&mut dice, trouble, count as u64, start.0, days);
    live(world(dice, start, views, trouble), events, days)
}

fn scenarios(seeds: std::ops::Range<u64>, trouble: Trouble) {
    let refreshes: u64 = seeds.map(|seed| {
        println!("seed {seed}");
        scenario(seed, trouble)
    }).sum();
    assert!(refreshes > 10_000, "{refreshes}");
}

#[test]
fn calm_weeks() {
    scenarios(1000..1060, CALM);
}

#[test]
fn rough_weeks() {
    scenarios(2000..2100, ROUGH);
}

#[test]
fn rough_weeks_with_one_worker_and_slow_refreshes() {
    scenarios(3000..3040, Trouble { workers: 1, ..ROUGH });
}

#[test]
fn rough_weeks_in_circles() {
    scenarios(4000..4040, Trouble { cycles: true, ..ROUGH });
}

#[test]
fn weeks_of_crashes_that_a_refresh_brings_about() {
    scenarios(5000..5020, Trouble { crashes: 20, kills: 100, ..ROUGH });
}

/// Two years with all changes of clocks.
#[test]
fn years() {
    for (seed, name) in ["Europe/Berlin", "Australia/Lord_Howe"].into_iter().enumerate() {
        let mut dice = Dice(seed as u64);
        let (zone, start, days) = (iana(name), at("2025-01-10T00:00:00Z"), 730);
        let walk = Walk::new(&zone, Instant(start.0 - 130 * DAY), (130 + days as usize + 12) * 1440);
        let plans = [
            Plan::cron("30 2 * * *"),
            Plan::cron("0 */3 * * *"),
            Plan::cron("15 1,2 * * 0"),
            Plan::cron("0 0 1 * *"),
            Plan::cron("0 2 13 * 5"),
            Plan::days(1),
            Plan::months(3),
            Plan::minutes(100),
        ];
        let trouble = Trouble { workers: 2, crashes: 1, kills: 1, pauses: 1, broken: 1, sets: 1, by_hand: 1, ..ROUGH };
        let mut views: Vec<Kept> = plans.iter().enumerate().map(|(n, plan)| kept(n as ViewId, plan, name, &walk, trouble)).collect();
        for n in 1..views.len() {
            views[n].reads = vec![n as ViewId - 1, n as ViewId / 2];
        }
        let events = events(&mut dice, trouble, views.len() as u64, start.0, days);
        assert!(live(world(dice, start, views, trouble), events, days) > 10_000);
    }
}

/// A view that is due again whenever it is done does not hold its readers back for ever.
#[test]
fn slow_views_below_do_not_starve_those_above() {
    for workers in [1, 2, 3] {
        let trouble = Trouble { workers, ..CALM };
        let start = at("2026-05-01T00:00:00Z");
        let walk = Walk::new(&iana("UTC"), Instant(start.0 - 10 * DAY), 20 * 1440);
        let mut views: Vec<Kept> =
            [1, 1, 2].iter().zip(0..).map(|(&minutes, id)| kept(id, &Plan::minutes(minutes), "UTC", &walk, trouble)).collect();
        views[0].most = 1200 * SECOND;
        (views[1].reads, views[2].reads) = (vec![0], vec![1, 0]);
        let mut world = world(Dice(7), start, views, trouble);
        for hour in 1..48 {
            world.live(Vec::new(), start.0 + hour * HOUR);
            for v in &world.views[1..] {
                assert!(v.satisfied.is_some_and(|s| s.0 > world.real - 2 * HOUR), "{workers} workers: {:?}", v.view());
            }
        }
    }
}

/// What fails for ever at the bottom does not keep those above from their ticks, however fast or slow they are, nor does it make them run more often.
#[test]
fn a_view_that_fails_for_ever_stops_nobody() {
    for (workers, minutes, seconds) in [(1, [60, 10, 30, 60], 60), (3, [10, 10, 10, 10], 300), (3, [720, 1, 1, 60], 150), (9, [1, 60, 1, 10], 90), (9, [5, 1, 60, 7], 1), (9, [60, 1, 1, 60], 1200)] {
        let trouble = Trouble { workers, seconds, by_hand: 24, ..CALM };
        let start = at("2026-05-01T00:00:00Z");
        let walk = Walk::new(&iana("UTC"), Instant(start.0 - 10 * DAY), 20 * 1440);
        let mut views: Vec<Kept> = minutes.iter().zip(0..).map(|(&m, id)| kept(id, &Plan::minutes(m), "UTC", &walk, trouble)).collect();
        views.iter_mut().for_each(|v| (v.satisfied, v.lasts) = (Some(start), 1));
        (views[1].reads, views[2].reads, views[3].reads) = (vec![0], vec![1], vec![2, 0]);
        views[0].broken_until = i64::MAX;
        let mut dice = Dice(11);
        let mut events = events(&mut dice, trouble, 4, start.0, 2);
        let mut world = world(dice, start, views, trouble);
        for hour in 1..48 {
            let until = start.0 + hour * HOUR;
            let now: Vec<_> = events.extract_if(.., |e| e.0 < until).collect();
            world.live(now, until);
            assert!(world.hand.is_none_or(|(called, _)| called.0 > until - HOUR), "a round by hand does not end: {minutes:?}");
            for v in &world.views[1..] {
                let began = v.attempt.map(|a| a.started);
                assert!(v.last_tick(Instant(until - HOUR)) <= began.unwrap_or(v.last_tick(start)), "{minutes:?}, {workers} workers: {:?} at {until}", v.view());
            }
        }
        // It is mended: all have read it within two periods of the longest retry, and nobody is behind.
        world.views[0].broken_until = 0;
        world.live(Vec::new(), start.0 + 50 * HOUR);
        assert!(world.views.iter().all(|v| v.satisfied.is_some_and(|s| s.0 > world.real - 2 * v.gap(world.now()) - HOUR)));
    }
}
