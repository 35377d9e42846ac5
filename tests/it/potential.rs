//! Interatomic potentials: PaiNN against SchNetPack (tests/reference/painn.json, made by the script beside it) and against
//! finite differences, its symmetries, and what follows from them.

use candle_core::{DType, Tensor};
use qgraft::math::Stream;
use qgraft::math::neighbors::{Cell, Neighbors, Vector, cross, dot, plus};
use qgraft::nn::layer::{AtomGraph, AtomReadout, Painn, PainnSize, painn};
use qgraft::nn::{NnError, Params};

const SIZE: PainnSize = PainnSize { species: 3, width: 12, blocks: 3, radial: 8, cutoff: 4.0 };

/// A potential with random weights in double precision.
struct Random {
    network: Painn,
    readout: AtomReadout,
}

impl Random {
    fn new(params: &mut Params) -> Self {
        let network = Painn::new(params, "body", &SIZE).unwrap();
        Self { network, readout: AtomReadout::new(params, "head", (SIZE.width, SIZE.width / 2), false).unwrap() }
    }

    fn tensors(&self, species: &[u32], points: &[Vector], cell: Option<&Cell>) -> (Tensor, Tensor) {
        let pairs = Neighbors::within(points, cell, SIZE.cutoff).unwrap();
        let graph = AtomGraph::new(species, &pairs, &SIZE, DType::F64).unwrap();
        let readout = |q: &Tensor| self.readout.forward(q).map_err(NnError::from);
        self.network.forward(&graph, &readout).unwrap()
    }

    fn of(&self, species: &[u32], points: &[Vector], cell: Option<&Cell>) -> (f64, Vec<Vector>) {
        let (energies, forces) = self.tensors(species, points, cell);
        (energies.sum_all().unwrap().to_scalar().unwrap(), painn::vectors(&forces).unwrap())
    }
}

fn random() -> (Params, Random) {
    let mut params = Params::new(3, DType::F64);
    let network = Random::new(&mut params);
    // Biases start at zero, where a mistake in them would not show.
    for (name, var) in params.iter().filter(|(name, _)| name.ends_with("bias")) {
        let mut stream = Stream::named(5, name);
        let values: Vec<f64> = (0..var.elem_count()).map(|_| 0.3 * stream.normal()).collect();
        var.set(&Tensor::from_vec(values, var.shape(), var.device()).unwrap()).unwrap();
    }
    (params, network)
}

/// Nine atoms of three kinds in a box of 5 Å, none closer than 0.7 Å.
fn atoms(seed: u64) -> (Vec<u32>, Vec<Vector>) {
    let mut stream = Stream::named(seed, "atoms");
    let mut points: Vec<Vector> = Vec::new();
    while points.len() < 9 {
        let point: Vector = std::array::from_fn(|_| 5.0 * stream.uniform());
        let is_apart = |other: &Vector| dot(&plus(&point, -1.0, other), &plus(&point, -1.0, other)) > 0.5;
        if points.iter().all(is_apart) {
            points.push(point);
        }
    }
    (vec![0, 1, 2, 1, 1, 0, 2, 1, 0], points)
}

