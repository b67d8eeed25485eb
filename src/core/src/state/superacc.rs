//! An exact sum of doubles: a fixed-point number wide enough for every finite double, kept in signed 64-bit chunks that
//! stand 32 bits apart, so that a thousand values can be added before a carry must move (Neal's small superaccumulator).
//! Only the window of chunks that values have touched is kept: values of like magnitude need four chunks of the seventy.

use num_bigint::{BigInt, BigUint, Sign};

use super::short::{Short, Wide, Words};
use crate::codec::{Reader, put_varint, put_zigzag};
use crate::error::Error;

/// The least double is 2^-1074.
const UNIT: i64 = -1074;
/// An add puts less than 2^53 on a chunk; this many on top of a carried chunk stay within i64.
const ADDS: u32 = 1 << 9;

/// `POWER` says what is summed: 1 doubles, 2 their squares, which are twice as wide.
#[derive(Clone, Debug, Default)]
pub struct Superacc<const POWER: i64 = 1> {
    chunks: Vec<i64>,
    /// The position of the first chunk: it stands for 2^(32 * base + Self::UNIT).
    base: u32,
    /// Adds since the last carry.
    adds: u32,
}

/// Sign and magnitude; limb 0 stands for 2^exponent, the last limb is not 0. Zero has no limbs.
#[derive(Debug, PartialEq, Eq)]
struct Magnitude {
    negative: bool,
    limbs: Vec<u32>,
    exponent: i64,
}

/// A finite double's 53 bits, as a multiple of 2^(position + UNIT).
#[inline]
fn parts(v: f64) -> (u64, u32) {
    let bits = v.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    match (bits >> 52 & 0x7ff) as u32 {
        0 => (fraction, 0),
        biased => (fraction | 1 << 52, biased - 1),
    }
}

impl Superacc<1> {
    /// Adds `sign` times the finite double `v`.
    #[inline]
    pub fn add(&mut self, v: f64, sign: i64) {
        let (mantissa, position) = parts(v);
        self.add_times(mantissa, position, v.is_sign_negative() != (sign < 0), sign.unsigned_abs());
    }
}

impl Superacc<2> {
    /// Adds `sign` times the square of the finite double `v`.
    #[inline]
    pub fn add_square(&mut self, v: f64, sign: i64) {
        let (mantissa, position) = parts(v);
        let square = mantissa as u128 * mantissa as u128;
        let (low, high) = ((square & ((1 << 53) - 1)) as u64, (square >> 53) as u64);
        // Short doubles have short squares.
        if low != 0 {
            self.add_times(low, position * 2, sign < 0, sign.unsigned_abs());
        }
        self.add_times(high, position * 2 + 53, sign < 0, sign.unsigned_abs());
    }
}

impl<const POWER: i64> Superacc<POWER> {
    /// Bit 0 stands for 2^UNIT.
    const UNIT: i64 = UNIT * POWER;
    /// No sum of 2^62 finite values is longer.
    const MAX_BITS: u64 = (1074 + 1024) * POWER as u64 + 62;

    #[inline]
    fn add_times(&mut self, mantissa: u64, position: u32, negative: bool, times: u64) {
        if times == 1 {
            return self.add_at(mantissa, position, negative);
        }
        for bit in (0..64).filter(|bit| times >> bit & 1 == 1) {
            self.add_at(mantissa, position + bit, negative);
        }
    }

    #[inline]
    fn add_at(&mut self, mantissa: u64, position: u32, negative: bool) {
        let (index, shift) = (position / 32, position % 32);
        let low = (mantissa << shift & 0xffff_ffff) as i64;
        let high = (mantissa >> (32 - shift)) as i64;
        // x ^ -1 + 1 is -x: no branch on signs, which come in no order.
        let flip = -(negative as i64);
        let (low, high) = ((low ^ flip) - flip, (high ^ flip) - flip);
        let at = index.wrapping_sub(self.base) as usize;
        if self.adds < ADDS
            && let Some([a, b]) = self.chunks.get_mut(at..at + 2)
        {
            *a += low;
            *b += high;
            self.adds += 1;
            return;
        }
        self.add_cold(index, low, high);
    }

    #[cold]
    fn add_cold(&mut self, index: u32, low: i64, high: i64) {
        self.carry();
        self.cover(index, index + 2);
        let at = (index - self.base) as usize;
        self.chunks[at] += low;
        self.chunks[at + 1] += high;
        self.adds += 1;
    }

