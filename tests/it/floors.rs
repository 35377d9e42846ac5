//! Law 1: arrows go down. A file imports only from its own floor and the floors below, and no system imports another.

use std::fs;
use std::path::{Path, PathBuf};

/// Lowest first.
const FLOORS: [&str; 14] = [
    "math", "circuit", "device", "noise", "sim", "data", "classic", "nn", "transfer", "study", "report", "lab",
    "systems", "cli",
];
/// Floors that rest on `math` (and, of these two, each other) alone.
const ON_MATH_ONLY: [&str; 2] = ["data", "classic"];

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()) {
        if entry.is_dir() {
            rust_files(&entry, found);
        } else if entry.extension().is_some_and(|e| e == "rs") {
            found.push(entry);
        }
    }
}

/// Names after each `crate::` of a line, braces included: `crate::{math::C64, sim}` gives `math` and `sim`.
fn imported(line: &str) -> Vec<&str> {
    let word = |s: &'_ str| s.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(s.len());
    let mut names = Vec::new();
    for (at, _) in line.match_indices("crate::") {
        let rest = &line[at + 7..];
        match rest.strip_prefix('{') {
            Some(list) => names.extend(list.split(',').map(str::trim).map(|s| &s[..word(s)])),
            None => names.push(&rest[..word(rest)]),
        }
    }
    names
}

/// A file of more lines is two things.
const LONGEST_FILE: usize = 500;

#[test]
fn no_file_is_two_things() {
    let mut files = Vec::new();
    ["src", "tests"]
        .iter()
        .for_each(|folder| rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut files));
    assert!(files.len() > 100, "{} files were found", files.len());
    for file in files {
        let lines = fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= LONGEST_FILE, "{}: {lines} lines", file.display());
    }
}

#[test]
fn arrows_go_down() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    let rank = |name: &str| FLOORS.iter().position(|f| *f == name);
    let mut wrong = Vec::new();
    for file in files {
        let inside = file.strip_prefix(&source).unwrap();
        let mut parts = inside.iter().map(|p| p.to_str().unwrap());
        let (floor, module) = (parts.next().unwrap(), parts.next().unwrap_or("").trim_end_matches(".rs"));
        let Some(own) = rank(floor) else { continue };
        let text = fs::read_to_string(&file).unwrap();
        for (number, line) in text.lines().enumerate().filter(|(_, l)| !l.trim_start().starts_with("//")) {
            for name in imported(line) {
                let Some(other) = rank(name) else { continue };
                let detached = ON_MATH_ONLY.contains(&floor) && other > 0 && !ON_MATH_ONLY.contains(&name);
                if other > own || detached {
                    wrong.push(format!("src/{}:{}: {floor} imports {name}", inside.display(), number + 1));
                }
            }
            let neighbour = line.split("crate::systems::").nth(1).map(|s| s.split("::").next().unwrap());
            if let Some(neighbour) = neighbour.filter(|n| floor == "systems" && module != "mod" && *n != module) {
                let known = source.join("systems").join(neighbour).exists();
                if known {
                    wrong.push(format!("src/{}:{}: one system imports another", inside.display(), number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "arrows that go up:\n{}", wrong.join("\n"));
}

#[test]
fn systems_train_through_the_one_loop() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut files, mut wrong) = (Vec::new(), Vec::new());
    rust_files(&source.join("systems"), &mut files);
    assert!(files.len() > 50);
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        // What a loop cannot do without: gradients of a loss, and a step along them.
        wrong.extend(
            ["backward(", "Optimizer", ".step("]
                .iter()
                .filter(|sign| text.contains(**sign))
                .map(|sign| format!("{}: {sign}", path.strip_prefix(&source).unwrap().display())),
        );
    }
    assert!(wrong.is_empty(), "training outside study::train: {wrong:?}");
}

/// Engines share `sim/kernel`; none imports another's kernels, and the kernels import no engine.
#[test]
fn engines_share_the_kernels_alone() {
    const ENGINES: [&str; 7] = ["statevector", "density", "pauli", "trajectory", "sparse", "stabilizer", "mps"];
    let sim = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sim");
    let (mut files, mut wrong) = (Vec::new(), Vec::new());
    rust_files(&sim, &mut files);
    for file in files {
        let inside = file.strip_prefix(&sim).unwrap();
        let module = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs");
        if module != "kernel" && !ENGINES.contains(&module) {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let others = ENGINES.iter().filter(|engine| **engine != module);
        let reached = others.filter(|engine| text.contains(&format!("crate::sim::{engine}::")));
        wrong.extend(reached.map(|engine| format!("src/sim/{}: imports from {engine}", inside.display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Law: one reader of files, one writer to the console, so that pipes, lengths and control characters are seen in one
/// place.
#[test]
fn files_and_the_console_are_used_in_one_place() {
    // The counters of the kernel are no files of a user; the store writes trials itself.
    const READERS: [&str; 3] = ["math/input.rs", "study/energy.rs", "sim/cost/memory.rs"];
    const CONSOLE: [&str; 2] = ["cli/console.rs", "cli/circuit_file.rs"];
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut files, mut wrong) = (Vec::new(), Vec::new());
    rust_files(&source, &mut files);
    for file in files {
        let inside = file.strip_prefix(&source).unwrap().to_str().unwrap().to_string();
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        let signs: [(&[&str], &[&str]); 2] = [
            (&["fs::read(", "fs::read_to_string(", " File::open(", "fs::File::open("], &READERS),
            (&["println!(", "eprintln!(", "io::stdout().lock()"], &CONSOLE),
        ];
        for (number, line) in code.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            for (signs, places) in signs {
                let found = signs.iter().find(|sign| line.contains(**sign) && !places.contains(&inside.as_str()));
                wrong.extend(found.map(|sign| format!("src/{inside}:{}: {sign}", number + 1)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
