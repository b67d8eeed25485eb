//! Background processes: registered, started, found, woken, ended.

use super::xact;
use pgrx::pg_sys::{self, Datum, Oid};
use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int};
use std::sync::atomic::{AtomicBool, Ordering};

// SAFETY: as PostgreSQL's headers declare them. The bindings' own are not functions that a signal could call.
unsafe extern "C-unwind" {
    fn die(signal: c_int);
    fn SignalHandlerForConfigReload(signal: c_int);
    fn kill(process: c_int, signal: c_int) -> c_int;
}

const SIGHUP: c_int = 1;
const SIGTERM: c_int = 15;

/// What a process is for. `pg_stat_activity.backend_type` shows the name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sort {
    Launcher,
    Worker,
    Job,
    Upkeep,
    Backfill,
}

impl Sort {
    pub fn name(self) -> &'static CStr {
        match self {
            Sort::Launcher => c"pg_tally launcher",
            Sort::Worker => c"pg_tally worker",
            Sort::Job => c"pg_tally job",
            Sort::Upkeep => c"pg_tally upkeep",
            Sort::Backfill => c"pg_tally backfill",
        }
    }

    /// Of the function that it runs, which `process!` makes.
    fn entry(self) -> &'static CStr {
        match self {
            Sort::Launcher => c"tally_launcher_main",
            Sort::Worker => c"tally_worker_main",
            Sort::Job => c"tally_job_main",
            Sort::Upkeep => c"tally_upkeep_main",
            Sort::Backfill => c"tally_backfill_main",
        }
    }
}

/// Makes the function that a process runs: `tally_<name>_main`.
#[macro_export]
macro_rules! process {
    ($name:literal, $body:expr) => {
        const _: () = {
            #[unsafe(export_name = concat!("tally_", $name, "_main"))]
            pub unsafe extern "C-unwind" fn main(argument: ::pgrx::pg_sys::Datum) {
                unsafe { $crate::pg::process::enter(argument, $body) }
            }
        };
    };
}

/// # Safety
/// Called by PostgreSQL as a background process begins, with the database that `start` was given.
pub unsafe fn enter(database: Datum, body: fn(Oid)) {
    unsafe { pg_sys::submodules::panic::pgrx_extern_c_guard(move || body(Oid::from(database.value() as u32))) }
}

/// Seconds after which the server starts a launcher again that has failed.
const RESTART: c_int = 10;

static LOADED_WITH_SERVER: AtomicBool = AtomicBool::new(false);

/// Whether the server can have a launcher.
pub fn is_loaded_with_server() -> bool {
    LOADED_WITH_SERVER.load(Ordering::Relaxed)
}

/// Registers the launcher, if the library is being loaded with the server.
pub fn register_launcher() {
    unsafe {
        LOADED_WITH_SERVER.store(pg_sys::process_shared_preload_libraries_in_progress, Ordering::Relaxed);
        if pg_sys::process_shared_preload_libraries_in_progress && !pg_sys::IsBinaryUpgrade {
            let mut worker = described(Sort::Launcher, Oid::INVALID, 0);
            worker.bgw_restart_time = RESTART;
            pg_sys::RegisterBackgroundWorker(&mut worker);
        }
    }
}

fn described(sort: Sort, database: Oid, argument: i64) -> pg_sys::BackgroundWorker {
    let mut worker = pg_sys::BackgroundWorker {
        bgw_flags: (pg_sys::BGWORKER_SHMEM_ACCESS | pg_sys::BGWORKER_BACKEND_DATABASE_CONNECTION) as c_int,
        bgw_start_time: pg_sys::BgWorkerStartTime::BgWorkerStart_RecoveryFinished,
        bgw_restart_time: pg_sys::BGW_NEVER_RESTART as c_int,
        bgw_main_arg: Datum::from(database.to_u32()),
        ..Default::default()
    };
    write(&mut worker.bgw_name, sort.name());
    write(&mut worker.bgw_type, sort.name());
    write(&mut worker.bgw_library_name, c"pg_tally");
    write(&mut worker.bgw_function_name, sort.entry());
    worker.bgw_extra.iter_mut().zip(argument.to_ne_bytes()).for_each(|(to, from)| *to = from as c_char);
    worker
}

fn write(to: &mut [c_char], text: &CStr) {
    to.iter_mut().zip(text.to_bytes()).for_each(|(to, from)| *to = *from as c_char);
}

