//! Appending rows to a table of ours, without a query.

use super::expr::Table;
use pgrx::pg_sys::{self, Datum};

/// Appends rows in the name of the running command. The table has no indexes, triggers or constraints to look after.
pub struct Appender<'a> {
    table: &'a Table,
    command: pg_sys::CommandId,
}

impl<'a> Appender<'a> {
    pub fn new(table: &'a Table) -> Appender<'a> {
        Appender { table, command: unsafe { pg_sys::GetCurrentCommandId(true) } }
    }

    pub fn append(&mut self, values: &mut [Datum], nulls: &mut [bool]) {
        if values.len() != self.table.columns() {
            pgrx::error!("a row of {} columns does not fit the delta table", values.len());
        }
        unsafe {
            let tuple = pg_sys::heap_form_tuple(self.table.desc(), values.as_mut_ptr(), nulls.as_mut_ptr());
            pg_sys::heap_insert(self.table.relation(), tuple, self.command, 0, std::ptr::null_mut());
            pg_sys::heap_freetuple(tuple);
        }
    }
}

impl Appender<'_> {
    /// As `append`; None is NULL.
    pub fn append_row(&mut self, row: &[Option<Datum>]) {
        let mut values: Vec<Datum> = row.iter().map(|v| v.unwrap_or(Datum::null())).collect();
        let mut nulls: Vec<bool> = row.iter().map(Option::is_none).collect();
        self.append(&mut values, &mut nulls);
    }
}
