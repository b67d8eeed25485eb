//! The bytes of `arg_min` and `arg_max`.

mod common;

use common::{Rng, hex};
use pg_tally_core::state::{Arg, End, Name, Types};
use proptest::prelude::*;

fn name() -> impl Strategy<Value = Name> {
    let identifier = || prop::collection::vec(1u8.., 1..64);
    prop_oneof![
        (1u32..10_000).prop_map(Name::BuiltIn),
        (identifier(), identifier()).prop_map(|(schema, name)| Name::Qualified { schema, name }),
    ]
}

fn type_name() -> impl Strategy<Value = Name> {
    prop_oneof![3 => name(), 1 => name().prop_map(|element| Name::ArrayOf(Box::new(element)))]
}

fn types() -> impl Strategy<Value = Types> {
    (type_name(), type_name(), prop::option::of(name())).prop_map(|(key, value, collation)| Types { key, value, collation })
}

proptest! {
    #[test]
    fn decoding_gives_back_what_was_encoded(types in types(), key: Vec<u8>, value: Option<Vec<u8>>, greatest: bool) {
        let names = types.encode();
        let end = if greatest { End::Greatest } else { End::Least };
        let arg = Arg { end, types: &names, key: &key, value: value.as_deref() };
        let encoded = arg.encode();
        let decoded = Arg::decode(&encoded).unwrap().unwrap();
        prop_assert_eq!(decoded, arg);
        prop_assert_eq!(Types::decode(decoded.types).unwrap(), types);
        if value.is_none() {
            prop_assert!(Arg::decode(&[&encoded[..], &[0]].concat()).is_err());
        }
    }

    #[test]
    fn any_bytes_are_refused_or_canonical(types in types(), key: Vec<u8>, value: Option<Vec<u8>>, seed: u64) {
        let names = types.encode();
        let mut bytes = Arg { end: End::Least, types: &names, key: &key, value: value.as_deref() }.encode();
        let mut rng = Rng(seed);
        for _ in 0..=rng.below(4) {
            let at = rng.below(bytes.len() as u64) as usize;
            match rng.below(4) {
                0 if at > 0 => bytes.truncate(at),
                1 => bytes.insert(at, rng.next() as u8),
                2 => bytes[at] ^= 1 << rng.below(8),
                _ => bytes[at] = rng.next() as u8,
            }
        }
        match Arg::decode(&bytes) {
            Ok(Some(arg)) => {
                prop_assert_eq!(arg.encode(), &bytes[..]);
                prop_assert_eq!(&Types::decode(arg.types).unwrap().encode(), arg.types);
            }
            Ok(None) => prop_assert_eq!(&bytes[..], Arg::EMPTY),
            Err(error) => prop_assert!(error.detail.is_some()),
        }
    }
}

/// A change here is a change of the stored format.
#[test]
fn golden() {
    let types = |key, value, collation| Types { key, value, collation }.encode();
    let qualified = |schema: &str, name: &str| Name::Qualified { schema: schema.into(), name: name.into() };
    assert_eq!(hex(&Arg::EMPTY), "1f");
    let names = types(Name::BuiltIn(20), Name::BuiltIn(25), Some(Name::BuiltIn(100)));
    let state = Arg { end: End::Greatest, types: &names, key: &[0, 1], value: Some(b"ab") };
    assert_eq!(hex(&state.encode()), "1f011419640200016162");
    let names = types(Name::ArrayOf(Box::new(qualified("s", "mood"))), Name::BuiltIn(1184), None);
    let state = Arg { end: End::Least, types: &names, key: &[], value: None };
    assert_eq!(hex(&state.encode()), "1f02914e904e0173046d6f6f64a0090000");
}

#[test]
fn messages() {
    let refused = |bytes: &[u8], detail: &str| {
        let error = Arg::decode(bytes).unwrap_err();
        assert_eq!((error.sqlstate(), error.message.as_str(), error.detail.as_deref()), ("22P03", "invalid arg_state", Some(detail)));
    };
    refused(&[], "The state has no bytes.");
    refused(&[0x1a], "The bytes are those of var_state.");
    refused(&[0x1f, 4], "The form byte is out of range.");
    refused(&[0x1f, 0, 23], "The bytes end too early.");
    refused(&[0x1f, 0, 0, 23, 0, 0], "A type is missing.");
    refused(&[0x1f, 0, 0x91, 0x4e, 0, 23, 0, 0], "A type is missing.");
    refused(&[0x1f, 0, 0x91, 0x4e, 0x91, 0x4e, 23, 23, 0, 0], "A type or collation is out of range.");
    refused(&[0x1f, 0, 23, 23, 0x91, 0x4e, 23, 0], "A type or collation is out of range.");
    refused(&[0x1f, 0, 0x90, 0x4e, 0, 1, b'a', 23, 0, 0], "A name is empty or has a zero byte in it.");
    refused(&[0x1f, 0, 0x90, 0x4e, 1, 0, 1, b'a', 23, 0, 0], "A name is empty or has a zero byte in it.");
    refused(&[0x1f, 0, 23, 23, 0, 5, 1], "The bytes end too early.");
    refused(&[0x1f, 0, 23, 23, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], "The bytes end too early.");
    refused(&[0x1f, 2, 23, 23, 0, 1, 1, 9], "There are 1 bytes too many.");
}
