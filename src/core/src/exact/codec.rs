//! The bytes of `uniq_exact` states.
//!
//! ```text
//! byte 0   version 1 << 4 | 12; of the empty state that is all
//! varint number of values of 8 bytes, varint number of others
//! the former, read as little endian numbers, ascending: varint of the first, of each other varint (value - the one before - 1)
//! the others, ascending by their bytes: u8 shared (bytes in common with the one before, at most 127), varint length of the rest, the rest
//! ```

use std::cmp::Ordering;

use crate::codec::{Reader, header, put_varint};
use crate::error::Error;
use crate::memory;
use crate::state::kind;

/// PostgreSQL's values end at 1 GB, with a header of four bytes.
pub const MOST_BYTES: usize = 0x3fff_ffff - 4;

/// So few that the bytes of a state say how much memory its values take, to within a factor: who stores a state cannot
/// make a small one that is read to an enormous one.
const MOST_SHARED: usize = 127;

/// A varint of 64 bits.
const LONGEST_VARINT: usize = 10;

#[cold]
fn too_large() -> Error {
    Error::too_large("uniq_exact_state is too large")
        .with_detail("A state holds every distinct value, and a value of PostgreSQL ends at 1 GB.")
        .with_hint("Count with uniq, whose states are small, or keep states of smaller groups.")
}

/// Writes a set that is given in order, words first.
pub struct Writer {
    /// The most bytes that a state may have.
    most: usize,
    words: Vec<u8>,
    word_count: u64,
    /// The least word that may come.
    least: u64,
    others: Vec<u8>,
    other_count: u64,
    before: Vec<u8>,
}

impl Default for Writer {
    fn default() -> Self {
        Self { most: MOST_BYTES, words: Vec::new(), word_count: 0, least: 0, others: Vec::new(), other_count: 0, before: Vec::new() }
    }
}

impl Writer {
    #[inline]
    pub fn word(&mut self, word: u64) -> Result<(), Error> {
        memory::reserve(&mut self.words, LONGEST_VARINT)?;
        put_varint(word.wrapping_sub(self.least), &mut self.words);
        self.least = word.wrapping_add(1);
        self.word_count += 1;
        if self.words.len() > self.most { Err(too_large()) } else { Ok(()) }
    }

    #[inline]
    pub fn other(&mut self, value: &[u8]) -> Result<(), Error> {
        let shared = common(&self.before, value);
        let rest = &value[shared..];
        if self.words.len() + self.others.len() + rest.len() > self.most {
            return Err(too_large());
        }
        memory::reserve(&mut self.others, 1 + LONGEST_VARINT + rest.len())?;
        self.others.push(shared as u8);
        put_varint(rest.len() as u64, &mut self.others);
        self.others.extend_from_slice(rest);
        self.other_count += 1;
        follow(&mut self.before, shared, rest)
    }

    pub fn finish(self, out: &mut Vec<u8>) -> Result<(), Error> {
        let size = 1 + 2 * LONGEST_VARINT + self.words.len() + self.others.len();
        if size > self.most {
            return Err(too_large());
        }
        memory::reserve_exact(out, size)?;
        out.push(header(kind::UNIQ_EXACT));
        if self.word_count + self.other_count > 0 {
            put_varint(self.word_count, out);
            put_varint(self.other_count, out);
            out.extend_from_slice(&self.words);
            out.extend_from_slice(&self.others);
        }
        Ok(())
    }
}

/// How many bytes two neighbours share, as far as that is written.
fn common(before: &[u8], value: &[u8]) -> usize {
    before.iter().zip(value).take(MOST_SHARED).take_while(|(a, b)| a == b).count()
}

/// Makes `before` the next value.
fn follow(before: &mut Vec<u8>, shared: usize, rest: &[u8]) -> Result<(), Error> {
    before.truncate(shared);
    memory::reserve(before, rest.len())?;
    before.extend_from_slice(rest);
    Ok(())
}

/// Gives the values of an encoded state one by one, words first, and checks that they are as `Writer` writes them.
pub struct Cursor<'a> {
    reader: Reader<'a>,
    words: u64,
    others: u64,
    /// The least word that may come; none may, once the greatest has come.
    least: Option<u64>,
    before: Vec<u8>,
    first: bool,
}

impl<'a> Cursor<'a> {
    pub fn open(bytes: &'a [u8]) -> Result<Self, Error> {
        let mut reader = Reader::open(bytes, kind::UNIQ_EXACT)?;
        let (mut words, mut others) = (0, 0);
        if !reader.is_done() {
            (words, others) = (reader.varint()?, reader.varint()?);
            // No value has less than one byte, no other value than two.
            let least = others.checked_mul(2).and_then(|n| n.checked_add(words));
            if least.is_none_or(|least| least > reader.rest().len() as u64) {
                return Err(reader.corrupt("There are fewer values than announced."));
            }
            if (words, others) == (0, 0) {
                return Err(reader.corrupt("An empty state is not in its shortest form."));
            }
        }
        Ok(Self { reader, words, others, least: Some(0), before: Vec::new(), first: true })
    }

