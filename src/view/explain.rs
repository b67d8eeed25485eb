//! Saying how a query is, or would be, maintained.

use super::check;
use super::describe::{self, Shape};
use super::named::View;
use super::options::Options;
use super::refreshable::{self, Refreshable};
use super::storage;
use crate::pg::query::Query;
use crate::pg::{catalog, pin, setting, sql};
use pg_tally_core::view::{Refusal, Storage, Strategy};

/// Column (none for the view as a whole), what an INSERT, UPDATE and DELETE do, and why not better.
pub type Line = (Option<String>, Option<String>, Option<String>, Option<String>, Option<String>);

pub fn of_query(text: &str) -> Vec<Line> {
    let Some(query) = Query::parse(text) else {
        return vec![refused("the query", "only one SELECT can be a view.")];
    };
    let refused = refusals(query, text);
    if let Some(refused) = refused {
        return refused.iter().map(refusal).collect();
    }
    describe::shape(query).map(|shape| lines(&shape)).unwrap_or_default()
}

pub fn of_view(name: &str) -> Vec<Line> {
    match View::find(name) {
        View::Incremental(view) => sql::as_superuser(|| storage::shape(&view)).map(|shape| lines(&shape)).unwrap_or_default(),
        View::Refreshable(view) => of_refreshable(&view),
    }
}

/// When it is run, and what keeps it from being maintained in the writers' transactions, if anything does.
fn of_refreshable(view: &Refreshable) -> Vec<Line> {
    let refresh = || Some("refresh".to_string());
    let when = match Options::of(view.id).schedule {
        Some(schedule) => format!("the query is run on schedule \"{schedule}\", and by tally.refresh_view"),
        None => "the query is run by tally.refresh_view".into(),
    };
    let mut all = vec![(None, refresh(), refresh(), refresh(), Some(when))];
    all.extend(refreshable::columns(&Storage { id: view.id }).into_iter().map(|column| (Some(column), refresh(), refresh(), refresh(), None)));
    let definition = sql::as_superuser(|| sql::pinned(|| Query::of_view(view.query).map(Query::deparse)));
    all.extend(definition.map(|text| sql::pinned(|| refusals_of(&text))).unwrap_or_default());
    all
}

fn refusals_of(text: &str) -> Vec<Line> {
    Query::parse(text).and_then(|query| refusals(query, text)).unwrap_or_default().iter().map(refusal).collect()
}

/// What stands in the way of maintaining a query incrementally.
fn refusals(query: Query, text: &str) -> Option<Vec<Refusal>> {
    match query.source() {
        Some(source) if check::is_table(source.relation) => {
            sql::pinned(|| pin::pin_time_zone(query, &setting::time_zone()));
            check::all(query, text)
        }
        _ => Some(check::refusals(query.refused_shape(), text)),
    }
}

fn refused(what: &str, why: &str) -> Line {
    let refresh = Some("refresh".to_string());
    (None, refresh.clone(), refresh.clone(), refresh, Some(format!("{what}: {why}")))
}

fn refusal(r: &Refusal) -> Line {
    match r.position {
        Some(p) => refused(&format!("{} at character {p}", r.what), r.feature.why()),
        None => refused(&r.what, r.feature.why()),
    }
}

fn lines(shape: &Shape) -> Vec<Line> {
    let worst = shape.columns.iter().map(|c| c.strategy).max_by_key(|s| severity(*s)).unwrap_or(Strategy::Rows);
    let mut all = vec![line(None, worst, format!("kept in the writer's transaction, from table {}", catalog::qualified_name(shape.source.relation)))];
    for (name, node) in &shape.targets {
        let mut inside = vec![];
        node.aggregates(&mut inside);
        let strategies = shape.columns.iter().filter(|c| inside.iter().any(|a| a.node.equals(c.aggregate.node)));
        match strategies.max_by_key(|c| severity(c.strategy)) {
            None => all.push(line(Some(name.as_str()), Strategy::Rows, "a key of the group".into())),
            Some(c) => all.push(line(Some(name.as_str()), c.strategy, format!("{}: {}", c.aggregate.name, c.strategy.words().2))),
        }
    }
    all
}

fn severity(strategy: Strategy) -> u8 {
    match strategy {
        Strategy::Recompute => 3,
        Strategy::Uniq(_) | Strategy::Quantile | Strategy::TopK(_) => 2,
        s if s.removed() => 1,
        _ => 0,
    }
}

fn line(column: Option<&str>, strategy: Strategy, why: String) -> Line {
    let (insert, remove, _) = strategy.words();
    (column.map(str::to_string), Some(insert.into()), Some(remove.into()), Some(remove.into()), Some(why))
}
