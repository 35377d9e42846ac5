//! Folders of pictures as they come from archives, cameras and other systems.

use std::fs;
use std::path::Path;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use qgraft::data::{
    BadPicture, DataError, Part, Pictures, Split, Transform, decode, read_folder, read_folder_for, read_pictures,
};

/// A picture 6 × 4, dark on the left and light on the right, of this shade.
fn drawn(shade: u8) -> DynamicImage {
    RgbImage::from_fn(6, 4, |x, _| Rgb([if x < 3 { shade } else { 255 - shade }; 3])).into()
}

fn picture(path: impl AsRef<Path>) {
    fs::create_dir_all(path.as_ref().parent().unwrap()).unwrap();
    let shade = path.as_ref().to_string_lossy().bytes().fold(7u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte));
    drawn(shade).save_with_format(path, ImageFormat::Png).unwrap();
}

fn read(folder: &Path) -> Result<Pictures, DataError> {
    read_folder(folder, Split::default(), BadPicture::Refuse)
}

/// Number of pictures of each part.
fn counts(read: &Pictures) -> [usize; 3] {
    Part::ALL.map(|part| read.samples.of(part).len())
}

#[test]
fn parts_are_found_under_the_names_that_data_sets_use() {
    // Parts that are made, pictures of training, validation and test, and what the notice says.
    let cases: [(&[&str], [usize; 3], &str); 9] = [
        (&["train", "val"], [4, 4, 0], ""),
        (&["train", "val", "test"], [4, 4, 4], "train/ for training, val/ for validation and test/ for test"),
        (&["train", "valid"], [4, 4, 0], "valid/ for validation"),
        (&["train", "validation"], [4, 4, 0], "validation/ for validation"),
        (&["Training", "Testing"], [4, 4, 0], "Testing/ for validation and evaluation, as there is no val/"),
        (&["train", "test"], [4, 4, 0], "test/ for validation and evaluation"),
        (&["TRAIN", "VALID", "TEST"], [4, 4, 4], "TEST/ for test"),
        (&["train"], [2, 2, 0], "train/ without a held-out part; a share of it is held out"),
        (&["train", "val", "extra"], [4, 4, 0], "beside the parts and not read: extra/"),
    ];
    for (parts, expected, notice) in cases {
        let folder = tempfile::tempdir().unwrap();
        for (part, class, k) in parts.iter().flat_map(|part| (0..4).map(move |k| (part, ["a", "b"][k % 2], k))) {
            picture(folder.path().join(part).join(class).join(format!("{k}.png")));
        }
        let read = read(folder.path()).unwrap();
        assert_eq!(
            (counts(&read), &read.samples.classes[..]),
            (expected, &["a".to_string(), "b".into()][..]),
            "{parts:?}"
        );
        assert_eq!(read.notices.is_empty(), notice.is_empty(), "{:?}", read.notices);
        assert!(notice.is_empty() || read.notices.iter().any(|found| found.contains(notice)), "{:?}", read.notices);
    }
    let refused: [(&[&str], &str); 4] = [
        (&["val/a/0.png", "val/b/0.png", "test/a/0.png"], "train/ is missing"),
        (&["train/a/0.png", "val/a/0.png", "valid/a/0.png"], "val/ and valid/ mean the same part"),
        (&["train/0.png", "val/0.png"], "holds pictures and no class folders"),
        (&["a/train/0.png", "a/test/0.png", "b/train/0.png"], "the parts are inside this class"),
    ];
    for (files, message) in refused {
        let folder = tempfile::tempdir().unwrap();
        files.iter().for_each(|file| picture(folder.path().join(file)));
        let error = read(folder.path()).unwrap_err().to_string();
        assert!(error.contains(message) && error.contains(&folder.path().display().to_string()), "{error}");
    }
    // Test pictures without classes cannot be evaluated on.
    let folder = tempfile::tempdir().unwrap();
    ["train/a/0.png", "train/b/1.png", "val/a/2.png", "val/b/3.png", "test/4.png"]
        .iter()
        .for_each(|file| picture(folder.path().join(file)));
    let found = read(folder.path()).unwrap();
    assert_eq!(counts(&found), [2, 2, 0]);
    assert!(
        found.notices.iter().any(|notice| notice.contains("test: not read, as it has no class folders")),
        "{:?}",
        found.notices
    );
    // One folder of such a name is a class among others.
    let folder = tempfile::tempdir().unwrap();
    for class in ["train", "bus", "tram"] {
        (0..2).for_each(|k| picture(folder.path().join(class).join(format!("{k}.png"))));
    }
    assert_eq!(read(folder.path()).unwrap().samples.classes, ["bus", "train", "tram"]);
}

