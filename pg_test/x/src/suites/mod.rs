//! `cargo x test`: every test that there is, from nothing.

pub mod cluster;
mod pg;
mod readme;

use crate::provision::{self, Server};
use crate::{sh, tidy};
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// Kinds in the order they run; those after `pgrx` want a server with the extension.
const KINDS: &[&str] = &["tidy", "core", "pgrx", "regress", "isolation", "readme", "acceptance", "demo", "cluster", "oracle"];

#[derive(Default)]
pub struct Count {
    pub passed: u64,
    pub failed: u64,
}

impl Count {
    pub fn add(&mut self, ok: bool) {
        if ok { self.passed += 1 } else { self.failed += 1 }
    }

    /// A runner that failed without a failed test to show for it failed all the same.
    fn or_failed(mut self, ok: bool) -> Count {
        if !ok && self.failed == 0 {
            self.failed = 1;
        }
        self
    }
}

pub struct Asked {
    pub major: u32,
    pub only: Vec<String>,
    pub release: bool,
    /// Take what regress and isolation tests print as what they are to print.
    pub accept: bool,
}

fn parse(args: &[String]) -> Result<Asked> {
    let mut asked = Asked { major: 15, only: Vec::new(), release: false, accept: false };
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let mut value = || rest.next().with_context(|| format!("{arg} wants a value"));
        match arg.as_str() {
            "--pg" => asked.major = value()?.parse().context("--pg wants 15, 16, 17 or 18")?,
            "--only" => asked.only = value()?.split(',').map(str::to_string).collect(),
            "--release" => asked.release = true,
            "--accept" => asked.accept = true,
            other => bail!("test does not know {other}"),
        }
    }
    if let Some(kind) = asked.only.iter().find(|k| !KINDS.contains(&k.as_str())) {
        bail!("there are no tests of kind {kind:?}, only {}", KINDS.join(", "));
    }
    Ok(asked)
}

pub fn main(args: &[String]) -> Result<bool> {
    let asked = parse(args)?;
    let begin = Instant::now();
    let mut total = Count::default();
    let mut lines = Vec::new();
    let mut servers: Option<Result<pg::Ready>> = None;
    for kind in KINDS.iter().filter(|k| asked.only.is_empty() || asked.only.iter().any(|o| o == *k)) {
        println!("== {kind} (PostgreSQL {})", asked.major);
        let started = Instant::now();
        let count = run(kind, &asked, &mut servers).unwrap_or_else(|e| {
            println!("  {e:#}");
            Count { passed: 0, failed: 1 }
        });
        lines.push(format!("  {kind:11} {:5} passed {:3} failed {:7.1} s", count.passed, count.failed, started.elapsed().as_secs_f64()));
        println!("{}", lines.last().expect("just pushed"));
        total.passed += count.passed;
        total.failed += count.failed;
    }
    drop(servers);
    println!("== all on PostgreSQL {} in {:.0} s", asked.major, begin.elapsed().as_secs_f64());
    lines.iter().for_each(|l| println!("{l}"));
    println!("{} passed, {} failed", total.passed, total.failed);
    Ok(total.failed == 0)
}

fn run(kind: &str, asked: &Asked, ready: &mut Option<Result<pg::Ready>>) -> Result<Count> {
    match kind {
        "tidy" => Ok(tidy()),
        "core" => core(),
        "pgrx" => in_backend(&provision::server(asked.major, "test")?),
        _ => {
            // made once; if that fails, the first suite says why and all fail
            if ready.is_none() {
                *ready = Some(Err(anyhow::anyhow!("there is no server with the extension")));
                *ready = Some(Ok(pg::Ready::new(asked)?));
            }
            let ready = match ready.as_mut().expect("just made") {
                Ok(ready) => ready,
                Err(e) => bail!("{e:#}"),
            };
            match kind {
                "regress" => ready.regress(),
                "isolation" => ready.isolation(),
                "readme" => readme::run(ready),
                "acceptance" => ready.acceptance(),
                "demo" => ready.demo(),
                "cluster" => cluster::run(&ready.cluster.server),
                "oracle" => ready.oracle(),
                other => bail!("no tests of kind {other}"),
            }
        }
    }
}

