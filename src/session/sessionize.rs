//! `sessionize`: numbers sessions along a window, looking at nothing but the event before.

use super::{Interval, not_positive, positive};
use crate::pg::aggstate::cached;
use crate::pg::call::{Call, Out, Value};
use crate::pg::error::Fail;
use crate::pg::fmgr;
use crate::pg::value;
use crate::pg::window::Row;
use crate::sql_function;
use core::cmp::Ordering;
use pg_tally_core::numeric::{self, Numeric};
use pgrx::pg_sys::Datum;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;

sql_function!("sessionize", "_timestamptz", number::<Instant>);
sql_function!("sessionize", "_timestamp", number::<Timestamp>);
sql_function!("sessionize", "_date", number::<Date>);
sql_function!("sessionize", "_int8", number::<i64>);
sql_function!("sessionize", "_float8", number::<f64>);
sql_function!("sessionize", "_numeric", number::<Vec<u8>>);

const DAY: i64 = 86_400_000_000;

/// A kind of time.
trait Clock: Sized + 'static {
    type Gap;

    /// None for what is no point in time: infinities and NaN. Such a row is no event.
    fn read(time: Datum) -> Result<Option<Self>, Fail>;

    /// None unless it is positive.
    fn gap(gap: Datum) -> Result<Option<Self::Gap>, Fail>;

    fn order(&self, other: &Self) -> Ordering;

    /// Is this at least the gap after `previous`?
    fn reached(&self, previous: &Self, gap: &Self::Gap) -> bool;
}

/// What is known of a partition: the number of the session that is on, and its latest event.
struct Run<T> {
    session: i64,
    previous: Option<T>,
}

impl<T> Default for Run<T> {
    fn default() -> Self {
        Run { session: 0, previous: None }
    }
}

fn number<T: Clock>(call: &Call) -> Out {
    let row = Row::<2>::take(call)?;
    let run = cached(call, || Ok(Run::<T>::default()))?;
    if row.first {
        *run = Run::default();
    }
    let [Some(time), Some(gap)] = row.arguments else { return Ok(None) };
    let gap = T::gap(gap)?.ok_or_else(not_positive)?;
    let Some(time) = T::read(time)? else { return Ok(None) };
    let opens = match &run.previous {
        None => true,
        Some(previous) => match time.order(previous) {
            Ordering::Less => return Err(backwards()),
            Ordering::Equal => false,
            Ordering::Greater => time.reached(previous, &gap),
        },
    };
    run.session += i64::from(opens);
    run.previous = Some(time);
    Ok(Some(Value::int8(run.session)))
}

#[cold]
fn backwards() -> Fail {
    Fail::new(PgSqlErrorCode::ERRCODE_WINDOWING_ERROR, "sessionize needs its rows in the order of time")
        .detail("A row's time is before that of the row before it.")
        .hint("Order the window by the same time, ascending: sessionize(ts) OVER (PARTITION BY user_id ORDER BY ts).")
}

/// A time that overflows is one that no event reaches.
fn plus_micros(time: i64, micros: i64) -> i64 {
    time.saturating_add(micros)
}

fn finite(micros: i64) -> Option<i64> {
    (micros != i64::MIN && micros != i64::MAX).then_some(micros)
}

/// Microseconds: of a timestamptz, whose days and months are those of the session's time zone, or of a timestamp, all of whose days have
/// 24 hours.
struct Micros<const ZONED: bool>(i64);

type Instant = Micros<true>;
type Timestamp = Micros<false>;

impl<const ZONED: bool> Clock for Micros<ZONED> {
    type Gap = Interval;

    fn read(time: Datum) -> Result<Option<Self>, Fail> {
        Ok(finite(time.value() as i64).map(Self))
    }

    fn gap(gap: Datum) -> Result<Option<Interval>, Fail> {
        Ok(positive(value::interval(gap)))
    }

    fn order(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }

