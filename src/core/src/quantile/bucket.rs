//! Which bin a number falls into, by integer arithmetic: the same on every CPU, without a logarithm of the C library's.
//!
//! An octave has 35 bins of the same ratio 2^(1/35). Bins are numbered in the order of the numbers: 1 holds the least positive
//! double, -1 the greatest negative one; 0 is nobody's. In the middle of a bin (by the ratio of the errors) one is at
//! most tanh(ln 2 / 70) = 0.9902 % off from any number in it.

pub const PER_OCTAVE: i32 = 35;

/// The bin of the greatest double.
pub const LAST: i32 = (1074 + 1024) * PER_OCTAVE;

/// The bin that begins with 1.0.
pub const ONE: i32 = 1074 * PER_OCTAVE + 1;

const MANTISSA: u64 = 1 << 52;

/// 2^52 * 2^(i/35), rounded up: no double lies between the bound and its rounding.
const BOUNDS: [u64; PER_OCTAVE as usize + 1] = [
    0x10000000000000, 0x1051ed35254d7b, 0x10a57de9c16bc8, 0x10faba81d4e5e0,
    0x1151ab8c56eea3, 0x11aa59c4115e7e, 0x1204ce10811782, 0x12611186bae675,
    0x12bf2d6a54f7db, 0x131f2b2e54f85d, 0x1381147622f887, 0x13e4f316812c30,
    0x144ad116889e7c, 0x14b2b8b0aaf3c8, 0x151cb453b9536d, 0x1588cea3f093be,
    0x15f7127c0ac32a, 0x16678aee5629f8, 0x16da4345d1e0ae, 0x174f47075017a0,
    0x17c6a1f29e2ce7, 0x18406003b2ae5d, 0x18bc8d73e16610, 0x193b36bb158fff,
    0x19bc68911258c0, 0x1a402feeb9c533, 0x1ac69a0f5a241d, 0x1b4fb472022b1b,
    0x1bdb8cdadbe121, 0x1c6a31548e794e, 0x1cfbb031a741a5, 0x1d90180e09c9e4,
    0x1e2777d0676771, 0x1ec1deabbe3c15, 0x1f5f5c20dfe5f3, 0x20000000000000,
];

/// The bin that the first mantissa with these seven leading bits is in. The next bin may begin among the others, no third one.
const SLOTS: [u8; 128] = slots();

/// The number in each bin from which the relative error to both its ends is the same.
const MIDDLES: [f64; PER_OCTAVE as usize] = middles();

const fn slots() -> [u8; 128] {
    let (mut slots, mut slot, mut bin) = ([0; 128], 0, 0);
    while slot < 128 {
        while BOUNDS[bin + 1] <= MANTISSA + ((slot as u64) << 45) {
            bin += 1;
        }
        slots[slot] = bin as u8;
        slot += 1;
    }
    slots
}

const fn middles() -> [f64; PER_OCTAVE as usize] {
    let (mut middles, mut bin) = ([0.0; PER_OCTAVE as usize], 0);
    while bin < PER_OCTAVE as usize {
        let (low, high) = (BOUNDS[bin] as f64 / MANTISSA as f64, BOUNDS[bin + 1] as f64 / MANTISSA as f64);
        middles[bin] = 2.0 * low * high / (low + high);
        bin += 1;
    }
    middles
}

/// The octave, 0 being that of the least subnormal number, and the mantissa with its leading bit.
#[inline]
fn split(v: f64) -> (i32, u64) {
    let bits = v.to_bits() & !(1 << 63);
    let (exponent, mantissa) = ((bits >> 52) as i32, bits & (MANTISSA - 1));
    if exponent > 0 {
        return (exponent + 51, mantissa | MANTISSA);
    }
    let shift = mantissa.leading_zeros() as i32 - 11;
    (52 - shift, mantissa << shift)
}

/// The inverse of [`split`]; None for bits that a subnormal number does not have.
fn join(octave: i32, mantissa: u64) -> Option<f64> {
    if octave >= 52 {
        return Some(f64::from_bits(((octave - 51) as u64) << 52 | mantissa & (MANTISSA - 1)));
    }
    let shift = (52 - octave) as u32;
    (mantissa.trailing_zeros() >= shift).then(|| f64::from_bits(mantissa >> shift))
}

/// The bin of a finite number other than zero.
#[inline]
pub fn of(v: f64) -> i32 {
    let (octave, mantissa) = split(v);
    let within = SLOTS[(mantissa >> 45) as usize & 127] as usize;
    let within = within + usize::from(mantissa >= BOUNDS[within + 1]);
    let bin = octave * PER_OCTAVE + within as i32 + 1;
    if v < 0.0 { -bin } else { bin }
}

