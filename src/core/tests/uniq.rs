//! HyperLogLog++ against the crate `hyperloglogplus`, and the laws and sizes of its states.

mod common;

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher};

use common::{Rng, bytes, int_hash};
use hyperloglogplus::{HyperLogLog, HyperLogLogPlus};
use pg_tally_core::state::{State, Uniq, uniq_merge_bytes};
use pg_tally_core::uniq::check_precision;
use proptest::prelude::*;

/// Gives the crate our hash as it is.
#[derive(Clone, Default, serde::Serialize, serde::Deserialize)]
struct Identity;
#[derive(Default)]
struct IdentityHasher(u64);

impl BuildHasher for Identity {
    type Hasher = IdentityHasher;
    fn build_hasher(&self) -> IdentityHasher {
        IdentityHasher(0)
    }
}

impl Hasher for IdentityHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {
        unreachable!("only u64 is hashed")
    }
    fn write_u64(&mut self, v: u64) {
        self.0 = v;
    }
}

type Oracle = HyperLogLogPlus<u64, Identity>;

fn build(p: u8, hashes: impl IntoIterator<Item = u64>) -> Uniq {
    let mut state = Uniq::new(p);
    hashes.into_iter().for_each(|h| state.insert_hash(h));
    state
}

/// The registers of a dense state, read as the format's description says, by other code than the engine's.
fn registers(bytes: &[u8]) -> Vec<u8> {
    assert_eq!(bytes[0], 0x12, "not dense");
    let m = 1usize << ((bytes[1] >> 4) + 4);
    let mut at = 3;
    let mut varint = |bytes: &[u8]| {
        let mut v = 0;
        for shift in (0..).step_by(7) {
            v |= ((bytes[at] & 0x7f) as usize) << shift;
            at += 1;
            if bytes[at - 1] < 0x80 {
                break;
            }
        }
        (v, at)
    };
    let (exceptions, start) = varint(bytes);
    let nibbles = &bytes[start..start + m / 2];
    let mut registers: Vec<u8> = (0..m).map(|j| bytes[2] + if j < m / 2 { nibbles[j] & 15 } else { nibbles[j - m / 2] >> 4 }).collect();
    let (mut rest, mut index) = (&bytes[start + m / 2..], 0);
    for _ in 0..exceptions {
        at = 0;
        let mut v = 0;
        for shift in (0..).step_by(7) {
            v |= ((rest[at] & 0x7f) as usize) << shift;
            at += 1;
            if rest[at - 1] < 0x80 {
                break;
            }
        }
        index += v;
        registers[index] = rest[at];
        rest = &rest[at + 1..];
        index += 1;
    }
    assert!(rest.is_empty());
    registers
}

fn oracle_registers(oracle: &Oracle) -> Option<Vec<u8>> {
    let value = serde_json::to_value(oracle).unwrap();
    let registers = value["registers"].as_object()?;
    let count = registers["count"].as_u64().unwrap() as usize;
    let words = registers["buf"].as_array().unwrap().iter().map(|w| w.as_u64().unwrap());
    Some(words.flat_map(|w| (0..5).map(move |i| (w >> (i * 6) & 63) as u8)).take(count).collect())
}

fn relative(a: f64, b: f64) -> f64 {
    (a - b).abs() / b.max(1.0)
}

#[test]
fn registers_are_those_of_the_oracle() {
    for p in 10..=18 {
        for n in [1u64 << p, 5 << p] {
            let n = n.min(400_000);
            let mut oracle = Oracle::new(p, Identity).unwrap();
            let mut rng = Rng(p as u64);
            let mut state = Uniq::new(p);
            for _ in 0..n {
                let h = rng.next();
                oracle.insert(&h);
                state.insert_hash(h);
            }
            let expected = oracle_registers(&oracle).expect("the oracle is dense");
            assert_eq!(registers(&bytes(&state)), expected, "p = {p}, n = {n}");
            // Two estimators on the same registers: they part as the error of either does, with 1 / sqrt(m).
            let allowed = 0.005 * f64::max(1.0, 2f64.powf((14.0 - p as f64) / 2.0));
            let (ours, theirs) = (state.estimate() as f64, oracle.count());
            assert!(relative(ours, theirs) <= allowed, "p = {p}, n = {n}: {ours}, {theirs}");
        }
    }
}

