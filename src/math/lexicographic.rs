//! Linear programs with several objectives, each minimised among what minimises those before it.
//!
//! The simplex method on a dense table with Bland's rule, which never cycles (Bland, Mathematics of Operations Research 2,
//! 1977). After an objective is minimal, columns that would raise it may not enter again: the table then holds exactly the
//! points where it is minimal, so that no tolerance on its value is needed (Isermann, European Journal of Operational
//! Research 9, 1982). For the few dozen unknowns of a text; a sparse solver would be a dependency for less than this page.

/// Below this a number of the table is 0. Values are best scaled to be near 1 to 1e6.
const ZERO: f64 = 1e-9;
/// How far from 0 the sum of what is missing may be for a program that can be met.
const MISSING: f64 = 1e-6;
/// Numbers of the table at most: 32 MiB.
const CELLS: usize = 1 << 22;
/// Exchanges of a column at most.
const EXCHANGES: usize = 20_000;

/// How a sum relates to its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// They are equal.
    Equal,
    /// The sum is not below the bound.
    AtLeast,
}

/// `Σ factor × unknown` and its bound.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Indices of unknowns, each at most once, and their factors.
    pub terms: Vec<(usize, f64)>,
    /// How the sum relates to the bound.
    pub relation: Relation,
    /// The bound.
    pub bound: f64,
}

/// Why a program has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unsolved {
    /// No unknowns meet all rows. This is one of the rows that cannot be met beside the others.
    Impossible {
        /// Index of the row.
        row: usize,
    },
    /// An objective has no least value.
    Unbounded,
    /// The table would be larger than 32 MiB, or takes too many exchanges.
    TooLarge,
}

/// `unknowns` numbers, none below 0, that meet all rows, minimise the first objective, among those the second, and so on.
/// Unknowns on which the objectives do not depend have any value that meets the rows.
///
/// ```
/// use qgraft::math::lexicographic::{Relation, Row, minimise};
/// // x + 2y = 6: first x as small as possible, then y.
/// let row = Row { terms: vec![(0, 1.0), (1, 2.0)], relation: Relation::Equal, bound: 6.0 };
/// assert_eq!(minimise(2, &[row], &[vec![(0, 1.0)], vec![(1, 1.0)]]), Ok(vec![0.0, 3.0]));
/// ```
///
/// # Errors
/// If no numbers meet the rows, an objective has no least value, or the program is too large.
pub fn minimise(unknowns: usize, rows: &[Row], objectives: &[Vec<(usize, f64)>]) -> Result<Vec<f64>, Unsolved> {
    let mut table = Table::new(unknowns, rows)?;
    table.start()?;
    for objective in objectives {
        table.minimise(objective)?;
    }
    let mut values = vec![0.0; unknowns];
    for (row, &column) in table.basis.iter().enumerate() {
        if column < unknowns {
            values[column] = table.at(row, table.width - 1).max(0.0);
        }
    }
    Ok(values)
}

struct Table {
    /// Row after row: unknowns, slacks, one artificial column for each row, the bound.
    cells: Vec<f64>,
    width: usize,
    /// The column that is 1 in each row alone.
    basis: Vec<usize>,
    /// Columns that may enter the basis.
    open: Vec<bool>,
    first_artificial: usize,
    exchanges: usize,
}

impl Table {
    fn new(unknowns: usize, rows: &[Row]) -> Result<Self, Unsolved> {
        let slacks = rows.iter().filter(|row| row.relation == Relation::AtLeast).count();
        let first_artificial = unknowns + slacks;
        let width = first_artificial + rows.len() + 1;
        if width.saturating_mul(rows.len()) > CELLS {
            return Err(Unsolved::TooLarge);
        }
        let mut cells = vec![0.0; width * rows.len()];
        let mut basis = Vec::with_capacity(rows.len());
        let mut slack = unknowns;
        for (at, row) in rows.iter().enumerate() {
            let line = &mut cells[at * width..(at + 1) * width];
            row.terms.iter().for_each(|&(unknown, factor)| line[unknown] += factor);
            line[width - 1] = row.bound;
            let own = (row.relation == Relation::AtLeast).then_some(slack);
            if let Some(slack) = own {
                line[slack] = -1.0;
            }
            slack += usize::from(own.is_some());
            // A row with a bound below 0, or a slack that would be, is turned around.
            if row.bound < 0.0 || (row.bound == 0.0 && own.is_some()) {
                line.iter_mut().for_each(|cell| *cell = -*cell);
            }
            match own.filter(|&slack| line[slack] > 0.0) {
                Some(slack) => basis.push(slack),
                None => {
                    line[first_artificial + at] = 1.0;
                    basis.push(first_artificial + at);
                }
            }
        }
        let open = (0..width - 1).map(|column| column < first_artificial).collect();
        Ok(Self { cells, width, basis, open, first_artificial, exchanges: 0 })
    }

    fn at(&self, row: usize, column: usize) -> f64 {
        self.cells[row * self.width + column]
    }

