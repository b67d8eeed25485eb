//! Rows that are NaN or infinite, counted beside the sum of the others, so that removing the only NaN brings the number back.

use super::counts;
use crate::codec::{Reader, put_zigzag};
use crate::error::Error;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Special {
    NaN,
    Infinity,
    NegInfinity,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Specials {
    nan: i64,
    infinite: i64,
    neg_infinite: i64,
}

impl Specials {
    #[inline]
    pub fn add(&mut self, what: Special, sign: i64) {
        let count = match what {
            Special::NaN => &mut self.nan,
            Special::Infinity => &mut self.infinite,
            Special::NegInfinity => &mut self.neg_infinite,
        };
        *count = count.wrapping_add(sign);
    }

    pub fn count(&self) -> i64 {
        self.nan.wrapping_add(self.infinite).wrapping_add(self.neg_infinite)
    }

    /// Are there counts to store, of rows or of removals?
    pub fn is_any(&self) -> bool {
        *self != Self::default()
    }

    /// Are any of the rows NaN or infinite?
    pub fn is_present(&self) -> bool {
        self.nan > 0 || self.infinite > 0 || self.neg_infinite > 0
    }

    /// What a sum of such rows is; None if there are none.
    pub fn sum(&self) -> Option<Special> {
        match (self.infinite > 0, self.neg_infinite > 0) {
            _ if self.nan > 0 => Some(Special::NaN),
            (true, true) => Some(Special::NaN),
            (true, false) => Some(Special::Infinity),
            (false, true) => Some(Special::NegInfinity),
            (false, false) => None,
        }
    }

    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        *self = Self {
            nan: counts::merge(self.nan, other.nan)?,
            infinite: counts::merge(self.infinite, other.infinite)?,
            neg_infinite: counts::merge(self.neg_infinite, other.neg_infinite)?,
        };
        Ok(())
    }

    pub fn negate(&mut self) {
        self.nan = self.nan.wrapping_neg();
        self.infinite = self.infinite.wrapping_neg();
        self.neg_infinite = self.neg_infinite.wrapping_neg();
    }

    /// Zigzag counts of NaN, +Infinity and -Infinity.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_zigzag(self.nan, out);
        put_zigzag(self.infinite, out);
        put_zigzag(self.neg_infinite, out);
    }

    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, Error> {
        Ok(Self { nan: counts::read(reader)?, infinite: counts::read(reader)?, neg_infinite: counts::read(reader)? })
    }
}
