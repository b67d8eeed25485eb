//! Comparing a view with what its query gives now, in one snapshot.

use super::read::recomputed_groups;
use super::render::{WHOLE, f, k};
use super::spec::{Equality, Spec};

/// How two final values are compared.
pub enum Compared {
    Equality(Equality),
    /// Floats of aggregates that depend on the order of rows in their last digits.
    Nearly,
    Text,
    /// Not at all: both are right within their stated errors.
    Never,
}

/// One row: groups missing from the view, groups too many (also such as are there twice), groups that differ.
pub fn comparison(spec: &Spec, by: &[Compared]) -> String {
    let hash: Vec<String> = (0..spec.keys.len()).map(|i| format!("x.{}", k(i))).collect();
    let hash = if hash.is_empty() { "0::bigint".to_string() } else { format!("tally.key_hash({})", hash.join(", ")) };
    let same = spec.same_group("a", "b");
    let differs = by
        .iter()
        .enumerate()
        .map(|(i, how)| {
            let (x, y) = (format!("a.{}", f(i)), format!("b.{}", f(i)));
            match how {
                Compared::Equality(Equality::Catalog) => format!("{x} IS DISTINCT FROM {y}"),
                Compared::Equality(Equality::Operator(op)) => format!("NOT coalesce({x} {op} {y}, {x} IS NOT DISTINCT FROM NULL AND {y} IS NOT DISTINCT FROM NULL)"),
                Compared::Nearly => {
                    format!("({x} IS DISTINCT FROM {y} AND NOT coalesce(abs({x} - {y}) <= 1e-9 * greatest(abs({x}), abs({y})), false))")
                }
                Compared::Never => "false".to_string(),
                Compared::Text => format!("{x}::text IS DISTINCT FROM {y}::text"),
            }
        })
        .collect::<Vec<_>>()
        .join(" OR ");
    let differs = if differs.is_empty() { "false".to_string() } else { differs };
    // What is kept cannot be computed.
    let computed = format!(" WHERE NOT {}", spec.is_kept("x."));
    format!(
        "WITH a AS MATERIALIZED (SELECT {hash} AS kh, x.* FROM {} x{computed}), b AS MATERIALIZED (SELECT {hash} AS kh, x.* FROM ({}) x{computed}) \
         SELECT (SELECT pg_catalog.count(*) FROM b WHERE NOT EXISTS (SELECT FROM a WHERE {same})), \
         (SELECT pg_catalog.count(*) FROM a) - (SELECT pg_catalog.count(*) FROM b WHERE EXISTS (SELECT FROM a WHERE {same})), \
         (SELECT pg_catalog.count(*) FROM a JOIN b ON {same} WHERE {differs})",
        spec.storage.groups(),
        recomputed_groups(spec),
    )
}

/// One row: delta's rows, groups in doubt, and whether readers are answered from main and delta.
pub fn state(spec: &Spec) -> String {
    let (main, delta) = (spec.storage.main(), spec.storage.delta());
    let on = if spec.keys.is_empty() { "true".into() } else { spec.same_group("m", "p") };
    // Where readers are not, states may be such as cannot be read.
    let of_these = format!("NOT {}", spec.source_alone());
    format!(
        "SELECT (SELECT pg_catalog.count(*) FROM {delta}), \
         (SELECT pg_catalog.count(*) FROM ({}) p LEFT JOIN {main} m ON {on} WHERE {of_these} AND {}), {of_these}, {}",
        spec.pending_groups(),
        spec.in_doubt(),
        kept(spec),
    )
}

/// How many groups have what the source does not have. Whoever asks runs this with our rights, so nothing of the view's own is
/// evaluated: new groups that are pending are told apart by their hash.
fn kept(spec: &Spec) -> String {
    let (main, delta) = (spec.storage.main(), spec.storage.delta());
    let new = format!(
        "d.doubt < {WHOLE} AND {}{} AND NOT EXISTS (SELECT FROM {main} m WHERE m.kh = d.kh)",
        spec.is_kept("d."),
        spec.not_gone(" AND ", "d.")
    );
    let lost = format!(
        "CASE WHEN tally.keeps('{}'::regclass) THEN (SELECT pg_catalog.count(*) FROM {main} m WHERE {}) + (SELECT pg_catalog.count(DISTINCT d.kh) FROM {delta} d WHERE {new}) ELSE 0 END",
        spec.storage.horizon(),
        spec.is_kept("m.")
    );
    if !spec.insertable {
        return lost;
    }
    format!("{lost} + (SELECT pg_catalog.count(DISTINCT e.kh) FROM {} e{})", spec.storage.kept(), spec.of_source(" WHERE ", "e."))
}