    /// Makes the window hold the chunks `from..to`.
    fn cover(&mut self, from: u32, to: u32) {
        if self.chunks.is_empty() {
            self.base = from;
        }
        if from < self.base {
            let n = (self.base - from) as usize;
            self.chunks.splice(0..0, std::iter::repeat_n(0, n));
            self.base = from;
        }
        let len = (to - self.base) as usize;
        if len > self.chunks.len() {
            self.chunks.resize(len, 0);
        }
    }

    /// Brings every chunk but the last into 0..2^32, and the last into the range of an i33.
    fn carry(&mut self) {
        let mut carry = 0;
        for chunk in &mut self.chunks {
            let sum = *chunk + carry;
            carry = sum >> 32;
            *chunk = sum & 0xffff_ffff;
        }
        // What the last chunk had beyond 32 bits, sign included, goes back to it if it is only a sign.
        match (carry, self.chunks.last_mut()) {
            (0, _) | (_, None) => {}
            (-1, Some(last)) => *last -= 1 << 32,
            _ => self.chunks.push(carry),
        }
        self.adds = 0;
    }

    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        if other.chunks.is_empty() {
            return Ok(());
        }
        let mut other = other.clone();
        other.carry();
        self.carry();
        self.cover(other.base, other.base + other.chunks.len() as u32);
        let at = (other.base - self.base) as usize;
        for (chunk, added) in self.chunks[at..].iter_mut().zip(&other.chunks) {
            *chunk += added;
        }
        self.carry();
        // Only states that no rows made can come here.
        if self.base as u64 + self.chunks.len() as u64 > Self::MAX_BITS / 32 && self.magnitude().bits() as i64 + self.magnitude().exponent - Self::UNIT > Self::MAX_BITS as i64 {
            return Err(Error::out_of_range("sum of a state out of range"));
        }
        Ok(())
    }

    pub fn negate(&mut self) {
        for chunk in &mut self.chunks {
            *chunk = -*chunk;
        }
    }

    pub fn is_zero(&self) -> bool {
        // Chunks that are not carried may cancel each other.
        self.chunks.iter().all(|c| *c == 0) || self.magnitude().limbs.is_empty()
    }

    #[inline]
    pub fn heap_size(&self) -> usize {
        self.chunks.capacity() * size_of::<i64>()
    }

    fn magnitude(&self) -> Magnitude {
        let mut sum = self.clone();
        sum.carry();
        let negative = sum.chunks.last().is_some_and(|last| *last < 0);
        if negative {
            sum.negate();
            sum.carry();
        }
        let mut limbs: Vec<u32> = Vec::with_capacity(sum.chunks.len() + 1);
        for chunk in &sum.chunks {
            limbs.push(*chunk as u32);
        }
        while limbs.last() == Some(&0) {
            limbs.pop();
        }
        Magnitude { negative, limbs, exponent: sum.base as i64 * 32 + Self::UNIT }
    }

    /// The sum is the first times 2 to the power of the second.
    pub fn exact(&self) -> (BigInt, i64) {
        let m = self.magnitude();
        let sign = if m.negative { Sign::Minus } else { Sign::Plus };
        (BigInt::from_biguint(sign, BigUint::new(m.limbs)), m.exponent)
    }

    /// The sum, rounded once to the nearest double, ties to even; None if that is no finite double.
    pub fn round(&self) -> Option<f64> {
        let m = self.magnitude();
        round(m.negative, &m.limbs, m.exponent, false)
    }

    /// The exact quotient of the sum and `n`, rounded once; `n` is not 0.
    pub fn round_quotient(&self, n: i64) -> Option<f64> {
        let m = self.magnitude();
        let divisor = n.unsigned_abs();
        // 128 bits more than the sum has are 65 bits of quotient at least, whatever the divisor.
        let mut quotient = vec![0u32; m.limbs.len() + 4];
        let mut rest = 0u64;
        for (at, q) in quotient.iter_mut().enumerate().rev() {
            let limb = if at >= 4 { m.limbs[at - 4] } else { 0 };
            let dividend = (rest as u128) << 32 | limb as u128;
            (*q, rest) = match u64::try_from(dividend) {
                Ok(small) => ((small / divisor) as u32, small % divisor),
                Err(_) => ((dividend / divisor as u128) as u32, (dividend % divisor as u128) as u64),
            };
        }
        while quotient.last() == Some(&0) {
            quotient.pop();
        }
        round(m.negative != (n < 0), &quotient, m.exponent - 128, rest != 0)
    }

    /// varint (length * 2 + negative), 0 for zero; else the zigzag exponent of the lowest bit that is set, and the
    /// bytes of the odd number that is left, little endian.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let m = self.magnitude();
        let Some(first) = m.limbs.iter().position(|l| *l != 0) else {
            return out.push(0);
        };
        let limbs = &m.limbs[first..];
        let shift = limbs[0].trailing_zeros();
        let bits = limbs.len() as u64 * 32 - limbs[limbs.len() - 1].leading_zeros() as u64 - shift as u64;
        let len = bits.div_ceil(8);
        put_varint(len << 1 | m.negative as u64, out);
        put_zigzag(m.exponent + first as i64 * 32 + shift as i64, out);
        let end = out.len() + len as usize;
        for (at, limb) in limbs.iter().enumerate() {
            let next = limbs.get(at + 1).copied().unwrap_or(0);
            let limb = ((next as u64) << 32 | *limb as u64) >> shift;
            out.extend_from_slice(&(limb as u32).to_le_bytes());
        }
        out.truncate(end);
    }

    /// What `encode` has written.
    #[inline]
    pub fn read<'a>(reader: &mut Reader<'a>) -> Result<Stored<'a, POWER>, Error> {
        let head = reader.varint()?;
        if head == 0 {
            return Ok(Stored::default());
        }
        let len = head >> 1;
        let position = reader.zigzag()?.wrapping_sub(Self::UNIT);
        if len == 0 || len > Self::MAX_BITS.div_ceil(8) || !(0..=Self::MAX_BITS as i64).contains(&position) {
            return Err(reader.corrupt("The sum is out of range."));
        }
        let bytes = reader.bytes(len as usize)?;
        let top = bytes.last().copied().unwrap_or(0);
        if bytes[0] & 1 == 0 || top == 0 {
            return Err(reader.corrupt("The sum is not in its shortest form."));
        }
        let bits = len * 8 - top.leading_zeros() as u64;
        if position as u64 + bits > Self::MAX_BITS {
            return Err(reader.corrupt("The sum is out of range."));
        }
        Ok(Stored { bytes, position: position as u32, negative: head & 1 == 1 })
    }

    /// Can it be added to the chunks that there are, without a carry?
    #[inline(always)]
    pub(super) fn has_room<const WORDS: usize>(&self, sum: &ShortSum<POWER, WORDS>) -> bool {
        let at = (sum.position / 32).wrapping_sub(self.base) as usize;
        self.adds < ADDS && at.saturating_add(WORDS * 2 + 1) <= self.chunks.len()
    }

    #[inline(always)]
    pub(super) fn add_words<const WORDS: usize>(&mut self, sum: &ShortSum<POWER, WORDS>) {
        let index = sum.position / 32;
        if !self.has_room(sum) {
            self.make_room(index, index + WORDS as u32 * 2 + 1);
        }
        self.adds += 1;
        let at = (index - self.base) as usize;
        let Some(chunks) = self.chunks.get_mut(at..at + WORDS * 2 + 1) else { return };
        let (shift, flip) = (sum.position % 32, -(sum.negative as i64));
        let mut carry = 0;
        for (i, word) in sum.words.iter().enumerate() {
            let wide = (*word as u128) << shift | carry;
            chunks[i * 2] += (wide as u32 as i64 ^ flip) - flip;
            chunks[i * 2 + 1] += ((wide >> 32) as u32 as i64 ^ flip) - flip;
            carry = wide >> 64;
        }
        chunks[WORDS * 2] += (carry as i64 ^ flip) - flip;
    }

    #[cold]
    fn make_room(&mut self, from: u32, to: u32) {
        self.carry();
        self.cover(from, to);
    }

    #[cold]
    fn check_range(&mut self) -> Result<(), Error> {
        self.carry();
        let m = self.magnitude();
        if m.bits() as i64 + m.exponent - Self::UNIT > Self::MAX_BITS as i64 {
            return Err(Error::out_of_range("sum of a state out of range"));
        }
        Ok(())
    }
}

