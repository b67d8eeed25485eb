//! Finds the indexes that a list of keys has more than once, without sorting it: a key leaves a mark at its leading bits, and only those that
//! find one there have to be compared.

use super::keys::distinct;

/// Marks per key: so few keys of an honest hash find a mark that comparing them costs next to nothing.
const MARKS: usize = 16;

/// Keeps of each index the key with the greatest rho, in no particular order; says how many indexes there are. If that is so few that the keys
/// belong into a table, or someone chose them to look so, they are left as they are: then it is an estimate, and less than the keys.
pub fn remove_repeats(keys: &mut Vec<u32>) -> usize {
    let mut marks = Marks::new(keys.len());
    // Which keys find a mark has no pattern: each is put down, and only those that do step on.
    let most = keys.len() / 8;
    let mut seen = vec![0; most];
    let mut n = 0;
    for key in keys.iter() {
        put(&mut seen, n, *key);
        n += marks.set(*key) as usize;
    }
    if n == 0 || n > most {
        return keys.len() - n;
    }
    // Those that found a mark, and whose mark it was: at most one for each.
    marks.clear();
    seen[..n].iter().for_each(|key| _ = marks.set(*key));
    let mut marked = vec![0; n * 2];
    let (mut others, mut n) = (0, 0);
    for at in 0..keys.len() {
        let key = keys[at];
        let is_marked = marks.get(key);
        keys[others] = key;
        put(&mut marked, n, key);
        others += !is_marked as usize;
        n += is_marked as usize;
    }
    marked.truncate(n);
    distinct(&mut marked);
    keys.truncate(others);
    keys.append(&mut marked);
    keys.len()
}

#[inline]
fn put(list: &mut [u32], at: usize, key: u32) {
    if let Some(place) = list.get_mut(at) {
        *place = key;
    }
}

struct Marks {
    words: Vec<u64>,
    /// A key's mark is the bits above `shift`.
    shift: u32,
}

impl Marks {
    fn new(keys: usize) -> Self {
        let bits = (keys * MARKS).next_power_of_two().clamp(64, 1 << 31);
        Self { words: vec![0; bits / 64], shift: 32 - bits.trailing_zeros() }
    }

    fn clear(&mut self) {
        self.words.fill(0);
    }

    /// Was it there already?
    #[inline]
    fn set(&mut self, key: u32) -> bool {
        let mark = key >> self.shift;
        let Some(word) = self.words.get_mut((mark / 64) as usize) else { return true };
        let was_set = *word >> (mark % 64) & 1 == 1;
        *word |= 1 << (mark % 64);
        was_set
    }

    #[inline]
    fn get(&self, key: u32) -> bool {
        let mark = key >> self.shift;
        self.words.get((mark / 64) as usize).is_some_and(|word| word >> (mark % 64) & 1 == 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_left_is_what_sorting_leaves(
            far in proptest::collection::vec(any::<u32>(), 0..2000),
            near in proptest::collection::vec(0u32..3000, 0..40),
            again in 0usize..300,
        ) {
            let mut keys: Vec<u32> = far.iter().chain(far.iter().take(again)).copied().collect();
            keys.extend(near.iter().flat_map(|key| [key << 5, key << 5 | 3]));
            let mut sorted = keys.clone();
            distinct(&mut sorted);
            let all = keys.clone();
            let n = remove_repeats(&mut keys);
            if n < keys.len() {
                prop_assert!(n < all.len() - all.len() / 8);
                prop_assert_eq!(keys, all);
            } else {
                keys.sort_unstable();
                prop_assert_eq!(keys, sorted);
            }
        }
    }
}
