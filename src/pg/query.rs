//! A query as PostgreSQL analysed it: its parts, and what in it a view cannot have.

use super::encoding::{c, text};
use super::tree::{Aggregate, Node, Visit, list, tag, walk};
use pg_tally_core::view::Feature;
use pgrx::pg_sys::{self, NodeTag};
use std::ffi::c_void;

/// An analysed SELECT, in the memory context that was current when it was made.
#[derive(Clone, Copy)]
pub struct Query(*mut pg_sys::Query);

/// Something that stands in the way of incremental maintenance, and where (byte offset, or negative).
pub struct Found {
    pub feature: Feature,
    pub what: String,
    pub location: i32,
}

/// The one table that the query reads.
#[derive(Clone, Copy)]
pub struct Source {
    pub relation: pg_sys::Oid,
    index: i32,
    only: bool,
    sampled: bool,
    kind: u8,
}

impl Query {
    /// Parses and analyses with the current search_path and user; PostgreSQL's own errors are raised as they are.
    /// None if the text is anything but one SELECT.
    pub fn parse(sql: &str) -> Option<Query> {
        let source = c(sql);
        unsafe {
            let statements = list::<pg_sys::RawStmt>(pg_sys::raw_parser(source.as_ptr(), pg_sys::RawParseMode::RAW_PARSE_DEFAULT));
            let [statement] = statements[..] else { return None };
            if tag((*statement).stmt) != NodeTag::T_SelectStmt {
                return None;
            }
            // The tree keeps pointers into nothing of `source`, but error positions need it until here only.
            let query = pg_sys::parse_analyze_fixedparams(statement, source.as_ptr(), std::ptr::null(), 0, std::ptr::null_mut());
            if (*query).commandType != pg_sys::CmdType::CMD_SELECT || !(*query).utilityStmt.is_null() {
                return None;
            }
            Some(Query(query).flattened())
        }
    }

    /// The query behind a view; a copy. None if the view is gone, perhaps while we waited for its lock.
    pub fn of_view(view: pg_sys::Oid) -> Option<Query> {
        unsafe {
            let relation = pg_sys::try_relation_open(view, pg_sys::AccessShareLock as i32);
            if relation.is_null() {
                return None;
            }
            let query = pg_sys::copyObjectImpl(pg_sys::get_view_query(relation).cast()).cast();
            // Not kept until the transaction ends: a writer that did would be waited for by DROP VIEW, and could wait for it.
            pg_sys::relation_close(relation, pg_sys::AccessShareLock as i32);
            Some(Query(query).flattened())
        }
    }

    /// Since PostgreSQL 18 grouped expressions are kept apart, and what uses them refers to them there: put them back.
    #[cfg(feature = "pg18")]
    fn flattened(self) -> Query {
        unsafe {
            let q = self.0;
            if (*q).hasGroupRTE {
                (*q).targetList = pg_sys::flatten_group_exprs(std::ptr::null_mut(), q, (*q).targetList.cast()).cast();
                (*q).havingQual = pg_sys::flatten_group_exprs(std::ptr::null_mut(), q, (*q).havingQual);
            }
        }
        self
    }
    #[cfg(not(feature = "pg18"))]
    fn flattened(self) -> Query {
        self
    }

    /// Whether it reads a temporary table or view.
    pub fn is_temporary(self) -> bool {
        unsafe { pg_sys::isQueryUsingTempRelation(self.0) }
    }

    /// Whether an INSERT, UPDATE or DELETE is in its WITH.
    pub fn writes(self) -> bool {
        unsafe { (*self.0).hasModifyingCTE }
    }

    pub fn deparse(self) -> String {
        // The deparser scribbles on its argument.
        unsafe { text(pg_sys::pg_get_querydef(pg_sys::copyObjectImpl(self.0.cast()).cast(), false)) }
    }

    fn range_entry(self, index: i32) -> *mut pg_sys::RangeTblEntry {
        unsafe { list::<pg_sys::RangeTblEntry>((*self.0).rtable)[index as usize - 1] }
    }

