//! A million rows in one statement: INSERT … SELECT into a plain table, COPY, and INSERT … SELECT into a partitioned
//! one. CPU time of the backend, with the five-minute view and without.

use super::{Bench, COLUMNS, cpu_seconds, create_view, five_minutes, run, table, text, verify};
use crate::db;
use postgres::Client;
use std::io::Write;
use std::time::Instant;

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Insert,
    Copy,
    Partitioned,
}

fn create(how: How) -> String {
    let mut s = String::from("DROP SCHEMA IF EXISTS bench CASCADE; CREATE SCHEMA bench;");
    if how == How::Partitioned {
        s += &format!("CREATE TABLE bench.events ({COLUMNS}) PARTITION BY RANGE (ts);");
        s = s.replace("id bigint GENERATED ALWAYS AS IDENTITY", "id bigint");
        for d in 1..=12 {
            s += &format!("CREATE TABLE bench.events_{d} PARTITION OF bench.events FOR VALUES FROM ('2024-01-{d:02}Z') TO ('2024-01-{:02}Z');", d + 1);
        }
    } else {
        s += &format!("CREATE TABLE bench.events ({COLUMNS});");
    }
    s
}

fn rows_sql(n: u32) -> String {
    format!(
        "SELECT '2024-01-01Z'::timestamptz + i % 1000000 * interval '1 second' AS ts, (i::bigint * 7919 % 100003) AS user_id, (ARRAY['view','click','cart','purchase'])[1 + i % 4] AS event, CASE WHEN i % 5 = 0 THEN (i % 10000) / 100.0 END AS revenue FROM generate_series(1, {n}) i"
    )
}

/// CPU and wall seconds of one load.
fn one(b: &Bench, how: How, viewed: bool, data: &[u8]) -> Result<(f64, f64), String> {
    let mut c: Client = db::connect("bench load").map_err(text)?;
    run(&mut c, &create(how))?;
    if viewed {
        create_view(&mut c, "bench.events_5m", &five_minutes("bench.events"))?;
    }
    run(&mut c, "CHECKPOINT")?;
    // plans and caches are warm: what is measured is the load
    let warm = if how == How::Partitioned { "0, " } else { "" };
    let id = if how == How::Partitioned { "id, " } else { "" };
    run(&mut c, &format!("INSERT INTO bench.events ({id}ts, user_id, event) SELECT {warm}'2024-01-01 00:00:00Z', i, 'warm' FROM generate_series(1, 3) i"))?;
    let pid = db::value(&mut c, "SELECT pg_backend_pid()").map_err(text)?;
    let (cpu, wall) = (cpu_seconds(&pid)?, Instant::now());
    match how {
        How::Copy => {
            let mut w = c.copy_in("COPY bench.events (ts, user_id, event, revenue) FROM STDIN").map_err(text)?;
            w.write_all(data).map_err(|e| e.to_string())?;
            w.finish().map_err(text)?;
        }
        _ => run(&mut c, &format!("INSERT INTO bench.events (ts, user_id, event, revenue) {}", rows_sql(b.rows)))?,
    }
    let took = (cpu_seconds(&pid)? - cpu, wall.elapsed().as_secs_f64());
    if viewed {
        verify(&mut c, "bench.events_5m")?;
    }
    Ok(took)
}

pub fn loads(b: &Bench) -> Result<(), String> {
    let mut data = vec![];
    {
        let mut c = db::connect("bench").map_err(text)?;
        let mut r = c.copy_out(format!("COPY ({}) TO STDOUT", rows_sql(b.rows)).as_str()).map_err(text)?;
        std::io::copy(&mut r, &mut data).map_err(|e| e.to_string())?;
    }
    for (how, name) in [(How::Insert, "INSERT … SELECT into a plain table"), (How::Copy, "COPY into a plain table"), (How::Partitioned, "INSERT … SELECT into 12 partitions")] {
        println!("\n{name}, {} rows; CPU of the backend:", b.rows);
        match how {
            How::Copy => println!("  COPY bench.events (ts, user_id, event, revenue) FROM STDIN"),
            _ => println!("  INSERT INTO bench.events (ts, user_id, event, revenue) {}", rows_sql(b.rows)),
        }
        println!("  view: {}", five_minutes("bench.events"));
        let (mut cpu, mut wall) = (vec![vec![]; 2], vec![vec![]; 2]);
        for n in 0..b.runs {
            for i in 0..2 {
                let v = (i + n as usize) % 2;
                let (x, y) = one(b, how, v == 1, &data)?;
                cpu[v].push(x * 1000.0);
                wall[v].push(y * 1000.0);
            }
        }
        table("ms CPU", &["no view", "the view"], &cpu);
        table("ms wall", &["no view", "the view"], &wall);
    }
    Ok(())
}
