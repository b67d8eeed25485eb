//! Settings: PostgreSQL's that we go by, and our own.

use pgrx::pg_sys;
use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting};

static MAINTAIN: GucSetting<bool> = GucSetting::<bool>::new(true);
static DELTA_LIMIT: GucSetting<i32> = GucSetting::<i32>::new(4096);

pub fn register() {
    // An ERROR that passes through Rust would carry a backtrace in its DETAIL if the server's environment asks for one.
    // SAFETY: a backend has one thread.
    unsafe {
        std::env::remove_var("RUST_BACKTRACE");
        std::env::remove_var("RUST_LIB_BACKTRACE");
    }
    GucRegistry::define_int_guc(
        c"tally.delta_limit",
        c"Size of a view's delta from which writers fold it into main when they commit.",
        c"Like gin_pending_list_limit. Zero or -1 leaves folding to tally.compact().",
        &DELTA_LIMIT,
        -1,
        i32::MAX / 1024,
        GucContext::Userset,
        GucFlags::UNIT_KB,
    );
    GucRegistry::define_bool_guc(
        c"tally.maintain",
        c"Whether rows that the owner of a table removes are taken from its views.",
        c"Off for DELETE, TRUNCATE and dropping partitions of rows that the views shall go on counting.",
        &MAINTAIN,
        GucContext::Userset,
        GucFlags::default(),
    );
    unsafe { pg_sys::MarkGUCPrefixReserved(c"tally".as_ptr()) };
}

/// A size of delta.
#[derive(Clone, Copy)]
pub struct Limit {
    kilobytes: u32,
}

impl Limit {
    pub fn pages(self) -> u32 {
        self.kilobytes.div_ceil(pg_sys::BLCKSZ / 1024)
    }
    pub fn bytes(self) -> u64 {
        u64::from(self.kilobytes) * 1024
    }
}

/// None if writers never fold.
pub fn delta_limit() -> Option<Limit> {
    let kilobytes = DELTA_LIMIT.get();
    (kilobytes > 0).then(|| Limit { kilobytes: kilobytes as u32 })
}

/// Whether what the owner of a table removes is taken from its views.
pub fn maintain() -> bool {
    MAINTAIN.get()
}

/// Kilobytes.
pub fn work_mem() -> i32 {
    unsafe { pg_sys::work_mem }
}

/// A server built with assertions compares what a memory context says it holds with what it finds in it.
pub fn checks_memory() -> bool {
    static CHECKS: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *CHECKS.get_or_init(|| unsafe { super::tree::text(pg_sys::GetConfigOption(c"debug_assertions".as_ptr(), true, false)) == "on" })
}

/// The session's TimeZone.
pub fn time_zone() -> String {
    unsafe { super::tree::text(pg_sys::GetConfigOption(c"TimeZone".as_ptr(), true, false)) }
}
