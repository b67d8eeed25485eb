//! Variances of doubles: exact sums of the values and of their squares, and one rounding at the end. So rows can be removed without
//! cancellation, and the same rows give the same bits in any order.
//!
//! Bytes: header; then, unless empty, zigzag count of finite rows; their sum and the sum of their squares as [`Superacc`] writes
//! them; and only if there are any, zigzag counts of NaN, +Infinity and -Infinity.

use num_bigint::{BigInt, BigUint};

use super::float_sum::{FloatSum, overflow};
use super::short::{Numbers, Wide, Words};
use super::superacc::{ShortSum, Stored, Superacc, round};
use super::{Spread, State, Subtract, kind};
use crate::codec::header;
use crate::error::Error;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct VarFloat8State {
    rows: FloatSum<{ kind::VAR_FLOAT8 }>,
    squares: Superacc<2>,
}

impl VarFloat8State {
    /// `sign` is 1 to add a row, -1 to remove it.
    #[inline]
    pub fn add(&mut self, v: f64, sign: i64) {
        self.rows.add(v, sign);
        if v.is_finite() {
            self.squares.add_square(v, sign);
        }
    }

    /// The rows that were not NULL.
    pub fn count(&self) -> i64 {
        self.rows.count()
    }

    /// None with too few rows. NaN and infinities have no spread; finite rows whose variance is no finite double are an error.
    pub fn spread(&self, what: Spread) -> Option<Result<f64, Error>> {
        if self.count() < what.least_rows() {
            return None;
        }
        if self.rows.specials().is_present() {
            return Some(Ok(f64::NAN));
        }
        let (sum, sum_exponent) = self.rows.sum().exact();
        let (squares, squares_exponent) = self.squares.exact();
        // n * sum of squares - square of the sum, in units of the smaller of their units.
        let exponent = squares_exponent.min(sum_exponent * 2);
        let n = self.rows.finite();
        let deviations = (squares * n << (squares_exponent - exponent)) - (&sum * &sum << (sum_exponent * 2 - exponent));
        // Only states that no rows made have less than zero.
        if deviations <= BigInt::ZERO {
            return Some(Ok(0.0));
        }
        let (deviations, divisor) = (deviations.into_parts().1, BigUint::from(what.divisor(n)));
        let rounded = if what.is_root() { round_root(deviations, divisor, exponent) } else { round_ratio(deviations, divisor, exponent) };
        Some(rounded.ok_or_else(overflow))
    }
}

/// `a` / `b` * 2^exponent in so many bits at least, and how much the unit shrank. The quotient's unit is an even power of 2 if it was.
fn quotient(a: BigUint, b: &BigUint, bits: u64) -> (BigUint, bool, i64) {
    let shift = (b.bits() + bits).saturating_sub(a.bits()).next_multiple_of(2);
    let a = a << shift;
    let quotient = &a / b;
    let exact = &quotient * b == a;
    (quotient, exact, shift as i64)
}

/// The double nearest to `a` / `b` * 2^exponent, ties to even.
fn round_ratio(a: BigUint, b: BigUint, exponent: i64) -> Option<f64> {
    let (quotient, exact, shift) = quotient(a, &b, 66);
    round(false, &quotient.to_u32_digits(), exponent - shift, !exact)
}

/// The double nearest to the square root of `a` / `b` * 2^exponent, ties to even.
fn round_root(a: BigUint, b: BigUint, exponent: i64) -> Option<f64> {
    let odd = exponent.rem_euclid(2);
    let (quotient, exact, shift) = quotient(a << odd, &b, 132);
    let root = quotient.sqrt();
    let exact = exact && &root * &root == quotient;
    round(false, &root.to_u32_digits(), (exponent - odd - shift) / 2, !exact)
}

impl State for VarFloat8State {
    fn empty() -> Self {
        Self::default()
    }

    fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.squares.is_zero()
    }

    fn merge(&mut self, other: &Self) -> Result<(), Error> {
        self.rows.merge(&other.rows)?;
        self.squares.merge(&other.squares)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.push(header(kind::VAR_FLOAT8));
        if self.is_empty() {
            return;
        }
        self.rows.encode_finite(out);
        self.squares.encode(out);
        self.rows.encode_specials(out);
    }

    super::short::merged_as_stored!();

    fn heap_size(&self) -> usize {
        self.rows.heap_size() + self.squares.heap_size()
    }
}

impl VarFloat8State {
    /// Merges the bytes of a state whose sums are not long, without NaN and infinities. None: nothing has been merged, and it takes
    /// more to do so, or to say what is wrong.
    #[inline]
    fn merge_short<const GROW: bool>(&mut self, bytes: &[u8]) -> Option<()> {
        let mut wide = Wide::new(bytes)?;
        if wide.u8() != header(kind::VAR_FLOAT8) {
            return None;
        }
        let finite = wide.zigzag()?;
        // A double fits into one word, and its square into two; what a few dozen come to seldom takes more than another.
        if wide.low() as u8 >> 1 < 8 { self.merge_sum::<GROW, 1>(finite, wide) } else { self.merge_sum::<GROW, 2>(finite, wide) }
    }

    #[inline(always)]
    fn merge_sum<const GROW: bool, const WORDS: usize>(&mut self, finite: i64, mut wide: Wide<'_>) -> Option<()> {
        let sum = ShortSum::read(&mut wide)?;
        if wide.low() as u8 >> 1 <= 16 { self.merge_sums::<GROW, WORDS, 2>(finite, &sum, wide) } else { self.merge_sums::<GROW, WORDS, 3>(finite, &sum, wide) }
    }

    #[inline(always)]
    fn merge_sums<const GROW: bool, const WORDS: usize, const SQUARE_WORDS: usize>(&mut self, finite: i64, sum: &ShortSum<1, WORDS>, mut wide: Wide<'_>) -> Option<()> {
        let squares = ShortSum::<2, SQUARE_WORDS>::read(&mut wide)?;
        if !wide.is_done() || !GROW && !self.squares.has_room(&squares) {
            return None;
        }
        self.rows.add_short::<GROW, WORDS>(finite, sum)?;
        self.squares.add_words(&squares);
        Some(())
    }

    fn merge_any(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let mut squares = Stored::default();
        self.rows.merge_with(bytes, |reader| {
            squares = Superacc::read(reader)?;
            Ok(squares.is_zero())
        })?;
        squares.add_to(&mut self.squares)
    }
}

impl Subtract for VarFloat8State {
    fn negate(&mut self) {
        self.rows.negate();
        self.squares.negate();
    }
}

#[cfg(test)]
mod tests {
    use super::super::short_way;
    use crate::state::{State, VarFloat8State};

    /// States that are short and states that are not quite.
    fn seeds() -> Vec<VarFloat8State> {
        let mut seeds = short_way::seeds([(1.0, 1), (-0.1, 1), (1e150, 1), (1e-150, 3), (1e-300, 2), (123.456, 500), (-2.5e15, 700), (f64::MAX, 1)], |state: &mut VarFloat8State, value| state.add(value, 1));
        let mut alike = VarFloat8State::empty();
        (1..50).for_each(|n| alike.add(n as f64 * -0.37, 1));
        seeds.push(alike);
        seeds
    }

    #[test]
    fn the_short_way_is_the_way() {
        short_way::check("var_float8_state", &seeds(), VarFloat8State::merge_short::<true>, VarFloat8State::merge_any);
    }
}
