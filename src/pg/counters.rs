//! What maintenance costs the writers of each view: counted in shared memory, if the library was loaded with the server.

use pg_tally_core::counters::{self, Slot};
use pgrx::pg_sys::{self, Oid};

/// Views that can be counted at a time, in all databases. Those beyond are maintained as well, but not counted.
const SLOTS: usize = 4096;

const SIZE: usize = size_of::<[Slot; SLOTS]>() + align_of::<Slot>();

static mut SHARED: *const Slot = std::ptr::null();
static mut REQUEST_BEFORE: pg_sys::shmem_request_hook_type = None;
static mut STARTUP_BEFORE: pg_sys::shmem_startup_hook_type = None;

/// To be called once per process.
pub fn register() {
    // SAFETY: shared memory is handed out while the server loads its libraries, and never later.
    unsafe {
        if !pg_sys::process_shared_preload_libraries_in_progress {
            return;
        }
        REQUEST_BEFORE = pg_sys::shmem_request_hook;
        pg_sys::shmem_request_hook = Some(request);
        STARTUP_BEFORE = pg_sys::shmem_startup_hook;
        pg_sys::shmem_startup_hook = Some(start);
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn request() {
    unsafe {
        if let Some(before) = REQUEST_BEFORE {
            pg_sys::ffi::pg_guard_ffi_boundary(|| before());
        }
        pg_sys::RequestAddinShmemSpace(SIZE);
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn start() {
    unsafe {
        if let Some(before) = STARTUP_BEFORE {
            pg_sys::ffi::pg_guard_ffi_boundary(|| before());
        }
        let mut found = false;
        // Only the postmaster comes by here, before it has children.
        let start = pg_sys::ShmemInitStruct(c"pg_tally counters".as_ptr(), SIZE, &mut found);
        std::ptr::write_bytes(start.cast::<u8>(), 0, SIZE);
        SHARED = start.cast::<u8>().add(start.cast::<u8>().align_offset(align_of::<Slot>())).cast();
    }
}

fn slots() -> Option<&'static [Slot]> {
    // SAFETY: set once, before the process does anything else, to memory that lasts as long as the server.
    unsafe { (!SHARED.is_null()).then(|| std::slice::from_raw_parts(SHARED, SLOTS)) }
}

/// Whether anything is counted.
pub fn on() -> bool {
    slots().is_some()
}

/// Database and delta.
fn key(delta: Oid) -> u64 {
    u64::from(own_database()) << 32 | u64::from(delta.to_u32())
}

fn own_database() -> u32 {
    unsafe { pg_sys::MyDatabaseId }.to_u32()
}

/// Whether a view is no more, or its database.
fn is_gone(key: u64) -> bool {
    let (database, delta) = ((key >> 32) as u32, Oid::from(key as u32));
    if database == own_database() { unsafe { pg_sys::get_rel_relkind(delta) == 0 } } else { unsafe { pg_sys::get_database_name(Oid::from(database)).is_null() } }
}

/// Counts a statement that cost so much.
pub fn count(delta: Oid, nanoseconds: u64) {
    if let Some(slots) = slots() {
        counters::count(slots, key(delta), nanoseconds, is_gone);
    }
}

/// Statements and nanoseconds since the server was started.
pub fn read(delta: Oid) -> Option<(u64, u64)> {
    Some(counters::read(slots()?, key(delta)))
}

/// Makes room: the view is gone. If its going is rolled back, it is counted from nothing.
pub fn forget(delta: Oid) {
    if let Some(slots) = slots() {
        counters::forget(slots, key(delta));
    }
}
