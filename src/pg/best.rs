//! The value at the least or greatest key, while an aggregate runs: both as they are, encoded only to be stored.

use super::aggstate::Memory;
use super::fmgr::{Comparer, type_name};
use super::value::Layout;
use super::{named, wire};
use crate::pg::call::Call;
use crate::pg::error::Fail;
use core::cmp::Ordering;
use pg_tally_core::state::{Arg, End, Types};
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::{self, Datum, Oid};
use std::rc::Rc;

/// More than this a state cannot hold: it is written and read as a whole.
const MOST_BYTES: usize = 256 << 20;

/// The types of a value and its key.
pub struct Kinds {
    key: Kind,
    value: Kind,
    collation: Oid,
    key_order: Comparer,
    /// None: values of this type have no order but that of their bytes.
    value_order: Option<Comparer>,
}

struct Kind {
    type_oid: Oid,
    layout: Layout,
}

/// A value and its key.
#[derive(Clone, Copy)]
pub struct Pair {
    pub key: Datum,
    /// None: NULL.
    pub value: Option<Datum>,
}

/// The pair that comes first of those seen.
pub struct Best {
    pub end: End,
    pub kinds: Rc<Kinds>,
    pair: Pair,
    memory: Memory,
}

impl Kind {
    fn new(type_oid: Oid) -> Self {
        let type_oid = unsafe { pg_sys::getBaseType(type_oid) };
        Kind { type_oid, layout: Layout::of_type(type_oid) }
    }

    /// Values that are not the same to the letter, by their bytes.
    fn compare_bytes(&self, a: Datum, b: Datum) -> Ordering {
        unsafe {
            if self.layout.image_equal(a, b) { Ordering::Equal } else { wire::write(self.type_oid, a).cmp(&wire::write(self.type_oid, b)) }
        }
    }
}

impl Kinds {
    /// Of a call's arguments. The key's type must have an order.
    pub fn of_arguments(call: &Call, value: usize, key: usize) -> Result<Self, Fail> {
        let (value, collation) = (call.arg_type(value)?, call.collation());
        let key_order = Comparer::of_argument(call, key)?;
        Ok(Kinds::new(call.arg_type(key)?, value, collation, key_order))
    }

    fn new(key: Oid, value: Oid, collation: Oid, key_order: Comparer) -> Self {
        let value = Kind::new(value);
        Kinds { key: Kind::new(key), value_order: Comparer::of_type(value.type_oid, collation), value, collation, key_order }
    }

    /// The types that a state names.
    pub fn of_names(types: &[u8]) -> Result<Self, Fail> {
        let types = Types::decode(types)?;
        let collation = named::collation_oid(types.collation.as_ref())?;
        Kinds::of_oids(named::type_oid(&types.key)?, named::type_oid(&types.value)?, collation)
    }

    pub fn of_oids(key: Oid, value: Oid, collation: Oid) -> Result<Self, Fail> {
        let order = Comparer::of_type(key, collation).ok_or_else(|| {
            Fail::new(PgSqlErrorCode::ERRCODE_UNDEFINED_FUNCTION, format!("could not identify a comparison function for type {}", type_name(key)))
        })?;
        Ok(Kinds::new(key, value, collation, order))
    }

    fn names(&self) -> Result<Types, Fail> {
        Ok(Types { key: named::of_type(self.key.type_oid)?, value: named::of_type(self.value.type_oid)?, collation: named::of_collation(self.collation)? })
    }

    fn copy(&self, memory: Memory, pair: Pair) -> Pair {
        memory.within(|| unsafe {
            Pair { key: self.key.layout.copy_as_stored(pair.key), value: pair.value.map(|value| self.value.layout.copy_as_stored(value)) }
        })
    }

    /// Does `a` stand before `b`, behind it, or are they the same? Of equal keys the least value comes first, NULL last; what the
    /// orders take for equal is told apart by its bytes, so that the order of rows does not matter.
    fn compare(&self, end: End, a: Pair, b: Pair) -> Ordering {
        match (self.key_order.compare(a.key, b.key), end) {
            (Ordering::Equal, _) => self.compare_values(a, b).then_with(|| self.key.compare_bytes(a.key, b.key)),
            (order, End::Least) => order,
            (order, End::Greatest) => order.reverse(),
        }
    }

    #[cold]
    fn compare_values(&self, a: Pair, b: Pair) -> Ordering {
        match (a.value, b.value) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(a), Some(b)) => {
                let order = self.value_order.as_ref().map_or(Ordering::Equal, |order| order.compare(a, b));
                order.then_with(|| self.value.compare_bytes(a, b))
            }
        }
    }

    pub fn check_same(&self, other: &Self) -> Result<(), Fail> {
        if (self.key.type_oid, self.value.type_oid) != (other.key.type_oid, other.value.type_oid) {
            let show = |k: &Self| format!("{} by {}", type_name(k.value.type_oid), type_name(k.key.type_oid));
            return Err(Fail::new(PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH, "cannot merge states of different types")
                .detail(format!("One has {}, another {}.", show(self), show(other))));
        }
        if self.collation != other.collation {
            return Err(Fail::new(PgSqlErrorCode::ERRCODE_COLLATION_MISMATCH, "cannot merge states of different collations").detail(format!(
                "One was made with collation {}, another with {}.",
                named::collation_name(self.collation),
                named::collation_name(other.collation)
            )));
        }
        Ok(())
    }

    /// The pair that a state of these types holds, in the current memory context.
    pub fn read(&self, arg: &Arg<'_>) -> Result<Pair, Fail> {
        let value = arg.value.map(|value| wire::read(self.value.type_oid, value)).transpose()?;
        Ok(Pair { key: wire::read(self.key.type_oid, arg.key)?, value })
    }

    /// The caller has named the type of the values, perhaps by a domain.
    pub fn check_named(&self, wanted: Oid) -> Result<(), Fail> {
        let own = self.value.type_oid;
        if unsafe { pg_sys::getBaseType(wanted) } == own {
            return Ok(());
        }
        let (own, wanted) = (type_name(own), type_name(wanted));
        Err(Fail::new(PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH, format!("the state has values of type {own}, not {wanted}"))
            .hint(format!("Name their type in the second argument: NULL::{own}.")))
    }

    /// A value as one of the type that the caller has named, which may be a domain that refuses it.
    pub fn as_named(&self, value: Datum, wanted: Oid) -> Result<Datum, Fail> {
        self.check_named(wanted)?;
        if wanted != self.value.type_oid {
            unsafe { pg_sys::domain_check(value, false, wanted, core::ptr::null_mut(), core::ptr::null_mut()) };
        }
        Ok(value)
    }
}

