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

/// Makes a role the owner of all relations behind a view.
pub fn give(storage: &Storage, owner: Oid) {
    let name = sql::rows_latest(&format!("SELECT pg_catalog.quote_ident(r.rolname) FROM pg_catalog.pg_roles r WHERE r.oid = {}", owner.to_u32()));
    let Some(role) = name.into_iter().flatten().flatten().next() else { return };
    for table in [storage.main(), storage.delta(), storage.filled(), storage.kept()] {
        sql::execute(&format!("ALTER TABLE IF EXISTS {table} OWNER TO {role}"));
    }
    for view in [storage.query(), storage.groups()] {
        sql::execute(&format!("ALTER VIEW {view} OWNER TO {role}"));
    }
}
