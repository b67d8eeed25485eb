//! Stored states that are numbers and nothing else behind their first two bytes, and few bytes in all: sums and variances of rows that
//! are not many. Of all bytes at once the seven bits are put side by side; then no number waits for the one before it but for where
//! that ends.

use super::short::{Numbers, STOPS, squeezed};

/// Up to 16 bytes of varints, or up to 8. All that begin are in their shortest form.
pub struct Septets<const WIDE: bool> {
    /// Seven of each byte.
    bits: u128,
    /// Where numbers stop: the highest bit of such a byte; or, of more than eight bytes, a bit for each.
    stops: u64,
    /// Bits that have been read, and bits that there are.
    at: u32,
    end: u32,
}

/// The highest bits of eight bytes, side by side.
#[inline(always)]
fn gathered(v: u64) -> u64 {
    (v & STOPS).wrapping_shr(7).wrapping_mul(0x0102_0408_1020_4080) >> 56
}

/// The highest bit of each of eight bytes: whether it is a zero with which a longer number stops. `before` is the byte before them.
#[inline(always)]
fn padded(v: u64, before: u64) -> u64 {
    !(v | ((v & !STOPS) + !STOPS)) & (v << 8 | before) & STOPS
}

impl Septets<false> {
    /// Of a state of 4 to 10 bytes what stands behind the first two.
    #[inline(always)]
    pub fn behind_two(bytes: &[u8]) -> Option<Self> {
        let n = bytes.len();
        let word = if let (Some(last), true) = (bytes.last_chunk(), n <= 10) {
            u64::from_le_bytes(*last) >> (80 - n * 8)
        } else if let (Some(first), Some(last), true) = (bytes.first_chunk(), bytes.last_chunk(), n < 8) {
            // Two reads that may overlap.
            (u32::from_le_bytes(*first) as u64 | (u32::from_le_bytes(*last) as u64) << (n * 8 - 32)) >> 16
        } else {
            return None;
        };
        Self::new(word, 0, n)
    }
}

impl Septets<true> {
    /// Of a state of 11 to 18 bytes what stands behind the first two.
    #[inline(always)]
    pub fn behind_two(bytes: &[u8]) -> Option<Self> {
        let n = bytes.len();
        let (low, high) = (bytes.get(2..)?.first_chunk()?, bytes.last_chunk()?);
        if !(11..=18).contains(&n) {
            return None;
        }
        Self::new(u64::from_le_bytes(*low), u64::from_le_bytes(*high) >> (144 - n * 8), n)
    }
}

impl<const WIDE: bool> Septets<WIDE> {
    /// The bytes behind the end are zeros, so that a number that is cut off is not in its shortest form.
    #[inline(always)]
    fn new(low: u64, high: u64, n: usize) -> Option<Self> {
        let (mut bits, mut stops, mut padded_in) = (squeezed(low) as u128, !low & STOPS, padded(low, 0));
        if WIDE {
            bits |= (squeezed(high) as u128) << 56;
            stops = gathered(!low) | gathered(!high) << 8;
            padded_in |= padded(high, low >> 56);
        }
        (padded_in == 0).then_some(Self { bits, stops, at: 0, end: n as u32 * 7 - 14 })
    }
}

impl<const WIDE: bool> Numbers for Septets<WIDE> {
    #[inline(always)]
    fn varint(&mut self) -> Option<u64> {
        u64::try_from(self.varint128()?).ok()
    }

    #[inline(always)]
    fn varint128(&mut self) -> Option<u128> {
        if self.stops == 0 {
            return None;
        }
        let stop = self.stops.trailing_zeros();
        let (from, to) = (self.at, if WIDE { stop * 7 + 7 } else { stop - stop / 8 });
        self.stops &= self.stops - 1;
        self.at = to;
        // What is said of 64 bits costs a third.
        Some(if WIDE { (self.bits & !(u128::MAX << to)) >> from } else { ((self.bits as u64 & !(u64::MAX << to)) >> from) as u128 })
    }

    #[inline(always)]
    fn is_done(&self) -> bool {
        self.at == self.end
    }
}

#[cfg(test)]
mod tests {
    use super::{Numbers, Septets};
    use crate::codec::{Reader, put_varint128};

    /// All numbers that there are; None if the bytes are anything else.
    fn all(mut numbers: impl Numbers) -> Option<Vec<u128>> {
        let mut all = vec![];
        while !numbers.is_done() {
            all.push(numbers.varint128()?);
        }
        Some(all)
    }

    fn read(bytes: &[u8]) -> Option<Vec<u128>> {
        let narrow = Septets::<false>::behind_two(bytes);
        let wide = Septets::<true>::behind_two(bytes);
        assert!(narrow.is_none() || wide.is_none());
        narrow.map_or_else(|| wide.and_then(all), all)
    }

    fn expected(bytes: &[u8]) -> Option<Vec<u128>> {
        let mut reader = Reader::new(&bytes[2..], "number");
        let mut all = vec![];
        while !reader.is_done() {
            all.push(reader.varint128().ok()?);
        }
        Some(all)
    }

    #[test]
    fn numbers_are_read_as_the_reader_does() {
        let mut seen = [0; 19];
        for seed in 0..200_000u128 {
            let mut bytes = vec![0xff, 0x80];
            let mut random = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
            while bytes.len() < 4 + seed as usize % 12 {
                put_varint128(random >> (16 + random % 112), &mut bytes);
                random = random.rotate_left(43) ^ seed;
            }
            let read = read(&bytes);
            assert_eq!(read, expected(&bytes).filter(|_| bytes.len() <= 18), "{bytes:x?}");
            seen[bytes.len().min(18)] += read.is_some() as u32;
        }
        assert!(seen[4..].iter().all(|n| *n > 300), "{seen:?}");
    }

    #[test]
    fn whatever_the_reader_refuses_is_refused() {
        let (mut taken, mut refused) = (0, 0);
        for n in 0..4u32.pow(8) {
            // Eight bytes in all combinations of what decides, and as many ones before them as there is room for.
            let decides = (0..8).map(|at| [0x00, 0x80, 0x7f, 0xff][(n >> (at * 2) & 3) as usize]);
            for ones in [0, n as usize % 9] {
                let bytes: Vec<u8> = [1, 1].into_iter().chain(vec![1; ones]).chain(decides.clone()).collect();
                let read = read(&bytes);
                assert_eq!(read, expected(&bytes), "{bytes:x?}");
                *if read.is_some() { &mut taken } else { &mut refused } += 1;
            }
        }
        assert!(taken > 1000 && refused > 1000, "{taken} {refused}");
    }
}
