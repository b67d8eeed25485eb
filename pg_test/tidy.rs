//! The rules that the compiler does not hold: imports go one way, `unsafe` has one address, files stay small.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Modules of src/ by floor: a file may name modules of lower floors and its own, not its siblings'.
const FLOORS: &[&[&str]] = &[&["pg"], &["agg", "session", "view"], &["worker"], &["api"]];
const MOST_LINES: usize = 600;

pub struct Rule {
    pub name: &'static str,
    pub broken: Vec<String>,
}

struct Source {
    path: String,
    text: String,
}

pub fn check(root: &Path) -> Vec<Rule> {
    let files = tracked(root);
    let rule = |name, broken: Vec<String>| Rule { name, broken };
    vec![
        rule("imports go one way", files.iter().flat_map(|f| imports(f, &macros(&files))).collect()),
        rule("the core crate does not know PostgreSQL", files.iter().filter(|f| f.path.starts_with("src/core/")).flat_map(|f| words(f, "pgrx")).collect()),
        rule("unsafe is for src/pg", files.iter().filter(|f| f.path.ends_with(".rs") && !f.path.starts_with("src/pg/")).flat_map(|f| words(f, "unsafe")).collect()),
        rule("files have at most 600 lines", files.iter().filter_map(too_long).collect()),
        rule("every install script is in src/lib.rs", orphans(&files)),
        rule("pgrx is pinned to one version", pins(&files)),
        rule("the project stands alone", files.iter().flat_map(outside).collect()),
    ]
}

/// Files that are in git or would be; without git, what lies in the source folders.
fn tracked(root: &Path) -> Vec<Source> {
    let git = Command::new("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root).output();
    let mut paths: BTreeSet<String> = match git {
        Ok(out) if out.status.success() => String::from_utf8_lossy(&out.stdout).split('\0').map(str::to_string).collect(),
        _ => {
            let mut found = BTreeSet::new();
            ["src", "sql", "pg_test", ".ci", ".cargo"].iter().for_each(|d| walk(root, d, &mut found));
            found.extend(fs::read_dir(root).into_iter().flatten().flatten().map(|e| e.file_name().to_string_lossy().into_owned()));
            found
        }
    };
    paths.retain(|p| root.join(p).is_file());
    paths.into_iter().filter_map(|path| Some(Source { text: fs::read_to_string(root.join(&path)).ok()?, path })).collect()
}

fn walk(root: &Path, dir: &str, found: &mut BTreeSet<String>) {
    for e in fs::read_dir(root.join(dir)).into_iter().flatten().flatten() {
        let path = format!("{dir}/{}", e.file_name().to_string_lossy());
        if e.path().is_dir() {
            walk(root, &path, found);
        } else {
            found.insert(path);
        }
    }
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|f| f.contains(&module))
}

/// Code without comments and the contents of strings, line by line; good enough for words.
fn code(text: &str) -> Vec<String> {
    let mut lines = Vec::new();
    let mut in_block = false;
    for line in text.lines() {
        let (mut out, mut chars, mut quoted) = (String::new(), line.chars().peekable(), false);
        while let Some(c) = chars.next() {
            let next = chars.peek().copied();
            match c {
                '*' if in_block && next == Some('/') => {
                    chars.next();
                    in_block = false;
                }
                _ if in_block => {}
                '\\' if quoted => {
                    chars.next();
                }
                '"' => quoted = !quoted,
                _ if quoted => {}
                '/' if next == Some('/') => break,
                '/' if next == Some('*') => in_block = true,
                _ => out.push(c),
            }
        }
        lines.push(out);
    }
    lines
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn words(file: &Source, word: &str) -> Vec<String> {
    if !file.path.ends_with(".rs") {
        return Vec::new();
    }
    let has = |line: &str| {
        line.match_indices(word).any(|(i, _)| {
            let (before, after) = (line[..i].chars().next_back(), line[i + word.len()..].chars().next());
            !before.is_some_and(is_word) && !after.is_some_and(is_word)
        })
    };
    let lines = code(&file.text);
    lines.iter().enumerate().filter(|(_, l)| has(l)).map(|(n, l)| format!("{}:{}: {}", file.path, n + 1, l.trim())).collect()
}

/// The modules that follow each `crate::`, with `crate::{a::b, c}` taken apart.
fn named_modules(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (i, _) in code.match_indices("crate::") {
        if code[..i].chars().next_back().is_some_and(|c| is_word(c) || c == '$') {
            continue;
        }
        let rest = code[i + 7..].trim_start();
        let Some(list) = rest.strip_prefix('{') else {
            found.push(rest.chars().take_while(|c| is_word(*c)).collect());
            continue;
        };
        let (mut depth, mut word, mut first) = (0, String::new(), true);
        for c in list.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    found.push(std::mem::take(&mut word));
                    first = true;
                }
                c if depth == 0 && first && is_word(c) => word.push(c),
                ':' => first = false,
                _ => {}
            }
        }
        found.push(word);
    }
    found.retain(|w: &String| !w.is_empty());
    found
}

/// The module of src/ that a file belongs to; none for the root and for the core crate.
fn module(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("src/").filter(|p| p.ends_with(".rs") && !p.starts_with("core/") && *p != "lib.rs")?;
    inside.split(['/', '.']).next()
}

