//! Running other programs, and saying so while they take their time.

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::IsTerminal;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The repository.
pub fn root() -> PathBuf {
    let here = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    Path::new(&here).ancestors().nth(2).expect("pg_test/x lies two below the root").to_path_buf()
}

/// Where everything goes that this program makes: `target/x`, or a folder of /var/tmp if the unprivileged user
/// that PostgreSQL runs as cannot reach the checkout (under /root, for instance).
pub fn base() -> Result<PathBuf> {
    let exe = std::env::current_exe()?;
    let target = exe.ancestors().nth(2).context("the program lies in target/<profile>")?;
    let reachable = |p: &Path| p.ancestors().all(|d| fs::metadata(d).is_ok_and(|m| m.mode() & 0o001 != 0));
    let base = if !is_root() || reachable(target) {
        target.join("x")
    } else {
        let mut hash = 0xcbf29ce484222325u64;
        for b in target.as_os_str().as_encoded_bytes() {
            hash = (hash ^ u64::from(*b)).wrapping_mul(0x100000001b3);
        }
        PathBuf::from(format!("/var/tmp/pg_tally-x-{hash:016x}"))
    };
    make_dir(&base)?;
    Ok(base)
}

/// A folder that everybody may pass through, whatever the umask.
pub fn make_dir(dir: &Path) -> Result<()> {
    if !dir.is_dir() {
        fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

pub fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|m| m.uid() == 0)
}

/// The user that servers run as: PostgreSQL refuses to run as root.
pub struct User {
    pub name: String,
    ids: Option<(u32, u32)>,
}

pub fn server_user() -> Result<User> {
    if !is_root() {
        let out = Command::new("id").arg("-un").output()?;
        return Ok(User { name: String::from_utf8(out.stdout)?.trim().to_string(), ids: None });
    }
    let passwd = fs::read_to_string("/etc/passwd")?;
    for line in passwd.lines() {
        let f: Vec<&str> = line.split(':').collect();
        if f.len() > 3 && f[0] == "postgres" {
            return Ok(User { name: "postgres".into(), ids: Some((f[2].parse()?, f[3].parse()?)) });
        }
    }
    bail!("there is no user `postgres` to run PostgreSQL as (Debian's postgresql-common makes it)")
}

impl User {
    /// A command as this user, with nothing in its environment that would change what a server does.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut c = Command::new(program);
        if let Some((uid, gid)) = self.ids {
            c.uid(uid).gid(gid).env("HOME", "/tmp").env("USER", &self.name).env("LOGNAME", &self.name);
        }
        for v in ["RUST_BACKTRACE", "RUST_LIB_BACKTRACE", "PGDATA", "PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGOPTIONS"] {
            c.env_remove(v);
        }
        c.current_dir("/");
        c
    }

    pub fn own(&self, path: &Path) -> Result<()> {
        if let Some((uid, gid)) = self.ids {
            chown(path, Some(uid), Some(gid)).with_context(|| format!("giving {} to {}", path.display(), self.name))?;
        }
        Ok(())
    }
}

/// `cargo`, free of what the outer `cargo run` left in the environment.
pub fn cargo() -> Command {
    let mut c = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    clean_cargo_env(&mut c);
    c.current_dir(root());
    c
}

pub fn clean_cargo_env(c: &mut Command) {
    for (k, _) in std::env::vars_os() {
        let k = k.to_string_lossy();
        if k.starts_with("CARGO_PKG_") || k.starts_with("CARGO_MANIFEST_") || k.starts_with("CARGO_BIN_") || k == "LD_LIBRARY_PATH" {
            c.env_remove(&*k);
        }
    }
    c.env_remove("RUST_BACKTRACE").stdin(Stdio::null());
}

/// Runs it with everything that it prints going to `log`; an error quotes the log's end.
pub fn logged(c: &mut Command, log: &Path) -> Result<()> {
    if logged_status(c, log)? {
        return Ok(());
    }
    bail!("{} failed, the end of {}:\n{}", describe(c), log.display(), tail(log, 60))
}

/// The same, but failing is an answer.
pub fn logged_status(c: &mut Command, log: &Path) -> Result<bool> {
    if let Some(dir) = log.parent() {
        make_dir(dir)?;
    }
    let out = File::create(log).with_context(|| format!("writing {}", log.display()))?;
    c.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
    let status = c.status().with_context(|| format!("starting {}", describe(c)))?;
    Ok(status.success())
}

/// Its standard output, without the last newline.
pub fn capture(c: &mut Command) -> Result<String> {
    let out = c.stdin(Stdio::null()).output().with_context(|| format!("starting {}", describe(c)))?;
    if !out.status.success() {
        bail!("{} failed:\n{}", describe(c), String::from_utf8_lossy(&out.stderr).trim_end());
    }
    Ok(String::from_utf8_lossy(&out.stdout).trim_end().to_string())
}

pub fn succeeds(c: &mut Command) -> bool {
    c.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
}

pub fn describe(c: &Command) -> String {
    let mut words = vec![c.get_program().to_string_lossy().into_owned()];
    words.extend(c.get_args().map(|a| a.to_string_lossy().into_owned()));
    words.join(" ")
}

pub fn tail(file: &Path, lines: usize) -> String {
    let text = fs::read(file).map(|b| String::from_utf8_lossy(&b).into_owned()).unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

/// Writes the file only if that changes it: build scripts watch times.
pub fn write_if_changed(path: &Path, text: &str) -> Result<()> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    if let Some(dir) = path.parent() {
        make_dir(dir)?;
    }
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))
}

/// Does it and prints one line with how long it took; a terminal shows that it is under way.
pub fn step<T>(what: &str, f: impl FnOnce() -> Result<T>) -> Result<T> {
    let begin = Instant::now();
    let bar = ProgressBar::new_spinner();
    bar.set_style(ProgressStyle::with_template("{spinner} {msg} {elapsed}").expect("a good template"));
    bar.set_message(what.to_string());
    bar.enable_steady_tick(Duration::from_millis(200));
    let result = f();
    bar.finish_and_clear();
    if result.is_ok() {
        println!("  {what}: {:.1} s", begin.elapsed().as_secs_f64());
    }
    result.with_context(|| what.to_string())
}

/// A bar for counted work.
pub fn bar(what: &str, total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total);
    let template = "  {msg} [{bar:30}] {human_pos}/{human_len} {eta}";
    bar.set_style(ProgressStyle::with_template(template).expect("a good template").progress_chars("=> "));
    bar.set_message(what.to_string());
    bar
}

pub fn on_terminal() -> bool {
    std::io::stdout().is_terminal()
}
