//! Counters in shared memory: what is counted is counted once, and what is gone makes room.

use pg_tally_core::counters::{Slot, count, forget, read};

fn slots(n: usize) -> Vec<Slot> {
    (0..n).map(|_| Slot::default()).collect()
}

const LIVES: fn(u64) -> bool = |_| false;

#[test]
fn each_key_is_counted_for_itself() {
    let slots = slots(64);
    for key in 1..=20 {
        (0..key).for_each(|_| count(&slots, key, 10 * key, LIVES));
    }
    for key in 1..=20 {
        assert_eq!(read(&slots, key), (key, 10 * key * key));
    }
    assert_eq!(read(&slots, 21), (0, 0));
}

#[test]
fn a_full_table_counts_no_more_keys_but_all_it_has() {
    let slots = slots(16);
    (1..=16).for_each(|key| count(&slots, key, 1, LIVES));
    count(&slots, 17, 1, LIVES);
    assert_eq!(read(&slots, 17), (0, 0));
    (1..=16).for_each(|key| assert_eq!(read(&slots, key), (1, 1)));
}

#[test]
fn what_is_gone_gives_up_its_place() {
    let slots = slots(16);
    (1..=16).for_each(|key| count(&slots, key, 7, LIVES));
    // Those of one database, which was dropped.
    let gone = |key| (5..=8).contains(&key);
    for key in 101..=104 {
        count(&slots, key, 3, gone);
        assert_eq!(read(&slots, key), (1, 3), "begins from nothing");
    }
    count(&slots, 105, 3, gone);
    assert_eq!(read(&slots, 105), (0, 0));
    (1..=4).chain(9..=16).for_each(|key| assert_eq!(read(&slots, key), (1, 7), "who lives stays"));
    (5..=8).for_each(|key| assert_eq!(read(&slots, key), (0, 0)));
}

#[test]
fn nobody_is_asked_whether_he_is_gone_while_there_is_room() {
    let slots = slots(16);
    (1..=16).for_each(|key| count(&slots, key, 1, |_| panic!("asked")));
    (1..=16).for_each(|key| count(&slots, key, 1, |_| panic!("asked")));
}

#[test]
fn what_is_forgotten_makes_room() {
    let slots = slots(16);
    (1..=16).for_each(|key| count(&slots, key, 1, LIVES));
    forget(&slots, 3);
    assert_eq!(read(&slots, 3), (0, 0));
    count(&slots, 17, 5, LIVES);
    assert_eq!(read(&slots, 17), (1, 5));
}

#[test]
fn many_at_once_lose_nothing_of_those_that_live() {
    let slots = slots(16);
    (1..=8).for_each(|key| count(&slots, key, 1, LIVES));
    (9..=16).for_each(|key| count(&slots, key, 1, LIVES));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let slots = &slots;
            scope.spawn(move || {
                for n in 0..10_000u64 {
                    count(slots, 1 + (n + thread) % 8, 2, |key| (9..=16).contains(&key));
                    count(slots, 100 + n % 8, 2, |key| (9..=16).contains(&key));
                }
            });
        }
    });
    let times: u64 = (1..=8).map(|key| read(&slots, key).0).sum();
    assert_eq!(times, 8 + 40_000);
    (100..108).for_each(|key| assert!(read(&slots, key).0 > 0));
    (9..=16).for_each(|key| assert_eq!(read(&slots, key), (0, 0)));
}
