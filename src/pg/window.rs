//! A call as a window function: the current row's arguments, and where its partition begins.

use crate::pg::call::Call;
use crate::pg::error::Fail;
use core::ffi::{c_int, c_void};
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;

// PostgreSQL's windowapi.h, of which pgrx has no bindings; the same in 15 to 18.
unsafe extern "C-unwind" {
    fn WinGetPartitionLocalMemory(object: *mut pg_sys::WindowObjectData, size: pg_sys::Size) -> *mut c_void;
    fn WinGetCurrentPosition(object: *mut pg_sys::WindowObjectData) -> i64;
    fn WinSetMarkPosition(object: *mut pg_sys::WindowObjectData, position: i64);
    fn WinGetFuncArgCurrent(object: *mut pg_sys::WindowObjectData, argument: c_int, is_null: *mut bool) -> pg_sys::Datum;
}

/// The current row of a window that is read once, from the first row to the last.
pub struct Row<const N: usize> {
    /// Is it the first of its partition?
    pub first: bool,
    pub arguments: [Option<pg_sys::Datum>; N],
}

impl<const N: usize> Row<N> {
    /// Takes the row, and lets PostgreSQL forget those before it: so the partition is not kept.
    pub fn take(call: &Call) -> Result<Row<N>, Fail> {
        let object = unsafe { (*call.fcinfo()).context };
        if object.is_null() || unsafe { (*object).type_ } != pg_sys::NodeTag::T_WindowObjectData {
            return Err(Fail::new(PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED, "window function called outside of a window"));
        }
        let object = object.cast::<pg_sys::WindowObjectData>();
        let mut row = Row { first: false, arguments: [None; N] };
        unsafe {
            pg_sys::ffi::pg_guard_ffi_boundary(|| {
                // Zeros in every new partition.
                let begun = WinGetPartitionLocalMemory(object, size_of::<bool>()).cast::<bool>();
                row.first = !*begun;
                *begun = true;
                WinSetMarkPosition(object, WinGetCurrentPosition(object));
                for (i, argument) in row.arguments.iter_mut().enumerate() {
                    let mut is_null = false;
                    let value = WinGetFuncArgCurrent(object, i as c_int, &mut is_null);
                    *argument = (!is_null).then_some(value);
                }
            });
        }
        Ok(row)
    }
}