/// A stored sum as most are, not zero, of a few words.
pub struct ShortSum<const POWER: i64, const WORDS: usize> {
    words: [u64; WORDS],
    position: u32,
    negative: bool,
}

impl<const POWER: i64, const WORDS: usize> ShortSum<POWER, WORDS> {
    /// What `encode` has written. None: it takes more to read it, or to say what is wrong.
    #[inline(always)]
    pub fn read(wide: &mut Wide<'_>) -> Option<Self> {
        let (head, exponent) = wide.u8_zigzag14()?;
        Self::new(head, exponent, wide.magnitude(head >> 1)?)
    }

    #[inline(always)]
    fn new(head: u8, exponent: i64, words: [u64; WORDS]) -> Option<Self> {
        let position = exponent.wrapping_sub(Superacc::<POWER>::UNIT) as u64;
        // As many chunks below the end need no look at what the sum has come to.
        let fits = position / 32 + WORDS as u64 * 2 < Superacc::<POWER>::MAX_BITS / 32;
        (fits && words[0] & 1 == 1).then_some(Self { words, position: position as u32, negative: head & 1 == 1 })
    }
}

impl<const POWER: i64> ShortSum<POWER, 1> {
    /// What `encode` has written, of at most 64 bits, and nothing behind it.
    #[inline(always)]
    pub fn last(mut short: Short) -> Option<Self> {
        let (head, exponent) = short.u8_zigzag14()?;
        Self::new(head, exponent, [short.last(head >> 1)?])
    }
}

