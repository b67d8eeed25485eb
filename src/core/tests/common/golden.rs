//! The golden files: rows -> bytes -> final value, for every kind and version of the format. FORMAT.md describes them.
#![allow(dead_code)]

use crate::common::{bytes, hex, int_hash, num, show};
use pg_tally_core::codec::VERSION;
use pg_tally_core::state::*;
use std::fs;
use std::path::PathBuf;

/// A state type that golden files can describe.
pub trait Golden: State {
    fn start(_parameter: u16) -> Self {
        Self::empty()
    }
    /// `row` is a word of the file; removing is only asked of states that subtract.
    fn row(&mut self, row: &str, sign: i64);
    fn value(&self) -> String;
}

/// Rows to bytes and value; bytes to value.
pub struct Kind {
    pub name: &'static str,
    pub build: fn(&Case) -> (Vec<u8>, String),
    pub read: fn(&[u8]) -> Result<String, String>,
}

const fn kind<S: Golden>(name: &'static str) -> Kind {
    Kind { name, build: build::<S>, read: read::<S> }
}

/// One line per state type.
pub const KINDS: &[Kind] = &[
    kind::<Uniq>("uniq_state"),
    kind::<SumState>("sum_state"),
    kind::<AvgState>("avg_state"),
    kind::<SumFloat8State>("sum_float8_state"),
    kind::<AvgFloat8State>("avg_float8_state"),
    kind::<SumIntervalState>("sum_interval_state"),
    kind::<AvgIntervalState>("avg_interval_state"),
    kind::<VarState>("var_state"),
    kind::<VarFloat8State>("var_float8_state"),
    kind::<UniqExact>("uniq_exact_state"),
    kind::<Quantile>("quantile_state"),
    kind::<TopK<Box<str>>>("top_k_state"),
    Kind { name: "arg_state", build: build_arg, read: read_arg },
];

#[derive(Clone, Debug, Default)]
pub struct Case {
    pub rows: String,
    pub without: String,
    /// The precision of `uniq`, the number of values of `top_k`.
    pub parameter: Option<u16>,
    pub bytes: Option<String>,
    pub value: Option<String>,
    /// The number of its last line, where what is missing belongs.
    pub last: usize,
}

pub struct File {
    pub path: PathBuf,
    pub name: String,
    pub version: u8,
    pub cases: Vec<Case>,
}

pub fn dir() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../pg_test/golden"))
}

/// Every file of the folder, named `<type>.v<version>.txt`.
pub fn files() -> Vec<File> {
    let mut paths: Vec<PathBuf> = fs::read_dir(dir()).expect("the folder is there").map(|e| e.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(file).collect()
}

fn file(path: PathBuf) -> File {
    let full = path.file_name().unwrap().to_str().unwrap();
    let (name, version) = full.strip_suffix(".txt").and_then(|n| n.split_once(".v")).unwrap_or_else(|| panic!("{full} is no golden file's name"));
    let (name, version) = (name.to_string(), version.parse().expect("a version"));
    assert!((1..=VERSION).contains(&version), "{full}");
    let cases = parse(&fs::read_to_string(&path).unwrap());
    File { path, name, version, cases }
}

fn parse(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = vec![];
    for (n, line) in text.lines().enumerate().filter(|(_, l)| !l.is_empty() && !l.starts_with('#')) {
        let (key, rest) = line.split_once(':').unwrap_or_else(|| panic!("line {}: {line}", n + 1));
        let rest = rest.trim().to_string();
        if key == "rows" {
            cases.push(Case::default());
        }
        let case = cases.last_mut().expect("a case begins with its rows");
        case.last = n;
        match key {
            "rows" => case.rows = rest,
            "without" => case.without = rest,
            "p" | "k" => case.parameter = Some(rest.parse().unwrap()),
            "bytes" => case.bytes = Some(rest),
            "value" => case.value = Some(rest),
            _ => panic!("line {}: {key}", n + 1),
        }
    }
    cases
}

/// Words, of which `a..b` is every integer from a to b.
fn words(text: &str) -> Vec<String> {
    let mut out = vec![];
    for word in text.split_whitespace() {
        match word.split_once("..").map(|(a, b)| (a.parse::<i64>(), b.parse::<i64>())) {
            Some((Ok(a), Ok(b))) => out.extend((a..=b).map(|v| v.to_string())),
            _ => out.push(word.to_string()),
        }
    }
    out
}

fn build<S: Golden>(case: &Case) -> (Vec<u8>, String) {
    let mut state = S::start(case.parameter.unwrap_or(0));
    words(&case.rows).iter().for_each(|row| state.row(row, 1));
    words(&case.without).iter().for_each(|row| state.row(row, -1));
    (bytes(&state), state.value())
}

fn read<S: Golden>(bytes: &[u8]) -> Result<String, String> {
    S::decode(bytes).map(|state| state.value()).map_err(|e| e.to_string())
}

pub fn unhex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "half a byte");
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[i * 2..i * 2 + 2], 16).expect("hex digits")).collect()
}

