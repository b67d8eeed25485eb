//! Stored generated columns of rows that were inserted through a partitioned table.
//!
//! Where a partition's columns stand in another order, PostgreSQL shows triggers of the table the row as it was before these columns were computed
//! (`tcs_original_insert_tuple`, up to PostgreSQL 18): they are NULL. So they are computed again, by what has just computed them.

use super::triggers;
use crate::pg::expr::{Plan, Projector, Row, Table};
use crate::pg::tree::Node;
use crate::pg::{catalog, inval, sql};
use pgrx::pg_sys::Oid;

pub enum Generated {
    /// Rows show them.
    Shown,
    Computed { plan: Plan, columns: Vec<i16> },
    /// Which partition a row went to decides, and triggers are not told.
    Unknown,
}

impl Generated {
    /// Of rows that are inserted through the table and of which these columns are read.
    pub fn of(table: &Table, read: &[i16]) -> Generated {
        if !table.is_partitioned() || !table.has_generated_columns() {
            return Generated::Shown;
        }
        let number = |row: &Vec<Option<String>>| row[0].as_deref().and_then(|n| n.parse().ok());
        let mut found = hidden(table.oid());
        found.retain(|row| number(row).is_some_and(|column| read.contains(&column)));
        let columns: Vec<i16> = found.iter().filter_map(number).collect();
        if columns.is_empty() {
            return Generated::Shown;
        }
        let expressions: Vec<Node> = columns.iter().filter_map(|column| table.expression_of(*column)).collect();
        // What a function looks up by name may be found under the writer's search_path only.
        let knowable = |expression: &Node| catalog::is_builtin_only(*expression) && expression.columns().iter().all(|column| *column > 0);
        let alike = found.iter().all(|row| row[1].as_deref() == Some("t"));
        if !alike || expressions.len() < columns.len() || !expressions.iter().all(knowable) {
            return Generated::Unknown;
        }
        Generated::Computed { plan: Plan::new(None, &expressions), columns }
    }

    pub fn start(&self, table: &Table) -> Option<Filler<'_>> {
        match self {
            Generated::Computed { plan, columns } => Some(Filler { projector: plan.start(table), columns }),
            Generated::Shown | Generated::Unknown => None,
        }
    }
}

pub struct Filler<'a> {
    projector: Projector,
    columns: &'a [i16],
}

impl Filler<'_> {
    /// The row's columns hold until the next one's are filled in.
    pub fn fill(&mut self, row: &Row) {
        if let Some(computed) = self.projector.project(row) {
            for ((column, value), null) in self.columns.iter().zip(computed.values).zip(computed.nulls) {
                row.set(*column, *value, *null);
            }
        }
    }
}

/// The stored generated columns that some leaf has elsewhere than the table, each with whether all leaves compute it as the table does.
fn hidden(table: Oid) -> sql::Rows {
    let layout = |of: &str| {
        format!(
            "(SELECT pg_catalog.array_agg(x.attisdropped::text || CASE WHEN x.attisdropped THEN x.attlen::text || x.attalign::text ELSE x.attname::text END ORDER BY x.attnum) \
             FROM pg_catalog.pg_attribute x WHERE x.attrelid = {of} AND x.attnum > 0)"
        )
    };
    let number = table.to_u32();
    let leaves = format!("tally.members({number}) m JOIN pg_catalog.pg_class c ON c.oid = m AND c.relkind = 'r'");
    // A leaf may come to compute a column in another way, of which the table hears nothing.
    inval::watch(triggers::leaves(table));
    sql::as_superuser(|| {
        sql::pinned(|| {
            sql::rows_latest(&format!(
                "SELECT a.attnum, pg_catalog.bool_and(pg_catalog.pg_get_expr(e.adbin, e.adrelid) IS NOT DISTINCT FROM pg_catalog.pg_get_expr(d.adbin, d.adrelid)) \
                 FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum, \
                 {leaves} JOIN pg_catalog.pg_attribute b ON b.attrelid = m AND NOT b.attisdropped \
                 LEFT JOIN pg_catalog.pg_attrdef e ON e.adrelid = m AND e.adnum = b.attnum \
                 WHERE a.attrelid = {number} AND a.attgenerated = 's' AND NOT a.attisdropped AND b.attname = a.attname \
                 GROUP BY a.attnum HAVING pg_catalog.bool_or({} IS DISTINCT FROM {})",
                layout("m"),
                layout(&number.to_string()),
            ))
        })
    })
}
