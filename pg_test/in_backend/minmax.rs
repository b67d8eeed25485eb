#[pg_test]
fn counts() {
    same("count(*) FROM generate_series(1, 77)", "count_state(*) FROM generate_series(1, 77)");
    same("count(x) FROM (VALUES (1), (NULL)) v(x)", "count_state(x) FROM (VALUES (1), (NULL)) v(x)");
    same("0", "count_state(*) FILTER (WHERE false)");
    same("0", "count_merge(x) FROM (SELECT 1::int8 x WHERE false) t");
    same("0", "count_merge_state(NULL::int8)");
    same("100", "count_merge(s) FROM (SELECT count_state(*) s FROM generate_series(1, 100) i GROUP BY i % 7) t");
    same("3", "count_state(DISTINCT i % 3) FROM generate_series(1, 100) i");
}

#[pg_test]
fn min_and_max_are_those_of_postgres() {
    for (t, values) in [
        ("int2", "('3'), ('-4'), (NULL), ('7')"),
        ("int4", "('3'), ('-4'), (NULL), ('7')"),
        ("int8", "('3'), ('-9223372036854775808'), ('7')"),
        ("float4", "('NaN'), ('-Infinity'), ('0'), ('-0')"),
        ("float8", "('NaN'), ('-Infinity'), ('0'), ('-0')"),
        ("numeric", "('NaN'), ('1.0'), ('1.00'), ('-Infinity')"),
        ("text", "('b'), ('B'), ('a'), ('ä'), (repeat('z', 5000))"),
        ("bpchar", "('b  '), ('a'), ('c')"),
        ("date", "('2024-01-01'), ('infinity'), ('-infinity')"),
        ("timestamptz", "('2024-01-01'), ('infinity'), ('1999-01-01')"),
        ("interval", "('1 month'), ('30 days'), ('-1 year')"),
        ("inet", "('10.0.0.1'), ('::1'), ('10.0.0.0/8')"),
        ("int4[]", "('{1,2}'), ('{1}'), ('{2,NULL}')"),
    ] {
        for f in ["min", "max"] {
            let input = format!("(SELECT x::{t} x FROM (VALUES {values}) v(x)) t");
            same(&format!("{f}(x) FROM {input}"), &format!("{f}_state(x) FROM {input}"));
            same(&format!("{f}(x) FROM {input}"), &format!("{f}_merge(x) FROM {input}"));
            same(
                &format!("{f}(x) FROM {input}"),
                &format!("{f}_merge(s) FROM (SELECT {f}_merge_state(x) s FROM {input} GROUP BY x) u"),
            );
        }
    }
    same("'{\"a\": 2}'", "max_state(x) FROM (VALUES ('{\"a\": 1}'::jsonb), ('{\"a\": 2}')) v(x)");
    same("'(1,b)'", "max_state(x) FROM (VALUES (ROW(1, 'a'::text)), (ROW(1, 'b'::text))) v(x)");
    holds("uuid 'ffffffff-ffff-ffff-ffff-ffffffffffff' = (SELECT max_state(x) FROM (VALUES ('00000000-0000-0000-0000-000000000001'::uuid), ('ffffffff-ffff-ffff-ffff-ffffffffffff')) v(x))");
    holds("(SELECT min_state(x) IS NULL FROM (SELECT 'x'::text x WHERE false) t)");
    holds("(SELECT max_merge(NULL::int) IS NULL)");
    same("'A'", "min_state(x COLLATE \"C\") FROM (VALUES ('a'), ('A')) v(x)");
    holds("pg_typeof(min_state(1::int2)) = 'int2'::regtype");
    refused("42883", "SELECT max_state(x) FROM (VALUES ('{}'::json)) v(x)");
    refused("42883", "SELECT min_state(point '(1,2)')");
}

#[pg_test]
fn min_and_max_by_group() {
    run("CREATE TEMP TABLE m AS SELECT i % 97 g, md5(i::text) t, i::numeric n FROM generate_series(1, 5000) i");
    for hash in ["on", "off"] {
        run(&format!("SET LOCAL enable_hashagg = {hash}"));
        holds("NOT EXISTS (SELECT g, min(t), max(t), min(n), max(n) FROM m GROUP BY g
               EXCEPT SELECT g, min_state(t), max_merge(t), min_merge_state(n), max_state(n) FROM m GROUP BY g)");
    }
}
