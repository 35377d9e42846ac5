//! Texts to numbers of words.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;
use tokenizers::{Tokenizer, TruncationParams};

use crate::nn::NnError;

/// What cuts a text into words and pieces of words and numbers them, with `[CLS]` in front and `[SEP]` behind.
#[derive(Clone, Debug)]
pub struct TextTokenizer {
    inner: Tokenizer,
    pad: u32,
}

/// The words that every vocabulary of ours begins with.
const SPECIAL: [&str; 5] = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"];

impl TextTokenizer {
    /// From the bytes of a `tokenizer.json`. Its filling is switched off, its truncation stays.
    ///
    /// # Errors
    /// Bytes of another kind.
    pub fn from_json(bytes: &[u8], place: &Path) -> Result<Self, NnError> {
        let failed = |reason: String| NnError::File { path: place.into(), reason };
        let mut inner = Tokenizer::from_bytes(bytes).map_err(|e| failed(format!("not a tokenizer: {e}")))?;
        let named = inner.get_padding().map(|padding| padding.pad_id);
        let pad = named.or_else(|| inner.token_to_id("[PAD]")).unwrap_or(0);
        inner.with_padding(None);
        Ok(Self { inner, pad })
    }

    /// WordPiece over `vocabulary`, one word for each number, pieces inside words marked by ## (Wu et al. 2016,
    /// arXiv:1609.08144): the tokenizer of a `vocab.txt`.
    ///
    /// # Errors
    /// A vocabulary without `[UNK]`, `[CLS]` and `[SEP]`, or with a word twice.
    pub fn from_vocabulary(vocabulary: &[String], lowercase: bool, place: &Path) -> Result<Self, NnError> {
        let failed = |reason: String| NnError::File { path: place.into(), reason };
        let mut numbers = BTreeMap::new();
        for (number, word) in vocabulary.iter().enumerate() {
            if numbers.insert(word.as_str(), number).is_some() {
                return Err(failed(format!("line {}: {word:?} stands twice", number + 1)));
            }
        }
        for special in &SPECIAL[1..4] {
            if !numbers.contains_key(special) {
                return Err(failed(format!("the vocabulary lacks {special}")));
            }
        }
        let own: Vec<_> = SPECIAL
            .iter()
            .filter_map(|word| {
                let id = numbers.get(word)?;
                Some(json!({"id": id, "content": word, "single_word": false, "lstrip": false, "rstrip": false,
                    "normalized": false, "special": true}))
            })
            .collect();
        let special = |word: &str| json!({"id": word, "ids": [numbers[word]], "tokens": [word]});
        let one = |word: &str| json!({"SpecialToken": {"id": word, "type_id": 0}});
        let sequence = |id: &str| json!({"Sequence": {"id": id, "type_id": 0}});
        let json = json!({
            "version": "1.0", "truncation": null, "padding": null, "added_tokens": own,
            "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true,
                "strip_accents": null, "lowercase": lowercase},
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": {"type": "TemplateProcessing",
                "single": [one("[CLS]"), sequence("A"), one("[SEP]")],
                "pair": [one("[CLS]"), sequence("A"), one("[SEP]"), sequence("B"), one("[SEP]")],
                "special_tokens": {"[CLS]": special("[CLS]"), "[SEP]": special("[SEP]")}},
            "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100, "vocab": numbers},
        });
        Self::from_json(json.to_string().as_bytes(), place)
    }

    /// Whole lower-case words of `texts`, the most frequent first and at most `most` numbers in all: the vocabulary of a network
    /// that learns from nothing. Other words are `[UNK]`.
    ///
    /// # Errors
    /// As [`TextTokenizer::from_vocabulary`].
    pub fn of_texts<'a>(texts: impl IntoIterator<Item = &'a str>, most: usize) -> Result<Self, NnError> {
        let place = Path::new("vocabulary");
        let special: Vec<String> = SPECIAL.iter().map(ToString::to_string).collect();
        let cutter = Self::from_vocabulary(&special, true, place)?;
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for text in texts {
            for word in cutter.cut(text)? {
                *counts.entry(word).or_insert(0) += 1;
            }
        }
        for special in SPECIAL {
            counts.remove(special);
        }
        let mut words: Vec<(String, usize)> = counts.into_iter().collect();
        words.sort_by(|(a, many), (b, more)| more.cmp(many).then_with(|| a.cmp(b)));
        let words = words.into_iter().map(|(word, _)| word).take(most.saturating_sub(SPECIAL.len()));
        let vocabulary: Vec<String> = special.iter().cloned().chain(words).collect();
        Self::from_vocabulary(&vocabulary, true, place)
    }

    /// Normalised words of a text, before they are cut into pieces.
    fn cut(&self, text: &str) -> Result<Vec<String>, NnError> {
        use tokenizers::{
            NormalizedString, Normalizer, OffsetReferential, OffsetType, PreTokenizedString, PreTokenizer,
        };
        let failed = |e: tokenizers::Error| NnError::File { path: "text".into(), reason: e.to_string() };
        let mut normal = NormalizedString::from(text);
        if let Some(normalizer) = self.inner.get_normalizer() {
            normalizer.normalize(&mut normal).map_err(failed)?;
        }
        let mut pieces = PreTokenizedString::from(normal);
        if let Some(cutter) = self.inner.get_pre_tokenizer() {
            cutter.pre_tokenize(&mut pieces).map_err(failed)?;
        }
        let splits = pieces.get_splits(OffsetReferential::Normalized, OffsetType::Byte);
        Ok(splits.into_iter().map(|(word, ..)| word.to_string()).collect())
    }

    /// Numbers of the words of a text, special words around them. A text that has more than `longest` loses its end.
    ///
    /// # Errors
    /// If the text cannot be cut.
    pub fn encode(&self, text: &str, longest: usize) -> Result<Vec<u32>, NnError> {
        Ok(self.encode_all(&[text], longest)?.remove(0))
    }

    /// The same of many texts.
    ///
    /// # Errors
    /// As [`TextTokenizer::encode`].
    pub fn encode_all(&self, texts: &[&str], longest: usize) -> Result<Vec<Vec<u32>>, NnError> {
        let failed = |e: tokenizers::Error| NnError::File { path: "text".into(), reason: e.to_string() };
        let own = self
            .inner
            .get_truncation()
            .cloned()
            .unwrap_or(TruncationParams { max_length: usize::MAX, ..TruncationParams::default() });
        let max_length = own.max_length.min(longest.max(3));
        let mut inner = self.inner.clone();
        inner.with_truncation(Some(TruncationParams { max_length, stride: 0, ..own })).map_err(failed)?;
        let of = |text: &&str| inner.encode(*text, true).map(|encoded| encoded.get_ids().to_vec()).map_err(failed);
        texts.iter().map(of).collect()
    }

    /// The words of these numbers.
    pub fn words(&self, ids: &[u32]) -> Vec<String> {
        ids.iter().map(|&id| self.inner.id_to_token(id).unwrap_or_else(|| "[UNK]".into())).collect()
    }

    /// Numbers in use, special words among them.
    pub fn vocabulary(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// The word that fills short texts.
    pub fn pad(&self) -> u32 {
        self.pad
    }

    /// As a `tokenizer.json`.
    ///
    /// # Errors
    /// If it cannot be written as JSON.
    pub fn to_json(&self) -> Result<String, NnError> {
        self.inner.to_string(false).map_err(|e| NnError::File { path: "tokenizer.json".into(), reason: e.to_string() })
    }
}