/// Completes the cases that have rows only; what is there stays as it is.
pub fn complete(file: &File) -> usize {
    let kind = KINDS.iter().find(|k| k.name == file.name).unwrap_or_else(|| panic!("no state type is called {}", file.name));
    let text = fs::read_to_string(&file.path).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_string).collect();
    let missing: Vec<&Case> = file.cases.iter().filter(|c| c.bytes.is_none()).collect();
    for case in missing.iter().rev() {
        let (bytes, value) = (kind.build)(case);
        lines.insert(case.last + 1, format!("value: {value}"));
        lines.insert(case.last + 1, format!("bytes: {}", hex(&bytes)));
    }
    fs::write(&file.path, lines.join("\n") + "\n").unwrap();
    missing.len()
}

fn quotient(sum: String, count: i64) -> String {
    if count == 0 { "NULL".into() } else { format!("{sum} / {count}") }
}

impl<const KIND: u8> Golden for NumericSum<KIND> {
    fn row(&mut self, row: &str, sign: i64) {
        match row.parse() {
            Ok(v) => self.add_int(v, sign),
            Err(_) => self.add_numeric(&num(row), sign).unwrap(),
        }
    }

    fn value(&self) -> String {
        let mut out = vec![];
        let sum = match self.total(&mut out) {
            None => return "NULL".into(),
            Some(Ok(())) => show(&out),
            Some(Err(e)) => e.message.clone(),
        };
        if KIND == kind::AVG { quotient(sum, self.count()) } else { sum }
    }
}

impl<const KIND: u8> Golden for FloatSum<KIND> {
    fn row(&mut self, row: &str, sign: i64) {
        self.add(row.parse().unwrap(), sign);
    }

    fn value(&self) -> String {
        match if KIND == kind::AVG_FLOAT8 { self.mean() } else { self.total() } {
            None => "NULL".into(),
            Some(Ok(v)) => format!("{v:?}"),
            Some(Err(e)) => e.message.clone(),
        }
    }
}

impl<const KIND: u8> Golden for IntervalSum<KIND> {
    fn row(&mut self, row: &str, sign: i64) {
        match row {
            "infinity" => self.add(i32::MAX, i32::MAX, i64::MAX, sign, true),
            "-infinity" => self.add(i32::MIN, i32::MIN, i64::MIN, sign, true),
            _ => {
                let fields: Vec<i64> = row.split('/').map(|f| f.parse().unwrap()).collect();
                self.add(fields[0] as i32, fields[1] as i32, fields[2], sign, true);
            }
        }
    }

    fn value(&self) -> String {
        let sum = match self.total() {
            None => return "NULL".into(),
            Some(Ok((i32::MAX, i32::MAX, i64::MAX))) => "infinity".into(),
            Some(Ok((i32::MIN, i32::MIN, i64::MIN))) => "-infinity".into(),
            Some(Ok((months, days, micros))) => format!("{months}/{days}/{micros}"),
            Some(Err(e)) => e.message.clone(),
        };
        if KIND == kind::AVG_INTERVAL { quotient(sum, self.count()) } else { sum }
    }
}

impl Golden for Uniq {
    fn start(p: u16) -> Self {
        Uniq::new(p as u8)
    }

    /// An integer, or `#` and a hash as it is.
    fn row(&mut self, row: &str, _: i64) {
        self.insert_hash(match row.strip_prefix('#') {
            Some(hash) => u64::from_str_radix(hash, 16).unwrap(),
            None => int_hash(row.parse().unwrap()),
        });
    }

    fn value(&self) -> String {
        self.estimate().to_string()
    }
}

