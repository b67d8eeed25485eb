//! Partitions of a source that are older than what it keeps are dropped.

use super::{groups, removal};
use crate::pg::partition;
use crate::pg::{catalog, sql, xact};
use crate::view::registry::Registered;
use crate::view::{compact, ddl, storage};
use pg_tally_core::schedule::Instant;
use pg_tally_core::view as rules;
use pgrx::PgLogLevel;
use pgrx::PgSqlErrorCode;

/// Drops partitions of a source, those that can be locked at once; about how many rows went. The others are tried again the next time.
pub fn drop_all(old: &[partition::Range], column: i16, views: &[Registered]) -> i64 {
    let mut rows = 0;
    for part in old {
        let name = catalog::qualified_name(part.oid);
        match xact::attempted(|| drop(part, &name, column, views)) {
            Ok(some) => rows += some,
            Err(failure) => pgrx::ereport!(PgLogLevel::LOG, PgSqlErrorCode::ERRCODE_WARNING, format!("could not drop partition {name}"), failure.message),
        }
    }
    rows
}

fn drop(part: &partition::Range, name: &str, column: i16, views: &[Registered]) -> i64 {
    let owner = catalog::owner(part.oid);
    let estimate = format!("SELECT pg_catalog.sum(c.reltuples) FILTER (WHERE c.reltuples > 0)::bigint FROM tally.members({}) m JOIN pg_catalog.pg_class c ON c.oid = m WHERE c.relkind = 'r'", part.oid.to_u32());
    let rows = compact::count(sql::as_superuser(|| sql::pinned(|| sql::rows_latest(&estimate))));
    views.iter().for_each(|view| keep_to(view, column, part.end));
    ddl::quietly(|| sql::as_role(owner, || sql::with_settings(&[("lock_timeout", super::PATIENCE)], || sql::execute(&format!("DROP TABLE {name}")))));
    rows
}

fn keep_to(view: &Registered, column: i16, end: Instant) {
    let Some(spec) = storage::spec(view) else { return };
    let bucket = groups::bucket_of(view).filter(|bucket| bucket.column == column);
    match bucket.and_then(|bucket| groups::last_before(view, &spec, &bucket, end)) {
        Some(last) => {
            compact::as_owner(view, &rules::keep_to(&spec, &last));
        }
        None => removal::keep_all(view),
    }
}
