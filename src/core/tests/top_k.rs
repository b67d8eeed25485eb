//! Filtered Space-Saving against counting by brute force and the crate `topk`, and the laws of its states.

mod common;

use std::collections::{BTreeMap, HashMap};

use common::{Rng, bytes, hex, int_hash};
use pg_tally_core::state::{State, TopK};
use pg_tally_core::top_k::{capacity, check_k};
use proptest::prelude::*;

type Items = TopK<Box<str>>;

fn insert(state: &mut Items, v: i64) {
    state.insert(int_hash(v), || v.to_string().into());
}

fn build(k: u32, values: impl IntoIterator<Item = i64>) -> Items {
    let mut state = Items::new(k);
    values.into_iter().for_each(|v| insert(&mut state, v));
    state
}

fn merged(a: &Items, b: &Items) -> Items {
    let mut a = a.clone();
    a.merge(b).unwrap();
    a
}

/// Value, count and error of every counter, and the bounds of the filter: read as the format's description says, by other code than the engine's.
fn read(bytes: &[u8]) -> (BTreeMap<i64, (u64, u64)>, Vec<u64>) {
    let mut rest = bytes;
    let mut byte = || {
        let (first, others) = rest.split_first().unwrap();
        rest = others;
        *first
    };
    let varint = |byte: &mut dyn FnMut() -> u8| {
        let (mut v, mut shift) = (0u64, 0);
        loop {
            let b = byte();
            v |= ((b & 127) as u64) << shift;
            shift += 7;
            if b < 128 {
                return v;
            }
        }
    };
    assert_eq!(byte(), 0x1e);
    let (k, n) = (varint(&mut byte), varint(&mut byte));
    let mut counters = BTreeMap::new();
    let mut count = None;
    for _ in 0..n {
        let less = varint(&mut byte);
        let own = count.map_or(less, |before| before - less);
        count = Some(own);
        let v = varint(&mut byte);
        let error = if v & 1 == 1 { own - (v >> 1) } else { v >> 1 };
        (0..8).for_each(|_| { byte(); });
        let len = varint(&mut byte);
        assert_eq!(len & 1, 0, "a number is not a string");
        let text: String = (0..len >> 1).map(|_| byte() as char).collect();
        assert_eq!(counters.insert(text.parse().unwrap(), (own, error)), None);
    }
    let mut filter = Vec::new();
    while !rest.is_empty() {
        let mut byte = || {
            let (first, others) = rest.split_first().unwrap();
            rest = others;
            *first
        };
        filter.push(varint(&mut byte));
    }
    assert!(filter.is_empty() || filter.len() == (4 * capacity(k as u32)).next_power_of_two());
    (counters, filter)
}

fn exact(values: &[i64]) -> HashMap<i64, u64> {
    let mut counts = HashMap::new();
    values.iter().for_each(|v| *counts.entry(*v).or_insert(0) += 1);
    counts
}

/// What the module's description guarantees.
fn check(state: &Items, values: &[i64]) {
    let (counts, (followed, filter)) = (exact(values), read(&bytes(state)));
    let limit = values.len() as u64 / capacity(state.k()) as u64;
    assert!(followed.len() <= capacity(state.k()));
    for (v, (count, error)) in &followed {
        let truth = counts[v];
        assert!(count - error <= truth && truth <= *count && *error <= limit, "{v}: {truth}, not {count} - {error}, limit {limit}");
    }
    for (v, truth) in &counts {
        let cells = filter.len();
        let bound = if cells == 0 { 0 } else { filter[(int_hash(*v) >> (64 - cells.trailing_zeros())) as usize] };
        assert!(followed.contains_key(v) || *truth <= bound && bound <= limit, "{v}: {truth}, bound {bound}, limit {limit}");
    }
    let top = state.top();
    assert_eq!(top.len(), followed.len().min(state.k() as usize));
    assert!(top.windows(2).all(|w| (w[1].count, w[0].json.parse::<i64>().unwrap()) < (w[0].count, w[1].json.parse().unwrap()) || w[1].count < w[0].count));
    let least = top.last().map_or(0, |e| e.count);
    assert!(followed.values().filter(|(count, _)| *count > least).count() < state.k() as usize);
}

