//! The committed corpus, once more: inputs that reached something of their own, and every finding.

use fuzz::TARGETS;
use pg_tally_core::codec::kind_name;
use std::fs;

fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "half a byte");
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[i * 2..i * 2 + 2], 16).expect("hex digits")).collect()
}

#[test]
fn the_corpus_keeps_the_laws() {
    for (kind, check) in TARGETS {
        let path = format!("{}/corpus/{kind}.txt", env!("CARGO_MANIFEST_DIR"));
        let lines = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e} (cargo x fuzz {kind} --keep makes it)"));
        assert!(lines.lines().count() > 20, "{path} is all but empty");
        for (n, line) in lines.lines().enumerate() {
            println!("{path}:{}", n + 1);
            check(&unhex(line));
        }
    }
}

#[test]
fn every_state_type_has_a_target() {
    for name in (0..16).map(kind_name).filter(|name| *name != "unknown state") {
        let kind = name.strip_suffix("_state").expect("the type's name");
        assert!(TARGETS.iter().any(|t| t.0 == kind), "no fuzz target for {name}");
    }
}

#[test]
fn no_input_is_too_short_to_mean_something() {
    for (_, check) in TARGETS {
        check(&[]);
        check(&[1]);
        check(&[0xff; 3]);
    }
}
