//! `uniq`, with every way in which its bytes can be merged.

use crate::input::Input;
use crate::laws::Target;
use pg_tally_core::hash;
use pg_tally_core::state::{State, Uniq, uniq_merge_bytes};

pub struct Uniques;

/// A run of hashes: one row of input may have to make a state dense.
pub enum Hashes {
    /// Of a value and those that follow it.
    Values(u64, u16),
    /// As it is: codes and registers that no honest value comes to.
    One(u64),
}

impl Target for Uniques {
    type S = Uniq;
    type Row = Hashes;

    fn start(parameter: u8) -> Uniq {
        // The low ones are where a state is dense soon.
        Uniq::new(10 + [0, 0, 0, 4, 8, 1, 0, 0][(parameter & 7) as usize])
    }

    fn row(input: &mut Input<'_>) -> Hashes {
        let tag = input.u8();
        match tag & 3 {
            0 => Hashes::Values(input.number(1), 1),
            1 => Hashes::Values(input.number(2), (tag >> 2) as u16),
            // Zeros behind the index make it rare, and its rank long.
            2 => Hashes::One(input.number(2) << 48 | input.number(1) << (tag >> 2 & 31)),
            _ => Hashes::One(input.number(8)),
        }
    }

    fn apply(state: &mut Uniq, row: &Hashes, _: i64) {
        match row {
            Hashes::Values(first, n) => (0..*n as u64).for_each(|i| state.insert_hash(hash::hash64(&(first + i).to_le_bytes()))),
            Hashes::One(hash) => state.insert_hash(*hash),
        }
    }

    fn answer(state: &Uniq) {
        assert!(state.estimate() <= i64::MAX as u64);
    }

    fn most_bytes(state: &Uniq) -> usize {
        // A byte of nibbles for two registers; for a register that does not fit into one, three bytes of distance and one of value.
        8 + 34 + (1 << (state.p() - 1)) + 4 * (1usize << state.p())
    }

    fn also(a: &Uniq, b: &Uniq) {
        let bytes = |state: &Uniq| {
            let mut out = Vec::new();
            state.encode(&mut out);
            out
        };
        let (a_bytes, b_bytes) = (bytes(a), bytes(b));
        assert_eq!(Uniq::estimate_bytes(&a_bytes), Ok(a.estimate()));
        let (mut by_state, mut by_bytes) = (a.clone(), a.clone());
        by_state.merge(b).expect("any two states merge");
        by_bytes.merge_bytes(&b_bytes).expect("any two states merge");
        assert_eq!(bytes(&by_state), bytes(&by_bytes));
        assert_eq!(uniq_merge_bytes(&a_bytes, &b_bytes).expect("any two states merge"), bytes(&by_state));
    }
}
