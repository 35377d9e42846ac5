//! Data behind a frozen backbone: features with labels, for every system that trains heads.

use std::path::{Path, PathBuf};

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::data::{
    BadPicture, DataError, DicomFile, FeatureCache, Features, LoosePictures, NiftiVolume, Part, Pictures, Samples,
    Split, Synthetic, Transform, companions, fashion_mnist, is_picture, read_features, read_folder_for, read_slices,
};
use crate::lab::Validation;
use crate::nn::NnError;
use crate::nn::backbone::{BACKBONES, BackboneRow, WeightSource, extract};
use crate::study::{Observer, StudyError};

/// What is learned from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Data {
    /// What kind of data it is.
    pub source: DataKind,
    /// The folder of class folders, or the file of features: safetensors, .npz, .npy or CSV. `{backbone}` is replaced by
    /// the backbone's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<PathBuf>,
    /// Leave out pictures that cannot be read, instead of refusing them.
    pub skip_bad: bool,
    /// Share of rows held out where the data is not split already.
    pub held_out: f64,
    /// Seed of that split.
    pub split_seed: u64,
    /// At most this many rows of each class and part, the first ones; 0 takes all.
    pub rows_per_class: usize,
    /// The shape of synthetic features.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub synthetic: Option<Synthetic>,
}

/// Kinds of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataKind {
    /// T-shirt, pullover and shirt of Fashion-MNIST, embedded in the program.
    FashionMnist,
    /// A folder of class folders.
    Folder,
    /// A file of features and labels.
    Features,
    /// Drawn features as wide as those of the backbone.
    Synthetic,
}

/// What turns pictures into features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Backbone {
    /// Row of the table of backbones.
    pub name: String,
    /// Weight file; without one the embedded weights, or those of the model hub.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<PathBuf>,
}

impl Default for Data {
    fn default() -> Self {
        Self {
            source: DataKind::FashionMnist,
            path: None,
            skip_bad: false,
            held_out: 0.3,
            split_seed: 0,
            rows_per_class: 0,
            synthetic: None,
        }
    }
}

impl Default for Backbone {
    fn default() -> Self {
        Self { name: "efficientnet_lite0".into(), weights: None }
    }
}

impl Data {
    /// Drawn features of this shape.
    pub fn synthetic(shape: Synthetic) -> Self {
        Self { source: DataKind::Synthetic, synthetic: Some(shape), ..Self::default() }
    }

    /// Takes pictures from a folder of class folders.
    pub fn set_folder(&mut self, path: &str) {
        (self.source, self.path) = (DataKind::Folder, Some(path.into()));
    }

    /// Takes features from a safetensors file.
    pub fn set_features(&mut self, path: &str) {
        (self.source, self.path) = (DataKind::Features, Some(path.into()));
    }

    /// The path with the backbone's name in place of `{backbone}`.
    pub fn path_for(&self, backbone: &Backbone) -> Option<PathBuf> {
        let path = self.path.as_ref()?;
        Some(path.to_string_lossy().replace("{backbone}", &backbone.name).into())
    }

