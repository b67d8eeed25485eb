//! Bytes that no state wrote: never a panic, and whatever is accepted is canonical.

mod common;

use common::{Rng, bytes, hex, int_hash, num};
use pg_tally_core::Error;
use pg_tally_core::state::*;

const MUTATIONS: u64 = 100_000;

/// Changes bytes, bits and lengths of one of the seeds.
fn mutate(seeds: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let mut b = seeds[rng.below(seeds.len() as u64) as usize].clone();
    for _ in 0..=rng.below(3) {
        // Most fields of interest stand at the beginning.
        let reach = if rng.below(2) == 0 { b.len().min(12) } else { b.len() } as u64;
        let at = rng.below(reach.max(1)) as usize;
        match rng.below(8) {
            _ if b.is_empty() => b.push(rng.next() as u8),
            0 => b.truncate(at),
            1 => b.insert(at, rng.next() as u8),
            2 => drop(b.remove(at)),
            3 => b[at] = rng.next() as u8,
            4 => b[at] = b[at].wrapping_add(1),
            5 => b.push(rng.next() as u8),
            6 => {
                let other = seeds[rng.below(seeds.len() as u64) as usize].clone();
                b.truncate(at);
                b.extend_from_slice(&other[at.min(other.len())..]);
            }
            _ => b[at] ^= 1 << rng.below(8),
        }
    }
    b
}

/// Returns how many mutations that changed something were accepted, so that a test cannot pass by refusing all.
fn attack<S: State + std::fmt::Debug>(seeds: &[Vec<u8>], use_it: impl Fn(&mut S, &[u8])) -> u64 {
    let mut rng = Rng(seeds.len() as u64);
    let mut accepted = 0;
    for seed in seeds {
        assert_eq!(&bytes(&S::decode(seed).unwrap()), seed);
    }
    for _ in 0..MUTATIONS {
        let mutated = mutate(seeds, &mut rng);
        match S::decode(&mutated) {
            Ok(mut state) => {
                assert_eq!(hex(&bytes(&state)), hex(&mutated), "accepted, but not canonical");
                accepted += 1;
                use_it(&mut state, &mutated);
            }
            Err(error) => assert!(error.detail.is_some(), "{error}"),
        }
    }
    accepted
}

fn filled<S: State>(rows: &[&dyn Fn(&mut S)]) -> Vec<Vec<u8>> {
    let mut state = S::empty();
    let mut seeds = vec![bytes(&state)];
    for row in rows {
        row(&mut state);
        seeds.push(bytes(&state));
    }
    seeds
}

#[test]
fn sum() {
    let mut seeds = filled::<SumState>(&[
        &|s| s.add_int(5, 1),
        &|s| s.add_int(i64::MAX, -1),
        &|s| s.add_numeric(&num("12.50"), 1).unwrap(),
        &|s| s.add_numeric(&num("0.0000000000001"), 1).unwrap(),
        &|s| s.add_numeric(&num("NaN"), 3).unwrap(),
        &|s| s.add_numeric(&num("-Infinity"), -3).unwrap(),
        &|s| s.add_numeric(&num(&format!("-{}.{}", "123456789".repeat(9), "987654321".repeat(7))), 1).unwrap(),
    ]);
    let mut big = SumState::empty();
    big.add_numeric(&num(&i128::MAX.to_string()), 1).unwrap();
    seeds.push(bytes(&big));
    big.add_numeric(&num("1"), 1).unwrap();
    seeds.push(bytes(&big));
    let accepted = attack::<SumState>(&seeds, |state, _| {
        let copy = state.clone();
        let _ = state.total(&mut Vec::new());
        let merged = state.merge(&copy);
        state.add_int(i64::MIN, 1);
        state.negate();
        if merged.is_ok() {
            let _ = SumState::decode(&bytes(state));
        }
    });
    assert!(accepted > 1000, "{accepted}");
}

#[test]
fn sum_float8() {
    let seeds = filled::<AvgFloat8State>(&[
        &|s| s.add(5.0, 1),
        &|s| s.add(0.1, -1),
        &|s| s.add(-1e300, 1),
        &|s| s.add(f64::NAN, 2),
        &|s| s.add(f64::INFINITY, 2),
        &|s| s.add(5e-324, 1 << 60),
        &|s| s.add(f64::MAX, 1 << 60),
    ]);
    let accepted = attack::<AvgFloat8State>(&seeds, |state, _| {
        let copy = state.clone();
        let _ = (state.total(), state.mean());
        let _ = state.merge(&copy);
        state.add(f64::MIN, 1);
        state.negate();
        bytes(state);
    });
    assert!(accepted > 1000, "{accepted}");
}

