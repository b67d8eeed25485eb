//! The rules of decisions one by one; how they live together is the simulation's.

use crate::oracle::MINUTE;
use crate::zones::{at, schedule};
use pg_tally_core::schedule::decide::{Attempt, Jobs, LONGEST_SLEEP};
use pg_tally_core::schedule::show::{Status, next_refresh_time, performance, status};
use pg_tally_core::schedule::{Instant, Schedule, View, ViewId, decide, due_in_order, pace};

const SECOND: i64 = 1_000_000;
const HOUR: i64 = 60 * MINUTE;

fn view<'a>(id: ViewId, schedule: &'a Schedule, reads: &'a [ViewId], satisfied: &str) -> View<'a> {
    View { id, schedule, reads, paused: false, attempt: None, satisfied: Some(at(satisfied)), failures: 0, running: false, timeout: None }
}

fn free(max_workers: usize) -> Jobs {
    Jobs { max_workers, running: 0 }
}

fn failed(view: View<'_>, failures: u32, finished: Instant) -> View<'_> {
    View { failures, attempt: Some(Attempt { started: Instant(finished.0 - SECOND), finished: Some(finished) }), ..view }
}

fn started(views: &[View], now: Instant, jobs: Jobs) -> Vec<ViewId> {
    let mut ids: Vec<ViewId> = decide(views, now, jobs).start.iter().map(|s| s.id).collect();
    ids.sort();
    ids
}

const NOON: &str = "2026-05-01T12:00:00Z";

fn noon(plus: i64) -> Instant {
    at(NOON).plus(plus)
}

#[test]
fn what_was_missed_is_caught_up_once() {
    let hourly = schedule("@hourly", "UTC");
    let mut v = view(1, &hourly, &[], "2026-04-01T00:00:00Z");
    let round = decide(&[v], noon(30 * MINUTE), free(1));
    assert_eq!(round.start.iter().map(|s| (s.id, s.scheduled)).collect::<Vec<_>>(), [(1, noon(0))]);
    v.satisfied = Some(noon(0));
    let round = decide(&[v], noon(30 * MINUTE), free(1));
    assert_eq!((round.start.len(), round.wake), (0, Some(noon(HOUR + pace::stagger(1, HOUR)))));
    assert_eq!(round.sleep(noon(30 * MINUTE)), LONGEST_SLEEP);
    // Never refreshed: at once, without a spread.
    v.satisfied = None;
    assert_eq!(started(&[v], noon(0), free(1)), [1]);
    assert_eq!(started(&[View { paused: true, ..v }], noon(0), free(1)), Vec::<ViewId>::new());
    assert_eq!(decide(&[View { paused: true, ..v }], noon(0), free(1)).wake, None);
    assert_eq!(decide(&[], noon(0), free(1)).sleep(noon(0)), LONGEST_SLEEP);
}

#[test]
fn starts_are_spread_within_a_small_part_of_the_period() {
    let minutes = schedule("10 minutes", "UTC");
    let views: Vec<View> = (0..200).map(|id| view(id, &minutes, &[], "2026-05-01T11:50:00Z")).collect();
    let at_the_tick = started(&views, noon(0), free(1000)).len();
    assert!(at_the_tick < 10, "{at_the_tick}");
    let half = started(&views, noon(15 * SECOND), free(1000)).len();
    assert!((60..140).contains(&half), "{half}");
    assert_eq!(started(&views, noon(30 * SECOND), free(1000)).len(), 200);
    assert_eq!(started(&views, noon(30 * SECOND), Jobs { max_workers: 10, running: 7 }).len(), 3);
    assert_eq!(started(&views, noon(30 * SECOND), Jobs { max_workers: 3, running: 7 }).len(), 0);
    // By hand there is nothing to spread, and no limit.
    assert_eq!(due_in_order(&views, noon(0), noon(0)).start.len(), 200);
    assert!((0..10_000).all(|id| (0..MINUTE).contains(&pace::stagger(id, 365 * 24 * HOUR))));
}

#[test]
fn back_off_doubles_up_to_the_period_and_an_hour() {
    for id in 0..100 {
        for (failures, most) in [(1, 10), (2, 20), (3, 40), (9, 2560), (10, 3600), (1000, 3600), (u32::MAX, 3600)] {
            let delay = pace::backoff(id, failures, 24 * HOUR);
            assert!(delay <= most * SECOND && delay > most * SECOND * 3 / 4, "{failures}: {delay}");
        }
        assert!(pace::backoff(id, 5, MINUTE) <= MINUTE);
    }
    let different: std::collections::HashSet<i64> = (0..100).map(|id| pace::backoff(id, 3, HOUR)).collect();
    assert!(different.len() > 95);
    let hourly = schedule("@hourly", "UTC");
    let v = failed(view(1, &hourly, &[], "2026-05-01T11:00:00Z"), 3, noon(2 * MINUTE));
    let retry = noon(2 * MINUTE).plus(pace::backoff(1, 3, HOUR));
    assert_eq!((started(&[v], Instant(retry.0 - 1), free(1)), started(&[v], retry, free(1))), (vec![], vec![1]));
    assert_eq!(decide(&[v], noon(3 * MINUTE - 30 * SECOND), free(1)).wake, Some(retry));
    // A failure in the future is not waited for.
    assert_eq!(started(&[failed(v, 9, noon(HOUR))], noon(5 * MINUTE), free(1)), [1]);
}

#[test]
fn a_crash_is_a_failure() {
    let hourly = schedule("@hourly", "UTC");
    let v = View { attempt: Some(Attempt { started: noon(0), finished: None }), ..view(1, &hourly, &[], "2026-05-01T11:00:00Z") };
    let round = decide(&[v], noon(50 * MINUTE), free(1));
    assert_eq!((round.start.len(), &round.lost[..], round.sleep(noon(50 * MINUTE))), (0, &[1][..], 0));
    assert_eq!(round.wake, Some(noon(50 * MINUTE).plus(pace::backoff(1, 1, HOUR))));
    assert_eq!(due_in_order(&[v], noon(50 * MINUTE), noon(50 * MINUTE)).lost, [1]);
    assert_eq!(status(&v), Status::Failed);
    // Somebody is at it.
    let round = decide(&[View { running: true, timeout: Some(HOUR), ..v }], noon(50 * MINUTE), free(1));
    assert_eq!((round.lost, round.overdue, round.wake), (vec![], vec![], Some(noon(HOUR))));
    assert_eq!(decide(&[View { running: true, timeout: Some(HOUR), ..v }], noon(HOUR), free(1)).overdue, [1]);
}

#[test]
fn readers_wait() {
    let (hourly, ten) = (schedule("@hourly", "UTC"), schedule("10 minutes", "UTC"));
    let now = noon(5 * MINUTE);
    let below = view(1, &hourly, &[], "2026-05-01T11:00:00Z");
    let reader = view(2, &hourly, &[1], "2026-05-01T11:00:00Z");
    let top = view(3, &hourly, &[2, 99], "2026-05-01T10:00:00Z");
    assert_eq!(started(&[top, reader, below], now, free(9)), [1]);
    let order = |views: &[View]| due_in_order(views, now, now).start.iter().map(|s| s.id).collect::<Vec<_>>();
    assert_eq!(order(&[top, reader, below]), [1, 2, 3]);
    let begun = Some(Attempt { started: now, finished: None });
    let running = View { running: true, attempt: begun, ..below };
    assert_eq!(started(&[top, reader, running], now, free(9)), Vec::<ViewId>::new());
    let round = due_in_order(&[top, reader, running], now, now);
    assert_eq!((round.start.len(), round.elsewhere), (0, vec![1]));
    // It does not wait for what is paused, backs off, was refreshed for the same tick, or is due for a later one.
    assert_eq!(started(&[reader, View { paused: true, ..below }], now, free(9)), [2]);
    assert_eq!(started(&[reader, failed(below, 5, Instant(now.0 - 1))], now, free(9)), [2]);
    assert_eq!(started(&[reader, View { satisfied: Some(noon(0)), ..below }], now, free(9)), [2]);
    let later = View { satisfied: Some(noon(0)), ..view(1, &ten, &[], NOON) };
    assert_eq!(started(&[reader, later], noon(15 * MINUTE), free(9)), [1, 2]);
    // One that has had its turn does not hold it back again.
    let again = View { attempt: Some(Attempt { started: noon(MINUTE), finished: Some(noon(20 * MINUTE)) }), ..view(1, &ten, &[], NOON) };
    let reader = view(2, &ten, &[1], "2026-05-01T11:50:00Z");
    assert_eq!(started(&[reader, again], noon(20 * MINUTE + 30 * SECOND), free(9)), [1, 2]);
    assert_eq!(started(&[reader, View { attempt: None, ..again }], noon(20 * MINUTE + 30 * SECOND), free(9)), [1]);
}

/// What starts, for which tick.
fn starts(views: &[View], now: Instant) -> Vec<(ViewId, Instant)> {
    let mut starts: Vec<_> = decide(views, now, free(9)).start.iter().map(|s| (s.id, s.scheduled)).collect();
    starts.sort();
    starts
}

fn done(view: View<'_>, started: Instant, satisfied: Instant) -> View<'_> {
    View { failures: 0, attempt: Some(Attempt { started, finished: Some(started.plus(SECOND)) }), satisfied: Some(satisfied), ..view }
}

#[test]
fn what_reads_a_view_that_fails_is_behind_until_that_recovers() {
    let hourly = schedule("@hourly", "UTC");
    let v = |id, reads| view(id, &hourly, reads, "2026-05-01T11:00:00Z");
    let (now, before) = (noon(5 * MINUTE), noon(-1));
    let (a, b, c) = (failed(v(1, &[]), 5, now), v(2, &[1]), v(3, &[2]));
    // Each reads what there is, in order, and satisfies what is before noon.
    assert_eq!(starts(&[a, b, c], now), [(2, before)]);
    let b = done(b, now, before);
    assert_eq!(starts(&[a, b, c], now), [(3, before)]);
    let c = done(c, now, before);
    // Then they rest, whatever becomes of the retries, and the worker sleeps until the first of them.
    let round = decide(&[a, b, c], now, free(9));
    assert_eq!((round.start, round.wake), (vec![], Some(now.plus(pace::backoff(1, 5, HOUR)))));
    let later = noon(20 * MINUTE);
    let retry = Some(Attempt { started: later, finished: None });
    assert_eq!(starts(&[a, b, c], later), [(1, noon(0))]);
    let round = decide(&[View { running: true, attempt: retry, ..a }, b, c], later, free(9));
    assert_eq!((round.start, round.wake), (vec![], Some(noon(HOUR + pace::stagger(2, HOUR).min(pace::stagger(3, HOUR))))));
    assert_eq!(starts(&[View { attempt: retry, ..a }, b, c], later), []);
    assert_eq!(starts(&[failed(a, 6, later), b, c], later), []);
    assert_eq!((status(&b), next_refresh_time(&b, later)), (Status::Ok, Some(noon(HOUR + pace::stagger(2, HOUR)))));
    // What it was waited for is caught up at once, in order.
    let a_good = done(a, later, noon(0));
    assert_eq!(starts(&[a_good, b, c], later), [(2, noon(0))]);
    assert_eq!(starts(&[a_good, View { running: true, ..b }, c], later), []);
    assert_eq!(starts(&[a_good, failed(b, 5, later), c], later), []);
    let b_good = done(b, later, noon(0));
    assert_eq!(starts(&[a_good, b_good, c], later), [(3, noon(0))]);
    assert_eq!(starts(&[a_good, b_good, done(c, later, noon(0))], later), []);
    // Their own next tick is not missed if it goes on, and still satisfies nothing.
    let next = noon(HOUR + 5 * MINUTE);
    assert_eq!(starts(&[failed(a, 9, next), b, c], next), [(2, before)]);
    assert_eq!(starts(&[failed(a, 9, next), done(b, next, before), c], next), [(3, before)]);
    // One below that was never refreshed.
    assert_eq!(starts(&[View { satisfied: None, ..a }, View { satisfied: None, ..v(2, &[1]) }], now), [(2, Instant(0))]);
}

#[test]
fn nobody_is_behind_what_is_paused_or_done_by_hand() {
    let hourly = schedule("@hourly", "UTC");
    let v = |id, reads| view(id, &hourly, reads, "2026-05-01T11:00:00Z");
    let (now, before) = (noon(5 * MINUTE), noon(-1));
    let (a, b, c) = (failed(v(1, &[]), 5, now), done(v(2, &[1]), noon(MINUTE), before), done(v(3, &[2]), noon(MINUTE), before));
    assert_eq!(starts(&[View { paused: true, ..a }, b, c], now), [(2, noon(0))]);
    assert_eq!(starts(&[a, View { paused: true, ..b }, c], now), [(3, noon(0))]);
    assert_eq!(starts(&[a, done(b, now, now), c], now), [(3, noon(0))]);
    let next = noon(HOUR + 5 * MINUTE);
    assert_eq!(starts(&[failed(a, 9, next), done(b, now, now)], next), [(2, now)]);
    assert_eq!(starts(&[done(a, now, now), b], now), [(2, noon(0))]);
}

#[test]
fn a_retry_is_not_waited_for_and_not_taken_for_good() {
    let (hourly, ten) = (schedule("@hourly", "UTC"), schedule("10 minutes", "UTC"));
    let a = failed(view(1, &hourly, &[], "2026-05-01T11:00:00Z"), 1, noon(5 * MINUTE));
    let b = view(2, &hourly, &[1], "2026-05-01T11:00:00Z");
    assert_eq!(starts(&[a, b], noon(6 * MINUTE)), [(1, noon(0)), (2, noon(-1))]);
    // A fast reader comes with each of its ticks, and goes before nobody else for it.
    let fast = done(view(2, &ten, &[1], NOON), noon(10 * MINUTE), noon(-1));
    let a = failed(a, 9, noon(15 * MINUTE));
    assert_eq!(starts(&[a, fast], noon(19 * MINUTE)), []);
    assert_eq!(starts(&[a, fast], noon(20 * MINUTE + 30 * SECOND)), [(2, noon(-1))]);
    let other = view(3, &ten, &[], NOON);
    assert_eq!(started(&[a, fast, other], noon(21 * MINUTE), free(1)), [3]);
    // A slow one does not miss what fails for a later tick.
    let a = failed(view(1, &ten, &[], NOON), 9, noon(11 * MINUTE));
    assert_eq!(starts(&[a, b], noon(12 * MINUTE)), [(2, noon(0))]);
    // One whose ticks pass while it is at work has its turn all the same, until it can be made good.
    let a = failed(view(1, &hourly, &[], "2026-05-01T11:00:00Z"), 9, noon(15 * MINUTE));
    let slow = View { attempt: Some(Attempt { started: noon(MINUTE), finished: Some(noon(20 * MINUTE)) }), ..view(2, &ten, &[1], "2026-05-01T11:59:00Z") };
    let (c, now) = (view(3, &ten, &[2], "2026-05-01T11:50:00Z"), noon(20 * MINUTE + 30 * SECOND));
    assert_eq!(starts(&[a, slow, c], now), [(2, noon(-1)), (3, noon(-1))]);
    assert_eq!(starts(&[done(a, noon(15 * MINUTE), noon(0)), slow, c], now), [(2, noon(20 * MINUTE))]);
    // Attempts in the future are none.
    let b = done(b, noon(20 * MINUTE), noon(-1));
    let a = failed(view(1, &hourly, &[], "2026-05-01T11:00:00Z"), 9, noon(11 * MINUTE));
    assert_eq!(starts(&[a, b], noon(12 * MINUTE)), [(2, noon(-1))]);
}

#[test]
fn a_circle_that_fails_comes_to_rest() {
    let hourly = schedule("@hourly", "UTC");
    let v = |id, reads| view(id, &hourly, reads, "2026-05-01T11:00:00Z");
    let now = noon(5 * MINUTE);
    let (a, b, c) = (failed(v(1, &[3]), 5, now), v(2, &[1]), v(3, &[2]));
    assert_eq!(starts(&[a, b, c], now), [(2, noon(-1))]);
    let b = done(b, now, noon(-1));
    assert_eq!(starts(&[a, b, c], now), [(3, noon(-1))]);
    let c = done(c, now, noon(-1));
    assert_eq!(starts(&[a, b, c], now), []);
    let later = noon(20 * MINUTE);
    assert_eq!(starts(&[a, b, c], later), [(1, noon(-1))]);
    let a = done(a, later, noon(-1));
    assert_eq!(starts(&[a, b, c], later), [(1, noon(0)), (2, noon(0)), (3, noon(0))]);
}

#[test]
fn a_round_by_hand_leaves_behind_what_reads_a_view_that_fails() {
    let hourly = schedule("@hourly", "UTC");
    let v = |id, reads| view(id, &hourly, reads, "2026-05-01T11:00:00Z");
    let round = |views: &[View], called, now| due_in_order(views, called, now).start.iter().map(|s| (s.id, s.scheduled)).collect::<Vec<_>>();
    let (a, b, c) = (v(1, &[]), v(2, &[1]), v(3, &[2]));
    let (called, now, before) = (noon(MINUTE), noon(2 * MINUTE), noon(-1));
    assert_eq!(round(&[a, b, c], called, now), [(1, noon(0)), (2, noon(0)), (3, noon(0))]);
    let a = failed(a, 5, now);
    assert_eq!(round(&[a, b, c], called, now), [(2, before), (3, before)]);
    let b = done(b, now, before);
    assert_eq!(round(&[a, b, c], called, now), [(3, before)]);
    // Should a worker mend what is below meanwhile, nothing is tried twice, nor taken for good that was not.
    assert_eq!(round(&[done(a, now, noon(0)), b, c], called, now), [(3, before)]);
    let c = done(c, now, before);
    assert_eq!(round(&[a, b, c], called, now), []);
    // What is tried again and again is waited for once.
    let running = |v, started| View { running: true, attempt: Some(Attempt { started, finished: None }), ..v };
    assert_eq!(due_in_order(&[running(a, noon(0)), b, c], called, now).elsewhere, [1]);
    assert_eq!(due_in_order(&[running(a, now), b, c], called, now).elsewhere, []);
    // The next rounds.
    let (called, later) = (noon(3 * MINUTE), noon(20 * MINUTE));
    assert_eq!(round(&[a, b, c], called, called), []);
    assert_eq!(round(&[a, b, c], later, later), [(1, noon(0))]);
    assert_eq!(round(&[done(a, later, noon(0)), b, c], later, later), [(2, noon(0)), (3, noon(0))]);
}

#[test]
fn who_has_waited_longest_goes_first() {
    let ten = schedule("10 minutes", "UTC");
    let views = [view(1, &ten, &[], NOON), view(9, &ten, &[], "2026-05-01T11:50:00Z")];
    assert_eq!(started(&views, noon(11 * MINUTE), free(1)), [9]);
    assert_eq!(started(&views, noon(11 * MINUTE), free(2)), [1, 9]);
}

#[test]
fn in_a_cycle_nobody_waits() {
    let hourly = schedule("@hourly", "UTC");
    let v = |id, reads| view(id, &hourly, reads, "2026-05-01T11:00:00Z");
    // 4 reads the cycle of 1, 2 and 3, which reads 5; 6 reads itself.
    let views = [v(1, &[2, 5]), v(2, &[3]), v(3, &[1]), v(4, &[3]), v(5, &[]), v(6, &[6])];
    assert_eq!(started(&views, noon(MINUTE), free(9)), [2, 3, 5, 6]);
    let order: Vec<ViewId> = due_in_order(&views, noon(MINUTE), noon(MINUTE)).start.iter().map(|s| s.id).collect();
    let place = |id| order.iter().position(|&o| o == id).unwrap();
    assert!(order.len() == 6 && place(5) < place(1) && place(3) < place(4), "{order:?}");
}

#[test]
fn clocks_that_go_back() {
    let ten = schedule("10 minutes", "UTC");
    let v = view(1, &ten, &[], NOON);
    // The tick at noon is not run again when it comes again.
    for back in [1, SECOND, 9 * MINUTE, 10 * MINUTE] {
        let round = decide(&[v], noon(-back), free(1));
        assert_eq!((round.start.len(), &round.set_back[..]), (0, &[][..]));
        assert_eq!(round.wake, Some(noon(10 * MINUTE).plus(pace::stagger(1, 10 * MINUTE))));
    }
    let round = decide(&[v], noon(-10 * MINUTE - 1), free(1));
    assert_eq!((round.start.len(), &round.set_back[..]), (0, &[1][..]));
    assert_eq!(round.wake, Some(noon(-10 * MINUTE).plus(pace::stagger(1, 10 * MINUTE))));
}

#[test]
fn a_round_by_hand_tries_each_view_once() {
    let hourly = schedule("@hourly", "UTC");
    let v = view(1, &hourly, &[], "2026-05-01T11:00:00Z");
    let tried = View { failures: 1, attempt: Some(Attempt { started: noon(MINUTE), finished: Some(noon(MINUTE)) }), ..v };
    assert_eq!(due_in_order(&[v], noon(MINUTE), noon(30 * MINUTE)).start.len(), 1);
    assert_eq!(due_in_order(&[tried], noon(MINUTE), noon(30 * MINUTE)).start.len(), 0);
    // What became due after the call is the next round's.
    assert_eq!(due_in_order(&[v], noon(-1), noon(30 * MINUTE)).start.len(), 0);
}

#[test]
fn words() {
    let hourly = schedule("@hourly", "UTC");
    let v = view(1, &hourly, &[], NOON);
    assert_eq!(status(&v).word(), "ok");
    assert_eq!(status(&View { failures: 1, ..v }).word(), "failed");
    assert_eq!(status(&View { running: true, failures: 1, ..v }).word(), "running");
    assert_eq!(status(&View { paused: true, failures: 1, ..v }).word(), "paused");
    assert_eq!(status(&View { satisfied: None, ..v }).word(), "never");
    assert_eq!([0, 59_999_999, 60_000_000, 299_999_999, 300_000_000].map(performance), ["fast", "fast", "acceptable", "acceptable", "slow"]);
    let spread = pace::stagger(1, HOUR);
    let now = noon(5 * MINUTE);
    assert_eq!(next_refresh_time(&v, now), Some(noon(HOUR + spread)));
    assert_eq!(next_refresh_time(&View { paused: true, ..v }, now), None);
    assert_eq!(next_refresh_time(&View { satisfied: None, ..v }, now), Some(now));
    assert_eq!(next_refresh_time(&View { running: true, satisfied: Some(noon(-HOUR)), ..v }, now), Some(noon(HOUR + spread)));
    let retry = failed(View { satisfied: Some(noon(-HOUR)), ..v }, 1, now);
    assert_eq!(next_refresh_time(&retry, now), Some(now.plus(pace::backoff(1, 1, HOUR))));
}
