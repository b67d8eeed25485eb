//! How each aggregate is stored, added up and taken away: the one table that analyzer, storage, triggers and docs go by.

use std::ops::Range;

use crate::top_k::check_k;
use crate::uniq::{DEFAULT_P, check_precision};

/// Where an aggregate function comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    PgCatalog,
    PgTally,
    Other,
}

/// An aggregate's argument type, as far as strategies care.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Argument {
    Integer,
    Numeric,
    Float,
    Interval,
    Other,
}

/// What is stored for an aggregate, and how a change reaches it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strategy {
    /// The number of rows of the group, which every group carries anyway.
    Rows,
    /// A bigint that counts the rows whose argument is not NULL.
    Count,
    /// A state of exact sums: added and subtracted.
    Sum(Exact),
    Average(Exact),
    /// Exact sums of values and of their squares.
    Variance(Exact),
    /// The least value; delta also carries the least removed one.
    Least,
    Greatest,
    /// The bitwise AND of integers; delta also carries that of the removed ones.
    BitAnd,
    BitOr,
    /// A HyperLogLog++ state of this precision: added, in doubt after a removal.
    Uniq(u8),
    /// The most frequent values, of which so many are asked for: added, in doubt after a removal.
    TopK(u32),
    /// A sketch of ranks: added, in doubt after a removal.
    Quantile,
    /// The value at the least key; delta also carries the one at the least removed key.
    ArgLeast,
    ArgGreatest,
    /// How many different values: counts per value in a table of its own, added and subtracted.
    Values,
    /// The same counts, shown as the set of the values.
    ValueSet,
    /// No state: in doubt after any change.
    Recompute,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Exact {
    Numeric,
    Float,
    Interval,
}

impl Exact {
    fn of(argument: Argument) -> Option<Exact> {
        match argument {
            Argument::Integer | Argument::Numeric => Some(Exact::Numeric),
            Argument::Float => Some(Exact::Float),
            Argument::Interval => Some(Exact::Interval),
            Argument::Other => None,
        }
    }
    fn suffix(self) -> &'static str {
        match self {
            Exact::Numeric => "state",
            Exact::Float => "float8_state",
            Exact::Interval => "interval_state",
        }
    }
}

