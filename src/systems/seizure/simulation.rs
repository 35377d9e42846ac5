//! Simulated patients: coupled cortical columns behind a scalp, with everything else that electrodes record.

use std::f64::consts::PI;

use crate::data::signal::{Event, Recording, Signal};
use crate::math::Stream;

/// Steps a second of the integration; every fourth is a sample.
const STEPS: usize = 1024;
/// Samples a second.
pub const RATE: f64 = 256.0;
/// Columns of a patient.
const COLUMNS: usize = 8;
/// Electrodes.
pub const ELECTRODES: usize = 23;
/// Seconds that are thrown away at the start of a record.
const BURN_IN: usize = 2;

/// Constants of a column (Jansen and Rit 1995, doi 10.1007/BF00199471): rates in 1/s, potentials in mV.
const EXCITATORY_RATE: f64 = 100.0;
const INHIBITORY_RATE: f64 = 50.0;
const INHIBITORY_GAIN: f64 = 22.0;
const CONNECTIVITY: [f64; 4] = [135.0, 108.0, 33.75, 33.75];

/// Mean firing rate of a population at this potential.
fn sigmoid(potential: f64) -> f64 {
    5.0 / (1.0 + (0.56 * (6.0 - potential)).exp())
}

/// What drives a column.
#[derive(Clone, Copy, Debug)]
struct Drive {
    /// Excitatory gain, mV.
    gain: f64,
    /// Mean input, 1/s.
    input: f64,
    /// Inhibitory rate, 1/s.
    rate: f64,
}

/// What differs from patient to patient.
#[derive(Clone, Debug)]
struct Traits {
    /// What drives columns between seizures.
    rest: Drive,
    /// What seizures change.
    seizure: Drive,
    /// Columns that can seize.
    focus: Vec<bool>,
    coupling: f64,
    noise: f64,
    /// (electrodes, columns).
    mixing: Vec<[f64; COLUMNS]>,
    scale: f64,
    /// Exponent of the 1/f noise and its standard deviation, microvolts.
    pink: (f64, f64),
    /// Blinks and muscle bursts a second, with microvolts.
    blinks: (f64, f64),
    bursts: (f64, f64),
    /// Microvolts and hertz.
    hum: (f64, f64),
}

impl Traits {
    fn new(stream: &mut Stream) -> Self {
        let mut between = |low: f64, high: f64| low + (high - low) * stream.uniform();
        // Both kinds are rhythms of 4 to 6 Hz with several times the amplitude of the rhythm at rest: more excitation with less
        // input, or slower inhibition.
        let seizure = match between(0.0, 1.0) < 0.5 {
            true => Drive { gain: between(3.7, 4.4), input: between(110.0, 170.0), rate: INHIBITORY_RATE },
            false => Drive { gain: between(3.2, 3.5), input: between(180.0, 220.0), rate: between(38.0, 46.0) },
        };
        let first = between(0.0, COLUMNS as f64) as usize;
        // 3 to 6 of 8.
        let size = 3 + between(0.0, 4.0) as usize;
        let focus = (0..COLUMNS).map(|k| (k + COLUMNS - first) % COLUMNS < size).collect();
        let angles: Vec<f64> = (0..COLUMNS).map(|k| 2.0 * PI * (k as f64 + between(-0.5, 0.5)) / 8.0).collect();
        let widths: Vec<f64> = (0..COLUMNS).map(|_| between(0.4, 1.0)).collect();
        let gains: Vec<f64> = (0..COLUMNS).map(|_| between(0.5, 1.5)).collect();
        let mixing = (0..ELECTRODES)
            .map(|electrode| {
                let at = 2.0 * PI * electrode as f64 / ELECTRODES as f64;
                std::array::from_fn(|k| {
                    let apart = (at - angles[k] + PI).rem_euclid(2.0 * PI) - PI;
                    gains[k] * (-apart * apart / (2.0 * widths[k] * widths[k])).exp()
                })
            })
            .collect();
        Self {
            rest: Drive { gain: between(3.0, 3.4), input: 220.0, rate: INHIBITORY_RATE },
            seizure,
            focus,
            coupling: between(2.0, 6.0),
            noise: between(22.0, 50.0),
            mixing,
            scale: between(0.5, 2.0),
            pink: (between(0.8, 1.4), between(30.0, 80.0)),
            blinks: (between(0.1, 0.3), between(50.0, 150.0)),
            bursts: (between(0.05, 0.2), between(10.0, 40.0)),
            hum: (between(0.5, 5.0), 50.0),
        }
    }
}

