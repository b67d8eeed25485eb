//! Running SQL of our own: as whom, with which settings, and in which snapshot.

use super::encoding::{c, text};
use pgrx::pg_sys;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::CString;

/// What a statement answered, as text.
pub type Rows = Vec<Vec<Option<String>>>;

/// Settings under which text that we deparse means the same when it is parsed again, and names mean only what is qualified.
const PINNED: &[(&str, &str)] = &[
    ("search_path", "pg_catalog, pg_temp"),
    ("datestyle", "ISO, YMD"),
    ("intervalstyle", "postgres"),
    ("extra_float_digits", "3"),
    ("bytea_output", "hex"),
    ("quote_all_identifiers", "off"),
    ("standard_conforming_strings", "on"),
    ("default_table_access_method", "heap"),
    ("row_security", "off"),
];

/// Runs a statement in the current user's name; the number of rows it processed.
pub fn execute(sql: &str) -> u64 {
    with_spi(sql, false, |n| n)
}

/// Rows of a statement that may write, each statement with a snapshot of its own under READ COMMITTED.
pub fn rows(sql: &str) -> Rows {
    with_spi(sql, false, |_| tuples())
}

/// Rows as of now, whatever snapshot the transaction has: for our own bookkeeping, which must never be old. Pinned here, not by each
/// caller: with the user's search_path an operator of theirs could answer a question about their rights.
pub fn rows_latest(sql: &str) -> Rows {
    latest(|| with_spi(sql, true, |_| tuples()))
}

/// The same for a text that is asked again and again: it is parsed and planned once per session, and again when PostgreSQL finds that
/// what it names has changed. The parameters are texts.
pub fn rows_latest_planned(sql: &'static str, parameters: &[&str]) -> Rows {
    latest(|| {
        connected(|| unsafe {
            let plan = planned(sql, parameters.len());
            let texts: Vec<CString> = parameters.iter().map(|text| c(text)).collect();
            let mut values: Vec<pg_sys::Datum> = texts.iter().map(|text| pg_sys::cstring_to_text(text.as_ptr()).into()).collect();
            (pg_sys::SPI_execute_plan(plan, values.as_mut_ptr(), std::ptr::null(), true, 0), |_| tuples())
        })
    })
}

/// An array of oids, as text.
pub fn oids(all: impl Iterator<Item = u32>) -> String {
    format!("{{{}}}", all.map(|oid| oid.to_string()).collect::<Vec<_>>().join(","))
}

thread_local! {
    static PLANS: RefCell<HashMap<&'static str, pg_sys::SPIPlanPtr>> = RefCell::new(HashMap::new());
}

unsafe fn planned(sql: &'static str, parameters: usize) -> pg_sys::SPIPlanPtr {
    if let Some(plan) = PLANS.with(|p| p.borrow().get(sql).copied()) {
        return plan;
    }
    let (text, mut types) = (c(sql), vec![pg_sys::TEXTOID; parameters]);
    unsafe {
        // One plan for whatever is asked: to plan costs more than any of these questions.
        let plan = pg_sys::SPI_prepare_cursor(text.as_ptr(), parameters as i32, types.as_mut_ptr(), pg_sys::CURSOR_OPT_GENERIC_PLAN as i32);
        if plan.is_null() {
            let code = pg_sys::SPI_result;
            pgrx::error!("SPI_prepare_cursor returned {code}");
        }
        pg_sys::SPI_keepplan(plan);
        PLANS.with(|p| p.borrow_mut().insert(sql, plan));
        plan
    }
}

fn latest(ask: impl FnOnce() -> Rows) -> Rows {
    // Questions to the catalogs are answered sooner than compiled.
    let settings: Vec<_> = PINNED.iter().copied().chain([("jit", "off")]).collect();
    with_settings(&settings, || {
        unsafe { pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot()) };
        let rows = ask();
        unsafe { pg_sys::PopActiveSnapshot() };
        rows
    })
}

fn with_spi<R>(sql: &str, read_only: bool, take: impl FnOnce(u64) -> R) -> R {
    let text = c(sql);
    connected(|| (unsafe { pg_sys::SPI_execute(text.as_ptr(), read_only, 0) }, take))
}

/// Runs what gives SPI's code and takes the result while it is there.
fn connected<R, T: FnOnce(u64) -> R>(run: impl FnOnce() -> (i32, T)) -> R {
    unsafe {
        pg_sys::SPI_connect();
        let (code, take) = run();
        if code < 0 {
            pgrx::error!("SPI returned {code}");
        }
        let result = take(pg_sys::SPI_processed);
        pg_sys::SPI_finish();
        result
    }
}

