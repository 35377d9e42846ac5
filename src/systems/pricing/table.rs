//! Choices of a user: a table with one line for each alternative of each choice.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::classic::choice::{Choices, Design};
use crate::data::{DataError, TextTable};
use crate::math::words::{join_and, shortened};
use crate::study::StudyError;

/// Names of the column of choices, in lower case.
const SETS: [&str; 5] = ["choice", "choice_id", "set", "chid", "case"];
/// Names of the column of alternatives.
const ITEMS: [&str; 4] = ["item", "alternative", "alt", "product"];
/// Names of the column of what was chosen.
const CHOSEN: [&str; 3] = ["chosen", "is_chosen", "bought"];
/// Alternatives with a constant of their own, at most. More are products that come and go.
const MOST_CONSTANTS: usize = 30;
/// Alternatives of a choice at most.
const MOST_ALTERNATIVES: usize = 1_000;

/// How the columns of a table become rows of a design. The scales make a penalty treat columns alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Columns {
    /// Names of columns of numbers.
    pub features: Vec<String>,
    /// What each is divided by.
    pub scales: Vec<f64>,
    /// Alternatives with a constant of their own.
    pub constants: Vec<String>,
    /// The alternative that constants are relative to, where none of them is the outside choice.
    pub base: Option<String>,
    /// What prices are divided by; `None` without a column of prices.
    pub price: Option<f64>,
    /// Whether none may be chosen.
    pub has_outside: bool,
}

/// One choice.
#[derive(Clone, Debug, PartialEq)]
pub struct ChoiceSet {
    /// Its name.
    pub name: String,
    /// Names of the alternatives.
    pub items: Vec<String>,
    /// alternatives × features, before scaling.
    pub values: Vec<f64>,
    /// Prices, before scaling; zeros without a column.
    pub prices: Vec<f64>,
    /// What was chosen; `None` for none of them.
    pub chosen: Option<usize>,
}

/// The choices of a market.
#[derive(Clone, Debug, PartialEq)]
pub struct Market {
    /// Its name.
    pub name: String,
    /// Its choices.
    pub sets: Vec<ChoiceSet>,
}

/// A table of choices.
#[derive(Clone, Debug, PartialEq)]
pub struct ChoiceTable {
    /// How columns become rows.
    pub columns: Columns,
    /// Markets in the order of their names.
    pub markets: Vec<Market>,
    /// Whether the table says what was chosen.
    pub is_known: bool,
}

impl Columns {
    /// The design of rows.
    pub fn design(&self) -> Design {
        let priced = if self.price.is_some() { vec![None] } else { Vec::new() };
        Design { features: self.features.len() + self.constants.len(), priced }
    }

    /// Names of the parameters.
    pub fn names(&self) -> Vec<String> {
        let constants = self.constants.iter().map(|name| format!("constant of {name}"));
        self.features.iter().cloned().chain(constants).chain(self.price.map(|_| "- price".to_string())).collect()
    }

    /// Scaled features of each alternative of a choice; none of each if there is only a price.
    pub fn scaled(&self, set: &ChoiceSet) -> Vec<Vec<f64>> {
        let width = self.features.len();
        let row = |(k, item): (usize, &String)| {
            let own =
                set.values[k * width..(k + 1) * width].iter().zip(&self.scales).map(|(value, scale)| value / scale);
            own.chain(self.constants.iter().map(|name| f64::from(u8::from(name == item)))).collect()
        };
        set.items.iter().enumerate().map(row).collect()
    }

    /// Parameters by the units of the table.
    pub fn in_units(&self, nu: &[f64]) -> Vec<f64> {
        let ones = self.constants.iter().map(|_| 1.0);
        let scales = self.scales.iter().copied().chain(ones).chain(self.price);
        nu.iter().zip(scales).map(|(value, scale)| value / scale).collect()
    }

    /// Choices as the likelihood takes them.
    ///
    /// # Errors
    /// None: rows have the width of the design.
    pub fn choices<'a>(&self, sets: impl IntoIterator<Item = &'a ChoiceSet>) -> Result<Choices, StudyError> {
        let design = self.design();
        let mut found = Choices::new(design.width(), self.has_outside);
        for set in sets {
            let mut rows = Vec::new();
            for (x, price) in self.scaled(set).iter().zip(&set.prices) {
                design.push_row(x, price / self.price.unwrap_or(1.0), &mut rows);
            }
            found.push(&rows, set.chosen, 1.0)?;
        }
        Ok(found)
    }
}

