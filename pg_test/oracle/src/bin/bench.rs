//! `bench [writers] [load] [reads] [refresh] [states] [sessions] [--runs N] [--seconds N] [--clients N] [--rows N] [--groups N]`
//!
//! What a view costs, always beside the same without it: runs are interleaved, so that a noisy machine is noisy for
//! both, and what is printed is the median of each and the median of the paired ratios. `states`: what the aggregates cost
//! beside PostgreSQL's own and other extensions', over five times `--rows`; `states` includes `sessions`, over ten times `--rows`. The server is that of PGHOST,
//! PGPORT, PGUSER and PGDATABASE, on this machine (CPU times are read from /proc); schema `bench` is made anew.

use oracle::bench::{Bench, load, reads, refresh, sessions, states, writers};
use std::process::ExitCode;

const USAGE: &str = "usage: bench [writers] [load] [reads] [refresh] [states] [sessions] [--runs N] [--seconds N] [--clients N] [--rows N] [--groups N]";

fn main() -> ExitCode {
    let mut b = Bench { runs: 5, seconds: 10, clients: 8, rows: 1_000_000, groups: 1_000_000 };
    let mut what: Vec<String> = vec![];
    let mut args = std::env::args().skip(1);
    while let Some(a) = args.next() {
        let mut number = || args.next().and_then(|v| v.parse::<u32>().ok()).filter(|n| *n > 0);
        let slot = match a.as_str() {
            "--runs" => &mut b.runs,
            "--seconds" => &mut b.seconds,
            "--clients" => &mut b.clients,
            "--rows" => &mut b.rows,
            "--groups" => &mut b.groups,
            "writers" | "load" | "reads" | "refresh" | "states" | "sessions" => {
                what.push(a);
                continue;
            }
            _ => {
                eprintln!("{USAGE}");
                return ExitCode::from(2);
            }
        };
        match number() {
            Some(n) => *slot = n,
            None => {
                eprintln!("{USAGE}");
                return ExitCode::from(2);
            }
        }
    }
    let all = what.is_empty();
    let has = |w: &str| all || what.iter().any(|x| x == w);
    let run = || -> Result<(), String> {
        b.describe()?;
        if has("writers") {
            writers::writers(&b)?;
        }
        if has("load") {
            load::loads(&b)?;
        }
        if has("reads") {
            reads::reads(&b)?;
        }
        if has("refresh") {
            refresh::refresh(&b)?;
        }
        if has("states") {
            states::states(&b)?;
        }
        if has("states") || has("sessions") {
            sessions::sessions(&b)?;
        }
        Ok(())
    };
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}");
            ExitCode::FAILURE
        }
    }
}
