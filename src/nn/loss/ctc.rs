//! Connectionist temporal classification: the loss of a sequence of labels whose positions in time are not known.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Result, Shape, Tensor, WithDType};

/// (rows): -log p(labels | logits), the sum over all ways to spread a row's labels over its frames with blanks in
/// between (Graves et al. 2006, ICML, sections 3 and 4; PyTorch's `ctc_loss` without reduction, behind `log_softmax`).
///
/// `logits` is (rows, frames, classes), f32 or f64; `labels` (rows, longest) u32, a row shorter than that filled up with
/// `blank`; `frames` (rows) u32, how many frames of each row count. Labels that do not fit into their frames (each takes
/// one, and a repeated one a blank before it) have an infinite loss and no gradient.
///
/// # Errors
/// If shapes do not fit, a label or `blank` is no class, or a row counts more frames than there are.
pub fn ctc(logits: &Tensor, labels: &Tensor, frames: &Tensor, blank: u32) -> Result<Tensor> {
    let (rows, most, classes) = logits.dims3()?;
    let (labels, frames) = (labels.to_vec2::<u32>()?, frames.to_vec1::<u32>()?);
    if labels.len() != rows || frames.len() != rows {
        candle_core::bail!("ctc: {rows} rows of logits, {} of labels, {} of frames", labels.len(), frames.len());
    }
    if let Some(count) = frames.iter().find(|count| **count as usize > most) {
        candle_core::bail!("ctc: a row counts {count} frames of {most}");
    }
    let wrong = |label: &&u32| **label as usize >= classes;
    if let Some(label) = labels.iter().flatten().chain([&blank]).find(wrong) {
        candle_core::bail!("ctc: label {label} of {classes} classes");
    }
    let states = |row: Vec<u32>| {
        let labels = row.into_iter().take_while(|label| *label != blank);
        let between = labels.flat_map(|label| [label as usize, blank as usize]);
        [blank as usize].into_iter().chain(between).collect()
    };
    let labels = labels.into_iter().map(states).collect();
    let frames = frames.into_iter().map(|count| count as usize).collect();
    logits.contiguous()?.apply_op1(Ctc { states: labels, frames })
}

struct Ctc {
    /// The labels of each row with a blank before, between and behind them.
    states: Vec<Vec<usize>>,
    /// Frames of each row that count.
    frames: Vec<usize>,
}

/// What paths through the states of a row come to. All logarithms.
struct Lattice<'a> {
    states: &'a [usize],
    /// (frames, classes).
    logp: Vec<f64>,
    classes: usize,
    frames: usize,
}

