//! The lock that folding a view takes, and the questions to ask before a source is read together with its delta.

use pgrx::pg_sys::{self, Oid};
use std::ffi::CString;

/// Tells our lock on a delta table from PostgreSQL's own locks on objects.
const SUBID: u16 = 0x7A11;

fn tag(delta: Oid) -> pg_sys::LOCKTAG {
    pg_sys::LOCKTAG {
        locktag_field1: unsafe { pg_sys::MyDatabaseId }.to_u32(),
        locktag_field2: Oid::from(pg_sys::RelationRelationId).to_u32(),
        locktag_field3: delta.to_u32(),
        locktag_field4: SUBID,
        locktag_type: pg_sys::LockTagType::LOCKTAG_OBJECT as u8,
        locktag_lockmethodid: pg_sys::DEFAULT_LOCKMETHOD as u8,
    }
}

/// Taken by whatever changes main, held until the transaction ends. Neither readers nor writers take it.
pub fn lock_folding(delta: Oid) {
    unsafe { pg_sys::LockAcquire(&tag(delta), pg_sys::ExclusiveLock as i32, false, false) };
}

/// The same, if it can be had at once.
pub fn try_lock_folding(delta: Oid) -> bool {
    unsafe { pg_sys::LockAcquire(&tag(delta), pg_sys::ExclusiveLock as i32, false, true) != pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL }
}

/// Locks a relation against everybody else, if that can be had at once.
pub fn try_lock_exclusively(relation: Oid) -> bool {
    unsafe { pg_sys::ConditionalLockRelationOid(relation, pg_sys::AccessExclusiveLock as i32) }
}

/// Locks a relation against everybody else, however long it takes.
pub fn lock_exclusively(relation: Oid) {
    unsafe { pg_sys::LockRelationOid(relation, pg_sys::AccessExclusiveLock as i32) };
}

/// Keeps a table's partitions and triggers as they are until the transaction ends, and others from doing so too. Readers and writers are not concerned.
pub fn lock_members(relation: Oid) {
    unsafe { pg_sys::LockRelationOid(relation, pg_sys::ShareUpdateExclusiveLock as i32) };
}

/// Whether the transaction has written, and so may be waited for by others.
pub fn has_written() -> bool {
    unsafe { pg_sys::GetTopTransactionIdIfAny() != pg_sys::InvalidTransactionId }
}

/// Raises an ERROR if the session is in the middle of a statement on the table, whose triggers are still to fire.
pub fn check_not_in_use(table: Oid, action: &str) {
    let action = CString::new(action).unwrap_or_default();
    unsafe {
        let relation = pg_sys::try_relation_open(table, pg_sys::AccessShareLock as i32);
        if !relation.is_null() {
            pg_sys::CheckTableNotInUse(relation, action.as_ptr());
            pg_sys::relation_close(relation, pg_sys::NoLock as i32);
        }
    }
}

/// REPEATABLE READ or SERIALIZABLE: statements see the transaction's snapshot, not the newest.
pub fn has_transaction_snapshot() -> bool {
    unsafe { pg_sys::XactIsoLevel >= pg_sys::XACT_REPEATABLE_READ as i32 }
}

pub fn is_read_only() -> bool {
    unsafe { pg_sys::XactReadOnly || pg_sys::RecoveryInProgress() }
}
