//! Time and energy of a piece of work: measured by the processor's RAPL counters where they are readable, else estimated
//! from processor time, and always marked which.
//!
//! RAPL counts whole processor packages with all their processes. On a shared machine, or with several runs at a time,
//! a measured figure includes the other processes. Processor time is this process alone, all its threads.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// Where the kernel shows the counters (<https://docs.kernel.org/power/powercap/powercap.html>).
const POWERCAP: &str = "/sys/class/powercap";

/// How energy is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EnergySource {
    /// The folder of RAPL counters.
    pub powercap: PathBuf,
    /// Watts of one busy core, for the estimate: the processor's thermal design power over its cores.
    pub watts_per_core: f64,
    /// Grams of CO2 equivalent per kilowatt-hour of the local grid.
    pub grid_grams_per_kwh: f64,
}

impl Default for EnergySource {
    /// 10 W per core, as a 65 W desktop processor of 6 cores or a 280 W server processor of 28, and 475 g/kWh, the
    /// global average of 2018 (IEA, Global Energy & CO2 Status Report 2019).
    fn default() -> Self {
        Self { powercap: PathBuf::from(POWERCAP), watts_per_core: 10.0, grid_grams_per_kwh: 475.0 }
    }
}

impl EnergySource {
    /// The estimate for work of which only the processor time is known, such as a part of a process.
    pub fn estimate(&self, wall_seconds: f64, cpu_seconds: f64) -> Usage {
        Usage { wall_seconds, cpu_seconds, joules: cpu_seconds * self.watts_per_core, estimated: true }
    }

    /// Grams of CO2 equivalent for this many joules.
    pub fn grams_of_co2(&self, joules: f64) -> f64 {
        joules / 3.6e6 * self.grid_grams_per_kwh
    }
}

/// What a piece of work took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Usage {
    /// Seconds on the wall.
    pub wall_seconds: f64,
    /// Processor seconds of this process, summed over its threads.
    pub cpu_seconds: f64,
    /// Energy in joules.
    pub joules: f64,
    /// Whether `joules` is an estimate from processor time.
    pub estimated: bool,
}

/// A running measurement.
///
/// ```
/// use qgraft::study::energy::{EnergySource, Meter};
///
/// let meter = Meter::start(&EnergySource::default());
/// let usage = meter.stop();
/// assert!(usage.wall_seconds >= 0.0 && usage.joules >= 0.0);
/// ```
#[derive(Debug)]
pub struct Meter {
    began: Instant,
    cpu_before: f64,
    counters: Vec<Counter>,
    joules: f64,
    watts_per_core: f64,
}

impl Meter {
    /// Starts measuring.
    pub fn start(source: &EnergySource) -> Self {
        Self {
            counters: counters(&source.powercap),
            cpu_before: cpu_seconds(),
            joules: 0.0,
            watts_per_core: source.watts_per_core,
            began: Instant::now(),
        }
    }

    /// Reads the counters now. A counter wraps after minutes under load (a 262 kJ range at 100 W: 43 minutes), and two
    /// wraps between readings look like one: call this at least every ten minutes of long work.
    pub fn read(&mut self) {
        let spent: Option<f64> = self.counters.iter_mut().map(Counter::advance).sum();
        match spent {
            Some(joules) => self.joules += joules,
            // A counter that stopped being readable leaves no true sum: estimate the whole instead.
            None => self.counters.clear(),
        }
    }

    /// Ends the measurement.
    pub fn stop(mut self) -> Usage {
        let wall_seconds = self.began.elapsed().as_secs_f64();
        let cpu_seconds = cpu_seconds() - self.cpu_before;
        self.read();
        let estimated = self.counters.is_empty();
        let joules = if estimated { cpu_seconds * self.watts_per_core } else { self.joules };
        Usage { wall_seconds, cpu_seconds, joules, estimated }
    }
}

/// One energy counter: a processor package, or the memory behind it.
#[derive(Debug)]
struct Counter {
    file: PathBuf,
    last: u64,
    range: u64,
}

impl Counter {
    fn open(zone: &Path) -> Option<Self> {
        let name = fs::read_to_string(zone.join("name")).ok()?;
        // "core" and "uncore" are parts of their package, "psys" contains it: each would be counted twice.
        let counted = name.starts_with("package") || name.trim() == "dram";
        let file = zone.join("energy_uj");
        let (last, range) = (number(&file)?, number(&zone.join("max_energy_range_uj"))?);
        counted.then_some(Self { file, last, range })
    }

    /// Joules since the last reading.
    fn advance(&mut self) -> Option<f64> {
        let now = number(&self.file)?;
        let spent = if now >= self.last { now - self.last } else { self.range.saturating_sub(self.last) + now };
        self.last = now;
        Some(spent as f64 * 1e-6)
    }
}

/// The readable counters; none on a machine without RAPL or where only root may read it.
fn counters(powercap: &Path) -> Vec<Counter> {
    let Ok(zones) = fs::read_dir(powercap) else { return Vec::new() };
    let zones = zones.filter_map(|zone| Some(zone.ok()?.path()));
    // "intel-rapl-mmio:0" shows the same package a second time. AMD's zones bear the name intel-rapl as well.
    let rapl = |zone: &PathBuf| zone.file_name().is_some_and(|n| n.to_string_lossy().starts_with("intel-rapl:"));
    zones.filter(rapl).filter_map(|zone| Counter::open(&zone)).collect()
}

fn number(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

/// Processor seconds of the calling thread so far. The difference of two readings is what the thread did between them.
pub fn thread_cpu_seconds() -> f64 {
    seconds(ClockId::ThreadCPUTime)
}

fn cpu_seconds() -> f64 {
    seconds(ClockId::ProcessCPUTime)
}

fn seconds(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}
