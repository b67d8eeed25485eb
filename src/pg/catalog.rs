//! Facts from PostgreSQL's catalogs, through its caches.

use super::encoding::{c, text};
use super::sql;
use super::tree::Node;
use pg_tally_core::view::Origin;
use pgrx::pg_sys::{self, NodeTag, Oid};

const EXTENSION: &std::ffi::CStr = c"pg_tally";

pub fn extension_oid() -> Oid {
    unsafe { pg_sys::get_extension_oid(EXTENSION.as_ptr(), true) }
}

/// The version of the extension, which cannot be dropped before the transaction ends; None if there is none.
pub fn hold_extension() -> Option<String> {
    let oid = extension_oid();
    if oid == Oid::INVALID {
        return None;
    }
    unsafe { pg_sys::LockDatabaseObject(Oid::from(pg_sys::ExtensionRelationId), oid, 0, pg_sys::AccessShareLock as i32) };
    let rows = sql::rows_latest_planned("SELECT e.extversion FROM pg_catalog.pg_extension e WHERE e.oid = $1::pg_catalog.oid", &[&oid.to_u32().to_string()]);
    rows.into_iter().flatten().flatten().next()
}

pub fn database_name() -> String {
    unsafe { text(pg_sys::get_database_name(pg_sys::MyDatabaseId)) }
}

/// The schema that the aggregates are in.
pub fn extension_schema() -> String {
    let rows = sql::rows_latest("SELECT n.nspname FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = 'pg_tally'");
    rows.into_iter().flatten().flatten().next().unwrap_or_else(|| "public".into())
}

pub fn origin_of_function(function: Oid, namespace: Oid) -> Origin {
    if namespace == Oid::from(pg_sys::PG_CATALOG_NAMESPACE) && function.to_u32() < pg_sys::FirstNormalObjectId {
        return Origin::PgCatalog;
    }
    let extension = unsafe { pg_sys::getExtensionOfObject(Oid::from(pg_sys::ProcedureRelationId), function) };
    if extension != Oid::INVALID && extension == extension_oid() { Origin::PgTally } else { Origin::Other }
}

/// Whether the current user has the rights of this role.
pub fn may_act_for(role: Oid) -> bool {
    unsafe { pg_sys::has_privs_of_role(pg_sys::GetUserId(), role) }
}

/// Whether the session's user has the rights of this role, whatever function runs.
pub fn session_may_act_for(role: Oid) -> bool {
    unsafe { pg_sys::has_privs_of_role(pg_sys::GetOuterUserId(), role) }
}

/// Whether the current user may see what others do.
pub fn may_monitor() -> bool {
    may_act_for(Oid::from(pg_sys::ROLE_PG_READ_ALL_STATS))
}

pub fn base_type(type_oid: Oid) -> Oid {
    unsafe { pg_sys::getBaseType(type_oid) }
}

pub fn is_array(type_oid: Oid) -> bool {
    unsafe { pg_sys::get_base_element_type(type_oid) != Oid::INVALID }
}

pub fn is_unlogged(relation: Oid) -> bool {
    unsafe { pg_sys::get_rel_persistence(relation) as u8 == pg_sys::RELPERSISTENCE_UNLOGGED }
}

pub fn relation_name(relation: Oid) -> String {
    unsafe { text(pg_sys::get_rel_name(relation)) }
}

pub fn qualified_name(relation: Oid) -> String {
    let schema = unsafe { text(pg_sys::get_namespace_name(pg_sys::get_rel_namespace(relation))) };
    format!("{}.{}", sql::identifier(&schema), sql::identifier(&relation_name(relation)))
}

pub fn relation_in(schema: &str, name: &str) -> Option<Oid> {
    let (schema, name) = (c(schema), c(name));
    let oid = unsafe { pg_sys::get_relname_relid(name.as_ptr(), pg_sys::get_namespace_oid(schema.as_ptr(), true)) };
    (oid != Oid::INVALID).then_some(oid)
}

pub fn is_partitioned(schema: &str, name: &str) -> bool {
    relation_in(schema, name).is_some_and(|oid| unsafe { pg_sys::get_rel_relkind(oid) } as u8 == b'p')
}

/// A table, partitioned or not.
pub fn is_table(relation: Oid) -> bool {
    matches!(unsafe { pg_sys::get_rel_relkind(relation) } as u8, b'r' | b'p')
}

pub fn owner(relation: Oid) -> Oid {
    let rows = sql::rows_latest(&format!("SELECT c.relowner FROM pg_catalog.pg_class c WHERE c.oid = {}", relation.to_u32()));
    rows.into_iter().flatten().flatten().next().and_then(|t| t.parse::<u32>().ok()).map_or(Oid::INVALID, Oid::from)
}

/// A role as SQL.
pub fn role_name(role: Oid) -> String {
    sql::identifier(&unsafe { text(pg_sys::GetUserNameFromId(role, false)) })
}

pub fn column_number(relation: Oid, name: &str) -> Option<i16> {
    let name = c(name);
    let number = unsafe { pg_sys::get_attnum(relation, name.as_ptr()) };
    (number > 0).then_some(number)
}

pub fn column_name(relation: Oid, number: i16) -> String {
    unsafe { text(pg_sys::get_attname(relation, number, false)) }
}

pub fn column_type_oid(relation: Oid, number: i16) -> Oid {
    unsafe { pg_sys::get_atttype(relation, number) }
}

