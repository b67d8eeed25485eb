//! The SQL of the README and of docs/ is run, and what they show is compared.
//!
//! All ```sql blocks of a page run in order in one psql session; a ```text block right after one is what psql must print for it.

use super::Count;
use super::pg::Ready;
use crate::sh;
use anyhow::{Result, bail};
use std::io::Write;
use std::process::Stdio;

pub struct Block {
    pub line: usize,
    pub sql: String,
    pub shown: Option<String>,
}

pub fn run(ready: &Ready) -> Result<Count> {
    let mut count = Count::default();
    for page in pages()? {
        let blocks = blocks(&std::fs::read_to_string(sh::root().join(&page))?);
        if blocks.is_empty() {
            bail!("{page} has no SQL");
        }
        follow(ready, &page, &blocks, &mut count)?;
    }
    Ok(count)
}

/// The README, and every page in docs/.
fn pages() -> Result<Vec<String>> {
    let docs = super::pg::names("docs", "md")?.into_iter().map(|name| format!("docs/{name}.md"));
    Ok(std::iter::once("README.md".to_string()).chain(docs).collect())
}

/// Runs one page's blocks in a database of its own.
fn follow(ready: &Ready, page: &str, blocks: &[Block], count: &mut Count) -> Result<()> {
    ready.cluster.fresh_database("readme")?;
    let mut script = String::from("\\pset footer off\n");
    for (n, b) in blocks.iter().enumerate() {
        script += &format!("\\echo --block {n}\n{}\n", b.sql);
    }
    let mut psql = ready.cluster.psql("readme");
    psql.env("PGTZ", "UTC").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = psql.spawn()?;
    child.stdin.take().expect("piped").write_all(script.as_bytes())?;
    let out = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&out.stdout).into_owned();
    let parts: Vec<&str> = said.split("--block ").skip(1).map(|p| p.split_once('\n').map_or("", |x| x.1)).collect();
    for (n, block) in blocks.iter().enumerate() {
        // psql stops at the first error: the last block that began failed, and the later ones never ran
        let ran = n + 1 < parts.len() || (n + 1 == parts.len() && out.status.success());
        let printed = parts.get(n).copied().unwrap_or_default();
        let same = block.shown.as_ref().is_none_or(|s| squeeze(s) == squeeze(printed));
        if ran && !same {
            println!("  {page}:{}: shows\n{}\n  and psql prints\n{printed}", block.line, block.shown.as_deref().unwrap_or_default());
        }
        if !ran && n + 1 == parts.len() {
            println!("  {page}:{}: {}", block.line, String::from_utf8_lossy(&out.stderr));
        }
        count.add(ran && same);
    }
    Ok(())
}

/// Without spaces at lines' ends and empty lines, which no reader sees.
fn squeeze(text: &str) -> Vec<&str> {
    text.lines().map(str::trim_end).filter(|l| !l.is_empty()).collect()
}

fn blocks(text: &str) -> Vec<Block> {
    let mut found: Vec<Block> = Vec::new();
    let (mut kind, mut body, mut begin): (Option<&str>, String, usize) = (None, String::new(), 0);
    let mut answers = false;
    for (n, line) in text.lines().enumerate() {
        match (kind, line.strip_prefix("```")) {
            (None, Some(k)) => (kind, begin, body) = (Some(k.trim()), n + 1, String::new()),
            (Some(k), Some(_)) => {
                if k == "sql" {
                    found.push(Block { line: begin, sql: std::mem::take(&mut body), shown: None });
                } else if k == "text" && answers && let Some(last) = found.last_mut() {
                    last.shown = Some(std::mem::take(&mut body));
                }
                (answers, kind) = (k == "sql", None);
            }
            (Some(_), None) => body += &format!("{line}\n"),
            (None, None) => answers = answers && line.trim().is_empty(),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_belongs_to_the_block_before_it() {
        let b = blocks("a\n```sql\nSELECT 1;\n```\n```text\n 1\n```\nwords\n```text\n2\n```\n```sh\nls\n```\n```sql\nSELECT 2;\n```\n");
        assert_eq!(b.len(), 2);
        assert_eq!(b[0].shown.as_deref(), Some(" 1\n"));
        assert!(b[1].shown.is_none());
    }
}
