//! Random aggregate columns: what the view's query says, how the column is read back, and what recomputation says.

use crate::rng::Rng;
use crate::table::{Col, Table};
use crate::value::{Ty, literal};
use crate::view::Family;

/// One output column. `view` stands in the view's query; `read`, with `{}` for the column, and `oracle`, over the
/// source, must give the same. `merge` is a second comparison, over all groups: (read over the view, oracle).
#[derive(Clone)]
pub struct Out {
    pub view: String,
    pub read: String,
    pub oracle: String,
    pub merge: Option<(String, String)>,
    pub state: bool,
    /// Removed rows are subtracted, so it is right in groups that the source cannot tell any more.
    pub subtracts: bool,
    /// It has no state: any change of its rows puts the group in doubt.
    pub recomputed: bool,
}

impl Out {
    fn subtracting(self) -> Out {
        Out { subtracts: true, ..self }
    }
}

fn plain(e: String) -> Out {
    Out { read: "{}".into(), oracle: e.clone(), view: e, merge: None, state: false, subtracts: false, recomputed: false }
}

/// Numeric and interval results are compared as text: to the last digit of their display scale.
fn exact(e: String) -> Out {
    Out { read: "({})::text".into(), oracle: format!("({e})::text"), view: e, merge: None, state: false, subtracts: false, recomputed: false }
}

/// The number of rows.
pub fn rows() -> Out {
    plain("count(*)".into()).subtracting()
}

pub fn condition(r: &mut Rng, t: &Table) -> String {
    for _ in 0..20 {
        let c = *r.pick(&t.of(|_| true).into_iter().collect::<Vec<_>>());
        let lit = |r: &mut Rng| literal(c.ty, Some(&c.ty.value(r)));
        return match c.ty {
            Ty::Bool => (*r.pick(&["b1", "NOT coalesce(b1, false)", "b1 IS NOT TRUE"])).to_string(),
            _ if r.chance(25) => format!("{} IS {}NULL", c.name, if r.chance(50) { "NOT " } else { "" }),
            Ty::Int if c.name == "i2" => format!("i2 {} {}", r.pick(&["<", ">", "<>", ">="]), r.below(7)),
            Ty::Small | Ty::Int | Ty::Domain | Ty::Date | Ty::Tstz | Ty::Num | Ty::Num2 | Ty::Interval => {
                format!("{} {} {}", c.name, r.pick(&["<", ">", "<>", "<="]), lit(r))
            }
            Ty::Text | Ty::Varchar | Ty::Enum | Ty::Uuid => {
                let (a, b) = (lit(r), lit(r));
                format!("{} {} ({a}, {b})", c.name, r.pick(&["IN", "NOT IN"]))
            }
            _ => continue,
        };
    }
    "p < 20".into()
}

fn arg<'a>(r: &mut Rng, cols: &[&'a Col]) -> Option<&'a Col> {
    (!cols.is_empty()).then(|| *r.pick(cols))
}

fn filter(r: &mut Rng, t: &Table) -> String {
    if r.chance(25) { format!(" FILTER (WHERE {})", condition(r, t)) } else { String::new() }
}

/// sum or avg over a random summable argument.
fn sum_like(r: &mut Rng, t: &Table, state: bool, states_exist: bool) -> Option<Out> {
    let f = *r.pick(&["sum", "sum", "avg"]);
    let fl = filter(r, t);
    let c = arg(r, &t.of(|x| x.is_int() || matches!(x, Ty::Num | Ty::Num2 | Ty::F8 | Ty::F4 | Ty::FWild | Ty::Interval)))?;
    if !states_exist && c.ty == Ty::FWild {
        return None;
    }
    let x = match c.ty {
        Ty::Int | Ty::Small if r.chance(30) => {
            let text = t.of(Ty::is_text);
            match r.below(5) {
                0 => format!("{} * 2", c.name),
                1 => format!("CASE WHEN {} THEN 1 ELSE 0 END", condition(r, t)),
                2 if !text.is_empty() => format!("length({})", text[0].name),
                3 if f == "sum" => "1".into(),
                _ => format!("coalesce({}, 0)::numeric", c.name),
            }
        }
        Ty::F8 if r.chance(20) => format!("coalesce({}, 0)::numeric", c.name),
        _ => c.name.to_string(),
    };
    let wild = c.ty == Ty::FWild;
    let text = !(c.ty == Ty::F8 || c.ty == Ty::F4 || wild) || x.contains("numeric");
    let (call, our) = (format!("{f}({x}){fl}"), format!("finalize({f}_state({x}){fl})"));
    let want = if wild { our.clone() } else { call.clone() };
    let cast = if text { "::text" } else { "" };
    if !state {
        return Some(Out { view: call, read: format!("({{}}){cast}"), oracle: format!("({want}){cast}"), merge: None, state: false, subtracts: true, recomputed: false });
    }
    if c.ty == Ty::F4 {
        return None;
    }
    // A state's final value is PostgreSQL's to the digit, with the same type.
    let numeric_sum = f == "sum" && text && c.ty != Ty::Interval;
    let want = if numeric_sum { format!("({want})::numeric") } else { want };
    Some(Out {
        view: format!("{f}_state({x}){fl}"),
        read: format!("finalize({{}}){cast}"),
        oracle: format!("({want}){cast}"),
        merge: Some((format!("{f}_merge({{}}){cast}"), format!("({want}){cast}"))),
        state: true,
        subtracts: true,
        recomputed: false,
    })
}

