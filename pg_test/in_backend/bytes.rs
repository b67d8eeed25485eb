const STATES: &[(&str, &str)] = &[
    ("sum_state", "sum_state((i * 1.10)::numeric)"),
    ("sum_float8_state", "sum_state(i / 3.0::float8)"),
    ("sum_interval_state", "sum_state(make_interval(months => i, secs => i))"),
    ("avg_state", "avg_state(i)"),
    ("avg_float8_state", "avg_state(i / 3.0::float8)"),
    ("avg_interval_state", "avg_state(make_interval(months => i, secs => i))"),
    ("uniq_state", "uniq_state(i)"),
    ("uniq_exact_state", "uniq_exact_state('user' || i)"),
    ("var_state", "var_state((i * 1.10)::numeric)"),
    ("var_float8_state", "var_state(i / 3.0::float8)"),
];

/// The function that gives a state's final value.
fn final_of(state_type: &str) -> &'static str {
    if state_type.starts_with("var_") { "var_pop" } else { "finalize" }
}

/// The value that the type's binary input makes of bytes, as text.
#[pg_extern(volatile, parallel_unsafe)]
fn from_binary(type_oid: pg_sys::Oid, bytes: &[u8]) -> String {
    crate::pg::testing::receive(type_oid, bytes)
}

#[pg_test]
fn states_round_trip() {
    for (t, state) in STATES {
        for n in [0, 1, 3, 100, 3000, 20000] {
            run(&format!("CREATE TEMP TABLE one ON COMMIT DROP AS SELECT {state} s FROM generate_series(1, {n}) i"));
            holds(&format!("s::text::tally.{t}::text = s::text FROM one"));
            holds(&format!("tests.from_binary('tally.{t}'::regtype, tally.{t}_send(s)) = s::text FROM one"));
            holds(&format!("s::bytea = tally.{t}_send(s) FROM one"));
            holds(&format!("s::text = '\\x' || encode(s::bytea, 'hex') FROM one"));
            let f = final_of(t);
            holds(&format!("{f}(s) IS NOT DISTINCT FROM {f}(upper(substr(s::text, 3))::text::bytea::text::tally.{t}) FROM one").replace("upper(substr(s::text, 3))::text::bytea::text", "('\\x' || upper(substr(s::text, 3)))"));
            holds(&format!("(s || NULL)::text = s::text AND tally.merge(NULL, s)::text = s::text FROM one"));
            holds(&format!("tally.is_empty(s) = ({n} = 0) FROM one"));
            run("DROP TABLE one");
        }
        // Through COPY, text and binary.
        run(&format!("CREATE TABLE states (g int, s tally.{t})"));
        run(&format!("INSERT INTO states SELECT i % 10, {state} FROM generate_series(1, 5000) i GROUP BY 1"));
        run("CREATE TABLE copies (LIKE states)");
        for format in ["text", "binary", "csv"] {
            let file = format!("/tmp/pg_tally_{}_{t}_{format}", std::process::id());
            run(&format!("COPY states TO '{file}' (FORMAT {format})"));
            run("TRUNCATE copies");
            run(&format!("COPY copies FROM '{file}' (FORMAT {format})"));
            holds("NOT EXISTS (SELECT g, s::text FROM states EXCEPT ALL SELECT g, s::text FROM copies)");
            let _ = std::fs::remove_file(file);
        }
        run("DROP TABLE states, copies");
    }
}

#[pg_test]
fn invalid_text_is_22p02_and_invalid_binary_22p03() {
    for (t, _) in STATES {
        for bad in ["", "x", "\\x", "\\x1", "\\xgg", "0x10", "\\x99", "\\x14ff00ff00ff", "\\x10ff", "\\xff14"] {
            let error = error_of(&format!("SELECT '{bad}'::tally.{t}"));
            assert!(error.starts_with("22P02") || error.starts_with("0A000"), "{t} {bad}: {error}");
            let error = error_of(&format!("SELECT '{bad}'::text::tally.{t}"));
            assert!(error.starts_with("22P02") || error.starts_with("0A000"), "{t} {bad}: {error}");
        }
        for bad in ["", "\\x14ff00ff00ff", "\\xff"] {
            let error = error_of(&format!("SELECT tests.from_binary('tally.{t}'::regtype, '{bad}'::bytea)"));
            assert!(error.starts_with("22P03") || error.starts_with("0A000"), "{t} {bad}: {error}");
        }
        if cfg!(not(feature = "pg15")) {
            holds(&format!("NOT pg_input_is_valid('\\x99', 'tally.{t}') AND pg_input_is_valid(({t}(1))::text, 'tally.{t}')").replace("_float8_state(1", "_state(1::float8").replace("_interval_state(1", "_state(interval '1 day'"));
        }
        // A state of another type.
        let other = if *t == "uniq_state" { "sum_state" } else { "uniq_state" };
        refused("22P02", &format!("SELECT ({other}(1))::text::tally.{t}"));
    }
}

