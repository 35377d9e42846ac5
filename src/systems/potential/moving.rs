//! Molecular dynamics with a trained network.

use serde::{Deserialize, Serialize};

use crate::classic::dynamics::{Dynamics, State, Thermostat, slope};
use crate::data::structure::{Labels, Structure, extended_xyz};
use crate::lab::{Context, Measurement};
use crate::math::Stream;
use crate::math::neighbors::{Neighbors, Vector, dot, plus};
use crate::study::StudyError;
use crate::systems::potential::saved::Potential;
use crate::systems::potential::spec::DynamicsSpec;

/// Distances of pairs are counted up to here, in Å, in bins of this width.
const FARTHEST: f64 = 6.0;
const BIN: f64 = 0.1;

/// Temperature above which a trajectory is over, in K: the network has left what it knows.
const HOTTEST: f64 = 20_000.0;

/// Distances of pairs by bin, of the network's dynamics with a heat bath and of the frames of the high level: shares of all pairs,
/// or in a periodic cell the radial distribution function of the heaviest atoms.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Distances {
    /// The symbol of the heaviest atoms of a periodic cell.
    pub radial: Option<String>,
    /// Of the network.
    pub network: Vec<f64>,
    /// Of the frames.
    pub frames: Vec<f64>,
}

impl Distances {
    /// The middle of a bin in Å.
    pub fn middle(bin: usize) -> f64 {
        (bin as f64 + 0.5) * BIN
    }
}

/// Shares of the distances of all pairs nearer than [`FARTHEST`].
fn distances<'a>(frames: impl IntoIterator<Item = &'a Structure>) -> Result<Vec<f64>, StudyError> {
    let mut counts = vec![0.0; (FARTHEST / BIN).round() as usize];
    for frame in frames {
        let pairs = Neighbors::within(&frame.positions, frame.cell.as_ref(), FARTHEST);
        for vector in pairs.map_err(|reason| StudyError::Settings { reason })?.vectors {
            let bin = (dot(&vector, &vector).sqrt() / BIN) as usize;
            if let Some(count) = counts.get_mut(bin) {
                *count += 1.0;
            }
        }
    }
    let total: f64 = counts.iter().sum::<f64>().max(1.0);
    Ok(counts.into_iter().map(|count| count / total).collect())
}

/// The radial distribution function of the heaviest atoms of periodic frames: pairs at a distance over those of as many atoms
/// without order.
fn radial(frames: &[Structure]) -> Result<Option<(String, Vec<f64>)>, StudyError> {
    let heaviest = frames.first().and_then(|frame| frame.elements.iter().copied().max());
    let Some(heaviest) = heaviest else { return Ok(None) };
    let mut found = vec![0.0; (FARTHEST / BIN).round() as usize];
    for frame in frames {
        let Some(volume) = frame.cell.as_ref().and_then(|cell| cell.volume()) else { return Ok(None) };
        let own = frame.elements.iter().zip(&frame.positions).filter(|(element, _)| **element == heaviest);
        let points: Vec<Vector> = own.map(|(_, position)| *position).collect();
        let pairs = Neighbors::within(&points, frame.cell.as_ref(), FARTHEST);
        for vector in pairs.map_err(|reason| StudyError::Settings { reason })?.vectors {
            let bin = (dot(&vector, &vector).sqrt() / BIN) as usize;
            if let Some(value) = found.get_mut(bin) {
                let shell = 4.0 * std::f64::consts::PI * Distances::middle(bin).powi(2) * BIN;
                *value += volume / (points.len().pow(2) as f64 * shell * frames.len() as f64);
            }
        }
    }
    Ok(Some((heaviest.symbol().into(), found)))
}

/// A trajectory: its frames, the total energy at each step, mean temperature, and the share of the steps that were done.
struct Trajectory {
    frames: Vec<Structure>,
    energies: Vec<f64>,
    kelvin: f64,
    survived: f64,
}

