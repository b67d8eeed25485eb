//! Which key of a view is a bucket of time, and in which bucket an instant lies.

use crate::pg::catalog;
use crate::pg::sql;
use crate::pg::tree::Node;
use pg_tally_core::schedule::{Instant, Utc, retain};
use pgrx::pg_sys::{self, Oid};

// pg_proc.dat; these numbers are fixed for ever.
const BINS: [u32; 2] = [6177, 6178];
const TRUNCATIONS: [u32; 2] = [1284, 2020];
const AT_ZONE: [u32; 2] = [1159, 2069];
const DATE_TO_TIMESTAMP: u32 = 2024;
const CASTS: [u32; 2] = [2029, DATE_TO_TIMESTAMP];

/// A key that never falls while a time column of the source rises, but for the hours in which clocks are put back.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Bucket {
    /// The number of the column.
    pub column: i16,
    /// The zone that the key names, if any.
    pub zone: Option<String>,
}

pub fn is_time(type_oid: Oid) -> bool {
    matches!(catalog::base_type(type_oid), pg_sys::TIMESTAMPTZOID | pg_sys::TIMESTAMPOID | pg_sys::DATEOID)
}

/// None if the key is no bucket of time.
pub fn of(key: Node) -> Option<Bucket> {
    is_time(key.type_oid()).then(|| within(key)).flatten()
}

/// Whether rows are grouped by a time as it is: a column, or what the wall clock of a zone shows then.
pub fn is_plain(key: Node) -> bool {
    let plain = |(function, arguments): (Oid, Vec<Node>)| match function.to_u32() {
        f if AT_ZONE.contains(&f) => arguments[0].columns().is_empty() && is_plain(arguments[1]),
        DATE_TO_TIMESTAMP => is_plain(arguments[0]),
        _ => false,
    };
    is_time(key.type_oid()) && (key.column().is_some() || key.call().is_some_and(plain))
}

/// The zone of `time AT TIME ZONE 'zone'`, if that makes a wall clock's time of an instant.
pub fn zone_shown(node: Node) -> Option<String> {
    let (function, arguments) = node.call()?;
    (function.to_u32() == AT_ZONE[0]).then(|| arguments[0].constant_text()).flatten()
}

fn within(node: Node) -> Option<Bucket> {
    if let Some(column) = node.column() {
        return is_time(node.type_oid()).then_some(Bucket { column, zone: None });
    }
    let (function, arguments) = node.call()?;
    let function = function.to_u32();
    let place = match function {
        f if BINS.contains(&f) || TRUNCATIONS.contains(&f) || AT_ZONE.contains(&f) => 1,
        f if CASTS.contains(&f) => 0,
        _ => return None,
    };
    let fixed = arguments.iter().enumerate().all(|(i, a)| i == place || a.columns().is_empty());
    let inner = fixed.then(|| within(arguments[place])).flatten()?;
    let named = if AT_ZONE.contains(&function) { arguments[0].constant_text() } else { arguments.get(2).filter(|_| TRUNCATIONS.contains(&function)).and_then(|zone| zone.constant_text()) };
    Some(Bucket { zone: inner.zone.or(named), ..inner })
}

/// The wall clock's hours that a change of zone may repeat, in minutes.
const REPEATED: u32 = 180;

/// Literals of a key's values over the column: the least bucket of rows from an instant on, and the greatest of rows before it.
/// What is evaluated is the key itself, so nothing here knows how it cuts time.
pub struct Buckets<'a> {
    pub source: Oid,
    pub column: i16,
    /// Over `s`.
    pub key: &'a str,
    pub key_type: &'a str,
}

impl Buckets<'_> {
    pub fn from(&self, at: Instant) -> String {
        self.extreme("min", at, 1)
    }

    pub fn before(&self, at: Instant) -> String {
        self.extreme("max", at, -1)
    }

    fn extreme(&self, aggregate: &str, at: Instant, direction: i32) -> String {
        let kind = catalog::base_type(catalog::column_type_oid(self.source, self.column));
        let column = sql::identifier(&catalog::column_name(self.source, self.column));
        let name = catalog::column_type(kind, -1, Oid::INVALID);
        // The last instant or day before, where rows before are asked for.
        let times = match (kind, direction) {
            (pg_sys::DATEOID, 1) => literal(at, kind),
            (pg_sys::DATEOID, _) => format!("({} - 1)", literal(at, kind)),
            (_, 1) => format!("({} + m * '1 minute'::interval)", literal(at, kind)),
            _ => format!("({} - '1 microsecond'::interval - m * '1 minute'::interval)", literal(at, kind)),
        };
        let rows = sql::rows(&format!(
            "SELECT (pg_catalog.{aggregate}({}))::text FROM (SELECT {times}::{name} AS {column} FROM pg_catalog.generate_series(0, {REPEATED}) m) s",
            self.key
        ));
        let value = rows.into_iter().flatten().flatten().next().unwrap_or_else(|| pgrx::error!("the bucket of an instant is NULL"));
        format!("{}::{}", sql::literal(&value), self.key_type)
    }
}

/// An instant as a literal of a time type; without a zone it is UTC's.
pub fn literal(at: Instant, kind: Oid) -> String {
    let wall = pg_tally_core::schedule::zone::reading(&Utc, at);
    match kind {
        pg_sys::TIMESTAMPTZOID => format!("'{}'::pg_catalog.timestamptz", retain::written(wall, "+00")),
        pg_sys::DATEOID => format!("'{}'::pg_catalog.date", retain::written_date(wall)),
        _ => format!("'{}'::pg_catalog.timestamp", retain::written(wall, "")),
    }
}
