//! Arrays of float8: the fractions that users ask for, and the answers in the same shape.

use crate::pg::call::{Out, Value};
use crate::pg::error::Fail;
use pgrx::pg_sys;

const WIDTH: i32 = 8;
const ALIGN: core::ffi::c_char = pg_sys::TYPALIGN_DOUBLE as core::ffi::c_char;

/// The array of what `each` makes of every element that is not NULL. `payload` is a float8[] behind its varlena header.
pub fn map_float8<F>(payload: &[u8], mut each: F) -> Out
where
    F: FnMut(f64) -> Result<Option<f64>, Fail>,
{
    // SAFETY: the payload is that of an array; a copy of it is aligned.
    let (array, elements) = unsafe { deconstruct(payload) };
    let mut values = Vec::with_capacity(elements.len());
    let mut nulls = Vec::with_capacity(elements.len());
    for element in elements {
        let value = match element {
            Some(v) => each(v)?,
            None => None,
        };
        nulls.push(value.is_none());
        values.push(Value::float8(value.unwrap_or_default()).datum());
    }
    Ok(Some(Value::raw(unsafe { like(array, &mut values, &mut nulls) })))
}

unsafe fn deconstruct(payload: &[u8]) -> (*mut pg_sys::ArrayType, Vec<Option<f64>>) {
    let array: *mut pg_sys::ArrayType = Value::bytes(payload).datum().cast_mut_ptr();
    let (mut values, mut nulls, mut count) = (core::ptr::null_mut(), core::ptr::null_mut(), 0);
    unsafe {
        pg_sys::deconstruct_array(array, pg_sys::FLOAT8OID, WIDTH, true, ALIGN, &mut values, &mut nulls, &mut count);
        let element = |i: usize| (!*nulls.add(i)).then(|| f64::from_bits((*values.add(i)).value() as u64));
        (array, (0..count as usize).map(element).collect())
    }
}

/// An array of these elements with the dimensions of `array`.
unsafe fn like(
    array: *mut pg_sys::ArrayType,
    values: &mut [pg_sys::Datum],
    nulls: &mut [bool],
) -> pg_sys::Datum {
    unsafe {
        let dimensions = (*array).ndim;
        // The dimensions, then the lower bounds, follow the header.
        let sizes = array.add(1).cast::<i32>();
        let bounds = sizes.add(dimensions as usize);
        let made = pg_sys::construct_md_array(
            values.as_mut_ptr(),
            nulls.as_mut_ptr(),
            dimensions,
            sizes,
            bounds,
            pg_sys::FLOAT8OID,
            WIDTH,
            true,
            ALIGN,
        );
        pg_sys::Datum::from(made)
    }
}
