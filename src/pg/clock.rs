//! Instants as PostgreSQL's clock gives them and as SQL has them.

use super::{encoding, sql};
use pg_tally_core::schedule::Instant;
use pgrx::pg_sys;

/// What the clock shows now, not when the transaction began.
pub fn now() -> Instant {
    // SAFETY: it only asks the operating system.
    Instant(unsafe { pg_sys::GetCurrentTimestamp() })
}

/// When the transaction began, as `now()` has it in SQL.
pub fn transaction_start() -> Instant {
    // SAFETY: it only reads a variable of the transaction's.
    Instant(unsafe { pg_sys::GetCurrentTransactionStartTimestamp() })
}

/// An instant as a quoted constant that means the same in every session.
pub fn literal(at: Instant) -> String {
    // SAFETY: a timestamptz is passed by value.
    let text = sql::pinned(|| unsafe { encoding::text(pg_sys::OidOutputFunctionCall(pg_sys::Oid::from_u32(pg_sys::F_TIMESTAMPTZ_OUT), at.0.into())) });
    format!("{}::pg_catalog.timestamptz", sql::literal(&text))
}
