//! The changes of one statement to one view, one partial state per group.

use super::compiled::{CellPlan, Compiled, Take};
use crate::pg::append::Appender;
use crate::pg::canon;
use crate::pg::error::raise;
use crate::pg::expr::Values;
use crate::pg::setting;
use crate::pg::value::{self, Arena, Order};
use hashbrown::HashMap;
use pg_tally_core::hash::hash64;
use pg_tally_core::state::{AvgFloat8State, AvgIntervalState, AvgState, State, SumFloat8State, SumIntervalState, SumState};
use pg_tally_core::uniq::Uniq;
use pg_tally_core::view::Exact;
use pgrx::pg_sys::{self, Datum, Oid};
use std::cmp::Ordering;

/// The precision of `uniq`.
const PRECISION: u8 = 14;

struct Group {
    keys: Vec<(Datum, bool)>,
    rows: i64,
    doubt: bool,
    cells: Vec<Cell>,
}

enum Cell {
    Count(i64),
    Sum(Box<SumState>),
    Average(Box<AvgState>),
    SumFloat(Box<SumFloat8State>),
    AverageFloat(Box<AvgFloat8State>),
    SumInterval(Box<SumIntervalState>),
    AverageInterval(Box<AvgIntervalState>),
    Ends { added: Option<Datum>, removed: Option<Datum> },
    Uniq(Box<Uniq>),
    Nothing,
}

impl Cell {
    fn new(take: &Take) -> Cell {
        match take {
            Take::Count => Cell::Count(0),
            Take::Sum(Exact::Numeric, _) => Cell::Sum(Box::new(State::empty())),
            Take::Sum(Exact::Float, _) => Cell::SumFloat(Box::new(State::empty())),
            Take::Sum(Exact::Interval, _) => Cell::SumInterval(Box::new(State::empty())),
            Take::Average(Exact::Numeric, _) => Cell::Average(Box::new(State::empty())),
            Take::Average(Exact::Float, _) => Cell::AverageFloat(Box::new(State::empty())),
            Take::Average(Exact::Interval, _) => Cell::AverageInterval(Box::new(State::empty())),
            Take::Ends { .. } => Cell::Ends { added: None, removed: None },
            Take::Uniq(_) => Cell::Uniq(Box::new(Uniq::new(PRECISION))),
            Take::Doubt => Cell::Nothing,
        }
    }

    /// Says nothing of the group: a row of such cells need not be written.
    fn is_empty(&self) -> bool {
        match self {
            Cell::Count(n) => *n == 0,
            Cell::Sum(s) => s.is_empty(),
            Cell::Average(s) => s.is_empty(),
            Cell::SumFloat(s) => s.is_empty(),
            Cell::AverageFloat(s) => s.is_empty(),
            Cell::SumInterval(s) => s.is_empty(),
            Cell::AverageInterval(s) => s.is_empty(),
            Cell::Ends { added, removed } => added.is_none() && removed.is_none(),
            Cell::Uniq(u) => u.is_empty(),
            Cell::Nothing => true,
        }
    }
}

/// Groups in the making. Delta may have any number of rows for a group, so what grows too large is written and begun anew.
pub struct Batch<'a> {
    view: &'a Compiled,
    appender: Appender<'a>,
    arena: Arena,
    index: HashMap<Vec<u8>, usize>,
    groups: Vec<Group>,
    rows_since_write: usize,
    image: Vec<u8>,
    scratch: Vec<u8>,
    limit: usize,
    written: u64,
}

