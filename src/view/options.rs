//! What a view was asked for by name: schedule, retention and the like.
//!
//! It is kept as JSON in the comment on the view's definition, so that a dump carries it, with data or without, and a rollback undoes it.

use crate::pg::error::Fail;
use crate::pg::{process, sql};
use pg_tally_core::view::Storage;
use pgrx::PgSqlErrorCode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Intervals are texts that PostgreSQL reads the same way under any IntervalStyle.
#[derive(Serialize, Deserialize, Clone, Default, PartialEq, Debug)]
#[serde(default, deny_unknown_fields)]
pub struct Options {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,
    /// The zone of a schedule that names none: the server's when the schedule was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub paused: bool,
    /// How long a refresh may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<String>,
    /// How much of an incremental view a scheduled refresh makes anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_window: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partition_by: Option<String>,
    /// The settings that a refreshable view's query is run with.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
}

impl Options {
    fn text(id: i64) -> Option<String> {
        let rows = sql::as_superuser(|| sql::rows_latest(&format!("SELECT options FROM tally.options WHERE id = {id}")));
        rows.into_iter().flatten().flatten().next()
    }

    /// Those of a view. A comment that is not ours any more is an error.
    pub fn of(id: i64) -> Options {
        Options::text(id).map_or_else(Options::default, |text| Options::read(id, &text))
    }

    /// Of a comment; what is wrong with it, if it is not ours any more.
    pub fn parse(text: &str) -> Result<Options, String> {
        serde_json::from_str(text).map_err(|why| why.to_string())
    }

    fn read(id: i64, text: &str) -> Options {
        Options::parse(text).unwrap_or_else(|why| {
            Fail::new(PgSqlErrorCode::ERRCODE_DATA_CORRUPTED, format!("the comment on view {} is not what pg_tally wrote", Storage { id }.query()))
                .detail(format!("{why}."))
                .hint("The comment has the view's options. Remove it with COMMENT ON VIEW ... IS NULL, and set them again with tally.alter_view.")
                .raise()
        })
    }

    /// Keeps them; whoever may do so has been asked before.
    pub fn write(&self, id: i64) {
        let text = match serde_json::to_string(self) {
            Ok(text) if *self != Options::default() => sql::literal(&text),
            Ok(_) => "NULL".into(),
            Err(why) => pgrx::error!("options of view {id}: {why}"),
        };
        sql::as_superuser(|| sql::pinned(|| sql::execute(&format!("COMMENT ON VIEW {} IS {text}", Storage { id }.query()))));
        process::wake_at_end();
    }
}
