//! A view as its triggers know it: expressions planned, types looked up; one for each table that the view's rows come from.

use super::batch::Workspace;
use super::describe::{self, Column};
use super::generated::Generated;
use super::registry::Registered;
use crate::pg::best::Kinds;
use crate::pg::canon::{self, Canon};
use crate::pg::catalog;
use crate::pg::error::Fail;
use crate::pg::expr::{Plan, Projector, Row, Table};
use crate::pg::item::ItemType;
use crate::pg::query::Query;
use crate::pg::tree::Node;
use crate::pg::value::{Layout, Order};
use pg_tally_core::state::End;
use pg_tally_core::view::{Exact, Strategy};
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::{self, Oid};
use std::cell::RefCell;
use std::rc::Rc;

pub struct Compiled {
    pub id: i64,
    pub delta: Oid,
    pub owner: Oid,
    pub keys: Vec<Layout>,
    /// The key that is a bucket of time.
    pub bucket: Option<usize>,
    pub canons: Vec<Canon>,
    pub cells: Vec<CellPlan>,
    /// Columns of the table that decide which group a row is in, if any.
    placing: Vec<Layout>,
    projector: RefCell<Option<Projector>>,
    pub workspace: RefCell<Workspace>,
    plan: Plan,
    /// Of rows that come through this table.
    pub generated: Generated,
    /// The expressions look up names in function bodies: they need the pinned search_path.
    pub by_name: bool,
}

/// How one stored aggregate takes in values.
pub struct CellPlan {
    pub take: Take,
    /// Its state may take more memory with any row.
    pub grows: bool,
    /// Its first value among the projected ones.
    pub first: usize,
    /// Columns of the table that its value depends on.
    columns: Vec<Layout>,
}

pub enum Take {
    Count,
    Sum(Exact, Oid),
    Average(Exact, Oid),
    Variance(Exact, Oid),
    Ends { layout: Layout, order: Box<RefCell<Order>>, greatest: bool },
    Bits { kind: Oid, and: bool },
    Arg(Rc<Kinds>, End),
    Quantile,
    TopK { canon: Box<Canon>, of: ItemType, k: u32 },
    Uniq(Vec<Canon>, u8),
    /// How many rows have each value.
    Values(Vec<Canon>),
    Doubt,
}

impl Compiled {
    /// For statements on `table`, which is the view's source or one of its members. None if the view is not what it was.
    pub fn new(view: &Registered, table: &Table) -> Option<Compiled> {
        let shape = Query::of_view(view.query).and_then(describe::shape)?;
        let source = shape.source.relation;
        if source != view.source {
            return None;
        }
        let here = |column: i16| catalog::column_in_child(source, table.oid(), column);
        let layouts = |columns: &[i16]| -> Vec<Layout> { columns.iter().filter_map(|c| Layout::of_column(table, here(*c))).collect() };
        let mut placing: Vec<i16> = shape.keys.iter().map(|(n, _)| *n).chain(shape.filter).flat_map(|n| n.columns()).collect();
        placing.sort_unstable();
        placing.dedup();
        let mut projected: Vec<_> = shape.keys.iter().map(|(n, _)| *n).collect();
        let mut cells = vec![];
        for column in shape.columns.iter().filter(|c| c.strategy.stored()) {
            let arguments = if column.strategy.pending() { column.aggregate.filtered_arguments(column.values()) } else { vec![] };
            let take = take(column);
            cells.push(CellPlan { grows: take.grows(), take, first: projected.len(), columns: layouts(&column.aggregate.columns()) });
            projected.extend(arguments);
        }
        let read: Vec<i16> = projected.iter().copied().chain(shape.filter).flat_map(Node::columns).map(here).collect();
        let by_name = !projected.iter().copied().chain(shape.filter).all(catalog::is_builtin_only);
        let mut plan = Plan::new(shape.filter, &projected);
        if table.oid() != source {
            plan = Table::glance(source, |parent| plan.for_child(parent, table))?;
        }
        Some(Compiled {
            id: view.id,
            bucket: describe::bucket(&shape),
            delta: view.delta,
            owner: view.owner,
            keys: shape.keys.iter().map(|(n, _)| Layout::of_type(n.type_oid())).collect(),
            canons: shape.keys.iter().map(|(n, _)| canon_of(n)).collect(),
            cells,
            placing: layouts(&placing),
            projector: RefCell::new(None),
            workspace: RefCell::default(),
            plan,
            generated: Generated::of(table, &read),
            by_name,
        })
    }

