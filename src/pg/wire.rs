//! Values as bytes that another server can read: PostgreSQL's binary form (the text form of types that have none, or have parts that
//! have none), in the database's encoding whatever the client's is, and without the OIDs that arrays and rows carry in it.

use super::canon::type_send_function;
use super::item::SETTINGS;
use super::{compat, sql};
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
        if !is_binary(type_oid) {
            let (mut output, mut is_varlena) = (Oid::INVALID, false);
            pg_sys::getTypeOutputInfo(type_oid, &mut output, &mut is_varlena);
            let text = sql::with_settings(SETTINGS, || pg_sys::OidOutputFunctionCall(output, value));
            let bytes = CStr::from_ptr(text).to_bytes().to_vec();
            pg_sys::pfree(text.cast());
            return bytes;
        }
        let sent = pg_sys::OidSendFunctionCall(type_send_function(type_oid), value);
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
    unsafe {
        let _encoding = DatabaseEncoding::new();
        let (mut function, mut io_param) = (Oid::INVALID, Oid::INVALID);
        if !is_binary(type_oid) {
            let text = CString::new(bytes).map_err(|_| malformed())?;
            pg_sys::getTypeInputInfo(type_oid, &mut function, &mut io_param);
            return Ok(sql::with_settings(SETTINGS, || pg_sys::OidInputFunctionCall(function, text.as_ptr().cast_mut(), io_param, -1)));
        }
        if replace_oids(type_oid, &mut bytes, |oid| oid).is_none() {
            return Err(malformed());
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

/// What values of a type consist of.
enum Made {
    Whole,
    Array(Oid),
    Row(Vec<Oid>),
    Range(Oid),
    Multirange(Oid),
}

impl Made {
    fn of(base: Oid) -> Made {
        match with_type(base, |form| (form.typtype as u8, form.typelem)) {
            Some((pg_sys::TYPTYPE_COMPOSITE, _)) => Made::Row(columns(base)),
            Some((pg_sys::TYPTYPE_RANGE, _)) => Made::Range(unsafe { pg_sys::get_range_subtype(base) }),
            Some((pg_sys::TYPTYPE_MULTIRANGE, _)) => Made::Multirange(unsafe { pg_sys::get_multirange_range(base) }),
            None | Some((_, Oid::INVALID)) => Made::Whole,
            // Points have elements too, but are no arrays.
            Some(_) => match unsafe { pg_sys::get_element_type(base) } {
                Oid::INVALID => Made::Whole,
                element => Made::Array(element),
            },
        }
    }
}

/// Whether the type has a binary form, and so has all that its values consist of.
fn is_binary(type_oid: Oid) -> bool {
    let base = unsafe { pg_sys::getBaseType(type_oid) };
    type_send_function(base) != Oid::INVALID
        && match Made::of(base) {
            Made::Whole => true,
            Made::Array(part) | Made::Range(part) | Made::Multirange(part) => is_binary(part),
            Made::Row(columns) => columns.into_iter().all(is_binary),
        }
}

/// Puts `new` of each type's OID where the binary form has it. None if the bytes end too early.
fn replace_oids(type_oid: Oid, bytes: &mut [u8], new: fn(Oid) -> Oid) -> Option<()> {
    match Made::of(unsafe { pg_sys::getBaseType(type_oid) }) {
        Made::Whole => {}
        Made::Array(element) => {
            // Number of dimensions, flags, type, two numbers for each dimension, elements.
            let dimensions = number(bytes, 0)?;
            put(bytes, 8, new(element))?;
            let elements = bytes.get_mut(usize::try_from(dimensions).ok()?.checked_mul(8)?.checked_add(12)?..)?;
            if !matches!(Made::of(unsafe { pg_sys::getBaseType(element) }), Made::Whole) {
                in_each_part(elements, |part| replace_oids(element, part, new))?;
            }
        }
        Made::Row(columns) => {
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
        // One byte of flags, bounds.
        Made::Range(bound) => in_each_part(bytes.get_mut(1..)?, |part| replace_oids(bound, part, new))?,
        // Number of ranges, ranges.
        Made::Multirange(range) => in_each_part(bytes.get_mut(4..)?, |part| replace_oids(range, part, new))?,
    }
    Some(())
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
