//! The keys of a sparse state in memory: a plain list of what came while that is little, then a table.
//!
//! Most groups are small, and appending is several times cheaper than looking up; so the list may hold an index twice.

use super::table::Table;

/// The least limit of a sparse state is above this, so that a list never is too long for one.
const LIST: usize = 128;

#[derive(Clone, Debug)]
pub enum Keys {
    List(Vec<u32>),
    Table(Table),
}

impl Default for Keys {
    fn default() -> Self {
        Self::List(Vec::new())
    }
}

impl Keys {
    pub fn with_capacity(keys: usize) -> Self {
        let mut set = Self::default();
        set.reserve(keys);
        set
    }

    /// Adds a key; says how many indexes there are if that can be too many.
    #[inline]
    pub fn insert(&mut self, key: u32) -> usize {
        match self {
            Self::List(list) if list.len() < LIST => {
                if list.len() == list.capacity() {
                    grow(list);
                }
                list.push(key);
                0
            }
            Self::List(_) => self.make_table(1).insert(key),
            Self::Table(table) => table.insert(key),
        }
    }

    #[cold]
    fn make_table(&mut self, more: usize) -> &mut Table {
        if let Self::List(_) = self {
            let keys = self.sorted();
            // If all of the list were different, there will be more, and to grow is to move all.
            let more = if keys.len() > LIST / 2 { more.max(LIST * 3) } else { more };
            let mut table = Table::with_capacity(keys.len() + more);
            for key in keys {
                table.insert(key);
            }
            *self = Self::Table(table);
        }
        match self {
            Self::Table(table) => table,
            Self::List(_) => unreachable!("the list has just become a table"),
        }
    }

    /// Makes room for `more` keys at once.
    pub fn reserve(&mut self, more: usize) {
        match self {
            Self::List(list) if list.len() + more <= LIST => list.reserve_exact(more),
            Self::List(_) => self.make_table(more).reserve(more),
            Self::Table(table) => table.reserve(more),
        }
    }

    pub fn is_empty(&self) -> bool {
        match self {
            Self::List(list) => list.is_empty(),
            Self::Table(table) => table.len() == 0,
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
            Self::Table(table) => table.keys().for_each(each),
        }
    }

    /// The keys in order, each index once with the greatest rho.
    pub fn sorted(&self) -> Vec<u32> {
        match self {
            Self::List(list) => {
                let mut keys = list.clone();
                // Descending, so that of an index the greatest rho is the first, which is the one that dedup keeps.
                keys.sort_unstable_by(|a, b| b.cmp(a));
                keys.dedup_by_key(|key| *key >> 7);
                keys.reverse();
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

#[cold]
fn grow(list: &mut Vec<u32>) {
    let capacity = (list.len() * 4).clamp(8, LIST);
    list.reserve_exact(capacity - list.len());
}
