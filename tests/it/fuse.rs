//! Fusion of files of detections: every format gives what the library gives on the same boxes, and what does not fit is
//! refused by name. The fusions themselves are compared with ensemble-boxes in boxes.rs.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use qgraft::classic::boxes::{Detection, FUSIONS, Fusion, inside};
use qgraft::data::{BOX_FORMATS, BoxContents, BoxUnit, JoinedBoxes, read_boxes, write_boxes};
use qgraft::study::detection::{Scores, Truth};
use qgraft::study::fused_boxes::{fuse_files, score_boxes};
use tempfile::TempDir;

use crate::support::boxes::{CLASSES, Case};

const PICTURES: usize = 20;
const NAMES: [&str; CLASSES] = ["cat", "dog", "owl"];

fn size(picture: usize) -> [f64; 2] {
    [320.0 + 10.0 * picture as f64, 240.0]
}

fn cases() -> Vec<Case> {
    (0..PICTURES).map(Case::new).collect()
}

/// Boxes of the first two detectors, or the truth, cut to the picture and with an area, as files hold them.
fn boxes(case: &Case, file: usize) -> Vec<([f64; 4], usize, Option<f64>)> {
    match case.detectors.get(file) {
        Some(found) if file < 2 => {
            found.iter().filter_map(|found| Some((inside(found.corners)?, found.label, Some(found.score)))).collect()
        }
        _ => case.truths.iter().map(|truth| (truth.corners, truth.label, None)).collect(),
    }
}

fn pixels([left, top, right, bottom]: [f64; 4], picture: usize) -> [f64; 4] {
    let [width, height] = size(picture);
    [left * width, top * height, right * width, bottom * height]
}

/// File `file` (0 and 1 are detectors, 2 the truth) in a format; its path.
fn written(folder: &Path, format: &str, file: usize) -> String {
    let cases = cases();
    let all = || {
        cases.iter().enumerate().flat_map(|(picture, case)| boxes(case, file).into_iter().map(move |b| (picture, b)))
    };
    let entry = |(picture, (corners, label, score)): (usize, ([f64; 4], usize, Option<f64>))| {
        let [left, top, right, bottom] = pixels(corners, picture);
        let score = score.map_or(String::new(), |score| format!(",\"score\":{score}"));
        format!(
            "{{\"image_id\":{},\"category_id\":{},\"bbox\":[{left},{top},{},{}]{score}}}",
            picture + 1,
            label + 1,
            right - left,
            bottom - top
        )
    };
    let name = format!("{format}-{file}");
    let path = folder.join(&name);
    match format {
        "coco_results" => {
            let path = path.with_extension("json");
            fs::write(&path, format!("[{}]", all().map(entry).collect::<Vec<_>>().join(","))).unwrap();
            return path.display().to_string();
        }
        "coco" => {
            let path = path.with_extension("json");
            let images: Vec<String> = (0..PICTURES)
                .map(|k| {
                    let [width, height] = size(k);
                    format!("{{\"id\":{},\"file_name\":\"val/p{k}.jpg\",\"width\":{width},\"height\":{height}}}", k + 1)
                })
                .collect();
            let categories: Vec<String> =
                NAMES.iter().enumerate().map(|(k, name)| format!("{{\"id\":{},\"name\":\"{name}\"}}", k + 1)).collect();
            let text = format!(
                "{{\"images\":[{}],\"annotations\":[{}],\"categories\":[{}]}}",
                images.join(","),
                all().map(entry).collect::<Vec<_>>().join(","),
                categories.join(",")
            );
            fs::write(&path, text).unwrap();
            return path.display().to_string();
        }
        "csv" => {
            let path = path.with_extension("csv");
            let mut text = String::from("image,label,score,x1,y1,x2,y2\n");
            for (picture, (corners, label, score)) in all() {
                let [left, top, right, bottom] = pixels(corners, picture);
                let score = score.unwrap_or(1.0);
                text += &format!("p{picture}.jpg,{},{score},{left},{top},{right},{bottom}\n", NAMES[label]);
            }
            fs::write(&path, text).unwrap();
            return path.display().to_string();
        }
        _ => {
            fs::create_dir_all(path.join("labels")).unwrap();
            fs::write(path.join("data.yaml"), "path: .\nnames:\n  0: cat\n  1: dog\n  2: 'owl'\n").unwrap();
            for (picture, case) in cases.iter().enumerate() {
                let mut text = String::new();
                for ([left, top, right, bottom], label, score) in boxes(case, file) {
                    let (x, y) = ((left + right) / 2.0, (top + bottom) / 2.0);
                    let score = score.map_or(String::new(), |score| format!(" {score}"));
                    text += &format!("{label} {x} {y} {} {}{score}\n", right - left, bottom - top);
                }
                fs::write(path.join(format!("labels/p{picture}.txt")), text).unwrap();
            }
        }
    }
    path.join("labels").display().to_string()
}