/// The number that `start` was given for this process.
pub fn argument() -> i64 {
    let mut bytes = [0; 8];
    unsafe {
        let extra = &(*pg_sys::MyBgworkerEntry).bgw_extra;
        bytes.iter_mut().zip(extra).for_each(|(to, from)| *to = *from as u8);
    }
    i64::from_ne_bytes(bytes)
}

/// A process that this one has started.
pub struct Started(*mut pg_sys::BackgroundWorkerHandle);

impl Started {
    /// None before it begins and after it ends.
    pub fn id(&self) -> Option<i32> {
        let mut pid = 0;
        let started = unsafe { pg_sys::GetBackgroundWorkerPid(self.0, &mut pid) == pg_sys::BgwHandleStatus::BGWH_STARTED };
        started.then_some(pid)
    }

    pub fn has_ended(&self) -> bool {
        let mut pid = 0;
        unsafe { pg_sys::GetBackgroundWorkerPid(self.0, &mut pid) == pg_sys::BgwHandleStatus::BGWH_STOPPED }
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        unsafe { pg_sys::pfree(self.0.cast()) };
    }
}

/// Starts a process, whose begin and end wake this one; None if the server has no room for another.
pub fn start(sort: Sort, database: Oid, argument: i64) -> Option<Started> {
    let mut worker = described(sort, database, argument);
    let mut handle = std::ptr::null_mut();
    unsafe {
        worker.bgw_notify_pid = pg_sys::MyProcPid;
        let context = pg_sys::MemoryContextSwitchTo(pg_sys::TopMemoryContext);
        let started = pg_sys::RegisterDynamicBackgroundWorker(&mut worker, &mut handle);
        pg_sys::MemoryContextSwitchTo(context);
        started.then(|| Started(handle))
    }
}

/// To be called first: makes the process listen to signals, and connects it to its database, or to none.
pub fn begin(database: Option<Oid>) {
    unsafe {
        listen(SIGHUP, SignalHandlerForConfigReload);
        // As any backend: what runs is interrupted, whatever it is.
        listen(SIGTERM, die);
        pg_sys::BackgroundWorkerUnblockSignals();
        pg_sys::BackgroundWorkerInitializeConnectionByOid(database.unwrap_or(Oid::INVALID), Oid::INVALID, 0);
        let set = |name: &CStr, value: &CStr| pg_sys::SetConfigOption(name.as_ptr(), value.as_ptr(), pg_sys::GucContext::PGC_SUSET, pg_sys::GucSource::PGC_S_SESSION);
        set(c"application_name", CStr::from_ptr((*pg_sys::MyBgworkerEntry).bgw_type.as_ptr()));
        // What an administrator sets for sessions is not meant for these, as for autovacuum.
        for name in [c"statement_timeout", c"lock_timeout", c"idle_in_transaction_session_timeout"] {
            set(name, c"0");
        }
        #[cfg(any(feature = "pg17", feature = "pg18"))]
        set(c"transaction_timeout", c"0");
        set(c"default_transaction_isolation", c"read committed");
        set(c"default_transaction_read_only", c"off");
        set(c"default_transaction_deferrable", c"off");
    }
}

#[cfg(not(feature = "pg18"))]
unsafe fn listen(signal: c_int, handler: unsafe extern "C-unwind" fn(c_int)) {
    unsafe { pg_sys::pqsignal(signal, Some(handler)) };
}

#[cfg(feature = "pg18")]
unsafe fn listen(signal: c_int, handler: unsafe extern "C-unwind" fn(c_int)) {
    unsafe { pg_sys::pqsignal_be(signal, Some(handler)) };
}

/// Sleeps until somebody wakes the process or the time is over, and rereads the configuration if asked to. Ends the process if it is
/// told to end meanwhile: without a word, since nothing is lost.
pub fn sleep(micros: i64) {
    use pg_sys::{WL_EXIT_ON_PM_DEATH, WL_LATCH_SET, WL_TIMEOUT};
    unsafe {
        pg_sys::pgstat_report_activity(pg_sys::BackendState::STATE_IDLE, std::ptr::null());
        pg_sys::pgstat_report_stat(true);
        let milliseconds = (micros + 999) / 1000;
        pg_sys::WaitLatch(pg_sys::MyLatch, (WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH) as c_int, milliseconds as _, pg_sys::PG_WAIT_EXTENSION);
        pg_sys::ResetLatch(pg_sys::MyLatch);
        if pg_sys::ProcDiePending != 0 {
            pg_sys::proc_exit(1);
        }
        check_for_interrupts();
        if pg_sys::ConfigReloadPending != 0 {
            pg_sys::ConfigReloadPending = 0;
            pg_sys::ProcessConfigFile(pg_sys::GucContext::PGC_SIGHUP);
        }
    }
}

