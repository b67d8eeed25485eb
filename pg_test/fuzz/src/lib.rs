//! What every state must keep to, whatever the bytes: the laws are written once, over the trait `State`, and every kind brings
//! only how rows are made of bytes. libFuzzer drives them (`cargo x fuzz`), and `cargo test` replays the corpus.
#![forbid(unsafe_code)]

mod input;
mod laws;
mod sums;
mod uniq;

pub use laws::Target;

/// Every kind of state, by the name of its SQL type without `_state`: a kind that the format knows and this table does not fails a test.
pub const TARGETS: &[(&str, fn(&[u8]))] = &[
    ("uniq", laws::check::<uniq::Uniques>),
    ("sum", laws::check::<sums::Numerics<{ pg_tally_core::state::kind::SUM }>>),
    ("avg", laws::check::<sums::Numerics<{ pg_tally_core::state::kind::AVG }>>),
    ("sum_float8", laws::check::<sums::Floats<{ pg_tally_core::state::kind::SUM_FLOAT8 }>>),
    ("avg_float8", laws::check::<sums::Floats<{ pg_tally_core::state::kind::AVG_FLOAT8 }>>),
    ("sum_interval", laws::check::<sums::Intervals<{ pg_tally_core::state::kind::SUM_INTERVAL }>>),
    ("avg_interval", laws::check::<sums::Intervals<{ pg_tally_core::state::kind::AVG_INTERVAL }>>),
];

pub fn target(name: &str) -> Option<fn(&[u8])> {
    TARGETS.iter().find(|t| t.0 == name).map(|t| t.1)
}
