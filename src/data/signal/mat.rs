//! Matrices of numbers in MATLAB files of version 5 (MAT-File Format, MathWorks): compressed or not, either byte order.

use std::io::Read;

use crate::data::DataError;
use crate::data::signal::{Recording, Signal};

/// Type numbers of elements.
const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;

/// Bytes of one unpacked element at most.
const LARGEST: u64 = 1 << 30;

/// Names of scalars that state the sampling rate.
const RATES: [&str; 6] = ["fs", "srate", "rate", "sfreq", "sampling_rate", "sampling_frequency"];

/// An array of real numbers.
struct Matrix {
    name: String,
    rows: usize,
    columns: usize,
    /// Column after column.
    values: Vec<f64>,
}

/// Reads the bytes of a MATLAB file with one matrix, whose longer side is time; a scalar such as `fs` beside it is its rate.
///
/// # Errors
/// Bytes of another format or version, a file without such a matrix or with several.
pub fn parse_mat(bytes: &[u8], place: &str) -> Result<Recording, DataError> {
    let wrong = |reason: &str| DataError::malformed(place, reason);
    if bytes.starts_with(b"\x89HDF") || bytes.get(512..520).is_some_and(|part| part.starts_with(b"\x89HDF")) {
        return Err(wrong("a MATLAB file of version 7.3 (HDF5); save it by `save(…, '-v7')`"));
    }
    let is_little = match bytes.get(126..128) {
        Some(b"IM") => true,
        Some(b"MI") => false,
        _ => return Err(wrong("not a MATLAB file of version 5 to 7.2")),
    };
    let mut found = Vec::new();
    read(&bytes[128..], is_little, &mut found).map_err(|reason| wrong(&reason))?;
    let is_rate =
        |matrix: &Matrix| matrix.values.len() == 1 && RATES.contains(&matrix.name.to_ascii_lowercase().as_str());
    let rate = found.iter().find(|matrix| is_rate(matrix)).map(|matrix| matrix.values[0]);
    if let Some(rate) = rate.filter(|rate| !(*rate > 0.0 && rate.is_finite())) {
        return Err(wrong(&format!("its sampling rate is {rate}; expected a number above 0")));
    }
    found.retain(|matrix| matrix.values.len() > 1);
    let [matrix] = &found[..] else {
        let names: Vec<&str> = found.iter().map(|matrix| matrix.name.as_str()).collect();
        let reason = match names.is_empty() {
            true => "no matrix of real numbers".to_string(),
            false => format!("{} matrices ({}); expected one", names.len(), names.join(", ")),
        };
        return Err(wrong(&reason));
    };
    // Time is the longer side.
    let (channels, length) = (matrix.rows.min(matrix.columns), matrix.rows.max(matrix.columns));
    let is_upright = matrix.rows >= matrix.columns;
    let signal = |channel: usize| {
        let value = |time: usize| match is_upright {
            true => matrix.values[channel * matrix.rows + time],
            false => matrix.values[time * matrix.rows + channel],
        };
        let samples = (0..length).map(|time| value(time) as f32).collect();
        Signal { label: (channel + 1).to_string(), rate, samples }
    };
    let signals = (0..channels).map(signal).collect();
    Ok(Recording { name: String::new(), signals, events: None, notices: Vec::new() })
}

/// A reader of elements.
struct Reader<'a> {
    bytes: &'a [u8],
    is_little: bool,
}

impl<'a> Reader<'a> {
    fn word(&mut self) -> Result<u32, String> {
        let (word, rest) = self.bytes.split_first_chunk::<4>().ok_or("the file ends within an element")?;
        self.bytes = rest;
        Ok(if self.is_little { u32::from_le_bytes(*word) } else { u32::from_be_bytes(*word) })
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        if count > self.bytes.len() {
            return Err(format!("an element of {count} bytes is cut off"));
        }
        let (taken, rest) = self.bytes.split_at(count);
        self.bytes = rest;
        Ok(taken)
    }

