//! `oracle [--seed N] [--checks N | --seconds N] [--sessions N] [--steps N] [--family plain|states|stateless|recomputed,…] [--shape plain|range|list|sub|inherit|time] [--theme plain|kept|refreshable] [--free]`
//!
//! Random views, random DML from several sessions, and after each step the views against their queries. The server is
//! the one of PGHOST, PGPORT, PGUSER and PGDATABASE; schema `oracle` is dropped and made anew for every round.

use oracle::plan::{self, Options, Theme};
use oracle::session::Failure;
use oracle::table::Shape;
use oracle::view::Family;
use oracle::{db, free, run, script, shrink};
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::{Duration, Instant};

struct Args {
    seed: u64,
    round: Option<u64>,
    checks: u64,
    seconds: Option<u64>,
    free: bool,
    stub: bool,
    keep_going: bool,
    slow: u64,
    shrink_seconds: u64,
    options: Options,
}

const USAGE: &str = "usage: oracle [--seed N] [--round N] [--checks N | --seconds N] [--sessions N] [--steps N] [--family plain,states,stateless,recomputed] [--shape NAME] [--theme NAME] [--free] [--stub] [--keep-going] [--shrink-seconds N] [--slow MILLISECONDS]";

/// Rounds of a theme in which all of its paths are taken, if chance is any guide.
const ENOUGH: u64 = 60;

fn parse() -> Result<Args, String> {
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(1, |d| d.as_secs());
    let mut a = Args {
        seed: clock,
        round: None,
        checks: 1000,
        seconds: None,
        free: false,
        stub: false,
        keep_going: false,
        slow: 0,
        shrink_seconds: 120,
        options: Options { sessions: 3, steps: 150, family: Family { states: true, stateless: true, recomputed: true }, two_phase: true, shape: None, theme: None },
    };
    let mut it = std::env::args().skip(1);
    while let Some(arg) = it.next() {
        let mut number = || it.next().and_then(|v| v.parse::<u64>().ok()).ok_or(format!("{arg} needs a number"));
        match arg.as_str() {
            "--seed" => a.seed = number()?,
            "--round" => a.round = Some(number()?),
            "--checks" => a.checks = number()?,
            "--seconds" => a.seconds = Some(number()?),
            "--sessions" => a.options.sessions = number()?.max(1) as usize,
            "--steps" => a.options.steps = number()? as usize,
            "--slow" => a.slow = number()?,
            "--shrink-seconds" => a.shrink_seconds = number()?,
            "--family" => {
                let f = it.next().unwrap_or_default();
                a.options.family = Family { states: f.contains("states"), stateless: f.contains("stateless"), recomputed: f.contains("recomputed") };
            }
            "--shape" => {
                let name = it.next().unwrap_or_default();
                a.options.shape = Some(Shape::named(&name).ok_or(format!("no shape {name}\n{USAGE}"))?);
            }
            "--theme" => {
                let name = it.next().unwrap_or_default();
                a.options.theme = Some(Theme::named(&name).ok_or(format!("no theme {name}\n{USAGE}"))?);
            }
            "--free" => a.free = true,
            "--stub" => a.stub = true,
            "--keep-going" => a.keep_going = true,
            _ => return Err(format!("unknown argument {arg}\n{USAGE}")),
        }
    }
    Ok(a)
}

fn prepare(a: &mut Args) -> Result<(), String> {
    let text = |e: postgres::Error| db::explain(&e).1;
    let mut c = db::connect("oracle").map_err(text)?;
    if a.stub {
        a.options.theme = Some(Theme::Plain);
    } else {
        c.batch_execute("CREATE EXTENSION IF NOT EXISTS pg_tally").map_err(text)?;
    }
    a.options.two_phase = db::value(&mut c, "SHOW max_prepared_transactions").map_err(text)? != "0";
    if !a.options.two_phase {
        eprintln!("max_prepared_transactions is 0: PREPARE TRANSACTION is left out");
    }
    Ok(())
}