fn min_max(r: &mut Rng, t: &Table, state: bool) -> Option<Out> {
    let f = *r.pick(&["min", "max"]);
    let fl = filter(r, t);
    let c = arg(r, &t.of(|x| !matches!(x, Ty::Bool | Ty::Uuid)))?;
    let x = match c.ty {
        Ty::Text | Ty::Varchar if r.chance(40) => format!("lower({})", c.name),
        Ty::Int if r.chance(20) => format!("{} % 3", c.name),
        _ => c.name.to_string(),
    };
    let call = format!("{f}({x}){fl}");
    if !state {
        return Some(plain(call));
    }
    Some(Out { view: format!("{f}_state({x}){fl}"), merge: Some((format!("{f}_merge({{}})"), call.clone())), state: true, ..plain(call) })
}

/// arg_min and arg_max of any value by any ordered key; quantiles.
fn picked(r: &mut Rng, t: &Table) -> Option<Out> {
    let fl = filter(r, t);
    if r.chance(25) {
        let n = arg(r, &t.of(|x| x.is_int() || matches!(x, Ty::F8 | Ty::F4)))?.name;
        return Some(match r.below(3) {
            0 => plain(format!("quantile({n}, 0.5){fl}")),
            1 => plain(format!("quantiles({n}, ARRAY[0, 0.3, 1]){fl}")),
            _ => Out {
                view: format!("quantile_state({n}){fl}"),
                read: "({})::text".into(),
                oracle: format!("quantile_state({n}){fl}::text"),
                merge: Some(("quantile_merge({}, 0.25)".into(), format!("quantile({n}, 0.25){fl}"))),
                state: true,
                subtracts: false,
                recomputed: false,
            },
        });
    }
    let f = *r.pick(&["arg_min", "arg_max"]);
    let by = arg(r, &t.of(|x| x != Ty::FWild))?.name;
    let value = arg(r, &t.of(|x| x != Ty::FWild))?;
    let call = format!("{f}({}, {by}){fl}", value.name);
    if r.chance(50) {
        return Some(plain(call));
    }
    Some(Out {
        view: format!("{f}_state({}, {by}){fl}", value.name),
        read: "({})::text".into(),
        oracle: format!("{f}_state({}, {by}){fl}::text", value.name),
        merge: None,
        state: true,
        subtracts: false,
        recomputed: false,
    })
}

fn distinct(r: &mut Rng, t: &Table, fam: &Family) -> Option<Out> {
    let fl = filter(r, t);
    let c = arg(r, &t.of(|x| x != Ty::FWild))?;
    let two = r.chance(20);
    let x = if two { format!("{}, i2", c.name) } else { c.name.to_string() };
    // labels may be renamed, and anonymous records have none
    let by_bytes = c.ty != Ty::Enum;
    match r.below(if fam.states { 8 } else { 1 }) {
        4 => Some(plain(format!("uniq_p(10, {x}){fl}"))),
        6 => Some(Out { subtracts: by_bytes, recomputed: !by_bytes, ..plain(format!("uniq_exact({x}){fl}")) }),
        7 => {
            let u = format!("uniq_exact({x}){fl}");
            Some(Out {
                view: format!("uniq_exact_state({x}){fl}"),
                read: "({})::text".into(),
                oracle: format!("uniq_exact_state({x}){fl}::text"),
                merge: Some(("uniq_exact_merge({})".into(), u.clone())),
                state: true,
                subtracts: by_bytes,
                recomputed: !by_bytes,
            })
        }
        0 | 1 | 5 if two => Some(Out { recomputed: true, ..plain(format!("count(DISTINCT ({x})){fl}")) }),
        0 | 1 | 5 => Some(Out { subtracts: by_bytes, recomputed: !by_bytes, ..plain(format!("count(DISTINCT {x}){fl}")) }),
        2 => Some(plain(format!("uniq({x}){fl}"))),
        _ => {
            let u = format!("uniq({x}){fl}");
            Some(Out {
                view: format!("uniq_state({x}){fl}"),
                read: "finalize({})".into(),
                merge: Some(("uniq_merge({})".into(), u.clone())),
                state: true,
                ..plain(u)
            })
        }
    }
}

