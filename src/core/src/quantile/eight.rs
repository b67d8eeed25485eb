//! Eight bytes of encoded bins at once, as one word: no step waits for a branch on what sort of byte comes next.

/// The lowest bit of every byte.
const ONE: u64 = 0x0101_0101_0101_0101;

/// What eight bytes add to which bins.
pub struct Eight {
    /// For each byte how far its bin is from the one before the eight.
    pub places: [u8; 8],
    /// For each byte how many values it adds to its bin.
    pub counts: [u8; 8],
    /// How many bytes they are: the last of the eight may begin a bin whose end is behind it, and then counts nothing.
    pub bytes: usize,
    /// How many bins they are.
    pub bins: usize,
    /// How many values they are.
    pub values: u64,
}

impl Eight {
    /// None if a number has more than a byte, if bins are far apart, or in the rare case that it would take long to tell bytes that begin a
    /// bin from those that end one. The first byte begins one.
    #[inline]
    pub fn read(bytes: [u8; 8]) -> Option<Self> {
        let word = u64::from_le_bytes(bytes);
        // Whether a byte has the form of one that another follows; it may be that other itself.
        let long = word & (word >> 1) & ONE;
        let mut ends = long << 8;
        for _ in 0..2 {
            ends = (long & !ends) << 8;
        }
        let begins = long & !ends;
        let mut all = u64::MAX;
        if begins >> 56 != 0 {
            all >>= 8;
        }
        let each = |bits: u64| bits * 0xff;
        let (odd, end) = (each(word & ONE & !ends), each(ends));
        let next = !odd & !end;
        let steps = ((odd & (((word >> 2) & (ONE * 0x1f)) + ONE * 2)) | (next & ONE)) & all;
        let counts = (odd & (begins + ONE) | next & (((word >> 1) & (ONE * 0x3f)) + ONE) | end & word) & all;
        // Eight steps of 31 are the most that a byte holds.
        if word & (ONE * 0x80) != 0 || begins << 8 != ends || steps & (ONE * 0xe0) != 0 {
            return None;
        }
        let bytes = 8 - (begins >> 56) as usize;
        let pairs = (counts & 0x00ff_00ff_00ff_00ff) + ((counts >> 8) & 0x00ff_00ff_00ff_00ff);
        Some(Self {
            places: steps.wrapping_mul(ONE).to_le_bytes(),
            counts: counts.to_le_bytes(),
            bytes,
            // A sum of bytes: how many bits are set is a call on baseline x86-64.
            bins: bytes - (ends.wrapping_mul(ONE) >> 56) as usize,
            values: pairs.wrapping_mul(0x0001_0001_0001_0001) >> 48,
        })
    }
}

/// When to try eight bytes. Where it did not go, the next ones seldom do: after each failure so many more bins are read one by one.
#[derive(Clone, Copy, Default)]
pub struct Eights {
    /// Bins to be read one by one.
    wait: u32,
    failures: u32,
}

impl Eights {
    /// To be asked for every bin; counts as a failure until it is said to have succeeded.
    #[inline]
    pub fn are_due(&mut self) -> bool {
        if self.wait > 0 {
            self.wait -= 1;
            return false;
        }
        self.wait = 4 << self.failures;
        self.failures = (self.failures + 1).min(8);
        true
    }

    #[inline]
    pub fn succeeded(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The bins one after the other: distance from the one before the first, and count.
    fn plain(bytes: &[u8]) -> Vec<(u8, u64)> {
        let (mut bins, mut at, mut rest) = (vec![], 0, bytes.iter());
        while let Some(v) = rest.next() {
            let (step, count) = match v & 3 {
                3 => ((v >> 2) + 2, rest.next().map(|more| *more as u64 + 2)),
                1 => ((v >> 2) + 2, Some(1)),
                _ => (1, Some((v >> 1) as u64 + 1)),
            };
            at += step;
            bins.extend(count.map(|count| (at, count)));
        }
        bins
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn eight_at_once_are_eight_in_a_row(bytes in any::<[u8; 8]>(), mask in prop_oneof![Just(0xff), Just(0x7f), Just(0x3f), Just(0x1f)]) {
            let bytes = bytes.map(|byte| byte & mask);
            let Some(eight) = Eight::read(bytes) else { return Ok(()) };
            let mut bins: Vec<(u8, u64)> = vec![];
            for (place, count) in eight.places.into_iter().zip(eight.counts) {
                match bins.last_mut() {
                    Some(last) if last.0 == place => last.1 += count as u64,
                    _ => bins.push((place, count as u64)),
                }
            }
            prop_assert_eq!(&bins, &plain(&bytes[..eight.bytes]));
            prop_assert_eq!(bins.len(), eight.bins);
            prop_assert_eq!(bins.iter().map(|bin| bin.1).sum::<u64>(), eight.values);
        }
    }

    #[test]
    fn most_bytes_can_be_read_so() {
        assert!(Eight::read([0; 8]).is_some() && Eight::read([3, 0, 3, 3, 2, 1, 0, 3]).is_some());
        assert!(Eight::read([3; 8]).is_none() && Eight::read([0, 0, 0, 0x80, 0, 0, 0, 0]).is_none());
    }
}