#[test]
fn what_other_systems_leave_in_folders_is_passed_over_and_the_rest_told() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("archive");
    for k in 0..4 {
        picture(root.join(["a", "b"][k % 2]).join(format!("{k}.png")));
    }
    picture(root.join("a/deep/deeper/9.png"));
    picture(root.join("__MACOSX/a/0.png"));
    for name in [".DS_Store", "a/.DS_Store", "a/._0.png", "a/Thumbs.db", "b/desktop.ini"] {
        fs::write(root.join(name), b"system").unwrap();
    }
    fs::write(root.join("a/photo.heic"), b"....ftypheic").unwrap();
    fs::write(root.join("a/notes.txt"), b"text").unwrap();
    picture(root.join("loose.png"));
    let read = read(folder.path()).unwrap();
    assert_eq!((read.samples.len(), &read.samples.classes[..]), (5, &["a".to_string(), "b".into()][..]));
    assert!(read.samples.ids.contains(&"archive/a/deep/deeper/9.png".to_string()), "{:?}", read.samples.ids);
    let expected = [
        "archive: read in place of",
        "class `a`: 1 picture of",
        "2 files, not read, by the ending no pictures",
        "photo.heic",
        "1 file, not read, beside the class folders",
    ];
    for notice in expected {
        assert!(read.notices.iter().any(|found| found.contains(notice)), "{notice}: {:?}", read.notices);
    }
    assert_eq!(read.notices.len(), 4, "{:?}", read.notices);
}

#[cfg(unix)]
#[test]
fn links_do_not_loop_and_pipes_are_not_opened() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    for k in 0..4 {
        picture(folder.path().join(["a", "b"][k % 2]).join(format!("{k}.png")));
    }
    symlink("../b", folder.path().join("a/l")).unwrap();
    symlink("../a", folder.path().join("b/l")).unwrap();
    symlink("nowhere.png", folder.path().join("a/gone.png")).unwrap();
    symlink("/dev/zero", folder.path().join("a/endless.png")).unwrap();
    let read = read(folder.path()).unwrap();
    assert_eq!(read.samples.len(), 4, "no class holds the pictures of the other");
    for notice in
        ["a/l: not followed", "b/l: not followed", "gone.png: not opened: a link", "endless.png: not opened: a pipe"]
    {
        assert!(read.notices.iter().any(|found| found.contains(notice)), "{notice}: {:?}", read.notices);
    }
    let loose = read_pictures(folder.path(), BadPicture::Refuse, |picture| picture.width).unwrap();
    assert_eq!((loose.pictures, loose.ids.len()), (vec![6; 4], 4));
    assert!(
        matches!(decode(Path::new("/dev/zero")), Err(DataError::BadImage { reason, .. }) if reason.contains("a pipe or a device"))
    );
}

#[test]
fn every_format_is_decoded_whatever_its_ending() {
    let folder = tempfile::tempdir().unwrap();
    let formats = [ImageFormat::Png, ImageFormat::Bmp, ImageFormat::Gif, ImageFormat::Tiff, ImageFormat::WebP];
    for format in formats {
        let path = folder.path().join("picture.png");
        drawn(40).save_with_format(&path, format).unwrap();
        let read = decode(&path).unwrap();
        assert_eq!((read.width, read.height, read.rgb[0], read.rgb[17]), (6, 4, 40, 215), "{format:?}");
        let whole = fs::read(&path).unwrap();
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert!(matches!(decode(&path), Err(DataError::BadImage { .. })), "{format:?} cut short");
    }
    let unread = [
        (&b"....ftypheic...."[..], "HEIF"),
        (b"....ftypavif....", "AVIF"),
        (b"<svg xmlns", "SVG"),
        (b"text", "neither PNG"),
    ];
    for (bytes, message) in unread {
        let path = folder.path().join("other.jpg");
        fs::write(&path, bytes).unwrap();
        let error = decode(&path).unwrap_err().to_string();
        assert!(error.contains(message) && error.contains("other.jpg"), "{error}");
    }
}

