//! `uniq_exact`: the set of the values themselves, by their canonical bytes and never by a hash of them.
//!
//! Values of eight bytes (integers, dates, times, floats) are words, and have a table of their own.

mod codec;
mod others;
mod words;

pub use codec::{MOST_BYTES, merge_bytes as uniq_exact_merge_bytes};

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use crate::error::Error;
use crate::state::State;
use codec::{Cursor, Writer};
use others::Others;
use words::Words;

#[derive(Clone, Debug, Default)]
pub struct UniqExact {
    words: Words,
    others: Others,
}

impl UniqExact {
    /// Adds the canonical bytes of a value.
    #[inline]
    pub fn insert(&mut self, value: &[u8]) -> Result<(), Error> {
        match value.try_into() {
            Ok(word) => self.words.insert(u64::from_le_bytes(word)),
            Err(_) => self.others.insert(value),
        }
    }

    /// How many values there are.
    pub fn count(&self) -> u64 {
        (self.words.len() + self.others.len()) as u64
    }

    /// The count of an encoded state, without reading more than its head.
    pub fn count_bytes(bytes: &[u8]) -> Result<u64, Error> {
        Ok(Cursor::open(bytes)?.count())
    }

    /// Adds the values of an encoded state.
    pub fn merge_bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let mut cursor = Cursor::open(bytes)?;
        // Exact only into an empty state: of states that repeat each other, the sum of their sizes says nothing.
        if self.words.len() == 0 {
            self.words.reserve(cursor.words_left())?;
        }
        while let Some(word) = cursor.next_word()? {
            self.words.insert(word)?;
        }
        if self.others.len() == 0 {
            self.others.reserve(cursor.others_left())?;
        }
        while let Some(value) = cursor.next_other()? {
            self.others.insert(value)?;
        }
        cursor.finish()
    }
}

/// The bytes of the values of `a` that `b` lacks.
pub fn uniq_exact_difference_bytes(a: &[u8], b: &[u8]) -> Result<Vec<u8>, Error> {
    let (mut cursor, gone, mut writer) = (Cursor::open(a)?, UniqExact::decode(b)?, Writer::default());
    while let Some(word) = cursor.next_word()? {
        if !gone.words.contains(word) {
            writer.word(word)?;
        }
    }
    while let Some(value) = cursor.next_other()? {
        if !gone.others.contains(value) {
            writer.other(value)?;
        }
    }
    cursor.finish()?;
    let mut out = Vec::new();
    writer.finish(&mut out)?;
    Ok(out)
}

/// Where values go in the tables differs from process to process, so that nobody can choose values that pile up; the bytes
/// of a state do not depend on it.
fn seed() -> u64 {
    static SEED: OnceLock<u64> = OnceLock::new();
    *SEED.get_or_init(|| RandomState::new().hash_one(0))
}

impl PartialEq for UniqExact {
    fn eq(&self, other: &Self) -> bool {
        self.words.len() == other.words.len()
            && self.others.len() == other.others.len()
            && self.words.iter().all(|word| other.words.contains(word))
            && self.others.iter().all(|value| other.others.contains(value))
    }
}

impl State for UniqExact {
    fn empty() -> Self {
        Self::default()
    }

    fn is_empty(&self) -> bool {
        self.count() == 0
    }

    fn merge(&mut self, other: &Self) -> Result<(), Error> {
        self.words.merge(&other.words)?;
        self.others.merge(&other.others)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        if let Err(error) = self.try_encode(out) {
            panic!("{error}");
        }
    }

    fn try_encode(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        let mut writer = Writer::default();
        self.words.sorted()?.into_iter().try_for_each(|word| writer.word(word))?;
        self.others.sorted()?.into_iter().try_for_each(|value| writer.other(value))?;
        writer.finish(out)
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut state = Self::default();
        state.merge_bytes(bytes)?;
        Ok(state)
    }

    fn heap_size(&self) -> usize {
        self.words.heap_size() + self.others.heap_size()
    }
}
