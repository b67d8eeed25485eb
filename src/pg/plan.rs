//! What PostgreSQL's planner takes a query to cost.

use super::encoding::c;
use super::tree::{list, tag};
use pgrx::pg_sys::{self, Datum, NodeTag, Oid};

/// A parameter of a query that is only planned.
#[derive(Clone, Copy)]
pub enum Parameter {
    /// Estimates may go by the value; None is NULL.
    Known(Oid, Option<Datum>),
    /// Some value of this type.
    Any(Oid),
}

/// In the planner's units.
#[derive(Clone, Copy, Debug)]
pub struct Estimate {
    pub cost: f64,
    pub rows: f64,
}

/// Plans one SELECT in the name of the current user. PostgreSQL's own errors are raised as they are.
pub fn estimate(sql: &str, parameters: &[Parameter]) -> Estimate {
    let source = c(sql);
    let types: Vec<Oid> = parameters.iter().map(|p| match *p { Parameter::Known(t, _) | Parameter::Any(t) => t }).collect();
    unsafe {
        let bound = pg_sys::makeParamList(parameters.len() as i32);
        let slots = (*bound).params.as_mut_ptr();
        for (i, parameter) in parameters.iter().enumerate() {
            // A slot without a type is one that the planner does not look into.
            let mut slot = pg_sys::ParamExternData::default();
            if let Parameter::Known(type_oid, value) = *parameter {
                slot.ptype = type_oid;
                slot.isnull = value.is_none();
                slot.value = value.unwrap_or(Datum::null());
                slot.pflags = pg_sys::PARAM_FLAG_CONST as u16;
            }
            slots.add(i).write(slot);
        }
        let nothing = Estimate { cost: f64::INFINITY, rows: 0.0 };
        let statements = list::<pg_sys::RawStmt>(pg_sys::raw_parser(source.as_ptr(), pg_sys::RawParseMode::RAW_PARSE_DEFAULT));
        let [statement] = statements[..] else { return nothing };
        let count = parameters.len() as i32;
        let rewritten = pg_sys::pg_analyze_and_rewrite_fixedparams(statement, source.as_ptr(), types.as_ptr(), count, std::ptr::null_mut());
        let [query] = list::<pg_sys::Query>(rewritten)[..] else { return nothing };
        if (*query).commandType != pg_sys::CmdType::CMD_SELECT {
            return nothing;
        }
        let planned = pg_sys::pg_plan_query(query, source.as_ptr(), pg_sys::CURSOR_OPT_PARALLEL_OK as i32, bound);
        debug_assert_eq!(tag(planned.cast()), NodeTag::T_PlannedStmt);
        let plan = (*planned).planTree;
        Estimate { cost: (*plan).total_cost, rows: (*plan).plan_rows }
    }
}