    /// Refuses shares out of range, and a kind of data whose path or shape is missing.
    pub fn validate(&self, field: &str, backbone: &Backbone, check: &mut Validation) {
        check
            .between(&format!("{field}.held_out"), self.held_out, (0.0, 1.0))
            .optional_count(&format!("{field}.rows_per_class"), self.rows_per_class);
        let path = self.path_for(backbone);
        let name = format!("{field}.path");
        match self.source {
            DataKind::Folder | DataKind::Features if path.is_none() => {
                check.refuse(&name, "missing", "a folder or a file of features");
            }
            DataKind::Folder if path.as_ref().is_some_and(|path| path.is_file()) => {
                check.refuse(
                    &name,
                    path.unwrap_or_default().display(),
                    "a folder; a file of features is given by --features",
                );
            }
            _ => {
                check.path(&name, path.as_deref());
                // Labels that are read from files beside the one that is named. A folder that cannot be read is reported
                // when the file is.
                for file in path.iter().flat_map(|path| companions(path).unwrap_or_default()) {
                    check.path(&format!("{field}.beside"), Some(&file));
                }
            }
        }
        // Pictures need the weights of the backbone, so a run without them would fail.
        if matches!(self.source, DataKind::Folder | DataKind::FashionMnist)
            && let (None, Ok(row)) = (&backbone.weights, BackboneRow::named(&backbone.name))
        {
            match row.weights {
                WeightSource::Embedded(_) => {}
                WeightSource::Hub { pin: Some(_), .. } if cfg!(feature = "hub") => {}
                WeightSource::Hub { repository, file, pin } => {
                    let why = match pin {
                        Some(_) => "this program was built without `hub`",
                        None => "not downloaded, because its contents are not pinned",
                    };
                    let expected = format!("a weight file, such as {file} of {repository} ({why})");
                    check.refuse("backbone.weights", "missing", expected);
                }
                WeightSource::File => {
                    check.refuse("backbone.weights", "missing", format!("a weight file of {}", row.name));
                }
            }
        }
        let name = format!("{field}.synthetic");
        match &self.synthetic {
            None if self.source == DataKind::Synthetic => {
                _ = check.refuse(&name, "missing", "the shape of the features")
            }
            None => {}
            Some(Synthetic { training, held_out, classes, separation, .. }) => {
                check
                    .at_least(&format!("{name}.classes"), *classes, 2)
                    .at_least(&format!("{name}.training"), *training, *classes)
                    .at_least(&format!("{name}.held_out"), *held_out, *classes)
                    .not_negative(&format!("{name}.separation"), *separation);
            }
        }
    }
}

impl Backbone {
    /// Refuses a name that is in no table and weights that do not exist.
    pub fn validate(&self, field: &str, check: &mut Validation) {
        check
            .name(&format!("{field}.name"), &self.name, BACKBONES.iter().map(|row| row.name))
            .path(&format!("{field}.weights"), self.weights.as_deref());
    }
}

/// Loaded data.
pub struct Inputs {
    /// Features with labels and parts.
    pub features: Features,
    /// Data and backbone in a few words.
    pub title: String,
    /// Pictures left out and the like.
    pub notices: Vec<String>,
}

/// Reads the data and, if it is pictures, passes them through the frozen backbone on `threads` threads, or takes their
/// features from the folder `cache`.
///
/// # Errors
/// If data or weights cannot be read.
pub fn load(
    data: &Data,
    backbone: &Backbone,
    (cache, threads): (&Path, usize),
    observer: &dyn Observer,
) -> Result<Inputs, StudyError> {
    let split = Split { validation: data.held_out, seed: data.split_seed };
    // Validation makes sure of the path where one is needed.
    let path = data.path_for(backbone).unwrap_or_default();
    let row = BackboneRow::named(&backbone.name)?;
    let extracting = Extracting { row, weights: backbone.weights.as_deref(), cache, threads, observer };
    match data.source {
        DataKind::Features => {
            let mut features = read_features(&path, split)?;
            let kept = kept(&features.samples, data);
            features.values = features.values.select(ndarray::Axis(0), &kept);
            features.samples = features.samples.select(&kept);
            let notices = std::mem::take(&mut features.notices);
            Ok(Inputs { features, title: format!("features of {}", path.display()), notices })
        }
        DataKind::Synthetic => {
            let missing = |field, reason| NnError::Setting { field, value: backbone.name.clone(), reason };
            let shape = data.synthetic.ok_or_else(|| missing("data.synthetic", "synthetic features need a shape"))?;
            let reason = "synthetic features are as wide as a backbone's, and this one has no width of its own";
            let width = row.width.ok_or_else(|| missing("backbone.name", reason))?;
            let features = shape.features(row.name, width);
            let title = format!("synthetic features, {width} wide as those of {}", row.name);
            Ok(Inputs { features, title, notices: Vec::new() })
        }
        DataKind::FashionMnist => {
            let title = "Fashion-MNIST T-shirt, pullover, shirt";
            extracting.features(data, |_| Ok(fashion_mnist::shirts()?), title)
        }
        DataKind::Folder => {
            let bad = if data.skip_bad { BadPicture::Skip } else { BadPicture::Refuse };
            let read =
                |transform: &Transform| Ok(read_folder_for(transform, &path, split, bad).map_err(naming_skip_bad)?);
            extracting.features(data, read, &path.display().to_string())
        }
    }
}

