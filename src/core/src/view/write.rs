//! The statements that fold delta into main. Each is one statement, so that all of it sees one snapshot.

use super::render::{ENCODING, WHOLE, a, k};
use super::spec::{Spec, Storage};

/// Folds what the snapshot sees; groups in doubt are read from the source in the same snapshot.
pub fn compaction(spec: &Spec) -> String {
    let asked = if spec.has_unknown() { "SELECT * FROM j WHERE doubt AND NOT unknown AND n > 0" } else { "SELECT * FROM j WHERE doubt AND n > 0" };
    let fresh = if !spec.can_doubt() {
        String::new()
    } else if spec.keys.is_empty() {
        let source = spec.from_source();
        format!(
            ", fresh AS MATERIALIZED (SELECT j.tid, {} FROM j, ({source}) y WHERE (SELECT doubt FROM j))",
            spec.main_columns("y.")
        )
    } else {
        format!(", fresh AS MATERIALIZED ({}){}", spec.from_source_of(&format!("({asked})"), spec.row_names()), learned(spec))
    };
    let mut repaired = if fresh.is_empty() { String::new() } else { " UNION ALL SELECT * FROM fresh".to_string() };
    if spec.has_unknown() {
        repaired += &format!(" UNION ALL {}", spec.with_fresh(spec.row_names(), UNKNOWN, "learned"));
    }
    let delete = format!("DELETE FROM {} d WHERE d.doubt < {WHOLE}", spec.storage.delta());
    statement(spec, &fresh, &repaired, &delete, "")
}

/// The pending groups that are kept and of which only the source may know the values without a state.
const UNKNOWN: &str = "(SELECT * FROM j WHERE unknown AND n > 0)";

/// What the source still has of these, as a CTE.
fn learned(spec: &Spec) -> String {
    if spec.has_unknown() { format!(", learned AS MATERIALIZED ({})", spec.from_source_of(UNKNOWN, &[])) } else { String::new() }
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

/// Gives a row if the view was filled in a database of another encoding, and was dumped and restored since.
pub fn filled_elsewhere(storage: &Storage) -> String {
    format!("SELECT FROM {} WHERE encoding <> {ENCODING}", storage.filled())
}

/// What comes before `rebuild` where the view was filled in a database of another encoding: main and delta get the hashes of keys that they would have
/// here, because kept groups are not made anew.
pub fn adoption(spec: &Spec) -> [String; 3] {
    let rehash = |table: String| format!("UPDATE {table} x SET kh = {}", spec.hash((0..spec.keys.len()).map(|i| format!("x.{}", k(i)))));
    [rehash(spec.storage.main()), format!("{} WHERE x.doubt < {WHOLE}", rehash(spec.storage.delta())), format!("DELETE FROM {}", spec.storage.filled())]
}

/// The groups of which a condition over a row with the keys holds; all, if there is none.
pub(super) type Region<'a> = Option<&'a dyn Fn(&str) -> String>;

/// The same for the groups of a region, and for those rows in the source of which `rows` holds. What is kept is no more than folded.
pub(super) fn rebuild_of(spec: &Spec, region: Region, rows: Option<&str>) -> String {
    let s = &spec.storage;
    let of = |row: &str| region.map(|region| region(row));
    // Marks are of no bucket.
    let pending = region.map(|_| format!("x.doubt < {WHOLE}"));
    let kept = Kept::of(spec, &of);
    format!(
        "WITH {before}d AS (DELETE FROM {delta} x{pending} RETURNING 1), \
         m AS (DELETE FROM {main} m{old} RETURNING 1), \
         i AS (INSERT INTO {main} ({columns}) {source} RETURNING n){folded}, \
         f AS (INSERT INTO {filled} SELECT true WHERE NOT EXISTS (SELECT FROM {filled}) RETURNING 1){values} \
         SELECT (SELECT pg_catalog.count(*) FROM d), (SELECT coalesce(pg_catalog.sum(n), 0)::bigint FROM i), \
         (SELECT pg_catalog.count(*) FROM m) + (SELECT pg_catalog.count(*) FROM i) + (SELECT pg_catalog.count(*) FROM k)",
        before = kept.before,
        delta = s.delta(),
        pending = all_of([pending, of("x")]),
        main = s.main(),
        old = all_of([of("m"), Some(kept.main)]),
        columns = spec.main_columns(""),
        source = spec.from_source_where(rows),
        folded = kept.folded,
        filled = s.filled(),
        values = if spec.counts_values() { spec.count_source(of("x").as_deref(), rows) } else { String::new() },
    )
}

/// WHERE all of them hold.
pub(super) fn all_of(conditions: impl IntoIterator<Item = Option<String>>) -> String {
    let all: Vec<String> = conditions.into_iter().flatten().map(|c| format!("({c})")).collect();
    if all.is_empty() { String::new() } else { format!(" WHERE {}", all.join(" AND ")) }
}

/// What a rebuild does with kept groups: CTEs before it, which rows of main go, and CTEs that put back what is folded.
struct Kept {
    before: String,
    main: String,
    folded: String,
}

impl Kept {
    fn of(spec: &Spec, region: &dyn Fn(&str) -> Option<String>) -> Kept {
        let s = &spec.storage;
        let on = if spec.keys.is_empty() { "true".to_string() } else { spec.same_group("m", "p") };
        let concerned = all_of([Some(spec.is_kept("p.")), region("p")]);
        let apply = all_of([Some(spec.is_kept("c.")), region("c")]).replacen(" WHERE ", " AND ", 1);
        let changes = Changes::of(spec, &apply);
        Kept {
            before: format!(
                "{before}j AS MATERIALIZED (SELECT {row}, {kh} AS kh, coalesce(m.n, 0) + p.n AS n{keys}{merged}{unknown} FROM ({pending}) p LEFT JOIN {main} m ON {on}{join}{concerned}){learned}, ",
                unknown = spec.unknown_column(),
                learned = learned(spec),
                before = changes.before,
                row = spec.row_of_main(),
                kh = if spec.keys.is_empty() { "0::bigint" } else { "p.kh" },
                keys = spec.key_list("p."),
                merged = spec.merged_list(),
                pending = spec.pending_groups(),
                main = s.main(),
                join = changes.join,
            ),
            main: format!("NOT {} OR {}", spec.is_kept("m."), spec.is_row_in("j")),
            folded: format!(
                ", k AS (INSERT INTO {main} ({columns}) SELECT {columns} FROM j WHERE {exists}{unknown} RETURNING 1){counts}",
                main = s.main(),
                columns = spec.main_columns(""),
                exists = match (spec.keys.is_empty(), spec.has_unknown()) {
                    (true, _) => "true",
                    (false, true) => "n > 0 AND NOT unknown",
                    (false, false) => "n > 0",
                },
                unknown = if spec.has_unknown() { format!(" UNION ALL {}", spec.with_fresh(&[], UNKNOWN, "learned")) } else { String::new() },
                counts = changes.counts,
            ),
        }
    }
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
        "WITH {changes}j AS MATERIALIZED (SELECT {row}, p.kh, coalesce(m.n, 0) + p.n AS n{keys}{merged}, {doubt} AS doubt{unknown} \
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
        unknown = spec.unknown_column(),
        same = spec.same_group("m", "p"),
        // A fold leaves the delta rows of a group in doubt, so it must leave main's row too.
        gone_doubt = if repaired.is_empty() && spec.can_doubt() { " AND NOT j.doubt" } else { "" },
    )
}
