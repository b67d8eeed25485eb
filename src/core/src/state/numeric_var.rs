//! Variances of integers and numerics: exact sums of the values and of their squares, and PostgreSQL's own way from there to the
//! last digit. Rows can be removed without cancellation.
//!
//! Bytes: as a sum's ([`NumericSum`]), with two more bits in the form byte (4: the sum of squares has a scale, 5: it is longer than
//! i128); then [varint scale s >= 1] and the sum of squares times 10^s in the form of the sum.

use num_bigint::{BigInt, BigUint};

use super::decimal::{Decimal, ShortDecimal, base10000, pow10};
use super::numeric_sum::{NumericSum, SHORT_FORM, ShortBody, flag};
use super::septets::Septets;
use super::short::{Numbers, Wide};
use super::{Spread, State, Subtract, kind};
use crate::codec::{Reader, header};
use crate::error::Error;
use crate::numeric;

const SQUARES_SCALED: u8 = 16;
const SQUARES_BIG: u8 = 32;

/// PostgreSQL's NUMERIC_MIN_SIG_DIGITS and NUMERIC_MAX_DISPLAY_SCALE: what a quotient has at least and at most.
const LEAST_DIGITS: i64 = 16;
const MOST_DECIMALS: i64 = 1000;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct VarState {
    rows: NumericSum<{ kind::VAR }>,
    squares: Decimal<2>,
}

impl VarState {
    /// `sign` is 1 to add a row, -1 to remove it.
    #[inline]
    pub fn add_int(&mut self, v: i64, sign: i64) {
        self.rows.add_int(v, sign);
        self.squares.add_square(v, sign);
    }

    /// `payload` is PostgreSQL's on-disk numeric behind the varlena header.
    #[inline]
    pub fn add_numeric(&mut self, payload: &[u8], sign: i64) -> Result<(), Error> {
        let squares = &mut self.squares;
        self.rows.add_parsed(payload, sign, |v| squares.add(&v.squared(), sign))
    }

    /// The rows that were not NULL.
    pub fn count(&self) -> i64 {
        self.rows.count()
    }

    /// Appends PostgreSQL's on-disk numeric (behind the varlena header); None with too few rows. NaN and infinities have no spread.
    pub fn spread(&self, what: Spread, out: &mut Vec<u8>) -> Option<Result<(), Error>> {
        if self.count() < what.least_rows() {
            return None;
        }
        if self.rows.specials().is_present() {
            numeric::write_nan(out);
            return Some(Ok(()));
        }
        Some(self.finite_spread(what, out))
    }

    fn finite_spread(&self, what: Spread, out: &mut Vec<u8>) -> Result<(), Error> {
        let n = self.rows.finite();
        let (sum, sum_scale) = self.rows.sum().exact();
        let (squares, squares_scale) = self.squares.exact();
        // n * sum of squares - square of the sum, times 10^scale.
        let scale = squares_scale.max(sum_scale * 2);
        let deviations = squares * n * pow10(scale - squares_scale) - &sum * &sum * pow10(scale - sum_scale * 2);
        // Only states that no rows made have less than zero.
        if deviations <= BigInt::ZERO {
            return numeric::write(false, &[], 0, 0, out);
        }
        let divisor = BigUint::from(what.divisor(n));
        let deviations = deviations.into_parts().1;
        let decimals = quotient_scale(&deviations, scale, &divisor, self.rows.display_scale() as i64 * 2);
        let mut result = divide(deviations, scale, divisor, decimals);
        if what.is_root() {
            result = root(result, decimals);
        }
        write(&result, decimals, out)
    }
}

/// The first base-10000 digit of `v` / 10^scale, and its weight.
fn first_digit(v: &BigUint, scale: usize) -> (u32, i64) {
    let digits = v.to_radix_be(10);
    let whole = digits.len() as i64 - scale as i64;
    let weight = (whole - 1).div_euclid(4);
    let taken = (whole - weight * 4) as usize;
    let digit = (0..taken).fold(0, |sum, at| sum * 10 + digits.get(at).copied().unwrap_or(0) as u32);
    (digit, weight)
}

/// How many decimals PostgreSQL gives the quotient (its select_div_scale).
fn quotient_scale(a: &BigUint, scale: usize, b: &BigUint, display_scale: i64) -> i64 {
    let (first_a, weight_a) = first_digit(a, scale);
    let (first_b, weight_b) = first_digit(b, 0);
    let weight = weight_a - weight_b - i64::from(first_a <= first_b);
    (LEAST_DIGITS - weight * 4).max(display_scale).clamp(0, MOST_DECIMALS)
}

