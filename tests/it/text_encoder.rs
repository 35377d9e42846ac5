//! Text encoders against transformers' values (tests/reference/text_encoder.json, made by the script beside it).

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use qgraft::nn::loss::Loss;
use qgraft::nn::text::{Pooling, TextBundle, TextConfig, TextEncoder, TextFamily, TextTokenizer, sentence_vectors};
use qgraft::nn::{Examples, LearningRates, Mode, Network, NnError, Output, Params, Weights};
use qgraft::nn::{layer::Linear, optim};
use qgraft::study::train::{TrainConfig, TrainingLoop};
use qgraft::transfer::MethodRow;
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    networks: Vec<Case>,
    vocabulary: Vec<String>,
    pieces: Vec<Piece>,
    sentences: Vec<Sentence>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    config: serde_json::Value,
    ids: Vec<Vec<u32>>,
    states: Vec<Vec<f64>>,
    parameters: Vec<Parameter>,
}

#[derive(Deserialize)]
struct Parameter {
    name: String,
    shape: Vec<usize>,
    gradient: Vec<f64>,
}

#[derive(Deserialize)]
struct Piece {
    text: String,
    ids: Vec<u32>,
}

#[derive(Deserialize)]
struct Sentence {
    text: String,
    ids: Vec<u32>,
    vector: Vec<f64>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../reference/text_encoder.json")).unwrap()
}

fn config(case: &Case) -> TextConfig {
    TextConfig::from_json(&case.config.to_string(), Path::new("config.json")).unwrap()
}

/// Element i is scale · sin(0.7 i + phase), as in the script.
fn formula(shape: &[usize], phase: f64, scale: f64) -> Tensor {
    let values: Vec<f64> = (0..shape.iter().product()).map(|i: usize| scale * (0.7 * i as f64 + phase).sin()).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

#[track_caller]
fn assert_near(what: &str, got: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "{what}: number of values");
    for (index, (g, e)) in got.iter().zip(expected).enumerate() {
        assert!((g - e).abs() <= tolerance * e.abs().max(1.0), "{what}: value {index} is {g}, expected {e}");
    }
}

fn weights(case: &Case, respell: impl Fn(&str) -> String) -> Weights {
    let tensors = case
        .parameters
        .iter()
        .enumerate()
        .map(|(k, parameter)| (respell(&parameter.name), formula(&parameter.shape, 2.0 + k as f64, 0.5)));
    Weights::new(tensors, "formula".into()).unwrap()
}

#[test]
fn hidden_states_and_gradients_match_transformers() {
    // The reference has seven decimals. In single precision two layers of sums add about 1e-6.
    for (dtype, tolerance) in [(DType::F64, 1e-6), (DType::F32, 3e-5)] {
        for case in reference().networks {
            let name = format!("{} in {dtype:?}", case.name);
            let mut params = Params::new(0, dtype);
            let encoder = TextEncoder::new(&mut params, config(&case)).unwrap();
            for (k, parameter) in case.parameters.iter().enumerate() {
                let var = params.find(&parameter.name).unwrap_or_else(|| panic!("{name} has no {}", parameter.name));
                assert_eq!(var.dims(), parameter.shape, "{name}: {}", parameter.name);
                var.set(&formula(&parameter.shape, 2.0 + k as f64, 0.5).to_dtype(dtype).unwrap()).unwrap();
            }
            assert_eq!(params.iter().count(), case.parameters.len(), "{name}: parameters that transformers has not");

            let ids = Tensor::new(case.ids.clone(), &Device::Cpu).unwrap();
            let seen = ids.ne(0u32).unwrap().unsqueeze(2).unwrap().to_dtype(dtype).unwrap();
            let states = encoder.hidden_states(&ids, Mode::Eval).unwrap();
            assert_eq!(states.len(), case.states.len(), "{name}: hidden states");
            for (index, (state, expected)) in states.iter().zip(&case.states).enumerate() {
                let state = state.broadcast_mul(&seen).unwrap();
                assert_near(&format!("{name}: hidden state {index}"), &values(&state), expected, tolerance);
            }
            let last = states.last().unwrap();
            let factor = formula(last.dims(), 0.5, 1.0).to_dtype(dtype).unwrap().broadcast_mul(&seen).unwrap();
            let gradients = (last * factor).unwrap().sum_all().unwrap().backward().unwrap();
            for parameter in &case.parameters {
                let what = format!("{name}: gradient of {}", parameter.name);
                let gradient = gradients.get(params.find(&parameter.name).unwrap());
                assert_near(&what, &values(gradient.expect(&what)), &parameter.gradient, 10.0 * tolerance);
            }
        }
    }
}

