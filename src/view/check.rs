//! What may become a view, and by whom: all that stands in the way is said in one error.

use super::types;
use crate::pg::error::Fail;
use crate::pg::query::{Found, Query};
use crate::pg::tree::{Aggregate, Node};
use crate::pg::{catalog, encoding, sql};
use crate::pg::canon::Canon;
use pg_tally_core::view::{self, Feature, Refusal, compares_bytes, keeps_bytes, refuse};
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::{OIDOID, Oid};

/// The query as it will be stored.
pub struct Wanted {
    pub definition: String,
}

impl Wanted {
    pub fn of(definition: &str) -> Wanted {
        Wanted { definition: definition.trim_end().trim_end_matches(';').to_string() }
    }
}

/// All that stands in the way of a query over a table; settings have been made explicit.
pub fn all(query: Query, text: &str) -> Option<Vec<Refusal>> {
    let mut found = query.refused_shape();
    found.extend(sql::pinned(|| query.refused_functions()));
    let mut all = refusals(found, text);
    if let Some(source) = query.source() {
        all.extend(source_refusals(source.relation));
        all.extend(virtual_columns(query, text));
        all.extend(collations(query, text));
        all.extend(object_numbers(query, text));
    }
    (!all.is_empty()).then_some(all)
}

/// uniq counts bytes; a collation that takes different bytes for equal has no say in it.
fn collations(query: Query, text: &str) -> Vec<Refusal> {
    let by_bytes = |a: &Aggregate| compares_bytes(catalog::origin_of_function(a.function, a.namespace), &a.name);
    let counting = query.aggregates().into_iter().filter(by_bytes);
    counting.filter(|a| a.arguments.iter().any(|x| Canon::new(x.type_oid(), x.collation()).ambiguous()))
        .map(|a| Refusal { feature: Feature::Collation, what: a.name.clone(), position: position(text, a.node.location()) })
        .collect()
}

/// A dump has tables, types and roles as values by their names, but not in the bytes of states, nor where their numbers have been taken out.
fn object_numbers(query: Query, text: &str) -> Vec<Refusal> {
    let taken_out = |node: &Node| node.type_oid() == OIDOID && types::have_object_numbers(&[*node]);
    let keys = query.keys().into_iter().map(|(key, _)| key).filter(taken_out).map(|key| ("an object's number".to_string(), key));
    let by_bytes = |a: &Aggregate| keeps_bytes(catalog::origin_of_function(a.function, a.namespace), &a.name) && types::have_object_numbers(&a.arguments);
    let aggregates = query.aggregates().into_iter().filter(|a| by_bytes(a) || a.arguments.iter().any(taken_out)).map(|a| (a.name, a.node));
    keys.chain(aggregates).map(|(what, node)| Refusal { feature: Feature::ObjectNumber, what, position: position(text, node.location()) }).collect()
}

/// The character of the query that PostgreSQL means by an offset.
fn position(text: &str, offset: i32) -> Option<usize> {
    view::position(text, encoding::offset(text, offset))
}

pub fn is_table(relation: Oid) -> bool {
    !sql::rows_latest(&format!("SELECT FROM pg_catalog.pg_class c WHERE c.oid = {} AND c.relkind IN ('r', 'p')", relation.to_u32())).is_empty()
}

pub fn refusals(found: Vec<Found>, text: &str) -> Vec<Refusal> {
    found.into_iter().map(|f| Refusal { feature: f.feature, what: f.what, position: position(text, f.location) }).collect()
}

pub fn raise(all: Vec<Refusal>) -> ! {
    let (message, detail, hint) = refuse(&all).unwrap_or_default();
    Fail::new(PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED, message).detail(detail).hint(hint).raise()
}

/// Ownership of the source, or TRIGGER and SELECT on it.
pub fn refuse_rights(source: Oid) {
    let rows = sql::rows_latest(&format!(
        "SELECT pg_catalog.has_table_privilege(current_user, {0}::pg_catalog.oid, 'TRIGGER'), pg_catalog.has_table_privilege(current_user, {0}::pg_catalog.oid, 'SELECT') \
         OR pg_catalog.has_any_column_privilege(current_user, {0}::pg_catalog.oid, 'SELECT')",
        source.to_u32()
    ));
    let has = |i: usize| rows.first().is_some_and(|r| r[i].as_deref() == Some("t"));
    if !has(0) || !has(1) {
        Fail::new(PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE, format!("permission denied for table {}", catalog::relation_name(source)))
            .detail("A view of a table needs the privileges TRIGGER and SELECT on it.")
            .raise();
    }
}

/// What about the table itself does not go together with a view.
pub fn source_refusals(source: Oid) -> Vec<Refusal> {
    let rows = sql::as_superuser(|| {
        sql::pinned(|| {
            sql::rows_latest(&format!(
                "SELECT c.relpersistence = 't', c.relrowsecurity, EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid), \
                 EXISTS (SELECT FROM tally.members(c.oid) m JOIN pg_catalog.pg_class p ON p.oid = m WHERE p.relkind = 'f'), \
                 EXISTS (SELECT FROM tally.members(c.oid) m JOIN pg_catalog.pg_class p ON p.oid = m WHERE p.relpersistence = 't' AND c.relpersistence <> 't'), \
                 EXISTS (SELECT FROM tally.members(c.oid) m JOIN pg_catalog.pg_class p ON p.oid = m WHERE p.relpersistence NOT IN (c.relpersistence, 't')), \
                 c.relnamespace IN ('pg_catalog'::regnamespace, 'tally'::regnamespace, 'tally_data'::regnamespace) \
                 FROM pg_catalog.pg_class c WHERE c.oid = {}",
                source.to_u32()
            ))
        })
    });
    let what = format!("table \"{}\"", catalog::relation_name(source));
    let features = [
        Feature::Temporary,
        Feature::RowSecurity,
        Feature::ChildTable,
        Feature::ForeignPartition,
        Feature::Temporary,
        Feature::MixedPersistence,
        Feature::RelationKind,
    ];
    rows.first()
        .map(|row| {
            let holds = row.iter().map(|v| v.as_deref() == Some("t"));
            features.iter().zip(holds).filter(|(_, h)| *h).map(|(f, _)| Refusal { feature: *f, what: what.clone(), position: None }).collect()
        })
        .unwrap_or_default()
}

/// Columns that transition tables do not show.
fn virtual_columns(query: Query, text: &str) -> Vec<Refusal> {
    let Some(source) = query.source() else { return vec![] };
    let rows = sql::rows_latest(&format!(
        "SELECT a.attnum, pg_catalog.quote_ident(a.attname) FROM pg_catalog.pg_attribute a WHERE a.attrelid = {} AND a.attgenerated = 'v'",
        source.relation.to_u32()
    ));
    rows.iter()
        .filter_map(|row| {
            let number: i16 = row[0].as_deref()?.parse().ok()?;
            let location = query.location_of_column(number)?;
            Some(Refusal { feature: Feature::VirtualColumn, what: format!("column {}", row[1].as_deref()?), position: position(text, location) })
        })
        .collect()
}
