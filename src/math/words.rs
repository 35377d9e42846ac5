//! Names for people: the one they may have meant.

/// The one of `names` that `name` resembles most, `None` if none is close.
pub fn closest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = names.into_iter().map(|other| (strsim::jaro_winkler(name, other), other));
    let (score, other) = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    // Below this, two short names share letters by chance.
    (score > 0.8).then_some(other)
}
