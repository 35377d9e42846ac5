//! Further parts of the report: what this is, published figures beside ours, what the declarations refuse.

use crate::lab::{Results, render};
use crate::math::words::decimals;
use crate::report::{Block, Section, Table};
use crate::systems::causal::arms::{ARMS, ORACLE};
use crate::systems::causal::checks::accuracy;
use crate::systems::causal::spec::Spec;

/// Accuracies in percent on coloured digits of the MNIST test, from the log of the authors' code (10 restarts).
const PUBLISHED: [(&str, &str); 3] = [("erm", "17.1 ± 0.7"), ("irm", "66.9 ± 2.5"), (ORACLE, "73.0")];

/// Every section.
pub fn sections(spec: &Spec, results: &Results) -> Vec<Section> {
    let text = "Research software, not for diagnosis. No result of it is about a person.";
    let mut found = vec![render::section("use", "What this is", vec![Block::Warning(text.into())])];
    found.extend(published(results));
    found.extend(declarations(spec));
    found
}

/// Ours beside the published accuracies, by both rules of selection.
fn published(results: &Results) -> Option<Section> {
    results.grid("coloured")?;
    let columns =
        ["arm", "published, MNIST (selected on the test)", "oracle", "training-domain validation", "last epoch"];
    let mut table = Table::new("published", "Test accuracy (%) on coloured pictures, mean over seeds", &columns, 1);
    for (arm, text) in PUBLISHED {
        let own =
            |rule: &str| accuracy(results, "coloured", arm, rule).map_or("–".into(), |a| decimals(100.0 * a, 1));
        table.rows.push(vec![arm.into(), text.into(), own("oracle"), own("training"), own("last")]);
    }
    let text = "The authors of IRM chose its settings by the lesser of training and test accuracy. The columns of this run say \
                what is left when nobody sees the test. The invariant optimum is 75 %, chance 50 %.";
    let blocks = vec![Block::Table(table), Block::Text(text.into())];
    Some(render::section("published", "Beside the published figures", blocks))
}

/// Which methods each declaration allows.
fn declarations(spec: &Spec) -> Option<Section> {
    let declared = spec.declared().ok()?;
    let mut blocks = Vec::new();
    for (name, declaration, has_oracle) in declared {
        let mut table = Table::new(
            &format!("declared_{name}"),
            &format!("{name}: {}", declaration.text()),
            &["method", "verdict"],
            2,
        );
        for row in ARMS.iter().filter(|row| row.name != ORACLE || has_oracle) {
            let verdict = match declaration.refusal(row.assumes) {
                Some(reason) if spec.allow_refused => format!("run although {reason}"),
                Some(reason) => format!("refused: {reason}"),
                None => "allowed".to_string(),
            };
            table.rows.push(vec![row.name.into(), verdict]);
        }
        blocks.push(Block::Table(table));
    }
    (!blocks.is_empty()).then(|| render::section("declared", "What the declared shifts allow", blocks))
}