impl<'a> Batch<'a> {
    pub fn new(view: &'a Compiled, appender: Appender<'a>) -> Batch<'a> {
        // A multiple of work_mem, as for a hash aggregate that estimates its memory.
        let limit = (setting::work_mem() as usize).max(4096) * 1024 * 4;
        Batch { view, appender, arena: Arena::new(), index: HashMap::new(), groups: vec![], rows_since_write: 0, image: vec![], scratch: vec![], limit, written: 0 }
    }

    /// Takes one row in (`sign` 1) or out (-1); `concerned` says for which cells, `moves` whether the row as such comes or goes.
    pub fn take(&mut self, row: Values, sign: i64, concerned: &[bool], infinities: bool) {
        let keys = self.view.keys.len();
        let at = self.group(&row.values[..keys], &row.nulls[..keys]);
        let Batch { view, groups, arena, scratch, .. } = self;
        let group = &mut groups[at];
        group.rows += sign;
        for ((plan, cell), _) in view.cells.iter().zip(&mut group.cells).zip(concerned).filter(|(_, c)| **c) {
            match (&plan.take, cell) {
                (Take::Doubt, _) => group.doubt = true,
                (Take::Uniq(canons), Cell::Uniq(state)) => {
                    let range = plan.first..plan.first + canons.len();
                    if let Some(bytes) = CellPlan::write_tuple(canons, &row.values[range.clone()], &row.nulls[range], scratch) {
                        if sign > 0 { state.insert_hash(hash64(bytes)) } else { group.doubt = true }
                    }
                }
                (_, _) if row.nulls[plan.first] => {}
                (Take::Ends { layout, order, greatest }, Cell::Ends { added, removed }) => {
                    let end = if sign > 0 { added } else { removed };
                    let value = row.values[plan.first];
                    if end.is_none_or(|e| beats(&mut order.borrow_mut(), value, e, *greatest)) {
                        *end = Some(arena.keep(layout, value));
                    }
                }
                (Take::Count, Cell::Count(n)) => *n += sign,
                (Take::Sum(_, kind), cell) | (Take::Average(_, kind), cell) => add(cell, row.values[plan.first], *kind, sign, infinities),
                _ => {}
            }
        }
        self.rows_since_write += 1;
        if self.groups.len() * 300 + self.rows_since_write * 8 * view_sketches(self.view) > self.limit {
            self.write();
        }
    }

    fn group(&mut self, keys: &[Datum], nulls: &[bool]) -> usize {
        self.image.clear();
        value::key_image(&self.view.keys, keys, nulls, &mut self.image);
        if let Some(at) = self.index.get(self.image.as_slice()) {
            return *at;
        }
        let at = self.groups.len();
        self.index.insert(self.image.clone(), at);
        let kept = self.view.keys.iter().zip(keys).zip(nulls);
        self.groups.push(Group {
            keys: kept.map(|((l, v), null)| if *null { (Datum::null(), true) } else { (self.arena.keep(l, *v), false) }).collect(),
            rows: 0,
            doubt: false,
            cells: self.view.cells.iter().map(|c| Cell::new(&c.take)).collect(),
        });
        at
    }

    /// Appends all groups to delta and forgets them.
    pub fn write(&mut self) {
        for group in std::mem::take(&mut self.groups) {
            if group.rows == 0 && !group.doubt && group.cells.iter().all(Cell::is_empty) {
                continue;
            }
            self.write_group(&group);
        }
        self.index.clear();
        self.rows_since_write = 0;
        self.arena.reset();
    }

    /// The rows appended.
    pub fn written(&self) -> u64 {
        self.written
    }

    fn write_group(&mut self, group: &Group) {
        let keys: Vec<Option<Datum>> = group.keys.iter().map(|(v, null)| (!null).then_some(*v)).collect();
        let hash = canon::key_hash(&self.view.canons, &keys, &mut self.scratch);
        let mut row: Vec<Option<Datum>> = vec![Some(hash.into()), Some(group.rows.into()), Some(i16::from(group.doubt).into())];
        row.extend(keys);
        for cell in &group.cells {
            match cell {
                Cell::Count(n) => row.push(Some((*n).into())),
                Cell::Sum(s) => row.push(self.state(&**s)),
                Cell::Average(s) => row.push(self.state(&**s)),
                Cell::SumFloat(s) => row.push(self.state(&**s)),
                Cell::AverageFloat(s) => row.push(self.state(&**s)),
                Cell::SumInterval(s) => row.push(self.state(&**s)),
                Cell::AverageInterval(s) => row.push(self.state(&**s)),
                Cell::Uniq(s) => row.push(self.state(&**s)),
                Cell::Ends { added, removed } => row.extend([*added, *removed]),
                Cell::Nothing => {}
            }
        }
        self.appender.append_row(&row);
        self.written += 1;
    }

    /// An empty state is left out: NULL says the same in fewer bytes.
    fn state<S: State>(&mut self, state: &S) -> Option<Datum> {
        if state.is_empty() {
            return None;
        }
        self.scratch.clear();
        state.encode(&mut self.scratch);
        Some(self.arena.varlena(&self.scratch))
    }
}

fn view_sketches(view: &Compiled) -> usize {
    1 + view.cells.iter().filter(|c| matches!(c.take, Take::Uniq(_))).count()
}


fn beats(order: &mut Order, value: Datum, best: Datum, greatest: bool) -> bool {
    order.compare(value, best) == if greatest { Ordering::Greater } else { Ordering::Less }
}

fn add(cell: &mut Cell, value: Datum, kind: Oid, sign: i64, infinities: bool) {
    match cell {
        Cell::Sum(s) if kind == pg_sys::NUMERICOID => value::with_varlena(value, |b| s.add_numeric(b, sign)).unwrap_or_else(|e| raise(e)),
        Cell::Average(s) if kind == pg_sys::NUMERICOID => value::with_varlena(value, |b| s.add_numeric(b, sign)).unwrap_or_else(|e| raise(e)),
        Cell::Sum(s) => s.add_int(value::integer(value, kind), sign),
        Cell::Average(s) => s.add_int(value::integer(value, kind), sign),
        Cell::SumFloat(s) => s.add(value::float(value, kind), sign),
        Cell::AverageFloat(s) => s.add(value::float(value, kind), sign),
        Cell::SumInterval(s) => {
            let (months, days, micros) = value::interval(value);
            s.add(months, days, micros, sign, infinities);
        }
        Cell::AverageInterval(s) => {
            let (months, days, micros) = value::interval(value);
            s.add(months, days, micros, sign, infinities);
        }
        _ => {}
    }
}
