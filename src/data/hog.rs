//! Histograms of oriented gradients (Dalal & Triggs 2005, doi 10.1109/CVPR.2005.177).

/// How a picture becomes histograms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hog {
    /// Directions from 0° to 180°.
    pub orientations: usize,
    /// Edge of a cell, pixels.
    pub cell: usize,
    /// Edge of a block, cells.
    pub block: usize,
}

/// Against division by zero, as in scikit-image.
const EPSILON: f64 = 1e-5;
/// Larger entries of a normalised block are cut, and the block is normalised again (L2-Hys).
const LARGEST: f64 = 0.2;

impl Hog {
    /// Numbers of a grey picture (height, width), row by row: blocks row by row, the cells of each, the directions of each cell.
    /// The values are those of `skimage.feature.hog` with `block_norm="L2-Hys"`. Pixels behind the last whole cell are left out;
    /// a picture smaller than a block has none.
    ///
    /// # Panics
    /// If `grey` is shorter than `height · width`, or a size is 0.
    pub fn features(&self, grey: &[f64], height: usize, width: usize) -> Vec<f64> {
        let (rows, columns) = (height / self.cell, width / self.cell);
        let mut cells = vec![0.0; rows * columns * self.orientations];
        let at = |row: usize, column: usize| grey[row * width + column];
        for row in 0..rows * self.cell {
            for column in 0..columns * self.cell {
                let is_inner = |k: usize, end: usize| k > 0 && k + 1 < end;
                let down = if is_inner(row, height) { at(row + 1, column) - at(row - 1, column) } else { 0.0 };
                let across = if is_inner(column, width) { at(row, column + 1) - at(row, column - 1) } else { 0.0 };
                let angle = down.atan2(across).to_degrees().rem_euclid(180.0);
                let direction = (angle * self.orientations as f64 / 180.0) as usize;
                // A tiny negative angle rounds to 180°, which scikit-image puts nowhere.
                if direction < self.orientations {
                    let cell = (row / self.cell) * columns + column / self.cell;
                    cells[cell * self.orientations + direction] += down.hypot(across);
                }
            }
        }
        let area = (self.cell * self.cell) as f64;
        cells.iter_mut().for_each(|value| *value /= area);
        let mut found = Vec::new();
        for top in 0..(rows + 1).saturating_sub(self.block) {
            for left in 0..(columns + 1).saturating_sub(self.block) {
                let cell = |k: usize| (top + k / self.block) * columns + left + k % self.block;
                let of_cell = |k: usize| &cells[cell(k) * self.orientations..][..self.orientations];
                let mut block: Vec<f64> = (0..self.block * self.block).flat_map(of_cell).copied().collect();
                normalise(&mut block);
                block.iter_mut().for_each(|value| *value = value.min(LARGEST));
                normalise(&mut block);
                found.extend(block);
            }
        }
        found
    }
}

fn normalise(block: &mut [f64]) {
    let norm = (block.iter().map(|value| value * value).sum::<f64>() + EPSILON * EPSILON).sqrt();
    block.iter_mut().for_each(|value| *value /= norm);
}