fn trajectory(
    potential: &Potential,
    start: &Structure,
    (spec, thermostat, kelvin): (&DynamicsSpec, Option<Thermostat>, f64),
    stream: &mut Stream,
    context: &Context,
) -> Result<Trajectory, StudyError> {
    let masses = start.elements.iter().map(|element| element.mass()).collect();
    let dynamics = Dynamics { masses, step: spec.step, thermostat };
    let mut frame = Structure { labels: None, low: None, ..start.clone() };
    let mut evaluate = |positions: &[Vector]| -> Result<(f64, Vec<Vector>), StudyError> {
        frame.positions = positions.to_vec();
        let Labels { energy, forces } = potential.labels(&[&frame])?.remove(0);
        Ok((energy, forces))
    };
    let (energy, forces) = evaluate(&start.positions)?;
    let mut state =
        State { velocities: dynamics.thermal(kelvin, stream), positions: start.positions.clone(), energy, forces };
    let (mut frames, mut energies, mut sum) = (Vec::new(), Vec::new(), 0.0);
    for step in 1..=spec.steps {
        if step % 50 == 0 {
            context.proceed()?;
        }
        let previous = state.clone();
        let is_over = match dynamics.advance(&mut state, stream, &mut evaluate) {
            // Positions that have become no numbers have no neighbours.
            Err(StudyError::Settings { .. }) => true,
            Err(other) => return Err(other),
            Ok(()) => !state.energy.is_finite() || !(dynamics.temperature(&state) < HOTTEST),
        };
        if is_over {
            state = previous;
            break;
        }
        energies.push(state.energy + dynamics.kinetic(&state));
        sum += dynamics.temperature(&state);
        if step % spec.every == 0 {
            let labels = Some(Labels { energy: state.energy, forces: state.forces.clone() });
            frames.push(Structure { positions: state.positions.clone(), labels, low: None, ..start.clone() });
        }
    }
    let done = energies.len();
    if frames.is_empty() {
        frames.push(Structure { positions: state.positions.clone(), labels: None, low: None, ..start.clone() });
    }
    Ok(Trajectory { frames, energies, kelvin: sum / done.max(1) as f64, survived: done as f64 / spec.steps as f64 })
}

/// Dynamics from `start`: at constant energy, whose drift is measured, and with a heat bath, whose distances of pairs are
/// compared with those of `frames`.
///
/// # Errors
/// If the network fails, or the user stops the run.
pub fn run(
    potential: &Potential,
    (start, frames): (&Structure, &[&Structure]),
    spec: &DynamicsSpec,
    seed: u64,
    context: &Context,
) -> Result<Measurement, StudyError> {
    let mut stream = Stream::named(seed, "dynamics");
    let closed = trajectory(potential, start, (spec, None, spec.kelvin), &mut stream, context)?;
    let bath = Thermostat { kelvin: spec.bath, friction: spec.friction };
    let heated = trajectory(potential, start, (spec, Some(bath), spec.bath), &mut stream, context)?;
    // eV a step to meV a picosecond for each atom.
    let drift = slope(&closed.energies).abs() * 1e6 / (spec.step * start.len() as f64);
    let of_network = distances(&heated.frames[heated.frames.len() / 5..])?;
    let of_frames = distances(frames.iter().copied())?;
    let apart = of_network.iter().zip(&of_frames).map(|(a, b)| (a - b).abs()).sum::<f64>() / 2.0;
    let truth: Vec<Structure> = frames.iter().map(|frame| (*frame).clone()).collect();
    let shown = match (radial(&heated.frames[heated.frames.len() / 5..])?, radial(&truth)?) {
        (Some((symbol, network)), Some((_, frames))) => Distances { radial: Some(symbol), network, frames },
        _ => Distances { radial: None, network: of_network, frames: of_frames },
    };
    let mut found = Measurement::default()
        .value("survived", closed.survived.min(heated.survived))
        .value("temperature", closed.kelvin)
        .value("bath_temperature", heated.kelvin)
        .value("distance_error", apart)
        .keep("distances", &shown)
        .file("trajectory.xyz", extended_xyz(&closed.frames).into_bytes())
        .file("trajectory_bath.xyz", extended_xyz(&heated.frames).into_bytes());
    if closed.survived == 1.0 {
        found = found.value("drift", drift);
    }
    if start.cell.is_some() {
        found = found.value_if("diffusion", diffusion(&closed.frames, spec));
    }
    Ok(found)
}

/// The diffusion coefficient of the heaviest kind of atom in Å²/ps: a sixth of the slope of its mean squared displacement.
/// Positions are not folded back into the cell. `None` of fewer than four frames.
fn diffusion(frames: &[Structure], spec: &DynamicsSpec) -> Option<f64> {
    let heaviest = frames.first()?.elements.iter().copied().max()?;
    let atoms: Vec<usize> = (0..frames[0].len()).filter(|&k| frames[0].elements[k] == heaviest).collect();
    if frames.len() < 4 {
        return None;
    }
    let squared = |frame: &Structure| -> f64 {
        let of = |&atom: &usize| {
            let moved = plus(&frame.positions[atom], -1.0, &frames[0].positions[atom]);
            dot(&moved, &moved)
        };
        atoms.iter().map(of).sum::<f64>() / atoms.len() as f64
    };
    let displacements: Vec<f64> = frames.iter().map(squared).collect();
    // The first quarter is ballistic.
    let picoseconds = spec.step * spec.every as f64 / 1000.0;
    Some(slope(&displacements[displacements.len() / 4..]) / picoseconds / 6.0)
}
