//! Pieces that the reading and the writing statements share.

use super::spec::{Agg, Counted, Equality, Key, Spec};
use super::strategy::Strategy;
use super::values::empty_set;

/// A mark in delta's column `doubt`: the row's group is in doubt.
pub(super) const GROUP: i16 = 1;
/// The whole view is in doubt.
pub(super) const WHOLE: i16 = 2;
/// No doubt: the row holds the values without a state that its group had when rows left that still count.
pub(super) const HELD: i16 = -1;

pub(super) fn k(i: usize) -> String {
    format!("k{}", i + 1)
}
pub(super) fn a(i: usize) -> String {
    format!("a{}", i + 1)
}
pub(super) fn f(i: usize) -> String {
    format!("f{}", i + 1)
}
/// The set of values that come, and of those that go.
pub(super) fn came(i: usize) -> String {
    format!("a{}_came", i + 1)
}
pub(super) fn gone(i: usize) -> String {
    format!("a{}_gone", i + 1)
}
pub(super) fn removed(i: usize) -> String {
    format!("a{}_removed", i + 1)
}

impl Spec {
    pub(super) fn stored(&self) -> impl Iterator<Item = (usize, &Agg)> {
        self.aggs.iter().enumerate().filter(|(_, a)| a.strategy.stored())
    }
    pub(super) fn pending(&self) -> impl Iterator<Item = (usize, &Agg)> {
        self.aggs.iter().enumerate().filter(|(_, a)| a.strategy.pending())
    }
    pub(super) fn keyed(&self) -> impl Iterator<Item = (usize, &Key)> {
        self.keys.iter().enumerate()
    }
    /// Those that delta's rows are merged for by an aggregate.
    pub(super) fn merged(&self) -> impl Iterator<Item = (usize, &Agg)> {
        self.pending().filter(|(_, a)| !a.strategy.by_value())
    }
    /// `, prefix.k1, prefix.k2` (empty without keys).
    pub(super) fn key_list(&self, prefix: &str) -> String {
        self.keyed().map(|(i, _)| format!(", {prefix}{}", k(i))).collect()
    }
    /// `, prefix.a1, …` of what main stores.
    pub(super) fn stored_list(&self, prefix: &str) -> String {
        self.stored().map(|(i, _)| format!(", {prefix}{}", a(i))).collect()
    }
    /// Delta's columns after the keys: the aggregate's number, name and type.
    fn delta_columns(&self) -> impl Iterator<Item = (usize, String, &str)> {
        self.stored().flat_map(|(i, agg)| match agg.strategy {
            s if s.by_value() => vec![(i, a(i), "bytea[]"), (i, format!("{}_n", a(i)), "bigint[]")],
            s if s.removed() => vec![(i, a(i), agg.column_type.as_str()), (i, removed(i), agg.column_type.as_str())],
            _ => vec![(i, a(i), agg.column_type.as_str())],
        })
    }
    /// A row of delta that holds the values without a state of a row with main's columns.
    pub(super) fn held_columns(&self, prefix: &str) -> String {
        let value = |(i, name, column_type): (usize, String, &str)| match (self.aggs[i].strategy, column_type) {
            (Strategy::Recompute, _) => format!(", {prefix}{name}::{}", self.aggs[i].bare_type()),
            (_, "bytea[]" | "bigint[]") => format!(", NULL::{column_type}"),
            _ => format!(", NULL::{}", self.aggs[i].bare_type()),
        };
        format!("{prefix}kh, 0::bigint, {HELD}::smallint{}{}", self.key_list(prefix), self.delta_columns().map(value).collect::<String>())
    }
    /// The columns of main from `kh` on, as a list.
    pub(super) fn main_columns(&self, prefix: &str) -> String {
        format!("{prefix}kh, {prefix}n{}{}", self.key_list(prefix), self.stored_list(prefix))
    }

    /// Whether two rows are of the same group: by the hash first, which can be joined on, then by the keys themselves.
    pub(super) fn same_group(&self, x: &str, y: &str) -> String {
        let mut on = format!("{x}.kh = {y}.kh");
        for (i, key) in self.keyed() {
            on += " AND ";
            on += &key.same(&format!("{x}.{}", k(i)), &format!("{y}.{}", k(i)));
        }
        on
    }

