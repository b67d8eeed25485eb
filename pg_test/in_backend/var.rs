const SPREADS: [&str; 4] = ["var_pop", "var_samp", "stddev_pop", "stddev_samp"];

/// Random numerics of all shapes, a few to a group, and rows of it that are said to go.
const SHAPES: &str = "CREATE TEMP TABLE shapes AS SELECT g, i, i % 3 = 0 AS gone, CASE floor(random() * 14)
        WHEN 0 THEN floor(random() * 20)::numeric
        WHEN 1 THEN floor(random() * 2000 - 1000)::numeric / 100
        WHEN 2 THEN round((random() * 1e6)::numeric, floor(random() * 8)::int)
        WHEN 3 THEN round(random()::numeric / 3 * 10::numeric ^ floor(random() * 60 - 30)::int, floor(random() * 60)::int)
        WHEN 4 THEN 10::numeric ^ floor(random() * 200)::int
        WHEN 5 THEN -(10::numeric ^ (-floor(random() * 200)::int))
        WHEN 6 THEN (random() * 1e15)::int8
        WHEN 7 THEN 9223372036854775807::numeric - floor(random() * 10)::int
        WHEN 8 THEN round(1 / 3.0, floor(random() * 900)::int)
        WHEN 9 THEN 0.000
        WHEN 10 THEN CASE WHEN random() < 0.03 THEN 'NaN'::numeric ELSE 5 END
        WHEN 11 THEN CASE WHEN random() < 0.03 THEN 'Infinity'::numeric ELSE 7.25 END
        WHEN 12 THEN CASE WHEN random() < 0.03 THEN '-Infinity'::numeric END
        ELSE round((random() * 100)::numeric, 2) END x
    FROM (SELECT g, random() * 12 AS n FROM generate_series(1, 4000) g) g, generate_series(0, n::int) i";

#[pg_test]
fn variances_are_those_of_postgres() {
    for (name, input) in INPUTS.iter().filter(|(name, _)| *name != "interval") {
        for f in SPREADS {
            let own = format!("(SELECT {f}(x) FROM ({input}) t)");
            same(&own, &format!("(SELECT {f}(var_state(x)) FROM ({input}) t)"));
            let states = format!("(SELECT var_state(x) s FROM ({input}) t GROUP BY g) u");
            same(&own, &format!("(SELECT {f}_merge(s) FROM {states})"));
            same(&own, &format!("(SELECT {f}(var_merge_state(s)) FROM {states})"));
        }
        if *name != "none" {
            holds(&format!(
                "(SELECT var_state(x) FROM ({input}) t)::text = (SELECT var_merge_state(s) FROM (SELECT var_state(x) s FROM ({input}) t GROUP BY g) u)::text"
            ));
        }
    }
}

#[pg_test]
fn variances_of_random_numerics_are_those_of_postgres_to_the_digit() {
    run("SELECT setseed(0.3)");
    run(SHAPES);
    run("CREATE TEMP TABLE states AS SELECT g, var_state(x) s, var_state(x) FILTER (WHERE gone) gone, var_state(x) FILTER (WHERE NOT gone) stays FROM shapes GROUP BY g");
    for f in SPREADS {
        let bad = |rows: &str, state: &str| {
            holds(&format!("NOT EXISTS (SELECT FROM (SELECT g, {f}(x) own FROM shapes WHERE {rows} GROUP BY g) o JOIN states USING (g) WHERE own::text IS DISTINCT FROM {f}({state})::text)"));
        };
        bad("true", "s");
        bad("true", "gone || stays");
        bad("NOT gone", "s || tally.negate(gone)");
        same(&format!("(SELECT {f}(x)::text FROM shapes WHERE abs(x) < 1e30)"), &format!("(SELECT {f}_merge(s)::text FROM (SELECT var_state(x) s FROM shapes WHERE abs(x) < 1e30 GROUP BY g) t)"));
    }
    holds("NOT EXISTS (SELECT FROM states WHERE s::text <> (stays || gone)::text OR stays::text <> (s || tally.negate(gone))::text)");
}

