//! What maintenance costs the writers of each view: counted in shared memory, if the library was loaded with the server.

use pgrx::pg_sys::{self, Oid};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// Views that can be counted at a time, in all databases. Those beyond are maintained as well, but not counted.
const SLOTS: usize = 1024;
/// How far from its place a view may be found.
const REACH: usize = 16;

/// A view's counters have a cache line of their own: views of different tables must not slow each other down.
#[repr(C, align(64))]
struct Slot {
    /// Database and delta; 0: free.
    key: AtomicU64,
    statements: AtomicU64,
    nanoseconds: AtomicU64,
}

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

fn key(delta: Oid) -> u64 {
    u64::from(unsafe { pg_sys::MyDatabaseId }.to_u32()) << 32 | u64::from(delta.to_u32())
}

/// Where a view may be.
fn places(slots: &'static [Slot], key: u64) -> impl Iterator<Item = &'static Slot> {
    let start = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize;
    (0..REACH).map(move |n| &slots[start.wrapping_add(n) % SLOTS])
}

fn find(slots: &'static [Slot], key: u64) -> Option<&'static Slot> {
    places(slots, key).find(|slot| slot.key.load(Relaxed) == key)
}

fn claim(slots: &'static [Slot], key: u64) -> Option<&'static Slot> {
    places(slots, key).find(|slot| slot.key.compare_exchange(0, key, Relaxed, Relaxed).is_ok() || slot.key.load(Relaxed) == key)
}

/// Counts a statement that cost so much.
pub fn count(delta: Oid, nanoseconds: u64) {
    let Some(slots) = slots() else { return };
    let key = key(delta);
    if let Some(slot) = find(slots, key).or_else(|| claim(slots, key)) {
        slot.statements.fetch_add(1, Relaxed);
        slot.nanoseconds.fetch_add(nanoseconds, Relaxed);
    }
}

/// Statements and nanoseconds since the server was started.
pub fn read(delta: Oid) -> Option<(u64, u64)> {
    let found = find(slots()?, key(delta));
    Some(found.map_or((0, 0), |slot| (slot.statements.load(Relaxed), slot.nanoseconds.load(Relaxed))))
}

/// Makes room: the view is gone. If its going is rolled back, it is counted from nothing.
pub fn forget(delta: Oid) {
    if let Some(slot) = slots().and_then(|slots| find(slots, key(delta))) {
        slot.statements.store(0, Relaxed);
        slot.nanoseconds.store(0, Relaxed);
        slot.key.store(0, Relaxed);
    }
}