/// A checkpoint of a whole model, an old one, and one whose first part was taken for a wrapper hold the same encoder.
#[test]
fn checkpoints_of_several_spellings_are_read() {
    type Spelling = fn(&str) -> String;
    let spellings: [Spelling; 3] = [
        |name| {
            format!("bert.{name}")
                .replace("LayerNorm.weight", "LayerNorm.gamma")
                .replace("LayerNorm.bias", "LayerNorm.beta")
        },
        |name| name.replace("encoder.layer", "layer"),
        |name| format!("0.auto_model.{name}"),
    ];
    let case = &reference().networks[0];
    for spell in spellings {
        let mut params = Params::new(0, DType::F64);
        let encoder = TextEncoder::new(&mut params, config(case)).unwrap();
        encoder.load(&params, &weights(case, spell)).unwrap();
        let ids = Tensor::new(case.ids.clone(), &Device::Cpu).unwrap();
        let states = encoder.hidden_states(&ids, Mode::Eval).unwrap();
        let first = values(&states[2].get(1).unwrap());
        // Weights are read in single precision.
        assert_near("last state", &first, &case.states[2][48..], 1e-5);
    }
    let mut params = Params::new(0, DType::F64);
    let encoder = TextEncoder::new(&mut params, config(case)).unwrap();
    let error = encoder.load(&params, &weights(case, |name| name.replace("query", "q"))).unwrap_err().to_string();
    assert!(error.contains("missing: encoder.layer.0.attention.self.query"), "{error}");
}

/// The mean over words alone, and texts that are not padded have the vectors that they have among longer ones.
#[test]
fn pooling_reads_the_mask() {
    let case = &reference().networks[1];
    let mut params = Params::new(3, DType::F64);
    let encoder = TextEncoder::new(&mut params, config(case)).unwrap();
    let ids = Tensor::new(case.ids.clone(), &Device::Cpu).unwrap();
    for pooling in [Pooling::Mean, Pooling::First] {
        let together = encoder.sentence(&ids, pooling, Mode::Eval).unwrap();
        for (row, words) in case.ids.iter().enumerate() {
            let own: Vec<u32> = words.iter().copied().filter(|word| *word != 0).collect();
            let alone = Tensor::new(vec![own], &Device::Cpu).unwrap();
            let alone = encoder.sentence(&alone, pooling, Mode::Eval).unwrap();
            assert_near("vector", &values(&together.get(row).unwrap()), &values(&alone), 1e-12);
        }
    }
}

struct Classifier {
    encoder: TextEncoder,
    head: Linear,
}

impl Network for Classifier {
    fn forward(&self, inputs: &[Tensor], mode: Mode) -> Result<Output, NnError> {
        let features = self.encoder.sentence(&inputs[0], Pooling::Mean, mode)?;
        let logits = self.head.forward(&features)?;
        Ok(Output::new(features, logits))
    }
}

/// Full fine-tuning moves every tensor down to the table of words; the methods that freeze move what they say.
#[test]
fn training_reaches_the_table_of_words_and_methods_freeze_what_they_say() {
    let ids: Vec<Vec<u32>> = (0..16u32).map(|k| vec![1, 4 + k % 7, 4 + (k * k) % 5, 2]).collect();
    let labels: Vec<u32> = (0..16u32).map(|k| u32::from(k % 7 > 2)).collect();
    let rows = Examples::new(Tensor::new(ids, &Device::Cpu).unwrap(), Tensor::new(labels, &Device::Cpu).unwrap());
    for case in reference().networks {
        for (method, epochs) in [("full", 1), ("frozen", 1), ("gradual", 1), ("gradual", 4), ("lora", 1)] {
            let config = config(&case);
            let model = move |params: &mut Params| -> Result<Box<dyn Network>, NnError> {
                let encoder = TextEncoder::new(params, config)?;
                let head = Linear::new(params, "head", (config.width, 2), true)?;
                Ok(Box::new(Classifier { encoder, head }))
            };
            let mut params = Params::new(1, DType::F64);
            model(&mut params).unwrap();
            let groups = config.groups(&params);
            assert_eq!(groups.len(), 4, "embeddings, two blocks, head");
            let mut transfer = MethodRow::named(method).unwrap().method(&groups);
            let before: BTreeMap<String, Vec<f64>> =
                params.iter().map(|(name, var)| (name.to_string(), values(var))).collect();
            let settings = TrainConfig::new(epochs, 8, 1e-3, optim::Method::ADAM);
            TrainingLoop::new(&model, &rows, &Loss::CrossEntropy, &settings, 1)
                .run(&mut params, transfer.as_mut())
                .unwrap();
            params.set_rates(&LearningRates::default());
            for (name, var) in params.iter().filter(|(name, _)| before.contains_key(*name)) {
                let expected = match method {
                    "full" => true,
                    "gradual" if epochs == 4 => true,
                    _ => name.starts_with("head"),
                };
                // Softmax does not change when all scores of a query move alike, so that the offset of keys has no gradient.
                let is_key_offset = name.ends_with("key.bias") || name.ends_with("k_lin.bias");
                if !is_key_offset {
                    assert_eq!(values(var) != before[name], expected, "{} {method} {epochs}: {name}", case.name);
                }
            }
            if method == "lora" {
                let moved = |name: &str| values(params.find(name).unwrap()).iter().any(|value| *value != 0.0);
                assert!(moved("embeddings.word_embeddings.weight.lora_b"), "{}: low-rank table of words", case.name);
            }
        }
    }
}

