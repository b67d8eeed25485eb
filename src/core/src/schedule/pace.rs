//! Spreading and backing off. Both come from the view's id, so that every process reckons the same.

use super::civil::{HOUR, MINUTE};
use super::decide::ViewId;
use crate::hash::hash64;

/// Starts are spread over this part of the period, and never over more than [`MOST_STAGGER`].
pub const STAGGER_PART: i64 = 20;
pub const MOST_STAGGER: i64 = MINUTE;

/// How long to wait after the first failure; doubled after each further one.
pub const FIRST_BACKOFF: i64 = 10_000_000;
pub const MOST_BACKOFF: i64 = HOUR;

/// How long after its tick a view starts.
pub fn stagger(id: ViewId, period: i64) -> i64 {
    below(id, 0, (period / STAGGER_PART).clamp(0, MOST_STAGGER))
}

/// How long after the end of its failed attempt number `failures` a view is tried again: 10, 20, 40 s …, at most the
/// period and at most an hour, less up to a quarter, so that what failed together is not tried again together.
pub fn backoff(id: ViewId, failures: u32, period: i64) -> i64 {
    let doubled = FIRST_BACKOFF.saturating_mul(1 << failures.saturating_sub(1).min(20));
    let delay = doubled.min(MOST_BACKOFF).min(period).max(1);
    delay - below(id, failures, delay / 4)
}

/// From 0 to `limit`, without it.
fn below(id: ViewId, salt: u32, limit: i64) -> i64 {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&id.to_le_bytes());
    bytes[4..].copy_from_slice(&salt.to_le_bytes());
    ((hash64(&bytes) as u128 * limit.max(0) as u128) >> 64) as i64
}
