//! A round about refreshable views: random queries of every sort, refreshed beside writers.
//!
//! Refreshed in a quiet moment, a view must equal its query in the same snapshot, row by row in their text. At any other moment it must be
//! what its query was at *one* moment: one view is of accounts whose number and sum never change and that all carry the number of the last
//! transfer, so a mixture of two moments shows.

use crate::plan::{Kind, Options, Plan, Step, Theme};
use crate::rng::Rng;
use crate::value::quote;

const TABLES: &[&str] = &[
    "CREATE TABLE oracle.t (id int PRIMARY KEY, k text, x int, v numeric, at timestamptz)",
    "CREATE TABLE oracle.u (k text PRIMARY KEY, name text, w int)",
    "CREATE TABLE oracle.account (id int PRIMARY KEY, v int NOT NULL, transfer bigint NOT NULL)",
    "INSERT INTO oracle.account SELECT i, 100, 0 FROM generate_series(1, 20) i",
];

const ACCOUNTS: &str = "oracle.accounts";

/// A view, and the query that it must equal.
#[derive(Clone)]
pub struct Refreshable {
    pub name: String,
    pub query: String,
}

impl Refreshable {
    pub fn difference(&self) -> String {
        let (view, query) = (format!("SELECT x::text FROM {} x", self.name), format!("SELECT x::text FROM ({}) x", self.query));
        format!("SELECT 'view only' AS side, y::text FROM (({view}) EXCEPT ALL ({query})) y UNION ALL SELECT 'query only', y::text FROM (({query}) EXCEPT ALL ({view})) y")
    }

    pub fn refresh(&self) -> String {
        format!("SELECT tally.refresh_view({})", quote(&self.name))
    }
}

struct Maker<'a> {
    r: Rng,
    o: &'a Options,
    /// Statements that the transaction of a session has left, if it is in one.
    left: Vec<Option<usize>>,
    /// Whether it holds locks already: as with REFRESH MATERIALIZED VIEW, one that does and then waits for another's refresh may deadlock.
    holds: Vec<bool>,
    views: Vec<Refreshable>,
    steps: Vec<Step>,
}

pub fn make(seed: u64, round: u64, o: &Options) -> Plan {
    let r = Rng::new(seed.wrapping_add(round.wrapping_mul(1_000_003)));
    let mut m = Maker { r, o, left: vec![None; o.sessions], holds: vec![false; o.sessions], views: vec![], steps: vec![] };
    m.setup();
    while m.steps.len() < o.steps {
        m.next();
    }
    m.settle();
    let settings = vec![vec![]; o.sessions];
    Plan { seed, round, sessions: o.sessions, settings, steps: m.steps, views: vec![], refreshables: m.views, sources: vec![], theme: Theme::Refreshable }
}

