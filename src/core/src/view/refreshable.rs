//! The SQL of refreshable views: a table with what the query answered, and a view over it that users read.

use super::spec::Storage;

/// A column of the table, by its position.
fn column(i: usize) -> String {
    format!("c{}", i + 1)
}

/// The tables behind the view. The types, typmods and collations are those of the query's columns, whatever they are.
pub fn refreshable_tables(storage: &Storage, columns: usize, order_by: &[usize]) -> Vec<String> {
    let names: Vec<String> = (0..columns).map(column).collect();
    let list = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
    let mut all = vec![
        format!("CREATE TABLE {}{list} AS SELECT * FROM {} WITH NO DATA", storage.rows(), storage.query()),
        format!("CREATE TABLE {} (filled boolean NOT NULL)", storage.filled()),
    ];
    if !order_by.is_empty() {
        let columns: Vec<String> = order_by.iter().map(|i| column(*i)).collect();
        all.push(format!("CREATE INDEX {} ON {} ({})", storage.name("rows_order"), storage.rows(), columns.join(", ")));
    }
    all
}

/// What users read. The second item in FROM costs nothing, since the planner removes it: it keeps PostgreSQL from taking the view for one
/// that can be written to.
pub fn refreshable_view(storage: &Storage, names: &[String]) -> String {
    let columns: Vec<String> = names.iter().enumerate().map(|(i, name)| format!("r.{} AS {name}", column(i))).collect();
    format!("SELECT {} FROM {} r, (SELECT) f WHERE tally.populated('{}'::regclass)", columns.join(", "), storage.rows(), storage.filled())
}

/// The rows that are there, each behind the place where it is.
pub fn present_rows(storage: &Storage) -> String {
    format!("SELECT r.ctid, r.* FROM ONLY {} r", storage.rows())
}

/// The rows that should be there.
pub fn wanted_rows(storage: &Storage) -> String {
    format!("SELECT q.* FROM {} q", storage.query())
}

/// The name under which `insert_rows` finds what came.
pub const CAME: &str = "came";

pub fn insert_rows(storage: &Storage) -> String {
    format!("INSERT INTO {} SELECT c.* FROM {CAME} c", storage.rows())
}

/// The rows at these places, as SQL writes them.
pub fn delete_rows(storage: &Storage, places: &[String]) -> String {
    let places: Vec<String> = places.iter().map(|p| format!("\"{p}\"")).collect();
    format!("DELETE FROM ONLY {} r WHERE r.ctid = ANY ('{{{}}}'::pg_catalog.tid[])", storage.rows(), places.join(","))
}

pub fn mark_filled(storage: &Storage) -> String {
    format!("INSERT INTO {0} SELECT true WHERE NOT EXISTS (SELECT FROM {0})", storage.filled())
}
