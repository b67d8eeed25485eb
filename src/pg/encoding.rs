//! Text between PostgreSQL, which has it in the database's encoding, and Rust, which has it in UTF-8.
//!
//! All text of queries, names and messages passes here. Values do not: they stay as they are.

use pgrx::pg_sys;
use std::borrow::Cow;
use std::cell::Cell;
use std::ffi::{CStr, CString};

const UTF8: i32 = pg_sys::pg_enc::PG_UTF8 as i32;
const SQL_ASCII: i32 = pg_sys::pg_enc::PG_SQL_ASCII as i32;

/// Whether both sides have the same bytes. SQL_ASCII says nothing that they could be converted by.
fn is_the_same(bytes: &[u8]) -> bool {
    bytes.is_ascii() || is_utf8()
}

/// Whether PostgreSQL's text is taken for UTF-8 in this database.
pub(super) fn is_utf8() -> bool {
    thread_local! {
        /// Every statement asks, and a session stays in its database.
        static IS_UTF8: Cell<Option<bool>> = const { Cell::new(None) };
    }
    IS_UTF8.get().unwrap_or_else(|| {
        let is_utf8 = matches!(unsafe { pg_sys::GetDatabaseEncoding() }, UTF8 | SQL_ASCII);
        if unsafe { pg_sys::MyDatabaseId } != pg_sys::InvalidOid {
            IS_UTF8.set(Some(is_utf8));
        }
        is_utf8
    })
}

/// Text of PostgreSQL's. What is not ASCII needs a transaction.
pub fn decode(bytes: &[u8]) -> String {
    if is_the_same(bytes) {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    // SAFETY: of two different encodings the result is a new string.
    unsafe {
        let utf8 = pg_sys::pg_server_to_any(bytes.as_ptr().cast(), bytes.len() as i32, UTF8);
        let text = CStr::from_ptr(utf8).to_string_lossy().into_owned();
        pg_sys::pfree(utf8.cast());
        text
    }
}

/// Text for PostgreSQL; an ERROR of PostgreSQL's if its encoding lacks a character.
pub fn encode(text: &str) -> Cow<'_, [u8]> {
    if is_the_same(text.as_bytes()) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_ascii() => bytes.push(c as u8),
            // Of a message that came through pgrx, which takes every message for UTF-8.
            char::REPLACEMENT_CHARACTER => bytes.push(b'?'),
            // One by one, because this needs no transaction: messages are written without one, too.
            c => unsafe {
                let mut own = [0u8; pg_sys::MAX_UNICODE_EQUIVALENT_STRING as usize + 1];
                pg_sys::pg_unicode_to_server(c as u32, own.as_mut_ptr());
                bytes.extend_from_slice(CStr::from_ptr(own.as_ptr().cast()).to_bytes());
            },
        }
    }
    Cow::Owned(bytes)
}

/// The same for C. A NUL cannot be in any text that came from PostgreSQL.
pub(super) fn c(text: &str) -> CString {
    let mut bytes = encode(text).into_owned();
    bytes.retain(|&byte| byte != 0);
    CString::new(bytes).unwrap_or_default()
}

/// # Safety
/// `chars` is NULL or a C string of PostgreSQL's.
pub(super) unsafe fn text(chars: *const std::ffi::c_char) -> String {
    if chars.is_null() { String::new() } else { decode(unsafe { CStr::from_ptr(chars) }.to_bytes()) }
}

/// A byte of a query's text as PostgreSQL counts, as Rust counts.
pub fn offset(query: &str, offset: i32) -> i32 {
    match encode(query) {
        Cow::Borrowed(_) => offset,
        Cow::Owned(bytes) => usize::try_from(offset).ok().and_then(|offset| bytes.get(..offset)).map_or(-1, |before| decode(before).len() as i32),
    }
}
