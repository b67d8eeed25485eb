//! VACUUM, which runs in transactions of its own.

use pgrx::pg_sys::{self, Oid};
use std::ffi::CString;

/// Vacuums a table. To be called by a process of ours, outside of a transaction; a table that is gone or in use is left alone. `truncate`: give
/// free pages at the table's end back to the system, for which writers may have to wait a moment.
pub fn vacuum(table: Oid, truncate: bool) {
    let truncate = if truncate { "true" } else { "false" };
    let text = CString::new(format!("VACUUM (SKIP_LOCKED, TRUNCATE {truncate})")).unwrap_or_default();
    unsafe {
        // The statement outlives the transaction that it is begun in.
        let context = pg_sys::AllocSetContextCreateExtended(
            pg_sys::TopMemoryContext,
            c"vacuum".as_ptr(),
            pg_sys::ALLOCSET_DEFAULT_MINSIZE as usize,
            pg_sys::ALLOCSET_DEFAULT_INITSIZE as usize,
            pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
        );
        let portal = pg_sys::PortalContext;
        pg_sys::PortalContext = context;
        pg_sys::StartTransactionCommand();
        let before = pg_sys::MemoryContextSwitchTo(context);
        let parsed = super::tree::list::<pg_sys::RawStmt>(pg_sys::raw_parser(text.as_ptr(), pg_sys::RawParseMode::RAW_PARSE_DEFAULT));
        let statement = (*parsed[0]).stmt.cast::<pg_sys::VacuumStmt>();
        // By number: a name may mean something else by now.
        (*statement).rels = pg_sys::lappend(std::ptr::null_mut(), pg_sys::makeVacuumRelation(std::ptr::null_mut(), table, std::ptr::null_mut()).cast());
        pg_sys::ExecVacuum(pg_sys::make_parsestate(std::ptr::null_mut()), statement, true);
        pg_sys::CommitTransactionCommand();
        pg_sys::PortalContext = portal;
        pg_sys::MemoryContextSwitchTo(before);
        pg_sys::MemoryContextDelete(context);
    }
}
