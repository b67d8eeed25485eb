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
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use pg_tally_core::hash::hash64;
use pg_tally_core::memory;
use pg_tally_core::state::{AvgFloat8State, AvgIntervalState, AvgState, Quantile, State, SumFloat8State, SumIntervalState, SumState, TopK, VarFloat8State, VarState};
use pg_tally_core::uniq::Uniq;
use pg_tally_core::view::Exact;
use pgrx::pg_sys::{self, Datum, Oid};
use std::cmp::Ordering;
use std::hash::BuildHasher;

#[derive(Default)]
struct Group {
    /// Its keys, as bytes that tell it from other groups.
    image: Vec<u8>,
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
    /// Where the groups are, once there are many, with the hashes of their images.
    index: HashTable<(u64, usize)>,
    hasher: DefaultHashBuilder,
    image: Vec<u8>,
    keys: Vec<Option<Datum>>,
    scratch: Vec<u8>,
    values: Vec<Datum>,
    nulls: Vec<bool>,
}

/// Groups that are looked through one by one, and kept from one statement to the next.
const FEW: usize = 8;
/// Bytes of a buffer that are kept from one statement to the next.
const SMALL: usize = 16 << 10;
/// The most that a batch takes, however large work_mem is: a value of PostgreSQL ends at 1 GB, and so does a row in memory.
const MOST: usize = 512 << 20;
/// What a group takes beside its image and its cells: itself, its place in the index, and what the allocator adds.
const GROUP: usize = size_of::<Group>() + 2 * size_of::<(u64, usize)>() + 32;
/// How often the bytes of a value of `count(DISTINCT)` are there when its group is written: kept, as a value, in an array and in a row.
const COPIES: usize = 4;

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
    /// Of added rows, and of removed ones.
    Arg(Box<[Option<Best>; 2]>),
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
            Take::Arg(..) => Cell::Arg(Box::default()),
            Take::Quantile => Cell::Quantile(Box::new(State::empty())),
            Take::TopK { k, .. } => Cell::TopK(Box::new(TopK::new(*k))),
            Take::Uniq(_, p) => Cell::Uniq(Box::new(Uniq::new(*p))),
            Take::Values(_) => Cell::Values(HashMap::new()),
            Take::Doubt => Cell::Nothing,
        }
    }

    /// The bytes that it has outside itself and the batch's arena, without the values of `Values`.
    fn held(&self) -> usize {
        fn boxed<S: State>(state: &S) -> usize {
            size_of::<S>() + state.heap_size()
        }
        match self {
            Cell::Sum(s) => boxed(&**s),
            Cell::Average(s) => boxed(&**s),
            Cell::SumFloat(s) => boxed(&**s),
            Cell::AverageFloat(s) => boxed(&**s),
            Cell::SumInterval(s) => boxed(&**s),
            Cell::AverageInterval(s) => boxed(&**s),
            Cell::Variance(s) => boxed(&**s),
            Cell::VarianceFloat(s) => boxed(&**s),
            Cell::Quantile(s) => boxed(&**s),
            Cell::TopK(s) => boxed(&**s),
            Cell::Uniq(s) => boxed(&**s),
            Cell::Values(counts) => counts.allocation_size(),
            Cell::Arg(best) => size_of_val(&**best),
            Cell::Count(_) | Cell::Ends { .. } | Cell::Bits { .. } | Cell::Nothing => 0,
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
            Cell::Arg(best) => **best = [None, None],
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
            Cell::Arg(best) => best.iter().all(Option::is_none),
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
    /// Values that groups keep.
    arena: Arena,
    work: Workspace,
    /// The bytes of the groups outside the arena.
    held: usize,
    limit: usize,
    written: u64,
}

impl<'a> Batch<'a> {
    pub fn new(view: &'a Compiled, appender: Appender<'a>) -> Batch<'a> {
        // A multiple of work_mem, as for a hash aggregate that estimates its memory.
        let limit = ((setting::work_mem() as usize).max(4096) * 1024 * 4).min(MOST);
        Batch { view, appender, arena: Arena::new(), work: view.workspace.take(), held: 0, limit, written: 0 }
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
        let Batch { view, work, arena, held, .. } = self;
        let (group, scratch) = (&mut work.groups[at], &mut work.scratch);
        group.rows += sign;
        for ((plan, cell), _) in view.cells.iter().zip(&mut group.cells).zip(concerned).filter(|(_, c)| **c) {
            let before = if plan.grows { cell.held() } else { 0 };
            match (&plan.take, &mut *cell) {
                (Take::Doubt, _) => group.doubt = true,
                (Take::Values(canons), Cell::Values(counts)) => {
                    let range = plan.first..plan.first + canons.len();
                    if let Some(bytes) = CellPlan::write_tuple(canons, &row.values[range.clone()], &row.nulls[range], scratch) {
                        make_room(counts);
                        let values = counts.len();
                        *counts.entry_ref(bytes).or_insert(0) += sign;
                        if counts.len() > values {
                            *held += bytes.len() * COPIES;
                        }
                    }
                }
                (Take::Uniq(canons, _), Cell::Uniq(state)) => {
                    let range = plan.first..plan.first + canons.len();
                    if let Some(bytes) = CellPlan::write_tuple(canons, &row.values[range.clone()], &row.nulls[range], scratch) {
                        if sign > 0 { state.insert_hash(hash64(bytes)) } else { group.doubt = true }
                    }
                }
                (Take::Arg(kinds, end), Cell::Arg(best)) => {
                    if !row.nulls[plan.first + 1] {
                        let value = (!row.nulls[plan.first]).then_some(row.values[plan.first]);
                        let pair = Pair { key: row.values[plan.first + 1], value };
                        match &mut best[usize::from(sign < 0)] {
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
                        *end = Some(arena.keep(layout, value, *end));
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
            if plan.grows {
                *held = (*held + cell.held()).saturating_sub(before);
            }
        }
        if self.held + self.arena.size() > self.limit {
            self.write();
        }
    }

    fn group(&mut self, keys: &[Datum], nulls: &[bool]) -> usize {
        let Batch { view, work, held, .. } = self;
        work.image.clear();
        value::key_image(&view.keys, keys, nulls, &mut work.image);
        if let Some(at) = work.find() {
            return at;
        }
        let mut group = work.spare.pop().unwrap_or_else(|| Group { cells: view.cells.iter().map(|c| Cell::new(&c.take)).collect(), ..Group::default() });
        group.image.clone_from(&work.image);
        *held += GROUP + group.image.capacity() + group.cells.iter().map(|cell| size_of::<Cell>() + cell.held()).sum::<usize>();
        work.add(group)
    }

    /// Appends all groups to delta and forgets them.
    fn write(&mut self) {
        let mut groups = std::mem::take(&mut self.work.groups);
        // For what is made of one group, unless there is but one.
        let row = (groups.len() > 1).then(Arena::new);
        for mut group in groups.drain(..) {
            if group.rows != 0 || group.doubt || !group.cells.iter().all(Cell::is_empty) {
                let Batch { view, work, appender, .. } = self;
                let arena = row.as_ref().unwrap_or(&self.arena);
                arena.within(|| write_group(&group, view, work, arena, appender));
                self.written += 1;
                if let Some(row) = &row {
                    row.reset();
                }
            }
            if self.work.spare.len() < FEW {
                group.clear();
                self.work.spare.push(group);
            }
        }
        self.work.groups = groups;
        self.work.index.clear();
        self.held = 0;
        self.arena.reset();
    }
}

/// Appends a group to delta; what that takes is made in the arena, which is the current memory context.
fn write_group(group: &Group, view: &Compiled, work: &mut Workspace, arena: &Arena, appender: &mut Appender) {
    let Workspace { keys, scratch, values, nulls, .. } = work;
    keys.clear();
    keys.extend(value::keys_of_image(&view.keys, &group.image));
    let hash = canon::key_hash(&view.canons, keys, scratch);
    values.clear();
    nulls.clear();
    let mut push = |value: Option<Datum>| {
        values.push(value.unwrap_or(Datum::null()));
        nulls.push(value.is_none());
    };
    for own in [hash.into(), group.rows.into(), i16::from(group.doubt).into()] {
        push(Some(own));
    }
    keys.iter().for_each(|key| push(*key));
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
            Cell::Arg(ends) => {
                for best in ends.iter() {
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
}

impl Group {
    fn clear(&mut self) {
        self.image.clear();
        self.image.shrink_to(SMALL);
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
            let hash = self.hash(&self.image);
            self.index.find(hash, |(h, at)| *h == hash && self.groups[*at].image == self.image).map(|(_, at)| *at)
        }
    }

    fn hash(&self, image: &[u8]) -> u64 {
        self.hasher.hash_one(image)
    }

    fn add(&mut self, group: Group) -> usize {
        let at = self.groups.len();
        memory::reserve(&mut self.groups, 1).unwrap_or_else(|e| raise(e));
        self.groups.push(group);
        if at >= FEW {
            // The first time those before it, too.
            for i in if at == FEW { 0 } else { at }..=at {
                let hash = self.hash(&self.groups[i].image);
                if self.index.len() == self.index.capacity() {
                    memory::refusable(|| self.index.try_reserve(1, |(h, _)| *h)).unwrap_or_else(|e| raise(e));
                }
                self.index.insert_unique(hash, (hash, i), |(h, _)| *h);
            }
        }
        at
    }

    /// Lets go of what only a large statement needed.
    fn shrink(&mut self) {
        if self.index.capacity() > 0 {
            self.index = HashTable::new();
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
