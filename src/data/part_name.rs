//! Names of the parts of a data set, as folders and arrays are called.

use super::Part;

/// Each part with the names that it goes by, in lower case.
const NAMES: [(Part, &[&str]); 3] = [
    (Part::Train, &["train", "training", "trainset", "train_set", "training_set", "traindata", "train_data"]),
    (Part::Validation, &["val", "valid", "validation", "dev", "valset", "val_set", "validation_set", "eval"]),
    (Part::Test, &["test", "testing", "testset", "test_set", "testing_set", "testdata", "test_data"]),
];

/// The part of this name, in any case.
pub(super) fn part_named(name: &str) -> Option<Part> {
    let name = name.to_ascii_lowercase().replace('-', "_");
    NAMES.iter().find(|(_, names)| names.contains(&name.as_str())).map(|(part, _)| *part)
}

/// The part that a compound name begins or ends with (`X_train`, `val.features`), and the rest of the name.
pub(super) fn part_of(name: &str) -> (Option<Part>, &str) {
    let separators = ['.', '_', '-', '/', ' '];
    if let Some((first, rest)) = name.split_once(separators)
        && let Some(part) = part_named(first)
    {
        return (Some(part), rest);
    }
    if let Some((rest, last)) = name.rsplit_once(separators)
        && let Some(part) = part_named(last)
    {
        return (Some(part), rest);
    }
    (None, name)
}
