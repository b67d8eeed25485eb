//! The triggers on a source and all its members, and who owns what behind a view.

use super::compact::oids;
use crate::pg::{catalog, inval, sql};
use pg_tally_core::view::Storage;
use pgrx::pg_sys::Oid;

/// One trigger per event serves all views of a table. They fire whatever session_replication_role says.
const TRIGGERS: &[(&str, &str)] = &[
    ("tally_insert", "AFTER INSERT ON {} REFERENCING NEW TABLE AS new_rows"),
    ("tally_update", "AFTER UPDATE ON {} REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows"),
    ("tally_delete", "AFTER DELETE ON {} REFERENCING OLD TABLE AS old_rows"),
    ("tally_truncate", "AFTER TRUNCATE ON {}"),
];

/// Members of the source that lack our triggers get them; says which.
pub fn install(source: Oid) -> Vec<Oid> {
    let missing = oids(&format!(
        "SELECT m FROM tally.members({}) m WHERE NOT EXISTS \
         (SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = m AND t.tgfoid = 'tally.maintain'::pg_catalog.regproc)",
        source.to_u32()
    ));
    for table in &missing {
        let name = catalog::qualified_name(*table);
        sql::as_superuser(|| {
            sql::pinned(|| {
                for (trigger, when) in TRIGGERS {
                    sql::execute(&format!("CREATE TRIGGER {trigger} {} FOR EACH STATEMENT EXECUTE FUNCTION tally.maintain()", when.replace("{}", &name)));
                    sql::execute(&format!("ALTER TABLE ONLY {name} ENABLE ALWAYS TRIGGER {trigger}"));
                }
            })
        });
        inval::announce(*table);
    }
    missing
}

/// Whether the source itself has its triggers.
pub fn are_on(source: Oid) -> bool {
    oids(&format!("SELECT t.tgrelid FROM pg_catalog.pg_trigger t WHERE t.tgrelid = {} AND t.tgfoid = 'tally.maintain'::pg_catalog.regproc", source.to_u32())).len()
        == TRIGGERS.len()
}

/// After triggers were enabled or disabled: those that fire are made to fire always. Says whether changes may have gone unseen.
pub fn restore(source: Oid) -> bool {
    let of = |what: &str, states: &str| {
        sql::as_superuser(|| {
            sql::pinned(|| {
                sql::rows_latest(&format!(
                    "SELECT {what} FROM pg_catalog.pg_trigger t JOIN tally.members({}) m ON m = t.tgrelid \
                     WHERE t.tgfoid = 'tally.maintain'::pg_catalog.regproc AND t.tgenabled IN ({states})",
                    source.to_u32()
                ))
            })
        })
    };
    let enabled = of("pg_catalog.format('ALTER TABLE ONLY %s ENABLE ALWAYS TRIGGER %I', t.tgrelid::pg_catalog.regclass, t.tgname)", "'O'");
    for statement in enabled.iter().flatten().flatten() {
        sql::as_superuser(|| sql::pinned(|| sql::execute(statement)));
    }
    !enabled.is_empty() || !of("t.oid", "'D', 'R'").is_empty()
}

/// Tables that have our triggers and no view any more lose them; says whether there were any.
pub fn remove_needless() -> bool {
    let needless = oids(
        "SELECT DISTINCT t.tgrelid FROM pg_catalog.pg_trigger t WHERE t.tgfoid = 'tally.maintain'::pg_catalog.regproc \
         AND t.tgrelid NOT IN (SELECT m FROM tally.registry r, tally.members(r.source) m)",
    );
    for table in &needless {
        let name = catalog::qualified_name(*table);
        sql::as_superuser(|| {
            sql::pinned(|| {
                for (trigger, _) in TRIGGERS {
                    sql::execute(&format!("DROP TRIGGER IF EXISTS {trigger} ON {name}"));
                }
            })
        });
    }
    !needless.is_empty()
}

/// The tables behind a view.
pub fn tables(storage: &Storage) -> Vec<String> {
    let kept = sql::rows_latest(&format!("SELECT WHERE pg_catalog.to_regclass({}) IS NOT NULL", sql::literal(&storage.kept())));
    [storage.main(), storage.delta(), storage.filled()].into_iter().chain((!kept.is_empty()).then(|| storage.kept())).collect()
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
