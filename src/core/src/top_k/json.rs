//! Is a text one JSON value, as PostgreSQL's jsonb takes it? Without recursion: corrupt bytes may nest deeply.

pub fn is_valid(text: &str) -> bool {
    let mut scan = Scan { rest: text.as_bytes() };
    let mut open = Vec::new();
    loop {
        // A value begins here.
        let Some(first) = scan.next() else { return false };
        let mut complete = true;
        match first {
            b'{' | b'[' => {
                scan.blanks();
                let close = if first == b'{' { b'}' } else { b']' };
                if !scan.take(close) {
                    open.push(close);
                    complete = false;
                }
            }
            b'"' => complete = scan.string(),
            b't' => complete = scan.word(b"rue"),
            b'f' => complete = scan.word(b"alse"),
            b'n' => complete = scan.word(b"ull"),
            _ => complete = scan.number(first),
        }
        if !complete && !matches!(first, b'{' | b'[') {
            return false;
        }
        // After a complete value come the ends of what it closes, then a comma or the end.
        if complete {
            loop {
                scan.blanks();
                match open.last() {
                    None => return scan.rest.is_empty(),
                    Some(&close) if scan.take(close) => drop(open.pop()),
                    Some(_) if scan.take(b',') => break,
                    Some(_) => return false,
                }
            }
        }
        scan.blanks();
        if open.last() == Some(&b'}') && !scan.key() {
            return false;
        }
    }
}

/// A JSON string without escapes, between its quotes.
pub fn plain_string(text: &str) -> Option<&str> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    is_plain(inner).then_some(inner)
}

/// Stands for itself between quotes.
pub fn is_plain(text: &str) -> bool {
    text.bytes().all(|b| b >= b' ' && b != b'"' && b != b'\\')
}

struct Scan<'a> {
    rest: &'a [u8],
}

impl Scan<'_> {
    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    fn take(&mut self, byte: u8) -> bool {
        let there = self.rest.first() == Some(&byte);
        if there {
            self.rest = &self.rest[1..];
        }
        there
    }

    fn word(&mut self, word: &[u8]) -> bool {
        let rest = self.rest.strip_prefix(word);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn blanks(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }

    fn key(&mut self) -> bool {
        let string = self.take(b'"') && self.string();
        self.blanks();
        let colon = string && self.take(b':');
        self.blanks();
        colon
    }

    /// Behind the opening quote.
    fn string(&mut self) -> bool {
        loop {
            match self.next() {
                Some(b'"') => return true,
                Some(b'\\') if !self.escape() => return false,
                None | Some(0..=31) => return false,
                Some(_) => {}
            }
        }
    }

    /// Behind the backslash. jsonb has no \u0000, and surrogates only in pairs.
    fn escape(&mut self) -> bool {
        match self.next() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => true,
            Some(b'u') => match self.unit() {
                Some(0xd800..=0xdbff) => self.word(b"\\u") && matches!(self.unit(), Some(0xdc00..=0xdfff)),
                Some(0 | 0xdc00..=0xdfff) | None => false,
                Some(_) => true,
            },
            _ => false,
        }
    }

    fn unit(&mut self) -> Option<u32> {
        (0..4).try_fold(0, |unit, _| Some(unit << 4 | (self.next()? as char).to_digit(16)?))
    }

    fn digits(&mut self) -> bool {
        let digits = self.rest.iter().take_while(|b| b.is_ascii_digit()).count();
        self.rest = &self.rest[digits..];
        digits > 0
    }

    fn number(&mut self, first: u8) -> bool {
        let first = if first == b'-' { self.next() } else { Some(first) };
        let whole = match first {
            Some(b'0') => true,
            Some(b'1'..=b'9') => {
                self.digits();
                true
            }
            _ => false,
        };
        let fraction = !self.take(b'.') || self.digits();
        let exponent = !(self.take(b'e') || self.take(b'E')) || {
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()
        };
        whole && fraction && exponent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_another_parser_has_it() {
        let mut texts: Vec<String> = [
            "1", "-0", "0.5e-3", "1E+2", "01", "1.", ".5", "-", "+1", "1e", "true", "false", "null", "tru", "nullx", "\"a\"", "\"\\n\\u00e9\\\"\"",
            "\"\\ud83d\\ude00\"", "\"\\ud83d\"", "\"\\ude00\"", "\"\\x\"", "\"", "\"\n\"", "[]", "[1,2]", "[1,]", "[,1]", "[1 2]", "[ 1 , [ ] ]", "{}", "{\"a\":1}",
            "{\"a\":1,}", "{\"a\"}", "{a:1}", "{\"a\":{\"b\":[1,{\"c\":null}]}}", "{\"a\":1]", "[1}", "", " ", "[", "{", "]", "1 1", "[] []", "{\"a\" : [ ] , \"b\" : 2 }",
        ]
        .map(String::from)
        .into();
        texts.extend(texts.clone().iter().flat_map(|a| ["[", "{\"k\":", "[0,"].map(|open| format!("{open}{a}]"))));
        texts.extend(texts.clone().iter().flat_map(|a| [format!("{a}}}"), format!("[{a},{a}]")]));
        for text in texts {
            assert_eq!(is_valid(&text), serde_json::from_str::<serde_json::Value>(&text).is_ok(), "{text}");
        }
        assert!(!is_valid("\"\\u0000\""));
        assert!(!is_valid(&"[".repeat(1 << 20)));
    }
}
