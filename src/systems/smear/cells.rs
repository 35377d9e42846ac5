//! Drawn fields of a Pap smear: cells of eight classes that differ as in the Bethesda system. Neighbouring classes
//! differ little.

use std::f64::consts::{PI, TAU};

use crate::data::Picture;
use crate::math::Stream;
use crate::study::detection::Truth;

type Colour = [f64; 3];

/// The appearance of the cells of a class. Lengths are pixels.
#[derive(Debug)]
pub struct CellRow {
    /// Name of the class.
    pub name: &'static str,
    /// Cells of this class in the training part of the RIVA challenge.
    pub count: usize,
    /// Classes that it is mislabelled as.
    pub neighbours: &'static [usize],
    /// Its class in the source domain.
    pub source_class: usize,
    nucleus: f64,
    /// Radius of the cytoplasm: with the nucleus, the N/C ratio.
    cytoplasm: f64,
    /// Length over width.
    stretch: f64,
    /// How far the contour of the nucleus departs from a circle.
    irregular: f64,
    /// Chromatin: how uneven, and how dark.
    texture: f64,
    dark: f64,
    /// How clear the ring around the nucleus is.
    halo: f64,
    hue: Colour,
}

const BLUE: Colour = [0.62, 0.74, 0.82];
const PINK: Colour = [0.86, 0.66, 0.72];
const ORANGE: Colour = [0.88, 0.68, 0.52];

#[rustfmt::skip]
/// Every class: squamous cells by severity, then the glandular one.
pub static CELLS: &[CellRow] = &[
    CellRow { name: "NILM", count: 3821, neighbours: &[1, 3], source_class: 0, nucleus: 3.6, cytoplasm: 12.0, stretch: 1.1, irregular: 0.04, texture: 0.10, dark: 0.45, halo: 0.0, hue: PINK },
    CellRow { name: "ASC-US", count: 207, neighbours: &[0, 2], source_class: 2, nucleus: 4.7, cytoplasm: 12.0, stretch: 1.1, irregular: 0.08, texture: 0.20, dark: 0.55, halo: 0.2, hue: PINK },
    CellRow { name: "LSIL", count: 1581, neighbours: &[1], source_class: 2, nucleus: 6.0, cytoplasm: 12.5, stretch: 1.1, irregular: 0.12, texture: 0.30, dark: 0.65, halo: 0.7, hue: PINK },
    CellRow { name: "INFL", count: 4360, neighbours: &[0, 4], source_class: 1, nucleus: 4.0, cytoplasm: 9.0, stretch: 1.0, irregular: 0.05, texture: 0.15, dark: 0.55, halo: 0.3, hue: BLUE },
    CellRow { name: "ASC-H", count: 316, neighbours: &[3, 5], source_class: 3, nucleus: 5.0, cytoplasm: 8.2, stretch: 1.0, irregular: 0.12, texture: 0.28, dark: 0.68, halo: 0.1, hue: BLUE },
    CellRow { name: "HSIL", count: 1232, neighbours: &[4], source_class: 3, nucleus: 6.1, cytoplasm: 7.8, stretch: 1.0, irregular: 0.20, texture: 0.40, dark: 0.82, halo: 0.0, hue: BLUE },
    CellRow { name: "SCC", count: 1082, neighbours: &[5], source_class: 4, nucleus: 6.4, cytoplasm: 9.5, stretch: 1.8, irregular: 0.35, texture: 0.55, dark: 0.95, halo: 0.0, hue: ORANGE },
    CellRow { name: "ENDO", count: 668, neighbours: &[0], source_class: 0, nucleus: 4.4, cytoplasm: 7.5, stretch: 1.7, irregular: 0.05, texture: 0.15, dark: 0.50, halo: 0.0, hue: BLUE },
];

/// Number of classes of the source domain.
pub const SOURCE_CLASSES: usize = 5;

/// Edge of every box, pixels.
pub const BOX: f64 = 25.0;

/// How fields are drawn.
#[derive(Clone, Copy, Debug)]
pub struct Slide {
    /// Edge, pixels.
    pub edge: usize,
    /// Number of cells.
    pub cells: usize,
    /// Share of cells whose label is that of a neighbouring class.
    pub label_noise: f64,
    /// Cells of the source domain: centred, classes equally frequent, coarser labels, another stain.
    pub source: bool,
}

/// A picture with labelled boxes.
#[derive(Clone, Debug)]
pub struct Field {
    /// The picture.
    pub picture: Picture,
    /// Boxes with classes.
    pub truths: Vec<Truth>,
}

/// A cell before it is drawn.
struct Cell {
    row: &'static CellRow,
    x: f64,
    y: f64,
    nucleus: f64,
    cytoplasm: f64,
    angle: f64,
    dark: f64,
    phases: [f64; 4],
}

fn around(stream: &mut Stream, mean: f64, share: f64) -> f64 {
    mean * (1.0 + share * stream.normal()).max(0.3)
}

/// The class at the quantile `quantile` in 0..1, with probabilities in proportion to `counts`.
pub fn class_at(quantile: f64, counts: impl Iterator<Item = usize> + Clone) -> usize {
    let total: usize = counts.clone().sum();
    let mut rest = quantile * total as f64;
    let classes = counts.clone().count();
    for (label, count) in counts.enumerate() {
        rest -= count as f64;
        if rest < 0.0 {
            return label;
        }
    }
    classes - 1
}

impl Cell {
    fn draw(stream: &mut Stream, label: usize, x: f64, y: f64) -> Self {
        let row = &CELLS[label];
        Self {
            row,
            x,
            y,
            nucleus: around(stream, row.nucleus, 0.09),
            cytoplasm: around(stream, row.cytoplasm, 0.1),
            angle: PI * stream.uniform(),
            dark: around(stream, row.dark, 0.08),
            phases: std::array::from_fn(|_| TAU * stream.uniform()),
        }
    }

