//! What a snapshot sees in a view's delta, asked without a query: part of every reading of a view, so it must cost nothing.

use super::expr::Table;
use super::tree::text;
use pgrx::pg_sys;

/// Some row is pending.
pub const PENDING: i32 = 1;
/// Some group may be in doubt.
pub const DOUBT: i32 = 2;
/// Some pending row has a NULL key.
pub const NULL_KEY: i32 = 4;
/// The view is not filled, or all of it is in doubt.
pub const SOURCE: i32 = 8;

/// What the active snapshot sees, which in a query is the query's own.
pub fn reading(delta: &Table, filled: &Table, kept: Option<&Table>) -> i32 {
    let mut found = if rows(filled, |_, _| true) { 0 } else { SOURCE };
    if kept.is_some_and(|kept| rows(kept, |_, _| true)) {
        found |= PENDING;
    }
    let columns = Columns::of(delta);
    let all = PENDING | DOUBT | NULL_KEY | SOURCE;
    rows(delta, |values, nulls| {
        found |= columns.bits(values, nulls);
        found == all
    });
    found
}

/// Which columns of delta tell what.
struct Columns {
    keys: Vec<usize>,
    removed: Vec<usize>,
}

const DOUBT_COLUMN: usize = 2;

impl Columns {
    fn of(delta: &Table) -> Columns {
        let (mut keys, mut removed) = (vec![], vec![]);
        for i in 0..delta.columns() {
            let name = unsafe { text((&raw const (*super::compat::attribute(delta.desc(), i)).attname.data).cast()) };
            if name.ends_with("_removed") {
                removed.push(i);
            } else if name.strip_prefix('k').is_some_and(|n| n.parse::<u32>().is_ok()) {
                keys.push(i);
            }
        }
        Columns { keys, removed }
    }

    fn bits(&self, values: &[pg_sys::Datum], nulls: &[bool]) -> i32 {
        let doubt = values[DOUBT_COLUMN].value() as i16;
        if doubt > 1 {
            return PENDING | SOURCE;
        }
        let some = |columns: &[usize], null: bool, bit: i32| if columns.iter().any(|c| nulls[*c] == null) { bit } else { 0 };
        PENDING | if doubt == 1 { DOUBT } else { 0 } | some(&self.removed, false, DOUBT) | some(&self.keys, true, NULL_KEY)
    }
}

/// Shows each row to `look` until it says enough; says whether it did.
fn rows(table: &Table, mut look: impl FnMut(&[pg_sys::Datum], &[bool]) -> bool) -> bool {
    unsafe {
        let flags = pg_sys::ScanOptions::SO_TYPE_SEQSCAN | pg_sys::ScanOptions::SO_ALLOW_STRAT | pg_sys::ScanOptions::SO_ALLOW_PAGEMODE;
        let scan = pg_sys::heap_beginscan(table.relation(), pg_sys::GetActiveSnapshot(), 0, std::ptr::null_mut(), std::ptr::null_mut(), flags);
        let (mut values, mut nulls) = (vec![pg_sys::Datum::null(); table.columns()], vec![false; table.columns()]);
        let mut enough = false;
        while !enough {
            let tuple = pg_sys::heap_getnext(scan, pg_sys::ScanDirection::ForwardScanDirection);
            if tuple.is_null() {
                break;
            }
            pg_sys::heap_deform_tuple(tuple, table.desc(), values.as_mut_ptr(), nulls.as_mut_ptr());
            enough = look(&values, &nulls);
        }
        pg_sys::heap_endscan(scan);
        enough
    }
}
