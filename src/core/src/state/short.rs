//! Stored states as most are, read with few branches on how long a number is: those of up to 16 bytes from two registers, longer ones
//! through windows of eight bytes. Whatever is unusual or wrong in them is left to
//! [`crate::codec::Reader`], which knows how to say it.

/// For the `State` of a type that has `merge_short`, the short way, which takes some bytes, and `merge_any`, which takes all: reading is
/// merging into nothing. `merge_short::<GROW>` allocates only if it may grow.
macro_rules! merged_as_stored {
    () => {
        #[inline]
        fn merge_bytes(&mut self, bytes: &[u8]) -> Result<(), Error> {
            match self.merge_short::<true>(bytes) {
                Some(()) => Ok(()),
                None => self.merge_any(bytes),
            }
        }

        #[inline(always)]
        fn merge_in_place(&mut self, bytes: &[u8]) -> bool {
            self.merge_short::<false>(bytes).is_some()
        }

        fn decode(bytes: &[u8]) -> Result<Self, Error> {
            let mut state = Self::default();
            state.merge_bytes(bytes)?;
            Ok(state)
        }
    };
}
pub(super) use merged_as_stored;

/// Numbers from what is left of a state's bytes.
pub trait Numbers {
    /// A varint of up to eight bytes at least.
    fn varint(&mut self) -> Option<u64>;
    /// A varint of up to sixteen bytes.
    fn varint128(&mut self) -> Option<u128>;
    fn is_done(&self) -> bool;

    /// A varint of one byte.
    #[inline(always)]
    fn small(&mut self) -> Option<u8> {
        self.varint().filter(|number| *number < 0x80).map(|number| number as u8)
    }

    #[inline(always)]
    fn zigzag(&mut self) -> Option<i64> {
        let v = self.varint()?;
        Some((v >> 1) as i64 ^ -((v & 1) as i64))
    }

    #[inline(always)]
    fn zigzag128(&mut self) -> Option<i128> {
        let v = self.varint128()?;
        Some((v >> 1) as i128 ^ -((v & 1) as i128))
    }
}

/// What is left of a state's bytes.
pub trait Words {
    /// The next eight bytes, the first lowest.
    fn low(&self) -> u64;
    /// From 1 to 64 bits, whole bytes.
    fn skip(&mut self, bits: u32);
    fn is_at_end(&self) -> bool;

    #[inline(always)]
    fn u8(&mut self) -> u8 {
        let byte = self.low() as u8;
        self.skip(8);
        byte
    }

    /// A byte, and behind it a zigzag varint of one or two bytes.
    #[inline(always)]
    fn u8_zigzag14(&mut self) -> Option<(u8, i64)> {
        let low = self.low();
        let second = low >> 15 & 1;
        self.skip(16 + 8 * second as u32);
        let rest = (low >> 16 & 0xff) * second;
        let v = low >> 8 & 0x7f | rest << 7;
        (rest < 0x80 && rest >= second).then_some((low as u8, (v >> 1) as i64 ^ -((v & 1) as i64)))
    }

}

impl<W: Words> Numbers for W {
    #[inline(always)]
    fn small(&mut self) -> Option<u8> {
        let byte = self.u8();
        (byte < 0x80).then_some(byte)
    }

    #[inline(always)]
    fn varint(&mut self) -> Option<u64> {
        let low = self.low();
        let stops = !low & STOPS;
        if stops == 0 {
            return None;
        }
        let bits = stops.trailing_zeros() + 1;
        let number = low & u64::MAX >> (64 - bits);
        self.skip(bits);
        // Only the number 0 ends with a byte of zeros.
        (bits == 8 || number >> (bits - 8) != 0).then(|| squeezed(number))
    }

    #[inline(always)]
    fn varint128(&mut self) -> Option<u128> {
        let low = self.low();
        if !low & STOPS != 0 {
            return Some(self.varint()? as u128);
        }
        self.skip(64);
        match self.varint()? {
            0 => None,
            high => Some((high as u128) << 56 | squeezed(low) as u128),
        }
    }

    #[inline(always)]
    fn is_done(&self) -> bool {
        self.is_at_end()
    }
}

/// A state of 4 to 16 bytes.
pub struct Short {
    low: u64,
    high: u64,
    /// The last eight bytes; of fewer the first are zeros.
    end: u64,
    /// Bits; negative once more has been read than there was.
    left: i32,
}

impl Short {
    #[inline(always)]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let n = bytes.len();
        // Two reads that may overlap.
        let (low, high, end) = if let (Some(first), Some(last), true) = (bytes.first_chunk(), bytes.last_chunk(), n <= 16) {
            let last = u64::from_le_bytes(*last);
            (u64::from_le_bytes(*first), if n == 8 { 0 } else { last >> (128 - n * 8) }, last)
        } else if let (Some(first), Some(last), true) = (bytes.first_chunk(), bytes.last_chunk(), n < 8) {
            let all = u32::from_le_bytes(*first) as u64 | (u32::from_le_bytes(*last) as u64) << (n * 8 - 32);
            (all, 0, all << (64 - n * 8))
        } else {
            return None;
        };
        Some(Self { low, high, end, left: n as i32 * 8 })
    }

    /// All there is left: so many bytes, at most eight, of which the last is not 0.
    #[inline(always)]
    pub fn last(self, bytes: u8) -> Option<u64> {
        let exact = (1..=8).contains(&bytes) && self.left == bytes as i32 * 8;
        // From where they stand: what comes before them need not be known for that.
        (exact && self.end >> 56 != 0).then(|| self.end >> (64 - bytes as u32 * 8))
    }
}

