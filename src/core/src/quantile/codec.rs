//! The bytes of `quantile` states.
//!
//! ```text
//! byte 0   version 1 << 4 | kind 13; the state of no values has no more
//! byte 1   which parts follow: 1 NaN, 2 Infinity, 4 -Infinity, 8 zero, 16 bins; bits 6 and 7: the accuracy, 0 being 35 bins an octave
//!          varint counts of NaN, Infinity, -Infinity and zero, those that there are
//! extremes if there are finite values: a byte with the lengths of the least (low half) and the greatest (high half, 15: it is the least);
//!          their bytes. In a bin: the low 48 bits of the mantissa (of a subnormal number as if it were normal); in zero (where it may have been folded): the
//!          64 bits; big endian, without the zero bytes at the end.
//! bins     varint of zigzag(distance from zero - that of 1.0) << 1 | is negative, of the first bin; then for every bin one of
//!          varint (count - 1) << 1         the next bin
//!          varint skipped - 1 << 2 | 1     the bin after so many empty ones, with one value
//!          varint skipped - 1 << 2 | 3     the same with more values, followed by varint count - 2
//! ```

use super::bins::{self, Open, from_zero};
use super::eight::{Eight, Eights};
use super::{Quantile, bucket};
use crate::codec::{Reader, header, put_varint};
use crate::error::Error;
use crate::state::counts;
use crate::state::kind::QUANTILE;

const NAME: &str = "quantile_state";

const NAN: u8 = 1;
const INFINITE: u8 = 2;
const NEG_INFINITE: u8 = 4;
const ZERO: u8 = 8;
const BINS: u8 = 16;
const ACCURACY: u8 = 0xc0;

/// The length that says: the greatest value is the least.
const SAME: u8 = 15;

pub fn encode(state: &Quantile, out: &mut Vec<u8>) {
    out.push(header(QUANTILE));
    if state.count == 0 {
        return;
    }
    let (list, folded) = state.bins.settled();
    let zero = state.zero + folded;
    let flag = |there: bool, flag: u8| if there { flag } else { 0 };
    out.push(
        flag(state.nan > 0, NAN)
            | flag(state.infinite > 0, INFINITE)
            | flag(state.neg_infinite > 0, NEG_INFINITE)
            | flag(zero > 0, ZERO)
            | flag(!list.is_empty(), BINS),
    );
    for count in [state.nan, state.infinite, state.neg_infinite, zero] {
        if count > 0 {
            put_varint(count, out);
        }
    }
    let Some((least, greatest)) = ends(&list, zero) else { return };
    put_extremes(state, least, greatest, out);
    if let Some(first) = list.first() {
        put_bins(first.0, &list, out);
    }
}

/// The bins of the least and the greatest value, 0 for zero. None without finite values.
fn ends(list: &[(i32, u64)], zero: u64) -> Option<(i32, i32)> {
    let (first, last) = (list.first().map(|entry| entry.0), list.last().map(|entry| entry.0));
    let zero = (zero > 0).then_some(0);
    let least = first.into_iter().chain(zero).min()?;
    let greatest = last.into_iter().chain(zero).max()?;
    Some((least, greatest))
}

fn put_extremes(state: &Quantile, least: i32, greatest: i32, out: &mut Vec<u8>) {
    let trimmed = |v: f64, bin: i32| {
        let bits = if bin == 0 { v.to_bits() } else { bucket::low_bits(v) << (64 - bucket::LOW_BITS) };
        let len = 8 - bits.trailing_zeros() as usize / 8;
        (bits.to_be_bytes(), len)
    };
    let (min, min_len) = trimmed(state.min, least);
    let (max, max_len) = trimmed(state.max, greatest);
    let same = state.min == state.max;
    out.push(min_len as u8 | if same { SAME } else { max_len as u8 } << 4);
    out.extend_from_slice(&min[..min_len]);
    if !same {
        out.extend_from_slice(&max[..max_len]);
    }
}

fn put_bins(first: i32, list: &[(i32, u64)], out: &mut Vec<u8>) {
    let distance = (first.abs() - bucket::ONE) as i64;
    let zigzag = (distance << 1 ^ distance >> 63) as u64;
    put_varint(zigzag << 1 | u64::from(first < 0), out);
    out.reserve(list.len() * 2);
    let mut next = first;
    for &(bin, count) in list {
        let skipped = (bin - next) as u64;
        let more = u64::from(count > 1);
        // Which of the two it is has no pattern: neither is branched to.
        put_varint(if skipped == 0 { (count - 1) << 1 } else { (skipped.wrapping_sub(1)) << 2 | more << 1 | 1 }, out);
        if skipped > 0 && count > 1 {
            put_varint(count - 2, out);
        }
        next = bin + 1;
    }
}

