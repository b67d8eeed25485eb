//! Suites that want a running server with the extension in it.

use super::{Asked, Count};
use crate::cluster::{Cluster, Options};
use crate::{demo, provision, sh};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How the random differential test runs here, and for how many seconds: replayable rounds, and sessions let loose.
/// `cargo x oracle` runs it for longer.
const ORACLE_SLICES: &[(&[&str], &str)] = &[(&[], "80"), (&["--free"], "40")];

pub struct Ready {
    pub cluster: Cluster,
    accept: bool,
}

impl Ready {
    pub fn new(asked: &Asked) -> Result<Ready> {
        let server = provision::server(asked.major, "test")?;
        provision::install_extension(&server, asked.release)?;
        let settings = vec![("fsync", "off".to_string()), ("timezone", "UTC".to_string())];
        let cluster = Cluster::create(&server, &format!("test{}", asked.major), Options { settings, ..Options::default() })?;
        Ok(Ready { cluster, accept: asked.accept })
    }

    pub fn regress(&self) -> Result<Count> {
        let tests = names("pg_test/regress/sql", "sql")?;
        self.pg_regress("pg_regress", "pg_test/regress", &tests)
    }

    pub fn isolation(&self) -> Result<Count> {
        let tests = names("pg_test/isolation/specs", "spec")?;
        self.pg_regress("pg_isolation_regress", "pg_test/isolation", &tests)
    }

    /// Both programs take the same arguments, and a server that runs already.
    fn pg_regress(&self, program: &str, input: &str, tests: &[String]) -> Result<Count> {
        if tests.is_empty() {
            bail!("there is no test in {input}");
        }
        let server = &self.cluster.server;
        // some builds' programs are missing or do not start; another major's will do, for they are clients
        let mut path = server.test_program(program);
        if !path.as_ref().is_ok_and(|p| sh::succeeds(Command::new(p).arg("--version"))) {
            path = provision::server(15, "test")?.test_program(program);
        }
        let path = path?;
        let expected = |t: &String| sh::root().join(input).join("expected").join(format!("{t}.out"));
        let mut count = Count::default();
        for t in tests.iter().filter(|t| !expected(t).exists()) {
            if self.accept {
                sh::make_dir(&sh::root().join(input).join("expected"))?;
                fs::write(expected(t), "")?;
            } else {
                // the program would stop at it
                println!("  {t} has no expected output (--accept takes what it prints)");
                count.add(false);
            }
        }
        let tests: Vec<&String> = tests.iter().filter(|t| expected(t).exists()).collect();
        if tests.is_empty() {
            return Ok(count);
        }
        let output = sh::base()?.join(format!("out/{program}-{}", server.major));
        let _ = fs::remove_dir_all(&output);
        sh::make_dir(&output)?;
        let mut run = Command::new(path);
        run.arg("--inputdir").arg(sh::root().join(input)).arg("--outputdir").arg(&output);
        run.arg("--bindir").arg(server.pg_config.parent().expect("a folder"));
        run.arg("--host").arg(self.cluster.socket_dir()).args(["--port", &crate::cluster::PORT.to_string(), "--user", "postgres"]);
        run.args(["--dbname", "regression", "--encoding", "UTF8"]).args(&tests).current_dir(&output);
        self.cluster.aim(&mut run, "postgres");
        let log = output.join("log");
        let ok = sh::logged_status(&mut run, &log)?;
        let text = fs::read_to_string(&log).unwrap_or_default();
        let mut ran = Count::default();
        text.lines().filter_map(verdict).for_each(|ok| ran.add(ok));
        let ran = ran.or_failed(ok);
        if self.accept {
            for t in &tests {
                fs::copy(output.join("results").join(format!("{t}.out")), expected(t))?;
            }
            println!("  took {} outputs as expected, {} of them new: look at git diff", tests.len(), ran.failed);
            return Ok(Count { passed: tests.len() as u64, failed: 0 });
        }
        if !ok {
            println!("{}", sh::tail(&log, 40));
            let diffs = fs::read_to_string(output.join("regression.diffs")).unwrap_or_default();
            let shown: Vec<&str> = diffs.lines().take(300).collect();
            println!("{}", shown.join("\n"));
        }
        if ran.passed + ran.failed < tests.len() as u64 {
            bail!("only {} of {} tests of {input} ran; see {}", ran.passed + ran.failed, tests.len(), log.display());
        }
        Ok(Count { passed: count.passed + ran.passed, failed: count.failed + ran.failed })
    }

