const INPUTS: [(&str, &str); 9] = [
    ("int2", "SELECT ((i * 7919) % 65535 - 32767)::int2 x, i % 5 g FROM generate_series(1, 2000) i"),
    ("int4", "SELECT (i * 1000003 % 2147483647)::int4 x, i % 5 g FROM generate_series(1::int8, 2000) i"),
    ("int8", "SELECT 9223372036854775807 - i x, i % 5 g FROM generate_series(1::int8, 2000) i"),
    ("numeric", "SELECT (i * 1.10) ^ 3 / 7 x, i % 5 g FROM generate_series(1, 500) i"),
    ("scales", "SELECT round(i / 7.0, i % 30) x, i % 5 g FROM generate_series(1, 500) i"),
    ("huge", "SELECT 10::numeric ^ (i % 400) - 1e-200 x, i % 5 g FROM generate_series(1, 500) i"),
    ("interval", "SELECT make_interval(months => i % 100, days => -i, secs => i / 3.0) x, i % 5 g FROM generate_series(1, 500) i"),
    ("nulls", "SELECT CASE WHEN i % 3 = 0 THEN i END x, CASE WHEN i % 9 = 3 THEN 7 ELSE 1 END g FROM generate_series(1, 50) i"),
    ("none", "SELECT 1::int4 x, 1 g WHERE false"),
];

/// Through f_state + finalize, f_merge, f_merge_state, || and text, the answer is PostgreSQL's own.
#[pg_test]
fn sum_and_avg_are_those_of_postgres() {
    for (name, input) in INPUTS {
        for f in ["sum", "avg"] {
            let own = format!("(SELECT {f}(x) FROM ({input}) t)");
            same(&own, &format!("(SELECT finalize({f}_state(x)) FROM ({input}) t)"));
            let states = format!("(SELECT {f}_state(x) s FROM ({input}) t GROUP BY g) u");
            same(&own, &format!("(SELECT {f}_merge(s) FROM {states})"));
            same(&own, &format!("(SELECT finalize({f}_merge_state(s)) FROM {states})"));
            let pairs = format!(
                "(SELECT finalize({f}_state(x) FILTER (WHERE g < 2) || {f}_state(x) FILTER (WHERE g >= 2)) FROM ({input}) t)"
            );
            same(&own, &pairs);
            // Bytes depend on the rows only, not on how they were grouped.
            if name != "none" {
                holds(&format!(
                    "(SELECT {f}_state(x) FROM ({input}) t)::text = (SELECT {f}_merge_state(s) FROM {states})::text"
                ));
            }
        }
    }
}

/// Most stored states are of few rows; there are many of them, and the sum grows far beyond each.
#[pg_test]
fn many_small_states_sum_as_their_rows_do() {
    for x in [
        "(i % 200 - 100)::int4",
        "(i * 1000003 - 3 * 10 ^ 9)::int8",
        "(i * (9223372036854775807 / 6000)) * (i % 2 * 2 - 1)",
        "round(i / 7.0, 2)",
        "round(i * 12345.678901 - 20000000, (i % 8)::int)",
        "i * 1e25 + 0.125",
        "CASE i % 500 WHEN 0 THEN 'NaN' ELSE i / 4.0 END",
        // Doubles that have an exact sum, so that PostgreSQL's does not depend on the order.
        "(i - 1500) * 2.0::float8 ^ (i % 7 - 3)",
        "(i - 1500) * 2.0::float8 ^ (-1000 - i % 7)",
        "CASE i % 500 WHEN 0 THEN 'Infinity'::float8 ELSE i END",
    ] {
        for (rows, first) in [(1, 1), (2, 1), (7, 2900)] {
            let input = format!("(SELECT {x} AS x, i / {rows} AS g FROM generate_series({first}::int8, 3000) i) t");
            let states = format!("(SELECT sum_state(x) AS s, avg_state(x) AS a FROM {input} GROUP BY g) u");
            same(&format!("(SELECT sum(x) FROM {input})"), &format!("(SELECT sum_merge(s) FROM {states})"));
            same(&format!("(SELECT sum(x) FROM {input})"), &format!("(SELECT finalize(sum_merge_state(s)) FROM {states})"));
            same(&format!("(SELECT finalize(avg_state(x)) FROM {input})"), &format!("(SELECT avg_merge(a) FROM {states})"));
            holds(&format!("(SELECT sum_state(x) FROM {input})::text = (SELECT sum_merge_state(s) FROM {states})::text"));
        }
    }
}

