//! Random statements on the source: every way in which PostgreSQL changes a table.

use crate::rng::Rng;
use crate::table::Table;
use crate::value::{literal, series};

pub struct Dml {
    pub sql: String,
    pub copy: Option<String>,
}

fn sql(sql: String) -> Dml {
    Dml { sql, copy: None }
}

/// Where a statement goes: the root, or straight into a leaf; with the range of `p` that fits.
fn target(r: &mut Rng, t: &Table) -> (String, usize, usize) {
    if !t.leaves.is_empty() && r.chance(30) {
        let l = r.pick(&t.leaves);
        (l.name.clone(), l.lo, l.hi)
    } else {
        (t.name.clone(), 0, if t.partitioned() { 34 } else { 40 })
    }
}

fn predicate(r: &mut Rng, t: &Table) -> String {
    match r.below(12) {
        0..=3 => {
            let a = r.below(120);
            format!("id BETWEEN {a} AND {}", a + r.below(12))
        }
        4 => format!("id = {}", r.below(120)),
        5 => format!("i2 % 5 = {}", r.below(5)),
        6 => format!("p % 7 = {} AND id > {}", r.below(7), r.below(110)),
        7 | 8 => {
            let c = r.pick(&t.cols);
            let v = literal(c.ty, Some(&c.ty.value(r)));
            format!("{} = {v}", c.name)
        }
        9 => {
            let c = r.pick(&t.cols);
            format!("{} IS NULL AND id < {}", c.name, r.below(120))
        }
        10 => format!("ctid = ANY(ARRAY(SELECT ctid FROM {} WHERE id < {})) AND id > {}", t.name, r.below(60), r.below(30)),
        _ => format!("id % 17 = {}", r.below(17)),
    }
}

fn assignments(r: &mut Rng, t: &Table) -> String {
    let mut cols: Vec<usize> = (0..t.cols.len()).collect();
    r.shuffle(&mut cols);
    let mut out: Vec<String> = vec![];
    for &i in cols.iter().take(1 + r.below(3)) {
        let c = &t.cols[i];
        out.push(match r.below(6) {
            0 => format!("{0} = {0}", c.name),
            1 if c.name == "i2" => "i2 = i2 + 1".into(),
            _ => {
                let v = (c.not_null || !r.chance(15)).then(|| c.ty.value(r));
                format!("{} = {}", c.name, literal(c.ty, v.as_deref()))
            }
        });
    }
    if r.chance(15) {
        out.push(format!("p = {}", r.below(34)));
    }
    out.join(", ")
}

fn insert(r: &mut Rng, t: &Table, n: usize) -> String {
    let (to, lo, hi) = target(r, t);
    let order = t.row_columns(r);
    let list = t.column_list(&order);
    let rows: Vec<String> = (0..n).map(|_| t.tuple(r, &order, lo, hi)).collect();
    let rows = rows.join(", ");
    let key = t.conflict_target();
    match r.below(10) {
        0 | 1 => format!("INSERT INTO {to} ({list}) VALUES {rows}"),
        2 => format!("INSERT INTO {to} ({list}) SELECT * FROM (VALUES {rows}) AS v"),
        3 => format!(
            "INSERT INTO {to} ({list}) SELECT id + 1000, {} FROM {} WHERE {}",
            list.trim_start_matches("id, "),
            t.name,
            predicate(r, t)
        ),
        4 | 5 => format!("INSERT INTO {to} ({list}) VALUES {rows} ON CONFLICT DO NOTHING"),
        6 => format!("INSERT INTO {to} ({list}) VALUES {rows} ON CONFLICT ({key}) DO UPDATE SET i2 = EXCLUDED.i2 + 1, ts = EXCLUDED.ts"),
        7 => {
            // Only rows without duplicates among themselves can be updated on conflict.
            let a = assignments(r, t);
            let a = if a.contains("p = ") { "i2 = 3".to_string() } else { a };
            let one = t.tuple(r, &order, lo, hi);
            let a = a.split(", ").next().map(|_| a.clone()).unwrap_or_default();
            format!("INSERT INTO {to} AS o ({list}) VALUES {one} ON CONFLICT ({key}) DO UPDATE SET {} WHERE o.i2 <> {}", qualify(&a), r.below(7))
        }
        _ => format!("INSERT INTO {to} ({list}) VALUES {rows} ON CONFLICT DO NOTHING RETURNING id"),
    }
}

