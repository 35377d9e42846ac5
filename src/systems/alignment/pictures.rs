//! Simulated subjects who see garments: voxels mix the energy of edges, and embeddings are components of the pictures.

use ndarray::{Array1, Array2, Axis, s};

use crate::data::garments;
use crate::math::Stream;
use crate::math::symmetric::eigenvectors;
use crate::study::StudyError;
use crate::systems::alignment::spec::Spec;
use crate::systems::alignment::world::{World, of_source};

/// Edge of a picture.
const EDGE: usize = 14;
/// Subjects besides the target.
const SUBJECTS: usize = 3;
/// Orientations and wavelengths (pixels) of the filters.
const ORIENTATIONS: usize = 4;
const WAVELENGTHS: [f64; 3] = [3.0, 5.0, 8.0];
/// Positions of filters along an edge.
const POSITIONS: usize = 4;
/// Filters that a voxel reads.
const READ: usize = 8;
/// Rank of what is a subject's own in its mixing.
const OWN_RANK: usize = 10;
/// Least and largest share of the variance of a voxel that is not noise.
const CEILING: (f64, f64) = (0.3, 0.7);

/// Energies of Gabor filters (pictures, filters): √(even² + odd²) of each pair of filters, whose envelope has a deviation of 0.4
/// wavelengths, less the mean of the pixels.
fn energies(pictures: &Array2<f64>) -> Array2<f64> {
    let count = ORIENTATIONS * WAVELENGTHS.len() * POSITIONS * POSITIONS;
    let mut filters = [Array2::zeros((EDGE * EDGE, count)), Array2::zeros((EDGE * EDGE, count))];
    let mut column = 0;
    for orientation in 0..ORIENTATIONS {
        let (sin, cos) = (std::f64::consts::PI * orientation as f64 / ORIENTATIONS as f64).sin_cos();
        for wavelength in WAVELENGTHS {
            for position in 0..POSITIONS * POSITIONS {
                let centre = |k: usize| (k as f64 + 0.5) * EDGE as f64 / POSITIONS as f64 - 0.5;
                let (left, top) = (centre(position % POSITIONS), centre(position / POSITIONS));
                for pixel in 0..EDGE * EDGE {
                    let (x, y) = ((pixel % EDGE) as f64 - left, (pixel / EDGE) as f64 - top);
                    let envelope = (-(x * x + y * y) / (2.0 * (0.4 * wavelength).powi(2))).exp();
                    let (odd, even) = (2.0 * std::f64::consts::PI * (x * cos + y * sin) / wavelength).sin_cos();
                    filters[0][[pixel, column]] = envelope * even;
                    filters[1][[pixel, column]] = envelope * odd;
                }
                column += 1;
            }
        }
    }
    let mean = filters[0].mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(count));
    filters[0] -= &mean;
    let square = |filter: &Array2<f64>| pictures.dot(filter).mapv(|value| value * value);
    (square(&filters[0]) + square(&filters[1])).mapv(f64::sqrt)
}

/// A subject: how its voxels mix energies, and the deviation of their noise.
struct Subject {
    mixing: Array2<f64>,
    noise: Array1<f64>,
}

impl Subject {
    /// What is common, and a part of low rank of its own, `distance` times as large. Each voxel has a gain and a noise ceiling of
    /// its own.
    fn new(energies: &Array2<f64>, common: &Array2<f64>, distance: f64, stream: &mut Stream) -> Self {
        let (filters, voxels) = common.dim();
        let mut normal = |shape| Array2::from_shape_simple_fn(shape, || stream.normal());
        let own = normal((filters, OWN_RANK)).dot(&normal((OWN_RANK, voxels)));
        let length = |a: &Array2<f64>| a.iter().map(|v| v * v).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
        let mut mixing = common + &(&own * (distance * length(common) / length(&own)));
        let deviations = energies.dot(&mixing).std_axis(Axis(0), 0.0);
        let mut noise = Array1::zeros(voxels);
        for (voxel, deviation) in deviations.iter().enumerate() {
            let gain = (0.3 * stream.normal()).exp();
            let ceiling = CEILING.0 + (CEILING.1 - CEILING.0) * stream.uniform();
            mixing.column_mut(voxel).mapv_inplace(|value| gain * value / deviation.max(f64::MIN_POSITIVE));
            noise[voxel] = gain * ((1.0 - ceiling) / ceiling).sqrt();
        }
        Self { mixing, noise }
    }

