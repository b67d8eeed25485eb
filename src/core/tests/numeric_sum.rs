//! Sums of integers and numerics against big integers.

mod common;

use common::{bytes, check_laws, num, show};
use num_bigint::BigInt;
use pg_tally_core::state::{AvgState, State, SumState};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Row {
    Int(i64),
    Numeric(String),
}

fn apply<const KIND: u8>(state: &mut pg_tally_core::state::NumericSum<KIND>, row: &Row, sign: i64) {
    match row {
        Row::Int(v) => state.add_int(*v, sign),
        Row::Numeric(text) => state.add_numeric(&num(text), sign).unwrap(),
    }
}

fn literal() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "-?[0-9]{1,6}(\\.[0-9]{1,3})?",
        2 => "-?[0-9]{1,30}(\\.[0-9]{1,25})?",
        1 => "-?[0-9]{1,80}(\\.[0-9]{1,90})?",
        1 => "-?[1-9]0{1,50}",
        1 => "-?0\\.0{1,50}[1-9]?",
    ]
}

fn finite() -> impl Strategy<Value = Row> {
    prop_oneof![any::<i64>().prop_map(Row::Int), (-9i64..10).prop_map(Row::Int), literal().prop_map(Row::Numeric), literal().prop_map(Row::Numeric)]
}

fn row() -> impl Strategy<Value = Row> {
    let special = prop_oneof![Just("NaN"), Just("Infinity"), Just("-Infinity")];
    prop_oneof![9 => finite(), 1 => special.prop_map(|s| Row::Numeric(s.into()))]
}

/// The sum by big integers, printed with the largest scale.
fn oracle(rows: &[Row]) -> String {
    const SCALE: usize = 200;
    let (mut sum, mut scale) = (BigInt::ZERO, 0);
    for row in rows {
        let text = match row {
            Row::Int(v) => v.to_string(),
            Row::Numeric(text) => text.clone(),
        };
        let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
        scale = scale.max(part.len());
        sum += format!("{whole}{part}{}", "0".repeat(SCALE - part.len())).parse::<BigInt>().unwrap();
    }
    let digits = format!("{:0>width$}", sum.magnitude().to_string(), width = SCALE + 1);
    let (whole, part) = digits.split_at(digits.len() - SCALE);
    let sign = if sum < BigInt::ZERO { "-" } else { "" };
    let point = if scale > 0 { "." } else { "" };
    format!("{sign}{whole}{point}{}", &part[..scale])
}

fn total<const KIND: u8>(state: &pg_tally_core::state::NumericSum<KIND>) -> Option<String> {
    let mut out = Vec::new();
    state.total(&mut out).map(|result| {
        result.unwrap();
        show(&out)
    })
}

proptest! {
    #[test]
    fn laws(rows in prop::collection::vec(row(), 0..40), order: u64) {
        check_laws::<SumState, _>(&rows, order, apply);
        check_laws::<AvgState, _>(&rows, order, apply);
    }

    #[test]
    fn sums_are_exact(rows in prop::collection::vec(finite(), 1..40)) {
        let mut state = SumState::empty();
        rows.iter().for_each(|row| apply(&mut state, row, 1));
        prop_assert_eq!(state.count(), rows.len() as i64);
        prop_assert_eq!(total(&state).unwrap(), oracle(&rows));
        let decoded = SumState::decode(&bytes(&state)).unwrap();
        prop_assert_eq!(total(&decoded).unwrap(), oracle(&rows));
    }

    #[test]
    fn removals_leave_the_sum_and_scale_of_what_stays(kept in prop::collection::vec(finite(), 1..20), gone in prop::collection::vec(row(), 0..20)) {
        let mut state = AvgState::empty();
        kept.iter().chain(&gone).for_each(|row| apply(&mut state, row, 1));
        gone.iter().for_each(|row| apply(&mut state, row, -1));
        prop_assert_eq!(total(&state).unwrap(), oracle(&kept));
    }

    #[test]
    fn literals_round_trip(text in literal()) {
        let trimmed = text.trim_start_matches('-').trim_start_matches('0');
        let trimmed = if trimmed.is_empty() || trimmed.starts_with('.') { format!("0{trimmed}") } else { trimmed.into() };
        let zero = !trimmed.contains(|c: char| ('1'..='9').contains(&c));
        let sign = if text.starts_with('-') && !zero { "-" } else { "" };
        prop_assert_eq!(show(&num(&text)), format!("{sign}{trimmed}"));
    }
}