/// The recordings of a patient: `records` of `seconds` each, the second half of each a seizure. No two seizures of a patient are
/// alike. A function of (seed, patient) alone.
pub fn patient(seed: u64, patient: usize, records: usize, seconds: usize) -> Vec<Recording> {
    let mut stream = Stream::named(seed, &format!("patient {patient}"));
    let traits = Traits::new(&mut stream);
    (0..records)
        .map(|k| {
            let mut own = Stream::named(seed, &format!("patient {patient}, record {k}"));
            record(&traits, seconds, k, &mut own)
        })
        .collect()
}

fn record(traits: &Traits, seconds: usize, number: usize, stream: &mut Stream) -> Recording {
    let onset = seconds / 2;
    let mut near = |value: f64, share: f64| value * (1.0 + share * (2.0 * stream.uniform() - 1.0));
    let Drive { gain, input, rate } = traits.seizure;
    let seizure = Drive { gain: near(gain, 0.04), input: near(input, 0.1), rate };
    // Electrodes and noise differ from record to record.
    let (scale, noise) = (near(1.0, 0.3) * traits.scale, near(1.0, 0.5) * traits.pink.1);
    let sources = columns(traits, seconds, onset, seizure, stream);
    let count = seconds * RATE as usize;
    let mut signals = Vec::with_capacity(ELECTRODES);
    let blinks = events(traits.blinks.0, seconds, stream);
    let (hum, phase) = (traits.hum.1, 2.0 * PI * stream.uniform());
    for (electrode, gains) in traits.mixing.iter().enumerate() {
        let mut samples = vec![0.0f64; count];
        for (time, sample) in samples.iter_mut().enumerate() {
            // A column's potential is of the order of millivolts, of which some percent reach the scalp.
            *sample = 4.0 * scale * (0..COLUMNS).map(|k| gains[k] * sources[k][time]).sum::<f64>();
        }
        for (sample, value) in samples.iter_mut().zip(pink(traits.pink.0, count, stream)) {
            *sample += noise * value;
        }
        // The eyes are before the first electrodes.
        let front = (-((electrode as f64).min((ELECTRODES - electrode) as f64)).powi(2) / 8.0).exp();
        for &at in &blinks {
            for (time, sample) in samples.iter_mut().enumerate() {
                let distance = (time as f64 / RATE - at) / 0.1;
                *sample += traits.blinks.1 * front * (-distance * distance / 2.0).exp();
            }
        }
        for at in events(traits.bursts.0, seconds, stream) {
            let (first, last) = ((at * RATE) as usize, ((at + 0.5) * RATE) as usize);
            let mut before = 0.0;
            for sample in &mut samples[first.min(count)..last.min(count)] {
                // Differences of white noise rise with the frequency, as muscles do.
                let now = stream.normal();
                *sample += traits.bursts.1 * (now - before);
                before = now;
            }
        }
        for (time, sample) in samples.iter_mut().enumerate() {
            *sample += traits.hum.0 * (2.0 * PI * hum * time as f64 / RATE + phase).sin();
        }
        let samples = samples.into_iter().map(|value| value as f32).collect();
        signals.push(Signal { label: format!("E{}", electrode + 1), rate: Some(RATE), samples });
    }
    let event = Event { onset: onset as f64, duration: (seconds - onset) as f64, text: "seizure".into() };
    Recording { name: format!("record {}", number + 1), signals, events: Some(vec![event]), notices: Vec::new() }
}

