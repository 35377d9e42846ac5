//! A table that renders as HTML, LaTeX or CSV.

use crate::math::words::csv_cell;
use crate::report::html::escape;

/// Rows above which a page shows the caption alone until the reader opens it.
const FOLDED: usize = 40;

/// Letters that the text width of LaTeX's class `article` holds at its normal size, with a margin for wide letters.
const LATEX_WIDTH: usize = 68;
/// Rows of a table that fit on a page of it.
const LATEX_ROWS: usize = 40;

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
    /// Number of columns at the left that hold names, not numbers.
    pub names: usize,
}

impl Table {
    /// A table without rows yet.
    pub fn new(name: &str, caption: &str, header: &[&str], names: usize) -> Self {
        let header = header.iter().map(|cell| cell.to_string()).collect();
        Self { name: name.into(), caption: caption.into(), header, rows: Vec::new(), names }
    }

    /// `<table>` under its caption; a long one is folded.
    pub fn html(&self) -> String {
        let name = |index: usize| if index < self.names { " class=\"name\"" } else { "" };
        let head = |(index, cell): (usize, &String)| format!("<th scope=\"col\"{}>{}</th>", name(index), escape(cell));
        let header: String = self.header.iter().enumerate().map(head).collect();
        let row = |cells: &Vec<String>| {
            let cell = |(index, text): (usize, &String)| match index < self.names {
                true => format!("<th scope=\"row\" class=\"name\">{}</th>", escape(text)),
                false => format!("<td>{}</td>", escape(text)),
            };
            format!("<tr>{}</tr>", cells.iter().enumerate().map(cell).collect::<String>())
        };
        let table = format!(
            "<div class=\"scroll\"><table class=\"fit\">\n<thead><tr>{header}</tr></thead>\n<tbody>\n{}\n</tbody>\n</table></div>\n",
            self.rows.iter().map(row).collect::<Vec<_>>().join("\n")
        );
        let (caption, name) = (escape(&self.caption), escape(&self.name));
        match self.rows.len() > FOLDED {
            false => format!("<p class=\"caption\" id=\"{name}\">{caption}</p>\n{table}"),
            true => format!(
                "<details id=\"{name}\"><summary class=\"caption\">{caption}; {} rows</summary>\n{table}</details>\n",
                self.rows.len()
            ),
        }
    }

    /// `table` environments with the rules of the package booktabs, at most a page each. A table that is wider than the
    /// text is scaled down to it, by the package graphicx.
    pub fn latex(&self) -> String {
        let parts = self.rows.chunks(LATEX_ROWS).enumerate();
        let parts: Vec<String> = parts.map(|(part, rows)| self.latex_part(part, rows)).collect();
        if parts.is_empty() { self.latex_part(0, &[]) } else { parts.join("\n") }
    }

    fn latex_part(&self, part: usize, rows: &[Vec<String>]) -> String {
        let line = |cells: &Vec<String>| cells.iter().map(|cell| latex(cell)).collect::<Vec<_>>().join(" & ") + r" \\";
        let columns: String = (0..self.header.len()).map(|at| if at < self.names { 'l' } else { 'r' }).collect();
        let (caption, label) = match part {
            0 => (latex(&self.caption), self.name.clone()),
            part => (format!("{} (continued)", latex(&self.caption)), format!("{}-{part}", self.name)),
        };
        let tabular = format!(
            "\\begin{{tabular}}{{{columns}}}\n\\toprule\n{}\n\\midrule\n{}\n\\bottomrule\n\\end{{tabular}}",
            line(&self.header),
            rows.iter().map(line).collect::<Vec<_>>().join("\n")
        );
        let tabular = match self.letters() > LATEX_WIDTH {
            true => format!("\\resizebox{{\\linewidth}}{{!}}{{%\n{tabular}}}"),
            false => tabular,
        };
        format!(
            "\\begin{{table}}\n\\centering\n\\caption{{{caption}}}\n\\label{{tab:{label}}}\n{tabular}\n\\end{{table}}\n"
        )
    }

    /// Letters of its widest line, with two between columns.
    fn letters(&self) -> usize {
        let all = || std::iter::once(&self.header).chain(&self.rows);
        let widest = |column: usize| all().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
        (0..self.header.len()).map(|column| widest(column).unwrap_or(0) + 2).sum()
    }

    /// Comma-separated values under the header.
    pub fn csv(&self) -> Vec<u8> {
        let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
        for cells in std::iter::once(&self.header).chain(&self.rows) {
            writer
                .write_record(cells.iter().map(|cell| csv_cell(cell).into_owned()))
                .expect("writing into memory cannot fail");
        }
        writer.into_inner().expect("writing into memory cannot fail")
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
            '°' => out += r"$^\circ$",
            '≤' => out += r"$\leq$",
            '≥' => out += r"$\geq$",
            '→' => out += r"$\rightarrow$",
            '∞' => out += r"$\infty$",
            'α' => out += r"$\alpha$",
            'λ' => out += r"$\lambda$",
            'σ' => out += r"$\sigma$",
            'π' => out += r"$\pi$",
            'Δ' => out += r"$\Delta$",
            letter => out.push(letter),
        }
    }
    out
}
