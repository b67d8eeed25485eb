//! What the source cannot tell any more, and what the view does not show any more.
//!
//! Groups that have lost rows of the source which still count are *kept*: they are never in doubt, and nothing makes them anew from
//! the source. Groups that retention took away are *gone*: what comes late for them is not seen. Both are said by the rows of one small
//! table, the horizon, which only ever gets more rows: whoever sees the loss sees the row. It exists for the views that need it.

use super::render::{GROUP, a};
use super::spec::{Agg, Spec};
use super::strategy::Strategy;

impl Spec {
    /// `, prefix.k1`: the bucket that the horizon speaks of.
    fn bucket(&self, prefix: &str) -> String {
        self.bucket.map(|i| format!(", {prefix}{}", super::render::k(i))).unwrap_or_default()
    }

    fn asked(&self, function: &str, prefix: &str) -> String {
        format!("tally.{function}('{}'::regclass{})", self.storage.horizon(), self.bucket(prefix))
    }

    /// Whether a row's group is kept.
    pub(super) fn is_kept(&self, prefix: &str) -> String {
        self.asked("is_kept", prefix)
    }

    /// `lead` and that the row's group is not gone, where groups can be.
    pub(super) fn not_gone(&self, lead: &str, prefix: &str) -> String {
        self.bucket.map(|_| format!("{lead}NOT {}", self.asked("is_gone", prefix))).unwrap_or_default()
    }

    /// `lead` and that the row's group is neither gone nor kept: that the source answers for it.
    pub fn of_source(&self, lead: &str, prefix: &str) -> String {
        let gone = self.not_gone(lead, prefix);
        let lead = if gone.is_empty() { lead } else { " AND " };
        format!("{gone}{lead}NOT {}", self.is_kept(prefix))
    }

    /// A doubt that does not concern kept groups, unless the source is to be asked for their values without a state.
    pub(super) fn unless_kept(&self, doubt: String, prefix: &str, known: &str) -> String {
        let kept = self.is_kept(prefix);
        match self.is_unknown(prefix, known) {
            Some(unknown) => format!("({doubt} AND NOT {kept} OR {unknown})"),
            None if doubt == "false" => doubt,
            None => format!("({doubt} AND NOT {kept})"),
        }
    }

    /// Whether a row's group is kept and nobody has its values without a state but the source, as far as it still has the group's rows. `known`
    /// says that main or delta has them. None if there is no such group: without keys main always has the one.
    pub(super) fn is_unknown(&self, prefix: &str, known: &str) -> Option<String> {
        self.has_unknown().then(|| format!("{} AND NOT {known}", self.is_kept(prefix)))
    }

    pub(super) fn has_unknown(&self) -> bool {
        self.recomputes() && !self.keys.is_empty()
    }

    /// Whether it has values without a state. Delta may hold such, for groups that are kept.
    pub fn recomputes(&self) -> bool {
        self.recomputed().next().is_some()
    }

    pub(super) fn recomputed(&self) -> impl Iterator<Item = (usize, &Agg)> {
        self.aggs.iter().enumerate().filter(|(_, a)| a.strategy == Strategy::Recompute)
    }

    /// The rows of main's columns of relation `b`, of unknown groups, with what `fresh` (rows from the source, as far as there are any) has of values
    /// without a state. `first` are columns of `b` that come first.
    pub(super) fn with_fresh(&self, first: &[&str], b: &str, fresh: &str) -> String {
        let first: String = first.iter().map(|c| format!("b.{c}, ")).collect();
        let values: String = self.stored().map(|(i, agg)| format!(", {}.{}", if agg.strategy == Strategy::Recompute { "r" } else { "b" }, a(i))).collect();
        format!("SELECT {first}b.kh, b.n{}{values} FROM {b} b LEFT JOIN {fresh} r ON {}", self.key_list("b."), self.same_group("b", "r"))
    }
}

/// Makes the horizon.
pub fn horizon_table(spec: &Spec) -> String {
    let unlogged = if spec.unlogged { "UNLOGGED " } else { "" };
    let bucket = spec.bucket.map_or("timestamptz", |i| spec.keys[i].column_type.as_str());
    format!("CREATE {unlogged}TABLE {} (gone_before {bucket}, kept_to {bucket}, kept_rest boolean NOT NULL)", spec.storage.horizon())
}

