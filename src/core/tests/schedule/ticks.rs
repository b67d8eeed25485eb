//! Schedules as text, and their ticks.

use crate::oracle::{MINUTE, Plan, Walk, change_after, full_minute};
use crate::zones::{Dice, NAMES, World, at, iana, instant, interval, schedule, zone};
use jiff::civil::date;
use pg_tally_core::schedule::{Instant, Interval, Schedule};
use std::time::Instant as Stopwatch;

const HOUR: i64 = 60 * MINUTE;

fn next(schedule: &Schedule, after: Instant, count: usize) -> Vec<Instant> {
    std::iter::successors(Some(schedule.next_after(after)), |&t| Some(schedule.next_after(t))).take(count).collect()
}

fn ticks_between(schedule: &Schedule, from: Instant, to: Instant) -> Vec<Instant> {
    std::iter::successors(Some(schedule.next_after(Instant(from.0 - 1))), |&t| Some(schedule.next_after(t))).take_while(|&t| t < to).collect()
}

fn check(plan: &Plan, name: &'static str, walk: &Walk, dice: &mut Dice) {
    let Ok(schedule) = Schedule::parse(plan.text(), interval, &World(name)) else { return };
    let (ours, theirs) = (ticks_between(&schedule, walk.begin(), walk.end()), walk.ticks(plan));
    assert_eq!(ours, theirs, "{} in {name} from {:?}", plan.text(), walk.from);
    for _ in 0..5 {
        let at = Instant(walk.begin().0 + dice.below((walk.end().0 - walk.begin().0) as u64) as i64);
        let at = if dice.one_in(2) { theirs.iter().copied().find(|&t| t >= at).unwrap_or(at) } else { at };
        match theirs.iter().rev().find(|&&t| t <= at) {
            Some(&last) => assert_eq!(schedule.last_until(at), last, "{} in {name} at {at:?}", plan.text()),
            None => assert!(schedule.last_until(at) < walk.begin(), "{} in {name} at {at:?}", plan.text()),
        }
    }
}

#[test]
fn random_schedules_tick_as_somebody_watching_the_clock_says() {
    let mut dice = Dice(1);
    for round in 0..210 {
        let name = NAMES[round % NAMES.len()];
        let zone = iana(name);
        let from = Instant(at("2008-01-01T00:00:00Z").0 + dice.below(28 * 365 * 1440) as i64 * MINUTE);
        let near = if dice.one_in(4) { from } else { change_after(&zone, from) };
        let from = full_minute(Instant(near.0 - (2 * 24 + dice.below(60) as i64) * HOUR));
        let walk = Walk::new(&zone, from, 6 * 1440);
        for _ in 0..12 {
            check(&Plan::random(&mut dice), name, &walk, &mut dice);
        }
    }
}

#[test]
fn years_tick_as_somebody_watching_the_clock_says() {
    let texts = [
        "0 0 29 2 *", "0 2 * * *", "30 2 * * *", "0 0 * * *", "15,45 1-3 * * *", "0 0 13 * 5", "0 0 */2 * 5", "0 0 1 1 *", "0 3 * * 7",
        "*/7 2 * 3,10,11 *", "0 */5 31 * *", "59 23 31 12 *", "10 0-23/6 1,15 * 1-5",
    ];
    let mut plans: Vec<Plan> = texts.iter().map(|t| Plan::cron(t)).collect();
    plans.extend([Plan::minutes(90), Plan::days(1), Plan::days(7), Plan::months(1), Plan::months(3), Plan::months(12)]);
    let mut dice = Dice(2);
    for name in ["America/New_York", "Australia/Lord_Howe", "Pacific/Apia"] {
        let walk = Walk::new(&iana(name), at("2010-11-01T00:00:00Z"), 500 * 1440);
        plans.iter().for_each(|plan| check(plan, name, &walk, &mut dice));
    }
    let walk = Walk::new(&iana("Europe/Berlin"), at("2023-12-01T00:00:00Z"), 1500 * 1440);
    plans.iter().for_each(|plan| check(plan, "Europe/Berlin", &walk, &mut dice));
}

