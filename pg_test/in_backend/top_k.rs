#[pg_test]
fn top_k_of_few_values_is_group_by() {
    run("CREATE TEMP TABLE w AS SELECT 'word ' || (i * i % 29) w, i % 13 g FROM generate_series(1, 5000) i");
    let exact = "(SELECT jsonb_agg(jsonb_build_object('value', w, 'count', n, 'error', 0) ORDER BY n DESC, to_jsonb(w)::text COLLATE \"C\")
                  FROM (SELECT w, count(*) n FROM w GROUP BY w ORDER BY n DESC, to_jsonb(w)::text COLLATE \"C\" LIMIT 5) t)";
    for ours in [
        "top_k(w, 5) FROM w",
        "finalize(top_k_state(w, 5)) FROM w",
        "top_k_state(w, 5)::jsonb FROM w",
        "top_k_merge(s) FROM (SELECT top_k_state(w, 5) s FROM w GROUP BY g) t",
        "finalize(top_k_merge_state(s)) FROM (SELECT top_k_state(w, 5) s FROM w GROUP BY g) t",
        "top_k_merge(s::text::tally.top_k_state) FROM (SELECT top_k_state(w, 5) s FROM w GROUP BY g) t",
        "finalize(top_k_state(w, 5) FILTER (WHERE g < 5) || top_k_state(w, 5) FILTER (WHERE g >= 5)) FROM w",
        // Merging different k gives the smaller.
        "finalize(top_k_state(w, 9) FILTER (WHERE g < 5) || top_k_state(w, 5) FILTER (WHERE g >= 5)) FROM w",
    ] {
        same(ours, exact);
    }
    holds("(SELECT top_k_state(w, 5)::text FROM w) = (SELECT top_k_merge_state(s)::text FROM (SELECT top_k_state(w, 5) s FROM w GROUP BY g ORDER BY g DESC) t)");
    holds("(SELECT tally.is_empty(top_k_state(w, 5)) FROM w WHERE false) AND (SELECT NOT tally.is_empty(top_k_state(w, 5)) FROM w)");
    same("top_k(NULL::text, 5)", "'[]'");
    same("top_k(w, 5) FROM w WHERE false", "'[]'");
    same("top_k_merge(NULL::tally.top_k_state)", "'[]'");
    same("top_k(DISTINCT w, 1) -> 0 ->> 'count' FROM w", "'1'");
}

/// Thousands of different values: the bounds hold, and what is frequent is found.
#[pg_test]
fn top_k_of_many_values_keeps_its_word() {
    run("CREATE TEMP TABLE z AS SELECT floor(exp(ln(20000) * (i * 0.6180339887 % 1)))::int v, i % 17 g FROM generate_series(1, 60000) i");
    for states in ["top_k_state(v, 10)::jsonb FROM z", "top_k_merge(s) FROM (SELECT top_k_state(v, 10) s FROM z GROUP BY g) t"] {
        run(&format!("CREATE TEMP TABLE answer AS SELECT (e ->> 'value')::int v, (e ->> 'count')::int n, (e ->> 'error')::int error
                      FROM (SELECT {states}) s(j), jsonb_array_elements(j) e"));
        holds("(SELECT count(*) = 10 AND bool_and(a.n - a.error <= t.n AND t.n <= a.n AND a.error <= 60000 / 30)
               FROM answer a JOIN (SELECT v, count(*) n FROM z GROUP BY v) t USING (v))");
        holds("(SELECT array_agg(v ORDER BY v) FROM answer) = ARRAY[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]");
        run("DROP TABLE answer");
    }
}

/// Values look as to_jsonb shows them, whatever the session's settings; equal ones are one.
#[pg_test]
fn top_k_of_any_type() {
    run("CREATE TYPE pg_temp.mood AS ENUM ('sad', 'ok')");
    run("CREATE DOMAIN pg_temp.positive AS int CHECK (VALUE > 0)");
    run("CREATE TYPE pg_temp.pair AS (a numeric, b text)");
    for (t, value) in [
        ("text", "'a \"quoted\" \\ é 🙂'"), ("varchar", "'x'"), ("bpchar", "'x'"), ("name", "'x'"), ("\"char\"", "'x'"), ("bool", "true"),
        ("int2", "'-3'"), ("int4", "42"), ("int8", "9223372036854775807"), ("numeric", "12.5"), ("numeric", "'NaN'"), ("float4", "0.1"), ("float8", "1e300"),
        ("float8", "'Infinity'"), ("uuid", "'00000000-0000-0000-0000-000000000001'"), ("date", "'2024-02-29'"), ("timestamp", "'2024-02-29 12:00'"),
        ("timestamptz", "'2024-02-29 12:00+00'"), ("time", "'12:00'"), ("timetz", "'12:00+02'"), ("interval", "'1 day 2 hours'"), ("bytea", "'\\x00ff'"),
        ("inet", "'10.0.0.1'"), ("macaddr", "'08:00:2b:01:02:03'"), ("varbit", "'101'"), ("jsonb", "'{\"a\": [1, null]}'"), ("jsonb", "'null'"), ("json", "'[1]'"),
        ("int[]", "'{1,NULL}'"), ("timestamptz[]", "'{2024-02-29 12:00+00}'"), ("int4range", "'[1,3)'"), ("pg_temp.mood", "'ok'"), ("pg_temp.positive", "'5'"),
        ("pg_temp.pair", "'(1.5,x)'"), ("point", "'(1,2)'"), ("tsvector", "'a b'"), ("regclass", "'pg_class'"), ("oid", "7"), ("xid", "'7'"),
    ] {
        run("SET LOCAL TimeZone = 'UTC'");
        let shown = text(&format!("to_jsonb({value}::{t})"));
        run(&format!("CREATE TEMP TABLE made ON COMMIT DROP AS SELECT top_k_state(x, 2) s FROM (SELECT {value}::{t} x FROM generate_series(1, 3)) v"));
        for setting in ["TimeZone = 'Asia/Tokyo'", "extra_float_digits = -10", "IntervalStyle = 'sql_standard'", "DateStyle = 'SQL, DMY'", "bytea_output = 'escape'"] {
            run(&format!("SET LOCAL {setting}"));
        }
        assert_eq!(text("finalize(s) -> 0 -> 'value' FROM made"), shown, "{t} {value}");
        same("finalize(s) -> 0 ->> 'count' FROM made", "'3'");
        holds(&format!("(SELECT top_k_state(x, 2)::text FROM (SELECT {value}::{t} x FROM generate_series(1, 3)) v) = (SELECT s::text FROM made)"));
        run("RESET ALL");
        run("DROP TABLE made");
    }
    for (t, values) in [("numeric", "('1'), ('1.0'), ('1.000')"), ("float8", "('0'), ('-0')"), ("bpchar", "('a'), ('a  ')"),
                        ("interval", "('1 month'), ('30 days')"), ("timestamptz", "('2024-01-01 12:00+00'), ('2024-01-01 13:00+01')")] {
        same(&format!("jsonb_array_length(top_k(x, 9)) FROM (SELECT x::{t} x FROM (VALUES {values}) v(x)) t"), "1");
        same(&format!("jsonb_array_length(top_k_merge(s)) FROM (SELECT top_k_state(x::{t}, 9) s FROM (VALUES {values}) v(x) GROUP BY x) t"), "1");
    }
    run("CREATE TEMP TABLE long AS SELECT string_agg(md5((i * j)::text), '') x FROM generate_series(1, 300) i, generate_series(1, 3) j GROUP BY j");
    holds("(SELECT top_k(x, 3) @> jsonb_build_array(jsonb_build_object('value', min(x), 'count', 1)) FROM long)");
}

#[pg_test]
fn top_k_refuses_what_it_cannot_count() {
    for k in ["0", "-1", "1001", "NULL"] {
        refused("22023", &format!("SELECT top_k(1, {k})"));
    }
    refused("22023", "SELECT top_k(i, i) FROM generate_series(1, 2) i");
    if loose_collation() {
        refused("0A000", "SELECT top_k('a'::text COLLATE pg_temp.loose, 1)");
    }
    for call in ["top_k_trans(NULL, 1, 1)", "top_k_merge_trans(NULL, top_k_state(1, 1))", "quantile_trans(NULL, 1)", "quantile_at_trans(NULL, 1, 1)"] {
        assert_ne!(error_of(&format!("SELECT tally.{call}")), "00000", "{call}");
    }
}
