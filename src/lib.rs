//! pg_tally: aggregating materialized views inside PostgreSQL.

use pgrx::prelude::*;

mod agg;
mod pg;

pgrx::pg_module_magic!();

extension_sql_file!("../sql/00_schema.sql", name = "schema", bootstrap);
extension_sql_file!("../sql/10_types.sql", name = "types", requires = ["schema"]);
extension_sql_file!("../sql/20_aggregates.sql", name = "aggregates", requires = ["types"]);

#[cfg(test)]
#[path = "../pg_test/mod.rs"]
pub mod pg_test;

#[cfg(any(test, feature = "pg_test"))]
#[pg_schema]
mod tests {
    use pgrx::prelude::*;

    include!("../pg_test/in_backend/helpers.rs");
    include!("../pg_test/in_backend/bytes.rs");
    include!("../pg_test/in_backend/keys.rs");
    include!("../pg_test/in_backend/minmax.rs");
    include!("../pg_test/in_backend/plans.rs");
    include!("../pg_test/in_backend/sums.rs");
    include!("../pg_test/in_backend/uniq.rs");
}
