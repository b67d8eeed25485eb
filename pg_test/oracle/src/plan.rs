//! A round: the table, its views, and an interleaving of statements of several sessions, all from a seed.

use crate::dml;
use crate::refreshable::{self, Refreshable};
use crate::rng::Rng;
use crate::table::{Shape, Table};
use crate::truth;
use crate::value::quote;
use crate::view::{Family, View, difference, instant, keep};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Before the sessions start; nothing runs without it.
    Setup,
    /// The harness's own, without which nothing can be judged.
    Frame,
    /// All transactions end; then this, if any, by a session of its own.
    Quiet,
    /// All transactions end; then a retention is set and enforced, and what must be so from then on is asked for.
    Settle,
    Begin,
    End,
    Savepoint,
    RollbackTo,
    Prepare,
    FinishPrepared,
    Dml,
    Truncate,
    /// Rows that leave and still count.
    Forget,
    Compact,
    Check(usize),
    /// A cursor over the difference: it keeps its snapshot while others go on.
    Declare(usize),
    Fetch(usize),
    CreateView(usize),
    DropView(usize),
}

impl Kind {
    /// All transactions end before it.
    pub fn alone(self) -> bool {
        matches!(self, Kind::Setup | Kind::Frame | Kind::Quiet | Kind::Settle)
    }
}

#[derive(Clone, Debug)]
pub struct Step {
    pub session: usize,
    pub kind: Kind,
    pub sql: String,
    pub copy: Option<String>,
}

/// What a round is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Theme {
    /// Views of a source that has all its rows.
    Plain,
    /// Views that keep what rows counted that have left, or that groups leave.
    Kept,
    Refreshable,
}

impl Theme {
    pub fn named(name: &str) -> Option<Theme> {
        [("plain", Theme::Plain), ("kept", Theme::Kept), ("refreshable", Theme::Refreshable)].iter().find(|t| t.0 == name).map(|t| t.1)
    }

    /// What must happen in a run of some rounds; else it tested less than it says.
    pub fn paths(self) -> &'static [&'static str] {
        match self {
            Theme::Plain => &[],
            Theme::Kept => &[
                "source's rows left",
                "source's rows left, alone",
                "view's groups left",
                "view's groups left, alone",
                "forgotten by statements",
                "forgotten and nothing changed",
                "ranges refreshed",
                "groups kept at the end",
                "rows that left and count, at the end",
                "rows that a view does not count, at the end",
            ],
            Theme::Refreshable => &["views refreshed", "views refreshed, alone"],
        }
    }

    fn of(seed: u64, round: u64) -> Theme {
        let mut r = Rng::new(seed.wrapping_mul(31).wrapping_add(round));
        *r.pick(&[Theme::Plain, Theme::Plain, Theme::Plain, Theme::Kept, Theme::Kept, Theme::Refreshable])
    }
}

pub struct Plan {
    pub seed: u64,
    pub round: u64,
    pub sessions: usize,
    /// SET commands, one list per session: no setting may change an answer.
    pub settings: Vec<Vec<String>>,
    pub steps: Vec<Step>,
    pub views: Vec<View>,
    pub refreshables: Vec<Refreshable>,
    pub sources: Vec<String>,
    pub theme: Theme,
}

#[derive(Clone)]
pub struct Options {
    pub sessions: usize,
    pub steps: usize,
    pub family: Family,
    pub two_phase: bool,
    /// Only tables of this shape.
    pub shape: Option<Shape>,
    /// Only rounds about this.
    pub theme: Option<Theme>,
}

struct Session {
    level: Option<&'static str>,
    saves: usize,
    cursor: Option<usize>,
    left: usize,
}

struct Maker<'a> {
    r: Rng,
    t: Table,
    o: &'a Options,
    s: Vec<Session>,
    views: Vec<View>,
    alive: Vec<bool>,
    /// Of the views, those that the owner of the source made before all else, so that they are there.
    first: usize,
    prepared: Vec<String>,
    steps: Vec<Step>,
    round: u64,
    theme: Theme,
    /// The source has a retention from the beginning, which may be enforced at any moment.
    enforced: bool,
}

/// A role that may use the tables and nothing else; session 0, which makes them, stays their owner.
const AS_WRITER: &str = "SET ROLE oracle_writer";

