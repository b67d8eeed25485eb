//! Real zones from the IANA database, and PostgreSQL's input of intervals as far as the tests need it.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use pg_tally_core::schedule::{Instant, Interval, Schedule, Span, Zone, Zones};
use std::rc::Rc;

/// Clocks were set at 00:01 in St. John's until 2011, at midnight in São Paulo, and over a whole day in Samoa.
pub const NAMES: [&str; 8] = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kathmandu",
    "UTC",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "America/St_Johns",
];

/// Microseconds from 1970 to 2000.
const EPOCH: i64 = 946_684_800_000_000;

pub struct Iana(pub TimeZone);

pub fn timestamp(at: Instant) -> Timestamp {
    let micros = at.0.saturating_add(EPOCH).clamp(Timestamp::MIN.as_second() * 1_000_000, Timestamp::MAX.as_second() * 1_000_000);
    Timestamp::from_microsecond(micros).unwrap()
}

pub fn instant(at: Timestamp) -> Instant {
    Instant(at.as_microsecond() - EPOCH)
}

/// "2026-03-29T02:00:00Z".
pub fn at(text: &str) -> Instant {
    instant(text.parse().unwrap())
}

impl Zone for Iana {
    fn span(&self, at: Instant) -> Span {
        let ts = timestamp(at);
        let until = self.0.following(ts).next().map(|t| instant(t.timestamp()));
        Span { offset: self.0.to_offset(ts).seconds() as i64 * 1_000_000, until: until.filter(|&u| u > at) }
    }
}

pub fn iana(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

pub fn zone(name: &str) -> Rc<dyn Zone> {
    Rc::new(Iana(iana(name)))
}

pub struct World(pub &'static str);

impl Zones for World {
    fn find(&self, name: &str) -> Option<(String, Rc<dyn Zone>)> {
        let zone = TimeZone::get(name).ok()?;
        Some((zone.iana_name()?.to_string(), Rc::new(Iana(zone))))
    }

    fn default_zone(&self) -> Rc<dyn Zone> {
        zone(self.0)
    }
}

/// "1 year 2 hours".
pub fn interval(text: &str) -> Option<Interval> {
    let (mut sum, mut words) = (Interval::default(), text.split_whitespace().peekable());
    words.peek()?;
    while let Some(count) = words.next() {
        let count: i64 = count.parse().ok()?;
        match words.next()?.trim_end_matches('s') {
            "year" => sum.months += count as i32 * 12,
            "month" => sum.months += count as i32,
            "week" => sum.days += count as i32 * 7,
            "day" => sum.days += count as i32,
            "hour" => sum.micros += count * 3_600_000_000,
            "minute" => sum.micros += count * 60_000_000,
            "second" => sum.micros += count * 1_000_000,
            "microsecond" => sum.micros += count,
            _ => return None,
        }
    }
    Some(sum)
}

pub fn schedule(text: &str, default: &'static str) -> Schedule {
    Schedule::parse(text, interval, &World(default)).unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// SplitMix64.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        self.roll() % limit
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }

    /// Once in `n` times.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}
