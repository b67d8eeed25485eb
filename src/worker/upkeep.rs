//! The process of a database that looks after its views between refreshes.

use super::home;
use crate::pg::process::{self, Sort};
use crate::pg::setting;

crate::process!("upkeep", |database| {
    process::begin(Some(database));
    home::live(Sort::Upkeep, || {
        round();
        setting::naptime()
    });
});

fn round() {}
