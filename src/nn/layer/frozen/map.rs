//! How a feature map lies in memory.

use super::lanes::{Block, LANES};

/// The maps of one value in a frozen net, one image after the other.
///
/// Channels come in blocks of sixteen: (image, block, row, column, lane), so that every kernel works on whole vectors
/// and neighbouring pixels are neighbouring cache lines. Lanes past the last channel hold nothing of meaning; the
/// weights that meet them are zero, or they are not read. Around each plane lies a border of zeros for the padding of
/// the layers that read it.
///
/// The image itself is `planar`, (image, channel, row, column), because three channels in sixteen lanes waste memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Map {
    pub channels: usize,
    pub height: usize,
    pub width: usize,
    pub border: usize,
    pub planar: bool,
}

impl Map {
    pub fn blocked(channels: usize, height: usize, width: usize) -> Self {
        Map { channels, height, width, border: 0, planar: false }
    }

    pub fn size(&self) -> (usize, usize) {
        (self.height, self.width)
    }

    pub fn blocks(&self) -> usize {
        self.channels.div_ceil(LANES)
    }

    /// Floats from one pixel to the next.
    pub fn pixel(&self) -> usize {
        if self.planar { 1 } else { LANES }
    }

    /// Floats from one row to the next.
    pub fn row(&self) -> usize {
        (self.width + 2 * self.border) * self.pixel()
    }

    /// Floats from one block (planar: channel) to the next.
    pub fn plane(&self) -> usize {
        (self.height + 2 * self.border) * self.row()
    }

    /// Floats of one image, a whole number of blocks.
    pub fn len(&self) -> usize {
        let planes = if self.planar { self.channels } else { self.blocks() };
        (planes * self.plane()).next_multiple_of(LANES)
    }

    /// Index of the float at (row, column) of a block (planar: channel), both counted from the border's outer edge.
    fn outer(&self, plane: usize, row: usize, column: usize) -> usize {
        plane * self.plane() + row * self.row() + column * self.pixel()
    }

    /// Index of the float at (row, column) of a block (planar: channel).
    pub fn at(&self, plane: usize, row: usize, column: usize) -> usize {
        self.outer(plane, row + self.border, column + self.border)
    }

    /// Where a window of padding (top, left) first touches the plane.
    pub fn before(&self, plane: usize, top: usize, left: usize) -> usize {
        self.outer(plane, self.border - top, self.border - left)
    }

    /// Writes zeros around every plane of one image.
    pub fn clear_border(&self, image: &mut [f32]) {
        if self.border == 0 {
            return;
        }
        let edge = self.border * self.pixel();
        for plane in image.chunks_exact_mut(self.plane()) {
            let (last, inside) = (self.border + self.height, self.row() - edge);
            for (y, row) in plane.chunks_exact_mut(self.row()).enumerate() {
                if y < self.border || y >= last {
                    row.fill(0.0);
                } else {
                    row[..edge].fill(0.0);
                    row[inside..].fill(0.0);
                }
            }
        }
    }

    /// Copies one image from (channel, row, column) order.
    pub fn read(&self, from: &[f32], image: &mut [f32]) {
        let source = from.chunks_exact(self.height * self.width).flat_map(|plane| plane.chunks_exact(self.width));
        let (lanes, step) = if self.planar { (1, 1) } else { (LANES, LANES) };
        for (index, row) in source.enumerate() {
            let (channel, y) = (index / self.height, index % self.height);
            let start = self.at(channel / lanes, y, 0) + channel % lanes;
            image[start..].iter_mut().step_by(step).zip(row).for_each(|(to, value)| *to = *value);
        }
    }

    /// Copies one image to (channel, row, column) order.
    pub fn write(&self, image: &[f32], to: &mut [f32]) {
        let rows = to.chunks_exact_mut(self.height * self.width).flat_map(|plane| plane.chunks_exact_mut(self.width));
        let lanes = self.pixel();
        for (index, row) in rows.enumerate() {
            let (channel, y) = (index / self.height, index % self.height);
            let start = self.at(channel / lanes, y, 0) + channel % lanes;
            row.iter_mut().zip(image[start..].iter().step_by(lanes)).for_each(|(to, value)| *to = *value);
        }
    }
}

/// Memory for the images of one value: floats that start on a cache line.
#[derive(Debug, Default)]
pub(super) struct Slot(Vec<Block>);

impl Slot {
    pub fn reserve(&mut self, floats: usize) {
        let blocks = floats.div_ceil(LANES);
        if self.0.len() < blocks {
            self.0.resize(blocks, Block::default());
        }
    }

    pub fn floats(&self) -> &[f32] {
        // SAFETY: a Block is sixteen floats without padding, and a float needs less alignment.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), self.0.len() * LANES) }
    }

    pub fn floats_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above, and borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), self.0.len() * LANES) }
    }
}
