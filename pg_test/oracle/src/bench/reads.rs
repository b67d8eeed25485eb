//! Reading a view of a million groups with nullable keys, nothing pending and 2,000 rows pending, beside its main table
//! alone: all rows and columns to a client, and `count(*), sum(n)`.

use super::{Bench, create_view, run, table, text, verify};
use crate::db;
use postgres::Client;
use std::io::Read;
use std::time::Instant;

fn all_rows(c: &mut Client, sql: &str) -> Result<f64, String> {
    let start = Instant::now();
    let mut r = c.copy_out(format!("COPY ({sql}) TO STDOUT").as_str()).map_err(text)?;
    let mut buffer = vec![0u8; 1 << 20];
    while r.read(&mut buffer).map_err(|e| e.to_string())? > 0 {}
    Ok(start.elapsed().as_secs_f64() * 1000.0)
}

fn answer(c: &mut Client, sql: &str) -> Result<f64, String> {
    let start = Instant::now();
    db::rows(c, sql).map_err(text)?;
    Ok(start.elapsed().as_secs_f64() * 1000.0)
}

/// Reading main alone: its rows as they are, and the same columns as the view's, finished.
struct Main {
    name: String,
    raw: String,
    finished: String,
    count: String,
}

fn main_table(c: &mut Client) -> Result<Main, String> {
    let name = db::value(c, "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'tally_data'::regnamespace AND relname ~ '_main$' AND relkind = 'r' ORDER BY reltuples DESC LIMIT 1").map_err(text)?;
    let sql = format!("SELECT quote_ident(attname), atttypid::regtype::text FROM pg_attribute WHERE attrelid = '{name}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum");
    let columns: Vec<(String, String)> = db::rows(c, &sql).map_err(text)?.into_iter().map(|r| (r[0].clone().unwrap_or_default(), r[1].clone().unwrap_or_default())).collect();
    println!("  {name}: {}", columns.iter().map(|(n, t)| format!("{n} {t}")).collect::<Vec<_>>().join(", "));
    // bigints are the hash of the keys, first, and the count of rows
    let n = columns.iter().rfind(|c| c.1 == "bigint").map_or("1".into(), |c| c.0.clone());
    let finished: Vec<String> = columns.iter().skip(1).map(|(c, t)| if t.ends_with("sum_state") { format!("finalize({c})::bigint") } else { c.clone() }).collect();
    Ok(Main { raw: format!("SELECT * FROM {name}"), finished: format!("SELECT {} FROM {name}", finished.join(", ")), count: format!("SELECT count(*), sum({n}) FROM {name}"), name })
}

/// Medians of the variants, and ratios to the first.
fn compare(b: &Bench, c: &mut Client, what: &str, variants: &[(&str, &str)], f: fn(&mut Client, &str) -> Result<f64, String>) -> Result<(), String> {
    let mut ms = vec![vec![]; variants.len()];
    for n in 0..=b.runs {
        for i in 0..variants.len() {
            let v = (i + n as usize) % variants.len();
            let t = f(c, variants[v].1)?;
            if n > 0 {
                ms[v].push(t);
            }
        }
    }
    println!("  {what}:");
    for (name, sql) in variants {
        println!("    {name}: {sql}");
    }
    let names: Vec<&str> = variants.iter().map(|v| v.0).collect();
    table("ms", &names, &ms);
    Ok(())
}

pub fn reads(b: &Bench) -> Result<(), String> {
    let mut c = db::connect("bench reads").map_err(text)?;
    let g = b.groups;
    run(&mut c, "DROP SCHEMA IF EXISTS bench CASCADE; CREATE SCHEMA bench; CREATE TABLE bench.src (ts timestamptz, k text, x int)")?;
    run(&mut c, &format!("INSERT INTO bench.src SELECT '2024-01-01Z'::timestamptz + (i / 50) * interval '5 minutes', CASE WHEN i % 50 > 0 THEN 'k' || (i % 50) END, i FROM generate_series(1, {g}) i"))?;
    run(&mut c, "CREATE INDEX ON bench.src (ts)")?;
    let start = Instant::now();
    create_view(&mut c, "bench.wide", "SELECT date_bin('5 minutes', ts, 'epoch') AS w, k, count(*) AS n, sum(x) AS s, min(x) AS mn FROM bench.src GROUP BY 1, 2")?;
    println!("\nA view of {g} groups (w, k nullable; count, sum, min), made in {:.1} s:", start.elapsed().as_secs_f64());
    run(&mut c, "SET tally.delta_limit = '1GB'")?;
    run(&mut c, "SELECT tally.compact('bench.wide')")?;
    run(&mut c, "VACUUM ANALYZE")?;
    let main = main_table(&mut c)?;
    for pending in [0, 2000] {
        if pending > 0 {
            run(&mut c, &format!("INSERT INTO bench.src SELECT '2024-01-01Z'::timestamptz + (i / 50) * interval '5 minutes' * 100, CASE WHEN i % 50 > 0 THEN 'k' || (i % 50) END, i FROM generate_series(1, {}) i", pending / 2))?;
            run(&mut c, &format!("INSERT INTO bench.src SELECT '2034-06-01Z'::timestamptz + (i / 50) * interval '5 minutes', CASE WHEN i % 50 > 0 THEN 'k' || (i % 50) END, i FROM generate_series(1, {}) i", pending / 2))?;
        }
        let shown = db::value(&mut c, "SELECT pending || ' pending rows, ' || doubtful || ' doubtful' FROM tally.views WHERE view = 'bench.wide'::regclass").map_err(text)?;
        println!("  -- {shown}");
        let everything = [("main alone, finished", main.finished.as_str()), ("main alone, as it is", &main.raw), ("the view", "SELECT * FROM bench.wide")];
        compare(b, &mut c, "all rows and columns to a client", &everything, all_rows)?;
        compare(b, &mut c, "count(*), sum(n)", &[("main alone", &main.count), ("the view", "SELECT count(*), sum(n) FROM bench.wide")], answer)?;
        let window = format!("{} WHERE {} = '2024-01-02Z'", main.finished, first_key(&mut c, &main.name)?);
        compare(b, &mut c, "one window", &[("main alone", &window), ("the view", "SELECT * FROM bench.wide WHERE w = '2024-01-02Z'")], all_rows)?;
    }
    verify(&mut c, "bench.wide")
}

fn first_key(c: &mut Client, main: &str) -> Result<String, String> {
    db::value(c, &format!("SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = '{main}'::regclass AND atttypid = 'timestamptz'::regtype ORDER BY attnum LIMIT 1")).map_err(text)
}
