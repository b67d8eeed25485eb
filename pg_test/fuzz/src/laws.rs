//! The laws, over any state.

use crate::input::Input;
use pg_tally_core::state::State;
use std::fmt::Debug;

/// One kind of state, and how the fuzzer's bytes become rows of it.
pub trait Target {
    type S: State + Debug;
    type Row;

    /// A new state; its parameters, if it has any, are of the fuzzer's choice.
    fn start(_parameter: u8) -> Self::S {
        Self::S::empty()
    }

    /// Whether states that were read are put to the laws of merging. Not if bytes can contradict each other in what a decoder cannot know.
    const MERGES_READ: bool = true;

    fn row(input: &mut Input<'_>) -> Self::Row;

    /// Adds the row, or, if the state subtracts, removes it for a `sign` of -1.
    fn apply(state: &mut Self::S, row: &Self::Row, sign: i64);

    /// The state that, merged, removes what this one has; None for states that do not subtract.
    fn negated(_state: &Self::S) -> Option<Self::S> {
        None
    }

    /// Whether the state says all of its rows, so that its bytes do not depend on how it came about. States that drop what they have no room
    /// for say so here.
    fn is_exact(_state: &Self::S) -> bool {
        true
    }

    /// Asks for the final value, which must not panic whatever the state.
    fn answer(state: &Self::S);

    /// The most bytes that the state may have, counted from what is in it or from the rows that made it.
    fn most_bytes(state: &Self::S) -> usize;

    /// The most memory that a state may hold which was read from so many bytes: a table of 16 bytes for a number of one or two, grown by
    /// doubling.
    fn most_heap(bytes: usize) -> usize {
        4096 + 32 * bytes
    }

    /// What only this kind promises of a state and its bytes, and of another one's.
    fn also(_a: &Self::S, _b: &Self::S) {}
}

/// More rows would take more time and find no more.
const MOST_ROWS: usize = 24;

pub fn check<T: Target>(data: &[u8]) {
    let mut input = Input::new(data);
    let decoded = decode::<T>(input.prefixed());
    let parameters = [input.u8(), input.u8(), input.u8()];
    let mut rows: [Vec<T::Row>; 3] = Default::default();
    for _ in 0..MOST_ROWS {
        if input.is_done() {
            break;
        }
        let part = input.u8() as usize % 3;
        rows[part].push(T::row(&mut input));
    }
    let [a, b, c] = [0, 1, 2].map(|i| build::<T>(parameters[i], &rows[i]));
    building::<T>(parameters[0], &rows[0], &a);
    merging::<T>(&decoded.filter(|_| T::MERGES_READ).unwrap_or(a), &b, &c);
}

/// None if the bytes are refused, which must be with a reason.
fn decode<T: Target>(bytes: &[u8]) -> Option<T::S> {
    match T::S::decode(bytes) {
        Ok(state) => {
            assert_eq!(encode(&state), bytes, "accepted, but not canonical");
            let heap = state.heap_size();
            assert!(heap <= T::most_heap(bytes.len()), "{heap} bytes held for {}", bytes.len());
            whole::<T>(&state);
            T::answer(&state);
            Some(state)
        }
        Err(error) => {
            assert!(error.detail.is_some(), "refused without a reason: {error}");
            None
        }
    }
}

fn encode<S: State>(state: &S) -> Vec<u8> {
    let mut out = Vec::new();
    state.encode(&mut out);
    out
}

/// What holds for a state by itself.
fn whole<T: Target>(state: &T::S) {
    let bytes = encode(state);
    assert!(bytes.len() <= T::most_bytes(state), "{} bytes of at most {}", bytes.len(), T::most_bytes(state));
    let again = T::S::decode(&bytes).unwrap_or_else(|e| panic!("own bytes refused: {e}"));
    assert!(again == *state);
    assert_eq!(again.is_empty(), state.is_empty());
    assert_eq!(encode(&again), bytes);
}

fn build<T: Target>(parameter: u8, rows: &[T::Row]) -> T::S {
    let mut state = T::start(parameter);
    rows.iter().for_each(|row| T::apply(&mut state, row, 1));
    state
}

/// A state does not depend on how it came about.
fn building<T: Target>(parameter: u8, rows: &[T::Row], state: &T::S) {
    whole::<T>(state);
    if !T::is_exact(state) {
        return;
    }
    let bytes = encode(state);

    let mut reversed = T::start(parameter);
    rows.iter().rev().for_each(|row| T::apply(&mut reversed, row, 1));
    assert_eq!(encode(&reversed), bytes, "the order of rows shows");

    let mut one_by_one = T::start(parameter);
    for row in rows {
        let single = build::<T>(parameter, std::slice::from_ref(row));
        one_by_one.merge(&single).expect("states of single rows merge");
    }
    assert_eq!(encode(&one_by_one), bytes, "the grouping of rows shows");

    if T::negated(state).is_some() {
        let mut nothing = state.clone();
        rows.iter().for_each(|row| T::apply(&mut nothing, row, -1));
        assert_eq!(encode(&nothing), encode(&T::start(parameter)), "removed rows leave a trace");
    }
}

/// None if the sum is out of range, which only states can come to that no rows made.
fn merged<T: Target>(a: &T::S, b: &T::S) -> Option<T::S> {
    let mut sum = a.clone();
    sum.merge(b).ok()?;
    Some(sum)
}

fn merging<T: Target>(a: &T::S, b: &T::S, c: &T::S) {
    T::also(a, b);
    let (ab, ba) = (merged::<T>(a, b), merged::<T>(b, a));
    assert_eq!(ab.as_ref().map(encode), ba.as_ref().map(encode), "merging is not commutative");
    if let Some(ab) = &ab {
        whole::<T>(ab);
        // For long numbers this is what takes longest: it is asked of what was read, and of what has most in it.
        T::answer(ab);
        subtracting::<T>(a, b, ab);
    }
    let left = ab.and_then(|ab| merged::<T>(&ab, c));
    let right = merged::<T>(b, c).and_then(|bc| merged::<T>(a, &bc));
    if let (Some(left), Some(right)) = (left, right)
        && T::is_exact(&left)
    {
        assert_eq!(encode(&left), encode(&right), "merging is not associative");
        assert!(left == right);
    }
    let mut with_nothing = a.clone();
    with_nothing.merge(&T::S::empty()).expect("nothing can be merged");
    let mut nothing_with = T::S::empty();
    nothing_with.merge(a).expect("anything can be merged into nothing");
    assert_eq!(encode(&with_nothing), encode(&nothing_with));
    if !a.is_empty() {
        assert_eq!(encode(&with_nothing), encode(a), "the empty state is not the identity");
    }
}

fn subtracting<T: Target>(a: &T::S, b: &T::S, sum: &T::S) {
    let Some(minus_b) = T::negated(b) else { return };
    whole::<T>(&minus_b);
    assert_eq!(merged::<T>(sum, &minus_b).map(|s| encode(&s)), Some(encode(a)), "subtraction does not undo addition");
    let nothing = merged::<T>(b, &minus_b).expect("a state minus itself is empty");
    assert!(nothing.is_empty());
}
