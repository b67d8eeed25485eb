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

/// One row: groups missing from the view, groups too many, groups that differ.
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
                Compared::Equality(Equality::Operator(op)) => format!("NOT coalesce({x} {op} {y}, {x} IS NULL AND {y} IS NULL)"),
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
    let computed = spec.is_kept("x.").map(|kept| format!(" WHERE NOT {kept}")).unwrap_or_default();
    format!(
        "WITH a AS MATERIALIZED (SELECT {hash} AS kh, x.* FROM {} x{computed}), b AS MATERIALIZED (SELECT {hash} AS kh, x.* FROM ({}) x{computed}) \
         SELECT (SELECT pg_catalog.count(*) FROM b WHERE NOT EXISTS (SELECT FROM a WHERE {same})), \
         (SELECT pg_catalog.count(*) FROM a WHERE NOT EXISTS (SELECT FROM b WHERE {same})), \
         (SELECT pg_catalog.count(*) FROM a JOIN b ON {same} WHERE {differs})",
        spec.storage.groups(),
        recomputed_groups(spec),
    )
}

/// One row: delta's rows, groups in doubt, and whether readers are answered from main and delta.
pub fn state(spec: &Spec) -> String {
    let (main, delta) = (spec.storage.main(), spec.storage.delta());
    let on = if spec.keys.is_empty() { "true".into() } else { spec.same_group("m", "p") };
    format!(
        "SELECT (SELECT pg_catalog.count(*) FROM {delta}), \
         (SELECT pg_catalog.count(*) FROM ({}) p LEFT JOIN {main} m ON {on} WHERE {}), {}, {}",
        spec.pending_groups(),
        spec.in_doubt(),
        format!("NOT {}", spec.source_alone()),
        kept(spec),
    )
}

/// How many groups have what the source does not have. Whoever asks runs this with our rights, so nothing of the view's own is
/// evaluated: new groups that are pending are told apart by their hash.
fn kept(spec: &Spec) -> String {
    let by_hand = |also: String| format!("(SELECT pg_catalog.count(DISTINCT e.kh) FROM {} e{also})", spec.storage.kept());
    let lost = spec.is_kept("m.").zip(spec.is_kept("d.")).map(|(of_main, of_delta)| {
        let (main, delta) = (spec.storage.main(), spec.storage.delta());
        let new = format!("d.doubt < {WHOLE} AND {of_delta}{} AND NOT EXISTS (SELECT FROM {main} m WHERE m.kh = d.kh)", spec.not_gone(" AND ", "d."));
        format!(
            "CASE WHEN tally.keeps('{}'::regclass) THEN (SELECT pg_catalog.count(*) FROM {main} m WHERE {of_main}) + (SELECT pg_catalog.count(DISTINCT d.kh) FROM {delta} d WHERE {new}) ELSE 0 END",
            spec.storage.horizon()
        )
    });
    match (lost, spec.insertable) {
        (Some(lost), true) => format!("{lost} + {}", by_hand(spec.of_source(" WHERE ", "e."))),
        (Some(lost), false) => lost,
        (None, true) => by_hand(String::new()),
        (None, false) => "0".into(),
    }
}