#[test]
fn sum_interval() {
    let seeds = filled::<SumIntervalState>(&[
        &|s| s.add(1, -2, 3, 1, true),
        &|s| s.add(i32::MAX, i32::MAX, i64::MAX, 2, true),
        &|s| s.add(i32::MIN, i32::MIN, i64::MIN, 1 << 61, false),
    ]);
    let accepted = attack::<SumIntervalState>(&seeds, |state, _| {
        let copy = state.clone();
        let _ = state.total();
        let _ = state.merge(&copy);
        state.add(i32::MIN, i32::MIN, i64::MIN, 1, false);
        state.negate();
        bytes(state);
    });
    assert!(accepted > 1000, "{accepted}");
}

const SPREADS: [Spread; 4] = [Spread::VarPop, Spread::VarSamp, Spread::StddevPop, Spread::StddevSamp];

#[test]
fn var() {
    let seeds = filled::<VarState>(&[
        &|s| s.add_int(5, 1),
        &|s| s.add_int(i64::MAX, 1),
        &|s| s.add_numeric(&num("12.50"), 1).unwrap(),
        &|s| s.add_numeric(&num("0.0000000000001"), 1).unwrap(),
        &|s| s.add_numeric(&num("NaN"), 3).unwrap(),
        &|s| s.add_numeric(&num("-Infinity"), -3).unwrap(),
        &|s| s.add_numeric(&num(&format!("-{}.{}", "123456789".repeat(9), "987654321".repeat(7))), 1).unwrap(),
    ]);
    let accepted = attack::<VarState>(&seeds, |state, _| {
        let copy = state.clone();
        SPREADS.iter().for_each(|what| drop(state.spread(*what, &mut Vec::new())));
        let merged = state.merge(&copy);
        state.add_int(i64::MIN, 1);
        state.negate();
        if merged.is_ok() {
            let _ = VarState::decode(&bytes(state));
        }
    });
    assert!(accepted > 1000, "{accepted}");
}

#[test]
fn var_float8() {
    let seeds = filled::<VarFloat8State>(&[
        &|s| s.add(5.0, 1),
        &|s| s.add(0.1, 1),
        &|s| s.add(-1e300, 1),
        &|s| s.add(f64::NAN, 2),
        &|s| s.add(f64::INFINITY, -2),
        &|s| s.add(5e-324, 1 << 60),
        &|s| s.add(f64::MAX, 1 << 60),
    ]);
    let accepted = attack::<VarFloat8State>(&seeds, |state, _| {
        let copy = state.clone();
        SPREADS.iter().for_each(|what| drop(state.spread(*what)));
        let _ = state.merge(&copy);
        state.add(f64::MIN, 1);
        state.negate();
        bytes(state);
    });
    assert!(accepted > 1000, "{accepted}");
}

#[test]
fn uniq() {
    let mut seeds = Vec::new();
    for (p, n) in [(14, 0), (14, 1), (10, 5), (14, 8), (14, 9), (18, 9), (10, 40), (10, 256), (10, 257), (10, 5_000), (11, 100_000)] {
        let mut state = Uniq::new(p);
        (0..n).for_each(|v| state.insert_hash(int_hash(v)));
        seeds.push(bytes(&state));
        // Rare codes and exceptions.
        (0..n / 4).for_each(|v| state.insert_hash((int_hash(v) & !0 << 54) | 1 << (v & 31)));
        seeds.push(bytes(&state));
    }
    let other = Uniq::decode(&seeds[5]).unwrap();
    let accepted = attack::<Uniq>(&seeds, |state, b| {
        assert_eq!(Uniq::estimate_bytes(b), Ok(state.estimate()));
        let merged = uniq_merge_bytes(b, &seeds[5]).unwrap();
        state.merge(&other).unwrap();
        assert_eq!(bytes(state), merged);
        state.insert_hash(1);
    });
    assert!(accepted > 1000, "{accepted}");
}

