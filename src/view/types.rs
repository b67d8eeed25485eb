//! Types that change under views.
//!
//! States say what they have of values in words that any server knows (FORMAT.md): types and collations by their names, enums by their labels, rows by their
//! attributes in order. That is right for states that move, but what a view has stored no longer matches its database once one of these
//! has changed. So the views concerned are put in doubt as a whole: their source answers for them until they are made anew, which reads nothing of what is stored.

use super::describe::{self, Shape};
use super::registry::{self, Registered};
use super::{compact, ddl, retain};
use crate::pg::error::Fail;
use crate::pg::event::Altered;
use crate::pg::query::Query;
use crate::pg::tree::Node;
use crate::pg::{catalog, inval, lock, sql};
use pg_tally_core::state::FIRST_UNSTABLE_OID;
use pg_tally_core::view::{Storage, Strategy};
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::{self, Oid};

/// What the values of some types ($1) consist of.
macro_rules! parts {
    () => {
        "WITH RECURSIVE part(oid) AS (SELECT pg_catalog.unnest($1::pg_catalog.oid[]) UNION SELECT x.oid FROM part p CROSS JOIN LATERAL ( \
           SELECT t.typelem FROM pg_catalog.pg_type t WHERE t.oid = p.oid \
           UNION ALL SELECT t.typbasetype FROM pg_catalog.pg_type t WHERE t.oid = p.oid \
           UNION ALL SELECT a.atttypid FROM pg_catalog.pg_type t JOIN pg_catalog.pg_attribute a ON a.attrelid = t.typrelid WHERE t.oid = p.oid AND a.attnum > 0 \
           UNION ALL SELECT r.rngsubtype FROM pg_catalog.pg_range r WHERE r.rngtypid = p.oid OR r.rngmultitypid = p.oid) x(oid) WHERE x.oid <> 0) "
    };
}

/// After ALTER, by the commands of the event trigger.
pub fn altered(how: Altered) {
    follow(how, "SELECT c.classid, c.objid FROM pg_catalog.pg_event_trigger_ddl_commands() c");
}

/// After a DROP, which may have taken attributes of types that stay.
pub fn dropped() {
    follow(
        Altered::Form,
        "SELECT o.classid, o.objid FROM pg_catalog.pg_event_trigger_dropped_objects() o WHERE o.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND o.objsubid > 0",
    );
}

/// Before a view by this query is made, which nobody else sees until it is committed: whoever changes what its values consist of, or what they are called, waits
/// until then, or is waited for. Tables are changed under a lock of their own, types and collations under that of `wait_for_makers`.
pub fn hold(query: Query) {
    let (mut of, collations) = (vec![], query.aggregates().into_iter().map(|a| a.collation).collect::<Vec<_>>());
    query.types(&mut of);
    if of.contains(&pg_sys::RECORDOID) {
        lock::hold_object(pg_sys::TypeRelationId, pg_sys::RECORDOID);
    }
    let user = |all: Vec<Oid>| sql::oids(all.into_iter().filter(|oid| oid.to_u32() >= FIRST_UNSTABLE_OID).map(|oid| oid.to_u32()));
    let found = concat!(
        parts!(),
        "SELECT t.tableoid, t.oid, t.typnamespace, t.typrelid FROM part p JOIN pg_catalog.pg_type t ON t.oid = p.oid WHERE t.typnamespace <> 'pg_catalog'::pg_catalog.regnamespace \
         UNION ALL SELECT l.tableoid, l.oid, l.collnamespace, 0 FROM pg_catalog.pg_collation l WHERE l.oid = ANY ($2::pg_catalog.oid[]) ORDER BY 1, 2"
    );
    for row in sql::as_superuser(|| sql::rows_latest_planned(found, &[&user(of), &user(collations)])) {
        let [class, object, schema, relation] = numbers(&row);
        lock::hold_object(pg_sys::NamespaceRelationId, schema);
        if relation == Oid::INVALID { lock::hold_object(class, object) } else { lock::lock_to_read(relation) }
    }
}

/// Waits for views that are being made by what has changed, and lets no others be made until the transaction ends.
fn wait_for_makers(objects: &str) {
    lock::change_object(pg_sys::TypeRelationId, pg_sys::RECORDOID);
    let changed = format!(
        "WITH {} SELECT a.class, a.oid FROM all_of a \
          WHERE a.class IN ('pg_catalog.pg_type'::pg_catalog.regclass, 'pg_catalog.pg_collation'::pg_catalog.regclass, 'pg_catalog.pg_namespace'::pg_catalog.regclass) ORDER BY 1, 2",
        with_members(objects)
    );
    for row in sql::as_superuser(|| sql::pinned(|| sql::rows(&changed))) {
        let [class, object] = numbers(&row);
        lock::change_object(class, object);
    }
}

