//! From a circuit and a condition to something that runs, with a memory of what was compiled before.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::circuit::Circuit;
use crate::device::{Device, DeviceError, Target, TranspileOptions, TranspiledCircuit, transpile};
use crate::math::input;
use crate::noise::Program;
use crate::noise::model::NoiseOptions;
use crate::sim::execution::{CompiledProgram, Execution, ObservedCircuit, add_notices, with_twirled_noise};
use crate::sim::mitigate::{Apply, MitigationRow};
use crate::sim::{Bond, Condition, Cut, EngineOptions, Error, Precision, Shots, Simulator, engine};

/// How circuits are compiled, whatever the condition.
#[derive(Clone, Debug, PartialEq)]
pub struct CompileOptions {
    /// Row of the engine table.
    pub engine: String,
    /// Width of the numbers.
    pub precision: Precision,
    /// Trajectories per row, where the engine draws them.
    pub trajectories: usize,
    /// What the engine "sparse" drops, if it runs. A roulette draws under the seed of the run.
    pub cut: Cut,
    /// What the engine "mps" drops, if it runs.
    pub bond: Bond,
    /// How a circuit is rewritten for a device. `None` takes it as it is, qubit k on the device's qubit k; gates that the
    /// device does not have are then run without noise and reported.
    pub transpile: Option<TranspileOptions>,
    /// Whether every noise channel of a device is replaced by its Pauli twirl
    /// ([`twirled`](crate::sim::mitigate::twirled)): what remains of it in the mean over randomly inserted Paulis.
    pub twirl: bool,
    /// Options of the noise model. The factors of its sources are those of the condition.
    pub noise: NoiseOptions,
}

impl Default for CompileOptions {
    /// The engine "auto" in double precision with 1024 trajectories; transpiled at level 3, noise as it is.
    fn default() -> Self {
        let EngineOptions { precision, shots, cut, bond, .. } = EngineOptions::default();
        let (transpile, noise) = (Some(TranspileOptions::default()), NoiseOptions::default());
        Self { engine: "auto".into(), precision, trajectories: shots, cut, bond, transpile, twirl: false, noise }
    }
}

impl CompileOptions {
    /// The engine with the shots and the mitigation of `condition`. Shots, trajectories and random choices of mitigation
    /// draw under `seed`. A method that changes circuits is no part of it.
    ///
    /// # Errors
    /// If there is no such engine or mitigation, or the mitigation needs a device and the condition has none.
    pub fn simulator(&self, condition: &Condition, seed: u64) -> Result<Arc<dyn Simulator>, Error> {
        let Self { precision, trajectories, cut, bond, .. } = *self;
        let cut = Cut { roulette: cut.roulette.map(|_| seed), ..cut };
        let options = EngineOptions { precision, shots: trajectories, seed, cut, bond };
        let exact = engine(&self.engine, options)?;
        let sampled: Arc<dyn Simulator> = match condition.shots {
            Some(shots) => Arc::new(Shots { inner: exact, shots, seed }),
            None => exact,
        };
        Ok(match condition.mitigation()?.map(|row| row.apply) {
            Some(Apply::Executor(wrap)) => wrap(sampled, seed),
            _ => sampled,
        })
    }
}

/// `circuit` under `condition`, ready to run; shots, trajectories and random choices of mitigation draw under `seed`.
///
/// ```
/// use qgraft::circuit::ansatz::AnsatzRow;
/// use qgraft::sim::{CompileOptions, Condition, compile};
/// let ansatz = AnsatzRow::named("dressed").ok_or("no such row")?.build(2, 1, true)?;
/// let run = compile(&(&ansatz).into(), &Condition::on_device("manila"), &CompileOptions::default(), 0)?;
/// assert!(run.transpiled.is_some() && run.observables.len() == 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// If a name of the condition is in no table, the circuit does not fit the device, or the model or the engine refuses it.
pub fn compile(
    circuit: &ObservedCircuit,
    condition: &Condition,
    options: &CompileOptions,
    seed: u64,
) -> Result<Execution, Error> {
    Executions::new(options.clone()).compile(circuit, condition, seed)
}

/// Files of a device with what they hold.
type Contents = Vec<(Option<Vec<u8>>, PathBuf)>;