fn close(a: &[f64], b: &[f64]) -> bool {
    // Corners pass through pixels and sums of two, scores through sums: f64 throughout.
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-9)
}

#[test]
fn every_pair_of_formats_is_fused_and_scored_as_the_library_does() {
    let folder = TempDir::new().unwrap();
    let cases = cases();
    let truth = read_boxes(Path::new(&written(folder.path(), "coco", 2)), BoxUnit::Auto).unwrap();
    let truths: Vec<Vec<Truth>> = cases.iter().map(|case| case.truths.clone()).collect();
    for one in BOX_FORMATS {
        for other in BOX_FORMATS {
            let what = format!("{} and {}", one.name, other.name);
            let paths = [written(folder.path(), one.name, 0), written(folder.path(), other.name, 1)];
            let mut files: Vec<_> =
                paths.iter().map(|path| read_boxes(Path::new(path), BoxUnit::Auto).unwrap()).collect();
            files.push(truth.clone());
            let joined = JoinedBoxes::of(&files).unwrap();
            assert_eq!((joined.images.len(), joined.classes.len()), (PICTURES, CLASSES), "{what}");
            // Classes in the order of the annotations.
            assert!(joined.classes.iter().zip(NAMES).all(|(class, name)| class.text() == name), "{what}");
            for row in FUSIONS {
                let fusion = Fusion { lowest: 0.05, weights: vec![2.0, 1.0], ..Fusion::new(row.method) };
                let fused = fuse_files(&joined, 0..2, &fusion);
                let expected: Vec<Vec<Detection>> =
                    cases.iter().map(|case| fusion.fuse(&case.detectors[..2])).collect();
                for (picture, expected) in expected.iter().enumerate() {
                    let name = format!("val/p{picture}.jpg");
                    let index = joined.images.iter().position(|image| image.name.text() == name).unwrap();
                    let found = &fused[index];
                    assert_eq!(found.len(), expected.len(), "{what}: {} in {name}", row.name);
                    for (found, expected) in found.iter().zip(expected) {
                        assert!(close(&found.corners, &expected.corners), "{what}: {} in {name}", row.name);
                        assert!(close(&[found.score.unwrap()], &[expected.score]), "{what}: {} in {name}", row.name);
                        assert_eq!(found.class, expected.label, "{what}: {} in {name}", row.name);
                    }
                }
                let scores = score_boxes(&joined, &fused, 2);
                let own = Scores::of(&expected, &truths, CLASSES);
                assert!(close(&[scores.map, scores.map50], &[own.map, own.map50]), "{what}: {}", row.name);
            }
        }
    }
}

