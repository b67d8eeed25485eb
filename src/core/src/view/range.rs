//! Making some buckets of time anew.

use super::render::k;
use super::spec::{Key, Range, Spec};

/// From when to when, as SQL of timestamptz; open where there is none. A bucket that lies partly within is made anew as a whole.
pub struct Bounds {
    pub from: Option<String>,
    pub to: Option<String>,
}

/// The conditions for the groups of some buckets, and for their rows in the source.
struct Buckets<'a> {
    key: usize,
    expr: &'a str,
    range: &'a Range,
    first: Option<String>,
    last: Option<String>,
}

impl Spec {
    /// The key that tells the time of a group: the narrowest bucket, if there are several, or else a time by which rows are grouped as it is.
    pub fn time_bucket(&self) -> Option<usize> {
        let width = |key: &Key| key.range.as_ref().filter(|r| r.bucket.is_some()).map(|r| if r.is_bucket() { r.before + r.after } else { i64::MAX });
        self.keyed().filter_map(|(i, key)| Some((width(key)?, i))).min().map(|(_, i)| i)
    }

    fn buckets(&self, bounds: &Bounds) -> Option<Buckets<'_>> {
        let key = self.time_bucket()?;
        let range = self.keys[key].range.as_ref()?;
        let [before, after] = range.bucket.as_ref()?;
        let bucket = |at: String| format!("{before}({at}){after}");
        Some(Buckets {
            key,
            expr: &self.keys[key].expr,
            range,
            first: bounds.from.as_ref().map(|from| bucket(from.clone())),
            // The last one that begins before the end.
            last: bounds.to.as_ref().map(|to| bucket(format!("{to} - '1 microsecond'::interval"))),
        })
    }
}

impl Buckets<'_> {
    fn within(&self, value: &str) -> Vec<String> {
        let first = self.first.iter().map(|first| format!("{value} >= {first}"));
        first.chain(self.last.iter().map(|last| format!("{value} <= {last}"))).collect()
    }

    /// Of a row `x` of a table with the keys.
    fn groups(&self, x: &str) -> String {
        self.within(&format!("{x}.{}", k(self.key))).join(" AND ")
    }

    /// Of a row of the source, also so that an index on the time serves.
    fn rows(&self) -> String {
        let mut all = self.within(self.expr);
        if self.range.is_bucket() {
            all.extend(self.first.iter().map(|first| self.range.since(first)));
            all.extend(self.last.iter().map(|last| self.range.until(last)));
        }
        all.join(" AND ")
    }
}

/// Makes the buckets within the bounds anew from the source, in one statement: so main, delta and source are those of one snapshot. Gives what
/// `rebuild` gives. None if the view has no bucket of time.
pub fn rebuild_range(spec: &Spec, bounds: &Bounds) -> Option<String> {
    let buckets = spec.buckets(bounds)?;
    Some(super::write::rebuild_of(spec, Some(&|row| buckets.groups(row)), Some(&buckets.rows())))
}