/// Data that a trained model has not seen.
pub struct NewData<'a> {
    /// Pictures, folders of pictures, or files of features.
    pub paths: &'a [PathBuf],
    /// The classes of the model.
    pub classes: &'a [String],
    /// Leave out pictures that cannot be read, instead of refusing them.
    pub skip_bad: bool,
}

/// Features of new data.
pub struct NewRows {
    /// (rows, width).
    pub values: Array2<f32>,
    /// A name for each row: the path of a picture, the row of a table.
    pub ids: Vec<String>,
    /// The class of each row, where it is known.
    pub labels: Vec<Option<usize>>,
    /// Pictures left out, and classes that the model does not have.
    pub notices: Vec<String>,
}

/// Reads new data for a trained model. A picture whose folder has the name of a class is of that class; a row of a feature
/// file has the class that the file names.
///
/// # Errors
/// If a path is no picture, no folder with pictures and no feature file, or weights cannot be read.
pub fn load_new(
    new: &NewData,
    backbone: &Backbone,
    (cache, threads): (&Path, usize),
    observer: &dyn Observer,
) -> Result<NewRows, StudyError> {
    if let [path] = new.paths
        && path.is_file()
        && !(is_picture(path) || NiftiVolume::is_one(path) || DicomFile::is_one(path))
    {
        return new_features(path, new.classes);
    }
    let row = BackboneRow::named(&backbone.name)?;
    let extracting = Extracting { row, weights: backbone.weights.as_deref(), cache, threads, observer };
    let mut labels = Vec::new();
    let read = |transform: &Transform| {
        let (pictures, known) = new_pictures(new, transform)?;
        labels = known;
        Ok(pictures)
    };
    let loaded = extracting.features(&Data::default(), read, "")?;
    Ok(NewRows { values: loaded.features.values, ids: loaded.features.samples.ids, labels, notices: loaded.notices })
}

/// The pictures of new data, those of DICOM files and NIfTI volumes slice by slice, each shrunk to what the transform needs of it
/// and with a label that means nothing, and the class of each where its folder has the name of one.
///
/// # Errors
/// If a path is no picture and no folder with pictures.
pub fn new_pictures(new: &NewData, transform: &Transform) -> Result<(Pictures, Vec<Option<usize>>), StudyError> {
    let source = new.paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ");
    let bad = if new.skip_bad { BadPicture::Skip } else { BadPicture::Refuse };
    let mut found = LoosePictures { ids: Vec::new(), pictures: Vec::new(), skipped: Vec::new() };
    let mut notices = Vec::new();
    for path in new.paths {
        let own = read_slices(path, bad, |picture| transform.shrunk(picture)).map_err(naming_skip_bad)?;
        // With several folders the path tells which one a picture is from.
        let prefix = if new.paths.len() > 1 && path.is_dir() { format!("{}/", path.display()) } else { String::new() };
        found.ids.extend(own.ids.into_iter().map(|id| prefix.clone() + &id));
        found.pictures.extend(own.pictures);
        found.skipped.extend(own.skipped);
        notices.extend(own.notices);
    }
    if found.pictures.is_empty() {
        let reason = "no picture, and no file of features".into();
        return Err(DataError::Malformed { place: source, reason }.into());
    }
    let class_of = |id: &String| {
        let folder = id.rsplit('/').nth(1)?;
        new.classes.iter().position(|class| class == folder)
    };
    let labels = found.ids.iter().map(class_of).collect();
    let count = found.pictures.len();
    let samples = Samples {
        source,
        ids: found.ids,
        // The backbone does not look at labels.
        labels: vec![0; count],
        classes: new.classes.to_vec(),
        parts: vec![Part::Test; count],
        groups: Vec::new(),
    };
    let pictures = Pictures { pictures: found.pictures, samples, skipped: found.skipped, notices };
    Ok((pictures, labels))
}