/// Takes the groups before a bucket away for good: `before` is its literal. The number of groups.
pub fn expire(spec: &Spec, before: &str) -> Option<String> {
    let k = super::render::k(spec.bucket?);
    let s = &spec.storage;
    let mut also = String::new();
    if spec.insertable {
        also += &format!(", e AS (DELETE FROM {} WHERE {k} < {before} RETURNING 1)", s.kept());
    }
    if spec.counts_values() {
        also += &format!(", w AS (DELETE FROM {} WHERE {k} < {before} RETURNING 1)", s.values());
    }
    Some(format!(
        "WITH g AS (DELETE FROM {} WHERE {k} < {before} RETURNING 1), d AS (DELETE FROM {} WHERE {k} < {before} RETURNING 1){also}, {} SELECT (SELECT pg_catalog.count(*) FROM g)",
        s.main(),
        s.delta(),
        as_one_row(spec, before),
    ))
}

/// Makes one row of the horizon's.
pub fn tidy_horizon(spec: &Spec) -> String {
    format!("WITH {} SELECT 0", as_one_row(spec, "NULL"))
}

fn as_one_row(spec: &Spec, before: &str) -> String {
    let horizon = spec.storage.horizon();
    format!(
        "o AS (DELETE FROM {horizon} RETURNING gone_before, kept_to, kept_rest), \
         h AS (INSERT INTO {horizon} SELECT GREATEST(pg_catalog.max(o.gone_before), {before}), pg_catalog.max(o.kept_to), coalesce(pg_catalog.bool_or(o.kept_rest), false) FROM o RETURNING 1)"
    )
}

/// Groups that become kept.
pub enum Kept {
    All,
    /// Those with a bucket up to that of the literal, and those without one.
    Some { to: Option<String>, rest: bool },
}

impl Kept {
    /// `lead` and that the group of a row is one of these.
    fn condition(&self, lead: &str, spec: &Spec, prefix: &str) -> String {
        let (Kept::Some { to, rest }, Some(bucket)) = (self, spec.bucket.map(super::render::k)) else { return String::new() };
        let upto = to.as_ref().map(|to| format!("{prefix}{bucket} <= {to}"));
        let without = rest.then(|| format!("{prefix}{bucket} IS NULL"));
        format!("{lead}({})", upto.into_iter().chain(without).collect::<Vec<_>>().join(" OR "))
    }
}

/// Rows for delta that hold what the view shows of values without a state, for groups that become kept while that is only pending. None if the
/// view has no such values.
pub fn held_values(spec: &Spec, kept: &Kept) -> Option<String> {
    if !spec.recomputes() {
        return None;
    }
    let settled = format!("t.doubt = {GROUP} AND NOT {}", spec.is_kept("t."));
    let wanted = match spec.is_unknown("t.", "t.known") {
        Some(unknown) => format!("({settled} OR {unknown})"),
        None => settled,
    };
    let touched = spec.touched_groups();
    let columns = spec.held_columns("y.");
    if spec.keys.is_empty() {
        return Some(format!("SELECT {columns} FROM ({}) y WHERE (SELECT {wanted} FROM ({touched}) t)", spec.from_source()));
    }
    let kept = kept.condition(" AND ", spec, "t.");
    let groups = format!("(SELECT t.kh{} FROM ({touched}) t WHERE {} AND {wanted}{kept})", spec.key_list("t."), spec.touched_exists());
    Some(format!("SELECT {columns} FROM ({}) y", spec.from_source_of(&groups, &[])))
}

/// Keeps all groups that there are.
pub fn keep_all(spec: &Spec) -> String {
    let horizon = spec.storage.horizon();
    match spec.bucket.map(super::render::k) {
        None => format!("INSERT INTO {horizon} (kept_rest) VALUES (true)"),
        Some(k) => format!(
            "INSERT INTO {horizon} (kept_to, kept_rest) SELECT pg_catalog.max(x.{k}), coalesce(pg_catalog.bool_or(x.{k} IS NULL), false) FROM (\
             SELECT {k} FROM {} UNION ALL SELECT {k} FROM {} WHERE doubt < 2) x",
            spec.storage.main(),
            spec.storage.delta(),
        ),
    }
}

/// Finds a group of which nobody can tell the values without a state any more: the source lacks some of its rows.
pub fn lost_values(spec: &Spec) -> Option<String> {
    let unknown = spec.is_unknown("t.", "t.known")?;
    let groups = format!("(SELECT t.* FROM ({}) t WHERE {} AND {unknown})", spec.touched_groups(), spec.touched_exists());
    Some(format!("SELECT FROM {groups} b LEFT JOIN ({}) r ON {} WHERE r.n IS DISTINCT FROM b.n LIMIT 1", spec.from_source_of(&groups, &[]), spec.same_group("b", "r")))
}

/// Keeps the groups up to that of the literal.
pub fn keep_to(spec: &Spec, bucket: &str) -> String {
    let horizon = spec.storage.horizon();
    match spec.bucket {
        None => format!("INSERT INTO {horizon} (kept_rest) VALUES (true)"),
        Some(_) => format!("INSERT INTO {horizon} (kept_to, kept_rest) VALUES ({bucket}, false)"),
    }
}
