//! Pictures with boxes in the layout of Pascal VOC, as tools and archives write it.

use std::fs;
use std::path::Path;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use qgraft::data::{BoxedPictures, DataError, Part, has_boxes, read_crops, read_voc};

use crate::support::archive::{deflated, stored};

/// Files of a data set: one picture (8 × 6) with one box for each list.
struct Voc(Vec<(String, Vec<u8>)>);

impl Voc {
    fn new(ending: &str) -> Self {
        let mut files = Vec::new();
        for (list, id) in [("train", "one"), ("val", "two"), ("test", "three")] {
            files.push((format!("ImageSets/Main/{list}.txt"), format!("{id}\n").into_bytes()));
            files.push((format!("Annotations/{id}.xml"), annotation("8", "6", "1", "4").into_bytes()));
            files.push((format!("JPEGImages/{id}.{ending}"), png(8, 6)));
        }
        Self(files)
    }

    fn with(mut self, name: &str, content: impl Into<Vec<u8>>) -> Self {
        self.0.retain(|(other, _)| other != name);
        self.0.push((name.into(), content.into()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.0.retain(|(other, _)| other != name);
        self
    }

    fn read(&self) -> Result<BoxedPictures, DataError> {
        let folder = tempfile::tempdir().unwrap();
        self.write(folder.path());
        read_voc(folder.path(), 24)
    }

    fn write(&self, folder: &Path) {
        for (name, content) in &self.0 {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        }
    }
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let picture = RgbImage::from_fn(width, height, |x, y| Rgb([(20 * x) as u8, (20 * y) as u8, 99]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    DynamicImage::from(picture).write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn annotation(width: &str, height: &str, left: &str, right: &str) -> String {
    format!(
        "<annotation><size><width>{width}</width><height>{height}</height></size><object><name>cell</name><bndbox>\
         <xmin>{left}</xmin><ymin>1</ymin><xmax>{right}</xmax><ymax>4</ymax></bndbox></object></annotation>"
    )
}

#[test]
fn pictures_of_any_ending_are_found() {
    for ending in ["jpg", "JPG", "jpeg", "JPEG", "png", "PNG", "bmp"] {
        let read = Voc::new(ending).read().unwrap();
        assert_eq!((read.pictures.len(), read.skipped.len()), (3, 0), ".{ending}");
        assert_eq!(read.pictures[0].boxes, [([0.125, 1.0 / 6.0, 0.5, 4.0 / 6.0], 0)], ".{ending}");
    }
}

#[test]
fn what_contradicts_itself_is_refused_by_name() {
    let cases = [
        (Voc::new("jpg").with("ImageSets/Main/val.txt", "two\none\n"), "one is in train.txt and in val.txt"),
        (
            Voc::new("jpg").without("ImageSets/Main/test.txt"),
            "ImageSets/Main/test.txt is missing; the lists train.txt, val.txt and test.txt",
        ),
        (Voc::new("jpg").without("ImageSets/Main/train.txt"), "ImageSets/Main/train.txt is missing"),
        (Voc::new("jpg").without("JPEGImages/two.jpg"), "JPEGImages holds no picture two"),
        (Voc::new("jpg").without("Annotations/two.xml"), "Annotations/two.xml is missing"),
        (
            Voc::new("jpg").with("JPEGImages/two.jpg", png(6, 8)),
            "8 × 6 pixels by its annotation, but the picture is 6 × 8",
        ),
        (
            Voc::new("jpg").with("Annotations/two.xml", annotation("8", "6", "nan", "4")),
            "xmin is \"nan\", expected a number",
        ),
        (
            Voc::new("jpg")
                .with("JPEGImages/two.jpg", png(600, 1))
                .with("Annotations/two.xml", annotation("600", "1", "1", "4")),
            "600 × 1 pixels are too thin",
        ),
        (Voc(Vec::new()), "no ImageSets/Main/train.txt"),
    ];
    for (voc, message) in cases {
        let error = voc.read().unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn what_can_be_read_in_one_way_is_read_with_a_notice() {
    let cases = [
        (
            Voc::new("jpg").with("Annotations/two.xml", annotation("0", "0", "1", "4")),
            "two: the annotation has no size",
        ),
        (Voc::new("jpg").with("JPEGImages/two.jpg", png(16, 12)), "boxes are scaled with it"),
        (
            Voc::new("jpg").with("Annotations/two.xml", annotation("8", "6", "1", "12")),
            "reaches 4 pixels beyond the picture",
        ),
        (Voc::new("jpg").with("Annotations/two.xml", annotation("8", "6", "4", "1")), "a box of cell without area"),
        (Voc::new("jpg").with("ImageSets/Main/val.txt", "two\ntwo\n"), "two: twice in val.txt"),
    ];
    for (voc, message) in cases {
        let read = voc.read().unwrap();
        assert!(read.skipped.len() == 1 && read.skipped[0].contains(message), "{:?}", read.skipped);
        assert_eq!(read.pictures.len(), 3);
    }
}

#[test]
fn an_archive_is_read_like_its_folder_and_never_without_bound() {
    let voc = Voc::new("JPG");
    let files: Vec<(String, Vec<u8>)> =
        voc.0.iter().map(|(name, content)| (format!("data/{name}"), content.clone())).collect();
    let files: Vec<(&str, Vec<u8>)> = files.iter().map(|(name, content)| (name.as_str(), content.clone())).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("voc.zip");
    for bytes in [stored(&files), deflated(&files)] {
        fs::write(&path, &bytes).unwrap();
        assert_eq!(read_voc(&path, 24).unwrap().pictures.len(), 3);
        fs::write(&path, &bytes[..bytes.len() - 30]).unwrap();
        let error = read_voc(&path, 24).unwrap_err().to_string();
        assert!(error.contains("voc.zip: not a whole zip archive"), "{error}");
    }
    // 100 MB of zeros in 100 kB. Nothing is unpacked.
    let bomb = deflated(&[files, vec![("junk", vec![0; 100 << 20])]].concat());
    fs::write(&path, &bomb).unwrap();
    let error = read_voc(&path, 24).unwrap_err().to_string();
    assert!(error.contains("`junk` grows from") && error.contains("a zip bomb"), "{error}");
}

#[test]
fn objects_are_cut_out_as_squares_in_the_class_of_their_box() {
    let folder = tempfile::tempdir().unwrap();
    let two = |size: [&str; 2]| {
        let object = |name: &str, [left, top, right, bottom]: [usize; 4]| {
            format!(
                "<object><name>{name}</name><bndbox><xmin>{left}</xmin><ymin>{top}</ymin><xmax>{right}</xmax>\
                 <ymax>{bottom}</ymax></bndbox></object>"
            )
        };
        // A cell in the corner, a second one, which stays, a platelet, and one too small to show anything.
        let objects = [
            object("cell", [0, 0, 12, 6]),
            object("cell", [6, 6, 18, 12]),
            object("platelet", [9, 3, 15, 9]),
            object("dust", [1, 1, 1, 1]),
        ];
        let [width, height] = size;
        format!(
            "<annotation><size><width>{width}</width><height>{height}</height></size>{}</annotation>",
            objects.concat()
        )
    };
    let mut voc = Voc::new("png");
    for id in ["one", "two", "three"] {
        voc = voc
            .with(&format!("Annotations/{id}.xml"), two(["24", "18"]))
            .with(&format!("JPEGImages/{id}.png"), png(24, 18));
    }
    voc.write(folder.path());
    assert!(has_boxes(folder.path()) && !has_boxes(&folder.path().join("JPEGImages")));
    let read = read_crops(folder.path()).unwrap();
    assert_eq!(read.samples.classes, ["cell", "platelet"]);
    assert_eq!(read.samples.ids[..2], ["one#0", "one#2"]);
    assert_eq!(read.samples.groups, [0, 0, 1, 1, 2, 2]);
    assert_eq!(read.samples.parts[..4], [Part::Train, Part::Train, Part::Validation, Part::Validation]);
    // 18 rows are scaled to 360: a cell of 12 × 6 pixels is a square of 240, moved down into the picture.
    assert_eq!((read.pictures[0].width, read.pictures[0].height), (240, 240));
    assert_eq!((read.pictures[1].width, read.pictures[1].height), (120, 120));
    assert!(read.notices.iter().any(|notice| notice.contains("3 further boxes")), "{:?}", read.notices);
    assert!(read.notices.iter().any(|notice| notice.contains("dust")), "{:?}", read.notices);
}
