//! What a view of a source whose rows leave and still count must show: the query over a shadow of the source that keeps such rows.
//!
//! The shadow is written by row triggers of the harness, in the transactions that write the source, so it is as true in every
//! snapshot as the source is. What concerns one view alone (rows that had left before it was made, rows of groups that are not kept which
//! a TRUNCATE took) is cut from the shadow of that view. Which groups are kept or gone the view's horizon says; that it says enough is checked
//! after retention was enforced in a quiet moment.

use crate::table::{Shape, Table};
use crate::value::quote;

/// The shadow and all that reads and writes it, for a table that is there and empty.
pub fn setup(t: &Table) -> Vec<String> {
    let source = &t.name;
    let mut sql = vec![
        format!("CREATE TABLE oracle.shadow (LIKE {source})"),
        "CREATE INDEX ON oracle.shadow (rid)".into(),
        "CREATE TABLE oracle.made (view text, bucket text)".into(),
        "CREATE TABLE oracle.cut (view text, rid bigint)".into(),
        format!("CREATE INDEX ON {source} (rid)"),
        FOLLOW.replace("SOURCE", source),
        EDGE.into(),
        REST.into(),
        format!(
            "CREATE FUNCTION oracle.truth(v text) RETURNS SETOF oracle.shadow STABLE PARALLEL SAFE LANGUAGE sql AS $f$
               SELECT s.* FROM oracle.shadow s WHERE EXISTS (SELECT FROM oracle.made m WHERE m.view = v) AND NOT EXISTS (SELECT FROM oracle.cut c WHERE c.view = v AND c.rid = s.rid)
               UNION ALL SELECT s.* FROM {source} s WHERE NOT EXISTS (SELECT FROM oracle.made m WHERE m.view = v) $f$"
        ),
        MAKE.replace("SOURCE", source),
        TRUNCATE.into(),
    ];
    // row triggers of a partitioned table are its partitions' too; children have their own
    let mut followed = vec![source.clone()];
    if t.shape == Shape::Inherit {
        followed.extend(t.leaves.iter().map(|l| l.name.clone()));
    }
    for name in followed {
        sql.push(format!("CREATE TRIGGER follow AFTER INSERT OR UPDATE OR DELETE ON {name} FOR EACH ROW EXECUTE FUNCTION oracle.follow()"));
    }
    sql
}

/// Takes the row as it is now, not as the trigger was told: triggers of other statements may come in between.
const FOLLOW: &str = "CREATE FUNCTION oracle.follow() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $f$
DECLARE which bigint := CASE WHEN TG_OP = 'DELETE' THEN OLD.rid ELSE NEW.rid END;
BEGIN
  IF TG_OP = 'DELETE' AND current_setting('tally.maintain', true) = 'off'
     AND pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE') THEN RETURN NULL; END IF;
  DELETE FROM oracle.shadow s WHERE s.rid = which;
  INSERT INTO oracle.shadow SELECT o.* FROM SOURCE o WHERE o.rid = which;
  RETURN NULL;
END $f$";

/// The greatest `gone_before` or `kept_to` of a view's horizon, as the reader's snapshot sees it.
const EDGE: &str = "CREATE FUNCTION oracle.edge(v text, what text, INOUT bucket anyelement) STABLE PARALLEL SAFE SECURITY DEFINER LANGUAGE plpgsql AS $f$
DECLARE horizon regclass := (SELECT to_regclass('tally_data.v' || id || '_horizon') FROM tally.registry WHERE view = v::regclass);
BEGIN
  bucket := NULL;
  IF horizon IS NOT NULL THEN EXECUTE format('SELECT max(%I) FROM %s', what, horizon) INTO bucket; END IF;
END $f$";

