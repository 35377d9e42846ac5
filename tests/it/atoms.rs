//! Atoms: PaiNN against SchNetPack (tests/reference/painn.json, made by the script beside it) and against finite differences, its
//! symmetries, pairs by cell list, files of frames, water, dynamics.

use std::collections::BTreeMap;

use candle_core::{DType, Tensor};
use qgraft::classic::dynamics::{BOLTZMANN, Dynamics, State, Thermostat};
use qgraft::classic::water::{WATER_MODELS, WaterModel};
use qgraft::data::structure::{extended_xyz, parse_structures};
use qgraft::math::neighbors::{Cell, Neighbors, Vector, cross, dot, plus};
use qgraft::math::{EnergyUnit, Stream};
use qgraft::nn::layer::{AtomGraph, AtomReadout, Painn, PainnSize, painn};
use qgraft::nn::{NnError, Params};
use serde::Deserialize;

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
pub(crate) fn atoms(seed: u64) -> (Vec<u32>, Vec<Vector>) {
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
        for cutoff in [1.0, 3.3, 5.9] {
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

/// Frames that ASE wrote (tests/data/structures/make.py).
#[test]
fn frames_of_ase_are_read_and_come_back_as_they_were() {
    let text = include_str!("../data/structures/ase.xyz");
    let frames = parse_structures(text.as_bytes(), "ase.xyz", EnergyUnit::ElectronVolt).unwrap();
    let [salt, water] = &frames[..] else { panic!("{} frames", frames.len()) };
    assert_eq!((salt.formula().as_str(), salt.group.as_str()), ("Cl2Na2", "rock salt"));
    let cell = salt.cell.as_ref().unwrap();
    assert_eq!((cell.periodic(), cell.vectors()[1]), ([true, true, false], [0.5, 5.6, 0.0]));
    let labels = salt.labels.as_ref().unwrap();
    assert_eq!((labels.energy, labels.forces[2]), (-12.5, [1.30400005, 0.94708096, -0.70373524]), "not the momenta");
    assert_eq!((water.cell.is_none(), water.group.as_str(), water.elements[0].number()), (true, "H2O", 8));
    assert_eq!(water.labels.as_ref().unwrap().energy, -14.25);
    let again = parse_structures(extended_xyz(&frames).as_bytes(), "again", EnergyUnit::ElectronVolt).unwrap();
    for (a, b) in frames.iter().zip(&again) {
        assert_eq!(
            (&a.elements, &a.group, a.cell.as_ref().map(Cell::periodic)),
            (&b.elements, &b.group, b.cell.as_ref().map(Cell::periodic))
        );
        // Eight decimals are written.
        assert!(largest(&a.positions, &b.positions) <= 1e-8);
        assert!(largest(&a.labels.as_ref().unwrap().forces, &b.labels.as_ref().unwrap().forces) <= 1e-8);
    }
}

/// Arrays as MD17 is published: energies (frames, 1) in kcal/mol.
#[test]
fn arrays_of_one_molecule_are_frames() {
    let bytes = include_bytes!("../data/structures/md17.npz");
    let frames = parse_structures(bytes, "md17.npz", EnergyUnit::KilocaloriePerMole).unwrap();
    let unit = 0.043_364_1;
    let labels = frames[1].labels.as_ref().unwrap();
    assert!((labels.energy + 100.25 * unit).abs() < 1e-4 && (labels.forces[2][1] - 16.0 * unit).abs() < 1e-5);
    assert_eq!((frames.len(), frames[0].formula().as_str(), frames[0].positions[1][0]), (2, "H2O", 0.76));
}

#[test]
fn bad_frames_are_refused_with_frame_and_line() {
    let water = "3\nProperties=species:S:1:pos:R:3:forces:R:3 energy=-1\nO 0 0 0 1 0 0\nH 1 0 0 0 0 0\nH 0 1 0 0 0 0\n";
    let cases = [
        (
            water.replace("1 0 0\nH 1", "nan 0 0\nH 1"),
            "frame 1: the force on atom 1 is [NaN, 0.0, 0.0]; expected finite numbers",
        ),
        (water.replace("energy=-1", "energy=inf"), "frame 1: the energy is inf"),
        (water.replace("energy=-1", "energy=low"), "energy = \"low\" is no number"),
        (water.replace(" energy=-1", ""), "no `energy=` beside the column `forces`"),
        (water.replace(":forces:R:3", ""), "frame 1, line 2: no column `forces` beside `energy`"),
        (water.replace("O 0", "Xx 0"), "frame 1, line 3: unknown element \"Xx\""),
        (water.replace("O 0 0 0 1 0 0", "O 0 0 0 1 0"), "frame 1, line 3: the line ends before column `forces`"),
        (water.replace("O 0", "O zero"), "`pos`: \"zero\" is no number"),
        (water.replace("H 0 1 0 0 0 0\n", ""), "the file ends after 2 of 3 atoms"),
        (water.replace("3\nP", "three\nP"), "\"three\" is no number of atoms"),
        (water.replace("energy=-1", "energy=-1 note=\"open"), "no closing \""),
        (water.replace("energy=-1", "energy=-1 Lattice=\"1 0 0 2 0 0 0 0 1\""), "lie in a plane"),
        (water.replace("energy=-1", "energy=-1 Lattice=\"1 0 0\""), "Lattice has 3 numbers; expected 9"),
        (water.replace("energy=-1", "energy=-1 Lattice=\"9 0 0 0 9 0 0 0 9 1\""), "Lattice has 10 numbers; expected 9"),
        (
            water.replace("energy=-1", "energy=-1 Lattice=\"9 0 0 0 9 0 0 0 9 1 2\""),
            "Lattice has 11 numbers; expected 9",
        ),
        (water.replace("species:S:1:", "name:S:1:"), "no column `species`"),
        (water.replace("H 0 1 0 0", "H 1 0 0 0"), "atoms 2 and 3 are at the same place"),
        (
            format!("{water}{}", water.replace(" energy=-1", "").replace(":forces:R:3", "")),
            "frame 2 has no energy and forces",
        ),
        (String::new(), "no frame"),
        ("0\n\n".into(), "frame 1: no atom"),
    ];
    for (text, expected) in cases {
        let error = parse_structures(text.as_bytes(), "a.xyz", EnergyUnit::ElectronVolt).unwrap_err().to_string();
        assert!(error.starts_with("a.xyz: ") && error.contains(expected), "{text}\n{error}");
    }
}

#[test]
fn forces_of_water_are_the_slope_of_its_energy() {
    let cell = Cell::cube(7.3).unwrap();
    let mut stream = Stream::named(0, "water");
    let molecules = [[0.0, 0.0, 0.0], [2.9, 0.2, 0.1], [0.4, 3.0, -0.3], [3.1, 3.0, 2.7]];
    let points: Vec<Vector> = molecules
        .iter()
        .flat_map(|at| [[0.0, 0.0, 0.0], [0.76, 0.59, 0.0], [-0.76, 0.59, 0.0]].map(|atom| plus(at, 1.0, &atom)))
        .map(|point| point.map(|x| x + 0.05 * stream.normal()))
        .collect();
    for model in WATER_MODELS {
        for cell in [None, Some(&cell)] {
            let (_, forces) = model.evaluate(&points, cell).unwrap();
            for (atom, force) in forces.iter().enumerate() {
                for axis in 0..3 {
                    let energy = |h: f64| {
                        let mut moved = points.clone();
                        moved[atom][axis] += h;
                        model.evaluate(&moved, cell).unwrap().0
                    };
                    let slope = (energy(1e-5) - energy(-1e-5)) / 2e-5;
                    assert!((slope + force[axis]).abs() < 1e-6, "{} {atom} {axis}: {slope} {force:?}", model.name);
                }
            }
        }
    }
    // A molecule at its bond lengths and angle has no energy but that of its shape: none.
    let model = WaterModel::named("spc_fw").unwrap();
    let half = (113.24f64 / 2.0).to_radians();
    let at = |sign: f64| [sign * 1.012 * half.sin(), 1.012 * half.cos(), 0.0];
    assert!(model.evaluate(&[[0.0; 3], at(1.0), at(-1.0)], None).unwrap().0.abs() < 1e-12);
}

/// A particle on a spring: the energy of velocity Verlet stays, and a heat bath brings k_B T / 2 to each coordinate.
#[test]
fn dynamics_keeps_the_energy_and_a_heat_bath_the_temperature() {
    let spring = |points: &[Vector]| -> Result<(f64, Vec<Vector>), String> {
        let energy = points.iter().map(|r| 0.5 * dot(r, r)).sum();
        Ok((energy, points.iter().map(|r| r.map(|x| -x)).collect()))
    };
    let masses = vec![1.0; 20];
    let closed = Dynamics { masses: masses.clone(), step: 0.2, thermostat: None };
    let mut stream = Stream::named(1, "spring");
    let positions = vec![[0.1, 0.0, -0.1]; 20];
    let (energy, forces) = spring(&positions).unwrap();
    let mut state = State { velocities: closed.thermal(300.0, &mut stream), positions, energy, forces };
    let before = state.energy + closed.kinetic(&state);
    for _ in 0..2000 {
        closed.advance(&mut state, &mut stream, &mut |r| spring(r)).unwrap();
        // The error of velocity Verlet oscillates within (ω h)²/8 of the energy: ω h is 0.02.
        assert!((state.energy + closed.kinetic(&state) - before).abs() < 1e-4 * before);
    }
    let heated = Dynamics { thermostat: Some(Thermostat { kelvin: 400.0, friction: 0.05 }), ..closed };
    let (mut kinetic, mut potential) = (0.0, 0.0);
    for step in 0..12_000 {
        heated.advance(&mut state, &mut stream, &mut |r| spring(r)).unwrap();
        if step >= 2000 {
            kinetic += heated.temperature(&state) / 10_000.0;
            potential += 2.0 * state.energy / (60.0 * BOLTZMANN) / 10_000.0;
        }
    }
    // Sixty coordinates over 2 ps with a memory of 20 fs: a standard error of about 3 %.
    assert!((kinetic - 400.0).abs() < 40.0 && (potential - 400.0).abs() < 40.0, "{kinetic} {potential}");
}

/// SchNetPack's PaiNN in double precision on the same weights.
#[test]
fn energies_forces_and_gradients_of_a_force_loss_are_those_of_schnetpack() {
    #[derive(Deserialize)]
    struct Sizes {
        width: usize,
        blocks: usize,
        radial: usize,
        cutoff: f64,
    }
    #[derive(Deserialize)]
    struct Reference {
        size: Sizes,
        species: Vec<u32>,
        positions: Vec<Vector>,
        parameters: Vec<String>,
        energy: f64,
        forces: Vec<f64>,
        force_loss_gradients: BTreeMap<String, Option<Vec<f64>>>,
    }
    let known: Reference = serde_json::from_str(include_str!("../reference/painn.json")).unwrap();
    let Sizes { width, blocks, radial, cutoff } = known.size;
    let size = PainnSize { species: 3, width, blocks, radial, cutoff };
    let mut params = Params::new(0, DType::F64);
    let build = |params: &mut Params| {
        let network = Painn::new(params, "body", &size).unwrap();
        (network, AtomReadout::new(params, "head", (width, width / 2), false).unwrap())
    };
    build(&mut params);
    assert_eq!(params.iter().count(), known.parameters.len());
    for (n, name) in known.parameters.iter().enumerate() {
        let var = params.find(name).unwrap_or_else(|| panic!("no parameter {name}"));
        let columns = *var.dims().last().unwrap() as f64;
        let value = |k: usize| 0.4 * (1.7 * k as f64 + 0.3 * n as f64).sin() / columns.sqrt();
        let values: Vec<f64> = (0..var.elem_count()).map(value).collect();
        var.set(&Tensor::from_vec(values, var.shape(), var.device()).unwrap()).unwrap();
    }
    let (network, readout) = build(&mut params);
    let pairs = Neighbors::within(&known.positions, None, cutoff).unwrap();
    let graph = AtomGraph::new(&known.species, &pairs, &size, DType::F64).unwrap();
    let (energies, forces) = network.forward(&graph, &|q| readout.forward(q).map_err(NnError::from)).unwrap();
    let energy: f64 = energies.sum_all().unwrap().to_scalar().unwrap();
    // Both in double precision; the file has twelve digits.
    assert!((energy - known.energy).abs() < 1e-9 * known.energy.abs().max(1.0), "{energy} {}", known.energy);
    let own: Vec<f64> = forces.flatten_all().unwrap().to_vec1().unwrap();
    let scale = known.forces.iter().fold(0.0f64, |most, x| most.max(x.abs()));
    assert!(
        own.iter().zip(&known.forces).all(|(a, b)| (a - b).abs() < 1e-9 * scale.max(1e-3)),
        "{own:?} {:?}",
        known.forces
    );
    let target: Vec<f64> = (0..own.len()).map(|k| (k as f64).sin()).collect();
    let target = Tensor::from_vec(target, forces.shape(), forces.device()).unwrap();
    let gradients = (forces - target).unwrap().sqr().unwrap().sum_all().unwrap().backward().unwrap();
    for (name, expected) in known.force_loss_gradients {
        let var = params.find(&name).unwrap();
        let own: Vec<f64> = match gradients.get(var.as_tensor()) {
            Some(gradient) => gradient.flatten_all().unwrap().to_vec1().unwrap(),
            None => vec![0.0; var.elem_count()],
        };
        let expected = expected.unwrap_or_else(|| vec![0.0; own.len()]);
        let scale = expected.iter().fold(1e-3f64, |most, x| most.max(x.abs()));
        assert!(own.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-8 * scale), "{name}: {own:?} {expected:?}");
    }
}
