//! `quantile` and `quantiles`: values at a rank, by DDSketch.

use super::common;
use crate::pg::aggstate::{look, transition, unchanged};
use crate::pg::array::map_float8;
use crate::pg::call::{Call, Out, Value};
use crate::pg::error::Fail;
use crate::{sql_function, state_functions};
use pg_tally_core::Error;
use pg_tally_core::codec::{Reader, put_varint};
use pg_tally_core::state::{Quantile, State};

state_functions!("quantile", Quantile);

sql_function!("quantile", "_trans", insert);
sql_function!("quantile", "_merge_trans", merge_trans);
sql_function!("quantile", "_merge", common::merge::<Quantile>);
sql_function!("quantile", "_finalize", finalize);
sql_function!("quantile", "_finalize_array", finalize_array);

sql_function!("quantile_at", "_trans", |c| ask(c, one(c), |s| add(c, s)));
sql_function!("quantile_at", "_trans_array", |c| ask(c, c.bytes(2).as_deref(), |s| add(c, s)));
sql_function!("quantile_at", "_merge_trans", |c| ask(c, one(c), |s| add_state(c, s)));
sql_function!("quantile_at", "_merge_trans_array", |c| ask(c, c.bytes(2).as_deref(), |s| add_state(c, s)));
sql_function!("quantile_at", "_combine", common::combine::<Asked>);
sql_function!("quantile_at", "_serialize", common::serialize::<Asked>);
sql_function!("quantile_at", "_deserialize", common::deserialize::<Asked>);
sql_function!("quantile_at", "_final", answer);
sql_function!("quantile_at", "_final_array", answer_array);

/// A state, and what is asked of it: PostgreSQL gives an aggregate's final function no arguments, so it is kept from the rows.
#[derive(Clone, PartialEq)]
struct Asked {
    state: Quantile,
    /// The bytes of a float8, or of a float8[] behind its header. None is NULL.
    fractions: Option<Box<[u8]>>,
}

impl State for Asked {
    fn empty() -> Self {
        Self { state: Quantile::empty(), fractions: None }
    }

    fn is_empty(&self) -> bool {
        self.state.is_empty()
    }

    fn merge(&mut self, other: &Self) -> Result<(), Error> {
        self.expect(other.fractions.as_deref())?;
        self.state.merge(&other.state)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        match &self.fractions {
            None => put_varint(0, out),
            Some(fractions) => {
                put_varint(fractions.len() as u64 + 1, out);
                out.extend_from_slice(fractions);
            }
        }
        self.state.encode(out);
    }

    fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, "quantile_state");
        let fractions = match reader.varint()? {
            0 => None,
            more => Some(reader.bytes(more as usize - 1)?.into()),
        };
        Ok(Self { state: Quantile::decode(reader.rest())?, fractions })
    }

    fn heap_size(&self) -> usize {
        self.state.heap_size() + self.fractions.as_ref().map_or(0, |bytes| bytes.len())
    }
}

impl Asked {
    fn expect(&self, fractions: Option<&[u8]>) -> Result<(), Error> {
        if self.fractions.as_deref() == fractions {
            return Ok(());
        }
        Err(Error::invalid("the fraction of a quantile must be the same for all rows")
            .with_hint("To ask for several quantiles of the same rows, use quantiles(x, ARRAY[...])."))
    }
}

fn insert(call: &Call) -> Out {
    let Some(v) = call.float8(1) else { return unchanged(call) };
    transition(
        call,
        || Ok(Quantile::empty()),
        |state| {
            state.insert(v);
            Ok(())
        },
    )
}

fn merge_trans(call: &Call) -> Out {
    let Some(bytes) = call.bytes(1) else { return unchanged(call) };
    transition(call, || Ok(Quantile::empty()), |state| Ok(state.merge_bytes(&bytes)?))
}

fn one(call: &Call) -> Option<[u8; 8]> {
    call.float8(2).map(f64::to_ne_bytes)
}

/// Adds a row, of which argument 2 is the fraction or fractions.
#[inline]
fn ask<B: AsRef<[u8]>>(
    call: &Call,
    fractions: Option<B>,
    add: impl FnOnce(&mut Quantile) -> Result<(), Error>,
) -> Out {
    let fractions = fractions.as_ref().map(B::as_ref);
    transition(
        call,
        || Ok(Asked { state: Quantile::empty(), fractions: fractions.map(Into::into) }),
        |asked| {
            asked.expect(fractions)?;
            Ok(add(&mut asked.state)?)
        },
    )
}

fn add(call: &Call, state: &mut Quantile) -> Result<(), Error> {
    if let Some(v) = call.float8(1) {
        state.insert(v);
    }
    Ok(())
}

fn add_state(call: &Call, state: &mut Quantile) -> Result<(), Error> {
    call.bytes(1).map_or(Ok(()), |bytes| state.merge_bytes(&bytes))
}

fn answer(call: &Call) -> Out {
    let Some(asked) = look::<Asked>(call)? else { return Ok(None) };
    let fraction = asked.fractions.as_deref().and_then(|bytes| bytes.try_into().ok());
    fraction.map_or(Ok(None), |bytes| quantile(&asked.state, f64::from_ne_bytes(bytes)))
}

fn answer_array(call: &Call) -> Out {
    let Some(asked) = look::<Asked>(call)? else { return Ok(None) };
    asked.fractions.as_deref().map_or(Ok(None), |fractions| quantiles(&asked.state, fractions))
}

fn finalize(call: &Call) -> Out {
    match (call.bytes(0), call.float8(1)) {
        (Some(bytes), Some(q)) => quantile(&Quantile::decode(&bytes)?, q),
        _ => Ok(None),
    }
}

fn finalize_array(call: &Call) -> Out {
    match (call.bytes(0), call.bytes(1)) {
        (Some(bytes), Some(fractions)) => quantiles(&Quantile::decode(&bytes)?, &fractions),
        _ => Ok(None),
    }
}

fn quantile(state: &Quantile, q: f64) -> Out {
    Ok(state.quantile(q)?.map(Value::float8))
}

/// NULL without values, as percentile_cont has it.
fn quantiles(state: &Quantile, fractions: &[u8]) -> Out {
    let ranked = state.ranked();
    let answers = map_float8(fractions, |q| Ok::<_, Fail>(ranked.quantile(q)?))?;
    Ok(answers.filter(|_| !state.is_empty()))
}
