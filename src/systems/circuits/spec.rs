//! Settings of a run.

use serde::{Deserialize, Serialize};

use crate::circuit::ansatz::{ANSATZE, AnsatzRow};
use crate::device::transpile::LayoutMethod;
use crate::lab::{Preset, Settings, Validation};
use crate::nn::head::CircuitConfig;
use crate::noise::model::{MODELS, SOURCES, Scale};
use crate::sim::{Condition, Cut, ENGINES};
use crate::study::landscape::{COSTS, STARTS};
use crate::systems::circuits::grids::{EXPERIMENTS, EXPRESSIBILITY, GRADIENTS, TRANSPILATION};

/// The entry of the list of devices that runs a circuit as it is, without noise.
pub const IDEAL: &str = "ideal";

/// Most qubits of the global cost, a sum of 2ⁿ Pauli strings.
const MOST_GLOBAL: usize = 16;

/// Everything that decides a run's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// Each draws starts and states anew, and is the transpiler's seed.
    pub seeds: Vec<u64>,
    /// Rows of the table of experiments.
    pub experiments: Vec<String>,
    /// Rows of the table of ansätze. The others are compared with the first.
    pub ansatze: Vec<String>,
    /// Numbers of qubits, 1 to 192; 1 to 16 for the global cost.
    pub qubits: Vec<usize>,
    /// Numbers of layers, 1 to 1000.
    pub depths: Vec<usize>,
    /// Shipped devices or calibration files. "ideal" takes gradients without noise.
    pub devices: Vec<String>,
    /// Gradients over random starts.
    pub gradients: GradientConfig,
    /// Expressibility and entangling capability.
    pub expressibility: ExpressibilityConfig,
    /// Circuits on devices.
    pub transpilation: TranspilationConfig,
}

/// Gradients over random starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GradientConfig {
    /// Rows of the table of costs.
    pub costs: Vec<String>,
    /// Rows of the table of starts.
    pub starts: Vec<String>,
    /// Random starts of each variance, at least 2.
    pub samples: usize,
    /// Row of the noise-model table.
    pub noise_model: String,
    /// The sources of noise that act: "all", "none", or one row of the table of sources.
    pub source: String,
    /// Factor on these sources, 0 to 1000; 1 is as calibrated.
    pub scale: f64,
    /// Whether every channel is replaced by its Pauli twirl, which leaves a maximally mixed state as it is: the control
    /// that has the dephasing and no decay to |0⟩.
    pub twirl: bool,
    /// Row of the table of engines.
    pub engine: String,
    /// Smallest coefficient of a Pauli string that the engine "sparse" keeps, 0 to 0.1.
    pub cut: f64,
}

/// Expressibility and entangling capability.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExpressibilityConfig {
    /// Pairs of random states, at least 2. The divergence of so few is too large by about 75 / (2 · pairs) nats at most.
    pub pairs: usize,
}

/// Circuits on devices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TranspilationConfig {
    /// Optimisation levels, 0 to 3, in ascending order.
    pub optimization_levels: Vec<u8>,
    /// Rows of the table of layouts.
    pub layouts: Vec<String>,
}

/// An initial layout.
pub struct LayoutRow {
    /// Name in specs.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// The transpiler's option.
    pub method: LayoutMethod,
}

/// Every layout.
pub static LAYOUTS: &[LayoutRow] = &[
    LayoutRow {
        name: "noise_aware",
        doc: "qubits and couplings of least calibrated error",
        method: LayoutMethod::NoiseAware,
    },
    LayoutRow { name: "trivial", doc: "qubit k on physical qubit k", method: LayoutMethod::Trivial },
];

impl Default for GradientConfig {
    fn default() -> Self {
        Self {
            costs: names(["local", "global"]),
            starts: names(["uniform", "gaussian", "identity_blocks"]),
            samples: 200,
            noise_model: Condition::default().model,
            source: Condition::default().source,
            scale: Condition::default().scale,
            twirl: false,
            engine: "auto".into(),
            cut: Cut::default().below,
        }
    }
}

impl Default for ExpressibilityConfig {
    fn default() -> Self {
        Self { pairs: 2000 }
    }
}

impl Default for TranspilationConfig {
    fn default() -> Self {
        Self { optimization_levels: vec![0, 1, 2, 3], layouts: names(["noise_aware", "trivial"]) }
    }
}

impl Default for Spec {
    /// The quick run: every experiment on small circuits.
    fn default() -> Self {
        Self {
            seeds: vec![0, 1, 2],
            experiments: names([GRADIENTS, EXPRESSIBILITY, TRANSPILATION]),
            ansatze: names(["dressed", "strongly_entangling"]),
            qubits: vec![2, 3, 4, 5],
            depths: vec![1, 3],
            devices: names([IDEAL, "manila"]),
            gradients: GradientConfig::default(),
            expressibility: ExpressibilityConfig::default(),
            transpilation: TranspilationConfig::default(),
        }
    }
}

fn names<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(String::from).to_vec()
}

impl Settings for Spec {
    const FORMAT: &'static str = "qgraft.circuits/1";