/// A sum in its stored form, checked: its bytes times 2^(position + UNIT).
#[derive(Default)]
pub struct Stored<'a, const POWER: i64> {
    bytes: &'a [u8],
    position: u32,
    negative: bool,
}

impl<const POWER: i64> Stored<'_, POWER> {
    pub fn is_zero(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Adds it without building it: to merge many stored sums takes no memory but the sum's own.
    #[inline]
    pub fn add_to(&self, sum: &mut Superacc<POWER>) -> Result<(), Error> {
        if self.bytes.is_empty() {
            return Ok(());
        }
        if sum.adds >= ADDS {
            sum.carry();
        }
        let (base, shift) = (self.position / 32, self.position % 32);
        let end = base + self.bytes.len().div_ceil(4) as u32 + 1;
        if sum.chunks.is_empty() || base < sum.base || end > sum.base + sum.chunks.len() as u32 {
            sum.cover(base, end);
        }
        let flip = -(self.negative as i64);
        let chunks = &mut sum.chunks[(base - sum.base) as usize..];
        for (at, four) in self.bytes.chunks(4).enumerate() {
            let word = match four.first_chunk() {
                Some(whole) => u32::from_le_bytes(*whole),
                None => four.iter().rev().fold(0, |word, byte| word << 8 | *byte as u32),
            };
            let wide = (word as u64) << shift;
            let (low, high) = ((wide & 0xffff_ffff) as i64, (wide >> 32) as i64);
            chunks[at] += (low ^ flip) - flip;
            chunks[at + 1] += (high ^ flip) - flip;
        }
        sum.adds += 1;
        // Only states that no rows made can come here.
        if end as u64 > Superacc::<POWER>::MAX_BITS / 32 { sum.check_range() } else { Ok(()) }
    }
}

impl Magnitude {
    fn bits(&self) -> u64 {
        self.limbs.last().map_or(0, |top| self.limbs.len() as u64 * 32 - top.leading_zeros() as u64)
    }
}

impl<const POWER: i64> PartialEq for Superacc<POWER> {
    fn eq(&self, other: &Self) -> bool {
        let (mut a, mut b) = (Vec::new(), Vec::new());
        self.encode(&mut a);
        other.encode(&mut b);
        a == b
    }
}

/// `limbs` * 2^exponent, plus something positive below its last bit if `sticky`, to the nearest double, ties to even; None if that is no finite double.
pub(super) fn round(negative: bool, limbs: &[u32], exponent: i64, sticky: bool) -> Option<f64> {
    let Some(top) = limbs.last() else {
        return Some(0.0);
    };
    let bits = limbs.len() as i64 * 32 - top.leading_zeros() as i64;
    let highest = exponent + bits - 1;
    if highest > 1023 {
        return None;
    }
    // The exponent of the result's last bit, and how many bits lie below it.
    let last = (highest - 52).max(UNIT);
    let dropped = last - exponent;
    let limb = |at: usize| limbs.get(at).copied().unwrap_or(0) as u64;
    let mut mantissa = if dropped <= 0 {
        (limb(0) | limb(1) << 32) << -dropped
    } else {
        let (at, shift) = (dropped as usize / 32, dropped % 32);
        let wide = limb(at) as u128 | (limb(at + 1) as u128) << 32 | (limb(at + 2) as u128) << 64;
        (wide >> shift) as u64
    };
    if dropped > 0 {
        let half = dropped as usize - 1;
        let is_half = limb(half / 32) >> (half % 32) & 1 == 1;
        let below = limb(half / 32) & ((1 << (half % 32)) - 1) != 0 || limbs.iter().take(half / 32).any(|l| *l != 0);
        if is_half && (sticky || below || mantissa & 1 == 1) {
            mantissa += 1;
        }
    }
    // A mantissa that rounds up to the next power of two carries into the exponent, as it should.
    let pattern = ((last - UNIT) as u64) << 52;
    let v = f64::from_bits(pattern + mantissa);
    v.is_finite().then_some(if negative { -v } else { v })
}
