//! Comparing a view with its query, run now.

use super::compact;
use super::describe::Column;
use super::named::View;
use super::{refreshable, storage};
use crate::pg::{catalog, sql};
use pg_tally_core::view as rules;
use pg_tally_core::view::Compared;
use pgrx::pg_sys;

/// Groups missing from the view, groups that it should not have, and groups with other values. A refreshable view has rows, which are there or not.
pub fn verify(name: &str) -> (i64, i64, i64) {
    let view = match View::owned(name) {
        View::Incremental(view) => view,
        View::Refreshable(view) => {
            let (missing, extra) = refreshable::verify(&view);
            return (missing, extra, 0);
        }
    };
    let compared = sql::as_superuser(|| {
        sql::pinned(|| {
            let shape = storage::shape(&view)?;
            let spec = super::describe::spec(&shape, view.id);
            let by: Vec<Compared> = shape.columns.iter().map(how).collect();
            Some(rules::comparison(&spec, &by))
        })
    });
    let Some(statement) = compared else { return (0, 0, 0) };
    let rows = compact::as_owner(&view, &statement);
    let number = |i: usize| rows.first().and_then(|r| r[i].as_deref()).and_then(|t| t.parse().ok()).unwrap_or(0);
    (number(0), number(1), number(2))
}

/// Values of types without an equality, such as states and json, are compared by their text.
fn how(column: &Column) -> Compared {
    let type_oid = column.aggregate.node.type_oid();
    if matches!(column.strategy, rules::Strategy::TopK(_)) {
        return Compared::Never;
    }
    if column.strategy == rules::Strategy::Recompute && matches!(type_oid, pg_sys::FLOAT4OID | pg_sys::FLOAT8OID) {
        return Compared::Nearly;
    }
    if !catalog::has_equality(type_oid) {
        return Compared::Text;
    }
    match catalog::operator_outside_catalog(crate::pg::query::equality_of(type_oid)) {
        None => Compared::Equality(rules::Equality::Catalog),
        Some(op) => Compared::Equality(rules::Equality::Operator(op)),
    }
}
