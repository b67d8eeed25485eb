use super::*;
use pg_tally_core::hash::hash64;
use std::collections::HashMap;

const STRINGS: usize = 100_000;

/// Ranks from 0 with probabilities like 1 / (rank + 1).
fn zipf(n: usize, seed: u64) -> Vec<usize> {
    let mut sums = vec![0.0];
    for rank in 1..=STRINGS {
        sums.push(sums[rank - 1] + 1.0 / rank as f64);
    }
    let mut random = Random(seed);
    let rank = |at: f64| sums.partition_point(|sum| *sum <= at).clamp(1, STRINGS) - 1;
    (0..n).map(|_| rank(random.unit() * sums[STRINGS])).collect()
}

fn filled(rows: &[&str], k: u32) -> TopK<Box<str>> {
    let mut state = TopK::new(k);
    for row in rows {
        state.insert(hash64(row.as_bytes()), || format!("\"{row}\"").into());
    }
    state
}

/// The share of the true k most frequent values that the state names among its k.
fn recall(state: &TopK<Box<str>>, counts: &HashMap<&str, u64>) -> f64 {
    let mut order: Vec<u64> = counts.values().copied().collect();
    order.sort_unstable_by_key(|count| std::cmp::Reverse(*count));
    let least = order[state.k() as usize - 1];
    let found = state.top().iter().filter(|e| counts[e.json.trim_matches('"')] >= least).count();
    found as f64 / state.k() as f64
}

pub fn run(filter: &str) {
    if !"top_k: ".contains(filter) && !filter.starts_with("top_k") {
        return;
    }
    let strings: Vec<String> = (0..STRINGS).map(|i| format!("key-{}", i * 7919 % STRINGS)).collect();
    let rows: Vec<&str> = zipf(1_000_000, 1).into_iter().map(|rank| strings[rank].as_str()).collect();
    let mut counts = HashMap::new();
    rows.iter().for_each(|row| *counts.entry(*row).or_insert(0u64) += 1);
    for (k, goal, recalled, size) in [(10, "60", "1", "1000"), (50, "-", "-", "-"), (100, "-", "-", "-")] {
        line(filter, &format!("top_k: insert, k = {k}"), goal, rows.len(), || {
            black_box(filled(&rows, k));
        });
        let whole = filled(&rows, k);
        figure(filter, &format!("top_k: recall, k = {k}"), recalled, recall(&whole, &counts), "  ");
        figure(filter, &format!("top_k: bytes, k = {k}"), size, bytes(&whole).len() as f64, "B ");
        let error = whole.top().iter().map(|e| e.error).max().unwrap_or(0);
        figure(filter, &format!("top_k: greatest error, k = {k}"), &format!("{}", rows.len() / pg_tally_core::top_k::capacity(k)), error as f64, "  ");
        let states: Vec<Vec<u8>> = rows.chunks(1000).map(|rows| bytes(&filled(rows, k))).collect();
        let fold = || {
            let mut sum = TopK::<Box<str>>::empty();
            states.iter().for_each(|state| sum.merge(&TopK::decode(state).unwrap()).unwrap());
            sum
        };
        line(filter, &format!("top_k: fold 1000 of n = 1000, each, k = {k}"), "-", states.len(), || {
            black_box(fold());
        });
        figure(filter, &format!("top_k: recall after it, k = {k}"), "-", recall(&fold(), &counts), "  ");
    }
    figure(filter, "top_k: bytes n = 10, k = 10", "-", bytes(&filled(&rows[..10], 10)).len() as f64, "B ");
}
