//! The same plan with truly parallel sessions: each runs its own steps in order, and all meet at quiet points only.
//! What it finds depends on timing; it finds what one statement at a time cannot.

use crate::db;
use crate::finish;
use crate::plan::{Kind, Plan, Step};
use crate::run::{Outcome, view_wait};
use crate::session::{Failure, Report, Session};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

/// Stretches of steps between quiet points; those of a stretch run in parallel.
fn stretches(plan: &Plan) -> Vec<(Vec<Step>, Vec<Step>)> {
    let mut out: Vec<(Vec<Step>, Vec<Step>)> = vec![(vec![], vec![])];
    for s in &plan.steps {
        if s.kind.alone() {
            if out.last().is_some_and(|x| !x.1.is_empty()) {
                out.push((vec![], vec![]));
            }
            if let (Some(x), false) = (out.last_mut(), s.sql.is_empty()) {
                x.0.push(s.clone());
            }
        } else if let Some(x) = out.last_mut() {
            x.1.push(s.clone());
        }
    }
    out
}

pub fn run(plan: &Plan, stub: bool) -> Outcome {
    let mut out = Outcome::default();
    if let Err(f) = try_run(plan, stub, &mut out) {
        out.failure.get_or_insert(f);
    }
    out
}

fn try_run(plan: &Plan, stub: bool, out: &mut Outcome) -> Result<(), Failure> {
    let lost = |e: postgres::Error| Failure::new("crash", db::explain(&e).1);
    let mut monitor = db::connect("oracle monitor").map_err(lost)?;
    finish::reset(&mut monitor).map_err(lost)?;
    let mut sessions = vec![];
    for id in 0..plan.sessions {
        // sessions do wait for each other here, by accident or for a prepared transaction: not for long
        let mut settings = plan.settings[id].clone();
        settings.push("SET lock_timeout = '300ms'".into());
        sessions.push(Session::open(id, &settings).map_err(lost)?);
    }
    for (quiet, steps) in stretches(plan) {
        for s in &quiet {
            out.take(sessions[0].exec(s));
        }
        // TRUNCATE and creation have snapshots of their own to respect: nobody else runs meanwhile
        let ddl = steps.iter().any(|s| matches!(s.kind, Kind::Truncate | Kind::CreateView(_) | Kind::DropView(_)));
        let stop = AtomicBool::new(false);
        let (tx, rx) = channel::<Report>();
        std::thread::scope(|scope| {
            let mut running = vec![];
            for s in &mut sessions {
                let (tx, steps, stop) = (tx.clone(), &steps, &stop);
                let id = s.id;
                running.push(scope.spawn(move || {
                    for step in steps.iter().filter(|x| x.session == id) {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        let rep = s.exec(step);
                        if rep.failure.is_some() {
                            stop.store(true, Ordering::Relaxed);
                        }
                        let _ = tx.send(rep);
                    }
                    let _ = tx.send(s.finish());
                }));
            }
            drop(tx);
            loop {
                match rx.recv_timeout(Duration::from_millis(20)) {
                    Ok(rep) => out.take(rep),
                    Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {
                        if let (false, Some(f)) = (ddl, view_wait(&mut monitor)) {
                            out.failure.get_or_insert(f);
                            stop.store(true, Ordering::Relaxed);
                        }
                    }
                    Err(_) => break,
                }
            }
        });
        for row in db::rows(&mut monitor, "SELECT gid FROM pg_prepared_xacts WHERE database = current_database() AND gid LIKE 'oracle%'").map_err(lost)? {
            let _ = db::rows(&mut monitor, &format!("COMMIT PREPARED '{}'", row[0].clone().unwrap_or_default()));
        }
        if out.failure.is_some() {
            return Ok(());
        }
    }
    drop(sessions);
    finish::paths(&mut monitor, plan, &mut out.paths);
    out.checks += finish::check(&mut monitor, plan, stub)?;
    Ok(())
}
