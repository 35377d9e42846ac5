//! Reading pictures and features: what is accepted, what is refused and with which message.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use ndarray::{Array2, array};
use qgraft::data::{
    BadPicture, Cached, DataError, FeatureCache, Part, Picture, Split, Transform, cache_key, fashion_mnist,
    read_features, read_folder, resize,
};
use safetensors::{Dtype, tensor::TensorView};
use serde::Deserialize;

#[derive(Deserialize)]
struct Resized {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
    resized: HashMap<String, Vec<u8>>,
}

#[test]
fn resizing_is_pillows_bicubic_byte_for_byte() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/backbones/pictures.json");
    let Resized { width, height, rgb, resized } = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let picture = Picture { width, height, rgb };
    for (size, expected) in resized {
        let (width, height) = size.split_once('x').unwrap();
        let found = resize(&picture, width.parse().unwrap(), height.parse().unwrap());
        assert_eq!(found.rgb, expected, "to {size}");
    }
}

#[test]
fn a_transform_crops_the_centre_and_normalises_by_channel() {
    let transform = Transform { resize: 4, crop: 2, mean: [0.0, 10.0, 20.0], deviation: [1.0, 2.0, 4.0] };
    // Twice as wide as high: 8 × 4 after resizing, of which columns 3 and 4, rows 1 and 2 are kept.
    let rgb =
        (0..4).flat_map(|row| (0..8).flat_map(move |column| [100 * u8::from(column == 3), 10 * row, 20])).collect();
    let out = transform.apply(&Picture { width: 8, height: 4, rgb });
    assert_eq!(out, [100.0, 0.0, 100.0, 0.0, 0.0, 0.0, 5.0, 5.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn a_thin_or_tiny_picture_still_fills_the_crop() {
    for (width, height) in [(1, 1), (28, 28), (500, 3), (3, 500), (257, 255)] {
        let picture = Picture::from_grey(width, height, &vec![127; width * height]);
        let out = Transform::LITE.apply(&picture);
        assert_eq!(out.len(), Transform::LITE.size());
        assert!(out.iter().all(|&v| v == 0.0), "{width}x{height}: a grey picture stays grey");
    }
}

#[test]
fn embedded_shirts_are_balanced() {
    let shirts = fashion_mnist::shirts().unwrap();
    assert_eq!(shirts.samples.classes, ["T-shirt/top", "pullover", "shirt"]);
    assert_eq!(shirts.samples.count(Part::Train), [200; 3]);
    assert_eq!(shirts.samples.count(Part::Validation), [100; 3]);
    assert_eq!(shirts.pictures.len(), 900);
    assert!(shirts.pictures.iter().all(|p| (p.width, p.height) == (28, 28)));
}

/// Writes a small PNG of one shade.
fn picture(path: impl AsRef<Path>, shade: u8) {
    fs::create_dir_all(path.as_ref().parent().unwrap()).unwrap();
    image::GrayImage::from_pixel(5, 4, image::Luma([shade])).save(path).unwrap();
}

#[test]
fn train_and_val_folders_are_honoured() {
    let folder = tempfile::tempdir().unwrap();
    for (i, path) in ["train/ants/1.png", "train/ants/2.PNG", "train/bees/1.jpg", "val/ants/1.png", "val/bees/1.jpeg"]
        .iter()
        .enumerate()
    {
        let path = folder.path().join(path);
        let png = path.with_extension("png");
        picture(&png, 10 * i as u8);
        fs::rename(png, path).unwrap();
    }
    fs::write(folder.path().join("train/ants/notes.txt"), "not a picture").unwrap();
    let read = read_folder(folder.path(), Split::default(), BadPicture::Refuse).unwrap();
    assert_eq!(read.samples.classes, ["ants", "bees"]);
    assert_eq!(
        read.samples.ids,
        ["train/ants/1.png", "train/ants/2.PNG", "train/bees/1.jpg", "val/ants/1.png", "val/bees/1.jpeg"]
    );
    assert_eq!(read.samples.of(Part::Validation), [3, 4]);
    assert_eq!(read.samples.labels, [0, 0, 1, 0, 1]);
    let shades: Vec<u8> = read.pictures.iter().map(|p| p.rgb[0]).collect();
    assert_eq!(shades, [0, 10, 20, 30, 40]);
    assert_eq!((read.pictures[0].width, read.pictures[0].height, read.pictures[0].rgb.len()), (5, 4, 60));
}

fn classes(folder: &Path, sizes: &[(&str, usize)]) {
    for (class, size) in sizes {
        fs::create_dir_all(folder.join(class)).unwrap();
        (0..*size).for_each(|i| picture(folder.join(class).join(format!("{i:02}.png")), i as u8));
    }
}

#[test]
fn without_parts_every_class_is_split_alike_by_the_seed() {
    let folder = tempfile::tempdir().unwrap();
    classes(folder.path(), &[("a", 10), ("b", 20), ("c", 2)]);
    let read = |seed| read_folder(folder.path(), Split { validation: 0.3, seed }, BadPicture::Refuse).unwrap().samples;
    let first = read(1);
    assert_eq!(first.count(Part::Validation), [3, 6, 1]);
    assert_eq!(first.count(Part::Train), [7, 14, 1]);
    assert_eq!(first, read(1));
    assert_ne!(first.parts, read(2).parts);
}

#[test]
fn a_corrupt_picture_is_named_or_skipped() {
    let folder = tempfile::tempdir().unwrap();
    classes(folder.path(), &[("a", 3), ("b", 3)]);
    let bad = folder.path().join("a/01.png");
    let whole = fs::read(&bad).unwrap();
    fs::write(&bad, &whole[..whole.len() / 2]).unwrap();
    let refused = read_folder(folder.path(), Split::default(), BadPicture::Refuse).unwrap_err();
    assert!(matches!(&refused, DataError::BadImage { path, .. } if *path == bad), "{refused}");
    let read = read_folder(folder.path(), Split::default(), BadPicture::Skip).unwrap();
    assert_eq!((read.pictures.len(), read.samples.len(), read.skipped.len()), (5, 5, 1));
    assert!(read.skipped[0].contains("01.png"));
}

#[test]
fn folders_that_cannot_be_used_are_refused_with_a_reason() {
    let cases: [(&[(&str, usize)], &str); 5] = [
        (&[], "found 0 class folders"),
        (&[("only", 3)], "found 1 class folders"),
        (&[("a", 3), ("empty", 0)], "class `empty` has 0"),
        (&[("a", 3), ("lone", 1)], "class `lone` has 1"),
        (&[("train/a", 3), ("train/b", 3), ("val/a", 3)], "class `b` has 0 validation samples"),
    ];
    for (sizes, message) in cases {
        let folder = tempfile::tempdir().unwrap();
        classes(folder.path(), sizes);
        let error = read_folder(folder.path(), Split::default(), BadPicture::Refuse).unwrap_err().to_string();
        assert!(error.contains(message) && error.contains(&folder.path().display().to_string()), "{error}");
    }
    let error = read_folder(Path::new("no/such/folder"), Split::default(), BadPicture::Refuse).unwrap_err();
    assert!(error.to_string().starts_with("no/such/folder: "), "{error}");
}

/// Writes a safetensors file of (samples, 2) features and byte labels.
fn table(path: &Path, tensors: &[(&str, Vec<f32>, Vec<u8>)]) {
    let mut parts: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
    for (prefix, features, labels) in tensors {
        let bytes = features.iter().flat_map(|f| f.to_le_bytes()).collect();
        parts.push((format!("{prefix}features"), Dtype::F32, vec![features.len() / 2, 2], bytes));
        parts.push((format!("{prefix}labels"), Dtype::U8, vec![labels.len()], labels.clone()));
    }
    let views =
        parts.iter().map(|(name, kind, shape, data)| (name, TensorView::new(*kind, shape.clone(), data).unwrap()));
    fs::write(path, safetensors::serialize(views, None).unwrap()).unwrap();
}

#[test]
fn feature_tables_with_and_without_parts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.safetensors");
    table(&path, &[("train.", vec![1.0, 2.0, 3.0, 4.0], vec![0, 1]), ("val.", vec![5.0, 6.0, 7.0, 8.0], vec![1, 0])]);
    let read = read_features(&path, Split::default()).unwrap();
    assert_eq!(read.values, array![[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [7.0, 8.0]]);
    assert_eq!(read.samples.labels, [0, 1, 1, 0]);
    assert_eq!(read.samples.of(Part::Train), [0, 1]);
    assert_eq!(read.samples.classes, ["0", "1"]);

    table(&path, &[("", vec![0.5; 16], vec![0, 1, 0, 1, 0, 1, 0, 1])]);
    let read = read_features(&path, Split { validation: 0.5, seed: 3 }).unwrap();
    assert_eq!(read.samples.count(Part::Validation), [2, 2]);
}

#[test]
fn feature_tables_that_cannot_be_used_are_refused_with_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("table.safetensors");
    let cases = [
        ("", vec![0.0, 1.0, 2.0, f32::NAN, 0.0, 1.0], vec![0, 1, 1], "tensor `features` holds NaN at row 1, column 1"),
        ("", vec![0.0, f32::INFINITY, 2.0, 3.0], vec![0, 1], "holds inf at row 0, column 1"),
        ("", vec![0.0; 4], vec![0, 1, 0], "`features` has 2 rows, but there are 3 labels"),
        ("train.", vec![0.0; 4], vec![0, 1], "no tensor `val.features`; the file holds"),
        ("test.", vec![0.0; 4], vec![0, 1], "no tensor `train.features`"),
    ];
    for (prefix, features, labels, message) in cases {
        table(&path, &[(prefix, features, labels)]);
        let error = read_features(&path, Split::default()).unwrap_err().to_string();
        assert!(error.contains(message) && error.contains("table.safetensors"), "{error}");
    }
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 3]).unwrap();
    let error = read_features(&path, Split::default()).unwrap_err().to_string();
    assert!(error.contains("not a whole safetensors file"), "{error}");
}

