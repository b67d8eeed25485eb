//! Variances against exact rationals.

mod common;

use common::{bytes, check_laws, num, show};
use num_bigint::BigInt;
use pg_tally_core::state::{Spread, State, VarFloat8State, VarState};
use proptest::prelude::*;

const ALL: [Spread; 4] = [Spread::VarPop, Spread::VarSamp, Spread::StddevPop, Spread::StddevSamp];

fn is_root(what: Spread) -> bool {
    matches!(what, Spread::StddevPop | Spread::StddevSamp)
}

/// What n * sum of squares - square of the sum is divided by.
fn divisor(what: Spread, n: usize) -> BigInt {
    let n = BigInt::from(n);
    if matches!(what, Spread::VarPop | Spread::StddevPop) { &n * &n } else { &n * (&n - 1) }
}

fn deviations(rows: &[BigInt]) -> BigInt {
    let sum: BigInt = rows.iter().sum();
    let squares: BigInt = rows.iter().map(|v| v * v).sum();
    squares * rows.len() - &sum * &sum
}

fn literal() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "-?[0-9]{1,6}(\\.[0-9]{1,3})?",
        2 => "-?[0-9]{1,30}(\\.[0-9]{1,25})?",
        1 => "-?[0-9]{1,80}(\\.[0-9]{1,90})?",
        1 => "-?0\\.0{1,50}[1-9]?",
        1 => any::<i64>().prop_map(|v| v.to_string()),
    ]
}

fn apply(state: &mut VarState, row: &String, sign: i64) {
    match row.parse() {
        Ok(v) => state.add_int(v, sign),
        Err(_) => state.add_numeric(&num(row), sign).unwrap(),
    }
}

fn shown(state: &VarState, what: Spread) -> Option<String> {
    let mut out = Vec::new();
    state.spread(what, &mut out).map(|result| {
        result.unwrap();
        show(&out)
    })
}

/// A literal times 10^scale.
fn scaled(text: &str, scale: usize) -> BigInt {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{part}{}", "0".repeat(scale - part.len())).parse().unwrap()
}

fn finite() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => any::<u64>().prop_map(f64::from_bits).prop_filter("finite", |v| v.is_finite()),
        4 => (-1_000_000i64..1_000_000).prop_map(|v| v as f64 / 100.0),
        2 => -1.0e6..1.0e6f64,
        2 => (0u64..64).prop_map(|v| f64::from_bits(1.0f64.to_bits() + v)),
        1 => prop_oneof![Just(f64::MAX), Just(f64::MIN), Just(f64::MIN_POSITIVE), Just(5e-324), Just(-5e-324), Just(0.0), Just(-0.0)],
    ]
}

fn float_row() -> impl Strategy<Value = f64> {
    prop_oneof![12 => finite(), 1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY)]]
}

/// The double as a multiple of 2^-1074.
fn units(v: f64) -> BigInt {
    let bits = v.to_bits();
    let (exponent, fraction) = (bits >> 52 & 0x7ff, bits & ((1 << 52) - 1));
    let magnitude = if exponent == 0 { BigInt::from(fraction) } else { BigInt::from(fraction | 1 << 52) << (exponent - 1) };
    if v.is_sign_negative() { -magnitude } else { magnitude }
}

/// Half way between `v` and the next double of larger magnitude, as a multiple of 2^-1075.
fn middle(v: f64) -> BigInt {
    let next = v.next_up();
    if next.is_finite() { units(v) + units(next) } else { units(v) * 2 + (BigInt::from(1) << 2045) }
}

/// Whether `v` is the double nearest to (deviations / divisor) in units of 2^-2148, or to its root.
fn is_nearest(v: f64, deviations: &BigInt, divisor: &BigInt, root: bool) -> bool {
    // Both sides times the divisor and in units of 2^-2150.
    let at = |halves: BigInt| if root { &halves * &halves * divisor } else { halves * divisor << 1075 };
    let exact: BigInt = deviations * 4;
    let above = at(middle(v));
    let below = if v == 0.0 { BigInt::from(-1) } else { at(middle(v.next_down())) };
    let even = v.to_bits() & 1 == 0;
    (below < exact || even && below == exact) && (exact < above || even && exact == above)
}

