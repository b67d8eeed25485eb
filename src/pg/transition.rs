//! The rows that a statement added and removed, as its triggers get them.

use super::call::Call;
use super::expr::{Row, Table};
use super::value::Layout;
use pgrx::pg_sys;
use std::mem::ManuallyDrop;

/// Which trigger fired.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    Insert,
    Update,
    Delete,
    Truncate,
}

/// The context of a statement-level AFTER trigger.
pub struct Statement {
    data: *mut pg_sys::TriggerData,
}

impl Statement {
    /// None unless called as such a trigger.
    pub fn of(call: &Call) -> Option<Statement> {
        unsafe {
            let context = (*call.fcinfo()).context;
            if context.is_null() || (*context).type_ != pg_sys::NodeTag::T_TriggerData {
                return None;
            }
            let data = context.cast::<pg_sys::TriggerData>();
            let event = (*data).tg_event;
            let row_level = event & pg_sys::TRIGGER_EVENT_ROW != 0;
            let after = event & pg_sys::TRIGGER_EVENT_TIMINGMASK == pg_sys::TRIGGER_EVENT_AFTER;
            (!row_level && after).then_some(Statement { data })
        }
    }

    pub fn event(&self) -> Event {
        match unsafe { (*self.data).tg_event } & pg_sys::TRIGGER_EVENT_OPMASK {
            pg_sys::TRIGGER_EVENT_INSERT => Event::Insert,
            pg_sys::TRIGGER_EVENT_UPDATE => Event::Update,
            pg_sys::TRIGGER_EVENT_DELETE => Event::Delete,
            _ => Event::Truncate,
        }
    }

    pub fn table(&self) -> ManuallyDrop<Table> {
        unsafe { Table::borrowed((*self.data).tg_relation) }
    }

    pub fn old_rows(&self) -> Option<Rows> {
        unsafe { Rows::new((*self.data).tg_oldtable, &self.table()) }
    }
    pub fn new_rows(&self) -> Option<Rows> {
        unsafe { Rows::new((*self.data).tg_newtable, &self.table()) }
    }
}

pub struct Rows {
    store: *mut pg_sys::Tuplestorestate,
    pointer: i32,
    row: Row,
}

impl Drop for Rows {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            unsafe { pg_sys::ExecDropSingleTupleTableSlot(self.row.slot) };
        }
    }
}

impl Rows {
    unsafe fn new(store: *mut pg_sys::Tuplestorestate, table: &Table) -> Option<Rows> {
        unsafe {
            if store.is_null() {
                return None;
            }
            // A read pointer of our own: other triggers read the same rows.
            let pointer = pg_sys::tuplestore_alloc_read_pointer(store, pg_sys::EXEC_FLAG_REWIND as i32);
            pg_sys::tuplestore_select_read_pointer(store, pointer);
            pg_sys::tuplestore_rescan(store);
            let slot = pg_sys::MakeSingleTupleTableSlot(table.desc(), &pg_sys::TTSOpsMinimalTuple);
            Some(Rows { store, pointer, row: Row { slot } })
        }
    }

    pub fn next(&mut self) -> Option<&Row> {
        unsafe {
            pg_sys::tuplestore_select_read_pointer(self.store, self.pointer);
            pg_sys::tuplestore_gettupleslot(self.store, true, false, self.row.slot).then_some(&self.row)
        }
    }

    pub fn current(&self) -> &Row {
        &self.row
    }
}

impl Row {
    /// Whether two rows have the same bytes in a column.
    pub fn same(&self, other: &Row, layout: &Layout) -> bool {
        unsafe {
            let (a, b) = (self.column(layout.number), other.column(layout.number));
            match (a, b) {
                (None, None) => true,
                (Some(a), Some(b)) => layout.image_equal(a, b),
                _ => false,
            }
        }
    }

    unsafe fn column(&self, number: i16) -> Option<pg_sys::Datum> {
        unsafe {
            let (slot, i) = (self.slot, number as usize - 1);
            if (*slot).tts_nvalid < number {
                pg_sys::slot_getsomeattrs_int(slot, i32::from(number));
            }
            (!*(*slot).tts_isnull.add(i)).then(|| *(*slot).tts_values.add(i))
        }
    }
}
