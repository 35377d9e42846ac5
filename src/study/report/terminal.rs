//! The report in a terminal: one table and the sentences.

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

use super::Report;
use super::tables::{joules, metric, per_cent, seeds, three_digits, usage};

/// The heads in one table, the answers with their sentences and every notice below it.
pub fn table(report: &Report) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(["head", "accuracy %", "best val. %", "F1", "AUC", "parameters", "s/seed", "J/seed"]);
    for head in &report.heads {
        let named = |name| head.metrics.iter().find(|value| value.name == name).map_or("–".into(), metric);
        let spent = usage(report, head);
        let cells = [
            per_cent(&head.last_epoch),
            per_cent(&head.best_validation),
            named("f1"),
            named("auc"),
            head.parameters.to_string(),
            spent.map_or("–".into(), |u| three_digits(u.wall_seconds)),
            spent.map_or("–".into(), joules),
        ];
        let numbers = cells.map(|text| Cell::new(text).set_alignment(CellAlignment::Right));
        table.add_row(std::iter::once(Cell::new(&head.name)).chain(numbers));
    }
    let mut text = format!("{}\n\n{table}\n{}\n", report.title, under_table(report));
    for answer in &report.answers {
        text += &format!("\n{} {}\n", answer.question.ask(), answer.verdict);
        text.extend(answer.evidence.iter().map(|sentence| format!("  {sentence}\n")));
    }
    if !report.notices.is_empty() {
        text += "\nNotices\n";
        text.extend(report.notices.iter().map(|notice| format!("  {notice}\n")));
    }
    text
}

fn under_table(report: &Report) -> String {
    let (seeds, judged) = (seeds(report), report.hold_out.judged_on());
    let estimate = if report.timing.total.estimated { "; ~ estimated from processor time" } else { "" };
    format!("mean ± sd over {seeds} on {judged}, last epoch unless said otherwise{estimate}")
}