impl Words for Short {
    #[inline(always)]
    fn low(&self) -> u64 {
        self.low
    }

    /// A shift by 64 is one by 63 and one by 1.
    #[inline(always)]
    fn skip(&mut self, bits: u32) {
        self.low = self.low >> (bits - 1) >> 1 | self.high << (64 - bits);
        self.high = self.high >> (bits - 1) >> 1;
        self.left -= bits as i32;
    }

    #[inline(always)]
    fn is_at_end(&self) -> bool {
        self.left == 0
    }
}

/// A state of eight bytes and more. Behind the end is anything: who reads there is never done.
pub struct Wide<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// The lower so many bytes.
const KEEP: [u64; 9] = [0, 0xff, 0xffff, 0xff_ffff, 0xffff_ffff, 0xff_ffff_ffff, 0xffff_ffff_ffff, 0xff_ffff_ffff_ffff, u64::MAX];

impl<'a> Wide<'a> {
    #[inline(always)]
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        (bytes.len() >= 8).then_some(Self { bytes, at: 0 })
    }

    /// What stands behind the first two bytes.
    #[inline(always)]
    pub fn behind_two(bytes: &'a [u8]) -> Option<Self> {
        (bytes.len() >= 8).then_some(Self { bytes, at: 2 })
    }

    #[inline(always)]
    fn word(&self, at: usize) -> u64 {
        if let Some(window) = self.bytes.get(at..).and_then(|rest| rest.first_chunk()) {
            return u64::from_le_bytes(*window);
        }
        // The last window ends with the bytes.
        let before = at.wrapping_add(8).wrapping_sub(self.bytes.len());
        self.bytes.last_chunk().map_or(0, |window| u64::from_le_bytes(*window).wrapping_shr(before as u32 * 8))
    }

    /// So many bytes, which must be there, the last of them not 0.
    #[inline(always)]
    pub fn magnitude<const WORDS: usize>(&mut self, bytes: u8) -> Option<[u64; WORDS]> {
        let (at, len) = (self.at, bytes as usize);
        if len.wrapping_sub(1) >= WORDS * 8 || *self.bytes.get(at + len - 1)? == 0 {
            return None;
        }
        self.at += len;
        let mut words = [0; WORDS];
        for (i, word) in words.iter_mut().enumerate() {
            *word = self.word(at + i * 8) & KEEP[len.saturating_sub(i * 8).min(8)];
        }
        Some(words)
    }
}

impl Words for Wide<'_> {
    #[inline(always)]
    fn low(&self) -> u64 {
        self.word(self.at)
    }

    #[inline(always)]
    fn skip(&mut self, bits: u32) {
        self.at += bits as usize / 8;
    }

    #[inline(always)]
    fn is_at_end(&self) -> bool {
        self.at == self.bytes.len()
    }
}

/// What says of each of eight bytes that more follow.
pub const STOPS: u64 = 0x8080_8080_8080_8080;

/// The lower seven bits of each of eight bytes.
#[inline(always)]
pub fn squeezed(v: u64) -> u64 {
    let v = v & 0x007f_007f_007f_007f | (v & 0x7f00_7f00_7f00_7f00) >> 1;
    let v = v & 0x0000_3fff_0000_3fff | (v & 0x3fff_0000_3fff_0000) >> 2;
    v & 0x0fff_ffff | (v & 0x0fff_ffff_0000_0000) >> 4
}

#[cfg(test)]
mod tests {
    use super::{Numbers, Short, Wide, Words};
    use crate::codec::{Reader, put_varint, put_varint128};

    /// Numbers of every length, at both ends of it.
    fn numbers() -> impl Iterator<Item = u128> {
        (0..19).flat_map(|n| [0, 1, 5].map(|d| (1u128 << (n * 7)).wrapping_add(d).wrapping_sub(2) & u128::MAX >> 1))
    }

    /// The bytes that are left.
    fn left(mut words: impl Words) -> usize {
        (0..64).find(|_| words.is_done() || { words.skip(8); false }).unwrap_or(usize::MAX)
    }

    #[test]
    fn two_bytes_are_read_as_the_reader_does() {
        for pair in 0..=u16::MAX {
            let [first, second] = pair.to_le_bytes();
            let bytes = [0x55, first, second, 1, 1, 1, 1, 1, 1, 1];
            let mut reader = Reader::new(&bytes[1..], "number");
            let expected = reader.zigzag().ok().filter(|_| reader.rest().len() >= 7).map(|number| (0x55, number));
            let (mut short, mut wide) = (Short::new(&bytes).unwrap(), Wide::new(&bytes).unwrap());
            assert_eq!([short.u8_zigzag14(), wide.u8_zigzag14()], [expected; 2], "{bytes:x?}");
            assert!(expected.is_none() || [left(short), left(wide)] == [reader.rest().len(); 2]);
        }
    }

