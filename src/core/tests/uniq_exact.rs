//! `uniq_exact` against a `BTreeSet`, and the laws, sizes and refusals of its bytes.

mod common;

use std::collections::BTreeSet;

use common::{Rng, bytes, hex};
use pg_tally_core::Error;
use pg_tally_core::codec::put_varint;
use pg_tally_core::state::{State, UniqExact, uniq_exact_difference_bytes, uniq_exact_merge_bytes};
use proptest::prelude::*;

type Set = BTreeSet<Vec<u8>>;

fn build<'a>(values: impl IntoIterator<Item = &'a Vec<u8>>) -> UniqExact {
    let mut state = UniqExact::empty();
    values.into_iter().for_each(|v| state.insert(v).unwrap());
    state
}

fn ints(values: impl IntoIterator<Item = i64>) -> UniqExact {
    let mut state = UniqExact::empty();
    values.into_iter().for_each(|v| state.insert(&v.to_le_bytes()).unwrap());
    state
}

/// The bytes as the format's description says, by other code than the engine's.
fn described(set: &Set) -> Vec<u8> {
    let mut out = vec![0x1c];
    if set.is_empty() {
        return out;
    }
    let words: BTreeSet<u64> = set.iter().filter_map(|v| Some(u64::from_le_bytes(v.as_slice().try_into().ok()?))).collect();
    put_varint(words.len() as u64, &mut out);
    put_varint((set.len() - words.len()) as u64, &mut out);
    let mut before = None;
    for word in words {
        put_varint(before.map_or(word, |before: u64| word - before - 1), &mut out);
        before = Some(word);
    }
    let mut before: &[u8] = &[];
    for value in set.iter().filter(|v| v.len() != 8) {
        let shared = (0..before.len().min(value.len()).min(127)).find(|i| before[*i] != value[*i]);
        let shared = shared.unwrap_or(before.len().min(value.len()).min(127));
        out.push(shared as u8);
        put_varint((value.len() - shared) as u64, &mut out);
        out.extend_from_slice(&value[shared..]);
        before = value;
    }
    out
}

