//! The statements that fold delta into main. Each is one statement, so that all of it sees one snapshot.

use super::render::{WHOLE, a};
use super::spec::Spec;

/// Folds what the snapshot sees; groups in doubt are read from the source in the same snapshot.
pub fn compaction(spec: &Spec) -> String {
    let fresh = if !spec.can_doubt() {
        String::new()
    } else if spec.keys.is_empty() {
        let source = spec.from_source();
        format!(
            ", fresh AS MATERIALIZED (SELECT j.tid, {} FROM j, ({source}) y WHERE (SELECT doubt FROM j))",
            spec.main_columns("y.")
        )
    } else {
        format!(", fresh AS MATERIALIZED ({})", spec.from_source_of("(SELECT * FROM j WHERE doubt AND n > 0)", &["tid"]))
    };
    let repaired = if fresh.is_empty() { String::new() } else { " UNION ALL SELECT * FROM fresh".into() };
    let delete = format!("DELETE FROM {} d WHERE d.doubt < {WHOLE}", spec.storage.delta());
    statement(spec, &fresh, &repaired, &delete, "")
}

/// Folds only what needs no look at the source; groups in doubt stay as they are.
pub fn fold(spec: &Spec) -> String {
    let delta = spec.storage.delta();
    let (delete, apply) = if spec.keys.is_empty() {
        let certain = " AND NOT (SELECT doubt FROM j)";
        (format!("DELETE FROM {delta} d WHERE d.doubt < {WHOLE}{certain}"), certain.to_string())
    } else {
        let delete = format!("DELETE FROM {delta} d USING j WHERE d.doubt < {WHOLE} AND {} AND NOT j.doubt", spec.same_group("d", "j"));
        (delete, format!(" AND EXISTS (SELECT FROM j WHERE {} AND NOT j.doubt)", spec.same_group("c", "j")))
    };
    statement(spec, "", "", &delete, if spec.can_doubt() { &apply } else { "" })
}

/// Makes main anew from the source: the first filling, a refresh, and what a mark on the whole view asks for. One row: the rows of delta that
/// went, the rows of the source that were read, and the rows of main that went and came.
pub fn rebuild(spec: &Spec) -> String {
    rebuild_of(spec, None, None)
}

/// The same for the groups of which a condition over `x`, a row with the keys, holds, and for their rows in the source.
pub(super) fn rebuild_of(spec: &Spec, groups: Option<&str>, rows: Option<&str>) -> String {
    let s = &spec.storage;
    let of = groups.map(|groups| format!(" x WHERE {groups}")).unwrap_or_default();
    // Marks are of no bucket.
    let pending = groups.map(|groups| format!(" x WHERE x.doubt < {WHOLE} AND {groups}")).unwrap_or_default();
    format!(
        "WITH d AS (DELETE FROM {delta}{pending} RETURNING 1), m AS (DELETE FROM {main}{of} RETURNING 1), \
         i AS (INSERT INTO {main} ({columns}) {source} RETURNING n), \
         f AS (INSERT INTO {filled} SELECT true WHERE NOT EXISTS (SELECT FROM {filled}) RETURNING 1){values} \
         SELECT (SELECT pg_catalog.count(*) FROM d), (SELECT coalesce(pg_catalog.sum(n), 0)::bigint FROM i), \
         (SELECT pg_catalog.count(*) FROM m) + (SELECT pg_catalog.count(*) FROM i)",
        delta = s.delta(),
        main = s.main(),
        filled = s.filled(),
        columns = spec.main_columns(""),
        source = spec.from_source_where(rows),
        values = if spec.counts_values() { spec.count_source(&of, rows) } else { String::new() },
    )
}

/// `p` are the pending groups, `j` joins them with main and merges, `r` are the rows that main shall have; `c` and `x` are what changes
/// of the values that are counted, of which those are brought up to date for which `apply` holds.
fn statement(spec: &Spec, fresh: &str, repaired: &str, delete: &str, apply: &str) -> String {
    let main = spec.storage.main();
    let pending = spec.pending_groups();
    let set: String = spec.stored().map(|(i, _)| format!(", {0} = r.{0}", a(i))).collect();
    let columns = spec.main_columns("");
    let (changes, join, counts) = if spec.counts_values() {
        let changes = format!("c AS MATERIALIZED ({}), x AS MATERIALIZED ({}), ", spec.value_changes(), spec.set_changes("c"));
        let on = if spec.keys.is_empty() { "true".to_string() } else { spec.same_group("x", "p") };
        (changes, format!(" LEFT JOIN x ON {on}"), spec.apply_values(apply))
    } else {
        (String::new(), String::new(), String::new())
    };
    if spec.keys.is_empty() {
        // One row, always there once the view is filled.
        return format!(
            "WITH {changes}j AS MATERIALIZED (SELECT m.ctid AS tid, m.kh, m.n + p.n AS n{merged}, {doubt} AS doubt FROM {main} m CROSS JOIN ({pending}) p{join}){fresh}, \
             r AS (SELECT tid, {columns} FROM j WHERE NOT doubt{repaired}), \
             u AS (UPDATE {main} m SET n = r.n{set} FROM r WHERE m.ctid = r.tid RETURNING 1){counts}, \
             d AS ({delete} RETURNING 1) SELECT (SELECT pg_catalog.count(*) FROM d)",
            merged = spec.merged_list(),
            doubt = spec.in_doubt(),
        );
    }
    format!(
        "WITH {changes}j AS MATERIALIZED (SELECT m.ctid AS tid, p.kh, coalesce(m.n, 0) + p.n AS n{keys}{merged}, {doubt} AS doubt \
           FROM ({pending}) p LEFT JOIN {main} m ON {same}{join}){fresh}, \
         r AS (SELECT tid, {columns} FROM j WHERE NOT doubt AND n > 0{repaired}), \
         g AS (DELETE FROM {main} m USING j WHERE m.ctid = j.tid AND j.n <= 0{gone_doubt} RETURNING 1), \
         u AS (UPDATE {main} m SET n = r.n{set} FROM r WHERE m.ctid = r.tid RETURNING 1), \
         i AS (INSERT INTO {main} ({columns}) SELECT {columns} FROM r WHERE r.tid IS NULL RETURNING 1){counts}, \
         d AS ({delete} RETURNING 1) SELECT (SELECT pg_catalog.count(*) FROM d)",
        keys = spec.key_list("p."),
        merged = spec.merged_list(),
        doubt = spec.in_doubt(),
        same = spec.same_group("m", "p"),
        // A fold leaves the delta rows of a group in doubt, so it must leave main's row too.
        gone_doubt = if repaired.is_empty() && spec.can_doubt() { " AND NOT j.doubt" } else { "" },
    )
}
