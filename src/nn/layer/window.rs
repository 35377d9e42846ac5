//! Where a sliding window touches its input.

use std::ops::Range;

use candle_core::{Result, bail};

/// Zeros added around a plane. TensorFlow's SAME rule needs the sides unequal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Padding {
    /// Rows added above.
    pub top: usize,
    /// Rows added below.
    pub bottom: usize,
    /// Columns added on the left.
    pub left: usize,
    /// Columns added on the right.
    pub right: usize,
}

impl Padding {
    /// The same on all four sides.
    pub fn all(size: usize) -> Self {
        Padding { top: size, bottom: size, left: size, right: size }
    }

    /// TensorFlow's SAME for an input of (height, width): output = ⌈input / stride⌉, an odd zero going below or right.
    ///
    /// ```
    /// use qgraft::nn::layer::Padding;
    /// let padding = Padding::same((224, 224), (3, 3), 2);
    /// assert_eq!(padding, Padding { top: 0, bottom: 1, left: 0, right: 1 });
    /// ```
    pub fn same(input: (usize, usize), kernel: (usize, usize), stride: usize) -> Self {
        let split = |input: usize, kernel: usize| {
            let total = (input.div_ceil(stride).saturating_sub(1) * stride + kernel).saturating_sub(input);
            (total / 2, total - total / 2)
        };
        let ((top, bottom), (left, right)) = (split(input.0, kernel.0), split(input.1, kernel.1));
        Padding { top, bottom, left, right }
    }
}

/// Geometry of a 2-D convolution or pooling window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// (height, width) of the kernel.
    pub kernel: (usize, usize),
    /// Step between outputs, both ways.
    pub stride: usize,
    /// Zeros around the input; a maximum ignores them.
    pub padding: Padding,
    /// Distance between taps; 1 is an ordinary kernel.
    pub dilation: usize,
}

impl Window {
    /// A square kernel, padded alike on all sides, not dilated.
    pub fn square(kernel: usize, stride: usize, padding: usize) -> Self {
        Window { kernel: (kernel, kernel), stride, padding: Padding::all(padding), dilation: 1 }
    }

    /// (height, width) of the output for an input of (height, width), rounded down.
    ///
    /// # Errors
    /// If kernel, stride or dilation is 0 or the window is larger than the padded input.
    pub fn output(&self, input: (usize, usize)) -> Result<(usize, usize)> {
        let Window { kernel, stride, padding, dilation } = *self;
        if kernel.0 == 0 || kernel.1 == 0 || stride == 0 || dilation == 0 {
            bail!("kernel {kernel:?}, stride {stride} and dilation {dilation} must all be at least 1");
        }
        if input.0 == 0 || input.1 == 0 {
            bail!("a plane of {input:?} has no pixels");
        }
        let padded = (input.0 + padding.top + padding.bottom, input.1 + padding.left + padding.right);
        let reach = (dilation * (kernel.0 - 1) + 1, dilation * (kernel.1 - 1) + 1);
        if reach.0 > padded.0 || reach.1 > padded.1 {
            bail!(
                "a window of {reach:?} (kernel {kernel:?}, dilation {dilation}) is larger than the padded input {padded:?}"
            );
        }
        Ok(((padded.0 - reach.0) / stride + 1, (padded.1 - reach.1) / stride + 1))
    }

    /// Whether output and input are the same pixels one to one.
    pub(super) fn is_pointwise(&self) -> bool {
        self.kernel == (1, 1) && self.stride == 1 && self.padding == Padding::default()
    }
}

/// A window sliding over one plane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plane {
    pub window: Window,
    pub input: (usize, usize),
    pub output: (usize, usize),
}

/// A stretch of one output row that one tap of the kernel reads from inside the plane.
pub(super) struct Stretch {
    /// Index of the tap, row-major in the kernel.
    pub tap: usize,
    /// Output indices, row-major in the plane.
    pub output: Range<usize>,
    /// Input index under the first of them. The others follow `stride` apart.
    pub input: usize,
}

impl Plane {
    pub fn new(window: Window, input: (usize, usize)) -> Result<Self> {
        Ok(Plane { window, input, output: window.output(input)? })
    }

    pub fn input_len(&self) -> usize {
        self.input.0 * self.input.1
    }

    pub fn output_len(&self) -> usize {
        self.output.0 * self.output.1
    }

    pub fn taps(&self) -> usize {
        self.window.kernel.0 * self.window.kernel.1
    }

    /// Visits every [`Stretch`] of the output rows `rows`, taps in order. What falls on padding is left out.
    #[inline(always)]
    pub fn stretches(&self, rows: Range<usize>, mut visit: impl FnMut(Stretch)) {
        let Window { kernel, stride, padding, dilation } = self.window;
        for ky in 0..kernel.0 {
            let inside = covered(self.output.0, self.input.0, stride, padding.top, ky * dilation);
            for kx in 0..kernel.1 {
                let columns = covered(self.output.1, self.input.1, stride, padding.left, kx * dilation);
                if columns.is_empty() {
                    continue;
                }
                for y in inside.start.max(rows.start)..inside.end.min(rows.end) {
                    let row = y * stride + ky * dilation - padding.top;
                    let column = columns.start * stride + kx * dilation - padding.left;
                    visit(Stretch {
                        tap: ky * kernel.1 + kx,
                        output: y * self.output.1 + columns.start..y * self.output.1 + columns.end,
                        input: row * self.input.1 + column,
                    });
                }
            }
        }
    }
}

/// Calls `f` with every element of `row` and the one of `plane` that its tap touches: `stride` apart from the first.
/// Ordinary strides get loops of their own, which compile to vector instructions.
#[inline(always)]
pub(super) fn pair<A, B>(
    row: impl Iterator<Item = A>,
    plane: impl Iterator<Item = B>,
    stride: usize,
    mut f: impl FnMut(A, B),
) {
    match stride {
        1 => row.zip(plane).for_each(|(a, b)| f(a, b)),
        2 => row.zip(plane.step_by(2)).for_each(|(a, b)| f(a, b)),
        _ => row.zip(plane.step_by(stride)).for_each(|(a, b)| f(a, b)),
    }
}

/// The outputs o < `outputs` whose tap reads inside the input: 0 ≤ o·stride + offset - before < inputs.
fn covered(outputs: usize, inputs: usize, stride: usize, before: usize, offset: usize) -> Range<usize> {
    let start = before.saturating_sub(offset).div_ceil(stride);
    let end = (inputs + before).saturating_sub(offset).div_ceil(stride).min(outputs);
    start..end.max(start)
}