#[test]
fn words_match_the_tokenizer_of_transformers() {
    let reference = reference();
    let tokenizer = TextTokenizer::from_vocabulary(&reference.vocabulary, true, Path::new("vocab.txt")).unwrap();
    let again = TextTokenizer::from_json(tokenizer.to_json().unwrap().as_bytes(), Path::new("again")).unwrap();
    for piece in &reference.pieces {
        for tokenizer in [&tokenizer, &again] {
            assert_eq!(tokenizer.encode(&piece.text, 12).unwrap(), piece.ids, "{:?}", piece.text);
        }
    }
    let words = tokenizer.words(&reference.pieces[0].ids);
    assert_eq!(words.join(" "), "[CLS] the harvest fail ##ed in the north . [SEP]");
}

#[test]
fn a_vocabulary_of_a_corpus_has_the_frequent_words_first() {
    let tokenizer = TextTokenizer::of_texts(["Rain, rain and wind", "no RAIN"], 8).unwrap();
    // Five special words, then rain (3 times), and of those that occur once the first two in the alphabet.
    assert_eq!(tokenizer.vocabulary(), 8);
    assert_eq!(tokenizer.encode("rain , and wind", 10).unwrap(), [2, 5, 6, 7, 1, 3]);
}

#[test]
fn bad_files_are_refused_with_their_names() {
    let good = reference().networks[0].config.clone();
    for (field, value, expected) in [
        ("model_type", serde_json::json!("gpt2"), "model_type is \"gpt2\"; expected \"bert\" or \"distilbert\""),
        ("hidden_size", serde_json::json!(-8), "hidden_size is -8; expected a positive whole number"),
        ("num_attention_heads", serde_json::json!(3), "heads = 3 of width 8"),
        ("hidden_act", serde_json::json!("swish"), "activation \"swish\" is not known"),
        ("num_hidden_layers", serde_json::json!(99_999_999), "more than 4e9 values"),
        ("pad_token_id", serde_json::json!(11), "expected a word of the table"),
    ] {
        let mut config = good.clone();
        config[field] = value;
        // The largest network that the sizes allow is refused by its size, not by its first part.
        if field == "num_hidden_layers" {
            config["hidden_size"] = serde_json::json!(1024);
        }
        let error = TextConfig::from_json(&config.to_string(), Path::new("config.json")).unwrap_err().to_string();
        assert!(error.starts_with("config.json: ") && error.contains(expected), "{field}: {error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let error = TextBundle::read(folder.path()).unwrap_err().to_string();
    assert!(error.contains("lacks config.json"), "{error}");
    let words = ["[PAD]", "[UNK]", "[CLS]"].map(String::from);
    let error = TextTokenizer::from_vocabulary(&words, true, Path::new("vocab.txt")).unwrap_err().to_string();
    assert_eq!(error, "vocab.txt: the vocabulary lacks [SEP]");
    assert!(TextTokenizer::from_json(b"{}", Path::new("tokenizer.json")).is_err());
    let sizes = TextConfig::small(9, 8, 1, 2, 4);
    assert_eq!(sizes.family, TextFamily::DistilBert);
    let encoder = TextEncoder::new(&mut Params::new(0, DType::F32), sizes).unwrap();
    for (ids, expected) in [(vec![vec![1u32; 5]], "length = 5"), (vec![vec![0u32; 3]], "has no word")] {
        let ids = Tensor::new(ids, &Device::Cpu).unwrap();
        let error = encoder.hidden_states(&ids, Mode::Eval).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// The sentence encoder that data/glosses/minilm.sh fetches, in the folder that QGRAFT_TEXT_ENCODER names; skipped without it.
#[test]
fn sentence_vectors_of_minilm_match_transformers() {
    let Some(folder) = std::env::var_os("QGRAFT_TEXT_ENCODER") else { return };
    let bundle = TextBundle::read(Path::new(&folder)).unwrap();
    let sentences = reference().sentences;
    let texts: Vec<&str> = sentences.iter().map(|sentence| sentence.text.as_str()).collect();
    let ids = bundle.tokenizer.encode_all(&texts, usize::MAX).unwrap();
    let vectors = sentence_vectors(&bundle.encoder().unwrap(), &ids, Pooling::Mean, false).unwrap();
    for (row, sentence) in sentences.iter().enumerate() {
        assert_eq!(ids[row], sentence.ids, "{:?}", sentence.text);
        assert_near(&sentence.text, &vectors.row(row).to_vec(), &sentence.vector, 1e-4);
    }
}
