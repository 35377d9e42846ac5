//! The system hatl: its scores against sacrebleu and rouge-score (tests/reference/hatl.json, made by hatl.py beside it), its
//! language and films, and small runs.
#![cfg(feature = "learn")]

use std::collections::HashSet;

use qgraft::math::Stream;
use qgraft::nn::Groups;
use qgraft::systems::Workplace;
use qgraft::systems::hatl::{
    ARMS, Action, ArmRow, Findings, GLOSSES, JOINTS, LONGEST, Mood, Sentence, Signer, Spec, WORDS, acted, bleu,
    numbered, rouge_l, run, sign, signed, vocabulary,
};
use qgraft::transfer::{Hatl, Rule, Transfer, Verdict};
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
    let cases: Vec<Case> = serde_json::from_str(include_str!("reference/hatl.json")).unwrap();
    for Case { kind, candidates, references, bleu: expected, rouge_l: rouge } in cases {
        let (got, told) = (bleu(&candidates, &references), rouge_l(&candidates, &references));
        // f64 on both sides, sums of a few logarithms.
        assert!((got - expected).abs() < 1e-12, "{kind}: BLEU {got} against {expected}");
        assert!((told - rouge).abs() < 1e-12, "{kind}: ROUGE-L {told} against {rouge}");
    }
    assert_eq!(bleu(&[vec![]], &[vec![1, 2]]), 0.0);
    assert_eq!(rouge_l(&[vec![]], &[vec![]]), 0.0);
}

#[test]
fn sentences_are_english_and_fit() {
    let plain = Sentence { time: Some(0), person: 3, verb: 2, thing: 0, quality: Some(2), mood: Mood::Statement };
    let told = [
        (plain, "yesterday the doctor bought the red book", 5),
        (Sentence { mood: Mood::Negation, ..plain }, "yesterday the doctor did not buy the red book", 6),
        (Sentence { mood: Mood::Question, time: Some(3), ..plain }, "tomorrow will the doctor buy the red book", 6),
        (Sentence { time: None, quality: None, ..plain }, "the doctor buys the book", 3),
        (Sentence { time: Some(2), person: 0, mood: Mood::Question, ..plain }, "often do i buy the red book", 6),
        (Sentence { time: Some(3), person: 1, ..plain }, "tomorrow you will buy the red book", 5),
    ];
    for (sentence, text, glosses) in told {
        assert_eq!(sentence.text().join(" "), text);
        assert_eq!(sentence.glosses().len(), glosses, "{text}");
    }
    let words = vocabulary();
    assert_eq!(words.iter().collect::<HashSet<_>>().len(), words.len(), "a word stands twice");
    let mut stream = Stream::named(1, "test");
    for number in 0..500 {
        let sentence = Sentence::draw(&mut stream, number % 2 == 0);
        assert!(sentence.glosses().len() <= LONGEST && sentence.glosses().iter().all(|gloss| *gloss < GLOSSES));
        // One place is the end's.
        assert!(sentence.text().len() < WORDS, "{:?}", sentence.text());
        let back: Vec<_> = numbered(&sentence.text()).iter().map(|word| words[*word as usize]).collect();
        assert_eq!(back, sentence.text());
    }
    let pairs = |novel: bool| -> HashSet<(usize, usize)> {
        let mut stream = Stream::named(2, "test");
        (0..2000).map(|_| Sentence::draw(&mut stream, novel)).map(|s| (s.verb, s.thing)).collect()
    };
    let (known, novel) = (pairs(false), pairs(true));
    assert_eq!((known.len(), novel.len()), (56, 8));
    assert!(known.is_disjoint(&novel));
}

#[test]
fn signs_differ_and_films_show_them() {
    let signs: HashSet<_> = (0..GLOSSES).map(sign).collect();
    assert_eq!(signs.len(), GLOSSES);
    let frames = 12 * LONGEST;
    for number in 0..6 {
        let signer = Signer::draw(3, number);
        let film = |seed: u64| {
            let mut stream = Stream::named(seed, "test");
            signed(&[sign(0), sign(9), sign(17), sign(25), sign(30), sign(4)], frames, &signer, &mut stream)
        };
        let (first, again, other) = (film(1), film(1), film(2));
        assert_eq!(first.places, again.places);
        assert_ne!(first.places, other.places);
        assert_eq!((first.places.len(), first.signs.len()), (2 * JOINTS * frames, frames));
        let told: HashSet<_> = first.signs.iter().flatten().collect();
        assert_eq!(told.len(), 6, "no sign is cut off");
        assert!(first.places.iter().all(|place| place.abs() < 4.0), "joints stay near the body");
        let missing = first.places[..JOINTS * frames].iter().filter(|x| **x == 0.0).count() as f64;
        // 1,008 keypoints of which 5 % are missing: six standard deviations around the mean.
        assert!((missing / (JOINTS * frames) as f64 - 0.05).abs() < 0.042, "{missing} missing");
    }
    let actions: HashSet<String> = (0..Action::COUNT).map(|class| format!("{:?}", Action::numbered(class))).collect();
    assert_eq!(actions.len(), Action::COUNT);
    let mut stream = Stream::named(4, "test");
    let film = acted(Action { movement: 5, both: false, high: true, open: true }, 30, &Signer::draw(3, 0), &mut stream);
    // Joint 4 is the dominant wrist, joint 10 the other, which rests.
    let travel = |joint: usize| {
        let x = &film.places[joint * 30..(joint + 1) * 30];
        x.iter().copied().fold(f32::MIN, f32::max) - x.iter().filter(|x| **x != 0.0).copied().fold(f32::MAX, f32::min)
    };
    assert!(travel(4) > 0.4, "{}", travel(4));
}

