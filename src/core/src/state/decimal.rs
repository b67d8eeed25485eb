//! An exact decimal accumulator: an i128 where that holds the sum, and beside it a big integer for what does not fit.

use num_bigint::{BigInt, BigUint, Sign};

use super::short::Numbers;
use crate::codec::{Reader, put_varint, put_varint128, put_zigzag128};
use crate::error::Error;
use crate::numeric::{self, BASE, Finite, MAX_FRACTION, MAX_SCALE};

/// 10000^k for as many k as i128 has room.
const POW: [i128; 10] = {
    let mut pow = [1i128; 10];
    let mut k = 1;
    while k < pow.len() {
        pow[k] = pow[k - 1] * BASE as i128;
        k += 1;
    }
    pow
};

/// 10^k: what makes a scale one of whole groups.
const PAD: [i128; 4] = [1, 10, 100, 1000];

/// More bytes than the largest sum of 2^62 numerics needs; a longer mantissa is no state of ours. Squares take twice as many.
const MAX_MANTISSA: u64 = 62_000;

/// The sum is `fast` / 10000^`groups` plus `slow`. i128::MIN is never stored in `fast`, so that it can be negated.
/// `POWER` says what is summed: 1 numbers, 2 their squares, with room for twice as many digits.
#[derive(Clone, Debug, Default)]
pub struct Decimal<const POWER: u64 = 1> {
    fast: i128,
    groups: u16,
    slow: Option<Box<Slow>>,
}

#[derive(Clone, Debug, Default)]
struct Slow {
    mantissa: BigInt,
    groups: u16,
}

/// The one form that a value has: mantissa / 10^scale with the least scale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Normal {
    pub mantissa: Mantissa,
    pub scale: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mantissa {
    /// Whatever fits, but not i128::MIN.
    Small(i128),
    Big(BigInt),
}

/// A stored sum as most are: mantissa / 10^scale in its shortest form, with room for three more digits.
#[derive(Clone, Copy)]
pub struct ShortDecimal {
    mantissa: i128,
    scale: u8,
}

impl ShortDecimal {
    /// None: it takes more to read it, or to say what is wrong.
    #[inline(always)]
    pub fn read(numbers: &mut impl Numbers, scaled: bool) -> Option<Self> {
        let scale = if scaled { numbers.small()? } else { 0 };
        let mantissa = numbers.zigzag128()?;
        (!scaled || scale != 0 && !ends_in_zero(mantissa)).then_some(Self { mantissa, scale })
    }

    #[inline(always)]
    pub fn is_zero(&self) -> bool {
        self.mantissa == 0
    }

    /// As mantissa / 10000^groups.
    #[inline(always)]
    fn grouped(self) -> (i128, u16) {
        if self.scale == 0 {
            return (self.mantissa, 0);
        }
        let groups = self.scale.div_ceil(4);
        (self.mantissa * PAD[(groups * 4 - self.scale) as usize & 3], groups as u16)
    }
}

#[inline]
fn checked(v: Option<i128>) -> Option<i128> {
    v.filter(|v| *v != i128::MIN)
}

pub(super) fn pow10(n: usize) -> BigInt {
    BigInt::from(10u8).pow(n as u32)
}

fn pow10000(n: usize) -> BigInt {
    match POW.get(n) {
        Some(pow) => BigInt::from(*pow),
        None => pow10(n * 4),
    }
}

/// A number as mantissa / 10000^groups.
pub enum Parsed {
    Small(i128, u16),
    Big(BigInt, u16),
}

impl Parsed {
    // Inlined, so that what most numerics are stays in registers.
    #[inline(always)]
    pub fn new(v: &Finite<'_>) -> Result<Self, Error> {
        let fraction = v.fraction()?;
        // Zero digits between the last digit and the decimal point.
        let zeros = if v.is_empty() { 0 } else { (v.weight + 1 - v.len() as i32).max(0) as usize };
        if v.len() + zeros > 9 || fraction > 9 {
            return Self::long(v, fraction, zeros);
        }
        let mut bad = false;
        let mut digits = v.digits();
        // Four digits fit into 64 bits: most numerics need no more.
        let mut low = 0u64;
        for d in digits.by_ref().take(4) {
            bad |= d >= BASE;
            low = low * BASE as u64 + d as u64;
        }
        let mut mantissa = low as i128;
        for d in digits {
            bad |= d >= BASE;
            mantissa = mantissa.wrapping_mul(BASE as i128).wrapping_add(d as i128);
        }
        if bad {
            return Err(numeric::corrupt("A digit is out of range."));
        }
        if zeros > 0 {
            mantissa *= POW[zeros];
        }
        Ok(Self::Small(if v.negative { -mantissa } else { mantissa }, fraction as u16))
    }

