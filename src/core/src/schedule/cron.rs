//! Cron's five fields, read and matched by the `croner` crate:
//!
//! | field | values | |
//! |---|---|---|
//! | minute | 0 to 59 | |
//! | hour | 0 to 23 | |
//! | day of month | 1 to 31 | `L` is the month's last day, `15W` the weekday nearest to the 15th, `LW` the last weekday |
//! | month | 1 to 12 | or `jan` to `dec`, in any case |
//! | day of week | 0 to 7 | or `sun` to `sat`; 0 and 7 are Sunday; `fri#2` is the month's second Friday, `5L` its last |
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
//!
//! The crate matches what a clock on the wall shows, in the years 1 to 4999; what is between the wall and the instants, [`super::zone`] knows.

use super::zone::{Instant, Wall, Zone, first_showing, latest_shown, spans};
use chrono::{DateTime, Utc};
use croner::parser::{CronParser, Seconds, Year};
use std::fmt;

struct Domain {
    name: &'static str,
    low: u32,
    high: u32,
    words: &'static [&'static str],
}

const DOMAINS: [Domain; 5] = [
    Domain { name: "minute", low: 0, high: 59, words: &[] },
    Domain { name: "hour", low: 0, high: 23, words: &[] },
    Domain { name: "day of month", low: 1, high: 31, words: &["L", "W", "LW"] },
    Domain { name: "month", low: 1, high: 12, words: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"] },
    Domain { name: "day of week", low: 0, high: 7, words: &["sun", "mon", "tue", "wed", "thu", "fri", "sat", "L"] },
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

const SECOND: i64 = 1_000_000;
/// From 1970-01-01 to 2000-01-01.
const EPOCH: i64 = 946_684_800_000_000;
/// 0001-01-01 00:00, where the crate's calendar begins.
const FIRST_YEAR: Wall = Wall(-63_082_281_600_000_000);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cron {
    pattern: croner::Cron,
    /// Neither minute nor hour begins with `*`: the schedule names times of day.
    names_times: bool,
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
        let fields: Vec<&str> = words.by_ref().take(DOMAINS.len()).collect();
        for (n, domain) in DOMAINS.iter().enumerate() {
            let word = fields.get(n).ok_or_else(|| fault(format!("It has {n} of the five fields minute, hour, day of month, month and day of week.")))?;
            check_field(word, n, domain)?;
        }
        let rest: Vec<&str> = words.collect();
        if rest.first().is_some_and(|w| looks_like_field(w)) {
            return Err(fault_with("It has more than five fields.", "The fields are minute, hour, day of month, month and day of week; there are no seconds and no years."));
        }
        let star = |n: usize| fields[n].starts_with('*');
        let pattern = parser(star(2) || star(4)).parse(&fields.join(" ")).map_err(|why| fault(why.to_string()))?;
        let cron = Cron { pattern, names_times: !star(0) && !star(1) };
        if cron.next_reading(Wall(0)).is_none() {
            return Err(fault_with("No year has such a date.", "One of the days of month must be a day of one of the months."));
        }
        Ok((cron, rest))
    }

    /// The first matching reading of a wall clock from `from` on.
    fn next_reading(&self, from: Wall) -> Option<Wall> {
        let from = DateTime::<Utc>::from_timestamp_micros(from.max(FIRST_YEAR).0.saturating_add(EPOCH).saturating_add(SECOND - 1).div_euclid(SECOND).saturating_mul(SECOND))?;
        let found = self.pattern.find_next_occurrence(&from, true).ok()?;
        Some(Wall(found.timestamp_micros() - EPOCH))
    }

    pub fn next_after(&self, at: Instant, zone: &dyn Zone) -> Instant {
        let after = |wall: Wall| Wall(wall.0.saturating_add(1));
        if self.names_times {
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

fn parser(both_days: bool) -> CronParser {
    CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).dom_and_dow(both_days).build()
}

fn looks_like_field(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit() || c == '*' || c == '?')
}

/// The crate says neither which field is wrong nor minds a name in the wrong field, nothing between commas, or a step beyond the field's end.
fn check_field(word: &str, n: usize, domain: &Domain) -> Result<(), Fault> {
    let Domain { name, low, high, .. } = domain;
    let most = high - low;
    let steps = word.split(',').filter_map(|item| Some(item.split_once('/')?.1));
    if let Some(step) = steps.into_iter().find(|step| !step.parse().is_ok_and(|n: u32| n >= 1 && n <= most)) {
        return Err(fault_with(
            format!("The step \"{step}\" of the {name} is not a number from 1 to {most}."),
            "A step goes through the values of its own field only; a longer period is an interval, such as '90 minutes'.",
        ));
    }
    if let Some(last) = word.split(',').find(|item| *name == "day of week" && item.eq_ignore_ascii_case("L")) {
        return Err(fault_with(
            format!("\"{last}\" is not a {name}."),
            "Name the day before it: 5L is the month's last Friday. The month's last day is L in the field of days of month.",
        ));
    }
    let known = |letters: &str| letters.is_empty() || domain.words.iter().any(|w| w.eq_ignore_ascii_case(letters));
    let alone: [&str; 5] = std::array::from_fn(|i| if i == n { word } else { "*" });
    if word.split(',').any(str::is_empty) || !word.split(|c: char| !c.is_alphabetic()).all(known) || parser(false).parse(&alone.join(" ")).is_err() {
        let words = if domain.words.is_empty() { String::new() } else { format!(" or the words {}", domain.words.join(", ")) };
        let (a, capital) = if *name == "hour" { ("an", "An") } else { ("a", "A") };
        return Err(fault_with(
            format!("\"{word}\" is not {a} {name}."),
            format!("{capital} {name} is *, or a list of numbers from {low} to {high}{words}, ranges such as {low}-{high}, and steps such as */2 or {low}-{high}/2."),
        ));
    }
    Ok(())
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.pattern.as_str())
    }
}