/// `i2 = i2 + 1` is ambiguous beside EXCLUDED.
fn qualify(a: &str) -> String {
    a.replace("i2 = i2 + 1", "i2 = o.i2 + 1").split(", ").map(fix_self).collect::<Vec<_>>().join(", ")
}

fn fix_self(x: &str) -> String {
    match x.split_once(" = ") {
        Some((a, b)) if a == b => format!("{a} = o.{b}"),
        _ => x.to_string(),
    }
}

/// Some hundreds of rows in one statement.
fn bulk(r: &mut Rng, t: &Table) -> String {
    let (to, lo, hi) = target(r, t);
    let from = 5000 + 400 * r.below(4);
    match r.below(5) {
        0 => return format!("DELETE FROM {to} WHERE id >= {from}"),
        1 => return format!("UPDATE {to} SET i2 = i2 + 1 WHERE id >= {from}"),
        2 => return format!("UPDATE {to} SET {} WHERE id BETWEEN {from} AND {}", assignments(r, t), from + 300),
        _ => {}
    }
    let mut cols = vec![format!("{from} + g"), format!("{lo} + g % {}", hi - lo)];
    for c in &t.cols {
        cols.push(series(c.ty, !c.not_null && r.chance(60)));
    }
    let names: Vec<&str> = t.cols.iter().map(|c| c.name).collect();
    let n = 80 + r.below(300);
    format!("INSERT INTO {to} (id, p, {}) SELECT {} FROM generate_series(1, {n}) g ON CONFLICT DO NOTHING", names.join(", "), cols.join(", "))
}

fn update(r: &mut Rng, t: &Table) -> String {
    let (to, _, _) = target(r, t);
    let (set, by) = (assignments(r, t), predicate(r, t));
    match r.below(8) {
        0 => format!("UPDATE {to} AS o SET i2 = v.x FROM (VALUES ({}, 4), ({}, 5)) AS v(id, x) WHERE o.id = v.id", r.below(120), r.below(120)),
        1 => format!("UPDATE {to} SET {set} WHERE {by} RETURNING id"),
        2 => format!("UPDATE {to} SET ts = ts + interval '6 minutes' WHERE {by}"),
        _ => format!("UPDATE {to} SET {set} WHERE {by}"),
    }
}

fn delete(r: &mut Rng, t: &Table) -> String {
    let (to, _, _) = target(r, t);
    let by = predicate(r, t);
    match r.below(8) {
        0 => format!("DELETE FROM {to} AS o USING (SELECT id FROM {} ORDER BY id LIMIT 3) AS q WHERE o.id = q.id", t.name),
        1 => format!("DELETE FROM {to} WHERE {by} RETURNING *"),
        _ => format!("DELETE FROM {to} WHERE {by}"),
    }
}

/// What takes rows and nothing else.
pub fn removal(r: &mut Rng, t: &Table) -> String {
    let (to, _, _) = target(r, t);
    match r.below(10) {
        0..=3 => format!("DELETE FROM {to} WHERE ts < timestamptz '2024-03-30Z' + interval '{} minutes'", r.below(400)),
        4 => format!("WITH w AS (DELETE FROM {to} WHERE {} RETURNING id) SELECT count(*) FROM w", predicate(r, t)),
        5 if t.fk => format!("DELETE FROM oracle.par WHERE k = {}", r.below(10)),
        _ => delete(r, t),
    }
}

fn merge(r: &mut Rng, t: &Table) -> String {
    let order = t.row_columns(r);
    let list = t.column_list(&order);
    let (to, lo, hi) = target(r, t);
    let rows: Vec<String> = (0..1 + r.below(5)).map(|_| t.tuple(r, &order, lo, hi)).collect();
    let set = assignments(r, t).replace("i2 = i2 + 1", "i2 = o.i2 + 1");
    let set = set.split(", p = ").next().unwrap_or("i2 = 1").split(", ").map(fix_self).collect::<Vec<_>>().join(", ");
    let set = if set.contains("p = ") && !set.contains("::") { "i2 = 1".to_string() } else { set };
    let deletes = if r.chance(50) { format!(" WHEN MATCHED AND o.i2 % 3 = {} THEN DELETE", r.below(3)) } else { String::new() };
    let values: Vec<String> = list.split(", ").map(|c| format!("s.{c}")).collect();
    let insert = match r.below(4) {
        0 => " WHEN NOT MATCHED AND s.id % 2 = 0 THEN DO NOTHING".to_string(),
        _ => format!(" WHEN NOT MATCHED THEN INSERT ({list}) VALUES ({})", values.join(", ")),
    };
    format!(
        "MERGE INTO {to} AS o USING (SELECT DISTINCT ON (id) * FROM (VALUES {}) AS v({list})) AS s ON o.id = s.id AND o.p = s.p{deletes} WHEN MATCHED THEN UPDATE SET {set}{insert}",
        rows.join(", ")
    )
}