    #[cold]
    fn long(v: &Finite<'_>, fraction: usize, zeros: usize) -> Result<Self, Error> {
        let mut centesimal = Vec::with_capacity(v.len() * 2);
        for d in v.digits() {
            if d >= BASE {
                return Err(numeric::corrupt("A digit is out of range."));
            }
            centesimal.extend([(d / 100) as u8, (d % 100) as u8]);
        }
        let sign = if v.negative { Sign::Minus } else { Sign::Plus };
        let mantissa = BigInt::from_radix_be(sign, &centesimal, 100).unwrap_or_default();
        Ok(Self::Big(mantissa * pow10000(zeros), fraction as u16))
    }

    #[inline(always)]
    pub fn squared(&self) -> Self {
        match self {
            Self::Small(m, groups) => match m.checked_mul(*m) {
                Some(square) => Self::Small(square, groups * 2),
                None => Self::Big(BigInt::from(*m) * m, groups * 2),
            },
            Self::Big(m, groups) => Self::Big(m * m, groups * 2),
        }
    }
}

impl Decimal<2> {
    #[inline]
    pub fn add_square(&mut self, v: i64, sign: i64) {
        let square = v as i128 * v as i128;
        match sign {
            1 => self.add_small(square, 0),
            -1 => self.add_small(-square, 0),
            _ => self.add(&Parsed::Small(square, 0), sign),
        }
    }
}

impl<const POWER: u64> Decimal<POWER> {
    #[inline]
    pub fn add_int(&mut self, v: i64, sign: i64) {
        // |v * sign| <= 2^126 fits.
        self.add_small(v as i128 * sign as i128, 0);
    }

    #[inline(always)]
    pub fn add(&mut self, v: &Parsed, sign: i64) {
        match v {
            Parsed::Small(m, groups) => match sign {
                1 => self.add_small(*m, *groups),
                -1 => self.add_small(-m, *groups),
                _ => match checked(m.checked_mul(sign as i128)) {
                    Some(m) => self.add_small(m, *groups),
                    None => self.add_slow(BigInt::from(*m) * sign, *groups),
                },
            },
            Parsed::Big(m, groups) => self.add_slow(m * sign, *groups),
        }
    }

    #[inline(always)]
    fn add_small(&mut self, mantissa: i128, groups: u16) {
        match checked(self.fast.checked_add(mantissa)) {
            Some(sum) if groups == self.groups => self.fast = sum,
            _ => self.add_aligned(mantissa, groups),
        }
    }

    /// Not inlined: most rows are of one scale.
    #[inline(never)]
    fn add_aligned(&mut self, mantissa: i128, groups: u16) {
        match self.align(mantissa, groups).and_then(|m| checked(self.fast.checked_add(m))) {
            Some(sum) => self.fast = sum,
            None => self.spill(mantissa, groups),
        }
    }

    #[cold]
    fn spill(&mut self, mantissa: i128, groups: u16) {
        if groups > self.groups {
            return self.add_slow(BigInt::from(mantissa), groups);
        }
        // The fast sum is too long, or has so many decimals that whole numbers do not fit beside them: start it anew.
        self.add_slow(BigInt::from(self.fast), self.groups);
        (self.fast, self.groups) = (mantissa, groups);
    }

    /// Brings `mantissa` and the fast sum to the same number of groups, or says that i128 has no room.
    #[inline]
    fn align(&mut self, mantissa: i128, groups: u16) -> Option<i128> {
        if groups < self.groups {
            return mantissa.checked_mul(*POW.get((self.groups - groups) as usize)?);
        }
        let fast = checked(self.fast.checked_mul(*POW.get((groups - self.groups) as usize)?))?;
        (self.fast, self.groups) = (fast, groups);
        Some(mantissa)
    }

    #[cold]
    fn add_slow(&mut self, mut mantissa: BigInt, groups: u16) {
        // Nothing of other groups would have to be brought to these, which may be thousands of digits away.
        if mantissa == BigInt::ZERO {
            return;
        }
        let slow = self.slow.get_or_insert_default();
        if groups < slow.groups {
            mantissa *= pow10000((slow.groups - groups) as usize);
        } else if groups > slow.groups {
            slow.mantissa *= pow10000((groups - slow.groups) as usize);
            slow.groups = groups;
        }
        slow.mantissa += mantissa;
    }

