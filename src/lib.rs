//! pg_tally: aggregating materialized views inside PostgreSQL.

use pgrx::prelude::*;

mod agg;
mod pg;

pgrx::pg_module_magic!();

extension_sql_file!("../sql/00_schema.sql", name = "schema", bootstrap);
extension_sql_file!("../sql/10_types.sql", name = "types", requires = ["schema"]);
extension_sql_file!("../sql/20_aggregates.sql", name = "aggregates", requires = ["types"]);
