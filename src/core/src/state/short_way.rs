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

/// Of any bytes the short way takes only what the other takes, to the same effect, or touches nothing. The seeds are states of
/// rows, short ones and ones that are not quite; the first is empty.
pub fn check<S: State>(name: &str, seeds: &[S], merge_short: fn(&mut S, &[u8]) -> Option<()>, merge_any: fn(&mut S, &[u8]) -> Result<(), Error>) {
    let stored: Vec<Vec<u8>> = seeds.iter().map(bytes).chain(golden(name)).collect();
    let (mut taken, mut left, mut random) = (0, 0, 1u64);
    for round in 0..200_000 {
        let mut bytes_of_one = stored[round % stored.len()].clone();
        for _ in 0..round % 4 {
            random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            let (at, byte) = ((random >> 33) as usize % bytes_of_one.len(), (random >> 17) as u8);
            match random >> 60 {
                0 => bytes_of_one.truncate(at + 1),
                1 => bytes_of_one.insert(at, byte),
                2 => bytes_of_one.push(byte),
                3 => bytes_of_one[at] ^= 0x80,
                4 => bytes_of_one[at] = [0, 1, 2, 0x80, 0xff][byte as usize % 5],
                _ => bytes_of_one[at] ^= 1 << (byte & 7),
            }
        }
        for onto in [&seeds[0], &seeds[(random >> 40) as usize % seeds.len()]] {
            let (mut short, mut other) = (onto.clone(), onto.clone());
            match merge_short(&mut short, &bytes_of_one) {
                Some(()) => {
                    taken += 1;
                    merge_any(&mut other, &bytes_of_one).unwrap_or_else(|e| panic!("{bytes_of_one:x?}: {e:?}"));
                    assert_eq!(bytes(&short), bytes(&other), "{bytes_of_one:x?}");
                }
                None => {
                    left += 1;
                    assert_eq!(bytes(&short), bytes(onto), "{bytes_of_one:x?}");
                }
            }
        }
    }
    assert!(taken > 100_000 && left > 50_000, "{taken} {left}");
    // What rows make is taken, but for the longest.
    let short = seeds.iter().filter(|seed| merge_short(&mut seeds[0].clone(), &bytes(*seed)).is_some()).count();
    assert!(short * 4 >= seeds.len() * 3, "{short} of {}", seeds.len());
}