fn writable_cte(r: &mut Rng, t: &Table) -> String {
    let mut ctes = vec![];
    for i in 0..2 + r.below(2) {
        let (to, lo, hi) = target(r, t);
        let a = r.below(100);
        ctes.push(match r.below(3) {
            0 => {
                let order = t.row_columns(r);
                let (x, y) = (t.tuple(r, &order, lo, hi), t.tuple(r, &order, lo, hi));
                format!("w{i} AS (INSERT INTO {to} ({}) VALUES {x}, {y} ON CONFLICT DO NOTHING RETURNING id)", t.column_list(&order))
            }
            1 => format!("w{i} AS (UPDATE {to} SET {} WHERE id BETWEEN {a} AND {} RETURNING id)", assignments(r, t), a + 4),
            _ => format!("w{i} AS (DELETE FROM {to} WHERE id BETWEEN {a} AND {} RETURNING id)", a + 3),
        });
    }
    let main = match r.below(6) {
        0 => format!("UPDATE {} SET i2 = i2 + 1 WHERE id IN (SELECT id FROM w0)", t.name),
        1 => format!("DELETE FROM {} WHERE id IN (SELECT id + 1 FROM w0)", t.name),
        // compaction in the middle of a statement: refused, or harmless
        2 => "SELECT tally.compact(), (SELECT count(*) FROM w0)".to_string(),
        _ => "SELECT count(*) FROM w0".to_string(),
    };
    format!("WITH {} {main}", ctes.join(", "))
}

fn block(r: &mut Rng, t: &Table) -> String {
    let (a, b, c) = (insert(r, t, 2), update(r, t), delete(r, t));
    let strip = |s: &str| s.split(" RETURNING ").next().unwrap_or(s).to_string();
    let fail = if r.chance(60) { "RAISE EXCEPTION 'undo';" } else { "" };
    format!(
        "DO $do$ BEGIN {}; BEGIN {}; {fail} EXCEPTION WHEN OTHERS THEN IF SQLSTATE LIKE '40%' THEN RAISE; END IF; END; {}; END $do$",
        strip(&a),
        strip(&b),
        strip(&c)
    )
}

fn foreign(r: &mut Rng) -> String {
    match r.below(5) {
        0 => format!("DELETE FROM oracle.par WHERE k = {}", r.below(10)),
        1 => format!("UPDATE oracle.par SET k = k + 100 WHERE k = {}", r.below(10)),
        2 => format!("UPDATE oracle.par SET k = k - 100 WHERE k = {}", 100 + r.below(10)),
        3 => format!("WITH d AS (DELETE FROM oracle.par WHERE k = {} RETURNING k) INSERT INTO oracle.par SELECT k + 200 FROM d ON CONFLICT DO NOTHING", r.below(10)),
        _ => format!("INSERT INTO oracle.par SELECT generate_series({}, 9) ON CONFLICT DO NOTHING", r.below(10)),
    }
}

pub fn statement(r: &mut Rng, t: &Table) -> Dml {
    match r.below(100) {
        0..=34 => {
            let n = *r.pick(&[1, 1, 2, 3, 8]);
            sql(insert(r, t, n))
        }
        35..=41 => {
            let (to, lo, hi) = target(r, t);
            let order = t.row_columns(r);
            let n = 1 + r.below(5);
            // COPY knows no ON CONFLICT: ids of its own
            let offset = 2000 + r.below(100_000);
            let data: String = (0..n)
                .map(|i| {
                    let line = t.copy_line(r, &order, lo, hi);
                    format!("{}\t{}", offset + i, line.split_once('\t').map_or("", |x| x.1))
                })
                .collect();
            Dml { sql: format!("COPY {to} ({}) FROM STDIN", t.column_list(&order)), copy: Some(data) }
        }
        42..=61 => sql(update(r, t)),
        62..=77 => sql(delete(r, t)),
        78..=83 => sql(merge(r, t)),
        84..=90 => sql(writable_cte(r, t)),
        91..=94 => sql(block(r, t)),
        95..=96 => sql(bulk(r, t)),
        _ if t.fk => sql(foreign(r)),
        _ => sql(update(r, t)),
    }
}
