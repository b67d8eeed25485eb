//! Following what is done to sources and views by ordinary DDL.

use super::named::View;
use super::retain::removal;
use super::{compact, ledger, refreshable, registry, triggers, types};
use crate::pg::error::Fail;
use crate::pg::event::Change;
use crate::pg::{counters, lock, setting, sql, xact};
use pg_tally_core::view::Storage;
use pgrx::PgSqlErrorCode;
use pgrx::pg_sys::Oid;
use std::cell::Cell;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs DDL of our own, to which the event triggers do not answer.
pub fn quietly<R>(work: impl FnOnce() -> R) -> R {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            QUIET.set(self.0);
        }
    }
    let _restore = Restore(QUIET.replace(true));
    work()
}

pub fn drop_view(name: &str, if_exists: bool) {
    if if_exists {
        let there = sql::rows(&format!("SELECT pg_catalog.to_regclass({}) IS NOT NULL", sql::literal(name)));
        if there.first().is_none_or(|r| r[0].as_deref() != Some("t")) {
            Fail::new(PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION, format!("view \"{name}\" does not exist, skipping")).notice();
            return;
        }
    }
    let view = View::owned(name);
    sql::pinned(|| sql::execute(&format!("DROP VIEW {}", crate::pg::catalog::qualified_name(view.relation()))));
}

/// After a DROP: what it left of a view goes too, and a source that lost a partition puts its views in doubt.
pub fn dropped() {
    xact::changes_views();
    if QUIET.get() {
        return;
    }
    quietly(|| {
        let lost_member = has("SELECT FROM pg_catalog.pg_event_trigger_dropped_objects() o WHERE o.object_type = 'trigger' AND o.object_identity ~ '^tally_(insert|update|delete|truncate) on '");
        let dropped_relation = has("SELECT FROM pg_catalog.pg_event_trigger_dropped_objects() o WHERE o.object_type IN ('view', 'table', 'schema')");
        if dropped_relation {
            clean_up();
            ledger::forget_dropped();
        }
        types::dropped();
        if lost_member {
            let may_have_lost: Vec<_> = registry::all().into_iter().filter(|v| has_had_children(v) || triggers::are_off(v.source)).collect();
            refuse_to_guess(&may_have_lost);
            may_have_lost.iter().for_each(removal::lost);
        }
    });
}

/// After ALTER or CREATE of relations: members that came get triggers, owners are followed.
pub fn changed(change: Change) {
    xact::changes_views();
    if QUIET.get() {
        return;
    }
    if let Some(how) = change.types {
        quietly(|| types::altered(how));
    }
    if !change.any() {
        return;
    }
    quietly(|| {
        if change.view_replaced {
            replaced();
            triggers::remove_needless();
            return;
        }
        let objects = compact::oids_now("SELECT DISTINCT c.objid FROM pg_catalog.pg_event_trigger_ddl_commands() c WHERE c.classid = 'pg_catalog.pg_class'::pg_catalog.regclass");
        for &relation in &objects {
            follow_table(relation, change);
            if change.owner {
                match View::by_relation(relation) {
                    Some(View::Incremental(view)) => follow_owner(&view),
                    Some(View::Refreshable(view)) => refreshable::follow_owner(&view),
                    None => {}
                }
            }
        }
        if change.member_went {
            // Rows went with it, from the views of the table that it was a part of. Where the command names the part only, all may be concerned;
            // a doubt too many is only slow.
            triggers::remove_needless();
            if change.went_from_named {
                objects.iter().flat_map(|&relation| registry::of_member(relation)).for_each(|v| removal::lost(&v));
            } else {
                registry::all().iter().filter(|v| has_had_children(v)).for_each(doubt);
            }
        }
    });
}

/// After a view got another definition: nothing reads what is behind it any more.
fn replaced() {
    let unread = "AND s.filled IS NOT NULL AND s.query IS NOT NULL AND (s.main IS NOT NULL AND s.delta IS NOT NULL OR s.rows IS NOT NULL) \
                  AND NOT EXISTS (SELECT FROM tally.readers p WHERE p.relation IN (s.groups, s.rows))";
    if torn(unread).is_empty() {
        return;
    }
    let views = compact::oids_now("SELECT DISTINCT c.objid FROM pg_catalog.pg_event_trigger_ddl_commands() c WHERE c.classid = 'pg_catalog.pg_class'::pg_catalog.regclass");
    for view in views {
        Fail::new(PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION, format!("view \"{}\" is not kept by pg_tally any more", crate::pg::catalog::relation_name(view)))
            .detail("It has another definition now; what was stored for the old one is removed.")
            .notice();
    }
    remove_torn(unread);
}

/// Of a partition that is dropped it cannot be told any more whose it was. A doubt too many is only slow; keeping groups for ever is not.
fn refuse_to_guess(views: &[registry::Registered]) {
    let mut sources: Vec<Oid> = views.iter().filter(|v| !setting::maintain() && removal::still_counts_for(v)).map(|v| v.source).collect();
    sources.sort_unstable_by_key(|oid| oid.to_u32());
    sources.dedup();
    if sources.len() > 1 {
        Fail::new(PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED, "cannot drop a partition while tally.maintain is off and several partitioned tables have views")
            .detail("It cannot be told which of them lost rows.")
            .hint("Detach the partition first, then drop it.")
            .raise();
    }
}

fn has_had_children(view: &registry::Registered) -> bool {
    has(&format!("SELECT FROM pg_catalog.pg_class c WHERE c.oid = {} AND c.relhassubclass", view.source.to_u32()))
}

