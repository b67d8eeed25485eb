//! Sums and averages of numerics, doubles and intervals.

use crate::input::Input;
use crate::laws::Target;
use pg_tally_core::numeric;
use pg_tally_core::state::{FloatSum, IntervalSum, NumericSum, State, Subtract};

pub fn negated<S: State + Subtract>(state: &S) -> Option<S> {
    let mut negative = state.clone();
    negative.negate();
    Some(negative)
}

pub struct Numerics<const KIND: u8>;

pub enum Number {
    Int(i64),
    /// PostgreSQL's on-disk form.
    Numeric(Vec<u8>),
}

impl<const KIND: u8> Target for Numerics<KIND> {
    type S = NumericSum<KIND>;
    type Row = Number;

    fn row(input: &mut Input<'_>) -> Number {
        let tag = input.u8();
        if tag & 1 == 0 {
            return Number::Int(input.int());
        }
        let mut out = Vec::new();
        match tag >> 1 & 31 {
            0 => numeric::write_nan(&mut out),
            1 => numeric::write_infinity(false, &mut out),
            2 => numeric::write_infinity(true, &mut out),
            n => finite(tag >> 7 == 1, n as usize - 2, input, &mut out),
        }
        Number::Numeric(out)
    }

    fn apply(state: &mut Self::S, row: &Number, sign: i64) {
        match row {
            Number::Int(v) => state.add_int(*v, sign),
            Number::Numeric(v) => state.add_numeric(v, sign).expect("a numeric of PostgreSQL's is taken"),
        }
    }

    fn negated(state: &Self::S) -> Option<Self::S> {
        negated(state)
    }

    fn answer(state: &Self::S) {
        let mut out = Vec::new();
        if let Some(Ok(())) = state.total(&mut out) {
            numeric::parse(&out).expect("a numeric that can be read");
        }
    }

    fn most_bytes(_: &Self::S) -> usize {
        // The longest numbers and scales that these inputs hold, not those of the format.
        16_000
    }
}

/// A numeric of `len` base-10000 digits, of which any number may stand behind the point, zeros before and after included.
fn finite(negative: bool, len: usize, input: &mut Input<'_>, out: &mut Vec<u8>) {
    let place = input.u8();
    let mut digits: Vec<u16> = (0..len).map(|_| input.number(2) as u16 % numeric::BASE).collect();
    // More zeros than anybody writes, on either side; seldom very many, which take their time.
    let zeros = if place & 0x70 == 0x70 { (place & 15) as usize * if place & 15 == 15 { 16 } else { 2 } } else { 0 };
    let fraction = if place & 0x80 == 0 {
        digits.resize(len + zeros, 0);
        place as usize % (len + 1)
    } else {
        digits.splice(0..0, std::iter::repeat_n(0, zeros));
        digits.len().min(numeric::MAX_FRACTION)
    };
    let scale = (fraction * 4).min(numeric::MAX_SCALE as usize) as u16;
    let shown = if scale == 0 { (input.u8() & 3) as u16 } else { scale.saturating_sub((place & 3) as u16) };
    // What is shown must not be less than what there is: the last digit keeps only the decimals that count.
    if fraction > 0 && let Some(last) = digits.last_mut() {
        *last -= *last % 10u16.pow((scale - shown) as u32);
    }
    numeric::write(negative, &digits, fraction, shown, out).expect("within numeric's range");
}

pub struct Floats<const KIND: u8>;

impl<const KIND: u8> Target for Floats<KIND> {
    type S = FloatSum<KIND>;
    type Row = f64;

    fn row(input: &mut Input<'_>) -> f64 {
        match input.u8() {
            0 => f64::NAN,
            1 => f64::INFINITY,
            2 => f64::NEG_INFINITY,
            3 => f64::MAX,
            4 => f64::from_bits(1),
            5 => f64::MIN_POSITIVE,
            6 => -0.0,
            tag if tag & 1 == 0 => f64::from_bits(input.number(8)),
            _ => input.int() as f64 / 64.0,
        }
    }

    fn apply(state: &mut Self::S, row: &f64, sign: i64) {
        state.add(*row, sign);
    }

    fn negated(state: &Self::S) -> Option<Self::S> {
        negated(state)
    }

    fn answer(state: &Self::S) {
        if let Some(Ok(total)) = state.total() {
            assert!(total.to_bits() != (-0.0f64).to_bits(), "a zero without a sign");
        }
        let _ = state.mean();
    }

    fn most_bytes(_: &Self::S) -> usize {
        // The header, four counts, length and exponent, and a sum of 1074 + 1024 + 62 bits.
        1 + 4 * 10 + 2 + 2 + 270
    }
}

pub struct Intervals<const KIND: u8>;

impl<const KIND: u8> Target for Intervals<KIND> {
    type S = IntervalSum<KIND>;
    type Row = (i32, i32, i64, bool);

    fn row(input: &mut Input<'_>) -> Self::Row {
        match input.u8() {
            0 => (i32::MAX, i32::MAX, i64::MAX, true),
            1 => (i32::MIN, i32::MIN, i64::MIN, true),
            2 => (i32::MAX, i32::MAX, i64::MAX, false),
            tag => (input.int() as i32, input.int() as i32, input.int(), tag & 1 == 0),
        }
    }

    fn apply(state: &mut Self::S, row: &Self::Row, sign: i64) {
        state.add(row.0, row.1, row.2, sign, row.3);
    }

    fn negated(state: &Self::S) -> Option<Self::S> {
        negated(state)
    }

    fn answer(state: &Self::S) {
        let _ = state.total();
    }

    fn most_bytes(_: &Self::S) -> usize {
        1 + 3 * 10 + 3 * 19
    }
}
