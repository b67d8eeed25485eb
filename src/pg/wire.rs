//! Values as bytes that another server can read: PostgreSQL's binary form (the text form of types that have none), in the
//! database's encoding whatever the client's is, and without the OIDs that arrays and rows carry in it.

use super::canon::type_send_function;
use super::compat;
use super::named::with_type;
use super::varlena::Bytes;
use crate::pg::error::Fail;
use core::ffi::CStr;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::{self, Datum, Oid};
use pgrx::PgTupleDesc;
use std::ffi::CString;

/// While it lives, strings are sent and received in the database's encoding.
struct DatabaseEncoding {
    before: i32,
}

impl DatabaseEncoding {
    fn new() -> Option<Self> {
        unsafe {
            let (before, own) = (pg_sys::pg_get_client_encoding(), pg_sys::GetDatabaseEncoding());
            (before != own && pg_sys::SetClientEncoding(own) == 0).then_some(Self { before })
        }
    }
}

impl Drop for DatabaseEncoding {
    fn drop(&mut self) {
        unsafe { pg_sys::SetClientEncoding(self.before) };
    }
}

/// # Safety
/// `value` is a value of the type.
pub(super) unsafe fn write(type_oid: Oid, value: Datum) -> Vec<u8> {
    unsafe {
        let _encoding = DatabaseEncoding::new();
        let send = type_send_function(type_oid);
        if send == Oid::INVALID {
            let (mut output, mut is_varlena) = (Oid::INVALID, false);
            pg_sys::getTypeOutputInfo(type_oid, &mut output, &mut is_varlena);
            let text = pg_sys::OidOutputFunctionCall(output, value);
            let bytes = CStr::from_ptr(text).to_bytes().to_vec();
            pg_sys::pfree(text.cast());
            return bytes;
        }
        let sent = pg_sys::OidSendFunctionCall(send, value);
        let mut bytes = Bytes::new(Datum::from(sent)).to_vec();
        pg_sys::pfree(sent.cast());
        // What PostgreSQL has just written has no end too early.
        let _ = replace_oids(type_oid, &mut bytes, |_| Oid::INVALID);
        bytes
    }
}

/// A new value in the current memory context.
pub(super) fn read(type_oid: Oid, bytes: &[u8]) -> Result<Datum, Fail> {
    let mut bytes = bytes.to_vec();
    if replace_oids(type_oid, &mut bytes, |oid| oid).is_none() {
        return Err(malformed());
    }
    unsafe {
        let _encoding = DatabaseEncoding::new();
        let (mut function, mut io_param) = (Oid::INVALID, Oid::INVALID);
        if type_send_function(type_oid) == Oid::INVALID {
            let text = CString::new(bytes).map_err(|_| malformed())?;
            pg_sys::getTypeInputInfo(type_oid, &mut function, &mut io_param);
            return Ok(pg_sys::OidInputFunctionCall(function, text.as_ptr().cast_mut(), io_param, -1));
        }
        pg_sys::getTypeBinaryInputInfo(type_oid, &mut function, &mut io_param);
        let message = pg_sys::makeStringInfo();
        pg_sys::appendBinaryStringInfo(message, bytes.as_ptr().cast(), bytes.len() as i32);
        let value = pg_sys::OidReceiveFunctionCall(function, message, io_param, -1);
        let rest = (*message).len - (*message).cursor;
        pg_sys::pfree((*message).data.cast());
        pg_sys::pfree(message.cast());
        if rest == 0 { Ok(value) } else { Err(malformed()) }
    }
}

#[cold]
fn malformed() -> Fail {
    Fail::new(PgSqlErrorCode::ERRCODE_INVALID_BINARY_REPRESENTATION, "invalid arg_state").detail("The bytes of the value or of its key are not those of a value of its type.")
}

/// Puts `new` of each type's OID where the binary form has it. None if the bytes end too early.
fn replace_oids(type_oid: Oid, bytes: &mut [u8], new: fn(Oid) -> Oid) -> Option<()> {
    let base = unsafe { pg_sys::getBaseType(type_oid) };
    if let Some(element) = element_type(base) {
        // Number of dimensions, flags, type, two numbers for each dimension, elements.
        let dimensions = number(bytes, 0)?;
        put(bytes, 8, new(element))?;
        let elements = bytes.get_mut(usize::try_from(dimensions).ok()?.checked_mul(8)?.checked_add(12)?..)?;
        let inner = unsafe { pg_sys::getBaseType(element) };
        if element_type(inner).is_some() || is_row(inner) {
            in_each_part(elements, |part| replace_oids(inner, part, new))?;
        }
    } else if is_row(base) {
        let columns = columns(base);
        // Number of columns; for each its type and its value.
        let mut at = 4;
        for column in columns {
            put(bytes, at, new(column))?;
            let len = number(bytes, at + 4)?;
            at += 8;
            if let Ok(len) = usize::try_from(len) {
                replace_oids(column, bytes.get_mut(at..at.checked_add(len)?)?, new)?;
                at += len;
            }
        }
    }
    Some(())
}

fn element_type(base: Oid) -> Option<Oid> {
    let element = unsafe { pg_sys::get_element_type(base) };
    (element != Oid::INVALID).then_some(element)
}

fn is_row(base: Oid) -> bool {
    with_type(base, |form| form.typtype as u8 == pg_sys::TYPTYPE_COMPOSITE) == Some(true)
}

/// Parts behind their lengths; -1 is NULL.
fn in_each_part(mut bytes: &mut [u8], work: impl Fn(&mut [u8]) -> Option<()>) -> Option<()> {
    while !bytes.is_empty() {
        let len = number(bytes, 0)?;
        bytes = &mut bytes[4..];
        if let Ok(len) = usize::try_from(len) {
            let (part, rest) = bytes.split_at_mut_checked(len)?;
            work(part)?;
            bytes = rest;
        }
    }
    Some(())
}

/// The types of a composite type's columns.
fn columns(type_oid: Oid) -> Vec<Oid> {
    let row = unsafe { PgTupleDesc::from_pg(pg_sys::lookup_rowtype_tupdesc(type_oid, -1)) };
    (0..row.len())
        .map(|i| unsafe { &*compat::attribute(row.as_ptr(), i) })
        .filter(|a| !a.attisdropped)
        .map(|a| a.atttypid)
        .collect()
}

/// The big-endian number at `at`.
fn number(bytes: &[u8], at: usize) -> Option<i32> {
    Some(i32::from_be_bytes(bytes.get(at..)?.first_chunk::<4>().copied()?))
}

fn put(bytes: &mut [u8], at: usize, oid: Oid) -> Option<()> {
    *bytes.get_mut(at..)?.first_chunk_mut::<4>()? = oid.to_u32().to_be_bytes();
    Some(())
}
