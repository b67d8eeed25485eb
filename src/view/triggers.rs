//! The triggers on a source and all its members, and who owns what behind a view.

use super::compact::oids;
use super::registry::Registered;
use crate::pg::{catalog, inval, lock, sql};
use pg_tally_core::view::Storage;
use pgrx::pg_sys::Oid;

/// One trigger per event serves all views of a table. They fire whatever session_replication_role says.
const TRIGGERS: &[(&str, &str)] = &[
    ("tally_insert", "AFTER INSERT ON {} REFERENCING NEW TABLE AS new_rows"),
    ("tally_update", "AFTER UPDATE ON {} REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows"),
    ("tally_delete", "AFTER DELETE ON {} REFERENCING OLD TABLE AS old_rows"),
    ("tally_truncate", "AFTER TRUNCATE ON {}"),
];

/// For what must be written down while the rows are there. Without it a TRUNCATE that would need it is refused.
const BEFORE: (&str, &str) = ("tally_truncate_before", "BEFORE TRUNCATE ON {}");

/// Logical replication fires row triggers only. ENABLE REPLICA keeps this one out of ordinary sessions. A partitioned table hands it down itself.
const APPLY: &str = "tally_apply";

/// Our triggers, `t`, that fire after statements: neither for rows (1) nor before (2).
const AFTER_STATEMENT: &str = "t.tgfoid = 'tally.maintain'::pg_catalog.regproc AND t.tgtype & 3 = 0";

/// Members of the source get the triggers of ours that they lack; says which members had none.
pub fn install(source: Oid) -> Vec<Oid> {
    let mut came = vec![];
    for table in oids(&format!("SELECT m FROM tally.members({}) m", source.to_u32())) {
        let here: Vec<String> = sql::rows_latest(&format!(
            "SELECT t.tgname FROM pg_catalog.pg_trigger t WHERE t.tgrelid = {} AND t.tgfoid = 'tally.maintain'::pg_catalog.regproc",
            table.to_u32()
        ))
        .into_iter()
        .flatten()
        .flatten()
        .collect();
        if TRIGGERS.iter().chain([&BEFORE]).all(|(trigger, _)| here.iter().any(|h| h == trigger)) {
            continue;
        }
        if !TRIGGERS.iter().any(|(trigger, _)| here.iter().any(|h| h == trigger)) {
            came.push(table);
        }
        sql::as_superuser(|| sql::pinned(|| install_on(table, &here)));
        inval::announce(table);
    }
    came
}

fn install_on(table: Oid, here: &[String]) {
    let name = catalog::qualified_name(table);
    let lacks = |trigger: &str| !here.iter().any(|h| h == trigger);
    for (trigger, when) in TRIGGERS.iter().chain([&BEFORE]).filter(|(trigger, _)| lacks(trigger)) {
        sql::execute(&format!("CREATE TRIGGER {trigger} {} FOR EACH STATEMENT EXECUTE FUNCTION tally.maintain()", when.replace("{}", &name)));
        sql::execute(&format!("ALTER TABLE ONLY {name} ENABLE ALWAYS TRIGGER {trigger}"));
    }
    let inherits_apply = !sql::rows_latest(&format!("SELECT FROM pg_catalog.pg_class c WHERE c.oid = {} AND c.relispartition", table.to_u32())).is_empty();
    if !inherits_apply && lacks(APPLY) {
        sql::execute(&format!("CREATE TRIGGER {APPLY} AFTER INSERT OR UPDATE OR DELETE ON {name} FOR EACH ROW EXECUTE FUNCTION tally.maintain()"));
        sql::execute(&format!("ALTER TABLE {name} ENABLE REPLICA TRIGGER {APPLY}"));
    }
}

/// The members that have rows.
pub fn leaves(source: Oid) -> Vec<Oid> {
    oids(&format!("SELECT c.oid FROM tally.members({}) m JOIN pg_catalog.pg_class c ON c.oid = m WHERE c.relkind = 'r' ORDER BY 1", source.to_u32()))
}

/// Whether the source itself has its triggers.
pub fn are_on(source: Oid) -> bool {
    oids(&format!("SELECT t.tgrelid FROM pg_catalog.pg_trigger t WHERE t.tgrelid = {} AND {AFTER_STATEMENT}", source.to_u32())).len()
        == TRIGGERS.len()
}