#[test]
fn uniq_exact() {
    let mut seeds = Vec::new();
    for n in [0, 1, 2, 9, 300] {
        let mut state = UniqExact::empty();
        (0..n).for_each(|v| state.insert(&i64::to_le_bytes(v * v * v)[..if v % 3 == 0 { 4 } else { 8 }]).unwrap());
        seeds.push(bytes(&state));
        (0..n).for_each(|v| state.insert(format!("{}{v}", "same".repeat(v as usize % 50)).as_bytes()).unwrap());
        seeds.push(bytes(&state));
    }
    let other = UniqExact::decode(&seeds[5]).unwrap();
    let accepted = attack::<UniqExact>(&seeds, |state, b| {
        assert_eq!(UniqExact::count_bytes(b), Ok(state.count()));
        let merged = uniq_exact_merge_bytes(b, &seeds[5]).unwrap();
        state.merge(&other).unwrap();
        assert_eq!(bytes(state), merged);
        state.insert(b"new").unwrap();
    });
    assert!(accepted > 1000, "{accepted}");
}

#[test]
fn quantile() {
    let mut seeds = filled::<Quantile>(&[
        &|s| s.insert(5.0),
        &|s| s.insert(-0.1),
        &|s| s.insert(0.0),
        &|s| s.insert(f64::NAN),
        &|s| s.insert(f64::INFINITY),
        &|s| s.insert(f64::NEG_INFINITY),
        &|s| (0..300).for_each(|i| s.insert(1.01f64.powi(i * i % 777))),
        &|s| s.insert(1e300),
        &|s| s.insert(-5e-324),
    ]);
    // Folded into zero, the least value too.
    let mut state = Quantile::empty();
    (0..2100).for_each(|i| state.insert(2f64.powf(f64::from(i) / 35.0 + 0.01)));
    seeds.push(bytes(&state));
    let accepted = attack::<Quantile>(&seeds, |state, b| {
        for q in [0.0, 0.3, 1.0] {
            let _ = state.quantile(q).unwrap();
        }
        let copy = state.clone();
        if state.merge(&copy).is_ok() {
            let mut merged = copy.clone();
            merged.merge_bytes(b).unwrap();
            assert_eq!(bytes(&merged), bytes(state));
            assert!(Quantile::decode(&bytes(state)).unwrap() == *state);
        }
    });
    assert!(accepted > 1000, "{accepted}");
}

#[test]
fn top_k() {
    let mut seeds = Vec::new();
    let values = ["1", "-2.5", "true", "\"plain\"", "\"\\n\"", "[1,{\"a\":null}]", "\"é\""];
    for (k, distinct, rows) in [(10, 0, 0u64), (10, 1, 1), (1, 7, 20), (10, 30, 90), (10, 40, 90), (3, 500, 3000), (12, 500, 3000)] {
        let mut state = TopK::<Box<str>>::new(k);
        for row in 0..rows {
            let value = row * row % distinct;
            let text = values.get(value as usize).map_or_else(|| value.to_string(), |v| v.to_string());
            state.insert(int_hash(value as i64), || text.into());
        }
        seeds.push(bytes(&state));
    }
    let other = TopK::decode(&seeds[4]).unwrap();
    let accepted = attack::<TopK<Box<str>>>(&seeds, |state, _| {
        let top = state.top();
        assert!(top.iter().all(|e| e.error < e.count && serde_json::from_str::<serde_json::Value>(&e.json).is_ok()));
        assert!(serde_json::from_str::<serde_json::Value>(&state.to_json()).is_ok());
        if state.merge(&other).is_ok() {
            (0..50).for_each(|v| state.insert(int_hash(v), || "0".into()));
            let _ = TopK::<Box<str>>::decode(&bytes(state));
        }
    });
    assert!(accepted > 1000, "{accepted}");
}

