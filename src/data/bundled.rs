//! Small tables embedded in the program: those of scikit-learn, made by `data/tables/make.py` (BSD).

use super::{DataError, Tabular, parse_table};

/// A table inside the program.
#[derive(Debug)]
pub struct BundledRow {
    /// Name in specs.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// The file.
    text: &'static str,
}

/// Every table inside the program.
pub static BUNDLED: &[BundledRow] = &[
    BundledRow {
        name: "iris",
        doc: "150 flowers of three species, 4 lengths (Fisher 1936)",
        text: include_str!("../../data/tables/iris.csv"),
    },
    BundledRow {
        name: "wine",
        doc: "178 wines of three growers, 13 analyses (Forina et al. 1991)",
        text: include_str!("../../data/tables/wine.csv"),
    },
    BundledRow {
        name: "breast_cancer",
        doc: "569 tumours, malignant or benign, 30 measures of cell nuclei (Street, Wolberg & Mangasarian 1993)",
        text: include_str!("../../data/tables/breast_cancer.csv"),
    },
];

impl BundledRow {
    /// The table of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        BUNDLED.iter().find(|row| row.name == name)
    }

    /// Reads it.
    ///
    /// # Errors
    /// If the embedded table is damaged, which a test excludes.
    pub fn table(&self) -> Result<Tabular, DataError> {
        parse_table(self.text, self.name)
    }
}
