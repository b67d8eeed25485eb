use pg_tally_core::state::*;
use pg_tally_core::*;

fn bytes<S: State>(s: &S) -> Vec<u8> {
    let mut out = Vec::new();
    s.encode(&mut out);
    out
}

#[test]
fn sums() {
    let mut s = SumState::empty();
    s.add_int(5, 1);
    let mut out = Vec::new();
    canon::int(1, &mut out);
    s.add_numeric(&{ let mut v = Vec::new(); numeric::write(false, &[1, 5000], 1, 2, &mut v).unwrap(); v }, 1).unwrap();
    let mut t = Vec::new();
    s.total(&mut t).unwrap().unwrap();
    let mut want = Vec::new();
    numeric::write(false, &[6, 5000], 1, 2, &mut want).unwrap();
    assert_eq!(t, want);
    assert_eq!(SumState::decode(&bytes(&s)).unwrap(), s);
    let mut f = AvgFloat8State::empty();
    for v in [0.1, 0.2, 0.3, 1e300, -1e300] { f.add(v, 1); }
    assert_eq!(f.total(), Some(Ok(0.6)));
    assert_eq!(f.mean(), Some(Ok(0.12)));
    assert_eq!(AvgFloat8State::decode(&bytes(&f)).unwrap(), f);
}

#[test]
fn uniq() {
    for n in [0u64, 1, 8, 9, 10, 100, 1000, 4096, 4097, 10000, 100000] {
        let mut u = Uniq::new(14);
        for v in 0..n { let mut b = Vec::new(); canon::int(v as i64, &mut b); u.insert_hash(hash::hash64(&b)); }
        let b = bytes(&u);
        println!("{n} {} {} heap {}", b.len(), u.estimate(), u.heap_size());
        assert_eq!(Uniq::decode(&b).unwrap(), u);
        assert_eq!(bytes(&Uniq::decode(&b).unwrap()), b);
        assert_eq!(Uniq::estimate_bytes(&b).unwrap(), u.estimate());
        assert_eq!(uniq_merge_bytes(&b, &b).unwrap(), b);
    }
}
