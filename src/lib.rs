//! pg_tally: aggregating materialized views inside PostgreSQL.
//!
//! Floors, from the ground up: `pg_tally_core` (no PostgreSQL), `pg` (PostgreSQL, and the only `unsafe`), `agg` (the aggregates),
//! `session` (sessions) and `view` (views) beside each other, `worker` (scheduled refreshes), `api` (what users call).

use pgrx::prelude::*;

mod agg;
mod api;
mod pg;
mod session;
mod view;
mod worker;

pgrx::pg_module_magic!();

extension_sql_file!("../sql/00_schema.sql", name = "schema", bootstrap);
extension_sql_file!("../sql/10_types.sql", name = "types", requires = ["schema"]);
extension_sql_file!("../sql/20_aggregates.sql", name = "aggregates", requires = ["types"]);
extension_sql_file!("../sql/21_variance.sql", name = "variance", requires = ["aggregates"]);
extension_sql_file!("../sql/22_ends.sql", name = "ends", requires = ["aggregates"]);
extension_sql_file!("../sql/23_arg.sql", name = "arg", requires = ["aggregates"]);
extension_sql_file!("../sql/24_quantile.sql", name = "quantile", requires = ["aggregates"]);
extension_sql_file!("../sql/25_top_k.sql", name = "top_k", requires = ["aggregates"]);
extension_sql_file!("../sql/26_uniq_exact.sql", name = "uniq_exact", requires = ["aggregates"]);
extension_sql_file!("../sql/30_catalog.sql", name = "catalog", requires = ["aggregates"]);
extension_sql_file!("../sql/40_functions.sql", name = "functions", requires = ["catalog"]);
extension_sql_file!("../sql/45_sessions.sql", name = "sessions", requires = ["functions"]);
extension_sql_file!("../sql/46_worker.sql", name = "worker", requires = ["sessions"]);
extension_sql_file!("../sql/47_health.sql", name = "health", requires = ["worker"]);
extension_sql_file!("../sql/48_retention.sql", name = "retention", requires = ["functions"]);
extension_sql_file!("../sql/50_events.sql", name = "events", requires = ["health", "retention"]);

#[pg_guard]
pub extern "C-unwind" fn _PG_init() {
    pg::memory::set_aside();
    pg::setting::register();
    pg::inval::register();
    pg::counters::register();
    pg::hook::register();
    pg::merge::register();
    view::fold::register();
    pg::utility::register();
    pg::process::register_launcher();
}

#[cfg(test)]
#[path = "../pg_test/mod.rs"]
pub mod pg_test;

#[cfg(any(test, feature = "pg_test"))]
#[pg_schema]
mod tests {
    use pgrx::prelude::*;

    include!("../pg_test/in_backend/helpers.rs");
    include!("../pg_test/in_backend/arg.rs");
    include!("../pg_test/in_backend/hashing.rs");
    include!("../pg_test/in_backend/bytes.rs");
    include!("../pg_test/in_backend/ends.rs");
    include!("../pg_test/in_backend/keys.rs");
    include!("../pg_test/in_backend/memory.rs");
    include!("../pg_test/in_backend/minmax.rs");
    include!("../pg_test/in_backend/plans.rs");
    include!("../pg_test/in_backend/quantile.rs");
    include!("../pg_test/in_backend/refreshes.rs");
    include!("../pg_test/in_backend/sessions.rs");
    include!("../pg_test/in_backend/sums.rs");
    include!("../pg_test/in_backend/top_k.rs");
    include!("../pg_test/in_backend/uniq.rs");
    include!("../pg_test/in_backend/uniq_exact.rs");
    include!("../pg_test/in_backend/var.rs");
}
