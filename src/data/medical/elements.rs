//! The elements of a DICOM file by tag, sequences as items (DICOM PS3.5, chapter 7). Only what [`KEPT`] names is kept.

use std::collections::BTreeMap;
use std::ops::Range;

/// Group in the upper 16 bits, element in the lower.
pub(super) type Tag = u32;

/// Sequences inside sequences, at most. Real files have four.
const MOST_DEPTH: usize = 16;

/// The length that says: up to a delimiter.
const UNDEFINED: u32 = u32::MAX;

const ITEM: Tag = 0xfffe_e000;
const ITEM_END: Tag = 0xfffe_e00d;
const SEQUENCE_END: Tag = 0xfffe_e0dd;

/// Tags that are read, by their names in PS3.6.
pub(super) mod tag {
    use super::Tag;

    pub const MEDIA_STORAGE_CLASS: Tag = 0x0002_0002;
    pub const TRANSFER_SYNTAX: Tag = 0x0002_0010;
    pub const DISPLAY_FRAME_RATE: Tag = 0x0008_2144;
    pub const MODALITY: Tag = 0x0008_0060;
    pub const PATIENT_ID: Tag = 0x0010_0020;
    pub const CINE_RATE: Tag = 0x0018_0040;
    pub const FRAME_TIME: Tag = 0x0018_1063;
    pub const IMAGER_PIXEL_SPACING: Tag = 0x0018_1164;
    pub const STUDY: Tag = 0x0020_000d;
    pub const SERIES: Tag = 0x0020_000e;
    pub const INSTANCE_NUMBER: Tag = 0x0020_0013;
    pub const POSITION: Tag = 0x0020_0032;
    pub const ORIENTATION: Tag = 0x0020_0037;
    pub const PLANE_POSITIONS: Tag = 0x0020_9113;
    pub const PLANE_ORIENTATIONS: Tag = 0x0020_9116;
    pub const SAMPLES: Tag = 0x0028_0002;
    pub const PHOTOMETRIC: Tag = 0x0028_0004;
    pub const FRAMES: Tag = 0x0028_0008;
    pub const ROWS: Tag = 0x0028_0010;
    pub const COLUMNS: Tag = 0x0028_0011;
    pub const PIXEL_SPACING: Tag = 0x0028_0030;
    pub const BITS_ALLOCATED: Tag = 0x0028_0100;
    pub const BITS_STORED: Tag = 0x0028_0101;
    pub const HIGH_BIT: Tag = 0x0028_0102;
    pub const IS_SIGNED: Tag = 0x0028_0103;
    pub const WINDOW_CENTRE: Tag = 0x0028_1050;
    pub const WINDOW_WIDTH: Tag = 0x0028_1051;
    pub const INTERCEPT: Tag = 0x0028_1052;
    pub const SLOPE: Tag = 0x0028_1053;
    pub const WINDOW_FUNCTION: Tag = 0x0028_1056;
    pub const MODALITY_TABLES: Tag = 0x0028_3000;
    pub const PIXEL_MEASURES: Tag = 0x0028_9110;
    pub const FRAME_WINDOWS: Tag = 0x0028_9132;
    pub const FRAME_RESCALES: Tag = 0x0028_9145;
    pub const SHARED_GROUPS: Tag = 0x5200_9229;
    pub const FRAME_GROUPS: Tag = 0x5200_9230;
    pub const PIXELS: Tag = 0x7fe0_0010;
}

/// Sequences that are kept. Files without types of values do not say that they are sequences.
const SEQUENCES: &[Tag] = &[
    tag::PLANE_POSITIONS,
    tag::PLANE_ORIENTATIONS,
    tag::MODALITY_TABLES,
    tag::PIXEL_MEASURES,
    tag::FRAME_WINDOWS,
    tag::FRAME_RESCALES,
    tag::SHARED_GROUPS,
    tag::FRAME_GROUPS,
];

/// Other elements that are kept.
const KEPT: &[Tag] = &[
    tag::MEDIA_STORAGE_CLASS,
    tag::TRANSFER_SYNTAX,
    tag::DISPLAY_FRAME_RATE,
    tag::MODALITY,
    tag::PATIENT_ID,
    tag::CINE_RATE,
    tag::FRAME_TIME,
    tag::IMAGER_PIXEL_SPACING,
    tag::STUDY,
    tag::SERIES,
    tag::INSTANCE_NUMBER,
    tag::POSITION,
    tag::ORIENTATION,
    tag::SAMPLES,
    tag::PHOTOMETRIC,
    tag::FRAMES,
    tag::ROWS,
    tag::COLUMNS,
    tag::PIXEL_SPACING,
    tag::BITS_ALLOCATED,
    tag::BITS_STORED,
    tag::HIGH_BIT,
    tag::IS_SIGNED,
    tag::WINDOW_CENTRE,
    tag::WINDOW_WIDTH,
    tag::INTERCEPT,
    tag::SLOPE,
    tag::WINDOW_FUNCTION,
    tag::PIXELS,
];

