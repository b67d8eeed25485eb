//! The bytes of `uniq` states.
//!
//! ```text
//! byte 0   version 1 << 4 | kind           byte 1   (p - 4) << 4 | hash id (1: xxh3_64, seed 0, of the canonical bytes)
//! kind 0   tiny, 0 to 8 codes: u32 little endian each, ascending. A code is index << 1, or, if rare, index << 7 | rho << 1 | 1.
//! kind 1   sparse, 9 to m/4 codes: varint number of codes; varint number of rare codes; per rare code, ascending, the varint of
//!          (register index - the one before - 1) << 6 | rho, where before the first is -1; the other indexes in Elias-Fano form
//! kind 2   dense, more codes: base u8 (the least register), varint e, m/2 bytes of nibbles (register j | register j + m/2 << 4, each
//!          less base, at most 15), then for the e registers of at least base + 15 varint (index - the one before - 1), value u8
//! ```

use super::{Uniq, code, dense, elias_fano, estimate, sparse_limit};
use crate::codec::{Reader, header, put_varint};
use crate::error::Error;
use crate::state::kind;

const HASH_ID: u8 = 1;
const TINY: usize = 8;
const NAME: &str = "uniq_state";

/// An encoded state whose header is understood; the codes are still to be read and checked.
#[derive(Clone, Copy)]
pub struct View<'a> {
    pub p: u8,
    pub body: Body<'a>,
}

#[derive(Clone, Copy)]
pub enum Body<'a> {
    Tiny(&'a [u8]),
    Sparse(Sparse<'a>),
    Dense(Dense<'a>),
}

#[derive(Clone, Copy)]
pub struct Sparse<'a> {
    n: usize,
    rare: usize,
    bytes: &'a [u8],
}

#[derive(Clone, Copy)]
pub struct Dense<'a> {
    pub base: u8,
    pub nibbles: &'a [u8],
    exceptions: usize,
    bytes: &'a [u8],
}

#[inline(always)]
pub fn parse(bytes: &[u8]) -> Result<View<'_>, Error> {
    let mut reader = Reader::new(bytes, NAME);
    let kind = reader.version()?;
    if kind > kind::UNIQ_DENSE {
        let name = crate::codec::kind_name(kind);
        return Err(match kind {
            3 => Error::unsupported(NAME, "Kind 3 is reserved."),
            4..=9 | 12 => reader.corrupt(format!("The bytes are those of {name}.")),
            _ => reader.corrupt(format!("Kind {kind} is unknown.")),
        });
    }
    let parameters = reader.u8()?;
    let p = (parameters >> 4) + 4;
    if !(super::MIN_P..=super::MAX_P).contains(&p) {
        return Err(reader.corrupt(format!("The precision {p} is not between {} and {}.", super::MIN_P, super::MAX_P)));
    }
    if parameters & 15 != HASH_ID {
        return Err(Error::unsupported(NAME, format!("Hash {} is unknown, this build knows {HASH_ID}.", parameters & 15)));
    }
    let body = match kind {
        kind::UNIQ_TINY => parse_tiny(reader)?,
        kind::UNIQ_SPARSE => parse_sparse(reader, p)?,
        _ => parse_dense(reader, p)?,
    };
    Ok(View { p, body })
}

