//! Noticing that something we have cached has changed.

use pgrx::pg_sys::{self, Datum, Oid};
use std::cell::{Cell, RefCell};
use std::collections::HashSet;

thread_local! {
    static WATCHED: RefCell<HashSet<u32>> = RefCell::new(HashSet::new());
    static GENERATION: Cell<u64> = const { Cell::new(1) };
    static NAMES: Cell<u64> = const { Cell::new(1) };
}

/// Makes all that is cached old.
pub fn bump() {
    GENERATION.set(GENERATION.get() + 1);
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn relation_changed(_argument: Datum, relation: Oid) {
    // Invalid: everything may have changed. Borrowed: we are just adding to the set, so be careful.
    let concerns = relation == Oid::INVALID || WATCHED.with(|w| w.try_borrow().map_or(true, |w| w.contains(&relation.to_u32())));
    if concerns {
        bump();
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn function_changed(_argument: Datum, _cache: i32, _hash: u32) {
    bump();
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn name_changed(_argument: Datum, _cache: i32, _hash: u32) {
    NAMES.set(NAMES.get() + 1);
}

/// To be called once per process.
pub fn register() {
    unsafe {
        pg_sys::CacheRegisterRelcacheCallback(Some(relation_changed), Datum::null());
        // An inlined function's body is part of a planned expression.
        pg_sys::CacheRegisterSyscacheCallback(pg_sys::SysCacheIdentifier::PROCOID as i32, Some(function_changed), Datum::null());
        for cache in [pg_sys::SysCacheIdentifier::TYPEOID, pg_sys::SysCacheIdentifier::COLLOID, pg_sys::SysCacheIdentifier::NAMESPACEOID] {
            pg_sys::CacheRegisterSyscacheCallback(cache as i32, Some(name_changed), Datum::null());
        }
    }
}

/// Changes whenever a watched relation or any function has.
pub fn generation() -> u64 {
    GENERATION.get()
}

/// Changes whenever a type, collation or schema may be called otherwise, or another is called so.
pub fn names() -> u64 {
    NAMES.get()
}

pub fn watch(relations: impl IntoIterator<Item = Oid>) {
    WATCHED.with(|w| w.borrow_mut().extend(relations.into_iter().map(Oid::to_u32)));
}

pub fn forget_all() {
    WATCHED.with(|w| w.borrow_mut().clear());
}

/// Tells all sessions that what they know of the relation is old, at commit.
pub fn announce(relation: Oid) {
    unsafe { pg_sys::CacheInvalidateRelcacheByRelid(relation) };
}
