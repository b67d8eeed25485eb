//! What `uniq` needs and how near it comes: bytes and errors, beside their goals.

use super::{bytes, filled, verdict};
use pg_tally_core::state::Uniq;

fn figure(filter: &str, what: &str, goal: &str, unit: &str, value: impl FnOnce() -> f64) {
    if what.contains(filter) {
        let value = value();
        println!("{what:<44} {value:>10.3} {unit:<2}   goal {goal}{}", verdict(goal, value));
    }
}

/// `trials` sets of `n` values each that no two share.
fn states(p: u8, n: i64, trials: i64) -> impl Iterator<Item = Uniq> {
    (1..=trials).map(move |trial| filled(p, (0..n).map(|v| trial << 32 | v)))
}

fn error(state: &Uniq, n: i64) -> f64 {
    (state.estimate() as f64 / n as f64 - 1.0) * 100.0
}

/// Per cent.
fn rms(p: u8, n: i64, trials: i64) -> f64 {
    (states(p, n, trials).map(|state| error(&state, n).powi(2)).sum::<f64>() / trials as f64).sqrt()
}

pub fn run(filter: &str) {
    let sizes = [(1, 14, "6"), (10, 14, "36"), (100, 14, "260"), (1000, 14, "2140"), (10_000, 14, "8300"), (1_000_000, 14, "8300")];
    let others = [(10_000, 16, "17200"), (1_000_000, 16, "33000"), (1_000_000, 11, "1040")];
    for (n, p, goal) in sizes.into_iter().chain(others) {
        let trials = (100_000 / n).clamp(5, 100);
        figure(filter, &format!("uniq: bytes, n = {n}, p = {p}"), goal, "B", || {
            states(p, n, trials).map(|state| bytes(&state).len()).sum::<usize>() as f64 / trials as f64
        });
    }
    figure(filter, "uniq: greatest error of n = 1 to 200", "0", "%", || {
        (1..=200).flat_map(|n| states(14, n, 50).map(move |state| error(&state, n).abs())).fold(0.0, f64::max)
    });
    let errors = [
        (1000, 14, 400, "0.02"),
        (10_000, 14, 200, "0.60"),
        (100_000, 14, 200, "0.80"),
        (1_000_000, 14, 200, "0.85"),
        (10_000, 16, 200, "0.02"),
        (100_000, 16, 200, "0.36"),
        (1_000_000, 16, 200, "0.46"),
        (1_000_000, 11, 1000, "2.3"),
    ];
    for (n, p, trials, goal) in errors {
        figure(filter, &format!("uniq: RMS error, n = {n}, p = {p}"), goal, "%", || rms(p, n, trials));
    }
}
