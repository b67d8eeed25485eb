//! The canonical bytes of any value: what `uniq` counts and what group keys are hashed by.
//!
//! For the types listed in [`Kind`] equal values give equal bytes on every server, PostgreSQL major and CPU, and the
//! bytes do not depend on the type's width (int4 42 = int8 42). Other types give their binary send form.

use crate::pg::error::{self, Fail};
use crate::pg::value;
use crate::pg::varlena::Bytes;
use core::cell::RefCell;
use core::ffi::CStr;
use pg_tally_core::{canon, hash, memory};
use pgrx::{PgSqlErrorCode, PgTupleDesc, pg_sys};
use std::collections::HashMap;

/// How to write the values of one type.
pub struct Canon {
    kind: Kind,
    /// Equal values, by the type's equality under the collation, always give equal bytes, for ever. Those of enums do not: a label
    /// may be renamed; nor do those of regclass and the like, whose number is another one after a dump and restore.
    complete: bool,
    ambiguous: bool,
}

enum Kind {
    Bool,
    Char,
    Int2,
    Int4,
    Int8,
    Unsigned4,
    Float4,
    Float8,
    Numeric,
    Interval,
    TimeTz,
    /// The bytes after the varlena header: text, bytea, inet.
    Payload,
    /// bpchar: trailing blanks do not count.
    Trimmed,
    /// bit, varbit: the length in bits, then the bits.
    Bits,
    /// name, and literals of unknown type.
    CString,
    /// uuid, macaddr: so many bytes behind a pointer.
    Fixed(usize),
    /// By label: OIDs of enum values are not the same elsewhere.
    Enum(RefCell<HashMap<u32, Vec<u8>>>),
    /// Token by token: its numbers are numerics.
    Jsonb,
    Array(Box<Element>),
    /// pg_statistic's columns: each value says of what it is an array.
    AnyArray,
    Range(Box<Canon>),
    Composite(Vec<Attribute>),
    /// The binary form, or the text form of types that have none.
    Foreign {
        function: pg_sys::Oid,
        binary: bool,
    },
}

struct Element {
    canon: Canon,
    type_oid: pg_sys::Oid,
    len: i16,
    by_value: bool,
    align: core::ffi::c_char,
}

struct Attribute {
    type_oid: pg_sys::Oid,
    collation: pg_sys::Oid,
    canon: Canon,
}

impl Canon {
    /// For values of this type compared under this collation.
    pub fn new(type_oid: pg_sys::Oid, collation: pg_sys::Oid) -> Canon {
        let kind = match type_oid {
            pg_sys::BOOLOID => Kind::Bool,
            pg_sys::CHAROID => Kind::Char,
            pg_sys::INT2OID => Kind::Int2,
            pg_sys::INT4OID | pg_sys::DATEOID => Kind::Int4,
            pg_sys::INT8OID
            | pg_sys::MONEYOID
            | pg_sys::TIMEOID
            | pg_sys::TIMESTAMPOID
            | pg_sys::TIMESTAMPTZOID
            | pg_sys::PG_LSNOID
            | pg_sys::XID8OID => Kind::Int8,
            pg_sys::OIDOID | pg_sys::XIDOID | pg_sys::CIDOID => Kind::Unsigned4,
            // A dump has them by their names.
            pg_sys::REGPROCOID
            | pg_sys::REGPROCEDUREOID
            | pg_sys::REGOPEROID
            | pg_sys::REGOPERATOROID
            | pg_sys::REGCLASSOID
            | pg_sys::REGTYPEOID
            | pg_sys::REGROLEOID
            | pg_sys::REGNAMESPACEOID
            | pg_sys::REGCONFIGOID
            | pg_sys::REGDICTIONARYOID
            | pg_sys::REGCOLLATIONOID => return Canon::incomplete(Kind::Unsigned4),
            pg_sys::FLOAT4OID => Kind::Float4,
            pg_sys::FLOAT8OID => Kind::Float8,
            pg_sys::NUMERICOID => Kind::Numeric,
            pg_sys::INTERVALOID => Kind::Interval,
            pg_sys::TIMETZOID => Kind::TimeTz,
            pg_sys::BYTEAOID | pg_sys::INETOID | pg_sys::CIDROID => Kind::Payload,
            pg_sys::BITOID | pg_sys::VARBITOID => Kind::Bits,
            pg_sys::UUIDOID => Kind::Fixed(16),
            pg_sys::MACADDROID => Kind::Fixed(6),
            pg_sys::MACADDR8OID => Kind::Fixed(8),
            pg_sys::UNKNOWNOID => Kind::CString,
            pg_sys::TEXTOID | pg_sys::VARCHAROID => return Canon::text(Kind::Payload, collation),
            pg_sys::BPCHAROID => return Canon::text(Kind::Trimmed, collation),
            pg_sys::NAMEOID => return Canon::text(Kind::CString, collation),
            // Equal if the same tokens come in the same order, and numbers are equal: PostgreSQL compares so.
            pg_sys::JSONBOID => Kind::Jsonb,
            // No equality to speak of; the text as stored.
            pg_sys::JSONOID | pg_sys::XMLOID => return Canon::incomplete(Kind::Payload),
            _ => return Canon::derived(type_oid, collation),
        };
        Canon { kind, complete: true, ambiguous: false }
    }

