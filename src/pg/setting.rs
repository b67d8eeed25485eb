//! Settings: PostgreSQL's that we go by, and our own.

use pgrx::pg_sys;
use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting};

static MAINTAIN: GucSetting<bool> = GucSetting::<bool>::new(true);
static DELTA_LIMIT: GucSetting<i32> = GucSetting::<i32>::new(4096);
static WORKER: GucSetting<bool> = GucSetting::<bool>::new(true);
static MAX_WORKERS: GucSetting<i32> = GucSetting::<i32>::new(2);
static NAPTIME: GucSetting<i32> = GucSetting::<i32>::new(1);
static REFRESH_TIMEOUT: GucSetting<i32> = GucSetting::<i32>::new(0);
static LOG_RETENTION: GucSetting<i32> = GucSetting::<i32>::new(30 * 24 * 60);

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
    register_worker();
    unsafe { pg_sys::MarkGUCPrefixReserved(c"tally".as_ptr()) };
}

fn register_worker() {
    GucRegistry::define_bool_guc(
        c"tally.worker",
        c"Refreshes views that have a schedule and looks after all views, in every database that has the extension.",
        c"Needs pg_tally in shared_preload_libraries.",
        &WORKER,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"tally.max_workers",
        c"Most views that are refreshed at a time by background workers, in all databases together.",
        c"Each takes one of max_worker_processes. Zero leaves scheduled refreshes to tally.run_due().",
        &MAX_WORKERS,
        0,
        1024,
        GucContext::Sighup,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"tally.naptime",
        c"Time between two looks at the pending rows of a database's views.",
        c"Like autovacuum_naptime. A longer time means less work, and more rows pending.",
        &NAPTIME,
        1,
        24 * 60 * 60,
        GucContext::Sighup,
        GucFlags::UNIT_S,
    );
    GucRegistry::define_int_guc(
        c"tally.refresh_timeout",
        c"Longest time that a scheduled refresh may take, of views without a timeout of their own.",
        c"Zero sets no limit.",
        &REFRESH_TIMEOUT,
        0,
        i32::MAX,
        GucContext::Suset,
        GucFlags::UNIT_MS,
    );
    GucRegistry::define_int_guc(
        c"tally.log_retention",
        c"How long entries of tally.view_log are kept.",
        c"-1 keeps them for ever.",
        &LOG_RETENTION,
        -1,
        i32::MAX,
        GucContext::Sighup,
        GucFlags::UNIT_MIN,
    );
}

/// Whether background workers are wanted.
pub fn worker() -> bool {
    WORKER.get()
}

pub fn max_workers() -> usize {
    MAX_WORKERS.get().max(0) as usize
}

/// Microseconds.
pub fn naptime() -> i64 {
    i64::from(NAPTIME.get()) * 1_000_000
}

/// For a process whose work can be done again: where it and somebody else wait for each other, it is the one to find out and to give up. Nor does
/// it wait for long for anybody, since others wait for it.
pub fn give_way() {
    for (name, value) in [(c"deadlock_timeout", c"10ms"), (c"lock_timeout", c"1s")] {
        unsafe { pg_sys::SetConfigOption(name.as_ptr(), value.as_ptr(), pg_sys::GucContext::PGC_SUSET, pg_sys::GucSource::PGC_S_SESSION) };
    }
}

/// The transaction does not wait for its commit to be on disk: what it did can be done again.
pub fn commit_lazily() {
    unsafe {
        pg_sys::set_config_option(
            c"synchronous_commit".as_ptr(),
            c"off".as_ptr(),
            pg_sys::GucContext::PGC_USERSET,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_LOCAL,
            true,
            0,
            false,
        );
    }
}

/// Microseconds; None is no limit.
pub fn refresh_timeout() -> Option<i64> {
    Some(i64::from(REFRESH_TIMEOUT.get()) * 1000).filter(|&micros| micros > 0)
}

/// Microseconds; None is for ever.
pub fn log_retention() -> Option<i64> {
    Some(i64::from(LOG_RETENTION.get()) * 60_000_000).filter(|&micros| micros >= 0)
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

/// Kilobytes.
pub fn maintenance_work_mem() -> i32 {
    unsafe { pg_sys::maintenance_work_mem }
}

/// A server built with assertions compares what a memory context says it holds with what it finds in it.
pub fn checks_memory() -> bool {
    static CHECKS: std::sync::OnceLock<bool> = std::sync::OnceLock::new();
    *CHECKS.get_or_init(|| unsafe { super::encoding::text(pg_sys::GetConfigOption(c"debug_assertions".as_ptr(), true, false)) == "on" })
}

/// The session's TimeZone.
pub fn time_zone() -> String {
    value("TimeZone").unwrap_or_default()
}

/// What a setting is, in this session.
pub fn value(name: &str) -> Option<String> {
    let name = super::encoding::c(name);
    unsafe {
        let value = pg_sys::GetConfigOption(name.as_ptr(), true, false);
        (!value.is_null()).then(|| super::encoding::text(value))
    }
}