impl Strategy {
    /// Whether a group can be in doubt on its account.
    pub fn can_doubt(self) -> bool {
        !matches!(self, Strategy::Rows | Strategy::Count | Strategy::Sum(_) | Strategy::Average(_) | Strategy::Variance(_)) && !self.by_value()
    }
    /// Whether rows are counted per value.
    pub fn by_value(self) -> bool {
        matches!(self, Strategy::Values | Strategy::ValueSet)
    }
    /// Whether main stores a column for it.
    pub fn stored(self) -> bool {
        self != Strategy::Rows
    }
    /// Whether changes reach it through delta.
    pub fn pending(self) -> bool {
        !matches!(self, Strategy::Rows | Strategy::Recompute)
    }
    /// Whether delta stores the outermost removed value beside it.
    pub fn removed(self) -> bool {
        use Strategy::*;
        matches!(self, Least | Greatest | BitAnd | BitOr | ArgLeast | ArgGreatest)
    }
    /// Whether what is stored may have the canonical bytes of values, or of parts of them: all else are numbers or values as PostgreSQL stores them. Of what
    /// is computed by others it is not known.
    pub fn has_bytes(self) -> bool {
        self.has_names() || self.by_value() || matches!(self, Strategy::Uniq(_) | Strategy::TopK(_))
    }
    /// Whether what is stored may name the types of values.
    pub fn has_names(self) -> bool {
        matches!(self, Strategy::ArgLeast | Strategy::ArgGreatest | Strategy::Recompute)
    }
    /// The state's type in schema tally, if it is one.
    pub fn state_type(self) -> Option<String> {
        match self {
            Strategy::Sum(e) => Some(format!("sum_{}", e.suffix())),
            Strategy::Average(e) => Some(format!("avg_{}", e.suffix())),
            Strategy::Variance(e) => Some(format!("var_{}", e.suffix())),
            Strategy::Uniq(_) => Some("uniq_state".into()),
            Strategy::Quantile => Some("quantile_state".into()),
            Strategy::TopK(_) => Some("top_k_state".into()),
            Strategy::ArgLeast | Strategy::ArgGreatest => Some("arg_state".into()),
            _ => None,
        }
    }
    /// The aggregate of ours that makes the state from values.
    pub fn state_aggregate(self) -> Option<&'static str> {
        match self {
            Strategy::Sum(_) => Some("sum_state"),
            Strategy::Average(_) => Some("avg_state"),
            Strategy::Variance(_) => Some("var_state"),
            Strategy::ArgLeast => Some("arg_min_state"),
            Strategy::ArgGreatest => Some("arg_max_state"),
            Strategy::Quantile => Some("quantile_state"),
            Strategy::TopK(_) => Some("top_k_state"),
            Strategy::Uniq(DEFAULT_P) => Some("uniq_state"),
            Strategy::Uniq(_) => Some("uniq_p_state"),
            _ => None,
        }
    }
    /// The aggregate of ours that is kept in the place of `name`, whose own result would not be the same for all who ask.
    pub fn in_place_of(self, name: &str) -> Option<&'static str> {
        match (self, name) {
            // PostgreSQL's own any_value, of 16 and later, gives whichever value comes first.
            (Strategy::Least, "any_value" | "any_value_state") => Some("any_value_state"),
            _ => None,
        }
    }
    /// Which of aggregate `name`'s arguments are values; the others say how it is to work, and are the same for all rows.
    pub fn values(self, name: &str, arguments: usize) -> Range<usize> {
        match self {
            Strategy::Uniq(_) if name.starts_with("uniq_p") => 1..arguments,
            Strategy::Quantile | Strategy::TopK(_) => 0..1,
            _ => 0..arguments,
        }
    }
    /// The function of ours that makes the result of aggregate `name` from one state.
    pub fn finisher(self, name: &str) -> &str {
        match (self, name) {
            (Strategy::Variance(_), "variance") => "var_samp",
            (Strategy::Variance(_), "stddev") => "stddev_samp",
            (Strategy::Variance(_), own) => own,
            _ => "finalize",
        }
    }
    /// How changes are kept, in the words of `tally.explain_view`.
    pub fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Strategy::Rows | Strategy::Count | Strategy::Sum(_) | Strategy::Average(_) | Strategy::Variance(_) => ("delta", "delta", "subtracts"),
            Strategy::Least | Strategy::Greatest => ("delta", "delta, doubt if the removed value can matter", "keeps the outermost added and removed value"),
            Strategy::BitAnd | Strategy::BitOr => ("delta", "delta, doubt if the removed value can matter", "keeps the bits of the removed values"),
            Strategy::Values | Strategy::ValueSet => ("delta", "delta", "counts per value, which subtract"),
            Strategy::ArgLeast | Strategy::ArgGreatest => ("delta", "delta, doubt if the removed row can matter", "keeps the outermost added and removed row"),
            Strategy::Uniq(_) | Strategy::Quantile | Strategy::TopK(_) => ("delta", "doubt", "a sketch cannot subtract"),
            Strategy::Recompute => ("doubt", "doubt", "the aggregate has no state"),
        }
    }
}

/// What is known of a call of an aggregate.
pub struct Call<'a> {
    pub origin: Origin,
    pub name: &'a str,
    pub arguments: &'a [Argument],
    pub star: bool,
    pub distinct: bool,
    pub ordered: bool,
    pub filtered: bool,
    /// Each argument, if it is a constant integer.
    pub constants: &'a [Option<i64>],
    /// The arguments after the first are the same for all rows.
    pub parameters: bool,
    /// The argument's order is one of PostgreSQL's own.
    pub ordered_in_catalog: bool,
    /// Values of the arguments are equal if and only if their canonical bytes are.
    pub equal_by_bytes: bool,
}

impl Call<'_> {
    fn constant(&self, i: usize) -> Option<i64> {
        self.constants.get(i).copied().flatten()
    }
    /// For the aggregates that take a precision first.
    fn precision(&self) -> Option<u8> {
        self.constant(0).and_then(|p| check_precision(p).ok())
    }
}

/// Whether an aggregate tells values apart by their bytes, whatever their collation has to say.
pub fn compares_bytes(origin: Origin, name: &str) -> bool {
    let counting = matches!(name, "uniq" | "uniq_state" | "uniq_p" | "uniq_p_state" | "uniq_exact" | "uniq_exact_state");
    origin == Origin::PgTally && (counting || matches!(name, "top_k" | "top_k_state"))
}

