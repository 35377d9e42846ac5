//! A folder of a small pretrained text encoder.

use std::fs;
use std::path::Path;

use candle_core::DType;
use qgraft::nn::Params;
use qgraft::nn::text::{TextConfig, TextEncoder, TextTokenizer};

/// Writes a DistilBERT of width 8 with so many blocks and random weights, and a tokenizer that knows these words.
pub fn write_encoder(folder: &Path, words: &[&str], blocks: usize) {
    fs::create_dir_all(folder).unwrap();
    let tokenizer = TextTokenizer::of_texts(words.iter().copied(), 100).unwrap();
    let config = TextConfig::small(tokenizer.vocabulary(), 8, blocks, 2, 16);
    let json = serde_json::json!({"model_type": "distilbert", "vocab_size": config.vocabulary, "dim": 8, "n_layers": blocks,
        "n_heads": 2, "hidden_dim": 32, "max_position_embeddings": 16, "pad_token_id": 0});
    fs::write(folder.join("config.json"), json.to_string()).unwrap();
    fs::write(folder.join("tokenizer.json"), tokenizer.to_json().unwrap()).unwrap();
    let mut params = Params::new(5, DType::F32);
    TextEncoder::new(&mut params, config).unwrap();
    params.save(&folder.join("model.safetensors")).unwrap();
}
