//! Old rows of a source go, and its views keep what they counted.
//!
//! All in one transaction: the views are compacted, so that nothing of the rows is in doubt, the rows go, and the views' horizons say so.
//! Writers are not stopped: rows that they have locked are left for the next time.

use super::{bucket, cutoff, horizon, partitions, removal};
use crate::pg::error::Fail;
use crate::pg::clock::transaction_start;
use crate::pg::{catalog, lock, partition, sql, xact};
use crate::view::refresh::Done;
use crate::view::registry::{self, Registered};
use crate::view::{alter, compact, ddl, hold, named, schedule, triggers};
use pg_tally_core::schedule::{Interval, Utc};
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;

const TRIGGER: &str = "tally_retention";

/// Rows that one statement deletes: its triggers hold them in memory.
const BATCH: i64 = 10_000;

/// What a source was told to keep.
struct Rule {
    column: i16,
    keep: Interval,
}

/// The sources that have a retention.
pub fn all() -> Vec<Oid> {
    compact::oids("SELECT r.source::pg_catalog.oid FROM tally.source_retention r ORDER BY 1")
}

/// The table of that name, if it is one and no view of ours.
pub fn named(name: &str) -> Option<Oid> {
    let rows = sql::rows(&format!("SELECT {}::pg_catalog.regclass::pg_catalog.oid", sql::literal(name)));
    let oid = rows.into_iter().flatten().flatten().next().and_then(|t| t.parse::<u32>().ok()).map(Oid::from)?;
    catalog::is_table(oid).then_some(oid)
}

pub fn refuse_others(source: Oid) {
    if !named::owns(source) {
        Fail::new(PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE, format!("must be owner of table {}", catalog::relation_name(source))).raise();
    }
}

/// `tally.set_source_retention`; None for `keep` ends it.
pub fn set(source: Oid, column: &str, keep: Option<Interval>) {
    refuse_others(source);
    let name = catalog::relation_name(source);
    let views = views_of(source);
    if keep.is_some() && views.is_empty() {
        Fail::new(PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE, format!("\"{name}\" is not the source of a view made by tally.create_view"))
            .detail("What no view keeps would be lost.")
            .hint("tally.views lists the sources; a partition has its parent's retention.")
            .raise();
    }
    if !catalog::column_of(source, column).is_some_and(bucket::is_time) {
        Fail::new(PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN, format!("\"{column}\" is not a time column of table \"{name}\""))
            .hint("Name a column of type timestamptz, timestamp or date.")
            .raise();
    }
    let keep = keep.map(|keep| alter::positive("keep", keep));
    xact::changes_views();
    let table = catalog::qualified_name(source);
    ddl::quietly(|| {
        sql::as_superuser(|| {
            sql::pinned(|| {
                if of(source).is_some() {
                    sql::execute(&format!("DROP TRIGGER {TRIGGER} ON {table}"));
                }
                if let Some(keep) = keep {
                    sql::execute(&format!(
                        "CREATE TRIGGER {TRIGGER} AFTER UPDATE OF {} ON {table} FOR EACH STATEMENT EXECUTE FUNCTION tally.keep({})",
                        sql::identifier(column),
                        sql::literal(&keep)
                    ));
                    sql::execute(&format!("ALTER TABLE ONLY {table} DISABLE TRIGGER {TRIGGER}"));
                }
            })
        })
    });
}

fn of(source: Oid) -> Option<Rule> {
    let query = format!("SELECT r.time_column, r.keep FROM tally.source_retention r WHERE r.source = {}", source.to_u32());
    let row = sql::as_superuser(|| sql::pinned(|| sql::rows_latest(&query))).pop()?;
    let [Some(column), Some(keep)] = &row[..] else { return None };
    Some(Rule { column: catalog::column_number(source, column)?, keep: schedule::interval(keep) })
}

/// The views whose source the table is.
pub fn views_of(source: Oid) -> Vec<Registered> {
    registry::of_member(source).into_iter().filter(|v| v.source == source).collect()
}

/// Whether a source has rows that its retention does not keep.
pub fn is_due(source: Oid) -> bool {
    of(source).is_some_and(|rule| {
        refuse_unseen(source);
        !Old::of(source, &rule).is_empty()
    })
}

/// Somebody has what is needed, and may not be waited for.
pub struct HeldUp;

/// Removes the rows that a source's retention does not keep, not many more than `most` of them at once. Of partitions that were dropped the rows
/// are estimated. Where it may not `wait` and would have to, it removes nothing.
pub fn enforce_source(source: Oid, most: Option<u64>, wait: bool) -> Result<Done, HeldUp> {
    let mut done = Done { read: None, written: 0 };
    if let Some(rule) = of(source) {
        refuse_unseen(source);
        // Looked for before anything is locked: a VACUUM of the source is not to be cancelled for nothing.
        if xact::looking(|| has_old(source, &rule, wait))? {
            done.written = enforce(source, &rule, most, wait)?;
        }
    }
    Ok(done)
}

fn has_old(source: Oid, rule: &Rule, wait: bool) -> Result<bool, HeldUp> {
    // A partition is dropped with a lock on what it is a part of.
    if !hold::lock_source(source, wait) {
        return Err(HeldUp);
    }
    Ok(catalog::is_table(source) && !Old::of(source, rule).is_empty())
}

