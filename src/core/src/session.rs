//! The SQL behind `tally.sessions`. Pure: text in, text out.
//!
//! Its parameters are `$1` the gap, `$2` and `$3` the beginning and the end of the time frame. An event is a row with a user and a
//! finite time. Whether an event opens a session is decided by the one event before it, so what is read before the frame is one gap;
//! what is read after it is the rest of the sessions that are on at its end.

/// Where the events are. All are SQL: a relation, columns, operators, a function.
pub struct Source {
    pub relation: String,
    pub user: String,
    pub time: String,
    /// The time column has another type than timestamptz.
    pub converted: bool,
    /// Users can be collected in arrays: they are no arrays themselves.
    pub collectable: bool,
    pub equal: String,
    pub greater: String,
    pub sessionize: String,
}

/// A time frame, by which of its ends it has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    pub from: bool,
    pub to: bool,
    /// The gap has days or months, whose length depends on the calendar.
    pub calendar: bool,
}

/// How to come by the sessions; all give the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// All events from the frame's beginning on, in one pass.
    Onward,
    /// The frame's events in one pass, and for each session that is on at its end the user's next events.
    Within,
    /// As `Within`, but user by user: for an index on (user, time).
    ByUser,
    /// As `Within`, but what follows the frame is read for all users at once, slice by slice: for an index on time.
    Ahead,
}

const FROM: &str = "$2";
const TO: &str = "$3";
/// More than a day of the calendar can be longer than 24 hours, and than months can differ, when they are added and when taken away.
const CALENDAR_SLACK: &str = "'4 days'::pg_catalog.interval";
/// The sessions that a slice `w` carries along, as rows `o`.
const CARRIED: &str = "ROWS FROM (pg_catalog.unnest(w.k), pg_catalog.unnest(w.ended), pg_catalog.unnest(w.events)) o(k, ended, events)";
/// How many gaps are read after the frame, as a guess of the costs: 1 + 2 + 4.
const SLICES: f64 = 7.0;
/// More than the offset of a time zone ever jumps.
const ZONE_SLACK: &str = "'2 days'::pg_catalog.interval";

/// Near the last time that there is comes infinity.
fn later(time: &str, by: &str) -> String {
    format!("(CASE WHEN {time} OPERATOR(pg_catalog.<) '290000-01-01' THEN {time} OPERATOR(pg_catalog.+) {by} ELSE 'infinity' END)")
}

fn plus_gap(time: &str) -> String {
    later(time, "$1")
}

impl Frame {
    /// Events before this decide nothing about the frame: a gap later it has not begun.
    fn look_back(self) -> Option<String> {
        let slack = if self.calendar { format!(" OPERATOR(pg_catalog.-) {CALENDAR_SLACK}") } else { String::new() };
        self.from.then(|| format!("(CASE WHEN {FROM} OPERATOR(pg_catalog.>) '4000-01-01 BC' THEN {FROM} OPERATOR(pg_catalog.-) $1{slack} ELSE '-infinity' END)"))
    }
}

impl Source {
    /// An event's time.
    fn at(&self) -> String {
        let column = format!("s.{}", self.time);
        if self.converted { format!("CAST({column} AS pg_catalog.timestamptz)") } else { column }
    }

    /// Conditions for an event to be in [from, to). A column that is converted is compared as it is as well, more loosely, for its index.
    fn during(&self, from: Option<&str>, to: Option<&str>) -> String {
        let at = self.at();
        let mut all = vec![format!("{at} OPERATOR(pg_catalog.>) '-infinity'"), format!("{at} OPERATOR(pg_catalog.<) {}", to.unwrap_or("'infinity'"))];
        all.extend(from.map(|from| format!("{at} OPERATOR(pg_catalog.>=) {from}")));
        if self.converted {
            let near = |sign, bound| format!("(CAST({bound} AS pg_catalog.timestamp) OPERATOR(pg_catalog.{sign}) {ZONE_SLACK})");
            all.extend(from.map(|from| format!("s.{} OPERATOR(pg_catalog.>=) {}", self.time, near("-", from))));
            all.extend(to.map(|to| format!("s.{} OPERATOR(pg_catalog.<=) {}", self.time, near("+", to))));
        }
        all.join(" AND ")
    }

    /// The events of all users in [from, to).
    fn events(&self, from: Option<&str>, to: Option<&str>) -> String {
        format!(
            "SELECT s.{0} AS k, {1} AS t FROM {2} s WHERE s.{0} IS DISTINCT FROM NULL AND {3}",
            self.user,
            self.at(),
            self.relation,
            self.during(from, to)
        )
    }

