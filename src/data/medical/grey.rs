//! From values that were measured to grey pictures.

use ndarray::ArrayView2;

use crate::data::Picture;

/// How values become grey levels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Window {
    /// From `centre` − ½ − (`width` − 1)/2 to `centre` − ½ + (`width` − 1)/2 (DICOM PS3.3, C.11.2.1.2.1). The usual one.
    Linear {
        /// The middle of the window.
        centre: f64,
        /// Its width, at least 1.
        width: f64,
    },
    /// From `centre` − `width`/2 to `centre` + `width`/2 (C.11.2.1.3.2).
    Exact {
        /// The middle of the window.
        centre: f64,
        /// Its width, above 0.
        width: f64,
    },
    /// 1 / (1 + exp(−4 (value − `centre`) / `width`)) (C.11.2.1.3.1).
    Sigmoid {
        /// The middle of the window.
        centre: f64,
        /// Its width, above 0.
        width: f64,
    },
}

impl Window {
    /// From the least value that is shown to the largest.
    pub fn between(least: f64, most: f64) -> Self {
        Self::Exact { centre: f64::midpoint(least, most), width: (most - least).max(f64::MIN_POSITIVE) }
    }

    /// From the first to the 99th of the percentiles of these values, linear between neighbours as NumPy's. Values that are
    /// not finite do not count; without others everything is black.
    pub fn of_percentiles(values: impl IntoIterator<Item = f32>) -> Self {
        let mut values: Vec<f32> = values.into_iter().filter(|value| value.is_finite()).collect();
        values.sort_unstable_by(f32::total_cmp);
        let Some(last) = values.len().checked_sub(1) else { return Self::between(0.0, 0.0) };
        let at = |share: f64| {
            let place = share * last as f64;
            let first = place as usize;
            let (low, high) = (f64::from(values[first]), f64::from(values[last.min(first + 1)]));
            low + (high - low) * (place - first as f64)
        };
        Self::between(at(0.01), at(0.99))
    }

    /// The grey level of a value, from 0 to 1; 0 of a value that is no number.
    pub fn level(&self, value: f64) -> f64 {
        let level = match *self {
            // A window of width 1 is a step.
            Self::Linear { centre, width } if width <= 1.0 => f64::from(u8::from(value > centre - 0.5)),
            Self::Linear { centre, width } => (value - (centre - 0.5)) / (width - 1.0) + 0.5,
            Self::Exact { centre, width } => (value - centre) / width + 0.5,
            Self::Sigmoid { centre, width } => 1.0 / (1.0 + (-4.0 * (value - centre) / width).exp()),
        };
        if level.is_nan() { 0.0 } else { level.clamp(0.0, 1.0) }
    }

    /// A grey picture of values (rows, columns); `inverted` makes large values dark.
    pub fn picture(&self, values: ArrayView2<'_, f32>, inverted: bool) -> Picture {
        let grey = values.iter().map(|&value| {
            let level = self.level(f64::from(value));
            (255.0 * if inverted { 1.0 - level } else { level }).round() as u8
        });
        Picture::from_grey(values.ncols(), values.nrows(), &grey.collect::<Vec<u8>>())
    }
}
