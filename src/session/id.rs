//! `session_id`: a uuid that a session has wherever and whenever it is computed, as long as its first event is the same.

use crate::pg::aggstate::cached;
use crate::pg::call::{Call, Out, Value};
use crate::pg::error::Fail;
use crate::pg::tuple::Tuple;
use crate::pg::value;
use crate::sql_function;
use pg_tally_core::hash::uuid8;
use pgrx::pg_sys::Datum;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;

sql_function!("session", "_id_range", |call| id(call, value::first_of_range));
sql_function!("session", "_id_start", |call| id(call, Some));

fn id(call: &Call, start: fn(Datum) -> Option<Datum>) -> Out {
    // Both functions are STRICT.
    let Some(session) = call.datum(1) else { return Ok(None) };
    let finite = |start: &Datum| !matches!(start.value() as i64, i64::MIN | i64::MAX);
    let start = start(session).filter(finite).ok_or_else(|| {
        Fail::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, "session must begin at a finite time")
            .hint("The range of a session is [first event, last event + gap).")
    })?;
    let tuple = cached(call, || Tuple::of_key_and_time(call))?;
    Ok(Some(Value::uuid(&uuid8(tuple.write_key_and_time(call, start)))))
}