fn log_add(a: f64, b: f64) -> f64 {
    let (high, low) = if a > b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

impl<'a> Lattice<'a> {
    fn new(states: &'a [usize], logits: &[f64], classes: usize, frames: usize) -> Self {
        let softened = logits[..frames * classes].chunks(classes).flat_map(|row| {
            let highest = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let total = highest + row.iter().map(|z| (z - highest).exp()).sum::<f64>().ln();
            row.iter().map(move |z| z - total)
        });
        Self { states, logp: softened.collect(), classes, frames }
    }

    fn emitted(&self, frame: usize, state: usize) -> f64 {
        self.logp[frame * self.classes + self.states[state]]
    }

    /// Whether a path may go from the state two before `state` into it: not over a blank, nor between equal labels.
    fn skips(&self, state: usize) -> bool {
        state >= 2 && state % 2 == 1 && self.states[state] != self.states[state - 2]
    }

    /// (frames, states): paths from the start that are in a state at a frame, what they emit there included (eq. 6, 7).
    fn forward(&self) -> Vec<f64> {
        let width = self.states.len();
        let mut alpha = vec![f64::NEG_INFINITY; self.frames * width];
        for frame in 0..self.frames {
            for state in 0..width {
                let before = |back: usize| alpha[(frame - 1) * width + state - back];
                let reached = match (frame, state) {
                    (0, 0 | 1) => 0.0,
                    (0, _) => f64::NEG_INFINITY,
                    (_, 0) => before(0),
                    _ if self.skips(state) => log_add(log_add(before(0), before(1)), before(2)),
                    _ => log_add(before(0), before(1)),
                };
                alpha[frame * width + state] = reached + self.emitted(frame, state);
            }
        }
        alpha
    }

    /// (frames, states): paths from a state at a frame to the end, what they emit there left out (eq. 9 to 11).
    fn backward(&self) -> Vec<f64> {
        let width = self.states.len();
        let mut beta = vec![f64::NEG_INFINITY; self.frames * width];
        for frame in (0..self.frames).rev() {
            for state in 0..width {
                let after = |on: usize| beta[(frame + 1) * width + state + on] + self.emitted(frame + 1, state + on);
                let is_last = frame + 1 == self.frames;
                beta[frame * width + state] = match width - 1 - state {
                    0 | 1 if is_last => 0.0,
                    _ if is_last => f64::NEG_INFINITY,
                    0 => after(0),
                    left if left >= 2 && self.skips(state + 2) => log_add(log_add(after(0), after(1)), after(2)),
                    _ => log_add(after(0), after(1)),
                };
            }
        }
        beta
    }

    fn loss(&self) -> f64 {
        let width = self.states.len();
        if self.frames == 0 {
            return if width == 1 { 0.0 } else { f64::INFINITY };
        }
        let alpha = self.forward();
        let last = &alpha[(self.frames - 1) * width..];
        -last[width.saturating_sub(2)..].iter().copied().fold(f64::NEG_INFINITY, log_add)
    }

    /// Adds d loss / d logits (frames, classes): what each frame emits, less how likely each class is to be emitted there
    /// by a path (eq. 16).
    fn pull(&self, slopes: &mut [f64], factor: f64) {
        let (loss, width) = (self.loss(), self.states.len());
        if self.frames == 0 || loss == f64::INFINITY {
            return;
        }
        let (alpha, beta) = (self.forward(), self.backward());
        for frame in 0..self.frames {
            let slopes = &mut slopes[frame * self.classes..(frame + 1) * self.classes];
            for (slope, logp) in slopes.iter_mut().zip(&self.logp[frame * self.classes..]) {
                *slope += factor * logp.exp();
            }
            for state in 0..width {
                let index = frame * width + state;
                slopes[self.states[state]] -= factor * (alpha[index] + beta[index] + loss).exp();
            }
        }
    }
}

impl Ctc {
    fn lattice<'a>(&'a self, row: usize, logits: &[f64], classes: usize) -> Lattice<'a> {
        let each = logits.len() / self.states.len();
        Lattice::new(&self.states[row], &logits[row * each..(row + 1) * each], classes, self.frames[row])
    }
}

impl CustomOp1 for Ctc {
    fn name(&self) -> &'static str {
        "ctc"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let Some((from, to)) = layout.contiguous_offsets() else { candle_core::bail!("ctc needs contiguous logits") };
        let (rows, _, classes) = layout.shape().dims3()?;
        let losses =
            |logits: &[f64]| (0..rows).map(|row| self.lattice(row, logits, classes).loss()).collect::<Vec<_>>();
        let losses = match storage {
            CpuStorage::F32(values) => {
                let wide: Vec<f64> = values[from..to].iter().map(|&value| f64::from(value)).collect();
                f32::to_cpu_storage_owned(losses(&wide).into_iter().map(|loss| loss as f32).collect())
            }
            CpuStorage::F64(values) => f64::to_cpu_storage_owned(losses(&values[from..to])),
            other => candle_core::bail!("ctc takes f32 or f64, got {:?}", other.dtype()),
        };
        Ok((losses, Shape::from(rows)))
    }

    fn bwd(&self, logits: &Tensor, _losses: &Tensor, cotangent: &Tensor) -> Result<Option<Tensor>> {
        let wide = |tensor: &Tensor| tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>();
        let (rows, most, classes) = logits.dims3()?;
        let (values, cotangent) = (wide(logits)?, wide(cotangent)?);
        let mut slopes = vec![0.0; values.len()];
        for row in 0..rows {
            let own = &mut slopes[row * most * classes..(row + 1) * most * classes];
            self.lattice(row, &values, classes).pull(own, cotangent[row]);
        }
        Tensor::from_vec(slopes, logits.shape(), &Device::Cpu)?.to_dtype(logits.dtype()).map(Some)
    }
}