fn check_floats(rows: &[f64]) {
    let mut state = VarFloat8State::empty();
    rows.iter().for_each(|v| state.add(*v, 1));
    let state = VarFloat8State::decode(&bytes(&state)).unwrap();
    let deviations = deviations(&rows.iter().map(|v| units(*v)).collect::<Vec<_>>());
    for what in ALL {
        let Some(spread) = state.spread(what) else {
            assert!(rows.len() < 2);
            continue;
        };
        let divisor = divisor(what, rows.len());
        match spread {
            Ok(v) => assert!(is_nearest(v, &deviations, &divisor, is_root(what)), "{what:?} {v:e} of {rows:?}"),
            Err(error) => {
                assert_eq!((error.sqlstate(), error.message.as_str()), ("22003", "value out of range: overflow"));
                assert!(!is_root(what) || what == Spread::StddevSamp);
                assert!(deviations.clone() * 4 >= if is_root(what) { middle(f64::MAX).pow(2) * divisor } else { middle(f64::MAX) * divisor << 1075 });
            }
        }
    }
}

proptest! {
    #[test]
    fn laws(rows in prop::collection::vec(prop_oneof![9 => literal(), 1 => prop_oneof![Just("NaN"), Just("Infinity"), Just("-Infinity")].prop_map(String::from)], 0..30), order: u64) {
        check_laws::<VarState, _>(&rows, order, apply);
    }

    #[test]
    fn float_laws(rows in prop::collection::vec(float_row(), 0..40), order: u64) {
        check_laws::<VarFloat8State, _>(&rows, order, |state, row, sign| state.add(*row, sign));
    }

    /// Right in the last of the decimals shown. How many PostgreSQL shows is compared with PostgreSQL itself, in the server.
    #[test]
    fn numerics_are_exact(rows in prop::collection::vec(literal(), 2..20)) {
        const SCALE: usize = 200;
        let mut state = VarState::empty();
        rows.iter().for_each(|row| apply(&mut state, row, 1));
        let state = VarState::decode(&bytes(&state)).unwrap();
        let deviations = deviations(&rows.iter().map(|row| scaled(row, SCALE)).collect::<Vec<_>>());
        for what in ALL {
            let text = shown(&state, what).unwrap();
            let decimals = text.split_once('.').map_or(0, |(_, part)| part.len());
            let (v, divisor) = (scaled(&text, decimals), divisor(what, rows.len()));
            let ten = BigInt::from(10);
            if is_root(what) {
                // The root is that of the rounded variance: within half a unit of that, and half of its own.
                let power = decimals as u32 * 2;
                let lower = BigInt::max(&v * 2 - 1, BigInt::ZERO).pow(2) - ten.pow(decimals as u32) * 2;
                let upper = BigInt::from(&v * 2 + 1).pow(2) + ten.pow(decimals as u32) * 2;
                let exact = &deviations * 4 * ten.pow(power);
                let unit = &divisor * ten.pow(SCALE as u32 * 2);
                prop_assert!(lower * &unit <= exact && exact <= upper * &unit, "{:?} {}", what, text);
            } else {
                // |v / 10^decimals - exact| <= 1 / (2 * 10^decimals)
                let difference = v * &divisor * ten.pow(SCALE as u32 * 2) - &deviations * ten.pow(decimals as u32);
                prop_assert!(difference.magnitude() * 2u8 <= *(&divisor * ten.pow(SCALE as u32 * 2)).magnitude(), "{:?} {}", what, text);
            }
        }
    }

    #[test]
    fn floats_are_rounded_once(rows in prop::collection::vec(finite(), 1..30)) {
        check_floats(&rows);
    }

    #[test]
    fn like_floats_are_rounded_once(rows in prop::collection::vec(1.0..1.000001f64, 1..30)) {
        check_floats(&rows);
    }

    #[test]
    fn removals_leave_what_stays(kept in prop::collection::vec(literal(), 1..15), gone in prop::collection::vec(literal(), 0..15)) {
        let mut state = VarState::empty();
        let mut alone = VarState::empty();
        kept.iter().chain(&gone).for_each(|row| apply(&mut state, row, 1));
        gone.iter().for_each(|row| apply(&mut state, row, -1));
        kept.iter().for_each(|row| apply(&mut alone, row, 1));
        for what in ALL {
            prop_assert_eq!(shown(&state, what), shown(&alone, what));
        }
    }
}

