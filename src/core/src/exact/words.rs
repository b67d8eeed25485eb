//! The set of the values of eight bytes in memory: a hash table with linear probing.

use std::hint::black_box;

use super::seed;
use crate::error::Error;
use crate::memory;

/// What an empty slot holds; whether the word 0 itself is in the set is kept apart.
const EMPTY: u64 = 0;
const FIRST_SLOTS: usize = 8;
/// From this size on a table outgrows the caches, and words are put in many at once.
const LARGE: usize = 1 << 15;
const WAITING: usize = 64;

#[derive(Clone, Debug, Default)]
pub struct Words {
    /// A power of two of slots, or none.
    slots: Vec<u64>,
    /// The slots that are not empty.
    filled: usize,
    has_zero: bool,
    /// Words that may be in the table or not, fewer than `WAITING`; a small table has none.
    waiting: Vec<u64>,
}

/// Half of the 128-bit product folded onto the other: all bits of the word reach all bits of the hash.
#[inline]
fn hash(word: u64, seed: u64) -> usize {
    let product = (word ^ seed) as u128 * 0x9e37_79b9_7f4a_7c15_u128;
    (product as u64 ^ (product >> 64) as u64) as usize
}

/// The most words before a table of so many slots grows.
fn room(slots: usize) -> usize {
    slots / 8 * 5
}

impl Words {
    #[inline]
    pub fn insert(&mut self, word: u64) -> Result<(), Error> {
        if self.slots.len() >= LARGE {
            // Within the capacity that the table's growing gave it.
            self.waiting.push(word);
            return if self.waiting.len() == WAITING { self.settle() } else { Ok(()) };
        }
        if self.filled >= room(self.slots.len()) {
            self.grow(1)?;
        }
        self.put(word, seed());
        Ok(())
    }

    /// There is room.
    #[inline]
    fn put(&mut self, word: u64, seed: u64) {
        self.has_zero |= word == EMPTY;
        let mask = self.slots.len() - 1;
        let mut at = hash(word, seed) & mask;
        while self.slots[at] != word {
            if self.slots[at] == EMPTY {
                self.slots[at] = word;
                self.filled += 1;
                return;
            }
            at = (at + 1) & mask;
        }
    }

    #[cold]
    fn grow(&mut self, more: usize) -> Result<(), Error> {
        let slots = ((self.filled + more) * 8 / 5 + 1).next_power_of_two().max(FIRST_SLOTS);
        if slots >= LARGE {
            let free = WAITING - self.waiting.len();
            memory::reserve_exact(&mut self.waiting, free)?;
        }
        let mut grown = Vec::new();
        memory::reserve_exact(&mut grown, slots)?;
        grown.resize(slots, EMPTY);
        let (words, seed) = (std::mem::replace(&mut self.slots, grown), seed());
        self.filled = 0;
        words.into_iter().filter(|word| *word != EMPTY).for_each(|word| self.put(word, seed));
        Ok(())
    }

    /// Puts the waiting words into the table. Their homes are read first, one not waiting for the other: they are seldom in a cache.
    #[inline(never)]
    fn settle(&mut self) -> Result<(), Error> {
        if self.filled + self.waiting.len() > room(self.slots.len()) {
            self.grow(self.waiting.len())?;
        }
        let (seed, mask) = (seed(), self.slots.len() - 1);
        black_box(self.waiting.iter().fold(0, |seen, word| seen ^ self.slots[hash(*word, seed) & mask]));
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.drain(..).for_each(|word| self.put(word, seed));
        self.waiting = waiting;
        Ok(())
    }

    pub fn reserve(&mut self, more: usize) -> Result<(), Error> {
        let more = more + self.waiting.len();
        if self.filled + more > room(self.slots.len()) { self.grow(more) } else { Ok(()) }
    }

    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        // Words that come in the order of their hashes would pile up in a table that is smaller than where they come from.
        self.reserve(other.filled)?;
        other.iter().try_for_each(|word| self.insert(word))
    }

    pub fn contains(&self, word: u64) -> bool {
        self.is_placed(word) || self.waiting.contains(&word)
    }

    fn is_placed(&self, word: u64) -> bool {
        if word == EMPTY || self.slots.is_empty() {
            return self.has_zero && word == EMPTY;
        }
        let mask = self.slots.len() - 1;
        let mut at = hash(word, seed()) & mask;
        while self.slots[at] != word {
            if self.slots[at] == EMPTY {
                return false;
            }
            at = (at + 1) & mask;
        }
        true
    }

    /// The waiting words that the table does not have.
    fn unplaced(&self) -> Vec<u64> {
        let mut words: Vec<u64> = self.waiting.iter().copied().filter(|word| !self.is_placed(*word)).collect();
        words.sort_unstable();
        words.dedup();
        words
    }

    pub fn len(&self) -> usize {
        self.filled + self.has_zero as usize + self.unplaced().len()
    }

    /// In no particular order.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        let placed = self.slots.iter().copied().filter(|word| *word != EMPTY);
        placed.chain(self.has_zero.then_some(EMPTY)).chain(self.unplaced())
    }

    pub fn sorted(&self) -> Result<Vec<u64>, Error> {
        let mut words = Vec::new();
        memory::reserve_exact(&mut words, self.len())?;
        words.extend(self.iter());
        words.sort_unstable();
        Ok(words)
    }

    pub fn heap_size(&self) -> usize {
        (self.slots.capacity() + self.waiting.capacity()) * size_of::<u64>()
    }
}
