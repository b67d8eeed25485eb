//! Column types and random values. Domains are small, so that groups collide and values repeat; what is odd about a
//! type (NaN, infinities, display scales, empty and quoted strings, empty arrays) comes up often.

use crate::rng::Rng;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ty {
    Small,
    Int,
    Domain,
    Big,
    Num,
    Num2,
    /// float8 with multiples of 1/8: every order of summing gives the same bits.
    F8,
    F4,
    /// float8 with anything: compared with our own aggregates recomputed.
    FWild,
    Text,
    Varchar,
    Bool,
    Tstz,
    Date,
    Interval,
    Enum,
    Uuid,
    IntArr,
}

impl Ty {
    pub fn sql(self) -> &'static str {
        match self {
            Ty::Small => "smallint",
            Ty::Int => "int",
            Ty::Domain => "oracle.posint",
            Ty::Big => "bigint",
            Ty::Num => "numeric",
            Ty::Num2 => "numeric(12,2)",
            Ty::F8 | Ty::FWild => "float8",
            Ty::F4 => "real",
            Ty::Text => "text",
            Ty::Varchar => "varchar(40)",
            Ty::Bool => "bool",
            Ty::Tstz => "timestamptz",
            Ty::Date => "date",
            Ty::Interval => "interval",
            Ty::Enum => "oracle.mood",
            Ty::Uuid => "uuid",
            Ty::IntArr => "int[]",
        }
    }

    pub fn is_int(self) -> bool {
        matches!(self, Ty::Small | Ty::Int | Ty::Domain | Ty::Big)
    }

    pub fn is_text(self) -> bool {
        matches!(self, Ty::Text | Ty::Varchar)
    }

    /// A value in the type's text form.
    pub fn value(self, r: &mut Rng) -> String {
        match self {
            Ty::Small | Ty::Int => (r.below(12) as i64 - 3).to_string(),
            Ty::Domain => r.below(6).to_string(),
            Ty::Big => match r.below(8) {
                0 => "9007199254740993".into(),
                1 => "-4611686018427387904".into(),
                _ => r.below(9).to_string(),
            },
            Ty::Num => (*r.pick(&[
                "0", "0.0", "1", "1.0", "1.00", "2.5", "-2.50", "3.14159", "-7", "1e20", "0.0000001", "12.3", "100.000",
                "5", "6", "NaN", "Infinity", "-Infinity",
            ]))
            .into(),
            Ty::Num2 => format!("{}.{:02}", r.below(30) as i64 - 9, r.below(100)),
            Ty::F8 | Ty::F4 => format!("{}", (r.below(80) as f64 - 16.0) / 8.0),
            Ty::FWild => (*r.pick(&[
                "0.1", "0.2", "0.3", "-0.1", "1e300", "-1e300", "1e-300", "1e16", "1", "3.333333333333333", "-0", "2.2250738585072014e-308",
            ]))
            .into(),
            Ty::Text | Ty::Varchar => (*r.pick(&[
                "a", "b", "B", "A", "", " ", "it's", "\\", "NULL", "x,y", "{\"", "\u{df}", "\u{e4}", "日本", "a\tb", "line\nbreak",
                "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz", "c",
            ]))
            .into(),
            Ty::Bool => (*r.pick(&["true", "false"])).into(),
            Ty::Tstz => {
                if r.chance(4) {
                    "1969-12-31 23:58:00Z".into()
                } else {
                    let m = r.below(90) * 7;
                    format!("2024-03-{:02} {:02}:{:02}:{:02}Z", 30 + m / 1440, m / 60 % 24, m % 60, r.below(2) * 30)
                }
            }
            Ty::Date => format!("2024-0{}-1{}", 1 + r.below(3), r.below(4)),
            Ty::Interval => (*r.pick(&[
                "1 mon", "30 days", "1 day 02:00", "-3 days", "00:00:00.5", "1 year 2 mons", "24:00", "1 day", "00:00", "-00:10",
            ]))
            .into(),
            Ty::Enum => (*r.pick(&["sad", "ok", "happy"])).into(),
            Ty::Uuid => format!("00000000-0000-4000-8000-00000000000{}", r.below(5)),
            Ty::IntArr => (*r.pick(&["{}", "{1}", "{1,NULL}", "{1,2}", "{2,1}", "{{1,2},{3,4}}"])).into(),
        }
    }
}

/// The type's values as an expression over a number `g`, for bulk statements; `nulls` puts some NULLs among them.
pub fn series(ty: Ty, nulls: bool) -> String {
    let e = match ty {
        Ty::Small | Ty::Int | Ty::Domain => "g % 7".to_string(),
        Ty::Big => "g % 5 + 9007199254740990".into(),
        Ty::Num => "CASE WHEN g % 101 = 0 THEN 'NaN' ELSE g % 9 / 4.0 END".into(),
        Ty::Num2 => "g % 50 / 10.0".into(),
        Ty::F8 | Ty::F4 => "g % 16 / 8.0".into(),
        Ty::FWild => "g % 10 * 0.1".into(),
        Ty::Text | Ty::Varchar => "'t' || g % 6".into(),
        Ty::Bool => "g % 2 = 0".into(),
        Ty::Tstz => "'2024-03-30Z'::timestamptz + g * interval '3 minutes'".into(),
        Ty::Date => "'2024-01-10'::date + (g % 4)::int".into(),
        Ty::Interval => "g % 5 * interval '1 hour'".into(),
        Ty::Enum => "(ARRAY['sad', 'ok', 'happy'])[1 + g % 3]".into(),
        Ty::Uuid => "'00000000-0000-4000-8000-00000000000' || g % 5".into(),
        Ty::IntArr => "ARRAY[g % 2, 1]".into(),
    };
    let e = if nulls { format!("CASE WHEN g % 9 > 0 THEN {e} END") } else { e };
    format!("({e})::{}", ty.sql())
}

/// A typed literal, NULL for `None`.
pub fn literal(ty: Ty, value: Option<&str>) -> String {
    match value {
        None => format!("NULL::{}", ty.sql()),
        Some(v) => format!("{}::{}", quote(v), ty.sql()),
    }
}

/// A string constant; `E''` where there is a backslash, so that no setting changes its meaning.
pub fn quote(v: &str) -> String {
    if v.contains(['\\', '\n', '\t']) {
        let e = v.replace('\\', "\\\\").replace('\'', "''").replace('\n', "\\n").replace('\t', "\\t");
        format!("E'{e}'")
    } else {
        format!("'{}'", v.replace('\'', "''"))
    }
}

/// The same value in COPY's text format.
pub fn copy_field(value: Option<&str>) -> String {
    match value {
        None => "\\N".into(),
        Some(v) => v.replace('\\', "\\\\").replace('\t', "\\t").replace('\n', "\\n"),
    }
}
