//! Simulated brain slices from scanners whose settings are known: a structural causal model in which anatomy and lesion come
//! first, the scanner then makes the picture. All of it is drawn; no picture is of a person.
//!
//! Signal of a pixel: Σ_t m_t (1 - e^{-TR/T1_t}) e^{-TE/T2_t} over tissues t with shares m_t; a lesion has T2 × 1.5. The
//! scanner multiplies by a gain and a bias field and takes the magnitude with complex noise (Rician).

use crate::math::Stream;
use crate::study::StudyError;
use crate::systems::causal::spec::Spec;
use crate::systems::causal::task::{Rows, Task};

/// Edge of a slice in pixels.
pub const EDGE: usize = 24;

/// T1 and T2 in ms of grey matter, white matter and cerebrospinal fluid.
const TISSUES: [(f64, f64); 3] = [(1330.0, 110.0), (830.0, 80.0), (4000.0, 2000.0)];

/// Factor on T2 in a lesion.
const LESION: f64 = 1.5;

/// What differs between training and test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The test scanner has other settings.
    Acquisition,
    /// Lesions go with the scanner, the other way round in the test.
    Confounded,
    /// Nothing.
    None,
}

/// Settings of a scanner.
#[derive(Clone, Copy, Debug)]
pub struct Scanner {
    /// Repetition time, ms.
    pub repetition: f64,
    /// Echo time, ms.
    pub echo: f64,
    /// Factor on all pixels.
    pub gain: f64,
    /// Largest change of the sensitivity over the picture, as a share.
    pub bias: f64,
    /// Standard deviation of each part of the complex noise.
    pub noise: f64,
}

/// The scanners: two to learn from, one to be tested on.
pub const SCANNERS: [Scanner; 3] = [
    Scanner { repetition: 3000.0, echo: 80.0, gain: 1.0, bias: 0.1, noise: 0.02 },
    Scanner { repetition: 2500.0, echo: 95.0, gain: 1.3, bias: 0.2, noise: 0.02 },
    Scanner { repetition: 5000.0, echo: 55.0, gain: 0.6, bias: 0.6, noise: 0.02 },
];

/// Anatomy of a slice: shares of the tissues in every pixel, and where the lesion is.
struct Anatomy {
    shares: Vec<[f64; 3]>,
    lesion: Vec<f64>,
}

/// A smooth step from 1 inside to 0 outside.
fn inside(distance: f64) -> f64 {
    1.0 / (1.0 + (distance * 3.0).exp())
}

impl Anatomy {
    fn draw(has_lesion: bool, stream: &mut Stream) -> Self {
        let mut between = |low: f64, high: f64| low + (high - low) * stream.uniform();
        let half = EDGE as f64 / 2.0;
        let center = [half + between(-1.0, 1.0), half + between(-1.0, 1.0)];
        let axes = [between(8.5, 10.5), between(7.5, 9.5)];
        let (cortex, ventricle) = (between(1.5, 2.5), between(1.5, 3.0));
        let angle = between(0.0, std::f64::consts::TAU);
        let reach = between(0.45, 0.7);
        let spot = [center[0] + reach * axes[0] * angle.cos(), center[1] + reach * axes[1] * angle.sin()];
        let radius = between(1.8, 2.8);
        let (mut shares, mut lesion) = (Vec::new(), Vec::new());
        for y in 0..EDGE {
            for x in 0..EDGE {
                let at = [y as f64 + 0.5, x as f64 + 0.5];
                let scaled = [(at[0] - center[0]) / axes[0], (at[1] - center[1]) / axes[1]];
                let out = (scaled[0].hypot(scaled[1]) - 1.0) * axes[0].min(axes[1]);
                let brain = inside(out);
                let inner = inside(out + cortex);
                let fluid = inside((at[0] - center[0]).hypot(at[1] - center[1]) - ventricle);
                shares.push([brain - inner, inner * (1.0 - fluid), inner * fluid]);
                let near = inside((at[0] - spot[0]).hypot(at[1] - spot[1]) - radius);
                lesion.push(if has_lesion { near } else { 0.0 });
            }
        }
        Self { shares, lesion }
    }

