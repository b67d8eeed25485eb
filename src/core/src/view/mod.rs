//! What a view is made of, and the SQL that keeps and reads it. Pure: text in, text out.

pub mod refusal;
pub mod spec;
pub mod strategy;

mod horizon;
mod parts;
mod range;
mod read;
mod refreshable;
mod render;
mod values;
mod verify;
mod write;

pub use horizon::{Kept, expire, horizon_table, keep_all, held_values, keep_to, lost_values, tidy_horizon};
pub use parts::add_part;
pub use range::{Bounds, rebuild_range};
pub use read::{groups_view, insert_rule, public_view, recomputed_groups};
pub use refusal::{Feature, Refusal, position, refuse};
pub use refreshable::{CAME, delete_rows, insert_rows, mark_filled, present_rows, refreshable_tables, refreshable_view, wanted_rows};
pub use render::storage_tables;
pub use spec::{Agg, Counted, Equality, Key, Part, Range, Spec, Storage, Target};
pub use strategy::{Argument, Call, Exact, Origin, Strategy, compares_bytes, keeps_bytes, strategy_of};
pub use verify::{Compared, comparison, state};
pub use write::{adoption, compaction, filled_elsewhere, fold, rebuild};