impl Golden for VarState {
    fn row(&mut self, row: &str, sign: i64) {
        match row.parse() {
            Ok(v) => self.add_int(v, sign),
            Err(_) => self.add_numeric(&num(row), sign).unwrap(),
        }
    }

    fn value(&self) -> String {
        let mut out = vec![];
        match self.spread(Spread::VarSamp, &mut out) {
            None => "NULL".into(),
            Some(Ok(())) => show(&out),
            Some(Err(e)) => e.message.clone(),
        }
    }
}

impl Golden for VarFloat8State {
    fn row(&mut self, row: &str, sign: i64) {
        self.add(row.parse().unwrap(), sign);
    }

    fn value(&self) -> String {
        match self.spread(Spread::VarSamp) {
            None => "NULL".into(),
            Some(Ok(v)) => format!("{v:?}"),
            Some(Err(e)) => e.message.clone(),
        }
    }
}

/// The canonical bytes of an integer, or behind a quote of a text.
fn canonical(row: &str) -> Vec<u8> {
    match row.strip_prefix('\'') {
        Some(text) => text.as_bytes().to_vec(),
        None => row.parse::<i64>().unwrap().to_le_bytes().to_vec(),
    }
}

impl Golden for UniqExact {
    fn row(&mut self, row: &str, _: i64) {
        self.insert(&canonical(row)).unwrap();
    }

    fn value(&self) -> String {
        self.count().to_string()
    }
}

impl Golden for Quantile {
    fn row(&mut self, row: &str, _: i64) {
        self.insert(row.parse().unwrap());
    }

    fn value(&self) -> String {
        let ranked = self.ranked();
        let shown = |q| ranked.quantile(q).unwrap().map_or("NULL".into(), |v| format!("{v:?}"));
        [0.0, 0.5, 0.99, 1.0].map(shown).join(" ")
    }
}

impl Golden for TopK<Box<str>> {
    fn start(k: u16) -> Self {
        TopK::new(k as u32)
    }

    fn row(&mut self, row: &str, _: i64) {
        let json = match row.strip_prefix('\'') {
            Some(text) => format!("\"{}\"", text.replace('"', "\\\"")),
            None => row.to_string(),
        };
        self.insert(pg_tally_core::hash::hash64(&canonical(row)), || json.into());
    }

    fn value(&self) -> String {
        self.to_json()
    }
}

/// The built-in type int4, or a name with its schema.
fn type_name(text: &str) -> Name {
    match (text.strip_suffix("[]"), text.split_once('.')) {
        (Some(element), _) => Name::ArrayOf(Box::new(type_name(element))),
        (None, Some((schema, name))) => Name::Qualified { schema: schema.into(), name: name.into() },
        (None, None) => Name::BuiltIn(23),
    }
}

/// `least` or `greatest`, value@key, and `as` the value's, `by` the key's type and `collate` a collation if they are not int4.
fn build_arg(case: &Case) -> (Vec<u8>, String) {
    let words: Vec<&str> = case.rows.split_whitespace().collect();
    let Some((value, key)) = words.get(1).and_then(|pair| pair.split_once('@')) else {
        return (Arg::EMPTY.to_vec(), "NULL".into());
    };
    let named = |word: &str| words.iter().position(|w| *w == word).map(|at| type_name(words[at + 1]));
    let int4 = || Name::BuiltIn(23);
    let types = Types { key: named("by").unwrap_or_else(int4), value: named("as").unwrap_or_else(int4), collation: named("collate") }.encode();
    let binary = |text: &str| text.parse::<i32>().map_or(text.trim_matches('\'').as_bytes().to_vec(), |v| v.to_be_bytes().to_vec());
    let (key, value) = (binary(key), (value != "NULL").then(|| binary(value)));
    let end = if words[0] == "greatest" { End::Greatest } else { End::Least };
    let bytes = Arg { end, types: &types, key: &key, value: value.as_deref() }.encode();
    let shown = read_arg(&bytes).unwrap();
    (bytes, shown)
}

fn read_arg(bytes: &[u8]) -> Result<String, String> {
    match Arg::decode(bytes).map_err(|e| e.to_string())? {
        None => Ok("NULL".into()),
        Some(arg) => Ok(format!("{:?} {} @ {} of {}", arg.end, arg.value.map_or("NULL".into(), hex), hex(arg.key), hex(arg.types))),
    }
}
