//! The set of the values of eight bytes in memory.

use hashbrown::HashTable;

use super::seed;
use crate::error::Error;
use crate::memory;

#[derive(Clone, Debug, Default)]
pub struct Words(HashTable<u64>);

/// Half of the 128-bit product folded onto the other: all bits of the word reach all bits of the hash.
#[inline]
fn hash(word: u64) -> u64 {
    let product = (word ^ seed()) as u128 * 0x9e37_79b9_7f4a_7c15_u128;
    product as u64 ^ (product >> 64) as u64
}

impl Words {
    #[inline]
    pub fn insert(&mut self, word: u64) -> Result<(), Error> {
        if self.0.len() == self.0.capacity() {
            if self.contains(word) {
                return Ok(());
            }
            self.reserve(1)?;
        }
        self.0.entry(hash(word), |known| *known == word, |known| hash(*known)).or_insert(word);
        Ok(())
    }

    pub fn reserve(&mut self, more: usize) -> Result<(), Error> {
        memory::refusable(|| self.0.try_reserve(more, |word| hash(*word)))
    }

    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        if self.len() == 0 {
            self.reserve(other.len())?;
        }
        other.iter().try_for_each(|word| self.insert(word))
    }

    pub fn contains(&self, word: u64) -> bool {
        self.0.find(hash(word), |known| *known == word).is_some()
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// In no particular order.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.iter().copied()
    }

    pub fn sorted(&self) -> Result<Vec<u64>, Error> {
        let mut words = Vec::new();
        memory::reserve_exact(&mut words, self.len())?;
        words.extend(self.iter());
        words.sort_unstable();
        Ok(words)
    }

    pub fn heap_size(&self) -> usize {
        self.0.allocation_size()
    }
}
