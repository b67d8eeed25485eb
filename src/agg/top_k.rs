//! `top_k`: the most frequent values, by Filtered Space-Saving over the hashes of the values' canonical bytes.

use super::common;
use crate::pg::aggstate::{cached, transition, unchanged};
use crate::pg::call::{Call, Out};
use crate::pg::error::Fail;
use crate::pg::item::{Item, ItemType, jsonb};
use crate::pg::tuple::Tuple;
use crate::{sql_function, state_functions};
use pg_tally_core::Error;
use pg_tally_core::hash::hash64;
use pg_tally_core::state::TopK;
use pg_tally_core::top_k::check_k;

type Items = TopK<Item>;

state_functions!("top_k", Items);

sql_function!("top_k", "_trans", insert);
sql_function!("top_k", "_merge_trans", common::merge_trans::<Items>);
sql_function!("top_k", "_merge", common::merge::<Items>);
sql_function!("top_k", "_final", |c| common::finish(c, top));
sql_function!("top_k", "_finalize", |c| common::finalize(c, top));

/// What a call site knows of its argument.
struct Site {
    tuple: Tuple,
    of: ItemType,
}

fn insert(call: &Call) -> Out {
    let site = cached(call, || {
        Ok(Site { tuple: Tuple::of_value(call, 1, "top_k")?, of: ItemType::new(call.arg_type(1)?) })
    })?;
    let (Some(bytes), Some(value)) = (site.tuple.write_all(call), call.datum(1)) else {
        return unchanged(call);
    };
    let (hash, of, k) = (hash64(bytes), site.of, number(call)?);
    transition(
        call,
        || Ok(Items::new(k)),
        |state| {
            if state.k() != k {
                return Err(Error::invalid("the number of values of top_k must be the same for all rows").into());
            }
            state.insert(hash, || of.item(value));
            Ok(())
        },
    )
}

fn number(call: &Call) -> Result<u32, Fail> {
    match call.int4(2) {
        Some(k) => Ok(check_k(k.into())?),
        None => Err(Error::invalid("the number of values of top_k must not be NULL").into()),
    }
}

fn top(state: &Items) -> Out {
    Ok(Some(jsonb(&state.to_json())))
}