/// Aggregates that have no state: any change puts the group in doubt.
pub fn stateless(r: &mut Rng, t: &Table) -> Option<Out> {
    let fl = filter(r, t);
    let ints = t.of(Ty::is_int);
    let i = arg(r, &ints)?.name;
    let texts = t.of(Ty::is_text);
    let any = arg(r, &t.of(|_| true))?.name;
    Some(match r.below(11) {
        0 if !texts.is_empty() => plain(format!("string_agg({}::text, ',' ORDER BY {}, id, p){fl}", texts[0].name, texts[0].name)),
        1 => plain(format!("array_agg({i} ORDER BY {i} DESC, id){fl}")),
        2 => plain(format!("percentile_cont(0.5) WITHIN GROUP (ORDER BY {i}::float8){fl}")),
        3 => plain(format!("percentile_disc(0.25) WITHIN GROUP (ORDER BY {i}){fl}")),
        4 => exact(format!("stddev({i}){fl}")).subtracting(),
        5 => exact(format!("var_pop({i}){fl}")).subtracting(),
        6 => plain(format!("bool_and(i2 > 1){fl}")),
        7 => plain(format!("bit_or(i2){fl}")),
        8 => plain(format!("mode() WITHIN GROUP (ORDER BY {i}){fl}")),
        9 => exact(format!("sum(DISTINCT {i}){fl}")),
        _ => plain(format!("(array_agg({any} ORDER BY ts, id, p, i2)){}[1]", fl)),
    })
    .map(|o| Out { recomputed: !(o.subtracts || o.view.starts_with("bool_") || o.view.starts_with("bit_")), ..o })
    .map(|mut o| {
        // FILTER belongs inside the parentheses that an index needs
        if o.view.ends_with("[1]") && o.view.contains(" FILTER ") {
            o = plain(format!("bool_or({any} IS NULL){fl}"));
        }
        o
    })
    .filter(|o| !(o.view.ends_with("[1]") && any == "a1"))
}

/// Expressions over several aggregates.
fn post(r: &mut Rng, t: &Table) -> Option<Out> {
    let fl = filter(r, t);
    let i = arg(r, &t.of(Ty::is_int))?.name;
    let n = t.of(|x| x == Ty::Num2);
    Some(match r.below(8) {
        0 => plain(format!("max({i}) - min({i}){fl}")),
        1 => plain("max(ts) - min(ts)".into()),
        2 if !n.is_empty() => exact(format!("round(avg(n2){fl}, 2)")).subtracting(),
        3 => plain(format!("CASE WHEN count(*){fl} > 3 THEN 'many' ELSE 'few' END")).subtracting(),
        4 => exact(format!("coalesce(sum(i2){fl}, -1)")).subtracting(),
        5 => exact(format!("sum(i2)::numeric / nullif(count({i}){fl}, 0)")).subtracting(),
        6 => plain(format!("100 * count(*){fl} / greatest(count(*), 1)")).subtracting(),
        _ => plain(format!("count(*) + count({i}){fl}")).subtracting(),
    })
}

pub fn aggregate(r: &mut Rng, t: &Table, fam: &Family) -> Out {
    loop {
        let made = match r.below(100) {
            0..=9 => Some(plain(format!("count(*){}", filter(r, t))).subtracting()),
            10..=17 => {
                let c = *r.pick(&t.of(|_| true));
                Some(plain(format!("count({}){}", c.name, filter(r, t))).subtracting())
            }
            18..=37 => sum_like(r, t, false, fam.states),
            38..=50 if fam.states => sum_like(r, t, true, true),
            51..=53 if fam.states => {
                let fl = filter(r, t);
                Some(Out {
                    view: format!("count_state(*){fl}"),
                    merge: Some(("count_merge({})".into(), format!("count(*){fl}"))),
                    state: true,
                    subtracts: true,
                    ..plain(format!("count(*){fl}"))
                })
            }
            54..=67 => min_max(r, t, false),
            68..=71 if fam.states => min_max(r, t, true),
            72..=79 => distinct(r, t, fam),
            80..=83 if fam.states => picked(r, t),
            84..=91 if fam.stateless => stateless(r, t),
            92..=99 => post(r, t),
            _ => None,
        };
        if let Some(o) = made {
            return o;
        }
    }
}
