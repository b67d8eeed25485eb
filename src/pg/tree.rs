//! PostgreSQL's expression trees: looked at, compared, rewritten and written out, never built from text.

use super::encoding::{c, text};
use pgrx::pg_sys::{self, NodeTag};
use std::ffi::c_void;
use std::ops::Range;

/// An expression of an analysed query. It lives as long as the memory context that it was made in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node(pub(super) *mut pg_sys::Node);

/// A call of an aggregate in a query.
pub struct Aggregate {
    pub node: Node,
    pub function: pg_sys::Oid,
    pub name: String,
    pub namespace: pg_sys::Oid,
    pub arguments: Vec<Node>,
    pub filter: Option<Node>,
    /// The collation by which it compares.
    pub collation: pg_sys::Oid,
    pub star: bool,
    pub distinct: bool,
    pub ordered: bool,
}

/// The elements of a list of pointers.
pub(super) unsafe fn list<T>(list: *mut pg_sys::List) -> Vec<*mut T> {
    if list.is_null() {
        return vec![];
    }
    unsafe { (0..(*list).length as usize).map(|i| (*(*list).elements.add(i)).ptr_value.cast::<T>()).collect() }
}

pub(super) unsafe fn tag(node: *mut pg_sys::Node) -> NodeTag {
    unsafe { (*node).type_ }
}

/// What a visitor wants next.
pub enum Visit {
    Into,
    Over,
}

type Visitor<'a> = &'a mut dyn FnMut(*mut pg_sys::Node) -> Visit;

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn visit(node: *mut pg_sys::Node, context: *mut c_void) -> bool {
    if node.is_null() {
        return false;
    }
    unsafe {
        let visitor = &mut *context.cast::<Visitor>();
        match visitor(node) {
            Visit::Into => pg_sys::expression_tree_walker(node, Some(visit), context),
            Visit::Over => false,
        }
    }
}

pub(super) fn walk(node: *mut pg_sys::Node, visitor: &mut dyn FnMut(*mut pg_sys::Node) -> Visit) {
    let mut visitor: Visitor = visitor;
    unsafe { visit(node, (&raw mut visitor).cast()) };
}

type Replacer<'a> = &'a mut dyn FnMut(*mut pg_sys::Node) -> Option<*mut pg_sys::Node>;

#[pgrx::pg_guard]
unsafe extern "C-unwind" fn replace(node: *mut pg_sys::Node, context: *mut c_void) -> *mut pg_sys::Node {
    if node.is_null() {
        return node;
    }
    unsafe {
        let replacer = &mut *context.cast::<Replacer>();
        match replacer(node) {
            Some(other) => other,
            None => mutate(node, context),
        }
    }
}

#[cfg(any(feature = "pg15", feature = "pg16", feature = "pg17"))]
unsafe fn mutate(node: *mut pg_sys::Node, context: *mut c_void) -> *mut pg_sys::Node {
    type Callback = unsafe extern "C-unwind" fn(*mut pg_sys::Node, *mut c_void) -> *mut pg_sys::Node;
    unsafe {
        // Declared without its parameters before PostgreSQL 16; the function is called with both.
        #[cfg(feature = "pg15")]
        return pg_sys::expression_tree_mutator(
            node,
            Some(std::mem::transmute::<Callback, unsafe extern "C-unwind" fn() -> *mut pg_sys::Node>(replace)),
            context,
        );
        #[cfg(not(feature = "pg15"))]
        return pg_sys::expression_tree_mutator_impl(node, Some(replace as Callback), context);
    }
}

#[cfg(feature = "pg18")]
unsafe fn mutate(node: *mut pg_sys::Node, context: *mut c_void) -> *mut pg_sys::Node {
    unsafe { pg_sys::expression_tree_mutator_impl(node, Some(replace), context) }
}

pub(super) fn rewrite(node: *mut pg_sys::Node, replacer: &mut dyn FnMut(*mut pg_sys::Node) -> Option<*mut pg_sys::Node>) -> *mut pg_sys::Node {
    let mut replacer: Replacer = replacer;
    unsafe { replace(node, (&raw mut replacer).cast()) }
}

