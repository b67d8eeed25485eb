//! The Gregorian calendar, for all years that PostgreSQL has. Days are counted from 2000-01-01, as PostgreSQL counts them.

pub const MINUTE: i64 = 60_000_000;
pub const HOUR: i64 = 60 * MINUTE;
pub const DAY: i64 = 24 * HOUR;

/// Days of 400 years, after which the calendar and its weekdays repeat.
pub const CYCLE_DAYS: i64 = 146_097;

/// Days from 0000-03-01 to 2000-01-01. Years that begin in March end with the leap day.
const MARCH_0: i64 = 730_425;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Astronomical: 0 is 1 BC.
    pub year: i64,
    /// 1 to 12.
    pub month: u32,
    /// 1 to 31.
    pub day: u32,
}

impl Date {
    /// The day of a month; the month may lie outside 1 to 12 and then counts on into other years.
    pub fn first_of(year: i64, month: i64) -> Date {
        Date { year: year.saturating_add((month - 1).div_euclid(12)), month: (month - 1).rem_euclid(12) as u32 + 1, day: 1 }
    }

    pub fn from_days(days: i64) -> Date {
        let z = days.saturating_add(MARCH_0);
        let (era, day) = (z.div_euclid(CYCLE_DAYS), z.rem_euclid(CYCLE_DAYS));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let in_year = day - (365 * year + year / 4 - year / 100);
        let march = (5 * in_year + 2) / 153;
        let month = if march < 10 { march + 3 } else { march - 9 };
        Date { year: era * 400 + year + (month <= 2) as i64, month: month as u32, day: (in_year - (153 * march + 2) / 5 + 1) as u32 }
    }

    pub fn days(self) -> i64 {
        let year = self.year.saturating_sub((self.month <= 2) as i64);
        let (era, in_era) = (year.div_euclid(400), year.rem_euclid(400));
        let march = (self.month as i64 + 9) % 12;
        let in_year = (153 * march + 2) / 5 + self.day as i64 - 1;
        era.saturating_mul(CYCLE_DAYS).saturating_add(in_era * 365 + in_era / 4 - in_era / 100 + in_year - MARCH_0)
    }

    /// PostgreSQL's rule: the last day of the month if the month is too short.
    pub fn plus_months(self, months: i64) -> Date {
        let first = Date::first_of(self.year, (self.month as i64).saturating_add(months));
        Date { day: self.day.min(first.month_length()), ..first }
    }

    pub fn month_length(self) -> u32 {
        match self.month {
            2 if self.year.rem_euclid(4) == 0 && (self.year.rem_euclid(100) != 0 || self.year.rem_euclid(400) == 0) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }
}

/// 0 is Sunday.
pub fn weekday(days: i64) -> u32 {
    (days + 6).rem_euclid(7) as u32
}

/// The Monday on or before a day.
pub fn monday(days: i64) -> i64 {
    days - (weekday(days) as i64 + 6) % 7
}

/// ISO 8601: a week belongs to the year that its Thursday is in.
pub fn iso_week(days: i64) -> (i64, i64) {
    let thursday = monday(days) + 3;
    let year = Date::from_days(thursday).year;
    (year, (thursday - Date::first_of(year, 1).days()) / 7 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calendar_is_a_walk_day_by_day() {
        let start = Date { year: -400, month: 1, day: 1 };
        let (mut date, first) = (start, start.days());
        for days in first..first + 3 * CYCLE_DAYS {
            assert_eq!((Date::from_days(days), date.days()), (date, days));
            date = match date {
                d if d.day < d.month_length() => Date { day: d.day + 1, ..d },
                d if d.month < 12 => Date { month: d.month + 1, day: 1, ..d },
                d => Date { year: d.year + 1, month: 1, day: 1 },
            };
        }
        assert_eq!(date, Date { year: 800, ..start });
    }

    #[test]
    fn known_days() {
        let day = |year, month, day| Date { year, month, day }.days();
        assert_eq!((day(2000, 1, 1), day(1970, 1, 1)), (0, -10_957));
        assert_eq!((weekday(0), weekday(day(2026, 11, 20)), weekday(-1)), (6, 5, 5));
        // From the examples of ISO 8601.
        assert_eq!(iso_week(day(2005, 1, 1)), (2004, 53));
        assert_eq!(iso_week(day(2005, 1, 2)), (2004, 53));
        assert_eq!(iso_week(day(2007, 1, 1)), (2007, 1));
        assert_eq!(iso_week(day(2008, 12, 29)), (2009, 1));
        assert_eq!(iso_week(day(2010, 1, 3)), (2009, 53));
        assert_eq!(Date { year: 2027, month: 1, day: 31 }.plus_months(13), Date { year: 2028, month: 2, day: 29 });
        assert_eq!(Date { year: 2027, month: 1, day: 31 }.plus_months(-2), Date { year: 2026, month: 11, day: 30 });
    }
}
