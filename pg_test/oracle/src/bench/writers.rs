//! Eight clients that insert: into one hot group, one row per transaction; and three rows per transaction into random
//! groups. Without a view, with it, and with what people write by hand: a row trigger that upserts into the roll-up.

use super::{Bench, COLUMNS, create_view, five_minutes, run, table, text, verify};
use crate::db;
use std::process::Command;

const VARIANTS: [&str; 3] = ["no view", "the view", "upserting trigger, by hand"];
const TABLES: [&str; 3] = ["bench.none", "bench.viewed", "bench.upserted"];

fn setup() -> String {
    let mut s = String::from("DROP SCHEMA IF EXISTS bench CASCADE; CREATE SCHEMA bench;");
    for t in TABLES {
        s += &format!("CREATE TABLE {t} ({COLUMNS});");
    }
    s + "CREATE TABLE bench.rollup (w timestamptz, event text, hits bigint, revenue numeric, PRIMARY KEY (w, event));
    CREATE FUNCTION bench.upsert() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO bench.rollup VALUES (date_bin('5 minutes', NEW.ts, 'epoch'), NEW.event, 1, NEW.revenue)
        ON CONFLICT (w, event) DO UPDATE SET hits = rollup.hits + 1, revenue = coalesce(rollup.revenue, 0) + coalesce(excluded.revenue, 0);
      RETURN NULL; END $$;
    CREATE TRIGGER upsert AFTER INSERT ON bench.upserted FOR EACH ROW EXECUTE FUNCTION bench.upsert();"
}

/// One row into one group; and three into one of 100 groups each, in an order of chance.
fn script(hot: bool, t: &str) -> String {
    if hot {
        return format!("\\set u random(1, 100000)\nINSERT INTO {t} (ts, user_id, event, revenue) VALUES ('2024-01-01 00:00:01Z', :u, 'view', 1.25);\n");
    }
    let mut s = String::from("\\set u random(1, 100000)\n");
    for i in 1..=3 {
        s += &format!("\\set g{i} random(1, 100)\n");
    }
    s += "BEGIN;\n";
    for i in 1..=3 {
        s += &format!("INSERT INTO {t} (ts, user_id, event, revenue) VALUES ('2024-01-01 00:00:01Z', :u, 'e' || :g{i}, 1.25);\n");
    }
    s + "COMMIT;\n"
}

fn pgbench(b: &Bench, file: &std::path::Path, say: bool) -> Result<(f64, u64), String> {
    let clients = b.clients.to_string();
    let seconds = b.seconds.to_string();
    let args = ["-n", "-M", "prepared", "-c", &clients, "-j", "2", "-T", &seconds, "-f"];
    if say {
        println!("  pgbench {} {}", args.join(" "), file.display());
    }
    let database = std::env::var("PGDATABASE").unwrap_or("postgres".into());
    let out = Command::new("pgbench").args(args).arg(file).arg(database).output().map_err(|e| format!("pgbench: {e}"))?;
    let said = String::from_utf8_lossy(&out.stdout);
    let field = |name: &str| said.lines().find_map(|l| l.split_once(name)).map(|(_, v)| v.split_whitespace().next().unwrap_or("").to_string());
    let tps = field("tps = ").and_then(|v| v.parse().ok()).ok_or_else(|| format!("pgbench failed: {said}{}", String::from_utf8_lossy(&out.stderr)))?;
    let failed = field("failed transactions: ").and_then(|v| v.parse().ok()).unwrap_or(0);
    Ok((tps, failed))
}

fn one(b: &Bench, hot: bool) -> Result<(), String> {
    let mut c = db::connect("bench").map_err(text)?;
    run(&mut c, &setup())?;
    create_view(&mut c, "bench.events_5m", &five_minutes("bench.viewed"))?;
    let dir = std::env::temp_dir().join(format!("tally-bench-{}", std::process::id()));
    std::fs::create_dir_all(&dir).map_err(|e| e.to_string())?;
    let what = if hot { "single rows into one hot group" } else { "three inserts per transaction into random groups" };
    println!("\n{} clients, {what}; transactions per second:", b.clients);
    let mut tps = vec![vec![]; 3];
    let mut failed = [0u64; 3];
    for n in 0..b.runs {
        for i in 0..3 {
            let v = (i + n as usize) % 3;
            let file = dir.join(format!("{}-{}.sql", if hot { "hot" } else { "random" }, TABLES[v].trim_start_matches("bench.")));
            std::fs::write(&file, script(hot, TABLES[v])).map_err(|e| e.to_string())?;
            // everyone starts from a clean slate: no dead rows of the last run, no checkpoint due
            run(&mut c, "VACUUM bench.rollup")?;
            run(&mut c, "CHECKPOINT")?;
            let (t, f) = pgbench(b, &file, n == 0)?;
            tps[v].push(t);
            failed[v] += f;
        }
    }
    table("tps", &VARIANTS, &tps);
    for (name, f) in VARIANTS.iter().zip(failed) {
        if f > 0 {
            println!("  {name}: {f} transactions failed by deadlock");
        }
    }
    let delta = db::rows(&mut c, "SELECT pending, pg_size_pretty(bytes) FROM tally.views WHERE view = 'bench.events_5m'::regclass").map_err(text)?;
    println!("  left pending, size: {delta:?}");
    verify(&mut c, "bench.events_5m")?;
    let _ = std::fs::remove_dir_all(&dir);
    Ok(())
}

pub fn writers(b: &Bench) -> Result<(), String> {
    one(b, true)?;
    one(b, false)
}
