//! Sections of text, tables and figures that become one self-contained page, LaTeX and picture files.

use std::fmt::Write;

use base64::Engine;

use super::figure::Figure;
use super::table::Table;
use crate::report::chart::number_clip_paths;
use crate::report::html::escape;

/// What a section is made of.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// A highlighted paragraph.
    Warning(String),
    /// A paragraph in red: the results beside it must not be taken at their word.
    Alarm(String),
    /// A list.
    List(Vec<String>),
    /// Text whose line breaks and blanks count.
    Code(String),
    /// A table.
    Table(Table),
    /// Figures side by side.
    Figures(Vec<Figure>),
    /// A drawing that is not made from data, such as a circuit.
    Svg {
        /// What it shows and how to read it.
        caption: String,
        /// The `<svg>` element.
        svg: String,
    },
    /// A picture made of pixels.
    Picture {
        /// What it shows and how to read it.
        caption: String,
        /// The PNG file.
        png: Vec<u8>,
    },
}

/// A part of the page.
#[derive(Clone, Debug, PartialEq)]
pub struct Section {
    /// Its anchor.
    pub anchor: String,
    /// Its heading.
    pub heading: String,
    /// Its content.
    pub blocks: Vec<Block>,
}

/// The whole page.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    /// Its title.
    pub title: String,
    /// The line under the title.
    pub facts: Vec<String>,
    /// Its parts.
    pub sections: Vec<Section>,
}

impl Page {
    /// One HTML file: no script, no network, no second file. The policy in its head makes a browser refuse anything else.
    pub fn html(&self) -> String {
        let title = escape(&self.title);
        let mut page = String::new();
        let facts: Vec<String> = self.facts.iter().map(|fact| escape(fact)).collect();
        // Writing into a String cannot fail.
        let _ = write!(
            page,
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{}</style>\n</head>\n\
             <body>\n<header>\n<h1>{title}</h1>\n<p class=\"facts\">{}</p>\n</header>\n<nav>",
            include_str!("style.css"),
            facts.join(" · ")
        );
        for Section { anchor, heading, .. } in &self.sections {
            let _ = write!(page, "<a href=\"#{}\">{}</a> ", escape(anchor), escape(heading));
        }
        page += "</nav>\n";
        for Section { anchor, heading, blocks } in &self.sections {
            let body: String = blocks.iter().map(block).collect();
            let _ =
                write!(page, "<section id=\"{}\">\n<h2>{}</h2>\n{body}</section>\n", escape(anchor), escape(heading));
        }
        page += "</body>\n</html>\n";
        number_clip_paths(&page)
    }

    /// Every table, for `\input`; needs the packages booktabs and graphicx.
    pub fn latex(&self) -> String {
        let tables = self.tables().map(|table| table.latex()).collect::<Vec<_>>().join("\n");
        format!("% \\usepackage{{booktabs,graphicx}}\n{tables}")
    }

    /// Every table.
    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.sections.iter().flat_map(|section| &section.blocks).filter_map(|block| match block {
            Block::Table(table) => Some(table),
            _ => None,
        })
    }

    /// Every figure.
    pub fn figures(&self) -> impl Iterator<Item = &Figure> {
        self.sections.iter().flat_map(|section| &section.blocks).flat_map(|block| match block {
            Block::Figures(figures) => &figures[..],
            _ => &[],
        })
    }
}

fn block(block: &Block) -> String {
    match block {
        Block::Text(text) => format!("<p>{}</p>\n", escape(text)),
        Block::Warning(text) => format!("<p class=\"warn\">{}</p>\n", escape(text)),
        Block::Alarm(text) => format!("<p class=\"alarm\">{}</p>\n", escape(text)),
        Block::List(items) => {
            let items: String = items.iter().map(|item| format!("<li>{}</li>\n", escape(item))).collect();
            format!("<ul>\n{items}</ul>\n")
        }
        Block::Code(text) => format!("<pre>{}</pre>\n", escape(text)),
        Block::Table(table) => table.html(),
        Block::Figures(figures) => {
            let drawn: String = figures.iter().map(Figure::html).collect();
            let class = if figures.len() > 1 { "grid pair" } else { "alone" };
            format!("<div class=\"{class}\">\n{drawn}</div>\n")
        }
        Block::Svg { caption, svg } => {
            format!("<figure><figcaption>{}</figcaption><div class=\"circuit\">{svg}</div></figure>\n", escape(caption))
        }
        Block::Picture { caption, png } => {
            let (caption, data) = (escape(caption), base64::engine::general_purpose::STANDARD.encode(png));
            format!(
                "<figure><figcaption>{caption}</figcaption><img alt=\"{caption}\" style=\"max-width:100%\" \
                 src=\"data:image/png;base64,{data}\"></figure>\n"
            )
        }
    }
}
