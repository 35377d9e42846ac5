//! Cells of a user: any axis, capacities of any size, another domain as the source, and forecasters applied to new cells.

use std::path::Path;
use std::process::{Command, Output};

use qgraft::math::Stream;

/// Files of `count` cells that lose `loss` of their capacity each cycle, measured every third cycle up to the 500th.
fn write_cells(folder: &Path, count: u64, (capacity, loss): (f64, f64)) {
    std::fs::create_dir(folder).unwrap();
    for cell in 0..count {
        let mut stream = Stream::numbered(9, cell);
        let loss = loss * (1.0 + 0.1 * stream.normal());
        let mut text = String::from("Cycle,Capacity\n");
        for cycle in (1..=500).step_by(3) {
            let health = 1.0 - loss * f64::from(cycle) + 0.0005 * stream.normal();
            text += &format!("{cycle},{:.5}\n", capacity * health);
        }
        std::fs::write(folder.join(format!("c{cell}.csv")), text).unwrap();
    }
}

fn qgraft(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_qgraft")).args(arguments).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn cells_of_a_folder_get_intervals_and_remaining_lives() {
    let directory = tempfile::tempdir().unwrap();
    let folder = directory.path();
    write_cells(&folder.join("cells"), 8, (1.1, 5e-4));
    write_cells(&folder.join("others"), 6, (40.0, 3e-4));
    let run_on = |data: &str, more: &[&str]| {
        let arguments = ["run", "soh", "--preset", "smoke", "--data", data, "--seeds", "2"];
        qgraft(folder, &[&arguments[..], more].concat())
    };
    let run = |more: &[&str]| run_on("cells", more);
    let out = run(&["--out", "own"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let lives = text(&std::fs::read(folder.join("own/lives.csv")).unwrap());
    assert!(
        lives.starts_with("head,arm,seed,cell,at,health,remaining,remaining_low,remaining_high,measured\n"),
        "{lives}"
    );
    let mut count = 0;
    for line in lives.lines().filter(|line| line.contains(",line,")) {
        let cells: Vec<f64> = line.split(',').skip(4).map(|cell| cell.parse().unwrap_or(f64::NAN)).collect();
        // Behind 200 cycles at 0.9, another 0.1 is lost in 200 cycles, give or take three tenths of it.
        assert!(cells[0] == 200.0 && (100.0..400.0).contains(&cells[2]), "{line}");
        assert!(cells[3] <= cells[2] && (cells[4].is_nan() || cells[4] >= cells[2]), "{line}");
        count += 1;
    }
    assert_eq!(count, 4, "two test cells under two seeds");
    // No arm adapts where there is no other domain, and nothing of the reproduction is run.
    let results = text(&std::fs::read(folder.join("own/results.csv")).unwrap());
    for absent in ["fine_tune", "mmd", "shift", "lambda"] {
        assert!(!results.contains(absent), "{absent}");
    }
    // A new cell that is cut off at cycle 250, in another file layout and with decimal commas.
    let cycles = (0..=250).step_by(5).map(|cycle| format!("{cycle};{}\n", 3.0 * (1.0 - 5e-4 * f64::from(cycle))));
    let table = format!("cycle;capacity\n{}", cycles.collect::<String>().replace('.', ","));
    std::fs::write(folder.join("new.csv"), table).unwrap();
    let out = qgraft(folder, &["predict", "own", "new.csv", "--only", "arm=line"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let found = text(&out.stdout);
    let cells: Vec<f64> = found.lines().nth(1).unwrap().split(',').skip(1).map(|cell| cell.parse().unwrap()).collect();
    let expected = [250.0, 0.875, 0.87, cells[3], cells[4], 150.0];
    assert!(cells.iter().zip(expected).all(|(own, wanted)| (own - wanted).abs() < 2e-3 * wanted.max(1.0)), "{found}");
    assert!(cells[3] < 0.87 && cells[4] > 0.87 && cells[6] < 150.0 && cells[7] > 150.0, "{found}");
    let out = qgraft(folder, &["predict", "own", "new.csv", "--only", "arm=source_only"]);
    assert!(out.status.success() && text(&out.stdout).starts_with("cell,at,health,next,"), "{}", text(&out.stderr));

    let out = run(&["--source", "others", "--arms", "line,source_only,fine_tune,mmd", "--out", "two"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let out = qgraft(folder, &["predict", "two", "new.csv", "--only", "arm=mmd"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    std::fs::create_dir(folder.join("bad")).unwrap();
    std::fs::write(folder.join("bad/a.csv"), "cycle,capacity\n1,1.1\n2,x\n").unwrap();
    std::fs::create_dir(folder.join("none")).unwrap();
    let cases = [
        (run_on("none", &[]), "no .csv file"),
        (run_on("bad", &[]), "bad/a.csv, line 3, column `capacity`: \"x\""),
        (run(&["--axis", "hours"]), "no column `hours` (--axis); the columns are Cycle, Capacity"),
        (run(&["--step", "100"]), "has 5 checkpoints"),
        (run(&["--step", "0"]), "axis.step = 0"),
        (run(&["--prefix", "4"]), "axis.prefix = 4"),
        (qgraft(folder, &["run", "soh", "--source", "others"]), "data = nothing"),
    ];
    for (out, message) in cases {
        let found = text(&out.stderr);
        assert!(!out.status.success() && found.contains(message), "{message}: {found}");
    }
}
