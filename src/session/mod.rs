//! Sessions: a user's events with less than a gap between each and the next.

mod frame;
mod id;
mod sessionize;

use crate::pg::error::Fail;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;

/// Months, days and microseconds.
type Interval = (i32, i32, i64);

/// The interval if it can be a gap. Mixed signs cannot: whether `1 month -30 days` is positive depends on the month.
fn positive((months, days, micros): Interval) -> Option<Interval> {
    let none_negative = months >= 0 && days >= 0 && micros >= 0;
    (none_negative && (months > 0 || days > 0 || micros > 0)).then_some((months, days, micros))
}

#[cold]
fn not_positive() -> Fail {
    Fail::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, "session gap must be positive")
        .hint("The gap is the time without events that ends a session, such as '30 minutes'. No part of it may be negative.")
}
