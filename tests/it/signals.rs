//! Recordings: files of edfio and SciPy, annotations, features (values from tests/reference/seizure.py).

use std::fs;
use std::path::{Path, PathBuf};

use qgraft::data::signal::*;
use serde::Deserialize;
use tempfile::TempDir;

#[derive(Deserialize)]
struct Reference {
    segment: Vec<f64>,
    energies: Vec<f64>,
    log_power: Vec<f64>,
    statistics: Vec<f64>,
    wave: Vec<f64>,
    other: Vec<f64>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../reference/seizure.json")).unwrap()
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/seizure").join(name)
}

fn worst(own: &[f64], other: &[f64]) -> f64 {
    assert_eq!(own.len(), other.len());
    own.iter().zip(other).map(|(a, b)| (a - b).abs() / b.abs().max(1.0)).fold(0.0, f64::max)
}

#[test]
fn features_are_those_of_pywavelets_numpy_and_scipy() {
    let reference = reference();
    let packet = WaveletPacket { levels: 6 };
    let energies = packet.energies(&reference.segment, 0..64);
    assert!(worst(&energies, &reference.energies) < 1e-8);
    assert_eq!(packet.energies(&reference.segment, 3..17), energies[3..17], "some leaves are those of the whole tree");
    assert!(worst(&band_powers(&reference.segment, 256.0), &reference.log_power) < 1e-9);
    assert!(worst(&statistics(&reference.segment), &reference.statistics) < 1e-9);
    for flat in [vec![0.0; 64], vec![5.0; 64]] {
        let all = [statistics(&flat), band_powers(&flat, 64.0), packet.energies(&flat, 0..4)].concat();
        assert!(all.iter().all(|value| value.is_finite()), "a flat segment has finite features: {all:?}");
    }
}

