//! What a query gives now against the rows that a table has: which rows go, and which come.
//!
//! The table's rows are known by a hash of their bytes, in memory; the query's rows pass by and are kept only if the table lacks them. As a rule
//! they come in the order in which the table has them, so they are looked for there first, and in a hash table only when that fails often.
//! What does not fit into memory is dealt out to files by parts of the hash, and compared part by part, as a hash join does.

use crate::pg::error::raise;
use crate::pg::expr::Table;
use crate::pg::setting;
use crate::pg::store::{Images, Place, Store};
use crate::pg::stream::{self, Row};
use pg_tally_core::difference::{Bag, Sequence};

/// As many times the memory for one part can be compared without exceeding it.
const PARTS: usize = 64;
/// Kilobytes in memory of what is put aside for one part.
const ASIDE: i32 = 64;
/// Rows that are shown at once.
const CHUNK: usize = 50_000;

fn part(image: u128) -> usize {
    (image >> 122) as usize
}

/// Rows that are met out of order before a hash table is made, and their share of all.
const MISSED: usize = 1000;
const MISSED_SHARE: usize = 8;

pub struct Difference<'a> {
    table: &'a Table,
    seed: u64,
    /// The table's rows, as long as the query's come in the same order.
    sequence: Option<Sequence>,
    /// The query's rows that were not met in order.
    missed: Store,
    bag: Bag,
    /// The parts below this number are in memory.
    resident: usize,
    had: Vec<Option<Images>>,
    has: Vec<Option<Store>>,
    /// Rows that the table lacks.
    pub came: Store,
    /// Rows that the query gave.
    pub read: i64,
    place: Place,
    buffer: Vec<u8>,
}

fn limit() -> usize {
    setting::maintenance_work_mem() as usize * 1024
}

impl<'a> Difference<'a> {
    pub fn new(table: &'a Table) -> Difference<'a> {
        let place = Place::here();
        Difference {
            table,
            seed: stream::seed(),
            sequence: Some(Sequence::default()),
            missed: Store::new(place, setting::work_mem()),
            bag: Bag::default(),
            resident: PARTS,
            had: (0..PARTS).map(|_| None).collect(),
            has: (0..PARTS).map(|_| None).collect(),
            came: Store::new(place, setting::work_mem()),
            read: 0,
            place,
            buffer: vec![],
        }
    }

    /// Takes a row of the table, of which the first column is the ctid.
    pub fn had(&mut self, row: &Row) {
        let (image, place) = (row.image(1, self.seed, &mut self.buffer), row.place());
        match &mut self.sequence {
            Some(sequence) if sequence.next_size() <= limit() => sequence.add(image, place).unwrap_or_else(|e| raise(e)),
            Some(_) => {
                self.give_up_order();
                self.know(image, place);
            }
            None => self.know(image, place),
        }
    }

    /// From here on rows are found by their hash.
    fn give_up_order(&mut self) {
        let Some(sequence) = self.sequence.take() else { return };
        sequence.rest().for_each(|(image, place)| self.know(image, place));
        let missed = std::mem::replace(&mut self.missed, Store::new(self.place, ASIDE));
        missed.each(self.table, &mut |row| {
            let image = row.image(0, self.seed, &mut self.buffer);
            self.look_up(image, row);
        });
    }

    fn know(&mut self, image: u128, place: u64) {
        while self.resident > 1 && self.bag.next_size() > limit() {
            self.make_room();
        }
        match part(image) {
            part if part < self.resident => self.bag.add(image, place).unwrap_or_else(|e| raise(e)),
            part => self.aside(part).put([(image, place)]),
        }
    }

    fn make_room(&mut self) {
        self.resident /= 2;
        let mut evicted: Vec<Vec<(u128, u64)>> = vec![vec![]; PARTS];
        let resident = self.resident;
        self.bag.evict(|image| part(image) < resident, |image, place| evicted[part(image)].push((image, place)));
        for (part, rows) in evicted.into_iter().enumerate().filter(|(_, rows)| !rows.is_empty()) {
            self.aside(part).put(rows);
        }
    }

    fn aside(&mut self, part: usize) -> &mut Images {
        let place = self.place;
        self.had[part].get_or_insert_with(|| Images::new(place, ASIDE))
    }

    /// Takes a row of the query.
    pub fn has(&mut self, row: &Row) {
        self.read += 1;
        let image = row.image(0, self.seed, &mut self.buffer);
        let Some(sequence) = &mut self.sequence else { return self.look_up(image, row) };
        if !sequence.take(image) {
            self.missed.put(row);
            if self.missed.len() as usize > MISSED + sequence.len() / MISSED_SHARE {
                self.give_up_order();
            }
        }
    }

    fn look_up(&mut self, image: u128, row: &Row) {
        match part(image) {
            part if part < self.resident => self.compare(image, row),
            part => {
                let place = self.place;
                self.has[part].get_or_insert_with(|| Store::new(place, ASIDE)).put(row);
            }
        }
    }

    fn compare(&mut self, image: u128, row: &Row) {
        if !self.bag.take(image) {
            self.came.put(row);
        }
    }

    /// When all rows of both have been taken: compares what was put aside, and shows the places of the rows that the query lacks.
    pub fn finish(&mut self, gone: &mut dyn FnMut(&[u64])) {
        self.give_up_order();
        self.show(gone);
        for part in self.resident..PARTS {
            if let Some(images) = self.had[part].take() {
                images.each(&mut |image, place| self.bag.add(image, place).unwrap_or_else(|e| raise(e)));
            }
            if let Some(rows) = self.has[part].take() {
                rows.each(self.table, &mut |row| {
                    let image = row.image(0, self.seed, &mut self.buffer);
                    self.compare(image, row);
                });
            }
            self.show(gone);
        }
    }

    fn show(&mut self, gone: &mut dyn FnMut(&[u64])) {
        let mut places: Vec<u64> = std::mem::take(&mut self.bag).places().collect();
        places.sort_unstable();
        places.chunks(CHUNK).for_each(gone);
    }
}
