//! Further parts of the report: regret by the difference of markets, parameters of a user's markets.

use crate::lab::{Results, render};
use crate::math::words::sig3;
use crate::report::{Block, Section, Table};
use crate::systems::pricing::own::{MarketFit, PARAMETERS};

/// Every section.
pub fn sections(results: &Results) -> Vec<Section> {
    [crossover(results), parameters(results)].into_iter().flatten().collect()
}

/// Where the sparse difference is worth more than pooling.
fn crossover(results: &Results) -> Option<Section> {
    let grid = results.grid("shifts")?;
    let shifts: Vec<&str> = grid.factor("shift")?.names().collect();
    let header = ["difference", "target_only", "transfer", "pooled", "transfer / pooled"];
    let mut table = Table::new("crossover", "Mean regret by the difference of markets", &header, 1);
    for shift in shifts {
        let mean =
            |arm: &str| Some(results.of("regret").grid("shifts").at("arm", arm).at("shift", shift).samples()?.mean());
        let (own, pooled) = (mean("transfer"), mean("pooled"));
        let ratio = own.zip(pooled).map(|(own, pooled)| own / pooled);
        let cells = [mean("target_only"), own, pooled, ratio].map(|value| value.map_or("–".into(), sig3));
        table.rows.push([vec![shift.to_string()], cells.to_vec()].concat());
    }
    let text = "Below 1 in the last column the sparse difference is worth more than counting all choices alike.";
    Some(render::section("crossover", "Where pooling wins", vec![Block::Table(table), Block::Text(text.into())]))
}

/// Parameters of each market of a table.
fn parameters(results: &Results) -> Option<Section> {
    let fits: Vec<MarketFit> = results.of_inputs(PARAMETERS)?;
    let names: Vec<&String> = fits.first()?.2.keys().collect();
    let header: Vec<&str> =
        ["market", "mean log-likelihood"].into_iter().chain(names.iter().map(|n| n.as_str())).collect();
    let mut table = Table::new("parameters", "Maximum-likelihood parameters of each market", &header, 1);
    for (market, mean, values) in &fits {
        let row = [market.clone(), sig3(*mean)].into_iter().chain(values.values().map(|value| sig3(*value)));
        table.rows.push(row.collect());
    }
    Some(render::section("parameters", "Markets", vec![Block::Table(table)]))
}