#[test]
fn every_way_in_takes_or_refuses_alike() {
    let mut seeds = Vec::new();
    for n in [3, 30, 300] {
        let mut state = Uniq::new(10);
        (0..n).for_each(|v| state.insert_hash(int_hash(v)));
        seeds.push(bytes(&state));
    }
    let targets = [(10, 1), (10, 900), (12, 1)].map(|(p, n)| {
        let mut state = Uniq::new(p);
        (0..n).for_each(|v| state.insert_hash(int_hash(v)));
        (bytes(&state), state)
    });
    let mut rng = Rng(1);
    for _ in 0..5_000 {
        let b = mutate(&seeds, &mut rng);
        let error = Uniq::decode(&b).err();
        let noticed = Uniq::new(10).merge_bytes(&b).err();
        // Merging does not look at all of a dense state, and estimating not at codes; what they take is as good as a state.
        let lenient = error.is_some() && noticed.is_none() && b[0] == 0x12;
        assert!(noticed.is_some() == error.is_some() || lenient, "{}", hex(&b));
        let estimate = Uniq::estimate_bytes(&b);
        assert!(noticed.is_some() || estimate.is_ok_and(|n| n < 1 << 63));
        for (whole, state) in &targets {
            let mut state = state.clone();
            assert_eq!(state.merge_bytes(&b).err(), noticed, "{}", hex(&b));
            let merged = [uniq_merge_bytes(&b, whole), uniq_merge_bytes(whole, &b)];
            for merged in merged {
                assert_eq!(merged.as_ref().err(), noticed.as_ref());
                assert!(merged.is_err() || bytes(&Uniq::decode(&bytes(&state)).unwrap()) == merged.unwrap());
            }
        }
    }
}

fn refusal<S: State>(b: &[u8]) -> Error {
    match S::decode(b) {
        Ok(_) => panic!("{} was accepted", hex(b)),
        Err(error) => error,
    }
}

fn check(error: Error, sqlstate: &str, message: &str, detail: &str) {
    assert_eq!((error.sqlstate(), error.message.as_str(), error.detail.as_deref()), (sqlstate, message, Some(detail)));
}

#[test]
fn messages() {
    let corrupt = |error: Error, detail: &str| check(error, "22P03", "invalid sum_state", detail);
    corrupt(refusal::<SumState>(&[]), "The state has no bytes.");
    corrupt(refusal::<SumState>(&[0x04]), "The first byte is not that of a state.");
    corrupt(refusal::<SumState>(&[0x15]), "The bytes are those of avg_state.");
    corrupt(refusal::<SumState>(&[0x14, 16]), "The form byte is out of range.");
    corrupt(refusal::<SumState>(&[0x14, 0, 0, 0]), "An empty state is not in its shortest form.");
    corrupt(refusal::<SumState>(&[0x14, 0, 2]), "The bytes end too early.");
    corrupt(refusal::<SumState>(&[0x14, 0, 2, 10, 0]), "There are 1 bytes too many.");
    corrupt(refusal::<SumState>(&[0x14, 0, 0x82, 0, 10]), "A number is not in its shortest form.");
    corrupt(refusal::<SumState>(&[0x14, 1, 2, 1, 20]), "The sum is not in its shortest form.");
    corrupt(refusal::<SumState>(&[0x14, 1, 2, 0, 10]), "The scale is out of range.");
    corrupt(refusal::<SumState>(&[0x14, 4, 2, 10, 1, 0, 2]), "A display scale is out of order or out of range.");
    corrupt(refusal::<SumState>(&[0x14, 4, 2, 10, 1, 2, 0]), "The count of a display scale is zero.");
    corrupt(refusal::<SumState>(&[0x14, 8, 2, 10, 0, 0, 0]), "NaN or infinities are announced, but there are none.");
    let huge = [0x14, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0];
    corrupt(refusal::<SumState>(&huge), "A row count is out of range.");
    let newer = refusal::<SumState>(&[0x24]);
    assert!(newer.hint.is_some());
    check(newer, "0A000", "unsupported sum_state", "Format version 2 is unknown, this build knows 1.");

    let corrupt = |error: Error, detail: &str| check(error, "22P03", "invalid var_state", detail);
    corrupt(refusal::<VarState>(&[0x1a, 64]), "The form byte is out of range.");
    corrupt(refusal::<VarState>(&[0x1a, 0, 2, 10]), "The bytes end too early.");
    corrupt(refusal::<VarState>(&[0x1a, 0, 0, 0, 0]), "An empty state is not in its shortest form.");
    corrupt(refusal::<VarState>(&[0x1a, 16, 2, 10, 1, 20]), "The sum is not in its shortest form.");
    check(refusal::<VarFloat8State>(&[0x1a]), "22P03", "invalid var_float8_state", "The bytes are those of var_state.");

    let corrupt = |error: Error, detail: &str| check(error, "22P03", "invalid avg_float8_state", detail);
    corrupt(refusal::<AvgFloat8State>(&[0x17, 2, 2, 0, 2]), "The sum is not in its shortest form.");
    corrupt(refusal::<AvgFloat8State>(&[0x17, 2, 0, 0, 0, 0]), "Counts of NaN and infinities are stored, but there are none.");
    corrupt(refusal::<AvgFloat8State>(&[0x17, 2, 2, 0xff, 0x7f, 1]), "The sum is out of range.");

    let corrupt = |error: Error, detail: &str| check(error, "22P03", "invalid uniq_state", detail);
    corrupt(refusal::<Uniq>(&[0x10]), "The bytes end too early.");
    corrupt(refusal::<Uniq>(&[0x14, 0]), "The bytes are those of sum_state.");
    corrupt(refusal::<Uniq>(&[0x10, 0x51]), "The precision 9 is not between 10 and 18.");
    corrupt(refusal::<Uniq>(&[0x10, 0xa1, 1]), "1 bytes of codes are not 0 to 8 codes of 4 bytes.");
    corrupt(refusal::<Uniq>(&[0x10, 0xa1, 2, 0, 0, 0, 2, 0, 0, 0]), "The codes are not in order or out of range.");
    corrupt(refusal::<Uniq>(&[0x11, 0xa1, 8, 0]), "A sparse state of precision 14 cannot have 8 codes.");
    corrupt(refusal::<Uniq>(&[0x11, 0xa1, 9, 10]), "There are more rare codes than codes.");
    corrupt(refusal::<Uniq>(&[0x12, 0xa1, 0]), "The bytes end too early.");
    let dense = |base: u8, nibble: u8| [vec![0x12, 0x61, base, 0], vec![nibble; 512]].concat();
    corrupt(refusal::<Uniq>(&dense(56, 0)), "The base or the number of exceptions is out of range.");
    corrupt(refusal::<Uniq>(&dense(0, 0)), "There are too few codes for a dense state.");
    corrupt(refusal::<Uniq>(&dense(3, 0x11)), "The base is not the least register.");
    corrupt(refusal::<Uniq>(&dense(0, 0xf0)), "The exceptions are not the registers that announce one.");
    corrupt(refusal::<Uniq>(&dense(55, 0x10)), "A register is out of range.");
    check(refusal::<Uniq>(&[0x10, 0xa2]), "0A000", "unsupported uniq_state", "Hash 2 is unknown, this build knows 1.");
    check(refusal::<Uniq>(&[0x13, 0xa1]), "0A000", "unsupported uniq_state", "Kind 3 is reserved.");
}

