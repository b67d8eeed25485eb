//! The functions that users call: arguments in, errors out.
//!
//! Texts are `[u8]` here: what pgrx takes for `str` has to be UTF-8, and the database may have another encoding.

use crate::pg::transition;
use crate::pg::border::border;
use crate::pg::call::Value;
use crate::pg::encoding::{decode, encode};
use crate::pg::error::Fail;
use crate::pg::event::Change;
use crate::pg::probe::{self, Horizon};
use crate::pg::process;
use crate::sql_function;
use crate::view;
use crate::view::alter::Changes;
use crate::view::create::Options;
use crate::worker;
use pg_tally_core::schedule::{Instant, Interval};
use pgrx::prelude::*;
use pgrx::pg_sys;

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments)]
fn create_view(
    name: Option<&[u8]>,
    query: Option<&[u8]>,
    schedule: Option<&[u8]>,
    retention: Option<pgrx::datum::Interval>,
    partition_by: Option<&[u8]>,
    order_by: Option<Array<&[u8]>>,
    with_data: Option<bool>,
    if_not_exists: Option<bool>,
    mode: Option<&[u8]>,
) -> pg_sys::Oid {
    let order_by = order_by.map(|names| names.iter().map(|n| decode(given(n, "an element of order_by"))).collect());
    let options = Options {
        schedule: schedule.map(decode),
        retention: retention.map(interval),
        partition_by: partition_by.map(|unit| view::retain::parts::unit(&decode(unit))),
        order_by: order_by.unwrap_or_default(),
        with_data: given(with_data, "with_data"),
        if_not_exists: given(if_not_exists, "if_not_exists"),
        mode: decode(given(mode, "mode")),
    };
    border(|| view::create::create(&decode(given(name, "name")), &decode(given(query, "query")), &options))
}

/// An argument that has no meaning as NULL.
fn given<T>(argument: Option<T>, name: &str) -> T {
    argument.unwrap_or_else(|| Fail::new(PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED, format!("{name} must not be null")).raise())
}

#[pg_extern(sql = false)]
#[allow(clippy::too_many_arguments)]
fn alter_view(
    name: Option<&[u8]>,
    schedule: Option<&[u8]>,
    retention: Option<pgrx::datum::Interval>,
    paused: Option<bool>,
    on_error: Option<&[u8]>,
    refresh_window: Option<pgrx::datum::Interval>,
    timeout: Option<pgrx::datum::Interval>,
    reset: Option<Array<&[u8]>>,
) {
    let changes = Changes {
        schedule: schedule.map(decode),
        retention: retention.map(interval),
        paused,
        on_error: on_error.map(decode),
        refresh_window: refresh_window.map(interval),
        timeout: timeout.map(interval),
        reset: reset.iter().flat_map(Array::iter).map(|o| decode(given(o, "an element of reset"))).collect(),
    };
    border(|| view::alter::alter(&decode(given(name, "name")), &changes));
}

/// A result of type text. pgrx would give PostgreSQL a `String` in UTF-8, whatever the database's encoding.
fn text(text: impl AsRef<str>) -> Vec<u8> {
    encode(text.as_ref()).into_owned()
}

fn interval(interval: pgrx::datum::Interval) -> Interval {
    Interval { months: interval.months(), days: interval.days(), micros: interval.micros() }
}

#[pg_extern(sql = false)]
fn set_source_retention(source: Option<pg_sys::Oid>, time_column: Option<&std::ffi::CStr>, keep: Option<pgrx::datum::Interval>) {
    let column = decode(given(time_column, "time_column").to_bytes());
    border(|| view::retain::source::set(given(source, "source"), &column, keep.map(interval)));
}

#[pg_extern(sql = false)]
fn enforce_retention(name: &[u8]) -> i64 {
    border(|| view::retain::enforce_by_name(&decode(name)))
}

#[pg_extern(sql = false)]
fn drop_view(name: &[u8], if_exists: bool) {
    border(|| view::ddl::drop_view(&decode(name), if_exists));
}

#[pg_extern(sql = false)]
fn compact(name: Option<&[u8]>) -> i64 {
    border(|| view::compact::compact(name.map(decode).as_deref()))
}

#[pg_extern(sql = false)]
fn refresh_view(name: Option<&[u8]>, from_time: Option<TimestampWithTimeZone>, to_time: Option<TimestampWithTimeZone>) {
    let instant = |t: TimestampWithTimeZone| Instant(t.into());
    if let Some(name) = name {
        border(|| view::refresh::by_hand(&decode(name), from_time.map(instant), to_time.map(instant)));
    }
}

#[pg_extern(sql = false)]
fn verify_view(name: &[u8]) -> TableIterator<'static, (name!(missing, i64), name!(extra, i64), name!(different, i64))> {
    TableIterator::once(border(|| view::verify::verify(&decode(name))))
}

#[pg_extern(sql = false)]
fn explain_query(query: &[u8]) -> TableIterator<
    'static,
    (
        name!(column, Option<Vec<u8>>),
        name!(insert, Option<Vec<u8>>),
        name!(update, Option<Vec<u8>>),
        name!(delete, Option<Vec<u8>>),
        name!(note, Option<Vec<u8>>),
    ),
> {
    TableIterator::new(border(|| view::explain::of_query(&decode(query))).into_iter().map(line))
}

#[pg_extern(sql = false)]
fn explain_view(name: &[u8]) -> TableIterator<
    'static,
    (
        name!(column, Option<Vec<u8>>),
        name!(insert, Option<Vec<u8>>),
        name!(update, Option<Vec<u8>>),
        name!(delete, Option<Vec<u8>>),
        name!(note, Option<Vec<u8>>),
    ),
