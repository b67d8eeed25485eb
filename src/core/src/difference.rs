//! Which rows of a bag are not in another: the rows of the one are known by a hash of their bytes and by where they are.
//!
//! The hash has 128 bits and is seeded anew for each comparison. Two different rows that share one would have to be met by chance: with a
//! billion rows that is less likely than 1 in 10^20, and the next comparison, with another seed, would put it right.

use crate::error::Error;
use crate::memory::{refusable, reserve};
use hashbrown::HashTable;

/// Where a row is: less than 2^63.
pub type Place = u64;

/// Says that the rest of a place is a position in `more`.
const MANY: u64 = 1 << 63;
const NONE: u32 = u32::MAX;

/// As far ahead of the last row that was met a row is looked for.
const AHEAD: usize = 32;
/// The place of a row that has been taken.
const TAKEN: u64 = u64::MAX;

/// Rows in the order in which they are met again, but for some: then no hash table is needed, and memory is read from one end to the other.
#[derive(Default)]
pub struct Sequence {
    rows: Vec<([u64; 2], Place)>,
    next: usize,
}

impl Sequence {
    pub fn add(&mut self, image: u128, place: Place) -> Result<(), Error> {
        reserve(&mut self.rows, 1)?;
        self.rows.push((halves(image), place));
        Ok(())
    }

    /// Takes a row of this image away that is not far ahead; false if there is none, or it is elsewhere.
    pub fn take(&mut self, image: u128) -> bool {
        let image = halves(image);
        let near = self.rows.get_mut(self.next..).unwrap_or_default().iter_mut().take(AHEAD);
        for (ahead, (other, place)) in near.enumerate() {
            if *other == image {
                *place = TAKEN;
                self.next += ahead + 1;
                return true;
            }
        }
        false
    }

    /// The rows that are left.
    pub fn rest(self) -> impl Iterator<Item = (u128, Place)> {
        self.rows.into_iter().filter(|(_, place)| *place != TAKEN).map(|(image, place)| (whole(image), place))
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Bytes in memory once another row has been added.
    pub fn next_size(&self) -> usize {
        let capacity = self.rows.capacity();
        (if self.rows.len() == capacity { 2 * capacity } else { capacity }) * size_of::<([u64; 2], Place)>()
    }
}

struct Entry {
    image: [u64; 2],
    /// The place of the only row of this image, or the list of all.
    place: u64,
}

/// Rows by their images. Rows that are alike are in one list, however many they are.
#[derive(Default)]
pub struct Bag {
    entries: HashTable<Entry>,
    /// Lists of places: a place and the position of the next, or `NONE`.
    more: Vec<(Place, u32)>,
}

fn halves(image: u128) -> [u64; 2] {
    [image as u64, (image >> 64) as u64]
}

fn whole(image: [u64; 2]) -> u128 {
    u128::from(image[0]) | u128::from(image[1]) << 64
}

impl Bag {
    pub fn add(&mut self, image: u128, place: Place) -> Result<(), Error> {
        debug_assert!(place < MANY);
        let image = halves(image);
        if let Some(entry) = self.entries.find_mut(image[0], |e| e.image == image) {
            if entry.place & MANY == 0 {
                entry.place = MANY | u64::from(push(&mut self.more, entry.place, NONE)?);
            }
            entry.place = MANY | u64::from(push(&mut self.more, place, (entry.place & !MANY) as u32)?);
            return Ok(());
        }
        refusable(|| self.entries.try_reserve(1, |e| e.image[0]))?;
        self.entries.insert_unique(image[0], Entry { image, place }, |e| e.image[0]);
        Ok(())
    }

    /// Takes one row of this image away; false if there is none.
    pub fn take(&mut self, image: u128) -> bool {
        let image = halves(image);
        let Ok(mut found) = self.entries.find_entry(image[0], |e| e.image == image) else { return false };
        let entry = found.get_mut();
        if entry.place & MANY != 0 {
            let (_, next) = self.more[(entry.place & !MANY) as usize];
            if next != NONE {
                entry.place = MANY | u64::from(next);
                return true;
            }
        }
        found.remove();
        true
    }

    /// The places of the rows that are left.
    pub fn places(&self) -> impl Iterator<Item = Place> + '_ {
        self.entries.iter().flat_map(|e| self.places_of(e))
    }

    fn places_of<'a>(&'a self, entry: &Entry) -> impl Iterator<Item = Place> + use<'a> {
        let mut next = if entry.place & MANY == 0 { NONE } else { (entry.place & !MANY) as u32 };
        let mut one = (entry.place & MANY == 0).then_some(entry.place);
        std::iter::from_fn(move || {
            if let Some(place) = one.take() {
                return Some(place);
            }
            if next == NONE {
                return None;
            }
            let (place, following) = self.more[next as usize];
            next = following;
            Some(place)
        })
    }

    /// Takes all rows away whose images are not `wanted`, and shows them.
    pub fn evict(&mut self, wanted: impl Fn(u128) -> bool, mut show: impl FnMut(u128, Place)) {
        let image = |e: &Entry| whole(e.image);
        for entry in self.entries.iter().filter(|e| !wanted(image(e))) {
            self.places_of(entry).for_each(|place| show(image(entry), place));
        }
        self.entries.retain(|e| wanted(image(e)));
        self.entries.shrink_to_fit(|e| e.image[0]);
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes in memory once another row has been added.
    pub fn next_size(&self) -> usize {
        let full = |len: usize, capacity: usize| if len == capacity { 2 } else { 1 };
        self.entries.allocation_size() * full(self.entries.len(), self.entries.capacity())
            + self.more.capacity() * full(self.more.len(), self.more.capacity()) * size_of::<(Place, u32)>()
    }
}