/// Whether the groups without a bucket are kept.
const REST: &str = "CREATE FUNCTION oracle.rest(v text) RETURNS boolean STABLE PARALLEL SAFE SECURITY DEFINER LANGUAGE plpgsql AS $f$
DECLARE horizon regclass := (SELECT to_regclass('tally_data.v' || id || '_horizon') FROM tally.registry WHERE view = v::regclass); kept boolean;
BEGIN
  IF horizon IS NOT NULL THEN EXECUTE format('SELECT bool_or(kept_rest) FROM %s', horizon) INTO kept; END IF;
  RETURN coalesce(kept, false);
END $f$";

/// Run by the transaction that made the view, and so holds a lock that lets no row leave.
const MAKE: &str = "CREATE FUNCTION oracle.make(v text, bucket text) RETURNS void LANGUAGE sql AS $f$
INSERT INTO oracle.cut SELECT v, s.rid FROM oracle.shadow s WHERE NOT EXISTS (SELECT FROM SOURCE o WHERE o.rid = s.rid);
INSERT INTO oracle.made VALUES (v, bucket) $f$";

/// Run before a TRUNCATE: of groups that are kept nothing goes.
const TRUNCATE: &str = "CREATE FUNCTION oracle.truncates(name regclass) RETURNS void LANGUAGE plpgsql AS $f$
DECLARE m record; unkept text;
BEGIN
  FOR m IN SELECT * FROM oracle.made WHERE to_regclass(view) IS NOT NULL LOOP
    unkept := format('NOT oracle.rest(%L)', m.view);
    IF m.bucket <> '' THEN
      unkept := format('CASE WHEN (%1$s) IS NULL THEN %2$s ELSE ((%1$s) <= oracle.edge(%3$L, ''kept_to'', %1$s)) IS NOT TRUE END', m.bucket, unkept, m.view);
    END IF;
    EXECUTE format('INSERT INTO oracle.cut SELECT %L, rid FROM (SELECT * FROM oracle.shadow WHERE rid IN (SELECT rid FROM %s)) s WHERE %s', m.view, name, unkept);
  END LOOP;
END $f$";

/// The rows that a view counts, without those of groups that are gone, as a relation.
pub fn relation(view: &str, bucket: Option<&str>) -> String {
    let v = quote(view);
    match bucket {
        None => format!("oracle.truth({v}) AS t"),
        Some(b) => format!("(SELECT * FROM oracle.truth({v}) AS s WHERE ({b} >= (SELECT {})) IS NOT FALSE) AS t", edge(view, "gone_before", b)),
    }
}

/// That the row's group is not kept; the bucket is a column or an expression.
pub fn unkept(view: &str, bucket: Option<&str>, column: &str) -> String {
    let rest = format!("NOT (SELECT oracle.rest({}))", quote(view));
    match bucket {
        None => rest,
        Some(b) => format!("CASE WHEN {column} IS NULL THEN {rest} ELSE ({column} <= (SELECT {})) IS NOT TRUE END", edge(view, "kept_to", b)),
    }
}

/// Of the bucket's type: the expression itself says which, over a row of NULLs.
fn edge(view: &str, what: &str, bucket: &str) -> String {
    format!("oracle.edge({}, '{what}', {bucket}) FROM (SELECT NULL::timestamptz AS ts, NULL::date AS d1) n", quote(view))
}

/// What must be so once a view's retention was enforced in a quiet moment: rows of what is wrong.
pub fn expired(view: &str, bucket: &str, column: &str, at: &str, exactly: bool) -> String {
    let first = format!("(SELECT {bucket} FROM (SELECT ({at})::timestamptz AS ts, (({at}) AT TIME ZONE 'UTC')::date AS d1) n)");
    let gone = format!("(SELECT {})", edge(view, "gone_before", bucket));
    // whole partitions go, so there the edge may come before; and it never falls
    match exactly {
        true => format!("SELECT 'expired' AS side, ({gone}, {first})::text WHERE ({gone} >= {first}) IS NOT TRUE UNION ALL SELECT 'there', x::text FROM {view} x WHERE {column} < {first}"),
        false => format!("SELECT 'there' AS side, x::text FROM {view} x WHERE {column} < {gone}"),
    }
}
