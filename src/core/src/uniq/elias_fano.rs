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

pub fn encode(n: usize, numbers: impl Iterator<Item = u32> + Clone, out: &mut Vec<u8>) {
    if n == 0 {
        return;
    }
    let Layout { low_bits, low_len, high_len } = layout(n);
    let start = out.len();
    out.reserve(low_len + high_len + 4);
    let (mut acc, mut filled) = (0u64, 0);
    for number in numbers.clone() {
        acc |= ((number & ((1 << low_bits) - 1)) as u64) << filled;
        filled += low_bits;
        if filled >= 32 {
            out.extend_from_slice(&(acc as u32).to_le_bytes());
            acc >>= 32;
            filled -= 32;
        }
    }
    out.extend_from_slice(&(acc as u32).to_le_bytes());
    out.truncate(start + low_len);
    out.resize(start + low_len + high_len, 0);
    let high = &mut out[start + low_len..];
    for (i, number) in numbers.enumerate() {
        let bit = (number >> low_bits) as usize + i;
        high[bit / 8] |= 1 << (bit % 8);
    }
}

/// Reads `n` numbers and gives each to `each`, which says whether it is acceptable.
#[inline]
pub fn decode(reader: &mut Reader<'_>, n: usize, mut each: impl FnMut(u32) -> bool) -> Result<(), Error> {
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
    let mask = (1u32 << low_bits) - 1;
    let low_of = |i: usize| {
        let bit = i * low_bits as usize;
        // 25 bits at any of 8 places lie within four bytes; the high part is there to be read over.
        let word = match both.get(bit / 8..bit / 8 + 4) {
            Some(word) => u32::from_le_bytes([word[0], word[1], word[2], word[3]]),
            None => both[bit / 8..].iter().rev().fold(0, |word, byte| word << 8 | *byte as u32),
        };
        word >> (bit % 8) & mask
    };
    let (mut i, mut before, mut good) = (0usize, None, true);
    for (at, bytes) in high.chunks(8).enumerate() {
        let mut word = match bytes.try_into() {
            Ok(bytes) => u64::from_le_bytes(bytes),
            Err(_) => bytes.iter().rev().fold(0, |word, byte| word << 8 | *byte as u64),
        };
        while word != 0 {
            let bit = at * 64 + word.trailing_zeros() as usize;
            word &= word - 1;
            // More bits than numbers: the index i would leave the low part.
            if i >= n {
                return Err(reader.corrupt("There are more codes than announced."));
            }
            let number = ((bit - i) as u32) << low_bits | low_of(i);
            good &= before < Some(number) && number >> INDEX_BITS == 0 && each(number);
            before = Some(number);
            i += 1;
        }
    }
    if !good || i != n {
        return Err(reader.corrupt("The codes are not in order, out of range or fewer than announced."));
    }
    Ok(())
}
