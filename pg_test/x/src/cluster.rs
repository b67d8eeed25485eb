//! Private PostgreSQL servers: made, started, stopped, killed and restarted here, reached by a socket of their own.

use crate::provision::Server;
use crate::sh::{self, User};
use anyhow::{Context, Result, bail};
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

pub const PORT: u16 = 5432;

#[derive(Default)]
pub struct Options {
    /// Load pg_tally with the server, as its worker and its DDL need.
    pub preload: bool,
    /// Outlive this program.
    pub stay: bool,
    pub settings: Vec<(&'static str, String)>,
}

pub struct Cluster {
    pub server: Server,
    user: User,
    dir: PathBuf,
    sockets: PathBuf,
    stay: bool,
    child: Option<Child>,
}

/// How a server is asked to end.
#[derive(Clone, Copy, Debug)]
pub enum Stop {
    Fast,
    Immediate,
}

impl Cluster {
    /// A new, empty, running server; what an earlier one of this name left is removed.
    pub fn create(server: &Server, name: &str, options: Options) -> Result<Cluster> {
        let mut cluster = Cluster::emptied(server, name, options.stay)?;
        let mut initdb = cluster.user.command(server.bin("initdb"));
        initdb.arg("-D").arg(cluster.data());
        initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]);
        sh::capture(&mut initdb)?;
        let mut conf = String::from("\nlisten_addresses = ''\nmax_prepared_transactions = 16\nlog_line_prefix = '%m [%p] %q%a '\n");
        conf += &format!("port = {PORT}\nunix_socket_directories = '{}'\n", cluster.sockets.display());
        if options.preload {
            conf += "shared_preload_libraries = 'pg_tally'\n";
        }
        for (k, v) in &options.settings {
            conf += &format!("{k} = '{v}'\n");
        }
        let file = cluster.data().join("postgresql.auto.conf");
        fs::write(&file, conf)?;
        cluster.user.own(&file)?;
        cluster.start()?;
        Ok(cluster)
    }

    /// A running standby of this one, made by `pg_basebackup`.
    pub fn standby(&self, name: &str, pg_basebackup: &Path) -> Result<Cluster> {
        let mut cluster = Cluster::emptied(&self.server, name, false)?;
        let mut copy = self.user.command(pg_basebackup);
        copy.args(["-R", "-X", "stream", "--checkpoint=fast", "--no-sync", "-D"]).arg(cluster.data());
        sh::capture(self.aim(&mut copy, "postgres"))?;
        let mut conf = fs::OpenOptions::new().append(true).open(cluster.data().join("postgresql.auto.conf"))?;
        // the last one holds
        writeln!(conf, "unix_socket_directories = '{}'", cluster.sockets.display())?;
        cluster.start()?;
        Ok(cluster)
    }

    /// One without data; what an earlier one of this name left is removed.
    fn emptied(server: &Server, name: &str, stay: bool) -> Result<Cluster> {
        let mut cluster = Cluster::at(server, name, stay)?;
        cluster.remove()?;
        sh::make_dir(&cluster.dir)?;
        cluster.user.own(&cluster.dir)?;
        fs::create_dir_all(&cluster.sockets)?;
        fs::set_permissions(&cluster.sockets, fs::Permissions::from_mode(0o700))?;
        cluster.user.own(&cluster.sockets)?;
        Ok(cluster)
    }

    /// The one of this name, running or not.
    pub fn at(server: &Server, name: &str, stay: bool) -> Result<Cluster> {
        let dir = sh::base()?.join("run").join(name);
        let mut sockets = dir.join("s");
        if sockets.as_os_str().len() > 80 {
            // a socket's address has room for 107 bytes
            sockets = PathBuf::from(format!("/tmp/pg_tally-{}-{name}", std::process::id()));
            if stay {
                sockets = PathBuf::from(format!("/tmp/pg_tally-{name}"));
            }
        }
        Ok(Cluster { server: server.clone(), user: sh::server_user()?, dir, sockets, stay, child: None })
    }

    fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    pub fn log(&self) -> PathBuf {
        self.dir.join("log")
    }

    /// What runs here, or ran until it was killed.
    fn postmaster(&self) -> Option<u32> {
        fs::read_to_string(self.data().join("postmaster.pid")).ok()?.lines().next()?.trim().parse().ok()
    }

    pub fn start(&mut self) -> Result<()> {
        if self.stay {
            let mut ctl = self.user.command(self.server.bin("pg_ctl"));
            ctl.args(["start", "-w", "-s", "-D"]).arg(self.data()).arg("-l").arg(self.log());
            if !ctl.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status()?.success() {
                bail!("PostgreSQL did not start:\n{}", sh::tail(&self.log(), 20));
            }
            return Ok(());
        }
        // setpriv makes the server end with this program, however that ends
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log())?;
        let mut postgres = self.user.command("setpriv");
        postgres.args(["--pdeathsig", "INT", "--"]).arg(self.server.bin("postgres")).arg("-D").arg(self.data());
        postgres.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self.child = Some(postgres.spawn().context("starting PostgreSQL by setpriv (of util-linux)")?);
        let begin = Instant::now();
        loop {
            if self.connect("postgres").is_ok() {
                return Ok(());
            }
            let ended = self.child.as_mut().expect("just started").try_wait()?;
            if ended.is_some() || begin.elapsed() > Duration::from_secs(60) {
                bail!("PostgreSQL did not start:\n{}", sh::tail(&self.log(), 20));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    pub fn stop(&mut self, how: Stop) -> Result<()> {
        if self.postmaster().is_some_and(|id| parent(id).is_some()) {
            let mode = match how {
                Stop::Fast => "fast",
                Stop::Immediate => "immediate",
            };
            let mut ctl = self.user.command(self.server.bin("pg_ctl"));
            ctl.args(["stop", "-w", "-s", "-m", mode, "-D"]).arg(self.data());
            let stopped = sh::capture(&mut ctl);
            if self.postmaster().is_some() {
                stopped?;
            }
        }
        if let Some(mut child) = self.child.take() {
            child.wait()?;
        }
        Ok(())
    }

    /// What a power cut does: the postmaster and all its processes are killed.
    pub fn crash(&mut self) -> Result<()> {
        let mut postmaster = self.child.take().context("only a server started here is killed")?;
        // stopped, it starts no more of them; it may still be at that when it is told
        signal("STOP", &[postmaster.id()])?;
        let begin = Instant::now();
        while stat(postmaster.id()).is_some_and(|(state, _)| state != "T" && state != "Z") {
            if begin.elapsed() > Duration::from_secs(10) {
                bail!("the postmaster does not stop");
            }
            std::thread::sleep(Duration::from_micros(100));
        }
        let mut all = children(postmaster.id())?;
        all.push(postmaster.id());
        signal("KILL", &all)?;
        postmaster.wait()?;
        let begin = Instant::now();
        while all.iter().any(|id| parent(*id).is_some()) {
            if begin.elapsed() > Duration::from_secs(10) {
                bail!("processes of the killed server go on");
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    pub fn restart(&mut self, how: Stop) -> Result<()> {
        self.stop(how)?;
        self.start()
    }

    pub fn is_running(&self) -> bool {
        self.connect("postgres").is_ok()
    }

    pub fn remove(&mut self) -> Result<()> {
        self.stop(Stop::Immediate)?;
        for dir in [&self.dir, &self.sockets] {
            if dir.exists() {
                fs::remove_dir_all(dir).with_context(|| format!("removing {}", dir.display()))?;
            }
        }
        Ok(())
    }

    pub fn connect(&self, database: &str) -> Result<postgres::Client> {
        let mut config = postgres::Config::new();
        config.host_path(&self.sockets).port(PORT).user("postgres").dbname(database);
        Ok(config.connect(postgres::NoTls)?)
    }

    pub fn fresh_database(&self, name: &str) -> Result<()> {
        let mut c = self.connect("postgres")?;
        c.batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))?;
        c.batch_execute(&format!("CREATE DATABASE {name}"))?;
        Ok(())
    }

    /// Tells a client program, by its environment, to use this server.
    pub fn aim<'a>(&self, c: &'a mut Command, database: &str) -> &'a mut Command {
        c.env("PGHOST", &self.sockets).env("PGPORT", PORT.to_string()).env("PGUSER", "postgres").env("PGDATABASE", database);
        c.env_remove("PGOPTIONS").env_remove("PGSERVICE").env_remove("PGPASSWORD")
    }

    pub fn socket_dir(&self) -> &PathBuf {
        &self.sockets
    }

    /// psql that stops at the first error and reads no startup file.
    pub fn psql(&self, database: &str) -> Command {
        let mut c = Command::new(self.server.bin("psql"));
        c.args(["-X", "-q", "-v", "ON_ERROR_STOP=1"]).env("PAGER", "cat").current_dir(sh::root());
        self.aim(&mut c, database);
        c
    }
}

/// `name` as in `KILL`.
pub fn signal(name: &str, ids: &[u32]) -> Result<()> {
    let ids: Vec<String> = ids.iter().map(u32::to_string).collect();
    // those that have ended by themselves are reported, and no matter
    let done = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", ids.join(" "))).stderr(Stdio::null()).status();
    done.map(|_| ()).context("sending a signal")
}

/// Its parent if there is such a process, and not just its exit status.
fn parent(process: u32) -> Option<u32> {
    stat(process).filter(|(state, _)| state != "Z").map(|(_, parent)| parent)
}

/// The state and the parent of a process.
fn stat(process: u32) -> Option<(String, u32)> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // 12 (name, which may have any character) S 1 …
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.to_string(), fields.next()?.parse().ok()?))
}

fn children(process: u32) -> Result<Vec<u32>> {
    let names = fs::read_dir("/proc")?.flatten().map(|e| e.file_name());
    let all = names.filter_map(|n| n.to_string_lossy().parse::<u32>().ok());
    Ok(all.filter(|id| parent(*id) == Some(process)).collect())
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if !self.stay && let Err(e) = self.remove() {
            eprintln!("{e:#}");
        }
    }
}