    fn reads_number(mut words: impl Words, before: usize, expected: Option<u128>, after: usize, bytes: &[u8]) {
        (0..before).for_each(|_| assert_eq!(words.u8(), 0x55));
        assert_eq!(words.varint128(), expected, "{bytes:x?}");
        assert!(expected.is_none() || left(words) == after);
    }

    #[test]
    fn reads_as_the_reader_does() {
        let mut seen = [0; 2];
        for (before, v, after) in numbers().flat_map(|v| [(0, v, 0), (1, v, 0), (3, v, 2), (0, v, 6), (9, v, 1), (5, v, 20)]) {
            let mut bytes = vec![0x55; before];
            put_varint128(v, &mut bytes);
            let expected = (bytes.len() - before <= 16).then_some(v);
            bytes.extend(vec![0xff; after]);
            match Short::new(&bytes) {
                Some(short) => reads_number(short, before, expected, after, &bytes),
                None => assert!(!(4..=16).contains(&bytes.len())),
            }
            seen[0] += Short::new(&bytes).is_some() as u32;
            match Wide::new(&bytes) {
                Some(wide) => reads_number(wide, before, expected, after, &bytes),
                None => assert!(bytes.len() < 8),
            }
            seen[1] += Wide::new(&bytes).is_some() as u32;
        }
        assert!(seen.iter().all(|n| *n > 100), "{seen:?}");
    }

    /// Whether it is a number.
    fn judges_as_the_reader_does(mut words: impl Words, bytes: &[u8]) -> bool {
        let mut reader = Reader::new(bytes, "number");
        let expected = reader.varint().ok();
        match (words.varint(), expected) {
            (Some(v), Some(expected)) => assert_eq!((v, left(words)), (expected, reader.rest().len()), "{bytes:x?}"),
            // At the end zeros follow, which make a number that is cut off one that is not in its shortest form.
            (None, None) => {}
            (None, Some(v)) => assert!(v >> 56 != 0, "{bytes:x?}"),
            (Some(_), None) => panic!("{bytes:x?}"),
        }
        expected.is_some()
    }

    #[test]
    fn refuses_what_the_reader_refuses() {
        let mut seen = [[0; 2]; 2];
        // Four bytes in all combinations of what decides: stops, zeros, and others, with and without more behind them.
        for n in 0..4u32.pow(5) {
            let mut bytes: Vec<u8> = (0..5).map(|at| [0x00, 0x80, 0x7f, 0xff][(n >> (at * 2) & 3) as usize]).collect();
            for _ in 0..6 {
                bytes.insert(0, 0x80);
                let number = judges_as_the_reader_does(Short::new(&bytes).unwrap(), &bytes);
                seen[0][number as usize] += 1;
                if let Some(wide) = Wide::new(&bytes) {
                    seen[1][judges_as_the_reader_does(wide, &bytes) as usize] += 1;
                }
            }
        }
        assert!(seen.as_flattened().iter().all(|n| *n > 100), "{seen:?}");
    }

    #[test]
    fn a_magnitude_is_all_there_and_in_its_shortest_form() {
        let bytes: Vec<u8> = (0..40).map(|n| if n == 30 { 0 } else { n }).collect();
        for (at, len) in (1..40usize).flat_map(|at| (0..40).map(move |len| (at, len))) {
            let mut wide = Wide { bytes: &bytes, at };
            let there = len > 0 && len <= 24 && at + len <= 40 && at + len - 1 != 30;
            let mut expected = [0u8; 24];
            if there {
                expected[..len].copy_from_slice(&bytes[at..at + len]);
            }
            let words = wide.magnitude::<3>(len as u8).map(|words| words.map(u64::to_le_bytes));
            assert_eq!(words.as_ref().map(|words| words.as_flattened()), there.then_some(&expected[..]), "{at} {len}");
            assert_eq!(wide.at, if there { at + len } else { at });
        }
    }

    #[test]
    fn the_last_bytes_are_all_there_is() {
        let mut bytes = vec![7, 7, 7];
        put_varint(300, &mut bytes);
        bytes.extend([1, 2, 3]);
        let at = |skip: usize| {
            let mut short = Short::new(&bytes).unwrap();
            (0..skip).for_each(|_| assert_ne!(short.u8(), 0));
            short
        };
        assert_eq!(at(5).last(3), Some(0x03_02_01));
        assert_eq!([at(5).last(2), at(5).last(4), at(4).last(3), at(8).last(0)], [None; 4]);
        assert_eq!(Short::new(&[1, 1, 1, 1, 0]).unwrap().last(5), None);
        assert!(Short::new(&[1; 3]).is_none() && Short::new(&[1; 17]).is_none());
        assert_eq!(Short::new(&[0xff; 8]).unwrap().last(8), Some(u64::MAX));
    }
}