impl ChoiceTable {
    /// Reads a table. `ceiling` is the price that the upper twentieth of prices begins with, after scaling.
    ///
    /// # Errors
    /// A column that is missing, a field that is no number, two chosen alternatives, a choice in two markets; by line.
    pub fn read(path: &Path, ceiling: f64) -> Result<Self, StudyError> {
        let table = TextTable::read(path)?;
        let (raw, features, has_price, is_known) = sets(&table, None)?;
        if !is_known {
            return Err(table
                .malformed(format!("no column `chosen` with 0 and 1; the columns are {}", all(&table)))
                .into());
        }
        let outside = raw.values().flatten().any(|set| set.chosen.is_none());
        let rows = || raw.values().flatten().flat_map(|set| set.values.chunks_exact(features.len().max(1)));
        let count = raw.values().flatten().map(|set| set.items.len()).sum::<usize>().max(1) as f64;
        let deviation = |k: usize| {
            let mean = rows().map(|row| row[k]).sum::<f64>() / count;
            (rows().map(|row| (row[k] - mean).powi(2)).sum::<f64>() / count).sqrt()
        };
        let scales: Vec<f64> = (0..features.len()).map(deviation).collect();
        if let Some(k) = scales.iter().position(|scale| !(*scale > 0.0) || !scale.is_finite()) {
            let reason = format!("column `{}` has the same value in every line; leave it out", features[k]);
            return Err(table.malformed(reason).into());
        }
        let mut names: Vec<String> = raw.values().flatten().flat_map(|set| set.items.iter().cloned()).collect();
        names.sort();
        names.dedup();
        let has_items = table.column(&ITEMS).is_some();
        // Without an outside choice one constant is free: those of the others are relative to it.
        let (constants, base) = match has_items && (2..=MOST_CONSTANTS).contains(&names.len()) {
            true => (names.split_off(usize::from(!outside)), names.pop()),
            false => (Vec::new(), None),
        };
        let mut prices: Vec<f64> = raw.values().flatten().flat_map(|set| set.prices.iter().copied()).collect();
        prices.sort_by(f64::total_cmp);
        let high = prices.get(prices.len() * 19 / 20).copied().unwrap_or(0.0);
        if has_price && !(high > 0.0) {
            return Err(table.malformed("no price is above 0; leave the column `price` out").into());
        }
        let price = has_price.then_some(high / ceiling);
        let columns = Columns { features, scales, constants, base, price, has_outside: outside };
        if columns.design().width() == 0 {
            let reason = "nothing but names: no column of numbers, no `price`, and no `item` with few names";
            return Err(table.malformed(reason).into());
        }
        let markets: Vec<Market> = raw.into_iter().map(|(name, sets)| Market { name, sets }).collect();
        if markets.len() < 2 {
            let found = markets.first().map_or("none", |market| &market.name);
            let reason = format!("one market: {found}; expected a column `market` with at least two");
            return Err(table.malformed(reason).into());
        }
        Ok(Self { columns, markets, is_known })
    }

    /// Reads new choices for a model with these columns. What was chosen need not be known.
    ///
    /// # Errors
    /// As [`ChoiceTable::read`], and an alternative whose constant the model does not know.
    pub fn read_for(path: &Path, columns: &Columns) -> Result<Self, StudyError> {
        let table = TextTable::read(path)?;
        let (raw, _, has_price, is_known) = sets(&table, Some(&columns.features))?;
        if columns.price.is_some() && !has_price {
            return Err(table.malformed("no column `price`, which the model has").into());
        }
        let known: Vec<&String> = columns.constants.iter().chain(&columns.base).collect();
        let sets = || raw.values().flatten();
        let strange =
            sets().find_map(|set| set.items.iter().find(|item| !known.contains(item)).map(|item| (set, item)));
        if !columns.constants.is_empty() {
            if table.column(&ITEMS).is_none() {
                return Err(table.malformed("no column `item`, which the model has").into());
            }
            if let Some((set, item)) = strange {
                let (choice, item, known) = (shortened(&set.name), shortened(item), join_and(&known));
                let reason = format!("choice {choice}: the model knows no item {item}; its items are {known}");
                return Err(table.malformed(reason).into());
            }
        }
        let markets = raw.into_iter().map(|(name, sets)| Market { name, sets }).collect();
        Ok(Self { columns: columns.clone(), markets, is_known })
    }