#[test]
fn daylight_saving_as_documented() {
    let ticks = |text: &str, from: &str, count: usize| next(&schedule(text, "UTC"), at(from), count);
    let expected = |all: &[&str]| all.iter().map(|t| at(t)).collect::<Vec<_>>();
    // 02:30 does not exist on 29 March 2026; the first moment after the gap is 03:00 CEST.
    assert_eq!(
        ticks("30 2 * * * Europe/Berlin", "2026-03-27T12:00:00Z", 3),
        expected(&["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"])
    );
    // Three times in the gap are one tick.
    assert_eq!(ticks("0,20,40 2 * * * Europe/Berlin", "2026-03-29T00:00:00Z", 2), expected(&["2026-03-29T01:00:00Z", "2026-03-30T00:00:00Z"]));
    // 02:30 exists twice on 25 October 2026: once, at the first.
    assert_eq!(
        ticks("30 2 * * * Europe/Berlin", "2026-10-24T12:00:00Z", 2),
        expected(&["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"])
    );
    // Real time, 20 minutes apart, through both changes.
    for from in ["2026-03-28T23:00:00Z", "2026-10-24T23:00:00Z"] {
        let all = ticks("*/20 * * * * Europe/Berlin", from, 15);
        assert!(all.windows(2).all(|w| w[1].0 - w[0].0 == 20 * MINUTE));
        let all = ticks("20 minutes", from, 15);
        assert!(all.windows(2).all(|w| w[1].0 - w[0].0 == 20 * MINUTE));
    }
    // Half an hour on Lord Howe: 02:00 to 02:30, and back from 02:00 to 01:30.
    assert_eq!(ticks("15 2 * * * Australia/Lord_Howe", "2026-10-03T12:00:00Z", 1), expected(&["2026-10-03T15:30:00Z"]));
    assert_eq!(
        ticks("45 1 * * * Australia/Lord_Howe", "2026-04-04T12:00:00Z", 2),
        expected(&["2026-04-04T14:45:00Z", "2026-04-05T15:15:00Z"])
    );
    // 30 December 2011 was left out in Samoa.
    assert_eq!(
        ticks("0 12 * * * Pacific/Apia", "2011-12-29T10:00:00Z", 3),
        expected(&["2011-12-29T22:00:00Z", "2011-12-30T10:00:00Z", "2011-12-30T22:00:00Z"])
    );
}

#[test]
fn mixed_intervals_follow_the_calendar_and_then_real_time() {
    let interval = Interval { months: 1, days: 2, micros: 90 * MINUTE };
    let schedule = Schedule::every(interval, zone("Asia/Kathmandu")).unwrap();
    let grid = |k: i32| {
        let day = date(2001, 1, 1).checked_add(jiff::Span::new().months(k)).unwrap().checked_add(jiff::Span::new().days(2 * k)).unwrap();
        Instant(instant(iana("Asia/Kathmandu").to_timestamp(day.at(0, 0, 0, 0)).unwrap()).0 + k as i64 * interval.micros)
    };
    assert_eq!(next(&schedule, Instant(grid(200).0 - 1), 100), (200..300).map(grid).collect::<Vec<_>>());
    assert_eq!(next(&schedule, grid(-60), 9), (-59..-50).map(grid).collect::<Vec<_>>());
}

#[test]
fn texts_parse_to_themselves() {
    let mut dice = Dice(3);
    for _ in 0..2000 {
        let plan = Plan::random(&mut dice);
        let Ok(one) = Schedule::parse(plan.text(), interval, &World("UTC")) else { continue };
        let text = one.to_string();
        let other = schedule(&text, "UTC");
        assert_eq!((&other, other.to_string()), (&one, text), "{}", plan.text());
    }
    for (text, canonical) in [
        ("@hourly", "0 * * * *"),
        ("@Daily europe/berlin", "0 0 * * * Europe/Berlin"),
        ("@midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@annually", "0 0 1 1 *"),
        ("  5   4 1-3,2,31 JAN,mar-May  sun ", "5 4 1-3,2,31 1,3-5 0"),
        ("*/10 0-23 * * fri-7", "*/10 0-23 * * 5-7"),
        ("0 0 lw * fri#2", "0 0 LW * 5#2"),
        ("90 minutes", "1 hour 30 minutes"),
        ("14 months 8 days 3 seconds", "1 year 2 months 8 days 3 seconds"),
        ("1 second 5 microseconds", "1 second 5 microseconds"),
    ] {
        assert_eq!(schedule(text, "UTC").to_string(), canonical, "{text}");
    }
    assert_eq!(schedule("0 2 * * * Europe/Berlin", "UTC").zone_name(), Some("Europe/Berlin"));
}

