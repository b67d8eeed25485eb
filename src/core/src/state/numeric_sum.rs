//! Sums of integers and numerics, exact, with the counts that PostgreSQL's result depends on: rows per display scale
//! (a sum shows the largest scale of its inputs), NaN and infinities.
//!
//! Bytes: header; then, unless empty, a form byte (bit 0: the sum has a scale, 1: it is longer than i128, 2: there are rows of
//! display scales other than 0, 3: there are NaN or infinities, 4 to 7: 0); zigzag count of rows of scale 0; [varint scale s >= 1];
//! the sum times 10^s, s being the least possible, as zigzag varint or, when big, varint (length*2 + negative) and the magnitude's bytes,
//! little endian; [varint n >= 1, n times (varint scale minus the one before, zigzag count)]; [zigzag NaN, +Infinity, -Infinity].

use super::counts;
use super::decimal::{Decimal, Parsed, ShortDecimal};
use super::septets::Septets;
use super::short::Numbers;
use super::specials::{Special, Specials};
use super::{State, Subtract};
use crate::codec::{Reader, header, put_varint, put_zigzag};
use crate::error::Error;
use crate::numeric::{self, MAX_SCALE, Numeric};

const SCALED: u8 = 1;
const BIG: u8 = 2;
const SCALES: u8 = 4;
const SPECIALS: u8 = 8;

/// What the form byte of a short state may say.
pub(super) const SHORT_FORM: u8 = SCALED | SCALES;

#[derive(Clone, Debug, Default)]
pub struct NumericSum<const KIND: u8> {
    sum: Decimal,
    /// Finite rows of display scale 0, and so all integers.
    plain: i64,
    /// Finite rows per other display scale, ascending; counts that came back to 0 may stay.
    scales: Vec<(u16, i64)>,
    specials: Specials,
}

impl<const KIND: u8> NumericSum<KIND> {
    /// `sign` is 1 to add a row, -1 to remove it.
    #[inline]
    pub fn add_int(&mut self, v: i64, sign: i64) {
        self.plain = self.plain.wrapping_add(sign);
        self.sum.add_int(v, sign);
    }

    /// `payload` is PostgreSQL's on-disk numeric behind the varlena header.
    #[inline]
    pub fn add_numeric(&mut self, payload: &[u8], sign: i64) -> Result<(), Error> {
        self.add_parsed(payload, sign, |_| ())
    }

    /// Shows a finite number to `also`.
    #[inline]
    pub(super) fn add_parsed(&mut self, payload: &[u8], sign: i64, also: impl FnOnce(&Parsed)) -> Result<(), Error> {
        let special = match numeric::parse(payload)? {
            Numeric::Finite(v) => {
                let parsed = Parsed::new(&v)?;
                self.sum.add(&parsed, sign);
                also(&parsed);
                let count = self.scale_count(v.scale);
                *count = count.wrapping_add(sign);
                return Ok(());
            }
            Numeric::NaN => Special::NaN,
            Numeric::Infinity => Special::Infinity,
            Numeric::NegInfinity => Special::NegInfinity,
        };
        self.specials.add(special, sign);
        Ok(())
    }

    #[inline]
    fn scale_count(&mut self, scale: u16) -> &mut i64 {
        if scale == 0 {
            return &mut self.plain;
        }
        let at = match self.scales.iter().position(|(s, _)| *s >= scale) {
            Some(at) if self.scales[at].0 == scale => at,
            at => {
                let at = at.unwrap_or(self.scales.len());
                self.scales.insert(at, (scale, 0));
                at
            }
        };
        &mut self.scales[at].1
    }