/// Frequent values are small; `skew` 0 is uniform.
fn stream(n: usize, distinct: u64, skew: u32, seed: u64) -> Vec<i64> {
    let mut rng = Rng(seed);
    (0..n).map(|_| (0..=skew).map(|_| rng.below(distinct)).min().unwrap() as i64).collect()
}

fn values() -> impl Strategy<Value = Vec<i64>> {
    prop_oneof![
        2 => (0..60usize, any::<u64>()).prop_map(|(n, seed)| stream(n, 50, 1, seed)),
        3 => (0..3000usize, 1..2000u64, 0..20u32, any::<u64>()).prop_map(|(n, distinct, skew, seed)| stream(n, distinct, skew, seed)),
        // Everything as often as everything else, and nothing twice.
        1 => (0..20i64, 1..200i64).prop_map(|(times, distinct)| (0..times * distinct).map(|i| i % distinct).collect()),
        1 => (0..3000i64).prop_map(|n| (0..n).collect()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_guarantee_holds_for_every_state(sets in prop::array::uniform4(values()), ks in prop::array::uniform4(1u32..30), one_k: bool) {
        let ks = if one_k { [ks[0]; 4] } else { ks };
        let states = [0, 1, 2, 3].map(|i| build(ks[i], sets[i].iter().copied()));
        for (state, values) in states.iter().zip(&sets).filter(|(state, _)| !state.is_empty()) {
            check(state, values);
        }
        let [a, b, c, d] = &states;
        let mut all = merged(&merged(a, b), &merged(c, d));
        let mut values = sets.concat();
        if !values.is_empty() {
            check(&all, &values);
            check(&merged(&merged(&merged(d, a), c), b), &values);
            let k = states.iter().filter(|s| !s.is_empty()).map(|s| s.k()).min().unwrap();
            prop_assert_eq!(all.k(), k);
            // A merged state goes on counting, and so does a decoded one, alike.
            let mut decoded = Items::decode(&bytes(&all)).unwrap();
            for v in stream(500, 300, 2, 7) {
                insert(&mut all, v);
                insert(&mut decoded, v);
                values.push(v);
            }
            check(&all, &values);
            prop_assert_eq!(hex(&bytes(&decoded)), hex(&bytes(&all)));
        }
    }

    #[test]
    fn laws(sets in prop::array::uniform3(values()), ks in prop::array::uniform3(1u32..30)) {
        let [a, b, c] = [0, 1, 2].map(|i| build(ks[i], sets[i].iter().copied()));
        prop_assert_eq!(bytes(&merged(&a, &b)), bytes(&merged(&b, &a)));
        for state in [&a, &b, &merged(&a, &b)] {
            let expected = bytes(state);
            prop_assert_eq!(&bytes(&merged(state, &Items::empty())), &expected);
            prop_assert_eq!(&bytes(&merged(&Items::empty(), state)), &expected);
            prop_assert_eq!(&bytes(&Items::decode(&expected).unwrap()), &expected);
            prop_assert_eq!(state.is_empty(), expected.len() == 1);
            prop_assert_eq!(Items::decode(&expected).unwrap().top(), state.top());
        }
        // While nothing is dropped, order and grouping do not matter.
        let few = |values: &[i64]| -> Vec<i64> { values.iter().map(|v| v % 30).collect() };
        let [x, y, z] = [0, 1, 2].map(|i| build(10, few(&sets[i])));
        let mut direct: Vec<i64> = few(&sets.concat());
        direct.sort_unstable();
        let expected = bytes(&build(10, direct));
        prop_assert_eq!(&bytes(&merged(&x, &merged(&y, &z))), &expected);
        prop_assert_eq!(&bytes(&merged(&merged(&z, &x), &y)), &expected);
        let _ = c;
    }
}

#[test]
fn few_values_are_counted_exactly() {
    let values = stream(10_000, 30, 3, 1);
    let mut truth: Vec<(i64, u64)> = exact(&values).into_iter().collect();
    truth.sort_by_key(|(v, count)| (u64::MAX - count, *v));
    let top = build(5, values).top();
    let found: Vec<(i64, u64)> = top.iter().map(|e| (e.json.parse().unwrap(), e.count)).collect();
    assert_eq!(found, truth[..5]);
    assert!(top.iter().all(|e| e.error == 0));
}

#[test]
fn the_frequent_values_of_a_long_tail_are_found() {
    // As often as 1 / rank.
    let mut rng = Rng(3);
    let values: Vec<i64> = (0..300_000).map(|_| (1e5f64.powf((rng.next() >> 11) as f64 / (1u64 << 53) as f64)) as i64).collect();
    let mut oracle = topk::FilteredSpaceSaving::new(30);
    values.iter().for_each(|v| oracle.insert(*v, 1));
    let mut theirs: Vec<i64> = oracle.into_sorted_vec().into_iter().take(10).map(|(v, _)| v).collect();
    theirs.sort_unstable();
    let whole = build(10, values.iter().copied());
    let parts = values.chunks(3000).map(|part| build(10, part.iter().copied()));
    let folded = parts.reduce(|a, b| merged(&a, &b)).unwrap();
    for state in [&whole, &folded] {
        check(state, &values);
        let mut ours: Vec<i64> = state.top().iter().map(|e| e.json.parse().unwrap()).collect();
        ours.sort_unstable();
        assert_eq!(ours, (1..=10).collect::<Vec<i64>>());
    }
    assert_eq!(theirs, (1..=10).collect::<Vec<i64>>());
    assert!(bytes(&whole).len() < 1000, "{}", bytes(&whole).len());
}

#[test]
fn json() {
    let mut state = Items::new(3);
    for (v, times) in [("10", 2), ("9", 2), ("\"a \\\"quote\\\"\"", 3), ("\"plain\"", 1), ("[1,2]", 2)] {
        (0..times).for_each(|_| state.insert(pg_tally_core::hash::hash64(v.as_bytes()), || v.into()));
    }
    assert_eq!(
        state.to_json(),
        r#"[{"value":"a \"quote\"","count":3,"error":0},{"value":9,"count":2,"error":0},{"value":10,"count":2,"error":0}]"#
    );
    assert_eq!(Items::decode(&bytes(&state)).unwrap().to_json(), state.to_json());
    assert_eq!(Items::new(3).to_json(), "[]");
}

/// A state from elsewhere may have texts that are no JSON. Of "9", "10" and "1x" each came before the next, and the last before the first.
#[test]
fn any_texts_have_one_order() {
    let texts: Vec<String> = (0..18).flat_map(|n| [n.to_string(), format!("{n}x"), format!("\"{n}\""), format!("[{n}]"), format!("-{n}.5")]).chain(["NaN".into(), "inf".into(), "x".into()]).collect();
    let orders: Vec<String> = (0..20)
        .map(|turn| {
            let mut state = Items::new(100);
            (0..texts.len()).map(|n| &texts[(n * 7 + turn * 13) % texts.len()]).for_each(|text| state.insert(pg_tally_core::hash::hash64(text.as_bytes()), || text.as_str().into()));
            state.to_json()
        })
        .collect();
    assert!(orders.iter().all(|order| *order == orders[0]));
    let places: Vec<Option<usize>> = [r#":"0","#, r#":"9","#, ":-17.5,", ":9,", ":10,", ":0x,"].iter().map(|value| orders[0].find(value)).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{}", orders[0]);
}

#[test]
fn of_several_texts_of_one_value_merging_keeps_the_least() {
    let one = |text: &str| {
        let mut state = Items::new(3);
        state.insert(7, || text.into());
        state
    };
    for (a, b) in [("1.0", "1.00"), ("1.00", "1.0")] {
        let mut state = one(a);
        state.merge(&one(b)).unwrap();
        assert_eq!(state.to_json(), r#"[{"value":1.0,"count":2,"error":0}]"#);
    }
}

#[test]
fn limits() {
    assert_eq!((check_k(1), check_k(1000)), (Ok(1), Ok(1000)));
    for k in [-1, 0, 1001, i64::MAX] {
        let error = check_k(k).unwrap_err();
        assert_eq!((error.sqlstate(), error.message.clone()), ("22023", format!("number {k} of values of top_k is out of range")));
    }
    let mut state = build(1, 0..100);
    let mut overflow = None;
    for _ in 0..64 {
        let copy = state.clone();
        overflow = overflow.or(state.merge(&copy).err());
    }
    assert_eq!(overflow.unwrap().sqlstate(), "22003");
    assert!(build(10, 0..100_000).heap_size() < 8192);
    assert_eq!(Items::new(10).heap_size(), 0);
}