#[test]
fn special_values() {
    let cases: [(&[&str], Option<&str>); 9] = [
        (&[], None),
        (&["NaN"], Some("NaN")),
        (&["Infinity", "1"], Some("Infinity")),
        (&["-Infinity", "1"], Some("-Infinity")),
        (&["-Infinity", "Infinity"], Some("NaN")),
        (&["-Infinity", "Infinity", "NaN"], Some("NaN")),
        (&["1.50", "-1.5"], Some("0.00")),
        (&["0", "0.000"], Some("0.000")),
        (&["9999.9999", "0.0001"], Some("10000.0000")),
    ];
    for (rows, expected) in cases {
        let mut state = SumState::empty();
        rows.iter().for_each(|row| state.add_numeric(&num(row), 1).unwrap());
        assert_eq!(total(&state).as_deref(), expected, "{rows:?}");
    }
}

#[test]
fn the_only_nan_can_be_removed() {
    let mut state = SumState::empty();
    for row in ["1.5", "NaN", "2", "Infinity"] {
        state.add_numeric(&num(row), 1).unwrap();
    }
    state.add_numeric(&num("NaN"), -1).unwrap();
    assert_eq!(total(&state).unwrap(), "Infinity");
    state.add_numeric(&num("Infinity"), -1).unwrap();
    assert_eq!(total(&state).unwrap(), "3.5");
    state.add_numeric(&num("1.5"), -1).unwrap();
    assert_eq!(total(&state).unwrap(), "2");
}

#[test]
fn the_widest_numerics_sum_and_overflow() {
    let widest = format!("{}.{}", "9".repeat(131_072), "9".repeat(16_383));
    let mut state = SumState::empty();
    state.add_numeric(&num(&widest), 1).unwrap();
    assert_eq!(total(&state).unwrap(), widest);
    let encoded = bytes(&state);
    assert!(encoded.len() < 62_000);
    assert_eq!(SumState::decode(&encoded).unwrap(), state);
    let mut twice = state.clone();
    twice.merge(&state).unwrap();
    let error = twice.total(&mut Vec::new()).unwrap().unwrap_err();
    assert_eq!((error.sqlstate(), error.message.as_str()), ("22003", "value overflows numeric format"));
    // The way back is still exact.
    let mut negative = state.clone();
    pg_tally_core::state::Subtract::negate(&mut negative);
    twice.merge(&negative).unwrap();
    assert_eq!(total(&twice).unwrap(), widest);
}

#[test]
fn payloads_that_are_no_numerics_are_refused() {
    let digit = |d: u16| d.to_ne_bytes();
    let cases: [(Vec<u8>, &str); 5] = [
        (vec![], "The header is missing."),
        (vec![0, 0], "The weight is missing."),
        ([&digit(0x8000)[..], &[1]].concat(), "A digit is cut off."),
        ([digit(0x8000), digit(10_000)].concat(), "A digit is out of range."),
        ([digit(0), digit(i16::MIN as u16), digit(1)].concat(), "There are too many digits behind the decimal point."),
    ];
    for (payload, detail) in cases {
        let mut state = SumState::empty();
        let error = state.add_numeric(&payload, 1).unwrap_err();
        assert_eq!((error.message.as_str(), error.detail.as_deref()), ("invalid numeric", Some(detail)));
        assert!(state.is_empty());
    }
    // Two headers with one digit each: what PostgreSQL writes on a little-endian machine.
    if cfg!(target_endian = "little") {
        assert_eq!(num("1"), [0x00, 0x80, 1, 0]);
        assert_eq!(num("-0.50"), [0x7f, 0xa1, 0x88, 0x13]);
        assert_eq!(num("0"), [0x00, 0x80]);
        assert_eq!(num(&format!("0.{}1", "0".repeat(63))), [0x40, 0, 0xf0, 0xff, 1, 0]);
        assert_eq!(num("NaN"), [0x00, 0xc0]);
        assert_eq!(num("Infinity"), [0x00, 0xd0]);
        assert_eq!(num("-Infinity"), [0x00, 0xf0]);
    }
}

#[test]
fn counts_are_checked() {
    let count = |n: i64| {
        let mut state = SumState::empty();
        state.add_int(0, n);
        state
    };
    let mut state = count(1 << 62);
    let error = state.merge(&count(1)).unwrap_err();
    assert_eq!((error.sqlstate(), error.message.as_str()), ("22003", "row count of a state out of range"));
    let mut state = count(1 << 62);
    state.merge(&count(-5)).unwrap();
    assert_eq!(state.count(), (1 << 62) - 5);
}
