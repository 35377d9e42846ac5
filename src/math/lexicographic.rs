//! Linear programs with several objectives, each minimised among what minimises those before it.
//!
//! One program for each objective, by the simplex method of `microlp`, in which the least values of those before are bounds. It
//! meets rows and bounds to 1e-7, so values are best scaled to be near 1 to 1e6.

use microlp::{ComparisonOp, Error, OptimizationDirection, Problem, Variable};

/// How far from its bound a row may be in a program that can be met.
const MISSING: f64 = 1e-6;
/// Rows at most, and rows times objectives at most: about a second.
const MOST_ROWS: usize = 2_000;
const MOST_WORK: usize = 100_000;

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
    /// There are more than 2,000 rows, or more than 100,000 rows times objectives, or the solver gave up.
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
    if rows.len() > MOST_ROWS || rows.len() * objectives.len() > MOST_WORK {
        return Err(Unsolved::TooLarge);
    }
    let mut least: Vec<(&[(usize, f64)], f64)> = Vec::new();
    let mut values = solved(unknowns, rows, &least, &[]).map_err(|error| reason(unknowns, rows, &error))?;
    for objective in objectives {
        let sum = |values: &[f64]| objective.iter().map(|&(unknown, factor)| factor * values[unknown]).sum::<f64>();
        // A sum without negative parts that is 0 is least already.
        if sum(&values) > 0.0 || objective.iter().any(|(_, factor)| *factor < 0.0) {
            values = solved(unknowns, rows, &least, objective).map_err(|error| reason(unknowns, rows, &error))?;
        }
        least.push((objective, sum(&values)));
    }
    Ok(values)
}

/// Unknowns that meet the rows, keep these objectives at their least values and minimise one more.
fn solved(
    unknowns: usize,
    rows: &[Row],
    least: &[(&[(usize, f64)], f64)],
    objective: &[(usize, f64)],
) -> Result<Vec<f64>, Error> {
    let mut factors = vec![0.0; unknowns];
    objective.iter().for_each(|&(unknown, factor)| factors[unknown] += factor);
    let mut problem = Problem::new(OptimizationDirection::Minimize);
    let variables: Vec<Variable> =
        factors.into_iter().map(|factor| problem.add_var(factor, (0.0, f64::INFINITY))).collect();
    let sum = |terms: &[(usize, f64)]| {
        terms.iter().map(|&(unknown, factor)| (variables[unknown], factor)).collect::<Vec<_>>()
    };
    for row in rows {
        problem.add_constraint(sum(&row.terms), comparison(row.relation), row.bound);
    }
    for (terms, value) in least {
        problem.add_constraint(sum(terms), ComparisonOp::Le, *value);
    }
    values(&problem, &variables)
}

fn values(problem: &Problem, variables: &[Variable]) -> Result<Vec<f64>, Error> {
    let unfinished = |_| Error::InternalError("the solve did not end".into());
    let solution = problem.solve()?.into_solution().map_err(unfinished)?;
    Ok(variables.iter().map(|&variable| solution.var_value(variable).max(0.0)).collect())
}

fn comparison(relation: Relation) -> ComparisonOp {
    match relation {
        Relation::Equal => ComparisonOp::Eq,
        Relation::AtLeast => ComparisonOp::Ge,
    }
}

/// What an error of the solver says of a program: of one that cannot be met, the row that misses most where all together miss least.
fn reason(unknowns: usize, rows: &[Row], error: &Error) -> Unsolved {
    match error {
        Error::Infeasible => {}
        Error::Unbounded => return Unsolved::Unbounded,
        _ => return Unsolved::TooLarge,
    }
    let mut problem = Problem::new(OptimizationDirection::Minimize);
    let variables: Vec<Variable> = (0..unknowns).map(|_| problem.add_var(0.0, (0.0, f64::INFINITY))).collect();
    let mut missing = Vec::with_capacity(rows.len());
    for row in rows {
        let [below, above] = [(); 2].map(|()| problem.add_var(1.0, (0.0, f64::INFINITY)));
        let mut terms: Vec<_> = row.terms.iter().map(|&(unknown, factor)| (variables[unknown], factor)).collect();
        terms.extend([(below, 1.0), (above, -1.0)]);
        problem.add_constraint(terms, comparison(row.relation), row.bound);
        missing.extend([below, above]);
    }
    let Ok(missing) = values(&problem, &missing) else { return Unsolved::TooLarge };
    let most = missing.chunks(2).map(|both| both[0] + both[1]).enumerate().max_by(|a, b| a.1.total_cmp(&b.1));
    match most {
        Some((row, missing)) if missing > MISSING => Unsolved::Impossible { row },
        _ => Unsolved::TooLarge,
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
