//! Completes pg_test/golden: `cargo run -p pg_tally_core --example golden` gives the cases that have rows only their bytes and
//! values, to be checked and committed. A case that has bytes is never changed: they are stored in somebody's database.

#[path = "../tests/common/mod.rs"]
mod common;
#[path = "../tests/common/golden.rs"]
mod golden;

fn main() {
    for file in golden::files() {
        println!("{}: {} cases completed", file.path.display(), golden::complete(&file));
    }
}