    /// The table in FROM, if there is exactly one and nothing else.
    pub fn source(self) -> Option<Source> {
        unsafe {
            let items = list::<pg_sys::Node>((*(*self.0).jointree).fromlist);
            let [item] = items[..] else { return None };
            if tag(item) != NodeTag::T_RangeTblRef {
                return None;
            }
            let index = (*item.cast::<pg_sys::RangeTblRef>()).rtindex;
            let entry = self.range_entry(index);
            ((*entry).rtekind == pg_sys::RTEKind::RTE_RELATION).then(|| Source {
                relation: (*entry).relid,
                index,
                only: !(*entry).inh,
                sampled: !(*entry).tablesample.is_null(),
                kind: (*entry).relkind as u8,
            })
        }
    }

    /// Makes the source's columns those of range table entry 1, which all that follows expects. Deparsing is over after this.
    pub fn renumbered(self) -> Query {
        if let Some(source) = self.source().filter(|s| s.index != 1) {
            unsafe {
                for part in [(*self.0).targetList.cast(), (*self.0).havingQual, (*(*self.0).jointree).quals] {
                    pg_sys::ChangeVarNodes(part, source.index, 1, 0);
                }
            }
        }
        self
    }

    pub fn filter(self) -> Option<Node> {
        unsafe { node((*(*self.0).jointree).quals) }
    }
    pub fn having(self) -> Option<Node> {
        unsafe { node((*self.0).havingQual) }
    }

    /// The columns of the result.
    pub fn targets(self) -> Vec<(String, Node)> {
        self.entries().into_iter().filter(|t| unsafe { !(**t).resjunk }).map(|t| unsafe { (text((*t).resname), Node((*t).expr.cast())) }).collect()
    }

    fn entries(self) -> Vec<*mut pg_sys::TargetEntry> {
        unsafe { list((*self.0).targetList) }
    }

    /// The grouped expressions with their equality operators. A column that depends on a grouped primary key counts as grouped.
    pub fn keys(self) -> Vec<(Node, pg_sys::Oid)> {
        let mut keys: Vec<(Node, pg_sys::Oid)> = vec![];
        unsafe {
            for clause in list::<pg_sys::SortGroupClause>((*self.0).groupClause) {
                let entry = self.entries().into_iter().find(|t| (**t).ressortgroupref == (*clause).tleSortGroupRef);
                if let Some(entry) = entry {
                    let expr = Node((*entry).expr.cast());
                    if !keys.iter().any(|(k, _)| k.equals(expr)) {
                        keys.push((expr, (*clause).eqop));
                    }
                }
            }
            let grouped: Vec<Node> = keys.iter().map(|(k, _)| *k).collect();
            let rest = self.targets().into_iter().map(|(_, n)| n).chain(self.having());
            for column in rest.flat_map(|n| n.loose_columns(&grouped)) {
                if !keys.iter().any(|(k, _)| k.equals(column)) {
                    keys.push((column, equality_of(column.type_oid())));
                }
            }
        }
        keys
    }

    /// Where a column of the source is used first.
    pub fn location_of_column(self, number: i16) -> Option<i32> {
        let mut location = None;
        for expr in self.expressions() {
            walk(expr, &mut |n| unsafe {
                let var = n.cast::<pg_sys::Var>();
                if tag(n) == NodeTag::T_Var && (*var).varattno == number && location.is_none() {
                    location = Some((*var).location);
                }
                Visit::Into
            });
        }
        location
    }

    pub fn aggregates(self) -> Vec<Aggregate> {
        let mut all = vec![];
        for (_, target) in self.targets() {
            target.aggregates(&mut all);
        }
        if let Some(having) = self.having() {
            having.aggregates(&mut all);
        }
        all
    }

    /// The types of all that the query computes with, as `Node::types`.
    pub fn types(self, all: &mut Vec<pg_sys::Oid>) {
        self.expressions().for_each(|node| Node(node).types(all));
    }

