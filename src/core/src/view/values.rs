//! How many different values a group has, exactly: a table counts the rows of each value of a group, delta has what is to be
//! added to these counts, and main the number of values whose count is not zero.

use super::render::{WHOLE, a, came, gone};
use super::spec::{Agg, Spec};
use super::strategy::Strategy;
use super::write::all_of;
use crate::state::{State, UniqExact};

/// The number by which the table of values knows an aggregate.
fn number(i: usize) -> usize {
    i + 1
}

/// The state of no values.
pub(super) fn empty_set() -> String {
    let mut bytes = vec![];
    UniqExact::empty().encode(&mut bytes);
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    format!("'\\x{hex}'::tally.uniq_exact_state")
}

impl Spec {
    fn by_value(&self) -> impl Iterator<Item = (usize, &Agg)> {
        self.aggs.iter().enumerate().filter(|(_, a)| a.strategy.by_value())
    }

    pub fn counts_values(&self) -> bool {
        self.by_value().next().is_some()
    }

    /// What is pending of each value of each group, and its count `before` and `after`.
    pub(super) fn value_changes(&self) -> String {
        let each: Vec<String> =
            self.by_value().map(|(i, _)| format!("SELECT {0}::smallint AS a, e.v, e.n FROM ROWS FROM (pg_catalog.unnest(d.{1}), pg_catalog.unnest(d.{1}_n)) e(v, n)", number(i), a(i))).collect();
        let keys = self.key_list("d.");
        format!(
            "SELECT w.ctid AS tid, p.kh{}, p.a, p.v, coalesce(w.n, 0) AS before, coalesce(w.n, 0) + p.n AS after FROM (\
             SELECT d.kh{keys}, c.a, c.v, pg_catalog.sum(c.n)::bigint AS n FROM {} d, LATERAL ({}) c WHERE d.doubt < {WHOLE}{} \
             GROUP BY d.kh{keys}, c.a, c.v HAVING pg_catalog.sum(c.n) <> 0) p \
             LEFT JOIN {} w ON {} AND w.vh = tally.value_hash(p.v) AND w.a = p.a AND w.v = p.v",
            self.key_list("p."),
            self.storage.delta(),
            each.join(" UNION ALL "),
            self.not_gone(" AND ", "d."),
            self.storage.values(),
            self.same_group("w", "p"),
        )
    }

    /// By how much the numbers of values of each group change, or which values come and go; `changes` is a relation as of `value_changes`.
    pub(super) fn set_changes(&self, changes: &str) -> String {
        let columns: String = self
            .by_value()
            .map(|(i, agg)| {
                let those = |of: &str, when: &str| format!("{of} FILTER (WHERE c.a = {} AND {when})", number(i));
                let (come, go) = ("c.before <= 0 AND c.after > 0", "c.before > 0 AND c.after <= 0");
                if agg.strategy == Strategy::ValueSet {
                    return format!(", {} AS {}, {} AS {}", those("tally.value_set(c.v)", come), came(i), those("tally.value_set(c.v)", go), gone(i));
                }
                format!(", {} - {} AS {}", those("pg_catalog.count(*)", come), those("pg_catalog.count(*)", go), a(i))
            })
            .collect();
        format!("SELECT c.kh{0}{columns} FROM {changes} c GROUP BY c.kh{0}", self.key_list("c."))
    }

    /// CTEs that bring the counts up to date from CTE `c`, for the groups of which `apply`, a condition over `c`, holds.
    pub(super) fn apply_values(&self, apply: &str) -> String {
        let values = self.storage.values();
        format!(
            ", wu AS (UPDATE {values} w SET n = c.after FROM c WHERE w.ctid = c.tid AND c.after > 0{apply} RETURNING 1), \
             wd AS (DELETE FROM {values} w USING c WHERE w.ctid = c.tid AND c.after <= 0{apply} RETURNING 1), \
             wi AS (INSERT INTO {values} SELECT c.kh{}, c.a, tally.value_hash(c.v), c.v, c.after FROM c WHERE c.tid IS NULL AND c.after > 0{apply} RETURNING 1)",
            self.key_list("c."),
        )
    }

    /// CTEs that make the counts anew from the source, as far as it answers: those of the groups for which `region`, a condition over `x`, holds, from these rows.
    pub(super) fn count_source(&self, region: Option<&str>, rows: Option<&str>) -> String {
        let values = self.storage.values();
        let each: Vec<String> = self.by_value().filter_map(|(i, agg)| Some(self.counts_of_source(number(i), agg.counted.as_ref()?, rows))).collect();
        let anew = all_of([region.map(str::to_string), Some(format!("NOT {}", self.is_kept("x.")))]);
        format!(", vd AS (DELETE FROM {values} x{anew} RETURNING 1), vi AS (INSERT INTO {values} {} RETURNING 1)", each.join(" UNION ALL "))
    }
}
