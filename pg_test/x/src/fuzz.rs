//! `cargo x fuzz`: libFuzzer against every decoder and the laws of its states, on the stable toolchain.
//!
//! Each kind begins with its committed corpus and the golden files' states, runs in a process that may not have much memory,
//! and leaves what it found in `target/x/fuzz`.

use crate::sh;
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// What cargo-fuzz asks of a nightly compiler and the stable one does as well: counters in every edge. Overflows and failed assertions are findings.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Ccodegen-units=1 -Cdebug-assertions -Coverflow-checks --cfg fuzzing";
/// Room for a dense state of precision 10 and rows beside it.
const LONGEST: usize = 800;
/// Address space of a fuzzed process, in kB: a wild allocation fails at once, touched or not.
const MEMORY: u32 = 1_000_000;
/// What a kind's corpus may have in git, in bytes.
const KEPT: usize = 12_000;

struct Asked {
    kinds: Vec<String>,
    runs: u64,
    keep: bool,
}

fn parse(args: &[String], known: &[String]) -> Result<Asked> {
    let mut asked = Asked { kinds: vec![], runs: 10_000_000, keep: false };
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            "--runs" => asked.runs = rest.next().and_then(|n| n.replace('_', "").parse().ok()).context("--runs wants a number")?,
            "--keep" => asked.keep = true,
            kind if known.iter().any(|k| k == kind) => asked.kinds.push(kind.to_string()),
            other => bail!("fuzz knows no {other:?}, only --runs N, --keep and the kinds {}", known.join(", ")),
        }
    }
    if asked.kinds.is_empty() {
        asked.kinds = known.to_vec();
    }
    Ok(asked)
}

pub fn main(args: &[String]) -> Result<bool> {
    let asked = parse(args, &kinds()?)?;
    let program = build()?;
    let mut good = true;
    for kind in &asked.kinds {
        let corpus = prepare(kind)?;
        good &= attack(&program, kind, &corpus, asked.runs)?;
        if asked.keep {
            keep(&program, kind, &corpus)?;
        }
    }
    Ok(good)
}

/// Every state type has golden files, so these are all.
fn kinds() -> Result<Vec<String>> {
    let name = |path: PathBuf| Some(path.file_name()?.to_str()?.split_once("_state.v")?.0.to_string());
    let mut kinds: Vec<String> = fs::read_dir(golden())?.flatten().filter_map(|e| name(e.path())).collect();
    kinds.sort();
    kinds.dedup();
    Ok(kinds)
}

fn golden() -> PathBuf {
    sh::root().join("pg_test/golden")
}

/// One input per line, in hexadecimal.
fn committed(kind: &str) -> PathBuf {
    sh::root().join(format!("pg_test/fuzz/corpus/{kind}.txt"))
}

fn build() -> Result<PathBuf> {
    let version = sh::capture(Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into())).arg("-vV"))?;
    let host = version.lines().find_map(|l| l.strip_prefix("host: ")).context("rustc does not say what it runs on")?;
    let target = sh::base()?.join("fuzz/build");
    let mut build = sh::cargo();
    // with a target named, build scripts are left without counters, which nobody there would count
    build.args(["build", "--release", "-p", "fuzz", "--features", "libfuzzer", "--target", host, "--target-dir"]).arg(&target);
    build.env_remove("CARGO_ENCODED_RUSTFLAGS").env("RUSTFLAGS", FLAGS);
    sh::step("the fuzzer, with counters", || sh::logged(&mut build, &sh::base()?.join("log/fuzz-build")))?;
    Ok(target.join(host).join("release/fuzz"))
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(text.get(i..i + 2)?, 16).ok()).collect()
}

