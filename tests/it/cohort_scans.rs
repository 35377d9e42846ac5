//! The system `cohort` on files of scanners: series and volumes, with and without a table of patients.

use std::fs;
use std::path::Path;

use qgraft::systems::cohort::Spec;
use tempfile::TempDir;

use crate::cohort::{apply, picture, run};
use crate::support::scanner::{slice, volume};

/// The grey levels of a picture of a name.
fn grey(name: &str, has_finding: bool) -> Vec<u8> {
    picture(name, has_finding).rgb.into_iter().step_by(3).collect()
}

/// Six patients of each class: a folder with a series of three slices each, the last two of each class as volumes.
fn scans(root: &Path) -> String {
    let mut lines = String::from("patient,label,folder\n");
    for (class, has_finding) in [("cancer", true), ("normal", false)] {
        for number in 0..6 {
            let patient = format!("{class}-{number}");
            let slices: Vec<Vec<u8>> = (0..3).map(|k| grey(&format!("{patient} {k}"), has_finding)).collect();
            fs::create_dir_all(root.join(&patient)).unwrap();
            if number < 4 {
                for (k, own) in slices.iter().enumerate() {
                    let file = slice(&format!("ID {patient}"), &format!("1.2.{number}"), -3.5 * k as f64, own);
                    fs::write(root.join(&patient).join(format!("IM.000{k}")), file).unwrap();
                }
                lines += &format!("{patient},{class},{patient}\n");
            } else {
                fs::write(root.join(&patient).join("scan.nii"), volume(&slices)).unwrap();
                lines += &format!("{patient},{class},{patient}/scan.nii\n");
            }
        }
    }
    lines
}

#[test]
fn series_and_volumes_belong_to_their_patients() {
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("data");
    let table = scans(&data);
    let write = |table: &str| fs::write(data.join("patients.csv"), table).unwrap();
    let read = |spec: &Spec| qgraft::systems::cohort::read(spec, &data);
    write(&table);
    let cohort = read(&Spec::default()).unwrap();
    assert_eq!((cohort.patients.len(), cohort.ids.len()), (12, 36));
    assert_eq!(cohort.truth().iter().filter(|own| **own).count(), 6);
    for (id, patient) in cohort.ids.iter().zip(&cohort.patient) {
        assert_eq!(id.split('/').next().unwrap(), cohort.patients[*patient], "{id}");
    }
    // Those in the middle of each; of a series along its axis, which its names run against.
    let mut lines = table.lines();
    let mut middle = lines.next().unwrap().to_string() + ",slices\n";
    lines.for_each(|line| middle += &format!("{line},1-1\n"));
    write(&middle);
    let cut = read(&Spec::default()).unwrap();
    assert_eq!(cut.ids.len(), 12);
    assert!(cut.ids.iter().all(|id| id.ends_with("IM.0001") || id.ends_with("scan.nii#1")), "{:?}", cut.ids);
    write(&middle.replacen("1-1", "1-3", 1));
    let error = read(&Spec::default()).unwrap_err().to_string();
    assert!(error.contains("column `slices`") && error.contains("expected first-last from 0 to 2"), "{error}");

    // The file tells the patient, too.
    let other =
        table.replace("cancer-0,cancer,cancer-0\n", "cancer-0,cancer,cancer-0/IM.0000\nzoe,cancer,cancer-0/IM.0001\n");
    write(&(other.clone() + "zoe,cancer,cancer-0/IM.0002\n"));
    let error = read(&Spec::default()).unwrap_err().to_string();
    assert!(error.contains("patient ID ID cancer-0") && error.contains("--allow-leakage"), "{error}");
    let allowed = read(&Spec { allow_leakage: true, ..Spec::default() }).unwrap();
    assert_eq!(allowed.patients.len(), 13);
    write(&other);
    let error = read(&Spec::default()).unwrap_err().to_string();
    assert!(error.contains("IM.0002 is not in patients.csv"), "{error}");
    write(&(table.clone() + "cancer-1,cancer,cancer-1/IM.0001\n"));
    assert!(read(&Spec::default()).unwrap_err().to_string().contains("twice"));

    // A run, and new scans with it.
    write(&table);
    let out = directory.path().join("run");
    let done = run(&out, &[("data", data.to_str().unwrap()), ("arms", "hog_svm")], &[]).unwrap();
    assert!(done.results.failures.is_empty(), "{:?}", done.results.failures);
    let applied = apply(&out, &data.join("cancer-4"), "hog_svm").unwrap();
    let ids: Vec<&str> = applied.rows.iter().map(|row| row[0].as_str().unwrap()).collect();
    assert_eq!(ids, ["scan.nii#0", "scan.nii#1", "scan.nii#2"]);
    assert!(applied.rows.iter().all(|row| row[2] == "cancer"), "{:?}", applied.rows);
    let applied = apply(&out, &data.join("normal-0/IM.0001"), "hog_svm").unwrap();
    assert!(applied.rows.len() == 1 && applied.rows[0][2] == "normal", "{:?}", applied.rows);
}

/// Without a table the files name their patients, and folders the classes.
#[test]
fn patients_of_dicom_files_need_no_table() {
    let root = TempDir::new().unwrap();
    for (class, has_finding) in [("lesion", true), ("control", false)] {
        for number in 0..3 {
            let folder = root.path().join(class).join(format!("series{number}"));
            fs::create_dir_all(&folder).unwrap();
            // Two series of one patient.
            let file = slice(
                &format!("{class}{}", number / 2),
                &number.to_string(),
                0.0,
                &grey(&format!("{class}{number}"), has_finding),
            );
            fs::write(folder.join("1.dcm"), file).unwrap();
        }
    }
    let read = qgraft::systems::cohort::read(&Spec::default(), root.path()).unwrap();
    assert_eq!(read.patients, ["control0", "control1", "lesion0", "lesion1"]);
    assert_eq!(read.patient, [0, 0, 1, 2, 2, 3]);
    fs::write(root.path().join("lesion/scan.nii"), volume(&[grey("volume", true)])).unwrap();
    let error = qgraft::systems::cohort::read(&Spec::default(), root.path()).unwrap_err().to_string();
    assert!(error.contains("of which patient lesion/scan.nii is") && error.contains("patients.csv"), "{error}");
}
