//! `quantile`.

use crate::input::Input;
use crate::laws::Target;
use crate::sums::Floats;
use pg_tally_core::state::{Quantile, State, kind};

pub struct Quantiles;

/// A run of doubles, each so many times the one before: one row of input may have to fill many bins.
pub struct Run {
    first: f64,
    ratio: f64,
    n: u16,
}

impl Target for Quantiles {
    type S = Quantile;
    type Row = Run;

    fn row(input: &mut Input<'_>) -> Run {
        let tag = input.u8();
        let first = Floats::<{ kind::SUM_FLOAT8 }>::row(input);
        // Now and then a run that passes the most bins that a state has.
        let n = if tag == 0xff { 2_100 } else { (tag >> 2) as u16 % 8 + 1 };
        Run { first, ratio: [1.0, 1.02, -1.05, 4.0][(tag & 3) as usize], n }
    }

    fn apply(state: &mut Quantile, row: &Run, _: i64) {
        let mut v = row.first;
        for _ in 0..row.n {
            state.insert(v);
            v *= row.ratio;
        }
    }

    fn answer(state: &Quantile) {
        let ranked = state.ranked();
        let mut before = f64::NEG_INFINITY;
        for q in [0.0, 0.01, 0.3, 0.5, 0.99, 1.0] {
            match ranked.quantile(q).expect("a fraction") {
                None => assert!(state.is_empty()),
                Some(v) => {
                    assert!(v.is_nan() || v >= before, "quantiles ascend");
                    before = if v.is_nan() { before } else { v };
                }
            }
        }
    }

    fn most_bytes(_: &Quantile) -> usize {
        // 2,048 bins that are never neighbours, and counts that are seldom small.
        1 + 1 + 5 * 10 + 17 + 4 + 2048 * 8
    }

    fn most_heap(bytes: usize) -> usize {
        // An index of all pages, and a page of 16 counts for a bin of two bytes.
        40_000 + 150 * bytes
    }

    fn also(a: &Quantile, b: &Quantile) {
        let bytes = |state: &Quantile| {
            let mut out = Vec::new();
            state.encode(&mut out);
            out
        };
        let (mut by_state, mut by_bytes) = (a.clone(), a.clone());
        let merged = by_state.merge(b);
        assert_eq!(merged.is_ok(), by_bytes.merge_bytes(&bytes(b)).is_ok());
        if merged.is_ok() {
            assert_eq!(bytes(&by_state), bytes(&by_bytes));
        }
    }
}