    /// Is there text in it whose collation takes different strings for equal?
    pub fn ambiguous(&self) -> bool {
        self.ambiguous
    }

    /// Are values equal if and only if their bytes are?
    pub fn is_equality(&self) -> bool {
        self.complete
    }

    fn incomplete(kind: Kind) -> Canon {
        Canon { kind, complete: false, ambiguous: false }
    }

    fn text(kind: Kind, collation: pg_sys::Oid) -> Canon {
        let deterministic = collation == pg_sys::InvalidOid
            || unsafe { pg_sys::get_collation_isdeterministic(collation) };
        Canon { kind, complete: deterministic, ambiguous: !deterministic }
    }

    /// Types made of other types.
    fn derived(type_oid: pg_sys::Oid, collation: pg_sys::Oid) -> Canon {
        let element = unsafe { pg_sys::get_element_type(type_oid) };
        if element != pg_sys::InvalidOid {
            return Canon::array(element, collation).unless_compared_otherwise(type_oid);
        }
        match unsafe { pg_sys::get_typtype(type_oid) } as u8 {
            pg_sys::TYPTYPE_DOMAIN => {
                Canon::new(unsafe { pg_sys::getBaseType(type_oid) }, collation)
            }
            pg_sys::TYPTYPE_ENUM => Canon::incomplete(Kind::Enum(RefCell::default())),
            pg_sys::TYPTYPE_RANGE => {
                let bound = unsafe {
                    Canon::new(
                        pg_sys::get_range_subtype(type_oid),
                        pg_sys::get_range_collation(type_oid),
                    )
                };
                let canon = Canon {
                    complete: bound.complete && has_bounds_by_default_order(type_oid),
                    ambiguous: bound.ambiguous,
                    kind: Kind::Range(Box::new(bound)),
                };
                canon.unless_compared_otherwise(type_oid)
            }
            pg_sys::TYPTYPE_COMPOSITE => Canon::composite(type_oid).unless_compared_otherwise(type_oid),
            // What the attributes of an anonymous record are, each value says for itself.
            pg_sys::TYPTYPE_PSEUDO if type_oid == pg_sys::RECORDOID => {
                Canon::incomplete(Kind::Composite(Vec::new()))
            }
            pg_sys::TYPTYPE_PSEUDO if type_oid == pg_sys::ANYARRAYOID => {
                Canon::incomplete(Kind::AnyArray)
            }
            _ => Canon::foreign(type_oid),
        }
    }

    /// Values of a type that is made of others are equal if their parts are, unless it has operators of its own.
    fn unless_compared_otherwise(mut self, type_oid: pg_sys::Oid) -> Canon {
        let equal = unsafe { pg_sys::get_opcode((*pg_sys::lookup_type_cache(type_oid, pg_sys::TYPECACHE_EQ_OPR as i32)).eq_opr) };
        self.complete &= matches!(equal.to_u32(), pg_sys::F_ARRAY_EQ | pg_sys::F_RECORD_EQ | pg_sys::F_RANGE_EQ);
        self
    }