#[inline(always)]
fn parse_tiny(reader: Reader<'_>) -> Result<Body<'_>, Error> {
    let codes = reader.rest();
    if !codes.len().is_multiple_of(4) || codes.len() > TINY * 4 {
        return Err(reader.corrupt(format!("{} bytes of codes are not 0 to {TINY} codes of 4 bytes.", codes.len())));
    }
    Ok(Body::Tiny(codes))
}

#[inline(always)]
fn parse_sparse(mut reader: Reader<'_>, p: u8) -> Result<Body<'_>, Error> {
    let n = reader.varint()?;
    let rare = reader.varint()?;
    if n <= TINY as u64 || n > sparse_limit(p) as u64 {
        return Err(reader.corrupt(format!("A sparse state of precision {p} cannot have {n} codes.")));
    }
    if rare > n {
        return Err(reader.corrupt("There are more rare codes than codes."));
    }
    Ok(Body::Sparse(Sparse { n: n as usize, rare: rare as usize, bytes: reader.rest() }))
}

#[inline(always)]
fn parse_dense(mut reader: Reader<'_>, p: u8) -> Result<Body<'_>, Error> {
    let base = reader.u8()?;
    let exceptions = reader.varint()?;
    let nibbles = reader.bytes(1 << (p - 1))?;
    if base > dense::max_value(p) || exceptions > 1 << p {
        return Err(reader.corrupt("The base or the number of exceptions is out of range."));
    }
    Ok(Body::Dense(Dense { base, nibbles, exceptions: exceptions as usize, bytes: reader.rest() }))
}

impl View<'_> {
    pub fn has_no_values(&self) -> bool {
        matches!(self.body, Body::Tiny([]))
    }

    /// The most codes that there are; None for a dense state.
    pub fn codes(&self) -> Option<usize> {
        match self.body {
            Body::Tiny(codes) => Some(codes.len() / 4),
            Body::Sparse(sparse) => Some(sparse.len()),
            Body::Dense(_) => None,
        }
    }

    /// Appends the rare keys and the others, each ascending; a dense state has none.
    pub fn read_keys(&self, rare: &mut Vec<u32>, common: &mut Vec<u32>) -> Result<(), Error> {
        match self.body {
            Body::Tiny(codes) => tiny_keys(codes, self.p, |key| if key & 1 == 1 { rare.push(key) } else { common.push(key) }),
            Body::Sparse(sparse) => sparse.read_keys(self.p, rare, common),
            Body::Dense(_) => Ok(()),
        }
    }

    /// Checks what reading the state does not find by itself.
    pub fn check(&self) -> Result<(), Error> {
        match self.body {
            Body::Dense(dense) => dense.check(),
            Body::Tiny(_) | Body::Sparse(_) => Ok(()),
        }
    }
}

/// Gives each key of a tiny state to `each`; in the order of their codes, not of their keys.
pub fn tiny_keys(codes: &[u8], p: u8, mut each: impl FnMut(u32)) -> Result<(), Error> {
    let (mut before, mut rare_before) = (None, None);
    for bytes in codes.chunks_exact(4) {
        let code = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let key = code::code_to_key(code, p).filter(|_| before < Some(code));
        // Another kind of code may stand between two rare ones of one index.
        let twice = code & 1 == 1 && rare_before == Some(code >> 7);
        let (Some(key), false) = (key, twice) else {
            return Err(Error::corrupt(NAME, "The codes are not in order or out of range."));
        };
        before = Some(code);
        if code & 1 == 1 {
            rare_before = Some(code >> 7);
        }
        each(key);
    }
    Ok(())
}

impl Sparse<'_> {
    pub fn len(&self) -> usize {
        self.n
    }

    /// Gives the rare keys, ascending, to `each`; the others come behind.
    #[inline]
    fn rare_keys(&self, p: u8, mut each: impl FnMut(u32)) -> Result<Reader<'_>, Error> {
        let mut reader = Reader::new(self.bytes, NAME);
        let mut next = 0u64;
        for _ in 0..self.rare {
            let v = reader.varint()?;
            let register = next.saturating_add(v >> 6);
            let index = u32::try_from(register).ok().filter(|r| r >> p == 0).map(|r| r << (code::INDEX_BITS - p as u32));
            let Some(key) = index.and_then(|index| code::rare_key(index, v as u32 & 63, p)) else {
                return Err(reader.corrupt("A rare code is out of range."));
            };
            each(key);
            next = register + 1;
        }
        Ok(reader)
    }

    /// Gives the indexes of the other keys, ascending, to `each` in blocks, which says whether any of a block's is rare.
    #[inline]
    fn indexes(&self, mut reader: Reader<'_>, mut each: impl FnMut(&[u32]) -> bool) -> Result<(), Error> {
        let mut any_rare = false;
        elias_fano::decode(&mut reader, self.n - self.rare, |block| any_rare |= each(block))?;
        if any_rare {
            return Err(reader.corrupt("A rare code is not where it belongs."));
        }
        reader.finish()
    }

    /// Raises the registers, of the same precision.
    pub fn raise(&self, p: u8, registers: &mut [u8]) -> Result<(), Error> {
        let reader = self.rare_keys(p, |key| dense::raise_key(registers, key, p))?;
        self.indexes(reader, |block| dense::raise_indexes(registers, block, p))
    }

    /// Appends the keys: the rare ones, then the others, each ascending.
    pub fn append_keys(&self, p: u8, keys: &mut Vec<u32>) -> Result<(), Error> {
        let reader = self.rare_keys(p, |key| keys.push(key))?;
        self.indexes(reader, |block| append(block, p, keys))
    }

    /// Appends the rare keys and the others, each ascending, to a list of their own.
    pub fn read_keys(&self, p: u8, rare: &mut Vec<u32>, common: &mut Vec<u32>) -> Result<(), Error> {
        let reader = self.rare_keys(p, |key| rare.push(key))?;
        self.indexes(reader, |block| append(block, p, common))
    }
}

