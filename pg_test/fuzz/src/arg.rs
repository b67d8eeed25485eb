//! `arg_min` and `arg_max`: bytes in and out. Merging them takes PostgreSQL, which knows what comes first.

use crate::input::Input;
use pg_tally_core::state::{Arg, Types};

pub fn check(data: &[u8]) {
    let bytes = Input::new(data).prefixed();
    match Arg::decode(bytes) {
        Ok(Some(arg)) => {
            assert_eq!(arg.encode(), bytes, "accepted, but not canonical");
            let types = Types::decode(arg.types).expect("types that were read once");
            assert_eq!(types.encode(), arg.types);
        }
        Ok(None) => assert_eq!(bytes, Arg::EMPTY),
        Err(error) => assert!(error.detail.is_some(), "refused without a reason: {error}"),
    }
}
