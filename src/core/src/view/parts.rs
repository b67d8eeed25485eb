//! Main cut by time: a partition per unit, made before it is needed, and one for all that lies outside.

use super::render::k;
use super::spec::{Spec, Storage};

impl Storage {
    /// What lies in no other partition of main.
    pub fn rest(&self) -> String {
        self.relation("main_rest")
    }
    pub fn part(&self, name: &str) -> String {
        self.relation(&format!("main_{name}"))
    }
}

impl Spec {
    /// What tells a row of main, `m`, from all others, as columns.
    pub(super) fn row_of_main(&self) -> &'static str {
        if self.partitioned { "m.ctid AS tid, m.tableoid AS part" } else { "m.ctid AS tid" }
    }

    /// The names of these columns.
    pub(super) fn row_names(&self) -> &'static [&'static str] {
        if self.partitioned { &["tid", "part"] } else { &["tid"] }
    }

    /// Whether row `m` of main is the one that `other` names.
    pub(super) fn is_row(&self, other: &str) -> String {
        let part = if self.partitioned { format!(" AND m.tableoid = {other}.part") } else { String::new() };
        format!("m.ctid = {other}.tid{part}")
    }

    /// Whether row `m` of main is one that a relation names.
    pub(super) fn is_row_in(&self, relation: &str) -> String {
        format!("EXISTS (SELECT FROM {relation} WHERE {})", self.is_row(relation))
    }

    fn unlogged(&self) -> &'static str {
        if self.unlogged { "UNLOGGED " } else { "" }
    }

    /// Main with its columns, and what it needs to take any row.
    pub(super) fn main_tables(&self, columns: &str) -> Vec<String> {
        let (s, unlogged) = (&self.storage, self.unlogged());
        match self.bucket.filter(|_| self.partitioned) {
            // Persistence is its partitions'.
            Some(bucket) => vec![
                format!("CREATE TABLE {} ({columns}) PARTITION BY RANGE ({})", s.main(), k(bucket)),
                format!("CREATE {unlogged}TABLE {} PARTITION OF {} DEFAULT WITH (fillfactor = 90)", s.rest(), s.main()),
            ],
            None => vec![format!("CREATE {unlogged}TABLE {} ({columns}) WITH (fillfactor = 90)", s.main())],
        }
    }
}

/// Makes a partition of main between two literals; what the rest has of it moves there. The lock on main does not conflict with readers and writers,
/// that on the rest does until the transaction ends.
pub fn add_part(spec: &Spec, name: &str, from: &str, to: &str) -> Vec<String> {
    let Some(bucket) = spec.bucket.map(k) else { return vec![] };
    let (s, part) = (&spec.storage, spec.storage.part(name));
    vec![
        format!("CREATE {}TABLE {part} (LIKE {}) WITH (fillfactor = 90)", spec.unlogged(), s.main()),
        format!("WITH d AS (DELETE FROM {} WHERE {bucket} >= {from} AND {bucket} < {to} RETURNING *) INSERT INTO {part} SELECT * FROM d", s.rest()),
        format!("ALTER TABLE {} ATTACH PARTITION {part} FOR VALUES FROM ({from}) TO ({to})", s.main()),
    ]
}
