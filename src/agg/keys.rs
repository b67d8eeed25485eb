//! `tally.key_hash`: one hash for the keys of a group, the same on every server and major.

use crate::pg::aggstate::cached;
use crate::pg::call::{Call, Out, Value};
use crate::pg::tuple::Tuple;
use crate::sql_function;

sql_function!("key", "_hash", |call: &Call| -> Out {
    if call.nargs() == 0 {
        return Ok(Some(Value::int8(0)));
    }
    let tuple = cached(call, || Tuple::of_keys(call))?;
    Ok(Some(Value::int8(tuple.key_hash(call))))
});
