//! Settings: PostgreSQL's that we go by, and our own.

use pgrx::pg_sys;
use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting};

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

/// Kilobytes.
pub fn work_mem() -> i32 {
    unsafe { pg_sys::work_mem }
}

/// Kilobytes.
pub fn maintenance_work_mem() -> i32 {
    unsafe { pg_sys::maintenance_work_mem }
}

/// A server built with assertions compares what a memory context says it holds with what it finds in it.
pub fn checks_memory() -> bool {
    static CHECKS: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *CHECKS.get_or_init(|| unsafe { super::tree::text(pg_sys::GetConfigOption(c"debug_assertions".as_ptr(), true, false)) == "on" })
}

/// The session's TimeZone.
pub fn time_zone() -> String {
    value("TimeZone").unwrap_or_default()
}

/// What a setting is, in this session.
pub fn value(name: &str) -> Option<String> {
    let name = std::ffi::CString::new(name).ok()?;
    unsafe {
        let value = pg_sys::GetConfigOption(name.as_ptr(), true, false);
        (!value.is_null()).then(|| super::tree::text(value))
    }
}