/// After triggers were enabled or disabled: those that fire are made to fire always. Says whether changes may have gone unseen.
pub fn restore(source: Oid) -> bool {
    let rows = |query: String| sql::as_superuser(|| sql::pinned(|| sql::rows_latest(&query)));
    let ours = format!("pg_catalog.pg_trigger t JOIN tally.members({}) m ON m = t.tgrelid WHERE t.tgfoid = 'tally.maintain'::pg_catalog.regproc", source.to_u32());
    let enabled = rows(format!(
        "SELECT pg_catalog.format('ALTER TABLE ONLY %s ENABLE %s TRIGGER %I', t.tgrelid::pg_catalog.regclass, \
         CASE WHEN t.tgtype & 1 = 1 THEN 'REPLICA' ELSE 'ALWAYS' END, t.tgname) FROM {ours} AND t.tgenabled = 'O'"
    ));
    for statement in enabled.iter().flatten().flatten() {
        sql::as_superuser(|| sql::pinned(|| sql::execute(statement)));
    }
    let disabled = rows(format!("SELECT FROM {ours} AND t.tgtype & 3 = 0 AND t.tgenabled IN ('D', 'R')"));
    !enabled.is_empty() || !disabled.is_empty()
}

/// Whether statements on the source or its members go unseen.
pub fn are_off(source: Oid) -> bool {
    !oids(&format!(
        "SELECT m FROM tally.members({}) m WHERE {} > (SELECT pg_catalog.count(*) FROM pg_catalog.pg_trigger t WHERE t.tgrelid = m AND {AFTER_STATEMENT} AND t.tgenabled IN ('A', 'O'))",
        source.to_u32(),
        TRIGGERS.len()
    ))
    .is_empty()
}

/// Tables that have our triggers and no view any more lose them, unless they are in use.
pub fn remove_needless() {
    let needless = sql::as_superuser(|| {
        sql::pinned(|| {
            sql::rows_latest(
                "SELECT t.tgrelid::oid, pg_catalog.format('DROP TRIGGER %I ON %s', t.tgname, t.tgrelid::pg_catalog.regclass) FROM pg_catalog.pg_trigger t \
                 WHERE t.tgfoid IN ('tally.maintain'::pg_catalog.regproc, 'tally.keep'::pg_catalog.regproc) AND t.tgparentid = 0 \
                 AND t.tgrelid NOT IN (SELECT m FROM tally.registry r, tally.members(r.source) m)",
            )
        })
    });
    for row in &needless {
        let [Some(table), Some(drop)] = &row[..] else { continue };
        // A partitioned table's row trigger goes from its partitions too.
        let members = oids(&format!("SELECT m FROM tally.members({table}) m"));
        if members.into_iter().all(lock::try_lock_exclusively) {
            sql::as_superuser(|| sql::pinned(|| sql::execute(drop)));
        }
    }
}

/// The tables behind a view; partitions after the table that they are a part of.
pub fn tables(storage: &Storage) -> Vec<String> {
    let there = |name: &String| !sql::rows_latest(&format!("SELECT WHERE pg_catalog.to_regclass({}) IS NOT NULL", sql::literal(name))).is_empty();
    let some = [storage.kept(), storage.values(), storage.horizon()].into_iter().filter(there);
    let parts = sql::rows_latest(&format!(
        "SELECT i.inhrelid::pg_catalog.regclass::text FROM pg_catalog.pg_inherits i WHERE i.inhparent = pg_catalog.to_regclass({}) ORDER BY i.inhrelid",
        sql::literal(&storage.main())
    ));
    let parts = parts.into_iter().flatten().flatten();
    [storage.main(), storage.delta(), storage.filled()].into_iter().chain(some).chain(parts).collect()
}

/// The relations of some kinds (`r,p,v`) behind views, as of now.
pub fn relations(views: &[Registered], kinds: &str) -> Vec<Oid> {
    let ids = views.iter().map(|view| view.id.to_string()).collect::<Vec<_>>().join(",");
    oids(&format!(
        "SELECT c.oid FROM pg_catalog.pg_class c WHERE c.relnamespace = '{}'::pg_catalog.regnamespace AND c.relkind = ANY ('{{{kinds}}}') \
         AND substring(c.relname FROM '^v([0-9]+)_')::bigint = ANY ('{{{ids}}}') ORDER BY c.oid",
        Storage::SCHEMA
    ))
}

/// Makes a role the owner of all relations behind a view.
pub fn give(storage: &Storage, owner: Oid) {
    let name = sql::rows_latest(&format!("SELECT pg_catalog.quote_ident(r.rolname) FROM pg_catalog.pg_roles r WHERE r.oid = {}", owner.to_u32()));
    let Some(role) = name.into_iter().flatten().flatten().next() else { return };
    for table in tables(storage) {
        sql::execute(&format!("ALTER TABLE {table} OWNER TO {role}"));
    }
    for view in [storage.query(), storage.groups()] {
        sql::execute(&format!("ALTER VIEW {view} OWNER TO {role}"));
    }
}
