//! The arguments of one call site as a tuple of canonical bytes, looked up once and kept in `fn_extra`.

use core::ops::Range;
use crate::pg::call::Call;
use crate::pg::canon::{self, Canon};
use crate::pg::error::Fail;
use pgrx::pg_sys;
use pgrx::pg_sys::errcodes::PgSqlErrorCode;

pub struct Tuple {
    first: usize,
    canons: Vec<Canon>,
    datums: Vec<Option<pg_sys::Datum>>,
    buffer: Vec<u8>,
}

impl Tuple {
    /// The arguments from `first` on of an aggregate that counts distinct tuples.
    pub fn of_uniq(call: &Call, first: usize) -> Result<Tuple, Fail> {
        Tuple::new(call, first..call.nargs())?.unambiguous("uniq")
    }

    /// Argument `i` alone, of an aggregate that counts what is equal as one value.
    pub fn of_value(call: &Call, i: usize, aggregate: &str) -> Result<Tuple, Fail> {
        Tuple::new(call, i..i + 1)?.unambiguous(aggregate)
    }

    fn unambiguous(self, aggregate: &str) -> Result<Tuple, Fail> {
        if self.canons.iter().any(Canon::ambiguous) {
            return Err(Fail::new(
                PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                format!("{aggregate} does not support nondeterministic collations"),
            )
            .detail("Strings that this collation takes for equal would be counted as different.")
            .hint(format!("Use a deterministic collation, as in {aggregate}(x COLLATE \"C\"), or count lower(x).")));
        }
        Ok(self)
    }

    /// All arguments, as keys of a group.
    pub fn of_keys(call: &Call) -> Result<Tuple, Fail> {
        Tuple::new(call, 0..call.nargs())
    }

    fn new(call: &Call, arguments: Range<usize>) -> Result<Tuple, Fail> {
        if call.is_variadic_array()? {
            return Err(Fail::new(
                PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
                "VARIADIC arrays are not supported here",
            )
            .hint("Give the values as separate arguments, or the array as one argument without VARIADIC."));
        }
        let first = arguments.start;
        let canons = arguments
            .map(|i| Ok(Canon::new(call.arg_type(i)?, call.arg_collation(i))))
            .collect::<Result<Vec<_>, Fail>>()?;
        let datums = vec![None; canons.len()];
        Ok(Tuple { first, canons, datums, buffer: Vec::new() })
    }

    /// The bytes to count: of a single argument its own, of several the tuple's. None if any is NULL.
    #[inline]
    pub fn write_all(&mut self, call: &Call) -> Option<&[u8]> {
        self.buffer.clear();
        if let [only] = self.canons.as_slice() {
            // SAFETY: the canon was made for this argument's type.
            unsafe { only.write(call.datum(self.first)?, &mut self.buffer) };
            return Some(&self.buffer);
        }
        for (i, datum) in self.datums.iter_mut().enumerate() {
            *datum = Some(call.datum(self.first + i)?);
        }
        unsafe { canon::write_tuple(&self.canons, &self.datums, &mut self.buffer) };
        Some(&self.buffer)
    }

    pub fn key_hash(&mut self, call: &Call) -> i64 {
        for (i, datum) in self.datums.iter_mut().enumerate() {
            *datum = call.datum(self.first + i);
        }
        canon::key_hash(&self.canons, &self.datums, &mut self.buffer)
    }
}
