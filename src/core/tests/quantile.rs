//! DDSketch against brute force and the crate `sketches-ddsketch`, and the laws and sizes of its states.

mod common;

use common::{Rng, bytes, hex};
use pg_tally_core::state::{Quantile, State};
use proptest::prelude::*;
use sketches_ddsketch::{Config, DDSketch};

const ALPHA: f64 = 0.00990178;
const FRACTIONS: [f64; 11] = [0.0, 1e-9, 0.001, 0.01, 0.1, 0.25, 0.5, 0.9, 0.99, 0.999, 1.0];

fn build(values: impl IntoIterator<Item = f64>) -> Quantile {
    let mut state = Quantile::empty();
    values.into_iter().for_each(|v| state.insert(v));
    state
}

fn merged(a: &Quantile, b: &Quantile) -> Quantile {
    let mut a = a.clone();
    a.merge(b).unwrap();
    a
}

fn shuffled(values: &[f64], seed: u64) -> Vec<f64> {
    let (mut values, mut rng) = (values.to_vec(), Rng(seed));
    for at in (1..values.len()).rev() {
        values.swap(at, rng.below(at as u64 + 1) as usize);
    }
    values
}

/// PostgreSQL's order: NaN last, -0 is 0.
fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().map(|v| if v.is_nan() { f64::NAN } else { v + 0.0 }).collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// What percentile_disc gives.
fn exact(sorted: &[f64], q: f64) -> f64 {
    let rank = (q * sorted.len() as f64).ceil() as usize;
    sorted[rank.clamp(1, sorted.len()) - 1]
}

/// Every quantile is within the bound of the value at its rank; `floor` is the magnitude below which values may count as zero.
fn check(values: &[f64], fractions: &[f64], floor: f64) {
    let (state, sorted) = (build(values.iter().copied()), sorted(values));
    let ranked = state.ranked();
    for &q in fractions {
        let (expected, answer) = (exact(&sorted, q), ranked.quantile(q).unwrap().unwrap());
        let near = (answer - expected).abs() <= ALPHA * expected.abs() + 5e-324;
        let same = answer.to_bits() == expected.to_bits() || answer.is_nan() && expected.is_nan();
        assert!(same || near || expected.abs() < floor && answer.abs() < floor, "{q}: {answer:e}, not {expected:e}, of {}", sorted.len());
    }
    let finite: Vec<f64> = sorted.iter().copied().filter(|v| v.is_finite()).collect();
    if let (Some(min), Some(max)) = (finite.first(), finite.last()) {
        let n = values.len() as f64;
        let below = sorted.iter().filter(|v| **v == f64::NEG_INFINITY).count();
        let at = |rank: usize| ranked.quantile((rank as f64 - 0.5) / n).unwrap().unwrap();
        assert_eq!((at(below + 1), at(below + finite.len())), (*min, *max));
    }
}

/// Box and Muller.
fn normal(rng: &mut Rng) -> f64 {
    let mut unit = || (rng.next() >> 11) as f64 / (1u64 << 53) as f64;
    (-2.0 * (1.0 - unit()).ln()).sqrt() * (std::f64::consts::TAU * unit()).cos()
}

fn lognormal(n: usize, seed: u64) -> Vec<f64> {
    let mut rng = Rng(seed);
    (0..n).map(|_| (1.2 * normal(&mut rng)).exp()).collect()
}

#[test]
fn quantiles_are_within_the_bound_of_brute_force() {
    let mut rng = Rng(1);
    let all: Vec<f64> = (0..=1000).map(|i| i as f64 / 1000.0).collect();
    for n in [1usize, 2, 3, 10, 101, 5000] {
        let mut unit = || (rng.next() >> 11) as f64 / (1u64 << 53) as f64;
        let uniform: Vec<f64> = (0..n).map(|_| unit()).collect();
        let pareto: Vec<f64> = (0..n).map(|_| (1.0 - unit()).powf(-2.0)).collect();
        let integers: Vec<f64> = (0..n).map(|_| (unit() * 50.0).floor() - 10.0).collect();
        let constant = vec![42.0; n];
        let normals: Vec<f64> = (0..n).map(|_| normal(&mut rng) * 1e-3).collect();
        let two: Vec<f64> = (0..n).map(|i| if i % 2 == 0 { -1e308 } else { 1e308 }).collect();
        let subnormal: Vec<f64> = (0..n).map(|_| f64::from_bits(rng.next() >> 13) * if rng.below(2) == 0 { -1.0 } else { 1.0 }).collect();
        let least: Vec<f64> = (0..n).map(|i| f64::from_bits(i as u64 % 200)).collect();
        let greatest: Vec<f64> = (0..n).map(|i| f64::MAX * (1.0 - i as f64 / n as f64 / 3.0)).collect();
        let outlier: Vec<f64> = lognormal(n, 9).into_iter().chain([1e300, 1e-300, -1e200]).collect();
        let mixed: Vec<f64> = normals.iter().chain(&integers).copied().chain([f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -0.0, 0.0]).collect();
        for values in [uniform, pareto, integers, constant, normals, two, subnormal, least, greatest, outlier, mixed, lognormal(n, 7)] {
            check(&values, &all, 0.0);
            check(&values.iter().map(|v| -v).collect::<Vec<_>>(), &all, 0.0);
        }
    }
}