/// Times of events at this rate.
fn events(rate: f64, seconds: usize, stream: &mut Stream) -> Vec<f64> {
    let mut found = Vec::new();
    let mut at = 0.0;
    loop {
        at -= (1.0 - stream.uniform()).ln() / rate;
        if at >= seconds as f64 {
            return found;
        }
        found.push(at);
    }
}

/// Potentials of the columns, mV with their mean removed: second-order filters of firing rates, by Euler's method with noise that
/// is scaled by the root of the step.
fn columns(traits: &Traits, seconds: usize, onset: usize, seizure: Drive, stream: &mut Stream) -> Vec<Vec<f64>> {
    let dt = 1.0 / STEPS as f64;
    // The standard deviation of the input is that of values held for a millisecond.
    let kick = traits.noise * (dt * 1e-3).sqrt();
    let mut state = [[0.0f64; 6]; COLUMNS];
    let mut found: Vec<Vec<f64>> = vec![Vec::new(); COLUMNS];
    let [c1, c2, c3, c4] = CONNECTIVITY;
    // Not every column of the focus takes part in every seizure.
    let takes_part: Vec<bool> = traits.focus.iter().map(|in_focus| stream.uniform() < 0.75 && *in_focus).collect();
    for step in 0..(seconds + BURN_IN) * STEPS {
        let is_seizure = step >= (onset + BURN_IN) * STEPS;
        let outputs: [f64; COLUMNS] = std::array::from_fn(|k| state[k][1] - state[k][2]);
        let rates: [f64; COLUMNS] = outputs.map(sigmoid);
        for k in 0..COLUMNS {
            let Drive { gain, input, rate: b } = if is_seizure && takes_part[k] { seizure } else { traits.rest };
            let neighbours = rates[(k + 1) % COLUMNS] + rates[(k + COLUMNS - 1) % COLUMNS];
            let input = input + traits.coupling * neighbours;
            let [y0, y1, y2, v0, v1, v2] = state[k];
            let a = EXCITATORY_RATE;
            let v0 = v0 + dt * (gain * a * rates[k] - 2.0 * a * v0 - a * a * y0);
            let drive = gain * a * (input + c2 * sigmoid(c1 * y0));
            let v1 = v1 + dt * (drive - 2.0 * a * v1 - a * a * y1) + gain * a * kick * stream.normal();
            let v2 = v2 + dt * (INHIBITORY_GAIN * b * c4 * sigmoid(c3 * y0) - 2.0 * b * v2 - b * b * y2);
            state[k] = [y0 + dt * v0, y1 + dt * v1, y2 + dt * v2, v0, v1, v2];
        }
        if step >= BURN_IN * STEPS && (step + 1) % (STEPS / RATE as usize) == 0 {
            for k in 0..COLUMNS {
                found[k].push(state[k][1] - state[k][2]);
            }
        }
    }
    for column in &mut found {
        let mean = column.iter().sum::<f64>() / column.len().max(1) as f64;
        column.iter_mut().for_each(|value| *value -= mean);
    }
    found
}

/// Noise of unit variance whose power falls about as frequency^-exponent between 0.5 and 64 Hz: a sum of noises with one time
/// constant each.
fn pink(exponent: f64, count: usize, stream: &mut Stream) -> Vec<f64> {
    let corners: [f64; 8] = std::array::from_fn(|k| 0.5 * 2f64.powi(k as i32));
    // Each noise has its power below its corner; 1/f needs the same variance from each.
    let variances = corners.map(|corner| corner.powf(1.0 - exponent));
    let sum: f64 = variances.iter().sum();
    let parts: [(f64, f64); 8] = std::array::from_fn(|k| {
        let keep = (-2.0 * PI * corners[k] / RATE).exp();
        (keep, (variances[k] / sum * (1.0 - keep * keep)).sqrt())
    });
    let mut state: [f64; 8] = std::array::from_fn(|k| (variances[k] / sum).sqrt() * stream.normal());
    (0..count)
        .map(|_| {
            for (value, (keep, kick)) in state.iter_mut().zip(parts) {
                *value = keep * *value + kick * stream.normal();
            }
            state.iter().sum()
        })
        .collect()
}
