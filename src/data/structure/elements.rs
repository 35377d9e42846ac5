//! The periodic table.

use serde::{Deserialize, Serialize};

/// Symbols and standard atomic weights in atomic mass units (IUPAC; of elements without one, the longest-lived isotope), as ASE
/// has them.
#[rustfmt::skip]
const TABLE: [(&str, f64); 118] = [
    ("H", 1.008), ("He", 4.0026), ("Li", 6.94), ("Be", 9.01218), ("B", 10.81), ("C", 12.011), ("N", 14.007),
    ("O", 15.999), ("F", 18.9984), ("Ne", 20.1797), ("Na", 22.9898), ("Mg", 24.305), ("Al", 26.9815), ("Si", 28.085),
    ("P", 30.9738), ("S", 32.06), ("Cl", 35.45), ("Ar", 39.948), ("K", 39.0983), ("Ca", 40.078), ("Sc", 44.9559),
    ("Ti", 47.867), ("V", 50.9415), ("Cr", 51.9961), ("Mn", 54.938), ("Fe", 55.845), ("Co", 58.9332),
    ("Ni", 58.6934), ("Cu", 63.546), ("Zn", 65.38), ("Ga", 69.723), ("Ge", 72.63), ("As", 74.9216), ("Se", 78.971),
    ("Br", 79.904), ("Kr", 83.798), ("Rb", 85.4678), ("Sr", 87.62), ("Y", 88.9058), ("Zr", 91.224), ("Nb", 92.9064),
    ("Mo", 95.95), ("Tc", 97.9072), ("Ru", 101.07), ("Rh", 102.906), ("Pd", 106.42), ("Ag", 107.868),
    ("Cd", 112.414), ("In", 114.818), ("Sn", 118.71), ("Sb", 121.76), ("Te", 127.6), ("I", 126.904), ("Xe", 131.293),
    ("Cs", 132.905), ("Ba", 137.327), ("La", 138.905), ("Ce", 140.116), ("Pr", 140.908), ("Nd", 144.242),
    ("Pm", 144.913), ("Sm", 150.36), ("Eu", 151.964), ("Gd", 157.25), ("Tb", 158.925), ("Dy", 162.5), ("Ho", 164.93),
    ("Er", 167.259), ("Tm", 168.934), ("Yb", 173.054), ("Lu", 174.967), ("Hf", 178.49), ("Ta", 180.948),
    ("W", 183.84), ("Re", 186.207), ("Os", 190.23), ("Ir", 192.217), ("Pt", 195.084), ("Au", 196.967),
    ("Hg", 200.592), ("Tl", 204.38), ("Pb", 207.2), ("Bi", 208.98), ("Po", 208.982), ("At", 209.987),
    ("Rn", 222.018), ("Fr", 223.02), ("Ra", 226.025), ("Ac", 227.028), ("Th", 232.038), ("Pa", 231.036),
    ("U", 238.029), ("Np", 237.048), ("Pu", 244.064), ("Am", 243.061), ("Cm", 247.07), ("Bk", 247.07),
    ("Cf", 251.08), ("Es", 252.083), ("Fm", 257.095), ("Md", 258.098), ("No", 259.101), ("Lr", 262.11),
    ("Rf", 267.122), ("Db", 268.126), ("Sg", 271.134), ("Bh", 270.133), ("Hs", 269.134), ("Mt", 278.156),
    ("Ds", 281.165), ("Rg", 281.166), ("Cn", 285.177), ("Nh", 286.182), ("Fl", 289.19), ("Mc", 289.194),
    ("Lv", 293.204), ("Ts", 293.208), ("Og", 294.214),
];

/// Covalent radii in Å of hydrogen to curium (Cordero et al. 2008, Dalton Trans. 2008, 2832, table 2; manganese, iron and
/// cobalt of low spin).
#[rustfmt::skip]
const RADII: [f64; 96] = [
    0.31, 0.28, 1.28, 0.96, 0.84, 0.76, 0.71, 0.66, 0.57, 0.58, 1.66, 1.41, 1.21, 1.11, 1.07, 1.05,
    1.02, 1.06, 2.03, 1.76, 1.70, 1.60, 1.53, 1.39, 1.39, 1.32, 1.26, 1.24, 1.32, 1.22, 1.22, 1.20,
    1.19, 1.20, 1.20, 1.16, 2.20, 1.95, 1.90, 1.75, 1.64, 1.54, 1.47, 1.46, 1.42, 1.39, 1.45, 1.44,
    1.42, 1.39, 1.39, 1.38, 1.39, 1.40, 2.44, 2.15, 2.07, 2.04, 2.03, 2.01, 1.99, 1.98, 1.98, 1.96,
    1.94, 1.92, 1.92, 1.89, 1.90, 1.87, 1.87, 1.75, 1.70, 1.62, 1.51, 1.44, 1.41, 1.36, 1.36, 1.32,
    1.45, 1.46, 1.48, 1.40, 1.50, 1.50, 2.60, 2.21, 2.15, 2.06, 2.00, 1.96, 1.90, 1.87, 1.80, 1.69,
];

/// A chemical element.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Element(u8);

impl Element {
    /// The element of this symbol, in any case.
    pub fn named(symbol: &str) -> Option<Self> {
        let at = TABLE.iter().position(|(own, _)| own.eq_ignore_ascii_case(symbol))?;
        Self::of_number(at as u8 + 1)
    }

    /// The element of this atomic number, 1 to 118.
    pub fn of_number(number: u8) -> Option<Self> {
        (1..=118).contains(&number).then_some(Self(number))
    }

    /// Its atomic number.
    pub fn number(self) -> u8 {
        self.0
    }

    /// Its symbol.
    pub fn symbol(self) -> &'static str {
        TABLE[usize::from(self.0) - 1].0
    }

    /// Its mass in atomic mass units.
    pub fn mass(self) -> f64 {
        TABLE[usize::from(self.0) - 1].1
    }

    /// Its covalent radius in Å; none is known beyond curium.
    pub fn covalent_radius(self) -> Option<f64> {
        RADII.get(usize::from(self.0) - 1).copied()
    }
}

impl TryFrom<String> for Element {
    type Error = String;
    fn try_from(symbol: String) -> Result<Self, String> {
        Self::named(&symbol).ok_or_else(|| format!("unknown element {symbol:?}"))
    }
}

impl From<Element> for String {
    fn from(element: Element) -> Self {
        element.symbol().into()
    }
}
