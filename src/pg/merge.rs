//! Two faults of PostgreSQL's that views of partitioned tables must not suffer from.
//!
//! When a MERGE inserts a row and then updates another, the new table of the UPDATE may have the inserted row in the place of the
//! updated one (seen in 16.14, 17.11 and 18.6): PostgreSQL remembers the inserted row, which spares it a conversion, and does not forget it. It remembers none
//! for a partition with a BEFORE ROW INSERT trigger, so the partitions are made to look as if they had one. Those that the
//! MERGE opens only while it runs do not: then the views are put in doubt.
//!
//! When the UPDATE action of a MERGE moves a row to another partition, the row is put into the transition tables of DELETE and INSERT,
//! but the statement triggers of these fire only if the MERGE has such actions too. So that the rows are seen, a MERGE that
//! can move rows of a table with our triggers is made to fire all three.

use super::encoding::text;
use super::tree::{list, tag};
use pgrx::pg_sys::{self, NodeTag};
use std::cell::{Cell, RefCell};

static mut BEFORE: pg_sys::ExecutorStart_hook_type = None;
static mut BEFORE_FINISH: pg_sys::ExecutorFinish_hook_type = None;

thread_local! {
    static LOADED_AT: Cell<i64> = const { Cell::new(0) };
    /// The targets of the MERGEs whose triggers are running.
    static MIXED_UP: RefCell<Vec<pg_sys::Oid>> = const { RefCell::new(vec![]) };
}

const INSERT: i32 = 1;
const UPDATE: i32 = 2;
const DELETE: i32 = 4;
/// Ours, which PostgreSQL does not look at: the MERGE itself inserts.
const INSERTS: i32 = 1 << 8;

/// To be called once per process.
pub fn register() {
    unsafe {
        if !pg_sys::process_shared_preload_libraries_in_progress {
            LOADED_AT.set(pg_sys::GetCurrentStatementStartTimestamp());
        }
        BEFORE = pg_sys::ExecutorStart_hook;
        pg_sys::ExecutorStart_hook = Some(start);
        BEFORE_FINISH = pg_sys::ExecutorFinish_hook;
        pg_sys::ExecutorFinish_hook = Some(finish);
    }
}

// SAFETY: as PostgreSQL's executor/executor.h declares them. Called as they are, by functions without destructors: through the bindings an ERROR, of
// any statement, would lose its context and the names of constraint, table and column.
unsafe extern "C-unwind" {
    fn standard_ExecutorStart(query: *mut pg_sys::QueryDesc, flags: std::ffi::c_int);
    fn standard_ExecutorFinish(query: *mut pg_sys::QueryDesc);
}

/// Fires the triggers of a statement. An ERROR jumps over the end: what it leaves may put views in doubt without need, until the transaction ends.
unsafe extern "C-unwind" fn finish(query: *mut pg_sys::QueryDesc) {
    unsafe {
        let before = pg_sys::submodules::panic::pgrx_extern_c_guard(|| note_mixed_up(query));
        match BEFORE_FINISH {
            Some(before) => before(query),
            None => standard_ExecutorFinish(query),
        }
        pg_sys::submodules::panic::pgrx_extern_c_guard(|| forget_mixed_up(before));
    }
}

/// Gives how many there were before.
unsafe fn note_mixed_up(query: *mut pg_sys::QueryDesc) -> usize {
    unsafe {
        let opened = !(*query).estate.is_null() && !(*(*query).estate).es_tuple_routing_result_relations.is_null();
        let targets = modified_by_merge(query).filter(|state| opened && (**state).mt_merge_subcommands & INSERTS != 0);
        let targets: Vec<pg_sys::Oid> = targets.map(|state| (*(*(*state).rootResultRelInfo).ri_RelationDesc).rd_id).collect();
        MIXED_UP.with_borrow_mut(|mixed_up| {
            let before = mixed_up.len();
            mixed_up.extend(targets);
            before
        })
    }
}

/// All but so many.
pub(super) fn forget_mixed_up(left: usize) {
    MIXED_UP.with_borrow_mut(|mixed_up| mixed_up.truncate(left));
}

/// Whether the UPDATE that a trigger on the table fires for is one of a MERGE that may have mixed up its rows.
pub fn may_have_mixed_up(table: pg_sys::Oid) -> bool {
    MIXED_UP.with(|m| m.borrow().contains(&table))
}

unsafe extern "C-unwind" fn start(query: *mut pg_sys::QueryDesc, flags: std::ffi::c_int) {
    unsafe {
        match BEFORE {
            Some(before) => before(query, flags),
            None => standard_ExecutorStart(query, flags),
        }
        pg_sys::submodules::panic::pgrx_extern_c_guard(|| fire_all(query));
    }
}

unsafe fn fire_all(query: *mut pg_sys::QueryDesc) {
    unsafe {
        for state in modified_by_merge(query).filter(|state| (**state).mt_merge_subcommands & UPDATE != 0) {
            let inserts = if (*state).mt_merge_subcommands & INSERT != 0 { INSERTS } else { 0 };
            (*state).mt_merge_subcommands |= INSERT | DELETE | inserts;
            if inserts != 0 {
                forget_inserted_rows(state);
            }
        }
    }
}

/// The trigger descriptions are the executor's own copies; a BEFORE ROW INSERT trigger is looked for and not found.
unsafe fn forget_inserted_rows(state: *mut pg_sys::ModifyTableState) {
    unsafe {
        for i in 0..(*state).mt_nrels as usize {
            let triggers = (*(*state).resultRelInfo.add(i)).ri_TrigDesc;
            if !triggers.is_null() {
                (*triggers).trig_insert_before_row = true;
            }
        }
    }
}

/// What the query and its WITH queries do by MERGE to partitioned tables with our triggers.
unsafe fn modified_by_merge(query: *mut pg_sys::QueryDesc) -> impl Iterator<Item = *mut pg_sys::ModifyTableState> {
    unsafe {
        let mut nodes: Vec<*mut pg_sys::Node> = vec![];
        if (*query).operation == pg_sys::CmdType::CMD_MERGE && !(*query).planstate.is_null() {
            nodes.push((*query).planstate.cast());
        }
        if (*(*query).plannedstmt).hasModifyingCTE && !(*query).estate.is_null() {
            nodes.extend(list::<pg_sys::Node>((*(*query).estate).es_auxmodifytables));
        }
        let states = nodes.into_iter().filter(|node| tag(*node) == NodeTag::T_ModifyTableState).map(|node| node.cast::<pg_sys::ModifyTableState>());
        states.filter(|state| (**state).operation == pg_sys::CmdType::CMD_MERGE && is_watched((**state).rootResultRelInfo))
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
