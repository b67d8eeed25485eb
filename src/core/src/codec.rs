//! Reading and writing the bytes of states. A reader never panics, whatever the bytes; it refuses what the writer
//! would not have written (trailing bytes, varints longer than needed), so that equal states have equal bytes.

use crate::error::Error;

/// The version in the high nibble of every state's first byte.
pub const VERSION: u8 = 1;

pub const fn header(kind: u8) -> u8 {
    VERSION << 4 | kind
}

/// What no kind is called.
const UNKNOWN: &str = "unknown state";

/// The SQL name of the type that a kind nibble stands for, for messages.
#[inline]
pub fn kind_name(kind: u8) -> &'static str {
    match kind {
        0..=3 => "uniq_state",
        4 => "sum_state",
        5 => "avg_state",
        6 => "sum_float8_state",
        7 => "avg_float8_state",
        8 => "sum_interval_state",
        9 => "avg_interval_state",
        10 => "var_state",
        11 => "var_float8_state",
        12 => "uniq_exact_state",
        13 => "quantile_state",
        14 => "top_k_state",
        15 => "arg_state",
        _ => UNKNOWN,
    }
}

/// LEB128: seven bits a byte, the least significant first.
pub fn put_varint(mut v: u64, out: &mut Vec<u8>) {
    while v >= 0x80 {
        out.push(v as u8 | 0x80);
        v >>= 7;
    }
    out.push(v as u8);
}

pub fn put_varint128(mut v: u128, out: &mut Vec<u8>) {
    while v > u64::MAX as u128 {
        out.push(v as u8 | 0x80);
        v >>= 7;
    }
    put_varint(v as u64, out);
}

/// Small magnitudes of either sign become small numbers: 0, -1, 1, -2, 2 are 0, 1, 2, 3, 4.
pub fn put_zigzag(v: i64, out: &mut Vec<u8>) {
    put_varint((v << 1 ^ v >> 63) as u64, out);
}

pub fn put_zigzag128(v: i128, out: &mut Vec<u8>) {
    put_varint128((v << 1 ^ v >> 127) as u128, out);
}

/// A cursor over the bytes of one state; `what` is the SQL type name in its errors.
pub struct Reader<'a> {
    rest: &'a [u8],
    what: &'static str,
}

impl<'a> Reader<'a> {
    #[inline]
    pub fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { rest: bytes, what }
    }

    /// Starts behind the first byte, which must announce `kind` in this version.
    #[inline]
    pub fn open(bytes: &'a [u8], kind: u8) -> Result<Self, Error> {
        let mut reader = Self::new(bytes, kind_name(kind));
        let found = reader.version()?;
        if found == kind {
            return Ok(reader);
        }
        let name = kind_name(found);
        let detail = if name == UNKNOWN { format!("Kind {found} is unknown.") } else { format!("The bytes are those of {name}.") };
        Err(reader.corrupt(detail))
    }

    /// Reads the first byte, checks its version and gives its kind.
    #[inline]
    pub fn version(&mut self) -> Result<u8, Error> {
        let Some((&first, rest)) = self.rest.split_first() else {
            return Err(self.corrupt("The state has no bytes."));
        };
        self.rest = rest;
        match first >> 4 {
            VERSION => Ok(first & 15),
            0 => Err(self.corrupt("The first byte is not that of a state.")),
            newer => Err(Error::unsupported(self.what, format!("Format version {newer} is unknown, this build knows {VERSION}."))),
        }
    }

    pub fn corrupt(&self, detail: impl Into<String>) -> Error {
        Error::corrupt(self.what, detail)
    }

    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    #[inline]
    pub fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    #[inline]
    pub fn bytes(&mut self, n: usize) -> Result<&'a [u8], Error> {
        match self.rest.split_at_checked(n) {
            Some((head, rest)) => {
                self.rest = rest;
                Ok(head)
            }
            None => Err(self.truncated()),
        }
    }

    #[inline]
    pub fn u8(&mut self) -> Result<u8, Error> {
        Ok(self.bytes(1)?[0])
    }

    #[inline]
    pub fn varint(&mut self) -> Result<u64, Error> {
        match *self.rest {
            [first @ ..0x80, ref rest @ ..] => {
                self.rest = rest;
                Ok(first as u64)
            }
            [first, second @ 1..0x80, ref rest @ ..] => {
                self.rest = rest;
                Ok((first & 0x7f) as u64 | (second as u64) << 7)
            }
            _ => self.long_varint(),
        }
    }

    fn long_varint(&mut self) -> Result<u64, Error> {
        let mut v = 0;
        for (at, byte) in self.rest.iter().enumerate().take(10) {
            let bits = (byte & 0x7f) as u64;
            if at == 9 && bits > 1 {
                break;
            }
            v |= bits << (at * 7);
            if *byte < 0x80 {
                if *byte == 0 && at > 0 {
                    return Err(self.corrupt("A number is not in its shortest form."));
                }
                self.rest = &self.rest[at + 1..];
                return Ok(v);
            }
        }
        Err(if self.rest.len() < 10 { self.truncated() } else { self.corrupt("A number is out of range.") })
    }

    #[inline]
    pub fn varint128(&mut self) -> Result<u128, Error> {
        // Nine bytes hold 63 bits; longer ones are rare.
        let mut v = 0u128;
        match self.rest.iter().take(9).position(|byte| *byte < 0x80) {
            Some(_) => return Ok(self.varint()? as u128),
            None if self.rest.len() < 9 => return Err(self.truncated()),
            None => {}
        }
        for (at, byte) in self.rest.iter().enumerate().take(19) {
            let bits = (byte & 0x7f) as u128;
            if at == 18 && bits > 3 {
                break;
            }
            v |= bits << (at * 7);
            if *byte < 0x80 {
                if *byte == 0 {
                    return Err(self.corrupt("A number is not in its shortest form."));
                }
                self.rest = &self.rest[at + 1..];
                return Ok(v);
            }
        }
        Err(if self.rest.len() < 19 { self.truncated() } else { self.corrupt("A number is out of range.") })
    }

    #[inline]
    pub fn zigzag(&mut self) -> Result<i64, Error> {
        let v = self.varint()?;
        Ok((v >> 1) as i64 ^ -((v & 1) as i64))
    }

    #[inline]
    pub fn zigzag128(&mut self) -> Result<i128, Error> {
        let v = self.varint128()?;
        Ok((v >> 1) as i128 ^ -((v & 1) as i128))
    }

    /// Every byte must have been read.
    #[inline]
    pub fn finish(self) -> Result<(), Error> {
        if self.rest.is_empty() {
            return Ok(());
        }
        let n = self.rest.len();
        Err(self.corrupt(format!("There are {n} bytes too many.")))
    }

    #[cold]
    fn truncated(&self) -> Error {
        self.corrupt("The bytes end too early.")
    }
}
