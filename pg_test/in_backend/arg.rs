/// Expressions of a number `i`: values and keys of many kinds, with ties and NULLs.
const VALUES: [(&str, &str); 15] = [
    ("int", "nullif(i % 17, 3)"),
    ("text", "'v' || i % 23"),
    ("numeric", "round(i / 7.0, i % 4)"),
    ("float8", "(i % 11)::float8 / 3"),
    ("timestamptz", "timestamptz '2024-01-01' + i % 50 * interval '1 hour'"),
    ("bool", "i % 3 = 0"),
    ("uuid", "md5((i % 9)::text)::uuid"),
    ("jsonb", "jsonb_build_object('i', i % 13)"),
    ("int[]", "ARRAY[i % 5, NULL, i % 3]"),
    ("bytea", "decode(md5((i % 19)::text), 'hex')"),
    ("int4range", "int4range(i % 5, i % 5 + 3)"),
    ("bit(12)", "(i % 100)::bit(12)"),
    ("interval", "i % 40 * interval '1 day'"),
    ("name", "('n' || i % 8)::name"),
    ("bpchar(9)", "('b' || i % 8)::bpchar(9)"),
];

/// For every kind of value and key: what ORDER BY finds, directly, through states, and with the bytes independent of the order of rows.
#[pg_test]
fn arg_min_and_arg_max_are_what_order_by_finds() {
    run("CREATE TEMP TABLE numbers AS SELECT (i * 7919) % 1009 i, i % 6 g FROM generate_series(1, 400) i");
    let pairs = VALUES.iter().enumerate().flat_map(|(at, value)| [1, 4, 9].map(|step| (value, VALUES[(at + step) % VALUES.len()])));
    for ((t, v), (_, k)) in pairs {
        run(&format!("CREATE TEMP TABLE pairs AS SELECT ({v})::{t} v, CASE WHEN i % 29 > 0 THEN {k} END k, g, i FROM numbers"));
        for (f, order) in [("arg_min", "k"), ("arg_max", "k DESC")] {
            let found = format!("(SELECT v FROM pairs WHERE k IS NOT NULL ORDER BY {order}, v LIMIT 1)");
            same(&found, &format!("(SELECT {f}(v, k) FROM pairs)"));
            same(&found, &format!("(SELECT finalize({f}_state(v, k), NULL::{t}) FROM pairs)"));
            let states = format!("(SELECT {f}_state(v, k) s FROM pairs GROUP BY g) u");
            same(&found, &format!("(SELECT {f}_merge(s, NULL::{t}) FROM {states})"));
            let state = text(&format!("(SELECT {f}_state(v, k) FROM pairs)"));
            assert_eq!(state, text(&format!("(SELECT {f}_merge_state(s) FROM {states})")));
            assert_eq!(state, text(&format!("(SELECT {f}_state(v, k ORDER BY i) FROM pairs)")));
            assert_eq!(state, text(&format!("(SELECT {f}_state(v, k ORDER BY -i) FROM pairs)")));
            assert_eq!(state, text(&format!("(SELECT {f}_state(v, k) FILTER (WHERE g < 3) || {f}_state(v, k) FILTER (WHERE g >= 3) FROM pairs)")));
            assert_eq!(state, text(&format!("(SELECT tests.from_binary('tally.arg_state'::regtype, tally.arg_state_send({f}_state(v, k))) FROM pairs)")));
            holds(&format!("(SELECT s::text::tally.arg_state::text = s::text AND s::text = '\\x' || encode(s::bytea, 'hex') AND NOT tally.is_empty(s) FROM (SELECT {f}_state(v, k) s FROM pairs) t)"));
            // Without the rows of a state a group may only be another if it reaches.
            holds(&format!("(SELECT bool_and(tally.arg_reaches(removed, all_of) OR rest::text = all_of::text) AND bool_or(tally.arg_reaches(removed, all_of))
                FROM (SELECT {f}_state(v, k) FILTER (WHERE g = r) removed, {f}_state(v, k) all_of, {f}_state(v, k) FILTER (WHERE g <> r) rest
                      FROM pairs, generate_series(0, 5) r GROUP BY r) t)"));
        }
        run("DROP TABLE pairs");
    }
}

#[pg_test]
fn arg_by_group_and_with_large_values() {
    run("CREATE TABLE large AS SELECT i % 37 g, i * 7919 % 100003 k, CASE WHEN i % 50 = 0 THEN (SELECT string_agg(md5((i * 100 + j)::text), '') FROM generate_series(1, 200) j) ELSE md5(i::text) END v
         FROM generate_series(1, 2000) i");
    for hash in ["on", "off"] {
        run(&format!("SET LOCAL enable_hashagg = {hash}"));
        holds("NOT EXISTS (SELECT DISTINCT ON (g) g, v FROM large ORDER BY g, k DESC, v) OR
               NOT EXISTS ((SELECT DISTINCT ON (g) g, v FROM large ORDER BY g, k DESC, v) EXCEPT SELECT g, arg_max(v, k) FROM large GROUP BY g)");
        holds("NOT EXISTS (SELECT g, arg_min(v, k) FROM large GROUP BY g EXCEPT SELECT g, finalize(arg_min_state(v, k), NULL::text) FROM large GROUP BY g)");
        holds("NOT EXISTS (SELECT g, arg_min(k, v) FROM large GROUP BY g EXCEPT (SELECT DISTINCT ON (g) g, k FROM large ORDER BY g, v, k))");
    }
}

#[pg_test]
fn arg_runs_in_parallel_workers() {
    run("CREATE TYPE color AS ENUM ('red', 'green')");
    run("CREATE TABLE many AS SELECT i, i % 20 g, i * 7919 % 10007 k, md5(i::text) t, CASE WHEN i % 5 > 0 THEN i % 100 END n, (ARRAY['red', 'green'])[1 + i % 2]::color c FROM generate_series(1, 30000) i");
    run("CREATE TABLE parts AS SELECT i % 500 p, g, arg_max_state(t, k) s, arg_min_state(c, t) u FROM many GROUP BY 1, 2");
    run("ANALYZE many");
    run("ANALYZE parts");
    same_in_parallel("SELECT arg_max(t, k), arg_min(n, k), arg_max(n, t), arg_max(c, n), arg_max(ROW(i, t), k), arg_min(ARRAY[c], t), arg_max_state(t, c), arg_min_state(n, n) FROM many");
    same_in_parallel("SELECT g, arg_max(t, k), arg_min(n, k), arg_max_state(n, t), arg_min(k, '2024-01-01'::date + n) FROM many GROUP BY g");
    same_in_parallel("SELECT g, arg_max_merge(s, NULL::text), arg_min_merge(u, NULL::color), arg_max_merge_state(s), arg_min_merge_state(u) FROM parts GROUP BY g");
}

#[pg_test]
fn arg_orders_by_the_collation_and_says_which() {
    let pairs = "FROM (VALUES (1, 'b'), (2, 'B'), (3, 'a')) v(v, k)";
    same("2", &format!("arg_min(v, k COLLATE \"C\") {pairs}"));
    same("1", &format!("arg_max(v, k COLLATE \"C\") {pairs}"));
    same("2", &format!("finalize(arg_min_merge_state(s), NULL::int) FROM (SELECT arg_min_state(v, k COLLATE \"C\") s {pairs} GROUP BY v) t"));
    refused("42P22", &format!("SELECT arg_min(a, b) FROM (SELECT k COLLATE \"C\" a, k COLLATE \"POSIX\" b {pairs}) t"));
    if loose_collation() {
        // Equal for the collation: the value decides, then the bytes.
        same("1", "arg_min(v, k COLLATE pg_temp.loose) FROM (VALUES (2, 'a'), (1, 'A')) v(v, k)");
        holds("(SELECT arg_min_state(v, k COLLATE pg_temp.loose ORDER BY k)::text = arg_min_state(v, k COLLATE pg_temp.loose ORDER BY k DESC)::text FROM (VALUES (1, 'a'), (1, 'A')) v(v, k))");
    }
}

#[pg_test]
fn arg_states_are_in_the_encoding_of_the_database() {
    run("CREATE TYPE letter AS (t text, a text[])");
    let state = "(SELECT arg_max_state(ROW(U&'\\00e4', ARRAY[U&'\\00f6'])::letter, U&'\\00fc'::text))";
    let before = text(state);
    run("SET LOCAL client_encoding = 'LATIN1'");
    assert_eq!(text(state), before);
    holds(&format!("finalize({state}, NULL::letter)::text = U&'(\\00e4,{{\\00f6}})'"));
    same("'LATIN1'", "current_setting('client_encoding')");
    refused("22P03", "SELECT finalize('\\x1f0117ef070004000000020000'::tally.arg_state, NULL::int[])");
    same("'LATIN1'", "current_setting('client_encoding')");
}

/// Bytes that the type takes are a state, or whatever is wrong with its names and values is an error of the type's own.
#[pg_test]
fn mutated_arg_states_are_refused_or_usable() {
    run("CREATE TYPE pair AS (n numeric, t text[])");
    run("DO $$
        DECLARE bases bytea[]; m bytea; s tally.arg_state; n int; accepted int := 0; code text;
        BEGIN
            PERFORM setseed(0.42);
            SELECT ARRAY[arg_max_state(i, i)::bytea, arg_min_state(NULL::text, 'x'::text)::bytea, arg_max_state(ARRAY[i, NULL], 'k'::text COLLATE \"C\")::bytea,
                         arg_min_state(ROW(1.5, ARRAY['a', NULL])::pair, 2.50)::bytea, arg_max_state('[1]'::jsonb, now())::bytea,
                         arg_max_state(int4range(1, 4), ROW(1.5, ARRAY['a', NULL])::pair)::bytea, '\\x1f'] INTO bases FROM generate_series(1, 3) i;
            FOR round IN 1 .. 30000 LOOP
                m := bases[1 + floor(random() * array_length(bases, 1))];
                FOR again IN 0 .. floor(random() * 3) LOOP
                    n := length(m);
                    m := CASE floor(random() * 6)
                        WHEN 0 THEN substr(m, 1, floor(random() * (n + 1))::int)
                        WHEN 1 THEN m || decode(lpad(to_hex(floor(random() * 256)::int), 2, '0'), 'hex')
                        WHEN 2 THEN overlay(m PLACING '\\xff'::bytea FROM 1 + floor(random() * greatest(n, 1))::int)
                        ELSE CASE WHEN n = 0 THEN m ELSE set_byte(m, floor(random() * n)::int, floor(random() * 256)::int) END
                    END;
                END LOOP;
                BEGIN
                    s := ('\\x' || encode(m, 'hex'))::tally.arg_state;
                    accepted := accepted + 1;
                    IF (s || NULL)::bytea <> m THEN
                        RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = 'not canonical: ' || m::text;
                    END IF;
                    PERFORM tally.is_empty(s);
                    PERFORM s || bases[1 + round % 6]::text::tally.arg_state;
                    PERFORM s || s, finalize(s, 1);
                    PERFORM arg_min_merge(s, NULL::text), finalize(arg_min_merge_state(s), NULL::pair);
                EXCEPTION WHEN OTHERS THEN
                    GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE;
                    IF code IN ('ZZ001', 'XX000', 'XX001', 'XX002') AND SQLERRM !~ '^unsupported jsonb version' THEN
                        RAISE EXCEPTION '% for %: %', code, m, SQLERRM;
                    END IF;
                END;
            END LOOP;
            IF accepted < 1000 THEN RAISE EXCEPTION 'only % accepted', accepted; END IF;
        END $$");
}

#[pg_test]
fn arg_support_functions_cannot_be_called_by_hand() {
    for call in ["arg_min_trans(NULL, 1, 1)", "arg_max_merge_trans(NULL, NULL::tally.arg_state)", "arg_combine(NULL, NULL)", "arg_final(NULL, 1, 1)", "arg_deserialize('\\x00', NULL)"] {
        assert_ne!(error_of(&format!("SELECT tally.{call}")), "00000", "{call}");
    }
}