pub fn check_end(wanted: End, found: End) -> Result<(), Fail> {
    if wanted == found {
        return Ok(());
    }
    let name = |end| if end == End::Least { "arg_min" } else { "arg_max" };
    Err(Fail::new(PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH, "cannot merge states of arg_min and arg_max")
        .detail(format!("A state of {} was expected, but one was made by {}.", name(wanted), name(found))))
}

/// Where the first of two states stands to the second.
pub fn compare_states(kinds: &Kinds, other: &Kinds, a: &Arg<'_>, b: &Arg<'_>) -> Result<Ordering, Fail> {
    check_end(a.end, b.end)?;
    kinds.check_same(other)?;
    Ok(kinds.compare(a.end, kinds.read(a)?, kinds.read(b)?))
}

impl Best {
    /// Copies the pair into `memory`.
    pub fn new(memory: Memory, end: End, kinds: Rc<Kinds>, pair: Pair) -> Self {
        let pair = kinds.copy(memory, pair);
        Best { end, kinds, pair, memory }
    }

    pub fn pair(&self) -> Pair {
        self.pair
    }

    /// A copy of the value in the current memory context.
    pub fn value(&self) -> Option<Datum> {
        self.pair.value.map(|value| unsafe { self.kinds.value.layout.copy_as_stored(value) })
    }

    /// Keeps the other pair, of the same types, if it comes first.
    #[inline]
    pub fn offer(&mut self, pair: Pair) {
        if self.kinds.compare(self.end, pair, self.pair) == Ordering::Less {
            let new = self.kinds.copy(self.memory, pair);
            let old = core::mem::replace(&mut self.pair, new);
            unsafe {
                self.kinds.key.layout.free(old.key);
                if let Some(value) = old.value {
                    self.kinds.value.layout.free(value);
                }
            }
        }
    }

    /// As [`Best::offer`], for what another aggregate or state has.
    pub fn merge(&mut self, end: End, kinds: &Kinds, pair: Pair) -> Result<(), Fail> {
        check_end(self.end, end)?;
        self.kinds.check_same(kinds)?;
        self.offer(pair);
        Ok(())
    }

    /// The state's bytes.
    pub fn encode(&self) -> Result<Vec<u8>, Fail> {
        let kinds = &*self.kinds;
        named::check_has_values(kinds.key.type_oid)?;
        named::check_has_values(kinds.value.type_oid)?;
        let types = kinds.names()?.encode();
        let key = unsafe { wire::write(kinds.key.type_oid, self.pair.key) };
        let value = self.pair.value.map(|value| unsafe { wire::write(kinds.value.type_oid, value) });
        let size = key.len() + value.as_ref().map_or(0, Vec::len);
        if size > MOST_BYTES {
            return Err(Fail::new(PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED, "value is too large for a state")
                .detail(format!("The value and its key take {size} bytes, a state may have {MOST_BYTES}.")));
        }
        Ok(Arg { end: self.end, types: &types, key: &key, value: value.as_deref() }.encode())
    }

    /// For another process of the same query: the values as they are in memory, and the OIDs of their types.
    pub fn to_worker(&self) -> Vec<u8> {
        let mut out = vec![u8::from(self.end == End::Greatest)];
        let kinds = &*self.kinds;
        for oid in [kinds.key.type_oid, kinds.value.type_oid, kinds.collation] {
            out.extend_from_slice(&oid.to_u32().to_ne_bytes());
        }
        unsafe {
            kinds.key.layout.serialize(Some(self.pair.key), &mut out);
            kinds.value.layout.serialize(self.pair.value, &mut out);
        }
        out
    }

    /// The other side of [`Best::to_worker`].
    pub fn from_worker(bytes: &[u8], memory: Memory) -> Result<Option<Self>, Fail> {
        let Some((&end, rest)) = bytes.split_first() else { return Ok(None) };
        let (oids, mut rest) = rest.split_at(12);
        let oid = |i: usize| Oid::from_u32(oids[i * 4..].first_chunk().map_or(0, |b| u32::from_ne_bytes(*b)));
        let kinds = Kinds::of_oids(oid(0), oid(1), oid(2))?;
        let (key, value) = memory.within(|| unsafe { (kinds.key.layout.restore(&mut rest), kinds.value.layout.restore(&mut rest)) });
        let end = if end == 1 { End::Greatest } else { End::Least };
        Ok(key.map(|key| Best { end, kinds: Rc::new(kinds), pair: Pair { key, value }, memory }))
    }
}
