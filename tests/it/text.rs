//! Texts: BLEU and ROUGE-L against sacrebleu and rouge-score (tests/reference/text.json, made by text.py beside it), and beam
//! search on probabilities written down.

use qgraft::nn::decode::{BeamSearch, Symbols};
use qgraft::study::metric::text::{bleu, rouge_l};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    kind: String,
    candidates: Vec<Vec<u32>>,
    references: Vec<Vec<u32>>,
    bleu: f64,
    rouge_l: f64,
}

#[test]
fn scores_are_those_of_sacrebleu_and_rouge_score() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../reference/text.json")).unwrap();
    for Case { kind, candidates, references, bleu: expected_bleu, rouge_l: expected_rouge } in cases {
        let (own_bleu, own_rouge) = (bleu(&candidates, &references), rouge_l(&candidates, &references));
        // f64 on both sides, sums of a few logarithms.
        assert!((own_bleu - expected_bleu).abs() < 1e-12, "{kind}: BLEU {own_bleu}, expected {expected_bleu}");
        assert!((own_rouge - expected_rouge).abs() < 1e-12, "{kind}: ROUGE-L {own_rouge}, expected {expected_rouge}");
    }
    assert_eq!(bleu(&[vec![]], &[vec![1, 2]]), 0.0);
    assert_eq!(rouge_l(&[vec![]], &[vec![]]), 0.0);
}

/// Probabilities of the symbols 0 (the end), 1 and 2 after a prefix that begins with 9.
fn scripted(prefix: &[u32]) -> [f64; 3] {
    match prefix {
        [9] => [0.0, 0.6, 0.4],
        // The likelier first symbol is followed by many unlikely ends.
        [9, 1] => [0.3, 0.35, 0.35],
        [9, 2] => [0.9, 0.05, 0.05],
        _ => [1.0, 0.0, 0.0],
    }
}

#[test]
fn a_beam_finds_what_greedy_search_misses() {
    let search = |beam_size: usize, length_penalty: f64, longest: usize| {
        let next = |prefixes: &[(usize, Vec<u32>)]| {
            assert!(prefixes.iter().all(|(row, _)| *row < 2));
            Ok(prefixes.iter().map(|(_, prefix)| scripted(prefix).map(f64::ln).to_vec()).collect())
        };
        let symbols = Symbols { begin: 9, end: 0, longest };
        BeamSearch { beam_size, length_penalty }.search(2, symbols, next).unwrap()
    };
    // 0.6 · 0.35 against 0.4 · 0.9.
    assert_eq!(search(1, 0.0, 5), [[1, 1], [1, 1]]);
    assert_eq!(search(2, 0.0, 5), [[2], [2]]);
    // ln 0.21 / (8/6)^4 is nearer to 0 than ln 0.36 / (7/6)^4: a high exponent favours long sequences.
    assert_eq!(search(3, 4.0, 5), [[1, 1], [1, 1]]);
    assert_eq!(search(1, 0.0, 1), [[1], [1]], "cut off");
}
