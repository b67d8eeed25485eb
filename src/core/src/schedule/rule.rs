//! A schedule as a user writes it, and its ticks.
//!
//! **Intervals** tick on a grid that begins on Monday 2001-01-01 at 00:00 of the zone's wall clock: months and days are
//! counted by the calendar, microseconds in real time after that. So `'10 minutes'` ticks at :00, :10 and so on, `'1 day'` at
//! midnight, `'1 week'` on Mondays, `'3 months'` with the quarters, all views with the same schedule at the same instants,
//! and nothing drifts. `'1 day'` follows daylight saving; `'24 hours'` does not.
//!
//! **Cron** is described in [`super::cron`]; a zone may follow it.

use super::civil::{DAY, Date, HOUR, MINUTE};
use super::cron::{self, Cron};
use super::zone::{Instant, Wall, Zone, Zones, first_showing};
use crate::error::Error;
use std::fmt;
use std::rc::Rc;

const SECOND: i64 = 1_000_000;

/// PostgreSQL's interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Interval {
    pub months: i32,
    pub days: i32,
    pub micros: i64,
}

impl Interval {
    /// No part is negative, and not all are zero.
    pub fn is_positive(self) -> bool {
        let parts = [self.months as i64, self.days as i64, self.micros];
        parts.iter().all(|&part| part >= 0) && parts.iter().any(|&part| part > 0)
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_interval(f, *self)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    Every(Interval),
    Cron(Cron),
}

/// When a view is to be refreshed. Its text (`Display`) parses to the same schedule.
#[derive(Clone)]
pub struct Schedule {
    rule: Rule,
    zone_name: Option<String>,
    zone: Rc<dyn Zone>,
}

impl Schedule {
    /// `interval` is PostgreSQL's input of intervals; it is asked only for what is not cron, and None means that it is no interval.
    pub fn parse(text: &str, interval: impl FnOnce(&str) -> Option<Interval>, zones: &dyn Zones) -> Result<Schedule, Error> {
        if cron::looks_like(text) {
            return Schedule::parse_cron(text, zones);
        }
        match interval(text) {
            Some(interval) => Schedule::every(interval, zones.default_zone()),
            None => Err(invalid(text)
                .with_detail("It is neither an interval nor a cron schedule.")
                .with_hint("Use an interval such as '10 minutes', or five cron fields and if need be a time zone, such as '0 2 * * * Europe/Berlin'.")),
        }
    }

    fn parse_cron(text: &str, zones: &dyn Zones) -> Result<Schedule, Error> {
        let (cron, rest) = Cron::parse(text).map_err(|fault| {
            let error = invalid(text).with_detail(fault.detail);
            match fault.hint {
                Some(hint) => error.with_hint(hint),
                None => error,
            }
        })?;
        let (zone_name, zone) = match rest[..] {
            [] => (None, zones.default_zone()),
            [name] => {
                let unknown = || Error::invalid(format!("time zone \"{name}\" not recognized")).with_hint("The view pg_timezone_names lists the time zones.");
                let (name, zone) = zones.find(name).ok_or_else(unknown)?;
                (Some(name), zone)
            }
            [..] => return Err(invalid(text).with_detail("More than one word follows the five fields.").with_hint("A time zone has no spaces in its name, such as America/New_York.")),
        };
        Ok(Schedule { rule: Rule::Cron(cron), zone_name, zone })
    }

    /// At least a second, and no field negative: an interval of a month less 30 days may be zero.
    pub fn every(interval: Interval, zone: Rc<dyn Zone>) -> Result<Schedule, Error> {
        let Interval { months, days, micros } = interval;
        let refuse = |detail: &str| Err(Error::invalid("invalid schedule interval").with_detail(detail).with_hint("Use an interval such as '10 minutes'."));
        match () {
            _ if (months, days, micros) == (i32::MAX, i32::MAX, i64::MAX) => refuse("The interval is infinite."),
            _ if months < 0 || days < 0 || micros < 0 => refuse("The interval has a negative part."),
            _ if (months, days, micros) == (0, 0, 0) => refuse("The interval is not positive."),
            _ if months == 0 && days == 0 && micros < SECOND => refuse("The interval is shorter than a second."),
            _ => Ok(Schedule { rule: Rule::Every(interval), zone_name: None, zone }),
        }
    }

    /// The zone that the text names.
    pub fn zone_name(&self) -> Option<&str> {
        self.zone_name.as_deref()
    }

    pub fn zone(&self) -> &dyn Zone {
        &*self.zone
    }

