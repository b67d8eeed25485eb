//! Generated web events: who did what when, and what it earned.

use super::{Story, in_parts};
use anyhow::Result;
use postgres::Client;

const ROLLUP: &str = "  SELECT date_bin('5 minutes', ts, 'epoch') AS \"window\", event,
         sum_state(1) AS hits, uniq_state(user_id) AS uniq_users, sum_state(revenue) AS revenue
  FROM events GROUP BY 1, 2";

const DAILY: &str = "  SELECT date_trunc('day', ts, 'UTC') AS day, country, count(*) AS hits, avg(revenue) AS basket,
         min(revenue) AS least, max(revenue) AS most
  FROM events GROUP BY 1, 2";

pub fn load(db: &mut Client, events: u64) -> Result<Story> {
    let columns = "ts timestamptz NOT NULL, user_id bigint, event text, country text, revenue numeric(18,4)";
    db.batch_execute(&format!(
        "CREATE TABLE events ({columns}, id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
         CREATE INDEX ON events (ts);
         CREATE UNLOGGED TABLE events_arriving ({columns}, n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY);
         SELECT setseed(0.42)"
    ))?;
    // as many days of history as give each five minutes some hundred events, and a hundredth as much that arrives after it
    let days = (events as f64 / 100_000.0).clamp(0.25, 30.0);
    let arriving = (events / 100).clamp(100, 50_000);
    let rows = |table: &str, from: u64, to: u64, all: u64, first_day: f64, days: f64| {
        let seconds = days * 86400.0 / all as f64;
        format!(
            "INSERT INTO {table} (ts, user_id, event, country, revenue)
             SELECT '2024-01-31Z'::timestamptz + {first_day} * interval '1 day' + (i + random()) * {seconds} * interval '1 second',
                    1 + (random() ^ 3 * {users})::bigint, e,
                    (ARRAY['DE','US','IN','BR',NULL])[1 + floor(random() * 5)::int], CASE WHEN e = 'purchase' THEN round((random() * 100)::numeric, 4) END
             FROM (SELECT i, (ARRAY['view','view','view','click','click','cart','purchase'])[1 + floor(random() * 7)::int] AS e FROM generate_series({from}, {to}) i) g",
            users = (all / 5).max(10)
        )
    };
    let part = 50_000;
    let parts = (0..events).step_by(part as usize).map(|a| (a, (a + part).min(events)));
    let history: Vec<_> = parts.map(|(a, b)| (rows("events", a, b - 1, events, -days, days), b - a)).collect();
    in_parts(db, "events", &history)?;
    in_parts(db, "events_arriving", &[(rows("events_arriving", 0, arriving - 1, arriving, 0.0, days / 100.0), arriving)])?;
    let batch = (arriving / 200).max(1);
    let insert = |a: u64| {
        let columns = "ts, user_id, event, country, revenue";
        format!("INSERT INTO events ({columns}) SELECT {columns} FROM events_arriving WHERE n > {a} AND n <= {}", a + batch)
    };
    Ok(Story {
        table: "events",
        views: vec![("events_5m", ROLLUP.into()), ("events_daily", DAILY.into())],
        live: (0..arriving).step_by(batch as usize).map(insert).collect(),
        watch: "SELECT event, sum_merge(hits) AS hits, uniq_merge(uniq_users) AS users, sum_merge(revenue) AS revenue
                FROM events_5m WHERE \"window\" >= '2024-01-31Z' GROUP BY event ORDER BY event"
            .into(),
        changes: vec![
            ("refunds", "UPDATE events SET event = 'refund', revenue = -revenue WHERE event = 'purchase' AND id % 50 = 0".into()),
            ("late by six minutes", "UPDATE events SET ts = ts + interval '6 minutes' WHERE id % 997 = 0".into()),
            ("users who asked to be forgotten", "DELETE FROM events WHERE user_id % 211 = 7".into()),
        ],
        questions: vec![
            (
                "all by kind of event",
                "SELECT event, sum_merge(hits), uniq_merge(uniq_users), sum_merge(revenue) FROM events_5m GROUP BY event".into(),
                "SELECT event, count(*)::numeric, uniq(user_id), sum(revenue) FROM events GROUP BY event".into(),
            ),
            (
                "every five minutes",
                "SELECT \"window\", event, sum_merge(hits), uniq_merge(uniq_users), sum_merge(revenue) FROM events_5m GROUP BY \"window\", event".into(),
                "SELECT date_bin('5 minutes', ts, 'epoch'), event, count(*)::numeric, uniq(user_id), sum(revenue) FROM events GROUP BY 1, 2".into(),
            ),
            ("every day by country, in final values", "SELECT * FROM events_daily".into(), DAILY.into()),
        ],
    })
}
