//! Values that a `top_k` state follows: copied as they are, and written as JSON only when the state's bytes are made.

use super::call::Value as Made;
use super::value::Arena;
use super::{sql, value, varlena};
use core::ffi::CStr;
use pg_tally_core::top_k::Value;
use pgrx::pg_sys::{self, Datum, Oid};
use std::borrow::Cow;

/// Settings under which text does not depend on the session: states of different sessions merge.
pub(super) const SETTINGS: &[(&str, &str)] = &[
    ("search_path", "pg_catalog, pg_temp"),
    ("TimeZone", "UTC"),
    ("datestyle", "ISO, YMD"),
    ("intervalstyle", "postgres"),
    ("extra_float_digits", "3"),
    ("bytea_output", "hex"),
    ("lc_monetary", "C"),
];

/// A type, and how its values are stored.
#[derive(Clone, Copy)]
pub struct ItemType {
    type_oid: Oid,
    length: i16,
    by_value: bool,
}

#[derive(Clone)]
pub enum Item {
    /// What the value's `Datum` is or points to; of a varlena without the header.
    Bytes(ItemType, Box<[u8]>),
    Json(Box<str>),
}

impl ItemType {
    pub fn new(type_oid: Oid) -> Self {
        let type_oid = unsafe { pg_sys::getBaseType(type_oid) };
        let (mut length, mut by_value) = (0, false);
        unsafe { pg_sys::get_typlenbyval(type_oid, &mut length, &mut by_value) };
        Self { type_oid, length, by_value }
    }

    /// A copy of a value of this type.
    pub fn item(self, value: Datum) -> Item {
        let bytes: Box<[u8]> = if self.by_value {
            (value.value() as u64).to_ne_bytes().into()
        } else {
            unsafe { value::bytes(value, self.length, |bytes| Box::from(bytes)) }
        };
        Item::Bytes(self, bytes)
    }

    /// The value again, in the current memory context.
    fn datum(self, bytes: &[u8]) -> Datum {
        match self.length {
            _ if self.by_value => Datum::from(bytes.try_into().map_or(0, u64::from_ne_bytes)),
            -1 => varlena::from_bytes(bytes),
            // A C string's bytes are followed by a NUL, which does no harm to others.
            _ => Made::cstring(bytes).datum(),
        }
    }

    /// Equal values look alike: numeric without zeros at the end, no negative zero.
    fn plain(self, value: Datum) -> Datum {
        match self.type_oid {
            pg_sys::NUMERICOID => unsafe {
                pg_sys::OidFunctionCall1Coll(Oid::from_u32(pg_sys::F_TRIM_SCALE), pg_sys::InvalidOid, value)
            },
            pg_sys::FLOAT8OID if f64::from_bits(value.value() as u64) == 0.0 => Made::float8(0.0).datum(),
            pg_sys::FLOAT4OID if f32::from_bits(value.value() as u32) == 0.0 => Datum::from(0),
            _ => value,
        }
    }

    fn is_the_same_in_every_session(self) -> bool {
        matches!(
            self.type_oid,
            pg_sys::TEXTOID
                | pg_sys::VARCHAROID
                | pg_sys::BPCHAROID
                | pg_sys::NAMEOID
                | pg_sys::BOOLOID
                | pg_sys::INT2OID
                | pg_sys::INT4OID
                | pg_sys::INT8OID
                | pg_sys::NUMERICOID
                | pg_sys::UUIDOID
                | pg_sys::JSONBOID
        )
    }

    /// The text of `to_jsonb(value)`, in UTF-8. Nothing else of it stays: a state has many values.
    fn json(self, bytes: &[u8]) -> String {
        let text = || {
            Arena::new().within(|| unsafe { to_jsonb_text(self.type_oid, self.plain(self.datum(bytes))) })
        };
        if self.is_the_same_in_every_session() { text() } else { sql::with_settings(SETTINGS, text) }
    }
}

impl Value for Item {
    fn json(&self) -> Cow<'_, str> {
        match self {
            Item::Bytes(of, bytes) => Cow::Owned(of.json(bytes)),
            Item::Json(text) => Cow::Borrowed(text),
        }
    }

    fn from_json(text: String) -> Self {
        Item::Json(text.into())
    }

    fn heap_size(&self) -> usize {
        match self {
            Item::Bytes(_, bytes) => bytes.len(),
            Item::Json(text) => text.len(),
        }
    }
}

const UTF8: i32 = pg_sys::pg_enc::PG_UTF8 as i32;

unsafe fn to_jsonb_text(type_oid: Oid, value: Datum) -> String {
    unsafe {
        let function = Oid::from_u32(pg_sys::F_TO_JSONB);
        let mut info = pg_sys::FmgrInfo::default();
        pg_sys::fmgr_info(function, &mut info);
        // to_jsonb asks its call site for the type.
        let argument = pg_sys::makeNullConst(type_oid, -1, pg_sys::InvalidOid);
        let none = pg_sys::InvalidOid;
        let arguments = pg_sys::lappend(core::ptr::null_mut(), argument.cast());
        let form = pg_sys::CoercionForm::COERCE_EXPLICIT_CALL;
        info.fn_expr = pg_sys::makeFuncExpr(function, pg_sys::JSONBOID, arguments, none, none, form).cast();
        let jsonb = pg_sys::FunctionCall1Coll(&mut info, none, value);
        let text = pg_sys::OidOutputFunctionCall(Oid::from_u32(pg_sys::F_JSONB_OUT), jsonb);
        let utf8 = pg_sys::pg_server_to_any(text, CStr::from_ptr(text).count_bytes() as i32, UTF8);
        CStr::from_ptr(utf8).to_string_lossy().into_owned()
    }
}

/// JSON text in UTF-8 as a jsonb.
pub fn jsonb(text: &str) -> Made {
    unsafe {
        let text: *mut core::ffi::c_char = Made::cstring(text.as_bytes()).datum().cast_mut_ptr();
        let own = pg_sys::pg_any_to_server(text, CStr::from_ptr(text).count_bytes() as i32, UTF8);
        let input = Oid::from_u32(pg_sys::F_JSONB_IN);
        Made::raw(pg_sys::OidInputFunctionCall(input, own, pg_sys::InvalidOid, -1))
    }
}
