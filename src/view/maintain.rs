//! What the triggers on a source do: append to delta, and nothing else.
//!
//! The trigger fires after the statement, in the writer's transaction, so the rows it appends are seen by exactly the
//! snapshots that see the statement's own rows. It takes no lock but ROW EXCLUSIVE on delta, and reads nothing of the view's.

use super::batch::Batch;
use super::compiled::Compiled;
use super::generated::{Filler, Generated};
use super::retain::removal;
use super::{fold, registry};
use crate::pg::append::Appender;
use crate::pg::error::Fail;
use crate::pg::expr::{Projector, Table};
use crate::pg::fmgr::INTERVALS_HAVE_INFINITIES;
use crate::pg::{counters, merge, sql};
use crate::pg::transition::{Change, Event, Rows};
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys;
use std::time::Instant;

/// A view has at most as many columns as a table can have.
const EVERY: [bool; 1664] = [true; 1664];

/// Delta's mark for "the whole view is in doubt".
const WHOLE: i16 = 2;

pub fn maintain(change: Option<Change>) {
    let Some(change) = change else {
        Fail::new(PgSqlErrorCode::ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED, "function \"tally.maintain\" was not called as an AFTER trigger").raise();
    };
    if !change.counts() {
        return;
    }
    let table = change.table();
    if change.is_to_come() {
        return removal::announce(&table);
    }
    let missed = change.event() == Event::Update && table.is_partitioned() && (merge::may_have_missed() || is_mixed_up(&change, &table));
    let still_counts = removal::still_counts(&change, &table);
    for view in registry::compiled(&table).iter() {
        // A view that was dropped after the list was made needs nothing any more.
        let Some(delta) = Table::try_open(view.delta, pg_sys::RowExclusiveLock) else { continue };
        if still_counts {
            removal::keep(&change, &table, view);
            continue;
        }
        let began = counters::on().then(Instant::now);
        let rows = match change.event() {
            Event::Truncate => mark(&delta),
            Event::Insert | Event::Update if missed || matches!(view.generated, Generated::Unknown) => mark(&delta),
            _ => sql::as_role(view.owner, || {
                if view.by_name { sql::pinned(|| append(&change, &table, view, &delta)) } else { append(&change, &table, view, &delta) }
            }),
        };
        if let Some(began) = began {
            counters::count(view.delta, began.elapsed().as_nanos() as u64);
        }
        fold::appended(view, rows);
    }
}

fn is_mixed_up(change: &Change, table: &Table) -> bool {
    merge::may_have_mixed_up(table.oid()) && change.new_rows().is_some_and(|mut rows| rows.next().is_some())
}

/// Puts the whole view in doubt. Gives the rows appended, as `append` does.
fn mark(delta: &Table) -> u64 {
    let mut row = vec![None; delta.columns()];
    row[..3].copy_from_slice(&[Some(0i64.into()), Some(0i64.into()), Some(WHOLE.into())]);
    Appender::new(delta).append_row(&row);
    1
}

fn append(change: &Change, table: &Table, view: &Compiled, delta: &Table) -> u64 {
    let filler = view.generated.start(table);
    view.with_projector(table, |projector| take_rows(change, view, projector, filler, Batch::new(view, Appender::new(delta))))
}

fn take_rows(change: &Change, view: &Compiled, projector: &mut Projector, filler: Option<Filler>, mut batch: Batch) -> u64 {
    let all = &EVERY[..view.cells.len()];
    match (change.old_rows(), change.new_rows()) {
        (Some(old), Some(new)) => take_pairs(old, new, view, projector, &mut batch),
        (Some(rows), None) => take_all(rows, -1, projector, None, &mut batch, all),
        (None, Some(rows)) => take_all(rows, 1, projector, filler, &mut batch, all),
        (None, None) => {}
    }
    batch.finish()
}

/// Old and new rows come in pairs, but nothing depends on it: two rows that the view cannot tell apart cancel out anyway.
fn take_pairs(mut old: Rows, mut new: Rows, view: &Compiled, projector: &mut Projector, batch: &mut Batch) {
    let mut concerned = vec![true; view.cells.len()];
    loop {
        pgrx::check_for_interrupts!();
        let (had, has) = (old.next().is_some(), new.next().is_some());
        if !had && !has {
            break;
        }
        if had && has && !view.concerned(old.current(), new.current(), &mut concerned) {
            continue;
        }
        if had && has {
            projector.show(old.current(), |values| batch.take(values, -1, &concerned, INTERVALS_HAVE_INFINITIES));
            projector.show(new.current(), |values| batch.take(values, 1, &concerned, INTERVALS_HAVE_INFINITIES));
            continue;
        }
        concerned.fill(true);
        let (row, sign) = if had { (old.current(), -1) } else { (new.current(), 1) };
        projector.show(row, |values| batch.take(values, sign, &concerned, INTERVALS_HAVE_INFINITIES));
    }
}

fn take_all(mut rows: Rows, sign: i64, projector: &mut Projector, mut filler: Option<Filler>, batch: &mut Batch, concerned: &[bool]) {
    while let Some(row) = rows.next() {
        pgrx::check_for_interrupts!();
        if let Some(filler) = &mut filler {
            filler.fill(row);
        }
        projector.show(row, |values| batch.take(values, sign, concerned, INTERVALS_HAVE_INFINITIES));
    }
}