#[test]
fn what_is_written_in_a_format_is_read_back() {
    let folder = TempDir::new().unwrap();
    let files = ["coco", "coco_results"].map(|format| written(folder.path(), format, 0));
    let files: Vec<_> = files.iter().map(|path| read_boxes(Path::new(path), BoxUnit::Auto).unwrap()).collect();
    let joined = JoinedBoxes::of(&files).unwrap();
    for row in BOX_FORMATS {
        let path = match write_boxes(row.format, BoxUnit::Auto, (&joined.images, &joined.classes), &joined.boxes[1]) {
            Ok(BoxContents::File(bytes)) => {
                let path = folder.path().join(if row.name == "csv" { "out.csv" } else { "out.json" });
                fs::write(&path, bytes).unwrap();
                path
            }
            Ok(BoxContents::Folder(files)) => {
                let path = folder.path().join("out");
                for (name, bytes) in files {
                    let path = path.join(name);
                    fs::create_dir_all(path.parent().unwrap()).unwrap();
                    fs::write(path, bytes).unwrap();
                }
                path
            }
            Err(error) => panic!("{}: {error}", row.name),
        };
        let again = JoinedBoxes::of(&[files[0].clone(), read_boxes(&path, BoxUnit::Auto).unwrap()]).unwrap();
        assert_eq!(again.images.len(), PICTURES, "{}", row.name);
        for (own, other) in again.boxes[1].iter().flatten().zip(joined.boxes[1].iter().flatten()) {
            assert!(close(&own.corners, &other.corners) && own.score == other.score, "{}", row.name);
            assert_eq!(again.classes[own.class].text(), joined.classes[other.class].text(), "{}", row.name);
        }
    }
}

fn qgraft(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_qgraft")).args(arguments).current_dir(folder).output().unwrap()
}

#[test]
fn the_command_writes_boxes_and_prints_average_precision() {
    let folder = TempDir::new().unwrap();
    let files = [written(folder.path(), "coco_results", 0), written(folder.path(), "yolo", 1)];
    let truth = written(folder.path(), "coco", 2);
    let done = qgraft(
        folder.path(),
        &["fuse", &files[0], &files[1], "--truth", &truth, "--method", "wbf,nms", "-o", "fused.json"],
    );
    let text = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(text.lines().count(), 5, "{text}");
    assert!(text.contains("mAP50-95") && text.contains("\nwbf ") && text.contains("\nnms "), "{text}");
    let fused = read_boxes(&folder.path().join("fused.json"), BoxUnit::Auto).unwrap();
    let expected: usize =
        cases().iter().map(|case| Fusion::new(FUSIONS[0].method).fuse(&case.detectors[..2]).len()).sum();
    assert_eq!(fused.boxes.len(), expected);
    assert!(fused.classes.iter().all(|class| (1..=3).contains(&class.id.unwrap())));
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        name.to_string()
    };
    let header = "image,label,score,x1,y1,x2,y2\n";
    let good = path("good.csv", &format!("{header}a.jpg,cat,0.9,10,10,50,50\n"));
    let rows = [
        (path("column.csv", "image,label,score,x1,y1,x2\na,cat,1,2,3,4\n"), "no column y2"),
        (path("number.csv", &format!("{header}a.jpg,cat,0.9,10,ten,50,50\n")), "line 2, column `y1`: \"ten\""),
        (path("score.csv", &format!("{header}a.jpg,cat,-1,10,10,50,50\n")), "score of 0 or more"),
        (path("images.csv", &format!("{header}b.jpg,cat,0.9,10,10,50,50\n")), "none of its images (a.jpg, …) is in "),
        (path("classes.csv", &format!("{header}a.jpg,dog,0.9,10,10,50,50\n")), "none of its classes (cat, …) is in "),
        (path("shares.csv", &format!("{header}a.jpg,cat,0.9,0.1,0.1,0.5,0.5\n")), "its size is not known"),
        (path("cut.json", "[{\"image_id\": 1"), "no COCO JSON"),
        (path("nan.json", "[{\"image_id\": 1, \"category_id\": 1, \"bbox\": [1, NaN, 2, 3], \"score\": 1}]"), "no NaN"),
        (path("bbox.json", "[{\"image_id\": 1, \"category_id\": 1, \"score\": 1}]"), "entry 0 (from 0): field bbox"),
        (path("object.json", "{\"images\": []}"), "one is missing"),
        (path("pixels/a.txt", "0 120 80 40 40 0.5\n"), "are these pixels?"),
        (path("words/a.txt", "cat 0.1 0.1 0.1 0.1\n"), "expected the number of a class"),
        (path("none/readme.md", "nothing"), "no text files of boxes"),
        (path("boxes.xml", "<a/>"), "no file of boxes"),
        ("absent.csv".into(), "absent.csv"),
    ];
    for (file, expected) in rows {
        let file = file.split('/').next().unwrap();
        let done = qgraft(folder.path(), &["fuse", &good, file]);
        let error = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(1), "{file}: {error}");
        assert!(error.contains(expected) && error.contains(file), "{file}: {error}");
        assert!(done.stdout.is_empty());
    }
    let options = [
        (&["--method", "wfb"][..], "wbf"),
        (&["--iou", "2"], "--iou 2 must lie in 0..=1"),
        (&["--weights", "1"], "--weights has 1 value, but there are 2 files"),
        (&["--sigma", "0.3"], "--sigma is for soft_nms alone"),
        (&["--method", "nms", "--confidence", "highest"], "for wbf and wbf_vote alone"),
        (&["--to", "yolo"], "its size is not known"),
        (&["-o", "fused.xml"], "names no format"),
    ];
    for (more, expected) in options {
        let done = qgraft(folder.path(), &[&["fuse", &good, &good][..], more].concat());
        let error = String::from_utf8(done.stderr).unwrap();
        assert!(!done.status.success() && error.contains(expected), "{more:?}: {error}");
    }
}

