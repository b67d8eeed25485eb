//! Values of any type: copied, compared and laid out as bytes.

use super::aggstate::Memory;
use super::expr::{Table, within};
use pgrx::pg_sys::{self, Datum, Oid};

/// How values of a type are stored, and which column they come from.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    pub number: i16,
    length: i16,
    by_value: bool,
}

impl Layout {
    pub fn of_type(type_oid: Oid) -> Layout {
        let (mut length, mut by_value) = (0, false);
        unsafe { pg_sys::get_typlenbyval(type_oid, &mut length, &mut by_value) };
        Layout { number: 0, length, by_value }
    }

    /// The layout of a table's column (numbered from 1).
    pub fn of_column(table: &Table, number: i16) -> Option<Layout> {
        unsafe {
            let desc = table.desc();
            if number < 1 || i32::from(number) > (*desc).natts {
                return None;
            }
            let attribute = super::compat::attribute(desc, number as usize - 1);
            Some(Layout { number, length: (*attribute).attlen, by_value: (*attribute).attbyval })
        }
    }

    /// The layout of column `i` of a row type, counted from 0.
    ///
    /// # Safety
    /// `desc` has that many columns.
    pub(super) unsafe fn of_attribute(desc: pg_sys::TupleDesc, i: usize) -> Layout {
        unsafe {
            let attribute = super::compat::attribute(desc, i);
            Layout { number: i as i16 + 1, length: (*attribute).attlen, by_value: (*attribute).attbyval }
        }
    }

    /// Appends bytes that tell the value from all others of its type, be it stored or just computed: what a computed value has in the
    /// part of its datum that is not stored is left out.
    ///
    /// # Safety
    /// The value is of this layout.
    pub(super) unsafe fn stored_image(&self, value: Datum, out: &mut Vec<u8>) {
        if self.by_value {
            let stored = (self.length as usize).min(8);
            out.extend_from_slice(&(value.value() as u64).to_le_bytes()[..stored]);
        } else {
            unsafe { self.image(value, out) };
        }
    }

    /// Whether the two have the same bytes; values stored out of line are compared in line.
    ///
    /// # Safety
    /// Both are values of this layout.
    pub(super) unsafe fn image_equal(&self, a: Datum, b: Datum) -> bool {
        if self.by_value || a == b {
            return a == b;
        }
        unsafe { bytes(a, self.length, |a| bytes(b, self.length, |b| a == b)) }
    }

    /// Appends bytes that tell the value from all others of its type that are not stored alike.
    ///
    /// # Safety
    /// The value is of this layout.
    pub(super) unsafe fn image(&self, value: Datum, out: &mut Vec<u8>) {
        if self.by_value {
            out.extend_from_slice(&(value.value() as u64).to_le_bytes());
        } else {
            unsafe {
                bytes(value, self.length, |b| {
                    out.extend_from_slice(&(b.len() as u32).to_le_bytes());
                    out.extend_from_slice(b);
                })
            }
        }
    }

    /// A copy in the current memory context. What is stored out of line stays there.
    ///
    /// # Safety
    /// The value is of this layout.
    pub(super) unsafe fn copy_as_stored(&self, value: Datum) -> Datum {
        unsafe {
            let varlena = value.cast_mut_ptr::<pg_sys::varlena>();
            // What is neither plain nor a pointer to a TOAST table is only valid as long as somebody else's memory.
            if self.by_value || self.length != -1 || pgrx::varlena::varatt_is_1b_e(varlena) && pgrx::varlena::vartag_1b_e(varlena) as u32 != pg_sys::vartag_external::VARTAG_ONDISK {
                return self.copy(value);
            }
            let size = pgrx::varlena::varsize_any(varlena);
            let to = pg_sys::palloc(size).cast::<u8>();
            std::ptr::copy_nonoverlapping(varlena.cast::<u8>(), to, size);
            Datum::from(to)
        }
    }

    /// # Safety
    /// The value was made by [`Layout::copy_as_stored`] or [`Layout::copy`].
    pub(super) unsafe fn free(&self, value: Datum) {
        if !self.by_value {
            unsafe { pg_sys::pfree(value.cast_mut_ptr()) };
        }
    }

    /// Appends what [`Layout::restore`] makes the same value of, in another process of the same query.
    ///
    /// # Safety
    /// The value is of this layout.
    pub(super) unsafe fn serialize(&self, value: Option<Datum>, out: &mut Vec<u8>) {
        out.push(u8::from(value.is_some()));
        if let Some(value) = value {
            unsafe { self.image(value, out) };
        }
    }

