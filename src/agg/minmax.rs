//! `min_*` and `max_*`: the state is the least or greatest value itself.

use crate::pg::aggstate::cached;
use crate::pg::call::{Call, Out, Value};
use crate::pg::fmgr::Comparer;
use crate::sql_function;
use core::cmp::Ordering;

sql_function!("min", "_trans", |c| keep(c, Ordering::Less));
sql_function!("max", "_trans", |c| keep(c, Ordering::Greater));

/// Of two values the first if it is `wanted` than the other, else the second, so the later of equal ones, as PostgreSQL's
/// min and max do it. NULL is no value.
fn keep(call: &Call, wanted: Ordering) -> Out {
    // Before the first value too, so that a type without an order is refused at once.
    let order = cached(call, || Comparer::of_argument(call, 1))?;
    let chosen = match (call.datum(0), call.datum(1)) {
        (Some(a), Some(b)) if order.compare(a, b) == wanted => Some(a),
        (a, b) => b.or(a),
    };
    Ok(chosen.map(Value::raw))
}
