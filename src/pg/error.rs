//! One door to `ereport`: every error that a function of ours raises passes here, with SQLSTATE, detail and hint.

use super::border::Texts;
use super::encoding;
use pg_tally_core::error::{Error, Kind};
use pgrx::pg_sys::errcodes::PgSqlErrorCode;
use pgrx::pg_sys::panic::{CaughtError, ErrorReport};
use pgrx::{PgLogLevel, PgTryBuilder};
use std::borrow::Cow;
use std::panic::AssertUnwindSafe;

/// An error on its way to the user. Functions return it; [`Fail::raise`] hands it to PostgreSQL.
pub struct Fail(Box<ErrorReport>);

impl Fail {
    pub fn new(code: PgSqlErrorCode, message: impl Into<String>) -> Self {
        Fail(Box::new(ErrorReport::new(code, outgoing(message), "")))
    }

    /// Message, detail and hint in the database's encoding.
    pub(super) fn in_encoding(code: PgSqlErrorCode, [message, detail, hint]: Texts) -> Self {
        let mut report = ErrorReport::new(code, in_encoding(message.unwrap_or_default()), "");
        if let Some(detail) = detail {
            report = report.set_detail(in_encoding(detail));
        }
        if let Some(hint) = hint {
            report = report.set_hint(in_encoding(hint));
        }
        Fail(Box::new(report))
    }

    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0 = Box::new((*self.0).set_detail(outgoing(detail)));
        self
    }

    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0 = Box::new((*self.0).set_hint(outgoing(hint)));
        self
    }

    /// Text that is not the hex form of a valid state of this type.
    pub fn text(type_name: &str, why: &str) -> Self {
        Fail::new(
            PgSqlErrorCode::ERRCODE_INVALID_TEXT_REPRESENTATION,
            format!("invalid input syntax for type tally.{type_name}"),
        )
        .detail(why)
        .hint("The text form of a state is \\x followed by the hexadecimal digits of its bytes.")
    }

    /// A state read from text: the same error as from binary, under the SQLSTATE of text input.
    pub fn from_text(type_name: &str, error: Error) -> Self {
        match error.kind {
            Kind::Corrupt => Fail::text(type_name, &why(error)),
            _ => Fail::from(error),
        }
    }

    /// Tells it to the client without failing anything.
    pub fn notice(self) {
        self.0.report(PgLogLevel::NOTICE);
    }

    /// The same as a warning.
    pub fn warn(self) {
        self.0.report(PgLogLevel::WARNING);
    }

    /// Tells it to the server's log only.
    pub fn log(self) {
        self.0.report(PgLogLevel::LOG);
    }

    /// Ends the session; does not return.
    pub fn fatal(self) -> ! {
        self.0.report(PgLogLevel::FATAL);
        unreachable!("FATAL does not return")
    }

    /// Reports the error; does not return.
    pub fn raise(self) -> ! {
        self.0.report(PgLogLevel::ERROR);
        unreachable!("an ERROR does not return")
    }
}

/// Runs `work`; an ERROR in it with one of these codes goes on with this detail and hint.
pub fn explaining<R>(codes: &[PgSqlErrorCode], detail: &str, hint: &str, work: impl FnOnce() -> R) -> R {
    PgTryBuilder::new(AssertUnwindSafe(work))
        .catch_others(|error| match &error {
            CaughtError::PostgresError(report) if codes.contains(&report.sql_error_code()) => {
                Fail::new(report.sql_error_code(), report.message()).detail(detail).hint(hint).raise()
            }
            _ => error.rethrow(),
        })
        .execute()
}

/// As PostgreSQL expects a message: pgrx hands it the bytes as they are.
fn outgoing(text: impl Into<String>) -> String {
    let text = text.into();
    match encoding::encode(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(bytes) => in_encoding(bytes),
    }
}

/// Text in the database's encoding, for a report.
fn in_encoding(bytes: Vec<u8>) -> String {
    // SAFETY: nobody looks for characters in it. pgrx copies the report's bytes to a C string, and `xact::describe` takes them as bytes.
    unsafe { String::from_utf8_unchecked(bytes) }
}

/// What is wrong with the bytes.
fn why(error: Error) -> String {
    let report = error.into_report();
    report.detail.unwrap_or(report.message)
}

impl From<Error> for Fail {
    fn from(error: Error) -> Self {
        let report = error.into_report();
        let code = match report.kind {
            Kind::Corrupt => PgSqlErrorCode::ERRCODE_INVALID_BINARY_REPRESENTATION,
            Kind::Unsupported => PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            Kind::OutOfRange => PgSqlErrorCode::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
            Kind::TimeOutOfRange => PgSqlErrorCode::ERRCODE_DATETIME_FIELD_OVERFLOW,
            Kind::Invalid => PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            Kind::TooLarge => PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
            Kind::OutOfMemory => PgSqlErrorCode::ERRCODE_OUT_OF_MEMORY,
        };
        let mut fail = Fail::new(code, report.message);
        if let Some(detail) = report.detail {
            fail = fail.detail(detail);
        }
        if let Some(hint) = report.hint {
            fail = fail.hint(hint);
        }
        fail
    }
}

/// Raises a core error; does not return.
pub fn raise(error: Error) -> ! {
    Fail::from(error).raise()
}
