//! Databases that are dropped, copied or renamed: our processes make room first. Extensions that are dropped: our processes look whether it was ours.
//!
//! PostgreSQL waits five seconds for other sessions to leave such a database, and tells nobody but autovacuum that it does.

use super::encoding::{c, text};
use super::process;
use super::tree::{list, tag};
use pgrx::pg_sys::{self, NodeTag, Oid};
use std::ffi::{CStr, c_char};

// SAFETY: as PostgreSQL's tcop/utility.h declares it. Called as it is: through the bindings an ERROR would lose its context.
unsafe extern "C-unwind" {
    fn standard_ProcessUtility(
        statement: *mut pg_sys::PlannedStmt,
        source: *const c_char,
        read_only: bool,
        context: pg_sys::ProcessUtilityContext::Type,
        parameters: pg_sys::ParamListInfo,
        environment: *mut pg_sys::QueryEnvironment,
        destination: *mut pg_sys::DestReceiver,
        completion: *mut pg_sys::QueryCompletion,
    );
}

static mut BEFORE: pg_sys::ProcessUtility_hook_type = None;

/// Only a library that is loaded with the server has processes.
pub fn register() {
    unsafe {
        if pg_sys::process_shared_preload_libraries_in_progress {
            BEFORE = pg_sys::ProcessUtility_hook;
            pg_sys::ProcessUtility_hook = Some(utility);
        }
    }
}

/// Nothing here has a destructor: an ERROR of the command jumps over it.
unsafe extern "C-unwind" fn utility(
    statement: *mut pg_sys::PlannedStmt,
    source: *const c_char,
    read_only: bool,
    context: pg_sys::ProcessUtilityContext::Type,
    parameters: pg_sys::ParamListInfo,
    environment: *mut pg_sys::QueryEnvironment,
    destination: *mut pg_sys::DestReceiver,
    completion: *mut pg_sys::QueryCompletion,
) {
    unsafe {
        let command = (*statement).utilityStmt;
        if matches!(tag(command), NodeTag::T_DropdbStmt | NodeTag::T_CreatedbStmt | NodeTag::T_AlterDatabaseStmt | NodeTag::T_RenameStmt | NodeTag::T_DropStmt) {
            pg_sys::submodules::panic::pgrx_extern_c_guard(move || make_room(command));
        }
        match BEFORE {
            Some(before) => before(statement, source, read_only, context, parameters, environment, destination, completion),
            None => standard_ProcessUtility(statement, source, read_only, context, parameters, environment, destination, completion),
        }
    }
}

/// How often the others are looked for; PostgreSQL waits after that.
const LOOKS: usize = 300;

unsafe fn make_room(command: *mut pg_sys::Node) {
    if unsafe { tag(command) == NodeTag::T_DropStmt && (*command.cast::<pg_sys::DropStmt>()).removeType == pg_sys::ObjectType::OBJECT_EXTENSION } {
        process::wake_at_end();
        return;
    }
    let Some(database) = (unsafe { database_of(command) }) else { return };
    if database == process::own_database() || !unsafe { owns(database) } {
        return;
    }
    for _ in 0..LOOKS {
        if !process::end_all_in(database) {
            return;
        }
        process::pause();
    }
}

/// The database that nobody may be connected to.
unsafe fn database_of(command: *mut pg_sys::Node) -> Option<Oid> {
    unsafe {
        let name = match tag(command) {
            NodeTag::T_DropdbStmt => text((*command.cast::<pg_sys::DropdbStmt>()).dbname),
            NodeTag::T_CreatedbStmt => option((*command.cast::<pg_sys::CreatedbStmt>()).options, c"template")?,
            NodeTag::T_AlterDatabaseStmt => {
                let alter = command.cast::<pg_sys::AlterDatabaseStmt>();
                option((*alter).options, c"tablespace")?;
                text((*alter).dbname)
            }
            NodeTag::T_RenameStmt => {
                let rename = command.cast::<pg_sys::RenameStmt>();
                if (*rename).renameType != pg_sys::ObjectType::OBJECT_DATABASE {
                    return None;
                }
                text((*rename).subname)
            }
            _ => return None,
        };
        let name = c(&name);
        Some(pg_sys::get_database_oid(name.as_ptr(), true)).filter(|&oid| oid != Oid::INVALID)
    }
}

unsafe fn option(options: *mut pg_sys::List, name: &CStr) -> Option<String> {
    unsafe {
        let given = list::<pg_sys::DefElem>(options).into_iter().find(|o| CStr::from_ptr((**o).defname) == name)?;
        (!(*given).arg.is_null()).then(|| text(pg_sys::defGetString(given)))
    }
}

unsafe fn owns(database: Oid) -> bool {
    #[cfg(feature = "pg15")]
    unsafe {
        pg_sys::pg_database_ownercheck(database, pg_sys::GetUserId())
    }
    #[cfg(not(feature = "pg15"))]
    unsafe {
        pg_sys::object_ownercheck(Oid::from(pg_sys::DatabaseRelationId), database, pg_sys::GetUserId())
    }
}
