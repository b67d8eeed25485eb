//! Variances of numerics and doubles.

use crate::input::Input;
use crate::laws::Target;
use crate::sums::{Floats, Number, Numerics, negated};
use pg_tally_core::numeric;
use pg_tally_core::state::{Spread, State, VarFloat8State, VarState, kind};

const SPREADS: [Spread; 4] = [Spread::VarPop, Spread::VarSamp, Spread::StddevPop, Spread::StddevSamp];

pub struct Numbers;

impl Target for Numbers {
    type S = VarState;
    type Row = Number;

    fn row(input: &mut Input<'_>) -> Number {
        Numerics::<{ kind::SUM }>::row(input)
    }

    fn apply(state: &mut VarState, row: &Number, sign: i64) {
        match row {
            Number::Int(v) => state.add_int(*v, sign),
            Number::Numeric(v) => state.add_numeric(v, sign).expect("a numeric of PostgreSQL's is taken"),
        }
    }

    fn negated(state: &VarState) -> Option<VarState> {
        negated(state)
    }

    fn answer(state: &VarState) {
        // Roots of wide numbers take most of a run's time, so each state is asked for one of them, which its bytes choose.
        let mut bytes = Vec::new();
        state.encode(&mut bytes);
        let chosen = bytes.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte)) as usize % SPREADS.len();
        let mut out = Vec::new();
        if let Some(Ok(())) = state.spread(SPREADS[chosen], &mut out) {
            numeric::parse(&out).expect("a numeric that can be read");
        }
    }

    fn most_bytes(_: &VarState) -> usize {
        // A small sum of the largest scale and a long one of none, merged, and the same of their squares; what else there is came in the input's bytes.
        let bytes_of = |decimals: usize| decimals * 10 / 24 + 1;
        bytes_of(numeric::MAX_SCALE as usize) + bytes_of(2 * numeric::MAX_SCALE as usize) + 4_000
    }
}

pub struct Doubles;

impl Target for Doubles {
    type S = VarFloat8State;
    type Row = f64;

    fn row(input: &mut Input<'_>) -> f64 {
        Floats::<{ kind::SUM_FLOAT8 }>::row(input)
    }

    fn apply(state: &mut VarFloat8State, row: &f64, sign: i64) {
        state.add(*row, sign);
    }

    fn negated(state: &VarFloat8State) -> Option<VarFloat8State> {
        negated(state)
    }

    fn answer(state: &VarFloat8State) {
        for what in SPREADS {
            if let Some(Ok(v)) = state.spread(what) {
                assert!(v.is_nan() || v >= 0.0 && v.is_finite());
            }
        }
    }

    fn most_bytes(_: &VarFloat8State) -> usize {
        // Two exact sums, the second of squares, of twice the bits.
        1 + 4 * 10 + 4 + 2 * 3 + 270 + 540
    }
}
