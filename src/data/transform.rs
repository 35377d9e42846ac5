//! From a picture to the numbers a backbone reads: resize, centre crop, normalise.

use std::ops::Range;

use super::Picture;

/// What is done to every picture before a backbone sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transform {
    /// The shorter side is scaled to this many pixels, up or down, with antialiased bicubic interpolation.
    pub resize: usize,
    /// Side of the square cut from the centre; at most `resize`.
    pub crop: usize,
    /// Subtracted from each byte of red, green, blue (0 to 255).
    pub mean: [f32; 3],
    /// Then divided by.
    pub deviation: [f32; 3],
}

impl Transform {
    /// torchvision's: (byte / 255 - mean) / standard deviation, both taken over ImageNet.
    pub const IMAGENET: Self = Self {
        resize: 256,
        crop: 224,
        mean: [255.0 * 0.485, 255.0 * 0.456, 255.0 * 0.406],
        deviation: [255.0 * 0.229, 255.0 * 0.224, 255.0 * 0.225],
    };

    /// EfficientNet-Lite's: (byte - 127) / 128.
    pub const LITE: Self = Self { resize: 256, crop: 224, mean: [127.0; 3], deviation: [128.0; 3] };

    /// Numbers one picture becomes: (3, crop, crop).
    pub fn size(&self) -> usize {
        3 * self.crop * self.crop
    }

    /// Pixels along a side of the scaled picture.
    fn scaled(&self, side: usize, picture: &Picture) -> usize {
        let scale = self.resize as f64 / picture.width.min(picture.height) as f64;
        ((side as f64 * scale).round_ties_even() as usize).max(self.resize)
    }

    /// The picture as [`apply`](Self::apply) scales it, if that makes it smaller: `apply` gives the same numbers of it.
    pub fn shrunk(&self, picture: Picture) -> Picture {
        match picture.width.min(picture.height) > self.resize {
            true => resize(&picture, self.scaled(picture.width, &picture), self.scaled(picture.height, &picture)),
            false => picture,
        }
    }

    /// The numbers of one picture, (3, crop, crop), channel by channel.
    pub fn apply(&self, picture: &Picture) -> Vec<f32> {
        let along = |side: usize| {
            let whole = self.scaled(side, picture);
            let start = (whole - self.crop) / 2;
            Axis { from: side, to: whole, kept: start..start + self.crop }
        };
        let square = resample(picture, along(picture.width), along(picture.height));
        let pixels = square.rgb.chunks_exact(3);
        let normal = |byte: u8, channel: usize| (f32::from(byte) - self.mean[channel]) / self.deviation[channel];
        (0..3).flat_map(|channel| pixels.clone().map(move |pixel| normal(pixel[channel], channel))).collect()
    }
}

/// Antialiased bicubic interpolation, byte for byte as Pillow's `Image.resize(size, BICUBIC)`: pretrained weights were
/// evaluated on pictures scaled this way.
pub fn resize(picture: &Picture, width: usize, height: usize) -> Picture {
    let along = |from, to| Axis { from, to, kept: 0..to };
    resample(picture, along(picture.width, width), along(picture.height, height))
}

/// Scaling along one axis: pixels before and after, and which of those after are wanted.
struct Axis {
    from: usize,
    to: usize,
    kept: Range<usize>,
}

/// Along rows first, then along columns, rounded to bytes in between, as Pillow does.
fn resample(picture: &Picture, across: Axis, down: Axis) -> Picture {
    let (width, height) = (across.kept.len(), down.kept.len());
    let (across, down) = (taps(across), taps(down));
    let first = down.iter().map(|tap| tap.first).min().unwrap_or(0);
    let end = down.iter().map(|tap| tap.first + tap.weights.len()).max().unwrap_or(0);
    let mut wide = Vec::with_capacity(3 * width * (end - first));
    for row in picture.rgb.chunks_exact(3 * picture.width).take(end).skip(first) {
        wide.extend(across.iter().flat_map(|tap| tap.apply(|x| &row[3 * x..])));
    }
    let mut rgb = Vec::with_capacity(3 * width * height);
    for tap in down {
        rgb.extend((0..width).flat_map(|x| tap.apply(|y| &wide[3 * ((y - first) * width + x)..])));
    }
    Picture { width, height, rgb }
}

/// Bits after the point in a weight: what is left of 32 after a byte and two bits for overshoot.
const POINT: u32 = 32 - 8 - 2;

/// The source pixels one new pixel is made of.
struct Tap {
    first: usize,
    weights: Vec<i32>,
}

impl Tap {
    fn apply<'a>(&self, pixel: impl Fn(usize) -> &'a [u8]) -> [u8; 3] {
        let mut sums = [1 << (POINT - 1); 3];
        for (i, weight) in self.weights.iter().enumerate() {
            let source = pixel(self.first + i);
            for channel in 0..3 {
                sums[channel] += weight * i32::from(source[channel]);
            }
        }
        sums.map(|sum| (sum >> POINT).clamp(0, 255) as u8)
    }
}

/// One tap per wanted pixel. Scaling down widens the kernel by the same factor, so that no source pixel is lost.
fn taps(Axis { from, to, kept }: Axis) -> Vec<Tap> {
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.0);
    let reach = 2.0 * stretch;
    kept.map(|i| {
        let centre = (i as f64 + 0.5) * scale;
        let first = (centre - reach + 0.5).max(0.0) as usize;
        let end = ((centre + reach + 0.5) as usize).min(from);
        let weights: Vec<f64> = (first..end).map(|x| cubic((x as f64 - centre + 0.5) / stretch)).collect();
        let sum: f64 = weights.iter().sum();
        let fixed = |w: f64| (w / sum * f64::from(1 << POINT)).round() as i32;
        Tap { first, weights: weights.into_iter().map(fixed).collect() }
    })
    .collect()
}

/// Keys' cubic convolution kernel with a = -1/2 (IEEE Trans. ASSP 29, 1153, 1981).
fn cubic(x: f64) -> f64 {
    const A: f64 = -0.5;
    let x = x.abs();
    if x < 1.0 {
        ((A + 2.0) * x - (A + 3.0)) * x * x + 1.0
    } else if x < 2.0 {
        (((x - 5.0) * x + 8.0) * x - 4.0) * A
    } else {
        0.0
    }
}
