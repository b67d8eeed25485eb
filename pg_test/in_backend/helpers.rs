/// The value of one text expression.
fn text(sql: &str) -> Option<String> {
    Spi::get_one::<String>(&format!("SELECT (SELECT {sql})::text")).unwrap_or_else(|e| panic!("{sql}: {e}"))
}

/// The expression is true.
fn holds(sql: &str) {
    assert_eq!(text(sql).as_deref(), Some("true"), "{sql}");
}

/// Both expressions have the same text.
fn same(left: &str, right: &str) {
    assert_eq!(text(left), text(right), "{left}  =  {right}");
}

fn run(sql: &str) {
    Spi::run(sql).unwrap_or_else(|e| panic!("{sql}: {e}"));
}

/// SQLSTATE and message of the error that the statement gives, `00000` if it gives none.
fn error_of(sql: &str) -> String {
    run("CREATE OR REPLACE FUNCTION pg_temp.error_of(command text) RETURNS text LANGUAGE plpgsql AS $$
         BEGIN EXECUTE command; RETURN '00000';
         EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM; END $$");
    let quoted = sql.replace('\'', "''");
    text(&format!("pg_temp.error_of('{quoted}')")).unwrap_or_default()
}

fn refused(sqlstate: &str, sql: &str) {
    let error = error_of(sql);
    assert!(error.starts_with(sqlstate), "{sql}: expected {sqlstate}, got {error}");
}

/// Makes the collation `pg_temp.loose`, for which a and A are equal. false: this PostgreSQL is built without ICU.
fn loose_collation() -> bool {
    let made = error_of("CREATE COLLATION pg_temp.loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false)");
    made == "00000"
}