    /// The aggregate that merges stored values.
    fn merging(&self, agg: &Agg) -> String {
        if let Some(merge) = agg.merges_with {
            return self.function(merge);
        }
        match agg.strategy {
            Strategy::Count => self.function("count_merge"),
            Strategy::Sum(_) => self.function("sum_merge_state"),
            Strategy::Average(_) => self.function("avg_merge_state"),
            Strategy::Variance(_) => self.function("var_merge_state"),
            Strategy::Uniq(_) => self.function("uniq_merge_state"),
            Strategy::Quantile => self.function("quantile_merge_state"),
            Strategy::TopK(_) => self.function("top_k_merge_state"),
            Strategy::ArgLeast => self.function("arg_min_merge_state"),
            Strategy::ArgGreatest => self.function("arg_max_merge_state"),
            Strategy::ValueSet => self.function("uniq_exact_merge_state"),
            Strategy::Values => self.function("count_merge"),
            Strategy::BitAnd => "pg_catalog.bit_and".into(),
            Strategy::BitOr => "pg_catalog.bit_or".into(),
            Strategy::Least if agg.is_boolean() => "pg_catalog.bool_and".into(),
            Strategy::Greatest if agg.is_boolean() => "pg_catalog.bool_or".into(),
            Strategy::Greatest => "pg_catalog.max".into(),
            _ => "pg_catalog.min".into(),
        }
    }

    /// Delta, merged: one row per group that has pending rows.
    pub(super) fn pending_groups(&self) -> String {
        let mut columns = vec![];
        if !self.keys.is_empty() {
            columns.push("d.kh".to_string());
        }
        columns.push(format!("{}(d.n) AS n", self.function("count_merge")));
        columns.push("pg_catalog.max(d.doubt) AS doubt".into());
        columns.extend(self.keyed().map(|(i, _)| format!("d.{}", k(i))));
        if self.recomputes() {
            columns.push(format!("pg_catalog.min(d.doubt) = {HELD} AS held"));
            columns.extend(self.recomputed().map(|(i, _)| format!("tally.main_value(d.{0}) AS {0}", a(i))));
        }
        for (i, agg) in self.merged() {
            let merge = self.merging(agg);
            columns.push(format!("{merge}(d.{0}) AS {0}", a(i)));
            if agg.strategy.removed() {
                columns.push(format!("{merge}(d.{0}) AS {0}", removed(i)));
            }
        }
        let group = if self.keys.is_empty() { String::new() } else { format!(" GROUP BY d.kh{}", self.key_list("d.")) };
        format!("SELECT {} FROM {} d WHERE d.doubt < {WHOLE}{}{group}", columns.join(", "), self.storage.delta(), self.not_gone(" AND ", "d."))
    }

    /// The stored value of one aggregate over main row `m`, which may be missing, and pending row `p`.
    fn merged_value(&self, i: usize, strategy: Strategy) -> String {
        let c = a(i);
        match strategy {
            Strategy::Recompute if self.recomputes() => format!("CASE WHEN p.held THEN p.{c} ELSE m.{c} END"),
            Strategy::Recompute => format!("m.{c}"),
            Strategy::Count => format!("coalesce(m.{c}, 0) + coalesce(p.{c}, 0)"),
            Strategy::Least => format!("LEAST(m.{c}, p.{c})"),
            Strategy::Greatest => format!("GREATEST(m.{c}, p.{c})"),
            Strategy::BitAnd => format!("coalesce(m.{c} & p.{c}, m.{c}, p.{c})"),
            Strategy::BitOr => format!("coalesce(m.{c} | p.{c}, m.{c}, p.{c})"),
            Strategy::Values => format!("coalesce(m.{c}, 0) + coalesce(x.{c}, 0)"),
            // A new group may have no values at all.
            Strategy::ValueSet => format!("coalesce(tally.merge(tally.difference(m.{c}, x.{}), x.{}), {})", gone(i), came(i), empty_set()),
            _ => format!("tally.merge(m.{c}, p.{c})"),
        }
    }

    /// `, expression AS a1, …` merging main row `m`, which may be missing, and pending row `p`.
    pub(super) fn merged_list(&self) -> String {
        self.stored().map(|(i, agg)| format!(", {} AS {}", self.merged_value(i, agg.strategy), a(i))).collect()
    }

