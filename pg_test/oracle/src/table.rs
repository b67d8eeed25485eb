//! The source table of a round: plain, partitioned by range, list or on two levels, or an inheritance tree. Leaves have
//! their columns in another order and holes where columns were dropped, as real ones have after a few years.

use crate::rng::Rng;
use crate::value::{Ty, copy_field, literal};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    Plain,
    Range,
    List,
    Sub,
    Inherit,
    /// By range of `ts`: its partitions can leave as a whole.
    Time,
}

impl Shape {
    pub fn named(name: &str) -> Option<Shape> {
        let all = [("plain", Shape::Plain), ("range", Shape::Range), ("list", Shape::List), ("sub", Shape::Sub), ("inherit", Shape::Inherit), ("time", Shape::Time)];
        all.iter().find(|s| s.0 == name).map(|s| s.1)
    }
}

#[derive(Clone)]
pub struct Col {
    pub name: &'static str,
    pub ty: Ty,
    pub not_null: bool,
}

#[derive(Clone)]
pub struct Leaf {
    pub name: String,
    /// Rows of this leaf have `lo <= p < hi` (inheritance children take any).
    pub lo: usize,
    pub hi: usize,
    /// The clause that attaches it, where it can be detached and attached again.
    pub bound: Option<String>,
    pub attached: bool,
}

pub struct Table {
    pub name: String,
    pub shape: Shape,
    pub cols: Vec<Col>,
    pub leaves: Vec<Leaf>,
    pub fk: bool,
    pub user_trigger: bool,
    pub ddl: Vec<String>,
    /// Rows have a number of their own, by which a shadow of the table knows them.
    pub numbered: bool,
    extra: usize,
}

const OPTIONAL: &[(&str, Ty)] = &[
    ("i1", Ty::Int),
    ("\"select\"", Ty::Small),
    ("dm", Ty::Domain),
    ("big", Ty::Big),
    ("n1", Ty::Num),
    ("n2", Ty::Num2),
    ("f1", Ty::F8),
    ("f4", Ty::F4),
    ("fw", Ty::FWild),
    ("t1", Ty::Text),
    ("\"T x\"", Ty::Varchar),
    ("b1", Ty::Bool),
    ("d1", Ty::Date),
    ("iv", Ty::Interval),
    ("e1", Ty::Enum),
    ("u1", Ty::Uuid),
    ("a1", Ty::IntArr),
];

impl Table {
    pub fn new(r: &mut Rng, only: Option<Shape>, numbered: bool) -> Table {
        let any = *r.pick(&[Shape::Plain, Shape::Plain, Shape::Range, Shape::List, Shape::Sub, Shape::Inherit]);
        let any = if numbered && r.chance(20) { Shape::Time } else { any };
        let shape = only.unwrap_or(any);
        let mut cols = vec![
            Col { name: "i2", ty: Ty::Int, not_null: true },
            Col { name: "ts", ty: Ty::Tstz, not_null: true },
        ];
        for &(name, ty) in OPTIONAL {
            if r.chance(75) {
                cols.push(Col { name, ty, not_null: r.chance(8) });
            }
        }
        r.shuffle(&mut cols);
        let name = (*r.pick(&["oracle.src", "oracle.\"Src Table\"", "oracle.src_1"])).to_string();
        let fk = shape != Shape::Inherit && r.chance(35);
        let mut t = Table { name, shape, cols, leaves: vec![], fk, user_trigger: r.chance(12), ddl: vec![], numbered, extra: 0 };
        t.build(r);
        t
    }

    pub fn partitioned(&self) -> bool {
        matches!(self.shape, Shape::Range | Shape::List | Shape::Sub | Shape::Time)
    }

