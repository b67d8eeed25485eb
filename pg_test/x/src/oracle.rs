//! The random differential test for as long as one likes; `cargo x test` runs a slice of it.

use crate::cluster::{Cluster, Options};
use crate::{provision, sh};
use anyhow::Result;

pub fn main(args: &[String]) -> Result<bool> {
    let server = provision::server(15, "perf")?;
    provision::install_extension(&server, true)?;
    let settings = vec![("fsync", "off".to_string())];
    let cluster = Cluster::create(&server, "oracle", Options { settings, ..Options::default() })?;
    cluster.fresh_database("oracle")?;
    let mut run = sh::cargo();
    run.args(["run", "-q", "--release", "-p", "oracle", "--bin", "oracle", "--"]).args(args);
    Ok(cluster.aim(&mut run, "oracle").status()?.success())
}