#[test]
fn rare_hashes_give_the_oracle_s_registers() {
    // Few index bits and long runs of zeros behind them: rare codes, large rho, exceptions.
    for p in [10, 12, 14, 18] {
        let mut oracle = Oracle::new(p, Identity).unwrap();
        let mut state = Uniq::new(p);
        let mut rng = Rng(p as u64);
        for i in 0..3u64 << p {
            let h = rng.next() & !0 << (64 - p) | if i % 3 == 0 { (rng.next() >> rng.below(64)) & ((1 << (64 - p)) - 1) } else { rng.next() >> p };
            oracle.insert(&h);
            state.insert_hash(h);
        }
        assert_eq!(registers(&bytes(&state)), oracle_registers(&oracle).unwrap(), "p = {p}");
    }
}

#[test]
fn sparse_estimates_are_those_of_the_oracle() {
    for p in [10, 14, 18] {
        for n in [1u64, 2, 8, 9, 100, 250, 1000, 4000, 60_000] {
            if n > 1 << (p - 2) {
                continue;
            }
            let mut oracle = Oracle::new(p, Identity).unwrap();
            let state = build(p, (0..n as i64).map(int_hash));
            (0..n as i64).for_each(|v| oracle.insert(&int_hash(v)));
            assert!(relative(state.estimate() as f64, oracle.count()) <= 0.005, "p = {p}, n = {n}");
            assert!(relative(state.estimate() as f64, n as f64) <= 0.005, "p = {p}, n = {n}");
        }
    }
}

#[test]
fn dense_estimates_have_the_error_of_hyperloglog_and_no_bias() {
    for (p, n) in [(10u8, 300u64), (10, 1000), (10, 2500), (10, 20_000), (12, 10_000)] {
        let trials = 100;
        let mut rng = Rng(n);
        let errors: Vec<f64> = (0..trials).map(|_| build(p, (0..n).map(|_| rng.next())).estimate() as f64 / n as f64 - 1.0).collect();
        let sigma = 1.04 / 2f64.powi(p as i32).sqrt();
        let bias = errors.iter().sum::<f64>() / trials as f64;
        let rms = (errors.iter().map(|e| e * e).sum::<f64>() / trials as f64).sqrt();
        assert!(bias.abs() <= 3.5 * sigma / (trials as f64).sqrt(), "p = {p}, n = {n}: bias {bias}");
        assert!(rms <= 1.25 * sigma, "p = {p}, n = {n}: {rms}");
    }
}

#[test]
fn small_sets_are_counted_exactly() {
    let mut square = 0.0;
    for trial in 0..200i64 {
        let mut state = Uniq::new(14);
        for v in 0..1000 {
            state.insert_hash(int_hash(trial << 32 | v));
            if v < 200 && trial < 20 {
                assert_eq!(state.estimate(), v as u64 + 1);
            }
        }
        square += (state.estimate() as f64 / 1000.0 - 1.0).powi(2);
    }
    assert!((square / 200.0).sqrt() <= 0.0002);
}

#[test]
fn the_estimate_does_not_jump_where_the_form_changes() {
    for p in 10..=18u8 {
        let mut rng = Rng(7 + p as u64);
        let limit = 1u64 << (p - 2);
        let mut state = Uniq::new(p);
        let mut sparse = 0;
        for n in 1..=limit + 50 {
            state.insert_hash(rng.next());
            if n == limit - 50 {
                sparse = state.estimate();
            }
        }
        // The dense form knows m registers only: its error at n = m/4 is about 0.35/sqrt(m), here at four sigma.
        let allowed = 100.0 + limit as f64 * 4.0 * 0.7 / (1u64 << p) as f64 * ((1u64 << p) as f64).sqrt();
        assert!((state.estimate() as f64 - sparse as f64).abs() <= allowed, "p = {p}: {sparse}, {}", state.estimate());
    }
}

