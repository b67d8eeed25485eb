//! Merging, of states in memory and of bytes.

use super::codec::{self, Body, View};
use super::{Repr, Uniq, code, dense, sparse_limit};
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
                self.settle();
            }
            Repr::Dense(registers) if p < other.p => {
                let folded = dense::fold(registers, other.p, p);
                dense::raise_all(self.make_dense(), &folded);
            }
            Repr::Dense(registers) => dense::raise_all(self.make_dense(), registers),
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
                self.expect_keys(sparse.len());
                match &mut self.repr {
                    Repr::Dense(registers) if !fold => {
                        let mut rare = Vec::new();
                        sparse.keys(p, |key| rare.push(key), |index| dense::raise_index(registers, index, p))?;
                        rare.into_iter().for_each(|key| dense::raise_key(registers, key, p));
                    }
                    _ => sparse.sorted(view.p)?.into_iter().for_each(|key| self.add_key(key, fold)),
                }
            }
            Body::Dense(encoded) if fold => {
                let mut registers = vec![0; 1 << view.p];
                encoded.raise(view.p, &mut registers)?;
                let folded = dense::fold(&registers, view.p, p);
                dense::raise_all(self.make_dense(), &folded);
            }
            Body::Dense(encoded) => encoded.raise(p, self.make_dense())?,
        }
        self.settle();
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

    fn expect_keys(&mut self, n: usize) {
        if let Repr::Sparse(keys) = &mut self.repr {
            let limit = sparse_limit(self.p);
            keys.reserve(n.min(limit + 1), limit);
        }
    }

    fn add_key(&mut self, key: u32, fold: bool) {
        let key = if fold { code::fold_key(key, self.p) } else { key };
        match &mut self.repr {
            Repr::Dense(registers) => dense::raise_key(registers, key, self.p),
            Repr::Sparse(keys) => {
                let limit = sparse_limit(self.p);
                if keys.insert(key, limit) > limit {
                    self.make_dense();
                }
            }
        }
    }
}

/// The bytes of the union of two encoded states.
pub fn uniq_merge_bytes(a: &[u8], b: &[u8]) -> Result<Vec<u8>, Error> {
    let (a, b) = (codec::parse(a)?, codec::parse(b)?);
    let mut out = Vec::new();
    if a.p == b.p
        && let (Some(left), Some(right)) = (sorted_keys(&a)?, sorted_keys(&b)?)
    {
        let keys = union(&left, &right);
        if keys.len() <= sparse_limit(a.p) {
            codec::encode_sparse(&keys, a.p, &mut out);
            return Ok(out);
        }
    }
    let mut state = Uniq::new(a.p);
    state.merge_view(&a)?;
    state.merge_view(&b)?;
    state.encode(&mut out);
    Ok(out)
}

/// None for a dense state.
fn sorted_keys(view: &View<'_>) -> Result<Option<Vec<u32>>, Error> {
    let mut keys = Vec::new();
    match view.body {
        Body::Tiny(codes) => {
            keys.reserve(8);
            codec::tiny_keys(codes, view.p, |key| keys.push(key))?;
            keys.sort_unstable();
        }
        Body::Sparse(sparse) => keys = sparse.sorted(view.p)?,
        Body::Dense(_) => return Ok(None),
    }
    Ok(Some(keys))
}

/// The union of two ascending lists of keys, each index once, with the larger rho.
fn union(a: &[u32], b: &[u32]) -> Vec<u32> {
    let mut keys = vec![0; a.len() + b.len()];
    let (mut i, mut j, mut n) = (0, 0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        // Which is less has no pattern: steps are added, not branched to. Of one index the greater rho is the greater key.
        let (left, right) = (x >> 7 <= y >> 7, y >> 7 <= x >> 7);
        keys[n] = if left & right { *x.max(y) } else { *x.min(y) };
        (i, j, n) = (i + left as usize, j + right as usize, n + 1);
    }
    keys.truncate(n);
    keys.extend_from_slice(&a[i..]);
    keys.extend_from_slice(&b[j..]);
    keys
}