    /// Whole uses of the extension as a user would write them; each checks its own answers.
    pub fn acceptance(&self) -> Result<Count> {
        let mut count = Count::default();
        for name in names("pg_test/acceptance", "sql")?.iter().filter(|n| n.as_str() != "common") {
            self.cluster.fresh_database("acceptance")?;
            let mut psql = self.cluster.psql("acceptance");
            psql.arg("-f").arg(sh::root().join("pg_test/acceptance").join(format!("{name}.sql")));
            let out = psql.output()?;
            let said = String::from_utf8_lossy(&out.stdout).into_owned();
            let number = name.split('-').next().unwrap_or(name);
            let ok = out.status.success() && said.lines().any(|l| l.trim() == format!("{number} ok"));
            if !ok {
                println!("  {name} failed:\n{}{}", said, String::from_utf8_lossy(&out.stderr));
            }
            count.add(ok);
        }
        Ok(count)
    }

    /// The demo's own checks, on fewer generated events.
    pub fn demo(&mut self) -> Result<Count> {
        let mut count = Count::default();
        count.add(demo::smoke(&self.cluster)?);
        Ok(count)
    }

    pub fn oracle(&self) -> Result<Count> {
        self.cluster.fresh_database("oracle")?;
        let mut build = sh::cargo();
        build.args(["build", "--release", "-p", "oracle", "--bin", "oracle"]);
        let log = sh::base()?.join(format!("out/oracle-{}", self.cluster.server.major));
        sh::step("the random differential test, built", || sh::logged(&mut build, &log))?;
        let mut count = Count::default();
        for (how, seconds) in ORACLE_SLICES {
            let mut run = sh::cargo();
            run.args(["run", "-q", "--release", "-p", "oracle", "--bin", "oracle", "--", "--seconds", seconds]).args(*how);
            self.cluster.aim(&mut run, "oracle");
            let ok = sh::logged_status(&mut run, &log)?;
            let text = fs::read_to_string(&log).unwrap_or_default();
            let checks = text.lines().rev().find_map(|l| l.split_once(" checks, ")?.0.parse::<u64>().ok()).unwrap_or(0);
            println!("{}", sh::tail(&log, if ok { 1 } else { 120 }));
            count.add(ok && checks > 0);
        }
        Ok(count)
    }
}

/// The files of one kind in a folder, without their ending; none if there is no such folder.
pub(super) fn names(dir: &str, ending: &str) -> Result<Vec<String>> {
    let dir: PathBuf = sh::root().join(dir);
    let mut found = Vec::new();
    for e in fs::read_dir(&dir).into_iter().flatten() {
        let path = e?.path();
        if path.extension().is_some_and(|x| x == ending) {
            found.push(Path::file_stem(&path).context("a name")?.to_string_lossy().into_owned());
        }
    }
    found.sort();
    Ok(found)
}

/// `test a ... ok  12 ms` (PostgreSQL 15), `ok 1 - a  12 ms` (from 16 on).
fn verdict(line: &str) -> Option<bool> {
    let line = line.trim_start();
    if line.starts_with("ok ") {
        return Some(true);
    }
    if line.starts_with("not ok ") {
        return Some(false);
    }
    let rest = line.strip_prefix("test ")?.split_once(" ... ")?.1.trim_start();
    Some(rest.starts_with("ok"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_of_both_forms() {
        assert_eq!(verdict("test agg_sum                      ... ok          62 ms"), Some(true));
        assert_eq!(verdict("test agg_sum                      ... FAILED      62 ms"), Some(false));
        assert_eq!(verdict("ok 1         - agg_sum                62 ms"), Some(true));
        assert_eq!(verdict("not ok 2     - agg_sum                62 ms"), Some(false));
        assert_eq!(verdict("# (using postmaster on /tmp, port 5432)"), None);
    }
}