#[test]
fn sizes() {
    let size = |p: u8, n: i64| bytes(&build(p, (0..n).map(int_hash))).len();
    for (n, limit) in [(0, 2), (1, 6), (10, 36), (100, 260), (1000, 2140), (10_000, 8300), (100_000, 8300)] {
        assert!(size(14, n) <= limit, "n = {n}: {}", size(14, n));
    }
    assert!(size(16, 200_000) <= 33_000);
    assert!(size(11, 10_000) <= 1040);
    assert!(size(18, 10) <= 37 && size(18, 1000) <= 2160);
}

#[test]
fn a_sparse_state_is_about_a_dense_one_at_most() {
    // (29 - p) / 4 bits per register against 4: level at p = 13, a fifth more at p = 10.
    for p in 10..=18 {
        let m = 1usize << p;
        let mut rng = Rng(p as u64);
        let sparse = bytes(&build(p, (0..m / 4).map(|_| rng.next())));
        assert_eq!(sparse[0], 0x11);
        assert!(sparse.len() <= m * (29 - p as usize) / 32 + m / 50 + 16, "p = {p}: {}", sparse.len());
    }
}

#[test]
fn memory() {
    assert_eq!(Uniq::new(14).heap_size(), 0);
    assert!(build(14, [1]).heap_size() <= 64);
    assert!(build(14, (0..100).map(int_hash)).heap_size() <= 512);
    assert!(build(14, (0..10_000).map(|v| int_hash(v % 3))).heap_size() <= 512);
    // Registers, and room for 64 hashes that are still to raise them.
    assert_eq!(build(14, (0..10_000).map(int_hash)).heap_size(), (1 << 14) + 64 * 8);
    assert!(build(14, (0..4096).map(int_hash)).heap_size() <= 32_768);
}

#[test]
fn keys_that_pile_up_are_still_a_set() {
    // Hashes of neighbouring indexes, at the end of the table too: long probe runs that wrap.
    for p in [10, 14, 18] {
        let count = 1u64 << (p - 2);
        for start in [0, (1u64 << 25) - count] {
            let hashes = (0..count).map(|i| (start + i) << 39 | i);
            let state = build(p, hashes.clone());
            assert_eq!(bytes(&state), bytes(&build(p, hashes.rev())));
            assert_eq!(Uniq::decode(&bytes(&state)).unwrap(), state);
            assert_eq!(bytes(&state)[0], 0x11);
            if p == 14 {
                assert_eq!(state.estimate(), 4096);
            }
        }
    }
}

#[test]
fn the_form_goes_by_distinct_values_at_the_limit_too() {
    for p in [10, 12] {
        let limit = 1i64 << (p - 2);
        for n in limit - 2..=limit + 2 {
            // In order, again and again, and each several times at once.
            let whole = (0..n).map(int_hash);
            let forms = [build(p, whole.clone()), build(p, whole.clone().chain(whole.clone()).chain(whole.clone())), build(p, whole.rev().flat_map(|h| [h; 3]))];
            for state in &forms {
                assert_eq!(bytes(state)[0], if n <= limit { 0x11 } else { 0x12 }, "p = {p}, n = {n}");
                assert_eq!(bytes(state), bytes(&forms[0]));
            }
        }
    }
}

#[test]
fn precisions() {
    assert_eq!(check_precision(14), Ok(14));
    for p in [-1, 0, 9, 19, 300] {
        let error = check_precision(p).unwrap_err();
        assert_eq!(error.sqlstate(), "22023");
        assert_eq!(error.message, format!("precision {p} of uniq is out of range"));
    }
    assert_eq!((Uniq::new(3).p(), Uniq::new(99).p()), (10, 18));
    // Without values a state has no say in the precision.
    let state = build(18, [int_hash(1)]);
    let mut merged = Uniq::empty();
    merged.merge(&state).unwrap();
    assert_eq!(bytes(&merged), bytes(&state));
    let mut merged = state.clone();
    merged.merge_bytes(&bytes(&Uniq::new(10))).unwrap();
    assert_eq!(merged, state);
    let mut merged = Uniq::new(16);
    merged.merge(&Uniq::new(12)).unwrap();
    assert_eq!(merged.p(), 12);
}

