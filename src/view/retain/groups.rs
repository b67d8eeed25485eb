//! Groups of a view whose bucket of time is too old go.

use super::bucket::{self, Bucket, Buckets};
use super::{cutoff, parts, zone_of};
use crate::pg::error::Fail;
use crate::pg::{catalog, lock, sql};
use crate::pg::clock::transaction_start;
use crate::view::options::Options;
use crate::view::refresh::Done;
use crate::view::registry::{self, Registered};
use crate::view::{alter, compact, schedule, storage};
use pg_tally_core::schedule::{Instant, Interval};
use pg_tally_core::view as rules;
use pgrx::PgSqlErrorCode;

/// Writes a view's retention into its options; an ERROR if it cannot have one.
pub fn set(view: &Registered, options: &mut Options, keep: Interval) {
    if bucket_of(view).is_none() {
        Fail::new(PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED, "retention needs a view that is grouped by time")
            .detail("None of the keys is a time column, or date_bin or date_trunc of one.")
            .hint("Group by a bucket of time, such as date_bin('1 hour', ts, 'epoch').")
            .raise();
    }
    options.retention = Some(alter::positive("retention", keep));
}

/// Takes away the groups of a view that its retention does not keep, and makes the partitions that it will need. The view is held.
pub fn enforce(view: &Registered) -> Done {
    let options = Options::of(view.id);
    let mut done = Done { read: None, written: 0 };
    if options.retention.is_none() && options.partition_by.is_none() {
        return done;
    }
    compact::allow(view, "take old groups from");
    lock::show_retaining(view.delta);
    parts::ahead(view, transaction_start());
    done.written = options.retention.map_or(0, |keep| expire(view, schedule::interval(&keep), transaction_start()));
    done
}

/// Whether `enforce` would find anything to do. Nothing is locked, and nothing written.
pub fn is_due(id: i64) -> bool {
    let Some(view) = registry::by_id(id) else { return false };
    let options = Options::of(id);
    let old = |keep: String| {
        let (spec, bucket) = storage::spec(&view).zip(bucket_of(&view))?;
        let at = cutoff(transaction_start(), schedule::interval(&keep), &*zone_of(bucket.zone.as_deref()));
        let before = if spec.partitioned { parts::start(&view, key_at(&view, &spec, &bucket, at)?)? } else { first_kept(&view, &spec, &bucket, at)? };
        Some(!has_gone(&view, &spec, &before))
    };
    options.partition_by.is_some() && parts::are_due(&view, transaction_start()) || options.retention.and_then(old).unwrap_or(false)
}

/// Whether the view's groups before this bucket are gone already.
fn has_gone(view: &Registered, spec: &rules::Spec, before: &str) -> bool {
    !compact::as_owner(view, &format!("SELECT FROM {} WHERE gone_before >= {before}", spec.storage.horizon())).is_empty()
}

/// The lock is held. Gives the groups that went.
pub fn expire(view: &Registered, keep: Interval, now: Instant) -> i64 {
    let Some((spec, bucket)) = storage::spec(view).zip(bucket_of(view)) else { return 0 };
    let at = cutoff(now, keep, &*zone_of(bucket.zone.as_deref()));
    let Some((mut before, first)) = first_kept(view, &spec, &bucket, at).zip(key_at(view, &spec, &bucket, at)) else { return 0 };
    let mut dropped = 0;
    if spec.partitioned {
        let Some((groups, start)) = parts::drop_before(view, first) else { return 0 };
        (dropped, before) = (groups, start);
    }
    if has_gone(view, &spec, &before) {
        return 0;
    }
    dropped + rules::expire(&spec, &before).map_or(0, |statement| compact::count(compact::as_owner(view, &statement)))
}

pub fn bucket_of(view: &Registered) -> Option<Bucket> {
    let shape = sql::as_superuser(|| storage::shape(view))?;
    shape.keys.iter().find_map(|(key, _)| bucket::of(*key))
}

/// The least bucket with rows from the instant on, as a literal.
fn first_kept(view: &Registered, spec: &rules::Spec, bucket: &Bucket, at: Instant) -> Option<String> {
    Some(evaluated(view, || buckets(view, spec, bucket).map(|b| b.from(at)))?)
}

/// The greatest bucket with rows before the instant, as a literal.
pub fn last_before(view: &Registered, spec: &rules::Spec, bucket: &Bucket, at: Instant) -> Option<String> {
    evaluated(view, || buckets(view, spec, bucket).map(|b| b.before(at)))
}

/// The least bucket with rows from the instant on, as an instant.
pub fn key_at(view: &Registered, spec: &rules::Spec, bucket: &Bucket, at: Instant) -> Option<Instant> {
    instant(view, &first_kept(view, spec, bucket, at)?)
}

/// The bucket of the source's first row that has a time.
pub fn oldest(view: &Registered, spec: &rules::Spec, bucket: &Bucket) -> Option<Instant> {
    let key = &spec.keys[spec.bucket?];
    let column = sql::identifier(&catalog::column_name(view.source, bucket.column));
    instant(view, &format!("(SELECT {} FROM (SELECT pg_catalog.min(s.{column}) AS {column} FROM {} s WHERE s.{column} > '-infinity' AND s.{column} < 'infinity') s)", key.expr, spec.source))
}

/// A time without a zone is taken for UTC's.
fn instant(view: &Registered, expr: &str) -> Option<Instant> {
    const EPOCH: i64 = 946_684_800_000_000;
    let rows = compact::as_owner(view, &format!("SELECT (EXTRACT(epoch FROM {expr}) * 1000000)::bigint - {EPOCH}"));
    rows.into_iter().flatten().flatten().next().and_then(|t| t.parse().ok()).map(Instant)
}

fn buckets<'a>(view: &Registered, spec: &'a rules::Spec, bucket: &Bucket) -> Option<Buckets<'a>> {
    let key = &spec.keys[spec.bucket?];
    Some(Buckets { source: view.source, column: bucket.column, key: &key.expr, key_type: &key.column_type })
}

fn evaluated<R>(view: &Registered, work: impl FnOnce() -> R) -> R {
    sql::as_role(view.owner, || sql::pinned(work))
}