#[test]
fn specials_and_extremes() {
    let quantile = |values: &[f64], q: f64| build(values.iter().copied()).quantile(q).unwrap();
    let (inf, nan) = (f64::INFINITY, f64::NAN);
    assert_eq!(quantile(&[], 0.5), None);
    assert_eq!(quantile(&[-0.0], 0.5).unwrap().to_bits(), 0);
    assert_eq!(quantile(&[inf, 1.0, -inf], 0.0), Some(-inf));
    assert_eq!(quantile(&[inf, 1.0, -inf], 0.5), Some(1.0));
    assert_eq!(quantile(&[inf, 1.0, -inf], 1.0), Some(inf));
    assert!(quantile(&[nan, inf, 1.0], 1.0).unwrap().is_nan());
    assert_eq!(quantile(&[-nan, inf, 1.0], 0.6), Some(inf));
    assert!(quantile(&[nan], 0.0).unwrap().is_nan());
    assert_eq!(quantile(&[3.0, 1.0, 2.0], 0.0), Some(1.0));
    assert_eq!(quantile(&[3.0, 1.0, 2.0], 1.0), Some(3.0));
    for q in [-0.1, 1.0000001, nan, inf, -1e300] {
        let error = build([1.0]).quantile(q).unwrap_err();
        assert_eq!(error.sqlstate(), "22003");
        assert!(error.message.ends_with(" is not between 0 and 1"), "{error}");
        assert!(Quantile::empty().quantile(q).is_err());
    }
}

/// Values of every magnitude: more bins than a state has.
fn wild(n: usize, seed: u64) -> Vec<f64> {
    let mut rng = Rng(seed);
    std::iter::repeat_with(|| f64::from_bits(rng.next())).filter(|v| v.is_finite()).take(n).collect()
}

#[test]
fn of_too_many_bins_those_nearest_zero_count_as_zero() {
    let all: Vec<f64> = (0..=1000).map(|i| i as f64 / 1000.0).collect();
    for positive in [false, true] {
        let values: Vec<f64> = wild(30_000, 3).into_iter().map(|v| if positive { v.abs() } else { v }).collect();
        let greatest = values.iter().fold(0f64, |max, v| max.max(v.abs()));
        check(&values, &all, greatest / (1u64 << 29) as f64);
        let state = build(values.iter().copied());
        assert!(bytes(&state).len() < 9_000 && state.heap_size() < 1 << 20);
    }
    // An outlier does not take the precision from the others.
    let mut values = lognormal(10_000, 4);
    values.extend((0..800).map(|i| 1.5f64.powi(i)));
    check(&values, &all, 0.0);
}

#[test]
fn the_oracle_agrees() {
    for (n, seed) in [(10usize, 1), (1000, 2), (100_000, 3)] {
        let values: Vec<f64> = lognormal(n, seed).into_iter().enumerate().map(|(i, v)| if i % 3 == 0 { -v } else { v }).collect();
        let mut oracle = DDSketch::new(Config::new(0.01, 4096, 1e-9));
        values.iter().for_each(|v| oracle.add(*v));
        let state = build(values.iter().copied());
        for q in FRACTIONS {
            // The oracle's rank is floor(q (n - 1)) from 0: ask ours for that one.
            let rank = (q * (n as f64 - 1.0)).floor();
            let (ours, theirs) = (state.quantile((rank + 0.5) / n as f64).unwrap().unwrap(), oracle.quantile(q).unwrap().unwrap());
            assert!((ours - theirs).abs() <= 0.0202 * theirs.abs(), "{n}, {q}: {ours}, {theirs}");
        }
        assert_eq!(state.count() as usize, oracle.count());
        assert_eq!((state.quantile(0.0).unwrap(), state.quantile(1.0).unwrap()), (oracle.min(), oracle.max()));
    }
}

