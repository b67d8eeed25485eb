//! Sums of doubles against big integers.

mod common;

use common::{bytes, check_laws};
use num_bigint::{BigInt, Sign};
use pg_tally_core::state::{AvgFloat8State, FloatSum, State, SumFloat8State};
use proptest::prelude::*;

fn apply<const KIND: u8>(state: &mut FloatSum<KIND>, row: &f64, sign: i64) {
    state.add(*row, sign);
}

fn finite() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |v| v.is_finite()),
        4 => (-1_000_000i64..1_000_000).prop_map(|v| v as f64 / 100.0),
        2 => -1.0e6..1.0e6f64,
        1 => prop_oneof![Just(f64::MAX), Just(f64::MIN), Just(f64::MIN_POSITIVE), Just(5e-324), Just(-5e-324), Just(0.0), Just(-0.0)],
        1 => (0u32..2046, any::<bool>()).prop_map(|(e, s)| f64::from_bits((e as u64) << 52 | (s as u64) << 63)),
    ]
}

fn row() -> impl Strategy<Value = f64> {
    prop_oneof![12 => finite(), 1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY)]]
}

/// The double as a multiple of 2^-1074.
fn units(v: f64) -> BigInt {
    let bits = v.to_bits();
    let (exponent, fraction) = (bits >> 52 & 0x7ff, bits & ((1 << 52) - 1));
    let magnitude = if exponent == 0 { BigInt::from(fraction) } else { BigInt::from(fraction | 1 << 52) << (exponent - 1) };
    if v.is_sign_negative() { -magnitude } else { magnitude }
}

/// Whether `v` is the double nearest to sum / n, ties to even, by comparing it with its neighbours.
fn is_nearest(v: f64, sum: &BigInt, n: i64) -> bool {
    let distance = |units: BigInt| BigInt::from((sum - units * n).magnitude().clone());
    let own = distance(units(v));
    [v.next_up(), v.next_down()].into_iter().all(|other| {
        // Beyond the largest double stands what would be next.
        let step: BigInt = BigInt::from(other.signum() as i64) << 2045;
        let other = distance(if other.is_finite() { units(other) } else { units(v) + step });
        own < other || own == other && v.to_bits() & 1 == 0
    })
}

fn check(rows: &[f64]) {
    let mut state = AvgFloat8State::empty();
    rows.iter().for_each(|v| state.add(*v, 1));
    let sum: BigInt = rows.iter().map(|v| units(*v)).sum();
    // Half a last place beyond the largest double.
    let limit: BigInt = units(f64::MAX) + (BigInt::from(1) << 2044);
    match state.total().unwrap() {
        Ok(v) => assert!(is_nearest(v, &sum, 1), "{v:e}"),
        Err(error) => {
            assert_eq!((error.sqlstate(), error.message.as_str()), ("22003", "value out of range: overflow"));
            assert!(BigInt::from_biguint(Sign::Plus, sum.magnitude().clone()) >= limit);
        }
    }
    let mean = state.mean().unwrap().unwrap();
    assert!(is_nearest(mean, &sum, rows.len() as i64), "{mean:e}");
    let decoded = AvgFloat8State::decode(&bytes(&state)).unwrap();
    assert_eq!(decoded.mean().unwrap().unwrap().to_bits(), mean.to_bits());
}

proptest! {
    #[test]
    fn laws(rows in prop::collection::vec(row(), 0..40), order: u64) {
        check_laws::<SumFloat8State, _>(&rows, order, apply);
        check_laws::<AvgFloat8State, _>(&rows, order, apply);
    }

    #[test]
    fn rounded_once(rows in prop::collection::vec(finite(), 1..30)) {
        check(&rows);
    }

    #[test]
    fn rounded_once_where_it_is_close(base in finite(), steps in prop::collection::vec(prop_oneof![Just(0.5), Just(0.25), Just(1.0), Just(-0.5), Just(1e-200), Just(-1e-200)], 1..9)) {
        // Halves and less of the last place of `base`: ties, and what is just off a tie.
        let ulp = (base.next_up() - base).abs();
        let ulp = if ulp.is_finite() { ulp } else { 2f64.powi(971) };
        let rows: Vec<f64> = std::iter::once(base).chain(steps.into_iter().map(|s| s * ulp)).filter(|v| v.is_finite()).collect();
        check(&rows);
    }

    #[test]
    fn subnormal_means(rows in prop::collection::vec((0u64..1 << 54).prop_map(f64::from_bits), 1..9)) {
        check(&rows);
    }
}

#[test]
fn many_rows_carry() {
    let mut state = SumFloat8State::empty();
    for _ in 0..100_000 {
        state.add(f64::MAX / 4.0, 1);
        state.add(0.1, 1);
    }
    assert!(state.total().unwrap().is_err());
    for _ in 0..100_000 {
        state.add(f64::MAX / 4.0, -1);
    }
    // 100,000 times the double nearest to 0.1, exactly, then rounded.
    assert_eq!(state.total(), Some(Ok(10_000.0)));
    assert_eq!(SumFloat8State::decode(&bytes(&state)).unwrap(), state);
}

#[test]
fn special_values() {
    const INF: f64 = f64::INFINITY;
    let cases: [(&[f64], Option<f64>); 7] = [
        (&[], None),
        (&[f64::NAN, 1.0], Some(f64::NAN)),
        (&[INF, 1.0], Some(INF)),
        (&[-INF, 1.0], Some(-INF)),
        (&[INF, -INF], Some(f64::NAN)),
        (&[INF, f64::MAX, f64::MAX], Some(INF)),
        (&[-0.0], Some(0.0)),
    ];
    for (rows, expected) in cases {
        let mut state = SumFloat8State::empty();
        rows.iter().for_each(|v| state.add(*v, 1));
        for result in [state.total(), state.mean()] {
            assert_eq!(result.map(|v| v.unwrap().to_bits()), expected.map(f64::to_bits), "{rows:?}");
        }
        if let Some(first) = rows.first() {
            rows.iter().for_each(|v| state.add(*v, -1));
            assert_eq!(state.total(), None);
            state.add(2.5, 1);
            assert_eq!(state.total(), Some(Ok(2.5)), "{first} is forgotten");
        }
    }
}

#[test]
fn the_mean_does_not_overflow() {
    let mut state = AvgFloat8State::empty();
    (0..1000).for_each(|_| state.add(f64::MAX, 1));
    assert!(state.total().unwrap().is_err());
    assert_eq!(state.mean(), Some(Ok(f64::MAX)));
}

#[test]
fn small_states_are_small() {
    let size = |rows: &[f64]| {
        let mut state = SumFloat8State::empty();
        rows.iter().for_each(|v| state.add(*v, 1));
        bytes(&state).len()
    };
    assert_eq!(size(&[]), 1);
    assert_eq!(size(&[5.0]), 5);
    assert!(size(&[0.1]) <= 12);
    assert!(size(&[0.1, 0.2, 12345.67]) <= 13);
    assert!(size(&[1e300, 1e-300]) <= 270);
}
