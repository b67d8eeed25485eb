//! The SQL that readers run: PostgreSQL plans it as part of their own query.

use super::render::{f, k};
use super::spec::{Agg, Key, Part, Spec, Target};

/// One row per group, with keys `k1…` and final values `f1…`: main alone while nothing is pending, main merged with delta
/// otherwise, groups in doubt from the source, everything that is not kept from the source where the snapshot sees no filled view.
pub fn groups_view(spec: &Spec) -> String {
    final_values(spec, &branches(spec).join("\nUNION ALL\n"))
}

/// The same columns straight from the source: what the view must equal.
pub fn recomputed_groups(spec: &Spec) -> String {
    final_values(spec, &spec.with_kept(spec.from_source(), None))
}

/// The relation that users read.
pub fn public_view(spec: &Spec, targets: &[Target], having: Option<&str>) -> String {
    let columns = targets.iter().map(|t| format!("{} AS {}", t.expr, t.name)).collect::<Vec<_>>().join(", ");
    let having = having.map(|h| format!(" WHERE {h}")).unwrap_or_default();
    format!("SELECT {columns} FROM {} g{having}", spec.storage.groups())
}

/// Lets states be put in by hand: `INSERT INTO view SELECT … sum_state(…) …`. `columns` says which key or aggregate each target is.
pub fn insert_rule(spec: &Spec, view: &str, targets: &[Target], columns: &[Part]) -> String {
    let new = |wanted: &Part| columns.iter().position(|c| c == wanted).map(|i| format!("NEW.{}", targets[i].name));
    let keys: Vec<String> = (0..spec.keys.len()).filter_map(|i| new(&Part::Key(i))).collect();
    let rows = (0..spec.aggs.len()).filter(|i| !spec.aggs[*i].strategy.stored()).find_map(|i| new(&Part::Aggregate(i)));
    let state = |(i, agg): (usize, &Agg)| {
        let value = new(&Part::Aggregate(i))?;
        Some(match &agg.fitting {
            Some(types) => format!(", tally.arg_fitting({value}, {types})"),
            None => format!(", {value}"),
        })
    };
    let stored: String = spec.stored().filter_map(state).collect();
    let keys: String = keys.into_iter().map(|k| format!(", {k}")).collect();
    format!(
        "CREATE RULE tally_insert AS ON INSERT TO {view} DO INSTEAD INSERT INTO {} (n{}{}) VALUES ({}{keys}{stored})",
        spec.storage.kept(),
        spec.key_list(""),
        spec.stored_list(""),
        rows.map_or("0".to_string(), |r| format!("coalesce({r}, 0)")),
    )
}

fn final_values(spec: &Spec, rows: &str) -> String {
    let key = |(i, key): (usize, &Key)| match &key.domain {
        Some(domain) => format!("x.{0}::{domain} AS {0}", k(i)),
        None => format!("x.{}", k(i)),
    };
    let mut columns: Vec<String> = spec.keyed().map(key).collect();
    columns.extend(spec.aggs.iter().enumerate().map(|(i, agg)| format!("{} AS {}", spec.final_value(i, agg), f(i))));
    format!("SELECT {} FROM ({rows}) x", columns.join(", "))
}

/// Groups with nothing pending come from main; groups with pending rows merged from main and delta, or, in doubt, from the source;
/// and all of them from the source where main and delta cannot answer. What decides between these is asked once per scan.
fn branches(spec: &Spec) -> Vec<String> {
    let main = spec.storage.main();
    let (both, source) = (spec.main_and_delta(), spec.source_alone());
    let touched = spec.touched_groups();
    let columns = spec.main_columns("m.");
    let mut all = vec![
        format!("SELECT {columns} FROM {main} m WHERE {}", spec.main_alone()),
        // Joined with distinct hashes, of which the planner knows that they are: so it hashes these, and not main.
        format!(
            "SELECT {columns} FROM {main} m LEFT JOIN (SELECT DISTINCT h.kh FROM ({}) h) h ON h.kh = m.kh WHERE {both} AND h.kh IS NULL",
            spec.touched_hashes(),
        ),
    ];
    let exists = spec.touched_exists();
    all.push(format!(
        "SELECT t.kh, t.n{}{} FROM ({touched}) t WHERE {both} AND {exists} AND NOT {}",
        spec.key_list("t."),
        spec.touched_list(),
        spec.touched_in_doubt(),
    ));
    all.push(kept_groups(spec));
    if spec.keys.is_empty() {
        let doubt = format!("(SELECT {} FROM ({touched}) t)", spec.touched_in_doubt());
        let fresh = spec.from_source();
        let answers = format!("{source}{}", spec.of_source(" AND ", ""));
        all.push(format!("SELECT {} FROM ({}) y WHERE {answers} OR {both} AND {doubt}", spec.main_columns("y."), spec.with_kept(fresh, None)));
        return all;
    }
    all.extend(unknown_groups(spec));
    if spec.can_doubt() {
        let of_source = spec.is_unknown("t.", "t.known").map(|unknown| format!(" AND NOT ({unknown})")).unwrap_or_default();
        let doubtful = format!("(SELECT t.kh{} FROM ({touched}) t WHERE {exists} AND {}{of_source})", spec.key_list("t."), spec.touched_in_doubt());
        let some = spec.some_doubt();
        let fresh = spec.with_kept(spec.from_source_of(&doubtful, &[]), Some(&format!("(SELECT * FROM {doubtful} b WHERE {some})")));
        all.push(format!("SELECT {} FROM ({fresh}) y WHERE {some}", spec.main_columns("y.")));
    }
    let fresh = spec.with_kept(spec.from_source(), None);
    all.push(format!("SELECT {} FROM ({fresh}) y WHERE {source}", spec.main_columns("y.")));
    all
}

/// Kept groups that main does not have and that have values without a state: these are what the source still has, all else is merged.
fn unknown_groups(spec: &Spec) -> Option<String> {
    let unknown = spec.is_unknown("t.", "t.known")?;
    let groups = format!("(SELECT t.* FROM ({}) t WHERE {} AND {unknown})", spec.touched_groups(), spec.touched_exists());
    let rows = spec.with_fresh(&[], &groups, &format!("({})", spec.from_source_of(&groups, &[])));
    Some(format!("SELECT {} FROM ({rows}) y WHERE {} AND {}", spec.main_columns("y."), spec.any_doubt(), keeps(spec)))
}

/// That anything is kept at all.
fn keeps(spec: &Spec) -> String {
    format!("tally.keeps('{}'::regclass)", spec.storage.horizon())
}

/// While all the rest comes from the source, kept groups still come from main and delta.
fn kept_groups(spec: &Spec) -> String {
    let kept = match spec.is_unknown("t.", "t.known") {
        Some(unknown) => format!("{} AND NOT ({unknown})", spec.is_kept("t.")),
        None => spec.is_kept("t."),
    };
    format!(
        "SELECT t.kh, t.n{}{} FROM ({}) t WHERE {} AND {} AND {} AND {kept}",
        spec.key_list("t."),
        spec.touched_list(),
        spec.merged_groups(&spec.is_kept("m.")),
        spec.source_alone(),
        keeps(spec),
        spec.touched_exists(),
    )
}