    fn expressions(self) -> impl Iterator<Item = *mut pg_sys::Node> {
        let quals = unsafe { (*(*self.0).jointree).quals };
        let having = unsafe { (*self.0).havingQual };
        self.entries().into_iter().map(|t| unsafe { (*t).expr.cast::<pg_sys::Node>() }).chain([quals, having]).filter(|n| !n.is_null())
    }

    /// Rewrites every expression of the query in place.
    pub(super) fn rewrite(self, replacer: &mut dyn FnMut(*mut pg_sys::Node) -> Option<*mut pg_sys::Node>) {
        unsafe {
            for entry in self.entries() {
                (*entry).expr = super::tree::rewrite((*entry).expr.cast(), replacer).cast();
            }
            let tree = (*self.0).jointree;
            (*tree).quals = super::tree::rewrite((*tree).quals, replacer);
            (*self.0).havingQual = super::tree::rewrite((*self.0).havingQual, replacer);
        }
    }

    /// What of the query's shape cannot be maintained.
    pub fn refused_shape(self) -> Vec<Found> {
        let mut found = vec![];
        let mut add = |feature, what: &str, location| found.push(Found { feature, what: what.into(), location });
        unsafe {
            let q = self.0;
            if !(*q).setOperations.is_null() {
                add(Feature::SetOperation, "UNION, INTERSECT or EXCEPT", -1);
                return found;
            }
            for cte in list::<pg_sys::CommonTableExpr>((*q).cteList) {
                add(Feature::With, &format!("WITH {}", text((*cte).ctename)), (*cte).location);
            }
            if !(*q).distinctClause.is_null() {
                add(Feature::Distinct, if (*q).hasDistinctOn { "DISTINCT ON" } else { "DISTINCT" }, -1);
            }
            if !(*q).groupingSets.is_null() {
                add(Feature::GroupingSets, "GROUPING SETS", -1);
            }
            if !(*q).sortClause.is_null() {
                let clause = list::<pg_sys::SortGroupClause>((*q).sortClause)[0];
                let entry = self.entries().into_iter().find(|t| (**t).ressortgroupref == (*clause).tleSortGroupRef);
                add(Feature::OrderBy, "ORDER BY", entry.map_or(-1, |t| pg_sys::exprLocation((*t).expr.cast())));
            }
            if !(*q).limitCount.is_null() || !(*q).limitOffset.is_null() {
                let (what, at) = if (*q).limitCount.is_null() { ("OFFSET", (*q).limitOffset) } else { ("LIMIT", (*q).limitCount) };
                add(Feature::Limit, what, pg_sys::exprLocation(at));
            }
            if !(*q).rowMarks.is_null() {
                add(Feature::Locking, "FOR UPDATE or FOR SHARE", -1);
            }
            if (*q).hasTargetSRFs {
                for expr in self.expressions().filter(|e| pg_sys::expression_returns_set(*e)) {
                    add(Feature::SetReturning, "a set-returning function", pg_sys::exprLocation(expr));
                }
            }
            match self.source() {
                None => self.refused_from(&mut add),
                Some(source) => {
                    let name = text(pg_sys::get_rel_name(source.relation));
                    if source.only {
                        add(Feature::Only, &format!("ONLY {name}"), -1);
                    }
                    if source.sampled {
                        add(Feature::TableSample, "TABLESAMPLE", -1);
                    }
                    if source.kind == pg_sys::RELKIND_VIEW {
                        add(Feature::ViewSource, &format!("view \"{name}\""), -1);
                    } else if source.kind != pg_sys::RELKIND_RELATION && source.kind != pg_sys::RELKIND_PARTITIONED_TABLE {
                        add(Feature::RelationKind, &format!("\"{name}\""), -1);
                    }
                }
            }
            if !(*q).hasAggs && (*q).groupClause.is_null() && (*q).distinctClause.is_null() && !(*q).hasWindowFuncs {
                add(Feature::NoGroups, "a query without groups", -1);
            }
            for expr in self.expressions() {
                walk(expr, &mut |n| {
                    match tag(n) {
                        NodeTag::T_SubLink => add(Feature::Subquery, "a subquery", pg_sys::exprLocation(n)),
                        NodeTag::T_WindowFunc => {
                            let name = text(pg_sys::get_func_name((*n.cast::<pg_sys::WindowFunc>()).winfnoid));
                            add(Feature::Window, &format!("window function {name}"), pg_sys::exprLocation(n));
                        }
                        NodeTag::T_Var => {
                            let var = n.cast::<pg_sys::Var>();
                            if (*var).varattno < 0 {
                                add(Feature::SystemColumn, "a system column", (*var).location);
                            } else if (*var).varattno == 0 {
                                add(Feature::WholeRow, "a whole row", (*var).location);
                            }
                        }
                        _ => return if tag(n) == NodeTag::T_SubLink { Visit::Over } else { Visit::Into },
                    }
                    Visit::Over
                });
            }
        }
        found
    }

