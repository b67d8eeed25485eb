//! Cron's five fields, as crontab(5) of Vixie's cron has them:
//!
//! | field | values | |
//! |---|---|---|
//! | minute | 0 to 59 | |
//! | hour | 0 to 23 | |
//! | day of month | 1 to 31 | |
//! | month | 1 to 12 | or `jan` to `dec`, in any case |
//! | day of week | 0 to 7 | or `sun` to `sat`; 0 and 7 are Sunday |
//!
//! A field is `*`, or a list `1,2,5` of values, ranges `1-5`, and steps `*/10` or `0-30/10` through all or a range.
//! A step counts from the first value of its range: `*/10` in the field of days is 1, 11, 21, 31.
//!
//! **Day of month and day of week**: if both are restricted, that is neither begins with `*`, a day matches when *either*
//! does; otherwise it must match both. So `0 0 13 * fri` is every 13th and every Friday, while `0 0 */2 * fri` is
//! the Fridays with an odd date, as in Vixie's cron.
//!
//! `@hourly` is `0 * * * *`, `@daily` and `@midnight` `0 0 * * *`, `@weekly` `0 0 * * 0`, `@monthly` `0 0 1 * *`,
//! `@yearly` and `@annually` `0 0 1 1 *`.

use super::civil::{CYCLE_DAYS, DAY, Date, MINUTE, weekday};
use super::zone::{Instant, Wall, Zone, first_showing, latest_shown, spans};
use std::fmt;

struct Domain {
    name: &'static str,
    low: u32,
    high: u32,
    names: &'static [&'static str],
    first_name: u32,
}

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const DOMAINS: [Domain; 5] = [
    Domain { name: "minute", low: 0, high: 59, names: &[], first_name: 0 },
    Domain { name: "hour", low: 0, high: 23, names: &[], first_name: 0 },
    Domain { name: "day of month", low: 1, high: 31, names: &[], first_name: 0 },
    Domain { name: "month", low: 1, high: 12, names: &MONTHS, first_name: 1 },
    Domain { name: "day of week", low: 0, high: 7, names: &WEEKDAYS, first_name: 0 },
];

const NICKNAMES: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// The values of a field as bits, and whether it begins with `*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Field {
    bits: u64,
    star: bool,
}

impl Field {
    fn has(self, value: u32) -> bool {
        self.bits >> value & 1 == 1
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cron {
    fields: [Field; 5],
}

/// What is wrong, and what to do; the caller knows the whole text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub detail: String,
    pub hint: Option<String>,
}

fn fault(detail: impl Into<String>) -> Fault {
    Fault { detail: detail.into(), hint: None }
}

fn fault_with(detail: impl Into<String>, hint: impl Into<String>) -> Fault {
    Fault { hint: Some(hint.into()), ..fault(detail) }
}

/// Whether a text means to be cron rather than an interval. PostgreSQL takes `@` before an interval too, and prints it there.
pub fn looks_like(text: &str) -> bool {
    let text = text.trim();
    let numeric = |word: &str| word.chars().all(|c| c.is_ascii_digit() || "*,/-?".contains(c));
    match text.strip_prefix('@') {
        Some(rest) => rest.starts_with(|c: char| c.is_alphabetic()),
        None => text.contains('*') || (text.split_whitespace().count() >= 5 && text.split_whitespace().take(3).all(numeric)),
    }
}

impl Cron {
    /// The fields, and the words after them.
    pub fn parse(text: &str) -> Result<(Cron, Vec<&str>), Fault> {
        let mut words = text.split_whitespace().peekable();
        let first = *words.peek().ok_or_else(|| fault("It is empty."))?;
        if first.starts_with('@') {
            let Some((_, fields)) = NICKNAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(first)) else {
                return Err(fault_with(
                    format!("There is no schedule \"{first}\"."),
                    "Use @hourly, @daily, @midnight, @weekly, @monthly, @yearly or @annually.",
                ));
            };
            words.next();
            return Ok((Cron::parse(fields)?.0, words.collect()));
        }
        let mut fields = [Field { bits: 0, star: false }; 5];
        for (n, (field, domain)) in fields.iter_mut().zip(&DOMAINS).enumerate() {
            let word = words.next().ok_or_else(|| fault(format!("It has {n} of the five fields minute, hour, day of month, month and day of week.")))?;
            *field = parse_field(word, domain)?;
        }
        let rest: Vec<&str> = words.collect();
        if rest.first().is_some_and(|w| looks_like_field(w)) {
            return Err(fault_with("It has more than five fields.", "The fields are minute, hour, day of month, month and day of week; there are no seconds and no years."));
        }
        let cron = Cron { fields };
        if cron.next_reading(Wall(0)).is_none() {
            return Err(fault("No year has such a date."));
        }
        Ok((cron, rest))
    }

