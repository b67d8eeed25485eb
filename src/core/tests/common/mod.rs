//! What the tests of states share.
#![allow(dead_code)]

use pg_tally_core::state::{State, Subtract};
use pg_tally_core::{canon, hash, numeric};

pub fn bytes<S: State>(state: &S) -> Vec<u8> {
    let mut out = Vec::new();
    state.encode(&mut out);
    out
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// SplitMix64: seeded, so that a failure can be run again.
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

pub fn int_hash(v: i64) -> u64 {
    let mut out = Vec::new();
    canon::int(v, &mut out);
    hash::hash64(&out)
}

/// PostgreSQL's on-disk numeric of a literal such as "-12.340", "NaN", "-Infinity".
pub fn num(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    match text {
        "NaN" => numeric::write_nan(&mut out),
        "Infinity" => numeric::write_infinity(false, &mut out),
        "-Infinity" => numeric::write_infinity(true, &mut out),
        _ => {
            let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
            let (whole, part) = text.split_once('.').unwrap_or((text, ""));
            let padded = format!("{}{whole}{part}{}", "0".repeat((4 - whole.len() % 4) % 4), "0".repeat((4 - part.len() % 4) % 4));
            let digits: Vec<u16> =
                padded.as_bytes().chunks(4).map(|d| std::str::from_utf8(d).unwrap().parse().unwrap()).collect();
            numeric::write(negative, &digits, part.len().div_ceil(4), part.len() as u16, &mut out).unwrap();
        }
    }
    out
}

/// The literal that PostgreSQL prints for its on-disk numeric.
pub fn show(payload: &[u8]) -> String {
    let finite = match numeric::parse(payload).unwrap() {
        numeric::Numeric::NaN => return "NaN".into(),
        numeric::Numeric::Infinity => return "Infinity".into(),
        numeric::Numeric::NegInfinity => return "-Infinity".into(),
        numeric::Numeric::Finite(finite) => finite,
    };
    let digits: Vec<u16> = finite.digits().collect();
    let digit = |place: i32| digits.get((finite.weight - place) as usize).copied().filter(|_| place <= finite.weight).unwrap_or(0);
    let whole: String = (0..=finite.weight.max(0)).rev().map(|place| format!("{:04}", digit(place))).collect();
    let part: String = (1..=(finite.scale as i32 + 3) / 4).map(|place| format!("{:04}", digit(-place))).collect();
    let whole = whole.trim_start_matches('0');
    let sign = if finite.negative { "-" } else { "" };
    let whole = if whole.is_empty() { "0" } else { whole };
    if finite.scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{}", &part[..finite.scale as usize]) }
}

/// Every law of a signed state, on one list of rows; `order` shuffles.
pub fn check_laws<S: Subtract + std::fmt::Debug, R>(rows: &[R], order: u64, apply: impl Fn(&mut S, &R, i64)) {
    let sum = |rows: &mut dyn Iterator<Item = &R>, sign: i64| {
        let mut state = S::empty();
        rows.for_each(|row| apply(&mut state, row, sign));
        state
    };
    let merged = |a: &S, b: &S| {
        let mut a = a.clone();
        a.merge(b).unwrap();
        a
    };
    let all = sum(&mut rows.iter(), 1);
    let expected = bytes(&all);

    // Any order, any grouping.
    let mut rng = Rng(order);
    let mut shuffled: Vec<&R> = rows.iter().collect();
    for at in (1..shuffled.len()).rev() {
        shuffled.swap(at, rng.below(at as u64 + 1) as usize);
    }
    assert_eq!(bytes(&sum(&mut shuffled.iter().copied(), 1)), expected, "order");
    let cut = rng.below(rows.len() as u64 + 1) as usize;
    let (left, right) = shuffled.split_at(cut);
    let (middle, right) = right.split_at(right.len() / 2);
    let [a, b, c] = [left, middle, right].map(|part| sum(&mut part.iter().copied(), 1));
    assert_eq!(bytes(&merged(&merged(&a, &b), &c)), expected, "(a + b) + c");
    assert_eq!(bytes(&merged(&a, &merged(&b, &c))), expected, "a + (b + c)");
    assert_eq!(bytes(&merged(&c, &merged(&b, &a))), expected, "c + (b + a)");
    assert_eq!(merged(&a, &merged(&b, &c)), all);

    // The identity.
    assert_eq!(bytes(&merged(&all, &S::empty())), expected);
    assert_eq!(bytes(&merged(&S::empty(), &all)), expected);
    assert_eq!(all.is_empty(), expected.len() == 1);

    // Bytes.
    let decoded = S::decode(&expected).unwrap();
    assert_eq!(decoded, all);
    assert_eq!(bytes(&decoded), expected, "decode, encode");
    assert_eq!(bytes(&merged(&decoded, &S::empty())), expected);

    // Removal.
    let mut negative = all.clone();
    negative.negate();
    assert_eq!(bytes(&negative), bytes(&sum(&mut shuffled.iter().copied(), -1)), "negate is removing each row");
    let nothing = merged(&S::decode(&bytes(&negative)).unwrap(), &all);
    assert!(nothing.is_empty());
    assert_eq!(nothing, S::empty());
    assert_eq!(bytes(&nothing), bytes(&S::empty()));
    assert_eq!(bytes(&nothing).len(), 1);
    let mut partly = all.clone();
    left.iter().rev().for_each(|row| apply(&mut partly, row, -1));
    assert_eq!(bytes(&partly), bytes(&merged(&b, &c)), "removed rows leave no trace");

    // Multiplicity.
    let mut five = S::empty();
    let mut times = S::empty();
    for row in rows {
        apply(&mut times, row, -5);
        (0..5).for_each(|_| apply(&mut five, row, -1));
    }
    assert_eq!(bytes(&five), bytes(&times), "five times");
}
