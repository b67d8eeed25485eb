//! `top_k`: the most frequent values, by Filtered Space-Saving (Homem, Carvalho 2010), with a format of our own.
//!
//! A state follows `capacity` values with a counter each. A counter is never less than the true count, and exceeds it by at most its error. What is known of
//! all others is only an upper bound, for each cell of a filter that their hashes fall into. A value that is not followed raises its cell;
//! when the cell reaches the least counter, the value takes that counter's place, with the cell as its error.
//!
//! **The guarantee**, of a state of n values however it was made, by single values and by merging:
//! count - error <= true count <= count; error <= n / capacity; every value with a true count above n / capacity is followed.
//! Proof: call the bound of a value its counter, or its cell if it is not followed. The bounds of any `capacity` values add up to n at most: a row adds 1 to
//! one bound, except for values that share its cell, whose bounds stay below every counter, and which could therefore be exchanged for followed ones;
//! merging adds bounds, and a counter that is dropped into its cell is not above those kept. So a cell, which any number of values share, is n / capacity
//! at most, and errors are sums of cells of disjoint parts of the rows.
//!
//! While nothing has been dropped a state is exact, and its bytes depend on the multiset of values only. Beyond that they depend on the order of the rows and of merging.
//!
//! Values are told apart by the 64-bit hash of their canonical bytes, as `uniq` counts them, which is therefore kept beside each. It would be
//! wrong only if a frequent value had the hash of another one.

mod codec;
mod json;

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::error::Error;
use crate::state::{State, counts};

pub const MAX_K: u32 = 1000;

/// What a state keeps of a value: the value itself, or the JSON text that it has in the bytes of a state.
pub trait Value: Clone {
    fn json(&self) -> Cow<'_, str>;
    fn from_json(text: String) -> Self;
    /// The bytes that it holds outside its own struct.
    fn heap_size(&self) -> usize;
}

impl Value for Box<str> {
    fn json(&self) -> Cow<'_, str> {
        Cow::Borrowed(self)
    }
    fn from_json(text: String) -> Self {
        text.into()
    }
    fn heap_size(&self) -> usize {
        self.len()
    }
}

#[derive(Clone, Debug)]
pub struct TopK<V> {
    k: u32,
    counters: Vec<Counter<V>>,
    /// Where the value of a hash is counted.
    index: HashMap<u64, u32, BuildHasherDefault<AsIs>>,
    /// Positions of counters, the least counter first; made when the first value has to be dropped.
    heap: Vec<u32>,
    /// Upper bounds by the first bits of the hash; empty while nothing has been dropped.
    filter: Vec<u64>,
    /// What the values hold.
    held: usize,
}

#[derive(Clone, Debug)]
struct Counter<V> {
    hash: u64,
    count: u64,
    error: u64,
    /// In the heap.
    place: u32,
    value: V,
}

impl<V> Counter<V> {
    fn rank(&self) -> (u64, u64) {
        (self.count, self.hash)
    }
}

/// One of the most frequent values.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub json: String,
    /// Never less than the true count.
    pub count: u64,
    /// The most by which `count` exceeds it.
    pub error: u64,
}

/// The hash that a hash table makes of a hash.
#[derive(Clone, Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _: &[u8]) {}
    fn write_u64(&mut self, v: u64) {
        self.0 = v;
    }
}

/// How many values are followed for the k most frequent.
pub fn capacity(k: u32) -> usize {
    (k as usize * 3).max(30)
}

fn cells(k: u32) -> usize {
    (capacity(k) * 4).next_power_of_two()
}

/// The cell of a hash in a filter of this many.
fn cell(hash: u64, cells: usize) -> usize {
    (hash >> (64 - cells.trailing_zeros())) as usize
}

/// The error for a k that the user asked for.
pub fn check_k(k: i64) -> Result<u32, Error> {
    match u32::try_from(k) {
        Ok(k) if (1..=MAX_K).contains(&k) => Ok(k),
        _ => Err(Error::invalid(format!("number {k} of values of top_k is out of range"))
            .with_detail(format!("The number must be between 1 and {MAX_K}."))),
    }
}

impl<V: Value> TopK<V> {
    /// `k` outside 1..=1000 is brought to the nearer end; [`check_k`] tells the user.
    pub fn new(k: u32) -> Self {
        Self {
            k: k.clamp(1, MAX_K),
            counters: Vec::new(),
            index: HashMap::default(),
            heap: Vec::new(),
            filter: Vec::new(),
            held: 0,
        }
    }

    pub fn k(&self) -> u32 {
        self.k
    }

