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

/// What of a view is held, besides its folding lock.
#[derive(Clone, Copy)]
pub enum What {
    /// The view and all that is behind it: a DROP VIEW waits.
    All,
    /// The tables behind it: a DROP VIEW does not wait, and leaves them to the next time.
    Tables,
}

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
        views(&views_of(source), What::All)?;
        // Those that went before they were locked are not there any more.
        Ok(views_of(source))
    })
}

/// The same for one view, whose source is only kept from being dropped. None: not now, or there is no such view (any more).
pub fn view(id: i64, what: What, wait: bool) -> Option<Registered> {
    let take = || {
        let Some(view) = registry::by_id(id) else { return Ok(None) };
        if !lock_source(view.source, wait) {
            return Err(Taken::Relation(view.source));
        }
        views(&[view], what)?;
        Ok(registry::by_id(id))
    };
    all_or_none(wait, take).flatten()
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

fn views(views: &[Registered], what: What) -> Result<(), Taken> {
    let (kinds, public) = match what {
        What::All => ("r,p,v", views),
        What::Tables => ("r,p", &[][..]),
    };
    for relation in public.iter().map(|view| view.view).chain(triggers::relations(views, kinds)) {
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
