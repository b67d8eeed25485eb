//! Types and collations by names that other servers know too.

use super::encoding::{decode, text};
use super::fmgr::type_name;
use crate::pg::error::Fail;
use core::ffi::CStr;
use pg_tally_core::state::{FIRST_UNSTABLE_OID, Name};
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::{self, Datum, Oid, SysCacheIdentifier};
use std::ffi::CString;

/// Looks at a type's row in pg_type; None if there is no such type.
pub(super) fn with_type<R>(type_oid: Oid, look: impl FnOnce(&pg_sys::FormData_pg_type) -> R) -> Option<R> {
    unsafe { with_row(SysCacheIdentifier::TYPEOID, type_oid, |form: &pg_sys::FormData_pg_type| look(form)) }
}

/// # Safety
/// `T` is what the rows of this cache look like, and the cache is one by OID.
unsafe fn with_row<T, R>(cache: SysCacheIdentifier::Type, oid: Oid, look: impl FnOnce(&T) -> R) -> Option<R> {
    unsafe {
        let tuple = pg_sys::SearchSysCache1(cache as i32, Datum::from(oid));
        if tuple.is_null() {
            return None;
        }
        let result = look(&*pg_sys::GETSTRUCT(tuple).cast::<T>());
        pg_sys::ReleaseSysCache(tuple);
        Some(result)
    }
}

/// The function that takes in an aggregate's rows.
pub(super) fn transition_function(aggregate: Oid) -> Oid {
    // PostgreSQL's Anum_pg_aggregate_aggtransfn, of which pgrx has no binding; the same in 15 to 18.
    let (number, none) = (4, Datum::null());
    unsafe { pg_sys::GetSysCacheOid(SysCacheIdentifier::AGGFNOID as i32, number, Datum::from(aggregate), none, none, none) }
}

pub fn of_type(type_oid: Oid) -> Result<Name, Fail> {
    if type_oid.to_u32() < FIRST_UNSTABLE_OID {
        return Ok(Name::BuiltIn(type_oid.to_u32()));
    }
    let element = unsafe { pg_sys::get_element_type(type_oid) };
    if element != Oid::INVALID {
        return Ok(Name::ArrayOf(Box::new(of_type(element)?)));
    }
    with_type(type_oid, |form| qualified(form.typnamespace, &form.typname)).ok_or_else(|| missing("type", &type_oid.to_u32().to_string()))
}

pub fn of_collation(collation: Oid) -> Result<Option<Name>, Fail> {
    if collation.to_u32() < FIRST_UNSTABLE_OID {
        return Ok((collation != Oid::INVALID).then(|| Name::BuiltIn(collation.to_u32())));
    }
    let name = unsafe {
        with_row(SysCacheIdentifier::COLLOID, collation, |form: &pg_sys::FormData_pg_collation| qualified(form.collnamespace, &form.collname))
    };
    name.map(Some).ok_or_else(|| missing("collation", &collation.to_u32().to_string()))
}

fn qualified(namespace: Oid, name: &pg_sys::NameData) -> Name {
    // In the database's encoding, as the values are.
    let bytes = |name: *const core::ffi::c_char| unsafe { if name.is_null() { vec![] } else { CStr::from_ptr(name).to_bytes().to_vec() } };
    Name::Qualified { schema: bytes(unsafe { pg_sys::get_namespace_name(namespace) }), name: bytes(name.data.as_ptr()) }
}

/// The type of this name here. It can have values: it is no pseudo-type and no shell.
pub fn type_oid(name: &Name) -> Result<Oid, Fail> {
    let oid = match name {
        Name::BuiltIn(oid) => Oid::from_u32(*oid),
        Name::ArrayOf(element) => {
            let element = type_oid(element)?;
            match unsafe { pg_sys::get_array_type(element) } {
                Oid::INVALID => return Err(missing("type", &format!("{}[]", type_name(element)))),
                array => array,
            }
        }
        Name::Qualified { schema, name } => unsafe {
            let namespace = namespace_oid(schema);
            let name = c(name);
            let keys = [Datum::from(name.as_ptr()), Datum::from(namespace), Datum::null(), Datum::null()];
            let id = SysCacheIdentifier::TYPENAMENSP as i32;
            pg_sys::GetSysCacheOid(id, pg_sys::Anum_pg_type_oid as i16, keys[0], keys[1], keys[2], keys[3])
        },
    };
    match with_type(oid, |_| ()) {
        Some(()) => check_has_values(oid).map(|()| oid),
        None => Err(missing("type", &shown(name))),
    }
}

/// Pseudo-types and shells have no values that a state could keep.
pub fn check_has_values(type_oid: Oid) -> Result<(), Fail> {
    if with_type(type_oid, |form| form.typisdefined && form.typtype as u8 != pg_sys::TYPTYPE_PSEUDO) == Some(true) {
        return Ok(());
    }
    Err(Fail::new(PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH, format!("values of type {} cannot be kept in a state", type_name(type_oid)))
        .hint("Cast rows to a named composite type."))
}

pub fn collation_oid(name: Option<&Name>) -> Result<Oid, Fail> {
    let (oid, name) = match name {
        None => return Ok(Oid::INVALID),
        Some(name @ Name::Qualified { schema, name: own }) => unsafe {
            if namespace_oid(schema) == Oid::INVALID {
                return Err(missing("collation", &shown(name)));
            }
            let mut list: *mut pg_sys::List = core::ptr::null_mut();
            for part in [schema, own] {
                list = pg_sys::lappend(list, pg_sys::makeString(pg_sys::pstrdup(c(part).as_ptr())).cast());
            }
            (pg_sys::get_collation_oid(list, true), name)
        },
        Some(name @ Name::BuiltIn(oid)) => {
            let exists = unsafe { with_row(SysCacheIdentifier::COLLOID, Oid::from_u32(*oid), |_: &pg_sys::FormData_pg_collation| ()) };
            (exists.map_or(Oid::INVALID, |()| Oid::from_u32(*oid)), name)
        }
        Some(name) => (Oid::INVALID, name),
    };
    if oid == Oid::INVALID { Err(missing("collation", &shown(name))) } else { Ok(oid) }
}

unsafe fn namespace_oid(schema: &[u8]) -> Oid {
    unsafe { pg_sys::get_namespace_oid(c(schema).as_ptr(), true) }
}

/// The core has refused names with a zero byte.
fn c(name: &[u8]) -> CString {
    CString::new(name).unwrap_or_default()
}

fn shown(name: &Name) -> String {
    match name {
        Name::BuiltIn(oid) => oid.to_string(),
        Name::Qualified { schema, name } => format!("{}.{}", decode(schema), decode(name)),
        Name::ArrayOf(element) => format!("{}[]", shown(element)),
    }
}

#[cold]
fn missing(what: &str, name: &str) -> Fail {
    Fail::new(PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT, format!("{what} \"{name}\" does not exist")).detail(format!("A state was made with this {what}."))
}

pub fn collation_name(collation: Oid) -> String {
    if collation == Oid::INVALID {
        return "none".into();
    }
    let name = unsafe { text(pg_sys::get_collation_name(collation)) };
    format!("\"{name}\"")
}
