//! Merging, of states in memory and of bytes.

use super::codec::{self, Body, View};
use super::registers::Registers;
use super::{Repr, Uniq, code, dense, keys, sparse_limit};
use crate::error::Error;
use crate::state::State;

impl Uniq {
    pub(super) fn merge_state(&mut self, other: &Self) {
        let Some(p) = self.meet(other.p, other.has_no_values()) else {
            return;
        };
        match &other.repr {
            Repr::Sparse(keys) => {
                self.expect_keys(keys.len());
                keys.for_each(|key| self.add_key(key, p < other.p));
            }
            Repr::Dense(registers) if p < other.p => {
                let folded = dense::fold(&registers.settled(other.p), other.p, p);
                dense::raise_all(self.make_dense(), &folded);
            }
            Repr::Dense(registers) => dense::raise_all(self.make_dense(), &registers.settled(p)),
        }
    }

    /// Folds an encoded state in, without building it. The bytes are those of a stored state, which `decode` has once accepted: of a dense
    /// state that was damaged since, not all is noticed, but nothing leads to a panic or an invalid state. After an error `self` is
    /// a valid state, but of no meaning.
    pub fn merge_bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.merge_view(&codec::parse(bytes)?)
    }

    pub(super) fn merge_view(&mut self, view: &View<'_>) -> Result<(), Error> {
        let Some(p) = self.meet(view.p, view.has_no_values()) else {
            return Ok(());
        };
        let fold = p < view.p;
        match view.body {
            Body::Tiny(codes) => codec::tiny_keys(codes, view.p, |key| self.add_key(key, fold))?,
            Body::Sparse(sparse) => {
                let read = |keys: &mut Vec<u32>| {
                    let start = keys.len();
                    sparse.append_keys(view.p, keys)?;
                    if fold {
                        keys[start..].iter_mut().for_each(|key| *key = code::fold_key(*key, p));
                    }
                    Ok(())
                };
                match &mut self.repr {
                    Repr::Dense(registers) if !fold => sparse.raise(p, registers.raised())?,
                    Repr::Dense(registers) => {
                        let mut keys = Vec::with_capacity(sparse.len());
                        read(&mut keys)?;
                        keys.into_iter().for_each(|key| dense::raise_key(registers.raised(), key, p));
                    }
                    Repr::Sparse(keys) => {
                        let limit = sparse_limit(p);
                        if keys.extend(sparse.len(), limit, read)? > limit {
                            self.make_dense();
                        }
                    }
                }
            }
            Body::Dense(encoded) if fold => {
                let folded = dense::fold(&encoded.registers(view.p)?, view.p, p);
                dense::raise_all(self.make_dense(), &folded);
            }
            Body::Dense(encoded) if self.has_no_values() => self.repr = Repr::Dense(Registers::of(encoded.registers(p)?)),
            Body::Dense(encoded) => encoded.raise(p, self.make_dense())?,
        }
        Ok(())
    }

    /// Settles on the precision of a union with a state of precision `p`: the lower of those that have values.
    /// None if there is nothing to merge.
    fn meet(&mut self, p: u8, other_is_empty: bool) -> Option<u8> {
        match (self.has_no_values(), other_is_empty) {
            (true, true) => {
                self.p = self.p.min(p);
                None
            }
            (false, true) => None,
            (true, false) => {
                self.p = p;
                Some(p)
            }
            (false, false) => {
                self.fold_to(p);
                Some(self.p)
            }
        }
    }

    pub(super) fn expect_keys(&mut self, n: usize) {
        if let Repr::Sparse(keys) = &mut self.repr {
            let limit = sparse_limit(self.p);
            keys.reserve(n.min(limit + 1), limit);
        }
    }

    fn add_key(&mut self, key: u32, fold: bool) {
        self.insert_key(if fold { code::fold_key(key, self.p) } else { key });
    }
}

/// The bytes of the union of two encoded states.
pub fn uniq_merge_bytes(a: &[u8], b: &[u8]) -> Result<Vec<u8>, Error> {
    let (a, b) = (codec::parse(a)?, codec::parse(b)?);
    let mut out = Vec::new();
    if a.p == b.p
        && let (Some(most_a), Some(most_b)) = (a.codes(), b.codes())
    {
        // Both lists and their union in one piece of memory: small states cost little else.
        let (mut rare, mut common) = (Vec::new(), Vec::with_capacity((most_a + most_b) * 2));
        a.read_keys(&mut rare, &mut common)?;
        let middle = common.len();
        b.read_keys(&mut rare, &mut common)?;
        let end = common.len();
        common.resize(end * 2, 0);
        let (lists, both) = common.split_at_mut(end);
        let n = union(&lists[..middle], &lists[middle..], both);
        keys::distinct(&mut rare);
        if rare.len() + n <= sparse_limit(a.p) {
            codec::encode_keys(&rare, &both[..n], a.p, &mut out);
            return Ok(out);
        }
    }
    let mut state = Uniq::new(a.p);
    state.merge_view(&a)?;
    state.merge_view(&b)?;
    state.encode(&mut out);
    Ok(out)
}

/// Puts the union of two ascending lists of keys that are not rare where there is room for all of them; says how many there are.
fn union(a: &[u32], b: &[u32], both: &mut [u32]) -> usize {
    // Behind all keys.
    const END: u32 = u32::MAX;
    let at = |list: &[u32], at: usize| list.get(at).copied().unwrap_or(END);
    let (room, mut x, mut y, mut i, mut j) = (both.len(), at(a, 0), at(b, 0), 1, 1);
    let mut places = both.iter_mut();
    while x != END || y != END {
        // What may come next is read before it is known which it is. That has no pattern: steps are added, not branched to.
        let (after_x, after_y) = (at(a, i), at(b, j));
        let (left, right) = (x <= y, y <= x);
        let Some(place) = places.next() else { break };
        *place = x.min(y);
        (x, y) = (if left { after_x } else { x }, if right { after_y } else { y });
        (i, j) = (i + left as usize, j + right as usize);
    }
    room - places.len()
}
