//! A failing run as something to run by hand: for psql if one session does it all, else as an isolation spec.

use crate::plan::Plan;
use crate::session::Report;
use std::fmt::Write;

const PRELUDE: &str = "CREATE EXTENSION IF NOT EXISTS pg_tally;\nDROP SCHEMA IF EXISTS oracle CASCADE;\nCREATE SCHEMA oracle;\nCREATE TYPE oracle.mood AS ENUM ('sad', 'ok', 'happy');\nCREATE DOMAIN oracle.posint AS int CHECK (VALUE >= 0);\nGRANT USAGE ON SCHEMA oracle TO oracle_writer; ALTER DEFAULT PRIVILEGES IN SCHEMA oracle GRANT ALL ON TABLES TO oracle_writer; -- a role without rights\n";

pub fn psql(plan: &Plan, log: &[Report]) -> String {
    let mut s = format!("-- seed {} round {}\n{PRELUDE}", plan.seed, plan.round);
    let used: Vec<usize> = (0..plan.sessions).filter(|n| log.iter().any(|r| r.session == *n)).collect();
    if used.len() > 1 {
        s.insert_str(0, "-- Several sessions: each statement in the session that stands before it.\n");
    }
    for n in &used {
        for set in &plan.settings[*n] {
            let _ = writeln!(s, "/* s{n} */ {set};");
        }
    }
    for r in log {
        if used.len() > 1 {
            let _ = write!(s, "/* s{}{} */ ", r.session, if r.waited { ", waits" } else { "" });
        }
        let _ = writeln!(s, "{};", r.sql);
        if let Some(data) = &r.copy {
            let _ = writeln!(s, "{data}\\.");
        }
        if !r.result.is_empty() && !r.result.ends_with(" rows") || r.failure.is_some() {
            let text = r.result.replace('\n', "\n--   ");
            let _ = writeln!(s, "--   {text}");
        }
        if let Some(f) = &r.failure {
            let _ = writeln!(s, "-- FAILS ({}): {}", f.class, f.text.replace('\n', "\n--   "));
        }
    }
    s
}
