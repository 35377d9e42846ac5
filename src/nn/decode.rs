//! From scores of the next symbol to a sequence: beam search.

use candle_core::{DType, Device, Tensor};
use serde::{Deserialize, Serialize};

use crate::nn::NnError;

/// A network that writes a sequence symbol by symbol, each from what it read and from what it wrote before.
pub trait Decoder {
    /// Log-probabilities (rows, symbols) of the symbol that follows each prefix (rows, length) u32. `memory` (rows, …) is
    /// what the network made of what it read.
    ///
    /// # Errors
    /// If shapes do not fit.
    fn log_probabilities(&self, prefixes: &Tensor, memory: &Tensor) -> Result<Tensor, NnError>;
}

/// Symbols with a meaning of their own, and how long a sequence may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Symbols {
    /// Comes before the first symbol of a sequence.
    pub begin: u32,
    /// Ends a sequence.
    pub end: u32,
    /// Symbols of the longest sequence, its end among them. A longer one is cut off there.
    pub longest: usize,
}

/// Beam search: how many sequences are followed at once, and how those of different length compare.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BeamSearch {
    /// Sequences that are followed at once, at least 1. With 1 each symbol is the likeliest (greedy search).
    pub beam_size: usize,
    /// Exponent α ≥ 0: sequences compare by log p / ((5 + length) / 6)^α, the end counted in the length (Wu et al. 2016,
    /// arXiv:1609.08144, equation 14). 0 favours short sequences, which have fewer factors.
    pub length_penalty: f64,
}

impl Default for BeamSearch {
    fn default() -> Self {
        Self { beam_size: 1, length_penalty: 0.6 }
    }
}

/// A sequence so far.
#[derive(Clone, Debug)]
struct Hypothesis {
    symbols: Vec<u32>,
    log_probability: f64,
    has_ended: bool,
}

impl Hypothesis {
    fn score(&self, length_penalty: f64) -> f64 {
        let length = self.symbols.len() + usize::from(self.has_ended);
        self.log_probability / ((5.0 + length as f64) / 6.0).powf(length_penalty)
    }
}

impl BeamSearch {
    /// One symbol after the other, each the likeliest.
    pub fn greedy() -> Self {
        Self { beam_size: 1, ..Self::default() }
    }

    /// The best sequence that `decoder` writes for each row of `memory`, without its end.
    ///
    /// # Errors
    /// Those of the decoder.
    pub fn decode(&self, decoder: &dyn Decoder, memory: &Tensor, symbols: Symbols) -> Result<Vec<Vec<u32>>, NnError> {
        let memory = memory.detach();
        self.search(memory.dim(0)?, symbols, |prefixes| {
            let rows: Vec<u32> = prefixes.iter().map(|(row, _)| *row as u32).collect();
            let length = prefixes.first().map_or(0, |(_, prefix)| prefix.len());
            let values = prefixes.iter().flat_map(|(_, prefix)| prefix.iter().copied()).collect();
            let prefixes = Tensor::from_vec(values, (rows.len(), length), &Device::Cpu)?;
            let memory = memory.index_select(&Tensor::new(rows, &Device::Cpu)?, 0)?;
            Ok(decoder.log_probabilities(&prefixes, &memory)?.detach().to_dtype(DType::F64)?.to_vec2()?)
        })
    }

    /// The same for any scores: `next` gives the log-probabilities of every symbol after each of several prefixes, which
    /// come with their row, begin with [`Symbols::begin`] and are all equally long.
    ///
    /// # Errors
    /// Those of `next`.
    pub fn search(
        &self,
        rows: usize,
        Symbols { begin, end, longest }: Symbols,
        mut next: impl FnMut(&[(usize, Vec<u32>)]) -> Result<Vec<Vec<f64>>, NnError>,
    ) -> Result<Vec<Vec<u32>>, NnError> {
        let start = Hypothesis { symbols: Vec::new(), log_probability: 0.0, has_ended: false };
        let mut beams: Vec<Vec<Hypothesis>> = vec![vec![start]; rows];
        for _ in 0..longest {
            let all = beams.iter().enumerate().flat_map(|(row, beam)| beam.iter().map(move |one| (row, one)));
            let prefix = |symbols: &[u32]| [&[begin], symbols].concat();
            let open: Vec<(usize, Vec<u32>)> =
                all.filter(|(_, one)| !one.has_ended).map(|(row, one)| (row, prefix(&one.symbols))).collect();
            if open.is_empty() {
                break;
            }
            let mut scores = next(&open)?.into_iter();
            beams = beams.iter().map(|beam| self.extended(beam, end, &mut scores)).collect();
        }
        // A sequence that has not ended where no more symbols are allowed is cut off there.
        let best = |beam: Vec<Hypothesis>| {
            let better = |a: Hypothesis, b: Hypothesis| {
                if b.score(self.length_penalty) > a.score(self.length_penalty) { b } else { a }
            };
            beam.into_iter().reduce(better).map_or(Vec::new(), |one| one.symbols)
        };
        Ok(beams.into_iter().map(best).collect())
    }

    /// The best hypotheses that are one symbol longer or ended before; of equals the one with the lower symbol.
    fn extended(&self, beam: &[Hypothesis], end: u32, scores: &mut impl Iterator<Item = Vec<f64>>) -> Vec<Hypothesis> {
        let mut all: Vec<Hypothesis> = Vec::new();
        for one in beam {
            if one.has_ended {
                all.push(one.clone());
                continue;
            }
            for (symbol, log_probability) in scores.next().into_iter().flatten().enumerate() {
                let (mut symbols, has_ended) = (one.symbols.clone(), symbol as u32 == end);
                symbols.extend((!has_ended).then_some(symbol as u32));
                all.push(Hypothesis { symbols, log_probability: one.log_probability + log_probability, has_ended });
            }
        }
        all.sort_by(|a, b| b.score(self.length_penalty).total_cmp(&a.score(self.length_penalty)));
        all.truncate(self.beam_size.max(1));
        all
    }
}