    /// Voxels of these pictures (rows, voxels), once each.
    fn voxels(&self, energies: &Array2<f64>, rows: &[usize], stream: &mut Stream) -> Array2<f64> {
        let mut found = energies.select(Axis(0), rows).dot(&self.mixing);
        for mut row in found.rows_mut() {
            row.iter_mut().zip(&self.noise).for_each(|(value, noise)| *value += noise * stream.normal());
        }
        found
    }
}

impl World {
    /// Subjects who see garments. Inputs are voxels of the target, and targets the first principal components of the pictures, by
    /// the pictures without pairs. Test pictures are those of the test file. Sources are other subjects, who saw pictures without
    /// pairs.
    ///
    /// # Errors
    /// If there are too few pictures, or a map of a source cannot be fitted.
    pub fn pictures(spec: &Spec, seed: u64) -> Result<Self, StudyError> {
        let pictures = garments()?.0.mapv(f64::from);
        let learned = crate::data::GARMENTS_TO_LEARN;
        let most = spec.seen.iter().copied().max().unwrap_or(0);
        let order = Stream::named(seed, "order of pictures").permutation(learned);
        let tests = Stream::named(seed, "test pictures").permutation(pictures.nrows() - learned);
        let test: Vec<usize> = tests.iter().take(spec.test_rows).map(|row| learned + row).collect();
        let (own, others) = order.split_at(most.min(learned / 2));
        let unpaired = pictures.select(Axis(0), others);
        let mean = unpaired.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(pictures.ncols()));
        let centred = &unpaired - &mean;
        let (_, vectors) = eigenvectors(&centred.t().dot(&centred));
        let components = vectors.slice(s![.., ..spec.outputs.min(vectors.ncols())]).to_owned();
        let embed = |rows: &[usize]| (pictures.select(Axis(0), rows) - &mean).dot(&components);

        let energies = energies(&pictures);
        let mut stream = Stream::named(seed, "voxels");
        let mut common = Array2::<f64>::zeros((energies.ncols(), spec.inputs));
        for mut voxel in common.columns_mut() {
            for filter in stream.permutation(energies.ncols()).into_iter().take(READ) {
                voxel[filter] = stream.normal();
            }
        }
        let subject = |number: u64| {
            let mut stream = Stream::numbered(Stream::named(seed, "subjects").bits(), number);
            let subject = Subject::new(&energies, &common, spec.distance, &mut stream);
            (subject, stream)
        };
        let (target, mut noise) = subject(0);
        let (x, test_x) = (target.voxels(&energies, own, &mut noise), target.voxels(&energies, &test, &mut noise));
        let (mut sources, mut inverse_sources) = (Vec::new(), Vec::new());
        for number in 1..=SUBJECTS {
            let (source, mut noise) = subject(number as u64);
            let order = Stream::numbered(Stream::named(seed, "seen").bits(), number as u64).permutation(others.len());
            let seen: Vec<usize> = order.iter().take(spec.source_rows).map(|row| others[*row]).collect();
            let (map, inverse) = of_source(&source.voxels(&energies, &seen, &mut noise), &embed(&seen))?;
            sources.push(map);
            inverse_sources.push(inverse);
        }
        let pool: Vec<usize> = others.iter().copied().take(spec.pool_rows).collect();
        Ok(Self {
            x,
            y: embed(own),
            pool: embed(&pool),
            sources,
            inverse_sources,
            related: SUBJECTS,
            test_x,
            test_y: embed(&test),
            others: Vec::new(),
            units: (1.0, 1.0),
        })
    }
}