/// Names the option that leaves out pictures that do not decode.
pub fn naming_skip_bad(error: DataError) -> DataError {
    match error {
        DataError::BadImage { path, reason } => {
            DataError::BadImage { path, reason: format!("{reason}; --skip-bad leaves such files out") }
        }
        other => other,
    }
}

fn new_features(path: &Path, classes: &[String]) -> Result<NewRows, StudyError> {
    let rows = Features::open(path)?.all();
    let known: Vec<Option<usize>> =
        rows.classes.iter().map(|class| classes.iter().position(|own| own == class)).collect();
    let foreign: Vec<&str> =
        rows.classes.iter().zip(&known).filter(|(_, own)| own.is_none()).map(|(class, _)| class.as_str()).collect();
    let mut notices = Vec::new();
    if !foreign.is_empty() {
        let (found, own) = (foreign.join(", "), classes.join(", "));
        notices.push(format!("the model has no class {found}; rows of it count as unlabelled (its classes: {own})"));
    }
    let labels = rows.labels.iter().map(|&label| known[label]).collect();
    Ok(NewRows { values: rows.values, ids: rows.ids, labels, notices })
}

/// How features are computed.
struct Extracting<'a> {
    row: &'static BackboneRow,
    weights: Option<&'a Path>,
    cache: &'a Path,
    threads: usize,
    observer: &'a dyn Observer,
}

impl Extracting<'_> {
    /// The features of the pictures that `read` gives for the transform of the backbone.
    fn features(
        &self,
        data: &Data,
        read: impl FnOnce(&Transform) -> Result<Pictures, StudyError>,
        title: &str,
    ) -> Result<Inputs, StudyError> {
        let (network, digest) = self.row.open(self.weights)?;
        let mut pictures = read(&network.transform())?;
        let kept = kept(&pictures.samples, data);
        pictures.samples = pictures.samples.select(&kept);
        pictures.pictures = kept.iter().map(|&i| pictures.pictures[i].clone()).collect();
        let cache = FeatureCache::new(self.cache);
        self.observer.stage("features", pictures.pictures.len());
        let mut done = 0;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(self.threads)
            .build()
            .map_err(|e| StudyError::Threads { reason: e.to_string() })?;
        let found = pool.install(|| {
            extract(network.as_ref(), &digest, &pictures, Some(&cache), |count| {
                self.observer.advance(count - done);
                done = count;
                !self.observer.stopped()
            })
        })?;
        let found = found.ok_or(StudyError::Interrupted)?;
        if found.cached {
            self.observer.note(&format!("features of {} pictures are in the cache", pictures.pictures.len()));
        }
        let skipped = pictures.skipped.iter().map(|reason| format!("left out: {reason}"));
        let mut features = found.features;
        let notices = std::mem::take(&mut features.notices).into_iter();
        let notices = notices.chain(skipped).chain(found.notices).collect();
        Ok(Inputs { features, title: format!("{title} · {}", self.row.name), notices })
    }
}

/// The first `rows_per_class` samples of each class and part, or all.
fn kept(samples: &Samples, data: &Data) -> Vec<usize> {
    let mut counts = vec![[0usize; Part::ALL.len()]; samples.classes.len()];
    (0..samples.len())
        .filter(|&i| {
            let count = &mut counts[samples.labels[i]][samples.parts[i] as usize];
            *count += 1;
            data.rows_per_class == 0 || *count <= data.rows_per_class
        })
        .collect()
}
