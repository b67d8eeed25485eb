//! PostgreSQL's planner, and one thing that it cannot know.

use pgrx::pg_sys;

static mut BEFORE: pg_sys::planner_hook_type = None;

/// To be called once per process.
pub fn register() {
    unsafe {
        BEFORE = pg_sys::planner_hook;
        pg_sys::planner_hook = Some(plan);
    }
}

/// A view's definition has branches that hardly ever run, and their cost is that of reading the source. JIT compilation is
/// decided by the sum of all costs, so that reading a small view of a large source would compile for longer than it runs.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn plan(
    query: *mut pg_sys::Query,
    text: *const std::ffi::c_char,
    options: std::ffi::c_int,
    parameters: pg_sys::ParamListInfo,
) -> *mut pg_sys::PlannedStmt {
    unsafe {
        let statement = match BEFORE {
            Some(before) => pg_sys::ffi::pg_guard_ffi_boundary(|| before(query, text, options, parameters)),
            None => pg_sys::standard_planner(query, text, options, parameters),
        };
        if (*statement).jitFlags != 0 && reads_a_view((*statement).relationOids) {
            (*statement).jitFlags = 0;
        }
        statement
    }
}

unsafe fn reads_a_view(relations: *mut pg_sys::List) -> bool {
    unsafe {
        let ours = pg_sys::get_namespace_oid(c"tally_data".as_ptr(), true);
        ours != pg_sys::InvalidOid
            && !relations.is_null()
            && (0..(*relations).length as usize).any(|i| pg_sys::get_rel_namespace((*(*relations).elements.add(i)).oid_value) == ours)
    }
}