fn main() -> ExitCode {
    let mut a = match parse() {
        Ok(a) => a,
        Err(e) => {
            eprintln!("{e}");
            return ExitCode::from(2);
        }
    };
    if let Err(e) = prepare(&mut a) {
        eprintln!("{e}");
        return ExitCode::from(2);
    }
    let start = Instant::now();
    let (mut checks, mut mismatches, mut deadlocks, mut others) = (0u64, 0u64, 0u64, 0u64);
    let (mut changes, mut views) = (0u64, 0u64);
    let mut tolerated: BTreeMap<String, u64> = BTreeMap::new();
    let mut paths: BTreeMap<&str, u64> = BTreeMap::new();
    let mut themes: BTreeMap<Theme, u64> = BTreeMap::new();
    let mut refused: BTreeMap<String, (u64, String)> = BTreeMap::new();
    let mut said = Instant::now();
    let mut round = a.round.unwrap_or(0);
    loop {
        let plan = plan::make(a.seed, round, &a.options);
        let out = if a.free { free::run(&plan, a.stub) } else { run::run(&plan, &plan.steps, a.stub) };
        checks += out.checks;
        changes += out.changes;
        views += out.views;
        if a.slow > 0 {
            for r in out.log.iter().filter(|r| r.millis >= a.slow) {
                eprintln!("{} ms, round {round}: {} -- {}", r.millis, r.sql, r.result);
            }
        }
        *themes.entry(plan.theme).or_default() += 1;
        for (k, n) in &out.paths {
            *paths.entry(k).or_default() += n;
        }
        for (k, n) in &out.tolerated {
            *tolerated.entry(k.clone()).or_default() += n;
        }
        for text in &out.refused {
            let key = text.lines().next().unwrap_or_default().to_string();
            refused.entry(key).or_insert((0, text.clone())).0 += 1;
        }
        if let Some(f) = out.failure.clone() {
            match f.class.as_str() {
                "deadlock" => deadlocks += 1,
                c if c.starts_with("mismatch") => mismatches += 1,
                _ => others += 1,
            }
            report(&a, &plan, round, &f, out);
            if !a.keep_going {
                break;
            }
        }
        round += 1;
        let done = a.round.is_some() || a.seconds.map_or(checks >= a.checks, |s| start.elapsed() >= Duration::from_secs(s));
        if done {
            break;
        }
        if said.elapsed() > Duration::from_secs(15) {
            said = Instant::now();
            eprintln!("{checks} checks in {round} rounds, {:.0} s", start.elapsed().as_secs_f64());
        }
    }
    for (message, (n, text)) in &refused {
        println!("create_view refused {n} times: {message}\n{text}");
    }
    println!("{views} views over {} tables, {changes} changes of their rows, {:.0} s", round - a.round.unwrap_or(0), start.elapsed().as_secs_f64());
    println!("errors of the users' own, by SQLSTATE: {tolerated:?}");
    println!("rounds {themes:?}; what was tested: {paths:?}");
    for theme in themes.iter().filter(|t| *t.1 >= ENOUGH && a.options.shape.is_none()).map(|t| t.0) {
        for path in theme.paths().iter().filter(|p| paths.get(**p).is_none_or(|n| *n == 0)) {
            println!("FAILURE: never tested: {path}");
            others += 1;
        }
    }
    if others > 0 {
        println!("{others} other failures");
    }
    println!("{checks} checks, {mismatches} mismatches, {deadlocks} deadlocks caused by a view, seed {}", a.seed);
    if mismatches + deadlocks + others > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn report(a: &Args, plan: &plan::Plan, round: u64, f: &Failure, out: run::Outcome) {
    println!("FAILURE ({}) in round {round} of seed {}: {}", f.class, a.seed, f.text);
    println!("again: oracle --seed {} --round {round} --steps {} --sessions {}", a.seed, a.options.steps, a.options.sessions);
    let best = if a.free || a.shrink_seconds == 0 { out } else { shrink::shrink(plan, out, a.stub, Duration::from_secs(a.shrink_seconds)) };
    if let Some(f) = &best.failure {
        println!("after shrinking: {}: {}", f.class, f.text);
    }
    println!("{}", script::psql(plan, &best.log));
}