fn follow_table(table: Oid, change: Change) {
    let views = registry::of_member(table);
    let mut sources: Vec<Oid> = views.iter().map(|v| v.source).collect();
    sources.dedup();
    for source in sources {
        let of_source = || views.iter().filter(|v| v.source == source);
        of_source().take(1).for_each(refuse_unseen);
        // While a dump is restored, the source gets its triggers last, and its partitions get theirs from the dump too.
        let comes = (change.member_made || change.member_came) && triggers::are_on(source);
        let came = if comes { triggers::install(source) } else { vec![] };
        // A new partition is empty; one that is attached brings rows that no trigger has seen.
        let unseen = (change.member_came && !came.is_empty()) || (change.triggers && triggers::are_on(source) && triggers::restore(source));
        if unseen {
            of_source().for_each(doubt);
        }
        if change.persistence {
            of_source().for_each(follow_persistence);
        }
    }
    let own = views.iter().any(|v| v.source == table);
    if own && change.member_came && has(&format!("SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = {}", table.to_u32())) {
        refuse_as_child(table);
    }
    // ALTER TABLE parent ATTACH PARTITION names the parent: the new member may be a source of its own.
    if change.member_came {
        for view in registry::all() {
            if has(&format!("SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = {}", view.source.to_u32())) {
                refuse_as_child(view.source);
            }
        }
    }
}

fn refuse_as_child(table: Oid) -> ! {
    Fail::new(
        PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
        format!("cannot make table \"{}\" a partition or child while it is the source of a view", crate::pg::catalog::relation_name(table)),
    )
    .hint("Drop the view first, and make it on the parent table.")
    .raise()
}

/// What would change the source behind the triggers' back is refused.
fn refuse_unseen(view: &registry::Registered) {
    if let Some(refusal) = super::check::source_refusals(view.source).into_iter().find(|r| r.feature != pg_tally_core::view::Feature::ChildTable) {
        Fail::new(PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED, format!("{} is the source of a view kept by pg_tally", refusal.what))
            .detail(format!("{}: {}", refusal.what, refusal.feature.why()))
            .hint("Drop the view first.")
            .raise();
    }
}

/// After a crash an unlogged source is empty, and the view must be too.
fn follow_persistence(view: &registry::Registered) {
    let to = if crate::pg::catalog::is_unlogged(view.source) { "UNLOGGED" } else { "LOGGED" };
    let s = Storage { id: view.id };
    // A partitioned table has no rows that could be logged.
    let partitioned = crate::pg::catalog::is_partitioned(Storage::SCHEMA, &s.name("main"));
    for table in triggers::tables(&s).into_iter().filter(|t| !partitioned || *t != s.main()) {
        sql::as_superuser(|| sql::pinned(|| sql::execute(&format!("ALTER TABLE {table} SET {to}"))));
    }
}

fn follow_owner(view: &registry::Registered) {
    let owner = crate::pg::catalog::owner(view.view);
    if owner != view.owner {
        sql::as_superuser(|| sql::pinned(|| triggers::give(&Storage { id: view.id }, owner)));
    }
}

/// Removes what is left of views that have been dropped, as far as nobody uses it.
pub fn clean_up() {
    quietly(|| {
        remove_torn("");
        triggers::remove_needless();
    });
}

/// Drops the relations of views of which something is missing. Writers lock a source and then delta, readers the view and then both:
/// whoever drops the view and then waited for either could wait in a circle. So tables that are in use are left, out of
/// the registry's sight, until the next time.
fn remove_torn(condition: &str) {
    // What goes may take views along that read it, and leave them torn.
    let mut before = vec![];
    loop {
        let torn = torn(condition);
        if torn == before {
            return;
        }
        torn.iter().for_each(remove);
        before = torn;
    }
}

fn torn(condition: &str) -> sql::Rows {
    let torn = format!(
        "SELECT s.id, s.delta::oid, s.main::oid, s.filled::oid, s.kept::oid, s.values::oid, s.horizon::oid, s.rows::oid FROM tally.storage s \
         WHERE s.id NOT IN (SELECT r.id FROM tally.registry r UNION ALL SELECT r.id FROM tally.refreshables r) {condition}"
    );
    sql::as_superuser(|| sql::pinned(|| sql::rows_latest(&torn)))
}

/// What is left of the view of a row of `torn`.
fn remove(row: &Vec<Option<String>>) {
    let Some(id) = row[0].as_deref().and_then(|t| t.parse::<i64>().ok()) else { return };
    let s = Storage { id };
    let free = |oid: &Option<String>| oid.as_deref().and_then(|t| t.parse::<u32>().ok()).is_none_or(|oid| lock::try_lock_exclusively(Oid::from(oid)));
    if let Some(delta) = row[1].as_deref().and_then(|t| t.parse::<u32>().ok()) {
        counters::forget(Oid::from(delta));
    }
    sql::as_superuser(|| {
        sql::pinned(|| {
            let there = |name: &str| has(&format!("SELECT WHERE pg_catalog.to_regclass({}) IS NOT NULL", sql::literal(name)));
            let drop = |kind: &str, name: String| {
                if there(&name) {
                    sql::execute(&format!("DROP {kind} {name} CASCADE"));
                }
            };
            drop("VIEW", s.groups());
            drop("VIEW", s.query());
            if row[1..].iter().all(free) {
                for table in [s.delta(), s.main(), s.filled(), s.kept(), s.values(), s.horizon(), s.rows()] {
                    drop("TABLE", table);
                }
            }
        })
    });
}

/// Puts the whole of a view in doubt by a mark that the transaction's commit shows to others.
pub fn doubt(view: &registry::Registered) {
    let delta = Storage { id: view.id }.delta();
    compact::as_owner(view, &format!("INSERT INTO {delta} (kh, n, doubt) VALUES (0, 0, 2)"));
}

fn has(query: &str) -> bool {
    !sql::as_superuser(|| sql::pinned(|| sql::rows(query))).is_empty()
}

