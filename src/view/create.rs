//! Making a view.
//!
//! The source of an incremental view is locked in SHARE ROW EXCLUSIVE mode first: from then on no transaction has written to it that has not ended, so
//! what the filling's snapshot sees is what was there before the triggers were, and every later writer sees the triggers and,
//! because views are looked up with the newest snapshot, the view.

use super::check::{self, Wanted};
use super::describe;
use super::ledger::{self, Kind};
use super::{compact, options, refreshable, registry, retain, schedule, triggers, types};
use crate::pg::error::{self, Fail};
use crate::pg::query::Query;
use crate::pg::{catalog, clock, inval, lock, pin, setting, sql, xact};
use pg_tally_core::schedule::{Instant, Interval};
use pg_tally_core::schedule::retain::Unit;
use pg_tally_core::view as rules;
use pgrx::pg_sys::Oid;
use pgrx::PgSqlErrorCode;

pub struct Options {
    pub schedule: Option<String>,
    pub retention: Option<Interval>,
    pub partition_by: Option<Unit>,
    pub order_by: Vec<String>,
    pub with_data: bool,
    pub if_not_exists: bool,
    pub mode: String,
}

pub fn create(name: &str, text: &str, options: &Options) -> Oid {
    let incremental = is_incremental(options);
    check_options(options, incremental);
    let mut kept = options::Options::default();
    if let Some(schedule) = &options.schedule {
        schedule::set(&mut kept, schedule);
    }
    let (schema, relation) = new_name(name);
    if schema.starts_with("pg_temp") {
        Fail::new(PgSqlErrorCode::ERRCODE_INVALID_TABLE_DEFINITION, "a view that is kept cannot be temporary")
            .detail("Its source outlives the session, and so does what the view brings.")
            .raise();
    }
    let quoted = format!("{}.{}", sql::identifier(&schema), sql::identifier(&relation));
    if let Some(existing) = existing(&schema, &relation) {
        if options.if_not_exists {
            Fail::new(PgSqlErrorCode::ERRCODE_DUPLICATE_TABLE, format!("relation \"{relation}\" already exists, skipping")).notice();
            return existing;
        }
        Fail::new(PgSqlErrorCode::ERRCODE_DUPLICATE_TABLE, format!("relation \"{relation}\" already exists")).raise();
    }
    let Some(query) = Query::parse(text) else {
        Fail::new(PgSqlErrorCode::ERRCODE_SYNTAX_ERROR, "the query of a view must be one SELECT")
            .detail("The text is empty, has several statements, or has a statement of another kind.")
            .raise();
    };
    if incremental { create_incremental(query, text, &quoted, options, &kept) } else { create_refreshable(query, &quoted, options, kept) }
}

