//! One table, told three ways: HTML, LaTeX, CSV.

use crate::study::error::{Result, StudyError};
use crate::study::report::html::escape;
use crate::study::stats;

/// Rows above which a page shows the caption alone until the reader asks.
const FOLDED: usize = 40;

/// A table of plain text.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Its label in LaTeX and its anchor: letters, digits and underscores.
    pub name: String,
    /// What it shows and how to read it.
    pub caption: String,
    /// Headings of the columns.
    pub header: Vec<String>,
    /// Cells by row.
    pub rows: Vec<Vec<String>>,
    /// How many columns at the left are names, not numbers.
    pub names: usize,
}

impl Table {
    /// A table without rows yet.
    pub fn new(name: &str, caption: &str, header: &[&str], names: usize) -> Self {
        let header = header.iter().map(|cell| cell.to_string()).collect();
        Self { name: name.into(), caption: caption.into(), header, rows: Vec::new(), names }
    }

    /// `<table>` under its caption; a long one is folded away under it.
    pub fn html(&self) -> String {
        let name = |place: usize| if place < self.names { " class=\"name\"" } else { "" };
        let head = |(place, cell): (usize, &String)| format!("<th scope=\"col\"{}>{}</th>", name(place), escape(cell));
        let header: String = self.header.iter().enumerate().map(head).collect();
        let row = |cells: &Vec<String>| {
            let cell = |(place, text): (usize, &String)| match place < self.names {
                true => format!("<th scope=\"row\" class=\"name\">{}</th>", escape(text)),
                false => format!("<td>{}</td>", escape(text)),
            };
            format!("<tr>{}</tr>", cells.iter().enumerate().map(cell).collect::<String>())
        };
        let table = format!(
            "<div class=\"scroll\"><table class=\"fit\">\n<thead><tr>{header}</tr></thead>\n<tbody>\n{}\n</tbody>\n</table></div>\n",
            self.rows.iter().map(row).collect::<Vec<_>>().join("\n")
        );
        let caption = escape(&self.caption);
        match self.rows.len() > FOLDED {
            false => format!("<p class=\"caption\" id=\"{}\">{caption}</p>\n{table}", self.name),
            true => format!(
                "<details id=\"{}\"><summary class=\"caption\">{caption}; {} rows</summary>\n{table}</details>\n",
                self.name,
                self.rows.len()
            ),
        }
    }

    /// A `table` environment with the rules of the booktabs package.
    pub fn latex(&self) -> String {
        let line = |cells: &Vec<String>| cells.iter().map(|cell| latex(cell)).collect::<Vec<_>>().join(" & ") + r" \\";
        let columns: String = (0..self.header.len()).map(|at| if at < self.names { 'l' } else { 'r' }).collect();
        format!(
            "\\begin{{table}}\n\\centering\n\\caption{{{}}}\n\\label{{tab:{}}}\n\\begin{{tabular}}{{{columns}}}\n\\toprule\n\
             {}\n\\midrule\n{}\n\\bottomrule\n\\end{{tabular}}\n\\end{{table}}\n",
            latex(&self.caption),
            self.name,
            line(&self.header),
            self.rows.iter().map(line).collect::<Vec<_>>().join("\n")
        )
    }

    /// Comma-separated values under the header.
    ///
    /// # Errors
    /// None in practice: plain text always forms a line.
    pub fn csv(&self) -> Result<Vec<u8>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let written = std::iter::once(&self.header).chain(&self.rows).try_for_each(|cells| writer.write_record(cells));
        let bytes =
            written.map_err(std::io::Error::from).and_then(|()| writer.into_inner().map_err(|e| e.into_error()));
        bytes.map_err(|source| StudyError::File { path: format!("{}.csv", self.name).into(), source })
    }
}

/// Text as LaTeX sets it.
fn latex(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' | '%' | '$' | '#' | '_' | '{' | '}' => out.extend(['\\', letter]),
            '\\' => out += r"\textbackslash{}",
            '~' => out += r"\textasciitilde{}",
            '^' => out += r"\textasciicircum{}",
            '±' => out += r"$\pm$",
            '×' => out += r"$\times$",
            '−' => out += "$-$",
            '–' => out += "--",
            '<' | '>' => out += &format!("${letter}$"),
            '⟨' => out += r"$\langle$",
            '⟩' => out += r"$\rangle$",
            '∂' => out += r"$\partial$",
            '·' => out += r"$\cdot$",
            '²' => out += "$^2$",
            '₂' => out += "$_2$",
            letter => out.push(letter),
        }
    }
    out
}

/// "87.4 ± 1.2" in per cent, without a spread where there is one value, "–" of none.
pub fn per_cent(values: &[f64]) -> String {
    match (stats::mean(values), stats::sd(values)) {
        (Some(mean), Some(sd)) => format!("{:.1} ± {:.1}", 100.0 * mean, 100.0 * sd),
        (Some(mean), None) => format!("{:.1}", 100.0 * mean),
        _ => "–".into(),
    }
}

/// "0.003" or "< 0.001".
pub fn p_value(p: f64) -> String {
    if p < 0.001 { "< 0.001".into() } else { format!("{p:.3}") }
}

/// Three significant digits, small and large ones as "1.23e-5", with a true minus sign.
pub fn three_digits(value: f64) -> String {
    let size = value.abs();
    let text = match size {
        0.0 => "0".into(),
        s if !(1e-3..1e5).contains(&s) => format!("{value:.2e}"),
        s if s >= 100.0 => format!("{value:.0}"),
        s if s >= 10.0 => format!("{value:.1}"),
        s if s >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    };
    text.replace('-', "−")
}
