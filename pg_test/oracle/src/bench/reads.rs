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

/// Main alone, with columns that hold what the view's do: what main keeps besides is not asked for.
struct Main {
    all: String,
    count: String,
}

fn main_table(c: &mut Client) -> Result<Main, String> {
    let name = db::value(c, "SELECT oid::regclass::text FROM pg_class WHERE relnamespace = 'tally_data'::regnamespace AND relname ~ '_main$' AND relkind = 'r' ORDER BY reltuples DESC LIMIT 1").map_err(text)?;
    let columns = db::rows(c, &format!("SELECT attname::text, atttypid::regtype::text FROM pg_attribute WHERE attrelid = '{name}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum")).map_err(text)?;
    println!("  {name}: {}", columns.iter().map(|r| format!("{} {}", r[0].clone().unwrap_or_default(), r[1].clone().unwrap_or_default())).collect::<Vec<_>>().join(", "));
    let rows: Vec<String> = columns.iter().filter(|r| r[1].as_deref() == Some("bigint")).filter_map(|r| r[0].clone()).collect();
    // the last bigint is a count; the first is the hash of the keys
    let n = rows.last().cloned().unwrap_or("1".into());
    Ok(Main { all: format!("SELECT * FROM {name}"), count: format!("SELECT count(*), sum({n}) FROM {name}") })
}

fn pair(b: &Bench, c: &mut Client, what: &str, base: &str, view: &str, f: fn(&mut Client, &str) -> Result<f64, String>) -> Result<(), String> {
    let mut ms = vec![vec![]; 2];
    for n in 0..=b.runs {
        for i in 0..2 {
            let v = (i + n as usize) % 2;
            let t = f(c, if v == 0 { base } else { view })?;
            if n > 0 {
                ms[v].push(t);
            }
        }
    }
    println!("  {what}:");
    println!("    main: {base}\n    view: {view}");
    table("ms", &["main alone", "the view"], &ms);
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
        pair(b, &mut c, "all rows and columns to a client", &main.all, "SELECT * FROM bench.wide", all_rows)?;
        pair(b, &mut c, "count(*), sum(n)", &main.count, "SELECT count(*), sum(n) FROM bench.wide", answer)?;
        let one = format!("{} WHERE {} = '2024-01-02Z'", main.all, first_key(&mut c)?);
        pair(b, &mut c, "one window", &one, "SELECT * FROM bench.wide WHERE w = '2024-01-02Z'", all_rows)?;
    }
    verify(&mut c, "bench.wide")
}

fn first_key(c: &mut Client) -> Result<String, String> {
    let sql = "SELECT quote_ident(attname) FROM pg_attribute a JOIN pg_class t ON t.oid = attrelid WHERE relnamespace = 'tally_data'::regnamespace AND relname ~ '_main$' AND atttypid = 'timestamptz'::regtype ORDER BY t.reltuples DESC LIMIT 1";
    db::value(c, sql).map_err(text)
}