#[test]
fn edf_and_bdf_of_edfio_read_back() {
    let reference = reference();
    for (name, step) in [("plain.edf", 400.0 / 65535.0), ("annotated.edf", 400.0 / 65535.0), ("annotated.bdf", 1e-4)] {
        let recording = read_recording(&file(name)).unwrap();
        assert_eq!(recording.name, name);
        let first = &recording.signals[0];
        assert_eq!((first.label.as_str(), first.rate), ("F7-T7", Some(128.0)), "{name}");
        let values: Vec<f64> = first.samples.iter().map(|value| f64::from(*value)).collect();
        // Stored in steps of the range over 2^16 or 2^24.
        assert!(values.iter().zip(&reference.wave).all(|(a, b)| (a - b).abs() <= step), "{name}");
        if let Some(second) = recording.signals.get(1) {
            assert_eq!(second.rate, Some(256.0));
            let is_near = |(a, b): (&f32, &f64)| (f64::from(*a) - b).abs() <= step;
            assert!(second.samples.iter().zip(&reference.other).all(is_near), "{name}: millivolts become microvolts");
        }
    }
    let events = read_recording(&file("annotated.edf")).unwrap().events.unwrap();
    let shown: Vec<(f64, f64, &str)> = events.iter().map(|e| (e.onset, e.duration, e.text.as_str())).collect();
    let expected = [(0.5, 0.0, "interictal discharge"), (1.5, 2.0, "seizure"), (3.25, 0.5, "eyes closed, Müller")];
    assert_eq!(shown, expected);
    assert_eq!(events.iter().map(|e| is_seizure(&e.text)).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(read_recording(&file("plain.edf")).unwrap().events, None, "a file without annotations says nothing");
    assert_eq!(read_recording(&file("annotated.bdf")).unwrap().events.unwrap().len(), 1);
}

#[test]
fn a_bad_edf_file_is_refused_by_what_is_wrong() {
    let whole = fs::read(file("annotated.edf")).unwrap();
    let with = |at: usize, text: &str| {
        let mut bytes = whole.clone();
        bytes[at..at + text.len()].copy_from_slice(text.as_bytes());
        bytes
    };
    let cases = [
        (whole[..100].to_vec(), "ends within its header"),
        (whole[..whole.len() - 10].to_vec(), "cut off"),
        (with(0, "1"), "neither EDF nor BDF"),
        (with(252, "0   "), "0 signals"),
        (with(252, "9999"), "its length"),
        (with(236, "many    "), "expected a number"),
        (with(244, "0       "), "lasts 0 s"),
        // Physical and digital limits of three signals begin 104 and 120 bytes a signal behind the header.
        (with(256 + 3 * 120, "32767   "), "has no scale"),
        (with(256 + 3 * 216, "0       "), "number of samples"),
        (Vec::new(), "neither EDF nor BDF"),
    ];
    for (bytes, reason) in cases {
        let error = parse_edf(&bytes, "x.edf").unwrap_err().to_string();
        assert!(error.starts_with("x.edf: ") && error.contains(reason), "{error}; expected {reason}");
    }
}

#[test]
fn matlab_files_of_scipy_and_text_files_read_back() {
    let reference = reference();
    let packed = read_recording(&file("packed.mat")).unwrap();
    assert_eq!((packed.signals.len(), packed.signals[0].rate), (1, Some(128.0)));
    let expected: Vec<f32> = reference.wave[..64].iter().map(|value| *value as f32).collect();
    assert_eq!(packed.signals[0].samples, expected);
    let plain = read_recording(&file("plain.mat")).unwrap();
    assert_eq!((plain.signals.len(), plain.signals[1].samples.len(), plain.signals[1].rate), (2, 64, None));
    assert_eq!(plain.signals[1].samples[3], reference.other[3].trunc() as f32);

    let folder = TempDir::new().unwrap();
    let read = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        read_recording(&path)
    };
    let bonn = read("Z001.txt", "12\n22\n-3\n").unwrap();
    assert_eq!((bonn.signals[0].label.as_str(), bonn.signals[0].samples.as_slice()), ("1", &[12.0, 22.0, -3.0][..]));
    let table = read("a.csv", "time,Fz,Cz\n0,1,2\n0.5,3,4\n1.0,5,6\n").unwrap();
    assert_eq!(table.signals.len(), 2);
    assert_eq!((table.signals[1].label.as_str(), table.signals[1].rate), ("Cz", Some(2.0)));
    for (name, text, reason) in [
        ("a.txt", "1\n2\nx\n", "line 3"),
        ("b.csv", "a,b\n1,2\n3\n", "line 3"),
        ("c.txt", "", "empty"),
        ("d.txt", "1\nnan\n", "sample 1"),
        ("e.csv", "a,a\n1,2\n", "two channels"),
        ("f.mat", "no", "not a MATLAB file"),
        ("g.edf", "no", "neither EDF nor BDF"),
        // One number with a decimal comma, or two?
        ("h.txt", "12,5\n13,1\n", "name the channels"),
        ("i.csv", "Time (ms),Fz\n0,1\n4,2\n", "in another unit"),
        ("j.csv", "a, b\n1, 2\n3\n", "line 3"),
        // A gap, a reversal, shuffled rows, a time twice, a time that is none.
        ("k.csv", "time,Fz\n0,1\n1,2\n2,3\n9,4\n", "line 5: time goes from 2 s to 9 s, the median step is 1 s; cut"),
        ("l.csv", "time,Fz\n0,1\n1,2\n0,3\n1,4\n2,5\n", "line 4: time goes from 1 s to 0 s"),
        ("m.csv", "time,Fz\n3,1\n1,2\n\n2,3\n0,4\n", "line 3: time goes from 3 s to 1 s"),
        ("n.csv", "time,Fz\n0,1\n0,2\n1,3\n", "line 3: time goes from 0 s to 0 s"),
        ("o.csv", "time,Fz\n0,1\nnan,2\n2,3\n", "line 3: time goes from 0 s to NaN s"),
    ] {
        let error = read(name, text).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(reason), "{error}; expected {reason}");
    }
    // Tables as spreadsheets and other programs write them, all with the same numbers.
    for (name, text) in [
        ("a.csv", "time;EEG Fz;EEG Cz\n0,0;1,5;2\n0,5;-3,25;4e0\n1,0;5;6\n"),
        ("b.tsv", "time\tEEG Fz\tEEG Cz\n0.0\t1.5\t2\n0.5\t-3.25\t4\n1.0\t5\t6\n"),
        ("c.csv", "\"Time (s)\",\"EEG Fz\",\"EEG Cz\"\r\n0, 1.5, 2\r\n0.5, -3.25, 4\r\n1, 5, 6\r\n"),
        ("d.csv", "t,EEG Fz,EEG Cz,\n0,1.5,2,\n0.5,-3.25,4,\n1,5,6,\n"),
    ] {
        let found = read(name, text).unwrap();
        let labels: Vec<&str> = found.signals.iter().map(|signal| signal.label.as_str()).collect();
        assert_eq!(labels, ["EEG Fz", "EEG Cz"], "{name}");
        assert!(found.signals.iter().all(|signal| signal.rate == Some(2.0)), "{name}");
        assert_eq!(
            (&found.signals[0].samples[..], &found.signals[1].samples[..]),
            (&[1.5, -3.25, 5.0][..], &[2.0, 4.0, 6.0][..])
        );
    }
    for (name, text, labels) in [
        ("e.txt", "Fz Cz\n 1   2\n 3   4\n", &["Fz", "Cz"][..]),
        ("f.txt", "1,5 2,5\n-3,5 4\n", &["1", "2"]),
        ("g.txt", "EEG Fz\n1\n3\n", &["EEG Fz"]),
        ("h.txt", "Fz\n1,5\n3,5\n", &["Fz"]),
        ("i.csv", "1.0,2\n3,4\n", &["1", "2"]),
    ] {
        let found = read(name, text).unwrap();
        assert_eq!(found.signals.iter().map(|signal| signal.label.as_str()).collect::<Vec<_>>(), labels, "{name}");
        assert!(found.signals.iter().all(|signal| signal.samples.len() == 2), "{name}");
    }
}

