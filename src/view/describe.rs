//! From PostgreSQL's analysed query to what the view stores and computes.

use super::retain;
use crate::pg::canon::Canon;
use crate::pg::catalog;
use crate::pg::query::{Query, Source};
use crate::pg::sql;
use crate::pg::tree::{Aggregate, Node};
use pg_tally_core::view::{Agg, Argument, Call, Counted, Equality, Key, Part, Range, Spec, Storage, Strategy, Target, strategy_of};
use pgrx::pg_sys::{self, Oid};

/// An aggregate of the query and how it is kept.
pub struct Column {
    pub aggregate: Aggregate,
    pub strategy: Strategy,
    pub stored_is_result: bool,
}

impl Column {
    /// The aggregate's arguments that are values.
    pub fn values(&self) -> std::ops::Range<usize> {
        self.strategy.values(&self.aggregate.name, self.aggregate.arguments.len())
    }
}

pub struct Shape {
    pub source: Source,
    pub filter: Option<Node>,
    pub keys: Vec<(Node, Oid)>,
    pub columns: Vec<Column>,
    pub targets: Vec<(String, Node)>,
    pub having: Option<Node>,
}

/// What a query that has not been refused consists of. The query's columns are renumbered on the way.
pub fn shape(query: Query) -> Option<Shape> {
    let query = query.renumbered();
    let columns = query
        .aggregates()
        .into_iter()
        .map(|aggregate| {
            let (strategy, stored_is_result) = strategy(&aggregate);
            Column { aggregate, strategy, stored_is_result }
        })
        .collect();
    Some(Shape { source: query.source()?, filter: query.filter(), keys: query.keys(), columns, targets: query.targets(), having: query.having() })
}

fn strategy(aggregate: &Aggregate) -> (Strategy, bool) {
    let arguments: Vec<Argument> = aggregate.arguments.iter().map(|a| argument(a.type_oid())).collect();
    let (strategy, stored_is_result) = strategy_of(&Call {
        origin: catalog::origin_of_function(aggregate.function, aggregate.namespace),
        name: &aggregate.name,
        arguments: &arguments,
        star: aggregate.star,
        distinct: aggregate.distinct,
        ordered: aggregate.ordered,
        filtered: aggregate.filter.is_some(),
        constants: &aggregate.arguments.iter().map(|a| a.constant_text()?.parse().ok()).collect::<Vec<_>>(),
        parameters: aggregate.arguments.iter().skip(1).all(|a| a.columns().is_empty()),
        ordered_in_catalog: aggregate.arguments.iter().all(|a| catalog::is_ordered_in_catalog(a.type_oid())),
        equal_by_bytes: aggregate.arguments.iter().all(|a| Canon::new(a.type_oid(), a.collation()).is_equality()),
    });
    (strategy, stored_is_result)
}

fn argument(type_oid: Oid) -> Argument {
    match catalog::base_type(type_oid) {
        pg_sys::INT2OID | pg_sys::INT4OID | pg_sys::INT8OID => Argument::Integer,
        pg_sys::NUMERICOID => Argument::Numeric,
        pg_sys::FLOAT4OID | pg_sys::FLOAT8OID => Argument::Float,
        pg_sys::INTERVALOID => Argument::Interval,
        _ => Argument::Other,
    }
}

/// The view as SQL is made from it. Needs the pinned settings, for all names to come out qualified.
pub fn spec(shape: &Shape, id: i64) -> Spec {
    let source = shape.source.relation;
    Spec {
        storage: Storage { id },
        functions: sql::identifier(&catalog::extension_schema()),
        source: catalog::qualified_name(source),
        filter: shape.filter.map(|f| f.deparse(source, "s")),
        keys: shape.keys.iter().map(|(node, equality)| key(*node, *equality, source)).collect(),
        aggs: shape.columns.iter().map(|c| column(c, source)).collect(),
        unlogged: catalog::is_unlogged(source),
        insertable: parts(shape).is_some(),
        bucket: bucket(shape),
        partitioned: catalog::is_partitioned(Storage::SCHEMA, &Storage { id }.name("main")),
    }
}

/// The first key that is a bucket of time.
pub fn bucket(shape: &Shape) -> Option<usize> {
    shape.keys.iter().position(|(key, _)| retain::bucket::of(*key).is_some())
}

