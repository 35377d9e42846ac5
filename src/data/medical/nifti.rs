//! NIfTI-1 volumes (Cox et al. 2004, nifti1.h), plain or packed with gzip, as slices.

use std::io::Read;
use std::path::{Path, PathBuf};

use ndarray::Array2;

use super::grey::Window;
use crate::data::file::read_file;
use crate::data::{DataError, Picture};

/// Bytes in front of the values, at least.
const HEADER: usize = 348;

/// Bytes of an unpacked volume, at most.
const MOST_BYTES: u64 = 1 << 30;

/// How many times as long deflate can make its content.
const MOST_GROWTH: u64 = 1032;

/// The type of a voxel: its code, bytes and reader.
struct Voxel {
    code: i16,
    bytes: usize,
    /// The number in these bytes, the lowest first.
    value: fn(&[u8]) -> f64,
}

/// Reads a number from bytes of its own length; 0 from others, which [`NiftiVolume::slice`] never passes.
macro_rules! voxel {
    ($code:literal, $kind:ty) => {
        Voxel {
            code: $code,
            bytes: size_of::<$kind>(),
            value: |bytes| bytes.try_into().map_or(0.0, |bytes| <$kind>::from_le_bytes(bytes) as f64),
        }
    };
}

/// Every type that is read.
static VOXELS: [Voxel; 10] = [
    voxel!(2, u8),
    voxel!(4, i16),
    voxel!(8, i32),
    voxel!(16, f32),
    voxel!(64, f64),
    voxel!(256, i8),
    voxel!(512, u16),
    voxel!(768, u32),
    voxel!(1024, i64),
    voxel!(1280, u64),
];

/// A volume. Slices are along its third axis, as it is stored: rows are its second axis, columns its first.
#[derive(Clone, Debug)]
pub struct NiftiVolume {
    /// Voxels along the first, second and third axis.
    pub size: [usize; 3],
    /// Millimetres, or the unit that the file means, from a voxel to the next along each axis.
    pub spacing: [f64; 3],
    /// Where each axis points, as nibabel spells it: R or L, A or P, S or I, such as "RAS"; `None` if the file does not say.
    pub axes: Option<String>,
    bytes: Vec<u8>,
    start: usize,
    voxel: usize,
    is_big_endian: bool,
    slope: f64,
    intercept: f64,
}

impl NiftiVolume {
    /// Whether the name of a file ends as that of a volume: .nii or .nii.gz.
    pub fn is_one(path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        name.ends_with(".nii") || name.ends_with(".nii.gz")
    }

