//! Any-subgroup equivariance: groups against sympy, graph attention against PyTorch Geometric (tests/reference/
//! pair_orbits.json and graph_attention.json, made by the scripts beside them), and the symmetry of the whole network.

use std::collections::BTreeMap;
use std::fs;

use approx::assert_relative_eq;
use candle_core::{DType, Device, Tensor};
use ndarray::Array2;
use qgraft::circuit::Circuit;
use qgraft::lab::{self, ApplyOptions, SavedRun, System, SystemOf};
use qgraft::math::permutation::{automorphisms, log_order};
use qgraft::math::{PairOrbits, Permutation, Stream};
use qgraft::nn::layer::GraphAttention;
use qgraft::nn::{Mode, Model, Params};
use qgraft::sim::Condition;
use qgraft::systems::equivariance::{
    ATOM_TASKS, Equivariance, EquivariantNet, GROUPS, Group, Needs, Part, Readout, Sequences, Size, Spec, TASKS, Task,
    TiedCircuit,
};
use serde::Deserialize;
use tempfile::TempDir;

use crate::support::apply::apply_options;

#[derive(Deserialize)]
struct Orbits {
    cases: Vec<OrbitCase>,
}

#[derive(Deserialize)]
struct OrbitCase {
    points: usize,
    generators: Vec<Vec<usize>>,
    order: String,
    orbits: Vec<Vec<usize>>,
}

#[test]
fn orbits_of_pairs_and_orders_are_those_of_sympy() {
    let all: Orbits = serde_json::from_str(include_str!("../reference/pair_orbits.json")).unwrap();
    for case in all.cases {
        let generators: Vec<Permutation> = case.generators.into_iter().map(|g| Permutation::new(g).unwrap()).collect();
        let orbits = PairOrbits::new(case.points, &generators);
        assert_eq!(orbits.count, case.orbits.len(), "{generators:?}");
        for (number, orbit) in case.orbits.iter().enumerate() {
            assert!(orbit.iter().all(|pair| orbits.colors[*pair] == number), "{generators:?}: orbit {number}");
        }
        // The order is a whole number up to 12!, so its logarithm in double precision tells it from its neighbours.
        let order: f64 = case.order.parse().unwrap();
        assert_relative_eq!(log_order(case.points, &generators), order.ln(), epsilon = 1e-9);
    }
}

/// The counts of the source's groups on ten positions.
#[test]
fn groups_have_the_published_numbers_of_orbits() {
    let known = [
        ("trivial", 10, 100),
        ("reversal", 10, 50),
        ("cyclic", 10, 10),
        ("dihedral", 10, 6),
        ("halves", 10, 6),
        ("swapped_halves", 10, 3),
        // Burnside's lemma on the pairs of nine pixels: (81 + 9) / 2 and (81 + 1 + 1 + 1 + 4 · 9) / 8.
        ("mirror", 9, 45),
        ("square", 9, 15),
        ("alternating", 10, 2),
        ("symmetric", 10, 2),
    ];
    assert_eq!(known.len(), GROUPS.len(), "every row has its count here");
    for (name, positions, count) in known {
        let group = Group::named(name, positions).unwrap();
        assert_eq!(group.orbits.count, count, "{name}");
        assert_eq!(group.notice().is_some(), name == "alternating", "{name}: pairs see more symmetry only there");
    }
}

/// The permutations that keep the colours are the 2-closure: for groups on few points, found by trying all.
#[test]
fn the_permutations_that_keep_the_orbits_are_the_two_closure() {
    for (name, order) in
        [("trivial", 1), ("reversal", 2), ("cyclic", 6), ("dihedral", 12), ("halves", 36), ("alternating", 720)]
    {
        let group = Group::named(name, 6).unwrap();
        let mut kept = 0;
        let mut images: Vec<usize> = (0..6).collect();
        permute(&mut images, 0, &mut |images| {
            kept += usize::from(group.orbits.is_kept_by(&Permutation::new(images.to_vec()).unwrap()));
        });
        assert_eq!(kept, order, "{name}");
    }
}

