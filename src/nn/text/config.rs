//! Sizes and spelling of a text encoder.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::nn::{LayerGroups, NnError, Params, Weights};

/// Whose names and parts a network has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TextFamily {
    /// Devlin et al. 2019, arXiv:1810.04805.
    Bert,
    /// Sanh et al. 2019, arXiv:1910.01108: no types of segments.
    DistilBert,
}

impl TextFamily {
    /// As `model_type` says it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bert => "bert",
            Self::DistilBert => "distilbert",
        }
    }

    /// Where the names of layer `index` begin, with the final dot.
    pub fn layer(self, index: usize) -> String {
        match self {
            Self::Bert => format!("encoder.layer.{index}."),
            Self::DistilBert => format!("transformer.layer.{index}."),
        }
    }

    /// Queries, keys, values, output of the attention, its norm, the two feed-forward layers, their norm.
    pub(super) const fn parts(self) -> [&'static str; 8] {
        match self {
            Self::Bert => [
                "attention.self.query",
                "attention.self.key",
                "attention.self.value",
                "attention.output.dense",
                "attention.output.LayerNorm",
                "intermediate.dense",
                "output.dense",
                "output.LayerNorm",
            ],
            Self::DistilBert => [
                "attention.q_lin",
                "attention.k_lin",
                "attention.v_lin",
                "attention.out_lin",
                "sa_layer_norm",
                "ffn.lin1",
                "ffn.lin2",
                "output_layer_norm",
            ],
        }
    }
}

/// Between the two feed-forward layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TextActivation {
    /// x Φ(x) (Hendrycks & Gimpel 2016, arXiv:1606.08415), by the error function.
    Gelu,
    /// max(x, 0).
    Relu,
}

/// Sizes of a text encoder.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextConfig {
    /// Whose names and parts.
    pub family: TextFamily,
    /// Words of the table.
    pub vocabulary: usize,
    /// Width of a word.
    pub width: usize,
    /// Blocks.
    pub layers: usize,
    /// Heads of an attention; they divide the width.
    pub heads: usize,
    /// Width between the feed-forward layers.
    pub hidden: usize,
    /// Longest text, in words.
    pub positions: usize,
    /// Types of segments; 0 in DistilBERT. All words are of the first.
    pub types: usize,
    /// Added to variances.
    pub epsilon: f64,
    /// Between the feed-forward layers.
    pub activation: TextActivation,
    /// Share of hidden values that is dropped in training, in 0..1.
    pub dropout: f64,
    /// Share of attention that is dropped in training, in 0..1.
    pub attention_dropout: f64,
    /// The word that fills short texts.
    pub pad: u32,
}

/// More values than this are no encoder that fits in the memory of one machine (16 GB in single precision).
const MOST_VALUES: usize = 4_000_000_000;

impl TextConfig {
    /// A DistilBERT of these sizes with the constants of the published ones.
    pub fn small(vocabulary: usize, width: usize, layers: usize, heads: usize, positions: usize) -> Self {
        Self {
            family: TextFamily::DistilBert,
            vocabulary,
            width,
            layers,
            heads,
            hidden: 4 * width,
            positions,
            types: 0,
            epsilon: 1e-12,
            activation: TextActivation::Gelu,
            dropout: 0.1,
            attention_dropout: 0.1,
            pad: 0,
        }
    }

