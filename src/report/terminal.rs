//! Tables in a terminal.

use comfy_table::{CellAlignment, ContentArrangement, presets};

use crate::report::Table;

/// The table as text under its caption: names to the left, numbers to the right.
pub fn render(table: &Table) -> String {
    let mut grid = comfy_table::Table::new();
    grid.load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(table.header.iter().map(String::as_str));
    grid.add_rows(&table.rows);
    for (index, column) in grid.column_iter_mut().enumerate() {
        let side = if index < table.names { CellAlignment::Left } else { CellAlignment::Right };
        column.set_cell_alignment(side);
    }
    format!("{}\n\n{grid}\n", table.caption)
}
