//! Stored states of up to 16 bytes, as most sums are, read from two registers: no step waits for a branch that depends on how long
//! a number is. Whatever is unusual or wrong in them is left to [`crate::codec::Reader`], which knows how to say it.

/// What is left of a state's bytes, the first lowest; behind the end are zeros.
pub struct Short {
    low: u64,
    high: u64,
    /// Bits; negative once more has been read than there was.
    left: i32,
}

impl Short {
    #[inline(always)]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let n = bytes.len();
        // Two reads that may overlap.
        let (low, high) = if let (Some(first), Some(last), true) = (bytes.first_chunk(), bytes.last_chunk(), n <= 16) {
            let last = u64::from_le_bytes(*last);
            (u64::from_le_bytes(*first), if n == 8 { 0 } else { last >> (128 - n * 8) })
        } else if let (Some(first), Some(last), true) = (bytes.first_chunk(), bytes.last_chunk(), n < 8) {
            (u32::from_le_bytes(*first) as u64 | (u32::from_le_bytes(*last) as u64) << (n * 8 - 32), 0)
        } else {
            return None;
        };
        Some(Self { low, high, left: n as i32 * 8 })
    }

    /// From 1 to 64 bits. A shift by 64 is one by 63 and one by 1.
    #[inline(always)]
    fn skip(&mut self, bits: u32) {
        self.low = self.low >> (bits - 1) >> 1 | self.high << (64 - bits);
        self.high = self.high >> (bits - 1) >> 1;
        self.left -= bits as i32;
    }

    #[inline(always)]
    pub fn u8(&mut self) -> u8 {
        let byte = self.low as u8;
        self.skip(8);
        byte
    }

    /// A varint of one byte.
    #[inline(always)]
    pub fn small(&mut self) -> Option<u8> {
        let byte = self.u8();
        (byte < 0x80).then_some(byte)
    }

    /// A varint of up to eight bytes.
    #[inline(always)]
    pub fn varint(&mut self) -> Option<u64> {
        let low = self.low;
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

    /// A varint of up to fifteen bytes.
    #[inline(always)]
    pub fn varint128(&mut self) -> Option<u128> {
        if !self.low & STOPS != 0 {
            return Some(self.varint()? as u128);
        }
        let low = squeezed(self.low);
        self.skip(64);
        match self.varint()? {
            0 => None,
            high => Some((high as u128) << 56 | low as u128),
        }
    }

    #[inline(always)]
    pub fn zigzag(&mut self) -> Option<i64> {
        let v = self.varint()?;
        Some((v >> 1) as i64 ^ -((v & 1) as i64))
    }

    #[inline(always)]
    pub fn zigzag128(&mut self) -> Option<i128> {
        let v = self.varint128()?;
        Some((v >> 1) as i128 ^ -((v & 1) as i128))
    }

    /// All there is left: so many bytes, at most eight, of which the last is not 0.
    #[inline(always)]
    pub fn last(self, bytes: u8) -> Option<u64> {
        let number = self.low;
        let exact = (1..=8).contains(&bytes) && self.left == bytes as i32 * 8;
        (exact && number.leading_zeros() / 8 == 8 - bytes as u32).then_some(number)
    }

    #[inline(always)]
    pub fn is_done(&self) -> bool {
        self.left == 0
    }
}

const STOPS: u64 = 0x8080_8080_8080_8080;

/// The lower seven bits of each of eight bytes.
#[inline(always)]
fn squeezed(v: u64) -> u64 {
    let v = v & 0x007f_007f_007f_007f | (v & 0x7f00_7f00_7f00_7f00) >> 1;
    let v = v & 0x0000_3fff_0000_3fff | (v & 0x3fff_0000_3fff_0000) >> 2;
    v & 0x0fff_ffff | (v & 0x0fff_ffff_0000_0000) >> 4
}

#[cfg(test)]
mod tests {
    use super::Short;
    use crate::codec::{Reader, put_varint, put_varint128};

    /// Numbers of every length, at both ends of it.
    fn numbers() -> impl Iterator<Item = u128> {
        (0..19).flat_map(|n| [0, 1, 5].map(|d| (1u128 << (n * 7)).wrapping_add(d).wrapping_sub(2) & u128::MAX >> 1))
    }

    #[test]
    fn reads_as_the_reader_does() {
        for (before, v, after) in numbers().flat_map(|v| [(0usize, v, 0usize), (1, v, 0), (3, v, 2), (0, v, 6)]) {
            let mut bytes = vec![0x55; before];
            put_varint128(v, &mut bytes);
            let len = bytes.len() - before;
            bytes.extend(vec![0xff; after]);
            let Some(mut short) = Short::new(&bytes) else {
                assert!(!(4..=16).contains(&bytes.len()));
                continue;
            };
            (0..before).for_each(|_| assert_eq!(short.u8(), 0x55));
            assert_eq!(short.varint128(), (len <= 16).then_some(v), "{bytes:x?}");
            assert_eq!(short.is_done(), after == 0);
        }
    }

    #[test]
    fn refuses_what_the_reader_refuses() {
        let mut seen = [0; 2];
        // Four bytes in all combinations of what decides: stops, zeros, and others, with and without more behind them.
        for n in 0..4u32.pow(5) {
            let mut bytes: Vec<u8> = (0..5).map(|at| [0x00, 0x80, 0x7f, 0xff][(n >> (at * 2) & 3) as usize]).collect();
            for _ in 0..4 {
                bytes.insert(0, 0x80);
                let mut reader = Reader::new(&bytes, "number");
                let expected = reader.varint().ok();
                let left = reader.rest().len() as i32;
                let mut short = Short::new(&bytes).unwrap();
                match (short.varint(), expected) {
                    (Some(v), Some(expected)) => {
                        assert_eq!((v, short.left), (expected, left * 8), "{bytes:x?}");
                        seen[0] += 1;
                    }
                    // At the end zeros follow, which make a number that is cut off one that is not in its shortest form.
                    (None, None) => seen[1] += 1,
                    (None, Some(v)) => assert!(v >> 56 != 0, "{bytes:x?}"),
                    (Some(_), None) => panic!("{bytes:x?}"),
                }
            }
        }
        assert!(seen.iter().all(|n| *n > 100), "{seen:?}");
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
