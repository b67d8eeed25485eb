//! Sums of intervals.

mod common;

use common::{bytes, check_laws};
use pg_tally_core::state::{AvgIntervalState, IntervalSum, State, SumIntervalState};
use proptest::prelude::*;

type Row = (i32, i32, i64);
const INF: Row = (i32::MAX, i32::MAX, i64::MAX);
const NEG_INF: Row = (i32::MIN, i32::MIN, i64::MIN);

fn apply<const KIND: u8>(state: &mut IntervalSum<KIND>, row: &Row, sign: i64) {
    state.add(row.0, row.1, row.2, sign, true);
}

fn row() -> impl Strategy<Value = Row> {
    prop_oneof![3 => any::<Row>(), 3 => (-99i32..99, -99i32..99, -99i64..99), 1 => Just(INF), 1 => Just(NEG_INF)]
}

proptest! {
    #[test]
    fn laws(rows in prop::collection::vec(row(), 0..30), order: u64) {
        check_laws::<SumIntervalState, _>(&rows, order, apply);
        check_laws::<AvgIntervalState, _>(&rows, order, apply);
    }

    #[test]
    fn sums_are_exact(rows in prop::collection::vec(any::<Row>(), 1..9)) {
        let mut state = SumIntervalState::empty();
        rows.iter().for_each(|row| apply(&mut state, row, 1));
        let sum = rows.iter().fold((0i128, 0i128, 0i128), |s, r| (s.0 + r.0 as i128, s.1 + r.1 as i128, s.2 + r.2 as i128));
        match (i32::try_from(sum.0), i32::try_from(sum.1), i64::try_from(sum.2)) {
            (Ok(a), Ok(b), Ok(c)) => prop_assert_eq!(state.total(), Some(Ok((a, b, c)))),
            _ => {
                let error = state.total().unwrap().unwrap_err();
                prop_assert_eq!((error.sqlstate(), error.message.as_str()), ("22008", "interval out of range"));
            }
        }
    }
}

#[test]
fn infinities() {
    let total = |rows: &[Row]| {
        let mut state = SumIntervalState::empty();
        rows.iter().for_each(|row| apply(&mut state, row, 1));
        assert_eq!(state.count(), rows.len() as i64);
        state.total()
    };
    assert_eq!(total(&[]), None);
    assert_eq!(total(&[INF, (1, 2, 3)]), Some(Ok(INF)));
    assert_eq!(total(&[NEG_INF, NEG_INF]), Some(Ok(NEG_INF)));
    assert!(total(&[NEG_INF, INF]).unwrap().is_err());
    // Before PostgreSQL 17 the same fields are an ordinary interval; two of them do not fit.
    let mut state = SumIntervalState::empty();
    state.add(INF.0, INF.1, INF.2, 1, false);
    state.add(-1, -1, -1, 1, false);
    assert_eq!(state.total(), Some(Ok((i32::MAX - 1, i32::MAX - 1, i64::MAX - 1))));
}

#[test]
fn a_finite_sum_must_not_look_infinite() {
    let mut state = SumIntervalState::empty();
    state.add(INF.0 - 1, INF.1 - 1, INF.2 - 1, 1, true);
    state.add(1, 1, 1, 1, true);
    assert!(state.total().unwrap().is_err());
    assert!(bytes(&state).len() < 25);
}
