//! Memory of the Rust side when there is none left: an ERROR of the statement, not the end of the server.
//!
//! Rust aborts the process when an ordinary allocation fails, and then PostgreSQL restarts all sessions. So
//! - what can become large grows through `pg_tally_core::memory`, where a refusal is an error like others;
//! - small requests that the system refuses are served from a reserve that is kept aside, and the function that asked raises the error when it is
//!   done ([`enter`], [`leave`]);
//! - a large request that nobody expected to fail ends the session (FATAL), which gives its locks and memory back as it should.
//!
//! Unwinding out of an allocation, or jumping over the frames that wait for it, is what none of this does: Rust forbids both.

use crate::pg::error::Fail;
use core::alloc::{GlobalAlloc, Layout};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering::Relaxed};
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use std::alloc::System;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One block of the reserve.
const BLOCK: usize = 2 << 20;
/// The largest request that the reserve serves.
const MOST: usize = 1 << 20;
/// How many blocks there can be: what is still in use of one is left where it is, and another taken.
const BLOCKS: usize = 8;
/// Given back to the system before an error is raised: PostgreSQL's own error handling allocates too.
const CUSHION: usize = 1 << 18;

const BLOCK_LAYOUT: Layout = layout(BLOCK);
const CUSHION_LAYOUT: Layout = layout(CUSHION);

const fn layout(size: usize) -> Layout {
    match Layout::from_size_align(size, 4096) {
        Ok(layout) => layout,
        Err(_) => panic!("a size and an alignment of ours"),
    }
}

struct Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// The reserve has served something or the cushion is gone: there is something to be done in [`enter`] or [`leave`].
static USED: AtomicBool = AtomicBool::new(false);
/// Some of what was allocated may lie in the reserve. Never taken back: until then nobody has to look.
static LENT: AtomicBool = AtomicBool::new(false);
/// The session is being ended from within an allocation.
static ENDING: AtomicBool = AtomicBool::new(false);
/// Ends the session. None in programs that are no backend.
static END: AtomicPtr<()> = AtomicPtr::new(null_mut());
static RESERVE: Mutex<Reserve> = Mutex::new(Reserve { blocks: [const { Block { base: null_mut(), next: 0, living: 0 } }; BLOCKS], cushion: null_mut() });

struct Reserve {
    blocks: [Block; BLOCKS],
    cushion: *mut u8,
}

struct Block {
    base: *mut u8,
    next: usize,
    living: usize,
}

// SAFETY: the pointers are to memory that belongs to the reserve alone, which is behind a lock.
unsafe impl Send for Reserve {}

// SAFETY: everything is the system allocator's, except what the reserve lends, which is told apart by its address.
unsafe impl GlobalAlloc for Allocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let got = unsafe { System.alloc(layout) };
        if got.is_null() { refused(layout) } else { got }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let got = unsafe { System.alloc_zeroed(layout) };
        if !got.is_null() {
            return got;
        }
        let got = refused(layout);
        if !got.is_null() {
            unsafe { got.write_bytes(0, layout.size()) };
        }
        got
    }

    #[inline]
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        if !(LENT.load(Relaxed) && take_back(at)) {
            unsafe { System.dealloc(at, layout) }
        }
    }

    #[inline]
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !LENT.load(Relaxed) {
            let got = unsafe { System.realloc(at, layout, size) };
            if !got.is_null() {
                return got;
            }
        }
        unsafe { self.move_to(at, layout, size) }
    }
}

impl Allocator {
    #[cold]
    unsafe fn move_to(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        unsafe {
            let got = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !got.is_null() {
                core::ptr::copy_nonoverlapping(at, got, layout.size().min(size));
                self.dealloc(at, layout);
            }
            got
        }
    }
}

fn reserve() -> MutexGuard<'static, Reserve> {
    RESERVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the system does not give. Null: nobody does, and who asked knows what to do.
#[cold]
fn refused(layout: Layout) -> *mut u8 {
    if pg_tally_core::memory::is_refusable() {
        return null_mut();
    }
    if layout.size() <= MOST
        && let Some(at) = reserve().lend(layout)
    {
        return at;
    }
    let end = END.load(Relaxed);
    if !end.is_null() && !ENDING.swap(true, Relaxed) {
        reserve().drop_cushion();
        // SAFETY: only `set_aside` sets it.
        let end = unsafe { core::mem::transmute::<*mut (), fn() -> !>(end) };
        end();
    }
    null_mut()
}