fn tidy() -> Count {
    let mut count = Count::default();
    for rule in tidy::check(&sh::root()) {
        count.add(rule.broken.is_empty());
        if !rule.broken.is_empty() {
            println!("  broken: {}", rule.name);
            rule.broken.iter().for_each(|b| println!("    {b}"));
        }
    }
    count
}

/// Plain Rust: the core crate, the corpus of its fuzzer, and what the helpers test of themselves.
fn core() -> Result<Count> {
    let mut test = sh::cargo();
    test.args(["test", "--no-fail-fast", "-p", "pg_tally_core", "-p", "fuzz", "-p", "x"]);
    cargo_test(&mut test, "core")
}

fn in_backend(server: &Server) -> Result<Count> {
    let mut test = provision::pgrx(server)?;
    let pg = format!("pg{}", server.major);
    test.args(["test", &pg, "--no-default-features"]);
    let user = sh::server_user()?;
    let data = sh::base()?.join("run/pgrx");
    if sh::is_root() {
        // pgrx makes the data folder as that user, by sudo
        let _ = std::fs::remove_dir_all(&data);
        sh::make_dir(&data)?;
        user.own(&data)?;
        test.args(["--runas", &user.name, "--pgdata"]).arg(&data);
    }
    let count = cargo_test(&mut test, &format!("pgrx-{pg}"));
    if sh::is_root() {
        let _ = std::fs::remove_dir_all(&data);
    }
    count
}

/// Runs what prints cargo's `test result:` lines and adds them up.
fn cargo_test(c: &mut Command, name: &str) -> Result<Count> {
    let log = sh::base()?.join(format!("log/test-{name}"));
    let ok = sh::step(&sh::describe(c).replace(&*sh::root().to_string_lossy(), "."), || sh::logged_status(c, &log))?;
    let text = std::fs::read(&log)?;
    let count = results(&String::from_utf8_lossy(&text)).or_failed(ok);
    if !ok {
        println!("{}", failures(&log));
    }
    if count.passed + count.failed == 0 {
        bail!("no test ran; see {}", log.display());
    }
    Ok(count)
}

/// `test result: ok. 12 passed; 0 failed; …`
fn results(text: &str) -> Count {
    let mut count = Count::default();
    for line in text.lines().filter(|l| l.trim_start().starts_with("test result:")) {
        let words: Vec<&str> = line.split_whitespace().collect();
        for pair in words.windows(2) {
            let Ok(n) = pair[0].parse::<u64>() else { continue };
            match pair[1] {
                "passed;" => count.passed += n,
                "failed;" => count.failed += n,
                _ => {}
            }
        }
    }
    count
}

/// From the first failure on, or the end of the log if nothing says so (a compiler's errors).
fn failures(log: &Path) -> String {
    let text = std::fs::read(log).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.iter().position(|l| l.trim() == "failures:" || l.starts_with("error")).unwrap_or(lines.len().saturating_sub(60));
    lines[from..lines.len().min(from + 200)].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_several_binaries_add_up() {
        let text = "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured\n\ntest result: FAILED. 4 passed; 2 failed; 0 ignored";
        let count = results(text);
        assert_eq!((count.passed, count.failed), (7, 2));
        assert_eq!(Count::default().or_failed(false).failed, 1);
    }

    #[test]
    fn arguments() {
        let asked = parse(&["--pg", "18", "--only", "core,tidy"].map(str::to_string)).expect("good");
        assert_eq!((asked.major, asked.only.len()), (18, 2));
        assert!(parse(&["--only", "nonsense"].map(str::to_string)).is_err());
    }
}
