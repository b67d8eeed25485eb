//! What a hash becomes: a sparse code of 25 index bits, or a register's index and value.
//!
//! In memory a code is a *key*: index << 7, and if the index bits behind the first p are all zero (a *rare* code, one of 2^(25-p)),
//! also rho << 1 | 1, where rho counts from the 26th bit of the hash. Whether a code is rare follows from its index, so that
//! keys sort by index, and two keys of one index differ in rho only. The crate `hyperloglogplus` has the same codes, with
//! index << 1 for those that are not rare; that is the form of the bytes.

/// Bits of the index in a sparse code.
pub const INDEX_BITS: u32 = 25;
/// The largest rho of a rare code: all 39 bits behind the index are zero.
pub const MAX_RHO: u32 = 64 - INDEX_BITS + 1;

#[inline]
pub fn is_rare(index: u32, p: u8) -> bool {
    index & ((1 << (INDEX_BITS - p as u32)) - 1) == 0
}

#[inline]
pub fn key_of_hash(h: u64, p: u8) -> u32 {
    let index = (h >> (64 - INDEX_BITS)) as u32;
    if is_rare(index, p) {
        let rho = 1 + (h << INDEX_BITS | 1 << (INDEX_BITS - 1)).leading_zeros();
        index << 7 | rho << 1 | 1
    } else {
        index << 7
    }
}

#[inline(always)]
pub fn register_of_hash(h: u64, p: u8) -> (usize, u8) {
    let rho = 1 + (h << p | 1 << (p - 1)).leading_zeros();
    ((h >> (64 - p)) as usize, rho as u8)
}

#[inline]
pub fn register_of_key(key: u32, p: u8) -> (usize, u8) {
    let value = if key & 1 == 1 { (key >> 1 & 63) + INDEX_BITS - p as u32 } else { (key << p).leading_zeros() + 1 };
    ((key >> (32 - p as u32)) as usize, value as u8)
}

/// The key that the same hash has at the lower precision `p`.
#[inline]
pub fn fold_key(key: u32, p: u8) -> u32 {
    if is_rare(key >> 7, p) { key } else { key & !0x7f }
}

pub fn key_to_code(key: u32) -> u32 {
    if key & 1 == 1 { key } else { key >> 6 }
}

/// None if no hash has this code.
pub fn code_to_key(code: u32, p: u8) -> Option<u32> {
    if code & 1 == 1 { rare_key(code >> 7, code >> 1 & 63, p) } else { common_key(code >> 1, p) }
}

#[inline]
pub fn common_key(index: u32, p: u8) -> Option<u32> {
    (index >> INDEX_BITS == 0 && !is_rare(index, p)).then_some(index << 7)
}

pub fn rare_key(index: u32, rho: u32, p: u8) -> Option<u32> {
    let valid = index >> INDEX_BITS == 0 && is_rare(index, p) && (1..=MAX_RHO).contains(&rho);
    valid.then_some(index << 7 | rho << 1 | 1)
}