/// Values of many lengths, eight often, with much in common.
fn values() -> impl Strategy<Value = Vec<Vec<u8>>> {
    (prop_oneof![4 => 0..12u64, 2 => 12..300u64, 1 => 300..3000u64], any::<u64>()).prop_map(|(n, seed)| {
        let mut rng = Rng(seed);
        let (few, long) = (rng.below(2) == 0, rng.below(4) == 0);
        (0..n)
            .map(|_| {
                let word = if few { rng.below(n) } else { rng.next() >> rng.below(64) };
                match rng.below(4) {
                    0 | 1 => word.to_le_bytes().to_vec(),
                    2 => format!("{}{}", "a".repeat(rng.below(if long { 300 } else { 5 }) as usize), rng.below(40)).into_bytes(),
                    _ => word.to_be_bytes()[..rng.below(9) as usize].to_vec(),
                }
            })
            .collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn laws(lists in prop::array::uniform3(values()), seed: u64) {
        let [a, b, c] = [0, 1, 2].map(|i| build(&lists[i]));
        let merged = |a: &UniqExact, b: &UniqExact| {
            let mut a = a.clone();
            a.merge(b).unwrap();
            a
        };
        let set: Set = lists.concat().into_iter().collect();
        let expected = described(&set);
        let all = merged(&merged(&a, &b), &c);
        prop_assert_eq!(hex(&bytes(&all)), hex(&expected));
        prop_assert_eq!(all.count(), set.len() as u64);
        prop_assert_eq!(all.is_empty(), set.is_empty());

        let mut direct = lists.concat();
        let mut rng = Rng(seed);
        for at in (1..direct.len()).rev() {
            direct.swap(at, rng.below(at as u64 + 1) as usize);
        }
        prop_assert_eq!(&bytes(&build(&direct)), &expected);
        prop_assert_eq!(&bytes(&merged(&a, &merged(&b, &c))), &expected);
        prop_assert_eq!(&bytes(&merged(&c, &merged(&b, &a))), &expected);
        prop_assert_eq!(&bytes(&merged(&all, &all)), &expected);
        prop_assert_eq!(&bytes(&merged(&all, &UniqExact::empty())), &expected);
        prop_assert_eq!(&bytes(&merged(&UniqExact::empty(), &all)), &expected);
        prop_assert!(all == build(&direct));
        prop_assert_eq!(all == a, set.len() as u64 == a.count());

        let [x, y, z] = [&a, &b, &c].map(bytes);
        prop_assert_eq!(&uniq_exact_merge_bytes(&uniq_exact_merge_bytes(&x, &y).unwrap(), &z).unwrap(), &expected);
        prop_assert_eq!(&uniq_exact_merge_bytes(&z, &uniq_exact_merge_bytes(&y, &x).unwrap()).unwrap(), &expected);
        let mut folded = UniqExact::empty();
        for state in [&x, &y, &z] {
            folded.merge_bytes(state).unwrap();
        }
        prop_assert!(folded == all);

        let decoded = UniqExact::decode(&expected).unwrap();
        prop_assert!(decoded == all);
        prop_assert_eq!(&bytes(&decoded), &expected);
        prop_assert_eq!(UniqExact::count_bytes(&expected).unwrap(), set.len() as u64);
    }
}

#[test]
fn sizes() {
    assert_eq!(bytes(&UniqExact::empty()).len(), 1);
    assert_eq!(hex(&bytes(&ints([5]))), "1c010005");
    // Neighbours take a byte each.
    assert!(bytes(&ints(1000..101_000)).len() <= 100_006);
    // A hundred thousand of four billion take two to three.
    let mut rng = Rng(1);
    assert!(bytes(&ints((0..100_000).map(|_| rng.below(1 << 32) as i64))).len() <= 310_000);
    let texts: Vec<Vec<u8>> = (0..10_000).map(|i| format!("https://example.com/page/{i:06}").into_bytes()).collect();
    assert!(bytes(&build(&texts)).len() <= 5 * 10_000);
}

#[test]
fn memory() {
    assert_eq!(UniqExact::empty().heap_size(), 0);
    assert!(ints([1]).heap_size() <= 64);
    assert!(ints((0..10_000).map(|v| v % 3)).heap_size() <= 64);
    assert!(ints(0..100_000).heap_size() <= 100_000 * 32);
    let long = vec![vec![7; 1 << 20]];
    assert!((1 << 20..3 << 20).contains(&build(&long).heap_size()));
}

/// Large tables take words many at once.
#[test]
fn large_sets() {
    let mut rng = Rng(3);
    let words: Vec<i64> = (0..300_000).map(|i| if i == 200_000 { 0 } else { rng.below(150_000) as i64 - 70_000 }).collect();
    for n in [0, 1, 20_000, 20_001, 20_030, 40_000, 60_063, 60_064, 300_000] {
        let (some, model) = (ints(words[..n].iter().copied()), words[..n].iter().copied().collect::<BTreeSet<i64>>());
        assert_eq!(some.count(), model.len() as u64);
        let expected = described(&model.iter().map(|v| v.to_le_bytes().to_vec()).collect());
        assert!(bytes(&some) == expected, "{n}");
        let mut merged = ints(words[n / 2..n].iter().copied());
        merged.merge(&ints(words[..n / 2 + n / 8].iter().copied())).unwrap();
        assert!(merged == some && some == merged && bytes(&merged) == expected, "{n}");
        let decoded = UniqExact::decode(&expected).unwrap();
        assert!(decoded == some && bytes(&decoded) == expected);
        merged.insert(&i64::MAX.to_le_bytes()).unwrap();
        assert!(merged != some && some != merged && merged.count() == some.count() + 1);
    }
}

#[test]
fn folding_many_states_is_linear() {
    // A million values in a thousand states, and as many again that repeat them: quadratic would take minutes.
    let states: Vec<Vec<u8>> = (0..2000).map(|g| bytes(&ints((g % 1000) * 1000..(g % 1000 + 1) * 1000))).collect();
    let began = std::time::Instant::now();
    let mut all = UniqExact::empty();
    states.iter().for_each(|b| all.merge_bytes(b).unwrap());
    assert_eq!(all.count(), 1_000_000);
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}

#[test]
fn a_difference_is_what_the_other_lacks() {
    let texts = |range: std::ops::Range<i64>| range.map(|i| format!("value {i}")).collect::<Vec<_>>();
    let of = |range: std::ops::Range<i64>| {
        let mut state = ints(range.clone());
        texts(range).iter().for_each(|t| state.insert(t.as_bytes()).unwrap());
        bytes(&state)
    };
    for (a, b, left) in [(0..100, 40..200, 0..40), (0..100, 0..60, 60..100), (0..100, 0..0, 0..100), (0..100, 0..100, 0..0), (0..0, 0..10, 0..0)] {
        assert!(uniq_exact_difference_bytes(&of(a.clone()), &of(b.clone())).unwrap() == of(left), "{a:?} without {b:?}");
    }
    assert!(uniq_exact_difference_bytes(&[0x14], &of(0..1)).is_err() && uniq_exact_difference_bytes(&of(0..1), &[0x14]).is_err());
}

fn refusal(b: &[u8]) -> Error {
    match UniqExact::decode(b) {
        Ok(_) => panic!("{} was accepted", hex(b)),
        Err(error) => error,
    }
}

#[test]
fn refusals() {
    let check = |b: &[u8], detail: &str| {
        let error = refusal(b);
        assert_eq!((error.sqlstate(), error.message.as_str()), ("22P03", "invalid uniq_exact_state"));
        assert_eq!(error.detail.as_deref(), Some(detail), "{}", hex(b));
        assert!(uniq_exact_merge_bytes(b, &[0x1c]).is_err() && uniq_exact_merge_bytes(&[0x1c], b).is_err());
        let mut state = ints([1]);
        assert!(state.merge_bytes(b).is_err());
        assert!(UniqExact::decode(&bytes(&state)).unwrap() == state);
    };
    let order = "The values are not in order or not in their shortest form.";
    check(&[], "The state has no bytes.");
    check(&[0x14], "The bytes are those of sum_state.");
    check(&[0x1c, 0, 0], "An empty state is not in its shortest form.");
    check(&[0x1c, 1], "The bytes end too early.");
    check(&[0x1c, 2, 0, 1], "There are fewer values than announced.");
    check(&[0x1c, 0, 2, 0, 0, 1], "There are fewer values than announced.");
    check(&[&[0x1c][..], &[0xff; 9], &[1, 0, 1]].concat(), "There are fewer values than announced.");
    check(&[&[0x1c, 0][..], &[0xff; 9], &[1, 1]].concat(), "There are fewer values than announced.");
    check(&[0x1c, 1, 0, 0x80, 0], "A number is not in its shortest form.");
    check(&[&[0x1c, 2, 0][..], &[0xff; 9], &[1, 0]].concat(), "A value is out of range.");
    check(&[0x1c, 1, 0, 5, 5], "There are 1 bytes too many.");
    check(&[0x1c, 0, 1, 1, 0], order);
    check(&[0x1c, 0, 1, 0, 2, 1], "The bytes end too early.");
    check(&[0x1c, 0, 1, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8], order);
    // ab, then: ab again, a longer prefix than there is, less than there is, aa, and what should share more.
    for second in [&[2, 0][..], &[3, 1, 1], &[1, 1, b'b'], &[1, 1, b'a'], &[0, 2, b'a', b'c']] {
        check(&[&[0x1c, 0, 2, 0, 2, b'a', b'b'][..], second].concat(), order);
    }
    // Only 127 bytes are shared.
    let long = |shared: u8, rest: &[u8]| [&[0x1c, 0, 2, 0, 0x80 | 72, 1][..], &[b'x'; 200], &[shared, rest.len() as u8], rest].concat();
    check(&long(128, b"y"), order);
    check(&long(127, &[b'x'; 73]), order);
    check(&long(126, b"xy"), order);
    assert_eq!(UniqExact::decode(&long(127, b"y")).unwrap().count(), 2);
    assert_eq!(UniqExact::decode(&long(127, &[b'x'; 74])).unwrap().count(), 2);
}
