//! Counts of rows that a stored state may carry.

use crate::codec::Reader;
use crate::error::Error;

/// Stored and merged counts keep within 2^62 in magnitude, so that adding single rows never needs a check: it would take
/// 2^62 rows to leave i64.
pub const LIMIT: i64 = 1 << 62;

#[inline]
pub fn merge(a: i64, b: i64) -> Result<i64, Error> {
    merged(a, b).ok_or_else(|| Error::out_of_range("row count of a state out of range"))
}

#[inline]
pub fn merged(a: i64, b: i64) -> Option<i64> {
    a.checked_add(b).filter(|sum| (-LIMIT..=LIMIT).contains(sum))
}

#[inline]
pub fn read(reader: &mut Reader<'_>) -> Result<i64, Error> {
    let count = reader.zigzag()?;
    if (-LIMIT..=LIMIT).contains(&count) { Ok(count) } else { Err(reader.corrupt("A row count is out of range.")) }
}