    /// Of an anonymous record only its values say that they cannot be told apart by bytes.
    fn unambiguous(self) -> Canon {
        if self.ambiguous {
            Fail::new(PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED, "nondeterministic collations are not supported in anonymous records")
                .hint("Give the column a deterministic collation there, such as x COLLATE \"C\".")
                .raise();
        }
        self
    }

    fn array(element: pg_sys::Oid, collation: pg_sys::Oid) -> Canon {
        let canon = Canon::new(element, collation);
        let (mut len, mut by_value, mut align) = (0, false, 0);
        unsafe { pg_sys::get_typlenbyvalalign(element, &mut len, &mut by_value, &mut align) };
        let (complete, ambiguous) = (canon.complete, canon.ambiguous);
        let element = Element { canon, type_oid: element, len, by_value, align };
        Canon { kind: Kind::Array(Box::new(element)), complete, ambiguous }
    }

    fn composite(type_oid: pg_sys::Oid) -> Canon {
        let tupdesc =
            unsafe { PgTupleDesc::from_pg(pg_sys::lookup_rowtype_tupdesc(type_oid, -1)) };
        let attributes: Vec<Attribute> =
            tupdesc.iter().map(|a| Attribute::new(a.atttypid, a.attcollation)).collect();
        Canon {
            complete: attributes.iter().all(|a| a.canon.complete),
            ambiguous: attributes.iter().any(|a| a.canon.ambiguous),
            kind: Kind::Composite(attributes),
        }
    }

    fn foreign(type_oid: pg_sys::Oid) -> Canon {
        unsafe {
            let send = type_send_function(type_oid);
            if send == pg_sys::InvalidOid {
                let (mut output, mut is_varlena) = (pg_sys::InvalidOid, false);
                pg_sys::getTypeOutputInfo(type_oid, &mut output, &mut is_varlena);
                return Canon::incomplete(Kind::Foreign { function: output, binary: false });
            }
            // citext and the like: text, but textsend would convert it to the client's encoding.
            if internal_address(send)
                == internal_address(pg_sys::Oid::from_u32(pg_sys::F_TEXTSEND))
            {
                return Canon::incomplete(Kind::Payload);
            }
            Canon::incomplete(Kind::Foreign { function: send, binary: true })
        }
    }

    /// The canonical bytes of a value of a type that is passed by value: always eight.
    #[inline]
    pub fn of_by_value(&self, datum: pg_sys::Datum) -> Option<[u8; 8]> {
        let raw = datum.value();
        let int = match self.kind {
            Kind::Int8 => raw as i64,
            Kind::Int4 => (raw as i32) as i64,
            Kind::Int2 => (raw as i16) as i64,
            Kind::Unsigned4 => (raw as u32) as i64,
            Kind::Bool => (raw & 0xff != 0) as i64,
            Kind::Char => (raw as u8) as i64,
            Kind::Float4 => return Some(canon::float8_bytes(f32::from_bits(raw as u32) as f64)),
            Kind::Float8 => return Some(canon::float8_bytes(f64::from_bits(raw as u64))),
            _ => return None,
        };
        Some(canon::int_bytes(int))
    }

    /// Appends the canonical bytes of a non-NULL value.
    ///
    /// # Safety
    /// `datum` is a value of the type that this was made for.
    pub unsafe fn write(&self, datum: pg_sys::Datum, out: &mut Vec<u8>) {
        match self.of_by_value(datum) {
            Some(bytes) => out.extend_from_slice(&bytes),
            None => unsafe { self.write_reference(datum, out) },
        }
    }

