//! The keys of a sparse state in memory: a plain list of what came while that is little, then a table.
//!
//! Most groups are small, and appending is several times cheaper than looking up; so the list may hold an index twice. A
//! list of keys that are all but distinct may grow as long as a state may be; one that repeats itself becomes a table.

use super::repeats::remove_repeats;
use super::table::{Table, sort_keys};
use crate::error::Error;

/// A list from this length on has to show that its keys are distinct before it grows.
const SHORT: usize = 128;

#[derive(Clone, Debug)]
pub enum Keys {
    /// Its capacity is the state's limit at most, so that it is looked at before it can be too long.
    List(Vec<u32>),
    Table(Table),
}

impl Default for Keys {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl Keys {
    /// Adds a key if that is all there is to do: to a list that has room.
    #[inline]
    pub fn append(&mut self, key: u32) -> bool {
        match self {
            Self::List(list) if list.len() < list.capacity() => {
                list.push(key);
                true
            }
            _ => false,
        }
    }

    /// Adds a key; says how many indexes there are if that can be more than `limit`.
    #[inline]
    pub fn insert(&mut self, key: u32, limit: usize) -> usize {
        if self.append(key) {
            return 0;
        }
        match self {
            Self::List(_) => self.insert_full(key, limit),
            Self::Table(table) => table.insert(key),
        }
    }

    #[cold]
    fn insert_full(&mut self, key: u32, limit: usize) -> usize {
        if let Self::List(list) = self
            && list.len() == limit
        {
            let n = remove_repeats(list);
            if n == limit && !list.iter().any(|known| known ^ key < 0x80) {
                list.push(key);
                return list.len();
            }
            return self.make_table(n + 1).insert(key);
        }
        self.reserve(1, limit);
        self.insert(key, limit)
    }

    #[cold]
    fn make_table(&mut self, capacity: usize) -> &mut Table {
        if let Self::List(list) = self {
            let mut table = Table::with_capacity(capacity);
            for key in list {
                table.insert(*key);
            }
            *self = Self::Table(table);
        }
        match self {
            Self::Table(table) => table,
            Self::List(_) => unreachable!("the list has just become a table"),
        }
    }

    /// Adds the keys, about `more`, that `read` appends to a list; says how many indexes there are if that can be more than `limit`. After
    /// an error the keys are those that were there before.
    pub fn extend(&mut self, more: usize, limit: usize, read: impl FnOnce(&mut Vec<u32>) -> Result<(), Error>) -> Result<usize, Error> {
        self.reserve(more, limit);
        match self {
            Self::List(list) => {
                let before = list.len();
                let done = read(list);
                if done.is_err() {
                    list.truncate(before);
                }
                let all = list.len();
                let n = if all > limit { remove_repeats(list) } else { all };
                list.shrink_to(limit);
                // A list that is filled up with repeats again and again would be looked through again and again.
                let n = if n < list.len() || n < all && n <= limit { self.make_table(n).len() } else { n };
                done.map(|()| n)
            }
            Self::Table(table) => {
                let mut keys = Vec::with_capacity(more);
                read(&mut keys)?;
                keys.into_iter().for_each(|key| _ = table.insert(key));
                Ok(table.len())
            }
        }
    }

    /// Makes room for `more` keys at once, as far as a list may be that long.
    pub fn reserve(&mut self, more: usize, limit: usize) {
        let list = match self {
            Self::List(list) if list.len() + more > list.capacity() && list.capacity() < limit => list,
            Self::List(_) => return,
            Self::Table(table) => return table.reserve(more),
        };
        let all = list.len();
        if all >= SHORT {
            let n = remove_repeats(list);
            if n * 8 < all * 7 {
                self.make_table(n + more);
                return;
            }
        }
        let next = all * if all < SHORT { 4 } else { 8 };
        let capacity = (list.len() + more).next_power_of_two().max(next).clamp(8, limit);
        list.reserve_exact(capacity - list.len());
    }

    pub fn is_empty(&self) -> bool {
        match self {
            Self::List(list) => list.is_empty(),
            Self::Table(table) => table.len() == 0,
        }
    }

    /// How many keys there are, counting those twice that a list has twice.
    pub fn len(&self) -> usize {
        match self {
            Self::List(list) => list.len(),
            Self::Table(table) => table.len(),
        }
    }

    /// How many indexes there are.
    pub fn count(&self) -> usize {
        match self {
            Self::List(_) => self.sorted().len(),
            Self::Table(table) => table.len(),
        }
    }

    /// The keys in no particular order; an index may come more than once.
    pub fn for_each(&self, each: impl FnMut(u32)) {
        match self {
            Self::List(list) => list.iter().copied().for_each(each),
            Self::Table(table) => table.keys().into_iter().for_each(each),
        }
    }

    /// The keys in order, each index once with the greatest rho.
    pub fn sorted(&self) -> Vec<u32> {
        match self {
            Self::List(list) => {
                let mut keys = list.clone();
                distinct(&mut keys);
                keys
            }
            Self::Table(table) => table.sorted(),
        }
    }

    pub fn heap_size(&self) -> usize {
        match self {
            Self::List(list) => list.capacity() * size_of::<u32>(),
            Self::Table(table) => table.heap_size(),
        }
    }
}

/// Sorts, and keeps of each index the greatest rho.
pub fn distinct(keys: &mut Vec<u32>) {
    sort_keys(keys);
    let Some(mut last) = keys.first().copied() else {
        return;
    };
    let mut at = 0;
    for next in 1..keys.len() {
        let key = keys[next];
        // Of one index the later key has the greater rho, and is written over the one before.
        at += (last ^ key >= 0x80) as usize;
        keys[at] = key;
        last = key;
    }
    keys.truncate(at + 1);
}
