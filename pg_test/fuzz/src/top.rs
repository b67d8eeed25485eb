//! `top_k`, which is exact and keeps every law until it has to drop a value; from then on its bounds hold.

use crate::input::Input;
use crate::laws::Target;
use pg_tally_core::codec::Reader;
use pg_tally_core::hash;
use pg_tally_core::state::{State, TopK};
use pg_tally_core::top_k::capacity;

pub struct Frequent;

impl Target for Frequent {
    type S = TopK<Box<str>>;
    /// A hash, of which the value is made, and how often.
    type Row = (u64, u8);

    /// Two states may give the same hash different values, which no rows do here.
    const MERGES_READ: bool = false;

    fn start(parameter: u8) -> Self::S {
        TopK::new([1, 10, 11, 40][(parameter & 3) as usize])
    }

    fn row(input: &mut Input<'_>) -> (u64, u8) {
        let tag = input.u8();
        let value = input.number(1);
        // Some of them fall into one cell of the filter.
        let hash = if tag & 1 == 0 { hash::hash64(&[value as u8]) } else { value };
        (hash, tag >> 1)
    }

    fn apply(state: &mut Self::S, row: &(u64, u8), _: i64) {
        let (hash, n) = *row;
        // A long run of different values, to come to where they are dropped; or one value many times.
        for i in 0..(n & 31) as u64 + 1 {
            let hash = if n & 32 == 0 { hash } else { hash.wrapping_add(i << 58 | i) };
            state.insert(hash, || format!("{hash}").into());
        }
    }

    fn is_exact(state: &Self::S) -> bool {
        let mut out = Vec::new();
        state.encode(&mut out);
        let mut reader = Reader::new(&out[1..], "top_k_state");
        let (k, n) = (reader.varint().unwrap_or(1), reader.varint().unwrap_or(0));
        n < capacity(k as u32) as u64
    }

    fn answer(state: &Self::S) {
        let top = state.top();
        assert!(top.len() <= state.k() as usize);
        assert!(top.iter().all(|e| e.error < e.count));
        assert!(top.is_sorted_by(|a, b| a.count >= b.count));
        assert!(state.to_json().starts_with('['));
    }

    fn most_bytes(state: &Self::S) -> usize {
        // A counter of a value of 20 digits each, and a filter; of values that were read, the input's bytes besides.
        let capacity = capacity(state.k());
        1 + 2 * 10 + capacity * (3 * 10 + 8 + 20) + (capacity * 4).next_power_of_two() * 10 + 2 * 800
    }
}