    unsafe fn write_reference(&self, datum: pg_sys::Datum, out: &mut Vec<u8>) {
        unsafe {
            match &self.kind {
                Kind::Numeric => {
                    if let Err(corrupt) = canon::numeric(&Bytes::new(datum), out) {
                        error::raise(corrupt);
                    }
                }
                Kind::Interval => {
                    let v = datum.cast_mut_ptr::<pg_sys::Interval>().read_unaligned();
                    canon::interval(v.month, v.day, v.time, out);
                }
                Kind::TimeTz => {
                    let v = datum.cast_mut_ptr::<pg_sys::TimeTzADT>().read_unaligned();
                    canon::int(v.time, out);
                    canon::int(v.zone as i64, out);
                }
                Kind::Payload => put(&Bytes::new(datum), out),
                Kind::Trimmed => {
                    let bytes = Bytes::new(datum);
                    let len = bytes.iter().rposition(|&b| b != b' ').map_or(0, |i| i + 1);
                    put(&bytes[..len], out);
                }
                Kind::Bits => {
                    let bytes = Bytes::new(datum);
                    if let Some((len, bits)) = bytes.split_first_chunk::<4>() {
                        canon::int(i32::from_ne_bytes(*len) as i64, out);
                        put(bits, out);
                    }
                }
                Kind::CString => {
                    put(CStr::from_ptr(datum.cast_mut_ptr()).to_bytes(), out)
                }
                Kind::Fixed(len) => {
                    put(core::slice::from_raw_parts(datum.cast_mut_ptr::<u8>(), *len), out)
                }
                Kind::Enum(labels) => write_label(&mut labels.borrow_mut(), datum, out),
                Kind::Jsonb => write_jsonb(datum, out),
                Kind::Array(element) => write_array(element, datum, out),
                Kind::AnyArray => {
                    let array = Bytes::new(datum);
                    // The element type is the third number of the header, of which the first is gone here.
                    let element = array.get(8..12).and_then(|b| b.try_into().ok()).map_or(0, u32::from_ne_bytes);
                    let canon = Canon::array(pg_sys::Oid::from_u32(element), pg_sys::DEFAULT_COLLATION_OID);
                    canon.write(datum, out);
                }
                Kind::Range(bound) => write_range(bound, datum, out),
                Kind::Composite(attributes) => write_composite(attributes, datum, out),
                Kind::Foreign { function, binary: true } => {
                    let sent = pg_sys::OidSendFunctionCall(*function, datum);
                    put(&Bytes::new(pg_sys::Datum::from(sent)), out);
                    pg_sys::pfree(sent.cast());
                }
                Kind::Foreign { function, binary: false } => {
                    let text = pg_sys::OidOutputFunctionCall(*function, datum);
                    put(CStr::from_ptr(text).to_bytes(), out);
                    pg_sys::pfree(text.cast());
                }
                // By value: written by the caller.
                _ => {}
            }
        }
    }
}

/// The bytes as they are: there may be very many.
fn put(bytes: &[u8], out: &mut Vec<u8>) {
    if let Err(error) = memory::reserve(out, bytes.len()) {
        error::raise(error);
    }
    canon::bytes(bytes, out);
}

impl Attribute {
    fn new(type_oid: pg_sys::Oid, collation: pg_sys::Oid) -> Self {
        // A dropped attribute has no type; it is always skipped.
        let canon = match type_oid {
            pg_sys::InvalidOid => Canon { kind: Kind::Bool, complete: true, ambiguous: false },
            _ => Canon::new(type_oid, collation),
        };
        Attribute { type_oid, collation, canon }
    }
}

/// One part of a tuple: its length and its bytes (`canon::length_prefixed`), without a copy.
unsafe fn write_part(canon: &Canon, datum: Option<pg_sys::Datum>, out: &mut Vec<u8>) {
    let Some(datum) = datum else {
        out.extend_from_slice(&u32::MAX.to_le_bytes());
        return;
    };
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    unsafe { canon.write(datum, out) };
    let len = (out.len() - start - 4) as u32;
    out[start..start + 4].copy_from_slice(&len.to_le_bytes());
}

/// Appends a tuple: every part behind its length, NULL as the length `u32::MAX`.
///
/// # Safety
/// The values are of the types that the canons were made for.
pub unsafe fn write_tuple(canons: &[Canon], datums: &[Option<pg_sys::Datum>], out: &mut Vec<u8>) {
    for (canon, datum) in canons.iter().zip(datums) {
        unsafe { write_part(canon, *datum, out) };
    }
}

/// The hash of a group's keys, as `tally.key_hash` gives it. `buf` is scratch space. Keys whose equality is not that
/// of their bytes contribute only whether they are NULL, so equal keys always hash equally.
pub fn key_hash(canons: &[Canon], datums: &[Option<pg_sys::Datum>], buf: &mut Vec<u8>) -> i64 {
    if canons.is_empty() {
        return 0;
    }
    buf.clear();
    for (canon, datum) in canons.iter().zip(datums) {
        if canon.complete || datum.is_none() {
            unsafe { write_part(canon, *datum, buf) };
        } else {
            buf.extend_from_slice(&[0; 4]);
        }
    }
    hash::hash64(buf) as i64
}

