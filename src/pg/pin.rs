//! Making explicit what depends on the session's TimeZone, so that every session writes and reads the same.

use super::query::Query;
use super::tree::{Node, list, tag};
use pgrx::pg_sys::{self, NodeTag, Oid};

// pg_proc.dat; these numbers are fixed for ever.
const TRUNC_TZ: u32 = 1217;
const TRUNC_TZ_ZONE: u32 = 1284;
const DATE_OF_TZ: u32 = 1178;
const DATE_OF_TIMESTAMP: u32 = 2029;
const TIMESTAMP_OF_TZ: u32 = 2027;
const TIMESTAMP_OF_DATE: u32 = 2024;
const TIME_OF_TZ: u32 = 2019;
const TIME_OF_TIMESTAMP: u32 = 1316;
const TZ_OF_DATE: u32 = 1174;
const TZ_OF_TIMESTAMP: u32 = 2028;
const EXTRACT_TZ: u32 = 6203;
const EXTRACT_TIMESTAMP: u32 = 6202;
const PART_TZ: u32 = 1171;
const PART_TIMESTAMP: u32 = 2021;
const AT_ZONE_OF_TZ: u32 = 1159;
const AT_ZONE_OF_TIMESTAMP: u32 = 2069;
const TZ_PLUS_INTERVAL: u32 = 1189;
const TZ_MINUS_INTERVAL: u32 = 1190;

/// Rewrites the query; gives (before, after) as SQL for each place.
pub fn pin_time_zone(query: Query, zone: &str) -> Vec<(String, String)> {
    let mut changed = vec![];
    let Some(source) = query.source() else { return changed };
    query.rewrite(&mut |n| pinned(n, zone, source.relation, &mut changed));
    changed
}

/// The node with everything in it made explicit, if the node itself depends on TimeZone.
fn pinned(n: *mut pg_sys::Node, zone: &str, source: Oid, changed: &mut Vec<(String, String)>) -> Option<*mut pg_sys::Node> {
    let explicit = unsafe { explicit(n, zone) }?;
    let change = (shown(Node(n), source), shown(Node(explicit), source));
    if !changed.contains(&change) {
        changed.push(change);
    }
    Some(super::tree::rewrite_children(explicit, &mut |inner| pinned(inner, zone, source, changed)))
}

/// Columns without their table: the range table index of the only table need not be 1 here.
fn shown(node: Node, relation: Oid) -> String {
    unsafe {
        let copy = pg_sys::copyObjectImpl(node.0.cast()).cast::<pg_sys::Node>();
        for number in 1..=20 {
            pg_sys::ChangeVarNodes(copy, number, 1, 0);
        }
        super::encoding::text(pg_sys::deparse_expression(copy, pg_sys::deparse_context_for(c"s".as_ptr(), relation), false, false))
    }
}

/// Whether a call of a function that is only stable still gives the same in every session.
pub(super) fn is_fixed(n: *mut pg_sys::Node, function: Oid) -> bool {
    match function.to_u32() {
        TRUNC_TZ_ZONE => true,
        EXTRACT_TZ | PART_TZ => arguments(n).first().is_some_and(|field| field.constant_text().is_some_and(|t| t.eq_ignore_ascii_case("epoch"))),
        TZ_PLUS_INTERVAL | TZ_MINUS_INTERVAL => arguments(n).get(1).and_then(|i| i.constant_interval()).is_some_and(|(months, days, _)| months == 0 && days == 0),
        _ => false,
    }
}

fn arguments(n: *mut pg_sys::Node) -> Vec<Node> {
    unsafe {
        let all = match tag(n) {
            NodeTag::T_FuncExpr => (*n.cast::<pg_sys::FuncExpr>()).args,
            NodeTag::T_OpExpr => (*n.cast::<pg_sys::OpExpr>()).args,
            _ => return vec![],
        };
        list::<pg_sys::Node>(all).into_iter().map(Node).collect()
    }
}

/// The explicit form of a node that depends on TimeZone, if there is one.
unsafe fn explicit(n: *mut pg_sys::Node, zone: &str) -> Option<*mut pg_sys::Node> {
    unsafe {
        let function = match tag(n) {
            NodeTag::T_FuncExpr => (*n.cast::<pg_sys::FuncExpr>()).funcid,
            NodeTag::T_OpExpr => pg_sys::get_opcode((*n.cast::<pg_sys::OpExpr>()).opno),
            _ => return None,
        };
        let args = arguments(n);
        let zone = Node(text_constant(zone));
        let local = |x: Node| call(AT_ZONE_OF_TZ, &[zone, x], pg_sys::TIMESTAMPOID);
        let global = |x: Node| call(AT_ZONE_OF_TIMESTAMP, &[zone, x], pg_sys::TIMESTAMPTZOID);
        Some(
            match function.to_u32() {
                TRUNC_TZ => call(TRUNC_TZ_ZONE, &[args[0], args[1], zone], pg_sys::TIMESTAMPTZOID),
                DATE_OF_TZ => call(DATE_OF_TIMESTAMP, &[local(args[0])], pg_sys::DATEOID),
                TIMESTAMP_OF_TZ => local(args[0]),
                TIME_OF_TZ => call(TIME_OF_TIMESTAMP, &[local(args[0])], pg_sys::TIMEOID),
                TZ_OF_DATE => global(call(TIMESTAMP_OF_DATE, &[args[0]], pg_sys::TIMESTAMPOID)),
                TZ_OF_TIMESTAMP => global(args[0]),
                EXTRACT_TZ | PART_TZ => {
                    let field = args[0].constant_text()?.to_ascii_lowercase();
                    // An epoch is the same in every zone, and the zone itself cannot be told from a local time.
                    if field == "epoch" || field.starts_with("timezone") {
                        return None;
                    }
                    let of_timestamp = if function.to_u32() == EXTRACT_TZ { EXTRACT_TIMESTAMP } else { PART_TIMESTAMP };
                    call(of_timestamp, &[args[0], local(args[1])], Node(n).type_oid())
                }
                TZ_PLUS_INTERVAL | TZ_MINUS_INTERVAL => {
                    let (months, days, micros) = args[1].constant_interval()?;
                    // Months and days are added in local time, hours in absolute time: only one of the two can be written down.
                    if micros != 0 || (months == 0 && days == 0) {
                        return None;
                    }
                    let name = if function.to_u32() == TZ_PLUS_INTERVAL { pg_sys::Oid::from(2032) } else { pg_sys::Oid::from(2033) };
                    global(call(name.to_u32(), &[local(args[0]), args[1]], pg_sys::TIMESTAMPOID))
                }
                _ => return None,
            }
            .0,
        )
    }
}

fn call(function: u32, args: &[Node], result: Oid) -> Node {
    unsafe {
        let mut all: *mut pg_sys::List = std::ptr::null_mut();
        for arg in args {
            all = pg_sys::lappend(all, arg.0.cast());
        }
        Node(
            pg_sys::makeFuncExpr(
                Oid::from(function),
                result,
                all,
                pg_sys::InvalidOid,
                pg_sys::DEFAULT_COLLATION_OID,
                pg_sys::CoercionForm::COERCE_EXPLICIT_CALL,
            )
            .cast(),
        )
    }
}

fn text_constant(value: &str) -> *mut pg_sys::Node {
    let value = super::encoding::c(value);
    unsafe {
        let datum = pg_sys::Datum::from(pg_sys::cstring_to_text(value.as_ptr()));
        pg_sys::makeConst(pg_sys::TEXTOID, -1, pg_sys::DEFAULT_COLLATION_OID, -1, datum, false, false).cast()
    }
}
