//! Files of named arrays: safetensors, and NumPy's .npy and .npz.

use std::borrow::Cow;

use safetensors::{Dtype, SafeTensors};

use super::DataError;
use super::zip_file::ZipFile;

/// The type of the elements of an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Element {
    Float16,
    Bfloat16,
    Float32,
    Float64,
    Signed(usize),
    Unsigned(usize),
    /// Text of so many bytes, padded with zeros.
    Bytes(usize),
    /// Text of so many characters of 4 bytes, padded with zeros.
    Characters(usize),
}

impl Element {
    /// Bytes of one element.
    fn size(self) -> usize {
        match self {
            Self::Float16 | Self::Bfloat16 => 2,
            Self::Float32 => 4,
            Self::Float64 => 8,
            Self::Signed(size) | Self::Unsigned(size) | Self::Bytes(size) => size,
            Self::Characters(count) => 4 * count,
        }
    }
}

/// An array in a file. Its bytes fill its shape.
pub(super) struct Array<'a> {
    /// Its name in the file.
    pub name: String,
    /// Number of elements along each axis.
    pub shape: Vec<usize>,
    element: Element,
    is_big_endian: bool,
    /// Whether the first axis varies fastest.
    is_column_major: bool,
    data: Cow<'a, [u8]>,
}

/// Values that may name classes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Labels {
    Numbers(Vec<i128>),
    Words(Vec<String>),
}

impl Labels {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Words(words) => words.len(),
        }
    }
}

/// Named arrays with the metadata of their file.
pub(super) struct ArrayFile<'a> {
    /// Names the file in messages.
    pub place: String,
    /// In the order of their names.
    pub arrays: Vec<Array<'a>>,
    /// What the metadata of the file says of its classes.
    pub classes: Option<String>,
}

impl<'a> ArrayFile<'a> {
    /// From the bytes of a safetensors file.
    pub(super) fn safetensors(bytes: &'a [u8], place: String) -> Result<Self, DataError> {
        let not_readable = |e| DataError::malformed(&place, format!("not a whole safetensors file: {e}"));
        let tensors = SafeTensors::deserialize(bytes).map_err(not_readable)?;
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(not_readable)?;
        let classes = header.metadata().as_ref().and_then(|metadata| metadata.get("classes")).cloned();
        let mut arrays = Vec::new();
        for (name, view) in tensors.iter() {
            let element = match view.dtype() {
                Dtype::F16 => Element::Float16,
                Dtype::BF16 => Element::Bfloat16,
                Dtype::F32 => Element::Float32,
                Dtype::F64 => Element::Float64,
                Dtype::I8 => Element::Signed(1),
                Dtype::I16 => Element::Signed(2),
                Dtype::I32 => Element::Signed(4),
                Dtype::I64 => Element::Signed(8),
                Dtype::BOOL | Dtype::U8 => Element::Unsigned(1),
                Dtype::U16 => Element::Unsigned(2),
                Dtype::U32 => Element::Unsigned(4),
                Dtype::U64 => Element::Unsigned(8),
                other => {
                    let reason = format!("tensor `{name}` is of type {other:?}, expected floats or integers");
                    return Err(DataError::malformed(&place, reason));
                }
            };
            let (name, shape, data) = (name.to_string(), view.shape().to_vec(), Cow::Borrowed(view.data()));
            arrays.push(Array { name, shape, element, data, is_big_endian: false, is_column_major: false });
        }
        arrays.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { place, arrays, classes })
    }

    /// From the bytes of an .npz file, a zip archive of .npy files.
    pub(super) fn npz(bytes: &'a [u8], place: String) -> Result<Self, DataError> {
        let archive = ZipFile::open(bytes, &place)?;
        let names: Vec<&str> = archive.names().collect();
        if names.iter().any(|name| name.ends_with("data.pkl")) {
            let reason = "this is a PyTorch file; save features and labels with numpy.savez or as safetensors";
            return Err(DataError::malformed(&place, reason));
        }
        let mut arrays = Vec::new();
        for name in names {
            let Some(stem) = name.strip_suffix(".npy") else {
                return Err(DataError::malformed(&place, format!("`{name}` is no .npy array")));
            };
            // The name is from the archive itself.
            let Some(content) = archive.read(name) else { continue };
            arrays.push(Array::npy(content?, stem, &format!("{place}/{name}"))?);
        }
        arrays.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Self { place, arrays, classes: None })
    }

    /// The array of this name.
    pub(super) fn get(&self, name: &str) -> Result<&Array<'a>, DataError> {
        self.arrays.iter().find(|array| array.name == name).ok_or_else(|| self.missing(name))
    }

    /// Names the arrays that are there in place of this one.
    pub(super) fn missing(&self, name: &str) -> DataError {
        let found: Vec<&str> = self.arrays.iter().map(|array| array.name.as_str()).collect();
        DataError::malformed(&self.place, format!("no tensor `{name}`; the file holds {}", found.join(", ")))
    }
}