    /// Whether what was removed can matter to the best value that is known. Of a row, unlike DISTINCT, IS NULL asks whether its attributes are NULL.
    fn removal_matters(strategy: Strategy, best: &str, removed: &str) -> String {
        match strategy {
            // Values without a bit that counts change nothing while one that has such bits is there.
            Strategy::BitAnd => format!("{removed} IS NOT NULL AND NOT coalesce({removed} = -1 AND {best} <> -1, false)"),
            Strategy::BitOr => format!("{removed} IS NOT NULL AND NOT coalesce({removed} = 0 AND {best} <> 0, false)"),
            Strategy::ArgLeast | Strategy::ArgGreatest => format!("coalesce(tally.arg_reaches({removed}, {best}), {removed} IS NOT NULL)"),
            Strategy::Greatest => format!("{removed} IS DISTINCT FROM NULL AND NOT coalesce({best} > {removed}, false)"),
            _ => format!("{removed} IS DISTINCT FROM NULL AND NOT coalesce({best} < {removed}, false)"),
        }
    }

    /// Whether the group of main row `m`, which may be missing, and pending row `p` is in doubt.
    pub(super) fn in_doubt(&self) -> String {
        let mut any = vec![];
        if self.aggs.iter().any(|x| x.strategy.can_doubt() && !x.strategy.removed()) {
            any.push(format!("coalesce(p.doubt, 0) = {GROUP}"));
        }
        for (i, agg) in self.pending().filter(|(_, x)| x.strategy.removed()) {
            any.push(Self::removal_matters(agg.strategy, &self.merged_value(i, agg.strategy), &format!("p.{}", removed(i))));
        }
        let doubt = if any.is_empty() { "false".into() } else { format!("({})", any.join(" OR ")) };
        self.unless_kept(doubt, "p.", Self::KNOWN)
    }

    /// Whether main row `m` or pending row `p` has the group's values without a state.
    const KNOWN: &str = "(m.kh IS NOT NULL OR p.held)";

    /// `, …`: which of the pending groups in doubt are so because of what only the source may tell of kept groups.
    pub(super) fn unknown_column(&self) -> String {
        self.is_unknown("p.", Self::KNOWN).map(|unknown| format!(", {unknown} AS unknown")).unwrap_or_default()
    }

    /// Main's and delta's rows of the groups that have pending rows, merged: one row per group. Which rows of main those are is
    /// asked by the hash, whose collisions only bring in groups that merge to what they are.
    pub(super) fn touched_groups(&self) -> String {
        self.merged_groups(&format!("m.kh IN ({})", self.touched_hashes()))
    }