#[test]
fn special_values() {
    // PostgreSQL's own answers.
    let cases: [(&[&str], [Option<&str>; 4]); 8] = [
        (&[], [None; 4]),
        (&["5.00"], [Some("0"), None, Some("0"), None]),
        (&["NaN"], [Some("NaN"), None, Some("NaN"), None]),
        (&["Infinity", "1"], [Some("NaN"); 4]),
        (&["-Infinity", "Infinity"], [Some("NaN"); 4]),
        (&["2", "2", "2"], [Some("0"); 4]),
        (&["1", "2"], [Some("0.25000000000000000000"), Some("0.50000000000000000000"), Some("0.50000000000000000000"), Some("0.70710678118654752440")]),
        (&["1", "3"], [Some("1.00000000000000000000"), Some("2.0000000000000000"), Some("1.00000000000000000000"), Some("1.4142135623730950")]),
    ];
    for (rows, expected) in cases {
        let mut state = VarState::empty();
        rows.iter().for_each(|row| apply(&mut state, &row.to_string(), 1));
        assert_eq!(ALL.map(|what| shown(&state, what)), expected.map(|e| e.map(String::from)), "{rows:?}");
    }
}

#[test]
fn states_that_no_rows_made_have_no_negative_variance() {
    let mut state = VarState::empty();
    state.add_int(5, 1);
    state.add_int(7, -1);
    state.add_int(1, 2);
    for what in [Spread::VarPop, Spread::StddevPop] {
        assert_eq!(shown(&state, what).as_deref(), Some("0"));
    }
    let mut state = VarFloat8State::empty();
    [(5.0, 1), (7.0, -1), (1.0, 2)].into_iter().for_each(|(v, sign)| state.add(v, sign));
    assert_eq!(state.spread(Spread::StddevSamp), Some(Ok(0.0)));
}

#[test]
fn the_widest_numerics() {
    let widest = format!("{}.{}", "9".repeat(131_072), "9".repeat(16_383));
    let mut state = VarState::empty();
    state.add_numeric(&num(&widest), 1).unwrap();
    state.add_int(0, 1);
    let encoded = bytes(&state);
    assert_eq!(VarState::decode(&encoded).unwrap(), state);
    let mut twice = state.clone();
    twice.merge(&state).unwrap();
    assert_eq!(VarState::decode(&bytes(&twice)).unwrap(), twice);
    let error = state.spread(Spread::VarPop, &mut Vec::new()).unwrap().unwrap_err();
    assert_eq!((error.sqlstate(), error.message.as_str()), ("22003", "value overflows numeric format"));
    assert!(shown(&state, Spread::StddevPop).unwrap().starts_with("5000000000"));
}

#[test]
fn the_widest_doubles() {
    check_floats(&[f64::MAX, f64::MIN]);
    check_floats(&[f64::MAX, f64::MAX]);
    check_floats(&[5e-324, 0.0]);
    check_floats(&[5e-324, -5e-324, 5e-324]);
    check_floats(&[1e154, -1e154]);
    check_floats(&[1.4e154, -1.4e154]);
    check_floats(&[1e-162, -1e-162, 1e300]);
}

#[test]
fn ordinary_states_are_short() {
    let mut state = VarFloat8State::empty();
    (0..1_000_000).for_each(|v| state.add(v as f64 / 7.0, 1));
    assert!(bytes(&state).len() <= 48, "{}", bytes(&state).len());
    let mut state = VarState::empty();
    (0..1_000_000).for_each(|v| state.add_int(v, 1));
    assert!(bytes(&state).len() <= 24, "{}", bytes(&state).len());
}