/// The value of an element.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// Where its bytes are in the file.
    Bytes(Range<usize>),
    /// Items of a sequence.
    Items(Vec<DataSet>),
    /// Where the parts of packed pixels are; the first is the table of offsets.
    Fragments(Vec<Range<usize>>),
}

/// Elements by tag.
#[derive(Clone, Debug, Default)]
pub(super) struct DataSet(BTreeMap<Tag, Value>);

impl DataSet {
    pub fn get(&self, tag: Tag) -> Option<&Value> {
        self.0.get(&tag)
    }

    /// The first item of a sequence.
    pub fn first_item(&self, tag: Tag) -> Option<&DataSet> {
        self.items(tag).first()
    }

    /// The items of a sequence; none if it is not there.
    pub fn items(&self, tag: Tag) -> &[DataSet] {
        match self.get(tag) {
            Some(Value::Items(items)) => items,
            _ => &[],
        }
    }
}

/// How elements are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Encoding {
    /// Whether each element states the type of its value.
    pub has_types: bool,
    /// Whether the upper byte of a number comes first.
    pub is_big_endian: bool,
}

/// Reads elements one after the other.
pub(super) struct Parser<'a> {
    bytes: &'a [u8],
    at: usize,
    encoding: Encoding,
}

/// Tag, type if it is stated, and length of an element.
struct Header {
    tag: Tag,
    kind: Option<[u8; 2]>,
    length: u32,
}

impl<'a> Parser<'a> {
    /// Starts at a byte of a file.
    pub fn new(bytes: &'a [u8], at: usize, encoding: Encoding) -> Self {
        Self { bytes, at, encoding }
    }

    /// The elements of group 2, which tell how the others are written, and where they end.
    pub fn meta(mut self) -> Result<(DataSet, usize), String> {
        let mut found = DataSet::default();
        while self.bytes.get(self.at..self.at + 2) == Some(&[2, 0]) {
            self.element(&mut found, self.bytes.len(), 0)?;
        }
        Ok((found, self.at))
    }

    /// All elements up to the end of the file.
    pub fn all(mut self) -> Result<DataSet, String> {
        let end = self.bytes.len();
        let mut found = DataSet::default();
        while self.at < end {
            // Some writers fill up the last block with zeros.
            if self.bytes[self.at..].iter().take(8).all(|byte| *byte == 0) && end - self.at < 4096 {
                break;
            }
            self.element(&mut found, end, 0)?;
        }
        Ok(found)
    }

    fn element(&mut self, found: &mut DataSet, end: usize, depth: usize) -> Result<(), String> {
        let Header { tag, kind, length } = self.header(end)?;
        let is_unknown = kind == Some(*b"UN");
        let is_sequence = kind == Some(*b"SQ") || SEQUENCES.contains(&tag) && (kind.is_none() || is_unknown);
        if length == UNDEFINED && tag == tag::PIXELS {
            let fragments = self.fragments(end)?;
            found.0.insert(tag, Value::Fragments(fragments));
        } else if length == UNDEFINED || is_sequence {
            let own = self.encoding;
            if is_unknown {
                // PS3.5, 6.2.2: such a sequence is written without types.
                self.encoding = Encoding { has_types: false, is_big_endian: false };
            }
            let items = self.items(tag, length, end, depth + 1)?;
            self.encoding = own;
            if SEQUENCES.contains(&tag) {
                found.0.insert(tag, Value::Items(items));
            }
        } else {
            let range = self.take(tag, length, end)?;
            if KEPT.contains(&tag) {
                found.0.insert(tag, Value::Bytes(range));
            }
        }
        Ok(())
    }

    fn header(&mut self, end: usize) -> Result<Header, String> {
        let cut = || format!("it ends inside an element at byte {}: it was cut short", self.at);
        let head = self.bytes.get(self.at..end.min(self.at + 12)).unwrap_or_default();
        let [a, b, c, d, rest @ ..] = head else { return Err(cut()) };
        let tag = u32::from(self.u16([*a, *b])) << 16 | u32::from(self.u16([*c, *d]));
        let has_type = self.encoding.has_types && tag >> 16 != ITEM >> 16;
        let (kind, length, size) = match rest {
            [p, q, r, s, ..] if !has_type => (None, self.u32([*p, *q, *r, *s]), 8),
            [p, q, ..] if !(p.is_ascii_uppercase() && q.is_ascii_uppercase()) => {
                return Err(format!("byte {}: {} is no type of a value", self.at + 4, [*p, *q].escape_ascii()));
            }
            [p, q, _, _, r, s, t, u] if is_long([*p, *q]) => (Some([*p, *q]), self.u32([*r, *s, *t, *u]), 12),
            [p, q, r, s, ..] if !is_long([*p, *q]) => (Some([*p, *q]), u32::from(self.u16([*r, *s])), 8),
            _ => return Err(cut()),
        };
        self.at += size;
        Ok(Header { tag, kind, length })
    }