    pub fn merge(&mut self, other: &Self) -> Result<(), Error> {
        self.add_small(other.fast, other.groups);
        if let Some(slow) = &other.slow {
            self.add_slow(slow.mantissa.clone(), slow.groups);
        }
        self.check_range()
    }

    /// Adds what [`Self::read`] has read.
    #[inline]
    pub fn add_normal(&mut self, normal: Normal) -> Result<(), Error> {
        let groups = normal.scale.div_ceil(4);
        let pad = (groups * 4 - normal.scale) as usize;
        match normal.mantissa {
            Mantissa::Small(m) => match checked(m.checked_mul(PAD[pad])) {
                Some(m) => self.add_small(m, groups),
                None => self.add_slow(BigInt::from(m) * pow10(pad), groups),
            },
            Mantissa::Big(m) if pad == 0 => self.add_slow(m, groups),
            Mantissa::Big(m) => self.add_slow(m * pow10(pad), groups),
        }
        self.check_range()
    }

    #[inline]
    fn check_range(&self) -> Result<(), Error> {
        match &self.slow {
            // Only states that no rows made can come here.
            Some(slow) if slow.mantissa.bits() > MAX_MANTISSA * POWER * 8 => Err(Error::out_of_range("sum of a state out of range")),
            _ => Ok(()),
        }
    }

    /// Has the sum outgrown i128? Then it may have no room for more.
    #[inline]
    pub fn is_long(&self) -> bool {
        self.slow.is_some()
    }

    /// To a sum that is not long.
    #[inline(always)]
    fn add_short(&mut self, v: ShortDecimal) {
        let (mantissa, groups) = v.grouped();
        self.add_small(mantissa, groups);
    }

    /// What the fast sum comes to with it, if it holds that in the groups that it has.
    #[inline(always)]
    pub fn with(&self, v: ShortDecimal) -> Option<i128> {
        let (mantissa, groups) = v.grouped();
        if groups == self.groups { checked(self.fast.checked_add(mantissa)) } else { self.with_aligned(mantissa, groups) }
    }

    /// Not inlined: most rows are of one scale.
    #[inline(never)]
    fn with_aligned(&self, mantissa: i128, groups: u16) -> Option<i128> {
        let power = self.groups.checked_sub(groups).and_then(|more| POW.get(more as usize))?;
        checked(self.fast.checked_add(mantissa.checked_mul(*power)?))
    }

    /// Adds what [`Self::with`] has been asked about.
    #[inline(always)]
    pub fn settle(&mut self, with: Option<i128>, v: ShortDecimal) {
        match with {
            Some(sum) => self.fast = sum,
            None => self.add_short(v),
        }
    }

    pub fn negate(&mut self) {
        self.fast = -self.fast;
        if let Some(slow) = &mut self.slow {
            slow.mantissa = -std::mem::take(&mut slow.mantissa);
        }
    }

    pub fn is_zero(&self) -> bool {
        match &self.slow {
            None => self.fast == 0,
            Some(_) => self.normal().is_zero(),
        }
    }

    #[inline]
    pub fn heap_size(&self) -> usize {
        self.slow.as_ref().map_or(0, |slow| size_of::<Slow>() + (slow.mantissa.bits() / 8 + 8) as usize)
    }

    pub fn normal(&self) -> Normal {
        let Some(slow) = &self.slow else {
            return normal_small(self.fast, self.groups as usize * 4);
        };
        let mut sum = Self { slow: Some(slow.clone()), ..Self::default() };
        sum.add_slow(BigInt::from(self.fast), self.groups);
        let slow = *sum.slow.unwrap_or_default();
        normal_big(slow.mantissa, slow.groups as usize * 4)
    }

    /// The sum is the first / 10^ the second.
    pub fn exact(&self) -> (BigInt, usize) {
        let normal = self.normal();
        let mantissa = match normal.mantissa {
            Mantissa::Small(m) => BigInt::from(m),
            Mantissa::Big(m) => m,
        };
        (mantissa, normal.scale as usize)
    }

    /// `big` and `scaled` as the state's form byte says.
    #[inline]
    pub fn read(reader: &mut Reader<'_>, big: bool, scaled: bool) -> Result<Normal, Error> {
        Normal::decode(reader, POWER, big, scaled)
    }
}

