//! The arguments of one call site as a tuple of canonical bytes, looked up once and kept in `fn_extra`.

use core::ops::Range;
use crate::pg::call::Call;
use crate::pg::canon::{self, Canon};
use crate::pg::error::Fail;
use pg_tally_core::hash;
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
    pub fn of_distinct(call: &Call, first: usize, aggregate: &str) -> Result<Tuple, Fail> {
        Tuple::new(call, first..call.nargs())?.unambiguous(aggregate)
    }

    /// Argument `i` alone, of an aggregate that counts what is equal as one value.
    pub fn of_value(call: &Call, i: usize, aggregate: &str) -> Result<Tuple, Fail> {
        Tuple::new(call, i..i + 1)?.unambiguous(aggregate)
    }

    fn unambiguous(self, aggregate: &str) -> Result<Tuple, Fail> {
        if self.canons.iter().any(Canon::ambiguous) {
            return Err(nondeterministic(aggregate)
                .detail("Strings that this collation takes for equal would be counted as different.")
                .hint(format!("Use a deterministic collation, as in {aggregate}(x COLLATE \"C\"), or count lower(x).")));
        }
        Ok(self)
    }

    /// Argument 0 and a timestamptz: what a session is identified by.
    pub fn of_key_and_time(call: &Call) -> Result<Tuple, Fail> {
        let key = Canon::new(call.arg_type(0)?, call.arg_collation(0));
        if key.ambiguous() {
            return Err(nondeterministic("session_id")
                .detail("Keys that this collation takes for equal would give different ids.")
                .hint("Use a deterministic collation, as in session_id(key COLLATE \"C\", session), or lower(key)."));
        }
        let canons = vec![key, Canon::new(pg_sys::TIMESTAMPTZOID, pg_sys::InvalidOid)];
        Ok(Tuple { first: 0, canons, datums: vec![None; 2], buffer: Vec::new() })
    }

    /// The bytes of argument 0, which is not NULL, and this timestamptz.
    pub fn write_key_and_time(&mut self, call: &Call, time: pg_sys::Datum) -> &[u8] {
        self.datums[0] = call.datum(0);
        self.datums[1] = Some(time);
        self.buffer.clear();
        // SAFETY: the canons were made for these types.
        unsafe { canon::write_tuple(&self.canons, &self.datums, &mut self.buffer) };
        &self.buffer
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

    /// The hash of the bytes to count. None if any argument is NULL.
    #[inline]
    pub fn hash_all(&mut self, call: &Call) -> Option<u64> {
        if let [only] = self.canons.as_slice()
            && let Some(bytes) = only.of_by_value(call.datum(self.first)?)
        {
            return Some(hash::hash64_of_8(bytes));
        }
        self.write_all(call).map(hash::hash64)
    }

    /// The bytes to count: of a single argument its own, of several the tuple's. None if any is NULL.
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

fn nondeterministic(function: &str) -> Fail {
    Fail::new(PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED, format!("{function} does not support nondeterministic collations"))
}