#[test]
fn sizes() {
    let size = |values: Vec<f64>| bytes(&build(values)).len();
    assert_eq!(size(vec![]), 1);
    assert_eq!(size(vec![7.0]), 6);
    assert_eq!(size(vec![0.0; 100]), 4);
    let sizes: Vec<usize> = [1, 10, 1000, 1_000_000].into_iter().map(|n| size(lognormal(n, 5))).collect();
    // 12 bytes of each are the exact extremes.
    assert!(sizes[0] <= 12 && sizes[1] <= 31 && sizes[2] <= 400 && sizes[3] <= 1400, "{sizes:?}");
}

#[test]
fn memory() {
    assert_eq!(Quantile::empty().heap_size(), 0);
    assert!(build(lognormal(10, 1)).heap_size() <= 256);
    assert!(build(lognormal(1000, 1)).heap_size() <= 16_384);
    let mut state = build(wild(20_000, 1));
    state.clear();
    assert_eq!((state.heap_size(), bytes(&state).len()), (0, 1));
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => any::<f64>().prop_map(|v| v % 1000.0),
        4 => -1000.0..1000.0f64,
        2 => (-5i32..5).prop_map(f64::from),
        2 => any::<u64>().prop_map(f64::from_bits),
        1 => prop::sample::select(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 5e-324, f64::MAX, f64::MIN]),
    ]
}

/// Few values; or so many bins that the state has to fold them, early and late.
fn values() -> impl Strategy<Value = Vec<f64>> {
    prop_oneof![
        6 => prop::collection::vec(value(), 0..80),
        2 => (0..9000usize, any::<u64>()).prop_map(|(n, seed)| wild(n, seed)),
        // Around the limit, both signs at the same distances.
        1 => (1000..1100i32, any::<bool>()).prop_map(|(n, even)| {
            (0..n).flat_map(|i| { let v = 2f64.powf(f64::from(i) / 35.0 + 0.01); if even { vec![v, -v] } else { vec![v, -v, v * 1e-200] } }).collect()
        }),
        1 => (2040..2060i32, -1000..1000i32).prop_map(|(n, from)| (0..n).map(|i| 2f64.powf(f64::from(i + from) / 35.0 + 0.01)).collect()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn laws(sets in prop::array::uniform3(values()), seed: u64) {
        let [a, b, c] = [0, 1, 2].map(|i| build(sets[i].iter().copied()));
        let all = merged(&merged(&a, &b), &c);
        let expected = bytes(&all);

        prop_assert_eq!(&hex(&bytes(&build(shuffled(&sets.concat(), seed)))), &hex(&expected));
        prop_assert_eq!(&bytes(&merged(&a, &merged(&b, &c))), &expected);
        prop_assert_eq!(&bytes(&merged(&c, &merged(&b, &a))), &expected);
        prop_assert_eq!(&bytes(&merged(&all, &Quantile::empty())), &expected);
        prop_assert_eq!(&bytes(&merged(&Quantile::empty(), &all)), &expected);
        prop_assert_eq!(all.is_empty(), expected.len() == 1);

        let decoded = Quantile::decode(&expected).unwrap();
        prop_assert_eq!(&decoded, &all);
        prop_assert_eq!(&bytes(&decoded), &expected);

        // Through bytes, which may have been folded, as well as in memory.
        let mut folded = Quantile::empty();
        for state in [&b, &c, &a] {
            folded.merge_bytes(&bytes(state)).unwrap();
        }
        prop_assert_eq!(&folded, &all);
        prop_assert_eq!(&bytes(&folded), &expected);
        for q in FRACTIONS {
            let (x, y) = (all.quantile(q).unwrap(), decoded.quantile(q).unwrap());
            prop_assert_eq!(x.map(f64::to_bits), y.map(f64::to_bits));
        }
    }

    #[test]
    fn small_states_are_within_the_bound(values in prop::collection::vec(value(), 1..200)) {
        check(&values, &FRACTIONS, 0.0);
    }
}

#[test]
fn counts_are_limited() {
    let mut state = build([1.0]);
    for _ in 0..62 {
        let copy = state.clone();
        state.merge(&copy).unwrap();
    }
    assert_eq!(state.count(), 1 << 62);
    let copy = state.clone();
    assert_eq!(state.merge(&copy).unwrap_err().sqlstate(), "22003");
    assert_eq!(state.quantile(0.3).unwrap(), Some(1.0));
    assert_eq!(Quantile::decode(&bytes(&state)).unwrap(), copy);
    assert_eq!(state.merge_bytes(&bytes(&copy)).unwrap_err().sqlstate(), "22003");
}
