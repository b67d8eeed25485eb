//! Canonical bytes and their hashes for the SQL behind views: of a group's keys, and of values that are counted.

use crate::pg::aggstate::cached;
use crate::pg::call::{Call, Out, Value};
use crate::pg::tuple::Tuple;
use crate::sql_function;
use pg_tally_core::hash::hash64;

sql_function!("key", "_hash", |call: &Call| -> Out {
    if call.nargs() == 0 {
        return Ok(Some(Value::int8(0)));
    }
    let tuple = cached(call, || Tuple::of_keys(call))?;
    Ok(Some(Value::int8(tuple.key_hash(call))))
});

sql_function!("value", "_bytes", |call: &Call| -> Out {
    let tuple = cached(call, || Tuple::of_distinct(call, 0, "uniq"))?;
    Ok(tuple.write_all(call).map(Value::bytes))
});

sql_function!("value", "_hash", |call: &Call| -> Out { Ok(call.bytes(0).map(|bytes| Value::int8(hash64(&bytes) as i64))) });