    unsafe fn refused_from(self, add: &mut dyn FnMut(Feature, &str, i32)) {
        unsafe {
            let items = list::<pg_sys::Node>((*(*self.0).jointree).fromlist);
            match items[..] {
                [] => add(Feature::FromItem, "a query without FROM", -1),
                [item] if tag(item) == NodeTag::T_RangeTblRef => {
                    let entry = self.range_entry((*item.cast::<pg_sys::RangeTblRef>()).rtindex);
                    let what = match (*entry).rtekind {
                        pg_sys::RTEKind::RTE_SUBQUERY => "a subquery in FROM",
                        pg_sys::RTEKind::RTE_FUNCTION | pg_sys::RTEKind::RTE_TABLEFUNC => "a function in FROM",
                        pg_sys::RTEKind::RTE_VALUES => "VALUES in FROM",
                        pg_sys::RTEKind::RTE_CTE => return,
                        _ => "this item in FROM",
                    };
                    add(Feature::FromItem, what, -1);
                }
                _ => add(Feature::Join, "a join", -1),
            }
        }
    }

    /// Calls of functions that are not immutable. To be asked after settings have been made explicit.
    pub fn refused_functions(self) -> Vec<Found> {
        let mut found: Vec<Found> = vec![];
        let (relation, alias) = match self.source() {
            Some(s) => (s.relation, unsafe { text((*(*self.range_entry(s.index)).eref).aliasname) }),
            None => return found,
        };
        let index = self.source().map_or(1, |s| s.index);
        let mut add = |feature, n: *mut pg_sys::Node| unsafe {
            let copy = pg_sys::copyObjectImpl(n.cast()).cast::<pg_sys::Node>();
            pg_sys::ChangeVarNodes(copy, index, 1, 0);
            let what = Node(copy).deparse_plain(relation, &alias);
            let location = pg_sys::exprLocation(n);
            if !found.iter().any(|f| f.what == what) {
                found.push(Found { feature, what, location });
            }
        };
        for expr in self.expressions() {
            walk(expr, &mut |n| unsafe {
                let changing = volatility(n);
                let feature = match changing {
                    _ if tag(n) == NodeTag::T_SQLValueFunction => {
                        let op = (*n.cast::<pg_sys::SQLValueFunction>()).op;
                        if op >= pg_sys::SQLValueFunctionOp::SVFOP_CURRENT_ROLE { Feature::Setting } else { Feature::Clock }
                    }
                    _ if tag(n) == NodeTag::T_NextValueExpr => Feature::Volatile,
                    Some((_, b'v')) => Feature::Volatile,
                    Some((function, b's')) if is_clock(function) => Feature::Clock,
                    // What depends on the clock inside is to be named itself.
                    Some((function, b's')) if !super::pin::is_fixed(n, function) && !asks_the_clock(n) => Feature::Setting,
                    _ => return Visit::Into,
                };
                add(feature, n);
                Visit::Over
            });
        }
        // What is computed of groups is computed anew by every reader, with the reader's settings.
        let kept = self.keys().into_iter().map(|(key, _)| key).chain(self.filter()).chain(self.aggregates().into_iter().map(|a| a.node));
        for expr in kept {
            walk(expr.0, &mut |n| unsafe {
                if !writes_by_settings(n) {
                    return Visit::Into;
                }
                add(Feature::Output, n);
                Visit::Over
            });
        }
        found
    }
}