    /// The same, user by user. The users are found by jumping from each to the next.
    fn events_by_user(&self, from: Option<&str>, to: Option<&str>) -> String {
        let (user, relation) = (&self.user, &self.relation);
        format!(
            "WITH RECURSIVE u AS (\n\
             (SELECT s.{user} AS k FROM {relation} s WHERE s.{user} IS DISTINCT FROM NULL ORDER BY s.{user} LIMIT 1)\n\
             UNION ALL\n\
             SELECT (SELECT s.{user} FROM {relation} s WHERE s.{user} {} u.k ORDER BY s.{user} LIMIT 1) FROM u WHERE u.k IS DISTINCT FROM NULL)\n\
             SELECT u.k, e.t FROM u CROSS JOIN LATERAL (SELECT {} AS t FROM {relation} s WHERE {} AND {}) e WHERE u.k IS DISTINCT FROM NULL",
            self.greater,
            self.at(),
            self.of_user("u.k"),
            self.during(from, to),
        )
    }

    fn of_user(&self, user: &str) -> String {
        format!("s.{} {} {user}", self.user, self.equal)
    }

    /// The sessions among these events that begin in the frame, as far as the events go.
    fn found(&self, events: &str, frame: Frame, to: bool) -> String {
        let mut begins = vec![];
        if frame.from {
            begins.push(format!("pg_catalog.min(n.t) OPERATOR(pg_catalog.>=) {FROM}"));
        }
        if to {
            begins.push(format!("pg_catalog.min(n.t) OPERATOR(pg_catalog.<) {TO}"));
        }
        let having = if begins.is_empty() { String::new() } else { format!("\nHAVING {}", begins.join(" AND ")) };
        format!(
            "SELECT n.k, pg_catalog.min(n.t) AS began, pg_catalog.max(n.t) AS ended, pg_catalog.count(*) AS events\n\
             FROM (SELECT e.k, e.t, {}(e.t, $1) OVER (PARTITION BY e.k ORDER BY e.t) AS n FROM (\n{events}\n) e) n\n\
             GROUP BY n.k, n.n{having}",
            self.sessionize
        )
    }

    /// What follows the frame in the session `f` that is on at its end: the first event `o.opens` of the user's next session, and the
    /// events before it, `x`. The events come ordered and LIMIT takes the first: with ORDER BY beside LIMIT, PostgreSQL would plan
    /// for all of them.
    fn rest(&self) -> String {
        let (at, relation, user) = (self.at(), &self.relation, self.of_user("f.k"));
        let on = format!("{} OPERATOR(pg_catalog.>) {TO}", plus_gap("f.ended"));
        format!(
            "LEFT JOIN LATERAL (\n\
             SELECT e.t AS opens FROM (SELECT {at} AS t, pg_catalog.lag({at}, 1, f.ended) OVER (ORDER BY {at}) AS before FROM {relation} s\n\
             WHERE {on} AND {user} AND {} ORDER BY {at}) e\n\
             WHERE e.t OPERATOR(pg_catalog.>) e.before AND e.t OPERATOR(pg_catalog.>=) {} LIMIT 1) o ON true\n\
             CROSS JOIN LATERAL (\n\
             SELECT pg_catalog.max({at}) AS ended, pg_catalog.count(*) AS events FROM {relation} s\n\
             WHERE {on} AND {user} AND {}) x",
            self.during(Some(TO), None),
            plus_gap("e.before"),
            self.during(Some(TO), Some("coalesce(o.opens, 'infinity')")),
        )
    }

    pub fn query(&self, frame: Frame, way: Way) -> String {
        let back = frame.look_back();
        let end = frame.to.then_some(TO);
        let events = match way {
            Way::Onward => self.events(back.as_deref(), None),
            Way::Within | Way::Ahead => self.events(back.as_deref(), end),
            Way::ByUser => self.events_by_user(back.as_deref(), end),
        };
        let found = self.found(&events, frame, frame.to && way == Way::Onward);
        let (ended, events, from) = match way {
            Way::Within | Way::ByUser if frame.to => {
                ("coalesce(x.ended, f.ended)", "f.events OPERATOR(pg_catalog.+) x.events", format!("FROM (\n{found}\n) f\n{}", self.rest()))
            }
            Way::Ahead if frame.to => ("coalesce(x.ended, f.ended)", "coalesce(x.events, f.events)", self.rest_in_slices()),
            _ => ("f.ended", "f.events", format!("FROM (\n{found}\n) f")),
        };
        let with = if way == Way::Ahead && frame.to { format!("WITH RECURSIVE f AS MATERIALIZED (\n{found}),\n{}\n", self.slices()) } else { String::new() };
        format!(
            "{with}SELECT CAST(f.k AS pg_catalog.text), pg_catalog.tstzrange(f.began, {}), f.began, {ended}, {events}\n{from}",
            plus_gap(ended)
        )
    }

