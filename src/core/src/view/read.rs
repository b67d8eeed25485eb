//! The SQL that readers run: PostgreSQL plans it as part of their own query.

use super::render::f;
use super::spec::{Spec, Target};

/// One row per group, with keys `k1…` and final values `f1…`: main alone while nothing is pending, main merged with delta
/// otherwise, groups in doubt from the source, everything from the source where the snapshot sees no filled view.
pub fn groups_view(spec: &Spec) -> String {
    final_values(spec, &branches(spec).join("\nUNION ALL\n"))
}

/// The same columns straight from the source: what the view must equal.
pub fn recomputed_groups(spec: &Spec) -> String {
    final_values(spec, &spec.from_source(&[]))
}

/// The relation that users read.
pub fn public_view(spec: &Spec, targets: &[Target], having: Option<&str>) -> String {
    let columns = targets.iter().map(|t| format!("{} AS {}", t.expr, t.name)).collect::<Vec<_>>().join(", ");
    let having = having.map(|h| format!(" WHERE {h}")).unwrap_or_default();
    format!("SELECT {columns} FROM {} g{having}", spec.storage.groups())
}

fn final_values(spec: &Spec, rows: &str) -> String {
    let mut columns: Vec<String> = (0..spec.keys.len()).map(|i| format!("x.{}", super::render::k(i))).collect();
    columns.extend(spec.aggs.iter().enumerate().map(|(i, agg)| format!("{} AS {}", spec.final_value(i, agg), f(i))));
    format!("SELECT {} FROM ({rows}) x", columns.join(", "))
}

fn branches(spec: &Spec) -> Vec<String> {
    let main = spec.storage.main();
    let (alone, both, source) = (spec.main_alone(), spec.main_and_delta(), spec.source_alone());
    let pending = spec.pending_groups();
    let mut all = vec![format!("SELECT {} FROM {main} m WHERE {alone}", spec.main_columns("m."))];
    if spec.keys.is_empty() {
        let merged = format!("SELECT m.kh, m.n + p.n AS n{} FROM {main} m, ({pending}) p", spec.merged_list(true));
        let doubt = format!("(SELECT {} FROM {main} m, ({pending}) p)", spec.in_doubt(true));
        all.push(format!("{merged} WHERE {both} AND NOT {}", spec.in_doubt(true)));
        let fresh = spec.from_source(&[]);
        all.push(format!("SELECT {} FROM ({fresh}) y WHERE {source} OR {both} AND {doubt}", spec.main_columns("y.")));
        return all;
    }
    let same = spec.same_group("m", "p");
    all.push(format!(
        "SELECT m.kh, m.n + coalesce(p.n, 0) AS n{}{} FROM {main} m LEFT JOIN ({pending}) p ON {same} \
         WHERE {both} AND m.n + coalesce(p.n, 0) > 0 AND NOT {}",
        spec.key_list("m."),
        spec.merged_list(true),
        spec.in_doubt(true),
    ));
    all.push(format!(
        "SELECT p.kh, p.n{}{} FROM ({pending}) p WHERE {both} AND p.n > 0 AND NOT {} AND NOT EXISTS (SELECT FROM {main} m WHERE {same})",
        spec.key_list("p."),
        spec.merged_list(false),
        spec.in_doubt(false),
    ));
    if spec.can_doubt() {
        let doubtful = format!(
            "(SELECT p.kh{} FROM ({pending}) p LEFT JOIN {main} m ON {same} WHERE coalesce(m.n, 0) + p.n > 0 AND {})",
            spec.key_list("p."),
            spec.in_doubt(true),
        );
        all.push(spec.from_source_of(&doubtful, &[], &[&spec.some_doubt()]));
    }
    all.push(spec.from_source(&[&source]));
    all
}
