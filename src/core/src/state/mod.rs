//! The aggregate states and the laws that they keep.

pub(crate) mod counts;
mod decimal;
mod float_sum;
mod interval_sum;
mod numeric_sum;
mod superacc;

pub use crate::quantile::Quantile;
pub use crate::top_k::TopK;
pub use crate::uniq::{Uniq, uniq_merge_bytes};
pub use float_sum::FloatSum;
pub use interval_sum::IntervalSum;
pub use numeric_sum::NumericSum;

use crate::error::Error;

/// The low nibble of a state's first byte.
pub mod kind {
    pub const UNIQ_TINY: u8 = 0;
    pub const UNIQ_SPARSE: u8 = 1;
    pub const UNIQ_DENSE: u8 = 2;
    pub const SUM: u8 = 4;
    pub const AVG: u8 = 5;
    pub const SUM_FLOAT8: u8 = 6;
    pub const AVG_FLOAT8: u8 = 7;
    pub const SUM_INTERVAL: u8 = 8;
    pub const AVG_INTERVAL: u8 = 9;
    pub const QUANTILE: u8 = 13;
    pub const TOP_K: u8 = 14;
}

pub type SumState = NumericSum<{ kind::SUM }>;
pub type AvgState = NumericSum<{ kind::AVG }>;
pub type SumFloat8State = FloatSum<{ kind::SUM_FLOAT8 }>;
pub type AvgFloat8State = FloatSum<{ kind::AVG_FLOAT8 }>;
pub type SumIntervalState = IntervalSum<{ kind::SUM_INTERVAL }>;
pub type AvgIntervalState = IntervalSum<{ kind::AVG_INTERVAL }>;

/// Laws: `merge` is associative and commutative with `empty()` as its identity; `encode` depends on the multiset of
/// rows only; `decode` accepts exactly what `encode` writes, and never panics.
pub trait State: Sized + Clone + PartialEq {
    fn empty() -> Self;
    /// Equals never having seen anything.
    fn is_empty(&self) -> bool;
    fn merge(&mut self, other: &Self) -> Result<(), Error>;
    /// Appends the state's bytes to `out`.
    fn encode(&self, out: &mut Vec<u8>);
    fn decode(bytes: &[u8]) -> Result<Self, Error>;
    /// The bytes that the state holds outside its own struct.
    fn heap_size(&self) -> usize;
}

/// States of a group, not only of a monoid: counts may be negative in between, and a state merged with its negative is empty.
pub trait Subtract: State {
    fn negate(&mut self);
}