    const PRESETS: &'static [Preset<Self>] = &[
        Preset {
            name: "quick",
            doc: "every experiment on 2 to 5 qubits, three seeds, under a minute; the default",
            apply: |_| {},
        },
        Preset {
            name: "smoke",
            doc: "a second or two: shows that everything works, its figures mean nothing",
            apply: |spec| {
                (spec.seeds, spec.qubits, spec.depths) = (vec![0, 1], vec![2, 3], vec![1]);
                (spec.gradients.samples, spec.expressibility.pairs) = (5, 20);
                spec.gradients.starts = names(["uniform", "identity_blocks"]);
                spec.transpilation.optimization_levels = vec![0, 3];
            },
        },
        Preset {
            name: "gradients",
            doc: "gradients alone, 2 to 6 qubits, 1 and 16 layers, without noise and on guadalupe's, five seeds",
            apply: |spec| {
                (spec.experiments, spec.seeds) = (names([GRADIENTS]), (0..5).collect());
                (spec.qubits, spec.depths) = ((2..=6).collect(), vec![1, 16]);
                spec.devices = names([IDEAL, "guadalupe"]);
            },
        },
        Preset {
            name: "expressibility",
            doc: "expressibility of five ansätze with 1 to 8 layers on 2, 4 and 6 qubits beside their gradients, five seeds",
            apply: |spec| {
                (spec.experiments, spec.seeds) = (names([EXPRESSIBILITY, GRADIENTS]), (0..5).collect());
                spec.ansatze = names(["dressed", "mari", "strongly_entangling", "reuploading", "entangled"]);
                (spec.qubits, spec.depths, spec.devices) = (vec![2, 4, 6], vec![1, 2, 4, 8], names([IDEAL]));
                (spec.gradients.costs, spec.gradients.starts) = (names(["global"]), names(["uniform"]));
                spec.expressibility.pairs = 5000;
            },
        },
        Preset {
            name: "transpilation",
            doc: "transpilation alone, three ansätze on 2 to 8 qubits for three devices, every level and layout, three seeds",
            apply: |spec| {
                spec.experiments = names([TRANSPILATION]);
                spec.ansatze = names(["dressed", "mari", "strongly_entangling"]);
                spec.qubits = vec![2, 4, 6, 8];
                spec.devices = names(["guadalupe", "torino", "fez"]);
            },
        },
        Preset {
            name: "full",
            doc: "every experiment on 2, 4 and 6 qubits, 1, 3, 5 and 12 layers, two devices, five seeds; minutes",
            apply: |spec| {
                (spec.seeds, spec.qubits, spec.depths) = ((0..5).collect(), vec![2, 4, 6], vec![1, 3, 5, 12]);
                spec.ansatze = names(["dressed", "mari", "strongly_entangling", "reuploading"]);
                spec.devices = names([IDEAL, "guadalupe", "torino"]);
            },
        },
    ];

    fn validate(&self, check: &mut Validation) {
        let Self { gradients, expressibility, transpilation, .. } = self;
        let has = |experiment: &str| self.experiments.iter().any(|name| name == experiment);
        let sources = ["all", "none"].into_iter().chain(SOURCES.iter().map(|row| row.name));
        check
            .list("seeds", &self.seeds)
            .names("experiments", &self.experiments, EXPERIMENTS.iter().map(|row| row.name))
            .names("ansatze", &self.ansatze, ANSATZE.iter().map(|row| row.name))
            .list("qubits", &self.qubits)
            .list("depths", &self.depths)
            .list("devices", &self.devices)
            .names("gradients.costs", &gradients.costs, COSTS.iter().map(|row| row.name))
            .names("gradients.starts", &gradients.starts, STARTS.iter().map(|row| row.name))
            .whole("gradients.samples", gradients.samples, 2..=1_000_000)
            .name("gradients.noise_model", &gradients.noise_model, MODELS.iter().map(|row| row.name))
            .name("gradients.source", &gradients.source, sources)
            .within("gradients.scale", gradients.scale, 0.0..=Scale::MOST)
            .name("gradients.engine", &gradients.engine, ENGINES.iter().map(|row| row.name))
            .within("gradients.cut", gradients.cut, 0.0..=0.1)
            .whole("expressibility.pairs", expressibility.pairs, 2..=1_000_000)
            .list("transpilation.optimization_levels", &transpilation.optimization_levels)
            .names("transpilation.layouts", &transpilation.layouts, LAYOUTS.iter().map(|row| row.name));
        for &qubits in &self.qubits {
            check.whole("qubits", qubits, 1..=CircuitConfig::MOST_QUBITS);
            let is_global = has(GRADIENTS) && gradients.costs.iter().any(|name| name == "global");
            let expected = "at most 16: the global cost is a sum of 2^qubits Pauli strings";
            check.check("qubits", qubits, qubits <= MOST_GLOBAL || !is_global, expected);
            for row in self.ansatze.iter().filter_map(|name| AnsatzRow::named(name)) {
                let expected = format!("at most 12: {} encodes 2^qubits amplitudes", row.name);
                check.check("qubits", qubits, qubits <= 12 || !row.encoding.is_amplitude(), &expected);
            }
        }
        for &depth in &self.depths {
            check.whole("depths", depth, 1..=1000);
        }
        let levels = &transpilation.optimization_levels;
        for &level in levels {
            check.whole("transpilation.optimization_levels", level.into(), 0..=3);
        }
        check.check(
            "transpilation.optimization_levels",
            format!("{levels:?}"),
            levels.is_sorted(),
            "levels in ascending order: the first is the baseline",
        );
        // Expressibility runs on no device.
        let uses_devices = has(GRADIENTS) || has(TRANSPILATION);
        let widest = self.qubits.iter().copied().filter(|_| uses_devices).max().unwrap_or(0);
        check.devices("devices", self.devices.iter().filter(|name| *name != IDEAL), widest);
        let has_device = self.devices.iter().any(|name| name != IDEAL);
        let expected = "a device besides ideal: the experiment transpilation is listed";
        check.check("devices", format!("{:?}", self.devices), !has(TRANSPILATION) || has_device, expected);
    }
}