#[test]
fn cached_features_come_back_and_damage_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let cache = FeatureCache::new(folder.path().join("made/when/needed"));
    let features: Array2<f32> = array![[1.0, -2.5], [f32::MIN_POSITIVE, 4.0], [0.1, 0.2]];
    assert!(matches!(cache.load("key"), Cached::Miss));
    cache.store("key", &features).unwrap();
    assert!(matches!(cache.load("key"), Cached::Hit(found) if found == features));
    assert!(matches!(cache.load("other"), Cached::Miss));

    let files: Vec<_> =
        fs::read_dir(folder.path().join("made/when/needed")).unwrap().map(|f| f.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "no temporary file is left");
    let whole = fs::read(&files[0]).unwrap();
    let mut flipped = whole.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for damaged in [&flipped[..], &whole[..whole.len() - 1], &[]] {
        fs::write(&files[0], damaged).unwrap();
        assert!(matches!(cache.load("key"), Cached::Damaged(reason) if reason.contains("key.safetensors")));
    }
    // Whole, but of other pictures.
    fs::write(files[0].with_file_name("other.safetensors"), &whole).unwrap();
    assert!(matches!(cache.load("other"), Cached::Damaged(reason) if reason.contains("not those of its name")));
    let file = folder.path().join("file");
    fs::write(&file, "in the way").unwrap();
    assert!(FeatureCache::new(&file).store("key", &features).is_err());
}

#[test]
fn a_cache_key_changes_with_everything_it_depends_on() {
    let pictures = vec![Picture::from_grey(2, 3, &[1; 6])];
    let key = |weights: u8, name: &str, transform, pictures: &[Picture]| {
        cache_key(&[weights; 32], name, &transform, pictures)
    };
    let start = key(0, "net", Transform::LITE, &pictures);
    assert_eq!(start, key(0, "net", Transform::LITE, &pictures.clone()));
    let wider = Transform { resize: 300, ..Transform::LITE };
    let turned = [Picture { width: 3, height: 2, ..pictures[0].clone() }];
    let brighter = [Picture::from_grey(2, 3, &[2; 6])];
    for other in [
        key(1, "net", Transform::LITE, &pictures),
        key(0, "other", Transform::LITE, &pictures),
        key(0, "net", Transform::IMAGENET, &pictures),
        key(0, "net", wider, &pictures),
        key(0, "net", Transform::LITE, &turned),
        key(0, "net", Transform::LITE, &brighter),
    ] {
        assert_ne!(start, other);
    }
}
