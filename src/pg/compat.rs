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
        // Since 18 the attributes follow an array of their compact forms.
        let after = (*desc).compact_attrs.as_mut_ptr().add((*desc).natts as usize);
        after.cast::<pg_sys::FormData_pg_attribute>().add(i)
    }
}
