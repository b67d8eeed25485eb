//! What a query may not contain to be maintained incrementally, and what to say then.

/// A part of a query that stands in the way.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Feature {
    SetOperation,
    With,
    Distinct,
    Window,
    GroupingSets,
    OrderBy,
    Limit,
    Subquery,
    SetReturning,
    Locking,
    Join,
    FromItem,
    TableSample,
    Only,
    NoGroups,
    SystemColumn,
    WholeRow,
    Volatile,
    Clock,
    Setting,
    Output,
    RowSecurity,
    Temporary,
    RelationKind,
    ChildTable,
    ForeignPartition,
    ViewSource,
    VirtualColumn,
    MixedPersistence,
    Collation,
    ObjectNumber,
}

impl Feature {
    /// Why it cannot be maintained; completes "<what> at character <n>: ".
    pub fn why(self) -> &'static str {
        match self {
            Feature::SetOperation => "set operations are not maintained incrementally yet.",
            Feature::With => "WITH queries are not maintained incrementally yet.",
            Feature::Distinct => "DISTINCT is not maintained incrementally yet.",
            Feature::Window => "window functions are not maintained incrementally yet.",
            Feature::GroupingSets => "GROUPING SETS, CUBE and ROLLUP give several rows for one source row.",
            Feature::OrderBy => "a view has no order of its own.",
            Feature::Limit => "which rows remain depends on all the others.",
            Feature::Subquery => "subqueries are not maintained incrementally yet.",
            Feature::SetReturning => "a set-returning function gives several rows for one source row.",
            Feature::Locking => "row locks make no sense in a view that is kept.",
            Feature::Join => "joins are not maintained incrementally yet.",
            Feature::FromItem => "only a table can be maintained incrementally.",
            Feature::TableSample => "a sample is another one at each reading.",
            Feature::Only => "ONLY leaves out rows that the triggers of the table see.",
            Feature::NoGroups => "the query has neither GROUP BY nor aggregates.",
            Feature::SystemColumn => "system columns are not known to statement triggers.",
            Feature::WholeRow => "a whole row changes its shape when a column is added.",
            Feature::Volatile => "it is volatile: it may give another value at each call.",
            Feature::Clock => "its value depends on when it is asked.",
            Feature::Setting => "its value depends on settings of the session.",
            Feature::Output => "what is written depends on settings of the session, such as extra_float_digits and bytea_output.",
            Feature::RowSecurity => "the table has row-level security, so its rows differ from reader to reader.",
            Feature::Temporary => "a temporary table is seen by one session only.",
            Feature::RelationKind => "it is not a table.",
            Feature::ChildTable => "it is a partition or an inheritance child, which also changes through its parent.",
            Feature::ForeignPartition => "it has a foreign table among its partitions, whose changes no trigger sees.",
            Feature::ViewSource => "views over views are not maintained incrementally yet.",
            Feature::VirtualColumn => "virtual generated columns are not known to statement triggers.",
            Feature::Collation => "it counts different strings, and the collation is nondeterministic.",
            Feature::ObjectNumber => "regclass and the like are numbers, and after a dump and restore the same objects have others.",
            Feature::MixedPersistence => "some of its partitions or children are unlogged and others are not, so a crash would empty only some of them.",
        }
    }

    /// The way out.
    pub fn hint(self) -> &'static str {
        match self {
            Feature::OrderBy => "Leave ORDER BY to the queries that read the view.",
            Feature::Limit => "Leave LIMIT to the queries that read the view.",
            Feature::NoGroups => "An ordinary view costs nothing to maintain; add GROUP BY or an aggregate for an incremental one.",
            Feature::Clock => "Group by time, and filter by the current time when the view is read.",
            Feature::Volatile => "Use immutable functions only.",
            Feature::Setting => "Use a form that names what it depends on, such as date_trunc('day', ts, 'UTC') or ts AT TIME ZONE 'UTC'; instead of to_char or concat use date_trunc, extract, or || between texts.",
            Feature::Output => "Keep the value itself, and convert it where the view is read; of bytea, use encode(x, 'hex').",
            Feature::Collation => "Count under a deterministic collation, such as uniq(x COLLATE \"C\"), or count lower(x).",
            Feature::ObjectNumber => "Group by such values, or count them by count(DISTINCT x) or uniq_exact(x).",
            Feature::ChildTable | Feature::Only => "Make the view on the parent table.",
            Feature::WholeRow => "Name the columns that the view needs.",
            Feature::VirtualColumn => "Write the column's expression in the query instead.",
            Feature::Distinct => "Use GROUP BY over the same expressions.",
            _ => "An ordinary view, or a materialized view refreshed by REFRESH MATERIALIZED VIEW, can have it.",
        }
    }
}

pub struct Refusal {
    pub feature: Feature,
    /// The offending part, as the user would recognise it.
    pub what: String,
    /// Characters from the start of the query, counted from 1.
    pub position: Option<usize>,
}

/// Message, detail and hint of the one error that names all that stands in the way.
pub fn refuse(all: &[Refusal]) -> Option<(String, String, String)> {
    let first = all.first()?;
    let detail = all
        .iter()
        .map(|r| match r.position {
            Some(p) => format!("{} at character {p}: {}", r.what, r.feature.why()),
            None => format!("{}: {}", r.what, r.feature.why()),
        })
        .collect::<Vec<_>>()
        .join("\n");
    Some((format!("cannot maintain {} incrementally", first.what), detail, first.feature.hint().into()))
}

/// The 1-based character position of a byte offset.
pub fn position(query: &str, offset: i32) -> Option<usize> {
    let offset = usize::try_from(offset).ok()?;
    query.get(..offset).map(|before| before.chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_error_names_everything() {
        let all = [
            Refusal { feature: Feature::Clock, what: "CURRENT_DATE".into(), position: Some(7) },
            Refusal { feature: Feature::Limit, what: "LIMIT".into(), position: None },
        ];
        let (message, detail, hint) = refuse(&all).unwrap();
        assert_eq!(message, "cannot maintain CURRENT_DATE incrementally");
        assert_eq!(detail.lines().count(), 2);
        assert!(detail.starts_with("CURRENT_DATE at character 7: "));
        assert!(hint.contains("current time"));
    }

    #[test]
    fn positions_count_characters() {
        assert_eq!(position("sélect 1", 8), Some(8));
        assert_eq!(position("abc", -1), None);
        assert_eq!(position("é", 1), None);
    }
}
