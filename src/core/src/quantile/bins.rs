//! Counts per bin. A short sorted list while there are few bins, then pages of counts.
//!
//! At most [`LIMIT`] bins are told apart: of more, those nearest zero are folded into it. Which ones those are depends on the multiset
//! of values only: a bin that has [`LIMIT`] bins above it in the order (distance from zero, negative before positive) has them in every larger
//! multiset too. So it does not matter when it is folded, and in memory that is done late, for many bins at once.

/// The most bins of a stored state.
pub const LIMIT: usize = 2048;

/// The most pages in memory, before the bins that are too many are folded. Each page has a bin.
const LATE: usize = 2 * LIMIT;

/// The most bins of a list.
const SHORT: usize = 24;

const PAGE: usize = 16;

#[derive(Clone, Debug)]
pub enum Bins {
    /// Ascending.
    List(Vec<(i32, u64)>),
    Pages(Pages),
}

#[derive(Clone, Debug)]
pub struct Pages {
    /// The page that `index` begins with.
    first: i32,
    /// Where each page's counts are, in pages from 1; 0: nowhere.
    index: Vec<u16>,
    counts: Vec<u64>,
}

/// The pages of a state as they are, for many additions to bins that are there: nothing in it moves.
pub struct Open<'a> {
    first: i32,
    index: &'a [u16],
    counts: &'a mut [u64],
}

impl Open<'_> {
    /// Where the bin is counted, if its page is there.
    #[inline]
    pub fn slot(&mut self, bin: i32) -> Option<&mut u64> {
        self.counts.get_mut(self.place(bin))
    }

    /// Where among the counts the bin's is; behind all of them if its page is not there.
    #[inline]
    fn place(&self, bin: i32) -> usize {
        let page = self.index.get(((bin >> 4) - self.first) as usize).map_or(0, |page| *page as usize);
        page.wrapping_sub(1).wrapping_mul(PAGE) + (bin as usize & (PAGE - 1))
    }

    /// Adds to eight bins, which ascend from `last + places[0]` to `last + places[7]`. To none if they are not near each other and counted in a row: the pages
    /// that the first of many merged states has made are.
    #[inline]
    pub fn add_eight(&mut self, last: i32, places: [u8; 8], counts: [u8; 8]) -> bool {
        let [first, .., end] = places;
        let start = self.place(last + first as i32);
        let span = (end - first) as usize;
        if span >= PAGE || self.place(last + end as i32) != start.wrapping_add(span) {
            return false;
        }
        let Some(row) = self.counts.get_mut(start..).and_then(|row| row.first_chunk_mut::<PAGE>()) else { return false };
        for (place, count) in places.into_iter().zip(counts) {
            row[(place - first) as usize & (PAGE - 1)] += count as u64;
        }
        true
    }
}

/// Distance from zero, the negative of two first.
pub fn from_zero(bin: i32) -> u32 {
    bin.unsigned_abs() << 1 | u32::from(bin > 0)
}

impl Default for Bins {
    fn default() -> Self {
        Bins::List(Vec::new())
    }
}

impl Bins {
    /// Gives what had to be folded into zero, which is nothing nearly always.
    #[inline]
    pub fn add(&mut self, bin: i32, count: u64) -> u64 {
        if let Bins::Pages(pages) = self
            && let Some(slot) = pages.open().slot(bin)
        {
            *slot += count;
            return 0;
        }
        self.add_new(bin, count)
    }

    /// Makes room for about `more` bins from this one on.
    pub fn reserve(&mut self, first: i32, more: usize) {
        match self {
            Bins::List(list) if list.len() + more <= SHORT => list.reserve_exact(more),
            Bins::List(list) if more > 2 * SHORT => {
                if list.is_empty() {
                    list.push((first, 0));
                }
                let mut pages = Pages::of(list);
                pages.counts.reserve(more / PAGE * PAGE);
                *self = Bins::Pages(pages);
            }
            _ => {}
        }
    }