/// The keys of indexes. Says whether any of these is rare.
#[inline(always)]
fn append(block: &[u32], p: u8, keys: &mut Vec<u32>) -> bool {
    keys.extend(block.iter().map(|index| index << 7));
    block.iter().fold(false, |any, index| any | code::is_rare(*index, p))
}

impl Dense<'_> {
    /// That these are the bytes which a state of this precision has: what merging does not look at.
    pub fn check(&self) -> Result<(), Error> {
        let (full, zero) = (dense::count_nibbles(self.nibbles, 15), dense::count_nibbles(self.nibbles, 0));
        let detail = if full != self.exceptions {
            "The exceptions are not the registers that announce one."
        } else if zero == 0 {
            "The base is not the least register."
        } else {
            return Ok(());
        };
        Err(Error::corrupt(NAME, detail))
    }

    /// Raises the registers, of the same precision.
    pub fn raise(&self, p: u8, registers: &mut [u8]) -> Result<(), Error> {
        self.check_nibbles(p)?;
        dense::unpack_raise(self.nibbles, self.base, registers);
        self.raise_exceptions(p, registers)
    }

    pub fn registers(&self, p: u8) -> Result<Vec<u8>, Error> {
        self.check_nibbles(p)?;
        let mut registers = dense::unpack(self.nibbles, self.base);
        self.raise_exceptions(p, &mut registers)?;
        Ok(registers)
    }

    fn check_nibbles(&self, p: u8) -> Result<(), Error> {
        // Near its end the range of registers leaves the nibbles less room than they have.
        let room = dense::max_value(p) - self.base;
        if room < 15 && (room + 1..=15).any(|v| dense::count_nibbles(self.nibbles, v) > 0) {
            return Err(Error::corrupt(NAME, "A register is out of range."));
        }
        // More than m/4 indexes of 25 bits, of which a register covers 2^(25-p), raise more registers than this.
        let few = sparse_limit(p) >> (code::INDEX_BITS - p as u32);
        if self.base == 0 && !dense::raised_more_than(few, self.nibbles) {
            return Err(Error::corrupt(NAME, "There are too few codes for a dense state."));
        }
        Ok(())
    }

    fn raise_exceptions(&self, p: u8, registers: &mut [u8]) -> Result<(), Error> {
        let mut reader = Reader::new(self.bytes, NAME);
        let max = dense::max_value(p);
        let (half, mut next) = (self.nibbles.len() as u64, 0u64);
        for _ in 0..self.exceptions {
            let index = next.saturating_add(reader.varint()?);
            let value = reader.u8()?;
            let nibble = match self.nibbles.get((index % half) as usize) {
                Some(byte) if index < half => byte & 15,
                Some(byte) if index < half * 2 => byte >> 4,
                _ => 0,
            };
            if nibble != 15 || value < self.base + 15 || value > max {
                return Err(reader.corrupt("An exception is out of range."));
            }
            dense::raise(registers, index as usize, value);
            next = index + 1;
        }
        reader.finish()
    }
}

/// A sparse state's bytes of its rare keys and the others, each ascending.
pub fn encode_keys(rare: &[u32], common: &[u32], p: u8, out: &mut Vec<u8>) {
    if rare.len() + common.len() <= TINY {
        return encode_tiny(common.iter().chain(rare), p, out);
    }
    encode_long(rare, common, p, out);
}