#[test]
fn refusals() {
    let refused = |text: &str| {
        let error = Schedule::parse(text, interval, &World("UTC")).expect_err(text);
        assert_eq!(error.sqlstate(), "22023", "{text}");
        assert!(error.detail.as_ref().is_none_or(|d| d.ends_with('.')) && error.hint.as_ref().is_none_or(|h| h.ends_with('.')), "{text}");
        let report = error.into_report();
        format!("{}|{}|{}", report.message, report.detail.unwrap_or_default(), report.hint.unwrap_or_default())
    };
    let starts = |text: &str, with: &str| assert!(refused(text).starts_with(with), "{text}: {}", refused(text));
    starts("often", "invalid schedule: \"often\"|It is neither an interval nor a cron schedule.|Use an interval such as '10 minutes', or five");
    starts("", "invalid schedule: \"\"|It is neither");
    starts("0 minutes", "invalid schedule interval|The interval is not positive.|");
    starts("-5 minutes", "invalid schedule interval|The interval has a negative part.|");
    starts("1 day -5 minutes", "invalid schedule interval|The interval has a negative part.|");
    starts("5 microseconds", "invalid schedule interval|The interval is shorter than a second.|");
    starts("0 0 30 2 *", "invalid schedule: \"0 0 30 2 *\"|No year has such a date.|One of the days of month must be a day of one of the months.");
    starts("0 0 31 4,6,9,11 *", "invalid schedule: \"0 0 31 4,6,9,11 *\"|No year has such a date.|");
    starts("60 * * * *", "invalid schedule: \"60 * * * *\"|\"60\" is not a minute.|A minute is *, or a list of numbers from");
    starts("* 24 * * *", "invalid schedule: \"* 24 * * *\"|\"24\" is not an hour.|An hour is *, or a list of numbers from");
    starts("* * 0 * *", "invalid schedule: \"* * 0 * *\"|\"0\" is not a day of month.|A day of month is *, or a list of numbers from");
    starts("* * * 13 *", "invalid schedule: \"* * * 13 *\"|\"13\" is not a month.|A month is *, or a list of numbers from");
    starts("* * * * 8", "invalid schedule: \"* * * * 8\"|\"8\" is not a day of week.|A day of week is *, or a list of numbers from");
    starts("22-2 * * * *", "invalid schedule: \"22-2 * * * *\"|\"22-2\" is not a minute.|A minute is *, or a list of numbers from 0 to 59, ranges such as 0-59, and steps such as */2 or 0-59/2.");
    starts("5/10 * * * *", "invalid schedule: \"5/10 * * * *\"|\"5/10\" is not a minute.|");
    starts("*/90 * * * *", "invalid schedule: \"*/90 * * * *\"|The step \"90\" of the minute is not a number from 1 to 59.|A step goes");
    starts("*/0 * * * *", "invalid schedule: \"*/0 * * * *\"|The step \"0\" of the minute");
    starts("* * * *", "invalid schedule: \"* * * *\"|It has 4 of the five fields");
    starts("0 * * * * *", "invalid schedule: \"0 * * * * *\"|It has more than five fields.|");
    starts("L 0 * * *", "invalid schedule: \"L 0 * * *\"|\"L\" is not a minute.|");
    starts("0 0 mon * *", "invalid schedule: \"0 0 mon * *\"|\"mon\" is not a day of month.|A day of month is *, or a list of numbers from 1 to 31 or the words L, W, LW, ranges");
    starts("0 0 * foo *", "invalid schedule: \"0 0 * foo *\"|\"foo\" is not a month.|A month is *, or a list of numbers from 1 to 12 or the words jan, feb,");
    starts("0 0 * * monday", "invalid schedule: \"0 0 * * monday\"|\"monday\" is not a day of week.|");
    starts("0 0 * * sat-mon", "invalid schedule: \"0 0 * * sat-mon\"|\"sat-mon\" is not a day of week.|");
    starts("0 0 * * L", "invalid schedule: \"0 0 * * L\"|\"L\" is not a day of week.|Name the day before it: 5L is the month's last Friday. The month's last day is L in the field of days of month.");
    starts("0 0 * * 1,l", "invalid schedule: \"0 0 * * 1,l\"|\"l\" is not a day of week.|Name the day before it");
    starts("0 0 1,,2 * *", "invalid schedule: \"0 0 1,,2 * *\"|\"1,,2\" is not a day of month.|");
    starts("0 0 99999999999 * *", "invalid schedule: \"0 0 99999999999 * *\"|\"99999999999\" is not a day of month.|");
    starts("@reboot", "invalid schedule: \"@reboot\"|There is no schedule \"@reboot\".|Use @hourly");
    starts("0 2 * * * Europe/Berln", "time zone \"Europe/Berln\" not recognized||The view pg_timezone_names lists the time zones.");
    starts("0 2 * * * New York", "invalid schedule: \"0 2 * * * New York\"|More than one word follows the five fields.|");
    // PostgreSQL prints this for an interval under IntervalStyle postgres_verbose.
    assert!(Schedule::parse("@ 1 minute", |t| interval(t.trim_start_matches('@')), &World("UTC")).is_ok());
}

