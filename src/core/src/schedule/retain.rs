//! What is kept: cut-off instants, and partitions by time.
//!
//! A partition goes when all of it is older than the cut-off. Where a wall clock shows a time twice or never, the earlier instant is
//! meant: rather keep an hour too much.
//!
//! Partitions go by the wall clock and cover time without gaps or overlaps: the hour that is shown twice is one partition of two
//! hours, and one that is never shown is none. A column without a zone takes [`super::zone::Utc`].

use super::civil::{DAY, Date, HOUR, iso_week, monday};
use super::rule::Interval;
use super::zone::{Instant, Wall, Zone, first_showing, latest_shown, reading};
use crate::error::Error;

/// `now - keep` as PostgreSQL subtracts intervals: months, then days, by the wall clock, then microseconds in real time.
pub fn cutoff(now: Instant, keep: Interval, zone: &dyn Zone) -> Result<Instant, Error> {
    let Interval { months, days, micros } = keep;
    let negative = months < 0 || days < 0 || micros < 0;
    if negative || (months, days, micros) == (0, 0, 0) {
        let detail = if negative { "The interval has a negative part." } else { "The interval is not positive." };
        return Err(Error::invalid("invalid retention interval").with_detail(detail).with_hint("Use an interval such as '90 days'."));
    }
    let calendar = if months == 0 && days == 0 {
        now
    } else {
        let wall = reading(zone, now).0;
        let date = Date::from_days(wall.div_euclid(DAY)).plus_months(-(months as i64)).days() - days as i64;
        first_showing(zone, Wall(date.saturating_mul(DAY).saturating_add(wall.rem_euclid(DAY))))
    };
    // The first of two equal readings would be too late if the clock shows the second now.
    Ok(calendar.min(now).plus(-micros).max(Instant::FIRST))
}

/// A date as PostgreSQL reads it whatever DateStyle says.
pub fn written_date(wall: Wall) -> String {
    let (date, era) = parts(wall.0.div_euclid(DAY));
    format!("{date}{era}")
}

/// A date and time likewise, with an offset such as `+00` or none.
pub fn written(wall: Wall, offset: &str) -> String {
    let (date, era) = parts(wall.0.div_euclid(DAY));
    let micros = wall.0.rem_euclid(DAY);
    let seconds = micros / 1_000_000;
    format!("{date} {:02}:{:02}:{:02}.{:06}{offset}{era}", seconds / 3600, seconds / 60 % 60, seconds % 60, micros % 1_000_000)
}

fn parts(days: i64) -> (String, &'static str) {
    let Date { year, month, day } = Date::from_days(days);
    let (year, era) = if year > 0 { (year, "") } else { (1 - year, " BC") };
    (format!("{year:04}-{month:02}-{day:02}"), era)
}

/// `partition_by`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

/// Rows from `start` to `end`, without `end`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partition {
    pub name: String,
    pub start: Instant,
    pub end: Instant,
}

impl Partition {
    /// Whether everything in it is older than the cut-off.
    pub fn is_older(&self, cutoff: Instant) -> bool {
        self.end <= cutoff
    }
}

impl Unit {
    pub const ALL: [Unit; 6] = [Unit::Hour, Unit::Day, Unit::Week, Unit::Month, Unit::Quarter, Unit::Year];

    pub fn parse(text: &str) -> Result<Unit, Error> {
        Unit::ALL.into_iter().find(|unit| unit.word().eq_ignore_ascii_case(text)).ok_or_else(|| {
            Error::invalid(format!("invalid partition_by: \"{text}\"")).with_hint("Use 'hour', 'day', 'week', 'month', 'quarter' or 'year'.")
        })
    }

    pub fn word(self) -> &'static str {
        match self {
            Unit::Hour => "hour",
            Unit::Day => "day",
            Unit::Week => "week",
            Unit::Month => "month",
            Unit::Quarter => "quarter",
            Unit::Year => "year",
        }
    }

    /// The beginning of the unit that is `ahead` after the one that a reading lies in.
    fn begin(self, wall: Wall, ahead: i64) -> Wall {
        let days = wall.0.div_euclid(DAY);
        let Date { year, month, .. } = Date::from_days(days);
        let month = month as i64;
        let days = match self {
            Unit::Hour => return Wall(wall.0.div_euclid(HOUR).saturating_add(ahead).saturating_mul(HOUR)),
            Unit::Day => days.saturating_add(ahead),
            Unit::Week => monday(days).saturating_add(ahead.saturating_mul(7)),
            Unit::Month => Date::first_of(year, month.saturating_add(ahead)).days(),
            Unit::Quarter => Date::first_of(year, ((month - 1) / 3 * 3 + 1).saturating_add(ahead.saturating_mul(3))).days(),
            Unit::Year => Date::first_of(year.saturating_add(ahead), 1).days(),
        };
        Wall(days.saturating_mul(DAY))
    }

    fn partition(self, begin: Wall, zone: &dyn Zone) -> Partition {
        Partition { name: self.name(begin), start: first_showing(zone, begin), end: first_showing(zone, self.begin(begin, 1)) }
    }

    /// The partition that an instant lies in.
    pub fn containing(self, at: Instant, zone: &dyn Zone) -> Partition {
        self.partition(self.begin(latest_shown(zone, at), 0), zone)
    }

    /// The partition that an instant lies in and those after it, `ahead` in number.
    pub fn from_on(self, at: Instant, ahead: usize, zone: &dyn Zone) -> Vec<Partition> {
        let begin = self.begin(latest_shown(zone, at), 0);
        // Not for ever: PostgreSQL's time ends.
        let all = (0..).map(|n| self.partition(self.begin(begin, n), zone)).take_while(|p| p.start < Instant::END);
        all.filter(|p| p.start < p.end).take(ahead.saturating_add(1)).collect()
    }

    /// p2026_11_20_13, p2026_11_20, p2026_w47 (the ISO week and its year), p2026_11, p2026_q4, p2026.
    fn name(self, begin: Wall) -> String {
        let days = begin.0.div_euclid(DAY);
        let Date { year, month, day } = Date::from_days(days);
        let (iso_year, week) = iso_week(days);
        let era = |year: i64| if year > 0 { format!("p{year:04}") } else { format!("pbc{:04}", 1 - year) };
        match self {
            Unit::Hour => format!("{}_{month:02}_{day:02}_{:02}", era(year), begin.0.rem_euclid(DAY) / HOUR),
            Unit::Day => format!("{}_{month:02}_{day:02}", era(year)),
            Unit::Week => format!("{}_w{week:02}", era(iso_year)),
            Unit::Month => format!("{}_{month:02}", era(year)),
            Unit::Quarter => format!("{}_q{}", era(year), (month - 1) / 3 + 1),
            Unit::Year => era(year),
        }
    }
}