/// What each column of the query is, if all of them are keys or states, and nothing of the groups is hidden.
pub fn parts(shape: &Shape) -> Option<Vec<Part>> {
    let part = |node: Node| {
        let key = shape.keys.iter().position(|(k, _)| k.equals(node)).map(Part::Key);
        let mergeable = |c: &Column| (c.strategy.pending() && c.strategy != Strategy::Values) || c.strategy == Strategy::Rows;
        let state = |c: &Column| c.stored_is_result && mergeable(c) && c.aggregate.node.equals(node);
        key.or_else(|| shape.columns.iter().position(state).map(Part::Aggregate))
    };
    let parts: Vec<Part> = shape.targets.iter().map(|(_, node)| part(*node)).collect::<Option<_>>()?;
    let all = (0..shape.keys.len()).map(Part::Key).chain((0..shape.columns.len()).map(Part::Aggregate));
    (shape.having.is_none() && all.into_iter().all(|p| parts.contains(&p))).then_some(parts)
}

fn key(node: Node, equality: Oid, source: Oid) -> Key {
    Key {
        expr: format!("({})", node.deparse(source, "s")),
        column_type: catalog::stored_type(node),
        domain: (catalog::base_type(node.type_oid()) != node.type_oid()).then(|| catalog::column_type(node.type_oid(), -1, Oid::INVALID)),
        equality: match catalog::operator_outside_catalog(equality) {
            None => Equality::Catalog,
            Some(operator) => Equality::Operator(operator),
        },
        range: range(node, source),
        short: catalog::is_short_and_ordered(node.type_oid()),
        hashable: catalog::is_hashable(node.type_oid()),
    }
}

const HOUR: i64 = 3_600_000_000;

/// For times and buckets of time, where their rows lie, so that an index on the time serves.
fn range(key: Node, source: Oid) -> Option<Range> {
    if retain::bucket::is_plain(key) {
        return Some(itself(key, source));
    }
    let (function, arguments) = key.call()?;
    let of = |before: i64, after: i64| {
        let time = itself(arguments[1], source);
        let bucket = time.bucket.and_then(|time| around(function, &arguments, time, source));
        Range { bucket, before, after, ..time }
    };
    match function.to_u32() {
        // date_bin
        6177 | 6178 => {
            let (months, days, micros) = arguments[0].constant_interval()?;
            let width = i64::from(days).checked_mul(24 * HOUR)?.checked_add(micros)?;
            (months == 0 && width > 0).then(|| of(0, width))
        }
        // date_trunc: of timestamptz in a zone, and of timestamp. Where clocks are put back a bucket may begin later than its first rows, and last longer.
        1284 | 2020 => {
            let hours = match arguments[0].constant_text()?.to_ascii_lowercase().as_str() {
                "second" | "minute" | "hour" => 1,
                "day" => 24,
                "week" => 7 * 24,
                "month" => 31 * 24,
                "quarter" => 92 * 24,
                "year" => 366 * 24,
                _ => return None,
            };
            Some(of(3 * HOUR, (hours + 3) * HOUR))
        }
        // The cast of a timestamp to its date.
        2029 => {
            let time = range(arguments[0], source)?;
            let bucket = time.bucket.map(|[before, after]| [format!("({before}"), format!("{after})::pg_catalog.date")]);
            Some(Range { bucket, after: time.after + 24 * HOUR, ..time })
        }
        _ => None,
    }
}

/// A time as it is, by which rows are grouped or which is cut into buckets.
fn itself(time: Node, source: Oid) -> Range {
    let cast = || [String::new(), format!("::{}", catalog::column_type(time.type_oid(), -1, Oid::INVALID))];
    let convert = retain::bucket::zone_shown(time).map(|zone| [format!("pg_catalog.timezone({}, ", sql::literal(&zone)), ")".to_string()]);
    Range { over: format!("({})", time.deparse(source, "s")), bucket: Some(convert.unwrap_or_else(cast)), before: 0, after: 0 }
}

/// The call of date_bin or date_trunc around its second argument, if the others are the same for all rows.
fn around(function: Oid, arguments: &[Node], [before, after]: [String; 2], source: Oid) -> Option<[String; 2]> {
    let others = || arguments.iter().enumerate().filter(|(i, _)| *i != 1).map(|(_, a)| *a);
    if others().any(|a| !a.columns().is_empty()) {
        return None;
    }
    let name = if matches!(function.to_u32(), 6177 | 6178) { "date_bin" } else { "date_trunc" };
    let mut others = others().map(|a| a.deparse(source, "s"));
    let first = others.next()?;
    let rest: String = others.map(|a| format!(", {a}")).collect();
    Some([format!("pg_catalog.{name}({first}, {before}"), format!("{after}{rest})")])
}

