//! The fuzzer's bytes, taken apart: a state to decode behind its length, then rows. Whatever is missing is 0, so that every input means something.

pub struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    fn take(&mut self, n: usize) -> &'a [u8] {
        let (head, rest) = self.rest.split_at(n.min(self.rest.len()));
        self.rest = rest;
        head
    }

    /// The bytes behind a length of 16 bits.
    pub fn prefixed(&mut self) -> &'a [u8] {
        let n = self.number(2);
        self.take(n as usize)
    }

    /// A number of `n` bytes, at most 8.
    pub fn number(&mut self, n: usize) -> u64 {
        self.take(n).iter().rev().fold(0, |v, b| v << 8 | *b as u64)
    }

    pub fn u8(&mut self) -> u8 {
        self.number(1) as u8
    }

    /// A signed number of one to eight bytes, so that small ones are short to write and edges are near.
    pub fn int(&mut self) -> i64 {
        let tag = self.u8();
        let n = 1 + (tag & 7) as usize;
        let v = self.number(n) as i64;
        match tag >> 6 {
            0 => v,
            1 => v.wrapping_neg(),
            2 => i64::MAX - (v & 0xff),
            _ => i64::MIN + (v & 0xff),
        }
    }
}
