//! `tally.sessions_query`: the query that `tally.sessions` runs, in the cheapest of the ways that PostgreSQL's planner sees.

use super::{not_positive, positive};
use crate::pg::border::border;
use crate::pg::call::{Call, Out, Value};
use crate::pg::catalog;
use crate::pg::encoding;
use crate::pg::error::Fail;
use crate::pg::fmgr::type_name;
use crate::pg::plan::{self, Parameter};
use crate::pg::sql;
use crate::sql_function;
use pg_tally_core::session::{Estimate, Frame, Source, cheapest};
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::{self, Oid};

sql_function!("sessions", "_query", |call| border(|| query(call)));

fn query(call: &Call) -> Out {
    let given = |i: usize, name: &str| {
        call.datum(i).ok_or_else(|| Fail::new(PgSqlErrorCode::ERRCODE_NULL_VALUE_NOT_ALLOWED, format!("{name} must not be null")))
    };
    let relation = Oid::from_u32(given(0, "source")?.value() as u32);
    let name = |i: usize, name: &str| -> Result<String, Fail> {
        given(i, name)?;
        Ok(encoding::decode(call.cstring(i).unwrap_or_default()))
    };
    let (user, time) = (name(1, "user_column")?, name(2, "time_column")?);
    let gap = given(3, "gap")?;
    let parts = call.interval(3).and_then(positive).ok_or_else(not_positive)?;
    let (source, user_type) = source(relation, &user, &time)?;
    // A frame that begins or ends at infinity is open there.
    let frame = Frame {
        from: call.int8(4).is_some_and(|from| from != i64::MIN),
        to: call.int8(5).is_some_and(|to| to != i64::MAX),
        calendar: parts.0 > 0 || parts.1 > 0,
    };
    let parameters = [
        Parameter::Known(pg_sys::INTERVALOID, Some(gap)),
        Parameter::Known(pg_sys::TIMESTAMPTZOID, call.datum(4)),
        Parameter::Known(pg_sys::TIMESTAMPTZOID, call.datum(5)),
        Parameter::Any(user_type),
    ];
    let way = cheapest(&source, frame, |sql| {
        let plan = plan::estimate(sql, &parameters);
        Estimate { cost: plan.cost, rows: plan.rows }
    });
    Ok(Some(Value::bytes(&encoding::encode(&source.query(frame, way)))))
}

/// The source as the query names it, and the type of its users.
fn source(relation: Oid, user: &str, time: &str) -> Result<(Source, Oid), Fail> {
    let name = catalog::readable(relation).ok_or_else(|| {
        Fail::new(PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE, "source is not a table or view")
            .hint("Sessions are made of the rows of a table, a view, a materialized view or a foreign table.")
    })?;
    let column = |column: &str| {
        catalog::column_of(relation, column).ok_or_else(|| {
            Fail::new(
                PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN,
                format!("column \"{column}\" of relation \"{}\" does not exist", catalog::relation_name(relation)),
            )
            .hint("Names of columns are taken as they are given here: with their case, and without double quotes.")
        })
    };
    let (user_type, time_type) = (column(user)?, column(time)?);
    let converted = match catalog::base_type(time_type) {
        pg_sys::TIMESTAMPTZOID => false,
        pg_sys::TIMESTAMPOID | pg_sys::DATEOID => true,
        _ => {
            return Err(Fail::new(
                PgSqlErrorCode::ERRCODE_DATATYPE_MISMATCH,
                format!("column \"{time}\" of type {} is not a time", type_name(time_type)),
            )
            .hint("The time column is a timestamptz, a timestamp or a date. For another, make a view that casts it, and give that."));
        }
    };
    let (equal, greater) = catalog::equal_and_greater(user_type);
    let source = Source {
        relation: name,
        user: sql::identifier(user),
        time: sql::identifier(time),
        converted,
        collectable: !catalog::is_array(user_type),
        equal,
        greater,
        sessionize: format!("{}.sessionize", sql::identifier(&catalog::extension_schema())),
    };
    Ok((source, user_type))
}
