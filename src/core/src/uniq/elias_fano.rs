//! Elias-Fano: a strictly ascending list of 25-bit numbers in about 2 + log2(2^25 / n) bits each.
//!
//! n numbers; l = floor(log2(2^25 / n)). First the l low bits of each, packed from the lowest bit of the first byte up; then, from a new byte
//! on, for number i the bit (number >> l) + i of a field of n + (2^25 >> l) + 1 bits. Bits that fill up a byte are 0. No numbers, no bytes.

use super::code::INDEX_BITS;
use crate::codec::Reader;
use crate::error::Error;

struct Layout {
    low_bits: u32,
    low_len: usize,
    high_len: usize,
}

fn layout(n: usize) -> Layout {
    let low_bits = INDEX_BITS - n.next_power_of_two().trailing_zeros();
    let high = n + (1 << (INDEX_BITS - low_bits)) + 1;
    Layout { low_bits, low_len: (n * low_bits as usize).div_ceil(8), high_len: high.div_ceil(8) }
}

/// Eight numbers begin at a byte again.
const RUN: usize = 8;

/// What [`encode`] needs of room for `n` numbers.
pub fn room(n: usize) -> usize {
    let Layout { low_len, high_len, .. } = layout(n.max(1));
    low_len + high_len + INDEX_BITS as usize + 8
}

/// The function for this number of low bits, so that it knows every shift.
macro_rules! of_width {
    ($low_bits:expr, $function:ident($($argument:expr),*)) => {
        of_width!($low_bits, $function($($argument),*), 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25)
    };
    ($low_bits:expr, $function:ident $arguments:tt, $($width:literal)*) => {
        match $low_bits {
            $($width => $function::<$width> $arguments,)*
            // A sparse state has at most 2^16 codes and at least one.
            _ => unreachable!("9 to 25 low bits"),
        }
    };
}

/// Appends the ascending numbers that `keys` hold above their lowest seven bits.
pub fn encode(keys: &[u32], out: &mut Vec<u8>) {
    if keys.is_empty() {
        return;
    }
    let Layout { low_bits, low_len, high_len } = layout(keys.len());
    let start = out.len();
    of_width!(low_bits, put_low(keys, out));
    out.truncate(start + low_len);
    // The high part is written in whole words, which may reach beyond its end.
    out.resize(start + low_len + high_len + 8, 0);
    let high = &mut out[start + low_len..];

    // A word is kept until the bits leave it: neighbours share bytes, and a byte just written is slow to read.
    let (mut word, mut at) = (0u64, 0usize);
    for (i, key) in keys.iter().enumerate() {
        let bit = (key >> 7 >> low_bits) as usize + i;
        if bit / 64 != at {
            high[at * 8..at * 8 + 8].copy_from_slice(&word.to_le_bytes());
            (word, at) = (0, bit / 64);
        }
        word |= 1 << (bit % 64);
    }
    high[at * 8..at * 8 + 8].copy_from_slice(&word.to_le_bytes());
    out.truncate(start + low_len + high_len);
}

/// Appends the low parts, and more of a run that is not full.
fn put_low<const WIDTH: usize>(keys: &[u32], out: &mut Vec<u8>) {
    let mut put = |run: &[u32; RUN]| {
        let mut words = [0u64; 4];
        for (k, key) in run.iter().enumerate() {
            let (low, bit) = ((key >> 7) as u64 & ((1 << WIDTH) - 1), k * WIDTH);
            words[bit / 64] |= low << (bit % 64);
            if bit % 64 + WIDTH > 64 {
                words[bit / 64 + 1] |= low >> (64 - bit % 64);
            }
        }
        out.extend_from_slice(&words.map(u64::to_le_bytes).as_flattened()[..WIDTH]);
    };
    let (runs, rest) = keys.as_chunks();
    runs.iter().for_each(&mut put);
    let mut last = [0; RUN];
    last[..rest.len()].copy_from_slice(rest);
    put(&last);
}

/// Numbers are read in blocks of this many, which stay in the nearest cache; few numbers in a block that costs less to clear.
const BLOCK: usize = 256;
const SMALL_BLOCK: usize = 24;

/// Of each byte how many bits are set, and for the one set as number k its place less k.
static ONES: [u8; 256] = ones_and_places().0;
static PLACES: [[u32; RUN]; 256] = ones_and_places().1;