fn push(more: &mut Vec<(Place, u32)>, place: Place, next: u32) -> Result<u32, Error> {
    let position = u32::try_from(more.len()).ok().filter(|p| *p != NONE).ok_or_else(|| Error::too_large("too many rows are alike"))?;
    reserve(more, 1)?;
    more.push((place, next));
    Ok(position)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn places(bag: &Bag) -> Vec<Place> {
        let mut places: Vec<Place> = bag.places().collect();
        places.sort_unstable();
        places
    }

    #[test]
    fn rows_that_are_alike_are_counted() {
        let mut bag = Bag::default();
        (0..100_000).for_each(|i| bag.add(7, i).unwrap());
        bag.add(8, 100_000).unwrap();
        (0..99_999).for_each(|_| assert!(bag.take(7)));
        assert_eq!(bag.places().count(), 2);
        assert!(bag.take(7) && !bag.take(7) && !bag.take(9));
        assert_eq!(places(&bag), [100_000]);
    }

    #[test]
    fn images_that_differ_in_either_half_differ() {
        let mut bag = Bag::default();
        bag.add(1, 1).unwrap();
        assert!(!bag.take(1 | 1 << 64) && !bag.take(1 << 64) && bag.take(1) && bag.is_empty());
    }

    proptest! {
        /// What a sequence says it has taken is gone from it, once, and nothing else; in order nothing is missed.
        #[test]
        fn it_is_a_sequence(added in proptest::collection::vec(0u128..50, 0..200), taken in proptest::collection::vec(0u128..60, 0..200)) {
            let mut sequence = Sequence::default();
            added.iter().enumerate().for_each(|(place, image)| sequence.add(*image, place as u64).unwrap());
            let mut left: BTreeMap<u128, i64> = BTreeMap::new();
            added.iter().for_each(|image| *left.entry(*image).or_default() += 1);
            for image in &taken {
                if sequence.take(*image) {
                    *left.entry(*image).or_default() -= 1;
                }
            }
            left.retain(|_, n| *n != 0);
            let mut counted: BTreeMap<u128, i64> = BTreeMap::new();
            for (image, place) in sequence.rest() {
                prop_assert_eq!(added[place as usize], image);
                *counted.entry(image).or_default() += 1;
            }
            prop_assert_eq!(counted, left);
        }

        #[test]
        fn in_order_all_are_met(added in proptest::collection::vec(any::<u128>(), 0..300), changed in proptest::collection::btree_set(0usize..300, 0..20)) {
            let mut sequence = Sequence::default();
            added.iter().enumerate().for_each(|(place, image)| sequence.add(*image, place as u64).unwrap());
            let same = |i: &usize| !changed.contains(i);
            prop_assert!((0..added.len()).filter(same).all(|i| sequence.take(added[i])));
            prop_assert_eq!(sequence.rest().count(), changed.iter().filter(|i| **i < added.len()).count());
        }

        /// Against counting: what is left of each image is what was added less what was taken, and its places are some of those that were given.
        #[test]
        fn it_is_a_bag(added in proptest::collection::vec(0u128..20, 0..200), taken in proptest::collection::vec(0u128..25, 0..200), keep in 0u128..20) {
            let spread = |i: u128| i.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
            let mut bag = Bag::default();
            let mut left: BTreeMap<u128, i64> = BTreeMap::new();
            for (place, image) in added.iter().enumerate() {
                bag.add(spread(*image), place as u64).unwrap();
                *left.entry(*image).or_default() += 1;
            }
            for image in &taken {
                let some = left.get(image).is_some_and(|n| *n > 0);
                prop_assert_eq!(bag.take(spread(*image)), some);
                if some {
                    *left.entry(*image).or_default() -= 1;
                }
            }
            let mut evicted = vec![];
            bag.evict(|i| i == spread(keep), |i, place| evicted.push((i, place)));
            let mut counted: BTreeMap<u128, i64> = BTreeMap::new();
            for (image, place) in &evicted {
                prop_assert_eq!(spread(added[*place as usize]), *image);
                *counted.entry(added[*place as usize]).or_default() += 1;
            }
            for place in bag.places() {
                prop_assert_eq!(added[place as usize], keep);
                *counted.entry(keep).or_default() += 1;
            }
            left.retain(|_, n| *n > 0);
            prop_assert_eq!(counted, left);
            let mut all: Vec<u64> = evicted.iter().map(|(_, p)| *p).chain(bag.places()).collect();
            let n = all.len();
            all.sort_unstable();
            all.dedup();
            prop_assert_eq!(all.len(), n);
        }
    }
}
