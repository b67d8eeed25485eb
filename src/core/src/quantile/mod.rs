//! `quantile`: DDSketch (Masson, Rim, Lee 2019), with bins of our own making and a format of our own.
//!
//! A value is counted in a bin whose ends are 2 % apart, so the number in its middle is within 1 % of it. NaN, infinities and zero are
//! counted apart; the least and the greatest finite value are kept. States merge by adding counts: what a state is, and so its
//! bytes, depends on the multiset of values only.
//!
//! **The bound.** The quantile q of n values, in PostgreSQL's order (NaN last), is the value at rank max(1, ceil(q n)), what `percentile_disc` gives. The
//! answer differs from it by at most 1 % (of subnormal values, which have fewer digits: 1 % and the least of them, 5e-324).
//! NaN, infinities, zero, and the least and the greatest finite value are exact. Only if values lie in more than 2,048 bins, those nearest zero count as
//! zero; they are then at least 2^29 times smaller than the greatest in magnitude.

mod bins;
mod bucket;
mod codec;
mod eight;

use crate::error::Error;
use crate::state::{State, counts};
use bins::Bins;

#[derive(Clone, Debug)]
pub struct Quantile {
    /// All values.
    count: i64,
    nan: u64,
    infinite: u64,
    neg_infinite: u64,
    zero: u64,
    /// Of the finite values; an infinity while there are none.
    min: f64,
    max: f64,
    bins: Bins,
}

impl Quantile {
    #[inline]
    pub fn insert(&mut self, v: f64) {
        self.count += 1;
        if !v.is_finite() {
            *match v {
                f64::INFINITY => &mut self.infinite,
                f64::NEG_INFINITY => &mut self.neg_infinite,
                _ => &mut self.nan,
            } += 1;
            return;
        }
        // Makes 0 of -0, which is the same value.
        let v = v + 0.0;
        if v < self.min {
            self.min = v;
        }
        if v > self.max {
            self.max = v;
        }
        self.zero += if v == 0.0 { 1 } else { self.bins.add(bucket::of(v), 1) };
    }

    /// Merges an encoded state without building it. After an error the state is of no use.
    pub fn merge_bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        codec::merge(bytes, self)
    }

    pub fn count(&self) -> i64 {
        self.count
    }

    /// None without values.
    pub fn quantile(&self, q: f64) -> Result<Option<f64>, Error> {
        self.ranked().quantile(q)
    }

    /// For more than one quantile of the same values.
    pub fn ranked(&self) -> Ranked<'_> {
        let (list, folded) = self.bins.settled();
        Ranked { state: self, zero: self.zero + folded, list }
    }

    /// Without values again.
    pub fn clear(&mut self) {
        *self = Self::empty();
    }
}

/// A state's values in order.
pub struct Ranked<'a> {
    state: &'a Quantile,
    zero: u64,
    list: Vec<(i32, u64)>,
}

impl Ranked<'_> {
    /// None without values. The fraction must be between 0 and 1.
    pub fn quantile(&self, q: f64) -> Result<Option<f64>, Error> {
        check_fraction(q)?;
        let n = self.state.count as u64;
        if n == 0 {
            return Ok(None);
        }
        let rank = (q * n as f64).ceil() as u64;
        Ok(Some(self.at(rank.clamp(1, n))))
    }

    /// The value at a rank from 1 to the count.
    fn at(&self, rank: u64) -> f64 {
        let Quantile { nan, infinite, neg_infinite, min, max, count, .. } = *self.state;
        let finite = count as u64 - nan - infinite - neg_infinite;
        if rank <= neg_infinite {
            return f64::NEG_INFINITY;
        }
        match rank - neg_infinite {
            1 if finite > 0 => min,
            rank if rank < finite => self.middle(rank).clamp(min, max),
            rank if rank == finite => max,
            rank if rank <= finite + infinite => f64::INFINITY,
            _ => f64::NAN,
        }
    }

    /// The number that stands for the finite value at a rank.
    fn middle(&self, rank: u64) -> f64 {
        let positive = self.list.partition_point(|entry| entry.0 < 0);
        let zero = [(0, self.zero)];
        let mut seen = 0;
        let mut all = self.list[..positive].iter().chain(&zero).chain(&self.list[positive..]);
        match all.find(|(_, count)| {
            seen += count;
            seen >= rank
        }) {
            Some((0, _)) | None => 0.0,
            Some((bin, _)) => bucket::middle(*bin),
        }
    }
}

/// The error for a fraction that is none, as PostgreSQL's percentile functions have it.
pub fn check_fraction(q: f64) -> Result<(), Error> {
    if (0.0..=1.0).contains(&q) {
        return Ok(());
    }
    let shown = if q.abs() >= 1e15 { format!("{q:e}") } else { format!("{q}") };
    Err(Error::out_of_range(format!("quantile value {shown} is not between 0 and 1")))
}

impl PartialEq for Quantile {
    fn eq(&self, other: &Self) -> bool {
        let all = |state: &Self| {
            let Quantile { count, nan, infinite, neg_infinite, zero, .. } = *state;
            let (list, folded) = state.bins.settled();
            (count, nan, infinite, neg_infinite, zero + folded, list)
        };
        (self.min, self.max) == (other.min, other.max) && all(self) == all(other)
    }
}

impl State for Quantile {
    fn empty() -> Self {
        Self {
            count: 0,
            nan: 0,
            infinite: 0,
            neg_infinite: 0,
            zero: 0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            bins: Bins::default(),
        }
    }

    fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn merge(&mut self, other: &Self) -> Result<(), Error> {
        self.count = counts::merge(self.count, other.count)?;
        self.nan += other.nan;
        self.infinite += other.infinite;
        self.neg_infinite += other.neg_infinite;
        self.zero += other.zero;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        other.bins.for_each(|bin, count| self.zero += self.bins.add(bin, count));
        Ok(())
    }

    fn encode(&self, out: &mut Vec<u8>) {
        codec::encode(self, out);
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut state = Self::empty();
        state.merge_bytes(bytes)?;
        Ok(state)
    }

    fn heap_size(&self) -> usize {
        self.bins.heap_size()
    }
}
