//! Showing query results, on a terminal in place.

use crate::sh;
use anyhow::{Context, Result};
use postgres::{Client, SimpleQueryMessage};
use std::io::Write;

/// 336776 as 336,776
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (i, d) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(d);
    }
    out
}

/// The answer as psql would draw it, more or less.
pub fn table(db: &mut Client, sql: &str) -> Result<String> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for message in db.simple_query(sql).with_context(|| sql.to_string())? {
        if let SimpleQueryMessage::Row(row) = message {
            if rows.is_empty() {
                rows.push(row.columns().iter().map(|c| c.name().to_string()).collect());
            }
            rows.push((0..row.len()).map(|i| row.get(i).unwrap_or("").to_string()).collect());
        }
    }
    Ok(drawn(&rows))
}

fn drawn(rows: &[Vec<String>]) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |c: usize| rows.iter().map(|r| r[c].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut out = String::new();
    for row in rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(v, w)| format!("{v:>w$}")).collect();
        out += &format!("  {}\n", cells.join("  "));
    }
    out
}

/// Draws over what it drew before, if there is a terminal.
#[derive(Default)]
pub struct Screen {
    lines: usize,
}

impl Screen {
    pub fn draw(&mut self, text: &str) {
        let mut out = std::io::stdout().lock();
        if sh::on_terminal() && self.lines > 0 {
            let _ = write!(out, "\x1b[{}A\x1b[J", self.lines);
        }
        let _ = write!(out, "{text}");
        let _ = out.flush();
        self.lines = text.lines().count();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!([grouped(7), grouped(336776), grouped(1000000)], ["7", "336,776", "1,000,000"]);
    }

    #[test]
    fn columns_line_up() {
        let rows = vec![vec!["a".to_string(), "long".to_string()], vec!["10".to_string(), "2".to_string()]];
        assert_eq!(drawn(&rows), "   a  long\n  10     2\n");
    }
}
