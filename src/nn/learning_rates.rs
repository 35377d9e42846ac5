//! Who moves, and how fast.

use crate::nn::Params;

/// A factor on the learning rate per parameter name. Parameters it does not name move at the full rate; 0 freezes one:
/// no step, no weight decay, no momentum, no running statistics, and no gradient kept below the lowest that moves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LearningRates(pub Vec<(String, f64)>);

impl LearningRates {
    /// Everything moves at the full rate except the named, which stay as they are.
    pub fn freezing<S: AsRef<str>>(names: &[S]) -> Self {
        Self(names.iter().map(|name| (name.as_ref().to_string(), 0.0)).collect())
    }

    /// One factor per layer group, in the order of the groups.
    pub fn of_groups(groups: &LayerGroups, rates: impl IntoIterator<Item = f64>) -> Self {
        let named = groups.0.iter().zip(rates).flat_map(|(group, rate)| group.iter().map(move |n| (n.clone(), rate)));
        Self(named.collect())
    }

    /// The factor on `name`'s rate.
    pub fn rate(&self, name: &str) -> f64 {
        self.0.iter().find(|(known, _)| known == name).map_or(1.0, |&(_, rate)| rate)
    }

    /// Whether `name` moves at all.
    pub fn is_trainable(&self, name: &str) -> bool {
        self.rate(name) != 0.0
    }

    /// Both plans at once: factors are multiplied, so what either freezes is frozen.
    pub fn times(&self, other: &Self) -> Self {
        let own = self.0.iter().map(|(name, rate)| (name.clone(), rate * other.rate(name)));
        let added = other.0.iter().filter(|(name, _)| !self.0.iter().any(|(known, _)| known == name));
        Self(own.chain(added.cloned()).collect())
    }
}

/// Parameter names in layers, from input to output; the last group is the head, which is new.
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
