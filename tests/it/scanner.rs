//! Files of scanners against pydicom and nibabel (`tests/data/scanner/make.py`), and files that lie.

use std::path::{Path, PathBuf};

use approx::assert_abs_diff_eq;
use qgraft::data::{BadPicture, DataError, DicomFile, NiftiVolume, Picture, Window, read_slices};
use serde_json::Value;

use crate::support::scanner::{dicom, gzipped, slice, volume};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/scanner")
}

/// What other programs read, by file. A volume packed with gzip reads as the volume.
fn expected(ending: &str) -> Vec<(String, Value)> {
    let all: serde_json::Map<String, Value> =
        serde_json::from_slice(&std::fs::read(folder().join("expected.json")).unwrap()).unwrap();
    let packed = ("i2.nii.gz".to_string(), all["i2.nii"].clone());
    let own: Vec<_> = all.into_iter().chain([packed]).filter(|(name, _)| name.contains(ending)).collect();
    assert!(own.len() > 3);
    own
}

/// The file of a name; one that ends in .gz is packed here.
fn content(name: &str) -> Vec<u8> {
    let read = |name: &str| std::fs::read(folder().join(name)).unwrap();
    name.strip_suffix(".gz").map_or_else(|| read(name), |plain| gzipped(&read(plain)))
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

fn close(name: &str, found: impl IntoIterator<Item = f64>, expected: &Value, tolerance: f64) {
    let (found, expected): (Vec<f64>, Vec<f64>) = (found.into_iter().collect(), numbers(expected));
    assert_eq!(found.len(), expected.len(), "{name}");
    for (place, (found, expected)) in found.iter().zip(&expected).enumerate() {
        assert!((found - expected).abs() <= tolerance, "{name}, value {place}: {found}, expected {expected}");
    }
}

fn levels(picture: &Picture) -> impl Iterator<Item = f64> {
    picture.rgb.iter().step_by(3).map(|grey| f64::from(*grey) / 255.0)
}

#[test]
fn dicom_frames_are_those_of_pydicom() {
    for (name, expected) in expected(".dcm") {
        let path = folder().join(&name);
        assert!(DicomFile::is_one(&path), "{name}");
        let file = DicomFile::read(&path).unwrap();
        assert_eq!(file.info.patient.as_deref(), expected["patient"].as_str(), "{name}");
        assert_eq!(file.info.series.as_deref(), Some("1.2.3.4"), "{name}");
        assert_eq!([file.info.size.0 as f64, file.info.size.1 as f64], *numbers(&expected["size"]), "{name}");
        assert_eq!(file.len(), expected["frames"].as_array().unwrap().len(), "{name}");
        // Decoders of JPEG may round the cosine transform differently, by one level.
        let tolerance = if name == "jpeg_8.dcm" { 1.0 } else { 1e-4 };
        let all = file.frames().unwrap();
        for k in 0..file.len() {
            let frame = file.frame(k).unwrap();
            assert_eq!(frame, all.index_axis(ndarray::Axis(0), k), "{name}");
            close(&name, frame.iter().map(|v| f64::from(*v)), &expected["frames"][k], tolerance);
            // Half a grey level, and pydicom's own rounding.
            let picture = file.picture(k).unwrap();
            assert_eq!((picture.height, picture.width), file.info.size, "{name}");
            close(&name, levels(&picture), &expected["levels"][k], (0.51 + tolerance.floor()) / 255.0);
        }
        assert!(file.frame(file.len()).is_err(), "{name}");
    }
}

#[test]
fn dicom_files_tell_what_frames_are_of() {
    let read = |name: &str| DicomFile::read(&folder().join(name)).unwrap().info;
    let enhanced = read("enhanced.dcm");
    // The plane is upright: its normal points along y.
    let positions: Vec<f64> = enhanced.positions.into_iter().flatten().collect();
    close("enhanced.dcm", positions, &serde_json::json!([3.0, -6.25, 8.0]), 1e-12);
    assert_eq!(enhanced.spacing, Some([0.5, 0.75]));
    let video = read("frames.dcm");
    assert_eq!((video.modality.as_deref(), video.spacing), (Some("XA"), Some([0.25, 0.3])));
    assert_abs_diff_eq!(video.frame_seconds.unwrap(), 0.0665);
    assert_abs_diff_eq!(read("frames_runs.dcm").frame_seconds.unwrap(), 1.0 / 15.0);
    assert!(read("inverted_8.dcm").is_inverted && !video.is_inverted);
    assert_eq!(read("no_window.dcm").windows, [None]);
    assert_eq!(read("explicit_12.dcm").windows, [Some(Window::Linear { centre: 1200.0, width: 2001.0 })]);
    assert_eq!((video.number, video.study.as_deref()), (Some(1.0), Some("1.2.3")));
}

#[test]
fn nifti_slices_are_those_of_nibabel() {
    for (name, expected) in expected(".nii") {
        let path = folder().join(&name);
        assert!(NiftiVolume::is_one(&path) && !DicomFile::is_one(&path), "{name}");
        let volume = NiftiVolume::parse(content(&name), &path).unwrap();
        assert_eq!(volume.axes.as_deref(), expected["axes"].as_str(), "{name}");
        close(&name, volume.spacing, &expected["spacing"], 1e-6);
        close(&name, volume.size.map(|side| side as f64), &expected["size"], 0.0);
        let window = volume.window();
        for k in 0..volume.len() {
            let slice = volume.slice(k).unwrap();
            close(&name, slice.iter().map(|v| f64::from(*v)), &expected["slices"][k], 1e-4);
            let picture = volume.picture(k, &window).unwrap();
            assert_eq!([picture.width, picture.height], volume.size[..2], "{name}");
        }
        assert!(volume.slice(volume.len()).is_err(), "{name}");
    }
}

#[test]
fn windows_are_those_of_the_standard() {
    // PS3.3, C.11.2.1.2.1, note 2: a window of 12 bits, of 10 bits at zero, and a step.
    let level = |centre, width, value| Window::Linear { centre, width }.level(value);
    for (centre, width, least, most) in [(2048.0, 4096.0, 0.0, 4095.0), (0.0, 1024.0, -512.0, 511.0)] {
        assert_abs_diff_eq!(level(centre, width, least), 0.0, epsilon = 1e-12);
        assert_abs_diff_eq!(level(centre, width, most), 1.0, epsilon = 1e-12);
        assert_abs_diff_eq!(level(centre, width, (least + most) / 2.0), 0.5, epsilon = 1e-12);
    }
    assert_eq!((level(0.0, 1.0, -1.0), level(0.0, 1.0, 0.0)), (0.0, 1.0));
    assert_abs_diff_eq!(Window::Sigmoid { centre: 5.0, width: 8.0 }.level(5.0), 0.5);
    assert_eq!(Window::of_percentiles([f32::NAN, f32::INFINITY]).level(3.0), 1.0);
    let flat = Window::of_percentiles([2.0; 5]);
    assert_eq!((flat.level(2.0), flat.level(f64::NAN)), (0.5, 0.0));
}

/// Reads a file of either kind and unpacks all that it says it holds.
fn all(name: &str, bytes: Vec<u8>) -> Result<usize, DataError> {
    if name.ends_with(".dcm") {
        let file = DicomFile::parse(bytes, Path::new(name))?;
        (0..file.len()).try_for_each(|k| file.picture(k).map(drop))?;
        return Ok(file.len());
    }
    let volume = NiftiVolume::parse(bytes, Path::new(name))?;
    let window = volume.window();
    (0..volume.len()).try_for_each(|k| volume.picture(k, &window).map(drop))?;
    Ok(volume.len())
}

#[test]
fn files_that_are_cut_short_are_refused() {
    for (name, _) in expected(".") {
        let whole = content(&name);
        assert!(all(&name, whole.clone()).is_ok(), "{name}");
        // A packed file may lose its end mark, a deflated one the zeros at its end.
        let is_packed = ["runs", "jpeg", "deflated"].iter().any(|part| name.contains(part));
        let slack = if is_packed { 12 } else { 0 };
        for length in 0..whole.len() - slack {
            match all(&name, whole[..length].to_vec()) {
                Ok(count) => assert!(is_packed, "{name}, {length} of {} bytes: {count} frames", whole.len()),
                Err(DataError::BadImage { path, reason }) => {
                    assert!(path == Path::new(&name) && !reason.is_empty(), "{name}, {length}");
                }
                Err(error) => panic!("{name}, {length} bytes: {error}"),
            }
        }
    }
}

#[test]
fn sizes_that_lie_end_in_an_error_or_in_pixels() {
    // Every two and four bytes of each file become the largest number, the largest with a sign, and zero.
    for (name, _) in expected(".") {
        let whole = content(&name);
        let start = if name.ends_with(".dcm") { 128 } else { 0 };
        for at in start..whole.len() - 4 {
            for (length, byte) in [(2, 0xff), (4, 0xff), (2, 0x7f), (4, 0x7f), (4, 0), (1, b'9')] {
                let mut wrong = whole.clone();
                wrong[at..at + length].fill(byte);
                // Whatever it is: no panic, and no more memory than the file can fill.
                let _ = all(&name, wrong);
            }
        }
    }
}

#[test]
fn what_is_not_read_is_named() {
    let base: Vec<(u32, &[u8; 2], &[u8])> = vec![
        (0x0028_0002, b"US", &[1, 0]),
        (0x0028_0004, b"CS", b"MONOCHROME2 "),
        (0x0028_0010, b"US", &[1, 0]),
        (0x0028_0011, b"US", &[2, 0]),
        (0x0028_0100, b"US", &[16, 0]),
        (0x7fe0_0010, b"OW", &[1, 0, 2, 0]),
    ];
    let with = |tag: u32, kind: &'static [u8; 2], value: &'static [u8]| {
        let mut own = base.clone();
        own.retain(|(other, ..)| *other != tag);
        own.push((tag, kind, value));
        all("x.dcm", dicom(&own))
    };
    assert_eq!(all("x.dcm", dicom(&base)).unwrap(), 1);
    let cases: [(u32, &[u8; 2], &[u8], &str); 9] = [
        (0x0028_0004, b"CS", b"RGB ", "only grey ones"),
        (0x0028_0100, b"US", &[32, 0], "expected 8 or 16 allocated bits"),
        (0x0028_0010, b"US", &[0, 0], "2 × 0 pixels"),
        (0x0028_0010, b"US", &[2, 0], "4 bytes of pixels"),
        (0x0028_0008, b"IS", b"2000000000", "expected 1 to 1000000"),
        (0x0028_0008, b"IS", b"1000 ", "1000 frames"),
        (0x0028_1053, b"DS", b"one ", "Rescale Slope"),
        (0x0002_0010, b"UI", b"1.2.840.10008.1.2.4.90", "JPEG 2000"),
        (0x0002_0010, b"UI", b"1.2.3\0", "transfer syntax 1.2.3 is not known"),
    ];
    for (tag, kind, value, part) in cases {
        let error = match tag >> 16 {
            2 => {
                let mut file = dicom(&base);
                let rest = file.split_off(132 + 28);
                file.truncate(132 + 6);
                file.extend((value.len() as u16).to_le_bytes());
                file.extend(value);
                file.extend(rest);
                all("x.dcm", file)
            }
            _ => with(tag, kind, value),
        };
        let text = error.unwrap_err().to_string();
        assert!(text.contains(part) && text.contains("x.dcm"), "{part}: {text}");
    }
    // Sequences inside sequences, without end.
    let mut nested = dicom(&base[..5]);
    for _ in 0..100_000 {
        nested.extend([0x08, 0, 0x40, 0x11, b'S', b'Q', 0, 0, 0xff, 0xff, 0xff, 0xff]);
        nested.extend([0xfe, 0xff, 0, 0xe0, 0xff, 0xff, 0xff, 0xff]);
    }
    let text = all("x.dcm", nested).unwrap_err().to_string();
    assert!(text.contains("sequences inside each other"), "{text}");
    let volume = std::fs::read(folder().join("u1.nii")).unwrap();
    let with = |at: usize, value: &[u8]| {
        let mut own = volume.clone();
        own[at..at + value.len()].copy_from_slice(value);
        all("x.nii", own).unwrap_err().to_string()
    };
    let cases: [(usize, &[u8], &str); 6] = [
        (0, &540i32.to_le_bytes(), "NIfTI-2"),
        (344, b"ni1\0", "another file (.img)"),
        (40, &[4, 0, 5, 0, 4, 0, 3, 0, 2, 0], "expected three"),
        (42, &[0xff, 0x7f, 0xff, 0x7f, 0xff, 0x7f], "cut short"),
        (70, &[128, 0], "type 128"),
        (112, &[0, 0, 128, 63, 0, 0, 192, 127], "scl_inter"),
    ];
    for (at, value, part) in cases {
        let text = with(at, value);
        assert!(text.contains(part) && text.contains("x.nii"), "{part}: {text}");
    }
}

#[test]
fn slices_of_a_folder_are_in_their_order() {
    let root = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: Vec<u8>| {
        let path = root.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    };
    let grey = |level: u8| (0..32 * 32).map(|k| if k % 32 < 16 { level } else { 0 }).collect::<Vec<u8>>();
    // Names do not follow places.
    write("anna/IM2", slice("P1", "1.5", -7.5, &grey(200)));
    write("anna/IM1", slice("P1", "1.5", 3.0, &grey(100)));
    write("anna/IM3", slice("P1", "1.2", 0.0, &grey(50)));
    write("ben.nii.gz", gzipped(&volume(&[grey(10), grey(0), grey(250)])));
    write("cut.dcm", slice("P2", "1.9", 0.0, &grey(9))[..400].to_vec());
    write("notes.txt", b"nothing".to_vec());
    assert!(read_slices(root.path(), BadPicture::Refuse, |p| p).unwrap_err().to_string().contains("cut.dcm"));
    let read = read_slices(root.path(), BadPicture::Skip, |picture| picture.rgb[0]).unwrap();
    assert_eq!(read.ids, ["ben.nii.gz#0", "ben.nii.gz#2", "anna/IM3", "anna/IM2", "anna/IM1"]);
    assert_eq!(read.patients[1..3], [None, Some("P1".to_string())]);
    // Without a window, a series has one scale: up to its own percentile.
    assert_eq!(read.pictures[2..], [255, 255, 128]);
    assert!(read.pictures[0] < 20 && read.pictures[1] == 255, "{:?}", read.pictures);
    let skipped = read.skipped.join("; ");
    for part in ["cut.dcm", "notes.txt: not read", "ben.nii.gz#1 (1 of 3 slices of the file): one value"] {
        assert!(skipped.contains(part), "{skipped}");
    }
    let one = read_slices(&root.path().join("anna/IM1"), BadPicture::Refuse, |picture| picture.width).unwrap();
    assert!(one.ids.len() == 1 && one.ids[0].ends_with("anna/IM1") && one.pictures == [32]);
}