    /// The market of this name; by default that with the fewest choices.
    ///
    /// # Errors
    /// An unknown name.
    pub fn target(&self, name: Option<&str>) -> Result<usize, StudyError> {
        let names = || self.markets.iter().map(|market| market.name.as_str());
        match name {
            None => Ok((0..self.markets.len()).min_by_key(|&k| self.markets[k].sets.len()).unwrap_or(0)),
            Some(name) => {
                names().position(|own| own == name).ok_or_else(|| StudyError::unknown("target", name, names()))
            }
        }
    }
}

fn all(table: &TextTable) -> String {
    table.header.join(", ")
}

/// Choices by market, names of features, whether there are prices, whether choices are known.
type Raw = (BTreeMap<String, Vec<ChoiceSet>>, Vec<String>, bool, bool);

fn sets(table: &TextTable, wanted: Option<&[String]>) -> Result<Raw, DataError> {
    let id = table.column(&SETS).ok_or_else(|| {
        table.malformed(format!("no column `choice` that numbers the choices; the columns are {}", all(table)))
    })?;
    let [market, price] = ["market", "price"].map(|name| table.column(&[name]));
    let (item, chosen) = (table.column(&ITEMS), table.column(&CHOSEN));
    if market.is_none() && wanted.is_none() {
        return Err(table.malformed(format!("no column `market`; the columns are {}", all(table))));
    }
    let named = [Some(id), market, price, item, chosen];
    let columns: Vec<usize> = match wanted {
        None => (0..table.header.len()).filter(|k| !named.contains(&Some(*k))).collect(),
        Some(names) => {
            let find = |name: &String| table.header.iter().position(|own| own == name).ok_or_else(|| name.clone());
            let (found, missing): (Vec<_>, Vec<_>) = names.iter().map(find).partition(Result::is_ok);
            let missing: Vec<String> = missing.into_iter().filter_map(Result::err).collect();
            if !missing.is_empty() {
                return Err(table.malformed(format!("no column {}, which the model has", join_and(&missing))));
            }
            found.into_iter().filter_map(Result::ok).collect()
        }
    };
    let mut found: BTreeMap<String, Vec<ChoiceSet>> = BTreeMap::new();
    // Where each choice is, so that lines of one need not follow each other.
    let mut places: BTreeMap<&str, (&str, usize)> = BTreeMap::new();
    for row in &table.rows {
        let name = row.fields[id].as_str();
        let own = market.map_or("all", |column| row.fields[column].as_str());
        let sets = found.entry(own.to_string()).or_default();
        let (known, at) = *places.entry(name).or_insert((own, sets.len()));
        if known != own {
            let reason = format!("choice {} is of market {}, too", shortened(name), shortened(known));
            return Err(table.wrong(row, market.unwrap_or(id), reason));
        }
        if at == sets.len() {
            let (items, values, prices) = (Vec::new(), Vec::new(), Vec::new());
            sets.push(ChoiceSet { name: name.into(), items, values, prices, chosen: None });
        }
        let set = &mut sets[at];
        if set.items.len() == MOST_ALTERNATIVES {
            return Err(table.wrong(row, id, format!("more than {MOST_ALTERNATIVES} lines have this choice")));
        }
        if let Some(column) = chosen {
            let value = table.number(row, column, 0.0..=1.0)?;
            if value != 0.0 && value != 1.0 {
                return Err(table.wrong(row, column, "expected 0 or 1"));
            }
            if value == 1.0 {
                if set.chosen.is_some() {
                    return Err(table.wrong(row, column, "the choice has two chosen alternatives"));
                }
                set.chosen = Some(set.items.len());
            }
        }
        let label = item.map_or_else(|| (set.items.len() + 1).to_string(), |column| row.fields[column].clone());
        set.items.push(label);
        for &column in &columns {
            set.values.push(table.number(row, column, -1e12..=1e12)?);
        }
        set.prices.push(price.map_or(Ok(0.0), |column| table.number(row, column, 0.0..=1e12))?);
    }
    if found.is_empty() {
        return Err(table.malformed("no choices"));
    }
    let names = columns.iter().map(|&k| table.header[k].clone()).collect();
    Ok((found, names, price.is_some(), chosen.is_some()))
}