#[pg_test]
fn variances_of_random_integers_are_those_of_postgres() {
    run("SELECT setseed(0.4)");
    run("CREATE TEMP TABLE integers AS SELECT g, (random() * 30000 - 15000)::int2 i2, (random() * 10 ^ (g % 10))::int4 i4, (random() * 9e18)::int8 i8
         FROM generate_series(1, 3000) g, generate_series(0, g % 9)");
    for f in SPREADS {
        for x in ["i2", "i4", "i8"] {
            holds(&format!("NOT EXISTS (SELECT FROM integers GROUP BY g HAVING {f}({x})::text IS DISTINCT FROM {f}(var_state({x}))::text)"));
        }
    }
}

#[pg_test]
fn variances_of_special_values() {
    for values in [
        "('NaN'::numeric)",
        "('NaN'::numeric), (1)",
        "('Infinity'::numeric), (1.5)",
        "('-Infinity'::numeric), ('Infinity')",
        "(NULL::numeric)",
        "(1.50::numeric), (1.5)",
        "(1e-16383::numeric), (0)",
        "(1e60000::numeric), (1e-16383)",
        "('NaN'::float8)",
        "('NaN'::float8), (1)",
        "('Infinity'::float8)",
        "('Infinity'::float8), ('-Infinity')",
        "(0::float8), ('-0')",
        "(2.5::float4)",
        "(2.5::float4), (4.5), (NULL)",
    ] {
        for f in SPREADS {
            same(&format!("(SELECT {f}(x) FROM (VALUES {values}) v(x))"), &format!("(SELECT {f}(var_state(x)) FROM (VALUES {values}) v(x))"));
        }
    }
    let overflow = "FROM (VALUES (1e100000::numeric), (0)) v(x)";
    assert_eq!(error_of(&format!("SELECT var_pop(x) {overflow}")), error_of(&format!("SELECT var_pop(var_state(x)) {overflow}")));
    refused("22003", &format!("SELECT var_pop(var_state(x)) {overflow}"));
    refused("22003", "SELECT var_samp(var_state(x)) FROM (VALUES (1e200::float8), (-1e200)) v(x)");
    // Its root is a double, which PostgreSQL's own does not find.
    same("1e200::float8", "stddev_pop(var_state(x)) FROM (VALUES (1e200::float8), (-1e200)) v(x)");
}

#[pg_test]
fn float_variances_are_exact_and_rounded_once() {
    run("CREATE TEMP TABLE floats AS SELECT i, exp((i % 40 - 20)::float8) * (i % 7 - 3) x FROM generate_series(1, 500) i");
    for f in SPREADS {
        holds(&format!("(SELECT abs({f}(x) / {f}(var_state(x)) - 1) < 1e-13 FROM floats)"));
        // Halves are the same number as a double and as a numeric.
        holds(&format!("(SELECT abs({f}(i / 2.0) - {f}(var_state(i / 2.0::float8))::numeric) < 1e-9 FROM floats)"));
        holds(&format!("(SELECT {f}(var_state(x ORDER BY i)) = {f}(var_state(x ORDER BY -i)) FROM floats)"));
    }
    // Where the squares as doubles have no digit left of the difference.
    same("0.25::float8", "var_pop(var_state(x)) FROM (VALUES (1e15 + 0.5::float8), (1e15 + 1.5::float8)) v(x)");
    same("1::float8", "stddev_pop(var_state(x)) FROM (VALUES (9007199254740990::float8), (9007199254740992)) v(x)");
    holds("(SELECT (var_state(x) || tally.negate(var_state(x) FILTER (WHERE i > 5)))::text = (var_state(x) FILTER (WHERE i <= 5))::text FROM floats)");
}

#[pg_test]
fn variances_of_nothing() {
    for t in ["int2", "int4", "int8", "numeric", "float4", "float8"] {
        holds(&format!("(SELECT tally.is_empty(var_state(x)) FROM (SELECT NULL::{t} x) t)"));
        for f in SPREADS {
            holds(&format!("(SELECT {f}(var_state(x)) IS NULL FROM (SELECT NULL::{t} x WHERE false) t)"));
            holds(&format!("(SELECT {f}(var_state(x) || tally.negate(var_state(x))) IS NULL FROM (VALUES (1::{t}), (2)) v(x))"));
        }
    }
    for s in ["var_state", "var_float8_state"] {
        for f in SPREADS {
            holds(&format!("{f}(NULL::tally.{s}) IS NULL"));
            holds(&format!("(SELECT {f}_merge(NULL::tally.{s}) IS NULL)"));
        }
        holds(&format!("(SELECT tally.is_empty(var_merge_state(NULL::tally.{s})))"));
        holds(&format!("tally.merge(NULL::tally.{s}, NULL) IS NULL"));
    }
}

#[pg_test]
fn variances_run_in_parallel_workers() {
    run("CREATE TABLE numbers AS SELECT i, i::int2 i2, i::int8 i8, (i * 1.10)::numeric n, i / 3.0::float4 f4, i / 3.0::float8 f8, i % 20 g FROM generate_series(1, 30000) i");
    run("CREATE TABLE parts AS SELECT i % 500 p, g, var_state(n) n, var_state(f8) f FROM numbers GROUP BY 1, 2");
    run("ANALYZE numbers");
    run("ANALYZE parts");
    same_in_parallel("SELECT var_pop(var_state(i2)), var_samp(var_state(i)), stddev_pop(var_state(i8)), stddev_samp(var_state(n)), var_pop(var_state(f4)), var_state(f8) FROM numbers");
    same_in_parallel("SELECT g, stddev_samp(var_state(n)), var_state(f8) FROM numbers GROUP BY g");
    same_in_parallel("SELECT g, var_pop_merge(n), var_samp_merge(f), stddev_pop_merge(n), stddev_samp_merge(f), var_merge_state(n), var_merge_state(f) FROM parts GROUP BY g");
}