/// Whether what an aggregate gives or keeps depends on the bytes of its values, or on more of them than which are equal.
pub fn keeps_bytes(origin: Origin, name: &str) -> bool {
    let at_ends = matches!(name, "arg_min" | "arg_min_state" | "arg_max" | "arg_max_state");
    compares_bytes(origin, name) && name != "uniq_exact" || origin == Origin::PgTally && at_ends
}

/// The strategy for a call, and whether its result is the stored value itself (a state, or a value that is its own state).
pub fn strategy_of(call: &Call) -> (Strategy, bool) {
    let one = (call.arguments.len() == 1).then(|| call.arguments[0]);
    let exact = one.and_then(Exact::of);
    let plain = !call.distinct && !call.ordered;
    let ours = call.origin == Origin::PgTally;
    if call.origin == Origin::Other || call.ordered {
        return (Strategy::Recompute, true);
    }
    match (call.name, exact) {
        ("count", _) if !ours && call.distinct && one.is_some() && call.equal_by_bytes => (Strategy::Values, true),
        ("uniq_exact", _) if ours && !call.arguments.is_empty() && call.equal_by_bytes => (Strategy::Values, true),
        ("uniq_exact_state", _) if ours && !call.arguments.is_empty() && call.equal_by_bytes => (Strategy::ValueSet, true),
        ("count", _) if !ours && plain && call.star && !call.filtered => (Strategy::Rows, true),
        ("count", _) if !ours && plain && (call.star || one.is_some()) => (Strategy::Count, true),
        ("count_state", _) if ours && plain && (call.star || one.is_some()) => (Strategy::Count, true),
        ("sum", Some(e)) if !ours && plain => (Strategy::Sum(e), false),
        ("avg", Some(e)) if !ours && plain => (Strategy::Average(e), false),
        ("sum_state", Some(e)) if ours && plain => (Strategy::Sum(e), true),
        ("avg_state", Some(e)) if ours && plain => (Strategy::Average(e), true),
        ("variance" | "var_samp" | "var_pop" | "stddev" | "stddev_samp" | "stddev_pop", Some(e @ (Exact::Numeric | Exact::Float))) if !ours && plain => {
            (Strategy::Variance(e), false)
        }
        ("var_state", Some(e)) if ours && plain => (Strategy::Variance(e), true),
        // The least is as good as any, and the same for all who ask.
        ("any_value", _) if one.is_some() && call.ordered_in_catalog => (Strategy::Least, true),
        ("any_value_state", _) if ours && one.is_some() && call.ordered_in_catalog => (Strategy::Least, true),
        ("min", _) if !ours && one.is_some() => (Strategy::Least, true),
        ("max", _) if !ours && one.is_some() => (Strategy::Greatest, true),
        ("min_state", _) if ours && one.is_some() => (Strategy::Least, true),
        ("max_state", _) if ours && one.is_some() => (Strategy::Greatest, true),
        ("bool_and" | "every", _) if !ours => (Strategy::Least, true),
        ("bool_or", _) if !ours => (Strategy::Greatest, true),
        ("bool_and_state", _) if ours => (Strategy::Least, true),
        ("bool_or_state", _) if ours => (Strategy::Greatest, true),
        ("bit_and", Some(Exact::Numeric)) if !ours => (Strategy::BitAnd, true),
        ("bit_or", Some(Exact::Numeric)) if !ours => (Strategy::BitOr, true),
        ("bit_and_state", Some(Exact::Numeric)) if ours => (Strategy::BitAnd, true),
        ("bit_or_state", Some(Exact::Numeric)) if ours => (Strategy::BitOr, true),
        ("arg_min", _) if ours && plain => (Strategy::ArgLeast, false),
        ("arg_max", _) if ours && plain => (Strategy::ArgGreatest, false),
        ("arg_min_state", _) if ours && plain => (Strategy::ArgLeast, true),
        ("arg_max_state", _) if ours && plain => (Strategy::ArgGreatest, true),
        ("quantile" | "quantiles", _) if ours && plain && call.parameters => (Strategy::Quantile, false),
        ("quantile_state", _) if ours && plain => (Strategy::Quantile, true),
        ("top_k" | "top_k_state", _) if ours && plain => match call.constant(1).and_then(|k| check_k(k).ok()) {
            Some(k) => (Strategy::TopK(k), call.name == "top_k_state"),
            None => (Strategy::Recompute, true),
        },
        ("uniq", _) if ours && !call.arguments.is_empty() => (Strategy::Uniq(DEFAULT_P), false),
        ("uniq_state", _) if ours && !call.arguments.is_empty() => (Strategy::Uniq(DEFAULT_P), true),
        ("uniq_p" | "uniq_p_state", _) if ours && call.arguments.len() > 1 => match call.precision() {
            Some(p) => (Strategy::Uniq(p), call.name == "uniq_p_state"),
            None => (Strategy::Recompute, true),
        },
        _ => (Strategy::Recompute, true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(origin: Origin, name: &str, arguments: &[Argument]) -> (Strategy, bool) {
        strategy_of(&Call { origin, name, arguments, star: false, distinct: false, ordered: false, filtered: false, constants: &[], parameters: true, ordered_in_catalog: true, equal_by_bytes: true })
    }

    #[test]
    fn plain_aggregates_keep_states_and_show_final_values() {
        assert_eq!(of(Origin::PgCatalog, "sum", &[Argument::Integer]), (Strategy::Sum(Exact::Numeric), false));
        assert_eq!(of(Origin::PgTally, "sum_state", &[Argument::Float]), (Strategy::Sum(Exact::Float), true));
        assert_eq!(of(Origin::PgCatalog, "avg", &[Argument::Interval]), (Strategy::Average(Exact::Interval), false));
        assert_eq!(of(Origin::PgCatalog, "sum", &[Argument::Other]).0, Strategy::Recompute);
        assert_eq!(of(Origin::PgTally, "uniq", &[Argument::Other, Argument::Integer]), (Strategy::Uniq(14), false));
    }

    #[test]
    fn what_is_ours_goes_by_bytes_and_anyones_any_value_by_the_least() {
        for name in ["uniq", "uniq_state", "uniq_p", "uniq_p_state", "uniq_exact", "uniq_exact_state", "top_k", "top_k_state"] {
            assert!(compares_bytes(Origin::PgTally, name), "{name}");
            assert!(!compares_bytes(Origin::Other, name) && !compares_bytes(Origin::PgCatalog, name), "{name}");
            assert_eq!(keeps_bytes(Origin::PgTally, name), name != "uniq_exact", "{name}");
        }
        assert!(keeps_bytes(Origin::PgTally, "arg_max") && !keeps_bytes(Origin::Other, "arg_max") && !keeps_bytes(Origin::PgTally, "count_state"));
        assert!(["count", "count_state", "min_state", "any_value_state", "uniqueness"].iter().all(|name| !compares_bytes(Origin::PgTally, name)));
        for (origin, name) in [(Origin::PgCatalog, "any_value"), (Origin::PgTally, "any_value"), (Origin::PgTally, "any_value_state")] {
            assert_eq!(of(origin, name, &[Argument::Other]).0.in_place_of(name), Some("any_value_state"));
        }
        assert_eq!(of(Origin::PgCatalog, "min", &[Argument::Other]).0.in_place_of("min"), None);
        assert_eq!(of(Origin::Other, "any_value", &[Argument::Other]).0.in_place_of("any_value"), None);
    }

    #[test]
    fn what_is_not_known_is_recomputed() {
        assert_eq!(of(Origin::Other, "sum", &[Argument::Integer]).0, Strategy::Recompute);
        assert_eq!(of(Origin::PgCatalog, "string_agg", &[Argument::Other, Argument::Other]).0, Strategy::Recompute);
        let distinct = Call { origin: Origin::PgCatalog, name: "count", arguments: &[Argument::Integer], star: false, distinct: true, ordered: false, filtered: false, constants: &[], parameters: true, ordered_in_catalog: true, equal_by_bytes: false };
        assert_eq!(strategy_of(&distinct).0, Strategy::Recompute);
        assert_eq!(strategy_of(&Call { equal_by_bytes: true, ..distinct }).0, Strategy::Values);
        let filtered = Call { origin: Origin::PgCatalog, name: "count", arguments: &[], star: true, distinct: false, ordered: false, filtered: true, constants: &[], parameters: true, ordered_in_catalog: true, equal_by_bytes: true };
        assert_eq!(strategy_of(&filtered).0, Strategy::Count);
    }
}
