//! Expectation values with their noise mitigated.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use ndarray::Array2;
use serde::Serialize;

use super::Arguments;
use super::answer::{Answer, ErrorAccount, apart, options, short};
use super::setup::Setup;
use crate::circuit::Observable;
use crate::math::Stream;
use crate::sim::mitigate::{Apply, MitigationRow, Repeated, repeated};
use crate::sim::{Account, Angles, EngineOptions, Shots, SimError, Simulator, engine, sample};

/// What mitigation did to each expectation value.
#[derive(Serialize)]
pub struct Mitigated {
    /// The methods, the innermost first.
    pub methods: Vec<&'static str>,
    /// The values without them.
    pub unmitigated: Vec<f64>,
    /// Half the width of the 95 % interval of each value; `None` where nothing draws.
    pub intervals: Vec<Option<f64>>,
    /// By how much mitigation multiplies the shots that a standard error takes, for the string of the observable that takes
    /// most; `None` where that depends on what is found.
    pub overheads: Vec<Option<f64>>,
}

/// The methods that are asked for.
pub fn methods(arguments: &Arguments) -> Result<Vec<&'static MitigationRow>> {
    let names = &arguments.mitigation;
    let rows: Vec<_> = names.iter().map(|name| MitigationRow::named(name)).collect::<Result<_, _>>()?;
    if let Some(k) = (1..names.len()).find(|&k| names[..k].contains(&names[k])) {
        anyhow::bail!("--mitigation lists {} twice", names[k]);
    }
    ensure!(
        rows.is_empty() || arguments.device.is_some() || arguments.noise.is_some(),
        "--mitigation undoes noise, and there is none; give --device or --noise"
    );
    for row in &rows {
        ensure!(
            arguments.device.is_some() || matches!(row.apply, Apply::Executor(_)),
            "--mitigation {} changes the schedule of a device; give --device",
            row.name
        );
    }
    Ok(rows)
}

/// The values of all observables.
pub fn answer(arguments: &Arguments, setup: &Setup, methods: &[&'static MitigationRow]) -> Result<Answer> {
    let (program, observables) = (&*setup.program, &*setup.observables);
    if let Some(shots) = arguments.shots {
        sample::affordable(shots)?;
    }
    let prepared = engine(&arguments.engine, options(arguments))?.prepare(program, observables, 0)?;
    let begun = Instant::now();
    let draws = arguments.shots.is_some() || prepared.draws(1);
    let values = |setup: &Setup, methods: &[&'static MitigationRow]| -> Result<Vec<Repeated>, SimError> {
        let draws = draws || methods.iter().any(|row| row.draws);
        let make = |seed| simulator(arguments, methods, seed);
        repeated(make, (draws, arguments.seed), &setup.program, &setup.observables)
    };
    let mitigated = values(setup, methods)?;
    let unmitigated = match arguments.changes_circuit() {
        Some(_) => values(&Setup::under(arguments, None)?, &[])?,
        None => values(setup, &[])?,
    };
    let mut repairs = program.notices.clone();
    let angles = Angles::of_weights(&[]);
    let drops = |accounts: &Array2<Account>| accounts.iter().any(|account| account.dropped > 0);
    let engine_of_methods = simulator(arguments, methods, arguments.seed)?;
    let mitigated_program = engine_of_methods.prepare(program, observables, 0)?;
    let mut errors = None;
    if prepared.account(angles)?.as_ref().is_some_and(drops) {
        errors =
            mitigated_program.account(angles)?.map(|accounts| accounts.row(0).iter().map(ErrorAccount::of).collect());
        let unknown = "the engine drops small terms, and what that changes in mitigated values is not known; without \
                       --mitigation it is told";
        repairs.extend(errors.is_none().then(|| unknown.to_string()));
    }
    let overheads =
        observables.iter().map(|observable| overhead(setup, observable, methods)).collect::<Result<_, _>>()?;
    // Methods follow the engine's name.
    let name = short(mitigated_program.resolved_name(1));
    let (engine, cones) = apart(name.split(" with ").next().unwrap_or_default().to_string());
    Ok(Answer {
        engine,
        precision: engine_of_methods.precision(),
        threads: rayon::current_num_threads(),
        ranks: None,
        qubits: program.qubits(),
        cones,
        values_engine: None,
        seconds: begun.elapsed().as_secs_f64(),
        probabilities: None,
        observables: arguments.observable.clone(),
        expectations: mitigated.iter().map(|found| found.value).collect(),
        mitigation: Some(Mitigated {
            methods: methods.iter().map(|row| row.name).collect(),
            unmitigated: unmitigated.iter().map(|found| found.value).collect(),
            intervals: mitigated.iter().map(|found| found.interval).collect(),
            overheads,
        }),
        errors,
        counts: None,
        outcome_error: None,
        registers: Vec::new(),
        repairs,
        active: setup.qubits.clone(),
        bits: setup.bits.to_vec(),
    })
}

/// The engine with its shots under these methods; each draws from its own stream of the seed.
fn simulator(
    arguments: &Arguments,
    methods: &[&'static MitigationRow],
    seed: u64,
) -> Result<Arc<dyn Simulator>, SimError> {
    let exact = engine(&arguments.engine, EngineOptions { seed, ..options(arguments) })?;
    let sampled: Arc<dyn Simulator> = match arguments.shots {
        Some(shots) => Arc::new(Shots { inner: exact, shots, seed }),
        None => exact,
    };
    Ok(methods.iter().enumerate().fold(sampled, |inner, (k, row)| match row.apply {
        Apply::Executor(wrap) => wrap(inner, Stream::numbered(seed, k as u64).bits()),
        // It is in the circuit.
        Apply::Circuit(_) => inner,
    }))
}

/// The product of what the methods take, for the string that takes most.
fn overhead(
    setup: &Setup,
    observable: &Observable,
    methods: &[&'static MitigationRow],
) -> Result<Option<f64>, SimError> {
    let mut most = Some(1.0);
    for (_, string) in &observable.terms {
        let factors = methods.iter().map(|row| (row.overhead)(&setup.program, string));
        let product: Option<f64> = factors.collect::<Result<Vec<_>, _>>()?.into_iter().product();
        most = most.zip(product).map(|(most, own)| f64::max(most, own));
    }
    Ok(most)
}
