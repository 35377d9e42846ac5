//! Frames of molecules embedded in the program, made by `data/molecules/make.py`.

use super::{Structure, parse_structures};
use crate::data::DataError;
use crate::math::EnergyUnit;

/// Frames inside the program.
#[derive(Debug)]
pub struct MoleculeRow {
    /// Name of its file without ending.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// The file.
    bytes: &'static [u8],
}

/// Every file of frames inside the program.
pub static MOLECULES: &[MoleculeRow] = &[
    MoleculeRow {
        name: "ethanol_mmff94",
        doc: "ethanol at 500 K and 1000 K, MMFF94",
        bytes: include_bytes!("../../../data/molecules/ethanol_mmff94.npz"),
    },
    MoleculeRow {
        name: "ethanol_gfn2",
        doc: "ethanol at 500 K, GFN2-xTB, with MMFF94 beside it",
        bytes: include_bytes!("../../../data/molecules/ethanol_gfn2.npz"),
    },
    MoleculeRow {
        name: "ethanol_pbe",
        doc: "some of these frames, PBE/def2-SVP, with MMFF94 beside it",
        bytes: include_bytes!("../../../data/molecules/ethanol_pbe.npz"),
    },
    MoleculeRow {
        name: "water_pbe",
        doc: "two and three molecules of water at 300 K, PBE/def2-SVP",
        bytes: include_bytes!("../../../data/molecules/water_pbe.xyz"),
    },
];

impl MoleculeRow {
    /// The frames of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        MOLECULES.iter().find(|row| row.name == name)
    }

    /// Reads them, in the order of time.
    ///
    /// # Errors
    /// If the embedded file is damaged, which a test excludes.
    pub fn frames(&self) -> Result<Vec<Structure>, DataError> {
        parse_structures(self.bytes, self.name, EnergyUnit::ElectronVolt)
    }
}