#[pg_test]
fn sums_by_group_are_those_of_postgres() {
    for (_, input) in INPUTS {
        holds(&format!(
            "NOT EXISTS (SELECT g, sum(x)::text, avg(x)::text FROM ({input}) t GROUP BY g
             EXCEPT ALL SELECT g, finalize(sum_state(x))::text, finalize(avg_state(x))::text FROM ({input}) t GROUP BY g)"
        ));
    }
}

#[pg_test]
fn special_numerics() {
    for values in [
        "('NaN'::numeric), (1)",
        "('Infinity'::numeric), (1.5)",
        "('-Infinity'::numeric), (1)",
        "('Infinity'::numeric), ('-Infinity')",
        "('NaN'::numeric), ('Infinity')",
        "(0.000::numeric), (-0.0)",
        "(NULL::numeric), (NULL)",
        "(1e131071::numeric), (1e-16383)",
    ] {
        for f in ["sum", "avg"] {
            same(
                &format!("(SELECT {f}(x) FROM (VALUES {values}) v(x))"),
                &format!("(SELECT finalize({f}_state(x)) FROM (VALUES {values}) v(x))"),
            );
        }
    }
}

#[pg_test]
fn removing_rows_leaves_no_trace() {
    for (name, input) in INPUTS.iter().filter(|(name, _)| *name != "none") {
        for f in ["sum", "avg"] {
            same(
                &format!("(SELECT {f}(x) FILTER (WHERE g <> 1) FROM ({input}) t)"),
                &format!(
                    "(SELECT finalize({f}_state(x) || tally.negate({f}_state(x) FILTER (WHERE g = 1))) FROM ({input}) t)"
                ),
            );
            holds(&format!(
                "(SELECT tally.is_empty({f}_state(x) || tally.negate({f}_state(x))) FROM ({input}) t) /* {name} */"
            ));
        }
    }
    same("'NaN'::numeric", "finalize(sum_state(x)) FROM (VALUES ('NaN'::numeric), (1)) v(x)");
    same(
        "1.00",
        "finalize(sum_state(x) || tally.negate(sum_state(x) FILTER (WHERE x IN ('NaN', 3.0001, 'Infinity'))))
         FROM (VALUES ('NaN'::numeric), (1.00), (3.0001), ('Infinity')) v(x)",
    );
}

#[pg_test]
fn float_sums_are_exact_and_rounded_once() {
    same("'0.3'::float8", "finalize(sum_state(x)) FROM (VALUES (1e300::float8), (0.3), (-1e300)) v(x)");
    same("'NaN'", "finalize(sum_state(x)) FROM (VALUES ('Infinity'::float8), ('-Infinity')) v(x)");
    same("'Infinity'", "finalize(sum_state(x)) FROM (VALUES ('Infinity'::float8), (1)) v(x)");
    same("0.5::float8", "finalize(avg_state(x)) FROM (VALUES (0.25::float4), (0.75)) v(x)");
    same("sum(i::float4)::text FROM generate_series(1, 100) i", "finalize(sum_state(i::float4)) FROM generate_series(1, 100) i");
    refused("22003", "SELECT finalize(sum_state(x)) FROM (VALUES (1.7e308::float8), (1.7e308)) v(x)");
    // Any order and any removals give the same bits.
    holds(
        "(SELECT sum_state(x ORDER BY i)::text = sum_state(x ORDER BY -i)::text
            AND (sum_state(x) || tally.negate(sum_state(x) FILTER (WHERE i > 5)))::text = (sum_state(x) FILTER (WHERE i <= 5))::text
          FROM (SELECT i, exp(i::float8 * (i % 3 - 1)) x FROM generate_series(1, 200) i) t)",
    );
}

