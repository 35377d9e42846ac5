//! Pixels of DICOM files: how frames are stored, and their numbers.

use std::ops::Range;

/// How pixels are stored, by the identifier of the transfer syntax (PS3.5, chapter 10 and annex A).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    /// Plain numbers.
    Plain,
    /// Runs of equal bytes, the upper bytes of all pixels first (PS3.5, annex G).
    Runs,
    /// JPEG: baseline, extended or lossless.
    Jpeg,
}

/// One transfer syntax.
pub(super) struct Syntax {
    pub identifier: &'static str,
    /// How its pixels are stored; a name where they are not read.
    pub packing: Result<Packing, &'static str>,
    pub has_types: bool,
    pub is_big_endian: bool,
    /// Whether all behind the first group is packed by deflate.
    pub is_deflated: bool,
}

const fn read(identifier: &'static str, packing: Packing) -> Syntax {
    Syntax { identifier, packing: Ok(packing), has_types: true, is_big_endian: false, is_deflated: false }
}

const fn refused(identifier: &'static str, name: &'static str) -> Syntax {
    Syntax { identifier, packing: Err(name), has_types: true, is_big_endian: false, is_deflated: false }
}

/// Every transfer syntax that is known.
pub(super) static SYNTAXES: &[Syntax] = &[
    Syntax { has_types: false, ..read("1.2.840.10008.1.2", Packing::Plain) },
    read("1.2.840.10008.1.2.1", Packing::Plain),
    Syntax { is_deflated: true, ..read("1.2.840.10008.1.2.1.99", Packing::Plain) },
    Syntax { is_big_endian: true, ..read("1.2.840.10008.1.2.2", Packing::Plain) },
    read("1.2.840.10008.1.2.5", Packing::Runs),
    read("1.2.840.10008.1.2.4.50", Packing::Jpeg),
    read("1.2.840.10008.1.2.4.51", Packing::Jpeg),
    read("1.2.840.10008.1.2.4.57", Packing::Jpeg),
    read("1.2.840.10008.1.2.4.70", Packing::Jpeg),
    refused("1.2.840.10008.1.2.4.80", "JPEG-LS"),
    refused("1.2.840.10008.1.2.4.81", "JPEG-LS"),
    refused("1.2.840.10008.1.2.4.90", "JPEG 2000"),
    refused("1.2.840.10008.1.2.4.91", "JPEG 2000"),
    refused("1.2.840.10008.1.2.4.100", "MPEG-2"),
    refused("1.2.840.10008.1.2.4.101", "MPEG-2"),
    refused("1.2.840.10008.1.2.4.102", "MPEG-4"),
    refused("1.2.840.10008.1.2.4.103", "MPEG-4"),
    refused("1.2.840.10008.1.2.4.110", "JPEG XL"),
    refused("1.2.840.10008.1.2.4.111", "JPEG XL"),
    refused("1.2.840.10008.1.2.4.112", "JPEG XL"),
    refused("1.2.840.10008.1.2.4.201", "HTJ2K"),
    refused("1.2.840.10008.1.2.4.202", "HTJ2K"),
    refused("1.2.840.10008.1.2.4.203", "HTJ2K"),
];

/// How many times as many pixels as bytes a packed frame can have. Runs make 64 of a byte; a JPEG without detail spends two
/// bits on a block of 64.
const MOST_GROWTH: usize = 1024;

/// The numbers of a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Samples {
    /// Rows and columns.
    pub size: (usize, usize),
    /// Bytes of a pixel: 1 or 2.
    pub bytes: usize,
    /// Bits that are its value.
    pub bits: u32,
    /// Bits below them.
    pub shift: u32,
    /// Whether the value has a sign.
    pub is_signed: bool,
    /// Whether the upper byte comes first.
    pub is_big_endian: bool,
}

impl Samples {
    /// Pixels of a frame.
    pub fn pixels(&self) -> usize {
        self.size.0 * self.size.1
    }

    /// The value that a pixel stands for.
    fn value(&self, stored: u16) -> i32 {
        let value = i32::from(stored >> self.shift) & ((1 << self.bits) - 1);
        let is_negative = self.is_signed && value >> (self.bits - 1) == 1;
        if is_negative { value - (1 << self.bits) } else { value }
    }

    /// The values of a frame, row by row; `parts` are its bytes.
    ///
    /// # Errors
    /// Bytes that do not make a frame of this size.
    pub fn frame(&self, packing: Packing, parts: &[&[u8]]) -> Result<Vec<i32>, String> {
        if packing == Packing::Plain {
            let bytes = parts.first().copied().unwrap_or_default();
            return Ok(self.numbers(bytes).map(|stored| self.value(stored)).collect());
        }
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if self.pixels() / MOST_GROWTH > length {
            let (rows, columns) = self.size;
            return Err(format!("{length} bytes cannot be a frame of {columns} × {rows} pixels"));
        }
        let joined = parts.concat();
        match packing {
            Packing::Runs => self.runs(&joined),
            _ => self.jpeg(&joined),
        }
    }

