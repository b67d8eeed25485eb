//! Partitions of a source that are older than what it keeps are dropped.

use super::{groups, held, removal};
use crate::pg::partition;
use crate::pg::error::Fail;
use crate::pg::{catalog, clock, lock, sql, xact};
use crate::view::ledger::{self, Kind};
use crate::view::registry::Registered;
use crate::view::{compact, ddl, storage};
use pg_tally_core::schedule::Instant;
use pg_tally_core::view as rules;
use pgrx::PgSqlErrorCode;

/// Drops partitions of a source, those that can be locked at once; about how many rows went. The others are tried again the next time. What cannot
/// be dropped at all is in the views' log.
pub fn drop_all(old: &[partition::Range], column: i16, views: &[Registered]) -> i64 {
    let mut rows = 0;
    for part in old {
        let (name, began) = (catalog::qualified_name(part.oid), clock::now());
        match xact::attempted(|| drop(part, &name, column, views)) {
            // Of one that was never analysed it is not known how many.
            Ok(some) => rows += some.max(1),
            Err(failure) if failure.code == PgSqlErrorCode::ERRCODE_QUERY_CANCELED => Fail::new(failure.code, failure.message).raise(),
            Err(failure) if failure.code == PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE => {
                Fail::new(failure.code, format!("skipping partition {name}, which is in use")).log();
            }
            Err(failure) => {
                let error = format!("could not drop partition {name}: {}", failure.message);
                views.iter().for_each(|view| ledger::failed(&ledger::begin(view.id, Kind::Retention, began), &error, clock::now()));
                Fail::new(failure.code, error).log();
            }
        }
    }
    rows
}

fn drop(part: &partition::Range, name: &str, column: i16, views: &[Registered]) -> i64 {
    let owner = catalog::owner(part.oid);
    let estimate = format!("SELECT pg_catalog.sum(c.reltuples) FILTER (WHERE c.reltuples > 0)::bigint FROM tally.members({}) m JOIN pg_catalog.pg_class c ON c.oid = m WHERE c.relkind = 'r'", part.oid.to_u32());
    let rows = compact::count(sql::as_superuser(|| sql::pinned(|| sql::rows_latest(&estimate))));
    let patience = [("lock_timeout", super::PATIENCE)];
    // As DROP TABLE locks them, and before it is looked at what the partition has.
    let all = format!("SELECT i.inhparent FROM pg_catalog.pg_inherits i WHERE i.inhrelid = {0} UNION ALL SELECT m::pg_catalog.oid FROM tally.members({0}) m", part.oid.to_u32());
    let tables = compact::oids(&all);
    sql::with_settings(&patience, || tables.into_iter().for_each(lock::lock_exclusively));
    views.iter().for_each(|view| keep_to(view, column, part.end));
    ddl::quietly(|| sql::as_role(owner, || sql::with_settings(&patience, || sql::execute(&format!("DROP TABLE {name}")))));
    rows
}

fn keep_to(view: &Registered, column: i16, end: Instant) {
    let Some(spec) = storage::spec(view) else { return };
    let bucket = groups::bucket_of(view).filter(|bucket| bucket.column == column);
    match bucket.and_then(|bucket| groups::last_before(view, &spec, &bucket, end)) {
        Some(last) => {
            sql::with_snapshot(|| held::hold(view, &rules::Kept::Some { to: Some(last.clone()), rest: false }));
            compact::as_owner(view, &rules::keep_to(&spec, &last));
        }
        None => {
            sql::with_snapshot(|| held::hold(view, &rules::Kept::All));
            removal::keep_all(view);
        }
    }
}
