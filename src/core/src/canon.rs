//! The canonical bytes of values, which `uniq` hashes and `arg_*`/`uniq_exact` may store. Equal values of one kind give equal
//! bytes on every server, PostgreSQL major and CPU type. The kinds share no tag: a state counts values of one kind.

use crate::error::Error;
use crate::numeric::{self, Numeric};

/// int2, int4, int8, oid, date, time, timestamp(tz), money, "char": 8 bytes, little endian, so int4 42 is int8 42.
pub fn int(v: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(&int_bytes(v));
}

#[inline]
pub fn int_bytes(v: i64) -> [u8; 8] {
    v.to_le_bytes()
}

/// float4 (widened), float8: the 8 bytes of the bits, little endian; -0 is 0 and there is one NaN, as PostgreSQL's `=` has it.
pub fn float8(v: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(&float8_bytes(v));
}

#[inline]
pub fn float8_bytes(v: f64) -> [u8; 8] {
    let bits = if v.is_nan() {
        0x7ff8_0000_0000_0000
    } else if v == 0.0 {
        0
    } else {
        v.to_bits()
    };
    bits.to_le_bytes()
}

/// text, bytea, uuid: the bytes as they are.
pub fn bytes(v: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(v);
}

/// numeric, from PostgreSQL's on-disk form behind the varlena header. One tag byte, in the order of the values
/// (0 -Infinity, 1 negative, 2 zero, 3 positive, 4 Infinity, 5 NaN); for 1 and 3 then the weight (i16, the power of 10000 of
/// the first digit) and the base-10000 digits (u16 each), little endian, without leading and trailing zero digits: 1.0 is 1.00.
pub fn numeric(payload: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    let mut tag = |tag| {
        out.push(tag);
        Ok(())
    };
    let finite = match numeric::parse(payload)? {
        Numeric::NegInfinity => return tag(0),
        Numeric::Infinity => return tag(4),
        Numeric::NaN => return tag(5),
        Numeric::Finite(finite) => finite,
    };
    let Some(first) = finite.digits().position(|d| d != 0) else {
        return tag(2);
    };
    let last = finite.digits().rposition(|d| d != 0).unwrap_or(first);
    out.push(if finite.negative { 1 } else { 3 });
    // PostgreSQL stores no leading zero digits; a payload that has them may leave i16 only if it is no numeric at all.
    let weight = finite.weight - first as i32;
    let weight = i16::try_from(weight).map_err(|_| numeric::corrupt("The weight is out of range."))?;
    out.extend_from_slice(&weight.to_le_bytes());
    for digit in finite.digits().take(last + 1).skip(first) {
        if digit >= numeric::BASE {
            return Err(numeric::corrupt("A digit is out of range."));
        }
        out.extend_from_slice(&digit.to_le_bytes());
    }
    Ok(())
}

/// PostgreSQL's equality of intervals: the span in microseconds with months of 30 days and days of 24 hours; i128, little endian.
pub fn interval(months: i32, days: i32, micros: i64, out: &mut Vec<u8>) {
    const DAY: i128 = 86_400_000_000;
    let days = months as i128 * 30 + days as i128;
    out.extend_from_slice(&(days * DAY + micros as i128).to_le_bytes());
}

/// Tuples: each part behind its length (u32, little endian); NULL is the length `u32::MAX` alone. So no two tuples run into each other.
pub fn length_prefixed<'a>(parts: impl IntoIterator<Item = Option<&'a [u8]>>, out: &mut Vec<u8>) {
    for part in parts {
        match part {
            Some(part) => {
                // PostgreSQL's values end at 1 GB, far below u32::MAX.
                out.extend_from_slice(&(part.len() as u32).to_le_bytes());
                out.extend_from_slice(part);
            }
            None => out.extend_from_slice(&u32::MAX.to_le_bytes()),
        }
    }
}