const SETTINGS: &[&str] = &[
    "SET timezone = 'Asia/Kolkata'",
    "SET timezone = 'America/New_York'",
    "SET datestyle = 'SQL, DMY'",
    "SET intervalstyle = 'iso_8601'",
    "SET extra_float_digits = 0",
    "SET enable_hashjoin = off",
    "SET enable_hashagg = off",
    "SET enable_mergejoin = off",
    "SET enable_nestloop = off",
    "SET enable_seqscan = off",
    "SET enable_partitionwise_aggregate = on",
    "SET plan_cache_mode = force_generic_plan",
    "SET force_parallel_mode = on",
    "SET search_path = public, oracle",
    "SET standard_conforming_strings = off",
    "SET work_mem = '64kB'",
    AS_WRITER,
    AS_WRITER,
    "SET tally.delta_limit = '64kB'",
    "SET tally.delta_limit = '8kB'",
    "SET tally.delta_limit = 0",
];

pub fn make(seed: u64, round: u64, o: &Options) -> Plan {
    let theme = o.theme.unwrap_or(Theme::of(seed, round));
    if theme == Theme::Refreshable {
        return refreshable::make(seed, round, o);
    }
    let mut r = Rng::new(seed.wrapping_add(round.wrapping_mul(1_000_003)));
    let t = Table::new(&mut r, o.shape, theme == Theme::Kept);
    let settings = (0..o.sessions)
        .map(|id| (0..r.below(4)).map(|_| r.pick(SETTINGS).to_string()).filter(|s| id > 0 || s != AS_WRITER).collect())
        .collect();
    let s = (0..o.sessions).map(|_| Session { level: None, saves: 0, cursor: None, left: 0 }).collect();
    let enforced = r.chance(80);
    let mut m = Maker { r, t, o, s, views: vec![], alive: vec![], first: 0, prepared: vec![], steps: vec![], round, theme, enforced };
    m.setup();
    while m.steps.len() < o.steps {
        m.next();
    }
    let mut sources: Vec<String> = vec![m.t.name.clone()];
    sources.extend(m.t.leaves.iter().map(|l| l.name.clone()));
    if m.steps.iter().any(|s| s.sql.contains("oracle.hashed")) {
        sources.extend(["oracle.h0".to_string(), "oracle.h1".to_string()]);
    }
    Plan { seed, round, sessions: o.sessions, settings, steps: m.steps, views: m.views, refreshables: vec![], sources, theme }
}