    fn reached(&self, previous: &Self, &(months, days, micros): &Interval) -> bool {
        self.0
            >= match (ZONED, months, days) {
                (true, 0, 0) => plus_micros(previous.0, micros),
                (true, ..) => fmgr::timestamptz_plus_interval(previous.0, months, days, micros),
                (false, 0, _) => plus_micros(previous.0, (i64::from(days) * DAY).saturating_add(micros)),
                (false, ..) => fmgr::timestamp_plus_interval(previous.0, months, days, micros),
            }
    }
}

/// date: its midnight, as a timestamp.
struct Date(Timestamp);

impl Clock for Date {
    type Gap = Interval;

    fn read(time: Datum) -> Result<Option<Self>, Fail> {
        let days = time.value() as i32;
        if days == i32::MIN || days == i32::MAX {
            return Ok(None);
        }
        let micros = i64::from(days).checked_mul(DAY).ok_or_else(|| {
            Fail::new(PgSqlErrorCode::ERRCODE_DATETIME_FIELD_OVERFLOW, "date out of range for timestamp")
        })?;
        Ok(Some(Date(Micros(micros))))
    }

    fn gap(gap: Datum) -> Result<Option<Interval>, Fail> {
        Timestamp::gap(gap)
    }

    fn order(&self, other: &Self) -> Ordering {
        self.0.order(&other.0)
    }

    fn reached(&self, previous: &Self, gap: &Interval) -> bool {
        self.0.reached(&previous.0, gap)
    }
}

impl Clock for i64 {
    type Gap = i64;

    fn read(time: Datum) -> Result<Option<Self>, Fail> {
        Ok(Some(time.value() as i64))
    }

    fn gap(gap: Datum) -> Result<Option<i64>, Fail> {
        Ok(Some(gap.value() as i64).filter(|gap| *gap > 0))
    }

    fn order(&self, other: &Self) -> Ordering {
        self.cmp(other)
    }

    fn reached(&self, previous: &Self, gap: &i64) -> bool {
        previous.checked_add(*gap).is_some_and(|end| *self >= end)
    }
}

impl Clock for f64 {
    type Gap = f64;

    fn read(time: Datum) -> Result<Option<Self>, Fail> {
        Ok(Some(f64::from_bits(time.value() as u64)).filter(|time| time.is_finite()))
    }

    fn gap(gap: Datum) -> Result<Option<f64>, Fail> {
        Ok(Some(f64::from_bits(gap.value() as u64)).filter(|gap| *gap > 0.0))
    }

    fn order(&self, other: &Self) -> Ordering {
        // Finite: no NaN among them, and -0 equals 0.
        self.partial_cmp(other).unwrap_or(Ordering::Equal)
    }

    fn reached(&self, previous: &Self, gap: &f64) -> bool {
        *self >= previous + gap
    }
}

/// numeric, by the payload of the value.
impl Clock for Vec<u8> {
    type Gap = Vec<u8>;

    fn read(time: Datum) -> Result<Option<Self>, Fail> {
        value::with_varlena(time, |bytes| match numeric::parse(bytes)? {
            Numeric::Finite(_) => Ok(Some(bytes.to_vec())),
            _ => Ok(None),
        })
    }

    fn gap(gap: Datum) -> Result<Option<Vec<u8>>, Fail> {
        value::with_varlena(gap, |bytes| {
            let positive = match numeric::parse(bytes)? {
                Numeric::Infinity => true,
                Numeric::Finite(finite) => !finite.negative && finite.digits().any(|d| d != 0),
                _ => false,
            };
            Ok(positive.then(|| bytes.to_vec()))
        })
    }

    fn order(&self, other: &Self) -> Ordering {
        fmgr::numeric_order(self, other)
    }

    fn reached(&self, previous: &Self, gap: &Vec<u8>) -> bool {
        fmgr::numeric_reaches(self, previous, gap)
    }
}
