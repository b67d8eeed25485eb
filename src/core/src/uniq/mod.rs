//! `uniq`: HyperLogLog++ by definition (Heule, Nunkesser, Hall 2013), with the estimator of Ertl (2017) and a format of our own.
//!
//! A state with n codes is sparse iff n <= m/4, where m = 2^p: what it is, and so its bytes, depends on the set of hashes only.
//! Merging different precisions folds down to the lower, which loses nothing that the lower would have kept. A state
//! without values has no say in that, so that it is the identity of merging.

mod code;
mod codec;
mod dense;
mod elias_fano;
mod estimate;
mod keys;
mod merge;
mod registers;
mod repeats;
mod table;

pub use merge::uniq_merge_bytes;

use crate::error::Error;
use crate::state::State;
use keys::Keys;
use registers::Registers;

pub const MIN_P: u8 = 10;
pub const MAX_P: u8 = 18;
pub const DEFAULT_P: u8 = 14;

#[derive(Clone, Debug)]
pub struct Uniq {
    p: u8,
    repr: Repr,
}

#[derive(Clone, Debug)]
enum Repr {
    Sparse(Keys),
    Dense(Registers),
}

/// The most codes that a sparse state of precision `p` holds.
fn sparse_limit(p: u8) -> usize {
    1 << (p - 2)
}

impl Uniq {
    /// `p` outside 10..=18 is brought to the nearer end; [`check_precision`] tells the user.
    pub fn new(p: u8) -> Self {
        Self { p: p.clamp(MIN_P, MAX_P), repr: Repr::Sparse(Keys::default()) }
    }

    pub fn p(&self) -> u8 {
        self.p
    }

    /// Without values again, of the same precision.
    pub fn clear(&mut self) {
        match &mut self.repr {
            Repr::Sparse(Keys::List(list)) if list.capacity() <= 64 => list.clear(),
            repr => *repr = Repr::Sparse(Keys::default()),
        }
    }

    #[inline]
    pub fn insert_hash(&mut self, h: u64) {
        match &mut self.repr {
            Repr::Dense(registers) => registers.insert_hash(h, self.p),
            Repr::Sparse(keys) => {
                let key = code::key_of_hash(h, self.p);
                if !keys.append(key) {
                    self.insert_key(key);
                }
            }
        }
    }

    fn insert_key(&mut self, key: u32) {
        match &mut self.repr {
            Repr::Dense(registers) => dense::raise_key(registers.raised(), key, self.p),
            Repr::Sparse(keys) => {
                let limit = sparse_limit(self.p);
                if keys.insert(key, limit) > limit {
                    self.make_dense();
                }
            }
        }
    }

    /// The number of distinct values, as HyperLogLog++ has it.
    pub fn estimate(&self) -> u64 {
        match &self.repr {
            Repr::Sparse(keys) => estimate::sparse(keys.count()),
            Repr::Dense(registers) => estimate::dense(&dense::histogram(&registers.settled(self.p)), self.p),
        }
    }

    /// The estimate of an encoded state, without building it.
    pub fn estimate_bytes(bytes: &[u8]) -> Result<u64, Error> {
        codec::estimate_bytes(bytes)
    }

    #[cold]
    fn make_dense(&mut self) -> &mut [u8] {
        if let Repr::Sparse(keys) = &self.repr {
            let mut registers = vec![0u8; 1 << self.p];
            keys.for_each(|key| dense::raise_key(&mut registers, key, self.p));
            self.repr = Repr::Dense(Registers::of(registers));
        }
        match &mut self.repr {
            Repr::Dense(registers) => registers.raised(),
            Repr::Sparse(_) => unreachable!("the state has just been made dense"),
        }
    }

    fn has_no_values(&self) -> bool {
        matches!(&self.repr, Repr::Sparse(keys) if keys.is_empty())
    }

    /// Lowers the precision to `p`; a higher one is left alone.
    fn fold_to(&mut self, p: u8) {
        if p >= self.p {
            return;
        }
        match &mut self.repr {
            Repr::Dense(registers) => registers.fold(self.p, p),
            Repr::Sparse(keys) => {
                let mut folded = Self::new(p);
                folded.expect_keys(keys.len());
                keys.for_each(|key| folded.insert_key(code::fold_key(key, p)));
                *self = folded;
            }
        }
        self.p = p;
    }
}

/// The error for a precision that the user asked for.
pub fn check_precision(p: i64) -> Result<u8, Error> {
    match u8::try_from(p) {
        Ok(p) if (MIN_P..=MAX_P).contains(&p) => Ok(p),
        _ => Err(Error::invalid(format!("precision {p} of uniq is out of range"))
            .with_detail(format!("The precision must be between {MIN_P} and {MAX_P}."))),
    }
}

impl PartialEq for Uniq {
    fn eq(&self, other: &Self) -> bool {
        self.p == other.p
            && match (&self.repr, &other.repr) {
                (Repr::Sparse(a), Repr::Sparse(b)) => a.sorted() == b.sorted(),
                (Repr::Dense(a), Repr::Dense(b)) => a.settled(self.p) == b.settled(self.p),
                _ => false,
            }
    }
}

impl State for Uniq {
    fn empty() -> Self {
        Self::new(DEFAULT_P)
    }

    fn is_empty(&self) -> bool {
        self.has_no_values()
    }

    fn merge(&mut self, other: &Self) -> Result<(), Error> {
        self.merge_state(other);
        Ok(())
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match &self.repr {
            Repr::Sparse(keys) => codec::encode_sparse(&keys.sorted(), self.p, out),
            Repr::Dense(registers) => codec::encode_dense(&registers.settled(self.p), self.p, out),
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let view = codec::parse(bytes)?;
        view.check()?;
        let mut state = Self::new(view.p);
        state.merge_view(&view)?;
        Ok(state)
    }

    fn heap_size(&self) -> usize {
        match &self.repr {
            Repr::Sparse(keys) => keys.heap_size(),
            Repr::Dense(registers) => registers.heap_size(),
        }
    }
}