    /// The rows of main, `m`, for which a condition holds, merged with all that is pending.
    pub(super) fn merged_groups(&self, of_main: &str) -> String {
        let (main, delta) = (self.storage.main(), self.storage.delta());
        let (mut from_main, mut from_delta, mut from_kept, mut from_values) = (String::new(), String::new(), String::new(), String::new());
        let mut merged = String::new();
        if self.recomputes() {
            from_main += ", true AS known";
            from_delta += &format!(", d.doubt = {HELD}");
            [&mut from_kept, &mut from_values].into_iter().for_each(|from| *from += ", NULL::boolean");
            merged += ", coalesce(pg_catalog.bool_or(u.known), false) AS known";
        }
        for (i, agg) in self.stored() {
            let nothing = |column: String| format!(", NULL::{} AS {column}", agg.bare_type());
            if agg.strategy == Strategy::Values {
                from_main += &format!(", m.{0} AS {0}", a(i));
                from_delta += &nothing(a(i));
                from_values += &format!(", x.{}", a(i));
                merged += &format!(", {}(u.{1}) AS {1}", self.merging(agg), a(i));
                continue;
            }
            if agg.strategy == Strategy::ValueSet {
                // Only from main's set something can go: what was put in by hand stays.
                let columns = |own: Option<String>, main: Option<String>, gone_from_it: Option<String>| -> String {
                    let each = [(own, a(i)), (main, format!("{}_main", a(i))), (gone_from_it, gone(i))];
                    each.into_iter().map(|(value, name)| value.map_or_else(|| nothing(name.clone()), |v| format!(", {v} AS {name}"))).collect()
                };
                from_main += &columns(None, Some(format!("m.{}", a(i))), None);
                from_delta += &columns(None, None, None);
                from_kept += &columns(Some(format!("e.{}", a(i))), None, None);
                from_values += &columns(Some(format!("x.{}", came(i))), None, Some(format!("x.{}", gone(i))));
                merged += &format!(
                    ", tally.merge(tally.difference(tally.main_value(u.{0}_main), tally.main_value(u.{1})), {2}(u.{0})) AS {0}",
                    a(i),
                    gone(i),
                    self.merging(agg)
                );
                continue;
            }
            from_values += &nothing(a(i));
            let merge = self.merging(agg);
            if agg.strategy == Strategy::Recompute {
                // Main's value stands as long as no pending row puts the group in doubt or holds another.
                from_main += &format!(", m.{0} AS {0}", a(i));
                from_delta += &format!(", d.{}", a(i));
                let main = format!("tally.main_value(u.{})", a(i));
                merged += &match self.recomputes() {
                    true => format!(", CASE WHEN pg_catalog.min(u.doubt) = {HELD} THEN {main} FILTER (WHERE u.doubt = {HELD}) ELSE {main} END AS {}", a(i)),
                    false => format!(", {main} AS {}", a(i)),
                };
                continue;
            }
            from_main += &format!(", m.{0} AS {0}", a(i));
            from_delta += &format!(", d.{}", a(i));
            from_kept += &format!(", e.{}", a(i));
            merged += &format!(", {merge}(u.{0}) AS {0}", a(i));
            if agg.strategy.removed() {
                from_main += &nothing(removed(i));
                from_kept += &nothing(removed(i));
                from_values += &nothing(removed(i));
                from_delta += &format!(", d.{}", removed(i));
                merged += &format!(", {merge}(u.{0}) AS {0}", removed(i));
            }
        }
        let (hash, group) = if self.keys.is_empty() {
            ("0::bigint AS kh", String::new())
        } else {
            ("u.kh", format!(" GROUP BY u.kh{}", self.key_list("u.")))
        };
        let kept = if self.insertable {
            format!(" UNION ALL SELECT e.kh, e.n, 0::smallint, true{}{from_kept} FROM {} e{}", self.key_list("e."), self.storage.kept(), self.not_gone(" WHERE ", "e."))
        } else {
            String::new()
        };
        let values = if self.counts_values() {
            format!(
                " UNION ALL SELECT x.kh, NULL, NULL, false{}{from_values} FROM ({}) x",
                self.key_list("x."),
                self.set_changes(&format!("({})", self.value_changes()))
            )
        } else {
            String::new()
        };
        format!(
            "SELECT {hash}, {count}(u.n) AS n, pg_catalog.max(u.doubt) AS doubt, pg_catalog.bool_or(u.kept) AS kept{}{merged} FROM (\
             SELECT m.kh, m.n, 0::smallint AS doubt, false AS kept{}{from_main} FROM {main} m WHERE {of_main} \
             UNION ALL SELECT d.kh, d.n, d.doubt, false{}{from_delta} FROM {delta} d WHERE d.doubt < {WHOLE}{}{kept}{values}) u{group}",
            self.key_list("u."),
            self.key_list("m."),
            self.key_list("d."),
            self.not_gone(" AND ", "d."),
            count = self.function("count_merge"),
        )
    }

    /// The hashes of groups that are not in main alone.
    pub(super) fn touched_hashes(&self) -> String {
        let delta = format!("SELECT d.kh FROM {} d", self.storage.delta());
        if self.insertable { format!("{delta} UNION ALL SELECT e.kh FROM {} e", self.storage.kept()) } else { delta }
    }