impl<'a> Array<'a> {
    /// The first bytes of an .npy file.
    pub(super) const NPY: &'static [u8] = b"\x93NUMPY";

    /// From the bytes of an .npy file.
    pub(super) fn npy(bytes: Cow<'a, [u8]>, name: &str, place: &str) -> Result<Self, DataError> {
        let failed = |reason: String| DataError::malformed(place, reason);
        let header = NpyHeader::read(&bytes).map_err(failed)?;
        let expected = header.shape.iter().try_fold(header.element.size(), |size, side| size.checked_mul(*side));
        let found = bytes.len() - header.length;
        if expected != Some(found) {
            let reason = format!("the shape {:?} does not fit {found} bytes of values; cut short?", header.shape);
            return Err(failed(reason));
        }
        let NpyHeader { element, is_big_endian, is_column_major, shape, length } = header;
        let data = match bytes {
            Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[length..]),
            Cow::Owned(mut bytes) => Cow::Owned(bytes.split_off(length)),
        };
        Ok(Self { name: name.into(), shape, element, is_big_endian, is_column_major, data })
    }

    /// The bytes of unsigned 8-bit integers.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.data
    }

    /// Its elements in row-major order, each as bytes in little-endian order.
    fn elements(&self) -> impl Iterator<Item = [u8; 8]> {
        let (size, count) = (self.element.size().clamp(1, 8), self.shape.iter().product::<usize>());
        let place = move |index: usize| if self.is_column_major { self.column_major(index) } else { index };
        (0..count).map(move |index| {
            let mut bytes = [0; 8];
            let start = place(index) * size;
            // The bytes fill the shape, as was checked when the file was read.
            bytes[..size].copy_from_slice(&self.data[start..start + size]);
            if self.is_big_endian {
                bytes[..size].reverse();
            }
            bytes
        })
    }

    /// Where the element of this row-major number is if the first axis varies fastest.
    fn column_major(&self, mut index: usize) -> usize {
        let (mut place, mut stride) = (0, self.shape.iter().product::<usize>());
        for side in self.shape.iter().rev() {
            stride /= side;
            place += (index % side) * stride;
            index /= side;
        }
        place
    }

    /// As 32-bit floats in row-major order, `None` of text.
    pub(super) fn floats(&self) -> Option<Vec<f32>> {
        let half = |bytes: [u8; 8]| [bytes[0], bytes[1]];
        let word = |bytes: [u8; 8]| [bytes[0], bytes[1], bytes[2], bytes[3]];
        Some(match self.element {
            Element::Float16 => self.elements().map(|b| half::f16::from_le_bytes(half(b)).to_f32()).collect(),
            Element::Bfloat16 => self.elements().map(|b| half::bf16::from_le_bytes(half(b)).to_f32()).collect(),
            Element::Float32 => self.elements().map(|b| f32::from_le_bytes(word(b))).collect(),
            Element::Float64 => self.elements().map(|b| f64::from_le_bytes(b) as f32).collect(),
            Element::Signed(_) | Element::Unsigned(_) => self.integers()?.map(|value| value as f32).collect(),
            Element::Bytes(_) | Element::Characters(_) => return None,
        })
    }

    /// As 64-bit floats in row-major order, `None` of text.
    pub(super) fn doubles(&self) -> Option<Vec<f64>> {
        match self.element {
            Element::Float64 => Some(self.elements().map(f64::from_le_bytes).collect()),
            Element::Signed(_) | Element::Unsigned(_) => Some(self.integers()?.map(|value| value as f64).collect()),
            _ => Some(self.floats()?.into_iter().map(f64::from).collect()),
        }
    }

    fn integers(&self) -> Option<impl Iterator<Item = i128>> {
        let (size, is_signed) = match self.element {
            Element::Signed(size) => (size, true),
            Element::Unsigned(size) => (size, false),
            _ => return None,
        };
        let shift = 64 - 8 * size as u32;
        Some(self.elements().map(move |bytes| {
            let bits = u64::from_le_bytes(bytes);
            if is_signed { i128::from(((bits << shift) as i64) >> shift) } else { i128::from(bits) }
        }))
    }

    /// As labels: integers, whole floats, or words.
    ///
    /// # Errors
    /// A float that is no whole number, by row.
    pub(super) fn labels(&self, place: &str) -> Result<Labels, DataError> {
        if let Some(integers) = self.integers() {
            return Ok(Labels::Numbers(integers.collect()));
        }
        let characters = |chunk: &[u8]| -> String {
            let codes = chunk.as_chunks().0.iter();
            let codes = codes
                .map(|&b: &[u8; 4]| if self.is_big_endian { u32::from_be_bytes(b) } else { u32::from_le_bytes(b) });
            codes.map(|code| char::from_u32(code).unwrap_or('\u{fffd}')).collect()
        };
        let trimmed = |text: String| text.trim_end_matches('\0').trim().to_string();
        match self.element {
            // Words are labels or class names, of one axis, so their order is that of the bytes.
            Element::Bytes(size) => {
                let words = self.data.chunks(size.max(1)).map(|chunk| trimmed(String::from_utf8_lossy(chunk).into()));
                Ok(Labels::Words(words.collect()))
            }
            Element::Characters(count) => {
                let words = self.data.chunks(4 * count.max(1)).map(|chunk| trimmed(characters(chunk)));
                Ok(Labels::Words(words.collect()))
            }
            _ => {
                let values = self.floats().unwrap_or_default();
                let whole = |(row, value): (usize, f32)| {
                    let fits = value.fract() == 0.0 && value.abs() <= 16_777_216.0;
                    fits.then_some(value as i128).ok_or_else(|| {
                        let reason = format!("`{}` holds {value} at row {row}; labels are whole numbers", self.name);
                        DataError::malformed(place, reason)
                    })
                };
                let numbers = values.into_iter().enumerate().map(whole).collect::<Result<_, _>>()?;
                Ok(Labels::Numbers(numbers))
            }
        }
    }
}