    /// The first tick after `at`; `NEVER` if there is none in the time that PostgreSQL has.
    pub fn next_after(&self, at: Instant) -> Instant {
        if at >= Instant::END {
            return Instant::NEVER;
        }
        let at = at.max(Instant::FIRST);
        match self.rule {
            Rule::Cron(ref cron) => cron.next_after(at, &*self.zone),
            Rule::Every(interval) => next_of_grid(interval, at, &*self.zone),
        }
    }

    /// The last tick up to `at`; `BEGIN` if there is none.
    pub fn last_until(&self, at: Instant) -> Instant {
        let at = at.min(Instant(Instant::END.0 - 1));
        // Each question goes twice as far back, until a tick lies between.
        let (mut width, mut after) = (MINUTE, at);
        let mut before = loop {
            let before = Instant(at.0.saturating_sub(width)).max(Instant::FIRST);
            if self.next_after(before) <= at {
                break before;
            }
            if before == Instant::FIRST {
                return Instant::BEGIN;
            }
            (width, after) = (width.saturating_mul(2), before);
        };
        // A tick up to `at` follows `before`, none follows `after`: the last tick is where the one becomes the other.
        loop {
            let tick = self.next_after(before);
            if self.next_after(tick) > at {
                return tick;
            }
            let middle = Instant(tick.0 + (after.0 - tick.0) / 2);
            if self.next_after(middle) <= at { before = middle } else { (before, after) = (tick, middle) }
        }
    }

    /// How far apart the ticks are around `at`.
    pub fn period_at(&self, at: Instant) -> i64 {
        self.next_after(at).minus(self.last_until(at))
    }
}

impl PartialEq for Schedule {
    fn eq(&self, other: &Schedule) -> bool {
        (&self.rule, &self.zone_name) == (&other.rule, &other.zone_name)
    }
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schedule({self})")
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.rule {
            Rule::Every(interval) => write_interval(f, interval)?,
            Rule::Cron(ref cron) => write!(f, "{cron}")?,
        }
        match &self.zone_name {
            Some(name) => write!(f, " {name}"),
            None => Ok(()),
        }
    }
}

#[cold]
fn invalid(text: &str) -> Error {
    Error::invalid(format!("invalid schedule: \"{text}\""))
}

/// Tick `k` of the grid. Never decreases with `k`; two ticks are the same instant if days are missing from the zone's calendar.
fn tick(interval: Interval, k: i64, zone: &dyn Zone) -> Instant {
    let days = Date::first_of(2001, 1 + k.saturating_mul(interval.months as i64)).days().saturating_add(k.saturating_mul(interval.days as i64));
    let wall = Wall(days.saturating_mul(DAY));
    let micros = k.saturating_mul(interval.micros);
    match first_showing(zone, wall) {
        Instant::NEVER => Instant::NEVER,
        calendar => calendar.plus(micros),
    }
}

fn next_of_grid(interval: Interval, at: Instant, zone: &dyn Zone) -> Instant {
    // As far as the ticks would be apart if every month were the average one: within a few ticks of the right one.
    let average = interval.months as i128 * (365_2425 * DAY as i128 / 120_000) + interval.days as i128 * DAY as i128 + interval.micros as i128;
    let start = tick(Interval { months: 0, days: 0, micros: 0 }, 0, zone);
    let guess = ((at.0 as i128 - start.0 as i128) / average) as i64;
    let later = |k: i64| tick(interval, k, zone) > at;
    let mut step = 1;
    let (mut low, mut high) = (guess, guess);
    while later(low) {
        (low, step) = (low.saturating_sub(step), step * 2);
    }
    step = 1;
    while !later(high) {
        (high, step) = (high.saturating_add(step), step * 2);
    }
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if later(middle) { high = middle } else { low = middle }
    }
    tick(interval, high, zone)
}

/// Words that PostgreSQL reads the same way under any IntervalStyle; none for nothing.
fn write_interval(f: &mut fmt::Formatter<'_>, interval: Interval) -> fmt::Result {
    let Interval { months, days, micros } = interval;
    let parts = [
        (months as i64 / 12, "year"),
        (months as i64 % 12, "month"),
        (days as i64, "day"),
        (micros / HOUR, "hour"),
        (micros % HOUR / MINUTE, "minute"),
        (micros % MINUTE / SECOND, "second"),
        (micros % SECOND, "microsecond"),
    ];
    let mut space = "";
    for (count, unit) in parts.into_iter().filter(|(count, _)| *count != 0) {
        write!(f, "{space}{count} {unit}{}", if count == 1 { "" } else { "s" })?;
        space = " ";
    }
    Ok(())
}
