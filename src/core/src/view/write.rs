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
        format!(", fresh AS MATERIALIZED ({})", spec.from_source_of("(SELECT * FROM j WHERE doubt AND n > 0)", spec.row_names()))
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

/// Makes main anew from the source: the first filling, a refresh, and what a mark on the whole view asks for.
pub fn rebuild(spec: &Spec) -> String {
    if let Some(kept) = spec.is_kept("p.") {
        return rebuild_but_kept(spec, &kept);
    }
    let s = &spec.storage;
    format!(
        "WITH d AS (DELETE FROM {delta} RETURNING 1), m AS (DELETE FROM {main} RETURNING 1), \
         i AS (INSERT INTO {main} ({columns}) {source} RETURNING 1), \
         f AS (INSERT INTO {filled} SELECT true WHERE NOT EXISTS (SELECT FROM {filled}) RETURNING 1){values} \
         SELECT (SELECT pg_catalog.count(*) FROM d)",
        delta = s.delta(),
        main = s.main(),
        filled = s.filled(),
        columns = spec.main_columns(""),
        source = spec.from_source(),
        values = if spec.counts_values() { spec.count_source() } else { String::new() },
    )
}

/// What is kept is no more than folded; all else is made anew.
fn rebuild_but_kept(spec: &Spec, kept: &str) -> String {
    let s = &spec.storage;
    let on = if spec.keys.is_empty() { "true".to_string() } else { spec.same_group("m", "p") };
    let changes = Changes::of(spec, &spec.is_kept("c.").map(|kept| format!(" AND {kept}")).unwrap_or_default());
    format!(
        "WITH {before}j AS MATERIALIZED (SELECT {row}, {kh} AS kh, coalesce(m.n, 0) + p.n AS n{keys}{merged} FROM ({pending}) p LEFT JOIN {main} m ON {on}{join} WHERE {kept}), \
         d AS (DELETE FROM {delta} RETURNING 1), \
         m AS (DELETE FROM {main} m WHERE NOT {main_kept} OR {folded} RETURNING 1), \
         i AS (INSERT INTO {main} ({columns}) {source} UNION ALL SELECT {columns} FROM j WHERE {exists} RETURNING 1), \
         f AS (INSERT INTO {filled} SELECT true WHERE NOT EXISTS (SELECT FROM {filled}) RETURNING 1){counts}{values} \
         SELECT (SELECT pg_catalog.count(*) FROM d)",
        before = changes.before,
        row = spec.row_of_main(),
        folded = spec.is_row_in("j"),
        join = changes.join,
        counts = changes.counts,
        kh = if spec.keys.is_empty() { "0::bigint" } else { "p.kh" },
        keys = spec.key_list("p."),
        merged = spec.merged_list(),
        pending = spec.pending_groups(),
        main = s.main(),
        delta = s.delta(),
        filled = s.filled(),
        main_kept = spec.is_kept("m.").unwrap_or_default(),
        columns = spec.main_columns(""),
        source = spec.from_source(),
        exists = if spec.keys.is_empty() { "true" } else { "n > 0" },
        values = if spec.counts_values() { spec.count_source() } else { String::new() },
    )
}

/// What counts per value need beside a statement that folds: CTEs before it and after it, and a join to the pending groups `p`.
#[derive(Default)]
struct Changes {
    before: String,
    join: String,
    counts: String,
}

impl Changes {
    /// Counts are brought up to date for the changes for which `apply` holds.
    fn of(spec: &Spec, apply: &str) -> Changes {
        if !spec.counts_values() {
            return Changes::default();
        }
        let on = if spec.keys.is_empty() { "true".to_string() } else { spec.same_group("x", "p") };
        Changes {
            before: format!("c AS MATERIALIZED ({}), x AS MATERIALIZED ({}), ", spec.value_changes(), spec.set_changes("c")),
            join: format!(" LEFT JOIN x ON {on}"),
            counts: spec.apply_values(apply),
        }
    }
}

/// `p` are the pending groups, `j` joins them with main and merges, `r` are the rows that main shall have; `c` and `x` are what changes
/// of the values that are counted, of which those are brought up to date for which `apply` holds.
fn statement(spec: &Spec, fresh: &str, repaired: &str, delete: &str, apply: &str) -> String {
    let main = spec.storage.main();
    let pending = spec.pending_groups();
    let set: String = spec.stored().map(|(i, _)| format!(", {0} = r.{0}", a(i))).collect();
    let columns = spec.main_columns("");
    let Changes { before: changes, join, counts } = Changes::of(spec, apply);
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
        "WITH {changes}j AS MATERIALIZED (SELECT {row}, p.kh, coalesce(m.n, 0) + p.n AS n{keys}{merged}, {doubt} AS doubt \
           FROM ({pending}) p LEFT JOIN {main} m ON {same}{join}){fresh}, \
         r AS (SELECT {names}, {columns} FROM j WHERE NOT doubt AND n > 0{repaired}), \
         g AS (DELETE FROM {main} m USING j WHERE {gone} AND j.n <= 0{gone_doubt} RETURNING 1), \
         u AS (UPDATE {main} m SET n = r.n{set} FROM r WHERE {changed} RETURNING 1), \
         i AS (INSERT INTO {main} ({columns}) SELECT {columns} FROM r WHERE r.tid IS NULL RETURNING 1){counts}, \
         d AS ({delete} RETURNING 1) SELECT (SELECT pg_catalog.count(*) FROM d)",
        row = spec.row_of_main(),
        names = spec.row_names().join(", "),
        gone = spec.is_row("j"),
        changed = spec.is_row("r"),
        keys = spec.key_list("p."),
        merged = spec.merged_list(),
        doubt = spec.in_doubt(),
        same = spec.same_group("m", "p"),
        // A fold leaves the delta rows of a group in doubt, so it must leave main's row too.
        gone_doubt = if repaired.is_empty() && spec.can_doubt() { " AND NOT j.doubt" } else { "" },
    )
}
