//! Fields as examples of the centre-point detector: pixels, heat maps and boxes.

use candle_core::{Device, Tensor};

use crate::math::Stream;
use crate::nn::{Dataset, Examples, Mode, NnError};
use crate::study::detection::Truth;
use crate::systems::smear::cells::Field;
use crate::systems::smear::detector::{BOX_OUTPUTS, Detector, STRIDE};

/// Examples of a detector. Fields are mirrored at random in training.
pub struct FieldDataset<'a> {
    /// The fields.
    pub fields: &'a [Field],
    /// The detector, for its classes and the typical box.
    pub detector: &'a Detector,
}

impl FieldDataset<'_> {
    /// (fields, 3, height, width), each value in -1..=1.
    pub(super) fn pixels(&self, rows: &[u32], mirrored: impl Fn(u32) -> [bool; 2]) -> Result<Tensor, NnError> {
        let mut pixels = Vec::new();
        let (height, width) = self.size();
        for &row in rows {
            let ([across, down], rgb) = (mirrored(row), &self.fields[row as usize].picture.rgb);
            for channel in 0..3 {
                for y in (0..height).map(|y| if down { height - 1 - y } else { y }) {
                    let value = |x: usize| f32::from(rgb[3 * (y * width + x) + channel]) / 127.5 - 1.0;
                    match across {
                        true => pixels.extend((0..width).rev().map(value)),
                        false => pixels.extend((0..width).map(value)),
                    }
                }
            }
        }
        Ok(Tensor::from_vec(pixels, (rows.len(), 3, height, width), &Device::Cpu)?)
    }

    /// Height and width of every field, pixels.
    fn size(&self) -> (usize, usize) {
        self.fields.first().map_or((0, 0), |field| (field.picture.height, field.picture.width))
    }
}

impl Dataset for FieldDataset<'_> {
    fn len(&self) -> usize {
        self.fields.len()
    }

    fn rows(&self, rows: &[u32], mode: Mode) -> Result<Examples, NnError> {
        let mirrored = |row: u32| match mode {
            Mode::Eval => [false; 2],
            Mode::Train { seed } => {
                let mut stream = Stream::numbered(seed, u64::from(row));
                [stream.uniform() < 0.5, stream.uniform() < 0.5]
            }
        };
        let (height, width) = self.size();
        let (down, across) = (height / STRIDE, width / STRIDE);
        let (cells, classes) = (down * across, self.detector.classes);
        let mut heat = vec![0.0f32; rows.len() * classes * cells];
        let mut boxes = vec![0.0f32; rows.len() * (BOX_OUTPUTS + 1) * cells];
        for (k, &row) in rows.iter().enumerate() {
            let heat = &mut heat[k * classes * cells..][..classes * cells];
            let boxes = &mut boxes[k * (BOX_OUTPUTS + 1) * cells..][..(BOX_OUTPUTS + 1) * cells];
            for truth in &self.fields[row as usize].truths {
                let Truth { corners: [left, top, right, bottom], label } = *truth;
                let mirror = |low: f64, high: f64, flip: bool| if flip { (1.0 - high, 1.0 - low) } else { (low, high) };
                let [flip_x, flip_y] = mirrored(row);
                let ((left, right), (top, bottom)) = (mirror(left, right, flip_x), mirror(top, bottom, flip_y));
                // In cells from here on.
                let (x, y) = ((left + right) / 2.0 * across as f64, (top + bottom) / 2.0 * down as f64);
                let (w, h) = ((right - left) * across as f64, (bottom - top) * down as f64);
                let (column, line) = ((x as usize).min(across - 1), (y as usize).min(down - 1));
                let spread = (w.min(h) / 6.0).max(0.8);
                let reach = (3.0 * spread).ceil() as usize;
                for i in line.saturating_sub(reach)..(line + reach + 1).min(down) {
                    for j in column.saturating_sub(reach)..(column + reach + 1).min(across) {
                        let far = (i as f64 - line as f64).powi(2) + (j as f64 - column as f64).powi(2);
                        let value = (-far / (2.0 * spread * spread)).exp() as f32;
                        let cell = &mut heat[label * cells + i * across + j];
                        *cell = cell.max(value);
                    }
                }
                let typical = self.detector.typical_edge / STRIDE as f64;
                let outputs = [x - column as f64, y - line as f64, (w / typical).ln(), (h / typical).ln(), 1.0];
                for (plane, value) in outputs.into_iter().enumerate() {
                    boxes[plane * cells + line * across + column] = value as f32;
                }
            }
        }
        let heat = Tensor::from_vec(heat, (rows.len(), classes, down, across), &Device::Cpu)?;
        let boxes = Tensor::from_vec(boxes, (rows.len(), BOX_OUTPUTS + 1, down, across), &Device::Cpu)?;
        let inputs = vec![self.pixels(rows, mirrored)?];
        Ok(Examples { inputs, targets: vec![heat, boxes], weights: None, domains: None, strata: None })
    }
}