impl Maker<'_> {
    fn push(&mut self, session: usize, kind: Kind, sql: impl Into<String>) {
        self.steps.push(Step { session, kind, sql: sql.into(), copy: None });
    }

    fn setup(&mut self) {
        for sql in TABLES {
            self.push(0, Kind::Frame, *sql);
        }
        for _ in 0..self.r.below(12) {
            let sql = write(&mut self.r);
            self.push(0, Kind::Setup, sql);
        }
        self.create(ACCOUNTS.into(), "SELECT a.id, a.v, a.transfer FROM oracle.account a".into());
        for n in 0..1 + self.r.below(4) {
            let query = query(&mut self.r, 1);
            self.create(format!("oracle.r{n}"), query);
        }
    }

    fn create(&mut self, name: String, query: String) {
        let sql = format!("SELECT tally.create_view({}, {}, mode => 'refreshable')", quote(&name), quote(&query));
        self.push(0, Kind::CreateView(self.views.len()), sql);
        self.views.push(Refreshable { name, query });
    }

    fn next(&mut self) {
        let s = self.r.below(self.o.sessions);
        match self.left[s] {
            Some(0) => {
                self.left[s] = None;
                let end = if self.r.chance(75) { "COMMIT" } else { "ROLLBACK" };
                return self.push(s, Kind::End, end);
            }
            Some(n) => self.left[s] = Some(n - 1),
            None if self.r.chance(30) => {
                self.left[s] = Some(1 + self.r.below(5));
                self.holds[s] = false;
                let level = *self.r.pick(&["READ COMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"]);
                return self.push(s, Kind::Begin, format!("BEGIN ISOLATION LEVEL {level}"));
            }
            None => {}
        }
        let inside = self.left[s].is_some();
        match self.r.below(100) {
            0..=24 => {
                self.holds[s] = true;
                let sql = write(&mut self.r);
                self.push(s, Kind::Dml, sql);
            }
            25..=44 => {
                self.holds[s] = true;
                let sql = transfer(&mut self.r);
                self.push(s, Kind::Dml, sql);
            }
            45..=64 if inside && self.holds[s] => self.push(s, Kind::Check(0), one_moment(ACCOUNTS)),
            45..=64 => {
                self.holds[s] = true;
                // the one that tells mixtures more often than the others
                let v = if self.r.chance(50) { 0 } else { self.r.below(self.views.len()) };
                let sql = self.views[v].refresh();
                self.push(s, Kind::Compact, sql);
            }
            65..=94 => self.push(s, Kind::Check(0), one_moment(ACCOUNTS)),
            _ => self.settle(),
        }
    }

    fn settle(&mut self) {
        self.left.fill(None);
        for v in self.views.clone() {
            self.push(0, Kind::Settle, format!("{}; {}", v.refresh(), v.difference()));
        }
    }
}

/// Rows if what is seen of the accounts never was so.
fn one_moment(view: &str) -> String {
    format!("SELECT 'mixture', (count(*), sum(v), count(DISTINCT transfer))::text FROM {view} HAVING (count(*), sum(v), count(DISTINCT transfer)) IS DISTINCT FROM (20, 2000, 1)")
}

/// In one statement or in two, of which nobody sees the first alone.
fn transfer(r: &mut Rng) -> String {
    let (a, b, d) = (1 + r.below(20), 1 + r.below(20), r.below(50));
    if r.chance(50) {
        return format!("UPDATE oracle.account SET v = v + CASE WHEN id = {a} THEN {d} ELSE 0 END - CASE WHEN id = {b} THEN {d} ELSE 0 END, transfer = transfer + 1");
    }
    format!(
        "DO $do$ BEGIN UPDATE oracle.account SET v = v - {d} WHERE id = {a}; PERFORM pg_sleep(0.00{}); \
         UPDATE oracle.account SET v = v + CASE WHEN id = {b} THEN {d} ELSE 0 END, transfer = transfer + 1; END $do$",
        r.below(10)
    )
}

fn write(r: &mut Rng) -> String {
    let (a, n) = (r.below(60), 1 + r.below(12));
    match r.below(10) {
        0..=3 => format!(
            "INSERT INTO oracle.t SELECT i, (ARRAY['a', 'b', 'c', 'd', '', NULL])[1 + (i * 7 + {a}) % 6], nullif(i % 5, {}), (i % 9 * {a})::numeric(10, {}), timestamptz '2024-03-30Z' + i * interval '{n} hours' \
             FROM generate_series({a}, {}) i ON CONFLICT DO NOTHING",
            r.below(9),
            r.below(4),
            a + n
        ),
        4 => format!("DELETE FROM oracle.t WHERE id BETWEEN {a} AND {}", a + n),
        // 1.0 becomes 1.00, which is a change to a reader
        5 => format!("UPDATE oracle.t SET v = v::numeric(12, {}) WHERE id % 7 = {}", r.below(4), r.below(7)),
        6 => format!("UPDATE oracle.t SET x = x + 1, k = {} WHERE id BETWEEN {a} AND {}", r.pick(&["k", "'a'", "NULL", "k || 'x'"]), a + n),
        7 => format!("UPDATE oracle.t SET id = id + 1000 WHERE id = {a}"),
        8 => format!("INSERT INTO oracle.u SELECT k, 'name ' || k || '{a}', {} FROM unnest(ARRAY['a', 'b', 'c', '']) k ON CONFLICT (k) DO UPDATE SET name = EXCLUDED.name", r.below(5)),
        _ => format!("DELETE FROM oracle.u WHERE k = '{}'", r.pick(&["a", "b", "c", "", "d"])),
    }
}