/// What a command named (`o`), and with extensions what is in them (`all_of`), as CTEs.
fn with_members(objects: &str) -> String {
    format!(
        "o(class, oid) AS MATERIALIZED ({objects}), \
         all_of(class, oid) AS (SELECT o.class, o.oid FROM o \
           UNION ALL SELECT d.classid, d.objid FROM o JOIN pg_catalog.pg_depend d ON d.refclassid = o.class AND d.refobjid = o.oid AND d.deptype = 'e' \
            WHERE o.class = 'pg_catalog.pg_extension'::pg_catalog.regclass)"
    )
}

/// A row of OIDs.
fn numbers<const N: usize>(row: &[Option<String>]) -> [Oid; N] {
    std::array::from_fn(|i| row[i].as_deref().and_then(|t| t.parse::<u32>().ok()).map_or(Oid::INVALID, Oid::from))
}

fn follow(how: Altered, objects: &str) {
    wait_for_makers(objects);
    let all = registry::all();
    if all.is_empty() {
        return;
    }
    let changed = Changed::of(objects);
    if changed.is_empty() {
        return;
    }
    let mut views: Vec<Registered> = all.into_iter().filter(|view| Values::of_view(view).is_some_and(|values| changed.concerns(&values, how))).collect();
    // A writer may have made states before the change that it has not committed: it is waited for. One that comes later waits for us, and finds the change then.
    // Nor must anybody be at work on a fold, whose snapshot could see the mark but whose caches not yet the change. Sources come first, in one order.
    views.sort_by_key(|view| view.source.to_u32());
    for view in &views {
        sql::as_superuser(|| sql::pinned(|| sql::execute(&format!("LOCK TABLE {} IN SHARE MODE", catalog::qualified_name(view.source)))));
    }
    views.iter().for_each(|view| lock::lock_folding(view.delta));
    for view in views.iter().filter_map(|view| registry::by_id(view.id)) {
        let Some(shape) = shape(&view) else { continue };
        if !stores_as_asked(&view, &shape) {
            refuse(&view, "counts its values by their bytes, or would do so now").hint("Drop the view first, and make it again.").raise();
        }
        if changed.spoils(&Values::of(&shape), how) && has_more_than_source(&view) {
            refuse(&view, "has stored values of it in groups that its source cannot tell any more").hint("Drop the view first.").raise();
        }
        ddl::doubt(&view);
        // What sessions know of the view has labels and attributes in it.
        inval::announce(view.source);
    }
}

fn refuse(view: &Registered, why: &str) -> Fail {
    let name = catalog::relation_name(view.view);
    Fail::new(PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, format!("cannot change a type that view \"{name}\" stores values of")).detail(format!("The view {why}."))
}

fn shape(view: &Registered) -> Option<Shape> {
    Query::of_view(view.query).and_then(describe::shape)
}

/// How an aggregate is kept may depend on what its argument consists of; the tables behind the view stay as they were made.
fn stores_as_asked(view: &Registered, shape: &Shape) -> bool {
    let counted = format!("SELECT a.attname FROM pg_catalog.pg_attribute a WHERE a.attrelid = {} AND a.attname ~ '^a[0-9]+_n$' AND NOT a.attisdropped", view.delta.to_u32());
    sql::as_superuser(|| sql::pinned(|| sql::rows_latest(&counted))).len() == shape.columns.iter().filter(|c| c.strategy.by_value()).count()
}

/// Whether it has groups that are kept, or states that were put in by hand.
fn has_more_than_source(view: &Registered) -> bool {
    let storage = Storage { id: view.id };
    let by_hand = catalog::relation_in(Storage::SCHEMA, &storage.name("kept")).is_some();
    retain::horizon::keeps_any(view) || by_hand && !compact::as_owner(view, &format!("SELECT FROM {} LIMIT 1", storage.kept())).is_empty()
}

/// The types of what a view's query computes with, and of what is stored.
struct Values {
    all: Vec<Oid>,
    keys: Vec<Oid>,
    /// Of what states have by its bytes.
    bytes: Vec<Oid>,
    /// Of what states name the types of.
    named: Vec<Oid>,
    /// Of what states show the attributes of.
    shown: Vec<Oid>,
    collations: Vec<Oid>,
}

impl Values {
    fn of_view(view: &Registered) -> Option<Values> {
        shape(view).as_ref().map(Values::of)
    }

    fn of(shape: &Shape) -> Values {
        let keys = || shape.keys.iter().map(|(key, _)| *key);
        let stored = |which: fn(Strategy) -> bool| shape.columns.iter().filter(move |c| which(c.strategy));
        let arguments = |which| stored(which).flat_map(|c| c.aggregate.arguments.iter().copied());
        Values {
            all: types(keys().chain(shape.targets.iter().map(|(_, target)| *target)).chain(shape.filter).chain(shape.having)),
            keys: types(keys()),
            bytes: types(arguments(Strategy::has_bytes)),
            named: types(arguments(Strategy::has_names)),
            shown: types(arguments(|strategy| matches!(strategy, Strategy::TopK(_)))),
            collations: stored(Strategy::has_names).map(|c| c.aggregate.collation).collect(),
        }
    }
}