/// Exported macros are named as if they stood in lib.rs: (name, the module that defines it).
fn macros(files: &[Source]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for f in files {
        let Some(module) = module(&f.path) else { continue };
        for (i, word) in f.text.match_indices("macro_rules!") {
            let name = f.text[i + word.len()..].trim_start().chars().take_while(|c| is_word(*c)).collect();
            found.push((name, module.to_string()));
        }
    }
    found
}

fn imports(file: &Source, macros: &[(String, String)]) -> Vec<String> {
    let Some(own) = module(&file.path) else {
        return Vec::new();
    };
    let Some(own_floor) = floor(own) else {
        return vec![format!("{}: the module {own} is on no floor (FLOORS in pg_test/tidy.rs)", file.path)];
    };
    let mut broken = Vec::new();
    for module in named_modules(&code(&file.text).join("\n")) {
        let module = macros.iter().find(|m| m.0 == module).map_or(module, |m| m.1.clone());
        match floor(&module) {
            _ if module == own => {}
            Some(f) if f < own_floor => {}
            Some(_) => broken.push(format!("{}: {own} may not use crate::{module}", file.path)),
            // lib.rs stands above all
            None => broken.push(format!("{}: crate::{module} is of lib.rs or on no floor", file.path)),
        }
    }
    broken
}

fn too_long(file: &Source) -> Option<String> {
    let lines = file.text.lines().count();
    let counted = file.path.ends_with(".rs") || (file.path.ends_with(".sql") && file.path.starts_with("sql/"));
    (counted && lines > MOST_LINES).then(|| format!("{}: {lines} lines", file.path))
}

fn orphans(files: &[Source]) -> Vec<String> {
    let lib = files.iter().find(|f| f.path == "src/lib.rs").map_or("", |f| &f.text);
    let script = |p: &str| p.strip_prefix("sql/").filter(|n| n.ends_with(".sql") && n.as_bytes().first().is_some_and(u8::is_ascii_digit)).map(str::to_string);
    let unused = |f: &Source| script(&f.path).filter(|name| !lib.contains(&format!("sql/{name}\""))).map(|_| f.path.clone());
    files.iter().filter_map(unused).collect()
}

/// Every place that names the version of pgrx must name the same: manifests, the lock, the provisioning, the image.
fn pins(files: &[Source]) -> Vec<String> {
    let wanted = crate::provision::PGRX;
    let mut broken = Vec::new();
    for f in files.iter().filter(|f| f.path.ends_with("Cargo.toml") || f.path == "Dockerfile" || f.path == "README.md") {
        for (n, line) in f.text.lines().enumerate() {
            let names = line.contains("pgrx") && line.chars().any(|c| c.is_ascii_digit()) && (line.contains("version") || line.contains("=\""));
            if names && !line.contains(&format!("={wanted}")) {
                broken.push(format!("{}:{}: {} (wanted ={wanted})", f.path, n + 1, line.trim()));
            }
        }
    }
    let lock = files.iter().find(|f| f.path == "Cargo.lock").map_or("", |f| &f.text);
    let mut last = "";
    for line in lock.lines() {
        if let Some(name) = line.strip_prefix("name = ") {
            last = name.trim_matches('"');
        } else if let Some(version) = line.strip_prefix("version = ")
            && (last == "pgrx" || last == "pgrx-tests" || last == "pgrx-pg-sys")
            && version.trim_matches('"') != wanted
        {
            broken.push(format!("Cargo.lock: {last} {version} (wanted {wanted})"));
        }
    }
    broken
}

/// No file may lean on a folder that only some machine has.
fn outside(file: &Source) -> Vec<String> {
    let elsewhere = [concat!("..", "/shared"), concat!("/wo", "rk/")];
    let names = |line: &str| elsewhere.iter().any(|e| line.contains(e));
    file.text.lines().enumerate().filter(|(_, l)| names(l)).map(|(n, l)| format!("{}:{}: {}", file.path, n + 1, l.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, text: &str) -> Source {
        Source { path: path.into(), text: text.into() }
    }

    #[test]
    fn upward_and_sideways_imports_are_found() {
        let defined = macros(&[source("src/pg/m.rs", "#[macro_export]\nmacro_rules! low { () => {} }"), source("src/api/m.rs", "macro_rules! high")]);
        let broken = |path: &str, text: &str| imports(&source(path, text), &defined).len();
        assert_eq!(broken("src/view/a.rs", "use crate::pg::spi;\nuse crate::view::b;"), 0);
        assert_eq!(broken("src/pg/a.rs", "use crate::view::b;"), 1);
        assert_eq!(broken("src/agg/a.rs", "fn f() { crate::view::g() }"), 1);
        assert_eq!(broken("src/view/a.rs", "use crate::{pg::{x, y}, api::z, agg};"), 2);
        assert_eq!(broken("src/new/a.rs", ""), 1);
        assert_eq!(broken("src/pg/a.rs", "// use crate::view::b"), 0);
        assert_eq!(broken("src/agg/a.rs", "crate::low! {}\ncrate::high! {}\nuse crate::thing;"), 2);
    }

    #[test]
    fn the_word_is_found_but_not_in_comments_strings_or_longer_words() {
        assert_eq!(words(&source("a.rs", "unsafe { x }"), "unsafe").len(), 1);
        assert!(words(&source("a.rs", "#![forbid(unsafe_code)] // unsafe\nlet s = \"unsafe\";"), "unsafe").is_empty());
    }
}
