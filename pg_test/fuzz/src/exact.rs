//! `uniq_exact`, with every way in which its bytes can be merged.

use crate::input::Input;
use crate::laws::Target;
use pg_tally_core::state::{State, UniqExact, uniq_exact_merge_bytes};

pub struct Sets;

impl Target for Sets {
    type S = UniqExact;
    type Row = Vec<u8>;

    /// A word, or a value of another length that shares much or little with others.
    fn row(input: &mut Input<'_>) -> Vec<u8> {
        let tag = input.u8();
        match tag & 3 {
            0 => input.int().to_le_bytes().to_vec(),
            1 => vec![input.u8(); (tag >> 2) as usize * 3],
            2 => input.number(8).to_le_bytes()[..(tag >> 2 & 7) as usize].to_vec(),
            _ => [vec![0x61; (tag >> 2) as usize * 4], vec![input.u8()]].concat(),
        }
    }

    fn apply(state: &mut UniqExact, row: &Vec<u8>, _: i64) {
        state.insert(row).expect("there is memory");
    }

    fn answer(state: &UniqExact) {
        assert_eq!(state.count() == 0, state.is_empty());
    }

    fn most_bytes(_: &UniqExact) -> usize {
        // What was put in, at most 256 bytes a row and an input's bytes besides, without any gain.
        48 * (256 + 11) + 2 * 800 + 21
    }

    fn also(a: &UniqExact, b: &UniqExact) {
        let bytes = |state: &UniqExact| {
            let mut out = Vec::new();
            state.encode(&mut out);
            out
        };
        let (a_bytes, b_bytes) = (bytes(a), bytes(b));
        assert_eq!(UniqExact::count_bytes(&a_bytes), Ok(a.count()));
        let (mut by_state, mut by_bytes) = (a.clone(), a.clone());
        by_state.merge(b).expect("any two states merge");
        by_bytes.merge_bytes(&b_bytes).expect("any two states merge");
        assert_eq!(bytes(&by_state), bytes(&by_bytes));
        assert_eq!(uniq_exact_merge_bytes(&a_bytes, &b_bytes).expect("any two states merge"), bytes(&by_state));
        assert!(by_state.count() <= a.count() + b.count() && by_state.count() >= a.count().max(b.count()));
    }
}
