//! Registers, one byte each. The loops are written so that the compiler vectorises them on baseline x86-64 and ARM.

use super::code;

/// The largest value of a register of precision `p`.
pub fn max_value(p: u8) -> u8 {
    65 - p
}

/// Raises the registers that the indexes have, none of which is rare.
#[inline]
pub fn raise_indexes(registers: &mut [u8], indexes: &[u32], p: u8) {
    macro_rules! of_precision {
        ($($p:literal)*) => {
            match p {
                $($p => raise_indexes_of::<$p>(registers, indexes),)*
                _ => unreachable!("a precision of 10 to 18"),
            }
        };
    }
    of_precision!(10 11 12 13 14 15 16 17 18)
}

/// Every shift is known, and the number of registers.
fn raise_indexes_of<const P: u32>(registers: &mut [u8], indexes: &[u32]) {
    let Some(registers) = registers.get_mut(..1 << P) else { return };
    let below = code::INDEX_BITS - P;
    for run in indexes.chunks(64) {
        // A float's exponent is the place of the highest bit: several at once.
        let mut values = [0; 64];
        for (value, index) in values.iter_mut().zip(run) {
            let rest = (index & ((1 << below) - 1)) as i32 as f32;
            *value = (127 + below - (rest.to_bits() >> 23)) as u8;
        }
        for (value, index) in values.iter().zip(run) {
            let register = &mut registers[(index >> below) as usize & ((1 << P) - 1)];
            *register = (*register).max(*value);
        }
    }
}

#[inline]
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
    for (a, b) in registers.iter_mut().zip(other) {
        *a = (*a).max(*b);
    }
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
    registers.iter().fold(u8::MAX, |least, v| least.min(*v))
}

/// Nibbles: the low half of byte j is register j, the high half register j + m/2, less `base`; 15 means "15 or more".
pub fn pack(registers: &[u8], base: u8, out: &mut Vec<u8>) {
    let (low, high) = registers.split_at(registers.len() / 2);
    out.extend(low.iter().zip(high).map(|(a, b)| (a - base).min(15) | (b - base).min(15) << 4));
}

/// What `pack` wrote; the exceptions are the caller's.
pub fn unpack(nibbles: &[u8], base: u8) -> Vec<u8> {
    let mut registers = Vec::with_capacity(nibbles.len() * 2);
    registers.extend(nibbles.iter().map(|byte| (byte & 15) + base));
    registers.extend(nibbles.iter().map(|byte| (byte >> 4) + base));
    registers
}

/// Raises `registers` to what `pack` wrote; the exceptions are the caller's.
pub fn unpack_raise(nibbles: &[u8], base: u8, registers: &mut [u8]) {
    match base {
        // Said once more, nothing has to be added.
        0 => raise_nibbles(nibbles, 0, registers),
        _ => raise_nibbles(nibbles, base, registers),
    }
}

#[inline(always)]
fn raise_nibbles(nibbles: &[u8], base: u8, registers: &mut [u8]) {
    let (low, high) = registers.split_at_mut(registers.len() / 2);
    for ((a, b), byte) in low.iter_mut().zip(high).zip(nibbles) {
        *a = (*a).max((byte & 15) + base);
        *b = (*b).max((byte >> 4) + base);
    }
}

/// How many nibbles are `v`.
pub fn count_nibbles(nibbles: &[u8], v: u8) -> usize {
    // A sum of at most 2 * 64 stays within a byte, which is what makes this a loop of byte vectors.
    let count = |run: &[u8]| run.iter().fold(0u8, |n, b| n.wrapping_add((b & 15 == v) as u8).wrapping_add((b >> 4 == v) as u8));
    nibbles.chunks(64).map(|run| count(run) as usize).sum()
}

/// Whether more than `few` nibbles are not 0; seldom has to look far.
pub fn raised_more_than(few: usize, nibbles: &[u8]) -> bool {
    let mut raised = 0;
    nibbles.chunks(64).any(|run| {
        raised += 2 * run.len() - count_nibbles(run, 0);
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
