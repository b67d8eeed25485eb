//! The Postgres floor: the only place with `unsafe`. It knows PostgreSQL, not the product.

pub mod aggstate;
pub mod array;
pub mod call;
pub mod canon;
pub mod error;
pub mod fmgr;
pub mod tuple;
pub mod varlena;
pub mod append;
pub mod best;
pub mod catalog;
pub mod compat;
pub mod event;
pub mod expr;
pub mod hook;
pub mod inval;
pub mod item;
pub mod lock;
pub mod memory;
pub mod pin;
pub mod plan;
pub mod merge;
pub mod named;
pub mod probe;
pub mod query;
pub mod setting;
pub mod sql;
pub mod transition;
pub mod tree;
pub mod value;
pub mod window;
pub mod wire;
pub mod xact;
pub mod zone;
#[cfg(any(test, feature = "pg_test"))]
pub mod testing;
