//! PostgreSQL's on-disk numeric (`NumericData` behind the varlena header), read and written.
//!
//! A u16 header in native endianness: bit 15 clear is the long form (sign and 14 bits of display scale, then the weight as i16), bits
//! 15 and 14 set are NaN and the infinities, else the short form packs sign, display scale (6 bits) and weight (7 bits, signed).
//! Then base-10000 digits, u16 each, native endianness; the first has the weight 10000^weight.

use crate::error::Error;

pub const BASE: u16 = 10_000;
/// The largest display scale that the long form holds.
pub const MAX_SCALE: u16 = 0x3fff;
/// The most base-10000 digits behind the decimal point: MAX_SCALE decimals, rounded up.
pub const MAX_FRACTION: usize = 4096;

const SHORT: u16 = 0x8000;
const SPECIAL: u16 = 0xc000;
const NEGATIVE: u16 = 0x4000;
const SHORT_NEGATIVE: u16 = 0x2000;

pub enum Numeric<'a> {
    NaN,
    Infinity,
    NegInfinity,
    Finite(Finite<'a>),
}

#[derive(Clone, Copy)]
pub struct Finite<'a> {
    pub negative: bool,
    pub weight: i32,
    pub scale: u16,
    raw: &'a [u8],
}

impl<'a> Finite<'a> {
    #[inline]
    pub fn len(&self) -> usize {
        self.raw.len() / 2
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    #[inline]
    pub fn digits(&self) -> impl DoubleEndedIterator<Item = u16> + ExactSizeIterator + 'a {
        self.raw.chunks_exact(2).map(|d| u16::from_ne_bytes([d[0], d[1]]))
    }

    /// How many of the digits stand behind the decimal point.
    #[inline]
    pub fn fraction(&self) -> Result<usize, Error> {
        let fraction = (self.len() as i32 - self.weight - 1).max(0) as usize;
        if self.is_empty() {
            Ok(0)
        } else if fraction > MAX_FRACTION {
            Err(corrupt("There are too many digits behind the decimal point."))
        } else {
            Ok(fraction)
        }
    }
}

#[cold]
pub fn corrupt(detail: &str) -> Error {
    Error::corrupt("numeric", detail)
}

#[inline]
pub fn parse(payload: &[u8]) -> Result<Numeric<'_>, Error> {
    let Some((head, rest)) = payload.split_first_chunk::<2>() else {
        return Err(corrupt("The header is missing."));
    };
    let head = u16::from_ne_bytes(*head);
    if head & SPECIAL == SPECIAL {
        return match head & 0xf000 {
            0xd000 => Ok(Numeric::Infinity),
            0xf000 => Ok(Numeric::NegInfinity),
            _ => Ok(Numeric::NaN),
        };
    }
    let finite = if head & SHORT != 0 {
        let weight = (head & 0x3f) as i32 - if head & 0x40 != 0 { 64 } else { 0 };
        Finite { negative: head & SHORT_NEGATIVE != 0, weight, scale: head >> 7 & 0x3f, raw: rest }
    } else {
        let Some((weight, raw)) = rest.split_first_chunk::<2>() else {
            return Err(corrupt("The weight is missing."));
        };
        let weight = i16::from_ne_bytes(*weight) as i32;
        Finite { negative: head & NEGATIVE != 0, weight, scale: head & MAX_SCALE, raw }
    };
    if finite.raw.len() % 2 != 0 {
        return Err(corrupt("A digit is cut off."));
    }
    Ok(Numeric::Finite(finite))
}

pub fn write_nan(out: &mut Vec<u8>) {
    out.extend_from_slice(&0xc000u16.to_ne_bytes());
}

pub fn write_infinity(negative: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(&if negative { 0xf000u16 } else { 0xd000u16 }.to_ne_bytes());
}

/// Writes base-10000 `digits`, the most significant first, the last `fraction` of them behind the decimal point, as
/// PostgreSQL's `make_result` would: no leading or trailing zero digits, the short form where it fits.
pub fn write(negative: bool, digits: &[u16], fraction: usize, scale: u16, out: &mut Vec<u8>) -> Result<(), Error> {
    let first = digits.iter().position(|d| *d != 0);
    let last = digits.iter().rposition(|d| *d != 0);
    let (negative, weight, digits) = match (first, last) {
        (Some(first), Some(last)) => {
            let weight = digits.len() as i64 - fraction as i64 - 1 - first as i64;
            (negative, weight, &digits[first..=last])
        }
        _ => (false, 0, &digits[..0]),
    };
    let Ok(weight) = i16::try_from(weight) else {
        return Err(overflow());
    };
    if scale > MAX_SCALE {
        return Err(overflow());
    }
    if scale <= 0x3f && (-64..=63).contains(&weight) {
        let sign = if negative { SHORT_NEGATIVE } else { 0 };
        let head = SHORT | sign | scale << 7 | weight as u16 & 0x7f;
        out.extend_from_slice(&head.to_ne_bytes());
    } else {
        let head = if negative { NEGATIVE } else { 0 } | scale;
        out.extend_from_slice(&head.to_ne_bytes());
        out.extend_from_slice(&weight.to_ne_bytes());
    }
    for digit in digits {
        out.extend_from_slice(&digit.to_ne_bytes());
    }
    Ok(())
}

#[cold]
fn overflow() -> Error {
    Error::out_of_range("value overflows numeric format")
}
