//! All integration tests as one program, so that the crate and its dependencies are linked once.
//!
//! `cargo test --test it NAME::` runs the tests of one file. Tests share a process: none may change its environment or
//! its current folder.

#[cfg(feature = "cli")]
mod suites;
mod support;

mod backends;
mod calibrations;
mod channels;
mod circular;
mod cones;
mod congruent_cones;
mod controls;
mod costs;
mod draw;
mod floors;
mod folding;
mod gates;
mod gradients;
mod intervals;
mod ladder;
mod layer_fidelity;
mod mitigation;
mod mitigation_engines;
mod models;
mod mps;
mod needed;
mod observables;
mod peers;
mod prepared_states;
mod qasm;
mod ranks;
mod snapshots;
#[cfg(feature = "learn")]
mod spark;
mod sparse;
mod stabilizer;
mod stabilizer_shots;
mod states;
mod targets;
mod transpile;
mod transpile_calibration;
mod transpile_matrices;
mod transpile_placements;
mod transpile_quality;

// Each of these tests code that a feature switches on: tensors, the command line, a file format.
#[cfg(feature = "learn")]
mod alignment;
#[cfg(feature = "learn")]
mod angiography;
#[cfg(feature = "learn")]
mod ansatze;
#[cfg(feature = "learn")]
mod atoms;
#[cfg(feature = "learn")]
mod backbones;
#[cfg(feature = "learn")]
mod boxes;
#[cfg(feature = "learn")]
mod byte_net;
#[cfg(feature = "learn")]
mod causal;
#[cfg(feature = "learn")]
mod circuits;
#[cfg(feature = "learn")]
mod classic;
#[cfg(feature = "cli")]
mod cli;
#[cfg(feature = "cli")]
mod cli_bench;
#[cfg(feature = "cli")]
mod cli_simulate;
#[cfg(feature = "cli")]
mod cli_simulate_errors;
#[cfg(feature = "cli")]
mod cli_simulate_noise;
#[cfg(feature = "learn")]
mod cohort;
#[cfg(feature = "learn")]
mod cohort_scans;
#[cfg(feature = "learn")]
mod contents;
#[cfg(feature = "learn")]
mod contrastive;
#[cfg(feature = "learn")]
mod ctc;
#[cfg(feature = "learn")]
mod data;
#[cfg(feature = "cli")]
mod device_lists;
#[cfg(feature = "learn")]
mod diagnostic;
#[cfg(feature = "learn")]
mod energy;
mod engine_tables;
#[cfg(feature = "learn")]
mod environments;
#[cfg(feature = "learn")]
mod equivariance;
#[cfg(feature = "learn")]
mod fairness;
#[cfg(feature = "learn")]
mod fairtext;
#[cfg(feature = "learn")]
mod feature_files;
#[cfg(feature = "learn")]
mod forest;
#[cfg(feature = "learn")]
mod frozen_layers;
#[cfg(feature = "learn")]
mod fuse;
#[cfg(all(feature = "learn", target_os = "linux"))]
mod fuzz;
#[cfg(feature = "learn")]
mod fuzzy;
#[cfg(feature = "learn")]
mod genome;
#[cfg(feature = "learn")]
mod hatl;
#[cfg(feature = "learn")]
mod heads;
#[cfg(all(unix, feature = "cli"))]
mod hostile;
#[cfg(feature = "learn")]
mod kernels;
#[cfg(feature = "learn")]
mod landscape;
#[cfg(feature = "learn")]
mod layers;
#[cfg(feature = "learn")]
mod methods;
#[cfg(feature = "cli")]
mod noise_command;
#[cfg(feature = "learn")]
mod noise_robustness;
#[cfg(feature = "onnx")]
mod onnx;
#[cfg(feature = "learn")]
mod onnx_files;
#[cfg(feature = "learn")]
mod optimizers;
#[cfg(all(feature = "cli", unix))]
mod outputs;
#[cfg(feature = "cli")]
mod own_cells;
#[cfg(feature = "learn")]
mod own_circuit;
#[cfg(feature = "learn")]
mod own_table;
#[cfg(feature = "learn")]
mod pages;
#[cfg(feature = "learn")]
mod parts;
#[cfg(feature = "learn")]
mod penalties;
#[cfg(feature = "learn")]
mod phylogeny;
#[cfg(feature = "learn")]
mod picture_folders;
#[cfg(feature = "learn")]
mod plasticity;
#[cfg(feature = "learn")]
mod potential;
#[cfg(feature = "learn")]
mod pricing;
#[cfg(feature = "learn")]
mod release_rule;
#[cfg(feature = "learn")]
mod report;
#[cfg(feature = "learn")]
mod rotation;
#[cfg(feature = "learn")]
mod scanner;
#[cfg(feature = "learn")]
mod seizure;
mod seizure_arrays;
#[cfg(feature = "learn")]
mod sequences;
#[cfg(feature = "learn")]
mod signals;
#[cfg(feature = "learn")]
mod smear;
#[cfg(feature = "learn")]
mod soh;
#[cfg(feature = "learn")]
mod statistics;
#[cfg(feature = "learn")]
mod systems;
#[cfg(feature = "learn")]
mod tables;
#[cfg(feature = "learn")]
mod text;
#[cfg(feature = "learn")]
mod text_encoder;
#[cfg(feature = "learn")]
mod trained_heads;
#[cfg(feature = "learn")]
mod training;
#[cfg(feature = "learn")]
mod transfer;
#[cfg(feature = "learn")]
mod tuner;
#[cfg(feature = "learn")]
mod tuning;
#[cfg(feature = "learn")]
mod vision_transformers;
#[cfg(feature = "learn")]
mod voc;
#[cfg(feature = "learn")]
mod weight_files;
