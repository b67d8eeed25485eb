//! `var_state`, `var_merge_state` and the four final values: variance and standard deviation, of a population and of a sample.

use super::common;
use crate::pg::aggstate::{transition, unchanged};
use crate::pg::call::{Call, Out, Value};
use crate::{signed_state_functions, sql_function, state_functions};
use pg_tally_core::state::{Spread, State, VarFloat8State, VarState};

state_functions!("var", VarState);
signed_state_functions!("var", VarState);
state_functions!("var_float8", VarFloat8State);
signed_state_functions!("var_float8", VarFloat8State);

sql_function!("var", "_trans_int2", |c| add_int(c, c.int2(1).map(i64::from)));
sql_function!("var", "_trans_int4", |c| add_int(c, c.int4(1).map(i64::from)));
sql_function!("var", "_trans_int8", |c| add_int(c, c.int8(1)));
sql_function!("var", "_trans_numeric", add_numeric);
sql_function!("var_float8", "_trans_float4", |c| add_float(c, c.float4(1).map(f64::from)));
sql_function!("var_float8", "_trans_float8", |c| add_float(c, c.float8(1)));

/// A final value, of an aggregate over states and of one state.
macro_rules! finals {
    ($name:literal, $final:literal, $what:expr) => {
        sql_function!("var_", $name, |c| common::finalize(c, |s| numeric(s, $what)));
        sql_function!("var_float8_", $name, |c| common::finalize(c, |s| float(s, $what)));
        sql_function!("var_", $final, |c| common::finish(c, |s| numeric(s, $what)));
        sql_function!("var_float8_", $final, |c| common::finish(c, |s| float(s, $what)));
    };
}

finals!("var_pop", "var_pop_final", Spread::VarPop);
finals!("var_samp", "var_samp_final", Spread::VarSamp);
finals!("stddev_pop", "stddev_pop_final", Spread::StddevPop);
finals!("stddev_samp", "stddev_samp_final", Spread::StddevSamp);

#[inline]
fn add_int(call: &Call, value: Option<i64>) -> Out {
    let Some(value) = value else { return unchanged(call) };
    transition(
        call,
        || Ok(VarState::empty()),
        |state| {
            state.add_int(value, 1);
            Ok(())
        },
    )
}

#[inline]
fn add_numeric(call: &Call) -> Out {
    let Some(payload) = call.bytes(1) else { return unchanged(call) };
    transition(call, || Ok(VarState::empty()), |state| Ok(state.add_numeric(&payload, 1)?))
}

#[inline]
fn add_float(call: &Call, value: Option<f64>) -> Out {
    let Some(value) = value else { return unchanged(call) };
    transition(
        call,
        || Ok(VarFloat8State::empty()),
        |state| {
            state.add(value, 1);
            Ok(())
        },
    )
}

fn numeric(state: &VarState, what: Spread) -> Out {
    let mut out = Vec::with_capacity(64);
    Ok(state.spread(what, &mut out).transpose()?.map(|()| Value::bytes(&out)))
}

fn float(state: &VarFloat8State, what: Spread) -> Out {
    Ok(state.spread(what).transpose()?.map(Value::float8))
}