fn parameters(p: u8) -> u8 {
    (p - 4) << 4 | HASH_ID
}

/// `keys` ascend; there are as many as a sparse state may have.
pub fn encode_sparse(keys: &[u32], p: u8, out: &mut Vec<u8>) {
    // Most states have no rare code; then there is nothing to sort out.
    if keys.iter().fold(0, |bits, key| bits | key) & 1 == 0 {
        return encode_keys(&[], keys, p, out);
    }
    // Two rare codes of one index stand beside each other, the larger rank last: it is the one that counts.
    let lesser = |i: usize| keys[i] & 1 == 1 && keys.get(i + 1).is_some_and(|next| next >> 7 == keys[i] >> 7);
    let counted: Vec<u32> = (0..keys.len()).filter(|i| !lesser(*i)).map(|i| keys[i]).collect();
    if counted.len() <= TINY {
        return encode_tiny(counted.iter(), p, out);
    }
    let (rare, common): (Vec<u32>, Vec<u32>) = counted.into_iter().partition(|key| key & 1 == 1);
    encode_long(&rare, &common, p, out);
}

fn encode_tiny<'a>(keys: impl Iterator<Item = &'a u32>, p: u8, out: &mut Vec<u8>) {
    out.extend([header(kind::UNIQ_TINY), parameters(p)]);
    let mut codes = [u32::MAX; TINY];
    let mut n = 0;
    for (code, key) in codes.iter_mut().zip(keys) {
        *code = code::key_to_code(*key);
        n += 1;
    }
    codes[..n].sort_unstable();
    out.extend(codes[..n].iter().flat_map(|code| code.to_le_bytes()));
}

fn encode_long(rare: &[u32], common: &[u32], p: u8, out: &mut Vec<u8>) {
    out.reserve(8 + rare.len() * 4 + elias_fano::room(common.len()));
    out.extend([header(kind::UNIQ_SPARSE), parameters(p)]);
    put_varint((rare.len() + common.len()) as u64, out);
    put_varint(rare.len() as u64, out);
    let mut next = 0;
    for key in rare {
        let register = key >> (32 - p as u32);
        put_varint(((register - next) << 6 | key >> 1 & 63) as u64, out);
        next = register + 1;
    }
    elias_fano::encode(common, out);
}

pub fn encode_dense(registers: &[u8], p: u8, out: &mut Vec<u8>) {
    let base = dense::least(registers);
    let exceptions = dense::exceptions(registers, base);
    out.reserve(registers.len() / 2 + 8 + exceptions.len() * 4);
    out.extend([header(kind::UNIQ_DENSE), parameters(p), base]);
    put_varint(exceptions.len() as u64, out);
    dense::pack(registers, base, out);
    let mut next = 0;
    for (index, value) in exceptions {
        put_varint((index - next) as u64, out);
        out.push(value);
        next = index + 1;
    }
}

/// The codes are not looked at: their number is in front.
pub fn estimate_bytes(bytes: &[u8]) -> Result<u64, Error> {
    let view = parse(bytes)?;
    match view.body {
        Body::Tiny(codes) => Ok(estimate::sparse(codes.len() / 4)),
        Body::Sparse(sparse) => Ok(estimate::sparse(sparse.len())),
        Body::Dense(_) => {
            let mut state = Uniq::new(view.p);
            state.merge_view(&view)?;
            Ok(state.estimate())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_rare_codes_of_one_index_the_larger_counts() {
        let rare = |rho| code::rare_key(1 << 11, rho, 14).unwrap();
        let with = |rares: &[u32]| {
            let mut keys: Vec<u32> = (1..=10).filter_map(|i| code::common_key(i, 14)).chain(rares.iter().copied()).collect();
            keys.sort_unstable();
            let mut out = vec![];
            encode_sparse(&keys, 14, &mut out);
            out
        };
        assert_eq!(with(&[rare(3), rare(7)]), with(&[rare(7)]));
        assert!(parse(&with(&[rare(3), rare(7)])).and_then(|view| view.check()).is_ok());
    }
}
