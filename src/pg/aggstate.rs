//! Rust values that live as long as a memory context: aggregate states and per-call-site caches.
//!
//! The value itself is palloc'd in the context, so it counts for `work_mem`; what it holds on the Rust heap is added
//! to the context's own count, so that a hash aggregate spills in time. A reset callback drops the value.

use crate::pg::call::{Call, Out, Value};
use crate::pg::error::Fail;
use core::any::TypeId;
use pg_tally_core::state::State;
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;

struct Slot<T> {
    tag: TypeId,
    context: pg_sys::MemoryContext,
    accounted: usize,
    callback: pg_sys::MemoryContextCallback,
    value: T,
}

impl<T: 'static> Slot<T> {
    /// # Safety
    /// `context` is a live memory context.
    unsafe fn new(context: pg_sys::MemoryContext, value: T) -> *mut Slot<T> {
        // palloc aligns to 8; i128 wants 16.
        let align = core::mem::align_of::<Slot<T>>();
        unsafe {
            let raw = pg_sys::MemoryContextAlloc(context, core::mem::size_of::<Slot<T>>() + align);
            let slot = (((raw as usize) + align - 1) & !(align - 1)) as *mut Slot<T>;
            slot.write(Slot {
                tag: TypeId::of::<T>(),
                context,
                accounted: 0,
                callback: pg_sys::MemoryContextCallback {
                    func: Some(drop_slot::<T>),
                    arg: slot.cast(),
                    next: core::ptr::null_mut(),
                },
                value,
            });
            pg_sys::MemoryContextRegisterResetCallback(context, &raw mut (*slot).callback);
            slot
        }
    }

    /// # Safety
    /// `ptr` was made by [`Slot::new`] (of any type) and its context lives.
    #[inline]
    unsafe fn of<'a>(ptr: *mut Slot<T>) -> Result<&'a mut Slot<T>, Fail> {
        let tag = unsafe { (&raw const (*ptr).tag).read() };
        if tag != TypeId::of::<T>() {
            return Err(Fail::new(
                PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
                "aggregate functions of different states cannot be combined",
            ));
        }
        Ok(unsafe { &mut *ptr })
    }

    #[inline]
    fn account(&mut self, held: usize) {
        if held != self.accounted {
            self.account_anew(held);
        }
    }

    #[cold]
    fn account_anew(&mut self, held: usize) {
        if !super::setting::checks_memory() {
            let context = unsafe { &mut *self.context };
            let total = context.mem_allocated.wrapping_add(held as _);
            context.mem_allocated = total.wrapping_sub(self.accounted as _);
            self.accounted = held;
        }
    }
}

unsafe extern "C-unwind" fn drop_slot<T: 'static>(arg: *mut core::ffi::c_void) {
    let slot = arg.cast::<Slot<T>>();
    if super::memory::is_ending() {
        return;
    }
    unsafe {
        (*slot).account(0);
        core::ptr::drop_in_place(&raw mut (*slot).value);
    }
}

fn aggregate_context(call: &Call) -> Result<pg_sys::MemoryContext, Fail> {
    let mut context: pg_sys::MemoryContext = core::ptr::null_mut();
    let kind = unsafe { pg_sys::AggCheckCallContext(call.fcinfo(), &mut context) };
    if kind == 0 || context.is_null() {
        return Err(Fail::new(
            PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            "support function of an aggregate called outside of one",
        ));
    }
    Ok(context)
}

#[inline]
fn pointer<T>(call: &Call, argument: usize) -> Option<*mut Slot<T>> {
    call.datum(argument).map(|datum| datum.cast_mut_ptr())
}

#[inline]
fn value_of<T>(slot: *mut Slot<T>) -> Out {
    Ok(Some(Value::raw(pg_sys::Datum::from(slot))))
}

/// A transition function: updates the state in argument 0 in place, making it at the first row.
#[inline]
pub fn transition<T, I, F>(call: &Call, init: I, step: F) -> Out
where
    T: State + 'static,
    I: FnOnce() -> Result<T, Fail>,
    F: FnOnce(&mut T) -> Result<(), Fail>,
{
    let slot = match pointer::<T>(call, 0) {
        Some(slot) => slot,
        None => first(call, init)?,
    };
    let held = unsafe { Slot::of(slot)? };
    step(&mut held.value)?;
    held.account(held.value.heap_size());
    value_of(slot)
}