fn largest(a: &[Vector], b: &[Vector]) -> f64 {
    a.iter().flatten().zip(b.iter().flatten()).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// A rotation about a random axis (Rodrigues), with a reflection if asked.
fn rotation(seed: u64, mirrored: bool) -> impl Fn(&Vector) -> Vector {
    let mut stream = Stream::named(seed, "rotation");
    let axis: Vector = std::array::from_fn(|_| stream.normal());
    let axis = axis.map(|x| x / dot(&axis, &axis).sqrt());
    let angle: f64 = 3.0 * stream.uniform();
    move |v| {
        let turned = plus(
            &plus(&v.map(|x| x * angle.cos()), angle.sin(), &cross(&axis, v)),
            (1.0 - angle.cos()) * dot(&axis, v),
            &axis,
        );
        if mirrored { turned.map(|x| -x) } else { turned }
    }
}

#[test]
fn energies_do_not_change_and_forces_turn_with_the_atoms() {
    let (_, network) = random();
    for seed in 0..5 {
        let (species, points) = atoms(seed);
        let (energy, forces) = network.of(&species, &points, None);
        // In double precision; sums of a few hundred terms of order 1.
        for mirrored in [false, true] {
            let turn = rotation(seed, mirrored);
            let moved: Vec<Vector> = points.iter().map(|point| plus(&turn(point), 1.0, &[3.0, -7.0, 11.0])).collect();
            let (energy_moved, forces_moved) = network.of(&species, &moved, None);
            assert!((energy - energy_moved).abs() <= 1e-9, "{energy} {energy_moved}");
            let turned: Vec<Vector> = forces.iter().map(turn).collect();
            assert!(largest(&turned, &forces_moved) <= 1e-9);
        }
        let order = Stream::named(seed, "order").permutation(points.len());
        let of =
            |order: &[usize]| -> (Vec<u32>, Vec<Vector>) { order.iter().map(|&k| (species[k], points[k])).unzip() };
        let (species_of, points_of) = of(&order);
        let (energy_of, forces_of) = network.of(&species_of, &points_of, None);
        let expected: Vec<Vector> = order.iter().map(|&k| forces[k]).collect();
        assert!((energy - energy_of).abs() <= 1e-9 && largest(&expected, &forces_of) <= 1e-9);
        let net = forces.iter().fold([0.0; 3], |sum, force| plus(&sum, 1.0, force));
        let torque = points.iter().zip(&forces).fold([0.0; 3], |sum, (r, f)| plus(&sum, 1.0, &cross(r, f)));
        assert!(dot(&net, &net).sqrt() <= 1e-8 && dot(&torque, &torque).sqrt() <= 1e-8, "{net:?} {torque:?}");
    }
}

#[test]
fn forces_are_the_slope_of_the_energy_in_free_space_and_in_cells() {
    let (_, network) = random();
    let skewed = Cell::new([[5.5, 0.0, 0.0], [1.2, 6.1, 0.0], [-0.7, 0.9, 5.8]], [true; 3]).unwrap();
    // A cell smaller than the cutoff: atoms see images of themselves.
    let small = Cell::new([[3.0, 0.0, 0.0], [0.0, 20.0, 0.0], [0.0, 0.0, 20.0]], [true, true, false]).unwrap();
    for cell in [None, Some(&skewed), Some(&small)] {
        let (species, points) = atoms(7);
        let (_, forces) = network.of(&species, &points, cell);
        let size = forces.iter().flatten().map(|x| x * x).sum::<f64>().sqrt();
        let h = 1e-4;
        for atom in 0..points.len() {
            for axis in 0..3 {
                let energy = |step: f64| {
                    let mut moved = points.clone();
                    moved[atom][axis] += step;
                    network.of(&species, &moved, cell).0
                };
                let slope = (energy(h) - energy(-h)) / (2.0 * h);
                // Central differences at 1e-4 Å are right to about 1e-8 of the third derivative.
                assert!((slope + forces[atom][axis]).abs() <= 1e-6 * size, "{cell:?} {atom} {axis}: {slope}");
            }
        }
    }
}

#[test]
fn the_gradient_of_a_force_loss_is_that_of_finite_differences() {
    let (params, _) = random();
    let (species, points) = atoms(2);
    let target: Vec<f64> = (0..27).map(|k| f64::from(k).sin()).collect();
    let target = Tensor::from_vec(target, (9, 3), &candle_core::Device::Cpu).unwrap();
    let loss = |params: &mut Params| {
        let (energies, forces) = Random::new(params).tensors(&species, &points, None);
        (((forces - &target).unwrap().sqr().unwrap().sum_all().unwrap() * 0.7).unwrap()
            + energies.sum_all().unwrap().sqr().unwrap())
        .unwrap()
    };
    let gradients = loss(&mut params.clone()).backward().unwrap();
    for (name, var) in params.iter() {
        let Some(gradient) = gradients.get(var.as_tensor()) else { panic!("{name} has no gradient") };
        let gradient: Vec<f64> = gradient.flatten_all().unwrap().to_vec1().unwrap();
        let values: Vec<f64> = var.flatten_all().unwrap().to_vec1().unwrap();
        let size = gradient.iter().map(|g| g * g).sum::<f64>().sqrt();
        for at in [0, values.len() / 2, values.len() - 1] {
            let at_step = |step: f64| -> f64 {
                let mut moved = values.clone();
                moved[at] += step;
                var.set(&Tensor::from_vec(moved, var.shape(), var.device()).unwrap()).unwrap();
                loss(&mut params.clone()).to_scalar().unwrap()
            };
            let h = 1e-5;
            let slope = (at_step(h) - at_step(-h)) / (2.0 * h);
            var.set(&Tensor::from_vec(values.clone(), var.shape(), var.device()).unwrap()).unwrap();
            // Differences of a loss of order 100 at 1e-5.
            assert!((slope - gradient[at]).abs() <= 1e-6 * size + 1e-6, "{name} {at}: {slope} {}", gradient[at]);
        }
    }
}

#[test]
fn the_energy_is_smooth_where_an_atom_leaves_the_cutoff() {
    let (_, network) = random();
    let at = |d: f64| network.of(&[0, 1], &[[0.0; 3], [d, 0.0, 0.0]], None);
    let (before, after) = (at(SIZE.cutoff - 1e-7), at(SIZE.cutoff + 1e-7));
    // The cutoff falls as the square of the distance to it; the force as the distance.
    assert!((before.0 - after.0).abs() < 1e-9 && largest(&before.1, &after.1) < 1e-5, "{before:?} {after:?}");
    let alone = network.of(&[0], &[[0.0; 3]], None).0 + network.of(&[1], &[[0.0; 3]], None).0;
    assert!((after.0 - alone).abs() < 1e-12, "atoms out of reach are atoms alone");
}

#[test]
fn a_cell_list_finds_every_pair_that_a_search_over_all_images_finds() {
    let cells = [
        None,
        Some(Cell::cube(7.0).unwrap()),
        Some(Cell::cube(2.5).unwrap()),
        Some(Cell::new([[6.0, 0.0, 0.0], [2.0, 5.0, 0.0], [-1.0, 1.5, 7.0]], [true; 3]).unwrap()),
        Some(Cell::new([[6.0, 0.0, 0.0], [0.0; 3], [0.0, 0.0, 3.0]], [true, false, true]).unwrap()),
        Some(Cell::new([[0.0; 3], [0.0; 3], [1.0, 2.0, 5.0]], [false, false, true]).unwrap()),
    ];
    for (case, cell) in cells.iter().enumerate() {
        let mut stream = Stream::numbered(case as u64, 0);
        let points: Vec<Vector> = (0..12).map(|_| std::array::from_fn(|_| 8.0 * stream.uniform() - 4.0)).collect();
        for cutoff in [1.0, 3.3, 6.0] {
            let found = Neighbors::within(&points, cell.as_ref(), cutoff).unwrap();
            let mut expected = Vec::new();
            let periodic = cell.as_ref().map_or([false; 3], Cell::periodic);
            let images = |k: usize| if periodic[k] { -8i32..=8 } else { 0..=0 };
            for (first, a) in points.iter().enumerate() {
                for (second, b) in points.iter().enumerate() {
                    for x in images(0) {
                        for y in images(1) {
                            for z in images(2) {
                                let mut vector = plus(b, -1.0, a);
                                if let Some(cell) = cell {
                                    for (n, side) in [x, y, z].into_iter().zip(cell.vectors()) {
                                        vector = plus(&vector, f64::from(n), side);
                                    }
                                }
                                let is_self = first == second && [x, y, z] == [0; 3];
                                if !is_self && dot(&vector, &vector) < cutoff * cutoff {
                                    expected.push((first as u32, second as u32, vector));
                                }
                            }
                        }
                    }
                }
            }
            let mut own: Vec<(u32, u32, Vector)> =
                (0..found.len()).map(|k| (found.first[k], found.second[k], found.vectors[k])).collect();
            let key = |pair: &(u32, u32, Vector)| (pair.0, pair.1, pair.2.map(|x| (x * 1e6).round() as i64));
            own.sort_by_key(key);
            expected.sort_by_key(key);
            assert_eq!(
                own.iter().map(key).collect::<Vec<_>>(),
                expected.iter().map(key).collect::<Vec<_>>(),
                "cell {case}, cutoff {cutoff}"
            );
        }
    }
}