    /// Without values again, of the same k.
    pub fn clear(&mut self) {
        *self = Self::new(self.k);
    }

    /// Counts a value. `value` is called only if it was not followed and is now.
    #[inline]
    pub fn insert(&mut self, hash: u64, value: impl FnOnce() -> V) {
        if let Some(&at) = self.index.get(&hash) {
            self.counters[at as usize].count += 1;
            self.settle(at);
        } else if self.counters.len() < capacity(self.k) {
            self.follow(Counter { hash, count: 1, error: 0, place: 0, value: value() });
        } else {
            self.filter_or_replace(hash, value);
        }
    }

    fn follow(&mut self, counter: Counter<V>) {
        self.index.insert(counter.hash, self.counters.len() as u32);
        self.held += counter.value.heap_size();
        self.counters.push(counter);
    }

    fn filter_or_replace(&mut self, hash: u64, value: impl FnOnce() -> V) {
        let cells = cells(self.k);
        self.filter.resize(cells, 0);
        if self.heap.is_empty() {
            self.make_heap();
        }
        let bound = &mut self.filter[cell(hash, cells)];
        let at = self.heap[0];
        let least = &mut self.counters[at as usize];
        if *bound + 1 < least.count {
            *bound += 1;
            return;
        }
        let value = value();
        self.held += value.heap_size();
        self.held -= least.value.heap_size();
        let dropped = std::mem::replace(least, Counter { hash, count: *bound + 1, error: *bound, place: 0, value });
        let bound = &mut self.filter[cell(dropped.hash, cells)];
        *bound = dropped.count.max(*bound);
        self.index.remove(&dropped.hash);
        self.index.insert(hash, at);
        self.settle(at);
    }

    fn make_heap(&mut self) {
        let mut order: Vec<u32> = (0..self.counters.len() as u32).collect();
        order.sort_unstable_by_key(|at| self.counters[*at as usize].rank());
        for (place, at) in order.iter().enumerate() {
            self.counters[*at as usize].place = place as u32;
        }
        self.heap = order;
    }

    /// Moves a counter that has grown to its place in the heap, if there is one.
    #[inline]
    fn settle(&mut self, at: u32) {
        let rank = self.counters[at as usize].rank();
        let mut place = self.counters[at as usize].place as usize;
        loop {
            let left = 2 * place + 1;
            if left >= self.heap.len() {
                break;
            }
            let rank_of = |place: usize| self.heap.get(place).map(|at| self.counters[*at as usize].rank());
            let right = left + 1;
            let child = if rank_of(right).is_some_and(|r| Some(r) < rank_of(left)) { right } else { left };
            if rank_of(child) >= Some(rank) {
                break;
            }
            let moved = self.heap[child];
            self.heap[place] = moved;
            self.counters[moved as usize].place = place as u32;
            place = child;
        }
        if let Some(slot) = self.heap.get_mut(place) {
            *slot = at;
            self.counters[at as usize].place = place as u32;
        }
    }

    /// The upper bound of a value that is not followed, in a filter folded to `cells`.
    fn bound(&self, hash: u64, cells: usize) -> u64 {
        if self.filter.is_empty() {
            return 0;
        }
        // A cell of the smaller filter is this many of ours.
        let width = self.filter.len() / cells;
        let first = cell(hash, cells) * width;
        self.filter[first..first + width].iter().copied().max().unwrap_or(0)
    }

