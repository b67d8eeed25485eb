//! Before and after a round: a clean schema, and what must hold once everybody is quiet.

use crate::db;
use crate::plan::{Plan, Theme};
use crate::session::{Failure, show};
use postgres::Client;
use std::collections::BTreeMap;

pub fn reset(c: &mut Client) -> Result<(), postgres::Error> {
    for gid in db::rows(c, "SELECT gid FROM pg_prepared_xacts WHERE database = current_database() AND gid LIKE 'oracle%'")? {
        c.batch_execute(&format!("ROLLBACK PREPARED '{}'", gid[0].clone().unwrap_or_default()))?;
    }
    c.batch_execute("DROP SCHEMA IF EXISTS oracle CASCADE")?;
    c.batch_execute(
        "CREATE SCHEMA oracle; CREATE TYPE oracle.mood AS ENUM ('sad', 'ok', 'happy'); CREATE DOMAIN oracle.posint AS int CHECK (VALUE >= 0);
         DO $$ BEGIN CREATE ROLE oracle_writer; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
         GRANT USAGE ON SCHEMA oracle TO oracle_writer; ALTER DEFAULT PRIVILEGES IN SCHEMA oracle GRANT ALL ON TABLES TO oracle_writer",
    )
}

/// What a round came to, of which there should be enough in a run.
pub fn paths(c: &mut Client, p: &Plan, paths: &mut BTreeMap<&'static str, u64>) {
    if p.theme != Theme::Kept {
        return;
    }
    let mut count = |name, sql: &str| *paths.entry(name).or_default() += db::value(c, sql).ok().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0);
    count("groups kept at the end", "SELECT sum(kept)::bigint FROM tally.views");
    count("rows that left and count, at the end", &format!("SELECT (SELECT count(*) FROM oracle.shadow) - (SELECT count(*) FROM {})", p.sources[0]));
    count("rows that a view does not count, at the end", "SELECT count(*) FROM oracle.cut");
}

fn fails(class: &str, e: postgres::Error) -> Failure {
    let (code, text) = db::explain(&e);
    Failure::new(format!("{class} error {code}"), text)
}

/// Every view that is there: exact, incremental, verified, compacted to nothing pending, read without its source, and
/// dropped without a trace. Returns the number of comparisons made.
pub fn check(c: &mut Client, p: &Plan, stub: bool) -> Result<u64, Failure> {
    let mut checks = refreshables(c, p)?;
    let mut kept = vec![];
    for (i, v) in p.views.iter().enumerate() {
        let name = crate::value::quote(&v.name);
        let there = db::value(c, &format!("SELECT to_regclass({name}) IS NOT NULL")).map_err(|e| fails("final", e))? == "t";
        if !there {
            continue;
        }
        let mut compare = |c: &mut Client, when: &str| {
            let rows = db::rows(c, &v.whole_difference()).map_err(|e| fails(when, e))?;
            checks += 1;
            if rows.is_empty() { Ok(()) } else { Err(Failure::new(format!("mismatch {when}"), format!("{}: {}", v.name, show(&rows)))) }
        };
        compare(c, "at the end")?;
        if i % 2 == 0 {
            verified(c, &name, "before compaction")?;
        }
        let mode = db::value(c, &format!("SELECT mode FROM tally.views WHERE view = {name}::regclass")).map_err(|e| fails("tally.views", e))?;
        if mode != "incremental" {
            return Err(Failure::new("mode", format!("tally.views says mode {mode:?} of {}", v.name)));
        }
        if !v.filled && !stub {
            db::rows(c, &format!("SELECT tally.refresh_view({name})")).map_err(|e| fails("refresh_view", e))?;
        }
        db::rows(c, &format!("SELECT tally.compact({name})")).map_err(|e| fails("compact", e))?;
        compare(c, "after the last compaction")?;
        verified(c, &name, "after compaction")?;
        if !stub {
            let left = db::value(c, &format!("SELECT pending || ' pending, ' || doubtful || ' doubtful' FROM tally.views WHERE view = {name}::regclass")).map_err(|e| fails("tally.views", e))?;
            if left != "0 pending, 0 doubtful" {
                return Err(Failure::new("left", format!("{} after compaction: {left}", v.name)));
            }
            untouched(c, p, &v.name)?;
        }
        kept.push(v);
    }
    for (i, v) in kept.iter().enumerate() {
        let sql = if i % 2 == 0 { format!("DROP VIEW {}", v.name) } else { format!("SELECT tally.drop_view({})", crate::value::quote(&v.name)) };
        if !(p.round + i as u64).is_multiple_of(3) {
            db::rows(c, &sql).map_err(|e| fails("drop", e))?;
        }
    }
    c.batch_execute("DROP SCHEMA oracle CASCADE").map_err(|e| fails("drop schema", e))?;
    if !stub {
        let left = db::rows(c, "SELECT oid::regclass FROM pg_class WHERE relnamespace = 'tally_data'::regnamespace AND relkind IN ('r', 'v', 'p')").map_err(|e| fails("final", e))?;
        let listed = db::rows(c, "SELECT view FROM tally.views").map_err(|e| fails("tally.views", e))?;
        if !left.is_empty() || !listed.is_empty() {
            return Err(Failure::new("leftovers", format!("after dropping everything: {}; listed: {}", show(&left), show(&listed))));
        }
    }
    Ok(checks)
}

