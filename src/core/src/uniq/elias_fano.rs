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

/// Appends the ascending numbers that `keys` hold above their lowest seven bits.
pub fn encode(keys: &[u32], out: &mut Vec<u8>) {
    if keys.is_empty() {
        return;
    }
    let Layout { low_bits, low_len, high_len } = layout(keys.len());
    let start = out.len();
    // Both parts are written in whole words, which may reach beyond their ends.
    out.resize(start + low_len + high_len + 16, 0);
    let (low, high) = out[start..].split_at_mut(low_len);
    let mut spill = [0u8; 16];
    let mask = (1u32 << low_bits) - 1;

    let (mut acc, mut filled, mut at) = (0u64, 0u32, 0usize);
    for key in keys {
        acc |= ((key >> 7 & mask) as u64) << filled;
        filled += low_bits;
        if filled >= 32 {
            match low.get_mut(at..at + 4) {
                Some(word) => word.copy_from_slice(&(acc as u32).to_le_bytes()),
                None => spill[..4].copy_from_slice(&(acc as u32).to_le_bytes()),
            }
            at += 4;
            acc >>= 32;
            filled -= 32;
        }
    }
    if let Some(rest) = low.get_mut(at..) {
        let bytes = acc.to_le_bytes();
        let n = rest.len().min(8);
        rest[..n].copy_from_slice(&bytes[..n]);
    }

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

/// Reads `n` numbers and gives each, ascending, to `each`, which may look for what else is wrong with them.
#[inline]
pub fn decode(reader: &mut Reader<'_>, n: usize, mut each: impl FnMut(u32)) -> Result<(), Error> {
    if n == 0 {
        return Ok(());
    }
    let Layout { low_bits, low_len, high_len } = layout(n);
    let both = reader.bytes(low_len + high_len)?;
    let (low, high) = both.split_at(low_len);
    let spare = low_len * 8 - n * low_bits as usize;
    if low[low_len - 1] as u32 >> (8 - spare) != 0 {
        return Err(reader.corrupt("There are bits set behind the last code."));
    }
    let words = || {
        let (whole, rest) = high.as_chunks::<8>();
        let last = rest.iter().rev().fold(0, |word, byte| word << 8 | *byte as u64);
        whole.iter().map(|word| u64::from_le_bytes(*word)).chain(std::iter::once(last))
    };
    if words().map(|word| word.count_ones() as usize).sum::<usize>() != n {
        return Err(reader.corrupt("There are more or fewer codes than announced."));
    }
    let mask = (1u32 << low_bits) - 1;
    // What is above i in a bit's place is the high part, and that times 2^l.
    let (mut low_bit, mut i, mut first_bit, mut before, mut ascending) = (0usize, 0u32, 0u32, -1i32, true);
    for mut word in words() {
        while word != 0 {
            let bit = first_bit + word.trailing_zeros();
            word &= word - 1;
            // 25 bits at any of 8 places lie within four bytes; behind the low part there is the high part to be read over.
            let low = match both.get(low_bit / 8..low_bit / 8 + 4) {
                Some(word) => u32::from_le_bytes([word[0], word[1], word[2], word[3]]),
                None => both[low_bit / 8..].iter().rev().fold(0, |word, byte| word << 8 | *byte as u32),
            };
            let number = (bit - i) << low_bits | low >> (low_bit % 8) & mask;
            ascending &= before < number as i32;
            before = number as i32;
            each(number);
            low_bit += low_bits as usize;
            i += 1;
        }
        first_bit += 64;
    }
    // The numbers ascend, so that none is out of range if the last is not.
    if !ascending || before as u32 >> INDEX_BITS != 0 {
        return Err(reader.corrupt("The codes are not in order or out of range."));
    }
    Ok(())
}