fn check_for_interrupts() {
    pgrx::check_for_interrupts!();
}

/// Ends the process for good.
pub fn leave() -> ! {
    unsafe { pg_sys::proc_exit(0) };
    #[allow(unreachable_code)]
    std::process::abort()
}

/// Runs `work` in a transaction with a snapshot; an ERROR in it ends the process. `pg_stat_activity` shows `what`.
pub fn transaction<R>(what: &str, work: impl FnOnce() -> R) -> R {
    unsafe {
        pg_sys::SetCurrentStatementStartTimestamp();
        report(what);
        pg_sys::StartTransactionCommand();
        pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
        let result = work();
        pg_sys::PopActiveSnapshot();
        pg_sys::CommitTransactionCommand();
        result
    }
}

fn report(what: &str) {
    let text = super::encoding::c(what);
    unsafe { pg_sys::pgstat_report_activity(pg_sys::BackendState::STATE_RUNNING, text.as_ptr()) };
}

/// A process of ours.
struct Process {
    entry: *mut pg_sys::PGPROC,
    pid: c_int,
    database: Oid,
    sort: &'static CStr,
}

/// All processes of ours that are connected. Neither fails nor allocates: a transaction that is ending may ask. A process may end and
/// another take its entry at any time; being woken for nothing does no harm.
fn processes() -> impl Iterator<Item = Process> {
    let count = unsafe { (*pg_sys::ProcGlobal).allProcCount };
    (0..count as usize).filter_map(|i| unsafe {
        let entry = (*pg_sys::ProcGlobal).allProcs.add(i);
        let pid = (*entry).pid;
        let name = if pid == 0 { std::ptr::null() } else { pg_sys::GetBackgroundWorkerTypeByPid(pid) };
        let name = (!name.is_null()).then(|| CStr::from_ptr(name))?;
        let sort = [Sort::Launcher, Sort::Worker, Sort::Job, Sort::Upkeep, Sort::Backfill].map(Sort::name).into_iter().find(|n| *n == name)?;
        Some(Process { entry, pid, database: (*entry).databaseId, sort })
    })
}

/// The databases that a process of this sort is connected to.
pub fn databases_of(sort: Sort) -> impl Iterator<Item = Oid> {
    processes().filter(move |p| p.sort == sort.name()).map(|p| p.database)
}

pub fn own_database() -> Oid {
    unsafe { pg_sys::MyDatabaseId }
}

pub fn is_there(sort: Sort) -> bool {
    databases_of(sort).any(|d| d == own_database() || sort == Sort::Launcher)
}

/// Wakes the processes of this sort in this database, or in all.
pub fn wake(sort: Sort, everywhere: bool) {
    processes().filter(|p| p.sort == sort.name() && (everywhere || p.database == own_database())).for_each(|p| unsafe { pg_sys::SetLatch(&raw mut (*p.entry).procLatch) });
}

/// Tells all processes of ours in a database to end; false if there is none.
pub fn end_all_in(database: Oid) -> bool {
    processes().filter(|p| p.database == database).filter(|p| unsafe { kill(p.pid, SIGTERM) } == 0).count() > 0
}

/// Lets a backend that waits for others pass a moment.
pub fn pause() {
    unsafe { pg_sys::pg_usleep(10_000) };
    check_for_interrupts();
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Nothing,
    Wake,
    Start,
}

thread_local! {
    static ASKED: Cell<Asked> = const { Cell::new(Asked::Nothing) };
}

/// When the transaction ends, the database's worker looks at its views again.
pub fn wake_at_end() {
    if ASKED.get() == Asked::Nothing {
        ASKED.set(Asked::Wake);
    }
    xact::tell_processes_at_end(at_end);
}

/// When the transaction commits, the database gets a worker, if the server has a launcher.
pub fn start_at_end() {
    ASKED.set(Asked::Start);
    xact::tell_processes_at_end(at_end);
}

/// A transaction that is ending must not fail: nothing here does, nor allocates.
fn at_end(committed: bool) {
    let asked = ASKED.replace(Asked::Nothing);
    // Though there may be a worker: it may just be leaving.
    if asked == Asked::Start && committed && is_there(Sort::Launcher) {
        let mut worker = described(Sort::Worker, own_database(), 0);
        unsafe { pg_sys::RegisterDynamicBackgroundWorker(&mut worker, std::ptr::null_mut()) };
    }
    if asked != Asked::Nothing {
        wake(Sort::Worker, false);
        wake(Sort::Upkeep, false);
    }
}