    /// The sessions that are on at the frame's end, slice by slice of the time after it, as long as any goes on. Each slice is twice as
    /// long as the one before. They are carried along in arrays because a recursive term cannot aggregate what it recurs on.
    fn slices(&self) -> String {
        let next = &later("w.upto", "w.width");
        let on = format!("{CARRIED} WHERE {} OPERATOR(pg_catalog.>) w.upto", plus_gap("o.ended"));
        format!(
            "slice AS (\n\
             SELECT {TO} AS upto, $1 AS width, pg_catalog.array_agg(f.k) AS k, pg_catalog.array_agg(f.ended) AS ended, pg_catalog.array_agg(f.events) AS events\n\
             FROM f WHERE {} OPERATOR(pg_catalog.>) {TO}\n\
             UNION ALL\n\
             SELECT {next}, w.width OPERATOR(pg_catalog.+) w.width, x.k, x.ended, x.events FROM slice w CROSS JOIN LATERAL (\n\
             SELECT pg_catalog.array_agg(y.k) AS k, pg_catalog.array_agg(y.ended) AS ended, pg_catalog.array_agg(y.events) AS events FROM (\n\
             SELECT n.k, pg_catalog.max(n.t) AS ended, pg_catalog.sum(n.events)::pg_catalog.int8 AS events FROM (\n\
             SELECT e.k, e.t, e.events, {}(e.t, $1) OVER (PARTITION BY e.k ORDER BY e.t) AS n FROM (\n\
             SELECT o.k, o.ended AS t, o.events FROM {on}\n\
             UNION ALL\n\
             SELECT o.k, {} AS t, 1 AS events FROM {} s JOIN (SELECT o.k FROM {on}) o ON {} WHERE {}) e) n\n\
             WHERE n.n OPERATOR(pg_catalog.=) 1 GROUP BY n.k) y) x\n\
             WHERE w.k IS DISTINCT FROM NULL)",
            plus_gap("f.ended"),
            self.sessionize,
            self.at(),
            self.relation,
            self.of_user("o.k"),
            self.during(Some("w.upto"), Some(next)),
        )
    }

    /// Each session `f` with the last that the slices knew of it, `x`.
    fn rest_in_slices(&self) -> String {
        format!(
            "FROM f LEFT JOIN (\n\
             SELECT o.k, pg_catalog.max(o.ended) AS ended, pg_catalog.max(o.events) AS events FROM slice w, {CARRIED} GROUP BY o.k) x\n\
             ON x.k {} f.k AND {} OPERATOR(pg_catalog.>) {TO}",
            self.equal,
            plus_gap("f.ended"),
        )
    }

    /// Queries that are only planned, to tell what the ways cost. `$4` stands for some user.
    fn probes(&self, frame: Frame) -> Probes {
        let back = frame.look_back();
        let end = if frame.to { TO } else { "'infinity'::pg_catalog.timestamptz" };
        let within = self.events(back.as_deref(), frame.to.then_some(TO));
        Probes {
            users: format!("SELECT DISTINCT s.{} FROM {} s", self.user, self.relation),
            next_user: format!(
                "SELECT s.{0} FROM {1} s WHERE s.{0} {2} $4 ORDER BY s.{0} LIMIT 1",
                self.user, self.relation, self.greater
            ),
            of_user: format!("SELECT {} FROM {} s WHERE {} AND {}", self.at(), self.relation, self.of_user("$4"), self.during(back.as_deref(), frame.to.then_some(TO))),
            after: format!("SELECT {0} FROM {1} s WHERE {2} AND {3} ORDER BY {0} LIMIT 2", self.at(), self.relation, self.of_user("$4"), self.during(Some(end), None)),
            ahead: self.events(Some(end), Some(&plus_gap(end))),
            on: self.events(Some(&format!("({end} OPERATOR(pg_catalog.-) $1)")), Some(end)),
            onward: self.found(&self.events(back.as_deref(), None), frame, frame.to),
            within: self.found(&within, frame, false),
            within_events: within,
        }
    }
}