impl<const POWER: u64> PartialEq for Decimal<POWER> {
    fn eq(&self, other: &Self) -> bool {
        if self.slow.is_none() && other.slow.is_none() && self.groups == other.groups {
            return self.fast == other.fast;
        }
        self.normal() == other.normal()
    }
}

#[inline]
fn ends_in_zero(m: i128) -> bool {
    // Dividing 128 bits costs several times as much as all the rest.
    i64::try_from(m).map_or_else(|_| m % 10 == 0, |m| m % 10 == 0)
}

fn normal_small(mut mantissa: i128, mut scale: usize) -> Normal {
    if mantissa == 0 {
        scale = 0;
    }
    // Division of 64 bits by a constant is a multiplication, of 128 bits a call.
    while scale > 0 {
        if let Ok(small) = i64::try_from(mantissa) {
            let mut small = small;
            while scale > 0 && small % 10 == 0 {
                (small, scale) = (small / 10, scale - 1);
            }
            mantissa = small as i128;
            break;
        }
        if mantissa % 10 != 0 {
            break;
        }
        (mantissa, scale) = (mantissa / 10, scale - 1);
    }
    Normal { mantissa: Mantissa::Small(mantissa), scale: scale as u16 }
}

/// The most tens that one division of a long number by a word takes away.
const TENS: u64 = 19;

/// How many factors of ten the number has, up to [`TENS`].
fn tens(v: &BigInt) -> u64 {
    const FIVES: u64 = 5u64.pow(TENS as u32);
    let mut rest = u64::try_from(v.magnitude() % FIVES).unwrap_or(0);
    let mut fives = if rest == 0 { TENS } else { 0 };
    while rest != 0 && rest.is_multiple_of(5) {
        (rest, fives) = (rest / 5, fives + 1);
    }
    fives.min(v.trailing_zeros().unwrap_or(0))
}

fn normal_big(mut mantissa: BigInt, mut scale: usize) -> Normal {
    // Few have many zeros at their end. Those lose them in halving steps, which keep the divisions of long numbers by long ones few.
    let mut step = 4096;
    while step > TENS as usize && tens(&mantissa) == TENS {
        while scale >= step && mantissa.trailing_zeros().is_some_and(|twos| twos >= step as u64) {
            let pow = pow10(step);
            let quotient = &mantissa / &pow;
            if &quotient * &pow != mantissa {
                break;
            }
            (mantissa, scale) = (quotient, scale - step);
        }
        step /= 2;
    }
    loop {
        let tens = tens(&mantissa).min(scale as u64);
        if tens == 0 {
            break;
        }
        mantissa /= 10u64.pow(tens as u32);
        scale -= tens as usize;
    }
    match i128::try_from(&mantissa) {
        Ok(small) if small != i128::MIN => normal_small(small, scale),
        _ => Normal { mantissa: Mantissa::Big(mantissa), scale: scale as u16 },
    }
}

impl Normal {
    pub fn is_zero(&self) -> bool {
        self.mantissa == Mantissa::Small(0)
    }

    pub fn is_big(&self) -> bool {
        matches!(self.mantissa, Mantissa::Big(_))
    }

    pub fn encode_mantissa(&self, out: &mut Vec<u8>) {
        match &self.mantissa {
            Mantissa::Small(m) => put_zigzag128(*m, out),
            Mantissa::Big(m) => {
                let (sign, magnitude) = m.to_bytes_le();
                put_varint128((magnitude.len() as u128) << 1 | (sign == Sign::Minus) as u128, out);
                out.extend_from_slice(&magnitude);
            }
        }
    }

    pub fn encode_scale(&self, out: &mut Vec<u8>) {
        put_varint(self.scale as u64, out);
    }

    fn decode(reader: &mut Reader<'_>, power: u64, big: bool, scaled: bool) -> Result<Self, Error> {
        let scale = if scaled { reader.varint()? } else { 0 };
        if scaled && !(1..=MAX_SCALE as u64 * power).contains(&scale) {
            return Err(reader.corrupt("The scale is out of range."));
        }
        let mantissa = if big { Self::decode_big(reader, power)? } else { Mantissa::Small(reader.zigzag128()?) };
        let shortest = match &mantissa {
            Mantissa::Small(i128::MIN) => false,
            Mantissa::Small(m) => !scaled || !ends_in_zero(*m),
            Mantissa::Big(m) => !scaled || m % 10u8 != BigInt::ZERO,
        };
        if !shortest {
            return Err(reader.corrupt("The sum is not in its shortest form."));
        }
        Ok(Self { mantissa, scale: scale as u16 })
    }

