//! Cut-offs and partitions, against the calendar of another library and the clock on the wall.

use crate::oracle::{MINUTE, change_after, full_minute};
use crate::zones::{Dice, NAMES, at, iana, instant, timestamp, zone};
use jiff::ToSpan;
use jiff::civil::DateTime;
use pg_tally_core::schedule::retain::{Partition, Unit, cutoff, written, written_date};
use pg_tally_core::schedule::zone::reading;
use pg_tally_core::schedule::{Instant, Interval, Utc};

const HOUR: i64 = 60 * MINUTE;

fn keep(months: i32, days: i32, micros: i64) -> Interval {
    Interval { months, days, micros }
}

#[test]
fn cutoffs_follow_the_calendar() {
    let mut dice = Dice(11);
    for round in 0..20_000 {
        let name = NAMES[round % NAMES.len()];
        let (tz, now) = (iana(name), Instant(at("2009-01-01T00:00:00Z").0 + dice.below(25 * 365 * 86_400) as i64 * 1_000_000));
        let (months, days, micros) = (dice.below(30) as i64, dice.below(400) as i64, dice.below(100_000) as i64 * 1_000_000);
        if months + days + micros == 0 {
            continue;
        }
        let ours = cutoff(now, keep(months as i32, days as i32, micros), &*zone(name)).unwrap();
        let zoned = timestamp(now).to_zoned(tz.clone());
        let wall = zoned.datetime().checked_sub(months.months()).unwrap().checked_sub(days.days()).unwrap();
        // As PostgreSQL reads a time without ambiguity; otherwise not later than any of its readings.
        let ambiguous = tz.to_ambiguous_timestamp(wall);
        let theirs = if months + days == 0 { now } else { instant(ambiguous.clone().earlier().unwrap()) };
        let theirs = theirs.min(now).plus(-micros);
        if ambiguous.is_ambiguous() && months + days > 0 {
            assert!((theirs.0 - ours.0).abs() <= 24 * HOUR && ours.0 <= instant(ambiguous.later().unwrap()).0 - micros, "{name} {now:?} {ours:?} {theirs:?}");
        } else {
            assert_eq!(ours, theirs, "{name} {now:?} {months} {days} {micros}");
        }
    }
    let now = at("2026-03-31T10:00:00Z");
    assert_eq!(cutoff(now, keep(1, 0, 0), &Utc).unwrap(), at("2026-02-28T10:00:00Z"));
    // Two days over a change of clocks are not 48 hours.
    assert_eq!(cutoff(at("2026-03-30T10:00:00Z"), keep(0, 2, 0), &*zone("Europe/Berlin")).unwrap(), at("2026-03-28T11:00:00Z"));
    assert_eq!(cutoff(at("2026-03-30T10:00:00Z"), keep(0, 0, 48 * HOUR), &*zone("Europe/Berlin")).unwrap(), at("2026-03-28T10:00:00Z"));
    assert_eq!(cutoff(now, keep(i32::MAX, 0, 0), &Utc).unwrap(), Instant::FIRST);
    assert_eq!(cutoff(now, keep(0, 0, i64::MAX), &Utc).unwrap(), Instant::FIRST);
    for bad in [keep(0, 0, 0), keep(0, -1, 0), keep(1, -31, 0)] {
        let error = cutoff(now, bad, &Utc).unwrap_err();
        assert_eq!((error.sqlstate(), error.message.as_str()), ("22023", "invalid retention interval"));
    }
}

/// The name that somebody reading the clock would give.
fn label(unit: Unit, wall: DateTime) -> String {
    let week = wall.date().iso_week_date();
    match unit {
        Unit::Hour => wall.strftime("p%Y_%m_%d_%H").to_string(),
        Unit::Day => wall.strftime("p%Y_%m_%d").to_string(),
        Unit::Week => format!("p{:04}_w{:02}", week.year(), week.week()),
        Unit::Month => wall.strftime("p%Y_%m").to_string(),
        Unit::Quarter => format!("p{}_q{}", wall.year(), (wall.month() + 2) / 3),
        Unit::Year => format!("p{}", wall.year()),
    }
}

#[test]
fn partitions_are_what_the_clock_shows() {
    let mut dice = Dice(12);
    for round in 0..700 {
        let name = NAMES[round % NAMES.len()];
        let (tz, zone) = (iana(name), zone(name));
        let from = Instant(at("2009-01-01T00:00:00Z").0 + dice.below(25 * 365 * 1440) as i64 * MINUTE);
        let near = if dice.one_in(3) { from } else { full_minute(change_after(&tz, from)) };
        // Year ends too.
        let near = if dice.one_in(4) { instant(tz.to_timestamp(timestamp(near).to_zoned(tz.clone()).date().first_of_year().at(0, 0, 0, 0)).unwrap()) } else { near };
        let (mut previous, mut highest): (Option<Partition>, Option<DateTime>) = (None, None);
        let unit = Unit::ALL[dice.below(6) as usize];
        for minute in -5 * 60..5 * 60 {
            let now = Instant(near.0 + minute * MINUTE);
            let wall = tz.to_datetime(timestamp(now));
            let part = unit.containing(now, &*zone);
            assert!(part.start <= now && now < part.end, "{name} {now:?} {part:?}");
            // What the clock shows again belongs to where it was first.
            highest = highest.max(Some(wall));
            if minute > -60 {
                assert_eq!(part.name, label(unit, highest.unwrap()), "{name} {now:?}");
            }
            if let Some(previous) = previous.filter(|p| *p != part) {
                assert_eq!((previous.end, part.start), (part.start, now), "{name}");
            }
            previous = Some(part);
        }
    }
}