/// The header of an .npy file (numpy.lib.format, versions 1 to 3).
struct NpyHeader {
    element: Element,
    is_big_endian: bool,
    is_column_major: bool,
    shape: Vec<usize>,
    /// Bytes before the values.
    length: usize,
}

impl NpyHeader {
    fn read(bytes: &[u8]) -> Result<Self, String> {
        let cut = || "not a whole .npy file".to_string();
        let fixed = bytes.strip_prefix(Array::NPY).ok_or_else(cut)?;
        let (start, size) = match fixed {
            [1, _, a, b, ..] => (10, usize::from(u16::from_le_bytes([*a, *b]))),
            [2 | 3, _, a, b, c, d, ..] => (12, u32::from_le_bytes([*a, *b, *c, *d]) as usize),
            _ => return Err(cut()),
        };
        let length = start + size;
        let text = bytes.get(start..length).ok_or_else(cut)?;
        let text = String::from_utf8_lossy(text);
        let value = |key: &str| {
            let quoted = [format!("'{key}'"), format!("\"{key}\"")];
            let at = quoted.iter().find_map(|quoted| text.find(quoted.as_str()).map(|at| at + quoted.len()))?;
            text[at..].trim_start().strip_prefix(':').map(str::trim_start)
        };
        let field = |key: &str| value(key).ok_or_else(|| format!("the header has no `{key}`"));
        let descr = field("descr")?;
        let (element, is_big_endian) = element(descr)?;
        let order = field("fortran_order")?;
        let shape = field("shape")?.strip_prefix('(').and_then(|rest| rest.split_once(')'));
        let (shape, _) = shape.ok_or("the shape in the header is no tuple")?;
        let sides = shape.split(',').map(str::trim).filter(|side| !side.is_empty());
        let side = |side: &str| side.parse().map_err(|_| format!("the shape ({shape}) is not made of whole numbers"));
        let shape = sides.map(side).collect::<Result<_, _>>()?;
        Ok(Self { element, is_big_endian, is_column_major: order.starts_with("True"), shape, length })
    }
}

/// The element that `'<f4'` and its like declare, and whether it is big-endian.
fn element(descr: &str) -> Result<(Element, bool), String> {
    let text = descr.strip_prefix(['\'', '"']).and_then(|rest| rest.split(['\'', '"']).next());
    let text = text.ok_or("arrays of records are not read; save each field as an array of its own")?;
    let kind = text.trim_start_matches(['<', '>', '=', '|']);
    let unread = || format!("elements of type {text:?} are not read; expected floats, integers or text");
    let (letter, size) = kind.split_at_checked(1).ok_or_else(unread)?;
    let size: usize = if letter == "O" { 0 } else { size.parse().map_err(|_| unread())? };
    let element = match (letter, size) {
        ("O", _) => {
            return Err("the array holds Python objects, which would have to be unpickled; save numbers or text".into());
        }
        ("f", 2) => Element::Float16,
        ("f", 4) => Element::Float32,
        ("f", 8) => Element::Float64,
        ("i", 1 | 2 | 4 | 8) => Element::Signed(size),
        ("u", 1 | 2 | 4 | 8) | ("b", 1) => Element::Unsigned(size),
        ("S", 1..=4096) => Element::Bytes(size),
        ("U", 1..=4096) => Element::Characters(size),
        _ => return Err(unread()),
    };
    Ok((element, text.starts_with('>')))
}
