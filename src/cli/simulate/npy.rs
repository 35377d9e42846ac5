//! Complex arrays as NumPy files.

use ndarray::ArrayViewD;

use crate::math::C64;

/// The array in format version 1.0: magic, version, length of the header, header, numbers row by row
/// (numpy.org/doc/stable/reference/generated/numpy.lib.format.html). Numbers begin at a multiple of 64 bytes.
pub fn bytes(array: ArrayViewD<C64>) -> Vec<u8> {
    let shape: String = array.shape().iter().map(|size| format!("{size}, ")).collect();
    let mut header = format!("{{'descr': '<c16', 'fortran_order': False, 'shape': ({shape}), }}");
    const PREAMBLE: usize = 10;
    let padding = (PREAMBLE + header.len() + 1).next_multiple_of(64) - (PREAMBLE + header.len() + 1);
    header += &" ".repeat(padding);
    header.push('\n');
    let mut out = Vec::with_capacity(PREAMBLE + header.len() + 16 * array.len());
    out.extend(b"\x93NUMPY\x01\x00");
    // A handful of dimensions stays far below 65536 characters.
    out.extend((header.len() as u16).to_le_bytes());
    out.extend(header.as_bytes());
    out.extend(array.iter().flat_map(|z| [z.re, z.im]).flat_map(f64::to_le_bytes));
    out
}
