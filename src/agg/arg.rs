//! `arg_min`, `arg_max`: the value at the least or greatest key. Rows whose key is NULL do not count; NULL values do.

use super::common;
use crate::pg::aggstate::{Memory, cached, keep, kept, unchanged};
use crate::pg::best::{Best, Kinds, Pair, check_end, compare_states};
use crate::pg::call::{Call, Out, Value};
use crate::pg::error::Fail;
use crate::pg::inval;
use crate::sql_function;
use core::cmp::Ordering;
use pg_tally_core::state::{Arg, End};
use pgrx::pg_sys::Oid;
use std::rc::Rc;

const TYPE: &str = "arg_state";

sql_function!("arg", "_in", |c| common::input_with(c, TYPE, check));
sql_function!("arg", "_out", common::output);
sql_function!("arg", "_recv", |c| common::receive_with(c, check));
sql_function!("arg", "_send", common::send);
sql_function!("arg", "_parse", |c| common::parse_with(c, TYPE, check));
sql_function!("arg", "_parse_name", |c| common::input_with(c, TYPE, check));

sql_function!("arg", "_min_trans", |c| offer(c, End::Least));
sql_function!("arg", "_max_trans", |c| offer(c, End::Greatest));
sql_function!("arg", "_min_merge_trans", |c| merge_trans(c, End::Least));
sql_function!("arg", "_max_merge_trans", |c| merge_trans(c, End::Greatest));
sql_function!("arg", "_combine", combine);
sql_function!("arg", "_serialize", serialize);
sql_function!("arg", "_deserialize", deserialize);
sql_function!("arg", "_state_final", state_final);
sql_function!("arg", "_final", value_final);
sql_function!("arg", "_merge_final", merge_final);
sql_function!("arg", "_finalize", finalize);
sql_function!("arg", "_merge", merge);
sql_function!("arg", "_is_empty", is_empty);
sql_function!("arg", "_reaches", reaches);
sql_function!("arg", "_fitting", fitting);

/// What a call site knows of the types that the states before named.
#[derive(Default)]
struct Known {
    names: Vec<u8>,
    as_of: u64,
    kinds: Option<Rc<Kinds>>,
}

impl Known {
    fn kinds(&mut self, arg: &Arg<'_>) -> Result<Rc<Kinds>, Fail> {
        match &self.kinds {
            Some(kinds) if self.names == arg.types && self.as_of == inval::names() => Ok(kinds.clone()),
            _ => {
                let kinds = Rc::new(Kinds::of_names(arg.types)?);
                *self = Known { names: arg.types.to_vec(), as_of: inval::names(), kinds: Some(kinds.clone()) };
                Ok(kinds)
            }
        }
    }
}

fn kinds_of(call: &Call, arg: &Arg<'_>) -> Result<Rc<Kinds>, Fail> {
    cached(call, || Ok(Known::default()))?.kinds(arg)
}

fn check(bytes: &[u8]) -> Result<(), pg_tally_core::Error> {
    Arg::decode(bytes).map(drop)
}

fn offer(call: &Call, end: End) -> Out {
    let Some(best) = kept::<Best>(call, 0)? else {
        // Before the first key too, so that a type without an order is refused at once.
        let kinds = cached(call, || Ok(Rc::new(Kinds::of_arguments(call, 1, 2)?)))?;
        let Some(key) = call.datum(2) else { return Ok(None) };
        let memory = Memory::of_aggregate(call)?;
        return keep(memory, Best::new(memory, end, kinds.clone(), Pair { key, value: call.datum(1) }));
    };
    if let Some(key) = call.datum(2) {
        best.offer(Pair { key, value: call.datum(1) });
    }
    unchanged(call)
}

fn merge_trans(call: &Call, end: End) -> Out {
    let Some(bytes) = call.bytes(1) else { return unchanged(call) };
    let Some(arg) = Arg::decode(&bytes)? else { return unchanged(call) };
    check_end(end, arg.end)?;
    let kinds = kinds_of(call, &arg)?;
    let pair = kinds.read(&arg)?;
    match kept::<Best>(call, 0)? {
        Some(best) => best.merge(end, &kinds, pair)?,
        None => {
            let memory = Memory::of_aggregate(call)?;
            return keep(memory, Best::new(memory, end, kinds, pair));
        }
    }
    unchanged(call)
}

