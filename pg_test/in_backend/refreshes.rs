fn view_id(view: &str) -> i64 {
    let all = "(SELECT id, view FROM tally.registry UNION ALL SELECT id, view FROM tally.refreshables)";
    text(&format!("r.id FROM {all} r WHERE r.view = '{view}'::regclass")).and_then(|id| id.parse().ok()).expect("a view")
}

/// As the worker and `tally.run_due()` do it: rows read and written.
fn scheduled_refresh(view: &str) -> (Option<i64>, i64) {
    let done = crate::view::refresh::run(view_id(view)).expect("a view");
    (done.read, done.written)
}

fn spoil(view: &str) {
    run(&format!("UPDATE tally_data.v{}_main SET n = n + 100", view_id(view)));
}

#[pg_test]
fn a_scheduled_refresh_makes_its_window_anew() {
    run("CREATE TABLE event AS SELECT now() - i * interval '1 day' AS at, i AS x FROM generate_series(0, 9) i");
    run("SELECT tally.create_view('daily', 'SELECT date_bin(''1 day'', at, ''epoch'') AS day, count(*) AS n FROM event GROUP BY 1', mode => 'incremental', schedule => '1 hour')");
    spoil("daily");
    run("SELECT tally.alter_view('daily', refresh_window => '3 days')");
    // today and three days before
    assert_eq!(scheduled_refresh("daily"), (Some(4), 8));
    holds("count(*) FILTER (WHERE n = 1) = 4 AND count(*) FILTER (WHERE n = 101) = 6 FROM daily");
    run("SELECT tally.alter_view('daily', reset => ARRAY['refresh_window'])");
    assert_eq!(scheduled_refresh("daily"), (Some(10), 20));
    holds("count(*) FILTER (WHERE n = 1) = 10 FROM daily");
}

#[pg_test]
fn a_refresh_writes_what_changed() {
    run("CREATE TABLE event AS SELECT i AS x FROM generate_series(1, 100) i");
    run("SELECT tally.create_view('all_events', 'SELECT x, now() > ''2020-01-01'' AS late FROM event', schedule => '1 hour')");
    run("UPDATE event SET x = -x WHERE x <= 3");
    assert_eq!(scheduled_refresh("all_events"), (Some(100), 6));
    assert_eq!(scheduled_refresh("all_events"), (Some(100), 0));
    assert!(crate::view::refresh::run(-1).is_none());
}

#[pg_test]
fn the_ledger_knows_how_it_went() {
    use crate::pg::clock;
    use crate::view::ledger::{self, Kind};
    use crate::view::refresh::Done;
    use pg_tally_core::schedule::Instant;
    run("CREATE TABLE event (x int)");
    run("SELECT tally.create_view('all_events', 'SELECT x FROM event', schedule => '1 hour', with_data => false)");
    let id = view_id("all_events");
    let progress = |what: &str| text(&format!("{what} FROM tally.progress WHERE id = {id}"));
    let log = |what: &str| text(&format!("{what} FROM tally.log WHERE id = {id} ORDER BY entry DESC LIMIT 1"));
    assert_eq!(progress("count(*)").as_deref(), Some("0"));
    // 2000-01-01 00:00:01 UTC
    let at = |second: i64| Instant(second * 1_000_000);
    let entry = ledger::begin(id, Kind::Refresh, at(1));
    assert_eq!(progress("ROW(extract(epoch FROM started)::int, finished, satisfied, failures)").as_deref(), Some("(946684801,,,0)"));
    assert_eq!(log("ROW(kind, status, finished)").as_deref(), Some("(refresh,running,)"));
    ledger::failed(&entry, "it's broken", at(3));
    assert_eq!(progress("ROW(failures, exception, last_duration, satisfied)").as_deref(), Some("(1,\"it's broken\",00:00:02,)"));
    assert_eq!(log("ROW(status, error)").as_deref(), Some("(failed,\"it's broken\")"));
    holds("(status, last_error) = ('failed', 'it''s broken') FROM tally.views WHERE view = 'all_events'::regclass");
    let entry = ledger::begin(id, Kind::Refresh, at(10));
    assert_eq!(progress("ROW(failures, finished)").as_deref(), Some("(1,)"));
    ledger::done(&entry, Some(at(5)), &Done { read: Some(7), written: 2 }, at(12));
    assert_eq!(progress("ROW(failures, exception, last_duration, extract(epoch FROM satisfied)::int)").as_deref(), Some("(0,,00:00:02,946684805)"));
    assert_eq!(log("ROW(status, rows_read, rows_written, error)").as_deref(), Some("(ok,7,2,)"));
    // work of other kinds does not satisfy a schedule
    let entry = ledger::begin(id, Kind::Compaction, at(20));
    ledger::done(&entry, None, &Done { read: None, written: 1 }, clock::now());
    assert_eq!(progress("extract(epoch FROM started)::int").as_deref(), Some("946684810"));
    assert_eq!(log("ROW(kind, status, rows_read)").as_deref(), Some("(compaction,ok,)"));
}