/// Adds an encoded state to `state`. After an error `state` is of no use.
pub fn merge(bytes: &[u8], state: &mut Quantile) -> Result<(), Error> {
    let mut reader = Reader::open(bytes, QUANTILE)?;
    if reader.is_done() {
        return Ok(());
    }
    let flags = reader.u8()?;
    if flags & ACCURACY != 0 {
        return Err(Error::unsupported(NAME, format!("Accuracy {} is unknown, this build knows 0.", flags >> 6)));
    }
    if flags == 0 || flags & !(NAN | INFINITE | NEG_INFINITE | ZERO | BINS) != 0 {
        return Err(reader.corrupt("The byte that announces the parts is out of range."));
    }
    let mut total = 0u64;
    let mut count = |reader: &mut Reader<'_>, flag: u8| {
        if flags & flag == 0 {
            return Ok(0);
        }
        let count = reader.varint()?;
        if count == 0 {
            return Err(reader.corrupt("Values are announced, but there are none."));
        }
        total = total.saturating_add(count);
        Ok(count)
    };
    let nan = count(&mut reader, NAN)?;
    let infinite = count(&mut reader, INFINITE)?;
    let neg_infinite = count(&mut reader, NEG_INFINITE)?;
    let zero = count(&mut reader, ZERO)?;
    let mut finite = zero;
    if flags & (ZERO | BINS) != 0 {
        let lengths = reader.u8()?;
        let min = reader.bytes((lengths & 15) as usize)?;
        let same = lengths >> 4 == SAME;
        let max = reader.bytes(if same { 0 } else { (lengths >> 4) as usize })?;
        let read = if flags & BINS != 0 { read_bins(&mut reader, state)? } else { Read::default() };
        finite = finite.saturating_add(read.count);
        let least = if read.first >= 0 && zero > 0 { 0 } else { read.first };
        let greatest = if read.last <= 0 && zero > 0 { 0 } else { read.last };
        let min = read_extreme(&reader, min, least, &read)?;
        let max = if same { min } else { read_extreme(&reader, max, greatest, &read)? };
        let alone = least == greatest && finite == 1;
        if (max <= min) != same || same && least != greatest || alone && !same {
            return Err(reader.corrupt("The least and the greatest value contradict each other."));
        }
        state.min = state.min.min(min);
        state.max = state.max.max(max);
    }
    total = total.saturating_add(finite - zero);
    let total = i64::try_from(total).ok().filter(|n| *n <= counts::LIMIT).ok_or_else(|| reader.corrupt("A count of values is out of range."))?;
    reader.finish()?;
    state.count = counts::merge(state.count, total)?;
    state.nan += nan;
    state.infinite += infinite;
    state.neg_infinite += neg_infinite;
    state.zero += zero;
    Ok(())
}

/// What is to be known of the bins once they are read.
#[derive(Default)]
struct Read {
    first: i32,
    last: i32,
    bins: usize,
    count: u64,
    /// The least distance from zero.
    nearest: u32,
    eights: Eights,
}

fn read_bins(reader: &mut Reader<'_>, state: &mut Quantile) -> Result<Read, Error> {
    let v = reader.varint()?;
    let zigzag = v >> 1;
    let distance = (zigzag >> 1) as i64 ^ -((zigzag & 1) as i64);
    let distance = distance.saturating_add(bucket::ONE as i64);
    if !(1..=bucket::LAST as i64).contains(&distance) {
        return Err(reader.corrupt("A bin is out of range."));
    }
    let first = if v & 1 == 1 { -distance } else { distance } as i32;
    let v = reader.varint()?;
    if v & 1 == 1 {
        return Err(reader.corrupt("There are empty bins before the first."));
    }
    let mut read = Read { first, last: first, bins: 1, count: (v >> 1) + 1, nearest: from_zero(first), eights: Eights::default() };
    // A bin takes a byte or two.
    state.bins.reserve(first, 1 + reader.rest().len());
    state.zero += state.bins.add(first, read.count);
    let mut rest = reader.bytes(reader.rest().len())?;
    loop {
        if rest.first().is_some_and(|v| *v < 0x80) {
            read.short_steps(&mut rest, state.bins.open());
        }
        if rest.is_empty() {
            break;
        }
        let v = next_varint(&mut rest)?;
        let (skipped, count) = match v & 3 {
            3 => ((v >> 2) + 1, next_varint(&mut rest)?.saturating_add(2)),
            1 => ((v >> 2) + 1, 1),
            _ => (0, (v >> 1) + 1),
        };
        read.count = read.count.saturating_add(count);
        let bin = (read.last as i64 + 1).saturating_add_unsigned(skipped);
        if bin > bucket::LAST as i64 || bin == 0 || read.count > counts::LIMIT as u64 {
            return Err(reader.corrupt("A bin or its count is out of range."));
        }
        if bin > 0 && read.last < 0 {
            read.nearest = from_zero(bin as i32).min(from_zero(read.last));
        }
        state.zero += state.bins.add(bin as i32, count);
        read.bins += 1;
        read.last = bin as i32;
    }
    // The last page may have room for more bins than there are.
    if read.last > bucket::LAST {
        return Err(reader.corrupt("A bin or its count is out of range."));
    }
    if read.last < 0 {
        read.nearest = from_zero(read.last);
    }
    if read.bins > bins::LIMIT {
        return Err(reader.corrupt("There are too many bins."));
    }
    Ok(read)
}