    fn used_scales(&self) -> impl Iterator<Item = (u16, i64)> + Clone + '_ {
        self.scales.iter().copied().filter(|(_, count)| *count != 0)
    }

    /// The rows that are numbers.
    pub(super) fn finite(&self) -> i64 {
        self.scales.iter().fold(self.plain, |sum, (_, n)| sum.wrapping_add(*n))
    }

    /// The rows that were not NULL.
    pub fn count(&self) -> i64 {
        self.finite().wrapping_add(self.specials.count())
    }

    pub(super) fn specials(&self) -> &Specials {
        &self.specials
    }

    pub(super) fn sum(&self) -> &Decimal {
        &self.sum
    }

    /// Appends PostgreSQL's on-disk numeric (behind the varlena header); None without rows. The display scale is the largest of the
    /// rows now present. The error is a sum that numeric cannot hold.
    pub fn total(&self, out: &mut Vec<u8>) -> Option<Result<(), Error>> {
        if self.count() == 0 {
            return None;
        }
        match self.specials.sum() {
            Some(Special::NaN) => numeric::write_nan(out),
            Some(special) => numeric::write_infinity(special == Special::NegInfinity, out),
            None => return Some(self.sum.normal().write_numeric(self.display_scale(), out)),
        }
        Some(Ok(()))
    }

    /// The largest display scale of the rows now present.
    pub(super) fn display_scale(&self) -> u16 {
        self.scales.iter().rev().find(|(_, count)| *count > 0).map_or(0, |(scale, _)| *scale)
    }

    /// What stands behind the header, with `more` in the form byte.
    pub(super) fn encode_body(&self, more: u8, out: &mut Vec<u8>) {
        let sum = self.sum.normal();
        let scales = self.used_scales().count();
        out.push(
            more | flag(sum.scale > 0, SCALED) | flag(sum.is_big(), BIG) | flag(scales > 0, SCALES) | flag(self.specials.is_any(), SPECIALS),
        );
        put_zigzag(self.plain, out);
        if sum.scale > 0 {
            sum.encode_scale(out);
        }
        sum.encode_mantissa(out);
        if scales > 0 {
            put_varint(scales as u64, out);
            let mut before = 0;
            for (scale, count) in self.used_scales() {
                put_varint((scale - before) as u64, out);
                put_zigzag(count, out);
                before = scale;
            }
        }
        if self.specials.is_any() {
            self.specials.encode(out);
        }
    }

    /// Merges what stands behind the header. Gives what is in the form byte beside the sum's own, which may be up to `most`, and
    /// whether there is nothing.
    #[inline]
    pub(super) fn merge_body(&mut self, reader: &mut Reader<'_>, most: u8) -> Result<(u8, bool), Error> {
        let form = reader.u8()?;
        let more = form & !(SCALED | BIG | SCALES | SPECIALS);
        if more > most {
            return Err(reader.corrupt("The form byte is out of range."));
        }
        let plain = counts::read(reader)?;
        let sum = Decimal::<1>::read(reader, form & BIG != 0, form & SCALED != 0)?;
        if form & SCALES != 0 {
            self.merge_scales(reader)?;
        }
        if form & SPECIALS != 0 {
            let specials = Specials::decode(reader)?;
            if !specials.is_any() {
                return Err(reader.corrupt("NaN or infinities are announced, but there are none."));
            }
            self.specials.merge(&specials)?;
        }
        self.plain = counts::merge(self.plain, plain)?;
        let nothing = form & (SCALES | SPECIALS) == 0 && plain == 0 && sum.is_zero();
        self.sum.add_normal(sum)?;
        Ok((more, nothing))
    }

    /// Merges the bytes of a short state of rows of one display scale, or of integers. None: nothing has been merged, and
    /// it takes more to do so, or to say what is wrong.
    #[inline]
    fn merge_short<const GROW: bool>(&mut self, bytes: &[u8]) -> Option<()> {
        let &[head, form, ..] = bytes else { return None };
        match form {
            _ if head != header(KIND) => None,
            // Said once more, integers need no look at the bits.
            0 if bytes.len() <= 10 => self.merge_form::<GROW>(Septets::<false>::behind_two(bytes)?, 0),
            _ if form & !SHORT_FORM != 0 => None,
            _ if bytes.len() <= 10 => self.merge_form::<GROW>(Septets::<false>::behind_two(bytes)?, form),
            _ => self.merge_form::<GROW>(Septets::<true>::behind_two(bytes)?, form),
        }
    }

    #[inline(always)]
    fn merge_form<const GROW: bool>(&mut self, mut numbers: impl Numbers, form: u8) -> Option<()> {
        let body = ShortBody::read(&mut numbers, form)?;
        if !numbers.is_done() || body.is_nothing() {
            return None;
        }
        self.add_short::<GROW>(&body)
    }

    /// None: nothing has been added.
    #[inline(always)]
    pub(super) fn add_short<const GROW: bool>(&mut self, body: &ShortBody) -> Option<()> {
        let plain = counts::merged(self.plain, body.plain)?;
        let sum = self.sum.with(body.sum);
        if self.sum.is_long() || !GROW && sum.is_none() {
            return None;
        }
        if let Some((scale, count)) = body.shown {
            let scale = scale as u16;
            let slot = if GROW { self.scale_count(scale) } else { &mut self.scales.iter_mut().find(|(s, _)| *s == scale)?.1 };
            *slot = counts::merged(*slot, count)?;
        }
        self.plain = plain;
        self.sum.settle(sum, body.sum);
        Some(())
    }

    fn merge_scales(&mut self, reader: &mut Reader<'_>) -> Result<(), Error> {
        let n = reader.varint()?;
        if n == 0 {
            return Err(reader.corrupt("Display scales are announced, but there are none."));
        }
        let mut scale = 0u64;
        for _ in 0..n {
            let step = reader.varint()?;
            scale = scale.saturating_add(step);
            if step == 0 || scale > MAX_SCALE as u64 {
                return Err(reader.corrupt("A display scale is out of order or out of range."));
            }
            let count = counts::read(reader)?;
            if count == 0 {
                return Err(reader.corrupt("The count of a display scale is zero."));
            }
            let slot = self.scale_count(scale as u16);
            *slot = counts::merge(*slot, count)?;
        }
        Ok(())
    }
}

