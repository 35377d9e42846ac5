//! Trees, and the likelihood of columns on them.

use approx::assert_relative_eq;
use qgraft::classic::phylogeny::{Evolution, F81, MISSING, Site, Tree, Work, distances, neighbour_joining};
use qgraft::math::Stream;

const NEWICK: &str = "((A:0.1,B:0.2):0.15,(C:0.3,(D:0.05,E:0.4):0.1):0.25);";
const THETA: [f64; 4] = [0.3, -0.2, 0.5, -0.1];

fn bases(text: &str) -> Vec<u8> {
    text.chars().map(|c| "ACGT".find(c).map_or(MISSING, |base| base as u8)).collect()
}

fn log_likelihood(tree: &Tree, site: &Site, column: &[u8]) -> f64 {
    F81::new(tree).log_likelihood(site, column, &mut Work::default())
}

/// Values of a sum over all bases of the inner nodes, and of iqtree 2 with fixed tree and frequencies (to 5 digits).
#[test]
fn likelihoods_are_those_of_a_brute_force_sum_and_of_iqtree() {
    let (tree, site) = (Tree::parse(NEWICK).unwrap(), Site::from_theta(THETA));
    assert_relative_eq!(site.log_rate.exp(), 4.722148249, epsilon = 1e-9);
    let column = bases("AAGTG");
    let whole = log_likelihood(&tree, &site, &column);
    assert_relative_eq!(whole, -6.103057265457507, epsilon = 1e-12);
    assert_relative_eq!(whole - site.frequencies[0].ln(), -4.850793432, epsilon = 1e-9);
    assert_relative_eq!(log_likelihood(&tree, &site, &bases("AAG-G")), -4.138950972, epsilon = 1e-9);
    assert_eq!(log_likelihood(&tree, &site, &bases("-----")), 0.0);

    let rows = ["AAAACCGT", "AAAGCCGT", "GAACCTGT", "TAACCCGA", "GCAACCGT"].map(bases);
    let columns: Vec<Vec<u8>> = (0..8).map(|k| rows.iter().map(|row| row[k]).collect()).collect();
    let plain = [-6.103057, -5.966193, -5.030716, -7.111754, -6.635318, -7.328018, -4.314915, -7.330458];
    let normalized = [-7.298670, -4.916505, -2.668912, -8.433182, -3.436004, -5.802769, -2.324664, -6.884543];
    let scaled = Site::normalized(site.frequencies);
    for k in 0..8 {
        assert_relative_eq!(log_likelihood(&tree, &site, &columns[k]), plain[k], epsilon = 1e-6);
        assert_relative_eq!(log_likelihood(&tree, &scaled, &columns[k]), normalized[k], epsilon = 1e-6);
    }
}

#[test]
fn the_root_may_be_anywhere() {
    let (tree, site, column) = (Tree::parse(NEWICK).unwrap(), Site::from_theta(THETA), bases("AAGTG"));
    let whole = log_likelihood(&tree, &site, &column);
    for leaf in tree.leaves() {
        let other = tree.rooted_beside(leaf).unwrap();
        let order = |name: &str| tree.leaves().iter().position(|own| *own == name).unwrap();
        let moved: Vec<u8> = other.leaves().iter().map(|name| column[order(name)]).collect();
        assert_relative_eq!(log_likelihood(&other, &site, &moved), whole, epsilon = 1e-12);
    }
}

#[test]
fn gradients_are_those_of_finite_differences() {
    let tree = Tree::parse(NEWICK).unwrap();
    let golden = [0.2653544171, -0.7359843268, 0.5014692612, 0.1866115253];
    let gradient = |tree: &Tree, theta: [f64; 4], column: &[u8]| {
        let site = Site::from_theta(theta);
        F81::new(tree).gradient(&site, column, &mut Work::default()).1.in_theta(&site)
    };
    for (found, golden) in gradient(&tree, THETA, &bases("AAGTG")).into_iter().zip(golden) {
        assert_relative_eq!(found, golden, epsilon = 1e-9);
    }
    let mut stream = Stream::named(0, "gradients");
    // The star has products of 447 messages, the case in which partial likelihoods are scaled between the children.
    let star = format!("({}R:0.3);", (0..447).map(|k| format!("x{k}:0.5,")).collect::<String>());
    for tree in [tree, Tree::random(40, 1.0, &mut stream), Tree::parse(&star).unwrap()] {
        for theta in [THETA, [-3.0, 2.0, 0.0, 1.0], [1.5, 1.5, -4.0, 0.3]] {
            let column: Vec<u8> = (0..tree.leaves().len()).map(|_| stream.below(5) as u8).collect();
            let found = gradient(&tree, theta, &column);
            for b in 0..4 {
                let moved = |step: f64| {
                    let mut theta = theta;
                    theta[b] += step;
                    log_likelihood(&tree, &Site::from_theta(theta), &column)
                };
                // Central differences of step 1e-5: the error is of order 1e-10 times the third derivative.
                let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
                assert_relative_eq!(found[b], slope, max_relative = 1e-5, epsilon = 1e-5);
            }
        }
    }
}