/// Sets of hashes of every size class, with rare codes and runs of zeros.
fn hashes() -> impl Strategy<Value = Vec<u64>> {
    let size = prop_oneof![3 => 0..12u64, 2 => 12..400u64, 1 => 400..6000u64];
    (size, any::<u64>(), any::<bool>(), any::<bool>()).prop_map(|(n, seed, rare, close)| {
        let mut rng = Rng(seed);
        (0..n)
            .map(|_| {
                let h = rng.next();
                let h = if rare && h & 3 == 0 { h >> (h >> 8 & 63) } else { h };
                let h = if rare && h & 3 == 1 { h & !0 << 46 | h >> 30 } else { h };
                if close { h & 0xf000_ffff_ffff_ffff | 0x00_7f00 << 40 } else { h }
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn laws(sets in prop::array::uniform3(hashes()), ps in prop::array::uniform3(10u8..=18), one_p: bool, seed: u64) {
        let ps = if one_p { [ps[0]; 3] } else { ps };
        let [a, b, c] = [0, 1, 2].map(|i| build(ps[i], sets[i].iter().copied()));
        let merged = |a: &Uniq, b: &Uniq| {
            let mut a = a.clone();
            a.merge(b).unwrap();
            a
        };
        let all = merged(&merged(&a, &b), &c);
        let expected = bytes(&all);

        // What building it at once, in another order, at the lowest precision of those with values gives.
        let p = (0..3).filter(|i| !sets[*i].is_empty()).map(|i| ps[i]).min().unwrap_or(ps.into_iter().min().unwrap());
        let mut direct: Vec<u64> = sets.concat();
        let mut rng = Rng(seed);
        for at in (1..direct.len()).rev() {
            direct.swap(at, rng.below(at as u64 + 1) as usize);
        }
        prop_assert_eq!(&bytes(&build(p, direct)), &expected);

        prop_assert_eq!(&bytes(&merged(&a, &merged(&b, &c))), &expected);
        prop_assert_eq!(&bytes(&merged(&c, &merged(&b, &a))), &expected);
        prop_assert_eq!(&bytes(&merged(&all, &a)), &expected);
        prop_assert_eq!(&bytes(&merged(&all, &all)), &expected);
        if !all.is_empty() {
            prop_assert_eq!(&bytes(&merged(&all, &Uniq::empty())), &expected);
            prop_assert_eq!(&bytes(&merged(&Uniq::empty(), &all)), &expected);
        }

        let [x, y, z] = [&a, &b, &c].map(bytes);
        prop_assert_eq!(&uniq_merge_bytes(&uniq_merge_bytes(&x, &y).unwrap(), &z).unwrap(), &expected);
        prop_assert_eq!(&uniq_merge_bytes(&z, &uniq_merge_bytes(&y, &x).unwrap()).unwrap(), &expected);
        let mut folded = Uniq::new(ps[0]);
        for state in [&x, &y, &z] {
            folded.merge_bytes(state).unwrap();
        }
        prop_assert_eq!(&folded, &all);
        prop_assert_eq!(&bytes(&folded), &expected);

        let decoded = Uniq::decode(&expected).unwrap();
        prop_assert_eq!(&decoded, &all);
        prop_assert_eq!(&bytes(&decoded), &expected);
        prop_assert_eq!(Uniq::estimate_bytes(&expected).unwrap(), all.estimate());
    }

    #[test]
    fn sparse_states_hold_the_greatest_rho_of_each_index(set in hashes(), p in 10u8..=18) {
        let mut model = BTreeMap::new();
        for h in &set {
            let index = h >> 39;
            let rho = if index.trailing_zeros() >= 25 - p as u32 { (h << 25 | 1 << 24).leading_zeros() + 1 } else { 0 };
            let known = model.entry(index).or_insert(0);
            *known = rho.max(*known);
        }
        let state = build(p, set.iter().copied());
        let encoded = bytes(&state);
        if model.len() <= 8 {
            let mut codes: Vec<u32> = model.iter().map(|(i, rho)| if *rho > 0 { (*i as u32) << 7 | rho << 1 | 1 } else { (*i as u32) << 1 }).collect();
            codes.sort();
            let expected: Vec<u8> = [0x10, (p - 4) << 4 | 1].into_iter().chain(codes.iter().flat_map(|c| c.to_le_bytes())).collect();
            prop_assert_eq!(encoded, expected);
        } else {
            prop_assert_eq!(encoded[0], if model.len() <= 1 << (p - 2) { 0x11 } else { 0x12 });
        }
    }
}
