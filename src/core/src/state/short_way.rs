//! What the tests of states with a short way share.

use super::decimal::{Mantissa, Normal};
use super::{State, Subtract};
use crate::error::Error;

fn bytes(state: &impl State) -> Vec<u8> {
    let mut out = Vec::new();
    state.encode(&mut out);
    out
}

/// What the golden file of a state type stores.
fn golden(name: &str) -> Vec<Vec<u8>> {
    let path = format!("{}/../../pg_test/golden/{name}.v1.txt", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let hex = text.lines().filter_map(|line| line.strip_prefix("bytes: "));
    hex.map(|hex| (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()).collect()
}

/// An empty state, and of each of these the state of so many rows, added and removed.
pub fn seeds<S: State + Subtract, R: Copy>(rows: impl IntoIterator<Item = (R, i32)>, add: impl Fn(&mut S, R)) -> Vec<S> {
    let mut seeds = vec![S::empty()];
    for (row, n) in rows {
        let mut state = S::empty();
        (0..n).for_each(|_| add(&mut state, row));
        seeds.push(state.clone());
        state.negate();
        seeds.push(state);
    }
    seeds
}

/// value / 10^digits as PostgreSQL stores it.
pub fn numeric(value: i64, digits: u16) -> Vec<u8> {
    let mut payload = Vec::new();
    Normal { mantissa: Mantissa::Small(value as i128), scale: digits }.write_numeric(digits, &mut payload).unwrap();
    payload
}

/// Stored states, each with up to three changes.
struct Mutations {
    stored: Vec<Vec<u8>>,
    round: usize,
    random: u64,
}

impl Mutations {
    fn of<S: State>(name: &str, seeds: &[S]) -> Self {
        Self { stored: seeds.iter().map(bytes).chain(golden(name)).collect(), round: 0, random: 1 }
    }

    /// One of so many.
    fn pick(&self, of: usize) -> usize {
        (self.random >> 40) as usize % of
    }

    fn next(&mut self) -> Vec<u8> {
        let mut bytes_of_one = self.stored[self.round % self.stored.len()].clone();
        for _ in 0..self.round % 4 {
            self.random = self.random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            let (at, byte) = ((self.random >> 33) as usize % bytes_of_one.len(), (self.random >> 17) as u8);
            match self.random >> 60 {
                0 => bytes_of_one.truncate(at + 1),
                1 => bytes_of_one.insert(at, byte),
                2 => bytes_of_one.push(byte),
                3 => bytes_of_one[at] ^= 0x80,
                4 => bytes_of_one[at] = [0, 1, 2, 0x80, 0xff][byte as usize % 5],
                _ => bytes_of_one[at] ^= 1 << (byte & 7),
            }
        }
        self.round += 1;
        bytes_of_one
    }
}

/// What a way that takes some bytes has made of `onto` is what the way that takes all makes of it, or nothing. Whether it took them.
fn agrees<S: State>(onto: &S, stored: &[u8], short: &S, taken: bool, merge_any: fn(&mut S, &[u8]) -> Result<(), Error>) -> bool {
    let mut other = onto.clone();
    if taken {
        merge_any(&mut other, stored).unwrap_or_else(|e| panic!("{stored:x?}: {e:?}"));
    }
    assert_eq!(bytes(short), bytes(&other), "{stored:x?}");
    taken
}

/// Of any bytes the short way takes only what the other takes, to the same effect, or touches nothing. The seeds are states of
/// rows, short ones and ones that are not quite; the first is empty.
pub fn check<S: State>(name: &str, seeds: &[S], merge_short: fn(&mut S, &[u8]) -> Option<()>, merge_any: fn(&mut S, &[u8]) -> Result<(), Error>) {
    let mut mutations = Mutations::of(name, seeds);
    let (mut taken, mut left) = (0, 0);
    for _ in 0..200_000 {
        let stored = mutations.next();
        for onto in [&seeds[0], &seeds[mutations.pick(seeds.len())]] {
            let mut short = onto.clone();
            let took = merge_short(&mut short, &stored).is_some();
            *if agrees(onto, &stored, &short, took, merge_any) { &mut taken } else { &mut left } += 1;
        }
    }
    assert!(taken > 100_000 && left > 50_000, "{taken} {left}");
    // What rows make is taken, but for the longest.
    let short = seeds.iter().filter(|seed| merge_short(&mut seeds[0].clone(), &bytes(*seed)).is_some()).count();
    assert!(short * 4 >= seeds.len() * 3, "{short} of {}", seeds.len());
    check_in_place(name, seeds, merge_any);
}

/// The same of what is merged in place, which also leaves the state where it is and as large as it was.
fn check_in_place<S: State>(name: &str, seeds: &[S], merge_any: fn(&mut S, &[u8]) -> Result<(), Error>) {
    let mut mutations = Mutations::of(name, seeds);
    // Onto what has seen the like there is nearly always room.
    let settled: Vec<S> = seeds.iter().map(|seed| {
        let mut settled = seed.clone();
        (0..2).for_each(|_| settled.merge_bytes(&bytes(seed)).unwrap());
        settled
    }).collect();
    let (mut taken, mut left) = (0, 0);
    for round in 0..200_000 {
        let stored = mutations.next();
        for onto in [&settled[round % mutations.stored.len() % settled.len()], &seeds[mutations.pick(seeds.len())]] {
            let mut short = onto.clone();
            let held = short.heap_size();
            let took = short.merge_in_place(&stored);
            assert_eq!(short.heap_size(), held, "{stored:x?}");
            *if agrees(onto, &stored, &short, took, merge_any) { &mut taken } else { &mut left } += 1;
        }
    }
    assert!(taken > 50_000 && left > 50_000, "{taken} {left}");
    // What is merged again and again needs room once.
    let again = seeds.iter().zip(&settled).filter(|(seed, settled)| (*settled).clone().merge_in_place(&bytes(*seed))).count();
    assert!(again * 4 >= seeds.len() * 3, "{again} of {}", seeds.len());
}