fn types(nodes: impl Iterator<Item = Node>) -> Vec<Oid> {
    let mut all = vec![];
    nodes.for_each(|node| node.types(&mut all));
    all
}

/// Whether expressions compute with regclass or the like, or with what has such values in it.
pub fn have_object_numbers(expressions: &[Node]) -> bool {
    let found = concat!(
        parts!(),
        "SELECT FROM part p JOIN pg_catalog.pg_type t ON t.oid = p.oid WHERE t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace AND t.typname LIKE 'reg%' LIMIT 1"
    );
    let of = sql::oids(types(expressions.iter().copied()).into_iter().map(Oid::to_u32));
    !sql::as_superuser(|| sql::rows_latest_planned(found, &[&of])).is_empty()
}

/// The types and collations that have changed.
struct Changed {
    types: Vec<Oid>,
    collations: Vec<Oid>,
}

impl Changed {
    /// What is in a schema or an extension changes with it, and the rows of a table with the table, its children and its typed tables.
    fn of(objects: &str) -> Changed {
        let rows = sql::as_superuser(|| {
            sql::pinned(|| {
                sql::rows(&format!(
                    "WITH RECURSIVE {}, relation(oid) AS (SELECT a.oid FROM all_of a WHERE a.class = 'pg_catalog.pg_class'::pg_catalog.regclass \
                       UNION SELECT x.oid FROM relation r CROSS JOIN LATERAL (SELECT i.inhrelid FROM pg_catalog.pg_inherits i WHERE i.inhparent = r.oid \
                         UNION ALL SELECT t.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_class t ON t.reloftype = c.reltype WHERE c.oid = r.oid AND c.relkind = 'c') x(oid)), \
                     inside(class, oid) AS (SELECT a.class, a.oid FROM all_of a \
                       UNION ALL SELECT 'pg_catalog.pg_type'::pg_catalog.regclass, c.reltype FROM relation r JOIN pg_catalog.pg_class c ON c.oid = r.oid \
                       UNION ALL SELECT t.tableoid, t.oid FROM o JOIN pg_catalog.pg_type t ON t.typnamespace = o.oid WHERE o.class = 'pg_catalog.pg_namespace'::pg_catalog.regclass \
                       UNION ALL SELECT l.tableoid, l.oid FROM o JOIN pg_catalog.pg_collation l ON l.collnamespace = o.oid WHERE o.class = 'pg_catalog.pg_namespace'::pg_catalog.regclass) \
                     SELECT i.class = 'pg_catalog.pg_type'::pg_catalog.regclass, i.oid FROM inside i \
                      WHERE i.class IN ('pg_catalog.pg_type'::pg_catalog.regclass, 'pg_catalog.pg_collation'::pg_catalog.regclass) AND i.oid <> 0",
                    with_members(objects)
                ))
            })
        });
        let which = |types: &str| rows.iter().filter(|r| r[0].as_deref() == Some(types)).filter_map(|r| r[1].as_deref()?.parse::<u32>().ok()).map(Oid::from).collect();
        Changed { types: which("t"), collations: which("f") }
    }

    fn is_empty(&self) -> bool {
        self.types.is_empty() && self.collations.is_empty()
    }

    /// Whether a view could show anything else than its query.
    fn concerns(&self, values: &Values, how: Altered) -> bool {
        match how {
            Altered::Form => self.are_in(&values.all),
            _ => self.spoils(values, how),
        }
    }

    /// Whether what is stored no longer fits. Of keys that have enums in them only the values themselves are stored, of others a hash of their attributes too.
    fn spoils(&self, values: &Values, how: Altered) -> bool {
        match how {
            Altered::Name => values.collations.iter().any(|c| self.collations.contains(c)) || self.are_in(&values.named),
            Altered::Label => self.are_in(&values.bytes),
            Altered::Attribute => self.are_in(&values.shown),
            Altered::Form => self.are_in(&values.keys) || self.are_in(&values.bytes),
        }
    }

    /// Whether values of these types are, or have in them, values of a type that has changed. Of a record only each value can tell what is in it.
    fn are_in(&self, types: &[Oid]) -> bool {
        if self.types.is_empty() || types.iter().all(|t| t.to_u32() < FIRST_UNSTABLE_OID && *t != pg_sys::RECORDOID) {
            return false;
        }
        if types.contains(&pg_sys::RECORDOID) {
            return true;
        }
        let found = concat!(parts!(), "SELECT FROM part WHERE oid = ANY ($2::pg_catalog.oid[]) LIMIT 1");
        let list = |oids: &[Oid]| sql::oids(oids.iter().map(|oid| oid.to_u32()));
        !sql::as_superuser(|| sql::rows_latest_planned(found, &[&list(types), &list(&self.types)])).is_empty()
    }
}
