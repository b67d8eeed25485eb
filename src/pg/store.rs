//! Rows put aside for later, in memory or in a temporary file.

use super::encoding::c;
use super::expr::{Table, within};
use super::stream::Row;
use super::value::Layout;
use pgrx::pg_sys::{self, Datum};

/// Where stores are made that outlive the query whose rows they take.
#[derive(Clone, Copy)]
pub struct Place(pg_sys::MemoryContext);

impl Place {
    /// Until what the caller does now is done.
    pub fn here() -> Place {
        Place(unsafe { pg_sys::CurrentMemoryContext })
    }
}

pub struct Store {
    state: *mut pg_sys::Tuplestorestate,
    rows: u64,
}

impl Drop for Store {
    fn drop(&mut self) {
        // While an ERROR unwinds the transaction's abort frees it.
        if !std::thread::panicking() {
            unsafe { pg_sys::tuplestore_end(self.state) };
        }
    }
}

impl Store {
    /// What needs more than `kilobytes` goes to a file.
    pub fn new(place: Place, kilobytes: i32) -> Store {
        Store { state: unsafe { within(place.0, || pg_sys::tuplestore_begin_heap(false, false, kilobytes)) }, rows: 0 }
    }

    pub fn put(&mut self, row: &Row) {
        unsafe { pg_sys::tuplestore_puttupleslot(self.state, row.slot) };
        self.rows += 1;
    }

    pub fn len(&self) -> u64 {
        self.rows
    }

    /// Shows each row; they are rows of this table.
    pub fn each(self, table: &Table, take: &mut dyn FnMut(&Row)) {
        unsafe { self.scan(table.desc(), take) }
    }

    unsafe fn scan(self, desc: pg_sys::TupleDesc, take: &mut dyn FnMut(&Row)) {
        unsafe {
            let layouts: Vec<Layout> = (0..(*desc).natts as usize).map(|i| Layout::of_attribute(desc, i)).collect();
            let slot = pg_sys::MakeSingleTupleTableSlot(desc, &pg_sys::TTSOpsMinimalTuple);
            pg_sys::tuplestore_rescan(self.state);
            while pg_sys::tuplestore_gettupleslot(self.state, true, false, slot) {
                pgrx::check_for_interrupts!();
                take(&Row { slot, layouts: &layouts });
            }
            pg_sys::ExecDropSingleTupleTableSlot(slot);
        }
    }

    /// Runs a statement that reads the rows as a relation of this name; they are rows of the table.
    pub fn execute_with(&self, name: &str, table: &Table, sql: &str) -> u64 {
        let (name, text) = (c(name), c(sql));
        // SAFETY: what is registered outlives the connection.
        unsafe {
            let mut relation = pg_sys::EphemeralNamedRelationData::default();
            relation.md.name = name.as_ptr().cast_mut();
            relation.md.reliddesc = table.oid();
            relation.md.enrtype = pg_sys::EphemeralNameRelationType::ENR_NAMED_TUPLESTORE;
            relation.md.enrtuples = self.rows as f64;
            relation.reldata = self.state.cast();
            pg_sys::SPI_connect();
            pg_sys::SPI_register_relation(&mut relation);
            let code = pg_sys::SPI_execute(text.as_ptr(), false, 0);
            if code < 0 {
                pgrx::error!("SPI_execute returned {code}");
            }
            let processed = pg_sys::SPI_processed;
            pg_sys::SPI_finish();
            processed
        }
    }
}

/// Images and places, put aside.
pub struct Images(Store);

impl Images {
    pub fn new(place: Place, kilobytes: i32) -> Images {
        Images(Store::new(place, kilobytes))
    }

    fn desc() -> pg_sys::TupleDesc {
        unsafe {
            let desc = pg_sys::CreateTemplateTupleDesc(3);
            (1..=3).for_each(|i| pg_sys::TupleDescInitEntry(desc, i, c"".as_ptr(), pg_sys::INT8OID, -1, 0));
            desc
        }
    }

    pub fn put(&mut self, all: impl IntoIterator<Item = (u128, u64)>) {
        let desc = Images::desc();
        for (image, place) in all {
            let mut values = [image as u64, (image >> 64) as u64, place].map(|word| Datum::from(word as usize));
            unsafe { pg_sys::tuplestore_putvalues(self.0.state, desc, values.as_mut_ptr(), [false; 3].as_mut_ptr()) };
        }
        unsafe { pg_sys::FreeTupleDesc(desc) };
    }

    pub fn each(self, take: &mut dyn FnMut(u128, u64)) {
        unsafe {
            self.0.scan(Images::desc(), &mut |row| {
                pg_sys::slot_getsomeattrs_int(row.slot, 3);
                let word = |i: usize| (*(*row.slot).tts_values.add(i)).value() as u64;
                take(u128::from(word(0)) | u128::from(word(1)) << 64, word(2));
            })
        }
    }
}
