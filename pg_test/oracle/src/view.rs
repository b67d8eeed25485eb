//! Random views in the supported grammar, each with the query that reads it and the query that recomputes it.

use crate::rng::Rng;
use crate::table::{Shape, Table};
use crate::value::{Ty, literal, quote};
use crate::view_agg::{Out, aggregate, condition};

/// Which aggregates a run uses; PostgreSQL without the extension knows the plain ones only.
#[derive(Clone, Copy)]
pub struct Family {
    pub states: bool,
    pub stateless: bool,
}

#[derive(Clone)]
pub struct View {
    pub name: String,
    pub query: String,
    /// Reads every column of the view as comparable values; `oracle` must give the same bag of rows.
    pub read: String,
    pub oracle: String,
    /// The same over all groups merged: one row, from states.
    pub merged: Option<(String, String)>,
    /// Predicates on the first key (named `c<n>` in `read` and `oracle`), for reads that push down.
    pub key_predicates: Vec<String>,
    /// Made with data; else it is exact all the same, and reads its source until it is refreshed.
    pub filled: bool,
}

struct Key {
    expr: String,
    ty: Option<Ty>,
}

fn key(r: &mut Rng, t: &Table) -> Key {
    let c = *r.pick(&t.of(|x| x != Ty::FWild));
    let n = c.name;
    let plain = Key { expr: n.to_string(), ty: Some(c.ty) };
    if r.chance(55) {
        return plain;
    }
    let expr = |e: String| Key { expr: e, ty: None };
    match c.ty {
        Ty::Tstz => match r.below(5) {
            0 => expr(format!("date_bin('5 minutes', {n}, 'epoch'::timestamptz)")),
            1 => expr(format!("date_trunc('hour', {n}, 'UTC')")),
            2 => expr(format!("({n} AT TIME ZONE 'UTC')::date")),
            3 => expr(format!("extract(hour FROM {n} AT TIME ZONE 'Europe/Berlin')")),
            _ => expr(format!("date_trunc('day', {n}, 'America/New_York')")),
        },
        Ty::Text | Ty::Varchar => match r.below(4) {
            0 => expr(format!("lower({n})")),
            1 => expr(format!("coalesce(nullif({n}, ''), 'Unknown')")),
            2 => expr(format!("{n} COLLATE \"C\"")),
            _ => expr(format!("{n} || '!'")),
        },
        Ty::Int | Ty::Small | Ty::Domain | Ty::Big => match r.below(4) {
            0 => expr(format!("{n} % 3")),
            1 => expr(format!("coalesce({n}, 0)")),
            2 => expr(format!("{n} IS NULL")),
            _ => expr(format!("CASE WHEN {n} > 2 THEN 'hi' WHEN {n} <= 2 THEN 'lo' END")),
        },
        Ty::Date => expr(format!("{n} - 1")),
        Ty::Num | Ty::Num2 => expr(format!("abs({n})")),
        Ty::Bool => expr(format!("NOT {n}")),
        _ => plain,
    }
}

fn having(r: &mut Rng) -> String {
    (*r.pick(&[
        "count(*) > 1",
        "sum(i2) > 4",
        "min(i2) < 4",
        "max(ts) > '2024-03-30 06:00Z'::timestamptz",
        "count(DISTINCT i2) > 1",
        "avg(i2) >= 2 AND count(*) < 30",
    ]))
    .into()
}

fn predicates(r: &mut Rng, k: &Key, column: &str) -> Vec<String> {
    let mut v = vec![format!("{column} IS NULL"), format!("{column} IS NOT NULL")];
    if let Some(ty) = k.ty {
        for op in ["=", "<>", ">="] {
            let ordered = op != ">=" || !matches!(ty, Ty::Bool | Ty::Uuid);
            if ordered {
                v.push(format!("{column} {op} {}", literal(ty, Some(&ty.value(r)))));
            }
        }
    }
    v
}