#[test]
fn partitions_ahead_follow_each_other() {
    let mut dice = Dice(13);
    for round in 0..500 {
        let name = NAMES[round % NAMES.len()];
        let (zone, unit) = (zone(name), Unit::ALL[dice.below(6) as usize]);
        let now = Instant(at("2009-01-01T00:00:00Z").0 + dice.below(25 * 365 * 1440) as i64 * MINUTE);
        let all = unit.from_on(now, 40, &*zone);
        assert_eq!((all.len(), &all[0]), (41, &unit.containing(now, &*zone)));
        for pair in all.windows(2) {
            assert!(pair[0].end == pair[1].start && pair[0].name < pair[1].name, "{name} {pair:?}");
            assert_eq!(unit.containing(pair[1].start, &*zone), pair[1]);
            assert_eq!(unit.containing(Instant(pair[1].start.0 - 1), &*zone), pair[0]);
        }
        let older = all.iter().filter(|p| p.is_older(all[7].end)).count();
        assert_eq!((older, all[8].is_older(Instant(all[8].end.0 - 1))), (8, false));
    }
}

#[test]
fn partitions_by_example() {
    let berlin = zone("Europe/Berlin");
    let part = |unit: &str, text: &str| {
        let p = Unit::parse(unit).unwrap().containing(at(text), &*berlin);
        (p.name, p.start, p.end)
    };
    assert_eq!(part("month", "2026-10-31T23:30:00Z"), ("p2026_11".into(), at("2026-10-31T23:00:00Z"), at("2026-11-30T23:00:00Z")));
    assert_eq!(part("week", "2027-01-02T12:00:00Z"), ("p2026_w53".into(), at("2026-12-27T23:00:00Z"), at("2027-01-03T23:00:00Z")));
    assert_eq!(part("week", "2025-12-30T12:00:00Z"), ("p2026_w01".into(), at("2025-12-28T23:00:00Z"), at("2026-01-04T23:00:00Z")));
    assert_eq!(part("quarter", "2026-12-31T22:59:59Z"), ("p2026_q4".into(), at("2026-09-30T22:00:00Z"), at("2026-12-31T23:00:00Z")));
    assert_eq!(part("year", "2026-12-31T23:00:00Z"), ("p2027".into(), at("2026-12-31T23:00:00Z"), at("2027-12-31T23:00:00Z")));
    // The day and the hour that are longer, and the day that is shorter.
    assert_eq!(part("DAY", "2026-10-25T12:00:00Z"), ("p2026_10_25".into(), at("2026-10-24T22:00:00Z"), at("2026-10-25T23:00:00Z")));
    assert_eq!(part("hour", "2026-10-25T01:30:00Z"), ("p2026_10_25_02".into(), at("2026-10-25T00:00:00Z"), at("2026-10-25T02:00:00Z")));
    assert_eq!(part("day", "2026-03-29T12:00:00Z"), ("p2026_03_29".into(), at("2026-03-28T23:00:00Z"), at("2026-03-29T22:00:00Z")));
    // At 00:01 the clock was set back to 23:01 of the day before; the new day's partition had begun.
    let day = Unit::Day.containing(at("2010-11-07T02:45:00Z"), &*zone("America/St_Johns"));
    assert_eq!((day.name.as_str(), day.start), ("p2010_11_07", at("2010-11-07T02:30:00Z")));
    let hours = Unit::Hour.from_on(at("2026-03-29T00:30:00Z"), 1, &*berlin);
    assert_eq!(hours.iter().map(|p| p.name.as_str()).collect::<Vec<_>>(), ["p2026_03_29_01", "p2026_03_29_03"]);
    // 45 BC is the year -44.
    assert_eq!(Unit::Month.containing(Instant(at("-000044-03-15T12:00:00Z").0), &Utc).name, "pbc0045_03");
    assert_eq!(Unit::parse("decade").unwrap_err().message, "invalid partition_by: \"decade\"");
    // To the ends of PostgreSQL's time, and not beyond.
    for unit in Unit::ALL {
        assert!(unit.from_on(Instant(Instant::END.0 - 1), 9, &Utc).len() <= 10);
        let last = unit.containing(Instant(Instant::END.0 - 1), &Utc);
        assert!(last.start < Instant::END && last.end == Instant::NEVER, "{last:?}");
        assert!(unit.containing(Instant::FIRST, &Utc).start <= Instant::FIRST);
    }
}

#[test]
fn instants_are_written_as_postgresql_reads_them() {
    let mut dice = Dice(12);
    for _ in 0..20_000 {
        let now = Instant(at("0001-01-01T00:00:00Z").0 + dice.below(2_500 * 365 * 86_400) as i64 * 1_000_000 + dice.below(1_000_000) as i64);
        let (wall, expected) = (reading(&Utc, now), timestamp(now).strftime("%Y-%m-%d %H:%M:%S.%6f").to_string());
        assert_eq!(written(wall, "+00"), format!("{expected}+00"));
        assert_eq!(written_date(wall), expected[..10]);
    }
    // 45 BC is the year -44.
    let ides = reading(&Utc, at("-000044-03-15T12:00:00Z"));
    assert_eq!((written(ides, "+00").as_str(), written_date(ides).as_str()), ("0045-03-15 12:00:00.000000+00 BC", "0045-03-15 BC"));
}