    fn numbers<'a>(&self, bytes: &'a [u8]) -> impl Iterator<Item = u16> + 'a {
        let (size, is_big_endian) = (self.bytes, self.is_big_endian);
        bytes.chunks_exact(size).map(move |pixel| match *pixel {
            [low, high] if is_big_endian => u16::from_be_bytes([low, high]),
            [low, high] => u16::from_le_bytes([low, high]),
            [only] => u16::from(only),
            // Pixels have one or two bytes.
            _ => 0,
        })
    }

    /// Runs of bytes: one segment for each byte of a pixel, the upper one first.
    fn runs(&self, bytes: &[u8]) -> Result<Vec<i32>, String> {
        let number =
            |k: usize| bytes.get(4 * k..4 * k + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize);
        let cut = "a frame packed in runs of bytes is cut short";
        let count = number(0).ok_or(cut)?;
        if count != self.bytes {
            return Err(format!(
                "a frame has {count} segments of runs; expected {}, one for each byte of a pixel",
                self.bytes
            ));
        }
        let mut stored = vec![0u16; self.pixels()];
        for segment in 0..count {
            let start = number(1 + segment).ok_or(cut)?;
            let end = if segment + 1 < count { number(2 + segment).ok_or(cut)? } else { bytes.len() };
            let segment = bytes.get(start..end).ok_or("a segment of runs lies outside its frame")?;
            unpack(segment, &mut stored).ok_or(cut)?;
        }
        Ok(stored.into_iter().map(|stored| self.value(stored)).collect())
    }

    fn jpeg(&self, bytes: &[u8]) -> Result<Vec<i32>, String> {
        use jpeg_decoder::PixelFormat;
        let failed = |e: jpeg_decoder::Error| format!("a frame is no readable JPEG: {e}");
        let mut decoder = jpeg_decoder::Decoder::new(bytes);
        decoder.set_max_decoding_buffer_size(4 * self.pixels() + 4096);
        decoder.read_info().map_err(failed)?;
        let (rows, columns) = self.size;
        let info = decoder.info().ok_or("a frame is a JPEG without a size")?;
        if (usize::from(info.height), usize::from(info.width)) != self.size {
            let (height, width) = (info.height, info.width);
            return Err(format!("a frame is a JPEG of {width} × {height} pixels; expected {columns} × {rows}"));
        }
        let decoded = decoder.decode().map_err(failed)?;
        let stored: Vec<u16> = match info.pixel_format {
            PixelFormat::L8 => decoded.into_iter().map(u16::from).collect(),
            PixelFormat::L16 => decoded.chunks_exact(2).map(|b| u16::from_ne_bytes([b[0], b[1]])).collect(),
            _ => return Err("a frame is a JPEG in colour; only grey ones are read".into()),
        };
        if stored.len() != self.pixels() {
            return Err(format!("a frame is a JPEG of {} pixels; expected {}", stored.len(), self.pixels()));
        }
        Ok(stored.into_iter().map(|stored| self.value(stored)).collect())
    }
}

/// Shifts every number up by a byte and puts the bytes of a segment below: a length n from 0 to 127 is followed by n + 1
/// bytes, one from 129 to 255 by a byte that counts 257 - n times, 128 by nothing.
fn unpack(segment: &[u8], stored: &mut [u16]) -> Option<()> {
    let (mut at, mut place) = (0, 0);
    while place < stored.len() {
        let length = usize::from(*segment.get(at)?);
        let count = match length {
            0..128 => length + 1,
            128 => 0,
            _ => 257 - length,
        };
        let end = stored.len().min(place + count);
        for (k, number) in stored[place..end].iter_mut().enumerate() {
            let byte = *segment.get(at + 1 + if length < 128 { k } else { 0 })?;
            *number = *number << 8 | u16::from(byte);
        }
        place = end;
        at += match length {
            0..128 => 1 + count,
            128 => 1,
            _ => 2,
        };
    }
    Some(())
}

/// The parts of each frame of packed pixels. The first fragment is the table of where frames start, which may be empty.
///
/// # Errors
/// If it is unclear which part belongs to which frame.
pub(super) fn frames(
    fragments: &[Range<usize>],
    bytes: &[u8],
    count: usize,
    packing: Packing,
) -> Result<Vec<Vec<Range<usize>>>, String> {
    let Some((table, parts)) = fragments.split_first() else { return Err("packed pixels without parts".into()) };
    if parts.len() == count {
        return Ok(parts.iter().map(|part| vec![part.clone()]).collect());
    }
    if count == 1 {
        return Ok(vec![parts.to_vec()]);
    }
    let offsets: Vec<usize> =
        bytes[table.clone()].chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]) as usize).collect();
    let mut found: Vec<Vec<Range<usize>>> = Vec::new();
    let mut offset = 0;
    for part in parts {
        let is_start = match offsets.len() == count {
            true => offsets.get(found.len()) == Some(&offset),
            false => packing == Packing::Jpeg && bytes[part.clone()].starts_with(b"\xff\xd8"),
        };
        match found.last_mut() {
            _ if is_start => found.push(vec![part.clone()]),
            Some(frame) => frame.push(part.clone()),
            None => return Err("the first part of the packed pixels starts no frame".into()),
        }
        // The table counts the eight bytes in front of each part.
        offset += 8 + part.len();
    }
    match found.len() == count {
        true => Ok(found),
        false => Err(format!("{count} frames are declared, {} are in the file", found.len())),
    }
}
