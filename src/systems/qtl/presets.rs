//! Ready settings of the spec, one row each.

use crate::nn::NnError;
use crate::nn::optim::{Method, Schedule, StepSchedule};
use crate::study::train::TrainConfig;
use crate::systems::qtl::Spec;

/// A named change of the default spec.
pub struct PresetRow {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for people, with the source.
    pub doc: &'static str,
    /// The change.
    pub apply: fn(&mut Spec),
}

/// Every preset.
pub static PRESETS: &[PresetRow] = &[
    PresetRow {
        name: "study",
        doc: "The reference study: 4 qubits, depth 3, Adam 1e-3, batch 16, 10 epochs (arXiv 2603.16973); the default",
        apply: |_| {},
    },
    PresetRow {
        name: "mari",
        doc: "H and RY encoding, alternating CNOT, depth 6, Adam 4e-4, batch 4, 30 epochs (arXiv 1912.08278)",
        apply: |spec| {
            family(spec, "mari", 6);
            spec.train = TrainConfig {
                schedule: Schedule::Step(StepSchedule { every: 10, factor: 0.1 }),
                ..TrainConfig::new(30, 4, 4e-4, Method::ADAM)
            };
        },
    },
    PresetRow {
        name: "strongly_entangling",
        doc: "The study's config with strongly entangling layers (arXiv 1804.00633)",
        apply: |spec| family(spec, "strongly_entangling", 3),
    },
    PresetRow {
        name: "reuploading",
        doc: "The study's config with features uploaded before every layer, trained scales (arXiv 1907.02085)",
        apply: |spec| family(spec, "reuploading", 3),
    },
    PresetRow {
        name: "amplitude",
        doc: "The study's config with 2^n features as amplitudes (arXiv quant-ph/0407010)",
        apply: |spec| family(spec, "amplitude", 3),
    },
    PresetRow {
        name: "families",
        doc: "The five families of quantum transfer learning under one pipeline, with their classical baselines: DQN, QPIE, \
              AE (TLQNN and TLQCNN), PV, ED (arXiv 2605.19417)",
        apply: |spec| {
            let heads = ["linear", "mlp_a", "dqn", "qpie", "tlqnn", "tlqcnn", "post_variational", "entangled_dressed"];
            spec.heads = heads.map(String::from).to_vec();
        },
    },
    PresetRow {
        name: "kernel",
        doc: "Fidelity-kernel support vectors beside the linear head and the dressed circuit (arXiv 1804.11326)",
        apply: |spec| spec.heads = ["linear", "quantum", "quantum_kernel"].map(String::from).to_vec(),
    },
];

fn family(spec: &mut Spec, ansatz: &str, depth: usize) {
    spec.circuit.ansatz = ansatz.into();
    spec.circuit.depth = depth;
}

/// Cuts a spec down to what shows in seconds that everything works.
pub fn quick(spec: &mut Spec) {
    spec.seeds.truncate(2);
    spec.train.epochs = spec.train.epochs.min(3);
    spec.data.rows_per_class = 40;
    spec.judge.scales = vec![0.0, 1.0, 2.0];
}

impl PresetRow {
    /// The row of this name.
    ///
    /// # Errors
    /// If there is none, with the nearest name.
    pub fn named(name: &str) -> Result<&'static Self, NnError> {
        PRESETS
            .iter()
            .find(|row| row.name == name)
            .ok_or_else(|| NnError::unknown("preset", "presets", name, PRESETS.iter().map(|row| row.name)))
    }
}
