//! Sums of doubles in exact arithmetic, rounded once at the end: adding and then removing rows, in any order, gives the same bits as
//! never having seen them. NaN and infinities are counted beside the sum, so that removing the only NaN brings the number back.
//!
//! Bytes: header; then, unless empty, zigzag count of finite rows; the sum as [`Superacc`] writes it; and only if there are
//! any, zigzag counts of NaN, +Infinity and -Infinity.

use super::counts;
use super::superacc::Superacc;
use super::{State, Subtract};
use crate::codec::{Reader, header, put_zigzag};
use crate::error::Error;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct FloatSum<const KIND: u8> {
    sum: Superacc,
    finite: i64,
    nan: i64,
    infinite: i64,
    neg_infinite: i64,
}

impl<const KIND: u8> FloatSum<KIND> {
    /// `sign` is 1 to add a row, -1 to remove it.
    #[inline]
    pub fn add(&mut self, v: f64, sign: i64) {
        if v.is_finite() {
            self.finite = self.finite.wrapping_add(sign);
            self.sum.add(v, sign);
            return;
        }
        let count = if v.is_nan() {
            &mut self.nan
        } else if v > 0.0 {
            &mut self.infinite
        } else {
            &mut self.neg_infinite
        };
        *count = count.wrapping_add(sign);
    }

    /// The rows that were not NULL.
    pub fn count(&self) -> i64 {
        self.finite.wrapping_add(self.nan).wrapping_add(self.infinite).wrapping_add(self.neg_infinite)
    }

    /// None without rows. Finite inputs whose sum is no finite double are an error, as in PostgreSQL.
    pub fn total(&self) -> Option<Result<f64, Error>> {
        self.result(Superacc::round)
    }

    /// The exact quotient of sum and count, rounded once. None without rows.
    pub fn mean(&self) -> Option<Result<f64, Error>> {
        self.result(|sum| sum.round_quotient(self.count()))
    }

    fn result(&self, round: impl FnOnce(&Superacc) -> Option<f64>) -> Option<Result<f64, Error>> {
        if self.count() == 0 {
            return None;
        }
        Some(if self.nan > 0 || self.infinite > 0 && self.neg_infinite > 0 {
            Ok(f64::NAN)
        } else if self.infinite > 0 {
            Ok(f64::INFINITY)
        } else if self.neg_infinite > 0 {
            Ok(f64::NEG_INFINITY)
        } else {
            round(&self.sum).ok_or_else(|| Error::out_of_range("value out of range: overflow"))
        })
    }

    fn has_specials(&self) -> bool {
        (self.nan, self.infinite, self.neg_infinite) != (0, 0, 0)
    }
}

impl<const KIND: u8> State for FloatSum<KIND> {
    fn empty() -> Self {
        Self::default()
    }

    fn is_empty(&self) -> bool {
        self.finite == 0 && !self.has_specials() && self.sum.is_zero()
    }

    fn merge(&mut self, other: &Self) -> Result<(), Error> {
        self.finite = counts::merge(self.finite, other.finite)?;
        self.nan = counts::merge(self.nan, other.nan)?;
        self.infinite = counts::merge(self.infinite, other.infinite)?;
        self.neg_infinite = counts::merge(self.neg_infinite, other.neg_infinite)?;
        self.sum.merge(&other.sum)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.push(header(KIND));
        if self.is_empty() {
            return;
        }
        put_zigzag(self.finite, out);
        self.sum.encode(out);
        if self.has_specials() {
            put_zigzag(self.nan, out);
            put_zigzag(self.infinite, out);
            put_zigzag(self.neg_infinite, out);
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::open(bytes, KIND)?;
        let mut state = Self::default();
        if reader.is_done() {
            return Ok(state);
        }
        state.finite = counts::read(&mut reader)?;
        state.sum = Superacc::decode(&mut reader)?;
        if !reader.is_done() {
            state.nan = counts::read(&mut reader)?;
            state.infinite = counts::read(&mut reader)?;
            state.neg_infinite = counts::read(&mut reader)?;
            if !state.has_specials() {
                return Err(reader.corrupt("Counts of NaN and infinities are stored, but there are none."));
            }
        }
        if state.is_empty() {
            return Err(reader.corrupt("An empty state is not in its shortest form."));
        }
        reader.finish()?;
        Ok(state)
    }

    fn heap_size(&self) -> usize {
        self.sum.heap_size()
    }
}

impl<const KIND: u8> Subtract for FloatSum<KIND> {
    fn negate(&mut self) {
        self.finite = self.finite.wrapping_neg();
        self.nan = self.nan.wrapping_neg();
        self.infinite = self.infinite.wrapping_neg();
        self.neg_infinite = self.neg_infinite.wrapping_neg();
        self.sum.negate();
    }
}
