//! Nanoseconds of the states, and their bytes and errors, beside their goals: `cargo run --release -p pg_tally_core --example bench [filter]`.
//! Times are those of the least disturbed of many rounds, on one core. What misses its goal says so.

mod sketches;

use std::hint::black_box;
use std::time::Instant;

use pg_tally_core::state::*;
use pg_tally_core::{hash, numeric};

/// The best round's time in nanoseconds per `units`.
fn best(units: usize, mut run: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut best = f64::INFINITY;
    for round in 0.. {
        let began = Instant::now();
        run();
        best = best.min(began.elapsed().as_nanos() as f64 / units as f64);
        if round >= 6 && start.elapsed().as_millis() > 250 {
            break;
        }
    }
    best
}

fn line(filter: &str, what: &str, goal: &str, units: usize, run: impl FnMut()) {
    if what.contains(filter) {
        let ns = best(units, run);
        println!("{what:<44} {ns:>10.1} ns   goal {goal}{}", verdict(goal, ns));
    }
}

/// A goal is the most that a figure may be, or words.
fn verdict(goal: &str, value: f64) -> &'static str {
    if goal.parse().is_ok_and(|most: f64| value > most) { "   MISSED" } else { "" }
}

fn int_hash(v: i64) -> u64 {
    hash::hash64(&v.to_le_bytes())
}

fn filled(p: u8, values: impl Iterator<Item = i64>) -> Uniq {
    let mut state = Uniq::new(p);
    values.for_each(|v| state.insert_hash(int_hash(v)));
    state
}

fn bytes<S: State>(state: &S) -> Vec<u8> {
    let mut out = Vec::new();
    state.encode(&mut out);
    out
}

fn sums(filter: &str) {
    const N: usize = 1 << 16;
    let ints: Vec<i64> = (0..N as i64).map(|v| v * 7919 % 100_003).collect();
    let floats: Vec<f64> = ints.iter().map(|v| *v as f64 / 100.0 - 300.0).collect();
    let wild: Vec<f64> = ints.iter().map(|v| (*v as f64 - 50_000.0) * 10f64.powi((v % 40) as i32 - 20)).collect();
    let numerics: Vec<Vec<u8>> = ints
        .iter()
        .map(|v| {
            let mut out = Vec::new();
            let digits = [(v / 10_000) as u16, (v % 10_000) as u16, (v % 100 * 100) as u16];
            numeric::write(false, &digits, 1, 2, &mut out).unwrap();
            out
        })
        .collect();
    line(filter, "sum: add_int", "a few", N, || {
        let mut state = SumState::empty();
        ints.iter().for_each(|v| state.add_int(*v, 1));
        black_box(&state);
    });
    line(filter, "sum: add_numeric(n,2)", "some tens", N, || {
        let mut state = SumState::empty();
        numerics.iter().for_each(|v| state.add_numeric(v, 1).unwrap());
        black_box(&state);
    });
    line(filter, "sum_float8: add, like magnitudes", "a few", N, || {
        let mut state = SumFloat8State::empty();
        floats.iter().for_each(|v| state.add(*v, 1));
        black_box(&state);
    });
    line(filter, "sum_float8: add, 40 decades", "a few", N, || {
        let mut state = SumFloat8State::empty();
        wild.iter().for_each(|v| state.add(*v, 1));
        black_box(&state);
    });
    line(filter, "sum_interval: add", "a few", N, || {
        let mut state = SumIntervalState::empty();
        ints.iter().for_each(|v| state.add(1, 2, *v, 1, true));
        black_box(&state);
    });
    let mut out = Vec::with_capacity(100);
    let encoded: Vec<Vec<u8>> = numerics.iter().take(4096).map(|v| {
        let mut state = SumState::empty();
        state.add_numeric(v, 1).unwrap();
        bytes(&state)
    }).collect();
    line(filter, "sum: decode and merge numeric", "-", encoded.len(), || {
        let mut state = SumState::empty();
        encoded.iter().for_each(|b| state.merge(&SumState::decode(b).unwrap()).unwrap());
        black_box(&state);
    });
    line(filter, "sum: one numeric row to bytes", "-", 4096, || {
        for v in &numerics[..4096] {
            out.clear();
            let mut state = SumState::empty();
            state.add_numeric(v, 1).unwrap();
            state.encode(&mut out);
        }
    });
    line(filter, "sum_float8: one row to bytes", "-", 4096, || {
        for v in &floats[..4096] {
            out.clear();
            let mut state = SumFloat8State::empty();
            state.add(*v, 1);
            state.encode(&mut out);
        }
    });
    let encoded: Vec<Vec<u8>> = floats.iter().take(4096).map(|v| {
        let mut state = SumFloat8State::empty();
        state.add(*v, 1);
        bytes(&state)
    }).collect();
    line(filter, "sum_float8: decode and merge", "-", encoded.len(), || {
        let mut state = SumFloat8State::empty();
        encoded.iter().for_each(|b| state.merge(&SumFloat8State::decode(b).unwrap()).unwrap());
        black_box(&state);
    });
}

