//! The committed bytes: a change here is a change of the stored format, and needs a new version.

mod common;

use common::{bytes, hex, int_hash, num};
use pg_tally_core::state::*;
use pg_tally_core::{canon, hash};

fn canonical(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    hex(&out)
}

#[test]
fn hashes() {
    // XXH3's own test vectors for seed 0 have the first one.
    assert_eq!(hash::hash64(b""), 0x2d06_8005_38d3_94c2);
    assert_eq!(hash::hash64(b"a"), 0xe6c6_32b6_1e96_4e1f);
    assert_eq!(hash::hash64(b"tally"), 0xa856_2a4e_47ed_47bb);
    assert_eq!(hash::hash64(&[0xff; 300]), 0xa6eb_8a92_d637_e066);
    assert_eq!(int_hash(0), 0xc77b_3abb_6f87_acd9);
    assert_eq!(int_hash(42), 0xd5a6_f8c8_38df_27c8);
    assert_eq!(int_hash(-1), 0x5111_c7e4_7d78_4413);
}

#[test]
fn uuids() {
    // XXH3's own test vectors for seed 0 have the first one.
    assert_eq!(hash::hash128(b""), 0x99aa_06d3_0147_98d8_6001_c324_468d_497f);
    let id = |key: &[u8], micros: i64| {
        let mut tuple = Vec::new();
        canon::length_prefixed([Some(key), Some(&micros.to_le_bytes()[..])], &mut tuple);
        hex(&hash::uuid8(&tuple))
    };
    // Computed with another implementation of XXH3 as well, and documented.
    let day = 8_766 * 86_400_000_000;
    assert_eq!(id(&42i64.to_le_bytes(), day), "27a7c7d633208a21b29f2a904e0141ca");
    assert_eq!(id(b"alice", day), "63f35c1fc6af8d139b5eaa25dac8b609");
    assert_eq!(id(&1u128.to_be_bytes(), 0), "a6225369dda5829aa8d70cb9787657df");
}

#[test]
fn canonical_bytes() {
    assert_eq!(canonical(|o| canon::int(42, o)), "2a00000000000000");
    assert_eq!(canonical(|o| canon::int(-2, o)), "feffffffffffffff");
    assert_eq!(canonical(|o| canon::float8(1.5, o)), "000000000000f83f");
    assert_eq!(canonical(|o| canon::float8(0.0, o)), "0000000000000000");
    assert_eq!(canonical(|o| canon::float8(-0.0, o)), "0000000000000000");
    for nan in [f64::NAN, -f64::NAN, f64::from_bits(0x7ff0_0000_0000_0001)] {
        assert_eq!(canonical(|o| canon::float8(nan, o)), "000000000000f87f");
    }
    assert_eq!(canonical(|o| canon::float8(f64::NEG_INFINITY, o)), "000000000000f0ff");
    assert_eq!(canonical(|o| canon::bytes(b"\x00ab", o)), "006162");
    let numeric = |text: &str| canonical(|o| canon::numeric(&num(text), o).unwrap());
    assert_eq!(numeric("-Infinity"), "00");
    assert_eq!(numeric("Infinity"), "04");
    assert_eq!(numeric("NaN"), "05");
    for zero in ["0", "-0", "0.000", "-0.0"] {
        assert_eq!(numeric(zero), "02");
    }
    for one in ["1", "1.0", "1.00000000"] {
        assert_eq!(numeric(one), "0300000100");
    }
    assert_eq!(numeric("-1"), "0100000100");
    assert_eq!(numeric("10000"), "0301000100");
    assert_eq!(numeric("-12345678.9"), "010100d2042e162823");
    assert_eq!(numeric("0.0001"), "03ffff0100");
    assert_eq!(canonical(|o| canon::interval(0, 0, 1, o)), "01000000000000000000000000000000");
    let month = canonical(|o| canon::interval(1, 0, 0, o));
    assert_eq!(month, "00403d7f5b0200000000000000000000");
    assert_eq!(canonical(|o| canon::interval(0, 30, 0, o)), month);
    assert_eq!(canonical(|o| canon::interval(0, 29, 86_400_000_000, o)), month);
    assert_eq!(canonical(|o| canon::length_prefixed([Some(&b"ab"[..]), None, Some(b"")], o)), "020000006162ffffffff00000000");
}

