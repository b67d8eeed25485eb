//! The rows of a query, each as the executor gives it: nothing is stored in between, and the plan may be parallel.

use super::encoding::c;
use super::value::Layout;
use pg_tally_core::hash::hash128_seeded;
use pgrx::pg_sys;

/// A row, valid until the next one.
pub struct Row<'a> {
    pub(super) slot: *mut pg_sys::TupleTableSlot,
    pub(super) layouts: &'a [Layout],
}

impl Row<'_> {
    /// A hash of the bytes of all columns from `first` on, counted from 0. `buffer` is only room to work in.
    pub fn image(&self, first: usize, seed: u64, buffer: &mut Vec<u8>) -> u128 {
        buffer.clear();
        unsafe {
            let slot = self.slot;
            if ((*slot).tts_nvalid as usize) < self.layouts.len() {
                pg_sys::slot_getsomeattrs_int(slot, self.layouts.len() as i32);
            }
            for (i, layout) in self.layouts.iter().enumerate().skip(first) {
                let null = *(*slot).tts_isnull.add(i);
                buffer.push(u8::from(null));
                if !null {
                    layout.stored_image(*(*slot).tts_values.add(i), buffer);
                }
            }
        }
        hash128_seeded(seed, buffer)
    }

    /// The first column, which is a ctid, as a number: in the order of the table.
    pub fn place(&self) -> u64 {
        unsafe {
            let slot = self.slot;
            if (*slot).tts_nvalid < 1 {
                pg_sys::slot_getsomeattrs_int(slot, 1);
            }
            let tid = (*(*slot).tts_values).cast_mut_ptr::<pg_sys::ItemPointerData>().read_unaligned();
            u64::from(tid.ip_blkid.bi_hi) << 32 | u64::from(tid.ip_blkid.bi_lo) << 16 | u64::from(tid.ip_posid)
        }
    }
}

/// For the images of one comparison.
pub fn seed() -> u64 {
    let mut bytes = [0u8; 8];
    // SAFETY: it writes that many bytes.
    if !unsafe { pg_sys::pg_strong_random(bytes.as_mut_ptr().cast(), bytes.len()) } {
        pgrx::error!("could not generate random values");
    }
    u64::from_le_bytes(bytes)
}

/// A `place` as SQL writes a tid.
pub fn tid(place: u64) -> String {
    format!("({},{})", place >> 16, place & 0xFFFF)
}

#[repr(C)]
struct Receiver<'a> {
    base: pg_sys::DestReceiver,
    layouts: Vec<Layout>,
    take: &'a mut dyn FnMut(&Row),
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn start(receiver: *mut pg_sys::DestReceiver, _operation: i32, desc: pg_sys::TupleDesc) {
    unsafe {
        let receiver = &mut *receiver.cast::<Receiver>();
        receiver.layouts = (0..(*desc).natts as usize).map(|i| Layout::of_attribute(desc, i)).collect();
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn receive(slot: *mut pg_sys::TupleTableSlot, receiver: *mut pg_sys::DestReceiver) -> bool {
    unsafe {
        let receiver = &mut *receiver.cast::<Receiver>();
        (receiver.take)(&Row { slot, layouts: &receiver.layouts });
    }
    true
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn nothing(_receiver: *mut pg_sys::DestReceiver) {}

/// Runs one SELECT and shows each of its rows. What `take` is shown may be read while a parallel plan runs, so it must write nothing.
pub fn rows(sql: &str, take: &mut dyn FnMut(&Row)) {
    run(sql, false, take);
}

/// The same in the active snapshot as it is: in a trigger, without what the statement that fired it has changed.
pub fn rows_before(sql: &str, take: &mut dyn FnMut(&Row)) {
    run(sql, true, take);
}

fn run(sql: &str, read_only: bool, take: &mut dyn FnMut(&Row)) {
    let text = c(sql);
    let mut receiver = Receiver {
        base: pg_sys::DestReceiver {
            receiveSlot: Some(receive),
            rStartup: Some(start),
            rShutdown: Some(nothing),
            rDestroy: Some(nothing),
            mydest: pg_sys::CommandDest::DestTuplestore,
        },
        layouts: vec![],
        take,
    };
    // SAFETY: the receiver outlives the execution, and begins with what PostgreSQL knows of it.
    unsafe {
        let options = pg_sys::SPIExecuteOptions { read_only, must_return_tuples: true, dest: (&raw mut receiver).cast(), ..Default::default() };
        pg_sys::SPI_connect();
        let code = pg_sys::SPI_execute_extended(text.as_ptr(), &options);
        if code < 0 {
            pgrx::error!("SPI_execute_extended returned {code}");
        }
        pg_sys::SPI_finish();
    }
}