unsafe fn write_jsonb(datum: pg_sys::Datum, out: &mut Vec<u8>) {
    use pg_sys::JsonbIteratorToken::{WJB_BEGIN_ARRAY, WJB_DONE, WJB_ELEM, WJB_KEY, WJB_VALUE};
    use pg_sys::jbvType;
    unsafe {
        let json = pg_sys::pg_detoast_datum(datum.cast_mut_ptr()).cast::<pg_sys::Jsonb>();
        let mut value: pg_sys::JsonbValue = core::mem::zeroed();
        let mut iterator = pg_sys::JsonbIteratorInit(&raw mut (*json).root);
        loop {
            let token = pg_sys::JsonbIteratorNext(&mut iterator, &mut value, false);
            out.push(token as u8);
            match token {
                WJB_DONE => return,
                WJB_BEGIN_ARRAY => out.push(u8::from(value.val.array.rawScalar)),
                WJB_KEY | WJB_VALUE | WJB_ELEM => {
                    out.push(value.type_ as u8);
                    match value.type_ {
                        jbvType::jbvString => {
                            let string = value.val.string;
                            out.extend_from_slice(&(string.len as u32).to_le_bytes());
                            put(core::slice::from_raw_parts(string.val.cast(), string.len as usize), out);
                        }
                        jbvType::jbvNumeric => {
                            let start = out.len();
                            out.extend_from_slice(&[0; 4]);
                            if let Err(corrupt) = canon::numeric(&Bytes::new(pg_sys::Datum::from(value.val.numeric)), out) {
                                error::raise(corrupt);
                            }
                            let len = (out.len() - start - 4) as u32;
                            out[start..start + 4].copy_from_slice(&len.to_le_bytes());
                        }
                        jbvType::jbvBool => out.push(u8::from(value.val.boolean)),
                        _ => {}
                    }
                }
                _ => {}
            }
        }
    }
}

unsafe fn write_label(
    labels: &mut HashMap<u32, Vec<u8>>,
    datum: pg_sys::Datum,
    out: &mut Vec<u8>,
) {
    let label = labels.entry(datum.value() as u32).or_insert_with(|| unsafe {
        let enum_out = pg_sys::Oid::from_u32(pg_sys::F_ENUM_OUT);
        let text = pg_sys::OidOutputFunctionCall(enum_out, datum);
        let label = CStr::from_ptr(text).to_bytes().to_vec();
        pg_sys::pfree(text.cast());
        label
    });
    put(label, out);
}

/// Dimensions, bounds and elements: arrays with other lower bounds are not equal.
unsafe fn write_array(element: &Element, datum: pg_sys::Datum, out: &mut Vec<u8>) {
    unsafe {
        let original: *mut pg_sys::varlena = datum.cast_mut_ptr();
        let array = pg_sys::pg_detoast_datum(original).cast::<pg_sys::ArrayType>();
        let dimensions = (*array).ndim.max(0) as usize;
        canon::int(dimensions as i64, out);
        // The dimensions, then the lower bounds, follow the header.
        let sizes = array.add(1).cast::<i32>();
        for i in 0..dimensions * 2 {
            canon::int(sizes.add(i).read_unaligned() as i64, out);
        }
        let (mut values, mut nulls, mut count) =
            (core::ptr::null_mut(), core::ptr::null_mut(), 0);
        pg_sys::deconstruct_array(
            array,
            element.type_oid,
            element.len.into(),
            element.by_value,
            element.align,
            &mut values,
            &mut nulls,
            &mut count,
        );
        for i in 0..count.max(0) as usize {
            let value = (!*nulls.add(i)).then(|| *values.add(i));
            write_part(&element.canon, value, out);
        }
        if !values.is_null() {
            pg_sys::pfree(values.cast());
            pg_sys::pfree(nulls.cast());
        }
        if array.cast() != original {
            pg_sys::pfree(array.cast());
        }
    }
}