    /// Reads a volume of three dimensions.
    ///
    /// # Errors
    /// A file that cannot be read, is cut short, or holds no such volume of numbers.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        Self::parse(read_file(path)?, path)
    }

    /// The same from the content of a file; `path` is for messages.
    ///
    /// # Errors
    /// As [`read`](Self::read), as [`DataError::BadImage`].
    pub fn parse(bytes: Vec<u8>, path: &Path) -> Result<Self, DataError> {
        let opened = unpacked(bytes).and_then(Self::opened);
        opened.map_err(|reason| DataError::BadImage { path: PathBuf::from(path), reason })
    }

    fn opened(bytes: Vec<u8>) -> Result<Self, String> {
        let head: &[u8; HEADER] = bytes.first_chunk().ok_or("no NIfTI file: it is shorter than its header")?;
        let size = [0, 1, 2, 3].map(|k| head[k]);
        let is_big_endian = match (i32::from_le_bytes(size), i32::from_be_bytes(size)) {
            (348, _) => false,
            (_, 348) => true,
            (540, _) | (_, 540) => return Err("a NIfTI-2 file; only NIfTI-1 is read. Convert it with nibabel".into()),
            _ => return Err("no NIfTI-1 file: its header is of another size".into()),
        };
        match &head[344..348] {
            b"n+1\0" => {}
            b"ni1\0" => return Err("a header whose values are in another file (.img); save it as one .nii file".into()),
            _ => return Err("no NIfTI-1 file: the mark n+1 is missing at byte 344".into()),
        }
        let field = Field { head, is_big_endian };
        let dims = [0, 1, 2, 3, 4, 5, 6, 7].map(|k| field.short(40 + 2 * k));
        if !(1..=7).contains(&dims[0]) {
            return Err(format!("{} dimensions; expected 3", dims[0]));
        }
        let used = &dims[1..=dims[0] as usize];
        if used.len() < 3 || used[..3].iter().any(|side| *side < 1) || used[3..].iter().any(|side| *side != 1) {
            return Err(format!("its dimensions are {used:?}; expected three, each at least 1"));
        }
        let size = [0, 1, 2].map(|k| used[k] as usize);
        let code = field.short(70);
        let voxel = VOXELS.iter().position(|voxel| voxel.code == code).ok_or_else(|| {
            format!(
                "voxels of the type {code} (colours or complex numbers) are not read; expected whole or real numbers"
            )
        })?;
        let offset = field.float(108);
        let start = if offset == 0.0 { 352.0 } else { offset };
        let needed = size.iter().product::<usize>() * VOXELS[voxel].bytes;
        let left = if (352.0..=1e9).contains(&start) { bytes.len().saturating_sub(start as usize) } else { 0 };
        if left < needed {
            return Err(format!(
                "a volume of {size:?} needs {needed} bytes, {left} are behind byte {start}: it was cut short"
            ));
        }
        // A slope of 0 or none says: no scale (nifti1.h).
        let (slope, intercept) = (f64::from(field.float(112)), f64::from(field.float(116)));
        let (slope, intercept) = match slope.is_finite() && slope != 0.0 {
            true if !intercept.is_finite() => {
                return Err(format!("the offset of its scale, scl_inter, is {intercept}"));
            }
            true => (slope, intercept),
            false => (1.0, 0.0),
        };
        let spacing = [1, 2, 3].map(|k| f64::from(field.float(76 + 4 * k)).abs());
        let axes = field.axes();
        Ok(Self { size, spacing, axes, start: start as usize, voxel, is_big_endian, slope, intercept, bytes })
    }

    /// Number of slices, at least 1.
    #[expect(clippy::len_without_is_empty, reason = "a volume without slices is refused")]
    pub fn len(&self) -> usize {
        self.size[2]
    }

    /// The values (rows, columns) of a slice: what is stored times the slope, plus the intercept.
    ///
    /// # Errors
    /// If there are not so many slices.
    pub fn slice(&self, slice: usize) -> Result<Array2<f32>, DataError> {
        if slice >= self.len() {
            let reason = format!("{} slices, no slice {slice} (from 0)", self.len());
            return Err(DataError::malformed("a volume", reason));
        }
        let [columns, rows, _] = self.size;
        let Voxel { bytes: each, value, .. } = VOXELS[self.voxel];
        let start = self.start + slice * rows * columns * each;
        let stored = self.bytes[start..start + rows * columns * each].chunks_exact(each);
        let value = |bytes: &[u8]| {
            let mut own = [0; 8];
            own[..each].copy_from_slice(bytes);
            if self.is_big_endian {
                own[..each].reverse();
            }
            (self.slope * value(&own[..each]) + self.intercept) as f32
        };
        // The file holds every slice whole.
        Ok(Array2::from_shape_vec((rows, columns), stored.map(value).collect()).expect("as many values as voxels"))
    }

    /// From the first to the 99th percentile of the volume: one scale of grey for all its slices. Of more than four million
    /// voxels every n-th counts.
    pub fn window(&self) -> Window {
        let all = self.size.iter().product::<usize>();
        let step = all.div_ceil(4_000_000);
        let slices = (0..self.len()).filter_map(|k| self.slice(k).ok());
        Window::of_percentiles(slices.flatten().step_by(step))
    }

    /// A slice as a grey picture.
    ///
    /// # Errors
    /// As [`slice`](Self::slice).
    pub fn picture(&self, slice: usize, window: &Window) -> Result<Picture, DataError> {
        Ok(window.picture(self.slice(slice)?.view(), false))
    }
}

