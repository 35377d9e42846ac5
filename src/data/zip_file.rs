//! Zip archives with bounds: no more is unpacked than the directory declares, and no archive that grows without measure.
//!
//! The directory is found by its size, as PyTorch and Python find it: an archive of any folder name is read.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Read;

use super::DataError;

/// Above this size, an entry must not unpack to more than [`MOST_GROWTH`] times its packed size.
const LARGE: u64 = 64 << 20;

/// Pictures and text do not compress this well. Deflate cannot exceed 1032.
const MOST_GROWTH: u64 = 200;

/// All entries together unpack to at most this many bytes, and [`MOST_TOTAL_GROWTH`] times the archive.
const MOST_SLACK: u64 = 1 << 30;
const MOST_TOTAL_GROWTH: u64 = 32;

/// End marks that are tried; all but one are chance bytes of a comment.
const MOST_ENDS: usize = 16;

/// A zip archive in memory.
pub(crate) struct ZipFile<'a> {
    place: String,
    bytes: &'a [u8],
    entries: Vec<Entry>,
    by_name: HashMap<String, usize>,
}

/// A file in the archive.
#[derive(Clone, Debug)]
struct Entry {
    name: String,
    is_encrypted: bool,
    method: u16,
    checksum: u32,
    packed: u64,
    size: u64,
    /// Where its own header begins.
    header: u64,
}

impl<'a> ZipFile<'a> {
    /// The first bytes of an archive that is not empty.
    pub(crate) const MAGIC: &'static [u8] = b"PK\x03\x04";

    /// Reads the directory of an archive; `place` names it in messages.
    ///
    /// # Errors
    /// An archive that is cut short, or that unpacks to far more than its own size.
    pub(crate) fn open(bytes: &'a [u8], place: impl Into<String>) -> Result<Self, DataError> {
        let place = place.into();
        let failed = |reason: String| DataError::malformed(&place, reason);
        let entries = directory(bytes)
            .ok_or_else(|| failed("not a whole zip archive: its directory is missing or damaged".into()))?;
        for entry in entries.iter().filter(|entry| entry.size > LARGE) {
            if entry.size / MOST_GROWTH > entry.packed {
                let Entry { name, packed, size, .. } = entry;
                return Err(failed(format!("`{name}` grows from {packed} to {size} bytes: a zip bomb, not unpacked")));
            }
        }
        let total = entries.iter().fold(0u64, |sum, entry| sum.saturating_add(entry.size));
        let most = (bytes.len() as u64).saturating_mul(MOST_TOTAL_GROWTH).saturating_add(MOST_SLACK);
        if total > most {
            return Err(failed(format!(
                "its {} files unpack to {total} bytes, at most {most} are read",
                entries.len()
            )));
        }
        let by_name = entries.iter().enumerate().map(|(index, entry)| (entry.name.clone(), index)).collect();
        Ok(Self { bytes, entries, by_name, place })
    }

    /// Names of the files, folders apart, in the order of the directory.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|entry| entry.name.as_str()).filter(|name| !name.ends_with('/'))
    }

    /// The content of the file of this name, unpacked; `None` if the archive has none.
    ///
    /// # Errors
    /// A file that is damaged, encrypted, or packed in another way than by deflate.
    pub(crate) fn read(&self, name: &str) -> Option<Result<Cow<'a, [u8]>, DataError>> {
        let entry = &self.entries[*self.by_name.get(name)?];
        Some(self.unpack(entry).map_err(|reason| DataError::malformed(format!("{}/{name}", self.place), reason)))
    }

    fn unpack(&self, entry: &Entry) -> Result<Cow<'a, [u8]>, String> {
        if entry.is_encrypted {
            return Err("encrypted; unpack the archive and name the folder".into());
        }
        let packed = self.packed(entry).ok_or("cut short")?;
        let content = match entry.method {
            0 => Cow::Borrowed(packed),
            8 => {
                let mut content = Vec::new();
                let decoder = flate2::read::DeflateDecoder::new(packed);
                decoder.take(entry.size.saturating_add(1)).read_to_end(&mut content).map_err(|e| e.to_string())?;
                Cow::Owned(content)
            }
            method => return Err(format!("packed by method {method}; only deflate (8) and stored files (0) are read")),
        };
        if content.len() as u64 != entry.size {
            return Err(format!("holds {} bytes, but {} are declared", content.len(), entry.size));
        }
        let mut checksum = flate2::Crc::new();
        checksum.update(&content);
        // PyTorch has an option to write no checksums; then they are 0.
        if entry.checksum != 0 && checksum.sum() != entry.checksum {
            return Err("damaged: its checksum does not match".into());
        }
        Ok(content)
    }

    /// The packed bytes of an entry, behind its own header.
    fn packed(&self, entry: &Entry) -> Option<&'a [u8]> {
        let header = usize::try_from(entry.header).ok()?;
        let fixed = self.bytes.get(header..header.checked_add(30)?)?;
        if !fixed.starts_with(Self::MAGIC) {
            return None;
        }
        let start = header + 30 + usize::from(u16_at(fixed, 26)?) + usize::from(u16_at(fixed, 28)?);
        self.bytes.get(start..start.checked_add(usize::try_from(entry.packed).ok()?)?)
    }
}