fn combine(call: &Call) -> Out {
    let Some(other) = kept::<Best>(call, 1)? else { return unchanged(call) };
    let (end, kinds, pair) = (other.end, other.kinds.clone(), other.pair());
    match kept::<Best>(call, 0)? {
        Some(best) => best.merge(end, &kinds, pair)?,
        None => {
            let memory = Memory::of_aggregate(call)?;
            return keep(memory, Best::new(memory, end, kinds, pair));
        }
    }
    unchanged(call)
}

fn serialize(call: &Call) -> Out {
    Ok(kept::<Best>(call, 0)?.map(|best| Value::bytes(&best.to_worker())))
}

fn deserialize(call: &Call) -> Out {
    let Some(bytes) = call.bytes(0) else { return Ok(None) };
    Memory::of_aggregate(call)?;
    match Best::from_worker(&bytes, Memory::current())? {
        Some(best) => keep(Memory::current(), best),
        None => Ok(None),
    }
}

fn state_final(call: &Call) -> Out {
    Ok(Some(match kept::<Best>(call, 0)? {
        Some(best) => Value::bytes(&best.encode()?),
        None => Value::bytes(&Arg::EMPTY),
    }))
}

fn value_final(call: &Call) -> Out {
    Ok(kept::<Best>(call, 0)?.and_then(|best| best.value()).map(Value::raw))
}

/// Of (internal, state, the type that the caller has named).
fn merge_final(call: &Call) -> Out {
    let Some(best) = kept::<Best>(call, 0)? else { return Ok(None) };
    let wanted = call.arg_type(2)?;
    best.kinds.check_named(wanted)?;
    best.value().map(|value| best.kinds.as_named(value, wanted)).transpose().map(|value| value.map(Value::raw))
}

/// Of (state, the type that the caller has named).
fn finalize(call: &Call) -> Out {
    let Some(bytes) = call.bytes(0) else { return Ok(None) };
    let Some(arg) = Arg::decode(&bytes)? else { return Ok(None) };
    let kinds = kinds_of(call, &arg)?;
    let wanted = call.arg_type(1)?;
    kinds.check_named(wanted)?;
    let value = kinds.read(&arg)?.value;
    value.map(|value| kinds.as_named(value, wanted)).transpose().map(|value| value.map(Value::raw))
}

/// `a || b`: NULL is no rows. The state that stays is one of the two as it is.
fn merge(call: &Call) -> Out {
    let (a, b) = match (call.bytes(0), call.bytes(1)) {
        (None, None) => return Ok(None),
        (Some(one), None) | (None, Some(one)) => return Ok(Some(Value::bytes(&one))),
        (Some(a), Some(b)) => (a, b),
    };
    let first = match (Arg::decode(&a)?, Arg::decode(&b)?) {
        (_, None) => true,
        (None, _) => false,
        (Some(a), Some(b)) => compare(call, &a, &b)? != Ordering::Greater,
    };
    Ok(Some(Value::bytes(if first { &a } else { &b })))
}

fn compare(call: &Call, a: &Arg<'_>, b: &Arg<'_>) -> Result<Ordering, Fail> {
    let kinds = kinds_of(call, a)?;
    let other = if a.types == b.types { kinds.clone() } else { Rc::new(Kinds::of_names(b.types)?) };
    compare_states(&kinds, &other, a, b)
}

/// Can the rows of the first state have made the second what it is?
fn reaches(call: &Call) -> Out {
    let (Some(removed), Some(known)) = (call.bytes(0), call.bytes(1)) else { return Ok(None) };
    let reaches = match (Arg::decode(&removed)?, Arg::decode(&known)?) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(removed), Some(known)) => compare(call, &removed, &known)? != Ordering::Greater,
    };
    Ok(Some(Value::bool(reaches)))
}

/// The state as it is, if it merges with states of this end, type of value, type of key and collation.
fn fitting(call: &Call) -> Out {
    let Some(bytes) = call.bytes(0) else { return Ok(None) };
    if let Some(arg) = Arg::decode(&bytes)? {
        let number = |i: usize| call.datum(i).map_or(0, |datum| datum.value());
        let oid = |i: usize| Oid::from_u32(number(i) as u32);
        check_end(if number(1) == 0 { End::Least } else { End::Greatest }, arg.end)?;
        Kinds::of_oids(oid(3), oid(2), oid(4))?.check_same(&*kinds_of(call, &arg)?)?;
    }
    Ok(Some(Value::bytes(&bytes)))
}

fn is_empty(call: &Call) -> Out {
    let Some(bytes) = call.bytes(0) else { return Ok(None) };
    Ok(Some(Value::bool(Arg::decode(&bytes)?.is_none())))
}