    /// Evaluates over rows of the table. What calls only PostgreSQL's own functions is kept for the next statement: it cannot
    /// be entered again while it runs, and depends on nothing but what makes the whole view be compiled anew.
    pub fn with_projector<R>(&self, table: &Table, work: impl FnOnce(&mut Projector) -> R) -> R {
        let kept = self.projector.borrow_mut().take();
        let mut projector = kept.unwrap_or_else(|| self.plan.start(table));
        let result = work(&mut projector);
        if !self.by_name {
            *self.projector.borrow_mut() = Some(projector);
        }
        result
    }

    /// Which cells an update of one row concerns: None if nothing of the view can change.
    pub fn concerned(&self, old: &Row, new: &Row, cells: &mut [bool]) -> bool {
        if self.placing.iter().any(|l| !old.same(new, l)) {
            cells.fill(true);
            return true;
        }
        let mut any = false;
        for (cell, concerned) in self.cells.iter().zip(cells.iter_mut()) {
            *concerned = cell.columns.iter().any(|l| !old.same(new, l));
            any |= *concerned;
        }
        any
    }
}

fn canon_of(node: &Node) -> Canon {
    Canon::new(node.type_oid(), node.collation())
}

fn take(column: &Column) -> Take {
    let arguments = &column.aggregate.arguments;
    let base = |i: usize| catalog::base_type(arguments[i].type_oid());
    match column.strategy {
        Strategy::Count => Take::Count,
        Strategy::Sum(exact) => Take::Sum(exact, base(0)),
        Strategy::Average(exact) => Take::Average(exact, base(0)),
        Strategy::Variance(exact) => Take::Variance(exact, base(0)),
        Strategy::Least | Strategy::Greatest => {
            let (kind, collation) = (arguments[0].type_oid(), column.aggregate.node.collation());
            match Order::of(catalog::base_type(kind), collation) {
                Some(order) => Take::Ends {
                    layout: Layout::of_type(kind),
                    order: Box::new(RefCell::new(order)),
                    greatest: column.strategy == Strategy::Greatest,
                },
                None => Take::Doubt,
            }
        }
        Strategy::ArgLeast | Strategy::ArgGreatest => {
            let end = if column.strategy == Strategy::ArgLeast { End::Least } else { End::Greatest };
            let kinds = Kinds::of_oids(base(1), base(0), column.aggregate.collation).unwrap_or_else(|e| e.raise());
            Take::Arg(Rc::new(kinds), end)
        }
        Strategy::Quantile => Take::Quantile,
        Strategy::TopK(k) => {
            let value = arguments[0];
            Take::TopK { canon: Box::new(canon_of(&value)), of: ItemType::new(value.type_oid()), k }
        }
        Strategy::BitAnd | Strategy::BitOr => Take::Bits { kind: base(0), and: column.strategy == Strategy::BitAnd },
        Strategy::Values | Strategy::ValueSet => Take::Values(arguments.iter().map(canon_of).collect()),
        Strategy::Uniq(p) => {
            let canons: Vec<Canon> = arguments[column.values()].iter().map(canon_of).collect();
            if canons.iter().any(Canon::ambiguous) {
                Fail::new(PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED, "uniq does not support nondeterministic collations").raise();
            }
            Take::Uniq(canons, p)
        }
        Strategy::Rows | Strategy::Recompute => Take::Doubt,
    }
}

impl Take {
    /// What keeps values as they are has them in a memory context, which knows its size.
    fn grows(&self) -> bool {
        match self {
            Take::Sum(_, kind) | Take::Average(_, kind) | Take::Variance(_, kind) => !matches!(*kind, pg_sys::INT2OID | pg_sys::INT4OID | pg_sys::INT8OID),
            Take::Quantile | Take::TopK { .. } | Take::Uniq(..) | Take::Values(_) => true,
            Take::Count | Take::Ends { .. } | Take::Bits { .. } | Take::Arg(..) | Take::Doubt => false,
        }
    }
}

impl CellPlan {
    /// The canonical bytes of a tuple for uniq, as the aggregate makes them; None if one of them is NULL.
    pub fn write_tuple<'b>(canons: &[Canon], values: &[pg_sys::Datum], nulls: &[bool], buffer: &'b mut Vec<u8>) -> Option<&'b [u8]> {
        if nulls.contains(&true) {
            return None;
        }
        buffer.clear();
        canon::write_values(canons, values, buffer);
        Some(buffer)
    }
}
