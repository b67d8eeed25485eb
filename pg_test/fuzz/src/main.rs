//! libFuzzer's driver, for the kind that the environment names.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("TALLY_FUZZ").unwrap_or_default();
    fuzz::target(&name).unwrap_or_else(|| panic!("TALLY_FUZZ names no kind of state: {name:?}"))
});

fuzz_target!(|data: &[u8]| TARGET(data));