#[test]
fn messages_of_sketches() {
    let corrupt = |error: Error, detail: &str| check(error, "22P03", "invalid quantile_state", detail);
    let refused = |b: &[u8]| refusal::<Quantile>(b);
    corrupt(refused(&[0x14]), "The bytes are those of sum_state.");
    corrupt(refused(&[0x1d, 0]), "The byte that announces the parts is out of range.");
    corrupt(refused(&[0x1d, 0x20]), "The byte that announces the parts is out of range.");
    corrupt(refused(&[0x1d, 1, 0]), "Values are announced, but there are none.");
    corrupt(refused(&[0x1d, 8, 1]), "The bytes end too early.");
    corrupt(refused(&[0x1d, 1, 1, 0]), "There are 1 bytes too many.");
    // One zero: the least value is 0 and the greatest the same.
    assert!(Quantile::decode(&[0x1d, 8, 1, 0xf0]).is_ok());
    corrupt(refused(&[0x1d, 8, 1, 0x00]), "The least and the greatest value contradict each other.");
    corrupt(refused(&[0x1d, 8, 1, 0xf1, 0x3f]), "The least or the greatest value is out of range.");
    corrupt(refused(&[0x1d, 8, 1, 0xf1, 0]), "The least or the greatest value is out of range.");
    // 1.0 twice: bin 0, and one more value in it.
    assert!(Quantile::decode(&[0x1d, 16, 0xf0, 0, 2]).is_ok());
    corrupt(refused(&[0x1d, 16, 0xf0, 0, 1]), "There are empty bins before the first.");
    corrupt(refused(&[0x1d, 16, 0xf0, 0, 2, 1]), "The least and the greatest value contradict each other.");
    corrupt(refused(&[0x1d, 16, 0x00, 0, 2]), "The least and the greatest value contradict each other.");
    corrupt(refused(&[0x1d, 16, 0xf1, 0xff, 0, 2]), "The least or the greatest value is out of range.");
    corrupt(refused(&[0x1d, 16, 0x00, 0xff, 0xff, 0x7f, 0]), "A bin is out of range.");
    corrupt(refused(&[0x1d, 16, 0xf0, 0, 2, 0xfd, 0xff, 0x7f]), "A bin or its count is out of range.");
    let huge = [0x1d, 1, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40];
    corrupt(refused(&huge), "A count of values is out of range.");
    // Behind the last bin of all, read after many others.
    let mut many = Quantile::empty();
    (0..100).for_each(|i| many.insert(f64::MAX / 1.05f64.powi(i)));
    let encoded = bytes(&many);
    assert!(Quantile::decode(&encoded).is_ok());
    for next in [0, 1, 3] {
        corrupt(refused(&[&encoded[..], &[next, 0][..1 + next as usize / 2]].concat()), "A bin or its count is out of range.");
    }
    check(refused(&[0x1d, 0x48]), "0A000", "unsupported quantile_state", "Accuracy 1 is unknown, this build knows 0.");

    let corrupt = |error: Error, detail: &str| check(error, "22P03", "invalid top_k_state", detail);
    let refused = |b: &[u8]| refusal::<TopK<Box<str>>>(b);
    let counter = |count: u8, error: u8, hash: u8, value: &[u8]| [&[count, error, hash, 0, 0, 0, 0, 0, 0, 0][..], value].concat();
    let state = |k: u8, n: u8, counters: &[Vec<u8>]| [vec![0x1e, k, n], counters.concat()].concat();
    let (a, b) = (&b"\x03a"[..], &b"\x02b"[..]);
    assert!(TopK::<Box<str>>::decode(&state(1, 1, &[counter(5, 0, 1, a)])).is_ok());
    corrupt(refused(&[0x1d]), "The bytes are those of quantile_state.");
    corrupt(refused(&[0x1e, 0]), "The number of values is out of range.");
    corrupt(refused(&[0x1e, 0xe9, 7]), "The number of values is out of range.");
    corrupt(refused(&[0x1e, 1, 0]), "The number of counters is out of range.");
    corrupt(refused(&[0x1e, 10, 31]), "The number of counters is out of range.");
    corrupt(refused(&[0x1e, 10, 30]), "The bytes end too early.");
    corrupt(refused(&state(1, 1, &[counter(0, 0, 1, a)])), "A count is out of range.");
    corrupt(refused(&state(1, 2, &[counter(5, 0, 1, a), counter(6, 0, 2, a)])), "A count is out of range.");
    corrupt(refused(&state(1, 1, &[counter(5, 10, 1, a)])), "The error of a count is out of range.");
    corrupt(refused(&state(1, 1, &[counter(5, 2, 1, a)])), "There are errors, or bounds of other values, but no value can have been dropped.");
    corrupt(refused(&state(1, 2, &[counter(5, 0, 1, a), counter(0, 0, 2, a)])), "The counters are not in order.");
    corrupt(refused(&state(1, 2, &[counter(5, 0, 1, a), counter(1, 0, 1, a)])), "A value is counted twice.");
    corrupt(refused(&state(1, 1, &[counter(5, 0, 1, b)])), "A value is not in the form of JSON that states have.");
    corrupt(refused(&state(1, 1, &[counter(5, 0, 1, b"\x03\"")])), "A value is not in the form of JSON that states have.");
    corrupt(refused(&state(1, 1, &[counter(5, 0, 1, b"\x03\xff")])), "A value is not in the form of JSON that states have.");
    corrupt(refused(&state(1, 1, &[counter(5, 0, 1, b"\x06\"a\"")])), "A value is not in the form of JSON that states have.");
    corrupt(refused(&[state(1, 1, &[counter(5, 0, 1, a)]), vec![1; 128]].concat()), "There are errors, or bounds of other values, but no value can have been dropped.");
    let full: Vec<Vec<u8>> = (0..30).map(|i| counter(if i == 0 { 9 } else { 0 }, 0, 99 - i, a)).collect();
    assert!(TopK::<Box<str>>::decode(&[state(1, 30, &full), vec![1; 128]].concat()).is_ok());
    corrupt(refused(&[state(1, 30, &full), vec![0; 128]].concat()), "A bound of other values is out of range.");
    corrupt(refused(&[state(1, 30, &full), vec![1; 129]].concat()), "There are 1 bytes too many.");
    corrupt(refused(&[state(1, 30, &full), vec![1; 127]].concat()), "The bytes end too early.");
}
