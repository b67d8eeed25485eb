//! The Postgres floor: the only place with `unsafe`. It knows PostgreSQL, not the product.

pub mod aggstate;
pub mod call;
pub mod canon;
pub mod error;
pub mod fmgr;
pub mod tuple;
pub mod varlena;
#[cfg(any(test, feature = "pg_test"))]
pub mod testing;
