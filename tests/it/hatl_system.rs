//! The system hatl: its scores against sacrebleu and rouge-score (tests/reference/hatl.json, made by hatl.py beside it), its
//! language and films, and small runs.

use std::collections::HashSet;

use qgraft::math::Stream;
use qgraft::nn::LayerGroups;
use qgraft::systems::Workplace;
use qgraft::systems::hatl::{
    ARMS, Action, ArmRow, Camera, Findings, First, GLOSSES, JOINTS, LONGEST, Mood, Search, Sentence, Signer, Spec,
    TASKS, WORDS, acted, bleu, foreign, numbered, rouge_l, run, sign, signed, vocabulary,
};
use qgraft::transfer::{Decision, Hatl, Rule, Transfer};
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
    let cases: Vec<Case> = serde_json::from_str(include_str!("../reference/hatl.json")).unwrap();
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
    let others: HashSet<_> = (0..Action::COUNT).map(foreign).collect();
    assert!(others.len() == Action::COUNT && others.is_disjoint(&signs), "another language has other signs");
    let frames = 12 * LONGEST;
    for number in 0..6 {
        let signer = Signer::draw(3, number);
        let film = |seed: u64| {
            let mut stream = Stream::named(seed, "test");
            signed(
                &[sign(0), sign(9), sign(17), sign(25), sign(30), sign(4)],
                frames,
                &signer,
                &Camera::default(),
                &mut stream,
            )
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
    let signer = Signer::draw(3, 0);
    let film = acted(
        Action { movement: 5, both: false, high: true, open: true },
        30,
        &signer,
        &Camera::default(),
        &mut stream,
    );
    // Joint 4 is the dominant wrist, joint 10 the other, which rests.
    let travel = |joint: usize| {
        let x = &film.places[joint * 30..(joint + 1) * 30];
        x.iter().copied().fold(f32::MIN, f32::max) - x.iter().filter(|x| **x != 0.0).copied().fold(f32::MAX, f32::min)
    };
    assert!(travel(4) > 0.4, "{}", travel(4));
}

#[test]
fn a_fixed_schedule_releases_as_often_as_it_is_told() {
    let groups = LayerGroups(["a", "b", "c", "d", "head"].map(|name| vec![name.to_string()]).to_vec());
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
    if hatl.decisions().last() == Some(&Decision::Released) { RestoreBest } else { GoOn }
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
    (spec.task, spec.first) = ("glosses".into(), First::Signs);
    spec.circuit.qubits = 2;
    let (_, findings) = found(&spec, 2);
    assert_eq!(findings.measures, ["accuracy", "accuracy, new signers"]);
    assert_eq!(findings.arm("hatl").unwrap().releases[0], [2, 3]);
}

#[test]
fn pictures_are_learned_on_a_backbone_that_is_released_stage_by_stage() {
    let mut spec = Spec { arms: ["hatl", "frozen"].map(String::from).to_vec(), ..Spec::of("pictures").unwrap() };
    (spec.clips, spec.pictures.edge, spec.circuit.qubits, spec.target.epochs) = (2, 32, 2, 3);
    spec.rule = Rule::default().every(1);
    let (_, findings) = found(&spec, 2);
    assert_eq!(findings.measures, ["accuracy"]);
    assert!(findings.source.is_empty(), "the backbone comes pretrained");
    assert_eq!(findings.arm("hatl").unwrap().releases[0], [2, 3]);
    assert!(findings.arm("frozen").unwrap().releases[0].is_empty());
}

#[test]
fn glosses_of_sentences_are_learned_without_those_of_frames() {
    let mut spec = tiny(&["full"]);
    (spec.weights.glosses, spec.weights.backbone, spec.weights.encoder) = (1.0, 0.0, 0.0);
    spec.search = Search { beam: 3, length: 0.6 };
    let (_, findings) = found(&spec, 1);
    assert_eq!(findings.measures.last().unwrap(), "BLEU-4, beam 3");
}

/// Probabilities of words 0 (the end), 1 and 2 after what was said, by the first words of a text.
fn scripted(words: &[u32]) -> [f64; 3] {
    match words {
        [] => [0.0, 0.6, 0.4],
        // The likelier first word is followed by many unlikely ends.
        [1] => [0.3, 0.35, 0.35],
        [2] => [0.9, 0.05, 0.05],
        _ => [1.0, 0.0, 0.0],
    }
}

#[test]
fn a_beam_finds_what_the_likeliest_words_miss() {
    let told = |beam: usize, length: f64, longest: usize| {
        let next = |texts: &[(usize, &[u32])]| {
            assert!(texts.iter().all(|(row, _)| *row < 2));
            Ok(texts.iter().map(|(_, words)| scripted(words).map(f64::ln).to_vec()).collect())
        };
        Search { beam, length }.texts(2, longest, next).unwrap()
    };
    // 0.6 · 0.35 against 0.4 · 0.9.
    assert_eq!(told(1, 0.0, 5), [[1, 1], [1, 1]]);
    assert_eq!(told(2, 0.0, 5), [[2], [2]]);
    // ln 0.21 / (8/6)^4 is nearer to 0 than ln 0.36 / (7/6)^4: long texts are let off.
    assert_eq!(told(3, 4.0, 5), [[1, 1], [1, 1]]);
    assert_eq!(told(1, 0.0, 1), [[1], [1]], "cut off");
}

/// Films of three joints in which the first moves up, down or not at all.
fn own_films() -> (Vec<String>, Vec<String>) {
    let film = |moves: &[i32], seed: usize| {
        let mut height = 0.0;
        let frames = moves.iter().flat_map(|step| [*step; 6]).enumerate().map(|(frame, step)| {
            height += 0.1 * f64::from(step);
            let missing = (frame + seed).is_multiple_of(5);
            let second = if missing { "null".to_string() } else { "[0.5, -0.5]".into() };
            format!("[[0.0, {height:.3}], {second}, [1.0, {}]]", seed as f64 / 10.0)
        });
        format!("[{}]", frames.collect::<Vec<_>>().join(", "))
    };
    let mut sentences = Vec::new();
    for (part, count) in [("train", 12), ("dev", 4), ("test", 20)] {
        for k in 0..count {
            let moves = [k % 3, (k / 3) % 3, 2].map(|step: usize| step as i32 - 1);
            let words = moves.map(|step| ["down", "stay", "up"][(step + 1) as usize]);
            let glosses = words.map(|word| format!("\"{}\"", word.to_uppercase())).join(", ");
            let (text, film) = (words.join(" "), film(&moves, k));
            let signer = if part == "test" && k > 9 { "bea" } else { "anna" };
            sentences.push(format!(
                r#"{{"part": "{part}", "text": "{text}", "glosses": [{glosses}], "signer": "{signer}", "film": {film}}}"#
            ));
        }
    }
    let clip = |k: usize| {
        let (part, step) = (if k < 6 { "train" } else { "dev" }, k % 2);
        format!(r#"{{"part": "{part}", "class": "{step}", "film": {}}}"#, film(&[step as i32], k))
    };
    (sentences, (0..8).map(clip).collect())
}

#[test]
fn films_of_ones_own_are_read_and_learned() {
    let (sentences, clips) = own_films();
    let place = tempfile::tempdir().unwrap();
    std::fs::write(place.path().join("sentences.jsonl"), sentences.join("\n")).unwrap();
    std::fs::write(place.path().join("clips.jsonl"), clips.join("\n")).unwrap();
    let mut spec = tiny(&["full"]);
    spec.reading(place.path().into());
    spec.weights.glosses = 0.5;
    let (_, findings) = found(&spec, 1);
    assert_eq!(findings.measures, ["BLEU-4", "ROUGE-L", "BLEU-4, new signers"]);
    assert_eq!(findings.source.len(), 1);
}

#[test]
fn what_is_wrong_with_films_is_told_by_file_and_line() {
    let (sentences, clips) = own_films();
    let broken = |line: usize, from: &str, to: &str| {
        let mut lines = sentences.clone();
        assert!(lines[line].contains(from), "{}", lines[line]);
        lines[line] = lines[line].replacen(from, to, 1);
        lines
    };
    let rows = [
        (broken(2, "\"part\": \"train\"", "\"part\": \"training\""), "line 3: unknown variant"),
        (broken(4, "\"film\": [[", "\"film\": [[[0.0, 0.0], "), "line 5: frame 0 has 4 joints"),
        (broken(1, "\"text\": \"", "\"txt\": \""), "line 2: unknown field `txt`"),
        (broken(0, "\"glosses\": [", "\"glosses\": [], \"_\": ["), "line 1: unknown field `_`"),
        (sentences[..12].to_vec(), "too few sentences of the part dev"),
        (Vec::new(), "no films"),
    ];
    let place = tempfile::tempdir().unwrap();
    let mut spec = tiny(&["full"]);
    spec.reading(place.path().into());
    let message = |spec: &Spec, lines: &[String]| {
        std::fs::write(place.path().join("sentences.jsonl"), lines.join("\n")).unwrap();
        let out = place.path().join("run");
        let told = run(spec, &Workplace { out: &out, cache: place.path(), threads: 1 }, &()).unwrap_err().to_string();
        assert!(!out.exists(), "nothing half-written is left behind");
        told
    };
    // Without clips the drawn ones are learned first, which have other joints.
    let told = message(&spec, &sentences);
    assert!(told.contains("3 joints") && told.contains("clips.jsonl"), "{told}");
    std::fs::write(place.path().join("clips.jsonl"), clips.join("\n")).unwrap();
    for (lines, part) in rows {
        let told = message(&spec, &lines);
        assert!(told.contains("sentences.jsonl") && told.contains(part), "{told}");
    }
    spec.weights.encoder = 0.1;
    assert!(message(&spec, &sentences).contains("weights.encoder"));
    (spec.weights.encoder, spec.weights.glosses) = (0.0, 1.0);
    let told = message(&spec, &broken(0, "\"DOWN\", \"DOWN\", \"UP\"", ""));
    assert!(told.contains("line 1: it has no glosses"), "{told}");
}

#[test]
fn a_bad_spec_is_told_by_field() {
    for row in TASKS {
        let mut spec = Spec::of(row.name).unwrap();
        spec.check().unwrap();
        spec.full().unwrap();
        spec.check().unwrap();
        assert!(spec.seeds.len() == 5 && row.doc.len() > 10, "{}", row.name);
    }
    let spec = Spec::default();
    assert_eq!(spec.arms.len(), ARMS.len());
    let broken = [
        (Spec { sentences: 0, ..spec.clone() }, "sentences"),
        (Spec { arms: vec!["hatll".into()], ..spec.clone() }, "did you mean \"hatl\""),
        (Spec { head: "quantum_kernel".into(), ..spec.clone() }, "gradients"),
        (Spec { head: "quantun".into(), ..spec.clone() }, "quantum"),
        (Spec { task: "sentence".into(), ..spec.clone() }, "did you mean \"sentences\""),
        (Spec { task: "glosses".into(), data: Some("films".into()), ..spec.clone() }, "drawn"),
        (Spec { task: "pictures".into(), ..spec.clone() }, "scratch with task pictures"),
        (Spec { search: Search { beam: 0, length: 0.6 }, ..spec.clone() }, "search.beam"),
        (Spec { camera: Camera { noise: 0.01, missing: 1.0 }, ..spec.clone() }, "camera"),
        (Spec { format: "qgraft.hatl/1".into(), ..spec }, "qgraft.hatl/2"),
    ];
    for (spec, part) in broken {
        let message = spec.check().unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
}
