//! Cuts a failing plan down while it still fails in the same way: halves first, then single statements, then rows of
//! VALUES lists.

use crate::plan::{Kind, Plan, Step};
use crate::run::{Outcome, run};
use std::time::{Duration, Instant};

struct Shrinker<'a> {
    plan: &'a Plan,
    stub: bool,
    class: String,
    end: Instant,
    tries: u32,
    steps: Vec<Step>,
    best: Outcome,
}

pub fn shrink(plan: &Plan, first: Outcome, stub: bool, budget: Duration) -> Outcome {
    let class = first.failure.as_ref().map(|f| f.class.clone()).unwrap_or_default();
    let mut s = Shrinker { plan, stub, class, end: Instant::now() + budget, tries: 0, steps: plan.steps.clone(), best: first };
    // what comes after the failing statement never ran
    if let Some(sql) = s.best.log.iter().find(|r| r.failure.is_some()).map(|r| r.sql.clone())
        && let Some(i) = s.steps.iter().rposition(|x| x.sql == sql) {
            let cut = s.steps[..=i].to_vec();
            s.try_it(cut);
        }
    s.statements();
    s.rows();
    s.statements();
    eprintln!("\nshrunk to {} statements in {} runs", s.steps.len(), s.tries);
    s.best
}

impl Shrinker<'_> {
    fn try_it(&mut self, candidate: Vec<Step>) -> bool {
        if Instant::now() > self.end {
            return false;
        }
        self.tries += 1;
        let out = run(self.plan, &candidate, self.stub);
        let same = out.failure.as_ref().is_some_and(|f| f.class == self.class);
        if same {
            self.steps = candidate;
            self.best = out;
        }
        same
    }

    fn statements(&mut self) {
        let needed = |s: &Step| matches!(s.kind, Kind::Frame) || matches!(s.kind, Kind::Setup) && s.sql.starts_with("CREATE TABLE");
        let mut size = (self.steps.len() / 2).max(1);
        loop {
            let (mut at, mut cut_any) = (0, false);
            while at < self.steps.len() {
                let candidate: Vec<Step> = self.steps.iter().enumerate().filter(|(n, s)| *n < at || *n >= at + size || needed(s)).map(|(_, s)| s.clone()).collect();
                if candidate.len() < self.steps.len() && self.try_it(candidate) {
                    cut_any = true;
                } else {
                    at += size;
                }
            }
            if Instant::now() > self.end || size == 1 && !cut_any {
                return;
            }
            size = (size / 2).max(1);
        }
    }

    fn rows(&mut self) {
        for i in 0..self.steps.len() {
            let mut n = 0;
            while let Some((head, mut tuples, tail)) = values(&self.steps[i].sql) {
                if n >= tuples.len() || tuples.len() < 2 {
                    break;
                }
                tuples.remove(n);
                let mut candidate = self.steps.clone();
                candidate[i].sql = format!("{head}{}{tail}", tuples.join(", "));
                if !self.try_it(candidate) {
                    n += 1;
                }
            }
        }
    }
}

/// A statement's first VALUES list, taken apart: what stands before it, its rows, what stands after.
fn values(sql: &str) -> Option<(String, Vec<String>, String)> {
    let start = sql.find("VALUES (")? + "VALUES ".len();
    let (mut depth, mut quoted, mut from) = (0, false, start);
    let mut tuples = vec![];
    for (i, c) in sql[start..].char_indices().map(|(i, c)| (start + i, c)) {
        match c {
            '\'' => quoted = !quoted,
            _ if quoted => {}
            '(' => {
                if depth == 0 {
                    from = i;
                }
                depth += 1;
            }
            ')' => {
                if depth == 0 {
                    return Some((sql[..start].into(), tuples, sql[i..].into()));
                }
                depth -= 1;
                if depth == 0 {
                    tuples.push(sql[from..=i].to_string());
                }
            }
            ',' | ' ' => {}
            _ if depth == 0 => {
                let end = sql[..i].trim_end().len();
                return Some((sql[..start].into(), tuples, sql[end..].into()));
            }
            _ => {}
        }
    }
    Some((sql[..start].into(), tuples, String::new()))
}

#[cfg(test)]
mod tests {
    use super::values;

    #[test]
    fn rows_are_found_whatever_they_hold() {
        let (head, rows, tail) = values("INSERT INTO t VALUES (1, f(')')), ('it''s', 2) ON CONFLICT DO NOTHING").unwrap();
        assert_eq!(head, "INSERT INTO t VALUES ");
        assert_eq!(rows, ["(1, f(')'))", "('it''s', 2)"]);
        assert_eq!(tail, " ON CONFLICT DO NOTHING");
        let (_, rows, tail) = values("SELECT * FROM (VALUES (1), (2)) AS v").unwrap();
        assert_eq!((rows.len(), tail.as_str()), (2, ") AS v"));
    }
}