#[test]
fn an_annotation_is_a_seizure_unless_it_says_that_there_is_none() {
    for text in [
        "seizure",
        "Seizures",
        "SZ",
        "sz_foc_ia",
        "ictal",
        "clinical seizure",
        "Seizure 1 start",
        "Seizure no. 2",
        "seizure onset to end",
        "Seizure until the end of the recording",
        "seizure at end of file",
        "post-op day 2: seizure",
    ] {
        assert!(is_seizure(text), "{text}");
    }
    for text in [
        "",
        "eyes closed",
        "bckg",
        "interictal",
        "inter-ictal discharge",
        "non-seizure",
        "nonseizure",
        "no seizure activity",
        "No clear electrographic seizure",
        "without any seizures",
        "not a seizure",
        "pre-ictal",
        "post ictal slowing",
        "peri-ictal",
        "seizure free",
        "Seizure end",
        "Seizure 1 ends",
        "sz offset",
    ] {
        assert!(!is_seizure(text), "{text}");
    }
}

#[test]
fn folders_of_one_letter_are_classes_of_text_files_alone() {
    let folder = TempDir::new().unwrap();
    let edf = fs::read(file("annotated.edf")).unwrap();
    for (patient, class) in [("anna", "s"), ("ben", "N"), ("carl", "seizure")] {
        let own = folder.path().join(patient).join(class);
        fs::create_dir_all(&own).unwrap();
        fs::write(own.join("x.edf"), &edf).unwrap();
        fs::write(own.join("y.txt"), "1\n2\n").unwrap();
    }
    let patients = read_patients(folder.path(), &FolderNames::default()).unwrap();
    let marks: Vec<Vec<Marks>> =
        patients.into_iter().map(|patient| patient.files.into_iter().map(|file| file.marks).collect()).collect();
    let is = |seizure| Marks::Whole(seizure);
    assert_eq!(marks, [vec![Marks::Inside, is(true)], vec![Marks::Inside, is(false)], vec![is(true), is(true)]]);
    let named = FolderNames { seizure: vec!["S".into()], background: Vec::new() };
    let patients = read_patients(folder.path(), &named).unwrap();
    assert!(patients[0].files.iter().all(|file| file.marks == is(true)), "names of the user count for every file");
}

