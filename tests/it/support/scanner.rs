//! Small files of scanners.

use std::io::Write;

/// Packed with gzip.
pub fn gzipped(content: &[u8]) -> Vec<u8> {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(content).unwrap();
    packed.finish().unwrap()
}

/// A DICOM file with types of values, the lowest byte first; elements as tag, type and value.
pub fn dicom(elements: &[(u32, &[u8; 2], &[u8])]) -> Vec<u8> {
    let mut bytes = [&[0; 128][..], b"DICM"].concat();
    let mut element = |tag: u32, kind: &[u8; 2], value: &[u8]| {
        bytes.extend(((tag >> 16) as u16).to_le_bytes());
        bytes.extend((tag as u16).to_le_bytes());
        bytes.extend(kind);
        if matches!(kind, b"OW" | b"OB" | b"SQ" | b"UN") {
            bytes.extend([0, 0]);
            bytes.extend((value.len() as u32).to_le_bytes());
        } else {
            bytes.extend((value.len() as u16).to_le_bytes());
        }
        bytes.extend(value);
    };
    element(0x0002_0010, b"UI", b"1.2.840.10008.1.2.1\0");
    for (tag, kind, value) in elements {
        element(*tag, kind, value);
    }
    bytes
}

/// A slice of 8 bits, 32 × 32, of a patient and a series, so many millimetres along its axis.
pub fn slice(patient: &str, series: &str, place: f64, grey: &[u8]) -> Vec<u8> {
    let even = |text: String| if text.len() % 2 == 1 { text + " " } else { text };
    let [patient, series] = [patient, series].map(|text| even(text.into()));
    let place = even(format!("0\\0\\{place}"));
    dicom(&[
        (0x0008_0060, b"CS", b"MR"),
        (0x0010_0020, b"LO", patient.as_bytes()),
        (0x0020_000e, b"UI", series.as_bytes()),
        (0x0020_0032, b"DS", place.as_bytes()),
        (0x0020_0037, b"DS", b"1\\0\\0\\0\\1\\0 "),
        (0x0028_0002, b"US", &[1, 0]),
        (0x0028_0004, b"CS", b"MONOCHROME2 "),
        (0x0028_0010, b"US", &[32, 0]),
        (0x0028_0011, b"US", &[32, 0]),
        (0x0028_0100, b"US", &[8, 0]),
        (0x7fe0_0010, b"OB", grey),
    ])
}

/// A NIfTI volume of 8 bits, 32 × 32 in each slice.
pub fn volume(slices: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![0; 352];
    bytes[..4].copy_from_slice(&348i32.to_le_bytes());
    for (k, side) in [3, 32, 32, slices.len() as i16].into_iter().enumerate() {
        bytes[40 + 2 * k..42 + 2 * k].copy_from_slice(&side.to_le_bytes());
    }
    bytes[70..72].copy_from_slice(&2i16.to_le_bytes());
    bytes[108..112].copy_from_slice(&352f32.to_le_bytes());
    bytes[344..348].copy_from_slice(b"n+1\0");
    bytes.extend(slices.concat());
    bytes
}