/// All casts from text parse, and an aggregate's name is never taken for a cast.
#[pg_test]
fn aggregates_are_not_casts() {
    run("SET LOCAL search_path = public, tally, pg_temp");
    run("CREATE TEMP TABLE words (t text, v varchar, b bpchar(20), n name)");
    run("INSERT INTO words VALUES ('a', 'a', 'a', 'a'), ('b', 'b', 'b', 'b')");
    for column in ["t", "v", "b", "n"] {
        holds(&format!("pg_typeof(uniq_state({column})) = 'tally.uniq_state'::regtype FROM words"));
        same("2", &format!("uniq_state({column})::bigint FROM words"));
    }
    for (t, state) in STATES {
        for from in ["text", "varchar", "bpchar", "bpchar(2000)", "name"] {
            holds(&format!("s::text::{from}::tally.{t}::text = s::text FROM (SELECT {state} s FROM generate_series(1, 3) i) x"));
        }
    }
}

/// 100,000 mutations of states of every type: refused, or a state that can be used like any other.
#[pg_test]
fn mutated_bytes_are_refused_or_usable() {
    for (t, state) in STATES {
        let f = final_of(t);
        run(&format!(
            "DO $$
             DECLARE bases bytea[]; m bytea; s tally.{t}; n int; accepted int := 0; code text;
             BEGIN
                 PERFORM setseed(0.42);
                 SELECT array_agg(b) INTO bases FROM (
                     SELECT (SELECT {state} FROM generate_series(1, k) AS r(i))::bytea b
                     FROM unnest(ARRAY[0, 1, 2, 5, 9, 100, 700]) k
                     UNION ALL SELECT (SELECT {state} FROM generate_series(1, 6000) AS r(i))::bytea) x;
                 FOR round IN 1 .. 14300 LOOP
                     m := bases[1 + floor(random() * array_length(bases, 1))];
                     FOR again IN 0 .. floor(random() * 3) LOOP
                         n := length(m);
                         m := CASE floor(random() * 5)
                             WHEN 0 THEN substr(m, 1, floor(random() * (n + 1))::int)
                             WHEN 1 THEN m || decode(lpad(to_hex(floor(random() * 256)::int), 2, '0'), 'hex')
                             WHEN 2 THEN overlay(m PLACING '\\xff'::bytea FROM 1 + floor(random() * greatest(n, 1))::int)
                             ELSE CASE WHEN n = 0 THEN m
                                  ELSE set_byte(m, floor(random() * least(n, 40))::int, floor(random() * 256)::int) END
                         END;
                     END LOOP;
                     BEGIN
                         IF round % 2 = 0 THEN
                             s := ('\\x' || encode(m, 'hex'))::tally.{t};
                         ELSE
                             s := tests.from_binary('tally.{t}'::regtype, m);
                         END IF;
                         accepted := accepted + 1;
                         -- What is accepted is canonical, so it is in the form that merging gives.
                         IF NOT tally.is_empty(s) AND (s || (SELECT {state} FROM generate_series(1, 0) AS r(i)))::bytea <> m THEN
                             RAISE EXCEPTION USING ERRCODE = 'ZZ001', MESSAGE = 'not canonical: ' || m::text;
                         END IF;
                         PERFORM tally.is_empty(s);
                         PERFORM {f}(s);
                         PERFORM s || s;
                     EXCEPTION WHEN OTHERS THEN
                         GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE;
                         IF code NOT IN ('22P02', '22P03', '0A000', '22003', '22008') THEN
                             RAISE EXCEPTION '% for {t} %: %', code, m, SQLERRM;
                         END IF;
                     END;
                 END LOOP;
                 RAISE NOTICE '{t}: % accepted', accepted;
             END $$"
        ));
    }
}

#[pg_test]
fn support_functions_cannot_be_called_by_hand() {
    for call in ["sum_trans(NULL, 1)", "uniq_trans(NULL, 1)", "sum_combine(NULL, NULL)", "uniq_final(NULL)", "uniq_deserialize('\\x10', NULL)"] {
        assert_ne!(error_of(&format!("SELECT tally.{call}")), "00000", "{call}");
    }
}

/// Only a superuser can make such an aggregate; it must still not read one state as another.
#[pg_test]
fn support_functions_of_different_states_do_not_mix() {
    run("CREATE AGGREGATE pg_temp.mixed(int) (SFUNC = tally.sum_trans, STYPE = internal, FINALFUNC = tally.uniq_final)");
    refused("42804", "SELECT pg_temp.mixed(i) FROM generate_series(1, 9) i");
    run("CREATE AGGREGATE pg_temp.averaged(int) (SFUNC = tally.sum_trans, STYPE = internal, FINALFUNC = tally.avg_final)");
    refused("42804", "SELECT pg_temp.averaged(i) FROM generate_series(1, 9) i");
}

#[pg_test]
fn types_are_stored_as_they_compress() {
    holds("(SELECT typstorage FROM pg_type WHERE oid = 'tally.uniq_state'::regtype) = 'e'");
    holds("(SELECT typstorage FROM pg_type WHERE oid = 'tally.sum_state'::regtype) = 'x'");
    holds("has_schema_privilege('public', 'tally', 'USAGE')");
}

/// Every function of the extension says what it is; only `internal` support functions have no comment.
#[pg_test]
fn functions_are_marked() {
    holds("NOT EXISTS (SELECT FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
           JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'pg_tally'
           WHERE p.pronamespace <> 'tests'::regnamespace AND p.prokind = 'a'
             AND (p.proparallel <> 's' OR obj_description(p.oid, 'pg_proc') IS NULL))");
}
