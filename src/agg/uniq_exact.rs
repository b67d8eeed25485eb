//! `uniq_exact`: how many distinct values, by the set of their canonical bytes.

use super::common;
use crate::pg::aggstate::{cached, transition, unchanged};
use crate::pg::call::{Call, Out, Value};
use crate::pg::tuple::Tuple;
use crate::{sql_function, state_functions};
use pg_tally_core::state::{State, UniqExact, uniq_exact_difference_bytes, uniq_exact_merge_bytes};

state_functions!("uniq_exact", UniqExact);

sql_function!("uniq_exact", "_trans", insert);
sql_function!("uniq_exact", "_bytes_trans", insert_bytes);
sql_function!("uniq_exact", "_merge_trans", merge_trans);
sql_function!("uniq_exact", "_difference", difference);
sql_function!("uniq_exact", "_merge", merge);
sql_function!("uniq_exact", "_final", |c| common::finish(c, count));
sql_function!("uniq_exact", "_finalize", finalize);

/// Adds one row: all arguments. A row with a NULL among them is not counted.
#[inline]
fn insert(call: &Call) -> Out {
    let tuple = cached(call, || Tuple::of_distinct(call, 1, "uniq_exact"))?;
    match tuple.write_all(call) {
        None => unchanged(call),
        Some(bytes) => transition(call, || Ok(UniqExact::empty()), |state| Ok(state.insert(bytes)?)),
    }
}

fn insert_bytes(call: &Call) -> Out {
    let Some(bytes) = call.bytes(1) else { return unchanged(call) };
    transition(call, || Ok(UniqExact::empty()), |state| Ok(state.insert(&bytes)?))
}

fn difference(call: &Call) -> Out {
    match (call.bytes(0), call.bytes(1)) {
        (None, _) => Ok(None),
        (Some(all), None) => Ok(Some(Value::bytes(&all))),
        (Some(a), Some(b)) => Ok(Some(Value::bytes(&uniq_exact_difference_bytes(&a, &b)?))),
    }
}

fn merge_trans(call: &Call) -> Out {
    let Some(bytes) = call.bytes(1) else { return unchanged(call) };
    transition(call, || Ok(UniqExact::empty()), |state| Ok(state.merge_bytes(&bytes)?))
}

fn merge(call: &Call) -> Out {
    match (call.bytes(0), call.bytes(1)) {
        (None, None) => Ok(None),
        (Some(one), None) | (None, Some(one)) => Ok(Some(Value::bytes(&one))),
        (Some(a), Some(b)) => Ok(Some(Value::bytes(&uniq_exact_merge_bytes(&a, &b)?))),
    }
}

fn count(state: &UniqExact) -> Out {
    Ok(Some(Value::int8(state.count() as i64)))
}

fn finalize(call: &Call) -> Out {
    match call.bytes(0) {
        Some(bytes) => Ok(Some(Value::int8(UniqExact::count_bytes(&bytes)? as i64))),
        None => Ok(None),
    }
}