/// The entries of the directory, found by its end mark.
fn directory(bytes: &[u8]) -> Option<Vec<Entry>> {
    const END: usize = 22;
    let last = bytes.len().checked_sub(END)?;
    let is_end = |at: &usize| bytes[*at..].starts_with(b"PK\x05\x06");
    (last.saturating_sub(0xffff)..=last).rev().filter(is_end).take(MOST_ENDS).find_map(|at| entries(bytes, at))
}

/// The entries of a directory whose end mark is at `end`.
fn entries(bytes: &[u8], end: usize) -> Option<Vec<Entry>> {
    let record = &bytes[end..];
    let mut count = u64::from(u16_at(record, 10)?);
    let mut size = u64::from(u32_at(record, 12)?);
    let mut offset = u64::from(u32_at(record, 16)?);
    let mut behind = end;
    // The record of large archives stands before the end mark, in PyTorch's files even where it is not needed. Behind
    // bytes that were put in front of the archive it is not where its locator says.
    if let Some(locator) = end.checked_sub(20).map(|at| &bytes[at..end])
        && locator.starts_with(b"PK\x06\x07")
    {
        let is_record = |at: &usize| bytes.get(*at..).is_some_and(|record| record.starts_with(b"PK\x06\x06"));
        let stated = u64_at(locator, 8).and_then(|at| usize::try_from(at).ok());
        behind = stated.filter(is_record).or(end.checked_sub(20 + 56).filter(is_record))?;
        let large = &bytes[behind..];
        (count, size, offset) = (u64_at(large, 32)?, u64_at(large, 40)?, u64_at(large, 48)?);
    }
    // Behind bytes that were put in front of the archive, offsets count from its own start.
    let start = (behind as u64).checked_sub(size)?;
    let shift = start.checked_sub(offset)?;
    let mut rest = bytes.get(usize::try_from(start).ok()?..behind)?;
    // An entry of the directory takes at least 46 bytes.
    if count > rest.len() as u64 / 46 {
        return None;
    }
    let mut entries = Vec::new();
    for _ in 0..count {
        let (entry, length) = entry(rest, shift)?;
        entries.push(entry);
        rest = rest.get(length..)?;
    }
    Some(entries)
}

/// The first entry of a part of the directory, and its length.
fn entry(bytes: &[u8], shift: u64) -> Option<(Entry, usize)> {
    if !bytes.starts_with(b"PK\x01\x02") {
        return None;
    }
    let [name, extra, comment] = [28, 30, 32].map(|at| u16_at(bytes, at).map(usize::from));
    let (name, extra, comment) = (name?, extra?, comment?);
    let mut sizes = [u64::from(u32_at(bytes, 24)?), u64::from(u32_at(bytes, 20)?), u64::from(u32_at(bytes, 42)?)];
    // Sizes above 32 bits are in an extra field, in this order.
    let mut fields = bytes.get(46 + name..46 + name + extra)?;
    while let (Some(kind), Some(length)) = (u16_at(fields, 0), u16_at(fields, 2)) {
        let field = fields.get(4..4 + usize::from(length))?;
        if kind == 1 {
            let large = sizes.iter_mut().filter(|size| **size == 0xffff_ffff);
            for (k, size) in large.enumerate() {
                *size = u64_at(field, 8 * k)?;
            }
        }
        fields = &fields[4 + usize::from(length)..];
    }
    let entry = Entry {
        name: String::from_utf8_lossy(bytes.get(46..46 + name)?).into_owned(),
        is_encrypted: u16_at(bytes, 8)? & 1 == 1,
        method: u16_at(bytes, 10)?,
        checksum: u32_at(bytes, 16)?,
        size: sizes[0],
        packed: sizes[1],
        header: sizes[2].checked_add(shift)?,
    };
    Some((entry, 46 + name + extra + comment))
}

fn bytes_at<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes_at(bytes, at).map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes_at(bytes, at).map(u32::from_le_bytes)
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes_at(bytes, at).map(u64::from_le_bytes)
}
