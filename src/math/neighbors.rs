//! Pairs of points within a distance, in free space and under periodic boundaries.

use std::f64::consts::PI;

/// A point or a vector of space.
pub type Vector = [f64; 3];

/// Pairs that may be asked for at most: a cutoff far beyond what a cell holds would fill the memory.
const MOST_PAIRS: usize = 1 << 28;

/// A periodic cell: three vectors, and along which of them space repeats itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    vectors: [Vector; 3],
    periodic: [bool; 3],
    /// Rows b with b_k · a_l = 1 for k = l, else 0.
    inverse: [Vector; 3],
}

/// a · b.
pub fn dot(a: &Vector, b: &Vector) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// a × b.
pub fn cross(a: &Vector, b: &Vector) -> Vector {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

/// a + s b.
pub fn plus(a: &Vector, s: f64, b: &Vector) -> Vector {
    [a[0] + s * b[0], a[1] + s * b[1], a[2] + s * b[2]]
}

fn scaled(s: f64, a: &Vector) -> Vector {
    a.map(|x| s * x)
}

impl Cell {
    /// A cell of these vectors. Those along which nothing repeats may be zero.
    ///
    /// # Errors
    /// What is wrong: a number that is none, or periodic vectors in a plane.
    pub fn new(vectors: [Vector; 3], periodic: [bool; 3]) -> Result<Self, String> {
        if vectors.iter().flatten().any(|x| !x.is_finite() || x.abs() > 1e9) {
            return Err(format!("the vectors of the cell {vectors:?} are no finite numbers up to 1e9 Å"));
        }
        let own: Vec<Vector> = (0..3).filter(|&k| periodic[k]).map(|k| vectors[k]).collect();
        // Vectors along which nothing repeats are replaced by unit vectors across to the others.
        let unit = |a: Vector| scaled(1.0 / dot(&a, &a).sqrt(), &a);
        let least = |a: &Vector| (0..3).min_by(|&k, &l| a[k].abs().total_cmp(&a[l].abs())).unwrap_or(0);
        let axis = |k: usize| std::array::from_fn(|l| f64::from(u8::from(k == l)));
        let filled: Vec<Vector> = match own[..] {
            [] => vec![axis(0), axis(1), axis(2)],
            [a] => {
                let b = unit(cross(&a, &axis(least(&a))));
                vec![a, b, unit(cross(&a, &b))]
            }
            [a, b] => vec![a, b, unit(cross(&a, &b))],
            _ => own.clone(),
        };
        let mut filled = (filled[..own.len()].iter().copied(), filled[own.len()..].iter().copied());
        let vectors: [Vector; 3] = std::array::from_fn(|k| {
            let next = if periodic[k] { filled.0.next() } else { filled.1.next() };
            next.unwrap_or([0.0; 3])
        });
        let volume = dot(&vectors[0], &cross(&vectors[1], &vectors[2]));
        let sides: f64 = vectors.iter().map(|a| dot(a, a).sqrt()).product();
        // 1e-6 of a right-angled cell: far flatter than any crystal.
        if !(volume.abs() > 1e-6 * sides) || !sides.is_finite() {
            return Err(format!("the periodic vectors of the cell {vectors:?} lie in a plane or are zero"));
        }
        let across = |k: usize| scaled(1.0 / volume, &cross(&vectors[(k + 1) % 3], &vectors[(k + 2) % 3]));
        Ok(Self { vectors, periodic, inverse: [across(0), across(1), across(2)] })
    }

    /// A cube of this side, periodic along all three.
    ///
    /// # Errors
    /// If the side is not above 0.
    pub fn cube(side: f64) -> Result<Self, String> {
        Self::new(std::array::from_fn(|k| std::array::from_fn(|l| if k == l { side } else { 0.0 })), [true; 3])
    }

    /// No boundaries.
    fn free() -> Self {
        let unit: [Vector; 3] = std::array::from_fn(|k| std::array::from_fn(|l| f64::from(u8::from(k == l))));
        Self { vectors: unit, periodic: [false; 3], inverse: unit }
    }

    /// The three vectors; unit vectors in place of those along which nothing repeats.
    pub fn vectors(&self) -> &[Vector; 3] {
        &self.vectors
    }

    /// Along which vectors space repeats itself.
    pub fn periodic(&self) -> [bool; 3] {
        self.periodic
    }

    /// Volume of a cell that is periodic along all three vectors.
    pub fn volume(&self) -> Option<f64> {
        let volume = dot(&self.vectors[0], &cross(&self.vectors[1], &self.vectors[2])).abs();
        self.periodic.iter().all(|is_periodic| *is_periodic).then_some(volume)
    }

    /// Coordinates of a point in units of the vectors.
    fn fractions(&self, point: &Vector) -> Vector {
        std::array::from_fn(|k| dot(&self.inverse[k], point))
    }
}

/// Pairs of points, each pair in both directions, in the order of the first point.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Neighbors {
    /// Index of the point that looks.
    pub first: Vec<u32>,
    /// Index of the point that it sees, perhaps an image of itself.
    pub second: Vec<u32>,
    /// From the first to the image of the second.
    pub vectors: Vec<Vector>,
}

