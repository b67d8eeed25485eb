//! `uniq`: how many distinct values, by HyperLogLog++ over the values' canonical bytes.

use super::common;
use crate::pg::aggstate::{cached, transition, unchanged};
use crate::pg::call::{Call, Out, Value};
use crate::pg::tuple::Tuple;
use crate::pg::error::Fail;
use crate::{sql_function, state_functions};
use pg_tally_core::state::{State, Uniq, uniq_merge_bytes};
use pgrx::pg_sys::errcodes::PgSqlErrorCode;

const DEFAULT_PRECISION: u8 = 14;

state_functions!("uniq", Uniq);

sql_function!("uniq", "_trans", |c| insert(c, 1, |_| Ok(DEFAULT_PRECISION)));
sql_function!("uniq", "_p_trans", |c| insert(c, 2, precision));
sql_function!("uniq", "_merge_trans", merge_trans);
sql_function!("uniq", "_merge", merge);
sql_function!("uniq", "_final", |c| common::finish(c, estimate));
sql_function!("uniq", "_finalize", finalize);

/// Adds one row: the arguments from `first` on. A row with a NULL among them is not counted.
#[inline]
fn insert(call: &Call, first: usize, precision: fn(&Call) -> Result<u8, Fail>) -> Out {
    let tuple = cached(call, || Tuple::of_distinct(call, first, "uniq"))?;
    let Some(hash) = tuple.hash_all(call) else { return unchanged(call) };
    transition(
        call,
        || Ok(Uniq::new(precision(call)?)),
        |state| {
            if first > 1 && precision(call)? != state.p() {
                return Err(Fail::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, "the precision of uniq must be the same for all rows of a group"));
            }
            state.insert_hash(hash);
            Ok(())
        },
    )
}

fn precision(call: &Call) -> Result<u8, Fail> {
    match call.int4(1) {
        Some(p @ 10..=18) => Ok(p as u8),
        other => Err(Fail::new(
            PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            match other {
                Some(p) => format!("uniq precision {p} is out of range"),
                None => "uniq precision must not be NULL".to_string(),
            },
        )
        .detail("The precision is the number of registers as a power of two, from 10 to 18.")
        .hint("14 (8 kB at most, 0.8 % error) is what uniq(x) uses; 16 halves the error for four times the size.")),
    }
}

fn merge_trans(call: &Call) -> Out {
    let Some(bytes) = call.bytes(1) else { return unchanged(call) };
    // The first state is taken as it is, for its precision.
    if call.datum(0).is_none() {
        return transition(call, || Ok(Uniq::decode(&bytes)?), |_| Ok(()));
    }
    transition(call, || Ok(Uniq::empty()), |state| Ok(state.merge_bytes(&bytes)?))
}

fn merge(call: &Call) -> Out {
    match (call.bytes(0), call.bytes(1)) {
        (None, None) => Ok(None),
        (Some(one), None) | (None, Some(one)) => Ok(Some(Value::bytes(&one))),
        (Some(a), Some(b)) => Ok(Some(Value::bytes(&uniq_merge_bytes(&a, &b)?))),
    }
}

fn estimate(state: &Uniq) -> Out {
    Ok(Some(to_bigint(state.estimate())))
}

fn finalize(call: &Call) -> Out {
    match call.bytes(0) {
        Some(bytes) => Ok(Some(to_bigint(Uniq::estimate_bytes(&bytes)?))),
        None => Ok(None),
    }
}

fn to_bigint(estimate: u64) -> Value {
    Value::int8(i64::try_from(estimate).unwrap_or(i64::MAX))
}