/// One byte of flags (1 empty; 2, 4 bound present; 8, 16 bound inclusive), then the bounds that there are.
unsafe fn write_range(bound: &Canon, datum: pg_sys::Datum, out: &mut Vec<u8>) {
    let write = |bounds: Option<[pg_sys::RangeBound; 2]>| {
        let Some([lower, upper]) = bounds else {
            out.push(1);
            return;
        };
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        out.push(
            flag(!lower.infinite, 2)
                | flag(!upper.infinite, 4)
                | flag(lower.inclusive && !lower.infinite, 8)
                | flag(upper.inclusive && !upper.infinite, 16),
        );
        for end in [lower, upper].into_iter().filter(|end| !end.infinite) {
            unsafe { write_part(bound, Some(end.val), out) };
        }
    };
    unsafe { value::with_bounds(datum, write) }
}

/// The attributes that are not dropped, in order.
unsafe fn write_composite(known: &[Attribute], datum: pg_sys::Datum, out: &mut Vec<u8>) {
    unsafe {
        let original: *mut pg_sys::varlena = datum.cast_mut_ptr();
        let header = pg_sys::pg_detoast_datum(original).cast::<pg_sys::HeapTupleHeaderData>();
        let info = (*header).t_choice.t_datum;
        let tupdesc = pg_sys::lookup_rowtype_tupdesc(info.datum_typeid, info.datum_typmod);
        let attributes = PgTupleDesc::from_pg(tupdesc);
        let mut tuple = pg_sys::HeapTupleData {
            t_len: pgrx::varlena::varsize_any(header.cast()) as u32,
            t_data: header,
            ..Default::default()
        };
        let mut values = vec![pg_sys::Datum::null(); attributes.len()];
        let mut nulls = vec![true; attributes.len()];
        pg_sys::heap_deform_tuple(
            &mut tuple,
            tupdesc,
            values.as_mut_ptr(),
            nulls.as_mut_ptr(),
        );
        for (i, attribute) in attributes.iter().enumerate().filter(|(_, a)| !a.attisdropped) {
            let value = (!nulls[i]).then(|| values[i]);
            let (type_oid, collation) = (attribute.atttypid, attribute.attcollation);
            match known.get(i) {
                Some(a) if a.type_oid == type_oid && a.collation == collation => {
                    write_part(&a.canon, value, out)
                }
                _ => write_part(&Canon::new(type_oid, collation).unambiguous(), value, out),
            }
        }
        if header.cast() != original {
            pg_sys::pfree(header.cast());
        }
    }
}

/// A range type can say by which operators its bounds are compared.
fn has_bounds_by_default_order(range: pg_sys::Oid) -> bool {
    unsafe {
        let own = (*pg_sys::lookup_type_cache(range, pg_sys::TYPECACHE_RANGE_INFO as i32)).rng_cmp_proc_finfo.fn_oid;
        own == (*pg_sys::lookup_type_cache(pg_sys::get_range_subtype(range), pg_sys::TYPECACHE_CMP_PROC as i32)).cmp_proc
    }
}

/// The type's binary output function, InvalidOid if it has none.
pub(super) fn type_send_function(type_oid: pg_sys::Oid) -> pg_sys::Oid {
    unsafe {
        let tuple = pg_sys::SearchSysCache1(
            pg_sys::SysCacheIdentifier::TYPEOID as i32,
            pg_sys::Datum::from(type_oid),
        );
        if tuple.is_null() {
            return pg_sys::InvalidOid;
        }
        let form = pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_type>();
        let send = (*form).typsend;
        pg_sys::ReleaseSysCache(tuple);
        send
    }
}

/// Where a function's code is.
unsafe fn internal_address(function: pg_sys::Oid) -> usize {
    let mut info = pg_sys::FmgrInfo::default();
    unsafe { pg_sys::fmgr_info(function, &mut info) };
    info.fn_addr.map_or(0, |f| f as usize)
}

/// The bytes that `uniq` counts: of a single value its own, of several the tuple's. None is NULL.
pub fn write_values(canons: &[Canon], values: &[pg_sys::Datum], out: &mut Vec<u8>) {
    if let ([only], [value]) = (canons, values) {
        // SAFETY: the caller made the canons for these values' types.
        unsafe { only.write(*value, out) };
        return;
    }
    for (canon, value) in canons.iter().zip(values) {
        unsafe { write_part(canon, Some(*value), out) };
    }
}
