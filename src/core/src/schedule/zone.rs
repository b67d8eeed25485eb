//! Instants, wall clocks, and the zones that lead from one to the other.
//!
//! The rules of zones are not in this crate. They change several times a year, and a schedule must agree with what
//! `AT TIME ZONE` says in the same server, so the caller hands over PostgreSQL's zones, whatever it calls one.

use std::rc::Rc;

/// A `timestamptz`: microseconds from 2000-01-01 00:00 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub i64);

impl Instant {
    /// PostgreSQL's `-infinity`: before everything.
    pub const BEGIN: Instant = Instant(i64::MIN);
    /// PostgreSQL's `infinity`: never.
    pub const NEVER: Instant = Instant(i64::MAX);
    /// PostgreSQL's first instant.
    pub const FIRST: Instant = Instant(-211_813_488_000_000_000);
    /// The end of PostgreSQL's instants.
    pub const END: Instant = Instant(9_223_371_331_200_000_000);

    /// `NEVER` if that is past PostgreSQL's last instant.
    pub fn plus(self, micros: i64) -> Instant {
        match self.0.saturating_add(micros) {
            _ if self == Instant::BEGIN => self,
            later if later >= Instant::END.0 => Instant::NEVER,
            later => Instant(later),
        }
    }

    pub fn minus(self, earlier: Instant) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// What a clock on the wall shows, a `timestamp`: microseconds from 2000-01-01 00:00.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wall(pub i64);

/// A stretch of time with one offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Microseconds east of Greenwich.
    pub offset: i64,
    /// Where another offset may begin: the first instant that this one does not hold for. None: it holds for ever.
    pub until: Option<Instant>,
}

pub trait Zone {
    /// The offset at `at`, and until when it holds; `until` is later than `at`. A zone may cut one offset into several spans.
    fn span(&self, at: Instant) -> Span;
}

/// Where names of zones are looked up.
pub trait Zones {
    /// The zone of that name, and the name as it should be written.
    fn find(&self, name: &str) -> Option<(String, Rc<dyn Zone>)>;
    /// The zone of schedules that name none.
    fn default_zone(&self) -> Rc<dyn Zone>;
}

/// For columns without a zone: their wall clock is the same everywhere.
pub struct Utc;

impl Zone for Utc {
    fn span(&self, _: Instant) -> Span {
        Span { offset: 0, until: None }
    }
}

/// More than any offset, past or present, differs from UTC.
const WIDEST: i64 = 26 * super::civil::HOUR;

/// The spans from `from` on, each with its first instant.
pub fn spans(zone: &dyn Zone, from: Instant) -> impl Iterator<Item = (Instant, Span)> + '_ {
    let mut next = Some(from);
    std::iter::from_fn(move || {
        let start = next?;
        let span = zone.span(start);
        // A zone that breaks its promise must not make anybody wait for ever.
        next = span.until.filter(|&until| until > start && until < Instant::END);
        Some((start, span))
    })
}

/// What the wall clock shows.
pub fn reading(zone: &dyn Zone, at: Instant) -> Wall {
    Wall(at.0.saturating_add(zone.span(at).offset))
}

/// The first instant at which the wall clock shows `wall` or later.
pub fn first_showing(zone: &dyn Zone, wall: Wall) -> Instant {
    if wall.0 >= Instant::END.0 {
        return Instant::NEVER;
    }
    let from = Instant(wall.0.max(Instant::FIRST.0) - WIDEST);
    for (start, span) in spans(zone, from) {
        let at = Instant(wall.0.saturating_sub(span.offset)).max(start);
        if span.until.is_none_or(|until| at < until) {
            return if at >= Instant::END { Instant::NEVER } else { at };
        }
    }
    Instant::NEVER
}

/// The latest that the wall clock has shown up to `at`. It is ahead of [`reading`] after the clock was set back; it
/// never goes backwards, and [`first_showing`] is its inverse.
pub fn latest_shown(zone: &dyn Zone, at: Instant) -> Wall {
    let at = Instant(at.0.clamp(Instant::FIRST.0, Instant::END.0));
    let mut latest = i64::MIN;
    for (_, span) in spans(zone, Instant(at.0 - 2 * WIDEST)) {
        let last = span.until.filter(|&until| until <= at);
        latest = latest.max(last.map_or(at.0, |until| until.0 - 1) + span.offset);
        if last.is_none() {
            break;
        }
    }
    Wall(latest)
}
