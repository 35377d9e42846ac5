//! What a system's page says: the work it follows, what was published, and what was measured here.

use std::fmt::Write;

/// A system's card; its page under docs/systems is written from it.
#[derive(Debug)]
pub struct Card {
    /// The work it follows: authors, title, year, link.
    pub paper: &'static str,
    /// The question the system answers, in a sentence or two.
    pub question: &'static str,
    /// The data that ships, and what `--data` reads.
    pub data: &'static str,
    /// What is compared: name and what it is, one row each.
    pub arms: &'static [(&'static str, &'static str)],
    /// What counts as reproduced, and what was found.
    pub claims: &'static [Claim],
    /// What the work leaves open and what was chosen here.
    pub choices: &'static [&'static str],
    /// The command that makes the measured column, and where its result is kept.
    pub full_run: &'static str,
}

/// A statement to be checked.
#[derive(Debug)]
pub struct Claim {
    /// The statement, with its threshold.
    pub what: &'static str,
    /// The published figure, and how sure it is: published, measured elsewhere, or reconstructed.
    pub published: &'static str,
    /// The figure measured here.
    pub measured: &'static str,
    /// Whether it holds here.
    pub holds: bool,
}

impl Card {
    /// The page in Markdown.
    pub fn page(&self, name: &str) -> String {
        let mut page = format!(
            "# {name}\n\n{}\n\nAfter {}.\n\n**Data.** {}\n\n    qgraft run {name}\n\n",
            self.question, self.paper, self.data
        );
        let mut table = |heads: &[&str], rows: Vec<Vec<&str>>| {
            // Writing into a String cannot fail.
            let _ = writeln!(page, "| {} |\n|{}", heads.join(" | "), "---|".repeat(heads.len()));
            for row in rows {
                let _ = writeln!(page, "| {} |", row.join(" | "));
            }
            page.push('\n');
        };
        table(&["compared", "what it is"], self.arms.iter().map(|&(name, doc)| vec![name, doc]).collect());
        let claim = |c: &Claim| vec![c.what, c.published, c.measured, if c.holds { "yes" } else { "**no**" }];
        table(&["statement", "published", "measured here", "holds"], self.claims.iter().map(claim).collect());
        let _ = writeln!(page, "Measured with {}.\n\n## Chosen here\n", self.full_run);
        for choice in self.choices {
            let _ = writeln!(page, "- {choice}");
        }
        page
    }
}
