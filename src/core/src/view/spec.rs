//! A view, as far as its SQL is concerned. All texts come deparsed from PostgreSQL, qualified and quoted.

use super::strategy::Strategy;

/// The relations behind a view: `tally_data.v42_main` and its siblings.
pub struct Storage {
    pub id: i64,
}

impl Storage {
    pub const SCHEMA: &'static str = "tally_data";

    pub fn relation(&self, part: &str) -> String {
        format!("{}.{}", Self::SCHEMA, self.name(part))
    }
    /// The bare name, without the schema.
    pub fn name(&self, part: &str) -> String {
        format!("v{}_{part}", self.id)
    }
    pub fn main(&self) -> String {
        self.relation("main")
    }
    pub fn delta(&self) -> String {
        self.relation("delta")
    }
    /// Holds a row once the view is filled; a snapshot that does not see it reads the source.
    pub fn filled(&self) -> String {
        self.relation("filled")
    }
    /// States that were put in by hand: the source does not have their rows, so they are merged in whatever the source says.
    pub fn kept(&self) -> String {
        self.relation("kept")
    }
    /// How many rows of a group have each value, for the aggregates that count different values.
    pub fn values(&self) -> String {
        self.relation("values")
    }
    /// What a refreshable view's query answered when it was last run.
    pub fn rows(&self) -> String {
        self.relation("rows")
    }
    /// From when on rows of the source, or groups of the view, are gone.
    pub fn horizon(&self) -> String {
        self.relation("horizon")
    }
    /// The defining query, kept as a view of PostgreSQL's own.
    pub fn query(&self) -> String {
        self.relation("query")
    }
    /// One row per group: keys and final values, before the query's own expressions and HAVING.
    pub fn groups(&self) -> String {
        self.relation("groups")
    }
}

pub struct Spec {
    pub storage: Storage,
    /// Quoted schema in which the extension's aggregates live.
    pub functions: String,
    /// Qualified name of the source; its columns are referred to as `s.…`.
    pub source: String,
    pub filter: Option<String>,
    pub keys: Vec<Key>,
    pub aggs: Vec<Agg>,
    pub unlogged: bool,
    /// Every column is a key or a state, so that states can be put in by hand.
    pub insertable: bool,
    /// The key that is a bucket of time.
    pub bucket: Option<usize>,
    /// Main is partitioned by it.
    pub partitioned: bool,
}

pub struct Key {
    /// Over `s`.
    pub expr: String,
    /// What is stored: with its collation, as in a column definition. Of a domain the type below it, because a mark has no keys.
    pub column_type: String,
    /// The domain, if it is one.
    pub domain: Option<String>,
    pub equality: Equality,
    /// For a time, or a bucket of time.
    pub range: Option<Range>,
    /// Can be put into a btree index without a risk of rows too long for it.
    pub short: bool,
    /// All of its values can be put into a hash index.
    pub hashable: bool,
}

/// Where the rows of a bucket lie: within `[bucket - before, bucket + after)`, and perhaps not all of that. A time by which rows are grouped as it is has no width.
pub struct Range {
    /// The bucketed expression, over `s`.
    pub over: String,
    /// What makes the bucket of a timestamptz: what stands before it, and after it. None if it depends on more.
    pub bucket: Option<[String; 2]>,
    pub before: i64,
    pub after: i64,
}

impl Range {
    pub(super) fn is_bucket(&self) -> bool {
        self.after > 0
    }

    /// Finds the rows of a bucket and of later ones. Near the first time that there is nothing can be taken away.
    pub(super) fn since(&self, bucket: &str) -> String {
        match self.before {
            0 => format!("{} >= {bucket}", self.over),
            before => format!("{} >= CASE WHEN {bucket} > '4700-01-01 BC' THEN {bucket} - {} ELSE '-infinity' END", self.over, interval(before)),
        }
    }

    /// Finds the rows of a bucket and of earlier ones. Up to the end itself, which for an infinite bucket is the bucket.
    pub(super) fn until(&self, bucket: &str) -> String {
        format!("{} <= CASE WHEN {bucket} < '290000-01-01' THEN {bucket} + {} ELSE 'infinity' END", self.over, interval(self.after))
    }
}

/// Microseconds as an interval of hours and less: adding it does not depend on a time zone.
fn interval(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    format!("'{}:{:02}:{:02}.{:06}'::interval", seconds / 3600, seconds / 60 % 60, seconds % 60, micros % 1_000_000)
}

pub enum Equality {
    /// `=` of pg_catalog: IS NOT DISTINCT FROM means the right thing wherever it is parsed.
    Catalog,
    /// Another operator, as `OPERATOR(schema.=)`.
    Operator(String),
}

pub struct Agg {
    pub strategy: Strategy,
    /// What main and delta store, with its collation, as in a column definition; never a domain.
    pub column_type: String,
    /// The stored value computed from source rows: an aggregate call over `s`.
    pub partial: String,
    /// The type that the query's own aggregate has.
    pub result_type: String,
    /// The stored value is the result: a state that the user asked for, or a value that is its own state.
    pub stored_is_result: bool,
    /// The function that makes the result of the stored value, if it is not the result.
    pub finisher: String,
    /// What that function wants after the stored value.
    pub finish_with: Vec<String>,
    /// The aggregate of ours that it merges by, if it is not for PostgreSQL to do: that has none for some types.
    pub merges_with: Option<&'static str>,
    pub is_domain: bool,
    /// For states that do not merge with every other of their type: the types that one must be of, as arguments of `tally.arg_fitting`.
    pub fitting: Option<String>,
    /// What is counted per value.
    pub counted: Option<Counted>,
}

/// The arguments of an aggregate that counts different values, over `s`, and its FILTER.
pub struct Counted {
    pub arguments: String,
    pub filter: Option<String>,
}

/// A column of the query, over `g`, a row of the view `groups`.
pub struct Target {
    pub name: String,
    pub expr: String,
}

/// What a column of the query is, if it is nothing more than that.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    Key(usize),
    Aggregate(usize),
}

impl Spec {
    /// Whether anything can be in doubt at all.
    pub fn can_doubt(&self) -> bool {
        self.aggs.iter().any(|a| a.strategy.can_doubt())
    }
    pub fn function(&self, name: &str) -> String {
        format!("{}.{name}", self.functions)
    }
}
