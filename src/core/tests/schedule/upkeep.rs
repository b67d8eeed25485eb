//! Simulated delta tables: rows come, folds and VACUUMs take their time, and the clock may be set.

use crate::zones::Dice;
use pg_tally_core::schedule::Instant;
use pg_tally_core::schedule::upkeep::{FEW_PAGES, LONGEST_REST, LONGEST_WAIT, MANY, MANY_DEAD, Memory, REST, REST_IN_VAIN, Rest, Task};

const SECOND: i64 = 1_000_000;
const ROWS_PER_PAGE: i64 = 80;

/// A delta table and the process that looks after it.
struct Delta {
    memory: Memory,
    now: i64,
    pending: i64,
    dead: i64,
    /// In rows.
    file: i64,
    rate: i64,
    /// Microseconds per row folded, and per fold.
    per_row: i64,
    per_fold: i64,
    folds: Vec<(i64, i64)>,
    vacuums: Vec<(i64, bool)>,
    most_pending: i64,
    oldest: Option<i64>,
    longest_wait: i64,
}

impl Delta {
    fn new(rate: i64, per_row: i64, per_fold: i64) -> Delta {
        Delta {
            memory: Memory::default(),
            now: 1_000 * SECOND,
            pending: 0,
            dead: 0,
            file: 0,
            rate,
            per_row,
            per_fold,
            folds: vec![],
            vacuums: vec![],
            most_pending: 0,
            oldest: None,
            longest_wait: 0,
        }
    }

    /// Writers write for so long.
    fn pass(&mut self, micros: i64) {
        let rows = (self.rate as i128 * (self.now + micros) as i128 / SECOND as i128 - self.rate as i128 * self.now as i128 / SECOND as i128) as i64;
        self.pending += rows;
        self.now += micros;
        if rows > 0 {
            self.oldest.get_or_insert(self.now);
        }
        self.file = self.file.max(self.pending + self.dead);
        self.most_pending = self.most_pending.max(self.pending);
        self.longest_wait = self.longest_wait.max(self.oldest.map_or(0, |oldest| self.now - oldest));
    }

    /// A look and what it leads to; `good` says whether a fold succeeds.
    fn look(&mut self, good: bool) {
        while self.act(good) {}
    }

    fn act(&mut self, good: bool) -> bool {
        let began = self.now;
        match self.memory.look(7, self.pending, self.file / ROWS_PER_PAGE, Instant(began)) {
            Some(Task::Fold) => {
                let rows = self.pending;
                self.pass(self.per_fold + rows * self.per_row);
                self.folds.push((began, self.now));
                if good {
                    self.pending -= rows;
                    self.dead += rows;
                    self.oldest = (self.pending > 0).then_some(self.now);
                    self.memory.folded(rows, Instant(began), Instant(self.now));
                } else {
                    self.memory.failed(Instant(began), Instant(self.now));
                }
            }
            Some(Task::Vacuum { truncate }) => {
                self.pass(2_000);
                self.dead = 0;
                if truncate {
                    self.file = self.pending;
                }
                self.vacuums.push((began, truncate));
                self.memory.vacuumed(truncate, Instant(began), Instant(self.now));
            }
            None => return false,
        }
        true
    }

    fn live(&mut self, seconds: i64) {
        let end = self.now + seconds * SECOND;
        while self.now < end {
            self.look(true);
            self.pass(SECOND);
        }
    }
}

#[test]
fn pending_rows_and_the_file_stay_below_their_bounds() {
    let mut rng = Dice(0x0DE1);
    for _ in 0..300 {
        let rate = *rng.pick(&[0, 1, 50, 1_000, 10_000, 50_000]);
        let (per_row, per_fold) = (rng.below(5) as i64, 500 + rng.below(49_500) as i64);
        let mut delta = Delta::new(rate, per_row, per_fold);
        delta.live(600);
        let longest = delta.folds.iter().map(|(began, ended)| ended - began).max().unwrap_or(0);
        let bound = MANY + rate + rate * longest / SECOND * (2 + REST) + 1;
        assert!(delta.most_pending <= bound, "{rate} rows/s, folds up to {longest} us: {} rows pending", delta.most_pending);
        assert!(delta.longest_wait <= LONGEST_WAIT + 3 * SECOND + longest * (2 + REST), "a row waited {} us", delta.longest_wait);
        // what is dead between two VACUUMs, and what is pending
        assert!(delta.file <= 3 * bound + 2 * MANY_DEAD, "{rate} rows/s: {} rows in the file", delta.file);
        let busy: i64 = delta.folds.iter().map(|(began, ended)| ended - began).sum();
        assert!(busy <= 600 * SECOND / REST + longest, "folding took {busy} us of 600 s");
    }
}