/// `a` / 10^scale / `b` times 10^decimals, rounded, halves away from zero.
fn divide(a: BigUint, scale: usize, b: BigUint, decimals: i64) -> BigUint {
    let shift = decimals - scale as i64;
    let power = pow10(shift.unsigned_abs() as usize).into_parts().1;
    let (a, b) = if shift >= 0 { (a * power, b) } else { (a, b * power) };
    (a * 2u8 + &b) / (b * 2u8)
}

/// The square root of `v` / 10^decimals, times 10^decimals, rounded.
fn root(v: BigUint, decimals: i64) -> BigUint {
    // One decimal more decides how to round: no root ends in a half, whose square would have more decimals than there are.
    let root = (v * pow10(decimals as usize + 2).into_parts().1).sqrt();
    (root + 5u8) / 10u8
}

fn write(v: &BigUint, decimals: i64, out: &mut Vec<u8>) -> Result<(), Error> {
    let fraction = (decimals as usize).div_ceil(4);
    let aligned = v * pow10(fraction * 4 - decimals as usize).into_parts().1;
    numeric::write(false, &base10000(&aligned, fraction), fraction, decimals as u16, out)
}

impl State for VarState {
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
        out.push(header(kind::VAR));
        if self.is_empty() {
            return;
        }
        let squares = self.squares.normal();
        self.rows.encode_body(flag(squares.scale > 0, SQUARES_SCALED) | flag(squares.is_big(), SQUARES_BIG), out);
        if squares.scale > 0 {
            squares.encode_scale(out);
        }
        squares.encode_mantissa(out);
    }

    super::short::merged_as_stored!();

    fn heap_size(&self) -> usize {
        self.rows.heap_size() + self.squares.heap_size()
    }
}

impl VarState {
    /// Merges the bytes of a state of rows of one display scale, or of integers, whose squares are not long. None: nothing has been
    /// merged, and it takes more to do so, or to say what is wrong.
    #[inline]
    fn merge_short<const GROW: bool>(&mut self, bytes: &[u8]) -> Option<()> {
        let &[head, form, ..] = bytes else { return None };
        match form {
            _ if head != header(kind::VAR) => None,
            // Said once more, integers need no look at the bits.
            0 if bytes.len() <= 10 => self.merge_form::<GROW>(Septets::<false>::behind_two(bytes)?, 0),
            0 if bytes.len() <= 18 => self.merge_form::<GROW>(Septets::<true>::behind_two(bytes)?, 0),
            _ if form & !(SHORT_FORM | SQUARES_SCALED) == 0 => self.merge_form::<GROW>(Wide::behind_two(bytes)?, form),
            _ => None,
        }
    }

    #[inline(always)]
    fn merge_form<const GROW: bool>(&mut self, mut numbers: impl Numbers, form: u8) -> Option<()> {
        let rows = ShortBody::read(&mut numbers, form)?;
        let squares = ShortDecimal::read(&mut numbers, form & SQUARES_SCALED != 0)?;
        if !numbers.is_done() || rows.is_nothing() && squares.is_zero() || self.squares.is_long() {
            return None;
        }
        let sum = self.squares.with(squares);
        if !GROW && sum.is_none() {
            return None;
        }
        self.rows.add_short::<GROW>(&rows)?;
        self.squares.settle(sum, squares);
        Some(())
    }

    fn merge_any(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let mut reader = Reader::open(bytes, kind::VAR)?;
        if reader.is_done() {
            return Ok(());
        }
        let (more, nothing) = self.rows.merge_body(&mut reader, SQUARES_SCALED | SQUARES_BIG)?;
        let squares = Decimal::<2>::read(&mut reader, more & SQUARES_BIG != 0, more & SQUARES_SCALED != 0)?;
        if nothing && squares.is_zero() {
            return Err(reader.corrupt("An empty state is not in its shortest form."));
        }
        reader.finish()?;
        self.squares.add_normal(squares)
    }
}

impl Subtract for VarState {
    fn negate(&mut self) {
        self.rows.negate();
        self.squares.negate();
    }
}

#[cfg(test)]
mod tests {
    use super::super::short_way;
    use crate::state::VarState;

    /// States that are short and states that are not quite.
    fn seeds() -> Vec<VarState> {
        let rows = [(1_000, 0, 1), (-70_000, 0, 1), (123_456_789, 0, 300), (i64::MAX >> 12, 0, 2), (i64::MIN, 0, 3), (12_345, 2, 1), (-1, 4, 700), (100, 2, 200), (i64::MAX >> 14, 9, 1)];
        short_way::seeds(rows.map(|(value, digits, n)| ((value, digits), n)), |state: &mut VarState, (value, digits)| match digits {
            0 => state.add_int(value, 1),
            _ => state.add_numeric(&short_way::numeric(value, digits), 1).unwrap(),
        })
    }

    #[test]
    fn the_short_way_is_the_way() {
        short_way::check("var_state", &seeds(), VarState::merge_short::<true>, VarState::merge_any);
    }
}
