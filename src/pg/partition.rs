//! The bounds of partitions, from PostgreSQL's own trees.

use super::encoding::c;
use super::tree::{list, tag};
use super::{catalog, sql};
use pg_tally_core::schedule::Instant;
use pgrx::pg_sys::{self, NodeTag, Oid};

const DAY: i64 = 86_400_000_000;

/// A partition by range of one time column.
pub struct Range {
    pub oid: Oid,
    /// All its rows are before it.
    pub end: Instant,
}

/// The partitions of a table that is partitioned by range of this column alone, in order, but those without an end.
pub fn ranges(table: Oid, column: i16) -> Vec<Range> {
    let rows = sql::as_superuser(|| {
        sql::rows_latest(&format!(
            "SELECT c.oid, c.relpartbound FROM pg_catalog.pg_partitioned_table p JOIN pg_catalog.pg_inherits i ON i.inhparent = p.partrelid JOIN pg_catalog.pg_class c ON c.oid = i.inhrelid \
             WHERE p.partrelid = {} AND p.partstrat = 'r' AND p.partnatts = 1 AND p.partattrs[0] = {column} AND c.relpartbound IS NOT NULL",
            table.to_u32()
        ))
    });
    let days = catalog::base_type(catalog::column_type_oid(table, column)) == pg_sys::DATEOID;
    let mut all: Vec<Range> = rows
        .iter()
        .filter_map(|row| {
            let [Some(oid), Some(bound)] = &row[..] else { return None };
            let end = end(bound)?;
            Some(Range { oid: Oid::from(oid.parse::<u32>().ok()?), end: Instant(if days { end.saturating_mul(DAY) } else { end }) })
        })
        .collect();
    all.sort_unstable_by_key(|range| range.end);
    all
}

/// The upper bound in a tree's text form: microseconds or days.
fn end(bound: &str) -> Option<i64> {
    let bound = c(bound);
    unsafe {
        let spec = pg_sys::stringToNode(bound.as_ptr()).cast::<pg_sys::PartitionBoundSpec>();
        if spec.is_null() || (*spec).is_default {
            return None;
        }
        let datum = *list::<pg_sys::PartitionRangeDatum>((*spec).upperdatums).first()?;
        if (*datum).kind != pg_sys::PartitionRangeDatumKind::PARTITION_RANGE_DATUM_VALUE || tag((*datum).value) != NodeTag::T_Const {
            return None;
        }
        let value = (*datum).value.cast::<pg_sys::Const>();
        (!(*value).constisnull).then(|| (*value).constvalue.value() as i64)
    }
}