/// A type as in a column definition, with its collation if it has one.
pub fn column_type(type_oid: Oid, typmod: i32, collation: Oid) -> String {
    let flags = pg_sys::FORMAT_TYPE_TYPEMOD_GIVEN | pg_sys::FORMAT_TYPE_FORCE_QUALIFY;
    let name = unsafe { text(pg_sys::format_type_extended(type_oid, typmod, flags as u16)) };
    match collation_name(collation) {
        Some(collation) => format!("{name} COLLATE {collation}"),
        None => name,
    }
}

/// Qualified and quoted; None if it is none.
pub fn collation_name(collation: Oid) -> Option<String> {
    if collation == Oid::INVALID {
        return None;
    }
    let rows = sql::rows_latest(&format!(
        "SELECT n.nspname, c.collname FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace WHERE c.oid = {}",
        collation.to_u32()
    ));
    match rows.first().map(Vec::as_slice) {
        Some([Some(schema), Some(name)]) => Some(format!("{}.{}", sql::identifier(schema), sql::identifier(name))),
        _ => None,
    }
}

/// The column type for the values of an expression, without the constraints of a domain.
pub fn stored_type(node: Node) -> String {
    let mut typmod = node.typmod();
    let base = unsafe { pg_sys::getBaseTypeAndTypmod(node.type_oid(), &mut typmod) };
    column_type(base, typmod, node.collation())
}

/// A table, view, materialized or foreign table, as SQL; None if there is none such with this OID.
pub fn readable(relation: Oid) -> Option<String> {
    let kind = unsafe { pg_sys::get_rel_relkind(relation) } as u8;
    matches!(kind, b'r' | b'p' | b'v' | b'm' | b'f').then(|| qualified_name(relation))
}

/// The type of a relation's column, if it has one of this name.
pub fn column_of(relation: Oid, name: &str) -> Option<Oid> {
    column_number(relation, name).map(|number| column_type_oid(relation, number))
}

/// The operators `=` and `>` of a type's default order, as `OPERATOR(schema.=)`.
pub fn equal_and_greater(type_oid: Oid) -> (String, String) {
    let (equal, greater) = unsafe {
        let cache = pg_sys::lookup_type_cache(type_oid, (pg_sys::TYPECACHE_EQ_OPR | pg_sys::TYPECACHE_GT_OPR) as i32);
        ((*cache).eq_opr, (*cache).gt_opr)
    };
    let named = |operator, builtin: &str| operator_outside_catalog(operator).unwrap_or_else(|| format!("OPERATOR(pg_catalog.{builtin})"));
    (named(equal, "="), named(greater, ">"))
}

/// `OPERATOR(schema.name)` for an operator that is not PostgreSQL's own.
pub fn operator_outside_catalog(operator: Oid) -> Option<String> {
    let rows = sql::rows_latest(&format!(
        "SELECT n.nspname, o.oprname FROM pg_catalog.pg_operator o JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace \
         WHERE o.oid = {} AND n.nspname <> 'pg_catalog'",
        operator.to_u32()
    ));
    match rows.first().map(Vec::as_slice) {
        Some([Some(schema), Some(name)]) => Some(format!("OPERATOR({}.{name})", sql::identifier(schema))),
        _ => None,
    }
}

/// Of a fixed length, and with a btree order.
pub fn is_short_and_ordered(type_oid: Oid) -> bool {
    unsafe {
        let cache = pg_sys::lookup_type_cache(type_oid, pg_sys::TYPECACHE_BTREE_OPFAMILY as i32);
        (*cache).typlen > 0 && (*cache).btree_opf != Oid::INVALID
    }
}

/// It has a hash operator class, and so has what is in it.
pub fn is_hashable(type_oid: Oid) -> bool {
    unsafe { (*pg_sys::lookup_type_cache(type_oid, pg_sys::TYPECACHE_HASH_PROC as i32)).hash_proc != Oid::INVALID }
}

/// Its default order is one of PostgreSQL's own, so that `<` means it wherever it is parsed.
pub fn is_ordered_in_catalog(type_oid: Oid) -> bool {
    let less = unsafe { (*pg_sys::lookup_type_cache(type_oid, pg_sys::TYPECACHE_LT_OPR as i32)).lt_opr };
    less != Oid::INVALID && less.to_u32() < pg_sys::FirstNormalObjectId
}

/// The number of the child's column of the same name.
pub fn column_in_child(parent: Oid, child: Oid, number: i16) -> i16 {
    if parent == child || number <= 0 {
        return number;
    }
    unsafe {
        let name = pg_sys::get_attname(parent, number, true);
        if name.is_null() { 0 } else { pg_sys::get_attnum(child, name) }
    }
}

/// Whether an expression calls nothing but PostgreSQL's own compiled functions, which look nothing up by name.
pub fn is_builtin_only(node: Node) -> bool {
    let mut builtin = true;
    super::tree::walk(node.0, &mut |n| unsafe {
        struct Seen(bool);
        #[pgrx::pg_guard]
        unsafe extern "C-unwind" fn look(function: Oid, context: *mut std::ffi::c_void) -> bool {
            if function.to_u32() >= pg_sys::FirstNormalObjectId {
                unsafe { (*context.cast::<Seen>()).0 = true };
            }
            false
        }
        let mut seen = Seen(false);
        if super::tree::tag(n) != NodeTag::T_Aggref {
            pg_sys::check_functions_in_node(n, Some(look), (&raw mut seen).cast());
        }
        builtin &= !seen.0;
        super::tree::Visit::Into
    });
    builtin
}

pub fn has_equality(type_oid: Oid) -> bool {
    super::query::equality_of(type_oid) != Oid::INVALID
}