    /// Makes all artificial columns 0: then the rows are met.
    fn start(&mut self) -> Result<(), Unsolved> {
        let sum: Vec<(usize, f64)> = (self.first_artificial..self.width - 1).map(|column| (column, 1.0)).collect();
        let (open, last) = (self.open.clone(), self.width - 1);
        self.minimise(&sum)?;
        // Only what raised the sum was closed, which is no objective.
        self.open = open;
        let missing = |row: usize| if self.basis[row] >= self.first_artificial { self.at(row, last) } else { 0.0 };
        let worst = (0..self.basis.len()).max_by(|&a, &b| missing(a).total_cmp(&missing(b)));
        if let Some(row) = worst.filter(|&row| missing(row) > MISSING) {
            return Err(Unsolved::Impossible { row: self.basis[row] - self.first_artificial });
        }
        let mut row = 0;
        while row < self.basis.len() {
            if self.basis[row] < self.first_artificial {
                row += 1;
                continue;
            }
            match (0..self.first_artificial).find(|&column| self.at(row, column).abs() > ZERO) {
                Some(column) => {
                    self.exchange(row, column)?;
                    row += 1;
                }
                // It follows from the others.
                None => {
                    self.cells.drain(row * self.width..(row + 1) * self.width);
                    self.basis.remove(row);
                }
            }
        }
        Ok(())
    }

    fn minimise(&mut self, objective: &[(usize, f64)]) -> Result<(), Unsolved> {
        let last = self.width - 1;
        let mut cost = vec![0.0; self.width];
        objective.iter().for_each(|&(column, factor)| cost[column] += factor);
        for (row, &column) in self.basis.iter().enumerate() {
            let factor = cost[column];
            if factor != 0.0 {
                let line = &self.cells[row * self.width..(row + 1) * self.width];
                cost.iter_mut().zip(line).for_each(|(cost, cell)| *cost -= factor * cell);
            }
        }
        while let Some(column) = (0..last).find(|&column| self.open[column] && cost[column] < -ZERO) {
            let rows = (0..self.basis.len()).filter(|&row| self.at(row, column) > ZERO);
            let ratio = |row: usize| self.at(row, last) / self.at(row, column);
            let leaving = rows.min_by(|&a, &b| ratio(a).total_cmp(&ratio(b)).then(self.basis[a].cmp(&self.basis[b])));
            let Some(row) = leaving else { return Err(Unsolved::Unbounded) };
            self.exchange(row, column)?;
            let factor = cost[column];
            let line = &self.cells[row * self.width..(row + 1) * self.width];
            cost.iter_mut().zip(line).for_each(|(cost, cell)| *cost -= factor * cell);
        }
        for column in 0..last {
            self.open[column] &= cost[column] <= ZERO;
        }
        Ok(())
    }

    fn exchange(&mut self, row: usize, column: usize) -> Result<(), Unsolved> {
        self.exchanges += 1;
        if self.exchanges > EXCHANGES {
            return Err(Unsolved::TooLarge);
        }
        let width = self.width;
        let pivot = self.at(row, column);
        let mut line = self.cells[row * width..(row + 1) * width].to_vec();
        line.iter_mut().for_each(|cell| *cell /= pivot);
        for (other, cells) in self.cells.chunks_mut(width).enumerate() {
            let factor = cells[column];
            if other != row && factor != 0.0 {
                cells.iter_mut().zip(&line).for_each(|(cell, own)| *cell -= factor * own);
                cells[column] = 0.0;
            }
        }
        self.cells[row * width..(row + 1) * width].copy_from_slice(&line);
        self.basis[row] = column;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(terms: &[(usize, f64)], relation: Relation, bound: f64) -> Row {
        Row { terms: terms.to_vec(), relation, bound }
    }

    /// Each by hand.
    #[test]
    fn programs_have_their_known_answers() {
        use Relation::{AtLeast, Equal};
        let only = |unknown: usize| vec![(unknown, 1.0)];
        for (rows, objectives, expected) in [
            // The end of two lines that take 3 and 5 + x.
            (
                vec![row(&[(0, 1.0)], AtLeast, 3.0), row(&[(0, 1.0), (1, -1.0)], Equal, 5.0)],
                vec![only(0)],
                Ok(vec![5.0, 0.0]),
            ),
            // x + y = 4, x - y ≥ -2, in either order.
            (
                vec![row(&[(0, 1.0), (1, 1.0)], Equal, 4.0), row(&[(0, 1.0), (1, -1.0)], AtLeast, -2.0)],
                vec![only(0), only(1)],
                Ok(vec![1.0, 3.0]),
            ),
            (
                vec![row(&[(0, 1.0), (1, 1.0)], Equal, 4.0), row(&[(0, 1.0), (1, -1.0)], AtLeast, -2.0)],
                vec![only(1), only(0)],
                Ok(vec![4.0, 0.0]),
            ),
            // The same row twice.
            (
                vec![row(&[(0, 1.0), (1, 2.0)], Equal, 6.0), row(&[(0, 2.0), (1, 4.0)], Equal, 12.0)],
                vec![only(0), only(1)],
                Ok(vec![0.0, 3.0]),
            ),
            (
                vec![row(&[(0, 1.0)], Equal, 2.0), row(&[(0, 1.0), (1, 1.0)], Equal, 1.0)],
                vec![],
                Err(Unsolved::Impossible { row: 0 }),
            ),
            (
                vec![row(&[(0, -1.0)], AtLeast, 1.0), row(&[(1, 1.0)], AtLeast, 0.0)],
                vec![],
                Err(Unsolved::Impossible { row: 0 }),
            ),
            (vec![row(&[(0, 1.0), (1, -1.0)], Equal, 0.0)], vec![vec![(0, -1.0)]], Err(Unsolved::Unbounded)),
        ] {
            assert_eq!(minimise(2, &rows, &objectives), expected, "{rows:?}");
        }
        let many: Vec<Row> = (0..3000).map(|k| row(&[(k, 1.0)], AtLeast, 1.0)).collect();
        assert_eq!(minimise(3000, &many, &[]), Err(Unsolved::TooLarge));
    }
}
