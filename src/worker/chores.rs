//! What is done for views besides refreshing them: by the upkeep process each in transactions of its own, by `tally.run_due()` in the caller's.

use super::home;
use crate::pg::error::Fail;
use crate::pg::{catalog, clock, setting, xact};
use crate::view::ledger::{self, Kind};
use crate::view::refresh::Done;
use crate::view::upkeep::View;
use crate::view::retain::{self, HeldUp};
use crate::view::upkeep;
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;

/// Rows of a source that a transaction removes: longer ones hold back the vacuuming of everything.
const AT_ONCE: u64 = 100_000;

pub enum Chore {
    Compact(View),
    /// From its source.
    Fill(View),
    /// Of a view, by its number.
    Retain { id: i64, name: String },
    /// Of a source, and the views that go on counting what goes.
    RetainSource { source: Oid, views: Vec<i64>, name: String },
}

/// How a chore went, in transactions of its own.
pub enum Outcome {
    Done(Done),
    Nothing,
    /// There was something to do, and somebody had what it needs.
    HeldUp,
    /// The log says why.
    Failed,
}

/// What may have old groups or rows.
pub fn of_retention() -> Vec<Chore> {
    let views = upkeep::views_with_retention().into_iter().filter(View::is_owned).map(|v| Chore::Retain { id: v.id(), name: v.name() });
    let sources = retain::source::all().into_iter().filter(|&source| catalog::may_act_for(catalog::owner(source)));
    let sources = sources.map(|source| {
        let views = retain::source::views_of(source).iter().map(|v| v.id).collect();
        Chore::RetainSource { source, views, name: catalog::qualified_name(source) }
    });
    // What goes from a source is folded into its views first, and goes from these after.
    sources.collect::<Vec<_>>().into_iter().chain(views).collect()
}

pub fn all() -> Vec<Chore> {
    of_compaction().into_iter().chain(of_retention()).collect()
}

fn of_compaction() -> Vec<Chore> {
    let chore = |view: View| if view.is_to_be_filled() { Chore::Fill(view) } else { Chore::Compact(view) };
    upkeep::views().into_iter().filter(View::is_owned).map(chore).collect()
}

impl Chore {
    /// In the words of the log; no two say the same.
    pub fn what(&self) -> String {
        match self {
            Chore::Compact(view) => format!("compacting {}", view.name()),
            Chore::Fill(view) => format!("filling {}", view.name()),
            Chore::Retain { name, .. } | Chore::RetainSource { name, .. } => format!("enforcing the retention of {name}"),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Chore::Compact(_) => Kind::Compaction,
            Chore::Fill(_) => Kind::Backfill,
            Chore::Retain { .. } | Chore::RetainSource { .. } => Kind::Retention,
        }
    }

    pub fn views(&self) -> Vec<i64> {
        match self {
            Chore::Compact(view) | Chore::Fill(view) => vec![view.id()],
            Chore::Retain { id, .. } => vec![*id],
            Chore::RetainSource { views, .. } => views.clone(),
        }
    }

    /// Whether there is anything to do. What cannot be seen fails when it is done, and then is written down.
    fn is_due(&self) -> bool {
        let look = || match self {
            Chore::Compact(view) => view.is_free(),
            Chore::Fill(view) => view.can_be_filled(),
            Chore::Retain { id, .. } => retain::groups::is_due(*id),
            Chore::RetainSource { source, .. } => retain::source::is_due(*source),
        };
        xact::attempted(look).unwrap_or(true)
    }

    /// At most so many rows of a source, if a number is given. None if there was nothing to do.
    fn work(&self, most: Option<u64>) -> Result<Option<Done>, HeldUp> {
        let written = |done: Done| Some(done).filter(|done| done.written > 0);
        match self {
            Chore::Compact(view) | Chore::Fill(view) => Ok(view.compact()),
            Chore::Retain { id, .. } => retain::enforce(*id, false).map(written).ok_or(HeldUp),
            Chore::RetainSource { source, .. } => retain::enforce_source(*source, most, false).map(written),
        }
    }

    /// In transactions of its own: what is begun is written down and committed first, so that a crash is seen. Nothing is written where
    /// nothing is to be done.
    pub fn run(&self) -> Outcome {
        let Some(what) = home::transaction("looking what there is to do", || self.is_due().then(|| self.what())) else { return Outcome::Nothing };
        let began = clock::now();
        let entries: Vec<_> = home::transaction(&what, || self.views().into_iter().map(|id| ledger::begin(id, self.kind(), began)).collect());
        home::transaction(&what, || {
            setting::commit_lazily();
            let result = xact::attempted(|| self.work(Some(AT_ONCE)));
            let now = clock::now();
            entries.iter().for_each(|entry| match &result {
                Ok(Ok(Some(done))) => ledger::done(entry, None, done, now),
                Ok(Ok(None) | Err(HeldUp)) => ledger::nothing(entry),
                Err(failure) => ledger::failed(entry, &failure.message, now),
            });
            match result {
                Ok(Ok(Some(done))) => Outcome::Done(done),
                Ok(Ok(None)) => Outcome::Nothing,
                Ok(Err(HeldUp)) => Outcome::HeldUp,
                Err(failure) => {
                    Fail::new(PgSqlErrorCode::ERRCODE_WARNING, format!("{what} failed")).detail(format!("{}.", failure.message)).log();
                    Outcome::Failed
                }
            }
        })
    }

    /// In the caller's transaction, whose failure it is not if it fails.
    pub fn run_here(&self) {
        let began = clock::now();
        let result = xact::attempted(|| self.work(None));
        let now = clock::now();
        match result {
            Ok(Ok(Some(done))) => self.views().into_iter().for_each(|id| ledger::did(id, self.kind(), began, &done, now)),
            Ok(Ok(None) | Err(HeldUp)) => {}
            Err(failure) if failure.code == PgSqlErrorCode::ERRCODE_QUERY_CANCELED => Fail::new(failure.code, failure.message).raise(),
            Err(failure) => {
                for id in self.views() {
                    let entry = ledger::begin(id, self.kind(), began);
                    ledger::failed(&entry, &failure.message, now);
                }
                Fail::new(PgSqlErrorCode::ERRCODE_WARNING, format!("{} failed", self.what())).detail(format!("{}.", failure.message)).warn();
            }
        }
    }
}

