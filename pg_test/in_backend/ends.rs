const ENDS: [(&str, &str); 10] = [
    ("bool_and", "x % 9 <> 4"),
    ("bool_or", "x % 9 = 4"),
    ("bit_and", "(x | 12)::int2"),
    ("bit_or", "(x & 12)::int2"),
    ("bit_and", "x | 96"),
    ("bit_or", "x & 96"),
    ("bit_and", "x::int8 << 33 | 96"),
    ("bit_or", "x::int8 << 33"),
    ("bit_and", "x::bit(24)"),
    ("bit_or", "x::bit(24)"),
];

#[pg_test]
fn ends_are_those_of_postgres() {
    run("CREATE TEMP TABLE x AS SELECT CASE WHEN x % 7 > 0 THEN x END x, x % 5 g FROM generate_series(1, 300) x");
    for (f, x) in ENDS {
        for rows in ["true", "g = 2", "x IS NULL", "false"] {
            let own = format!("(SELECT {f}({x}) FROM x WHERE {rows})");
            same(&own, &format!("(SELECT {f}_state({x}) FROM x WHERE {rows})"));
            let states = format!("(SELECT {f}_state({x}) s FROM x WHERE {rows} GROUP BY g) t");
            same(&own, &format!("(SELECT {f}_merge(s) FROM {states})"));
            same(&own, &format!("(SELECT {f}_merge_state(s) FROM {states})"));
        }
        holds(&format!("pg_typeof({f}_state({x})) = pg_typeof({f}({x})) FROM x"));
    }
}

#[pg_test]
fn any_value_is_the_least() {
    for x in ["x", "x::text", "(x / 7.0)", "ARRAY[x]", "x::text COLLATE \"C\""] {
        let input = "FROM generate_series(8, 31) x";
        for f in ["any_value_state", "any_value_merge", "any_value_merge_state", "public.any_value"] {
            same(&format!("(SELECT min({x}) {input})"), &format!("(SELECT {f}({x}) {input})"));
        }
    }
    holds("(SELECT any_value_state(x) IS NULL FROM (SELECT NULL::text x) t)");
    refused("42883", "SELECT any_value_state('{}'::json)");
}

#[pg_test]
fn ends_run_in_parallel_workers() {
    run("CREATE TABLE x AS SELECT x, x % 20 g FROM generate_series(1, 30000) x");
    run("ANALYZE x");
    let all = ENDS.map(|(f, x)| format!("{f}_state({x}), {f}_merge({x}), {f}_merge_state({x})")).join(", ");
    same_in_parallel(&format!("SELECT {all}, any_value_state(x), public.any_value(x) FROM x"));
    same_in_parallel(&format!("SELECT g, {all}, any_value_merge(x), any_value_merge_state(x) FROM x GROUP BY g"));
}
