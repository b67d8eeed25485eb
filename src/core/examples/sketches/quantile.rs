use super::*;

/// Box and Muller, as the latencies of requests are spread.
fn lognormal(n: usize, seed: u64) -> Vec<f64> {
    let mut random = Random(seed);
    (0..n)
        .map(|_| {
            let (radius, angle) = ((-2.0 * (1.0 - random.unit()).ln()).sqrt(), std::f64::consts::TAU * random.unit());
            (1.2 * radius * angle.cos()).exp()
        })
        .collect()
}

fn filled(values: &[f64]) -> Quantile {
    let mut state = Quantile::empty();
    values.iter().for_each(|v| state.insert(*v));
    state
}

pub fn run(filter: &str) {
    if !"quantile: ".contains(filter) && !filter.starts_with("quantile") {
        return;
    }
    let million = lognormal(1_000_000, 1);
    let mut sorted = million.clone();
    sorted.sort_by(f64::total_cmp);
    for (n, goal) in [(1, "-"), (10, "21"), (1000, "540"), (1_000_000, "1400")] {
        figure(filter, &format!("quantile: bytes n = {n}"), goal, bytes(&filled(&million[..n])).len() as f64, "B ");
    }
    let whole = filled(&million);
    for q in [0.5, 0.9, 0.99, 0.999] {
        let exact = sorted[(q * 1e6) as usize - 1];
        let error = (whole.quantile(q).unwrap().unwrap() / exact - 1.0).abs() * 100.0;
        figure(filter, &format!("quantile: error in %, q = {q}"), "1", error, "% ");
    }
    for (n, goal) in [(10, "-"), (100, "-"), (1000, "-"), (1_000_000, "9")] {
        line(filter, &format!("quantile: insert, groups of {n}"), goal, 1_000_000, || {
            million.chunks(n).for_each(|values| {
                black_box(filled(values));
            });
        });
    }
    for (n, goal) in [(10, "500"), (1000, "2700"), (250_000, "5500")] {
        let states: Vec<Vec<u8>> = million.chunks(n).take(100).map(|values| bytes(&filled(values))).collect();
        line(filter, &format!("quantile: merge two of n = {n}"), goal, states.len() / 2, || {
            for pair in states.chunks_exact(2) {
                let mut state = Quantile::decode(&pair[0]).unwrap();
                state.merge_bytes(&pair[1]).unwrap();
                black_box(bytes(&state));
            }
        });
    }
    let states: Vec<Vec<u8>> = million.chunks(1000).map(|values| bytes(&filled(values))).collect();
    line(filter, "quantile: fold 1000 of n = 1000, in all", "600000", 1, || {
        let mut sum = Quantile::empty();
        states.iter().for_each(|state| sum.merge_bytes(state).unwrap());
        black_box(sum.quantile(0.5).unwrap());
    });
    line(filter, "quantile: of n = 1000000", "-", 1, || {
        black_box(black_box(&whole).quantile(0.99).unwrap());
    });
}