/// Merges the stored state in argument 1 into the one in argument 0 where that is no more than arithmetic. None: nothing has been
/// done. Without a guard: nothing here asks for memory, raises an error or panics.
#[inline(always)]
pub fn merge_in_place<T: State + 'static>(call: &Call) -> Option<Value> {
    let slot = pointer::<T>(call, 0)?;
    let stored = call.plain_bytes(1)?;
    // SAFETY: an `internal` argument is a slot of some type; nobody else has it during the call.
    unsafe {
        if (&raw const (*slot).tag).read() != TypeId::of::<T>() || !(&mut (*slot).value).merge_in_place(stored) {
            return None;
        }
    }
    Some(Value::raw(pg_sys::Datum::from(slot)))
}

/// Where an aggregate's states live.
#[derive(Clone, Copy)]
pub struct Memory(pub(super) pg_sys::MemoryContext);

impl Memory {
    pub fn of_aggregate(call: &Call) -> Result<Self, Fail> {
        aggregate_context(call).map(Memory)
    }

    pub fn current() -> Self {
        Memory(unsafe { pg_sys::CurrentMemoryContext })
    }

    pub(super) fn within<R>(self, work: impl FnOnce() -> R) -> R {
        unsafe { super::expr::within(self.0, work) }
    }
}

/// Makes a new state of what keeps the better part of itself in PostgreSQL's memory, and so needs no account of it.
pub fn keep<T: 'static>(memory: Memory, value: T) -> Out {
    value_of(unsafe { Slot::new(memory.0, value) })
}

/// The state in argument `i`, as [`keep`] made it. None: no rows.
pub fn kept<T: 'static>(call: &Call, i: usize) -> Result<Option<&mut T>, Fail> {
    match pointer::<T>(call, i) {
        None => Ok(None),
        Some(slot) => Ok(Some(&mut unsafe { Slot::of(slot)? }.value)),
    }
}

/// The state as it is, for a row that adds nothing. NULL stays NULL: finals know that it means no rows.
#[inline]
pub fn unchanged(call: &Call) -> Out {
    Ok(call.datum(0).map(Value::raw))
}

/// A combine function: folds argument 1 into argument 0 and never keeps a reference to the former.
pub fn combine<T, F>(call: &Call, merge: F) -> Out
where
    T: State + 'static,
    F: FnOnce(&mut T, &T) -> Result<(), Fail>,
{
    let Some(other) = pointer::<T>(call, 1) else { return unchanged(call) };
    let other = unsafe { &Slot::of(other)?.value };
    let slot = match pointer::<T>(call, 0) {
        None => unsafe { Slot::new(aggregate_context(call)?, other.clone()) },
        Some(slot) => {
            let held = unsafe { Slot::of(slot)? };
            if core::ptr::eq(&held.value, other) {
                let copy = other.clone();
                merge(&mut held.value, &copy)?;
            } else {
                merge(&mut held.value, other)?;
            }
            slot
        }
    };
    let held = unsafe { Slot::of(slot)? };
    held.account(held.value.heap_size());
    value_of(slot)
}

/// The state in argument 0, to be looked at only. None: no rows.
pub fn look<T: 'static>(call: &Call) -> Result<Option<&T>, Fail> {
    match pointer::<T>(call, 0) {
        None => Ok(None),
        Some(slot) => Ok(Some(&unsafe { Slot::of(slot)? }.value)),
    }
}

/// A state made by a deserialize function: it lives in the current (per-tuple) context until it is combined.
pub fn deliver<T: 'static>(call: &Call, value: T) -> Out {
    aggregate_context(call)?;
    value_of(unsafe { Slot::new(pg_sys::CurrentMemoryContext, value) })
}

#[cold]
fn first<T: 'static>(call: &Call, init: impl FnOnce() -> Result<T, Fail>) -> Result<*mut Slot<T>, Fail> {
    Ok(unsafe { Slot::new(aggregate_context(call)?, init()?) })
}

/// What a call site keeps from its first call on (in `fn_extra`).
#[inline]
pub fn cached<T, F>(call: &Call, make: F) -> Result<&mut T, Fail>
where
    T: 'static,
    F: FnOnce() -> Result<T, Fail>,
{
    let info = call.flinfo()?;
    unsafe {
        let mut slot = (*info).fn_extra.cast::<Slot<T>>();
        if slot.is_null() {
            slot = remember(info, make)?;
        }
        Ok(&mut Slot::of(slot)?.value)
    }
}

#[cold]
fn remember<T: 'static>(info: *mut pg_sys::FmgrInfo, make: impl FnOnce() -> Result<T, Fail>) -> Result<*mut Slot<T>, Fail> {
    unsafe {
        let slot = Slot::new((*info).fn_mcxt, make()?);
        (*info).fn_extra = slot.cast();
        Ok(slot)
    }
}
