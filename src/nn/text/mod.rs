//! Text encoders: BERT and DistilBERT on our parameters, under the names of Hugging Face's checkpoints, and their tokenizers.
//!
//! * [`TextConfig`]: sizes and spelling of a network, from its `config.json`.
//! * [`TextEncoder`]: hidden states and sentence vectors, with gradients down to the table of words.
//! * [`TextTokenizer`]: texts to numbers, from `tokenizer.json`, `vocab.txt` or the words of a corpus.
//! * [`TextBundle`]: all three from one folder. [`sentence_vectors`]: the vectors of many texts by a frozen encoder.
//! * [`TextTop`]: the last blocks of one, trained on what those below made of each text.

mod bundle;
mod config;
mod encoder;
mod tokenizer;
mod top;

pub use bundle::{TextBundle, padded, sentence_vectors};
pub use config::{TextActivation, TextConfig, TextFamily};
pub use encoder::{Pooling, TextEncoder};
pub use tokenizer::TextTokenizer;
pub use top::{TextStates, TextTop};
