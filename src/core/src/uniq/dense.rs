//! Registers, one byte each. The loops are written so that the compiler vectorises them, for each width that [`widest`] chooses from.

use super::code;
use crate::wide::widest;

/// The largest value of a register of precision `p`.
pub fn max_value(p: u8) -> u8 {
    65 - p
}

/// Raises the registers that the indexes have. Says whether any of them is rare; then the registers are of no meaning.
#[inline]
pub fn raise_indexes(registers: &mut [u8], indexes: &[u32], p: u8) -> bool {
    macro_rules! of_precision {
        ($($p:literal)*) => {
            match p {
                $($p => widest(#[inline(always)] || raise_indexes_of::<$p>(registers, indexes)),)*
                _ => unreachable!("a precision of 10 to 18"),
            }
        };
    }
    of_precision!(10 11 12 13 14 15 16 17 18)
}

/// Every shift is known, and the number of registers.
#[inline(always)]
fn raise_indexes_of<const P: u32>(registers: &mut [u8], indexes: &[u32]) -> bool {
    let Some(registers) = registers.get_mut(..1 << P) else { return false };
    let below = code::INDEX_BITS - P;
    let mut all = 0;
    for run in indexes.chunks(64) {
        // A float's exponent is the place of the highest bit: several at once. That of zero, which is what a rare index has there, is so low
        // that the value has a bit that no other has.
        let mut values = [0; 64];
        for (value, index) in values.iter_mut().zip(run) {
            let rest = (index & ((1 << below) - 1)) as i32 as f32;
            *value = (127 + below - (rest.to_bits() >> 23)) as u8;
            all |= *value;
        }
        for (value, index) in values.iter().zip(run) {
            let register = &mut registers[(index >> below) as usize & ((1 << P) - 1)];
            *register = (*register).max(*value);
        }
    }
    all >= 0x80
}

#[inline(always)]
pub fn raise(registers: &mut [u8], index: usize, value: u8) {
    // Always written: whether a value is greater has no pattern while a state is young.
    if let Some(register) = registers.get_mut(index) {
        *register = (*register).max(value);
    }
}

#[inline]
pub fn raise_key(registers: &mut [u8], key: u32, p: u8) {
    let (index, value) = code::register_of_key(key, p);
    raise(registers, index, value);
}

pub fn raise_all(registers: &mut [u8], other: &[u8]) {
    widest(
        #[inline(always)]
        || {
            for (a, b) in registers.iter_mut().zip(other) {
                *a = (*a).max(*b);
            }
        },
    );
}

/// The registers that the same hashes give at the lower precision `to`.
pub fn fold(registers: &[u8], from: u8, to: u8) -> Vec<u8> {
    let bits = (from - to) as u32;
    let mut folded = Vec::with_capacity(1 << to);
    for run in registers.chunks(1 << bits) {
        // The index bits that are dropped become the first bits of what rho counts.
        let first = if run[0] > 0 { run[0] + bits as u8 } else { 0 };
        let rest = run.iter().enumerate().skip(1).filter(|(_, v)| **v > 0);
        folded.push(rest.map(|(k, _)| (bits - k.ilog2()) as u8).fold(first, u8::max));
    }
    folded
}

pub type Histogram = [u32; 64];

/// Registers are counted in pairs, packed to nibbles: half the increments.
pub fn histogram(registers: &[u8]) -> Histogram {
    let base = least(registers);
    let mut nibbles = Vec::with_capacity(registers.len() / 2);
    pack(registers, base, &mut nibbles);
    // Four tables: neighbours are often equal, and an increment must not wait for the one before.
    let mut tables = [[0u32; 256]; 4];
    let [a, b, c, d] = &mut tables;
    for run in nibbles.as_chunks::<4>().0 {
        a[run[0] as usize] += 1;
        b[run[1] as usize] += 1;
        c[run[2] as usize] += 1;
        d[run[3] as usize] += 1;
    }
    let mut histogram = [0u32; 64];
    for pair in 0..256 {
        let n: u32 = tables.iter().map(|t| t[pair]).sum();
        for nibble in [pair & 15, pair >> 4] {
            // What is 15 or more is counted one by one.
            if nibble < 15 && n > 0 {
                histogram[(nibble + base as usize) & 63] += n;
            }
        }
    }
    for (_, value) in exceptions(registers, base) {
        histogram[value as usize & 63] += 1;
    }
    histogram
}

pub fn least(registers: &[u8]) -> u8 {
    widest(
        #[inline(always)]
        || registers.iter().fold(u8::MAX, |least, v| least.min(*v)),
    )
}

/// Nibbles: the low half of byte j is register j, the high half register j + m/2, less `base`; 15 means "15 or more".
pub fn pack(registers: &[u8], base: u8, out: &mut Vec<u8>) {
    let (low, high) = registers.split_at(registers.len() / 2);
    let start = out.len();
    out.resize(start + low.len(), 0);
    let nibbles = &mut out[start..];
    widest(
        #[inline(always)]
        move || {
            for (byte, (a, b)) in nibbles.iter_mut().zip(low.iter().zip(high)) {
                *byte = (a - base).min(15) | (b - base).min(15) << 4;
            }
        },
    );
}

/// What `pack` wrote; the exceptions are the caller's.
pub fn unpack(nibbles: &[u8], base: u8) -> Vec<u8> {
    let mut registers = vec![0; nibbles.len() * 2];
    unpack_raise(nibbles, base, &mut registers);
    registers
}

/// Raises `registers` to what `pack` wrote; the exceptions are the caller's.
pub fn unpack_raise(nibbles: &[u8], base: u8, registers: &mut [u8]) {
    let (low, high) = registers.split_at_mut(registers.len() / 2);
    widest(
        #[inline(always)]
        move || {
            for ((a, b), byte) in low.iter_mut().zip(high).zip(nibbles) {
                *a = (*a).max((byte & 15) + base);
                *b = (*b).max((byte >> 4) + base);
            }
        },
    );
}

/// How many nibbles are `v`.
pub fn count_nibbles(nibbles: &[u8], v: u8) -> usize {
    widest(
        #[inline(always)]
        || {
            nibbles.chunks(64).fold(
                0,
                #[inline(always)]
                |n, run| n + count_few(run, v) as usize,
            )
        },
    )
}

/// The same of at most 64 bytes: a sum that stays within a byte is what makes this a loop of byte vectors.
#[inline(always)]
fn count_few(run: &[u8], v: u8) -> u8 {
    run.iter().fold(0, |n, byte| n + (byte & 15 == v) as u8 + (byte >> 4 == v) as u8)
}

/// Whether more than `few` nibbles are not 0; seldom has to look far.
pub fn raised_more_than(few: usize, nibbles: &[u8]) -> bool {
    let mut raised = 0;
    nibbles.chunks(64).any(|run| {
        raised += 2 * run.len() - count_few(run, 0) as usize;
        raised > few
    })
}

/// Index and value of the registers that `pack` could only cut off.
pub fn exceptions(registers: &[u8], base: u8) -> Vec<(u32, u8)> {
    let any = |run: &[u8]| run.iter().fold(0, |max: u8, v| max.max(*v)) >= base + 15;
    let mut found = Vec::new();
    // They are few: most registers are only looked at in long runs.
    for (block, run) in registers.chunks(128).enumerate().filter(|(_, run)| any(run)) {
        for (part, run) in run.chunks(16).enumerate().filter(|(_, run)| any(run)) {
            let indexed = run.iter().enumerate().filter(|(_, v)| **v >= base + 15);
            found.extend(indexed.map(|(at, v)| ((block * 128 + part * 16 + at) as u32, *v)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Registers of a length that no vector divides, above a base, with a few that nibbles have no room for.
    fn registers() -> impl Strategy<Value = (u8, Vec<u8>)> {
        let above = prop_oneof![20 => 0u8..16, 1 => 16u8..20];
        (0u8..30, proptest::collection::vec(above, 2..700)).prop_map(|(base, mut above)| {
            above.truncate(above.len() & !1);
            above[0] = 0;
            (base, above.iter().map(|v| v + base).collect())
        })
    }

    proptest! {
        #[test]
        fn wide_loops_do_what_plain_ones_do((base, a) in registers(), (_, b) in registers()) {
            prop_assert_eq!(least(&a), base);
            let half = a.len() / 2;
            let mut nibbles = vec![7];
            pack(&a, base, &mut nibbles);
            let nibble = |i: usize| (a[i] - base).min(15);
            let plain: Vec<u8> = (0..half).map(|i| nibble(i) | nibble(i + half) << 4).collect();
            prop_assert_eq!(&nibbles[1..], &plain);
            for v in [0, 3, 15] {
                let n = (0..a.len()).filter(|i| nibble(*i) == v).count();
                prop_assert_eq!(count_nibbles(&plain, v), n);
            }
            let raised = a.iter().filter(|v| **v > base).count();
            prop_assert!(!raised_more_than(raised, &plain));
            prop_assert!(raised == 0 || raised_more_than(raised - 1, &plain));
            let cut: Vec<u8> = (0..a.len()).map(|i| nibble(i) + base).collect();
            prop_assert_eq!(unpack(&plain, base), cut.clone());
            let mut raised = vec![base + 2; a.len()];
            unpack_raise(&plain, base, &mut raised);
            prop_assert!(raised.iter().zip(&cut).all(|(r, v)| *r == (*v).max(base + 2)));
            let mut both = a.clone();
            raise_all(&mut both, &b);
            let greater = |(i, v): (usize, &u8)| *v == a[i].max(b.get(i).copied().unwrap_or(0));
            prop_assert!(both.iter().enumerate().all(greater));
        }

        #[test]
        fn many_indexes_raise_what_each_does(p in 10u8..=18, mut indexes in proptest::collection::vec(0u32..1 << 25, 0..200), rare in 0u32..40) {
            let is_rare = |index: &u32| code::is_rare(*index, p);
            indexes.retain(|index| !is_rare(index));
            let mut registers = vec![3; 1 << p];
            let mut plain = registers.clone();
            indexes.iter().for_each(|index| raise_key(&mut plain, index << 7, p));
            prop_assert!(!raise_indexes(&mut registers, &indexes, p));
            prop_assert_eq!(&registers, &plain);
            let place = rare as usize % (indexes.len() + 1);
            indexes.insert(place, rare << (25 - p));
            prop_assert!(raise_indexes(&mut registers, &indexes, p));
        }
    }
}
