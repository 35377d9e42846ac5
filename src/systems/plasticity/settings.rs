//! The settings of the transfer: what is learned first, and what afterwards.

use candle_core::{Device, Tensor};
use ndarray::{Array2, Axis};

use crate::data::digits;
use crate::math::Stream;
use crate::nn::Examples;
use crate::nn::backbone::transformers::VisionSize;
use crate::study::StudyError;
use crate::study::train::TrainConfig;
use crate::systems::plasticity::network::Trunk;
use crate::systems::plasticity::pictures::Collection;
use crate::systems::plasticity::spec::{PictureNetwork, Spec, VisionConfig};

/// A source and a target.
pub struct SettingRow {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// Source and target under a seed; none where a backbone of the table is the source.
    pub(super) make: Option<MakeMaterial>,
}

/// Makes the data of a transfer under a seed.
pub(super) type MakeMaterial = fn(&Spec, u64) -> Result<Material, StudyError>;

/// The setting of the user's own pictures.
pub const OWN: &str = "own";

/// What one transfer is made of.
pub(super) struct Material {
    /// The network below its head.
    pub trunk: Trunk,
    /// Learned one after the other, all with so many classes.
    pub source: Vec<(Examples, TrainConfig)>,
    pub source_classes: usize,
    /// Learned afterwards.
    pub classes: usize,
    pub training: Examples,
    pub test: Examples,
    pub config: TrainConfig,
}

/// Every transfer.
pub static SETTINGS: &[SettingRow] = &[
    SettingRow {
        name: "random_labels",
        doc: "digits with permuted pixels and random labels, task after task, then true digits: a source that only harms",
        make: Some(|spec, seed| {
            let digits = &spec.digits;
            let material = Digits::new(digits.rows, digits.labels, seed)?;
            let source = material.random(digits.tasks, digits.random)?;
            Ok(material.transfer(spec, source))
        }),
    },
    SettingRow {
        name: "useful_source",
        doc: "fewer such tasks, then digits modulo 5, then true digits with fewer labels: a source that helps",
        make: Some(|spec, seed| {
            let digits = &spec.digits;
            let material = Digits::new(digits.rows, digits.useful_labels, seed)?;
            let mut source = material.random(digits.useful_tasks, digits.random)?;
            source.push((material.modulo_5()?, digits.useful));
            Ok(material.transfer(spec, source))
        }),
    },
    SettingRow {
        name: "near",
        doc: "drawn shapes with textures, then other shapes with the same textures",
        make: Some(|spec, seed| drawn(spec, seed, Collection::Near)),
    },
    SettingRow {
        name: "far",
        doc: "drawn shapes with textures, then line drawings in inverted contrast and spectrograms",
        make: Some(|spec, seed| drawn(spec, seed, Collection::Far)),
    },
    SettingRow {
        name: "shirts",
        doc: "a backbone pretrained on ImageNet, then T-shirt, pullover and shirt of Fashion-MNIST",
        make: None,
    },
    SettingRow { name: OWN, doc: "a backbone pretrained on ImageNet, then the pictures of --data", make: None },
];

impl SettingRow {
    /// Whether a backbone of the table is the source.
    pub fn is_pretrained(&self) -> bool {
        self.make.is_none()
    }

    /// The setting of this name.
    ///
    /// # Errors
    /// If there is none.
    pub fn named(name: &str) -> Result<&'static Self, StudyError> {
        let found = SETTINGS.iter().find(|row| row.name == name);
        found.ok_or_else(|| StudyError::unknown("setting", name, SETTINGS.iter().map(|row| row.name)))
    }
}

/// Digits in three parts under a seed: for the source, for training on the target, for the test.
struct Digits {
    source: (Array2<f32>, Vec<u32>),
    training: Examples,
    test: Examples,
    seed: u64,
}

impl Digits {
    fn new(rows: usize, labels: usize, seed: u64) -> Result<Self, StudyError> {
        let (pixels, digits) = digits()?;
        let pixels = standard(&pixels);
        let order = Stream::named(seed, "digits").permutation(digits.len());
        let part = |rows: &[usize]| (pixels.select(Axis(0), rows), rows.iter().map(|&row| digits[row]).collect());
        let examples = |rows: &[usize]| {
            let (pixels, labels) = part(rows);
            table(&pixels, labels)
        };
        let (rows, end) = (rows.min(digits.len() / 2), (rows + labels).min(digits.len() - 1));
        Ok(Self {
            source: part(&order[..rows]),
            training: examples(&order[rows..end])?,
            test: examples(&order[end..])?,
            seed,
        })
    }

    /// Tasks, each with the pixels in another order and labels by chance.
    fn random(&self, tasks: usize, config: TrainConfig) -> Result<Vec<(Examples, TrainConfig)>, StudyError> {
        let (pixels, labels) = &self.source;
        let task = |number: usize| {
            let mut stream = Stream::named(self.seed, &format!("random labels {number}"));
            let order = stream.permutation(pixels.ncols());
            let labels = labels.iter().map(|_| stream.below(10) as u32).collect();
            Ok((table(&pixels.select(Axis(1), &order), labels)?, config))
        };
        (0..tasks).map(task).collect()
    }

    fn modulo_5(&self) -> Result<Examples, StudyError> {
        table(&self.source.0, self.source.1.iter().map(|digit| digit % 5).collect())
    }

    fn transfer(self, spec: &Spec, source: Vec<(Examples, TrainConfig)>) -> Material {
        let widths = [&[64], &spec.digits.hidden[..]].concat();
        Material {
            trunk: Trunk::Linear(widths),
            source,
            source_classes: 10,
            classes: 10,
            training: self.training,
            test: self.test,
            config: spec.digits.target,
        }
    }
}

/// Columns of mean 0 and standard deviation 1. Pixels that are the same in every digit become 0.
fn standard(pixels: &Array2<f32>) -> Array2<f32> {
    let columns = Axis(0);
    let sd = pixels.std_axis(columns, 0.0).mapv(|sd| if sd > 0.0 { sd } else { 1.0 });
    let mean = pixels.sum_axis(columns) / pixels.nrows() as f32;
    (pixels - &mean) / &sd
}

fn table(pixels: &Array2<f32>, labels: Vec<u32>) -> Result<Examples, StudyError> {
    let values: Vec<f32> = pixels.iter().copied().collect();
    Ok(Examples::new(Tensor::from_vec(values, pixels.dim(), &Device::Cpu)?, Tensor::new(labels, &Device::Cpu)?))
}

fn drawn(spec: &Spec, seed: u64, target: Collection) -> Result<Material, StudyError> {
    let pictures = &spec.pictures;
    let part = |collection: Collection, number: u64, per_class: usize| {
        // Three collections a seed, none the same.
        collection.draw(per_class, pictures.edge, 3 * seed + number)
    };
    let trunk = match pictures.network {
        PictureNetwork::Convolutions => Trunk::Convolutions([&[1], &pictures.channels[..]].concat()),
        PictureNetwork::Transformer => {
            let VisionConfig { patch, width, depth, heads } = pictures.transformer;
            // The head makes the classes.
            let (side, hidden, classes) = (pictures.edge, 4 * width, target.classes());
            Trunk::Transformer(VisionSize { side, patch, width, depth, heads, hidden, classes })
        }
    };
    Ok(Material {
        trunk,
        source: vec![(part(Collection::Dataset, 0, pictures.source_rows)?, pictures.source)],
        source_classes: Collection::Dataset.classes(),
        classes: target.classes(),
        training: part(target, 1, pictures.labels)?,
        test: part(target, 2, pictures.test_rows)?,
        config: pictures.target,
    })
}
