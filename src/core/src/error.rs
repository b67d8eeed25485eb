//! The one error of this crate, in PostgreSQL's style: a short primary message, a detail that says what is wrong,
//! a hint that says what to do.

use std::fmt;
use std::ops::Deref;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes that no version of this extension wrote.
    Corrupt,
    /// Well formed, but of a version or with a feature that this build does not know.
    Unsupported,
    /// A result that its type cannot hold.
    OutOfRange,
    /// The same of dates, times and intervals, for which PostgreSQL has a code of its own.
    TimeOutOfRange,
    /// An argument outside its domain.
    Invalid,
    /// More than a value can hold.
    TooLarge,
    OutOfMemory,
}

/// Behind a pointer, so that a result without an error is as cheap to hand on as its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(Box<Report>);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    pub kind: Kind,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
}

impl Error {
    /// `what` is the SQL name of the type: "invalid uniq_state".
    #[cold]
    pub fn corrupt(what: &str, detail: impl Into<String>) -> Self {
        Self::new(Kind::Corrupt, format!("invalid {what}")).with_detail(detail)
    }

    #[cold]
    pub fn unsupported(what: &str, detail: impl Into<String>) -> Self {
        Self::new(Kind::Unsupported, format!("unsupported {what}"))
            .with_detail(detail)
            .with_hint("The state may have been made by a newer pg_tally: update the extension here.")
    }

    #[cold]
    pub fn out_of_range(message: impl Into<String>) -> Self {
        Self::new(Kind::OutOfRange, message)
    }

    #[cold]
    pub fn time_out_of_range(message: impl Into<String>) -> Self {
        Self::new(Kind::TimeOutOfRange, message)
    }

    #[cold]
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, message)
    }

    #[cold]
    pub fn too_large(message: impl Into<String>) -> Self {
        Self::new(Kind::TooLarge, message)
    }

    /// PostgreSQL's own words.
    #[cold]
    pub fn out_of_memory() -> Self {
        Self::new(Kind::OutOfMemory, "out of memory")
    }

    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Report { kind, message: message.into(), detail: None, hint: None }))
    }

    pub fn with_detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    pub fn into_report(self) -> Report {
        *self.0
    }

    /// For binary input; a text input function reports `Corrupt` as 22P02 (invalid_text_representation) instead.
    pub fn sqlstate(&self) -> &'static str {
        match self.kind {
            Kind::Corrupt => "22P03",
            Kind::Unsupported => "0A000",
            Kind::OutOfRange => "22003",
            Kind::TimeOutOfRange => "22008",
            Kind::Invalid => "22023",
            Kind::TooLarge => "54000",
            Kind::OutOfMemory => "53200",
        }
    }
}

impl Deref for Error {
    type Target = Report;

    fn deref(&self) -> &Report {
        &self.0
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}