#[test]
fn few_rows_wait_and_are_folded_together() {
    let mut delta = Delta::new(10, 1, 1_000);
    delta.live(600);
    assert!((50..=62).contains(&delta.folds.len()), "{} folds in ten minutes", delta.folds.len());
}

#[test]
fn nothing_to_do_means_nothing_done() {
    let mut delta = Delta::new(0, 1, 1_000);
    delta.live(3_600);
    assert!(delta.folds.is_empty() && delta.vacuums.is_empty());
}

#[test]
fn a_large_file_is_given_back_once_nobody_writes() {
    let mut delta = Delta::new(0, 1, 1_000);
    delta.pending = FEW_PAGES * ROWS_PER_PAGE * 10;
    delta.file = delta.pending;
    delta.live(600);
    assert_eq!(delta.file, 0);
    assert_eq!(delta.vacuums.iter().filter(|(_, truncated)| *truncated).count(), 1, "{:?}", delta.vacuums);
}

/// Somebody's old snapshot, or a lock on the table: the file cannot be cut. It is not tried every second.
#[test]
fn a_file_that_cannot_be_given_back_is_left_until_something_comes() {
    let mut memory = Memory::default();
    let mut tried = 0;
    for second in 0..3_600 {
        let now = Instant(second * SECOND);
        if let Some(Task::Vacuum { truncate: true }) = memory.look(7, 0, FEW_PAGES * 10, now) {
            tried += 1;
            memory.vacuumed(true, now, now);
        }
    }
    assert_eq!(tried, 1);
}

#[test]
fn failures_back_off_and_are_forgotten_after_a_success() {
    let mut delta = Delta::new(5_000, 1, 1_000);
    for _ in 0..3_600 {
        delta.look(false);
        delta.pass(SECOND);
    }
    assert!((8..=20).contains(&delta.folds.len()), "{} attempts in an hour", delta.folds.len());
    let failed = delta.folds.len();
    delta.live(3_600);
    assert!(delta.folds.len() > failed + 100, "{} folds in the hour after", delta.folds.len() - failed);
}

#[test]
fn a_clock_that_is_set_back_makes_nobody_wait() {
    let mut rng = Dice(0xC10C);
    for _ in 0..200 {
        let mut delta = Delta::new(3_000, 1, 200_000);
        delta.live(1 + rng.below(99) as i64);
        delta.now -= (1 + rng.below(9_999) as i64) * SECOND;
        delta.now = delta.now.max(0);
        let before = delta.folds.len();
        delta.oldest = None;
        delta.live(30);
        assert!(delta.folds.len() >= before + 5, "{} folds in half a minute after the clock was set", delta.folds.len() - before);
    }
}

#[test]
fn what_was_looked_at_in_vain_rests() {
    let ended = Instant(1_000 * SECOND);
    for took in [0, 1, 50_000, SECOND, 3 * SECOND, 30 * SECOND, 31 * SECOND, 5_000 * SECOND, i64::MAX / 4] {
        let rest = Rest::after(Instant(ended.0 - took), ended);
        let length = (took.saturating_mul(REST_IN_VAIN)).min(LONGEST_REST);
        assert_eq!(rest.is_over(ended), length == 0, "{took}");
        assert!(!rest.is_over(ended.plus(length - 1)) || length == 0, "{took}");
        assert!(rest.is_over(ended.plus(length)) && rest.is_over(Instant::NEVER), "{took}");
        // The clock was set back by more than anything rests.
        assert!(rest.is_over(ended.plus(-LONGEST_REST)) || length == 0, "{took}");
    }
    // It was set back while somebody looked.
    assert!(Rest::after(ended.plus(SECOND), ended).is_over(ended));
}
