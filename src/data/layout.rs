//! How a folder of pictures is divided: a folder for each class, in one folder or in one for each part of the data.

use std::path::{Path, PathBuf};

use super::part_name::part_named;
use super::picture_file::is_picture;
use super::walk::{Walk, entries, name};
use super::{DataError, Part};
use crate::math::words::{join_and, pluralise};

/// Files that are named in a notice; further ones are counted.
const SHOWN: usize = 3;

/// The pictures of a folder with their classes.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// Class names, in alphabetical order.
    pub classes: Vec<String>,
    /// Each picture with an index into `classes` and its part.
    pub files: Vec<(PathBuf, usize, Part)>,
    /// Whether the folder itself marks held-out pictures.
    pub is_split: bool,
    /// What was taken for what, and what is not read.
    pub notices: Vec<String>,
}

/// A folder of class folders, and the part that its pictures belong to.
type Root = (Part, PathBuf);

impl Layout {
    /// Looks through a folder.
    ///
    /// # Errors
    /// A folder that cannot be read, fewer than two classes, parts that cannot be distinguished.
    pub(super) fn of(folder: &Path) -> Result<Self, DataError> {
        let mut layout = Self::default();
        let mut top = folder.to_path_buf();
        let mut inner = folders(&top)?;
        // An archive often unpacks into one folder that holds all others.
        while let [only] = &inner[..]
            && part_named(&name(only)).is_none()
            && folders(only)?.len() > 1
            && top.components().count() < folder.components().count() + 4
        {
            layout.notices.push(format!("{}: read in place of {}", only.display(), folder.display()));
            top = only.clone();
            inner = folders(&top)?;
        }
        let roots = layout.roots(folder, &top, inner)?;
        layout.classes(folder, &roots)?;
        layout.find(&roots)?;
        layout.note_unread(folder, &top, &roots)?;
        Ok(layout)
    }

    /// The folders that hold class folders.
    fn roots(&mut self, folder: &Path, top: &Path, inner: Vec<PathBuf>) -> Result<Vec<Root>, DataError> {
        let failed = |reason: String| Err(DataError::malformed(folder.display(), reason));
        let (parts, others): (Vec<_>, Vec<_>) =
            inner.into_iter().map(|path| (part_named(&name(&path)), path)).partition(|(part, _)| part.is_some());
        let parts: Vec<Root> = parts.into_iter().filter_map(|(part, path)| Some((part?, path))).collect();
        let named = |part: Part| parts.iter().filter(|(own, _)| *own == part).map(|(_, path)| path).collect::<Vec<_>>();
        let [train, validation, mut test] = Part::ALL.map(named);
        let show = |path: &Path| format!("{}/", name(path));
        for paths in [&train, &validation, &test] {
            if let [first, second, ..] = paths[..]
                && !train.is_empty()
            {
                let reason = format!("{} and {} mean the same part; join them", show(first), show(second));
                return failed(reason);
            }
        }
        // Competitions publish test pictures without their classes.
        if let [only] = test[..]
            && !train.is_empty()
            && folders(only)?.is_empty()
        {
            self.notices.push(format!("{}: not read, as it has no class folders", only.display()));
            test.clear();
        }
        let roots = match (train.first(), validation.first(), test.first()) {
            (Some(train), None, None) if others.is_empty() || folders(train)?.len() > 1 => {
                let mut notice =
                    format!("{}: {} without a held-out part; a share of it is held out", folder.display(), show(train));
                if !others.is_empty() {
                    let others: Vec<String> = others.iter().map(|(_, path)| show(path)).collect();
                    notice += &format!("; not read: {}", join_and(&others));
                }
                self.notices.push(notice);
                return Ok(vec![(Part::Train, train.to_path_buf())]);
            }
            (None, Some(held), _) | (None, None, Some(held)) if others.is_empty() => {
                return failed(format!("{} is there, but train/ is missing", show(held)));
            }
            // One folder of such a name beside others is a class.
            (None, ..) | (Some(_), None, None) => return Ok(vec![(Part::Train, top.to_path_buf())]),
            (Some(train), Some(validation), test) => {
                let mut roots = vec![(Part::Train, train), (Part::Validation, validation)];
                roots.extend(test.map(|test| (Part::Test, test)));
                roots
            }
            (Some(train), None, Some(test)) => vec![(Part::Train, train), (Part::Validation, test)],
        };
        self.is_split = true;
        let list: Vec<String> = roots
            .iter()
            .map(|(part, path)| {
                let held = *part == Part::Validation && test.first() == Some(path);
                format!(
                    "{} for {}",
                    show(path),
                    if held { "validation and evaluation, as there is no val/" } else { part.name() }
                )
            })
            .collect();
        // What is called as this program calls it needs no explanation.
        if !(roots.len() == 2 && name(roots[0].1) == "train" && name(roots[1].1) == "val") {
            self.notices.push(format!("{}: {}", folder.display(), join_and(&list)));
        }
        if !others.is_empty() {
            let others: Vec<String> = others.iter().map(|(_, path)| show(path)).collect();
            self.notices.push(format!("{}: beside the parts and not read: {}", folder.display(), join_and(&others)));
        }
        Ok(roots.into_iter().map(|(part, path)| (part, path.to_path_buf())).collect())
    }

