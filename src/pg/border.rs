//! Messages of PostgreSQL's errors where the database's encoding is not UTF-8.
//!
//! pgrx takes every error for UTF-8 while it carries it through Rust, and so loses what is not. It is noted before that, when the error is made,
//! and put back where the error leaves Rust. Nothing is converted for that: the catalogs cannot be asked before an error is dealt with.

use super::encoding;
use super::error::Fail;
use pgrx::{PgLogLevel, pg_sys};
use pgrx::pg_sys::panic::CaughtError;
use std::any::Any;
use std::borrow::Cow;
use std::ffi::{CStr, c_char, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Message, detail and hint in the database's encoding.
pub(super) type Texts = [Option<Vec<u8>>; 3];

/// Runs `work`, whose errors PostgreSQL shall get as they were.
pub fn border<R>(work: impl FnOnce() -> R) -> R {
    if encoding::is_utf8() {
        return work();
    }
    let mut noted = Texts::default();
    // SAFETY: the callback is on PostgreSQL's list only while it is here. Whatever runs inside takes off the list what it puts on.
    let result = unsafe {
        let before = pg_sys::error_context_stack;
        let mut callback = pg_sys::ErrorContextCallback { previous: before, callback: Some(note), arg: (&raw mut noted).cast() };
        pg_sys::error_context_stack = &raw mut callback;
        let result = catch_unwind(AssertUnwindSafe(work));
        pg_sys::error_context_stack = before;
        result
    };
    result.unwrap_or_else(|payload| leave(payload, noted))
}

/// PostgreSQL calls this for every message that is made inside; the last error is what counts.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn note(noted: *mut c_void) {
    unsafe {
        let before = pg_sys::MemoryContextSwitchTo(pg_sys::TopMemoryContext);
        let error = pg_sys::CopyErrorData();
        if (*error).elevel >= PgLogLevel::ERROR as i32 {
            let bytes = |text: *const c_char| (!text.is_null()).then(|| CStr::from_ptr(text).to_bytes().to_vec());
            *noted.cast::<Texts>() = [bytes((*error).message), bytes((*error).detail), bytes((*error).hint)];
        }
        pg_sys::FreeErrorData(error);
        pg_sys::MemoryContextSwitchTo(before);
    }
}

fn leave(payload: Box<dyn Any + Send>, noted: Texts) -> ! {
    let Some(CaughtError::PostgresError(report)) = payload.downcast_ref() else { resume_unwind(payload) };
    let read = [Some(report.message()), report.detail(), report.hint()];
    if !read.iter().flatten().any(|text| text.contains(char::REPLACEMENT_CHARACTER)) {
        resume_unwind(payload);
    }
    let texts = if (0..3).all(|i| is_the_text(noted[i].as_deref(), read[i])) {
        noted
    } else {
        read.map(|text| text.map(|text| encoding::encode(text).into_owned()))
    };
    Fail::in_encoding(report.sql_error_code(), texts).raise()
}

/// Whether pgrx has read this in what was noted. It has not if another error was made and caught since; and what was noted may be no better than
/// what was read, because the error had been through Rust before.
fn is_the_text(noted: Option<&[u8]>, read: Option<&str>) -> bool {
    match (noted.map(String::from_utf8_lossy), read) {
        (Some(noted), Some(read)) => noted == read && (matches!(noted, Cow::Owned(_)) || !read.contains(char::REPLACEMENT_CHARACTER)),
        (noted, read) => noted.is_none() && read.is_none(),
    }
}