#[test]
fn extreme_rates_and_lengths_give_numbers() {
    let mut work = Work::default();
    let column = bases("AACGT");
    for length in [0.0, 1e-6, 1e-3, 1.0, 10.0] {
        let text =
            format!("((A:{length},B:{length}):{length},(C:{length},(D:{length},E:{length}):{length}):{length});");
        let tree = F81::new(&Tree::parse(&text).unwrap());
        for theta in [[-20.0; 4], [20.0; 4], [-20.0, 20.0, 0.0, 20.0], [20.0, -20.0, -20.0, -20.0]] {
            let site = Site::from_theta(theta);
            let (value, gradient) = tree.gradient(&site, &column, &mut work);
            assert!(value.is_finite() && value < 0.0, "{length} {theta:?}: {value}");
            assert!(gradient.in_theta(&site).iter().all(|g| g.is_finite()), "{length} {theta:?}: {gradient:?}");
        }
    }
}

#[test]
fn a_restricted_tree_has_the_likelihood_of_the_whole_with_the_others_missing() {
    let (tree, site, column) = (Tree::parse(NEWICK).unwrap(), Site::from_theta(THETA), bases("AAGTG"));
    for names in [["A", "B", "E"], ["C", "D", "E"], ["A", "C", "D"]] {
        let part = tree.restricted(&names).unwrap();
        assert_eq!(part.leaves(), names);
        let masked: Vec<u8> =
            tree.leaves().iter().zip(&column).map(|(n, b)| if names.contains(n) { *b } else { 4 }).collect();
        let kept: Vec<u8> = masked.iter().copied().filter(|base| *base < MISSING).collect();
        assert_relative_eq!(
            log_likelihood(&part, &site, &kept),
            log_likelihood(&tree, &site, &masked),
            epsilon = 1e-12
        );
    }
    let error = tree.restricted(&["A", "Z"]).unwrap_err().to_string();
    assert!(error.contains("\"Z\"") && error.contains("A, B, C, D, E"), "{error}");
}

#[test]
fn joining_finds_a_tree_again_from_its_distances_and_from_columns() {
    let tree = Tree::parse(NEWICK).unwrap();
    let table = |tree: &Tree| {
        let names: Vec<String> = ["A", "B", "C", "D", "E"].map(String::from).to_vec();
        let rows: Vec<Vec<f64>> = names
            .iter()
            .map(|name| {
                let leaves = tree.leaves();
                let at = leaves.iter().position(|leaf| leaf == name).unwrap();
                let to = tree.distances_to(at);
                names.iter().map(|other| to[leaves.iter().position(|leaf| leaf == other).unwrap()]).collect()
            })
            .collect();
        ndarray::Array2::from_shape_fn((5, 5), |(a, b)| rows[a][b])
    };
    let own = table(&tree);
    let joined = neighbour_joining(&tree.leaves(), &own).unwrap();
    for (a, b) in table(&joined).iter().zip(&own) {
        assert_relative_eq!(a, b, epsilon = 1e-12);
    }
    let site = Site::normalized([0.3, 0.2, 0.2, 0.3]);
    let mut stream = Stream::named(1, "columns");
    let evolution = Evolution::new(&tree, 0);
    let columns: Vec<Vec<u8>> = (0..20_000)
        .map(|_| {
            let base = [0, 0, 0, 1, 1, 2, 2, 3, 3, 3][stream.below(10)];
            evolution.column(&site, base, 0.1, &mut stream)
        })
        .collect();
    let estimated = distances(columns.iter().map(Vec::as_slice), 5);
    for (a, b) in estimated.iter().zip(&own) {
        // 16,200 compared columns: four standard errors of a distance near 1 are 0.05.
        assert!((a - b).abs() < 0.05, "{a} for {b}");
    }
}

#[test]
fn random_trees_are_as_deep_as_asked_and_copies_hang_on_their_leaf() {
    let tree = Tree::random(40, 1.0, &mut Stream::named(0, "tree"));
    assert_eq!(tree.leaves().len(), 40);
    assert!(tree.distances_to(3).iter().all(|d| *d < 2.0 + 1e-9));
    let more = tree.with_copies("leaf7", 20, 0.002).unwrap();
    assert_eq!(more.leaves().len(), 60);
    let at = more.leaves().iter().position(|leaf| *leaf == "leaf7").unwrap();
    let near = more.distances_to(at).into_iter().filter(|d| *d < 0.0021).count();
    assert_eq!(near, 21);
}

#[test]
fn what_is_no_tree_is_refused_with_its_place() {
    for (text, part) in [
        ("", "a leaf has no name"),
        ("(A:1,B:1", "expected `,` or `)`"),
        ("(A:1,B:1));", "expected `;`"),
        ("(A:1,B:x);", "line 1, column 8: expected the length"),
        ("(A:1,\nB);", "line 2, column 2"),
        ("(A:1,A:1);", "two leaves are called \"A\""),
        ("(A:1,:1);", "a leaf has no name"),
        ("(A:-1,B:1);", "length -1"),
        ("(A:1,B:1);(C:1,D:1);", "after one tree"),
        ("(A:1,'B:1);", "a closing '"),
        ("(A:1,B:1[note);", "a comment that ends"),
        ("A;", "1 leaves"),
    ] {
        let error = Tree::parse(text).map(drop).expect_err(text).to_string();
        assert!(error.contains(part), "{text:?}: {error}");
    }
    let deep =
        format!("{}A:1{};", "(".repeat(100_000), (0..100_000).map(|k| format!(",x{k}:1):1")).collect::<String>());
    assert_eq!(Tree::parse(&deep).unwrap().leaves().len(), 100_001);
}
