//! Loops compiled for each width of vectors that a CPU may have. The library is built for the least of its CPUs (SSE2 on x86-64); what is
//! run by [`widest`] is there once more for AVX2 and AVX-512, and which of them runs is found out once per process.

use fearless_simd::{Level, Simd, dispatch};

/// Runs `work` with the widest vectors that this CPU has. Only what is inlined into `work` is compiled for them: it and what it calls must
/// be `#[inline(always)]`. Integers only, or floats that are exact: the answer is the same on every CPU.
#[inline(always)]
pub fn widest<R>(work: impl FnOnce() -> R) -> R {
    dispatch!(Level::new(), simd => simd.vectorize(work))
}