> {
    TableIterator::new(border(|| view::explain::of_view(&decode(name))).into_iter().map(line))
}

fn line((column, insert, update, delete, note): view::explain::Line) -> (Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>) {
    (column.map(text), insert.map(text), update.map(text), delete.map(text), note.map(text))
}

#[pg_extern(sql = false)]
fn view_state(
    view: pg_sys::Oid,
) -> TableIterator<
    'static,
    (
        name!(pending, Option<i64>),
        name!(doubtful, Option<i64>),
        name!(status, String),
        name!(kept, Option<i64>),
        name!(error, Option<Vec<u8>>),
    ),
> {
    let state = border(|| view::state::of(view));
    TableIterator::new(state.map(|(pending, doubtful, status, kept, error)| (pending, doubtful, status, kept, error.map(text))))
}

#[pg_extern(sql = false)]
fn statement_cost(delta: pg_sys::Oid) -> TableIterator<'static, (name!(statements, i64), name!(total_time, f64))> {
    let counted = crate::pg::counters::read(delta);
    TableIterator::new(counted.map(|(statements, nanoseconds)| (statements as i64, nanoseconds as f64 / 1e6)))
}

#[pg_extern(sql = false)]
fn view_query(view: pg_sys::Oid) -> Option<Vec<u8>> {
    border(|| view::state::definition(view)).map(text)
}

#[pg_extern(sql = false)]
fn start_worker() {
    process::start_at_end();
}

#[pg_extern(sql = false)]
fn run_due() -> i64 {
    border(worker::due::run)
}

#[pg_extern(sql = false)]
#[allow(clippy::type_complexity)]
fn refreshes() -> TableIterator<
    'static,
    (
        name!(view, pg_sys::Oid),
        name!(status, &'static str),
        name!(last_refresh_time, Option<TimestampWithTimeZone>),
        name!(last_success_time, Option<TimestampWithTimeZone>),
        name!(last_duration, Option<pgrx::datum::Interval>),
        name!(next_refresh_time, Option<TimestampWithTimeZone>),
        name!(retry, i32),
        name!(exception, Option<Vec<u8>>),
        name!(performance, Option<&'static str>),
    ),
> {
    TableIterator::new(border(worker::show::refreshes).into_iter().map(|r| {
        (
            r.view,
            r.status,
            r.last_refresh.and_then(timestamp),
            r.last_success.and_then(timestamp),
            r.last_duration.map(pgrx::datum::Interval::from_micros),
            r.next_refresh.and_then(timestamp),
            r.retry as i32,
            r.exception.map(text),
            r.performance,
        )
    }))
}

#[pg_extern(sql = false)]
fn refresh_problems() -> TableIterator<'static, (name!(severity, &'static str), name!(view, Option<pg_sys::Oid>), name!(problem, Vec<u8>), name!(hint, Vec<u8>))> {
    TableIterator::new(border(worker::health::problems).into_iter().map(|p| (if p.is_error { "error" } else { "warning" }, p.view, text(p.problem), text(p.hint))))
}

/// None out of range.
fn timestamp(at: Instant) -> Option<TimestampWithTimeZone> {
    TimestampWithTimeZone::try_from(at.0).ok()
}

// What the query's snapshot sees of a view: which branches of its definition answer.
sql_function!("view", "_reading", |call| {
    let open = |i: usize, part: &str| call.datum(i).and_then(|d| probe::open(pg_sys::Oid::from(d.value() as u32), part));
    let (Some(delta), Some(filled)) = (open(0, "delta"), open(1, "filled")) else {
        return Ok(None);
    };
    let kept = if call.nargs() > 2 { open(2, "kept") } else { None };
    Ok(Some(Value::raw(probe::reading(&delta, &filled, kept.as_ref()).into())))
});

// Part of every refreshable view.
sql_function!("view", "_populated", |call| {
    let filled = call.datum(0).map(|d| pg_sys::Oid::from(d.value() as u32));
    Ok(filled.map(|filled| Value::raw(view::refreshable::populated(filled).into())))
});

fn horizon(call: &crate::pg::call::Call) -> Horizon {
    call.datum(0).map(|oid| Horizon::of(pg_sys::Oid::from(oid.value() as u32))).unwrap_or_default()
}

sql_function!("view", "_keeps", |call| Ok(Some(Value::bool(horizon(&call).keeps_any()))));

sql_function!("view", "_is_kept", |call| {
    let bucket = if call.nargs() > 1 { call.datum(1) } else { None };
    Ok(Some(Value::bool(horizon(&call).is_kept(bucket))))
});

sql_function!("view", "_is_gone", |call| Ok(Some(Value::bool(horizon(&call).is_gone(call.datum(1))))));

sql_function!("view", "_first", |call| Ok(call.datum(0).map(Value::raw)));

// The one trigger function of all sources.
sql_function!("view", "_maintain", |call| {
    border(|| view::maintain::maintain(transition::Change::of(call)));
    Ok(Some(Value::raw(pg_sys::Datum::null())))
});

// Of the trigger that says what a source keeps: it is there to be read, not to do anything.
sql_function!("view", "_keep", |_call| Ok(Some(Value::raw(pg_sys::Datum::null()))));

sql_function!("view", "_on_drop", |_call| {
    border(view::ddl::dropped);
    Ok(Some(Value::raw(pg_sys::Datum::null())))
});

sql_function!("view", "_on_change", |call| {
    border(|| view::ddl::changed(Change::of(call)));
    Ok(Some(Value::raw(pg_sys::Datum::null())))
});
