//! The aggregate states and the laws that they keep.

mod arg;
pub(crate) mod counts;
mod decimal;
mod float_sum;
mod interval_sum;
mod numeric_sum;
mod float_var;
mod numeric_var;
mod septets;
mod short;
#[cfg(test)]
mod short_way;
mod specials;
mod superacc;

pub use crate::exact::{UniqExact, uniq_exact_difference_bytes, uniq_exact_merge_bytes};
pub use crate::quantile::Quantile;
pub use crate::top_k::TopK;
pub use crate::uniq::{Uniq, uniq_merge_bytes};
pub use arg::{Arg, End, FIRST_UNSTABLE_OID, Name, Types};
pub use float_sum::FloatSum;
pub use float_var::VarFloat8State;
pub use interval_sum::IntervalSum;
pub use numeric_sum::NumericSum;
pub use numeric_var::VarState;

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
    pub const VAR: u8 = 10;
    pub const VAR_FLOAT8: u8 = 11;
    pub const UNIQ_EXACT: u8 = 12;
    pub const QUANTILE: u8 = 13;
    pub const TOP_K: u8 = 14;
    pub const ARG: u8 = 15;
}

pub type SumState = NumericSum<{ kind::SUM }>;
pub type AvgState = NumericSum<{ kind::AVG }>;
pub type SumFloat8State = FloatSum<{ kind::SUM_FLOAT8 }>;
pub type AvgFloat8State = FloatSum<{ kind::AVG_FLOAT8 }>;
pub type SumIntervalState = IntervalSum<{ kind::SUM_INTERVAL }>;
pub type AvgIntervalState = IntervalSum<{ kind::AVG_INTERVAL }>;

/// The four final values of a variance: of all there is or of a sample, and its square root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spread {
    VarPop,
    VarSamp,
    StddevPop,
    StddevSamp,
}

impl Spread {
    /// The rows that it takes to have one.
    fn least_rows(self) -> i64 {
        if self.is_sample() { 2 } else { 1 }
    }

    fn is_sample(self) -> bool {
        matches!(self, Self::VarSamp | Self::StddevSamp)
    }

    fn is_root(self) -> bool {
        matches!(self, Self::StddevPop | Self::StddevSamp)
    }

    /// What the sum of squared deviations times n is divided by.
    fn divisor(self, n: i64) -> u128 {
        let n = n.unsigned_abs() as u128;
        if self.is_sample() { n * (n - 1) } else { n * n }
    }
}

/// Laws: `merge` is associative and commutative with `empty()` as its identity; `encode` depends on the multiset of
/// rows only; `decode` accepts exactly what `encode` writes, and never panics.
pub trait State: Sized + Clone + PartialEq {
    fn empty() -> Self;
    /// Equals never having seen anything.
    fn is_empty(&self) -> bool;
    fn merge(&mut self, other: &Self) -> Result<(), Error>;

    /// Merges an encoded state. After an error the state is of no use.
    fn merge_bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.merge(&Self::decode(bytes)?)
    }

    /// As [`Self::merge_bytes`], where that takes neither memory nor an error and so needs no guard against them: never panics.
    /// false: nothing has been merged.
    #[inline(always)]
    fn merge_in_place(&mut self, _bytes: &[u8]) -> bool {
        false
    }

    /// Appends the state's bytes to `out`.
    fn encode(&self, out: &mut Vec<u8>);
    /// As `encode`, of states that may be too large for the memory or for a value.
    fn try_encode(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        self.encode(out);
        Ok(())
    }
    fn decode(bytes: &[u8]) -> Result<Self, Error>;
    /// The bytes that the state holds outside its own struct.
    fn heap_size(&self) -> usize;
}

/// States of a group, not only of a monoid: counts may be negative in between, and a state merged with its negative is empty.
pub trait Subtract: State {
    fn negate(&mut self);
}