/// Those that were made: refreshed, each equals its query.
fn refreshables(c: &mut Client, p: &Plan) -> Result<u64, Failure> {
    let mut checks = 0;
    for v in &p.refreshables {
        let name = crate::value::quote(&v.name);
        let mode = db::value(c, &format!("SELECT mode FROM tally.views WHERE view = to_regclass({name})")).map_err(|e| fails("tally.views", e))?;
        match mode.as_str() {
            "" => continue,
            "refreshable" => {}
            _ => return Err(Failure::new("mode", format!("tally.views says mode {mode:?} of {}", v.name))),
        }
        db::rows(c, &v.refresh()).map_err(|e| fails("refresh_view", e))?;
        let rows = db::rows(c, &v.difference()).map_err(|e| fails("at the end", e))?;
        if !rows.is_empty() {
            return Err(Failure::new("mismatch at the end", format!("{}: {}", v.name, show(&rows))));
        }
        verified(c, &name, "refreshed")?;
        checks += 1;
    }
    Ok(checks)
}

fn verified(c: &mut Client, name: &str, when: &str) -> Result<(), Failure> {
    let v = db::rows(c, &format!("SELECT missing, extra, different FROM tally.verify_view({name})")).map_err(|e| fails("verify_view", e))?;
    let zero = v.len() == 1 && v[0].iter().all(|x| x.as_deref() == Some("0"));
    if zero { Ok(()) } else { Err(Failure::new("verify_view", format!("{name} {when}: {v:?}"))) }
}

/// A compacted view is answered from main alone.
fn untouched(c: &mut Client, p: &Plan, view: &str) -> Result<(), Failure> {
    let plan = db::rows(c, &format!("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) SELECT count(*) FROM (SELECT * FROM {view} OFFSET 0) x")).map_err(|e| fails("explain", e))?;
    let text: Vec<String> = plan.iter().flat_map(|r| r.iter().flatten().cloned()).collect();
    let text = text.join("\n");
    let mut relation = String::new();
    for line in text.lines() {
        let line = line.trim().trim_end_matches(',');
        if let Some(v) = line.strip_prefix("\"Relation Name\": ") {
            relation = v.trim_matches('"').to_string();
        } else if let Some(n) = line.strip_prefix("\"Actual Loops\": ") {
            let source = p.sources.iter().any(|s| s.trim_start_matches("oracle.").trim_matches('"') == relation);
            if source && n != "0" {
                return Err(Failure::new("touches its source", format!("a read of {view}, compacted, scans {relation}:\n{text}")));
            }
        } else if line.starts_with("\"Node Type\"") {
            relation.clear();
        }
    }
    Ok(())
}
