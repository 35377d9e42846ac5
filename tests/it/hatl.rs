//! The system hatl: its language and films, and small runs.

use std::collections::HashSet;

use qgraft::lab::settings::{from_tree, resolve, tree};
use qgraft::lab::{ApplyOptions, Overrides, Results, RunOptions, SavedRun, System, SystemOf, run_in_memory};
use qgraft::math::Stream;
use qgraft::nn::LayerGroups;
use qgraft::systems::hatl::{
    ARMS, Action, Camera, Film, GLOSSES, Hatl, JOINTS, LONGEST, Mood, Sentence, Signer, SourceFilms, Spec, TASKS,
    WORDS, evenly_spaced, foreign_sign, sign, vocabulary, word_ids,
};
use qgraft::transfer::{self, After, Decision, Rule, Transfer};

use crate::support::apply::apply_options;
use crate::support::text_encoder::write_encoder;

#[test]
fn sentences_are_english_and_fit() {
    let plain = Sentence { time: Some(0), person: 3, verb: 2, thing: 0, quality: Some(2), mood: Mood::Statement };
    let expected = [
        (plain, "yesterday the doctor bought the red book", 5),
        (Sentence { mood: Mood::Negation, ..plain }, "yesterday the doctor did not buy the red book", 6),
        (Sentence { mood: Mood::Question, time: Some(3), ..plain }, "tomorrow will the doctor buy the red book", 6),
        (Sentence { time: None, quality: None, ..plain }, "the doctor buys the book", 3),
        (Sentence { time: Some(2), person: 0, mood: Mood::Question, ..plain }, "often do i buy the red book", 6),
        (Sentence { time: Some(3), person: 1, ..plain }, "tomorrow you will buy the red book", 5),
    ];
    for (sentence, text, glosses) in expected {
        assert_eq!(sentence.text().join(" "), text);
        assert_eq!(sentence.glosses().len(), glosses, "{text}");
    }
    let words = vocabulary();
    assert_eq!(words.iter().collect::<HashSet<_>>().len(), words.len(), "a word is listed twice");
    let mut stream = Stream::named(1, "test");
    for number in 0..500 {
        let sentence = Sentence::draw(&mut stream, number % 2 == 0);
        assert!(sentence.glosses().len() <= LONGEST && sentence.glosses().iter().all(|gloss| *gloss < GLOSSES));
        // The end takes one position.
        assert!(sentence.text().len() < WORDS, "{:?}", sentence.text());
        let back: Vec<_> = word_ids(&sentence.text()).iter().map(|word| words[*word as usize]).collect();
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
    let others: HashSet<_> = (0..Action::COUNT).map(foreign_sign).collect();
    assert!(others.len() == Action::COUNT && others.is_disjoint(&signs), "another language has other signs");
    let frames = 12 * LONGEST;
    for number in 0..6 {
        let signer = Signer::draw(3, number);
        let film = |seed: u64| {
            let mut stream = Stream::named(seed, "test");
            Film::of_signs(
                &[sign(0), sign(9), sign(17), sign(25), sign(30), sign(4)],
                frames,
                &signer,
                &Camera::default(),
                &mut stream,
            )
        };
        let (first, again, other) = (film(1), film(1), film(2));
        assert_eq!(first.positions, again.positions);
        assert_ne!(first.positions, other.positions);
        assert_eq!((first.positions.len(), first.signs.len()), (2 * JOINTS * frames, frames));
        let shown: HashSet<_> = first.signs.iter().flatten().collect();
        assert_eq!(shown.len(), 6, "no sign is cut off");
        assert!(first.positions.iter().all(|value| value.abs() < 4.0), "joints stay near the body");
        let missing = first.positions[..JOINTS * frames].iter().filter(|x| **x == 0.0).count() as f64;
        // 1,008 keypoints of which 5 % are missing: six standard deviations around the mean.
        assert!((missing / (JOINTS * frames) as f64 - 0.05).abs() < 0.042, "{missing} missing");
    }
    let actions: HashSet<String> = (0..Action::COUNT).map(|class| format!("{:?}", Action::of_class(class))).collect();
    assert_eq!(actions.len(), Action::COUNT);
    let mut stream = Stream::named(4, "test");
    let signer = Signer::draw(3, 0);
    let film = Film::of_action(
        Action { movement: 5, both: false, high: true, open: true },
        30,
        &signer,
        &Camera::default(),
        &mut stream,
    );
    // Joint 4 is the dominant wrist, joint 10 the other, which rests.
    let travel = |joint: usize| {
        let x = &film.positions[joint * 30..(joint + 1) * 30];
        x.iter().copied().fold(f32::MIN, f32::max) - x.iter().filter(|x| **x != 0.0).copied().fold(f32::MAX, f32::min)
    };
    assert!(travel(4) > 0.4, "{}", travel(4));
}

#[test]
fn an_even_schedule_has_the_number_of_releases_it_is_given() {
    let groups = LayerGroups(["a", "b", "c", "d", "head"].map(|name| vec![name.to_string()]).to_vec());
    for epochs in [12, 30, 50] {
        for releases in 0..=4 {
            let mut method = transfer::Hatl::new(&groups, evenly_spaced(Rule::default(), epochs, releases));
            // Whatever the score; what is decided after the last epoch has no effect.
            for epoch in 0..epochs - 1 {
                let after = method.after_epoch(epoch, -(epoch as f64));
                let is_release = method.decisions().last() == Some(&Decision::Released);
                assert_eq!(after == After::RestoreBest, is_release);
            }
            assert_eq!(method.released(), releases, "{epochs} epochs");
        }
    }
}

/// Settings of these presets with these arms.
fn spec(presets: &[&str], arms: &[&str]) -> Spec {
    let presets = presets.iter().map(|name| name.to_string()).collect();
    let request = resolve::<Spec>(&[], &Overrides { presets, ..Overrides::default() }).unwrap();
    Spec { arms: arms.iter().map(|arm| arm.to_string()).collect(), ..from_tree(request.base).unwrap() }
}

/// The only thing of a type that the trial of an arm kept under a name.
fn kept<T: serde::de::DeserializeOwned>(results: &Results, arm: &str, name: &str) -> T {
    let mut own = results.kept("main", name).into_iter().filter(|(at, _)| at.get("arm") == arm);
    own.next().unwrap_or_else(|| panic!("{arm} kept no {name}")).1
}

fn releases(results: &Results, arm: &str) -> Vec<usize> {
    kept(results, arm, "releases")
}

#[test]
fn blocks_are_released_by_the_rule_and_by_the_arm_that_follows_it() {
    let results = run_in_memory::<Hatl>(&spec(&["smoke"], &["hatl", "frozen", "full", "fixed"])).unwrap();
    assert_eq!(releases(&results, "hatl"), [2, 3]);
    assert_eq!(releases(&results, "fixed"), [2, 3]);
    assert!(releases(&results, "frozen").is_empty() && releases(&results, "full").is_empty());
    assert_eq!(
        kept::<Vec<String>>(&results, "hatl", "decisions"),
        ["released", "released", "all_released", "all_released"]
    );
    assert!(kept::<Vec<String>>(&results, "full", "decisions").is_empty());
    assert_eq!(results.of("bleu").by("arm").len(), 4);
    assert!(results.of("source_accuracy").single().is_some() && results.notices().is_empty());
    let alone = run_in_memory::<Hatl>(&spec(&["smoke"], &["fixed"])).unwrap();
    assert_eq!(releases(&alone, "fixed"), [2, 3], "every layer once");
    assert!(alone.notices()[0].contains("hatl is not among the arms"), "{:?}", alone.notices());
}

#[test]
fn a_quantum_head_learns_glosses_under_the_same_rule() {
    let mut spec = spec(&["glosses", "smoke"], &["hatl", "full"]);
    (spec.source_films, spec.circuit.qubits) = (SourceFilms::Signs, 2);
    let results = run_in_memory::<Hatl>(&spec).unwrap();
    assert!(["accuracy", "accuracy_new_signers"].iter().all(|metric| results.of(metric).rows().len() == 2));
    assert_eq!(releases(&results, "hatl"), [2, 3]);
}

#[test]
fn pictures_are_learned_on_a_backbone_that_is_released_stage_by_stage() {
    let mut spec = spec(&["pictures", "smoke"], &["hatl", "frozen"]);
    (spec.circuit.qubits, spec.target.epochs) = (2, 3);
    let results = run_in_memory::<Hatl>(&spec).unwrap();
    assert_eq!(results.of("accuracy").rows().len(), 2);
    assert!(results.of("source_accuracy").samples().is_none(), "the backbone comes pretrained");
    assert_eq!(releases(&results, "hatl"), [2, 3]);
    assert!(releases(&results, "frozen").is_empty());
}

#[test]
fn glosses_of_sentences_are_learned_without_those_of_frames() {
    let mut spec = spec(&["scarce", "smoke"], &["full"]);
    spec.search.beam_size = 3;
    let results = run_in_memory::<Hatl>(&spec).unwrap();
    assert!(results.of("bleu_beam").single().is_some());
    assert!(results.grids[0].metrics.contains(&"bleu_beam"));
}

/// Films of three joints in which the first moves up, down or not at all.
pub(crate) fn own_films() -> (Vec<String>, Vec<String>) {
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
fn films_of_the_users_own_are_read_and_learned() {
    let (sentences, clips) = own_films();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("sentences.jsonl"), sentences.join("\n")).unwrap();
    std::fs::write(folder.path().join("clips.jsonl"), clips.join("\n")).unwrap();
    let mut spec = spec(&["smoke"], &["full"]);
    spec.read_from(folder.path());
    spec.weights.glosses = 0.5;
    let results = run_in_memory::<Hatl>(&spec).unwrap();
    assert!(["bleu", "rouge_l", "bleu_new_signers"].iter().all(|metric| results.of(metric).single().is_some()));
    assert!(results.of("bleu_new_pairs").samples().is_none());
    assert!(results.of("source_accuracy").single().is_some());
}

#[test]
fn errors_in_films_name_the_file_and_the_line() {
    let (sentences, clips) = own_films();
    let broken = |line: usize, from: &str, to: &str| {
        let mut lines = sentences.clone();
        assert!(lines[line].contains(from), "{}", lines[line]);
        lines[line] = lines[line].replacen(from, to, 1);
        lines
    };
    // Films of one frame beside one of 512: filled up, each of them would be as long.
    let frames = |count: usize| vec![format!("[{}]", vec!["null"; 100].join(", ")); count].join(", ");
    let line = |count: usize| format!(r#"{{"part": "train", "text": "a", "film": [{}]}}"#, frames(count));
    let uneven: Vec<String> = std::iter::once(line(512)).chain(std::iter::repeat_n(line(1), 6000)).collect();
    let rows = [
        (uneven, "filled up to the 512 frames of the longest (line 1)"),
        (broken(2, "\"part\": \"train\"", "\"part\": \"training\""), "line 3: unknown variant"),
        (broken(4, "\"film\": [[", "\"film\": [[[0.0, 0.0], "), "line 5: frame 0 has 4 joints"),
        (broken(1, "\"text\": \"", "\"txt\": \""), "line 2: unknown field `txt`"),
        (broken(0, "\"glosses\": [", "\"glosses\": [], \"_\": ["), "line 1: unknown field `_`"),
        (sentences[..12].to_vec(), "too few sentences of the part dev"),
        (Vec::new(), "no films"),
    ];
    let folder = tempfile::tempdir().unwrap();
    let mut spec = spec(&["smoke"], &["full"]);
    spec.read_from(folder.path());
    let message = |spec: &Spec, lines: &[String]| {
        std::fs::write(folder.path().join("sentences.jsonl"), lines.join("\n")).unwrap();
        run_in_memory::<Hatl>(spec).unwrap_err().to_string()
    };
    // Without clips the drawn ones are the source, which have other joints.
    let error = message(&spec, &sentences);
    assert!(error.contains("3 joints") && error.contains("clips.jsonl"), "{error}");
    std::fs::write(folder.path().join("clips.jsonl"), clips.join("\n")).unwrap();
    for (lines, part) in rows {
        let error = message(&spec, &lines);
        assert!(error.contains("sentences.jsonl") && error.contains(part), "{error}");
    }
    spec.weights.encoder = 0.1;
    assert!(message(&spec, &sentences).contains("weights.encoder"));
    (spec.weights.encoder, spec.weights.glosses) = (0.0, 1.0);
    let error = message(&spec, &broken(0, "\"DOWN\", \"DOWN\", \"UP\"", ""));
    assert!(error.contains("line 1: it has no glosses"), "{error}");
}

#[test]
fn presets_of_tasks_and_full_go_together_and_what_does_not_fit_is_refused() {
    for row in TASKS.iter().filter(|row| row.name != "sentences") {
        let full = spec(&[row.name, "full"], &["hatl"]);
        assert!(full.task == row.name && full.seeds.len() == 5, "{}", row.name);
    }
    assert_eq!(spec(&["scarce", "full"], &["hatl"]).sentences, 100);
    assert_eq!(Spec::default().arms.len(), ARMS.len());
    type Change = fn(&mut Spec);
    let refused: [(&[&str], Change, &str); 6] = [
        (&[], |spec| spec.head = Some("quantum".into()), "task sentences translates"),
        (&["glosses"], |spec| spec.head = None, "such as quantum"),
        (&["glosses"], |spec| spec.head = Some("quantum_kernel".into()), "gradients"),
        (&["glosses"], |spec| spec.data = Some(".".into()), "films of task glosses are drawn"),
        (&["pictures"], |spec| spec.arms.push("scratch".into()), "comes pretrained"),
        (&[], |spec| spec.sizes.heads = 5, "a divisor of sizes.width"),
    ];
    for (presets, change, part) in refused {
        let mut spec = spec(presets, &["hatl"]);
        change(&mut spec);
        let error = run_in_memory::<Hatl>(&spec).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

/// Runs settings into a folder.
fn run_into(spec: &Spec, folder: &std::path::Path) -> SavedRun {
    let system = SystemOf::<Hatl>::new();
    let request = system.resolve(&Overrides { file: Some(tree(spec)), ..Overrides::default() }).unwrap();
    let options = RunOptions { cache: folder.join("cache"), ..RunOptions::new(folder.join("run")) };
    let outcome = system.run(&request, &options, &()).unwrap();
    assert!(outcome.results.failures.is_empty(), "{:?}", outcome.results.failures);
    SavedRun::open(&outcome.folder).unwrap()
}

fn ask(data: &std::path::Path) -> ApplyOptions {
    apply_options(data, None)
}

#[test]
fn a_translator_writes_text_and_glosses_of_new_films_as_it_did_in_the_run() {
    let (sentences, clips) = own_films();
    let folder = tempfile::tempdir().unwrap();
    // A run must not write into the folder that it reads.
    let films = folder.path().join("films");
    std::fs::create_dir(&films).unwrap();
    std::fs::write(films.join("sentences.jsonl"), sentences.join("\n")).unwrap();
    std::fs::write(films.join("clips.jsonl"), clips.join("\n")).unwrap();
    let mut spec = spec(&["smoke"], &["full"]);
    spec.read_from(&films);
    (spec.weights.glosses, spec.target.epochs) = (0.5, 12);
    let run = run_into(&spec, folder.path());
    let trial = run.trials.iter().find(|trial| trial.has("translator.safetensors")).unwrap();
    let text = String::from_utf8(trial.file("predictions.csv").unwrap()).unwrap();
    let then: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!(then.len(), 20);

    let test = folder.path().join("new.jsonl");
    std::fs::write(&test, sentences[16..].join("\n")).unwrap();
    let system = SystemOf::<Hatl>::new();
    let applied = system.apply(&run, &ask(&test), &()).unwrap();
    assert_eq!((applied.columns.len(), applied.known), (4, 20));
    for (then, now) in then.iter().zip(&applied.rows) {
        assert_eq!((now[1].as_str(), now[2].as_str(), now[3].as_str()), (Some(then[2]), Some(then[4]), Some(then[1])));
    }
    let bleu = trial.measurement.get("bleu").unwrap();
    assert!((applied.metrics[0].1 - bleu).abs() < 1e-12, "{:?} and {bleu} in the run", applied.metrics);

    // A film alone has no known text.
    let film = sentences[20].split("\"film\": ").nth(1).unwrap().trim_end_matches('}');
    std::fs::write(&test, format!("{{\"film\": {film}}}")).unwrap();
    let applied = system.apply(&run, &ask(&test), &()).unwrap();
    assert!(applied.known == 0 && applied.rows.len() == 1 && applied.rows[0][3].is_null());
    for (film, part) in [
        ("[[[0.0, 0.0]]]".to_string(), "1 joints, those of the model 3"),
        (format!("[{}]", vec!["[null, null, null]"; 60].join(", ")), "the longest that the model was trained on 18"),
        ("[]".into(), "the film has 0 frames"),
    ] {
        std::fs::write(&test, format!("{{\"film\": {film}}}")).unwrap();
        let error = system.apply(&run, &ask(&test), &()).unwrap_err().to_string();
        assert!(error.contains("new.jsonl") && error.contains(part), "{error}");
    }
}

#[test]
fn photos_are_learned_on_live_stages_and_a_rule_that_releases_nothing_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = spec(&["photos", "smoke"], &["hatl", "frozen"]);
    (spec.target.epochs, spec.rule.floor) = (3, 1.0);
    let run = run_into(&spec, folder.path());
    let of = |arm: &str| run.trials.iter().find(|trial| trial.point.get("arm") == arm).unwrap();
    let notices = &of("hatl").measurement.notices;
    assert!(notices.iter().any(|notice| notice.contains("nothing was released (below_floor 3)")), "{notices:?}");
    assert!(of("frozen").measurement.notices.is_empty(), "frozen has nothing to release");
    assert_eq!(of("hatl").measurement.get("accuracy"), of("frozen").measurement.get("accuracy"));
    // Of a frozen backbone the head alone is stored.
    assert!(of("hatl").file("model.safetensors").unwrap().len() < 100_000);
    let picture = folder.path().join("white.png");
    image::save_buffer(&picture, &[255; 3 * 40 * 40], 40, 40, image::ColorType::Rgb8).unwrap();
    let applied = SystemOf::<Hatl>::new().apply(&run, &ask(&picture), &()).unwrap();
    assert_eq!((applied.rows.len(), applied.known), (1, 0));
}

#[test]
fn the_rule_of_unaligned_sentences_counts_in_noise_and_each_arm_has_its_own_number_of_epochs() {
    let quick = spec(&["unaligned"], &["hatl"]);
    assert!(quick.rule.in_noise && quick.target.patience.is_some());
    let mut small = spec(&["unaligned", "smoke"], &["frozen", "full"]);
    (small.target.epochs, small.target.patience) = (6, Some(1));
    let results = run_in_memory::<Hatl>(&small).unwrap();
    assert!(results.of("epochs").rows().iter().all(|row| (1.0..=6.0).contains(&row.value)));
    assert!(results.grids[0].metrics.contains(&"epochs"));
}

/// Forty texts of two classes that a word tells apart.
fn own_texts() -> String {
    let line = |row: usize| {
        let (word, class) = [("rain", "wet"), ("sun", "dry")][row % 2];
        format!("\"{} {word} today\",{class}\n", ["much", "some", "no", "more"][row / 2 % 4])
    };
    std::iter::once("note,kind\n".to_string()).chain((0..40).map(line)).collect()
}

fn texts(folder: &std::path::Path) -> Spec {
    let mut spec = spec(&["smoke"], &["hatl"]);
    spec.read_texts(folder.join("own.csv"));
    spec.arms = ["hatl", "frozen", "full"].map(String::from).to_vec();
    (spec.texts.encoder, spec.texts.blocks) = (Some(folder.join("encoder")), 2);
    (spec.texts.text, spec.texts.class) = ("note".into(), "kind".into());
    (spec.texts.labels, spec.texts.test, spec.texts.encoder_rate) = (6, 8, 1.0);
    (spec.target.epochs, spec.target.batch, spec.target.rate) = (40, 4, 1e-2);
    spec
}

#[test]
fn blocks_of_a_text_encoder_are_released_on_texts_of_the_users_own() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("own.csv"), own_texts()).unwrap();
    write_encoder(&folder.path().join("encoder"), &["much some no more rain sun today"], 3);
    let run = run_into(&texts(folder.path()), folder.path());
    let of = |arm: &str, metric: &str| {
        let trial = run.trials.iter().find(|trial| trial.point.get("arm") == arm).unwrap();
        trial.measurement.get(metric).unwrap()
    };
    assert!(of("full", "accuracy") > 0.8, "a word tells the classes apart: {}", of("full", "accuracy"));
    assert_eq!((of("full", "releases"), of("frozen", "releases")), (0.0, 0.0));
    let full = run.trials.iter().find(|trial| trial.point.get("arm") == "full").unwrap();
    let predicted = String::from_utf8(full.file("predictions.csv").unwrap()).unwrap();
    let then: Vec<Vec<&str>> = predicted.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!(then.len(), 16, "eight test texts of each class");

    // The network says of the same texts what it said in the run. Line 1 is the header.
    let options = apply_options(&folder.path().join("own.csv"), Some("full"));
    let system = SystemOf::<Hatl>::new();
    let applied = system.apply(&run, &options, &()).unwrap();
    assert_eq!(applied.rows.len(), 40);
    for then in then {
        let now = applied.rows.iter().find(|row| row[0].as_str() == Some(then[3])).unwrap();
        assert_eq!(now[1].as_str(), Some(then[5]), "{then:?}");
        let (probability, known) = (now[3].as_f64().unwrap(), then[6].parse::<f64>().unwrap());
        // Texts are filled to another length.
        assert!((probability - known).abs() < 1e-5, "{probability} and {known} in the run");
    }
    let lines = folder.path().join("new.txt");
    std::fs::write(&lines, "some rain today\n\nno sun today\n").unwrap();
    let applied = system.apply(&run, &apply_options(&lines, Some("full")), &()).unwrap();
    assert_eq!(applied.rows.iter().map(|row| row[0].as_str().unwrap()).collect::<Vec<_>>(), ["line 1", "line 3"]);
}

#[test]
fn errors_in_texts_name_the_file_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    write_encoder(&folder.path().join("encoder"), &["rain sun"], 3);
    let message = |spec: &Spec, text: &str| {
        std::fs::write(folder.path().join("own.csv"), text).unwrap();
        run_in_memory::<Hatl>(spec).unwrap_err().to_string()
    };
    std::fs::write(folder.path().join("own.csv"), own_texts()).unwrap();
    let spec = texts(folder.path());
    let one = own_texts().replace("wet", "dry");
    let rows = [
        (own_texts().replacen("note", "nte", 1), "no column `note`; the columns are nte, kind"),
        (own_texts().replacen("some sun today", "", 1), "the field is empty"),
        (one, "column `kind` has 1 class; expected at least two"),
        (own_texts().lines().take(12).collect::<Vec<_>>().join("\n"), "needs 13: as many for validation"),
    ];
    for (text, part) in rows {
        let error = message(&spec, &text);
        assert!(error.contains("own.csv") && error.contains(part), "{error}");
    }
    type Change = fn(&mut Spec);
    let cases: [(Change, &str); 4] = [
        (|spec| spec.texts.encoder = None, "data/glosses/minilm.sh"),
        (|spec| spec.texts.blocks = 4, "the encoder has fewer blocks"),
        (|spec| spec.texts.class = "note".into(), "another column than texts.text"),
        (|spec| spec.arms.push("scratch".into()), "comes pretrained"),
    ];
    for (change, part) in cases {
        let mut spec = spec.clone();
        change(&mut spec);
        let error = message(&spec, &own_texts());
        assert!(error.contains(part), "{error}");
    }
    std::fs::remove_file(folder.path().join("encoder/config.json")).unwrap();
    let error = message(&spec, &own_texts());
    assert!(error.contains("encoder") && error.contains("lacks config.json"), "{error}");
}
