//! Work at the end of a transaction, and work whose failure must not fail the transaction.

use super::border::border;
use super::error::Fail;
use pgrx::pg_sys::panic::CaughtError;
use pgrx::pg_sys;
use pgrx::{PgSqlErrorCode, PgTryBuilder};
use std::cell::Cell;
use std::convert::Infallible;
use std::panic::AssertUnwindSafe;

type Hook = fn();

thread_local! {
    /// The transaction has changed views: what was learnt of them in it may be undone.
    static CHANGED_VIEWS: Cell<bool> = const { Cell::new(false) };
    static BEFORE_COMMIT: Cell<Option<Hook>> = const { Cell::new(None) };
    static AT_END: Cell<Option<Hook>> = const { Cell::new(None) };
    static TELL_PROCESSES: Cell<Option<fn(bool)>> = const { Cell::new(None) };
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn ended(event: pg_sys::XactEvent::Type, _argument: *mut std::ffi::c_void) {
    use pg_sys::XactEvent::*;
    match event {
        XACT_EVENT_PRE_COMMIT => run(BEFORE_COMMIT.get()),
        XACT_EVENT_COMMIT | XACT_EVENT_ABORT | XACT_EVENT_PREPARE => {
            undone();
            super::merge::forget_mixed_up(0);
            CHANGED_VIEWS.set(false);
            run(AT_END.get());
            if let Some(tell) = TELL_PROCESSES.take() {
                tell(event == XACT_EVENT_COMMIT);
            }
        }
        _ => {}
    }
}

/// Notes that views are made, dropped or changed in this transaction. Invalidation messages alone do not do: a list of views
/// made after a DROP no longer watches what the DROP's undoing brings back.
pub fn changes_views() {
    CHANGED_VIEWS.set(true);
}

/// `tell` is called once when the transaction has ended, with whether it has committed. It must neither fail nor allocate.
pub fn tell_processes_at_end(tell: fn(bool)) {
    TELL_PROCESSES.set(Some(tell));
}

fn undone() {
    super::probe::forget();
    if CHANGED_VIEWS.get() {
        super::inval::bump();
    }
}

fn run(hook: Option<Hook>) {
    if let Some(hook) = hook {
        hook();
    }
}

/// To be called once per process. `at_end` must neither fail nor use PostgreSQL.
pub fn register(before_commit: Hook, at_end: Hook) {
    BEFORE_COMMIT.set(Some(before_commit));
    AT_END.set(Some(at_end));
    unsafe {
        pg_sys::RegisterXactCallback(Some(ended), std::ptr::null_mut());
        pg_sys::RegisterSubXactCallback(Some(subtransaction_ended), std::ptr::null_mut());
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn subtransaction_ended(
    event: pg_sys::SubXactEvent::Type,
    _own: pg_sys::SubTransactionId,
    _parent: pg_sys::SubTransactionId,
    _argument: *mut std::ffi::c_void,
) {
    if event == pg_sys::SubXactEvent::SUBXACT_EVENT_ABORT_SUB {
        undone();
    }
}

/// An ERROR that was caught.
pub struct Failure {
    pub code: PgSqlErrorCode,
    pub message: String,
}

/// Runs `work` in a subtransaction and with a snapshot; an ERROR in it undoes it, and is told to the server's log only.
pub fn attempt(what: &str, work: impl FnOnce()) {
    if let Err(failure) = attempted(work) {
        Fail::new(PgSqlErrorCode::ERRCODE_WARNING, format!("could not {what}")).detail(failure.message).log();
    }
}

/// Runs `work` in a subtransaction and with a snapshot; an ERROR in it undoes it.
pub fn attempted<R>(work: impl FnOnce() -> R) -> Result<R, Failure> {
    subtransaction(work, |_| true).map_err(|error| describe(&error))
}

/// The same, but whoever cancels it cancels all.
pub fn isolated<R>(work: impl FnOnce() -> R) -> Result<R, Failure> {
    attempted(work).map_err(|failure| match failure.code {
        PgSqlErrorCode::ERRCODE_QUERY_CANCELED => Fail::new(failure.code, failure.message).raise(),
        _ => failure,
    })
}

/// As `attempted`, but an ERROR goes on, and an Err undoes it too: the locks that were taken are given back.
pub fn tentatively<R, E>(work: impl FnOnce() -> Result<R, E>) -> Result<R, E> {
    subtransaction(work, Result::is_ok).unwrap_or_else(|error| error.rethrow())
}

/// Runs `work`, which only looks, and gives back the locks that it took.
pub fn looking<R>(work: impl FnOnce() -> R) -> R {
    match tentatively(|| Err::<Infallible, R>(work())) {
        Err(seen) => seen,
    }
}

fn subtransaction<R>(work: impl FnOnce() -> R, stays: impl FnOnce(&R) -> bool) -> Result<R, CaughtError> {
    unsafe {
        let (context, owner) = (pg_sys::CurrentMemoryContext, pg_sys::CurrentResourceOwner);
        pg_sys::BeginInternalSubTransaction(std::ptr::null());
        pg_sys::MemoryContextSwitchTo(context);
        let result = PgTryBuilder::new(AssertUnwindSafe(|| {
            pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
            let result = border(work);
            pg_sys::PopActiveSnapshot();
            Ok(result)
        }))
        .catch_others(Err)
        .execute();
        pg_sys::MemoryContextSwitchTo(context);
        if result.as_ref().is_ok_and(stays) {
            pg_sys::ReleaseCurrentSubTransaction();
        } else {
            pg_sys::RollbackAndReleaseCurrentSubTransaction();
        }
        pg_sys::MemoryContextSwitchTo(context);
        pg_sys::CurrentResourceOwner = owner;
        result
    }
}

fn describe(error: &CaughtError) -> Failure {
    use CaughtError::*;
    let (report, message) = match error {
        // As pgrx read it.
        PostgresError(report) => (report, report.message().to_string()),
        // As `Fail` wrote it.
        ErrorReport(report) => (report, super::encoding::decode(report.message().as_bytes())),
        RustPanic { ereport, .. } => (ereport, ereport.message().to_string()),
    };
    Failure { code: report.sql_error_code(), message }
}
