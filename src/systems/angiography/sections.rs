//! Further parts of the report: what this is, published figures.

use crate::lab::{Results, render};
use crate::math::words::decimals;
use crate::report::{Block, Section, Table};
use crate::systems::angiography::block::EVALUATED;
use crate::systems::angiography::spec::Spec;

/// Figures of the abstract of arXiv:2603.17675.
const PUBLISHED: [(&str, &str); 4] = [
    ("significant stenosis, area under the ROC curve", "0.888 (own hospital), 0.89 (other hospital)"),
    ("diameter, mean absolute error", "13.6 % (19.0 % of clinical reports)"),
    ("events within a year, area under the ROC curve", "0.79"),
    ("ejection fraction, mean absolute error", "7.3 %"),
];

/// Every section.
pub fn sections(spec: &Spec, results: &Results) -> Vec<Section> {
    let text = "Research software, not for diagnosis. No result of it is about a person.";
    let mut found = vec![render::section("use", "What this is", vec![Block::Warning(text.into())])];
    found.extend(films(spec, results));
    if spec.data.is_none() {
        let mut table = Table::new("published", "Figures of the paper, on other data", &["what", "published"], 2);
        table.rows = PUBLISHED.iter().map(|(what, value)| vec![(*what).into(), (*value).into()]).collect();
        let text = "The paper learned from 203,808 films of 28,117 patients. This run has drawn films, so no figure of it can be \
                    compared with these.";
        let blocks = vec![Block::Table(table), Block::Text(text.into())];
        found.push(render::section("published", "Beside the published figures", blocks));
    }
    found
}

/// Areas by the number of films.
fn films(spec: &Spec, results: &Results) -> Option<Section> {
    let grid = results.grid("probe")?;
    let arms: Vec<&str> = grid.factor("arm")?.names().collect();
    let mut columns = vec!["pooling"];
    let has_shift = spec.data.is_none();
    columns.extend(EVALUATED.iter().map(|(name, _)| *name).filter(|name| has_shift || *name != "shifted"));
    let mut table = Table::new("films", "Area of the findings by the number of films, mean over seeds", &columns, 1);
    for arm in arms {
        let area = |films: &&str| {
            let own = results.of("finding_auc").grid("probe").at("arm", arm).at("films", films).samples();
            own.map_or("–".to_string(), |own| decimals(own.mean(), 3))
        };
        table.rows.push([arm.to_string()].into_iter().chain(columns[1..].iter().map(area)).collect());
    }
    Some(render::section("films", "How many films", vec![Block::Table(table)]))
}