/// The folder that libFuzzer works in: what an earlier run left, the committed corpus, the golden states.
fn prepare(kind: &str) -> Result<PathBuf> {
    let dir = sh::base()?.join("fuzz/corpus").join(kind);
    fs::create_dir_all(&dir)?;
    let lines = fs::read_to_string(committed(kind)).unwrap_or_default();
    for (n, line) in lines.lines().enumerate() {
        fs::write(dir.join(format!("kept-{n}")), unhex(line).with_context(|| format!("{}:{}", committed(kind).display(), n + 1))?)?;
    }
    for entry in fs::read_dir(golden())?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with(&format!("{kind}_state.v")) {
            continue;
        }
        for (n, hex) in fs::read_to_string(entry.path())?.lines().filter_map(|l| l.strip_prefix("bytes: ")).enumerate() {
            let state = unhex(hex).context("a golden file's bytes")?;
            // the state to decode stands behind its length; no rows follow
            let input = [&(state.len() as u16).to_le_bytes()[..], &state].concat();
            fs::write(dir.join(format!("golden-{n}")), input)?;
        }
    }
    Ok(dir)
}

fn fuzzer(program: &Path, kind: &str) -> Command {
    let mut run = Command::new("sh");
    run.args(["-c", &format!("ulimit -v {MEMORY} && exec \"$0\" \"$@\"")]).arg(program).arg(format!("-max_len={LONGEST}")).env("TALLY_FUZZ", kind);
    run
}

fn attack(program: &Path, kind: &str, corpus: &Path, runs: u64) -> Result<bool> {
    let found = sh::base()?.join("fuzz/found").join(kind);
    fs::create_dir_all(&found)?;
    let log = sh::base()?.join(format!("log/fuzz-{kind}"));
    let mut run = fuzzer(program, kind);
    run.args([&format!("-runs={runs}"), "-timeout=10", "-print_final_stats=1", &format!("-artifact_prefix={}/", found.display())]).arg(corpus);
    let started = Instant::now();
    let good = sh::logged_status(&mut run, &log)?;
    let text = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    let done: u64 = text.lines().find_map(|l| l.strip_prefix("stat::number_of_executed_units:")?.trim().parse().ok()).unwrap_or(0);
    println!("  {kind:14} {done:>10} executions in {:.0} s, {}", started.elapsed().as_secs_f64(), if good { "no finding" } else { "A FINDING" });
    if !good {
        println!("{}\n  the input is in {}", sh::tail(&log, 40), found.display());
    }
    Ok(good)
}

/// Cuts the corpus down to what reaches something of its own, and commits the short ones.
fn keep(program: &Path, kind: &str, corpus: &Path) -> Result<()> {
    let small = sh::base()?.join("fuzz/small").join(kind);
    let _ = fs::remove_dir_all(&small);
    fs::create_dir_all(&small)?;
    let mut merge = fuzzer(program, kind);
    merge.arg("-merge=1").arg(&small).arg(corpus);
    sh::logged(&mut merge, &sh::base()?.join(format!("log/fuzz-merge-{kind}")))?;
    let mut inputs: Vec<Vec<u8>> = fs::read_dir(&small)?.flatten().filter_map(|e| fs::read(e.path()).ok()).collect();
    inputs.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    let mut size = 0;
    inputs.retain(|input| {
        size += input.len();
        size <= KEPT
    });
    let lines: String = inputs.iter().map(|i| i.iter().map(|b| format!("{b:02x}")).collect::<String>() + "\n").collect();
    fs::create_dir_all(committed(kind).parent().expect("a folder"))?;
    fs::write(committed(kind), lines)?;
    println!("  {kind:14} {} inputs kept in {}", inputs.len(), committed(kind).display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments() {
        let known = ["sum".to_string(), "uniq".to_string()];
        let asked = parse(&["sum", "--runs", "1_000"].map(str::to_string), &known).expect("good");
        assert_eq!((asked.kinds, asked.runs), (vec!["sum".to_string()], 1000));
        assert_eq!(parse(&[], &known).expect("good").kinds.len(), 2);
        assert!(parse(&["nonsense".to_string()], &known).is_err());
    }

    #[test]
    fn hexadecimal() {
        assert_eq!(unhex("00fF1a"), Some(vec![0, 255, 26]));
        assert_eq!(unhex(""), Some(vec![]));
        assert_eq!(unhex("0"), None);
        assert_eq!(unhex("0g"), None);
    }
}