const fn ones_and_places() -> ([u8; 256], [[u32; RUN]; 256]) {
    let (mut ones, mut places, mut bit) = ([0; 256], [[0; RUN]; 256], 0);
    while bit < 256 * 8 {
        let (byte, place) = (bit / 8, bit % 8);
        if byte >> place & 1 == 1 {
            places[byte][ones[byte] as usize] = place as u32 - ones[byte] as u32;
            ones[byte] += 1;
        }
        bit += 1;
    }
    (ones, places)
}

/// Reads `n` numbers, which ascend, and gives them to `each` in blocks. After an error what it was given is of no meaning, but below 2^25.
#[inline]
pub fn decode(reader: &mut Reader<'_>, n: usize, each: impl FnMut(&[u32])) -> Result<(), Error> {
    match n {
        0 => Ok(()),
        1..=SMALL_BLOCK => decode_in(&mut [0; SMALL_BLOCK + RUN], reader, n, each),
        _ => decode_in(&mut [0; BLOCK + RUN], reader, n, each),
    }
}

#[inline]
fn decode_in<const ROOM: usize>(block: &mut [u32; ROOM], reader: &mut Reader<'_>, n: usize, mut each: impl FnMut(&[u32])) -> Result<(), Error> {
    let Layout { low_bits, low_len, high_len } = layout(n);
    let both = reader.bytes(low_len + high_len)?;
    let (low, high) = both.split_at(low_len);
    let spare = low_len * 8 - n * low_bits as usize;
    if low[low_len - 1] as u32 >> (8 - spare) != 0 {
        return Err(reader.corrupt("There are bits set behind the last code."));
    }
    let (mut done, mut before) = (0, None);
    let mut finish = |block: &mut [u32], len: usize, done: usize| {
        if done + len > n {
            return Err(reader.corrupt("There are more or fewer codes than announced."));
        }
        of_width!(low_bits, add_low(&both[done / RUN * low_bits as usize..], len, block));
        let block = &block[..len];
        // The numbers ascend, so that none is out of range if the last is not.
        if before.as_ref() >= block.first() || !ascends(block) || block[len - 1] >> INDEX_BITS != 0 {
            return Err(reader.corrupt("The codes are not in order or out of range."));
        }
        before = block.last().copied();
        each(block);
        Ok(())
    };
    // A byte of the high parts is at most eight numbers: all are written, and as many count as there are.
    let (full, mut len) = (ROOM - RUN, 0);
    for (at, byte) in high.iter().enumerate() {
        let first = (at * 8 - done - len) as u32;
        let Some(run) = block.get_mut(len..len + RUN) else { break };
        for (number, place) in run.iter_mut().zip(&PLACES[*byte as usize]) {
            *number = first.wrapping_add(*place);
        }
        len += ONES[*byte as usize] as usize;
        if len >= full {
            finish(block, full, done)?;
            block.copy_within(full.., 0);
            (done, len) = (done + full, len - full);
        }
    }
    if len > 0 {
        finish(block, len, done)?;
    }
    if done + len < n {
        return Err(reader.corrupt("There are more or fewer codes than announced."));
    }
    Ok(())
}

/// Puts the low parts below the high ones. `bytes` begin with them, and go on.
fn add_low<const WIDTH: usize>(bytes: &[u8], n: usize, out: &mut [u32]) {
    let add = |from: &[u8], run: &mut [u32; RUN]| {
        let from = &from[..WIDTH + 3];
        for (k, number) in run.iter_mut().enumerate() {
            let at = k * WIDTH / 8;
            let word = from[at..].first_chunk().map_or(0, |word| u32::from_le_bytes(*word));
            *number = *number << WIDTH | word >> (k * WIDTH % 8) & ((1 << WIDTH) - 1);
        }
    };
    for (at, run) in out.as_chunks_mut::<RUN>().0.iter_mut().take(n.div_ceil(RUN)).enumerate() {
        let rest = &bytes[at * WIDTH..];
        if rest.len() >= WIDTH + 3 {
            add(rest, run);
        } else {
            let mut last = [0; 32];
            last[..rest.len()].copy_from_slice(rest);
            add(&last, run);
        }
    }
}

/// Strictly; without a branch on each number.
fn ascends(numbers: &[u32]) -> bool {
    let descents = numbers.iter().zip(&numbers[1..]).fold(false, |any, (a, b)| any | (a >= b));
    !descents
}
