//! The changes of one statement to one view, one partial state per group.

use super::compiled::{CellPlan, Compiled, Take};
use crate::pg::append::Appender;
use crate::pg::best::{Best, Pair};
use crate::pg::canon;
use crate::pg::error::raise;
use crate::pg::expr::Values;
use crate::pg::item::Item;
use crate::pg::setting;
use crate::pg::value::{self, Arena, Order};
use hashbrown::HashMap;
use pg_tally_core::hash::hash64;
use pg_tally_core::memory;
use pg_tally_core::state::{AvgFloat8State, AvgIntervalState, AvgState, Quantile, State, SumFloat8State, SumIntervalState, SumState, TopK, VarFloat8State, VarState};
use pg_tally_core::uniq::Uniq;
use pg_tally_core::view::Exact;
use pgrx::pg_sys::{self, Datum, Oid};
use std::cmp::Ordering;

#[derive(Default)]
struct Group {
    /// What tells it from other groups.
    image: Vec<u8>,
    keys: Vec<Option<Datum>>,
    rows: i64,
    doubt: bool,
    cells: Vec<Cell>,
}

/// What a batch is made in, kept from one statement to the next: a statement of one row would else do little but allocate.
#[derive(Default)]
pub struct Workspace {
    groups: Vec<Group>,
    /// Groups to be used again.
    spare: Vec<Group>,
    /// Where the groups are, once there are many.
    index: HashMap<Vec<u8>, usize>,
    image: Vec<u8>,
    scratch: Vec<u8>,
    values: Vec<Datum>,
    nulls: Vec<bool>,
}

/// Groups that are looked through one by one, and kept from one statement to the next.
const FEW: usize = 8;
/// Bytes of a buffer that are kept from one statement to the next.
const SMALL: usize = 16 << 10;

enum Cell {
    Count(i64),
    Sum(Box<SumState>),
    Average(Box<AvgState>),
    SumFloat(Box<SumFloat8State>),
    AverageFloat(Box<AvgFloat8State>),
    SumInterval(Box<SumIntervalState>),
    AverageInterval(Box<AvgIntervalState>),
    Variance(Box<VarState>),
    VarianceFloat(Box<VarFloat8State>),
    Ends { added: Option<Datum>, removed: Option<Datum> },
    Bits { added: Option<i64>, removed: Option<i64>, kind: Oid },
    Arg { added: Option<Best>, removed: Option<Best> },
    Quantile(Box<Quantile>),
    TopK(Box<TopK<Item>>),
    Uniq(Box<Uniq>),
    Values(HashMap<Vec<u8>, i64>),
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
            Take::Variance(Exact::Float, _) => Cell::VarianceFloat(Box::new(State::empty())),
            Take::Variance(_, _) => Cell::Variance(Box::new(State::empty())),
            Take::Ends { .. } => Cell::Ends { added: None, removed: None },
            Take::Bits { kind, .. } => Cell::Bits { added: None, removed: None, kind: *kind },
            Take::Arg(..) => Cell::Arg { added: None, removed: None },
            Take::Quantile => Cell::Quantile(Box::new(State::empty())),
            Take::TopK { k, .. } => Cell::TopK(Box::new(TopK::new(*k))),
            Take::Uniq(_, p) => Cell::Uniq(Box::new(Uniq::new(*p))),
            Take::Values(_) => Cell::Values(HashMap::new()),
            Take::Doubt => Cell::Nothing,
        }
    }

    /// As new.
    fn clear(&mut self) {
        match self {
            Cell::Count(n) => *n = 0,
            Cell::Sum(s) => **s = State::empty(),
            Cell::Average(s) => **s = State::empty(),
            Cell::SumFloat(s) => **s = State::empty(),
            Cell::AverageFloat(s) => **s = State::empty(),
            Cell::SumInterval(s) => **s = State::empty(),
            Cell::AverageInterval(s) => **s = State::empty(),
            Cell::Variance(s) => **s = State::empty(),
            Cell::VarianceFloat(s) => **s = State::empty(),
            Cell::Ends { added, removed } => (*added, *removed) = (None, None),
            Cell::Bits { added, removed, .. } => (*added, *removed) = (None, None),
            Cell::Arg { added, removed } => (*added, *removed) = (None, None),
            Cell::Quantile(s) => s.clear(),
            Cell::TopK(s) => s.clear(),
            Cell::Uniq(u) => u.clear(),
            Cell::Values(counts) if counts.capacity() > FEW => *counts = HashMap::new(),
            Cell::Values(counts) => counts.clear(),
            Cell::Nothing => {}
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
            Cell::Variance(s) => s.is_empty(),
            Cell::VarianceFloat(s) => s.is_empty(),
            Cell::Ends { added, removed } => added.is_none() && removed.is_none(),
            Cell::Bits { added, removed, .. } => added.is_none() && removed.is_none(),
            Cell::Arg { added, removed } => added.is_none() && removed.is_none(),
            Cell::Quantile(s) => s.is_empty(),
            Cell::TopK(s) => s.is_empty(),
            Cell::Uniq(u) => u.is_empty(),
            Cell::Values(counts) => counts.values().all(|n| *n == 0),
            Cell::Nothing => true,
        }
    }
}

