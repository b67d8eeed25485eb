//! Expressions over a table's rows, planned once per session and evaluated row by row without a query around them.

use super::tree::Node;
use pgrx::pg_sys::{self, Datum};

/// Planned expressions; lives until dropped, in a memory context of its own.
pub struct Plan {
    context: pg_sys::MemoryContext,
    qual: *mut pg_sys::List,
    targets: *mut pg_sys::List,
    width: usize,
}

impl Drop for Plan {
    fn drop(&mut self) {
        unsafe { pg_sys::MemoryContextDelete(self.context) };
    }
}

pub(super) unsafe fn new_context(parent: pg_sys::MemoryContext, name: &'static std::ffi::CStr) -> pg_sys::MemoryContext {
    unsafe {
        pg_sys::AllocSetContextCreateInternal(
            parent,
            name.as_ptr(),
            0,
            pg_sys::ALLOCSET_SMALL_INITSIZE as usize,
            pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
        )
    }
}

pub(super) unsafe fn within<R>(context: pg_sys::MemoryContext, work: impl FnOnce() -> R) -> R {
    unsafe {
        let before = pg_sys::MemoryContextSwitchTo(context);
        let result = work();
        pg_sys::MemoryContextSwitchTo(before);
        result
    }
}

impl Plan {
    pub fn new(filter: Option<Node>, columns: &[Node]) -> Plan {
        unsafe {
            let context = new_context(pg_sys::CacheMemoryContext, c"pg_tally expressions");
            within(context, || {
                let planned = |n: Node| pg_sys::expression_planner(pg_sys::copyObjectImpl(n.0.cast()).cast());
                let qual = filter.map_or(std::ptr::null_mut(), |n| pg_sys::make_ands_implicit(planned(n)));
                let mut targets: *mut pg_sys::List = std::ptr::null_mut();
                for (i, n) in columns.iter().enumerate() {
                    let entry = pg_sys::makeTargetEntry(planned(*n), i as i16 + 1, std::ptr::null_mut(), false);
                    targets = pg_sys::lappend(targets, entry.cast());
                }
                Plan { context, qual, targets, width: columns.len() }
            })
        }
    }

    /// The same expressions over a partition or child, whose columns may stand in another order.
    pub fn for_child(&self, parent: &Table, child: &Table) -> Plan {
        unsafe {
            let context = new_context(pg_sys::CacheMemoryContext, c"pg_tally expressions");
            within(context, || {
                #[cfg(feature = "pg15")]
                let map = pg_sys::build_attrmap_by_name(child.desc(), parent.desc());
                #[cfg(not(feature = "pg15"))]
                let map = pg_sys::build_attrmap_by_name(child.desc(), parent.desc(), false);
                let mut whole_row = false;
                let mut mapped = |list: *mut pg_sys::List| -> *mut pg_sys::List {
                    // The mapping shares constants with its input, which belongs to the parent's plan: copy first.
                    let own = pg_sys::copyObjectImpl(list.cast()).cast();
                    pg_sys::map_variable_attnos(own, 1, 0, map, pg_sys::InvalidOid, &mut whole_row).cast()
                };
                Plan { context, qual: mapped(self.qual), targets: mapped(self.targets), width: self.width }
            })
        }
    }

    /// Ready to evaluate over rows of the table; must not outlive the plan.
    pub fn start(&self, table: &Table) -> Projector {
        unsafe {
            within(self.context, || {
                let context = pg_sys::CreateStandaloneExprContext();
                let qual = pg_sys::ExecInitQual(self.qual, std::ptr::null_mut());
                let slot = pg_sys::MakeSingleTupleTableSlot(pg_sys::ExecTypeFromTL(self.targets), &pg_sys::TTSOpsVirtual);
                let projection = pg_sys::ExecBuildProjectionInfo(self.targets, context, slot, std::ptr::null_mut(), table.desc());
                Projector { context, qual, projection, slot, width: self.width }
            })
        }
    }
}

pub struct Projector {
    context: *mut pg_sys::ExprContext,
    qual: *mut pg_sys::ExprState,
    projection: *mut pg_sys::ProjectionInfo,
    slot: *mut pg_sys::TupleTableSlot,
    width: usize,
}

impl Drop for Projector {
    fn drop(&mut self) {
        // While an ERROR unwinds nothing is asked of PostgreSQL; the plan's end frees what is left.
        if !std::thread::panicking() {
            unsafe {
                pg_sys::ExecDropSingleTupleTableSlot(self.slot);
                pg_sys::FreeExprContext(self.context, true);
            }
        }
    }
}

impl Projector {
    /// Shows the values for a row that passes the filter; what that leaves in memory goes with the row.
    pub fn show(&mut self, row: &Row, take: impl FnOnce(Values)) {
        let memory = unsafe { (*self.context).ecxt_per_tuple_memory };
        if let Some(values) = self.project(row) {
            unsafe { within(memory, || take(values)) }
        }
    }