/// There may be rows to remove: looked for again when nobody can change what decides it. Gives how many went.
fn enforce(source: Oid, rule: &Rule, most: Option<u64>, wait: bool) -> Result<i64, HeldUp> {
    let views = hold::source(source, wait).ok_or(HeldUp)?;
    if views.is_empty() {
        return Ok(0);
    }
    views.iter().for_each(|view| compact::allow(view, "remove old rows below"));
    refuse_unseen(source);
    views.iter().for_each(|view| lock::show_retaining(view.delta));
    let old = Old::of(source, rule);
    if old.is_empty() {
        return Ok(0);
    }
    views.iter().for_each(|view| {
        compact::compact_view(view);
    });
    check_at_once();
    let mut deleted = 0;
    for leaf in &old.leaves {
        deleted += delete(old.owner, *leaf, &old.rows, most.map(|most| most.saturating_sub(deleted)));
    }
    views.iter().for_each(horizon::tidy);
    // Last, because nobody reads or writes the source from then on until the transaction ends.
    Ok(deleted as i64 + partitions::drop_all(&old.partitions, rule.column, &views))
}

/// What a source has that is too old.
struct Old {
    owner: Oid,
    /// Which rows, as a condition over `o`.
    rows: String,
    /// Those that go as a whole.
    partitions: Vec<partition::Range>,
    /// The other tables, of which single rows may go.
    leaves: Vec<Oid>,
}

impl Old {
    fn of(source: Oid, rule: &Rule) -> Old {
        let before = cutoff(transaction_start(), rule.keep, &Utc);
        let kind = catalog::column_type_oid(source, rule.column);
        let column = sql::identifier(&catalog::column_name(source, rule.column));
        let rows = format!("o.{column} OPERATOR(pg_catalog.<) {}", bucket::literal(before, catalog::base_type(kind)));
        let partitions: Vec<partition::Range> = partition::ranges(source, rule.column).into_iter().filter(|p| p.end <= before).collect();
        let as_a_whole: Vec<Oid> = partitions.iter().flat_map(|p| triggers::leaves(p.oid)).collect();
        let leaves = triggers::leaves(source).into_iter().filter(|leaf| !as_a_whole.contains(leaf)).collect();
        Old { owner: catalog::owner(source), rows, partitions, leaves }
    }

    fn is_empty(&self) -> bool {
        self.partitions.is_empty() && !self.leaves.iter().any(|leaf| has_rows(self.owner, *leaf, &self.rows))
    }
}

/// What triggers would not see, or would take for removals like all others, must not be removed.
fn refuse_unseen(source: Oid) {
    let name = catalog::relation_name(source);
    if triggers::are_off(source) {
        Fail::new(PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, format!("cannot remove old rows of \"{name}\" while triggers on it are disabled"))
            .hint("Enable them with ALTER TABLE ... ENABLE ALWAYS TRIGGER.")
            .raise();
    }
    let others = compact::oids(&format!(
        "SELECT c.oid FROM tally.members({0}) m JOIN pg_catalog.pg_class c ON c.oid = m, pg_catalog.pg_class s WHERE s.oid = {0} AND NOT pg_catalog.pg_has_role(s.relowner, c.relowner, 'USAGE') ORDER BY c.relname LIMIT 1",
        source.to_u32()
    ));
    if let Some(other) = others.first() {
        Fail::new(PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE, format!("cannot remove old rows of \"{name}\", whose owner does not own \"{}\"", catalog::relation_name(*other))).raise();
    }
}

fn has_rows(owner: Oid, leaf: Oid, which: &str) -> bool {
    !sql::as_role(owner, || sql::pinned(|| sql::rows(&format!("SELECT FROM ONLY {} o WHERE {which} LIMIT 1", catalog::qualified_name(leaf))))).is_empty()
}

/// What is run as somebody else must not leave triggers for the end of the transaction, which fire as whoever is there then. So those that
/// are deferred fire at the end of each statement, from here on, if there are any in the database.
fn check_at_once() {
    let some = "SELECT FROM pg_catalog.pg_trigger t WHERE t.tgdeferrable LIMIT 1";
    if !sql::as_superuser(|| sql::rows_latest(some)).is_empty() {
        sql::execute("SET CONSTRAINTS ALL IMMEDIATE");
    }
}

/// With the user's own triggers and settings, but that of ours which says that the rows still count. A trigger may keep any number of rows, so each
/// old row is gone to once.
fn delete(owner: Oid, leaf: Oid, which: &str, most: Option<u64>) -> u64 {
    if most == Some(0) {
        return 0;
    }
    let table = catalog::qualified_name(leaf);
    let mut all = 0;
    let mut remove = |places: Vec<String>| {
        pgrx::check_for_interrupts!();
        // As a subquery, since a list of so many places would be looked up for each row of the table; with a cast, since without one it would be a set of rows.
        let places = format!("(SELECT {}::pg_catalog.tid[])::pg_catalog.tid[]", sql::literal(&format!("{{\"{}\"}}", places.join("\",\""))));
        all += sql::execute(&format!(
            "DELETE FROM ONLY {table} WHERE ctid OPERATOR(pg_catalog.=) ANY (ARRAY(\
             SELECT o.ctid FROM ONLY {table} o WHERE o.ctid OPERATOR(pg_catalog.=) ANY ({places}) AND {which} FOR UPDATE SKIP LOCKED))"
        ));
        most.is_none_or(|most| all < most)
    };
    let old = format!("SELECT o.ctid FROM ONLY {table} o WHERE {which}");
    sql::as_role(owner, || removal::still_counted(|| sql::batches(&old, BATCH, &mut remove)));
    all
}