/// Groups in the making. Delta may have any number of rows for a group, so what grows too large is written and begun anew.
pub struct Batch<'a> {
    view: &'a Compiled,
    appender: Appender<'a>,
    arena: Arena,
    work: Workspace,
    rows_since_write: usize,
    limit: usize,
    written: u64,
}

impl<'a> Batch<'a> {
    pub fn new(view: &'a Compiled, appender: Appender<'a>) -> Batch<'a> {
        // A multiple of work_mem, as for a hash aggregate that estimates its memory.
        let limit = (setting::work_mem() as usize).max(4096) * 1024 * 4;
        Batch { view, appender, arena: Arena::new(), work: view.workspace.take(), rows_since_write: 0, limit, written: 0 }
    }

    /// Appends what is left. Gives the rows appended.
    pub fn finish(mut self) -> u64 {
        self.write();
        self.work.shrink();
        self.view.workspace.replace(self.work);
        self.written
    }

    /// Takes one row in (`sign` 1) or out (-1); `concerned` says for which cells, `moves` whether the row as such comes or goes.
    pub fn take(&mut self, row: Values, sign: i64, concerned: &[bool], infinities: bool) {
        let keys = self.view.keys.len();
        let at = self.group(&row.values[..keys], &row.nulls[..keys]);
        let Batch { view, work, arena, .. } = self;
        let (group, scratch) = (&mut work.groups[at], &mut work.scratch);
        group.rows += sign;
        for ((plan, cell), _) in view.cells.iter().zip(&mut group.cells).zip(concerned).filter(|(_, c)| **c) {
            match (&plan.take, cell) {
                (Take::Doubt, _) => group.doubt = true,
                (Take::Values(canons), Cell::Values(counts)) => {
                    let range = plan.first..plan.first + canons.len();
                    if let Some(bytes) = CellPlan::write_tuple(canons, &row.values[range.clone()], &row.nulls[range], scratch) {
                        make_room(counts);
                        *counts.entry_ref(bytes).or_insert(0) += sign;
                    }
                }
                (Take::Uniq(canons, _), Cell::Uniq(state)) => {
                    let range = plan.first..plan.first + canons.len();
                    if let Some(bytes) = CellPlan::write_tuple(canons, &row.values[range.clone()], &row.nulls[range], scratch) {
                        if sign > 0 { state.insert_hash(hash64(bytes)) } else { group.doubt = true }
                    }
                }
                (Take::Arg(kinds, end), Cell::Arg { added, removed }) => {
                    if !row.nulls[plan.first + 1] {
                        let value = (!row.nulls[plan.first]).then_some(row.values[plan.first]);
                        let pair = Pair { key: row.values[plan.first + 1], value };
                        match if sign > 0 { added } else { removed } {
                            Some(best) => best.offer(pair),
                            none => *none = Some(Best::new(arena.memory(), *end, kinds.clone(), pair)),
                        }
                    }
                }
                (_, _) if row.nulls[plan.first] => {}
                (Take::Quantile, Cell::Quantile(_)) if sign < 0 => group.doubt = true,
                (Take::TopK { .. }, Cell::TopK(_)) if sign < 0 => group.doubt = true,
                (Take::TopK { canon, of, .. }, Cell::TopK(state)) => {
                    let value = row.values[plan.first];
                    scratch.clear();
                    canon::write_values(std::slice::from_ref(canon), &[value], scratch);
                    state.insert(hash64(scratch), || of.item(value));
                }
                (Take::Quantile, Cell::Quantile(state)) => state.insert(value::float(row.values[plan.first], pg_sys::FLOAT8OID)),
                (Take::Ends { layout, order, greatest }, Cell::Ends { added, removed }) => {
                    let end = if sign > 0 { added } else { removed };
                    let value = row.values[plan.first];
                    if end.is_none_or(|e| beats(&mut order.borrow_mut(), value, e, *greatest)) {
                        *end = Some(arena.keep(layout, value));
                    }
                }
                (Take::Bits { kind, and }, Cell::Bits { added, removed, .. }) => {
                    let value = value::integer(row.values[plan.first], *kind);
                    let bits = if sign > 0 { added } else { removed };
                    *bits = Some(bits.map_or(value, |b| if *and { b & value } else { b | value }));
                }
                (Take::Count, Cell::Count(n)) => *n += sign,
                (Take::Sum(_, kind) | Take::Average(_, kind) | Take::Variance(_, kind), cell) => add(cell, row.values[plan.first], *kind, sign, infinities),
                _ => {}
            }
        }
        self.rows_since_write += 1;
        if self.work.groups.len() * 300 + self.rows_since_write * 8 * growth(self.view) > self.limit {
            self.write();
        }
    }

    fn group(&mut self, keys: &[Datum], nulls: &[bool]) -> usize {
        let Batch { view, work, arena, .. } = self;
        work.image.clear();
        value::key_image(&view.keys, keys, nulls, &mut work.image);
        if let Some(at) = work.find() {
            return at;
        }
        let mut group = work.spare.pop().unwrap_or_else(|| Group { cells: view.cells.iter().map(|c| Cell::new(&c.take)).collect(), ..Group::default() });
        group.image.clone_from(&work.image);
        let kept = view.keys.iter().zip(keys).zip(nulls);
        group.keys.extend(kept.map(|((l, v), null)| (!null).then(|| arena.keep(l, *v))));
        work.add(group)
    }

    /// Appends all groups to delta and forgets them.
    fn write(&mut self) {
        let mut groups = std::mem::take(&mut self.work.groups);
        for mut group in groups.drain(..) {
            if group.rows != 0 || group.doubt || !group.cells.iter().all(Cell::is_empty) {
                self.write_group(&group);
            }
            if self.work.spare.len() < FEW {
                group.clear();
                self.work.spare.push(group);
            }
        }
        self.work.groups = groups;
        self.work.index.clear();
        self.rows_since_write = 0;
        self.arena.reset();
    }

    fn write_group(&mut self, group: &Group) {
        let Batch { view, work, arena, appender, .. } = self;
        let Workspace { scratch, values, nulls, .. } = work;
        let hash = canon::key_hash(&view.canons, &group.keys, scratch);
        values.clear();
        nulls.clear();
        let mut push = |value: Option<Datum>| {
            values.push(value.unwrap_or(Datum::null()));
            nulls.push(value.is_none());
        };
        for own in [hash.into(), group.rows.into(), i16::from(group.doubt).into()] {
            push(Some(own));
        }
        group.keys.iter().for_each(|key| push(*key));
        for cell in &group.cells {
            match cell {
                Cell::Count(n) => push(Some((*n).into())),
                Cell::Sum(s) => push(state(&**s, arena, scratch)),
                Cell::Average(s) => push(state(&**s, arena, scratch)),
                Cell::SumFloat(s) => push(state(&**s, arena, scratch)),
                Cell::AverageFloat(s) => push(state(&**s, arena, scratch)),
                Cell::SumInterval(s) => push(state(&**s, arena, scratch)),
                Cell::AverageInterval(s) => push(state(&**s, arena, scratch)),
                Cell::Variance(s) => push(state(&**s, arena, scratch)),
                Cell::VarianceFloat(s) => push(state(&**s, arena, scratch)),
                Cell::Uniq(s) => push(state(&**s, arena, scratch)),
                Cell::Quantile(s) => push(state(&**s, arena, scratch)),
                Cell::TopK(s) => push(state(&**s, arena, scratch)),
                Cell::Arg { added, removed } => {
                    for best in [added, removed] {
                        push(best.as_ref().map(|best| arena.varlena(&best.encode().unwrap_or_else(|e| e.raise()))));
                    }
                }
                Cell::Ends { added, removed } => {
                    push(*added);
                    push(*removed);
                }
                Cell::Bits { added, removed, kind } => {
                    push(added.map(|v| value::of_integer(v, *kind)));
                    push(removed.map(|v| value::of_integer(v, *kind)));
                }
                Cell::Values(counts) => {
                    let [bytes, numbers] = arena.counts(counts.iter().filter(|(_, n)| **n != 0).map(|(v, n)| (v.as_slice(), *n)));
                    push(bytes);
                    push(numbers);
                }
                // Held values come in another way.
                Cell::Nothing => push(None),
            }
        }
        appender.append(values, nulls);
        self.written += 1;
    }
}