fn create_incremental(query: Query, text: &str, quoted: &str, options: &Options, kept: &options::Options) -> Oid {
    let source = match query.source() {
        Some(source) if check::is_table(source.relation) => source.relation,
        _ => check::raise(check::refusals(query.refused_shape(), text)),
    };
    check::refuse_rights(source);
    pin_settings(query);
    types::hold(query);
    if let Some(refused) = check::all(query, text) {
        check::raise(refused);
    }
    compact::check_not_in_use(source, "make a view of");

    super::ddl::clean_up();
    let owner = sql::current_user();
    let wanted = Wanted::of(&text_of(query));
    explain_names(|| check_readable(&wanted));
    sql::as_superuser(|| sql::pinned(|| sql::execute(&format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", catalog::qualified_name(source)))));

    xact::changes_views();
    let id = super::ddl::quietly(|| {
        let id = make_relations(&wanted, owner, options);
        triggers::install(source);
        id
    });
    let groups = relation_oid(&rules::Storage { id }.groups());
    super::ddl::quietly(|| make_public_view(id, groups, quoted));
    announce(source);
    if *kept != options::Options::default() {
        kept.write(id);
    }

    let view = registry::by_view(relation_oid(quoted)).unwrap_or_else(|| pgrx::error!("view {quoted} is not found after it was made"));
    retain::begin(&view, options.retention, options.partition_by);
    explain_names(|| fill(&view, options));
    if kept.schedule.is_some() && options.with_data {
        ledger::is_fresh(id, clock::now());
    }
    view.view
}

fn create_refreshable(query: Query, quoted: &str, options: &Options, mut kept: options::Options) -> Oid {
    let refuse = |what: &str| Fail::new(PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED, what).raise();
    if query.writes() {
        refuse("a refreshable view must not use data-modifying statements in WITH");
    }
    if query.is_temporary() {
        refuse("a refreshable view must not use temporary tables or views");
    }
    super::ddl::clean_up();
    let (owner, started) = (sql::current_user(), clock::now());
    kept.settings = refreshable::settings();
    let wanted = Wanted::of(&text_of(query));
    let storage = super::ddl::quietly(|| {
        sql::as_superuser(|| {
            sql::pinned(|| {
                let storage = rules::Storage { id: next_id() };
                refreshable::make_tables(&storage, &wanted.definition, &options.order_by, owner);
                storage
            })
        })
    });
    kept.write(storage.id);
    refreshable::check_readable(&storage, &kept);
    let names: Vec<String> = refreshable::columns(&storage).iter().map(|name| sql::identifier(name)).collect();
    super::ddl::quietly(|| sql::pinned(|| sql::execute(&format!("CREATE VIEW {quoted} AS {}", rules::refreshable_view(&storage, &names)))));

    let view = refreshable::by_id(storage.id).unwrap_or_else(|| pgrx::error!("view {quoted} is not found after it was made"));
    if options.with_data {
        let entry = ledger::begin(view.id, Kind::Refresh, started);
        let done = refreshable::fill(&view);
        ledger::done(&entry, Some(seen_until(started)), &done, clock::now());
    }
    view.view
}

/// Up to when a query that begins now sees what others committed. A snapshot that the transaction keeps is as old as its first statement, of which
/// no more is known than that the transaction had begun.
fn seen_until(now: Instant) -> Instant {
    if lock::has_transaction_snapshot() { clock::transaction_start() } else { now }
}

/// The user's own rights decide whether the query may be run at all.
fn check_readable(wanted: &Wanted) {
    sql::pinned(|| sql::with_settings(&[("row_security", "on")], || sql::rows(&format!("SELECT FROM ({}) q LIMIT 0", wanted.definition))));
}

/// The names in the query itself have been found: what is not there now is named by a function that the query calls.
fn explain_names<R>(work: impl FnOnce() -> R) -> R {
    error::explaining(
        &[PgSqlErrorCode::ERRCODE_UNDEFINED_FUNCTION, PgSqlErrorCode::ERRCODE_UNDEFINED_TABLE, PgSqlErrorCode::ERRCODE_UNDEFINED_OBJECT],
        "What an incremental view calls finds names in pg_catalog only, whatever search_path its readers and writers have.",
        "Give the function that looks up the name a search_path of its own: ALTER FUNCTION ... SET search_path = ...",
        work,
    )
}

fn is_incremental(options: &Options) -> bool {
    match (options.mode.as_str(), &options.schedule) {
        ("auto", schedule) => schedule.is_none(),
        ("incremental", _) => true,
        ("refreshable", _) => false,
        (other, _) => Fail::new(PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE, format!("unrecognized mode \"{other}\""))
            .hint("Modes are \"auto\", \"incremental\" and \"refreshable\".")
            .raise(),
    }
}

fn check_options(options: &Options, incremental: bool) {
    let given = [(options.retention.is_some(), "retention"), (options.partition_by.is_some(), "partition_by")];
    if let Some((_, what)) = given.into_iter().find(|(given, _)| *given && !incremental) {
        Fail::new(PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED, format!("a refreshable view cannot have {what}"))
            .hint("Leave out in the query's WHERE what is not to be kept, or use mode => 'incremental'.")
            .raise();
    }
}

/// Schema and name of a relation to be made, by PostgreSQL's rules for qualified names.
fn new_name(name: &str) -> (String, String) {
    let parts: Vec<String> =
        sql::rows(&format!("SELECT pg_catalog.unnest(pg_catalog.parse_ident({}))", sql::literal(name))).into_iter().flatten().flatten().collect();
    match &parts[..] {
        [relation] => match sql::rows("SELECT pg_catalog.current_schema()").into_iter().flatten().flatten().next() {
            Some(schema) => (schema, relation.clone()),
            None => Fail::new(PgSqlErrorCode::ERRCODE_INVALID_SCHEMA_NAME, "no schema has been selected to create in").raise(),
        },
        [schema, relation] => (schema.clone(), relation.clone()),
        _ => Fail::new(PgSqlErrorCode::ERRCODE_INVALID_NAME, format!("improper relation name: {name}")).raise(),
    }
}

fn existing(schema: &str, relation: &str) -> Option<Oid> {
    let rows = sql::rows_latest(&format!(
        "SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = {} AND c.relname = {}",
        sql::literal(schema),
        sql::literal(relation)
    ));
    rows.into_iter().flatten().flatten().next().and_then(|t| t.parse::<u32>().ok()).map(Oid::from)
}

fn relation_oid(qualified: &str) -> Oid {
    let rows = sql::rows_latest(&format!("SELECT pg_catalog.to_regclass({})::pg_catalog.oid", sql::literal(qualified)));
    rows.into_iter().flatten().flatten().next().and_then(|t| t.parse::<u32>().ok()).map_or(Oid::INVALID, Oid::from)
}

fn pin_settings(query: Query) {
    let changes = sql::pinned(|| pin::pin_time_zone(query, &setting::time_zone()));
    if !changes.is_empty() {
        let detail = changes.iter().map(|(before, after)| format!("{before} is kept as {after}.")).collect::<Vec<_>>().join("\n");
        let message = format!("the view is made with time zone \"{}\", whatever TimeZone its readers and writers have", setting::time_zone());
        Fail::new(PgSqlErrorCode::ERRCODE_SUCCESSFUL_COMPLETION, message).detail(detail).notice();
    }
}

fn text_of(query: Query) -> String {
    sql::pinned(|| query.deparse())
}

/// All but the relation that users read. Made by the superuser, because nobody else may create in `tally_data`, and given to the owner.
fn make_relations(wanted: &Wanted, owner: Oid, options: &Options) -> i64 {
    sql::as_superuser(|| {
        sql::pinned(|| {
            let id = next_id();
            let storage = rules::Storage { id };
            sql::execute(&format!("CREATE VIEW {} AS {}", storage.query(), wanted.definition));
            let Some(shape) = Query::of_view(relation_oid(&storage.query())).and_then(describe::shape) else {
                pgrx::error!("the definition of view {id} cannot be read back");
            };
            let order_by = order_by(&shape, &options.order_by);
            let mut spec = describe::spec(&shape, id);
            if let Some(unit) = options.partition_by {
                retain::parts::check(&shape, unit);
                spec.partitioned = true;
            }
            for statement in rules::storage_tables(&spec, &order_by) {
                sql::execute(&statement);
            }
            sql::execute(&rules::horizon_table(&spec));
            sql::execute(&format!("CREATE VIEW {} AS {}", storage.groups(), rules::groups_view(&spec)));
            triggers::give(&storage, owner);
            id
        })
    })
}

fn next_id() -> i64 {
    loop {
        let id = sql::rows("SELECT pg_catalog.nextval('tally.view_id')").into_iter().flatten().flatten().next().and_then(|t| t.parse().ok());
        let Some(id) = id else { pgrx::error!("no id for a view") };
        // A restored dump may have brought views whose numbers the sequence has not reached.
        if relation_oid(&rules::Storage { id }.query()) == Oid::INVALID {
            return id;
        }
    }
}

fn order_by(shape: &describe::Shape, names: &[String]) -> Vec<usize> {
    names
        .iter()
        .map(|name| {
            let target = shape.targets.iter().find(|(n, _)| n == name).map(|(_, node)| *node);
            target.and_then(|node| shape.keys.iter().position(|(k, _)| k.equals(node))).unwrap_or_else(|| {
                Fail::new(PgSqlErrorCode::ERRCODE_UNDEFINED_COLUMN, format!("order_by names \"{name}\", which is not a grouped column of the view")).raise()
            })
        })
        .collect()
}

fn make_public_view(id: i64, groups: Oid, quoted: &str) {
    let definition = sql::pinned(|| {
        let storage = rules::Storage { id };
        let shape = Query::of_view(relation_oid(&storage.query())).and_then(describe::shape)?;
        let spec = describe::spec(&shape, id);
        let (targets, having) = describe::over_groups(&shape, groups);
        let rule = describe::parts(&shape).map(|parts| rules::insert_rule(&spec, quoted, &targets, &parts));
        Some((rules::public_view(&spec, &targets, having.as_deref()), rule))
    });
    let Some((definition, rule)) = definition else { pgrx::error!("the definition of view {id} cannot be read back") };
    sql::pinned(|| {
        sql::execute(&format!("CREATE VIEW {quoted} AS {definition}"));
        if let Some(rule) = rule {
            sql::execute(&rule);
        }
    });
}

fn announce(source: Oid) {
    for member in compact::oids(&format!("SELECT m::pg_catalog.oid FROM tally.members({}) m", source.to_u32())) {
        inval::announce(member);
    }
}

fn fill(view: &registry::Registered, options: &Options) {
    if !options.with_data {
        return;
    }
    if lock::has_transaction_snapshot() {
        Fail::new(PgSqlErrorCode::ERRCODE_WARNING, "the view is made without data, because the transaction is REPEATABLE READ or SERIALIZABLE")
            .detail("It is exact, but each reading of it reads the whole source.")
            .hint("Fill it with tally.refresh_view in a READ COMMITTED transaction.")
            .notice();
        return;
    }
    // Others may already wait to compact what they will see only when this has committed.
    lock::lock_folding(view.delta);
    compact::rebuild(view);
}