    /// Takes a value off the beginning of `bytes`, into the current memory context.
    ///
    /// # Safety
    /// The bytes are those of [`Layout::serialize`] with the same layout.
    pub(super) unsafe fn restore(&self, bytes: &mut &[u8]) -> Option<Datum> {
        let mut take = |n: usize| {
            let (head, rest) = bytes.split_at(n);
            *bytes = rest;
            head
        };
        if take(1) == [0] {
            return None;
        }
        if self.by_value {
            return take(8).first_chunk().map(|b| Datum::from(u64::from_le_bytes(*b)));
        }
        let len = take(4).first_chunk().map_or(0, |b| u32::from_le_bytes(*b));
        let image = take(len as usize);
        if self.length == -1 {
            return Some(super::varlena::from_bytes(image));
        }
        unsafe {
            let to = pg_sys::palloc0(image.len() + 1).cast::<u8>();
            std::ptr::copy_nonoverlapping(image.as_ptr(), to, image.len());
            Some(Datum::from(to))
        }
    }

    /// A copy in the current memory context, in line.
    unsafe fn copy(&self, value: Datum) -> Datum {
        unsafe {
            if self.by_value {
                return value;
            }
            if self.length == -1 {
                return Datum::from(pg_sys::pg_detoast_datum_copy(value.cast_mut_ptr()));
            }
            let length = if self.length == -2 { std::ffi::CStr::from_ptr(value.cast_mut_ptr()).count_bytes() + 1 } else { self.length as usize };
            let to = pg_sys::palloc(length).cast::<u8>();
            std::ptr::copy_nonoverlapping(value.cast_mut_ptr::<u8>(), to, length);
            Datum::from(to)
        }
    }
}

/// The value's bytes, without a varlena header.
pub(super) unsafe fn bytes<R>(value: Datum, length: i16, work: impl FnOnce(&[u8]) -> R) -> R {
    unsafe {
        match length {
            -1 => {
                let original = value.cast_mut_ptr::<pg_sys::varlena>();
                let plain = pg_sys::pg_detoast_datum_packed(original);
                let result = work(pgrx::varlena::varlena_to_byte_slice(plain));
                if plain != original {
                    pg_sys::pfree(plain.cast());
                }
                result
            }
            -2 => work(std::ffi::CStr::from_ptr(value.cast_mut_ptr()).to_bytes()),
            n => work(std::slice::from_raw_parts(value.cast_mut_ptr::<u8>(), n as usize)),
        }
    }
}

/// Appends key values as bytes. The same bytes mean the same group; the same group may have several (1.0 and 1.00), which readers merge.
pub fn key_image(layouts: &[Layout], values: &[Datum], nulls: &[bool], out: &mut Vec<u8>) {
    for ((layout, value), null) in layouts.iter().zip(values).zip(nulls) {
        unsafe { layout.serialize((!null).then_some(*value), out) };
    }
}

/// The key values of an image, in the current memory context.
pub fn keys_of_image<'a>(layouts: &'a [Layout], mut image: &'a [u8]) -> impl Iterator<Item = Option<Datum>> + 'a {
    layouts.iter().map(move |layout| unsafe { layout.restore(&mut image) })
}

/// Memory for values that must outlive the row that they came from.
pub struct Arena {
    context: pg_sys::MemoryContext,
}

impl Drop for Arena {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            unsafe { pg_sys::MemoryContextDelete(self.context) };
        }
    }
}

impl Arena {
    pub fn new() -> Arena {
        Arena { context: unsafe { super::expr::new_context(pg_sys::CurrentMemoryContext, c"pg_tally groups") } }
    }
    /// A copy, in the place of a value that was kept before.
    pub fn keep(&self, layout: &Layout, value: Datum, before: Option<Datum>) -> Datum {
        unsafe {
            let kept = within(self.context, || layout.copy(value));
            if let Some(before) = before {
                layout.free(before);
            }
            kept
        }
    }
    pub fn within<R>(&self, work: impl FnOnce() -> R) -> R {
        unsafe { within(self.context, work) }
    }
    /// The bytes that it has.
    pub fn size(&self) -> usize {
        unsafe { (*self.context).mem_allocated as usize }
    }
    pub fn memory(&self) -> Memory {
        Memory(self.context)
    }
    pub fn reset(&self) {
        unsafe { pg_sys::MemoryContextReset(self.context) };
    }
    /// State bytes as a value of a varlena type.
    pub fn varlena(&self, bytes: &[u8]) -> Datum {
        unsafe { within(self.context, || Datum::from(pg_sys::cstring_to_text_with_len(bytes.as_ptr().cast(), bytes.len() as i32))) }
    }

    /// Values and their counts as bytea[] and bigint[]; NULLs if there are none.
    pub fn counts<'b>(&self, counts: impl Iterator<Item = (&'b [u8], i64)>) -> [Option<Datum>; 2] {
        let (mut values, mut numbers): (Vec<Datum>, Vec<Datum>) = counts.map(|(v, n)| (self.varlena(v), Datum::from(n))).unzip();
        if values.is_empty() {
            return [None, None];
        }
        unsafe {
            within(self.context, || {
                let n = values.len() as i32;
                let values = pg_sys::construct_array(values.as_mut_ptr(), n, pg_sys::BYTEAOID, -1, false, pg_sys::TYPALIGN_INT as _);
                let numbers = pg_sys::construct_array(numbers.as_mut_ptr(), n, pg_sys::INT8OID, 8, true, pg_sys::TYPALIGN_DOUBLE as _);
                [Some(Datum::from(values)), Some(Datum::from(numbers))]
            })
        }
    }
}

