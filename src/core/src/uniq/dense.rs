//! Registers, one byte each. The loops are written so that the compiler vectorises them on baseline x86-64 and ARM.

use super::code;

/// The largest value of a register of precision `p`.
pub fn max_value(p: u8) -> u8 {
    65 - p
}

#[inline]
pub fn raise(registers: &mut [u8], index: usize, value: u8) {
    if let Some(register) = registers.get_mut(index)
        && *register < value
    {
        *register = value;
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

pub fn histogram(registers: &[u8]) -> Histogram {
    // Four tables: neighbours are often equal, and an increment must not wait for the one before.
    let mut tables = [[0u32; 64]; 4];
    let [a, b, c, d] = &mut tables;
    for run in registers.chunks_exact(4) {
        a[run[0] as usize & 63] += 1;
        b[run[1] as usize & 63] += 1;
        c[run[2] as usize & 63] += 1;
        d[run[3] as usize & 63] += 1;
    }
    std::array::from_fn(|v| tables.iter().map(|t| t[v]).sum())
}

/// Nibbles: the low half of byte j is register j, the high half register j + m/2, less `base`; 15 means "15 or more".
pub fn pack(registers: &[u8], base: u8, out: &mut Vec<u8>) {
    let (low, high) = registers.split_at(registers.len() / 2);
    out.extend(low.iter().zip(high).map(|(a, b)| (a - base).min(15) | (b - base).min(15) << 4));
}

/// Raises `registers` to what `pack` wrote; the exceptions are the caller's.
pub fn unpack_raise(nibbles: &[u8], base: u8, registers: &mut [u8]) {
    let (low, high) = registers.split_at_mut(registers.len() / 2);
    for ((a, b), byte) in low.iter_mut().zip(high).zip(nibbles) {
        *a = (*a).max((byte & 15) + base);
        *b = (*b).max((byte >> 4) + base);
    }
}

/// How many nibbles are 15, and the least nibble.
pub fn inspect(nibbles: &[u8]) -> (usize, u8) {
    let (mut full, mut least) = (0usize, [15u8; 16]);
    // 2 * 64 per lane and run stays within a byte.
    for run in nibbles.chunks(64 * 16) {
        let mut lanes = [0u8; 16];
        for block in run.chunks_exact(16) {
            for (lane, byte) in block.iter().enumerate() {
                let (a, b) = (byte & 15, byte >> 4);
                lanes[lane] += (a == 15) as u8 + (b == 15) as u8;
                least[lane] = least[lane].min(a.min(b));
            }
        }
        full += lanes.iter().map(|n| *n as usize).sum::<usize>();
    }
    (full, least.into_iter().min().unwrap_or(0))
}

/// Index and value of the registers that `pack` could only cut off.
pub fn exceptions(registers: &[u8], base: u8) -> Vec<(u32, u8)> {
    let mut found = Vec::new();
    for (block, run) in registers.chunks(64).enumerate() {
        if run.iter().fold(0, |max, v| v.max(&max).to_owned()) < base + 15 {
            continue;
        }
        let indexed = run.iter().enumerate().filter(|(_, v)| **v >= base + 15);
        found.extend(indexed.map(|(at, v)| ((block * 64 + at) as u32, *v)));
    }
    found
}
