//! Finds the indexes that a list of keys has more than once, without sorting it: a key leaves a mark at its leading bits, and only those that
//! find one there have to be compared.

use super::keys::distinct;

/// Marks per key: so few keys of an honest hash find a mark that comparing them costs next to nothing.
const MARKS: usize = 16;

/// Keeps of each index the key with the greatest rho; in no particular order.
pub fn remove_repeats(keys: &mut Vec<u32>) {
    let mut marks = Marks::new(keys.len());
    let mut seen = Vec::new();
    // With many that repeat, or that someone chose to look so, sorting all costs less.
    let most = keys.len() / 4;
    for key in keys.iter() {
        if marks.set(*key) {
            if seen.len() == most {
                return distinct(keys);
            }
            seen.push(*key);
        }
    }
    if seen.is_empty() {
        return;
    }
    // Those that found a mark, and whose mark it was.
    marks.clear();
    seen.drain(..).for_each(|key| _ = marks.set(key));
    keys.retain(|key| {
        let is_marked = marks.get(*key);
        if is_marked {
            seen.push(*key);
        }
        !is_marked
    });
    distinct(&mut seen);
    keys.append(&mut seen);
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
            remove_repeats(&mut keys);
            keys.sort_unstable();
            prop_assert_eq!(keys, sorted);
        }
    }
}
