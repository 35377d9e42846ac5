//! Texts as weighted counts of words.

use std::collections::BTreeMap;

use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// Term frequency times inverse document frequency, rows of length 1, as scikit-learn's `TfidfVectorizer` with its defaults: words
/// of two and more letters, digits or underscores in lower case, idf = ln((1 + n) / (1 + n_w)) + 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TermWeights {
    /// The words, in the order of the columns: alphabetical.
    pub words: Vec<String>,
    /// Inverse document frequency of each word.
    pub idf: Vec<f64>,
}

/// Words of two and more letters, digits or underscores, in lower case.
fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let parts = lower.split(|letter: char| !(letter.is_alphanumeric() || letter == '_'));
    parts.filter(|word| word.chars().nth(1).is_some()).map(String::from).collect()
}

impl TermWeights {
    /// Measured on texts to learn from. Of more than `most` words the most frequent are kept, of equally frequent ones the first in the
    /// alphabet.
    ///
    /// ```
    /// use qgraft::classic::TermWeights;
    /// let weights = TermWeights::fit(&["rain rain", "wind and rain"], 10);
    /// assert_eq!(weights.words, ["and", "rain", "wind"]);
    /// assert_eq!(weights.transform(&["rain"]).row(0).to_vec(), [0.0, 1.0, 0.0]);
    /// ```
    pub fn fit(texts: &[&str], most: usize) -> Self {
        let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for text in texts {
            let mut own = words(text);
            for word in &own {
                counts.entry(word.clone()).or_default().0 += 1;
            }
            own.sort();
            own.dedup();
            for word in own {
                counts.entry(word).or_default().1 += 1;
            }
        }
        let mut kept: Vec<(String, (usize, usize))> = counts.into_iter().collect();
        kept.sort_by(|a, b| b.1.0.cmp(&a.1.0).then_with(|| a.0.cmp(&b.0)));
        kept.truncate(most);
        kept.sort();
        let documents = texts.len() as f64;
        let idf = kept.iter().map(|(_, (_, own))| ((1.0 + documents) / (1.0 + *own as f64)).ln() + 1.0).collect();
        Self { words: kept.into_iter().map(|(word, _)| word).collect(), idf }
    }

    /// (texts, words). A text without known words is a row of zeros.
    pub fn transform(&self, texts: &[&str]) -> Array2<f64> {
        let mut found: Array2<f64> = Array2::zeros((texts.len(), self.words.len()));
        for (row, text) in texts.iter().enumerate() {
            for word in words(text) {
                if let Ok(column) = self.words.binary_search(&word) {
                    found[[row, column]] += self.idf[column];
                }
            }
            let length = found.row(row).dot(&found.row(row)).sqrt();
            if length > 0.0 {
                found.row_mut(row).mapv_inplace(|value| value / length);
            }
        }
        found
    }
}