    /// Where the next bytes are, behind which reading goes on.
    fn take(&mut self, tag: Tag, length: u32, end: usize) -> Result<Range<usize>, String> {
        let left = end - self.at;
        if length as usize > left {
            return Err(format!("element {} claims {length} bytes, {left} are left: it was cut short", named(tag)));
        }
        let range = self.at..self.at + length as usize;
        self.at = range.end;
        Ok(range)
    }

    fn items(&mut self, tag: Tag, length: u32, end: usize, depth: usize) -> Result<Vec<DataSet>, String> {
        if depth > MOST_DEPTH {
            return Err(format!("more than {MOST_DEPTH} sequences inside each other"));
        }
        let is_open = length == UNDEFINED;
        let end = if is_open { end } else { self.at + self.take(tag, length, end).map(|range| self.rewind(range))? };
        let mut items = Vec::new();
        while is_open || self.at < end {
            let Header { tag: inner, length, .. } = self.header(end)?;
            match inner {
                SEQUENCE_END if is_open => break,
                ITEM => items.push(self.item(length, end, depth)?),
                _ => return Err(format!("sequence {} holds {}; expected an item", named(tag), named(inner))),
            }
        }
        Ok(items)
    }

    /// Goes back to the start of a range and returns its length.
    fn rewind(&mut self, range: Range<usize>) -> usize {
        self.at = range.start;
        range.len()
    }

    fn item(&mut self, length: u32, end: usize, depth: usize) -> Result<DataSet, String> {
        let is_open = length == UNDEFINED;
        let end = if is_open { end } else { self.at + self.take(ITEM, length, end).map(|range| self.rewind(range))? };
        let mut found = DataSet::default();
        while is_open || self.at < end {
            if is_open && self.is_at(ITEM_END) {
                self.header(end)?;
                break;
            }
            self.element(&mut found, end, depth)?;
        }
        Ok(found)
    }

    fn is_at(&self, tag: Tag) -> bool {
        match self.bytes.get(self.at..self.at + 4) {
            Some(&[a, b, c, d]) => u32::from(self.u16([a, b])) << 16 | u32::from(self.u16([c, d])) == tag,
            _ => false,
        }
    }

    fn fragments(&mut self, end: usize) -> Result<Vec<Range<usize>>, String> {
        let mut found = Vec::new();
        loop {
            let Header { tag, length, .. } = self.header(end)?;
            match tag {
                SEQUENCE_END => return Ok(found),
                ITEM => found.push(self.take(tag::PIXELS, length, end)?),
                _ => return Err(format!("the packed pixels hold {}; expected a part of them", named(tag))),
            }
        }
    }

    fn u16(&self, bytes: [u8; 2]) -> u16 {
        if self.encoding.is_big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    fn u32(&self, bytes: [u8; 4]) -> u32 {
        if self.encoding.is_big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }
}

/// Whether lengths of values of this type have four bytes (PS3.5, table 7.1-1).
fn is_long(kind: [u8; 2]) -> bool {
    matches!(
        &kind,
        b"OB" | b"OD" | b"OF" | b"OL" | b"OV" | b"OW" | b"SQ" | b"SV" | b"UC" | b"UN" | b"UR" | b"UT" | b"UV"
    )
}

/// A tag as the standard writes it.
pub(super) fn named(tag: Tag) -> String {
    format!("({:04x},{:04x})", tag >> 16, tag & 0xffff)
}

/// Values of elements.
pub(super) struct Reading<'a> {
    pub bytes: &'a [u8],
    pub is_big_endian: bool,
}

impl Reading<'_> {
    /// A text, without what fills it up and without control characters; nothing if that leaves nothing.
    pub fn text(&self, set: &DataSet, tag: Tag) -> Option<String> {
        let Some(Value::Bytes(range)) = set.get(tag) else { return None };
        let bytes = &self.bytes[range.clone()];
        // Texts that are not UTF-8 are read as Latin-1, the usual other one.
        let text = String::from_utf8(bytes.to_vec()).unwrap_or_else(|_| bytes.iter().map(|b| char::from(*b)).collect());
        let text: String = text.chars().filter(|letter| !letter.is_control()).collect();
        Some(text.trim().to_string()).filter(|text| !text.is_empty())
    }

    /// Numbers written as texts, separated by backslashes; nothing if one of them is none.
    pub fn decimals(&self, set: &DataSet, tag: Tag) -> Option<Vec<f64>> {
        let text = self.text(set, tag)?;
        let number = |part: &str| part.trim().parse::<f64>().ok().filter(|value| value.is_finite());
        text.split('\\').map(number).collect()
    }

    /// The first of such numbers.
    pub fn decimal(&self, set: &DataSet, tag: Tag) -> Option<f64> {
        self.decimals(set, tag)?.first().copied()
    }

    /// A number of two bytes.
    pub fn short(&self, set: &DataSet, tag: Tag) -> Option<u16> {
        let Some(Value::Bytes(range)) = set.get(tag) else { return None };
        let bytes = self.bytes[range.clone()].first_chunk()?;
        Some(if self.is_big_endian { u16::from_be_bytes(*bytes) } else { u16::from_le_bytes(*bytes) })
    }
}