    /// Neither minute nor hour begins with `*`: the schedule names times of day.
    fn names_times(&self) -> bool {
        !self.fields[0].star && !self.fields[1].star
    }

    fn day_matches(&self, date: Date, days: i64) -> bool {
        let [_, _, of_month, _, of_week] = self.fields;
        let (by_month, by_week) = (of_month.has(date.day), of_week.has(weekday(days)));
        if of_month.star || of_week.star { by_month && by_week } else { by_month || by_week }
    }

    /// The first matching reading of a wall clock from `from` on. The calendar repeats after 400 years: what does not match by then never does.
    fn next_reading(&self, from: Wall) -> Option<Wall> {
        let from = from.0.div_euclid(MINUTE) + (from.0.rem_euclid(MINUTE) > 0) as i64;
        let (first, mut minute) = (from.div_euclid(1_440), from.rem_euclid(1_440) as u32);
        let mut days = first;
        while days <= first + CYCLE_DAYS {
            let date = Date::from_days(days);
            if !self.fields[3].has(date.month) {
                (days, minute) = (Date::first_of(date.year, date.month as i64 + 1).days(), 0);
                continue;
            }
            if self.day_matches(date, days)
                && let Some(found) = self.next_minute(minute)
            {
                return Some(Wall(days.saturating_mul(DAY).saturating_add(found as i64 * MINUTE)));
            }
            (days, minute) = (days + 1, 0);
        }
        None
    }

    /// Minutes of a day.
    fn next_minute(&self, from: u32) -> Option<u32> {
        let [minutes, hours, ..] = self.fields;
        (from / 60..24).filter(|&hour| hours.has(hour)).find_map(|hour| {
            let skip = if hour == from / 60 { from % 60 } else { 0 };
            let left = minutes.bits >> skip;
            (left != 0).then(|| hour * 60 + skip + left.trailing_zeros())
        })
    }

    pub fn next_after(&self, at: Instant, zone: &dyn Zone) -> Instant {
        let after = |wall: Wall| Wall(wall.0.saturating_add(1));
        if self.names_times() {
            return self.next_reading(after(latest_shown(zone, at))).map_or(Instant::NEVER, |wall| first_showing(zone, wall));
        }
        for (start, span) in spans(zone, Instant(at.0.saturating_add(1))) {
            let Some(wall) = self.next_reading(Wall(start.0.saturating_add(span.offset))) else { break };
            let tick = Instant(wall.0.saturating_sub(span.offset));
            if span.until.is_none_or(|until| tick < until) {
                return if tick >= Instant::END { Instant::NEVER } else { tick };
            }
        }
        Instant::NEVER
    }
}

fn looks_like_field(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit() || c == '*' || c == '?')
}

fn parse_field(word: &str, domain: &Domain) -> Result<Field, Fault> {
    let mut bits = 0;
    for item in word.split(',') {
        bits |= parse_item(item, word, domain)?;
    }
    if domain.high == 7 {
        bits = (bits | bits >> 7) & 0x7f;
    }
    Ok(Field { bits, star: word.starts_with('*') })
}

