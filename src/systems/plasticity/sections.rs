//! Tables of a run besides the default ones: the networks before the target, and the baselines of each data set.

use crate::lab::{Results, Unit};
use crate::report::{Block, Section, Table};
use crate::study::stats::Spread;
use crate::systems::plasticity::settings::SettingRow;
use crate::systems::plasticity::spec::Spec;
use crate::systems::plasticity::{PRETRAINED, pretrained_arms};
use crate::transfer::Utility;

/// Name under which the title of the pictures is kept.
pub const PICTURES: &str = "pictures";

pub(super) fn sections(spec: &Spec, results: &Results) -> Vec<Section> {
    let mut sections = Vec::new();
    let sentences: Vec<String> = spec.settings.iter().filter_map(|setting| verdict(spec, results, setting)).collect();
    if !sentences.is_empty() {
        let title: Option<String> = results.of_inputs(PICTURES);
        let mut blocks: Vec<Block> =
            title.map(|title| Block::Text(format!("Pictures: {title}."))).into_iter().collect();
        blocks.push(Block::List(sentences));
        sections.push(Section { anchor: "baselines".into(), heading: "Against baselines".into(), blocks });
    }
    let blocks = vec![Block::Table(networks(spec, results))];
    sections.push(Section { anchor: "networks".into(), heading: "Networks".into(), blocks });
    sections
}

/// The last accuracy of the best arm that replaces weights beside those of the baselines.
fn verdict(spec: &Spec, results: &Results, setting: &str) -> Option<String> {
    if !SettingRow::named(setting).is_ok_and(SettingRow::is_pretrained) {
        return None;
    }
    let last = |arm: &str| {
        let samples = results.of("last").grid(PRETRAINED).at("setting", setting).at("arm", arm).samples()?;
        Some(samples.spread())
    };
    let percent = |spread: Spread| match spread.sd {
        Some(sd) => format!("{} ± {} %", Unit::Share.number(spread.mean), Unit::Share.number(sd)),
        None => format!("{} %", Unit::Share.number(spread.mean)),
    };
    let baseline = |metric: &str| {
        let samples = results.of(metric).at("setting", setting).samples()?;
        Some(format!("{} %", Unit::Share.number(samples.mean())))
    };
    let informed = pretrained_arms(spec)
        .into_iter()
        .filter(|arm| [Utility::Gradient, Utility::Magnitude].into_iter().any(|utility| arm.redraws_by(utility)));
    let found = informed.filter_map(|arm| Some((last(&arm.name)?, arm.name)));
    let (best, name) = found.max_by(|(a, _), (b, _)| a.mean.total_cmp(&b.mean))?;
    Some(format!(
        "{setting}: last accuracy {} of {name}, the best of those that replace informed weights; plain fine-tuning {}, a \
         linear layer on the frozen features {}, the most frequent class {}, chance {}",
        percent(best),
        percent(last("plain")?),
        percent(last("frozen")?),
        baseline("majority")?,
        baseline("chance")?,
    ))
}

fn networks(spec: &Spec, results: &Results) -> Table {
    let header =
        ["setting", "dormant %", "after source", "dead %", "after source", "rank", "after source", "stability"];
    let caption = "The network before and after its source, on the target's test rows; of a pretrained backbone its trained \
                   stages, on the training pictures. Dormant: units behind a ReLU, or the GELU of a transformer, with at most 0.025 of the mean activity of \
                   their layer. Dead: units that are always 0. Stability: what the choices by the gradients of two halves \
                   of the target's rows have in common (Jaccard index), at the last share";
    let mut table = Table::new("networks", caption, &header, 1);
    for setting in &spec.settings {
        let mean = |metric: &str, unit: Unit| {
            let samples = results.of(metric).at("setting", setting).samples();
            samples.map_or("–".into(), |samples| unit.number(samples.mean()))
        };
        let mut row = vec![setting.clone()];
        row.extend(["fresh_dormant", "dormant", "fresh_dead", "dead"].map(|metric| mean(metric, Unit::Share)));
        row.extend(["fresh_rank", "rank"].map(|metric| mean(metric, Unit::Plain)));
        let share = spec.shares.last().map(f64::to_string).unwrap_or_default();
        let stability = results.of("stability").at("setting", setting).at("share", &share).samples();
        row.push(stability.map_or("–".into(), |samples| Unit::Plain.number(samples.mean())));
        table.rows.push(row);
    }
    table
}
