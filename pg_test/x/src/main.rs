//! `cargo x`: everything that is done with this repository besides plain `cargo pgrx`.

use std::process::ExitCode;
use x::{bench, demo, fuzz, oracle, soak, suites};

const HELP: &str = "\
cargo x demo [--events N] [--stop]
    build in release, start a private PostgreSQL 15, load 336,776 real flights (or N generated web events) and show roll-ups staying exact
cargo x test [--pg 15|16|17|18] [--only core|tidy|pgrx|regress|isolation|oracle|readme|acceptance|demo|cluster[,…]] [--release] [--accept]
    run all tests, or some, from nothing; the last line is `N passed, N failed`; --accept takes what regress and isolation print as expected;
    with TALLY_PG_CONFIG=/path/to/pg_config in the environment all this is done with that server, such as a build with assertions
cargo x oracle [arguments]
    the random differential test against a private server, for as long as its arguments say
cargo x crash [--what writes|refresh|upkeep] [--pg 15|16|17|18] [--rounds N] [--seed N]
    kill a private server again and again while sessions write and compact, or while the worker refreshes, compacts and enforces retention; the views must be exact after each recovery
cargo x soak [--pg 15|16|17|18] [--minutes N]
    single-row writers beside the worker for ten minutes: pending rows stay few, delta's files small, writers fast and views exact
cargo x fuzz [kind…] [--runs N] [--keep]
    libFuzzer against the decoder and the laws of every kind of state, 10,000,000 inputs each; --keep writes the minimised corpus into pg_test/fuzz/corpus
cargo x bench [arguments]
    the benchmarks against a private server
cargo x help
    this page";

fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    let command = if args.is_empty() { "help".into() } else { args.remove(0) };
    let result = match command.as_str() {
        "demo" => demo::main(&args),
        "test" => suites::main(&args),
        "oracle" => oracle::main(&args),
        "crash" => suites::cluster::main(&args),
        "fuzz" => fuzz::main(&args),
        "soak" => soak::main(&args),
        "bench" => bench::main(&args),
        "help" | "--help" | "-h" => {
            println!("{HELP}");
            Ok(true)
        }
        other => Err(anyhow::anyhow!("no command {other:?}; they are:\n\n{HELP}")),
    };
    match result {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(e) => {
            eprintln!("cargo x {command}: {e:#}");
            ExitCode::from(2)
        }
    }
}
