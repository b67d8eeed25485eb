//! The golden files hold, and there is one for every kind of every version.

mod common;
#[path = "common/golden.rs"]
mod golden;

use common::hex;
use golden::{KINDS, files, unhex};
use pg_tally_core::codec::{VERSION, header, kind_name};

/// Kind 3 is kept free.
const RESERVED: u8 = 3;

#[test]
fn files_hold() {
    for file in files() {
        let kind = KINDS.iter().find(|k| k.name == file.name).unwrap_or_else(|| panic!("{}: no such state type", file.path.display()));
        assert!(!file.cases.is_empty(), "{} has no cases", file.path.display());
        for case in &file.cases {
            let at = format!("{}:{}", file.path.display(), case.last + 1);
            let (Some(stored), Some(value)) = (&case.bytes, &case.value) else {
                panic!("{at}: no bytes or no value (FORMAT.md says how golden files are made)");
            };
            let stored = unhex(stored);
            assert_eq!((kind.read)(&stored).as_ref(), Ok(value), "{at}: decoded");
            let (built, result) = (kind.build)(case);
            assert_eq!(&result, value, "{at}: built");
            // What this build writes is of its own version; older ones it only reads.
            if file.version == VERSION {
                assert_eq!(hex(&built), hex(&stored), "{at}: the stored format has changed");
            }
        }
    }
}

#[test]
fn every_kind_of_every_version_has_one() {
    let files = files();
    for version in 1..=VERSION {
        for kind in (0..16).filter(|k| kind_name(*k) != "unknown state" && *k != RESERVED) {
            let name = kind_name(kind);
            let first = header(kind) & 15 | version << 4;
            let starts = |bytes: &Option<String>| bytes.as_deref().is_some_and(|b| unhex(b).first() == Some(&first));
            let found = files.iter().any(|f| f.name == name && f.version == version && f.cases.iter().any(|c| starts(&c.bytes)));
            assert!(found, "kind {kind} ({name}) of version {version} has no case in pg_test/golden/{name}.v{version}.txt");
        }
    }
}
