//! Random views in the supported grammar, each with the query that reads it and the query that recomputes it.

use crate::rng::Rng;
use crate::table::{Shape, Table};
use crate::truth;
use crate::value::{Ty, literal, quote};
use crate::view_agg::{Out, aggregate, condition, rows, stateless};

/// Which aggregates a run uses; PostgreSQL without the extension knows the plain ones only.
#[derive(Clone, Copy)]
pub struct Family {
    pub states: bool,
    pub stateless: bool,
    /// Aggregates without a state also where rows leave and still count.
    pub recomputed: bool,
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
    /// Grouped by a bucket of time, so that a range of it can be refreshed.
    pub ranged: bool,
    /// Over a source whose rows may leave and still count.
    pub kept: Option<Kept>,
}

#[derive(Clone)]
pub struct Kept {
    /// As `read` and `oracle`, but over all groups, and without what keeps its value when rows leave kept groups.
    pub read: String,
    pub oracle: String,
    /// Reads what stays as it is, in all groups, when rows leave and still count.
    pub stays: String,
    /// The key that says when, and the view's column of it.
    pub bucket: Option<(String, String)>,
    pub retention: Option<String>,
    pub partition_by: Option<&'static str>,
}

struct Key {
    expr: String,
    ty: Option<Ty>,
    /// A bucket of time.
    bucket: bool,
}