#[test]
fn sums() {
    fn state<S: State>(fill: impl FnOnce(&mut S)) -> String {
        let mut state = S::empty();
        fill(&mut state);
        let encoded = bytes(&state);
        assert!(S::decode(&encoded).unwrap() == state);
        hex(&encoded)
    }
    assert_eq!(state::<SumState>(|_| ()), "14");
    assert_eq!(state::<AvgState>(|_| ()), "15");
    assert_eq!(state::<SumState>(|s| s.add_int(5, 1)), "1400020a");
    assert_eq!(state::<SumState>(|s| s.add_int(5, -1)), "14000109");
    assert_eq!(state::<AvgState>(|s| (1..=1000).for_each(|v| s.add_int(v, 1))), "1500d00fa88c3d");
    assert_eq!(state::<SumState>(|s| s.add_numeric(&num("12.50"), 1).unwrap()), "14050001fa01010202");
    assert_eq!(state::<SumState>(|s| s.add_numeric(&num("NaN"), 1).unwrap()), "14080000020000");
    let big = "-340282366920938463463374607431768211457.25";
    assert_eq!(state::<SumState>(|s| s.add_numeric(&num(big), 1).unwrap()), "14070002237d00000000000000000000000000000064010202");

    assert_eq!(state::<SumFloat8State>(|_| ()), "16");
    assert_eq!(state::<SumFloat8State>(|s| s.add(5.0, 1)), "1602020005");
    assert_eq!(state::<AvgFloat8State>(|s| s.add(-0.5, 1)), "1702030101");
    assert_eq!(state::<AvgFloat8State>(|s| s.add(0.0, 1)), "170200");
    assert_eq!(state::<SumFloat8State>(|s| s.add(0.1, 1)), "16020e6dcdcccccccccc0c");
    assert_eq!(state::<SumFloat8State>(|s| s.add(f64::NEG_INFINITY, 1)), "160000000002");
    assert_eq!(state::<SumFloat8State>(|s| [1e300, 1.0, 2.5e-300].into_iter().for_each(|v| s.add(v, 1))).len(), 2 * 262);

    assert_eq!(state::<VarState>(|_| ()), "1a");
    assert_eq!(state::<VarState>(|s| s.add_int(5, 1)), "1a00020a32");
    assert_eq!(state::<VarState>(|s| (1..=1000).for_each(|v| s.add_int(v, 1))), "1a00d00fa88c3db894afbe02");
    assert_eq!(state::<VarState>(|s| s.add_numeric(&num("12.50"), 1).unwrap()), "1a150001fa010102020292f401");
    assert_eq!(state::<VarFloat8State>(|_| ()), "1b");
    assert_eq!(state::<VarFloat8State>(|s| s.add(5.0, 1)), "1b02020005020019");
    assert_eq!(state::<VarFloat8State>(|s| s.add(-0.5, 1)), "1b02030101020301");
    assert_eq!(state::<VarFloat8State>(|s| s.add(f64::NAN, 1)), "1b000000020000");

    assert_eq!(state::<SumIntervalState>(|_| ()), "18");
    assert_eq!(state::<SumIntervalState>(|s| s.add(1, -2, 3_000_000, 1, true)), "18020203809bee02");
    assert_eq!(state::<AvgIntervalState>(|s| s.add(i32::MAX, i32::MAX, i64::MAX, 1, true)), "19000000000200");
}

#[test]
fn uniq_exact() {
    let state = |values: &[&[u8]]| {
        let mut state = UniqExact::empty();
        values.iter().for_each(|v| state.insert(v).unwrap());
        hex(&bytes(&state))
    };
    assert_eq!(state(&[]), "1c");
    assert_eq!(state(&[&42i64.to_le_bytes(), &40i64.to_le_bytes()]), "1c02002801");
    assert_eq!(state(&[&(-1i64).to_le_bytes()]), "1c0100ffffffffffffffffff01");
    assert_eq!(state(&[b"tally", b"", b"tall", b"talk", b"tall"]), "1c00040000000474616c6b03016c040179");
}

#[test]
fn uniq() {
    let state = |p: u8, n: i64| {
        let mut state = Uniq::new(p);
        (0..n).for_each(|v| state.insert_hash(int_hash(v)));
        bytes(&state)
    };
    assert_eq!(hex(&state(14, 0)), "10a1");
    assert_eq!(hex(&state(14, 1)), "10a1eaec1d03");
    assert_eq!(hex(&state(14, 3)), "10a1181b820064f1be00eaec1d03");
    assert_eq!(hex(&state(14, 12)), "11a10c005fc18eb12198d85559bc0f44b22f652e8fb3983ee07af6a3cede4911d11bad0639c96402");
    // Longer ones by length and hash.
    let digest = |b: Vec<u8>| (b.len(), hash::hash64(&b));
    assert_eq!(digest(state(14, 4000)), (7519, 10062722287484685394));
    assert_eq!(digest(state(18, 4000)), (7548, 3552541139528269579));
    assert_eq!(digest(state(14, 5000)), (8196, 5650582110681765563));
    assert_eq!(digest(state(10, 100_000)), (516, 5620853827412175385));
}

#[test]
fn quantile() {
    let state = |values: &[f64]| {
        let mut state = Quantile::empty();
        values.iter().for_each(|v| state.insert(*v));
        hex(&bytes(&state))
    };
    assert_eq!(state(&[]), "1d");
    assert_eq!(state(&[1.0]), "1d10f00000");
    assert_eq!(state(&[1.0, 1.0, 1.5, 2.0, -3.25, 0.0, 0.0]), "1d180200ed01009faf12004935");
    assert_eq!(state(&[f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::NEG_INFINITY]), "1d07010102");
    assert_eq!(state(&[5e-324, f64::MAX, 0.1]), "1d1060ffffffffffffd6960900fd9209c9e308");
}

#[test]
fn top_k() {
    let state = |rows: i64| {
        let mut state = TopK::<Box<str>>::new(2);
        (0..rows).for_each(|row| state.insert(int_hash(row * row % 97), || format!("\"{}\"", row * row % 97).into()));
        bytes(&state)
    };
    assert_eq!(hex(&state(0)), "1e");
    assert_eq!(hex(&state(3)), "1e0203010078715ed90a2922ca03340000d9ac876fbb3a7bc7033000002e79db643559bc2f0331");
    let long = state(1000);
    assert_eq!((long.len(), hash::hash64(&long)), (516, 6556878599664757964));
}
