//! `sum_state`, `sum_merge`, `sum_merge_state` over integers and numeric, floats, and intervals.

use super::common;
use crate::pg::aggstate::{transition, unchanged};
use crate::pg::call::{Call, Out, Value};
use crate::pg::fmgr::INTERVALS_HAVE_INFINITIES;
use crate::{signed_state_functions, sql_function, state_functions};
use pg_tally_core::state::{FloatSum, IntervalSum, NumericSum, State};
use pg_tally_core::state::{SumFloat8State, SumIntervalState, SumState};

state_functions!("sum", SumState);
signed_state_functions!("sum", SumState);
state_functions!("sum_float8", SumFloat8State);
signed_state_functions!("sum_float8", SumFloat8State);
state_functions!("sum_interval", SumIntervalState);
signed_state_functions!("sum_interval", SumIntervalState);

sql_function!("sum", "_trans_int2", |c| add_int(c, c.int2(1).map(i64::from), SumState::empty));
sql_function!("sum", "_trans_int4", |c| add_int(c, c.int4(1).map(i64::from), SumState::empty));
sql_function!("sum", "_trans_int8", |c| add_int(c, c.int8(1), SumState::empty));
sql_function!("sum", "_trans_numeric", |c| add_numeric(c, SumState::empty));
sql_function!("sum_float8", "_trans_float4", |c| add_float(
    c,
    c.float4(1).map(f64::from),
    SumFloat8State::empty
));
sql_function!("sum_float8", "_trans_float8", |c| add_float(
    c,
    c.float8(1),
    SumFloat8State::empty
));
sql_function!("sum_interval", "_trans", |c| add_interval(c, SumIntervalState::empty));

sql_function!("sum", "_final", |c| common::finish(c, total_numeric));
sql_function!("sum", "_finalize", |c| common::finalize(c, total_numeric));
sql_function!("sum_float8", "_final", |c| common::finish(c, total_float));
sql_function!("sum_float8", "_finalize", |c| common::finalize(c, total_float));
sql_function!("sum_interval", "_final", |c| common::finish(c, total_interval));
sql_function!("sum_interval", "_finalize", |c| common::finalize(c, total_interval));

#[inline]
pub fn add_int<const KIND: u8>(
    call: &Call,
    value: Option<i64>,
    empty: fn() -> NumericSum<KIND>,
) -> Out
where
    NumericSum<KIND>: State,
{
    let Some(value) = value else { return unchanged(call) };
    transition(
        call,
        || Ok(empty()),
        |state| {
            state.add_int(value, 1);
            Ok(())
        },
    )
}

#[inline]
pub fn add_numeric<const KIND: u8>(call: &Call, empty: fn() -> NumericSum<KIND>) -> Out
where
    NumericSum<KIND>: State,
{
    let Some(payload) = call.bytes(1) else { return unchanged(call) };
    transition(call, || Ok(empty()), |state| Ok(state.add_numeric(&payload, 1)?))
}

#[inline]
pub fn add_float<const KIND: u8>(
    call: &Call,
    value: Option<f64>,
    empty: fn() -> FloatSum<KIND>,
) -> Out
where
    FloatSum<KIND>: State,
{
    let Some(value) = value else { return unchanged(call) };
    transition(
        call,
        || Ok(empty()),
        |state| {
            state.add(value, 1);
            Ok(())
        },
    )
}

#[inline]
pub fn add_interval<const KIND: u8>(call: &Call, empty: fn() -> IntervalSum<KIND>) -> Out
where
    IntervalSum<KIND>: State,
{
    let Some((months, days, micros)) = call.interval(1) else { return unchanged(call) };
    transition(
        call,
        || Ok(empty()),
        |state| {
            state.add(months, days, micros, 1, INTERVALS_HAVE_INFINITIES);
            Ok(())
        },
    )
}

fn total_numeric(state: &SumState) -> Out {
    let mut out = Vec::with_capacity(64);
    Ok(state.total(&mut out).transpose()?.map(|()| Value::bytes(&out)))
}

fn total_float(state: &SumFloat8State) -> Out {
    Ok(state.total().transpose()?.map(Value::float8))
}

fn total_interval(state: &SumIntervalState) -> Out {
    Ok(state.total().transpose()?.map(|(months, days, micros)| Value::interval(months, days, micros)))
}
