//! The set of the values that are not of eight bytes in memory: their bytes one behind the other, and a table of where each begins.

use hashbrown::HashTable;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::seed;
use crate::error::Error;
use crate::memory;

/// The bytes of a value's length in front of the value.
const HEAD: usize = size_of::<u32>();

#[derive(Clone, Debug, Default)]
pub struct Others {
    table: HashTable<Place>,
    bytes: Vec<u8>,
}

/// The hash is kept: growing the table would otherwise read all values again.
#[derive(Clone, Copy, Debug)]
struct Place {
    hash: u64,
    at: usize,
}

/// The value that begins at `at`.
#[inline]
fn value(bytes: &[u8], at: usize) -> &[u8] {
    match bytes[at..].split_first_chunk::<HEAD>() {
        Some((len, rest)) => &rest[..u32::from_le_bytes(*len) as usize],
        None => &[],
    }
}

impl Others {
    #[inline]
    pub fn insert(&mut self, new: &[u8]) -> Result<(), Error> {
        let hash = xxh3_64_with_seed(new, seed());
        let bytes = &self.bytes;
        if self.table.find(hash, |place| place.hash == hash && value(bytes, place.at) == new).is_some() {
            return Ok(());
        }
        let len = u32::try_from(new.len()).map_err(|_| Error::out_of_memory())?;
        memory::reserve(&mut self.bytes, HEAD + new.len())?;
        if self.table.len() == self.table.capacity() {
            self.reserve(1)?;
        }
        self.table.insert_unique(hash, Place { hash, at: self.bytes.len() }, |place| place.hash);
        self.bytes.extend_from_slice(&len.to_le_bytes());
        self.bytes.extend_from_slice(new);
        Ok(())
    }

    pub fn reserve(&mut self, more: usize) -> Result<(), Error> {
        memory::refusable(|| self.table.try_reserve(more, |place| place.hash))
    }

    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        if self.len() == 0 {
            self.reserve(other.len())?;
            memory::reserve_exact(&mut self.bytes, other.bytes.len())?;
        }
        other.iter().try_for_each(|value| self.insert(value))
    }

    pub fn contains(&self, wanted: &[u8]) -> bool {
        let hash = xxh3_64_with_seed(wanted, seed());
        self.table.find(hash, |place| place.hash == hash && value(&self.bytes, place.at) == wanted).is_some()
    }

    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// In the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let mut at = 0;
        std::iter::from_fn(move || {
            let value = (at < self.bytes.len()).then(|| value(&self.bytes, at))?;
            at += HEAD + value.len();
            Some(value)
        })
    }

    pub fn sorted(&self) -> Result<Vec<&[u8]>, Error> {
        // Most comparisons end within the first bytes, which are at hand as a number.
        let mut keyed: Vec<(u64, &[u8])> = Vec::new();
        memory::reserve_exact(&mut keyed, self.len())?;
        keyed.extend(self.iter().map(|value| (leading(value), value)));
        keyed.sort_unstable();
        let mut values = Vec::new();
        memory::reserve_exact(&mut values, keyed.len())?;
        values.extend(keyed.into_iter().map(|(_, value)| value));
        Ok(values)
    }

    pub fn heap_size(&self) -> usize {
        self.table.allocation_size() + self.bytes.capacity()
    }
}

/// The first eight bytes in an order that is theirs: where two numbers differ, the values differ likewise.
fn leading(value: &[u8]) -> u64 {
    let mut first = [0; 8];
    let n = value.len().min(8);
    first[..n].copy_from_slice(&value[..n]);
    u64::from_be_bytes(first)
}