impl View {
    pub fn new(r: &mut Rng, t: &Table, number: usize, fam: &Family) -> View {
        let name = if r.chance(20) { format!("oracle.\"View {number}\"") } else { format!("oracle.v{number}") };
        let mut keys: Vec<Key> = (0..*r.pick(&[0, 1, 1, 1, 2, 2, 3, 4])).map(|_| key(r, t)).collect();
        let mut seen: Vec<String> = vec![];
        keys.retain(|k| !seen.contains(&k.expr) && { seen.push(k.expr.clone()); true });
        let no_aggregates = !keys.is_empty() && r.chance(7);
        let aggs: Vec<Out> = if no_aggregates { vec![] } else { (0..1 + r.below(5)).map(|_| aggregate(r, t, fam)).collect() };
        let from = match t.shape {
            Shape::Plain => t.name.clone(),
            Shape::Inherit if r.chance(2) => format!("ONLY {}", t.name),
            _ if r.chance(2) && !t.leaves.is_empty() => r.pick(&t.leaves).name.clone(),
            _ => t.name.clone(),
        };
        let filter = if r.chance(30) { format!(" WHERE {}", condition(r, t)) } else { String::new() };
        let having = if r.chance(15) && !no_aggregates { format!(" HAVING {}", having(r)) } else { String::new() };

        // keys and aggregates in any order; a key need not be shown
        enum Item<'a> {
            Key(usize),
            Agg(&'a Out),
        }
        let hide = keys.len() > 1 && !no_aggregates && r.chance(8);
        let mut items: Vec<Item> = (0..keys.len()).filter(|&i| !(hide && i == 0)).map(Item::Key).chain(aggs.iter().map(Item::Agg)).collect();
        if r.chance(40) {
            r.shuffle(&mut items);
        }
        let by_ordinal = r.chance(50);
        let (mut view, mut read, mut oracle) = (vec![], vec![], vec![]);
        let (mut merge_read, mut merge_oracle) = (vec![], vec![]);
        let mut group: Vec<String> = keys.iter().map(|k| k.expr.clone()).collect();
        let mut key_predicates = vec![];
        for (n, item) in items.iter().enumerate() {
            let column = match r.below(10) {
                0 => format!("\"Col {n}\""),
                1 => format!("\"select{n}\""),
                _ => format!("o{n}"),
            };
            match item {
                Item::Key(i) => {
                    let k = &keys[*i];
                    view.push(format!("{} AS {column}", k.expr));
                    read.push(format!("{column} AS c{n}"));
                    oracle.push(format!("{} AS c{n}", k.expr));
                    if by_ordinal {
                        group[*i] = (n + 1).to_string();
                    }
                    if key_predicates.is_empty() {
                        key_predicates = predicates(r, k, &format!("c{n}"));
                    }
                }
                Item::Agg(o) => {
                    view.push(format!("{} AS {column}", o.view));
                    read.push(format!("{} AS c{n}", o.read.replace("{}", &column)));
                    oracle.push(format!("{} AS c{n}", o.oracle));
                    if let Some((m, w)) = &o.merge {
                        merge_read.push(m.replace("{}", &column));
                        merge_oracle.push(w.clone());
                    }
                }
            }
        }
        let group = if keys.is_empty() { String::new() } else { format!(" GROUP BY {}", group.join(", ")) };
        let tail = format!(" FROM {from}{filter}{group}{having}");
        let merged = (!merge_read.is_empty() && having.is_empty())
            .then(|| (format!("SELECT {} FROM {name}", merge_read.join(", ")), format!("SELECT {} FROM {from}{filter}", merge_oracle.join(", "))));
        View {
            query: format!("SELECT {}{tail}", view.join(", ")),
            read: format!("SELECT {} FROM {name}", read.join(", ")),
            oracle: format!("SELECT {}{tail}", oracle.join(", ")),
            merged,
            key_predicates,
            filled: !r.chance(15),
            name,
        }
    }

    pub fn create(&self) -> String {
        let more = if self.filled { "" } else { ", with_data => false" };
        format!("SELECT tally.create_view({}, {}{more})", quote(&self.name), quote(&self.query))
    }

    /// No row if the view answers as its query does; both are read by one statement, in one snapshot.
    pub fn difference(&self, r: &mut Rng) -> String {
        let (read, oracle) = match (r.below(10), &self.merged) {
            (0, _) => (format!("SELECT count(*) AS n FROM {}", self.name), format!("SELECT count(*) AS n FROM ({}) q", self.oracle)),
            (1, Some((m, w))) => (m.clone(), w.clone()),
            (2 | 3, _) if !self.key_predicates.is_empty() => {
                let p = r.pick(&self.key_predicates);
                (format!("SELECT * FROM ({}) q WHERE {p}", self.read), format!("SELECT * FROM ({}) q WHERE {p}", self.oracle))
            }
            _ => (self.read.clone(), self.oracle.clone()),
        };
        difference(&read, &oracle)
    }

    pub fn whole_difference(&self) -> String {
        difference(&self.read, &self.oracle)
    }
}

fn difference(read: &str, oracle: &str) -> String {
    format!(
        "SELECT 'view only' AS side, x::text FROM (({read}) EXCEPT ALL ({oracle})) x \
         UNION ALL SELECT 'query only', x::text FROM (({oracle}) EXCEPT ALL ({read})) x"
    )
}