impl Maker<'_> {
    fn push(&mut self, session: usize, kind: Kind, sql: impl Into<String>) {
        self.steps.push(Step { session, kind, sql: sql.into(), copy: None });
    }

    fn setup(&mut self) {
        let ddl = std::mem::take(&mut self.t.ddl);
        if self.t.numbered {
            self.push(0, Kind::Frame, "CREATE SEQUENCE oracle.rids");
            self.push(0, Kind::Frame, "GRANT USAGE ON SEQUENCE oracle.rids TO oracle_writer");
        }
        for sql in ddl {
            self.push(0, Kind::Setup, sql);
        }
        if self.t.numbered {
            for sql in truth::setup(&self.t) {
                self.push(0, Kind::Frame, sql);
            }
        }
        for _ in 0..self.r.below(4) {
            let n = 1 + self.r.below(25);
            let name = self.t.name.clone();
            let hi = if self.t.partitioned() { 30 } else { 40 };
            let sql = self.t.insert_rows(&mut self.r, &name, n, 0, hi);
            self.push(0, Kind::Setup, sql);
        }
        for _ in 0..1 + self.r.below(3) {
            self.create_view(0, true);
        }
        self.first = self.views.len();
        if self.theme == Theme::Kept && self.enforced {
            self.source_retention();
        }
    }

    fn create_view(&mut self, session: usize, quiet: bool) {
        let n = self.views.len();
        let v = View::new(&mut self.r, &self.t, n, &self.o.family);
        let sql = v.create();
        self.views.push(v);
        self.alive.push(true);
        // made beside open transactions, or with everybody quiet
        if quiet {
            self.push(session, Kind::Quiet, "");
        }
        self.push(session, Kind::CreateView(n), sql);
    }

    fn a_view(&mut self) -> Option<usize> {
        let alive: Vec<usize> = (0..self.views.len()).filter(|&i| self.alive[i]).collect();
        (!alive.is_empty()).then(|| *self.r.pick(&alive))
    }

    fn next(&mut self) {
        let s = self.r.below(self.o.sessions);
        if self.s[s].level.is_none() {
            match self.r.below(100) {
                0..=49 => self.begin(s),
                50..=64 => self.dml(s),
                65..=69 => self.leave(s),
                70..=85 => self.check_all(s),
                86..=88 => self.compact(s),
                89..=94 if self.theme == Theme::Kept && self.r.chance(80) => self.quiet(),
                89..=91 => self.compact(s),
                92..=94 => self.finish_prepared(s),
                95 => self.quiet(),
                96 => self.truncate(s),
                97 if self.views.len() < 6 => self.create_view(s, false),
                98 if self.alive.iter().filter(|a| **a).count() > 1 => {
                    if let Some(v) = self.a_view() {
                        self.alive[v] = false;
                        let sql = if self.r.chance(50) {
                            format!("SELECT tally.drop_view({})", crate::value::quote(&self.views[v].name))
                        } else {
                            format!("DROP VIEW {}", self.views[v].name)
                        };
                        self.push(s, Kind::DropView(v), sql);
                    }
                }
                _ => self.finish_prepared(s),
            }
            return;
        }
        self.s[s].left = self.s[s].left.saturating_sub(1);
        if self.s[s].left == 0 {
            return self.end(s);
        }
        match self.r.below(100) {
            0..=47 => self.dml(s),
            48..=76 => self.check_all(s),
            77..=84 => {
                self.s[s].saves += 1;
                let n = self.s[s].saves;
                self.push(s, Kind::Savepoint, format!("SAVEPOINT s{n}"));
            }
            85..=90 if self.s[s].saves > 0 => {
                let n = 1 + self.r.below(self.s[s].saves);
                let release = self.r.chance(30);
                self.s[s].saves = if release { n - 1 } else { n };
                let verb = if release { "RELEASE" } else { "ROLLBACK TO" };
                self.push(s, Kind::RollbackTo, format!("{verb} s{n}"));
            }
            91..=92 => self.leave(s),
            93..=94 => self.cursor(s),
            95..=97 => self.compact(s),
            _ => self.dml(s),
        }
    }

    fn begin(&mut self, s: usize) {
        let level = *self.r.pick(&["READ COMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]);
        self.s[s] = Session { level: Some(level), saves: 0, cursor: None, left: 3 + self.r.below(9) };
        self.push(s, Kind::Begin, format!("BEGIN ISOLATION LEVEL {level}"));
    }

    fn end(&mut self, s: usize) {
        self.s[s].level = None;
        match self.r.below(100) {
            0..=19 if self.o.two_phase => {
                let gid = format!("oracle_{}_{}", self.round, self.steps.len());
                self.push(s, Kind::Prepare, format!("PREPARE TRANSACTION '{gid}'"));
                self.prepared.push(gid);
            }
            20..=44 => self.push(s, Kind::End, "ROLLBACK"),
            _ => self.push(s, Kind::End, "COMMIT"),
        }
    }

    fn finish_prepared(&mut self, s: usize) {
        if self.prepared.is_empty() {
            return self.dml(s);
        }
        let gid = self.prepared.remove(0);
        let verb = if self.r.chance(70) { "COMMIT" } else { "ROLLBACK" };
        self.push(s, Kind::FinishPrepared, format!("{verb} PREPARED '{gid}'"));
    }

    fn dml(&mut self, s: usize) {
        let d = dml::statement(&mut self.r, &self.t);
        self.steps.push(Step { session: s, kind: Kind::Dml, sql: d.sql, copy: d.copy });
    }

    fn check_all(&mut self, s: usize) {
        for v in 0..self.views.len() {
            if self.alive[v] && self.r.chance(80) {
                let sql = self.views[v].difference(&mut self.r);
                self.push(s, Kind::Check(v), sql);
            }
        }
    }

    fn cursor(&mut self, s: usize) {
        if let Some(n) = self.s[s].cursor.take() {
            self.push(s, Kind::Fetch(n), "FETCH ALL FROM c");
            self.push(s, Kind::Dml, "CLOSE c");
        } else if let Some(v) = self.a_view() {
            let sql = self.views[v].whole_difference();
            self.s[s].cursor = Some(v);
            self.push(s, Kind::Declare(v), format!("DECLARE c CURSOR FOR {sql}"));
        }
    }

    fn compact(&mut self, s: usize) {
        let ranged: Vec<usize> = (0..self.views.len()).filter(|&i| self.alive[i] && self.views[i].ranged).collect();
        let view = if !ranged.is_empty() && self.r.chance(40) { Some(*self.r.pick(&ranged)) } else { self.a_view() };
        let sql = match view {
            Some(v) if self.r.chance(60) => {
                let name = crate::value::quote(&self.views[v].name);
                let bounded = self.views[v].kept.as_ref().is_some_and(|k| k.retention.is_some() && k.partition_by.is_none());
                match self.r.below(100) {
                    _ if bounded && self.r.chance(40) => format!("SELECT tally.enforce_retention({name})"),
                    0..10 => format!("SELECT tally.refresh_view({name})"),
                    n if (10..60).contains(&n) && (self.views[v].ranged || n < 14) => {
                        let minutes = [self.r.below(1600), self.r.below(1600)];
                        let at = |m: usize| format!("timestamptz '2024-03-29 23:00Z' + interval '{m} minutes'");
                        let (from, to) = (minutes[0].min(minutes[1]), minutes[0].max(minutes[1]) + 1);
                        match self.r.below(4) {
                            0 => format!("SELECT tally.refresh_view({name}, from_time => {})", at(from)),
                            1 => format!("SELECT tally.refresh_view({name}, to_time => {})", at(to)),
                            _ => format!("SELECT tally.refresh_view({name}, {}, {})", at(from), at(to)),
                        }
                    }
                    _ => format!("SELECT tally.compact({name})"),
                }
            }
            _ => "SELECT tally.compact()".to_string(),
        };
        self.push(s, Kind::Compact, sql);
    }

    /// Rows leave, by the source's retention or by a statement that says that they still count.
    fn leave(&mut self, s: usize) {
        if self.theme != Theme::Kept {
            return self.dml(s);
        }
        // partitions that are dropped are missing in older snapshots, as anywhere
        if self.t.shape != Shape::Time && self.enforced && self.r.chance(40) {
            let sql = format!("SELECT tally.enforce_retention({})", quote(&self.t.name));
            return self.push(s, Kind::Compact, sql);
        }
        let sql = dml::removal(&mut self.r, &self.t);
        // only of the owner's it is sure that they still count
        let alone = s == 0 && self.s[s].level.is_none();
        let sql = if alone && self.r.chance(60) { self.unchanged(&sql) } else { format!("SET tally.maintain = off; {sql}; RESET tally.maintain") };
        self.push(s, Kind::Forget, sql);
    }

    /// In one snapshot a removal of rows that still count changes nothing that a view shows: the rows that differ.
    fn unchanged(&self, removal: &str) -> String {
        let removal = removal.replace("SELECT count(*) FROM w", "SELECT FROM w WHERE false").replace(" RETURNING *", "");
        let views: Vec<(usize, &View)> = self.views.iter().enumerate().take(self.first).filter(|(i, _)| self.alive[*i]).collect();
        let stays = |v: &View| v.kept.as_ref().map_or(v.read.clone(), |k| k.stays.clone());
        let before: String = views.iter().map(|(i, v)| format!("CREATE TEMP TABLE before{i} ON COMMIT DROP AS {}; ", stays(v))).collect();
        let after: String = views.iter().map(|(i, v)| format!("; {}", difference(&stays(v), &format!("TABLE before{i}")))).collect();
        format!("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; {before}SET LOCAL tally.maintain = off; {removal}; SET LOCAL tally.maintain = on{after}")
    }

    /// A retention is set and enforced while nobody is in the way.
    fn settle(&mut self) {
        if self.r.chance(30) {
            let sql = dml::removal(&mut self.r, &self.t);
            self.push(0, Kind::Quiet, self.unchanged(&sql));
            return self.all_ended();
        }
        let bounded = |v: &View| v.kept.as_ref().is_some_and(|k| k.bucket.is_some());
        let can: Vec<usize> = (0..self.views.len()).filter(|&i| self.alive[i] && bounded(&self.views[i])).collect();
        if can.is_empty() || self.r.chance(40) {
            self.source_retention();
        } else {
            let v = *self.r.pick(&can);
            self.view_retention(v);
        }
        let s = self.r.below(self.o.sessions);
        self.check_all(s);
    }

    fn source_retention(&mut self) {
        let (name, at) = (self.t.name.clone(), instant(&mut self.r, "ts"));
        let q = quote(&name);
        let sql = format!(
            "SELECT tally.set_source_retention({q}, 'ts', {}); SELECT tally.enforce_retention({q}); SELECT 'left behind', rid FROM {name} WHERE ts < {at}",
            keep(&at)
        );
        self.push(0, Kind::Settle, sql);
        self.all_ended();
    }

    fn view_retention(&mut self, v: usize) {
        let Some(k) = self.views[v].kept.clone() else { return };
        let Some((bucket, column)) = &k.bucket else { return };
        let at = instant(&mut self.r, if bucket.contains("d1") { "d1" } else { "ts" });
        let (name, q) = (&self.views[v].name, quote(&self.views[v].name));
        if k.partition_by.is_none() && self.r.chance(40) {
            // enforced later, beside others, at whatever moment
            let sql = format!("SELECT tally.compact({q}); SELECT tally.alter_view({q}, retention => {})", keep(&at));
            let (alter, enforce) = (sql, format!("SELECT tally.enforce_retention({q})"));
            self.push(0, Kind::Settle, alter);
            self.all_ended();
            for s in 1..self.o.sessions {
                self.begin(s);
                self.check_all(s);
                self.dml(s);
            }
            return self.push(0, Kind::Compact, enforce);
        }
        let sql = format!(
            "SELECT tally.compact({q}); SELECT tally.alter_view({q}, retention => {}); SELECT tally.enforce_retention({q}); {}",
            keep(&at),
            truth::expired(name, bucket, column, &at, k.partition_by.is_none())
        );
        self.push(0, Kind::Settle, sql);
        self.all_ended();
    }

    fn all_ended(&mut self) {
        for s in &mut self.s {
            s.level = None;
        }
        self.prepared.clear();
    }

    /// Changes of the partition tree: snapshots older than these are outside the promise, so nobody has one.
    fn quiet(&mut self) {
        if self.theme == Theme::Kept {
            return self.settle();
        }
        let ddl = if self.r.chance(45) { self.t.attach_new(&mut self.r) } else { self.t.toggle_leaf(&mut self.r) };
        self.push(0, Kind::Quiet, "");
        for sql in ddl {
            self.push(0, Kind::Quiet, sql);
        }
        self.all_ended();
        let s = self.r.below(self.o.sessions);
        self.check_all(s);
    }

    /// Likewise, in a transaction that may be rolled back, of the root or a leaf.
    fn truncate(&mut self, s: usize) {
        if self.r.chance(50) {
            return self.dml(s);
        }
        self.push(s, Kind::Quiet, "");
        self.all_ended();
        let own = self.r.chance(60);
        if own {
            self.push(s, Kind::Begin, "BEGIN");
            self.dml(s);
        }
        let leaf = (!self.t.leaves.is_empty() && self.r.chance(60)).then(|| self.r.pick(&self.t.leaves).name.clone());
        let name = leaf.unwrap_or_else(|| self.t.name.clone());
        let sql = match self.theme {
            // not by a session that may be another's than the owner's: what such a one removes counts as ever
            Theme::Kept if s == 0 && self.r.chance(40) => format!("SET tally.maintain = off; TRUNCATE {name}; RESET tally.maintain"),
            Theme::Kept => format!("SELECT oracle.truncates({}); TRUNCATE {name}", quote(&name)),
            _ => format!("TRUNCATE {name}"),
        };
        self.push(s, Kind::Truncate, sql);
        self.check_all(s);
        if own {
            self.dml(s);
            self.check_all(s);
            let end = if self.r.chance(50) { "COMMIT" } else { "ROLLBACK" };
            self.push(s, Kind::End, end);
        }
        self.push(s, Kind::Quiet, "");
        self.check_all(s);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_plan() {
        let o = Options { sessions: 3, steps: 80, family: Family { states: true, stateless: true, recomputed: true }, two_phase: true, shape: None, theme: None };
        for round in 0..50 {
            let (a, b) = (make(7, round, &o), make(7, round, &o));
            let text = |p: &Plan| p.steps.iter().map(|s| format!("{}{:?}{}{:?}\n", s.session, s.kind, s.sql, s.copy)).collect::<String>();
            assert_eq!(text(&a), text(&b));
            assert!(a.steps.len() >= 80 && !(a.views.is_empty() && a.refreshables.is_empty()));
        }
    }
}
