//! The mergeable states as SQL sees them: one file per family. SQL declarations are in `sql/10_types.sql` and
//! `sql/20_aggregates.sql`; the mathematics is in `pg_tally_core::state`.

mod arg;
mod avg;
mod common;
mod keys;
mod minmax;
mod quantile;
mod sum;
mod top_k;
mod uniq;
mod uniq_exact;
mod var;