/// As `rewrite`, for all that is below the node itself.
pub(super) fn rewrite_children(node: *mut pg_sys::Node, replacer: &mut dyn FnMut(*mut pg_sys::Node) -> Option<*mut pg_sys::Node>) -> *mut pg_sys::Node {
    let mut replacer: Replacer = replacer;
    unsafe { mutate(node, (&raw mut replacer).cast()) }
}

impl Node {
    pub fn type_oid(self) -> pg_sys::Oid {
        unsafe { pg_sys::exprType(self.0) }
    }
    pub fn typmod(self) -> i32 {
        unsafe { pg_sys::exprTypmod(self.0) }
    }
    pub fn collation(self) -> pg_sys::Oid {
        unsafe { pg_sys::exprCollation(self.0) }
    }
    /// Byte offset in the query's text, or negative.
    pub fn location(self) -> i32 {
        unsafe { pg_sys::exprLocation(self.0) }
    }
    pub fn equals(self, other: Node) -> bool {
        unsafe { pg_sys::equal(self.0.cast(), other.0.cast()) }
    }

    /// The expression as SQL, over the columns of `relation`, which is called `alias`.
    pub fn deparse(self, relation: pg_sys::Oid, alias: &str) -> String {
        let alias = c(alias);
        unsafe {
            let context = pg_sys::deparse_context_for(alias.as_ptr(), relation);
            text(pg_sys::deparse_expression(self.0, context, true, false))
        }
    }

    /// The number of a column that is all the expression.
    pub fn column(self) -> Option<i16> {
        unsafe { (tag(self.0) == NodeTag::T_Var).then(|| (*self.0.cast::<pg_sys::Var>()).varattno).filter(|number| *number > 0) }
    }

    /// A call of a plain function: its oid and arguments.
    pub fn call(self) -> Option<(pg_sys::Oid, Vec<Node>)> {
        unsafe {
            (tag(self.0) == NodeTag::T_FuncExpr).then(|| {
                let call = self.0.cast::<pg_sys::FuncExpr>();
                ((*call).funcid, list::<pg_sys::Node>((*call).args).into_iter().map(Node).collect())
            })
        }
    }

    /// A constant's value in text form.
    pub fn constant_text(self) -> Option<String> {
        unsafe {
            if tag(self.0) != NodeTag::T_Const {
                return None;
            }
            let value = self.0.cast::<pg_sys::Const>();
            if (*value).constisnull {
                return None;
            }
            let (mut output, mut varlena) = (pg_sys::InvalidOid, false);
            pg_sys::getTypeOutputInfo((*value).consttype, &mut output, &mut varlena);
            Some(text(pg_sys::OidOutputFunctionCall(output, (*value).constvalue)))
        }
    }

    /// A constant interval's months, days and microseconds.
    pub fn constant_interval(self) -> Option<(i32, i32, i64)> {
        unsafe {
            if tag(self.0) != NodeTag::T_Const || self.type_oid() != pg_sys::INTERVALOID {
                return None;
            }
            let value = self.0.cast::<pg_sys::Const>();
            if (*value).constisnull {
                return None;
            }
            let i = (*value).constvalue.cast_mut_ptr::<pg_sys::Interval>();
            Some(((*i).month, (*i).day, (*i).time))
        }
    }

