/// A million events in a year of about 200 users: what `tally.sessions` reads for one day of it, (rows, blocks).
fn read_for_a_day(table: &str) -> (f64, f64) {
    run("CREATE OR REPLACE FUNCTION pg_temp.read_for_a_day(source regclass) RETURNS float8[] LANGUAGE plpgsql AS $$
         DECLARE plan jsonb; rows float8; BEGIN
           EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, TIMING off, FORMAT json) ' || tally.sessions_query(source, 'u', 't', '30 minutes', '2024-06-01 00:00+00', '2024-06-02 00:00+00')
             INTO plan USING interval '30 minutes', timestamptz '2024-06-01 00:00+00', timestamptz '2024-06-02 00:00+00';
           SELECT sum(((n ->> 'Actual Rows')::float8 + coalesce((n ->> 'Rows Removed by Filter')::float8, 0)
                        + coalesce((n ->> 'Rows Removed by Index Recheck')::float8, 0)) * (n ->> 'Actual Loops')::float8)
             INTO rows FROM jsonb_path_query(plan, 'strict $.** ? (@.\"Relation Name\" starts with \"\")') n;
           RETURN ARRAY[rows, (plan #>> '{0,Plan,Shared Hit Blocks}')::float8 + (plan #>> '{0,Plan,Shared Read Blocks}')::float8];
         END $$");
    run(&format!("CREATE TEMP TABLE reading AS SELECT pg_temp.read_for_a_day('{table}') AS r"));
    let number = |i| text(&format!("r[{i}] FROM reading")).and_then(|n| n.parse::<f64>().ok()).unwrap_or(f64::INFINITY);
    let read = (number(1), number(2));
    run("DROP TABLE reading");
    read
}

#[pg_test]
fn a_days_sessions_read_little_more_than_a_day() {
    run("CREATE TABLE visit AS SELECT hashint4(i) & 255 AS u, timestamptz '2024-01-01 00:00+00' + i * interval '31 seconds' AS t
         FROM generate_series(1, 1000000) i");
    let sessions = "array_agg(s ORDER BY s)::text FROM tally.sessions('visit', 'u', 't', '30 minutes', '2024-06-01 00:00+00', '2024-06-02 00:00+00') s";
    run("ANALYZE visit");
    let (all, table) = read_for_a_day("visit");
    let expected = text(sessions);
    assert!(all >= 1e6, "without an index all is read, and seen to be: {all}");
    for (index, most) in [("(u, t)", 0.02), ("(t)", 0.02), ("(t), visit (u, t)", 0.02)] {
        for columns in index.split(", visit ") {
            run(&format!("CREATE INDEX of_the_test_{} ON visit {columns}", columns.len()));
        }
        run("ANALYZE visit");
        let (rows, blocks) = read_for_a_day("visit");
        assert!(rows < most * all, "{index}: {rows} rows of {all}");
        assert!(blocks < table, "{index}: {blocks} blocks of {table}");
        assert_eq!(text(sessions), expected, "{index}");
        run("DROP INDEX IF EXISTS of_the_test_3, of_the_test_6");
    }
}