/// For the byte that a bin begins with how far it is from the one before, and its count; 0 if that follows.
const STEPS: [(u8, u8); 128] = {
    let (mut steps, mut v) = ([(0, 0); 128], 0);
    while v < 128 {
        steps[v] = match v & 3 {
            3 => ((v >> 2) as u8 + 2, 0),
            1 => ((v >> 2) as u8 + 2, 1),
            _ => (1, (v >> 1) as u8 + 1),
        };
        v += 1;
    }
    steps
};

impl Read {
    /// Reads and adds bins while each is a byte or two, on the side of zero of the one before, and on a page that is there. This is what merging
    /// takes its time for.
    #[inline]
    fn short_steps(&mut self, rest: &mut &[u8], open: Option<Open<'_>>) {
        let Some(mut open) = open else { return };
        let (mut last, mut count) = (self.last, self.count);
        let mut bins = 0;
        let mut eights = self.eights;
        loop {
            while eights.are_due()
                && let Some((bytes, behind)) = rest.split_first_chunk()
                && let Some(eight) = Eight::read(*bytes)
                && (last + eight.places[7] as i32) ^ last >= 0
                && open.add_eight(last, eight.places, eight.counts)
            {
                bins += eight.bins;
                last += eight.places[7] as i32;
                count += eight.values;
                *rest = if eight.bytes == 8 { behind } else { &rest[eight.bytes..] };
                eights.succeeded();
            }
            let Some((&v, mut others)) = rest.split_first() else { break };
            let Some(&(step, mut n)) = STEPS.get(v as usize) else { break };
            if n == 0 {
                let Some((&more @ ..0x80, behind)) = others.split_first() else { break };
                (n, others) = (more + 2, behind);
            }
            let bin = last + step as i32;
            if bin ^ last < 0 {
                break;
            }
            let Some(slot) = open.slot(bin) else { break };
            *slot += n as u64;
            bins += 1;
            (last, count, *rest) = (bin, count + n as u64, others);
        }
        self.bins += bins;
        (self.last, self.count, self.eights) = (last, count, eights);
    }
}

#[inline]
fn next_varint(rest: &mut &[u8]) -> Result<u64, Error> {
    if let Some((&first, others)) = rest.split_first()
        && first < 0x80
    {
        *rest = others;
        return Ok(first as u64);
    }
    let mut reader = Reader::new(rest, NAME);
    let v = reader.varint()?;
    *rest = reader.rest();
    Ok(v)
}

fn read_extreme(reader: &Reader<'_>, bytes: &[u8], bin: i32, read: &Read) -> Result<f64, Error> {
    let most = if bin == 0 { 8 } else { bucket::LOW_BITS as usize / 8 };
    let mut bits = [0; 8];
    let v = if bytes.len() > most || bytes.last() == Some(&0) {
        None
    } else {
        bits[..bytes.len()].copy_from_slice(bytes);
        let bits = u64::from_be_bytes(bits);
        if bin == 0 { folded(f64::from_bits(bits), read) } else { bucket::with_low_bits(bin, bits >> (64 - bucket::LOW_BITS)) }
    };
    v.ok_or_else(|| reader.corrupt("The least or the greatest value is out of range."))
}

/// Can this value have been counted as zero?
fn folded(v: f64, read: &Read) -> Option<f64> {
    let is_zero = v.to_bits() == 0;
    let near = || v != 0.0 && v.is_finite() && read.bins == bins::LIMIT && from_zero(bucket::of(v)) < read.nearest;
    (is_zero || near()).then_some(v)
}