    pub fn conflict_target(&self) -> &'static str {
        match self.shape {
            Shape::Plain | Shape::Inherit => "id",
            Shape::Time => "id, ts",
            _ => "id, p",
        }
    }

    pub fn of(&self, f: impl Fn(Ty) -> bool) -> Vec<&Col> {
        self.cols.iter().filter(|c| f(c.ty)).collect()
    }

    fn columns(&self, order: &[usize], hole: bool) -> String {
        let mut parts: Vec<String> = order
            .iter()
            .map(|&i| {
                let c = &self.cols[i];
                format!("{} {}{}", c.name, c.ty.sql(), if c.not_null { " NOT NULL" } else { "" })
            })
            .collect();
        parts.insert(parts.len() / 2, "id bigint NOT NULL".into());
        parts.insert(0, "p int NOT NULL".into());
        parts.push("fk int".into());
        if self.numbered {
            parts.push("rid bigint DEFAULT nextval('oracle.rids')".into());
        }
        if hole {
            parts.insert(1, "hole text".into());
        }
        parts.join(", ")
    }

    fn order(&self, r: &mut Rng) -> Vec<usize> {
        let mut o: Vec<usize> = (0..self.cols.len()).collect();
        r.shuffle(&mut o);
        o
    }

    /// A table by itself, with columns in its own order, that can be attached or made to inherit.
    fn standalone(&mut self, r: &mut Rng, name: &str) {
        let order = self.order(r);
        self.ddl.push(format!("CREATE TABLE {name} ({})", self.columns(&order, true)));
        self.ddl.push(format!("ALTER TABLE {name} DROP COLUMN hole"));
    }

    fn build(&mut self, r: &mut Rng) {
        let order: Vec<usize> = (0..self.cols.len()).collect();
        let (root, cols) = (self.name.clone(), self.columns(&order, false));
        if self.fk {
            self.ddl.push("CREATE TABLE oracle.par (k int PRIMARY KEY)".into());
            self.ddl.push("INSERT INTO oracle.par SELECT generate_series(0, 9)".into());
        }
        match self.shape {
            Shape::Plain => self.ddl.push(format!("CREATE TABLE {root} ({cols}, PRIMARY KEY (id))")),
            Shape::Inherit => {
                self.ddl.push(format!("CREATE TABLE {root} ({cols}, PRIMARY KEY (id))"));
                self.ddl.push(format!("CREATE TABLE oracle.c1 (extra text, PRIMARY KEY (id)) INHERITS ({root})"));
                self.standalone(r, "oracle.c2");
                self.ddl.push(format!("ALTER TABLE oracle.c2 ADD PRIMARY KEY (id), INHERIT {root}"));
                self.ddl.push("CREATE TABLE oracle.c3 (PRIMARY KEY (id)) INHERITS (oracle.c2)".into());
                for c in ["oracle.c1", "oracle.c2", "oracle.c3"] {
                    self.leaves.push(Leaf { name: c.into(), lo: 0, hi: 40, bound: None, attached: true });
                }
            }
            Shape::Range | Shape::Sub => {
                self.ddl.push(format!("CREATE TABLE {root} ({cols}, PRIMARY KEY (id, p)) PARTITION BY RANGE (p)"));
                if self.shape == Shape::Sub {
                    self.ddl.push(format!("CREATE TABLE oracle.sub PARTITION OF {root} FOR VALUES FROM (0) TO (20) PARTITION BY RANGE (p)"));
                    self.leaf(r, "oracle.l0", "oracle.sub", 0, 10);
                    self.leaf(r, "oracle.l1", "oracle.sub", 10, 20);
                    self.ddl.push(format!("CREATE TABLE oracle.hashed PARTITION OF {root} FOR VALUES FROM (20) TO (30) PARTITION BY HASH (id)"));
                    for i in 0..2 {
                        self.ddl.push(format!("CREATE TABLE oracle.h{i} PARTITION OF oracle.hashed FOR VALUES WITH (MODULUS 2, REMAINDER {i})"));
                    }
                } else {
                    for i in 0..3 {
                        self.leaf(r, &format!("oracle.l{i}"), &root, i * 10, i * 10 + 10);
                    }
                }
                self.default_leaf(r, &root);
            }
            Shape::Time => {
                self.ddl.push(format!("CREATE TABLE {root} ({cols}, PRIMARY KEY (id, ts)) PARTITION BY RANGE (ts)"));
                for i in 0..3 {
                    let name = format!("oracle.l{i}");
                    self.ddl.push(format!("CREATE TABLE {name} PARTITION OF {root} FOR VALUES FROM ('2024-03-30 {:02}:00Z') TO ('2024-03-30 {:02}:00Z')", i * 3, i * 3 + 3));
                    self.leaves.push(Leaf { name, lo: 0, hi: 34, bound: None, attached: true });
                }
                self.ddl.push(format!("CREATE TABLE oracle.ldef PARTITION OF {root} DEFAULT"));
                self.leaves.push(Leaf { name: "oracle.ldef".into(), lo: 0, hi: 34, bound: None, attached: true });
            }
            Shape::List => {
                self.ddl.push(format!("CREATE TABLE {root} ({cols}, PRIMARY KEY (id, p)) PARTITION BY LIST (p)"));
                for i in 0..3 {
                    self.leaf(r, &format!("oracle.l{i}"), &root, i * 10, i * 10 + 10);
                }
                self.default_leaf(r, &root);
            }
        }
        if self.fk {
            let on_delete = *r.pick(&["CASCADE", "CASCADE", "SET NULL"]);
            self.ddl.push(format!("ALTER TABLE {root} ADD FOREIGN KEY (fk) REFERENCES oracle.par ON DELETE {on_delete} ON UPDATE CASCADE"));
        }
        if r.chance(50) {
            self.ddl.push(format!("CREATE INDEX ON {root} (i2)"));
        }
        if self.user_trigger {
            self.triggers(r, &root);
        }
    }

    fn bound(&self, lo: usize, hi: usize) -> String {
        if self.shape == Shape::List {
            let v: Vec<String> = (lo..hi).map(|i| i.to_string()).collect();
            format!("FOR VALUES IN ({})", v.join(", "))
        } else {
            format!("FOR VALUES FROM ({lo}) TO ({hi})")
        }
    }

    fn leaf(&mut self, r: &mut Rng, name: &str, parent: &str, lo: usize, hi: usize) {
        let bound = self.bound(lo, hi);
        if r.chance(50) {
            self.standalone(r, name);
            self.ddl.push(format!("ALTER TABLE {parent} ATTACH PARTITION {name} {bound}"));
        } else {
            self.ddl.push(format!("CREATE TABLE {name} PARTITION OF {parent} {bound}"));
        }
        let again = (parent == self.name).then_some(bound);
        self.leaves.push(Leaf { name: name.into(), lo, hi, bound: again, attached: true });
    }

    fn default_leaf(&mut self, r: &mut Rng, root: &str) {
        if r.chance(70) {
            self.ddl.push(format!("CREATE TABLE oracle.ldef PARTITION OF {root} DEFAULT"));
            self.leaves.push(Leaf { name: "oracle.ldef".into(), lo: 30, hi: 40, bound: None, attached: true });
        }
    }

    /// Triggers of the user's own beside ours: one that changes or skips rows, one that writes the table again.
    fn triggers(&mut self, r: &mut Rng, root: &str) {
        if r.chance(60) || self.shape == Shape::Inherit {
            self.ddl.push("CREATE FUNCTION oracle.before_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.id % 13 = 5 THEN RETURN NULL; END IF; NEW.i2 := NEW.i2 + 1; RETURN NEW; END $$".into());
            self.ddl.push(format!("CREATE TRIGGER before_row BEFORE INSERT OR UPDATE ON {root} FOR EACH ROW EXECUTE FUNCTION oracle.before_row()"));
        } else {
            self.ddl.push(format!("CREATE FUNCTION oracle.after_row() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF pg_trigger_depth() < 2 THEN UPDATE {root} SET i2 = i2 + 1 WHERE id = NEW.id + 1; END IF; RETURN NULL; END $$"));
            self.ddl.push(format!("CREATE TRIGGER after_row AFTER INSERT OR UPDATE ON {root} FOR EACH ROW EXECUTE FUNCTION oracle.after_row()"));
        }
    }

    /// A new table, with rows, and its attaching: for quiescent points.
    pub fn attach_new(&mut self, r: &mut Rng) -> Vec<String> {
        self.extra += 1;
        let (lo, n) = (30 + self.extra * 10, self.extra);
        let name = format!("oracle.x{n}");
        let root = self.name.clone();
        let ddl_before = self.ddl.len();
        match self.shape {
            Shape::Plain => vec![],
            Shape::Inherit => {
                self.standalone(r, &name);
                let mut out: Vec<String> = self.ddl.drain(ddl_before..).collect();
                out.push(format!("ALTER TABLE {name} ADD PRIMARY KEY (id)"));
                out.push(self.insert_rows(r, &name, 3, 0, 40));
                out.push(format!("ALTER TABLE {name} INHERIT {root}"));
                self.leaves.push(Leaf { name, lo: 0, hi: 40, bound: None, attached: true });
                out
            }
            _ if r.chance(40) => {
                let out = vec![format!("CREATE TABLE {name} PARTITION OF {root} {}", self.bound(lo, lo + 10))];
                self.leaves.push(Leaf { name, lo, hi: lo + 10, bound: Some(self.bound(lo, lo + 10)), attached: true });
                out
            }
            _ => {
                self.standalone(r, &name);
                let mut out: Vec<String> = self.ddl.drain(ddl_before..).collect();
                out.push(self.insert_rows(r, &name, 4, lo, lo + 10));
                out.push(format!("ALTER TABLE {root} ATTACH PARTITION {name} {}", self.bound(lo, lo + 10)));
                self.leaves.push(Leaf { name, lo, hi: lo + 10, bound: Some(self.bound(lo, lo + 10)), attached: true });
                out
            }
        }
    }

    /// Detach a leaf, or attach one again.
    pub fn toggle_leaf(&mut self, r: &mut Rng) -> Vec<String> {
        let root = self.name.clone();
        let can: Vec<usize> = (0..self.leaves.len()).filter(|&i| self.leaves[i].bound.is_some()).collect();
        if can.is_empty() {
            if self.shape == Shape::Inherit {
                let i = r.below(self.leaves.len());
                let l = &mut self.leaves[i];
                if l.name == "oracle.c3" {
                    return vec![];
                }
                l.attached = !l.attached;
                return vec![format!("ALTER TABLE {} {} {root}", l.name, if l.attached { "INHERIT" } else { "NO INHERIT" })];
            }
            return vec![];
        }
        let i = *r.pick(&can);
        let l = &mut self.leaves[i];
        l.attached = !l.attached;
        if l.attached {
            vec![format!("ALTER TABLE {root} ATTACH PARTITION {} {}", l.name, l.bound.clone().unwrap_or_default())]
        } else {
            vec![format!("ALTER TABLE {root} DETACH PARTITION {}", l.name)]
        }
    }

    /// The names of a row's columns, in an order of the statement's own.
    pub fn row_columns(&self, r: &mut Rng) -> Vec<Option<usize>> {
        let mut o: Vec<Option<usize>> = (0..self.cols.len()).filter(|&i| self.cols[i].not_null || r.chance(85)).map(Some).collect();
        r.shuffle(&mut o);
        o
    }

    pub fn column_list(&self, order: &[Option<usize>]) -> String {
        let mut s = String::from("id, p, fk");
        for i in order.iter().flatten() {
            s += ", ";
            s += self.cols[*i].name;
        }
        s
    }

    fn values(&self, r: &mut Rng, order: &[Option<usize>], lo: usize, hi: usize) -> Vec<(Ty, Option<String>)> {
        let referenced = if r.chance(5) { 12 } else { 10 };
        let mut v = vec![
            (Ty::Big, Some(r.below(120).to_string())),
            (Ty::Int, Some((lo + r.below(hi - lo)).to_string())),
            (Ty::Int, (self.fk && r.chance(60)).then(|| r.below(referenced).to_string())),
        ];
        for i in order.iter().flatten() {
            let c = &self.cols[*i];
            v.push((c.ty, (c.not_null || !r.chance(18)).then(|| c.ty.value(r))));
        }
        v
    }

    pub fn tuple(&self, r: &mut Rng, order: &[Option<usize>], lo: usize, hi: usize) -> String {
        let v: Vec<String> = self.values(r, order, lo, hi).iter().map(|(t, v)| literal(*t, v.as_deref())).collect();
        format!("({})", v.join(", "))
    }

    pub fn copy_line(&self, r: &mut Rng, order: &[Option<usize>], lo: usize, hi: usize) -> String {
        let v: Vec<String> = self.values(r, order, lo, hi).iter().map(|(_, v)| copy_field(v.as_deref())).collect();
        v.join("\t") + "\n"
    }

    pub fn insert_rows(&self, r: &mut Rng, target: &str, n: usize, lo: usize, hi: usize) -> String {
        let order = self.row_columns(r);
        let rows: Vec<String> = (0..n).map(|_| self.tuple(r, &order, lo, hi)).collect();
        let skip = if target == self.name || target == "oracle.ldef" { " ON CONFLICT DO NOTHING" } else { "" };
        format!("INSERT INTO {target} ({}) VALUES {}{skip}", self.column_list(&order), rows.join(", "))
    }
}
