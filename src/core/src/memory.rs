//! Growing that can be refused. What may become large grows through here, so that running out of memory is an error of the
//! statement; who allocates for the process can ask whether a refusal will be taken as an answer.

use std::cell::Cell;

use crate::error::Error;

thread_local! {
    static REFUSABLE: Cell<bool> = const { Cell::new(false) };
}

/// Is the allocation that is asked for now one that may be refused?
pub fn is_refusable() -> bool {
    REFUSABLE.get()
}

/// Runs one allocation that answers a refusal with an error.
#[cold]
pub fn refusable<E>(allocate: impl FnOnce() -> Result<(), E>) -> Result<(), Error> {
    REFUSABLE.set(true);
    let allocated = allocate();
    REFUSABLE.set(false);
    allocated.map_err(|_| Error::out_of_memory())
}

/// Makes room for `more` elements, and for as many again as there are.
#[inline]
pub fn reserve<T>(list: &mut Vec<T>, more: usize) -> Result<(), Error> {
    if list.capacity() - list.len() >= more {
        return Ok(());
    }
    refusable(|| list.try_reserve(more))
}

/// Makes room for `more` elements and no others.
pub fn reserve_exact<T>(list: &mut Vec<T>, more: usize) -> Result<(), Error> {
    refusable(|| list.try_reserve_exact(more))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_had_is_an_error() {
        let mut list = vec![1u64];
        assert_eq!(reserve(&mut list, usize::MAX / 16), Err(Error::out_of_memory()));
        assert_eq!(reserve_exact(&mut list, usize::MAX / 16), Err(Error::out_of_memory()));
        assert!(!is_refusable());
        reserve(&mut list, 100).unwrap();
        assert!(list.capacity() > 100 && list == [1]);
    }
}