/// The days of 40 years, looked at one by one.
#[test]
fn last_nearest_and_nth_days() {
    use jiff::civil::Weekday;
    let nth = |d: jiff::civil::Date| (d.day() - 1) / 7 + 1;
    let works = |d: jiff::civil::Date| !matches!(d.weekday(), Weekday::Saturday | Weekday::Sunday);
    // The working day of the same month that is nearest to its 15th, or its last.
    let nearest = |d: jiff::civil::Date| {
        let fifteenth = d.with().day(15).build().unwrap();
        [0i32, -1, 1, -2, 2].iter().map(|&n| fifteenth.checked_add(jiff::Span::new().days(n)).unwrap()).find(|&d| works(d)).unwrap() == d
    };
    let last_working = |d: jiff::civil::Date| (1..=d.days_in_month()).rev().map(|n| d.with().day(n).build().unwrap()).find(|&d| works(d)) == Some(d);
    type Matches<'a> = &'a dyn Fn(jiff::civil::Date) -> bool;
    let plans: [(&str, Matches<'_>); 6] = [
        ("0 0 L * *", &|d| d.day() == d.days_in_month()),
        ("0 0 15W * *", &nearest),
        ("0 0 LW * *", &last_working),
        ("0 0 * * fri#2", &|d| d.weekday() == Weekday::Friday && nth(d) == 2),
        ("0 0 * * 5L", &|d| d.weekday() == Weekday::Friday && d.day() + 7 > d.days_in_month()),
        ("0 0 L * mon", &|d| d.day() == d.days_in_month() || d.weekday() == Weekday::Monday),
    ];
    let days: Vec<jiff::civil::Date> = date(2010, 1, 1).series(jiff::Span::new().days(1)).take_while(|&d| d < date(2050, 1, 1)).collect();
    let midnight = |d: jiff::civil::Date| instant(iana("UTC").to_timestamp(d.at(0, 0, 0, 0)).unwrap());
    for (text, matches) in plans {
        let expected: Vec<Instant> = days.iter().filter(|&&d| matches(d)).map(|&d| midnight(d)).collect();
        assert_eq!(ticks_between(&schedule(text, "UTC"), midnight(date(2010, 1, 1)), midnight(date(2050, 1, 1))), expected, "{text}");
    }
}

/// Whatever is written: an error, or a schedule that ticks and whose text says the same.
#[test]
fn any_words_are_refused_or_mean_something() {
    const PIECES: [&str; 26] =
        ["0", "1", "7", "15", "31", "59", "60", "99999", "*", "*", "-", "-", ",", "/", "/2", "#", "#2", "L", "W", "?", "+", "sun", "JAN", "mär", "@", "5-1"];
    let (mut dice, mut good) = (Dice(4), 0);
    for _ in 0..20_000 {
        let words: Vec<String> = (0..5).map(|_| (0..1 + dice.below(2)).map(|_| PIECES[dice.below(PIECES.len() as u64) as usize]).collect()).collect();
        // Most of what is put together by chance has a wrong field somewhere: only one of the five is.
        let one = dice.below(5) as usize;
        let text = words.iter().enumerate().map(|(n, word)| if n == one { word } else { "*" }).collect::<Vec<_>>().join(" ");
        let Ok(schedule) = Schedule::parse(&text, interval, &World("Europe/Berlin")) else { continue };
        good += 1;
        assert!(schedule.next_after(at("2026-01-01T00:00:00Z")) < Instant::NEVER, "{text}");
        assert_eq!(Schedule::parse(&schedule.to_string(), interval, &World("Europe/Berlin")).unwrap(), schedule, "{text}");
    }
    assert!(good > 1000, "{good}");
}

#[test]
fn the_ends_of_time_and_the_cost() {
    for text in ["0 0 29 2 *", "0 2 * * *", "*/5 * * * *", "1 month", "1 second", "7 days", "178000 years", "0 0 29 2 */7"] {
        for name in NAMES {
            let schedule = schedule(text, name);
            for at in [Instant::BEGIN, Instant::FIRST, Instant(0), Instant(Instant::END.0 - 1), Instant::END, Instant::NEVER] {
                assert!(schedule.next_after(at) > at.min(Instant(Instant::END.0 - 1)), "{text} {at:?}");
                assert!(schedule.last_until(at) <= at, "{text} {at:?}");
            }
            assert_eq!(schedule.next_after(Instant::NEVER), Instant::NEVER);
        }
    }
    let schedule = schedule("0 0 29 2 * Europe/Berlin", "UTC");
    let watch = Stopwatch::now();
    for n in 0..1000 {
        schedule.next_after(Instant(at("2026-01-01T00:00:00Z").0 + n * HOUR));
    }
    assert!(watch.elapsed().as_millis() < 500, "{:?}", watch.elapsed());
}