/// The first column of a query's rows, so many rows at a time, as long as `more` says so. All are of one snapshot, whatever `more` changes.
pub fn batches(sql: &str, size: i64, mut more: impl FnMut(Vec<String>) -> bool) {
    let text = c(sql);
    unsafe {
        pg_sys::SPI_connect();
        let none = std::ptr::null_mut::<std::ffi::c_void>();
        let cursor = pg_sys::SPI_cursor_open_with_args(std::ptr::null(), text.as_ptr(), 0, none.cast(), none.cast(), none.cast(), false, pg_sys::CURSOR_OPT_NO_SCROLL as i32);
        loop {
            pg_sys::SPI_cursor_fetch(cursor, true, size as std::ffi::c_long);
            let rows = tuples();
            pg_sys::SPI_freetuptable(pg_sys::SPI_tuptable);
            if rows.is_empty() || !more(rows.into_iter().filter_map(|row| row.into_iter().next().flatten()).collect()) {
                break;
            }
        }
        pg_sys::SPI_cursor_close(cursor);
        pg_sys::SPI_finish();
    }
}

fn tuples() -> Rows {
    unsafe {
        let table = pg_sys::SPI_tuptable;
        if table.is_null() {
            return vec![];
        }
        let (desc, n) = ((*table).tupdesc, pg_sys::SPI_processed as usize);
        (0..n)
            .map(|row| {
                let tuple = *(*table).vals.add(row);
                (1..=(*desc).natts)
                    .map(|column| {
                        let value = pg_sys::SPI_getvalue(tuple, desc, column);
                        (!value.is_null()).then(|| text(value))
                    })
                    .collect()
            })
            .collect()
    }
}

pub fn identifier(name: &str) -> String {
    let name = c(name);
    unsafe { text(pg_sys::quote_identifier(name.as_ptr())) }
}

pub fn literal(value: &str) -> String {
    let value = c(value);
    unsafe { text(pg_sys::quote_literal_cstr(value.as_ptr())) }
}

pub fn current_user() -> pg_sys::Oid {
    unsafe { pg_sys::GetUserId() }
}

pub fn superuser() -> pg_sys::Oid {
    pg_sys::Oid::from(pg_sys::BOOTSTRAP_SUPERUSERID)
}

/// Runs `work` as another role that cannot be switched away from, as REFRESH MATERIALIZED VIEW does.
/// An ERROR inside is followed by a (sub)transaction abort, which puts back user and settings.
pub fn as_role<R>(role: pg_sys::Oid, work: impl FnOnce() -> R) -> R {
    unsafe {
        let (mut user, mut context) = (pg_sys::InvalidOid, 0);
        pg_sys::GetUserIdAndSecContext(&mut user, &mut context);
        let restricted = context | (pg_sys::SECURITY_RESTRICTED_OPERATION | pg_sys::SECURITY_LOCAL_USERID_CHANGE) as i32;
        pg_sys::SetUserIdAndSecContext(role, restricted);
        let result = work();
        pg_sys::SetUserIdAndSecContext(user, context);
        result
    }
}

/// As `as_role`, but without the restrictions of a security-restricted operation, which forbids some DDL.
pub fn as_superuser<R>(work: impl FnOnce() -> R) -> R {
    unsafe {
        let (mut user, mut context) = (pg_sys::InvalidOid, 0);
        pg_sys::GetUserIdAndSecContext(&mut user, &mut context);
        pg_sys::SetUserIdAndSecContext(superuser(), context | pg_sys::SECURITY_LOCAL_USERID_CHANGE as i32);
        let result = work();
        pg_sys::SetUserIdAndSecContext(user, context);
        result
    }
}

/// Runs `work` under a snapshot of now, or of the transaction if it keeps one: what values are stored out of line for this snapshot stay.
pub fn with_snapshot<R>(work: impl FnOnce() -> R) -> R {
    unsafe {
        pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
        let result = work();
        pg_sys::PopActiveSnapshot();
        result
    }
}

/// Runs `work` with the settings that our SQL is written for.
pub fn pinned<R>(work: impl FnOnce() -> R) -> R {
    with_settings(PINNED, work)
}

/// Runs `work` with these settings, in parallel workers too.
pub fn with_settings<R>(settings: &[(&str, &str)], work: impl FnOnce() -> R) -> R {
    unsafe {
        let level = pg_sys::NewGUCNestLevel();
        for (name, value) in settings {
            let (name, value) = (c(name), c(value));
            pg_sys::set_config_option(
                name.as_ptr(),
                value.as_ptr(),
                pg_sys::GucContext::PGC_USERSET,
                pg_sys::GucSource::PGC_S_SESSION,
                pg_sys::GucAction::GUC_ACTION_SAVE,
                true,
                0,
                false,
            );
        }
        let result = work();
        pg_sys::AtEOXact_GUC(false, level);
        result
    }
}