impl Node {
    /// As a user would write it: columns without the table's name.
    fn deparse_plain(self, relation: pg_sys::Oid, alias: &str) -> String {
        let alias = c(alias);
        unsafe { text(pg_sys::deparse_expression(self.0, pg_sys::deparse_context_for(alias.as_ptr(), relation), false, false)) }
    }
}

unsafe fn node(n: *mut pg_sys::Node) -> Option<Node> {
    (!n.is_null()).then_some(Node(n))
}

/// now(), transaction_timestamp() and their like: PostgreSQL calls them stable, as it calls what depends on a setting.
fn is_clock(function: pg_sys::Oid) -> bool {
    let name = unsafe { text(pg_sys::get_func_name(function)) };
    matches!(name.as_str(), "now" | "transaction_timestamp" | "statement_timestamp" | "age")
}

fn asks_the_clock(n: *mut pg_sys::Node) -> bool {
    let mut asks = false;
    walk(n, &mut |inner| unsafe {
        let clock = tag(inner) == NodeTag::T_SQLValueFunction && (*inner.cast::<pg_sys::SQLValueFunction>()).op < pg_sys::SQLValueFunctionOp::SVFOP_CURRENT_ROLE;
        asks |= clock || volatility(inner).is_some_and(|(function, _)| is_clock(function));
        Visit::Into
    });
    asks
}

struct Worst {
    function: pg_sys::Oid,
    volatility: u8,
}

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn look(function: pg_sys::Oid, context: *mut c_void) -> bool {
    unsafe {
        let worst = &mut *context.cast::<Worst>();
        let volatility = pg_sys::func_volatile(function) as u8;
        if volatility == b'v' || (volatility == b's' && worst.volatility == b'i') {
            *worst = Worst { function, volatility };
        }
    }
    false
}

/// The least steady function that the node itself calls, unless all are immutable.
unsafe fn volatility(n: *mut pg_sys::Node) -> Option<(pg_sys::Oid, u8)> {
    let mut worst = Worst { function: pg_sys::InvalidOid, volatility: b'i' };
    unsafe { pg_sys::check_functions_in_node(n, Some(look), (&raw mut worst).cast()) };
    (worst.volatility != b'i').then_some((worst.function, worst.volatility))
}

/// Output functions of bytea, floats and geometric types: PostgreSQL calls them immutable, but what they write depends on `bytea_output` and
/// `extra_float_digits` (and in XML on `xmlbinary`).
const WRITE_BY_SETTINGS: [u32; 10] = [31, 118, 120, 122, 124, 201, 215, 348, 1451, 1491];

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn is_one_of_them(function: pg_sys::Oid, _context: *mut c_void) -> bool {
    WRITE_BY_SETTINGS.contains(&function.to_u32())
}

/// Whether the node itself makes text of a value of such a type.
unsafe fn writes_by_settings(n: *mut pg_sys::Node) -> bool {
    unsafe {
        if tag(n) == NodeTag::T_XmlExpr {
            let xml = n.cast::<pg_sys::XmlExpr>();
            let written = list::<pg_sys::Node>((*xml).args).into_iter().chain(list::<pg_sys::Node>((*xml).named_args));
            return written.into_iter().any(|value| {
                let (mut output, mut is_varlena) = (pg_sys::InvalidOid, false);
                pg_sys::getTypeOutputInfo(pg_sys::exprType(value), &mut output, &mut is_varlena);
                WRITE_BY_SETTINGS.contains(&output.to_u32())
            });
        }
        pg_sys::check_functions_in_node(n, Some(is_one_of_them), std::ptr::null_mut())
    }
}

/// The default equality operator of a type.
pub fn equality_of(type_oid: pg_sys::Oid) -> pg_sys::Oid {
    unsafe { (*pg_sys::lookup_type_cache(type_oid, pg_sys::TYPECACHE_EQ_OPR as i32)).eq_opr }
}
