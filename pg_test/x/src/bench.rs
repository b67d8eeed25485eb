//! The benchmarks, on a release build and a server that keeps its data safe as a user's would.

use crate::cluster::{Cluster, Options};
use crate::{provision, sh};
use anyhow::Result;

pub fn main(args: &[String]) -> Result<bool> {
    let server = provision::server(15, "perf")?;
    provision::install_extension(&server, true)?;
    let settings = vec![("shared_buffers", "512MB".to_string()), ("max_wal_size", "4GB".to_string())];
    let cluster = Cluster::create(&server, "bench", Options { settings, ..Options::default() })?;
    cluster.fresh_database("bench")?;
    if args.iter().all(|a| a.starts_with("--") || a.parse::<u32>().is_ok()) || args.iter().any(|a| a == "states") {
        engine()?;
        for package in ["hll", "tdigest"] {
            if let Err(e) = provision::debian_extension(&server, package) {
                println!("  PostgreSQL's {package} cannot be had here, and is left out: {e:#}");
            }
        }
    }
    let mut run = sh::cargo();
    run.args(["run", "-q", "--release", "-p", "oracle", "--bin", "bench", "--"]).args(args);
    // pgbench is there beside the server
    let bin = server.pg_config.parent().expect("a folder");
    run.env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default()));
    Ok(cluster.aim(&mut run, "bench").status()?.success())
}

/// The states without a server.
fn engine() -> Result<()> {
    let mut run = sh::cargo();
    run.args(["run", "-q", "--release", "-p", "pg_tally_core", "--example", "bench"]);
    anyhow::ensure!(run.status()?.success(), "the states' own benchmark failed");
    Ok(())
}
