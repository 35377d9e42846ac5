//! Estimates that ranks send each other as numbers, and those of means over blocks of shots.

use ndarray::Array2;

use crate::sim::account::{Account, Estimate, least_half_width};
use crate::sim::{Angles, Prepared, SimError};

/// Numbers of an account.
const NUMBERS: usize = 9;

/// Values and accounts of one program, (batch, observables) numbers of each one after the other. An engine without accounts has
/// those of nothing, whose norm is NaN.
///
/// # Errors
/// As [`Prepared::expect`].
pub fn estimates(program: &dyn Prepared, angles: Angles) -> Result<Vec<f64>, SimError> {
    let values = program.expect(angles)?;
    let nothing = || Array2::from_elem(values.dim(), Account { norm: f64::NAN, ..Account::default() });
    let accounts = program.account(angles)?.unwrap_or_else(nothing);
    Ok(values.iter().zip(&accounts).flat_map(|(&value, account)| [&[value][..], &numbers(account)].concat()).collect())
}

/// Those that [`estimates`] gave as numbers.
pub fn of_numbers(values: &[f64]) -> Vec<Estimate> {
    values.chunks_exact(NUMBERS + 1).map(|one| Estimate { value: one[0], account: account(&one[1..]) }).collect()
}

/// Those of the mean over blocks, of which each gave [`estimates`] and has a share of all `shots`.
pub fn mean(values: &[f64], blocks: usize, share: impl Fn(usize) -> f64, shots: usize) -> Vec<Estimate> {
    let length = values.len() / blocks;
    let of = |at: usize| {
        let blocks: Vec<(f64, f64, Account)> = (0..blocks)
            .map(|block| {
                let numbers = &values[block * length + at..][..=NUMBERS];
                (share(block), numbers[0], account(&numbers[1..]))
            })
            .collect();
        let sum = |each: &dyn Fn(&Account) -> f64| blocks.iter().map(|(share, _, account)| share * each(account)).sum();
        let first = &blocks[0].2;
        let most =
            |each: &dyn Fn(&Account) -> f64| blocks.iter().map(|(_, _, account)| each(account)).fold(0.0, f64::max);
        // Blocks are independent: the squares of their errors add.
        let squares = blocks.iter().map(|(share, _, account)| account.interval.map(|half| (share * half).powi(2)));
        let interval =
            squares.sum::<Option<f64>>().map(|sum| sum.sqrt().max(least_half_width(first.norm, shots as f64)));
        let fidelity = blocks.iter().map(|(_, _, account)| account.fidelity).reduce(|a, b| Some(a?.min(b?))).flatten();
        Estimate {
            value: blocks.iter().map(|(share, value, _)| share * value).sum(),
            account: Account {
                norm: first.norm,
                bound: sum(&|account| account.bound),
                interval,
                rms: None,
                drift: None,
                fidelity,
                dropped: blocks.iter().map(|(_, _, account)| account.dropped).sum(),
                terms: most(&|account| account.terms as f64) as usize,
                below: most(&|account| account.below),
            },
        }
    };
    (0..length).step_by(NUMBERS + 1).map(of).collect()
}

/// An account as numbers, NaN for what it does not state.
pub fn numbers(account: &Account) -> [f64; NUMBERS] {
    let &Account { norm, bound, interval, rms, drift, fidelity, dropped, terms, below } = account;
    let [interval, rms, drift, fidelity] = [interval, rms, drift, fidelity].map(|stated| stated.unwrap_or(f64::NAN));
    // Exact: no count reaches 2^53.
    [norm, bound, interval, rms, drift, fidelity, dropped as f64, terms as f64, below]
}

/// The account of these numbers.
pub fn account(numbers: &[f64]) -> Account {
    let stated = |k: usize| Some(numbers[k]).filter(|number| !number.is_nan());
    Account {
        norm: numbers[0],
        bound: numbers[1],
        interval: stated(2),
        rms: stated(3),
        drift: stated(4),
        fidelity: stated(5),
        dropped: numbers[6] as u64,
        terms: numbers[7] as usize,
        below: numbers[8],
    }
}

/// Accounts (batch, observables) of gathered [`numbers`]; `None` if no leaf gave any.
pub fn accounts(batch: usize, numbers: &[f64]) -> Option<Array2<Account>> {
    let list: Vec<Account> = numbers.chunks_exact(NUMBERS).map(account).collect();
    let width = list.len() / batch.max(1);
    (!list.is_empty()).then(|| Array2::from_shape_vec((batch, width), list).expect("every row has as many accounts"))
}
