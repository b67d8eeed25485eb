//! PostgreSQL's time zones, as the rules of schedules and retention ask for them.

use super::encoding::{c, text};
use pg_tally_core::schedule::{Instant, Span, Zone, Zones};
use pgrx::pg_sys;
use std::rc::Rc;

const SECOND: i64 = 1_000_000;
/// From 1970-01-01 to 2000-01-01, in seconds.
const EPOCH: i64 = 946_684_800;

/// PostgreSQL keeps the zones that it has read until the process ends.
struct Known(*mut pg_sys::pg_tz);

impl Zone for Known {
    fn span(&self, at: Instant) -> Span {
        let at = at.0.div_euclid(SECOND) + EPOCH;
        let (mut before, mut before_dst, mut boundary, mut after, mut after_dst) = (0, 0, 0, 0, 0);
        // SAFETY: the zone is one that pg_tzset gave.
        let found = unsafe {
            pg_sys::pg_next_dst_boundary(&at, &mut before, &mut before_dst, &mut boundary, &mut after, &mut after_dst, self.0)
        };
        let until = (found == 1 && boundary > at).then(|| Instant((boundary - EPOCH).saturating_mul(SECOND)));
        Span { offset: before * SECOND, until }
    }
}

fn known(name: &str) -> Option<Known> {
    let name = c(name);
    // SAFETY: a zone without leap seconds is what TimeZone may be set to.
    unsafe {
        let zone = pg_sys::pg_tzset(name.as_ptr());
        (!zone.is_null() && pg_sys::pg_tz_acceptable(zone)).then_some(Known(zone))
    }
}

/// The zone of that name.
pub fn named(name: &str) -> Option<Rc<dyn Zone>> {
    Some(Rc::new(known(name)?))
}

/// All zones; schedules that name none go by this one.
pub struct WithDefault(pub Rc<dyn Zone>);

impl Zones for WithDefault {
    fn find(&self, name: &str) -> Option<(String, Rc<dyn Zone>)> {
        let zone = known(name)?;
        // SAFETY: as above.
        let name = unsafe { text(pg_sys::pg_get_timezone_name(zone.0)) };
        Some((name, Rc::new(zone)))
    }

    fn default_zone(&self) -> Rc<dyn Zone> {
        self.0.clone()
    }
}
