//! Ticks by brute force: time passes minute by minute, somebody looks at the clock on the wall and keeps a list of what it has shown.

use crate::zones::{Dice, instant, timestamp};
use jiff::civil::{DateTime, date};
use jiff::tz::TimeZone;
use jiff::SignedDuration;
use pg_tally_core::schedule::Instant;
use std::collections::HashSet;

pub const MINUTE: i64 = 60_000_000;

/// A schedule and its text. A field of cron is whether it begins with `*`, and its items: from, to, step.
#[derive(Clone, Debug)]
pub enum Plan {
    Cron { text: String, fields: [(bool, Vec<(u32, u32, u32)>); 5] },
    /// Every so many months, days, or minutes.
    Every { text: String, months: i64, days: i64, minutes: i64 },
}

impl Plan {
    pub fn text(&self) -> &str {
        match self {
            Plan::Cron { text, .. } | Plan::Every { text, .. } => text,
        }
    }

    pub fn minutes(n: i64) -> Plan {
        Plan::Every { text: format!("{n} minutes"), months: 0, days: 0, minutes: n }
    }

    pub fn days(n: i64) -> Plan {
        Plan::Every { text: format!("{n} days"), months: 0, days: n, minutes: 0 }
    }

    pub fn months(n: i64) -> Plan {
        Plan::Every { text: format!("{n} months"), months: n, days: 0, minutes: 0 }
    }

    /// Numbers only, as the texts of tests have them.
    pub fn cron(text: &str) -> Plan {
        const LOW: [u32; 5] = [0, 0, 1, 1, 0];
        const HIGH: [u32; 5] = [59, 23, 31, 12, 7];
        let mut words = text.split(' ');
        let fields = std::array::from_fn(|n| {
            let word = words.next().unwrap();
            let items = word.split(',').map(|item| {
                let (range, step) = item.split_once('/').unwrap_or((item, "1"));
                let (low, high) = match range.split_once('-') {
                    Some((low, high)) => (low.parse().unwrap(), high.parse().unwrap()),
                    None if range == "*" => (LOW[n], HIGH[n]),
                    None => (range.parse().unwrap(), range.parse().unwrap()),
                };
                (low, high, step.parse().unwrap())
            });
            (word.starts_with('*'), items.collect())
        });
        Plan::Cron { text: text.into(), fields }
    }

    pub fn random(dice: &mut Dice) -> Plan {
        match dice.below(8) {
            0 => return Plan::minutes(1 + dice.below(300) as i64),
            1 => return Plan::days(1 + dice.below(9) as i64),
            2 => return Plan::months(1 + dice.below(4) as i64),
            _ => {}
        }
        let mut field = |low: u64, high: u64, open: u64| {
            let item = |dice: &mut Dice| {
                let a = low + dice.below(high - low + 1);
                let b = a + dice.below(high - a + 1);
                match dice.below(4) {
                    0 => format!("{a}-{b}"),
                    1 => format!("{a}-{b}/{}", 1 + dice.below(high - low)),
                    _ => a.to_string(),
                }
            };
            match dice.below(open) {
                0 => item(dice),
                1 => format!("{},{}", item(dice), item(dice)),
                2 => format!("*/{}", 1 + dice.below((high - low).min(15))),
                3 => format!("*/{},{}", 2 + dice.below(5), item(dice)),
                _ => "*".to_string(),
            }
        };
        // Times of day near the changes of clocks are asked for most.
        let text = format!("{} {} {} {} {}", field(0, 59, 5), field(0, 3, 5), field(1, 28, 9), field(1, 12, 40), field(0, 7, 9));
        Plan::cron(&text)
    }

    fn matches(&self, wall: DateTime) -> bool {
        match self {
            Plan::Cron { fields, .. } => {
                let has = |n: usize, value: u32| fields[n].1.iter().any(|&(low, high, step)| (low..=high).step_by(step as usize).any(|v| v == value));
                if !has(0, wall.minute() as u32) || !has(1, wall.hour() as u32) || !has(3, wall.month() as u32) {
                    return false;
                }
                let weekday = wall.weekday().to_sunday_zero_offset() as u32;
                let by_date = has(2, wall.day() as u32);
                let by_weekday = has(4, weekday) || (weekday == 0 && has(4, 7));
                if fields[2].0 || fields[4].0 { by_date && by_weekday } else { by_date || by_weekday }
            }
            Plan::Every { months, days, .. } => {
                let start = date(2001, 1, 1);
                if wall.hour() != 0 || wall.minute() != 0 {
                    return false;
                }
                let since = (wall.date() - start).get_days() as i64;
                let since_months = (wall.year() as i64 - 2001) * 12 + wall.month() as i64 - 1;
                if *months > 0 { wall.day() == 1 && since_months % months == 0 } else { since % days == 0 }
            }
        }
    }

    /// Whether it runs in real time rather than at times of day.
    fn real_time(&self) -> bool {
        matches!(self, Plan::Cron { fields, .. } if fields[0].0 || fields[1].0)
    }
}

/// What the wall clock shows in each minute.
pub struct Walk {
    pub from: Instant,
    walls: Vec<DateTime>,
    grid: i64,
}

impl Walk {
    /// `from` is a full minute.
    pub fn new(zone: &TimeZone, from: Instant, minutes: usize) -> Walk {
        let walls = (0..minutes as i64).map(|m| zone.to_datetime(timestamp(Instant(from.0 + m * MINUTE)))).collect();
        let start = zone.to_timestamp(date(2001, 1, 1).at(0, 0, 0, 0)).unwrap();
        Walk { from, walls, grid: instant(start).0 }
    }

    fn minute(&self, n: usize) -> Instant {
        Instant(self.from.0 + n as i64 * MINUTE)
    }

    pub fn end(&self) -> Instant {
        self.minute(self.walls.len())
    }

    /// The first two days are for looking only: what the clock shows there may have been shown before.
    pub fn begin(&self) -> Instant {
        self.minute(2 * 1440)
    }

    /// All ticks from `begin` to `end`.
    pub fn ticks(&self, plan: &Plan) -> Vec<Instant> {
        let mut ticks = Vec::new();
        if let Plan::Every { minutes: every @ 1.., .. } = plan {
            let all = (0..self.walls.len()).map(|n| self.minute(n)).filter(|t| (t.0 - self.grid) % (every * MINUTE) == 0);
            ticks.extend(all);
        } else if plan.real_time() {
            ticks.extend((0..self.walls.len()).filter(|&n| plan.matches(self.walls[n])).map(|n| self.minute(n)));
        } else {
            let mut shown: HashSet<DateTime> = HashSet::new();
            let mut previous = self.walls[0];
            for (n, &wall) in self.walls.iter().enumerate() {
                let mut due = false;
                // What the clock jumps over was never shown.
                let mut passed = previous + SignedDuration::from_mins(1);
                while passed <= wall {
                    due |= plan.matches(passed) && shown.insert(passed);
                    passed = passed + SignedDuration::from_mins(1);
                }
                previous = wall;
                if due {
                    ticks.push(self.minute(n));
                }
            }
        }
        ticks.retain(|&t| t >= self.begin());
        ticks
    }
}

/// A change of the zone's clock after `from`, or `from` itself if there is none.
pub fn change_after(zone: &TimeZone, from: Instant) -> Instant {
    zone.following(timestamp(from)).next().map_or(from, |t| instant(t.timestamp()))
}

pub fn full_minute(at: Instant) -> Instant {
    Instant(at.0.div_euclid(MINUTE) * MINUTE)
}
