//! PostgreSQL's own functions that finals are finished with, so that results are PostgreSQL's to the digit.

use crate::pg::call::{Call, Value};
use crate::pg::error::Fail;
use core::cmp::Ordering;
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;

const NO_COLLATION: pg_sys::Oid = pg_sys::InvalidOid;

/// `numeric / count`, as PostgreSQL's avg does it. `total` is the payload of a numeric.
pub fn numeric_over_count(total: &[u8], count: i64) -> Value {
    unsafe {
        let count = pg_sys::Datum::from(pg_sys::int64_to_numeric(count));
        Value::raw(pg_sys::OidFunctionCall2Coll(
            pg_sys::Oid::from_u32(pg_sys::F_NUMERIC_DIV),
            NO_COLLATION,
            Value::bytes(total).datum(),
            count,
        ))
    }
}

/// `interval / count`, as PostgreSQL's avg does it.
pub fn interval_over_count(months: i32, days: i32, micros: i64, count: i64) -> Value {
    unsafe {
        Value::raw(pg_sys::OidFunctionCall2Coll(
            pg_sys::Oid::from_u32(pg_sys::F_INTERVAL_DIV),
            NO_COLLATION,
            Value::interval(months, days, micros).datum(),
            Value::float8(count as f64).datum(),
        ))
    }
}

/// `timestamptz + interval`, in the session's time zone.
pub fn timestamptz_plus_interval(time: i64, months: i32, days: i32, micros: i64) -> i64 {
    plus_interval(pg_sys::F_TIMESTAMPTZ_PL_INTERVAL, time, months, days, micros)
}

/// `timestamp + interval`.
pub fn timestamp_plus_interval(time: i64, months: i32, days: i32, micros: i64) -> i64 {
    plus_interval(pg_sys::F_TIMESTAMP_PL_INTERVAL, time, months, days, micros)
}

fn plus_interval(function: u32, time: i64, months: i32, days: i32, micros: i64) -> i64 {
    let mut interval = pg_sys::Interval { time: micros, day: days, month: months };
    unsafe {
        pg_sys::OidFunctionCall2Coll(
            pg_sys::Oid::from_u32(function),
            NO_COLLATION,
            pg_sys::Datum::from(time),
            pg_sys::Datum::from(&raw mut interval),
        )
        .value() as i64
    }
}

/// (months, days, microseconds) of an interval's text; an ERROR if it is none.
pub fn interval_from_text(text: &str) -> (i32, i32, i64) {
    let text = super::encoding::c(text);
    unsafe {
        let datum = pg_sys::OidInputFunctionCall(pg_sys::Oid::from_u32(pg_sys::F_INTERVAL_IN), text.as_ptr().cast_mut(), pg_sys::INTERVALOID, -1);
        let v = datum.cast_mut_ptr::<pg_sys::Interval>().read_unaligned();
        (v.month, v.day, v.time)
    }
}

/// The order of two numerics, given by their payloads.
pub fn numeric_order(a: &[u8], b: &[u8]) -> Ordering {
    order_of_numerics(Value::bytes(a).datum(), Value::bytes(b).datum())
}

/// `time >= previous + gap`, of the payloads of numerics.
pub fn numeric_reaches(time: &[u8], previous: &[u8], gap: &[u8]) -> bool {
    let end = unsafe {
        pg_sys::OidFunctionCall2Coll(
            pg_sys::Oid::from_u32(pg_sys::F_NUMERIC_ADD),
            NO_COLLATION,
            Value::bytes(previous).datum(),
            Value::bytes(gap).datum(),
        )
    };
    order_of_numerics(Value::bytes(time).datum(), end).is_ge()
}

fn order_of_numerics(a: pg_sys::Datum, b: pg_sys::Datum) -> Ordering {
    let order = unsafe { pg_sys::OidFunctionCall2Coll(pg_sys::Oid::from_u32(pg_sys::F_NUMERIC_CMP), NO_COLLATION, a, b) };
    (order.value() as i32).cmp(&0)
}

/// The order of a type's values: its default btree comparison, without a call for the commonest types.
pub enum Comparer {
    Int2,
    Int4,
    Int8,
    Float8,
    Function { function: *mut pg_sys::FmgrInfo, collation: pg_sys::Oid },
}

impl Comparer {
    /// For the type of argument `i` of this call.
    pub fn of_argument(call: &Call, i: usize) -> Result<Self, Fail> {
        let type_oid = call.arg_type(i)?;
        Comparer::of_type(type_oid, call.collation()).ok_or_else(|| {
            Fail::new(
                PgSqlErrorCode::ERRCODE_UNDEFINED_FUNCTION,
                format!("could not identify a comparison function for type {}", type_name(type_oid)),
            )
        })
    }

    /// None if the type has no default order.
    pub fn of_type(type_oid: pg_sys::Oid, collation: pg_sys::Oid) -> Option<Self> {
        Some(match type_oid {
            pg_sys::INT2OID => Comparer::Int2,
            pg_sys::INT4OID | pg_sys::DATEOID => Comparer::Int4,
            pg_sys::INT8OID | pg_sys::TIMESTAMPOID | pg_sys::TIMESTAMPTZOID | pg_sys::TIMEOID => {
                Comparer::Int8
            }
            pg_sys::FLOAT8OID => Comparer::Float8,
            _ => {
                let entry = unsafe {
                    pg_sys::lookup_type_cache(type_oid, pg_sys::TYPECACHE_CMP_PROC_FINFO as i32)
                };
                let function = unsafe { &raw mut (*entry).cmp_proc_finfo };
                if unsafe { (*function).fn_oid } == pg_sys::InvalidOid {
                    return None;
                }
                Comparer::Function { function, collation }
            }
        })
    }

    /// Compares two non-NULL values of the type that this was made for.
    pub fn compare(&self, a: pg_sys::Datum, b: pg_sys::Datum) -> Ordering {
        match self {
            Comparer::Int2 => (a.value() as i16).cmp(&(b.value() as i16)),
            Comparer::Int4 => (a.value() as i32).cmp(&(b.value() as i32)),
            Comparer::Int8 => (a.value() as i64).cmp(&(b.value() as i64)),
            Comparer::Float8 => {
                let (a, b) = (f64::from_bits(a.value() as u64), f64::from_bits(b.value() as u64));
                // NaN is the largest value, and equal to itself.
                a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
            }
            Comparer::Function { function, collation } => {
                let order = unsafe { pg_sys::FunctionCall2Coll(*function, *collation, a, b) };
                (order.value() as i32).cmp(&0)
            }
        }
    }
}

/// The name of a type as users write it.
pub fn type_name(oid: pg_sys::Oid) -> String {
    unsafe {
        let name = pg_sys::format_type_be(oid);
        let text = super::encoding::text(name);
        pg_sys::pfree(name.cast());
        text
    }
}

/// From PostgreSQL 17 on the extreme intervals are infinities.
pub const INTERVALS_HAVE_INFINITIES: bool = cfg!(any(feature = "pg17", feature = "pg18"));