fn octave_and_place(bin: i32) -> (i32, usize) {
    let from_zero = bin.abs() - 1;
    (from_zero / PER_OCTAVE, (from_zero % PER_OCTAVE) as usize)
}

/// The number that stands for all numbers of a bin.
pub fn middle(bin: i32) -> f64 {
    let (octave, place) = octave_and_place(bin);
    let scale = if octave >= 52 { ((octave - 51) as u64) << 52 } else { 1 << octave };
    let v = MIDDLES[place] * f64::from_bits(scale);
    if bin < 0 { -v } else { v }
}

/// The low bits of the mantissa, which tell the numbers of one bin apart: no bin is as wide as 2^LOW_BITS.
pub const LOW_BITS: u32 = 48;

pub fn low_bits(v: f64) -> u64 {
    split(v).1 & ((1 << LOW_BITS) - 1)
}

/// The number of this bin with these low bits, if there is one.
pub fn with_low_bits(bin: i32, low: u64) -> Option<f64> {
    let (octave, place) = octave_and_place(bin);
    let first = BOUNDS[place];
    let candidate = first >> LOW_BITS << LOW_BITS | low;
    let mantissa = if candidate < first { candidate + (1 << LOW_BITS) } else { candidate };
    if mantissa >= BOUNDS[place + 1] {
        return None;
    }
    join(octave, mantissa).map(|v| if bin < 0 { -v } else { v })
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_bigint::BigUint;

    #[test]
    fn bounds_are_the_powers_rounded_up() {
        for (i, bound) in BOUNDS.iter().enumerate() {
            let exact = BigUint::from(1u8) << (52 * PER_OCTAVE as usize + i);
            assert!(BigUint::from(*bound).pow(PER_OCTAVE as u32) >= exact);
            assert!(BigUint::from(*bound - 1).pow(PER_OCTAVE as u32) < exact);
            assert!(i == 0 || BOUNDS[i] - BOUNDS[i - 1] < 1 << LOW_BITS);
        }
    }

    #[test]
    fn bins_begin_and_end_at_the_bounds() {
        for octave in 0..2098 {
            for place in 0..PER_OCTAVE {
                let bin = octave * PER_OCTAVE + place + 1;
                let round = |mantissa: u64| {
                    let shift = (52 - octave).max(0) as u32;
                    let mantissa = mantissa.next_multiple_of(1 << shift);
                    join(octave + (mantissa >> 53) as i32, mantissa >> (mantissa >> 53)).filter(|v| v.is_finite())
                };
                // The first double at or above the lower bound, and the one before it.
                let Some(first) = round(BOUNDS[place as usize]) else { continue };
                assert!(of(first) >= bin);
                assert!(of(-first) <= -bin);
                if octave >= 52 {
                    assert_eq!(of(first), bin);
                }
                let before = first.next_down();
                assert!(before == 0.0 || of(before) < bin, "{first:e}");
            }
        }
        assert_eq!((of(5e-324), of(f64::MAX), of(1.0), of(-5e-324)), (1, LAST, ONE, -1));
    }

    #[test]
    fn middles_are_within_a_percent_of_both_ends() {
        let alpha = (2f64.ln() / 70.0).tanh();
        assert!(alpha < 0.0099018);
        for bin in ONE..ONE + PER_OCTAVE {
            let place = (bin - ONE) as usize;
            let [low, high] = [place, place + 1].map(|i| BOUNDS[i] as f64 / MANTISSA as f64);
            let v = middle(bin);
            assert!((v / low - 1.0 - alpha).abs() < 1e-12 && (1.0 - v / high - alpha).abs() < 1e-12);
            assert_eq!(of(v), bin);
            assert_eq!(middle(-bin), -v);
        }
        assert_eq!(middle(1), 5e-324);
        assert!(middle(LAST).is_finite());
    }

    #[test]
    fn low_bits_bring_numbers_back() {
        for v in [1.0, -1.0, 0.1, 3.0, -1e300, 5e-324, 1.5e-310, -2.2250738585072014e-308, f64::MAX, 42.0, 1.0f64.next_down()] {
            assert_eq!(with_low_bits(of(v), low_bits(v)), Some(v));
        }
        assert_eq!(with_low_bits(1, 1), None);
        // The last number of a bin, and the first of the next.
        let last = BOUNDS[1] - 1 - MANTISSA;
        assert_eq!(with_low_bits(ONE, last), Some(f64::from_bits(1f64.to_bits() + last)));
        assert_eq!((with_low_bits(ONE, last + 1), with_low_bits(ONE + 1, last)), (None, None));
    }
}