    /// From the text of a `config.json`; `place` names the file in errors.
    ///
    /// # Errors
    /// Text that is no JSON, a model of another kind, a size that is missing or out of its range.
    pub fn from_json(text: &str, place: &Path) -> Result<Self, NnError> {
        let failed = |reason: String| NnError::File { path: place.into(), reason };
        let json: serde_json::Value = serde_json::from_str(text).map_err(|e| failed(format!("not JSON: {e}")))?;
        let family = match json["model_type"].as_str() {
            Some("bert") => TextFamily::Bert,
            Some("distilbert") => TextFamily::DistilBert,
            other => {
                let other = other.unwrap_or("missing");
                return Err(failed(format!("model_type is {other:?}; expected \"bert\" or \"distilbert\"")));
            }
        };
        let is_bert = family == TextFamily::Bert;
        let pick = |bert: &'static str, distilbert: &'static str| if is_bert { bert } else { distilbert };
        let size = |name: &str| {
            let value = json[name].as_u64().filter(|value| *value > 0 && *value <= 100_000_000);
            value
                .map(|value| value as usize)
                .ok_or_else(|| failed(format!("{name} is {}; expected a positive whole number", json[name])))
        };
        let share = |name: &str| match &json[name] {
            serde_json::Value::Null => Ok(0.1),
            value => value
                .as_f64()
                .filter(|value| (0.0..1.0).contains(value))
                .ok_or_else(|| failed(format!("{name} is {value}; expected a number from 0, below 1"))),
        };
        let activation = match json[pick("hidden_act", "activation")].as_str() {
            Some("gelu") | None => TextActivation::Gelu,
            Some("relu") => TextActivation::Relu,
            Some(other) => return Err(failed(format!("activation {other:?} is not known; expected gelu or relu"))),
        };
        if let Some(kind) = json["position_embedding_type"].as_str().filter(|kind| *kind != "absolute") {
            return Err(failed(format!("position_embedding_type {kind:?} is not known; expected \"absolute\"")));
        }
        let config = Self {
            family,
            vocabulary: size("vocab_size")?,
            width: size(pick("hidden_size", "dim"))?,
            layers: size(pick("num_hidden_layers", "n_layers"))?,
            heads: size(pick("num_attention_heads", "n_heads"))?,
            hidden: size(pick("intermediate_size", "hidden_dim"))?,
            positions: size("max_position_embeddings")?,
            types: if is_bert { size("type_vocab_size")? } else { 0 },
            epsilon: json["layer_norm_eps"].as_f64().unwrap_or(1e-12),
            activation,
            dropout: share(pick("hidden_dropout_prob", "dropout"))?,
            attention_dropout: share(pick("attention_probs_dropout_prob", "attention_dropout"))?,
            pad: json["pad_token_id"].as_u64().unwrap_or(0) as u32,
        };
        config.check().map_err(|error| failed(error.to_string()))?;
        Ok(config)
    }

    /// Whether such a network can be built.
    ///
    /// # Errors
    /// Heads that do not divide the width, a filling word outside the table, a network that no machine holds.
    pub fn check(&self) -> Result<(), NnError> {
        let bad = |field, value: String, reason| Err(NnError::Setting { field, value, reason });
        if self.heads == 0 || !self.width.is_multiple_of(self.heads) {
            let reason = "the number of heads must divide the width";
            return bad("heads", format!("{} of width {}", self.heads, self.width), reason);
        }
        if self.pad as usize >= self.vocabulary {
            return bad("pad_token_id", self.pad.to_string(), "expected a word of the table");
        }
        if !(self.epsilon > 0.0 && self.epsilon < 1.0) {
            return bad("layer_norm_eps", self.epsilon.to_string(), "expected a number above 0, below 1");
        }
        let table = (self.vocabulary + self.positions + self.types).checked_mul(self.width);
        let block = self.width.checked_mul(4 * self.width + 2 * self.hidden);
        let all = block.and_then(|block| block.checked_mul(self.layers)).zip(table).map(|(a, b)| a.saturating_add(b));
        if all.is_none_or(|all| all > MOST_VALUES) {
            return bad(
                "hidden_size",
                self.width.to_string(),
                "the network has more than 4e9 values; none is that large",
            );
        }
        Ok(())
    }

    /// The layers that transfer methods freeze and release: the embeddings, each block, and the head, which is whatever else
    /// `params` hold.
    pub fn groups(&self, params: &Params) -> LayerGroups {
        let blocks = (0..self.layers).map(|index| self.family.layer(index));
        let prefixes: Vec<String> = ["embeddings.".to_string()].into_iter().chain(blocks).collect();
        let with = |prefix: &String| -> Vec<String> {
            params.trainable().map(|(name, _)| name).filter(|name| name.starts_with(prefix)).map(String::from).collect()
        };
        LayerGroups::of_trunk(prefixes.iter().map(with).collect(), params)
    }

    /// The same tensors under the names of [`TextEncoder`](super::TextEncoder). Checkpoints of whole models begin each name with
    /// `bert.`, `distilbert.` or the sentence library's `0.auto_model.`; old ones call the parts of a norm gamma and beta; and
    /// [`Weights::read`] takes `encoder.` for a wrapper.
    pub fn respelled(&self, weights: &Weights) -> Weights {
        let spell = |name: &str| {
            let mut own = name;
            for wrapper in ["0.auto_model.", "auto_model.", "bert.", "distilbert."] {
                own = own.strip_prefix(wrapper).unwrap_or(own);
            }
            let own = match own.strip_prefix("layer.") {
                Some(rest) if self.family == TextFamily::Bert => format!("encoder.layer.{rest}"),
                Some(rest) => format!("transformer.layer.{rest}"),
                None => own.to_string(),
            };
            own.replace("LayerNorm.gamma", "LayerNorm.weight").replace("LayerNorm.beta", "LayerNorm.bias")
        };
        let names: BTreeMap<String, String> = weights.iter().map(|(name, _)| (name.to_string(), spell(name))).collect();
        weights.renamed(names)
    }
}