fn column(column: &Column, source: Oid) -> Agg {
    let aggregate = &column.aggregate;
    let node = aggregate.node;
    let plain_type = catalog::stored_type(node);
    let original = node.deparse(source, "s");
    let (column_type, partial) = match (column.strategy.state_type(), column.strategy.state_aggregate()) {
        (Some(state), Some(make)) if !column.stored_is_result => {
            let arguments = aggregate.arguments[..if column.strategy == Strategy::Quantile { 1 } else { aggregate.arguments.len() }]
                .iter()
                .map(|a| format!("({})::{}", a.deparse(source, "s"), catalog::column_type(catalog::base_type(a.type_oid()), -1, Oid::INVALID)))
                .collect::<Vec<_>>()
                .join(", ");
            (format!("tally.{state}"), ours(make, &arguments, aggregate, source))
        }
        _ => (plain_type.clone(), original),
    };
    let result_type = catalog::column_type(node.type_oid(), node.typmod(), Oid::INVALID);
    let counted = column.strategy.by_value().then(|| Counted {
        arguments: aggregate.arguments.iter().map(|a| a.deparse(source, "s")).collect::<Vec<_>>().join(", "),
        filter: aggregate.filter.map(|f| f.deparse(source, "s")),
    });
    let finish_with = match column.strategy {
        Strategy::Quantile if !column.stored_is_result => vec![aggregate.arguments[1].deparse(source, "s")],
        Strategy::ArgLeast | Strategy::ArgGreatest if !column.stored_is_result => vec![format!("NULL::{plain_type}")],
        _ => vec![],
    };
    let instead = column.strategy.in_place_of(&aggregate.name);
    let partial = instead.map_or(partial, |name| ours(name, &aggregate.arguments[0].deparse(source, "s"), aggregate, source));
    Agg {
        strategy: column.strategy,
        column_type,
        partial,
        result_type,
        stored_is_result: column.stored_is_result,
        finisher: column.strategy.finisher(&aggregate.name).to_string(),
        finish_with,
        merges_with: match (column.strategy, aggregate.name.as_str()) {
            _ if instead.is_some() => Some("any_value_merge"),
            (Strategy::Least, "min_state") => Some("min_merge"),
            (Strategy::Greatest, "max_state") => Some("max_merge"),
            _ => None,
        },
        is_domain: catalog::base_type(node.type_oid()) != node.type_oid(),
        fitting: fitting(column),
        counted,
    }
}

/// What a state that is put in by hand must be of.
fn fitting(column: &Column) -> Option<String> {
    let greatest = match column.strategy {
        Strategy::ArgLeast => false,
        Strategy::ArgGreatest => true,
        _ => return None,
    };
    let of = |i: usize| catalog::column_type(catalog::base_type(column.aggregate.arguments[i].type_oid()), -1, Oid::INVALID);
    let collation = catalog::collation_name(column.aggregate.collation).map_or("NULL".to_string(), |name| sql::literal(&name));
    Some(format!("{greatest}, {}::regtype, {}::regtype, {collation}::regcollation", sql::literal(&of(0)), sql::literal(&of(1))))
}

/// A call of an aggregate of ours in the place of the query's own, over the same rows.
fn ours(name: &str, arguments: &str, instead_of: &Aggregate, source: Oid) -> String {
    let filter = instead_of.filter.map(|f| format!(" FILTER (WHERE {})", f.deparse(source, "s"))).unwrap_or_default();
    format!("{}.{name}({arguments}){filter}", sql::identifier(&catalog::extension_schema()))
}

/// The query's own columns and HAVING over the view `groups`, which has the keys first and then the final values.
pub fn over_groups(shape: &Shape, groups: Oid) -> (Vec<Target>, Option<String>) {
    let mut columns: Vec<(Node, i16)> = vec![];
    for (node, _) in &shape.keys {
        columns.push((*node, columns.len() as i16 + 1));
    }
    for column in &shape.columns {
        columns.push((column.aggregate.node, columns.len() as i16 + 1));
    }
    let targets = shape
        .targets
        .iter()
        .map(|(name, node)| Target { name: sql::identifier(name), expr: node.over_columns(&columns).deparse(groups, "g") })
        .collect();
    (targets, shape.having.map(|h| h.over_columns(&columns).deparse(groups, "g")))
}