#[test]
fn a_fixed_schedule_releases_as_often_as_it_is_told() {
    let groups = Groups(["a", "b", "c", "d", "head"].map(|name| vec![name.to_string()]).to_vec());
    let fixed = ArmRow::named("fixed").unwrap();
    for epochs in [12, 30, 50] {
        for releases in 0..=4 {
            let rule = fixed.rule(Rule::default(), epochs, releases).unwrap();
            let mut hatl = Hatl::new(&groups, rule);
            // Whatever the metric does; what is decided after the last epoch does not happen any more.
            (0..epochs - 1).for_each(|epoch| assert_eq!(hatl.after_epoch(epoch, -(epoch as f64)), told(&hatl)));
            assert_eq!(hatl.released(), releases, "{epochs} epochs");
        }
    }
}

fn told(hatl: &Hatl) -> qgraft::transfer::After {
    use qgraft::transfer::After::{GoOn, RestoreBest};
    if hatl.verdicts().last() == Some(&Verdict::Released) { RestoreBest } else { GoOn }
}

/// A run that takes a second or two in a debug build.
fn tiny(arms: &[&str]) -> Spec {
    let mut spec = Spec { arms: arms.iter().map(|arm| arm.to_string()).collect(), ..Spec::default() };
    (spec.actions, spec.sentences, spec.dev, spec.test, spec.clips) = (2, 24, 8, 20, 2);
    (spec.sizes.blocks, spec.sizes.width) = (vec![8, 8], 16);
    (spec.source.epochs, spec.target.epochs) = (1, 3);
    spec.rule = Rule::default().every(1);
    spec
}

fn found(spec: &Spec, threads: usize) -> (Vec<u8>, Findings) {
    let place = tempfile::tempdir().unwrap();
    let out = place.path().join("run");
    let outcome = run(spec, &Workplace { out: &out, cache: place.path(), threads }, &()).unwrap();
    assert!(outcome.folder.join("report.html").exists());
    let text = std::fs::read_to_string(outcome.folder.join("spec.toml")).unwrap();
    assert_eq!(&Spec::read(&outcome.folder.join("spec.toml")).unwrap(), spec, "{text}");
    (std::fs::read(outcome.folder.join("metrics.json")).unwrap(), outcome.findings)
}

#[test]
fn a_run_is_the_same_on_any_number_of_threads_and_tells_releases() {
    let spec = tiny(&["hatl", "frozen", "full", "fixed"]);
    let (first, findings) = found(&spec, 1);
    assert_eq!(first, found(&spec, 2).0);
    let releases = |arm: &str| findings.arm(arm).unwrap().releases[0].clone();
    assert_eq!(releases("hatl"), [2, 3]);
    assert_eq!(releases("fixed"), [2, 3]);
    assert!(releases("frozen").is_empty() && releases("full").is_empty());
    assert_eq!(findings.measures[0], "BLEU-4");
    assert!(findings.arm("hatl").unwrap().verdicts.contains(&("Released".into(), 2)));
}

#[test]
fn a_quantum_head_learns_glosses_under_the_same_controller() {
    let mut spec = tiny(&["hatl", "full"]);
    spec.head = "quantum".into();
    spec.circuit.qubits = 2;
    let (_, findings) = found(&spec, 2);
    assert_eq!(findings.measures, ["accuracy", "accuracy, new signers"]);
    assert_eq!(findings.arm("hatl").unwrap().releases[0], [2, 3]);
}

#[test]
fn a_bad_spec_is_told_by_field() {
    let spec = Spec::default();
    assert_eq!(spec.arms.len(), ARMS.len());
    let broken = [
        (Spec { sentences: 0, ..spec.clone() }, "sentences"),
        (Spec { arms: vec!["hatll".into()], ..spec.clone() }, "did you mean \"hatl\""),
        (Spec { head: "quantum_kernel".into(), ..spec.clone() }, "gradients"),
        (Spec { head: "translater".into(), ..spec.clone() }, "translater"),
        (Spec { format: "qgraft.hatl/0".into(), ..spec }, "qgraft.hatl/1"),
    ];
    for (spec, part) in broken {
        let message = spec.check().unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
}
