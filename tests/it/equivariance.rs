//! Any-subgroup equivariance: groups against sympy, graph attention against PyTorch Geometric (tests/reference/
//! pair_orbits.json and graph_attention.json, made by the scripts beside them), and the symmetry of the whole network.

use std::collections::BTreeMap;
use std::fs;

use approx::assert_relative_eq;
use candle_core::{DType, Device, Tensor};
use ndarray::Array2;
use qgraft::circuit::Circuit;
use qgraft::lab::{self, ApplyOptions, SavedRun, System, SystemOf};
use qgraft::math::permutation::log_order;
use qgraft::math::{PairOrbits, Permutation, Stream};
use qgraft::nn::layer::GraphAttention;
use qgraft::nn::{Mode, Model, Params};
use qgraft::sim::Condition;
use qgraft::systems::equivariance::{
    Equivariance, EquivariantNet, GROUPS, Group, Needs, Part, Readout, Sequences, Size, Spec, TASKS, Task, TiedCircuit,
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