/// [`compile`] with a memory that threads share: a circuit is transpiled once for each device, and its noise compiled
/// once for each condition.
#[derive(Default)]
pub struct Executions {
    options: CompileOptions,
    given: Mutex<HashMap<String, Arc<Device>>>,
    devices: Cache<(Arc<Device>, Contents)>,
    transpiled: Cache<TranspiledCircuit>,
    remembered: Mutex<HashMap<String, Arc<TranspiledCircuit>>>,
    programs: Cache<CompiledProgram>,
}

impl Executions {
    /// With these options for every circuit.
    pub fn new(options: CompileOptions) -> Self {
        Self { options, ..Self::default() }
    }

    /// `circuit` under `condition`, ready to run; shots, trajectories and random choices of mitigation draw under `seed`.
    ///
    /// # Errors
    /// As [`compile`].
    pub fn compile(&self, circuit: &ObservedCircuit, condition: &Condition, seed: u64) -> Result<Execution, Error> {
        condition.check()?;
        let mitigation = condition.mitigation()?;
        let compiled = self.program(circuit, condition, mitigation)?;
        let simulator = self.options.simulator(condition, seed)?;
        Ok(compiled.on(compiled.relabel(&circuit.observables)?, circuit.inputs, simulator)?)
    }

    /// Takes `transpiled` for `circuit` on `device` in place of transpiling it: what was stored with a trained head is what
    /// runs, whatever a later version of the transpiler would write.
    pub fn remember(&self, device: &str, circuit: &Circuit, transpiled: TranspiledCircuit) {
        let key = remembered_as(device, &circuit.to_json());
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.entry(key).or_insert_with(|| Arc::new(transpiled));
    }