fn condition(r: &mut Rng) -> String {
    format!("{} {} {}", r.pick(&["t.x", "t.id % 10", "length(t.k)"]), r.pick(&["<", ">=", "<>", "="]), r.below(6))
}

/// A query in any part of the language that gives the same rows whenever it runs over the same ones; `depth` more within it.
fn query(r: &mut Rng, depth: usize) -> String {
    let c = condition(r);
    match r.below(if depth > 0 { 11 } else { 9 }) {
        0 => format!("SELECT t.id, t.x, u.name, u.w FROM oracle.t {} JOIN oracle.u USING (k)", r.pick(&["", "LEFT", "RIGHT", "FULL"])),
        1 => format!("SELECT t.id, row_number() OVER w AS nr, sum(t.v) OVER (PARTITION BY t.k) AS s, lag(t.x) OVER w AS before FROM oracle.t t WHERE {c} WINDOW w AS (PARTITION BY t.k ORDER BY t.x, t.id)"),
        2 => format!(
            "SELECT t.id, t.k, t.v FROM oracle.t t WHERE {c} ORDER BY t.{} {} NULLS LAST, t.id LIMIT {} OFFSET {}",
            r.pick(&["v", "x", "at", "k"]),
            r.pick(&["ASC", "DESC"]),
            1 + r.below(20),
            r.below(4)
        ),
        3 => format!(
            "SELECT t.k, t.x FROM oracle.t t WHERE {c} {} {} SELECT u.k, u.w FROM oracle.u u",
            r.pick(&["UNION", "EXCEPT", "INTERSECT"]),
            r.pick(&["", "ALL"])
        ),
        4 => format!(
            "SELECT t.k, t.x, count(*) AS n, sum(t.v) AS s, string_agg(t.id::text, ',' ORDER BY t.id) AS ids, max(t.at) FILTER (WHERE {c}) AS last FROM oracle.t t GROUP BY {} HAVING count(*) > {}",
            r.pick(&["t.k, t.x", "ROLLUP (t.k, t.x)", "CUBE (t.k, t.x)", "GROUPING SETS ((t.k), (t.x), ())"]),
            r.below(3)
        ),
        5 => format!("SELECT t.k, t.x % 2 AS odd FROM oracle.t t WHERE {c}"),
        6 => "SELECT u.k, q.* FROM oracle.u u LEFT JOIN LATERAL (SELECT max(t.x) AS most, count(*) AS n FROM oracle.t t WHERE t.k = u.k) q ON true".into(),
        7 => format!("SELECT DISTINCT ON (t.k) t.k, t.id, t.v FROM oracle.t t WHERE {c} ORDER BY t.k, t.v DESC NULLS LAST, t.id"),
        8 => format!(
            "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < {}) SELECT n, (SELECT count(*) FROM oracle.t t WHERE t.x = n) AS of_n, NOT EXISTS (SELECT FROM oracle.u WHERE w = n) AS none FROM r",
            2 + r.below(9)
        ),
        9 => {
            let inner = query(r, depth - 1);
            format!("SELECT q::text AS line, count(*) AS n, (SELECT sum(a.v) FROM oracle.account a) AS all_money FROM ({inner}) q GROUP BY q::text")
        }
        _ => format!("SELECT a.id, a.v, t.id AS t FROM {ACCOUNTS} a JOIN oracle.t t ON t.id % 20 + 1 = a.id AND {c}"),
    }
}
