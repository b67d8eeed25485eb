//! What `cargo x` is made of; `cluster` and `provision` serve other test programs too.

pub mod bench;
pub mod cluster;
pub mod demo;
pub mod fuzz;
pub mod oracle;
pub mod provision;
pub mod sh;
pub mod soak;
pub mod suites;
#[path = "../../tidy.rs"]
pub mod tidy;