    /// Whether row `t` of `touched_groups` is a group at all.
    pub(super) fn touched_exists(&self) -> &'static str {
        match (self.keys.is_empty(), self.insertable) {
            (true, _) => "true",
            (false, true) => "(t.n > 0 OR t.kept)",
            (false, false) => "t.n > 0",
        }
    }

    /// Rows of main's columns, with the states that were put in by hand merged in: of all groups, or of those of a relation `b`.
    pub(super) fn with_kept(&self, rows: String, of: Option<&str>) -> String {
        if !self.insertable {
            return rows;
        }
        let columns = self.main_columns("e.");
        let some = match of {
            Some(b) => format!(" WHERE EXISTS (SELECT FROM {b} b WHERE {})", self.same_group("b", "e")),
            None => self.of_source(" WHERE ", "e."),
        };
        let merged: String = self.stored().map(|(i, agg)| format!(", {}(u.{1}) AS {1}", self.merging(agg), a(i))).collect();
        let (hash, group) = if self.keys.is_empty() { ("0::bigint AS kh", String::new()) } else { ("u.kh", format!(" GROUP BY u.kh{}", self.key_list("u."))) };
        format!(
            "SELECT {hash}, {}(u.n) AS n{}{merged} FROM ({rows} UNION ALL SELECT {columns} FROM {} e{some}) u{group}",
            self.function("count_merge"),
            self.key_list("u."),
            self.storage.kept(),
        )
    }

    /// The stored values of a row of `touched_groups`, as main has them.
    pub(super) fn touched_list(&self) -> String {
        self.stored_list("t.")
    }

    /// Whether the group of row `t` of `touched_groups` is in doubt.
    pub(super) fn touched_in_doubt(&self) -> String {
        let mut any = vec![];
        if self.aggs.iter().any(|x| x.strategy.can_doubt() && !x.strategy.removed()) {
            any.push(format!("t.doubt = {GROUP}"));
        }
        for (i, agg) in self.pending().filter(|(_, x)| x.strategy.removed()) {
            any.push(Self::removal_matters(agg.strategy, &format!("t.{}", a(i)), &format!("t.{}", removed(i))));
        }
        let doubt = if any.is_empty() { "false".into() } else { format!("({})", any.join(" OR ")) };
        self.unless_kept(doubt, "t.", "t.known")
    }

    /// What the reader's snapshot sees, as the bits of `tally.reading`. As a function rather than as subqueries it keeps plans parallel.
    fn reading(&self) -> String {
        let kept = if self.insertable { format!(", '{}'::regclass", self.storage.kept()) } else { String::new() };
        format!("tally.reading('{}'::regclass, '{}'::regclass{kept})", self.storage.delta(), self.storage.filled())
    }
    /// The view is filled, nothing has put the whole of it in doubt, and nothing is pending.
    pub(super) fn main_alone(&self) -> String {
        format!("{} = 0", self.reading())
    }
    /// The same, but something is pending.
    pub(super) fn main_and_delta(&self) -> String {
        format!("{} BETWEEN 1 AND 7", self.reading())
    }
    /// Some pending row could put its group in doubt.
    pub(super) fn some_doubt(&self) -> String {
        format!("({} & 10) = 2", self.reading())
    }
    /// The same, whether or not main and delta can answer.
    pub(super) fn any_doubt(&self) -> String {
        format!("({} & 2) = 2", self.reading())
    }
    /// Main and delta cannot answer.
    pub(super) fn source_alone(&self) -> String {
        format!("{} >= 8", self.reading())
    }

    /// WHERE the view's filter holds, and all of `also`.
    fn filter_and<'a>(&'a self, also: impl IntoIterator<Item = &'a str>) -> String {
        let all: Vec<String> = self.filter.as_deref().into_iter().chain(also).map(|f| format!("({f})")).collect();
        if all.is_empty() { String::new() } else { format!(" WHERE {}", all.join(" AND ")) }
    }

    fn partials(&self) -> String {
        self.stored().map(|(i, agg)| format!(", {} AS {}", agg.partial, a(i))).collect()
    }

    /// The columns of main, computed from the source: of the groups for which it answers.
    pub(super) fn from_source(&self) -> String {
        self.from_source_where(None)
    }

    /// The same from those rows of the source of which a condition holds.
    pub(super) fn from_source_where(&self, rows: Option<&str>) -> String {
        let keys: String = self.keyed().map(|(i, key)| format!(", {} AS {}", key.expr, k(i))).collect();
        let group = if self.keys.is_empty() {
            String::new()
        } else {
            format!(" GROUP BY {}", (2..2 + self.keys.len()).map(|i| i.to_string()).collect::<Vec<_>>().join(", "))
        };
        format!(
            "SELECT {hash} AS kh, q.n{}{} FROM (SELECT pg_catalog.count(*) AS n{keys}{} FROM {} s{}{group}) q{}",
            self.key_list("q."),
            self.stored_list("q."),
            self.partials(),
            self.source,
            self.filter_and(rows),
            self.of_source(" WHERE ", "q."),
            hash = self.hash(self.keyed().map(|(i, _)| format!("q.{}", k(i)))),
        )
    }

    /// The rows of the table of values for aggregate number `number`.
    pub(super) fn counts_of_source(&self, number: usize, counted: &Counted, rows: Option<&str>) -> String {
        let keys: String = self.keyed().map(|(i, key)| format!(", {} AS {}", key.expr, k(i))).collect();
        let filter = self.filter_and(counted.filter.as_deref().into_iter().chain(rows));
        let group: Vec<String> = (1..=self.keys.len() + 1).map(|i| i.to_string()).collect();
        format!(
            "SELECT {}{}, {number}::smallint, tally.value_hash(q.v), q.v, q.n FROM (\
             SELECT tally.value_bytes({}) AS v{keys}, pg_catalog.count(*) AS n FROM {} s{filter} GROUP BY {}) q WHERE q.v IS NOT NULL{}",
            self.hash(self.keyed().map(|(i, _)| format!("q.{}", k(i)))),
            self.key_list("q."),
            counted.arguments,
            self.source,
            group.join(", "),
            self.of_source(" AND ", "q."),
        )
    }

    pub(super) fn hash(&self, keys: impl Iterator<Item = String>) -> String {
        let keys: Vec<String> = keys.collect();
        if keys.is_empty() { "0::bigint".into() } else { format!("tally.key_hash({})", keys.join(", ")) }
    }

    /// The columns of main, from the source, for the groups of relation `b` (`kh` and keys); `carry` are columns of `b` that come first.
    /// Groups without a NULL key are joined on the keys (an index may serve), the others on the hash.
    pub(super) fn from_source_of(&self, b: &str, carry: &[&str]) -> String {
        let first: String = carry.iter().map(|c| format!("b.{c}, ")).collect();
        let part = |on: String, also: Option<&str>| {
            let filter = self.filter_and(also);
            format!(
                "SELECT {first}b.kh, pg_catalog.count(*) AS n{}{} FROM {b} b JOIN {} s ON {on}{filter} GROUP BY {first}b.kh{}",
                self.key_list("b."),
                self.partials(),
                self.source,
                self.key_list("b."),
            )
        };
        let by_key = self.keyed().map(|(i, key)| key.found_by(&format!("b.{}", k(i)))).collect::<Vec<_>>().join(" AND ");
        let mut by_hash = format!("{} = b.kh", self.hash(self.keyed().map(|(_, key)| key.expr.clone())));
        for (i, key) in self.keyed() {
            by_hash += &format!(" AND {}", key.same(&key.expr, &format!("b.{}", k(i))));
        }
        let some_null = self.keyed().map(|(i, _)| format!("b.{} IS NOT DISTINCT FROM NULL", k(i))).collect::<Vec<_>>().join(" OR ");
        // The condition stays outside the aggregation, so that nothing below it is begun, no parallel worker either.
        format!("{} UNION ALL SELECT y.* FROM ({}) y WHERE ({} & 4) = 4", part(by_key, None), part(by_hash, Some(&some_null)), self.reading())
    }

    /// The final value of one aggregate over row `x` of main's columns.
    pub(super) fn final_value(&self, i: usize, agg: &Agg) -> String {
        match agg.strategy {
            Strategy::Rows => "x.n".into(),
            // No value at all is none of a domain that allows no NULL either, as in the query: what is not there is not cast.
            _ if agg.is_domain => {
                let value = format!("x.{}", a(i));
                let value = if agg.stored_is_result { value } else { agg.finished(&self.function(&agg.finisher), &value) };
                format!("(SELECT y.v::{} FROM (SELECT {value} AS v) y WHERE y.v IS DISTINCT FROM NULL)", agg.result_type)
            }
            _ if agg.stored_is_result && agg.bare_type() == agg.result_type => format!("x.{}", a(i)),
            _ if agg.stored_is_result => format!("x.{}::{}", a(i), agg.result_type),
            _ => format!("{}::{}", agg.finished(&self.function(&agg.finisher), &format!("x.{}", a(i))), agg.result_type),
        }
    }
}