impl Group {
    fn clear(&mut self) {
        self.keys.clear();
        self.cells.iter_mut().for_each(Cell::clear);
        (self.rows, self.doubt) = (0, false);
    }
}

impl Workspace {
    /// The group whose image was made last.
    fn find(&self) -> Option<usize> {
        if self.groups.len() <= FEW {
            self.groups.iter().position(|g| g.image == self.image)
        } else {
            self.index.get(self.image.as_slice()).copied()
        }
    }

    fn add(&mut self, group: Group) -> usize {
        let at = self.groups.len();
        memory::reserve(&mut self.groups, 1).unwrap_or_else(|e| raise(e));
        self.groups.push(group);
        if at == FEW {
            self.index.extend(self.groups.iter().enumerate().map(|(i, g)| (g.image.clone(), i)));
        } else if at > FEW {
            make_room(&mut self.index);
            self.index.insert(self.image.clone(), at);
        }
        at
    }

    /// Lets go of what only a large statement needed.
    fn shrink(&mut self) {
        if self.index.capacity() > 0 {
            self.index = HashMap::new();
        }
        self.groups.shrink_to(FEW);
        self.image.shrink_to(SMALL);
        self.scratch.shrink_to(SMALL);
    }
}

/// For one more entry, or an ERROR if there is no memory.
fn make_room<V>(map: &mut HashMap<Vec<u8>, V>) {
    if map.len() == map.capacity() {
        memory::refusable(|| map.try_reserve(1)).unwrap_or_else(|e| raise(e));
    }
}