/// The order of a type's values, as its aggregates min and max see it.
pub struct Order {
    compare: Compare,
    collation: Oid,
}

enum Compare {
    Int(u8),
    Function(Box<pg_sys::FmgrInfo>),
}

impl Order {
    /// None if the type has no default order.
    pub fn of(type_oid: Oid, collation: Oid) -> Option<Order> {
        unsafe {
            let width = match type_oid {
                pg_sys::INT2OID => 2,
                pg_sys::INT4OID | pg_sys::DATEOID => 4,
                pg_sys::INT8OID | pg_sys::TIMESTAMPOID | pg_sys::TIMESTAMPTZOID | pg_sys::TIMEOID => 8,
                _ => 0,
            };
            if width > 0 {
                return Some(Order { compare: Compare::Int(width), collation });
            }
            let cache = pg_sys::lookup_type_cache(type_oid, pg_sys::TYPECACHE_CMP_PROC as i32);
            if (*cache).cmp_proc == pg_sys::InvalidOid {
                return None;
            }
            let mut function = Box::new(std::mem::zeroed::<pg_sys::FmgrInfo>());
            pg_sys::fmgr_info_cxt((*cache).cmp_proc, &mut *function, pg_sys::CacheMemoryContext);
            Some(Order { compare: Compare::Function(function), collation })
        }
    }

    /// Both are values of the type.
    pub fn compare(&mut self, a: Datum, b: Datum) -> std::cmp::Ordering {
        match &mut self.compare {
            Compare::Int(2) => (a.value() as i16).cmp(&(b.value() as i16)),
            Compare::Int(4) => (a.value() as i32).cmp(&(b.value() as i32)),
            Compare::Int(_) => (a.value() as i64).cmp(&(b.value() as i64)),
            Compare::Function(f) => unsafe { (pg_sys::FunctionCall2Coll(&mut **f, self.collation, a, b).value() as i32).cmp(&0) },
        }
    }
}

pub fn integer(value: Datum, type_oid: Oid) -> i64 {
    match type_oid {
        pg_sys::INT2OID => i64::from(value.value() as i16),
        pg_sys::INT4OID => i64::from(value.value() as i32),
        _ => value.value() as i64,
    }
}

pub fn of_integer(value: i64, type_oid: Oid) -> Datum {
    match type_oid {
        pg_sys::INT2OID => Datum::from(value as i16),
        pg_sys::INT4OID => Datum::from(value as i32),
        _ => Datum::from(value),
    }
}

pub fn float(value: Datum, type_oid: Oid) -> f64 {
    if type_oid == pg_sys::FLOAT4OID { f64::from(f32::from_bits(value.value() as u32)) } else { f64::from_bits(value.value() as u64) }
}

/// Months, days and microseconds.
pub fn interval(value: Datum) -> (i32, i32, i64) {
    let i = unsafe { &*value.cast_mut_ptr::<pg_sys::Interval>() };
    (i.month, i.day, i.time)
}

/// A varlena's bytes, such as those of a numeric.
pub fn with_varlena<R>(value: Datum, work: impl FnOnce(&[u8]) -> R) -> R {
    unsafe { bytes(value, -1, work) }
}

/// Hands on the bounds of a range; None of an empty one.
///
/// # Safety
/// The value is a range.
pub(super) unsafe fn with_bounds<R>(value: Datum, work: impl FnOnce(Option<[pg_sys::RangeBound; 2]>) -> R) -> R {
    unsafe {
        let original: *mut pg_sys::varlena = value.cast_mut_ptr();
        let range = pg_sys::pg_detoast_datum(original).cast::<pg_sys::RangeType>();
        let entry = pg_sys::lookup_type_cache((*range).rangetypid, pg_sys::TYPECACHE_RANGE_INFO as i32);
        let (mut lower, mut upper) = (pg_sys::RangeBound::default(), pg_sys::RangeBound::default());
        let mut empty = false;
        pg_sys::range_deserialize(entry, range, &mut lower, &mut upper, &mut empty);
        let result = work((!empty).then_some([lower, upper]));
        if range.cast() != original {
            pg_sys::pfree(range.cast());
        }
        result
    }
}

/// The first timestamptz of a tstzrange; None if it is empty or has no first one.
pub fn first_of_range(value: Datum) -> Option<Datum> {
    unsafe { with_bounds(value, |bounds| bounds.map(|[lower, _]| lower).filter(|lower| lower.inclusive && !lower.infinite).map(|lower| lower.val)) }
}

/// A value in text form.
pub fn text(value: Datum, type_oid: Oid) -> String {
    let (mut output, mut varlena) = (pg_sys::InvalidOid, false);
    // SAFETY: the value is of this type.
    unsafe {
        pg_sys::getTypeOutputInfo(type_oid, &mut output, &mut varlena);
        super::encoding::text(pg_sys::OidOutputFunctionCall(output, value))
    }
}