impl Key {
    pub(super) fn same(&self, x: &str, y: &str) -> String {
        match &self.equality {
            Equality::Catalog => format!("{x} IS NOT DISTINCT FROM {y}"),
            Equality::Operator(op) => format!("({x} {op} {y} OR {x} IS NOT DISTINCT FROM NULL AND {y} IS NOT DISTINCT FROM NULL)"),
        }
    }
    /// Finds the source rows whose key is `value`, which is not NULL.
    fn found_by(&self, value: &str) -> String {
        let op = match &self.equality {
            Equality::Catalog => "=",
            Equality::Operator(op) => op,
        };
        let equal = format!("{} {op} {value}", self.expr);
        match &self.range {
            Some(r) if r.is_bucket() => format!("{equal} AND {} AND {}", r.since(value), r.until(value)),
            _ => equal,
        }
    }
}

impl Agg {
    /// The final value of a state.
    fn finished(&self, finisher: &str, state: &str) -> String {
        let more: String = self.finish_with.iter().map(|m| format!(", {m}")).collect();
        format!("{finisher}({state}{more})")
    }
    fn is_boolean(&self) -> bool {
        self.column_type == "boolean"
    }
    /// The type without its collation clause.
    pub(super) fn bare_type(&self) -> &str {
        self.column_type.split(" COLLATE ").next().unwrap_or(&self.column_type)
    }
}

