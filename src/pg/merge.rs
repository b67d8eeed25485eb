//! A gap of PostgreSQL's that views of partitioned tables must not fall into.
//!
//! When the UPDATE action of a MERGE moves a row to another partition, the row is put into the transition tables of DELETE and INSERT,
//! but the statement triggers of these fire only if the MERGE has such actions too. So that the rows are seen, a MERGE that
//! can move rows of a table with our triggers is made to fire all three.

use super::tree::{list, tag, text};
use pgrx::pg_sys::{self, NodeTag};
use std::cell::Cell;

static mut BEFORE: pg_sys::ExecutorStart_hook_type = None;

thread_local! {
    static LOADED_AT: Cell<i64> = const { Cell::new(0) };
}

const INSERT: i32 = 1;
const UPDATE: i32 = 2;
const DELETE: i32 = 4;

/// To be called once per process.
pub fn register() {
    unsafe {
        if !pg_sys::process_shared_preload_libraries_in_progress {
            LOADED_AT.set(pg_sys::GetCurrentStatementStartTimestamp());
        }
        BEFORE = pg_sys::ExecutorStart_hook;
        pg_sys::ExecutorStart_hook = Some(start);
    }
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn start(query: *mut pg_sys::QueryDesc, flags: std::ffi::c_int) {
    unsafe {
        match BEFORE {
            Some(before) => pg_sys::ffi::pg_guard_ffi_boundary(|| before(query, flags)),
            None => pg_sys::standard_ExecutorStart(query, flags),
        }
        let command = (*query).operation;
        if command == pg_sys::CmdType::CMD_MERGE && !(*query).planstate.is_null() {
            fire_all((*query).planstate.cast());
        }
        if (*(*query).plannedstmt).hasModifyingCTE && !(*query).estate.is_null() {
            list::<pg_sys::Node>((*(*query).estate).es_auxmodifytables).into_iter().for_each(|n| fire_all(n));
        }
    }
}

unsafe fn fire_all(state: *mut pg_sys::Node) {
    unsafe {
        if tag(state) != NodeTag::T_ModifyTableState {
            return;
        }
        let state = state.cast::<pg_sys::ModifyTableState>();
        if (*state).operation == pg_sys::CmdType::CMD_MERGE && (*state).mt_merge_subcommands & UPDATE != 0 && is_watched((*state).rootResultRelInfo) {
            (*state).mt_merge_subcommands |= INSERT | DELETE;
        }
    }
}

/// A partitioned table with our triggers.
unsafe fn is_watched(target: *mut pg_sys::ResultRelInfo) -> bool {
    unsafe {
        let triggers = (*target).ri_TrigDesc;
        let partitioned = (*(*(*target).ri_RelationDesc).rd_rel).relkind as u8 == pg_sys::RELKIND_PARTITIONED_TABLE;
        partitioned
            && !triggers.is_null()
            && (0..(*triggers).numtriggers as usize).any(|i| {
                let function = (*(*triggers).triggers.add(i)).tgfoid;
                text(pg_sys::get_func_name(function)) == "maintain" && text(pg_sys::get_namespace_name(pg_sys::get_func_namespace(function))) == "tally"
            })
    }
}

/// Whether the running statement began before this library was there to look at it, and may be such a MERGE.
pub fn may_have_missed() -> bool {
    unsafe {
        if LOADED_AT.get() == 0 || LOADED_AT.get() != pg_sys::GetCurrentStatementStartTimestamp() {
            return false;
        }
        let portal = pg_sys::ActivePortal;
        let statements = if portal.is_null() { vec![] } else { list::<pg_sys::PlannedStmt>((*portal).stmts) };
        let [only] = statements[..] else { return true };
        (*only).commandType != pg_sys::CmdType::CMD_UPDATE || (*only).hasModifyingCTE
    }
}
