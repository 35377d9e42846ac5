//! Feature files: every form that is read, labels of every kind, and no panic whatever the bytes.

use std::fs;
use std::path::Path;

use ndarray::array;
use qgraft::data::{Features, Part, Split, parse_features, read_features};
use safetensors::{Dtype, tensor::TensorView};

/// A tensor by name, type, shape and bytes.
type Tensor = (&'static str, Dtype, Vec<usize>, Vec<u8>);

fn safetensors(tensors: &[Tensor], classes: Option<&str>) -> Vec<u8> {
    let views =
        tensors.iter().map(|(name, kind, shape, data)| (*name, TensorView::new(*kind, shape.clone(), data).unwrap()));
    let metadata = classes.map(|text| [("classes".to_string(), text.to_string())].into_iter().collect());
    safetensors::serialize(views, metadata).unwrap()
}

fn floats(values: &[f32]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

fn integers(values: &[i64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

/// Four rows of two features with these labels.
fn labelled(labels: &[i64], classes: Option<&str>) -> Vec<u8> {
    let values: Vec<f32> = (0..2 * labels.len()).map(|k| k as f32).collect();
    safetensors(
        &[
            ("features", Dtype::F32, vec![labels.len(), 2], floats(&values)),
            ("labels", Dtype::I64, vec![labels.len()], integers(labels)),
        ],
        classes,
    )
}

#[test]
fn labels_of_any_numbers_are_classes() {
    // Labels, names in the metadata; classes, numbers of the classes, and what the notice says.
    type Case = (&'static [i64], Option<&'static str>, &'static [&'static str], [usize; 4], &'static str);
    let cases: [Case; 9] = [
        (&[0, 1, 0, 1], None, &["0", "1"], [0, 1, 0, 1], ""),
        (&[1, 2, 2, 1], None, &["1", "2"], [0, 1, 1, 0], "labels 1 and 2 are not 0 to 1"),
        (&[0, 0, 2, 2], None, &["0", "2"], [0, 0, 1, 1], "labels 0 and 2"),
        (&[-1, 1, -1, 1], None, &["-1", "1"], [0, 1, 0, 1], "labels -1 and 1"),
        (&[7, 1_000_000_000_000, 7, 7], None, &["7", "1000000000000"], [0, 1, 0, 0], "labels 7 and 1000000000000"),
        (&[0, 1, 0, 1], Some("ants, bees"), &["ants", "bees"], [0, 1, 0, 1], ""),
        (&[0, 1, 0, 1], Some(r#"["ants", "bees"]"#), &["ants", "bees"], [0, 1, 0, 1], ""),
        (&[1, 2, 2, 1], Some(r#"{"bees": 1, "ants": 0}"#), &["ants", "bees"], [0, 1, 1, 0], "label 1 is class `ants`"),
        (
            &[5, 9, 9, 5],
            Some(r#"{"0": "ants", "1": "bees"}"#),
            &["ants", "bees"],
            [0, 1, 1, 0],
            "5 is `ants` and 9 is `bees`",
        ),
    ];
    for (labels, names, classes, expected, notice) in cases {
        let open = parse_features(&labelled(labels, names), "here").unwrap();
        assert_eq!(
            (open.all().classes, &open.all().labels[..]),
            (classes.iter().map(|c| c.to_string()).collect(), &expected[..])
        );
        assert!(open.notices().iter().any(|found| found.contains(notice)) || notice.is_empty(), "{:?}", open.notices());
        assert_eq!(open.notices().is_empty(), notice.is_empty(), "{:?}", open.notices());
    }
    let refused: [(&[i64], &str, &str); 3] = [
        (&[0, 3, 0, 3], r#"["a", "b", "c"]"#, "labels 0 and 3 do not fit the 3 classes a, b and c"),
        (&[0, 1, 0, 1], r#"["a", "a"]"#, "`a` occurs twice"),
        (&[0, 1, 0, 1], r#"["a", "#, "`classes` in the metadata"),
    ];
    for (labels, names, message) in refused {
        let error = parse_features(&labelled(labels, Some(names)), "here").unwrap_err().to_string();
        assert!(error.starts_with("here: ") && error.contains(message), "{error}");
    }
}

#[test]
fn every_type_of_number_is_read() {
    let halves = |bits: [u16; 4]| bits.iter().flat_map(|bits| bits.to_le_bytes()).collect::<Vec<u8>>();
    let doubles = [0.5f64, -2.0, 1.0, 3.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    let types = [
        (Dtype::F16, halves([0x3800, 0xc000, 0x3c00, 0x4200])),
        (Dtype::BF16, halves([0x3f00, 0xc000, 0x3f80, 0x4040])),
        (Dtype::F32, floats(&[0.5, -2.0, 1.0, 3.0])),
        (Dtype::F64, doubles),
    ];
    for (kind, data) in types {
        let labels = ("labels", Dtype::F32, vec![2, 1], floats(&[0.0, 1.0]));
        let bytes = safetensors(&[("features", kind, vec![2, 2], data), labels], None);
        assert_eq!(parse_features(&bytes, "here").unwrap().all().values, array![[0.5, -2.0], [1.0, 3.0]], "{kind:?}");
    }
}

#[test]
fn features_that_cannot_be_used_are_refused_by_name() {
    let labels = |count: usize| ("labels", Dtype::U8, vec![count], vec![0; count]);
    let cases = [
        (vec![("features", Dtype::F32, vec![2, 0], Vec::new()), labels(2)], "shape (2, 0); expected at least one row"),
        (vec![("features", Dtype::F32, vec![0, 2], Vec::new()), labels(0)], "shape (0, 2); expected at least one row"),
        (vec![("features", Dtype::F32, vec![4], floats(&[0.0; 4])), labels(4)], "expected (samples, width)"),
        (
            vec![("features", Dtype::F32, vec![1, 2], floats(&[0.0, f32::NAN])), labels(1)],
            "holds NaN at row 0, column 1",
        ),
        (vec![("features", Dtype::F32, vec![1, 2], floats(&[0.0; 2]))], "no tensor `labels`; the file holds features"),
        (
            vec![
                ("features", Dtype::F32, vec![2, 1], floats(&[0.0; 2])),
                ("labels", Dtype::U8, vec![2, 2], vec![0; 4]),
            ],
            "no one-hot vectors",
        ),
        (
            vec![("features", Dtype::F32, vec![1, 1], floats(&[0.0])), ("labels", Dtype::F32, vec![1], floats(&[0.5]))],
            "holds 0.5 at row 0; labels are whole numbers",
        ),
        (
            vec![
                ("features", Dtype::F32, vec![1, 1], floats(&[0.0])),
                ("X", Dtype::F32, vec![1, 1], floats(&[0.0])),
                labels(1),
            ],
            "`X` and `features` mean the same",
        ),
    ];
    for (tensors, message) in cases {
        let error = parse_features(&safetensors(&tensors, None), "here").unwrap_err().to_string();
        assert!(error.starts_with("here: ") && error.contains(message), "{error}");
    }
    for (bytes, message) in
        [(&b"\x89HDF\r\n"[..], "HDF5"), (b"\x80\x04]", "a pickle"), (b"\x93NUMPY\x01", "has no labels")]
    {
        let error = parse_features(bytes, "here").unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}

/// An .npy file of version 1.
pub(crate) fn npy(descr: &str, order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({shape}), }}\n");
    [&b"\x93NUMPY\x01\x00"[..], &(header.len() as u16).to_le_bytes(), header.as_bytes(), data].concat()
}

/// A zip archive of stored files.
fn zip(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    crate::support::archive::stored(files)
}

#[test]
fn arrays_of_numpy_are_read() {
    let values = [1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0];
    let big: Vec<u8> = values.iter().flat_map(|v| f64::from(*v).to_be_bytes()).collect();
    // Column by column.
    let turned = floats(&[1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    let words: Vec<u8> = ["ant", "bee"].iter().flat_map(|w| w.chars().flat_map(|c| (c as u32).to_le_bytes())).collect();
    let cases = [
        (npy("<f4", "False", "2, 3", &floats(&values)), npy("<i8", "False", "2,", &integers(&[0, 1])), ["0", "1"]),
        (npy("<f4", "True", "2, 3", &turned), npy("|u1", "False", "2,", &[0, 1]), ["0", "1"]),
        (npy(">f8", "False", "2, 3", &big), npy("<U3", "False", "2,", &words), ["ant", "bee"]),
        (npy("<f4", "False", "2, 3", &floats(&values)), npy("|S3", "False", "2,", b"antbee"), ["ant", "bee"]),
    ];
    let folder = tempfile::tempdir().unwrap();
    for (x, y, classes) in cases {
        let expected = array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]];
        let open = parse_features(&zip(&[("X.npy", x.clone()), ("y.npy", y.clone())]), "here.npz").unwrap();
        assert_eq!((open.all().values, &open.all().classes[..]), (expected.clone(), &classes.map(String::from)[..]));
        for [features, labels] in [["X", "y"], ["net_features", "net_labels"], ["net", "net_y"]] {
            let inside = folder.path().join(features);
            fs::create_dir_all(&inside).unwrap();
            fs::write(inside.join(features).with_extension("npy"), &x).unwrap();
            fs::write(inside.join(labels).with_extension("npy"), &y).unwrap();
            let open = Features::open(inside.join(features).with_extension("npy")).unwrap();
            assert_eq!(open.all().values, expected, "{features}");
        }
        assert_eq!(Features::open(folder.path().join("X")).unwrap().all().values, expected, "a folder of .npy files");
    }
    let x = npy("<f4", "False", "2, 3", &floats(&values));
    let refused = [
        (npy("|O", "False", "2, 3", b""), "Python objects"),
        (npy("<f4", "False", "2, 4", &floats(&values)), "does not fit 24 bytes"),
        (npy("<f4", "False", "9223372036854775807, 9", &floats(&values)), "does not fit"),
        (npy("<c8", "False", "1, 3", &floats(&values)), "type \"<c8\""),
        (x[..20].to_vec(), "not a whole .npy file"),
    ];
    for (x, message) in refused {
        let bytes = zip(&[("X.npy", x), ("y.npy", npy("|u1", "False", "2,", &[0, 1]))]);
        let error = parse_features(&bytes, "here.npz").unwrap_err().to_string();
        assert!(error.contains("here.npz/X.npy") && error.contains(message), "{error}");
    }
    let lone = folder.path().join("lone.npy");
    fs::write(&lone, x).unwrap();
    let error = Features::open(&lone).unwrap_err().to_string();
    assert!(error.contains("expected lone_labels.npy beside it"), "{error}");
}

#[test]
fn parts_are_marked_before_or_behind_a_name() {
    let array = |rows: usize| npy("<f4", "False", &format!("{rows}, 1"), &floats(&vec![0.5; rows]));
    let labels =
        |rows: usize| npy("|u1", "False", &format!("{rows},"), &(0..rows).map(|k| k as u8 % 2).collect::<Vec<_>>());
    for names in
        [["X_train", "y_train", "X_val", "y_val"], ["train.features", "train.labels", "valid.features", "valid.labels"]]
    {
        let files: Vec<(String, Vec<u8>)> = names
            .iter()
            .enumerate()
            .map(|(k, name)| (format!("{name}.npy"), if k % 2 == 0 { array(4) } else { labels(4) }))
            .collect();
        let files: Vec<(&str, Vec<u8>)> = files.iter().map(|(name, data)| (name.as_str(), data.clone())).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("parts.npz");
        fs::write(&path, zip(&files)).unwrap();
        let read = read_features(&path, Split::default()).unwrap();
        assert_eq!(Part::ALL.map(|part| read.samples.of(part).len()), [4, 4, 0], "{names:?}");

        let tested: Vec<(&str, Vec<u8>)> =
            files.iter().cloned().chain([("X_test.npy", array(2)), ("y_test.npy", labels(2))]).collect();
        fs::write(&path, zip(&tested)).unwrap();
        let read = read_features(&path, Split::default()).unwrap();
        assert_eq!(Part::ALL.map(|part| read.samples.of(part).len()), [4, 4, 2], "{names:?}");

        fs::write(&path, zip(&[&tested[..2], &tested[4..]].concat())).unwrap();
        let read = read_features(&path, Split::default()).unwrap();
        assert_eq!(Part::ALL.map(|part| read.samples.of(part).len()), [4, 2, 0], "{names:?}");
        assert!(read.notices[0].contains("the test rows are held out in their place"), "{:?}", read.notices);
    }
}

#[test]
fn a_table_is_read_as_features() {
    for text in ["a,b,class\n0.5,1,ant\n1.5,2,bee\n", "label,a,b\nant,0.5,1\nbee,1.5,2\n"] {
        let open = parse_features(text.as_bytes(), "here.csv").unwrap();
        assert_eq!(open.all().values, array![[0.5, 1.0], [1.5, 2.0]], "{text}");
        assert_eq!(open.all().classes, ["ant", "bee"]);
    }
    let refused = [
        ("a,b,class\n0.5,red,ant\n1.5,blue,bee\n2.5,red,bee\n", "column `b` holds words"),
        ("a,b,class\n0.5,1,ant\n?,2,bee\n", "line 3, column `a`: a gap"),
    ];
    for (text, message) in refused {
        let error = parse_features(text.as_bytes(), "here.csv").unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn written_features_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let (path, again) = (folder.path().join("first.safetensors"), folder.path().join("again.safetensors"));
    fs::write(&path, labelled(&[0, 1, 0, 1, 0, 1], Some("with, commas"))).unwrap();
    let read = read_features(&path, Split::default()).unwrap();
    read.write(&again).unwrap();
    let found = read_features(&again, Split { validation: 0.9, seed: 5 }).unwrap();
    for part in Part::ALL {
        let (left, right) = (read.rows(part), found.rows(part));
        assert_eq!((left.values, left.labels, left.classes), (right.values, right.labels, right.classes), "{part:?}");
    }
    assert!(read.write(Path::new("no/such/folder/file")).is_err());
}
