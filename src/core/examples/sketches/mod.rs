//! The sketches: `quantile` and `top_k`.

use std::hint::black_box;

use super::{bytes, line};
use pg_tally_core::state::*;

mod quantile;
mod top_k;

/// Prints a figure that is not a time.
fn figure(filter: &str, what: &str, goal: &str, value: f64, unit: &str) {
    if what.contains(filter) {
        println!("{what:<44} {value:>10.1} {unit}   goal {goal}");
    }
}

/// SplitMix64 as numbers in [0, 1).
struct Random(u64);

impl Random {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) >> 11) as f64 / (1u64 << 53) as f64
    }
}

pub fn run(filter: &str) {
    quantile::run(filter);
    top_k::run(filter);
}
