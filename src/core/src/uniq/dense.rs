//! Registers, one byte each. The loops are written so that the compiler vectorises them on baseline x86-64 and ARM.

use super::code;

/// The largest value of a register of precision `p`.
pub fn max_value(p: u8) -> u8 {
    65 - p
}

/// The register and its value that a code has whose index is not rare.
#[inline]
pub fn raise_index(registers: &mut [u8], index: u32, p: u8) {
    let value = (index << (32 - code::INDEX_BITS + p as u32)).leading_zeros() + 1;
    raise(registers, (index >> (code::INDEX_BITS - p as u32)) as usize, value as u8);
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
                histogram[nibble + base as usize & 63] += n;
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

/// What unpacking has seen on the way.
pub struct Seen {
    /// How many nibbles are 15.
    pub full: usize,
    /// The least nibble.
    pub least: u8,
}

const LANES: usize = 16;

/// Raises `registers` to what `pack` wrote; the exceptions are the caller's.
pub fn unpack_raise(nibbles: &[u8], base: u8, registers: &mut [u8]) -> Seen {
    let (low, high) = registers.split_at_mut(registers.len() / 2);
    let (low, high, nibbles) = (low.as_chunks_mut::<LANES>().0, high.as_chunks_mut::<LANES>().0, nibbles.as_chunks::<LANES>().0);
    let (mut full, mut least) = (0, [15u8; LANES]);
    // 2 * 64 per lane and run stays within a byte.
    for ((low, high), nibbles) in low.chunks_mut(64).zip(high.chunks_mut(64)).zip(nibbles.chunks(64)) {
        let mut fulls = [0u8; LANES];
        for ((low, high), bytes) in low.iter_mut().zip(high).zip(nibbles) {
            for lane in 0..LANES {
                let (a, b) = (bytes[lane] & 15, bytes[lane] >> 4);
                low[lane] = low[lane].max(a + base);
                high[lane] = high[lane].max(b + base);
                fulls[lane] += (a == 15) as u8 + (b == 15) as u8;
                least[lane] = least[lane].min(a.min(b));
            }
        }
        full += fulls.iter().map(|n| *n as usize).sum::<usize>();
    }
    Seen { full, least: least.into_iter().min().unwrap_or(0) }
}

/// How many nibbles are not 0.
pub fn raised(nibbles: &[u8]) -> usize {
    let mut raised = 0;
    for run in nibbles.as_chunks::<LANES>().0.chunks(64) {
        let mut lanes = [0u8; LANES];
        for bytes in run {
            for lane in 0..LANES {
                lanes[lane] += (bytes[lane] & 15 != 0) as u8 + (bytes[lane] & 0xf0 != 0) as u8;
            }
        }
        raised += lanes.iter().map(|n| *n as usize).sum::<usize>();
    }
    raised
}

/// Index and value of the registers that `pack` could only cut off.
pub fn exceptions(registers: &[u8], base: u8) -> Vec<(u32, u8)> {
    let mut found = Vec::new();
    for (block, run) in registers.chunks(64).enumerate() {
        if run.iter().fold(0, |max: u8, v| max.max(*v)) < base + 15 {
            continue;
        }
        let indexed = run.iter().enumerate().filter(|(_, v)| **v >= base + 15);
        found.extend(indexed.map(|(at, v)| ((block * 64 + at) as u32, *v)));
    }
    found
}