#[test]
fn resampling_keeps_what_both_rates_can_hold() {
    let tone = |rate: f64, hertz: f64, count: usize| -> Vec<f32> {
        (0..count).map(|k| (2.0 * std::f64::consts::PI * hertz * k as f64 / rate).sin() as f32).collect()
    };
    for (from, to) in [(173.61, 256.0), (200.0, 256.0), (256.0, 128.0), (512.0, 173.61)] {
        let found = resample(&tone(from, 9.0, 2000), from, to);
        let expected = tone(to, 9.0, found.len());
        let inside = 100..found.len() - 100;
        let error = found[inside.clone()].iter().zip(&expected[inside]).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        // A window of 16 lobes leaves a ripple of less than a percent.
        assert!(error < 0.01, "{from} to {to}: {error}");
    }
    let high = resample(&tone(512.0, 100.0, 2000), 512.0, 128.0);
    assert!(high[50..400].iter().all(|value| value.abs() < 0.02), "what the lower rate cannot hold is removed");
}

#[test]
fn seizures_of_chb_mit_summaries_and_of_tables_of_events_are_found() {
    let folder = TempDir::new().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write(
        "chb01-summary.txt",
        "Data Sampling Rate: 256 Hz\n\nFile Name: chb01_02.edf\nNumber of Seizures in File: 0\n\nFile Name: chb01_03.edf\n\
         File Start Time: 13:43:04\nNumber of Seizures in File: 2\nSeizure 1 Start Time: 2996 seconds\nSeizure 1 End Time: \
         3036 seconds\nSeizure 2 Start Time: 3100 seconds\nSeizure 2 End Time: 3110 seconds\n",
    );
    write("sub-01_task-sz_events.tsv", "onset\tduration\teventType\n0.0\t3600\tbckg\n12\t5.5\tsz_foc_ia\n");
    write("own.seizures.csv", "onset,duration\n1,2\n");
    write("de_events.csv", "onset;duration;label\n1,5;2,5;\"Anfall; sz\"\n9;1;no seizure\n");
    let found = Annotations::read(folder.path()).unwrap();
    let times = |name: &str| -> Option<Vec<(f64, f64)>> {
        Some(found.of(name)?.iter().map(|event| (event.onset, event.duration)).collect())
    };
    assert_eq!(times("chb01_02.edf"), Some(vec![]));
    assert_eq!(times("chb01_03.edf"), Some(vec![(2996.0, 40.0), (3100.0, 10.0)]));
    assert_eq!(times("sub-01_task-sz_eeg.edf"), Some(vec![(12.0, 5.5)]));
    assert_eq!(times("own.edf"), Some(vec![(1.0, 2.0)]));
    assert_eq!(times("de.edf"), Some(vec![(1.5, 2.5)]));
    assert_eq!(times("chb01_99.edf"), None);
    for (name, text, reason) in [
        ("a_events.tsv", "start\tlength\n", "no columns"),
        ("b_events.tsv", "onset\tduration\nx\t1\n", "line 2"),
        ("e_events.tsv", "onset\tduration\n1\tn/a\n", "line 2"),
        ("f_events.tsv", "onset\tduration\n1\t0\n", "the length of the seizure"),
        ("g_events.tsv", "onset\tduration\n-1\t3\n", "seconds from 0 on"),
        ("c-summary.txt", "Seizure Start Time: 3 seconds\n", "before any"),
        (
            "d-summary.txt",
            "File Name: d.edf\nSeizure Start Time: 9 seconds\nSeizure End Time: 3 seconds\n",
            "ends at 3",
        ),
    ] {
        let own = TempDir::new().unwrap();
        fs::write(own.path().join(name), text).unwrap();
        let error = Annotations::read(own.path()).unwrap_err().to_string();
        assert!(error.contains(name) && error.contains(reason), "{error}; expected {reason}");
    }
}

/// Where one rate is a multiple of the other, every new sample lies on an old one, whatever rounding makes of its place.
#[test]
fn samples_at_half_the_rate_lie_on_every_second_one() {
    let ramp: Vec<f32> = (0..2000).map(|k| k as f32).collect();
    for (from, to) in [(60.2_f64, 30.1), (256.0, 128.0), (0.3, 0.1)] {
        let step = (from / to).round();
        let found = resample(&ramp, from, to);
        for (k, value) in found.iter().enumerate().take(500).skip(50) {
            // A ramp passes a symmetric kernel; single precision of numbers to 2,000.
            let error = (f64::from(*value) - step * k as f64).abs();
            assert!(error < 1e-2, "{from} to {to} Hz, sample {k}: off by {error}");
        }
    }
}
