//! Lists on the command line: entries with commas between them.

use std::path::Path;

/// The entries of `text`. A comma in quotes or brackets is part of its entry, and so is one in the name of a file or
/// folder that exists: parts that name one together are one entry.
pub fn entries(text: &str) -> Vec<String> {
    let parts = parts(text);
    let mut entries = Vec::new();
    let mut start = 0;
    while start < parts.len() {
        let joined = |end: usize| parts[start..end].join(",").trim().to_string();
        let end = (start + 2..=parts.len()).rev().find(|&end| is_path(&joined(end))).unwrap_or(start + 1);
        entries.push(joined(end));
        start = end;
    }
    entries
}

/// Whether `entry` is a file or folder; of a head that is trained on a device, `NAME@DEVICE`, whether the device is.
fn is_path(entry: &str) -> bool {
    let device = entry.split_once('@').filter(|(head, _)| !head.contains(',')).map(|(_, device)| device);
    [Some(entry), device].into_iter().flatten().any(|path| Path::new(path).exists())
}

/// `text` cut at the commas outside of quotes and brackets; nothing if it is empty.
fn parts(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut in_quotes) = (Vec::new(), 0, 0_usize, false);
    for (at, next) in text.char_indices() {
        match next {
            '"' => in_quotes = !in_quotes,
            '[' | '{' if !in_quotes => depth += 1,
            ']' | '}' if !in_quotes => depth = depth.saturating_sub(1),
            ',' if !in_quotes && depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !text.trim().is_empty() {
        parts.push(&text[start..]);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::entries;

    #[test]
    fn commas_separate_entries_but_not_names_of_files() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, "").unwrap();
            path.display().to_string()
        };
        let (comma, space, plain) = (file("a, b,c.json"), file("d e.json"), file("f.json"));
        let missing = folder.path().join("x,y.json").display().to_string();
        let (left, right) = missing.split_once(',').unwrap();
        let cases: [(String, Vec<String>); 8] = [
            (String::new(), vec![]),
            ("manila, torino".into(), vec!["manila".into(), "torino".into()]),
            (format!("manila,{comma},torino"), vec!["manila".into(), comma.clone(), "torino".into()]),
            (format!("{comma},{space},{plain}"), vec![comma.clone(), space, plain]),
            (format!("linear,quantum@{comma}"), vec!["linear".into(), format!("quantum@{comma}")]),
            (missing.clone(), vec![left.into(), right.into()]),
            (format!("\"{missing}\",manila"), vec![format!("\"{missing}\""), "manila".into()]),
            ("[1, 2],[3]".into(), vec!["[1, 2]".into(), "[3]".into()]),
        ];
        for (text, expected) in cases {
            assert_eq!(entries(&text), expected, "{text}");
        }
    }
}
