//! The bytes of `top_k` states.
//!
//! ```text
//! byte 0   version 1 << 4 | kind 14; the state of no values has no more
//!          varint k, varint number of counters
//! counters the greatest count first, of equal counts the greatest hash: varint of how much less the count is than the one before (of the first: the
//!          count); varint error << 1, or (count - error) << 1 | 1 if that is less; hash u64, little endian (xxh3_64, seed 0, of the
//!          canonical bytes); varint length << 1 | is plain; the value as JSON text in UTF-8, a string without escapes plainly without its quotes
//! filter   only if values have been dropped: for each cell, the least hashes first, varint upper bound
//! ```

use super::{Counter, TopK, Value, capacity, cells, json};
use crate::codec::{Reader, header, put_varint};
use crate::error::Error;
use crate::state::State;
use crate::state::counts;
use crate::state::kind::TOP_K;

pub fn encode<V: Value>(state: &TopK<V>, out: &mut Vec<u8>) {
    out.push(header(TOP_K));
    if state.is_empty() {
        return;
    }
    put_varint(state.k as u64, out);
    put_varint(state.counters.len() as u64, out);
    let mut order: Vec<&Counter<V>> = state.counters.iter().collect();
    order.sort_unstable_by_key(|counter| std::cmp::Reverse(counter.rank()));
    let mut before = None;
    for counter in order {
        put_varint(before.map_or(counter.count, |before| before - counter.count), out);
        before = Some(counter.count);
        let certain = counter.count - counter.error;
        put_varint(if certain < counter.error { certain << 1 | 1 } else { counter.error << 1 }, out);
        out.extend_from_slice(&counter.hash.to_le_bytes());
        let text = counter.value.json();
        let plain = json::plain_string(&text);
        let stored = plain.unwrap_or(&text);
        put_varint((stored.len() as u64) << 1 | u64::from(plain.is_some()), out);
        out.extend_from_slice(stored.as_bytes());
    }
    state.filter.iter().for_each(|bound| put_varint(*bound, out));
}

pub fn decode<V: Value>(bytes: &[u8]) -> Result<TopK<V>, Error> {
    let mut reader = Reader::open(bytes, TOP_K)?;
    if reader.is_done() {
        return Ok(TopK::empty());
    }
    let k = reader.varint()?;
    let k = u32::try_from(k).ok().filter(|k| (1..=super::MAX_K).contains(k)).ok_or_else(|| reader.corrupt("The number of values is out of range."))?;
    let n = reader.varint()?;
    if n == 0 || n > capacity(k) as u64 {
        return Err(reader.corrupt("The number of counters is out of range."));
    }
    let mut counters: Vec<Counter<V>> = Vec::with_capacity(n as usize);
    for _ in 0..n {
        let before = counters.last().map(Counter::rank);
        counters.push(read_counter(&mut reader, before)?);
    }
    let filter = if reader.is_done() { Vec::new() } else { read_filter(&mut reader, k)? };
    if filter.is_empty() && counters.iter().any(|counter| counter.error > 0) || !filter.is_empty() && counters.len() < capacity(k) {
        return Err(reader.corrupt("There are errors, or bounds of other values, but no value can have been dropped."));
    }
    let corrupt = reader.corrupt("A value is counted twice.");
    reader.finish()?;
    let state = TopK::of(k, counters, filter);
    if state.index.len() < state.counters.len() { Err(corrupt) } else { Ok(state) }
}

fn read_counter<V: Value>(reader: &mut Reader<'_>, before: Option<(u64, u64)>) -> Result<Counter<V>, Error> {
    let count = reader.varint()?;
    let count = before.map_or(Some(count), |(before, _)| before.checked_sub(count)).filter(|count| (1..=counts::LIMIT as u64).contains(count));
    let count = count.ok_or_else(|| reader.corrupt("A count is out of range."))?;
    let v = reader.varint()?;
    let (error, shorter) = if v & 1 == 1 { (count.wrapping_sub(v >> 1), true) } else { (v >> 1, false) };
    if error >= count || (count - error < error) != shorter {
        return Err(reader.corrupt("The error of a count is out of range."));
    }
    let hash = reader.bytes(8)?.try_into().map_or(0, u64::from_le_bytes);
    if before.is_some_and(|before| before <= (count, hash)) {
        return Err(reader.corrupt("The counters are not in order."));
    }
    let len = reader.varint()?;
    let stored = reader.bytes(usize::try_from(len >> 1).unwrap_or(usize::MAX))?;
    let value = std::str::from_utf8(stored).ok().and_then(|text| read_value(text, len & 1 == 1));
    let value = value.ok_or_else(|| reader.corrupt("A value is not in the form of JSON that states have."))?;
    Ok(Counter { hash, count, error, place: 0, value })
}

fn read_value<V: Value>(text: &str, plain: bool) -> Option<V> {
    if plain {
        return json::is_plain(text).then(|| V::from_json(["\"", text, "\""].concat()));
    }
    (json::is_valid(text) && json::plain_string(text).is_none()).then(|| V::from_json(text.to_string()))
}

fn read_filter(reader: &mut Reader<'_>, k: u32) -> Result<Vec<u64>, Error> {
    let mut filter = Vec::with_capacity(cells(k));
    for _ in 0..cells(k) {
        filter.push(reader.varint()?);
    }
    if filter.iter().all(|bound| *bound == 0) || filter.iter().any(|bound| *bound > counts::LIMIT as u64) {
        return Err(reader.corrupt("A bound of other values is out of range."));
    }
    Ok(filter)
}