#[cold]
fn take_back(at: *mut u8) -> bool {
    reserve().take_back(at)
}

impl Reserve {
    fn lend(&mut self, layout: Layout) -> Option<*mut u8> {
        let block = self.blocks.iter_mut().find(|block| block.fits(layout))?;
        let start = block.start(layout);
        block.next = start + layout.size();
        block.living += 1;
        USED.store(true, Relaxed);
        LENT.store(true, Relaxed);
        // SAFETY: within the block, as `fits` found.
        Some(unsafe { block.base.add(start) })
    }

    fn take_back(&mut self, at: *mut u8) -> bool {
        let of = |block: &&mut Block| !block.base.is_null() && (at as usize).wrapping_sub(block.base as usize) < BLOCK;
        match self.blocks.iter_mut().find(of) {
            Some(block) => {
                block.living -= 1;
                if block.living == 0 {
                    block.next = 0;
                }
                true
            }
            None => false,
        }
    }

    fn drop_cushion(&mut self) {
        if !self.cushion.is_null() {
            // SAFETY: allocated so in `fill`.
            unsafe { System.dealloc(self.cushion, CUSHION_LAYOUT) };
            self.cushion = null_mut();
            USED.store(true, Relaxed);
        }
    }

    /// Makes the reserve whole again. false: the system has not enough for it.
    fn fill(&mut self) -> bool {
        if self.cushion.is_null() {
            // SAFETY: of a size that is not zero.
            self.cushion = unsafe { System.alloc(CUSHION_LAYOUT) };
        }
        let rested = self.blocks.iter().any(|block| !block.base.is_null() && block.next <= BLOCK / 2);
        if !rested && let Some(block) = self.blocks.iter_mut().find(|block| block.base.is_null()) {
            // SAFETY: of a size that is not zero.
            block.base = unsafe { System.alloc(BLOCK_LAYOUT) };
        }
        let full = !self.cushion.is_null() && self.blocks.iter().any(|block| !block.base.is_null() && block.next <= BLOCK / 2);
        USED.store(!full, Relaxed);
        full
    }
}

impl Block {
    fn start(&self, layout: Layout) -> usize {
        // The base is aligned to a page, and nothing here asks for more.
        self.next.next_multiple_of(layout.align())
    }

    fn fits(&self, layout: Layout) -> bool {
        !self.base.is_null() && layout.align() <= BLOCK_LAYOUT.align() && self.start(layout) + layout.size() <= BLOCK
    }
}

/// Takes the reserve from the system, once for a process.
pub fn set_aside() {
    END.store(end_session as fn() -> ! as *mut (), Relaxed);
    reserve().fill();
}

fn end_session() -> ! {
    out_of_memory().fatal()
}

/// Is the session ended in the middle of something, so that no value can be relied upon to be whole?
pub fn is_ending() -> bool {
    ENDING.load(Relaxed)
}

pub fn out_of_memory() -> Fail {
    Fail::new(PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY, "out of memory")
        .hint("Give the statement less to do at once, or this server more memory.")
}

/// At the beginning of what PostgreSQL calls: what an earlier error left is put in order.
#[inline]
pub fn enter() -> Result<(), Fail> {
    if USED.load(Relaxed) { refill() } else { Ok(()) }
}

/// At the end, and at any other point where an error may be raised: were there allocations that only the reserve could serve?
#[inline]
pub fn leave() -> Result<(), Fail> {
    if USED.load(Relaxed) { Err(give_up()) } else { Ok(()) }
}

#[cold]
fn refill() -> Result<(), Fail> {
    if reserve().fill() { Ok(()) } else { Err(give_up()) }
}

#[cold]
fn give_up() -> Fail {
    reserve().drop_cushion();
    out_of_memory()
}

/// On the way of an error: lets PostgreSQL have the cushion, since the error may be that it had no memory.
pub struct Cushion;

impl Drop for Cushion {
    #[cold]
    fn drop(&mut self) {
        reserve().drop_cushion();
    }
}
