//! Learning rates by parameter, and parameters by layer.

use indexmap::IndexMap;

use crate::nn::Params;

/// A factor on the learning rate for each parameter name. A parameter that it does not name has the full rate. At 0 a
/// parameter is frozen: no step, no weight decay, no momentum, no running statistics, and no gradient is kept below the
/// lowest parameter that is trained.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LearningRates(IndexMap<String, f64>);

impl LearningRates {
    /// These factors.
    pub fn new<S: Into<String>>(factors: impl IntoIterator<Item = (S, f64)>) -> Self {
        Self(factors.into_iter().map(|(name, factor)| (name.into(), factor)).collect())
    }

    /// The full rate for everything except the named parameters, which are frozen.
    pub fn freezing<S: AsRef<str>>(names: &[S]) -> Self {
        Self::new(names.iter().map(|name| (name.as_ref(), 0.0)))
    }

    /// One factor for each group of layers, in the order of the groups.
    pub fn of_groups(groups: &LayerGroups, factors: impl IntoIterator<Item = f64>) -> Self {
        let named = groups.0.iter().zip(factors);
        Self::new(named.flat_map(|(group, factor)| group.iter().map(move |name| (name.clone(), factor))))
    }

    /// Names and factors, in the order in which they were given.
    pub fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.0.iter().map(|(name, factor)| (name.as_str(), *factor))
    }

    /// The factor on the rate of `name`.
    pub fn rate(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or(1.0)
    }

    /// Whether `name` is trained at all.
    pub fn is_trainable(&self, name: &str) -> bool {
        self.rate(name) != 0.0
    }

    /// Both at once: factors are multiplied, so that what either freezes is frozen.
    pub fn times(&self, other: &Self) -> Self {
        let mut product = self.clone();
        for (name, factor) in other.iter() {
            *product.0.entry(name.into()).or_insert(1.0) *= factor;
        }
        product
    }
}

/// Parameter names in layers, from input to output. The last group is the head, which is new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LayerGroups(pub Vec<Vec<String>>);

impl LayerGroups {
    /// The parameters of `params` by where their names begin: each belongs to the longest of `prefixes` that fits,
    /// one group per prefix in the order given. What begins with none of them joins the last group.
    ///
    /// ```
    /// use candle_core::DType;
    /// use qgraft::nn::{LayerGroups, Params, init::Init};
    /// let mut params = Params::new(0, DType::F32);
    /// for name in ["conv1.weight", "layer1.0.weight", "classify.bias"] {
    ///     params.get(name, &[1], Init::Constant(0.0))?;
    /// }
    /// let groups = LayerGroups::by_prefix(&params, &["conv1", "layer1", "head"]);
    /// assert_eq!(groups.0, [vec!["conv1.weight"], vec!["layer1.0.weight"], vec!["classify.bias"]]);
    /// # Ok::<(), qgraft::nn::NnError>(())
    /// ```
    pub fn by_prefix(params: &Params, prefixes: &[&str]) -> Self {
        let mut groups = vec![Vec::new(); prefixes.len().max(1)];
        for (name, _) in params.trainable() {
            let fitting = (0..prefixes.len()).filter(|&k| name.starts_with(prefixes[k]));
            let group = fitting.max_by_key(|&k| prefixes[k].len()).unwrap_or(groups.len() - 1);
            groups[group].push(name.to_string());
        }
        Self(groups)
    }

    /// One group for each layer: parameters one behind the other whose names agree up to the last dot. The last is the head.
    ///
    /// ```
    /// use candle_core::DType;
    /// use qgraft::nn::{LayerGroups, Params, init::Init};
    /// let mut params = Params::new(0, DType::F32);
    /// for name in ["layers.0.weight", "layers.0.bias", "classify.weight"] {
    ///     params.get(name, &[1], Init::Constant(0.0))?;
    /// }
    /// assert_eq!(LayerGroups::by_layer(&params).0, [vec!["layers.0.weight", "layers.0.bias"], vec!["classify.weight"]]);
    /// # Ok::<(), qgraft::nn::NnError>(())
    /// ```
    pub fn by_layer(params: &Params) -> Self {
        let layer = |name: &str| name.rsplit_once('.').map_or(name, |(layer, _)| layer).to_string();
        let mut groups: Vec<Vec<String>> = Vec::new();
        for (name, _) in params.trainable() {
            match groups.last_mut().filter(|group| group.last().is_some_and(|last| layer(last) == layer(name))) {
                Some(group) => group.push(name.into()),
                None => groups.push(vec![name.into()]),
            }
        }
        Self(groups)
    }

    /// The given layers of a trunk, from input to output, and everything else that can be trained as the head.
    pub fn of_trunk(trunk: Vec<Vec<String>>, params: &Params) -> Self {
        let known = |name: &str| trunk.iter().flatten().any(|other| other == name);
        let head = params.trainable().map(|(name, _)| name).filter(|name| !known(name)).map(String::from).collect();
        Self(trunk.into_iter().chain([head]).collect())
    }

    /// Number of groups, the head among them.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every name below the head.
    pub fn trunk(&self) -> impl Iterator<Item = &str> {
        self.0[..self.len().saturating_sub(1)].iter().flatten().map(String::as_str)
    }
}