/// The content of a file that may be packed with gzip.
fn unpacked(bytes: Vec<u8>) -> Result<Vec<u8>, String> {
    if !bytes.starts_with(b"\x1f\x8b") {
        return Ok(bytes);
    }
    let most = MOST_BYTES.min((bytes.len() as u64).saturating_mul(MOST_GROWTH));
    let mut content = Vec::new();
    let decoder = flate2::read::MultiGzDecoder::new(&bytes[..]);
    decoder.take(most + 1).read_to_end(&mut content).map_err(|e| format!("it does not unpack: {e}"))?;
    match content.len() as u64 > most {
        true => Err(format!("it unpacks to more than {most} bytes")),
        false => Ok(content),
    }
}

/// Fields of a header.
struct Field<'a> {
    head: &'a [u8; HEADER],
    is_big_endian: bool,
}

impl Field<'_> {
    /// Fields lie inside the header.
    fn short(&self, at: usize) -> i16 {
        let bytes = [self.head[at], self.head[at + 1]];
        if self.is_big_endian { i16::from_be_bytes(bytes) } else { i16::from_le_bytes(bytes) }
    }

    fn float(&self, at: usize) -> f32 {
        let bytes = [0, 1, 2, 3].map(|k| self.head[at + k]);
        if self.is_big_endian { f32::from_be_bytes(bytes) } else { f32::from_le_bytes(bytes) }
    }

    /// The directions of the three axes in the world (rows: right, front, up; columns: axes), if they are given.
    fn directions(&self) -> Option<[[f64; 3]; 3]> {
        let float = |at: usize| f64::from(self.float(at));
        if self.short(254) > 0 {
            return Some([280, 296, 312].map(|row| [0, 4, 8].map(|column| float(row + column))));
        }
        if self.short(252) <= 0 {
            return None;
        }
        // A rotation as a quaternion whose first part is left out, and the sides of a voxel.
        let (b, c, d) = (float(256), float(260), float(264));
        let a = (1.0 - b * b - c * c - d * d).max(0.0).sqrt();
        let rotation = [
            [a * a + b * b - c * c - d * d, 2.0 * (b * c - a * d), 2.0 * (b * d + a * c)],
            [2.0 * (b * c + a * d), a * a + c * c - b * b - d * d, 2.0 * (c * d - a * b)],
            [2.0 * (b * d - a * c), 2.0 * (c * d + a * b), a * a + d * d - c * c - b * b],
        ];
        let last = if float(76) < 0.0 { -1.0 } else { 1.0 };
        let sides = [float(80), float(84), last * float(88)];
        Some(rotation.map(|row| [0, 1, 2].map(|k| row[k] * sides[k])))
    }

    /// Where each axis points: the largest direction first, each direction of the world once.
    fn axes(&self) -> Option<String> {
        let directions = self.directions()?;
        let norm = |axis: usize| directions.iter().map(|row| row[axis] * row[axis]).sum::<f64>().sqrt();
        let mut found = [None; 3];
        for _ in 0..3 {
            let pairs = (0..3).flat_map(|world| (0..3).map(move |axis| (world, axis)));
            let is_open = |&(world, axis): &(usize, usize)| {
                found[axis].is_none() && !found.iter().flatten().any(|(other, _)| *other == world)
            };
            let share = |&(world, axis): &(usize, usize)| directions[world][axis].abs() / norm(axis);
            let (world, axis) = pairs.filter(is_open).max_by(|a, b| share(a).total_cmp(&share(b)))?;
            if !(share(&(world, axis)) > 0.0) {
                return None;
            }
            found[axis] = Some((world, directions[world][axis] < 0.0));
        }
        found
            .iter()
            .map(|axis| axis.map(|(world, is_back)| [['R', 'A', 'S'], ['L', 'P', 'I']][usize::from(is_back)][world]))
            .collect()
    }
}
