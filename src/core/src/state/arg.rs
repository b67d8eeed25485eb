//! The bytes of `arg_min` and `arg_max`: one value and the key that it stands at. Which of two keys comes first only PostgreSQL
//! knows, so merging is done there.
//!
//! Bytes: header; then, unless empty, a form byte (bit 0: the greatest key, else the least; bit 1: the value is NULL; 2 to 7: 0); the
//! key's type, the value's type and the collation (0: none); varint length of the key, the key; the value up to the end.
//! A type or collation is a varint: an OID below 10000, which is the same on every server; or 10000, then schema and name, each
//! behind its length in one byte; or 10001, then the type that it is the array of.

use super::kind;
use crate::codec::{Reader, header, put_varint};
use crate::error::Error;

const GREATEST: u8 = 1;
const NULL: u8 = 2;

/// OIDs from here on are given out by each server as it likes.
pub const FIRST_UNSTABLE_OID: u32 = 10_000;
const NAMED: u64 = FIRST_UNSTABLE_OID as u64;
const ARRAY: u64 = NAMED + 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Least,
    Greatest,
}

/// A type or collation, so that other servers find it too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Name {
    /// An OID below [`FIRST_UNSTABLE_OID`].
    BuiltIn(u32),
    Qualified { schema: Vec<u8>, name: Vec<u8> },
    ArrayOf(Box<Name>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Types {
    pub key: Name,
    pub value: Name,
    pub collation: Option<Name>,
}

/// What a state that is not empty says. Key and value are in PostgreSQL's binary form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arg<'a> {
    pub end: End,
    /// [`Types`], encoded: equal bytes mean equal types.
    pub types: &'a [u8],
    pub key: &'a [u8],
    pub value: Option<&'a [u8]>,
}

impl Name {
    fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::BuiltIn(oid) => put_varint(*oid as u64, out),
            Self::Qualified { schema, name } => {
                put_varint(NAMED, out);
                for part in [schema, name] {
                    out.push(part.len() as u8);
                    out.extend_from_slice(part);
                }
            }
            Self::ArrayOf(element) => {
                put_varint(ARRAY, out);
                element.encode(out);
            }
        }
    }

    /// `0` stands for none.
    fn decode(reader: &mut Reader<'_>, may_be_array: bool) -> Result<Option<Self>, Error> {
        Ok(Some(match reader.varint()? {
            0 => return Ok(None),
            oid @ 1..NAMED => Self::BuiltIn(oid as u32),
            NAMED => Self::Qualified { schema: identifier(reader)?, name: identifier(reader)? },
            ARRAY if may_be_array => match Self::decode(reader, false)? {
                Some(element) => Self::ArrayOf(Box::new(element)),
                None => return Err(reader.corrupt("A type is missing.")),
            },
            _ => return Err(reader.corrupt("A type or collation is out of range.")),
        }))
    }
}

fn identifier(reader: &mut Reader<'_>) -> Result<Vec<u8>, Error> {
    let len = reader.u8()?;
    let bytes = reader.bytes(len as usize)?;
    if bytes.is_empty() || bytes.contains(&0) {
        return Err(reader.corrupt("A name is empty or has a zero byte in it."));
    }
    Ok(bytes.to_vec())
}

impl Types {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16);
        self.key.encode(&mut out);
        self.value.encode(&mut out);
        match &self.collation {
            Some(collation) => collation.encode(&mut out),
            None => out.push(0),
        }
        out
    }

    /// From what [`Arg::types`] has.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        let mut reader = Reader::new(bytes, crate::codec::kind_name(kind::ARG));
        let types = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(types)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Error> {
        let (Some(key), Some(value)) = (Name::decode(reader, true)?, Name::decode(reader, true)?) else {
            return Err(reader.corrupt("A type is missing."));
        };
        Ok(Self { key, value, collation: Name::decode(reader, false)? })
    }
}

impl<'a> Arg<'a> {
    /// The state of no rows.
    pub const EMPTY: [u8; 1] = [header(kind::ARG)];

    pub fn encode(&self) -> Vec<u8> {
        let value = self.value.unwrap_or_default();
        let mut out = Vec::with_capacity(16 + self.types.len() + self.key.len() + value.len());
        out.push(header(kind::ARG));
        let end = if self.end == End::Greatest { GREATEST } else { 0 };
        out.push(end | if self.value.is_none() { NULL } else { 0 });
        out.extend_from_slice(self.types);
        put_varint(self.key.len() as u64, &mut out);
        out.extend_from_slice(self.key);
        out.extend_from_slice(value);
        out
    }

    /// None is the empty state. Whether key and value are such of their types, those types' input functions say.
    pub fn decode(bytes: &'a [u8]) -> Result<Option<Self>, Error> {
        let mut reader = Reader::open(bytes, kind::ARG)?;
        if reader.is_done() {
            return Ok(None);
        }
        let form = reader.u8()?;
        if form > (GREATEST | NULL) {
            return Err(reader.corrupt("The form byte is out of range."));
        }
        let from = reader.rest();
        Types::read(&mut reader)?;
        let types = &from[..from.len() - reader.rest().len()];
        let len = usize::try_from(reader.varint()?).unwrap_or(usize::MAX);
        let key = reader.bytes(len)?;
        let value = reader.rest();
        let end = if form & GREATEST != 0 { End::Greatest } else { End::Least };
        if form & NULL == 0 {
            return Ok(Some(Self { end, types, key, value: Some(value) }));
        }
        reader.finish()?;
        Ok(Some(Self { end, types, key, value: None }))
    }
}
