//! Circuits in box-drawing characters.

use super::grid::{Item, Mark, global_phase, layout, left_out};
use crate::circuit::Circuit;

/// The circuit as text no wider than `width` characters where that is possible: wide circuits continue below,
/// marked `»` and `«`. Assignments to classical bits are not drawn; a last line says how many there are.
///
/// ```
/// use qgraft::circuit::{Circuit, Gate, draw};
/// let mut bell = Circuit::new(2);
/// bell.push(Gate::H, &[0], &[])?.push(Gate::Cx, &[0, 1], &[])?;
/// let expected = [
///     "     ┌───┐     ",
///     "q_0: ┤ H ├──■──",
///     "     └───┘┌─┴─┐",
///     "q_1: ─────┤ X ├",
///     "          └───┘",
/// ];
/// assert!(draw::text(&bell, 80).lines().eq(expected.map(str::trim_end)));
/// # Ok::<(), qgraft::circuit::CircuitError>(())
/// ```
pub fn text(circuit: &Circuit, width: usize) -> String {
    let (items, columns) = layout(circuit);
    let mut widths = vec![1usize; columns];
    for item in &items {
        widths[item.column] = widths[item.column].max(item_width(item));
    }
    let mut names = names(circuit);
    let mut out = String::new();
    let phase = global_phase(circuit);
    if !phase.is_empty() {
        out += &format!("global phase: {phase}\n");
    }
    let (mut start, mut drawn) = (0, 0);
    loop {
        let margin = names.iter().map(|n| n.chars().count()).max().unwrap_or(0);
        let mut end = start;
        let mut used = margin + 2;
        while end < columns && (end == start || used + widths[end] <= width) {
            used += widths[end];
            end += 1;
        }
        let mut canvas = Canvas::new(circuit, &names, margin, &widths[start..end], end < columns);
        let here = items.partition_point(|item| item.column < end);
        items[drawn..here].iter().for_each(|item| canvas.item(item, start));
        drawn = here;
        out += &canvas.finish();
        if end >= columns {
            let missing = left_out(circuit);
            return if missing.is_empty() { out } else { format!("{out}{missing}\n") };
        }
        out.push('\n');
        if start == 0 {
            names.iter_mut().for_each(|name| name.insert(0, '«'));
        }
        start = end;
    }
}

fn names(circuit: &Circuit) -> Vec<String> {
    let mut names: Vec<String> = (0..circuit.qubits()).map(|q| format!("q_{q}: ")).collect();
    if circuit.bits() > 0 {
        names.push(format!("c: {}/", circuit.bits()));
    }
    names
}

fn item_width(item: &Item) -> usize {
    let length = |text: &str| text.chars().count();
    let mark = |mark: &Mark| match mark {
        Mark::Control | Mark::Cross | Mark::Barrier => 3,
        Mark::Flip => 5,
        Mark::Meter => 5,
        Mark::Box(text) => length(text) + 4,
        // Frame, index of the operand, label.
        Mark::Shared(_) => length(&item.label) + 6,
    };
    let beside = if item.shared().is_none() && !item.label.is_empty() { length(&item.label) * 2 + 3 } else { 0 };
    let classical = item.classical.as_ref().map_or(0, |text| length(text) + 1);
    item.marks.iter().map(|(_, m)| mark(m)).max().unwrap_or(0).max(beside).max(classical)
}

/// Rows of characters. Qubit q has its wire on row 2q + 1, boxes share the rows between.
struct Canvas {
    rows: Vec<Vec<char>>,
    names: Vec<String>,
    margin: usize,
    /// First character and width of each column.
    columns: Vec<(usize, usize)>,
    classical: Option<usize>,
    more: bool,
}

impl Canvas {
    fn new(circuit: &Circuit, names: &[String], margin: usize, widths: &[usize], more: bool) -> Self {
        let mut at = margin;
        let columns = widths
            .iter()
            .map(|&width| {
                at += width;
                (at - width, width)
            })
            .collect();
        let classical = (circuit.bits() > 0).then_some(2 * circuit.qubits() + 1);
        let height = 2 * circuit.qubits() + 1 + if classical.is_some() { 2 } else { 0 };
        let mut rows = vec![vec![' '; at]; height];
        for qubit in 0..circuit.qubits() {
            rows[2 * qubit + 1][margin..].fill('─');
        }
        if let Some(row) = classical {
            rows[row][margin..].fill('═');
        }
        Self { rows, names: names.to_vec(), margin, columns, classical, more }
    }

    fn put(&mut self, row: usize, at: usize, text: &str) {
        for (k, character) in text.chars().enumerate() {
            self.rows[row][at + k] = character;
        }
    }

    /// Puts a character of a frame on a row between wires, where a box above or below may already have its own.
    fn join(&mut self, row: usize, at: usize, character: char) {
        let there = self.rows[row][at];
        self.rows[row][at] = union(there, character);
    }