    /// The numbers of the columns that the expression reads (0: the whole row; negative: system columns).
    pub fn columns(self) -> Vec<i16> {
        let mut all = vec![];
        walk(self.0, &mut |node| unsafe {
            if tag(node) == NodeTag::T_Var {
                all.push((*node.cast::<pg_sys::Var>()).varattno);
            }
            Visit::Into
        });
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The types of all that is in the expression, but for subqueries. A record that is made in it has its parts in it too; of any other it says only that it is one.
    pub fn types(self, all: &mut Vec<pg_sys::Oid>) {
        walk(self.0, &mut |node| unsafe {
            if tag(node) == NodeTag::T_Query {
                return Visit::Over;
            }
            if matches!(tag(node), NodeTag::T_List | NodeTag::T_TargetEntry | NodeTag::T_SortGroupClause | NodeTag::T_CaseWhen) {
                return Visit::Into;
            }
            let of = match pg_sys::exprType(node) {
                pg_sys::RECORDARRAYOID => pg_sys::RECORDOID,
                other => other,
            };
            if !(of == pg_sys::RECORDOID && tag(node) == NodeTag::T_RowExpr) {
                all.push(of);
            }
            Visit::Into
        });
    }

    /// Columns used outside aggregates and outside the given expressions.
    pub fn loose_columns(self, except: &[Node]) -> Vec<Node> {
        let mut all: Vec<Node> = vec![];
        walk(self.0, &mut |node| unsafe {
            if tag(node) == NodeTag::T_Aggref || except.iter().any(|e| e.equals(Node(node))) {
                return Visit::Over;
            }
            if tag(node) == NodeTag::T_Var && !all.iter().any(|v| v.equals(Node(node))) {
                all.push(Node(node));
            }
            Visit::Into
        });
        all
    }

    /// The aggregate calls inside, in order, each once.
    pub fn aggregates(self, into: &mut Vec<Aggregate>) {
        walk(self.0, &mut |node| unsafe {
            if tag(node) != NodeTag::T_Aggref {
                return Visit::Into;
            }
            if !into.iter().any(|a| a.node.equals(Node(node))) {
                into.push(Aggregate::of(node.cast()));
            }
            Visit::Over
        });
    }

    /// The expression with every `from` (aggregate or key) replaced by the column of the same position of another relation.
    pub fn over_columns(self, from: &[(Node, i16)]) -> Node {
        Node(rewrite(self.0, &mut |node| {
            from.iter().find(|(old, _)| old.equals(Node(node))).map(|(old, number)| unsafe {
                pg_sys::makeVar(1, *number, old.type_oid(), old.typmod(), old.collation(), 0).cast()
            })
        }))
    }
}

impl Aggregate {
    unsafe fn of(call: *mut pg_sys::Aggref) -> Aggregate {
        unsafe {
            let function = (*call).aggfnoid;
            let arguments = list::<pg_sys::TargetEntry>((*call).args).into_iter().filter(|t| !(**t).resjunk);
            Aggregate {
                node: Node(call.cast()),
                function,
                name: text(pg_sys::get_func_name(function)),
                namespace: pg_sys::get_func_namespace(function),
                arguments: arguments.map(|t| Node((*t).expr.cast())).collect(),
                filter: (!(*call).aggfilter.is_null()).then(|| Node((*call).aggfilter.cast())),
                collation: (*call).inputcollid,
                star: (*call).aggstar,
                distinct: !(*call).aggdistinct.is_null(),
                // Ordered-set aggregates have direct arguments and an order of their own.
                ordered: !(*call).aggorder.is_null() || (*call).aggkind as u8 != b'n',
            }
        }
    }

    /// The columns that its value depends on.
    pub fn columns(&self) -> Vec<i16> {
        self.node.columns()
    }

    /// Some of its arguments, each NULL where the FILTER does not hold: for aggregates that ignore NULLs this is the same.
    pub fn filtered_arguments(&self, which: Range<usize>) -> Vec<Node> {
        let arguments = if self.star { vec![truth()] } else { self.arguments[which].to_vec() };
        match self.filter {
            None => arguments,
            Some(filter) => arguments.into_iter().map(|a| when(filter, a)).collect(),
        }
    }
}

fn truth() -> Node {
    Node(unsafe { pg_sys::makeBoolConst(true, false).cast() })
}

/// `CASE WHEN condition THEN value END`.
fn when(condition: Node, value: Node) -> Node {
    unsafe {
        let branch = pg_sys::palloc0(size_of::<pg_sys::CaseWhen>()).cast::<pg_sys::CaseWhen>();
        (*branch).xpr.type_ = NodeTag::T_CaseWhen;
        (*branch).expr = condition.0.cast();
        (*branch).result = value.0.cast();
        (*branch).location = -1;
        let case = pg_sys::palloc0(size_of::<pg_sys::CaseExpr>()).cast::<pg_sys::CaseExpr>();
        (*case).xpr.type_ = NodeTag::T_CaseExpr;
        (*case).casetype = value.type_oid();
        (*case).casecollid = value.collation();
        (*case).args = pg_sys::lappend(std::ptr::null_mut(), branch.cast());
        (*case).defresult = pg_sys::makeNullConst(value.type_oid(), value.typmod(), value.collation()).cast();
        (*case).location = -1;
        Node(case.cast())
    }
}
