//! The process that fills one view from its source, once: that may take long, and what else the upkeep process does is not to wait for it.

use super::chores::Chore;
use super::home;
use crate::pg::process::{self, Sort};
use crate::pg::setting;
use crate::view::upkeep::View;

crate::process!("backfill", |database| {
    process::begin(Some(database));
    setting::give_way();
    home::alone(Sort::Backfill);
    if let Some(view) = home::transaction("looking for a view", || View::by_id(process::argument())) {
        // How it went is in the log.
        Chore::Fill(view).run();
    }
    process::leave();
});
