//! Refreshable views: what a query answered when it was last run, and how a refresh brings that up to date.
//!
//! A refresh runs the query as the view's owner, in a security-restricted operation and with the settings that the view was made with,
//! and applies the difference: rows that are as they were are not touched. Its strongest lock on the rows is ROW EXCLUSIVE.

use super::difference::Difference;
use super::options::Options;
use super::refresh::Done;
use crate::pg::error::Fail;
use crate::pg::expr::Table;
use crate::pg::{catalog, lock, probe, setting, sql, stream};
use pg_tally_core::view::{self as rules, Storage};
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::{self, Oid};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// The relations of one refreshable view.
#[derive(Clone, Debug)]
pub struct Refreshable {
    pub id: i64,
    pub view: Oid,
    pub owner: Oid,
    pub rows: Oid,
    pub query: Oid,
}

const COLUMNS: &str = "SELECT id, view::oid, owner::oid, rows::oid, query::oid FROM tally.refreshables";

fn read(condition: &str) -> Vec<Refreshable> {
    let rows = sql::as_superuser(|| sql::rows_latest(&format!("{COLUMNS} WHERE {condition} ORDER BY id")));
    rows.into_iter()
        .filter_map(|row| {
            let numbers: Vec<i64> = row.into_iter().flatten().filter_map(|n| n.parse().ok()).collect();
            let oid = |i: usize| numbers.get(i).map(|n| Oid::from(*n as u32));
            Some(Refreshable { id: *numbers.first()?, view: oid(1)?, owner: oid(2)?, rows: oid(3)?, query: oid(4)? })
        })
        .collect()
}

pub fn by_view(view: Oid) -> Option<Refreshable> {
    read(&format!("view = {}", view.to_u32())).pop()
}

pub fn by_id(id: i64) -> Option<Refreshable> {
    read(&format!("id = {id}")).pop()
}

/// What a query's answer may depend on besides its data. Functions that are looked up by name are found on the search_path.
const SETTINGS: &[&str] = &[
    "TimeZone",
    "timezone_abbreviations",
    "DateStyle",
    "IntervalStyle",
    "extra_float_digits",
    "bytea_output",
    "xmlbinary",
    "xmloption",
    "default_text_search_config",
    "lc_monetary",
    "lc_numeric",
    "lc_time",
];

/// Those of the session. Temporary tables of whoever refreshes must not come before what the creator meant.
pub fn settings() -> BTreeMap<String, String> {
    let path = sql::rows("SELECT pg_catalog.unnest(pg_catalog.current_schemas(false))").into_iter().flatten().flatten();
    let path = path.filter(|schema| !schema.starts_with("pg_temp")).map(|schema| sql::identifier(&schema)).chain(["pg_temp".to_string()]).collect::<Vec<_>>().join(", ");
    let others = SETTINGS.iter().filter_map(|name| Some((name.to_string(), setting::value(name)?)));
    others.chain([("search_path".to_string(), path)]).collect()
}