    /// How many values there are, if none was read yet.
    pub fn count(&self) -> u64 {
        self.words + self.others
    }

    pub fn words_left(&self) -> usize {
        self.words as usize
    }

    pub fn others_left(&self) -> usize {
        self.others as usize
    }

    #[inline]
    pub fn next_word(&mut self) -> Result<Option<u64>, Error> {
        if self.words == 0 {
            return Ok(None);
        }
        let gap = self.reader.varint()?;
        let Some(word) = self.least.and_then(|least| least.checked_add(gap)) else {
            return Err(self.reader.corrupt("A value is out of range."));
        };
        self.least = word.checked_add(1);
        self.words -= 1;
        Ok(Some(word))
    }

    /// All words must have been read.
    #[inline]
    pub fn next_other(&mut self) -> Result<Option<&[u8]>, Error> {
        if self.others == 0 {
            return Ok(None);
        }
        let shared = self.reader.u8()? as usize;
        let len = self.reader.varint()?;
        let rest = self.reader.bytes(usize::try_from(len).unwrap_or(usize::MAX))?;
        let follows = if self.first { shared == 0 } else { self.follows(shared, rest) };
        if !follows || shared + rest.len() == 8 {
            return Err(self.reader.corrupt("The values are not in order or not in their shortest form."));
        }
        follow(&mut self.before, shared, rest)?;
        self.first = false;
        self.others -= 1;
        Ok(Some(&self.before))
    }

    /// Is `rest`, behind what is shared, greater than the value before, and does it share no more?
    fn follows(&self, shared: usize, rest: &[u8]) -> bool {
        let Some(before) = self.before.get(shared..) else {
            return false;
        };
        match before.first() {
            _ if shared > MOST_SHARED => false,
            Some(first) if shared < MOST_SHARED => rest.first() > Some(first),
            _ => rest > before,
        }
    }

    pub fn finish(self) -> Result<(), Error> {
        self.reader.finish()
    }
}

/// The bytes of the union of two encoded states.
pub fn merge_bytes(a: &[u8], b: &[u8]) -> Result<Vec<u8>, Error> {
    let (mut a, mut b) = (Cursor::open(a)?, Cursor::open(b)?);
    let mut writer = Writer::default();
    let (mut left, mut right) = (a.next_word()?, b.next_word()?);
    while let (Some(x), Some(y)) = (left, right) {
        writer.word(x.min(y))?;
        if x <= y {
            left = a.next_word()?;
        }
        if y <= x {
            right = b.next_word()?;
        }
    }
    while let Some(word) = left {
        writer.word(word)?;
        left = a.next_word()?;
    }
    while let Some(word) = right {
        writer.word(word)?;
        right = b.next_word()?;
    }

    let (mut left, mut right) = (a.next_other()?, b.next_other()?);
    while let (Some(x), Some(y)) = (left, right) {
        let order = x.cmp(y);
        writer.other(if order == Ordering::Less { x } else { y })?;
        // The one that stays was lent by its cursor, which was not moved.
        left = if order == Ordering::Greater { a.this_other() } else { a.next_other()? };
        right = if order == Ordering::Less { b.this_other() } else { b.next_other()? };
    }
    while let Some(value) = left {
        writer.other(value)?;
        left = a.next_other()?;
    }
    while let Some(value) = right {
        writer.other(value)?;
        right = b.next_other()?;
    }
    a.finish()?;
    b.finish()?;
    let mut out = Vec::new();
    writer.finish(&mut out)?;
    Ok(out)
}

impl Cursor<'_> {
    /// The value that `next_other` gave last.
    fn this_other(&self) -> Option<&[u8]> {
        Some(&self.before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_ends_where_a_value_does() {
        let limited = || Writer { most: 1000, ..Writer::default() };
        let check = |error: Error| {
            assert_eq!((error.sqlstate(), error.message.as_str()), ("54000", "uniq_exact_state is too large"));
            assert!(error.detail.is_some() && error.hint.is_some());
        };
        let mut writer = limited();
        check((0..).find_map(|i| writer.word(i << 32).err()).unwrap());
        let mut writer = limited();
        check((0u64..).find_map(|i| writer.other(format!("{i:020}").as_bytes()).err()).unwrap());
        check(limited().other(&[0; 1001]).unwrap_err());
        let mut writer = limited();
        writer.other(&[0; 990]).unwrap();
        check(writer.finish(&mut Vec::new()).unwrap_err());
        let mut writer = limited();
        writer.other(&[0; 900]).unwrap();
        let mut out = Vec::new();
        writer.finish(&mut out).unwrap();
        assert_eq!(Cursor::open(&out).unwrap().count(), 1);
    }
}
