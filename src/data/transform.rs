//! From a picture to the numbers a backbone reads: resize, centre crop, normalise.

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

    /// The numbers of one picture, (3, crop, crop), channel by channel.
    pub fn apply(&self, picture: &Picture) -> Vec<f32> {
        let scale = self.resize as f64 / picture.width.min(picture.height) as f64;
        let scaled = |side: usize| ((side as f64 * scale).round_ties_even() as usize).max(self.resize);
        let picture = resize(picture, scaled(picture.width), scaled(picture.height));
        let (left, top) = ((picture.width - self.crop) / 2, (picture.height - self.crop) / 2);
        let mut out = Vec::with_capacity(self.size());
        for channel in 0..3 {
            for y in top..top + self.crop {
                let row = &picture.rgb[3 * (y * picture.width + left)..][..3 * self.crop];
                let normal = |pixel: &[u8]| (f32::from(pixel[channel]) - self.mean[channel]) / self.deviation[channel];
                out.extend(row.chunks_exact(3).map(normal));
            }
        }
        out
    }
}

/// Antialiased bicubic interpolation, byte for byte as Pillow's `Image.resize(size, BICUBIC)`: pretrained weights were
/// judged on pictures scaled this way. Rows first, then columns, bytes in between, as Pillow does.
pub fn resize(picture: &Picture, width: usize, height: usize) -> Picture {
    let across = taps(picture.width, width);
    let rows = picture.rgb.chunks_exact(3 * picture.width);
    let wide: Vec<u8> = rows.flat_map(|row| across.iter().flat_map(|tap| tap.apply(|x| &row[3 * x..]))).collect();
    let mut rgb = Vec::with_capacity(3 * width * height);
    for tap in taps(picture.height, height) {
        rgb.extend((0..width).flat_map(|x| tap.apply(|y| &wide[3 * (y * width + x)..])));
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

/// One tap per new pixel along an axis. Scaling down widens the kernel by the same factor, so no source pixel is lost.
fn taps(from: usize, to: usize) -> Vec<Tap> {
    let scale = from as f64 / to as f64;
    let stretch = scale.max(1.0);
    let reach = 2.0 * stretch;
    (0..to)
        .map(|i| {
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