    fn merge_values(&mut self, other: &Self) -> Result<(), Error> {
        let k = self.k.min(other.k);
        let cells = cells(k);
        // Only what other follows and self does not.
        let mut others = Vec::new();
        for counter in other.counters.iter().filter(|counter| !self.index.contains_key(&counter.hash)) {
            let bound = self.bound(counter.hash, cells);
            others.push((counts_of(counter.count, bound)?, counter.error + bound, counter));
        }
        let filter = self.merged_filter(other, cells)?;
        for counter in &mut self.counters {
            let (count, error) = match other.index.get(&counter.hash) {
                Some(&at) => {
                    let same = &other.counters[at as usize];
                    // Equal values may have several texts (1.0 and 1.00): the least, so that merging commutes.
                    if same.value.json() < counter.value.json() {
                        counter.value = same.value.clone();
                    }
                    (same.count, same.error)
                }
                None => (other.bound(counter.hash, cells), other.bound(counter.hash, cells)),
            };
            counter.count = counts_of(counter.count, count)?;
            counter.error += error;
        }
        (self.k, self.filter) = (k, filter);
        self.heap.clear();
        // What is least is dropped, if there is too much.
        let rank = |(count, _, counter): &(u64, u64, &Counter<V>)| (*count, counter.hash);
        let mut ranks: Vec<(u64, u64)> = self.counters.iter().map(Counter::rank).chain(others.iter().map(rank)).collect();
        let too_many = ranks.len().saturating_sub(capacity(k));
        let least = if too_many > 0 { *ranks.select_nth_unstable(too_many).1 } else { (0, 0) };
        for &(count, hash) in ranks.iter().take(too_many) {
            self.filter.resize(cells, 0);
            let bound = &mut self.filter[cell(hash, cells)];
            *bound = count.max(*bound);
        }
        self.counters.retain(|counter| counter.rank() >= least);
        let kept = others.iter().filter(|entry| rank(entry) >= least);
        self.counters.extend(kept.map(|&(count, error, counter)| Counter { count, error, ..counter.clone() }));
        self.index.clear();
        self.index.extend(self.counters.iter().zip(0..).map(|(counter, at)| (counter.hash, at)));
        self.held = self.counters.iter().map(|counter| counter.value.heap_size()).sum();
        Ok(())
    }

    fn merged_filter(&self, other: &Self, cells: usize) -> Result<Vec<u64>, Error> {
        if self.filter.is_empty() && other.filter.is_empty() {
            return Ok(Vec::new());
        }
        let first_hash = |cell: usize| (cell as u64) << (64 - cells.trailing_zeros());
        (0..cells).map(first_hash).map(|hash| counts_of(self.bound(hash, cells), other.bound(hash, cells))).collect()
    }

    fn of(k: u32, counters: Vec<Counter<V>>, filter: Vec<u64>) -> Self {
        let mut state = Self::new(k);
        state.filter = filter;
        state.counters.reserve(counters.len());
        state.index.reserve(counters.len());
        counters.into_iter().for_each(|counter| state.follow(counter));
        state
    }

    /// The k most frequent values as far as is known: by count, the greatest first, then by value.
    pub fn top(&self) -> Vec<Entry> {
        // Equal counts may stand on both sides of the k-th place, so all values are compared.
        let mut entries: Vec<Entry> = self
            .counters
            .iter()
            .map(|c| Entry { json: c.value.json().into_owned(), count: c.count, error: c.error })
            .collect();
        entries.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| compare_json(&a.json, &b.json)));
        entries.truncate(self.k as usize);
        entries
    }

    /// [`TopK::top`] as JSON text.
    pub fn to_json(&self) -> String {
        let entry = |e: &Entry| format!(r#"{{"value":{},"count":{},"error":{}}}"#, e.json, e.count, e.error);
        format!("[{}]", self.top().iter().map(entry).collect::<Vec<_>>().join(","))
    }
}

fn counts_of(a: u64, b: u64) -> Result<u64, Error> {
    Ok(counts::merge(a as i64, b as i64)? as u64)
}

/// Strings, then numbers by their size, then all else, by their text: in one order whatever the texts are, for a state from elsewhere may have any.
fn compare_json(a: &str, b: &str) -> Ordering {
    let place = |text: &str| match text.parse::<f64>() {
        Ok(number) if !number.is_nan() => (1, number),
        _ => (if text.starts_with('"') { 0 } else { 2 }, 0.0),
    };
    place(a).partial_cmp(&place(b)).unwrap_or(Ordering::Equal).then_with(|| a.cmp(b))
}

impl<V: Value> PartialEq for TopK<V> {
    fn eq(&self, other: &Self) -> bool {
        let bytes = |state: &Self| {
            let mut out = Vec::new();
            state.encode(&mut out);
            out
        };
        bytes(self) == bytes(other)
    }
}

impl<V: Value> State for TopK<V> {
    fn empty() -> Self {
        Self::new(MAX_K)
    }

    fn is_empty(&self) -> bool {
        self.counters.is_empty()
    }

    /// Different k give the smaller; a state without values has no say in that.
    fn merge(&mut self, other: &Self) -> Result<(), Error> {
        if other.is_empty() {
            return Ok(());
        }
        if self.is_empty() {
            *self = other.clone();
            return Ok(());
        }
        self.merge_values(other)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        codec::encode(self, out);
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        codec::decode(bytes)
    }

    fn heap_size(&self) -> usize {
        let counters = self.counters.capacity() * size_of::<Counter<V>>() + self.index.capacity() * 16;
        counters + self.heap.capacity() * 4 + self.filter.capacity() * 8 + self.held
    }
}
