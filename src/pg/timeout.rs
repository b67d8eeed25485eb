//! Work that may take only so long.

use pgrx::pg_sys;
use std::cell::Cell;
use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, Ordering};

/// PostgreSQL's first timeout for extensions (`USER_TIMEOUT` of `enum TimeoutId`).
const FIRST_OF_EXTENSIONS: c_int = if cfg!(any(feature = "pg15", feature = "pg16")) { 12 } else { 13 };

// SAFETY: as PostgreSQL's utils/timeout.h declares them.
unsafe extern "C-unwind" {
    fn RegisterTimeout(id: c_int, handler: unsafe extern "C-unwind" fn()) -> c_int;
    fn enable_timeout_after(id: c_int, milliseconds: c_int);
    fn disable_timeout(id: c_int, keep_indicator: bool);
}

static EXPIRED: AtomicBool = AtomicBool::new(false);

thread_local! {
    static ID: Cell<Option<c_int>> = const { Cell::new(None) };
}

/// Cancels what runs, as pg_cancel_backend would. A signal handler: PostgreSQL sets the latch.
unsafe extern "C-unwind" fn expired() {
    EXPIRED.store(true, Ordering::Relaxed);
    // SAFETY: what PostgreSQL's own handler of SIGINT does.
    unsafe {
        pg_sys::QueryCancelPending = 1;
        pg_sys::InterruptPending = 1;
    }
}

/// What `work` gave, and whether it was cancelled because the time was over. `work` raises no ERROR.
pub fn within<R>(micros: Option<i64>, work: impl FnOnce() -> R) -> (R, bool) {
    let Some(micros) = micros else { return (work(), false) };
    let id = ID.get().unwrap_or_else(|| unsafe { RegisterTimeout(FIRST_OF_EXTENSIONS, expired) });
    ID.set(Some(id));
    EXPIRED.store(false, Ordering::Relaxed);
    unsafe { enable_timeout_after(id, (micros / 1000).clamp(1, i64::from(c_int::MAX)) as c_int) };
    let result = work();
    unsafe { disable_timeout(id, false) };
    let over = EXPIRED.swap(false, Ordering::Relaxed);
    if over {
        // It may have come too late to cancel this, and is not to cancel what follows.
        unsafe { pg_sys::QueryCancelPending = 0 };
    }
    (result, over)
}