    /// Type and data of the next element.
    fn element(&mut self) -> Result<(u32, &'a [u8]), String> {
        let tag = self.word()?;
        // Up to four bytes stand in the tag itself.
        if tag >> 16 != 0 {
            let data = self.take(4)?;
            let length = ((tag >> 16) as usize).min(4);
            return Ok((tag & 0xffff, &data[..length]));
        }
        let length = self.word()? as usize;
        let data = self.take(length)?;
        if tag != COMPRESSED {
            // Elements begin at multiples of eight bytes; the last one of a file need not be filled up.
            self.take(((8 - length % 8) % 8).min(self.bytes.len()))?;
        }
        Ok((tag, data))
    }
}

fn read(bytes: &[u8], is_little: bool, found: &mut Vec<Matrix>) -> Result<(), String> {
    let mut reader = Reader { bytes, is_little };
    while reader.bytes.len() >= 8 {
        match reader.element()? {
            (COMPRESSED, data) => {
                let mut whole = Vec::new();
                let mut unpack = flate2::read::ZlibDecoder::new(data).take(LARGEST + 1);
                unpack.read_to_end(&mut whole).map_err(|e| format!("an element does not unpack: {e}"))?;
                if whole.len() as u64 > LARGEST {
                    return Err(format!("an element unpacks to more than {LARGEST} bytes"));
                }
                // What is packed is one element, which is not packed itself.
                let mut inner = Reader { bytes: &whole, is_little };
                if let (MATRIX, data) = inner.element()? {
                    found.extend(matrix(data, is_little)?);
                }
            }
            (MATRIX, data) => found.extend(matrix(data, is_little)?),
            _ => {}
        }
    }
    Ok(())
}

/// A matrix of real numbers; `None` for texts, structures, cells and sparse or complex ones.
fn matrix(data: &[u8], is_little: bool) -> Result<Option<Matrix>, String> {
    let mut reader = Reader { bytes: data, is_little };
    let (_, flags) = reader.element()?;
    let first = flags.first_chunk::<4>().ok_or("a matrix without flags")?;
    let flags = if is_little { u32::from_le_bytes(*first) } else { u32::from_be_bytes(*first) };
    // Classes 6 to 15 are arrays of numbers; bit 11 says complex.
    if !(6..=15).contains(&(flags & 0xff)) || flags & 0x800 != 0 {
        return Ok(None);
    }
    let (_, sizes) = reader.element()?;
    let size = |bytes: &[u8]| numbers(5, bytes, is_little).map(|all| all.iter().map(|n| *n as usize).collect());
    let sizes: Vec<usize> = size(sizes)?;
    let (_, name) = reader.element()?;
    let name = String::from_utf8_lossy(name).into_owned();
    let (kind, stored) = reader.element()?;
    let values = numbers(kind, stored, is_little)?;
    let [rows, columns] = sizes[..] else {
        return Err(format!("`{name}` has {} dimensions; expected 2", sizes.len()));
    };
    if rows.checked_mul(columns) != Some(values.len()) {
        return Err(format!("`{name}` is {rows} × {columns}, but has {} values", values.len()));
    }
    Ok(Some(Matrix { name, rows, columns, values }))
}

/// The numbers of an element of this type.
fn numbers(kind: u32, bytes: &[u8], is_little: bool) -> Result<Vec<f64>, String> {
    macro_rules! each {
        ($number:ty) => {
            bytes
                .chunks_exact(size_of::<$number>())
                .map(|part| {
                    // Chunks have exactly the size of the number.
                    let part = part.try_into().unwrap_or_default();
                    if is_little {
                        <$number>::from_le_bytes(part) as f64
                    } else {
                        <$number>::from_be_bytes(part) as f64
                    }
                })
                .collect()
        };
    }
    Ok(match kind {
        1 => each!(i8),
        2 => each!(u8),
        3 => each!(i16),
        4 => each!(u16),
        5 => each!(i32),
        6 => each!(u32),
        7 => each!(f32),
        9 => each!(f64),
        12 => each!(i64),
        13 => each!(u64),
        other => return Err(format!("numbers of the unknown type {other}")),
    })
}
