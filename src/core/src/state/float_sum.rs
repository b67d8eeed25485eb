//! Sums of doubles in exact arithmetic, rounded once at the end: adding and then removing rows, in any order, gives the same bits as
//! never having seen them. NaN and infinities are counted beside the sum.
//!
//! Bytes: header; then, unless empty, zigzag count of finite rows; the sum as [`Superacc`] writes it; and only if there are
//! any, zigzag counts of NaN, +Infinity and -Infinity.

use super::counts;
use super::short::{Numbers, Short, Wide, Words};
use super::specials::{Special, Specials};
use super::superacc::{ShortSum, Superacc};
use super::{State, Subtract};
use crate::codec::{Reader, header, put_zigzag};
use crate::error::Error;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct FloatSum<const KIND: u8> {
    sum: Superacc,
    finite: i64,
    specials: Specials,
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
        let what = if v.is_nan() {
            Special::NaN
        } else if v > 0.0 {
            Special::Infinity
        } else {
            Special::NegInfinity
        };
        self.specials.add(what, sign);
    }

    /// The rows that were not NULL.
    pub fn count(&self) -> i64 {
        self.finite.wrapping_add(self.specials.count())
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
        Some(match self.specials.sum() {
            Some(Special::NaN) => Ok(f64::NAN),
            Some(Special::Infinity) => Ok(f64::INFINITY),
            Some(Special::NegInfinity) => Ok(f64::NEG_INFINITY),
            None => round(&self.sum).ok_or_else(overflow),
        })
    }

    pub(super) fn finite(&self) -> i64 {
        self.finite
    }

    pub(super) fn specials(&self) -> &Specials {
        &self.specials
    }

    pub(super) fn sum(&self) -> &Superacc {
        &self.sum
    }

    /// The count of finite rows and their sum.
    pub(super) fn encode_finite(&self, out: &mut Vec<u8>) {
        put_zigzag(self.finite, out);
        self.sum.encode(out);
    }

    pub(super) fn encode_specials(&self, out: &mut Vec<u8>) {
        if self.specials.is_any() {
            self.specials.encode(out);
        }
    }

    /// Reads what is left.
    fn decode_specials(&mut self, reader: &mut Reader<'_>) -> Result<(), Error> {
        if !reader.is_done() {
            self.specials = Specials::decode(reader)?;
            if !self.specials.is_any() {
                return Err(reader.corrupt("Counts of NaN and infinities are stored, but there are none."));
            }
        }
        Ok(())
    }
}

#[cold]
pub(super) fn overflow() -> Error {
    Error::out_of_range("value out of range: overflow")
}

impl<const KIND: u8> State for FloatSum<KIND> {
    fn empty() -> Self {
        Self::default()
    }

    fn is_empty(&self) -> bool {
        self.finite == 0 && !self.specials.is_any() && self.sum.is_zero()
    }

    fn merge(&mut self, other: &Self) -> Result<(), Error> {
        self.finite = counts::merge(self.finite, other.finite)?;
        self.specials.merge(&other.specials)?;
        self.sum.merge(&other.sum)
    }

    super::short::merged_as_stored!();

    fn encode(&self, out: &mut Vec<u8>) {
        out.push(header(KIND));
        if self.is_empty() {
            return;
        }
        self.encode_finite(out);
        self.encode_specials(out);
    }

    #[inline]
    fn heap_size(&self) -> usize {
        self.sum.heap_size()
    }
}

impl<const KIND: u8> FloatSum<KIND> {
    /// Merges the bytes of a short state without NaN and infinities. None: nothing has been merged, and it takes more to do so, or
    /// to say what is wrong.
    #[inline]
    fn merge_short<const GROW: bool>(&mut self, bytes: &[u8]) -> Option<()> {
        if bytes.first() != Some(&header(KIND)) {
            return None;
        }
        // Of more bytes few sums are so short.
        match Short::new(bytes).filter(|_| bytes.len() <= 12).and_then(Self::read_short) {
            Some((finite, sum)) => self.add_short::<GROW, 1>(finite, &sum),
            None => self.merge_wide::<GROW>(bytes),
        }
    }

    #[inline(always)]
    fn read_short(mut short: Short) -> Option<(i64, ShortSum<1, 1>)> {
        short.skip(8);
        Some((short.zigzag()?, ShortSum::last(short)?))
    }

    /// Sums that are longer than a double's own bits, as some dozen rows have them.
    #[inline]
    fn merge_wide<const GROW: bool>(&mut self, bytes: &[u8]) -> Option<()> {
        let mut wide = Wide::new(bytes)?;
        wide.skip(8);
        let finite = wide.zigzag()?;
        let sum = ShortSum::<1, 2>::read(&mut wide)?;
        if wide.is_done() { self.add_short::<GROW, 2>(finite, &sum) } else { None }
    }

    /// None: nothing has been added.
    #[inline(always)]
    pub(super) fn add_short<const GROW: bool, const WORDS: usize>(&mut self, finite: i64, sum: &ShortSum<1, WORDS>) -> Option<()> {
        if !GROW && !self.sum.has_room(sum) {
            return None;
        }
        self.finite = counts::merged(self.finite, finite)?;
        self.sum.add_words(sum);
        Some(())
    }

    fn merge_any(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.merge_with(bytes, |_| Ok(true))
    }

    /// Merges a state that has `more` between the sum and the counts of what is not finite; `more` says whether it is nothing.
    #[inline]
    pub(super) fn merge_with<'a>(&mut self, bytes: &'a [u8], more: impl FnOnce(&mut Reader<'a>) -> Result<bool, Error>) -> Result<(), Error> {
        let mut reader = Reader::open(bytes, KIND)?;
        if reader.is_done() {
            return Ok(());
        }
        let finite = counts::read(&mut reader)?;
        let sum = Superacc::read(&mut reader)?;
        let no_more = more(&mut reader)?;
        let mut rest = Self::default();
        rest.decode_specials(&mut reader)?;
        if finite == 0 && sum.is_zero() && no_more && !rest.specials.is_any() {
            return Err(reader.corrupt("An empty state is not in its shortest form."));
        }
        reader.finish()?;
        self.finite = counts::merge(self.finite, finite)?;
        self.specials.merge(&rest.specials)?;
        sum.add_to(&mut self.sum)
    }
}

impl<const KIND: u8> Subtract for FloatSum<KIND> {
    fn negate(&mut self) {
        self.finite = self.finite.wrapping_neg();
        self.specials.negate();
        self.sum.negate();
    }
}

#[cfg(test)]
mod tests {
    use super::super::short_way;
    use crate::state::SumFloat8State;

    /// States that are short and states that are not quite.
    fn seeds() -> Vec<SumFloat8State> {
        short_way::seeds([(1.0, 1), (-0.1, 1), (1e300, 1), (5e-324, 3), (1e-300, 2), (123.456, 500), (-2.5e15, 700), (f64::MAX, 1)], |state: &mut SumFloat8State, value| state.add(value, 1))
    }

    #[test]
    fn the_short_way_is_the_way() {
        short_way::check("sum_float8_state", &seeds(), SumFloat8State::merge_short::<true>, SumFloat8State::merge_any);
    }
}
