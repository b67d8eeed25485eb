//! What must not go while somebody works on views: a source and what is behind its views, locked all or none.
//!
//! DROP VIEW locks the view and then waits for what is behind it, DROP TABLE … CASCADE locks the source and then what depends on it, and a
//! transaction may drop a view first and lock its source later. Whoever held one of these and waited for another could close a circle
//! with any of them. So only the source is waited for, which comes first; if one of the others cannot be had at once, all are given back, and that
//! one is waited for with nothing held.

use crate::pg::error::Fail;
use crate::pg::{catalog, lock, xact};
use super::registry::{self, Registered};
use super::retain::source::views_of;
use super::{compact, triggers};
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;

/// A lock that somebody else has, of a relation or of whoever changes a view's main.
enum Taken {
    Relation(Oid),
    Folding(Registered),
}

impl Taken {
    fn wait(&self) {
        match self {
            Taken::Relation(oid) => lock::lock_to_read(*oid),
            Taken::Folding(view) => {
                lock::lock_folding(view.delta);
            }
        }
    }

    fn tell(&self) {
        match self {
            Taken::Relation(oid) => {
                Fail::new(PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE, format!("skipping relation \"{}\", which another transaction has locked", catalog::relation_name(*oid))).notice();
            }
            Taken::Folding(view) => {
                compact::skipped(view);
            }
        }
    }
}

/// The views of a source, held until the transaction ends: they stay, and nobody else changes their main. No partition of the source comes or goes either, and
/// no two do this at once. None: not now, because somebody else holds what `wait` does not allow to wait for.
pub fn source(source: Oid, wait: bool) -> Option<Vec<Registered>> {
    all_or_none(wait, || {
        for table in partitioned(source) {
            if wait {
                lock::lock_members(table);
            } else if !lock::try_lock_members(table) {
                return Err(Taken::Relation(table));
            }
        }
        views(&views_of(source))?;
        // Those that went before they were locked are not there any more.
        Ok(views_of(source))
    })
}

/// The same for one view, whose source is only kept from being dropped. An empty answer: there is no such view (any more).
pub fn view(id: i64, wait: bool) -> Option<Vec<Registered>> {
    all_or_none(wait, || {
        let Some(view) = registry::by_id(id) else { return Ok(vec![]) };
        if !lock_source(view.source, wait) {
            return Err(Taken::Relation(view.source));
        }
        views(&[view])?;
        Ok(registry::by_id(id).into_iter().collect())
    })
}

/// What is behind one view and its folding lock, if all can be had at once. A DROP VIEW does not wait for whoever has these: it leaves the tables to
/// the next time. None: not now, or there is no such view.
pub fn storage(id: i64) -> Option<Registered> {
    let take = || {
        let view = registry::by_id(id)?;
        let tables = triggers::relations(std::slice::from_ref(&view), &['r', 'p']);
        let free = lock_source(view.source, false) && tables.into_iter().all(lock::try_lock_to_read) && lock::try_lock_folding(view.delta);
        free.then(|| registry::by_id(id)).flatten()
    };
    xact::tentatively(|| take().ok_or(())).ok()
}

/// Locks a source as a reader does.
pub fn lock_source(source: Oid, wait: bool) -> bool {
    if wait {
        lock::lock_to_read(source);
    }
    wait || lock::try_lock_to_read(source)
}

/// The source first, then what of its members has members.
fn partitioned(source: Oid) -> Vec<Oid> {
    compact::oids(&format!("SELECT c.oid FROM tally.members({0}) m JOIN pg_catalog.pg_class c ON c.oid = m WHERE c.oid = {0} OR c.relhassubclass ORDER BY c.oid <> {0}, 1", source.to_u32()))
}

fn views(views: &[Registered]) -> Result<(), Taken> {
    for relation in views.iter().map(|view| view.view).chain(triggers::relations(views, &['r', 'p', 'v'])) {
        if !lock::try_lock_to_read(relation) {
            return Err(Taken::Relation(relation));
        }
    }
    match views.iter().find(|view| !lock::try_lock_folding(view.delta)) {
        Some(view) => Err(Taken::Folding(view.clone())),
        None => Ok(()),
    }
}

fn all_or_none<R>(wait: bool, take: impl Fn() -> Result<R, Taken>) -> Option<R> {
    loop {
        match xact::tentatively(&take) {
            Ok(held) => return Some(held),
            Err(_) if !wait => return None,
            // Others may wait for what it has written.
            Err(taken) if lock::has_written() => {
                taken.tell();
                return None;
            }
            Err(taken) => xact::looking(|| taken.wait()),
        }
        pgrx::check_for_interrupts!();
    }
}