struct Probes {
    /// One row per user.
    users: String,
    next_user: String,
    /// One user's events in the frame.
    of_user: String,
    /// One user's next events after the frame.
    after: String,
    /// All users' events in the gap after the frame's end.
    ahead: String,
    /// The events in the gap before the frame's end.
    on: String,
    onward: String,
    within: String,
    within_events: String,
}

/// A cost, and a number of rows.
#[derive(Clone, Copy)]
pub struct Estimate {
    pub cost: f64,
    pub rows: f64,
}

/// The cheapest way by the planner's costs.
pub fn cheapest(source: &Source, frame: Frame, estimate: impl Fn(&str) -> Estimate) -> Way {
    if !frame.from && !frame.to {
        return Way::Onward;
    }
    let probes = source.probes(frame);
    let users = estimate(&probes.users).rows;
    // Sessions that are on at the end: each asks for its user's next events, and for their number.
    let rest = if frame.to { users.min(estimate(&probes.on).rows) * 2.0 * estimate(&probes.after).cost } else { 0.0 };
    let within = estimate(&probes.within).cost;
    let mut ways = vec![(Way::Onward, estimate(&probes.onward).cost)];
    if frame.to {
        ways.push((Way::Within, within + rest));
        if source.collectable {
            ways.push((Way::Ahead, within + SLICES * estimate(&probes.ahead).cost));
        }
    }
    if frame.from {
        let reading = users * (estimate(&probes.next_user).cost + estimate(&probes.of_user).cost);
        ways.push((Way::ByUser, within - estimate(&probes.within_events).cost + reading + rest));
    }
    ways.into_iter().min_by(|a, b| a.1.total_cmp(&b.1)).map_or(Way::Onward, |way| way.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source() -> Source {
        Source {
            relation: "r".into(),
            user: "u".into(),
            time: "t".into(),
            converted: false,
            collectable: true,
            equal: "=".into(),
            greater: ">".into(),
            sessionize: "sessionize".into(),
        }
    }

    const FRAME: Frame = Frame { from: true, to: true, calendar: false };

    #[test]
    fn the_cheapest_way_is_taken() {
        // Costs of: finding the users; the next user; a user in the frame; a user's next; all that follow a gap; all onward; all within, with
        // numbering, and without.
        let way = |frame, source: &Source, costs: [f64; 8]| {
            let probes = source.probes(frame);
            cheapest(source, frame, |sql| {
                let known = [&probes.users, &probes.next_user, &probes.of_user, &probes.after, &probes.ahead, &probes.onward, &probes.within, &probes.within_events];
                let cost = known.iter().position(|known| *known == sql).map_or(1.0, |i| costs[i]);
                Estimate { cost, rows: 100.0 }
            })
        };
        let all = source();
        assert_eq!(way(FRAME, &all, [1.0, 1e9, 1e9, 1e9, 1e9, 500.0, 100.0, 90.0]), Way::Onward);
        assert_eq!(way(FRAME, &all, [1.0, 1e9, 1e9, 1.0, 1e9, 5e5, 100.0, 90.0]), Way::Within);
        assert_eq!(way(FRAME, &all, [1.0, 1e9, 1e9, 1e9, 10.0, 5e5, 100.0, 90.0]), Way::Ahead);
        assert_eq!(way(FRAME, &all, [1.0, 1.0, 1.0, 1.0, 1e9, 5e5, 4e5, 3e5]), Way::ByUser);
        let arrays = Source { collectable: false, ..source() };
        assert_eq!(way(FRAME, &arrays, [1.0, 1e9, 1e9, 1e9, 10.0, 5e5, 100.0, 90.0]), Way::Onward);
        let without_end = Frame { to: false, ..FRAME };
        assert_eq!(way(without_end, &all, [1.0, 1e9, 1e9, 1.0, 1.0, 500.0, 100.0, 90.0]), Way::Onward);
        assert_eq!(way(Frame { from: false, ..without_end }, &all, [1.0, 1.0, 1.0, 1.0, 1.0, 500.0, 100.0, 90.0]), Way::Onward);
    }

    #[test]
    fn what_is_read_before_the_frame_is_a_gap_and_what_the_calendar_may_add() {
        assert_eq!(Frame { from: false, ..FRAME }.look_back(), None);
        assert!(FRAME.look_back().is_some_and(|back| back.contains("THEN $2 OPERATOR(pg_catalog.-) $1 ELSE")));
        assert!(Frame { calendar: true, ..FRAME }.look_back().is_some_and(|back| back.contains("4 days")));
    }
}