impl Neighbors {
    /// Every pair nearer than `cutoff`, by a cell list: the work grows as the number of points at constant density. Images
    /// count as points of their own, so cells smaller than the cutoff are right too.
    ///
    /// ```
    /// use qgraft::math::neighbors::{Cell, Neighbors};
    /// let pair = Neighbors::within(&[[0.1, 0.0, 0.0], [9.9, 0.0, 0.0]], Some(&Cell::cube(10.0)?), 1.0)?;
    /// assert_eq!(pair.first, [0, 1]);
    /// assert!((pair.vectors[0][0] + 0.2).abs() < 1e-12, "through the wall");
    /// # Ok::<(), String>(())
    /// ```
    ///
    /// # Errors
    /// A point that is not finite, or more pairs than fit in memory.
    pub fn within(points: &[Vector], cell: Option<&Cell>, cutoff: f64) -> Result<Self, String> {
        if let Some(at) = points.iter().position(|point| point.iter().any(|x| !x.is_finite())) {
            return Err(format!("the position of atom {at} (from 0) is {:?}; expected finite numbers", points[at]));
        }
        if !(cutoff > 0.0 && cutoff.is_finite()) {
            return Err(format!("a cutoff of {cutoff}; expected a number above 0"));
        }
        if points.is_empty() {
            return Ok(Self::default());
        }
        let free = Cell::free();
        let bins = Bins::new(points, cell.unwrap_or(&free), cutoff);
        let expected = bins.reach.iter().fold(1.0, |product, reach| product * (2 * reach + 1) as f64);
        if expected * points.len() as f64 > MOST_PAIRS as f64 {
            return Err(format!("a cutoff of {cutoff} Å reaches over too many images of the cell"));
        }
        let mut found = Self::default();
        let mut of_point: Vec<(u32, Vector)> = Vec::new();
        for first in 0..points.len() {
            of_point.clear();
            bins.visit(first, |second, vector| {
                if dot(&vector, &vector) < cutoff * cutoff {
                    of_point.push((second as u32, vector));
                }
            });
            if found.first.len() + of_point.len() > MOST_PAIRS {
                return Err(format!("more than {MOST_PAIRS} pairs within {cutoff} Å"));
            }
            // The order of bins depends on where the points are; that of points does not.
            of_point.sort_by_key(|pair| pair.0);
            for &(second, vector) in &of_point {
                found.first.push(first as u32);
                found.second.push(second);
                found.vectors.push(vector);
            }
        }
        Ok(found)
    }

    /// Number of pairs, each counted in both directions.
    pub fn len(&self) -> usize {
        self.first.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
    }
}

/// Points sorted into boxes.
struct Bins<'a> {
    cell: &'a Cell,
    /// Moved into the cell along its periodic vectors.
    points: Vec<Vector>,
    /// Box of each point.
    of_point: Vec<[usize; 3]>,
    counts: [usize; 3],
    /// Boxes to look into in each direction.
    reach: [usize; 3],
    /// Points of box b: `order[starts[b]..starts[b + 1]]`.
    starts: Vec<usize>,
    order: Vec<usize>,
}