fn key(r: &mut Rng, t: &Table) -> Key {
    let c = *r.pick(&t.of(|x| x != Ty::FWild));
    let n = c.name;
    let plain = Key { expr: n.to_string(), ty: Some(c.ty), bucket: matches!(c.ty, Ty::Tstz | Ty::Date) };
    if r.chance(55) {
        return plain;
    }
    let expr = |e: String| Key { bucket: c.ty == Ty::Tstz && !e.starts_with("extract"), expr: e, ty: None };
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

fn having(r: &mut Rng, subtracts: bool) -> String {
    let any = ["count(*) > 1", "sum(i2) > 4", "count(DISTINCT i2) > 1", "avg(i2) >= 2 AND count(*) < 30", "min(i2) < 4", "max(ts) > '2024-03-30 06:00Z'::timestamptz"];
    (*r.pick(if subtracts { &any[..4] } else { &any })).into()
}

/// An instant that cuts the rows of a source somewhere: what is older goes.
pub fn instant(r: &mut Rng, column: &str) -> String {
    match (column, r.below(10)) {
        (_, 0) => "timestamptz '2024-04-20Z'".into(),
        ("d1", _) => format!("timestamptz '2024-0{}-1{} 12:00Z'", 1 + r.below(3), r.below(4)),
        _ => format!("timestamptz '2024-03-30Z' + interval '{} minutes'", r.below(700)),
    }
}

/// The retention that has its edge at an instant, whatever the clock says.
pub fn keep(at: &str) -> String {
    format!("interval '1 second' * extract(epoch FROM now() - ({at}))")
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
        let kept = t.numbered;
        let name = if r.chance(20) { format!("oracle.\"View {number}\"") } else { format!("oracle.v{number}") };
        let mut keys: Vec<Key> = (0..*r.pick(&[0, 1, 1, 1, 2, 2, 3, 4])).map(|_| key(r, t)).collect();
        if kept {
            // one at most, so that there is no doubt which it is
            let bucket = r.chance(70).then(|| loop {
                let k = key(r, t);
                if k.bucket {
                    break k;
                }
            });
            keys.retain(|k| !k.bucket);
            keys.splice(0..0, bucket);
        }
        let mut seen: Vec<String> = vec![];
        keys.retain(|k| !seen.contains(&k.expr) && { seen.push(k.expr.clone()); true });
        let no_aggregates = !keys.is_empty() && r.chance(7);
        let mut aggs: Vec<Out> = if no_aggregates { vec![] } else { (0..1 + r.below(5)).map(|_| aggregate(r, t, fam)).collect() };
        if kept && !fam.recomputed {
            aggs.retain(|a| !a.recomputed);
        } else if kept && !no_aggregates && r.chance(40) {
            aggs.extend(stateless(r, t));
        }
        if kept && !no_aggregates && !aggs.iter().any(|a| a.subtracts) {
            aggs.push(rows());
        }
        let from = match t.shape {
            _ if kept => t.name.clone(),
            Shape::Plain => t.name.clone(),
            Shape::Inherit if r.chance(2) => format!("ONLY {}", t.name),
            _ if r.chance(2) && !t.leaves.is_empty() => r.pick(&t.leaves).name.clone(),
            _ => t.name.clone(),
        };
        let filter = if r.chance(30) { format!(" WHERE {}", condition(r, t)) } else { String::new() };
        let having = if r.chance(15) && !no_aggregates { format!(" HAVING {}", having(r, kept)) } else { String::new() };

        // keys and aggregates in any order; a key need not be shown
        enum Item<'a> {
            Key(usize),
            Agg(&'a Out),
        }
        let hide = keys.len() > 1 && !no_aggregates && !kept && r.chance(8);
        let mut items: Vec<Item> = (0..keys.len()).filter(|&i| !(hide && i == 0)).map(Item::Key).chain(aggs.iter().map(Item::Agg)).collect();
        if r.chance(40) {
            r.shuffle(&mut items);
        }
        let by_ordinal = r.chance(50);
        let (mut view, mut read, mut oracle) = (vec![], vec![], vec![]);
        let (mut merge_read, mut merge_oracle) = (vec![], vec![]);
        let (mut sure_read, mut sure_oracle, mut stays, mut bucket) = (vec![], vec![], vec![], None);
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
                    sure_read.extend(read.last().cloned());
                    sure_oracle.extend(oracle.last().cloned());
                    stays.extend(read.last().cloned());
                    if kept && k.bucket {
                        bucket = Some((k.expr.clone(), column.clone(), format!("c{n}")));
                    }
                    if key_predicates.is_empty() {
                        key_predicates = predicates(r, k, &format!("c{n}"));
                    }
                }
                Item::Agg(o) => {
                    view.push(format!("{} AS {column}", o.view));
                    read.push(format!("{} AS c{n}", o.read.replace("{}", &column)));
                    oracle.push(format!("{} AS c{n}", o.oracle));
                    if o.subtracts {
                        sure_read.extend(read.last().cloned());
                        sure_oracle.extend(oracle.last().cloned());
                    }
                    if o.subtracts || o.recomputed {
                        stays.extend(read.last().cloned());
                    }
                    if let (Some((m, w)), true) = (&o.merge, o.subtracts || !kept) {
                        merge_read.push(m.replace("{}", &column));
                        merge_oracle.push(w.clone());
                    }
                }
            }
        }
        let group = if keys.is_empty() { String::new() } else { format!(" GROUP BY {}", group.join(", ")) };
        let tail = |from: &str| format!(" FROM {from}{filter}{group}{having}");
        let query = format!("SELECT {}{}", view.join(", "), tail(&from));
        let expr = bucket.as_ref().map(|b| b.0.as_str());
        let rows = if kept { truth::relation(&name, expr) } else { from.clone() };
        let merged = (!merge_read.is_empty() && having.is_empty())
            .then(|| (format!("SELECT {} FROM {name}", merge_read.join(", ")), format!("SELECT {} FROM {rows}{filter}", merge_oracle.join(", "))));
        // ordinals count columns, of which the sure ones are fewer
        let by_expression = if keys.is_empty() { String::new() } else { format!(" GROUP BY {}", keys.iter().map(|k| k.expr.clone()).collect::<Vec<_>>().join(", ")) };
        let sure = (format!("SELECT {} FROM {name}", sure_read.join(", ")), format!("SELECT {} FROM {rows}{filter}{by_expression}{having}", sure_oracle.join(", ")));
        let mut read = format!("SELECT {} FROM {name}", read.join(", "));
        let mut oracle = format!("SELECT {}{}", oracle.join(", "), tail(&rows));
        if kept {
            let unkept = truth::unkept(&name, expr, bucket.as_ref().map_or("", |b| &b.2));
            read = format!("SELECT * FROM ({read}) q WHERE {unkept}");
            oracle = format!("SELECT * FROM ({oracle}) q WHERE {unkept}");
        }
        let column = expr.filter(|e| e.contains("d1")).map_or("ts", |_| "d1");
        let kept = kept.then(|| Kept {
            read: sure.0,
            oracle: sure.1,
            stays: format!("SELECT {} FROM {name}", stays.join(", ")),
            retention: (bucket.is_some() && r.chance(35)).then(|| instant(r, column)),
            partition_by: (bucket.is_some() && r.chance(30)).then(|| *r.pick(&["day", "week", "month", "quarter"])),
            bucket: bucket.map(|(expr, name, _)| (expr, name)),
        });
        View { query, read, oracle, merged, key_predicates, filled: !r.chance(15), ranged: keys.iter().any(|k| k.expr.starts_with("date_")), kept, name }
    }

    pub fn create(&self) -> String {
        let mut more = String::from(if self.filled { "" } else { ", with_data => false" });
        if let Some(k) = &self.kept {
            if let Some(at) = &k.retention {
                more += &format!(", retention => {}", keep(at));
            }
            if let Some(unit) = k.partition_by {
                more += &format!(", partition_by => '{unit}'");
            }
        }
        let mut sql = format!("SELECT tally.create_view({}, {}{more})", quote(&self.name), quote(&self.query));
        if let Some(k) = &self.kept {
            let bucket = k.bucket.as_ref().map_or("", |b| &b.0);
            sql += &format!("; SELECT oracle.make({}, {})", quote(&self.name), quote(bucket));
        }
        sql
    }

    /// No row if the view answers as its query does; both are read by one statement, in one snapshot.
    pub fn difference(&self, r: &mut Rng) -> String {
        let groups = self.kept.as_ref().map_or(&self.oracle, |k| &k.oracle);
        let (read, oracle) = match (r.below(10), &self.merged) {
            (0, _) => (format!("SELECT count(*) AS n FROM {}", self.name), format!("SELECT count(*) AS n FROM ({groups}) q")),
            (1, Some((m, w))) => (m.clone(), w.clone()),
            (2 | 3, _) if !self.key_predicates.is_empty() => {
                let p = r.pick(&self.key_predicates);
                (format!("SELECT * FROM ({}) q WHERE {p}", self.read), format!("SELECT * FROM ({}) q WHERE {p}", self.oracle))
            }
            _ => match &self.kept {
                Some(k) if r.chance(50) => (k.read.clone(), k.oracle.clone()),
                _ => (self.read.clone(), self.oracle.clone()),
            },
        };
        difference(&read, &oracle)
    }

    pub fn whole_difference(&self) -> String {
        let all = difference(&self.read, &self.oracle);
        self.kept.as_ref().map_or(all.clone(), |k| format!("{all} UNION ALL {}", difference(&k.read, &k.oracle)))
    }
}

pub fn difference(read: &str, oracle: &str) -> String {
    format!(
        "SELECT 'view only' AS side, x::text FROM (({read}) EXCEPT ALL ({oracle})) x \
         UNION ALL SELECT 'query only', x::text FROM (({oracle}) EXCEPT ALL ({read})) x"
    )
}
