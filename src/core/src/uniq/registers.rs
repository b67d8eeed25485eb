//! The registers of a dense state in memory, and the hashes that are still to raise them.
//!
//! A row's hash is only put down. Many at once are applied: among thousands of groups each register is a cache miss, and those of independent
//! hashes are waited for together.

use std::borrow::Cow;

use super::{code, dense};
use crate::wide::widest;

/// So many hashes are put down before they are applied.
const PENDING: usize = 64;

#[derive(Clone, Debug)]
pub struct Registers {
    /// One byte each, without the pending hashes.
    values: Vec<u8>,
    pending: Vec<u64>,
}

impl Registers {
    pub fn of(values: Vec<u8>) -> Self {
        Self { values, pending: Vec::new() }
    }

    #[inline]
    pub fn insert_hash(&mut self, h: u64, p: u8) {
        if self.pending.len() == self.pending.capacity() {
            self.make_room(p);
        }
        self.pending.push(h);
    }

    #[cold]
    #[inline(never)]
    fn make_room(&mut self, p: u8) {
        self.apply(p);
        self.pending.reserve_exact(PENDING);
    }

    fn apply(&mut self, p: u8) {
        raise_hashes(&mut self.values, &self.pending, p);
        self.pending.clear();
    }

    /// To be raised; the order in which hashes and others raise them is all the same.
    pub fn raised(&mut self) -> &mut [u8] {
        &mut self.values
    }

    /// As they are with every hash applied.
    pub fn settled(&self, p: u8) -> Cow<'_, [u8]> {
        if self.pending.is_empty() {
            return Cow::Borrowed(&self.values);
        }
        let mut values = self.values.clone();
        raise_hashes(&mut values, &self.pending, p);
        Cow::Owned(values)
    }

    /// Brings them from the precision `from` to the lower one `to`.
    pub fn fold(&mut self, from: u8, to: u8) {
        self.apply(from);
        self.values = dense::fold(&self.values, from, to);
    }

    pub fn heap_size(&self) -> usize {
        self.values.capacity() + self.pending.capacity() * size_of::<u64>()
    }
}

fn raise_hashes(values: &mut [u8], hashes: &[u64], p: u8) {
    // No loop of vectors, but AVX2 comes with instructions for shifts and for leading zeros that the baseline lacks.
    widest(
        #[inline(always)]
        move || {
            for h in hashes {
                let (index, value) = code::register_of_hash(*h, p);
                dense::raise(values, index, value);
            }
        },
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pending_hashes_count_wherever_registers_are_read(
            hashes in proptest::collection::vec(any::<u64>(), 0..300),
            copied in any::<proptest::sample::Index>(),
            (from, to) in (10u8..=18).prop_flat_map(|from| (Just(from), 10..=from)),
        ) {
            let mut plain = vec![0; 1 << from];
            for h in &hashes {
                let (index, value) = code::register_of_hash(*h, from);
                dense::raise(&mut plain, index, value);
            }
            // A copy has no more room than it needs; it goes on all the same.
            let (first, rest) = hashes.split_at(copied.index(hashes.len() + 1));
            let mut registers = Registers::of(vec![0; 1 << from]);
            first.iter().for_each(|h| registers.insert_hash(*h, from));
            let mut copy = registers.clone();
            rest.iter().for_each(|h| copy.insert_hash(*h, from));
            prop_assert_eq!(&copy.settled(from)[..], &plain[..]);
            copy.fold(from, to);
            prop_assert_eq!(&copy.settled(to)[..], &dense::fold(&plain, from, to)[..]);
            prop_assert!(copy.heap_size() <= (1 << to) + 2 * PENDING * size_of::<u64>());
        }
    }
}
