//! The one hash of stored states. XXH3 is frozen since its version 0.8.0, so states made on different servers,
//! majors and CPU types merge. It is not keyed: whoever chooses the values can bias a count.

/// Hash id 1 of the `uniq` format: XXH3, 64 bits, seed 0, over the canonical bytes of [`crate::canon`].
pub fn hash64(canonical: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(canonical)
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
