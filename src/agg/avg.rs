//! `avg_state`, `avg_merge`, `avg_merge_state`: the sums of `sum`, divided at the end by PostgreSQL's own functions.

use super::common;
use super::sum::{add_float, add_int, add_interval, add_numeric};
use crate::pg::call::{Out, Value};
use crate::pg::fmgr::{interval_over_count, numeric_over_count};
use crate::{signed_state_functions, sql_function, state_functions};
use pg_tally_core::state::State;
use pg_tally_core::state::{AvgFloat8State, AvgIntervalState, AvgState};

state_functions!("avg", AvgState);
signed_state_functions!("avg", AvgState);
state_functions!("avg_float8", AvgFloat8State);
signed_state_functions!("avg_float8", AvgFloat8State);
state_functions!("avg_interval", AvgIntervalState);
signed_state_functions!("avg_interval", AvgIntervalState);

sql_function!("avg", "_trans_int2", |c| add_int(c, c.int2(1).map(i64::from), AvgState::empty));
sql_function!("avg", "_trans_int4", |c| add_int(c, c.int4(1).map(i64::from), AvgState::empty));
sql_function!("avg", "_trans_int8", |c| add_int(c, c.int8(1), AvgState::empty));
sql_function!("avg", "_trans_numeric", |c| add_numeric(c, AvgState::empty));
sql_function!("avg_float8", "_trans_float4", |c| add_float(
    c,
    c.float4(1).map(f64::from),
    AvgFloat8State::empty
));
sql_function!("avg_float8", "_trans_float8", |c| add_float(
    c,
    c.float8(1),
    AvgFloat8State::empty
));
sql_function!("avg_interval", "_trans", |c| add_interval(c, AvgIntervalState::empty));

sql_function!("avg", "_final", |c| common::finish(c, mean_numeric));
sql_function!("avg", "_finalize", |c| common::finalize(c, mean_numeric));
sql_function!("avg_float8", "_final", |c| common::finish(c, mean_float));
sql_function!("avg_float8", "_finalize", |c| common::finalize(c, mean_float));
sql_function!("avg_interval", "_final", |c| common::finish(c, mean_interval));
sql_function!("avg_interval", "_finalize", |c| common::finalize(c, mean_interval));

fn mean_numeric(state: &AvgState) -> Out {
    let mut out = Vec::with_capacity(64);
    Ok(state.total(&mut out).transpose()?.map(|()| numeric_over_count(&out, state.count())))
}

fn mean_float(state: &AvgFloat8State) -> Out {
    Ok(state.mean().transpose()?.map(Value::float8))
}

fn mean_interval(state: &AvgIntervalState) -> Out {
    Ok(state
        .total()
        .transpose()?
        .map(|(months, days, micros)| interval_over_count(months, days, micros, state.count())))
}