#[test]
fn images_and_classes_are_recognised_by_name_and_number() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str, text: &str| {
        fs::write(folder.path().join(name), text).unwrap();
        read_boxes(&folder.path().join(name), BoxUnit::Auto).unwrap()
    };
    let annotations = |images: &str| {
        format!(
            "{{\"images\":[{images}],\"categories\":[{{\"id\":7,\"name\":\"cat\"}}],\"annotations\":[{{\"image_id\":139,\
             \"category_id\":7,\"bbox\":[1,1,5,5]}}]}}"
        )
    };
    let truth = path(
        "truth.json",
        &annotations("{\"id\":139,\"file_name\":\"val/000000000139.jpg\",\"width\":9,\"height\":8}"),
    );
    let entry = |image: &str| format!("[{{\"image_id\":{image},\"category_id\":7,\"bbox\":[1,1,5,5],\"score\":0.5}}]");
    let header = "image,label,score,x1,y1,x2,y2\n";
    let files = [
        path("id.json", &entry("139")),
        path("name.json", &entry("\"000000000139\"")),
        path("file.csv", &format!("{header}000000000139.jpg,cat,1,1,1,6,6\n")),
        path("folder.csv", &format!("{header}photos/000000000139.png,cat,1,1,1,6,6\n")),
        path("stem.csv", &format!("{header}000000000139,7,1,1,1,6,6\n")),
        path("shares.csv", &format!("{header}139,cat,1,0,0,0.5,1\n")),
    ];
    for file in files {
        let place = file.place.clone();
        let joined = JoinedBoxes::of(&[file, truth.clone()]).unwrap();
        assert_eq!((joined.images.len(), joined.classes.len()), (1, 1), "{place}");
        assert_eq!(joined.images[0].frame, [9.0, 8.0], "{place}");
    }
    let two = "{\"id\":139,\"file_name\":\"a/1.jpg\"},{\"id\":140,\"file_name\":\"b/1.jpg\"}";
    let truth = path("two.json", &annotations(two));
    let error = JoinedBoxes::of(&[path("one.csv", &format!("{header}1.jpg,cat,1,1,1,6,6\n")), truth]).unwrap_err();
    assert!(error.to_string().contains("may be several images"), "{error}");
}