fn permute(images: &mut Vec<usize>, from: usize, each: &mut impl FnMut(&[usize])) {
    if from == images.len() {
        return each(images);
    }
    for k in from..images.len() {
        images.swap(from, k);
        permute(images, from + 1, each);
        images.swap(from, k);
    }
}

#[test]
fn generators_that_are_no_permutations_are_refused_by_line() {
    let folder = TempDir::new().unwrap();
    let cases = [
        ("0 1 2 3 4 5 6 7 8", "9 images, expected 10"),
        ("0 1 2 3 4 5 6 7 8 8", "8 is the image of two points"),
        ("(0 1)(1 2)", "1 is in two cycles"),
        ("(0 10)", "10 is no point"),
        ("(0 x)", "\"x\" is no number"),
        ("(0 1 2)(3 4", "no ) behind \"(3 4\""),
        ("(0 1) 2", "no ) behind"),
        ("0 1 2 3 4 5 6 7 8 12", "points are 0 to 9"),
    ];
    for (line, expected) in cases {
        let path = folder.path().join("group.txt");
        fs::write(&path, format!("# generators\n(0 9)(1 8)\n{line}\n")).unwrap();
        let message = Group::named(path.to_str().unwrap(), 10).unwrap_err().to_string();
        assert!(message.contains("line 3") && message.contains(expected), "{line}: {message}");
    }
    for (text, expected) in
        [("", "no generator;"), ("# none\n\n", "no generator;"), ("()\n0 1 2\n", "no generator moves")]
    {
        let path = folder.path().join("none.txt");
        fs::write(&path, text).unwrap();
        let message = Group::named(path.to_str().unwrap(), 3).unwrap_err().to_string();
        assert!(message.contains("none.txt") && message.contains(expected) && message.contains("trivial"), "{message}");
    }
    let message = Group::named("dihedrall", 10).unwrap_err().to_string();
    assert!(message.contains("dihedral"), "{message}");
    assert!(Group::named("halves", 9).unwrap_err().to_string().contains("must be even"));
}

/// Orders of the automorphism groups of graphs, known from their structure.
#[test]
fn automorphism_groups_of_graphs_have_the_known_orders() {
    let ring = |n: usize| (0..n).map(|k| (k, (k + 1) % n)).collect::<Vec<_>>();
    let star = |n: usize| (1..n).map(|k| (0, k)).collect::<Vec<_>>();
    let petersen = (0..5).flat_map(|k| [(k, (k + 1) % 5), (k, k + 5), (k + 5, (k + 2) % 5 + 5)]).collect();
    let waters = |n: usize| (0..n).flat_map(|k| [(3 * k, 3 * k + 1), (3 * k, 3 * k + 2)]).collect::<Vec<_>>();
    let ethanol = vec![(0, 1), (1, 2), (0, 3), (0, 4), (0, 5), (1, 6), (1, 7), (2, 8)];
    let cases = [
        ("one point", vec![0], vec![], 1.0),
        ("four points without an edge", vec![0; 4], vec![], 24.0),
        ("a path of three", vec![0; 3], vec![(0, 1), (1, 2)], 2.0),
        ("a ring of six", vec![0; 6], ring(6), 12.0),
        ("a ring of six in two colours", vec![0, 1, 0, 1, 0, 1], ring(6), 6.0),
        ("a star of five", vec![0; 5], star(5), 24.0),
        ("Petersen's graph", vec![0; 10], petersen, 120.0),
        // Methyl's three hydrogens and methylene's two.
        ("ethanol", vec![6, 6, 8, 1, 1, 1, 1, 1, 1], ethanol, 12.0),
        ("two molecules of water", [8, 1, 1].repeat(2), waters(2), 8.0),
        ("three molecules of water", [8, 1, 1].repeat(3), waters(3), 48.0),
    ];
    for (what, colors, edges, order) in cases {
        let generators = automorphisms(&colors, &edges);
        assert_relative_eq!(log_order(colors.len(), &generators).exp(), order, max_relative = 1e-9);
        let mut sorted: Vec<_> = edges.iter().map(|&(i, j)| (i.min(j), i.max(j))).collect();
        sorted.sort_unstable();
        for generator in &generators {
            assert!((0..colors.len()).all(|k| colors[generator.of(k)] == colors[k]), "{what}: colours stay");
            let moved = |&(i, j): &(usize, usize)| {
                let (i, j) = (generator.of(i), generator.of(j));
                (i.min(j), i.max(j))
            };
            let mut moved: Vec<_> = sorted.iter().map(moved).collect();
            moved.sort_unstable();
            assert_eq!(moved, sorted, "{what}: edges go to edges");
        }
    }
}

