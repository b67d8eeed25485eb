//! Which views there are, and which of them a table concerns, as of now: never as of an old snapshot.

use super::compiled::Compiled;
use crate::pg::expr::Table;
use crate::pg::{inval, sql};
use pgrx::pg_sys::Oid;
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

/// The relations of one view.
#[derive(Clone, Debug)]
pub struct Registered {
    pub id: i64,
    pub view: Oid,
    pub owner: Oid,
    pub source: Oid,
    pub main: Oid,
    pub delta: Oid,
    pub query: Oid,
}

macro_rules! registered {
    ($condition:literal) => {
        concat!("SELECT id, view::pg_catalog.oid, owner::pg_catalog.oid, source::pg_catalog.oid, main::pg_catalog.oid, delta::pg_catalog.oid, query::pg_catalog.oid FROM tally.registry WHERE ", $condition, " ORDER BY id")
    };
}

fn read(query: &'static str, of: &[&str]) -> Vec<Registered> {
    let rows = sql::as_superuser(|| sql::rows_latest_planned(query, of));
    rows.into_iter()
        .filter_map(|row| {
            let numbers: Vec<i64> = row.into_iter().flatten().filter_map(|n| n.parse().ok()).collect();
            let oid = |i: usize| numbers.get(i).map(|n| Oid::from(*n as u32));
            Some(Registered {
                id: *numbers.first()?,
                view: oid(1)?,
                owner: oid(2)?,
                source: oid(3)?,
                main: oid(4)?,
                delta: oid(5)?,
                query: oid(6)?,
            })
        })
        .collect()
}

pub fn all() -> Vec<Registered> {
    read(registered!("true"), &[])
}

pub fn by_view(view: Oid) -> Option<Registered> {
    read(registered!("view = $1::pg_catalog.oid"), &[&view.to_u32().to_string()]).pop()
}

pub fn by_id(id: i64) -> Option<Registered> {
    read(registered!("id = $1::pg_catalog.int8"), &[&id.to_string()]).pop()
}

/// The views that read the table or anything that it is a part of.
pub fn of_member(table: Oid) -> Vec<Registered> {
    read(registered!("source IN (SELECT tally.ancestors($1::pg_catalog.oid))"), &[&table.to_u32().to_string()])
}

struct Known {
    generation: u64,
    tables: HashMap<Oid, Rc<[Compiled]>>,
}

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::new(Known { generation: 0, tables: HashMap::new() });
}

/// The views to maintain for a statement on the table.
pub fn compiled(table: &Table) -> Rc<[Compiled]> {
    let oid = table.oid();
    let cached = KNOWN.with(|known| {
        let mut known = known.borrow_mut();
        if known.generation != inval::generation() {
            known.tables.clear();
            inval::forget_all();
            known.generation = inval::generation();
        }
        known.tables.get(&oid).cloned()
    });
    if let Some(views) = cached {
        return views;
    }
    // Watched before it is read: what changes from here on makes it old at once.
    inval::watch([oid]);
    let generation = inval::generation();
    let registered = of_member(oid);
    inval::watch(registered.iter().flat_map(|r| [r.source, r.delta, r.query, r.view]));
    let views: Rc<[Compiled]> = registered.iter().filter_map(|r| Compiled::new(r, table)).collect();
    KNOWN.with(|known| {
        let mut known = known.borrow_mut();
        if known.generation == generation {
            known.tables.insert(oid, views.clone());
        }
    });
    views
}
