//! What differs between PostgreSQL's majors.

use pgrx::pg_sys;

/// The definition of column `i`, counted from 0.
///
/// # Safety
/// `desc` has that many columns.
pub(super) unsafe fn attribute(desc: pg_sys::TupleDesc, i: usize) -> *mut pg_sys::FormData_pg_attribute {
    #[cfg(not(feature = "pg18"))]
    unsafe {
        (*desc).attrs.as_mut_ptr().add(i)
    }
    #[cfg(feature = "pg18")]
    unsafe {
        pg_sys::TupleDescAttr(desc, i as i32)
    }
}
