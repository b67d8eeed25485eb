//! Cuts a failing plan down while it still fails in the same way: halves first, then single statements.

use crate::plan::{Kind, Plan};
use crate::run::{Outcome, run};
use std::time::{Duration, Instant};

pub fn shrink(plan: &Plan, first: Outcome, stub: bool, budget: Duration) -> Outcome {
    let class = first.failure.as_ref().map(|f| f.class.clone()).unwrap_or_default();
    let end = Instant::now() + budget;
    let mut kept: Vec<usize> = (0..plan.steps.len()).collect();
    let mut best = first;
    let mut tries = 0;
    // what comes after the failing statement never ran
    if let Some(sql) = best.log.iter().find(|r| r.failure.is_some()).map(|r| r.sql.clone()) {
        if let Some(i) = plan.steps.iter().rposition(|s| s.sql == sql) {
            let cut: Vec<usize> = (0..=i).collect();
            try_it(plan, &cut, &class, stub, &mut kept, &mut best);
        }
    }
    let mut size = kept.len() / 2;
    while size >= 1 {
        let mut at = 0;
        let mut cut_any = false;
        while at < kept.len() {
            if Instant::now() > end {
                return best;
            }
            let candidate: Vec<usize> = kept
                .iter()
                .enumerate()
                .filter(|(n, i)| *n < at || *n >= at + size || matches!(plan.steps[**i].kind, Kind::Setup) && plan.steps[**i].sql.starts_with("CREATE TABLE"))
                .map(|(_, i)| *i)
                .collect();
            tries += 1;
            if candidate.len() < kept.len() && try_it(plan, &candidate, &class, stub, &mut kept, &mut best) {
                cut_any = true;
            } else {
                at += size;
            }
        }
        if size == 1 && !cut_any {
            break;
        }
        size = if size == 1 { 1 } else { size / 2 };
    }
    eprintln!("\nshrunk to {} statements in {tries} runs", kept.len());
    best
}

fn try_it(plan: &Plan, candidate: &[usize], class: &str, stub: bool, kept: &mut Vec<usize>, best: &mut Outcome) -> bool {
    let out = run(plan, &|i| candidate.binary_search(&i).is_ok(), stub);
    let same = out.failure.as_ref().is_some_and(|f| f.class == class);
    if same {
        *kept = candidate.to_vec();
        *best = out;
    }
    same
}
