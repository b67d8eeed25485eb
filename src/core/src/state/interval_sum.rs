//! Sums of intervals: months, days and microseconds apart, as PostgreSQL adds them.
//!
//! Bytes: header; zigzag count of finite rows; zigzag months, days, microseconds; and only if there are infinities, zigzag
//! counts of +infinity and -infinity. The empty state is the header alone.

use super::counts;
use super::{State, Subtract};
use crate::codec::{Reader, header, put_zigzag, put_zigzag128};
use crate::error::Error;

pub type Fields = (i32, i32, i64);

/// PostgreSQL 17's infinities.
pub const INFINITY: Fields = (i32::MAX, i32::MAX, i64::MAX);
pub const NEG_INFINITY: Fields = (i32::MIN, i32::MIN, i64::MIN);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntervalSum<const KIND: u8> {
    finite: i64,
    infinite: i64,
    neg_infinite: i64,
    months: i128,
    days: i128,
    micros: i128,
}

/// 2^62 rows of 2^63 microseconds fit into i128 with a bit to spare.
const LIMIT: i128 = 1 << 125;

impl<const KIND: u8> IntervalSum<KIND> {
    /// `infinities` says whether this PostgreSQL (17 and later) has infinite intervals. `sign` is 1 to add a row, -1 to remove it.
    pub fn add(&mut self, months: i32, days: i32, micros: i64, sign: i64, infinities: bool) {
        let fields = (months, days, micros);
        if infinities && (fields == INFINITY || fields == NEG_INFINITY) {
            let count = if months > 0 { &mut self.infinite } else { &mut self.neg_infinite };
            *count = count.wrapping_add(sign);
            return;
        }
        self.finite = self.finite.wrapping_add(sign);
        let sign = sign as i128;
        self.months = self.months.wrapping_add(months as i128 * sign);
        self.days = self.days.wrapping_add(days as i128 * sign);
        self.micros = self.micros.wrapping_add(micros as i128 * sign);
    }

    /// The rows that were not NULL.
    pub fn count(&self) -> i64 {
        self.finite.wrapping_add(self.infinite).wrapping_add(self.neg_infinite)
    }

    /// None without rows. Infinities of both signs have no sum in PostgreSQL either, and a finite sum must not look like one.
    pub fn total(&self) -> Option<Result<Fields, Error>> {
        if self.count() == 0 {
            return None;
        }
        Some(match (self.infinite > 0, self.neg_infinite > 0) {
            (true, true) => Err(out_of_range()),
            (true, false) => Ok(INFINITY),
            (false, true) => Ok(NEG_INFINITY),
            (false, false) => self.finite_total(),
        })
    }

    fn finite_total(&self) -> Result<Fields, Error> {
        let months = i32::try_from(self.months).map_err(|_| out_of_range())?;
        let days = i32::try_from(self.days).map_err(|_| out_of_range())?;
        let micros = i64::try_from(self.micros).map_err(|_| out_of_range())?;
        let fields = (months, days, micros);
        if fields == INFINITY || fields == NEG_INFINITY { Err(out_of_range()) } else { Ok(fields) }
    }
}

#[cold]
fn out_of_range() -> Error {
    Error::time_out_of_range("interval out of range")
}

fn merge_field(a: i128, b: i128) -> Result<i128, Error> {
    match a.checked_add(b) {
        Some(sum) if (-LIMIT..=LIMIT).contains(&sum) => Ok(sum),
        _ => Err(out_of_range()),
    }
}

fn read_field(reader: &mut Reader<'_>) -> Result<i128, Error> {
    let v = reader.zigzag128()?;
    if (-LIMIT..=LIMIT).contains(&v) { Ok(v) } else { Err(reader.corrupt("A sum is out of range.")) }
}

impl<const KIND: u8> State for IntervalSum<KIND> {
    fn empty() -> Self {
        Self::default()
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn merge(&mut self, other: &Self) -> Result<(), Error> {
        *self = Self {
            finite: counts::merge(self.finite, other.finite)?,
            infinite: counts::merge(self.infinite, other.infinite)?,
            neg_infinite: counts::merge(self.neg_infinite, other.neg_infinite)?,
            months: merge_field(self.months, other.months)?,
            days: merge_field(self.days, other.days)?,
            micros: merge_field(self.micros, other.micros)?,
        };
        Ok(())
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.push(header(KIND));
        if self.is_empty() {
            return;
        }
        put_zigzag(self.finite, out);
        put_zigzag128(self.months, out);
        put_zigzag128(self.days, out);
        put_zigzag128(self.micros, out);
        if (self.infinite, self.neg_infinite) != (0, 0) {
            put_zigzag(self.infinite, out);
            put_zigzag(self.neg_infinite, out);
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::open(bytes, KIND)?;
        if reader.is_done() {
            return Ok(Self::default());
        }
        let mut state = Self {
            finite: counts::read(&mut reader)?,
            months: read_field(&mut reader)?,
            days: read_field(&mut reader)?,
            micros: read_field(&mut reader)?,
            ..Self::default()
        };
        if !reader.is_done() {
            state.infinite = counts::read(&mut reader)?;
            state.neg_infinite = counts::read(&mut reader)?;
            if (state.infinite, state.neg_infinite) == (0, 0) {
                return Err(reader.corrupt("Counts of infinities are stored, but there are none."));
            }
        }
        if state.is_empty() {
            return Err(reader.corrupt("An empty state is not in its shortest form."));
        }
        reader.finish()?;
        Ok(state)
    }

    fn heap_size(&self) -> usize {
        0
    }
}

impl<const KIND: u8> Subtract for IntervalSum<KIND> {
    fn negate(&mut self) {
        self.finite = self.finite.wrapping_neg();
        self.infinite = self.infinite.wrapping_neg();
        self.neg_infinite = self.neg_infinite.wrapping_neg();
        self.months = self.months.wrapping_neg();
        self.days = self.days.wrapping_neg();
        self.micros = self.micros.wrapping_neg();
    }
}
