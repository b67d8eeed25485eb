//! The views of either kind, by the names that users give them.

use super::refreshable::{self, Refreshable};
use super::registry::{self, Registered};
use crate::pg::error::Fail;
use crate::pg::sql;
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;

pub enum View {
    Incremental(Registered),
    Refreshable(Refreshable),
}

impl View {
    pub fn by_relation(relation: Oid) -> Option<View> {
        registry::by_view(relation).map(View::Incremental).or_else(|| refreshable::by_view(relation).map(View::Refreshable))
    }

    pub fn by_id(id: i64) -> Option<View> {
        registry::by_id(id).map(View::Incremental).or_else(|| refreshable::by_id(id).map(View::Refreshable))
    }

    pub fn find(name: &str) -> View {
        let rows = sql::rows(&format!("SELECT {}::pg_catalog.regclass::pg_catalog.oid", sql::literal(name)));
        let oid: Option<u32> = rows.into_iter().flatten().flatten().next().and_then(|t| t.parse().ok());
        oid.and_then(|oid| View::by_relation(Oid::from(oid))).unwrap_or_else(|| {
            Fail::new(PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE, format!("\"{name}\" is not a view made by tally.create_view"))
                .hint("tally.views lists the views that are maintained.")
                .raise()
        })
    }

    /// The view of that name, which must be the user's own.
    pub fn owned(name: &str) -> View {
        let view = View::find(name);
        if !owns(view.relation()) {
            Fail::new(PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE, format!("must be owner of view {name}")).raise();
        }
        view
    }

    pub fn id(&self) -> i64 {
        match self {
            View::Incremental(view) => view.id,
            View::Refreshable(view) => view.id,
        }
    }

    /// What users read.
    pub fn relation(&self) -> Oid {
        match self {
            View::Incremental(view) => view.view,
            View::Refreshable(view) => view.view,
        }
    }

    pub fn query(&self) -> Oid {
        match self {
            View::Incremental(view) => view.query,
            View::Refreshable(view) => view.query,
        }
    }
}

pub fn owns(view: Oid) -> bool {
    let rows = sql::rows_latest(&format!(
        "SELECT pg_catalog.pg_has_role(current_user, c.relowner, 'USAGE') FROM pg_catalog.pg_class c WHERE c.oid = {}",
        view.to_u32()
    ));
    rows.first().is_some_and(|r| r[0].as_deref() == Some("t"))
}
