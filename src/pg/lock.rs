//! Locks of our own: of whoever folds or refreshes a view, of whoever decides what to refresh; and the questions to ask before a source
//! is read together with its delta.

use pgrx::pg_sys::{self, Oid};

/// Tell our locks on a relation from PostgreSQL's own locks on objects, and from each other. `pg_locks.objsubid` shows them.
pub const FOLDING: u16 = 0x7A11;
pub const JOB: u16 = 0x7A12;

/// These are on no relation, but on the database as a whole.
const SCHEDULER: u16 = 0x7A13;
const ROUND: u16 = 0x7A14;
const PROCESS: u16 = 0x7A15;
/// These are on the whole server.
pub const SLOT: u16 = 0x7A16;

/// These stand beside a folding lock and say what it is held for, if not for a compaction: nobody ever waits for them.
const FILLING: u16 = 0x7A17;
const RETAINING: u16 = 0x7A18;

fn tag(relation: Oid, which: u16) -> pg_sys::LOCKTAG {
    let everywhere = which == SLOT;
    pg_sys::LOCKTAG {
        locktag_field1: if everywhere { 0 } else { unsafe { pg_sys::MyDatabaseId }.to_u32() },
        locktag_field2: Oid::from(pg_sys::RelationRelationId).to_u32(),
        locktag_field3: relation.to_u32(),
        locktag_field4: which,
        locktag_type: pg_sys::LockTagType::LOCKTAG_OBJECT as u8,
        // As advisory locks: those that are kept outlast transactions, good and bad, and end with the process.
        locktag_lockmethodid: pg_sys::USER_LOCKMETHOD as u8,
    }
}

/// Held until the transaction ends.
fn take(relation: Oid, which: u16) {
    unsafe { pg_sys::LockAcquire(&tag(relation, which), pg_sys::ExclusiveLock as i32, false, false) };
}

fn try_take(relation: Oid, which: u16) -> bool {
    unsafe { pg_sys::LockAcquire(&tag(relation, which), pg_sys::ExclusiveLock as i32, false, true) != pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL }
}

/// Taken by whatever changes main (of a refreshable view its rows), held until the transaction ends. Neither readers nor writers take it.
/// `delta` is what stands for the view: its delta, or its rows.
pub fn lock_folding(delta: Oid) {
    take(delta, FOLDING);
}

/// The same, if it can be had at once.
pub fn try_lock_folding(delta: Oid) -> bool {
    try_take(delta, FOLDING)
}

/// Shows that the view is filled from its source. The folding lock is held.
pub fn show_filling(delta: Oid) {
    try_take(delta, FILLING);
}

/// Shows that what is too old is taken away. The folding lock is held.
pub fn show_retaining(delta: Oid) {
    try_take(delta, RETAINING);
}

/// Held by whoever works on a refresh of the view with this definition, until the transaction ends: while it is held the refresh is running.
/// It is taken before the folding lock.
pub fn lock_job(query: Oid) {
    take(query, JOB);
}

/// The same, if it can be had at once.
pub fn try_lock_job(query: Oid) -> bool {
    try_take(query, JOB)
}

/// As `try_lock_job`, but held until the process ends.
pub fn try_keep_job(query: Oid) -> bool {
    try_keep(query, JOB)
}

/// Comes back when nobody refreshes the view with this definition.
pub fn wait_for_job(query: Oid) {
    take(query, JOB);
    release(query, JOB);
}

/// Runs `work` while nobody else decides what to refresh.
pub fn scheduling<R>(work: impl FnOnce() -> R) -> R {
    take(Oid::INVALID, SCHEDULER);
    let result = work();
    release(Oid::INVALID, SCHEDULER);
    result
}

/// The same until the transaction ends.
pub fn lock_scheduler() {
    take(Oid::INVALID, SCHEDULER);
}

/// Held by a round by hand until its transaction ends, for two of them would wait for each other's views.
pub fn lock_round() {
    take(Oid::INVALID, ROUND);
}

/// Makes this the only process of its sort in the database, if there is none.
pub fn try_keep_process(sort: u32) -> bool {
    try_keep(Oid::from(sort), PROCESS)
}

/// The same until the transaction ends.
pub fn try_lock_process(sort: u32) -> bool {
    try_take(Oid::from(sort), PROCESS)
}

/// Takes one of so many slots of the server for a job, if there is a free one.
pub fn try_keep_slot(slots: usize) -> bool {
    (0..slots as u32).any(|slot| try_keep(Oid::from(slot), SLOT))
}

/// Gives up all that is kept until the process ends.
pub fn release_kept() {
    unsafe { pg_sys::LockReleaseSession(pg_sys::USER_LOCKMETHOD as u16) };
}

fn try_keep(object: Oid, which: u16) -> bool {
    unsafe { pg_sys::LockAcquire(&tag(object, which), pg_sys::ExclusiveLock as i32, true, true) != pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL }
}

fn release(object: Oid, which: u16) {
    unsafe { pg_sys::LockRelease(&tag(object, which), pg_sys::ExclusiveLock as i32, false) };
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

/// Keeps a view's options as they are until the transaction ends, and others from changing them, as COMMENT ON its definition does.
pub fn lock_options(query: Oid) {
    unsafe { pg_sys::LockRelationOid(query, pg_sys::ShareUpdateExclusiveLock as i32) };
}

/// Keeps an object that is no relation as it is until the transaction ends, from those who `change_object`. Neither is in the way of its own kind.
pub fn hold_object(class: Oid, object: Oid) {
    unsafe { pg_sys::LockDatabaseObject(class, object, 0, pg_sys::RowExclusiveLock as i32) };
}

/// What comes before an object that others may hold is changed, or before the change is committed.
pub fn change_object(class: Oid, object: Oid) {
    unsafe { pg_sys::LockDatabaseObject(class, object, 0, pg_sys::ShareLock as i32) };
}

/// Locks a relation as a reader does.
pub fn lock_to_read(relation: Oid) {
    unsafe { pg_sys::LockRelationOid(relation, pg_sys::AccessShareLock as i32) };
}

/// Locks a relation as a reader does, if that can be had at once.
pub fn try_lock_to_read(relation: Oid) -> bool {
    unsafe { pg_sys::ConditionalLockRelationOid(relation, pg_sys::AccessShareLock as i32) }
}

/// The lock of `lock_members`, if it can be had at once.
pub fn try_lock_members(relation: Oid) -> bool {
    unsafe { pg_sys::ConditionalLockRelationOid(relation, pg_sys::ShareUpdateExclusiveLock as i32) }
}

/// Whether the transaction has written, and so may be waited for by others.
pub fn has_written() -> bool {
    unsafe { pg_sys::GetTopTransactionIdIfAny() != pg_sys::InvalidTransactionId }
}

/// Raises an ERROR if the session is in the middle of a statement on the table, whose triggers are still to fire. A reader's lock on it is kept.
pub fn check_not_in_use(table: Oid, action: &str) {
    not_in_use(table, action, pg_sys::NoLock);
}

/// The same, and no lock is kept.
pub fn look_not_in_use(table: Oid, action: &str) {
    not_in_use(table, action, pg_sys::AccessShareLock);
}

fn not_in_use(table: Oid, action: &str, release: u32) {
    let action = super::encoding::c(action);
    unsafe {
        let relation = pg_sys::try_relation_open(table, pg_sys::AccessShareLock as i32);
        if !relation.is_null() {
            pg_sys::CheckTableNotInUse(relation, action.as_ptr());
            pg_sys::relation_close(relation, release as i32);
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

pub fn in_recovery() -> bool {
    unsafe { pg_sys::RecoveryInProgress() }
}
