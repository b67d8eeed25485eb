//! From codes or registers to a number. Only +, *, / and sqrt: the same bits on every CPU.

use super::dense::Histogram;

/// Linear counting in 2^25 cells, of which a sparse state knows each one's state: m ln(m / (m - n)), rounded.
pub fn sparse(n: usize) -> u64 {
    // n is at most 2^16, so the series of -ln(1 - x) is exact to the last bit with five terms.
    let m = (1u64 << super::code::INDEX_BITS) as f64;
    let n = n as f64;
    let x = n / m;
    // Adding a half rounds: `round` is a call on baseline x86-64.
    ((n * (1.0 + x * (1.0 / 2.0 + x * (1.0 / 3.0 + x * (1.0 / 4.0 + x * (1.0 / 5.0 + x * (1.0 / 6.0))))))) + 0.5) as u64
}

/// Ertl's improved raw estimator ("New cardinality estimation algorithms for HyperLogLog sketches", 2017, algorithm 6): no tables of
/// biases and no threshold between two estimators, so no jump.
pub fn dense(histogram: &Histogram, p: u8) -> u64 {
    let m = (1u64 << p) as f64;
    let q = 64 - p as usize;
    let mut z = m * tau(1.0 - histogram[q + 1] as f64 / m);
    for k in (1..=q).rev() {
        z = 0.5 * (z + histogram[k] as f64);
    }
    z += m * sigma(histogram[0] as f64 / m);
    // alpha for infinitely many registers, 1 / (2 ln 2).
    let estimate = m * m / (2.0 * std::f64::consts::LN_2 * z);
    // PostgreSQL's bigint is where it is shown.
    if estimate < i64::MAX as f64 { estimate.round() as u64 } else { i64::MAX as u64 }
}

fn sigma(mut x: f64) -> f64 {
    if x >= 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if z == before {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if z == before {
            return z / 3.0;
        }
    }
}
