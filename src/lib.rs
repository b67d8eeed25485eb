//! pg_tally: aggregating materialized views inside PostgreSQL.

pgrx::pg_module_magic!();
