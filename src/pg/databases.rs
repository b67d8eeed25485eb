//! The databases of the server, for a process that is connected to none.

use pgrx::pg_sys::{self, Oid};

/// Of a database that DROP DATABASE left half done.
const INVALID: i32 = -2;

/// Those that can be connected to, without templates: a process in a template would keep others from copying it.
pub fn all() -> Vec<Oid> {
    let mut found = vec![];
    unsafe {
        pg_sys::StartTransactionCommand();
        pg_sys::PushActiveSnapshot(pg_sys::GetTransactionSnapshot());
        let relation = pg_sys::table_open(Oid::from(pg_sys::DatabaseRelationId), pg_sys::AccessShareLock as i32);
        let scan = pg_sys::systable_beginscan(relation, Oid::INVALID, false, std::ptr::null_mut(), 0, std::ptr::null_mut());
        loop {
            let tuple = pg_sys::systable_getnext(scan);
            if tuple.is_null() {
                break;
            }
            let row = pg_sys::GETSTRUCT(tuple).cast::<pg_sys::FormData_pg_database>();
            if (*row).datallowconn && !(*row).datistemplate && (*row).datconnlimit != INVALID {
                found.push((*row).oid);
            }
        }
        pg_sys::systable_endscan(scan);
        pg_sys::table_close(relation, pg_sys::AccessShareLock as i32);
        pg_sys::PopActiveSnapshot();
        pg_sys::CommitTransactionCommand();
    }
    found
}
