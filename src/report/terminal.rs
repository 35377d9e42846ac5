//! Tables in a terminal.

use comfy_table::{CellAlignment, ContentArrangement, presets};

use crate::math::words::printable;
use crate::report::Table;

/// The table as text under its caption: names to the left, numbers to the right.
pub fn render(table: &Table) -> String {
    let mut grid = comfy_table::Table::new();
    grid.load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(table.header.iter().map(|cell| printable(cell)));
    grid.add_rows(table.rows.iter().map(|row| row.iter().map(|cell| printable(cell))));
    for (index, column) in grid.column_iter_mut().enumerate() {
        let side = if index < table.names { CellAlignment::Left } else { CellAlignment::Right };
        column.set_cell_alignment(side);
    }
    format!("{}\n\n{grid}\n", printable(&table.caption))
}
