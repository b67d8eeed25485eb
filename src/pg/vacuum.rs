//! VACUUM, which runs in transactions of its own.

use pgrx::pg_sys;
use std::ffi::CString;

/// Vacuums a table, which the current user must own. To be called by a process of ours, outside of a transaction. `truncate`: give free
/// pages at the table's end back to the system, for which writers may have to wait a moment.
pub fn vacuum(table: &str, truncate: bool) {
    let truncate = if truncate { "true" } else { "false" };
    let text = CString::new(format!("VACUUM (ANALYZE false, SKIP_LOCKED, TRUNCATE {truncate}) {table}")).unwrap_or_default();
    unsafe {
        // The statement outlives the transaction that it is begun in.
        let context = pg_sys::AllocSetContextCreateExtended(
            pg_sys::TopMemoryContext,
            c"vacuum".as_ptr(),
            pg_sys::ALLOCSET_DEFAULT_MINSIZE as usize,
            pg_sys::ALLOCSET_DEFAULT_INITSIZE as usize,
            pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
        );
        let before = pg_sys::MemoryContextSwitchTo(context);
        pg_sys::StartTransactionCommand();
        pg_sys::MemoryContextSwitchTo(context);
        let portal = pg_sys::PortalContext;
        pg_sys::PortalContext = context;
        let statements = pg_sys::raw_parser(text.as_ptr(), pg_sys::RawParseMode::RAW_PARSE_DEFAULT);
        let statement = super::tree::list::<pg_sys::RawStmt>(statements);
        let pstate = pg_sys::make_parsestate(std::ptr::null_mut());
        pg_sys::ExecVacuum(pstate, (*statement[0]).stmt.cast(), true);
        pg_sys::PortalContext = portal;
        pg_sys::CommitTransactionCommand();
        pg_sys::MemoryContextSwitchTo(before);
        pg_sys::MemoryContextDelete(context);
    }
}