    fn decode_big(reader: &mut Reader<'_>, power: u64) -> Result<Mantissa, Error> {
        let head = reader.varint()?;
        let len = head >> 1;
        if !(16..=MAX_MANTISSA * power).contains(&len) {
            return Err(reader.corrupt("The length of the sum is out of range."));
        }
        let magnitude = reader.bytes(len as usize)?;
        // What has its 128th bit set does not fit into i128 but for its minimum, which counts as big.
        let top = magnitude.last().copied().unwrap_or(0);
        if top == 0 || len == 16 && top < 0x80 {
            return Err(reader.corrupt("The sum is not in its shortest form."));
        }
        let sign = if head & 1 == 1 { Sign::Minus } else { Sign::Plus };
        Ok(Mantissa::Big(BigInt::from_bytes_le(sign, magnitude)))
    }

    /// Appends the value as PostgreSQL's on-disk numeric with the given display scale.
    pub fn write_numeric(&self, scale: u16, out: &mut Vec<u8>) -> Result<(), Error> {
        let fraction = (self.scale as usize).div_ceil(4);
        let pad = fraction * 4 - self.scale as usize;
        let scale = scale.max(self.scale);
        let big = match &self.mantissa {
            Mantissa::Small(m) => {
                if let Some(aligned) = m.unsigned_abs().checked_mul(10u128.pow(pad as u32)) {
                    return write_small(*m < 0, aligned, fraction, scale, out);
                }
                BigInt::from(*m)
            }
            Mantissa::Big(m) => m.clone(),
        } * pow10(pad);
        let digits = base10000(big.magnitude(), fraction);
        numeric::write(big.sign() == Sign::Minus, &digits, fraction, scale, out)
    }
}

/// The base-10000 digits, the most significant first, as many as `least` at least.
pub(super) fn base10000(v: &BigUint, least: usize) -> Vec<u16> {
    let centesimal = v.to_radix_le(100);
    let mut digits: Vec<u16> = centesimal.chunks(2).map(|d| d[0] as u16 + d.get(1).map_or(0, |d| *d as u16 * 100)).collect();
    digits.resize(digits.len().max(least), 0);
    digits.reverse();
    digits
}

fn write_small(negative: bool, mut v: u128, fraction: usize, scale: u16, out: &mut Vec<u8>) -> Result<(), Error> {
    // 39 decimal digits are at most 10 groups; zeros in front are stripped by the writer. The fraction may be longer.
    let len = fraction.max(10);
    if len > MAX_FRACTION {
        return Err(Error::out_of_range("value overflows numeric format"));
    }
    let mut digits = vec![0u16; len];
    let mut at = len;
    const CHUNK: u128 = 10_000_000_000_000_000;
    while v > 0 && at > 0 {
        let mut chunk = (v % CHUNK) as u64;
        v /= CHUNK;
        for _ in 0..4.min(at) {
            at -= 1;
            digits[at] = (chunk % BASE as u64) as u16;
            chunk /= BASE as u64;
        }
    }
    numeric::write(negative, &digits, fraction, scale, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_numbers_lose_their_last_zeros() {
        let long = (BigInt::from(7u8).pow(60), BigInt::from(2u8).pow(5000), BigInt::from(5u8).pow(200));
        for digits in [long.0, long.1, long.2, -BigInt::from(3u8).pow(90)] {
            for zeros in [0, 1, 5, 18, 19, 20, 37, 38, 39, 64, 300, 4095, 4096, 9000] {
                for scale in [0, 3, 19, 40, 4096, 12_000] {
                    let Normal { mantissa, scale: left } = normal_big(&digits * pow10(zeros), scale);
                    let taken = scale.min(zeros);
                    assert_eq!(left as usize, scale - taken, "{zeros} zeros of {scale} decimals");
                    let mantissa = match mantissa {
                        Mantissa::Small(m) => BigInt::from(m),
                        Mantissa::Big(m) => m,
                    };
                    assert_eq!(mantissa, &digits * pow10(zeros - taken));
                }
            }
        }
        assert_eq!(normal_big(BigInt::ZERO, 9), Normal { mantissa: Mantissa::Small(0), scale: 0 });
    }
}
