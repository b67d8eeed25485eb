//! What the planner cannot know of a view's branches: which of them will run.

use super::encoding::text;
use super::tree::{Visit, list, tag, walk};
use pgrx::pg_sys::{self, NodeTag};

static mut BEFORE: pg_sys::set_rel_pathlist_hook_type = None;

/// To be called once per process.
pub fn register() {
    unsafe {
        BEFORE = pg_sys::set_rel_pathlist_hook;
        pg_sys::set_rel_pathlist_hook = Some(cost_branches);
    }
}

/// How much less a scan is taken to cost whose one-time filter is false now. It may run when the plan is used again.
const NOT_NOW: f64 = 1e-6;

/// A view's definition has a branch that reads the source, which hardly ever runs. Its full cost would decide against parallel
/// plans for the others, and for JIT compilation, which is decided by the sum.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn cost_branches(
    root: *mut pg_sys::PlannerInfo,
    relation: *mut pg_sys::RelOptInfo,
    index: pg_sys::Index,
    entry: *mut pg_sys::RangeTblEntry,
) {
    unsafe {
        if let Some(before) = BEFORE {
            pg_sys::ffi::pg_guard_ffi_boundary(|| before(root, relation, index, entry));
        }
        if !list::<pg_sys::RestrictInfo>((*relation).baserestrictinfo).into_iter().any(|r| (*r).pseudoconstant && is_false_now(root, (*r).clause.cast())) {
            return;
        }
        for path in list::<pg_sys::Path>((*relation).pathlist).into_iter().chain(list((*relation).partial_pathlist)) {
            (*path).startup_cost *= NOT_NOW;
            (*path).total_cost *= NOT_NOW;
            (*path).rows = 1.0;
        }
        (*relation).rows = 1.0;
    }
}

/// The functions that decide which branches run. Others of ours may raise an ERROR, which is for those who run the query.
unsafe fn decides(function: pg_sys::Oid, ours: pg_sys::Oid) -> bool {
    unsafe { pg_sys::get_func_namespace(function) == ours && matches!(text(pg_sys::get_func_name(function)).as_str(), "reading" | "keeps") }
}

unsafe fn is_false_now(root: *mut pg_sys::PlannerInfo, clause: *mut pg_sys::Node) -> bool {
    unsafe {
        let ours = pg_sys::get_namespace_oid(c"tally".as_ptr(), true);
        let mut asks_us = false;
        walk(clause, &mut |n| {
            asks_us |= tag(n) == NodeTag::T_FuncExpr && decides((*n.cast::<pg_sys::FuncExpr>()).funcid, ours);
            Visit::Into
        });
        if !asks_us || ours == pg_sys::InvalidOid || !pg_sys::ActiveSnapshotSet() {
            return false;
        }
        // Stable functions are called for an estimate.
        let value = pg_sys::estimate_expression_value(root, clause);
        tag(value) == NodeTag::T_Const && {
            let value = value.cast::<pg_sys::Const>();
            (*value).constisnull || (*value).constvalue.value() == 0
        }
    }
}