#[pg_test]
fn interval_sums_out_of_range_are_postgresqls_error() {
    for (sum, state) in [("sum", "sum_state"), ("avg", "avg_state")] {
        let rows = "(VALUES (interval '2147483647 months'), ('1 month')) v(x)";
        let own = error_of(&format!("SELECT {sum}(x) FROM {rows}"));
        assert_eq!(own, "22008 interval out of range");
        assert_eq!(error_of(&format!("SELECT finalize({state}(x)) FROM {rows}")), own);
        assert_eq!(error_of(&format!("SELECT {sum}_merge(s) FROM (SELECT {state}(x) AS s FROM {rows}) t")), own);
    }
}

#[pg_test]
fn sums_of_nothing() {
    for f in ["sum", "avg"] {
        for t in ["int2", "int4", "int8", "numeric", "float4", "float8", "interval"] {
            holds(&format!("(SELECT {f}_state(x) IS NOT NULL FROM (SELECT NULL::{t} x WHERE false) t)"));
            holds(&format!("(SELECT tally.is_empty({f}_state(x)) FROM (SELECT NULL::{t} x) t)"));
            holds(&format!("(SELECT finalize({f}_state(x)) IS NULL FROM (SELECT NULL::{t} x) t)"));
        }
        for s in ["", "_float8", "_interval"] {
            holds(&format!("(SELECT {f}_merge(NULL::tally.{f}{s}_state) IS NULL)"));
            holds(&format!("(SELECT tally.is_empty({f}_merge_state(NULL::tally.{f}{s}_state)))"));
            holds(&format!("finalize(NULL::tally.{f}{s}_state) IS NULL"));
            holds(&format!("tally.merge(NULL::tally.{f}{s}_state, NULL) IS NULL"));
        }
    }
}

#[pg_test]
fn sums_with_distinct_filter_and_windows() {
    same("(SELECT sum(DISTINCT i % 10) FROM generate_series(1, 99) i)", "(SELECT finalize(sum_state(DISTINCT i % 10)) FROM generate_series(1, 99) i)");
    same("(SELECT avg(i) FILTER (WHERE i > 10) FROM generate_series(1, 99) i)", "(SELECT finalize(avg_state(i) FILTER (WHERE i > 10)) FROM generate_series(1, 99) i)");
    same(
        "(SELECT string_agg(s::text, ',') FROM (SELECT sum(i) OVER (ORDER BY i) s FROM generate_series(1, 9) i) t)",
        "(SELECT string_agg(finalize(s)::text, ',') FROM (SELECT sum_state(i) OVER (ORDER BY i) s FROM generate_series(1, 9) i) t)",
    );
    same(
        "(SELECT string_agg(s::text, ',' ORDER BY s) FROM (SELECT sum(i) s FROM generate_series(1, 9) i GROUP BY ROLLUP (i % 3, i % 2)) t)",
        "(SELECT string_agg(s::text, ',' ORDER BY s) FROM (SELECT finalize(sum_state(i)) s FROM generate_series(1, 9) i GROUP BY ROLLUP (i % 3, i % 2)) t)",
    );
}

#[pg_test]
fn casts_to_final_values() {
    same("sum_state(i)::numeric FROM generate_series(1, 4) i", "10");
    same("avg_state(i)::numeric FROM generate_series(1, 4) i", "2.5000000000000000");
    same("sum_state(i::float8)::float8 FROM generate_series(1, 4) i", "10");
    same("avg_state(make_interval(hours => i))::interval FROM generate_series(1, 4) i", "'02:30:00'");
    run("CREATE TEMP TABLE finals (n numeric, f float8, u bigint)");
    run("INSERT INTO finals SELECT sum_state(i), avg_state(i::float8), uniq_state(i) FROM generate_series(1, 4) i");
    same("(n, f, u)::text FROM finals", "'(10,2.5,4)'");
}