    /// The values for a row, valid until the next call; None if the row does not pass the filter.
    pub fn project(&mut self, row: &Row) -> Option<Values<'_>> {
        unsafe {
            let context = self.context;
            pg_sys::MemoryContextReset((*context).ecxt_per_tuple_memory);
            (*context).ecxt_scantuple = row.slot;
            within((*context).ecxt_per_tuple_memory, || {
                if !self.qual.is_null() {
                    let mut null = false;
                    let passed = evaluate(self.qual, context, &mut null);
                    if null || passed.value() == 0 {
                        return None;
                    }
                }
                let slot = self.slot;
                let clear = (*(*slot).tts_ops).clear;
                if let Some(clear) = clear {
                    clear(slot);
                }
                let mut null = false;
                evaluate(&raw mut (*self.projection).pi_state, context, &mut null);
                (*slot).tts_flags &= !(pg_sys::TTS_FLAG_EMPTY as u16);
                (*slot).tts_nvalid = self.width as i16;
                Some(Values {
                    values: std::slice::from_raw_parts((*slot).tts_values, self.width),
                    nulls: std::slice::from_raw_parts((*slot).tts_isnull, self.width),
                })
            })
        }
    }
}

unsafe fn evaluate(state: *mut pg_sys::ExprState, context: *mut pg_sys::ExprContext, null: &mut bool) -> Datum {
    unsafe {
        match (*state).evalfunc {
            // A user's function may raise an ERROR in there.
            Some(run) => pg_sys::ffi::pg_guard_ffi_boundary(|| run(state, context, null)),
            None => Datum::null(),
        }
    }
}

#[derive(Clone, Copy)]
pub struct Values<'a> {
    pub values: &'a [Datum],
    pub nulls: &'a [bool],
}

/// A table that is open for as long as this lives; its lock stays until the transaction ends.
pub struct Table {
    relation: pg_sys::Relation,
}

impl Drop for Table {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            unsafe { pg_sys::relation_close(self.relation, pg_sys::NoLock as i32) };
        }
    }
}

impl Table {
    /// None if there is no such table (any more).
    pub fn try_open(oid: pg_sys::Oid, lock: u32) -> Option<Table> {
        let relation = unsafe { pg_sys::try_relation_open(oid, lock as i32) };
        // Lazily: a Table made of nothing would close it when it is dropped.
        (!relation.is_null()).then(|| Table { relation })
    }
    /// Open for a look, without a lock that stays.
    pub fn glance<R>(oid: pg_sys::Oid, look: impl FnOnce(&Table) -> R) -> Option<R> {
        let lock = pg_sys::AccessShareLock as i32;
        let relation = unsafe { pg_sys::try_relation_open(oid, lock) };
        (!relation.is_null()).then(|| {
            let result = look(&std::mem::ManuallyDrop::new(Table { relation }));
            unsafe { pg_sys::relation_close(relation, lock) };
            result
        })
    }
    /// A table that the caller has open already, such as a trigger's.
    pub(super) unsafe fn borrowed(relation: pg_sys::Relation) -> std::mem::ManuallyDrop<Table> {
        std::mem::ManuallyDrop::new(Table { relation })
    }
    pub fn oid(&self) -> pg_sys::Oid {
        unsafe { (*self.relation).rd_id }
    }
    pub(super) fn relation(&self) -> pg_sys::Relation {
        self.relation
    }
    pub(super) fn desc(&self) -> pg_sys::TupleDesc {
        unsafe { (*self.relation).rd_att }
    }
    pub fn is_partitioned(&self) -> bool {
        unsafe { (*(*self.relation).rd_rel).relkind as u8 == pg_sys::RELKIND_PARTITIONED_TABLE }
    }
    pub fn columns(&self) -> usize {
        unsafe { (*self.desc()).natts as usize }
    }
    /// Of those that are stored.
    pub fn has_generated_columns(&self) -> bool {
        unsafe {
            let constraints = (*self.desc()).constr;
            !constraints.is_null() && (*constraints).has_generated_stored
        }
    }
    /// A column's default, or what generates it.
    pub fn expression_of(&self, column: i16) -> Option<Node> {
        let node = unsafe { pg_sys::build_column_default(self.relation, i32::from(column)) };
        (!node.is_null()).then_some(Node(node))
    }
    pub fn pages(&self) -> u32 {
        unsafe { pg_sys::RelationGetNumberOfBlocksInFork(self.relation, pg_sys::ForkNumber::MAIN_FORKNUM) }
    }
}

/// A row of a transition table, valid until the next one is fetched.
pub struct Row {
    pub(super) slot: *mut pg_sys::TupleTableSlot,
}