fn inserts(filter: &str) {
    line(filter, "calibration: uniq: hash only", "2", 100_000, || {
        black_box((0..100_000).fold(0, |acc, v| acc ^ int_hash(v)));
    });
    let (mut a, b) = (vec![1u8; 1 << 14], vec![2u8; 1 << 14]);
    line(filter, "calibration: uniq: maximum of 2 x 16 kB", "410", 1, || {
        black_box(&mut a).iter_mut().zip(black_box(&b)).for_each(|(a, b)| *a = (*a).max(*b));
    });
    for (n, groups, goal) in [(1usize, 20_000usize, "-"), (10, 5_000, "-"), (100, 1000, "4"), (1000, 100, "10"), (10_000, 10, "-"), (1_000_000, 1, "2.5")] {
        line(filter, &format!("uniq: insert, groups of {n}"), goal, n * groups, || {
            for g in 0..groups as i64 {
                black_box(filled(14, (0..n as i64).map(|v| g << 32 | v)));
            }
        });
    }
    for distinct in [1000, 5000] {
        line(filter, &format!("uniq: insert in turn, 1000 groups of {distinct}"), "-", 5_000_000, || {
            let mut groups = vec![Uniq::new(14); 1000];
            for v in 0..5_000_000i64 {
                groups[(v % 1000) as usize].insert_hash(int_hash(v % (distinct * 1000)));
            }
            black_box(groups);
        });
    }
    let values: Vec<i64> = (0..100_000).map(|v| v * 7919 % 100).collect();
    line(filter, "uniq: insert, 100 values again and again", "-", values.len(), || {
        black_box(filled(14, values.iter().copied()));
    });
    for n in [1i64, 10, 100, 1000, 4000] {
        let states: Vec<Uniq> = (0..20_000 / n.max(20)).map(|g| filled(14, (0..n).map(|v| g << 32 | v))).collect();
        let mut out = Vec::with_capacity(10_000);
        line(filter, &format!("uniq: encode n = {n}"), "-", states.len(), || {
            for state in &states {
                out.clear();
                state.encode(&mut out);
            }
        });
    }
}

fn merges(filter: &str) {
    for (n, goal) in [(10i64, "200"), (100, "1700"), (1000, "10000"), (1_000_000, "2200")] {
        let what = format!("uniq: merge two of n = {n} each");
        if !what.contains(filter) {
            continue;
        }
        let pairs: Vec<(Vec<u8>, Vec<u8>)> = (0..if n > 1000 { 3 } else { 50 })
            .map(|g| [0, n / 2].map(|from| bytes(&filled(14, (from..from + n).map(|v| g << 32 | v)))).into())
            .collect();
        line(filter, &what, goal, pairs.len(), || {
            for (a, b) in &pairs {
                black_box(uniq_merge_bytes(a, b).unwrap());
            }
        });
    }
    for (n, goal) in [(1i64, "-"), (10i64, "100"), (100, "200"), (1000, "1800"), (20_000, "350")] {
        let what = format!("uniq: fold 1000 of n = {n}, each");
        if !what.contains(filter) {
            continue;
        }
        let states: Vec<Vec<u8>> = (0..1000).map(|g| bytes(&filled(14, (0..n).map(|v| g << 32 | v)))).collect();
        line(filter, &what, goal, states.len(), || {
            let mut sum = Uniq::empty();
            states.iter().for_each(|b| sum.merge_bytes(b).unwrap());
            black_box(sum.estimate());
        });
    }
    let dense = filled(14, 0..1_000_000);
    let encoded = bytes(&dense);
    line(filter, "uniq: estimate dense", "4500", 1, || {
        black_box(black_box(&dense).estimate());
    });
    line(filter, "uniq: estimate_bytes dense", "4500", 1, || {
        black_box(Uniq::estimate_bytes(black_box(&encoded)).unwrap());
    });
    let sparse = bytes(&filled(14, 0..1000));
    line(filter, "uniq: estimate_bytes sparse x 100", "1000", 1, || {
        for _ in 0..100 {
            black_box(Uniq::estimate_bytes(black_box(&sparse)).unwrap());
        }
    });
    line(filter, "uniq: encode dense", "-", 1, || {
        black_box(bytes(&dense));
    });
}

mod accuracy;

fn main() {
    let filter = std::env::args().nth(1).unwrap_or_default();
    sums(&filter);
    accuracy::run(&filter);
    inserts(&filter);
    merges(&filter);
    sketches::run(&filter);
}
