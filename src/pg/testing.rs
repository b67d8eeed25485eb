//! What tests need and SQL has no word for.

use core::ffi::CStr;
use pgrx::pg_sys;

/// The text form of what the type's binary input function makes of these bytes.
pub fn receive(type_oid: pg_sys::Oid, bytes: &[u8]) -> String {
    unsafe {
        let (mut receive, mut io_param) = (pg_sys::InvalidOid, pg_sys::InvalidOid);
        pg_sys::getTypeBinaryInputInfo(type_oid, &mut receive, &mut io_param);
        let message = pg_sys::makeStringInfo();
        pg_sys::appendBinaryStringInfo(message, bytes.as_ptr().cast(), bytes.len() as i32);
        let value = pg_sys::OidReceiveFunctionCall(receive, message, io_param, -1);
        let (mut output, mut is_varlena) = (pg_sys::InvalidOid, false);
        pg_sys::getTypeOutputInfo(type_oid, &mut output, &mut is_varlena);
        let text = pg_sys::OidOutputFunctionCall(output, value);
        CStr::from_ptr(text).to_string_lossy().into_owned()
    }
}