    /// Takes `device` wherever a condition names `name`: a device that is in no file and in no table. What was compiled for
    /// another device of that name is forgotten.
    ///
    /// ```
    /// # use qgraft::{circuit::ansatz::AnsatzRow, device::Device, sim::{CompileOptions, Condition, Executions}};
    /// let executions = Executions::new(CompileOptions::default());
    /// executions.add_device("mine", Device::named("manila")?.into());
    /// let ansatz = AnsatzRow::named("dressed").ok_or("no such row")?.build(2, 1, true)?;
    /// assert!(executions.compile(&(&ansatz).into(), &Condition::on_device("mine"), 0)?.transpiled.is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn add_device(&self, name: &str, device: Arc<Device>) {
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        let former = given.insert(name.into(), Arc::clone(&device));
        let is_other = match former {
            Some(former) => !Arc::ptr_eq(&former, &device),
            // A file or a shipped device of that name may have been used.
            None => self.devices.entries().contains_key(name),
        };
        if is_other {
            self.transpiled.entries().clear();
            self.programs.entries().clear();
        }
    }

    /// A device by name or file. A file is read once; one that has changed since is refused, because what was compiled
    /// before would be that of another device.
    ///
    /// # Errors
    /// If there is none, or its files have changed since they were first read.
    pub fn device(&self, name: &str) -> Result<Arc<Device>, Error> {
        if let Some(given) = self.given.lock().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Ok(Arc::clone(given));
        }
        let now = || -> Result<Contents, DeviceError> {
            let content = |path: PathBuf| (input::read(&path, input::LARGEST_TEXT).ok(), path);
            Ok(Device::files(name)?.into_iter().map(content).collect())
        };
        let known = self.devices.get(name, || {
            // Read before the device is: a change in between is then seen at the next line.
            let contents = now()?;
            Ok((Arc::new(Device::load(name)?), contents))
        })?;
        match now() {
            Ok(contents) if contents == known.1 => Ok(Arc::clone(&known.0)),
            _ => Err(Error::Condition {
                field: "device",
                value: name.into(),
                expected: "a file that stays as it was first read",
            }),
        }
    }

    /// What noise models repaired or could not use in everything compiled so far: `device: sentence`, each once, sorted.
    pub fn notices(&self) -> Vec<String> {
        let compiled = self.programs.all();
        let of = |(key, compiled): &(String, Arc<CompiledProgram>)| {
            let device = key.split('\n').next().unwrap_or_default().to_string();
            compiled.program.notices.iter().map(move |notice| format!("{device}: {notice}")).collect::<Vec<_>>()
        };
        compiled.iter().flat_map(of).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// What is to be taken for a circuit on a device, if something is.
    fn remembered(&self, device: &str, circuit: &str) -> Option<Arc<TranspiledCircuit>> {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.get(&remembered_as(device, circuit)).map(Arc::clone)
    }

    /// The circuit with its noise. Keys are texts that decide the result.
    fn program(
        &self,
        observed: &ObservedCircuit,
        condition: &Condition,
        mitigation: Option<&MitigationRow>,
    ) -> Result<Arc<CompiledProgram>, Error> {
        let ObservedCircuit { circuit, qubits, .. } = observed;
        let text = circuit.to_json();
        let Some(name) = &condition.device else {
            return self.programs.get(&format!("ideal\n{qubits:?}\n{text}"), || {
                Ok(CompiledProgram::new(Program::ideal(circuit, qubits), qubits, None))
            });
        };
        let change = match mitigation.map(|row| (row.name, row.apply)) {
            Some((name, Apply::Circuit(change))) => Some((name, change)),
            _ => None,
        };
        let Condition { model, source, scale, .. } = condition;
        let changed = change.map(|(name, _)| name);
        let read = observed.read();
        let key = format!("{name}\n{model} {source} {scale:?} {changed:?} {qubits:?} {read:?}\n{text}");
        let device = self.device(name)?;
        self.programs.get(&key, || {
            let target = self.options.transpile.as_ref().map(|_| Target::of(&device));
            let transpiled = match self.options.transpile.as_ref().zip(target.as_ref()) {
                Some((options, target)) => {
                    let key = format!("{name}\n{read:?}\n{text}");
                    let options = TranspileOptions { read: read.clone(), ..options.clone() };
                    Some(match self.remembered(name, &text) {
                        Some(transpiled) => transpiled,
                        None => self.transpiled.get(&key, || Ok(transpile(circuit, target, &options)?))?,
                    })
                }
                None => None,
            };
            let native = transpiled.as_ref().map_or(circuit, |transpiled| &transpiled.circuit);
            let native = match change {
                Some((_, change)) => &change(native, &device),
                None => native,
            };
            let end = |&qubit: &usize| transpiled.as_ref().map_or(qubit, |t| t.final_layout[qubit]);
            let ends: Vec<usize> = qubits.iter().map(end).collect();
            let mut program = condition.noise_model(self.options.noise)?.apply(native, &device, &ends)?;
            add_notices(&mut program, &device, target.as_ref());
            let program = if self.options.twirl { with_twirled_noise(&program) } else { program };
            Ok(CompiledProgram::new(program, &ends, transpiled))
        })
    }
}

/// The key of a stored circuit: whatever is read of it.
fn remembered_as(device: &str, circuit: &str) -> String {
    format!("{device}\n{circuit}")
}

/// Values by name, each made once. Threads that need the same one wait for it.
struct Cache<T>(Mutex<Entries<T>>);

type Entries<T> = HashMap<String, Arc<Mutex<Option<Arc<T>>>>>;

impl<T> Default for Cache<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T> Cache<T> {
    fn get(&self, key: &str, make: impl FnOnce() -> Result<T, Error>) -> Result<Arc<T>, Error> {
        let entry = Arc::clone(self.entries().entry(key.to_string()).or_default());
        // A thread that panicked while making the value left none behind.
        let mut entry = entry.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*entry {
            return Ok(Arc::clone(known));
        }
        let made = Arc::new(make()?);
        *entry = Some(Arc::clone(&made));
        Ok(made)
    }

    /// Everything made so far with its name.
    fn all(&self) -> Vec<(String, Arc<T>)> {
        let entries: Vec<_> = self.entries().iter().map(|(key, entry)| (key.clone(), Arc::clone(entry))).collect();
        let made = entries.into_iter().filter_map(|(key, entry)| {
            let made = entry.lock().unwrap_or_else(PoisonError::into_inner).clone();
            Some((key, made?))
        });
        made.collect()
    }

    fn entries(&self) -> MutexGuard<'_, Entries<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
