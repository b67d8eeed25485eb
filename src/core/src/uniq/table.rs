//! The set of keys of a sparse state in memory: a hash table with linear probing. The keys are leading bits of a hash, so a
//! key's place is its own leading bits, and the table is all but sorted as it stands. Keys that someone chose to pile up are scattered.

/// The home of an empty slot: no key is 0, since the index 0 is rare and so has its lowest bit set.
const EMPTY: u32 = 0;
const FIRST_SLOTS: usize = 16;
/// Honest hashes never make a run of this length; made ones would make the table quadratic.
const LONGEST_RUN: usize = 1024;
const SCATTER: u32 = 0x9e37_79b1;

#[derive(Clone, Debug)]
pub struct Table {
    /// A power of two of slots, or none.
    slots: Vec<u32>,
    len: usize,
    /// The most keys before the table grows.
    room: usize,
    /// A key's home is the bits above `shift` of the key times `factor`, which is 1 or SCATTER.
    shift: u32,
    factor: u32,
    /// The longest run of slots to be searched.
    longest: usize,
}

impl Default for Table {
    fn default() -> Self {
        Self { slots: Vec::new(), len: 0, room: 0, shift: 0, factor: 1, longest: LONGEST_RUN }
    }
}

impl Table {
    pub fn with_capacity(keys: usize) -> Self {
        let mut table = Self::default();
        table.reserve(keys);
        table
    }

    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn heap_size(&self) -> usize {
        self.slots.capacity() * size_of::<u32>()
    }

    /// Makes room for `more` keys at once: a sorted run put into a table that grows on the way would pile up at its end.
    pub fn reserve(&mut self, more: usize) {
        let keys = self.len + more;
        if keys > self.room {
            self.resize((keys * 16 / 9 + 1).next_power_of_two().max(FIRST_SLOTS));
        }
    }

    /// Adds a key, or raises the rho of the one that has its index; says how many indexes there are then.
    #[inline]
    pub fn insert(&mut self, key: u32) -> usize {
        if self.len >= self.room {
            self.grow();
        }
        let is_new = match self.place(key) {
            Some(is_new) => is_new,
            None => self.scatter(key),
        };
        self.len += is_new as usize;
        self.len
    }

    /// None if the key's home lies in too long a run.
    #[inline]
    fn place(&mut self, key: u32) -> Option<bool> {
        let slots = self.slots.as_mut_slice();
        let mask = slots.len().wrapping_sub(1);
        let home = (key.wrapping_mul(self.factor) >> self.shift) as usize;
        for at in home..home.saturating_add(self.longest) {
            let slot = &mut slots[at & mask];
            if *slot == EMPTY {
                *slot = key;
                return Some(true);
            }
            if *slot ^ key < 0x80 {
                *slot = (*slot).max(key);
                return Some(false);
            }
        }
        None
    }

    /// Gives all keys new homes, then `key`. Who made the keys for these homes too pays with the square of at most 2^16 steps.
    #[cold]
    fn scatter(&mut self, key: u32) -> bool {
        (self.factor, self.longest) = (SCATTER, usize::MAX);
        self.resize(self.slots.len());
        self.place(key) == Some(true)
    }

    #[cold]
    fn grow(&mut self) {
        self.resize((self.slots.len() * 2).max(FIRST_SLOTS));
    }

    fn resize(&mut self, slots: usize) {
        let keys = self.keys();
        self.slots = vec![EMPTY; slots];
        self.shift = 32 - slots.trailing_zeros();
        self.room = slots / 16 * 9;
        for key in keys {
            if self.place(key).is_none() {
                self.scatter(key);
            }
        }
    }

    /// The keys in no particular order: as they stand. Which slots are empty has no pattern: every slot is written, and only a key steps on.
    pub fn keys(&self) -> Vec<u32> {
        let mut keys = vec![EMPTY; self.len + 1];
        let mut at = 0;
        for key in &self.slots {
            if let Some(place) = keys.get_mut(at) {
                *place = *key;
            }
            at += (*key != EMPTY) as usize;
        }
        keys.truncate(at);
        keys
    }

    pub fn sorted(&self) -> Vec<u32> {
        let mut keys = self.keys();
        if self.factor != 1 {
            keys.sort_unstable();
            return keys;
        }
        // Keys of the last slots may have been pushed over the end to the first ones.
        let first_run = self.slots.iter().position(|key| *key == EMPTY).unwrap_or(0);
        let pushed = keys[..first_run].iter().filter(|key| **key >> 31 == 1).count();
        if pushed > 0 {
            keys[..first_run].sort_unstable();
            keys[first_run - pushed..].rotate_left(pushed);
        }
        sort_nearly_sorted(&mut keys);
        keys
    }
}

/// Sorts keys in any order: two passes of eight bits settle the leading sixteen, and honest hashes have little left to move then.
/// Unlike comparisons, the passes never mispredict.
pub fn sort_keys(keys: &mut [u32]) {
    if keys.len() < 64 {
        return keys.sort_unstable();
    }
    let mut other = vec![0; keys.len()];
    scatter_by_byte(keys, &mut other, 16);
    scatter_by_byte(&other, keys, 24);
    sort_nearly_sorted(keys);
}

fn scatter_by_byte(from: &[u32], to: &mut [u32], shift: u32) {
    let mut places = [0u32; 256];
    for key in from {
        places[(key >> shift) as u8 as usize] += 1;
    }
    let mut next = 0;
    for place in &mut places {
        (*place, next) = (next, next + *place);
    }
    for key in from {
        let place = &mut places[(key >> shift) as u8 as usize];
        if let Some(slot) = to.get_mut(*place as usize) {
            *slot = *key;
        }
        *place += 1;
    }
}

/// Insertion sort, given up for the general one if keys have to move far: honest hashes never do, chosen ones may.
fn sort_nearly_sorted(keys: &mut [u32]) {
    let mut moves = 0;
    for at in 1..keys.len() {
        let key = keys[at];
        let mut to = at;
        while to > 0 && keys[to - 1] > key {
            keys[to] = keys[to - 1];
            to -= 1;
        }
        keys[to] = key;
        moves += at - to;
        if moves > 16 * keys.len() {
            return keys.sort_unstable();
        }
    }
}
