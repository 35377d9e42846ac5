//! Zip archives for tests.

use std::io::Write;

/// A zip archive of stored files.
pub fn stored(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    archive(files, false)
}

/// A zip archive of files packed by deflate.
pub fn deflated(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    archive(files, true)
}

fn archive(files: &[(&str, Vec<u8>)], deflates: bool) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, data) in files {
        let mut checksum = flate2::Crc::new();
        checksum.update(data);
        let packed = match deflates {
            true => {
                let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(data).unwrap();
                encoder.finish().unwrap()
            }
            false => data.clone(),
        };
        let offset = bytes.len() as u32;
        // Version, flags, method, time and date, checksum, sizes, length of the name, no extra field.
        let mut common = vec![20, 0, 0, 0, if deflates { 8 } else { 0 }, 0, 0, 0, 0, 0];
        for number in [checksum.sum(), packed.len() as u32, data.len() as u32] {
            common.extend(number.to_le_bytes());
        }
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&common);
        bytes.extend(name.as_bytes());
        bytes.extend(packed);
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&common);
        // No comment, first disk, no attributes.
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let start = bytes.len() as u32;
    let (count, size) = ((files.len() as u16).to_le_bytes(), (directory.len() as u32).to_le_bytes());
    bytes.extend(directory);
    bytes.extend([&b"PK\x05\x06\0\0\0\0"[..], &count, &count, &size, &start.to_le_bytes(), &[0, 0]].concat());
    bytes
}
