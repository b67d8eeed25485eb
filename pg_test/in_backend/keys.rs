#[pg_test]
fn key_hash_of_equal_keys_is_equal() {
    same("0", "tally.key_hash()");
    for (a, b) in [
        ("1::int2", "1::int8"),
        ("1.0", "1.000"),
        ("'a'::bpchar(5)", "'a'::bpchar(9)"),
        ("'a'::text", "'a'::varchar"),
        ("0::float8", "'-0'::float8"),
        ("'1 month'::interval", "'30 days'::interval"),
        ("ARRAY[1.0]", "ARRAY[1.00]"),
        ("NULL::int", "NULL::text"),
        ("numrange(1.0, 2)", "numrange(1, 2.00)"),
    ] {
        holds(&format!("tally.key_hash({a}) = tally.key_hash({b})"));
        holds(&format!("tally.key_hash(7, {a}) = tally.key_hash(7, {b})"));
    }
    for (a, b) in [
        ("1", "2"),
        ("NULL::int", "0"),
        ("''::text", "NULL::text"),
        ("1, 2", "2, 1"),
        ("NULL::int, 1", "1, NULL::int"),
        ("'a'::text, 'bc'::text", "'ab'::text, 'c'::text"),
        ("1", "1, NULL::int"),
    ] {
        holds(&format!("tally.key_hash({a}) <> tally.key_hash({b})"));
    }
}

#[pg_test]
fn key_hash_trusts_only_bytes_that_mean_equality() {
    run("CREATE TYPE pg_temp.mood AS ENUM ('sad', 'ok')");
    let mut pairs = vec![
        ("'{\"a\": 1.0}'::jsonb", "'{\"a\": 1.00}'::jsonb"),
        ("'sad'::pg_temp.mood", "'ok'::pg_temp.mood"),
    ];
    let icu = loose_collation();
    if icu {
        pairs.push(("'a'::text COLLATE pg_temp.loose", "'A'::text COLLATE pg_temp.loose"));
        pairs.push(("ARRAY['a'::text COLLATE pg_temp.loose]", "ARRAY['A'::text COLLATE pg_temp.loose]"));
    }
    for (a, b) in pairs {
        holds(&format!("tally.key_hash({a}, 1) = tally.key_hash({b}, 1)"));
        holds(&format!("tally.key_hash({a}, 1) <> tally.key_hash({b}, 2)"));
        holds(&format!("tally.key_hash({a}) <> tally.key_hash(NULL::text)"));
    }
    if icu {
        // Each argument by its own collation.
        run("CREATE TEMP TABLE two (l text COLLATE pg_temp.loose, c text COLLATE \"C\")");
        run("INSERT INTO two VALUES ('a', 'x'), ('A', 'x'), ('a', 'y')");
        same("2", "count(DISTINCT tally.key_hash(l, c)) FROM two");
    }
    refused("0A000", "SELECT tally.key_hash(VARIADIC ARRAY[1])");
}

/// Stored in every view: these numbers must never change.
#[pg_test]
fn key_hash_golden() {
    let golden = text(
        "string_agg(h::text, ' ') FROM (VALUES (tally.key_hash(42)), (tally.key_hash('abc'::text, NULL::int)),
         (tally.key_hash(1.50, true)), (tally.key_hash(timestamptz '2024-01-01 00:00+00', inet '10.0.0.1')),
         (tally.key_hash(ARRAY[1, NULL, 3])), (tally.key_hash(int4range(1, 5))), (tally.key_hash(B'101', '1 mon'::interval))) v(h)",
    );
    assert_eq!(golden.as_deref(), Some(
        "-6339723140810195286 8447168765085577426 794172144276784233 -3941129948759933157 554005199784508634 -2103184178991533440 -6933538839960651163",
    ));
}
