//! What every state type has: input and output, casts from text, merging, and the support functions of its aggregates.

use crate::pg::aggstate;
use crate::pg::call::{Call, Out, Value};
use crate::pg::error::{Fail, raise};
use pg_tally_core::memory;
use pg_tally_core::state::{State, Subtract};

/// The C functions of one state type. The first literal is the type's name without `_state`.
#[macro_export]
macro_rules! state_functions {
    ($family:literal, $state:ty) => {
        $crate::sql_function!($family, "_in", |c| common::input::<$state>(
            c,
            concat!($family, "_state")
        ));
        $crate::sql_function!($family, "_out", common::output);
        $crate::sql_function!($family, "_recv", common::receive::<$state>);
        $crate::sql_function!($family, "_send", common::send);
        $crate::sql_function!($family, "_parse", |c| common::parse::<$state>(
            c,
            concat!($family, "_state")
        ));
        $crate::sql_function!($family, "_parse_name", |c| common::input::<$state>(
            c,
            concat!($family, "_state")
        ));
        $crate::sql_function!($family, "_combine", common::combine::<$state>);
        $crate::sql_function!($family, "_serialize", common::serialize::<$state>);
        $crate::sql_function!($family, "_deserialize", common::deserialize::<$state>);
        $crate::sql_function!($family, "_state_final", common::state_final::<$state>);
        $crate::sql_function!($family, "_is_empty", common::is_empty::<$state>);
    };
}

/// Merging by decoding both sides; and subtraction. For the small states.
#[macro_export]
macro_rules! signed_state_functions {
    ($family:literal, $state:ty) => {
        $crate::sql_function!(
            $family,
            "_merge_trans",
            $crate::pg::aggstate::merge_in_place::<$state>,
            common::merge_trans::<$state>
        );
        $crate::sql_function!($family, "_merge", common::merge::<$state>);
        $crate::sql_function!($family, "_negate", common::negate::<$state>);
    };
}

pub fn encoded<S: State>(state: &S) -> Value {
    let mut out = Vec::with_capacity(64);
    match state.try_encode(&mut out) {
        Ok(()) => Value::bytes(&out),
        Err(error) => raise(error),
    }
}

/// Says whether bytes are a state.
type Check = fn(&[u8]) -> Result<(), pg_tally_core::Error>;

fn decodes<S: State>(bytes: &[u8]) -> Result<(), pg_tally_core::Error> {
    S::decode(bytes).map(drop)
}

/// From `\x…` to validated bytes.
fn parse_text(text: &[u8], type_name: &str, check: Check) -> Out {
    let mut bytes = Vec::new();
    memory::reserve_exact(&mut bytes, text.len() / 2)?;
    unhex(text, &mut bytes).map_err(|why| Fail::text(type_name, why))?;
    check(&bytes).map_err(|e| Fail::from_text(type_name, e))?;
    Ok(Some(Value::bytes(&bytes)))
}

/// A cstring, as the type's input function and the cast from `name` get it.
pub fn input<S: State>(call: &Call, type_name: &str) -> Out {
    input_with(call, type_name, decodes::<S>)
}

pub fn input_with(call: &Call, type_name: &str, check: Check) -> Out {
    call.cstring(0).map_or(Ok(None), |text| parse_text(text, type_name, check))
}

/// text, varchar or bpchar.
pub fn parse<S: State>(call: &Call, type_name: &str) -> Out {
    parse_with(call, type_name, decodes::<S>)
}

pub fn parse_with(call: &Call, type_name: &str, check: Check) -> Out {
    call.bytes(0).map_or(Ok(None), |text| parse_text(text.trim_ascii_end(), type_name, check))
}

pub fn output(call: &Call) -> Out {
    call.bytes(0).map(|bytes| Ok(Value::cstring(&hex(&bytes)?))).transpose()
}

pub fn receive<S: State>(call: &Call) -> Out {
    receive_with(call, decodes::<S>)
}

