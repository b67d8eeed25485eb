//! Counters that many processes add to without a lock: a table of fixed size, in memory that they share.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// How far from its place a key may be found.
const REACH: usize = 16;

/// A key's counters have a cache line of their own: those of different keys must not slow each other down. All zero is a free one.
#[repr(C, align(64))]
#[derive(Default)]
pub struct Slot {
    /// 0: free.
    key: AtomicU64,
    times: AtomicU64,
    nanoseconds: AtomicU64,
}

impl Slot {
    fn has(&self, key: u64) -> bool {
        self.key.load(Relaxed) == key
    }

    /// Takes it over from another key, or from none. What others count meanwhile may be lost.
    fn take(&self, from: u64, key: u64) -> bool {
        let taken = self.key.compare_exchange(from, key, Relaxed, Relaxed).is_ok();
        if taken && from != 0 {
            self.clear();
        }
        taken || self.has(key)
    }

    fn clear(&self) {
        self.times.store(0, Relaxed);
        self.nanoseconds.store(0, Relaxed);
    }
}

/// Where a key may be.
fn places(slots: &[Slot], key: u64) -> impl Iterator<Item = &Slot> {
    let start = (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32) as usize;
    (0..REACH.min(slots.len())).map(move |n| &slots[start.wrapping_add(n) % slots.len()])
}

fn find(slots: &[Slot], key: u64) -> Option<&Slot> {
    places(slots, key).find(|slot| slot.has(key))
}

/// Counts one time, which took so long. A key that has no place yet gets a free one, or that of one that `is_gone`; else it is not counted. A key is not 0.
pub fn count(slots: &[Slot], key: u64, nanoseconds: u64, is_gone: impl Fn(u64) -> bool) {
    let free = || places(slots, key).find(|slot| slot.take(0, key));
    let gone = || {
        places(slots, key).find(|slot| {
            let old = slot.key.load(Relaxed);
            is_gone(old) && slot.take(old, key)
        })
    };
    if let Some(slot) = find(slots, key).or_else(free).or_else(gone) {
        slot.times.fetch_add(1, Relaxed);
        slot.nanoseconds.fetch_add(nanoseconds, Relaxed);
    }
}

/// How many times a key was counted, and how long they took.
pub fn read(slots: &[Slot], key: u64) -> (u64, u64) {
    find(slots, key).map_or((0, 0), |slot| (slot.times.load(Relaxed), slot.nanoseconds.load(Relaxed)))
}

/// Makes room.
pub fn forget(slots: &[Slot], key: u64) {
    if let Some(slot) = find(slots, key) {
        slot.clear();
        slot.key.store(0, Relaxed);
    }
}
