//! Schedules as users write them, and intervals.

use super::options::Options;
use crate::pg::error::{Fail, raise};
use crate::pg::fmgr;
use crate::pg::zone::{self, WithDefault};
use crate::pg::{sql, xact};
use pg_tally_core::schedule::{Interval, Schedule, Utc, Zone};
use pgrx::PgSqlErrorCode;
use std::rc::Rc;

/// Writes a schedule and the zone that it goes by into a view's options; an ERROR if it is none.
pub fn set(options: &mut Options, text: &str) {
    let name = server_zone();
    let schedule = parse(text, zone_of(&name));
    options.zone = schedule.zone_name().is_none().then_some(name);
    options.schedule = Some(schedule.to_string());
}

/// The schedule among a view's options.
pub fn of(options: &Options) -> Option<Schedule> {
    let zone = options.zone.as_deref().map_or_else(|| Rc::new(Utc) as Rc<dyn Zone>, zone_of);
    Some(parse(options.schedule.as_deref()?, zone))
}

fn parse(text: &str, zone: Rc<dyn Zone>) -> Schedule {
    let interval = |text: &str| xact::attempted(|| interval(text)).ok();
    Schedule::parse(text, interval, &WithDefault(zone)).unwrap_or_else(|error| raise(error))
}

pub fn interval(text: &str) -> Interval {
    let (months, days, micros) = fmgr::interval_from_text(text);
    Interval { months, days, micros }
}

fn zone_of(name: &str) -> Rc<dyn Zone> {
    zone::named(name).unwrap_or_else(|| {
        Fail::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, format!("time zone \"{name}\" not recognized"))
            .hint("The view pg_timezone_names lists the time zones.")
            .raise()
    })
}

/// TimeZone as sessions of this database have it that do not set it themselves.
fn server_zone() -> String {
    let rows = sql::as_superuser(|| {
        sql::rows_latest(
            "SELECT coalesce((SELECT pg_catalog.substr(o, pg_catalog.length('timezone=') + 1) \
                FROM pg_catalog.pg_db_role_setting s JOIN pg_catalog.pg_database d ON d.datname = pg_catalog.current_database(), pg_catalog.unnest(s.setconfig) o \
                WHERE s.setrole = 0 AND s.setdatabase IN (d.oid, 0) AND pg_catalog.lower(o) LIKE 'timezone=%' ORDER BY s.setdatabase DESC LIMIT 1), \
             (SELECT f.setting FROM pg_catalog.pg_file_settings f WHERE pg_catalog.lower(f.name) = 'timezone' AND f.applied ORDER BY f.seqno DESC LIMIT 1), \
             (SELECT s.boot_val FROM pg_catalog.pg_settings s WHERE s.name = 'TimeZone'))",
        )
    });
    rows.into_iter().flatten().flatten().next().unwrap_or_else(|| "GMT".into())
}