pub fn receive_with(call: &Call, check: Check) -> Out {
    let Some(bytes) = call.message(0) else { return Ok(None) };
    check(bytes)?;
    Ok(Some(Value::bytes(bytes)))
}

pub fn send(call: &Call) -> Out {
    Ok(call.bytes(0).map(|bytes| Value::bytes(&bytes)))
}

pub fn combine<S: State + 'static>(call: &Call) -> Out {
    aggstate::combine::<S, _>(call, |a, b| Ok(a.merge(b)?))
}

pub fn serialize<S: State + 'static>(call: &Call) -> Out {
    Ok(aggstate::look::<S>(call)?.map(encoded))
}

pub fn deserialize<S: State + 'static>(call: &Call) -> Out {
    match call.bytes(0) {
        Some(bytes) => aggstate::deliver(call, S::decode(&bytes)?),
        None => Ok(None),
    }
}

/// The state that an aggregate has collected; the empty state for no rows.
pub fn state_final<S: State + 'static>(call: &Call) -> Out {
    Ok(Some(match aggstate::look::<S>(call)? {
        Some(state) => encoded(state),
        None => encoded(&S::empty()),
    }))
}

pub fn is_empty<S: State>(call: &Call) -> Out {
    match call.bytes(0) {
        Some(bytes) => Ok(Some(Value::bool(S::decode(&bytes)?.is_empty()))),
        None => Ok(None),
    }
}

#[inline]
pub fn merge_trans<S: State + 'static>(call: &Call) -> Out {
    let Some(bytes) = call.bytes(1) else { return aggstate::unchanged(call) };
    aggstate::transition(call, || Ok(S::empty()), |state| Ok(state.merge_bytes(&bytes)?))
}

/// `a || b`: NULL is no rows.
pub fn merge<S: State>(call: &Call) -> Out {
    match (call.bytes(0), call.bytes(1)) {
        (None, None) => Ok(None),
        (Some(one), None) | (None, Some(one)) => Ok(Some(Value::bytes(&one))),
        (Some(a), Some(b)) => {
            let mut state = S::decode(&a)?;
            state.merge(&S::decode(&b)?)?;
            Ok(Some(encoded(&state)))
        }
    }
}

/// The state that takes away what this one adds.
pub fn negate<S: Subtract>(call: &Call) -> Out {
    let Some(bytes) = call.bytes(0) else { return Ok(None) };
    let mut state = S::decode(&bytes)?;
    state.negate();
    Ok(Some(encoded(&state)))
}

/// `finalize(state)`: one state's final value.
pub fn finalize<S: State>(call: &Call, finish: fn(&S) -> Out) -> Out {
    match call.bytes(0) {
        Some(bytes) => finish(&S::decode(&bytes)?),
        None => Ok(None),
    }
}

/// The final value of an aggregate over states or values. No rows: that of the empty state.
pub fn finish<S: State + 'static>(call: &Call, finish: fn(&S) -> Out) -> Out {
    match aggstate::look::<S>(call)? {
        Some(state) => finish(state),
        None => finish(&S::empty()),
    }
}

fn hex(bytes: &[u8]) -> Result<Vec<u8>, Fail> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut out = Vec::new();
    memory::reserve_exact(&mut out, 2 + bytes.len() * 2)?;
    out.extend_from_slice(b"\\x");
    for &b in bytes {
        out.push(DIGITS[usize::from(b >> 4)]);
        out.push(DIGITS[usize::from(b & 15)]);
    }
    Ok(out)
}

fn unhex(text: &[u8], out: &mut Vec<u8>) -> Result<(), &'static str> {
    let digits = text.strip_prefix(b"\\x").ok_or("It does not begin with \\x.")?;
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return Err("It has an odd number of hexadecimal digits.");
    }
    for &[high, low] in pairs {
        let (Some(high), Some(low)) = (nibble(high), nibble(low)) else {
            return Err("It has a character that is not a hexadecimal digit.");
        };
        out.push(high << 4 | low);
    }
    Ok(())
}

fn nibble(c: u8) -> Option<u8> {
    (c as char).to_digit(16).map(|v| v as u8)
}