/// Order of the group and orbits of pairs of each task on atoms. Ethanol: three and two hydrogens may be permuted; of its pairs,
/// the orbits of atoms C, C, O, H₃, H₂, H make 6 · 6 pairs of orbits, and two more, because pairs within H₃ and within H₂ are
/// of an atom with itself or with another. Water: O and H of one molecule or of two, and H with itself.
#[test]
fn atoms_have_the_group_of_their_molecule() {
    let known = [("ethanol_forces", 12.0, 38), ("ethanol_corrections", 12.0, 38), ("water_forces", 48.0, 9)];
    assert_eq!(known.map(|(name, ..)| name), ATOM_TASKS.iter().map(|task| task.name).collect::<Vec<_>>()[..]);
    for (task, (name, order, orbits)) in ATOM_TASKS.iter().zip(known) {
        let (rows, group) = task.rows(200).unwrap();
        assert_eq!((rows.len(), rows.form.positions), (200, 9), "{name}");
        assert_relative_eq!(log_order(9, &group.generators).exp(), order, max_relative = 1e-9);
        assert_eq!((group.orbits.count, group.notice()), (orbits, None), "{name}");
        // A median has as many labels on either side, up to one of each orbit.
        assert!((rows.majority() - 0.5).abs() < 0.01, "{name}: {}", rows.majority());
        let parts = rows.split_blocks(1);
        assert_eq!(parts.each_ref().map(Sequences::len), [140, 30, 30], "{name}");
        assert_eq!(task.rows(1_000_000).unwrap().0.len(), 1000, "{name}: no more frames than there are");
    }
}

