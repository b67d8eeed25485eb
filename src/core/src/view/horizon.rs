//! What the source cannot tell any more, and what the view does not show any more.
//!
//! Groups that have lost rows of the source which still count are *kept*: they are never in doubt, and nothing makes them anew from
//! the source. Groups that retention took away are *gone*: what comes late for them is not seen. Both are said by the rows of one small
//! table, the horizon, which only ever gets more rows: whoever sees the loss sees the row. It exists for the views that need it.

use super::spec::Spec;
use super::strategy::Strategy;

impl Spec {
    /// `, prefix.k1`: the bucket that the horizon speaks of.
    fn bucket(&self, prefix: &str) -> String {
        self.bucket.map(|i| format!(", {prefix}{}", super::render::k(i))).unwrap_or_default()
    }

    fn asked(&self, function: &str, prefix: &str) -> Option<String> {
        self.horizon.then(|| format!("tally.{function}('{}'::regclass{})", self.storage.horizon(), self.bucket(prefix)))
    }

    /// Whether a row's group is kept; None if none can be.
    pub(super) fn is_kept(&self, prefix: &str) -> Option<String> {
        self.asked("is_kept", prefix)
    }

    /// `lead` and that the row's group is not gone, where groups can be.
    pub(super) fn not_gone(&self, lead: &str, prefix: &str) -> String {
        self.bucket.and_then(|_| self.asked("is_gone", prefix)).map(|gone| format!("{lead}NOT {gone}")).unwrap_or_default()
    }

    /// `lead` and that the row's group is neither gone nor kept: that the source answers for it.
    pub fn of_source(&self, lead: &str, prefix: &str) -> String {
        let gone = self.not_gone(lead, prefix);
        let lead = if gone.is_empty() { lead } else { " AND " };
        gone + &self.is_kept(prefix).map(|kept| format!("{lead}NOT {kept}")).unwrap_or_default()
    }

    /// A doubt that does not concern kept groups. What has no state is not known of a group that main does not have: `in_main` says whether it does.
    pub(super) fn unless_kept(&self, doubt: String, prefix: &str, in_main: &str) -> String {
        match self.is_kept(prefix) {
            Some(kept) if doubt != "false" && self.recomputes() => format!("({doubt} AND NOT ({kept} AND {in_main}))"),
            Some(kept) if doubt != "false" => format!("({doubt} AND NOT {kept})"),
            _ => doubt,
        }
    }

    /// Whether it must be known of a kept group that main has it.
    pub(super) fn asks_for_main(&self) -> bool {
        self.horizon && self.recomputes()
    }

    pub fn recomputes(&self) -> bool {
        self.aggs.iter().any(|a| a.strategy == Strategy::Recompute)
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

/// Finds a kept group that is pending only, in a view with aggregates that have no state: what such a group has of these nobody could tell
/// once its rows have gone.
pub fn kept_but_new(spec: &Spec) -> Option<String> {
    let of_main = spec.same_group("m", "d");
    (spec.recomputes() && !spec.keys.is_empty()).then(|| {
        format!(
            "SELECT FROM {} d WHERE d.doubt < 2 AND {} AND NOT EXISTS (SELECT FROM {} m WHERE {of_main}) LIMIT 1",
            spec.storage.delta(),
            spec.is_kept("d.").unwrap_or_else(|| "false".into()),
            spec.storage.main(),
        )
    })
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

/// Keeps the groups up to that of the literal.
pub fn keep_to(spec: &Spec, bucket: &str) -> String {
    let horizon = spec.storage.horizon();
    match spec.bucket {
        None => format!("INSERT INTO {horizon} (kept_rest) VALUES (true)"),
        Some(_) => format!("INSERT INTO {horizon} (kept_to, kept_rest) VALUES ({bucket}, false)"),
    }
}
