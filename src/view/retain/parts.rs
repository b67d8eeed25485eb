//! Partitions of main: made ahead of time, and dropped when all their groups are too old.
//!
//! Nothing that writes to main ever needs them: what has no partition goes to the rest.

use super::bucket::{self, Bucket};
use super::groups;
use crate::pg::error::{Fail, raise};
use crate::pg::{catalog, partition, sql, xact};
use crate::view::options::Options;
use crate::view::registry::Registered;
use crate::view::describe::{self, Shape};
use crate::view::{compact, ddl, storage};
use pg_tally_core::schedule::retain::{Partition, Unit};
use pg_tally_core::schedule::{Instant, Zone};
use pg_tally_core::view as rules;
use pg_tally_core::view::{Spec, Storage};
use pgrx::pg_sys;
use pgrx::PgSqlErrorCode;
use std::rc::Rc;

/// Partitions that are there before they are needed.
const AHEAD: usize = 3;

/// Partitions that a new view gets for its history; what is older lies in the rest.
const HISTORY: usize = 100;

/// Columns of main before the first key.
const BEFORE_KEYS: usize = 2;

pub fn unit(text: &str) -> Unit {
    Unit::parse(text).unwrap_or_else(|error| raise(error))
}

/// An ERROR if such a view cannot be partitioned so.
pub fn check(shape: &Shape, unit: Unit) {
    let Some(bucket) = describe::bucket(shape) else {
        Fail::new(PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED, "partition_by needs a view that is grouped by time")
            .detail("None of the keys is a time column, or date_bin or date_trunc of one.")
            .hint("Group by a bucket of time, such as date_bin('1 hour', ts, 'epoch').")
            .raise()
    };
    if unit == Unit::Hour && catalog::base_type(shape.keys[bucket].0.type_oid()) == pg_sys::DATEOID {
        Fail::new(PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED, "cannot partition by hour a view that is grouped by date").hint("Use 'day' or longer.").raise();
    }
}

/// How main of a view is cut.
struct Cut {
    unit: Unit,
    zone: Rc<dyn Zone>,
    kind: pg_sys::Oid,
    bucket: Bucket,
    spec: Spec,
}

impl Cut {
    fn of(view: &Registered) -> Option<Cut> {
        let unit = unit(&Options::of(view.id).partition_by?);
        let (spec, bucket) = storage::spec(view).filter(|s| s.partitioned).zip(groups::bucket_of(view))?;
        let kind = catalog::column_type_oid(view.main, key_column(&spec)?);
        // Keys without a zone are cut by their own clock.
        let zone = super::zone_of(bucket.zone.as_deref().filter(|_| kind == pg_sys::TIMESTAMPTZOID));
        Some(Cut { unit, zone, kind, bucket, spec })
    }

    fn literal(&self, at: Instant) -> String {
        bucket::literal(at, self.kind)
    }
}

fn key_column(spec: &Spec) -> Option<i16> {
    Some((spec.bucket? + BEFORE_KEYS + 1) as i16)
}

/// For a view that is being made: the partitions of its history, as far as it is kept.
pub fn begin(view: &Registered, now: Instant) {
    let Some(cut) = Cut::of(view) else { return };
    let Some(current) = groups::key_at(view, &cut.spec, &cut.bucket, now) else { return };
    let oldest = groups::oldest(view, &cut.spec, &cut.bucket).map_or(current, |oldest| oldest.min(current));
    let mut parts = cut.unit.from_on(current, AHEAD, &*cut.zone);
    let mut first = parts.first().map_or(current, |p| p.start);
    while parts.len() < HISTORY + AHEAD && oldest < first {
        let before = cut.unit.containing(first.plus(-1), &*cut.zone);
        first = before.start;
        parts.push(before);
    }
    parts.iter().for_each(|part| add(view, &cut, part));
}

/// Whether partitions that will be needed soon are to be made.
pub fn are_due(view: &Registered, now: Instant) -> bool {
    to_make(view, now).is_some_and(|(_, parts)| !parts.is_empty())
}

fn to_make(view: &Registered, now: Instant) -> Option<(Cut, Vec<Partition>)> {
    let cut = Cut::of(view)?;
    let current = groups::key_at(view, &cut.spec, &cut.bucket, now)?;
    let is_there = |part: &Partition| catalog::relation_in(Storage::SCHEMA, &cut.spec.storage.name(&format!("main_{}", part.name))).is_some();
    let parts = cut.unit.from_on(current, AHEAD, &*cut.zone).into_iter().filter(|part| !is_there(part)).collect();
    Some((cut, parts))
}

/// The first bucket of the partition that a bucket is in, as a literal. What is in the partition goes as a whole, so nothing from there on goes.
pub fn start(view: &Registered, bucket: Instant) -> Option<String> {
    let cut = Cut::of(view)?;
    Some(cut.literal(cut.unit.containing(bucket, &*cut.zone).start))
}

/// Makes the partitions that will be needed soon. The folding lock is held. Gives how many.
pub fn ahead(view: &Registered, now: Instant) -> i64 {
    let Some((cut, parts)) = to_make(view, now) else { return 0 };
    let mut made = 0;
    for part in parts {
        match xact::attempted(|| sql::with_settings(&[("lock_timeout", super::PATIENCE)], || add(view, &cut, &part))) {
            Ok(()) => made += 1,
            Err(failure) => not_now(&format!("make partition {} of view \"{}\"", part.name, catalog::relation_name(view.view)), failure.message),
        }
    }
    made
}

fn add(view: &Registered, cut: &Cut, part: &Partition) {
    let (from, to) = (cut.literal(part.start), cut.literal(part.end));
    ddl::quietly(|| {
        let [make, fill @ ..] = &rules::add_part(&cut.spec, &part.name, &from, &to)[..] else { return };
        sql::as_superuser(|| {
            sql::pinned(|| {
                sql::execute(make);
                sql::execute(&format!("ALTER TABLE {} OWNER TO {}", cut.spec.storage.part(&part.name), catalog::role_name(view.owner)));
            })
        });
        fill.iter().for_each(|statement| {
            compact::as_owner(view, statement);
        });
    });
}

/// For a view that is partitioned: groups go with their partition, so none is deleted one by one that would soon go for nothing. The
/// partitions before the bucket are dropped, if they can be locked at once, and with them the groups that went and the first bucket that
/// is left. None: not now.
pub fn drop_before(view: &Registered, before: Instant) -> Option<(i64, String)> {
    let cut = Cut::of(view)?;
    let start = cut.unit.containing(before, &*cut.zone).start;
    let old: Vec<String> = partition::ranges(view.main, key_column(&cut.spec)?).into_iter().filter(|p| p.end <= start).map(|p| catalog::qualified_name(p.oid)).collect();
    let drop = || {
        let mut groups = 0;
        for part in &old {
            groups += compact::count(compact::as_owner(view, &format!("SELECT pg_catalog.count(*) FROM {part}")));
            ddl::quietly(|| sql::as_role(view.owner, || sql::pinned(|| sql::with_settings(&[("lock_timeout", super::PATIENCE)], || sql::execute(&format!("DROP TABLE {part}"))))));
        }
        groups
    };
    match xact::attempted(drop) {
        Ok(groups) => Some((groups, cut.literal(start))),
        Err(failure) => {
            not_now(&format!("drop old partitions of view \"{}\"", catalog::relation_name(view.view)), failure.message);
            None
        }
    }
}

fn not_now(what: &str, why: String) {
    Fail::new(PgSqlErrorCode::ERRCODE_WARNING, format!("could not {what}")).detail(why).log();
}
