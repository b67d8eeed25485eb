//! The one hash of stored states. XXH3 is frozen since its version 0.8.0, so states made on different servers,
//! majors and CPU types merge. It is not keyed: whoever chooses the values can bias a count.

/// Hash id 1 of the `uniq` format: XXH3, 64 bits, seed 0, over the canonical bytes of [`crate::canon`].
#[inline]
pub fn hash64(canonical: &[u8]) -> u64 {
    // Numbers and times are eight bytes; with the length known the hash is a few instructions.
    match <&[u8; 8]>::try_from(canonical) {
        Ok(eight) => hash64_of_8(*eight),
        Err(_) => hash64_of_any(canonical),
    }
}

fn hash64_of_any(canonical: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(canonical)
}

/// The same of eight bytes, as most values have: without what a hash of any length has to ask first.
#[inline]
pub fn hash64_of_8(canonical: [u8; 8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(&canonical)
}

/// XXH3, 128 bits, seed 0, over canonical bytes: for ids that are to be as good as unique.
pub fn hash128(canonical: &[u8]) -> u128 {
    xxhash_rust::xxh3::xxh3_128(canonical)
}

/// The same as a UUID of version 8 (RFC 9562): the hash's bytes from the highest on, but for the six bits that say so.
pub fn uuid8(canonical: &[u8]) -> [u8; 16] {
    let mut bytes = hash128(canonical).to_be_bytes();
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    bytes
}

/// XXH3, 128 bits, with a seed: for what is compared and forgotten. Never stored.
pub fn hash128_seeded(seed: u64, bytes: &[u8]) -> u128 {
    xxhash_rust::xxh3::xxh3_128_with_seed(bytes, seed)
}

#[cfg(test)]
mod tests {
    use super::{hash64, hash64_of_8, hash64_of_any};

    #[test]
    fn eight_bytes_hash_as_any() {
        for v in [0, 1, 42, -1, i64::MIN, i64::MAX, 0x7ff8 << 48].into_iter().chain((0..1000).map(|v: i64| v.wrapping_mul(0x5851_f42d_4c95_7f2d))) {
            let bytes = v.to_le_bytes();
            assert_eq!((hash64_of_8(bytes), hash64(&bytes)), (hash64_of_any(&bytes), hash64_of_any(&bytes)));
        }
    }
}