/// A JPEG of 64 × 48 noisy pixels.
fn jpeg() -> Vec<u8> {
    let noisy = RgbImage::from_fn(64, 48, |x, y| Rgb([(x * 37 + y * 91) as u8, (x * y) as u8, (x * 5) as u8]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::from(noisy).write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
    bytes.into_inner()
}

#[test]
fn a_jpeg_that_was_cut_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("photo.jpg");
    let whole = jpeg();
    let write = |bytes: &[u8]| fs::write(&path, bytes).unwrap();
    write(&whole);
    let read = decode(&path).unwrap();
    write(&[&whole[..], b"trailing bytes of a camera"].concat());
    assert_eq!(decode(&path).unwrap(), read);
    for length in [whole.len() - 2, whole.len() * 3 / 4, whole.len() / 2, 300] {
        write(&whole[..length]);
        let error = decode(&path).unwrap_err().to_string();
        assert!(error.contains("photo.jpg"), "{length}: {error}");
    }
    // A code that no table has ends the scan, and the rest would be grey.
    let half = whole.len() / 2;
    let mut damaged = whole.clone();
    damaged[half..half + 40].copy_from_slice(&[0xff, 0].repeat(20));
    write(&damaged);
    let error = decode(&path).unwrap_err().to_string();
    assert!(error.contains("photo.jpg") && error.contains("a part of the picture is missing"), "{error}");
}

#[test]
fn a_picture_is_turned_upright_by_its_exif_data() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("photo.jpg");
    let whole = jpeg();
    // TIFF header, one entry: orientation (0x112) of type short.
    let exif = |orientation: u8| {
        let tiff = [b'M', b'M', 0, 42, 0, 0, 0, 8, 0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0, 0, 0, 0, 0];
        let segment = [&b"Exif\0\0"[..], &tiff].concat();
        let length = (segment.len() as u16 + 2).to_be_bytes();
        [&whole[..2], &[0xff, 0xe1], &length, &segment, &whole[2..]].concat()
    };
    fs::write(&path, exif(1)).unwrap();
    let upright = decode(&path).unwrap();
    assert_eq!((upright.width, upright.height), (64, 48));
    fs::write(&path, exif(6)).unwrap();
    let turned = decode(&path).unwrap();
    assert_eq!((turned.width, turned.height), (48, 64));
    // Clockwise by 90°: the first row was the first column, from below.
    let pixel =
        |picture: &qgraft::data::Picture, x: usize, y: usize| picture.rgb[3 * (y * picture.width + x)..][..3].to_vec();
    assert_eq!(pixel(&turned, 0, 0), pixel(&upright, 0, 47));
    assert_eq!(pixel(&turned, 47, 63), pixel(&upright, 63, 0));
}

/// A grey PNG of this size in a few kilobytes: all rows are zeros.
fn bomb(width: u32, height: u32) -> Vec<u8> {
    let rows = vec![0; (1 + width as usize) * height as usize];
    let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut zlib, &rows).unwrap();
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 0, 0, 0, 0]].concat();
    let chunk = |kind: &[u8; 4], data: &[u8]| {
        let mut checksum = flate2::Crc::new();
        checksum.update(kind);
        checksum.update(data);
        [&(data.len() as u32).to_be_bytes()[..], kind, data, &checksum.sum().to_be_bytes()].concat()
    };
    [
        &b"\x89PNG\r\n\x1a\n"[..],
        &chunk(b"IHDR", &header),
        &chunk(b"IDAT", &zlib.finish().unwrap()),
        &chunk(b"IEND", b""),
    ]
    .concat()
}

#[test]
fn a_picture_of_too_many_pixels_is_refused_before_it_is_decoded() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bomb.png");
    // The claim alone is enough: nothing is decoded.
    let mut bytes = bomb(16, 16);
    bytes[16..24].copy_from_slice(&[0, 0, 0x40, 0, 0, 0, 0x40, 0]);
    let mut checksum = flate2::Crc::new();
    checksum.update(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&checksum.sum().to_be_bytes());
    fs::write(&path, bytes).unwrap();
    let error = decode(&path).unwrap_err().to_string();
    assert!(error.contains("bomb.png") && error.contains("16384 × 16384 pixels; expected 1 to 100000000"), "{error}");
}

#[test]
fn pictures_are_kept_as_small_as_the_transform_needs_them() {
    let folder = tempfile::tempdir().unwrap();
    let transform = Transform { resize: 16, crop: 12, ..Transform::IMAGENET };
    for (k, (width, height)) in [(64, 48), (40, 90), (12, 200), (17, 16)].into_iter().enumerate() {
        let noisy =
            RgbImage::from_fn(width, height, |x, y| Rgb([(x * 37 + y * 91) as u8, (x * y) as u8, (x * 5) as u8]));
        let path = folder.path().join(["a", "b"][k % 2]).join(format!("{k}.png"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        noisy.save(path).unwrap();
    }
    let full = read(folder.path()).unwrap();
    let small = read_folder_for(&transform, folder.path(), Split::default(), BadPicture::Refuse).unwrap();
    for (full, small) in full.pictures.iter().zip(&small.pictures) {
        assert!(small.width.min(small.height) <= 16, "{} × {}", small.width, small.height);
        assert_eq!(transform.apply(full), transform.apply(small), "{} × {}", full.width, full.height);
    }
}
