//! The SQL of an existing view, made anew from its definition.

use super::describe::{self, Shape};
use super::registry::Registered;
use crate::pg::query::Query;
use crate::pg::sql;
use pg_tally_core::view::Spec;

pub fn shape(view: &Registered) -> Option<Shape> {
    Query::of_view(view.query).and_then(describe::shape)
}

/// None if the definition is no longer one that we would have made.
pub fn spec(view: &Registered) -> Option<Spec> {
    sql::as_superuser(|| sql::pinned(|| shape(view).map(|shape| describe::spec(&shape, view.id))))
}