fn parse_item(item: &str, word: &str, domain: &Domain) -> Result<u64, Fault> {
    let (range, step) = match item.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (item, None),
    };
    let (low, high) = match range.split_once('-') {
        _ if range == "*" => (domain.low, if domain.high == 7 { 6 } else { domain.high }),
        Some((low, high)) => {
            let (low, mut high_value) = (parse_value(low, word, domain)?, parse_value(high, word, domain)?);
            if domain.high == 7 && high_value == 0 && low > 0 && high.eq_ignore_ascii_case("sun") {
                high_value = 7;
            }
            (low, high_value)
        }
        None => {
            let value = parse_value(range, word, domain)?;
            if step.is_some() {
                return Err(fault_with(
                    format!("The step in \"{item}\" has no range to step through."),
                    format!("Write {range}-{}/{} instead.", domain.high, step.unwrap_or_default()),
                ));
            }
            (value, value)
        }
    };
    if low > high {
        return Err(fault_with(
            format!("The range \"{range}\" ends before it begins."),
            format!("Write {low}-{},{}-{high} instead.", domain.high, domain.low),
        ));
    }
    let step = match step {
        None => 1,
        Some(step) => {
            let most = domain.high - domain.low;
            match parse_number(step) {
                Some(n) if n >= 1 && n <= most => n,
                _ => {
                    return Err(fault_with(
                        format!("The step \"{step}\" of the {} is not a number from 1 to {most}.", domain.name),
                        "A step goes through the values of its own field only; a longer period is an interval, such as '90 minutes'.",
                    ));
                }
            }
        }
    };
    Ok((low..=high).step_by(step as usize).fold(0, |bits, value| bits | 1 << value))
}

/// At most four digits, so that nothing overflows.
fn parse_number(text: &str) -> Option<u32> {
    if text.is_empty() || text.len() > 4 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn parse_value(text: &str, word: &str, domain: &Domain) -> Result<u32, Fault> {
    if let Some(n) = domain.names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
        return Ok(n as u32 + domain.first_name);
    }
    match parse_number(text) {
        Some(n) if n >= domain.low && n <= domain.high => Ok(n),
        Some(n) => Err(fault(format!("The {} {n} is not in the range {} to {}.", domain.name, domain.low, domain.high))),
        None => {
            let names = match domain.names {
                [] => String::new(),
                [first, .., last] => format!(" or a name from {first} to {last}"),
                [only] => format!(" or {only}"),
            };
            Err(fault_with(
                format!("\"{word}\" is not a {}.", domain.name),
                format!("A {} is *, or a list of numbers from {} to {}{names}, ranges and steps.", domain.name, domain.low, domain.high),
            ))
        }
    }
}

/// The one text of a set of values. A field that began with `*` still does: it means something there.
fn write_field(f: &mut fmt::Formatter<'_>, field: Field, domain: &Domain) -> fmt::Result {
    let high = if domain.high == 7 { 6 } else { domain.high };
    let stepped = |step: u32| (domain.low..=high).step_by(step as usize).fold(0u64, |bits, value| bits | 1 << value);
    let (mut left, mut comma) = (field.bits, "");
    if field.star {
        // The widest set of steps that all belong to it.
        let step = (1..=domain.high - domain.low).find(|&step| stepped(step) & !field.bits == 0).unwrap_or(domain.high - domain.low);
        left &= !stepped(step);
        if step == 1 { f.write_str("*")? } else { write!(f, "*/{step}")? }
        comma = ",";
    }
    let mut value = 0;
    while left >> value != 0 {
        value += (left >> value).trailing_zeros();
        let last = value + (left >> value).trailing_ones() - 1;
        match last - value {
            0 => write!(f, "{comma}{value}")?,
            1 => write!(f, "{comma}{value},{last}")?,
            _ => write!(f, "{comma}{value}-{last}")?,
        }
        (value, comma) = (last + 1, ",");
    }
    Ok(())
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (field, domain)) in self.fields.iter().zip(&DOMAINS).enumerate() {
            f.write_str(if n == 0 { "" } else { " " })?;
            write_field(f, *field, domain)?;
        }
        Ok(())
    }
}