/// The encoding of texts in the hashes and states of a filled view. A dump may be restored with another.
pub(super) const ENCODING: &str = "pg_catalog.pg_char_to_encoding(pg_catalog.getdatabaseencoding())";

/// The tables behind a view, and their indexes.
pub fn storage_tables(spec: &Spec, order_by: &[usize]) -> Vec<String> {
    let unlogged = if spec.unlogged { "UNLOGGED " } else { "" };
    let keys: String = spec.keyed().map(|(i, key)| format!(", {} {}", k(i), key.column_type)).collect();
    let stored: String = spec.stored().map(|(i, agg)| format!(", {} {}", a(i), agg.column_type)).collect();
    let pending: String = spec.delta_columns().map(|(_, name, column_type)| format!(", {name} {column_type}")).collect();
    let s = &spec.storage;
    let mut all = spec.main_tables(&format!("kh bigint NOT NULL, n bigint NOT NULL{keys}{stored}"));
    all.extend([
        // Delta is rewritten all the time: it is vacuumed by the number of its dead rows, not by their share.
        format!(
            "CREATE {unlogged}TABLE {} (kh bigint NOT NULL, n bigint NOT NULL, doubt smallint NOT NULL{keys}{pending}) \
             WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)",
            s.delta()
        ),
        format!("CREATE {unlogged}TABLE {} (filled boolean NOT NULL, encoding int NOT NULL DEFAULT {ENCODING})", s.filled()),
    ]);
    if spec.insertable {
        let hash = spec.hash((0..spec.keys.len()).map(k));
        // Computed where the row ends up, once, whoever brings it.
        all.push(format!("CREATE {unlogged}TABLE {} (kh bigint NOT NULL GENERATED ALWAYS AS ({hash}) STORED, n bigint NOT NULL{keys}{stored})", s.kept()));
    }
    if spec.counts_values() {
        all.push(format!(
            "CREATE {unlogged}TABLE {} (kh bigint NOT NULL{keys}, a smallint NOT NULL, vh bigint NOT NULL, v bytea NOT NULL, n bigint NOT NULL) WITH (fillfactor = 90)",
            s.values()
        ));
        all.push(format!("CREATE INDEX {} ON {} (kh, vh)", s.name("values_vh"), s.values()));
    }
    if !spec.keys.is_empty() {
        all.push(format!("CREATE INDEX {} ON {} (kh)", s.name("main_kh"), s.main()));
        let columns = index_columns(spec, order_by);
        if !columns.is_empty() {
            let list = columns.iter().map(|&i| k(i)).collect::<Vec<_>>().join(", ");
            // A btree row has a size limit that a long key would hit; a hash index has none.
            let method = if order_by.is_empty() && !spec.keys[columns[0]].short { "hash" } else { "btree" };
            all.push(format!("CREATE INDEX {} ON {} USING {method} ({list})", s.name("main_keys"), s.main()));
        }
    }
    all
}

fn index_columns(spec: &Spec, order_by: &[usize]) -> Vec<usize> {
    if !order_by.is_empty() {
        return order_by.to_vec();
    }
    let short: Vec<usize> = spec.keyed().filter(|(_, key)| key.short).map(|(i, _)| i).take(8).collect();
    // By a key that is in no index, groups are found as by several: by the hash of their keys.
    if short.is_empty() { spec.keys.iter().position(|key| key.hashable).into_iter().collect() } else { short }
}