/// Every part of the study runs on atoms, and trained networks keep the group of the molecule.
#[test]
fn tasks_on_atoms_are_learned_under_the_group_of_the_molecule() {
    let folder = TempDir::new().unwrap();
    let mut spec = Spec { tasks: ATOM_TASKS.iter().map(|task| task.name.into()).collect(), ..Spec::default() };
    (spec.rows, spec.together, spec.train.epochs) = (60, 20, 2);
    (spec.transfer.rows, spec.transfer.source_epochs, spec.transfer.train.epochs) = (vec![20], 1, 2);
    spec.size = Size { width: 8, layers: 1, heads: 2, circuit_depth: 1, ..Size::default() };
    let out = folder.path().join("run");
    let options = lab::RunOptions { cache: folder.path().into(), ..lab::RunOptions::new(out.clone()) };
    lab::run::<Equivariance>(&spec, &options, &()).unwrap();
    let metrics: serde_json::Value = serde_json::from_slice(&fs::read(out.join("metrics.json")).unwrap()).unwrap();
    let values = metrics["values"].as_array().unwrap();
    let of = |metric: &str| values.iter().filter(|row| row["metric"] == metric).collect::<Vec<_>>();
    // Three tasks: three groups, three readouts, four ways of transfer, two of learning together.
    assert_eq!(of("loss").len(), 3 * (3 + 3 + 4 + 2));
    for row in of("inside") {
        // Sums in another order, in single precision.
        assert!(row["values"][0][1].as_f64().unwrap() < 1e-4, "{row}");
    }
    for (change, expected) in [
        (Spec { tasks: vec!["ethanol_forces".into(), "intersect".into()], ..spec.clone() }, "equally many positions"),
        (Spec { rows: 5000, together: 900, ..spec.clone() }, "together = 900: ethanol_forces has 700 rows"),
    ] {
        let options = lab::RunOptions { out: folder.path().join("none"), ..options.clone() };
        let message = lab::run::<Equivariance>(&change, &options, &()).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[derive(Deserialize)]
struct Attention {
    shape: BTreeMap<String, usize>,
    x: Vec<f64>,
    vectors: Vec<f64>,
    color: Vec<u32>,
    cotangent: Vec<f64>,
    out: Vec<f64>,
    gradients: BTreeMap<String, Vec<f64>>,
    parameters: BTreeMap<String, Parameter>,
}

#[derive(Deserialize)]
struct Parameter {
    shape: Vec<usize>,
    values: Vec<f64>,
}

#[test]
fn graph_attention_and_its_gradients_are_those_of_pytorch_geometric() {
    let known: Attention = serde_json::from_str(include_str!("../reference/graph_attention.json")).unwrap();
    let size = |name: &str| known.shape[name];
    let (batch, nodes, width) = (size("batch"), size("nodes"), size("width"));
    let mut params = Params::new(0, DType::F64);
    GraphAttention::new(&mut params, "gat", (size("inputs"), size("edge"), width), size("heads")).unwrap();
    for (name, parameter) in &known.parameters {
        let var = params.find(&format!("gat.{name}")).unwrap_or_else(|| panic!("no parameter {name}"));
        var.set(&Tensor::new(&parameter.values[..], &Device::Cpu).unwrap().reshape(&parameter.shape[..]).unwrap())
            .unwrap();
    }
    let layer = GraphAttention::new(&mut params, "gat", (size("inputs"), size("edge"), width), size("heads")).unwrap();
    let variable = |values: &[f64], shape: (usize, usize, usize)| {
        let tensor = Tensor::new(values, &Device::Cpu).unwrap().reshape(shape).unwrap();
        candle_core::Var::from_tensor(&tensor).unwrap()
    };
    let x = variable(&known.x, (batch, nodes, size("inputs")));
    let vectors = variable(&known.vectors, (1, size("colors"), size("edge")));
    let colors = Tensor::new(&known.color[..], &Device::Cpu).unwrap();
    let out = layer.forward(x.as_tensor(), &vectors.squeeze(0).unwrap(), &colors).unwrap();
    let cotangent = Tensor::new(&known.cotangent[..], &Device::Cpu).unwrap().reshape((batch, nodes, width)).unwrap();
    let gradients = (&out * cotangent).unwrap().sum_all().unwrap().backward().unwrap();
    // Both run in double precision; the values are written with ten digits.
    let same = |what: &str, own: &Tensor, known: &[f64]| {
        let own: Vec<f64> = own.flatten_all().unwrap().to_vec1().unwrap();
        own.iter().zip(known).for_each(|(own, known)| assert!((own - known).abs() < 1e-8, "{what}: {own} {known}"));
    };
    same("out", &out, &known.out);
    same("x", gradients.get(x.as_tensor()).unwrap(), &known.gradients["x"]);
    same("vectors", gradients.get(vectors.as_tensor()).unwrap(), &known.gradients["vectors"]);
    for name in known.parameters.keys() {
        let var = params.find(&format!("gat.{name}")).unwrap();
        same(name, gradients.get(var.as_tensor()).unwrap(), &known.gradients[name]);
    }
}

/// Largest change of a logit when tokens are moved first, or labels afterwards.
fn change(net: &EquivariantNet, params: &mut Params, tokens: &Array2<u32>, by: &Permutation) -> f64 {
    let network = net.build(params).unwrap();
    let logits = |tokens: &Array2<u32>| {
        let inputs = EquivariantNet::inputs(tokens, 0).unwrap();
        network.forward(&inputs, Mode::Eval).unwrap().logits.to_dtype(DType::F64).unwrap().to_vec3::<f64>().unwrap()
    };
    let mut moved = tokens.clone();
    (0..tokens.ncols()).for_each(|k| moved.column_mut(by.of(k)).assign(&tokens.column(k)));
    let (own, of_moved) = (logits(tokens), logits(&moved));
    let mut largest = 0.0f64;
    for (own, of_moved) in own.iter().zip(&of_moved) {
        for (position, classes) in own.iter().enumerate() {
            for (own, other) in classes.iter().zip(&of_moved[by.of(position)]) {
                largest = largest.max((own - other).abs());
            }
        }
    }
    largest
}

#[test]
fn networks_with_random_weights_are_equivariant_to_their_group_and_to_no_more() {
    let task = &TASKS[0];
    let sequences = Sequences::of_task(task, 8, 3);
    for row in GROUPS.iter().filter(|row| row.needs != Needs::Square) {
        for readout in [Readout::Linear, Readout::Circuit] {
            let group = Group::named(row.name, 10).unwrap();
            let task = Task { name: "t".into(), form: sequences.form.clone(), orbits: group.orbits.clone() };
            let size = Size { width: 16, ..Size::default() };
            let net = EquivariantNet::new(vec![task], &size, readout).unwrap();
            let mut params = Params::new(5, DType::F32);
            for generator in &group.generators {
                let inside = change(&net, &mut params, &sequences.tokens, generator);
                // Sums in another order, in single precision.
                assert!(inside < 1e-5, "{} {readout:?}: {inside}", row.name);
            }
            // RZZ has no direction, and a fresh circuit hardly couples: only the linear readout must tell all else apart.
            if let (Some(outside), Readout::Linear) = (group.outside(), readout) {
                let outside = change(&net, &mut params, &sequences.tokens, &outside);
                assert!(outside > 1e-2, "{}: {outside}", row.name);
            }
        }
    }
}

/// Gates of one orbit share one weight: the exported circuit says so.
#[test]
fn tied_circuits_have_one_weight_for_each_orbit() {
    let group = Group::named("dihedral", 10).unwrap();
    let ansatz = TiedCircuit::ansatz(&group.orbits, 2).unwrap();
    // Two layers of five distances on a ring and one orbit of positions.
    assert_eq!((ansatz.inputs, ansatz.weights()), (10, 2 * 6));
    let back = Circuit::from_json(&ansatz.circuit.to_json()).unwrap();
    assert_eq!(back.slots(), ansatz.circuit.slots());
}

#[test]
fn labels_of_tasks_move_with_the_positions_under_their_group() {
    for task in TASKS {
        let (tokens, labels) = task.rows(300, 1);
        let ones = labels.iter().filter(|label| **label == 1).count();
        assert!((300..2700).contains(&ones), "{}: {ones} ones of 3000", task.name);
        for generator in Group::named(task.group, 10).unwrap().generators {
            for (tokens, labels) in tokens.rows().into_iter().zip(labels.rows()) {
                let mut moved = [0; 10];
                (0..10).for_each(|k| moved[generator.of(k)] = tokens[k] as usize);
                let of_moved = task.labels(&moved).expect("labels stay clear under a symmetry");
                let same = (0..10).all(|k| of_moved[generator.of(k)] == (labels[k] == 1));
                assert!(same, "{}: {tokens} under {generator:?}", task.name);
            }
        }
    }
}

fn own_table(rows: usize) -> String {
    let mut text = String::from("x1,x2,x3,x4,y1,y2,y3,y4\n");
    let mut stream = Stream::named(2, "own");
    for _ in 0..rows {
        let tokens: Vec<usize> = (0..4).map(|_| stream.below(3)).collect();
        let label = |k: usize| if tokens[k] == tokens[(k + 2) % 4] { "same" } else { "other" };
        let line: Vec<String> =
            tokens.iter().map(|t| ["a", "b", "c"][*t].to_string()).chain((0..4).map(|k| label(k).into())).collect();
        text += &(line.join(",") + "\n");
    }
    text
}

#[test]
fn own_sequences_are_learned_and_the_network_is_applied_to_new_ones() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("own.csv");
    fs::write(&data, own_table(300)).unwrap();
    let generators = folder.path().join("group.txt");
    fs::write(&generators, "(0 2)\n(0 1)(2 3)\n").unwrap();
    let mut spec = Spec { data: Some(data), group: generators.display().to_string(), ..Spec::default() };
    (spec.parts, spec.groups) = (vec![Part::Groups], vec!["own".into(), "trivial".into()]);
    spec.size = Size { width: 16, layers: 1, ..Size::default() };
    (spec.train.epochs, spec.train.rate) = (25, 1e-2);
    let out = folder.path().join("run");
    let options = lab::RunOptions { cache: folder.path().into(), ..lab::RunOptions::new(out.clone()) };
    lab::run::<Equivariance>(&spec, &options, &()).unwrap();
    let new = folder.path().join("new.csv");
    fs::write(
        &new,
        own_table(350)
            .lines()
            .enumerate()
            .filter(|(k, _)| *k == 0 || *k > 300)
            .fold(String::new(), |text, (_, line)| text + line + "\n"),
    )
    .unwrap();
    let apply = |data: &std::path::Path, condition: Condition| {
        let options = ApplyOptions { condition, cache: folder.path().into(), ..apply_options(data, Some("own")) };
        SystemOf::<Equivariance>::new().apply(&SavedRun::open(&out).unwrap(), &options, &())
    };
    let applied = apply(&new, Condition::default()).unwrap();
    assert_eq!((applied.rows.len(), applied.known), (50, 50));
    let accuracy = applied.metrics[0].1;
    assert!(accuracy > 0.95, "a task of two tokens a position is learned: {accuracy}");
    let message = apply(&new, Condition::on_device("manila")).unwrap_err().to_string();
    assert!(message.contains("no circuit"), "{message}");
    for (text, expected) in [
        ("x1,x2,x3\na,b,c\n", "3 columns"),
        ("x1,x2,x3,x4\na,b,c,d\n", "line 2, column `x4`: \"d\": expected one of a, b, c"),
        ("x1,x2,x3,x4\na,b,c,\n", "line 2, column `x4`: \"\": expected one of a, b, c"),
        ("x1,x2,x3,x4\n", "no rows"),
    ] {
        fs::write(&new, text).unwrap();
        let message = apply(&new, Condition::default()).unwrap_err().to_string();
        assert!(message.contains(expected) && message.contains("new.csv"), "{text}: {message}");
    }
}

#[test]
fn own_tables_that_nothing_can_be_learned_from_are_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("own.csv");
    for (text, expected) in [
        ("a,b\n1,2\n", "x1, x2"),
        ("x1,x2,y1\n1,2,0\n", "2 columns x but 1 columns y"),
        ("x1,x2,y\n1,2,0\n2,1,0\n", "every label is \"0\""),
    ] {
        fs::write(&path, text).unwrap();
        let message = Sequences::read(&path).unwrap_err().to_string();
        assert!(message.contains(expected) && message.contains("own.csv"), "{text}: {message}");
    }
}

/// A group that does not fit the rows is refused by the run, not by each of its trials.
#[test]
fn groups_that_do_not_fit_own_rows_are_refused_before_the_first_trial() {
    let folder = TempDir::new().unwrap();
    let (data, generators) = (folder.path().join("own.csv"), folder.path().join("group.txt"));
    fs::write(&data, own_table(60)).unwrap();
    fs::write(&generators, "1 2 3 9\n").unwrap();
    for (group, expected) in
        [(generators.display().to_string(), "line 1"), ("ring".into(), "a row of the table of groups")]
    {
        let spec = Spec { data: Some(data.clone()), group, ..Spec::default() };
        let options =
            lab::RunOptions { cache: folder.path().into(), ..lab::RunOptions::new(folder.path().join("run")) };
        let message = lab::run::<Equivariance>(&spec, &options, &()).unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}