    /// None of a list.
    #[inline]
    pub fn open(&mut self) -> Option<Open<'_>> {
        match self {
            Bins::List(_) => None,
            Bins::Pages(pages) => Some(pages.open()),
        }
    }

    fn add_new(&mut self, bin: i32, count: u64) -> u64 {
        match self {
            Bins::List(_) => self.add_to_list(bin, count),
            Bins::Pages(pages) => {
                pages.add(bin, count);
                if pages.counts.len() > LATE * PAGE {
                    return self.fold();
                }
            }
        }
        0
    }

    fn add_to_list(&mut self, bin: i32, count: u64) {
        let Bins::List(list) = self else { return };
        if list.len() < SHORT && list.last().is_none_or(|last| last.0 < bin) {
            return list.push((bin, count));
        }
        match list.binary_search_by_key(&bin, |entry| entry.0) {
            Ok(at) => list[at].1 += count,
            Err(at) if list.len() < SHORT => list.insert(at, (bin, count)),
            Err(_) => {
                let mut pages = Pages::of(list);
                pages.add(bin, count);
                *self = Bins::Pages(pages);
            }
        }
    }

    #[cold]
    fn fold(&mut self) -> u64 {
        let (list, folded) = self.settled();
        *self = Bins::Pages(Pages::of(&list));
        folded
    }

    /// The bins that count, ascending, and what the others hold together.
    pub fn settled(&self) -> (Vec<(i32, u64)>, u64) {
        let mut list = match self {
            Bins::List(list) => list.clone(),
            Bins::Pages(pages) => pages.list(),
        };
        let too_many = list.len().saturating_sub(LIMIT);
        if too_many == 0 {
            return (list, 0);
        }
        // Those nearest zero stand together.
        let mut end = list.partition_point(|entry| entry.0 < 0);
        let mut start = end;
        while end - start < too_many {
            let below = start.checked_sub(1).map_or(u32::MAX, |at| from_zero(list[at].0));
            let above = list.get(end).map_or(u32::MAX, |entry| from_zero(entry.0));
            if below < above { start -= 1 } else { end += 1 }
        }
        let folded = list.drain(start..end).map(|entry| entry.1).sum();
        (list, folded)
    }

    pub fn for_each(&self, mut each: impl FnMut(i32, u64)) {
        match self {
            Bins::List(list) => list.iter().for_each(|entry| each(entry.0, entry.1)),
            Bins::Pages(pages) => pages.for_each(each),
        }
    }

    pub fn heap_size(&self) -> usize {
        match self {
            Bins::List(list) => list.capacity() * size_of::<(i32, u64)>(),
            Bins::Pages(pages) => pages.index.capacity() * 2 + pages.counts.capacity() * 8,
        }
    }
}

impl Pages {
    fn of(list: &[(i32, u64)]) -> Self {
        let mut pages = Pages { first: 0, index: Vec::new(), counts: Vec::new() };
        if let (Some(first), Some(last)) = (list.first(), list.last()) {
            pages.first = first.0 >> 4;
            pages.index = vec![0; ((last.0 >> 4) - pages.first) as usize + 1];
        }
        list.iter().for_each(|entry| pages.add(entry.0, entry.1));
        pages
    }

    #[inline]
    fn open(&mut self) -> Open<'_> {
        Open { first: self.first, index: &self.index, counts: &mut self.counts }
    }

    fn add(&mut self, bin: i32, count: u64) {
        if self.open().slot(bin).is_none() {
            self.make(bin >> 4);
        }
        if let Some(slot) = self.open().slot(bin) {
            *slot += count;
        }
    }

    #[cold]
    fn make(&mut self, page: i32) {
        // A few more than asked for: what comes next is likely near.
        const SPARE: usize = 4;
        if page < self.first {
            let more = (self.first - page) as usize + SPARE;
            self.index.splice(0..0, std::iter::repeat_n(0, more));
            self.first -= more as i32;
        }
        let slot = (page - self.first) as usize;
        if slot >= self.index.len() {
            self.index.resize(slot + 1 + SPARE, 0);
        }
        self.counts.resize(self.counts.len() + PAGE, 0);
        self.index[slot] = (self.counts.len() / PAGE) as u16;
    }

    fn for_each(&self, mut each: impl FnMut(i32, u64)) {
        for (page, &at) in (self.first..).zip(&self.index).filter(|(_, at)| **at > 0) {
            let counts = &self.counts[(at as usize - 1) * PAGE..at as usize * PAGE];
            for (bin, &count) in (page * PAGE as i32..).zip(counts).filter(|(_, count)| **count > 0) {
                each(bin, count);
            }
        }
    }

    fn list(&self) -> Vec<(i32, u64)> {
        let mut list = Vec::with_capacity(self.counts.len() / 2);
        self.for_each(|bin, count| list.push((bin, count)));
        list
    }
}