    fn classes(&mut self, folder: &Path, roots: &[Root]) -> Result<(), DataError> {
        for (_, root) in roots {
            let found = folders(root)?;
            if found.is_empty() && entries(root)?.iter().any(|path| is_picture(path)) && self.is_split {
                let reason = "it holds pictures and no class folders; expected a folder of pictures for each class";
                return Err(DataError::malformed(root.display(), reason));
            }
            self.classes.extend(found.iter().map(|path| name(path)));
        }
        self.classes.sort();
        self.classes.dedup();
        if self.classes.len() < 2 {
            let count = self.classes.len();
            let reason = format!("found {count} class folders; expected one folder of pictures per class, at least 2");
            return Err(DataError::malformed(folder.display(), reason));
        }
        Ok(())
    }

    /// The pictures of every class, in name order.
    fn find(&mut self, roots: &[Root]) -> Result<(), DataError> {
        let mut unread = Vec::new();
        for (part, root) in roots {
            for (label, class) in self.classes.iter().enumerate() {
                let inside = root.join(class);
                // A class that one of the parts lacks is reported with the other empty classes.
                if !inside.is_dir() {
                    continue;
                }
                let inner: Vec<Option<Part>> = folders(&inside)?.iter().map(|path| part_named(&name(path))).collect();
                if inner.contains(&Some(Part::Train)) && inner.iter().flatten().any(|part| *part != Part::Train) {
                    let reason =
                        "the parts are inside this class; expected train/ and val/ with the class folders in them";
                    return Err(DataError::malformed(inside.display(), reason));
                }
                let walk = Walk::below(&inside, false)?;
                self.notices.extend(walk.notices);
                let (pictures, others): (Vec<_>, Vec<_>) = walk.files.into_iter().partition(|path| is_picture(path));
                let deeper = pictures.iter().filter(|path| path.parent() != Some(&inside)).count();
                if deeper > 0 {
                    let count = pluralise(deeper, "picture");
                    self.notices.push(format!("class `{class}`: {count} of {} in folders inside it", inside.display()));
                }
                unread.extend(others);
                self.files.extend(pictures.into_iter().map(|path| (path, label, *part)));
            }
        }
        self.note("not read, by the ending no pictures of a known format", &unread);
        Ok(())
    }

    /// Pictures that belong to no class.
    fn note_unread(&mut self, folder: &Path, top: &Path, roots: &[Root]) -> Result<(), DataError> {
        let mut loose = Vec::new();
        let tops = [folder, top].into_iter().chain(roots.iter().map(|(_, root)| root.as_path()));
        for inside in tops {
            loose.extend(entries(inside)?.into_iter().filter(|path| is_picture(path) && path.is_file()));
        }
        loose.sort();
        loose.dedup();
        self.note("not read, beside the class folders", &loose);
        Ok(())
    }

    fn note(&mut self, what: &str, paths: &[PathBuf]) {
        if !paths.is_empty() {
            let mut shown: Vec<String> = paths.iter().take(SHOWN).map(|path| path.display().to_string()).collect();
            if paths.len() > SHOWN {
                shown.push(format!("{} more", paths.len() - SHOWN));
            }
            self.notices.push(format!("{}, {what}: {}", pluralise(paths.len(), "file"), join_and(&shown)));
        }
    }
}

/// The folders in a folder, in name order.
fn folders(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    Ok(entries(folder)?.into_iter().filter(|path| path.is_dir()).collect())
}