    /// The picture that a scanner takes.
    fn taken(&self, scanner: &Scanner, stream: &mut Stream) -> Vec<f32> {
        let signal = |(t1, t2): (f64, f64)| (1.0 - (-scanner.repetition / t1).exp()) * (-scanner.echo / t2).exp();
        let (plain, changed) = (TISSUES.map(signal), TISSUES.map(|(t1, t2)| signal((t1, t2 * LESION))));
        let slope = [2.0 * stream.uniform() - 1.0, 2.0 * stream.uniform() - 1.0];
        let pixels = self.shares.iter().zip(&self.lesion).enumerate().map(|(pixel, (shares, lesion))| {
            let mut value = 0.0;
            for tissue in 0..3 {
                value += shares[tissue] * (plain[tissue] * (1.0 - lesion) + changed[tissue] * lesion);
            }
            let at = [(pixel / EDGE) as f64 / EDGE as f64 - 0.5, (pixel % EDGE) as f64 / EDGE as f64 - 0.5];
            let field = 1.0 + scanner.bias * (slope[0] * at[0] + slope[1] * at[1]);
            let real = scanner.gain * field * value + scanner.noise * stream.normal();
            let imaginary = scanner.noise * stream.normal();
            // Half of the largest usual signal is 0.
            (2.0 * real.hypot(imaginary) - 0.5) as f32
        });
        pixels.collect()
    }
}

/// Draws so many slices; `of` says scanner, share of lesions and environment of the row.
fn draw(count: usize, of: impl Fn(usize) -> (usize, f64, u32), stream: &mut Stream) -> Rows {
    let mut rows = Rows::default();
    for row in 0..count {
        let (scanner, share, environment) = of(row);
        let has_lesion = stream.uniform() < share;
        let picture = Anatomy::draw(has_lesion, stream).taken(&SCANNERS[scanner], stream);
        rows.push(&picture, u32::from(has_lesion), environment);
    }
    rows
}

/// Slices under a seed. Environments are the scanners.
///
/// # Errors
/// If the tensor library fails.
pub fn task(spec: &Spec, kind: Kind, seed: u64) -> Result<Task, StudyError> {
    let share = |scanner: usize, is_test: bool| match kind {
        // Correlations of scanner and lesion of 0.8 and -0.8.
        Kind::Confounded if (scanner == 0) != is_test => 0.9,
        Kind::Confounded => 0.1,
        _ => 0.5,
    };
    let training = |row: usize| (row % 2, share(row % 2, false), (row % 2) as u32);
    let test = |row: usize| match kind {
        Kind::Acquisition => (2, 0.5, 2),
        _ => (row % 2, share(row % 2, true), 2),
    };
    let mut stream = Stream::named(seed, "scanner");
    let shape = vec![1, EDGE, EDGE];
    let rows = |count: usize, of: &dyn Fn(usize) -> (usize, f64, u32), stream: &mut Stream| {
        draw(count, of, stream).examples(&shape)
    };
    let balanced = |row: usize| (row % 2, 0.5, (row % 2) as u32);
    let deconfounded = match kind {
        Kind::Confounded => Some(rows(spec.scanner_rows, &balanced, &mut Stream::named(seed, "balanced"))?),
        _ => None,
    };
    Ok(Task {
        training: rows(spec.scanner_rows, &training, &mut stream)?,
        deconfounded,
        validation: rows(spec.held_out_rows, &training, &mut stream)?,
        oracle: rows(spec.held_out_rows, &test, &mut stream)?,
        test: rows(spec.test_rows, &test, &mut stream)?,
        flipped: None,
        has_colour: false,
        shape,
        classes: ["no lesion", "lesion"].map(String::from).to_vec(),
        reader: None,
    })
}
