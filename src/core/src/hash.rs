//! The one hash of stored states. XXH3 is frozen since its version 0.8.0, so states made on different servers,
//! majors and CPU types merge. It is not keyed: whoever chooses the values can bias a count.

/// Hash id 1 of the `uniq` format: XXH3, 64 bits, seed 0, over the canonical bytes of [`crate::canon`].
pub fn hash64(canonical: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(canonical)
}
