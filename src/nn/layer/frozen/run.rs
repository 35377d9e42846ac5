//! Takes a group of images through a frozen net.

use super::conv::Maps;
use super::lanes::{LANES, Lanes, Task};
use super::map::{Map, Slot};
use super::net::{FrozenNet, Op, Step, Value};
use crate::nn::layer::window::Window;

pub(super) struct Group<'a> {
    pub net: &'a FrozenNet,
    /// (image, channel, row, column).
    pub images: &'a [f32],
    pub slots: &'a mut [Slot],
    /// Filled with (image, channel, row, column) for each output of the net.
    pub outputs: &'a mut [Vec<f32>],
}

impl Task for Group<'_> {
    fn run<L: Lanes>(self, lanes: L) {
        let image = self.net.steps[0].map;
        let images = self.images.len() / (image.channels * image.height * image.width);
        for (index, step) in self.net.steps.iter().enumerate() {
            let mut slot = std::mem::take(&mut self.slots[step.slot]);
            slot.reserve(images * step.map.len());
            let floats = &mut slot.floats_mut()[..images * step.map.len()];
            floats.chunks_exact_mut(step.map.len()).for_each(|image| step.map.clear_border(image));
            let read = |value: Value| {
                let Step { map, slot, .. } = &self.net.steps[value.0];
                (*map, &self.slots[*slot].floats()[..images * map.len()])
            };
            let to = (step.map, &mut *floats);
            match &step.op {
                Op::Image => copy_in(self.images, to),
                Op::Conv { conv, input, residual } => {
                    let maps = Maps { input: read(*input), residual: residual.map(read), output: to };
                    conv.run(lanes, images, &step.chunks, maps);
                }
                Op::MaxPool { input, window } => max_pool(window, read(*input), to),
                Op::Mean { input } => mean(read(*input), to),
                Op::Scale { input, gate } => scale(read(*input), read(*gate), to),
                Op::Concat { inputs } => concat(&inputs.iter().map(|&value| read(value)).collect::<Vec<_>>(), to),
            }
            for (_, output) in self.net.outputs.iter().zip(&mut *self.outputs).filter(|(value, _)| value.0 == index) {
                copy_out((step.map, floats), output);
            }
            self.slots[step.slot] = slot;
        }
    }
}

fn copy_in(images: &[f32], (map, to): (Map, &mut [f32])) {
    let size = map.channels * map.height * map.width;
    images.chunks_exact(size).zip(to.chunks_exact_mut(map.len())).for_each(|(from, to)| map.read(from, to));
}

fn copy_out((map, from): (Map, &[f32]), images: &mut Vec<f32>) {
    let size = map.channels * map.height * map.width;
    images.resize(from.len() / map.len() * size, 0.0);
    images.chunks_exact_mut(size).zip(from.chunks_exact(map.len())).for_each(|(to, from)| map.write(from, to));
}

/// The rows of every (image, block): sixteen lanes for each pixel, without the border.
fn rows(map: Map, image: usize, block: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    (0..map.height).map(move |y| {
        let start = image * map.len() + map.at(block, y, 0);
        start..start + map.width * LANES
    })
}

/// (image, block) of a map that holds as many floats as `floats`.
fn planes(map: Map, floats: &[f32]) -> impl Iterator<Item = (usize, usize)> + use<> {
    let images = floats.len() / map.len();
    (0..images).flat_map(move |image| (0..map.blocks()).map(move |block| (image, block)))
}

fn lanes_of(pixel: &[f32]) -> &[f32; LANES] {
    // Rows are cut in whole pixels.
    pixel.first_chunk().expect("a pixel has sixteen lanes")
}

fn max_pool(window: &Window, (map, from): (Map, &[f32]), (out, to): (Map, &mut [f32])) {
    let Window { kernel, stride, padding, dilation } = *window;
    // The taps of one output that fall inside: its first input may lie before the plane.
    let inside = move |at: usize, before: usize, taps: usize, size: usize| {
        (0..taps)
            .map(move |tap| at * stride + tap * dilation)
            .filter(move |&i| i >= before && i - before < size)
            .map(move |i| i - before)
    };
    for (image, block) in planes(out, to) {
        for (y, row) in rows(out, image, block).enumerate() {
            for (x, pixel) in to[row].chunks_exact_mut(LANES).enumerate() {
                let mut largest = [f32::NEG_INFINITY; LANES];
                for iy in inside(y, padding.top, kernel.0, map.height) {
                    for ix in inside(x, padding.left, kernel.1, map.width) {
                        let value = lanes_of(&from[image * map.len() + map.at(block, iy, ix)..]);
                        for lane in 0..LANES {
                            // NaN is passed on.
                            let take = value[lane] > largest[lane] || value[lane].is_nan();
                            largest[lane] = if take { value[lane] } else { largest[lane] };
                        }
                    }
                }
                pixel.copy_from_slice(&largest);
            }
        }
    }
}

fn mean((map, from): (Map, &[f32]), (out, to): (Map, &mut [f32])) {
    let share = 1.0 / (map.height * map.width) as f32;
    for (image, block) in planes(out, to) {
        let mut sum = [0.0; LANES];
        for row in rows(map, image, block) {
            for pixel in from[row].chunks_exact(LANES) {
                for lane in 0..LANES {
                    sum[lane] += pixel[lane];
                }
            }
        }
        let start = image * out.len() + out.at(block, 0, 0);
        to[start..][..LANES].copy_from_slice(&sum.map(|s| s * share));
    }
}

fn scale((map, from): (Map, &[f32]), (gate_map, gates): (Map, &[f32]), (out, to): (Map, &mut [f32])) {
    for (image, block) in planes(out, to) {
        let gate = lanes_of(&gates[image * gate_map.len() + gate_map.at(block, 0, 0)..]);
        for (row, out_row) in rows(map, image, block).zip(rows(out, image, block)) {
            for (pixel, out_pixel) in from[row].chunks_exact(LANES).zip(to[out_row].chunks_exact_mut(LANES)) {
                for lane in 0..LANES {
                    out_pixel[lane] = pixel[lane] * gate[lane];
                }
            }
        }
    }
}

fn concat(inputs: &[(Map, &[f32])], (out, to): (Map, &mut [f32])) {
    let mut first = 0;
    for (map, from) in inputs {
        for (image, block) in planes(*map, from) {
            let start = first + block * LANES;
            let lanes = (map.channels - block * LANES).min(LANES);
            // One stretch of lanes in each of the one or two output blocks that these sixteen land in.
            let split = lanes.min(LANES - start % LANES);
            for (channel, part) in [(start, 0..split), (start + split, split..lanes)] {
                if part.is_empty() {
                    continue;
                }
                for (row, out_row) in rows(*map, image, block).zip(rows(out, image, channel / LANES)) {
                    let lane = channel % LANES;
                    for (pixel, out_pixel) in from[row].chunks_exact(LANES).zip(to[out_row].chunks_exact_mut(LANES)) {
                        out_pixel[lane..][..part.len()].copy_from_slice(&pixel[part.clone()]);
                    }
                }
            }
        }
        first += map.channels;
    }
}
