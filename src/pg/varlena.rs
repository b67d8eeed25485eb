//! Variable-length values: detoasting only when needed, and building new ones.

use crate::pg::error::Fail;
use core::ops::Deref;
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::varlena::{
    set_varsize_4b, varatt_is_1b_e, varatt_is_4b_c, vardata_any, varsize_any_exhdr,
};

/// The bytes of a varlena without its header. Freed on drop if they had to be detoasted.
pub struct Bytes<'a> {
    data: &'a [u8],
    detoasted: *mut pg_sys::varlena,
}

impl Bytes<'_> {
    /// # Safety
    /// `datum` is a non-NULL varlena that lives as long as the result.
    #[inline(always)]
    pub unsafe fn new(datum: pg_sys::Datum) -> Self {
        unsafe {
            if let Some(data) = plain(datum) {
                return Bytes { data, detoasted: core::ptr::null_mut() };
            }
            let detoasted = pg_sys::pg_detoast_datum_packed(datum.cast_mut_ptr());
            Bytes { data: payload(detoasted), detoasted }
        }
    }
}

/// The bytes of a varlena that is neither compressed nor elsewhere: to have them takes no memory.
///
/// # Safety
/// `datum` is a non-NULL varlena that lives as long as the result.
#[inline(always)]
pub unsafe fn plain<'a>(datum: pg_sys::Datum) -> Option<&'a [u8]> {
    unsafe {
        let ptr: *mut pg_sys::varlena = datum.cast_mut_ptr();
        if varatt_is_1b_e(ptr) || varatt_is_4b_c(ptr) { None } else { Some(payload(ptr)) }
    }
}

/// Of what is there and not compressed.
#[inline(always)]
unsafe fn payload<'a>(ptr: *mut pg_sys::varlena) -> &'a [u8] {
    unsafe { core::slice::from_raw_parts(vardata_any(ptr).cast::<u8>(), varsize_any_exhdr(ptr)) }
}

impl Deref for Bytes<'_> {
    type Target = [u8];
    #[inline]
    fn deref(&self) -> &[u8] {
        self.data
    }
}

impl Drop for Bytes<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if !self.detoasted.is_null() {
            // SAFETY: `new` has got it, and nobody else has it.
            unsafe { free(self.detoasted) }
        }
    }
}

/// Not inlined: what is small was not detoasted, and its drop should be no more than a look.
#[cold]
unsafe fn free(detoasted: *mut pg_sys::varlena) {
    unsafe { pg_sys::pfree(detoasted.cast()) }
}

/// PostgreSQL's MaxAllocSize.
const MOST: usize = 0x3fff_ffff;

/// The size of a new value, which PostgreSQL limits.
pub fn checked(size: usize) -> usize {
    if size > MOST {
        Fail::new(PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED, "value is too large")
            .detail(format!("It would have {size} bytes, and a value of PostgreSQL ends at 1 GB."))
            .raise()
    }
    size
}

/// A new varlena in the current memory context.
pub fn from_bytes(data: &[u8]) -> pg_sys::Datum {
    let size = checked(data.len() + pg_sys::VARHDRSZ);
    unsafe {
        let ptr: *mut pg_sys::varlena = pg_sys::palloc(size).cast();
        set_varsize_4b(ptr, size as i32);
        core::ptr::copy_nonoverlapping(
            data.as_ptr(),
            ptr.cast::<u8>().add(pg_sys::VARHDRSZ),
            data.len(),
        );
        pg_sys::Datum::from(ptr)
    }
}
