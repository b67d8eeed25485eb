//! The rows that a statement added and removed, as its triggers get them.

use super::call::Call;
use super::expr::{Row, Table};
use super::value::Layout;
use pgrx::pg_sys;
use std::mem::ManuallyDrop;

/// Of what the trigger fired.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Event {
    Insert,
    Update,
    Delete,
    Truncate,
}

/// The context of a trigger: what changed, by a statement or in one row.
pub struct Change {
    data: *mut pg_sys::TriggerData,
}

impl Change {
    /// None unless called as such a trigger.
    pub fn of(call: &Call) -> Option<Change> {
        unsafe {
            let context = (*call.fcinfo()).context;
            if context.is_null() || (*context).type_ != pg_sys::NodeTag::T_TriggerData {
                return None;
            }
            let data = context.cast::<pg_sys::TriggerData>();
            let change = Change { data };
            (change.timing() == pg_sys::TRIGGER_EVENT_AFTER || change.is_to_come()).then_some(change)
        }
    }

    fn timing(&self) -> u32 {
        unsafe { (*self.data).tg_event & pg_sys::TRIGGER_EVENT_TIMINGMASK }
    }

    /// A TRUNCATE that has its locks and has done nothing yet.
    pub fn is_to_come(&self) -> bool {
        self.timing() == pg_sys::TRIGGER_EVENT_BEFORE && self.event() == Event::Truncate
    }

    fn of_row(&self) -> bool {
        unsafe { (*self.data).tg_event & pg_sys::TRIGGER_EVENT_ROW != 0 }
    }

    /// Logical replication changes rows without statements: in its workers row triggers count, everywhere else statement triggers do.
    pub fn counts(&self) -> bool {
        self.event() == Event::Truncate || self.of_row() == unsafe { pg_sys::IsLogicalWorker() }
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
        unsafe {
            let data = &*self.data;
            match (self.of_row(), self.event()) {
                (true, Event::Insert) => None,
                (true, _) => Some(Rows::one(data.tg_trigslot)),
                (false, _) => Rows::of_store(data.tg_oldtable, &self.table()),
            }
        }
    }
    pub fn new_rows(&self) -> Option<Rows> {
        unsafe {
            let data = &*self.data;
            match (self.of_row(), self.event()) {
                (true, Event::Insert) => Some(Rows::one(data.tg_trigslot)),
                (true, Event::Update) => Some(Rows::one(data.tg_newslot)),
                (true, _) => None,
                (false, _) => Rows::of_store(data.tg_newtable, &self.table()),
            }
        }
    }
}

pub struct Rows {
    from: From,
    row: Row,
}

enum From {
    /// A transition table, with a read pointer of our own: other triggers read the same rows.
    Store(*mut pg_sys::Tuplestorestate, i32),
    /// The trigger's own row, until it has been fetched.
    One(bool),
}

impl Drop for Rows {
    fn drop(&mut self) {
        if matches!(self.from, From::Store(..)) && !std::thread::panicking() {
            unsafe { pg_sys::ExecDropSingleTupleTableSlot(self.row.slot) };
        }
    }
}

impl Rows {
    fn one(slot: *mut pg_sys::TupleTableSlot) -> Rows {
        Rows { from: From::One(true), row: Row { slot } }
    }

    unsafe fn of_store(store: *mut pg_sys::Tuplestorestate, table: &Table) -> Option<Rows> {
        unsafe {
            if store.is_null() {
                return None;
            }
            let pointer = pg_sys::tuplestore_alloc_read_pointer(store, pg_sys::EXEC_FLAG_REWIND as i32);
            pg_sys::tuplestore_select_read_pointer(store, pointer);
            pg_sys::tuplestore_rescan(store);
            let slot = pg_sys::MakeSingleTupleTableSlot(table.desc(), &pg_sys::TTSOpsMinimalTuple);
            Some(Rows { from: From::Store(store, pointer), row: Row { slot } })
        }
    }

    pub fn next(&mut self) -> Option<&Row> {
        let more = match &mut self.from {
            From::Store(store, pointer) => unsafe {
                pg_sys::tuplestore_select_read_pointer(*store, *pointer);
                pg_sys::tuplestore_gettupleslot(*store, true, false, self.row.slot)
            },
            From::One(left) => std::mem::replace(left, false),
        };
        more.then_some(&self.row)
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

    /// Shows another value, which must stay where it is, in a column until the next row is fetched.
    pub fn set(&self, number: i16, value: pg_sys::Datum, null: bool) {
        unsafe {
            let (slot, i) = (self.slot, number as usize - 1);
            let all = (*(*slot).tts_tupleDescriptor).natts;
            if i32::from((*slot).tts_nvalid) < all {
                pg_sys::slot_getsomeattrs_int(slot, all);
            }
            *(*slot).tts_values.add(i) = value;
            *(*slot).tts_isnull.add(i) = null;
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
