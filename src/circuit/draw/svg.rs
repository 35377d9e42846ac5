//! Circuits as SVG.

use std::fmt::Write;

use super::grid::{Item, Mark, global_phase, layout, left_out};
use crate::circuit::Circuit;

/// Distance of two wires, height of a box, distance between columns, margin around everything: pixels.
const PITCH: f64 = 46.0;
const BOX: f64 = 32.0;
const GAP: f64 = 14.0;
const MARGIN: f64 = 16.0;
/// A drawing wider than this continues below.
const WIDTH: f64 = 1100.0;

/// Colours as variables, so that one file reads well on a white page and on a dark screen.
const STYLE: &str = "\
.circuit{--ink:#1c2430;--paper:#ffffff;--fill:#eaf1fb;--edge:#3a6ea5;--faint:#8a94a3;background:var(--paper)}
@media (prefers-color-scheme:dark){.circuit{--ink:#e8ecf2;--paper:#14181f;--fill:#22334a;--edge:#8ab4e8;--faint:#7d8795}}
.circuit .paper{fill:var(--paper)}
.circuit line,.circuit path{stroke:var(--ink);stroke-width:1.4;fill:none}
.circuit .bits{stroke:var(--faint)}
.circuit .barrier{stroke:var(--faint);stroke-dasharray:4 4}
.circuit .gate{fill:var(--fill);stroke:var(--edge);stroke-width:1.4}
.circuit .dot{fill:var(--ink)}
.circuit .flip{fill:var(--paper);stroke:var(--ink);stroke-width:1.4}
.circuit text{fill:var(--ink);font:13px Helvetica,Arial,sans-serif;text-anchor:middle;dominant-baseline:central}
.circuit .name{text-anchor:end}
.circuit .beside{text-anchor:start;font-size:11px}
.circuit .operand{font-size:9px;text-anchor:start}
.circuit .small{font-size:11px}
";

/// The circuit as a self-contained SVG document, boxes for gates, dots for controls, ⊕ for controlled X, crosses for
/// swaps, meters for measurements; a wide circuit continues below.
pub fn svg(circuit: &Circuit) -> String {
    let (items, columns) = layout(circuit);
    let mut widths = vec![0.0f64; columns];
    for item in &items {
        widths[item.column] = widths[item.column].max(item_width(item));
    }
    let mut names: Vec<String> = (0..circuit.qubits()).map(|q| format!("q{q}")).collect();
    if circuit.bits() > 0 {
        names.push(format!("c ({})", circuit.bits()));
    }
    let label_width = names.iter().map(|n| text_width(n)).fold(0.0, f64::max) + 10.0;
    let left = MARGIN + label_width;
    let classical = if circuit.bits() > 0 { PITCH + 18.0 } else { 0.0 };
    let block = circuit.qubits() as f64 * PITCH + classical + GAP;
    let phase = global_phase(circuit);
    let head = if phase.is_empty() { 0.0 } else { 24.0 };

    let mut body = String::new();
    let (mut start, mut top, mut width) = (0, MARGIN + head, left);
    let mut drawn = 0;
    loop {
        let mut end = start;
        let mut right = left;
        while end < columns && (end == start || right + widths[end] + GAP <= WIDTH) {
            right += widths[end] + GAP;
            end += 1;
        }
        width = width.max(right);
        let pen = Pen { left, top, right: right + GAP, qubits: circuit.qubits(), bits: circuit.bits() > 0 };
        pen.wires(&names, &mut body);
        let mut x = left;
        for column in start..end {
            let centre = x + (widths[column] + GAP) / 2.0;
            let here = items.partition_point(|item| item.column <= column);
            items[drawn..here].iter().for_each(|item| pen.item(item, centre, &mut body));
            drawn = here;
            x += widths[column] + GAP;
        }
        top += block;
        if end >= columns {
            break;
        }
        top += GAP;
        start = end;
    }
    let missing = left_out(circuit);
    if !missing.is_empty() {
        let _ = writeln!(body, "<text class=\"beside\" x=\"{MARGIN}\" y=\"{:.1}\">{missing}</text>", top + 6.0);
        width = width.max(MARGIN + text_width(&missing));
        top += 24.0;
    }
    let (width, height) = (width + GAP + MARGIN, top + MARGIN - GAP);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"circuit\" width=\"{width:.0}\" height=\"{height:.0}\" \
         viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\">\n<title>Quantum circuit on {} qubits</title>\n\
         <style>\n{STYLE}</style>\n<rect class=\"paper\" width=\"100%\" height=\"100%\"/>\n",
        circuit.qubits()
    );
    if !phase.is_empty() {
        let _ = writeln!(
            out,
            "<text class=\"beside\" x=\"{MARGIN}\" y=\"{}\">global phase: {}</text>",
            MARGIN + 6.0,
            escaped(&phase)
        );
    }
    out + &body + "</svg>\n"
}

/// Helvetica at 13 px, generously.
fn text_width(text: &str) -> f64 {
    7.4 * text.chars().count() as f64
}

fn item_width(item: &Item) -> f64 {
    let mark = |mark: &Mark| match mark {
        Mark::Control | Mark::Cross | Mark::Barrier => 12.0,
        Mark::Flip => 22.0,
        Mark::Meter => BOX,
        Mark::Box(text) => (text_width(text) + 14.0).max(BOX),
        Mark::Shared(_) => text_width(&item.label) + 34.0,
    };
    // A label beside a line starts at the centre.
    let beside = if item.shared().is_none() { text_width(&item.label) * 2.0 } else { 0.0 };
    let classical = item.classical.as_deref().map_or(0.0, text_width);
    item.marks.iter().map(|(_, m)| mark(m)).fold(beside.max(classical), f64::max)
}

/// Where one row of columns is drawn.
struct Pen {
    left: f64,
    top: f64,
    right: f64,
    qubits: usize,
    bits: bool,
}

impl Pen {
    fn y(&self, qubit: usize) -> f64 {
        self.top + PITCH * (qubit as f64 + 0.5)
    }

    fn wires(&self, names: &[String], out: &mut String) {
        for (k, name) in names.iter().enumerate() {
            let y = self.y(k);
            let _ = writeln!(out, "<text class=\"name\" x=\"{:.1}\" y=\"{y:.1}\">{name}</text>", self.left - 8.0);
            if k < self.qubits {
                line(out, "", self.left, y, self.right, y);
            } else {
                line(out, "bits", self.left, y - 1.6, self.right, y - 1.6);
                line(out, "bits", self.left, y + 1.6, self.right, y + 1.6);
            }
        }
    }

    fn item(&self, item: &Item, x: f64, out: &mut String) {
        let (first, last) = item.span();
        let barrier = item.marks.iter().all(|(_, mark)| *mark == Mark::Barrier);
        if last > first && !barrier {
            line(out, "", x, self.y(first), x, self.y(last));
        }
        if let Some(text) = &item.classical
            && self.bits
        {
            let (from, to) = (self.y(last), self.y(self.qubits));
            line(out, "bits", x - 1.6, from, x - 1.6, to);
            line(out, "bits", x + 1.6, from, x + 1.6, to);
            let _ = writeln!(out, "<circle class=\"dot\" cx=\"{x:.1}\" cy=\"{to:.1}\" r=\"3\"/>");
            let _ = writeln!(out, "<text class=\"small\" x=\"{x:.1}\" y=\"{:.1}\">{}</text>", to + 14.0, escaped(text));
        }
        if let Some((top, bottom)) = item.shared() {
            let width = text_width(&item.label) + 34.0;
            self.gate(x, top, bottom, width, out);
            self.label(x, self.y(top) + PITCH / 2.0, &item.label, out);
            // Wires of other qubits are drawn through the box.
            for qubit in (top..=bottom).filter(|q| item.marks.iter().all(|(on, _)| on != q)) {
                line(out, "bits", x - width / 2.0, self.y(qubit), x + width / 2.0, self.y(qubit));
            }
            for (qubit, mark) in &item.marks {
                if let Mark::Shared(operand) = mark {
                    let (x, y) = (x - width / 2.0 + 4.0, self.y(*qubit));
                    let _ = writeln!(out, "<text class=\"operand\" x=\"{x:.1}\" y=\"{y:.1}\">{operand}</text>");
                }
            }
        } else if !item.label.is_empty() {
            let y = self.y(first) + PITCH / 2.0;
            let label = escaped(&item.label);
            let _ = writeln!(out, "<text class=\"beside\" x=\"{:.1}\" y=\"{y:.1}\">{label}</text>", x + 5.0);
        }
        for (qubit, mark) in &item.marks {
            self.mark(*qubit, mark, x, out);
        }
    }

    fn mark(&self, qubit: usize, mark: &Mark, x: f64, out: &mut String) {
        let y = self.y(qubit);
        match mark {
            Mark::Control => {
                let _ = writeln!(out, "<circle class=\"dot\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4.2\"/>");
            }
            Mark::Flip => {
                let _ = writeln!(out, "<circle class=\"flip\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"10\"/>");
                line(out, "", x - 10.0, y, x + 10.0, y);
                line(out, "", x, y - 10.0, x, y + 10.0);
            }
            Mark::Cross => {
                line(out, "", x - 5.5, y - 5.5, x + 5.5, y + 5.5);
                line(out, "", x - 5.5, y + 5.5, x + 5.5, y - 5.5);
            }
            Mark::Barrier => line(out, "barrier", x, y - PITCH / 2.0, x, y + PITCH / 2.0),
            Mark::Box(text) => {
                self.gate(x, qubit, qubit, (text_width(text) + 14.0).max(BOX), out);
                self.label(x, y, text, out);
            }
            Mark::Meter => {
                self.gate(x, qubit, qubit, BOX, out);
                let (l, r, base) = (x - 10.0, x + 10.0, y + 5.0);
                let _ = writeln!(out, "<path d=\"M{l:.1} {base:.1}A10 10 0 0 1 {r:.1} {base:.1}\"/>");
                line(out, "", x, base, x + 7.0, y - 9.0);
            }
            Mark::Shared(_) => {}
        }
    }

    fn gate(&self, x: f64, first: usize, last: usize, width: f64, out: &mut String) {
        let (left, top) = (x - width / 2.0, self.y(first) - BOX / 2.0);
        let height = self.y(last) - self.y(first) + BOX;
        let _ = writeln!(
            out,
            "<rect class=\"gate\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" rx=\"3\"/>"
        );
    }

    fn label(&self, x: f64, y: f64, text: &str, out: &mut String) {
        let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escaped(text));
    }
}

fn line(out: &mut String, class: &str, x1: f64, y1: f64, x2: f64, y2: f64) {
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    let _ = writeln!(out, "<line{class} x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"/>");
}

/// Slot names may hold any character.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