/// What stands behind the form byte of a short state, checked.
pub(super) struct ShortBody {
    plain: i64,
    sum: ShortDecimal,
    /// The one display scale that there is, and its rows.
    shown: Option<(u8, i64)>,
}

impl ShortBody {
    #[inline(always)]
    pub(super) fn read(numbers: &mut impl Numbers, form: u8) -> Option<Self> {
        let plain = numbers.zigzag()?;
        let sum = ShortDecimal::read(numbers, form & SCALED != 0)?;
        if form & SCALES == 0 {
            return Some(Self { plain, sum, shown: None });
        }
        let (scales, scale, count) = (numbers.small()?, numbers.small()?, numbers.zigzag()?);
        (scales == 1 && scale != 0 && count != 0).then_some(Self { plain, sum, shown: Some((scale, count)) })
    }

    #[inline(always)]
    pub(super) fn is_nothing(&self) -> bool {
        self.plain == 0 && self.sum.is_zero() && self.shown.is_none()
    }
}

pub(super) fn flag(set: bool, bit: u8) -> u8 {
    if set { bit } else { 0 }
}

impl<const KIND: u8> PartialEq for NumericSum<KIND> {
    fn eq(&self, other: &Self) -> bool {
        (self.plain, self.specials) == (other.plain, other.specials)
            && self.used_scales().eq(other.used_scales())
            && self.sum == other.sum
    }
}

impl<const KIND: u8> State for NumericSum<KIND> {
    fn empty() -> Self {
        Self::default()
    }

    fn is_empty(&self) -> bool {
        self.plain == 0 && !self.specials.is_any() && self.used_scales().next().is_none() && self.sum.is_zero()
    }

    fn merge(&mut self, other: &Self) -> Result<(), Error> {
        let plain = counts::merge(self.plain, other.plain)?;
        let mut specials = self.specials;
        specials.merge(&other.specials)?;
        for (scale, count) in other.used_scales() {
            let slot = self.scale_count(scale);
            *slot = counts::merge(*slot, count)?;
        }
        (self.plain, self.specials) = (plain, specials);
        self.sum.merge(&other.sum)
    }

    fn encode(&self, out: &mut Vec<u8>) {
        out.push(header(KIND));
        if !self.is_empty() {
            self.encode_body(0, out);
        }
    }

    super::short::merged_as_stored!();

    #[inline]
    fn heap_size(&self) -> usize {
        self.sum.heap_size() + self.scales.capacity() * size_of::<(u16, i64)>()
    }
}

impl<const KIND: u8> NumericSum<KIND> {
    fn merge_any(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let mut reader = Reader::open(bytes, KIND)?;
        if reader.is_done() {
            return Ok(());
        }
        let (_, nothing) = self.merge_body(&mut reader, 0)?;
        if nothing {
            return Err(reader.corrupt("An empty state is not in its shortest form."));
        }
        reader.finish()
    }
}

impl<const KIND: u8> Subtract for NumericSum<KIND> {
    fn negate(&mut self) {
        self.plain = self.plain.wrapping_neg();
        self.specials.negate();
        for (_, count) in &mut self.scales {
            *count = count.wrapping_neg();
        }
        self.sum.negate();
    }
}

#[cfg(test)]
mod tests {
    use super::super::short_way;
    use crate::state::SumState;

    /// States that are short and states that are not quite.
    fn seeds() -> Vec<SumState> {
        let rows = [(0, 0, 1), (-7, 0, 1), (i64::MAX, 0, 3), (i64::MIN, 0, 900), (12_345, 2, 1), (-1, 4, 70), (100, 2, 2), (i64::MAX, 9, 1)];
        short_way::seeds(rows.map(|(value, digits, n)| ((value, digits), n)), |state: &mut SumState, (value, digits)| match digits {
            0 => state.add_int(value, 1),
            _ => state.add_numeric(&short_way::numeric(value, digits), 1).unwrap(),
        })
    }

    #[test]
    fn the_short_way_is_the_way() {
        short_way::check("sum_state", &seeds(), SumState::merge_short::<true>, SumState::merge_any);
    }
}