    /// A box over the wires `first..=last`, its text on the middle.
    fn frame(&mut self, column: usize, first: usize, last: usize, width: usize, text: &str) {
        let (start, column_width) = self.columns[column];
        let left = start + (column_width - width) / 2;
        let right = left + width - 1;
        let (top, bottom) = (2 * first, 2 * last + 2);
        for at in left + 1..right {
            self.join(top, at, '─');
            self.join(bottom, at, '─');
        }
        for (row, at, corner) in [(top, left, '┌'), (top, right, '┐'), (bottom, left, '└'), (bottom, right, '┘')]
        {
            self.join(row, at, corner);
        }
        for row in top + 1..bottom {
            let wire = row % 2 == 1;
            for at in left + 1..right {
                self.rows[row][at] = ' ';
            }
            self.rows[row][left] = if wire { '┤' } else { '│' };
            self.rows[row][right] = if wire { '├' } else { '│' };
        }
        let length = text.chars().count();
        self.put(first + last + 1, left + (width - length) / 2, text);
    }

    fn item(&mut self, item: &Item, offset: usize) {
        let column = item.column - offset;
        let (start, column_width) = self.columns[column];
        let middle = start + (column_width - 1) / 2;
        let (first, last) = item.span();
        let barrier = item.marks.iter().all(|(_, mark)| *mark == Mark::Barrier);
        if !barrier {
            // The line that ties the operands together. Boxes are drawn over it.
            for row in 2 * first + 2..2 * last + 1 {
                self.rows[row][middle] = if row % 2 == 1 { '┼' } else { '│' };
            }
        }
        if let Some((top, bottom)) = item.shared() {
            self.shared_box(item, column, top, bottom);
        } else if !item.label.is_empty() && last > first {
            self.put(2 * first + 2, middle + 1, &item.label);
        }
        for (qubit, mark) in &item.marks {
            let (qubit, row) = (*qubit, 2 * qubit + 1);
            let text = match mark {
                Mark::Control => {
                    self.rows[row][middle] = '■';
                    continue;
                }
                Mark::Cross => {
                    self.rows[row][middle] = 'X';
                    continue;
                }
                Mark::Barrier => {
                    for row in [row - 1, row, row + 1] {
                        self.rows[row][middle] = '░';
                    }
                    continue;
                }
                Mark::Shared(_) => continue,
                Mark::Flip => "X",
                Mark::Meter => "M",
                Mark::Box(text) => text,
            };
            let width = text.chars().count() + 4;
            self.frame(column, qubit, qubit, width, text);
            self.tie(qubit, qubit, item.span(), middle);
        }
        if let Some(text) = &item.classical {
            self.tie_to_bits(text, last, middle);
        }
    }

    /// A box over several wires, its operands numbered at the left edge.
    fn shared_box(&mut self, item: &Item, column: usize, top: usize, bottom: usize) {
        let width = item.label.chars().count() + 6;
        let (start, column_width) = self.columns[column];
        let left = start + (column_width - width) / 2;
        let middle = start + (column_width - 1) / 2;
        self.frame(column, top, bottom, width, "");
        self.put(2 * top + 2, left + 4, &item.label);
        // Wires of other qubits are drawn through the box.
        for qubit in (top..=bottom).filter(|q| item.marks.iter().all(|(on, _)| on != q)) {
            self.put(2 * qubit + 1, left, &format!("┼{}┼", "─".repeat(width - 2)));
        }
        for (qubit, mark) in &item.marks {
            if let Mark::Shared(operand) = mark {
                self.put(2 * qubit + 1, left + 2, &operand.to_string());
            }
        }
        self.tie(top, bottom, item.span(), middle);
    }

    /// The line to the other operands meets the box over `top..=bottom`.
    fn tie(&mut self, top: usize, bottom: usize, (first, last): (usize, usize), middle: usize) {
        if first < top {
            self.rows[2 * top][middle] = '┴';
        }
        if last > bottom {
            self.rows[2 * bottom + 2][middle] = '┬';
        }
    }

    fn tie_to_bits(&mut self, text: &str, last: usize, at: usize) {
        let Some(line) = self.classical else { return };
        let border = 2 * last + 2;
        self.rows[border][at] = match self.rows[border][at] {
            ' ' | '│' => '║',
            _ => '╥',
        };
        for row in border + 1..line {
            self.rows[row][at] = if row % 2 == 1 { '╫' } else { '║' };
        }
        self.rows[line][at] = '╩';
        let left = (at + 1).saturating_sub(text.chars().count().div_ceil(2));
        self.put(line + 1, left.max(self.margin), text);
    }

    fn finish(self) -> String {
        let mut out = String::new();
        for (k, row) in self.rows.iter().enumerate() {
            let name = if k % 2 == 1 { self.names.get(k / 2).map_or("", |name| name) } else { "" };
            let drawn: String = row[self.margin..].iter().collect();
            let mark = if self.more && k % 2 == 1 { "»" } else { "" };
            let line = format!("{name:>width$}{drawn}{mark}", width = self.margin);
            out += line.trim_end();
            out.push('\n');
        }
        // Rows above the first box and below the last are empty where there is none.
        let drawn = out.trim_matches('\n');
        if drawn.is_empty() { String::new() } else { format!("{drawn}\n") }
    }
}

/// Two frame characters at one position: the strokes of both.
fn union(a: char, b: char) -> char {
    // Strokes up 1, down 2, left 4, right 8. The position is the sum of the strokes.
    const STROKES: [char; 16] = [' ', '╵', '╷', '│', '╴', '┘', '┐', '┤', '╶', '└', '┌', '├', '─', '┴', '┬', '┼'];
    let strokes = |c: char| STROKES.iter().position(|s| *s == c);
    match (strokes(a), strokes(b)) {
        (Some(a), Some(b)) => STROKES[a | b],
        _ => b,
    }
}