impl<'a> Bins<'a> {
    fn new(points: &[Vector], cell: &'a Cell, cutoff: f64) -> Self {
        let mut fractions: Vec<Vector> = points.iter().map(|point| cell.fractions(point)).collect();
        let mut wrapped = points.to_vec();
        let (mut low, mut width) = ([0.0; 3], [1.0; 3]);
        for k in 0..3 {
            if cell.periodic[k] {
                for (fraction, point) in fractions.iter_mut().zip(&mut wrapped) {
                    let images = fraction[k].floor();
                    fraction[k] -= images;
                    *point = plus(point, -images, &cell.vectors[k]);
                }
            } else {
                let ends = fractions.iter().fold((f64::MAX, f64::MIN), |(a, b), s| (a.min(s[k]), b.max(s[k])));
                (low[k], width[k]) = (ends.0, (ends.1 - ends.0).max(1e-9));
            }
        }
        // Distance of the planes that bound what is divided.
        let heights: Vector = std::array::from_fn(|k| width[k] / dot(&cell.inverse[k], &cell.inverse[k]).sqrt());
        let mut counts = heights.map(|height| ((height / cutoff).floor() as usize).max(1));
        // Points far apart would need more boxes than there are points.
        while counts.iter().fold(1usize, |product, &n| product.saturating_mul(n)) > 8 * points.len() + 64 {
            let widest = (0..3).max_by_key(|&k| counts[k]).unwrap_or(0);
            counts[widest] = counts[widest].div_ceil(2);
        }
        let reach = std::array::from_fn(|k| {
            let all = if cell.periodic[k] { usize::MAX } else { counts[k] };
            ((cutoff * counts[k] as f64 / heights[k]).ceil().min(1e6) as usize).min(all)
        });
        let bin = |s: &Vector| -> [usize; 3] {
            std::array::from_fn(|k| (((s[k] - low[k]) / width[k] * counts[k] as f64) as usize).min(counts[k] - 1))
        };
        let of_point: Vec<[usize; 3]> = fractions.iter().map(bin).collect();
        let flat = |b: &[usize; 3]| (b[0] * counts[1] + b[1]) * counts[2] + b[2];
        let mut starts = vec![0; counts.iter().product::<usize>() + 1];
        for b in &of_point {
            starts[flat(b) + 1] += 1;
        }
        for b in 1..starts.len() {
            starts[b] += starts[b - 1];
        }
        let (mut next, mut order) = (starts.clone(), vec![0; points.len()]);
        for (point, b) in of_point.iter().enumerate() {
            order[next[flat(b)]] = point;
            next[flat(b)] += 1;
        }
        Self { cell, points: wrapped, of_point, counts, reach, starts, order }
    }

    /// Calls `see` with every point in reach of `first` but itself, and the vector to it.
    fn visit(&self, first: usize, mut see: impl FnMut(usize, Vector)) {
        let (own, here) = (self.of_point[first], &self.points[first]);
        // Box and number of cells crossed along vector k.
        let along = |k: usize| {
            let (count, reach) = (self.counts[k] as i64, self.reach[k] as i64);
            let is_periodic = self.cell.periodic[k];
            (-reach..=reach).filter_map(move |step| {
                let at = own[k] as i64 + step;
                let (images, inside) = (at.div_euclid(count), at.rem_euclid(count));
                (is_periodic || images == 0).then_some((inside as usize, images))
            })
        };
        let (second, third): (Vec<_>, Vec<_>) = (along(1).collect(), along(2).collect());
        for (x, nx) in along(0) {
            for &(y, ny) in &second {
                for &(z, nz) in &third {
                    let images = [nx, ny, nz];
                    let shift = (0..3).fold([0.0; 3], |sum, k| plus(&sum, images[k] as f64, &self.cell.vectors[k]));
                    let from = plus(&shift, -1.0, here);
                    let b = (x * self.counts[1] + y) * self.counts[2] + z;
                    for &point in &self.order[self.starts[b]..self.starts[b + 1]] {
                        if point != first || images != [0; 3] {
                            see(point, plus(&from, 1.0, &self.points[point]));
                        }
                    }
                }
            }
        }
    }
}

/// The cosine cutoff (Behler & Parrinello 2007, Phys. Rev. Lett. 98, 146401) and its derivative at distance `d`: 1 at 0, 0 from
/// `cutoff` on.
pub fn cosine_cutoff(d: f64, cutoff: f64) -> (f64, f64) {
    if d >= cutoff {
        return (0.0, 0.0);
    }
    let (sin, cos) = (PI * d / cutoff).sin_cos();
    (0.5 * (cos + 1.0), -0.5 * PI / cutoff * sin)
}