/// An empty state is left out: NULL says the same in fewer bytes.
fn state<S: State>(state: &S, arena: &Arena, scratch: &mut Vec<u8>) -> Option<Datum> {
    if state.is_empty() {
        return None;
    }
    scratch.clear();
    state.encode(scratch);
    Some(arena.varlena(scratch))
}

/// What a row may add to the batch, in words.
fn growth(view: &Compiled) -> usize {
    let words = |take: &Take| match take {
        Take::Uniq(..) => 1,
        Take::Values(_) => 16,
        _ => 0,
    };
    1 + view.cells.iter().map(|c| words(&c.take)).sum::<usize>()
}

fn beats(order: &mut Order, value: Datum, best: Datum, greatest: bool) -> bool {
    order.compare(value, best) == if greatest { Ordering::Greater } else { Ordering::Less }
}

fn add(cell: &mut Cell, value: Datum, kind: Oid, sign: i64, infinities: bool) {
    match cell {
        Cell::Sum(s) if kind == pg_sys::NUMERICOID => value::with_varlena(value, |b| s.add_numeric(b, sign)).unwrap_or_else(|e| raise(e)),
        Cell::Average(s) if kind == pg_sys::NUMERICOID => value::with_varlena(value, |b| s.add_numeric(b, sign)).unwrap_or_else(|e| raise(e)),
        Cell::Variance(s) if kind == pg_sys::NUMERICOID => value::with_varlena(value, |b| s.add_numeric(b, sign)).unwrap_or_else(|e| raise(e)),
        Cell::Variance(s) => s.add_int(value::integer(value, kind), sign),
        Cell::VarianceFloat(s) => s.add(value::float(value, kind), sign),
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
