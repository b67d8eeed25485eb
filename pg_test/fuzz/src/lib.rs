//! What every state must keep to, whatever the bytes: the laws are written once, over the trait `State`, and every kind brings
//! only how rows are made of bytes. libFuzzer drives them (`cargo x fuzz`), and `cargo test` replays the corpus.
#![forbid(unsafe_code)]

mod arg;
mod exact;
mod input;
mod laws;
mod quantiles;
mod sums;
mod top;
mod uniq;
mod vars;

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
    ("var", laws::check::<vars::Numbers>),
    ("var_float8", laws::check::<vars::Doubles>),
    ("uniq_exact", laws::check::<exact::Sets>),
    ("quantile", laws::check::<quantiles::Quantiles>),
    ("top_k", laws::check::<top::Frequent>),
    ("arg", arg::check),
];

pub fn target(name: &str) -> Option<fn(&[u8])> {
    TARGETS.iter().find(|t| t.0 == name).map(|t| t.1)
}
