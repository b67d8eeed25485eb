//! What a snapshot sees in a view's delta and horizon, asked without a query: part of every reading of a view, so it must cost nothing.

use super::expr::Table;
use super::encoding::text;
use pgrx::pg_sys;
use std::cell::RefCell;
use std::collections::HashMap;

/// Some row is pending.
pub const PENDING: i32 = 1;
/// Some group may be in doubt.
pub const DOUBT: i32 = 2;
/// Some pending row has a NULL key.
pub const NULL_KEY: i32 = 4;
/// The view is not filled, or all of it is in doubt.
pub const SOURCE: i32 = 8;

thread_local! {
    static ANSWERS: RefCell<HashMap<pg_sys::Oid, (Seen, i32)>> = RefCell::new(HashMap::new());
    static HORIZONS: RefCell<HashMap<pg_sys::Oid, (Seen, Horizon)>> = RefCell::new(HashMap::new());
}

/// To be called when a transaction ends or a subtransaction aborts: what a snapshot sees of its own transaction may be another thing then.
pub fn forget() {
    ANSWERS.with(|a| a.borrow_mut().clear());
    HORIZONS.with(|a| a.borrow_mut().clear());
}

/// Opens a table behind a view; anybody may name any relation here, and what is another is nothing to us.
pub fn open(oid: pg_sys::Oid, part: &str) -> Option<Table> {
    let is_ours = unsafe {
        pg_sys::get_rel_relkind(oid) as u8 == b'r'
            && pg_sys::get_rel_namespace(oid) == pg_sys::get_namespace_oid(c"tally_data".as_ptr(), true)
            && text(pg_sys::get_rel_name(oid)).strip_prefix('v').and_then(|name| name.split_once('_')).is_some_and(|(id, own)| id.parse::<u64>().is_ok() && own == part)
    };
    let table = if is_ours { Table::try_open(oid, pg_sys::AccessShareLock) } else { None };
    table.filter(|table| unsafe { (*table.relation()).rd_tableam == pg_sys::GetHeapamTableAmRoutine() })
}

/// What the active snapshot sees, which in a query is the query's own. Asked several times per query, it looks once per snapshot.
pub fn reading(delta: &Table, filled: &Table, kept: Option<&Table>) -> i32 {
    let snapshot = unsafe { pg_sys::GetActiveSnapshot() };
    let known = ANSWERS.with(|a| a.borrow().get(&delta.oid()).filter(|(seen, _)| unsafe { seen.is(snapshot) }).map(|(_, found)| *found));
    known.unwrap_or_else(|| {
        let found = look(delta, filled, kept);
        ANSWERS.with(|a| a.borrow_mut().insert(delta.oid(), (unsafe { Seen::of(snapshot) }, found)));
        found
    })
}

/// Whether the active snapshot sees any row of the table.
pub fn has_rows(table: &Table) -> bool {
    rows(table, |_, _| true)
}

/// How many rows of the table the active snapshot sees, if there are fewer than `most`.
pub fn count(table: &Table, most: i64) -> i64 {
    let mut found = 0;
    rows(table, |_, _| {
        found += 1;
        found >= most
    });
    found
}

/// All that decides, within one transaction, which rows an MVCC snapshot sees.
struct Seen {
    limits: (pg_sys::TransactionId, pg_sys::TransactionId, pg_sys::CommandId, bool, bool),
    running: Vec<pg_sys::TransactionId>,
    running_subtransactions: Vec<pg_sys::TransactionId>,
}

type Parts<'a> = ((pg_sys::TransactionId, pg_sys::TransactionId, pg_sys::CommandId, bool, bool), &'a [pg_sys::TransactionId], &'a [pg_sys::TransactionId]);

impl Seen {
    unsafe fn parts<'a>(snapshot: pg_sys::Snapshot) -> Parts<'a> {
        unsafe {
            let s = &*snapshot;
            let slice = |start: *mut pg_sys::TransactionId, n: usize| if n == 0 { &[][..] } else { std::slice::from_raw_parts(start, n) };
            ((s.xmin, s.xmax, s.curcid, s.suboverflowed, s.takenDuringRecovery), slice(s.xip, s.xcnt as usize), slice(s.subxip, s.subxcnt.max(0) as usize))
        }
    }
    unsafe fn of(snapshot: pg_sys::Snapshot) -> Seen {
        let (limits, running, subtransactions) = unsafe { Seen::parts(snapshot) };
        Seen { limits, running: running.to_vec(), running_subtransactions: subtransactions.to_vec() }
    }
    unsafe fn is(&self, snapshot: pg_sys::Snapshot) -> bool {
        let (limits, running, subtransactions) = unsafe { Seen::parts(snapshot) };
        self.limits == limits && self.running == running && self.running_subtransactions == subtransactions
    }
}

/// Which groups are kept, and which are gone. Buckets are times of one type, whose values compare as integers do.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Horizon {
    gone_before: Option<i64>,
    kept_to: Option<i64>,
    /// Groups without a bucket are kept.
    kept_rest: bool,
}

impl Horizon {
    /// What the active snapshot sees of it. Asked for every group, it looks, and locks, once per snapshot.
    pub fn of(oid: pg_sys::Oid) -> Horizon {
        let snapshot = unsafe { pg_sys::GetActiveSnapshot() };
        let known = HORIZONS.with(|a| a.borrow().get(&oid).filter(|(seen, _)| unsafe { seen.is(snapshot) }).map(|(_, horizon)| *horizon));
        known.unwrap_or_else(|| {
            let found = open(oid, "horizon").map(|table| Horizon::read(&table)).unwrap_or_default();
            HORIZONS.with(|a| a.borrow_mut().insert(oid, (unsafe { Seen::of(snapshot) }, found)));
            found
        })
    }

    fn read(table: &Table) -> Horizon {
        let mut found = Horizon::default();
        rows(table, |values, nulls| {
            let time = |i: usize| (!nulls[i]).then(|| values[i].value() as i64);
            found.gone_before = found.gone_before.max(time(0));
            found.kept_to = found.kept_to.max(time(1));
            found.kept_rest |= values[2].value() != 0;
            false
        });
        found
    }

    pub fn keeps_any(&self) -> bool {
        self.kept_to.is_some() || self.kept_rest
    }

    pub fn is_kept(&self, bucket: Option<pg_sys::Datum>) -> bool {
        bucket.map_or(self.kept_rest, |b| self.kept_to.is_some_and(|to| b.value() as i64 <= to))
    }

    pub fn is_gone(&self, bucket: Option<pg_sys::Datum>) -> bool {
        bucket.is_some_and(|b| self.gone_before.is_some_and(|before| (b.value() as i64) < before))
    }
}

/// Whether this says that the view is filled, and for texts as this database has them.
pub fn is_filled(filled: &Table) -> bool {
    let encoding = unsafe { pg_sys::GetDatabaseEncoding() };
    rows(filled, |values, _| values[ENCODING_COLUMN].value() as i32 == encoding)
}

fn look(delta: &Table, filled: &Table, kept: Option<&Table>) -> i32 {
    let mut found = if is_filled(filled) { 0 } else { SOURCE };
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
/// Of what says that the view is filled.
const ENCODING_COLUMN: usize = 1;

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