/// Runs `work` with the settings of the view's query. Row-level security applies as it does to the owner.
fn with_settings<R>(options: &Options, work: impl FnOnce() -> R) -> R {
    let mut all = vec![("search_path", "pg_catalog, pg_temp"), ("row_security", "on")];
    all.extend(options.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    sql::with_settings(&all, work)
}

/// The user's own rights decide whether the query may be run at all. It is planned as a refresh plans it: what it calls is put in its place already there.
pub fn check_readable(storage: &Storage, options: &Options) {
    with_settings(options, || sql::rows(&format!("SELECT FROM {} q LIMIT 0", storage.query())));
}

/// Makes everything behind the view but its id; the superuser does it, because nobody else may create in `tally_data`.
pub fn make_tables(storage: &Storage, definition: &str, order_by: &[String], owner: Oid) {
    sql::execute(&format!("CREATE VIEW {} AS {definition}", storage.query()));
    let columns = columns(storage);
    let order_by: Vec<usize> = order_by.iter().map(|name| position(&columns, name)).collect();
    for statement in rules::refreshable_tables(storage, columns.len(), &order_by) {
        sql::execute(&statement);
    }
    give(storage, owner);
}

fn position(columns: &[String], name: &str) -> usize {
    columns.iter().position(|c| c == name).unwrap_or_else(|| {
        Fail::new(PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN, format!("order_by names \"{name}\", which is not a column of the view")).raise()
    })
}

/// The names of the query's columns.
pub fn columns(storage: &Storage) -> Vec<String> {
    let rows = sql::rows_latest(&format!(
        "SELECT a.attname FROM pg_catalog.pg_attribute a WHERE a.attrelid = '{}'::pg_catalog.regclass AND a.attnum > 0 ORDER BY a.attnum",
        storage.query()
    ));
    rows.into_iter().flatten().flatten().collect()
}

/// Makes a role the owner of what is behind the view.
pub fn give(storage: &Storage, owner: Oid) {
    let role = catalog::role_name(owner);
    for table in [storage.rows(), storage.filled()] {
        sql::execute(&format!("ALTER TABLE {table} OWNER TO {role}"));
    }
    sql::execute(&format!("ALTER VIEW {} OWNER TO {role}", storage.query()));
}

pub fn follow_owner(view: &Refreshable) {
    sql::as_superuser(|| sql::pinned(|| give(&Storage { id: view.id }, catalog::owner(view.view))));
}

/// True once the view of this table of marks has been filled; an ERROR before, as PostgreSQL raises it for materialized views.
pub fn populated(filled: Oid) -> bool {
    let Some(table) = probe::open(filled, "filled") else { return false };
    if !probe::has_rows(&table) {
        let name = read(&format!("filled = {}", filled.to_u32())).pop().map_or_else(String::new, |v| format!(" \"{}\"", catalog::relation_name(v.view)));
        Fail::new(PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, format!("view{name} has not been populated")).hint("Use tally.refresh_view.").raise();
    }
    true
}

thread_local! {
    static REFRESHING: RefCell<Vec<i64>> = const { RefCell::new(vec![]) };
}

/// Whether this session is in the middle of a refresh of the view, whose query may ask.
pub fn is_refreshing(id: i64) -> bool {
    REFRESHING.with_borrow(|r| r.contains(&id))
}

/// A view that is being refreshed in this session: a function that its query calls must not do so too.
struct Busy;

impl Busy {
    fn with(view: &Refreshable) -> Busy {
        if is_refreshing(view.id) {
            let name = catalog::relation_name(view.view);
            Fail::new(PgSqlErrorCode::ERRCODE_OBJECT_IN_USE, format!("cannot refresh view \"{name}\" because this session is refreshing it already")).raise();
        }
        REFRESHING.with_borrow_mut(|r| r.push(view.id));
        Busy
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        REFRESHING.with_borrow_mut(|r| r.pop());
    }
}

/// Brings the rows up to date; the caller has seen to it that the transaction may. Another refresh of the view is waited for.
pub fn refresh(view: &Refreshable) -> Done {
    lock::lock_folding(view.rows);
    fill(view)
}

/// The same for a view that nobody else can know of, or with the lock held.
pub fn fill(view: &Refreshable) -> Done {
    let _busy = Busy::with(view);
    let storage = Storage { id: view.id };
    // No row may move between being found and being deleted, as VACUUM FULL would make it.
    sql::as_superuser(|| sql::pinned(|| sql::execute(&format!("LOCK TABLE {} IN ROW EXCLUSIVE MODE", storage.rows()))));
    sql::as_role(view.owner, || {
        sql::with_snapshot(|| {
            let table = table(view);
            let mut difference = compare(view, &table);
            let mut gone = 0;
            difference.finish(&mut |places| gone += delete(&storage, places));
            let came = difference.came.len();
            sql::pinned(|| {
                if came > 0 {
                    difference.came.execute_with(rules::CAME, &table, &rules::insert_rows(&storage));
                }
                sql::execute(&rules::mark_filled(&storage));
            });
            Done { read: Some(difference.read), written: (gone + came) as i64 }
        })
    })
}

/// The rows that the view lacks, and those that it has too many.
pub fn verify(view: &Refreshable) -> (i64, i64) {
    sql::as_role(view.owner, || {
        sql::with_snapshot(|| {
            let table = table(view);
            let mut difference = compare(view, &table);
            let mut extra = 0;
            difference.finish(&mut |places| extra += places.len() as i64);
            (difference.came.len() as i64, extra)
        })
    })
}

fn table(view: &Refreshable) -> Table {
    Table::try_open(view.rows, pg_sys::AccessShareLock).unwrap_or_else(|| pgrx::error!("the rows of view {} are gone", view.id))
}

/// Both are read from their beginning, so that they come in the same order if they can.
const FROM_THE_BEGINNING: &[(&str, &str)] = &[("synchronize_seqscans", "off")];

fn compare<'a>(view: &Refreshable, table: &'a Table) -> Difference<'a> {
    let storage = Storage { id: view.id };
    let options = Options::of(view.id);
    let mut difference = Difference::new(table);
    sql::with_settings(FROM_THE_BEGINNING, || {
        sql::pinned(|| stream::rows(&rules::present_rows(&storage), &mut |row| difference.had(row)));
        with_settings(&options, || stream::rows(&rules::wanted_rows(&storage), &mut |row| difference.has(row)));
    });
    difference
}

/// The places are known: going to them beats looking through the table.
fn delete(storage: &Storage, places: &[u64]) -> u64 {
    let places: Vec<String> = places.iter().map(|p| stream::tid(*p)).collect();
    sql::pinned(|| sql::with_settings(&[("enable_seqscan", "off")], || sql::execute(&rules::delete_rows(storage, &places))))
}