    /// Blends the cell into the colour at a point.
    fn cover(&self, colour: &mut Colour, x: f64, y: f64) {
        let (dx, dy) = (x - self.x, y - self.y);
        let distance = dx.hypot(dy);
        let [p, q, r, s] = self.phases;
        let (sin, cos) = self.angle.sin_cos();
        let stretch = self.row.stretch.sqrt();
        let round = ((dx * cos + dy * sin) / stretch).hypot((dy * cos - dx * sin) * stretch);
        let edge = |radius: f64, distance: f64| (radius - distance + 0.5).clamp(0.0, 1.0);
        let theta = dy.atan2(dx);
        let body = self.cytoplasm * (1.0 + 0.05 * (2.0 * theta + p).sin() + 0.04 * (3.0 * theta + q).sin());
        blend(colour, self.row.hue, 0.55 * edge(body, round));
        let wobble = 0.6 * (2.0 * theta + r).sin() + 0.5 * (3.0 * theta + p).sin() + 0.4 * (5.0 * theta + s).sin();
        let contour = self.nucleus * (1.0 + self.row.irregular * wobble);
        let ring = edge(1.7 * self.nucleus, distance) * (1.0 - edge(contour, distance));
        blend(colour, [0.97, 0.95, 0.97], 0.6 * self.row.halo * ring);
        let grain = (1.9 * dx + q).sin() * (2.1 * dy + r).sin();
        let light = (1.0 - 0.75 * self.dark * (1.0 + self.row.texture * grain)).clamp(0.02, 1.0);
        blend(colour, [0.75 * light, 0.6 * light, 0.9 * light], edge(contour, distance));
    }
}

fn blend(under: &mut Colour, over: Colour, share: f64) {
    (0..3).for_each(|k| under[k] += share * (over[k] - under[k]));
}

impl Slide {
    /// Field `number` of the collection `seed`.
    pub fn field(&self, seed: u64, number: u64) -> Field {
        let mut stream = Stream::numbered(seed, number);
        let stream = &mut stream;
        let edge = self.edge as f64;
        let mut cells: Vec<Cell> = Vec::new();
        let mut truths = Vec::new();
        while cells.len() < self.cells {
            let coordinate = |stream: &mut Stream| BOX / 2.0 + (edge - BOX) * stream.uniform();
            let (mut x, mut y) = (edge / 2.0, edge / 2.0);
            if !self.source {
                // Cells overlap, nuclei hardly ever.
                for _ in 0..20 {
                    (x, y) = (coordinate(stream), coordinate(stream));
                    if cells.iter().all(|cell| (cell.x - x).hypot(cell.y - y) > 11.0) {
                        break;
                    }
                }
            }
            let label = match self.source {
                true => stream.below(CELLS.len()),
                false => class_at(stream.uniform(), CELLS.iter().map(|row| row.count)),
            };
            cells.push(Cell::draw(stream, label, x, y));
            let neighbours = CELLS[label].neighbours;
            let (mistaken, other) = (stream.uniform() < self.label_noise, neighbours[stream.below(neighbours.len())]);
            let label_given = match (self.source, mistaken) {
                (true, _) => CELLS[label].source_class,
                (false, true) => other,
                (false, false) => label,
            };
            let half = BOX / 2.0;
            let corners = [x - half, y - half, x + half, y + half].map(|pixel| pixel / edge);
            truths.push(Truth { corners, label: label_given });
        }
        Field { picture: self.picture(&cells, stream), truths }
    }

    fn picture(&self, cells: &[Cell], stream: &mut Stream) -> Picture {
        let edge = self.edge;
        let stain: Colour = match self.source {
            true => [1.0, 0.88, 0.8],
            false => std::array::from_fn(|_| 1.0 + 0.05 * stream.normal()),
        };
        let debris: Vec<(f64, f64, f64)> = (0..4)
            .map(|_| (edge as f64 * stream.uniform(), edge as f64 * stream.uniform(), 0.6 + 1.2 * stream.uniform()))
            .collect();
        let mut pixels = vec![[0.0; 3]; edge * edge];
        for (pixel, colour) in pixels.iter_mut().enumerate() {
            let (x, y) = ((pixel % edge) as f64 + 0.5, (pixel / edge) as f64 + 0.5);
            *colour = [0.93, 0.91, 0.94];
            for cell in cells.iter().filter(|cell| (cell.x - x).abs().max((cell.y - y).abs()) < 20.0) {
                cell.cover(colour, x, y);
            }
            for &(left, top, radius) in &debris {
                blend(colour, [0.3, 0.25, 0.25], (radius - (left - x).hypot(top - y) + 0.5).clamp(0.0, 1.0));
            }
        }
        let blur = 0.5 * stream.uniform();
        let at = |x: usize, y: usize| pixels[y.min(edge - 1) * edge + x.min(edge - 1)];
        let mut rgb = Vec::with_capacity(3 * pixels.len());
        for (pixel, own) in pixels.iter().enumerate() {
            let (x, y) = (pixel % edge, pixel / edge);
            let near = [at(x.saturating_sub(1), y), at(x + 1, y), at(x, y.saturating_sub(1)), at(x, y + 1)];
            for k in 0..3 {
                let mean = near.iter().map(|colour| colour[k]).sum::<f64>() / 4.0;
                let value = stain[k] * (own[k] + blur * (mean - own[k])) + 0.02 * stream.normal();
                rgb.push((255.0 * value).round().clamp(0.0, 255.0) as u8);
            }
        }
        Picture { width: edge, height: edge, rgb }
    }
}
